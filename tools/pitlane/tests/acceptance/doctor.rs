//! What `pitlane doctor` says of this host is what the kernel's files say, read here without it.

use crate::support::{expect_code, pitlane, said};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn text(file: &str) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn doctor(arguments: &[&str]) -> Output {
    pitlane().arg("doctor").args(arguments).output().unwrap()
}

fn json(arguments: &[&str]) -> (i32, Value) {
    let output = doctor(&[arguments, &["--json"]].concat());
    let report =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&output)));
    (output.status.code().unwrap(), report)
}

fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["id"] == id);
    found.unwrap_or_else(|| panic!("no check {id}"))
}

/// The numbers of a list as the kernel writes it.
fn numbers(list: &str) -> BTreeSet<u64> {
    let part = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        first.parse::<u64>().unwrap()..=last.parse().unwrap()
    };
    list.split(',')
        .filter(|part| !part.is_empty())
        .flat_map(part)
        .collect()
}

/// The cores this test, and so the command, may use.
fn allowed() -> BTreeSet<u64> {
    let status = text("/proc/self/status");
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    numbers(list.unwrap().trim())
}

/// A core that is ours and that other programs may use too; says so if there is none.
fn shared_core() -> Option<u64> {
    let isolated = numbers(&text("/sys/devices/system/cpu/isolated"));
    let core = allowed().difference(&isolated).copied().next();
    if core.is_none() {
        println!("skipped: every core of this process is isolated");
    }
    core
}

/// A configuration with this profile and with the feed pinned to a core; other threads share.
fn config(dir: &Path, profile: &str, core: u64, idle: &str) -> PathBuf {
    let path = dir.join("map.toml");
    let out = dir.join("out");
    let text = format!(
        r#"[tick_store]
dir = "{0}/ticks"
segment_records = 1024
[storage]
path = "{0}/storage/pitlane.db"
[log]
dir = "{0}/logs"
rotate_mib = 1
[stats]
dir = "{0}/stats"
[core_map]
profile = "{profile}"
[[core_map.thread]]
name = "feed"
core = {core}
idle = "{idle}"
agents = ["feed"]
[[core_map.thread]]
name = "rest"
idle = "park"
agents = ["sequencer", "recorder", "market", "storage", "logger", "supervisor"]
"#,
        out.display()
    );
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_page_tells_the_truth_about_this_host() {
    let output = doctor(&["--seconds", "0.2"]);
    let page = out(&output);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{page}{}",
        said(&output)
    );
    assert!(
        page.contains(&format!(
            "host      Linux {}",
            text("/proc/sys/kernel/osrelease")
        )),
        "{page}"
    );
    assert!(page.contains("\nmeasured  0.2 s on cores "), "{page}");
    assert!(!page.contains('\u{1b}'), "escape codes in a pipe");
    assert_eq!(said(&output), "", "no progress in a pipe");
    let line = |id: &str| {
        let found = page
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(id));
        found
            .unwrap_or_else(|| panic!("no line {id} in\n{page}"))
            .to_owned()
    };
    let clocksource = text("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    if !clocksource.is_empty() {
        assert!(line("clocksource").contains(&clocksource), "{page}");
    }
    let swaps = text("/proc/swaps");
    if swaps.lines().count() == 1 {
        assert!(line("swap").contains("none"), "{page}");
    } else if let Some(area) = swaps.lines().nth(1) {
        assert!(
            line("swap").contains(area.split_whitespace().next().unwrap()),
            "{page}"
        );
    }
    let cpuinfo = text("/proc/cpuinfo");
    if let Some(flags) = cpuinfo.lines().find(|line| line.starts_with("flags")) {
        let has = |flag: &str| flags.split_whitespace().any(|word| word == flag);
        assert_eq!(
            line("hypervisor").contains("virtual machine"),
            has("hypervisor"),
            "{page}"
        );
        let invariant = has("constant_tsc") && has("nonstop_tsc");
        assert_eq!(line("tsc").contains("not invariant"), !invariant, "{page}");
    }
    let last = page.lines().last().unwrap();
    let fit = output.status.success();
    assert_eq!(
        last.starts_with("verdict   fit for profile shared"),
        fit,
        "{last}"
    );
}

