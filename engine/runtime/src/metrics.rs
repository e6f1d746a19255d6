//! Collects what agents counted: every flush takes the difference to the one before.
//!
//! Agents only store into the counters page; nobody sends anything. Here the page is read, and
//! distributions that grew are merged into HDR histograms, one for the interval that is being
//! filled and one for the whole run.

use hdrhistogram::Histogram;
use pitlane_lockfree::counters::histogram::{bucket_high, bucket_low};
use pitlane_lockfree::counters::{
    DistinctError, Entry, HistogramSnapshot, PageReader, Snapshot, Unit, Value,
};
use std::collections::BTreeSet;

#[cfg(test)]
mod tests;

use crate::clock::Clock;

/// Significant figures of the HDR histograms: finer than the page's buckets, so that nothing is
/// lost on the way.
const FIGURES: u8 = 3;

/// An empty histogram of the kind used here.
pub fn empty_histogram() -> Histogram<u64> {
    Histogram::new(FIGURES).expect("3 is a legal number of figures")
}

/// One distribution over time.
struct Series {
    /// Place in the page's directory.
    entry: usize,
    name: String,
    interval: Histogram<u64>,
    total: Histogram<u64>,
}

/// How much was collected with how little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Batching {
    /// Updates agents made, as far as the page tells: every recorded value of a distribution, and
    /// every counter or gauge that changed between two flushes, which is at least one update.
    pub updates: u64,
    /// Batches it took: one per agent and flush in which anything of it changed.
    pub batches: u64,
    /// Flushes.
    pub flushes: u64,
}

impl Batching {
    /// The share of messages saved over sending every update: `(updates - batches) / updates`.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn saving(&self) -> f64 {
        if self.updates == 0 {
            return 0.0;
        }
        self.updates.saturating_sub(self.batches) as f64 / self.updates as f64
    }
}

/// Reads a page again and again.
pub struct Collector {
    reader: PageReader,
    clock: Clock,
    previous: Snapshot,
    current: Snapshot,
    series: Vec<Series>,
    batching: Batching,
}

impl Collector {
    /// A collector for a page. What was counted before its first flush is part of that flush.
    pub fn new(reader: PageReader, clock: Clock) -> Self {
        Self {
            reader,
            clock,
            previous: Snapshot::default(),
            current: Snapshot::default(),
            series: Vec::new(),
            batching: Batching::default(),
        }
    }

    /// Takes the difference since the last flush.
    pub fn flush(&mut self) {
        std::mem::swap(&mut self.previous, &mut self.current);
        self.reader.snapshot_into(&mut self.current);
        for (index, entry) in self.current.entries.iter().enumerate().skip(
            // new places since the last flush; the directory only grows
            self.previous.entries.len().min(self.current.entries.len()),
        ) {
            if let Value::Histogram(_) = entry.value {
                self.series.push(Series {
                    entry: index,
                    name: name_of(entry),
                    interval: empty_histogram(),
                    total: empty_histogram(),
                });
            }
        }
        let mut updates = 0;
        let mut owners = BTreeSet::new();
        for (index, entry) in self.current.entries.iter().enumerate() {
            let before = self.previous.entries.get(index).map(|entry| &entry.value);
            let changed = changes(&entry.value, before);
            if changed > 0 {
                updates += changed;
                owners.insert(entry.owner.as_str());
            }
        }
        for series in &mut self.series {
            let entry = &self.current.entries[series.entry];
            let before = self.previous.entries.get(series.entry);
            let (Value::Histogram(now), before) = (&entry.value, before.map(|e| &e.value)) else {
                continue;
            };
            let before = match before {
                Some(Value::Histogram(before)) => Some(&**before),
                _ => None,
            };
            // Most stand still, and their buckets are left alone.
            if now.count == before.map_or(0, |before| before.count) {
                continue;
            }
            let in_ns = |value| match entry.unit {
                Unit::RawTicks => self.clock.delta_ns(0, value),
                _ => value,
            };
            merge(&mut series.interval, now, before, in_ns);
        }
        self.batching.updates += updates;
        self.batching.batches += owners.len() as u64;
        self.batching.flushes += 1;
    }

    /// Ends an interval: hands over each distribution that grew in it, and starts the next.
    pub fn end_interval(&mut self, mut each: impl FnMut(&str, &Histogram<u64>)) {
        for series in &mut self.series {
            if series.interval.is_empty() {
                continue;
            }
            each(&series.name, &series.interval);
            series
                .total
                .add(&series.interval)
                .expect("a histogram that grows takes any other");
            series.interval.reset();
        }
    }

    /// Every distribution of the run, up to the last ended interval.
    pub fn totals(&self) -> impl Iterator<Item = (&str, &Entry, &Histogram<u64>)> {
        self.series.iter().map(|series| {
            let entry = &self.current.entries[series.entry];
            (series.name.as_str(), entry, &series.total)
        })
    }

    /// The page as of the last flush.
    pub fn snapshot(&self) -> &Snapshot {
        &self.current
    }

    /// The distinct errors on the page now.
    pub fn errors(&self) -> Vec<DistinctError> {
        self.reader.errors().0
    }

    /// How much was collected so far.
    pub fn batching(&self) -> Batching {
        self.batching
    }
}

/// The name of an entry in dumps and logs: `owner/label`. Dumps give lengths of time in
/// nanoseconds, so what ends in `_ticks` on the page ends in `_ns` there.
pub fn name_of(entry: &Entry) -> String {
    let (owner, label) = (&entry.owner, &entry.label);
    match label.strip_suffix("_ticks") {
        Some(stem) if entry.unit == Unit::RawTicks => format!("{owner}/{stem}_ns"),
        _ => format!("{owner}/{label}"),
    }
}

/// How many updates can be told from two readings of one value.
fn changes(now: &Value, before: Option<&Value>) -> u64 {
    let before = before.map_or(0, Value::number);
    match now {
        Value::Histogram(now) => now.count.saturating_sub(before),
        Value::Counter(now) | Value::Gauge(now) => u64::from(*now != before),
    }
}

/// Adds what grew. A value counts at the upper end of its bucket, but never above the largest
/// value seen, so that the maximum is exact.
pub(crate) fn merge(
    into: &mut Histogram<u64>,
    now: &HistogramSnapshot,
    before: Option<&HistogramSnapshot>,
    convert: impl Fn(u64) -> u64,
) {
    if before.is_some_and(|before| before.count == now.count) {
        return;
    }
    for (bucket, &count) in now.buckets.iter().enumerate() {
        let grown = count.wrapping_sub(before.map_or(0, |before| before.buckets[bucket]));
        if grown == 0 {
            continue;
        }
        let value = if bucket + 1 == now.buckets.len() {
            // the last bucket has no upper end
            now.max.max(bucket_low(bucket))
        } else {
            bucket_high(bucket).min(now.max).max(bucket_low(bucket))
        };
        into.record_n(convert(value), grown)
            .expect("a histogram that grows takes any value");
    }
}
