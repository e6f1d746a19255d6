//! Log lines whose text is made far from whoever logs.
//!
//! A [`log!`](crate::log!) call writes the call site, the raw time and plain arguments into the
//! agent's lossy ring: no text, no allocation, no waiting. The [`Logger`] agent owns the file and
//! makes the sentences. When a ring is full the line is dropped and counted, and the count is
//! written where the gap is. Rare events with long text (a panic, a lifecycle step, an error from
//! a cold edge) go through [`Notices`] instead.

use pitlane_lockfree::counters::{Counter, CountersPage, Owner, PageError};
use pitlane_lockfree::declare;
use pitlane_lockfree::ring::{EdgeCounters, LossyConsumer, LossyProducer, lossy_ring};
use serde::{Deserialize, Serialize};

mod distinct;
mod file;
mod logger;
mod notice;
mod record;
mod render;
#[cfg(test)]
mod tests;

pub use logger::{DECLARED as LOGGER_DECLARED, LogFile, Logger, LoggerOptions};
pub use notice::{Notice, Notices};
pub use record::{Argument, Record, Site, TEXT_BYTES};

use crate::clock::Clock;

declare! {
    /// Lines of level error an agent has written, those among them that were dropped.
    ERRORS_TOLD = counter(45, Owner::LoggingAgent, "errors_told", Count);
}

/// Lines a ring holds: at the logger's rhythm of 50 ms that is 20,000 lines a second per agent.
pub const RING_LINES: usize = 1024;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What happened.
    Info,
    /// Something is not as it should be, and the engine copes.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// As it stands in a line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Writes a line: `log!(handle, Level::Warn, "book of {} reset: expected {}", symbol, id)`.
///
/// Up to four arguments: integers, floats, booleans, and short texts that share
/// [`TEXT_BYTES`](crate::log::TEXT_BYTES) bytes. The number of `{}` is checked when compiling.
/// `seq = n` after the level names the input the line is about.
#[macro_export]
macro_rules! log {
    ($log:expr, $level:expr, seq = $sequence:expr, $template:literal $(, $argument:expr)* $(,)?) => {{
        static SITE: $crate::log::Site = $crate::log::Site::new(
            $level,
            $template,
            file!(),
            line!(),
            0 $(+ { let _ = stringify!($argument); 1 })*,
        );
        if $log.takes(SITE.level()) {
            $log.write($crate::log::Record::new(&SITE, $sequence)$(.with($argument))*);
        }
    }};
    ($log:expr, $level:expr, $template:literal $(, $argument:expr)* $(,)?) => {
        $crate::log!($log, $level, seq = 0, $template $(, $argument)*)
    };
}

/// One agent's handle for logging. It has one writer: the agent.
pub struct Log {
    lines: LossyProducer<Record>,
    clock: Clock,
    level: Level,
    errors: Counter,
}

impl Log {
    /// A handle whose lines go nowhere, for tests and for agents stepped alone.
    pub fn nowhere() -> Self {
        let (lines, _) = lossy_ring(1, EdgeCounters::private());
        Self {
            lines,
            clock: Clock::manual(0).0,
            level: Level::Error,
            errors: Counter::private(),
        }
    }

    /// Whether lines of this level are kept.
    #[inline]
    pub fn takes(&self, level: Level) -> bool {
        level >= self.level
    }

    /// Sends a line, or drops and counts it. Use the [`log!`](crate::log!) macro.
    #[inline]
    pub fn write(&mut self, mut record: Record) {
        record.stamp(self.clock.raw(), self.lines.dropped());
        if record.site().level() == Level::Error {
            self.errors.add(1);
        }
        self.lines.try_push(record);
    }

    /// Lines dropped so far because the ring was full.
    pub fn dropped(&self) -> u64 {
        self.lines.dropped()
    }
}

/// Makes the rings: one handle per agent, the other ends for the logger.
pub struct LogRings {
    clock: Clock,
    level: Level,
    page: CountersPage,
    ends: Vec<(String, LossyConsumer<Record>)>,
}

impl LogRings {
    /// Rings that take lines of at least this level.
    pub fn new(clock: Clock, level: Level, page: CountersPage) -> Self {
        Self {
            clock,
            level,
            page,
            ends: Vec::new(),
        }
    }

    /// The handle of an agent. An agent has one.
    pub fn handle(&mut self, agent: &str) -> Result<Log, PageError> {
        let counters = EdgeCounters::on(&self.page, &format!("log.{agent}"), agent, logger::ROLE)?;
        let (lines, end) = lossy_ring(RING_LINES, counters);
        let errors = self.page.declared_counter(agent, &ERRORS_TOLD)?;
        self.ends.push((agent.to_owned(), end));
        Ok(Log {
            errors,
            lines,
            clock: self.clock.clone(),
            level: self.level,
        })
    }
}
