//! Ring edges: one producer, one consumer, fixed capacity, in order.
//!
//! [`ring`] is the lossless edge: credit first, so a push never waits and never fails.
//! [`lossy_ring`] drops and counts when full: for logs only.
//! The conflating edge is in [`crate::conflate`].
//! Nothing here wakes a sleeping consumer: the runner does that once per duty cycle through [`crate::wake`].

use crate::counters::{Counter, CountersPage, Gauge, Owner, PageError};
use crate::work::Work;

#[cfg(test)]
mod tests;

crate::declare! {
    /// Messages sent.
    SENT = counter(100, Owner::EdgeWriter, "sent", Count);
    /// Times the sender asked for room and got none.
    BLOCKED = counter(101, Owner::EdgeWriter, "blocked", Count);
    /// Time during which the sender had no room: back-pressure.
    BLOCKED_TICKS = counter(102, Owner::EdgeWriter, "blocked_ticks", RawTicks);
    /// Messages dropped because a lossy edge was full.
    DROPPED = counter(103, Owner::EdgeWriter, "dropped", Count);
    /// Messages taken.
    RECEIVED = counter(104, Owner::EdgeReader, "received", Count);
    /// Most messages found waiting at once.
    HIGH_WATER = gauge(105, Owner::EdgeReader, "high_water", Count);
    /// Values of a conflating edge that a newer one replaced before they were taken.
    REPLACED = counter(106, Owner::EdgeReader, "replaced", Count);
    /// Most messages that can wait; 0 while nobody said.
    CAPACITY = gauge(107, Owner::EdgeReader, "capacity", Count);
}

/// What an edge counts. The first four are the producer's, the others the consumer's.
pub struct EdgeCounters {
    /// Messages sent.
    pub sent: Counter,
    /// How often the producer asked for room and got none.
    pub blocked: Counter,
    /// Raw clock ticks during which the producer had no room.
    pub blocked_ticks: Counter,
    /// Messages dropped because a lossy edge was full.
    pub dropped: Counter,
    /// Messages taken.
    pub received: Counter,
    /// Most messages found waiting at once.
    pub high_water: Gauge,
    /// Most messages that can wait; 0 while nobody said.
    pub capacity: Gauge,
    /// Values of a conflating edge that a newer one replaced before they were taken.
    pub replaced: Counter,
}

impl EdgeCounters {
    /// Counters on a page, labelled `edge.<edge>.sent` and so on.
    pub fn on(
        page: &CountersPage,
        edge: &str,
        producer: &str,
        consumer: &str,
    ) -> Result<Self, PageError> {
        Ok(Self {
            sent: page.edge_counter(producer, edge, &SENT)?,
            blocked: page.edge_counter(producer, edge, &BLOCKED)?,
            blocked_ticks: page.edge_counter(producer, edge, &BLOCKED_TICKS)?,
            dropped: page.edge_counter(producer, edge, &DROPPED)?,
            received: page.edge_counter(consumer, edge, &RECEIVED)?,
            high_water: page.edge_gauge(consumer, edge, &HIGH_WATER)?,
            capacity: page.edge_gauge(consumer, edge, &CAPACITY)?,
            replaced: page.edge_counter(consumer, edge, &REPLACED)?,
        })
    }

    /// Counters that nobody else sees.
    #[must_use]
    pub fn private() -> Self {
        Self {
            sent: Counter::private(),
            blocked: Counter::private(),
            blocked_ticks: Counter::private(),
            dropped: Counter::private(),
            received: Counter::private(),
            high_water: Gauge::private(),
            capacity: Gauge::private(),
            replaced: Counter::private(),
        }
    }
}

/// A lossless edge of at least `capacity` messages.
///
/// ```
/// use pitlane_lockfree::ring::{ring, EdgeCounters};
/// let (mut tx, mut rx) = ring(4, EdgeCounters::private());
/// assert!(tx.has_room_for(2));
/// tx.push(1);
/// tx.push(2);
/// let mut seen = Vec::new();
/// let work = rx.drain(10, |message| seen.push(*message));
/// assert_eq!((work.count(), seen), (2, vec![1, 2]));
/// ```
#[must_use]
pub fn ring<T: Copy + Send>(
    capacity: usize,
    mut counters: EdgeCounters,
) -> (Producer<T>, Consumer<T>) {
    let (producer, consumer) = rtrb::RingBuffer::<T>::new(capacity);
    counters.capacity.set(producer.buffer().capacity() as u64);
    (
        Producer {
            ring: producer,
            sent: Total::new(counters.sent),
            blocked: counters.blocked,
            blocked_ticks: counters.blocked_ticks,
            blocked_since: None,
        },
        Consumer {
            ring: consumer,
            received: Total::new(counters.received),
            highest: usize::try_from(counters.high_water.get()).unwrap_or(usize::MAX),
            high_water: counters.high_water,
        },
    )
}

/// A counter whose value is also kept here, so that counting is a store: the page's line may be with a reader just now.
struct Total {
    value: u64,
    shown: Counter,
}

impl Total {
    fn new(shown: Counter) -> Self {
        Self {
            value: shown.get(),
            shown,
        }
    }

    #[inline]
    fn add(&mut self, by: usize) {
        self.value = self.value.wrapping_add(by as u64);
        self.shown.set(self.value);
    }
}

/// The sending end of a lossless edge.
pub struct Producer<T> {
    ring: rtrb::Producer<T>,
    sent: Total,
    blocked: Counter,
    blocked_ticks: Counter,
    blocked_since: Option<u64>,
}

