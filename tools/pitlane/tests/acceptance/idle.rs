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

/// Wake-ups a second of all threads together: the supervisor and each parked thread look ten times a second, the command itself
/// fifty times.
const WAKES_MOST: f64 = 150.0;
/// Of one core. What an idle engine takes is measured by `scripts/bench idle`; a thread that spins takes all of a core.
const SHARE_MOST: f64 = 0.2;

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

/// How often its threads gave up their core by themselves so far.
fn wakes(process: u32) -> Option<u64> {
    let mut wakes = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        wakes += line.trim().parse::<u64>().ok()?;
    }
    Some(wakes)
}

/// Counted are wake-ups, which a slow or busy machine leaves as they are; the time on a core is told beside.
/// `PITLANE_IDLE_SECONDS` makes it longer.
#[test]
fn an_idle_engine_sleeps() {
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
    let before = (cpu(engine.id()), wakes(engine.id()));
    std::thread::sleep(window);
    let after = (cpu(engine.id()), wakes(engine.id()));
    let passed = started.elapsed().as_secs_f64();
    let [used, woken] = [
        after
            .0
            .zip(before.0)
            .map(|(after, before)| after.saturating_sub(before).as_secs_f64()),
        after
            .1
            .zip(before.1)
            .map(|(after, before)| f64::from(u32::try_from(after - before).unwrap())),
    ]
    .map(|count| count.expect("it still waits for the second trade") / passed);
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
    println!(
        "{woken:.0} wake-ups a second, {:.2} % of a core",
        used * 100.0
    );
    assert!(woken < WAKES_MOST, "{woken:.0} wake-ups a second");
    assert!(used < SHARE_MOST, "{:.0} % of a core", used * 100.0);
}
