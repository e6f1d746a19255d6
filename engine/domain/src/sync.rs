//! When is a book in step with its venue? The venues' update-id rules as one machine per instrument.
//!
//! [`BookSync`] judges ids only: it never looks at a price, and it never holds a book.
//! Three calls bring something in and say what to do with it:
//! - [`BookSync::diff`] for each depth event: apply it, ignore it, or the book is lost;
//! - [`BookSync::snapshot`] for each snapshot: use it or not. After `Use` come [`BookSync::drain`]s until `None`,
//!   which hand back what waited for the snapshot, each event with its own judgement;
//! - [`BookSync::drop_book`] when something else than an id says the book is wrong.
//!
//! | state | diff | snapshot |
//! |---|---|---|
//! | `Disconnected` | kept, now `Buffering` | used, now `Synced` |
//! | `Buffering` | kept | used unless it is too old or does not meet the kept events |
//! | `Synced` | applied, ignored, or a gap: kept, now `Buffering` | newer replaces the book, older is stale |
//!
//! Some venues send their snapshots among the events ([`Rules::snapshot_on_stream`]), so nothing waits: what comes before
//! a snapshot is refused, and a later snapshot replaces the book whatever its id.
//!
//! Coin-margined futures follow the rules of USD-margined ones, word for word in the venue's documentation.
//! Where this machine had to choose:
//! - Spot refuses a snapshot with `L < U` of the first kept event, also if `L + 1 = U` would do: one more fetch is harmless.
//! - A futures event with `pu = L` follows a snapshot behind which nothing waited, though its `U` lies above `L`:
//!   futures ids are shared by all symbols, so the id after `L` need not belong to this one.
//! - Of a venue whose ids are times, a snapshot older than the first kept event is fetched again: changes between the two
//!   may have come before we listened. A change at or before the book's time is an old one.

mod buffer;

use crate::decode::{Level, Levels};
use crate::instrument::Venue;
use crate::message::{BookReset, ResetReason};
use crate::units::WallNs;
use buffer::Buffer;

pub use buffer::{BUFFER_EVENTS_MAX, BUFFER_LEVELS_MAX};

/// How a venue numbers its depth events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    /// Ids without holes: the next event begins right after the last, or overlaps it.
    Spot,
    /// Ids with holes: each event names the last id of the event before (`pu`).
    Futures,
    /// Events count in the order of receipt, from a snapshot on that came the same way. Where the venue numbers them,
    /// each names the id of the event before; where it does not, they are numbered here.
    Ordered,
    /// Each event has the id after the last, from a snapshot on that came the same way.
    Numbered,
    /// The id of a snapshot or an event is its time, so that nothing tells of one that is missing.
    Timed,
}

impl Rules {
    /// The rules of that venue. A venue without depth events has the stricter ones, which it never needs.
    pub fn of(venue: Venue) -> Self {
        match venue {
            Venue::BinanceUsdm | Venue::BinanceCoinm => Self::Futures,
            Venue::Kraken | Venue::Okx | Venue::Ftx | Venue::Coinbase => Self::Ordered,
            Venue::Bybit => Self::Numbered,
            Venue::Bitstamp => Self::Timed,
            Venue::BinanceSpot | Venue::Fx | Venue::Itch | Venue::Lobster | Venue::Mbo => {
                Self::Spot
            }
        }
    }

    /// Whether snapshots come among the events, so that none is fetched and no event waits for one.
    pub fn snapshot_on_stream(self) -> bool {
        matches!(self, Self::Ordered | Self::Numbered)
    }

    /// Whether the ids tell of an event that is missing.
    pub fn shows_gaps(self) -> bool {
        !matches!(self, Self::Ordered | Self::Timed)
    }
}

/// Where the synchronisation stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncState {
    /// Nothing has come since the start or since the connection was lost.
    Disconnected,
    /// Depth events wait for a snapshot.
    Buffering,
    /// The book is the venue's at [`BookSync::book_id`].
    Synced,
}

/// The ids and the time of one depth event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DepthEvent {
    /// First update id inside (`U`).
    pub first_id: u64,
    /// Last update id inside (`u`).
    pub last_id: u64,
    /// Last update id of the event before (`pu`), where the venue sends it.
    pub prev_id: Option<u64>,
    /// The venue's time, kept for when it is applied.
    pub ts_event: WallNs,
}

