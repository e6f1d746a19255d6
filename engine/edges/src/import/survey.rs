//! What Binance frames give away about themselves: the market they are from, the symbols they are about, and the stream
//! a message belongs to that names none.

use super::input::{Input, LineRead, Lines};
use super::json::{Market, Message, Outer, Shape, Sort, stream_symbol};
use super::lines::Refusal;
use crate::source::SourceError;
use pitlane_domain::instrument::{Symbol, Venue};
use std::path::Path;

/// Lines looked at to find the market. Book tickers, trades and depth updates all occur within the first hundreds.
const SURVEY_LINES: u64 = 4096;

/// What the head of a file gives away.
#[derive(Default)]
pub(super) struct Survey {
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
    /// Reads the head of a file; `frame` takes what stands before the frame off a line.
    pub(super) fn of(path: &Path, frame: impl Fn(&[u8]) -> &[u8]) -> Result<Self, SourceError> {
        let mut lines = Lines::new(Input::open(path)?);
        let mut survey = Self::default();
        while lines.number < SURVEY_LINES {
            match lines.read()? {
                LineRead::Line => survey.frame(frame(lines.line())),
                LineRead::TooLong => {}
                LineRead::End | LineRead::Truncated => break,
            }
        }
        Ok(survey)
    }

    pub(super) fn frame(&mut self, frame: &[u8]) {
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

    /// Whether any frame was one of Binance's.
    pub(super) fn is_binance(&self) -> bool {
        !self.markets.is_empty()
    }

    pub(super) fn venue(&self, path: &Path) -> Result<Venue, SourceError> {
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

    pub(super) fn names(self, stated: Option<Symbol>) -> Names {
        Names {
            stated,
            symbols: self.symbols,
        }
    }
}

/// Gives messages the name of their stream.
#[derive(Default)]
pub(super) struct Names {
    stated: Option<Symbol>,
    symbols: Symbols,
}

impl Names {
    /// Notes the symbol of a stream.
    pub(super) fn saw(&mut self, stream: &[u8]) {
        if let Some(symbol) = stream_symbol(stream) {
            self.symbols.saw(symbol);
        }
    }

    /// The stream of a message that names none.
    pub(super) fn of(&self, message: &Message) -> Result<String, Refusal> {
        match message.sort() {
            Sort::ExchangeInfo => Ok("@exchangeInfo".to_owned()),
            Sort::Reply => Ok(String::new()),
            Sort::Snapshot => {
                let stated = message.symbol().and_then(|s| Symbol::new(s.as_bytes()));
                let symbol = stated.or(self.stated).or(self.symbols.only());
                let symbol = symbol.ok_or_else(|| {
                    let detail =
                        "a book snapshot without a symbol, and the file has several (or none)";
                    Refusal::new("ambiguous_symbol", detail)
                })?;
                Ok(snapshot_stream(symbol.as_str()))
            }
            Sort::Event => message.stream().ok_or_else(|| {
                let detail = "neither a stream name nor an event and a symbol";
                Refusal::new("no_stream", detail)
            }),
        }
    }
}

/// The stream under which the book of a REST reply is handed out.
pub(super) fn snapshot_stream(symbol: &str) -> String {
    format!("{}@depthSnapshot", symbol.to_ascii_lowercase())
}

/// The stream of `{"stream":"name",...`: the form of nearly every line.
pub(super) fn wrapped_stream(frame: &[u8]) -> Option<&[u8]> {
    let rest = frame.strip_prefix(br#"{"stream":""#)?;
    let end = rest.iter().position(|&byte| byte == b'"')?;
    Some(&rest[..end]).filter(|name| !name.is_empty() && !name.contains(&b'\\'))
}

/// Refuses what cannot be a whole JSON object or array, without parsing it.
pub(super) fn check_frame(frame: &[u8]) -> Result<(), Refusal> {
    let (end, shown) = if frame.starts_with(b"[") {
        (b"]", "]")
    } else {
        (b"}", "}")
    };
    if !frame.ends_with(end) {
        let detail = format!("the frame does not end in `{shown}`");
        return Err(Refusal::new("cut_frame", detail));
    }
    if frame.len() > crate::source::FRAME_BYTES_MAX {
        return Err(Refusal::new("too_long", "longer than any frame"));
    }
    Ok(())
}
