//! What the intake needs from the venue beyond its streams, and what becomes of asking.

use super::depth::Depths;
use super::{Intake, now};
use crate::decode::TradeStream;
use crate::instrument::{InstrumentId, Venue};
use crate::message::TradeGap;
use crate::units::WallNs;

/// Something to ask the venue for. The reply comes in as a frame like any other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Want {
    /// The whole book; depth events wait for it.
    Snapshot {
        /// Whose.
        instrument: InstrumentId,
    },
    /// Trades that are missing; newer ones may wait for them.
    Trades {
        /// Whose.
        instrument: InstrumentId,
        /// Aggregated trades or single ones.
        stream: TradeStream,
        /// First missing id.
        first_id: u64,
        /// Last missing id. A reply may end before it, then the rest is asked for next.
        last_id: u64,
    },
}

/// Longest wait before another snapshot is asked for after one that could not be used.
const SNAPSHOT_WAIT_MAX_NS: i64 = 30_000_000_000;

const SECOND_NS: i64 = 1_000_000_000;

/// Whether trades of a venue can be asked for by their ids.
pub(super) fn has_trades_by_id(venue: Venue) -> bool {
    matches!(
        venue,
        Venue::BinanceSpot | Venue::BinanceUsdm | Venue::BinanceCoinm
    )
}

/// A request for a snapshot that has not been heard of for so long is made again.
const ASK_AGAIN_NS: i64 = 60 * SECOND_NS;

/// Where asking for a snapshot stands.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct SnapshotAsk {
    asked: Option<WallNs>,
    /// Snapshots since the book was lost that could not be used.
    unusable: u32,
    not_before: Option<WallNs>,
    /// From then on a book that is out of step is asked for although no event waits for it: its stream may be a quiet one.
    runs_from: Option<WallNs>,
}

impl SnapshotAsk {
    /// A snapshot came and was the book, or could not be used.
    pub(super) fn came(&mut self, used: bool, ts: WallNs) {
        if used {
            *self = Self {
                runs_from: self.runs_from,
                ..Self::default()
            };
            return;
        }
        self.asked = None;
        // 1, 2, 4 ... 30 s.
        let wait = (SECOND_NS << self.unusable.min(5)).min(SNAPSHOT_WAIT_MAX_NS);
        self.unusable += 1;
        self.not_before = Some(WallNs(ts.0.saturating_add(wait)));
    }

    /// Nothing is under way any more.
    pub(super) fn forget(&mut self) {
        self.asked = None;
    }

    /// The stream is no more, and what was asked for it is of no use.
    pub(super) fn disconnected(&mut self) {
        self.asked = None;
        self.runs_from = None;
    }

    /// `Some(true)` if it is to be asked for now, `Some(false)` if perhaps later.
    fn ask(&mut self, depth: &Depths, ts: WallNs) -> Option<bool> {
        if !depth.lacks_snapshot() {
            let runs_from = self.runs_from.filter(|_| !depth.is_synced())?;
            if ts < runs_from {
                return Some(false);
            }
        }
        let waits = |since: WallNs| ts.0.saturating_sub(since.0) < ASK_AGAIN_NS;
        let is_due =
            !self.asked.is_some_and(waits) && self.not_before.is_none_or(|time| ts >= time);
        if is_due {
            self.asked = Some(ts);
        }
        Some(is_due)
    }
}

impl Intake {
    /// The next thing to ask the venue for; each is given out once until its reply has come or [`Intake::want_failed`].
    /// Of an instrument one snapshot and one run of trades are under way at a time.
    pub fn wants(&mut self, ts: WallNs) -> Option<Want> {
        if !self.wanting {
            return None;
        }
        let mut later = false;
        for (line, id) in self.lines.iter_mut().zip(0..) {
            let instrument = InstrumentId(id);
            if let Some((stream, ids)) = line.trades.ask(ts) {
                return Some(Want::Trades {
                    instrument,
                    stream,
                    first_id: ids.first_id,
                    last_id: ids.last_id,
                });
            }
            match line.snapshot.ask(&line.depth, ts) {
                Some(true) => return Some(Want::Snapshot { instrument }),
                Some(false) => later = true,
                None => later |= line.trades.is_holding() || line.trades.is_asked(),
            }
        }
        self.wanting = later;
        None
    }

    /// The stream of an instrument's depth events runs. If its book is not in step by `from` although no event has come that
    /// waits for a snapshot, one is wanted all the same; it is the book until the next event.
    pub fn expect_book(&mut self, instrument: InstrumentId, from: WallNs) {
        if let Some(line) = self.lines.get_mut(instrument.index()) {
            line.snapshot.runs_from = Some(from);
            self.wanting = true;
        }
    }

    /// Asking came to nothing: it is asked for again, or, if trying again is of no use, given up.
    ///
    /// Trades given up are told as missing, with news that the venue cannot supply them, and those that wait go on.
    /// A book given up is asked for again after a minute.
    pub fn want_failed(&mut self, want: Want, ts: WallNs, retry: bool) {
        self.wanting = true;
        match want {
            Want::Snapshot { instrument } => {
                if retry && let Some(line) = self.lines.get_mut(instrument.index()) {
                    line.snapshot.forget();
                }
            }
            Want::Trades {
                instrument,
                first_id,
                last_id,
                ..
            } => {
                let ids = TradeGap { first_id, last_id };
                if let Some(line) = self.lines.get_mut(instrument.index()) {
                    let stamp = now(instrument, ts);
                    line.trades.failed(stamp, ids, retry, &mut self.out);
                }
                self.count_holding();
            }
        }
    }

    /// The last trade of an instrument that came by whichever way, as its stream and id, if what lies behind it can be asked
    /// for. Nobody misses what was lost behind it until the stream brings the next one, so whoever knows that something may
    /// have been lost asks from there on; [`Intake::frame`] takes the reply as news.
    pub fn last_trade(&self, instrument: InstrumentId) -> Option<(TradeStream, u64)> {
        let line = self.lines.get(instrument.index())?;
        let asks = has_trades_by_id(line.venue);
        line.trades.last().filter(|_| asks)
    }

    /// Time has passed: trades that have waited for their limit go on. If more is due than the queue should take at once
    /// the rest follows with the next call, and [`Intake::next_deadline`] says so.
    pub fn tick(&mut self, ts: WallNs) {
        if self.holding == 0 {
            return;
        }
        for (line, id) in self.lines.iter_mut().zip(0..) {
            if self.out.is_ample() {
                break;
            }
            if line.trades.is_holding() {
                line.trades.tick(now(InstrumentId(id), ts), &mut self.out);
            }
        }
        self.count_holding();
    }

    /// When [`Intake::tick`] has something to do next; `None` while no trade waits.
    pub fn next_deadline(&self) -> Option<WallNs> {
        if self.holding == 0 {
            return None;
        }
        let deadlines = self.lines.iter().filter_map(|line| line.trades.deadline());
        deadlines.min()
    }

    /// How many instruments have trades that wait.
    pub(super) fn count_holding(&mut self) {
        let holding = self.lines.iter().filter(|line| line.trades.is_holding());
        self.holding = holding.count();
    }
}
