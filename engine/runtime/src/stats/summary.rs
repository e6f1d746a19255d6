//! `stats.json`: the sum of a run that ended by itself.

use hdrhistogram::Histogram;
use pitlane_lockfree::counters::{Declared, DistinctError, Entry, Snapshot, Unit, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

use super::{JSON, StatsError, VERSION};
use crate::clock::{Anchors, Clock};
use crate::health::Verdict;
use crate::metrics::{Batching, Collector, name_of};
use crate::os::Machine;

/// What a person asks of a distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Number of values.
    pub count: u64,
    /// The smallest.
    pub min: u64,
    /// Half of the values are not larger.
    pub p50: u64,
    /// 90 % are not larger.
    pub p90: u64,
    /// 99 % are not larger.
    pub p99: u64,
    /// 99.9 % are not larger.
    pub p999: u64,
    /// The largest.
    pub max: u64,
    /// The average.
    pub mean: f64,
}

impl Percentiles {
    /// Reads them off a histogram.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        Self {
            count: histogram.len(),
            min: histogram.min(),
            p50: value_at(histogram, 500),
            p90: value_at(histogram, 900),
            p99: value_at(histogram, 990),
            p999: value_at(histogram, 999),
            max: histogram.max(),
            mean: histogram.mean(),
        }
    }
}

/// The value that so many of a thousand values do not exceed: the highest value that the histogram does not tell from
/// the one of rank `ceil(count * per_mille / 1000)`. The rank is reckoned in integers: 0.999 is no binary fraction, and
/// a rank one too high would be another value.
pub fn value_at(histogram: &Histogram<u64>, per_mille: u16) -> u64 {
    let rank = (u128::from(histogram.len()) * u128::from(per_mille)).div_ceil(1000);
    let mut seen = 0;
    for step in histogram.iter_recorded() {
        seen += u128::from(step.count_at_value());
        if seen >= rank {
            return histogram.highest_equivalent(step.value_iterated_to());
        }
    }
    0
}

/// The clock of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSummary {
    /// First and last anchor.
    pub anchors: Anchors,
    /// Rate of the raw counter.
    pub ticks_per_second: u64,
    /// How fast it ran against the monotonic clock, in parts per billion.
    pub drift_ppb: Option<i64>,
}

/// How many messages collecting saved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchingSummary {
    /// The counts.
    #[serde(flatten)]
    pub counts: Batching,
    /// `(updates - batches) / updates`.
    pub saving: f64,
}

impl From<Batching> for BatchingSummary {
    fn from(counts: Batching) -> Self {
        Self {
            counts,
            saving: counts.saving(),
        }
    }
}

/// What a number of a dump is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Id of its declaration.
    pub id: u16,
    /// What it counts in, as it stands in the dump.
    pub unit: String,
    /// What it says.
    pub help: String,
}

impl About {
    fn of(entry: &Entry, what: &Declared) -> Self {
        let unit = match entry.unit {
            Unit::RawTicks => Unit::Nanoseconds,
            unit => unit,
        };
        Self {
            id: what.id,
            unit: unit.name().to_owned(),
            help: what.help.to_owned(),
        }
    }
}

/// One kind of error, as often as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorLine {
    /// Who had it.
    pub agent: String,
    /// The sentence, as it was the first time.
    pub text: String,
    /// How often.
    pub count: u64,
    /// First time, ns since 1970 UTC.
    pub first_wall_ns: i64,
    /// Latest time, ns since 1970 UTC.
    pub last_wall_ns: i64,
}

impl From<DistinctError> for ErrorLine {
    fn from(error: DistinctError) -> Self {
        Self {
            agent: error.owner,
            text: error.text,
            count: error.count,
            first_wall_ns: error.first_wall_ns,
            last_wall_ns: error.last_wall_ns,
        }
    }
}

