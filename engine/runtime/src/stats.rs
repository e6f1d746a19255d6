//! The stats dump: what a run measured, written by the supervisor and read by anybody.
//!
//! `stats.hlog` is an `HdrHistogram` V2 interval log with a tag per distribution; it grows while the
//! engine runs, so that a killed run still tells. `stats.json` is the sum of it all, written once
//! at the end.

use hdrhistogram::Histogram;
use pitlane_lockfree::counters::{Declared, Entry, Unit, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

mod hlog;
#[cfg(test)]
mod tests;

pub use hlog::{HlogWriter, Intervals, read_hlog};

use crate::clock::{Anchors, Clock};
use crate::health::Verdict;
use crate::metrics::{Batching, Collector, name_of};
use crate::os::Machine;

/// Name of the interval log in its folder.
pub const HLOG: &str = "stats.hlog";
/// Name of the summary in its folder.
pub const JSON: &str = "stats.json";
/// Version of the summary's shape.
pub const VERSION: u32 = 1;

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
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
            mean: histogram.mean(),
        }
    }
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
    /// The last verdict on every thread and agent.
    pub health: BTreeMap<String, Verdict>,
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
        let mut counters = BTreeMap::new();
        let mut gauges = BTreeMap::new();
        let mut about = BTreeMap::new();
        for entry in &snapshot.entries {
            let name = name_of(entry);
            let in_ns = |number| match entry.unit {
                Unit::RawTicks => clock.delta_ns(0, number),
                _ => number,
            };
            if let Some(what) = declared.iter().find(|what| what.id == entry.id) {
                about.insert(name.clone(), About::of(entry, what));
            }
            match entry.value {
                Value::Counter(number) => {
                    counters.insert(name, in_ns(number));
                }
                Value::Gauge(number) => {
                    gauges.insert(name, in_ns(number));
                }
                Value::Histogram(_) => {}
            }
        }
        let histograms = collector
            .totals()
            .map(|(name, _, total)| (name.to_owned(), Percentiles::of(total)))
            .collect();
        let counts = collector.batching();
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
            metrics: BatchingSummary {
                counts,
                saving: counts.saving(),
            },
            counters,
            gauges,
            histograms,
            about,
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

/// A dump as read.
#[derive(Clone, Debug)]
pub struct Stats {
    /// The summary; `None` when the run was killed before it could write one.
    pub summary: Option<Summary>,
    /// Every distribution, the sum of its intervals.
    pub histograms: BTreeMap<String, Histogram<u64>>,
    /// Number of intervals in the log.
    pub intervals: u64,
    /// The log ends in the middle of a line: the run was killed while writing it.
    pub truncated: bool,
}

impl Stats {
    /// What a person asks, of every distribution.
    pub fn percentiles(&self) -> BTreeMap<String, Percentiles> {
        self.histograms
            .iter()
            .map(|(name, histogram)| (name.clone(), Percentiles::of(histogram)))
            .collect()
    }
}

/// Why a dump cannot be written or read.
#[derive(Debug, Error)]
pub enum StatsError {
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The summary is not one.
    #[error("{path}: not a stats summary: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The interval log is damaged.
    #[error("{path}: not an HdrHistogram interval log: {what}")]
    Hlog {
        /// The file.
        path: PathBuf,
        /// Where and why.
        what: String,
    },
    /// There is no dump.
    #[error("{path}: neither {HLOG} nor {JSON} is there")]
    Missing {
        /// The folder.
        path: PathBuf,
    },
}

/// Reads the dump in a folder: both files, or the one that is there.
pub fn load(folder: &Path) -> Result<Stats, StatsError> {
    let json = folder.join(JSON);
    let summary = match read_if_there(&json)? {
        Some(bytes) => Some(
            serde_json::from_slice(&bytes)
                .map_err(|source| StatsError::Json { path: json, source })?,
        ),
        None => None,
    };
    let hlog = folder.join(HLOG);
    let intervals = match read_if_there(&hlog)? {
        Some(bytes) => read_hlog(&bytes).map_err(|what| StatsError::Hlog { path: hlog, what })?,
        None if summary.is_none() => {
            return Err(StatsError::Missing {
                path: folder.to_path_buf(),
            });
        }
        None => Intervals::default(),
    };
    Ok(Stats {
        summary,
        histograms: intervals.totals,
        intervals: intervals.count,
        truncated: intervals.truncated,
    })
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StatsError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StatsError::Io {
            path: path.to_path_buf(),
            source,
        }),
    }
}
