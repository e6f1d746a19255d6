//! The FX gateway: a client asks for a pair, and gets its package and every tick of it.

use crate::support::{Client, open};
use pitlane_domain::decode::Reason;
use pitlane_domain::decode::fx::{ready_symbols, symbol_of};
use pitlane_domain::instrument::{
    Instrument, InstrumentId, InstrumentTable, Symbol, Venue as Market,
};
use pitlane_domain::intake::{FactKind, Fate, Intake, IntakeOptions};
use pitlane_domain::market::Market as Book;
use pitlane_domain::units::{Grid, Ticks, WallNs};
use pitlane_domain::upstream::{FxCommand, FxDesk, FxRules};
use pitlane_edges::import::{ImportOptions, open_all, scan_instruments};
use pitlane_edges::source::Frame;
use pitlane_venue::{Recorder, Recording};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn table(rows: &[(Symbol, Grid, Grid)]) -> InstrumentTable {
    let mut table = InstrumentTable::default();
    for (symbol, tick_size, lot_size) in rows {
        let row = Instrument {
            symbol: *symbol,
            venue_symbol: *symbol,
            venue: Market::Fx,
            tick_size: *tick_size,
            lot_size: *lot_size,
        };
        table.add(row).unwrap();
    }
    table
}

fn symbol(name: &str) -> Symbol {
    Symbol::new(name.as_bytes()).unwrap()
}

