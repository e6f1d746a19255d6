//! Market by order as CSV: `ts_recv,ts_event,action,side,price x 10^9,size,order id,flags,sequence`, one line a frame.
//!
//! The symbol stands in the stream's name. A fill (F) is announced before the cancellation or modification that takes
//! it out of the book, so it becomes a `Status` that keeps the order's id: executed here, it would count twice.
//! A trade's side is its aggressor's on the wire and the resting side's here, as in the other order feeds.

use super::columns::Columns;
use super::fields::{Grids, venue_time};
use super::{Decoded, Fact, Fault, Reason, Reject, stream_instrument};
use crate::instrument::{InstrumentTable, Venue};
use crate::message::{Order, OrderAction, Side};
use crate::units::{Lots, Ticks, WallNs};

const TS_RECV: usize = 0;
const TS_EVENT: usize = 1;
const ACTION: usize = 2;
const SIDE: usize = 3;
const PRICE: usize = 4;
const SIZE: usize = 5;
const ID: usize = 6;
const FLAGS: usize = 7;
const SEQUENCE: usize = 8;

/// Prices count 10^-9.
const PRICE_DECIMALS: u8 = 9;
/// Flag of a record of a snapshot.
const SNAPSHOT: u64 = 32;
/// Flag of the last record of an event.
const LAST: u64 = 128;

/// Decodes one line; see [`super::decode`].
pub(super) fn decode(
    stream: &[u8],
    frame: &[u8],
    table: &InstrumentTable,
) -> Result<Decoded, Reject> {
    let columns = Columns::of(frame).map_err(Fault::alone)?;
    let (instrument, grids) = stream_instrument(Venue::Mbo, stream, table).map_err(Fault::alone)?;
    let order = order(&columns, grids).map_err(|fault| fault.with(Some(instrument)))?;
    let ts_event = time(&columns, TS_EVENT).map_err(|fault| fault.with(Some(instrument)))?;
    Ok(Decoded::Fact {
        instrument,
        ts_event: Some(ts_event),
        fact: Fact::Order(order),
    })
}

fn order(columns: &Columns<'_, 9>, grids: Grids) -> Result<Order, Fault> {
    time(columns, TS_RECV)?;
    columns.unsigned(SEQUENCE)?;
    let action = match columns.text(ACTION) {
        b"A" => OrderAction::Add,
        b"C" => OrderAction::Cancel,
        b"M" => OrderAction::Modify,
        b"T" => OrderAction::Trade,
        b"F" => OrderAction::Status,
        b"R" => OrderAction::Clear,
        _ => return columns.fault(ACTION, Reason::WrongType),
    };
    let flags = columns.unsigned(FLAGS)?;
    let order = Order {
        action,
        side: side(columns, action)?,
        order_id: columns.unsigned(ID)?,
        px: price(columns, action, grids)?,
        qty: columns.quantity(SIZE, grids.lot)?,
        other_id: 0,
        last: flags & LAST != 0,
        snapshot: flags & SNAPSHOT != 0,
    };
    if order.qty == Lots::ZERO && matters(action) {
        return columns.fault(SIZE, Reason::NotPositive);
    }
    Ok(order)
}

/// Whether the record has no meaning without a price and a size.
fn matters(action: OrderAction) -> bool {
    use OrderAction::{Add, Modify, Trade};
    matches!(action, Add | Modify | Trade)
}

fn side(columns: &Columns<'_, 9>, action: OrderAction) -> Result<Side, Fault> {
    let is_trade = action == OrderAction::Trade;
    match columns.text(SIDE) {
        b"A" if is_trade => Ok(Side::Bid),
        b"B" if is_trade => Ok(Side::Ask),
        b"A" => Ok(Side::Ask),
        b"B" => Ok(Side::Bid),
        b"N" if !matches!(action, OrderAction::Add | OrderAction::Modify) => Ok(Side::Bid),
        _ => columns.fault(SIDE, Reason::WrongType),
    }
}

/// The price, of either sign; 0 where the record has none, which is written as nothing or as the largest number.
fn price(columns: &Columns<'_, 9>, action: OrderAction, grids: Grids) -> Result<Ticks, Fault> {
    let text = columns.text(PRICE);
    if text.is_empty() || columns.signed(PRICE)? == i64::MAX {
        return if matters(action) {
            columns.fault(PRICE, Reason::MissingField)
        } else {
            Ok(Ticks::ZERO)
        };
    }
    columns.price(PRICE, PRICE_DECIMALS, grids.tick)
}

fn time(columns: &Columns<'_, 9>, column: usize) -> Result<WallNs, Fault> {
    match venue_time(columns.unsigned(column)?) {
        Some(time) => Ok(time),
        None => columns.fault(column, Reason::OutOfRange),
    }
}

#[cfg(test)]
mod tests;
