//! The FX gateway: JSON ticks of bid and ask, a package about each symbol, and how the gateway does.
//!
//! | message | becomes |
//! |---|---|
//! | `tick` | a tick, or a refusal: nothing between |
//! | `symbolDataPackage` | the day so far, its minute bars, and how far a day goes |
//! | `status`, `ready`, `error` | a notice |
//!
//! Prices, volumes and the time may be written as numbers or as texts, always in plain decimals: an exponent is
//! refused.

mod heard;
mod package;

use super::fields::{Grids, Reader, price_reason, quantity_reason, venue_time};
use super::json::{Cursor, Shape, Value};
use super::object::frame_members;
use super::{Decoded, Fact, Fault, Levels, Notice, Reason, Reject, decimal};
use crate::instrument::{InstrumentId, InstrumentTable, Symbol, Venue};
use crate::message::FxTick;
use crate::units::{DecimalError, Grid, Lots, Ticks, WallNs};

pub use heard::{Heard, hear};
pub use package::BARS_MAX;

/// How a gateway stands with the market behind it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GatewayStatus {
    /// Not connected, and not trying.
    Disconnected,
    /// On its way.
    Connecting,
    /// Ticks may come.
    Connected,
    /// Something is wrong; its message says what.
    Error,
}

impl GatewayStatus {
    /// The status of that name.
    fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"disconnected" => Self::Disconnected,
            b"connecting" => Self::Connecting,
            b"connected" => Self::Connected,
            b"error" => Self::Error,
            _ => return None,
        })
    }

    /// Its number in the sequence, from 1; 0 is a gateway that has not said.
    pub fn code(self) -> u64 {
        match self {
            Self::Disconnected => 1,
            Self::Connecting => 2,
            Self::Connected => 3,
            Self::Error => 4,
        }
    }
}

#[derive(Default)]
struct Fields {
    kind: Value,
    symbol: Value,
    bid: Value,
    ask: Value,
    bid_volume: Value,
    ask_volume: Value,
    timestamp: Value,
}

/// Decodes one message; see [`super::decode`].
pub(super) fn decode(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
) -> Result<Decoded, Reject> {
    let mut instrument = None;
    read(frame, table, levels, &mut instrument).map_err(|fault| fault.with(instrument))
}

fn read(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
    known: &mut Option<InstrumentId>,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let Some(fields) = scan(frame)? else {
        return Err(Fault::new(Reason::WrongType, 0));
    };
    match reader.text(fields.kind)? {
        b"tick" => {}
        b"symbolDataPackage" => return package::read(reader, table, levels, known),
        b"ready" => return ready(frame),
        b"status" => return status(frame),
        b"error" => return Ok(Decoded::Notice(Notice::VenueError { code: 0 })),
        _ => return Ok(Decoded::Notice(Notice::Unused)),
    }
    let (instrument, grids) = find(reader, fields.symbol, table)?;
    *known = Some(instrument);
    let bid = price(reader, fields.bid, grids)?;
    let ask = price(reader, fields.ask, grids)?;
    if ask < bid {
        return fields.ask.fault(Reason::Crossed);
    }
    let tick = FxTick {
        bid,
        ask,
        bid_qty: volume(reader, fields.bid_volume, grids)?,
        ask_qty: volume(reader, fields.ask_volume, grids)?,
    };
    Ok(Decoded::Fact {
        instrument,
        ts_event: Some(time(reader, fields.timestamp)?),
        fact: Fact::FxTick(tick),
    })
}

/// The instrument a message names.
fn find(
    reader: Reader<'_>,
    symbol: Value,
    table: &InstrumentTable,
) -> Result<(InstrumentId, Grids), Fault> {
    let id = table.find(Venue::Fx, reader.text(symbol)?);
    match id.and_then(|id| Some((id, Grids::of(table.get(id)?)))) {
        Some(found) => Ok(found),
        None => symbol.fault(Reason::UnknownSymbol),
    }
}

/// `{"type":"status","status":"connected","message":".."}`
fn status(frame: &[u8]) -> Result<Decoded, Fault> {
    let keys: [&[u8]; 1] = [b"status"];
    let [status] = frame_members(frame, &keys)?.unwrap_or_default();
    match GatewayStatus::named(Reader(frame).text(status)?) {
        Some(status) => Ok(Decoded::Notice(Notice::GatewayStatus(status))),
        None => status.fault(Reason::OutOfRange),
    }
}

