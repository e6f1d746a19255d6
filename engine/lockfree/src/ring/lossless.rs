//! The lossless edge: credit first, so a push never waits and never fails.

use super::EdgeCounters;
use super::line::{Reader, Writer, line_ring};
use crate::counters::{Counter, Gauge};
use crate::work::Work;
use bytemuck::Pod;

/// A lossless edge of `capacity` messages.
///
/// A message is plain data of at most 64 bytes; the highest bit of its first eight bytes belongs to the ring.
///
/// ```
/// use pitlane_lockfree::ring::{ring, EdgeCounters};
/// let (mut tx, mut rx) = ring(4, EdgeCounters::private());
/// assert!(tx.has_room_for(2));
/// tx.push(1_u64);
/// tx.push(2);
/// let mut seen = Vec::new();
/// let work = rx.drain(10, |message| seen.push(*message));
/// assert_eq!((work.count(), seen), (2, vec![1, 2]));
/// ```
#[must_use]
pub fn ring<T: Pod + Send>(
    capacity: usize,
    mut counters: EdgeCounters,
) -> (Producer<T>, Consumer<T>) {
    let (writer, reader) = line_ring(capacity);
    counters.capacity.set(writer.capacity() as u64);
    (
        Producer {
            ring: writer,
            sent: Total::new(counters.sent),
            blocked: counters.blocked,
            blocked_ticks: counters.blocked_ticks,
            blocked_since: None,
        },
        Consumer {
            ring: reader,
            received: Total::new(counters.received),
            highest: usize::try_from(counters.high_water.get()).unwrap_or(usize::MAX),
            high_water: counters.high_water,
        },
    )
}

/// A counter whose value is also kept here, so that counting is a store: the page's line may be with a reader just now.
pub(super) struct Total {
    value: u64,
    shown: Counter,
}

impl Total {
    pub(super) fn new(shown: Counter) -> Self {
        Self {
            value: shown.get(),
            shown,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, by: usize) {
        self.value = self.value.wrapping_add(by as u64);
        self.shown.set(self.value);
    }
}

/// The sending end of a lossless edge.
pub struct Producer<T> {
    ring: Writer<T>,
    sent: Total,
    blocked: Counter,
    blocked_ticks: Counter,
    blocked_since: Option<u64>,
}

impl<T: Pod + Send> Producer<T> {
    /// Messages that can be pushed now.
    #[inline]
    pub fn room(&mut self) -> usize {
        self.ring.room(self.ring.capacity())
    }

    /// Messages the ring holds when full.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The credit rule: an agent takes input only if each of its outputs has room for all that one poll may produce.
    /// A refusal is counted as back-pressure.
    #[inline]
    pub fn has_room_for(&mut self, burst: usize) -> bool {
        let room = self.ring.room(burst) >= burst;
        if !room {
            self.blocked.add(1);
        }
        room
    }

    /// As [`Producer::has_room_for`], and the time from the first refusal to the next grant is counted,
    /// by the raw clock as the duty cycle read it.
    #[inline]
    pub fn has_room_at(&mut self, burst: usize, now: u64) -> bool {
        if self.ring.room(burst) >= burst {
            if let Some(since) = self.blocked_since.take() {
                self.blocked_ticks.add(now.saturating_sub(since));
            }
            return true;
        }
        self.blocked.add(1);
        // Booked as it passes, so that a reader sees an edge that is stuck for good.
        let since = self.blocked_since.replace(now).unwrap_or(now);
        self.blocked_ticks.add(now.saturating_sub(since));
        false
    }

    /// Sends one message.
    ///
    /// # Panics
    /// If the ring is full: the agent was polled without credit, which is a bug in its declared burst.
    /// If the highest bit of the message's first eight bytes is set.
    #[inline]
    pub fn push(&mut self, message: T) {
        assert!(
            self.ring.write(&message),
            "push into a full ring: more messages than the declared burst"
        );
        self.sent.add(1);
    }

    /// Sends what `next` yields, until it yields nothing, `max` is reached or the ring is full.
    #[inline]
    pub fn send_from(&mut self, max: usize, next: impl FnMut() -> Option<T>) -> Work {
        let sent = self.ring.write_from(max, next);
        if sent > 0 {
            self.sent.add(sent);
        }
        Work::of(sent)
    }

    /// Sends all messages of a slice.
    ///
    /// # Panics
    /// If they do not fit: the agent was polled without credit, which is a bug in its declared burst.
    #[inline]
    pub fn send_all(&mut self, messages: &[T]) -> Work {
        let mut left = messages.iter();
        let sent = self
            .ring
            .write_from(messages.len(), || left.next().copied());
        assert!(
            sent == messages.len(),
            "more messages than room: more than the declared burst"
        );
        self.sent.add(sent);
        Work::of(sent)
    }

    /// Whether the consumer is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// The receiving end of a lossless edge.
pub struct Consumer<T> {
    ring: Reader<T>,
    received: Total,
    /// What `high_water` shows.
    highest: usize,
    high_water: Gauge,
}

impl<T: Pod + Send> Consumer<T> {
    /// Hands over up to `max` messages in order and frees their room in one step at the end.
    /// If `each` panics none of this batch is freed: the next drain hands it over again, from its start.
    #[inline]
    pub fn drain(&mut self, max: usize, each: impl FnMut(&T)) -> Work {
        let count = self.ring.drain(max, each);
        if count == 0 {
            return Work::NONE;
        }
        self.received.add(count);
        // As many waited as were taken, unless that was all that was asked for.
        let waited = if count < max {
            count
        } else {
            count + self.ring.len()
        };
        if waited > self.highest {
            self.highest = waited;
            self.high_water.set(waited as u64);
        }
        Work::of(count)
    }

    /// The next message, which stays.
    #[must_use]
    pub fn peek(&self) -> Option<T> {
        self.ring.peek()
    }

    /// Whether nothing waits.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Number of messages that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether the producer is gone. What it sent may still wait.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}
