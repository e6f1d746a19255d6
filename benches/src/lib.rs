//! Benchmarks against the limits of the machine and against rival crates.
//!
//! Here is what they share: the bundled sample as frames and as messages.
//! [`contenders`] do the same work in different ways, [`rounds`] lets them take turns, [`report`] makes the table.
//! [`operations`] and [`gate`] count instructions, which is what a change is held against.
#![forbid(unsafe_code)]

pub mod machine;
pub mod rounds;
pub mod report;
pub mod contenders;
pub mod operations;
pub mod gate;

use pitlane_domain::instrument::{Instrument, InstrumentTable, Symbol, Venue};
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::message::Message;
use pitlane_domain::sequence::{Numbering, Timers};
use pitlane_domain::units::{Grid, WallNs};
use pitlane_edges::import::{self, Format, ImportOptions};
use std::path::Path;

/// A frame of the sample, on its own.
#[derive(Clone, Debug)]
pub struct OwnedFrame {
    /// When it was received.
    pub ts_recv: WallNs,
    /// The stream it came on.
    pub stream: Vec<u8>,
    /// The venue's bytes.
    pub bytes: Vec<u8>,
}

/// The venue of [`frames`].
pub const VENUE: Venue = Venue::BinanceSpot;

/// The first frames of the bundled spot sample.
///
/// # Panics
/// If the sample is not where it belongs.
pub fn frames(most: usize) -> Vec<OwnedFrame> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tools/pitlane/sample/binance-spot-btcusdt-20240808.gz");
    let options = ImportOptions {
        venue: Some(VENUE),
        ..ImportOptions::default()
    };
    let mut source =
        import::open(Format::BinanceJsonl, &path, &options).expect("the bundled sample");
    let mut frames = Vec::new();
    while frames.len() < most
        && let Some(frame) = source.next().expect("the bundled sample")
    {
        frames.push(OwnedFrame {
            ts_recv: frame.ts_recv,
            stream: frame.stream.to_vec(),
            bytes: frame.bytes.to_vec(),
        });
    }
    assert!(!frames.is_empty(), "an empty sample");
    frames
}

/// The instrument of [`frames`]. Its lot is the venue's last decimal: some resting orders are older than today's lot size.
///
/// # Panics
/// Never: the values are legal.
pub fn table() -> InstrumentTable {
    let symbol = Symbol::new(b"BTCUSDT").expect("a symbol");
    let grid = |step: &str| Grid::of_step(step.as_bytes()).expect("a step");
    let mut table = InstrumentTable::default();
    table
        .add(Instrument {
            symbol,
            venue_symbol: symbol,
            venue: VENUE,
            tick_size: grid("0.01"),
            lot_size: grid("0.00000001"),
        })
        .expect("the first instrument");
    table
}

/// The sequence that frames become.
pub fn messages(frames: &[OwnedFrame]) -> Vec<Message> {
    let mut intake = Intake::new(table(), IntakeOptions::default());
    let mut numbering = Numbering::new(Timers::Make);
    let mut messages = Vec::new();
    intake.announce(frames.first().map_or(WallNs::ZERO, |frame| frame.ts_recv));
    for frame in frames {
        // refused frames are part of the sample's life; what they count is not measured here
        let _refused = intake.frame(VENUE, &frame.stream, frame.ts_recv, &frame.bytes);
        while let Some(message) = intake.pop() {
            let numbered = numbering.number(message);
            messages.extend(numbered.timer);
            messages.push(numbered.message);
        }
    }
    messages
}

/// The frames of the combined stream whose stream begins so.
///
/// # Panics
/// If there is none.
pub fn of_stream(frames: Vec<OwnedFrame>, stream: &str) -> Vec<OwnedFrame> {
    let mut frames = frames;
    frames.retain(|frame| {
        frame.stream.starts_with(stream.as_bytes()) && frame.bytes.starts_with(b"{\"stream\"")
    });
    assert!(!frames.is_empty(), "no {stream} in the sample");
    frames
}

/// Trades of the sample as the venue's `aggTrade` would say them: the sample has none of its own.
///
/// # Panics
/// If a frame is not a trade of the sample.
pub fn agg_trades(trades: &[OwnedFrame]) -> Vec<OwnedFrame> {
    let agg = |frame: &OwnedFrame| {
        let text = String::from_utf8(frame.bytes.clone()).expect("a trade is text");
        let (before, rest) = text.split_once("\"t\":").expect("a trade has an id");
        let (id, rest) = rest.split_once(',').expect("something follows the id");
        let (prices, rest) = rest.split_once("\"T\":").expect("a trade has a time");
        let text = format!("{before}\"a\":{id},{prices}\"f\":{id},\"l\":{id},\"T\":{rest}");
        OwnedFrame {
            ts_recv: frame.ts_recv,
            stream: b"btcusdt@aggTrade".to_vec(),
            bytes: text
                .replacen("btcusdt@trade", "btcusdt@aggTrade", 1)
                .replacen("\"e\":\"trade\"", "\"e\":\"aggTrade\"", 1)
                .into_bytes(),
        }
    };
    trades.iter().map(agg).collect()
}
