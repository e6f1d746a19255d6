//! From ingress to the end of the turn in which a message was dealt with.
//!
//! Two times are measured of a message. *Latency* counts from the moment an input should have been sent, so that a
//! replay that falls behind does not hide it; *service* from the moment the input was taken. At full speed an input is
//! due when it is taken and the two are the same, so service is recorded of paced runs only.

use crate::stopwatch::Stopwatch;
use pitlane_domain::message::{Kind, Message, flag};
use pitlane_lockfree::counters::Histogram;
use pitlane_lockfree::stamps::StampReader;

#[cfg(test)]
mod tests;

/// Bits of a stamp that say when the input should have been sent, ns since the start, modulo 3.2 days.
const INTENDED_BITS: u32 = 48;
const INTENDED: u64 = (1 << INTENDED_BITS) - 1;
/// Significant bits that are kept of how late it was taken: one part in five hundred.
/// One more, and the highest bit of the word would be used, which belongs to the rings.
const LATE_BITS: u32 = 9;

/// Both times of an input in one word, as it travels in a message and in the stamp table: when it should have been sent
/// and how late it was taken, in nanoseconds of the stopwatch.
#[inline]
#[must_use]
pub fn stamp(intended: u64, taken: u64) -> u64 {
    let late = taken.saturating_sub(intended);
    // A number of any size in 15 bits: below 1024 itself, above its highest ten bits and how far they were shifted.
    let shift = (u64::BITS - LATE_BITS - 1).saturating_sub(late.leading_zeros());
    let late = (u64::from(shift) << LATE_BITS) + (late >> shift);
    (late << INTENDED_BITS) | (intended & INTENDED)
}

/// Latency and service at `now` of what bears that stamp.
#[inline]
fn since(stamp: u64, now: u64) -> (u64, u64) {
    let latency = now.wrapping_sub(stamp) & INTENDED;
    // The clocks of two cores may differ by a few counts, so that something ends before it began.
    let latency = if latency > INTENDED / 2 { 0 } else { latency };
    let late = stamp >> INTENDED_BITS;
    let shift = (late >> LATE_BITS).saturating_sub(1);
    let late = (late - (shift << LATE_BITS)) << shift;
    (latency, latency.saturating_sub(late))
}

/// Latencies of one stage, counted to the end of each turn.
///
/// The runner reads the clock there anyway and tells at the next poll, so the stage reads none itself and a turn's
/// latencies are recorded at the beginning of the next poll, when its messages are already on their way.
pub struct StageLatency {
    stamps: StampReader,
    watch: Stopwatch,
    latency: Histogram,
    /// Of a paced run.
    service: Option<Histogram>,
    /// Stamps of what the last turn dealt with.
    turn: Vec<u64>,
}

impl StageLatency {
    /// A stage that deals with at most `burst` messages a turn.
    pub fn new(
        stamps: StampReader,
        watch: Stopwatch,
        latency: Histogram,
        service: Option<Histogram>,
        burst: usize,
    ) -> Self {
        Self {
            stamps,
            watch,
            latency,
            service,
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

    /// At the beginning of a poll: the turn before, if it worked, ended at that raw time.
    #[inline]
    pub fn settle(&mut self, worked_until: u64) {
        if !self.turn.is_empty() {
            self.record(worked_until);
        }
    }

    /// No poll will follow: what is not recorded yet ends now.
    pub fn close(&mut self) {
        self.record(self.watch.raw());
    }

    fn record(&mut self, end: u64) {
        let now = self.watch.at(end);
        for stamp in self.turn.drain(..) {
            let (latency, service) = since(stamp, now);
            self.latency.record(latency);
            if let Some(histogram) = &mut self.service {
                histogram.record(service);
            }
        }
    }
}
