//! The venue's instrument table: tick sizes, lot sizes and whether it trades. Read at start, so it may allocate.

use crate::decode::fields::Reader;
use crate::decode::json::{Cursor, Value};
use crate::decode::{EXCHANGE_INFO_BYTES_MAX, Fault, Reason, Reject};
use crate::instrument::{Symbol, Venue};
use crate::units::Grid;

/// An instrument as the venue lists it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedInstrument {
    /// The venue's symbol.
    pub symbol: Symbol,
    /// `PRICE_FILTER.tickSize`.
    pub tick_size: Grid,
    /// `LOT_SIZE.stepSize`.
    pub lot_size: Grid,
    /// Its status is `TRADING`.
    pub status_trading: bool,
}

/// Reads an `exchangeInfo` reply, raw or under `data`, of spot and futures alike.
///
/// An instrument this engine cannot carry is left out: a symbol it cannot write, or no tick size or lot size
/// (the venue writes 0 where it has switched a filter off).
pub fn exchange_info(_venue: Venue, frame: &[u8]) -> Result<Vec<ListedInstrument>, Reject> {
    read(frame).map_err(Fault::alone)
}

fn read(frame: &[u8]) -> Result<Vec<ListedInstrument>, Fault> {
    if frame.is_empty() {
        return Err(Fault::new(Reason::Empty, 0));
    }
    if frame.len() > EXCHANGE_INFO_BYTES_MAX {
        return Err(Fault::new(Reason::TooLong, EXCHANGE_INFO_BYTES_MAX));
    }
    let reader = Reader(frame);
    let mut cursor = Cursor::new(frame);
    let whole = cursor.value()?;
    cursor.finish()?;
    let mut symbols = member(frame, whole, b"symbols")?;
    if !symbols.is_given() {
        let data = member(frame, whole, b"data")?;
        if data.is_given() {
            symbols = member(frame, data, b"symbols")?;
        }
    }
    let mut listed = Vec::new();
    Cursor::at(frame, reader.array(symbols)?.start()).array(|cursor| {
        let row = cursor.value()?;
        listed.extend(instrument(reader, row)?);
        Ok(())
    })?;
    Ok(listed)
}

/// The value of a key of an object.
fn member(frame: &[u8], object: Value, wanted: &[u8]) -> Result<Value, Fault> {
    let mut found = Value::default();
    Cursor::at(frame, Reader(frame).object(object)?.start()).object(|cursor, key| {
        let value = cursor.value()?;
        if key == wanted {
            found = value;
        }
        Ok(())
    })?;
    Ok(found)
}

fn instrument(reader: Reader<'_>, row: Value) -> Result<Option<ListedInstrument>, Fault> {
    let [mut symbol, mut status, mut filters] = [Value::default(); 3];
    Cursor::at(reader.0, reader.object(row)?.start()).object(|cursor, key| {
        let value = cursor.value()?;
        match key {
            b"symbol" => symbol = value,
            // COIN-M has its own word for it.
            b"status" | b"contractStatus" => status = value,
            b"filters" => filters = value,
            _ => {}
        }
        Ok(())
    })?;
    let symbol = Symbol::new(reader.text(symbol)?);
    let status_trading = reader.text(status)? == b"TRADING";
    let (mut tick_size, mut lot_size) = (None, None);
    Cursor::at(reader.0, reader.array(filters)?.start()).array(|cursor| {
        let filter = cursor.value()?;
        match reader.text(member(reader.0, filter, b"filterType")?)? {
            b"PRICE_FILTER" => tick_size = step(reader, filter, b"tickSize")?,
            b"LOT_SIZE" => lot_size = step(reader, filter, b"stepSize")?,
            _ => {}
        }
        Ok(())
    })?;
    let row = (symbol, tick_size, lot_size);
    let (Some(symbol), Some(tick_size), Some(lot_size)) = row else {
        return Ok(None);
    };
    Ok(Some(ListedInstrument {
        symbol,
        tick_size,
        lot_size,
        status_trading,
    }))
}

fn step(reader: Reader<'_>, filter: Value, key: &[u8]) -> Result<Option<Grid>, Fault> {
    let text = reader.text(member(reader.0, filter, key)?)?;
    Ok(Grid::of_step(text).ok())
}

#[cfg(test)]
mod tests;
