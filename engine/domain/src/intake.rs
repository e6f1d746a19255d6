//! Frames in, checked and ordered input messages out.
//!
//! [`Intake`] decodes each frame, holds the fact against what is known of its instrument, and queues what is new:
//! - trades once each and in order of their ids, a [`TradeGap`](crate::message::TradeGap) before the trade that reveals it;
//! - depth as runs a consumer may apply as they come, from [`BookSynced`](crate::message::BookSynced) on;
//! - quotes newer than the last; all else as it is.
//!
//! A used snapshot becomes: `BookReset` if it replaces a book, the run of the snapshot, `BookSynced`,
//! then a run for each event that waited and is not in the snapshot.
//! Such a run has its own venue time; its receipt is that of the snapshot which let it go, so receipts stay in order.
//! With [`IntakeOptions::backfill`] trades wait a while for missing ones before them; [`Intake::wants`] says what to ask
//! the venue for, and the replies come in as frames. A reply that fills a gap is understood without it as well.
//! It holds no book, so it does not see a crossed one: whoever does calls [`Intake::drop_book`].
//! Every frame and every fact is counted exactly once; [`Intake::balance`] proves it.
//!
//! The caller takes all messages with [`Intake::pop`] between two frames. Then nothing here allocates
//! once a book has been waited for, and a queue that outgrows its bound is a bug that stops the agent.

mod counts;
mod depth;
mod lines;
mod lists;
mod missing;
mod output;
mod recall;
mod skew;
mod trades;
mod wants;

pub use counts::{FactKind, Fate, IntakeCounts, NOTICE_NAMES, Tally};
pub use depth::{BookStatus, DepthChoice};
pub use lines::{LINE_HELD_NS, LINES_MAX};
pub use recall::Recalled;
pub use skew::ClockSkew;
pub use trades::{HELD_MAX, HELD_NS, TradeChoice};
pub use wants::Want;

use crate::decode::{Decoded, Decoder, Depth, DepthKind, Fact, Levels, Reason, Reject};
use crate::definitions::define;
use crate::instrument::{InstrumentId, InstrumentTable, Venue};
use crate::message::{Body, Message, Quote, ResetReason};
use crate::sync::{DepthEvent, Rules};
use crate::units::WallNs;
use depth::Depths;
use lines::{Key, Lines, Released, Verdict, line_of};
use output::{Output, Stamp};
use trades::{TradeIds, TradeStep};
use wants::SnapshotAsk;

/// Which of several streams that say the same counts, for one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct InstrumentOptions {
    /// Which trade stream.
    pub trades: TradeChoice,
    /// Which depth frames.
    pub depth: DepthChoice,
}

/// Choices of an [`Intake`].
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct IntakeOptions {
    /// For every instrument not named below.
    pub all: InstrumentOptions,
    /// For single instruments; of two entries for the same, the later.
    pub except: Vec<(InstrumentId, InstrumentOptions)>,
    /// The venues can be asked for what is missing: newer trades of an instrument wait for it, [`HELD_MAX`] of them and
    /// [`HELD_NS`] at most. Without it a gap is told at once.
    pub backfill: bool,
}

#[derive(Clone, Debug)]
struct Line {
    venue: Venue,
    trades: TradeIds,
    depth: Depths,
    snapshot: SnapshotAsk,
    quote_id: u64,
    /// The last quote of a venue without ids, and its time.
    quote: Option<(WallNs, Quote)>,
    /// The connections it comes on, if they are several.
    redundant: Lines,
}

/// The machine; see the module's own words.
#[derive(Clone, Debug)]
pub struct Intake {
    decoder: Decoder,
    /// Out while a frame is taken; in a box, because it is moved there and back with each.
    levels: Option<Box<Levels>>,
    lines: Vec<Line>,
    out: Output,
    /// There may be something to ask the venue for.
    wanting: bool,
    /// Instruments of which trades wait.
    holding: usize,
    /// The source has ended: what waits goes on, instrument by instrument as the queue is emptied.
    ended: Option<WallNs>,
    /// Which of several connections the frame came on; 0 if there is one.
    number: usize,
    /// The venue's time of the latest frame.
    venue_time: Option<WallNs>,
}

