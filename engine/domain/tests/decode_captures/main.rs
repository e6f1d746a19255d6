//! Every frame of the recorded captures, decoded here and once more by way of `serde_json`: the same of every field,
//! and as many of each kind as the captures' own description counts.
//!
//! The captures are not part of the project; without them the tests say so and pass.

mod oracle;
mod orders;

use oracle::Oracle;
use pitlane_domain::decode::binance::exchange_info;
use pitlane_domain::decode::{Decoded, Decoder, DepthKind, Fact, Levels, TradeStream, decode};
use pitlane_domain::instrument::{Instrument, InstrumentTable, Symbol, Venue};
use pitlane_domain::units::Grid;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The folder of the captures, if it is there.
pub fn data(folder: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("PITLANE_SHARED_DATA").map_or(beside, PathBuf::from);
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    note(&format!("skipped: no captures in {}", path.display()));
    None
}

#[expect(clippy::print_stdout, reason = "whoever runs the tests should know")]
fn note(text: &str) {
    println!("{text}");
}

/// A file's bytes, unpacked by its name's ending.
pub fn unpacked(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).expect("the capture can be opened");
    let mut bytes = Vec::new();
    let done = match path.extension().and_then(|name| name.to_str()) {
        Some("gz") => flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes),
        Some("zst") => zstd::stream::read::Decoder::new(file)
            .and_then(|mut decoder| decoder.read_to_end(&mut bytes)),
        _ => std::io::BufReader::new(file).read_to_end(&mut bytes),
    };
    done.expect("the capture can be read");
    bytes
}

/// An instrument with a step for prices and one for quantities.
pub fn instrument(venue: Venue, symbol: &str, tick: &str, lot: &str) -> Instrument {
    let symbol = Symbol::new(symbol.as_bytes()).expect("a symbol");
    Instrument {
        symbol,
        venue_symbol: symbol,
        venue,
        tick_size: Grid::of_step(tick.as_bytes()).expect("a tick size"),
        lot_size: Grid::of_step(lot.as_bytes()).expect("a lot size"),
    }
}

/// How many frames of each kind a capture holds.
type Counts = &'static [(&'static str, usize)];

/// A recorded frame: the stream it is known to have come on (often only the frame itself tells), and its text.
struct Recorded {
    stream: String,
    text: String,
}

/// Decodes every frame both ways, compares, and counts the kinds.
fn compare(
    venue: Venue,
    table: &InstrumentTable,
    frames: &[Recorded],
) -> BTreeMap<&'static str, usize> {
    let mut levels = Levels::default();
    // Beside it one that learns how the frames of a stream are laid out.
    let mut decoder = Decoder::new(table.clone());
    let mut other = Levels::default();
    let mut counts = BTreeMap::new();
    for Recorded { stream, text } in frames {
        let learned = decoder.decode(venue, stream.as_bytes(), text.as_bytes(), &mut other);
        let found = decode(
            venue,
            stream.as_bytes(),
            text.as_bytes(),
            table,
            &mut levels,
        );
        let found = found.unwrap_or_else(|reject| panic!("{reject:?}: {text}"));
        let oracle = Oracle::read(venue, stream, text, table);
        assert_eq!(found, oracle.decoded, "{text}");
        assert_eq!(learned, Ok(found), "{text}");
        let kind = match found {
            Decoded::Notice(_) => "notice",
            Decoded::List(_) => "list",
            other @ Decoded::Trades { .. } => panic!("{other:?} in {text}"),
            Decoded::Fact { fact, .. } => match fact {
                Fact::Trade(TradeStream::Single, _) => "trade",
                Fact::Trade(TradeStream::Aggregate, _) => "aggTrade",
                Fact::Quote(_) => "bookTicker",
                Fact::Depth(depth) => {
                    assert_eq!(levels.bids, oracle.bids, "{text}");
                    assert_eq!(levels.asks, oracle.asks, "{text}");
                    assert_eq!(other.bids, levels.bids, "{text}");
                    assert_eq!(other.asks, levels.asks, "{text}");
                    match depth.kind {
                        DepthKind::Diff { .. } => "depth",
                        DepthKind::Snapshot => "snapshot",
                        DepthKind::Partial => "partial",
                    }
                }
                Fact::VenueBar(..) => "kline",
                other => panic!("{other:?} in {text}"),
            },
        };
        *counts.entry(kind).or_insert(0) += 1;
    }
    counts
}

