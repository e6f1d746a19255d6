//! Binance's published tables of aggregate trades and klines, row by row as the stream message of the same fact.
//!
//! A trade is received at its time, a kline at its close: a bar is not known before it ends.
//! Numbers keep their text, times the unit of the file (ms, since 2025 also us).

use super::input::{Input, LineRead, Lines};
use super::json::is_coin_margined;
use super::lines::{LineParser, LineSource, Parsed, Refusal, Slot};
use super::table::Row;
use super::time::{Unit, by_magnitude};
use super::{Format, ImportOptions, names};
use crate::source::{FrameSource, SourceError};
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_domain::units::WallNs;
use std::path::Path;

/// Columns of a spot trade; futures lack the last.
const TRADE_COLUMNS_SPOT: usize = 8;
const KLINE_COLUMNS: usize = 12;

pub(super) fn open_agg_trades(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let input = Input::open(path)?;
    let symbol = symbol(&input, options)?;
    let columns = columns(path)?;
    let venue = options.venue.unwrap_or_else(|| {
        let futures = columns < TRADE_COLUMNS_SPOT;
        match (is_coin_margined(symbol.as_str()), futures) {
            (true, _) => Venue::BinanceCoinm,
            (false, true) => Venue::BinanceUsdm,
            (false, false) => Venue::BinanceSpot,
        }
    });
    let parser = Trades {
        symbol,
        stream: stream(symbol, "aggTrade"),
        columns: columns.clamp(TRADE_COLUMNS_SPOT - 1, TRADE_COLUMNS_SPOT),
        unit: None,
    };
    let format = Format::BinanceAggTradesCsv;
    Ok(Box::new(LineSource::new(
        input,
        format,
        venue,
        options.on_bad,
        parser,
    )))
}

pub(super) fn open_klines(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let input = Input::open(path)?;
    let symbol = symbol(&input, options)?;
    // The rows of the markets look alike.
    let venue = options
        .venue
        .unwrap_or(if is_coin_margined(symbol.as_str()) {
            Venue::BinanceCoinm
        } else {
            Venue::BinanceSpot
        });
    let parser = Klines { symbol, unit: None };
    let format = Format::BinanceKlinesCsv;
    Ok(Box::new(LineSource::new(
        input,
        format,
        venue,
        options.on_bad,
        parser,
    )))
}

fn symbol(input: &Input, options: &ImportOptions) -> Result<Symbol, SourceError> {
    let name = input.name();
    options
        .symbol
        .or_else(|| names::first_symbol(&name))
        .ok_or_else(|| {
            let reason =
                format!("the file name {name} does not begin with a symbol; name the symbol");
            SourceError::unusable(&input.path, reason)
        })
}

fn stream(symbol: Symbol, kind: &str) -> Vec<u8> {
    format!("{}@{kind}", symbol.as_str().to_ascii_lowercase()).into_bytes()
}

/// Columns of the first row of data; 0 if there is none.
fn columns(path: &Path) -> Result<usize, SourceError> {
    let mut lines = Lines::new(Input::open(path)?);
    while let LineRead::Line = lines.read()? {
        let row = Row::of(lines.line());
        if !row.is_header() && !row.text(0).is_empty() {
            return Ok(row.len());
        }
    }
    Ok(0)
}

/// A blank line, or column names on the first.
fn is_control(number: u64, row: &Row) -> bool {
    (row.len() == 1 && row.text(0).is_empty()) || (number == 1 && row.is_header())
}

fn time(
    row: &Row,
    column: usize,
    unit: &mut Option<Unit>,
    slot: &mut Slot,
) -> Result<WallNs, Refusal> {
    let text = row.integer(column)?;
    let known = by_magnitude(text);
    row.check(column, known.is_some(), "a time")?;
    let (time, now) = known.expect("checked above");
    if unit.replace(now).is_some_and(|before| before != now) {
        slot.unit_changes += 1;
    }
    Ok(time)
}

/// Appends `"key":value` pairs of an object.
struct Object<'a>(&'a mut Vec<u8>);

