//! What happened to a connection, as a message: the feed tells it, everyone behind the sequencer hears it in its place.

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum ConnectionEvent {
    /// A connection stands.
    Connected = 1,
    /// A connection is gone.
    Disconnected = 2,
    /// Another attempt follows; the values are its number and the wait before it in ms.
    Reconnecting = 3,
    /// Something failed and was survived.
    Error = 4,
    /// Data flows again.
    Healthy = 5,
    /// Data does not flow as it should.
    Unhealthy = 6,
    /// The connection is in another state; the values are the old one and the new one. Of an FX gateway: 1
    /// disconnected, 2 connecting, 3 connected, 4 in error, and 0 before it has said.
    StateChange = 7,
    /// An issue begins or ends.
    ConnectivityIssue = 8,
    /// So many attempts failed that somebody should look; attempts go on.
    HardReloadRequired = 9,
    /// The successor of an ageing connection delivers in its place.
    HandedOver = 10,
    /// The venue asked for silence; the first value is how long, in ms.
    RateLimited = 11,
    /// The venue cannot supply trades; the values are their first and their last id. Where nothing has an id, as the ticks of
    /// an FX gateway, they are the venue's times in ms of what came last before and first behind.
    ApiGap = 12,
    /// Too many requests failed: none leaves for now.
    BreakerOpen = 13,
    /// One request is tried.
    BreakerHalfOpen = 14,
    /// Requests leave again.
    BreakerClosed = 15,
}

impl ConnectionEvent {
    /// Every event with its name in reports.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::Connected, "connected"),
        (Self::Disconnected, "disconnected"),
        (Self::Reconnecting, "reconnecting"),
        (Self::Error, "error"),
        (Self::Healthy, "healthy"),
        (Self::Unhealthy, "unhealthy"),
        (Self::StateChange, "state_change"),
        (Self::ConnectivityIssue, "connectivity_issue"),
        (Self::HardReloadRequired, "hard_reload_required"),
        (Self::HandedOver, "handed_over"),
        (Self::RateLimited, "rate_limited"),
        (Self::ApiGap, "api_gap"),
        (Self::BreakerOpen, "breaker_open"),
        (Self::BreakerHalfOpen, "breaker_half_open"),
        (Self::BreakerClosed, "breaker_closed"),
    ];

    /// The event of that number.
    pub fn from_code(code: u32) -> Option<Self> {
        Some(Self::ALL.get((code as usize).checked_sub(1)?)?.0)
    }

    /// The event's name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize - 1].1
    }
}

/// What is wrong with a connection or with the data of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
#[expect(missing_docs, reason = "the name in `ALL` is the description")]
pub enum Issue {
    TradesStreamStale = 1,
    DepthStreamStale = 2,
    BothStreamsStale = 3,
    AsymmetricStreaming = 4,
    SyncDrift = 5,
    WebsocketDisconnected = 6,
    ApiRateLimited = 7,
    ApiGap = 8,
    NoData = 9,
}

impl Issue {
    /// Every issue with its name in reports.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::TradesStreamStale, "trades_stream_stale"),
        (Self::DepthStreamStale, "depth_stream_stale"),
        (Self::BothStreamsStale, "both_streams_stale"),
        (Self::AsymmetricStreaming, "asymmetric_streaming"),
        (Self::SyncDrift, "sync_drift"),
        (Self::WebsocketDisconnected, "websocket_disconnected"),
        (Self::ApiRateLimited, "api_rate_limited"),
        (Self::ApiGap, "api_gap"),
        (Self::NoData, "no_data"),
    ];

    /// The issue of that number.
    pub fn from_code(code: u32) -> Option<Self> {
        Some(Self::ALL.get((code as usize).checked_sub(1)?)?.0)
    }

    /// The issue's name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize - 1].1
    }
}

/// News of a connection to a venue. The message's instrument is the one concerned, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection {
    /// What happened.
    pub event: ConnectionEvent,
    /// The issue it is about, if it is about one.
    pub issue: Option<Issue>,
    /// The issue has ended; otherwise it begins or goes on.
    pub ended: bool,
    /// Number of the connection in this run, from 1; 0 where none is meant.
    pub connection: u64,
    /// Two numbers whose meaning the event gives; 0 where it gives none.
    pub values: [u64; 2],
    /// How far the data can be relied on, in hundredths: 100 is all is well. [`Connection::UNJUDGED`] if nobody asked.
    pub score: u32,
}

impl Connection {
    /// The score where none is given.
    pub const UNJUDGED: u32 = u32::MAX;
}
