//! A venue that plays captures, an engine or a recorder that listens to it, and what both leave behind.
//!
//! Each is a process, ends with its test, and is waited for with [`until`], never by the clock.
//! An engine keeps all its files below one directory, where the functions at the end look for them.

use crate::support::{expect_code, json, pitlane, sample};
use pitlane_lockfree::counters::{PageReader, Value as Number};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Six minutes of one symbol of spot in the bundled sample: trades, depth and quotes.
pub const SPOT: &str = "binance-spot-btcusdt-20240808.gz";
/// The same of futures.
pub const USDM: &str = "binance-usdm-btcusdt-20240808.gz";

/// Longest wait for anything; a machine under load is slow, not wrong.
const PATIENCE: Duration = Duration::from_mins(3);
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

/// A port nobody listens on: taken, and given back.
pub fn closed_port() -> u16 {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    nobody.local_addr().unwrap().port()
}

/// A process; a test that fails leaves none behind.
pub struct Process(Option<Child>);

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        Self(Some(command.spawn().expect("the command starts")))
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("it runs")
    }

    /// Sends a signal such as `-TERM`, and waits for the end; what it wrote to pipes.
    #[track_caller]
    pub fn end(mut self, signal: &str) -> Output {
        let id = self.child().id().to_string();
        expect_code(Command::new("kill").args([signal, &id]), 0);
        self.0.take().expect("it runs").wait_with_output().unwrap()
    }

    /// Sends the same signal again and again until it ends, as who is told by its terminal and by its parent.
    pub fn end_often(mut self, signal: &str) -> Option<i32> {
        let child = self.child();
        let id = child.id().to_string();
        loop {
            let _ = Command::new("kill").args([signal, &id, &id]).status();
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
        }
    }

    /// Ends it as a crash does.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A venue or an FX gateway on this machine.
pub struct Venue {
    pub process: Process,
    /// What it said of itself when it began to listen.
    pub told: Value,
    pub port: u16,
}

impl Venue {
    /// Plays these files.
    pub fn start(files: &[PathBuf], options: &[&str]) -> Self {
        let mut command = pitlane();
        command
            .arg("venue")
            .args(files)
            .args(["--json", "--quiet"])
            .args(options)
            .stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command);
        let mut line = String::new();
        let out = process.child().stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).expect("the venue says where it is");
        let port = u16::try_from(told["port"].as_u64().unwrap()).unwrap();
        Self {
            process,
            told,
            port,
        }
    }

    /// The base of its addresses of a kind, `http` or `ws`.
    pub fn url(&self, kind: &str) -> &str {
        self.told[kind].as_str().unwrap()
    }

    /// Asks the venue itself something; `None` while nobody listens.
    pub fn ask(&self, method: &str, target: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (_, body) = text.split_once("\r\n\r\n")?;
        serde_json::from_str(body).ok()
    }

    /// What it has sent and done; nothing while nobody listens.
    pub fn status(&self) -> Value {
        self.ask("GET", "/venue/status").unwrap_or_default()
    }

    /// Frames played so far; 0 while nobody listens.
    pub fn played(&self) -> u64 {
        self.status()["position"].as_u64().unwrap_or(0)
    }

    /// Waits until it has played all it has, and everybody has taken it.
    #[track_caller]
    pub fn until_played(&self) {
        until("the end of the capture", || {
            let status = self.status();
            status["finished"] == true && status["drained"] == true
        });
    }

    /// How often each fault has struck, in their order.
    pub fn hits(&self) -> Vec<u64> {
        self.struck("").into_iter().map(|(_, hits)| hits).collect()
    }

    /// How often the faults of a kind have struck, all together.
    pub fn hits_of(&self, kind: &str) -> u64 {
        self.struck(kind).into_iter().map(|(_, hits)| hits).sum()
    }

    fn struck(&self, kind: &str) -> Vec<(String, u64)> {
        let status = self.status();
        let rules = status["faults"].as_array().expect("a status").iter();
        let rules = rules.map(|of| {
            let rule = of["rule"].as_str().unwrap().to_owned();
            (rule, of["done"].as_u64().unwrap())
        });
        rules.filter(|(rule, _)| rule.starts_with(kind)).collect()
    }
}

