//! How the frames of a stream are laid out, learned from one of them.
//!
//! A venue writes the frames of one stream alike: byte for byte the same but for the values. So a frame that the reader
//! accepted is kept as a [`Layout`], runs of constant bytes between slots for what may differ, and the next frame of the
//! stream is held against it first. What a slot accepts is strict, so a frame that fits is one that the reader would have
//! accepted with these values; any other is left to the reader.
//! A layout is a cache and nothing else: with it and without it, every frame decodes the same.

mod learn;
mod usual;

use super::depth::{LEVEL_WINDOW, plain_level};
use crate::decode::decimal::{WINDOW, number, whole};
use crate::decode::fields::{Grids, venue_time};
use crate::decode::json::plain_end;
use crate::decode::{
    Decoded, Depth, DepthKind, FRAME_BYTES_MAX, Fact, LEVELS_MAX, Level, Levels, Notice,
    TradeStream,
};
use crate::instrument::{InstrumentTable, Venue};
use crate::message::{Quote, Side, Trade};
use crate::units::{Grid, Lots, Ticks};
use rustc_hash::FxHasher;
use std::hash::Hasher;
use usual::Usual;

/// Longest name of a stream that is remembered: a symbol of 20 bytes with `@depth20@100ms` behind it has 34.
const STREAM_BYTES_MAX: usize = 40;
/// Most steps of a layout, the end included: an aggregate trade of futures needs 11.
const STEPS_MAX: usize = 16;
/// Words of constant bytes in one step: between two values there is a short key.
const STEP_WORDS: usize = 3;
/// Words at the beginning of the frame: the name of the stream, and the kind of the event.
const OPENING_WORDS: usize = TAIL / 8;
/// Streams looked at before one of them gives way.
const PROBES: usize = 4;
/// Numbers of an event, by their place.
const PLACES: usize = 9;
/// Update id of a quote, id of a trade, `pu` of a depth update.
const ID: u8 = 0;
const FIRST_ID: u8 = 1;
const LAST_ID: u8 = 2;
const TIME: u8 = 3;
/// Price of a trade, bid of a quote.
const PX: u8 = 4;
const QTY: u8 = 5;
/// Ask of a quote; a trade has its two flags here.
const ASK: u8 = 6;
const ASK_QTY: u8 = 7;
const MAKER: u8 = 6;
const BEST_MATCH: u8 = 7;
/// For what nobody wants.
const UNWANTED: u8 = 8;

/// What a decimal counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Tick,
    Lot,
}

/// What may differ from frame to frame, and the place of its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Slot {
    /// Digits.
    Whole(u8),
    /// A price or a quantity in plain decimals, without its quotes.
    Decimal(u8, Unit),
    /// `true` or `false`.
    Flag(u8),
    /// The levels of one side of a book.
    Levels(Side),
    /// A text that nobody wants, without its quotes.
    Text,
    /// More constant bytes follow.
    Nothing,
    /// The frame ends here.
    End,
}

/// Up to so many constant bytes, as words and as masks that say which of their bytes count.
#[derive(Clone, Copy, Debug)]
struct Run<const WORDS: usize> {
    words: [u64; WORDS],
    masks: [u64; WORDS],
    bytes: usize,
}

/// Constant bytes and the slot behind them.
#[derive(Clone, Copy, Debug)]
struct Step {
    run: Run<STEP_WORDS>,
    slot: Slot,
    usual: Usual,
}

impl Step {
    const END: Self = Self {
        run: Run::EMPTY,
        slot: Slot::End,
        usual: Usual::UNKNOWN,
    };
}

impl<const WORDS: usize> Run<WORDS> {
    const EMPTY: Self = Self {
        words: [0; WORDS],
        masks: [0; WORDS],
        bytes: 0,
    };

    /// Whether they stand at the front of a window. All are compared before it is asked whether one differs.
    #[inline]
    fn is_at(&self, window: &[u8; TAIL]) -> bool {
        let (found, _) = window.as_chunks();
        let mut differs = 0;
        for ((found, word), mask) in found.iter().zip(&self.words).zip(&self.masks) {
            differs |= (u64::from_le_bytes(*found) ^ word) & mask;
        }
        differs == 0
    }
}

/// How the frames of one stream are laid out.
#[derive(Clone, Debug)]
struct Layout {
    /// `None` while the layout is unused.
    venue: Option<Venue>,
    stream: [u8; STREAM_BYTES_MAX],
    stream_bytes: u8,
    hash: u64,
    /// The learned frame names its stream, so it matters no more under which name one is received.
    names_itself: bool,
    /// Frames since the last that fitted.
    misses: u32,
    grids: [Grid; 2],
    /// What the learned frame said; in what follows it only the numbers differ.
    learned: Decoded,
    opening: Run<OPENING_WORDS>,
    steps: [Step; STEPS_MAX],
}

/// The layouts of as many streams as there can be, found by their names.
#[derive(Clone, Debug)]
pub(in crate::decode) struct Layouts {
    layouts: Box<[Layout]>,
}

