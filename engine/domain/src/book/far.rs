//! Price levels far from the touch: sorted, in blocks, so that one change costs the same at any depth.
//!
//! A level is a key and a quantity; a greater key is a better price. Nothing here knows of sides or of ids.

use crate::memory::ready;

/// Levels in one block: two cache lines of directory for a thousand levels, and a short move on insertion.
const BLOCK: usize = 64;
/// A block that shrinks below this looks for a neighbour to join, so memory follows the number of levels.
const BLOCK_SMALL: usize = BLOCK / 4;
/// Two neighbours join only if the result leaves room to grow.
const BLOCK_JOINED_MAX: usize = BLOCK * 3 / 4;

/// Blocks that there is room for from the start: 2,000 to 4,000 levels, where the deepest book of the samples keeps 1,100.
const POOL: usize = 64;

/// What setting a level did to the number of levels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// A new level.
    Added,
    /// A known level has another quantity.
    Kept,
    /// The level is gone.
    Removed,
    /// Nothing was there and nothing is.
    Absent,
}

#[derive(Clone, Debug)]
struct Block {
    len: usize,
    keys: [i64; BLOCK],
    qtys: [i64; BLOCK],
}

impl Block {
    const EMPTY: Self = Self {
        len: 0,
        keys: [0; BLOCK],
        qtys: [0; BLOCK],
    };

    fn search(&self, key: i64) -> (usize, bool) {
        let keys = &self.keys[..self.len];
        let at = keys.partition_point(|&known| known < key);
        (at, keys.get(at) == Some(&key))
    }

    fn insert(&mut self, at: usize, key: i64, qty: i64) {
        self.keys.copy_within(at..self.len, at + 1);
        self.qtys.copy_within(at..self.len, at + 1);
        self.keys[at] = key;
        self.qtys[at] = qty;
        self.len += 1;
    }

    fn remove(&mut self, at: usize) {
        self.keys.copy_within(at + 1..self.len, at);
        self.qtys.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }

    fn append(&mut self, other: &Self, from: usize) {
        let (to, count) = (self.len, other.len - from);
        self.keys[to..to + count].copy_from_slice(&other.keys[from..other.len]);
        self.qtys[to..to + count].copy_from_slice(&other.qtys[from..other.len]);
        self.len += count;
    }
}

/// Sorted levels. Blocks are taken from a pool that only grows; a book that has been this deep before allocates nothing,
/// and one of usual depth never does.
#[derive(Clone, Debug)]
pub(super) struct Far {
    /// Per block, ascending: its keys are at or above this and below the next. The first block also takes all below.
    floors: Vec<i64>,
    /// Per block: where in the pool it lies.
    slots: Vec<u32>,
    pool: Vec<Block>,
    free: Vec<u32>,
    len: usize,
}

impl Default for Far {
    fn default() -> Self {
        Self {
            floors: Vec::with_capacity(POOL),
            slots: Vec::with_capacity(POOL),
            pool: ready(POOL, POOL),
            free: Vec::with_capacity(POOL),
            len: 0,
        }
    }
}

