//! One line of each type, and lines that are none.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a tool"
)]

use crate::decode::tests::{Form, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

#[test]
fn lines() {
    let lines = [
        "34200.004241176,1,16113575,18,5853300,1",
        "34200.004241176,2,16113575,8,5853300,1\r\n",
        "34200.004241176,3,16113575,10,5853300,1\n",
        "34200,4,16113575,10,5853300,-1",
        "34200.004241176,5,0,10,5853300,-1",
        "34200.004241176,6,-1,10,5853300,-1",
        "34200.004241176,7,0,0,-1,-1",
    ];
    let frames = lines.map(|line| (line.trim_end(), line.as_bytes().to_vec()));
    expect![[r#"
        34200.004241176,1,16113575,18,5853300,1 => AAPL - Order(Order { action: Add, side: Bid, order_id: 16113575, px: (58533), qty: (18), other_id: 0, last: true, snapshot: false })
        34200.004241176,2,16113575,8,5853300,1 => AAPL - Order(Order { action: Cancel, side: Bid, order_id: 16113575, px: (58533), qty: (8), other_id: 0, last: true, snapshot: false })
        34200.004241176,3,16113575,10,5853300,1 => AAPL - Order(Order { action: Cancel, side: Bid, order_id: 16113575, px: (58533), qty: (0), other_id: 0, last: true, snapshot: false })
        34200,4,16113575,10,5853300,-1 => AAPL - Order(Order { action: Execute, side: Ask, order_id: 16113575, px: (58533), qty: (10), other_id: 0, last: true, snapshot: false })
        34200.004241176,5,0,10,5853300,-1 => AAPL - Order(Order { action: Trade, side: Ask, order_id: 0, px: (58533), qty: (10), other_id: 0, last: true, snapshot: false })
        34200.004241176,6,-1,10,5853300,-1 => AAPL - Order(Order { action: Trade, side: Ask, order_id: 0, px: (58533), qty: (10), other_id: 0, last: true, snapshot: false })
        34200.004241176,7,0,0,-1,-1 => AAPL - Order(Order { action: Status, side: Ask, order_id: 0, px: (0), qty: (0), other_id: 0, last: true, snapshot: false })
    "#]].assert_eq(&outcomes(Venue::Lobster, "aapl@lobster", frames));
}

#[test]
fn refusals() {
    for (line, expected) in [
        ("", "empty at 0"),
        ("\n", "malformed at 0"),
        ("34200.0,1,1,1,10000", "malformed at 19"),
        ("34200.0,1,1,1,10000,1,", "malformed at 22"),
        ("34200.0,1,1,1,10000,", "wrong_type at 20, AAPL"),
        ("34200.0,1,1,1,10000,0", "wrong_type at 20, AAPL"),
        ("34200.0,8,1,1,10000,1", "wrong_type at 8, AAPL"),
        ("34200.0,x,1,1,10000,1", "wrong_type at 8, AAPL"),
        ("34200.0,1,-1,1,10000,1", "out_of_range at 10, AAPL"),
        ("34200.0,1,x,1,10000,1", "wrong_type at 10, AAPL"),
        ("34200.0,1,,1,10000,1", "missing_field at 10, AAPL"),
        ("34200.0,1,1,0,10000,1", "not_positive at 12, AAPL"),
        ("34200.0,1,1,-1,10000,1", "not_positive at 12, AAPL"),
        ("34200.0,1,1,1.5,10000,1", "wrong_type at 12, AAPL"),
        ("34200.0,1,1,1,0,1", "not_positive at 14, AAPL"),
        ("34200.0,1,1,1,-100,1", "not_positive at 14, AAPL"),
        ("34200.0,1,1,1,10050,1", "off_tick at 14, AAPL"),
        ("34200.0,7,0,x,-1,1", "wrong_type at 12, AAPL"),
        ("-1.5,1,1,1,10000,1", "out_of_range at 0, AAPL"),
        ("-1,1,1,1,10000,1", "out_of_range at 0, AAPL"),
        ("x,1,1,1,10000,1", "wrong_type at 0, AAPL"),
        (",1,1,1,10000,1", "wrong_type at 0, AAPL"),
        ("34200.,1,1,1,10000,1", "wrong_type at 0, AAPL"),
        ("34200.0, 1,1,1,10000,1", "wrong_type at 8, AAPL"),
    ] {
        let found = outcome(Venue::Lobster, "aapl@lobster", line.as_bytes());
        assert_eq!(found, format!("refused: {expected}"), "{line}");
    }
    let line = b"34200.004241176,1,16113575,18,5853300,1";
    assert_eq!(
        outcome(Venue::Lobster, "lobster", line),
        "refused: unknown_symbol at 0"
    );
}

#[test]
fn damaged_lines() {
    let line = b"34200.004241176,1,16113575,18,5853300,-1";
    check_damage(Venue::Lobster, "aapl@lobster", line, Form::Whole);
}
