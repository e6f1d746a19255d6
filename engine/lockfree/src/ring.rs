//! Ring edges: one producer, one consumer, fixed capacity, in order.
//!
//! [`ring`] is the lossless edge, over a ring in which a message is one cache line ([`line_ring`]).
//! [`lossy_ring`] drops and counts when full: for logs only, over `rtrb`.
//! The conflating edge is in [`crate::conflate`].
//! Nothing here wakes a sleeping consumer: the runner does that once per duty cycle through [`crate::wake`].

use crate::counters::{Counter, CountersPage, Gauge, Owner, PageError};

mod line;
mod lossless;
mod lossy;
#[cfg(test)]
mod tests;

pub use line::{Reader, Writer, line_ring};
pub use lossless::{Consumer, Producer, ring};
pub use lossy::{LossyConsumer, LossyProducer, lossy_ring};

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
