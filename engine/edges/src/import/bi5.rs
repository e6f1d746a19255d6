//! Dukascopy's hourly files: LZMA over records of 20 bytes, big-endian.
//!
//! ```text
//!  0  u32  ms since the beginning of the hour
//!  4  u32  ask, in points
//!  8  u32  bid, in points
//! 12  f32  ask volume, millions
//! 16  f32  bid volume, millions
//! ```
//!
//! The hour stands in the file's name, whose month counts from 0. An hour without ticks is an empty file.

use super::fx_csv::Tick;
use super::input::Input;
use super::{Format, ImportOptions, names};
use crate::source::{Cut, Frame, FrameSource, ImportReport, OnBad, Progress, SourceError};
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_domain::units::{Grid, WallNs};
use std::io::Read;

const RECORD_BYTES: usize = 20;
const HOUR_MS: u32 = 3_600_000;

pub(super) fn is_bi5(input: &Input) -> bool {
    input.lzma || input.name().to_ascii_lowercase().ends_with(".bi5")
}

pub(super) fn open(
    input: Input,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let name = input.name();
    let wanted = |what: &str| {
        let reason = format!(
            "the file name {name} names no {what}; it should be like GBPJPY_2012_11_03_13h_ticks.bi5"
        );
        SourceError::unusable(&input.path, reason)
    };
    let symbol = options.symbol.or_else(|| names::pair(&name));
    let symbol = symbol.ok_or_else(|| wanted("currency pair"))?;
    let hour = names::dukascopy_hour(&name).ok_or_else(|| wanted("hour"))?;
    let report = ImportReport::new(input.path.display().to_string(), Format::FxCsv.name());
    Ok(Box::new(Bi5 {
        points: Grid::new(1, decimals(symbol)).expect("a scale of 3 or 5"),
        venue: options.venue.unwrap_or(Venue::Fx),
        on_bad: options.on_bad,
        input,
        symbol,
        hour,
        report,
        ended: false,
        ts_recv: WallNs::ZERO,
        stream: Vec::new(),
        text: Vec::new(),
    }))
}

/// Decimals of a point: 5, but 3 where the quote is yen, rouble or forint, and for metals.
fn decimals(symbol: Symbol) -> u8 {
    let text = symbol.as_str();
    let coarse = ["JPY", "RUB", "HUF"]
        .iter()
        .any(|quote| text.ends_with(quote));
    if coarse || text.starts_with("XAU") || text.starts_with("XAG") {
        3
    } else {
        5
    }
}

struct Bi5 {
    input: Input,
    symbol: Symbol,
    venue: Venue,
    hour: i64,
    points: Grid,
    on_bad: OnBad,
    report: ImportReport,
    ended: bool,
    ts_recv: WallNs,
    stream: Vec<u8>,
    text: Vec<u8>,
}

impl Bi5 {
    /// Reads one record: `true` if it was whole.
    fn read(&mut self, record: &mut [u8; RECORD_BYTES]) -> Result<bool, SourceError> {
        let mut got = 0;
        while got < RECORD_BYTES {
            let read = self.input.reader.read(&mut record[got..]);
            match read.map_err(|error| self.input.io(error))? {
                0 => break,
                more => got += more,
            }
        }
        if got > 0 && got < RECORD_BYTES {
            let reason = "the file ends inside a record".to_owned();
            self.report.cut = Some(Cut {
                bytes: got as u64,
                reason,
            });
        }
        Ok(got == RECORD_BYTES)
    }

    fn advance(&mut self) -> Result<bool, SourceError> {
        let mut record = [0; RECORD_BYTES];
        while !self.ended {
            if !self.read(&mut record)? {
                self.ended = true;
                break;
            }
            let word = |at: usize| {
                let bytes = record[at..at + 4].try_into();
                u32::from_be_bytes(bytes.expect("a slice of 4 bytes"))
            };
            let (ms, ask, bid) = (word(0), word(4), word(8));
            let (ask_volume, bid_volume) = (f32::from_bits(word(12)), f32::from_bits(word(16)));
            let good = |volume: f32| volume.is_finite() && volume >= 0.0;
            if ms < HOUR_MS && good(ask_volume) && good(bid_volume) {
                self.ts_recv = WallNs(self.hour + i64::from(ms) * 1_000_000);
                let price = |points: u32| self.points.show(i64::from(points)).to_string();
                // The shortest text that is this float again: the publisher's own digits.
                let volumes = (bid_volume.to_string(), ask_volume.to_string());
                let (bid, ask) = (price(bid), price(ask));
                let tick = Tick {
                    symbol: self.symbol,
                    bid: bid.as_bytes(),
                    ask: ask.as_bytes(),
                    volumes: Some((volumes.0.as_bytes(), volumes.1.as_bytes())),
                };
                tick.write(self.ts_recv, &mut self.stream, &mut self.text);
                self.report.accept(self.ts_recv);
                return Ok(true);
            }
            let number = self.report.records + 1;
            let detail = format!("record of {ms} ms with volumes {ask_volume} and {bid_volume}");
            let path = &self.input.path;
            self.report.refuse("bad_record", 1, || {
                format!("{}:{number}: {detail}", path.display())
            });
            if self.on_bad == OnBad::Stop {
                return Err(SourceError::Line {
                    path: path.clone(),
                    line: number,
                    reason: format!("{detail} (bad_record)"),
                });
            }
        }
        Ok(false)
    }
}

impl FrameSource for Bi5 {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        if !self.advance()? {
            return Ok(None);
        }
        Ok(Some(Frame {
            ts_recv: self.ts_recv,
            venue: self.venue,
            stream: &self.stream,
            bytes: &self.text,
        }))
    }

    fn progress(&self) -> Progress {
        self.input.progress()
    }

    fn reports(&self) -> Vec<ImportReport> {
        vec![self.report.clone()]
    }
}
