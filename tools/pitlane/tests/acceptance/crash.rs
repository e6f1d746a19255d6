//! Killed at any moment and started again, the engine ends where it would have ended.

use crate::support::{Seeded, database, expect_code, json, pitlane, said, sample, store_files};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// 346 s of market, in about 2 s.
const SPEED: &str = "170x";

/// The sample's configuration with segments so small that a run goes through ten of them.
fn small_segments(dir: &Path) -> PathBuf {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/sample.toml");
    let text = std::fs::read_to_string(sample).unwrap();
    let small = text.replace("segment_records = 1048576", "segment_records = 16384");
    assert_ne!(text, small);
    let path = dir.with_extension("toml");
    std::fs::write(&path, small).unwrap();
    path
}

fn replay(dir: &Path) -> Command {
    let mut command = pitlane();
    let file = sample("binance-spot-btcusdt-20240808.gz");
    command
        .arg("replay")
        .arg(file)
        .arg("--config")
        .arg(small_segments(dir));
    command
        .args([
            "--json",
            "--quiet",
            "--core-map",
            "shared",
            "--speed",
            SPEED,
            "--out",
        ])
        .arg(dir);
    command
}

/// Starts, kills with SIGKILL after `delay`, and says whether it was still running.
fn killed_after(dir: &Path, delay: Duration) -> bool {
    let mut child = replay(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + delay;
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

#[test]
fn fifty_kills_change_nothing() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    let undisturbed = json(&mut replay(&whole));
    let (rows, records) = (database(&whole), store_files(&whole.join("ticks")));

    let mut random = Seeded(0x0050_1171_A4E5);
    let mut kills = 0;
    let mut round = 0;
    while kills < 50 {
        round += 1;
        assert!(
            round <= 25,
            "{kills} kills in {round} rounds: the runs end before they can be killed"
        );
        let dir = root.path().join(format!("round-{round}"));
        // Several kills into the same directory, each behind what the one before had recorded.
        for _ in 0..5 {
            if !killed_after(&dir, Duration::from_millis(random.below(900))) {
                break;
            }
            kills += 1;
        }
        let report = json(&mut replay(&dir));
        assert_eq!(
            undisturbed["state_hash"], report["state_hash"],
            "round {round}"
        );
        assert_eq!(
            undisturbed["last_sequence"], report["last_sequence"],
            "round {round}"
        );
        assert!(rows == database(&dir), "round {round}: database");
        assert!(
            records == store_files(&dir.join("ticks")),
            "round {round}: tick store"
        );
    }
}

#[test]
fn a_torn_tail_is_cut_reported_and_written_again() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("torn");
    json(&mut replay(&dir));
    let (rows, records) = (database(&dir), store_files(&dir.join("ticks")));
    let (name, bytes) = records.last().unwrap();
    let path = dir.join("ticks").join(name);

    // The last third is gone.
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let report = json(&mut replay(&dir));
    assert!(
        report["recovery"]["cut"].as_u64().unwrap() > 0,
        "{}",
        report["recovery"]
    );
    assert!(report["recovery"]["reason"].is_string());
    assert!(rows == database(&dir) && records == store_files(&dir.join("ticks")));

    // A byte inside the last records is not what was written.
    let mut flipped = bytes.clone();
    let at = flipped.len() - 64 * 100 + 40;
    flipped[at] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    let report = json(&mut replay(&dir));
    assert_eq!(report["recovery"]["cut"], 100, "{}", report["recovery"]);
    assert!(rows == database(&dir) && records == store_files(&dir.join("ticks")));
}

#[test]
fn a_damaged_record_in_a_closed_segment_is_found_and_written_again() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("damaged");
    json(&mut replay(&dir));
    let (rows, records) = (database(&dir), store_files(&dir.join("ticks")));
    assert!(records.len() > 5, "{} segments", records.len());
    let (name, bytes) = &records[2];
    let mut flipped = bytes.clone();
    let at = flipped.len() - 64 * 5000 + 40;
    flipped[at] ^= 1;
    std::fs::write(dir.join("ticks").join(name), &flipped).unwrap();

    // Nobody is told a damaged record.
    let again = root.path().join("again");
    let output = expect_code(
        pitlane()
            .arg("replay")
            .arg(dir.join("ticks"))
            .args(["--quiet", "--out"])
            .arg(again),
        1,
    );
    assert!(said(&output).contains("checksum"), "{}", said(&output));
    let output = expect_code(
        pitlane()
            .arg("export")
            .arg(dir.join("ticks"))
            .args(["--to", "csv"]),
        1,
    );
    assert!(said(&output).contains("checksum"), "{}", said(&output));

    // Played again, everything from there on is written anew.
    let report = json(&mut replay(&dir));
    assert!(
        report["recovery"]["cut"].as_u64().unwrap() > 0,
        "{}",
        report["recovery"]
    );
    assert!(rows == database(&dir) && records == store_files(&dir.join("ticks")));
}

