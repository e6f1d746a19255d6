//! Formats told by content, and instruments found in the sources themselves, over every shared file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{shared, temp};
use pitlane_edges::capture::CaptureWriter;
use pitlane_edges::import::{Format, ImportOptions, detect, open, open_all, scan_instruments};
use std::path::Path;

fn name_of(path: &Path) -> &'static str {
    detect(path).unwrap().map_or("?", Format::name)
}

#[test]
fn formats_are_told_by_content() {
    let check = |text: &str, expected: &str| {
        let file = temp("x", text.as_bytes());
        assert_eq!(name_of(file.path()), expected, "{text}");
        for (packing, bytes) in common::packed("x", text.as_bytes()) {
            let file = temp("x", &bytes);
            let expected = if packing == "lzma" {
                "fx-csv"
            } else {
                expected
            };
            assert_eq!(name_of(file.path()), expected, "{packing}: {text}");
        }
    };
    let trade = r#"{"stream":"a@trade","data":{"e":"trade","s":"A","X":"MARKET"}}"#;
    check(&format!("\n1723161255088176367 {trade}\n"), "binance-jsonl");
    check(trade, "binance-jsonl");
    check(&format!("1617566591.326123: {trade}\n"), "cryptofeed");
    check("wss://ws.kraken.com <-> 1617566591.326123\n", "cryptofeed");
    check("configuration: {}\n", "cryptofeed");
    check("1,2.5,3,4,5,1704067200000,false\n", "binance-aggtrades-csv");
    check(
        "a,b,c,d,e,f,g,h\n1,2.5,3,4,5,1704067200000,False,TRUE\n",
        "binance-aggtrades-csv",
    );
    check("1,1,2,0.5,1.5,3,2,4,5,1.5,2.5,0\n", "binance-klines-csv");
    check("34200.004241176,1,16113575,18,5853300,1\n", "lobster");
    check("1,2,A,B,4799000000000,2,6,40,682\n", "mbo-csv");
    check("timestamp,bid,ask\n1,2,3\n", "fx-csv");
    check("1357077600295,EURUSD,1.1005,1.1008\n", "fx-csv");
    for unclear in [
        "",
        "\n",
        "hello",
        "1,2,3\n",
        "timestamp,price,size\n1514764802610,13873,10\n",
        "{\"topic\":\"orderbook\"}\n",
        "1,2\n",
    ] {
        check(unclear, "?");
    }
    let lean = temp("20140501_eurusd_tick_quote.csv", b"43,1.5,1.6\n");
    assert_eq!(name_of(lean.path()), "fx-csv");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c");
    CaptureWriter::create(&file).unwrap().finish().unwrap();
    assert_eq!(name_of(&file), "capture");
    for (format, name) in Format::ALL {
        assert_eq!(Format::from_name(name), Some(format));
    }
    let error = open_all(
        None,
        &[temp("x", b"hello").path().to_path_buf()],
        &ImportOptions::default(),
    );
    assert!(
        error
            .err()
            .unwrap()
            .to_string()
            .contains("name it, one of capture, binance-jsonl, ")
    );
}

#[test]
fn every_shared_file_is_told() {
    let check = |folder: &str, name: &str, expected: &str| {
        if let Some(path) = shared(&format!("{folder}/{name}")) {
            assert_eq!(name_of(&path), expected, "{name}");
        }
    };
    check(
        "binance_ws_hftbacktest",
        "cm/btcusd_perp_20240808.gz",
        "binance-jsonl",
    );
    check(
        "binance_ws_hftbacktest",
        "spot/btcusdt_20240809.gz",
        "binance-jsonl",
    );
    check(
        "binance_ws_hftbacktest",
        "usdm/ethusdt_20240808.gz",
        "binance-jsonl",
    );
    check(
        "binance_frames_recent",
        "frames_2021_2026.jsonl",
        "binance-jsonl",
    );
    check(
        "binance_ws_cryptofeed",
        "BINANCE.20210404T2003.txt.zst",
        "cryptofeed",
    );
    check(
        "binance_ws_cryptofeed",
        "BINANCE.20211012T0028.txt.zst",
        "cryptofeed",
    );
    check(
        "binance_ws_cryptofeed",
        "BINANCE_FUTURES.ws.1.20210722T2225.txt.zst",
        "cryptofeed",
    );
    check(
        "checksum_books_cryptofeed",
        "KRAKEN.20210405T2347.txt.zst",
        "cryptofeed",
    );
    check(
        "binance_aggtrades",
        "BTCUSDT-aggTrades-2024-01-01.h00-12.csv.zst",
        "binance-aggtrades-csv",
    );
    check(
        "binance_klines",
        "ADABTC-1m-2021-11-27.csv",
        "binance-klines-csv",
    );
    check("fx_lean", "cfd_oanda_xauusd_20140501_quote.zip", "fx-csv");
    check("fx_lean", "fxcm_eurusd_20140508_quote.zip", "fx-csv");
    check("fx_nautilus", "USDJPY_truefx_20130101.csv", "fx-csv");
    check("fx_dukascopy", "GBPJPY_2012_11_03_13h_ticks.bi5", "fx-csv");
    check(
        "l3_lobster",
        "AAPL_2012-06-21_message_50.first45k.csv.zst",
        "lobster",
    );
    check(
        "l3_lobster",
        "MSFT_2012-06-21_36000s_orderbook_50.first400.csv.zst",
        "?",
    );
    check(
        "itch50",
        "AAPL_20191230_0935_derived.first25k.itch50.zst",
        "itch50",
    );
    check("itch50", "NASDAQ_head_1000_directory.itch50", "itch50");
    check("itch50", "SYNTHETIC_ritch_20101224.itch50", "itch50");
    check("l3_cme_mbo", "ESH4_20231225.mbo.csv.zst", "mbo-csv");
    check("l3_databento_arl", "ARL_20250717.mbo.csv.zst", "mbo-csv");
    check("l3_databento_arl", "ARL_20250717.mbp.csv.zst", "?");
    check("l3_cme_mbo", "ESH4_20231225.mbo.dbn.zst", "?");
    check("l3_bitfinex", "bitfinex_tBTCUSD_R0.first50k.jsonl.zst", "?");
    check(
        "l3_bitstamp",
        "bitstamp_btcusd_20150501.h00-12.log.zst",
        "?",
    );
    check("l3_sse", "SSE_orders_20230711.csv.zst", "?");
    check("trades_bitmex", "Bitmex_XBTUSD_first500k.csv.zst", "?");
    check(
        "bybit_ob500",
        "2024-12-01_XRPUSDT_ob500.data.zip",
        "bybit-jsonl",
    );
}