impl Intake {
    /// An intake for the instruments of `table`, knowing nothing of them yet.
    pub fn new(table: InstrumentTable, options: IntakeOptions) -> Self {
        let IntakeOptions {
            all,
            except,
            backfill,
        } = options;
        let lines = table.iter().map(|(id, instrument)| {
            let of_id = except.iter().rev().find(|(of, _)| *of == id);
            let chosen = of_id.map_or(all, |(_, chosen)| *chosen);
            Line {
                venue: instrument.venue,
                trades: TradeIds::new(chosen.trades, instrument.venue, backfill),
                depth: Depths::new(chosen.depth, Rules::of(instrument.venue)),
                snapshot: SnapshotAsk::default(),
                quote_id: 0,
                quote: None,
                redundant: Lines::default(),
            }
        });
        Self {
            levels: None,
            lines: lines.collect(),
            out: Output::new(table.len()),
            decoder: Decoder::new(table),
            wanting: false,
            holding: 0,
            ended: None,
            number: 0,
            venue_time: None,
        }
    }

    /// The instruments.
    pub fn table(&self) -> &InstrumentTable {
        self.decoder.table()
    }

    /// Queues the definitions of all instruments, three messages each.
    pub fn announce(&mut self, ts: WallNs) {
        for (id, instrument) in self.decoder.table().iter() {
            for message in define(id, instrument, ts) {
                self.out.push(message);
            }
        }
    }

    /// Takes one frame as the venue sent it. What it says is queued; if it is refused, the reason is returned and counted.
    pub fn frame(
        &mut self,
        venue: Venue,
        stream: &[u8],
        ts_recv: WallNs,
        frame: &[u8],
    ) -> Result<(), Reject> {
        self.out.counts.frames += 1;
        self.out.counts.bytes += frame.len() as u64;
        self.number = match venue {
            Venue::Kraken | Venue::Okx | Venue::Ftx => line_of(stream),
            _ => 0,
        };
        let mut levels = self.levels.take().unwrap_or_default();
        let decoded = self.decoder.decode(venue, stream, frame, &mut levels);
        self.venue_time = match decoded {
            Ok(Decoded::Fact { ts_event, .. }) => ts_event,
            _ => None,
        };
        let answer = self.decoded(ts_recv, decoded, frame, &levels);
        self.levels = Some(levels);
        answer
    }

    /// When the venue says that what the latest frame told happened; none if that frame had no such time, told many
    /// things, as history does, or was refused.
    pub fn venue_time(&self) -> Option<WallNs> {
        self.venue_time
    }

    fn decoded(
        &mut self,
        ts_recv: WallNs,
        decoded: Result<Decoded, Reject>,
        frame: &[u8],
        levels: &Levels,
    ) -> Result<(), Reject> {
        match decoded {
            Ok(Decoded::Fact {
                instrument,
                ts_event,
                fact,
            }) => {
                self.out.counts.decoded += 1;
                self.fact(instrument, ts_event, ts_recv, &fact, levels);
                Ok(())
            }
            Ok(Decoded::List(list)) => {
                self.out.counts.decoded += 1;
                self.list(list, ts_recv, frame);
                Ok(())
            }
            Ok(Decoded::Trades { instrument, stream }) => {
                self.out.counts.decoded += 1;
                for one in &levels.trades {
                    let fact = Fact::Trade(stream, one.trade);
                    self.fact(instrument, one.ts_event, ts_recv, &fact, levels);
                }
                Ok(())
            }
            Ok(Decoded::Notice(notice)) => {
                self.out.counts.noticed(notice);
                Ok(())
            }
            Err(reject) => {
                self.refused(ts_recv, &reject);
                Err(reject)
            }
        }
    }

