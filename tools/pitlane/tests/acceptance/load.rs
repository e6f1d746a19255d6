//! Two hundred symbols at once, each as busy as the sample's.

use crate::support::{json, pitlane, sample};
use pitlane_lockfree::counters::{PageReader, Value as Number};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const COPIES: u64 = 200;
/// Lines of the sample, its first half minute.
const LINES: usize = 3_500;
/// Longest wait; a machine under load is slow, not wrong.
const PATIENCE: Duration = Duration::from_mins(2);

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first lines of the spot sample.
fn part(dir: &Path) -> std::path::PathBuf {
    let packed = std::fs::File::open(sample("binance-spot-btcusdt-20240808.gz")).unwrap();
    let lines = BufReader::new(flate2::read::GzDecoder::new(packed)).lines();
    let lines: Vec<_> = lines.take(LINES).map(Result::unwrap).collect();
    let file = dir.join("binance-spot-btcusdt-20240808.txt");
    std::fs::write(&file, lines.join("\n")).unwrap();
    file
}

fn status(port: u64) -> Value {
    let mut tcp = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    write!(
        tcp,
        "GET /venue/status HTTP/1.1\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Listens to a stream, and does nothing with it.
fn listen(port: u64, path: &str) {
    let mut tcp = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    write!(
        tcp,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    std::thread::spawn(move || std::io::copy(&mut tcp, &mut std::io::sink()));
}

/// At ten times the recorded rate where the build is one for use; else as fast as it goes.
#[test]
fn two_hundred_symbols_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = part(dir.path());
    let config = dir.path().join("load.toml");
    let speed = if cfg!(debug_assertions) { "max" } else { "10x" };
    let venue = pitlane()
        .arg("venue")
        .arg(&file)
        .args([
            "--copies",
            &COPIES.to_string(),
            "--speed",
            speed,
            "--json",
            "--quiet",
        ])
        .args(["--weight-limit", "100000", "--start", "2", "--config-out"])
        .arg(&config)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut venue = Ended(venue);
    let mut told = String::new();
    let mut out = BufReader::new(venue.0.stdout.take().unwrap());
    out.read_line(&mut told).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["frames"].as_u64(), Some(LINES as u64 * COPIES));

    let report = dir.path().join("report.json");
    let run = pitlane()
        .args(["run", "--json", "--quiet", "-c"])
        .arg(&config)
        .env("PITLANE__LIVE__KLINES", "false")
        .env("PITLANE__LIVE__SNAPSHOT_LIMIT", "1000")
        .env("PITLANE__LIVE__BUFFER", "1000000")
        .current_dir(dir.path())
        .stdout(std::fs::File::create(&report).unwrap())
        .spawn()
        .unwrap();
    let mut run = Ended(run);
    let start = Instant::now();
    let port = told["port"].as_u64().unwrap();
    // Nothing is played before the engine listens to all of it, and a second client comes.
    while status(port)["subscriptions"] != 2 * COPIES {
        assert!(start.elapsed() < PATIENCE, "{}", status(port));
        std::thread::sleep(Duration::from_millis(100));
    }
    listen(port, "/ws/btcusdt@kline_1h");
    let sent = loop {
        let status = status(port);
        assert_eq!(status["too_slow"], 0, "{status}");
        if status["finished"] == true && status["drained"] == true {
            break status["sent"].as_object().unwrap().clone();
        }
        assert!(start.elapsed() < PATIENCE, "{status}");
        std::thread::sleep(Duration::from_millis(100));
    };
    let total = |kind: &str| -> u64 {
        let of = sent.iter().filter(|(name, _)| name.ends_with(kind));
        of.map(|(_, count)| count.as_u64().unwrap()).sum()
    };
    let (trades, depth) = (total("@trade"), total("@depth@100ms"));
    // What was written is on its way; the last trade is stored with the next transaction.
    let database = dir.path().join("out/storage/pitlane.db");
    let rows = || {
        let mut rows = 0;
        let count = |table: &'static str, _: &str| rows += u64::from(table == "aggregated_trades");
        let read = pitlane_edges::storage::dump_lines(&database, count);
        read.map_or(0, |()| rows)
    };
    let in_step = || {
        let page = PageReader::open(&dir.path().join("out/stats/counters.page"));
        page.map_or(0, |page| {
            let snapshot = page.snapshot();
            let count = snapshot.value("feed", "books_in_step");
            count.map_or(0, Number::number)
        })
    };
    while in_step() < COPIES || rows() < trades {
        let waited = start.elapsed();
        assert!(
            waited < PATIENCE,
            "{} books, {} of {trades}",
            in_step(),
            rows()
        );
        std::thread::sleep(Duration::from_millis(500));
    }
    let id = run.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(run.0.wait().unwrap().code(), Some(0));

    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["gaps"], 0, "{}", report["live"]);
    assert_eq!(report["frames_rejected"], serde_json::json!({}));
    assert_eq!(report["live"]["disconnects"], 0);
    assert_eq!(report["live"]["snapshots"], COPIES);
    assert_eq!(report["trades"], trades);
    // Besides, the venue acknowledges subscriptions.
    let notices = report["notices"].as_object().unwrap().values();
    let notices: u64 = notices.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(report["frames"], trades + depth + COPIES + notices);
    // Not those depth events that waited for a snapshot.
    let timed = report["latency_ns"]["socket"]["count"].as_u64().unwrap();
    assert!(
        (trades..=trades + depth + COPIES).contains(&timed),
        "{timed}"
    );
    // Each book ends as the replay of the one symbol.
    let replay = json(pitlane().args(["replay", "--json", "--quiet"]).arg(&file));
    let book = &replay["books"]["BTCUSDT"];
    let books = report["books"].as_object().unwrap();
    assert_eq!(books.len() as u64, COPIES);
    for (symbol, of) in books {
        assert_eq!(of, book, "{symbol}");
    }
}
