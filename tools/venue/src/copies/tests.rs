use super::*;
use pitlane_domain::units::Grid;

/// Frames by time, stream and text.
struct Frames(Vec<(i64, &'static str, &'static str)>, usize);

impl FrameSource for Frames {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1).map(|(ts, stream, text)| Frame {
            ts_recv: WallNs(ts * 1_000_000),
            venue: Venue::BinanceSpot,
            stream: stream.as_bytes(),
            bytes: text.as_bytes(),
        }))
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn reports(&self) -> Vec<ImportReport> {
        Vec::new()
    }
}

#[test]
fn each_symbol_is_heard_under_every_name_in_the_order_of_time() {
    let frames = vec![
        (
            0,
            "ab@trade",
            r#"{"stream":"ab@trade","data":{"s":"AB","p":"1"}}"#,
        ),
        (
            20,
            "ab@depth",
            r#"{"s":"AB","x":"ABC","y":"CAB","z":["ab"]}"#,
        ),
        (20, "@exchangeInfo", r#"{"symbol":"AB"}"#),
        (60, "ab@depthSnapshot", r#"{"lastUpdateId":1}"#),
    ];
    let mut source = Copies::new(Frames(frames, 0), 2);
    let mut said = Vec::new();
    while let Some(frame) = source.next().unwrap() {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ms = frame.ts_recv.0 / 1_000_000;
        said.push(format!("{ms} {} {}", text(frame.stream), text(frame.bytes)));
    }
    assert_eq!(
        said,
        [
            r#"0 ab@trade {"stream":"ab@trade","data":{"s":"AB","p":"1"}}"#,
            r#"20 ab@depth {"s":"AB","x":"ABC","y":"CAB","z":["ab"]}"#,
            r#"20 @exchangeInfo {"symbol":"AB"}"#,
            r#"50 ab002@trade {"stream":"ab002@trade","data":{"s":"AB002","p":"1"}}"#,
            r#"60 ab@depthSnapshot {"lastUpdateId":1}"#,
            r#"70 ab002@depth {"s":"AB002","x":"ABC","y":"CAB","z":["ab002"]}"#,
            r#"110 ab002@depthSnapshot {"lastUpdateId":1}"#,
        ]
    );
}

#[test]
fn the_copies_are_instruments_of_their_own() {
    let grid = Grid::new(1, 2).unwrap();
    let mut table = InstrumentTable::default();
    for (symbol, venue_symbol) in [("AB", "AB"), ("C-PERP", "C")] {
        let symbol_of = |name: &str| Symbol::new(name.as_bytes()).unwrap();
        let instrument = Instrument {
            symbol: symbol_of(symbol),
            venue_symbol: symbol_of(venue_symbol),
            venue: Venue::BinanceSpot,
            tick_size: grid,
            lot_size: grid,
        };
        table.add(instrument).unwrap();
    }
    let copied = copied(&table, 3).unwrap();
    let names = copied
        .iter()
        .map(|(_, of)| format!("{} {}", of.symbol, of.venue_symbol));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "AB AB",
            "C-PERP C",
            "AB002 AB002",
            "C-PERP002 C002",
            "AB003 AB003",
            "C-PERP003 C003"
        ]
    );
    let long = Symbol::new(b"ABCDEFGHIJKLMNOPQRSTUV").unwrap();
    let mut table = InstrumentTable::default();
    let instrument = Instrument {
        symbol: long,
        venue_symbol: long,
        venue: Venue::BinanceSpot,
        tick_size: grid,
        lot_size: grid,
    };
    table.add(instrument).unwrap();
    assert!(super::copied(&table, 1).is_ok());
    assert_eq!(
        super::copied(&table, 2).unwrap_err().to_string(),
        "ABCDEFGHIJKLMNOPQRSTUV and three digits are too long for a symbol"
    );
}
