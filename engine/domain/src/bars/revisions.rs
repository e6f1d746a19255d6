//! Which closed bars were changed, so that whoever has passed one on can pass it on again.

use super::Timeframe;
use crate::units::WallNs;
use std::collections::VecDeque;

/// Most revisions of an instrument that are remembered.
pub const REVISIONS_MAX: usize = 4096;

/// A closed bar was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Revised {
    /// Number of the change among those of the instrument, from 1.
    pub number: u64,
    /// Length of the bar.
    pub timeframe: Timeframe,
    /// Its start.
    pub open_ts: WallNs,
    /// How often it had been changed by then, this time included.
    pub revision: u32,
}

/// The latest changes; no part of the state, which is the bars themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Revisions {
    latest: VecDeque<Revised>,
    count: u64,
}

impl Revisions {
    pub(super) fn note(&mut self, timeframe: Timeframe, open_ts: WallNs, revision: u32) {
        if self.latest.capacity() == 0 {
            self.latest.reserve_exact(REVISIONS_MAX);
        }
        if self.latest.len() == REVISIONS_MAX {
            self.latest.pop_front();
        }
        self.count += 1;
        self.latest.push_back(Revised {
            number: self.count,
            timeframe,
            open_ts,
            revision,
        });
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn since(&self, number: u64) -> impl Iterator<Item = &Revised> {
        let from = self.latest.partition_point(|one| one.number <= number);
        self.latest.range(from..)
    }
}