#[test]
fn a_database_or_a_store_that_is_gone_is_made_again() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("gone");
    json(&mut replay(&dir));
    let (rows, records) = (database(&dir), store_files(&dir.join("ticks")));
    for gone in ["storage", "ticks"] {
        std::fs::remove_dir_all(dir.join(gone)).unwrap();
        json(&mut replay(&dir));
        assert!(rows == database(&dir), "without {gone}");
        assert!(records == store_files(&dir.join("ticks")), "without {gone}");
    }
    // Without its store, a database may belong to anything; here it belongs neither to a shorter nor a longer input.
    for (file, word) in [
        ("binance-spot-btcusdt-20240809.gz", "another input"),
        ("binance-usdm-btcusdt-20240808.gz", "another sequence"),
    ] {
        std::fs::remove_dir_all(dir.join("ticks")).unwrap();
        let mut other = pitlane();
        other
            .arg("replay")
            .arg(sample(file))
            .arg("--config")
            .arg(small_segments(&dir));
        let output = expect_code(other.args(["--quiet", "--out"]).arg(&dir), 1);
        assert!(said(&output).contains(word), "{file}: {}", said(&output));
    }
    assert!(rows == database(&dir));
}

#[test]
fn another_input_into_the_same_directory_is_refused() {
    let root = tempfile::tempdir().unwrap();
    json(&mut replay(root.path()));
    let before = (
        database(root.path()),
        store_files(&root.path().join("ticks")),
    );
    let other = sample("binance-usdm-btcusdt-20240808.gz");
    let output = expect_code(
        pitlane()
            .arg("replay")
            .arg(other)
            .arg("--out")
            .arg(root.path()),
        1,
    );
    assert!(
        said(&output).contains("holds another input"),
        "{}",
        said(&output)
    );
    // Nothing of the first input is changed, and nothing of the second is added.
    assert!(before.0 == database(root.path()));
    assert!(before.1 == store_files(&root.path().join("ticks")));
}

#[test]
fn a_full_disk_is_a_clear_error_and_costs_nothing_committed() {
    let root = tempfile::tempdir().unwrap();
    let small = root.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mount = |arguments: &[&str]| {
        Command::new("mount")
            .args(arguments)
            .arg(&small)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "size=10m", "tmpfs"]) {
        println!("skipped: no right to mount a small tmpfs");
        return;
    }
    let unmount = Unmount(&small);
    let config = root.path().join("small.toml");
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../configs/sample.toml"
    ))
    .unwrap();
    std::fs::write(
        &config,
        text.replace("segment_records = 1048576", "segment_records = 65536"),
    )
    .unwrap();
    let run = |dir: &Path| {
        let mut command = pitlane();
        command
            .arg("replay")
            .arg(sample("binance-spot-btcusdt-20240808.gz"))
            .arg("--config")
            .arg(&config);
        command.args(["--json", "--quiet", "--out"]).arg(dir);
        command
    };
    let output = expect_code(&mut run(&small), 1);
    assert!(
        said(&output).contains("no room for segment"),
        "{}",
        said(&output)
    );
    let kept = store_files(&small.join("ticks"));
    assert!(!kept.is_empty(), "what was committed before is still there");

    // With room again, the run goes on behind what was committed and ends as if nothing had happened.
    assert!(mount(&["-o", "remount,size=512m"]));
    let report = json(&mut run(&small));
    assert!(report["recovery"]["verified"].as_u64().unwrap() > 0);
    let whole = root.path().join("whole");
    let undisturbed = json(&mut run(&whole));
    assert_eq!(undisturbed["state_hash"], report["state_hash"]);
    assert!(database(&whole) == database(&small));
    assert!(store_files(&whole.join("ticks")) == store_files(&small.join("ticks")));
    drop(unmount);
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
