//! Two processes and what they leave: a venue that plays a capture, and an engine that listens to it.

use crate::support::{expect_code, json, pitlane, sample};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Six minutes of one symbol: trades, depth and quotes.
pub const SPOT: &str = "binance-spot-btcusdt-20240808.gz";
/// The same of futures.
pub const USDM: &str = "binance-usdm-btcusdt-20240808.gz";

/// Longest wait for anything; a machine under load is slow, not wrong.
const PATIENCE: Duration = Duration::from_mins(1);
/// A feed that takes no frame for so long has taken all of them, if the venue has sent them.
const QUIET: Duration = Duration::from_millis(700);

/// Asks again and again until the answer is yes.
#[track_caller]
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A venue on this machine; it ends with the test.
pub struct Venue {
    process: Child,
    pub port: u64,
}

impl Venue {
    /// Plays files of the sample.
    pub fn start(files: &[&str], options: &[&str]) -> Self {
        let files: Vec<PathBuf> = files.iter().map(|file| sample(file)).collect();
        Self::play(&files, options)
    }

    /// Plays any files.
    pub fn play(files: &[PathBuf], options: &[&str]) -> Self {
        let mut process = pitlane()
            .arg("venue")
            .args(files)
            .args(["--json", "--quiet"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("the venue says where it is");
        let port = said["port"].as_u64().unwrap();
        Self { process, port }
    }

    /// Asks the venue itself something; `None` while nobody listens.
    pub fn ask(&self, method: &str, path: &str) -> Option<Value> {
        let port = u16::try_from(self.port).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (_, body) = text.split_once("\r\n\r\n")?;
        serde_json::from_str(body).ok()
    }

    pub fn status(&self) -> Value {
        self.ask("GET", "/venue/status").unwrap_or_default()
    }

    /// Frames played so far; 0 while nobody listens.
    pub fn played(&self) -> u64 {
        self.status()["position"].as_u64().unwrap_or(0)
    }

    /// How often the faults of a kind have struck, or with `""` those of all kinds.
    pub fn struck(&self, kind: &str) -> u64 {
        let status = self.status();
        let rules = status["faults"].as_array().expect("a status").iter();
        let of_kind = rules.filter(|of| of["rule"].as_str().unwrap().starts_with(kind));
        of_kind.map(|of| of["done"].as_u64().unwrap()).sum()
    }

    /// Ends the process as a crash does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A test that fails leaves no venue behind.
impl Drop for Venue {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One venue's symbol and what of it is listened to.
#[derive(Clone, Copy)]
pub struct Heard<'a> {
    pub venue: &'a str,
    pub symbol: &'a str,
    pub venue_symbol: &'a str,
    pub streams: &'a str,
    /// Below which its streams lie.
    pub path: &'a str,
    pub ws_port: u64,
    pub rest_port: u64,
}

/// The symbol of [`SPOT`].
pub fn spot(venue: &Venue) -> Heard<'_> {
    Heard {
        venue: "binance-spot",
        symbol: "BTCUSDT",
        venue_symbol: "BTCUSDT",
        streams: r#"["trade", "depth@100ms", "bookTicker"]"#,
        path: "",
        ws_port: venue.port,
        rest_port: venue.port,
    }
}

/// Writes a configuration that listens to these, with lines of `[live]` of its own.
pub fn write_config(dir: &Path, heard: &[Heard<'_>], live: &str) -> PathBuf {
    let mut text = String::from("source.kind = \"live\"\n");
    let mut known = Vec::new();
    for of in heard {
        if !known.contains(&of.venue) {
            known.push(of.venue);
            write!(
                text,
                "[[upstream]]\nvenue = \"{}\"\nws = \"ws://127.0.0.1:{}{}\"\nrest = \"http://127.0.0.1:{}\"\nstreams = {}\n",
                of.venue, of.ws_port, of.path, of.rest_port, of.streams
            )
            .unwrap();
        }
        write!(
            text,
            "[[instrument]]\nsymbol = \"{}\"\nvenue_symbol = \"{}\"\nvenue = \"{}\"\n",
            of.symbol, of.venue_symbol, of.venue
        )
        .unwrap();
        if of.venue == "binance-spot" {
            text.push_str("lot_size = \"0.000001\"\n");
        }
    }
    let dir = dir.display();
    write!(
        text,
        "[live]\nreconnect_first = \"50ms\"\nreconnect_max = \"100ms\"\nklines = false\n{live}\n\
         [tick_store]\ndir = \"{dir}/ticks\"\nsegment_records = 65536\n[storage]\npath = \"{dir}/storage/pitlane.db\"\n\
         [log]\ndir = \"{dir}/logs\"\n[stats]\ndir = \"{dir}/stats\"\n"
    )
    .unwrap();
    let path = PathBuf::from(format!("{dir}/live.toml"));
    std::fs::write(&path, text).unwrap();
    path
}

/// A running engine, its files below `dir`.
pub struct Run {
    process: Child,
    /// When it was started, ns since 1970.
    since: u64,
    dir: PathBuf,
}

/// A test that fails leaves no engine behind.
impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Run {
    pub fn start(dir: &Path, config: &Path) -> Self {
        let out = std::fs::File::create(dir.join("report.json")).unwrap();
        let since = UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let process = pitlane()
            .args(["run", "--json", "--quiet", "-c"])
            .arg(config)
            .stdout(out)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self {
            process,
            since: u64::try_from(since).unwrap(),
            dir: dir.to_owned(),
        }
    }

    /// Counters and gauges of the running engine; `None` before there are any.
    pub fn stats(&self) -> Option<Value> {
        let output = pitlane()
            .args(["stats", "--json"])
            .arg(self.dir.join("stats"))
            .output()
            .unwrap();
        let stats: Value = serde_json::from_slice(&output.stdout).ok()?;
        // A run before this one leaves its page until the next has made its own.
        (stats["started_wall_ns"].as_u64()? > self.since).then_some(stats)
    }

    /// Waits until the venue has sent all it has and the engine has taken it, with so many books in step.
    #[track_caller]
    pub fn until_heard(&self, venue: &Venue, books: u64) {
        until("the end of the capture", || {
            let status = venue.status();
            status["finished"] == true && status["drained"] == true
        });
        let (mut before, mut since) = (None, Instant::now());
        until("all that was sent", || {
            let stats = self.stats();
            let frames = stats
                .as_ref()
                .and_then(|of| of["counters"]["feed/frames"].as_u64());
            let in_step = stats.map(|of| of["gauges"]["feed/books_in_step"] == books);
            if frames.is_none() || frames != before || in_step != Some(true) {
                (before, since) = (frames, Instant::now());
            }
            since.elapsed() > QUIET
        });
    }

    /// Waits until the database has so many trades.
    #[track_caller]
    pub fn until_trades(&self, count: usize) {
        let mut have = 0;
        let start = Instant::now();
        while have < count {
            let waits = start.elapsed() < PATIENCE;
            assert!(waits, "waited in vain for {count} trades, {have} are there");
            std::thread::sleep(Duration::from_millis(200));
            have = trades(&self.dir).len();
        }
    }

    /// Asks for an orderly end, as a service manager does; the report.
    #[track_caller]
    pub fn stop(mut self) -> Value {
        let id = self.process.id().to_string();
        expect_code(Command::new("kill").args(["-TERM", &id]), 0);
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        let text = std::fs::read(self.dir.join("report.json")).unwrap();
        let report: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(report["faults"], Value::Array(Vec::new()), "{report}");
        report
    }

    /// Ends the process as a crash does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The rows of trades in a database, whole.
pub fn trades(dir: &Path) -> Vec<String> {
    if !dir.join("storage/pitlane.db").exists() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    let row = |table: &'static str, row: &str| {
        if table == "aggregated_trades" {
            rows.push(row.to_owned());
        }
    };
    // While the engine makes its tables there are none.
    let _ = pitlane_edges::storage::dump_lines(&dir.join("storage/pitlane.db"), row);
    rows
}

/// Records of a tick store in their order, of these kinds.
pub fn records(dir: &Path, kinds: &[&str]) -> Vec<Value> {
    let kinds = kinds.iter().flat_map(|kind| ["--kind", kind]);
    let output = expect_code(
        pitlane()
            .args(["export", "--to", "jsonl"])
            .args(kinds)
            .arg(dir.join("ticks")),
        0,
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let records = text.lines();
    records
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What a replay of a file gives, and where its files are.
pub fn replayed(file: &str) -> (Value, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("replay.toml");
    let text = "[[instrument]]\nsymbol = \"BTCUSDT\"\nvenue = \"binance-spot\"\n\
                tick_size = \"0.01\"\nlot_size = \"0.000001\"\n";
    std::fs::write(&config, text).unwrap();
    let report = json(
        pitlane()
            .arg("replay")
            .arg(sample(file))
            .args(["--json", "--quiet", "--config"])
            .arg(config)
            .arg("--out")
            .arg(dir.path()),
    );
    (report, dir)
}

/// What the venue said is known, whichever way it came: not one trade lost, not one doubled, the book and all bars.
#[track_caller]
pub fn is_as_replayed(dir: &Path, report: &Value) {
    let (replay, replay_dir) = replayed(SPOT);
    assert_eq!(trades(dir), trades(replay_dir.path()));
    assert_eq!(report["trades"], replay["trades"]);
    assert_eq!(report["traded_qty"], replay["traded_qty"]);
    for what in ["last_update_id", "bids", "asks"] {
        let of = |report: &Value| report["books"]["BTCUSDT"][what].clone();
        assert_eq!(of(report), of(&replay), "{what}");
    }
    assert_eq!(report["last_bars"], replay["last_bars"]);
    assert_eq!(report["content_hash"], replay["content_hash"]);
}

/// The tick store of a live run, replayed, is the live run.
#[track_caller]
pub fn replays_to_itself(dir: &Path, report: &Value) {
    let again = json(
        pitlane()
            .arg("replay")
            .arg(dir.join("ticks"))
            .args(["--json", "--quiet"]),
    );
    for what in ["state_hash", "last_sequence", "content_hash"] {
        assert_eq!(again[what], report[what], "{what}");
    }
}
