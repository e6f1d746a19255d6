//! Small frames and what comes of them.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a tool"
)]

use crate::decode::tests::{Form, RECENT, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::{Expect, expect};

#[track_caller]
pub(super) fn check_on(venue: Venue, stream: &str, frame: &str, expected: &Expect) {
    expected.assert_eq(&outcome(venue, stream, frame.as_bytes()));
}

/// A raw spot frame.
#[track_caller]
pub(super) fn check(stream: &str, frame: &str, expected: &Expect) {
    check_on(Venue::BinanceSpot, stream, frame, expected);
}

/// Changes of one spot frame: what comes of it when `from` is replaced by each of the cases, which a bar separates.
#[track_caller]
pub(super) fn check_changes(frame: &str, from: &str, cases: &str, expected: &Expect) {
    assert_eq!(frame.matches(from).count(), 1, "{from} in {frame}");
    let frames = cases
        .split(" | ")
        .map(|to| (to, frame.replace(from, to).into_bytes()));
    expected.assert_eq(&outcomes(Venue::BinanceSpot, "", frames));
}

#[test]
fn recent_frames() {
    let mut found = String::new();
    for frame in RECENT {
        found += &outcome(Venue::BinanceUsdm, "", frame.as_bytes());
        found += "\n";
    }
    expect![[r#"
        BTCUSDT 1786171884471000000 Trade(Aggregate, Trade { px: (649909), qty: (2), id: 3404749954, first_id: 7960913511, last_id: 7960913511, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        BTCUSDT 1786171884000000000 MarkPrice(MarkPrice { mark_e8: 6499137858696, index_e8: 6501605673913, rate_e8: 3936, next_funding_ms: 1786176000000 })
        BTCUSDT 1786173360960000000 VenueBar(VenueBarPrices { interval_s: 60, open: (649708), high: (649709), low: (649694), close: (649694) }, VenueBarVolume { interval_s: 60, open_ts: WallNs(1786173300000000000), volume: (9090), taker_buy_volume: (3460), trades: 194, closed: true, history: false })
        STGUSDT 1786172556607000000 Liquidation(Liquidation { side: Ask, px: (13360), avg_px: (13550), qty: (5), filled_qty: (5) })
        IOTXUSDT 1634653599180000000 Liquidation(Liquidation { side: Ask, px: (6606), avg_px: (6669), qty: (3661), filled_qty: (3661) })
        ETHUSDT 1738661434384000000 Liquidation(Liquidation { side: Ask, px: (269406), avg_px: (270451), qty: (36), filled_qty: (36) })
        COTIUSDT 1789672235690000000 Liquidation(Liquidation { side: Bid, px: (220482), avg_px: (219120), qty: (288183), filled_qty: (288183) })
    "#]].assert_eq(&found);
}

const TRADE: &str = r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#;
const AGG_TRADE: &str = r#"{"e":"aggTrade","E":1617566592900,"s":"BTCUSDT","a":675000001,"p":"58000.27000000","q":"0.00100000","f":764000010,"l":764000012,"T":1617566592899,"m":false,"M":true}"#;
const QUOTE: &str = r#"{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}"#;
pub(super) const DEPTH: &str = r#"{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":50093239189,"u":50093239202,"b":[["61737.63000000","0.00000000"],["61730.17000000","1.50000000"]],"a":[["61837.64000000","1.54698000"]]}"#;
const KLINE: &str = r#"{"e":"kline","E":1672515782136,"s":"BTCUSDT","k":{"t":1672515780000,"T":1672515839999,"s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"16500.10","c":"16501.20","h":"16502.30","l":"16499.40","v":"10.00000","n":100,"x":false,"q":"1.0000","V":"5.00000","Q":"0.500","B":"123456"}}"#;
const TICKER: &str = r#"{"e":"24hrTicker","E":1672515782136,"s":"BTCUSDT","p":"-15.00","P":"-0.250","w":"16500.123","x":"16490.00","c":"16501.20","Q":"1","b":"16501.19","B":"1","a":"16501.21","A":"1","o":"16516.20","h":"16600.00","l":"16400.00","v":"10000.5","q":"18","O":1672429382136,"C":1672515782136,"F":0,"L":18150,"n":18151}"#;

#[test]
fn trades() {
    check(
        "",
        TRADE,
        &expect![
            "BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })"
        ],
    );
    check(
        "",
        AGG_TRADE,
        &expect![
            "BTCUSDT 1617566592899000000 Trade(Aggregate, Trade { px: (5800027), qty: (100), id: 675000001, first_id: 764000010, last_id: 764000012, is_buyer_maker: false, best_match: true, backfilled: false, off_market: false, delayed: false })"
        ],
    );
    let cases = r#""0.02" | "0.020001" | "0" | "0.00000000" | "-0.02" | "" | "x" | 0.02 | null"#;
    check_changes(
        TRADE,
        "\"0.02000000\"",
        cases,
        &expect![[r#"
        "0.02"               => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        "0.020001"           => refused: off_lot at 86, BTCUSDT, Single 3735683259
        "0"                  => refused: not_positive at 86, BTCUSDT, Single 3735683259
        "0.00000000"         => refused: not_positive at 86, BTCUSDT, Single 3735683259
        "-0.02"              => refused: not_positive at 86, BTCUSDT, Single 3735683259
        ""                   => refused: wrong_type at 86, BTCUSDT, Single 3735683259
        "x"                  => refused: wrong_type at 86, BTCUSDT, Single 3735683259
        0.02                 => refused: wrong_type at 85, BTCUSDT, Single 3735683259
        null                 => refused: wrong_type at 85, BTCUSDT, Single 3735683259
    "#]],
    );
    let cases =
        r#""61837.6" | "61837.631" | "0.00" | "-1" | "99999999999999999999" | "6.1e4" | "\u0031""#;
    check_changes(
        TRADE,
        "\"61837.63000000\"",
        cases,
        &expect![[r#"
        "61837.6"            => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183760), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        "61837.631"          => refused: off_tick at 65, BTCUSDT, Single 3735683259
        "0.00"               => refused: not_positive at 65, BTCUSDT, Single 3735683259
        "-1"                 => refused: not_positive at 65, BTCUSDT, Single 3735683259
        "99999999999999999999" => refused: out_of_range at 65, BTCUSDT, Single 3735683259
        "6.1e4"              => refused: wrong_type at 65, BTCUSDT, Single 3735683259
        "\u0031"             => refused: wrong_type at 65, BTCUSDT, Single 3735683259
    "#]],
    );
    let cases = r#""m":false | "m":0 | "x":true | "m":true,"X":"MARKET" | "m":true,"X":"INSURANCE_FUND" | "m":true,"X":"ADL" | "m":true,"X":"NA" | "m":true,"X":null | "m":true,"X":1"#;
    check_changes(
        TRADE,
        "\"m\":true",
        cases,
        &expect![[r#"
        "m":false            => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: false, best_match: true, backfilled: false, off_market: false, delayed: false })
        "m":0                => refused: wrong_type at 120, BTCUSDT, Single 3735683259
        "x":true             => refused: missing_field at 134, BTCUSDT, Single 3735683259
        "m":true,"X":"MARKET" => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        "m":true,"X":"INSURANCE_FUND" => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: true, delayed: false })
        "m":true,"X":"ADL"   => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: true, delayed: false })
        "m":true,"X":"NA"    => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: true, delayed: false })
        "m":true,"X":null    => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        "m":true,"X":1       => refused: wrong_type at 129, BTCUSDT, Single 3735683259
    "#]],
    );
    let cases = r#" | ,"M":false | ,"M":null | ,"M":1"#;
    check_changes(
        TRADE,
        ",\"M\":true",
        cases,
        &expect![[r#"
                             => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        ,"M":false           => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: false, backfilled: false, off_market: false, delayed: false })
        ,"M":null            => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        ,"M":1               => refused: wrong_type at 129, BTCUSDT, Single 3735683259
    "#]],
    );
    let cases = r#""BTCUSDT" | "btcusdt" | "ETHUSDT" | "" | "BTCUSDTBTCUSDTBTCUSDTX" | 5 | null"#;
    check_changes(
        TRADE,
        "\"BTCUSDT\"",
        cases,
        &expect![[r#"
        "BTCUSDT"            => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        "btcusdt"            => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        "ETHUSDT"            => refused: unknown_symbol at 36
        ""                   => refused: unknown_symbol at 36
        "BTCUSDTBTCUSDTBTCUSDTX" => refused: unknown_symbol at 36
        5                    => refused: wrong_type at 35
        null                 => refused: wrong_type at 35
    "#]],
    );
    let cases = r#"0 | 18446744073709551615 | 18446744073709551616 | -1 | 1.5 | "7""#;
    check_changes(
        TRADE,
        "3735683259",
        cases,
        &expect![[r#"
        0                    => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 0, first_id: 0, last_id: 0, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        18446744073709551615 => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 18446744073709551615, first_id: 18446744073709551615, last_id: 18446744073709551615, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        18446744073709551616 => refused: out_of_range at 49, BTCUSDT
        -1                   => refused: out_of_range at 49, BTCUSDT
        1.5                  => refused: wrong_type at 49, BTCUSDT
        "7"                  => refused: wrong_type at 50, BTCUSDT
    "#]],
    );
    let cases = r#"764000012,"l":764000012 | 764000013,"l":764000012 | 0,"l":4294967295 | 0,"l":4294967296 | -1,"l":-1 | 1"#;
    check_changes(
        AGG_TRADE,
        "764000010,\"l\":764000012",
        cases,
        &expect![[r#"
        764000012,"l":764000012 => BTCUSDT 1617566592899000000 Trade(Aggregate, Trade { px: (5800027), qty: (100), id: 675000001, first_id: 764000012, last_id: 764000012, is_buyer_maker: false, best_match: true, backfilled: false, off_market: false, delayed: false })
        764000013,"l":764000012 => refused: bad_range at 104, BTCUSDT, Aggregate 675000001
        0,"l":4294967295     => BTCUSDT 1617566592899000000 Trade(Aggregate, Trade { px: (5800027), qty: (100), id: 675000001, first_id: 0, last_id: 4294967295, is_buyer_maker: false, best_match: true, backfilled: false, off_market: false, delayed: false })
        0,"l":4294967296     => refused: out_of_range at 110, BTCUSDT, Aggregate 675000001
        -1,"l":-1            => refused: out_of_range at 104, BTCUSDT, Aggregate 675000001
        1                    => refused: missing_field at 143, BTCUSDT, Aggregate 675000001
    "#]],
    );
}

#[test]
fn times() {
    let cases = r#"1 | 1723161255342 | 99999999999999 | 1723161255342123 | 1723161255342123456 | 7258118400000 | 0 | -1 | 1.5e12 | 9223372036854775807 | 18446744073709551615 | "1" | null"#;
    check_changes(
        TRADE,
        "1723161255342",
        cases,
        &expect![[r#"
        1                    => BTCUSDT 1000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        1723161255342        => BTCUSDT 1723161255342000000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        99999999999999       => refused: out_of_range at 102, BTCUSDT, Single 3735683259
        1723161255342123     => BTCUSDT 1723161255342123000 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        1723161255342123456  => BTCUSDT 1723161255342123456 Trade(Single, Trade { px: (6183763), qty: (2000), id: 3735683259, first_id: 3735683259, last_id: 3735683259, is_buyer_maker: true, best_match: true, backfilled: false, off_market: false, delayed: false })
        7258118400000        => refused: out_of_range at 102, BTCUSDT, Single 3735683259
        0                    => refused: out_of_range at 102, BTCUSDT, Single 3735683259
        -1                   => refused: out_of_range at 102, BTCUSDT, Single 3735683259
        1.5e12               => refused: wrong_type at 102, BTCUSDT, Single 3735683259
        9223372036854775807  => refused: out_of_range at 102, BTCUSDT, Single 3735683259
        18446744073709551615 => refused: out_of_range at 102, BTCUSDT, Single 3735683259
        "1"                  => refused: wrong_type at 103, BTCUSDT, Single 3735683259
        null                 => refused: wrong_type at 102, BTCUSDT, Single 3735683259
    "#]],
    );
    check_changes(
        DEPTH,
        "\"E\":1723161255208",
        r#""E":1723161255208123 | "E":null | "x":1 | "E":"1""#,
        &expect![[r#"
            "E":1723161255208123 => BTCUSDT 1723161255208123000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(6173763, 0), (6173017, 150000)] asks [(6183764, 154698)]
            "E":null             => BTCUSDT - Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(6173763, 0), (6173017, 150000)] asks [(6183764, 154698)]
            "x":1                => BTCUSDT - Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(6173763, 0), (6173017, 150000)] asks [(6183764, 154698)]
            "E":"1"              => refused: wrong_type at 24, BTCUSDT
        "#]],
    );
}

#[test]
fn quotes() {
    check(
        "",
        QUOTE,
        &expect![
            "BTCUSDT - Quote(Quote { bid_px: (6183763), bid_qty: (378826), ask_px: (6183764), ask_qty: (154698), update_id: 50093239212 })"
        ],
    );
    check(
        "",
        &format!("{{\"stream\":\"btcusdt@bookTicker\",\"data\":{QUOTE}}}"),
        &expect![
            "BTCUSDT - Quote(Quote { bid_px: (6183763), bid_qty: (378826), ask_px: (6183764), ask_qty: (154698), update_id: 50093239212 })"
        ],
    );
    check_on(
        Venue::BinanceUsdm,
        "",
        r#"{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256314}"#,
        &expect![
            "BTCUSDT 1723161256314000000 Quote(Quote { bid_px: (618002), bid_qty: (2507), ask_px: (618003), ask_qty: (2510), update_id: 5123107839020 })"
        ],
    );
    // Locked is possible, crossed is not.
    check_changes(
        QUOTE,
        "61837.64000000",
        "61837.63 | 61837.62 | 21536674.10 | 21536674.11 | 61837.645",
        &expect![[r#"
            61837.63             => BTCUSDT - Quote(Quote { bid_px: (6183763), bid_qty: (378826), ask_px: (6183763), ask_qty: (154698), update_id: 50093239212 })
            61837.62             => refused: crossed at 74, BTCUSDT
            21536674.10          => BTCUSDT - Quote(Quote { bid_px: (6183763), bid_qty: (378826), ask_px: (2153667410), ask_qty: (154698), update_id: 50093239212 })
            21536674.11          => refused: out_of_range at 74, BTCUSDT
            61837.645            => refused: off_tick at 74, BTCUSDT
        "#]],
    );
    // A side without quantity is absent.
    let cases = r#""b":"0.00000000","B":"0.00000000" | "b":"99999.00","B":"0" | "b":"0.00","B":"1" | "b":"-1.00","B":"0" | "b":"1.00","B":"-1" | "b":"1.00""#;
    check_changes(
        QUOTE,
        r#""b":"61837.63000000","B":"3.78826000""#,
        cases,
        &expect![[r#"
            "b":"0.00000000","B":"0.00000000" => BTCUSDT - Quote(Quote { bid_px: (6183764), bid_qty: (0), ask_px: (6183764), ask_qty: (154698), update_id: 50093239212 })
            "b":"99999.00","B":"0" => BTCUSDT - Quote(Quote { bid_px: (6183764), bid_qty: (0), ask_px: (6183764), ask_qty: (154698), update_id: 50093239212 })
            "b":"0.00","B":"1"   => refused: not_positive at 36, BTCUSDT
            "b":"-1.00","B":"0"  => refused: not_positive at 36, BTCUSDT
            "b":"1.00","B":"-1"  => refused: not_positive at 47, BTCUSDT
            "b":"1.00"           => refused: unknown_stream at 0
        "#]],
    );
    check(
        "",
        r#"{"u":1,"s":"BTCUSDT","b":"0.00","B":"0.00","a":"0.00","A":"0.00"}"#,
        &expect![
            "BTCUSDT - Quote(Quote { bid_px: (0), bid_qty: (0), ask_px: (0), ask_qty: (0), update_id: 1 })"
        ],
    );
    check(
        "btcusdt@bookTicker",
        r#"{"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"2"}"#,
        &expect!["refused: missing_field at 47, BTCUSDT"],
    );
}

#[test]
fn bars() {
    check(
        "",
        KLINE,
        &expect![
            "BTCUSDT 1672515782136000000 VenueBar(VenueBarPrices { interval_s: 60, open: (1650010), high: (1650230), low: (1649940), close: (1650120) }, VenueBarVolume { interval_s: 60, open_ts: WallNs(1672515780000000000), volume: (1000000), taker_buy_volume: (500000), trades: 100, closed: false, history: false })"
        ],
    );
    let intervals = [
        "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d",
        "1w", "1M",
    ];
    let seconds = intervals.map(|interval| {
        let outcome = outcome(
            Venue::BinanceSpot,
            "",
            KLINE.replace("1m", interval).as_bytes(),
        );
        let at = outcome.find("interval_s: ").unwrap() + 12;
        let end = at + outcome[at..].find(',').unwrap();
        outcome[at..end].parse::<u32>().unwrap()
    });
    assert_eq!(
        seconds,
        [
            1, 60, 180, 300, 900, 1800, 3600, 7200, 14400, 21600, 28800, 43200, 86400, 259_200,
            604_800, 2_592_000
        ]
    );
    check_changes(
        KLINE,
        "\"1m\"",
        r#""2m" | "" | 1"#,
        &expect![[r#"
        "2m"                 => refused: out_of_range at 105, BTCUSDT
        ""                   => refused: out_of_range at 105, BTCUSDT
        1                    => refused: wrong_type at 104, BTCUSDT
    "#]],
    );
    check_changes(
        KLINE,
        "\"16500.10\"",
        r#""0.00" | "-1" | "16500.105""#,
        &expect![[r#"
            "0.00"               => BTCUSDT 1672515782136000000 VenueBar(VenueBarPrices { interval_s: 60, open: (0), high: (1650230), low: (1649940), close: (1650120) }, VenueBarVolume { interval_s: 60, open_ts: WallNs(1672515780000000000), volume: (1000000), taker_buy_volume: (500000), trades: 100, closed: false, history: false })
            "-1"                 => refused: not_positive at 130, BTCUSDT
            "16500.105"          => refused: off_tick at 130, BTCUSDT
        "#]],
    );
    check(
        "",
        r#"{"e":"kline","s":"BTCUSDT","k":[]}"#,
        &expect!["refused: wrong_type at 31, BTCUSDT"],
    );
    check(
        "",
        r#"{"e":"kline","s":"BTCUSDT"}"#,
        &expect!["refused: missing_field at 27, BTCUSDT"],
    );
    check(
        "",
        r#"{"e":"kline","s":"BTCUSDT","k":{}}"#,
        &expect!["refused: missing_field at 34, BTCUSDT"],
    );
}

#[test]
fn liquidations() {
    let frame = RECENT[5];
    let usdm =
        |from: &str, to: &str| outcome(Venue::BinanceUsdm, "", frame.replace(from, to).as_bytes());
    expect!["ETHUSDT 1738661434384000000 Liquidation(Liquidation { side: Bid, px: (269406), avg_px: (270451), qty: (36), filled_qty: (36) })"].assert_eq(&usdm("\"SELL\"", "\"BUY\""));
    expect!["refused: wrong_type at 60, ETHUSDT"].assert_eq(&usdm("\"SELL\"", "\"HOLD\""));
    expect!["ETHUSDT 1738661434384000000 Liquidation(Liquidation { side: Ask, px: (269406), avg_px: (270451), qty: (36), filled_qty: (36) })"].assert_eq(&usdm("2704.51", "2704.519"));
    expect!["ETHUSDT 1738661434384000000 Liquidation(Liquidation { side: Ask, px: (269406), avg_px: (0), qty: (36), filled_qty: (36) })"].assert_eq(&usdm("2704.51", "0"));
    expect!["refused: not_positive at 120, ETHUSDT"].assert_eq(&usdm("2704.51", "-1"));
    expect!["refused: off_tick at 105, ETHUSDT"].assert_eq(&usdm("\"2694.06\"", "\"2694.065\""));
    expect!["refused: not_positive at 93, ETHUSDT"]
        .assert_eq(&usdm("\"q\":\"0.036\"", "\"q\":\"0\""));
    expect!["ETHUSDT 1738661434388000000 Liquidation(Liquidation { side: Ask, px: (269406), avg_px: (270451), qty: (36), filled_qty: (36) })"].assert_eq(&usdm(",\"T\":1738661434384", ""));
}

#[test]
fn mark_prices() {
    let frame = RECENT[1];
    let usdm =
        |from: &str, to: &str| outcome(Venue::BinanceUsdm, "", frame.replace(from, to).as_bytes());
    expect!["BTCUSDT 1786171884000000000 MarkPrice(MarkPrice { mark_e8: 6499137858696, index_e8: 6501605673913, rate_e8: 0, next_funding_ms: 0 })"].assert_eq(&usdm(
        "\"r\":\"0.00003936\",\"T\":1786176000000",
        "\"r\":\"\",\"T\":0",
    ));
    expect!["BTCUSDT 1786171884000000000 MarkPrice(MarkPrice { mark_e8: 6499137858696, index_e8: 6501605673913, rate_e8: -3937, next_funding_ms: 1786176000000 })"].assert_eq(&usdm("\"0.00003936\"", "\"-0.000039361\""));
    expect!["BTCUSDT 1786171884000000000 MarkPrice(MarkPrice { mark_e8: 6499137858696, index_e8: 0, rate_e8: 3936, next_funding_ms: 1786176000000 })"].assert_eq(&usdm("\"i\":\"65016.05673913\",", ""));
    expect!["refused: not_positive at 97, BTCUSDT"]
        .assert_eq(&usdm("\"p\":\"64991.37858696\"", "\"p\":\"0\""));
    expect!["refused: not_positive at 161, BTCUSDT"].assert_eq(&usdm("65016.05673913", "-1"));
}

#[test]
fn day_statistics() {
    check(
        "",
        TICKER,
        &expect![
            "BTCUSDT 1672515782136000000 Day(DayPrices { last: (1650120), open: (1651620), high: (1660000), low: (1640000) }, DayVolume { volume: (1000050000), trades: 18151, open_ms: 1672429382136, close_ms: 1672515782136 })"
        ],
    );
    check_changes(
        TICKER,
        "\"16516.20\"",
        r#""0.00" | "-1" | "x""#,
        &expect![[r#"
            "0.00"               => BTCUSDT 1672515782136000000 Day(DayPrices { last: (1650120), open: (0), high: (1660000), low: (1640000) }, DayVolume { volume: (1000050000), trades: 18151, open_ms: 1672429382136, close_ms: 1672515782136 })
            "-1"                 => refused: not_positive at 181, BTCUSDT
            "x"                  => refused: wrong_type at 181, BTCUSDT
        "#]],
    );
}

#[test]
fn notices() {
    for (frame, notice) in [
        (r#"{"result":null,"id":1}"#, "SubscriptionReply"),
        (
            r#"{"id":"a-b","result":["btcusdt@trade"]}"#,
            "SubscriptionReply",
        ),
        (
            r#"{"code":-1121,"msg":"Invalid symbol."}"#,
            "VenueError { code: -1121 }",
        ),
        (
            r#"{"error":{"code":2,"msg":"Invalid request"},"id":7}"#,
            "VenueError { code: 2 }",
        ),
        (
            r#"{"id":1,"status":400,"error":{"msg":"\u00e9","code":-1102}}"#,
            "VenueError { code: -1102 }",
        ),
        (
            r#"{"e":"serverShutdown","E":1786171884624}"#,
            "ServerShutdown",
        ),
        (
            r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#,
            "ServerShutdown",
        ),
        (
            r#"{"stream":"!serverShutdown","data":{}}"#,
            "ServerShutdown",
        ),
        (
            r#"{"timezone":"UTC","serverTime":1,"symbols":[{"symbol":"BTCUSDT"}]}"#,
            "InstrumentInfo",
        ),
        (r#"{"e":"24hrMiniTicker","s":"BTCUSDT","c":"x"}"#, "Unused"),
        (r#"{"e":"somethingNew","deep":[{"a":[{}]}]}"#, "Unused"),
        (
            r#"{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker"},{"e":"24hrMiniTicker"}]}"#,
            "Unused",
        ),
        ("[]", "Unused"),
        (r#" [ {"e":"24hrTicker"} ] "#, "Unused"),
        // Well-formed comes first.
        (r#"{"e":"somethingNew","x":}"#, "refused: malformed at 24"),
        (r#"{"result":null,"id":1"#, "refused: malformed at 21"),
        (r#"{"result":null,"id":1}}"#, "refused: malformed at 22"),
        ("[{]", "refused: malformed at 2"),
        // What is none of all that.
        ("5", "refused: wrong_type at 0"),
        ("null", "refused: wrong_type at 0"),
        (r#"{"stream":"x@y","data":5}"#, "refused: wrong_type at 0"),
        ("{}", "refused: unknown_stream at 0"),
        (
            r#"{"stream":"btcusdt@foo","data":{"x":1}}"#,
            "refused: unknown_stream at 0",
        ),
        (
            r#"{"stream":"btcusdt@trade","data":{"x":1}}"#,
            "refused: missing_field at 41",
        ),
        (r#"{"e":5}"#, "refused: wrong_type at 5"),
        (r#"{"e":null}"#, "refused: wrong_type at 5"),
        (r#"{"error":5}"#, "refused: wrong_type at 9"),
        (r#"{"code":"x"}"#, "refused: wrong_type at 9"),
    ] {
        assert_eq!(
            outcome(Venue::BinanceSpot, "", frame.as_bytes()),
            notice,
            "{frame}"
        );
    }
}

#[test]
fn the_form_of_the_frame_does_not_matter() {
    let frames = [TRADE, AGG_TRADE, QUOTE, DEPTH, KLINE, TICKER];
    for frame in frames {
        let plain = outcome(Venue::BinanceSpot, "", frame.as_bytes());
        assert!(!plain.starts_with("refused"), "{plain}");
        let value: serde_json::Value = serde_json::from_str(frame).unwrap();
        let members = value.as_object().unwrap();
        let reversed: Vec<_> = members
            .iter()
            .rev()
            .map(|(key, value)| format!("{key:?}:{value}"))
            .collect();
        let reversed = format!("{{{}}}", reversed.join(","));
        let escaped: Vec<_> = members
            .iter()
            .map(|(key, value)| {
                let key: Vec<_> = key.bytes().map(|b| format!("\\u{b:04X}")).collect();
                let key = key.concat();
                format!("\"{key}\" : {value}")
            })
            .collect();
        let unknown = r#""zz":{"e":"x","s":["\"}{",{"s":null}]},"é😀":"\ud83d\ude00\\","ee":1e-7"#;
        for form in [
            reversed.clone(),
            serde_json::to_string_pretty(&value).unwrap(),
            format!("{{{}}}", escaped.join(" , ")),
            format!("{{{unknown},{}", &frame[1..]),
            format!("{},{unknown}}}", &frame[..frame.len() - 1]),
            format!(r#"{{"stream":"btcusdt@x","data":{frame}}}"#),
            format!(r#"{{"data":{frame},"stream":"btcusdt@x"}}"#),
            format!(
                r#"{{"e":"trade","s":"PEPEUSDT","data":{reversed},"stream":"btcusdt@x","s":7,"e":7}}"#
            ),
            format!(
                r#"{{"data":{{"e":"trade","s":"PEPEUSDT"}},"data":{reversed},"stream":"btcusdt@x"}}"#
            ),
            // Given twice, the second counts.
            format!(r#"{{"s":7,{}"#, &frame[1..]),
            format!(r#"{{"s":"PEPEUSDT",{}"#, &frame[1..]),
            format!("\n\t {frame}\r\n"),
        ] {
            assert_eq!(
                outcome(Venue::BinanceSpot, "", form.as_bytes()),
                plain,
                "{form}"
            );
        }
    }
}

#[test]
fn damaged_frames() {
    for frame in [TRADE, AGG_TRADE, QUOTE, DEPTH, KLINE, TICKER] {
        check_damage(Venue::BinanceSpot, "", frame.as_bytes(), Form::Json);
    }
    let combined = format!(r#"{{"stream":"btcusdt@bookTicker","data":{QUOTE}}}"#);
    check_damage(Venue::BinanceSpot, "", combined.as_bytes(), Form::Json);
}