/// Faults as options of a venue.
pub fn faults<'a>(rules: &[&'a str]) -> Vec<&'a str> {
    rules.iter().flat_map(|rule| ["--fault", *rule]).collect()
}

/// The first lines of a sample that are to be kept, as a file of another symbol if need be.
pub fn part(
    dir: &Path,
    file: &str,
    symbol: &str,
    lines: usize,
    keep: impl Fn(&str) -> bool,
) -> PathBuf {
    let packed = File::open(sample(file)).unwrap();
    let read = BufReader::new(flate2::read::GzDecoder::new(packed)).lines();
    let small = symbol.to_ascii_lowercase();
    let mut text = String::new();
    for line in read.take(lines).map(Result::unwrap) {
        if keep(&line) {
            text.push_str(&line.replace("BTCUSDT", symbol).replace("btcusdt", &small));
            text.push('\n');
        }
    }
    let path = dir.join(file.replace("btcusdt", &small).replace(".gz", ""));
    fs::write(&path, text).unwrap();
    path
}

/// One `[[upstream]]` and its `[[instrument]]` tables.
#[derive(Clone)]
pub struct Heard {
    pub venue: &'static str,
    /// Our symbol, the venue's, and lines of the table besides, such as its steps.
    pub instruments: Vec<(String, String, &'static str)>,
    /// As the configuration has them; empty: the usual ones.
    pub streams: &'static str,
    pub ws: String,
    /// Empty: none.
    pub rest: String,
    pub ca_file: Option<PathBuf>,
}

impl Heard {
    /// Streams of what plays on that port; of no instrument so far.
    pub fn at(venue: &'static str, port: u16, streams: &'static str) -> Self {
        let rest = match venue {
            "fx" => String::new(),
            _ => format!("http://127.0.0.1:{port}"),
        };
        Self {
            venue,
            instruments: Vec::new(),
            streams,
            ws: format!("ws://127.0.0.1:{port}"),
            rest,
            ca_file: None,
        }
    }

    /// And of one more instrument.
    pub fn instrument(mut self, symbol: &str, venue_symbol: &str, more: &'static str) -> Self {
        let (symbol, venue_symbol) = (symbol.to_owned(), venue_symbol.to_owned());
        self.instruments.push((symbol, venue_symbol, more));
        self
    }

    /// With its streams below a path.
    pub fn below(mut self, path: &str) -> Self {
        self.ws.push_str(path);
        self
    }
}

/// The `[[instrument]]` tables of a configuration.
pub fn instruments(heard: &[Heard]) -> String {
    let mut text = String::new();
    for of in heard {
        for (symbol, venue_symbol, more) in &of.instruments {
            write!(
                text,
                "[[instrument]]\nsymbol = \"{symbol}\"\nvenue_symbol = \"{venue_symbol}\"\nvenue = \"{}\"\n{more}\n",
                of.venue
            )
            .unwrap();
        }
    }
    text
}

/// Writes a configuration that listens to these, with further lines of `[live]`.
pub fn config(dir: &Path, heard: &[Heard], live: &str) -> PathBuf {
    let mut text = String::from("source.kind = \"live\"\n");
    for of in heard {
        write!(
            text,
            "[[upstream]]\nvenue = \"{}\"\nws = \"{}\"\n",
            of.venue, of.ws
        )
        .unwrap();
        if !of.rest.is_empty() {
            writeln!(text, "rest = \"{}\"", of.rest).unwrap();
        }
        if !of.streams.is_empty() {
            writeln!(text, "streams = {}", of.streams).unwrap();
        }
        if let Some(file) = &of.ca_file {
            writeln!(text, "ca_file = \"{}\"", file.display()).unwrap();
        }
    }
    text.push_str(&instruments(heard));
    let dir = dir.display();
    write!(
        text,
        "[live]\nreconnect_first = \"50ms\"\nreconnect_max = \"100ms\"\n{live}\n\
         [tick_store]\ndir = \"{dir}/ticks\"\nsegment_records = 65536\n[storage]\npath = \"{dir}/storage/pitlane.db\"\n\
         [log]\ndir = \"{dir}/logs\"\n[stats]\ndir = \"{dir}/stats\"\n"
    )
    .unwrap();
    let path = PathBuf::from(format!("{dir}/live.toml"));
    fs::write(&path, text).unwrap();
    path
}

/// A running engine.
pub struct Run {
    process: Process,
    id: u32,
    dir: PathBuf,
}

impl Run {
    /// Starts one whose configuration keeps its files below `dir`.
    pub fn start(dir: &Path, config: &Path) -> Self {
        Self::adapted(dir, config, |_| {})
    }

