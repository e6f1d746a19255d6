//! Lines of raw Binance frames, with or without the time they were received.
//!
//! Three forms, which may stand in one file: `<time> <frame>`, `{"t":time,"c":stream,"m":frame}` and the frame alone,
//! whose receive time is then the venue's. REST replies may stand between the frames.
//! All frames of a file are of one market; which one, its first lines give away.

use super::input::{Input, LineRead, Lines};
use super::json::{Market, Message, Outer, Shape, Sort, stream_symbol};
use super::lines::{LineParser, LineSource, Parsed, Refusal, Slot};
use super::time::{Unit, by_magnitude};
use super::{Format, ImportOptions};
use crate::source::{FRAME_BYTES_MAX, FrameSource, SourceError};
use pitlane_domain::instrument::{Symbol, Venue};
use std::path::Path;

/// Lines looked at to find the market. Book tickers, trades and depth updates all occur within the first hundreds.
const SURVEY_LINES: u64 = 4096;

pub(super) fn open(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let survey = Survey::of(path)?;
    let venue = match options.venue {
        Some(venue) => venue,
        None => survey.venue(path)?,
    };
    let parser = BinanceJsonl {
        symbol: options.symbol,
        symbols: survey.symbols,
        unit: None,
    };
    Ok(Box::new(LineSource::new(
        Input::open(path)?,
        Format::BinanceJsonl,
        venue,
        options.on_bad,
        parser,
    )))
}

/// What the head of a file gives away.
#[derive(Default)]
struct Survey {
    markets: Vec<Market>,
    symbols: Symbols,
}

/// Enough of the symbols of a file to know whether it has only one.
#[derive(Default)]
struct Symbols {
    first: Option<Symbol>,
    several: bool,
}

impl Symbols {
    fn saw(&mut self, symbol: Symbol) {
        let first = *self.first.get_or_insert(symbol);
        self.several |= first != symbol;
    }

    fn only(&self) -> Option<Symbol> {
        self.first.filter(|_| !self.several)
    }
}

impl Survey {
    fn of(path: &Path) -> Result<Self, SourceError> {
        let mut lines = Lines::new(Input::open(path)?);
        let mut survey = Self::default();
        while lines.number < SURVEY_LINES {
            match lines.read()? {
                LineRead::Line => survey.line(lines.line()),
                LineRead::TooLong => {}
                LineRead::End | LineRead::Truncated => break,
            }
        }
        Ok(survey)
    }

    fn line(&mut self, line: &[u8]) {
        let frame = split_time(line).map_or(line, |(_, frame)| frame);
        let Ok(outer) = serde_json::from_slice::<Outer>(frame) else {
            return;
        };
        let (stream, message) = match outer.shape() {
            Shape::Combined { stream, data } => (Some(stream), data.as_bytes()),
            Shape::Recorded {
                stream, message, ..
            } => (Some(stream), message.as_bytes()),
            Shape::Bare => (None, frame),
        };
        if let Some(symbol) = stream.and_then(|stream| stream_symbol(stream.as_bytes())) {
            self.symbols.saw(symbol);
        }
        let Ok(message) = serde_json::from_slice::<Message>(message) else {
            return;
        };
        if let Some(symbol) = message.symbol().and_then(|s| Symbol::new(s.as_bytes())) {
            self.symbols.saw(symbol);
        }
        if let Some(market) = message.market()
            && !self.markets.contains(&market)
        {
            self.markets.push(market);
        }
    }

    fn venue(&self, path: &Path) -> Result<Venue, SourceError> {
        let has = |market| self.markets.contains(&market);
        let futures = has(Market::Futures) || has(Market::Coinm);
        let reason = match (has(Market::Spot), futures) {
            (true, false) => return Ok(Venue::BinanceSpot),
            (false, true) if has(Market::Coinm) => return Ok(Venue::BinanceCoinm),
            (false, true) => return Ok(Venue::BinanceUsdm),
            (true, true) => {
                "holds frames of spot and of futures; name the venue they are to be read as"
            }
            (false, false) => {
                "its first lines do not tell which Binance market they are from; name the venue \
                 (binance-spot, binance-usdm or binance-coinm)"
            }
        };
        Err(SourceError::unusable(path, reason))
    }
}

/// `<digits> <frame>` apart.
fn split_time(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| !byte.is_ascii_digit())?;
    let (time, rest) = line.split_at(end);
    (end > 0 && rest.starts_with(b" ")).then(|| (time, rest.trim_ascii()))
}

struct BinanceJsonl {
    symbol: Option<Symbol>,
    symbols: Symbols,
    unit: Option<Unit>,
}

