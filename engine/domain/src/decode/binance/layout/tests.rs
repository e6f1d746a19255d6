//! With a layout and without it, every frame decodes the same; and what is laid out alike is read by its layout.

use crate::decode::tests::{RECENT, table};
use crate::decode::{Decoded, Decoder, Fact, Levels, Reject, decode};
use crate::instrument::{InstrumentTable, Venue};
use proptest::prelude::*;
use proptest::sample::Index;

const SPOT: [&str; 6] = [
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#,
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":37,"p":"61837.63","q":"12.5","b":50093239189,"a":50093239190,"T":1723161255342123,"m":false,"M":true,"X":"MARKET"}}"#,
    r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1617566592900,"s":"BTCUSDT","a":675000001,"p":"58000.27000000","q":"0.00100000","f":764000010,"l":764000012,"T":1617566592899,"m":false,"M":true}}"#,
    r#"{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}"#,
    r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":50093239189,"u":50093239202,"b":[["61737.63000000","0.00000000"],["61730.17000000","1.50000000"]],"a":[["61837.64000000","1.54698000"]]}}"#,
    r#"{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":50093239189,"u":50093239202,"b":[],"a":[["61837.64000000","1.54698000"]]}"#,
];

const USDM: [&str; 4] = [
    RECENT[0],
    r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5125486193000,"s":"BTCUSDT","b":"61837.60","B":"3.788","a":"61837.70","A":"1.546","T":1723161255208,"E":1723161255213}}"#,
    r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161257440,"T":1723161257432,"s":"BTCUSDT","ps":"BTCUSDT","U":1007198631260,"u":1007198631565,"pu":1007198631198,"b":[["61773.6","1001"]],"a":[]}}"#,
    r#"{"stream":"btcusdt@depth20@100ms","data":{"e":"depthUpdate","E":1723161257440,"T":1723161257432,"s":"BTCUSDT","U":10071,"u":10079,"pu":10068,"b":[["61773.6","1001"]],"a":[["61774.6","1001"]]}}"#,
];

fn frames() -> impl Iterator<Item = (Venue, &'static str)> {
    let spot = SPOT.map(|frame| (Venue::BinanceSpot, frame));
    let usdm = USDM.map(|frame| (Venue::BinanceUsdm, frame));
    spot.into_iter().chain(usdm)
}

/// The name under which all frames here are received; the frames name their own.
const STREAM: &[u8] = b"btcusdt@depth";

/// The answer, and of a depth frame its levels.
type Answer = (Result<Decoded, Reject>, Levels);

fn answer(result: Result<Decoded, Reject>, mut levels: Levels) -> Answer {
    if !matches!(
        result,
        Ok(Decoded::Fact {
            fact: Fact::Depth(_),
            ..
        })
    ) {
        levels = Levels::default();
    }
    (result, levels)
}

fn plainly(venue: Venue, frame: &[u8], table: &InstrumentTable) -> Answer {
    let mut levels = Levels::default();
    let result = decode(venue, STREAM, frame, table, &mut levels);
    answer(result, levels)
}

/// Decodes with what has been learned, and holds the answer against the reader's.
#[track_caller]
fn check(decoder: &mut Decoder, venue: Venue, frame: &[u8]) {
    let mut levels = Levels::default();
    let result = decoder.decode(venue, STREAM, frame, &mut levels);
    let found = answer(result, levels);
    let right = plainly(venue, frame, decoder.table());
    let shown = String::from_utf8_lossy(frame);
    assert_eq!(found.0, right.0, "{shown}");
    assert_eq!(found.1.bids, right.1.bids, "{shown}");
    assert_eq!(found.1.asks, right.1.asks, "{shown}");
}

/// A decoder that knows how that frame is laid out.
#[track_caller]
fn learned(venue: Venue, frame: &str) -> Decoder {
    let mut decoder = Decoder::new(table());
    // The first is learned, and two of a kind make its values' lengths usual.
    for _ in 0..3 {
        let result = decoder.decode(venue, STREAM, frame.as_bytes(), &mut Levels::default());
        assert!(result.is_ok(), "{frame}: {result:?}");
    }
    decoder
}