#[test]
fn the_json_has_every_core_and_adds_up() {
    let (code, report) = json(&["--seconds", "0.3"]);
    assert_eq!(report["exit_code"], code);
    assert_eq!(report["fit"], code == 0);
    let cores: BTreeSet<u64> = report["cores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|core| core.as_u64().unwrap())
        .collect();
    assert_eq!(cores, allowed());
    let measured = report["measured"]["cores"].as_array().unwrap();
    assert_eq!(measured.len(), cores.len(), "{report}");
    for core in measured {
        let number = |key: &str| {
            core[key]
                .as_u64()
                .unwrap_or_else(|| panic!("{key} in {core}"))
        };
        assert!(cores.contains(&number("core")));
        assert!(number("elapsed_ns") >= 300_000_000, "{core}");
        assert!(number("readings") > 100, "{core}");
        assert!(number("lost_ns") <= number("elapsed_ns"), "{core}");
        let gaps = [
            "gaps_over_1us",
            "gaps_over_10us",
            "gaps_over_100us",
            "gaps_over_1ms",
        ]
        .map(number);
        assert!(gaps.is_sorted_by(|a, b| a >= b), "{core}");
        let waits = ["p50", "p99", "p999", "p9999", "max"]
            .map(|key| core["wait_ns"][key].as_u64().unwrap());
        assert!(waits.is_sorted(), "{core}");
        assert!(
            core["interrupts"].is_object() && core["steal_ms"].is_u64(),
            "{core}"
        );
    }
    // A core that never got its turn has no answer, and the line says so.
    let skews = report["measured"]["skew"].as_array().unwrap();
    assert!(skews.len() < cores.len(), "{report}");
    for skew in skews {
        assert_ne!(skew["core"], skew["against"], "{skew}");
        assert!(
            skew["offset_ns"].is_i64() && skew["bound_ns"].is_u64(),
            "{skew}"
        );
    }
    let checks = report["checks"].as_array().unwrap();
    let mut counted = 0;
    for state in ["ok", "unknown", "warn", "fail"] {
        let of = checks
            .iter()
            .filter(|check| check["state"] == state)
            .count() as u64;
        assert_eq!(report["counts"][state], of, "{state}");
        counted += of;
    }
    assert_eq!(counted, checks.len() as u64);
    for check in checks {
        let state = check["state"].as_str().unwrap();
        assert!(!check["finding"].as_str().unwrap().is_empty(), "{check}");
        assert_eq!(
            check["why"] == "",
            matches!(state, "ok" | "unknown"),
            "{check}"
        );
        assert_eq!(
            check["fixes"].as_array().unwrap().is_empty(),
            matches!(state, "ok" | "unknown"),
            "{check}"
        );
    }
    let thp = check(&report, "thp");
    let file = "/sys/kernel/mm/transparent_hugepage/enabled";
    if Path::new(file).exists() {
        assert_eq!(thp["evidence"][0]["file"], file);
        assert_eq!(thp["evidence"][0]["value"], text(file));
    }
    assert_eq!(json(&["--seconds", "0"]).1["measured"], Value::Null);
}

#[test]
fn a_thread_that_spins_on_a_shared_core_is_refused_everywhere() {
    let Some(core) = shared_core() else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "isolated", core, "spin");
    let file = file.to_str().unwrap();
    let reason = format!(
        "{file}:16:8: [[core_map.thread]] number 1, idle: spin on core {core}, which other programs may use"
    );
    let mend = "isolate it (isolcpus= or an isolated cpuset), or set idle = yield, backoff or park";
    let checked = expect_code(pitlane().args(["config", "check", file]), 78);
    let run = expect_code(pitlane().args(["run", "--config", file]), 78);
    let judged = expect_code(
        pitlane().args(["doctor", "--seconds", "0.1", "--config", file]),
        78,
    );
    for text in [said(&checked), said(&run), out(&judged)] {
        assert!(text.contains(&reason) && text.contains(mend), "{text}");
    }
    assert!(
        !dir.path().join("out").exists(),
        "refused before any file was written"
    );
    let page = out(&judged);
    assert!(page.contains("FAIL    core_map       1 fault"), "{page}");
    assert!(
        page.contains(&format!("isolcpus=managed_irq,domain,{core}")),
        "{page}"
    );
    assert!(
        page.lines()
            .last()
            .unwrap()
            .starts_with("verdict   not fit for profile isolated"),
        "{page}"
    );
    let (code, report) = json(&["--seconds", "0", "--config", file]);
    assert_eq!((code, &report["exit_code"]), (78, &Value::from(78)));
    assert!(
        report["core_map"]["faults"][0]
            .as_str()
            .unwrap()
            .starts_with(&reason),
        "{report}"
    );
}

