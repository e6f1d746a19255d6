//! Order-by-order captures and FX ticks: every message and line, counted by what it says.

use super::{data, instrument, unpacked};
use pitlane_domain::decode::{Decoded, Fact, Levels, decode};
use pitlane_domain::instrument::{InstrumentTable, Venue};
use pitlane_domain::message::{FxTick, Order, OrderAction};
use pitlane_domain::units::{Ticks, WallNs};
use std::collections::BTreeMap;
use std::path::Path;

/// The order event of a frame, which must be one.
fn order(venue: Venue, stream: &str, frame: &[u8], table: &InstrumentTable) -> Order {
    let mut levels = Levels::default();
    match decode(venue, stream.as_bytes(), frame, table, &mut levels) {
        Ok(Decoded::Fact {
            fact: Fact::Order(order),
            ..
        }) => order,
        other => panic!("{other:?}: {}", String::from_utf8_lossy(frame)),
    }
}

/// How many messages of each type a `BinaryFILE` holds, all of them decoded, and how many follow from their type.
fn itch(path: &Path) -> BTreeMap<char, usize> {
    let bytes = unpacked(path);
    let mut table = InstrumentTable::default();
    // Whose messages they are does not matter here.
    table
        .add(instrument(Venue::Itch, "ANY", "0.0001", "1"))
        .expect("room");
    let mut counts = BTreeMap::new();
    let mut rest = &bytes[..];
    while let [high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (message, behind) = behind.split_at(length);
        let order = order(Venue::Itch, "any@itch", message, &table);
        let action = match message[0] {
            b'A' | b'F' => OrderAction::Add,
            b'E' | b'C' => OrderAction::Execute,
            b'X' | b'D' => OrderAction::Cancel,
            b'U' => OrderAction::Replace,
            b'P' => OrderAction::Trade,
            _ => OrderAction::Status,
        };
        assert_eq!(order.action, action);
        *counts.entry(char::from(message[0])).or_insert(0) += 1;
        rest = behind;
    }
    counts
}

#[test]
fn itch_files() {
    let Some(folder) = data("itch50") else {
        return;
    };
    let check = |file: &str, expected: &str| {
        let counts = itch(&folder.join(file)).into_iter();
        let counts: Vec<_> = counts.map(|(kind, n)| format!("{kind}:{n}")).collect();
        assert_eq!(counts.join(" "), expected, "{file}");
    };
    check(
        "AAPL_20191230_0935_derived.first25k.itch50.zst",
        "A:10707 D:11732 E:1376 F:1 P:165 U:961 X:58",
    );
    check(
        "NASDAQ_20191230_0930_first1000.itch50",
        "A:367 C:1 D:167 E:28 F:193 I:4 P:4 Q:4 S:1 U:225 X:6",
    );
    check("NASDAQ_head_1000_directory.itch50", "H:3 R:993 S:1 Y:3");
    check(
        "SYNTHETIC_ritch_20101224.itch50",
        "A:4997 D:1745 E:198 F:3 H:3 P:5000 R:3 S:6 U:12 X:45",
    );
}

#[test]
fn lobster_files() {
    let Some(folder) = data("l3_lobster") else {
        return;
    };
    for (file, lines) in [
        ("AAPL_2012-06-21_message_50.first45k.csv.zst", 45_000),
        ("MSFT_2012-06-21_36000s_message_50.first400.csv.zst", 400),
    ] {
        let mut table = InstrumentTable::default();
        table
            .add(instrument(Venue::Lobster, "ANY", "0.0001", "1"))
            .expect("room");
        let text = unpacked(&folder.join(file));
        let mut count = 0;
        for line in text
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let order = order(Venue::Lobster, "any@lobster", line, &table);
            let line = std::str::from_utf8(line).expect("text");
            let columns: Vec<i64> = line
                .trim_end()
                .split(',')
                .skip(1)
                .map(|c| c.parse().expect("a number"))
                .collect();
            let [kind, id, size, px, _] = columns[..] else {
                panic!("{line}")
            };
            assert_eq!(order.px, Ticks(px), "{line}");
            assert_eq!(i64::try_from(order.order_id), Ok(id), "{line}");
            assert_eq!(order.qty.0, if kind == 3 { 0 } else { size }, "{line}");
            count += 1;
        }
        assert_eq!(count, lines, "{file}");
    }
}

