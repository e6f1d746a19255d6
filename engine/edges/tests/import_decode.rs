//! What the importers hand out, the decoders take: every frame of every shared file is a fact or a notice, but for the
//! exceptions named below.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::shared;
use pitlane_domain::decode::{Decoded, Fact, Levels, decode};
use pitlane_domain::instrument::{Instrument, InstrumentTable};
use pitlane_edges::import::{ImportOptions, open_all, scan_instruments};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn kind(decoded: &Decoded) -> &'static str {
    match decoded {
        Decoded::Trades { .. } => "trade",
        Decoded::Notice(_) => "notice",
        Decoded::List(_) => "list",
        Decoded::Fact { fact, .. } => match fact {
            Fact::Trade(..) => "trade",
            Fact::Quote(_) => "quote",
            Fact::Depth(_) => "depth",
            Fact::Liquidation(_) => "liquidation",
            Fact::MarkPrice(_) => "mark price",
            Fact::VenueBar(..) => "bar",
            Fact::Day(..) => "day",
            Fact::FxTick(_) => "tick",
            Fact::FxPackage(..) => "fx_package",
            Fact::Order(_) => "order",
        },
    }
}

/// Decodes all frames of some files with the instruments found in them.
fn decoded(paths: &[PathBuf]) -> String {
    let open = || open_all(None, paths, &ImportOptions::default()).unwrap();
    let mut table = InstrumentTable::default();
    for row in scan_instruments(&mut *open()).unwrap() {
        let instrument = Instrument {
            symbol: row.symbol,
            venue_symbol: row.symbol,
            venue: row.venue,
            tick_size: row.tick_size,
            lot_size: row.lot_size,
        };
        table.add(instrument).unwrap();
    }
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut levels = Levels::default();
    let mut source = open();
    while let Some(frame) = source.next().unwrap() {
        let decoded = decode(frame.venue, frame.stream, frame.bytes, &table, &mut levels);
        let name = match &decoded {
            Ok(decoded) => kind(decoded).to_owned(),
            Err(reject) => format!("REFUSED {}", reject.reason.name()),
        };
        *counts.entry(name).or_default() += 1;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    counts.join(", ")
}

#[test]
fn every_frame_is_understood() {
    let check = |names: &[&str], expected: &str| {
        let paths: Option<Vec<PathBuf>> = names.iter().map(|name| shared(name)).collect();
        if let Some(paths) = paths {
            assert_eq!(decoded(&paths), expected, "{names:?}");
        }
    };
    check(
        &["binance_ws_hftbacktest/cm/btcusd_perp_20240808.gz"],
        "depth 26848, quote 19136, trade 2286",
    );
    check(
        &[
            "binance_ws_hftbacktest/spot/btcusdt_20240808.gz",
            "binance_ws_hftbacktest/spot/btcusdt_20240809.gz",
        ],
        "depth 6496, quote 73174, trade 19904",
    );
    check(
        &[
            "binance_ws_hftbacktest/usdm/btcusdt_20240808.gz",
            "binance_ws_hftbacktest/usdm/ethusdt_20240808.gz",
        ],
        "depth 13139, quote 120081, trade 35389",
    );
    check(
        &["binance_frames_recent/frames_2021_2026.jsonl"],
        "bar 1, liquidation 4, mark price 1, trade 1",
    );
    check(
        &["binance_ws_cryptofeed/BINANCE.20210404T2003.txt.zst"],
        "bar 118, depth 2691, trade 1910",
    );
    check(
        &["binance_ws_cryptofeed/BINANCE.20210405T1833.txt.zst"],
        "depth 4719, quote 5408, trade 1240",
    );
    check(
        &["binance_ws_cryptofeed/BINANCE_FUTURES.20210405T1836.txt.zst"],
        "depth 4428, quote 3424, trade 574",
    );
    let recording = |stem: &str, day: &str, expected: &str| {
        let names = ["", ".http.0", ".ws.1"]
            .map(|part| format!("binance_ws_cryptofeed/{stem}{part}.{day}.txt.zst"));
        check(&names.each_ref().map(String::as_str), expected);
    };
    recording(
        "BINANCE",
        "20211012T0028",
        "bar 2, depth 181, notice 1, quote 84, trade 2",
    );
    recording(
        "BINANCE_DELIVERY",
        "20210722T0113",
        "bar 33, depth 2057, notice 1, quote 2240, trade 51",
    );
    recording(
        "BINANCE_FUTURES",
        "20210722T2225",
        "bar 67, depth 768, notice 1, quote 613, trade 91",
    );
    check(
        &["binance_aggtrades/BTCUSDT-aggTrades-2024-01-01.h00-12.csv.zst"],
        "trade 344377",
    );
    check(&["binance_klines/ADABTC-1m-2021-11-27.csv"], "bar 1440");
    // FXCM's own ticks: the bid stands above the ask in 8 % of this day.
    check(
        &[
            "fx_lean/cfd_oanda_xauusd_20140501_quote.zip",
            "fx_lean/fxcm_eurusd_20140501_quote.zip",
        ],
        "REFUSED crossed 3991, tick 176806",
    );
    check(&["fx_nautilus/USDJPY_truefx_20130101.csv"], "tick 1000");
    check(
        &["fx_dukascopy/GBPJPY_2012_11_03_13h_ticks.bi5"],
        "tick 3903",
    );
    check(
        &["l3_lobster/AAPL_2012-06-21_message_50.first45k.csv.zst"],
        "order 45000",
    );
    check(
        &["l3_lobster/MSFT_2012-06-21_36000s_message_50.first400.csv.zst"],
        "order 400",
    );
    check(
        &["itch50/AAPL_20191230_0935_derived.first25k.itch50.zst"],
        "order 25000",
    );
    // A slice from the middle of a day: stocks it has not spelled yet.
    check(
        &["itch50/NASDAQ_20191230_0930_first1000.itch50"],
        "REFUSED unknown_symbol 293, notice 1, order 706",
    );
    // Warrants and preferred shares such as BIOX+ and ALL-A*, whose names are no symbols here.
    check(
        &["itch50/NASDAQ_head_1000_directory.itch50"],
        "REFUSED unknown_symbol 8, notice 1, order 991",
    );
    check(
        &["itch50/SYNTHETIC_ritch_20101224.itch50"],
        "notice 6, order 12006",
    );
    check(&["l3_cme_mbo/ESH4_20231225.mbo.csv.zst"], "order 68792");
    check(&["l3_databento_arl/ARL_20250717.mbo.csv.zst"], "order 5886");
}