impl LineParser for BinanceJsonl {
    fn parse(&mut self, _number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let trimmed = line.trim_ascii();
        if trimmed.is_empty() {
            return Ok(Parsed::Control);
        }
        let (time, frame) = match split_time(trimmed) {
            Some((time, frame)) => (Some(time), frame),
            None => (None, trimmed),
        };
        if !frame.starts_with(b"{") {
            return Err(Refusal::new(
                "not_a_frame",
                "neither `<time> <frame>` nor a frame",
            ));
        }
        if !frame.ends_with(b"}") {
            return Err(Refusal::new("cut_frame", "the frame does not end in `}`"));
        }
        if frame.len() > FRAME_BYTES_MAX {
            return Err(Refusal::new("too_long", "longer than any frame"));
        }
        let offset = |part: &[u8]| part.as_ptr().addr() - line.as_ptr().addr();
        let frame_at = offset(frame);

        // The form of nearly every line: the wrapper names its stream first.
        if let Some(time) = time
            && let Some(stream) = wrapped_stream(frame)
        {
            slot.ts_recv = self.time(time, slot)?;
            if slot.stream != stream {
                if let Some(symbol) = stream_symbol(stream) {
                    self.symbols.saw(symbol);
                }
                slot.set_stream(stream);
            }
            slot.range = Some(frame_at..frame_at + frame.len());
            return Ok(Parsed::Frame);
        }
        self.other(time, frame, frame_at, slot)
    }
}

/// The stream of `{"stream":"name",...`.
fn wrapped_stream(frame: &[u8]) -> Option<&[u8]> {
    let rest = frame.strip_prefix(br#"{"stream":""#)?;
    let end = rest.iter().position(|&byte| byte == b'"')?;
    Some(&rest[..end]).filter(|name| !name.is_empty() && !name.contains(&b'\\'))
}

impl BinanceJsonl {
    fn time(
        &mut self,
        text: &[u8],
        slot: &mut Slot,
    ) -> Result<pitlane_domain::units::WallNs, Refusal> {
        let Some((time, unit)) = by_magnitude(text) else {
            let text = String::from_utf8_lossy(&text[..text.len().min(40)]);
            return Err(Refusal::new("bad_time", format!("`{text}` is not a time")));
        };
        if self.unit.replace(unit).is_some_and(|before| before != unit) {
            slot.unit_changes += 1;
        }
        Ok(time)
    }

    /// Every form but the usual one.
    fn other(
        &mut self,
        time: Option<&[u8]>,
        frame: &[u8],
        frame_at: usize,
        slot: &mut Slot,
    ) -> Result<Parsed, Refusal> {
        let not_json = |error: serde_json::Error| Refusal::new("not_json", error.to_string());
        let outer: Outer = serde_json::from_slice(frame).map_err(not_json)?;
        let (stream, body, message) = match outer.shape() {
            Shape::Combined { stream, data } => (Some(stream), frame, data.as_bytes()),
            Shape::Recorded {
                t, stream, message, ..
            } if time.is_none() => {
                slot.ts_recv = self.time(t.as_bytes(), slot)?;
                let message = message.as_bytes();
                // `m` may be the combined form again; the recorder's stream name stands.
                return Ok(self.frame(stream.as_bytes(), frame, frame_at, message, slot));
            }
            Shape::Recorded { .. } | Shape::Bare => (None, frame, frame),
        };
        let message: Message = serde_json::from_slice(message).map_err(not_json)?;
        let time = time.or(message.time().map(str::as_bytes));
        let time = time
            .ok_or_else(|| Refusal::new("no_time", "neither a receive time nor an event time"))?;
        slot.ts_recv = self.time(time, slot)?;
        let name = match stream {
            Some(stream) => stream.to_owned(),
            None => self.name(&message)?,
        };
        Ok(self.frame(name.as_bytes(), frame, frame_at, body, slot))
    }

    fn frame(
        &mut self,
        stream: &[u8],
        frame: &[u8],
        frame_at: usize,
        body: &[u8],
        slot: &mut Slot,
    ) -> Parsed {
        if let Some(symbol) = stream_symbol(stream) {
            self.symbols.saw(symbol);
        }
        slot.set_stream(stream);
        let start = frame_at + (body.as_ptr().addr() - frame.as_ptr().addr());
        slot.range = Some(start..start + body.len());
        Parsed::Frame
    }

    /// The stream of a message that names none.
    fn name(&self, message: &Message) -> Result<String, Refusal> {
        match message.sort() {
            Sort::ExchangeInfo => Ok("@exchangeInfo".to_owned()),
            Sort::Reply => Ok(String::new()),
            Sort::Snapshot => {
                let stated = message.symbol().and_then(|s| Symbol::new(s.as_bytes()));
                let symbol = stated.or(self.symbol).or(self.symbols.only());
                let symbol = symbol.ok_or_else(|| {
                    let detail =
                        "a book snapshot without a symbol, and the file has several (or none)";
                    Refusal::new("ambiguous_symbol", detail)
                })?;
                Ok(format!(
                    "{}@depthSnapshot",
                    symbol.as_str().to_ascii_lowercase()
                ))
            }
            Sort::Event => message.stream().ok_or_else(|| {
                Refusal::new(
                    "no_stream",
                    "neither a stream name nor an event and a symbol",
                )
            }),
        }
    }
}
