//! One side of a book: a window of price steps around the touch, and sorted levels beyond it.
//!
//! A level inside the window is found by its price alone, without a search; that is nine updates in ten of a busy market.
//! Levels are keys and quantities, and a greater key is a better price: the book turns ask prices around.

use super::far::{Change, Far};
use crate::memory::zeros;

/// Price steps in the window. Measured on recorded books: 16,384 covers 92 to 99 % of the updates of BTC and ETH,
/// and costs 128 KiB a side, so that the window of the busiest book stays in a core's second-level cache.
const WINDOW_BITS: u32 = 14;
const WINDOW: usize = 1 << WINDOW_BITS;
const WORDS: usize = WINDOW / 64;
const SPAN: i64 = 1 << WINDOW_BITS;

/// Most levels kept beyond the window. A venue that sends more loses its farthest, and the horizon moves in.
pub const FAR_LEVELS_MAX: usize = 1 << 15;

/// Keys lie within plus and minus this, so that the distance between a key and a window of others cannot overflow.
pub(super) const KEY_MAX: i64 = 1 << 61;

/// The key of the best level of an empty side.
const NONE: i64 = i64::MIN;

/// One side. Every level with a key at or above `base` is in the window; `best` is the greatest key of all.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    qtys: Box<[i64; WINDOW]>,
    /// Which steps of the window hold a level. A step without its bit keeps its last quantity, which means nothing.
    used: Box<[u64; WORDS]>,
    base: i64,
    best: i64,
    len: usize,
    far: Far,
    /// Levels at or above this key are all known.
    floor: i64,
    forgotten: u64,
}

impl Ladder {
    /// An empty side of which nothing is known.
    pub(super) fn new() -> Self {
        let qtys = zeros(WINDOW).into_boxed_slice().try_into();
        let used = vec![0; WORDS].into_boxed_slice().try_into();
        Self {
            qtys: qtys.expect("made with that length"),
            used: used.expect("made with that length"),
            base: 0,
            best: NONE,
            len: 0,
            far: Far::default(),
            floor: i64::MAX,
            forgotten: 0,
        }
    }

    /// Number of levels.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Levels that were given up because the side was too deep.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// All levels at or above this key are known: `i64::MIN` all, `i64::MAX` none.
    pub(super) fn floor(&self) -> i64 {
        self.floor
    }

    /// Says from which key on all levels are known.
    pub(super) fn set_floor(&mut self, floor: i64) {
        self.floor = floor;
    }

    /// The best level.
    #[inline]
    pub(super) fn best(&self) -> Option<(i64, i64)> {
        (self.best != NONE).then(|| (self.best, self.qtys[slot(self.best)]))
    }

    /// The quantity at a key; 0 if there is no level.
    pub(super) fn get(&self, key: i64) -> i64 {
        let offset = key - self.base;
        if offset >= SPAN {
            0
        } else if offset < 0 {
            self.far.get(key)
        } else if self.used[slot(key) / 64] & bit(key) != 0 {
            self.qtys[slot(key)]
        } else {
            0
        }
    }

