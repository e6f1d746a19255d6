//! What is printed: data to standard output, where a failure is an error, and talk to standard error, where it is not.

use anyhow::Context;
use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Writes to standard output, all of it or an error.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}")
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

/// Writes a line to standard output.
pub fn print_line(text: impl Display) -> anyhow::Result<()> {
    print(format_args!("{text}\n"))
}

/// Says a line on standard error; if nobody can hear it, nothing is lost that the exit code does not say.
pub fn say(text: impl Display) {
    writeln!(std::io::stderr().lock(), "{text}").ok();
}

/// Whether the reader of our output went away, as in `pitlane ... | head`.
pub fn reader_is_gone(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

/// An error with its causes, without those whose text it already holds.
pub fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
