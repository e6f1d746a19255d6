//! The FX gateway: ticks of a capture to whoever asked for a pair's package, under `/fx`.
//!
//! A client is told `status` and `ready` when it comes. `get_symbol_data_package` subscribes to the pair's ticks and is
//! answered with a package that is made of the ticks played so far; before the first, of the first. Prices of packages
//! are bids. The day begins at 17:00 in New York, and the average range is that of the last whole days in the capture,
//! [`ADR_DAYS`](pitlane_domain::market::ADR_DAYS) at most, whatever the client asks for. Ticks are sent as recorded, also those a client must refuse.

use crate::commands::Session;
use crate::shared::Shared;
use pitlane_domain::decode::{Fact, Levels};
use pitlane_domain::instrument::{Instrument, InstrumentId, Venue};
use pitlane_domain::market::{FxDays, trading_day};
use pitlane_domain::message::FxTick;
use pitlane_domain::units::{Grid, Ticks, WallNs};
use serde::Deserialize;
use serde_json::json;

const MINUTE_NS: i64 = 60_000_000_000;

/// What a client hears when it comes.
pub(crate) fn greeting(shared: &Shared) -> Vec<String> {
    let status = json!({"type": "status", "status": "connected", "message": "playing a capture"});
    let symbols: Vec<_> = pairs(shared)
        .map(|(_, pair)| pair.venue_symbol.to_string())
        .collect();
    let ready = json!({"type": "ready", "availableSymbols": symbols});
    vec![status.to_string(), ready.to_string()]
}

fn pairs(shared: &Shared) -> impl Iterator<Item = (InstrumentId, &Instrument)> {
    let table = shared.recording.table();
    table.iter().filter(|(_, row)| row.venue == Venue::Fx)
}

#[derive(Deserialize)]
struct Command {
    r#type: String,
    symbol: Option<String>,
    #[serde(default)]
    symbols: Vec<String>,
}

/// Does what a client says; answers what it is told, if anything.
pub(crate) fn answer(shared: &Shared, session: &mut Session, text: &str) -> Option<String> {
    let command: Command = match serde_json::from_str(text) {
        Ok(command) => command,
        Err(error) => return Some(refusal(&format!("no command: {error}"), None)),
    };
    match command.r#type.as_str() {
        "get_symbol_data_package" => {
            let Some(symbol) = command.symbol else {
                return Some(refusal("get_symbol_data_package names no symbol", None));
            };
            let found = shared.recording.table().find(Venue::Fx, symbol.as_bytes());
            let Some(id) = found else {
                return Some(refusal("no such symbol", Some(&symbol)));
            };
            // Subscribed first: a tick may be in the package and come as well, but none is missed.
            session.subscribe(shared, &[stream(&symbol)]);
            let package = package(shared, id);
            let none = || refusal("no tick of it in the capture", Some(&symbol));
            Some(package.unwrap_or_else(none))
        }
        "unsubscribe" => {
            let streams: Vec<_> = command.symbols.iter().map(|name| stream(name)).collect();
            session.unsubscribe(shared, &streams);
            None
        }
        other => Some(refusal(&format!("no command called {other}"), None)),
    }
}

fn stream(symbol: &str) -> String {
    format!("{}@tick", symbol.to_ascii_lowercase())
}

fn refusal(message: &str, symbol: Option<&str>) -> String {
    let mut error = json!({"type": "error", "message": message});
    if let Some(symbol) = symbol {
        error["symbol"] = json!(symbol);
    }
    error.to_string()
}

/// A minute of bids.
struct Bar {
    start: i64,
    open: Ticks,
    high: Ticks,
    low: Ticks,
    close: Ticks,
    ticks: u64,
}

/// The package of a pair by the ticks played so far; `None` if the capture has none.
fn package(shared: &Shared, id: InstrumentId) -> Option<String> {
    let recording = &shared.recording;
    // A recorded session with a gateway holds its packages too.
    let symbol = recording.table().get(id)?.venue_symbol;
    let base = recording.stream_named(Venue::Fx, &stream(symbol.as_str()))?;
    let played = shared.position();
    let mut days = FxDays::default();
    let mut bars: Vec<Bar> = Vec::new();
    let mut day = WallNs(i64::MIN);
    let mut last = None;
    let ticks = (0..recording.len()).filter(|event| recording.stream_at(*event) == base);
    let mut levels = Levels::default();
    for event in ticks {
        if event >= played && last.is_some() {
            break;
        }
        let Some((Fact::FxTick(tick), Some(ts))) = recording.fact(event, &mut levels) else {
            continue;
        };
        let start = trading_day(ts);
        if start > day {
            day = start;
            bars.clear();
        }
        days.tick(Ticks(2 * tick.bid.0), ts);
        add(&mut bars, &tick, ts);
        last = Some(tick);
    }
    let pair = recording.table().get(id)?;
    let (grid, today, last) = (pair.tick_size, days.today()?, last?);
    // Written as decimals, never by way of a double.
    let half = |px: Ticks| grid.show(px.0 / 2);
    let mut text = format!(
        r#"{{"type":"symbolDataPackage","symbol":"{}","digits":{},"bid":{},"todaysOpen":{},"todaysHigh":{},"todaysLow":{}"#,
        pair.venue_symbol,
        grid.scale(),
        grid.show(last.bid.0),
        half(today.open),
        half(today.high),
        half(today.low),
    );
    if let (Some((adr, _)), Some((low, high))) = (days.adr(), days.projected()) {
        let (adr, low, high) = (half(adr), half(low), half(high));
        let range = format!(r#","adr":{adr},"projectedAdrHigh":{high},"projectedAdrLow":{low}"#);
        text.push_str(&range);
    }
    let profile: Vec<_> = bars.iter().map(|bar| bar.text(grid)).collect();
    let profile = profile.join(",");
    Some(format!(r#"{text},"initialMarketProfile":[{profile}]}}"#))
}

impl Bar {
    fn text(&self, grid: Grid) -> String {
        let [open, high, low, close] =
            [self.open, self.high, self.low, self.close].map(|px| grid.show(px.0));
        let (ms, ticks) = (self.start / 1_000_000, self.ticks);
        format!(
            r#"{{"open":{open},"high":{high},"low":{low},"close":{close},"timestamp":{ms},"volume":{ticks}}}"#
        )
    }
}

fn add(bars: &mut Vec<Bar>, tick: &FxTick, ts: WallNs) {
    let (bid, start) = (tick.bid, ts.0.div_euclid(MINUTE_NS) * MINUTE_NS);
    match bars.last_mut() {
        Some(bar) if bar.start >= start => {
            bar.high = bar.high.max(bid);
            bar.low = bar.low.min(bid);
            bar.close = bid;
            bar.ticks += 1;
        }
        _ => bars.push(Bar {
            start,
            open: bid,
            high: bid,
            low: bid,
            close: bid,
            ticks: 1,
        }),
    }
}
