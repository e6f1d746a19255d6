//! The processes of a test, what they said, and what a replay of the same captures knows.

use crate::support::{expect_code, json, pitlane, sample};
use pitlane_lockfree::counters::{PageReader, Value as Number};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const SPOT: &str = "binance-spot-btcusdt-20240808.gz";
pub const USDM: &str = "binance-usdm-btcusdt-20240808.gz";

/// Frames of the bundled sample that are played.
pub const FRAMES: usize = 4000;

/// Longest wait for anything; a machine under load is slow, not wrong.
pub const PATIENCE: Duration = Duration::from_mins(1);

#[track_caller]
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The beginning of a sample, trades and depth only, for another symbol if need be.
pub fn part(dir: &Path, file: &str, symbol: &str) -> PathBuf {
    let from = std::fs::File::open(sample(file)).unwrap();
    let mut text = String::new();
    let mut lines = BufReader::new(flate2::read::GzDecoder::new(from)).lines();
    for line in lines.by_ref().take(FRAMES).map(Result::unwrap) {
        if !line.contains("bookTicker") {
            let line = line.replace("BTCUSDT", symbol);
            text.push_str(&line.replace("btcusdt", &symbol.to_ascii_lowercase()));
            text.push('\n');
        }
    }
    let out = dir.join(file.replace("btcusdt", &symbol.to_ascii_lowercase()));
    let mut gz = flate2::write::GzEncoder::new(
        std::fs::File::create(&out).unwrap(),
        flate2::Compression::fast(),
    );
    gz.write_all(text.as_bytes()).unwrap();
    gz.finish().unwrap();
    out
}

/// A venue on this machine; it ends with the test.
pub struct Venue {
    pub process: Child,
    pub port: u16,
}

