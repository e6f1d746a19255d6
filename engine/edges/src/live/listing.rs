//! What a venue lists: the steps of its instruments and its limit of requests, asked for before anything starts.
//!
//! This waits, so it is for the thread that starts the engine.

use super::session::exchange_info_path;
use super::{Cause, Rest, RestKind, RestReply, RestRequest, Tls, TlsError};
use crate::config::{Config, Fault, InstrumentConfig, Place, Upstream};
use pitlane_domain::decode::binance::{ListedInstrument, exchange_info};
use pitlane_domain::instrument::{InstrumentTable, Venue};
use pitlane_domain::units::Grid;
use serde::Deserialize;
use std::time::Duration;

/// Attempts before a venue is given up, and the wait between them, which doubles.
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How often a reply is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What one venue lists.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Which venue.
    pub venue: Venue,
    /// Its instruments.
    pub instruments: Vec<ListedInstrument>,
    /// The request weight a minute it allows, if it says so.
    pub weight_limit: Option<u32>,
    /// All of it as the venue said it, for who records.
    pub body: Vec<u8>,
}

/// Why there is no listing.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No thread.
    #[error("the thread of requests cannot be started: {0}")]
    Thread(std::io::Error),
    /// The venue does not answer as it should.
    #[error("GET {url}: {reason}")]
    Refused {
        /// The address.
        url: String,
        /// What it is counted as.
        cause: Cause,
        /// What came, or why nothing did.
        reason: String,
    },
}

impl ListingError {
    /// What it is counted as, if the venue is to blame.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Refused { cause, .. } => Some(*cause),
            Self::Tls(_) | Self::Thread(_) => None,
        }
    }
}

/// Asks a venue for its instruments, a few times if need be. `waits` is called before each wait, with the reason, and ends
/// the asking by saying false.
pub fn fetch(
    upstream: &Upstream,
    timeout: Duration,
    mut waits: impl FnMut(&ListingError, Duration) -> bool,
) -> Result<Listing, ListingError> {
    let tls = Tls::new(upstream.ca_file.as_deref())?;
    let rest = Rest::start(tls, None).map_err(ListingError::Thread)?;
    let url = format!("{}{}", upstream.rest, exchange_info_path(upstream.venue));
    let mut wait = FIRST_WAIT;
    for attempt in 1.. {
        let request = RestRequest {
            token: u64::from(attempt),
            url: url.clone(),
            kind: RestKind::ExchangeInfo,
            whole: timeout,
        };
        let reply = rest.send(request).map(|()| answer(&rest));
        let ((cause, reason), asked) = match reply {
            Ok(reply) => match read(upstream.venue, &reply) {
                Ok(listing) => return Ok(listing),
                Err(refused) => (refused, reply.retry_after),
            },
            Err(error) => ((error.cause(), error.to_string()), None),
        };
        let error = ListingError::Refused {
            url: url.clone(),
            cause,
            reason,
        };
        let wait_now = asked.map_or(wait, |asked| asked.max(wait));
        if attempt == ATTEMPTS || !waits(&error, wait_now) {
            return Err(error);
        }
        std::thread::sleep(wait_now);
        wait *= 2;
    }
    unreachable!("the last attempt returns")
}

