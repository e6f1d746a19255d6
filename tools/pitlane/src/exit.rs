//! Exit codes, and the errors that carry one.

use std::fmt;

/// Every input was accounted for.
pub const OK: u8 = 0;
/// Something failed.
pub const FAILURE: u8 = 1;
/// The command line makes no sense.
pub const USAGE: u8 = 2;
/// The configuration, or what it asks of this machine, is wrong.
pub const CONFIG: u8 = 78;
/// Ended by SIGINT.
pub const INTERRUPTED: u8 = 130;

/// An error with an exit code of its own.
#[derive(Debug)]
pub struct Exit {
    code: u8,
    message: String,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for Exit {}

/// What was typed makes no sense.
pub fn usage(message: impl fmt::Display) -> anyhow::Error {
    Exit {
        code: USAGE,
        message: message.to_string(),
    }
    .into()
}

/// The configuration is wrong.
pub fn config(message: impl fmt::Display) -> anyhow::Error {
    Exit {
        code: CONFIG,
        message: message.to_string(),
    }
    .into()
}

/// The exit code an error asks for; a failure where it asks for none.
pub fn code_of(error: &anyhow::Error) -> u8 {
    error
        .downcast_ref::<Exit>()
        .map_or(FAILURE, |exit| exit.code)
}
