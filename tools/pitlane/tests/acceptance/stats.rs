//! The stats dump: other people's readers of interval logs see in it what `pitlane stats` says, and a killed run still
//! tells what it had counted.

use crate::support::{expect_code, json, pitlane, python, said, sample, samples, script};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The whole sample, replayed once for all tests here.
fn whole() -> PathBuf {
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let mut replay = pitlane();
        replay.arg("replay").args(samples());
        expect_code(replay.args(["--quiet", "--out"]).arg(dir.path()), 0);
        dir
    });
    dir.path().join("stats")
}

/// A part of the sample, paced.
fn paced(dir: &Path) -> PathBuf {
    let mut replay = pitlane();
    replay
        .arg("replay")
        .arg(sample("binance-spot-btcusdt-20240809.gz"));
    expect_code(
        replay
            .args(["--quiet", "--speed", "500x", "--out"])
            .arg(dir),
        0,
    );
    dir.join("stats")
}

fn stats(args: &[&str], dumps: &[&Path]) -> Command {
    let mut command = pitlane();
    command.arg("stats").args(dumps).args(args);
    command
}

/// What both we and a stranger say of each distribution.
fn percentiles(dump: &Path) -> Value {
    let ours = json(&mut stats(&["--json"], &[dump]));
    let of = |found: &Value| -> Map<String, Value> {
        ["count", "min", "p50", "p90", "p99", "p999", "max"]
            .iter()
            .map(|key| ((*key).to_owned(), found[key].clone()))
            .collect()
    };
    let all: Map<String, Value> = ours["histograms"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(tag, found)| (tag.clone(), of(found).into()))
        .collect();
    assert!(all.len() >= 5, "{all:?}");
    all.into()
}

/// A Python that has the `HdrHistogram` port; says so if there is none.
fn hdrh() -> Option<PathBuf> {
    let path = PathBuf::from(python()?.get_program());
    let found = Command::new(&path).args(["-c", "import hdrh"]).output();
    let has = found.is_ok_and(|output| output.status.success());
    if !has {
        println!(
            "skipped: {} has no module hdrh (pip install hdrhistogram)",
            path.display()
        );
    }
    has.then_some(path)
}

#[test]
fn a_reader_in_python_sees_the_same_distributions() {
    let Some(python) = hdrh() else { return };
    let dir = tempfile::tempdir().unwrap();
    for dump in [whole(), paced(dir.path())] {
        let mut reader = Command::new(&python);
        reader
            .arg(script("read_hlog.py"))
            .arg(dump.join("stats.hlog"));
        assert_eq!(json(&mut reader), percentiles(&dump));
    }
}

#[test]
fn a_reader_in_javascript_sees_the_same_distributions() {
    let modules = std::env::var_os("PITLANE_NODE_MODULES").filter(|path| !path.is_empty());
    let Some(modules) = modules else {
        println!(
            "skipped: PITLANE_NODE_MODULES names no folder with hdr-histogram-js (scripts/test sets it)"
        );
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    for dump in [whole(), paced(dir.path())] {
        let mut reader = Command::new("node");
        reader
            .env("NODE_PATH", &modules)
            .arg(script("read_hlog.js"))
            .arg(dump.join("stats.hlog"));
        assert_eq!(json(&mut reader), percentiles(&dump));
    }
}

#[test]
fn percentile_distributions_hold_line_by_line() {
    let dump = whole();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    expect_code(&mut stats(&["--hgrm", folder], &[&dump]), 0);
    let stages = [
        "feed/latency.decode",
        "market/latency.market",
        "storage/latency.commit",
    ];
    for stage in stages {
        let file = dir.path().join(format!("{}.hgrm", stage.replace('/', "-")));
        let alone = expect_code(&mut stats(&["--stage", stage, "--hgrm"], &[&dump]), 0);
        assert_eq!(std::fs::read(&file).unwrap(), alone.stdout, "{stage}");
        let Some(python) = hdrh() else { continue };
        let mut check = Command::new(python);
        check
            .arg(script("read_hlog.py"))
            .arg(dump.join("stats.hlog"))
            .args(["--hgrm", stage])
            .arg(file);
        let lines = json(&mut check);
        assert!(lines.as_u64() > Some(10), "{stage}: {lines}");
    }
    // Several distributions in one file would be none that a plotter reads.
    let output = expect_code(&mut stats(&["--hgrm"], &[&dump]), 2);
    assert!(said(&output).contains("--stage"), "{}", said(&output));
}

/// Workers batch what they count: at least 60 % fewer messages than updates.
#[test]
fn batching_saves_most_messages() {
    let found = json(&mut stats(&["--json"], &[&whole()]));
    let number = |name: &str| found["metrics"][name].as_u64().unwrap();
    let (updates, batches, flushes) = (number("updates"), number("batches"), number("flushes"));
    assert!(updates > 100_000 && flushes > 2, "{}", found["metrics"]);
    // One batch an agent or thread and flush at most.
    let owners: std::collections::BTreeSet<&str> = found["about"]
        .as_object()
        .unwrap()
        .keys()
        .map(|name| name.rsplit_once('/').unwrap().0)
        .collect();
    assert!(
        batches <= flushes * owners.len() as u64,
        "{}",
        found["metrics"]
    );
    assert!(
        (updates - batches) * 100 >= updates * 60,
        "{}",
        found["metrics"]
    );
    let text = expect_code(&mut stats(&[], &[&whole()]), 0).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("metrics: ") && text.contains("% saved"),
        "{text}"
    );
}

