//! The instruments of a source: those that occur on its streams, with the sizes the venue lists in the source itself or,
//! failing that, the finest powers of ten its numbers use.
//!
//! The numbers are looked at as text, not decoded: decoding needs the sizes that are looked for.

use crate::source::{Frame, FrameSource, SourceError};
use pitlane_domain::decode::binance::exchange_info;
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_domain::units::{DecimalError, Grid};
use std::collections::HashMap;

/// An instrument that occurs on the streams of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scanned {
    /// Whose it is.
    pub venue: Venue,
    /// The venue's symbol.
    pub symbol: Symbol,
    /// Smallest price step.
    pub tick_size: Grid,
    /// Smallest quantity step.
    pub lot_size: Grid,
    /// Both sizes are the venue's own, from an instrument table in the source; otherwise one or both are inferred.
    pub listed: bool,
    /// Frames on its streams.
    pub frames: u64,
}

/// Reads a source to its end and returns its instruments, in the order in which they first occur.
///
/// No number of the source is off the sizes returned. So a size the venue lists gives way to an inferred one if resting
/// orders are older than it: a venue that coarsens its tick size keeps them, and a book with one level off the grid would
/// be refused as a whole. The sizes in force may be multiples of inferred ones.
pub fn scan_instruments(source: &mut dyn FrameSource) -> Result<Vec<Scanned>, SourceError> {
    let mut scan = Scan::default();
    while let Some(frame) = source.next()? {
        scan.frame(&frame);
    }
    Ok(scan.finish())
}

/// The numbers of one kind seen so far.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Most decimals in use.
    decimals: u8,
    /// One was no multiple of the size the venue lists.
    off_listed: bool,
}

impl Seen {
    fn note(&mut self, text: &[u8], listed: Option<Grid>) {
        self.decimals = self.decimals.max(decimals(text));
        self.off_listed |=
            listed.is_some_and(|grid| grid.parse(text) == Err(DecimalError::OffStep));
    }

    /// The venue's size if it holds for every number, else the finest power of ten in use; and whether it is the venue's.
    fn size(self, listed: Option<Grid>) -> (Grid, bool) {
        let coarsest = listed.map_or(0, Grid::scale);
        match listed {
            Some(grid) if !self.off_listed && self.decimals <= coarsest => (grid, true),
            _ => {
                let scale = self.decimals.max(coarsest);
                let grid = Grid::new(1, scale).expect("decimals are bounded by the grid's most");
                (grid, false)
            }
        }
    }
}

/// Prices and quantities of one instrument.
#[derive(Clone, Copy, Default)]
struct Numbers {
    price: Seen,
    quantity: Seen,
    listed: Option<(Grid, Grid)>,
}

impl Numbers {
    fn price(&mut self, text: &[u8]) {
        self.price.note(text, self.listed.map(|(tick, _)| tick));
    }

    /// A value by its place in an array, or else by its meaning.
    fn note(&mut self, place: Option<u32>, meaning: &Meaning, text: &[u8]) {
        match (place, meaning) {
            (Some(0), _) | (None, Meaning::Price) => self.price(text),
            (Some(1), _) | (None, Meaning::Quantity) => self.quantity(text),
            _ => {}
        }
    }

    fn quantity(&mut self, text: &[u8]) {
        self.quantity.note(text, self.listed.map(|(_, lot)| lot));
    }
}

/// Decimals in use: those behind the point without the zeros at the end, moved by the exponent if there is one.
fn decimals(text: &[u8]) -> u8 {
    if let Some(at) = text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        let exponent = std::str::from_utf8(&text[at + 1..]).unwrap_or_default();
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let moved = i32::from(decimals(&text[..at])).saturating_sub(exponent);
        return u8::try_from(moved.max(0))
            .unwrap_or(u8::MAX)
            .min(Grid::SCALE_MAX);
    }
    let Some(point) = text.iter().position(|&byte| byte == b'.') else {
        return 0;
    };
    let last = text.iter().rposition(|&byte| byte != b'0').unwrap_or(0);
    u8::try_from(last.saturating_sub(point))
        .unwrap_or(u8::MAX)
        .min(Grid::SCALE_MAX)
}

/// Decimals in use of `value / 10^scale`.
fn decimals_scaled(mut value: u64, scale: u8) -> u8 {
    let mut left = scale;
    while left > 0 && value.is_multiple_of(10) {
        value /= 10;
        left -= 1;
    }
    left
}

struct Row {
    venue: Venue,
    symbol: Symbol,
    numbers: Numbers,
    frames: u64,
}