#[test]
fn instruments_are_found_in_the_files() {
    let check = |name: &str, expected: &str| {
        let Some(path) = shared(name) else {
            return;
        };
        let format = detect(&path).unwrap().unwrap();
        let mut source = open(format, &path, &ImportOptions::default()).unwrap();
        let show = |row: pitlane_edges::import::Scanned| {
            assert!(!row.listed);
            format!(
                "{} {} {} {} {}",
                row.venue.name(),
                row.symbol,
                row.tick_size,
                row.lot_size,
                row.frames
            )
        };
        let rows: Vec<_> = scan_instruments(&mut *source)
            .unwrap()
            .into_iter()
            .map(show)
            .collect();
        assert_eq!(rows.join("; "), expected, "{name}");
    };
    check(
        "binance_ws_hftbacktest/cm/btcusd_perp_20240808.gz",
        "binance-coinm BTCUSD_PERP 0.1 1 48270",
    );
    // The venue's lot size is 0.00001, but an old order at 200000 of 25.426189 is still in its book.
    check(
        "binance_ws_hftbacktest/spot/btcusdt_20240808.gz",
        "binance-spot BTCUSDT 0.01 0.000001 41249",
    );
    check(
        "binance_ws_hftbacktest/usdm/btcusdt_20240808.gz",
        "binance-usdm BTCUSDT 0.1 0.001 93954",
    );
    check(
        "binance_ws_hftbacktest/usdm/ethusdt_20240808.gz",
        "binance-usdm ETHUSDT 0.01 0.001 74655",
    );
    check(
        "binance_ws_cryptofeed/BINANCE.20210404T2003.txt.zst",
        "binance-spot DOTUSDT 0.0001 0.01 1092; binance-spot BTCUSDT 0.01 0.000001 2171; binance-spot ETHUSDT 0.01 0.00001 1456",
    );
    check(
        "binance_aggtrades/BTCUSDT-aggTrades-2024-01-01.h00-12.csv.zst",
        "binance-spot BTCUSDT 0.01 0.00001 344377",
    );
    check(
        "binance_klines/ADABTC-1m-2021-11-27.csv",
        "binance-spot ADABTC 0.00000001 0.1 1440",
    );
    check(
        "fx_nautilus/USDJPY_truefx_20130101.csv",
        "fx USDJPY 0.001 1 1000",
    );
    check(
        "fx_lean/oanda_eurusd_20140504_quote.zip",
        "fx EURUSD 0.00001 1 1164",
    );
    check(
        "fx_dukascopy/GBPJPY_2012_11_03_13h_ticks.bi5",
        "fx GBPJPY 0.001 0.01 3903",
    );
    check(
        "l3_lobster/AAPL_2012-06-21_message_50.first45k.csv.zst",
        "lobster AAPL 0.001 1 45000",
    );
    check(
        "l3_cme_mbo/ESH4_20231225.mbo.csv.zst",
        "mbo ESH4 0.01 1 68792",
    );
    check(
        "l3_databento_arl/ARL_20250717.mbo.csv.zst",
        "mbo ARL 0.001 1 5886",
    );
    check(
        "itch50/AAPL_20191230_0935_derived.first25k.itch50.zst",
        "itch50 AAPL 0.01 1 25000",
    );
    check(
        "binance_frames_recent/frames_2021_2026.jsonl",
        "binance-usdm BTCUSDT 0.1 0.001 3; binance-usdm STGUSDT 0.0001 1 1; binance-usdm IOTXUSDT 0.00001 1 1; binance-usdm ETHUSDT 0.01 0.001 1; binance-usdm COTIUSDT 0.0000001 1 1",
    );
}
