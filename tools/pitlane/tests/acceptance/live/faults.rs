//! Everything goes wrong on the way: what was lost is fetched, what came twice is dropped, and all of it is told.

use super::rig::{config, is_as_replayed, play, spot};
use crate::scene::{Run, SPOT, faults, records, replays_to_itself, until};
use serde_json::Value;
use std::time::Duration;

/// Each of them hits a few times; together about a hundred hits in the two lives of the venue.
/// All are over before the capture is: what nothing follows is missed by nobody.
const FAULTS: [&str; 9] = [
    "cut:every=700,times=12",
    "drop:on=trade,every=250,for=3,times=6",
    "drop:on=depth,every=90,times=6",
    "duplicate:on=trade,every=200,times=10",
    "duplicate:on=depth,every=80,times=8",
    "reorder:on=trade,every=300,times=5",
    "delay:on=depth,by=4,every=130,times=4",
    "truncate:on=trade,every=330,times=4",
    "truncate:on=depth,every=170,times=4",
];

/// How long connections were down beyond the wait that the rules ask for, by the engine's own messages.
fn down_times(dir: &std::path::Path) -> Vec<Duration> {
    const CONNECTED: u64 = 1;
    const DISCONNECTED: u64 = 2;
    const RECONNECTING: u64 = 3;
    let (mut lost, mut wait, mut down) = (None, None, Vec::new());
    for record in records(dir, &["connection"]) {
        let at = record["ts_recv"].as_u64().unwrap();
        match record["event"].as_u64().unwrap() {
            DISCONNECTED => (lost, wait) = (Some(at), None),
            // A dial that fails is waited for again, and then there is more than one cause.
            RECONNECTING if wait.is_some() => lost = None,
            RECONNECTING => {
                wait = Some(Duration::from_millis(
                    record["second_value"].as_u64().unwrap(),
                ));
            }
            CONNECTED => {
                if let Some((lost, wait)) = lost.take().zip(wait.take()) {
                    down.push(Duration::from_nanos(at - lost).saturating_sub(wait));
                }
            }
            _ => {}
        }
    }
    down
}

#[test]
fn cuts_gaps_repeats_and_a_restart_are_repaired_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = vec!["--speed", "25x", "--weight-limit", "1000000"];
    options.extend(faults(&FAULTS));
    let venue = play(&[SPOT], &options);
    let port = venue.port.to_string();
    let config = config(
        dir.path(),
        &[spot(&venue, &["BTCUSDT"])],
        "breaker_reset = \"500ms\"",
    );
    let run = Run::start(dir.path(), &config);
    until("a third of the capture", || venue.played() > 14_000);
    // The process is killed, and its successor goes on where the market is by then.
    let status = venue.status();
    let struck = venue.hits_of("");
    let duplicated = venue.hits_of("duplicate");
    let truncated = venue.hits_of("truncate");
    venue.process.kill();
    let position = status["position"].as_u64().unwrap() + 300;
    let position = position.to_string();
    options.extend(["--port", &port, "--skip", &position, "--start", "now"]);
    let venue = play(&[SPOT], &options);
    run.until_heard(&venue, 1);
    let struck = struck + venue.hits_of("");
    let duplicated = duplicated + venue.hits_of("duplicate");
    let truncated = truncated + venue.hits_of("truncate");
    let report = run.stop();

    assert!(struck >= 90, "{struck} faults");
    let count = |table: &str, what: &str| report[table][what].as_u64().unwrap_or(0);
    let cuts = count("live", "disconnects");
    assert!(cuts >= 15, "{}", report["live"]);
    assert_eq!(count("connection", "disconnected"), cuts);
    assert_eq!(count("connection", "connected"), count("live", "connects"));
    assert_eq!(count("live", "connects"), cuts + 1, "one after each");
    // Twice in the stream is once in the record, and half a frame is none; some were lost with their connection.
    let doubled = report["duplicates"].as_u64().unwrap() + report["superseded"].as_u64().unwrap();
    assert!(doubled >= duplicated / 2, "{doubled} of {duplicated}");
    let rejected: u64 = report["frames_rejected"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert!(
        (1..=truncated).contains(&rejected),
        "{rejected} of {truncated}"
    );
    // Every hole in the book is counted, told and mended.
    let mut books = records(dir.path(), &["book_reset", "book_synced"]);
    assert_eq!(books.last().unwrap()["kind"], "book_synced");
    books.retain(|of| of["kind"] == "book_reset");
    let resets = books.len() as u64;
    let gaps = report["gap_kinds"].as_object().unwrap();
    let of_books = gaps.iter().filter(|(kind, _)| kind.starts_with("book_"));
    let of_books: u64 = of_books.filter_map(|(_, count)| count.as_u64()).sum();
    assert!(of_books >= 20, "{gaps:?}");
    assert_eq!(resets, of_books, "{gaps:?}");
    assert!(count("live", "snapshots") >= count("events", "book_synced"));
    // Every hole in the trades is filled.
    assert!(count("live", "filled") >= 20, "{}", report["live"]);
    assert_eq!(count("live", "unsupplied"), 0);
    assert_eq!(count("connection", "api_gap"), 0);
    is_as_replayed(dir.path(), &report);
    replays_to_itself(dir.path(), &report);

    // A connection is back in less than a second beyond its wait; the median, as a machine may stall now and then.
    let mut down = down_times(dir.path());
    down.sort_unstable();
    assert!(down.len() >= 10, "{down:?}");
    assert!(down[down.len() / 2] < Duration::from_secs(1), "{down:?}");
}

#[test]
fn a_killed_run_goes_on_where_it_was_and_fetches_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let venue = play(&[SPOT], &["--speed", "30x", "--weight-limit", "1000000"]);
    let config = config(dir.path(), &[spot(&venue, &["BTCUSDT"])], "");
    for part in [5_000, 14_000, 22_000] {
        let run = Run::start(dir.path(), &config);
        run.until_trades(1);
        until("a part of the capture", || venue.played() > part);
        run.kill();
    }
    let run = Run::start(dir.path(), &config);
    run.until_heard(&venue, 1);
    let report = run.stop();
    assert!(report["live"]["recalled"].as_u64().unwrap() > 0);
    let recovery = &report["recovery"];
    assert!(recovery["records"].as_u64().unwrap() > 0);
    assert_eq!(recovery["records"], recovery["verified"]);
    let fetched = report["live"]["requests"].as_u64().unwrap();
    assert!(fetched >= 2, "{}", report["live"]);
    is_as_replayed(dir.path(), &report);
    replays_to_itself(dir.path(), &report);
}
