//! The `pitlane` command: what a person types. Data goes to standard output, talk to standard error.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod doctor;
mod exit;
mod inputs;
mod live;
mod output;
mod play;
mod progress;
mod sample;
mod signals;
mod top;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => commands::run::run(&args),
        Command::Replay(args) => commands::replay::replay(&args),
        Command::Capture(args) => commands::capture::capture(&args),
        Command::Stats(args) => commands::stats::stats(&args),
        Command::Top(args) => commands::top::top(&args),
        Command::Venue(args) => commands::venue::venue(&args),
        Command::Import(args) => commands::import::import(&args),
        Command::Export(args) => commands::export::export(&args),
        Command::Doctor(args) => commands::doctor::doctor(&args),
        Command::Config(command) => commands::config::config(&command),
        Command::Completions { shell } => completions(shell),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) if output::reader_is_gone(&error) => ExitCode::from(exit::OK),
        Err(error) => {
            output::say(format_args!("pitlane: {}", output::told(&error)));
            ExitCode::from(exit::code_of(&error))
        }
    }
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pitlane", &mut script);
    output::print(String::from_utf8(script)?)?;
    Ok(exit::OK)
}
