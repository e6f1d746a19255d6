//! Coinbase's exchange feed: books as a snapshot and changes on one stream, and matches.
//!
//! | message | becomes |
//! |---|---|
//! | `snapshot` | the whole book |
//! | `l2update` | changes; nothing numbers them, so they follow the snapshot in the order in which they come |
//! | `match`, `last_match` | a trade; `last_match` is the one before the subscription |
//! | `ticker` and others | noticed: a ticker says the best prices only when something traded, and older ones no sizes |
//!
//! `side` of a match is the maker's: `buy` means that the seller attacked.

use super::binance::read_side;
use super::fields::{Grids, Reader};
use super::iso::iso_time;
use super::json::{Cursor, Value};
use super::object::frame_members;
use super::{
    Decoded, Depth, DepthKind, Fact, Fault, LEVELS_MAX, Level, Levels, Notice, Reason, Reject,
    TradeStream,
};
use crate::instrument::{InstrumentId, InstrumentTable, Venue};
use crate::message::Trade;
use crate::units::WallNs;

const KEYS: [&[u8]; 10] = [
    b"type",
    b"product_id",
    b"bids",
    b"asks",
    b"changes",
    b"time",
    b"trade_id",
    b"side",
    b"size",
    b"price",
];

/// What a refusal can name.
#[derive(Default)]
struct Known {
    instrument: Option<InstrumentId>,
    trade: Option<(TradeStream, u64)>,
}

/// Decodes one frame; see [`super::decode`].
pub(super) fn decode(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
) -> Result<Decoded, Reject> {
    let mut known = Known::default();
    read(frame, table, levels, &mut known).map_err(|fault| Reject {
        trade: known.trade,
        ..fault.with(known.instrument)
    })
}

fn read(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
    known: &mut Known,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let Some(fields) = frame_members(frame, &KEYS)? else {
        return Err(Fault::new(Reason::WrongType, 0));
    };
    let [
        kind,
        product,
        bids,
        asks,
        changes,
        time,
        id,
        side,
        size,
        price,
    ] = fields;
    let kind = reader.text(kind)?;
    match kind {
        b"snapshot" | b"l2update" | b"match" | b"last_match" => {}
        b"subscriptions" => return Ok(Decoded::Notice(Notice::SubscriptionReply)),
        b"error" => return Ok(Decoded::Notice(Notice::VenueError { code: 0 })),
        _ => return Ok(Decoded::Notice(Notice::Unused)),
    }
    let found = table.find(Venue::Coinbase, reader.text(product)?);
    let Some((instrument, row)) = found.and_then(|id| Some((id, table.get(id)?))) else {
        return product.fault(Reason::UnknownSymbol);
    };
    known.instrument = Some(instrument);
    let grids = Grids::of(row);
    let (ts_event, fact) = match kind {
        b"snapshot" => {
            for (value, side) in [(bids, &mut levels.bids), (asks, &mut levels.asks)] {
                let start = reader.array(value)?.start();
                read_side(&mut Cursor::at(frame, start), grids, side)?;
            }
            let time = time.is_given().then(|| iso(reader, time)).transpose()?;
            (time, unnumbered(DepthKind::Snapshot))
        }
        b"l2update" => {
            let start = reader.array(changes)?.start();
            read_changes(&mut Cursor::at(frame, start), grids, levels)?;
            let changed = unnumbered(DepthKind::Diff { prev_id: None });
            (Some(iso(reader, time)?), changed)
        }
        _ => {
            let trade = trade(reader, grids, [id, side, size, price], known)?;
            let fact = Fact::Trade(TradeStream::Single, trade);
            (Some(iso(reader, time)?), fact)
        }
    };
    Ok(Decoded::Fact {
        instrument,
        ts_event,
        fact,
    })
}

fn unnumbered(kind: DepthKind) -> Fact {
    Fact::Depth(Depth {
        kind,
        first_id: 0,
        last_id: 0,
    })
}

fn trade(
    reader: Reader<'_>,
    grids: Grids,
    [id, side, size, price]: [Value; 4],
    known: &mut Known,
) -> Result<Trade, Fault> {
    let id = reader.unsigned(id)?;
    known.trade = Some((TradeStream::Single, id));
    let is_buyer_maker = match reader.text(side)? {
        b"buy" => true,
        b"sell" => false,
        _ => return side.fault(Reason::WrongType),
    };
    Ok(Trade {
        px: reader.price_positive(price, grids)?,
        qty: reader.quantity_positive(size, grids)?,
        id,
        first_id: id,
        last_id: id,
        is_buyer_maker,
        best_match: true,
        backfilled: false,
        off_market: false,
        delayed: false,
    })
}

/// Reads `[["buy","price","size"],..]`: both sides mixed, in the order in which they changed.
fn read_changes(cursor: &mut Cursor<'_>, grids: Grids, levels: &mut Levels) -> Result<(), Fault> {
    levels.bids.clear();
    levels.asks.clear();
    let reader = Reader(cursor.text());
    cursor.array(|cursor| {
        let at = cursor.position();
        if cursor.peek() != Some(b'[') {
            return cursor.value()?.fault(Reason::WrongType);
        }
        let mut values = [Value::default(); 3];
        let mut count = 0;
        cursor.array(|cursor| {
            let value = cursor.value()?;
            if let Some(slot) = values.get_mut(count) {
                *slot = value;
            }
            count += 1;
            Ok(())
        })?;
        let [side, px, qty] = values;
        let level = Level {
            px: reader.price_positive(px, grids)?,
            qty: reader.quantity_from_zero(qty, grids)?,
        };
        let out = match reader.text(side)? {
            b"buy" => &mut levels.bids,
            b"sell" => &mut levels.asks,
            _ => return side.fault(Reason::WrongType),
        };
        if out.len() == LEVELS_MAX {
            return Err(Fault::new(Reason::TooManyLevels, at));
        }
        out.push(level);
        Ok(())
    })
}

fn iso(reader: Reader<'_>, time: Value) -> Result<WallNs, Fault> {
    match iso_time(reader.text(time)?) {
        Some(time) => Ok(time),
        None => time.fault(Reason::WrongType),
    }
}

#[cfg(test)]
mod tests;