#[derive(Default)]
struct Scan {
    rows: Vec<Row>,
    by_symbol: HashMap<(Venue, Symbol), usize>,
    listed: HashMap<(Venue, Symbol), (Grid, Grid)>,
}

impl Scan {
    fn frame(&mut self, frame: &Frame<'_>) {
        if frame.stream.ends_with(b"@exchangeInfo") {
            for row in exchange_info(frame.venue, frame.bytes).unwrap_or_default() {
                let sizes = (row.tick_size, row.lot_size);
                self.listed.insert((frame.venue, row.symbol), sizes);
            }
            return;
        }
        let Some((name, kind)) = instrument(frame) else {
            return;
        };
        let Some(symbol) = Symbol::new(name) else {
            return;
        };
        let rows = &mut self.rows;
        let place = self
            .by_symbol
            .entry((frame.venue, symbol))
            .or_insert_with(|| {
                rows.push(Row {
                    venue: frame.venue,
                    symbol,
                    numbers: Numbers::default(),
                    frames: 0,
                });
                rows.len() - 1
            });
        let row = &mut self.rows[*place];
        row.frames += 1;
        if row.numbers.listed.is_none() {
            row.numbers.listed = self.listed.get(&(frame.venue, symbol)).copied();
        }
        note(frame, kind, &mut row.numbers);
    }

    fn finish(self) -> Vec<Scanned> {
        let scanned = |row: &Row| {
            let listed = self.listed.get(&(row.venue, row.symbol));
            let (tick_size, tick_listed) = row.numbers.price.size(listed.map(|(tick, _)| *tick));
            let (lot_size, lot_listed) = row.numbers.quantity.size(listed.map(|(_, lot)| *lot));
            Scanned {
                venue: row.venue,
                symbol: row.symbol,
                tick_size,
                lot_size,
                listed: tick_listed && lot_listed,
                frames: row.frames,
            }
        };
        self.rows.iter().map(scanned).collect()
    }
}

/// The symbol a frame is about, and its kind of stream.
fn instrument<'a>(frame: &Frame<'a>) -> Option<(&'a [u8], &'a [u8])> {
    // One stream of every symbol; those that come as lists of all symbols concern no one instrument.
    if let Some(all) = frame.stream.strip_prefix(b"!") {
        let kind = all.split(|&byte| byte == b'@').next()?;
        let single = kind == b"forceOrder" || !all.ends_with(b"@arr");
        return single.then(|| Some((symbol_inside(frame.bytes)?, kind)))?;
    }
    let at = frame.stream.iter().position(|&byte| byte == b'@')?;
    let (name, kind) = (&frame.stream[..at], &frame.stream[at + 1..]);
    let end = kind
        .iter()
        .position(|byte| matches!(byte, b'@' | b'_' | b'#'));
    Some((name, &kind[..end.unwrap_or(kind.len())]))
}

/// The value of the first `"s":"..."` of a frame.
fn symbol_inside(bytes: &[u8]) -> Option<&[u8]> {
    let key = br#""s":""#;
    let at = bytes.windows(key.len()).position(|part| part == key)?;
    let rest = &bytes[at + key.len()..];
    let end = rest.iter().position(|&byte| byte == b'"')?;
    Some(&rest[..end])
}

fn note(frame: &Frame<'_>, kind: &[u8], numbers: &mut Numbers) {
    match frame.venue {
        Venue::BinanceSpot | Venue::BinanceUsdm | Venue::BinanceCoinm => {
            texts(frame.bytes, |key| meaning(kind, key), numbers);
        }
        Venue::Fx => fx(frame.bytes, numbers),
        Venue::Itch => itch(frame.bytes, numbers),
        Venue::Lobster => columns(frame.bytes, 4, 4, numbers),
        Venue::Mbo => columns(frame.bytes, 4, 9, numbers),
        Venue::Coinbase if kind == b"level2" => coinbase_book(frame.bytes, numbers),
        Venue::Kraken | Venue::Okx | Venue::Coinbase => {
            texts(frame.bytes, named_meaning, numbers);
        }
        Venue::Ftx => values(frame.bytes, named_meaning, numbers),
        Venue::Bybit => texts(frame.bytes, |_| Meaning::Other, numbers),
        Venue::Bitstamp => texts(frame.bytes, bitstamp_meaning, numbers),
    }
}

/// What a text value of a Binance message is.
enum Meaning {
    Price,
    Quantity,
    Other,
}

