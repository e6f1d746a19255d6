//! The bundled sample against a count of the same frames that shares nothing with the engine.

use crate::support::{expect_code, json, pitlane, python, script};
use serde_json::Value;

/// Decimal text without trailing zeros, as the other count prints it.
fn plain(value: &Value) -> String {
    let text = value.as_str().unwrap();
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

fn rows(value: &Value) -> Vec<(String, String)> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|level| (plain(&level[0]), plain(&level[1])))
        .collect()
}

#[test]
fn every_count_is_the_one_python_finds() {
    let Some(mut python) = python() else { return };
    let counted: Value =
        serde_json::from_slice(&expect_code(python.arg(script("count_frames.py")), 0).stdout)
            .unwrap();
    let report = json(pitlane().args(["replay", "--json", "--quiet"]));
    let venues = [
        ("BTCUSDT", &counted["binance-spot"]),
        ("BTCUSDT-PERP", &counted["binance-usdm"]),
    ];
    let sum = |keys: &[&str]| -> u64 {
        let number = |(_, of): &(&str, &Value)| {
            keys.iter()
                .fold(*of, |value, key| &value[*key])
                .as_u64()
                .unwrap_or(0)
        };
        venues.iter().map(number).sum()
    };

    assert_eq!(report["frames"], sum(&["frames"]));
    assert_eq!(report["frames_rejected"], serde_json::json!({}));
    assert_eq!(report["facts"]["trade"], sum(&["frames_by_kind", "trade"]));
    assert_eq!(
        report["facts"]["quote"],
        sum(&["frames_by_kind", "bookTicker"])
    );
    assert_eq!(
        report["facts"]["depth_diff"],
        sum(&["frames_by_kind", "depthUpdate"])
    );
    assert_eq!(
        report["facts"]["depth_snapshot"],
        sum(&["frames_by_kind", "depthSnapshot"])
    );
    assert_eq!(report["trades"], sum(&["trades"]));
    assert_eq!(report["rows_stored"], sum(&["trades"]));
    assert_eq!(
        report["gaps"],
        sum(&["trade_gaps"]) + sum(&["book", "gaps"])
    );
    // A depth update that is newer than every quote waits for a quote; the other count takes the quote before it.
    let touch = |key: &str| report["touch"][key].as_u64().unwrap();
    assert_eq!(
        touch("compared") + touch("waiting"),
        sum(&["book_ticker", "compared"])
    );
    assert!(
        touch("waiting") <= 2,
        "at most the last update of each book"
    );
    let different: usize = venues
        .iter()
        .map(|(_, of)| of["book_ticker"]["different"].as_array().unwrap().len())
        .sum();
    assert_eq!(report["touch"]["mismatched"], different);

    for (symbol, counted) in venues {
        assert_eq!(
            plain(&report["traded_qty"][symbol]),
            counted["volume"].as_str().unwrap(),
            "{symbol}"
        );
        let book = &report["books"][symbol];
        assert_eq!(
            book["last_update_id"], counted["book"]["last_update_id"],
            "{symbol}"
        );
        for side in ["bids", "asks"] {
            assert_eq!(
                rows(&book[side]),
                rows(&counted["book"]["top"][side]),
                "{symbol} {side}"
            );
            assert_eq!(book[side].as_array().unwrap().len(), 20);
        }
        // The last bar of the count is the one still open; the engine reports closed ones.
        let expected = counted["bars_1m"].as_array().unwrap();
        let bars = report["last_bars"][symbol]["1m"].as_array().unwrap();
        assert!(
            bars.len() + 1 >= expected.len() && bars.len() >= 5,
            "{symbol}: {} bars",
            bars.len()
        );
        for (bar, expected) in bars.iter().zip(expected) {
            assert_eq!(bar["open_ms"], expected["start"], "{symbol}");
            assert_eq!(
                bar["trades"], expected["trades"],
                "{symbol} {}",
                bar["open_ms"]
            );
            for key in ["open", "high", "low", "close", "volume", "buy_volume"] {
                assert_eq!(
                    plain(&bar[key]),
                    expected[key].as_str().unwrap(),
                    "{symbol} {} {key}",
                    bar["open_ms"]
                );
            }
        }
    }
}

#[test]
fn the_report_shows_what_happened() {
    let output = expect_code(pitlane().args(["replay", "--quiet"]), 0);
    let text = String::from_utf8_lossy(&output.stdout);
    for expected in [
        "frames",
        "trades",
        "latency",
        "p99.9",
        "back-pressure",
        "state hash",
        "BTCUSDT-PERP",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
}
