//! The venue is not there, or comes and goes.

use super::rig::{config, is_as_replayed, play, replayed_spot, spot};
use crate::scene::{
    Heard, Run, SPOT, closed_port, log, records, replays_to_itself, same_book, until,
};
use std::time::Duration;

#[test]
fn a_venue_that_is_not_there_opens_the_breaker_and_ends_nothing() {
    const OPEN: u64 = 13;
    const HALF_OPEN: u64 = 14;
    let dir = tempfile::tempdir().unwrap();
    let venue = play(&[SPOT], &[]);
    let heard = Heard {
        ws: format!("ws://127.0.0.1:{}", closed_port()),
        ..spot(&venue, &["BTCUSDT"])
    };
    let config = config(dir.path(), &[heard], "breaker_reset = \"700ms\"");
    let run = Run::start(dir.path(), &config);
    until("a third trial", || {
        let text = log(dir.path());
        text.matches("ws://127.0.0.1").count() >= 7
    });
    let report = run.stop();
    let count = |event: &str| report["connection"][event].as_u64().unwrap_or(0);
    assert!(count("breaker_half_open") >= 2, "{}", report["connection"]);
    // Five failures open it; each trial that fails opens it again. So nothing else was dialled.
    assert_eq!(
        report["live"]["dial_failures"].as_u64().unwrap(),
        4 + count("breaker_open"),
        "{}",
        report["connection"]
    );
    assert_eq!(count("connected"), 0);
    // Between them nothing leaves for as long as it is open.
    let mut opened = None;
    for record in records(dir.path(), &["connection"]) {
        let at = record["ts_recv"].as_u64().unwrap();
        match record["event"].as_u64().unwrap() {
            OPEN => opened = Some(at),
            HALF_OPEN => {
                let refused = Duration::from_nanos(at - opened.take().expect("it was open"));
                // The two clocks of the engine may differ by a little.
                assert!(refused > Duration::from_millis(650), "{refused:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_venue_that_comes_and_goes_takes_nothing_down() {
    let dir = tempfile::tempdir().unwrap();
    let options = [
        "--speed",
        "30x",
        "--weight-limit",
        "1000000",
        "--fault",
        "cut:every=300,times=20",
        "--fault",
        "503:on=handshake,every=3,times=6",
        "--fault",
        "close:on=bookTicker,every=2000,times=4,code=1012",
        "--fault",
        "500:on=depth,every=4,times=6",
    ];
    let venue = play(&[SPOT], &options);
    let config = config(
        dir.path(),
        &[spot(&venue, &["BTCUSDT"])],
        "breaker_reset = \"300ms\"\nbreaker_failures = 3",
    );
    let run = Run::start(dir.path(), &config);
    run.until_trades(1);
    for _ in 0..8 {
        until("the venue", || {
            venue.ask("POST", "/venue/restart?pause=0.2").is_some()
        });
        std::thread::sleep(Duration::from_millis(400));
    }
    run.until_heard(&venue, 1);
    let report = run.stop();
    let count = |event: &str| report["connection"][event].as_u64().unwrap_or(0);
    assert!(count("disconnected") >= 15, "{}", report["connection"]);
    assert!(count("connected") > count("disconnected"));
    // It is tried again each time it has opened.
    assert!(count("breaker_open") >= 1, "{}", report["connection"]);
    assert_eq!(count("breaker_half_open"), count("breaker_open"));
    is_as_replayed(dir.path(), &report);
}

#[test]
fn trades_lost_before_the_market_stands_still_are_fetched() {
    let dir = tempfile::tempdir().unwrap();
    // Behind the cut the stream brings no trade any more, so no id shows that any are missing.
    let options = ["--speed", "60x", "--weight-limit", "1000000"];
    let venue = play(&[SPOT], &options);
    let config = config(dir.path(), &[spot(&venue, &["BTCUSDT"])], "");
    let run = Run::start(dir.path(), &config);
    until("most of the capture", || venue.played() > 30_000);
    let faults = "/venue/faults?add=drop:on=trade&add=cut:on=depth,times=1";
    assert!(venue.ask("POST", faults).is_some());
    run.until_heard(&venue, 1);
    let dropped = venue.hits_of("drop");
    assert!(dropped > 0 && venue.hits_of("cut") == 1);
    let (replay, _files) = replayed_spot();
    run.until_whole(&replay["trades"]);
    let report = run.stop();
    assert_eq!(report["live"]["disconnects"], 1);
    // Nobody missed them: they came without a gap before them, marked as asked for.
    assert!(records(dir.path(), &["trade_gap"]).is_empty());
    let mut fetched = records(dir.path(), &["trade"]);
    fetched.retain(|trade| {
        let flags = trade["flags"].as_array().unwrap();
        flags.contains(&"backfilled".into())
    });
    assert!(fetched.len() as u64 >= dropped, "{}", fetched.len());
    is_as_replayed(dir.path(), &report);
    replays_to_itself(dir.path(), &report);
}

/// No depth event comes any more that would ask for a snapshot. Without quotes: those are not said again.
#[test]
fn a_restart_into_a_market_that_stands_still_has_its_book() {
    let dir = tempfile::tempdir().unwrap();
    let venue = play(&[SPOT], &["--weight-limit", "1000000"]);
    let heard = Heard {
        streams: r#"["trade", "depth@100ms"]"#,
        ..spot(&venue, &["BTCUSDT"])
    };
    let config = config(dir.path(), &[heard], "hold = \"200ms\"");
    let (replay, _replay_dir) = replayed_spot();
    let run = Run::start(dir.path(), &config);
    run.until_whole(&replay["trades"]);
    let before = run.stop();
    let run = Run::start(dir.path(), &config);
    run.until_number("books_in_step", 1);
    let report = run.stop();
    assert_eq!(report["live"]["snapshots"], 1, "{}", report["live"]);
    same_book(&report, &replay, "BTCUSDT");
    assert_eq!(report["content_hash"], before["content_hash"]);
}