/// Whether the layouts alone can read a frame.
fn fits(decoder: &Decoder, venue: Venue, frame: &[u8]) -> bool {
    let mut layouts = decoder.layouts.clone();
    let found = layouts.read(venue, STREAM, frame, &mut Levels::default());
    found.is_some()
}

#[test]
fn a_frame_laid_out_alike_is_read_by_its_layout() {
    for (venue, frame) in frames() {
        let decoder = learned(venue, frame);
        assert!(fits(&decoder, venue, frame.as_bytes()), "{frame}");
    }
    let decoder = learned(Venue::BinanceSpot, SPOT[0]);
    for (from, to) in [
        ("3735683259", "9"),
        ("3735683259", "123456789012345678"),
        ("61837.63000000", "9999999.99"),
        ("61837.63000000", "1"),
        ("0.02000000", "1234.00001"),
        ("\"m\":true", "\"m\":false"),
        ("1723161255342,", "1723161255342123456,"),
    ] {
        let frame = SPOT[0].replace(from, to);
        assert_ne!(frame, SPOT[0]);
        let mut decoder = decoder.clone();
        let fits = fits(&decoder, Venue::BinanceSpot, frame.as_bytes());
        assert_eq!(fits, !to.starts_with("17231"), "{frame}");
        check(&mut decoder, Venue::BinanceSpot, frame.as_bytes());
    }
    let decoder = learned(Venue::BinanceSpot, SPOT[4]);
    for sides in [
        r#""b":[],"a":[]"#,
        r#""b":[["1","0.1"]],"a":[]"#,
        r#""b":[],"a":[["1.01","0.1"],["1234567.01","1234567.00001"],["3.0","4.5"]]"#,
    ] {
        let (before, _) = SPOT[4].split_once("\"b\"").unwrap();
        let frame = format!("{before}{sides}}}}}");
        assert!(
            fits(&decoder, Venue::BinanceSpot, frame.as_bytes()),
            "{frame}"
        );
        check(&mut decoder.clone(), Venue::BinanceSpot, frame.as_bytes());
    }
}

#[test]
fn values_of_every_length_after_each_other() {
    let lengths = |template: &str, value: &str, texts: &[&str]| {
        assert_eq!(template.matches(value).count(), 1, "{value}");
        for &usual in texts {
            let decoder = learned(Venue::BinanceSpot, &template.replace(value, usual));
            for text in texts {
                let frame = template.replace(value, text);
                assert!(
                    fits(&decoder, Venue::BinanceSpot, frame.as_bytes()),
                    "{frame}"
                );
                check(&mut decoder.clone(), Venue::BinanceSpot, frame.as_bytes());
            }
        }
    };
    let whole = "123456789012345678";
    let wholes: Vec<_> = (1..=whole.len())
        .map(|len| &whole[..len])
        .chain(["0"])
        .collect();
    lengths(SPOT[0], "3735683259", &wholes);
    lengths(
        SPOT[0],
        "61837.63000000",
        &[
            "1",
            "12",
            "1234567",
            "1.2",
            "1.23",
            "1.230",
            "0.01",
            "99999.99000000",
            "7654321.98000000",
        ],
    );
    lengths(
        SPOT[0],
        "0.02000000",
        &[
            "0.00001",
            "0.1",
            "1234567.12345",
            "3",
            "9.9",
            "0.98765000",
            "00.5",
            "12.34000",
        ],
    );
    lengths(SPOT[0], "\"m\":true", &["\"m\":true", "\"m\":false"]);
}

