//! OKX, which was OKEX: `{"arg":{"channel":..,"instId":..},"action":..,"data":[..]}`.
//!
//! A book comes as one snapshot and then as updates, each with the checksum of the 25 best levels a side behind it.
//! Frames of later years number them by `seqId` and name the one before by `prevSeqId`; earlier ones have no ids, and
//! the order of receipt counts. Every number and every time is a text.

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

/// What a frame holds at its top, and in `arg`.
#[derive(Default)]
struct Fields {
    event: Value,
    code: Value,
    channel: Value,
    symbol: Value,
    action: Value,
    data: Value,
}

fn scan(frame: &[u8]) -> Result<Option<Fields>, Fault> {
    let mut cursor = Cursor::new(frame);
    let mut fields = Fields::default();
    let is_object = cursor.peek() == Some(b'{');
    if is_object {
        cursor.object(|cursor, key| {
            if key == b"arg" && cursor.peek() == Some(b'{') {
                return cursor.object(|cursor, key| {
                    let value = cursor.value()?;
                    match key {
                        b"channel" => fields.channel = value,
                        b"instId" => fields.symbol = value,
                        _ => {}
                    }
                    Ok(())
                });
            }
            let value = cursor.value()?;
            match key {
                b"event" => fields.event = value,
                b"code" => fields.code = value,
                b"action" => fields.action = value,
                b"data" => fields.data = value,
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

fn read(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
    known: &mut Option<InstrumentId>,
) -> Result<Decoded, Fault> {
    // The answer to a ping is the one frame that is no JSON.
    if frame == b"pong" {
        return Ok(Decoded::Notice(Notice::Unused));
    }
    let reader = Reader(frame);
    let Some(fields) = scan(frame)? else {
        return Err(Fault::new(Reason::WrongType, 0));
    };
    if fields.event.is_given() {
        return Ok(Decoded::Notice(match reader.text(fields.event)? {
            b"subscribe" | b"unsubscribe" => Notice::SubscriptionReply,
            b"error" => Notice::VenueError {
                code: error_code(reader, fields.code)?,
            },
            _ => Notice::Unused,
        }));
    }
    let channel = reader.text(fields.channel)?;
    let kind = match channel {
        b"books" | b"books-l2-tbt" | b"books50-l2-tbt" => Channel::Book,
        b"books5" | b"bbo-tbt" => Channel::Partial,
        b"trades" => Channel::Trades,
        b"tickers" => Channel::Ticker,
        _ => return Ok(Decoded::Notice(Notice::Unused)),
    };
    let symbol = reader.text(fields.symbol)?;
    let found = table.find(Venue::Okx, symbol);
    let Some((instrument, row)) = found.and_then(|id| Some((id, table.get(id)?))) else {
        return fields.symbol.fault(Reason::UnknownSymbol);
    };
    *known = Some(instrument);
    let grids = Grids::of(row);
    let data = reader.array(fields.data)?;
    if let Channel::Trades = kind {
        return trades(frame, data, instrument, grids, levels);
    }
    let mut one = None;
    Cursor::at(frame, data.start()).array(|cursor| {
        let value = cursor.value()?;
        // A book or a ticker a frame.
        if one.replace(value).is_some() {
            return value.fault(Reason::TooManyLevels);
        }
        Ok(())
    })?;
    let Some(one) = one else {
        return data.fault(Reason::MissingField);
    };
    let one = reader.object(one)?;
    match kind {
        Channel::Ticker => ticker(frame, one, instrument, grids),
        Channel::Partial => book(frame, one, instrument, grids, levels, DepthKind::Partial),
        Channel::Book | Channel::Trades => {
            let kind = match reader.text(fields.action)? {
                b"snapshot" => DepthKind::Snapshot,
                b"update" => DepthKind::Diff { prev_id: None },
                _ => return fields.action.fault(Reason::WrongType),
            };
            book(frame, one, instrument, grids, levels, kind)
        }
    }
}

/// What the frames of a channel are.
#[derive(Clone, Copy)]
enum Channel {
    Book,
    Partial,
    Trades,
    Ticker,
}

/// `"60012"`.
fn error_code(reader: Reader<'_>, code: Value) -> Result<i64, Fault> {
    if !code.is_given() {
        return Ok(0);
    }
    let code = numbers::whole(reader, code)?;
    Ok(i64::try_from(code).unwrap_or(i64::MAX))
}

fn book(
    frame: &[u8],
    object: Value,
    instrument: InstrumentId,
    grids: Grids,
    levels: &mut Levels,
    mut kind: DepthKind,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let (mut ts, mut checksum) = (Value::default(), Value::default());
    let (mut seq, mut prev) = (Value::default(), Value::default());
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
                    b"ts" => ts = value,
                    b"checksum" => checksum = value,
                    b"seqId" => seq = value,
                    b"prevSeqId" => prev = value,
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
    let last_id = if seq.is_given() {
        reader.unsigned(seq)?
    } else {
        0
    };
    if let DepthKind::Diff { prev_id } = &mut kind
        && prev.is_given()
    {
        // A snapshot's is -1.
        *prev_id = Some(reader.unsigned(prev)?);
    }
    levels.checksum = if checksum.is_given() {
        Some(Checksum {
            value: signed_checksum(reader, checksum)?,
            depth: 0,
            px_decimals: 0,
            qty_decimals: 0,
        })
    } else {
        None
    };
    Ok(Decoded::Fact {
        instrument,
        ts_event: Some(numbers::milliseconds(reader, ts)?),
        fact: Fact::Depth(Depth {
            kind,
            first_id: last_id,
            last_id,
        }),
    })
}

/// The venue writes its 32 bits as a signed number.
fn signed_checksum(reader: Reader<'_>, value: Value) -> Result<u32, Fault> {
    match i32::try_from(reader.signed(value)?) {
        Ok(checksum) => Ok(checksum.cast_unsigned()),
        Err(_) => value.fault(Reason::OutOfRange),
    }
}

fn ticker(
    frame: &[u8],
    object: Value,
    instrument: InstrumentId,
    grids: Grids,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let keys: [&[u8]; 5] = [b"bidPx", b"bidSz", b"askPx", b"askSz", b"ts"];
    let [bid_px, bid_qty, ask_px, ask_qty, ts] =
        numbers::members(&mut Cursor::at(frame, object.start()), keys)?;
    let bid = numbers::touch(reader, bid_px, bid_qty, grids)?;
    let ask = numbers::touch(reader, ask_px, ask_qty, grids)?;
    let Some(quote) = quote_of(bid, ask, ask_px)? else {
        return Ok(Decoded::Notice(Notice::Unused));
    };
    Ok(Decoded::Fact {
        instrument,
        ts_event: Some(numbers::milliseconds(reader, ts)?),
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
    let keys: [&[u8]; 6] = [b"tradeId", b"px", b"sz", b"side", b"ts", b"count"];
    let [id, px, qty, side, ts, count] = numbers::members(cursor, keys)?;
    let last_id = numbers::whole(reader, id)?;
    let (px, qty, is_buyer_maker) = numbers::trade(reader, [px, qty, side], grids)?;
    // Fills of one taker at one price come as one, under the id of the last.
    let fills = if count.is_given() {
        numbers::whole(reader, count)?
    } else {
        1
    };
    let first_id = last_id
        .checked_sub(fills.saturating_sub(1))
        .filter(|first_id| u32::try_from(last_id - first_id).is_ok());
    let Some(first_id) = first_id else {
        return count.fault(Reason::BadRange);
    };
    Ok(TimedTrade {
        ts_event: Some(numbers::milliseconds(reader, ts)?),
        trade: Trade {
            px,
            qty,
            id: last_id,
            first_id,
            last_id,
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
