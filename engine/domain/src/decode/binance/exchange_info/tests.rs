//! Small instrument tables.

use super::*;

fn rows(text: &str) -> Result<Vec<String>, String> {
    let listed = exchange_info(Venue::BinanceSpot, text.as_bytes());
    let show = |row: &ListedInstrument| {
        let trading = if row.status_trading {
            "trading"
        } else {
            "halted"
        };
        format!(
            "{} {} {} {trading}",
            row.symbol, row.tick_size, row.lot_size
        )
    };
    match listed {
        Ok(listed) => Ok(listed.iter().map(show).collect()),
        Err(reject) => Err(format!("{} at {}", reject.reason.name(), reject.at)),
    }
}

const SPOT: &str = r#"{"filters":[{"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000.00","tickSize":"0.01000000"},{"stepSize":"0.00001000","filterType":"LOT_SIZE","minQty":"0.00001"},{"filterType":"MARKET_LOT_SIZE","stepSize":"0.5"}],"status":"TRADING","symbol":"BTCUSDT"}"#;

#[test]
fn spot_and_futures() {
    let coinm = SPOT
        .replace("\"status\":\"TRADING\"", "\"contractStatus\":\"SETTLING\"")
        .replace("BTCUSDT", "BTCUSD_PERP");
    let text = format!(r#"{{"timezone":"UTC","symbols":[{SPOT}, {coinm}],"serverTime":1}}"#);
    let both = Ok(vec![
        "BTCUSDT 0.01 0.00001 trading".to_owned(),
        "BTCUSD_PERP 0.01 0.00001 halted".to_owned(),
    ]);
    assert_eq!(rows(&text), both);
    assert_eq!(
        rows(&format!(r#"{{"stream":"@exchangeInfo","data":{text}}}"#)),
        both
    );
    assert_eq!(rows(r#"{"symbols":[]}"#), Ok(vec![]));
}

#[test]
fn what_cannot_be_carried_is_left_out() {
    for (from, to) in [
        ("BTCUSDT", "币安人生USDT"),
        ("0.01000000", "0.00000000"),
        ("PRICE_FILTER", "X"),
    ] {
        let text = format!(r#"{{"symbols":[{},{SPOT}]}}"#, SPOT.replace(from, to));
        assert_eq!(
            rows(&text),
            Ok(vec!["BTCUSDT 0.01 0.00001 trading".to_owned()])
        );
    }
}

#[test]
fn what_is_no_table() {
    for (text, refusal) in [
        ("", "empty at 0"),
        ("{", "malformed at 1"),
        ("{}", "missing_field at 2"),
        ("[]", "wrong_type at 0"),
        (r#"{"symbols":5}"#, "wrong_type at 11"),
        (r#"{"symbols":[5]}"#, "wrong_type at 12"),
        (
            r#"{"symbols":[{"symbol":"A","status":"B"}]}"#,
            "missing_field at 41",
        ),
        (
            r#"{"symbols":[{"symbol":"A","status":"B","filters":[{}]}]}"#,
            "missing_field at 56",
        ),
        (r#"{"symbols":[]}x"#, "malformed at 14"),
    ] {
        assert_eq!(rows(text), Err(refusal.to_owned()), "{text}");
    }
}
