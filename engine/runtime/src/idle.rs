//! What a thread does when a whole duty cycle found no work.
//!
//! The strategy is a small state machine that answers "what now"; it never waits itself,
//! so that it can be tested without time passing. The runner carries the answer out.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Idle cycles that only spin before anything slower is tried: about the time in which a
/// neighbour on another core answers.
const SPINS: u32 = 64;
/// Cycles that then yield, so that a neighbour on the same core gets its turn at once.
const YIELDS: u32 = 16;
/// First and longest sleep of the backoff strategy.
const SLEEP_MIN: Duration = Duration::from_micros(20);
const SLEEP_MAX: Duration = Duration::from_millis(1);

/// The idle strategy of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdleKind {
    /// Never leaves the core. Only for a core that is exclusively ours.
    Spin,
    /// Gives the core to whoever waits for it, and uses it whole when nobody does.
    Yield,
    /// Spins, yields, then sleeps for growing times up to a millisecond.
    Backoff,
    /// Spins, yields, then sleeps until it is woken or its next timer is due.
    Park,
}

impl fmt::Display for IdleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Spin => "spin",
            Self::Yield => "yield",
            Self::Backoff => "backoff",
            Self::Park => "park",
        })
    }
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Tell the core that this is a waiting loop, and poll again.
    Spin,
    /// Offer the core to others, and poll again.
    Yield,
    /// Sleep that long.
    Sleep(Duration),
    /// Sleep until woken, at most until the next timer.
    Park,
}

/// The strategy of one thread and how long it has been idle.
#[derive(Clone, Debug)]
pub struct Idle {
    kind: IdleKind,
    cycles: u32,
    sleep: Duration,
}

impl Idle {
    /// A thread that has just worked.
    pub fn new(kind: IdleKind) -> Self {
        Self {
            kind,
            cycles: 0,
            sleep: SLEEP_MIN,
        }
    }

    /// The last duty cycle did something.
    #[inline]
    pub fn worked(&mut self) {
        self.cycles = 0;
        self.sleep = SLEEP_MIN;
    }

    /// The last duty cycle did nothing.
    #[inline]
    pub fn rest(&mut self) -> Rest {
        match self.kind {
            IdleKind::Spin => return Rest::Spin,
            IdleKind::Yield => return Rest::Yield,
            IdleKind::Backoff | IdleKind::Park => {}
        }
        if self.cycles < SPINS + YIELDS {
            self.cycles += 1;
            return if self.cycles <= SPINS {
                Rest::Spin
            } else {
                Rest::Yield
            };
        }
        if self.kind == IdleKind::Park {
            return Rest::Park;
        }
        let sleep = self.sleep;
        self.sleep = (sleep * 2).min(SLEEP_MAX);
        Rest::Sleep(sleep)
    }
}
