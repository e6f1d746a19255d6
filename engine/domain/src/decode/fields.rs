//! The values a cursor found, read as what they mean: text, numbers, prices and quantities, times.

use super::json::{Shape, Value};
use super::{Fault, Reason, decimal};
use crate::instrument::Instrument;
use crate::units::{DecimalError, Grid, Lots, Ticks, WallNs};

/// Ticks and lots of one instrument.
#[derive(Clone, Copy, Debug)]
pub struct Grids {
    /// The tick size.
    pub tick: Grid,
    /// The lot size.
    pub lot: Grid,
}

impl Grids {
    /// Those of an instrument.
    pub fn of(instrument: &Instrument) -> Self {
        Self {
            tick: instrument.tick_size,
            lot: instrument.lot_size,
        }
    }
}

/// 2200-01-01: a venue time behind it is no time.
const TIME_MAX_NS: i64 = 7_258_118_400_000_000_000;

/// Why a price is none.
pub fn price_reason(error: DecimalError) -> Reason {
    match error {
        DecimalError::NotANumber => Reason::WrongType,
        DecimalError::OffStep => Reason::OffTick,
        DecimalError::OutOfRange => Reason::OutOfRange,
    }
}

/// Why a quantity is none.
pub fn quantity_reason(error: DecimalError) -> Reason {
    match error {
        DecimalError::OffStep => Reason::OffLot,
        other => price_reason(other),
    }
}

/// A venue's time in whatever unit its size shows: from 10^17 on ns, from 10^14 on us, otherwise ms.
/// `None` unless it lies between 1970 and 2200.
pub fn venue_time(count: u64) -> Option<WallNs> {
    const US_FROM: u64 = 100_000_000_000_000;
    const NS_FROM: u64 = 100_000_000_000_000_000;
    let factor = match count {
        NS_FROM.. => 1,
        US_FROM.. => 1_000,
        _ => 1_000_000,
    };
    let ns = i64::try_from(count).ok()?.checked_mul(factor)?;
    (1..TIME_MAX_NS).contains(&ns).then_some(WallNs(ns))
}

