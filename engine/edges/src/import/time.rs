//! Times as files write them, into exact nanoseconds. No time passes through floating point.

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
}
