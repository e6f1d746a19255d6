//! The `pitlane` command: what a person types. Data goes to standard output, talk to standard error.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to the person at the terminal is its job"
)]

mod cli;
mod commands;
mod exit;
mod inputs;
mod play;
mod progress;
mod sample;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::quiet_broken_pipe();
    let outcome = match Cli::parse().command {
        Command::Run(args) => commands::run::run(&args),
        Command::Replay(args) => commands::replay::replay(&args),
        Command::Stats(args) => commands::stats::stats(&args),
        Command::Import(args) => commands::import::import(&args),
        Command::Export(args) => commands::export::export(&args),
        Command::Config(command) => commands::config::config(&command),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "pitlane",
                &mut std::io::stdout(),
            );
            Ok(exit::OK)
        }
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("pitlane: {error:#}");
            ExitCode::from(exit::code_of(&error))
        }
    }
}
