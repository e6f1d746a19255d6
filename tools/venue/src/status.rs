//! What a venue has done, as data.

use crate::faults::Done;
use crate::shared::{Shared, lock};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Where a venue stands; also the JSON of `GET /venue/status`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent facts, read one by one"
)]
pub struct Status {
    /// Frames played.
    pub position: usize,
    /// Frames in the capture.
    pub length: usize,
    /// The venue's time, ms since 1970: the receipt of the last frame played.
    pub now_ms: i64,
    /// Whether the clock of the playback runs.
    pub started: bool,
    /// Whether the whole capture has been played.
    pub finished: bool,
    /// Whether everything played has also been written to the clients that are connected.
    pub drained: bool,
    /// Whether it closes or has closed.
    pub stopped: bool,
    /// How often the playback has begun again.
    pub rounds: u64,
    /// Connections that are open, of any kind.
    pub connections: usize,
    /// Connections that were ever opened.
    pub connections_total: u64,
    /// WebSocket clients that are connected.
    pub clients: usize,
    /// WebSocket clients there ever were.
    pub clients_total: u64,
    /// Clients that get anything.
    pub subscribers: usize,
    /// Streams they get, each as often as there are clients for it.
    pub subscriptions: usize,
    /// Clients dropped because they could not follow a paced playback.
    pub too_slow: u64,
    /// Messages sent, by the name of the stream.
    pub sent: BTreeMap<String, u64>,
    /// Requests, by path.
    pub requests: BTreeMap<String, u64>,
    /// Requests answered with 429 or 418 because of their weight.
    pub requests_refused: u64,
    /// Request weight used in this minute.
    pub weight_used: u32,
    /// Every fault rule with how often it struck.
    pub faults: Vec<Done>,
}

impl Status {
    pub(crate) fn of(shared: &Shared) -> Self {
        let load = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let counts = &shared.counts;
        let (clients, subscribers, subscriptions, drained) = {
            let hub = lock(&shared.hub);
            let drained = hub.clients().all(|client| client.is_drained());
            let clients = hub.clients().count();
            (clients, hub.subscribers(), hub.subscriptions(), drained)
        };
        Self {
            position: shared.position(),
            length: shared.recording.len(),
            now_ms: shared.now().ms(),
            started: shared.is_started(),
            finished: shared.is_finished(),
            drained,
            stopped: shared.is_stopped(),
            rounds: load(&counts.rounds),
            connections: shared.connections(),
            connections_total: load(&counts.connections),
            clients,
            clients_total: load(&counts.clients),
            subscribers,
            subscriptions,
            too_slow: load(&counts.too_slow),
            sent: lock(&counts.sent)
                .iter()
                .map(|(name, count)| (name.to_string(), *count))
                .collect(),
            requests: lock(&counts.asked).clone(),
            requests_refused: load(&counts.refused_requests),
            weight_used: lock(&shared.weights).used(),
            faults: lock(&shared.faults).done(),
        }
    }

    /// Messages sent, of all streams.
    pub fn sent_total(&self) -> u64 {
        self.sent.values().sum()
    }
}
