//! Trade ids: one trade after the other, each once; what is missing is told before what comes after it.
//!
//! The ids of nearly all trades follow one another, and [`TradeIds::see`] is all they cost. For the others there is a
//! list of what is missing ([`Missing`]). A trade in there is taken whenever it comes, by whichever way, and only once.
//! Where the venue can be asked for what is missing, newer trades wait for it a while:
//! - it comes in time: all go on in order, and nobody behind knows that there was a gap but by their marks;
//! - it does not: the gap is told, the newer trades go on, and what comes later is out of order and marked.

use super::counts::{FactKind, Fate};
use super::missing::{Missing, Part};
use super::output::{Output, Stamp};
use super::wants::has_trades_by_id;
use crate::decode::TradeStream;
use crate::instrument::Venue;
use crate::message::{Body, Connection, ConnectionEvent, Issue, Kind, Message, Trade, TradeGap};
use crate::units::WallNs;
use std::collections::VecDeque;

/// Most trades of an instrument that wait for missing ones.
pub const HELD_MAX: usize = 10_000;

/// Longest time they wait.
pub const HELD_NS: i64 = 5_000_000_000;

/// A request for missing trades that has not been heard of for so long is made again.
const ASK_AGAIN_NS: i64 = 60_000_000_000;

/// So many replies in a row without a single trade that was asked for, and the venue does not have them.
const EMPTY_REPLIES_MAX: u32 = 3;

/// Which trade stream of an instrument counts. The other one says the same again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum TradeChoice {
    /// The first that comes.
    #[default]
    Auto,
    /// `aggTrade`.
    Aggregate,
    /// `trade`.
    Single,
}

/// What a trade's id says about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TradeStep {
    /// The next, or the first.
    Next,
    /// Not the next, or others wait: for [`TradeIds::settle`].
    Unusual,
    /// It came on the stream that does not count.
    Superseded,
}

/// A request that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Asked {
    ids: TradeGap,
    at: WallNs,
}

/// The ids of one instrument.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two facts about the venue and two about what has come"
)]
pub(super) struct TradeIds {
    counted: Option<TradeStream>,
    last: Option<u64>,
    /// Ids ascend one by one. Otherwise they are those of all instruments together, or several fills come under the id
    /// of the last, and a hole says nothing.
    dense: bool,
    /// Ids are missing that have not been told, so newer trades wait.
    holding: bool,
    /// The venue can be asked, so newer trades may wait at all.
    may_hold: bool,
    /// A trade has come on the stream: from then on it brings what is new, and of replies only one that was asked for what
    /// lies behind the last trade.
    streaming: bool,
    missing: Missing,
    /// Ascending ids; each above the first id that is missing and has not been told.
    held: VecDeque<Message>,
    asked: Option<Asked>,
    empty_replies: u32,
}

impl TradeIds {
    pub(super) fn new(choice: TradeChoice, venue: Venue, backfill: bool) -> Self {
        let counted = match choice {
            TradeChoice::Auto => None,
            TradeChoice::Aggregate => Some(TradeStream::Aggregate),
            TradeChoice::Single => Some(TradeStream::Single),
        };
        Self {
            counted,
            last: None,
            dense: !matches!(venue, Venue::Bitstamp | Venue::Ftx | Venue::Okx),
            holding: false,
            may_hold: backfill && has_trades_by_id(venue),
            streaming: false,
            missing: Missing::default(),
            held: VecDeque::new(),
            asked: None,
            empty_replies: 0,
        }
    }

    /// What an earlier run has recorded.
    pub(super) fn recall(&mut self, stream: TradeStream, id: u64) {
        self.counted = Some(stream);
        self.last = Some(id);
    }

    /// Judges the id of a trade on a stream. If it is the next it is taken as seen.
    #[inline]
    pub(super) fn see(&mut self, stream: TradeStream, id: u64) -> TradeStep {
        if *self.counted.get_or_insert(stream) != stream {
            return TradeStep::Superseded;
        }
        if let Some(last) = self.last {
            let follows = id.checked_sub(last) == Some(1) || (!self.dense && id > last);
            if self.holding || !follows {
                return TradeStep::Unusual;
            }
        }
        self.last = Some(id);
        self.streaming = true;
        TradeStep::Next
    }

    /// Takes a trade of a stream that [`TradeIds::see`] found unusual, and counts what became of it. Without a trade it is one that was refused: its id
    /// counts as seen, so that its loss is no gap.
    #[cold]
    pub(super) fn settle(
        &mut self,
        stamp: Stamp,
        id: u64,
        trade: Option<&Trade>,
        out: &mut Output,
    ) {
        self.streaming = true;
        let fate = match self.last {
            Some(last) if id <= last => self.fill(stamp, id, trade, out),
            _ => self.append(stamp, id, trade, out),
        };
        self.met(stamp, trade, fate, out);
    }