    /// Takes one fact, with the levels of a depth fact. Where the venue gives no time, receipt stands in.
    pub fn fact(
        &mut self,
        instrument: InstrumentId,
        ts_event: Option<WallNs>,
        ts_recv: WallNs,
        fact: &Fact,
        levels: &Levels,
    ) {
        let line = &mut self.lines[instrument.index()];
        let out = &mut self.out;
        let kind = FactKind::of(fact);
        out.counts.tally(instrument, |tally| tally.came(kind));
        if let Some(ts_event) = ts_event {
            out.counts.clock_mut(line.venue).sample(ts_recv, ts_event);
        }
        let stamp = Stamp {
            instrument,
            ts_event: ts_event.unwrap_or(ts_recv),
            ts_recv,
        };
        let fate = match fact {
            Fact::Trade(stream, trade) => match line.trades.see(*stream, trade.id) {
                TradeStep::Next => emit(stamp, &Body::Trade(*trade), out),
                TradeStep::Superseded => Fate::Superseded,
                TradeStep::Unusual => {
                    line.trades.settle(stamp, trade.id, Some(trade), out);
                    return self.trades_changed();
                }
            },
            Fact::Quote(quote) => line.quote(stamp, quote, self.number, out),
            Fact::Depth(depth) if self.number > 0 => {
                line.redundant_depth(stamp, depth, levels, self.number, out);
                self.wanting = true;
                return;
            }
            Fact::Depth(depth) => {
                let fate = line.depth(stamp, depth, levels, out);
                self.wanting |= fate != Fate::Emitted || depth.kind == DepthKind::Snapshot;
                fate
            }
            Fact::Liquidation(liquidation) => emit(stamp, &Body::Liquidation(*liquidation), out),
            Fact::MarkPrice(mark) => emit(stamp, &Body::MarkPrice(*mark), out),
            Fact::VenueBar(prices, volume) => {
                emit(stamp, &Body::VenueBarPrices(*prices), out);
                emit(stamp, &Body::VenueBarVolume(*volume), out)
            }
            Fact::Day(prices, volume) => {
                emit(stamp, &Body::DayPrices(*prices), out);
                emit(stamp, &Body::DayVolume(*volume), out)
            }
            Fact::FxTick(tick) => emit(stamp, &Body::FxTick(*tick), out),
            Fact::FxPackage(day, range) => {
                emit(stamp, &Body::FxDay(*day), out);
                for (prices, volume) in &levels.bars {
                    emit(stamp, &Body::VenueBarPrices(*prices), out);
                    emit(stamp, &Body::VenueBarVolume(*volume), out);
                }
                let bars = levels.bars.len() as u64;
                out.counts
                    .tally(instrument, |tally| tally.package_bars += bars);
                emit(stamp, &Body::FxRange(*range), out)
            }
            Fact::Order(order) => emit(stamp, &Body::Order(*order), out),
        };
        out.counts.tally(instrument, |tally| tally.met(kind, fate));
    }

    /// What is missing of the trades of an instrument may be other than before.
    #[cold]
    fn trades_changed(&mut self) {
        self.wanting = true;
        self.count_holding();
    }

    /// A refused frame: counted. The id of a refused trade counts as seen, so that its loss is no gap;
    /// a depth event whose ids run backwards is a gap at once, and so is any of a venue whose ids tell of no gap.
    /// After any other, the next event's ids tell.
    fn refused(&mut self, ts_recv: WallNs, reject: &Reject) {
        let out = &mut self.out;
        out.counts.refused(reject.reason);
        let Some(instrument) = reject.instrument else {
            return;
        };
        out.counts.tally(instrument, |tally| tally.rejected += 1);
        let line = &mut self.lines[instrument.index()];
        let stamp = now(instrument, ts_recv);
        if let Some((stream, id)) = reject.trade {
            out.counts
                .tally(instrument, |tally| tally.trades_refused += 1);
            if line.trades.see(stream, id) == TradeStep::Unusual {
                line.trades.settle(stamp, id, None, out);
                self.trades_changed();
            }
        } else {
            let backwards = reject.reason == Reason::BadRange;
            match self.number {
                0 => line.depth.refused(stamp, backwards, out),
                // Another line may bring it whole.
                number => line.redundant.lost(number),
            }
        }
    }

    /// The connection to a venue was lost: its books wait for new snapshots, its trades go on by their ids.
    pub fn disconnected(&mut self, venue: Venue, ts: WallNs) {
        for (line, id) in self.lines.iter_mut().zip(0..) {
            if line.venue == venue {
                let stamp = now(InstrumentId(id), ts);
                line.drop_book(stamp, ResetReason::Disconnected, &mut self.out);
            }
        }
    }

