//! A layout from a frame that the reader accepted, and from what it decoded it to.

use super::{
    ASK, ASK_QTY, BEST_MATCH, FIRST_ID, ID, LAST_ID, Layout, MAKER, PX, QTY, Run, STREAM_BYTES_MAX,
    Slot, Step, TIME, UNWANTED, Unit,
};
use crate::decode::binance::scan::Fields;
use crate::decode::json::{Cursor, Shape, Value};
use crate::decode::{Decoded, Fact, Fault, TradeStream};
use crate::instrument::{InstrumentTable, Venue};
use crate::message::Side;

impl Layout {
    /// The layout of a stream of which no frame has been seen.
    pub(super) fn of_stream(venue: Venue, stream: &[u8], hash: u64) -> Option<Self> {
        let mut name = [0; STREAM_BYTES_MAX];
        name.get_mut(..stream.len())?.copy_from_slice(stream);
        Some(Self {
            venue: Some(venue),
            stream: name,
            hash,
            stream_bytes: u8::try_from(stream.len()).ok()?,
            ..Self::UNUSED
        })
    }

    /// Learns how a frame is laid out. If it cannot be remembered, nothing fits from then on.
    #[cold]
    pub(super) fn learn(&mut self, frame: &[u8], decoded: &Decoded, table: &InstrumentTable) {
        self.steps = [Step::END; _];
        self.names_itself = false;
        let Decoded::Fact {
            instrument, fact, ..
        } = decoded
        else {
            return;
        };
        let Some(instrument) = table.get(*instrument) else {
            return;
        };
        self.learned = *decoded;
        self.grids = [instrument.tick_size, instrument.lot_size];
        let mut learner = Learner {
            layout: self,
            frame,
            fact,
            from: 0,
            steps: 0,
            seen: 0,
        };
        if learner.frame().is_err() {
            self.steps = [Step::END; _];
            self.names_itself = false;
        }
    }
}

/// What a key is to an event.
enum Wanted {
    /// A value that may differ, if it is of the slot's shape; in any other it is constant.
    Slot(Slot),
    /// A value that decides what the others mean.
    Constant,
    /// Nothing.
    Nothing,
}

fn wanted(fact: &Fact, key: &[u8]) -> Wanted {
    use TradeStream::{Aggregate, Single};
    Wanted::Slot(match (fact, key) {
        (Fact::Trade(Single, _), b"t")
        | (Fact::Trade(Aggregate, _), b"a")
        | (Fact::Quote(_), b"u")
        | (Fact::Depth(_), b"pu") => Slot::Whole(ID),
        (Fact::Trade(Aggregate, _), b"f") | (Fact::Depth(_), b"U") => Slot::Whole(FIRST_ID),
        (Fact::Trade(Aggregate, _), b"l") | (Fact::Depth(_), b"u") => Slot::Whole(LAST_ID),
        (Fact::Trade(..), b"T") | (Fact::Quote(_) | Fact::Depth(_), b"E") => Slot::Whole(TIME),
        (Fact::Trade(..), b"p") | (Fact::Quote(_), b"b") => Slot::Decimal(PX, Unit::Tick),
        (Fact::Trade(..), b"q") | (Fact::Quote(_), b"B") => Slot::Decimal(QTY, Unit::Lot),
        (Fact::Trade(..), b"m") => Slot::Flag(MAKER),
        (Fact::Trade(..), b"M") => Slot::Flag(BEST_MATCH),
        (Fact::Quote(_), b"a") => Slot::Decimal(ASK, Unit::Tick),
        (Fact::Quote(_), b"A") => Slot::Decimal(ASK_QTY, Unit::Lot),
        (Fact::Depth(_), b"b") => Slot::Levels(Side::Bid),
        (Fact::Depth(_), b"a") => Slot::Levels(Side::Ask),
        (_, b"e" | b"s") | (Fact::Trade(..), b"X") => return Wanted::Constant,
        _ => return Wanted::Nothing,
    })
}

/// A walk over a frame, from slot to slot.
struct Learner<'a> {
    layout: &'a mut Layout,
    frame: &'a [u8],
    fact: &'a Fact,
    /// Where the constant bytes before the next slot begin.
    from: usize,
    steps: usize,
    /// Bits of the wanted keys that have come.
    seen: u64,
}