fn tick(pair: &str, bid: &str, ask: &str, ms: i64) -> (String, String, i64) {
    let text =
        format!(r#"{{"type":"tick","symbol":"{pair}","bid":{bid},"ask":{ask},"timestamp":{ms}}}"#);
    (format!("{}@tick", pair.to_lowercase()), text, ms)
}

fn tape(table: InstrumentTable, frames: &[(String, String, i64)]) -> Recording {
    let mut recorder = Recorder::new(table);
    for (stream, text, ms) in frames {
        recorder
            .push(&Frame {
                ts_recv: WallNs::from_ms(*ms),
                venue: Market::Fx,
                stream: stream.as_bytes(),
                bytes: text.as_bytes(),
            })
            .unwrap();
    }
    recorder.finish().unwrap()
}

/// The engine's side of a connection to the gateway.
struct Engine {
    client: Client,
    desk: FxDesk,
    intake: Intake,
    market: Book,
    ticks: Vec<String>,
    refused: u64,
}

impl Engine {
    fn new(client: Client, table: InstrumentTable) -> Self {
        let symbols: Vec<_> = table.iter().map(|(_, row)| row.venue_symbol).collect();
        let mut desk = FxDesk::new(FxRules::default(), symbols);
        desk.opened(WallNs(0));
        let mut intake = Intake::new(table, IntakeOptions::default());
        intake.announce(WallNs(1));
        Self {
            client,
            desk,
            intake,
            market: Book::new(),
            ticks: Vec::new(),
            refused: 0,
        }
    }

    /// Hears one message and says what is due; answers whether there was one.
    fn step(&mut self) -> bool {
        while let Some(command) = self.desk.next(WallNs(1)) {
            self.client.say(&command.text());
        }
        let Some(text) = self.client.next() else {
            return false;
        };
        let bytes = text.as_bytes();
        if text.contains(r#""type":"ready""#) {
            self.desk.ready(&ready_symbols(bytes), WallNs(1));
        } else if text.contains(r#""type":"symbolDataPackage""#) {
            self.desk.package(symbol_of(bytes).unwrap());
        }
        // Receipt is the test's own: the ticks' times are of another year.
        let now = WallNs::from_ms(2_000_000_000_000);
        let taken = self.intake.frame(Market::Fx, b"", now, bytes);
        if text.contains(r#""type":"tick""#) {
            self.refused += u64::from(taken.is_err());
            self.ticks.push(text);
        } else {
            assert!(taken.is_ok(), "{taken:?}: {text}");
        }
        while let Some(message) = self.intake.pop() {
            self.market.apply(&message);
        }
        true
    }
}

#[test]
fn a_pair_is_asked_for_and_its_ticks_come() {
    let grid = |step: &[u8]| Grid::of_step(step).unwrap();
    let pairs = [symbol("EURUSD"), symbol("USDJPY")];
    let rows = [
        (pairs[0], grid(b"0.00001"), Grid::UNIT),
        (pairs[1], grid(b"0.001"), Grid::UNIT),
    ];
    let base = 1_400_000_000_000;
    let frames = [
        tick("EURUSD", "1.1005", "1.1008", base),
        tick("USDJPY", "101.5", "101.6", base + 1),
        tick("EURUSD", "1.1009", "1.1008", base + 2),
        tick("EURUSD", "1.1000", "1.1003", base + 60_000),
        tick("USDJPY", "101.7", "101.8", base + 60_001),
        tick("EURUSD", "1.1006", "1.1009", base + 60_002),
    ];
    let venue = open(tape(table(&rows), &frames));
    let mut client = Client::connect(venue.addr(), "/fx");
    assert_eq!(
        client.next().unwrap(),
        r#"{"message":"playing a capture","status":"connected","type":"status"}"#
    );
    let ready = client.next().unwrap();
    assert_eq!(ready_symbols(ready.as_bytes()), pairs);
    for (said, told) in [
        ("nonsense", "no command: "),
        (r#"{"type":"dance"}"#, "no command called dance"),
        (r#"{"type":"get_symbol_data_package"}"#, "names no symbol"),
        (
            r#"{"type":"get_symbol_data_package","symbol":"GBPUSD"}"#,
            r#""symbol":"GBPUSD""#,
        ),
    ] {
        client.say(said);
        let error = client.next().unwrap();
        assert!(
            error.contains(r#""type":"error""#) && error.contains(told),
            "{error}"
        );
    }
    // The playback begins when somebody listens. What was taken back does not come.
    let command = FxCommand::GetPackage {
        symbol: pairs[0],
        adr_lookback_days: 14,
    };
    client.say(&command.text());
    let mut ticks = Vec::new();
    let mut package = String::new();
    while ticks.len() < 4 || package.is_empty() {
        let text = client.next().unwrap();
        if text.contains(r#""type":"tick""#) {
            ticks.push(text);
        } else {
            package = text;
        }
    }
    // The tick with its sides crossed is sent too: to refuse it is the client's task.
    let of_pair: Vec<_> = frames
        .iter()
        .filter(|(stream, ..)| stream == "eurusd@tick")
        .map(|(_, text, _)| text.clone())
        .collect();
    assert_eq!(ticks, of_pair);
    assert!(package.contains(r#""digits":5,"#) && package.contains(r#""todaysOpen":1.10050,"#));
    let command = FxCommand::Unsubscribe {
        symbols: pairs.to_vec(),
    };
    client.say(&command.text());
    client.say(r#"{"type":"get_symbol_data_package","symbol":"USDJPY"}"#);
    // The capture has been played, so the package knows all of it.
    expect_test::expect![[r#"{"type":"symbolDataPackage","symbol":"USDJPY","digits":3,"bid":101.700,"todaysOpen":101.500,"todaysHigh":101.700,"todaysLow":101.500,"initialMarketProfile":[{"open":101.500,"high":101.500,"low":101.500,"close":101.500,"timestamp":1399999980000,"volume":1},{"open":101.700,"high":101.700,"low":101.700,"close":101.700,"timestamp":1400000040000,"volume":1}]}"#]].assert_eq(&client.next().unwrap());
}

fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PITLANE_SHARED_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    Some(root.join(name)).filter(|path| path.is_file())
}

#[test]
fn every_tick_of_a_capture_comes_once() {
    for (name, ticks) in [
        ("fx_lean/fxcm_eurusd_20140508_quote.zip", 167_466),
        ("fx_lean/oanda_eurusd_20140507_quote.zip", 41_367),
        ("fx_lean/cfd_oanda_xauusd_20140501_quote.zip", 129_744),
        ("fx_nautilus/USDJPY_truefx_20130101.csv", 1000),
        ("fx_dukascopy/GBPJPY_2012_11_03_13h_ticks.bi5", 3903),
    ] {
        let Some(path) = shared(name) else {
            println!("skipped: {name} is not here; PITLANE_SHARED_DATA names the folder");
            continue;
        };
        let options = ImportOptions::default();
        let source = || open_all(None, std::slice::from_ref(&path), &options).unwrap();
        let rows: Vec<_> = scan_instruments(source().as_mut())
            .unwrap()
            .iter()
            .map(|row| (row.symbol, row.tick_size, row.lot_size))
            .collect();
        let table = table(&rows);
        let recording = Recording::read(source().as_mut(), table.clone()).unwrap();
        let venue = open(recording);
        let mut engine = Engine::new(Client::connect(venue.addr(), "/fx"), table);
        let from = Instant::now();
        while engine.ticks.len() < ticks || !engine.desk.is_complete() {
            assert!(engine.step(), "{name}: the gateway closed");
        }
        let took = from.elapsed();
        println!("{name}: {ticks} ticks in {took:?}");
        // As recorded, in order, each once.
        let mut recorded = source();
        let mut crossed = 0;
        for tick in &engine.ticks {
            let frame = recorded.next().unwrap().unwrap();
            assert_eq!(frame.bytes, tick.as_bytes(), "{name}");
            let tick: serde_json::Value = serde_json::from_str(tick).unwrap();
            crossed += u64::from(tick["ask"].as_f64() < tick["bid"].as_f64());
        }
        assert!(recorded.next().unwrap().is_none(), "{name}");
        let total = &engine.intake.counts().total;
        let emitted = total.of(FactKind::FxTick, Fate::Emitted);
        assert_eq!(emitted + engine.refused, ticks as u64, "{name}");
        // Only what cannot be is refused: a bid above the ask, which one broker's ticks often have.
        let refused = engine.intake.counts().rejected[Reason::Crossed as usize];
        assert_eq!((engine.refused, refused), (crossed, crossed), "{name}");
        println!("{name}: {crossed} of them crossed");
        assert_eq!(total.of(FactKind::FxPackage, Fate::Emitted), 1, "{name}");
        engine.intake.balance().unwrap();
        let state = engine.market.instrument(InstrumentId(0)).unwrap();
        assert!(state.fx().is_some_and(|tick| tick.bid > Ticks::ZERO));
        assert!(state.fx_days().unwrap().package().is_some(), "{name}");
    }
}