    /// One of several connections to a venue was lost: the others go on, and it is found again by what it brings.
    pub fn line_lost(&mut self, venue: Venue, number: usize) {
        for line in self.lines.iter_mut().filter(|line| line.venue == venue) {
            line.redundant.lost(number);
        }
    }

    /// Somebody who holds the book found it wrong, as a crossed one is: it waits for a new snapshot.
    /// With [`ResetReason::Disconnected`] a snapshot that was asked for is no longer expected.
    pub fn drop_book(&mut self, instrument: InstrumentId, reason: ResetReason, ts: WallNs) {
        let line = &mut self.lines[instrument.index()];
        line.drop_book(now(instrument, ts), reason, &mut self.out);
        self.wanting = true;
    }

    /// Puts news into the sequence that no frame brought, such as a [`Connection`](crate::message::Connection).
    /// [`InstrumentId::NONE`] if it is about no instrument. Not for facts: those come in by [`Intake::frame`] and are counted.
    pub fn tell(&mut self, instrument: InstrumentId, ts: WallNs, body: &Body) {
        self.out.emit(now(instrument, ts), body);
    }

    /// The source has ended. Trades that wait for missing ones go on;
    /// depth events that still wait for a snapshot stay counted as buffered.
    pub fn finish(&mut self, ts: WallNs) {
        self.ended = Some(ts);
    }

    /// The next message, without a number in the sequence.
    #[inline]
    pub fn pop(&mut self) -> Option<Message> {
        if let Some(ts) = self.ended {
            self.let_go(ts);
        }
        self.out.pop()
    }

    /// At the end, when the queue is empty, what waited of the next instrument goes on.
    #[cold]
    fn let_go(&mut self, ts: WallNs) {
        if self.holding == 0 || self.out.waiting() > 0 {
            return;
        }
        let mut lines = self.lines.iter_mut().zip(0..);
        if let Some((line, id)) = lines.find(|(line, _)| line.trades.is_holding()) {
            line.trades.let_go(now(InstrumentId(id), ts), &mut self.out);
        }
        self.count_holding();
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.out.waiting()
    }

    /// What became of everything so far.
    pub fn counts(&self) -> &IntakeCounts {
        &self.out.counts
    }

    /// Where the book of an instrument stands.
    pub fn book_status(&self, instrument: InstrumentId) -> Option<BookStatus> {
        Some(self.lines.get(instrument.index())?.depth.status())
    }

    /// Whether every frame, fact and message is accounted for exactly once; if not, what does not add up.
    pub fn balance(&self) -> Result<(), String> {
        let counts = self.counts();
        counts.balance()?;
        for ((id, instrument), line) in self.table().iter().zip(&self.lines) {
            let counted = counts.instruments[id.index()].fate(Fate::Buffered);
            let waiting = (line.depth.status().buffered
                + line.redundant.waiting()
                + line.trades.held()) as u64;
            if counted != waiting {
                return Err(format!(
                    "{}: {counted} counted as buffered, {waiting} are",
                    instrument.symbol
                ));
            }
        }
        let (queued, waiting) = (counts.messages_total(), self.out.waiting() as u64);
        if queued != self.out.taken() + waiting {
            return Err(format!(
                "{queued} messages queued, {} taken, {waiting} wait",
                self.out.taken()
            ));
        }
        Ok(())
    }
}

impl Line {
    /// Quotes with an id go on only if it is new; a venue without ids sends none twice.
    fn quote(&mut self, stamp: Stamp, quote: &Quote, number: usize, out: &mut Output) -> Fate {
        if number > 0 {
            let this = (stamp.ts_event, *quote);
            match self.quote {
                Some((ts, _)) if stamp.ts_event < ts => return Fate::Stale,
                Some(last) if last == this => return Fate::Duplicate,
                _ => self.quote = Some(this),
            }
        }
        if quote.update_id != 0 {
            if quote.update_id == self.quote_id {
                return Fate::Duplicate;
            }
            if quote.update_id < self.quote_id {
                return Fate::Stale;
            }
            self.quote_id = quote.update_id;
        }
        emit(stamp, &Body::Quote(*quote), out)
    }

