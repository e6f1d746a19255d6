//! What a stream's name means, and which recorded stream answers for it.

use crate::derive::{Derived, What};
use crate::interval::Interval;
use crate::recording::Recording;
use pitlane_domain::instrument::{InstrumentId, Venue};

/// What a stream carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Trades by taker and price.
    AggTrade,
    /// Single trades.
    Trade,
    /// Best prices.
    BookTicker,
    /// Depth differences, at whatever speed.
    Diff,
    /// The best levels, of that many levels a side.
    Partial(usize),
    /// Bars of one interval.
    Kline(Interval),
    /// Statistics of the rolling day.
    Ticker,
    /// The same, short.
    MiniTicker,
    /// A book from REST: part of a capture, and not a stream.
    Snapshot,
    /// Any other answer of REST in a capture.
    Rest,
    /// Anything else.
    Other,
}

impl Kind {
    /// From what stands behind the symbol's `@`.
    pub(crate) fn of(behind: &str) -> Self {
        let (word, more) = behind.split_once('@').unwrap_or((behind, ""));
        match word {
            "aggTrade" => Self::AggTrade,
            "trade" => Self::Trade,
            "bookTicker" => Self::BookTicker,
            "ticker" => Self::Ticker,
            "miniTicker" => Self::MiniTicker,
            "depth" => Self::Diff,
            "depthSnapshot" => Self::Snapshot,
            "aggTrades" | "historicalTrades" | "exchangeInfo" => Self::Rest,
            _ if word.starts_with("klines_") => Self::Rest,
            _ => match (word.strip_prefix("kline_"), word.strip_prefix("depth")) {
                (Some(name), _) if more.is_empty() => {
                    Interval::of(name).map_or(Self::Other, Self::Kline)
                }
                (_, Some(count)) => count.parse().map_or(Self::Other, Self::Partial),
                _ => Self::Other,
            },
        }
    }

    /// Whether a client may subscribe to it.
    pub(crate) fn is_stream(self) -> bool {
        !matches!(self, Self::Snapshot | Self::Rest)
    }
}

/// What is sent under a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    /// The recorded stream whose events it follows.
    pub(crate) base: usize,
    /// What is made of them; `None` if they are sent as they are.
    pub(crate) derived: Option<Derived>,
}

/// What answers for a name; `None` where the capture has nothing to answer with.
pub(crate) fn resolve(recording: &Recording, venue: Venue, name: &str) -> Option<Target> {
    let as_recorded = |base| Target {
        base,
        derived: None,
    };
    if let Some(base) = recording.stream_named(venue, name) {
        return recording.streams()[base]
            .kind
            .is_stream()
            .then(|| as_recorded(base));
    }
    let (symbol, behind) = name.split_once('@')?;
    if symbol.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let id = recording.table().find(venue, symbol.as_bytes())?;
    let first = |kinds: &[Kind]| {
        kinds
            .iter()
            .find_map(|kind| recording.stream_of(id, |of| of == *kind))
    };
    let from = |base: Option<usize>, what| {
        let derived = Some(Derived {
            instrument: id,
            what,
        });
        base.map(|base| Target { base, derived })
    };
    let depth = || first(&[Kind::Diff]).or_else(|| partial(recording, id));
    let trades = || first(&[Kind::Trade, Kind::AggTrade]);
    match Kind::of(behind) {
        // The speed in the name is not kept: the recorded one is what there is.
        Kind::Diff => first(&[Kind::Diff]).map(as_recorded),
        Kind::AggTrade => from(first(&[Kind::Trade]), What::AggTrade),
        Kind::Partial(levels) => match recording.stream_of(id, |of| of == Kind::Partial(levels)) {
            Some(base) => Some(as_recorded(base)),
            None => from(depth(), What::Partial(levels)),
        },
        Kind::BookTicker => from(depth(), What::BookTicker),
        Kind::Kline(interval) => from(trades(), What::Kline(interval)),
        Kind::Ticker => from(trades(), What::Ticker),
        Kind::MiniTicker => from(trades(), What::MiniTicker),
        Kind::Trade | Kind::Snapshot | Kind::Rest | Kind::Other => None,
    }
}

fn partial(recording: &Recording, id: InstrumentId) -> Option<usize> {
    recording.stream_of(id, |of| matches!(of, Kind::Partial(_)))
}