impl Learner<'_> {
    /// An event, or the object around one that holds it and the name of its stream and nothing else.
    fn frame(&mut self) -> Result<(), Fault> {
        if !matches!(self.fact, Fact::Trade(..) | Fact::Quote(_) | Fact::Depth(_)) {
            return refuse(0);
        }
        let mut cursor = Cursor::new(self.frame);
        let (mut name, mut data, mut fields) = (0, 0, 0);
        cursor.object(|cursor, key| {
            match key {
                b"stream" => {
                    name += 1;
                    cursor.value()?;
                }
                b"data" => {
                    data += 1;
                    cursor.object(|cursor, key| self.member(cursor, key))?;
                }
                _ => {
                    fields += 1;
                    self.member(cursor, key)?;
                }
            }
            Ok(())
        })?;
        self.layout.names_itself = name == 1;
        match (name, data, fields) {
            (0 | 1, 1, 0) | (0, 0, 1..) => self.slot(Slot::End, self.frame.len(), self.frame.len()),
            _ => refuse(0),
        }
    }

    /// A value of the event: a slot, or more constant bytes.
    fn member(&mut self, cursor: &mut Cursor<'_>, key: &[u8]) -> Result<(), Fault> {
        let value = cursor.value()?;
        let slot = match wanted(self.fact, key) {
            Wanted::Slot(slot) => {
                self.once(key, value)?;
                Some(slot).filter(|&slot| holds(slot, value.shape()))
            }
            Wanted::Constant => {
                self.once(key, value)?;
                None
            }
            // A key that some other kind of message has is no key of this one.
            Wanted::Nothing if key.len() > 1 && Fields::default().knows(key) => {
                return refuse(value.start());
            }
            Wanted::Nothing => match value.shape() {
                Shape::Digits => Some(Slot::Whole(UNWANTED)),
                Shape::Text => Some(Slot::Text),
                Shape::True | Shape::False => Some(Slot::Flag(UNWANTED)),
                Shape::Array | Shape::Object => return refuse(value.start()),
                Shape::Null | Shape::Number | Shape::Absent => None,
            },
        };
        match slot {
            Some(slot) => self.slot(slot, value.start(), value.end()),
            None => Ok(()),
        }
    }

    /// A wanted key must come once: of two the later counts, and which one that is a layout does not know.
    fn once(&mut self, key: &[u8], value: Value) -> Result<(), Fault> {
        let bit = match key {
            [letter] => 1 << (letter & 63),
            _ => 1,
        };
        if self.seen & bit != 0 {
            return refuse(value.start());
        }
        self.seen |= bit;
        Ok(())
    }

    /// Adds the constant bytes up to `start`, and a slot that goes on to `end`.
    fn slot(&mut self, slot: Slot, start: usize, end: usize) -> Result<(), Fault> {
        let mut constant = &self.frame[self.from..start];
        self.from = end;
        if self.steps == 0 {
            self.layout.opening = Run::take(&mut constant);
        }
        loop {
            let run = Run::take(&mut constant);
            let Some(step) = self.layout.steps.get_mut(self.steps) else {
                return refuse(start);
            };
            self.steps += 1;
            if constant.is_empty() {
                step.run = run;
                step.slot = slot;
                return Ok(());
            }
            step.run = run;
            step.slot = Slot::Nothing;
        }
    }
}

impl<const WORDS: usize> Run<WORDS> {
    /// As many of the bytes as fit.
    fn take(bytes: &mut &[u8]) -> Self {
        let (taken, others) = bytes.split_at(bytes.len().min(8 * WORDS));
        *bytes = others;
        let mut run = Self::EMPTY;
        run.bytes = taken.len();
        for (at, chunk) in taken.chunks(8).enumerate() {
            let (mut word, mut mask) = ([0; 8], [0; 8]);
            word[..chunk.len()].copy_from_slice(chunk);
            mask[..chunk.len()].fill(u8::MAX);
            run.words[at] = u64::from_le_bytes(word);
            run.masks[at] = u64::from_le_bytes(mask);
        }
        run
    }
}

/// Whether a value of that shape fits the slot.
fn holds(slot: Slot, shape: Shape) -> bool {
    match slot {
        Slot::Whole(_) => shape == Shape::Digits,
        Slot::Decimal(..) | Slot::Text => shape == Shape::Text,
        Slot::Flag(_) => matches!(shape, Shape::True | Shape::False),
        Slot::Levels(_) => shape == Shape::Array,
        Slot::Nothing | Slot::End => false,
    }
}

/// The frame cannot be remembered.
fn refuse<T>(at: usize) -> Result<T, Fault> {
    Err(Fault::malformed(at))
}
