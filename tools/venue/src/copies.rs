//! More symbols than a capture has: each of its symbols several times, under names of their own.
//!
//! The copies say what the original says, a moment later, so that they are apart in time as markets are.

use pitlane_domain::instrument::{Instrument, InstrumentTable, Symbol, TableError, Venue};
use pitlane_domain::units::WallNs;
use pitlane_edges::source::{Frame, FrameSource, ImportReport, Progress, SourceError};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Most copies of a symbol, itself included: their names end in three digits.
pub const COPIES_MAX: usize = 999;

/// The copies of a frame are spread over so much time: that between two changes of a book on the usual stream.
const SPREAD_NS: i64 = 100_000_000;

/// Why there can be no copies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CopiesError {
    /// A name and its digits are longer than a symbol may be.
    #[error("{0} and three digits are too long for a symbol")]
    Name(Symbol),
    /// There are too many, or a copy has a name that is taken.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The instruments of a table and their copies: `BTCUSDT`, then `BTCUSDT002`, `BTCUSDT003` and so on.
pub fn copied(table: &InstrumentTable, count: usize) -> Result<InstrumentTable, CopiesError> {
    let mut all = InstrumentTable::default();
    for number in 1..=count {
        for (_, of) in table.iter() {
            let name = |symbol: Symbol| {
                let name = format!("{symbol}{}", suffix(number));
                Symbol::new(name.as_bytes()).ok_or(CopiesError::Name(symbol))
            };
            all.add(Instrument {
                symbol: name(of.symbol)?,
                venue_symbol: name(of.venue_symbol)?,
                ..*of
            })?;
        }
    }
    Ok(all)
}

/// What stands behind the name of a copy; the first is the original.
fn suffix(number: usize) -> String {
    if number == 1 {
        String::new()
    } else {
        format!("{number:03}")
    }
}

/// A frame of which some copies are still to be given out.
struct Original {
    venue: Venue,
    stream: Vec<u8>,
    bytes: Vec<u8>,
}

/// A copy that is to be given out. Copies are in order by when they are heard, then as their frames were read.
struct Copy {
    ts_recv: WallNs,
    read: u64,
    number: usize,
    of: Arc<Original>,
}

impl Copy {
    fn place(&self) -> (WallNs, u64, usize) {
        (self.ts_recv, self.read, self.number)
    }
}

impl PartialEq for Copy {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Copy {}

impl PartialOrd for Copy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Copy {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

/// A source and its copies.
pub struct Copies<S> {
    source: S,
    count: usize,
    waiting: BinaryHeap<Reverse<Copy>>,
    /// Frames read, and the receipt of the last.
    read: u64,
    read_to: WallNs,
    is_over: bool,
    /// What was given out last.
    stream: Vec<u8>,
    bytes: Vec<u8>,
}

impl<S: FrameSource> Copies<S> {
    /// Each symbol of a source `count` times, the original included.
    pub fn new(source: S, count: usize) -> Self {
        Self {
            source,
            count,
            waiting: BinaryHeap::new(),
            read: 0,
            read_to: WallNs::ZERO,
            is_over: false,
            stream: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Reads a frame; its copies wait for their time.
    fn read(&mut self) -> Result<(), SourceError> {
        let Some(frame) = self.source.next()? else {
            self.is_over = true;
            return Ok(());
        };
        self.read += 1;
        self.read_to = self.read_to.max(frame.ts_recv);
        let of = Arc::new(Original {
            venue: frame.venue,
            stream: frame.stream.to_vec(),
            bytes: frame.bytes.to_vec(),
        });
        // What concerns no symbol is said once.
        let count = if symbol(&of.stream).is_some() {
            self.count
        } else {
            1
        };
        let step = SPREAD_NS / i64::try_from(count).unwrap_or(i64::MAX);
        for (number, later) in (1..=count).zip(0..) {
            self.waiting.push(Reverse(Copy {
                ts_recv: WallNs(frame.ts_recv.0 + later * step),
                read: self.read,
                number,
                of: Arc::clone(&of),
            }));
        }
        Ok(())
    }
}

impl<S: FrameSource> FrameSource for Copies<S> {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        loop {
            let is_due =
                |Reverse(copy): &Reverse<Copy>| self.is_over || copy.ts_recv <= self.read_to;
            if self.waiting.peek().is_some_and(is_due) {
                break;
            }
            if self.is_over {
                return Ok(None);
            }
            self.read()?;
        }
        let Some(Reverse(copy)) = self.waiting.pop() else {
            return Ok(None);
        };
        rename(&copy.of, copy.number, &mut self.stream, &mut self.bytes);
        Ok(Some(Frame {
            ts_recv: copy.ts_recv,
            venue: copy.of.venue,
            stream: &self.stream,
            bytes: &self.bytes,
        }))
    }

    fn progress(&self) -> Progress {
        self.source.progress()
    }

    fn reports(&self) -> Vec<ImportReport> {
        self.source.reports()
    }
}

/// The symbol in a stream's name, if it is about one.
fn symbol(stream: &[u8]) -> Option<&str> {
    let end = stream
        .iter()
        .position(|byte| *byte == b'@')
        .filter(|end| *end > 0)?;
    std::str::from_utf8(&stream[..end]).ok()
}

/// The frame with the name of a copy wherever it says that of the original.
fn rename(of: &Original, number: usize, stream: &mut Vec<u8>, bytes: &mut Vec<u8>) {
    stream.clear();
    bytes.clear();
    let (Some(name), 2..) = (symbol(&of.stream), number) else {
        stream.extend_from_slice(&of.stream);
        bytes.extend_from_slice(&of.bytes);
        return;
    };
    let suffix = suffix(number);
    stream.extend_from_slice(name.as_bytes());
    stream.extend_from_slice(suffix.as_bytes());
    stream.extend_from_slice(&of.stream[name.len()..]);
    // As a stream's name and as a symbol, both at the start of a text.
    let mut rest = &of.bytes[..];
    while let Some(at) = rest.iter().position(|byte| *byte == b'"') {
        let (before, text) = rest.split_at(at + 1);
        bytes.extend_from_slice(before);
        rest = text;
        let named = text
            .get(..name.len())
            .is_some_and(|said| said.eq_ignore_ascii_case(name.as_bytes()));
        if named && matches!(text.get(name.len()), Some(b'"' | b'@')) {
            bytes.extend_from_slice(&text[..name.len()]);
            bytes.extend_from_slice(suffix.as_bytes());
            rest = &text[name.len()..];
        }
    }
    bytes.extend_from_slice(rest);
}

#[cfg(test)]
mod tests;
