//! Nothing goes wrong: what was played is heard, once and in order.

use super::rig::{config, is_as_replayed, play, replayed_spot, spot};
use crate::scene::{Run, SPOT, records, replays_to_itself};
use crate::support::{expect_code, pitlane};
use serde_json::Value;

/// What records say, without when they came.
fn said(records: &[Value]) -> Vec<String> {
    let timeless = records.iter().map(|record| {
        let mut record = record.clone();
        let fields = record.as_object_mut().unwrap();
        // A quote of spot has no time of its own, so its receipt stands for that too.
        for time in ["sequence", "ts_recv", "ts_event"] {
            fields.remove(time);
        }
        record.to_string()
    });
    timeless.collect()
}

#[test]
fn a_venue_is_heard_as_its_capture_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let venue = play(&[SPOT], &["--speed", "60x"]);
    let config = config(dir.path(), &[spot(&venue, &["BTCUSDT"])], "");
    let run = Run::start(dir.path(), &config);
    run.until_heard(&venue, 1);
    let played = venue.played();
    let report = run.stop();
    assert_eq!(report["gaps"], 0, "{}", report["gap_kinds"]);
    assert_eq!(report["duplicates"], 0);
    assert_eq!(report["live"]["connects"], 1);
    assert!(report["latency_ns"]["socket"]["count"].as_u64().unwrap() > 0);
    // Every event of the capture; its snapshot is not sent but asked for.
    assert_eq!(report["frames"].as_u64().unwrap(), played);
    is_as_replayed(dir.path(), &report);
    replays_to_itself(dir.path(), &report);

    let (_, replay) = replayed_spot();
    for kind in ["trade", "quote"] {
        let [live, replayed] = [dir.path(), replay.path()].map(|dir| said(&records(dir, &[kind])));
        assert!(live == replayed, "{kind}: the same ones in the same order");
    }
    // The snapshot may be a later one than the capture's, and what lies before it is not told.
    let [live, replayed] = [dir.path(), replay.path()].map(|dir| {
        let mut levels = records(dir, &["book_level"]);
        levels.retain(|level| {
            !level["flags"]
                .as_array()
                .unwrap()
                .contains(&"snapshot".into())
        });
        said(&levels)
    });
    assert!(live.len() > 50_000, "{} levels", live.len());
    assert!(
        replayed.ends_with(&live),
        "the same levels in the same order"
    );
}

#[test]
fn what_is_wrong_with_a_venue_is_said_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let venue = play(&[SPOT], &[]);
    let config = config(dir.path(), &[spot(&venue, &["BTCUSDT"])], "");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("0.000001", "0.03")).unwrap();
    let output = expect_code(pitlane().args(["run", "-c"]).arg(&config), 78);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("instrument.lot_size: 0.03 does not divide"),
        "{said}"
    );
    assert!(!dir.path().join("ticks").exists(), "nothing was written");
}
