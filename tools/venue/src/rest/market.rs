//! Books, trades and bars.

use super::ask::{Ask, Refusal};
use crate::books::View;
use crate::derive::side;
use crate::faults::{Answer, Wrong};
use crate::shared::lock;
use crate::text::Numbers;
use crate::trades::{Bar, Row, bars};
use pitlane_domain::units::Lots;

/// How far back an id is set that is to be too old.
const OLD_BY: u64 = 1_000_000_000;

pub(super) fn depth(ask: &Ask<'_>) -> Result<String, Refusal> {
    let (id, instrument) = ask.instrument()?;
    let limit = if ask.is_spot() {
        ask.limit(100, 5000)?
    } else {
        ask.limit(500, 1000)?
    };
    let shared = ask.shared;
    let mut view = {
        let mut books = lock(&shared.books);
        // Asked for under the lock: books go forward only.
        books.view(&shared.recording, id, shared.position())
    };
    if let Some(Answer::Snapshot(how)) = ask.fault {
        spoil(&mut view, how);
    }
    let numbers = Numbers::of(instrument);
    let (bids, asks) = (
        side(&numbers, &view.bids, limit),
        side(&numbers, &view.asks, limit),
    );
    let last_id = view.last_id;
    if ask.is_spot() {
        return Ok(format!(
            r#"{{"lastUpdateId":{last_id},"bids":{bids},"asks":{asks}}}"#
        ));
    }
    let ms = shared.now().ms();
    Ok(format!(
        r#"{{"lastUpdateId":{last_id},"E":{ms},"T":{ms},"bids":{bids},"asks":{asks}}}"#
    ))
}

fn spoil(view: &mut View, how: Wrong) {
    match how {
        Wrong::Crossed => {
            if let Some(best) = view.asks.first().copied() {
                view.bids.insert(0, best);
            }
        }
        Wrong::Old => view.last_id = view.last_id.saturating_sub(OLD_BY),
        Wrong::Quantity => {
            for (_, qty) in view
                .bids
                .iter_mut()
                .take(5)
                .chain(view.asks.iter_mut().take(5))
            {
                *qty = Lots(qty.0.saturating_mul(10));
            }
        }
    }
}

/// Rows from an id on, within a time, or else the last ones.
fn chosen<'a>(ask: &Ask<'_>, rows: &'a [Row], limit: usize) -> Result<&'a [Row], Refusal> {
    let from = ask.number("fromId")?;
    let (start, end) = (ask.time("startTime")?, ask.time("endTime")?);
    if let Some(from) = from {
        if start.is_some() || end.is_some() {
            let message = "Combination of optional parameters invalid.";
            return Err(Refusal(-1128, message.to_owned()));
        }
        let rows = &rows[rows.partition_point(|row| row.id < from)..];
        return Ok(&rows[..rows.len().min(limit)]);
    }
    let last = |rows: &'a [Row]| &rows[rows.len().saturating_sub(limit)..];
    let end_at = end.map_or(rows.len(), |end| {
        rows.partition_point(|row| row.bar_ms <= end)
    });
    let rows = &rows[..end_at];
    match start {
        Some(start) => {
            let rows = &rows[rows.partition_point(|row| row.bar_ms < start)..];
            Ok(&rows[..rows.len().min(limit)])
        }
        None => Ok(last(rows)),
    }
}

pub(super) fn agg_trades(ask: &Ask<'_>) -> Result<String, Refusal> {
    let (id, instrument) = ask.instrument()?;
    let limit = ask.limit(500, 1000)?;
    let rows = ask.shared.recording.trades(id).aggregated(ask.position);
    let numbers = Numbers::of(instrument);
    let show = |row: &Row| {
        let best_match = if ask.is_spot() {
            format!(r#","M":{}"#, row.best_match)
        } else {
            String::new()
        };
        format!(
            r#"{{"a":{},"p":"{}","q":"{}","f":{},"l":{},"T":{},"m":{}{best_match}}}"#,
            row.id,
            numbers.px(row.px),
            numbers.qty(row.qty),
            row.first_id,
            row.last_id,
            row.ms,
            row.is_buyer_maker
        )
    };
    Ok(list(chosen(ask, rows, limit)?.iter().map(show)))
}

pub(super) fn trades(ask: &Ask<'_>, by_id: bool) -> Result<String, Refusal> {
    let (id, instrument) = ask.instrument()?;
    let limit = ask.limit(500, 1000)?;
    let rows = ask.shared.recording.trades(id).single(ask.position);
    let numbers = Numbers::of(instrument);
    let show = |row: &Row| {
        let best_match = if ask.is_spot() {
            format!(r#","isBestMatch":{}"#, row.best_match)
        } else {
            String::new()
        };
        format!(
            r#"{{"id":{},"price":"{}","qty":"{}","quoteQty":"{}","time":{},"isBuyerMaker":{}{best_match}}}"#,
            row.id,
            numbers.px(row.px),
            numbers.qty(row.qty),
            numbers.quote((row.px * row.qty).0),
            row.ms,
            row.is_buyer_maker
        )
    };
    let rows = if by_id {
        chosen(ask, rows, limit)?
    } else {
        &rows[rows.len().saturating_sub(limit)..]
    };
    Ok(list(rows.iter().map(show)))
}

pub(super) fn klines(ask: &Ask<'_>) -> Result<String, Refusal> {
    let (id, instrument) = ask.instrument()?;
    let interval = ask.interval()?;
    let limit = if ask.is_spot() {
        ask.limit(500, 1000)?
    } else {
        ask.limit(500, 1500)?
    };
    let range = (ask.time("startTime")?, ask.time("endTime")?);
    let rows = ask.shared.recording.trades(id).single(ask.position);
    let numbers = Numbers::of(instrument);
    let lots = |sum: i128| numbers.qty(Lots(i64::try_from(sum).unwrap_or(i64::MAX)));
    let show = |bar: &Bar| {
        let sums = &bar.sums;
        format!(
            r#"[{},"{}","{}","{}","{}","{}",{},"{}",{},"{}","{}","0"]"#,
            bar.open_ms,
            numbers.px(sums.open),
            numbers.px(sums.high),
            numbers.px(sums.low),
            numbers.px(sums.close),
            lots(sums.volume),
            bar.close_ms,
            numbers.quote(sums.quote),
            sums.count,
            lots(sums.taker_volume),
            numbers.quote(sums.taker_quote)
        )
    };
    Ok(list(bars(rows, interval, range, limit).iter().map(show)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    format!("[{}]", items.join(","))
}
