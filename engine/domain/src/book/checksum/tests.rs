use super::*;
use crate::book::{Check, Fault, Quality, Stamp};
use crate::instrument::Symbol;
use crate::message::{BookLevel, BookSynced};
use crate::units::WallNs;
use proptest::prelude::*;

const AT: Stamp = Stamp {
    sequence: 7,
    ts: WallNs(9),
};

fn instrument(venue: Venue, tick: &str, lot: &str) -> Instrument {
    let symbol = Symbol::new(b"X").unwrap();
    Instrument {
        symbol,
        venue_symbol: symbol,
        venue,
        tick_size: Grid::of_step(tick.as_bytes()).unwrap(),
        lot_size: Grid::of_step(lot.as_bytes()).unwrap(),
    }
}

/// A run of bids and asks as price and quantity.
fn run(book: &mut Book, id: u64, snapshot: bool, levels: &[(Side, i64, i64)]) {
    for (at, &(side, px, qty)) in levels.iter().enumerate() {
        let level = BookLevel {
            side,
            px: Ticks(px),
            qty: Lots(qty),
            first_id: id,
            last_id: id,
            last: at + 1 == levels.len(),
            snapshot,
            empty: false,
        };
        book.apply_level(&level, AT);
    }
}

fn book(levels: &[(Side, i64, i64)]) -> Book {
    let mut book = Book::new();
    run(&mut book, 1, true, levels);
    assert!(book.synced(&BookSynced { update_id: 1 }, AT));
    book
}

fn stated(checksum: u32, depth: u32, decimals: [u32; 2]) -> BookChecksum {
    BookChecksum {
        checksum,
        depth,
        px_decimals: decimals[0],
        qty_decimals: decimals[1],
    }
}

fn crc(text: &str) -> u32 {
    crc32fast::hash(text.as_bytes())
}

#[test]
fn the_text_of_each_venue() {
    use Side::{Ask, Bid};
    let levels = [(Bid, 100, 5), (Bid, 99, 20), (Bid, 90, 1), (Ask, 101, 30)];
    let book = book(&levels);
    let check = |venue, grids: [&str; 2], decimals, text: &str| {
        let instrument = instrument(venue, grids[0], grids[1]);
        let got = checksum(&book, &instrument, &stated(0, 0, decimals));
        assert_eq!(got, Some(crc(text)), "{text}");
    };
    // Asks first; "10.10000" and "0.30000000" without point and leading zeros.
    let kraken = "10100003000000010000005000000990000200000009000001000000";
    check(Venue::Kraken, ["0.1", "0.01"], [5, 8], kraken);
    check(
        Venue::Okx,
        ["0.1", "0.01"],
        [0, 0],
        "10:0.05:10.1:0.3:9.9:0.2:9:0.01",
    );
    check(
        Venue::Ftx,
        ["0.5", "1"],
        [0, 0],
        "50.0:5.0:50.5:30.0:49.5:20.0:45.0:1.0",
    );
    check(
        Venue::Ftx,
        ["0.0000001", "0.000001"],
        [0, 0],
        "1e-05:5e-06:1.01e-05:3e-05:9.9e-06:2e-05:9e-06:1e-06",
    );
    check(
        Venue::Ftx,
        ["0.00001", "1000000000000000"],
        [0, 0],
        "0.001:5000000000000000.0:0.00101:3e+16:0.00099:2e+16:0.0009:1000000000000000.0",
    );
    let instrument = instrument(Venue::Kraken, "0.1", "0.01");
    assert_eq!(checksum(&book, &instrument, &stated(0, 0, [0, 8])), None);
    assert_eq!(checksum(&book, &instrument, &stated(0, 0, [99, 8])), None);
}

#[test]
fn only_so_many_levels_count() {
    let bids = (0..120).map(|at| (Side::Bid, 1000 - at, 1 + at));
    let levels: Vec<_> = bids.collect();
    let book = book(&levels);
    for (venue, counted) in [(Venue::Okx, 25), (Venue::Ftx, 100), (Venue::Kraken, 10)] {
        let instrument = instrument(venue, "1", "1");
        let of = |book: &Book| checksum(book, &instrument, &stated(0, 0, [0, 0]));
        let mut other = book.clone();
        run(&mut other, 2, false, &[(Side::Bid, 1001 - counted, 777)]);
        assert_ne!(of(&other), of(&book), "{venue:?}");
        let mut other = book.clone();
        run(&mut other, 2, false, &[(Side::Bid, 1000 - counted, 777)]);
        assert_eq!(of(&other), of(&book), "{venue:?}");
    }
}