#[test]
fn a_paced_replay_tells_latency_service_and_lateness() {
    let dir = tempfile::tempdir().unwrap();
    let dump = paced(dir.path());
    let found = json(&mut stats(&["--json"], &[&dump]));
    let of = |name: &str, what: &str| found["histograms"][name][what].as_u64().unwrap();
    assert!(
        found["behind"]["max"].as_u64() > Some(0),
        "{}",
        found["behind"]
    );
    for (latency, service) in [
        ("market/latency.market", "market/service.market"),
        ("recorder/latency.record", "recorder/service.record"),
    ] {
        assert_eq!(of(latency, "count"), of(service, "count"));
        // What was taken late is not hidden: the tail of latency holds it, that of service does not.
        for what in ["p50", "p99", "max"] {
            assert!(of(latency, what) >= of(service, what), "{latency} {what}");
        }
        for name in [latency, service] {
            let help = found["about"][name]["help"].as_str().unwrap();
            let word = if name == latency {
                "Latency:"
            } else {
                "Service time:"
            };
            assert!(help.starts_with(word), "{help}");
        }
    }
    // The latest input may be one of those that make no message, but not all of the latest are.
    assert!(of("market/latency.market", "max") >= of("feed/latency.behind", "p99") * 99 / 100);
    let text = String::from_utf8(expect_code(&mut stats(&[], &[&dump]), 0).stdout).unwrap();
    assert!(text.contains("behind schedule: half of"), "{text}");
    // At full speed nothing is late.
    let found = json(&mut stats(&["--json"], &[&whole()]));
    assert_eq!(found["behind"]["max"], 0);
    assert_eq!(found["histograms"]["market/service.market"], Value::Null);
    // The last rows are in the database, and its numbers say so.
    assert_eq!(found["gauges"]["storage/lag_sequences"], 0);
    assert_eq!(found["gauges"]["storage/wal_bytes"], 0);
}

