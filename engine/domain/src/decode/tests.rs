//! What all formats share: the table the small cases are decoded with, and the text they are compared in.

use super::*;
use crate::instrument::{Instrument, Symbol};
use crate::units::Grid;
use std::fmt::Write;

/// Venue, venue symbol, tick size, lot size.
const ROWS: [(Venue, &str, &str, &str); 19] = [
    (Venue::BinanceSpot, "BTCUSDT", "0.01", "0.00001"),
    (Venue::BinanceSpot, "PEPEUSDT", "0.00000001", "1"),
    (Venue::BinanceUsdm, "BTCUSDT", "0.10", "0.001"),
    (Venue::BinanceUsdm, "ETHUSDT", "0.01", "0.001"),
    (Venue::BinanceUsdm, "STGUSDT", "0.0000100", "1"),
    (Venue::BinanceUsdm, "IOTXUSDT", "0.00001", "1"),
    (Venue::BinanceUsdm, "COTIUSDT", "0.0000001", "1"),
    (Venue::BinanceCoinm, "BTCUSD_PERP", "0.1", "1"),
    (Venue::Fx, "EURUSD", "0.00001", "0.01"),
    (Venue::Itch, "AAPL", "0.01", "1"),
    (Venue::Lobster, "AAPL", "0.01", "1"),
    (Venue::Mbo, "ESH4", "0.25", "1"),
    (Venue::Bybit, "XRPUSDT", "0.0001", "1"),
    (Venue::Coinbase, "SKL-BTC", "0.00000001", "0.1"),
    (Venue::Bitstamp, "ETHUSD", "0.01", "0.00000001"),
    (Venue::Kraken, "XBT/USD", "0.1", "0.00000001"),
    (Venue::Okx, "BTC-USDT", "0.1", "0.00000001"),
    (Venue::Ftx, "MKR-PERP", "0.5", "0.001"),
    (Venue::Ftx, "BNBBEAR/USDT", "0.00000001", "1"),
];

/// Frames of the venue as recorded between 2021 and 2026: `ap` and `nq` are newer than the rest of the fields,
/// and the bar is written with blanks.
pub(super) const RECENT: [&str; 7] = [
    r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1786171884624,"a":3404749954,"s":"BTCUSDT","p":"64990.90","q":"0.002","nq":"0.002","f":7960913511,"l":7960913511,"T":1786171884471,"m":true,"st":1}}"#,
    r#"{"stream":"btcusdt@markPrice","data":{"e":"markPriceUpdate","E":1786171884000,"s":"BTCUSDT","p":"64991.37858696","ap":"64991.37858696","P":"64980.01344384","i":"65016.05673913","r":"0.00003936","T":1786176000000,"st":1}}"#,
    r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1786173360960,"s":"BTCUSDT","k":{"t":1786173300000, "T":1786173359999, "s":"BTCUSDT", "i":"1m", "f":7960920076, "L":7960920277, "o":"64970.80", "c":"64969.40", "h":"64970.90", "l":"64969.40", "v":"9.090", "n":194, "x":true, "q":"590577.96880", "V":"3.460", "Q":"224795.09440", "B":"0"}}}"#,
    r#"{"stream":"stgusdt@forceOrder","data":{"e":"forceOrder","E":1786172557615,"o":{"s":"STGUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"5","p":"0.1336000","ap":"0.1355000","X":"FILLED","l":"5","z":"5","T":1786172556607,"ps":"STGUSDT","st":1}}}"#,
    r#"{"stream":"!forceOrder@arr","data":{"e":"forceOrder","E":1634653599186,"o":{"s":"IOTXUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"3661","p":"0.06606","ap":"0.06669","X":"FILLED","l":"962","z":"3661","T":1634653599180}}}"#,
    r#"{"e":"forceOrder","E":1738661434388,"o":{"s":"ETHUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.036","p":"2694.06","ap":"2704.51","X":"FILLED","l":"0.036","z":"0.036","T":1738661434384}}"#,
    r#"{"e":"forceOrder","E":1789672236702,"o":{"s":"COTIUSDT","S":"BUY","o":"LIMIT","f":"IOC","q":"288183","p":"0.0220482","ap":"0.0219120","X":"FILLED","l":"288183","z":"288183","T":1789672235690}}"#,
];

pub(super) fn table() -> InstrumentTable {
    let mut table = InstrumentTable::default();
    for (at, (venue, venue_symbol, tick_size, lot_size)) in ROWS.into_iter().enumerate() {
        let instrument = Instrument {
            symbol: Symbol::new(format!("{at}.{venue_symbol}").as_bytes()).unwrap(),
            venue_symbol: Symbol::new(venue_symbol.as_bytes()).unwrap(),
            venue,
            tick_size: Grid::of_step(tick_size.as_bytes()).unwrap(),
            lot_size: Grid::of_step(lot_size.as_bytes()).unwrap(),
        };
        table.add(instrument).unwrap();
    }
    table
}

/// What comes of each of some frames, a line for each.
pub(super) fn outcomes<'a>(
    venue: Venue,
    stream: &str,
    frames: impl IntoIterator<Item = (&'a str, Vec<u8>)>,
) -> String {
    let lines = frames.into_iter().map(|(name, frame)| {
        let outcome = outcome(venue, stream, &frame);
        format!("{name:<20} => {outcome}\n")
    });
    lines.collect()
}