/// By the kind of stream and the key. Averages and mark prices lie between ticks, quote volumes are no quantities.
fn meaning(kind: &[u8], key: &[u8]) -> Meaning {
    let (prices, quantities): (&[u8], &[u8]) = match kind {
        b"aggTrade" | b"trade" => (b"p", b"q"),
        b"bookTicker" => (b"ba", b"BA"),
        b"kline" => (b"ochl", b"vV"),
        b"forceOrder" => (b"p", b"qlz"),
        b"ticker" | b"miniTicker" => (b"ochlba", b"vQBA"),
        _ => (b"", b""),
    };
    match key {
        [letter] if prices.contains(letter) => Meaning::Price,
        [letter] if quantities.contains(letter) => Meaning::Quantity,
        _ => Meaning::Other,
    }
}

/// By a key that says all.
fn named_meaning(key: &[u8]) -> Meaning {
    match key {
        b"px" | b"price" | b"bidPx" | b"askPx" | b"bid" | b"ask" => Meaning::Price,
        b"sz" | b"size" | b"bidSz" | b"askSz" | b"bidSize" | b"askSize" => Meaning::Quantity,
        _ => Meaning::Other,
    }
}

fn bitstamp_meaning(key: &[u8]) -> Meaning {
    match key {
        b"price_str" => Meaning::Price,
        b"amount_str" => Meaning::Quantity,
        _ => Meaning::Other,
    }
}

/// A snapshot of pairs, or changes: `"changes":[["sell","0.00001306","660.5"],..]`.
fn coinbase_book(bytes: &[u8], numbers: &mut Numbers) {
    let key = br#""changes":["#;
    let Some(at) = bytes.windows(key.len()).position(|part| part == key) else {
        return texts(bytes, |_| Meaning::Other, numbers);
    };
    let changes = &bytes[at + key.len()..];
    let end = changes.windows(2).position(|part| part == b"]]");
    let texts = changes[..end.unwrap_or(changes.len())].split(|&byte| byte == b'"');
    // Between quotes stand every other part: side, price, quantity, and again.
    for (place, text) in texts.skip(1).step_by(2).enumerate() {
        match place % 3 {
            1 => numbers.price(text),
            2 => numbers.quantity(text),
            _ => {}
        }
    }
}

/// Notes every price and quantity of a message whose numbers are texts.
fn texts(bytes: &[u8], meaning: impl Fn(&[u8]) -> Meaning, numbers: &mut Numbers) {
    walk(bytes, false, meaning, numbers);
}

/// Notes every price and quantity of a message whose numbers may be JSON numbers.
fn values(bytes: &[u8], meaning: impl Fn(&[u8]) -> Meaning, numbers: &mut Numbers) {
    walk(bytes, true, meaning, numbers);
}

/// Values by key, and `[price, quantity]` pairs of books.
fn walk(bytes: &[u8], bare_too: bool, meaning: impl Fn(&[u8]) -> Meaning, numbers: &mut Numbers) {
    let mut at = 0;
    let mut key: &[u8] = b"";
    // Place in the innermost array; `None` right behind an object's brace or a colon.
    let mut place = None;
    let mut outer = Vec::new();
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'[' => {
                outer.push(place);
                place = Some(0);
            }
            b'{' => {
                outer.push(place);
                place = None;
            }
            b']' | b'}' => place = outer.pop().flatten(),
            b',' => place = place.map(|count: u32| count + 1),
            b'"' => {
                let rest = &bytes[at..];
                let Some(end) = rest.iter().position(|&byte| byte == b'"') else {
                    return;
                };
                let text = &rest[..end];
                at += end + 1;
                if place.is_none() && bytes[at..].trim_ascii_start().first() == Some(&b':') {
                    key = text;
                    continue;
                }
                numbers.note(place, &meaning(key), text);
            }
            b'0'..=b'9' | b'-' if bare_too => {
                let rest = &bytes[at - 1..];
                let end = rest.iter().position(|byte| {
                    !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
                });
                let text = &rest[..end.unwrap_or(rest.len())];
                at += text.len() - 1;
                numbers.note(place, &meaning(key), text);
            }
            _ => {}
        }
    }
}