#[test]
fn what_decides_the_meaning_is_constant() {
    for (at, from, to) in [
        (0, "BTCUSDT", "PEPEUSDT"),
        (0, "\"p\"", "\"q\""),
        (1, "MARKET", "ADL"),
        (1, "\"MARKET\"", "null"),
        (2, "\"e\":\"aggTrade\"", "\"e\":\"trade\""),
        (4, "\"s\":\"BTCUSDT\"", "\"s\":\"PEPEUSDT\""),
        (4, "@depth@", "@depth5@"),
    ] {
        let frame = SPOT[at].replace(from, to);
        assert_ne!(frame, SPOT[at]);
        let mut decoder = learned(Venue::BinanceSpot, SPOT[at]);
        assert!(
            !fits(&decoder, Venue::BinanceSpot, frame.as_bytes()),
            "{frame}"
        );
        check(&mut decoder, Venue::BinanceSpot, frame.as_bytes());
    }
    // The name under which a frame is received decides where the frame names none.
    let mut decoder = learned(Venue::BinanceSpot, SPOT[5]);
    let partial = decoder.decode(
        Venue::BinanceSpot,
        b"btcusdt@depth5",
        SPOT[5].as_bytes(),
        &mut Levels::default(),
    );
    assert_ne!(
        partial,
        plainly(Venue::BinanceSpot, SPOT[5].as_bytes(), &table()).0
    );
    // And an instrument belongs to its venue.
    check(&mut decoder, Venue::BinanceUsdm, SPOT[5].as_bytes());
}

#[test]
fn a_frame_that_cannot_be_remembered_is_read_each_time() {
    for frame in [
        SPOT[0].replace("\"p\"", "\"p\":\"7\",\"p\""),
        SPOT[0].replace("\"M\"", "\"x\":[],\"M\""),
        SPOT[0].replace("\"M\"", "\"code\":3,\"M\""),
        SPOT[0].replace("{\"stream\"", "{\"stream\":\"x\",\"stream\""),
        SPOT[0].replace("{\"stream\"", "{\"t\":1,\"stream\""),
        SPOT[0].replace("\"M\"", &format!("\"{}\":null,\"M\"", "x".repeat(400))),
    ] {
        let venue = Venue::BinanceSpot;
        let decoder = learned(venue, &frame);
        assert!(!fits(&decoder, venue, frame.as_bytes()), "{frame}");
        check(&mut decoder.clone(), venue, frame.as_bytes());
    }
}

#[test]
fn every_byte_changed_and_every_truncation() {
    for (venue, frame) in frames() {
        let mut growing = learned(venue, frame);
        let mut layouts = growing.layouts.clone();
        let frame = frame.as_bytes();
        for end in 0..frame.len() {
            check(&mut growing, venue, &frame[..end]);
        }
        let mut damaged = frame.to_vec();
        for at in 0..frame.len() {
            for byte in 0..=u8::MAX {
                damaged[at] = byte;
                check(&mut growing, venue, &damaged);
                // And by the layout of the undamaged frame, which the one above may have left.
                let mut levels = Levels::default();
                if let Some(found) = layouts.read(venue, STREAM, &damaged, &mut levels) {
                    let (found, levels) = answer(Ok(found), levels);
                    let right = plainly(venue, &damaged, growing.table());
                    assert_eq!(found, right.0);
                    assert_eq!(levels.bids, right.1.bids);
                    assert_eq!(levels.asks, right.1.asks);
                }
            }
            damaged[at] = frame[at];
        }
    }
}

#[test]
fn more_streams_than_places() {
    let mut decoder = Decoder::new(table());
    let (table, mut levels) = (table(), Levels::default());
    for round in 0..3 {
        for number in 0..1000 {
            let frame = SPOT[5].replace("1723161255208", &format!("17231612{round}{number:04}"));
            let stream = format!("btcusdt@depth{number}");
            let found = decoder.decode(
                Venue::BinanceSpot,
                stream.as_bytes(),
                frame.as_bytes(),
                &mut levels,
            );
            let right = decode(
                Venue::BinanceSpot,
                stream.as_bytes(),
                frame.as_bytes(),
                &table,
                &mut levels,
            );
            assert_eq!(found, right);
        }
    }
    let long = format!("btcusdt@{}", "x".repeat(100));
    for _ in 0..2 {
        let found = decoder.decode(
            Venue::BinanceSpot,
            long.as_bytes(),
            SPOT[0].as_bytes(),
            &mut levels,
        );
        assert_eq!(
            found,
            plainly(Venue::BinanceSpot, SPOT[0].as_bytes(), &table).0
        );
    }
}

