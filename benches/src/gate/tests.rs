use super::{Baseline, Comparison, Entry, Verdict, compare, instructions_of};

fn baseline() -> Baseline {
    Baseline {
        circumstances: vec![("rustc".to_owned(), "1.95.0 (abc)".to_owned())],
        entries: vec![
            Entry {
                name: "decode-trade".to_owned(),
                instructions: 100.0,
                tolerance: 2.0,
            },
            Entry {
                name: "gone".to_owned(),
                instructions: 7.25,
                tolerance: 3.5,
            },
        ],
    }
}

#[test]
fn a_baseline_is_read_as_it_was_written() {
    assert_eq!(Baseline::parse(&baseline().to_text()), Ok(baseline()));
}

#[test]
fn a_line_that_says_nothing_is_named() {
    for line in [
        "decode",
        "decode 1",
        "decode 1 2 3",
        "decode -1 2",
        "decode x 2",
    ] {
        let found = Baseline::parse(&format!("# comment\n{line}\n"));
        assert!(found.is_err_and(|it| it.starts_with("line 2:")), "{line}");
    }
}

#[test]
fn other_circumstances_are_told_one_by_one() {
    let now = |rustc: &str| vec![("rustc".to_owned(), rustc.to_owned())];
    assert!(baseline().differences(&now("1.95.0 (abc)")).is_empty());
    assert_eq!(
        baseline().differences(&now("1.96.0")),
        ["rustc was \"1.95.0 (abc)\" and is \"1.96.0\""]
    );
    assert_eq!(Baseline::default().differences(&now("1")).len(), 1);
}

#[track_caller]
fn check(before: Option<f64>, after: Option<f64>, expected: Verdict) {
    let comparison = Comparison {
        name: "it".to_owned(),
        before,
        after,
        tolerance: 2.0,
    };
    assert_eq!(comparison.verdict(), expected, "{comparison:?}");
}

#[test]
fn more_than_the_tolerance_is_worse_and_less_is_better() {
    check(Some(100.0), Some(102.0), Verdict::Same);
    check(Some(100.0), Some(102.1), Verdict::Worse);
    check(Some(100.0), Some(98.0), Verdict::Same);
    check(Some(100.0), Some(97.9), Verdict::Better);
    check(None, Some(1.0), Verdict::New);
    check(Some(1.0), None, Verdict::Gone);
}

#[test]
fn both_sides_of_a_comparison_are_complete() {
    let counted = [("new".to_owned(), 5.0), ("decode-trade".to_owned(), 110.0)];
    let found = compare(&baseline(), &counted);
    let verdicts: Vec<_> = found
        .iter()
        .map(|it| (it.name.as_str(), it.verdict()))
        .collect();
    assert_eq!(
        verdicts,
        [
            ("new", Verdict::New),
            ("decode-trade", Verdict::Worse),
            ("gone", Verdict::Gone)
        ]
    );
    assert!(
        found[1]
            .line()
            .contains("+10.00 %  MORE than the 2 % allowed")
    );
}

#[test]
fn what_valgrind_says_is_understood() {
    let said = "==7== Cachegrind\n==7== \n==7== I   refs:      1,234,567\n";
    assert_eq!(instructions_of(said), Some(1_234_567));
    assert_eq!(instructions_of("==7== I refs:        89\n"), Some(89));
    assert_eq!(instructions_of("valgrind: no such file\n"), None);
}
