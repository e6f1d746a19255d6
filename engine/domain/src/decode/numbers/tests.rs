use super::*;
use proptest::prelude::*;

fn grid(step: &str) -> Grid {
    Grid::of_step(step.as_bytes()).unwrap()
}

#[test]
fn exponents_are_exact() {
    let check = |text: &str, step: &str, expected| {
        assert_eq!(scientific(text.as_bytes(), grid(step)), expected, "{text}");
    };
    check("1e-05", "0.00001", Ok(1));
    check("1.3e-07", "0.00000001", Ok(13));
    check("6.981E-05", "0.00000001", Ok(6981));
    check("-2.5e-1", "0.05", Ok(-5));
    check("1e3", "0.1", Ok(10_000));
    check("1.50e+2", "1", Ok(150));
    check("0e-300", "1", Ok(0));
    check("0.0e99999", "1", Ok(0));
    check("10e-19", "0.000000000000000001", Ok(1));
    check("1e-05", "0.0001", Err(DecimalError::OffStep));
    check("1e-19", "0.000000000000000001", Err(DecimalError::OffStep));
    check("1e-300", "1", Err(DecimalError::OffStep));
    check("1e19", "1", Err(DecimalError::OutOfRange));
    check("1e99999999999", "1", Err(DecimalError::OutOfRange));
    check(
        "99999999999999999999e-5",
        "1",
        Err(DecimalError::OutOfRange),
    );
    for bad in ["1", "e5", "1e", "1e+", ".5e1", "1x2e5", "1e5x", "-e5"] {
        check(bad, "1", Err(DecimalError::NotANumber));
    }
}

#[test]
fn times_of_the_calendar() {
    let check = |text: &str, expected| assert_eq!(calendar_ns(text.as_bytes()), expected, "{text}");
    check("1970-01-01T00:00:00Z", Some(0));
    check("2000-02-29T12:00:00.5Z", Some(951_825_600_500_000_000));
    check(
        "2021-07-22T22:45:25.101992+00:00",
        Some(1_626_993_925_101_992_000),
    );
    check(
        "2199-12-31T23:59:59.999999999Z",
        Some(7_258_118_399_999_999_999),
    );
    for bad in [
        "",
        "2021-07-22",
        "2021-02-29T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "2021-01-01T24:00:00Z",
        "2021-01-01T00:60:00Z",
        "2021-01-01T00:00:60Z",
        "2021-01-01T00:00:00",
        "2021-01-01T00:00:00.Z",
        "2021-01-01T00:00:00.1234567890Z",
        "2021-01-01T00:00:00+02:00",
        "2021-01-01 00:00:00Z",
        "x021-01-01T00:00:00Z",
        "1969-01-01T00:00:00Z",
        "2200-01-01T00:00:00Z",
    ] {
        check(bad, None);
    }
}

proptest! {
    #[test]
    fn an_exponent_says_what_the_plain_text_says(count in 0..1_000_000_000_000_i64, shift in 0..12_usize) {
        let text = format!("{count}e-{shift:02}");
        let digits = format!("{count:0>width$}", width = shift + 1);
        let (whole, part) = digits.split_at(digits.len() - shift);
        let plain = if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") };
        for step in ["0.000000000001", "0.01", "0.5", "1"] {
            let step = grid(step);
            prop_assert_eq!(scientific(text.as_bytes(), step), step.parse(plain.as_bytes()));
        }
    }

    #[test]
    fn days_count_on(day in 0..84_000_i64) {
        // Walked from the start, a day at a time.
        let (mut year, mut left) = (1970, day);
        while left >= 365 + i64::from(is_leap(year)) {
            left -= 365 + i64::from(is_leap(year));
            year += 1;
        }
        let mut month = 1;
        while left >= days_of(year, month) {
            left -= days_of(year, month);
            month += 1;
        }
        let text = format!("{year}-{month:02}-{:02}T00:00:00Z", left + 1);
        prop_assert_eq!(calendar_ns(text.as_bytes()), Some(day * 86_400_000_000_000));
    }
}
