//! The bars of one timeframe: the open one and the last closed ones.

use super::bar::{Bar, Fill, Timeframe};
use super::revisions::Revisions;
use crate::memory::ready;
use crate::units::{Ticks, WallNs};
use std::collections::VecDeque;

/// Closed bars kept per timeframe, and the longest row of flat bars made for one pause.
pub const HISTORY_MAX: usize = 1500;

/// Nanoseconds of a day.
const DAY_NS: i64 = 86_400_000_000_000;

#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) timeframe: Timeframe,
    /// What has closed of the finer timeframes since this bar began; the rest is still in their open bars.
    pub(super) open: Bar,
    /// Oldest first, ascending start. All its memory is there from the start.
    pub(super) closed: VecDeque<Bar>,
}

impl Series {
    pub(super) fn new(timeframe: Timeframe) -> Self {
        // What a day can fill is there before the first trade; the rest is only set aside.
        let day = usize::try_from(DAY_NS / timeframe.ns()).unwrap_or(HISTORY_MAX);
        let closed = VecDeque::from(ready(HISTORY_MAX, day));
        Self {
            timeframe,
            open: Bar::default(),
            closed,
        }
    }

    /// End of the open bar, not included.
    pub(super) fn end(&self) -> WallNs {
        WallNs(self.open.open_ts.0.saturating_add(self.timeframe.ns()))
    }

    /// The bar as a reader sees it: without trades it stands at the close before.
    pub(super) fn settled(&self, mut bar: Bar) -> Bar {
        if bar.trades == 0 {
            bar.set_flat(
                self.closed
                    .back()
                    .map_or(Ticks::ZERO, |before| before.close),
            );
        }
        bar
    }

    /// Closes the open bar and makes the flat ones between it and `now`, whose bar is opened.
    /// Answers how many were closed and how many flat ones were left out.
    pub(super) fn close_until(&mut self, now: WallNs, has_gap: bool) -> (u64, u64) {
        let first_flat = self.end();
        let bar = self.settled(self.open);
        self.push(bar);
        let open_ts = self.timeframe.bucket(now);
        let flats = (open_ts.0 - first_flat.0) / self.timeframe.ns();
        let made = usize::try_from(flats)
            .ok()
            .filter(|&count| count <= HISTORY_MAX);
        for at in 0..made.unwrap_or(0) {
            let offset = i64::try_from(at).expect("bounded by the history") * self.timeframe.ns();
            let mut flat = Bar::opened(WallNs(first_flat.0 + offset), has_gap);
            flat.set_flat(bar.close);
            self.push(flat);
        }
        self.open = Bar::opened(open_ts, has_gap);
        match made {
            Some(count) => (count as u64 + 1, 0),
            None => (1, flats.cast_unsigned()),
        }
    }

    /// Marks the bars from that time's on; answers how many closed ones are among them.
    pub(super) fn mark_gap(&mut self, since: WallNs, log: &mut Revisions) -> u64 {
        self.open.has_gap = true;
        let first = self.timeframe.bucket(since);
        let from = self.closed.partition_point(|bar| bar.open_ts < first);
        let mut marked = 0;
        for bar in self.closed.range_mut(from..).filter(|bar| !bar.has_gap) {
            bar.has_gap = true;
            bar.revise(self.timeframe, log);
            marked += 1;
        }
        marked
    }

    /// No trade is missing any more: clears the marks; answers how many closed bars had one.
    pub(super) fn heal(&mut self, log: &mut Revisions) -> u64 {
        self.open.has_gap = false;
        let mut healed = 0;
        for bar in self.closed.iter_mut().filter(|bar| bar.has_gap) {
            bar.has_gap = false;
            bar.revise(self.timeframe, log);
            healed += 1;
        }
        healed
    }

    /// Adds a fill to the closed bar in which it lies, and moves the flat bars behind it to its close.
    /// Answers how many bars changed: 0 if its bar is not kept.
    pub(super) fn revise(&mut self, ts: WallNs, fill: &Fill, log: &mut Revisions) -> u64 {
        let Some(at) = self.find(self.timeframe.bucket(ts)) else {
            return 0;
        };
        let bar = &mut self.closed[at];
        bar.insert(fill);
        bar.revise(self.timeframe, log);
        let close = bar.close;
        let mut revised = 1;
        let behind = self.closed.range_mut(at + 1..);
        for flat in behind.take_while(|bar| bar.trades == 0 && bar.close != close) {
            flat.set_flat(close);
            flat.revise(self.timeframe, log);
            revised += 1;
        }
        revised
    }

    /// Where the closed bar of that start lies.
    pub(super) fn find(&self, open_ts: WallNs) -> Option<usize> {
        self.closed
            .binary_search_by_key(&open_ts, |bar| bar.open_ts)
            .ok()
    }

    fn push(&mut self, bar: Bar) {
        if self.closed.len() == HISTORY_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(bar);
    }
}
