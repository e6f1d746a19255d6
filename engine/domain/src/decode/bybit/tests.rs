//! Small frames of the venue, as recorded and cut short.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots so"
)]

use crate::decode::tests::{Form, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

const SNAPSHOT: &str = r#"{"topic":"orderbook.500.XRPUSDT","type":"snapshot","ts":1733011200691,"data":{"s":"XRPUSDT","b":[["1.9531","6203"],["1.9530","2409"]],"a":[["1.9533","121"]],"u":20254869,"seq":130020238981},"cts":1733011200589}"#;
const DELTA: &str = r#"{"topic":"orderbook.500.XRPUSDT","type":"delta","ts":1733011200693,"data":{"s":"XRPUSDT","b":[["1.9531","6198"],["1.9529","0"]],"a":[],"u":20254870,"seq":130020239261},"cts":1733011200691}"#;

fn check(frame: &str, expected: &str) {
    let found = outcome(Venue::Bybit, "", frame.as_bytes());
    assert_eq!(found, expected, "{frame}");
}

#[test]
fn books() {
    let seen = [SNAPSHOT, DELTA].map(|frame| outcome(Venue::Bybit, "", frame.as_bytes()));
    expect![[r#"
        XRPUSDT 1733011200589000000 Depth(Depth { kind: Snapshot, first_id: 20254869, last_id: 20254869 }) bids [(19531, 6203), (19530, 2409)] asks [(19533, 121)]
        XRPUSDT 1733011200691000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 20254870, last_id: 20254870 }) bids [(19531, 6198), (19529, 0)] asks []"#]].assert_eq(&seen.join("\n"));
    // Without the matching engine's time the frame's own.
    let older = DELTA.replace(r#","cts":1733011200691"#, "");
    assert!(outcome(Venue::Bybit, "", older.as_bytes()).contains(" 1733011200693000000 "));
}

/// What comes of a frame in which one text stands for another.
fn changed(frame: &str, changes: &[(&str, &str)]) -> String {
    let frames = changes.iter().map(|(from, to)| {
        assert!(frame.contains(from), "{from}");
        (*to, frame.replacen(from, to, 1).into_bytes())
    });
    outcomes(Venue::Bybit, "", frames)
}

#[test]
fn all_else() {
    for (frame, expected) in [
        (
            r#"{"success":true,"ret_msg":"","conn_id":"x","op":"subscribe"}"#,
            "SubscriptionReply",
        ),
        (
            r#"{"success":false,"ret_msg":"no","op":"subscribe"}"#,
            "VenueError { code: 0 }",
        ),
        (r#"{"op":"pong","args":["1675418560633"]}"#, "Unused"),
        (
            r#"{"topic":"publicTrade.XRPUSDT","type":"snapshot","ts":1,"data":[]}"#,
            "Unused",
        ),
        (r#"{"topic":"tickers.XRPUSDT"}"#, "Unused"),
        ("[]", "refused: wrong_type at 0"),
        ("{}", "refused: missing_field at 2"),
        (r#"{"topic":5}"#, "refused: wrong_type at 9"),
    ] {
        check(frame, expected);
    }
    expect![[r#"
        1.95311","           => refused: off_tick at 96, XRPUSDT
        6198.5               => refused: off_lot at 105, XRPUSDT
        -1                   => refused: not_positive at 105, XRPUSDT
        "s":"XRQ             => refused: unknown_symbol at 80
                             => refused: missing_field at 175, XRPUSDT
        -20254870            => refused: out_of_range at 139, XRPUSDT
        "1"                  => refused: wrong_type at 140, XRPUSDT
        other                => refused: unknown_stream at 41, XRPUSDT
        "a":{}               => refused: wrong_type at 132, XRPUSDT
    "#]]
    .assert_eq(&changed(
        DELTA,
        &[
            ("1.9531\",\"", "1.95311\",\""),
            ("6198", "6198.5"),
            ("6198", "-1"),
            ("\"s\":\"XRP", "\"s\":\"XRQ"),
            ("\"u\":20254870,", ""),
            ("20254870", "-20254870"),
            ("20254870", "\"1\""),
            ("delta", "other"),
            ("\"a\":[]", "\"a\":{}"),
        ],
    ));
}

#[test]
fn damaged_frames() {
    for frame in [SNAPSHOT, DELTA] {
        check_damage(Venue::Bybit, "", frame.as_bytes(), Form::Json);
    }
}