    /// Whether a reply that begins with this id was asked for what lies behind the last trade: one that was asked for
    /// missing trades begins before it. So a recorded reply says what it was asked for.
    pub(super) fn is_tail(&self, first_id: u64) -> bool {
        self.last.is_some_and(|last| first_id > last)
    }

    /// Takes a trade of a reply, and counts what became of it. `tail`: of the reply, by [`TradeIds::is_tail`].
    pub(super) fn fetched(
        &mut self,
        stamp: Stamp,
        (stream, id): (TradeStream, u64),
        trade: Option<&Trade>,
        tail: bool,
        out: &mut Output,
    ) {
        let is_counted = *self.counted.get_or_insert(stream) == stream;
        let fate = match self.last {
            _ if !is_counted => Fate::Superseded,
            Some(last) if id <= last => self.fill(stamp, id, trade, out),
            // The stream brings it too, or has just not brought it yet.
            Some(_) if self.streaming && !tail => Fate::Superseded,
            _ => {
                let came = u64::from(trade.is_some());
                out.counts
                    .tally(stamp.instrument, |tally| tally.trades_caught_up += came);
                self.append(stamp, id, trade, out)
            }
        };
        self.met(stamp, trade, fate, out);
    }

    /// Counts what became of a trade, and only then lets go what waited: it may be that trade.
    fn met(&mut self, stamp: Stamp, trade: Option<&Trade>, fate: Fate, out: &mut Output) {
        if trade.is_some() {
            out.counts
                .tally(stamp.instrument, |tally| tally.met(FactKind::Trade, fate));
        }
        self.release(stamp, out);
    }

    /// A reply has been taken; it held trades of the ids `from..=to`, or none.
    pub(super) fn replied(
        &mut self,
        stamp: Stamp,
        stream: TradeStream,
        ids: Option<TradeGap>,
        out: &mut Output,
    ) {
        let Some(asked) = self.asked.filter(|_| self.counted == Some(stream)) else {
            return;
        };
        self.asked = None;
        // A reply begins with the first trade there is from the id asked for, and leaves none out.
        let first_id = asked.ids.first_id;
        if let Some(TradeGap { last_id, .. }) = ids.filter(|ids| ids.last_id >= first_id) {
            self.empty_replies = 0;
            self.give_up(stamp, TradeGap { first_id, last_id }, out);
            return;
        }
        self.empty_replies += 1;
        if self.empty_replies >= EMPTY_REPLIES_MAX {
            self.empty_replies = 0;
            self.give_up(stamp, asked.ids, out);
        }
    }

    /// A request came to nothing. It is made again, or what it asked for is given up.
    pub(super) fn failed(&mut self, stamp: Stamp, ids: TradeGap, retry: bool, out: &mut Output) {
        self.asked = None;
        if !retry {
            self.give_up(stamp, ids, out);
        }
    }

    /// The ids to ask the venue for, each once until a reply or a failure.
    pub(super) fn ask(&mut self, now: WallNs) -> Option<(TradeStream, TradeGap)> {
        let waits = |asked: Asked| now.0.saturating_sub(asked.at.0) < ASK_AGAIN_NS;
        if !self.may_hold || self.asked.is_some_and(waits) {
            return None;
        }
        let ids = self.missing.wanted()?;
        self.asked = Some(Asked { ids, at: now });
        Some((self.counted?, ids))
    }

    /// Trades that have waited long enough go on.
    pub(super) fn tick(&mut self, stamp: Stamp, out: &mut Output) {
        self.release(stamp, out);
    }

    /// Everything that waits goes on.
    pub(super) fn let_go(&mut self, stamp: Stamp, out: &mut Output) {
        while let Some(gap) = self.missing.tell_first() {
            self.emit_below(stamp, Some(gap.first_id), out);
            report_gap(stamp, gap, out);
        }
        self.release(stamp, out);
    }

    /// Until when trades wait at most.
    pub(super) fn deadline(&self) -> Option<WallNs> {
        let since = self.missing.first_untold()?.since;
        Some(WallNs(since.0.saturating_add(HELD_NS)))
    }

    /// How many trades wait.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether trades wait for missing ones.
    pub(super) fn is_holding(&self) -> bool {
        self.holding
    }

    /// Whether a request is under way.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The last trade that counts: the stream it is of, and its id.
    pub(super) fn last(&self) -> Option<(TradeStream, u64)> {
        self.counted.zip(self.last)
    }

    /// A trade behind all that were seen.
    fn append(&mut self, stamp: Stamp, id: u64, trade: Option<&Trade>, out: &mut Output) -> Fate {
        if let Some(last) = self.last
            && self.dense
            && id - last > 1
        {
            let gap = TradeGap {
                first_id: last + 1,
                last_id: id - 1,
            };
            if self.missing.is_full() {
                // What is forgotten has been told first, so it stays a gap for ever.
                self.let_go(stamp, out);
                let forgotten = self.missing.forget_first();
                out.counts.tally(stamp.instrument, |tally| {
                    tally.trades_forgotten = tally.trades_forgotten.saturating_add(forgotten);
                });
            }
            self.missing.push(Part::new(gap, stamp.ts_recv));
            if self.may_hold {
                self.holding = true;
            } else {
                self.missing.tell_first();
                report_gap(stamp, gap, out);
            }
        }
        self.last = Some(id);
        let Some(trade) = trade else {
            return Fate::Emitted;
        };
        if !self.holding {
            // History is in its place as well, and late.
            let trade = Trade {
                delayed: trade.backfilled,
                ..*trade
            };
            out.emit(stamp, &Body::Trade(trade));
            return Fate::Emitted;
        }
        self.hold(self.held.len(), delayed(stamp, trade), out)
    }

