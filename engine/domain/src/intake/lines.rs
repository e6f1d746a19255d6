//! Several connections to the same stream of a venue as one: each update goes on once, by whichever comes first.
//!
//! Every line carries the same updates in the same order and begins with a snapshot of its own moment. An update is known
//! by what the venue says of the book behind it: its number where it has one, else its time and checksum together.
//! A line whose last update is the last that went on may bring the next; a line behind that brings what went on already.
//! A line of which it is not known where it stands is waited with: when the others have come to one of its updates, it is
//! found, and what it brought behind that goes on. If they do not come so far within [`LINE_HELD_NS`], its own snapshot replaces
//! the book. So a line that breaks off costs nothing as long as another goes on.

use crate::decode::{Depth, DepthKind, Levels};
use crate::sync::BUFFER_LEVELS_MAX;
use crate::units::WallNs;
use std::collections::VecDeque;

/// Most lines to one venue.
pub const LINES_MAX: usize = 8;

/// Updates that went on and are remembered: a line further behind is taken up again when it has caught up.
const HISTORY_MAX: usize = 1024;

/// Most updates of a line that wait for the others to come so far.
const LINE_HELD_MAX: usize = 1024;

/// Most levels of them; all lines together hold no more than a buffer of depth events.
const LINE_LEVELS_MAX: usize = BUFFER_LEVELS_MAX / LINES_MAX;

/// Longest time they wait, by receipt.
pub const LINE_HELD_NS: i64 = 5_000_000_000;

/// The number of the line in a stream's name: 2 of `btc-usdt@books#2`; 0 if it names none.
pub(super) fn line_of(stream: &[u8]) -> usize {
    match stream {
        [.., b'#', digit @ b'1'..=b'8'] => usize::from(digit - b'0'),
        _ => 0,
    }
}

/// What the book behind an update is known by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    pub(super) ts: WallNs,
    /// The venue's number of the update, or the checksum of its book.
    pub(super) value: u64,
}

/// What to do with a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It is the next.
    Pass,
    /// It went on before, by another line.
    Duplicate,
    /// It is older than all that is remembered.
    Stale,
    /// It waits until the others have come so far.
    Hold,
}

/// A frame that waits.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) depth: Depth,
    pub(super) ts_event: WallNs,
    pub(super) levels: Levels,
    key: Key,
    since: WallNs,
}

impl Held {
    fn is_snapshot(&self) -> bool {
        self.depth.kind == DepthKind::Snapshot
    }

    fn level_count(&self) -> usize {
        self.levels.bids.len() + self.levels.asks.len()
    }
}

/// What becomes of a frame that waits no longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Released {
    /// It is the next, or a snapshot that replaces the book.
    GoesOn,
    /// It went on by another line, or is old.
    Known,
    /// Nothing leads up to it on any line: the book is lost.
    Lost,
}

/// One line.
#[derive(Clone, Debug, Default)]
struct Line {
    /// Where in the merged sequence its last update stands; `None` if that is not known.
    at: Option<u64>,
    held: VecDeque<Held>,
}

impl Line {
    fn give_up(&mut self, spare: &mut Vec<Levels>, mut given_up: impl FnMut(DepthKind)) {
        for held in self.held.drain(..) {
            given_up(held.depth.kind);
            spare.push(held.levels);
        }
    }
}

/// The lines of one instrument.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// The latest updates that went on; the last of them has the number `count`.
    history: VecDeque<Key>,
    count: u64,
    each: Vec<Line>,
    /// Memory of frames that wait no longer.
    spare: Vec<Levels>,
}

impl Lines {
    /// How many frames wait.
    pub(super) fn waiting(&self) -> usize {
        self.each.iter().map(|line| line.held.len()).sum()
    }

    /// Judges a frame of line `number`, from 1 on. One that is held is kept by [`Lines::hold`].
    pub(super) fn judge(&mut self, number: usize, key: Key, is_snapshot: bool) -> Verdict {
        let at = number.clamp(1, LINES_MAX) - 1;
        if self.each.len() <= at {
            self.each.resize_with(at + 1, Line::default);
        }
        let Some(&last) = self.history.back() else {
            // Before the first snapshot nothing can be told apart.
            if is_snapshot {
                self.passed(at, key);
            }
            return Verdict::Pass;
        };
        if !is_snapshot && let Some(place) = self.each[at].at {
            if place == self.count {
                self.passed(at, key);
                return Verdict::Pass;
            }
            if self.known(place + 1) == Some(key) {
                self.each[at].at = Some(place + 1);
                return Verdict::Duplicate;
            }
        }
        self.each[at].at = self.find(key);
        if self.each[at].at.is_some() {
            Verdict::Duplicate
        } else if key.ts < last.ts {
            Verdict::Stale
        } else {
            Verdict::Hold
        }
    }

