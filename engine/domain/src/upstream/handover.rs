//! How a connection is followed by its successor without a frame lost or doubled.
//!
//! A venue ends a connection after a day. Some minutes before, a successor with the same streams is opened, and for a
//! while both carry the same events, each with its own delay.
//! The old one is passed on as ever; the frames of the successor wait. A frame that came over both is passed on once.
//! A stream is *bridged* when the first frame the successor brought for it has come over the old one as well:
//! then whatever the old one has not brought yet waits here, or will come over the successor.
//! When every stream of which the successor brought something is bridged, and the successor has been open so long that
//! nothing older can be under way for the others, the caller switches: it takes what waits, closes the old one, and
//! passes on what the successor brings, less what the old one had brought already.
//!
//! Frames are compared by a hash of their bytes, stream by stream, as many times as they came, so streams without ids
//! are safe as well, as long as a venue sends the same bytes on both connections.
//! Where it does not, streams with ids still are: the intake drops what it knows.
//! The bytes stay the caller's: it hands in a frame it would keep, and gets it back.

use super::{after, since};
use crate::units::WallNs;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

/// Most frames of the old connection that are remembered, 2 MiB of hashes: 30 s at 8,000 frames a second.
const REMEMBERED_MAX: usize = 1 << 18;

/// The figures of a [`Handover`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HandoverRules {
    /// Age at which a connection wants a successor.
    pub lifetime: Duration,
    /// How long the successor is open before the switch: longer than any frame is under way.
    pub settle: Duration,
    /// When the switch is made in any case, counted from the successor's opening.
    pub overlap_max: Duration,
    /// Most frames of the successor that wait; at that many the switch is made in any case.
    pub waiting_max: usize,
}

impl Default for HandoverRules {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_mins(24 * 60 - 10),
            settle: Duration::from_secs(5),
            overlap_max: Duration::from_secs(30),
            waiting_max: 10_000,
        }
    }
}

/// Where a connection and its successor stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// No connection.
    Down,
    /// One connection, and no thought of another.
    Single,
    /// A successor is being opened; what the old one brings is remembered.
    Dialing,
    /// Both are open.
    Overlap,
    /// The successor carries on alone, and brings some of what the old one had brought.
    CatchingUp,
}

/// What to do with a frame of the successor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SuccessorFrame {
    /// The old one brought it: drop it.
    Known,
    /// It waits here for the switch.
    Waits,
    /// Pass it on: the successor is the connection now.
    Pass,
}

/// What to do when the old connection is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OldLost {
    /// The successor is open: switch now.
    Switch,
    /// The successor is being opened, and is simply the next connection.
    Await,
    /// There is none: reconnect.
    Alone,
}

#[derive(Clone, Default, Debug)]
struct Stream {
    /// Hashes of what the old connection brought and the successor did not yet, in order.
    old: VecDeque<u64>,
    /// Hashes of what waits, in order, with its place in the queue.
    new: VecDeque<(u64, u64)>,
    /// The successor brought something.
    begun: bool,
    /// And the old one brought that too.
    bridged: bool,
}

/// The state of one connection and its successor; `F` is a frame the caller keeps.
#[derive(Clone, Debug)]
pub struct Handover<F> {
    rules: HandoverRules,
    phase: Phase,
    opened: WallNs,
    successor_opened: WallNs,
    shutdown: bool,
    /// The old connection was lost while its successor was being opened.
    old_gone: bool,
    retry_at: Option<WallNs>,
    streams: FxHashMap<u64, Stream>,
    remembered: usize,
    /// Streams that have begun and are not bridged.
    unbridged: usize,
    /// Frames of the successor in order; taken out where the old one brought them.
    queue: VecDeque<Option<F>>,
    /// The place of the queue's front.
    queue_from: u64,
    waiting: usize,
}

