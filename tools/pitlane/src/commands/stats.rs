//! `pitlane stats`: the stats dump of a run.

use crate::cli::StatsArgs;
use crate::{exit, output};
use pitlane_app::report::{duration, thousands};
use pitlane_runtime::stats;
use std::fmt::Write;

/// Runs the command.
pub fn stats(args: &StatsArgs) -> anyhow::Result<u8> {
    let dump = stats::load(&args.dump)?;
    if args.json {
        let summary = dump
            .summary
            .as_ref()
            .map(serde_json::to_value)
            .transpose()?;
        output::print_line(serde_json::json!({
                "summary": summary,
                "intervals": dump.intervals,
                "truncated": dump.truncated,
                "histograms": serde_json::to_value(dump.percentiles())?,
        }))?;
        return Ok(exit::OK);
    }
    let mut text = String::new();
    writeln!(
        text,
        "{:<28} {:>12} {:>11} {:>11} {:>11} {:>11} {:>11}",
        "histogram", "count", "p50", "p90", "p99", "p99.9", "max"
    )?;
    for (name, p) in dump.percentiles() {
        writeln!(
            text,
            "{name:<28} {:>12} {:>11} {:>11} {:>11} {:>11} {:>11}",
            thousands(p.count),
            duration(p.p50),
            duration(p.p90),
            duration(p.p99),
            duration(p.p999),
            duration(p.max)
        )?;
    }
    if let Some(summary) = &dump.summary {
        writeln!(text, "\n{:<44} {:>16}", "counter", "value")?;
        for (name, value) in &summary.counters {
            writeln!(text, "{name:<44} {:>16}", thousands(*value))?;
        }
    }
    output::print(text)?;
    if dump.truncated {
        output::say(
            "the interval log ends in the middle of a line: the run was killed; what is whole was read",
        );
    }
    Ok(exit::OK)
}
