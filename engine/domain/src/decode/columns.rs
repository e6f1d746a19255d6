//! One CSV line of plain numbers and letters, no quotes: the columns, and what stands in them.

use super::fields::{price_reason, quantity_reason};
use super::{Fault, Reason, decimal};
use crate::units::{DecimalError, Grid, Lots, Ticks};

/// A line cut into exactly `N` columns.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a, const N: usize> {
    line: &'a [u8],
    /// Where each column begins and ends.
    bounds: [(usize, usize); N],
}

impl<'a, const N: usize> Columns<'a, N> {
    /// Cuts a line, which may carry its line end.
    pub fn of(line: &'a [u8]) -> Result<Self, Fault> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut bounds = [(0, 0); N];
        let mut column = 0;
        let mut start = 0;
        for at in 0..=line.len() {
            if line.get(at).is_some_and(|&byte| byte != b',') {
                continue;
            }
            let Some(bound) = bounds.get_mut(column) else {
                return Err(Fault::malformed(start));
            };
            *bound = (start, at);
            column += 1;
            start = at + 1;
        }
        if column < N {
            return Err(Fault::malformed(line.len()));
        }
        Ok(Self { line, bounds })
    }

    /// The text of a column.
    pub fn text(&self, column: usize) -> &'a [u8] {
        let (start, end) = self.bounds[column];
        &self.line[start..end]
    }

    /// Refuses the line for what a column says.
    pub fn fault<T>(&self, column: usize, reason: Reason) -> Result<T, Fault> {
        Err(Fault::new(reason, self.bounds[column].0))
    }

    /// A whole number.
    pub fn signed(&self, column: usize) -> Result<i64, Fault> {
        if self.text(column).is_empty() {
            return self.fault(column, Reason::MissingField);
        }
        // On a step of 1 "2.0" is a number too, but no venue writes one.
        if self.text(column).contains(&b'.') {
            return self.fault(column, Reason::WrongType);
        }
        self.decimal(column, Grid::UNIT)
            .or_else(|error| self.fault(column, price_reason(error)))
    }

    /// A whole number from 0 on, of up to 64 bits.
    pub fn unsigned(&self, column: usize) -> Result<u64, Fault> {
        let (start, end) = self.bounds[column];
        if start == end || !self.text(column).iter().all(u8::is_ascii_digit) {
            return self
                .signed(column)
                .and_then(|_| self.fault(column, Reason::OutOfRange));
        }
        match decimal::unsigned(self.line, start, end) {
            Some(number) => Ok(number),
            None => self.fault(column, Reason::OutOfRange),
        }
    }

    /// A number in decimal text as steps of a grid.
    pub fn decimal(&self, column: usize, grid: Grid) -> Result<i64, DecimalError> {
        let (start, end) = self.bounds[column];
        decimal::steps(self.line, start, end, grid)
    }

    /// A price that counts units of `10^-decimals`, of either sign.
    pub fn price(&self, column: usize, decimals: u8, tick: Grid) -> Result<Ticks, Fault> {
        let count = self.signed(column)?;
        decimal::rescaled(count, decimals, tick)
            .map(Ticks)
            .or_else(|error| self.fault(column, price_reason(error)))
    }

    /// A quantity in whole units, not negative.
    pub fn quantity(&self, column: usize, lot: Grid) -> Result<Lots, Fault> {
        let count = self.signed(column)?;
        if count < 0 {
            return self.fault(column, Reason::NotPositive);
        }
        decimal::rescaled(count, 0, lot)
            .map(Lots)
            .or_else(|error| self.fault(column, quantity_reason(error)))
    }

    /// A quantity in whole units, greater than 0.
    pub fn quantity_positive(&self, column: usize, lot: Grid) -> Result<Lots, Fault> {
        let qty = self.quantity(column, lot)?;
        if qty == Lots::ZERO {
            return self.fault(column, Reason::NotPositive);
        }
        Ok(qty)
    }
}
