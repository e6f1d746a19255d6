use super::*;

fn instrument(symbol: &str, venue: Venue, venue_symbol: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new(symbol.as_bytes()).expect("a symbol"),
        venue_symbol: Symbol::new(venue_symbol.as_bytes()).expect("a symbol"),
        venue,
        tick_size: Grid::of_step(b"0.01").expect("a step"),
        lot_size: Grid::UNIT,
    }
}

#[test]
fn the_same_venue_symbol_may_live_on_two_venues() {
    let mut table = InstrumentTable::default();
    let spot = table
        .add(instrument("BTCUSDT", Venue::BinanceSpot, "BTCUSDT"))
        .expect("first");
    let perp = table
        .add(instrument("BTCUSDT-PERP", Venue::BinanceUsdm, "BTCUSDT"))
        .expect("second");
    assert_eq!((spot, perp), (InstrumentId(0), InstrumentId(1)));
    assert_eq!(table.find(Venue::BinanceUsdm, b"btcusdt"), Some(perp));
    assert_eq!(table.find(Venue::BinanceCoinm, b"btcusdt"), None);
    assert_eq!(
        table.add(instrument("BTCUSDT", Venue::BinanceCoinm, "X")),
        Err(TableError::DuplicateSymbol(
            Symbol::new(b"BTCUSDT").expect("a symbol")
        ))
    );
    assert!(
        table
            .add(instrument("OTHER", Venue::BinanceSpot, "BTCUSDT"))
            .is_err()
    );
    assert_eq!(table.len(), 2);
}

#[test]
fn symbols_are_bounded_and_upper_case() {
    assert_eq!(
        Symbol::new(b"btcusd_perp").expect("a symbol").as_str(),
        "BTCUSD_PERP"
    );
    for bad in [
        &b""[..],
        b"A B",
        b"ABCDEFGHIJKLMNOPQRSTUVWXY",
        b"A\0",
        "\u{e9}".as_bytes(),
    ] {
        assert_eq!(Symbol::new(bad), None);
    }
}

#[test]
fn venues_have_names_and_codes() {
    for (venue, name) in Venue::ALL {
        assert_eq!(Venue::from_name(name), Some(venue));
        assert_eq!(Venue::from_code(venue as u8), Some(venue));
        assert_eq!(venue.name(), name);
    }
    assert_eq!(Venue::from_name("nowhere"), None);
}
