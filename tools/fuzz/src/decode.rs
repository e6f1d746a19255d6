//! Frames: any bytes, on any stream of any venue, are a fact, a notice or a refusal, and intake accounts for them.

use pitlane_domain::decode::fx::{Heard, hear};
use pitlane_domain::decode::{
    self, Decoded, Decoder, DepthKind, Fact, LEVELS_MAX, Level, Levels, Notice, Reject, TradeStream,
};
use pitlane_domain::instrument::{Instrument, InstrumentTable, Symbol, Venue};
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::message::{Kind, Side};
use pitlane_domain::units::{Grid, WallNs};
use std::sync::OnceLock;

/// What a frame may come on, by venue.
const STREAMS: [(Venue, &[&str]); 13] = [
    (Venue::BinanceSpot, BINANCE),
    (Venue::BinanceUsdm, BINANCE),
    (Venue::BinanceCoinm, BINANCE),
    (Venue::Fx, &["eurusd@tick", ""]),
    (Venue::Itch, &["aapl@itch"]),
    (Venue::Lobster, &["aapl@lobster"]),
    (Venue::Mbo, &["esh4@mbo"]),
    (Venue::Bybit, &["xrpusdt@orderbook"]),
    (Venue::Coinbase, &["skl-btc@level2"]),
    (Venue::Bitstamp, &["ethusd@depthSnapshot"]),
    (Venue::Kraken, &["xbt/usd@book-1000"]),
    (Venue::Okx, &["btc-usdt@books", "btc-usdt@books#2"]),
    (Venue::Ftx, &["mkr-perp@orderbook"]),
];

const BINANCE: &[&str] = &[
    "btcusdt@trade",
    "btcusdt@depth@100ms",
    "btcusdt@depth20@100ms",
    "btcusdt@depthSnapshot",
    "btcusdt@aggTrades",
    "btcusdt@historicalTrades",
    "btcusdt@klines_1m",
    "",
];

const TS: WallNs = WallNs(1_723_161_254_000_000_000);

/// The instruments that the corpus speaks of.
fn table() -> InstrumentTable {
    let mut table = InstrumentTable::default();
    let mut add = |ours: &str, theirs: &str, venue: Venue, tick: &str, lot: &str| {
        let grid = |step: &str| Grid::of_step(step.as_bytes()).expect("a step");
        let symbol = |name: &str| Symbol::new(name.as_bytes()).expect("a symbol");
        table
            .add(Instrument {
                symbol: symbol(ours),
                venue_symbol: symbol(theirs),
                venue,
                tick_size: grid(tick),
                lot_size: grid(lot),
            })
            .expect("distinct instruments");
    };
    add("BTCUSDT", "BTCUSDT", Venue::BinanceSpot, "0.01", "0.00001");
    add(
        "BTCUSDT-PERP",
        "BTCUSDT",
        Venue::BinanceUsdm,
        "0.10",
        "0.001",
    );
    add(
        "BTCUSD_PERP",
        "BTCUSD_PERP",
        Venue::BinanceCoinm,
        "0.1",
        "1",
    );
    add("EURUSD", "EURUSD", Venue::Fx, "0.00001", "1");
    add("AAPL", "AAPL", Venue::Itch, "0.0001", "1");
    add("AAPL-L", "AAPL", Venue::Lobster, "0.0001", "1");
    add("ESH4", "ESH4", Venue::Mbo, "0.25", "1");
    add("XRPUSDT", "XRPUSDT", Venue::Bybit, "0.0001", "1");
    add("SKL-BTC", "SKL-BTC", Venue::Coinbase, "0.00000001", "0.1");
    add("ETHUSD", "ETHUSD", Venue::Bitstamp, "0.01", "0.00000001");
    add("XBT/USD", "XBT/USD", Venue::Kraken, "0.1", "0.00000001");
    add("BTC-USDT", "BTC-USDT", Venue::Okx, "0.1", "0.00000001");
    add("MKR-PERP", "MKR-PERP", Venue::Ftx, "0.5", "0.001");
    table
}

/// Decodes the bytes as a frame of every venue, and passes what decodes through intake, twice.
pub fn decode(data: &[u8]) {
    static TABLE: OnceLock<InstrumentTable> = OnceLock::new();
    let table = TABLE.get_or_init(table);
    let (mut levels, mut again) = (Levels::default(), Levels::default());
    let mut decoder = Decoder::new(table.clone());
    for (venue, streams) in STREAMS {
        for stream in streams.iter().map(|stream| stream.as_bytes()) {
            let got = decode::decode(venue, stream, data, table, &mut levels);
            let same = decode::decode(venue, stream, data, table, &mut again);
            assert_eq!(got, same, "the same bytes decode the same way");
            // The first time the frame's layout is learned, the second time it may be read by it.
            for _ in 0..2 {
                let learned = decoder.decode(venue, stream, data, &mut again);
                assert_eq!(got, learned, "a layout changes nothing");
                if is_depth(got) {
                    assert_eq!(levels.bids, again.bids);
                    assert_eq!(levels.asks, again.asks);
                }
            }
            if venue == Venue::Fx {
                hears(got, data, table);
            }
            match got {
                Ok(Decoded::Fact {
                    instrument, fact, ..
                }) => {
                    let row = table.get(instrument).expect("a known instrument");
                    assert_eq!(row.venue, venue, "an instrument of another venue");
                    promises(&fact, &levels);
                    accounts(venue, stream, data, table);
                }
                Ok(Decoded::List(list)) => {
                    decoder.elements(list, data, |element| {
                        if let Ok(element) = element {
                            promises(&element.fact, &levels);
                        }
                    });
                    accounts(venue, stream, data, table);
                }
                Ok(Decoded::Trades {
                    instrument,
                    stream: kind,
                }) => {
                    let row = table.get(instrument).expect("a known instrument");
                    assert_eq!(row.venue, venue, "an instrument of another venue");
                    assert!(!levels.trades.is_empty());
                    for one in &levels.trades {
                        promises(&Fact::Trade(kind, one.trade), &levels);
                    }
                    accounts(venue, stream, data, table);
                }
                Ok(Decoded::Notice(_)) => {}
                Err(reject) => {
                    let at = usize::try_from(reject.at).expect("64 bits");
                    assert!(at <= data.len(), "refused at byte {at}, behind the frame");
                }
            }
        }
    }
}

