//! Live data end to end: one process plays a capture as a venue, another listens to it over real sockets.

use crate::support::{expect_code, json, pitlane, sample};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SPOT: &str = "binance-spot-btcusdt-20240808.gz";
const USDM: &str = "binance-usdm-btcusdt-20240808.gz";

/// Longest wait for anything; a machine under load is slow, not wrong.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again and again until the answer is yes.
#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A venue on this machine; it ends with the test.
struct Venue {
    process: Child,
    port: u64,
}

impl Venue {
    fn start(files: &[&str], options: &[&str]) -> Self {
        let mut process = pitlane()
            .arg("venue")
            .args(files.iter().map(|file| sample(file)))
            .args(["--json", "--quiet"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let port = said["port"].as_u64().unwrap();
        Self { process, port }
    }

    /// Asks the venue itself something; `None` while nobody listens, because it restarts.
    fn ask(&self, method: &str, path: &str) -> Option<String> {
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
        Some(body.to_owned())
    }

    fn status(&self) -> Value {
        let text = self.ask("GET", "/venue/status");
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    /// Frames played so far; 0 while it restarts.
    fn played(&self) -> u64 {
        self.status()["position"].as_u64().unwrap_or(0)
    }

    /// Waits until the whole capture has been played.
    fn until_played(&self) {
        until("the end of the capture", || {
            self.status()["finished"] == true
        });
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A running engine, its files below `dir`.
struct Run {
    process: Child,
    dir: PathBuf,
}

/// One upstream and what of it is listened to.
struct Heard<'a> {
    venue: &'a str,
    symbol: &'a str,
    streams: &'a str,
    /// Below which its streams lie.
    path: &'a str,
    ws_port: u64,
    rest_port: u64,
}

fn spot(venue: &Venue) -> Heard<'_> {
    Heard {
        venue: "binance-spot",
        symbol: "BTCUSDT",
        streams: r#"["trade", "depth@100ms", "bookTicker"]"#,
        path: "",
        ws_port: venue.port,
        rest_port: venue.port,
    }
}

fn write_config(dir: &Path, heard: &[Heard<'_>], live: &str) -> PathBuf {
    let mut text = String::from("source.kind = \"live\"\n");
    for of in heard {
        let lot = if of.venue == "binance-spot" {
            "lot_size = \"0.000001\"\n"
        } else {
            ""
        };
        write!(
            text,
            "[[upstream]]\nvenue = \"{0}\"\nws = \"ws://127.0.0.1:{1}{5}\"\nrest = \"http://127.0.0.1:{2}\"\n\
             streams = {3}\n[[instrument]]\nsymbol = \"{4}\"\nvenue_symbol = \"BTCUSDT\"\nvenue = \"{0}\"\n{lot}",
            of.venue, of.ws_port, of.rest_port, of.streams, of.symbol, of.path
        )
        .unwrap();
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

/// A test that fails leaves no engine behind.
impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Run {
    fn start(dir: &Path, config: &Path) -> Self {
        let out = std::fs::File::create(dir.join("report.json")).unwrap();
        let process = pitlane()
            .args(["run", "--json", "--quiet", "-c"])
            .arg(config)
            .stdout(out)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self {
            process,
            dir: dir.to_owned(),
        }
    }

    /// The ids of the trades in the database so far, in the order of the rows.
    fn trade_ids(&self) -> Vec<u64> {
        if !self.dir.join("storage/pitlane.db").exists() {
            return Vec::new();
        }
        trade_ids(&self.dir)
    }

    fn until_trades(&self, count: usize) {
        until("all trades", || self.trade_ids().len() >= count);
    }

    /// Asks for an orderly end, as a service manager does; the report.
    fn stop(mut self) -> Value {
        let id = self.process.id().to_string();
        expect_code(Command::new("kill").args(["-TERM", &id]), 0);
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        let text = std::fs::read(self.dir.join("report.json")).unwrap();
        let report: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(report["faults"], Value::Array(Vec::new()), "{report}");
        report
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The ids of the trades in a database, ascending.
fn trade_ids(dir: &Path) -> Vec<u64> {
    let mut ids = Vec::new();
    let line = |table: &'static str, row: &str| {
        if table == "aggregated_trades" {
            ids.push(row.to_owned());
        }
    };
    if pitlane_edges::storage::dump_lines(&dir.join("storage/pitlane.db"), line).is_err() {
        return Vec::new();
    }
    let id = |row: &String| row.split('|').find_map(|field| field.parse().ok());
    let mut ids: Vec<u64> = ids.iter().filter_map(id).collect();
    ids.sort_unstable();
    ids
}

/// What a replay of the same capture gives, and its trade ids.
fn replayed(file: &str) -> (Value, Vec<u64>) {
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
    let ids = trade_ids(dir.path());
    (report, ids)
}

/// What the venue said is known, whichever way it came.
#[track_caller]
fn same_market(live: &Value, replay: &Value, symbol: &str) {
    assert_eq!(live["trades"], replay["trades"]);
    assert_eq!(live["traded_qty"][symbol], replay["traded_qty"][symbol]);
    for what in ["last_update_id", "bids", "asks"] {
        let (live, replay) = (&live["books"][symbol][what], &replay["books"][symbol][what]);
        assert_eq!(live, replay, "{what} of {symbol}");
    }
    assert_eq!(live["content_hash"], replay["content_hash"]);
}

/// The tick store of a live run, replayed, is the live run.
#[track_caller]
fn replays_to_itself(dir: &Path, report: &Value) {
    let again = json(
        pitlane()
            .arg("replay")
            .arg(dir.join("ticks"))
            .args(["--json", "--quiet"]),
    );
    assert_eq!(again["state_hash"], report["state_hash"]);
    assert_eq!(again["last_sequence"], report["last_sequence"]);
    assert_eq!(again["content_hash"], report["content_hash"]);
}

#[test]
fn a_venue_is_heard_as_its_capture_is_replayed() {
    let (replay, ids) = replayed(SPOT);
    let dir = tempfile::tempdir().unwrap();
    let venue = Venue::start(&[SPOT], &[]);
    let config = write_config(dir.path(), &[spot(&venue)], "");
    let run = Run::start(dir.path(), &config);
    venue.until_played();
    run.until_trades(ids.len());
    let report = run.stop();
    assert_eq!(report["gaps"], 0, "{}", report["gap_kinds"]);
    assert_eq!(report["duplicates"], 0);
    assert_eq!(report["live"]["connects"], 1);
    assert!(report["latency_ns"]["socket"]["count"].as_u64().unwrap() > 0);
    // Every event of the capture, and the snapshot by request.
    let played = venue.played();
    assert_eq!(report["frames"].as_u64().unwrap(), played);
    same_market(&report, &replay, "BTCUSDT");
    assert_eq!(trade_ids(dir.path()), ids);
    replays_to_itself(dir.path(), &report);
}

#[test]
fn cuts_gaps_repeats_and_a_restart_are_repaired_and_counted() {
    let (replay, ids) = replayed(SPOT);
    let dir = tempfile::tempdir().unwrap();
    // All of them are over before the capture is: what nothing follows is missed by nobody.
    let faults = [
        "cut:every=500,times=30",
        "drop:on=trade,every=250,for=3,times=20",
        "drop:on=depth,every=90,times=15",
        "duplicate:on=trade,every=200,times=20",
        "duplicate:on=depth,every=80,times=15",
        "reorder:on=trade,every=300,times=15",
    ];
    let mut options = vec!["--speed", "20x", "--weight-limit", "1000000", "--seed", "7"];
    options.extend(faults.iter().flat_map(|fault| ["--fault", fault]));
    let venue = Venue::start(&[SPOT], &options);
    let config = write_config(dir.path(), &[spot(&venue)], "breaker_reset = \"500ms\"");
    let run = Run::start(dir.path(), &config);
    until("half of the capture", || venue.played() > 15_000);
    venue.ask("POST", "/venue/restart?pause=1").unwrap();
    venue.until_played();
    run.until_trades(ids.len());
    let report = run.stop();
    let live = |what: &str| report["live"][what].as_u64().unwrap();
    assert!(live("disconnects") >= 20, "{}", report["live"]);
    assert!(live("filled") >= 20, "{}", report["live"]);
    assert!(live("snapshots") >= 10, "{}", report["live"]);
    assert!(report["duplicates"].as_u64().unwrap() >= 20);
    assert_eq!(live("unsupplied"), 0);
    assert_eq!(
        report["connection"]["disconnected"].as_u64(),
        Some(live("disconnects"))
    );
    // Not one trade lost, not one doubled.
    assert_eq!(trade_ids(dir.path()), ids);
    same_market(&report, &replay, "BTCUSDT");
    replays_to_itself(dir.path(), &report);
}

#[test]
fn a_killed_run_goes_on_where_it_was_and_fetches_what_it_missed() {
    let (replay, ids) = replayed(SPOT);
    let dir = tempfile::tempdir().unwrap();
    let venue = Venue::start(&[SPOT], &["--speed", "20x", "--weight-limit", "1000000"]);
    let config = write_config(dir.path(), &[spot(&venue)], "");
    for part in [4_000, 12_000, 20_000] {
        let run = Run::start(dir.path(), &config);
        until("a part of the capture", || venue.played() > part);
        until("a trade", || !run.trade_ids().is_empty());
        run.kill();
    }
    let run = Run::start(dir.path(), &config);
    venue.until_played();
    run.until_trades(ids.len());
    let report = run.stop();
    assert!(report["live"]["recalled"].as_u64().unwrap() > 0);
    assert_eq!(
        report["recovery"]["records"],
        report["recovery"]["verified"]
    );
    assert!(
        report["live"]["requests"].as_u64().unwrap() >= 2,
        "{}",
        report["live"]
    );
    assert_eq!(trade_ids(dir.path()), ids, "none lost, none doubled");
    assert_eq!(report["trades"], replay["trades"]);
    assert_eq!(report["traded_qty"], replay["traded_qty"]);
    replays_to_itself(dir.path(), &report);
}

#[test]
fn a_venue_that_is_not_there_opens_the_breaker_and_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let venue = Venue::start(&[SPOT], &[]);
    // A port nobody listens on: taken, and given back.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let heard = Heard {
        ws_port: port.into(),
        ..spot(&venue)
    };
    let config = write_config(dir.path(), &[heard], "breaker_reset = \"700ms\"");
    let run = Run::start(dir.path(), &config);
    until("a second trial", || {
        let text = std::fs::read_to_string(dir.path().join("logs/pitlane.log")).unwrap_or_default();
        text.matches("ws://127.0.0.1").count() >= 7
    });
    let report = run.stop();
    let count = |event: &str| report["connection"][event].as_u64().unwrap_or(0);
    assert!(count("breaker_half_open") >= 2, "{}", report["connection"]);
    // Five failures open it; each trial that fails opens it again.
    assert_eq!(
        report["live"]["dial_failures"].as_u64().unwrap(),
        4 + count("breaker_open"),
        "{}",
        report["connection"]
    );
    assert_eq!(count("connected"), 0);
}

#[test]
fn one_book_that_cannot_be_had_leaves_the_others_and_a_venue_that_asks_for_silence_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let faults = [
        "--start",
        "2",
        "--fault",
        "500:on=/fapi/v1/depth",
        "--fault",
        "429:on=/api/v3/depth,retry=1,times=1",
    ];
    let venue = Venue::start(&[SPOT, USDM], &faults);
    let futures = Heard {
        venue: "binance-usdm",
        symbol: "BTCUSDT-PERP",
        streams: r#"["trade", "depth@0ms"]"#,
        path: "/market",
        ..spot(&venue)
    };
    let config = write_config(dir.path(), &[spot(&venue), futures], "");
    let run = Run::start(dir.path(), &config);
    venue.until_played();
    until("the second request of a snapshot", || {
        venue.status()["requests"]["/api/v3/depth"].as_u64() >= Some(2)
    });
    run.until_trades(9_757 + 21_313);
    let report = run.stop();
    assert_eq!(report["live"]["rate_limited"], 1);
    assert_eq!(report["connection"]["rate_limited"], 1);
    assert!(report["books"]["BTCUSDT"]["last_update_id"].as_u64() > Some(0));
    assert_eq!(
        report["books"]["BTCUSDT-PERP"]["last_update_id"]
            .as_u64()
            .unwrap_or(0),
        0
    );
    assert!(report["live"]["request_failures"].as_u64().unwrap() >= 1);
    assert_eq!(report["trades"], 9_757 + 21_313);
}

#[test]
fn what_is_wrong_with_a_venue_is_said_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let venue = Venue::start(&[SPOT], &[]);
    let config = write_config(dir.path(), &[spot(&venue)], "");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("0.000001", "0.03")).unwrap();
    let output = expect_code(pitlane().args(["run", "-c"]).arg(&config), 78);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("instrument.lot_size: 0.03 does not divide"),
        "{said}"
    );
    assert!(!dir.path().join("ticks").exists(), "nothing was written");
}
