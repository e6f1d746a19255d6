//! Two dumps side by side.

use super::paths;
use pitlane_app::report::{duration, thousands};
use pitlane_runtime::stats::{Percentiles, Stats};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What is compared, as programs call it, and its name for people.
const ROWS: [(&str, &str); 6] = [
    ("min", "min"),
    ("p50", "p50"),
    ("p90", "p90"),
    ("p99", "p99"),
    ("p999", "p99.9"),
    ("max", "max"),
];

fn values(p: &Percentiles) -> [u64; 6] {
    [p.min, p.p50, p.p90, p.p99, p.p999, p.max]
}

/// The stages of both, and those of one only.
struct Pairs {
    both: BTreeMap<String, (Percentiles, Percentiles)>,
    alone: [Vec<String>; 2],
}

fn pairs(this: &Stats, other: &Stats) -> Pairs {
    let (left, mut right) = (this.percentiles(), other.percentiles());
    let mut both = BTreeMap::new();
    let mut alone = [Vec::new(), Vec::new()];
    for (name, p) in left {
        match right.remove(&name) {
            Some(q) => {
                both.insert(name, (p, q));
            }
            None => alone[0].push(name),
        }
    }
    alone[1].extend(right.into_keys());
    Pairs { both, alone }
}

/// `this / other`; `None` where the other is 0.
#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn ratio(this: u64, other: u64) -> Option<f64> {
    (other > 0).then(|| this as f64 / other as f64)
}

/// Two decimals, and more where a small number would have no figure in them.
pub fn two_figures(ratio: f64) -> String {
    let mut decimals = 2;
    while ratio > 0.0 && decimals < 6 && ratio * 10_f64.powi(decimals - 1) < 1.0 {
        decimals += 1;
    }
    let decimals = decimals.unsigned_abs() as usize;
    format!("{ratio:.decimals$}")
}

/// For a terminal.
pub fn text(this: &Stats, other: &Stats) -> String {
    let pairs = pairs(this, other);
    let mut text = format!(
        "this   {}\nother  {}\nratio  this / other; below 1 this one is faster\n",
        paths(this),
        paths(other)
    );
    let shown = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), two_figures);
    for (name, (p, q)) in &pairs.both {
        let _ = writeln!(
            text,
            "\n{name:<30} {:>14} {:>14} {:>8}",
            "this", "other", "ratio"
        );
        let _ = writeln!(
            text,
            "  {:<28} {:>14} {:>14} {:>8}",
            "count",
            thousands(p.count),
            thousands(q.count),
            shown(ratio(p.count, q.count))
        );
        for ((_, row), (a, b)) in ROWS.iter().zip(values(p).into_iter().zip(values(q))) {
            let _ = writeln!(
                text,
                "  {row:<28} {:>14} {:>14} {:>8}",
                duration(a),
                duration(b),
                shown(ratio(a, b))
            );
        }
    }
    for (whose, names) in ["this", "other"].iter().zip(&pairs.alone) {
        if !names.is_empty() {
            let _ = writeln!(text, "\nonly in {whose}: {}", names.join(", "));
        }
    }
    text
}

/// For programs.
pub fn json(this: &Stats, other: &Stats) -> anyhow::Result<Value> {
    let pairs = pairs(this, other);
    let mut histograms = serde_json::Map::new();
    for (name, (p, q)) in &pairs.both {
        let ratios: serde_json::Map<String, Value> = ROWS
            .iter()
            .zip(values(p).into_iter().zip(values(q)))
            .map(|((row, _), (a, b))| ((*row).to_owned(), json!(ratio(a, b))))
            .collect();
        let both = json!({
            "this": serde_json::to_value(p)?,
            "other": serde_json::to_value(q)?,
            "ratio": ratios,
        });
        histograms.insert(name.clone(), both);
    }
    let [only_this, only_other] = pairs.alone;
    Ok(json!({
        "this": this.paths,
        "other": other.paths,
        "histograms": histograms,
        "only_this": only_this,
        "only_other": only_other,
    }))
}