fn answer(rest: &Rest) -> RestReply {
    loop {
        if let Some(reply) = rest.poll() {
            return reply;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn read(venue: Venue, reply: &RestReply) -> Result<Listing, (Cause, String)> {
    if let Some(error) = &reply.error {
        return Err((error.cause(), error.to_string()));
    }
    let instruments = exchange_info(venue, &reply.body);
    let instruments = instruments.map_err(|reject| {
        let reason = reject.reason.name();
        let what = format!(
            "what came is no exchangeInfo: {reason} at byte {}",
            reject.at
        );
        (Cause::Unreadable, what)
    })?;
    Ok(Listing {
        venue,
        instruments,
        weight_limit: weight_limit(&reply.body),
        body: reply.body.clone(),
    })
}

/// The weight a minute in `rateLimits`.
fn weight_limit(body: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Limit {
        rate_limit_type: String,
        interval: String,
        interval_num: u32,
        #[serde(rename = "limit")]
        weight: u32,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Limits {
        #[serde(default)]
        rate_limits: Vec<Limit>,
    }
    let limits: Limits = serde_json::from_slice(body).ok()?;
    let mut limits = limits.rate_limits.into_iter();
    let found =
        limits.find(|of| of.rate_limit_type == "REQUEST_WEIGHT" && of.interval == "MINUTE")?;
    Some(found.weight / found.interval_num.max(1))
}

/// The instruments of a configuration with the steps their venues list, or everything that does not fit, with its place.
///
/// A configured step must be the venue's or divide it: orders placed before a venue raised a step rest in its book.
pub fn instruments(config: &Config, listings: &[Listing]) -> Result<InstrumentTable, Vec<Fault>> {
    let mut table = InstrumentTable::default();
    let mut faults = Vec::new();
    for row in &config.instruments {
        match instrument(row, listings) {
            Ok((tick, lot)) => {
                if let Err(why) = table.add(row.with_steps(tick, lot)) {
                    faults.push(fault(&row.place, "instrument", why.to_string()));
                }
            }
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() {
        Ok(table)
    } else {
        Err(faults)
    }
}

fn instrument(row: &InstrumentConfig, listings: &[Listing]) -> Result<(Grid, Grid), Vec<Fault>> {
    let venue = row.venue.name();
    let of_venue = listings.iter().find(|listing| listing.venue == row.venue);
    let listed = of_venue.and_then(|listing| {
        let mut instruments = listing.instruments.iter();
        instruments.find(|listed| listed.symbol == row.venue_symbol)
    });
    let Some(listed) = listed else {
        if of_venue.is_none()
            && let Some(steps) = row.tick_size.zip(row.lot_size)
        {
            return Ok(steps);
        }
        let what = match of_venue {
            Some(_) => format!("{venue} lists no {}", row.venue_symbol),
            None => format!("{venue} lists no instruments: write tick_size and lot_size"),
        };
        return Err(vec![fault(&row.place, "instrument.venue_symbol", what)]);
    };
    let mut faults = Vec::new();
    for (key, configured, listed) in [
        ("instrument.tick_size", row.tick_size, listed.tick_size),
        ("instrument.lot_size", row.lot_size, listed.lot_size),
    ] {
        if let Some(configured) = configured
            && !divides(configured, listed)
        {
            let what = format!(
                "{configured} does not divide the {listed} that {venue} lists for {}; leave it out or write a step that does",
                row.venue_symbol
            );
            faults.push(fault(&row.place, key, what));
        }
    }
    if faults.is_empty() {
        Ok((listed.tick_size, listed.lot_size))
    } else {
        Err(faults)
    }
}

fn fault(place: &Place, key: &str, what: String) -> Fault {
    Fault {
        place: place.clone(),
        key: key.to_owned(),
        what,
    }
}

/// Whether one step is a whole number of the other.
fn divides(fine: Grid, coarse: Grid) -> bool {
    let scale = fine.scale().max(coarse.scale());
    let whole = |grid: Grid| {
        let ten = 10_i128.pow(u32::from(scale - grid.scale()));
        i128::from(grid.mantissa()) * ten
    };
    whole(coarse) % whole(fine) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use expect_test::expect;
    use pitlane_domain::instrument::Symbol;

    const INFO: &str = r#"{"timezone":"UTC","rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100},{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000}],"symbols":[]}"#;

    #[test]
    fn the_limit_is_that_of_a_minute() {
        assert_eq!(weight_limit(INFO.as_bytes()), Some(6000));
        assert_eq!(weight_limit(b"{}"), None);
        assert_eq!(weight_limit(b"<html>"), None);
    }

    fn step(text: &str) -> Grid {
        Grid::of_step(text.as_bytes()).expect("a step")
    }

    #[test]
    fn a_finer_step_divides() {
        for (fine, coarse, expected) in [
            ("0.01", "0.01", true),
            ("0.000001", "0.00001", true),
            ("0.05", "0.1", true),
            ("0.1", "0.01", false),
            ("0.03", "0.1", false),
            ("1", "10", true),
        ] {
            assert_eq!(
                divides(step(fine), step(coarse)),
                expected,
                "{fine} {coarse}"
            );
        }
    }

    #[test]
    fn steps_are_the_venues_or_divide_them() {
        let text = r#"source.kind = "live"
[[upstream]]
venue = "binance-spot"
[[instrument]]
symbol = "A"
venue = "binance-spot"
[[instrument]]
symbol = "B"
venue = "binance-spot"
lot_size = "0.001"
[[instrument]]
symbol = "C"
venue = "binance-spot"
tick_size = "0.3"
lot_size = "1"
[[instrument]]
symbol = "D"
venue = "binance-spot"
"#;
        let config = Config::parse("t.toml", text, &Overrides::none()).expect("legal");
        let listed = |symbol: &str| ListedInstrument {
            symbol: Symbol::new(symbol.as_bytes()).expect("a symbol"),
            tick_size: step("0.1"),
            lot_size: step("0.01"),
            status_trading: true,
        };
        let listing = |symbols: &[&str]| Listing {
            venue: Venue::BinanceSpot,
            instruments: symbols.iter().map(|symbol| listed(symbol)).collect(),
            weight_limit: None,
            body: Vec::new(),
        };
        let faults =
            instruments(&config, &[listing(&["A", "B", "C"])]).expect_err("two do not fit");
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        expect![[r"
            t.toml:11:1: instrument.tick_size: 0.3 does not divide the 0.1 that binance-spot lists for C; leave it out or write a step that does
            t.toml:11:1: instrument.lot_size: 1 does not divide the 0.01 that binance-spot lists for C; leave it out or write a step that does
            t.toml:16:1: instrument.venue_symbol: binance-spot lists no D"]].assert_eq(&faults.join("\n"));
        let mut config = config;
        config.instruments.truncate(2);
        let table = instruments(&config, &[listing(&["A", "B"])]).expect("they fit");
        let shown: Vec<String> = table
            .iter()
            .map(|(_, of)| format!("{} {} {}", of.symbol, of.tick_size, of.lot_size))
            .collect();
        assert_eq!(shown, ["A 0.1 0.01", "B 0.1 0.001"]);
    }
}
