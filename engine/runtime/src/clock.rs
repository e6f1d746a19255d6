//! One clock for everything that is measured: the raw counter, read once per duty cycle.
//!
//! A raw reading has no unit and no epoch.
//! It becomes nanoseconds by [`Clock::delta_ns`] and wall time by an [`Anchor`],
//! and both happen far from the hot path, when somebody reads the numbers.
//! Domain logic never sees this clock: its time is on the message.

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The clock. Cloning it is cheap; all clones read the same counter.
#[derive(Clone, Debug)]
pub struct Clock {
    source: quanta::Clock,
    /// Set for a manual clock: the wall time that belongs to raw zero.
    virtual_epoch: Option<i64>,
}

/// Moves a manual clock, so that tests and simulations own time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<quanta::Mock>);

/// One moment on three clocks: what turns raw readings into times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The raw counter.
    pub raw: u64,
    /// Nanoseconds of the monotonic clock.
    pub mono_ns: u64,
    /// Nanoseconds since 1970 of the realtime clock.
    pub wall_ns: i64,
}

/// The first and the latest anchor of a run, and so the drift of the raw counter between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchors {
    /// Taken when the run began.
    pub first: Anchor,
    /// Taken last.
    pub last: Anchor,
    /// How many were taken.
    pub count: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// The machine's fastest counter.
    /// The first call in a process calibrates it, which can take some 100 ms: make the clock
    /// before anything is timed.
    pub fn new() -> Self {
        Self {
            source: quanta::Clock::new(),
            virtual_epoch: None,
        }
    }

    /// A clock that stands still until told to move. Raw zero is `epoch` nanoseconds since 1970.
    pub fn manual(epoch: i64) -> (Self, ManualClock) {
        let (source, mock) = quanta::Clock::mock();
        let clock = Self {
            source,
            virtual_epoch: Some(epoch),
        };
        (clock, ManualClock(mock))
    }

    /// The raw counter now.
    #[inline]
    pub fn raw(&self) -> u64 {
        self.source.raw()
    }

    /// Nanoseconds between two raw readings; zero when `to` is not after `from`.
    #[inline]
    pub fn delta_ns(&self, from: u64, to: u64) -> u64 {
        self.source.delta_as_nanos(from, to)
    }

    /// Nanoseconds since a raw reading.
    #[inline]
    pub fn since_ns(&self, from: u64) -> u64 {
        self.delta_ns(from, self.raw())
    }

    /// The raw reading that will be due `time` after `raw`, and not earlier by [`Clock::delta_ns`].
    pub fn after(&self, raw: u64, time: Duration) -> u64 {
        // The counter converts in one direction only, so its rate is taken over a long span.
        const SPAN: u64 = 1 << 50;
        let span_ns = u128::from(self.delta_ns(0, SPAN).max(1));
        let counts = time.as_nanos().saturating_mul(u128::from(SPAN)) / span_ns;
        let mut due = raw.saturating_add(u64::try_from(counts).unwrap_or(u64::MAX));
        // Both ways are rounded down, which is a count or two.
        while u128::from(self.delta_ns(raw, due)) < time.as_nanos() && due < u64::MAX {
            due += 1;
        }
        due
    }

    /// Counts of the raw counter in a second.
    pub fn ticks_per_second(&self) -> u64 {
        self.after(0, Duration::from_secs(1))
    }

    /// All three clocks at one moment.
    pub fn anchor(&self) -> Anchor {
        if let Some(epoch) = self.virtual_epoch {
            let raw = self.raw();
            let elapsed = i64::try_from(raw).unwrap_or(i64::MAX);
            return Anchor {
                raw,
                mono_ns: raw,
                wall_ns: epoch.saturating_add(elapsed),
            };
        }
        // A reading between two raw ones is known to within their distance, so the tightest of a
        // few attempts is kept: a preemption in the middle must not bend the time line.
        let attempt = || {
            let before = self.raw();
            let mono = ns_of(ClockId::Monotonic);
            let wall = ns_of(ClockId::Realtime);
            let after = self.raw();
            let width = after.saturating_sub(before);
            (
                width,
                Anchor {
                    raw: before + width / 2,
                    mono_ns: u64::try_from(mono).unwrap_or(0),
                    wall_ns: wall,
                },
            )
        };
        let mut best = attempt();
        for _ in 0..3 {
            let next = attempt();
            if next.0 < best.0 {
                best = next;
            }
        }
        best.1
    }

    /// Wall time of a raw reading, by the anchor taken nearest to it.
    pub fn to_wall(&self, anchor: &Anchor, raw: u64) -> i64 {
        let after = self.delta_ns(anchor.raw, raw);
        let before = self.delta_ns(raw, anchor.raw);
        let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        anchor
            .wall_ns
            .saturating_add(signed(after))
            .saturating_sub(signed(before))
    }
}

impl ManualClock {
    /// Lets `ns` nanoseconds pass.
    pub fn advance(&self, ns: u64) {
        self.0.increment(ns);
    }
}

impl Anchors {
    /// Begins with one anchor.
    pub fn new(first: Anchor) -> Self {
        Self {
            first,
            last: first,
            count: 1,
        }
    }

    /// Takes the next one.
    pub fn push(&mut self, next: Anchor) {
        self.last = next;
        self.count += 1;
    }

    /// Parts per billion by which the calibrated counter runs fast against the monotonic clock.
    /// `None` until a second has passed: less says nothing.
    pub fn drift_ppb(&self, clock: &Clock) -> Option<i64> {
        let counted = i128::from(clock.delta_ns(self.first.raw, self.last.raw));
        let elapsed = i128::from(self.last.mono_ns.saturating_sub(self.first.mono_ns));
        if elapsed < 1_000_000_000 {
            return None;
        }
        i64::try_from((counted - elapsed) * 1_000_000_000 / elapsed).ok()
    }
}

fn ns_of(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec)
}