/// What to do with a depth event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// It follows: apply it. Part of it may be known already.
    Apply {
        /// It begins at or below the book's id.
        overlap: bool,
    },
    /// The snapshot holds it already.
    Covered,
    /// The book holds it already: a duplicate.
    Old,
    /// It waits for a snapshot.
    Wait,
    /// Its ids run backwards, or nothing waits at this venue, and no book is at stake: not kept.
    Refuse,
    /// The book is lost. After a gap the event waits for the next snapshot; one whose ids run backwards is not kept,
    /// nor any of a venue at which nothing waits.
    Lost(BookReset),
    /// More waited than the buffer holds: that is discarded, and this event is the first to wait again.
    Overflow {
        /// First id that waited, and first id of this event.
        reset: BookReset,
        /// How many events were discarded.
        discarded: usize,
    },
}

/// What to do with a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotStep {
    /// It is the book now. Apply it, then [`BookSync::drain`] what waited.
    Use {
        /// The synchronised book it replaces, if there was one.
        refreshed: Option<BookReset>,
    },
    /// Older than the first event that waits: fetch again.
    TooOld,
    /// Ids are missing between it and the first event behind it: fetch again.
    Unbridged,
    /// Older than the synchronised book.
    Stale,
}

/// An event that waited, with its levels and what to do with it now.
#[derive(Clone, Copy, Debug)]
pub struct Drained<'a> {
    /// Its ids and time.
    pub event: DepthEvent,
    /// Its bid levels.
    pub bids: &'a [Level],
    /// Its ask levels.
    pub asks: &'a [Level],
    /// `Apply`, `Covered`, `Old`, or `Lost`: then it and all behind it wait on.
    pub step: Step,
}

/// The machine; one per instrument.
#[derive(Clone, Debug)]
pub struct BookSync {
    rules: Rules,
    state: SyncState,
    book_id: u64,
    /// No event has been applied to the snapshot yet, so the first-event rule holds.
    bridging: bool,
    /// Empty while `Synced`, but between a used snapshot and the last `drain`.
    buffer: Buffer,
}

