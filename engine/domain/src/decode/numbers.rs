//! Numbers and times in the forms that not every venue has: JSON numbers with an exponent, seconds with decimals,
//! times of the calendar. And levels of books whose rows are not only a price and a quantity as texts.

use super::fields::{Grids, Reader, price_reason, quantity_reason, venue_time};
use super::json::{Cursor, Shape, Value};
use super::{Fault, LEVELS_MAX, Level, Reason, decimal};
use crate::units::{DecimalError, Grid, Lots, Ticks, WallNs};

/// Values of one level that are looked at: price, quantity, and what stands behind them first.
const LEVEL_VALUES: usize = 3;

/// Reads `[[px,qty,..],..]` behind what `out` holds; `each` sees the values of every level.
pub fn levels<'a>(
    cursor: &mut Cursor<'a>,
    grids: Grids,
    out: &mut Vec<Level>,
    mut each: impl FnMut(Reader<'a>, &[Value; LEVEL_VALUES]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let reader = Reader(cursor.text());
    if cursor.peek() != Some(b'[') {
        let other = cursor.value()?;
        return other.fault(Reason::WrongType);
    }
    cursor.array(|cursor| {
        if out.len() == LEVELS_MAX {
            return Err(Fault::new(Reason::TooManyLevels, cursor.position()));
        }
        if cursor.peek() != Some(b'[') {
            let other = cursor.value()?;
            return other.fault(Reason::WrongType);
        }
        let mut values = [Value::default(); LEVEL_VALUES];
        let mut count = 0;
        cursor.array(|cursor| {
            let value = cursor.value()?;
            if let Some(slot) = values.get_mut(count) {
                *slot = value;
            }
            count += 1;
            Ok(())
        })?;
        let px = price(reader, values[0], grids)?;
        if px <= Ticks::ZERO {
            return values[0].fault(Reason::NotPositive);
        }
        let qty = quantity(reader, values[1], grids)?;
        if qty < Lots::ZERO {
            return values[1].fault(Reason::NotPositive);
        }
        each(reader, &values)?;
        out.push(Level { px, qty });
        Ok(())
    })
}

/// Reads an object and gives the values under the keys that are wanted.
pub fn members<const N: usize>(
    cursor: &mut Cursor<'_>,
    keys: [&[u8]; N],
) -> Result<[Value; N], Fault> {
    let mut values = [Value::default(); N];
    if cursor.peek() != Some(b'{') {
        let other = cursor.value()?;
        return other.fault(Reason::WrongType);
    }
    cursor.object(|cursor, key| {
        let value = cursor.value()?;
        if let Some(at) = keys.iter().position(|wanted| *wanted == key) {
            values[at] = value;
        }
        Ok(())
    })?;
    Ok(values)
}

/// Reads every element of an array that was found before, at most [`LEVELS_MAX`].
pub fn list<T>(
    frame: &[u8],
    array: Value,
    out: &mut Vec<T>,
    mut read: impl FnMut(&mut Cursor<'_>) -> Result<T, Fault>,
) -> Result<(), Fault> {
    out.clear();
    Cursor::at(frame, array.start()).array(|cursor| {
        if out.len() == LEVELS_MAX {
            return Err(Fault::new(Reason::TooManyLevels, cursor.position()));
        }
        out.push(read(cursor)?);
        Ok(())
    })
}

/// A price as text or as a number, of either sign.
pub fn price(reader: Reader<'_>, value: Value, grids: Grids) -> Result<Ticks, Fault> {
    match steps(reader, value, grids.tick)? {
        Ok(steps) => Ok(Ticks(steps)),
        Err(error) => value.fault(price_reason(error)),
    }
}

/// A quantity as text or as a number, of either sign.
pub fn quantity(reader: Reader<'_>, value: Value, grids: Grids) -> Result<Lots, Fault> {
    match steps(reader, value, grids.lot)? {
        Ok(steps) => Ok(Lots(steps)),
        Err(error) => value.fault(quantity_reason(error)),
    }
}

/// A price and a quantity that are greater than 0, and whether the taker sold.
pub fn trade(
    reader: Reader<'_>,
    [px, qty, side]: [Value; 3],
    grids: Grids,
) -> Result<(Ticks, Lots, bool), Fault> {
    let price = price(reader, px, grids)?;
    if price <= Ticks::ZERO {
        return px.fault(Reason::NotPositive);
    }
    let lots = quantity(reader, qty, grids)?;
    if lots <= Lots::ZERO {
        return qty.fault(Reason::NotPositive);
    }
    let sold = match reader.text(side)? {
        b"sell" => true,
        b"buy" => false,
        _ => return side.fault(Reason::WrongType),
    };
    Ok((price, lots, sold))
}

/// One side of a touch: nothing if price or quantity is not given, or the quantity is 0.
pub fn touch(
    reader: Reader<'_>,
    px: Value,
    qty: Value,
    grids: Grids,
) -> Result<Option<(Ticks, Lots)>, Fault> {
    let absent = |value: Value| {
        value.shape() == Shape::Null || (value.shape() == Shape::Text && value.of(reader.0) == b"")
    };
    if absent(px) || absent(qty) {
        return Ok(None);
    }
    let lots = quantity(reader, qty, grids)?;
    if lots < Lots::ZERO {
        return qty.fault(Reason::NotPositive);
    }
    if lots == Lots::ZERO {
        return Ok(None);
    }
    let ticks = price(reader, px, grids)?;
    if ticks <= Ticks::ZERO {
        return px.fault(Reason::NotPositive);
    }
    Ok(Some((ticks, lots)))
}

fn steps(reader: Reader<'_>, value: Value, grid: Grid) -> Result<Result<i64, DecimalError>, Fault> {
    let text = match value.shape() {
        Shape::Digits | Shape::Number => value.of(reader.0),
        _ => return decimal_text(reader, value, grid),
    };
    Ok(
        match decimal::steps(reader.0, value.start(), value.end(), grid) {
            Err(DecimalError::NotANumber) => scientific(text, grid),
            other => other,
        },
    )
}

fn decimal_text(
    reader: Reader<'_>,
    value: Value,
    grid: Grid,
) -> Result<Result<i64, DecimalError>, Fault> {
    reader.text(value)?;
    let (start, end) = (value.start(), value.end());
    Ok(decimal::steps(reader.0, start, end, grid))
}

/// A decimal with an exponent, such as `1.3e-07`, as steps of a grid, exactly.
pub fn scientific(text: &[u8], grid: Grid) -> Result<i64, DecimalError> {
    let at = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (digits, exponent) = text.split_at(at.ok_or(DecimalError::NotANumber)?);
    let exponent = small_exponent(&exponent[1..])?;
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let point = digits.iter().position(|&byte| byte == b'.');
    let mut decimals = match point {
        Some(point) => i32::try_from(digits.len() - point - 1).unwrap_or(i32::MAX),
        None => 0,
    };
    decimals = decimals.saturating_sub(exponent);
    let mut count: i64 = 0;
    let mut seen = false;
    for &byte in digits.iter().filter(|&&byte| byte != b'.') {
        if !byte.is_ascii_digit() {
            return Err(DecimalError::NotANumber);
        }
        seen = true;
        count = count
            .checked_mul(10)
            .and_then(|count| count.checked_add(i64::from(byte - b'0')))
            .ok_or(DecimalError::OutOfRange)?;
    }
    if !seen || point == Some(0) {
        return Err(DecimalError::NotANumber);
    }
    if count == 0 {
        return Ok(0);
    }
    while decimals > 0 && count % 10 == 0 {
        count /= 10;
        decimals -= 1;
    }
    while decimals < 0 {
        count = count.checked_mul(10).ok_or(DecimalError::OutOfRange)?;
        decimals += 1;
    }
    let decimals = u8::try_from(decimals).map_err(|_| DecimalError::OffStep)?;
    if decimals > Grid::SCALE_MAX {
        return Err(DecimalError::OffStep);
    }
    let steps = decimal::rescaled(count, decimals, grid)?;
    Ok(if negative { -steps } else { steps })
}

/// `-07`, `+5`, `12`: an exponent that a price can have.
fn small_exponent(text: &[u8]) -> Result<i32, DecimalError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| all);
    let digits = digits.ok_or(DecimalError::NotANumber)?;
    let exponent: i32 = digits.parse().map_err(|_| DecimalError::OutOfRange)?;
    Ok(if negative { -exponent } else { exponent })
}

