//! What is known of a currency pair's day: the gateway's package, and the same from the ticks seen.
//!
//! **The day** begins at 17:00 in New York, as the market's own does: then the week has five days of equal length, and the
//! hours of Sunday evening belong to Monday. At midnight UTC there would be a sixth, a stub of two or three hours, which
//! would halve an average of ranges. Summer time goes by the rule of the United States since 2007; before, by that of
//! 1987. The clocks change while the market is closed, so a day never has two lengths.
//!
//! **Prices** of days made of ticks are middles in half ticks, as those of the bars are; the gateway's are ticks.
//!
//! **The range** is averaged over the last [`ADR_DAYS`] days of which both the first and the last hour were seen: a day
//! that began before we listened has no range.

use crate::message::{FxDay, FxRange, VenueBarPrices, VenueBarVolume};
use crate::units::{Ticks, WallNs};
use std::collections::VecDeque;

/// Days averaged, unless fewer are known.
pub const ADR_DAYS: usize = 14;

/// Minute bars kept of a package.
pub const PROFILE_MAX: usize = crate::decode::fx::BARS_MAX;

const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_NS: i64 = 24 * HOUR_NS;

/// A trading day as its ticks have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TickDay {
    /// Its beginning: 17:00 in New York.
    pub start: WallNs,
    /// First middle seen, in half ticks.
    pub open: Ticks,
    /// Highest middle, in half ticks.
    pub high: Ticks,
    /// Lowest middle, in half ticks.
    pub low: Ticks,
    /// Time of the first tick seen.
    pub first: WallNs,
    /// Time of the last tick seen.
    pub last: WallNs,
}

impl TickDay {
    fn new(start: WallNs, middle: Ticks, ts: WallNs) -> Self {
        Self {
            start,
            open: middle,
            high: middle,
            low: middle,
            first: ts,
            last: ts,
        }
    }

    /// From the highest to the lowest middle, in half ticks.
    pub fn range(&self) -> i64 {
        self.high.0 - self.low.0
    }

    /// Whether its first and its last hour were seen.
    pub fn is_whole(&self) -> bool {
        self.first.0 - self.start.0 < HOUR_NS
            && trading_day(WallNs(self.last.0.saturating_add(HOUR_NS))) > self.start
    }
}

/// A gateway's package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Package {
    /// Receipt.
    pub ts: WallNs,
    /// The day so far.
    pub day: FxDay,
    /// How far a day goes.
    pub range: FxRange,
    /// The day's minute bars, oldest first.
    pub profile: Vec<(VenueBarPrices, VenueBarVolume)>,
}

/// Whose word a value of the day is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DaySource {
    /// The gateway's, from its package of this day.
    Gateway,
    /// Made of the ticks seen.
    Ticks,
}

/// The days of one pair.
#[derive(Clone, Debug, Default)]
pub struct FxDays {
    today: Option<TickDay>,
    /// Ranges of whole days before today in half ticks, oldest first.
    ranges: VecDeque<i64>,
    package: Option<Box<Package>>,
    /// A package on its way in: shown when it is complete.
    staged: Option<Box<Package>>,
}

impl FxDays {
    /// A tick, by its middle in half ticks, at a time that never decreases.
    pub fn tick(&mut self, middle: Ticks, ts: WallNs) {
        if let Some(today) = &mut self.today
            && ts.0 < today.start.0 + DAY_NS - HOUR_NS
        {
            // Most ticks: a day has 23 hours at least.
            today.high = today.high.max(middle);
            today.low = today.low.min(middle);
            today.last = ts;
            return;
        }
        let start = trading_day(ts);
        match &mut self.today {
            Some(today) if today.start == start => {
                today.high = today.high.max(middle);
                today.low = today.low.min(middle);
                today.last = ts;
            }
            before => {
                if let Some(day) = before.filter(TickDay::is_whole) {
                    if self.ranges.len() == ADR_DAYS {
                        self.ranges.pop_front();
                    }
                    self.ranges.push_back(day.range());
                }
                *before = Some(TickDay::new(start, middle, ts));
            }
        }
    }

    /// First part of a package; one that was not complete is forgotten.
    pub(super) fn day(&mut self, day: &FxDay, ts: WallNs) {
        self.staged = Some(Box::new(Package {
            ts,
            day: *day,
            range: FxRange {
                adr: Ticks::ZERO,
                projected_high: Ticks::ZERO,
                projected_low: Ticks::ZERO,
                computed: false,
            },
            profile: Vec::new(),
        }));
    }

    /// A bar of the package on its way in. Answers whether it belongs to one.
    pub(super) fn bar(&mut self, prices: &VenueBarPrices, volume: &VenueBarVolume) -> bool {
        let Some(staged) = &mut self.staged else {
            return false;
        };
        if staged.profile.len() < PROFILE_MAX {
            staged.profile.push((*prices, *volume));
        }
        true
    }

    /// Whether a package is on its way in.
    pub(super) fn is_staging(&self) -> bool {
        self.staged.is_some()
    }

    /// Last part of a package: from now on it is the day's. Answers whether there was a first part.
    pub(super) fn range(&mut self, range: &FxRange) -> bool {
        let Some(mut staged) = self.staged.take() else {
            return false;
        };
        staged.range = *range;
        self.package = Some(staged);
        true
    }

    /// The gateway's last package.
    pub fn package(&self) -> Option<&Package> {
        self.package.as_deref()
    }

    /// Today by the ticks seen.
    pub fn today(&self) -> Option<&TickDay> {
        self.today.as_ref()
    }

