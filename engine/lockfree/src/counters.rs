//! The counters page: what every agent counts, in memory that anybody may read while it runs and after it died.
//!
//! One page belongs to one engine: a file (put it on tmpfs: a store into a disk-backed mapping can block) or heap memory.
//! Places are handed out at start-up only; from then on a handle is one writer that loads and stores its own words,
//! with no locked instruction and no syscall. Numbers only grow or are set; nothing is ever reset, so a reader takes differences.
//!
//! # Layout
//! Little-endian 64-bit words; offsets in bytes. See [`layout`] for the numbers.
//!
//! | offset | content |
//! |---|---|
//! | 0 | magic `PITLCNTR` |
//! | 8 | version |
//! | 16 | length of the page in bytes |
//! | 24 | process id of the writer |
//! | 32 | start, ns since 1970 UTC |
//! | 40 | raw clock ticks per second, or 0 while unknown |
//! | 48 | room in the directory, in entries |
//! | 56 | entries in the directory; written last, so every entry below it is whole |
//! | 64 | offset of the first value |
//! | 72 | number of anchors ever written |
//! | 80 | names that were refused because the directory was full |
//! | 88 | offset of the first distinct error |
//! | 96 | room for distinct errors |
//! | 104 | distinct errors; written last, so every one below it is whole |
//! | 112 | errors of a kind for which there was no room |
//! | 2048 | 64 anchors of 32 bytes: raw, monotonic ns, realtime ns, 0; anchor `n` is at slot `n % 64` |
//! | 4096 | directory entries of 128 bytes |
//! | errors | distinct errors of 256 bytes, see [`errors`] |
//! | values | counters and gauges: one word; histograms: see [`histogram`] |
//!
//! A directory entry: byte 0 kind, byte 1 unit, byte 2 length of the label, byte 3 length of the owner,
//! bytes 4 and 5 the id of its [declaration](Declared), 0 if it has none;
//! at 8 the offset of its first word, at 16 its number of words; at 32 the label (64 bytes), at 96 the owner (24 bytes).

pub mod declared;
pub mod errors;
pub mod histogram;
pub mod layout;
pub mod page;
pub mod read;

#[cfg(test)]
mod tests;

pub use declared::{Declared, Owner};
pub use errors::{DistinctError, ErrorSlot, ErrorWriter};
pub use histogram::{Histogram, HistogramSnapshot};
pub use page::{Counter, CountersPage, Gauge, PageError, PageOptions};
pub use read::{Anchor, Entry, PageReader, Snapshot, Value};

/// What kind of number an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum EntryKind {
    /// Only grows.
    Counter = 1,
    /// Is set to whatever it is now.
    Gauge = 2,
    /// Cumulative distribution of values.
    Histogram = 3,
}

impl EntryKind {
    /// As documents and programs spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [Self::Counter, Self::Gauge, Self::Histogram]
            .into_iter()
            .find(|kind| *kind as u8 == code)
    }
}

/// What an entry counts in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Unit {
    /// A plain number of things.
    Count = 1,
    /// Nanoseconds.
    Nanoseconds = 2,
    /// Ticks of the raw clock; the anchors convert them.
    RawTicks = 3,
    /// Bytes.
    Bytes = 4,
    /// 0 or 1.
    Flag = 5,
    /// A sequence number.
    Sequence = 6,
    /// A reading of the raw clock: a moment, where [`Unit::RawTicks`] is a length of time.
    RawTime = 7,
}

impl Unit {
    /// As documents and programs spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Nanoseconds => "ns",
            Self::RawTicks => "raw ticks",
            Self::Bytes => "bytes",
            Self::Flag => "flag",
            Self::Sequence => "sequence",
            Self::RawTime => "raw time",
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [
            Self::Count,
            Self::Nanoseconds,
            Self::RawTicks,
            Self::Bytes,
            Self::Flag,
            Self::Sequence,
            Self::RawTime,
        ]
        .into_iter()
        .find(|unit| *unit as u8 == code)
    }
}