#[test]
fn a_killed_run_tells_its_last_state() {
    let dir = tempfile::tempdir().unwrap();
    let dump = dir.path().join("stats");
    // An earlier run in the folder must not speak for the one that is killed.
    std::fs::create_dir_all(&dump).unwrap();
    std::fs::copy(whole().join("stats.json"), dump.join("stats.json")).unwrap();
    let mut engine = pitlane()
        .arg("replay")
        .arg(sample("binance-spot-btcusdt-20240808.gz"))
        .args(["--speed", "5x", "--quiet", "--out"])
        .arg(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let frames = |found: &Value| found["counters"]["feed/frames"].as_u64().unwrap_or(0);
    // Until it has an interval in its log, and more on its page.
    let running = loop {
        std::thread::sleep(Duration::from_millis(50));
        assert!(begun.elapsed() < Duration::from_mins(1), "it never began");
        assert!(engine.try_wait().unwrap().is_none(), "it ended by itself");
        let output = stats(&["--json"], &[&dump]).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if found["end"] == "running"
            && found["intervals"].as_u64() > Some(4)
            && frames(&found) > 500
        {
            break found;
        }
    };
    engine.kill().unwrap();
    engine.wait().unwrap();
    let killed = json(&mut stats(&["--json"], &[&dump]));
    assert_eq!(
        (&killed["end"], &killed["summary"]),
        (&"killed".into(), &Value::Null)
    );
    assert!(frames(&killed) >= frames(&running));
    let logged = json(&mut stats(&["--json"], &[&dump.join("stats.hlog")]));
    let decoded = |found: &Value| found["histograms"]["feed/latency.decode"]["count"].as_u64();
    assert!(decoded(&killed) >= decoded(&logged) && decoded(&logged) > Some(0));
    let text = String::from_utf8(expect_code(&mut stats(&[], &[&dump]), 0).stdout).unwrap();
    assert!(
        text.contains("was killed before it wrote its summary"),
        "{text}"
    );
}

#[test]
fn dumps_are_summed_compared_and_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (whole(), paced(dir.path()));
    let count = |found: &Value| found["histograms"]["feed/latency.decode"]["count"].as_u64();
    let [first, second] = [&one, &two].map(|dump| json(&mut stats(&["--json"], &[dump])));
    let both = json(&mut stats(&["--json"], &[&one, &two]));
    assert_eq!(
        count(&both),
        Some(count(&first).unwrap() + count(&second).unwrap())
    );

    let text = String::from_utf8(expect_code(&mut stats(&[], &[&one, &two]), 0).stdout).unwrap();
    assert!(text.contains("all ended by themselves"), "{text}");
    let lines = std::fs::read_to_string(one.join("stats.hlog")).unwrap();
    let lines = lines
        .lines()
        .filter(|line| line.starts_with("Tag="))
        .count();
    assert_eq!(first["intervals"], lines);
    let output = expect_code(&mut stats(&[], &[&one, &two, dir.path()]), 2);
    assert!(said(&output).contains("named twice"), "{}", said(&output));
    // Of two dumps the one that lacks the stage is named.
    let output = expect_code(
        &mut stats(
            &["--stage", "service.", "--compare", one.to_str().unwrap()],
            &[&two],
        ),
        2,
    );
    let wrong = format!("{}: no stage is called service.", one.display());
    assert!(said(&output).contains(&wrong), "{}", said(&output));

    // The folder above, with the results of the run, will do as well.
    let other = dir.path().to_str().unwrap();
    let compared = json(&mut stats(&["--json", "--compare", other], &[&one]));
    let decode = &compared["histograms"]["feed/latency.decode"];
    let [this, that] = ["this", "other"].map(|side| decode[side]["p99"].as_f64().unwrap());
    let ratio = decode["ratio"]["p99"].as_f64().unwrap();
    assert!((ratio - this / that).abs() < 1e-9, "{decode}");
    assert_eq!(decode["this"], first["histograms"]["feed/latency.decode"]);
    assert_eq!(decode["other"], second["histograms"]["feed/latency.decode"]);
    let only = compared["only_other"].as_array().unwrap();
    assert!(only.contains(&"market/service.market".into()), "{only:?}");
    expect_code(&mut stats(&["--compare", other], &[&one]), 0);

    let file = dir.path().join("plot.svg");
    let name = file.to_str().unwrap();
    let output = expect_code(
        &mut stats(&["--stage", "latency.", "--plot", name], &[&one]),
        0,
    );
    assert!(output.stdout.is_empty() && said(&output).contains("wrote"));
    let picture = std::fs::read_to_string(&file).unwrap();
    for stage in [
        "feed/latency.decode",
        "market/latency.market",
        "recorder/latency.record",
    ] {
        assert!(picture.contains(&format!(">{stage}<")), "{stage}");
    }
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
}

#[test]
fn what_is_no_dump_is_an_error_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("foreign.hlog"), "timestamp,latency\n1,2\n").unwrap();
    let log = std::fs::read(whole().join("stats.hlog")).unwrap();
    let mut corrupt = log.clone();
    let at = log.len() - 20;
    corrupt[at..at + 4].copy_from_slice(b"****");
    std::fs::write(path("corrupt.hlog"), corrupt).unwrap();
    std::fs::create_dir(path("cut")).unwrap();
    let page = std::fs::read(whole().join("counters.page")).unwrap();
    std::fs::write(path("cut/counters.page"), &page[..10_000]).unwrap();
    std::fs::create_dir(path("empty")).unwrap();
    for (name, says) in [
        ("nothing", "nothing"),
        ("empty", "no stats dump"),
        ("foreign.hlog", "not an HdrHistogram interval log"),
        ("corrupt.hlog", "interval"),
        ("cut", "cut short"),
    ] {
        let output = expect_code(&mut stats(&[], &[&path(name)]), 1);
        let said = said(&output);
        assert!(said.contains(says) && said.contains(name), "{name}: {said}");
    }
    // A log that was cut off in the middle of a line is read up to there, and that is said.
    std::fs::write(path("short.hlog"), &log[..log.len() - 30]).unwrap();
    let output = expect_code(&mut stats(&[], &[&path("short.hlog")]), 0);
    assert!(
        said(&output).contains("middle of a line"),
        "{}",
        said(&output)
    );
}
