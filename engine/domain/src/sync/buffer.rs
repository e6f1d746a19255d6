//! Depth events that wait for a snapshot, in order of receipt, with the levels of all of them in one arena.
//!
//! It keeps its memory when emptied: a book that was lost once is lost again.

use super::DepthEvent;
use crate::decode::{LEVELS_MAX, Level, Levels};

/// Most events that wait: 1000 s of a stream at 100 ms, far beyond any snapshot's way.
pub const BUFFER_EVENTS_MAX: usize = 10_000;

/// Most levels that wait, 8 MiB: 52 for each of the events; the busiest captures known to us carry 36 to 68.
pub const BUFFER_LEVELS_MAX: usize = 1 << 19;

const _: () = assert!(
    BUFFER_LEVELS_MAX >= 2 * LEVELS_MAX,
    "one event always fits an empty buffer"
);

#[derive(Clone, Copy, Debug)]
struct Slot {
    event: DepthEvent,
    bids: usize,
    asks: usize,
}

/// A queue of events; taking from it moves `head` and `levels_head`, the memory behind them returns when it is empty.
#[derive(Clone, Default, Debug)]
pub(super) struct Buffer {
    slots: Vec<Slot>,
    head: usize,
    levels: Vec<Level>,
    levels_head: usize,
}

impl Buffer {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.head
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.head = 0;
        self.levels.clear();
        self.levels_head = 0;
    }

    pub(super) fn has_room_for(&self, levels: &Levels) -> bool {
        let waiting = self.levels.len() - self.levels_head;
        let more = levels.bids.len() + levels.asks.len();
        self.len() < BUFFER_EVENTS_MAX && waiting + more <= BUFFER_LEVELS_MAX
    }

    pub(super) fn push(&mut self, event: &DepthEvent, levels: &Levels) {
        if self.head > 0 {
            // What was taken before a gap was found makes room first, so that the bounds hold for the vectors too.
            self.slots.drain(..self.head);
            self.levels.drain(..self.levels_head);
            self.head = 0;
            self.levels_head = 0;
        }
        self.slots.push(Slot {
            event: *event,
            bids: levels.bids.len(),
            asks: levels.asks.len(),
        });
        self.levels.extend_from_slice(&levels.bids);
        self.levels.extend_from_slice(&levels.asks);
    }

    pub(super) fn front(&self) -> Option<DepthEvent> {
        self.slots.get(self.head).map(|slot| slot.event)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &DepthEvent> {
        self.slots[self.head..].iter().map(|slot| &slot.event)
    }

    /// Takes the front event and returns its bid and ask levels; empty slices if there is none.
    pub(super) fn pop(&mut self) -> (&[Level], &[Level]) {
        let Some(slot) = self.slots.get(self.head).copied() else {
            return (&[], &[]);
        };
        self.head += 1;
        let from = self.levels_head;
        self.levels_head += slot.bids + slot.asks;
        self.levels[from..self.levels_head].split_at(slot.bids)
    }
}
