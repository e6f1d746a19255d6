//! A capture in memory: every frame in the order in which it is played, and tables of what REST needs of them.

use crate::streams::Kind;
use crate::trades::Trades;
use pitlane_domain::decode::{Decoded, Fact, Levels, decode};
use pitlane_domain::instrument::{InstrumentId, InstrumentTable, Symbol, Venue};
use pitlane_domain::units::WallNs;
use pitlane_edges::source::{Frame, FrameSource, SourceError};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Most bytes of frames a recording holds: it lies in memory as a whole.
pub const BYTES_MAX: usize = 8 << 30;
/// Most frames: positions are kept in 32 bits.
pub const EVENTS_MAX: usize = 1 << 31;

/// Why a capture cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It does not fit.
    #[error(
        "the capture is too large: a venue holds it in memory, at most {BYTES_MAX} bytes of {EVENTS_MAX} frames; play a part of it"
    )]
    TooLarge,
    /// There is nothing in it.
    #[error("the capture holds no frame")]
    Empty,
}

/// One recorded stream.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) venue: Venue,
    pub(crate) name: Box<str>,
    pub(crate) kind: Kind,
    /// The instrument its name begins with.
    pub(crate) instrument: Option<InstrumentId>,
}

/// One frame.
#[derive(Clone, Copy, Debug)]
struct Event {
    /// Receipt, raised so that it never decreases.
    ts: WallNs,
    at: usize,
    len: u32,
    /// Where the message begins inside a combined frame, and its length.
    data_at: u32,
    data_len: u32,
    stream: u32,
}

/// A capture, ready to be played.
#[derive(Debug)]
pub struct Recording {
    bytes: Vec<u8>,
    events: Vec<Event>,
    streams: Vec<Stream>,
    by_name: HashMap<(Venue, Box<str>), usize>,
    table: InstrumentTable,
    trades: Vec<Trades>,
    depth: Vec<u32>,
    snapshots: Vec<Vec<u32>>,
    quotes: Vec<Vec<u32>>,
}

impl Recording {
    /// Reads a source to its end.
    ///
    /// `table` gives the sizes of the instruments; streams of others are played, and REST does not know them.
    pub fn read(
        source: &mut dyn FrameSource,
        table: InstrumentTable,
    ) -> Result<Self, RecordingError> {
        let mut recorder = Recorder::new(table);
        while let Some(frame) = source.next()? {
            recorder.push(&frame)?;
        }
        recorder.finish()
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The instruments.
    pub fn table(&self) -> &InstrumentTable {
        &self.table
    }

    /// The venue that answers where an address names none: spot, or else the first of the capture.
    pub fn main_venue(&self) -> Venue {
        let mut venues = self.streams.iter().map(|stream| stream.venue);
        let first = venues.clone().next().unwrap_or(Venue::BinanceSpot);
        venues
            .find(|venue| *venue == Venue::BinanceSpot)
            .unwrap_or(first)
    }

    /// Names of the streams a client can subscribe to, as recorded, with their venues.
    pub fn names(&self) -> impl Iterator<Item = (Venue, &str)> {
        self.streams
            .iter()
            .filter(|stream| stream.kind.is_stream())
            .map(|stream| (stream.venue, &*stream.name))
    }

    pub(crate) fn streams(&self) -> &[Stream] {
        &self.streams
    }

    pub(crate) fn stream_named(&self, venue: Venue, name: &str) -> Option<usize> {
        self.by_name.get(&(venue, Box::from(name))).copied()
    }

    /// The first stream of an instrument whose kind fits.
    pub(crate) fn stream_of(&self, id: InstrumentId, fits: impl Fn(Kind) -> bool) -> Option<usize> {
        self.streams
            .iter()
            .position(|stream| stream.instrument == Some(id) && fits(stream.kind))
    }

    pub(crate) fn stream_at(&self, event: usize) -> usize {
        self.events[event].stream as usize
    }

    /// Receipt of a frame.
    pub(crate) fn ts(&self, event: usize) -> WallNs {
        self.events[event].ts
    }

    /// The frame as recorded.
    pub(crate) fn frame(&self, event: usize) -> Frame<'_> {
        let of = &self.events[event];
        let stream = &self.streams[of.stream as usize];
        Frame {
            ts_recv: of.ts,
            venue: stream.venue,
            stream: stream.name.as_bytes(),
            bytes: &self.bytes[of.at..of.at + of.len as usize],
        }
    }