/// `stats.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`VERSION`].
    pub version: u32,
    /// Process id.
    pub pid: u32,
    /// When the run began, nanoseconds since 1970.
    pub started_wall_ns: i64,
    /// How long it took.
    pub elapsed_ns: u64,
    /// The machine it ran on.
    pub machine: Machine,
    /// Its clock.
    pub clock: ClockSummary,
    /// How many messages collecting saved.
    pub metrics: BatchingSummary,
    /// Every counter by `owner/label`. Raw clock ticks are given in nanoseconds, `_ticks` in the
    /// name becoming `_ns`, here and below.
    pub counters: BTreeMap<String, u64>,
    /// Every gauge by `owner/label`, as it stood at the end.
    pub gauges: BTreeMap<String, u64>,
    /// Every distribution by `owner/label`, in nanoseconds where it is one of times.
    pub histograms: BTreeMap<String, Percentiles>,
    /// Unit and help of every number above, by `owner/label`.
    #[serde(default)]
    pub about: BTreeMap<String, About>,
    /// Distinct errors, in the order in which they came.
    #[serde(default)]
    pub errors: Vec<ErrorLine>,
    /// The last verdict on every thread and agent.
    pub health: BTreeMap<String, Verdict>,
}

impl Summary {
    /// Sums up a run whose last interval was ended.
    pub fn of(
        collector: &Collector,
        clock: &Clock,
        anchors: &Anchors,
        declared: &[Declared],
        health: BTreeMap<String, Verdict>,
    ) -> Self {
        let snapshot = collector.snapshot();
        let (counters, gauges) = numbers(snapshot, |ticks| clock.delta_ns(0, ticks));
        let histograms = collector
            .totals()
            .map(|(name, _, total)| (name.to_owned(), Percentiles::of(total)))
            .collect();
        let about = snapshot.entries.iter().filter_map(|entry| {
            let what = declared.iter().find(|what| what.id == entry.id)?;
            Some((name_of(entry), About::of(entry, what)))
        });
        Self {
            version: VERSION,
            pid: snapshot.pid,
            started_wall_ns: anchors.first.wall_ns,
            elapsed_ns: anchors.last.mono_ns.saturating_sub(anchors.first.mono_ns),
            machine: Machine::read(),
            clock: ClockSummary {
                anchors: *anchors,
                ticks_per_second: clock.ticks_per_second(),
                drift_ppb: anchors.drift_ppb(clock),
            },
            metrics: collector.batching().into(),
            counters,
            gauges,
            histograms,
            about: about.collect(),
            errors: collector.errors().into_iter().map(Into::into).collect(),
            health,
        }
    }

    /// Writes `stats.json` into a folder, whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<(), StatsError> {
        let path = folder.join(JSON);
        let fail = |source| StatsError::Io {
            path: path.clone(),
            source,
        };
        let mut text = serde_json::to_vec_pretty(self).expect("numbers and names are JSON");
        text.push(b'\n');
        let temporary = folder.join(format!("{JSON}.tmp"));
        std::fs::write(&temporary, text).map_err(fail)?;
        std::fs::rename(&temporary, &path).map_err(fail)
    }
}

/// Numbers by `owner/label`.
pub(super) type Numbers = BTreeMap<String, u64>;

/// Counters and gauges of a page; lengths of time are in nanoseconds.
pub(super) fn numbers(snapshot: &Snapshot, to_ns: impl Fn(u64) -> u64) -> (Numbers, Numbers) {
    let mut counters = BTreeMap::new();
    let mut gauges = BTreeMap::new();
    for entry in &snapshot.entries {
        let in_ns = |number| match entry.unit {
            Unit::RawTicks => to_ns(number),
            _ => number,
        };
        match entry.value {
            Value::Counter(number) => counters.insert(name_of(entry), in_ns(number)),
            Value::Gauge(number) => gauges.insert(name_of(entry), in_ns(number)),
            Value::Histogram(_) => None,
        };
    }
    (counters, gauges)
}
