//! Times as files write them, into exact nanoseconds. No time passes through floating point.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use pitlane_domain::units::WallNs;

/// Unit of a whole-number time, judged by its magnitude.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// The unit in which this count since 1970 lies between 1973 and 5138.
    fn of(count: u64) -> Self {
        match count {
            0..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Micros,
            _ => Self::Nanos,
        }
    }

    pub(super) fn ns(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// A whole number since 1970 in the unit its magnitude says.
pub(super) fn by_magnitude(text: &[u8]) -> Option<(WallNs, Unit)> {
    let count = digits(text)?;
    let unit = Unit::of(count);
    let ns = i64::try_from(count).ok()?.checked_mul(unit.ns())?;
    Some((WallNs(ns), unit))
}

/// Decimal text counted in `unit_ns` nanoseconds, exactly; digits below a nanosecond are cut.
pub(super) fn decimal(text: &[u8], unit_ns: i64) -> Option<i64> {
    let (whole, part) = match text.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b"0"[..]),
    };
    let mut ns = i64::try_from(digits(whole)?).ok()?.checked_mul(unit_ns)?;
    if part.is_empty() {
        return None;
    }
    let mut step = unit_ns;
    for byte in part {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        step /= 10;
        ns = ns.checked_add(digit * step)?;
    }
    Some(ns)
}

/// `2013-01-01 22:00:00.295000+00:00`, `2025-07-17T07:05:09.035793433Z`; without an offset it is UTC.
pub(super) fn iso(text: &[u8]) -> Option<WallNs> {
    let text = std::str::from_utf8(text).ok()?;
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<DateTime>().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    i64::try_from(at.as_nanosecond()).ok().map(WallNs)
}

/// The beginning of a day somewhere, ns since 1970 UTC.
pub(super) fn midnight(day: Date, zone: TimeZone) -> Option<i64> {
    let at = day.to_zoned(zone).ok()?.timestamp();
    i64::try_from(at.as_nanosecond()).ok()
}

/// The time of the New York exchanges. From the rules built in, so every machine reads a file alike.
pub(super) fn new_york() -> TimeZone {
    TimeZoneDatabase::bundled()
        .get("America/New_York")
        .expect("the built-in rules know New York")
}

/// Appends ns as decimal milliseconds, without zeros at the end.
pub(super) fn push_ms(to: &mut Vec<u8>, ns: i64) {
    let (ms, part) = (ns.div_euclid(1_000_000), ns.rem_euclid(1_000_000));
    to.extend_from_slice(ms.to_string().as_bytes());
    if part > 0 {
        let part = format!("{part:06}");
        to.push(b'.');
        to.extend_from_slice(part.trim_end_matches('0').as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_judged_by_magnitude() {
        let check = |text: &str, expected: Option<(i64, Unit)>| {
            let got = by_magnitude(text.as_bytes());
            assert_eq!(got, expected.map(|(ns, unit)| (WallNs(ns), unit)), "{text}");
        };
        check(
            "1723161256",
            Some((1_723_161_256_000_000_000, Unit::Seconds)),
        );
        check(
            "1723161256172",
            Some((1_723_161_256_172_000_000, Unit::Millis)),
        );
        check(
            "1723161256172216",
            Some((1_723_161_256_172_216_000, Unit::Micros)),
        );
        check(
            "1723161256172216566",
            Some((1_723_161_256_172_216_566, Unit::Nanos)),
        );
        check("", None);
        check("-1", None);
        check("1e9", None);
        check("99999999999999999999", None);
    }

    #[test]
    fn decimals_are_exact() {
        let check = |text: &str, unit: i64, expected: Option<i64>| {
            assert_eq!(decimal(text.as_bytes(), unit), expected, "{text}");
        };
        check(
            "1617566592.8266912",
            1_000_000_000,
            Some(1_617_566_592_826_691_200),
        );
        check(
            "1617566592.9246662",
            1_000_000_000,
            Some(1_617_566_592_924_666_200),
        );
        check("34200.004241176", 1_000_000_000, Some(34_200_004_241_176));
        check("34200.0042411769", 1_000_000_000, Some(34_200_004_241_176));
        check("43.142", 1_000_000, Some(43_142_000));
        check("62.2662", 1_000_000, Some(62_266_200));
        check("1787", 1_000_000, Some(1_787_000_000));
        check("1.", 1, None);
        check(".5", 1, None);
        check("1.5.2", 1_000_000_000, None);
        check("99999999999999", 1_000_000_000, None);
    }

    #[test]
    fn iso_times_are_exact() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(iso(text.as_bytes()), expected.map(WallNs), "{text}");
        };
        check(
            "2013-01-01 22:00:00.295000+00:00",
            Some(1_357_077_600_295_000_000),
        );
        check(
            "2025-07-17T07:05:09.035793433Z",
            Some(1_752_735_909_035_793_433),
        );
        check("2013-01-01 22:00:00.295", Some(1_357_077_600_295_000_000));
        check("2013-01-01T23:00:00+01:00", Some(1_357_077_600_000_000_000));
        check("2013-13-01 22:00:00", None);
        check("yesterday", None);
    }

    #[test]
    fn new_york_changes_its_clocks() {
        let offset = |day: &str| {
            let day: Date = day.parse().unwrap();
            let gap = midnight(day, new_york()).unwrap() - midnight(day, TimeZone::UTC).unwrap();
            gap / 3_600_000_000_000
        };
        assert_eq!(offset("2012-06-21"), 4);
        assert_eq!(offset("2019-12-30"), 5);
        assert_eq!(offset("1970-01-01"), 5);
    }

    #[test]
    fn milliseconds_have_no_zeros_to_spare() {
        let check = |ns: i64, expected: &str| {
            let mut text = Vec::new();
            push_ms(&mut text, ns);
            assert_eq!(text, expected.as_bytes());
        };
        check(1_398_902_400_043_142_000, "1398902400043.142");
        check(1_398_902_400_062_266_200, "1398902400062.2662");
        check(1_398_902_401_787_000_000, "1398902401787");
        check(1, "0.000001");
    }
}
