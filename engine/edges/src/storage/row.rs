//! A trade on its way into `aggregated_trades`: what is checked, and the exact values that are bound.

use pitlane_domain::instrument::Symbol;
use pitlane_domain::message::Trade;
use pitlane_domain::units::{Grid, WallNs};

/// A trade with what gives its integers a meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradeRow {
    /// Our symbol of the instrument.
    pub symbol: Symbol,
    /// Step of its prices.
    pub tick_size: Grid,
    /// Step of its quantities.
    pub lot_size: Grid,
    /// The trade.
    pub trade: Trade,
    /// The venue's time of the trade.
    pub trade_time: WallNs,
}

/// Why a trade reaches no table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SkipReason {
    /// An id is above the largest integer of the database.
    IdOutOfRange,
    /// The first trade id is above the last.
    IdsReversed,
    /// The price is not greater than 0.
    PriceNotPositive,
    /// The quantity is not greater than 0.
    QuantityNotPositive,
    /// Price or quantity read back from a double would be another integer.
    NotExact,
    /// The time is before the year 2000.
    TimeTooOld,
    /// The time is more than a day ahead of the sequence.
    TimeAhead,
}

impl SkipReason {
    /// Every reason with its name in the audit log and in reports.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::IdOutOfRange, "id_out_of_range"),
        (Self::IdsReversed, "ids_reversed"),
        (Self::PriceNotPositive, "price_not_positive"),
        (Self::QuantityNotPositive, "quantity_not_positive"),
        (Self::NotExact, "not_exact"),
        (Self::TimeTooOld, "time_too_old"),
        (Self::TimeAhead, "time_ahead"),
    ];

    /// The reason's name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// 2000-01-01 UTC.
const YEAR_2000: WallNs = WallNs(946_684_800_000_000_000);
/// How far a venue's clock may run ahead of the sequence.
const DAY_NS: i64 = 86_400_000_000_000;

/// The values of a row, as they are bound.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Values {
    pub id: i64,
    pub first_id: i64,
    pub last_id: i64,
    pub time_ms: i64,
    pub price: f64,
    pub quantity: f64,
    pub is_buyer_maker: bool,
    pub best_match: bool,
}

impl TradeRow {
    /// The values of the row, or why there is none. `now` is the sequence time.
    pub(super) fn check(&self, now: WallNs) -> Result<Values, SkipReason> {
        let trade = &self.trade;
        let id = |id: u64| i64::try_from(id).map_err(|_| SkipReason::IdOutOfRange);
        let values = Values {
            id: id(trade.id)?,
            first_id: id(trade.first_id)?,
            last_id: id(trade.last_id)?,
            time_ms: self.trade_time.ms(),
            price: self.tick_size.to_f64(trade.px.0),
            quantity: self.lot_size.to_f64(trade.qty.0),
            is_buyer_maker: trade.is_buyer_maker,
            best_match: trade.best_match,
        };
        let checks = [
            (trade.first_id <= trade.last_id, SkipReason::IdsReversed),
            (trade.px.0 > 0, SkipReason::PriceNotPositive),
            (trade.qty.0 > 0, SkipReason::QuantityNotPositive),
            (
                reads_back(self.tick_size, trade.px.0, values.price)
                    && reads_back(self.lot_size, trade.qty.0, values.quantity),
                SkipReason::NotExact,
            ),
            (self.trade_time >= YEAR_2000, SkipReason::TimeTooOld),
            (
                self.trade_time.0 <= now.0.saturating_add(DAY_NS),
                SkipReason::TimeAhead,
            ),
        ];
        match checks.iter().find(|(holds, _)| !holds) {
            Some((_, reason)) => Err(*reason),
            None => Ok(values),
        }
    }

    /// The row as it came, for the audit of one that is skipped.
    pub(super) fn to_json(self) -> String {
        let trade = &self.trade;
        format!(
            "{{\"aggregatedTradeId\":{},\"firstTradeId\":{},\"lastTradeId\":{},\"tradeTime\":{},\"price\":{},\
             \"quantity\":{},\"isBuyerMaker\":{},\"bestMatch\":{}}}",
            trade.id,
            trade.first_id,
            trade.last_id,
            self.trade_time.ms(),
            self.tick_size.show(trade.px.0),
            self.lot_size.show(trade.qty.0),
            u8::from(trade.is_buyer_maker),
            u8::from(trade.best_match),
        )
    }

    /// `SYMBOL:id`, the row's key in the audit log.
    pub(super) fn key(&self) -> String {
        format!("{}:{}", self.symbol, self.trade.id)
    }
}

impl Values {
    pub fn to_json(self) -> String {
        format!(
            "{{\"aggregatedTradeId\":{},\"firstTradeId\":{},\"lastTradeId\":{},\"tradeTime\":{},\"price\":{},\
             \"quantity\":{},\"isBuyerMaker\":{},\"bestMatch\":{}}}",
            self.id,
            self.first_id,
            self.last_id,
            self.time_ms,
            self.price,
            self.quantity,
            u8::from(self.is_buyer_maker),
            u8::from(self.best_match),
        )
    }
}

/// Whether the double, rounded to the step, is the same count of steps again.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast follows the check that the value is an integer below 2^53"
)]
fn reads_back(step: Grid, steps: i64, value: f64) -> bool {
    /// Doubles hold every integer up to here.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let units = (value * 10_f64.powi(i32::from(step.scale()))).round();
    units.abs() < EXACT
        && i128::from(units as i64) == i128::from(steps) * i128::from(step.mantissa())
}

#[cfg(test)]
mod tests;
