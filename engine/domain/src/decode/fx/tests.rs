//! Small messages of the gateway.

use super::GatewayStatus;
use crate::decode::tests::{Form, check_damage, outcome};
use crate::instrument::Venue;
use crate::units::WallNs;

#[track_caller]
fn check(frame: &str, expected: &str) {
    let found = outcome(Venue::Fx, "eurusd@tick", frame.as_bytes());
    assert_eq!(found, expected, "{frame}");
}

fn tick(fields: &str) -> String {
    format!(r#"{{"type":"tick","symbol":"EURUSD",{fields}}}"#)
}

#[test]
fn ticks() {
    let expected = "EURUSD 1400000000000000000 FxTick(FxTick { bid: (110050), ask: (110080), bid_qty: (0), ask_qty: (0) })";
    check(
        &tick(r#""bid":1.1005,"ask":1.1008,"timestamp":1400000000000"#),
        expected,
    );
    check(
        &tick(r#""timestamp":"1400000000000","ask":"1.10080","bid":"1.10050000000""#),
        expected,
    );
    check(
        &tick(r#" "bidVolume":null, "bid" : 1.1005 , "ask":1.1008,"timestamp":1400000000000.0"#),
        expected,
    );
    check(
        &tick(r#""bid":1,"ask":1,"bidVolume":1.5,"askVolume":"0.75","timestamp":1400000000000"#),
        "EURUSD 1400000000000000000 FxTick(FxTick { bid: (100000), ask: (100000), bid_qty: (150), ask_qty: (75) })",
    );
}

#[test]
fn times() {
    for (time, expected) in [
        ("1400000000043.142", "1400000000043142000"),
        ("1400000000062.2662", "1400000000062266200"),
        ("1400000000000.1234567", "1400000000000123456"),
        ("1400000000000123", "1400000000000123000"),
        ("1400000000000123456", "1400000000000123456"),
    ] {
        let found = outcome(
            Venue::Fx,
            "",
            tick(&format!(r#""bid":1,"ask":2,"timestamp":{time}"#)).as_bytes(),
        );
        assert_eq!(found.split(' ').nth(1), Some(expected), "{time}");
    }
    for (time, reason) in [
        ("-1", "out_of_range"),
        ("-1.5", "out_of_range"),
        ("0", "out_of_range"),
        ("0.5", "out_of_range"),
        ("99999999999999", "out_of_range"),
        ("99999999999999.9", "out_of_range"),
        ("9e12", "wrong_type"),
        ("\"now\"", "wrong_type"),
        ("null", "wrong_type"),
        ("[]", "wrong_type"),
    ] {
        let frame = tick(&format!(r#""bid":1,"ask":2,"timestamp":{time}"#));
        let found = outcome(Venue::Fx, "", frame.as_bytes());
        let at = if time.starts_with('"') { 62 } else { 61 };
        let expected = format!("refused: {reason} at {at}, EURUSD");
        assert_eq!(found, expected, "{time}");
    }
}

#[test]
fn refusals() {
    for (fields, expected) in [
        (
            r#""bid":1.1008,"ask":1.1005,"timestamp":1"#,
            "crossed at 52, EURUSD",
        ),
        (
            r#""bid":0,"ask":1.1,"timestamp":1"#,
            "not_positive at 39, EURUSD",
        ),
        (
            r#""bid":-1.1,"ask":1.1,"timestamp":1"#,
            "not_positive at 39, EURUSD",
        ),
        (
            r#""bid":1.100001,"ask":1.2,"timestamp":1"#,
            "off_tick at 39, EURUSD",
        ),
        (
            r#""bid":"NaN","ask":1.2,"timestamp":1"#,
            "wrong_type at 40, EURUSD",
        ),
        (
            r#""bid":"Infinity","ask":1.2,"timestamp":1"#,
            "wrong_type at 40, EURUSD",
        ),
        (r#""bid":NaN,"ask":1.2,"timestamp":1"#, "malformed at 39"),
        (
            r#""bid":1e0,"ask":1.2,"timestamp":1"#,
            "wrong_type at 39, EURUSD",
        ),
        (r#""bid":1e999,"ask":1.2,"timestamp":1"#, "malformed at 39"),
        (
            r#""bid":true,"ask":1.2,"timestamp":1"#,
            "wrong_type at 39, EURUSD",
        ),
        (r#""ask":1.2,"timestamp":1"#, "missing_field at 57, EURUSD"),
        (r#""bid":1.1,"timestamp":1"#, "missing_field at 57, EURUSD"),
        (r#""bid":1.1,"ask":1.2"#, "missing_field at 53, EURUSD"),
        (
            r#""bid":1.1,"ask":1.2,"bidVolume":-1,"timestamp":1"#,
            "not_positive at 65, EURUSD",
        ),
        (
            r#""bid":1.1,"ask":1.2,"bidVolume":0.001,"timestamp":1"#,
            "off_lot at 65, EURUSD",
        ),
        (r#""bid":1.1,"ask":1.2,"timestamp":1},"#, "malformed at 67"),
        (r#""symbol":"GBPUSD""#, "unknown_symbol at 43"),
        (r#""symbol":7"#, "wrong_type at 42"),
    ] {
        check(&tick(fields), &format!("refused: {expected}"));
    }
    check("{}", "refused: missing_field at 2");
    check(r#"{"type":7}"#, "refused: wrong_type at 8");
    check("[]", "refused: wrong_type at 0");
    check("[", "refused: malformed at 1");
}

#[test]
fn other_messages() {
    for (status, shown) in [
        ("disconnected", "Disconnected"),
        ("connecting", "Connecting"),
        ("connected", "Connected"),
        ("error", "Error"),
    ] {
        check(
            &format!(r#"{{"type":"status","status":"{status}","message":"so"}}"#),
            &format!("GatewayStatus({shown})"),
        );
    }
    check(
        r#"{"type":"status","status":"odd"}"#,
        "refused: out_of_range at 27",
    );
    check(r#"{"type":"status"}"#, "refused: missing_field at 17");
    let ready = r#"{"type":"ready","availableSymbols":["EURUSD",5,"","usd/jpy"]}"#;
    check(ready, "GatewayReady");
    let names: Vec<_> = super::ready_symbols(ready.as_bytes())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["EURUSD", "USD/JPY"]);
    check(r#"{"type":"ready"}"#, "refused: missing_field at 16");
    check(
        r#"{"type":"ready","availableSymbols":{}}"#,
        "refused: wrong_type at 35",
    );
    assert_eq!(super::ready_symbols(b"[]"), []);
    assert_eq!(super::ready_symbols(br#"{"availableSymbols":1}"#), []);
    let error = br#"{"type":"error","message":"no","symbol":"EURUSD"}"#;
    assert_eq!(super::symbol_of(error).unwrap().as_str(), "EURUSD");
    assert_eq!(super::symbol_of(br#"{"type":"error"}"#), None);
    check(r#"{"type":"other"}"#, "Unused");
    check(
        r#"{"type":"error","message":"no such symbol"}"#,
        "VenueError { code: 0 }",
    );
}

#[test]
fn the_kind_of_a_message_is_heard_without_its_values() {
    use super::Heard::{Error, Other, Package, Ready, Status, Tick};
    let pair = super::Symbol::new(b"EURUSD");
    let hear = |frame: &str| super::hear(frame.as_bytes());
    let at = |ms| Some(WallNs::from_ms(ms));
    for (frame, expected) in [
        // The prices of a tick are not its concern, so a crossed one is heard.
        (
            tick(r#""bid":2,"ask":1,"timestamp":1400000000043"#),
            Tick(pair, at(1_400_000_000_043)),
        ),
        (tick(r#""bid":2,"timestamp":"soon""#), Tick(pair, None)),
        (
            r#"{"timestamp":5,"symbol":7,"type":"tick"}"#.to_owned(),
            Tick(None, at(5)),
        ),
        (
            r#"{"type":"symbolDataPackage","symbol":"EURUSD"}"#.to_owned(),
            Package(pair),
        ),
        (
            r#"{"type":"ready","availableSymbols":[]}"#.to_owned(),
            Ready,
        ),
        (
            r#"{"type":"status","status":"error"}"#.to_owned(),
            Status(Some(GatewayStatus::Error)),
        ),
        (
            r#"{"type":"status","status":"odd"}"#.to_owned(),
            Status(None),
        ),
        (r#"{"type":"error","message":"no"}"#.to_owned(), Error(None)),
        (
            r#"{"type":"error","symbol":"EURUSD"}"#.to_owned(),
            Error(pair),
        ),
        (r#"{"type":"pong"}"#.to_owned(), Other),
        (r#"{"type":"tick""#.to_owned(), Other),
        ("[]".to_owned(), Other),
    ] {
        assert_eq!(hear(&frame), expected, "{frame}");
    }
}

#[test]
fn damaged_ticks() {
    let frame =
        tick(r#""bid":1.1005,"ask":"1.1008","bidVolume":1.5,"timestamp":1400000000043.142"#);
    check_damage(Venue::Fx, "", frame.as_bytes(), Form::Json);
}
