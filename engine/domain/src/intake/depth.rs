//! Depth frames of one instrument into runs: the synchronised book, or the partial one where there is no other.

use super::counts::{FactKind, Fate};
use super::output::{Output, Run, Stamp};
use crate::decode::Levels;
use crate::message::{Body, BookChecksum, BookReset, BookSynced, ResetReason};
use crate::sync::{BookSync, DepthEvent, Rules, SnapshotStep, Step, SyncState};

/// Which depth frames of an instrument make its book.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum DepthChoice {
    /// Partial frames until the first diff comes, from then on diffs and snapshots.
    #[default]
    Auto,
    /// Diffs and snapshots.
    Diff,
    /// Partial frames.
    Partial,
}

/// Where an instrument's book stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookStatus {
    /// State of the synchronisation; a partial book is in step from its first frame.
    pub state: SyncState,
    /// Update id of the book; `None` unless in step.
    pub book_id: Option<u64>,
    /// Depth events that wait for a snapshot.
    pub buffered: usize,
    /// Diffs come and are not in step: a snapshot should be fetched.
    pub wants_snapshot: bool,
}

/// The depth of one instrument.
#[derive(Clone, Debug)]
pub(super) struct Depths {
    choice: DepthChoice,
    sync: BookSync,
    diff_seen: bool,
    /// Id of the partial frame that is the book now.
    partial: Option<u64>,
}

impl Depths {
    pub(super) fn new(choice: DepthChoice, rules: Rules) -> Self {
        Self {
            choice,
            sync: BookSync::new(rules),
            diff_seen: false,
            partial: None,
        }
    }

    pub(super) fn diff(
        &mut self,
        stamp: Stamp,
        event: &DepthEvent,
        levels: &Levels,
        out: &mut Output,
    ) -> Fate {
        if self.choice == DepthChoice::Partial {
            return Fate::Superseded;
        }
        self.diff_seen = true;
        if let Some(partial_id) = self.partial.take() {
            // A snapshot may have come before; it went over to partial frames like all else.
            self.sync.drop_book(ResetReason::Refreshed);
            let reset = BookReset {
                reason: ResetReason::Refreshed,
                expected_id: partial_id,
                got_id: event.first_id,
            };
            out.reset(stamp, reset);
        }
        match self.sync.diff(event, levels) {
            Step::Apply { overlap } => {
                if overlap {
                    out.counts
                        .tally(stamp.instrument, |tally| tally.overlaps += 1);
                }
                let run = self.numbered(run_of(event));
                out.run(stamp, run, &levels.bids, &levels.asks);
                self.checksum(stamp, levels, out);
                Fate::Emitted
            }
            Step::Covered => Fate::Covered,
            Step::Old => Fate::Duplicate,
            Step::Wait => Fate::Buffered,
            Step::Refuse => Fate::Discarded,
            Step::Lost(reset) => {
                out.reset(stamp, reset);
                if self.sync.buffered() == 0 {
                    Fate::Discarded
                } else {
                    Fate::Buffered
                }
            }
            Step::Overflow { reset, discarded } => {
                discard(stamp, discarded, out);
                out.reset(stamp, reset);
                Fate::Buffered
            }
        }
    }

    /// Used: the reset of the book it replaces, its own run, that it is in step, then the runs that waited.
    pub(super) fn snapshot(
        &mut self,
        stamp: Stamp,
        last_id: u64,
        levels: &Levels,
        out: &mut Output,
    ) -> Fate {
        if self.choice == DepthChoice::Partial {
            return Fate::Superseded;
        }
        let step = if self.partial.is_some_and(|partial_id| last_id < partial_id) {
            SnapshotStep::Stale
        } else {
            self.sync.snapshot(last_id)
        };
        out.counts.tally(stamp.instrument, |tally| match step {
            SnapshotStep::Use { .. } => tally.snapshots_used += 1,
            SnapshotStep::TooOld => tally.snapshots_too_old += 1,
            SnapshotStep::Unbridged => tally.snapshots_unbridged += 1,
            SnapshotStep::Stale => tally.snapshots_stale += 1,
        });
        let SnapshotStep::Use { refreshed } = step else {
            return Fate::Stale;
        };
        if let Some(reset) = refreshed {
            out.reset(stamp, reset);
        }
        let last_id = self.sync.book_id().unwrap_or(last_id);
        whole_book(stamp, last_id, levels, out);
        self.checksum(stamp, levels, out);
        in_step(stamp, last_id, out);
        while let Some(drained) = self.sync.drain() {
            let event = &drained.event;
            let stamp = Stamp {
                ts_event: event.ts_event,
                ..stamp
            };
            let fate = match drained.step {
                Step::Covered => Fate::Covered,
                Step::Old => Fate::Duplicate,
                Step::Apply { overlap } => {
                    if overlap {
                        out.counts
                            .tally(stamp.instrument, |tally| tally.overlaps += 1);
                    }
                    out.run(stamp, run_of(event), drained.bids, drained.asks);
                    Fate::Emitted
                }
                Step::Lost(reset) => {
                    out.reset(stamp, reset);
                    break;
                }
                Step::Wait | Step::Refuse | Step::Overflow { .. } => {
                    unreachable!("what waited is judged at a synchronised book")
                }
            };
            out.counts.tally(stamp.instrument, |tally| {
                tally.waited(FactKind::DepthDiff, 1, fate);
            });
        }
        Fate::Emitted
    }

