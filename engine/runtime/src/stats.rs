//! The stats dump: what a run measured, written by the supervisor and read by anybody.
//!
//! `stats.hlog` is an `HdrHistogram` V2 interval log with a tag per distribution; it grows while the
//! engine runs, so that a killed run still tells. `stats.json` is the sum of it all, written once
//! at the end. Beside them lies the counters page, which is complete up to the moment of a kill.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

mod hlog;
mod page;
mod summary;
#[cfg(test)]
mod tests;

pub use hlog::{HlogWriter, Intervals, read_hlog};
pub use summary::{
    About, BatchingSummary, ClockSummary, ErrorLine, Percentiles, Summary, value_at,
};

use crate::metrics::Batching;
use crate::os::process::process;

/// Name of the interval log in its folder.
pub const HLOG: &str = "stats.hlog";
/// Name of the summary in its folder.
pub const JSON: &str = "stats.json";
/// Name of the counters page in its folder.
pub const PAGE: &str = "counters.page";
/// Version of the summary's shape.
pub const VERSION: u32 = 1;

/// How the run of a dump ended, as far as the dump can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself: it wrote its summary.
    Whole,
    /// Not yet: the process that writes the counters page lives.
    Running {
        /// The process.
        pid: u32,
    },
    /// Killed, or its machine stopped: the counters page holds its last state.
    Killed {
        /// The process that was.
        pid: u32,
    },
    /// Unknown: there is nothing but an interval log.
    Unknown,
}

