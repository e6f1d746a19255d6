//! Sequenced messages in; books, bars and what else is known of each instrument out.
//!
//! The market learns its instruments from their definitions in the sequence and needs nothing else.
//! It trusts no message: what cannot be is counted and left aside, and nothing makes it panic or grow without bound.
//! Order-by-order feeds are counted by action only; their books are not kept here.

mod content;
mod counts;
mod fx;
mod state;
mod trades;
mod venue_bars;

pub use content::CONTENT_LEVELS;
pub use counts::MarketCounts;
pub use fx::{ADR_DAYS, DaySource, FxDays, PROFILE_MAX, Package, TickDay, trading_day};
pub use state::{InstrumentState, Liquidations, TradeTotals};
pub use venue_bars::VenueBars;

use crate::book::{Fault, Stamp};
use crate::definitions::Definitions;
use crate::instrument::{Instrument, InstrumentId, InstrumentTable};
use crate::message::{Body, Kind, Message};
use crate::units::WallNs;
use xxhash_rust::xxh3::Xxh3;

/// Sequence time between two looks at what has fallen silent.
pub const WATCH_NS: i64 = 1_000_000_000;

/// All instruments of one sequence.
#[derive(Clone, Debug, Default)]
pub struct Market {
    definitions: Definitions,
    /// By id; one unknown below a known one is `None`.
    instruments: Vec<Option<Box<InstrumentState>>>,
    last: Stamp,
    watched: WallNs,
    counts: MarketCounts,
}

impl Market {
    /// A market without instruments.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next message of the sequence.
    #[inline]
    pub fn apply(&mut self, message: &Message) {
        let Some(kind) = message.kind() else {
            self.counts.unknown_kinds += 1;
            return;
        };
        // The end of the input is no part of the sequence: the market after it is the market before it.
        if kind == Kind::End {
            return;
        }
        self.counts.applied[kind as usize - 1] += 1;
        self.last = Stamp {
            sequence: message.sequence,
            ts: message.ts_recv,
        };
        match kind {
            Kind::Timer => self.watch(),
            Kind::InstrumentName | Kind::InstrumentVenueName | Kind::InstrumentGrid => {
                self.define(message, kind == Kind::InstrumentGrid);
            }
            Kind::Connection => self.connection(message),
            _ => match self.instruments.get_mut(message.instrument().index()) {
                Some(Some(state)) => state.apply(kind, message, &mut self.counts),
                _ => self.counts.unknown_instruments += 1,
            },
        }
    }

    /// Takes the next messages of the sequence: the same as [`Market::apply`] of each, and quicker where trades of one
    /// instrument follow each other.
    #[inline]
    pub fn apply_all(&mut self, messages: &[Message]) {
        let mut rest = messages;
        while let [first, behind @ ..] = rest {
            let taken = if first.kind == Kind::Trade as u8 {
                self.plain_trades(rest, first.instrument())
            } else {
                0
            };
            rest = if taken == 0 {
                self.apply(first);
                behind
            } else {
                &rest[taken..]
            };
        }
    }

    /// What has happened so far.
    pub fn counts(&self) -> &MarketCounts {
        &self.counts
    }

    /// What is known of an instrument.
    pub fn instrument(&self, id: InstrumentId) -> Option<&InstrumentState> {
        self.instruments.get(id.index())?.as_deref()
    }

    /// All instruments in the order of their ids.
    pub fn instruments(&self) -> impl Iterator<Item = (InstrumentId, &InstrumentState)> {
        let known = (0..).map(InstrumentId).zip(&self.instruments);
        known.filter_map(|(id, state)| Some((id, state.as_deref()?)))
    }

    /// Number and time of the last message applied.
    pub fn last(&self) -> Stamp {
        self.last
    }

    /// Books found wrong since the last call, and why. Only a snapshot that somebody fetches makes them right again.
    /// [`MarketCounts::books_found_wrong`] says whether there are any.
    pub fn take_found_wrong(&mut self) -> impl Iterator<Item = (InstrumentId, Fault)> {
        let known = (0..).map(InstrumentId).zip(&mut self.instruments);
        known.filter_map(|(id, state)| Some((id, state.as_deref_mut()?.found_wrong.take()?)))
    }

    /// A number that two markets share only if they hold the same: every level, bar, total and count,
    /// said in an order that does not depend on how they lie in memory.
    pub fn state_hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        self.state_words(&mut |word| hash.update(&word.to_le_bytes()));
        hash.digest()
    }

    fn state_words(&self, word: &mut impl FnMut(u64)) {
        word(self.last.sequence);
        word(self.last.ts.0.cast_unsigned());
        word(self.watched.0.cast_unsigned());
        for (id, state) in self.instruments() {
            word(u64::from(id.0));
            state.state_words(word);
        }
        self.counts.state_words(word);
    }

    /// Takes the plain trades at the start of `messages`, which is one of `id`; answers how many.
    #[inline(never)]
    fn plain_trades(&mut self, messages: &[Message], id: InstrumentId) -> usize {
        let Some(Some(state)) = self.instruments.get_mut(id.index()) else {
            return 0;
        };
        let taken = state.plain_trades(messages, id.0, &mut self.counts);
        if let Some(last) = messages[..taken].last() {
            self.counts.applied[Kind::Trade as usize - 1] += taken as u64;
            self.last = Stamp {
                sequence: last.sequence,
                ts: last.ts_recv,
            };
        }
        taken
    }

    fn watch(&mut self) {
        let at = self.last;
        if at.ts.0.saturating_sub(self.watched.0) < WATCH_NS {
            return;
        }
        self.watched = at.ts;
        for state in self.instruments.iter_mut().flatten() {
            state.watch(at, &mut self.counts);
        }
    }

    /// News of a connection, which may be of no instrument.
    fn connection(&mut self, message: &Message) {
        if let Some(Body::Connection(connection)) = message.body() {
            self.counts.connection[connection.event as usize - 1] += 1;
        } else {
            self.counts.bad_payloads += 1;
        }
    }

    fn define(&mut self, message: &Message, is_last_part: bool) {
        match self.definitions.take(message) {
            Some((id, instrument)) => self.add(id, instrument),
            None if is_last_part => self.counts.bad_definitions += 1,
            None => {}
        }
    }

    fn add(&mut self, id: InstrumentId, instrument: Instrument) {
        if id.index() >= InstrumentTable::CAPACITY {
            self.counts.bad_definitions += 1;
            return;
        }
        if self.instruments.len() <= id.index() {
            self.instruments.resize_with(id.index() + 1, || None);
        }
        match &self.instruments[id.index()] {
            // A sequence that goes on in a second run defines its instruments again.
            Some(known) if *known.instrument() == instrument => self.counts.redefinitions += 1,
            // Ticks and lots counted so far would change their worth.
            Some(_) => self.counts.bad_definitions += 1,
            None => self.instruments[id.index()] = Some(Box::new(InstrumentState::new(instrument))),
        }
    }
}

#[cfg(test)]
mod tests;
