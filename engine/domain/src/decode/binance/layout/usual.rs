//! What a slot mostly holds: a value as long as the last one.
//!
//! Then where its digits stand is known before they are looked at, and the constant bytes, the digits and the dot are
//! held against what may stand there all at once. A value of another length is read by its slot.

use super::{Slot, TAIL, UNWANTED};
use crate::decode::decimal::{POWERS, eight_digits};
use crate::decode::json::ZEROS;
use crate::units::Grid;

/// Longest constant bytes and value, with the byte behind: two vectors, and more made every frame slower than
/// it made the few longer ones faster.
const BYTES_MAX: usize = 32;

/// Up to eight digits of a window.
#[derive(Clone, Copy, Debug)]
struct Digits {
    at: u8,
    /// Moves the last of them to the highest byte.
    shift: u8,
}

/// Constant bytes and a value of a known length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    /// Length of the value that was read last, whether or not the rest is for that length.
    seen: u8,
    /// Both together; 0 while nothing is usual.
    bytes: u8,
    /// Where the number goes.
    pub place: u8,
    /// The least that each byte may be, and by how much it may be more.
    least: [u8; BYTES_MAX],
    span: [u8; BYTES_MAX],
    /// The number is (high x times + low) x up + more.
    high: Digits,
    low: Digits,
    times: i64,
    up: i64,
    more: i64,
}

impl Usual {
    pub(super) const UNKNOWN: Self = Self {
        seen: 0,
        bytes: 0,
        place: UNWANTED,
        least: [0; BYTES_MAX],
        span: [u8::MAX; BYTES_MAX],
        high: Digits { at: 0, shift: 0 },
        low: Digits { at: 0, shift: 0 },
        times: 0,
        up: 0,
        more: 0,
    };

    /// The length of constant bytes and value, and the value, if both are as usual.
    #[inline]
    pub(super) fn read(&self, window: &[u8; TAIL]) -> Option<(usize, i64)> {
        let mut beyond = 0;
        for ((byte, least), span) in window.iter().zip(&self.least).zip(&self.span) {
            beyond |= byte.wrapping_sub(*least).saturating_sub(*span);
        }
        if beyond != 0 || self.bytes == 0 {
            return None;
        }
        let [high, low] = [self.high, self.low].map(|Digits { at, shift }| {
            let at = usize::from(at) % BYTES_MAX;
            let word = u64::from_le_bytes(std::array::from_fn(|byte| window[at + byte]));
            eight_digits((word ^ ZEROS).wrapping_shl(shift.into())).cast_signed()
        });
        // Sixteen digits at the most.
        let number = high.wrapping_mul(self.times).wrapping_add(low);
        let number = number.wrapping_mul(self.up).wrapping_add(self.more);
        Some((self.bytes.into(), number))
    }

    /// Takes note of a value that its slot has read at the end of the constant bytes; from the second of a length on,
    /// that length is usual.
    #[cold]
    pub(super) fn note(
        &mut self,
        run: usize,
        slot: Slot,
        len: usize,
        grids: [Grid; 2],
        window: &[u8; TAIL],
    ) {
        let seen = u8::try_from(len).unwrap_or(0);
        if self.seen == seen
            && let Some(usual) = Self::of(window, run, len, slot, grids)
        {
            *self = usual;
        }
        self.seen = seen;
    }

    /// After `run` constant bytes a value of `len`, and a byte that ends it and is constant too.
    fn of(
        window: &[u8; TAIL],
        run: usize,
        len: usize,
        slot: Slot,
        grids: [Grid; 2],
    ) -> Option<Self> {
        let mut this = Self {
            bytes: u8::try_from(run + len).ok()?,
            ..Self::UNKNOWN
        };
        let known = window.get(..=run + len)?;
        this.least.get_mut(..known.len())?.copy_from_slice(known);
        this.span[..known.len()].fill(0);
        let value = &known[run..run + len];
        match slot {
            Slot::Whole(place) => {
                let high = value.len().saturating_sub(8);
                let low = this.digits(run + high, value.len() - high)?;
                if high > 0 {
                    this.high = this.digits(run, high)?;
                    this.times = POWERS[8];
                }
                this.low = low;
                if value.len() > 1 {
                    // No zero leads a number.
                    this.least[run] = b'1';
                    this.span[run] = 8;
                }
                (this.place, this.up) = (place, 1);
            }
            Slot::Decimal(place, unit) => {
                let grid = grids[unit as usize];
                let whole = value
                    .iter()
                    .position(|&byte| byte == b'.')
                    .unwrap_or(value.len());
                let scale = usize::from(grid.scale());
                let given = value.len().saturating_sub(whole + 1);
                // What is finer than the grid is zeros, and stays constant.
                let kept = given.min(scale);
                if grid.mantissa() != 1 || scale > 8 || whole > 7 {
                    return None;
                }
                let first = this.digits(run, whole)?;
                if kept == 0 {
                    this.low = first;
                } else {
                    this.low = this.digits(run + whole + 1, kept)?;
                    this.high = first;
                    this.times = POWERS[kept];
                }
                (this.place, this.up) = (place, POWERS[scale - kept]);
            }
            Slot::Flag(place) => {
                (this.place, this.more) = (place, i64::from(value == b"true"));
            }
            Slot::Text | Slot::Levels(_) | Slot::Nothing | Slot::End => return None,
        }
        Some(this)
    }

    /// Lets any digits stand there.
    fn digits(&mut self, from: usize, len: usize) -> Option<Digits> {
        self.least[from..from + len].fill(b'0');
        self.span[from..from + len].fill(9);
        let at = u8::try_from(from).ok()?;
        let shift = u8::try_from(64_usize.checked_sub(8 * len)?).ok()?;
        (len > 0).then_some(Digits { at, shift })
    }
}
