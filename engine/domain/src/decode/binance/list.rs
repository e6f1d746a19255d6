//! Replies of REST that hold many facts: arrays of trades and of bars.
//!
//! Such an array names no symbol and no type, so the stream's name has to: `btcusdt@aggTrades`,
//! `btcusdt@historicalTrades`, `btcusdt@klines_1m`. Spot and futures differ in fields nobody needs here.

use super::Frame;
use super::events::{interval_s, trade_of};
use super::scan::Fields;
use crate::decode::fields::{Grids, Reader};
use crate::decode::json::{Cursor, Value};
use crate::decode::{
    Decoded, Element, Fact, Fault, List, ListKind, Notice, Reason, TradeStream, stream_symbol,
};
use crate::message::{Trade, VenueBarPrices, VenueBarVolume};
use crate::units::WallNs;

impl Frame<'_> {
    /// An array. What it holds is read by [`elements`]; of a stream that is no list of ours it is of no use.
    pub(super) fn list(&mut self, array: Value) -> Result<Decoded, Fault> {
        let symbol = stream_symbol(self.stream);
        let Some(kind) = kind(self.stream.get(symbol.len() + 1..).unwrap_or_default()) else {
            return Ok(Decoded::Notice(Notice::Unused));
        };
        let Some((instrument, _)) = self.find(symbol) else {
            return array.fault(Reason::UnknownSymbol);
        };
        Ok(Decoded::List(List {
            instrument,
            kind,
            at: array.start(),
        }))
    }
}

fn kind(name: &[u8]) -> Option<ListKind> {
    match name {
        b"aggTrades" => Some(ListKind::Trades(TradeStream::Aggregate)),
        b"historicalTrades" => Some(ListKind::Trades(TradeStream::Single)),
        _ => {
            let interval_s = interval_s(name.strip_prefix(b"klines_")?)?;
            Some(ListKind::Bars { interval_s })
        }
    }
}

/// An element that is refused, with the id of a trade if that could still be read.
pub(super) type Refused = (Fault, Option<(TradeStream, u64)>);

/// Reads the elements of a list one by one; a bad one does not keep the others from being read.
pub(in crate::decode) fn elements(
    list: List,
    frame: &[u8],
    grids: Grids,
    mut take: impl FnMut(Result<Element, Refused>),
) {
    let reader = Reader(frame);
    // The reader of the frame has checked that it is an array, so nothing here is malformed.
    let whole = Cursor::at(frame, list.at).array(|cursor| {
        let value = cursor.value()?;
        let is_last = cursor.peek() == Some(b']');
        take(match list.kind {
            ListKind::Trades(stream) => {
                let mut id = None;
                trade(reader, value, grids, stream, &mut id).map_err(|fault| (fault, id))
            }
            ListKind::Bars { interval_s } => {
                bar(reader, value, grids, interval_s, is_last).map_err(|fault| (fault, None))
            }
        });
        Ok(())
    });
    debug_assert!(whole.is_ok(), "the frame was read before");
}

fn trade(
    reader: Reader<'_>,
    element: Value,
    grids: Grids,
    stream: TradeStream,
    id: &mut Option<(TradeStream, u64)>,
) -> Result<Element, Fault> {
    let element = reader.object(element)?;
    let (ts_event, trade) = match stream {
        TradeStream::Aggregate => {
            let fields = Fields::of(reader.0, element)?;
            trade_of(reader, &fields, grids, stream, id)?
        }
        TradeStream::Single => single(reader, element, grids, id)?,
    };
    Ok(Element {
        ts_event: Some(ts_event),
        fact: Fact::Trade(
            stream,
            Trade {
                backfilled: true,
                ..trade
            },
        ),
    })
}

/// `{"id","price","qty","quoteQty","time","isBuyerMaker","isBestMatch"}`; futures do not say whether it was the best.
fn single(
    reader: Reader<'_>,
    element: Value,
    grids: Grids,
    seen: &mut Option<(TradeStream, u64)>,
) -> Result<(WallNs, Trade), Fault> {
    let [mut id, mut px, mut qty, mut time, mut maker, mut best] = [Value::default(); 6];
    Cursor::at(reader.0, element.start()).object(|cursor, key| {
        let value = cursor.value()?;
        match key {
            b"id" => id = value,
            b"price" => px = value,
            b"qty" => qty = value,
            b"time" => time = value,
            b"isBuyerMaker" => maker = value,
            b"isBestMatch" => best = value,
            _ => {}
        }
        Ok(())
    })?;
    let id = reader.unsigned(id)?;
    *seen = Some((TradeStream::Single, id));
    let trade = Trade {
        px: reader.price_positive(px, grids)?,
        qty: reader.quantity_positive(qty, grids)?,
        id,
        first_id: id,
        last_id: id,
        is_buyer_maker: reader.boolean(maker)?,
        best_match: !best.is_given() || reader.boolean(best)?,
        backfilled: false,
        off_market: false,
        delayed: false,
    };
    Ok((reader.time(time)?, trade))
}

/// `[open time, open, high, low, close, volume, close time, quote volume, trades, taker base, taker quote, ..]`.
/// The last row is the bar under way.
fn bar(
    reader: Reader<'_>,
    row: Value,
    grids: Grids,
    interval_s: u32,
    is_last: bool,
) -> Result<Element, Fault> {
    let mut values = [Value::default(); 10];
    let mut count = 0;
    Cursor::at(reader.0, reader.array(row)?.start()).array(|cursor| {
        let value = cursor.value()?;
        if let Some(slot) = values.get_mut(count) {
            *slot = value;
        }
        count += 1;
        Ok(())
    })?;
    let [open_ts, open, high, low, close, volume, _, _, trades, taker] = values;
    let price = |value| reader.price_from_zero(value, grids);
    Ok(Element {
        ts_event: None,
        fact: Fact::VenueBar(
            VenueBarPrices {
                interval_s,
                open: price(open)?,
                high: price(high)?,
                low: price(low)?,
                close: price(close)?,
            },
            VenueBarVolume {
                interval_s,
                open_ts: reader.time(open_ts)?,
                volume: reader.quantity_from_zero(volume, grids)?,
                taker_buy_volume: reader.quantity_from_zero(taker, grids)?,
                trades: reader.unsigned(trades)?,
                closed: !is_last,
                history: true,
            },
        ),
    })
}

#[cfg(test)]
mod tests;