    /// The message without what a combined connection wraps around it.
    pub(crate) fn data(&self, event: usize) -> &[u8] {
        let of = &self.events[event];
        let at = of.at + of.data_at as usize;
        &self.bytes[at..at + of.data_len as usize]
    }

    pub(crate) fn trades(&self, id: InstrumentId) -> &Trades {
        &self.trades[id.index()]
    }

    /// Frames that make books.
    pub(crate) fn depth(&self) -> &[u32] {
        &self.depth
    }

    /// Books from REST of an instrument.
    pub(crate) fn snapshots(&self, id: InstrumentId) -> &[u32] {
        &self.snapshots[id.index()]
    }

    /// Best prices of an instrument.
    pub(crate) fn quotes(&self, id: InstrumentId) -> &[u32] {
        &self.quotes[id.index()]
    }

    /// What a frame says, and the levels if it is about depth.
    pub(crate) fn fact(&self, event: usize, levels: &mut Levels) -> Option<(Fact, Option<WallNs>)> {
        let frame = self.frame(event);
        match decode(frame.venue, frame.stream, frame.bytes, &self.table, levels) {
            Ok(Decoded::Fact { fact, ts_event, .. }) => Some((fact, ts_event)),
            _ => None,
        }
    }
}

/// Builds a recording frame by frame.
#[derive(Debug)]
pub struct Recorder {
    recording: Recording,
}

impl Recorder {
    /// An empty one for these instruments.
    pub fn new(table: InstrumentTable) -> Self {
        let count = table.len();
        Self {
            recording: Recording {
                bytes: Vec::new(),
                events: Vec::new(),
                streams: Vec::new(),
                by_name: HashMap::new(),
                trades: vec![Trades::default(); count],
                depth: Vec::new(),
                snapshots: vec![Vec::new(); count],
                quotes: vec![Vec::new(); count],
                table,
            },
        }
    }

    /// Adds a frame behind the last.
    pub fn push(&mut self, frame: &Frame<'_>) -> Result<(), RecordingError> {
        let this = &mut self.recording;
        let full =
            this.events.len() >= EVENTS_MAX || this.bytes.len() + frame.bytes.len() > BYTES_MAX;
        let (index, len) = match (
            u32::try_from(this.events.len()),
            u32::try_from(frame.bytes.len()),
        ) {
            (Ok(index), Ok(len)) if !full => (index, len),
            _ => return Err(RecordingError::TooLarge),
        };
        let stream = this.stream(frame);
        let data = message(frame.bytes, &this.streams[stream].name);
        let last = this.events.last().map_or(frame.ts_recv, |last| last.ts);
        this.events.push(Event {
            ts: frame.ts_recv.max(last),
            at: this.bytes.len(),
            len,
            data_at: u32::try_from(data.start).unwrap_or(0),
            data_len: u32::try_from(data.len()).unwrap_or(len),
            stream: u32::try_from(stream).map_err(|_| RecordingError::TooLarge)?,
        });
        this.bytes.extend_from_slice(frame.bytes);
        this.index(index, stream);
        Ok(())
    }

    /// The recording.
    pub fn finish(mut self) -> Result<Recording, RecordingError> {
        if self.recording.is_empty() {
            return Err(RecordingError::Empty);
        }
        for trades in &mut self.recording.trades {
            trades.finish();
        }
        Ok(self.recording)
    }
}

