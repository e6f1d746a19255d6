//! How far our clock stands from a venue's: receipt minus venue time, which holds the way of the frame too.
//!
//! Either clock may be wrong by any amount, so the difference may be negative; it is measured, never corrected.

use crate::units::WallNs;

/// Beyond this a difference says that two units of time were mixed up, or that old data is played as new.
const SUSPECT_NS: u64 = 86_400_000_000_000;

/// Samples of half a window of the estimate: some seconds of a busy stream.
const HALF_WINDOW: u32 = 1024;

/// Receipt minus venue time of one venue, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ClockSkew {
    samples: u64,
    suspect: u64,
    suspect_last: i64,
    last: i64,
    min: i64,
    max: i64,
    /// Minimum of the half window before, and of the one now filling.
    halves: [i64; 2],
    filled: u32,
}

impl ClockSkew {
    /// Differences within a day: what the figures below are made of.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Differences of more than a day, which enter no other figure.
    pub fn suspect(&self) -> u64 {
        self.suspect
    }

    /// The latest such difference.
    pub fn suspect_last(&self) -> Option<i64> {
        (self.suspect > 0).then_some(self.suspect_last)
    }

    /// The latest difference.
    pub fn last(&self) -> Option<i64> {
        self.known(self.last)
    }

    /// The smallest difference.
    pub fn min(&self) -> Option<i64> {
        self.known(self.min)
    }

    /// The largest difference.
    pub fn max(&self) -> Option<i64> {
        self.known(self.max)
    }

    /// The smallest difference of the latest 1024 to 2048 samples: the clocks' distance plus the shortest way.
    ///
    /// Waiting only ever adds to a difference, so the minimum holds the least of it.
    pub fn estimate(&self) -> Option<i64> {
        self.known(self.halves[0].min(self.halves[1]))
    }

    pub(super) fn sample(&mut self, ts_recv: WallNs, ts_event: WallNs) {
        let skew = ts_recv.0.saturating_sub(ts_event.0);
        if skew.unsigned_abs() > SUSPECT_NS {
            self.suspect += 1;
            self.suspect_last = skew;
            return;
        }
        if self.samples == 0 {
            (self.min, self.max, self.halves) = (skew, skew, [skew; 2]);
        }
        if self.filled == HALF_WINDOW {
            self.halves = [self.halves[1], skew];
            self.filled = 0;
        }
        self.samples += 1;
        self.filled += 1;
        self.last = skew;
        self.min = self.min.min(skew);
        self.max = self.max.max(skew);
        self.halves[1] = self.halves[1].min(skew);
    }

    fn known(&self, value: i64) -> Option<i64> {
        (self.samples > 0).then_some(value)
    }
}
