//! The books of all instruments at the position of the playback, kept through the engine's own rules.
//!
//! They are brought up to the position when somebody asks, so playing costs nothing for books nobody looks at.
//! Before the first snapshot of a capture, and behind a gap, the venue answers with the next snapshot that was recorded:
//! it is the truth at its id, and a client waits until the stream gets there. Where none follows, the book goes on
//! with the levels known so far.

use crate::recording::Recording;
use crate::streams::Kind;
use pitlane_domain::book::{Book, Outcome, Stamp};
use pitlane_domain::decode::{DepthKind, Fact, LEVELS_MAX, Level, Levels};
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::message::{Body, ResetReason, Side};
use pitlane_domain::units::{Lots, Ticks};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A book as REST answers it: best levels first.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct View {
    pub(crate) last_id: u64,
    pub(crate) bids: Vec<(Ticks, Lots)>,
    pub(crate) asks: Vec<(Ticks, Lots)>,
}

/// See the module's own words.
pub(crate) struct Books {
    intake: Intake,
    by_id: Vec<Book>,
    /// Frames of the list of depth frames that are applied.
    applied: usize,
    levels: Levels,
}

impl Books {
    pub(crate) fn new(recording: &Recording) -> Self {
        let table = recording.table().clone();
        Self {
            by_id: table.iter().map(|_| Book::new()).collect(),
            intake: Intake::new(table, IntakeOptions::default()),
            applied: 0,
            levels: Levels::default(),
        }
    }

    /// The book of an instrument at a position, which must not lie before one asked for earlier.
    pub(crate) fn view(
        &mut self,
        recording: &Recording,
        id: InstrumentId,
        position: usize,
    ) -> View {
        self.catch_up(recording, position);
        let book = &self.by_id[id.index()];
        if book.is_in_step() {
            return View {
                last_id: book.last_id(),
                bids: book.levels(Side::Bid).collect(),
                asks: book.levels(Side::Ask).collect(),
            };
        }
        let snapshots = recording.snapshots(id);
        let next = snapshots.partition_point(|event| (*event as usize) < position);
        let Some(event) = snapshots.get(next) else {
            return View::default();
        };
        match recording.fact(*event as usize, &mut self.levels) {
            Some((Fact::Depth(depth), _)) => {
                let side = |levels: &[Level]| levels.iter().map(|of| (of.px, of.qty)).collect();
                let mut view = View {
                    last_id: depth.last_id,
                    bids: side(&self.levels.bids),
                    asks: side(&self.levels.asks),
                };
                view.bids.sort_unstable_by_key(|level| Reverse(level.0));
                view.asks.sort_unstable();
                view
            }
            _ => View::default(),
        }
    }

    fn catch_up(&mut self, recording: &Recording, position: usize) {
        while let Some(event) = recording.depth().get(self.applied) {
            let event = *event as usize;
            if event >= position {
                break;
            }
            self.applied += 1;
            self.apply(recording, event);
        }
    }

    fn apply(&mut self, recording: &Recording, event: usize) {
        let frame = recording.frame(event);
        // What is refused is played all the same; the books go on without it, as a client's do.
        self.intake
            .frame(frame.venue, frame.stream, frame.ts_recv, frame.bytes)
            .ok();
        self.drain();
        let stream = &recording.streams()[recording.stream_at(event)];
        let Some(id) = stream.instrument else { return };
        let waits = self
            .intake
            .book_status(id)
            .is_some_and(|status| status.wants_snapshot);
        let later = recording
            .snapshots(id)
            .last()
            .is_some_and(|last| *last as usize > event);
        if waits && stream.kind == Kind::Diff && !later {
            self.go_on(recording, id, event);
        }
    }

    fn drain(&mut self) {
        while let Some(message) = self.intake.pop() {
            let id = message.instrument();
            let Some(book) = self.by_id.get_mut(id.index()) else {
                continue;
            };
            let at = Stamp {
                sequence: 0,
                ts: message.ts_recv,
            };
            match message.body() {
                Some(Body::BookLevel(level)) => {
                    if let Outcome::Gapped(_) = book.apply_level(&level, at) {
                        self.intake
                            .drop_book(id, ResetReason::Crossed, message.ts_recv);
                    }
                }
                Some(Body::BookReset(reset)) => book.reset(&reset, at),
                Some(Body::BookSynced(synced)) => {
                    book.synced(&synced, at);
                }
                _ => {}
            }
        }
    }

    /// No snapshot follows: what is known, with this event on top of it, is the book from here on.
    fn go_on(&mut self, recording: &Recording, id: InstrumentId, event: usize) {
        let Some((Fact::Depth(depth), _)) = recording.fact(event, &mut self.levels) else {
            return;
        };
        if !matches!(depth.kind, DepthKind::Diff { .. }) {
            return;
        }
        let book = &self.by_id[id.index()];
        let mut sides = [Side::Bid, Side::Ask].map(|side| {
            let known: BTreeMap<_, _> = book.levels(side).collect();
            known
        });
        for (side, news) in [&self.levels.bids, &self.levels.asks]
            .into_iter()
            .enumerate()
        {
            for level in news {
                if level.qty == Lots::ZERO {
                    sides[side].remove(&level.px);
                    continue;
                }
                sides[side].insert(level.px, level.qty);
                // A new level is true, so what it crosses on the other side is gone.
                sides[1 - side].retain(|px, _| {
                    if side == 0 {
                        *px > level.px
                    } else {
                        *px < level.px
                    }
                });
            }
        }
        let Some(instrument) = recording.table().get(id) else {
            return;
        };
        let list = |side: &mut dyn Iterator<Item = (&Ticks, &Lots)>| {
            let mut text = String::new();
            for (px, qty) in side.take(LEVELS_MAX) {
                let comma = if text.is_empty() { "" } else { "," };
                let (px, qty) = (
                    instrument.tick_size.show(px.0),
                    instrument.lot_size.show(qty.0),
                );
                write!(text, "{comma}[\"{px}\",\"{qty}\"]").expect("text grows");
            }
            text
        };
        let made = format!(
            r#"{{"lastUpdateId":{},"bids":[{}],"asks":[{}]}}"#,
            depth.last_id,
            list(&mut sides[0].iter().rev()),
            list(&mut sides[1].iter())
        );
        let name = format!(
            "{}@depthSnapshot",
            instrument.venue_symbol.as_str().to_ascii_lowercase()
        );
        let ts = recording.ts(event);
        self.intake
            .frame(instrument.venue, name.as_bytes(), ts, made.as_bytes())
            .ok();
        self.drain();
    }
}

#[cfg(test)]
mod tests;
