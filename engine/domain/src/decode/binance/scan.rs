//! The one pass over a frame: where the values stand whose keys can matter.

use super::Frame;
use super::depth::{SideRead, read_side};
use crate::decode::fields::Grids;
use crate::decode::json::{Cursor, Shape, Value};
use crate::decode::{Fault, Levels, stream_symbol};
use crate::instrument::InstrumentId;
use crate::message::Side;

/// What a frame holds at its top, below the stream's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// An object: its fields are noted.
    Event,
    /// An array.
    List(Value),
    /// Neither.
    Other,
}

/// The values of one object, by key. Most keys of the venue are single letters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    letters: [Value; 64],
    /// Previous last update id.
    pub pu: Value,
    /// Average price.
    pub ap: Value,
    /// Symbol of a futures snapshot.
    pub symbol: Value,
    /// Update id of a book.
    pub last_update_id: Value,
    /// Levels of a book.
    pub bids: Value,
    /// Levels of a book.
    pub asks: Value,
    /// Of a reply.
    pub result: Value,
    /// Of an error.
    pub code: Value,
    /// Of an error.
    pub error: Value,
    /// Of the instrument table.
    pub symbols: Value,
    /// Which side's levels have been decoded on the way.
    pub read: [Option<SideRead>; 2],
}

impl Default for Fields {
    fn default() -> Self {
        let none = Value::default();
        Self {
            letters: [none; 64],
            pu: none,
            ap: none,
            symbol: none,
            last_update_id: none,
            bids: none,
            asks: none,
            result: none,
            code: none,
            error: none,
            symbols: none,
            read: [None; 2],
        }
    }
}

impl Fields {
    /// The value under a key of one letter.
    #[inline]
    pub fn letter(&self, letter: u8) -> Value {
        self.letters[usize::from(letter & 63)]
    }

    #[inline]
    fn slot(&mut self, key: &[u8]) -> Option<&mut Value> {
        // The low six bits tell all letters apart.
        if let [letter @ (b'a'..=b'z' | b'A'..=b'Z')] = key {
            return Some(&mut self.letters[usize::from(letter & 63)]);
        }
        Some(match key {
            b"pu" => &mut self.pu,
            b"ap" => &mut self.ap,
            b"symbol" => &mut self.symbol,
            b"lastUpdateId" => &mut self.last_update_id,
            b"bids" => &mut self.bids,
            b"asks" => &mut self.asks,
            b"result" => &mut self.result,
            b"code" => &mut self.code,
            b"error" => &mut self.error,
            b"symbols" => &mut self.symbols,
            _ => return None,
        })
    }

    /// Whether a key means something to some kind of message.
    pub fn knows(&mut self, key: &[u8]) -> bool {
        self.slot(key).is_some()
    }

    /// The fields of an object inside the event, whose JSON has been checked.
    pub fn of(frame: &[u8], object: Value) -> Result<Self, Fault> {
        let mut fields = Self::default();
        Cursor::at(frame, object.start()).object(|cursor, key| {
            let value = cursor.value()?;
            if let Some(slot) = fields.slot(key) {
                *slot = value;
            }
            Ok(())
        })?;
        Ok(fields)
    }

    /// Whether all the fields of spot's best prices are there.
    pub fn look_like_a_quote(&self) -> bool {
        b"usbBaA"
            .iter()
            .all(|&letter| self.letter(letter).is_given())
    }
}

impl<'a> Frame<'a> {
    /// Reads the whole frame. A combined frame has its event under `data`; what stands beside that is not the event.
    pub(super) fn scan(&mut self, levels: &mut Levels) -> Result<Found, Fault> {
        let mut cursor = Cursor::new(self.reader.0);
        if cursor.peek() != Some(b'{') {
            let value = cursor.value()?;
            cursor.finish()?;
            return Ok(found(value));
        }
        let mut data = None;
        let mut raw_fields = false;
        cursor.object(|cursor, key| {
            match key {
                b"stream" => {
                    let name = cursor.value()?;
                    self.stream = self.reader.text(name).unwrap_or_default();
                }
                b"data" => {
                    if raw_fields || data.is_some() {
                        *self.fields = Fields::default();
                    }
                    data = Some(if cursor.peek() == Some(b'{') {
                        cursor.object(|cursor, key| self.note(cursor, key, levels))?;
                        Found::Event
                    } else {
                        found(cursor.value()?)
                    });
                }
                _ if data.is_some() => {
                    cursor.value()?;
                }
                _ => {
                    raw_fields = true;
                    self.note(cursor, key, levels)?;
                }
            }
            Ok(())
        })?;
        cursor.finish()?;
        Ok(data.unwrap_or(Found::Event))
    }

    /// Notes one value of the event.
    #[inline]
    fn note(
        &mut self,
        cursor: &mut Cursor<'a>,
        key: &[u8],
        levels: &mut Levels,
    ) -> Result<(), Fault> {
        if let [letter @ (b'a'..=b'z' | b'A'..=b'Z')] = *key {
            let value = match letter {
                b'b' if cursor.peek() == Some(b'[') => self.note_side(cursor, Side::Bid, levels)?,
                b'a' if cursor.peek() == Some(b'[') => self.note_side(cursor, Side::Ask, levels)?,
                _ => cursor.value()?,
            };
            self.fields.letters[usize::from(letter & 63)] = value;
            return Ok(());
        }
        self.note_named(cursor, key, levels)
    }

    /// Notes one value under a longer key.
    fn note_named(
        &mut self,
        cursor: &mut Cursor<'a>,
        key: &[u8],
        levels: &mut Levels,
    ) -> Result<(), Fault> {
        let value = match key {
            b"bids" if cursor.peek() == Some(b'[') => self.note_side(cursor, Side::Bid, levels)?,
            b"asks" if cursor.peek() == Some(b'[') => self.note_side(cursor, Side::Ask, levels)?,
            _ => cursor.value()?,
        };
        if let Some(slot) = self.fields.slot(key) {
            *slot = value;
        }
        Ok(())
    }

    /// Notes one side of a book, decoding its levels if the instrument can already be guessed.
    /// A wrong guess costs time only: the levels are then decoded again, from where they stand.
    #[inline(never)]
    fn note_side(
        &mut self,
        cursor: &mut Cursor<'a>,
        side: Side,
        levels: &mut Levels,
    ) -> Result<Value, Fault> {
        self.fields.read[side as usize] = None;
        if let Some((instrument, grids)) = self.guess() {
            let start = cursor.position();
            let mut ahead = cursor.clone();
            if read_side(&mut ahead, grids, levels.side(side)).is_ok() {
                let value = ahead.since(start, Shape::Array);
                *cursor = ahead;
                self.fields.read[side as usize] = Some(SideRead {
                    start: value.start(),
                    instrument,
                });
                return Ok(value);
            }
        }
        cursor.value()
    }

    /// The instrument by what has been read so far.
    fn guess(&mut self) -> Option<(InstrumentId, Grids)> {
        let named = [self.fields.letter(b's'), self.fields.symbol];
        let named = named.into_iter().find(|value| value.shape() == Shape::Text);
        let symbol = match named {
            Some(value) => value.of(self.reader.0),
            None => stream_symbol(self.stream),
        };
        self.find(symbol)
    }
}

fn found(value: Value) -> Found {
    match value.shape() {
        Shape::Object => Found::Event,
        Shape::Array => Found::List(value),
        _ => Found::Other,
    }
}