impl Venue {
    pub fn start(files: &[PathBuf], options: &[&str]) -> Self {
        let mut process = pitlane()
            .arg("venue")
            .args(files)
            .args(["--json", "--quiet", "--weight-limit", "1000000"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let port = u16::try_from(said["port"].as_u64().unwrap()).unwrap();
        Self { process, port }
    }

    /// A venue with these faults.
    pub fn with(files: &[PathBuf], options: &[&str], faults: &[&str]) -> Self {
        let mut options = options.to_vec();
        options.extend(faults.iter().flat_map(|fault| ["--fault", fault]));
        Self::start(files, &options)
    }

    pub fn ask(&self, method: &str, path: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    pub fn until_played(&self) {
        until("the end of the capture", || {
            self.ask("GET", "/venue/status")["finished"] == true
        });
    }

    /// How often each fault has hit, in their order.
    pub fn hits(&self) -> Vec<u64> {
        let status = self.ask("GET", "/venue/status");
        let faults = status["faults"].as_array().unwrap().iter();
        faults
            .map(|fault| fault["done"].as_u64().unwrap())
            .collect()
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is listened to, and where.
pub struct Heard {
    pub venue: &'static str,
    pub symbols: Vec<String>,
    pub ws: String,
    pub rest: String,
    pub ca_file: Option<PathBuf>,
}

pub fn spot(venue: &Venue, symbols: &[&str]) -> Heard {
    Heard {
        venue: "binance-spot",
        symbols: symbols.iter().map(|symbol| (*symbol).to_owned()).collect(),
        ws: format!("ws://127.0.0.1:{}", venue.port),
        rest: format!("http://127.0.0.1:{}", venue.port),
        ca_file: None,
    }
}

pub fn futures(venue: &Venue) -> Heard {
    Heard {
        venue: "binance-usdm",
        ws: format!("ws://127.0.0.1:{}/market", venue.port),
        ..spot(venue, &["BTCUSDT"])
    }
}

pub fn instruments(heard: &[Heard]) -> String {
    let mut text = String::new();
    for of in heard {
        let (steps, end) = match of.venue {
            "binance-spot" => (["0.01", "0.000001"], ""),
            _ => (["0.1", "0.001"], "-PERP"),
        };
        for symbol in &of.symbols {
            write!(
                text,
                "[[instrument]]\nsymbol = \"{symbol}{end}\"\nvenue_symbol = \"{symbol}\"\nvenue = \"{}\"\n\
                 tick_size = \"{}\"\nlot_size = \"{}\"\n",
                of.venue, steps[0], steps[1]
            )
            .unwrap();
        }
    }
    text
}

pub fn config(dir: &Path, heard: &[Heard], live: &str) -> PathBuf {
    let mut text = String::from("source.kind = \"live\"\n");
    for of in heard {
        let depth = if of.venue == "binance-spot" {
            "100ms"
        } else {
            "0ms"
        };
        write!(
            text,
            "[[upstream]]\nvenue = \"{}\"\nws = \"{}\"\nrest = \"{}\"\nstreams = [\"trade\", \"depth@{depth}\"]\n",
            of.venue, of.ws, of.rest
        )
        .unwrap();
        if let Some(file) = &of.ca_file {
            writeln!(text, "ca_file = \"{}\"", file.display()).unwrap();
        }
    }
    text.push_str(&instruments(heard));
    let dir = dir.display();
    write!(
        text,
        "[live]\nreconnect_first = \"50ms\"\nreconnect_max = \"100ms\"\nbreaker_failures = 100\nklines = false\n{live}\n\
         [tick_store]\ndir = \"{dir}/ticks\"\nsegment_records = 65536\n[storage]\npath = \"{dir}/storage/pitlane.db\"\n\
         [log]\ndir = \"{dir}/logs\"\n[stats]\ndir = \"{dir}/stats\"\n"
    )
    .unwrap();
    let path = PathBuf::from(format!("{dir}/live.toml"));
    std::fs::write(&path, text).unwrap();
    path
}

/// What a replay of the same captures knows.
pub fn replayed(files: &[PathBuf], heard: &[Heard]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("replay.toml");
    std::fs::write(&config, instruments(heard)).unwrap();
    json(
        pitlane()
            .arg("replay")
            .args(files)
            .args(["--json", "--quiet", "--config"])
            .arg(config)
            .arg("--out")
            .arg(dir.path()),
    )
}

/// A running engine, its files below `dir`; it ends with the test.
pub struct Run {
    pub process: Child,
    pub dir: PathBuf,
}

impl Run {
    pub fn start(dir: &Path, heard: &[Heard], live: &str) -> Self {
        let config = config(dir, heard, live);
        let [out, told] =
            ["report.json", "told"].map(|name| std::fs::File::create(dir.join(name)).unwrap());
        let process = pitlane()
            .args(["run", "--json", "--quiet", "-c"])
            .arg(config)
            .stdout(out)
            .stderr(told)
            .spawn()
            .unwrap();
        Self {
            process,
            dir: dir.to_owned(),
        }
    }

    /// A number of the counters page; 0 before there is one.
    pub fn number(&self, label: &str) -> u64 {
        let page = PageReader::open(&self.dir.join("stats/counters.page"));
        page.map_or(0, |page| {
            let snapshot = page.snapshot();
            snapshot.value("feed", label).map_or(0, Number::number)
        })
    }

    pub fn until_number(&self, label: &str, count: u64) {
        until(label, || self.number(label) == count);
    }

    /// Waits until so many trades are stored, and every book is in step.
    pub fn until_whole(&self, trades: &Value) {
        let trades = trades.as_u64().unwrap();
        until("all trades", || self.trades() >= trades);
        let books = self.number("instruments");
        self.until_number("books_in_step", books);
    }

    pub fn trades(&self) -> u64 {
        let file = self.dir.join("storage/pitlane.db");
        let mut count = 0;
        let count_row =
            |table: &'static str, _: &str| count += u64::from(table == "aggregated_trades");
        if file.exists() && pitlane_edges::storage::dump_lines(&file, count_row).is_ok() {
            count
        } else {
            0
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("logs/pitlane.log")).unwrap_or_default()
    }

    /// Asks for an orderly end. The report, and the log.
    pub fn stop(mut self) -> (Value, String) {
        let id = self.process.id().to_string();
        expect_code(Command::new("kill").args(["-TERM", &id]), 0);
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
        let text = std::fs::read(self.dir.join("report.json")).unwrap();
        let report: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(report["faults"], json!([]), "{report}");
        // The page, which outlives the process, says what the report says.
        for (cause, count) in totals(&report["live"]["refused"]) {
            assert_eq!(self.number(&format!("refused.{cause}")), count, "{cause}");
        }
        for (reason, count) in report["frames_rejected"].as_object().unwrap() {
            let label = format!("frames_refused.{reason}");
            assert_eq!(self.number(&label), count.as_u64().unwrap(), "{reason}");
        }
        (report, self.log())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Each cause and how often, all places together.
pub fn totals(refused: &Value) -> BTreeMap<String, u64> {
    let mut totals = BTreeMap::new();
    for causes in refused.as_object().unwrap().values() {
        for (cause, count) in causes.as_object().unwrap() {
            *totals.entry(cause.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    totals
}

/// Counts that are not 0.
pub fn met(counts: &Value) -> Value {
    let counts = counts.as_object().unwrap().iter();
    let met = counts.filter(|(_, count)| **count != json!(0));
    Value::Object(
        met.map(|(name, count)| (name.clone(), count.clone()))
            .collect(),
    )
}

#[track_caller]
pub fn says(log: &str, what: &str) {
    assert!(log.contains(what), "{what:?} is not in\n{log}");
}

/// What the venues said is known, whichever way it came.
#[track_caller]
pub fn nothing_is_missing(report: &Value, replay: &Value) {
    for what in ["trades", "traded_qty"] {
        assert_eq!(report[what], replay[what], "{what}");
    }
    for (symbol, book) in replay["books"].as_object().unwrap() {
        for what in ["last_update_id", "bids", "asks"] {
            assert_eq!(
                report["books"][symbol][what], book[what],
                "{what} of {symbol}"
            );
        }
    }
    assert_eq!(report["content_hash"], replay["content_hash"]);
}

/// Two symbols of a venue that does wrong, one of a venue that does not.
pub struct Scene {
    pub dir: tempfile::TempDir,
    pub spot: Vec<PathBuf>,
    pub futures: Vec<PathBuf>,
}

pub const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];

impl Scene {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spot = SYMBOLS.map(|symbol| part(dir.path(), SPOT, symbol));
        let futures = part(dir.path(), USDM, "BTCUSDT");
        Self {
            spot: spot.to_vec(),
            futures: vec![futures],
            dir,
        }
    }

    pub fn all(&self) -> Vec<PathBuf> {
        [&self.spot[..], &self.futures[..]].concat()
    }
}
