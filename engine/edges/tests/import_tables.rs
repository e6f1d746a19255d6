//! Tables of trades, klines and FX ticks: their rows as stream messages, and the published days against their counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{counts, read_all, shared, temp};
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_edges::import::{Format, ImportOptions, open, parse_day};
use pitlane_edges::source::OnBad;

fn import_with(format: Format, name: &str, bytes: &[u8], options: &ImportOptions) -> String {
    let file = temp(name, bytes);
    match open(format, file.path(), options) {
        Ok(mut source) => common::show(&mut *source),
        Err(error) => common::message(&error),
    }
}

fn import(format: Format, name: &str, text: &str) -> String {
    import_with(format, name, text.as_bytes(), &ImportOptions::default())
}

#[test]
fn spot_trades_have_eight_columns() {
    let text = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match\n\
        2807759891,42283.58000000,0.00069000,3344774379,3344774380,1704067200000,True,False\n\
        2807759892,42283.59000000,0.00144000,3344774380,3344774380,1704067200001002,fALSE,true\n\
        2807759893,42283.59000000,0.00144000,3344774380,3344774380,1704067200001,maybe,true\n\
        2807759893,42283.59,0.00144000,3344774380,3344774380,1704067200001,true\n\
        2807759893,-1,0.00144000,3344774380,3344774380,1704067200001,true,true\n";
    expect_test::expect![[r#"
        1704067200000000000 binance-spot btcusdt@aggTrade {"e":"aggTrade","E":1704067200000,"s":"BTCUSDT","a":2807759891,"p":"42283.58000000","q":"0.00069000","f":3344774379,"l":3344774380,"T":1704067200000,"m":true,"M":false}
        1704067200001002000 binance-spot btcusdt@aggTrade {"e":"aggTrade","E":1704067200001002,"s":"BTCUSDT","a":2807759892,"p":"42283.59000000","q":"0.00144000","f":3344774380,"l":3344774380,"T":1704067200001002,"m":false,"M":true}
        FILE (binance-aggtrades-csv): 6 records = 2 frames + 1 control + 3 refused
          2 refused as bad_column, first FILE:4: column 7: `maybe` is not true or false
          1 refused as bad_columns, first FILE:5: 7 columns instead of 8
          the unit of the receive times changed 1 times
    "#]]
    .assert_eq(&import(Format::BinanceAggTradesCsv, "BTCUSDT-aggTrades-2024-01-01.csv", text));
}

#[test]
fn futures_trades_have_seven() {
    let row = "1,2.5,3,4,5,1704067200000,false\n";
    expect_test::expect![[r#"
        1704067200000000000 binance-usdm btcusdt@aggTrade {"e":"aggTrade","E":1704067200000,"s":"BTCUSDT","a":1,"p":"2.5","q":"3","f":4,"l":5,"T":1704067200000,"m":false}
        FILE (binance-aggtrades-csv): 1 records = 1 frames + 0 control + 0 refused
    "#]]
    .assert_eq(&import(Format::BinanceAggTradesCsv, "BTCUSDT-aggTrades-2024-01-01.csv", row));
    let coinm = import(
        Format::BinanceAggTradesCsv,
        "BTCUSD_PERP-aggTrades-2024-01.csv",
        row,
    );
    assert!(
        coinm.contains("binance-coinm btcusd_perp@aggTrade"),
        "{coinm}"
    );
    expect_test::expect![
        "FILE: the file name trades.csv does not begin with a symbol; name the symbol"
    ]
    .assert_eq(
        &import(Format::BinanceAggTradesCsv, "2024.csv", row).replace("2024.csv", "trades.csv"),
    );
    let options = ImportOptions {
        symbol: Symbol::new(b"ethusdt"),
        venue: Some(Venue::BinanceSpot),
        ..ImportOptions::default()
    };
    let named = import_with(
        Format::BinanceAggTradesCsv,
        "2024.csv",
        row.as_bytes(),
        &options,
    );
    assert!(named.contains("binance-spot ethusdt@aggTrade"), "{named}");
}

#[test]
fn a_kline_is_known_when_it_closes() {
    let text = "1637971200000,0.00002853,0.00002854,0.00002851,0.00002854,36304.20000000,1637971259999,1.03547608,79,19523.00000000,0.55694227,0\n\
        1637971260000000,1,2,0.5,1.5,3,1637971559999999,4,5,1.5,2.5,0\n\
        1637971260000,1,2,0.5,1.5,3,1637971261234,4,5,1.5,2.5,0\n\
        1637971260000,1,x,0.5,1.5,3,1637971319999,4,5,1.5,2.5,0\n";
    expect_test::expect![[r#"
        1637971259999000000 binance-spot adabtc@kline_1m {"e":"kline","E":1637971259999,"s":"ADABTC","k":{"t":1637971200000,"T":1637971259999,"s":"ADABTC","i":"1m","o":"0.00002853","c":"0.00002854","h":"0.00002854","l":"0.00002851","v":"36304.20000000","n":79,"x":true,"q":"1.03547608","V":"19523.00000000","Q":"0.55694227"}}
        1637971559999999000 binance-spot adabtc@kline_5m {"e":"kline","E":1637971559999999,"s":"ADABTC","k":{"t":1637971260000000,"T":1637971559999999,"s":"ADABTC","i":"5m","o":"1","c":"1.5","h":"2","l":"0.5","v":"3","n":5,"x":true,"q":"4","V":"1.5","Q":"2.5"}}
        FILE (binance-klines-csv): 4 records = 2 frames + 0 control + 2 refused
          2 refused as bad_column, first FILE:3: column 7: `1637971261234` is not the close of a known interval
          the unit of the receive times changed 2 times
    "#]]
    .assert_eq(&import(Format::BinanceKlinesCsv, "ADABTC-1m-2021-11-27.csv", text));
}

#[test]
fn ticks_of_lean_count_from_midnight() {
    let rows = "43.142,1291.677,1292.033\n1787,1.38727,1.38729\n86400000,1,1\n5,1\n";
    expect_test::expect![[r#"
        1398902400043142000 fx xauusd@tick {"type":"tick","symbol":"XAUUSD","bid":1291.677,"ask":1292.033,"timestamp":1398902400043.142}
        1398902401787000000 fx xauusd@tick {"type":"tick","symbol":"XAUUSD","bid":1.38727,"ask":1.38729,"timestamp":1398902401787}
        FILE (fx-csv): 4 records = 2 frames + 0 control + 2 refused
          1 refused as bad_column, first FILE:3: column 1: `86400000` is not a time
          1 refused as bad_columns, first FILE:4: 2 columns instead of 3
    "#]]
    .assert_eq(&import(Format::FxCsv, "20140501_xauusd_tick_quote.csv", rows));
    // Five hours later, as FXCM's clock is UTC-5.
    let fxcm = import(Format::FxCsv, "fxcm_20140501_eurusd_tick_quote.csv", rows);
    assert!(
        fxcm.starts_with("1398920400043142000 fx eurusd@tick"),
        "{fxcm}"
    );
    let options = ImportOptions {
        utc_offset_hours: Some(1),
        day: parse_day("2014-05-02").ok(),
        ..ImportOptions::default()
    };
    let given = import_with(Format::FxCsv, "eurusd.csv", rows.as_bytes(), &options);
    assert!(
        given.starts_with("1398985200043142000 fx eurusd@tick"),
        "{given}"
    );
    expect_test::expect![
        "FILE: times count from midnight, and the file name eurusd.csv names no day; name the day"
    ]
    .assert_eq(&import(Format::FxCsv, "eurusd.csv", rows));
    expect_test::expect![
        "FILE: the file name 20140501.csv names no currency pair; name the symbol"
    ]
    .assert_eq(&import(Format::FxCsv, "20140501.csv", rows));
}

#[test]
fn ticks_with_their_own_day() {
    let nautilus = "timestamp,bid,ask\n2013-01-01 22:00:00.295000+00:00,86.655,86.728\n1357077600295000001,86.655,86.728\n\n2013-01-01 22:00:00.295Zulu,1,1\n";
    expect_test::expect![[r#"
        1357077600295000000 fx usdjpy@tick {"type":"tick","symbol":"USDJPY","bid":86.655,"ask":86.728,"timestamp":1357077600295}
        1357077600295000001 fx usdjpy@tick {"type":"tick","symbol":"USDJPY","bid":86.655,"ask":86.728,"timestamp":1357077600295.000001}
        FILE (fx-csv): 5 records = 2 frames + 2 control + 1 refused
          1 refused as bad_column, first FILE:5: column 1: `2013-01-01 22:00:00.295Zulu` is not a time
    "#]]
    .assert_eq(&import(Format::FxCsv, "USDJPY_truefx_20130101.csv", nautilus));

    let with_symbol = "1357077600295,EURUSD,1.1005,1.1008\n1357077600296,gbp/usd,1.6,1.7\n1357077600297,no symbol,1.6,1.7\n";
    expect_test::expect![[r#"
        1357077600295000000 fx eurusd@tick {"type":"tick","symbol":"EURUSD","bid":1.1005,"ask":1.1008,"timestamp":1357077600295}
        1357077600296000000 fx gbpusd@tick {"type":"tick","symbol":"GBPUSD","bid":1.6,"ask":1.7,"timestamp":1357077600296}
        FILE (fx-csv): 3 records = 2 frames + 0 control + 1 refused
          1 refused as bad_column, first FILE:3: column 2: `no symbol` is not a symbol
    "#]]
    .assert_eq(&import(Format::FxCsv, "ticks.csv", with_symbol));

    let truefx = "EUR/USD,20130101 22:00:00.295,1.31956,1.31974\n";
    expect_test::expect![[r#"
        1357077600295000000 fx eurusd@tick {"type":"tick","symbol":"EURUSD","bid":1.31956,"ask":1.31974,"timestamp":1357077600295}
        FILE (fx-csv): 1 records = 1 frames + 0 control + 0 refused
    "#]]
    .assert_eq(&import(Format::FxCsv, "ticks.csv", truefx));

    let with_volumes = "1354539600148,131.786,131.794,1.5,0.75\n";
    expect_test::expect![[r#"
        1354539600148000000 fx gbpjpy@tick {"type":"tick","symbol":"GBPJPY","bid":131.786,"ask":131.794,"bidVolume":1.5,"askVolume":0.75,"timestamp":1354539600148}
        FILE (fx-csv): 1 records = 1 frames + 0 control + 0 refused
    "#]]
    .assert_eq(&import(Format::FxCsv, "GBPJPY.csv", with_volumes));

    // Dukascopy's own export names its columns in another order.
    let named = "Gmt time,Ask,Bid,AskVolume,BidVolume\n2013-01-01 22:00:00.295,1.5,1.4,7,8\n";
    expect_test::expect![[r#"
        1357077600295000000 fx eurusd@tick {"type":"tick","symbol":"EURUSD","bid":1.4,"ask":1.5,"bidVolume":8,"askVolume":7,"timestamp":1357077600295}
        FILE (fx-csv): 2 records = 1 frames + 1 control + 0 refused
    "#]]
    .assert_eq(&import(Format::FxCsv, "EURUSD.csv", named));
    expect_test::expect![
        "FILE: not ticks: neither columns named time, bid and ask nor a known order of columns"
    ]
    .assert_eq(&import(
        Format::FxCsv,
        "EURUSD.csv",
        "timestamp,price,size\n1,2,3\n",
    ));
}

fn bi5(records: &[(u32, u32, u32, f32, f32)]) -> Vec<u8> {
    let mut raw = Vec::new();
    for (ms, ask, bid, ask_volume, bid_volume) in records {
        for word in [*ms, *ask, *bid, ask_volume.to_bits(), bid_volume.to_bits()] {
            raw.extend(word.to_be_bytes());
        }
    }
    let mut packed = Vec::new();
    lzma_rs::lzma_compress(&mut raw.as_slice(), &mut packed).unwrap();
    packed
}

#[test]
fn dukascopy_records_are_big_endian() {
    let bytes = bi5(&[
        (148, 131_794, 131_786, 0.75, 3.9),
        (3_600_000, 1, 1, 1.0, 1.0),
        (149, 131_794, 131_786, f32::NAN, 1.0),
        (150, 131_794, 131_786, 1.0, 1e-3),
    ]);
    let name = "GBPJPY_2012_11_03_13h_ticks.bi5";
    expect_test::expect![[r#"
        1354539600148000000 fx gbpjpy@tick {"type":"tick","symbol":"GBPJPY","bid":131.786,"ask":131.794,"bidVolume":3.9,"askVolume":0.75,"timestamp":1354539600148}
        1354539600150000000 fx gbpjpy@tick {"type":"tick","symbol":"GBPJPY","bid":131.786,"ask":131.794,"bidVolume":0.001,"askVolume":1,"timestamp":1354539600150}
        FILE (fx-csv): 4 records = 2 frames + 0 control + 2 refused
          2 refused as bad_record, first FILE:2: record of 3600000 ms with volumes 1 and 1
    "#]]
    .assert_eq(&import_with(Format::FxCsv, name, &bytes, &ImportOptions::default()));
    let eurusd = import_with(
        Format::FxCsv,
        "EURUSD_2012_00_03_00h_ticks.bi5",
        &bytes,
        &ImportOptions::default(),
    );
    assert!(
        eurusd.contains(r#""bid":1.31786,"ask":1.31794"#),
        "{eurusd}"
    );
    let stop = ImportOptions {
        on_bad: OnBad::Stop,
        ..ImportOptions::default()
    };
    let stopped = import_with(Format::FxCsv, name, &bytes, &stop);
    assert!(
        stopped.contains("\nFILE:2: record of 3600000 ms with volumes 1 and 1 (bad_record)\n"),
        "{stopped}"
    );
    // An hour without ticks is an empty file.
    expect_test::expect![[r"
        FILE (fx-csv): 0 records = 0 frames + 0 control + 0 refused
    "]]
    .assert_eq(&import_with(
        Format::FxCsv,
        name,
        b"",
        &ImportOptions::default(),
    ));
    expect_test::expect!["FILE: the file name ticks.bi5 names no currency pair; it should be like GBPJPY_2012_11_03_13h_ticks.bi5"]
        .assert_eq(&import_with(Format::FxCsv, "ticks.bi5", &bytes, &ImportOptions::default()));
    for cut in 0..bytes.len() {
        import_with(
            Format::FxCsv,
            name,
            &bytes[..cut],
            &ImportOptions::default(),
        );
    }
}

fn day(format: Format, name: &str, expected: &str) {
    let Some(path) = shared(name) else {
        return;
    };
    let mut source = open(format, &path, &ImportOptions::default()).unwrap();
    let all = read_all(&mut *source);
    assert_eq!(counts(&all, &*source), expected, "{name}");
    assert_eq!(source.reports()[0].refused_total(), 0, "{name}");
    let progress = source.progress();
    assert!(
        progress.bytes_done * 100 >= progress.bytes_total * 95,
        "{name}: {progress:?}"
    );
}

#[test]
fn the_published_trades_have_their_counts() {
    day(
        Format::BinanceAggTradesCsv,
        "binance_aggtrades/BTCUSDT-aggTrades-2024-01-01.h00-12.csv.zst",
        "344377: aggTrade 344377; 2024-01-01T00:00:00 to 2024-01-01T11:59:59; 0 reversals",
    );
}

#[test]
fn the_published_klines_have_their_counts() {
    // Open times run from 00:00:00 to 23:59:00; a bar is received at its close.
    day(
        Format::BinanceKlinesCsv,
        "binance_klines/ADABTC-1m-2021-11-27.csv",
        "1440: kline_1m 1440; 2021-11-27T00:00:59 to 2021-11-27T23:59:59; 0 reversals",
    );
}

#[test]
fn the_fx_days_have_their_counts() {
    let lean = |name: &str, count: u64, first: &str, last: &str| {
        let expected = format!("{count}: tick {count}; {first} to {last}; 0 reversals");
        day(
            Format::FxCsv,
            &format!("fx_lean/{name}_quote.zip"),
            &expected,
        );
    };
    lean(
        "cfd_oanda_xauusd_20140501",
        129_744,
        "2014-05-01T00:00:00",
        "2014-05-01T23:59:54",
    );
    lean(
        "cfd_oanda_xauusd_20140505",
        186_204,
        "2014-05-05T00:00:00",
        "2014-05-05T23:59:49",
    );
    lean(
        "fxcm_eurusd_20140501",
        51_053,
        "2014-05-01T05:00:01",
        "2014-05-02T04:59:47",
    );
    lean(
        "fxcm_eurusd_20140502",
        96_406,
        "2014-05-02T05:00:00",
        "2014-05-02T20:59:11",
    );
    lean(
        "fxcm_eurusd_20140504",
        8_025,
        "2014-05-04T19:00:51",
        "2014-05-05T04:59:58",
    );
    lean(
        "fxcm_eurusd_20140505",
        58_143,
        "2014-05-05T05:00:03",
        "2014-05-06T04:59:58",
    );
    lean(
        "fxcm_eurusd_20140506",
        102_682,
        "2014-05-06T05:00:00",
        "2014-05-07T04:59:59",
    );
    lean(
        "fxcm_eurusd_20140507",
        89_504,
        "2014-05-07T05:00:01",
        "2014-05-08T04:59:59",
    );
    lean(
        "fxcm_eurusd_20140508",
        167_466,
        "2014-05-08T05:00:17",
        "2014-05-09T04:59:59",
    );
    lean(
        "fxcm_eurusd_20140509",
        102_122,
        "2014-05-09T05:00:00",
        "2014-05-09T20:59:11",
    );
    lean(
        "fxcm_nzdusd_20140501",
        66_638,
        "2014-05-01T05:00:00",
        "2014-05-02T04:59:57",
    );
    lean(
        "fxcm_nzdusd_20140502",
        73_439,
        "2014-05-02T05:00:00",
        "2014-05-02T20:59:11",
    );
    lean(
        "fxcm_nzdusd_20140504",
        21_018,
        "2014-05-04T19:01:18",
        "2014-05-05T04:59:59",
    );
    lean(
        "fxcm_nzdusd_20140505",
        68_867,
        "2014-05-05T05:00:00",
        "2014-05-06T04:59:59",
    );
    lean(
        "fxcm_nzdusd_20140506",
        109_001,
        "2014-05-06T05:00:00",
        "2014-05-07T04:59:59",
    );
    lean(
        "fxcm_nzdusd_20140507",
        109_542,
        "2014-05-07T05:00:00",
        "2014-05-08T04:59:54",
    );
    lean(
        "fxcm_nzdusd_20140508",
        103_173,
        "2014-05-08T05:00:01",
        "2014-05-09T04:59:58",
    );
    lean(
        "fxcm_nzdusd_20140509",
        54_273,
        "2014-05-09T05:00:00",
        "2014-05-09T20:58:46",
    );
    lean(
        "oanda_eurusd_20140501",
        24_179,
        "2014-05-01T00:00:00",
        "2014-05-01T23:59:31",
    );
    lean(
        "oanda_eurusd_20140502",
        49_341,
        "2014-05-02T00:00:00",
        "2014-05-02T20:59:58",
    );
    lean(
        "oanda_eurusd_20140504",
        1_164,
        "2014-05-04T21:00:00",
        "2014-05-04T23:59:48",
    );
    lean(
        "oanda_eurusd_20140505",
        25_177,
        "2014-05-05T00:00:23",
        "2014-05-05T23:59:59",
    );
    lean(
        "oanda_eurusd_20140506",
        44_864,
        "2014-05-06T00:00:00",
        "2014-05-06T23:59:56",
    );
    lean(
        "oanda_eurusd_20140507",
        41_367,
        "2014-05-07T00:00:07",
        "2014-05-07T23:59:42",
    );
    lean(
        "oanda_eurusd_20140508",
        87_833,
        "2014-05-08T00:00:08",
        "2014-05-08T23:59:49",
    );
    lean(
        "oanda_eurusd_20140509",
        47_634,
        "2014-05-09T00:00:01",
        "2014-05-09T20:59:58",
    );
    day(
        Format::FxCsv,
        "fx_nautilus/USDJPY_truefx_20130101.csv",
        "1000: tick 1000; 2013-01-01T22:00:00 to 2013-01-01T22:35:13; 0 reversals",
    );
    day(
        Format::FxCsv,
        "fx_dukascopy/GBPJPY_2012_11_03_13h_ticks.bi5",
        "3903: tick 3903; 2012-12-03T13:00:00 to 2012-12-03T13:59:59; 0 reversals",
    );
}