    /// Whole days before today whose ranges are known, [`ADR_DAYS`] at most.
    pub fn days_known(&self) -> usize {
        self.ranges.len()
    }

    /// The open of the day, in half ticks: the gateway's if its package is of this day, otherwise the first tick's.
    pub fn open(&self) -> Option<(Ticks, DaySource)> {
        if let Some(package) = self.package_of_today() {
            return Some((half_ticks(package.day.open), DaySource::Gateway));
        }
        let today = self.today.as_ref()?;
        Some((today.open, DaySource::Ticks))
    }

    /// The average range of a day, in half ticks: the gateway's if its package of this day has one, otherwise the mean of
    /// the days known, to the nearest half tick.
    pub fn adr(&self) -> Option<(Ticks, DaySource)> {
        let given = self.package_of_today().map(|package| package.range.adr);
        if let Some(adr) = given.filter(|adr| *adr > Ticks::ZERO) {
            return Some((half_ticks(adr), DaySource::Gateway));
        }
        let count = i64::try_from(self.ranges.len())
            .ok()
            .filter(|days| *days > 0)?;
        // A range is below 2^56, and there are 14.
        let sum: i64 = self.ranges.iter().sum();
        Some((Ticks((sum + count / 2) / count), DaySource::Ticks))
    }

    /// How low and how high the day may go, in half ticks: the gateway's projections if its package of this day has them,
    /// otherwise the open less and plus half the average range.
    pub fn projected(&self) -> Option<(Ticks, Ticks)> {
        if let Some(package) = self.package_of_today() {
            let (low, high) = (package.range.projected_low, package.range.projected_high);
            if low > Ticks::ZERO && high > Ticks::ZERO {
                return Some((half_ticks(low), half_ticks(high)));
            }
        }
        let ((open, _), (adr, _)) = (self.open()?, self.adr()?);
        Some((Ticks(open.0 - adr.0 / 2), Ticks(open.0 + adr.0 / 2)))
    }

    /// The package, unless ticks of a later day have come.
    fn package_of_today(&self) -> Option<&Package> {
        let package = self.package()?;
        let is_of_today = self
            .today
            .is_none_or(|today| trading_day(package.ts) >= today.start);
        is_of_today.then_some(package)
    }

    pub(super) fn state_words(&self, word: &mut impl FnMut(u64)) {
        if let Some(today) = &self.today {
            let (open, high, low) = (today.open.0, today.high.0, today.low.0);
            let times = [today.start.0, today.first.0, today.last.0];
            for value in [open, high, low].into_iter().chain(times) {
                word(value.cast_unsigned());
            }
        }
        for range in &self.ranges {
            word(range.cast_unsigned());
        }
        for package in [&self.package, &self.staged].into_iter().flatten() {
            let (day, range) = (&package.day, &package.range);
            word(package.ts.0.cast_unsigned());
            for px in [day.open, day.high, day.low, day.price] {
                word(px.0.cast_unsigned());
            }
            word(u64::from(day.digits) << 1 | u64::from(range.computed));
            for px in [range.adr, range.projected_high, range.projected_low] {
                word(px.0.cast_unsigned());
            }
            word(package.profile.len() as u64);
            for (prices, volume) in &package.profile {
                for px in [prices.open, prices.high, prices.low, prices.close] {
                    word(px.0.cast_unsigned());
                }
                word(volume.open_ts.0.cast_unsigned());
                word(volume.volume.0.cast_unsigned());
            }
        }
    }
}

fn half_ticks(px: Ticks) -> Ticks {
    Ticks(px.0.saturating_mul(2))
}

/// When the trading day of a time began: 17:00 in New York, which is 21:00 UTC in summer and 22:00 in winter.
pub fn trading_day(ts: WallNs) -> WallNs {
    let begin = |day: i64| {
        let hour = if is_summer(day) { 21 } else { 22 };
        day.saturating_mul(DAY_NS).saturating_add(hour * HOUR_NS)
    };
    let day = ts.day();
    let today = begin(day);
    WallNs(if ts.0 >= today { today } else { begin(day - 1) })
}

/// Whether New York has summer time at 17:00 of a day, counted from 1970.
fn is_summer(day: i64) -> bool {
    let (year, january) = year_of(day);
    let leap = i64::from(is_leap(year));
    // Days of the year before the month, and the first Sunday on or behind a day of it.
    let march = 59 + leap;
    let (april, october, november) = (march + 31, march + 214, march + 245);
    let sunday = |at: i64| {
        // 1970-01-01 was a Thursday, so day 3 was a Sunday.
        let from = january + at;
        from + (3 - from).rem_euclid(7)
    };
    let (first, last) = if year >= 2007 {
        // Second Sunday of March to first Sunday of November.
        (sunday(march + 7), sunday(november))
    } else {
        // First Sunday of April to last Sunday of October.
        (sunday(april), sunday(october + 24))
    };
    (first..last).contains(&day)
}

/// The year of a day, and its first of January, both counted from 1970.
fn year_of(day: i64) -> (i64, i64) {
    let january = |year: i64| {
        let before = year - 1;
        (year - 1970) * 365 + before / 4 - before / 100 + before / 400 - 477
    };
    // At most one year too late: a year has 365 days at least.
    let guess = 1970 + day.div_euclid(365);
    let mut year = guess;
    while january(year) > day {
        year -= 1;
    }
    (year, january(year))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[cfg(test)]
mod tests;
