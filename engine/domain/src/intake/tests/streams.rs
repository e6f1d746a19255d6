//! Frames of venues that number their changes in another way, or not at all.

use super::*;

/// Plays frames of a venue to an intake that knows one instrument; one line each of what came of it.
fn play(venue: Venue, symbol: &str, stream: &str, frames: &[String]) -> String {
    let symbol = Symbol::new(symbol.as_bytes()).unwrap();
    let mut table = InstrumentTable::default();
    let instrument = Instrument {
        symbol,
        venue_symbol: symbol,
        venue,
        tick_size: Grid::UNIT,
        lot_size: Grid::UNIT,
    };
    table.add(instrument).unwrap();
    let mut intake = Intake::new(table, IntakeOptions::default());
    let mut said = String::new();
    for (frame, ts) in frames.iter().zip(1..) {
        let result = intake.frame(venue, stream.as_bytes(), WallNs(ts), frame.as_bytes());
        let mut line: Vec<_> = std::iter::from_fn(|| intake.pop())
            .map(|m| show(&m))
            .collect();
        line.extend(
            result
                .err()
                .map(|reject| format!("refused: {}", reject.reason.name())),
        );
        let status = intake.book_status(SPOT).unwrap();
        writeln!(said, "{}, {} wait", line.join("; "), status.buffered).unwrap();
        intake.balance().unwrap();
    }
    said
}

