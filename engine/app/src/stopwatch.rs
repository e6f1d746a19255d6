//! Time since the engine started, in ns, by the raw clock: what latencies are differences of.

use pitlane_runtime::clock::Clock;
use std::time::Duration;

/// One origin shared by all agents of an engine.
#[derive(Clone, Debug)]
pub struct Stopwatch {
    clock: Clock,
    origin: u64,
}

impl Stopwatch {
    /// Starts now.
    pub fn start(clock: Clock) -> Self {
        let origin = clock.raw();
        Self { clock, origin }
    }

    /// Nanoseconds since the start.
    pub fn now(&self) -> u64 {
        self.at(self.clock.raw())
    }

    /// The raw clock now.
    pub fn raw(&self) -> u64 {
        self.clock.raw()
    }

    /// The raw reading so many nanoseconds after the start.
    pub fn raw_at(&self, ns: u64) -> u64 {
        self.clock.after(self.origin, Duration::from_nanos(ns))
    }

    /// Nanoseconds from the start to a raw reading.
    pub fn at(&self, raw: u64) -> u64 {
        self.clock.delta_ns(self.origin, raw)
    }
}
