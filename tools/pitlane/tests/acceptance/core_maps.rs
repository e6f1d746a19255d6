//! The same input gives the same everything, whoever runs the agents.

use crate::support::{database, json, pitlane, sample, samples, store_files};
use serde_json::Value;
use std::path::Path;

/// State hash, database, tick store.
type Ending = (Value, String, Vec<(String, Vec<u8>)>);

fn replay(dir: &Path, arguments: &[&str]) -> Value {
    json(
        pitlane()
            .arg("replay")
            .args(samples())
            .args(arguments)
            .args(["--json", "--quiet", "--out"])
            .arg(dir),
    )
}

#[test]
fn every_core_map_gives_the_same_hash_rows_and_records() {
    let root = tempfile::tempdir().unwrap();
    let config = |name: &str, core_map: &str| {
        let text = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../configs/sample.toml"
        ))
        .unwrap();
        let (head, _) = text.split_once("# Which agents share a thread").unwrap();
        let path = root.path().join(name);
        std::fs::write(&path, format!("{head}\n{core_map}")).unwrap();
        path.to_string_lossy().into_owned()
    };
    let backwards = config(
        "backwards.toml",
        r#"
        [core_map]
        profile = "shared"
        [[core_map.thread]]
        name = "all"
        idle = "yield"
        agents = ["supervisor", "logger", "storage", "market", "recorder", "sequencer", "feed"]
        "#,
    );
    let each = config(
        "each.toml",
        r#"
        [core_map]
        profile = "shared"
        [[core_map.thread]]
        name = "feed"
        idle = "backoff"
        agents = ["feed"]
        [[core_map.thread]]
        name = "sequencer"
        agents = ["sequencer"]
        [[core_map.thread]]
        name = "market"
        agents = ["market"]
        [[core_map.thread]]
        name = "recorder"
        agents = ["recorder"]
        [[core_map.thread]]
        name = "rest"
        agents = ["storage", "logger", "supervisor"]
        "#,
    );
    let two_cores = std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
    let cores = if two_cores { "0,1" } else { "0" };
    let runs: [(&str, Vec<&str>); 6] = [
        ("folded", vec!["--core-map", "folded"]),
        ("shared", vec!["--core-map", "shared"]),
        ("one core", vec!["--core-map", "shared", "--cores", "0"]),
        ("two cores", vec!["--core-map", "shared", "--cores", cores]),
        ("backwards", vec!["--config", &backwards]),
        ("a thread each", vec!["--config", &each]),
    ];
    let mut first: Option<Ending> = None;
    for (name, arguments) in runs {
        let dir = root.path().join(name);
        let report = replay(&dir, &arguments);
        let seen = (
            report["state_hash"].clone(),
            database(&dir),
            store_files(&dir.join("ticks")),
        );
        assert!(seen.1.lines().count() > 40_000, "the trades of the sample");
        match &first {
            None => first = Some(seen),
            Some(first) => {
                assert_eq!(first.0, seen.0, "{name}: state hash");
                assert!(first.1 == seen.1, "{name}: database");
                assert!(first.2 == seen.2, "{name}: tick store");
            }
        }
    }
}

#[test]
fn a_paced_replay_and_a_replay_of_the_record_end_the_same() {
    let root = tempfile::tempdir().unwrap();
    let dir = |name: &str| root.path().join(name);
    let run = |name: &str, arguments: &[&str]| {
        let file = sample("binance-spot-btcusdt-20240808.gz");
        json(
            pitlane()
                .arg("replay")
                .arg(file)
                .args(arguments)
                .args(["--json", "--quiet", "--out"])
                .arg(dir(name)),
        )
    };
    let fast = run("fast", &[]);
    let paced = run("paced", &["--speed", "100x"]);
    assert!(
        paced["wall_ns"].as_u64().unwrap() > 3_400_000_000,
        "346 s of market at 100x: {}",
        paced["wall_ns"]
    );
    let again = json(
        pitlane()
            .arg("replay")
            .arg(dir("fast").join("ticks"))
            .args(["--json", "--quiet", "--out"])
            .arg(dir("again")),
    );
    for (name, report) in [("paced", &paced), ("again", &again)] {
        assert_eq!(fast["state_hash"], report["state_hash"], "{name}");
        assert_eq!(fast["last_sequence"], report["last_sequence"], "{name}");
        assert!(
            database(&dir("fast")) == database(&dir(name)),
            "{name}: database"
        );
        assert!(
            store_files(&dir("fast").join("ticks")) == store_files(&dir(name).join("ticks")),
            "{name}: tick store"
        );
    }
}
