//! The edge that drops and counts when it is full: for log lines, which may be longer than a cache line.

use super::EdgeCounters;
use super::lossless::Total;
use crate::counters::{Counter, Gauge};
use crate::work::Work;

/// An edge that drops and counts when it is full.
#[must_use]
pub fn lossy_ring<T: Copy + Send>(
    capacity: usize,
    mut counters: EdgeCounters,
) -> (LossyProducer<T>, LossyConsumer<T>) {
    let (producer, consumer) = rtrb::RingBuffer::new(capacity);
    counters.capacity.set(capacity as u64);
    (
        LossyProducer {
            ring: producer,
            sent: Total::new(counters.sent),
            dropped: counters.dropped,
        },
        LossyConsumer {
            ring: consumer,
            received: Total::new(counters.received),
            high_water: counters.high_water,
        },
    )
}

/// The sending end of a lossy edge.
pub struct LossyProducer<T> {
    ring: rtrb::Producer<T>,
    sent: Total,
    dropped: Counter,
}

impl<T: Copy + Send> LossyProducer<T> {
    /// Sends, or drops and counts. False if it was dropped.
    #[inline]
    pub fn try_push(&mut self, message: T) -> bool {
        let sent = self.ring.push(message).is_ok();
        if sent {
            self.sent.add(1);
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
        self.ring.is_abandoned()
    }
}

/// The receiving end of a lossy edge.
pub struct LossyConsumer<T> {
    ring: rtrb::Consumer<T>,
    received: Total,
    high_water: Gauge,
}

impl<T: Copy + Send> LossyConsumer<T> {
    /// Hands over up to `max` messages in order and frees their room in one step at the end.
    pub fn drain(&mut self, max: usize, each: impl FnMut(&T)) -> Work {
        let waiting = self.ring.slots();
        if waiting == 0 {
            return Work::NONE;
        }
        self.high_water.raise(waiting as u64);
        let count = waiting.min(max);
        let Ok(chunk) = self.ring.read_chunk(count) else {
            return Work::NONE;
        };
        let (first, second) = chunk.as_slices();
        first.iter().chain(second).for_each(each);
        chunk.commit_all();
        self.received.add(count);
        Work::of(count)
    }
}
