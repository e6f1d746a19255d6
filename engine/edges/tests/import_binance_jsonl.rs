//! Raw frame lines: the three forms, what they give away, what is refused; and the recorded days against their counts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{counts, read_all, shared, temp};
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_edges::import::{Format, ImportOptions, open};
use pitlane_edges::source::{OnBad, SourceError};
use std::path::Path;

fn options() -> ImportOptions {
    ImportOptions::default()
}

fn import(text: &str, options: &ImportOptions) -> String {
    let file = temp("frames.jsonl", text.as_bytes());
    match open(Format::BinanceJsonl, file.path(), options) {
        Ok(mut source) => common::show(&mut *source),
        Err(error) => common::message(&error),
    }
}

const TRADE: &str =
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","X":"MARKET"}}"#;

#[test]
fn a_line_is_a_time_and_a_frame() {
    let text =
        format!("1723161255088176367 {TRADE}\n\n1723161255088177 {TRADE}\r\n1723161255089 {TRADE}");
    expect_test::expect![[r#"
        1723161255088176367 binance-usdm btcusdt@trade {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","X":"MARKET"}}
        1723161255088177000 binance-usdm btcusdt@trade {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","X":"MARKET"}}
        1723161255089000000 binance-usdm btcusdt@trade {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","X":"MARKET"}}
        FILE (binance-jsonl): 4 records = 3 frames + 1 control + 0 refused
          the unit of the receive times changed 2 times
    "#]]
    .assert_eq(&import(&text, &options()));
}

#[test]
fn recorded_objects_give_their_message_untouched() {
    let text = r#"{"t":1723161255088176367,"c":"btcusdt@aggTrade","m":{"e":"aggTrade", "s":"BTCUSDT","M":true}}
{"c":"ethusdt@aggTrade","m":{"e":"aggTrade","m":{"t":1}},"t":1723161255088176368}
"#;
    expect_test::expect![[r#"
        1723161255088176367 binance-spot btcusdt@aggTrade {"e":"aggTrade", "s":"BTCUSDT","M":true}
        1723161255088176368 binance-spot ethusdt@aggTrade {"e":"aggTrade","m":{"t":1}}
        FILE (binance-jsonl): 2 records = 2 frames + 0 control + 0 refused
    "#]]
    .assert_eq(&import(text, &options()));
}

#[test]
fn a_frame_alone_is_received_at_the_venues_time() {
    let text = r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1786173360960,"s":"BTCUSDT","k":{"i":"1m", "x":true}}}
{"e":"forceOrder","E":1738661434388,"o":{"s":"ETHUSDT","S":"SELL"}}
{"e":"depthUpdate","E":1738661434389,"T":1,"s":"ETHUSDT","U":1,"u":2,"pu":0,"b":[],"a":[]}
{"e":"kline","E":1738661434390,"s":"ETHUSDT","k":{"i":"5m"}}
{"e":"markPriceUpdate","E":1738661434391,"s":"ETHUSDT"}
1738661434392 {"u":1,"s":"ETHUSDT","b":"1","B":"1","a":"2","A":"1"}
1738661434393 {"result":null,"id":1}
1738661434394 {"timezone":"UTC","symbols":[]}
"#;
    let options = ImportOptions {
        venue: Some(Venue::BinanceUsdm),
        ..options()
    };
    expect_test::expect![[r#"
        1786173360960000000 binance-usdm btcusdt@kline_1m {"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1786173360960,"s":"BTCUSDT","k":{"i":"1m", "x":true}}}
        1738661434388000000 binance-usdm ethusdt@forceOrder {"e":"forceOrder","E":1738661434388,"o":{"s":"ETHUSDT","S":"SELL"}}
        1738661434389000000 binance-usdm ethusdt@depth {"e":"depthUpdate","E":1738661434389,"T":1,"s":"ETHUSDT","U":1,"u":2,"pu":0,"b":[],"a":[]}
        1738661434390000000 binance-usdm ethusdt@kline_5m {"e":"kline","E":1738661434390,"s":"ETHUSDT","k":{"i":"5m"}}
        1738661434391000000 binance-usdm ethusdt@markPrice {"e":"markPriceUpdate","E":1738661434391,"s":"ETHUSDT"}
        1738661434392000000 binance-usdm ethusdt@bookTicker {"u":1,"s":"ETHUSDT","b":"1","B":"1","a":"2","A":"1"}
        1738661434393000000 binance-usdm  {"result":null,"id":1}
        1738661434394000000 binance-usdm @exchangeInfo {"timezone":"UTC","symbols":[]}
        FILE (binance-jsonl): 8 records = 8 frames + 0 control + 0 refused
          1 time reversals
    "#]]
    .assert_eq(&import(text, &options));
}

#[test]
fn a_snapshot_belongs_to_the_only_symbol() {
    let snapshot = r#"1723161254206652067 {"lastUpdateId":5,"bids":[],"asks":[]}"#;
    let stated =
        r#"1723161254206652068 {"lastUpdateId":6,"symbol":"ETHUSD_PERP","bids":[],"asks":[]}"#;
    let usdm = Some(Venue::BinanceUsdm);
    let with_venue = ImportOptions {
        venue: usdm,
        ..options()
    };
    // Even before the first frame of its stream.
    let text = format!("{snapshot}\n1723161255088176367 {TRADE}\n{stated}\n");
    expect_test::expect![[r#"
        1723161255088176367 binance-usdm btcusdt@trade {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","X":"MARKET"}}
        1723161254206652068 binance-usdm ethusd_perp@depthSnapshot {"lastUpdateId":6,"symbol":"ETHUSD_PERP","bids":[],"asks":[]}
        FILE (binance-jsonl): 3 records = 2 frames + 0 control + 1 refused
          1 refused as ambiguous_symbol, first FILE:1: a book snapshot without a symbol, and the file has several (or none)
          1 time reversals
    "#]]
    .assert_eq(&import(&text, &with_venue));

    let text = format!("{snapshot}\n1723161255088176367 {TRADE}\n");
    expect_test::expect![[r#"
        1723161254206652067 binance-usdm btcusdt@depthSnapshot {"lastUpdateId":5,"bids":[],"asks":[]}
        1723161255088176367 binance-usdm btcusdt@trade {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","X":"MARKET"}}
        FILE (binance-jsonl): 2 records = 2 frames + 0 control + 0 refused
    "#]]
    .assert_eq(&import(&text, &with_venue));

    let named = ImportOptions {
        venue: usdm,
        symbol: Symbol::new(b"solusdt"),
        ..options()
    };
    expect_test::expect![[r#"
        1723161254206652067 binance-usdm solusdt@depthSnapshot {"lastUpdateId":5,"bids":[],"asks":[]}
        FILE (binance-jsonl): 1 records = 1 frames + 0 control + 0 refused
    "#]]
    .assert_eq(&import(snapshot, &named));
}

#[test]
fn the_market_shows_in_the_frames() {
    let check = |frame: &str, expected: &str| {
        let got = import(&format!("1723161255088176367 {frame}"), &options());
        assert!(got.contains(expected), "{frame}: {got}");
    };
    check(
        r#"{"stream":"a@bookTicker","data":{"u":5,"s":"A","b":"1","B":"1","a":"1","A":"1"}}"#,
        " binance-spot ",
    );
    check(
        r#"{"stream":"a@bookTicker","data":{"e":"bookTicker","u":5,"s":"A"}}"#,
        " binance-usdm ",
    );
    check(
        r#"{"stream":"a@depth","data":{"e":"depthUpdate","s":"A","U":1,"u":1}}"#,
        " binance-spot ",
    );
    check(
        r#"{"stream":"a@depth","data":{"e":"depthUpdate","s":"A","U":1,"u":1,"pu":0}}"#,
        " binance-usdm ",
    );
    check(
        r#"{"stream":"a@aggTrade","data":{"e":"aggTrade","s":"BTCUSD_PERP"}}"#,
        " binance-coinm ",
    );
    check(
        r#"{"stream":"a@aggTrade","data":{"e":"aggTrade","s":"BTCUSD_240927"}}"#,
        " binance-coinm ",
    );
    check(
        r#"{"stream":"a@aggTrade","data":{"e":"aggTrade","s":"BTCUSDT_240927"}}"#,
        "name the venue",
    );
    // Since 2026 USD-margined frames carry `ps` too, equal to the symbol.
    check(
        r#"{"stream":"a@forceOrder","data":{"e":"forceOrder","s":"STGUSDT","ps":"STGUSDT"}}"#,
        " binance-usdm ",
    );
    check(
        r#"{"stream":"a@aggTrade","data":{"e":"aggTrade","s":"ETHX","ps":"ETH"}}"#,
        " binance-coinm ",
    );
    let mixed = concat!(
        r#"{"stream":"a@trade","data":{"e":"trade","s":"A","X":"MARKET"}}"#,
        "\n1 ",
        r#"{"stream":"a@trade","data":{"e":"trade","s":"A","M":true}}"#
    );
    check(mixed, "FILE: holds frames of spot and of futures");
}

#[test]
fn a_bad_line_is_refused_once_with_its_place() {
    let text = format!(
        "1723161255088176367 {TRADE}\nnonsense\n99999999999999999999 {TRADE}\n1 {{\"a\":\n{{\"a\":1]}}\n{{\"a\":1}}\n1 {{\"a\":1}}\n1723161255088176368 {TRADE}"
    );
    expect_test::expect![[r#"
        1723161255088176367 binance-usdm btcusdt@trade {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","X":"MARKET"}}
        1723161255088176368 binance-usdm btcusdt@trade {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","X":"MARKET"}}
        FILE (binance-jsonl): 8 records = 2 frames + 0 control + 6 refused
          1 refused as not_a_frame, first FILE:2: neither `<time> <frame>` nor a frame
          1 refused as bad_time, first FILE:3: `99999999999999999999` is not a time
          1 refused as cut_frame, first FILE:4: the frame does not end in `}`
          1 refused as not_json, first FILE:5: expected `,` or `}` at line 1 column 7
          1 refused as no_time, first FILE:6: neither a receive time nor an event time
          1 refused as no_stream, first FILE:7: neither a stream name nor an event and a symbol
          the unit of the receive times changed 2 times
    "#]]
    .assert_eq(&import(&text, &options()));

    let stop = ImportOptions {
        on_bad: OnBad::Stop,
        ..options()
    };
    let file = temp("bad.jsonl", text.as_bytes());
    let mut source = open(Format::BinanceJsonl, file.path(), &stop).unwrap();
    assert!(source.next().unwrap().is_some());
    let error = source.next().unwrap_err();
    assert!(
        matches!(error, SourceError::Line { line: 2, .. }),
        "{error}"
    );
}

#[test]
fn compression_is_read_off_the_bytes() {
    let text = format!("1723161255088176367 {TRADE}\n1723161255088176368 {TRADE}\n");
    let plain = import(&text, &options());
    for (name, bytes) in common::packed("frames.jsonl", text.as_bytes()) {
        // The name says nothing: every file is called the same.
        let file = temp("frames.jsonl", &bytes);
        let mut source = open(Format::BinanceJsonl, file.path(), &options()).unwrap();
        assert_eq!(common::show(&mut *source), plain, "{name}");
        let progress = source.progress();
        assert!(
            progress.bytes_done > 0 && progress.bytes_done <= progress.bytes_total,
            "{name}: {progress:?}"
        );
        // Every truncation is an error or a shorter file with a report, never a panic.
        for cut in 0..bytes.len() {
            let file = temp("frames.jsonl", &bytes[..cut]);
            if let Ok(mut source) = open(Format::BinanceJsonl, file.path(), &options()) {
                while let Ok(Some(_)) = source.next() {}
                assert!(
                    source
                        .reports()
                        .iter()
                        .all(pitlane_edges::source::ImportReport::balances)
                );
            }
        }
    }
}

#[test]
fn the_recorded_days_have_their_counts() {
    let check = |name: &str, venue: &str, expected: &str| {
        let Some(path) = shared(&format!("binance_ws_hftbacktest/{name}")) else {
            return;
        };
        days(&path, venue, expected);
    };
    check(
        "cm/btcusd_perp_20240808.gz",
        "binance-coinm",
        "48270: bookTicker 19136, depth@0ms 26847, depthSnapshot 1, trade 2286; 2024-08-08T23:54:16 to 2024-08-08T23:59:59; 0 reversals",
    );
    check(
        "cm/btcusd_perp_20240809.gz",
        "binance-coinm",
        "50116: bookTicker 29219, depth@0ms 17948, trade 2949; 2024-08-09T00:00:00 to 2024-08-09T00:05:03; 0 reversals",
    );
    check(
        "spot/btcusdt_20240808.gz",
        "binance-spot",
        "41249: bookTicker 28040, depth@100ms 3451, depthSnapshot 1, trade 9757; 2024-08-08T23:54:13 to 2024-08-08T23:59:59; 0 reversals",
    );
    check(
        "spot/btcusdt_20240809.gz",
        "binance-spot",
        "58325: bookTicker 45134, depth@100ms 3044, trade 10147; 2024-08-09T00:00:00 to 2024-08-09T00:05:04; 0 reversals",
    );
    check(
        "usdm/btcusdt_20240808.gz",
        "binance-usdm",
        "93954: bookTicker 66089, depth@0ms 6551, depthSnapshot 1, trade 21313; 2024-08-08T23:54:15 to 2024-08-08T23:59:59; 0 reversals",
    );
    check(
        "usdm/ethusdt_20240808.gz",
        "binance-usdm",
        "74655: bookTicker 53992, depth@0ms 6586, depthSnapshot 1, trade 14076; 2024-08-08T23:54:15 to 2024-08-08T23:59:59; 0 reversals",
    );
}

fn days(path: &Path, venue: &str, expected: &str) {
    let mut source = open(Format::BinanceJsonl, path, &options()).unwrap();
    let all = read_all(&mut *source);
    assert!(all.iter().all(|frame| frame.venue.name() == venue));
    assert_eq!(counts(&all, &*source), expected);
}

#[test]
fn the_single_frames_have_their_counts() {
    let Some(path) = shared("binance_frames_recent/frames_2021_2026.jsonl") else {
        return;
    };
    days(
        &path,
        "binance-usdm",
        "7: aggTrade 1, arr 1, forceOrder 3, kline_1m 1, markPrice 1; 2026-08-08T06:51:24 to 2026-09-17T19:10:36; 3 reversals",
    );
}