/// One frame, whose values are read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Why the value is not of the shape that was looked for.
    #[cold]
    fn refuse<T>(self, value: Value) -> Result<T, Fault> {
        Err(if value.shape() == Shape::Absent {
            Fault::new(Reason::MissingField, self.0.len())
        } else {
            Fault::new(Reason::WrongType, value.start())
        })
    }

    /// A text, as it stands between the quotes.
    #[inline]
    pub fn text(self, value: Value) -> Result<&'a [u8], Fault> {
        if value.shape() == Shape::Text {
            Ok(value.of(self.0))
        } else {
            self.refuse(value)
        }
    }

    /// An array.
    #[inline]
    pub fn array(self, value: Value) -> Result<Value, Fault> {
        if value.shape() == Shape::Array {
            Ok(value)
        } else {
            self.refuse(value)
        }
    }

    /// An object.
    #[inline]
    pub fn object(self, value: Value) -> Result<Value, Fault> {
        if value.shape() == Shape::Object {
            Ok(value)
        } else {
            self.refuse(value)
        }
    }

    /// A whole number from 0 on.
    #[inline]
    pub fn unsigned(self, value: Value) -> Result<u64, Fault> {
        match value.shape() {
            Shape::Digits => {}
            Shape::Number if value.of(self.0)[1..].iter().all(u8::is_ascii_digit) => {
                return value.fault(Reason::OutOfRange);
            }
            _ => return self.refuse(value),
        }
        match decimal::unsigned(self.0, value.start(), value.end()) {
            Some(number) => Ok(number),
            None => value.fault(Reason::OutOfRange),
        }
    }

    /// A whole number.
    pub fn signed(self, value: Value) -> Result<i64, Fault> {
        if !matches!(value.shape(), Shape::Digits | Shape::Number) {
            return self.refuse(value);
        }
        Grid::UNIT
            .parse(value.of(self.0))
            .or_else(|error| value.fault(quantity_reason(error)))
    }

    /// `true` or `false`.
    #[inline]
    pub fn boolean(self, value: Value) -> Result<bool, Fault> {
        match value.shape() {
            Shape::True => Ok(true),
            Shape::False => Ok(false),
            _ => self.refuse(value),
        }
    }

    /// A time of the venue.
    #[inline]
    pub fn time(self, value: Value) -> Result<WallNs, Fault> {
        match venue_time(self.unsigned(value)?) {
            Some(time) => Ok(time),
            None => value.fault(Reason::OutOfRange),
        }
    }

    /// A time of the venue, if it gives one.
    #[inline]
    pub fn time_if_given(self, value: Value) -> Result<Option<WallNs>, Fault> {
        if value.is_given() {
            self.time(value).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A price in decimal text, of either sign.
    #[inline]
    pub fn price(self, value: Value, grids: Grids) -> Result<Ticks, Fault> {
        match self.decimal(value, grids.tick)? {
            Ok(steps) => Ok(Ticks(steps)),
            Err(error) => value.fault(price_reason(error)),
        }
    }

    /// A quantity in decimal text, of either sign.
    #[inline]
    pub fn quantity(self, value: Value, grids: Grids) -> Result<Lots, Fault> {
        match self.decimal(value, grids.lot)? {
            Ok(steps) => Ok(Lots(steps)),
            Err(error) => value.fault(quantity_reason(error)),
        }
    }

    /// A price that is not negative.
    #[inline]
    pub fn price_from_zero(self, value: Value, grids: Grids) -> Result<Ticks, Fault> {
        let px = self.price(value, grids)?;
        if px < Ticks::ZERO {
            return value.fault(Reason::NotPositive);
        }
        Ok(px)
    }

    /// A quantity that is not negative.
    #[inline]
    pub fn quantity_from_zero(self, value: Value, grids: Grids) -> Result<Lots, Fault> {
        let qty = self.quantity(value, grids)?;
        if qty < Lots::ZERO {
            return value.fault(Reason::NotPositive);
        }
        Ok(qty)
    }

    /// A price greater than 0.
    #[inline]
    pub fn price_positive(self, value: Value, grids: Grids) -> Result<Ticks, Fault> {
        let px = self.price(value, grids)?;
        if px <= Ticks::ZERO {
            return value.fault(Reason::NotPositive);
        }
        Ok(px)
    }

    /// A quantity greater than 0.
    #[inline]
    pub fn quantity_positive(self, value: Value, grids: Grids) -> Result<Lots, Fault> {
        let qty = self.quantity(value, grids)?;
        if qty <= Lots::ZERO {
            return value.fault(Reason::NotPositive);
        }
        Ok(qty)
    }

    /// A price that is not negative, rounded down to a tick.
    pub fn price_floor(self, value: Value, grids: Grids) -> Result<Ticks, Fault> {
        match decimal::steps_floor(self.text(value)?, grids.tick) {
            Ok(steps @ 0..) => Ok(Ticks(steps)),
            Ok(_) => value.fault(Reason::NotPositive),
            Err(error) => value.fault(price_reason(error)),
        }
    }

    #[inline]
    fn decimal(self, value: Value, grid: Grid) -> Result<Result<i64, DecimalError>, Fault> {
        if value.shape() != Shape::Text {
            return self.refuse(value);
        }
        let (start, end) = (value.start(), value.end());
        Ok(decimal::steps(self.0, start, end, grid))
    }

    /// A decimal text in units of 10^-8, rounded down; for what lies on no tick.
    pub fn e8(self, value: Value) -> Result<i64, Fault> {
        let grid = Grid::new(1, 8).unwrap_or(Grid::UNIT);
        decimal::steps_floor(self.text(value)?, grid)
            .or_else(|error| value.fault(price_reason(error)))
    }
}