fn fx(bytes: &[u8], numbers: &mut Numbers) {
    let mut value = |key: &[u8], note: fn(&mut Numbers, &[u8])| {
        let Some(at) = bytes.windows(key.len()).position(|part| part == key) else {
            return;
        };
        let rest = bytes[at + key.len()..].trim_ascii_start();
        let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
        let end = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit() && *byte != b'.');
        note(numbers, &rest[..end.unwrap_or(rest.len())]);
    };
    value(br#""bid":"#, Numbers::price);
    value(br#""ask":"#, Numbers::price);
    value(br#""bidVolume":"#, Numbers::quantity);
    value(br#""askVolume":"#, Numbers::quantity);
}

fn itch(bytes: &[u8], numbers: &mut Numbers) {
    let at = match bytes.first() {
        Some(b'A' | b'F' | b'C' | b'P') => 32,
        Some(b'U') => 31,
        _ => return,
    };
    if let Some(price) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let price = u64::from(u32::from_be_bytes(*price));
        numbers.price.decimals = numbers.price.decimals.max(decimals_scaled(price, 4));
    }
}

/// A column of whole numbers in units of `10^-scale`; the largest number means no price.
fn columns(bytes: &[u8], column: usize, scale: u8, numbers: &mut Numbers) {
    let text = bytes.split(|&byte| byte == b',').nth(column);
    let text = text.map(|text| text.strip_prefix(b"-").unwrap_or(text));
    let value = text
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.parse::<u64>().ok())
        .filter(|value| *value < i64::MAX.unsigned_abs());
    if let Some(value) = value {
        numbers.price.decimals = numbers.price.decimals.max(decimals_scaled(value, scale));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Venue::{BinanceSpot as Spot, BinanceUsdm as Usdm, Fx, Itch, Lobster, Mbo};
    use pitlane_domain::units::WallNs;

    fn scan(frames: &[(Venue, &str, &[u8])]) -> String {
        let mut scan = Scan::default();
        for (venue, stream, bytes) in frames {
            scan.frame(&Frame {
                ts_recv: WallNs(1),
                venue: *venue,
                stream: stream.as_bytes(),
                bytes,
            });
        }
        let show = |row: Scanned| {
            let origin = if row.listed { "listed" } else { "inferred" };
            let venue = row.venue.name();
            format!(
                "{venue} {} {} {} {origin} {}",
                row.symbol, row.tick_size, row.lot_size, row.frames
            )
        };
        let rows: Vec<_> = scan.finish().into_iter().map(show).collect();
        rows.join("; ")
    }

    #[test]
    fn sizes_are_the_finest_in_use() {
        let check = |venue: Venue, stream: &str, bytes: &[u8], expected: &str| {
            let got = scan(&[(venue, stream, bytes)]);
            assert_eq!(
                got,
                format!("{} {expected} inferred 1", venue.name()),
                "{stream}"
            );
        };
        check(
            Spot,
            "btcusdt@trade",
            br#"{"data":{"p":"61800.30000000","q":"0.00600000","t":12}}"#,
            "BTCUSDT 0.1 0.001",
        );
        check(
            Spot,
            "btcusdt@depth@100ms",
            br#"{"e":"depthUpdate","b":[["1.50","2.000"],["3","0.0500"]],"a":[]}"#,
            "BTCUSDT 0.1 0.01",
        );
        check(
            Spot,
            "btcusdt@depthSnapshot",
            br#"{"lastUpdateId":5,"bids":[],"asks":[["1.25", "7"]]}"#,
            "BTCUSDT 0.01 1",
        );
        check(
            Spot,
            "btcusdt@bookTicker",
            br#"{"u":5,"s":"BTCUSDT","b":"1.10","B":"2.5","a":"1.2","A":"0.25"}"#,
            "BTCUSDT 0.1 0.01",
        );
        check(
            Usdm,
            "btcusdt@kline_1m",
            br#"{"k":{"i":"1m", "o":"1.5", "v":"9.090", "q":"590577.96880"}}"#,
            "BTCUSDT 0.1 0.01",
        );
        check(
            Usdm,
            "btcusdt@markPrice",
            br#"{"p":"64991.37858696"}"#,
            "BTCUSDT 1 1",
        );
        check(
            Usdm,
            "!forceOrder@arr",
            br#"{"o":{"s":"IOTXUSDT","q":"3661","p":"0.06606","ap":"0.066691"}}"#,
            "IOTXUSDT 0.00001 1",
        );
        check(
            Fx,
            "eurusd@tick",
            br#"{"type":"tick","bid":1.38727,"ask":1.3873,"bidVolume":1.5}"#,
            "EURUSD 0.00001 0.1",
        );
        check(
            Venue::Bybit,
            "xrpusdt@orderbook.500",
            br#"{"topic":"orderbook.500.XRPUSDT","data":{"s":"XRPUSDT","b":[["1.9530","62.5"]],"a":[],"u":1}}"#,
            "XRPUSDT 0.001 0.1",
        );
        check(
            Venue::Bitstamp,
            "ethusd@live_trades",
            br#"{"data":{"timestamp":"1641343699.5","amount_str":"0.07920000","price_str":"3805.40"}}"#,
            "ETHUSD 0.1 0.0001",
        );
        check(
            Venue::Bitstamp,
            "ethusd@depthSnapshot",
            br#"{"microtimestamp": "1641343695681418", "bids": [["3802.90", "0.60000000"]]}"#,
            "ETHUSD 0.1 0.1",
        );
        check(
            Venue::Coinbase,
            "skl-btc@level2",
            br#"{"type":"l2update","changes":[["sell","0.00001306","660.5"],["buy","0.1","0.25"]],"time":"1.5"}"#,
            "SKL-BTC 0.00000001 0.01",
        );
        check(
            Venue::Coinbase,
            "skl-btc@level2",
            br#"{"type":"snapshot","asks":[["1.50","2"]],"bids":[["1.4","0.001"]]}"#,
            "SKL-BTC 0.1 0.001",
        );
        check(
            Venue::Coinbase,
            "skl-btc@matches",
            br#"{"type":"match","size":"985.5","price":"0.25"}"#,
            "SKL-BTC 0.01 0.1",
        );
        check(
            Lobster,
            "aapl@lobster",
            b"34200.004241176,1,16113575,18,5853300,1",
            "AAPL 0.01 1",
        );
        check(
            Mbo,
            "esh4@mbo",
            b"1,1,A,B,4799250000000,2,6,40,682",
            "ESH4 0.01 1",
        );
        check(
            Mbo,
            "esh4@mbo",
            b"1,1,R,N,9223372036854775807,2,6,40,682",
            "ESH4 1 1",
        );
        let mut add = [0; 36];
        add[0] = b'A';
        add[32..].copy_from_slice(&2_884_100_u32.to_be_bytes());
        check(Itch, "aapl@itch", &add, "AAPL 0.01 1");
    }

    #[test]
    fn the_venues_sizes_come_first_and_only_for_what_occurs() {
        let info = br#"{"symbols":[{"symbol":"A","status":"TRADING","filters":[
            {"filterType":"PRICE_FILTER","tickSize":"0.05"},{"filterType":"LOT_SIZE","stepSize":"10"}]},
            {"symbol":"B","status":"TRADING","filters":[
            {"filterType":"PRICE_FILTER","tickSize":"1"},{"filterType":"LOT_SIZE","stepSize":"1"}]}]}"#;
        let trade = br#"{"p":"1.25","q":"20"}"#;
        let spot = Venue::BinanceSpot;
        let expected = "binance-spot A 0.05 10 listed 2; binance-usdm A 0.01 1 inferred 1";
        let frames: [(Venue, &str, &[u8]); 5] = [
            (spot, "a@trade", trade),
            (spot, "@exchangeInfo", info),
            (spot, "a@trade", trade),
            (Venue::BinanceUsdm, "a@trade", trade),
            (spot, "", b"{}"),
        ];
        assert_eq!(scan(&frames), expected);
    }

    #[test]
    fn a_listed_size_gives_way_to_older_orders() {
        let info = br#"{"symbols":[{"symbol":"A","status":"TRADING","filters":[
            {"filterType":"PRICE_FILTER","tickSize":"0.05"},{"filterType":"LOT_SIZE","stepSize":"1"}]}]}"#;
        let check = |book: &[u8], expected: &str| {
            let got = scan(&[
                (Spot, "@exchangeInfo", info),
                (Spot, "a@depthSnapshot", book),
            ]);
            assert_eq!(got, format!("binance-spot A {expected} 1"));
            let got = scan(&[
                (Spot, "a@depthSnapshot", book),
                (Spot, "@exchangeInfo", info),
            ]);
            assert_eq!(got, format!("binance-spot A {expected} 1"));
        };
        check(br#"{"bids":[["1.05000","7.000"]]}"#, "0.05 1 listed");
        check(br#"{"bids":[["1.051","7"]]}"#, "0.001 1 inferred");
        check(br#"{"bids":[["1.05","7.5"]]}"#, "0.05 0.1 inferred");
        let late = scan(&[
            (Spot, "@exchangeInfo", info),
            (Spot, "a@depth", br#"{"b":[["1.03","1"]]}"#),
        ]);
        assert_eq!(late, "binance-spot A 0.01 1 inferred 1");
    }
}
