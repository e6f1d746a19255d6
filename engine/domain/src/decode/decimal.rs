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

/// An unsigned decimal that starts at `at` in some bytes of a frame, and the position behind it, as steps of a grid.
///
/// `None` does not mean that the text is wrong, only that it is not of the common form: 1 to 7 digits, up to
/// 8 decimals, on a step of at most 8 decimals and on the grid.
#[inline]
pub fn number<const N: usize>(window: &[u8; N], at: usize, grid: Grid) -> Option<(i64, usize)> {
    let scale = u32::from(grid.scale());
    let whole = word(window, at)?;
    let whole_len = leading_digits(whole);
    if whole_len == 0 || whole_len == 8 || scale > 8 {
        return None;
    }
    // Right-aligned: the last digit as the highest byte, zeros below the first.
    let whole = (whole << (8 * (8 - whole_len))) & (ONES * 0x0f);
    let mut end = at + whole_len;
    let mut part = 0;
    if window.get(end) == Some(&b'.') {
        let digits = word(window, end + 1)?;
        let part_len = leading_digits(digits);
        if part_len == 0 || (part_len == 8 && is_digit(window, end + 9)) {
            return None;
        }
        // Left-aligned, so that missing decimals are zeros behind.
        part = digits & (u64::MAX >> (8 * (8 - part_len))) & (ONES * 0x0f);
        end += 1 + part_len;
        if part.unbounded_shr(8 * scale) != 0 {
            return None;
        }
    }
    let part = part.unbounded_shl(64 - 8 * scale);
    let count = if whole_len + scale as usize <= 8 {
        eight_digits(whole.unbounded_shr(8 * scale) | part)
    } else {
        // Below 10^7 x 10^8 + 10^8.
        eight_digits(whole) * POWERS[scale as usize].unsigned_abs() + eight_digits(part)
    };
    let (count, mantissa) = (count.cast_signed(), grid.mantissa());
    if mantissa == 1 {
        return Some((count, end));
    }
    (count % mantissa == 0).then(|| (count / mantissa, end))
}

#[inline]
fn is_digit(window: &[u8], at: usize) -> bool {
    window.get(at).is_some_and(u8::is_ascii_digit)
}

/// The decimal text from `start` to `end` as steps of a grid; the same as [`Grid::parse`].
#[inline]
pub fn steps(text: &[u8], start: usize, end: usize, grid: Grid) -> Result<i64, DecimalError> {
    let found = if let Some(window) = text[start..].first_chunk::<WINDOW>() {
        number(window, 0, grid)
    } else {
        let mut window = [0; WINDOW];
        let rest = &text[start..];
        window[..rest.len()].copy_from_slice(rest);
        number(&window, 0, grid)
    };
    match found {
        Some((steps, len)) if start + len == end => Ok(steps),
        _ => grid.parse(&text[start..end]),
    }
}

/// Covers every text of the common form, and the words that are loaded to search it.
const WINDOW: usize = 24;

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
