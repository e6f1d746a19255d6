//! Published and recorded files of others, as frames.
//!
//! Each importer hands out the venue's wire form: raw frames untouched, and rows of published tables as the stream
//! message that carries the same fact. Files are read as they are, plain, gzip, zstd, zip or LZMA, in bounded memory.
//! A line that is not of its format is refused with file, line and reason; it is skipped and counted, or stops.

mod bi5;
mod binance_csv;
mod binance_jsonl;
mod bybit_jsonl;
mod cryptofeed;
mod detect;
mod fx_csv;
mod input;
mod itch50;
mod json;
mod lines;
mod lobster;
mod mbo_csv;
mod names;
mod scan;
mod streams;
mod survey;
mod table;
mod time;

pub use detect::detect;
pub use names::parse_day;
pub use scan::{Scanned, scan_instruments};

use crate::capture::CaptureReader;
use crate::source::{FrameSource, OnBad, SourceError, merge};
use jiff::civil::Date;
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_domain::intake::LINES_MAX;
use std::path::{Path, PathBuf};

/// A format a file can be in: ours, or one of others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// Our own capture file.
    Capture,
    /// `<receive time> <frame>` lines, `{"t":..,"c":..,"m":..}` lines, or bare frames, of one Binance market.
    BinanceJsonl,
    /// Bybit's frames, one a line, as its archive has them.
    BybitJsonl,
    /// Raw recordings of the library cryptofeed: Binance, Kraken, OKX, FTX.
    Cryptofeed,
    /// Published aggregate trades, spot or futures.
    BinanceAggTradesCsv,
    /// Published klines.
    BinanceKlinesCsv,
    /// Bid and ask ticks: LEAN, TrueFX, Dukascopy, or with named columns.
    FxCsv,
    /// LOBSTER message files.
    Lobster,
    /// NASDAQ TotalView-ITCH 5.0, messages behind their lengths.
    Itch50,
    /// Market by order as a table.
    MboCsv,
}

impl Format {
    /// Every format with its name on the command line and in reports.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Capture, crate::capture::FORMAT_NAME),
        (Self::BinanceJsonl, "binance-jsonl"),
        (Self::BybitJsonl, "bybit-jsonl"),
        (Self::Cryptofeed, "cryptofeed"),
        (Self::BinanceAggTradesCsv, "binance-aggtrades-csv"),
        (Self::BinanceKlinesCsv, "binance-klines-csv"),
        (Self::FxCsv, "fx-csv"),
        (Self::Lobster, "lobster"),
        (Self::Itch50, "itch50"),
        (Self::MboCsv, "mbo-csv"),
    ];

    /// The format's name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(format, _)| *format == self)
            .map_or("?", |(_, name)| name)
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(format, _)| *format)
    }
}

/// What a file does not say about itself. Everything may be left out where the content or the file name tells.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ImportOptions {
    /// Whose frames they are.
    pub venue: Option<Venue>,
    /// The venue's symbol.
    pub symbol: Option<Symbol>,
    /// The day of files whose times count from midnight.
    pub day: Option<Date>,
    /// Hours east of UTC of files whose times are local; the format's own rule where absent.
    pub utc_offset_hours: Option<i32>,
    /// Which of several recorded connections to the same instruments it is, from 1 on; 0 if it is the only one.
    pub connection: usize,
    /// What to do with a line that is not of its format.
    pub on_bad: OnBad,
}

/// Opens `path` as a source of frames.
pub fn open(
    format: Format,
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    match format {
        Format::Capture => Ok(Box::new(CaptureReader::open(path, options.on_bad)?)),
        Format::BinanceJsonl => binance_jsonl::open(path, options),
        Format::BybitJsonl => bybit_jsonl::open(path, options),
        Format::Cryptofeed => cryptofeed::open(path, options),
        Format::BinanceAggTradesCsv => binance_csv::open_agg_trades(path, options),
        Format::BinanceKlinesCsv => binance_csv::open_klines(path, options),
        Format::FxCsv => fx_csv::open(path, options),
        Format::Lobster => lobster::open(path, options),
        Format::Itch50 => itch50::open(path, options),
        Format::MboCsv => mbo_csv::open(path, options),
    }
}

/// Whether a file can be read from its start to an end, more than once, and holds anything.
pub fn usable(path: &Path) -> Result<(), SourceError> {
    let about = std::fs::metadata(path).map_err(|error| SourceError::io(path, error))?;
    if about.is_dir() {
        let reason = "is a directory, not a file";
        return Err(SourceError::unusable(path, reason));
    }
    if !about.is_file() {
        let reason = "is not a regular file, and inputs are read more than once; write it to a file first, and name \
                      its format with --from if the content does not tell";
        return Err(SourceError::unusable(path, reason));
    }
    // Of all formats only one has files that are empty for a reason: an hour without ticks.
    if about.len() == 0 && detect(path)?.is_none() {
        return Err(SourceError::unusable(path, "is empty"));
    }
    Ok(())
}

/// Opens several files as one source, merged by receive time and then by their order.
///
/// Without a format each file must tell its own.
pub fn open_all(
    format: Option<Format>,
    paths: &[PathBuf],
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let mut sources = Vec::with_capacity(paths.len());
    let mut options = options.clone();
    for (at, path) in paths.iter().enumerate() {
        usable(path)?;
        // Files of one kind read together may say the same twice; the engine sorts that out by their numbers.
        if paths.len() > 1 {
            options.connection = at % LINES_MAX + 1;
        }
        let format = match format {
            Some(format) => format,
            None => detect(path)?.ok_or_else(|| {
                let names: Vec<_> = Format::ALL.iter().map(|(_, name)| *name).collect();
                let names = names.join(", ");
                let reason = format!("its content tells no format; name it, one of {names}");
                SourceError::unusable(path, reason)
            })?,
        };
        sources.push(open(format, path, &options)?);
    }
    Ok(match sources.len() {
        1 => sources.remove(0),
        _ => Box::new(merge(sources)),
    })
}