impl Object<'_> {
    fn raw(&mut self, key: &str, value: &[u8]) -> &mut Self {
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
        self.0.extend_from_slice(value);
        self.0.push(b',');
        self
    }

    fn text(&mut self, key: &str, value: &[u8]) -> &mut Self {
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":\"");
        self.0.extend_from_slice(value);
        self.0.extend_from_slice(b"\",");
        self
    }

    fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, if value { b"true" } else { b"false" })
    }

    fn end(&mut self) {
        self.0.pop();
        self.0.push(b'}');
    }
}

struct Trades {
    symbol: Symbol,
    stream: Vec<u8>,
    columns: usize,
    unit: Option<Unit>,
}

impl LineParser for Trades {
    fn parse(&mut self, number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let row = Row::of(line);
        if is_control(number, &row) {
            return Ok(Parsed::Control);
        }
        row.expect_columns(self.columns)?;
        let (id, first, last) = (row.integer(0)?, row.integer(3)?, row.integer(4)?);
        let (px, qty) = (row.decimal(1)?, row.decimal(2)?);
        let is_buyer_maker = row.boolean(6)?;
        let best_match = match self.columns {
            TRADE_COLUMNS_SPOT => Some(row.boolean(7)?),
            _ => None,
        };
        slot.ts_recv = time(&row, 5, &mut self.unit, slot)?;
        slot.set_stream(&self.stream);
        slot.text.clear();
        slot.text.push(b'{');
        let mut object = Object(&mut slot.text);
        object
            .text("e", b"aggTrade")
            .raw("E", row.text(5))
            .text("s", self.symbol.as_bytes())
            .raw("a", id)
            .text("p", px)
            .text("q", qty)
            .raw("f", first)
            .raw("l", last)
            .raw("T", row.text(5))
            .flag("m", is_buyer_maker);
        if let Some(best_match) = best_match {
            object.flag("M", best_match);
        }
        object.end();
        Ok(Parsed::Frame)
    }
}

struct Klines {
    symbol: Symbol,
    unit: Option<Unit>,
}

impl LineParser for Klines {
    fn parse(&mut self, number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let row = Row::of(line);
        if is_control(number, &row) {
            return Ok(Parsed::Control);
        }
        row.expect_columns(KLINE_COLUMNS)?;
        let open = time(&row, 0, &mut self.unit, slot)?;
        let close = time(&row, 6, &mut self.unit, slot)?;
        let interval = interval(open, close);
        row.check(6, interval.is_some(), "the close of a known interval")?;
        let interval = interval.expect("checked above");
        let trades = row.integer(8)?;
        for column in [1, 2, 3, 4, 5, 7, 9, 10] {
            row.decimal(column)?;
        }
        slot.ts_recv = close;
        slot.set_stream(&stream(self.symbol, &format!("kline_{interval}")));
        slot.text.clear();
        slot.text.push(b'{');
        let mut object = Object(&mut slot.text);
        object
            .text("e", b"kline")
            .raw("E", row.text(6))
            .text("s", self.symbol.as_bytes())
            .raw("k", b"{");
        object.0.pop();
        object
            .raw("t", row.text(0))
            .raw("T", row.text(6))
            .text("s", self.symbol.as_bytes())
            .text("i", interval.as_bytes())
            .text("o", row.text(1))
            .text("c", row.text(4))
            .text("h", row.text(2))
            .text("l", row.text(3))
            .text("v", row.text(5))
            .raw("n", trades)
            .flag("x", true)
            .text("q", row.text(7))
            .text("V", row.text(9))
            .text("Q", row.text(10))
            .end();
        slot.text.push(b'}');
        Ok(Parsed::Frame)
    }
}

/// The venue's name of the interval between a bar's open and its close, which is its last ms or us.
fn interval(open: WallNs, close: WallNs) -> Option<&'static str> {
    const DAY: i64 = 86_400;
    let span = close.0.checked_sub(open.0)?;
    let seconds = span.checked_add(999_999_999)? / 1_000_000_000;
    Some(match seconds {
        1 => "1s",
        60 => "1m",
        180 => "3m",
        300 => "5m",
        900 => "15m",
        1800 => "30m",
        3600 => "1h",
        7200 => "2h",
        14_400 => "4h",
        21_600 => "6h",
        28_800 => "8h",
        43_200 => "12h",
        DAY => "1d",
        259_200 => "3d",
        604_800 => "1w",
        month if (28 * DAY..=31 * DAY).contains(&month) => "1M",
        _ => return None,
    })
}
