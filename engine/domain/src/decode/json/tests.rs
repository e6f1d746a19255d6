//! What is JSON is what `serde_json` takes for a `Value`, and the values found are where it finds them.

use super::*;
use crate::decode::Reason;
use proptest::prelude::*;
use serde_json::Value as Oracle;

fn read(text: &[u8]) -> Result<Value, Fault> {
    let mut cursor = Cursor::new(text);
    let value = cursor.value()?;
    cursor.finish()?;
    assert_eq!(cursor.depth, 0);
    Ok(value)
}

/// Both accept, or both refuse; what is accepted has the same shape.
#[track_caller]
fn check(text: &[u8]) {
    let oracle = serde_json::from_slice::<Oracle>(text);
    let found = read(text);
    let shown = String::from_utf8_lossy(text);
    match (&oracle, &found) {
        (Ok(oracle), Ok(found)) => {
            let same = match found.shape() {
                Shape::Absent => false,
                Shape::Null => oracle.is_null(),
                Shape::True => oracle.as_bool() == Some(true),
                Shape::False => oracle.as_bool() == Some(false),
                Shape::Digits => oracle.is_u64() || oracle.is_f64(),
                Shape::Number => oracle.is_i64() || oracle.is_f64(),
                Shape::Text => oracle.is_string(),
                Shape::Array => oracle.is_array(),
                Shape::Object => oracle.is_object(),
            };
            assert!(same, "{shown}: {oracle:?} against {found:?}");
        }
        (Err(_), Err(fault)) => {
            assert_eq!(fault.reason, Reason::Malformed, "{shown}");
            assert!(fault.at as usize <= text.len(), "{shown}: {fault:?}");
        }
        _ => panic!("{shown}: {oracle:?} against {found:?}"),
    }
}

#[test]
fn the_edges_of_the_grammar() {
    let whole = [
        "",
        " ",
        "null",
        "nul",
        "nulll",
        "true",
        "tru",
        "false",
        "fals",
        "True",
        "{}",
        "{ }",
        "{",
        "}",
        "[]",
        "[ ]",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,2]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1}",
        "{\"a\":1,\"a\":2}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1]",
        "[1}",
        "{\"a\":1}x",
        "{\"a\":1} ",
        "{\"a\":1}\u{0}",
        "\u{feff}{}",
        " \t\r\n{ \"a\" \n:\t1 , \"b\"\r: [ 1 , 2 ] } ",
        "\u{b}{}",
        "//x\n1",
        "\"",
        "\"a",
        "\"a\"",
        "\"\\\"\"",
        "\"\\\\\"",
        "\"\\/\\b\\f\\n\\r\\t\"",
        "\"\\x\"",
        "\"\\",
        "\"\\u\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u1234\"",
        "\"\\uD800\"",
        "\"\\uDC00\"",
        "\"\\uD83D\\uDE00\"",
        "\"\\uD83D\\uD83D\"",
        "\"\\uD83Dx\"",
        "\"\\uD83D\\n\"",
        "\"\\uD83D\\u00e9\"",
        "\"\\uD83D",
        "\"\\uD83D\\u\"",
        "\"\u{1f}\"",
        "\"\u{7f}\"",
        "\"\n\"",
        "\"é漢😀\"",
        "0",
        "-0",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        "1.",
        ".5",
        "1.5",
        "-1.5",
        "1.5.5",
        "1e",
        "1e+",
        "1e5",
        "1E-5",
        "1e05",
        "1.e5",
        "0e0",
        "0x10",
        "1_000",
        "Infinity",
        "NaN",
        "1e308",
        "1e400",
        "-1e400",
        "1e-400",
        "0e999",
        "0.0e99999",
        "1e99999999999",
        "18446744073709551616",
        "-9223372036854775809",
        "{\"\\u0061\":1}",
        "{\"\\uD800\":1}",
        "{\"\u{1}\":1}",
        "{1:2}",
        "{null:1}",
        "[[[[[1]]]]]",
    ];
    for text in whole {
        check(text.as_bytes());
        // At every place in a window of eight bytes, and with something behind it.
        for before in 0..9 {
            check(format!("{}{text}", " ".repeat(before)).as_bytes());
            check(format!("[{}{text},\"12345678\"]", " ".repeat(before)).as_bytes());
            check(format!("{{\"{}\":{text}}}", "k".repeat(before)).as_bytes());
        }
    }
    for bytes in [
        &b"\"\xff\""[..],
        b"\"\xc3\x28\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xe2\x82\"",
        b"\xff",
        b"{\"\xc0\x80\":1}",
    ] {
        check(bytes);
    }
}

#[test]
fn long_numbers() {
    for digits in [17, 19, 20, 21, 299, 300, 301, 308, 309, 310, 400] {
        for text in [
            "9".repeat(digits),
            format!("-{}", "9".repeat(digits)),
            format!("1{}", "0".repeat(digits - 1)),
            format!("1.{}", "3".repeat(digits)),
            format!("{}.5", "1".repeat(digits)),
        ] {
            check(text.as_bytes());
        }
    }
}

