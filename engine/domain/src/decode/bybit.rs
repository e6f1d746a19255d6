//! Bybit, version 5: books as a snapshot and changes on one stream.
//!
//! `{"topic":"orderbook.500.XRPUSDT","type":"snapshot"|"delta","ts":..,"data":{"s":..,"b":..,"a":..,"u":..,"seq":..},"cts":..}`
//!
//! `u` is one above that of the frame before. A snapshot begins the book anew whenever it comes, and after a restart of
//! the service it has `u` = 1. `seq` orders books of different depth among each other and is not used.
//! Public trades have no numbers for ids, so they are noticed, not used.

use super::binance::read_side;
use super::fields::{Grids, Reader};
use super::json::{Cursor, Value};
use super::object::{frame_members, members};
use super::{Decoded, Depth, DepthKind, Fact, Fault, Levels, Notice, Reason, Reject};
use crate::instrument::{InstrumentId, InstrumentTable, Venue};

const TOPIC: &[u8] = b"orderbook.";

/// Decodes one frame; see [`super::decode`].
pub(super) fn decode(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
) -> Result<Decoded, Reject> {
    let mut instrument = None;
    read(frame, table, levels, &mut instrument).map_err(|fault| fault.with(instrument))
}

fn read(
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
    known: &mut Option<InstrumentId>,
) -> Result<Decoded, Fault> {
    let reader = Reader(frame);
    let keys: [&[u8]; 7] = [b"topic", b"type", b"ts", b"cts", b"data", b"success", b"op"];
    let Some([topic, kind, ts, cts, data, success, op]) = frame_members(frame, &keys)? else {
        return Err(Fault::new(Reason::WrongType, 0));
    };
    if !topic.is_given() {
        return reply(reader, success, op);
    }
    if !reader.text(topic)?.starts_with(TOPIC) {
        return Ok(Decoded::Notice(Notice::Unused));
    }
    let data = reader.object(data)?;
    let keys: [&[u8]; 4] = [b"s", b"b", b"a", b"u"];
    let [symbol, bids, asks, update] = members(&mut Cursor::at(frame, data.start()), &keys)?;
    let found = table.find(Venue::Bybit, reader.text(symbol)?);
    let Some((instrument, row)) = found.and_then(|id| Some((id, table.get(id)?))) else {
        return symbol.fault(Reason::UnknownSymbol);
    };
    *known = Some(instrument);
    let kind = match reader.text(kind)? {
        b"snapshot" => DepthKind::Snapshot,
        b"delta" => DepthKind::Diff { prev_id: None },
        _ => return kind.fault(Reason::UnknownStream),
    };
    let id = reader.unsigned(update)?;
    let grids = Grids::of(row);
    for (value, side) in [(bids, &mut levels.bids), (asks, &mut levels.asks)] {
        let start = reader.array(value)?.start();
        read_side(&mut Cursor::at(frame, start), grids, side)?;
    }
    // The matching engine's time, or else that of the frame.
    let time = if cts.is_given() { cts } else { ts };
    Ok(Decoded::Fact {
        instrument,
        ts_event: reader.time_if_given(time)?,
        fact: Fact::Depth(Depth {
            kind,
            first_id: id,
            last_id: id,
        }),
    })
}

/// `{"success":true,"op":"subscribe",..}`, `{"op":"pong"}`
fn reply(reader: Reader<'_>, success: Value, op: Value) -> Result<Decoded, Fault> {
    if !success.is_given() {
        return reader.text(op).map(|_| Decoded::Notice(Notice::Unused));
    }
    Ok(Decoded::Notice(if reader.boolean(success)? {
        Notice::SubscriptionReply
    } else {
        Notice::VenueError { code: 0 }
    }))
}

#[cfg(test)]
mod tests;
