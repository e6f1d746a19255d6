//! One line of each action, and lines that are none.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a tool"
)]

use crate::decode::tests::{Form, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

const TIMES: &str = "1703462400000000000,1703422805243925307,";

#[test]
fn lines() {
    let lines = [
        "A,B,4799000000000,2,6412777162812,40,682",
        "A,A,4799250000000,6,6412777162851,168,682\n",
        "C,B,4797000000000,1,6412777264952,130,4982",
        "M,A,4800250000000,2,6412777265270,130,6007",
        "T,B,4800250000000,5,6412777265520,0,6006",
        "T,A,4800250000000,5,6412777265520,0,6006",
        "T,N,4800250000000,44,0,0,6000",
        "F,A,4800250000000,5,6412777265270,0,6006",
        "R,N,9223372036854775807,0,0,8,0",
        "R,N,,0,0,168,0",
        "A,B,-500000000,2,18446744073709551615,128,1",
    ];
    let frames = lines.map(|line| (line.trim_end(), format!("{TIMES}{line}").into_bytes()));
    expect![[r#"
        A,B,4799000000000,2,6412777162812,40,682 => ESH4 1703422805243925307 Order(Order { action: Add, side: Bid, order_id: 6412777162812, px: (19196), qty: (2), other_id: 0, last: false, snapshot: true })
        A,A,4799250000000,6,6412777162851,168,682 => ESH4 1703422805243925307 Order(Order { action: Add, side: Ask, order_id: 6412777162851, px: (19197), qty: (6), other_id: 0, last: true, snapshot: true })
        C,B,4797000000000,1,6412777264952,130,4982 => ESH4 1703422805243925307 Order(Order { action: Cancel, side: Bid, order_id: 6412777264952, px: (19188), qty: (1), other_id: 0, last: true, snapshot: false })
        M,A,4800250000000,2,6412777265270,130,6007 => ESH4 1703422805243925307 Order(Order { action: Modify, side: Ask, order_id: 6412777265270, px: (19201), qty: (2), other_id: 0, last: true, snapshot: false })
        T,B,4800250000000,5,6412777265520,0,6006 => ESH4 1703422805243925307 Order(Order { action: Trade, side: Ask, order_id: 6412777265520, px: (19201), qty: (5), other_id: 0, last: false, snapshot: false })
        T,A,4800250000000,5,6412777265520,0,6006 => ESH4 1703422805243925307 Order(Order { action: Trade, side: Bid, order_id: 6412777265520, px: (19201), qty: (5), other_id: 0, last: false, snapshot: false })
        T,N,4800250000000,44,0,0,6000 => ESH4 1703422805243925307 Order(Order { action: Trade, side: Bid, order_id: 0, px: (19201), qty: (44), other_id: 0, last: false, snapshot: false })
        F,A,4800250000000,5,6412777265270,0,6006 => ESH4 1703422805243925307 Order(Order { action: Status, side: Ask, order_id: 6412777265270, px: (19201), qty: (5), other_id: 0, last: false, snapshot: false })
        R,N,9223372036854775807,0,0,8,0 => ESH4 1703422805243925307 Order(Order { action: Clear, side: Bid, order_id: 0, px: (0), qty: (0), other_id: 0, last: false, snapshot: false })
        R,N,,0,0,168,0       => ESH4 1703422805243925307 Order(Order { action: Clear, side: Bid, order_id: 0, px: (0), qty: (0), other_id: 0, last: true, snapshot: true })
        A,B,-500000000,2,18446744073709551615,128,1 => ESH4 1703422805243925307 Order(Order { action: Add, side: Bid, order_id: 18446744073709551615, px: (-2), qty: (2), other_id: 0, last: true, snapshot: false })
    "#]].assert_eq(&outcomes(Venue::Mbo, "esh4@mbo", frames));
}

#[test]
fn refusals() {
    for (line, expected) in [
        ("A,B,4799000000000,2,1,0", "malformed at 63"),
        ("A,B,4799000000000,2,1,0,1,1", "malformed at 66"),
        ("X,B,4799000000000,2,1,0,1", "wrong_type at 40, ESH4"),
        ("A,N,4799000000000,2,1,0,1", "wrong_type at 42, ESH4"),
        ("A,b,4799000000000,2,1,0,1", "wrong_type at 42, ESH4"),
        ("C,,4799000000000,2,1,0,1", "wrong_type at 42, ESH4"),
        ("A,B,4799000000001,2,1,0,1", "off_tick at 44, ESH4"),
        ("A,B,,2,1,0,1", "missing_field at 44, ESH4"),
        (
            "A,B,9223372036854775807,2,1,0,1",
            "missing_field at 44, ESH4",
        ),
        (
            "A,B,9223372036854775808,2,1,0,1",
            "out_of_range at 44, ESH4",
        ),
        ("A,B,x,2,1,0,1", "wrong_type at 44, ESH4"),
        ("A,B,4799000000000,0,1,0,1", "not_positive at 58, ESH4"),
        ("A,B,4799000000000,-1,1,0,1", "not_positive at 58, ESH4"),
        ("A,B,4799000000000,2,-1,0,1", "out_of_range at 60, ESH4"),
        (
            "A,B,4799000000000,2,18446744073709551616,0,1",
            "out_of_range at 60, ESH4",
        ),
        ("A,B,4799000000000,2,1,x,1", "wrong_type at 62, ESH4"),
        ("A,B,4799000000000,2,1,0,", "missing_field at 64, ESH4"),
    ] {
        let line = format!("{TIMES}{line}");
        let found = outcome(Venue::Mbo, "esh4@mbo", line.as_bytes());
        assert_eq!(found, format!("refused: {expected}"), "{line}");
    }
    for (times, at) in [
        ("0,1703422805243925307", 0),
        ("1703422805243925307,-5", 20),
        ("1703422805243925307,", 20),
    ] {
        let line = format!("{times},A,B,4799000000000,2,1,0,1");
        let found = outcome(Venue::Mbo, "esh4@mbo", line.as_bytes());
        assert!(found.ends_with(&format!(" at {at}, ESH4")), "{found}");
    }
    let line = b"1703462400000000000,1703422805243925307,A,B,4799000000000,2,1,0,1";
    assert_eq!(
        outcome(Venue::Mbo, "mbo", line),
        "refused: unknown_symbol at 0"
    );
}

#[test]
fn damaged_lines() {
    let line = format!("{TIMES}A,B,4799000000000,2,6412777162812,40,682");
    check_damage(Venue::Mbo, "esh4@mbo", line.as_bytes(), Form::Line);
}