#[test]
fn a_map_that_can_run_and_cannot_keep_its_promise_fails_with_1() {
    let Some(core) = shared_core() else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "isolated", core, "park");
    let (code, report) = json(&["--seconds", "0", "--config", file.to_str().unwrap()]);
    assert_eq!(code, 1, "{report}");
    let isolation = check(&report, "isolation");
    assert_eq!(isolation["state"], "fail");
    assert_eq!(isolation["fixes"][0]["kind"], "boot");
    // the same threads, when nobody promised them cores of their own
    let file = config(dir.path(), "shared", core, "park");
    let (_, report) = json(&["--seconds", "0", "--config", file.to_str().unwrap()]);
    assert_eq!(check(&report, "isolation")["state"], "ok");
    assert_eq!(report["core_map"]["pinned"], serde_json::json!([core]));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let missing = u64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap() + 900;
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "shared", missing, "park");
    let output = expect_code(
        pitlane()
            .args(["doctor", "--seconds", "0.1", "--config"])
            .arg(&file),
        78,
    );
    let page = out(&output);
    assert!(
        page.contains(&format!("core {missing} does not exist: choose one of ")),
        "{page}"
    );
    assert!(page.contains("no core of the map is here"), "{page}");
    let torn = dir.path().join("torn.toml");
    fs::write(&torn, "[core_map]\nprofile = \"isolatd\"\n").unwrap();
    let output = expect_code(pitlane().args(["doctor", "--config"]).arg(&torn), 78);
    assert!(
        said(&output).contains("torn.toml:2:11"),
        "{}",
        said(&output)
    );
    for arguments in [
        ["--seconds", "1e9"],
        ["--seconds", "soon"],
        ["--cores", "two"],
        ["--cores", ""],
    ] {
        let output = expect_code(pitlane().arg("doctor").args(arguments), 2);
        assert!(said(&output).contains(arguments[0]), "{}", said(&output));
    }
}

#[test]
fn an_interrupted_measurement_ends_with_130() {
    let mut child = pitlane()
        .args(["doctor", "--seconds", "600"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It measures once it has a thread per core; the signal is watched for before that.
    let tasks = format!("/proc/{}/task", child.id());
    let deadline = Instant::now() + Duration::from_mins(1);
    while fs::read_dir(&tasks).map_or(0, Iterator::count) <= 1 {
        assert!(Instant::now() < deadline, "it never measured");
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    expect_code(
        Command::new("kill").args(["-INT", &child.id().to_string()]),
        0,
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert_eq!(out(&output), "");
    assert!(said(&output).contains("interrupted"), "{}", said(&output));
}

/// `scripts/host-setup` with a note of its own, so that it needs no root.
fn setup(dir: &Path, pitlane: &Path, arguments: &[&str]) -> Output {
    Command::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../scripts/host-setup"
    ))
    .args(arguments)
    .env("PITLANE", pitlane)
    .env("PITLANE_HOST_SETUP_NOTE", dir.join("note"))
    .stdin(Stdio::null())
    .output()
    .unwrap()
}

#[test]
fn the_setup_shows_what_the_doctor_found() {
    let Some(core) = shared_core() else { return };
    let dir = tempfile::tempdir().unwrap();
    let core = core.to_string();
    let fixes = out(&expect_code(
        pitlane().args(["doctor", "--fixes", "--cores", &core]),
        0,
    ));
    assert!(
        fixes.contains(&format!("isolcpus=managed_irq,domain,{core}")),
        "{fixes}"
    );
    let script = dir.path().join("fixes.sh");
    fs::write(&script, &fixes).unwrap();
    expect_code(Command::new("sh").arg("-n").arg(&script), 0);
    let shown = setup(
        dir.path(),
        Path::new(env!("CARGO_BIN_EXE_pitlane")),
        &["--cores", &core],
    );
    assert!(shown.status.success(), "{}", said(&shown));
    assert_eq!(out(&shown), fixes);
    assert!(
        said(&shown).contains("GRUB_CMDLINE_LINUX"),
        "{}",
        said(&shown)
    );
    assert!(!dir.path().join("note").exists(), "showing changes nothing");
}

#[test]
fn the_setup_applies_and_takes_back() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("a"), "old a\n").unwrap();
    fs::write(at("b"), "old b\n").unwrap();
    let plan = format!(
        "#!/bin/sh\ncat <<'PLAN'\n# why: a test\necho 'new a' > {0}/a\n# undo: echo 'old a' > {0}/a\necho 'new b' > {0}/b\n\
         # undo: echo 'old b' > {0}/b\n# boot: isolcpus=1\nPLAN\n",
        dir.path().display()
    );
    let fake = at("pitlane");
    fs::write(&fake, plan).unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let values = || {
        [
            text(at("a").to_str().unwrap()),
            text(at("b").to_str().unwrap()),
        ]
    };

    let unasked = setup(dir.path(), &fake, &["--apply"]);
    assert_eq!(unasked.status.code(), Some(1), "{}", said(&unasked));
    assert_eq!(values(), ["old a", "old b"], "nobody said yes");
    let applied = setup(dir.path(), &fake, &["--apply", "--yes"]);
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    assert_eq!(values(), ["new a", "new b"]);
    assert!(said(&applied).contains("isolcpus=1"), "{}", said(&applied));
    let undone = setup(dir.path(), &fake, &["--undo", "--yes"]);
    assert_eq!(undone.status.code(), Some(0), "{}", said(&undone));
    assert_eq!(values(), ["old a", "old b"]);
    assert_eq!(
        setup(dir.path(), &fake, &["--undo", "--yes"]).status.code(),
        Some(1),
        "nothing left to undo"
    );
    assert_eq!(setup(dir.path(), &fake, &["--aply"]).status.code(), Some(2));
}
