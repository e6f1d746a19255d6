//! Published and recorded files of others, as frames.
//!
//! Each importer hands out the venue's wire form: raw frames untouched, and rows of published tables as the stream
//! message that carries the same fact. Files are read as they are, plain, gzip, zstd, zip or LZMA, in bounded memory.
//! A line that is not of its format is refused with file, line and reason; it is skipped and counted, or stops.

mod binance_jsonl;
mod input;
mod json;
mod lines;
mod time;

use crate::source::{FrameSource, OnBad, SourceError};
use pitlane_domain::instrument::{Symbol, Venue};
use std::path::Path;

/// A format of others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// `<receive time> <frame>` lines, `{"t":..,"c":..,"m":..}` lines, or bare frames, of one Binance market.
    BinanceJsonl,
}

impl Format {
    /// Every format with its name on the command line and in reports.
    pub const ALL: [(Self, &'static str); 1] = [(Self::BinanceJsonl, "binance-jsonl")];

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
        Format::BinanceJsonl => binance_jsonl::open(path, options),
    }
}