#[test]
fn one_symbol_a_file() {
    use Venue::{BinanceCoinm, BinanceSpot, BinanceUsdm};
    let Some(folder) = data("binance_ws_hftbacktest") else {
        return;
    };
    // Spot trades in lots of 0.00001, but orders from the time of a smaller lot still rest in its book.
    let files: [(&str, Venue, &str, &str, &str, Counts); 6] = [
        (
            "cm/btcusd_perp_20240808.gz",
            BinanceCoinm,
            "btcusd_perp",
            "0.1",
            "1",
            &[
                ("bookTicker", 19136),
                ("depth", 26847),
                ("snapshot", 1),
                ("trade", 2286),
            ],
        ),
        (
            "cm/btcusd_perp_20240809.gz",
            BinanceCoinm,
            "btcusd_perp",
            "0.1",
            "1",
            &[("bookTicker", 29219), ("depth", 17948), ("trade", 2949)],
        ),
        (
            "spot/btcusdt_20240808.gz",
            BinanceSpot,
            "btcusdt",
            "0.01",
            "0.000001",
            &[
                ("bookTicker", 28040),
                ("depth", 3451),
                ("snapshot", 1),
                ("trade", 9757),
            ],
        ),
        (
            "spot/btcusdt_20240809.gz",
            BinanceSpot,
            "btcusdt",
            "0.01",
            "0.000001",
            &[("bookTicker", 45134), ("depth", 3044), ("trade", 10147)],
        ),
        (
            "usdm/btcusdt_20240808.gz",
            BinanceUsdm,
            "btcusdt",
            "0.1",
            "0.001",
            &[
                ("bookTicker", 66089),
                ("depth", 6551),
                ("snapshot", 1),
                ("trade", 21313),
            ],
        ),
        (
            "usdm/ethusdt_20240808.gz",
            BinanceUsdm,
            "ethusdt",
            "0.01",
            "0.001",
            &[
                ("bookTicker", 53992),
                ("depth", 6586),
                ("snapshot", 1),
                ("trade", 14076),
            ],
        ),
    ];
    for (file, venue, symbol, tick, lot, counts) in files {
        let text = String::from_utf8(unpacked(&folder.join(file))).expect("text");
        let frames: Vec<_> = text
            .lines()
            .map(|line| {
                let (_, text) = line.split_once(' ').expect("a time and a frame");
                Recorded {
                    // Only the snapshots do not name their stream.
                    stream: format!("{symbol}@depthSnapshot"),
                    text: text.to_owned(),
                }
            })
            .collect();
        let mut table = InstrumentTable::default();
        table
            .add(instrument(venue, symbol, tick, lot))
            .expect("room");
        let found: Vec<_> = compare(venue, &table, &frames).into_iter().collect();
        assert_eq!(found, counts, "{file}");
    }
}

/// Frames and REST replies of a capture that writes `<time>: <frame>` and `<url> -> <time>: <reply>`.
fn logged(path: &Path) -> Vec<Recorded> {
    let text = String::from_utf8(unpacked(path)).expect("text");
    let mut frames = Vec::new();
    for line in text.lines() {
        if let Some((url, reply)) = line.split_once(" -> ") {
            let (_, text) = reply.split_once(": ").expect("a time and a reply");
            let stream = match url.split_once("symbol=") {
                Some((_, rest)) => {
                    let symbol = rest.split('&').next().expect("a symbol");
                    format!("{}@depthSnapshot", symbol.to_lowercase())
                }
                None => "@exchangeInfo".to_owned(),
            };
            let text = text.to_owned();
            frames.push(Recorded { stream, text });
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let (_, text) = line.split_once(": ").expect("a time and a frame");
            let (stream, text) = (String::new(), text.to_owned());
            frames.push(Recorded { stream, text });
        }
    }
    frames
}

/// The instruments a venue listed at the time of a capture.
fn listed(venue: Venue, path: &Path) -> InstrumentTable {
    let frames = logged(path);
    assert_eq!(frames.len(), 1);
    let text = frames[0].text.as_bytes();
    let listed = exchange_info(venue, text).expect("an instrument table");
    let oracle: serde_json::Value = serde_json::from_slice(text).expect("JSON");
    let rows = oracle["symbols"].as_array().expect("rows");
    assert_eq!(listed.len(), rows.len());
    let mut table = InstrumentTable::default();
    for (found, row) in listed.iter().zip(rows) {
        let filter = |wanted: &str, field: &str| {
            let filters = row["filters"].as_array().expect("filters");
            let filter = filters.iter().find(|f| f["filterType"] == wanted);
            let text = filter.expect("the filter")[field].as_str();
            Grid::of_step(text.expect("a step").as_bytes()).expect("a step")
        };
        let status = row.get("status").unwrap_or(&row["contractStatus"]);
        assert_eq!(Some(found.symbol.as_str()), row["symbol"].as_str());
        assert_eq!(found.tick_size, filter("PRICE_FILTER", "tickSize"));
        assert_eq!(found.lot_size, filter("LOT_SIZE", "stepSize"));
        assert_eq!(found.status_trading, status == "TRADING");
        let instrument = Instrument {
            symbol: found.symbol,
            venue_symbol: found.symbol,
            venue,
            tick_size: found.tick_size,
            lot_size: found.lot_size,
        };
        table.add(instrument).expect("room");
    }
    table
}

