//! Small frames of the venue, as recorded and cut short.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots so"
)]

use crate::decode::tests::{Form, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

const SNAPSHOT: &str = r#"{"type":"snapshot","product_id":"SKL-BTC","asks":[["0.00001306","12.7"]],"bids":[["0.00001304","927"],["0.00001303","1.5"]]}"#;
const UPDATE: &str = r#"{"type":"l2update","product_id":"SKL-BTC","changes":[["sell","0.00001306","660.5"],["buy","0.00001304","0"]],"time":"2021-04-17T16:43:37.075687Z"}"#;
const MATCH: &str = r#"{"type":"match","trade_id":280232,"maker_order_id":"27fff20b","side":"sell","size":"985","price":"0.00001305","product_id":"SKL-BTC","sequence":177100030,"time":"2021-04-17T16:43:37.089723Z"}"#;

fn check(frame: &str, expected: &str) {
    let found = outcome(Venue::Coinbase, "", frame.as_bytes());
    assert_eq!(found, expected, "{frame}");
}

#[test]
fn books_and_matches() {
    let attacked = MATCH.replace("sell", "buy").replace("match", "last_match");
    let seen = [SNAPSHOT, UPDATE, MATCH, &attacked]
        .map(|frame| outcome(Venue::Coinbase, "", frame.as_bytes()));
    expect![[r#"
        SKL-BTC - Depth(Depth { kind: Snapshot, first_id: 0, last_id: 0 }) bids [(1304, 9270), (1303, 15)] asks [(1306, 127)]
        SKL-BTC 1618677817075687000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [(1304, 0)] asks [(1306, 6605)]
        SKL-BTC 1618677817089723000 Trade(Single, Trade { px: (1305), qty: (9850), id: 280232, first_id: 280232, last_id: 280232, is_buyer_maker: false, best_match: true, backfilled: false, off_market: false, delayed: false })
        SKL-BTC 1618677817089723000 Trade(Single, Trade { px: (1305), qty: (9850), id: 280232, first_id: 280232, last_id: 280232, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })"#]].assert_eq(&seen.join("\n"));
}

/// What comes of a frame in which one text stands for another.
fn changed(frame: &str, changes: &[(&str, &str)]) -> String {
    let frames = changes.iter().map(|(from, to)| {
        assert!(frame.contains(from), "{from}");
        (*to, frame.replacen(from, to, 1).into_bytes())
    });
    outcomes(Venue::Coinbase, "", frames)
}

#[test]
fn all_else() {
    for (frame, expected) in [
        (
            r#"{"type":"subscriptions","channels":[]}"#,
            "SubscriptionReply",
        ),
        (
            r#"{"type":"error","message":"no"}"#,
            "VenueError { code: 0 }",
        ),
        (r#"{"type":"ticker","product_id":"SKL-BTC"}"#, "Unused"),
        (r#"{"type":"heartbeat"}"#, "Unused"),
        ("5", "refused: wrong_type at 0"),
        ("{}", "refused: missing_field at 2"),
    ] {
        check(frame, expected);
    }
    expect![[r#"
        SKL-USD              => refused: unknown_symbol at 33
        1306.5               => refused: wrong_type at 62, SKL-BTC
        660.55               => refused: off_lot at 75, SKL-BTC
        "sale"               => refused: wrong_type at 55, SKL-BTC
        [5                   => refused: wrong_type at 54, SKL-BTC
        [5,[                 => refused: wrong_type at 53, SKL-BTC
        37.075687            => refused: wrong_type at 117, SKL-BTC
        tome                 => refused: missing_field at 146, SKL-BTC
    "#]]
    .assert_eq(&changed(
        UPDATE,
        &[
            ("SKL-BTC", "SKL-USD"),
            ("1306", "1306.5"),
            ("660.5", "660.55"),
            ("\"sell\"", "\"sale\""),
            ("[\"sell\"", "[5"),
            ("[[", "[5,["),
            ("37.075687Z", "37.075687"),
            ("time", "tome"),
        ],
    ));
    expect![[r#"
        0                    => refused: not_positive at 84, SKL-BTC, Single 280232
        0.01                 => refused: off_lot at 84, SKL-BTC, Single 280232
        ""                   => refused: wrong_type at 70, SKL-BTC, Single 280232
        -1                   => refused: out_of_range at 27, SKL-BTC
        1921                 => refused: wrong_type at 162, SKL-BTC, Single 280232
    "#]]
    .assert_eq(&changed(
        MATCH,
        &[
            ("985", "0"),
            ("985", "0.01"),
            ("\"sell\"", "\"\""),
            ("280232", "-1"),
            ("2021", "1921"),
        ],
    ));
}

#[test]
fn damaged_frames() {
    for frame in [SNAPSHOT, UPDATE, MATCH] {
        check_damage(Venue::Coinbase, "", frame.as_bytes(), Form::Json);
    }
}
