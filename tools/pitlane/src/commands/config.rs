//! `pitlane config`: check a configuration, or print one.

use crate::cli::ConfigCommand;
use crate::{exit, inputs, output};
use pitlane_edges::config::Config;

/// Runs the command.
pub fn config(command: &ConfigCommand) -> anyhow::Result<u8> {
    match command {
        ConfigCommand::Check { file } => {
            let config = inputs::load(file)?;
            inputs::core_map(&config)?;
            output::print_line(format_args!("{}: good", file.display()))?;
        }
        ConfigCommand::Print { .. } => output::print(Config::defaults_toml())?,
    }
    Ok(exit::OK)
}