impl BookSync {
    /// Nothing known, nothing kept.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            state: SyncState::Disconnected,
            book_id: 0,
            bridging: false,
            buffer: Buffer::default(),
        }
    }

    /// The rules it goes by.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// Where it stands.
    pub fn state(&self) -> SyncState {
        self.state
    }

    /// The update id the book stands at; `None` unless synchronised.
    pub fn book_id(&self) -> Option<u64> {
        (self.state == SyncState::Synced).then_some(self.book_id)
    }

    /// How many events wait for a snapshot.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Judges the next depth event, and keeps a copy if it has to wait.
    ///
    /// # Panics
    /// If a used snapshot has not been drained.
    pub fn diff(&mut self, event: &DepthEvent, levels: &Levels) -> Step {
        let backwards = event.last_id < event.first_id;
        if self.state != SyncState::Synced {
            self.state = SyncState::Buffering;
            return if backwards || self.rules.snapshot_on_stream() {
                Step::Refuse
            } else {
                self.wait(event, levels)
            };
        }
        assert!(
            self.buffer.is_empty(),
            "drain a used snapshot before the next event"
        );
        let step = self.judge(event);
        let waits = !backwards && !self.rules.snapshot_on_stream();
        if matches!(step, Step::Lost(_)) && waits {
            // A buffer that was empty has room for any one event.
            self.buffer.push(event, levels);
        }
        step
    }

    /// Judges a snapshot that stands at `last_id`; where the venue has no ids, 0.
    pub fn snapshot(&mut self, last_id: u64) -> SnapshotStep {
        let mut refreshed = None;
        let last_id = if last_id == 0 && self.rules == Rules::Ordered {
            self.book_id.saturating_add(1)
        } else {
            last_id
        };
        if self.state == SyncState::Synced {
            if last_id < self.book_id && !self.rules.snapshot_on_stream() {
                return SnapshotStep::Stale;
            }
            refreshed = Some(BookReset {
                reason: ResetReason::Refreshed,
                expected_id: self.book_id,
                got_id: last_id,
            });
        } else if let Some(refusal) = self.misses(last_id) {
            return refusal;
        }
        self.state = SyncState::Synced;
        self.book_id = last_id;
        self.bridging = true;
        SnapshotStep::Use { refreshed }
    }

    /// The next event that waited for the snapshot just used; `None` when all have been judged or the book is lost again.
    pub fn drain(&mut self) -> Option<Drained<'_>> {
        if self.state != SyncState::Synced {
            return None;
        }
        let event = self.buffer.front()?;
        let step = self.judge(&event);
        let (bids, asks) = if matches!(step, Step::Lost(_)) {
            (&[][..], &[][..])
        } else {
            self.buffer.pop()
        };
        Some(Drained {
            event,
            bids,
            asks,
            step,
        })
    }

    /// Gives the book up for a reason that is not in the ids; what waited is discarded.
    ///
    /// Returns what to tell if a book was in step, and how many events were discarded.
    pub fn drop_book(&mut self, reason: ResetReason) -> (Option<BookReset>, usize) {
        let reset = self.book_id().map(|book_id| BookReset {
            reason,
            expected_id: book_id,
            got_id: 0,
        });
        self.state = if reason == ResetReason::Disconnected {
            SyncState::Disconnected
        } else {
            SyncState::Buffering
        };
        let discarded = self.buffer.len();
        self.buffer.clear();
        (reset, discarded)
    }

    /// Steps 3 and 5b: why a snapshot cannot be met by the events that wait.
    fn misses(&self, last_id: u64) -> Option<SnapshotStep> {
        let first = self.buffer.front()?;
        if matches!(self.rules, Rules::Spot | Rules::Timed) && last_id < first.first_id {
            return Some(SnapshotStep::TooOld);
        }
        let behind = self
            .buffer
            .iter()
            .find(|event| !self.covers(last_id, event))?;
        let meets = match self.rules {
            Rules::Spot => behind.first_id <= last_id.saturating_add(1),
            Rules::Futures => behind.first_id <= last_id,
            Rules::Ordered | Rules::Numbered | Rules::Timed => true,
        };
        (!meets).then_some(SnapshotStep::Unbridged)
    }

    /// Step 4: whether a snapshot at `last_id` makes the event superfluous.
    fn covers(&self, last_id: u64, event: &DepthEvent) -> bool {
        match self.rules {
            Rules::Spot | Rules::Numbered | Rules::Timed => event.last_id <= last_id,
            Rules::Futures => event.last_id < last_id,
            Rules::Ordered => false,
        }
    }

    /// Steps 4 to 9 for an event at a synchronised book.
    fn judge(&mut self, event: &DepthEvent) -> Step {
        let book_id = self.book_id;
        if event.last_id < event.first_id {
            return self.lost(ResetReason::BadRange, event.first_id);
        }
        if self.rules == Rules::Ordered {
            return self.judge_in_order(event);
        }
        if self.bridging && self.covers(book_id, event) {
            return Step::Covered;
        }
        if !self.bridging && event.last_id <= book_id {
            return Step::Old;
        }
        let follows = match self.rules {
            Rules::Spot | Rules::Numbered => event.first_id <= book_id.saturating_add(1),
            Rules::Futures => {
                event.prev_id == Some(book_id) || (self.bridging && event.first_id <= book_id)
            }
            Rules::Ordered | Rules::Timed => true,
        };
        if !follows {
            let got_id = match self.rules {
                Rules::Futures => event.prev_id.unwrap_or(event.first_id),
                _ => event.first_id,
            };
            return self.lost(ResetReason::Gap, got_id);
        }
        let overlap = !self.bridging && event.first_id <= book_id;
        self.bridging = false;
        self.book_id = event.last_id;
        Step::Apply { overlap }
    }

    /// An event of a venue whose events count in the order of receipt. One that changes nothing may repeat the id.
    fn judge_in_order(&mut self, event: &DepthEvent) -> Step {
        self.bridging = false;
        if let Some(prev_id) = event.prev_id.filter(|prev_id| *prev_id != self.book_id) {
            return self.lost(ResetReason::Gap, prev_id);
        }
        if event.last_id == 0 {
            self.book_id = self.book_id.saturating_add(1);
        } else if event.last_id < self.book_id {
            // The venue counts anew: ids of before and after cannot be told apart.
            return self.lost(ResetReason::BadRange, event.last_id);
        } else {
            self.book_id = event.last_id;
        }
        Step::Apply { overlap: false }
    }

    fn lost(&mut self, reason: ResetReason, got_id: u64) -> Step {
        self.state = SyncState::Buffering;
        let expected_id = match self.rules {
            Rules::Futures | Rules::Ordered => self.book_id,
            _ => self.book_id.saturating_add(1),
        };
        Step::Lost(BookReset {
            reason,
            expected_id,
            got_id,
        })
    }

    fn wait(&mut self, event: &DepthEvent, levels: &Levels) -> Step {
        if self.buffer.has_room_for(levels) {
            self.buffer.push(event, levels);
            return Step::Wait;
        }
        let waited = self.buffer.front().map_or(0, |first| first.first_id);
        let discarded = self.buffer.len();
        self.buffer.clear();
        self.buffer.push(event, levels);
        let reset = BookReset {
            reason: ResetReason::Overflow,
            expected_id: waited,
            got_id: event.first_id,
        };
        Step::Overflow { reset, discarded }
    }
}

#[cfg(test)]
mod tests;
