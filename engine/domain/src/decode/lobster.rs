//! LOBSTER message files: `time,type,order id,size,price x 10^4,direction`, one line a frame.
//!
//! The time counts seconds since a midnight the line does not name, so there is no `ts_event`. The symbol stands in
//! the stream's name. The direction is that of the resting order: 1 buys, -1 sells.

use super::columns::Columns;
use super::fields::Grids;
use super::{Decoded, Fact, Fault, Reason, Reject, stream_instrument};
use crate::instrument::{InstrumentTable, Venue};
use crate::message::{Order, OrderAction, Side};
use crate::units::{DecimalError, Grid, Lots, Ticks};

const TIME: usize = 0;
const TYPE: usize = 1;
const ID: usize = 2;
const SIZE: usize = 3;
const PRICE: usize = 4;
const DIRECTION: usize = 5;

/// Prices count ten-thousandths.
const PRICE_DECIMALS: u8 = 4;

/// Decodes one line; see [`super::decode`].
pub(super) fn decode(
    stream: &[u8],
    frame: &[u8],
    table: &InstrumentTable,
) -> Result<Decoded, Reject> {
    let columns = Columns::of(frame).map_err(Fault::alone)?;
    let (instrument, grids) =
        stream_instrument(Venue::Lobster, stream, table).map_err(Fault::alone)?;
    let order = order(&columns, grids).map_err(|fault| fault.with(Some(instrument)))?;
    Ok(Decoded::Fact {
        instrument,
        ts_event: None,
        fact: Fact::Order(order),
    })
}

fn order(columns: &Columns<'_, 6>, grids: Grids) -> Result<Order, Fault> {
    check_time(columns)?;
    let side = match columns.text(DIRECTION) {
        b"1" => Side::Bid,
        b"-1" => Side::Ask,
        _ => return columns.fault(DIRECTION, Reason::WrongType),
    };
    let action = match columns.text(TYPE) {
        b"1" => OrderAction::Add,
        b"2" | b"3" => OrderAction::Cancel,
        b"4" => OrderAction::Execute,
        // Executions of hidden orders, and crosses: the orders behind them are not in the book.
        b"5" | b"6" => OrderAction::Trade,
        b"7" => OrderAction::Status,
        _ => return columns.fault(TYPE, Reason::WrongType),
    };
    let id = columns.signed(ID)?;
    let mut order = Order {
        action,
        side,
        order_id: u64::try_from(id).unwrap_or(0),
        px: Ticks::ZERO,
        qty: Lots::ZERO,
        other_id: 0,
        last: true,
        snapshot: false,
    };
    if action == OrderAction::Status {
        // A halt: size and price are codes of their own.
        columns.signed(SIZE)?;
        columns.signed(PRICE)?;
        return Ok(order);
    }
    if action != OrderAction::Trade && id < 0 {
        return columns.fault(ID, Reason::OutOfRange);
    }
    let qty = columns.quantity_positive(SIZE, grids.lot)?;
    // A deletion names what was left; here 0 says that nothing is left.
    order.qty = if columns.text(TYPE) == b"3" {
        Lots::ZERO
    } else {
        qty
    };
    order.px = columns.price(PRICE, PRICE_DECIMALS, grids.tick)?;
    if order.px <= Ticks::ZERO {
        return columns.fault(PRICE, Reason::NotPositive);
    }
    Ok(order)
}

/// Seconds in plain decimals, however many.
fn check_time(columns: &Columns<'_, 6>) -> Result<(), Fault> {
    match columns.decimal(TIME, Grid::UNIT) {
        Ok(0..) | Err(DecimalError::OffStep) if columns.text(TIME)[0] != b'-' => Ok(()),
        Ok(_) | Err(DecimalError::OffStep | DecimalError::OutOfRange) => {
            columns.fault(TIME, Reason::OutOfRange)
        }
        Err(DecimalError::NotANumber) => columns.fault(TIME, Reason::WrongType),
    }
}

#[cfg(test)]
mod tests;
