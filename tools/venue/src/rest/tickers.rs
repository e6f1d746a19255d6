//! Best prices, last prices and statistics of the rolling day.

use super::ask::{Ask, Asked, Refusal};
use crate::recording::Recording;
use crate::shared::lock;
use crate::text::{Numbers, percent};
use crate::trades::{Sums, between};
use pitlane_domain::decode::{Fact, Levels};
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::units::{Lots, Ticks};
use serde_json::{Value, json};

const DAY: i64 = 86_400_000;
const FIVE_MINUTES: i64 = 300_000;

/// Statistics of the 24 hours up to the last trade.
pub(crate) struct Day {
    pub(crate) sums: Sums,
    /// Price of the last trade before the day, or of the first one in it.
    pub(crate) before: Ticks,
    pub(crate) last_qty: Lots,
    pub(crate) open_ms: i64,
    pub(crate) close_ms: i64,
}

impl Day {
    /// Of what was traded before a position; `None` if nothing was.
    pub(crate) fn of(recording: &Recording, id: InstrumentId, position: usize) -> Option<Self> {
        let rows = recording.trades(id).single(position);
        let last = rows.last()?;
        let open_ms = last.bar_ms - DAY;
        let inside = between(rows, open_ms + 1, last.bar_ms + 1);
        let before = rows.len() - inside.len();
        Some(Self {
            sums: Sums::of(inside)?,
            before: before
                .checked_sub(1)
                .map_or(inside.first()?.px, |at| rows[at].px),
            last_qty: last.qty,
            open_ms,
            close_ms: last.bar_ms,
        })
    }

    pub(crate) fn volume(&self) -> Lots {
        Lots(i64::try_from(self.sums.volume).unwrap_or(i64::MAX))
    }
}

type Best = [Option<(Ticks, Lots)>; 2];

/// The best prices: of the last quote if the capture has quotes, else of the book.
fn best(ask: &Ask<'_>, id: InstrumentId) -> Best {
    let recording = &ask.shared.recording;
    let quotes = recording.quotes(id);
    let seen = quotes.partition_point(|event| (*event as usize) < ask.position);
    if let Some(at) = seen.checked_sub(1)
        && let Some((Fact::Quote(quote), _)) =
            recording.fact(quotes[at] as usize, &mut Levels::default())
    {
        let side = |px, qty| (qty != Lots::ZERO).then_some((px, qty));
        return [
            side(quote.bid_px, quote.bid_qty),
            side(quote.ask_px, quote.ask_qty),
        ];
    }
    let mut books = lock(&ask.shared.books);
    let view = books.view(recording, id, ask.shared.position());
    [view.bids.first().copied(), view.asks.first().copied()]
}

/// One object if one symbol was named, else a list.
fn told<'a>(ask: &Ask<'a>, show: impl Fn(Asked<'a>) -> Option<Value>) -> Result<String, Refusal> {
    let (asked, alone) = ask.instruments()?;
    let mut shown: Vec<Value> = asked.into_iter().filter_map(show).collect();
    Ok(if alone {
        shown.pop().unwrap_or(json!({})).to_string()
    } else {
        Value::Array(shown).to_string()
    })
}

pub(super) fn price(ask: &Ask<'_>) -> Result<String, Refusal> {
    told(ask, |(id, instrument)| {
        let rows = ask.shared.recording.trades(id).single(ask.position);
        let last = rows.last()?;
        let mut row = json!({
            "symbol": instrument.venue_symbol.as_str(),
            "price": Numbers::of(instrument).px(last.px),
        });
        if !ask.is_spot() {
            row["time"] = json!(last.ms);
        }
        Some(row)
    })
}

pub(super) fn book_ticker(ask: &Ask<'_>) -> Result<String, Refusal> {
    told(ask, |(id, instrument)| {
        let numbers = Numbers::of(instrument);
        let [bid, ask_side] = best(ask, id).map(Option::unwrap_or_default);
        let mut row = json!({
            "symbol": instrument.venue_symbol.as_str(),
            "bidPrice": numbers.px(bid.0),
            "bidQty": numbers.qty(bid.1),
            "askPrice": numbers.px(ask_side.0),
            "askQty": numbers.qty(ask_side.1),
        });
        if !ask.is_spot() {
            row["time"] = json!(ask.shared.now().ms());
        }
        Some(row)
    })
}

pub(super) fn day(ask: &Ask<'_>) -> Result<String, Refusal> {
    told(ask, |(id, instrument)| {
        let day = Day::of(&ask.shared.recording, id, ask.position)?;
        let numbers = Numbers::of(instrument);
        let sums = &day.sums;
        let [bid, ask_side] = best(ask, id).map(Option::unwrap_or_default);
        Some(json!({
            "symbol": instrument.venue_symbol.as_str(),
            "priceChange": numbers.px(sums.close - sums.open),
            "priceChangePercent": percent((sums.close - sums.open).0, sums.open.0),
            "weightedAvgPrice": numbers.average(sums.quote, sums.volume),
            "prevClosePrice": numbers.px(day.before),
            "lastPrice": numbers.px(sums.close),
            "lastQty": numbers.qty(day.last_qty),
            "bidPrice": numbers.px(bid.0),
            "bidQty": numbers.qty(bid.1),
            "askPrice": numbers.px(ask_side.0),
            "askQty": numbers.qty(ask_side.1),
            "openPrice": numbers.px(sums.open),
            "highPrice": numbers.px(sums.high),
            "lowPrice": numbers.px(sums.low),
            "volume": numbers.qty(day.volume()),
            "quoteVolume": numbers.quote(sums.quote),
            "openTime": day.open_ms,
            "closeTime": day.close_ms,
            "firstId": sums.first_id,
            "lastId": sums.last_id,
            "count": sums.count,
        }))
    })
}

pub(super) fn avg_price(ask: &Ask<'_>) -> Result<String, Refusal> {
    let (id, instrument) = ask.instrument()?;
    let rows = ask.shared.recording.trades(id).single(ask.position);
    let last = rows.last().map_or(0, |last| last.bar_ms);
    let inside = between(rows, last - FIVE_MINUTES + 1, last + 1);
    let sums = Sums::of(inside).unwrap_or(Sums::flat(Ticks::ZERO));
    let row = json!({
        "mins": 5,
        "price": Numbers::of(instrument).average(sums.quote, sums.volume),
        "closeTime": last,
    });
    Ok(row.to_string())
}
