//! Distributions of time, and every number that no other part of the view shows.

use super::pair::{Pair, per_second, time_ns};
use super::{CounterView, LatencyView, Percentiles};
use pitlane_app::counters;
use pitlane_lockfree::counters::{Entry, HistogramSnapshot, Owner, Snapshot, Unit, Value};
use pitlane_runtime::beat;

/// All distributions of time that ever counted something; those of threads behind those of agents.
pub fn read(pair: &Pair, baseline: Option<&Snapshot>) -> Vec<LatencyView> {
    let entries = pair.now.page.entries.iter();
    let mut all: Vec<LatencyView> = entries
        .filter_map(|entry| latency(pair, baseline, entry))
        .collect();
    all.sort_by_key(|latency| latency.owner.starts_with(beat::THREAD_OWNER));
    all
}

fn latency(pair: &Pair, baseline: Option<&Snapshot>, entry: &Entry) -> Option<LatencyView> {
    let Value::Histogram(now) = &entry.value else {
        return None;
    };
    time_ns(entry.unit, 0, 1)?;
    if now.count == 0 {
        return None;
    }
    let rate = pair.now.page.ticks_per_second;
    let percentiles = |histogram: &HistogramSnapshot| percentiles(histogram, entry.unit, rate);
    let since = |earlier: Option<&Snapshot>| match earlier?.value(&entry.owner, &entry.label) {
        Some(Value::Histogram(earlier)) => Some(now.since(earlier)),
        _ => Some((**now).clone()),
    };
    let recent = since(pair.before.map(|before| &before.page));
    let total = since(baseline).map_or_else(|| percentiles(now), |total| percentiles(&total));
    Some(LatencyView {
        owner: entry.owner.clone(),
        name: stage(&entry.label).to_owned(),
        help: help(entry),
        per_s: recent
            .as_ref()
            .zip(pair.interval_ns)
            .map(|(recent, interval)| per_second(recent.count, interval)),
        recent: recent.as_ref().map(percentiles),
        total,
    })
}

/// `latency.decode` as `decode`, and `cycle_ticks` as `cycle`.
fn stage(label: &str) -> &str {
    let label = label.strip_prefix("latency.").unwrap_or(label);
    label.strip_suffix("_ticks").unwrap_or(label)
}

fn percentiles(histogram: &HistogramSnapshot, unit: Unit, rate: u64) -> Percentiles {
    if histogram.count == 0 {
        return Percentiles::default();
    }
    let time = |value| time_ns(unit, value, rate).unwrap_or(0);
    let quantile = |q| time(histogram.quantile(q));
    Percentiles {
        count: histogram.count,
        p50: quantile(0.5),
        p90: quantile(0.9),
        p99: quantile(0.99),
        p999: quantile(0.999),
        max: time(histogram.max),
    }
}

/// Every counter and gauge that neither threads, agents nor edges show.
pub fn others(pair: &Pair) -> Vec<CounterView> {
    let entries = pair.now.page.entries.iter();
    entries
        .filter(|entry| is_other(entry))
        .map(|entry| other(pair, entry))
        .collect()
}

/// Whether neither threads, nor agents, nor edges show it.
fn is_other(entry: &Entry) -> bool {
    let shown = counters::of(entry).is_some_and(|what| !matches!(what.owner, Owner::Agent(_)));
    !shown && !matches!(entry.value, Value::Histogram(_))
}

fn other(pair: &Pair, entry: &Entry) -> CounterView {
    let number = entry.value.number();
    let time = time_ns(entry.unit, number, pair.now.page.ticks_per_second);
    let grows = matches!(entry.value, Value::Counter(_));
    CounterView {
        owner: entry.owner.clone(),
        label: entry.label.clone(),
        unit: if time.is_some() {
            Unit::Nanoseconds.name()
        } else {
            entry.unit.name()
        },
        help: help(entry),
        value: time.unwrap_or(number),
        per_s: if grows {
            pair.rate(&entry.owner, &entry.label)
        } else {
            None
        },
    }
}

fn help(entry: &Entry) -> &'static str {
    counters::of(entry).map_or("", |what| what.help)
}
