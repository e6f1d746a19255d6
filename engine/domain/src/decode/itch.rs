//! NASDAQ TotalView-ITCH 5.0: one message without its length prefix, numbers big-endian.
//!
//! Most messages name their stock only by the locate code of the day's directory, so the symbol is taken from the
//! stream's name, which whoever splits the feed knows. Times are nanoseconds since a midnight that the message does
//! not name, so there is no `ts_event`. Every message type has one length; any other length is refused.

use super::fields::{Grids, price_reason, quantity_reason};
use super::{
    Decoded, Fact, Fault, Notice, Reason, Reject, decimal, stream_instrument, stream_symbol,
};
use crate::instrument::{InstrumentTable, Venue};
use crate::message::{Order, OrderAction, Side};
use crate::units::{Lots, Ticks};

/// Prices count ten-thousandths.
const PRICE_DECIMALS: u8 = 4;

/// Decodes one message; see [`super::decode`].
pub(super) fn decode(
    stream: &[u8],
    frame: &[u8],
    table: &InstrumentTable,
) -> Result<Decoded, Reject> {
    let message = Wire(frame);
    let kind = frame[0];
    if length(kind) != Some(frame.len()) {
        return Err(Fault::malformed(0).alone());
    }
    // The states of the whole market concern no single stock.
    if matches!(kind, b'S' | b'V' | b'W') && stream_symbol(stream).is_empty() {
        return Ok(Decoded::Notice(Notice::Unused));
    }
    let (instrument, grids) =
        stream_instrument(Venue::Itch, stream, table).map_err(Fault::alone)?;
    let order = order(message, kind, grids).map_err(|fault| fault.with(Some(instrument)))?;
    Ok(Decoded::Fact {
        instrument,
        ts_event: None,
        fact: Fact::Order(order),
    })
}

/// Bytes of a message of that type.
fn length(kind: u8) -> Option<usize> {
    Some(match kind {
        b'S' | b'W' => 12,
        b'B' | b'D' => 19,
        b'Y' | b'N' => 20,
        b'h' => 21,
        b'X' => 23,
        b'H' => 25,
        b'L' => 26,
        b'K' => 28,
        b'E' => 31,
        b'V' | b'J' | b'U' => 35,
        b'A' | b'C' => 36,
        b'R' => 39,
        b'F' | b'Q' => 40,
        b'P' => 44,
        b'O' => 48,
        b'I' => 50,
        _ => return None,
    })
}

fn order(message: Wire<'_>, kind: u8, grids: Grids) -> Result<Order, Fault> {
    let mut order = Order {
        action: OrderAction::Status,
        side: Side::Bid,
        order_id: 0,
        px: Ticks::ZERO,
        qty: Lots::ZERO,
        other_id: 0,
        last: true,
        snapshot: false,
    };
    match kind {
        b'A' | b'F' => {
            order.action = OrderAction::Add;
            order.order_id = message.u64(11);
            order.side = message.side(19)?;
            order.qty = message.shares(20, grids)?;
            order.px = message.price(32, grids)?;
        }
        b'E' | b'C' => {
            order.action = OrderAction::Execute;
            order.order_id = message.u64(11);
            order.qty = message.shares(19, grids)?;
            order.other_id = message.u64(23);
            if kind == b'C' {
                order.px = message.price(32, grids)?;
            }
        }
        b'X' => {
            order.action = OrderAction::Cancel;
            order.order_id = message.u64(11);
            // 0 would mean the whole order.
            order.qty = message.shares(19, grids)?;
        }
        b'D' => {
            order.action = OrderAction::Cancel;
            order.order_id = message.u64(11);
        }
        b'U' => {
            order.action = OrderAction::Replace;
            order.order_id = message.u64(11);
            order.other_id = message.u64(19);
            order.qty = message.shares(27, grids)?;
            order.px = message.price(31, grids)?;
        }
        b'P' => {
            order.action = OrderAction::Trade;
            order.order_id = message.u64(11);
            order.side = message.side(19)?;
            order.qty = message.shares(20, grids)?;
            order.px = message.price(32, grids)?;
            order.other_id = message.u64(36);
        }
        // A cross and a broken trade name the match they are about.
        b'Q' => order.other_id = message.u64(31),
        b'B' => order.other_id = message.u64(11),
        _ => {}
    }
    Ok(order)
}

/// A message whose length has been checked.
#[derive(Clone, Copy)]
struct Wire<'a>(&'a [u8]);

impl Wire<'_> {
    fn bytes<const N: usize>(self, at: usize) -> [u8; N] {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        *bytes.expect("the length of each type covers its fields")
    }

    fn u64(self, at: usize) -> u64 {
        u64::from_be_bytes(self.bytes(at))
    }

    fn u32(self, at: usize) -> u32 {
        u32::from_be_bytes(self.bytes(at))
    }

    fn side(self, at: usize) -> Result<Side, Fault> {
        match self.0[at] {
            b'B' => Ok(Side::Bid),
            b'S' => Ok(Side::Ask),
            _ => Err(Fault::new(Reason::WrongType, at)),
        }
    }

    /// A price greater than 0.
    fn price(self, at: usize, grids: Grids) -> Result<Ticks, Fault> {
        match decimal::rescaled(i64::from(self.u32(at)), PRICE_DECIMALS, grids.tick) {
            Ok(steps @ 1..) => Ok(Ticks(steps)),
            Ok(_) => Err(Fault::new(Reason::NotPositive, at)),
            Err(error) => Err(Fault::new(price_reason(error), at)),
        }
    }

    /// A number of shares greater than 0.
    fn shares(self, at: usize, grids: Grids) -> Result<Lots, Fault> {
        match decimal::rescaled(i64::from(self.u32(at)), 0, grids.lot) {
            Ok(steps @ 1..) => Ok(Lots(steps)),
            Ok(_) => Err(Fault::new(Reason::NotPositive, at)),
            Err(error) => Err(Fault::new(quantity_reason(error), at)),
        }
    }
}

#[cfg(test)]
mod tests;
