//! Times written as text: `2021-04-17T16:43:37.075687Z`.

use crate::units::WallNs;

const DAY_S: i64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// The time; `None` unless the text is an ISO 8601 date and time of UTC, with up to nine decimals of a second, between
/// 1970 and 2200.
pub fn iso_time(text: &[u8]) -> Option<WallNs> {
    let (head, tail) = text.split_at_checked(19)?;
    let number = |range: std::ops::Range<usize>| {
        head[range].iter().try_fold(0_i64, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let marks = [head[4], head[7], head[10], head[13], head[16]];
    if marks != *b"--T::" {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let is_time = hour < 24 && minute < 60 && second < 60;
    if !is_time || !(1970..2200).contains(&year) || !(1..=days_of(year, month)?).contains(&day) {
        return None;
    }
    let seconds = day_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
    Some(WallNs(seconds * 1_000_000_000 + decimals(tail)?))
}

/// Nanoseconds of `.075687Z`, or 0 of `Z`; an offset of nothing may stand for the `Z`.
fn decimals(tail: &[u8]) -> Option<i64> {
    let tail = tail.strip_suffix(b"Z").or(tail.strip_suffix(b"+00:00"))?;
    if tail.is_empty() {
        return Some(0);
    }
    let digits = tail.strip_prefix(b".")?;
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some(digits.fold(0, |ns, digit| ns * 10 + i64::from(digit - b'0')))
}

fn days_of(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    })
}

/// Days since 1970-01-01. The year is counted from March, so that the leap day is its last.
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // Months from March on have 31, 30, 31, 30, 31 days and again.
    let of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + leap_days + of_year - DAYS_TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, ns) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.000000001Z", 1),
            ("2021-04-17T16:43:37.075687Z", 1_618_677_817_075_687_000),
            ("2021-07-22T22:45:03.5+00:00", 1_626_993_903_500_000_000),
            ("2000-02-29T23:59:59Z", 951_868_799_000_000_000),
            ("2000-03-01T00:00:00Z", 951_868_800_000_000_000),
            ("2199-12-31T23:59:59.999999999Z", 7_258_118_399_999_999_999),
        ] {
            assert_eq!(iso_time(text.as_bytes()), Some(WallNs(ns)), "{text}");
        }
    }

    #[test]
    fn no_times() {
        for text in [
            "",
            "2021-04-17T16:43:37",
            "2021-04-17 16:43:37Z",
            "2021-04-17T16:43:37.Z",
            "2021-04-17T16:43:37.0000000001Z",
            "2021-04-17T16:43:37.0x6Z",
            "2021-04-17T16:43:37+01:00",
            "2021-02-29T16:43:37Z",
            "2100-02-29T16:43:37Z",
            "2021-13-01T16:43:37Z",
            "2021-04-00T16:43:37Z",
            "2021-04-17T24:00:00Z",
            "2021-04-17T16:60:00Z",
            "2021-04-17T16:43:60Z",
            "1969-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "+021-04-17T16:43:37Z",
        ] {
            assert_eq!(iso_time(text.as_bytes()), None, "{text}");
        }
    }
}
