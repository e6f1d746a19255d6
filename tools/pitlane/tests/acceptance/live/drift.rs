//! Data that comes late after the venue's time, as a capture of another year does, and data that does not.

use super::rig::{config, play, spot};
use crate::scene::{Heard, Run, SPOT, Venue, log, records};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reports of drift in a tick store.
fn drifts(dir: &Path) -> Vec<Value> {
    const SYNC_DRIFT: u64 = 5;
    let mut of = records(dir, &["connection"]);
    of.retain(|record| record["issue"] == SYNC_DRIFT);
    of
}

#[test]
fn a_recording_is_told_to_be_late_and_nothing_else_comes_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let venue = play(&[SPOT], &["--speed", "60x"]);
    let config = config(
        dir.path(),
        &[spot(&venue, &["BTCUSDT"])],
        "check_every = \"200ms\"",
    );
    let run = Run::start(dir.path(), &config);
    run.until_heard(&venue, 1);
    assert_eq!(run.number("instruments_late"), 1);
    let report = run.stop();
    let told = drifts(dir.path());
    let day = 86_400_000;
    assert!(
        told[0]["first_value"].as_u64() > Some(800 * day),
        "{}",
        told[0]
    );
    assert_eq!(told[0]["instrument"], "BTCUSDT");
    // However slow the machine: never twice in a minute, and never over.
    let times: Vec<u64> = told
        .iter()
        .map(|of| of["ts_recv"].as_u64().unwrap())
        .collect();
    assert!(times.windows(2).all(|of| of[1] - of[0] >= 60_000_000_000));
    let ended = |of: &Value| of["flags"].as_array().unwrap().contains(&"ended".into());
    assert!(!told.iter().any(ended));
    assert_eq!(report["live"]["issues"]["sync_drift"], 1);
    assert_eq!(report["live"]["disconnects"], 0);
    assert_eq!(report["gaps"], 0, "{}", report["gap_kinds"]);
    let log = log(dir.path());
    assert_eq!(log.matches(" days old: it is a recording").count(), 1);
    assert_eq!(log.matches("after the venue's time").count(), 0);
}

#[test]
fn what_comes_in_time_is_not_told_to_be_late() {
    let dir = tempfile::tempdir().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ms = now.as_millis();
    let mut text = String::new();
    for id in 1..=50 {
        writeln!(
            text,
            "{}000000 {{\"stream\":\"btcusdt@trade\",\"data\":{{\"e\":\"trade\",\"E\":{ms},\"s\":\"BTCUSDT\",\"t\":{id},\
             \"p\":\"61837.63\",\"q\":\"0.02\",\"T\":{ms},\"m\":true,\"M\":true}}}}",
            ms + id
        )
        .unwrap();
    }
    let file = dir.path().join(SPOT.replace(".gz", ""));
    std::fs::write(&file, text).unwrap();
    let check = |name: &str, drift: &str| {
        let dir = dir.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        let venue = Venue::start(std::slice::from_ref(&file), &[]);
        let heard = Heard {
            streams: r#"["trade"]"#,
            ..spot(&venue, &["BTCUSDT"])
        };
        let live = format!("check_every = \"100ms\"\ndrift = \"{drift}\"");
        let config = config(&dir, &[heard], &live);
        let run = Run::start(&dir, &config);
        run.until_trades(50);
        // Several checks have been since.
        std::thread::sleep(std::time::Duration::from_millis(500));
        let report = run.stop();
        assert_eq!(report["live"]["disconnects"], 0);
        let told = drifts(&dir);
        assert_eq!(
            told.len() as u64,
            report["live"]["issues"]["sync_drift"].as_u64().unwrap_or(0)
        );
        assert!(told.iter().all(|of| of["score"] == 90), "{told:?}");
        let log = log(&dir);
        (told.len(), log.matches("after the venue's time").count())
    };
    assert_eq!(check("in-time", "1h"), (0, 0));
    // The same data, where next to nothing is allowed.
    assert_eq!(check("late", "1ms"), (1, 1));
}