/// A dump as read, or several of them as one.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Where it was read.
    pub paths: Vec<PathBuf>,
    /// How the run ended; of several the first that did not end by itself.
    pub end: End,
    /// The summary; `None` when the run was killed before it could write one, and of several dumps.
    pub summary: Option<Summary>,
    /// When the first run began, ns since 1970; 0 if nothing says.
    pub started_wall_ns: i64,
    /// How long the runs took in all.
    pub elapsed_ns: u64,
    /// Counters by `owner/label`, the sum of all dumps.
    pub counters: BTreeMap<String, u64>,
    /// Gauges by `owner/label`, the largest of all dumps.
    pub gauges: BTreeMap<String, u64>,
    /// Every distribution, the sum of its intervals.
    pub histograms: BTreeMap<String, Histogram<u64>>,
    /// How much was collected with how little.
    pub batching: Batching,
    /// Distinct errors.
    pub errors: Vec<ErrorLine>,
    /// Number of lines in the log: one for each distribution and interval.
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

    /// Adds another dump to this one.
    pub fn merge(&mut self, other: Self) -> Result<(), StatsError> {
        for (name, histogram) in other.histograms {
            let sum = self.histograms.entry(name.clone());
            sum.or_insert_with(crate::metrics::empty_histogram)
                .add(&histogram)
                .map_err(|error| StatsError::Hlog {
                    path: other.paths.first().cloned().unwrap_or_default(),
                    what: format!("{name} cannot be merged: {error}"),
                })?;
        }
        for (name, number) in other.counters {
            *self.counters.entry(name).or_default() += number;
        }
        for (name, number) in other.gauges {
            let largest = self.gauges.entry(name).or_default();
            *largest = number.max(*largest);
        }
        if self.started_wall_ns == 0 || (1..self.started_wall_ns).contains(&other.started_wall_ns) {
            self.started_wall_ns = other.started_wall_ns;
        }
        self.elapsed_ns += other.elapsed_ns;
        self.batching.updates += other.batching.updates;
        self.batching.batches += other.batching.batches;
        self.batching.flushes += other.batching.flushes;
        self.errors.extend(other.errors);
        self.intervals += other.intervals;
        self.truncated |= other.truncated;
        if self.end == End::Whole {
            self.end = other.end;
        }
        self.paths.extend(other.paths);
        self.summary = None;
        Ok(())
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
    #[error("{path}: not a stats summary, or cut short: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The summary was written by another build.
    #[error(
        "{path}: a stats summary of version {found}, this program reads {VERSION}; read it with the build that wrote it"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The interval log is damaged.
    #[error("{path}: not an HdrHistogram interval log: {what}")]
    Hlog {
        /// The file.
        path: PathBuf,
        /// Where and why.
        what: String,
    },
    /// The counters page cannot be read.
    #[error(transparent)]
    Page(#[from] pitlane_lockfree::counters::PageError),
    /// There is no dump.
    #[error("{path}: no stats dump: neither {HLOG} nor {JSON} nor {PAGE} is there")]
    Missing {
        /// The folder.
        path: PathBuf,
    },
}

/// Reads the dump in a folder, whatever of it is there, or an interval log by itself.
///
/// A run that ended by itself is read from its summary and its log.
/// One that did not is read from the counters page, which is complete; without a page its log must do.
pub fn load(path: &Path) -> Result<Stats, StatsError> {
    let metadata = std::fs::metadata(path).map_err(|source| StatsError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    if !metadata.is_dir() {
        return log_only(path);
    }
    let hlog = path.join(HLOG);
    let intervals = match read_if_there(&hlog)? {
        Some(bytes) => Some(parse(&hlog, &bytes)?),
        None => None,
    };
    if let Some(summary) = read_summary(&path.join(JSON))? {
        let intervals = intervals.unwrap_or_default();
        return Ok(Stats {
            paths: vec![path.to_path_buf()],
            end: End::Whole,
            started_wall_ns: summary.started_wall_ns,
            elapsed_ns: summary.elapsed_ns,
            counters: summary.counters.clone(),
            gauges: summary.gauges.clone(),
            histograms: intervals.totals,
            batching: summary.metrics.counts,
            errors: summary.errors.clone(),
            intervals: intervals.count,
            truncated: intervals.truncated,
            summary: Some(summary),
        });
    }
    let page = page::read(path)?;
    match (page, intervals) {
        (Some(page), intervals) => Ok(last_state(path, page, &intervals.unwrap_or_default())),
        (None, Some(intervals)) => Ok(of_log(path, intervals)),
        (None, None) => Err(StatsError::Missing {
            path: path.to_path_buf(),
        }),
    }
}

/// What the page of a run without a summary tells.
fn last_state(path: &Path, page: page::PageState, intervals: &Intervals) -> Stats {
    // A process of that id that began after the page is another one. The kernel's time of a start is good to 10 ms.
    let before = page.started_wall_ns.saturating_add(1_000_000_000);
    let lives =
        process(page.pid).is_some_and(|found| found.lives() && found.started_wall_ns <= before);
    let pid = page.pid;
    let elapsed = page.last_wall_ns.saturating_sub(page.started_wall_ns);
    Stats {
        paths: vec![path.to_path_buf()],
        end: if lives {
            End::Running { pid }
        } else {
            End::Killed { pid }
        },
        summary: None,
        started_wall_ns: page.started_wall_ns,
        elapsed_ns: u64::try_from(elapsed).unwrap_or(0),
        counters: page.counters,
        gauges: page.gauges,
        histograms: page.histograms,
        batching: page.batching,
        errors: page.errors,
        intervals: intervals.count,
        truncated: intervals.truncated,
    }
}

fn log_only(path: &Path) -> Result<Stats, StatsError> {
    let bytes = std::fs::read(path).map_err(|source| StatsError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    // One that only lies beside a page may be that of an engine which has just begun.
    if bytes.is_empty() {
        return Err(StatsError::Hlog {
            path: path.to_path_buf(),
            what: "it is empty".to_owned(),
        });
    }
    parse(path, &bytes).map(|intervals| of_log(path, intervals))
}

fn of_log(path: &Path, intervals: Intervals) -> Stats {
    Stats {
        paths: vec![path.to_path_buf()],
        end: End::Unknown,
        summary: None,
        started_wall_ns: 0,
        elapsed_ns: 0,
        counters: BTreeMap::new(),
        gauges: BTreeMap::new(),
        histograms: intervals.totals,
        batching: Batching::default(),
        errors: Vec::new(),
        intervals: intervals.count,
        truncated: intervals.truncated,
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Intervals, StatsError> {
    read_hlog(bytes).map_err(|what| {
        let hint = if path.ends_with(JSON) || path.ends_with(PAGE) {
            "; name the folder it lies in"
        } else {
            ""
        };
        StatsError::Hlog {
            path: path.to_path_buf(),
            what: what + hint,
        }
    })
}

fn read_summary(path: &Path) -> Result<Option<Summary>, StatsError> {
    let Some(bytes) = read_if_there(path)? else {
        return Ok(None);
    };
    let fail = |source| StatsError::Json {
        path: path.to_path_buf(),
        source,
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(fail)?;
    match value["version"].as_u64() {
        Some(found) if found != u64::from(VERSION) => Err(StatsError::Version {
            path: path.to_path_buf(),
            found,
        }),
        _ => serde_json::from_value(value).map(Some).map_err(fail),
    }
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