#[test]
fn a_numbered_venue() {
    let frame = |kind: &str, id: u64, qty: &str| {
        format!(
            r#"{{"topic":"orderbook.1.X","type":"{kind}","ts":1700000000000,"data":{{"s":"X","b":[["5","{qty}"]],"a":[],"u":{id},"seq":1}}}}"#
        )
    };
    let frames = [
        frame("delta", 6, "1"),
        frame("snapshot", 7, "1"),
        frame("delta", 8, "2"),
        frame("delta", 8, "2"),
        frame("delta", 10, "3"),
        frame("delta", 11, "3"),
        frame("snapshot", 1, "4"),
        frame("delta", 2, "0.5"),
        frame("delta", 3, "3"),
    ];
    expect![[r#"
        , 0 wait
        snapshot Bid 5x1 7-7 last @1700000000000000000/2; synced 7 @1700000000000000000/2, 0 wait
        Bid 5x2 8-8 last @1700000000000000000/3, 0 wait
        , 0 wait
        reset Gap 9 10, 0 wait
        , 0 wait
        snapshot Bid 5x4 1-1 last @1700000000000000000/7; synced 1 @1700000000000000000/7, 0 wait
        refused: off_lot, 0 wait
        reset Gap 2 3, 0 wait
    "#]]
    .assert_eq(&play(Venue::Bybit, "X", "", &frames));
}

#[test]
fn a_venue_without_ids() {
    let change = |qty: &str| {
        format!(
            r#"{{"type":"l2update","product_id":"X","changes":[["buy","5","{qty}"]],"time":"2021-04-17T16:43:37Z"}}"#
        )
    };
    let book = r#"{"type":"snapshot","product_id":"X","asks":[],"bids":[["5","1"]]}"#.to_owned();
    let traded = |id: u64, size: &str| {
        format!(
            r#"{{"type":"match","trade_id":{id},"side":"sell","size":"{size}","price":"5","product_id":"X","time":"2021-04-17T16:43:37Z"}}"#
        )
    };
    // Nothing would tell that the refused change is missing, so the book is given up at once.
    let frames = [
        change("1"),
        book.clone(),
        change("2"),
        change("2"),
        change("0.5"),
        change("3"),
        book.clone(),
        book,
        traded(5, "1"),
        traded(6, "0.5"),
        traded(8, "1"),
    ];
    expect![[r#"
        , 0 wait
        snapshot Bid 5x1 1-1 last @2/2; synced 1 @2/2, 0 wait
        Bid 5x2 2-2 last @1618677817000000000/3, 0 wait
        Bid 5x2 3-3 last @1618677817000000000/4, 0 wait
        reset Gap 3 0; refused: off_lot, 0 wait
        , 0 wait
        snapshot Bid 5x1 4-4 last @7/7; synced 4 @7/7, 0 wait
        reset Refreshed 4 5; snapshot Bid 5x1 5-5 last @8/8; synced 5 @8/8, 0 wait
        trade 5, 0 wait
        refused: off_lot, 0 wait
        missing 7-7; trade 8, 0 wait
    "#]]
    .assert_eq(&play(Venue::Coinbase, "X", "", &frames));
}

#[test]
fn a_venue_whose_ids_are_times() {
    let time = |at: u64| 1_600_000_000_000_000 + at;
    let change = |at: u64, qty: &str| {
        let at = time(at);
        format!(
            r#"{{"event":"data","channel":"diff_order_book_x","data":{{"microtimestamp":"{at}","bids":[["5","{qty}"]],"asks":[]}}}}"#
        )
    };
    let book = |at: u64| format!(r#"{{"microtimestamp":"{}","bids":[],"asks":[]}}"#, time(at));
    let traded = |id: u64| {
        let at = time(500);
        format!(
            r#"{{"event":"trade","channel":"live_trades_x","data":{{"id":{id},"microtimestamp":"{at}","price_str":"5","amount_str":"1","type":1}}}}"#
        )
    };
    // The ids of trades are those of all pairs together: a hole between two says nothing.
    let frames = [
        change(10, "1"),
        change(20, "2"),
        book(9),
        book(10),
        change(19, "3"),
        change(30, "3"),
        change(40, "0.5"),
        change(50, "5"),
        book(50),
        traded(7),
        traded(9),
        traded(9),
    ];
    expect![[r#"
        , 1 wait
        , 2 wait
        , 2 wait
        snapshot Bid 0x0 1600000000000010-1600000000000010 empty last @1600000000000010000/4; synced 1600000000000010 @1600000000000010000/4; Bid 5x2 1600000000000020-1600000000000020 last @1600000000000020000/4, 0 wait
        , 0 wait
        Bid 5x3 1600000000000030-1600000000000030 last @1600000000000030000/6, 0 wait
        reset Gap 1600000000000030 0; refused: off_lot, 0 wait
        , 1 wait
        snapshot Bid 0x0 1600000000000050-1600000000000050 empty last @1600000000000050000/9; synced 1600000000000050 @1600000000000050000/9, 0 wait
        trade 7, 0 wait
        trade 9, 0 wait
        , 0 wait
    "#]].assert_eq(&play(Venue::Bitstamp, "X", "x@depthSnapshot", &frames));
}

#[test]
fn the_venues_time_of_the_latest_frame_is_known_where_it_has_one() {
    let mut intake = Intake::new(table(), IntakeOptions::default());
    let mut time = |stream: &str, frame: &str| {
        let _ = intake.frame(
            Venue::BinanceSpot,
            stream.as_bytes(),
            WallNs(7),
            frame.as_bytes(),
        );
        while intake.pop().is_some() {}
        intake.venue_time().map(WallNs::ms)
    };
    let trade = |id: u64, price: &str| {
        format!(
            r#"{{"e":"trade","E":1700000000009,"s":"BTCUSDT","t":{id},"p":"{price}","q":"1","T":1700000000005,"m":true,"M":true}}"#
        )
    };
    let depth = r#"{"e":"depthUpdate","E":1700000000008,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}"#;
    let quote = r#"{"u":400,"s":"BTCUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}"#;
    let history = r#"[{"a":9,"p":"5.00","q":"1","f":9,"l":9,"T":1700000000001,"m":true,"M":true}]"#;
    let [of_trade, of_depth] = [1_700_000_000_005, 1_700_000_000_008].map(Some);
    let cases = [
        ("btcusdt@trade", trade(1, "5.00"), of_trade),
        ("btcusdt@depth@100ms", depth.to_owned(), of_depth),
        ("btcusdt@bookTicker", quote.to_owned(), None),
        // A duplicate has a time as well.
        ("btcusdt@trade", trade(1, "5.00"), of_trade),
        ("btcusdt@aggTrades", history.to_owned(), None),
        ("btcusdt@depth@100ms", depth.to_owned(), of_depth),
        // Off the tick size, and so refused.
        ("btcusdt@trade", trade(2, "5.001"), None),
    ];
    for (stream, frame, expected) in cases {
        assert_eq!(time(stream, &frame), expected, "{stream}: {frame}");
    }
}
