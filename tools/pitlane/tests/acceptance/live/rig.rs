//! The venue of these tests, and what must come out of it.

use crate::scene::{self, Heard, SPOT, Venue, nothing_is_missing, replayed, trades};
use crate::support::sample;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The step that the configuration gives; the other is the venue's, and a replay must be told it.
const LOTS: &str = "lot_size = \"0.000001\"";
const STEPS: &str = "tick_size = \"0.01\"\nlot_size = \"0.000001\"";

/// A venue that plays files of the sample.
pub fn play(files: &[&str], options: &[&str]) -> Venue {
    let files: Vec<PathBuf> = files.iter().map(|file| sample(file)).collect();
    Venue::start(&files, options)
}

/// Its symbols as spot.
pub fn spot(venue: &Venue, symbols: &[&str]) -> Heard {
    let streams = r#"["trade", "depth@100ms", "bookTicker"]"#;
    let heard = Heard::at("binance-spot", venue.port, streams);
    symbols.iter().fold(heard, |heard, symbol| {
        heard.instrument(symbol, symbol, LOTS)
    })
}

pub fn config(dir: &Path, heard: &[Heard], live: &str) -> PathBuf {
    scene::config(dir, heard, &format!("klines = false\n{live}"))
}

/// A replay of [`SPOT`].
pub fn replayed_spot() -> (Value, tempfile::TempDir) {
    let instrument =
        format!("[[instrument]]\nsymbol = \"BTCUSDT\"\nvenue = \"binance-spot\"\n{STEPS}\n");
    replayed(&[sample(SPOT)], &instrument)
}

/// What the venue said is known, whichever way it came: not one trade lost, not one doubled, the book and all bars.
#[track_caller]
pub fn is_as_replayed(dir: &Path, report: &Value) {
    let (replay, replay_dir) = replayed_spot();
    assert_eq!(trades(dir), trades(replay_dir.path()));
    nothing_is_missing(report, &replay);
    assert_eq!(report["last_bars"], replay["last_bars"]);
}