    /// A trade at or below the last: it is missing, or it was there before.
    fn fill(&mut self, stamp: Stamp, id: u64, trade: Option<&Trade>, out: &mut Output) -> Fate {
        let Some(told) = self.missing.take(id) else {
            return Fate::Duplicate;
        };
        let Some(trade) = trade else {
            return Fate::Emitted;
        };
        out.counts
            .tally(stamp.instrument, |tally| tally.trades_filled += 1);
        if told {
            out.counts
                .tally(stamp.instrument, |tally| tally.trades_late += 1);
            let late = Trade {
                backfilled: true,
                ..*trade
            };
            out.emit(stamp, &Body::Trade(late));
            return Fate::Emitted;
        }
        let message = delayed(stamp, trade);
        let missing_before = self.missing.first_untold();
        let is_first = missing_before.is_none_or(|part| id < part.ids.first_id)
            && self.held.front().is_none_or(|first| id < id_of(first));
        if is_first {
            out.push(message);
            return Fate::Emitted;
        }
        let at = self.held.partition_point(|held| id_of(held) < id);
        self.hold(at, message, out)
    }

    fn hold(&mut self, at: usize, message: Message, out: &mut Output) -> Fate {
        self.held.insert(at, message);
        out.counts
            .tally(message.instrument(), |tally| tally.trades_held += 1);
        Fate::Buffered
    }

    /// Passes on what need not wait any longer.
    fn release(&mut self, stamp: Stamp, out: &mut Output) {
        if !self.holding {
            return;
        }
        while let Some(part) = self.missing.first_untold() {
            self.emit_below(stamp, Some(part.ids.first_id), out);
            let waited = stamp.ts_recv.0.saturating_sub(part.since.0);
            let is_over = part.given_up || waited >= HELD_NS || self.held.len() > HELD_MAX;
            if !is_over {
                return;
            }
            self.missing.tell_first();
            report_gap(stamp, part.ids, out);
        }
        self.emit_below(stamp, None, out);
        self.holding = false;
    }

    /// Trades that waited, up to an id that is missing or all.
    fn emit_below(&mut self, stamp: Stamp, limit: Option<u64>, out: &mut Output) {
        let mut emitted = 0;
        while let Some(held) = self.held.front()
            && limit.is_none_or(|limit| id_of(held) < limit)
        {
            let mut message = *held;
            message.ts_recv = stamp.ts_recv;
            out.push(message);
            self.held.pop_front();
            emitted += 1;
        }
        if emitted > 0 {
            out.counts.tally(stamp.instrument, |tally| {
                tally.waited(FactKind::Trade, emitted, Fate::Emitted);
            });
        }
    }

    /// The venue does not have those of the ids that are missing.
    fn give_up(&mut self, stamp: Stamp, ids: TradeGap, out: &mut Output) {
        let mut unsupplied = 0_u64;
        self.missing.give_up(ids, |gone| {
            let count = gone.last_id - gone.first_id;
            unsupplied = unsupplied.saturating_add(count.saturating_add(1));
            let news = Connection {
                event: ConnectionEvent::ApiGap,
                issue: Some(Issue::ApiGap),
                ended: false,
                connection: 0,
                values: [gone.first_id, gone.last_id],
                score: Connection::UNJUDGED,
            };
            out.emit(stamp, &Body::Connection(news));
        });
        out.counts.tally(stamp.instrument, |tally| {
            tally.trades_unsupplied = tally.trades_unsupplied.saturating_add(unsupplied);
        });
        self.release(stamp, out);
    }
}

/// A trade in its place, but late.
fn delayed(stamp: Stamp, trade: &Trade) -> Message {
    let trade = Trade {
        delayed: true,
        ..*trade
    };
    let body = Body::Trade(trade);
    Message::new(stamp.instrument, stamp.ts_event, stamp.ts_recv, &body)
}

fn id_of(trade: &Message) -> u64 {
    debug_assert_eq!(trade.kind(), Some(Kind::Trade));
    trade.as_trade().id
}

fn report_gap(stamp: Stamp, gap: TradeGap, out: &mut Output) {
    out.counts.tally(stamp.instrument, |tally| {
        tally.trade_gaps += 1;
        let missing = (gap.last_id - gap.first_id).saturating_add(1);
        tally.trades_missing = tally.trades_missing.saturating_add(missing);
    });
    out.emit(stamp, &Body::TradeGap(gap));
}