#[test]
fn a_wrong_checksum_gaps_the_book_until_the_next_snapshot() {
    use Side::{Ask, Bid};
    let instrument = instrument(Venue::Okx, "1", "1");
    let mut book = book(&[(Bid, 100, 5), (Ask, 101, 30)]);
    let good = stated(crc("100:5:101:30"), 0, [0, 0]);
    assert_eq!(book.check(&good, &instrument, AT), Check::Verified);
    run(&mut book, 2, false, &[(Bid, 99, 7)]);
    assert_eq!(book.check(&good, &instrument, AT), Check::Failed);
    assert_eq!(book.quality(), Quality::Gapped(Fault::Checksum));
    assert_eq!(book.check(&good, &instrument, AT), Check::Skipped);
    run(&mut book, 3, false, &[(Bid, 99, 0)]);
    assert_eq!(book.level_count(Bid), 2, "a gapped book stands still");
    run(&mut book, 4, true, &[(Bid, 100, 5), (Ask, 101, 30)]);
    assert_eq!(book.check(&good, &instrument, AT), Check::Verified);
    assert!(book.synced(&BookSynced { update_id: 4 }, AT));
    // A snapshot that is not what it says never becomes good.
    run(&mut book, 5, true, &[(Bid, 100, 6), (Ask, 101, 30)]);
    assert_eq!(book.check(&good, &instrument, AT), Check::Failed);
    assert!(!book.synced(&BookSynced { update_id: 5 }, AT));
}

#[test]
fn a_book_is_cut_to_the_depth_the_venue_keeps() {
    use Side::{Ask, Bid};
    let instrument = instrument(Venue::Kraken, "1", "1");
    let mut book = book(&[(Bid, 100, 5), (Bid, 98, 1), (Ask, 101, 30), (Ask, 102, 1)]);
    run(&mut book, 2, false, &[(Bid, 99, 7), (Ask, 50_000, 1)]);
    let text = "1013010211005997";
    let stated = stated(crc(text), 2, [0, 0]);
    assert_eq!(book.check(&stated, &instrument, AT), Check::Verified);
    let left = |side| book.levels(side).map(|(px, _)| px.0).collect::<Vec<_>>();
    assert_eq!((left(Bid), left(Ask)), (vec![100, 99], vec![101, 102]));
    assert_eq!(book.horizon(Bid), crate::book::Horizon::To(Ticks(99)));
    assert_eq!(book.level_count(Bid), 2);
}

#[test]
fn other_venues_have_no_checksum() {
    let mut book = book(&[(Side::Bid, 100, 5)]);
    let instrument = instrument(Venue::BinanceSpot, "1", "1");
    assert_eq!(checksum(&book, &instrument, &stated(0, 0, [0, 0])), None);
    let skipped = book.check(&stated(0, 0, [0, 0]), &instrument, AT);
    assert_eq!((skipped, book.quality()), (Check::Skipped, Quality::Good));
}

proptest! {
    #[test]
    fn the_double_is_written_as_the_shortest_that_reads_back(steps in 1..1_000_000_000_000_i64, scale in 0..12_u8) {
        let mut text = Text::new();
        text.double(Decimal::new(steps, Grid::new(1, scale).unwrap()));
        let text = std::str::from_utf8(&text.buffer[..text.len]).unwrap().to_owned();
        let value: f64 = format!("{steps}e-{scale}").parse().unwrap();
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        // Rust writes the shortest digits too, though it sets the point elsewhere.
        let digits = |text: &str| -> String {
            let mantissa = text.split('e').next().unwrap();
            let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
            digits.trim_matches('0').to_owned()
        };
        prop_assert_eq!(digits(&text), digits(&format!("{value}")));
        prop_assert_eq!(text.contains('e'), value < 1e-4);
    }

    #[test]
    fn the_shortest_decimal_is_the_shown_one_without_zeros(steps in 1..i64::MAX, mantissa in 1..1000_i64, scale in 0..18_u8) {
        let grid = Grid::new(mantissa, scale).unwrap();
        let mut text = Text::new();
        text.shortest(Decimal::new(steps, grid));
        let shown = grid.show(steps).to_string();
        let expected = if shown.contains('.') {
            shown.trim_end_matches('0').trim_end_matches('.')
        } else {
            &shown
        };
        prop_assert_eq!(std::str::from_utf8(&text.buffer[..text.len]).unwrap(), expected);
    }
}
