//! A venue asks for silence, or refuses one symbol.

use super::rig::{config, is_as_replayed, play, replayed_spot, spot};
use crate::scene::{Heard, Run, SPOT, USDM, Venue, part, records, trades};
use crate::support::sample;
use std::time::Duration;

#[test]
fn a_venue_that_asks_for_silence_gets_it() {
    const RATE_LIMITED: u64 = 11;
    let dir = tempfile::tempdir().unwrap();
    let venue = play(
        &[SPOT],
        &[
            "--speed",
            "30x",
            "--fault",
            "429:on=depth,retry=2,times=1",
            "--fault",
            "drop:on=trade,every=400,times=10",
        ],
    );
    let config = config(dir.path(), &[spot(&venue, &["BTCUSDT"])], "");
    let run = Run::start(dir.path(), &config);
    run.until_heard(&venue, 1);
    let status = venue.status();
    let report = run.stop();
    assert_eq!(report["live"]["rate_limited"], 1);
    assert_eq!(report["connection"]["rate_limited"], 1);
    assert_eq!(status["requests_refused"], 0, "its limit is kept to");
    let connections = records(dir.path(), &["connection"]);
    let limited = connections.iter().find(|of| of["event"] == RATE_LIMITED);
    let limited = limited.expect("it is told");
    assert_eq!(limited["second_value"], 429);
    let from = limited["ts_recv"].as_u64().unwrap();
    let until = from + 2_000_000_000;
    // No answer came within the two seconds: neither a book nor a trade that was missing.
    let mut answers = 0;
    for record in records(dir.path(), &["trade", "book_synced"]) {
        let flags = record["flags"].as_array().unwrap();
        let asked_for = record["kind"] == "book_synced" || flags.contains(&"backfilled".into());
        if asked_for {
            let at = record["ts_recv"].as_u64().unwrap();
            answers += 1;
            let after = Duration::from_nanos(at.saturating_sub(from));
            assert!(at < from || at >= until, "{after:?} after it: {record}");
        }
    }
    assert!(answers >= 10, "{answers} answers in all");
    is_as_replayed(dir.path(), &report);
}

#[test]
fn one_book_that_cannot_be_had_leaves_the_others_of_its_venue() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        sample(SPOT),
        part(dir.path(), SPOT, "ETHUSDT", usize::MAX, |_| true),
    ];
    let options = [
        "--speed",
        "40x",
        "--fault",
        "500:on=depth?symbol=ETHUSDT",
        "--fault",
        "drop:on=btcusdt@depth@100ms,every=100,times=5",
    ];
    let venue = Venue::start(&files, &options);
    let heard = spot(&venue, &["BTCUSDT", "ETHUSDT"]);
    let config = config(dir.path(), &[heard], "");
    let run = Run::start(dir.path(), &config);
    run.until_heard(&venue, 1);
    let failures = venue.hits_of("500");
    let report = run.stop();
    assert!(failures >= 2, "it is asked for again: {failures}");
    let failed = report["live"]["request_failures"].as_u64().unwrap();
    assert!(failed >= 2, "{}", report["live"]);
    // The book that can be had lost frames and is whole again.
    assert_eq!(
        report["gap_kinds"]["book_gap"], 5,
        "{}",
        report["gap_kinds"]
    );
    let book = |symbol: &str| report["books"][symbol]["last_update_id"].as_u64();
    let (replay, replay_dir) = replayed_spot();
    assert_eq!(
        report["books"]["BTCUSDT"]["bids"],
        replay["books"]["BTCUSDT"]["bids"]
    );
    assert_eq!(
        book("BTCUSDT"),
        replay["books"]["BTCUSDT"]["last_update_id"].as_u64()
    );
    assert_eq!(book("ETHUSDT").unwrap_or(0), 0);
    // The trades of both are there.
    let [live, expected] = [dir.path(), replay_dir.path()].map(trades);
    assert_eq!(live.len(), 2 * expected.len());
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        let of = live.iter().filter(|row| row.contains(symbol));
        assert_eq!(of.count(), expected.len(), "{symbol}");
    }
}

#[test]
fn spot_and_futures_are_heard_by_one_engine() {
    let dir = tempfile::tempdir().unwrap();
    let venue = play(&[SPOT, USDM], &["--start", "2", "--speed", "60x"]);
    let streams = r#"["trade", "depth@0ms", "bookTicker"]"#;
    let futures = Heard::at("binance-usdm", venue.port, streams).below("/market");
    let futures = futures.instrument("BTCUSDT-PERP", "BTCUSDT", "");
    let config = config(dir.path(), &[spot(&venue, &["BTCUSDT"]), futures], "");
    let run = Run::start(dir.path(), &config);
    run.until_heard(&venue, 2);
    let report = run.stop();
    assert_eq!(report["trades"], 9_757 + 21_313);
    assert_eq!(report["gaps"], 0, "{}", report["gap_kinds"]);
    assert_eq!(trades(dir.path()).len(), 9_757 + 21_313);
    for symbol in ["BTCUSDT", "BTCUSDT-PERP"] {
        assert!(report["books"][symbol]["last_update_id"].as_u64() > Some(0));
    }
}