/// Decodes a frame and says in a line what came of it.
pub(super) fn outcome(venue: Venue, stream: &str, frame: &[u8]) -> String {
    let table = table();
    let mut levels = Levels::default();
    let result = decode(venue, stream.as_bytes(), frame, &table, &mut levels);
    let name = |id: InstrumentId| table.get(id).unwrap().venue_symbol;
    match result {
        Ok(Decoded::Notice(notice)) => format!("{notice:?}"),
        Ok(Decoded::List(list)) => format!("{list:?}"),
        Ok(Decoded::Trades { instrument, stream }) => {
            let mut text = format!("{} {stream:?}", name(instrument));
            for one in &levels.trades {
                let time = one.ts_event.map_or("-".to_owned(), |ts| ts.0.to_string());
                let Trade { px, qty, .. } = one.trade;
                let Trade {
                    id,
                    first_id,
                    is_buyer_maker,
                    ..
                } = one.trade;
                let taker = if is_buyer_maker { "sell" } else { "buy" };
                write!(
                    text,
                    " {time} {id} from {first_id} {taker} ({}, {})",
                    px.0, qty.0
                )
                .unwrap();
            }
            text
        }
        Ok(Decoded::Fact {
            instrument,
            ts_event,
            fact,
        }) => {
            let time = ts_event.map_or("-".to_owned(), |ts| ts.0.to_string());
            let said = format!("{fact:?}")
                .replace("Ticks(", "(")
                .replace("Lots(", "(");
            let mut text = format!("{} {time} {said}", name(instrument));
            if let Fact::Depth(_) = fact {
                let pairs =
                    |side: &[Level]| -> Vec<_> { side.iter().map(|l| (l.px.0, l.qty.0)).collect() };
                let (bids, asks) = (pairs(&levels.bids), pairs(&levels.asks));
                write!(text, " bids {bids:?} asks {asks:?}").unwrap();
                if let Some(stated) = levels.checksum {
                    let Checksum { value, depth, .. } = stated;
                    let (px, qty) = (stated.px_decimals, stated.qty_decimals);
                    write!(text, " checksum {value} depth {depth} decimals {px} {qty}").unwrap();
                }
            }
            text
        }
        Err(reject) => {
            let mut text = format!("refused: {} at {}", reject.reason.name(), reject.at);
            if let Some(id) = reject.instrument {
                write!(text, ", {}", name(id)).unwrap();
            }
            if let Some((stream, id)) = reject.trade {
                write!(text, ", {stream:?} {id}").unwrap();
            }
            text
        }
    }
}

/// What a damaged frame may become.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Whatever `serde_json` refuses is malformed, and nothing else is; so is every truncation.
    Json,
    /// Every truncation is refused.
    Whole,
    /// A line whose last number may lose digits.
    Line,
}

/// Every truncation of a frame, and every change of one of its bytes to any other: refused if it must be, no panic.
#[track_caller]
pub(super) fn check_damage(venue: Venue, stream: &str, frame: &[u8], form: Form) {
    let table = table();
    let mut levels = Levels::default();
    let mut run = |frame: &[u8]| decode(venue, stream.as_bytes(), frame, &table, &mut levels);
    assert!(run(frame).is_ok());
    for end in 0..frame.len() {
        let result = run(&frame[..end]);
        let shown = String::from_utf8_lossy(&frame[..end]);
        match (form, end) {
            (_, 0) => assert_eq!(result.map_err(|r| r.reason), Err(Reason::Empty)),
            (Form::Json, _) => {
                assert_eq!(
                    result.map_err(|r| r.reason),
                    Err(Reason::Malformed),
                    "{shown}"
                );
            }
            (Form::Whole, _) => assert!(result.is_err(), "{shown}"),
            (Form::Line, _) => {}
        }
    }
    let mut damaged = frame.to_vec();
    for at in 0..frame.len() {
        for byte in 0..=u8::MAX {
            damaged[at] = byte;
            let result = run(&damaged);
            if form == Form::Json {
                let is_json = serde_json::from_slice::<serde_json::Value>(&damaged).is_ok();
                let refused = matches!(result, Err(r) if r.reason == Reason::Malformed);
                let shown = String::from_utf8_lossy(&damaged);
                assert_eq!(is_json, !refused, "{shown}");
            }
        }
        damaged[at] = frame[at];
    }
}

#[test]
fn damaged_recent_frames() {
    for frame in RECENT {
        check_damage(Venue::BinanceUsdm, "", frame.as_bytes(), Form::Json);
    }
}

#[test]
fn reasons_stand_where_their_number_says() {
    for (at, (reason, name)) in Reason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, at);
        assert_eq!(reason.name(), name);
    }
}

#[test]
fn a_frame_has_a_length() {
    for (venue, _) in Venue::ALL {
        assert_eq!(outcome(venue, "x@y", b""), "refused: empty at 0");
        let long = vec![b' '; FRAME_BYTES_MAX + 1];
        let refused = format!("refused: too_long at {FRAME_BYTES_MAX}");
        assert_eq!(outcome(venue, "x@y", &long), refused);
    }
    // A directory of instruments may be longer.
    let mut long = vec![b' '; FRAME_BYTES_MAX];
    long.extend(b"{\"symbols\":[]}");
    let info = outcome(Venue::BinanceSpot, "@exchangeInfo", &long);
    assert_eq!(info, "InstrumentInfo");
}

#[test]
fn a_stream_is_named_after_its_symbol() {
    for (stream, symbol) in [
        ("btcusdt@depth@100ms", "btcusdt"),
        ("aapl@itch", "aapl"),
        ("@itch", ""),
        ("itch", ""),
        ("", ""),
    ] {
        assert_eq!(stream_symbol(stream.as_bytes()), symbol.as_bytes());
    }
}
