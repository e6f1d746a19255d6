use super::*;
use pitlane_domain::definitions::define;
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_domain::message::{Body, Quote, Trade};
use pitlane_domain::units::{Grid, Lots, Ticks, WallNs};

fn records() -> Vec<Message> {
    let instrument = Instrument {
        symbol: Symbol::new(b"BTCUSDT").expect("a symbol"),
        venue_symbol: Symbol::new(b"BTCUSDT").expect("a symbol"),
        venue: Venue::BinanceSpot,
        tick_size: Grid::of_step(b"0.01").expect("a step"),
        lot_size: Grid::of_step(b"0.00001").expect("a step"),
    };
    let id = InstrumentId(0);
    let trade = Trade {
        px: Ticks(6_183_763),
        qty: Lots(2000),
        id: 9,
        first_id: 7,
        last_id: 9,
        is_buyer_maker: true,
        best_match: true,
        backfilled: false,
        off_market: false,
        delayed: false,
    };
    let quote = Quote {
        bid_px: Ticks(100),
        bid_qty: Lots(1),
        ask_px: Ticks(99),
        ask_qty: Lots(2),
        update_id: u64::MAX,
    };
    let mut records = define(id, &instrument, WallNs(1)).to_vec();
    records.push(Message::new(id, WallNs(5), WallNs(6), &Body::Trade(trade)));
    records.push(Message::new(id, WallNs(-5), WallNs(7), &Body::Quote(quote)));
    records.push(Message::new(
        InstrumentId::NONE,
        WallNs(10),
        WallNs(10),
        &Body::Timer,
    ));
    for (record, sequence) in records.iter_mut().zip(1..) {
        record.sequence = sequence;
    }
    records
}

fn export(format: Format) -> String {
    let mut bytes = Vec::new();
    let mut export = TextExport::new(&mut bytes, format).expect("memory");
    for record in records() {
        export.learn(&record);
        export.write(&record).expect("memory");
    }
    assert_eq!(export.finish().expect("memory"), 6);
    String::from_utf8(bytes).expect("text")
}

#[test]
fn csv_has_every_field_and_decimals() {
    let text = export(Format::Csv);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert!(
        lines.iter().all(|line| line.len() == lines[0].len()),
        "every line has every column"
    );
    let cell = |line: usize, name: &str| {
        lines[line][lines[0].iter().position(|n| *n == name).expect("a column")]
    };
    assert_eq!(
        (cell(4, "kind"), cell(4, "px"), cell(4, "qty")),
        ("trade", "61837.63", "0.02000")
    );
    assert_eq!(cell(4, "flags"), "last|buyer_maker|best_match");
    assert_eq!(
        (cell(5, "spread"), cell(5, "ts_event"), cell(5, "px")),
        ("-0.01", "-5", "")
    );
    assert_eq!(cell(5, "update_id"), u64::MAX.to_string());
    assert_eq!((cell(6, "kind"), cell(6, "instrument")), ("timer", ""));
}

#[test]
fn json_lines_parse_and_agree() {
    let text = export(Format::JsonLines);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    assert_eq!(lines[0]["name"], "BTCUSDT");
    assert_eq!(lines[3]["px"], "61837.63");
    assert_eq!(lines[3]["id"], 9);
    assert_eq!(lines[3]["instrument"], "BTCUSDT");
    assert_eq!(lines[4]["update_id"], u64::MAX);
    assert!(lines[4].get("px").is_none());
}

#[test]
fn the_numpy_header_is_aligned_and_counts_its_length() {
    let header = npy_header(123_456);
    assert_eq!(header.len() % 64, 0);
    assert_eq!(
        usize::from(u16::from_le_bytes([header[8], header[9]])),
        header.len() - 10
    );
    assert!(String::from_utf8_lossy(&header).contains("'shape': (123456,)"));
    assert_eq!(header.last(), Some(&b'\n'));
}
