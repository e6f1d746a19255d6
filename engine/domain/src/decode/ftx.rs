//! FTX, as it was recorded: `{"channel":..,"market":..,"type":..,"data":..}`.
//!
//! A book comes as one `partial` and then as `update`s, each with the checksum of the 100 best levels a side behind it.
//! There are no update ids: the order of receipt counts. Numbers are JSON numbers as Python writes doubles (`2416.0`,
//! `1e-05`), and the checksum is made of that text. Trade ids grow over all markets together.

use super::fields::{Grids, Reader};
use super::json::{Cursor, Value};
use super::{
    Checksum, Decoded, Depth, DepthKind, Fact, Fault, Levels, Notice, Reason, Reject, TimedTrade,
    TradeStream, numbers, quote_of,
};
use crate::instrument::{InstrumentId, InstrumentTable, Venue};
use crate::message::Trade;

/// Decodes one message; see [`super::decode`].
pub(super) fn decode(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
) -> Result<Decoded, Reject> {
    let mut instrument = None;
    read(frame, table, levels, &mut instrument).map_err(|fault| fault.with(instrument))
}

/// The values at the top of a frame; `None` if it is JSON, but not an object.
fn scan(frame: &[u8]) -> Result<Option<[Value; 5]>, Fault> {
    let mut cursor = Cursor::new(frame);
    let fields = if cursor.peek() == Some(b'{') {
        let keys: [&[u8]; 5] = [b"channel", b"market", b"type", b"data", b"code"];
        Some(numbers::members(&mut cursor, keys)?)
    } else {
        cursor.value()?;
        None
    };
    cursor.finish()?;
    Ok(fields)
}

fn read(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
    known: &mut Option<InstrumentId>,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let Some([channel, market, kind, data, code]) = scan(frame)? else {
        return Err(Fault::new(Reason::WrongType, 0));
    };
    let is_partial = match reader.text(kind)? {
        b"subscribed" | b"unsubscribed" => {
            return Ok(Decoded::Notice(Notice::SubscriptionReply));
        }
        b"error" => {
            let code = reader.signed(code)?;
            return Ok(Decoded::Notice(Notice::VenueError { code }));
        }
        b"partial" => true,
        b"update" => false,
        _ => return Ok(Decoded::Notice(Notice::Unused)),
    };
    let channel = reader.text(channel)?;
    if !matches!(channel, b"orderbook" | b"ticker" | b"trades") {
        return Ok(Decoded::Notice(Notice::Unused));
    }
    let symbol = reader.text(market)?;
    let found = table.find(Venue::Ftx, symbol);
    let Some((instrument, row)) = found.and_then(|id| Some((id, table.get(id)?))) else {
        return market.fault(Reason::UnknownSymbol);
    };
    *known = Some(instrument);
    let grids = Grids::of(row);
    match channel {
        b"orderbook" => {
            let kind = if is_partial {
                DepthKind::Snapshot
            } else {
                DepthKind::Diff { prev_id: None }
            };
            let data = reader.object(data)?;
            book(frame, data, instrument, grids, levels, kind)
        }
        b"ticker" => ticker(frame, reader.object(data)?, instrument, grids),
        _ => trades(frame, reader.array(data)?, instrument, grids, levels),
    }
}

fn book(
    frame: &[u8],
    object: Value,
    instrument: InstrumentId,
    grids: Grids,
    levels: &mut Levels,
    kind: DepthKind,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let (mut time, mut checksum) = (Value::default(), Value::default());
    let (mut bids, mut asks) = (false, false);
    Cursor::at(frame, object.start()).object(|cursor, key| {
        let out = match key {
            b"bids" => {
                bids = true;
                &mut levels.bids
            }
            b"asks" => {
                asks = true;
                &mut levels.asks
            }
            _ => {
                let value = cursor.value()?;
                match key {
                    b"time" => time = value,
                    b"checksum" => checksum = value,
                    _ => {}
                }
                return Ok(());
            }
        };
        out.clear();
        numbers::levels(cursor, grids, out, |_, _| Ok(()))
    })?;
    if !(bids && asks) {
        return Err(Fault::new(Reason::MissingField, object.end()));
    }
    let Ok(value) = u32::try_from(reader.unsigned(checksum)?) else {
        return checksum.fault(Reason::OutOfRange);
    };
    levels.checksum = Some(Checksum {
        value,
        depth: 0,
        px_decimals: 0,
        qty_decimals: 0,
    });
    Ok(Decoded::Fact {
        instrument,
        ts_event: Some(numbers::seconds(reader, time)?),
        fact: Fact::Depth(Depth {
            kind,
            first_id: 0,
            last_id: 0,
        }),
    })
}

fn ticker(
    frame: &[u8],
    object: Value,
    instrument: InstrumentId,
    grids: Grids,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let keys: [&[u8]; 5] = [b"bid", b"bidSize", b"ask", b"askSize", b"time"];
    let [bid_px, bid_qty, ask_px, ask_qty, time] =
        numbers::members(&mut Cursor::at(frame, object.start()), keys)?;
    let bid = numbers::touch(reader, bid_px, bid_qty, grids)?;
    let ask = numbers::touch(reader, ask_px, ask_qty, grids)?;
    let Some(quote) = quote_of(bid, ask, ask_px)? else {
        return Ok(Decoded::Notice(Notice::Unused));
    };
    Ok(Decoded::Fact {
        instrument,
        ts_event: Some(numbers::seconds(reader, time)?),
        fact: Fact::Quote(quote),
    })
}

fn trades(
    frame: &[u8],
    data: Value,
    instrument: InstrumentId,
    grids: Grids,
    levels: &mut Levels,
) -> Result<Decoded, Fault> {
    numbers::list(frame, data, &mut levels.trades, |cursor| {
        trade(cursor, grids)
    })?;
    if levels.trades.is_empty() {
        return Ok(Decoded::Notice(Notice::Unused));
    }
    Ok(Decoded::Trades {
        instrument,
        stream: TradeStream::Single,
    })
}

fn trade(cursor: &mut Cursor<'_>, grids: Grids) -> Result<TimedTrade, Fault> {
    let reader = Reader(cursor.text());
    let keys: [&[u8]; 5] = [b"id", b"price", b"size", b"side", b"time"];
    let [id, px, qty, side, time] = numbers::members(cursor, keys)?;
    let id = reader.unsigned(id)?;
    let (px, qty, is_buyer_maker) = numbers::trade(reader, [px, qty, side], grids)?;
    Ok(TimedTrade {
        ts_event: Some(numbers::calendar(reader, time)?),
        trade: Trade {
            px,
            qty,
            id,
            first_id: id,
            last_id: id,
            is_buyer_maker,
            best_match: true,
            backfilled: false,
            off_market: false,
            delayed: false,
        },
    })
}

#[cfg(test)]
mod tests;
