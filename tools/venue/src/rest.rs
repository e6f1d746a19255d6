//! The REST surface: market data of spot (`/api/v3`) and futures (`/fapi/v1`, `/dapi/v1`), and the venue's own controls.
//!
//! Only what lies at or before the position of the playback is told.

mod ask;
mod control;
mod info;
mod market;
mod tickers;

pub(crate) use tickers::Day;

use crate::faults::Answer;
use crate::http::{Reply, Request};
use crate::shared::{Shared, lock};
use crate::weights::{Verdict, weight};
use ask::{Ask, Refusal};
use pitlane_domain::instrument::Venue;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Most paths counted by name; the rest is counted as one.
const PATHS_MAX: usize = 256;

/// Answers a request.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Reply {
    if let Some(what) = request.path.strip_prefix("/venue/") {
        return control::answer(shared, request, what);
    }
    let now = Instant::now();
    count(shared, &request.path);
    let Some((venue, name)) = endpoint(&request.path) else {
        return nowhere(request);
    };
    let symbol = request.get("symbol");
    let fault = lock(&shared.faults).on_request(&request.path, symbol, now);
    let limit = request.get("limit").and_then(|limit| limit.parse().ok());
    let cost = weight(&request.path, limit, venue != Venue::BinanceSpot);
    let verdict = lock(&shared.weights).ask(cost, now);
    let used = match verdict {
        Verdict::Go(used) => used,
        Verdict::TooMuch(wait) | Verdict::Banned(wait) => {
            shared
                .counts
                .refused_requests
                .fetch_add(1, Ordering::Relaxed);
            let status = if matches!(verdict, Verdict::Banned(_)) {
                418
            } else {
                429
            };
            let used = lock(&shared.weights).used();
            return with_weight(limited(status, seconds(wait)), used);
        }
    };
    let reply = if let Some(Answer::Status { code, retry }) = fault {
        failure(code, u64::from(retry))
    } else {
        let ask = Ask {
            shared,
            request,
            venue,
            position: shared.position(),
            fault,
        };
        match serve(&ask, name) {
            Some(Ok(body)) => Reply::json(200, body),
            Some(Err(Refusal(code, message))) => Reply::error(400, code, &message),
            None => return nowhere(request),
        }
    };
    let mut reply = with_weight(reply, used);
    if let Some(Answer::Slow(delay)) = fault {
        reply.delay = Some(delay);
    }
    if let Some(Answer::Bad(bad)) = fault {
        reply.bad = Some(bad);
    }
    reply
}

/// Venue and name of the endpoint: `/api/v3/depth`, `/fapi/v1/depth`.
fn endpoint(path: &str) -> Option<(Venue, &str)> {
    let mut parts = path.strip_prefix('/')?.splitn(3, '/');
    let venue = match parts.next()? {
        "api" => Venue::BinanceSpot,
        "fapi" => Venue::BinanceUsdm,
        "dapi" => Venue::BinanceCoinm,
        _ => return None,
    };
    let version = parts.next()?;
    matches!(version, "v1" | "v2" | "v3").then_some(())?;
    Some((venue, parts.next()?))
}

fn serve(ask: &Ask<'_>, name: &str) -> Option<Result<String, Refusal>> {
    if ask.request.method != "GET" {
        return None;
    }
    Some(match name {
        "ping" => Ok("{}".to_owned()),
        "time" => Ok(format!(r#"{{"serverTime":{}}}"#, ask.shared.now().ms())),
        "exchangeInfo" => info::exchange_info(ask),
        "depth" => market::depth(ask),
        "trades" => market::trades(ask, false),
        "historicalTrades" => market::trades(ask, true),
        "aggTrades" => market::agg_trades(ask),
        "klines" | "uiKlines" => market::klines(ask),
        "avgPrice" => tickers::avg_price(ask),
        "ticker/24hr" => tickers::day(ask),
        "ticker/price" => tickers::price(ask),
        "ticker/bookTicker" => tickers::book_ticker(ask),
        _ => return None,
    })
}

fn count(shared: &Shared, path: &str) {
    shared.counts.requests.fetch_add(1, Ordering::Relaxed);
    let mut asked = lock(&shared.counts.asked);
    let known = asked.contains_key(path) || asked.len() < PATHS_MAX;
    let path = if known { path } else { "other" };
    *asked.entry(path.to_owned()).or_default() += 1;
}

fn nowhere(request: &Request) -> Reply {
    let message = format!("Not found: {} {}", request.method, request.path);
    Reply::error(404, -1000, &message)
}

/// The answer of a venue that fails.
fn failure(status: u16, retry: u64) -> Reply {
    if status < 500 {
        return limited(status, retry);
    }
    let message = "Internal error; unable to process your request. Please try again.";
    let reply = Reply::error(status, -1001, message);
    if retry > 0 {
        reply.with("Retry-After", retry)
    } else {
        reply
    }
}

fn limited(status: u16, retry: u64) -> Reply {
    let message = if status == 418 {
        "Way too much request weight used; IP banned. Please use WebSocket Streams for live updates to avoid bans."
    } else {
        "Too much request weight used; current limit is exceeded. Please use WebSocket Streams for live updates to avoid polling the API."
    };
    Reply::error(status, -1003, message).with("Retry-After", retry)
}

fn with_weight(reply: Reply, used: u32) -> Reply {
    reply
        .with("X-MBX-USED-WEIGHT", u64::from(used))
        .with("X-MBX-USED-WEIGHT-1M", u64::from(used))
}

/// Whole seconds, rounded up, so that who waits that long has waited enough.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
