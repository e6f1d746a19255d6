//! Books in every form, and what is none.

use super::super::tests::{DEPTH, check, check_changes, check_on};
use crate::decode::tests::{Form, check_damage, outcome};
use crate::instrument::Venue;
use expect_test::expect;

const BOOK: &str = r#"{"lastUpdateId":160,"bids":[["100.01","1.00000"]],"asks":[["100.02","2.00000"],["100.03","3.00000"]]}"#;

#[test]
fn depth_differences() {
    check(
        "btcusdt@depth@100ms",
        DEPTH,
        &expect![
            "BTCUSDT 1723161255208000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(6173763, 0), (6173017, 150000)] asks [(6183764, 154698)]"
        ],
    );
    check_on(
        Venue::BinanceCoinm,
        "",
        r#"{"stream":"btcusd_perp@depth@0ms","data":{"e":"depthUpdate","E":1723161257440,"T":1723161257432,"s":"BTCUSD_PERP","ps":"BTCUSD","U":1007198631260,"u":1007198631565,"pu":1007198631198,"b":[["61773.6","1001"]],"a":[]}}"#,
        &expect![
            "BTCUSD_PERP 1723161257440000000 Depth(Depth { kind: Diff { prev_id: Some(1007198631198) }, first_id: 1007198631260, last_id: 1007198631565 }) bids [(617736, 1001)] asks []"
        ],
    );
    check_changes(
        DEPTH,
        "50093239189",
        r#"50093239202 | 50093239203 | "1""#,
        &expect![[r#"
            50093239202          => BTCUSDT 1723161255208000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239202, last_id: 50093239202 }) bids [(6173763, 0), (6173017, 150000)] asks [(6183764, 154698)]
            50093239203          => refused: bad_range at 55, BTCUSDT
            "1"                  => refused: wrong_type at 56, BTCUSDT
        "#]],
    );
    let cases = r#""b":[] | "b":[["1.01","1.00000",[]]] | "b":[ [ "1.01" , "1" ] , ["1.02","2"]] | "b":[["1.01"]] | "b":[[]] | "b":[[1.01,"1"]] | "b":["1.01","1"] | "b":[["1.011","1"]] | "b":[["1.01","0.000001"]] | "b":[["1.01","-1"]] | "b":[["0.00","1"]] | "b":[["-1.01","1"]] | "b":{} | "b":null | "x":[] | "b":[["1.01","1"],] | "b":[["1.01","1"] | "b":[["1.01","1"],["1.02" | "b":[["7.77","7"]],"b":[["1.01","1"]] | "b":"7.77","b":[["1.01","1"]] | "b":[["7.771","7"]],"b":[["1.01","1"]] | "b":[["1.01","1"]],"b":"7.77""#;
    check_changes(
        DEPTH,
        r#""b":[["61737.63000000","0.00000000"],["61730.17000000","1.50000000"]]"#,
        cases,
        &expect![[r#"
            "b":[]               => BTCUSDT 1723161255208000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [] asks [(6183764, 154698)]
            "b":[["1.01","1.00000",[]]] => BTCUSDT 1723161255208000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(101, 100000)] asks [(6183764, 154698)]
            "b":[ [ "1.01" , "1" ] , ["1.02","2"]] => BTCUSDT 1723161255208000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(101, 100000), (102, 200000)] asks [(6183764, 154698)]
            "b":[["1.01"]]       => refused: missing_field at 136, BTCUSDT
            "b":[[]]             => refused: missing_field at 130, BTCUSDT
            "b":[[1.01,"1"]]     => refused: wrong_type at 89, BTCUSDT
            "b":["1.01","1"]     => refused: wrong_type at 89, BTCUSDT
            "b":[["1.011","1"]]  => refused: off_tick at 90, BTCUSDT
            "b":[["1.01","0.000001"]] => refused: off_lot at 97, BTCUSDT
            "b":[["1.01","-1"]]  => refused: not_positive at 97, BTCUSDT
            "b":[["0.00","1"]]   => refused: not_positive at 90, BTCUSDT
            "b":[["-1.01","1"]]  => refused: not_positive at 90, BTCUSDT
            "b":{}               => refused: wrong_type at 87, BTCUSDT
            "b":null             => refused: wrong_type at 87, BTCUSDT
            "x":[]               => refused: missing_field at 128, BTCUSDT
            "b":[["1.01","1"],]  => refused: malformed at 101
            "b":[["1.01","1"]    => refused: malformed at 104
            "b":[["1.01","1"],["1.02" => refused: malformed at 112
            "b":[["7.77","7"]],"b":[["1.01","1"]] => BTCUSDT 1723161255208000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(101, 100000)] asks [(6183764, 154698)]
            "b":"7.77","b":[["1.01","1"]] => BTCUSDT 1723161255208000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(101, 100000)] asks [(6183764, 154698)]
            "b":[["7.771","7"]],"b":[["1.01","1"]] => BTCUSDT 1723161255208000000 Depth(Depth { kind: Diff { prev_id: None }, first_id: 50093239189, last_id: 50093239202 }) bids [(101, 100000)] asks [(6183764, 154698)]
            "b":[["1.01","1"]],"b":"7.77" => refused: wrong_type at 107, BTCUSDT
        "#]],
    );
}

#[test]
fn levels_are_those_of_the_symbol_wherever_it_stands() {
    // The stream's name promises other grids, and the symbol comes last.
    let frame = r#"{"data":{"b":[["0.00000001","7"]],"a":[["0.00000002","70000000000"]],"U":1,"u":2,"e":"depthUpdate","s":"PEPEUSDT"},"stream":"btcusdt@depth"}"#;
    check(
        "btcusdt@depth",
        frame,
        &expect![
            "PEPEUSDT - Depth(Depth { kind: Diff { prev_id: None }, first_id: 1, last_id: 2 }) bids [(1, 7)] asks [(2, 70000000000)]"
        ],
    );
    check(
        "",
        frame,
        &expect![
            "PEPEUSDT - Depth(Depth { kind: Diff { prev_id: None }, first_id: 1, last_id: 2 }) bids [(1, 7)] asks [(2, 70000000000)]"
        ],
    );
}

#[test]
fn too_many_levels() {
    let side = |count: usize| vec![r#"["1.01","1"]"#; count].join(",");
    let book = |bids, asks| {
        format!(
            r#"{{"lastUpdateId":1,"bids":[{}],"asks":[{}]}}"#,
            side(bids),
            side(asks)
        )
    };
    let outcome = |bids, asks| {
        outcome(
            Venue::BinanceSpot,
            "btcusdt@depthSnapshot",
            book(bids, asks).as_bytes(),
        )
    };
    assert!(outcome(5000, 5000).starts_with("BTCUSDT - Depth"));
    expect!["refused: too_many_levels at 65026, BTCUSDT"].assert_eq(&outcome(5001, 1));
    expect!["refused: too_many_levels at 65048, BTCUSDT"].assert_eq(&outcome(1, 5001));
}

#[test]
fn books() {
    check(
        "btcusdt@depthSnapshot",
        BOOK,
        &expect![
            "BTCUSDT - Depth(Depth { kind: Snapshot, first_id: 160, last_id: 160 }) bids [(10001, 100000)] asks [(10002, 200000), (10003, 300000)]"
        ],
    );
    check(
        "btcusdt@depth20@100ms",
        BOOK,
        &expect![
            "BTCUSDT - Depth(Depth { kind: Partial, first_id: 160, last_id: 160 }) bids [(10001, 100000)] asks [(10002, 200000), (10003, 300000)]"
        ],
    );
    check(
        "",
        &format!("{{\"stream\":\"btcusdt@depth5\",\"data\":{BOOK}}}"),
        &expect![
            "BTCUSDT - Depth(Depth { kind: Partial, first_id: 160, last_id: 160 }) bids [(10001, 100000)] asks [(10002, 200000), (10003, 300000)]"
        ],
    );
    check("", BOOK, &expect!["refused: unknown_symbol at 0"]);
    check(
        "ethusdt@depth20",
        BOOK,
        &expect!["refused: unknown_symbol at 0"],
    );
    let named = BOOK.replace(
        "160,",
        r#"160,"E":1626916404580,"T":1626916404574,"symbol":"BTCUSDT","pair":"BTCUSD","#,
    );
    check(
        "",
        &named,
        &expect![
            "BTCUSDT 1626916404580000000 Depth(Depth { kind: Snapshot, first_id: 160, last_id: 160 }) bids [(10001, 100000)] asks [(10002, 200000), (10003, 300000)]"
        ],
    );
    check(
        "pepeusdt@depthSnapshot",
        &named,
        &expect![
            "BTCUSDT 1626916404580000000 Depth(Depth { kind: Snapshot, first_id: 160, last_id: 160 }) bids [(10001, 100000)] asks [(10002, 200000), (10003, 300000)]"
        ],
    );
    check(
        "btcusdt@depth20",
        r#"{"bids":[],"asks":[]}"#,
        &expect!["refused: missing_field at 21, BTCUSDT"],
    );
    check(
        "btcusdt@depth20",
        r#"{"lastUpdateId":7,"bids":[]}"#,
        &expect!["refused: missing_field at 28, BTCUSDT"],
    );
    check(
        "btcusdt@depth20",
        r#"{"lastUpdateId":"7","bids":[],"asks":[]}"#,
        &expect!["refused: wrong_type at 17, BTCUSDT"],
    );
    // Futures write partial books as updates; only the stream's name tells.
    let update = r#"{"e":"depthUpdate","E":1723161257440,"T":1723161257432,"s":"BTCUSDT","U":100,"u":120,"pu":99,"b":[["61800.10","1"]],"a":[["61800.20","2"]]}"#;
    check_on(
        Venue::BinanceUsdm,
        "btcusdt@depth20@100ms",
        update,
        &expect![
            "BTCUSDT 1723161257440000000 Depth(Depth { kind: Partial, first_id: 120, last_id: 120 }) bids [(618001, 1000)] asks [(618002, 2000)]"
        ],
    );
    check_on(
        Venue::BinanceUsdm,
        "btcusdt@depth@100ms",
        update,
        &expect![
            "BTCUSDT 1723161257440000000 Depth(Depth { kind: Diff { prev_id: Some(99) }, first_id: 100, last_id: 120 }) bids [(618001, 1000)] asks [(618002, 2000)]"
        ],
    );
    check_on(
        Venue::BinanceUsdm,
        "",
        update,
        &expect![
            "BTCUSDT 1723161257440000000 Depth(Depth { kind: Diff { prev_id: Some(99) }, first_id: 100, last_id: 120 }) bids [(618001, 1000)] asks [(618002, 2000)]"
        ],
    );
}

#[test]
fn damaged_books() {
    for stream in ["btcusdt@depthSnapshot", "btcusdt@depth20"] {
        check_damage(Venue::BinanceSpot, stream, BOOK.as_bytes(), Form::Json);
    }
}
