//! Decimal text onto a grid, eight digits at a time.
//!
//! [`Grid::parse`] says what is right; what stands here is faster for the texts venues send, and a test holds the two
//! together. Nothing here goes through floating point.

use super::json::{ZEROS, all_digits, leading_digits, word};
use crate::units::{DecimalError, Grid};

/// The number of eight digits, as their values 0 to 9, the first as the lowest byte.
#[inline]
pub fn eight_digits(digits: u64) -> u64 {
    // Neighbours are joined to numbers of 2, then 4, then 8 digits: 10 x left + right, in every lane at once.
    let pairs = (digits.wrapping_mul((10 << 8) + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul((100 << 16) + 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul((10_000 << 32) + 1) >> 32
}

/// Covers every text of the common form, and the words that are loaded to search it.
pub const WINDOW: usize = 24;

/// An unsigned decimal at the front of a window, as steps of a grid, and its length.
///
/// `None` does not mean that the text is wrong, only that it is not of the common form: 1 to 7 digits, up to
/// 8 decimals, on a step of at most 8 decimals and on the grid.
/// The caller looks at what follows: of a longer text this is only the beginning.
#[expect(clippy::inline_always, reason = "twice in the loop over levels")]
#[inline(always)]
pub fn number(window: &[u8; WINDOW], grid: Grid) -> Option<(i64, usize)> {
    let scale = u32::from(grid.scale());
    let whole = word_at(window, 0);
    let whole_len = leading_digits(whole);
    if whole_len == 0 || whole_len == 8 || scale > 8 {
        return None;
    }
    // Right-aligned: the last digit as the highest byte, zeros below the first.
    let whole = (whole ^ ZEROS) << (8 * (8 - whole_len));
    let (part, len) = if window[whole_len] == b'.' {
        // Left-aligned, so that missing decimals are zeros behind.
        let digits = word_at(window, whole_len + 1);
        // A branch and not a count: with eight decimals the next value is looked for before these have been searched.
        if all_digits(digits) {
            (digits ^ ZEROS, whole_len + 9)
        } else {
            let part_len = leading_digits(digits);
            if part_len == 0 {
                return None;
            }
            let part = (digits ^ ZEROS) & (u64::MAX >> (8 * (8 - part_len)));
            (part, whole_len + 1 + part_len)
        }
    } else {
        (0, whole_len)
    };
    if part & u64::MAX.unbounded_shl(8 * scale) != 0 {
        return None;
    }
    // On a grid without decimals it is zero, and need not be moved.
    let part = part.wrapping_shl(64 - 8 * scale);
    let count = if whole_len + scale as usize <= 8 {
        eight_digits(whole.wrapping_shr(8 * scale) | part)
    } else {
        // Below 10^7 x 10^8 + 10^8.
        let whole = eight_digits(whole).wrapping_mul(POWERS[scale as usize].unsigned_abs());
        whole.wrapping_add(eight_digits(part))
    };
    let count = count.cast_signed();
    if grid.mantissa() == 1 {
        Some((count, len))
    } else {
        Some((coarse(count, grid.mantissa())?, len))
    }
}

/// The count of steps, each `mantissa` long.
#[inline(never)]
fn coarse(count: i64, mantissa: i64) -> Option<i64> {
    (count % mantissa == 0).then(|| count / mantissa)
}

/// Eight bytes of a window, the first as the lowest.
#[inline]
fn word_at(window: &[u8; WINDOW], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|byte| window[at + byte]))
}

/// A whole number at the front of a window, written as JSON writes it, and its length; `None` from 19 digits on.
#[inline]
pub fn whole(window: &[u8; WINDOW]) -> Option<(i64, usize)> {
    let first = word_at(window, 0);
    let len = leading_digits(first);
    if len == 0 || (first & 0xff == u64::from(b'0') && len > 1) {
        return None;
    }
    if len < 8 {
        return Some((leading(first, len), len));
    }
    let next = word_at(window, 8);
    let more = leading_digits(next);
    let number = leading(first, 8) * POWERS[more] + leading(next, more);
    if more < 8 {
        return Some((number, 8 + more));
    }
    let last = word_at(window, 16);
    let more = leading_digits(last);
    (more <= 2).then(|| (number * POWERS[more] + leading(last, more), 16 + more))
}

/// The number of the first digits of eight bytes.
#[inline]
fn leading(word: u64, len: usize) -> i64 {
    // Moved up, so that the last of them is the highest byte.
    let moved = if len == 0 {
        0
    } else {
        (word ^ ZEROS) << (8 * (8 - len))
    };
    eight_digits(moved).cast_signed()
}

/// The decimal text from `start` to `end` as steps of a grid; the same as [`Grid::parse`].
#[inline]
pub fn steps(text: &[u8], start: usize, end: usize, grid: Grid) -> Result<i64, DecimalError> {
    let found = if let Some(window) = text[start..].first_chunk::<WINDOW>() {
        number(window, grid)
    } else {
        let mut window = [0; WINDOW];
        let rest = &text[start..];
        window[..rest.len()].copy_from_slice(rest);
        number(&window, grid)
    };
    match found {
        Some((steps, len)) if start + len == end => Ok(steps),
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

/// Powers of ten.
pub const POWERS: [i64; 19] = {
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
        Some(eight_digits((word ^ ZEROS) & (u64::MAX << (8 * (8 - len)))))
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
