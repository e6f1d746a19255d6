//! Every capture given, where it is present: the touch of the reconstructed book is the venue's own.

use crate::support::{json, pitlane, shared};
use serde_json::Value;
use std::path::PathBuf;

/// Depth updates that can be held against a quote, and of those the ones that differ.
struct Touch {
    comparable: u64,
    different: u64,
}

#[track_caller]
fn check(from: &str, folder: &str, files: &[&str], expected: &Touch) {
    let Some(report) = replay(from, folder, files) else {
        return;
    };
    assert_eq!(report["gaps"], 0, "{files:?}");
    assert_eq!(
        report["frames_rejected"],
        serde_json::json!({}),
        "{files:?}"
    );
    let touch = |key: &str| report["touch"][key].as_u64().unwrap();
    let comparable = touch("compared") + touch("waiting");
    assert_eq!(
        comparable, expected.comparable,
        "{files:?}: {}",
        report["touch"]
    );
    assert_eq!(touch("mismatched"), expected.different, "{files:?}");
    for (symbol, book) in report["books"].as_object().unwrap() {
        assert_eq!(book["state"], "good", "{symbol}");
    }
}

fn replay(from: &str, folder: &str, files: &[&str]) -> Option<Value> {
    let files: Option<Vec<PathBuf>> = files
        .iter()
        .map(|file| shared(&format!("{folder}/{file}")))
        .collect();
    let mut command = pitlane();
    command.arg("replay").args(files?);
    Some(json(command.args(["--from", from, "--json", "--quiet"])))
}

#[test]
fn recorded_days_of_one_symbol() {
    let days = |files: &[&str], comparable, different| {
        let expected = Touch {
            comparable,
            different,
        };
        check("binance-jsonl", "binance_ws_hftbacktest", files, &expected);
    };
    // Of two spot updates the next quote was probably not captured.
    let spot = ["spot/btcusdt_20240808.gz", "spot/btcusdt_20240809.gz"];
    days(&spot, 6493, 2);
    days(&["usdm/btcusdt_20240808.gz"], 6547, 0);
    days(&["usdm/ethusdt_20240808.gz"], 6581, 0);
    let coin = ["cm/btcusd_perp_20240808.gz", "cm/btcusd_perp_20240809.gz"];
    days(&coin, 44_772, 0);
}

#[test]
fn recordings_of_many_symbols_whose_snapshots_come_late() {
    let recording = |files: &[&str], comparable, different| {
        let expected = Touch {
            comparable,
            different,
        };
        check("cryptofeed", "binance_ws_cryptofeed", files, &expected);
    };
    // Without a bookTicker stream there is nothing to compare.
    recording(&["BINANCE.20210404T2003.txt.zst"], 0, 0);
    recording(&["BINANCE.20210405T1833.txt.zst"], 4629, 0);
    recording(&["BINANCE_FUTURES.20210405T1836.txt.zst"], 4381, 0);
    let three = |venue: &str, stamp: &str, comparable, different| {
        let parts = ["", ".http.0", ".ws.1"].map(|part| format!("{venue}{part}.{stamp}.txt.zst"));
        recording(&[&parts[0], &parts[1], &parts[2]], comparable, different);
    };
    three("BINANCE", "20211012T0028", 159, 0);
    three("BINANCE_FUTURES", "20210722T2225", 744, 0);
    // Three updates right behind two snapshots: those snapshots have another best ask than the quotes before and after
    // them. A count that shares nothing with the engine finds the same three.
    three("BINANCE_DELIVERY", "20210722T0113", 1788, 3);
}

#[test]
fn other_formats_play_too() {
    let plays = |from: &str, folder: &str, file: &str, fact: &str, count: u64| {
        let Some(report) = replay(from, folder, &[file]) else {
            return;
        };
        assert_eq!(report["facts"][fact], count, "{file}");
        let events = report["events"].as_object().unwrap().values();
        let events: u64 = events.map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(report["last_sequence"], events, "{file}");
    };
    let trades = "BTCUSDT-aggTrades-2024-01-01.h00-12.csv.zst";
    plays(
        "binance-aggtrades-csv",
        "binance_aggtrades",
        trades,
        "trade",
        344_377,
    );
    plays(
        "binance-klines-csv",
        "binance_klines",
        "ADABTC-1m-2021-11-27.csv",
        "venue_bar",
        1440,
    );
    let itch = "AAPL_20191230_0935_derived.first25k.itch50.zst";
    plays("itch50", "itch50", itch, "order", 25_000);
    let lobster = "AAPL_2012-06-21_message_50.first45k.csv.zst";
    plays("lobster", "l3_lobster", lobster, "order", 45_000);
    plays(
        "mbo-csv",
        "l3_cme_mbo",
        "ESH4_20231225.mbo.csv.zst",
        "order",
        68_792,
    );
    let bi5 = "GBPJPY_2012_11_03_13h_ticks.bi5";
    plays("fx-csv", "fx_dukascopy", bi5, "fx_tick", 3903);
    // 3,991 of 51,053 ticks have an ask below the bid and are refused.
    let fxcm = "fxcm_eurusd_20140501_quote.zip";
    plays("fx-csv", "fx_lean", fxcm, "fx_tick", 51_053 - 3991);
}

#[test]
fn every_checksum_of_a_venue_is_that_of_the_book() {
    let check = |files: &[&str], verified: u64| {
        let Some(report) = replay("cryptofeed", "checksum_books_cryptofeed", files) else {
            return;
        };
        let expected = serde_json::json!({"verified": verified, "failed": 0, "skipped": 0});
        assert_eq!(report["checksums"], expected, "{files:?}");
        assert_eq!(report["gaps"], 0, "{files:?}");
        let none = serde_json::json!({});
        assert_eq!(report["frames_rejected"], none, "{files:?}");
    };
    check(&["KRAKEN.20210405T2347.txt.zst"], 14_496);
    check(&["OKX.ws.1.20220513T1627.txt.zst"], 290);
    check(&["FTX.ws.1.20210722T2245.txt.zst"], 971);
    // Three connections to the same instruments are one stream.
    let lines = [1, 2, 3].map(|line| format!("OKEX.ws.{line}.20210722T2315.txt.zst"));
    check(&[&lines[0]], 1504);
    check(&[&lines[0], &lines[1], &lines[2]], 1504);
}