#[test]
fn nesting_is_bounded() {
    for depth in [1, 2, 126, 127, 128, 129, 1000, 100_000] {
        check(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
        check(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).as_bytes());
        check("[{\"a\":".repeat(depth).as_bytes());
    }
}

#[test]
fn keys_may_be_written_with_escapes() {
    let keys = |text: &str| {
        let mut keys = Vec::new();
        Cursor::new(text.as_bytes())
            .object(|cursor, key| {
                keys.push(String::from_utf8(key.to_vec()).unwrap());
                cursor.value().map(drop)
            })
            .unwrap();
        keys
    };
    assert_eq!(keys(r#"{"pu":1}"#), ["pu"]);
    assert_eq!(keys(r#"{"\u0070u":1}"#), ["pu"]);
    assert_eq!(keys(r#"{"p\u0075":1, "\u0053\/":2}"#), ["pu", "S/"]);
    // What cannot be a known key stays as it is written.
    assert_eq!(keys(r#"{"\u00e9":1}"#), [r"\u00e9"]);
    assert_eq!(keys(r#"{"p\nu":1}"#), [r"p\nu"]);
    let long = r#"{"\u0070uuuuuuuuuuuuuuuuuuuuuuuu":1}"#;
    assert_eq!(keys(long), [&long[2..32]]);
}

/// JSON values of every shape, nested, with keys and texts that need escapes.
fn values() -> impl Strategy<Value = Oracle> {
    let leaf = prop_oneof![
        Just(Oracle::Null),
        any::<bool>().prop_map(Oracle::from),
        any::<i64>().prop_map(Oracle::from),
        any::<u64>().prop_map(Oracle::from),
        any::<f64>().prop_map(Oracle::from),
        "\\PC{0,20}".prop_map(Oracle::from),
        any::<String>().prop_map(Oracle::from),
        "[0-9]{1,9}(\\.[0-9]{1,9})?".prop_map(Oracle::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let members = prop::collection::btree_map("[a-zA-Z]|\\PC{0,12}", inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Oracle::from),
            members.prop_map(Oracle::from_iter),
        ]
    })
}

/// A change of a few bytes somewhere.
fn mutate(mut text: Vec<u8>, changes: &[(u16, u8, u8)]) -> Vec<u8> {
    const LIKELY: &[u8] = b"\"\\{}[]:,.-+eEu0123456789 \ntfn\x00\x1f\x7f\x80\xff";
    for &(at, what, byte) in changes {
        let at = usize::from(at) % (text.len() + 1);
        let byte = *LIKELY.get(usize::from(byte) % 64).unwrap_or(&byte);
        match what % 3 {
            0 if at < text.len() => text[at] = byte,
            1 if at < text.len() => drop(text.remove(at)),
            _ => text.insert(at, byte),
        }
    }
    text
}

fn changes() -> impl Strategy<Value = Vec<(u16, u8, u8)>> {
    prop::collection::vec(any::<(u16, u8, u8)>(), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn generated_values(value in values(), pretty: bool) {
        let text = if pretty {
            serde_json::to_vec_pretty(&value)
        } else {
            serde_json::to_vec(&value)
        };
        check(&text.unwrap());
    }

    #[test]
    fn mutated_values(value in values(), changes in changes()) {
        check(&mutate(serde_json::to_vec(&value).unwrap(), &changes));
    }

    #[test]
    fn mutated_real_frames(at in 0..7_usize, changes in changes()) {
        let frame = crate::decode::tests::RECENT[at];
        check(&mutate(frame.as_bytes().to_vec(), &changes));
    }

    #[test]
    fn any_bytes(text in prop::collection::vec(any::<u8>(), 0..40)) {
        check(&text);
    }

    #[test]
    fn values_of_an_object_are_found(members in prop::collection::btree_map("[a-z]{0,12}", values(), 0..8)) {
        let text = serde_json::to_vec_pretty(&members).unwrap();
        let members: serde_json::Map<String, Oracle> = serde_json::from_slice(&text).unwrap();
        let mut seen = Vec::new();
        Cursor::new(&text).object(|cursor, key| {
            let value = cursor.value()?;
            seen.push((key.to_vec(), value));
            Ok(())
        }).unwrap();
        prop_assert_eq!(seen.len(), members.len());
        for ((key, value), (name, oracle)) in seen.iter().zip(&members) {
            prop_assert_eq!(&key[..], name.as_bytes());
            let bytes = value.of(&text);
            if value.shape() == Shape::Text {
                let quoted = [b"\"", bytes, b"\""].concat();
                prop_assert_eq!(&serde_json::from_slice::<Oracle>(&quoted).unwrap(), oracle);
            } else {
                prop_assert_eq!(&serde_json::from_slice::<Oracle>(bytes).unwrap(), oracle);
            }
        }
    }
}
