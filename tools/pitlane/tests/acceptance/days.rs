//! Two captures that meet at midnight are one market; what is missing from them is missed, and only that.

use crate::support::{expect_code, json, pitlane, sample, store_files};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

fn days() -> [PathBuf; 2] {
    [
        "binance-spot-btcusdt-20240808.gz",
        "binance-spot-btcusdt-20240809.gz",
    ]
    .map(sample)
}

fn replay(files: &[PathBuf], out: &Path) -> Value {
    json(
        pitlane()
            .arg("replay")
            .args(files)
            .args(["--json", "--quiet", "--out"])
            .arg(out),
    )
}

/// The two days with some lines left out, chosen by their number and text over both files.
fn without(dir: &Path, mut drop: impl FnMut(usize, &str) -> bool) -> Vec<PathBuf> {
    let mut number = 0;
    let mut files = Vec::new();
    for (day, file) in days().iter().enumerate() {
        let path = dir.join(format!("day-{day}.gz"));
        let mut out = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::fast());
        for line in BufReader::new(GzDecoder::new(std::fs::File::open(file).unwrap())).lines() {
            let line = line.unwrap();
            number += 1;
            if !drop(number, &line) {
                writeln!(out, "{line}").unwrap();
            }
        }
        out.finish().unwrap();
        files.push(path);
    }
    files
}

#[test]
fn midnight_is_crossed_without_a_break() {
    let root = tempfile::tempdir().unwrap();
    let report = replay(&days(), root.path());
    assert_eq!(report["gaps"], 0);
    assert_eq!(report["books"]["BTCUSDT"]["state"], "good");
    assert_eq!(report["trades"], 9757 + 10147);
    assert_eq!(report["bars"]["1d"], 1, "the day of 8 August is closed");
    let touch = |key: &str| report["touch"][key].as_u64().unwrap();
    assert_eq!(touch("compared") + touch("waiting"), 6493);
    assert_eq!(touch("mismatched"), 2);
    let segments = store_files(&root.path().join("ticks"));
    assert_eq!(segments.len(), 2, "a segment a day");
    // A segment is named after its first record, and that record is the first of 9 August 2024.
    let first = segments[1]
        .0
        .trim_end_matches(".seg")
        .trim_start_matches('0');
    let records = expect_code(
        pitlane()
            .arg("export")
            .arg(root.path().join("ticks"))
            .args(["--to", "jsonl", "--from-sequence", first]),
        0,
    );
    let record: Value =
        serde_json::from_slice(records.stdout.split(|&byte| byte == b'\n').next().unwrap())
            .unwrap();
    let midnight_ns = 1_723_161_600_000_000_000;
    assert!(
        (midnight_ns..midnight_ns + 1_000_000_000).contains(&record["ts_recv"].as_i64().unwrap()),
        "{record}"
    );
}

#[test]
fn a_missing_depth_update_is_one_gap_and_the_book_says_so() {
    let root = tempfile::tempdir().unwrap();
    let mut seen = 0;
    let files = without(root.path(), |_, line| {
        seen += usize::from(line.contains("@depth@"));
        line.contains("@depth@") && seen == 3000
    });
    let report = replay(&files, &root.path().join("out"));
    assert_eq!(report["gaps"], 1);
    assert_eq!(
        report["books"]["BTCUSDT"]["state"], "gapped",
        "no snapshot follows in the capture"
    );
    assert_eq!(report["trades"], 9757 + 10147, "trades go on meanwhile");
}

#[test]
fn missing_trades_are_one_gap_a_hole() {
    let root = tempfile::tempdir().unwrap();
    let mut seen = 0;
    // Holes of 1, 3 and 1 trades.
    let files = without(root.path(), |_, line| {
        seen += usize::from(line.contains("@trade"));
        line.contains("@trade") && matches!(seen, 100 | 5000..=5002 | 15000)
    });
    let report = replay(&files, &root.path().join("out"));
    assert_eq!(report["gaps"], 3);
    assert_eq!(report["trades"], 9757 + 10147 - 5);
    assert_eq!(report["books"]["BTCUSDT"]["state"], "good");
}

#[test]
fn lines_that_come_twice_are_counted_and_change_nothing() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("twice.gz");
    let mut out = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::fast());
    let mut doubled = 0;
    let first = &days()[0];
    for line in BufReader::new(GzDecoder::new(std::fs::File::open(first).unwrap())).lines() {
        let line = line.unwrap();
        writeln!(out, "{line}").unwrap();
        if line.contains("\"stream\"") {
            writeln!(out, "{line}").unwrap();
            doubled += 1;
        }
    }
    out.finish().unwrap();
    let once = replay(std::slice::from_ref(first), &root.path().join("once"));
    let twice = replay(&[path], &root.path().join("twice"));
    assert_eq!(twice["frames"], once["frames"].as_u64().unwrap() + doubled);
    assert_eq!(twice["state_hash"], once["state_hash"]);
    assert_eq!(twice["gaps"], 0);
    assert!(
        twice["duplicates"].as_u64().unwrap() > 35_000,
        "{}",
        twice["duplicates"]
    );
}