impl Layouts {
    /// Room for at least four streams of each instrument, 3 KiB each; all memory is taken now.
    pub fn new(instruments: usize) -> Self {
        let count = (4 * instruments).next_power_of_two().max(16);
        Self {
            layouts: vec![Layout::UNUSED; count].into_boxed_slice(),
        }
    }

    /// Decodes a frame that is laid out as its stream's frames are.
    #[inline]
    pub fn read(
        &mut self,
        venue: Venue,
        stream: &[u8],
        frame: &[u8],
        levels: &mut Levels,
    ) -> Option<Decoded> {
        let at = self.find(venue, stream, hash(venue, stream))?;
        let layout = &mut self.layouts[at];
        let decoded = layout.read(frame, levels)?;
        layout.misses = 0;
        Some(decoded)
    }

    #[inline]
    fn find(&self, venue: Venue, stream: &[u8], hash: u64) -> Option<usize> {
        self.probes(hash)
            .find(|&at| self.layouts[at].is_of(venue, stream, hash))
    }

    /// Where the layout of a stream may be.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only the low bits are wanted"
    )]
    #[inline]
    fn probes(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let (home, mask) = (hash as usize, self.layouts.len() - 1);
        (0..PROBES).map(move |probe| home.wrapping_add(probe) & mask)
    }

    /// Takes note of a frame that was left to the reader: how the stream's frames look is learned from the first, and
    /// while none fits, again after 2, 4, 8 and so on.
    pub fn missed(
        &mut self,
        venue: Venue,
        stream: &[u8],
        frame: &[u8],
        decoded: &Decoded,
        table: &InstrumentTable,
    ) {
        let hash = hash(venue, stream);
        let at = self.find(venue, stream, hash).or_else(|| {
            let unused = |&at: &usize| self.layouts[at].venue.is_none();
            let mut probes = self.probes(hash);
            let at = probes.find(unused).or(self.probes(hash).next())?;
            self.layouts[at] = Layout::of_stream(venue, stream, hash)?;
            Some(at)
        });
        let Some(at) = at else { return };
        let layout = &mut self.layouts[at];
        layout.misses = layout.misses.saturating_add(1);
        if layout.misses.is_power_of_two() {
            layout.learn(frame, decoded, table);
        }
    }
}

#[inline]
fn hash(venue: Venue, stream: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u8(venue as u8);
    hasher.write(stream);
    hasher.finish()
}

/// More than any step looks at.
const TAIL: usize = LEVEL_WINDOW;

/// What is left of a frame. Steps look at whole windows, which reach beyond the end of a frame;
/// so what is left is moved, once it is short, to where zeros follow it.
struct Rest<'a> {
    bytes: &'a [u8],
    /// How many of the bytes are zeros behind the frame.
    zeros: usize,
    /// The last bytes of the frame, and zeros.
    tail: &'a [u8; 2 * TAIL],
}

impl<'a> Rest<'a> {
    /// The next bytes.
    #[inline]
    fn window(&mut self) -> Option<&'a [u8; TAIL]> {
        if self.bytes.len() < TAIL {
            self.bytes = &self.tail[TAIL - self.bytes.len()..];
            self.zeros = TAIL;
        }
        self.bytes.first_chunk()
    }

    #[inline]
    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.bytes = self.bytes.get(bytes..)?;
        Some(())
    }

    /// The levels of one side.
    fn levels(mut self, [tick, lot]: [Grid; 2], out: &mut Vec<Level>) -> Option<Self> {
        out.clear();
        match self.bytes {
            [b'[', b']', ..] => {
                self.skip(2)?;
                return Some(self);
            }
            [b'[', ..] => self.skip(1)?,
            _ => return None,
        }
        loop {
            let window = self.window()?;
            let (level, len) = plain_level(window, Grids { tick, lot })?;
            if out.len() == LEVELS_MAX {
                return None;
            }
            out.push(level);
            self.skip(len + 1)?;
            match window[len] {
                b',' => {}
                b']' => return Some(self),
                _ => return None,
            }
        }
    }
}

/// `true` or `false`, and its length.
#[inline]
fn flag(window: &[u8; WINDOW]) -> Option<(i64, usize)> {
    match window {
        [b't', b'r', b'u', b'e', ..] => Some((1, 4)),
        [b'f', b'a', b'l', b's', b'e', ..] => Some((0, 5)),
        _ => None,
    }
}

impl Layout {
    const UNUSED: Self = Self {
        venue: None,
        stream: [0; STREAM_BYTES_MAX],
        stream_bytes: 0,
        hash: 0,
        names_itself: false,
        misses: 0,
        grids: [Grid::UNIT; 2],
        learned: Decoded::Notice(Notice::Unused),
        opening: Run::EMPTY,
        steps: [Step::END; STEPS_MAX],
    };

