//! The venue is not there, or comes and goes.

use super::rig::{config, is_as_replayed, play, spot};
use crate::scene::{Heard, Run, SPOT, closed_port, log, records, until};
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
