//! A bar on a terminal, silence in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// Shows how many bytes of the input are done, if somebody is looking.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar over `total` bytes; hidden if asked for, or if standard error is no terminal.
    pub fn new(total: u64, quiet: bool) -> Self {
        let bar = ProgressBar::new(total);
        let style = ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes}  {msg}  {eta}");
        bar.set_style(style.expect("a template without faults"));
        if quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self(bar)
    }

    /// A line without an end.
    pub fn line(quiet: bool) -> Self {
        let line = Self::new(0, quiet);
        let style = ProgressStyle::with_template("{msg}");
        line.0.set_style(style.expect("a template without faults"));
        line
    }

    /// What the line says.
    pub fn say(&self, message: String) {
        self.0.set_message(message);
    }

    /// Lets something be said without the line in its way.
    pub fn beside(&self, say: impl FnOnce()) {
        self.0.suspend(say);
    }

    /// Whether anybody sees it.
    pub fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }

    /// A bar over a time.
    pub fn of_time(total: Duration, quiet: bool) -> Self {
        let bar = Self::new(millis(total), quiet);
        let style = ProgressStyle::with_template("{bar:32} {msg}");
        bar.0.set_style(style.expect("a template without faults"));
        bar
    }

    /// Says how much of the time has passed.
    pub fn passed(&self, time: Duration, message: &str) {
        self.0.set_position(millis(time));
        self.0.set_message(message.to_owned());
    }

    /// Says how far it is.
    pub fn at(&self, done: u64, total: u64, message: String) {
        self.0.set_length(total);
        self.0.set_position(done.min(total));
        self.0.set_message(message);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