    #[inline]
    fn is_of(&self, venue: Venue, stream: &[u8], hash: u64) -> bool {
        let is_named = || self.stream.get(..usize::from(self.stream_bytes)) == Some(stream);
        self.venue == Some(venue) && self.hash == hash && (self.names_itself || is_named())
    }

    #[inline]
    fn read(&mut self, frame: &[u8], levels: &mut Levels) -> Option<Decoded> {
        if frame.len() > FRAME_BYTES_MAX || !self.opening.is_at(frame.first_chunk()?) {
            return None;
        }
        let mut tail = [0; 2 * TAIL];
        tail[..TAIL].copy_from_slice(frame.last_chunk::<TAIL>()?);
        let mut rest = Rest {
            bytes: frame,
            zeros: 0,
            tail: &tail,
        };
        rest.skip(self.opening.bytes)?;
        let mut places = [0; PLACES];
        // What a trade says that does not say it.
        places[usize::from(BEST_MATCH)] = 1;
        for Step { run, slot, usual } in &mut self.steps {
            let window = rest.window()?;
            if let Some((bytes, number)) = usual.read(window) {
                places[usize::from(usual.place)] = number;
                rest.skip(bytes)?;
                continue;
            }
            if !run.is_at(window) {
                return None;
            }
            let value = window.get(run.bytes..)?.first_chunk()?;
            let (place, (number, len)) = match *slot {
                Slot::Whole(place) => (place, whole(value)?),
                Slot::Decimal(place, unit) => (place, number(value, self.grids[unit as usize])?),
                Slot::Flag(place) => (place, flag(value)?),
                Slot::Text => {
                    rest.skip(plain_end(rest.bytes, run.bytes))?;
                    continue;
                }
                Slot::Nothing => {
                    rest.skip(run.bytes)?;
                    continue;
                }
                Slot::Levels(side) => {
                    rest.skip(run.bytes)?;
                    rest = rest.levels(self.grids, levels.side(side))?;
                    continue;
                }
                Slot::End => {
                    let at_end = rest.bytes.len() == rest.zeros + run.bytes;
                    return if at_end { self.decoded(&places) } else { None };
                }
            };
            usual.note(run.bytes, *slot, len, self.grids, window);
            places[usize::from(place)] = number;
            rest.skip(run.bytes + len)?;
        }
        None
    }

    /// What was learned, with these numbers; `None` if the reader has to say what is wrong with them.
    #[inline]
    fn decoded(&self, places: &[i64; PLACES]) -> Option<Decoded> {
        let Decoded::Fact {
            instrument,
            ts_event,
            fact,
        } = self.learned
        else {
            return None;
        };
        let at = |place: u8| places[usize::from(place)];
        let id = |place: u8| at(place).cast_unsigned();
        let fact = match fact {
            Fact::Trade(stream, learned) => {
                let (first_id, last_id) = match stream {
                    TradeStream::Aggregate => (id(FIRST_ID), id(LAST_ID)),
                    TradeStream::Single => (id(ID), id(ID)),
                };
                let span = last_id.checked_sub(first_id)?;
                if at(PX) <= 0 || at(QTY) <= 0 || span > u64::from(u32::MAX) {
                    return None;
                }
                Fact::Trade(
                    stream,
                    Trade {
                        px: Ticks(at(PX)),
                        qty: Lots(at(QTY)),
                        id: id(ID),
                        first_id,
                        last_id,
                        is_buyer_maker: at(MAKER) != 0,
                        best_match: at(BEST_MATCH) != 0,
                        ..learned
                    },
                )
            }
            Fact::Quote(_) => {
                let spread = i32::try_from(at(ASK) - at(PX)).ok()?;
                if at(PX) <= 0 || at(QTY) <= 0 || at(ASK_QTY) <= 0 || spread < 0 {
                    return None;
                }
                Fact::Quote(Quote {
                    bid_px: Ticks(at(PX)),
                    bid_qty: Lots(at(QTY)),
                    ask_px: Ticks(at(ASK)),
                    ask_qty: Lots(at(ASK_QTY)),
                    update_id: id(ID),
                })
            }
            Fact::Depth(Depth { kind, .. }) => {
                let (first_id, last_id) = (id(FIRST_ID), id(LAST_ID));
                let (kind, first_id) = match kind {
                    DepthKind::Partial => (kind, last_id),
                    _ if first_id > last_id => return None,
                    DepthKind::Diff { prev_id } => {
                        let prev_id = prev_id.map(|_| id(ID));
                        (DepthKind::Diff { prev_id }, first_id)
                    }
                    DepthKind::Snapshot => return None,
                };
                Fact::Depth(Depth {
                    kind,
                    first_id,
                    last_id,
                })
            }
            _ => return None,
        };
        let ts_event = match ts_event {
            Some(_) => Some(venue_time(id(TIME))?),
            None => None,
        };
        Some(Decoded::Fact {
            instrument,
            ts_event,
            fact,
        })
    }
}

#[cfg(test)]
mod tests;
