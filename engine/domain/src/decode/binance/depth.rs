//! Books: differences, partial books and snapshots.

use super::scan::Fields;
use super::{Frame, StreamKind};
use crate::decode::decimal::number;
use crate::decode::fields::{Grids, Reader};
use crate::decode::json::{Cursor, Shape, Value};
use crate::decode::{
    Decoded, Depth, DepthKind, Fact, Fault, LEVELS_MAX, Level, Levels, Reason, stream_symbol,
};
use crate::instrument::InstrumentId;
use crate::message::Side;
use crate::units::{Lots, Ticks};

/// One side's levels as decoded on the way through the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SideRead {
    /// Where its array begins.
    pub start: usize,
    /// Whose grids were used.
    pub instrument: InstrumentId,
}

impl Levels {
    /// The levels of one side.
    pub(super) fn side(&mut self, side: Side) -> &mut Vec<Level> {
        match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        }
    }
}

impl Frame<'_> {
    /// `depthUpdate`: a difference, or on a futures stream such as `@depth20` a partial book.
    pub(super) fn depth_update(&mut self, levels: &mut Levels) -> Result<Decoded, Fault> {
        let Fields { pu, .. } = *self.fields;
        let letter = |letter| self.fields.letter(letter);
        let (bids, asks) = (letter(b'b'), letter(b'a'));
        let (first, last, event_time) = (letter(b'U'), letter(b'u'), letter(b'E'));
        let (instrument, grids) = self.instrument(letter(b's'))?;
        let last_id = self.reader.unsigned(last)?;
        let first_id = self.reader.unsigned(first)?;
        let (kind, first_id) = if self.stream_kind() == StreamKind::Depth(DepthKind::Partial) {
            (DepthKind::Partial, last_id)
        } else if first_id > last_id {
            return first.fault(Reason::BadRange);
        } else {
            let prev_id = if pu.is_given() {
                Some(self.reader.unsigned(pu)?)
            } else {
                None
            };
            (DepthKind::Diff { prev_id }, first_id)
        };
        self.sides(instrument, grids, bids, asks, levels)?;
        Ok(Decoded::Fact {
            instrument,
            ts_event: self.reader.time_if_given(event_time)?,
            fact: Fact::Depth(Depth {
                kind,
                first_id,
                last_id,
            }),
        })
    }

    /// A book with a `lastUpdateId`: a partial book on a stream such as `@depth20`, otherwise a snapshot from REST.
    /// Spot names no symbol in it, so the stream's name has to.
    pub(super) fn book(&mut self, levels: &mut Levels) -> Result<Decoded, Fault> {
        let Fields {
            symbol,
            last_update_id,
            bids,
            asks,
            ..
        } = *self.fields;
        let event_time = self.fields.letter(b'E');
        let (instrument, grids) = if symbol.is_given() {
            self.instrument(symbol)?
        } else {
            let symbol = stream_symbol(self.stream);
            let known = self.find(symbol);
            let (id, grids) = known.ok_or(Fault::new(Reason::UnknownSymbol, 0))?;
            self.instrument = Some(id);
            (id, grids)
        };
        let last_id = self.reader.unsigned(last_update_id)?;
        self.sides(instrument, grids, bids, asks, levels)?;
        let kind = match self.stream_kind() {
            StreamKind::Depth(DepthKind::Partial) => DepthKind::Partial,
            _ => DepthKind::Snapshot,
        };
        Ok(Decoded::Fact {
            instrument,
            ts_event: self.reader.time_if_given(event_time)?,
            fact: Fact::Depth(Depth {
                kind,
                first_id: last_id,
                last_id,
            }),
        })
    }

    /// Both sides' levels, decoded now unless the guess on the way was right.
    fn sides(
        &self,
        instrument: InstrumentId,
        grids: Grids,
        bids: Value,
        asks: Value,
        levels: &mut Levels,
    ) -> Result<(), Fault> {
        for (side, value) in [(Side::Bid, bids), (Side::Ask, asks)] {
            let wanted = SideRead {
                start: value.start(),
                instrument,
            };
            if value.shape() == Shape::Array && self.fields.read[side as usize] == Some(wanted) {
                continue;
            }
            self.reader.array(value)?;
            let mut cursor = Cursor::at(self.reader.0, value.start());
            read_side(&mut cursor, grids, levels.side(side))?;
        }
        Ok(())
    }
}

/// Reads `[["px","qty"],..]`. What a level holds behind its quantity is passed over: old captures have `[]` there.
pub(in crate::decode) fn read_side(
    cursor: &mut Cursor<'_>,
    grids: Grids,
    out: &mut Vec<Level>,
) -> Result<(), Fault> {
    out.clear();
    cursor.array(|cursor| {
        if out.len() == LEVELS_MAX {
            return Err(Fault::new(Reason::TooManyLevels, cursor.position()));
        }
        let level = match plain_level(&cursor.text()[cursor.position()..], grids) {
            Some((level, len)) => {
                cursor.jump(cursor.position() + len);
                level
            }
            None => any_level(cursor, grids)?,
        };
        out.push(level);
        Ok(())
    })
}

/// A level as the venue writes it, without white space, at the front of some text, and its length.
#[inline(always)]
pub(super) fn plain_level(text: &[u8], grids: Grids) -> Option<(Level, usize)> {
    const PX: usize = 2;
    let window: &[u8; LEVEL_WINDOW] = text.first_chunk()?;
    let (px, px_len) = number(window[PX..].first_chunk()?, grids.tick)?;
    let between = PX + px_len;
    let (qty, qty_len) = number(window[between + 3..].first_chunk()?, grids.lot)?;
    let end = between + 3 + qty_len;
    let is_plain = window[..PX] == *b"[\""
        && window[between..between + 3] == *b"\",\""
        && window[end..end + 2] == *b"\"]";
    let level = Level {
        px: Ticks(px),
        qty: Lots(qty),
    };
    (is_plain && px > 0).then_some((level, end + 2))
}

/// `["`, a price of up to 16 bytes, `","`, a quantity as long, `"]`, and what the search for its end looks beyond.
pub(super) const LEVEL_WINDOW: usize = 64;

/// A level in any other form, or the reason why it is none.
#[cold]
fn any_level(cursor: &mut Cursor<'_>, grids: Grids) -> Result<Level, Fault> {
    let reader = Reader(cursor.text());
    if cursor.peek() != Some(b'[') {
        let other = cursor.value()?;
        return other.fault(Reason::WrongType);
    }
    let mut values = [Value::default(); 2];
    let mut count = 0;
    cursor.array(|cursor| {
        let value = cursor.value()?;
        if let Some(slot) = values.get_mut(count) {
            *slot = value;
        }
        count += 1;
        Ok(())
    })?;
    let [px, qty] = values;
    Ok(Level {
        px: reader.price_positive(px, grids)?,
        qty: reader.quantity_from_zero(qty, grids)?,
    })
}

#[cfg(test)]
mod tests;
