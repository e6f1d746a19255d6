//! Small frames of the venue, as recorded and cut short.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots so"
)]

use crate::decode::tests::{Form, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

const BOOK: &str = r#"{"timestamp": "1641343695", "microtimestamp": "1641343695681418", "bids": [["3802.90", "0.60000000"], ["3802.89", "3.23948640"]], "asks": [["3805.00", "1.00000000"]]}"#;
const DIFF: &str = r#"{"data":{"timestamp":"1641343696","microtimestamp":"1641343696505996","bids":[["3802.90","0.00000000"]],"asks":[]},"channel":"diff_order_book_ethusd","event":"data"}"#;
const TRADE: &str = r#"{"data":{"id":216000477,"timestamp":"1641343699","amount":0.0792,"amount_str":"0.07920000","price":3805.44,"price_str":"3805.44","type":0,"microtimestamp":"1641343699596000","buy_order_id":1443875737346049,"sell_order_id":1443875731320832},"channel":"live_trades_ethusd","event":"trade"}"#;
const STREAM: &str = "ethusd@depthSnapshot";

fn check(stream: &str, frame: &str, expected: &str) {
    let found = outcome(Venue::Bitstamp, stream, frame.as_bytes());
    assert_eq!(found, expected, "{frame}");
}

#[test]
fn books_and_trades() {
    let best = DIFF.replace("diff_order_book", "order_book");
    let sold = TRADE.replace("\"type\":0", "\"type\":1");
    let seen = [BOOK, DIFF, &best, TRADE, &sold]
        .map(|frame| outcome(Venue::Bitstamp, STREAM, frame.as_bytes()));
    expect![[r#"
        ETHUSD 1641343695681418000 Depth(Depth { kind: Snapshot, first_id: 1641343695681418, last_id: 1641343695681418 }) bids [(380290, 60000000), (380289, 323948640)] asks [(380500, 100000000)]
        ETHUSD 1641343696505996000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 1641343696505996, last_id: 1641343696505996 }) bids [(380290, 0)] asks []
        ETHUSD 1641343696505996000 Depth(Depth { kind: Partial, first_id: 1641343696505996, last_id: 1641343696505996 }) bids [(380290, 0)] asks []
        ETHUSD 1641343699596000000 Trade(Single, Trade { px: (380544), qty: (7920000), id: 216000477, first_id: 216000477, last_id: 216000477, is_buyer_maker: false, best_match: true, backfilled: false, off_market: false, delayed: false })
        ETHUSD 1641343699596000000 Trade(Single, Trade { px: (380544), qty: (7920000), id: 216000477, first_id: 216000477, last_id: 216000477, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })"#]].assert_eq(&seen.join("\n"));
}

/// What comes of a frame in which one text stands for another.
fn changed(frame: &str, changes: &[(&str, &str)]) -> String {
    let frames = changes.iter().map(|(from, to)| {
        assert!(frame.contains(from), "{from}");
        (*to, frame.replacen(from, to, 1).into_bytes())
    });
    outcomes(Venue::Bitstamp, "", frames)
}

#[test]
fn all_else() {
    let event = |event: &str| format!(r#"{{"event":"{event}","channel":"x","data":{{}}}}"#);
    for (frame, expected) in [
        (event("bts:subscription_succeeded"), "SubscriptionReply"),
        (event("bts:unsubscription_succeeded"), "SubscriptionReply"),
        (event("bts:error"), "VenueError { code: 0 }"),
        (event("bts:request_reconnect"), "ServerShutdown"),
        (event("bts:heartbeat"), "Unused"),
        (event("data"), "Unused"),
        ("[]".to_owned(), "refused: wrong_type at 0"),
        ("{}".to_owned(), "refused: missing_field at 2"),
    ] {
        check("", &frame, expected);
    }
    check("", BOOK, "refused: unknown_symbol at 0");
    expect![[r#"
        _ethusx              => refused: unknown_symbol at 126
        3802.901             => refused: off_tick at 80, ETHUSD
        1641343696505996     => refused: wrong_type at 51, ETHUSD
        1641343696505        => refused: out_of_range at 52, ETHUSD
        now                  => refused: wrong_type at 52, ETHUSD
        "asks":5             => refused: wrong_type at 111, ETHUSD
    "#]]
    .assert_eq(&changed(
        DIFF,
        &[
            ("_ethusd", "_ethusx"),
            ("3802.90", "3802.901"),
            ("\"1641343696505996\"", "1641343696505996"),
            ("1641343696505996", "1641343696505"),
            ("1641343696505996", "now"),
            ("\"asks\":[]", "\"asks\":5"),
        ],
    ));
    expect![[r#"
        "type":2             => refused: out_of_range at 136, ETHUSD, Single 216000477
        "0.0002              => ETHUSD 1641343699596000000 Trade(Single, Trade { px: (380544), qty: (20000), id: 216000477, first_id: 216000477, last_id: 216000477, is_buyer_maker: false, best_match: true, backfilled: false, off_market: false, delayed: false })
        "0                   => refused: not_positive at 79, ETHUSD, Single 216000477
        "3805.445            => refused: off_tick at 120, ETHUSD, Single 216000477
    "#]].assert_eq(&changed(
        TRADE,
        &[
            ("\"type\":0", "\"type\":2"),
            ("\"0.0792", "\"0.0002"),
            ("\"0.07920000", "\"0"),
            ("\"3805.44", "\"3805.445"),
        ],
    ));
}

#[test]
fn damaged_frames() {
    for frame in [BOOK, DIFF, TRADE] {
        check_damage(Venue::Bitstamp, STREAM, frame.as_bytes(), Form::Json);
    }
}
