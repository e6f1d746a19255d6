//! `[[upstream]]` and `[live]`: where live data comes from, and the figures its rules go by.

use super::Place;
use pitlane_domain::instrument::Venue;
use std::path::PathBuf;
use std::time::Duration;

/// One `[[upstream]]`: the addresses of a venue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upstream {
    /// Where its table begins.
    pub place: Place,
    /// Whose data it is; one upstream a venue.
    pub venue: Venue,
    /// Base address of the streams, `ws://` or `wss://`, without a slash at its end; a path in it is kept.
    pub ws: String,
    /// Base address of requests, `http://` or `https://`, without a slash at its end; empty where a venue answers none.
    pub rest: String,
    /// Certificates that are trusted besides the usual ones, as PEM.
    pub ca_file: Option<PathBuf>,
    /// The streams of a symbol, as the venue writes them behind `symbol@`.
    pub streams: Vec<String>,
}

impl Upstream {
    /// The addresses of a venue as it publishes them, streams and requests; empty where there is none.
    pub fn published(venue: Venue) -> (&'static str, &'static str) {
        match venue {
            Venue::BinanceSpot => ("wss://stream.binance.com:9443", "https://api.binance.com"),
            Venue::BinanceUsdm => ("wss://fstream.binance.com", "https://fapi.binance.com"),
            Venue::BinanceCoinm => ("wss://dstream.binance.com", "https://dapi.binance.com"),
            _ => ("", ""),
        }
    }

    /// The streams of a symbol if none are named.
    pub fn usual_streams(venue: Venue) -> &'static [&'static str] {
        match venue {
            Venue::BinanceSpot | Venue::BinanceUsdm | Venue::BinanceCoinm => {
                &["aggTrade", "depth@100ms"]
            }
            _ => &[],
        }
    }

    /// Whether there is a way to connect to that venue.
    pub fn is_known(venue: Venue) -> bool {
        Self::answers_requests(venue) || venue == Venue::Fx
    }

    /// Whether that venue names its streams and answers requests beside them. An FX gateway does neither: it is told on the
    /// connection what to send.
    pub fn answers_requests(venue: Venue) -> bool {
        matches!(
            venue,
            Venue::BinanceSpot | Venue::BinanceUsdm | Venue::BinanceCoinm
        )
    }
}

/// `[live]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Live {
    /// Wait before the first attempt to connect anew; doubled with each that fails.
    pub reconnect_first: Duration,
    /// Longest such wait.
    pub reconnect_max: Duration,
    /// Most that chance adds to it, and never more than a tenth of it.
    pub reconnect_jitter: Duration,
    /// Attempts after which somebody is called.
    pub hard_reload_after: u32,
    /// The first wait of an FX gateway.
    pub fx_reconnect_first: Duration,
    /// The longest of an FX gateway.
    pub fx_reconnect_max: Duration,
    /// The attempts of an FX gateway.
    pub fx_hard_reload_after: u32,
    /// Data without a fault for so long, and the attempts count from 1 again.
    pub healthy_after: Duration,
    /// Failed operations that open the breaker.
    pub breaker_failures: u32,
    /// Time until an open breaker allows a trial.
    pub breaker_reset: Duration,
    /// Without a trade for so long, the trades of a symbol are stale.
    pub trades_silent: Duration,
    /// Without a depth event for so long, its depth is.
    pub depth_silent: Duration,
    /// One of the two alive and the other silent for so long is a fault of its own.
    pub asymmetric: Duration,
    /// Receipt minus venue time above which the clocks drift.
    pub drift: Duration,
    /// Without any data for so long, a connection is closed and opened anew.
    pub no_data: Duration,
    /// Between two checks of these.
    pub check_every: Duration,
    /// Between two checks of an FX connection.
    pub fx_check_every: Duration,
    /// The same fault of the same symbol is reported at most once in so long.
    pub report_every: Duration,
    /// Age at which a connection gets a successor.
    pub lifetime: Duration,
    /// Longest time for one connection to be made, and for one request to be answered.
    pub timeout: Duration,
    /// How long a stream may bring no trade, or no depth event for its book, after its connection was made, before the
    /// venue is asked for what was missed.
    pub hold: Duration,
    /// How far back a start asks for trades.
    pub backfill: Duration,
    /// Whether a start asks for the history of bars.
    pub klines: bool,
    /// Part of the venue's request weight that is used.
    pub weight_share: f64,
    /// Levels a side in a snapshot that is asked for; 0 is the deepest the venue has.
    pub snapshot_limit: u32,
    /// Frames of one connection that may wait for the sequencer.
    pub buffer: u32,
}

impl Default for Live {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            reconnect_first: seconds(5),
            reconnect_max: seconds(300),
            reconnect_jitter: seconds(5),
            hard_reload_after: 15,
            fx_reconnect_first: seconds(1),
            fx_reconnect_max: seconds(30),
            fx_hard_reload_after: 5,
            healthy_after: seconds(60),
            breaker_failures: 5,
            breaker_reset: seconds(60),
            trades_silent: seconds(30),
            depth_silent: seconds(10),
            asymmetric: seconds(20),
            drift: seconds(5),
            no_data: seconds(60),
            check_every: seconds(10),
            fx_check_every: seconds(30),
            report_every: seconds(60),
            lifetime: seconds(23 * 3600 + 50 * 60),
            timeout: seconds(10),
            hold: seconds(5),
            backfill: seconds(90 * 60),
            klines: true,
            weight_share: 0.8,
            snapshot_limit: 0,
            buffer: 10_000,
        }
    }
}
