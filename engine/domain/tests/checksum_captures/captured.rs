//! Captures as lines, and what comes of playing them.

use pitlane_domain::instrument::{Instrument, InstrumentTable, Symbol, Venue};
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::market::Market;
use pitlane_domain::message::Message;
use pitlane_domain::sequence::{Numbering, Timers};
use pitlane_domain::units::{Grid, WallNs};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Three connections to the same ten instruments at the same time.
pub const OKEX: [&str; 3] = [
    "OKEX.ws.1.20210722T2315.txt.zst",
    "OKEX.ws.2.20210722T2315.txt.zst",
    "OKEX.ws.3.20210722T2315.txt.zst",
];

/// In place of a frame: the connection broke off here.
pub const LOST: &str = "lost";

/// One frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub ts: i64,
    pub stream: String,
    pub frame: String,
}

impl Line {
    /// Whether it changes a book.
    pub fn is_update(&self) -> bool {
        let frame = &self.frame;
        frame.contains(r#""action":"update""#)
            || frame.contains(r#""action": "update""#)
            || (frame.starts_with('[') && !frame.contains(r#""as""#))
    }

    /// The venue's symbol in small letters; empty for what concerns none.
    pub fn instrument(&self) -> String {
        let (symbol, _) = self.stream.split_once('@').unwrap_or_default();
        symbol.to_owned()
    }
}

/// The frames of some files by receipt, with the instruments that occur in them.
pub struct Capture {
    pub venue: Venue,
    pub table: InstrumentTable,
    pub lines: Vec<Line>,
}

impl Capture {
    /// Reads files; those of several connections get the number of theirs behind the stream's name.
    pub fn read(venue: Venue, files: &[&str]) -> Option<Self> {
        let Some(folder) = folder() else {
            skipped(files[0]);
            return None;
        };
        let mut lines = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let packed = std::fs::read(folder.join(file)).unwrap();
            let text = String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap();
            for line in text.lines().filter(|line| !line.contains(" <")) {
                let Some((seconds, frame)) = line.split_once(": ") else {
                    continue;
                };
                let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
                let Ok(ts) = format!("{whole}{part:0<9}").parse() else {
                    continue;
                };
                let mut stream = stream(frame);
                if files.len() > 1 && !stream.is_empty() {
                    stream = format!("{stream}#{}", at + 1);
                }
                lines.push(Line {
                    ts,
                    stream,
                    frame: frame.to_owned(),
                });
            }
        }
        lines.sort_by_key(|line| line.ts);
        Some(Self {
            venue,
            table: table(venue, &lines),
            lines,
        })
    }
}

fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("PITLANE_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join("checksum_books_cryptofeed");
    path.is_dir().then_some(path)
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn skipped(what: &str) {
    println!("skipped: {what} is not here; PITLANE_SHARED_DATA names the folder");
}

/// `<symbol>@<channel>` by what the frame says itself.
fn stream(frame: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(frame).unwrap();
    let name = |symbol: &serde_json::Value, channel: &serde_json::Value| {
        let (symbol, channel) = (symbol.as_str()?, channel.as_str()?);
        Some(format!("{}@{channel}", symbol.to_lowercase()))
    };
    let said = if let Some(elements) = value.as_array() {
        name(&elements[elements.len() - 1], &elements[elements.len() - 2])
    } else if value.get("data").is_none() {
        None
    } else if let Some(arg) = value.get("arg") {
        name(&arg["instId"], &arg["channel"])
    } else {
        name(&value["market"], &value["channel"])
    };
    said.unwrap_or_default()
}

/// The instruments, each with the finest decimals in use, found by another way than the importer's.
fn table(venue: Venue, lines: &[Line]) -> InstrumentTable {
    let mut finest = BTreeMap::<String, [u32; 2]>::new();
    for line in lines.iter().filter(|line| !line.stream.is_empty()) {
        let finest = finest.entry(line.instrument()).or_default();
        let value: serde_json::Value = serde_json::from_str(&line.frame).unwrap();
        numbers(&value, finest);
    }
    let mut table = InstrumentTable::default();
    for (symbol, [tick, lot]) in finest {
        let symbol = Symbol::new(symbol.as_bytes()).unwrap();
        let grid = |scale: u32| Grid::new(1, u8::try_from(scale).unwrap()).unwrap();
        let instrument = Instrument {
            symbol,
            venue_symbol: symbol,
            venue,
            tick_size: grid(tick),
            lot_size: grid(lot),
        };
        table.add(instrument).unwrap();
    }
    table
}

/// Decimals of a number; none here has more digits than a double keeps.
fn note(finest: &mut [u32; 2], at: usize, value: &serde_json::Value) {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let shortest = text.parse::<f64>().unwrap().to_string();
    let decimals = shortest.split_once('.').map_or(0, |(_, part)| part.len());
    finest[at] = finest[at].max(u32::try_from(decimals).unwrap());
}

fn numbers(value: &serde_json::Value, finest: &mut [u32; 2]) {
    match value {
        serde_json::Value::Array(elements) => {
            let is_level = |value: &serde_json::Value| match value {
                serde_json::Value::String(text) => text.parse::<f64>().is_ok(),
                value => value.is_number(),
            };
            if (2..=4).contains(&elements.len()) && elements[..2].iter().all(is_level) {
                note(finest, 0, &elements[0]);
                note(finest, 1, &elements[1]);
            } else {
                for value in elements {
                    numbers(value, finest);
                }
            }
        }
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let given = !value.is_null() && value.as_str() != Some("");
                match key.as_str() {
                    "px" | "price" | "bidPx" | "askPx" | "bid" | "ask" if given => {
                        note(finest, 0, value);
                    }
                    "sz" | "size" | "bidSz" | "askSz" | "bidSize" | "askSize" if given => {
                        note(finest, 1, value);
                    }
                    _ => numbers(value, finest),
                }
            }
        }
        _ => {}
    }
}

/// What came of lines.
pub struct Played {
    pub intake: Intake,
    pub market: Market,
    pub messages: Vec<Message>,
}

/// Checksums.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    pub verified: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Played {
    pub fn checked(&self) -> Checked {
        let counts = self.market.counts();
        Checked {
            verified: counts.checksums_verified,
            failed: counts.checksums_failed,
            skipped: counts.checksums_skipped,
        }
    }
}

/// Plays lines in their order through intake, sequence and market.
pub fn play(capture: &Capture, lines: &[Line]) -> Played {
    let mut intake = Intake::new(capture.table.clone(), IntakeOptions::default());
    let mut numbering = Numbering::new(Timers::Make);
    let mut market = Market::new();
    let mut messages = Vec::new();
    intake.announce(WallNs(lines[0].ts));
    for line in lines {
        if line.frame == LOST {
            let number = line.stream.rsplit_once('#').unwrap().1.parse().unwrap();
            intake.line_lost(capture.venue, number);
            continue;
        }
        // A refusal is in the intake's counts.
        let _ = intake.frame(
            capture.venue,
            line.stream.as_bytes(),
            WallNs(line.ts),
            line.frame.as_bytes(),
        );
        while let Some(message) = intake.pop() {
            let numbered = numbering.number(message);
            for message in numbered.timer.into_iter().chain([numbered.message]) {
                market.apply(&message);
                messages.push(message);
            }
        }
    }
    intake.balance().unwrap();
    Played {
        intake,
        market,
        messages,
    }
}