    /// Each partial frame is a whole book. The first is followed by word that the book is in step.
    pub(super) fn partial(
        &mut self,
        stamp: Stamp,
        last_id: u64,
        levels: &Levels,
        out: &mut Output,
    ) -> Fate {
        match self.choice {
            DepthChoice::Diff => return Fate::Superseded,
            DepthChoice::Auto if self.diff_seen => return Fate::Superseded,
            DepthChoice::Auto | DepthChoice::Partial => {}
        }
        let known = self.partial.max(self.sync.book_id()).unwrap_or(0);
        if last_id != 0 && last_id < known {
            return Fate::Stale;
        }
        if last_id != 0 && self.partial == Some(last_id) {
            return Fate::Duplicate;
        }
        whole_book(stamp, last_id, levels, out);
        self.checksum(stamp, levels, out);
        if self.partial.is_none() {
            out.counts
                .tally(stamp.instrument, |tally| tally.partial_books += 1);
            in_step(stamp, last_id, out);
        }
        self.partial = Some(last_id);
        Fate::Emitted
    }

    /// Where the venue has no update ids, the number that was given here.
    fn numbered(&self, mut run: Run) -> Run {
        if run.last_id == 0
            && let Some(book_id) = self.sync.book_id()
        {
            (run.first_id, run.last_id) = (book_id, book_id);
        }
        run
    }

    /// Behind a run what the venue's book sums up to, before the book is said to be in step.
    fn checksum(&self, stamp: Stamp, levels: &Levels, out: &mut Output) {
        // Decoders of venues without checksums leave alone what stands there.
        if self.sync.rules() != Rules::Ordered {
            return;
        }
        if let Some(stated) = levels.checksum {
            out.counts
                .tally(stamp.instrument, |tally| tally.checksums += 1);
            let body = BookChecksum {
                checksum: stated.value,
                depth: stated.depth.into(),
                px_decimals: stated.px_decimals.into(),
                qty_decimals: stated.qty_decimals.into(),
            };
            out.emit(stamp, &Body::BookChecksum(body));
        }
    }

    /// The book cannot be trusted for a reason that is not in its ids.
    pub(super) fn drop_book(&mut self, stamp: Stamp, reason: ResetReason, out: &mut Output) {
        let (mut reset, discarded) = self.sync.drop_book(reason);
        if let Some(partial_id) = self.partial.take() {
            reset = Some(BookReset {
                reason,
                expected_id: partial_id,
                got_id: 0,
            });
        }
        discard(stamp, discarded, out);
        if let Some(reset) = reset {
            out.reset(stamp, reset);
        }
    }

    /// A frame that may have been a diff was refused. The book is lost if its ids run backwards, and where no id would
    /// tell that it is missing; otherwise the next one tells. What waits for a snapshot goes on waiting.
    pub(super) fn refused(&mut self, stamp: Stamp, backwards: bool, out: &mut Output) {
        let reason = if backwards {
            ResetReason::BadRange
        } else if self.sync.rules().shows_gaps() {
            return;
        } else {
            ResetReason::Gap
        };
        if self.diff_seen && self.sync.state() == SyncState::Synced {
            self.drop_book(stamp, reason, out);
        }
    }

    /// Depth events wait for a snapshot.
    pub(super) fn lacks_snapshot(&self) -> bool {
        self.sync.buffered() > 0
    }

    /// It is the venue's book, or the best levels that a stream brings whole, which is all that is asked of it.
    pub(super) fn is_synced(&self) -> bool {
        self.choice == DepthChoice::Partial
            || self.partial.is_some()
            || self.sync.state() == SyncState::Synced
    }

    pub(super) fn status(&self) -> BookStatus {
        let state = if self.partial.is_some() {
            SyncState::Synced
        } else {
            self.sync.state()
        };
        BookStatus {
            state,
            book_id: self.partial.or(self.sync.book_id()),
            buffered: self.sync.buffered(),
            wants_snapshot: self.diff_seen && state != SyncState::Synced,
        }
    }
}

fn run_of(event: &DepthEvent) -> Run {
    Run {
        first_id: event.first_id,
        last_id: event.last_id,
        snapshot: false,
    }
}

fn whole_book(stamp: Stamp, last_id: u64, levels: &Levels, out: &mut Output) {
    let run = Run {
        first_id: last_id,
        last_id,
        snapshot: true,
    };
    out.run(stamp, run, &levels.bids, &levels.asks);
}

fn in_step(stamp: Stamp, update_id: u64, out: &mut Output) {
    out.emit(stamp, &Body::BookSynced(BookSynced { update_id }));
}

fn discard(stamp: Stamp, events: usize, out: &mut Output) {
    if events > 0 {
        let events = events as u64;
        out.counts.tally(stamp.instrument, |tally| {
            tally.waited(FactKind::DepthDiff, events, Fate::Discarded);
        });
    }
}
