//! The ring under a lossless edge: one message is one cache line, and the line itself says whether it is new.
//!
//! A ring with cursors of its own costs a reader two transfers between cores a message, that of the writer's cursor
//! and that of the message. Here the highest bit of a message's first word is the *lap*: the writer turns it over each
//! time around, so a reader that finds the lap it waits for has the message in the same transfer.
//! Only room travels by a cursor, which the writer reads when the room it knows of is used up.
//!
//! All words are atomic, so there is nothing here that could be undefined, and the model checker sees all of it.

use crate::sync::{AtomicU64, Ordering};
use bytemuck::Pod;
use core::marker::PhantomData;
use std::sync::Arc;

/// Words of a cache line, and of a message at most.
const WORDS: usize = 8;

/// The bit of a message's first word that belongs to the ring.
const LAP: u64 = 1 << 63;

/// A cache line of words.
#[cfg_attr(not(loom), repr(C, align(64)))]
struct Slot([AtomicU64; WORDS]);

/// A word that shares no cache line, nor the one the processor fetches beside it, with another.
#[cfg_attr(not(loom), repr(align(128)))]
struct Alone(AtomicU64);

impl Alone {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }
}

struct Shared {
    slots: Box<[Slot]>,
    /// Messages ever freed; the reader's.
    freed: Alone,
    /// Messages ever written; the writer's. For whoever wants to know how many wait, never for taking one.
    written: Alone,
    writer_gone: AtomicU64,
    reader_gone: AtomicU64,
}

/// A ring for so many messages, at least one, and its two ends.
#[must_use]
pub fn line_ring<T: Pod + Send>(capacity: usize) -> (Writer<T>, Reader<T>) {
    const {
        assert!(
            size_of::<T>() <= WORDS * size_of::<u64>(),
            "a message is larger than a cache line"
        );
    }
    let slot = |_| Slot(core::array::from_fn(|_| AtomicU64::new(0)));
    let shared = Arc::new(Shared {
        slots: (0..capacity.max(1)).map(slot).collect(),
        freed: Alone::new(),
        written: Alone::new(),
        writer_gone: AtomicU64::new(0),
        reader_gone: AtomicU64::new(0),
    });
    let writer = Writer {
        at: Place::first(),
        freed: 0,
        shared: Arc::clone(&shared),
        message: PhantomData,
    };
    let reader = Reader {
        at: Place::first(),
        shared,
        message: PhantomData,
    };
    (writer, reader)
}

/// A message as the words of its line. What it does not fill is zero.
#[inline]
fn to_words<T: Pod>(message: &T) -> [u64; WORDS] {
    if size_of::<T>() == size_of::<[u64; WORDS]>() {
        // Without a look at bytes, which would not become eight moves.
        return bytemuck::cast(*message);
    }
    let mut words = [0; WORDS];
    let bytes = bytemuck::bytes_of(message);
    bytemuck::bytes_of_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    words
}

/// The message of a line.
#[inline]
fn from_words<T: Pod>(words: &[u64; WORDS]) -> T {
    if size_of::<T>() == size_of::<[u64; WORDS]>() {
        return bytemuck::cast(*words);
    }
    bytemuck::pod_read_unaligned(&bytemuck::bytes_of(words)[..size_of::<T>()])
}

/// Where an end stands.
#[derive(Clone, Copy)]
struct Place {
    /// Messages before this one.
    count: u64,
    slot: usize,
    /// The lap bit of a message that is new here.
    lap: u64,
}

impl Place {
    fn first() -> Self {
        Self {
            count: 0,
            slot: 0,
            // Slots begin with the other.
            lap: LAP,
        }
    }

    #[inline]
    fn next(self, slots: usize) -> Self {
        let around = self.slot + 1 == slots;
        Self {
            count: self.count.wrapping_add(1),
            slot: if around { 0 } else { self.slot + 1 },
            lap: if around { self.lap ^ LAP } else { self.lap },
        }
    }
}

/// The writing end.
pub struct Writer<T> {
    shared: Arc<Shared>,
    at: Place,
    /// Messages freed, as last read.
    freed: u64,
    message: PhantomData<T>,
}