    /// The same, with something else about the command.
    pub fn adapted(dir: &Path, config: &Path, adapt: impl FnOnce(&mut Command)) -> Self {
        fs::create_dir_all(dir).unwrap();
        let [out, told] = ["report.json", "told"].map(|name| File::create(dir.join(name)).unwrap());
        let mut command = pitlane();
        command.args(["run", "--json", "--quiet", "-c"]).arg(config);
        adapt(&mut command);
        let mut process = Process::spawn(command.stdout(out).stderr(told));
        Self {
            id: process.child().id(),
            process,
            dir: dir.to_owned(),
        }
    }

    /// A number of the feed on the counters page; 0 before this engine has made one.
    pub fn number(&self, label: &str) -> u64 {
        let page = PageReader::open(&self.dir.join("stats/counters.page")).ok();
        // An engine before this one leaves its page until the next has made its own.
        let page = page.filter(|page| page.pid() == self.id);
        page.map_or(0, |page| number_on(&page, label))
    }

    #[track_caller]
    pub fn until_number(&self, label: &str, count: u64) {
        until(label, || self.number(label) == count);
    }

    /// Waits until the database has so many trades.
    #[track_caller]
    pub fn until_trades(&self, count: u64) {
        until("trades in the database", || {
            let mut rows = 0;
            each_trade(&self.dir, |_| rows += 1);
            // To read it all takes from the engine.
            std::thread::sleep(Duration::from_millis(150));
            rows >= count
        });
    }

    /// Waits until the database has so many trades, and every book is in step.
    #[track_caller]
    pub fn until_whole(&self, count: &Value) {
        self.until_trades(count.as_u64().unwrap());
        let books = self.number("instruments");
        self.until_number("books_in_step", books);
    }

    /// Waits until the venue has sent all it has and the engine has taken it, with so many books in step.
    #[track_caller]
    pub fn until_heard(&self, venue: &Venue, books: u64) {
        venue.until_played();
        let (mut before, mut since) = (None, Instant::now());
        until("all that was sent", || {
            let frames = Some(self.number("frames"));
            if frames != before || self.number("books_in_step") != books {
                (before, since) = (frames, Instant::now());
            }
            since.elapsed() > QUIET
        });
    }

    /// Asks for an orderly end, as a service manager does; the report.
    #[track_caller]
    pub fn stop(self) -> Value {
        let (dir, output) = (self.dir, self.process.end("-TERM"));
        let told = fs::read_to_string(dir.join("told")).unwrap();
        assert_eq!(output.status.code(), Some(0), "{told}");
        let text = fs::read(dir.join("report.json")).unwrap();
        let report: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(report["faults"], Value::Array(Vec::new()), "{report}");
        // The page, which outlives the process, says what the report says.
        let page = PageReader::open(&dir.join("stats/counters.page")).unwrap();
        for (cause, count) in totals(&report["live"]["refused"]) {
            let label = format!("refused.{cause}");
            assert_eq!(number_on(&page, &label), count, "{label}");
        }
        for (reason, count) in report["frames_rejected"].as_object().unwrap() {
            let label = format!("frames_refused.{reason}");
            assert_eq!(number_on(&page, &label), count.as_u64().unwrap(), "{label}");
        }
        report
    }

