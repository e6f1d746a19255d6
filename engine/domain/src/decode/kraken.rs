//! Kraken: array frames `[channel id, {..}, "book-1000", "XBT/USD"]`, and events as objects.
//!
//! A book comes as one snapshot (`as`, `bs`) and then as updates (`a`, `b`, sometimes one object each), every one with
//! the checksum (`c`) of the ten best levels a side behind it. There are no update ids: the order of receipt counts.
//! A book of depth n holds the n best levels a side; the venue does not say when a level falls out of them.
//! Prices and quantities are written with decimals that are fixed by the pair, and the checksum is made of that text.

use super::fields::{Grids, Reader};
use super::json::{Cursor, Shape, Value};
use super::{
    Checksum, Decoded, Depth, DepthKind, Fact, Fault, Levels, Notice, Reason, Reject, numbers,
};
use crate::instrument::{InstrumentId, InstrumentTable, Venue};
use crate::message::Side;
use crate::units::WallNs;

/// Most elements of a frame: channel, two objects, the channel's name and the pair; and some to spare.
const ELEMENTS_MAX: usize = 8;

/// Decodes one message; see [`super::decode`].
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
    let mut cursor = Cursor::new(frame);
    let mut elements = [Value::default(); ELEMENTS_MAX];
    let mut count = 0;
    match cursor.peek() {
        Some(b'[') => cursor.array(|cursor| {
            let value = cursor.value()?;
            if let Some(slot) = elements.get_mut(count) {
                *slot = value;
            }
            count += 1;
            Ok(())
        })?,
        Some(b'{') => return event(cursor, reader),
        _ => {
            let other = cursor.value()?;
            cursor.finish()?;
            return other.fault(Reason::WrongType);
        }
    }
    cursor.finish()?;
    if count < 4 {
        return Err(Fault::new(Reason::MissingField, frame.len()));
    }
    let Some(elements) = elements.get(..count) else {
        return Err(Fault::new(Reason::WrongType, 0));
    };
    let (said, names) = elements.split_at(count - 2);
    let Some(depth) = reader.text(names[0])?.strip_prefix(b"book-") else {
        return Ok(Decoded::Notice(Notice::Unused));
    };
    let symbol = reader.text(names[1])?;
    let found = table.find(Venue::Kraken, symbol);
    let Some((instrument, row)) = found.and_then(|id| Some((id, table.get(id)?))) else {
        return names[1].fault(Reason::UnknownSymbol);
    };
    *known = Some(instrument);
    let Some(depth) = book_depth(depth) else {
        return names[0].fault(Reason::OutOfRange);
    };
    let mut book = Book {
        grids: Grids::of(row),
        snapshot: false,
        update: false,
        time: None,
        decimals: None,
        checksum: None,
    };
    levels.bids.clear();
    levels.asks.clear();
    for &object in &said[1..] {
        book.object(frame, reader.object(object)?, levels)?;
    }
    let kind = match (book.snapshot, book.update) {
        (true, false) => DepthKind::Snapshot,
        (false, true) => DepthKind::Diff { prev_id: None },
        (false, false) => return Err(Fault::new(Reason::MissingField, frame.len())),
        (true, true) => return said[1].fault(Reason::WrongType),
    };
    levels.checksum = book
        .checksum
        .zip(book.decimals)
        .map(|(value, decimals)| Checksum {
            value,
            depth,
            px_decimals: decimals[0],
            qty_decimals: decimals[1],
        });
    Ok(Decoded::Fact {
        instrument,
        ts_event: book.time,
        fact: Fact::Depth(Depth {
            kind,
            first_id: 0,
            last_id: 0,
        }),
    })
}

/// `1000` of `book-1000`.
fn book_depth(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// What is known of a book's frame while it is read.
struct Book {
    grids: Grids,
    snapshot: bool,
    update: bool,
    /// The latest time of a level: when the frame came to be.
    time: Option<WallNs>,
    /// How many decimals prices and quantities are written with.
    decimals: Option<[u8; 2]>,
    checksum: Option<u32>,
}

impl Book {
    fn object(&mut self, frame: &[u8], object: Value, levels: &mut Levels) -> Result<(), Fault> {
        Cursor::at(frame, object.start()).object(|cursor, key| match key {
            b"as" | b"a" => {
                *(if key == b"as" {
                    &mut self.snapshot
                } else {
                    &mut self.update
                }) = true;
                self.side(cursor, levels, Side::Ask)
            }
            b"bs" | b"b" => {
                *(if key == b"bs" {
                    &mut self.snapshot
                } else {
                    &mut self.update
                }) = true;
                self.side(cursor, levels, Side::Bid)
            }
            b"c" => {
                let reader = Reader(cursor.text());
                let value = cursor.value()?;
                match u32::try_from(numbers::whole(reader, value)?) {
                    Ok(checksum) => self.checksum = Some(checksum),
                    Err(_) => return value.fault(Reason::OutOfRange),
                }
                Ok(())
            }
            _ => cursor.value().map(drop),
        })
    }

    fn side(
        &mut self,
        cursor: &mut Cursor<'_>,
        levels: &mut Levels,
        side: Side,
    ) -> Result<(), Fault> {
        let out = match side {
            Side::Bid => &mut levels.bids,
            Side::Ask => &mut levels.asks,
        };
        out.clear();
        numbers::levels(cursor, self.grids, out, |reader, &[px, qty, time]| {
            let time = numbers::seconds(reader, time)?;
            self.time = self.time.max(Some(time));
            self.decimals = Some([decimals(reader.text(px)?), decimals(reader.text(qty)?)]);
            Ok(())
        })
    }
}

/// Digits behind the point, zeros included.
fn decimals(text: &[u8]) -> u8 {
    let behind = text.iter().position(|&byte| byte == b'.');
    let count = behind.map_or(0, |at| text.len() - at - 1);
    u8::try_from(count).unwrap_or(u8::MAX)
}

/// An object: not of a book.
fn event(mut cursor: Cursor<'_>, reader: Reader<'_>) -> Result<Decoded, Fault> {
    let (mut event, mut status) = (Value::default(), Value::default());
    cursor.object(|cursor, key| {
        let value = cursor.value()?;
        match key {
            b"event" => event = value,
            b"status" => status = value,
            _ => {}
        }
        Ok(())
    })?;
    cursor.finish()?;
    let failed = status.shape() == Shape::Text && reader.text(status)? == b"error";
    Ok(Decoded::Notice(match reader.text(event)? {
        b"error" => Notice::VenueError { code: 0 },
        b"subscriptionStatus" if failed => Notice::VenueError { code: 0 },
        b"subscriptionStatus" => Notice::SubscriptionReply,
        _ => Notice::Unused,
    }))
}

#[cfg(test)]
mod tests;