/// Who hears a gateway's message understands it as who decodes it does.
fn hears(decoded: Result<Decoded, Reject>, data: &[u8], table: &InstrumentTable) {
    let heard = hear(data);
    let is_of = |symbol: Option<Symbol>, instrument| {
        let found = symbol.and_then(|symbol| table.find(Venue::Fx, symbol.as_bytes()));
        assert_eq!(found, Some(instrument), "{heard:?}");
    };
    match decoded {
        Ok(Decoded::Fact {
            instrument,
            ts_event,
            fact,
        }) => match (fact, heard) {
            (Fact::FxTick(_), Heard::Tick(symbol, ts)) => {
                is_of(symbol, instrument);
                assert_eq!(ts, ts_event);
            }
            (Fact::FxPackage(..), Heard::Package(symbol)) => is_of(symbol, instrument),
            other => panic!("{other:?}"),
        },
        Ok(Decoded::Notice(Notice::GatewayReady)) => assert_eq!(heard, Heard::Ready),
        Ok(Decoded::Notice(Notice::GatewayStatus(status))) => {
            assert_eq!(heard, Heard::Status(Some(status)));
        }
        Ok(Decoded::Notice(Notice::VenueError { .. })) => {
            assert!(matches!(heard, Heard::Error(_)), "{heard:?}");
        }
        _ => {}
    }
}

fn is_depth(result: Result<Decoded, Reject>) -> bool {
    let Ok(Decoded::Fact { fact, .. }) = result else {
        return false;
    };
    matches!(fact, Fact::Depth(_))
}

/// Intake takes the frame, and takes it again, without losing count.
fn accounts(venue: Venue, stream: &[u8], data: &[u8], table: &InstrumentTable) {
    let mut intake = Intake::new(table.clone(), IntakeOptions::default());
    for _ in 0..2 {
        intake
            .frame(venue, stream, TS, data)
            .expect("what decodes once decodes again");
    }
    intake.finish(TS);
    while let Some(message) = intake.pop() {
        let kind = Kind::from_code(message.kind).expect("a kind");
        assert_ne!(kind, Kind::End);
        assert!(message.body().is_some(), "{message:?} does not read back");
    }
    intake.balance().expect("every frame is accounted for");
}

/// What everyone behind `decode` relies on.
fn promises(fact: &Fact, levels: &Levels) {
    match fact {
        Fact::Trade(TradeStream::Aggregate | TradeStream::Single, trade) => {
            assert!(trade.px.0 > 0 && trade.qty.0 > 0);
            let span = trade.last_id.checked_sub(trade.first_id);
            assert!(span.is_some_and(|span| u32::try_from(span).is_ok()));
        }
        Fact::Quote(quote) => {
            assert!(quote.bid_qty.0 >= 0 && quote.ask_qty.0 >= 0);
            assert!(i32::try_from(quote.ask_px.0 - quote.bid_px.0).is_ok());
        }
        Fact::Depth(depth) => {
            assert!(levels.bids.len() <= LEVELS_MAX && levels.asks.len() <= LEVELS_MAX);
            if depth.kind == DepthKind::Snapshot {
                assert_eq!(depth.first_id, depth.last_id);
            }
            for (_, level) in sides(levels) {
                assert!(level.px.0 > 0 && level.qty.0 >= 0, "{level:?}");
            }
        }
        Fact::FxPackage(day, range) => {
            assert!(day.low.0 > 0 && day.low <= day.open && day.open <= day.high);
            assert!(range.adr.0 >= 0 && range.projected_low.0 >= 0);
            for (prices, volume) in &levels.bars {
                assert!(prices.low.0 > 0 && volume.volume.0 >= 0 && volume.history);
            }
        }
        Fact::FxTick(tick) => assert!(tick.bid.0 > 0 && tick.ask >= tick.bid),
        Fact::Liquidation(_)
        | Fact::MarkPrice(_)
        | Fact::VenueBar(..)
        | Fact::Day(..)
        | Fact::Order(_) => {}
    }
}

fn sides(levels: &Levels) -> impl Iterator<Item = (Side, &Level)> {
    let bids = levels.bids.iter().map(|level| (Side::Bid, level));
    bids.chain(levels.asks.iter().map(|level| (Side::Ask, level)))
}
