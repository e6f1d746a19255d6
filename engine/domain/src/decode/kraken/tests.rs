//! Books of the pair as the venue sends them, events, and what is neither.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a tool"
)]

use crate::decode::tests::{Form, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

const UPDATE: &str = r#"[320,{"b":[["58724.80000","0.36000000","1617666423.690142"]],"c":"1611137690"},"book-1000","XBT/USD"]"#;
const SNAPSHOT: &str = r#"[320,{"as":[["58729.40000","0.45000000","1617666423.606671"]],"bs":[["58728.00000","2.00000000","1617666422.1"],["55225.00000","0.50000000","1617640142.435065"]]},"book-1000","XBT/USD"]"#;

#[test]
fn books() {
    let both = r#"[320,{"a":[["61308.50000","0.00000000","1617666539.868687"],["61800.00000","1.48600534","1617648977.752138","r"]]},{"b":[["56123.40000","0.06137256","1617666539.870272"]],"c":"1768150633"},"book-1000","XBT/USD"]"#;
    let frames = [
        ("update", UPDATE),
        ("both sides", both),
        ("snapshot", SNAPSHOT),
        (
            "no checksum",
            r#"[320, {"a": [["1.0", "2", "1617666423"]]}, "book-10", "XBT/USD"]"#,
        ),
        ("no levels", r#"[320,{"a":[],"c":"5"},"book-10","XBT/USD"]"#),
        (
            "twice",
            r#"[1,{"a":[["1.0","2","1617666423"]],"a":[],"c":"1","c":"2"},"book-10","XBT/USD"]"#,
        ),
    ];
    expect![[r#"
        update               => XBT/USD 1617666423690142000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [(587248, 36000000)] asks [] checksum 1611137690 depth 1000 decimals 5 8
        both sides           => XBT/USD 1617666539870272000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [(561234, 6137256)] asks [(613085, 0), (618000, 148600534)] checksum 1768150633 depth 1000 decimals 5 8
        snapshot             => XBT/USD 1617666423606671000 Depth(Depth { kind: Snapshot, first_id: 0, last_id: 0 }) bids [(587280, 200000000), (552250, 50000000)] asks [(587294, 45000000)]
        no checksum          => XBT/USD 1617666423000000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [] asks [(10, 200000000)]
        no levels            => XBT/USD - Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [] asks []
        twice                => XBT/USD 1617666423000000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [] asks [] checksum 2 depth 10 decimals 1 0
    "#]].assert_eq(&outcomes(
        Venue::Kraken,
        "",
        frames.map(|(name, frame)| (name, frame.into())),
    ));
}

#[test]
fn what_is_no_book_and_what_is_refused() {
    let frames = [
        ("heartbeat", r#"{"event":"heartbeat"}"#),
        (
            "status",
            r#"{"connectionID":17413893361151983591,"event":"systemStatus","status":"online"}"#,
        ),
        (
            "subscribed",
            r#"{"channelID":2496,"event":"subscriptionStatus","status":"subscribed"}"#,
        ),
        (
            "not subscribed",
            r#"{"errorMessage":"x","event":"subscriptionStatus","status":"error"}"#,
        ),
        (
            "trade",
            r#"[0,[["5541.20000","0.15850568","1534614057.321597","s","l",""]],"trade","XBT/USD"]"#,
        ),
        ("other pair", r#"[1,{"a":[]},"book-10","ETH/USD"]"#),
        ("no pair", r#"[1,{"a":[]},"book-10"]"#),
        ("a pair of 5", r#"[1,{"a":[]},"book-10",5]"#),
        ("nothing said", r#"[1,{},"book-10","XBT/USD"]"#),
        ("a mixture", r#"[1,{"a":[],"bs":[]},"book-10","XBT/USD"]"#),
        ("no object", r#"[1,5,"book-10","XBT/USD"]"#),
        ("depth", r#"[1,{"a":[]},"book-99999","XBT/USD"]"#),
        ("no depth", r#"[1,{"a":[]},"book-","XBT/USD"]"#),
        ("too many", r#"[1,{},{},{},{},{},{},"book-10","XBT/USD"]"#),
        (
            "no price",
            r#"[1,{"a":[["0.0","1","1617666423"]]},"book-10","XBT/USD"]"#,
        ),
        (
            "off tick",
            r#"[1,{"a":[["1.01","1","1617666423"]]},"book-10","XBT/USD"]"#,
        ),
        (
            "less than nothing",
            r#"[1,{"a":[["1.0","-1","1617666423"]]},"book-10","XBT/USD"]"#,
        ),
        ("no time", r#"[1,{"a":[["1.0","1"]]},"book-10","XBT/USD"]"#),
        (
            "a time of the moon",
            r#"[1,{"a":[["1.0","1","-5"]]},"book-10","XBT/USD"]"#,
        ),
        (
            "checksum",
            r#"[1,{"a":[],"c":"4294967296"},"book-10","XBT/USD"]"#,
        ),
        ("no event", r#"{"status":"error"}"#),
        ("a word", "5"),
        ("behind it", r#"[1,{"a":[]},"book-10","XBT/USD"]]"#),
    ];
    expect![[r#"
        heartbeat            => Unused
        status               => Unused
        subscribed           => SubscriptionReply
        not subscribed       => VenueError { code: 0 }
        trade                => Unused
        other pair           => refused: unknown_symbol at 23
        no pair              => refused: missing_field at 22
        a pair of 5          => refused: wrong_type at 22
        nothing said         => refused: missing_field at 26, XBT/USD
        a mixture            => refused: wrong_type at 3, XBT/USD
        no object            => refused: wrong_type at 3, XBT/USD
        depth                => refused: out_of_range at 13, XBT/USD
        no depth             => refused: out_of_range at 13, XBT/USD
        too many             => refused: wrong_type at 0
        no price             => refused: not_positive at 11, XBT/USD
        off tick             => refused: off_tick at 11, XBT/USD
        less than nothing    => refused: not_positive at 17, XBT/USD
        no time              => refused: missing_field at 43, XBT/USD
        a time of the moon   => refused: out_of_range at 21, XBT/USD
        checksum             => refused: out_of_range at 16, XBT/USD
        no event             => refused: missing_field at 18
        a word               => refused: wrong_type at 0
        behind it            => refused: malformed at 32
    "#]]
    .assert_eq(&outcomes(
        Venue::Kraken,
        "",
        frames.map(|(name, frame)| (name, frame.into())),
    ));
}

#[test]
fn the_stream_does_not_matter() {
    for stream in ["", "xbt/usd@book-1000", "eth/usd@book-10#2"] {
        assert_eq!(
            outcome(Venue::Kraken, stream, UPDATE.as_bytes()),
            outcome(Venue::Kraken, "x", UPDATE.as_bytes())
        );
    }
}

#[test]
fn damaged_frames() {
    check_damage(Venue::Kraken, "", UPDATE.as_bytes(), Form::Json);
    check_damage(Venue::Kraken, "", SNAPSHOT.as_bytes(), Form::Json);
}