impl<T: Pod + Send> Writer<T> {
    /// Messages the ring holds when full.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.slots.len()
    }

    /// Room for at least `wanted` messages, or all the room there is. The reader's cursor is another core's cache line,
    /// so it is read only when what is known does not suffice.
    #[inline]
    pub fn room(&mut self, wanted: usize) -> usize {
        let known = self.known_room();
        if known >= wanted {
            return known;
        }
        // PAIRS: the release in `Reader::drain`: the reader is done with what it freed.
        self.freed = self.shared.freed.0.load(Ordering::Acquire);
        self.known_room()
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "no more than the capacity")]
    fn known_room(&self) -> usize {
        self.capacity() - self.at.count.wrapping_sub(self.freed) as usize
    }

    /// Writes one message, which the reader can see at once. False if there is no room.
    ///
    /// # Panics
    /// If the highest bit of the message's first eight bytes is set: it is the ring's.
    #[inline]
    pub fn write(&mut self, message: &T) -> bool {
        self.write_from(1, || Some(*message)) == 1
    }

    /// Writes what `next` yields, until it yields nothing, `max` is reached or the ring is full; how many.
    /// The reader can see each at once.
    ///
    /// # Panics
    /// As [`Writer::write`].
    #[inline]
    pub fn write_from(&mut self, max: usize, mut next: impl FnMut() -> Option<T>) -> usize {
        let room = self.room(max).min(max);
        let slots = &*self.shared.slots;
        for written in 0..room {
            let Some(message) = next() else {
                return written;
            };
            let words = to_words(&message);
            assert!(
                words[0] & LAP == 0,
                "the highest bit of a message's first word belongs to the ring"
            );
            let slot = &slots[self.at.slot].0;
            for (cell, word) in slot[1..].iter().zip(&words[1..]) {
                cell.store(*word, Ordering::Relaxed);
            }
            // PAIRS: the acquire in `Reader::waiting`: who sees the lap sees the words.
            slot[0].store(words[0] | self.at.lap, Ordering::Release);
            self.at = self.at.next(slots.len());
            // PAIRS: the acquire in `Reader::len`.
            self.shared
                .written
                .0
                .store(self.at.count, Ordering::Release);
        }
        room
    }

    /// Whether the reader is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.shared.reader_gone.load(Ordering::Relaxed) != 0
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        // PAIRS: the acquire in `Reader::is_abandoned`: who sees it gone sees all it wrote.
        self.shared.writer_gone.store(1, Ordering::Release);
    }
}

/// The reading end.
pub struct Reader<T> {
    shared: Arc<Shared>,
    at: Place,
    message: PhantomData<T>,
}

impl<T: Pod + Send> Reader<T> {
    /// Hands over up to `max` messages in order, then frees their room in one step; how many.
    /// If `each` panics, none of them is freed.
    #[inline]
    pub fn drain(&mut self, max: usize, mut each: impl FnMut(&T)) -> usize {
        let mut at = self.at;
        let mut count = 0;
        while count < max
            && let Some(message) = self.waiting(at)
        {
            each(&message);
            at = at.next(self.shared.slots.len());
            count += 1;
        }
        if count > 0 {
            self.at = at;
            // PAIRS: the acquire in `Writer::room`.
            self.shared.freed.0.store(at.count, Ordering::Release);
        }
        count
    }

    /// The message at a place, if it is there.
    #[inline]
    fn waiting(&self, at: Place) -> Option<T> {
        let slot = &self.shared.slots[at.slot].0;
        // PAIRS: the release of the first word in `Writer::write_from`.
        let first = slot[0].load(Ordering::Acquire);
        if first & LAP != at.lap {
            return None;
        }
        let mut words = [first & !LAP; WORDS];
        for (word, cell) in words[1..].iter_mut().zip(&slot[1..]) {
            *word = cell.load(Ordering::Relaxed);
        }
        Some(from_words(&words))
    }

    /// The next message, which stays.
    #[inline]
    #[must_use]
    pub fn peek(&self) -> Option<T> {
        self.waiting(self.at)
    }

    /// Whether nothing waits. Costs what taking a message would.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // Only the lap matters, and what follows takes the message in its own time.
        self.shared.slots[self.at.slot].0[0].load(Ordering::Relaxed) & LAP != self.at.lap
    }

    /// Number of messages that wait. Reads a line of the writer's, which taking messages never does.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "no more than the capacity")]
    pub fn len(&self) -> usize {
        // PAIRS: the release behind each message in `Writer::write_from`.
        let written = self.shared.written.0.load(Ordering::Acquire);
        // A message can be seen before it is counted.
        let counted = written.wrapping_sub(self.at.count) as usize;
        if counted > self.shared.slots.len() {
            0
        } else {
            counted
        }
    }

    /// Whether the writer is gone. What it wrote may still wait.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        // PAIRS: the release where the writer is dropped.
        self.shared.writer_gone.load(Ordering::Acquire) != 0
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.shared.reader_gone.store(1, Ordering::Relaxed);
    }
}
