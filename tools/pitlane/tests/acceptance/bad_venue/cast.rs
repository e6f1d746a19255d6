//! Who plays: venues that do wrong or not, and what is listened to.

use crate::scene::{self, Heard, Run, SPOT, USDM, Venue, faults};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Lines of a sample that are played.
const LINES: usize = 4000;

pub const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];

/// The beginning of a sample, trades and depth only.
pub fn part(dir: &Path, file: &str, symbol: &str) -> PathBuf {
    scene::part(dir, file, symbol, LINES, |line| {
        !line.contains("bookTicker")
    })
}

/// A venue with these faults, and a limit that nobody reaches.
pub fn play(files: &[PathBuf], options: &[&str], rules: &[&str]) -> Venue {
    let limit = ["--weight-limit", "1000000"];
    Venue::start(files, &[&limit, options, &faults(rules)].concat())
}

pub fn spot(venue: &Venue, symbols: &[&str]) -> Heard {
    let steps = "tick_size = \"0.01\"\nlot_size = \"0.000001\"";
    let heard = Heard::at("binance-spot", venue.port, r#"["trade", "depth@100ms"]"#);
    symbols.iter().fold(heard, |heard, symbol| {
        heard.instrument(symbol, symbol, steps)
    })
}

pub fn futures(venue: &Venue) -> Heard {
    let steps = "tick_size = \"0.1\"\nlot_size = \"0.001\"";
    let heard = Heard::at("binance-usdm", venue.port, r#"["trade", "depth@0ms"]"#);
    heard
        .below("/market")
        .instrument("BTCUSDT-PERP", "BTCUSDT", steps)
}

pub fn config(dir: &Path, heard: &[Heard], live: &str) -> PathBuf {
    let live = format!("breaker_failures = 100\nklines = false\n{live}");
    scene::config(dir, heard, &live)
}

/// An engine that listens to these.
pub fn run(dir: &Path, heard: &[Heard], live: &str) -> Run {
    Run::start(dir, &config(dir, heard, live))
}

/// What a replay of the same captures knows.
pub fn replayed(files: &[PathBuf], heard: &[Heard]) -> Value {
    scene::replayed(files, &scene::instruments(heard)).0
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

/// Captures of two symbols for a venue that does wrong, and of one for a venue that does not.
pub struct Captures {
    pub dir: tempfile::TempDir,
    pub spot: Vec<PathBuf>,
    pub futures: Vec<PathBuf>,
}

impl Captures {
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
