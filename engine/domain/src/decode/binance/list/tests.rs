#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a tool"
)]

use crate::decode::tests::table;
use crate::decode::{Decoded, Decoder, Levels};
use crate::instrument::Venue;
use expect_test::{Expect, expect};
use std::fmt::Write as _;

/// What comes of the elements of a reply, a line for each.
#[track_caller]
fn check(venue: Venue, stream: &str, frame: &str, expected: &Expect) {
    let mut decoder = Decoder::new(table());
    let mut levels = Levels::default();
    let decoded = decoder.decode(venue, stream.as_bytes(), frame.as_bytes(), &mut levels);
    let mut said = String::new();
    match decoded {
        Ok(Decoded::List(list)) => decoder.elements(list, frame.as_bytes(), |element| {
            match element {
                Ok(element) => {
                    let time = element.ts_event.map_or(0, |ts| ts.0);
                    write!(said, "{time} {:?}", element.fact).unwrap();
                }
                Err(reject) => {
                    let reason = reject.reason.name();
                    write!(
                        said,
                        "refused: {reason} at {}, {:?}",
                        reject.at, reject.trade
                    )
                    .unwrap();
                    assert_eq!(reject.instrument, Some(list.instrument));
                }
            }
            said.push('\n');
        }),
        other => writeln!(said, "{other:?}").unwrap(),
    }
    expected.assert_eq(&said.replace("Ticks(", "(").replace("Lots(", "("));
}

