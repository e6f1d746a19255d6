//! The counters page as a dump: what a run that was killed, or still runs, had counted.

use hdrhistogram::Histogram;
use pitlane_lockfree::counters::{PageReader, Snapshot, Unit, Value};
use std::collections::BTreeMap;
use std::path::Path;

use super::summary::{Numbers, numbers};
use super::{ErrorLine, PAGE, StatsError};
use crate::metrics::{Batching, empty_histogram, merge, name_of};
use crate::supervisor;

/// A page, read once.
pub(super) struct PageState {
    pub pid: u32,
    pub started_wall_ns: i64,
    /// From the first anchor that is kept to the last.
    pub last_wall_ns: i64,
    pub counters: Numbers,
    pub gauges: Numbers,
    pub histograms: BTreeMap<String, Histogram<u64>>,
    pub batching: Batching,
    pub errors: Vec<ErrorLine>,
}

/// Reads the page in a folder; `None` if there is none.
pub(super) fn read(folder: &Path) -> Result<Option<PageState>, StatsError> {
    let path = folder.join(PAGE);
    if !path.exists() {
        return Ok(None);
    }
    let reader = PageReader::open(&path)?;
    let snapshot = reader.snapshot();
    let rate = u128::from(snapshot.ticks_per_second);
    let to_ns = |ticks: u64| {
        // A run that was killed before it knew its clock has measured nothing.
        let ns = (u128::from(ticks) * 1_000_000_000).checked_div(rate);
        ns.map_or(0, |ns| u64::try_from(ns).unwrap_or(u64::MAX))
    };
    let (counters, gauges) = numbers(&snapshot, to_ns);
    let started_wall_ns = snapshot.start_wall_ns;
    let number = |what: &pitlane_lockfree::counters::Declared| {
        let value = snapshot.value(supervisor::ROLE, what.label);
        value.map_or(0, Value::number)
    };
    let batching = Batching {
        updates: number(&supervisor::UPDATES),
        batches: number(&supervisor::BATCHES),
        flushes: number(&supervisor::FLUSHES),
    };
    let (errors, _) = reader.errors();
    Ok(Some(PageState {
        pid: snapshot.pid,
        started_wall_ns,
        last_wall_ns: snapshot
            .anchors
            .last()
            .map_or(started_wall_ns, |anchor| anchor.wall_ns),
        histograms: histograms(&snapshot, to_ns),
        counters,
        gauges,
        batching,
        errors: errors.into_iter().map(Into::into).collect(),
    }))
}

fn histograms(snapshot: &Snapshot, to_ns: impl Fn(u64) -> u64) -> BTreeMap<String, Histogram<u64>> {
    let mut found = BTreeMap::new();
    for entry in &snapshot.entries {
        let Value::Histogram(counted) = &entry.value else {
            continue;
        };
        let mut histogram = empty_histogram();
        merge(&mut histogram, counted, None, |value| match entry.unit {
            Unit::RawTicks => to_ns(value),
            _ => value,
        });
        if !histogram.is_empty() {
            found.insert(name_of(entry), histogram);
        }
    }
    found
}
