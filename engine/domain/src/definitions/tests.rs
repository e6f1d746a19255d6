use super::*;

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new(b"BTCUSDT-PERP").expect("a symbol"),
        venue_symbol: Symbol::new(b"BTCUSDT").expect("a symbol"),
        venue: Venue::BinanceUsdm,
        tick_size: Grid::of_step(b"0.10").expect("a step"),
        lot_size: Grid::of_step(b"0.001").expect("a step"),
    }
}

#[test]
fn an_instrument_survives_its_journey() {
    let mut definitions = Definitions::default();
    let parts = define(InstrumentId(7), &instrument(), WallNs(1));
    assert_eq!(definitions.take(&parts[0]), None);
    assert_eq!(definitions.take(&parts[1]), None);
    assert_eq!(
        definitions.take(&parts[2]),
        Some((InstrumentId(7), instrument()))
    );
    assert_eq!(
        definitions.take(&parts[2]),
        None,
        "a part alone is no definition"
    );
}

#[test]
fn parts_that_do_not_fit_are_forgotten() {
    let [name, venue_name, grids] = define(InstrumentId(7), &instrument(), WallNs(1));
    let [other, _, _] = define(InstrumentId(8), &instrument(), WallNs(1));
    let mut bad_code = venue_name;
    bad_code.aux = 250;
    let mut bad_grid = grids;
    bad_grid.payload[0] = 0;
    let mut bad_text = name;
    bad_text.payload[0] = u64::from_le_bytes(*b"a b c d ");
    for parts in [
        [other, venue_name, grids],
        [name, bad_code, grids],
        [name, venue_name, bad_grid],
        [bad_text, venue_name, grids],
    ] {
        let mut definitions = Definitions::default();
        assert!(parts.iter().all(|part| definitions.take(part).is_none()));
    }
}