impl Far {
    /// Number of levels.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets every level and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.free.append(&mut self.slots);
        self.floors.clear();
        self.len = 0;
    }

    /// The quantity at a key; 0 if there is no such level.
    pub(super) fn get(&self, key: i64) -> i64 {
        let Some(at) = self.find(key) else { return 0 };
        let block = &self.pool[self.slots[at] as usize];
        match block.search(key) {
            (level, true) => block.qtys[level],
            (_, false) => 0,
        }
    }

    /// Sets the quantity at a key; 0 removes the level.
    pub(super) fn set(&mut self, key: i64, qty: i64) -> Change {
        let Some(mut at) = self.find(key) else {
            if qty == 0 {
                return Change::Absent;
            }
            let slot = self.take_block();
            self.pool[slot as usize].insert(0, key, qty);
            self.floors.push(key);
            self.slots.push(slot);
            self.len = 1;
            return Change::Added;
        };
        let block = &mut self.pool[self.slots[at] as usize];
        let (mut level, found) = block.search(key);
        match (found, qty) {
            (true, 0) => {
                block.remove(level);
                let len = block.len;
                self.len -= 1;
                if len < BLOCK_SMALL {
                    self.shrink(at, len);
                }
                Change::Removed
            }
            (true, _) => {
                block.qtys[level] = qty;
                Change::Kept
            }
            (false, 0) => Change::Absent,
            (false, _) => {
                if block.len == BLOCK {
                    let split = self.split(at, level);
                    if level > split || (level == split && split == BLOCK) {
                        at += 1;
                        level -= split;
                    }
                }
                self.pool[self.slots[at] as usize].insert(level, key, qty);
                self.len += 1;
                Change::Added
            }
        }
    }

    /// The level of the greatest key.
    pub(super) fn last(&self) -> Option<(i64, i64)> {
        let block = &self.pool[*self.slots.last()? as usize];
        let level = block.len.checked_sub(1)?;
        Some((block.keys[level], block.qtys[level]))
    }

    /// The level of the smallest key.
    pub(super) fn first(&self) -> Option<(i64, i64)> {
        let block = &self.pool[*self.slots.first()? as usize];
        Some((block.keys[0], block.qtys[0])).filter(|_| block.len > 0)
    }

    /// All levels from the greatest key down.
    pub(super) fn iter_down(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.slots.iter().rev().flat_map(|&slot| {
            let block = &self.pool[slot as usize];
            (0..block.len)
                .rev()
                .map(|level| (block.keys[level], block.qtys[level]))
        })
    }

    fn find(&self, key: i64) -> Option<usize> {
        if self.floors.is_empty() {
            return None;
        }
        let above = self.floors.partition_point(|&floor| floor <= key);
        Some(above.saturating_sub(1))
    }

    fn take_block(&mut self) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.pool[slot as usize].len = 0;
            return slot;
        }
        self.pool.push(Block::EMPTY);
        u32::try_from(self.pool.len() - 1).expect("levels are bounded far below 2^32")
    }

    /// Makes room in a full block; answers how many levels stayed in it.
    fn split(&mut self, at: usize, level: usize) -> usize {
        // Levels that arrive in ascending order fill blocks to the brim instead of leaving each half empty.
        let keep = if level == BLOCK { BLOCK } else { BLOCK / 2 };
        let slot = self.take_block();
        let (lower, upper) = self.two(self.slots[at], slot);
        upper.append(lower, keep);
        lower.len = keep;
        let floor = match upper.keys[..upper.len].first() {
            Some(&key) => key,
            None => lower.keys[keep - 1] + 1,
        };
        self.floors.insert(at + 1, floor);
        self.slots.insert(at + 1, slot);
        keep
    }

    /// A block has become small: free it if it is empty, or join it with a neighbour.
    fn shrink(&mut self, at: usize, len: usize) {
        if len == 0 {
            self.drop_block(at);
            return;
        }
        let lower = if at + 1 < self.slots.len() && self.joined_len(at) <= BLOCK_JOINED_MAX {
            at
        } else if at > 0 && self.joined_len(at - 1) <= BLOCK_JOINED_MAX {
            at - 1
        } else {
            return;
        };
        let (to, from) = self.two(self.slots[lower], self.slots[lower + 1]);
        to.append(from, 0);
        self.drop_block(lower + 1);
    }

    fn joined_len(&self, lower: usize) -> usize {
        self.pool[self.slots[lower] as usize].len + self.pool[self.slots[lower + 1] as usize].len
    }

    fn two(&mut self, one: u32, other: u32) -> (&mut Block, &mut Block) {
        let both = self.pool.get_disjoint_mut([one as usize, other as usize]);
        let [one, other] = both.expect("a slot is in use once");
        (one, other)
    }

    fn drop_block(&mut self, at: usize) {
        self.floors.remove(at);
        self.free.push(self.slots.remove(at));
    }
}

#[cfg(test)]
mod tests;