/// `{"type":"ready","availableSymbols":["EURUSD"]}`
fn ready(frame: &[u8]) -> Result<Decoded, Fault> {
    let keys: [&[u8]; 1] = [b"availableSymbols"];
    let [symbols] = frame_members(frame, &keys)?.unwrap_or_default();
    Reader(frame).array(symbols)?;
    Ok(Decoded::Notice(Notice::GatewayReady))
}

/// The symbols of a frame that was [`Notice::GatewayReady`]; names that can be no symbol are left out.
pub fn ready_symbols(frame: &[u8]) -> Vec<Symbol> {
    let keys: [&[u8]; 1] = [b"availableSymbols"];
    let mut found = Vec::new();
    let Ok(Some([symbols])) = frame_members(frame, &keys) else {
        return found;
    };
    if symbols.shape() != Shape::Array {
        return found;
    }
    let read = Cursor::at(frame, symbols.start()).array(|cursor| {
        let value = cursor.value()?;
        if value.shape() == Shape::Text {
            found.extend(Symbol::new(value.of(frame)));
        }
        Ok(())
    });
    // The frame was read before, so this one cannot fail.
    debug_assert!(read.is_ok());
    found
}

/// The symbol that an error or a package names, if it does.
pub fn symbol_of(frame: &[u8]) -> Option<Symbol> {
    let keys: [&[u8]; 1] = [b"symbol"];
    let [symbol] = frame_members(frame, &keys).ok().flatten()?;
    (symbol.shape() == Shape::Text).then(|| Symbol::new(symbol.of(frame)))?
}

/// Where the fields stand; `None` if the frame is JSON, but not an object.
fn scan(frame: &[u8]) -> Result<Option<Fields>, Fault> {
    let mut cursor = Cursor::new(frame);
    let mut fields = Fields::default();
    let is_object = cursor.peek() == Some(b'{');
    if is_object {
        cursor.object(|cursor, key| {
            let value = cursor.value()?;
            match key {
                b"type" => fields.kind = value,
                b"symbol" => fields.symbol = value,
                b"bid" => fields.bid = value,
                b"ask" => fields.ask = value,
                b"bidVolume" => fields.bid_volume = value,
                b"askVolume" => fields.ask_volume = value,
                b"timestamp" => fields.timestamp = value,
                _ => {}
            }
            Ok(())
        })?;
    } else {
        cursor.value()?;
    }
    cursor.finish()?;
    Ok(is_object.then_some(fields))
}

/// The bytes of a number, or of a text that should be one.
fn digits(reader: Reader<'_>, value: Value) -> Result<&[u8], Fault> {
    match value.shape() {
        Shape::Digits | Shape::Number => Ok(value.of(reader.0)),
        _ => reader.text(value),
    }
}

fn steps(reader: Reader<'_>, value: Value, grid: Grid) -> Result<Result<i64, DecimalError>, Fault> {
    digits(reader, value)?;
    let (start, end) = (value.start(), value.end());
    Ok(decimal::steps(reader.0, start, end, grid))
}

fn price(reader: Reader<'_>, value: Value, grids: Grids) -> Result<Ticks, Fault> {
    match steps(reader, value, grids.tick)? {
        Ok(steps @ 1..) => Ok(Ticks(steps)),
        Ok(_) => value.fault(Reason::NotPositive),
        Err(error) => value.fault(price_reason(error)),
    }
}

/// A volume, which few sources have.
fn volume(reader: Reader<'_>, value: Value, grids: Grids) -> Result<Lots, Fault> {
    if !value.is_given() {
        return Ok(Lots::ZERO);
    }
    match steps(reader, value, grids.lot)? {
        Ok(steps @ 0..) => Ok(Lots(steps)),
        Ok(_) => value.fault(Reason::NotPositive),
        Err(error) => value.fault(quantity_reason(error)),
    }
}

/// Milliseconds with decimals down to the nanosecond, or a whole number in the unit its size shows.
fn time(reader: Reader<'_>, value: Value) -> Result<WallNs, Fault> {
    let text = digits(reader, value)?;
    let time = if text.contains(&b'.') {
        // 10^-6 ms is a nanosecond.
        let nanoseconds = Grid::new(1, 6).unwrap_or(Grid::UNIT);
        decimal::steps_floor(text, nanoseconds).map(|ns| {
            let ms = u64::try_from(ns / 1_000_000).ok();
            ms.and_then(venue_time).map(|_| WallNs(ns))
        })
    } else {
        let count = Grid::UNIT.parse(text);
        count.map(|count| u64::try_from(count).ok().and_then(venue_time))
    };
    match time {
        Ok(Some(time)) => Ok(time),
        Ok(None) => value.fault(Reason::OutOfRange),
        Err(error) => value.fault(price_reason(error)),
    }
}

#[cfg(test)]
mod tests;
