//! An engine that waits for its input leaves the machine to others.

use crate::support::pitlane;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CONFIG: &str = r#"
[[instrument]]
symbol = "BTCUSDT"
venue = "binance-spot"
tick_size = "0.01"
lot_size = "0.00001"
"#;

/// Two trades, an hour apart.
fn an_hour_of_nothing() -> String {
    let trade = |id: u64, ms: u64| {
        format!(
            r#"{ms}000000 {{"stream":"btcusdt@trade","data":{{"e":"trade","E":{ms},"s":"BTCUSDT","t":{id},"p":"99.50","q":"0.5","T":{ms},"m":true,"M":true}}}}"#
        )
    };
    let start = 1_723_161_254_000;
    format!("{}\n{}\n", trade(1, start), trade(2, start + 3_600_000))
}

/// CPU time of all threads of a process; `None` once it has ended.
fn cpu(process: u32) -> Option<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let task = task.ok()?.path();
        nanos += precise(&task).or_else(|| rough(&task))?;
    }
    Some(Duration::from_nanos(nanos))
}

/// Nanoseconds, where the kernel keeps that account.
fn precise(task: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(task.join("schedstat")).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// User and system time, which every kernel counts in hundredths of a second.
fn rough(task: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(task.join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some((next()? + next()?) * 10_000_000)
}

/// Counted is time on a core, not time on the wall, so a busy machine changes little.
/// `PITLANE_IDLE_SECONDS` makes it longer: 30 is what is promised, 5 as good a look.
#[test]
fn an_idle_engine_takes_less_than_a_hundredth_of_a_core() {
    let seconds = std::env::var("PITLANE_IDLE_SECONDS");
    let seconds = seconds.map_or(5, |text| {
        text.parse().expect("PITLANE_IDLE_SECONDS: a number")
    });
    let window = Duration::from_secs(seconds);
    let dir = tempfile::tempdir().unwrap();
    let (frames, config) = (
        dir.path().join("frames.txt"),
        dir.path().join("config.toml"),
    );
    std::fs::write(&frames, an_hour_of_nothing()).unwrap();
    std::fs::write(&config, CONFIG).unwrap();
    let engine = pitlane()
        .args([
            "replay",
            "--speed",
            "1x",
            "--core-map",
            "shared",
            "--json",
            "--quiet",
        ])
        .args([
            "--from",
            "binance-jsonl",
            "--venue",
            "binance-spot",
            "--symbol",
            "BTCUSDT",
        ])
        .arg("--config")
        .arg(&config)
        .arg("--out")
        .arg(dir.path().join("out"))
        .arg(&frames)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The first trade is played, and everything has come to rest.
    std::thread::sleep(Duration::from_secs(2));
    let started = Instant::now();
    let before = cpu(engine.id()).expect("it waits for the second trade");
    std::thread::sleep(window);
    let after = cpu(engine.id()).expect("it still waits");
    let used = after.saturating_sub(before);
    let passed = started.elapsed();
    let share = used.as_secs_f64() / passed.as_secs_f64();
    let stop = format!("kill -INT {}", engine.id());
    assert!(
        Command::new("sh")
            .args(["-c", &stop])
            .status()
            .unwrap()
            .success()
    );
    let output = engine.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "ended as asked");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["trades"], 1, "the second trade is an hour away");
    println!("{:.3} % of a core in {passed:.1?}", share * 100.0);
    assert!(
        share < 0.01,
        "an idle engine used {used:?} of CPU time in {passed:?}: {:.2} % of a core",
        share * 100.0
    );
}