/// The symbols of a capture, each with the decimals its prices need.
fn mentioned(venue: Venue, frames: &[Recorded]) -> InstrumentTable {
    let mut decimals: BTreeMap<String, usize> = BTreeMap::new();
    for frame in frames {
        let value: serde_json::Value = serde_json::from_str(&frame.text).expect("JSON");
        let data = value.get("data").unwrap_or(&value);
        let named = data["s"].as_str().map(str::to_owned);
        let named =
            named.unwrap_or_else(|| frame.stream.split('@').next().unwrap_or("").to_uppercase());
        let prices = ["p", "b", "a", "bids", "asks"].map(|key| &data[key]);
        let bar = ["o", "h", "l", "c"].map(|key| &data["k"][key]);
        for price in prices.into_iter().chain(bar) {
            let listed = price
                .as_array()
                .into_iter()
                .flatten()
                .map(|level| &level[0]);
            for text in listed.chain([price]).filter_map(serde_json::Value::as_str) {
                let needed = text
                    .trim_end_matches('0')
                    .split_once('.')
                    .map_or(0, |(_, part)| part.len());
                let most = decimals.entry(named.clone()).or_default();
                *most = needed.max(*most);
            }
        }
    }
    let mut table = InstrumentTable::default();
    for (symbol, decimals) in decimals {
        let tick = format!("0.{:0>decimals$}", 1);
        let tick = if decimals == 0 { "1" } else { &tick };
        table
            .add(instrument(venue, &symbol, tick, "0.00000001"))
            .expect("room");
    }
    table
}

#[test]
fn many_symbols_a_file() {
    // With the venue's list where there is one; not for snapshots, in which orders from before the venue coarsened
    // its steps still rest, off the listed grid.
    use Venue::{BinanceCoinm, BinanceSpot, BinanceUsdm};
    let Some(folder) = data("binance_ws_cryptofeed") else {
        return;
    };
    let files: [(&str, Venue, Option<&str>, Counts); 11] = [
        (
            "BINANCE.20210404T2003",
            BinanceSpot,
            None,
            &[
                ("aggTrade", 1910),
                ("depth", 2688),
                ("kline", 118),
                ("snapshot", 3),
            ],
        ),
        (
            "BINANCE.20210405T1833",
            BinanceSpot,
            None,
            &[
                ("aggTrade", 1240),
                ("bookTicker", 5408),
                ("depth", 4709),
                ("snapshot", 10),
            ],
        ),
        (
            "BINANCE.20211012T0028",
            BinanceSpot,
            Some("BINANCE.20211012T0028"),
            &[("notice", 1)],
        ),
        (
            "BINANCE.http.0.20211012T0028",
            BinanceSpot,
            None,
            &[("snapshot", 4)],
        ),
        (
            "BINANCE.ws.1.20211012T0028",
            BinanceSpot,
            Some("BINANCE.20211012T0028"),
            &[
                ("aggTrade", 2),
                ("bookTicker", 84),
                ("depth", 177),
                ("kline", 2),
            ],
        ),
        (
            "BINANCE_DELIVERY.http.0.20210722T0113",
            BinanceCoinm,
            None,
            &[("snapshot", 10)],
        ),
        (
            "BINANCE_DELIVERY.ws.1.20210722T0113",
            BinanceCoinm,
            Some("BINANCE_DELIVERY.20210722T0113"),
            &[
                ("aggTrade", 51),
                ("bookTicker", 2240),
                ("depth", 2047),
                ("kline", 33),
            ],
        ),
        (
            "BINANCE_FUTURES.20210405T1836",
            BinanceUsdm,
            None,
            &[
                ("aggTrade", 574),
                ("bookTicker", 3424),
                ("depth", 4423),
                ("snapshot", 5),
            ],
        ),
        (
            "BINANCE_FUTURES.20210722T2225",
            BinanceUsdm,
            Some("BINANCE_FUTURES.20210722T2225"),
            &[("notice", 1)],
        ),
        (
            "BINANCE_FUTURES.http.0.20210722T2225",
            BinanceUsdm,
            None,
            &[("snapshot", 4)],
        ),
        (
            "BINANCE_FUTURES.ws.1.20210722T2225",
            BinanceUsdm,
            Some("BINANCE_FUTURES.20210722T2225"),
            &[
                ("aggTrade", 91),
                ("bookTicker", 613),
                ("depth", 764),
                ("kline", 67),
            ],
        ),
    ];
    for (file, venue, info, counts) in files {
        let path = |name: &str| folder.join(format!("{name}.txt.zst"));
        let frames = logged(&path(file));
        let table = match info {
            Some(info) => listed(venue, &path(info)),
            None => mentioned(venue, &frames),
        };
        let found: Vec<_> = compare(venue, &table, &frames).into_iter().collect();
        assert_eq!(found, counts, "{file}");
    }
}