    /// Keeps a frame that was to be held, and says which frames of that line are given up for it.
    pub(super) fn hold(
        &mut self,
        number: usize,
        key: Key,
        depth: &Depth,
        levels: &Levels,
        now: WallNs,
        mut given_up: impl FnMut(DepthKind),
    ) {
        let line = &mut self.each[number.clamp(1, LINES_MAX) - 1];
        let waiting: usize = line.held.iter().map(Held::level_count).sum();
        let more = levels.bids.len() + levels.asks.len();
        let full = line.held.len() == LINE_HELD_MAX || waiting + more > LINE_LEVELS_MAX;
        if depth.kind == DepthKind::Snapshot || full {
            line.give_up(&mut self.spare, &mut given_up);
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.bids.clone_from(&levels.bids);
        kept.asks.clone_from(&levels.asks);
        kept.checksum = levels.checksum;
        line.held.push_back(Held {
            depth: *depth,
            ts_event: key.ts,
            levels: kept,
            key,
            since: now,
        });
    }

    /// The next frame that waits no longer, and what becomes of it.
    pub(super) fn release(&mut self, now: WallNs) -> Option<(Held, Released)> {
        let last = *self.history.back()?;
        for at in 0..self.each.len() {
            let line = &mut self.each[at];
            let Some(front) = line.held.front() else {
                continue;
            };
            let key = front.key;
            match line.at {
                // Found, and what it brought behind that is the next.
                Some(place) if place == self.count => {
                    let held = line.held.pop_front()?;
                    self.passed(at, key);
                    return Some((held, Released::GoesOn));
                }
                // It went on before, or came before the frame by which the line was found.
                Some(place) => {
                    let held = line.held.pop_front()?;
                    let is_next = self.known(place + 1) == Some(key);
                    self.each[at].at = Some(place + u64::from(is_next));
                    return Some((held, Released::Known));
                }
                None => {}
            }
            let place = line.held.iter().position(|held| held.key == last);
            if place.is_some() || key.ts < last.ts {
                line.at = place.filter(|place| *place == 0).map(|_| self.count);
                return Some((line.held.pop_front()?, Released::Known));
            }
        }
        self.waited_out(now)
    }

    /// A frame that waited too long, if there is one.
    fn waited_out(&mut self, now: WallNs) -> Option<(Held, Released)> {
        let front = |line: &Line| {
            line.held
                .front()
                .map(|held| (held.since, held.is_snapshot()))
        };
        let is_out = |since: WallNs| now.0.saturating_sub(since.0) >= LINE_HELD_NS;
        let mut fronts = self.each.iter().map(front);
        let at = fronts.position(|front| front.is_some_and(|(since, _)| is_out(since)))?;
        // No line leads on from here: then a snapshot does, whichever brought it.
        let lost = self.each.iter().all(|line| line.at.is_none());
        let snapshot = self.each.iter().position(|line| {
            front(line).is_some_and(|(since, is_snapshot)| is_snapshot && (lost || is_out(since)))
        });
        let held = self.each[snapshot.unwrap_or(at)].held.pop_front()?;
        let release = match snapshot {
            Some(at) => {
                self.history.clear();
                for line in &mut self.each {
                    line.at = None;
                }
                self.passed(at, held.key);
                Released::GoesOn
            }
            None if lost => Released::Lost,
            None => Released::Known,
        };
        Some((held, release))
    }

    /// Takes back the memory of a frame that was released.
    pub(super) fn recycle(&mut self, held: Held) {
        self.spare.push(held.levels);
    }

    /// A line broke off, or an update of it could not be read: where it stands is not known.
    pub(super) fn lost(&mut self, number: usize) {
        if let Some(line) = self.each.get_mut(number.wrapping_sub(1)) {
            line.at = None;
        }
    }

    /// The book is given up: all begin anew with the next snapshot.
    pub(super) fn clear(&mut self, mut given_up: impl FnMut(DepthKind)) {
        self.history.clear();
        for line in &mut self.each {
            line.at = None;
            line.give_up(&mut self.spare, &mut given_up);
        }
    }

    fn passed(&mut self, at: usize, key: Key) {
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(key);
        self.count += 1;
        self.each[at].at = Some(self.count);
    }

    /// The update of that number, if it is remembered.
    fn known(&self, place: u64) -> Option<Key> {
        let behind = usize::try_from(self.count.checked_sub(place)?).ok()?;
        let at = self.history.len().checked_sub(behind + 1)?;
        self.history.get(at).copied()
    }

    /// The number of the latest update with that key.
    fn find(&self, key: Key) -> Option<u64> {
        let behind = self.history.iter().rev().position(|known| *known == key)?;
        Some(self.count - behind as u64)
    }
}

#[cfg(test)]
mod tests;
