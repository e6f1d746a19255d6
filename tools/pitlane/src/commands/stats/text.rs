//! A dump as text for a terminal.

use super::{about, paths};
use pitlane_app::counters::BEHIND;
use pitlane_app::report::{duration, thousands};
use pitlane_runtime::stats::{End, Percentiles, Stats};
use std::fmt::Write as _;

/// Head, distributions, lateness, and unless only some stages were asked for, everything else.
pub fn of(dump: &Stats, some: bool) -> String {
    let mut text = head(dump);
    distributions(&mut text, dump);
    if let Some((sentence, _)) = behind(dump) {
        let _ = writeln!(text, "\n{sentence}");
    }
    numbers(&mut text, dump);
    if !some {
        batching(&mut text, dump);
        errors(&mut text, dump);
    }
    text
}

/// What was read, and how its run ended.
fn head(dump: &Stats) -> String {
    let several = dump.paths.len() > 1;
    let (end, in_all) = if several {
        (end_of_several(dump), " in all")
    } else {
        (end_of_one(dump.end), "")
    };
    let mut text = format!("dump       {}\nrun        {end}\n", paths(dump));
    if several {
        text.push_str("summed up  distributions and counters; a gauge is the largest of all\n");
    }
    if let Ok(started) = jiff::Timestamp::from_nanosecond(dump.started_wall_ns.into())
        && dump.started_wall_ns != 0
    {
        let _ = writeln!(
            text,
            "started    {started:.3}, for {}{in_all}",
            duration(dump.elapsed_ns)
        );
    }
    let _ = writeln!(
        text,
        "log        {} lines, one for each distribution and interval",
        thousands(dump.intervals)
    );
    text
}

fn end_of_one(end: End) -> String {
    match end {
        End::Whole => "ended by itself".to_owned(),
        End::Running { pid } => {
            format!("process {pid} still runs; this is the counters page as it is now")
        }
        End::Killed { pid } => format!(
            "process {pid} was killed before it wrote its summary; this is the last state of its counters page, \
             complete up to the kill"
        ),
        End::Unknown => {
            "an interval log alone; a run that was killed lacks its last interval in it".to_owned()
        }
    }
}

fn end_of_several(dump: &Stats) -> String {
    let exception = match dump.end {
        End::Whole => return "all ended by themselves".to_owned(),
        End::Running { pid } => format!("process {pid} still runs"),
        End::Killed { pid } => format!("process {pid} was killed"),
        End::Unknown => "one is an interval log alone".to_owned(),
    };
    format!("not all ended by themselves: {exception}")
}

fn distributions(text: &mut String, dump: &Stats) {
    let _ = writeln!(
        text,
        "\n{:<30} {:>12} {:>11} {:>11} {:>11} {:>11} {:>11}",
        "distribution", "count", "p50", "p90", "p99", "p99.9", "max"
    );
    for (name, p) in dump.percentiles() {
        let _ = write!(text, "{name:<30} {:>12}", thousands(p.count));
        for value in [p.p50, p.p90, p.p99, p.p999, p.max] {
            let _ = write!(text, " {:>11}", duration(value));
        }
        text.push('\n');
    }
}

/// Whether a paced replay kept its pace, in words and numbers. `None` if nothing was measured.
pub fn behind(dump: &Stats) -> Option<(String, Percentiles)> {
    let late = dump.histograms.get(&format!("feed/{}", BEHIND.label))?;
    let p = Percentiles::of(late);
    let sentence = if p.max == 0 {
        "behind schedule: nothing was paced; every input was due when it was taken, and latency.* counts from then"
            .to_owned()
    } else {
        format!(
            "behind schedule: half of {} inputs were taken up to {} late, 1 % later than {}, one {}.\n\
             latency.* counts from the moment an input should have been sent, so being late is in it;\n\
             service.* counts from the moment it was taken.",
            thousands(p.count),
            duration(p.p50),
            duration(p.p99),
            duration(p.max)
        )
    };
    Some((sentence, p))
}

fn numbers(text: &mut String, dump: &Stats) {
    let mut rows = Vec::new();
    for (name, value) in dump.counters.iter().chain(&dump.gauges) {
        let about = about(dump, name);
        let (unit, help) = about.map_or_else(Default::default, |about| (about.unit, about.help));
        // A reading of the raw clock says nothing to a person.
        if unit != "raw time" {
            rows.push((name, thousands(*value), unit, help));
        }
    }
    if rows.is_empty() {
        return;
    }
    rows.sort();
    let _ = writeln!(
        text,
        "\n{:<46} {:>18} {:<8} what it says",
        "counter", "value", "unit"
    );
    for (name, value, unit, help) in rows {
        let _ = writeln!(text, "{name:<46} {value:>18} {unit:<8} {help}");
    }
}

fn batching(text: &mut String, dump: &Stats) {
    let counts = dump.batching;
    if counts.flushes > 0 {
        let _ = writeln!(
            text,
            "\nmetrics: {} updates in {} batches, {:.2} % saved",
            thousands(counts.updates),
            thousands(counts.batches),
            counts.saving() * 100.0
        );
    }
}

fn errors(text: &mut String, dump: &Stats) {
    if dump.errors.is_empty() {
        return;
    }
    let time = |ns: i64| {
        let time = jiff::Timestamp::from_nanosecond(ns.into());
        time.map_or_else(|_| ns.to_string(), |time| format!("{time:.3}"))
    };
    let _ = writeln!(
        text,
        "\n{:>9}  {:<24} {:<24} {:<12} error",
        "times", "first", "last", "agent"
    );
    for error in &dump.errors {
        let _ = writeln!(
            text,
            "{:>9}  {:<24} {:<24} {:<12} {}",
            thousands(error.count),
            time(error.first_wall_ns),
            time(error.last_wall_ns),
            error.agent,
            error.text
        );
    }
}