    /// Ends the process as a crash does.
    pub fn kill(self) {
        self.process.kill();
    }
}

fn number_on(page: &PageReader, label: &str) -> u64 {
    let snapshot = page.snapshot();
    snapshot.value("feed", label).map_or(0, Number::number)
}

/// Each cause and how often, all places together.
fn totals(refused: &Value) -> BTreeMap<String, u64> {
    let mut totals = BTreeMap::new();
    for causes in refused.as_object().unwrap().values() {
        for (cause, count) in causes.as_object().unwrap() {
            *totals.entry(cause.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    totals
}

/// `pitlane capture` with a configuration.
pub fn capture(config: &Path, out: &Path) -> Command {
    let mut command = pitlane();
    command.arg("capture").arg("--config").arg(config);
    command.arg("--out").arg(out);
    command
}

/// A running recorder.
pub struct Recorder(Process);

impl Recorder {
    pub fn start(command: &mut Command) -> Self {
        let command = command.arg("--json").stdout(Stdio::piped());
        Self(Process::spawn(command.stderr(Stdio::piped())))
    }

    /// Sends a signal and waits for an end with that code; the summary, and what was said.
    #[track_caller]
    pub fn end(self, signal: &str, code: i32) -> (Value, String) {
        let output = self.0.end(signal);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{told}");
        (serde_json::from_slice(&output.stdout).unwrap(), told)
    }
}

/// What an engine has logged.
pub fn log(dir: &Path) -> String {
    fs::read_to_string(dir.join("logs/pitlane.log")).unwrap_or_default()
}

/// The rows of trades in a database, whole.
pub fn trades(dir: &Path) -> Vec<String> {
    let mut rows = Vec::new();
    each_trade(dir, |row| rows.push(row.to_owned()));
    rows
}

fn each_trade(dir: &Path, mut take: impl FnMut(&str)) {
    let file = dir.join("storage/pitlane.db");
    let row = |table: &'static str, row: &str| {
        if table == "aggregated_trades" {
            take(row);
        }
    };
    if file.exists() {
        // While the engine makes its tables there are none.
        let _ = pitlane_edges::storage::dump_lines(&file, row);
    }
}

/// Records of a tick store in their order, of these kinds.
pub fn records(dir: &Path, kinds: &[&str]) -> Vec<Value> {
    let kinds = kinds.iter().flat_map(|kind| ["--kind", kind]);
    let mut command = pitlane();
    let command = command.args(["export", "--to", "jsonl"]).args(kinds);
    let output = expect_code(command.arg(dir.join("ticks")), 0);
    let text = String::from_utf8(output.stdout).unwrap();
    let records = text.lines();
    records
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What a replay of these files knows, and where its own files are. `instruments` may be empty where the files tell.
pub fn replayed(files: &[PathBuf], instruments: &str) -> (Value, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut command = pitlane();
    command.arg("replay").args(files);
    if !instruments.is_empty() {
        let config = dir.path().join("replay.toml");
        fs::write(&config, instruments).unwrap();
        command.arg("--config").arg(config);
    }
    let command = command.args(["--json", "--quiet", "--out"]);
    let report = json(command.arg(dir.path()));
    (report, dir)
}

/// The tick store of a live run, replayed, is the live run.
#[track_caller]
pub fn replays_to_itself(dir: &Path, report: &Value) {
    let mut command = pitlane();
    command.arg("replay").arg(dir.join("ticks"));
    let again = json(command.args(["--json", "--quiet"]));
    for what in ["state_hash", "last_sequence", "content_hash"] {
        assert_eq!(again[what], report[what], "{what}");
    }
}

/// The book of a symbol is the replay's.
#[track_caller]
pub fn same_book(report: &Value, replay: &Value, symbol: &str) {
    for what in ["last_update_id", "bids", "asks"] {
        let [live, replayed] = [report, replay].map(|of| &of["books"][symbol][what]);
        assert_eq!(live, replayed, "{what} of {symbol}");
    }
}

/// What the venues said is known as by a replay, whichever way it came.
#[track_caller]
pub fn nothing_is_missing(report: &Value, replay: &Value) {
    for what in ["trades", "traded_qty"] {
        assert_eq!(report[what], replay[what], "{what}");
    }
    for symbol in replay["books"].as_object().unwrap().keys() {
        same_book(report, replay, symbol);
    }
    assert_eq!(report["content_hash"], replay["content_hash"]);
}
