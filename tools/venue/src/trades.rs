//! The trades of one instrument by id, and the bars and sums made of them.

use crate::interval::Interval;
use pitlane_domain::decode::TradeStream;
use pitlane_domain::message::Trade;
use pitlane_domain::units::{Lots, Ticks, WallNs};

/// One trade, aggregated or single.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    /// The frame with which it became known.
    pub(crate) at: u32,
    pub(crate) id: u64,
    pub(crate) first_id: u64,
    pub(crate) last_id: u64,
    pub(crate) px: Ticks,
    pub(crate) qty: Lots,
    /// Its time, ms since 1970.
    pub(crate) ms: i64,
    /// The same, raised so that it never decreases: what bars go by.
    pub(crate) bar_ms: i64,
    pub(crate) is_buyer_maker: bool,
    pub(crate) best_match: bool,
}

/// All trades of one instrument in the order of their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trades {
    aggregated: Vec<Row>,
    single: Vec<Row>,
}

impl Trades {
    pub(crate) fn push(&mut self, stream: TradeStream, at: u32, ts: WallNs, trade: &Trade) {
        let rows = match stream {
            TradeStream::Aggregate => &mut self.aggregated,
            TradeStream::Single => &mut self.single,
        };
        rows.push(Row {
            at,
            id: trade.id,
            first_id: trade.first_id,
            last_id: trade.last_id,
            px: trade.px,
            qty: trade.qty,
            ms: ts.ms(),
            bar_ms: ts.ms(),
            is_buyer_maker: trade.is_buyer_maker,
            best_match: trade.best_match,
        });
    }

    /// Puts them in the order of their ids, each once, and known no later than any trade behind it.
    pub(crate) fn finish(&mut self) {
        for rows in [&mut self.aggregated, &mut self.single] {
            rows.sort_by_key(|row| (row.id, row.at));
            rows.dedup_by_key(|row| row.id);
            let mut known = u32::MAX;
            for row in rows.iter_mut().rev() {
                known = known.min(row.at);
                row.at = known;
            }
            let mut raised = i64::MIN;
            for row in rows.iter_mut() {
                raised = raised.max(row.ms);
                row.bar_ms = raised;
            }
        }
    }

    /// What `aggTrades` lists: aggregated trades; where none were recorded, each single trade as one.
    pub(crate) fn aggregated(&self, position: usize) -> &[Row] {
        let rows = if self.aggregated.is_empty() {
            &self.single
        } else {
            &self.aggregated
        };
        visible(rows, position)
    }

    /// What `trades` lists: single trades; where none were recorded, each aggregated trade as one.
    pub(crate) fn single(&self, position: usize) -> &[Row] {
        let rows = if self.single.is_empty() {
            &self.aggregated
        } else {
            &self.single
        };
        visible(rows, position)
    }
}

fn visible(rows: &[Row], position: usize) -> &[Row] {
    &rows[..rows.partition_point(|row| (row.at as usize) < position)]
}

/// The rows whose bar time lies in `[from, to)`, ms.
pub(crate) fn between(rows: &[Row], from: i64, to: i64) -> &[Row] {
    let start = rows.partition_point(|row| row.bar_ms < from);
    let end = rows.partition_point(|row| row.bar_ms < to);
    &rows[start..end.max(start)]
}

/// Sums over some trades.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sums {
    pub(crate) open: Ticks,
    pub(crate) high: Ticks,
    pub(crate) low: Ticks,
    pub(crate) close: Ticks,
    pub(crate) volume: i128,
    /// Price times quantity.
    pub(crate) quote: i128,
    pub(crate) taker_volume: i128,
    pub(crate) taker_quote: i128,
    /// Single trades, by the ids inside.
    pub(crate) count: u64,
    pub(crate) first_id: i64,
    pub(crate) last_id: i64,
}

impl Sums {
    /// Over no trade, at the price of the last one before.
    pub(crate) fn flat(px: Ticks) -> Self {
        Self {
            open: px,
            high: px,
            low: px,
            close: px,
            volume: 0,
            quote: 0,
            taker_volume: 0,
            taker_quote: 0,
            count: 0,
            first_id: -1,
            last_id: -1,
        }
    }

    /// Over the rows; `None` of none.
    pub(crate) fn of(rows: &[Row]) -> Option<Self> {
        let (first, last) = (rows.first()?, rows.last()?);
        let mut sums = Self::flat(first.px);
        for row in rows {
            sums.high = sums.high.max(row.px);
            sums.low = sums.low.min(row.px);
            let quote = (row.px * row.qty).0;
            sums.volume += i128::from(row.qty.0);
            sums.quote += quote;
            if !row.is_buyer_maker {
                sums.taker_volume += i128::from(row.qty.0);
                sums.taker_quote += quote;
            }
            sums.count += row.last_id - row.first_id + 1;
        }
        sums.close = last.px;
        sums.first_id = first.first_id.cast_signed();
        sums.last_id = last.last_id.cast_signed();
        Some(sums)
    }
}

/// One bar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bar {
    /// Its begin, ms since 1970.
    pub(crate) open_ms: i64,
    /// Its last ms.
    pub(crate) close_ms: i64,
    pub(crate) sums: Sums,
}

/// The bar that begins at `open_ms`, of what was traded until now; before the first trade there is none.
pub(crate) fn bar(rows: &[Row], interval: Interval, open_ms: i64) -> Option<Bar> {
    let next = interval.next(open_ms);
    let inside = between(rows, open_ms, next);
    let sums = Sums::of(inside).or_else(|| {
        let before = rows.partition_point(|row| row.bar_ms < open_ms);
        before.checked_sub(1).map(|last| Sums::flat(rows[last].px))
    })?;
    Some(Bar {
        open_ms,
        close_ms: next - 1,
        sums,
    })
}

/// Bars in the order of time, at most `limit`: from `start` on if it is given, otherwise the last ones up to `end`.
pub(crate) fn bars(
    rows: &[Row],
    interval: Interval,
    (start, end): (Option<i64>, Option<i64>),
    limit: usize,
) -> Vec<Bar> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Vec::new();
    };
    let end = end.unwrap_or(last.bar_ms).min(last.bar_ms);
    let first_open = interval.open_of(first.bar_ms);
    let mut open = if let Some(start) = start {
        // A bar counts if it begins at or behind the start.
        let open = interval.open_of(start.max(first_open));
        if open < start {
            interval.next(open)
        } else {
            open
        }
    } else {
        let mut open = interval.open_of(end);
        for _ in 1..limit {
            if open <= first_open {
                break;
            }
            open = interval.open_of(open - 1);
        }
        open.max(first_open)
    };
    let mut found = Vec::new();
    while open <= end && found.len() < limit {
        found.extend(bar(rows, interval, open));
        open = interval.next(open);
    }
    found
}

#[cfg(test)]
mod tests;