/// `1617666423.690142`: seconds since 1970 with decimals, those below a nanosecond cut off.
pub fn seconds(reader: Reader<'_>, value: Value) -> Result<WallNs, Fault> {
    let text = match value.shape() {
        Shape::Digits | Shape::Number => value.of(reader.0),
        _ => reader.text(value)?,
    };
    let nanoseconds = Grid::new(1, 9).unwrap_or(Grid::UNIT);
    let time = decimal::steps_floor(text, nanoseconds).map(|ns| {
        let us = u64::try_from(ns / 1_000).ok();
        us.and_then(venue_time).map(|_| WallNs(ns))
    });
    match time {
        Ok(Some(time)) => Ok(time),
        Ok(None) => value.fault(Reason::OutOfRange),
        Err(error) => value.fault(price_reason(error)),
    }
}

/// Milliseconds since 1970 as a text of digits.
pub fn milliseconds(reader: Reader<'_>, value: Value) -> Result<WallNs, Fault> {
    match venue_time(whole(reader, value)?) {
        Some(time) => Ok(time),
        None => value.fault(Reason::OutOfRange),
    }
}

/// A whole number from 0 on, as text or as a number.
pub fn whole(reader: Reader<'_>, value: Value) -> Result<u64, Fault> {
    if value.shape() != Shape::Text {
        return reader.unsigned(value);
    }
    let text = value.of(reader.0);
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return value.fault(Reason::WrongType);
    }
    match decimal::unsigned(reader.0, value.start(), value.end()) {
        Some(number) => Ok(number),
        None => value.fault(Reason::OutOfRange),
    }
}

/// `2021-07-22T22:45:25.101992+00:00`, or with `Z`: a time of the calendar in UTC.
pub fn calendar(reader: Reader<'_>, value: Value) -> Result<WallNs, Fault> {
    match calendar_ns(reader.text(value)?) {
        Some(ns) => Ok(WallNs(ns)),
        None => value.fault(Reason::WrongType),
    }
}

fn calendar_ns(text: &[u8]) -> Option<i64> {
    let number = |from: usize, len: usize| -> Option<i64> {
        let digits = text.get(from..from + len)?;
        digits.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !marks.iter().all(|&(at, mark)| text.get(at) == Some(&mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let (part, zone) = match text.get(19..)? {
        [b'.', rest @ ..] => {
            let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&len) {
                return None;
            }
            (number(20, len)? * decimal::POWERS[9 - len], &rest[len..])
        }
        rest => (0, rest),
    };
    if !matches!(zone, b"Z" | b"+00:00" | b"-00:00") {
        return None;
    }
    let in_range = (1970..2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds =
        (days_before(year, month) + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second;
    in_range.then(|| seconds * 1_000_000_000 + part)
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of that month.
fn days_before(year: i64, month: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400 - 477;
    let months: i64 = (1..month).map(|month| days_of(year, month)).sum();
    (year - 1970) * 365 + leap_days + months
}

#[cfg(test)]
mod tests;
