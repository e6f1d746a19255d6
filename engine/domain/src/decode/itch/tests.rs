//! One message of each type, by its bytes.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a tool"
)]

use crate::decode::tests::{Form, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::{Expect, expect};

/// A message of a type: the header, then the parts.
fn message(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 13, 0, 2, 0x1f, 0x60, 0xa8, 0x41, 0x08, 0x39];
    bytes.extend(parts.concat());
    bytes
}

#[track_caller]
fn check(cases: &[(&str, &[&[u8]])], expected: &Expect) {
    let frames = cases
        .iter()
        .map(|&(name, parts)| (name, message(name.as_bytes()[0], parts)));
    expected.assert_eq(&outcomes(Venue::Itch, "aapl@itch", frames));
}

const ID: &[u8] = &[0, 0, 0, 0, 0xd3, 0xed, 0xc9, 0x53];
const OTHER: &[u8] = &[0, 0, 0, 0, 0, 0, 0x67, 0x06];
const SHARES: &[u8] = &[0, 0, 0, 20];
const STOCK: &[u8] = b"AAPL    ";
/// 288.41
const PRICE: &[u8] = &[0, 0x2c, 0x02, 0x04];
const ZERO: &[u8] = &[0; 4];

#[test]
fn orders() {
    check(
        &[
            ("Add", &[ID, b"B", SHARES, STOCK, PRICE]),
            (
                "F add with its owner",
                &[ID, b"S", SHARES, STOCK, PRICE, b"MPID"],
            ),
            ("Executed", &[ID, SHARES, OTHER]),
            ("C executed at a price", &[ID, SHARES, OTHER, b"Y", PRICE]),
            ("X cancelled", &[ID, SHARES]),
            ("Deleted", &[ID]),
            ("U replaced", &[ID, OTHER, SHARES, PRICE]),
            ("P trade", &[ID, b"B", SHARES, STOCK, PRICE, OTHER]),
            ("Q cross", &[OTHER, STOCK, PRICE, ID, b"O"]),
            ("Broken trade", &[ID]),
        ],
        &expect![[r#"
            Add                  => AAPL - Order(Order { action: Add, side: Bid, order_id: 3555576147, px: (28841), qty: (20), other_id: 0, last: true, snapshot: false })
            F add with its owner => AAPL - Order(Order { action: Add, side: Ask, order_id: 3555576147, px: (28841), qty: (20), other_id: 0, last: true, snapshot: false })
            Executed             => AAPL - Order(Order { action: Execute, side: Bid, order_id: 3555576147, px: (0), qty: (20), other_id: 26374, last: true, snapshot: false })
            C executed at a price => AAPL - Order(Order { action: Execute, side: Bid, order_id: 3555576147, px: (28841), qty: (20), other_id: 26374, last: true, snapshot: false })
            X cancelled          => AAPL - Order(Order { action: Cancel, side: Bid, order_id: 3555576147, px: (0), qty: (20), other_id: 0, last: true, snapshot: false })
            Deleted              => AAPL - Order(Order { action: Cancel, side: Bid, order_id: 3555576147, px: (0), qty: (0), other_id: 0, last: true, snapshot: false })
            U replaced           => AAPL - Order(Order { action: Replace, side: Bid, order_id: 3555576147, px: (28841), qty: (20), other_id: 26374, last: true, snapshot: false })
            P trade              => AAPL - Order(Order { action: Trade, side: Bid, order_id: 3555576147, px: (28841), qty: (20), other_id: 26374, last: true, snapshot: false })
            Q cross              => AAPL - Order(Order { action: Status, side: Bid, order_id: 0, px: (0), qty: (0), other_id: 3555576147, last: true, snapshot: false })
            Broken trade         => AAPL - Order(Order { action: Status, side: Bid, order_id: 0, px: (0), qty: (0), other_id: 3555576147, last: true, snapshot: false })
        "#]],
    );
}

/// Types that only say a state, with the bytes behind their header.
const STATES: [(u8, usize); 13] = [
    (b'S', 1),
    (b'R', 28),
    (b'H', 14),
    (b'Y', 9),
    (b'L', 15),
    (b'V', 24),
    (b'W', 1),
    (b'K', 17),
    (b'J', 24),
    (b'h', 10),
    (b'I', 39),
    (b'N', 9),
    (b'O', 37),
];

#[test]
fn states() {
    for (kind, rest) in STATES {
        let found = outcome(
            Venue::Itch,
            "aapl@itch",
            &message(kind, &[&vec![b' '; rest]]),
        );
        assert!(
            found.starts_with("AAPL - Order(Order { action: Status, side: Bid, order_id: 0,"),
            "{found}"
        );
    }
    // Of the whole market, on a stream of no symbol.
    for kind in [b'S', b'W'] {
        assert_eq!(
            outcome(Venue::Itch, "@itch", &message(kind, &[b"O"])),
            "Unused"
        );
    }
    assert_eq!(
        outcome(Venue::Itch, "itch", &message(b'V', &[&[0; 24]])),
        "Unused"
    );
}

#[test]
fn each_type_has_one_length() {
    let orders = [
        (b'A', 25),
        (b'F', 29),
        (b'E', 20),
        (b'C', 25),
        (b'X', 12),
        (b'D', 8),
        (b'U', 24),
        (b'P', 33),
        (b'Q', 29),
        (b'B', 8),
    ];
    let known: Vec<_> = orders.into_iter().chain(STATES).collect();
    for kind in 0..=u8::MAX {
        for rest in 0..60 {
            let found = outcome(
                Venue::Itch,
                "aapl@itch",
                &message(kind, &[&vec![b'B'; rest]]),
            );
            let right = known.contains(&(kind, rest));
            assert_eq!(
                found == "refused: malformed at 0",
                !right,
                "{} + {rest}: {found}",
                char::from(kind)
            );
        }
        assert_eq!(
            outcome(Venue::Itch, "aapl@itch", &[kind]),
            "refused: malformed at 0"
        );
    }
}

#[test]
fn refusals() {
    check(
        &[
            ("A no side", &[ID, b"N", SHARES, STOCK, PRICE]),
            ("A no shares", &[ID, b"B", ZERO, STOCK, PRICE]),
            ("A no price", &[ID, b"B", SHARES, STOCK, ZERO]),
            ("A off tick", &[ID, b"B", SHARES, STOCK, &[0, 0, 0, 1]]),
            ("X nothing", &[ID, ZERO]),
            ("E nothing", &[ID, ZERO, OTHER]),
            ("U by nothing", &[ID, OTHER, ZERO, PRICE]),
        ],
        &expect![[r#"
            A no side            => refused: wrong_type at 19, AAPL
            A no shares          => refused: not_positive at 20, AAPL
            A no price           => refused: not_positive at 32, AAPL
            A off tick           => refused: off_tick at 32, AAPL
            X nothing            => refused: not_positive at 19, AAPL
            E nothing            => refused: not_positive at 19, AAPL
            U by nothing         => refused: not_positive at 27, AAPL
        "#]],
    );
    let add = message(b'A', &[ID, b"B", SHARES, STOCK, PRICE]);
    for stream in ["msft@itch", "@itch", "itch"] {
        assert_eq!(
            outcome(Venue::Itch, stream, &add),
            "refused: unknown_symbol at 0"
        );
    }
}

#[test]
fn damaged_messages() {
    let add = message(b'A', &[ID, b"B", SHARES, STOCK, PRICE]);
    check_damage(Venue::Itch, "aapl@itch", &add, Form::Whole);
    check_damage(
        Venue::Itch,
        "aapl@itch",
        &message(b'U', &[ID, OTHER, SHARES, PRICE]),
        Form::Whole,
    );
    check_damage(
        Venue::Itch,
        "aapl@itch",
        &message(b'P', &[ID, b"S", SHARES, STOCK, PRICE, OTHER]),
        Form::Whole,
    );
}
