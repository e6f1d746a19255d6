//! The FX gateway: JSON ticks of bid and ask.
//!
//! Prices, volumes and the time may be written as numbers or as texts, always in plain decimals: an exponent is
//! refused. Other messages of the gateway (status, ready, packages) are noticed, not used.

use super::fields::{Grids, Reader, price_reason, quantity_reason, venue_time};
use super::json::{Cursor, Shape, Value};
use super::{Decoded, Fact, Fault, Notice, Reason, Reject, decimal};
use crate::instrument::{InstrumentId, InstrumentTable, Venue};
use crate::message::FxTick;
use crate::units::{DecimalError, Grid, Lots, Ticks, WallNs};

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
pub(super) fn decode(frame: &[u8], table: &InstrumentTable) -> Result<Decoded, Reject> {
    let mut instrument = None;
    read(frame, table, &mut instrument).map_err(|fault| fault.with(instrument))
}

fn read(
    frame: &[u8],
    table: &InstrumentTable,
    known: &mut Option<InstrumentId>,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let Some(fields) = scan(frame)? else {
        return Err(Fault::new(Reason::WrongType, 0));
    };
    match reader.text(fields.kind)? {
        b"tick" => {}
        b"error" => return Ok(Decoded::Notice(Notice::VenueError { code: 0 })),
        _ => return Ok(Decoded::Notice(Notice::Unused)),
    }
    let symbol = reader.text(fields.symbol)?;
    let found = table.find(Venue::Fx, symbol);
    let Some((instrument, row)) = found.and_then(|id| Some((id, table.get(id)?))) else {
        return fields.symbol.fault(Reason::UnknownSymbol);
    };
    *known = Some(instrument);
    let grids = Grids::of(row);
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
