use super::*;
use proptest::prelude::*;

#[test]
fn decimal_text_becomes_exact_steps() {
    #[track_caller]
    fn check(step: &str, text: &str, expected: Result<i64, DecimalError>) {
        let grid = Grid::of_step(step.as_bytes()).expect("a step");
        assert_eq!(grid.parse(text.as_bytes()), expected, "{text} on {step}");
    }
    use DecimalError::{NotANumber, OffStep, OutOfRange};
    check("0.01", "100.37", Ok(10037));
    check("0.01", "100.375", Err(OffStep));
    check("0.01000000", "61837.63000000", Ok(6_183_763));
    check("0.10", "61800.20", Ok(618_002));
    check("0.10", "61800.25", Err(OffStep));
    check("1", "35", Ok(35));
    check("1", "35.000", Ok(35));
    check("1", "35.5", Err(OffStep));
    check("0.25", "4799", Ok(19196));
    check("0.25", "4799.1", Err(OffStep));
    check("10", "120", Ok(12));
    check("10", "125", Err(OffStep));
    check("0.00000001", "0.00002853", Ok(2853));
    check("0.01", "-1.50", Ok(-150));
    check("0.01", "0", Ok(0));
    for bad in [
        "", ".", "1.", ".5", "1.2.3", "1e5", "+1", "--1", " 1", "1 ", "NaN", "0x10", "1,5",
    ] {
        check("0.01", bad, Err(NotANumber));
    }
    check("0.01", "92233720368547758.07", Ok(i64::MAX));
    check("0.01", "92233720368547758.08", Err(OutOfRange));
    check("0.01", "99999999999999999999999", Err(OutOfRange));
}

#[test]
fn a_step_is_positive_and_bounded() {
    for bad in ["0", "-1", "0.000", "x", "", "0.0000000000000000001"] {
        assert!(Grid::of_step(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn days_roll_at_midnight_utc() {
    assert_eq!(
        WallNs::from_ms(1_723_161_599_999).day() + 1,
        WallNs::from_ms(1_723_161_600_000).day()
    );
    assert_eq!(WallNs(-1).day(), -1);
    assert_eq!(WallNs(-1).ms(), -1);
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(steps in any::<i32>(), mantissa in 1_i64..1000, scale in 0_u8..9) {
        let grid = Grid::new(mantissa, scale).expect("a grid");
        let shown = grid.show(i64::from(steps)).to_string();
        prop_assert_eq!(grid.parse(shown.as_bytes()), Ok(i64::from(steps)));
        let nearest: f64 = shown.parse().expect("a float");
        prop_assert_eq!(grid.to_f64(i64::from(steps)).to_bits(), (nearest + 0.0).to_bits());
    }

    #[test]
    fn arbitrary_text_never_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = Grid::UNIT.parse(&text);
        let _ = Grid::of_step(&text);
    }
}