/// A piece of text put in the place of a piece of a frame.
#[derive(Clone, Debug)]
struct Change {
    from: Index,
    len: usize,
    to: String,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let piece = prop_oneof![
        "[ \t\n]{1,2}",
        "[0-9]{0,20}",
        "[0-9]{1,8}\\.[0-9]{1,9}",
        "[-+.eE0]{1,2}",
        Just("\\u0070".to_owned()),
        Just("\\".to_owned()),
        Just("\"".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned()),
        Just(",\"p\":\"1.00\"".to_owned()),
        Just("\"b\":[[\"1.00\",\"2\"]],".to_owned()),
        Just("[\"1.00\",\"2\"],".to_owned()),
        Just("é".to_owned()),
        "[a-zA-Z\\[\\]{}:,]{1,2}",
    ];
    let change =
        (any::<Index>(), 0..16_usize, piece).prop_map(|(from, len, to)| Change { from, len, to });
    proptest::collection::vec(change, 1..3)
}

/// The members of the event in another order, taken apart at the commas between them.
fn shuffled(frame: &str, keys: &[Index]) -> String {
    let (around, event) = frame.rsplit_once(":{").unwrap_or(("", &frame[1..]));
    let (mut members, mut member, mut depth) = (Vec::new(), String::new(), 0);
    for letter in event.trim_end_matches('}').chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth == 0 => {
                members.push(std::mem::take(&mut member));
                continue;
            }
            _ => {}
        }
        member.push(letter);
    }
    members.push(member);
    for (at, key) in keys.iter().enumerate() {
        let at = at % members.len();
        let other = key.index(members.len());
        members.swap(at, other);
    }
    let event = members.join(",");
    if around.is_empty() {
        format!("{{{event}}}")
    } else {
        format!("{around}:{{{event}}}}}")
    }
}

proptest! {
    #[test]
    fn any_frames_after_each_other(
        picks in proptest::collection::vec((any::<Index>(), proptest::collection::vec(any::<Index>(), 0..3), changes(), any::<bool>()), 1..12),
    ) {
        let all: Vec<_> = frames().collect();
        let mut decoder = Decoder::new(table());
        for (pick, order, changes, damaged) in picks {
            let (venue, frame) = all[pick.index(all.len())];
            let mut frame = shuffled(frame, &order);
            check(&mut decoder, venue, frame.as_bytes());
            if damaged {
                for Change { from, len, to } in changes {
                    let from = from.index(frame.len());
                    let end = (from + len).min(frame.len());
                    if frame.is_char_boundary(from) && frame.is_char_boundary(end) {
                        frame.replace_range(from..end, &to);
                    }
                }
                check(&mut decoder, venue, frame.as_bytes());
            }
        }
    }

    #[test]
    fn any_values(
        pick in any::<Index>(),
        values in proptest::collection::vec("0|[0-9]{1,3}|[1-9][0-9]{0,20}", 16),
        decimals in proptest::collection::vec("[0-9]{1,9}(\\.[0-9]{1,2}0{0,7})?|0\\.000[0-9]{1,5}", 16),
    ) {
        let all: Vec<_> = frames().collect();
        let (venue, frame) = all[pick.index(all.len())];
        let mut decoder = learned(venue, frame);
        let (mut values, mut decimals) = (values.into_iter(), decimals.into_iter());
        // Each value anew, of its own kind.
        let mut text = String::new();
        for part in frame.split_inclusive([',', '}', ']']) {
            let at = part.rfind([':', '[']).map_or(0, |at| at + 1);
            let (key, value) = part.split_at(at);
            let end = value.trim_end_matches([',', '}', ']']);
            let behind = &value[end.len()..];
            text += key;
            match end.as_bytes() {
                [b'0'..=b'9', ..] => text += &values.next().unwrap(),
                [b'"', b'0'..=b'9', ..] => {
                    text += "\"";
                    text += &decimals.next().unwrap();
                    text += "\"";
                }
                _ => text += end,
            }
            text += behind;
        }
        check(&mut decoder, venue, text.as_bytes());
    }
}