    /// All levels, the best first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let near =
            std::iter::successors(self.below(self.base + SPAN - 1), |&key| self.below(key - 1));
        near.map(|key| (key, self.qtys[slot(key)]))
            .chain(self.far.iter_down())
    }

    /// Forgets all levels; nothing is known then.
    pub(super) fn clear(&mut self) {
        self.used.fill(0);
        self.far.clear();
        self.best = NONE;
        self.len = 0;
        self.floor = i64::MAX;
    }

    /// Sets the quantity at a key; 0 removes the level.
    #[inline]
    pub(super) fn set(&mut self, key: i64, qty: i64) {
        let offset = key - self.base;
        if offset.cast_unsigned() < WINDOW as u64 {
            let (at, mask) = (slot(key), bit(key));
            let word = self.used[at / 64];
            if qty != 0 {
                self.qtys[at] = qty;
                self.used[at / 64] = word | mask;
                self.len += usize::from(word & mask == 0);
                if key > self.best {
                    self.best = key;
                    self.settle();
                }
            } else if word & mask != 0 {
                self.used[at / 64] = word & !mask;
                self.len -= 1;
                if key == self.best {
                    self.fall();
                }
            }
        } else if offset < 0 {
            self.set_far(key, qty);
        } else if qty != 0 {
            self.best = key;
            self.settle();
            self.put(key, qty);
            self.len += 1;
        }
    }

    /// Keeps the best `count` levels and gives up the rest; if there was any, all is known down to the last one kept.
    pub(super) fn truncate(&mut self, count: usize) {
        if self.len <= count {
            return;
        }
        while self.len > count
            && let Some(worst) = self.worst()
        {
            self.set(worst, 0);
        }
        self.floor = self.worst().unwrap_or(i64::MAX);
    }

    /// The least key with a level.
    fn worst(&self) -> Option<i64> {
        if let Some((key, _)) = self.far.first() {
            return Some(key);
        }
        let words = (self.base..self.base + SPAN).step_by(64);
        words
            .map(|key| (key, self.used[slot(key) / 64]))
            .find(|(_, word)| *word != 0)
            .map(|(key, word)| key + i64::from(word.trailing_zeros()))
    }

    /// A level below the window.
    #[inline(never)]
    fn set_far(&mut self, key: i64, qty: i64) {
        match self.far.set(key, qty) {
            Change::Added => self.len += 1,
            Change::Removed => self.len -= 1,
            Change::Kept | Change::Absent => {}
        }
        if self.best == NONE && qty != 0 {
            self.best = key;
            self.settle();
        }
        self.forget_deepest();
    }

    /// The best level is gone: the next one down is the best now.
    #[inline(never)]
    fn fall(&mut self) {
        let next = self.below(self.best).or_else(|| Some(self.far.last()?.0));
        self.best = next.unwrap_or(NONE);
        if next.is_some() {
            self.settle();
        }
    }

    /// Moves the window when the best has left its upper quarter; then the best has an eighth above it.
    #[inline]
    fn settle(&mut self) {
        let offset = self.best - self.base;
        if !(SPAN * 3 / 4..SPAN).contains(&offset) {
            self.slide((self.best - SPAN * 7 / 8) & !63);
        }
    }

    /// Moves the window to a new base, whose levels change places with the far ones. Upwards nothing is above
    /// the old window; downwards nothing is above the new one, because the best is inside.
    #[cold]
    fn slide(&mut self, base: i64) {
        let mut key = self.base;
        let left = base.min(self.base + SPAN);
        while key < left {
            let mut word = std::mem::take(&mut self.used[slot(key) / 64]);
            while word != 0 {
                let level = key + i64::from(word.trailing_zeros());
                word &= word - 1;
                self.far.set(level, self.qtys[slot(level)]);
            }
            key += 64;
        }
        self.base = base;
        while let Some((level, qty)) = self.far.last().filter(|&(level, _)| level >= base) {
            self.far.set(level, 0);
            self.put(level, qty);
        }
        self.forget_deepest();
    }

    fn forget_deepest(&mut self) {
        while self.far.len() > FAR_LEVELS_MAX
            && let Some((key, _)) = self.far.first()
        {
            self.far.set(key, 0);
            self.len -= 1;
            self.forgotten += 1;
            self.floor = self.floor.max(key + 1);
        }
    }

    fn put(&mut self, key: i64, qty: i64) {
        self.qtys[slot(key)] = qty;
        self.used[slot(key) / 64] |= bit(key);
    }

    /// The greatest key with a level at or below `key` inside the window.
    fn below(&self, mut key: i64) -> Option<i64> {
        while key >= self.base {
            let word = self.used[slot(key) / 64] & (u64::MAX >> (63 - (key & 63)));
            if word != 0 {
                return Some((key | 63) - i64::from(word.leading_zeros()));
            }
            key = (key & !63) - 1;
        }
        None
    }
}

/// Where in the window a key lies: the window is a ring, so moving it moves no level that stays.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only the low bits are wanted"
)]
#[inline]
fn slot(key: i64) -> usize {
    key as usize & (WINDOW - 1)
}

#[inline]
fn bit(key: i64) -> u64 {
    1 << (key & 63)
}

#[cfg(test)]
mod tests;