    /// A frame of one of several connections: judged by what the others brought, and then what waited for it.
    fn redundant_depth(
        &mut self,
        stamp: Stamp,
        depth: &Depth,
        levels: &Levels,
        number: usize,
        out: &mut Output,
    ) {
        // Without either it is told from another by its time alone.
        let sum = levels.checksum.map_or(0, |stated| stated.value);
        let key = Key {
            ts: stamp.ts_event,
            value: if depth.last_id == 0 {
                sum.into()
            } else {
                depth.last_id
            },
        };
        let is_snapshot = depth.kind == DepthKind::Snapshot;
        let fate = match self.redundant.judge(number, key, is_snapshot) {
            Verdict::Pass => self.depth(stamp, depth, levels, out),
            Verdict::Duplicate => Fate::Duplicate,
            Verdict::Stale => {
                let stale = u64::from(is_snapshot);
                out.counts
                    .tally(stamp.instrument, |tally| tally.snapshots_stale += stale);
                Fate::Stale
            }
            Verdict::Hold => {
                self.redundant
                    .hold(number, key, depth, levels, stamp.ts_recv, |kind| {
                        give_up(stamp, kind, out);
                    });
                Fate::Buffered
            }
        };
        // Counted before what waited is: it may be that frame.
        let kind = FactKind::of(&Fact::Depth(*depth));
        out.counts
            .tally(stamp.instrument, |tally| tally.met(kind, fate));
        while let Some((held, next)) = self.redundant.release(stamp.ts_recv) {
            let depth = held.depth;
            let stamp = Stamp {
                ts_event: held.ts_event,
                ..stamp
            };
            let fate = match next {
                Released::GoesOn => self.depth(stamp, &depth, &held.levels, out),
                Released::Known => Fate::Duplicate,
                Released::Lost => Fate::Discarded,
            };
            let kind = FactKind::of(&Fact::Depth(depth));
            out.counts
                .tally(stamp.instrument, |tally| tally.waited(kind, 1, fate));
            self.redundant.recycle(held);
            if next == Released::Lost {
                self.drop_book(stamp, ResetReason::Gap, out);
            }
        }
    }

    /// The book cannot be trusted: it and all that waits for it are given up.
    fn drop_book(&mut self, stamp: Stamp, reason: ResetReason, out: &mut Output) {
        self.redundant.clear(|kind| give_up(stamp, kind, out));
        if reason == ResetReason::Disconnected {
            self.snapshot.disconnected();
        }
        self.depth.drop_book(stamp, reason, out);
    }

    fn depth(&mut self, stamp: Stamp, depth: &Depth, levels: &Levels, out: &mut Output) -> Fate {
        match depth.kind {
            DepthKind::Diff { prev_id } => {
                let event = DepthEvent {
                    first_id: depth.first_id,
                    last_id: depth.last_id,
                    prev_id,
                    ts_event: stamp.ts_event,
                };
                self.depth.diff(stamp, &event, levels, out)
            }
            DepthKind::Snapshot => {
                let fate = self.depth.snapshot(stamp, depth.last_id, levels, out);
                if fate != Fate::Superseded {
                    let is_done = fate == Fate::Emitted || !self.depth.lacks_snapshot();
                    self.snapshot.came(is_done, stamp.ts_recv);
                }
                fate
            }
            DepthKind::Partial => self.depth.partial(stamp, depth.last_id, levels, out),
        }
    }
}

/// A frame that waited for other lines is thrown away.
fn give_up(stamp: Stamp, kind: DepthKind, out: &mut Output) {
    let kind = match kind {
        DepthKind::Diff { .. } => FactKind::DepthDiff,
        DepthKind::Snapshot => FactKind::DepthSnapshot,
        DepthKind::Partial => FactKind::DepthPartial,
    };
    out.counts.tally(stamp.instrument, |tally| {
        tally.waited(kind, 1, Fate::Discarded);
    });
}

fn emit(stamp: Stamp, body: &Body, out: &mut Output) -> Fate {
    out.emit(stamp, body);
    Fate::Emitted
}

fn now(instrument: InstrumentId, ts: WallNs) -> Stamp {
    Stamp {
        instrument,
        ts_event: ts,
        ts_recv: ts,
    }
}

#[cfg(test)]
mod tests;
