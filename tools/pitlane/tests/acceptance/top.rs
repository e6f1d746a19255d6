//! `pitlane top` beside engines that run, stand still, were killed or ended, and beside what is no engine.

use crate::support::{expect_code, json, pitlane, said, sample};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for something that is sure to happen; machines may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// An engine that plays the sample at the pace of the market, which takes minutes.
struct Paced {
    child: Child,
    dir: PathBuf,
}

impl Paced {
    fn start(dir: PathBuf) -> Self {
        let child = pitlane()
            .arg("replay")
            .arg(sample("binance-spot-btcusdt-20240808.gz"))
            .args(["--speed", "1x", "--quiet", "--core-map", "shared", "--out"])
            .arg(&dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut engine = Self { child, dir };
        engine.wait_for("an engine at work", |view| {
            view["agents"].as_array().is_some_and(|agents| {
                agents.len() == 7 && agents.iter().all(|agent| agent["state"] == "ready")
            }) && view["agents"][0]["work"].as_u64() > Some(0)
        });
        engine
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    fn look(&self) -> Value {
        json(
            pitlane()
                .args(["top", "--once", "--json", "--delay", "300ms"])
                .arg(&self.dir),
        )
    }

    /// Looks until what is seen is as it should be.
    fn wait_for(&mut self, what: &str, good: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            // Before the page is there, there is nothing to look at.
            if self.dir.join("stats/counters.page").exists() {
                let view = self.look();
                if good(&view) {
                    return view;
                }
                assert!(begin.elapsed() < PATIENCE, "{what} was not seen: {view}");
            }
            assert!(begin.elapsed() < PATIENCE, "{what} was not seen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        expect_code(Command::new("kill").args([name, &self.pid()]), 0);
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn plain(arguments: &[&str], place: &Path) -> String {
    let output = expect_code(pitlane().arg("top").args(arguments).arg(place), 0);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\u{1b}'), "escape codes in a pipe: {text}");
    text
}

#[test]
fn a_running_engine_is_seen_and_so_is_what_is_left_of_it() {
    let root = tempfile::tempdir().unwrap();
    let mut engine = Paced::start(root.path().join("run"));
    let dir = engine.dir.clone();

    let view = engine.wait_for("work in an interval", |view| {
        view["agents"][0]["work_per_s"].as_f64() > Some(0.0)
    });
    assert_eq!(view["engine"]["pid"].to_string(), engine.pid());
    assert_eq!(view["engine"]["alive"], true);
    assert_eq!(view["engine"]["status"], "running");
    assert!(view["interval_ns"].as_u64() >= Some(300_000_000), "{view}");
    for agent in view["agents"].as_array().unwrap() {
        assert_ne!(agent["verdict"], "ended", "{agent}");
        assert!(agent["polls_per_s"].as_f64() > Some(0.0), "{agent}");
        assert!(agent["thread"].is_string(), "{agent}");
    }
    for thread in view["threads"].as_array().unwrap() {
        assert!(thread["loops_per_s"].as_f64() > Some(0.0), "{thread}");
        assert!(
            thread["on_core"].is_u64() && thread["cpu_share"].is_f64(),
            "{thread}"
        );
    }
    let edge = &view["edges"][0];
    assert_eq!(edge["name"], "feed-sequencer");
    assert!(
        edge["capacity"].as_u64() > Some(0) && edge["sent"].as_u64() > Some(0),
        "{edge}"
    );

    // However it is named, it is the same engine.
    for place in [
        dir.clone(),
        dir.join("stats"),
        dir.join("stats/counters.page"),
    ] {
        let text = plain(&["--delay", "100ms"], &place);
        assert!(
            text.starts_with(&format!("pid {}  running", engine.pid())),
            "{text}"
        );
        for title in ["THREAD", "AGENT", "EDGE", "LATENCY", "COUNTER"] {
            assert!(text.contains(title), "{title} in {text}");
        }
    }
    let by_pid = json(pitlane().args([
        "top",
        "--once",
        "--json",
        "--delay",
        "50ms",
        "--pid",
        &engine.pid(),
    ]));
    assert_eq!(by_pid["engine"]["pid"], view["engine"]["pid"]);

    // A line for each interval, and a last one when it has died.
    let mut lines = pitlane()
        .args(["top", "--json", "--delay", "100ms"])
        .arg(&dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = BufReader::new(lines.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(seen.next().unwrap()["engine"]["alive"], true);
    assert_eq!(seen.next().unwrap()["engine"]["alive"], true);
    let at_kill = engine.look();
    engine.kill();
    assert_eq!(seen.last().unwrap()["engine"]["status"], "killed");
    assert!(lines.wait().unwrap().success());

    let left = engine.look();
    assert_eq!(
        (&left["engine"]["alive"], &left["engine"]["status"]),
        (&Value::Bool(false), &"killed".into())
    );
    assert_eq!(left["health"]["verdict"], "dead");
    assert_eq!(
        (&left["interval_ns"], &left["agents"][0]["work_per_s"]),
        (&Value::Null, &Value::Null)
    );
    assert!(left["agents"][0]["work"].as_u64() >= at_kill["agents"][0]["work"].as_u64());
    assert!(left["engine"]["dead_ns"].is_u64(), "{left}");
    let text = plain(&["--once"], &dir);
    assert!(
        text.contains("killed") && text.contains("was ready"),
        "{text}"
    );
}

#[test]
fn a_stopped_engine_is_told_from_a_dead_one() {
    let root = tempfile::tempdir().unwrap();
    let mut engine = Paced::start(root.path().join("run"));
    engine.signal("-STOP");
    let view = engine.wait_for("a stopped engine", |view| {
        view["engine"]["status"] == "stopped"
    });
    assert_eq!(
        (&view["engine"]["alive"], &view["health"]["verdict"]),
        (&Value::Bool(true), &"dead".into())
    );
    engine.signal("-CONT");
    engine.wait_for("it going on", |view| {
        view["engine"]["status"] == "running"
            && view["agents"][0]["polls_per_s"].as_f64() > Some(0.0)
    });
}

#[test]
fn with_several_engines_one_has_to_be_chosen() {
    let root = tempfile::tempdir().unwrap();
    let engines = ["one", "two"].map(|name| Paced::start(root.path().join(name)));
    let output = expect_code(pitlane().args(["top", "--once"]), 2);
    for engine in &engines {
        assert!(
            said(&output).contains(&format!("--pid {}", engine.pid())),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn an_engine_that_ended_in_order_says_so() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("run");
    let replay = || {
        let mut command = pitlane();
        command
            .arg("replay")
            .arg(sample("binance-usdm-btcusdt-20240808.gz"));
        command
            .args(["--quiet", "--json", "--core-map", "folded", "--out"])
            .arg(&dir);
        command
    };
    let report = json(&mut replay());
    let view = json(pitlane().args(["top", "--once", "--json"]).arg(&dir));
    assert_eq!(
        (&view["engine"]["status"], &view["health"]["verdict"]),
        (&"ended".into(), &"ended".into())
    );
    assert_eq!(view["engine"]["frames"], report["frames"]);
    assert_eq!(view["threads"].as_array().map(Vec::len), Some(1));
    let edges = view["edges"].as_array().unwrap();
    let recorder = edges
        .iter()
        .find(|edge| edge["name"] == "sequencer-recorder")
        .unwrap();
    assert_eq!(
        (&recorder["depth"], &recorder["sent"]),
        (&0.into(), &recorder["received"])
    );
}

#[test]
fn what_is_no_engine_is_named_with_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        std::fs::create_dir(path(name)).unwrap();
        let page = path(name).join("counters.page");
        std::fs::write(&page, bytes).unwrap();
        page
    };
    std::fs::create_dir(path("empty")).unwrap();
    let real = {
        let engine = Paced::start(path("real"));
        std::fs::read(engine.dir.join("stats/counters.page")).unwrap()
    };
    let mut other_version = real.clone();
    other_version[8] = 99;
    // A folder that may not be looked into; root may look everywhere but round in a circle.
    std::fs::create_dir(path("circle")).unwrap();
    std::os::unix::fs::symlink("counters.page", path("circle/counters.page")).unwrap();
    let cases = [
        (path("empty"), "no counters.page here"),
        (path("circle"), "cannot look for"),
        (PathBuf::from("/dev/null"), "neither a folder nor a file"),
        (path("nowhere"), "there is no such folder"),
        (write("foreign", &[7; 8192]), "magic"),
        (write("short", b"PITLCNTR"), "shorter than a header"),
        (
            write("truncated", &real[..real.len() / 2]),
            "length differs",
        ),
        (write("version", &other_version), "layout version 99"),
    ];
    for (place, what) in cases {
        for arguments in [&["top", "--once"][..], &["top", "--json"]] {
            let output = expect_code(pitlane().args(arguments).arg(&place), 1);
            let said = said(&output);
            assert!(
                said.contains(what) && said.contains(place.to_str().unwrap()),
                "{place:?}: {said}"
            );
            assert!(output.stdout.is_empty());
        }
    }

    // Whatever bytes are damaged, it ends with an answer.
    for step in 0..24 {
        let mut damaged = real.clone();
        for at in (4096 + step * 21..damaged.len().min(60_000)).step_by(509) {
            damaged[at] ^= 0xA5;
        }
        std::fs::write(path("damaged.page"), &damaged).unwrap();
        plain(&["--once"], &path("damaged.page"));
    }

    let own = std::process::id().to_string();
    let output = expect_code(pitlane().args(["top", "--once", "--pid", &own]), 1);
    assert!(said(&output).contains("is no engine"), "{}", said(&output));
    let output = expect_code(pitlane().args(["top", "--once", "--pid", "4294967294"]), 1);
    assert!(
        said(&output).contains("there is no process"),
        "{}",
        said(&output)
    );
    for (arguments, what) in [
        (["--sort", "nonsense"], "p99"),
        (["--delay", "soon"], "500ms"),
        (["--delay", "2h"], "ms, s or m"),
        (["--delay", "0s"], "from 10ms"),
        (["--pid", "1"], "cannot be used with"),
    ] {
        let output = expect_code(pitlane().arg("top").args(arguments).arg(path("empty")), 2);
        assert!(
            said(&output).contains(what),
            "{arguments:?}: {}",
            said(&output)
        );
    }
}

/// A terminal of its own, with `pitlane top` in it.
struct Screen {
    socket: String,
}

impl Screen {
    /// Runs a script in a new terminal; says so if there is no tmux.
    fn open(root: &Path, name: &str, script: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("skipped: there is no tmux, and the command needs a terminal");
            return None;
        }
        let screen = Self {
            socket: root.join(name).to_str().unwrap().to_owned(),
        };
        screen.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "40",
            script,
        ]);
        Some(screen)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = expect_code(
            Command::new("tmux")
                .args(["-S", &self.socket])
                .args(arguments),
            0,
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until all of these stand on the screen.
    #[track_caller]
    fn wait_for(&self, texts: &[&str]) -> String {
        let begin = Instant::now();
        loop {
            let seen = self.tmux(&["capture-pane", "-p"]);
            if texts.iter().all(|text| seen.contains(text)) {
                return seen;
            }
            assert!(begin.elapsed() < PATIENCE, "{texts:?} not seen on\n{seen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The terminal is as it was before: its own screen, a cursor, letters that are echoed and lines that are read.
    #[track_caller]
    fn is_given_back(&self, code: i32) {
        let left = format!("left with {code}");
        let seen = self.wait_for(&[&left, "the end"]);
        assert!(
            seen.contains(" icanon") && seen.contains(" echo "),
            "{seen}"
        );
        let state = self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
        assert_eq!(state.trim(), "0 1");
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        Command::new("tmux")
            .args(["-S", &self.socket, "kill-server"])
            .output()
            .ok();
    }
}

/// Runs the command, then says how it ended and how the terminal is.
fn script(root: &Path, dir: &Path) -> String {
    let (command, pid) = (env!("CARGO_BIN_EXE_pitlane"), root.join("pid"));
    format!(
        "sh -c 'echo $$ > {}; exec {command} top {} --delay 200ms'; echo left with $?; stty -a; echo the end; sleep 30",
        pid.display(),
        dir.display()
    )
}

#[test]
fn on_a_terminal_it_shows_panes_and_gives_the_terminal_back() {
    let root = tempfile::tempdir().unwrap();
    let engine = Paced::start(root.path().join("run"));
    let script = script(root.path(), &engine.dir);
    let Some(screen) = Screen::open(root.path(), "quit", &script) else {
        return;
    };
    screen.wait_for(&[
        "pitlane top",
        "running",
        "THREAD",
        "AGENT",
        "EDGE",
        "F1 Help",
        "sequencer-recorder",
    ]);
    screen.tmux(&["send-keys", "?"]);
    screen.wait_for(&["Any key goes back."]);
    screen.tmux(&["send-keys", "x", "p"]);
    screen.wait_for(&["PINNED", "AGENTS"]);
    screen.tmux(&["send-keys", "p", "/", "s", "t", "o", "r", "Enter"]);
    screen.wait_for(&["only \"stor\"", "storage"]);
    screen.tmux(&["send-keys", "Escape", "Tab", ">", ">"]);
    screen.wait_for(&["STATE▲"]);
    screen.tmux(&["resize-window", "-x", "60", "-y", "12"]);
    screen.wait_for(&["AGENT", "F1 Help"]);
    screen.tmux(&["send-keys", "Space"]);
    screen.wait_for(&["AGENT"]);
    screen.tmux(&["send-keys", "q"]);
    screen.tmux(&["resize-window", "-x", "100", "-y", "40"]);
    screen.is_given_back(0);
}

#[test]
fn a_signal_gives_the_terminal_back_too() {
    let root = tempfile::tempdir().unwrap();
    let mut engine = Paced::start(root.path().join("run"));
    let script = script(root.path(), &engine.dir);
    for (signal, code) in [("-INT", 130), ("-TERM", 0)] {
        let Some(screen) = Screen::open(root.path(), signal, &script) else {
            return;
        };
        if engine.child.try_wait().unwrap().is_none() {
            screen.wait_for(&["running", "AGENT"]);
            // It stays when the engine dies, and says so.
            engine.kill();
        }
        screen.wait_for(&["killed", "was ready", "health dead"]);
        let pid = std::fs::read_to_string(root.path().join("pid")).unwrap();
        expect_code(Command::new("kill").args([signal, pid.trim()]), 0);
        screen.is_given_back(code);
    }
}

/// One that went on would burn a core of the host, and nobody would see it.
#[test]
fn a_terminal_that_goes_away_takes_it_along() {
    let root = tempfile::tempdir().unwrap();
    let engine = Paced::start(root.path().join("run"));
    let script = script(root.path(), &engine.dir);
    // Even where a shell has had it ignored.
    let script = format!("trap '' HUP; {script}");
    let Some(screen) = Screen::open(root.path(), "gone", &script) else {
        return;
    };
    screen.wait_for(&["running", "AGENT"]);
    let pid = std::fs::read_to_string(root.path().join("pid")).unwrap();
    let process = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
    assert!(process.exists());
    drop(screen);
    let begin = Instant::now();
    // Its parent may be slow to collect it.
    while std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(begin.elapsed() < PATIENCE, "it goes on without a terminal");
        std::thread::sleep(Duration::from_millis(50));
    }
}