impl<F> Handover<F> {
    /// No connection yet.
    pub fn new(rules: HandoverRules) -> Self {
        Self {
            rules,
            phase: Phase::Down,
            opened: WallNs::ZERO,
            successor_opened: WallNs::ZERO,
            shutdown: false,
            old_gone: false,
            retry_at: None,
            streams: FxHashMap::default(),
            remembered: 0,
            unbridged: 0,
            queue: VecDeque::new(),
            queue_from: 0,
            waiting: 0,
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The first connection is open, or one after all was lost.
    pub fn opened(&mut self, now: WallNs) {
        self.forget();
        self.phase = Phase::Single;
        self.opened = now;
        self.shutdown = false;
        self.retry_at = None;
    }

    /// The venue says that it will close the connection: a successor is wanted at once.
    pub fn shutdown_announced(&mut self) {
        self.shutdown = true;
    }

    /// When a successor is wanted; `None` while one is there or on its way, and while there is no connection.
    pub fn successor_due(&self) -> Option<WallNs> {
        if !matches!(self.phase, Phase::Single | Phase::CatchingUp) {
            return None;
        }
        let aged = if self.shutdown {
            self.opened
        } else {
            after(self.opened, self.rules.lifetime)
        };
        Some(self.retry_at.map_or(aged, |at| at.max(aged)))
    }

    /// The caller begins to open the successor: from now on what the old one brings is remembered.
    pub fn dialing(&mut self) {
        self.forget();
        self.phase = Phase::Dialing;
    }

    /// The successor could not be opened, or was lost before the switch: what waited is dropped, for the old connection
    /// brings all of it. The next is wanted at `retry_at`.
    pub fn successor_lost(&mut self, retry_at: WallNs) {
        if matches!(self.phase, Phase::Dialing | Phase::Overlap) {
            self.phase = if self.old_gone {
                Phase::Down
            } else {
                Phase::Single
            };
            self.forget();
            self.retry_at = Some(retry_at);
        }
    }

    /// The successor is open: its frames go to [`Self::successor_frame`]. If the old one is gone, they pass at once.
    pub fn successor_opened(&mut self, now: WallNs) {
        if self.phase == Phase::Dialing {
            self.phase = Phase::Overlap;
            self.successor_opened = now;
            if self.old_gone {
                self.switch();
            }
        } else {
            self.opened(now);
        }
    }

    /// A frame of the old connection, or of the only one. It is passed on in any case.
    #[inline]
    pub fn frame(&mut self, stream: &[u8], bytes: &[u8]) {
        if matches!(self.phase, Phase::Dialing | Phase::Overlap) {
            self.old_frame(xxh3_64(stream), xxh3_64(bytes));
        }
    }

    /// A frame of the successor, or of the connection that was one until the switch. `keep` makes it the caller's own.
    pub fn successor_frame(
        &mut self,
        stream: &[u8],
        bytes: &[u8],
        keep: impl FnOnce() -> F,
    ) -> SuccessorFrame {
        if !matches!(self.phase, Phase::Overlap | Phase::CatchingUp) {
            return SuccessorFrame::Pass;
        }
        let hash = xxh3_64(bytes);
        let waits = self.phase == Phase::Overlap;
        let stream = if waits {
            self.streams.entry(xxh3_64(stream)).or_default()
        } else {
            let Some(stream) = self.streams.get_mut(&xxh3_64(stream)) else {
                return SuccessorFrame::Pass;
            };
            stream
        };
        let first = !stream.begun;
        stream.begun = true;
        if let Some(at) = stream.old.iter().position(|&old| old == hash) {
            // What came before the successor's first frame does not come over it.
            let gone = if first { 0..=at } else { at..=at };
            self.remembered -= gone.clone().count();
            stream.old.drain(gone);
            stream.bridged = true;
            self.caught_up();
            return SuccessorFrame::Known;
        }
        // The successor is ahead of the old one: nothing remembered comes again.
        if first || !waits {
            self.remembered -= stream.old.len();
            stream.old.clear();
        }
        if !waits {
            self.caught_up();
            return SuccessorFrame::Pass;
        }
        self.unbridged += usize::from(first);
        let place = self.queue_from + self.queue.len() as u64;
        stream.new.push_back((hash, place));
        self.queue.push_back(Some(keep()));
        self.waiting += 1;
        SuccessorFrame::Waits
    }

    /// When to switch if nothing comes until then: at once if it is time. `None` if there is no successor.
    pub fn switch_due(&self) -> Option<WallNs> {
        if self.phase != Phase::Overlap {
            return None;
        }
        let wait = if self.waiting >= self.rules.waiting_max {
            Duration::ZERO
        } else if self.unbridged == 0 {
            self.rules.settle
        } else {
            self.rules.overlap_max
        };
        Some(after(self.successor_opened, wait))
    }

    /// The successor is the connection from now on, and the caller closes the old one without reading it further.
    ///
    /// What waited is taken with [`Self::pop`] at once, and passed on before any frame of the successor.
    /// Returns how many streams were not bridged: their ids say whether anything is missing.
    pub fn switch(&mut self) -> usize {
        if self.phase != Phase::Overlap {
            return 0;
        }
        let unbridged = self.unbridged;
        self.phase = Phase::CatchingUp;
        self.opened = self.successor_opened;
        self.shutdown = false;
        self.old_gone = false;
        self.retry_at = None;
        self.unbridged = 0;
        for stream in self.streams.values_mut() {
            stream.new.clear();
        }
        self.caught_up();
        unbridged
    }

    /// The next frame that waited, after [`Self::switch`].
    pub fn pop(&mut self) -> Option<F> {
        if self.phase == Phase::Overlap {
            return None;
        }
        while let Some(slot) = self.queue.pop_front() {
            self.queue_from += 1;
            if slot.is_some() {
                self.waiting -= 1;
                return slot;
            }
        }
        None
    }

    /// The connection is lost, the old one if there are two.
    pub fn lost(&mut self) -> OldLost {
        match self.phase {
            Phase::Overlap => OldLost::Switch,
            Phase::Dialing => {
                self.old_gone = true;
                OldLost::Await
            }
            Phase::Down | Phase::Single | Phase::CatchingUp => {
                self.forget();
                self.phase = Phase::Down;
                OldLost::Alone
            }
        }
    }

    /// Frames that wait for the switch.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How long the connection has been open.
    pub fn age(&self, now: WallNs) -> Duration {
        since(self.opened, now)
    }

    fn old_frame(&mut self, stream: u64, hash: u64) {
        let stream = self.streams.entry(stream).or_default();
        if let Some(at) = stream.new.iter().position(|&(new, _)| new == hash) {
            let slot = stream.new.remove(at);
            if !stream.bridged {
                stream.bridged = true;
                self.unbridged -= 1;
            }
            let place = slot.map_or(u64::MAX, |(_, place)| place - self.queue_from);
            if let Some(slot) = usize::try_from(place)
                .ok()
                .and_then(|at| self.queue.get_mut(at))
            {
                *slot = None;
                self.waiting -= 1;
            }
            while let Some(None) = self.queue.front() {
                self.queue.pop_front();
                self.queue_from += 1;
            }
            return;
        }
        stream.old.push_back(hash);
        self.remembered += 1;
        if self.remembered > REMEMBERED_MAX {
            stream.old.pop_front();
            self.remembered -= 1;
        }
    }

    /// The successor has brought everything the old one had: one connection again.
    fn caught_up(&mut self) {
        if self.phase == Phase::CatchingUp && self.remembered == 0 {
            self.streams.clear();
            self.phase = Phase::Single;
        }
    }

    fn forget(&mut self) {
        self.old_gone = false;
        self.streams.clear();
        self.queue.clear();
        self.queue_from = 0;
        self.waiting = 0;
        self.remembered = 0;
        self.unbridged = 0;
    }
}

#[cfg(test)]
mod tests;
