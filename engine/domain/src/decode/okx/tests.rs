//! Books, trades and tickers as the venue sends them, replies, and what is none.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a tool"
)]

use crate::decode::tests::{Form, check_damage, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

const UPDATE: &str = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["30243.5","1.2112","0","4"],["30247.5","0","0","0"]],"bids":[["30177.8","0.649","0","1"]],"ts":"1652459225453","checksum":-652563973}]}"#;
const TRADE: &str = r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"7849","px":"30218.8","sz":"1","side":"buy","ts":"1652459199958"}]}"#;
const TICKER: &str = r#"{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"30218.8","lastSz":"1","askPx":"30220.1","askSz":"3","bidPx":"30210.4","bidSz":"4","ts":"1652459223003"}]}"#;

fn of_channel(channel: &str, action: &str, data: &str) -> Vec<u8> {
    format!(r#"{{"arg":{{"channel":"{channel}","instId":"BTC-USDT"}},{action}"data":[{data}]}}"#)
        .into()
}

#[test]
fn books() {
    let book = r#"{"asks":[["2","5"]],"bids":[["1.5","7","0","1"]],"ts":"1652459225453","checksum":-1,"seqId":9,"prevSeqId":8}"#;
    let frames = [
        ("update", UPDATE.into()),
        (
            "any order",
            br#"{"data":[{"checksum":2147483647,"bids":[],"ts":"1652459225453","asks":[]}],"action":"snapshot","arg":{"instId":"btc-usdt","channel":"books-l2-tbt"}}"#.to_vec(),
        ),
        ("numbered", of_channel("books", r#""action":"update","#, book)),
        (
            "first numbered",
            of_channel(
                "books",
                r#""action":"snapshot","#,
                &book.replace("\"prevSeqId\":8", "\"prevSeqId\":-1"),
            ),
        ),
        ("five levels", of_channel("books5", "", book)),
        (
            "no checksum",
            of_channel("books", r#""action":"update","#, r#"{"asks":[],"bids":[],"ts":"1652459225453"}"#),
        ),
    ];
    expect![[r#"
        update               => BTC-USDT 1652459225453000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [(301778, 64900000)] asks [(302435, 121120000), (302475, 0)] checksum 3642403323 depth 0 decimals 0 0
        any order            => BTC-USDT 1652459225453000000 Depth(Depth { kind: Snapshot, first_id: 0, last_id: 0 }) bids [] asks [] checksum 2147483647 depth 0 decimals 0 0
        numbered             => BTC-USDT 1652459225453000000 Depth(Depth { kind: Diff { prev_id: Some(8) }, first_id: 9, last_id: 9 }) bids [(15, 700000000)] asks [(20, 500000000)] checksum 4294967295 depth 0 decimals 0 0
        first numbered       => BTC-USDT 1652459225453000000 Depth(Depth { kind: Snapshot, first_id: 9, last_id: 9 }) bids [(15, 700000000)] asks [(20, 500000000)] checksum 4294967295 depth 0 decimals 0 0
        five levels          => BTC-USDT 1652459225453000000 Depth(Depth { kind: Partial, first_id: 9, last_id: 9 }) bids [(15, 700000000)] asks [(20, 500000000)] checksum 4294967295 depth 0 decimals 0 0
        no checksum          => BTC-USDT 1652459225453000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [] asks []
    "#]].assert_eq(&outcomes(Venue::Okx, "", frames));
}

#[test]
fn trades_and_tickers() {
    let one = r#"{"tradeId":"10","px":"30218.8","sz":"0.5","side":"sell","ts":"1652459199958","count":"3"}"#;
    let ticker = |fields: &str| {
        of_channel(
            "tickers",
            "",
            &format!("{{{fields},\"ts\":\"1652459223003\"}}"),
        )
    };
    let frames = [
        ("trade", TRADE.into()),
        (
            "two trades",
            of_channel(
                "trades",
                "",
                &format!("{one},{}", one.replace("\"10\"", "\"11\"")),
            ),
        ),
        ("no trade", of_channel("trades", "", "")),
        (
            "too many fills",
            of_channel("trades", "", &one.replace("\"3\"", "\"12\"")),
        ),
        (
            "no side",
            of_channel("trades", "", &one.replace("sell", "sold")),
        ),
        (
            "nothing traded",
            of_channel("trades", "", &one.replace("0.5", "0")),
        ),
        (
            "for nothing",
            of_channel("trades", "", &one.replace("30218.8", "0")),
        ),
        (
            "no id",
            of_channel("trades", "", &one.replace("tradeId", "tradeid")),
        ),
        ("ticker", TICKER.into()),
        (
            "no ask",
            ticker(r#""bidPx":"1","bidSz":"2","askPx":"","askSz":"""#),
        ),
        (
            "nothing offered",
            ticker(r#""bidPx":"1","bidSz":"2","askPx":"5","askSz":"0""#),
        ),
        (
            "no touch",
            ticker(r#""bidPx":"","bidSz":"","askPx":"","askSz":"""#),
        ),
        (
            "crossed",
            ticker(r#""bidPx":"3","bidSz":"2","askPx":"2","askSz":"1""#),
        ),
        (
            "apart",
            ticker(r#""bidPx":"3","bidSz":"2","askPx":"999999999","askSz":"1""#),
        ),
        ("no bid at all", ticker(r#""askPx":"2","askSz":"1""#)),
    ];
    expect![[r#"
        trade                => BTC-USDT Single 1652459199958000000 7849 from 7849 buy (302188, 100000000)
        two trades           => BTC-USDT Single 1652459199958000000 10 from 8 sell (302188, 50000000) 1652459199958000000 11 from 9 sell (302188, 50000000)
        no trade             => Unused
        too many fills       => refused: bad_range at 142, BTC-USDT
        no side              => refused: wrong_type at 106, BTC-USDT
        nothing traded       => refused: not_positive at 93, BTC-USDT
        for nothing          => refused: not_positive at 78, BTC-USDT
        no id                => refused: missing_field at 147, BTC-USDT
        ticker               => BTC-USDT 1652459223003000000 Quote(Quote { bid_px: (302104), bid_qty: (400000000), ask_px: (302201), ask_qty: (300000000), update_id: 0 })
        no ask               => BTC-USDT 1652459223003000000 Quote(Quote { bid_px: (10), bid_qty: (200000000), ask_px: (10), ask_qty: (0), update_id: 0 })
        nothing offered      => BTC-USDT 1652459223003000000 Quote(Quote { bid_px: (10), bid_qty: (200000000), ask_px: (10), ask_qty: (0), update_id: 0 })
        no touch             => Unused
        crossed              => refused: crossed at 91, BTC-USDT
        apart                => refused: out_of_range at 91, BTC-USDT
        no bid at all        => refused: missing_field at 105, BTC-USDT
    "#]].assert_eq(&outcomes(Venue::Okx, "", frames));
}

#[test]
fn what_is_noticed_and_what_is_refused() {
    let action = r#""action":"update","#;
    let book = |fields: &str| of_channel("books", action, &format!("{{{fields}}}"));
    let frames: Vec<(&str, Vec<u8>)> = vec![
        ("pong", b"pong".to_vec()),
        (
            "subscribed",
            br#"{"event":"subscribe","arg":{"channel":"books","instId":"X"}}"#.to_vec(),
        ),
        (
            "error",
            br#"{"event":"error","msg":"x","code":"60012"}"#.to_vec(),
        ),
        ("error without code", br#"{"event":"error"}"#.to_vec()),
        ("other event", br#"{"event":"login"}"#.to_vec()),
        ("other channel", of_channel("mark-price", "", "{}")),
        (
            "other symbol",
            br#"{"arg":{"channel":"books","instId":"ETH-USDT"},"action":"update","data":[{}]}"#
                .to_vec(),
        ),
        (
            "no channel",
            br#"{"arg":{"instId":"BTC-USDT"},"data":[]}"#.to_vec(),
        ),
        ("no action", of_channel("books", "", "{}")),
        (
            "other action",
            of_channel("books", r#""action":"upset","#, "{}"),
        ),
        ("no book", of_channel("books", action, "")),
        ("two books", of_channel("books", action, "{},{}")),
        ("a book of 5", of_channel("books", action, "5")),
        ("one side", book(r#""asks":[],"ts":"1652459225453""#)),
        ("no time", book(r#""asks":[],"bids":[]"#)),
        ("bad time", book(r#""asks":[],"bids":[],"ts":"16x""#)),
        (
            "bad checksum",
            book(r#""asks":[],"bids":[],"ts":"1652459225453","checksum":2147483648"#),
        ),
        (
            "bad side",
            book(r#""asks":{},"bids":[],"ts":"1652459225453""#),
        ),
        (
            "bad level",
            book(r#""asks":["1"],"bids":[],"ts":"1652459225453""#),
        ),
        (
            "empty level",
            book(r#""asks":[[]],"bids":[],"ts":"1652459225453""#),
        ),
        (
            "off lot",
            book(r#""asks":[["1","0.000000001"]],"bids":[],"ts":"1652459225453""#),
        ),
        ("a list", b"[]".to_vec()),
    ];
    expect![[r#"
        pong                 => Unused
        subscribed           => SubscriptionReply
        error                => VenueError { code: 60012 }
        error without code   => VenueError { code: 0 }
        other event          => Unused
        other channel        => Unused
        other symbol         => refused: unknown_symbol at 36
        no channel           => refused: missing_field at 39
        no action            => refused: missing_field at 59, BTC-USDT
        other action         => refused: wrong_type at 57, BTC-USDT
        no book              => refused: missing_field at 72, BTC-USDT
        two books            => refused: too_many_levels at 76, BTC-USDT
        a book of 5          => refused: wrong_type at 73, BTC-USDT
        one side             => refused: missing_field at 105, BTC-USDT
        no time              => refused: missing_field at 96, BTC-USDT
        bad time             => refused: wrong_type at 100, BTC-USDT
        bad checksum         => refused: out_of_range at 126, BTC-USDT
        bad side             => refused: wrong_type at 81, BTC-USDT
        bad level            => refused: wrong_type at 83, BTC-USDT
        empty level          => refused: missing_field at 119, BTC-USDT
        off lot              => refused: off_lot at 88, BTC-USDT
        a list               => refused: wrong_type at 0
    "#]]
    .assert_eq(&outcomes(Venue::Okx, "", frames));
}

#[test]
fn damaged_frames() {
    for frame in [UPDATE, TRADE, TICKER] {
        check_damage(Venue::Okx, "", frame.as_bytes(), Form::Json);
    }
}