#[test]
fn aggregated_trades_of_spot_and_futures() {
    check(
        Venue::BinanceSpot,
        "btcusdt@aggTrades",
        r#"[{"a":675000001,"p":"58000.27000000","q":"0.00100000","f":764000010,"l":764000012,"T":1617566592899,"m":false,"M":true},
            {"a":675000002,"p":"58000.28000000","q":"0.00200000","f":764000013,"l":764000013,"T":1617566592900,"m":true,"M":false}]"#,
        &expect![[r#"
            1617566592899000000 Trade(Aggregate, Trade { px: (5800027), qty: (100), id: 675000001, first_id: 764000010, last_id: 764000012, is_buyer_maker: false, best_match: true, backfilled: true, off_market: false, delayed: false })
            1617566592900000000 Trade(Aggregate, Trade { px: (5800028), qty: (200), id: 675000002, first_id: 764000013, last_id: 764000013, is_buyer_maker: true, best_match: false, backfilled: true, off_market: false, delayed: false })
        "#]],
    );
    check(
        Venue::BinanceUsdm,
        "btcusdt@aggTrades",
        r#"[{"a":26129,"p":"64990.90","q":"0.002","nq":"0.002","f":27781,"l":27781,"T":1786171884471,"m":true}]"#,
        &expect![[r#"
            1786171884471000000 Trade(Aggregate, Trade { px: (649909), qty: (2), id: 26129, first_id: 27781, last_id: 27781, is_buyer_maker: true, best_match: true, backfilled: true, off_market: false, delayed: false })
        "#]],
    );
}

#[test]
fn single_trades_of_spot_and_futures() {
    check(
        Venue::BinanceSpot,
        "BTCUSDT@historicalTrades",
        r#"[{"id":28457,"price":"4000.01","qty":"12.00000000","quoteQty":"48000.12","time":1499865549590,"isBuyerMaker":true,"isBestMatch":false}]"#,
        &expect![[r#"
            1499865549590000000 Trade(Single, Trade { px: (400001), qty: (1200000), id: 28457, first_id: 28457, last_id: 28457, is_buyer_maker: true, best_match: false, backfilled: true, off_market: false, delayed: false })
        "#]],
    );
    check(
        Venue::BinanceUsdm,
        "btcusdt@historicalTrades",
        r#"[{"id":28457,"price":"4000.10","qty":"12.000","quoteQty":"48000.12","time":1499865549590,"isBuyerMaker":false,"isRPITrade":true}]"#,
        &expect![[r#"
            1499865549590000000 Trade(Single, Trade { px: (40001), qty: (12000), id: 28457, first_id: 28457, last_id: 28457, is_buyer_maker: false, best_match: true, backfilled: true, off_market: false, delayed: false })
        "#]],
    );
}

#[test]
fn the_last_bar_of_a_reply_is_under_way() {
    check(
        Venue::BinanceSpot,
        "btcusdt@klines_1m",
        r#"[[1499040000000,"0.01","0.80","0.01","0.15","148.97612",1499040059999,"2434.1",308,"17.25","28.46","0"],
            [1499040060000,"0.15","0.15","0.15","0.15","0",1499040119999,"0",0,"0","0","0"]]"#,
        &expect![[r#"
            0 VenueBar(VenueBarPrices { interval_s: 60, open: (1), high: (80), low: (1), close: (15) }, VenueBarVolume { interval_s: 60, open_ts: WallNs(1499040000000000000), volume: (14897612), taker_buy_volume: (1725000), trades: 308, closed: true, history: true })
            0 VenueBar(VenueBarPrices { interval_s: 60, open: (15), high: (15), low: (15), close: (15) }, VenueBarVolume { interval_s: 60, open_ts: WallNs(1499040060000000000), volume: (0), taker_buy_volume: (0), trades: 0, closed: false, history: true })
        "#]],
    );
    check(
        Venue::BinanceSpot,
        "btcusdt@klines_1M",
        "[]",
        &expect![[r#""#]],
    );
}

#[test]
fn a_bad_element_leaves_the_others_alone() {
    check(
        Venue::BinanceSpot,
        "btcusdt@aggTrades",
        r#"[{"a":1,"p":"1.005","q":"1","f":1,"l":1,"T":1617566592899,"m":false},
            7,
            {"p":"1.00","q":"1","f":1,"l":1,"T":1617566592899,"m":false},
            {"a":4,"p":"1.00","q":"1","f":5,"l":4,"T":1617566592899,"m":false},
            {"a":5,"p":"1.00","q":"0","f":5,"l":5,"T":1617566592899,"m":false},
            {"a":6,"p":"1.00","q":"1","f":6,"l":6,"T":1617566592899,"m":false}]"#,
        &expect![[r#"
            refused: off_tick at 13, Some((Aggregate, 1))
            refused: wrong_type at 82, None
            refused: missing_field at 398, None
            refused: bad_range at 201, Some((Aggregate, 4))
            refused: not_positive at 274, Some((Aggregate, 5))
            1617566592899000000 Trade(Aggregate, Trade { px: (100), qty: (100000), id: 6, first_id: 6, last_id: 6, is_buyer_maker: false, best_match: true, backfilled: true, off_market: false, delayed: false })
        "#]],
    );
    check(
        Venue::BinanceSpot,
        "btcusdt@klines_1m",
        r#"[{}, [], [1,2,3], [1499040000000,"1","1","1","1","-1",0,"0",1,"1","1","0"], null]"#,
        &expect![[r#"
            refused: wrong_type at 1, None
            refused: missing_field at 81, None
            refused: wrong_type at 12, None
            refused: not_positive at 50, None
            refused: wrong_type at 76, None
        "#]],
    );
    check(
        Venue::BinanceSpot,
        "btcusdt@historicalTrades",
        r#"[{"id":1,"price":1,"qty":"1","time":1499865549590,"isBuyerMaker":true}, {"id":-1}, {"id":2,"price":"1","qty":"1","time":0,"isBuyerMaker":true}]"#,
        &expect![[r#"
            refused: wrong_type at 17, Some((Single, 1))
            refused: out_of_range at 78, None
            refused: out_of_range at 120, Some((Single, 2))
        "#]],
    );
}

#[test]
fn what_is_no_list_of_ours() {
    for (stream, frame) in [
        ("btcusdt@aggTrades", "[1"),
        (
            "btcusdt@aggTrades",
            r#"{"code":-1121,"msg":"Invalid symbol."}"#,
        ),
        ("unknown@aggTrades", "[]"),
        ("btcusdt@klines_2m", "[]"),
        ("btcusdt@klines", "[]"),
        ("!ticker@arr", "[{}]"),
        ("", "[]"),
    ] {
        let mut decoder = Decoder::new(table());
        let decoded = decoder.decode(
            Venue::BinanceSpot,
            stream.as_bytes(),
            frame.as_bytes(),
            &mut Levels::default(),
        );
        assert!(!matches!(decoded, Ok(Decoded::List(_))), "{stream} {frame}");
    }
}
