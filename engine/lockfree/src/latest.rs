//! The latest-value table: for readers that need "now", not "all".
//!
//! A slot is a sequence word and `N` words of value, written by one writer and read by any number of readers, without locks.
//! The sequence word is odd while the value is being written. A reader copies the words and takes them only if
//! the sequence word was even and the same before and after. Every word is an atomic, so a torn copy is a number thrown away,
//! not undefined behaviour.

use crate::region::{Region, Words, first_words, load_all, store_all};
use crate::sync::{AtomicU64, Ordering, fence};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// How often a reader tries before it says that the slot is busy.
/// A write takes a few ns, so more than a handful of tries means that the writer was stopped within one.
pub const READ_TRIES: u32 = 64;

const LINE_WORDS: usize = 8;

/// A table of `slots` values of `N` words: its one writer, and a reader to be cloned.
///
/// ```
/// use pitlane_lockfree::latest::latest_table;
/// let (mut writer, reader) = latest_table::<2>(4);
/// assert_eq!(reader.read(3), None);
/// writer.write(3, &[10, 11]);
/// assert_eq!(reader.read(3), Some([10, 11]));
/// ```
#[must_use]
pub fn latest_table<const N: usize>(slots: usize) -> (LatestWriter<N>, LatestReader<N>) {
    let region = Region::heap(slots * Table::<N>::STRIDE);
    let table = Table {
        words: Region::words(&region, 0, slots * Table::<N>::STRIDE),
    };
    let writer = LatestWriter {
        table: Table {
            words: table.words.share(),
        },
    };
    let reader = LatestReader {
        table: Arc::new(table),
    };
    (writer, reader)
}

struct Table<const N: usize> {
    words: Words,
}

impl<const N: usize> Table<N> {
    /// Slots start on their own line: readers of one do not disturb the writer of the next.
    const STRIDE: usize = (N + 1).next_multiple_of(LINE_WORDS);

    /// The words of a slot: the sequence word, then the value.
    #[inline]
    fn slot(&self, slot: usize) -> &[AtomicU64] {
        &self.words[slot * Self::STRIDE..][..Self::STRIDE]
    }

    fn slots(&self) -> usize {
        self.words.len() / Self::STRIDE
    }
}

/// The only writer of a table: it cannot be cloned.
pub struct LatestWriter<const N: usize> {
    table: Table<N>,
}

impl<const N: usize> LatestWriter<N> {
    /// Replaces a value.
    #[inline]
    pub fn write(&mut self, slot: usize, value: &[u64; N]) {
        let words = self.table.slot(slot);
        let sequence = words[0].load(Ordering::Relaxed);
        words[0].store(sequence + 1, Ordering::Relaxed);
        // A reader that saw any word of this write also sees the odd sequence.
        // PAIRS: the acquire fence after copying in LatestReader::copy.
        fence(Ordering::Release);
        store_all(first_words(&words[1..]), value);
        // PAIRS: the acquire load of the sequence before copying in LatestReader::copy.
        words[0].store(sequence + 2, Ordering::Release);
    }

    /// Number of slots.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.table.slots()
    }
}

/// What one look at a slot found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look<const N: usize> {
    /// A whole value, and how many were written to the slot up to it.
    Value([u64; N], u64),
    /// Nothing was ever written.
    Empty,
    /// The writer was at work.
    Busy,
}

/// A reader of a table.
#[derive(Clone)]
pub struct LatestReader<const N: usize> {
    table: Arc<Table<N>>,
}

impl<const N: usize> LatestReader<N> {
    /// The latest whole value. `None` if there never was one, or if the writer was at work at each of [`READ_TRIES`] looks:
    /// the caller then keeps what it had.
    #[inline]
    #[must_use]
    pub fn read(&self, slot: usize) -> Option<[u64; N]> {
        let mut value = [0; N];
        for _ in 0..READ_TRIES {
            match self.copy(slot, &mut value) {
                Some(0) => return None,
                Some(_) => return Some(value),
                None => core::hint::spin_loop(),
            }
        }
        None
    }

    /// One look, without trying again.
    #[inline]
    #[must_use]
    pub fn look(&self, slot: usize) -> Look<N> {
        let mut value = [0; N];
        match self.copy(slot, &mut value) {
            Some(0) => Look::Empty,
            Some(version) => Look::Value(value, version),
            None => Look::Busy,
        }
    }

    /// Copies the value and says how many were written to the slot up to it; `None` if the copy may be torn.
    #[inline]
    fn copy(&self, slot: usize, value: &mut [u64; N]) -> Option<u64> {
        let words = self.table.slot(slot);
        // PAIRS: the release store of the even sequence in LatestWriter::write.
        let before = words[0].load(Ordering::Acquire);
        *value = load_all(first_words(&words[1..]));
        // PAIRS: the release fence after the odd sequence in LatestWriter::write.
        fence(Ordering::Acquire);
        let after = words[0].load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some(before / 2)
    }

    /// Number of slots.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.table.slots()
    }
}
