//! The checksum a venue sends with its book, made again from our own: CRC-32 over the text of the best levels.
//!
//! The text is the venue's own writing of its numbers, so each venue has its rule for making it of integers:
//! - Kraken: ten asks from the best on, then ten bids; price and quantity with the pair's fixed decimals, without the
//!   point and without zeros in front, one after the other.
//! - OKX: 25 levels a side, bid and ask in turns, `price:quantity` with as few digits as say it, joined by colons.
//! - FTX: 100 levels a side, in turns and joined like those, each number as Python writes a double.
//!
//! Where the levels of one side have ended, those of the other follow one after the other.

use super::Book;
use crate::instrument::{Instrument, Venue};
use crate::message::{BookChecksum, Side};
use crate::units::{Grid, Lots, Ticks};
use crc32fast::Hasher;

/// The checksum of `book` by the rule of the instrument's venue; `None` if it has none, or a number cannot be written
/// with the decimals stated.
pub fn checksum(book: &Book, instrument: &Instrument, stated: &BookChecksum) -> Option<u32> {
    let mut text = Text::new();
    match instrument.venue {
        Venue::Kraken => {
            for side in [Side::Ask, Side::Bid] {
                for (px, qty) in book.top(side, 10) {
                    let tick_size = instrument.tick_size;
                    text.whole(fixed(px.0, tick_size, stated.px_decimals)?);
                    text.whole(fixed(qty.0, instrument.lot_size, stated.qty_decimals)?);
                }
            }
        }
        Venue::Okx => in_turns(book, instrument, 25, &mut text, Text::shortest),
        Venue::Ftx => in_turns(book, instrument, 100, &mut text, Text::double),
        _ => return None,
    }
    Some(text.finish())
}

/// Whether the checksums of a venue can be made.
pub fn has_rule(venue: Venue) -> bool {
    matches!(venue, Venue::Kraken | Venue::Okx | Venue::Ftx)
}

fn in_turns(
    book: &Book,
    instrument: &Instrument,
    count: usize,
    text: &mut Text,
    write: fn(&mut Text, Decimal),
) {
    let mut level = |(px, qty): (Ticks, Lots)| {
        for number in [
            Decimal::new(px.0, instrument.tick_size),
            Decimal::new(qty.0, instrument.lot_size),
        ] {
            text.separate();
            write(text, number);
        }
    };
    let (mut bids, mut asks) = (book.top(Side::Bid, count), book.top(Side::Ask, count));
    loop {
        let (bid, ask) = (bids.next(), asks.next());
        bid.into_iter().chain(ask).for_each(&mut level);
        if bid.is_none() && ask.is_none() {
            return;
        }
    }
}

/// `steps` of a grid as a whole number of `10^-decimals`.
fn fixed(steps: i64, grid: Grid, decimals: u32) -> Option<u128> {
    let value = u128::try_from(i128::from(steps) * i128::from(grid.mantissa())).ok()?;
    let scale = u32::from(grid.scale());
    if decimals >= scale {
        value.checked_mul(10_u128.checked_pow(decimals - scale)?)
    } else {
        let unit = 10_u128.pow(scale - decimals);
        (value % unit == 0).then(|| value / unit)
    }
}

/// The digits of a number that is not negative, without zeros at their end, and how many of them stand behind the point.
/// A negative scale is so many zeros that were taken off in front of the point.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u128,
    scale: i32,
}

impl Decimal {
    fn new(steps: i64, grid: Grid) -> Self {
        let mut digits =
            u128::from(steps.unsigned_abs()) * u128::from(grid.mantissa().unsigned_abs());
        let mut scale = i32::from(grid.scale());
        if digits == 0 {
            return Self { digits, scale: 0 };
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            scale -= 1;
        }
        Self { digits, scale }
    }
}

/// Longest text of one number: the 39 digits of 128 bits, zeros around them, a point and an exponent.
const NUMBER_BYTES: usize = 64;

/// Text on its way into the checksum, which likes long pieces better than short ones.
struct Text {
    buffer: [u8; 1024],
    len: usize,
    begun: bool,
    crc: Hasher,
}

impl Text {
    fn new() -> Self {
        Self {
            buffer: [0; 1024],
            len: 0,
            begun: false,
            crc: Hasher::new(),
        }
    }

    fn finish(mut self) -> u32 {
        self.crc.update(&self.buffer[..self.len]);
        self.crc.finalize()
    }

    fn push(&mut self, byte: u8) {
        if self.len == self.buffer.len() {
            self.crc.update(&self.buffer);
            self.len = 0;
        }
        self.buffer[self.len] = byte;
        self.len += 1;
    }

    /// A colon before every number but the first.
    fn separate(&mut self) {
        if self.begun {
            self.push(b':');
        }
        self.begun = true;
    }

    fn whole(&mut self, value: u128) {
        let mut digits = [0; NUMBER_BYTES];
        for &digit in written(value, &mut digits) {
            self.push(digit);
        }
    }

    /// As few digits as say it: `0.000000454`, `19`, `30261`.
    fn shortest(&mut self, number: Decimal) {
        let mut digits = [0; NUMBER_BYTES];
        self.plain(written(number.digits, &mut digits), number.scale);
    }

    /// As Python writes a double: `2416.0`, `0.0001`, `1e-05`, `1.3e-07`, `1e+16`.
    fn double(&mut self, number: Decimal) {
        let mut digits = [0; NUMBER_BYTES];
        let digits = written(number.digits, &mut digits);
        // Of d.ddd x 10^exponent.
        let exponent = i32::try_from(digits.len()).unwrap_or(0) - 1 - number.scale;
        if number.digits == 0 || (-4..16).contains(&exponent) {
            self.plain(digits, number.scale);
            if number.scale <= 0 {
                self.push(b'.');
                self.push(b'0');
            }
            return;
        }
        self.push(digits[0]);
        if digits.len() > 1 {
            self.push(b'.');
            for &digit in &digits[1..] {
                self.push(digit);
            }
        }
        self.push(b'e');
        self.push(if exponent < 0 { b'-' } else { b'+' });
        if exponent.abs() < 10 {
            self.push(b'0');
        }
        self.whole(u128::from(exponent.unsigned_abs()));
    }

    /// Digits with a point so many digits before their end.
    fn plain(&mut self, digits: &[u8], scale: i32) {
        let behind = usize::try_from(scale).unwrap_or(0);
        let (whole, part) = digits.split_at(digits.len().saturating_sub(behind));
        if whole.is_empty() {
            self.push(b'0');
        }
        for &digit in whole {
            self.push(digit);
        }
        for _ in scale..0 {
            self.push(b'0');
        }
        if behind > 0 {
            self.push(b'.');
            for _ in digits.len()..behind {
                self.push(b'0');
            }
            for &digit in part {
                self.push(digit);
            }
        }
    }
}

/// The decimal digits of a number.
fn written(mut value: u128, space: &mut [u8; NUMBER_BYTES]) -> &[u8] {
    let mut at = space.len();
    loop {
        at -= 1;
        // Below ten.
        space[at] = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        if value == 0 {
            return &space[at..];
        }
    }
}

#[cfg(test)]
mod tests;
