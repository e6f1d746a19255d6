//! The conflating edge: the newest value of each key, for consumers that need not see every one.
//!
//! Values lie in a [latest-value table](crate::latest), one slot a key; a bit a key says that there is something new.
//! The producer never waits and never fails. A value that was replaced before the consumer took it is counted:
//! `sent = received + replaced + still waiting`, exactly.

use crate::counters::{Counter, Gauge};
use crate::latest::{LatestReader, LatestWriter, Look, latest_table};
use crate::region::{Region, Words};
use crate::ring::EdgeCounters;
use crate::sync::Ordering;
use crate::work::Work;

#[cfg(test)]
mod tests;

/// An edge for values of `N` words under `keys` keys.
///
/// ```
/// use pitlane_lockfree::{conflate::conflate, ring::EdgeCounters};
/// let (mut tx, mut rx) = conflate::<1>(10, EdgeCounters::private());
/// tx.put(4, &[100]);
/// tx.put(4, &[101]);
/// let mut seen = Vec::new();
/// let _ = rx.drain(|key, value| seen.push((key, *value)));
/// assert_eq!(seen, vec![(4, [101])]);
/// assert_eq!(rx.replaced(), 1);
/// ```
#[must_use]
pub fn conflate<const N: usize>(
    keys: usize,
    counters: EdgeCounters,
) -> (ConflateProducer<N>, ConflateConsumer<N>) {
    let (writer, reader) = latest_table(keys);
    let length = keys.div_ceil(KEYS_PER_WORD);
    let region = Region::heap(length);
    let news = Region::words(&region, 0, length);
    (
        ConflateProducer {
            writer,
            news: news.share(),
            sent: counters.sent,
        },
        ConflateConsumer {
            reader,
            news,
            taken: vec![0; keys],
            received: counters.received,
            high_water: counters.high_water,
            replaced: counters.replaced,
        },
    )
}

const KEYS_PER_WORD: usize = u64::BITS as usize;

/// The sending end.
pub struct ConflateProducer<const N: usize> {
    writer: LatestWriter<N>,
    news: Words,
    sent: Counter,
}

impl<const N: usize> ConflateProducer<N> {
    /// Replaces the value of a key.
    #[inline]
    pub fn put(&mut self, key: usize, value: &[u64; N]) {
        self.writer.write(key, value);
        // The bit is set even if it seems set already: only a read-modify-write is ordered with the consumer's swap.
        // PAIRS: the acquiring swap in ConflateConsumer::drain.
        self.news[key / KEYS_PER_WORD].fetch_or(1 << (key % KEYS_PER_WORD), Ordering::Release);
        self.sent.add(1);
    }

    /// Number of keys.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.writer.slots()
    }
}

/// The receiving end.
pub struct ConflateConsumer<const N: usize> {
    reader: LatestReader<N>,
    news: Words,
    /// Per key: which of its values was taken last, counted from 1.
    taken: Vec<u64>,
    received: Counter,
    high_water: Gauge,
    replaced: Counter,
}

impl<const N: usize> ConflateConsumer<N> {
    /// Hands over the newest value of every key that changed, in the order of the keys.
    /// At most one value a key: that is its bound.
    #[inline]
    pub fn drain(&mut self, mut each: impl FnMut(usize, &[u64; N])) -> Work {
        let mut count = 0;
        for index in 0..self.news.len() {
            // Mostly nothing is new; a plain load leaves the producer its cache line.
            if self.news[index].load(Ordering::Relaxed) == 0 {
                continue;
            }
            // PAIRS: the releasing fetch_or in ConflateProducer::put.
            let mut bits = self.news[index].swap(0, Ordering::Acquire);
            while bits != 0 {
                let key = index * KEYS_PER_WORD + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // Busy: the producer is replacing the value and sets the bit again afterwards.
                if let Look::Value(value, version) = self.reader.look(key)
                    && version > self.taken[key]
                {
                    self.replaced.add(version - self.taken[key] - 1);
                    self.taken[key] = version;
                    count += 1;
                    each(key, &value);
                }
            }
        }
        self.received.add(count as u64);
        self.high_water.raise(count as u64);
        Work::of(count)
    }

    /// Whether nothing is new.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.news
            .iter()
            .all(|bits| bits.load(Ordering::Relaxed) == 0)
    }

    /// Values replaced so far before they were taken.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced.get()
    }
}
