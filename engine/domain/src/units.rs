//! Integers with a unit: prices in ticks, quantities in lots, times in nanoseconds.
//!
//! Decimal text becomes an integer once, on a [`Grid`], and a decimal again once, where it leaves.
//! Nothing here goes through floating point on the way in.

use bytemuck::{Pod, Zeroable};
use std::fmt;

macro_rules! integer_unit {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The zero of this unit.
            pub const ZERO: Self = Self(0);
        }

        impl std::ops::Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl std::ops::Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
    };
}

integer_unit! {
    /// A price, or a distance between prices, counted in the instrument's tick size.
    Ticks
}
integer_unit! {
    /// A quantity counted in the instrument's lot size.
    Lots
}
integer_unit! {
    /// Nanoseconds since 1970-01-01 UTC, by the clock of whoever stamped it.
    WallNs
}

impl WallNs {
    /// From milliseconds since 1970, saturating far outside any calendar.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// Whole milliseconds since 1970, rounded down.
    pub fn ms(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole UTC days since 1970-01-01, rounded down.
    pub fn day(self) -> i64 {
        self.0.div_euclid(86_400_000_000_000)
    }
}

/// Price times quantity, in tick sizes times lot sizes of one instrument.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Notional(pub i128);

impl std::ops::Mul<Lots> for Ticks {
    type Output = Notional;
    fn mul(self, qty: Lots) -> Notional {
        Notional(i128::from(self.0) * i128::from(qty.0))
    }
}

impl std::ops::AddAssign for Notional {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

/// Why decimal text is not a number on a grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// Not `[-]digits[.digits]`.
    NotANumber,
    /// A number, but not a whole count of steps.
    OffStep,
    /// Does not fit 64 bits at this step.
    OutOfRange,
}

/// A step size: the decimal `mantissa / 10^scale`, without trailing zeros. A tick size or a lot size.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Grid {
    mantissa: i64,
    scale: u8,
}

impl Grid {
    /// The grid of step 1.
    pub const UNIT: Self = Self {
        mantissa: 1,
        scale: 0,
    };
    /// More decimals than any venue uses; `10^18` still fits an `i64`.
    pub const SCALE_MAX: u8 = 18;

    /// The step `mantissa / 10^scale`; `None` unless it is positive and `scale <= 18`.
    pub fn new(mut mantissa: i64, mut scale: u8) -> Option<Self> {
        if mantissa <= 0 || scale > Self::SCALE_MAX {
            return None;
        }
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Some(Self { mantissa, scale })
    }

    /// The step written as decimal text, such as `"0.01000000"`.
    pub fn of_step(text: &[u8]) -> Result<Self, DecimalError> {
        let used = text.iter().rposition(|&b| b != b'0').map_or(0, |at| at + 1);
        let digits = match text.iter().position(|&b| b == b'.') {
            Some(dot) => used.saturating_sub(dot + 1),
            None => 0,
        };
        let scale = u8::try_from(digits).ok().filter(|&s| s <= Self::SCALE_MAX);
        let scale = scale.ok_or(DecimalError::OutOfRange)?;
        let mantissa = Self { mantissa: 1, scale }.parse(text)?;
        Self::new(mantissa, scale).ok_or(DecimalError::OutOfRange)
    }

    /// The step's numerator: `step = mantissa / 10^scale`.
    pub fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// Decimals of the step, which are also the decimals to show.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// How many steps the decimal text is, exactly: `"100.37"` on a step of 0.01 is 10037.
    ///
    /// Extra zeros behind the last decimal are accepted, other extra decimals are [`DecimalError::OffStep`].
    pub fn parse(self, text: &[u8]) -> Result<i64, DecimalError> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let mut value: u64 = 0;
        let mut seen = 0_usize;
        let mut decimals: Option<u8> = None;
        let mut off_step = false;
        for &byte in digits {
            match byte {
                b'0'..=b'9' => {
                    seen += 1;
                    if let Some(count) = decimals.as_mut() {
                        if *count == self.scale {
                            off_step |= byte != b'0';
                            continue;
                        }
                        *count += 1;
                    }
                    value = value
                        .checked_mul(10)
                        .and_then(|v| v.checked_add(u64::from(byte - b'0')))
                        .ok_or(DecimalError::OutOfRange)?;
                }
                b'.' if decimals.is_none() && seen > 0 => decimals = Some(0),
                _ => return Err(DecimalError::NotANumber),
            }
        }
        if seen == 0 || digits.last() == Some(&b'.') {
            return Err(DecimalError::NotANumber);
        }
        if off_step {
            return Err(DecimalError::OffStep);
        }
        let missing = self.scale - decimals.unwrap_or(0);
        value = value
            .checked_mul(10_u64.pow(u32::from(missing)))
            .ok_or(DecimalError::OutOfRange)?;
        let value = i64::try_from(value).map_err(|_| DecimalError::OutOfRange)?;
        let steps = if self.mantissa == 1 {
            value
        } else if value % self.mantissa == 0 {
            value / self.mantissa
        } else {
            return Err(DecimalError::OffStep);
        };
        Ok(if negative { -steps } else { steps })
    }

    /// `steps` as decimal text with the grid's own number of decimals.
    pub fn show(self, steps: i64) -> Shown {
        Shown {
            value: i128::from(steps) * i128::from(self.mantissa),
            scale: self.scale,
        }
    }

    /// `steps` as the nearest double; exact division of two exact doubles while the value is below 2^53.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest double is what the edge asks for"
    )]
    pub fn to_f64(self, steps: i64) -> f64 {
        (i128::from(steps) * i128::from(self.mantissa)) as f64 / 10_f64.powi(i32::from(self.scale))
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(1).fmt(f)
    }
}

/// A decimal on its way out; see [`Grid::show`].
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    value: i128,
    scale: u8,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u128.pow(u32::from(self.scale));
        let (whole, part) = (
            self.value.unsigned_abs() / unit,
            self.value.unsigned_abs() % unit,
        );
        let sign = if self.value < 0 { "-" } else { "" };
        if self.scale == 0 {
            f.pad(&format!("{sign}{whole}"))
        } else {
            f.pad(&format!(
                "{sign}{whole}.{part:0width$}",
                width = usize::from(self.scale)
            ))
        }
    }
}

#[cfg(test)]
mod tests;
