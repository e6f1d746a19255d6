//! The stamp table: the raw clock at ingress of each of the latest sequence numbers, for whoever measures latency downstream.
//!
//! One word a number, in a circle; the writer stores a stamp before it hands the message on, and the edge that carries
//! the message orders the two. A reader must not be further behind than the table is long, or it reads a younger stamp:
//! choose the length above the sum of all rings on the way.

use crate::region::{Region, Words};
use crate::sync::Ordering;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// A table of at least `slots` stamps (rounded up to a power of two): its one writer, and a reader to be cloned.
///
/// ```
/// use pitlane_lockfree::stamps::stamp_table;
/// let (mut writer, reader) = stamp_table(1024);
/// writer.write(17, 555);
/// assert_eq!(reader.read(17), 555);
/// ```
#[must_use]
pub fn stamp_table(slots: usize) -> (StampWriter, StampReader) {
    let length = slots.max(1).next_power_of_two();
    let region = Region::heap(length);
    let words = Region::words(&region, 0, length);
    let reader = StampReader {
        words: Arc::new(words.share()),
    };
    (StampWriter { words }, reader)
}

/// Slots are a power of two.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "masked to the table")]
fn slot(sequence: u64, length: usize) -> usize {
    sequence as usize & (length - 1)
}

/// The one writer.
pub struct StampWriter {
    words: Words,
}

impl StampWriter {
    /// Notes the stamp of a sequence number.
    #[inline]
    pub fn write(&mut self, sequence: u64, raw: u64) {
        self.words[slot(sequence, self.words.len())].store(raw, Ordering::Relaxed);
    }
}

/// A reader.
#[derive(Clone)]
pub struct StampReader {
    words: Arc<Words>,
}

impl StampReader {
    /// The stamp of a sequence number, 0 if there was none.
    #[inline]
    #[must_use]
    pub fn read(&self, sequence: u64) -> u64 {
        self.words[slot(sequence, self.words.len())].load(Ordering::Relaxed)
    }

    /// Stamps kept.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.words.len()
    }
}
