//! Stops work that keeps failing, and tries again after a while.
//!
//! `CLOSED` lets everything pass. So many errors without a pause between them open it: nothing passes until the reset
//! time is over. Then it is `HALF_OPEN`: one trial passes, and its outcome closes or opens it.
//! Errors are forgotten when the last of them is a while ago.
//! Only errors of the guarded operation count; an answer that says no to a business item is an answer.
//! Times are nanoseconds of one clock of the caller's, which never decreases.

use std::fmt;
use std::time::Duration;

/// Where a breaker stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BreakerState {
    /// Everything passes.
    Closed,
    /// Nothing does.
    Open,
    /// One trial does.
    HalfOpen,
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "CLOSED",
            Self::Open => "OPEN",
            Self::HalfOpen => "HALF_OPEN",
        })
    }
}

/// The figures of a [`Breaker`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BreakerRules {
    /// Errors that open it.
    pub failures: u64,
    /// How long it stays open, and how long a trial may take before another is allowed.
    pub reset: Duration,
    /// Errors are forgotten so long after the last one.
    pub forget: Duration,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            failures: 5,
            reset: Duration::from_mins(1),
            forget: Duration::from_mins(1),
        }
    }
}

/// What a breaker says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BreakerStats {
    /// Errors that are not forgotten.
    pub error_count: u64,
    /// It is open, or waits for the outcome of a trial.
    pub is_open: bool,
    /// When it opened last, ns; none if it never did.
    pub last_trip_time: Option<u64>,
}

/// The breaker let nothing pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Open, or half open with a trial under way.
    pub state: BreakerState,
    /// When it is worth trying again.
    pub retry_in: Duration,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.retry_in.as_nanos().div_ceil(1_000_000);
        write!(f, "Circuit breaker is {}; try again in {ms} ms", self.state)
    }
}

impl std::error::Error for Refused {}

/// How an operation that was let pass did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault<E> {
    /// It failed: this counts.
    Failed(E),
    /// It worked, and the answer is no: this does not count.
    Rejected(E),
}

/// Why [`Breaker::execute`] has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExecuteError<E> {
    /// The operation was not run.
    Refused(Refused),
    /// It was, and this came of it.
    Fault(Fault<E>),
}

impl<E: fmt::Display> fmt::Display for ExecuteError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Fault(Fault::Failed(error) | Fault::Rejected(error)) => error.fmt(f),
        }
    }
}

impl<E: fmt::Display + fmt::Debug> std::error::Error for ExecuteError<E> {}

/// A circuit breaker around one kind of operation.
#[derive(Clone, Debug)]
pub struct Breaker {
    rules: BreakerRules,
    state: BreakerState,
    errors: u64,
    last_error: u64,
    last_trip: Option<u64>,
    trial_since: u64,
}

impl Breaker {
    /// Closed, without an error.
    pub fn new(rules: BreakerRules) -> Self {
        Self {
            rules,
            state: BreakerState::Closed,
            errors: 0,
            last_error: 0,
            last_trip: None,
            trial_since: 0,
        }
    }

    /// Whether an operation may run now. In `OPEN` after the reset time the answer is yes once: that is the trial.
    #[inline]
    pub fn can_execute(&mut self, now_ns: u64) -> bool {
        if self.state == BreakerState::Closed {
            return true;
        }
        if !self.wait(now_ns).is_zero() {
            return false;
        }
        self.state = BreakerState::HalfOpen;
        self.trial_since = now_ns;
        true
    }

    /// Runs the operation if it may run, and records its outcome at the time it is given, since it takes none.
    pub fn execute<T, E>(
        &mut self,
        now_ns: u64,
        operation: impl FnOnce() -> Result<T, Fault<E>>,
    ) -> Result<T, ExecuteError<E>> {
        if !self.can_execute(now_ns) {
            return Err(ExecuteError::Refused(self.refused(now_ns)));
        }
        let outcome = operation();
        if matches!(outcome, Err(Fault::Failed(_))) {
            self.record_error(now_ns);
        } else {
            self.record_success();
        }
        outcome.map_err(ExecuteError::Fault)
    }

    /// An operation failed. True if that opened the breaker: told once a trip.
    pub fn record_error(&mut self, now_ns: u64) -> bool {
        self.errors = self.counted(now_ns).saturating_add(1);
        self.last_error = now_ns;
        let trips = match self.state {
            BreakerState::Closed => self.errors >= self.rules.failures,
            BreakerState::HalfOpen => true,
            // an operation that was under way when it opened
            BreakerState::Open => false,
        };
        if trips {
            self.state = BreakerState::Open;
            self.last_trip = Some(now_ns);
        }
        trips
    }

    /// An operation succeeded. True if that closed the breaker.
    pub fn record_success(&mut self) -> bool {
        let closes = self.state == BreakerState::HalfOpen;
        if closes {
            self.state = BreakerState::Closed;
            self.errors = 0;
        }
        closes
    }

    /// Whether it is not closed.
    pub fn is_tripped(&self) -> bool {
        self.state != BreakerState::Closed
    }

    /// Where it stands.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// What to tell whoever is not let pass.
    pub fn refused(&self, now_ns: u64) -> Refused {
        Refused {
            state: self.state,
            retry_in: self.wait(now_ns),
        }
    }

    /// Its figures.
    pub fn stats(&self, now_ns: u64) -> BreakerStats {
        BreakerStats {
            error_count: self.counted(now_ns),
            is_open: self.is_tripped(),
            last_trip_time: self.last_trip,
        }
    }

    /// Errors that are not forgotten at `now_ns`.
    fn counted(&self, now_ns: u64) -> u64 {
        let age = Duration::from_nanos(now_ns.saturating_sub(self.last_error));
        if age >= self.rules.forget {
            0
        } else {
            self.errors
        }
    }

    /// How long until the next trial may run.
    fn wait(&self, now_ns: u64) -> Duration {
        let since = match self.state {
            BreakerState::Closed => return Duration::ZERO,
            BreakerState::Open => self.last_trip.unwrap_or(0),
            BreakerState::HalfOpen => self.trial_since,
        };
        let waited = Duration::from_nanos(now_ns.saturating_sub(since));
        self.rules.reset.saturating_sub(waited)
    }
}

#[cfg(test)]
mod tests;