#[test]
fn market_by_order_files() {
    let Some(folder) = data("l3_cme_mbo") else {
        return;
    };
    let mut table = InstrumentTable::default();
    table
        .add(instrument(Venue::Mbo, "ESH4", "0.25", "1"))
        .expect("room");
    let text = unpacked(&folder.join("ESH4_20231225.mbo.csv.zst"));
    let (mut snapshot, mut resting) = (0, BTreeMap::new());
    let mut counts = BTreeMap::new();
    for line in text
        .split(|&byte| byte == b'\n')
        .skip(1)
        .filter(|line| !line.is_empty())
    {
        let order = order(Venue::Mbo, "esh4@mbo", line, &table);
        snapshot += usize::from(order.snapshot);
        let letter = line.split(|&byte| byte == b',').nth(2).expect("an action")[0];
        *counts.entry(char::from(letter)).or_insert(0) += 1;
        // The meaning given to each action keeps the orders' quantities right.
        match order.action {
            OrderAction::Clear => resting.clear(),
            OrderAction::Add | OrderAction::Modify => {
                resting.insert(order.order_id, order.qty);
            }
            OrderAction::Cancel => {
                let left = resting.get(&order.order_id).expect("a known order");
                assert!(order.qty <= *left, "{order:?}");
                if order.qty == *left {
                    resting.remove(&order.order_id);
                }
            }
            _ => {}
        }
    }
    let counts: Vec<_> = counts
        .into_iter()
        .map(|(kind, n)| format!("{kind} {n}"))
        .collect();
    assert_eq!(
        counts.join(", "),
        "A 29216, C 17999, F 6371, M 12233, T 2973"
    );
    assert_eq!(snapshot, 8725);
}

#[test]
fn fx_ticks() {
    let Some(folder) = data("fx_nautilus") else {
        return;
    };
    let mut table = InstrumentTable::default();
    table
        .add(instrument(Venue::Fx, "USDJPY", "0.001", "1"))
        .expect("room");
    let text =
        String::from_utf8(unpacked(&folder.join("USDJPY_truefx_20130101.csv"))).expect("text");
    let mut levels = Levels::default();
    let mut count: i64 = 0;
    for line in text.lines().skip(1) {
        let columns: Vec<_> = line.split(',').collect();
        let [_, bid, ask] = columns[..] else {
            panic!("{line}")
        };
        let ms = 1_357_077_600_000 + count;
        let frame = format!(
            r#"{{"type":"tick","symbol":"USDJPY","bid":{bid},"ask":{ask},"timestamp":{ms}.25}}"#
        );
        let found = decode(
            Venue::Fx,
            b"usdjpy@tick",
            frame.as_bytes(),
            &table,
            &mut levels,
        );
        let ticks = |text: &str| {
            Ticks(
                table
                    .iter()
                    .next()
                    .expect("a row")
                    .1
                    .tick_size
                    .parse(text.as_bytes())
                    .expect("a price"),
            )
        };
        let Ok(Decoded::Fact { ts_event, fact, .. }) = found else {
            panic!("{found:?}: {frame}")
        };
        assert_eq!(ts_event, Some(WallNs(ms * 1_000_000 + 250_000)));
        let Fact::FxTick(FxTick {
            bid: found_bid,
            ask: found_ask,
            ..
        }) = fact
        else {
            panic!("{fact:?}")
        };
        assert_eq!((found_bid, found_ask), (ticks(bid), ticks(ask)));
        count += 1;
    }
    assert_eq!(count, 1000);
}
