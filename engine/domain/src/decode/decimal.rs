//! Decimal text onto a grid, eight digits at a time.
//!
//! [`Grid::parse`] says what is right; what stands here is faster for the texts venues send, and a test holds the two
//! together. Nothing here goes through floating point.

use super::json::{leading_digits, word};
use crate::units::{DecimalError, Grid};

const ONES: u64 = u64::MAX / 255;

/// The number of eight digits, the first as the lowest byte. Bytes of 0 count as the digit 0.
#[inline]
fn eight_digits(word: u64) -> u64 {
    // Neighbours are joined to numbers of 2, then 4, then 8 digits: 10 x left + right, in every lane at once.
    let digits = word & (ONES * 0x0f);
    let pairs = (digits.wrapping_mul((10 << 8) + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul((100 << 16) + 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul((10_000 << 32) + 1) >> 32
}

/// An unsigned decimal that starts at `at`, and the position behind it, as steps of a grid.
///
/// `None` does not mean that the text is wrong, only that it is not of the common form: 1 to 7 digits, up to
/// 8 decimals, on a step of at most 8 decimals and on the grid, with some bytes of frame behind it.
#[inline]
pub fn quick(text: &[u8], at: usize, grid: Grid) -> Option<(i64, usize)> {
    let whole_word = word(text, at)?;
    let whole_len = leading_digits(whole_word);
    if whole_len == 0 || whole_len == 8 || grid.scale() > 8 {
        return None;
    }
    let whole = eight_digits(whole_word << (8 * (8 - whole_len)));
    let mut end = at + whole_len;
    let kept = 8 * u32::from(grid.scale());
    let mut decimals = 0;
    if text.get(end) == Some(&b'.') {
        let part_word = word(text, end + 1)?;
        let part_len = leading_digits(part_word);
        if part_len == 0 {
            return None;
        }
        end += 1 + part_len;
        let part = part_word & (u64::MAX >> (8 * (8 - part_len))) & (ONES * 0x0f);
        if part.unbounded_shr(kept) != 0 {
            return None;
        }
        decimals = eight_digits(part.unbounded_shl(64 - kept));
        if part_len == 8 && text.get(end).is_some_and(u8::is_ascii_digit) {
            return None;
        }
    }
    // Below 10^7 x 10^8 + 10^8.
    let count = whole.cast_signed() * POWERS[usize::from(grid.scale())] + decimals.cast_signed();
    let mantissa = grid.mantissa();
    if mantissa == 1 {
        return Some((count, end));
    }
    (count % mantissa == 0).then(|| (count / mantissa, end))
}

/// The decimal text from `start` to `end` as steps of a grid; the same as [`Grid::parse`].
#[inline]
pub fn steps(text: &[u8], start: usize, end: usize, grid: Grid) -> Result<i64, DecimalError> {
    match quick(text, start, grid) {
        Some((steps, stop)) if stop == end => Ok(steps),
        _ => grid.parse(&text[start..end]),
    }
}

/// The decimal text as steps of a grid, rounded down where it lies between two steps.
pub fn steps_floor(text: &[u8], grid: Grid) -> Result<i64, DecimalError> {
    match grid.parse(text) {
        Err(DecimalError::OffStep) => {}
        exact => return exact,
    }
    // It is a number, so it has a form: sign, digits, dot, digits. Cut the decimals the step does not have.
    let scale = usize::from(grid.scale());
    let dot = text.iter().position(|&byte| byte == b'.');
    let cut = dot.map_or(text.len(), |dot| text.len().min(dot + 1 + scale));
    let kept = text[..cut].strip_suffix(b".").unwrap_or(&text[..cut]);
    let fine = Grid::new(1, grid.scale()).unwrap_or(Grid::UNIT);
    let whole = fine.parse(kept)?;
    let lost = text[cut..].iter().any(|&byte| byte != b'0');
    let below = i64::from(lost && text.starts_with(b"-"));
    Ok((whole - below).div_euclid(grid.mantissa()))
}

/// `count / 10^decimals` as steps of a grid.
#[inline]
pub fn rescaled(count: i64, decimals: u8, grid: Grid) -> Result<i64, DecimalError> {
    // count / 10^decimals / (mantissa / 10^scale), with the common powers of ten taken out first.
    let up = POWERS[usize::from(grid.scale().saturating_sub(decimals))];
    let down = POWERS[usize::from(decimals.saturating_sub(grid.scale()))];
    let fine = i128::from(count) * i128::from(up);
    let step = i128::from(grid.mantissa()) * i128::from(down);
    if let (Ok(fine), Ok(step)) = (i64::try_from(fine), i64::try_from(step)) {
        return if fine % step == 0 {
            Ok(fine / step)
        } else {
            Err(DecimalError::OffStep)
        };
    }
    if fine % step != 0 {
        return Err(DecimalError::OffStep);
    }
    i64::try_from(fine / step).map_err(|_| DecimalError::OutOfRange)
}

const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The whole number from `start` to `end`, which must be digits; `None` if it does not fit.
#[inline]
pub fn unsigned(text: &[u8], start: usize, end: usize) -> Option<u64> {
    // The last eight bytes hold the low digits; what stands before the number is masked away.
    let low = |end: usize, len: usize| {
        let word = word(text, end.checked_sub(8)?)?;
        Some(eight_digits(word & (u64::MAX << (8 * (8 - len)))))
    };
    let len = end - start;
    let joined = match len {
        1..=8 => low(end, len),
        9..=16 => low(end - 8, len - 8)
            .zip(low(end, 8))
            .map(|(high, low)| high * 100_000_000 + low),
        _ => None,
    };
    joined.or_else(|| {
        text[start..end].iter().try_fold(0_u64, |number, &digit| {
            let digit = u64::from(digit - b'0');
            number.checked_mul(10)?.checked_add(digit)
        })
    })
}

#[cfg(test)]
mod tests;
