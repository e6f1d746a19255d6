//! From ingress to the end of the turn in which a message was dealt with.

use crate::stopwatch::Stopwatch;
use pitlane_domain::message::{Kind, Message, flag};
use pitlane_lockfree::counters::Histogram;
use pitlane_lockfree::stamps::StampReader;

/// Latencies of one stage. The clock is read once a turn, after its last message.
pub struct StageLatency {
    stamps: StampReader,
    watch: Stopwatch,
    histogram: Histogram,
    /// Ingress of what this turn dealt with.
    turn: Vec<u64>,
}

impl StageLatency {
    /// A stage that deals with at most `burst` messages a turn.
    pub fn new(stamps: StampReader, watch: Stopwatch, histogram: Histogram, burst: usize) -> Self {
        Self {
            stamps,
            watch,
            histogram,
            turn: Vec::with_capacity(burst),
        }
    }

    /// A message was dealt with. The last of a run stands for its run; timers have no ingress.
    #[inline]
    pub fn note(&mut self, message: &Message) {
        if message.flags & flag::LAST != 0 && message.kind != Kind::Timer as u8 {
            self.turn.push(self.stamps.read(message.sequence));
        }
    }

    /// The turn is over.
    pub fn settle(&mut self) {
        if self.turn.is_empty() {
            return;
        }
        let now = self.watch.now();
        for ingress in self.turn.drain(..) {
            self.histogram.record(now.saturating_sub(ingress));
        }
    }
}
