//! Every Binance capture given: the reconstructed touch is the venue's own wherever both say something.

use crate::support::{json, pitlane, shared};
use serde_json::Value;
use std::path::PathBuf;

#[track_caller]
fn check(files: &[&str], from: &str, compared: u64, mismatched: u64) -> Option<Value> {
    let files: Option<Vec<PathBuf>> = files.iter().map(|file| shared(file)).collect();
    let report = json(
        pitlane()
            .arg("replay")
            .args(files?)
            .args(["--from", from, "--json", "--quiet"]),
    );
    assert_eq!(report["gaps"], 0, "{from}");
    assert_eq!(report["touch"]["compared"], compared, "{from}");
    assert_eq!(report["touch"]["mismatched"], mismatched, "{from}");
    for (symbol, book) in report["books"].as_object().unwrap() {
        assert_eq!(book["state"], "good", "{symbol}");
    }
    Some(report)
}

#[test]
fn spot() {
    let days =
        ["20240808", "20240809"].map(|day| format!("binance_ws_hftbacktest/spot/btcusdt_{day}.gz"));
    check(&[&days[0], &days[1]], "binance-jsonl", 6493, 2);
}
