//! What happened in a market, as plain numbers.

use crate::bars::BarCounts;
use crate::book::Fault;
use crate::book::touch::Compared;
use crate::message::{ConnectionEvent, Kind};

/// Counts over all instruments since the start of the sequence.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MarketCounts {
    /// Messages per kind, in the order of [`Kind::ALL`], also those that were then found unfit.
    pub applied: [u64; Kind::ALL.len()],
    /// Messages of a kind this build does not know.
    pub unknown_kinds: u64,
    /// Messages of an instrument that was not defined before.
    pub unknown_instruments: u64,
    /// Messages whose payload cannot be: a price or quantity out of range, an unknown code, a crossed FX tick.
    pub bad_payloads: u64,
    /// Definitions that did not hold together or contradict an earlier one.
    pub bad_definitions: u64,
    /// Definitions that repeat a known one.
    pub redefinitions: u64,
    /// Venue times out of any range, or more than an hour ahead of their receipt; the last good time stands for them.
    pub bad_times: u64,
    /// Trades of the market, those fetched later included.
    pub trades: u64,
    /// Trades off the market (insurance fund, deleveraging), which are in no bar and no total.
    pub trades_off_market: u64,
    /// Trades fetched later to fill a gap.
    pub trades_backfilled: u64,
    /// Gaps in trade ids.
    pub trade_gaps: u64,
    /// Trade ids inside those gaps.
    pub trades_missing: u64,
    /// Depth runs that moved a book.
    pub book_updates: u64,
    /// Snapshots that became a book.
    pub book_snapshots: u64,
    /// Depth runs without effect: the book waited for a snapshot, or was past their ids.
    pub book_runs_ignored: u64,
    /// Levels in all runs.
    pub book_levels: u64,
    /// Books declared in step.
    pub books_synced: u64,
    /// Declared in step at an id that is not the snapshot's, or without a snapshot.
    pub books_sync_refused: u64,
    /// Books out of step, per fault in the order of [`Fault::ALL`].
    pub book_gaps: [u64; Fault::ALL.len()],
    /// Of those: found out here, where the book is, and not told by a reset. No part of the state: it follows from it.
    pub books_found_wrong: u64,
    /// Good books that fell silent.
    pub books_stale: u64,
    /// Quotes against books.
    pub touch: Compared,
    /// Bars.
    pub bars: BarCounts,
    /// The venue's closed bars that ours were compared with.
    pub venue_bars_compared: u64,
    /// Of those: a price, volume or number of trades differed.
    pub venue_bars_mismatched: u64,
    /// Events of order-by-order feeds per action; the first slot is unused, an action's code is its place.
    pub orders: [u64; 9],
    /// Books held against the venue's checksum and found the same.
    pub checksums_verified: u64,
    /// Books held against the venue's checksum and found to differ.
    pub checksums_failed: u64,
    /// Checksums of books that were out of step already, or of a venue without a rule.
    pub checksums_skipped: u64,
    /// News of connections, in the order of [`ConnectionEvent::ALL`].
    pub connection: [u64; ConnectionEvent::ALL.len()],
}

/// Kinds that were there before others could be added: only these are said in a state that has none of the others.
const FIRST_KINDS: usize = Kind::End as usize;

/// Faults that were there before others could be added.
const FIRST_FAULTS: usize = Fault::BadLevel as usize;

impl MarketCounts {
    /// Messages of a kind.
    pub fn applied(&self, kind: Kind) -> u64 {
        self.applied[kind as usize - 1]
    }

    /// Books out of step by that fault.
    pub fn book_gaps(&self, fault: Fault) -> u64 {
        self.book_gaps[fault as usize - 1]
    }

    /// News of connections of that event.
    pub fn connection(&self, event: ConnectionEvent) -> u64 {
        self.connection[event as usize - 1]
    }

    pub(super) fn gap(&mut self, fault: Fault) {
        self.book_gaps[fault as usize - 1] += 1;
    }

    pub(super) fn state_words(&self, word: &mut impl FnMut(u64)) {
        let singles = [
            self.unknown_kinds,
            self.unknown_instruments,
            self.bad_payloads,
            self.bad_definitions,
            self.redefinitions,
            self.bad_times,
            self.trades,
            self.trades_off_market,
            self.trades_backfilled,
            self.trade_gaps,
            self.trades_missing,
            self.book_updates,
            self.book_snapshots,
            self.book_runs_ignored,
            self.book_levels,
            self.books_synced,
            self.books_sync_refused,
            self.books_stale,
            self.touch.compared,
            self.touch.mismatched,
            self.touch.skipped,
            self.venue_bars_compared,
            self.venue_bars_mismatched,
        ];
        let (first, later) = self.applied.split_at(FIRST_KINDS);
        let (first_faults, later_faults) = self.book_gaps.split_at(FIRST_FAULTS);
        let lists = [first, first_faults, &self.orders];
        for &count in singles.iter().chain(lists.into_iter().flatten()) {
            word(count);
        }
        self.bars.state_words(word);
        // Each with its place, and only if there is one: a state without them is said as before there were such counts.
        let checksums = [
            self.checksums_verified,
            self.checksums_failed,
            self.checksums_skipped,
        ];
        let named = [
            (1, later),
            (2, &self.connection[..]),
            (3, later_faults),
            (4, &checksums),
        ];
        for (list, counts) in named {
            for (at, &count) in (0..).zip(counts).filter(|(_, count)| **count > 0) {
                word(list << 32 | at);
                word(count);
            }
        }
    }
}
