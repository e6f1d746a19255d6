//! How much an agent did in one poll, counted where it is done.

use core::iter::Sum;
use core::ops::{Add, AddAssign};

/// Messages moved by an adapter of this crate.
/// Only the adapters make a non-zero one, so an agent cannot claim work it did not do and keep its thread hot for nothing.
///
/// ```
/// use pitlane_lockfree::{ring::{ring, EdgeCounters}, work::Work};
/// let (mut tx, mut rx) = ring(8, EdgeCounters::private());
/// assert!(rx.drain(8, |_: &u64| ()).is_idle());
/// tx.push(7_u64);
/// assert_eq!((Work::NONE + rx.drain(8, |_| ())).count(), 1);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[must_use]
pub struct Work(u32);

impl Work {
    /// Nothing was done.
    pub const NONE: Self = Self(0);

    pub(crate) fn of(count: usize) -> Self {
        Self(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Number of messages moved.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0
    }

    /// Whether nothing was done.
    #[must_use]
    pub fn is_idle(self) -> bool {
        self.0 == 0
    }
}

impl Add for Work {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Work {
    fn sum<I: Iterator<Item = Self>>(works: I) -> Self {
        works.fold(Self::NONE, Add::add)
    }
}
