//! The fast ways agree with [`Grid::parse`] and with plain arithmetic.

use super::*;
use proptest::prelude::*;

fn grids() -> impl Strategy<Value = Grid> {
    let mantissa = prop_oneof![Just(1_i64), Just(5), Just(25), 1..1000_i64];
    (mantissa, 0..=Grid::SCALE_MAX)
        .prop_map(|(mantissa, scale)| Grid::new(mantissa, scale).unwrap())
}

/// Numbers as venues write them, and things that almost are numbers.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[0-9]{1,9}(\\.[0-9]{1,10})?",
        4 => "[0-9]{1,6}\\.[0-9]{1,2}0{6}",
        1 => "-?[0-9]{1,20}(\\.[0-9]{0,20})?",
        1 => "[-+0-9.eE, ]{0,12}",
    ]
}

/// Whether the text is a whole number as JSON writes it.
fn json_whole(text: &str) -> bool {
    serde_json::from_str::<u64>(text).is_ok_and(|number| number.to_string() == text)
}

/// In the middle of a frame, near its end, at its end.
fn check(text: &str, grid: Grid) {
    let right = grid.parse(text.as_bytes());
    for (before, behind) in [
        ("", ""),
        ("{\"p\":\"", "\""),
        ("{\"p\":\"", "\",\"q\":\"123.4567\",\"T\":17}"),
    ] {
        let frame = format!("{before}{text}{behind}");
        let end = before.len() + text.len();
        let found = steps(frame.as_bytes(), before.len(), end, grid);
        assert_eq!(found, right, "{text} on {grid}");
        // What stands at the front may be the beginning of something longer, which the caller has to see.
        let mut window = [0; WINDOW];
        let shown = (frame.len() - before.len()).min(WINDOW);
        window[..shown].copy_from_slice(&frame.as_bytes()[before.len()..][..shown]);
        match number(&window, grid) {
            Some((steps, len)) if len == text.len() => {
                assert_eq!(right, Ok(steps), "{text} on {grid}");
            }
            Some((_, len)) => assert!(len < text.len(), "{text} on {grid}"),
            None => {}
        }
        match whole(&window) {
            Some((number, len)) if len == text.len() => {
                assert_eq!(Grid::UNIT.parse(text.as_bytes()), Ok(number), "{text}");
                assert_eq!(number.to_string(), text);
            }
            Some((_, len)) => assert!(len < text.len(), "{text}"),
            None => assert!(text.len() > 18 || !json_whole(text), "{text}"),
        }
    }
}

#[test]
fn the_edges() {
    let grids = ["0.01", "1", "0.00000001", "0.000000001", "0.05", "5", "10"];
    let texts = [
        "0",
        "0.0",
        "1",
        "1.",
        ".1",
        "",
        "-",
        "-1",
        "-0.01",
        "00.01",
        "0.01",
        "0.010",
        "0.011",
        "0.05",
        "7",
        "9999999",
        "99999999",
        "100000000",
        "9999999.99999999",
        "9999999.999999990",
        "1.23456789",
        "1.234567891",
        "61837.63000000",
        "3.78826000",
        "92233720368547758.07",
        "92233720368547758.08",
        "18446744073709551616",
        "1e5",
        "1,5",
        "1..5",
        "1.5.5",
        "1.5-",
        " 1",
        "1 ",
    ];
    for grid in grids {
        for text in texts {
            check(text, Grid::of_step(grid.as_bytes()).unwrap());
        }
    }
}

#[test]
fn rounding_down() {
    for (text, grid, steps) in [
        ("0.1355000", "0.0001", Ok(1355)),
        ("0.13559", "0.0001", Ok(1355)),
        ("64991.37858696", "0.10", Ok(649_913)),
        ("-0.05", "0.1", Ok(-1)),
        ("-0.10", "0.1", Ok(-1)),
        ("-0.11", "0.1", Ok(-2)),
        ("7.9", "1", Ok(7)),
        ("7.99", "0.25", Ok(31)),
        ("7", "5", Ok(1)),
        ("-7", "5", Ok(-2)),
        ("7.x", "1", Err(DecimalError::NotANumber)),
        ("", "1", Err(DecimalError::NotANumber)),
        ("99999999999999999999.5", "1", Err(DecimalError::OutOfRange)),
    ] {
        let grid = Grid::of_step(grid.as_bytes()).unwrap();
        assert_eq!(
            steps_floor(text.as_bytes(), grid),
            steps,
            "{text} on {grid}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn any_text_on_any_grid(text in texts(), grid in grids()) {
        check(&text, grid);
    }

    #[test]
    fn rounded_down_is_the_step_below(text in "-?[0-9]{1,8}(\\.[0-9]{1,9})?", grid in grids()) {
        if let Ok(steps) = steps_floor(text.as_bytes(), grid) {
            let nano = Grid::new(1, 9).unwrap().parse(text.as_bytes()).unwrap();
            // value x 10^27 against steps x step x 10^27
            let value = i128::from(nano) * 10_i128.pow(18);
            let step = i128::from(grid.mantissa()) * 10_i128.pow(27 - u32::from(grid.scale()));
            prop_assert_eq!(i128::from(steps), value.div_euclid(step));
        }
    }

    #[test]
    fn rescaled_is_exact(count: i64, small in 0..10_000_000_i64, decimals in 0..=9_u8, grid in grids()) {
        for count in [count, small, -small] {
            // As decimal text, the long way.
            let text = if decimals == 0 {
                count.to_string()
            } else {
                let width = usize::from(decimals) + 1;
                let digits = format!("{:0width$}", count.unsigned_abs());
                let (whole, part) = digits.split_at(digits.len() - usize::from(decimals));
                let sign = if count < 0 { "-" } else { "" };
                format!("{sign}{whole}.{part}")
            };
            let right = grid.parse(text.as_bytes());
            let found = rescaled(count, decimals, grid);
            // The text may overflow on the way where the number fits.
            if right != Err(DecimalError::OutOfRange) {
                prop_assert_eq!(found, right, "{} on {}", text, grid);
            }
        }
    }

    #[test]
    fn whole_numbers(number: u64, digits in 1..=25_usize, before in 0..12_usize) {
        let text = number.to_string();
        let text = &text[..digits.min(text.len())];
        let frame = format!("{}{text}", ",".repeat(before));
        prop_assert_eq!(unsigned(frame.as_bytes(), before, frame.len()), text.parse().ok());
        let long = "9".repeat(digits);
        let frame = format!("{}{long}", "x".repeat(before));
        prop_assert_eq!(unsigned(frame.as_bytes(), before, frame.len()), long.parse().ok());
    }
}
