//! Where messages wait until they are taken, and what is counted on the way.

use super::counts::IntakeCounts;
use crate::decode::{LEVELS_MAX, Level};
use crate::instrument::{InstrumentId, InstrumentTable};
use crate::message::{Body, BookLevel, BookReset, Kind, Message, Side, flag};
use crate::sync::{BUFFER_EVENTS_MAX, BUFFER_LEVELS_MAX};
use crate::units::{Lots, Ticks, WallNs};

/// Room made before the first frame: the largest depth frame and what may be told before it.
const PENDING_READY: usize = 2 * LEVELS_MAX + 16;

/// Most messages that can wait if the caller takes them between frames: a snapshot with all that waited for it,
/// behind the definitions of all instruments.
pub(super) const PENDING_MAX: usize =
    PENDING_READY + BUFFER_LEVELS_MAX + BUFFER_EVENTS_MAX + 4 * InstrumentTable::CAPACITY;

/// Instrument and times of the messages of one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) instrument: InstrumentId,
    pub(super) ts_event: WallNs,
    pub(super) ts_recv: WallNs,
}

/// What a run of levels has in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) first_id: u64,
    pub(super) last_id: u64,
    pub(super) snapshot: bool,
}

/// A queue that starts again at the front of its memory whenever it is empty, so that it stays in the cache.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pending: Vec<Message>,
    head: usize,
    taken: u64,
    pub(super) counts: IntakeCounts,
}

impl Output {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            pending: Vec::with_capacity(PENDING_READY),
            head: 0,
            taken: 0,
            counts: IntakeCounts::new(instruments),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.pending.get(self.head).copied()?;
        self.head += 1;
        self.taken += 1;
        if self.head == self.pending.len() {
            self.pending.clear();
            self.head = 0;
        }
        Some(message)
    }

    pub(super) fn waiting(&self) -> usize {
        self.pending.len() - self.head
    }

    /// So much waits already that what can wait itself should.
    pub(super) fn is_ample(&self) -> bool {
        self.waiting() >= PENDING_READY
    }

    /// Where the messages lie and how many fit: unchanged as long as nothing is allocated.
    #[cfg(test)]
    pub(super) fn memory(&self) -> (*const Message, usize) {
        (self.pending.as_ptr(), self.pending.capacity())
    }

    /// Messages taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn emit(&mut self, stamp: Stamp, body: &Body) {
        self.push(Message::new(
            stamp.instrument,
            stamp.ts_event,
            stamp.ts_recv,
            body,
        ));
    }

    /// A message that is complete already.
    pub(super) fn push(&mut self, message: Message) {
        let kind = message.kind().expect("made by this build");
        self.counts.emitted(kind, 1);
        self.make_room(1);
        self.pending.push(message);
    }

    pub(super) fn reset(&mut self, stamp: Stamp, reset: BookReset) {
        self.counts
            .tally(stamp.instrument, |tally| tally.reset(reset.reason));
        self.emit(stamp, &Body::BookReset(reset));
    }

    /// A depth frame as a run: bids, then asks, in the frame's order; one empty message if it has no level.
    pub(super) fn run(&mut self, stamp: Stamp, run: Run, bids: &[Level], asks: &[Level]) {
        let levels = bids.len() + asks.len();
        let messages = levels.max(1);
        self.make_room(messages);
        self.counts.runs += 1;
        self.counts.emitted(Kind::BookLevel, messages as u64);
        // Of one side all but price and quantity is the same, so a message is made once and then stamped out.
        let blank = |side| {
            let body = BookLevel {
                side,
                px: Ticks::ZERO,
                qty: Lots::ZERO,
                first_id: run.first_id,
                last_id: run.last_id,
                last: false,
                snapshot: run.snapshot,
                empty: levels == 0,
            };
            Message::new(
                stamp.instrument,
                stamp.ts_event,
                stamp.ts_recv,
                &Body::BookLevel(body),
            )
        };
        for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
            let blank = blank(side);
            self.pending.extend(levels.iter().map(|level| {
                let mut message = blank;
                message.payload[0] = level.px.0.cast_unsigned();
                message.payload[1] = level.qty.0.cast_unsigned();
                message
            }));
        }
        if levels == 0 {
            self.pending.push(blank(Side::Bid));
        }
        if let Some(last) = self.pending.last_mut() {
            last.flags |= flag::LAST;
        }
    }

    fn make_room(&mut self, more: usize) {
        if self.pending.len() + more > self.pending.capacity() && self.head > 0 {
            self.pending.drain(..self.head);
            self.head = 0;
        }
        assert!(
            self.pending.len() + more <= PENDING_MAX,
            "messages are taken between frames"
        );
    }
}
