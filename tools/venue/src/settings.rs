//! How a venue behaves, with the figures of the documented surface as defaults.

use crate::faults::Rule;
use crate::tls::Identity;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How fast the capture is played.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Speed {
    /// As fast as the slowest subscriber takes it; nobody loses anything, and nothing moves while nobody subscribes.
    Max,
    /// This many recorded seconds a second; goes on while nobody listens, and drops whoever cannot follow.
    Times(f64),
}

/// When the clock of the playback starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// At once.
    Now,
    /// When this many clients have a subscription.
    Clients(usize),
}

/// What happens when the capture has been played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtEnd {
    /// The market stands still; connections stay.
    Hold,
    /// Streams are closed as for maintenance; REST and new connections are still answered.
    Close,
    /// Streams are closed and the venue ends.
    Exit,
    /// It begins again. Ids begin again too, so clients see duplicates.
    Loop,
}

/// Everything that can be chosen about a venue.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Pace of the playback.
    pub speed: Speed,
    /// Start of the playback.
    pub start: Start,
    /// Frames that count as played before the start, as if the venue had been started again in the middle of its day.
    pub skip: usize,
    /// End of the playback.
    pub at_end: AtEnd,
    /// Time between two ping frames.
    pub ping_every: Duration,
    /// How long a pong may take before the connection is closed, and a write before it is given up.
    pub pong_within: Duration,
    /// Longest life of a connection.
    pub lifetime: Duration,
    /// Most messages a client may send within a second, pings and pongs included.
    pub messages_per_second: usize,
    /// Most streams of one connection.
    pub streams_per_connection: usize,
    /// Most connections at the same time, which is also the bound of threads.
    pub connections_max: usize,
    /// Most WebSocket connections opened within five minutes.
    pub connects_per_five_minutes: usize,
    /// Request weight a minute.
    pub weight_limit: u32,
    /// How long a client is banned (418) that goes on after 429.
    pub ban: Duration,
    /// What it shows to those who connect; without one nothing is encrypted.
    pub tls: Option<Identity>,
    /// Seed of faults that happen by chance.
    pub seed: u64,
    /// Faults from the start.
    pub faults: Vec<Rule>,
}

impl Settings {
    /// What stands behind `http` and `ws` in its addresses.
    pub(crate) fn s(&self) -> &'static str {
        if self.tls.is_some() { "s" } else { "" }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            speed: Speed::Max,
            start: Start::Clients(1),
            skip: 0,
            at_end: AtEnd::Hold,
            ping_every: Duration::from_secs(20),
            pong_within: Duration::from_mins(1),
            lifetime: Duration::from_hours(24),
            messages_per_second: 5,
            streams_per_connection: 1024,
            connections_max: 512,
            connects_per_five_minutes: 300,
            weight_limit: 6000,
            ban: Duration::from_mins(2),
            tls: None,
            seed: 1,
            faults: Vec::new(),
        }
    }
}
