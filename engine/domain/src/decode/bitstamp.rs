//! Bitstamp: changes of a book on a stream, the book itself from REST, and trades.
//!
//! | message | becomes |
//! |---|---|
//! | `data` of `diff_order_book_..` | changes; the microsecond they were made is their id |
//! | `data` of `order_book_..` | the best levels as a whole, likewise |
//! | REST's `order_book`, on a stream `..@depthSnapshot` | the whole book, likewise |
//! | `trade` of `live_trades_..` | a trade; its ids ascend over all pairs, so they have holes |
//!
//! `type` of a trade is the taker's side: 0 bought, 1 sold.

use super::binance::read_side;
use super::fields::{Grids, Reader, venue_time};
use super::json::{Cursor, Value};
use super::object::{frame_members, members};
use super::{
    Decoded, Depth, DepthKind, Fact, Fault, Levels, Notice, Reason, Reject, TradeStream,
    stream_symbol,
};
use crate::instrument::{InstrumentId, InstrumentTable, Venue};
use crate::message::Trade;
use crate::units::{Grid, WallNs};

/// What a refusal can name.
#[derive(Default)]
struct Known {
    instrument: Option<InstrumentId>,
    trade: Option<(TradeStream, u64)>,
}

/// Decodes one frame; see [`super::decode`].
pub(super) fn decode(
    stream: &[u8],
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
) -> Result<Decoded, Reject> {
    let mut known = Known::default();
    read(stream, frame, table, levels, &mut known).map_err(|fault| Reject {
        trade: known.trade,
        ..fault.with(known.instrument)
    })
}

fn read(
    stream: &[u8],
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
    known: &mut Known,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let keys: [&[u8]; 6] = [
        b"event",
        b"channel",
        b"data",
        b"microtimestamp",
        b"bids",
        b"asks",
    ];
    let Some([event, channel, data, micros, bids, asks]) = frame_members(frame, &keys)? else {
        return Err(Fault::new(Reason::WrongType, 0));
    };
    if !event.is_given() && micros.is_given() {
        let (instrument, grids) =
            find(table, stream_symbol(stream)).ok_or(Fault::new(Reason::UnknownSymbol, 0))?;
        known.instrument = Some(instrument);
        let book = [micros, bids, asks];
        return depth(reader, instrument, grids, DepthKind::Snapshot, book, levels);
    }
    match reader.text(event)? {
        b"data" | b"trade" => {}
        b"bts:subscription_succeeded" | b"bts:unsubscription_succeeded" => {
            return Ok(Decoded::Notice(Notice::SubscriptionReply));
        }
        b"bts:error" => return Ok(Decoded::Notice(Notice::VenueError { code: 0 })),
        b"bts:request_reconnect" => return Ok(Decoded::Notice(Notice::ServerShutdown)),
        _ => return Ok(Decoded::Notice(Notice::Unused)),
    }
    let name = reader.text(channel)?;
    let (kind, symbol) = if let Some(symbol) = name.strip_prefix(b"diff_order_book_") {
        (Some(DepthKind::Diff { prev_id: None }), symbol)
    } else if let Some(symbol) = name.strip_prefix(b"order_book_") {
        (Some(DepthKind::Partial), symbol)
    } else if let Some(symbol) = name.strip_prefix(b"live_trades_") {
        (None, symbol)
    } else {
        return Ok(Decoded::Notice(Notice::Unused));
    };
    let Some((instrument, grids)) = find(table, symbol) else {
        return channel.fault(Reason::UnknownSymbol);
    };
    known.instrument = Some(instrument);
    let mut cursor = Cursor::at(frame, reader.object(data)?.start());
    if let Some(kind) = kind {
        let keys: [&[u8]; 3] = [b"microtimestamp", b"bids", b"asks"];
        let book = members(&mut cursor, &keys)?;
        return depth(reader, instrument, grids, kind, book, levels);
    }
    let keys: [&[u8]; 5] = [
        b"id",
        b"microtimestamp",
        b"price_str",
        b"amount_str",
        b"type",
    ];
    let [id, micros, price, amount, side] = members(&mut cursor, &keys)?;
    let id = reader.unsigned(id)?;
    known.trade = Some((TradeStream::Single, id));
    let trade = Trade {
        px: reader.price_positive(price, grids)?,
        qty: reader.quantity_positive(amount, grids)?,
        id,
        first_id: id,
        last_id: id,
        is_buyer_maker: match reader.unsigned(side)? {
            0 => false,
            1 => true,
            _ => return side.fault(Reason::OutOfRange),
        },
        best_match: true,
        backfilled: false,
        off_market: false,
        delayed: false,
    };
    let (_, time) = microseconds(reader, micros)?;
    Ok(Decoded::Fact {
        instrument,
        ts_event: Some(time),
        fact: Fact::Trade(TradeStream::Single, trade),
    })
}

fn find(table: &InstrumentTable, symbol: &[u8]) -> Option<(InstrumentId, Grids)> {
    let id = table.find(Venue::Bitstamp, symbol)?;
    Some((id, Grids::of(table.get(id)?)))
}

fn depth(
    reader: Reader<'_>,
    instrument: InstrumentId,
    grids: Grids,
    kind: DepthKind,
    [micros, bids, asks]: [Value; 3],
    levels: &mut Levels,
) -> Result<Decoded, Fault> {
    let (id, time) = microseconds(reader, micros)?;
    for (value, side) in [(bids, &mut levels.bids), (asks, &mut levels.asks)] {
        let start = reader.array(value)?.start();
        read_side(&mut Cursor::at(reader.0, start), grids, side)?;
    }
    Ok(Decoded::Fact {
        instrument,
        ts_event: Some(time),
        fact: Fact::Depth(Depth {
            kind,
            first_id: id,
            last_id: id,
        }),
    })
}

/// Microseconds since 1970 as text: the id of a book, and its time.
fn microseconds(reader: Reader<'_>, value: Value) -> Result<(u64, WallNs), Fault> {
    // What is shorter would be taken for milliseconds.
    const FROM: u64 = 100_000_000_000_000;
    let Ok(count) = Grid::UNIT.parse(reader.text(value)?) else {
        return value.fault(Reason::WrongType);
    };
    let count = u64::try_from(count).ok().filter(|count| *count >= FROM);
    match count.and_then(|count| Some((count, venue_time(count)?))) {
        Some(both) => Ok(both),
        None => value.fault(Reason::OutOfRange),
    }
}

#[cfg(test)]
mod tests;
