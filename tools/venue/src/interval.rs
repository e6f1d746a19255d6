//! Lengths of bars, and where a bar begins.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// The first Monday after 1970-01-01, a Thursday.
const FIRST_MONDAY: i64 = 4 * DAY;

/// Every interval with its length in ms; the month has none of its own.
const ALL: [(&str, i64); 16] = [
    ("1s", SECOND),
    ("1m", MINUTE),
    ("3m", 3 * MINUTE),
    ("5m", 5 * MINUTE),
    ("15m", 15 * MINUTE),
    ("30m", 30 * MINUTE),
    ("1h", HOUR),
    ("2h", 2 * HOUR),
    ("4h", 4 * HOUR),
    ("6h", 6 * HOUR),
    ("8h", 8 * HOUR),
    ("12h", 12 * HOUR),
    ("1d", DAY),
    ("3d", 3 * DAY),
    ("1w", WEEK),
    ("1M", 0),
];

/// The interval of a bar.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Interval(usize);

impl Interval {
    /// The interval of that name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        ALL.iter().position(|(known, _)| *known == name).map(Self)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        ALL[self.0].0
    }

    /// Where the bar of a moment begins; both in ms since 1970.
    pub(crate) fn open_of(self, ms: i64) -> i64 {
        match ALL[self.0] {
            (_, 0) => month(ms, 0),
            (_, WEEK) => FIRST_MONDAY + (ms - FIRST_MONDAY).div_euclid(WEEK) * WEEK,
            (_, length) => ms.div_euclid(length) * length,
        }
    }

    /// Where the bar behind the one that begins at `open` begins.
    pub(crate) fn next(self, open: i64) -> i64 {
        match ALL[self.0] {
            (_, 0) => month(open, 1),
            (_, length) => open + length,
        }
    }
}

/// Begin of the UTC month that is `ahead` months after the one of `ms`.
fn month(ms: i64, ahead: i64) -> i64 {
    let begin = || {
        let day = Timestamp::from_millisecond(ms)
            .ok()?
            .to_zoned(TimeZone::UTC)
            .date()
            .first_of_month();
        let day = day.checked_add(jiff::Span::new().months(ahead)).ok()?;
        let begin = day.to_zoned(TimeZone::UTC).ok()?;
        Some(begin.timestamp().as_millisecond())
    };
    begin().unwrap_or(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_where_the_venue_begins_them() {
        let check = |name: &str, at: &str, open: &str, next: &str| {
            let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
            let interval = Interval::of(name).unwrap();
            assert_eq!(interval.open_of(ms(at)), ms(open), "{name} {at}");
            assert_eq!(interval.next(ms(open)), ms(next), "{name} {at}");
            assert_eq!(interval.open_of(ms(open)), ms(open), "{name} {at}");
            assert_eq!(interval.name(), name);
        };
        let at = "2024-08-08T23:54:14.999Z";
        check("1s", at, "2024-08-08T23:54:14Z", "2024-08-08T23:54:15Z");
        check("15m", at, "2024-08-08T23:45:00Z", "2024-08-09T00:00:00Z");
        check("12h", at, "2024-08-08T12:00:00Z", "2024-08-09T00:00:00Z");
        check("1w", at, "2024-08-05T00:00:00Z", "2024-08-12T00:00:00Z");
        check("1M", at, "2024-08-01T00:00:00Z", "2024-09-01T00:00:00Z");
        check(
            "1M",
            "2023-12-31T23:59:59Z",
            "2023-12-01T00:00:00Z",
            "2024-01-01T00:00:00Z",
        );
        assert_eq!(Interval::of("7m"), None);
        assert_eq!(Interval::of(""), None);
    }
}