impl<T: Copy + Send> Producer<T> {
    /// Messages that can be pushed now.
    #[inline]
    pub fn room(&mut self) -> usize {
        self.ring.slots()
    }

    /// Messages the ring holds when full.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.buffer().capacity()
    }

    /// The credit rule: an agent takes input only if each of its outputs has room for all that one poll may produce.
    /// A refusal is counted as back-pressure.
    #[inline]
    pub fn has_room_for(&mut self, burst: usize) -> bool {
        let room = self.credit(burst);
        if !room {
            self.blocked.add(1);
        }
        room
    }

    /// As [`Producer::has_room_for`], and the time from the first refusal to the next grant is counted,
    /// by the raw clock as the duty cycle read it.
    #[inline]
    pub fn has_room_at(&mut self, burst: usize, now: u64) -> bool {
        if self.credit(burst) {
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

    /// The consumer's cursor is another core's cache line: it is read only when the last known one is not enough.
    #[inline]
    fn credit(&mut self, burst: usize) -> bool {
        self.ring.cached_slots() >= burst || self.ring.slots() >= burst
    }

    /// Sends one message.
    ///
    /// # Panics
    /// If the ring is full: the agent was polled without credit, which is a bug in its declared burst.
    #[inline]
    pub fn push(&mut self, message: T) {
        assert!(
            self.ring.push(message).is_ok(),
            "push into a full ring: more messages than the declared burst"
        );
        self.sent.add(1);
    }

    /// Sends what `next` yields, until it yields nothing, `max` is reached or the ring is full.
    /// The batch becomes visible at once, at the end.
    #[inline]
    pub fn send_from(&mut self, max: usize, mut next: impl FnMut() -> Option<T>) -> Work {
        let room = if self.ring.cached_slots() >= max {
            max
        } else {
            self.ring.slots().min(max)
        };
        let Ok(chunk) = self.ring.write_chunk_uninit(room) else {
            return Work::NONE;
        };
        let sent = chunk.fill_from_iter(core::iter::from_fn(&mut next));
        self.sent.add(sent);
        Work::of(sent)
    }

    /// Sends all messages of a slice. They become visible at once.
    ///
    /// # Panics
    /// If they do not fit: the agent was polled without credit, which is a bug in its declared burst.
    #[inline]
    pub fn send_all(&mut self, messages: &[T]) -> Work {
        assert!(
            self.ring.push_entire_slice(messages).is_ok(),
            "more messages than room: more than the declared burst"
        );
        self.sent.add(messages.len());
        Work::of(messages.len())
    }

    /// Whether the consumer is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// The receiving end of a lossless or lossy edge.
pub struct Consumer<T> {
    ring: rtrb::Consumer<T>,
    received: Total,
    /// What `high_water` shows.
    highest: usize,
    high_water: Gauge,
}

impl<T: Copy + Send> Consumer<T> {
    /// Hands over up to `max` messages in order and frees their room in one step at the end.
    /// If `each` panics none of this batch is freed: the next drain hands it over again, from its start.
    #[inline]
    pub fn drain(&mut self, max: usize, mut each: impl FnMut(&T)) -> Work {
        self.drain_slices(max, |messages| messages.iter().for_each(&mut each))
    }

    /// As [`Consumer::drain`], in one slice or, where the ring's end lies between them, two.
    #[inline]
    pub fn drain_slices(&mut self, max: usize, mut each: impl FnMut(&[T])) -> Work {
        let waiting = self.ring.slots();
        if waiting == 0 {
            return Work::NONE;
        }
        if waiting > self.highest {
            self.highest = waiting;
            self.high_water.set(waiting as u64);
        }
        let count = waiting.min(max);
        let Ok(chunk) = self.ring.read_chunk(count) else {
            return Work::NONE;
        };
        let (first, second) = chunk.as_slices();
        each(first);
        if !second.is_empty() {
            each(second);
        }
        chunk.commit_all();
        self.received.add(count);
        Work::of(count)
    }

    /// The next message, left where it is.
    #[must_use]
    pub fn peek(&self) -> Option<&T> {
        self.ring.peek().ok()
    }

    /// Whether nothing waits.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Number of messages that wait.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.slots()
    }

    /// Whether the producer is gone. What it sent may still wait.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// An edge that drops and counts when it is full.
#[must_use]
pub fn lossy_ring<T: Copy + Send>(
    capacity: usize,
    counters: EdgeCounters,
) -> (LossyProducer<T>, Consumer<T>) {
    let dropped = counters.dropped;
    let counters = EdgeCounters {
        dropped: Counter::private(),
        ..counters
    };
    let (inner, consumer) = ring(capacity, counters);
    (LossyProducer { inner, dropped }, consumer)
}

/// The sending end of a lossy edge.
pub struct LossyProducer<T> {
    inner: Producer<T>,
    dropped: Counter,
}

impl<T: Copy + Send> LossyProducer<T> {
    /// Sends, or drops and counts. False if it was dropped.
    #[inline]
    pub fn try_push(&mut self, message: T) -> bool {
        let sent = self.inner.ring.push(message).is_ok();
        if sent {
            self.inner.sent.add(1);
        } else {
            self.dropped.add(1);
        }
        sent
    }

    /// Messages dropped so far, to be told to the consumer once there is room again.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Whether the consumer is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.inner.is_abandoned()
    }
}
