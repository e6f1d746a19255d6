//! Distinct errors: each kind of error once, with how often, when first and when last.
//! They stand on the page, so that a process that was killed still tells them.
//!
//! # Layout
//! A slot has [`SLOT_WORDS`] words: 0 count, 1 first and 2 last time in ns since 1970 UTC, 3 length of the owner (byte 0)
//! and of the sentence (byte 1), 4 to 6 the owner, 8 to 31 the sentence in UTF-8, cut to [`TEXT_BYTES`].
//! Owner, sentence and first time never change; count and last time grow.

use super::layout::{OWNER_BYTES, WORD_ERRORS_BEYOND, WORD_ERRORS_LENGTH};
use crate::region::{Region, Words};
use crate::sync::{Ordering, fence};
use std::sync::Arc;

/// Words of a slot.
pub const SLOT_WORDS: usize = 32;
/// Bytes of a sentence that are kept.
pub const TEXT_BYTES: usize = 192;

const COUNT: usize = 0;
const FIRST: usize = 1;
const LAST: usize = 2;
const LENGTHS: usize = 3;
const OWNER: usize = 4;
const TEXT: usize = 8;

/// One kind of error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DistinctError {
    /// Who had it.
    pub owner: String,
    /// The sentence, as it was the first time.
    pub text: String,
    /// How often.
    pub count: u64,
    /// First time, ns since 1970 UTC.
    pub first_wall_ns: i64,
    /// Latest time, ns since 1970 UTC.
    pub last_wall_ns: i64,
}

/// Where a kind of error is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ErrorSlot(usize);

/// The one writer of the distinct errors of a page.
pub struct ErrorWriter {
    header: Words,
    slots: Words,
    used: usize,
}

impl ErrorWriter {
    pub(super) fn over(header: Words, slots: Words) -> Self {
        Self {
            header,
            slots,
            used: 0,
        }
    }

    /// A new kind of error, seen once. `None` if there is no room: then it is counted as one beyond.
    pub fn first(&mut self, owner: &str, text: &str, wall_ns: i64) -> Option<ErrorSlot> {
        let base = self.used * SLOT_WORDS;
        if base + SLOT_WORDS > self.slots.len() {
            self.beyond();
            return None;
        }
        let owner = cut(owner, OWNER_BYTES);
        let text = cut(text, TEXT_BYTES);
        let set = |word: usize, value: u64| {
            self.slots[base + word].store(value, Ordering::Relaxed);
        };
        set(COUNT, 1);
        set(FIRST, wall_ns.cast_unsigned());
        set(LAST, wall_ns.cast_unsigned());
        let length = |text: &str| u8::try_from(text.len()).expect("cut above");
        let lengths = [length(owner), length(text), 0, 0, 0, 0, 0, 0];
        set(LENGTHS, u64::from_le_bytes(lengths));
        for (at, text) in [(OWNER, owner), (TEXT, text)] {
            for (index, chunk) in text.as_bytes().chunks(8).enumerate() {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                set(at + index, u64::from_le_bytes(word));
            }
        }
        self.used += 1;
        // PAIRS: the acquire fence after the load of the number of errors in `read`.
        self.header[WORD_ERRORS_LENGTH].store(self.used as u64, Ordering::Release);
        Some(ErrorSlot(base))
    }

    /// The same kind again.
    pub fn again(&mut self, slot: ErrorSlot, wall_ns: i64) {
        let count = &self.slots[slot.0 + COUNT];
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.slots[slot.0 + LAST].store(wall_ns.cast_unsigned(), Ordering::Relaxed);
    }

    /// An error of a kind for which there was no room.
    pub fn beyond(&mut self) {
        let beyond = &self.header[WORD_ERRORS_BEYOND];
        beyond.store(beyond.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// The longest beginning of `text` that fits.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The errors of a page whose slots begin at word `start`, and how many errors found no room.
pub(super) fn read(region: &Arc<Region>, start: usize, room: usize) -> (Vec<DistinctError>, u64) {
    let listed = region.load(WORD_ERRORS_LENGTH);
    // PAIRS: the release store of the number of errors in ErrorWriter::first.
    fence(Ordering::Acquire);
    let space = region.len().saturating_sub(start) / SLOT_WORDS;
    let listed = usize::try_from(listed).map_or(0, |listed| listed.min(room).min(space));
    let errors = (0..listed).map(|slot| {
        let base = start + slot * SLOT_WORDS;
        let [owner, text, ..] = region.load(base + LENGTHS).to_le_bytes();
        let string = |at: usize, length: u8, limit: usize| {
            let length = usize::from(length).min(limit);
            let bytes: Vec<u8> = (0..length.div_ceil(8))
                .flat_map(|index| region.load(base + at + index).to_le_bytes())
                .take(length)
                .collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        DistinctError {
            owner: string(OWNER, owner, OWNER_BYTES),
            text: string(TEXT, text, TEXT_BYTES),
            count: region.load(base + COUNT),
            first_wall_ns: region.load(base + FIRST).cast_signed(),
            last_wall_ns: region.load(base + LAST).cast_signed(),
        }
    });
    (errors.collect(), region.load(WORD_ERRORS_BEYOND))
}
