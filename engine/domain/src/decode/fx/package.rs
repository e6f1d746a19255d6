//! `symbolDataPackage`: what the gateway knows of a symbol when it is asked for.
//!
//! The prices of the day are on the symbol's grid, or the package is refused. Averages and bars are not prices anyone
//! could trade at, so they are rounded down to a tick. A projection that is missing is the open and half the range.

use super::{digits, find, price, time};
use crate::decode::fields::{Grids, Reader, price_reason, quantity_reason};
use crate::decode::json::{Cursor, Value};
use crate::decode::object::{frame_members, members};
use crate::decode::{Decoded, Fact, Fault, Levels, Reason, decimal};
use crate::instrument::{InstrumentId, InstrumentTable};
use crate::message::{FxDay, FxRange, VenueBarPrices, VenueBarVolume};
use crate::units::{Grid, Lots, Ticks, WallNs};

/// Most minute bars in a package: a day of 25 hours.
pub const BARS_MAX: usize = 1500;

const MINUTE_S: u32 = 60;

const KEYS: [&[u8]; 11] = [
    b"symbol",
    b"digits",
    b"bid",
    b"initialPrice",
    b"todaysOpen",
    b"todaysHigh",
    b"todaysLow",
    b"adr",
    b"projectedAdrHigh",
    b"projectedAdrLow",
    b"initialMarketProfile",
];

/// Reads the package; its bars are left in `levels`.
pub(super) fn read(
    reader: Reader<'_>,
    table: &InstrumentTable,
    levels: &mut Levels,
    known: &mut Option<InstrumentId>,
) -> Result<Decoded, Fault> {
    let found = frame_members(reader.0, &KEYS)?.unwrap_or_default();
    let [
        symbol,
        decimals,
        bid,
        initial,
        open,
        high,
        low,
        adr,
        top,
        bottom,
        profile,
    ] = found;
    let (instrument, grids) = find(reader, symbol, table)?;
    *known = Some(instrument);
    let day = FxDay {
        open: price(reader, open, grids)?,
        high: price(reader, high, grids)?,
        low: price(reader, low, grids)?,
        price: price(reader, if bid.is_given() { bid } else { initial }, grids)?,
        digits: decimals_of(reader, decimals, grids)?,
    };
    if day.low > day.open || day.open > day.high {
        return open.fault(Reason::OutOfRange);
    }
    let range = range(reader, day.open, [adr, top, bottom], grids)?;
    levels.bars.clear();
    if profile.is_given() {
        let start = reader.array(profile)?.start();
        read_bars(&mut Cursor::at(reader.0, start), grids, &mut levels.bars)?;
    }
    Ok(Decoded::Fact {
        instrument,
        // The package says how things stand when it is asked for; the time of its last bar is not that time.
        ts_event: None,
        fact: Fact::FxPackage(day, range),
    })
}

/// Decimals of the symbol, whose tick size is the step of the instrument's grid or a multiple of it.
fn decimals_of(reader: Reader<'_>, value: Value, grids: Grids) -> Result<u32, Fault> {
    let decimals = reader.unsigned(value)?;
    let scale = u8::try_from(decimals)
        .ok()
        .filter(|d| *d <= Grid::SCALE_MAX);
    let Some(scale) = scale else {
        return value.fault(Reason::OutOfRange);
    };
    let grid = grids.tick;
    let fits = grid.scale().checked_sub(scale).is_some_and(|finer| {
        let steps = 10_i64.pow(u32::from(finer));
        steps % grid.mantissa() == 0
    });
    if !fits {
        return value.fault(Reason::OffTick);
    }
    Ok(u32::from(scale))
}

fn range(
    reader: Reader<'_>,
    open: Ticks,
    [adr, top, bottom]: [Value; 3],
    grids: Grids,
) -> Result<FxRange, Fault> {
    let given = |value: Value| {
        let given = value.is_given();
        given.then(|| rounded(reader, value, grids)).transpose()
    };
    let average = given(adr)?;
    let half = average.map(|range| range.0 / 2);
    let (high, low) = (given(top)?, given(bottom)?);
    let computed = half.is_some() && (high.is_none() || low.is_none());
    let high = high.or(half.map(|half| Ticks(open.0.saturating_add(half))));
    let low = low.or(half.map(|half| Ticks((open.0 - half).max(0))));
    Ok(FxRange {
        adr: average.unwrap_or(Ticks::ZERO),
        projected_high: high.unwrap_or(Ticks::ZERO),
        projected_low: low.unwrap_or(Ticks::ZERO),
        computed,
    })
}

/// A price or a distance that need not be one anyone trades at.
fn rounded(reader: Reader<'_>, value: Value, grids: Grids) -> Result<Ticks, Fault> {
    match decimal::steps_floor(digits(reader, value)?, grids.tick) {
        Ok(steps @ 0..) => Ok(Ticks(steps)),
        Ok(_) => value.fault(Reason::NotPositive),
        Err(error) => value.fault(price_reason(error)),
    }
}

/// Reads `[{"open":..,"high":..,"low":..,"close":..,"timestamp":..,"volume":..},..]`, oldest first. All are final but the
/// last, which may be under way.
fn read_bars(
    cursor: &mut Cursor<'_>,
    grids: Grids,
    bars: &mut Vec<(VenueBarPrices, VenueBarVolume)>,
) -> Result<(), Fault> {
    let reader = Reader(cursor.text());
    cursor.array(|cursor| {
        if cursor.peek() != Some(b'{') {
            return cursor.value()?.fault(Reason::WrongType);
        }
        if bars.len() == BARS_MAX {
            return Err(Fault::new(Reason::TooManyLevels, cursor.position()));
        }
        let keys: [&[u8]; 6] = [b"open", b"high", b"low", b"close", b"timestamp", b"volume"];
        let [open, high, low, close, at, volume] = members(cursor, &keys)?;
        let prices = VenueBarPrices {
            interval_s: MINUTE_S,
            open: rounded(reader, open, grids)?,
            high: rounded(reader, high, grids)?,
            low: rounded(reader, low, grids)?,
            close: rounded(reader, close, grids)?,
        };
        let inside = |px: Ticks| prices.low <= px && px <= prices.high;
        if !inside(prices.open) || !inside(prices.close) {
            return high.fault(Reason::OutOfRange);
        }
        if prices.low == Ticks::ZERO {
            return low.fault(Reason::NotPositive);
        }
        let open_ts = time(reader, at)?;
        if let Some((_, before)) = bars.last_mut() {
            if before.open_ts >= open_ts {
                return at.fault(Reason::OutOfRange);
            }
            before.closed = true;
        }
        bars.push((prices, bar_volume(reader, volume, open_ts, grids)?));
        Ok(())
    })
}

fn bar_volume(
    reader: Reader<'_>,
    volume: Value,
    open_ts: WallNs,
    grids: Grids,
) -> Result<VenueBarVolume, Fault> {
    let lots = if volume.is_given() {
        match decimal::steps_floor(digits(reader, volume)?, grids.lot) {
            Ok(steps @ 0..) => Lots(steps),
            Ok(_) => return volume.fault(Reason::NotPositive),
            Err(error) => return volume.fault(quantity_reason(error)),
        }
    } else {
        Lots::ZERO
    };
    Ok(VenueBarVolume {
        interval_s: MINUTE_S,
        open_ts,
        volume: lots,
        taker_buy_volume: Lots::ZERO,
        trades: 0,
        closed: false,
        history: true,
    })
}

#[cfg(test)]
mod tests;
