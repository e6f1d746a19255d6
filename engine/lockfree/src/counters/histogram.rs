//! A cumulative distribution in fixed buckets: 64 to every power of two, so a value is known to 1.6 %.
//!
//! # Layout
//! Words: 0 count, 1 sum, 2 minimum (all ones while empty), 3 maximum, 4 to 7 unused, then [`BUCKETS`] bucket counts.
//! Bucket of a value below 128: the value. Above: its highest seven bits choose the bucket, see [`bucket_of`].
//! Values from 2^40 on (18 minutes in ns) count in the last bucket; the maximum still tells.

use crate::region::Words;
use crate::sync::Ordering;

/// Buckets to a power of two.
pub const SUB_BUCKETS: u64 = 1 << SUB_BITS;
const SUB_BITS: u32 = 6;
/// Values from here on are counted in the last bucket.
pub const LIMIT: u64 = 1 << LIMIT_BITS;
const LIMIT_BITS: u32 = 40;
/// Number of buckets.
pub const BUCKETS: usize = ((LIMIT_BITS - SUB_BITS + 1) as usize) << SUB_BITS;

/// Count, sum, minimum and maximum stand before the buckets.
pub const HEAD_WORDS: usize = 8;
pub(crate) const WORD_COUNT: usize = 0;
pub(crate) const WORD_SUM: usize = 1;
pub(crate) const WORD_MIN: usize = 2;
pub(crate) const WORD_MAX: usize = 3;
/// Words of a whole histogram.
pub const WORDS: usize = HEAD_WORDS + BUCKETS;

/// The bucket that counts `value`.
#[inline]
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "below BUCKETS")]
pub fn bucket_of(value: u64) -> usize {
    let value = value.min(LIMIT - 1);
    // Values below 128 have shift 0 and are their own bucket; from there on every doubling adds 64 buckets.
    let shift = (u64::BITS - SUB_BITS - 1).saturating_sub(value.leading_zeros());
    ((u64::from(shift) << SUB_BITS) + (value >> shift)) as usize
}

/// The smallest value of a bucket.
#[must_use]
pub fn bucket_low(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * SUB_BUCKETS {
        return bucket;
    }
    let shift = (bucket >> SUB_BITS) - 1;
    (bucket - (shift << SUB_BITS)) << shift
}

/// The largest value of a bucket.
#[must_use]
pub fn bucket_high(bucket: usize) -> u64 {
    bucket_low(bucket + 1) - 1
}

/// The one writer of a histogram.
pub struct Histogram {
    words: Words,
}

impl Histogram {
    /// `words` are zeroed and [`WORDS`] long.
    pub(crate) fn over(words: Words) -> Self {
        assert_eq!(words.len(), WORDS, "a histogram has a fixed length");
        words[WORD_MIN].store(u64::MAX, Ordering::Relaxed);
        Self { words }
    }

    /// A histogram that is on no page.
    #[must_use]
    pub fn private() -> Self {
        let region = crate::region::Region::heap(WORDS);
        Self::over(crate::region::Region::words(&region, 0, WORDS))
    }

    /// Counts one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.bump(HEAD_WORDS + bucket_of(value), 1);
        self.bump(WORD_SUM, value);
        if value < self.words[WORD_MIN].load(Ordering::Relaxed) {
            self.words[WORD_MIN].store(value, Ordering::Relaxed);
        }
        if value > self.words[WORD_MAX].load(Ordering::Relaxed) {
            self.words[WORD_MAX].store(value, Ordering::Relaxed);
        }
        self.bump(WORD_COUNT, 1);
    }

    /// What was counted so far.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let mut snapshot = HistogramSnapshot::default();
        snapshot.read(|word| self.words[word].load(Ordering::Relaxed));
        snapshot
    }

    /// The writer is alone, so load and store are enough.
    #[inline]
    fn bump(&mut self, word: usize, by: u64) {
        let word = &self.words[word];
        word.store(
            word.load(Ordering::Relaxed).wrapping_add(by),
            Ordering::Relaxed,
        );
    }
}

/// A histogram as it was at one moment.
/// `count` is the sum of the buckets; sum, minimum and maximum may be a few values ahead or behind while the writer runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistogramSnapshot {
    /// Number of values in the buckets.
    pub count: u64,
    /// Sum of the values, wrapping.
    pub sum: u64,
    /// Smallest value ever, or `u64::MAX` if there was none.
    pub min: u64,
    /// Largest value ever.
    pub max: u64,
    /// Count of every bucket.
    pub buckets: Vec<u64>,
}

impl Default for HistogramSnapshot {
    fn default() -> Self {
        Self {
            count: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
            buckets: vec![0; BUCKETS],
        }
    }
}

impl HistogramSnapshot {
    /// Brings it up to date with the words of the same histogram.
    pub(crate) fn read(&mut self, load: impl Fn(usize) -> u64) {
        self.sum = load(WORD_SUM);
        self.min = load(WORD_MIN);
        self.max = load(WORD_MAX);
        // A value is in its bucket before it is counted, and buckets only grow: those that sum up to the count are all there
        // are. So a histogram that stands still costs a cache line, and not its 18 KiB.
        if load(WORD_COUNT) == self.count {
            return;
        }
        self.count = 0;
        for (index, bucket) in self.buckets.iter_mut().enumerate() {
            *bucket = load(HEAD_WORDS + index);
            self.count += *bucket;
        }
    }

    /// Buckets that count something: smallest value, largest value, count.
    pub fn filled(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.buckets
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(bucket, count)| (bucket_low(bucket), bucket_high(bucket), *count))
    }

    /// What was counted since `earlier`. Minimum and maximum are narrowed to the buckets that grew.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut delta = Self {
            count: 0,
            sum: self.sum.wrapping_sub(earlier.sum),
            min: u64::MAX,
            max: 0,
            buckets: Vec::with_capacity(self.buckets.len()),
        };
        for (bucket, (now, then)) in self.buckets.iter().zip(&earlier.buckets).enumerate() {
            let grown = now.wrapping_sub(*then);
            delta.buckets.push(grown);
            if grown > 0 {
                delta.count += grown;
                delta.min = delta.min.min(bucket_low(bucket).max(self.min));
                delta.max = bucket_high(bucket).min(self.max);
            }
        }
        delta
    }

    /// The value that a share `q` (0 to 1) of all values does not exceed, to the width of a bucket. 0 if there is none.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is rounded up and clamped; 2^53 values take years"
    )]
    pub fn quantile(&self, q: f64) -> u64 {
        let rank = ((self.count as f64 * q).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (low, high, count) in self.filled() {
            seen += count;
            if seen >= rank {
                return high.clamp(low, self.max.max(low));
            }
        }
        0
    }

    /// The average, or 0 if there is none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an average for people")]
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        self.sum as f64 / self.count as f64
    }
}