impl Recording {
    fn stream(&mut self, frame: &Frame<'_>) -> usize {
        let name = String::from_utf8_lossy(frame.stream);
        // The stream before this one is the best guess.
        if let Some(last) = self.events.last().map(|last| last.stream as usize)
            && self.streams[last].venue == frame.venue
            && *self.streams[last].name == *name
        {
            return last;
        }
        let key = (frame.venue, Box::from(&*name));
        if let Some(known) = self.by_name.get(&key) {
            return *known;
        }
        let (symbol, behind) = name.split_once('@').unwrap_or((&name, ""));
        let is_binance = matches!(
            frame.venue,
            Venue::BinanceSpot | Venue::BinanceUsdm | Venue::BinanceCoinm
        );
        self.streams.push(Stream {
            venue: frame.venue,
            name: key.1.clone(),
            kind: if is_binance {
                Kind::of(behind)
            } else {
                Kind::Other
            },
            instrument: Symbol::new(symbol.as_bytes())
                .and_then(|symbol| self.table.find(frame.venue, symbol.as_bytes())),
        });
        let index = self.streams.len() - 1;
        self.by_name.insert(key, index);
        index
    }

    /// Notes a frame in the tables of its kind.
    fn index(&mut self, event: u32, stream: usize) {
        let Stream {
            kind,
            instrument: Some(id),
            ..
        } = self.streams[stream]
        else {
            return;
        };
        match kind {
            Kind::AggTrade | Kind::Trade => {
                let fact = self.fact(event as usize, &mut Levels::default());
                if let Some((Fact::Trade(of, trade), Some(ts))) = fact {
                    self.trades[id.index()].push(of, event, ts, &trade);
                }
            }
            Kind::BookTicker => self.quotes[id.index()].push(event),
            Kind::Diff | Kind::Partial(_) => self.depth.push(event),
            Kind::Snapshot => {
                self.depth.push(event);
                self.snapshots[id.index()].push(event);
            }
            Kind::Kline(_) | Kind::Ticker | Kind::MiniTicker | Kind::Rest | Kind::Other => {}
        }
    }
}

/// Where the message lies in a frame: behind `"data":` if it is a combined one, else it is the frame.
fn message(frame: &[u8], stream: &str) -> std::ops::Range<usize> {
    const KEY: &[u8] = br#"{"stream":""#;
    const DATA: &[u8] = br#"","data":"#;
    let whole = 0..frame.len();
    let Some(rest) = frame.strip_prefix(KEY) else {
        if frame.first() == Some(&b'{')
            && frame.windows(8).take(64).any(|part| part == b"\"stream\"")
        {
            return any_order(frame).unwrap_or(whole);
        }
        return whole;
    };
    let usual = rest
        .strip_prefix(stream.as_bytes())
        .and_then(|rest| rest.strip_prefix(DATA))
        .filter(|rest| rest.ends_with(b"}"));
    match usual {
        Some(rest) => frame.len() - rest.len()..frame.len() - 1,
        None => any_order(frame).unwrap_or(whole),
    }
}

/// The same for a frame that is written in another way.
fn any_order(frame: &[u8]) -> Option<std::ops::Range<usize>> {
    #[derive(serde::Deserialize)]
    struct Combined<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let combined: Combined = serde_json::from_slice(frame).ok()?;
    let data = combined.data.get().as_bytes();
    let at = frame.windows(data.len()).position(|part| part == data)?;
    Some(at..at + data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_in_every_form_of_frame() {
        let check = |frame: &str, expected: &str| {
            let range = message(frame.as_bytes(), "a@trade");
            assert_eq!(&frame[range], expected);
        };
        check(r#"{"stream":"a@trade","data":{"e":1}}"#, r#"{"e":1}"#);
        check(r#"{"stream":"b","data":{"e":1}}"#, r#"{"e":1}"#);
        check(r#"{"stream": "a@trade", "data": {"e": 1} }"#, r#"{"e": 1}"#);
        check(r#"{"data":[1],"stream":"a@trade"}"#, "[1]");
        check(r#"{"e":"trade"}"#, r#"{"e":"trade"}"#);
        check(r#"{"stream":"#, r#"{"stream":"#);
        check("", "");
    }
}
