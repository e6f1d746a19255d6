//! Exact integers as the decimal text a venue writes.

use pitlane_domain::instrument::{Instrument, Venue};
use pitlane_domain::units::{Lots, Ticks};

/// How the numbers of one instrument are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    instrument: Instrument,
}

impl Numbers {
    /// The way of that instrument's venue: spot writes eight decimals, futures those of the sizes.
    pub(crate) fn of(instrument: &Instrument) -> Self {
        Self {
            instrument: *instrument,
        }
    }

    fn decimals(&self, own: u8) -> u8 {
        match self.instrument.venue {
            Venue::BinanceSpot => own.max(8),
            _ => own,
        }
    }

    /// A price.
    pub(crate) fn px(&self, px: Ticks) -> String {
        let grid = self.instrument.tick_size;
        let value = i128::from(px.0) * i128::from(grid.mantissa());
        decimal(value, grid.scale(), self.decimals(grid.scale()))
    }

    /// A quantity.
    pub(crate) fn qty(&self, qty: Lots) -> String {
        let grid = self.instrument.lot_size;
        let value = i128::from(qty.0) * i128::from(grid.mantissa());
        decimal(value, grid.scale(), self.decimals(grid.scale()))
    }

    /// A sum of prices times quantities.
    pub(crate) fn quote(&self, ticks_times_lots: i128) -> String {
        let (tick, lot) = (self.instrument.tick_size, self.instrument.lot_size);
        let value = ticks_times_lots * i128::from(tick.mantissa()) * i128::from(lot.mantissa());
        let scale = tick.scale() + lot.scale();
        decimal(value, scale, self.decimals(scale.min(8)))
    }

    /// An average price: a sum of prices times quantities by a sum of quantities; 0 of nothing.
    pub(crate) fn average(&self, ticks_times_lots: i128, lots: i128) -> String {
        let tick = self.instrument.tick_size;
        let spread = 10_i128.pow(u32::from(AVERAGE_DECIMALS));
        let value = (ticks_times_lots * i128::from(tick.mantissa()) * spread)
            .checked_div(lots)
            .unwrap_or(0);
        let scale = tick.scale() + AVERAGE_DECIMALS;
        decimal(value, scale, self.decimals(tick.scale()))
    }
}

const AVERAGE_DECIMALS: u8 = 8;

/// `value / 10^scale` with that many decimals; what lies behind them is cut off.
pub(crate) fn decimal(value: i128, scale: u8, decimals: u8) -> String {
    let power = |by: u8| 10_u128.pow(u32::from(by));
    let sign = if value < 0 { "-" } else { "" };
    let mut value = value.unsigned_abs();
    if scale > decimals {
        value /= power(scale - decimals);
    } else {
        value *= power(decimals - scale);
    }
    let (whole, part) = (value / power(decimals), value % power(decimals));
    if decimals == 0 {
        return format!("{sign}{whole}");
    }
    format!(
        "{sign}{whole}.{part:0width$}",
        width = usize::from(decimals)
    )
}

/// `part` of `whole` in percent with that many decimals, as a venue writes a change; 0 of nothing.
pub(crate) fn percent(part: i64, whole: i64) -> String {
    let value = (i128::from(part) * 100_000)
        .checked_div(i128::from(whole))
        .unwrap_or(0);
    decimal(value, 3, 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pitlane_domain::instrument::Symbol;
    use pitlane_domain::units::Grid;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal(6_183_763, 2, 8), "61837.63000000");
        assert_eq!(decimal(-5, 2, 2), "-0.05");
        assert_eq!(decimal(129, 2, 1), "1.2");
        assert_eq!(decimal(7, 0, 0), "7");
        assert_eq!(percent(-1, 3), "-33.333");
        assert_eq!(percent(1, 0), "0.000");
    }

    #[test]
    fn spot_writes_eight_decimals_and_futures_their_own() {
        let instrument = |venue| Instrument {
            symbol: Symbol::new(b"BTCUSDT").unwrap(),
            venue_symbol: Symbol::new(b"BTCUSDT").unwrap(),
            venue,
            tick_size: Grid::of_step(b"0.05").unwrap(),
            lot_size: Grid::of_step(b"0.001").unwrap(),
        };
        let spot = Numbers::of(&instrument(Venue::BinanceSpot));
        assert_eq!(spot.px(Ticks(3)), "0.15000000");
        assert_eq!(spot.qty(Lots(2)), "0.00200000");
        assert_eq!(spot.quote(6), "0.00030000");
        assert_eq!(spot.average(7, 2), "0.17500000");
        let futures = Numbers::of(&instrument(Venue::BinanceUsdm));
        assert_eq!(futures.px(Ticks(3)), "0.15");
        assert_eq!(futures.qty(Lots(2)), "0.002");
        assert_eq!(futures.average(1, 0), "0.00");
    }
}
