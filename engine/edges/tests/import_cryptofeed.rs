//! Recordings of cryptofeed: every kind of line, other venues, and the recorded files against their counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{counts, read_all, shared, temp};
use pitlane_edges::import::{Format, ImportOptions, open, open_all, scan_instruments};
use std::path::PathBuf;

fn import(text: &str) -> String {
    let file = temp("X.ws.1", text.as_bytes());
    match open(Format::Cryptofeed, file.path(), &ImportOptions::default()) {
        Ok(mut source) => common::show(&mut *source),
        Err(error) => common::message(&error),
    }
}

#[test]
fn every_kind_of_line() {
    let text = r#"configuration: {"l2_book":["BTC-USDT"]}
wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms <-> 1617566590.378895
wss://stream.binance.com:9443/stream <- 1617566590.4: {"method":"SUBSCRIBE"}
1617566591.326123: {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","s":"BTCUSDT"}}
https://www.binance.com/api/v1/depth?symbol=BTCUSDT&limit=1000 -> 1617566592.1065369: {"lastUpdateId":5,"bids":[],"asks":[]}
https://api.binance.com/api/v3/exchangeInfo -> 1617566592.1065370: {"symbols":[]}
https://api.binance.com/api/v3/ping -> 1617566592.11: {}
1617566592.5: {"e":"trade","E":1,"s":"BTCUSDT"}
1617566592.5: {"result":null,"id":1}

1617566593.9: {"stream":"btcusdt@trade","da
16175665x3.9: {"stream":"btcusdt@trade"}
1617566593.1234567891: {"stream": "btcusdt@trade","data":{}}
"#;
    expect_test::expect![[r#"
        1617566591326123000 binance-spot btcusdt@depth@100ms {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","s":"BTCUSDT"}}
        1617566592106536900 binance-spot btcusdt@depthSnapshot {"lastUpdateId":5,"bids":[],"asks":[]}
        1617566592106537000 binance-spot @exchangeInfo {"symbols":[]}
        1617566592500000000 binance-spot btcusdt@trade {"e":"trade","E":1,"s":"BTCUSDT"}
        1617566592500000000 binance-spot  {"result":null,"id":1}
        1617566593123456789 binance-spot btcusdt@trade {"stream": "btcusdt@trade","data":{}}
        FILE (cryptofeed): 13 records = 6 frames + 5 control + 2 refused
          1 refused as cut_frame, first FILE:11: the frame does not end in `}`
          1 refused as not_a_frame, first FILE:12: neither `<seconds>: <frame>` nor a line of a connection
    "#]]
    .assert_eq(&import(text));
}

#[test]
fn the_address_tells_the_market() {
    let check = |host: &str, expected: &str| {
        let text =
            format!("{host} <-> 1617566590.378895\n1617566591.3: {{\"stream\":\"a@trade\"}}\n");
        let got = import(&text);
        assert!(got.contains(expected), "{host}: {got}");
    };
    check("wss://stream.binance.com:9443/stream", " binance-spot ");
    check("wss://data-stream.binance.vision/ws", " binance-spot ");
    check("wss://fstream.binance.com/stream", " binance-usdm ");
    check("https://fapi.binance.com/fapi/v1/x", " binance-usdm ");
    check("wss://dstream.binance.com/stream", " binance-coinm ");
    check("wss://ws.kraken.com", " kraken ");
    check("wss://ws.okx.com:8443/ws/v5/public", " okx ");
    check("wss://ws.okex.com:8443/ws/v5/public", " okx ");
    check("wss://ftexchange.com/ws/", " ftx ");
    check(
        "wss://notkraken.com/ws",
        "FILE: a recording of notkraken.com, which is not supported yet",
    );
    check(
        "wss://notbinance.com/ws",
        "FILE: a recording of notbinance.com, ",
    );
}

#[test]
fn the_recordings_have_their_counts() {
    // The description counts from the line of the connection on, so where that is alone in its second, the first frame
    // comes one second later than there. Some files end with a blank line, which is control here.
    let check = |name: &str, venue: &str, control: u64, expected: &str| {
        let Some(path) = shared(&format!("binance_ws_cryptofeed/{name}.txt.zst")) else {
            return;
        };
        let mut source = open(Format::Cryptofeed, &path, &ImportOptions::default()).unwrap();
        let all = read_all(&mut *source);
        assert!(
            all.iter().all(|frame| frame.venue.name() == venue),
            "{name}"
        );
        assert_eq!(counts(&all, &*source), expected, "{name}");
        let report = source.reports().remove(0);
        assert_eq!(
            (report.control, report.refused_total()),
            (control, 0),
            "{name}"
        );
    };
    check(
        "BINANCE.20210404T2003",
        "binance-spot",
        1,
        "4719: aggTrade 1910, depth@100ms 2688, depthSnapshot 3, kline_1m 118; 2021-04-04T20:03:11 to 2021-04-04T20:04:42; 0 reversals",
    );
    check(
        "BINANCE.20210405T1833",
        "binance-spot",
        3,
        "11367: aggTrade 1240, bookTicker 5408, depth@100ms 4709, depthSnapshot 10; 2021-04-05T18:33:23 to 2021-04-05T18:35:22; 0 reversals",
    );
    check(
        "BINANCE.20211012T0028",
        "binance-spot",
        1,
        "1: exchangeInfo 1; 2021-10-12T00:28:31 to 2021-10-12T00:28:31; 0 reversals",
    );
    check(
        "BINANCE.http.0.20211012T0028",
        "binance-spot",
        1,
        "4: depthSnapshot 4; 2021-10-12T00:28:32 to 2021-10-12T00:28:42; 0 reversals",
    );
    check(
        "BINANCE.ws.1.20211012T0028",
        "binance-spot",
        2,
        "265: aggTrade 2, bookTicker 84, depth@100ms 177, kline_1m 2; 2021-10-12T00:28:32 to 2021-10-12T00:29:02; 0 reversals",
    );
    check(
        "BINANCE_DELIVERY.20210722T0113",
        "binance-coinm",
        1,
        "1: exchangeInfo 1; 2021-07-22T01:13:22 to 2021-07-22T01:13:22; 0 reversals",
    );
    check(
        "BINANCE_DELIVERY.http.0.20210722T0113",
        "binance-coinm",
        1,
        "10: depthSnapshot 10; 2021-07-22T01:13:24 to 2021-07-22T01:13:29; 0 reversals",
    );
    check(
        "BINANCE_DELIVERY.ws.1.20210722T0113",
        "binance-coinm",
        1,
        "4371: aggTrade 51, bookTicker 2240, depth@100ms 2047, kline_1m 33; 2021-07-22T01:13:23 to 2021-07-22T01:13:54; 0 reversals",
    );
    check(
        "BINANCE_FUTURES.20210405T1836",
        "binance-usdm",
        2,
        "8426: aggTrade 574, bookTicker 3424, depth@100ms 4423, depthSnapshot 5; 2021-04-05T18:36:37 to 2021-04-05T18:38:36; 0 reversals",
    );
    check(
        "BINANCE_FUTURES.20210722T2225",
        "binance-usdm",
        1,
        "1: exchangeInfo 1; 2021-07-22T22:25:40 to 2021-07-22T22:25:40; 0 reversals",
    );
    check(
        "BINANCE_FUTURES.http.0.20210722T2225",
        "binance-usdm",
        1,
        "4: depthSnapshot 4; 2021-07-22T22:25:41 to 2021-07-22T22:25:42; 0 reversals",
    );
    check(
        "BINANCE_FUTURES.ws.1.20210722T2225",
        "binance-usdm",
        1,
        "1535: aggTrade 91, bookTicker 613, depth@100ms 764, kline_1m 67; 2021-07-22T22:25:41 to 2021-07-22T22:26:11; 0 reversals",
    );
}

#[test]
fn the_files_of_one_recording_belong_together() {
    let files = |stem: &str, day: &str| -> Option<Vec<PathBuf>> {
        ["", ".http.0", ".ws.1"]
            .iter()
            .map(|part| shared(&format!("binance_ws_cryptofeed/{stem}{part}.{day}.txt.zst")))
            .collect()
    };
    // The venue has made the sizes of those with a star coarser; its books still hold older orders.
    let check = |stem: &str, day: &str, frames: u64, listed: &str| {
        let Some(paths) = files(stem, day) else {
            return;
        };
        let mut source = open_all(None, &paths, &ImportOptions::default()).unwrap();
        let found = scan_instruments(&mut *source).unwrap();
        let reports = source.reports();
        assert_eq!(
            reports.iter().map(|report| report.frames).sum::<u64>(),
            frames
        );
        let rows: Vec<_> = found
            .iter()
            .map(|row| {
                let star = if row.listed { "" } else { "*" };
                format!("{} {} {}{star}", row.symbol, row.tick_size, row.lot_size)
            })
            .collect();
        assert_eq!(rows.join(", "), listed);

        // Each snapshot stands among the diffs, not before them.
        let mut source = open_all(None, &paths, &ImportOptions::default()).unwrap();
        let all = read_all(&mut *source);
        assert!(all.windows(2).all(|two| two[0].ts_recv <= two[1].ts_recv));
        let first = |kind: &str| {
            all.iter()
                .position(|frame| frame.stream.contains(kind))
                .unwrap()
        };
        assert!(first("@depth@100ms") < first("@depthSnapshot"));
        assert_eq!(all[0].stream, "@exchangeInfo");
    };
    check(
        "BINANCE",
        "20211012T0028",
        270,
        "NKNUSDT 0.00001 0.1*, BLZETH 0.00000001 1, LRCBTC 0.00000001 1, RUNEEUR 0.001 0.1",
    );
    check(
        "BINANCE_DELIVERY",
        "20210722T0113",
        4382,
        "BCHUSD_PERP 0.01 1, ETHUSD_210924 0.01 1, XRPUSD_PERP 0.0001 1, ETCUSD_PERP 0.001 1, LINKUSD_PERP 0.001 1, BCHUSD_210924 0.01 1, BTCUSD_211231 0.1 1, TRXUSD_PERP 0.00001 1, LINKUSD_211231 0.001 1, EOSUSD_PERP 0.001 1",
    );
    check(
        "BINANCE_FUTURES",
        "20210722T2225",
        1540,
        "SUSHIUSDT 0.001 1, AKROUSDT 0.00001 1, KEEPUSDT 0.0001 1, CTKUSDT 0.00001 1*",
    );
}

#[test]
fn recordings_of_coinbase_and_bitstamp_are_theirs() {
    let check = |name: &str, venue: &str, expected: &str| {
        let Some(path) = shared(&format!("other_ws_cryptofeed/{name}.txt.zst")) else {
            return;
        };
        let mut source = open(Format::Cryptofeed, &path, &ImportOptions::default()).unwrap();
        let all = read_all(&mut *source);
        assert!(
            all.iter().all(|frame| frame.venue.name() == venue),
            "{name}"
        );
        assert_eq!(counts(&all, &*source), expected, "{name}");
        assert_eq!(source.reports()[0].refused_total(), 0, "{name}");
    };
    check(
        "COINBASE.ws.28.20210417T1643",
        "coinbase",
        "9946:  3, level2 9729, matches 107, ticker 107; 2021-04-17T16:43:37 to 2021-04-17T16:44:07; 0 reversals",
    );
    check(
        "BITSTAMP.ws.1.20220105T0048",
        "bitstamp",
        "747:  20, diff_order_book 717, live_trades 10; 2022-01-05T00:48:17 to 2022-01-05T00:48:41; 0 reversals",
    );
    check(
        "BITSTAMP.http.0.20220105T0048",
        "bitstamp",
        "10: depthSnapshot 10; 2022-01-05T00:48:16 to 2022-01-05T00:48:17; 0 reversals",
    );
    let other = "wss://ws.example.org <-> 1.5\n1.5: {}\n";
    assert!(import(other).contains(
        "a recording of ws.example.org, which is not supported yet; those of Binance, Kraken, OKX, FTX, Coinbase and Bitstamp are"
    ));
}

#[test]
fn venues_whose_frames_say_what_they_are_about() {
    let check = |host: &str, lines: &str, expected: expect_test::Expect| {
        expected.assert_eq(&import(&format!("{host} <-> 1617566590.378895\n{lines}")));
    };
    check(
        "wss://ws.kraken.com",
        r#"1617666423.1: {"event":"heartbeat"}
1617666424.942793: [320,{"b":[["58724.80000","0.36","1617666423.690142"]],"c":"1"},"book-1000","XBT/USD"]
1617666424.95: [320,{"b":[],"c":"1"},"book-10
"#,
        expect_test::expect![[r#"
            1617666423100000000 kraken  {"event":"heartbeat"}
            1617666424942793000 kraken xbt/usd@book-1000 [320,{"b":[["58724.80000","0.36","1617666423.690142"]],"c":"1"},"book-1000","XBT/USD"]
            FILE (cryptofeed): 4 records = 2 frames + 1 control + 1 refused
              1 refused as cut_frame, first FILE:4: the frame does not end in `]`
        "#]],
    );
    check(
        "wss://ws.okx.com:8443/ws/v5/public",
        r#"1652459225.1: {"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}
1652459225.2: {"action":"update","data":[],"arg":{"channel":"books","instId":"BTC-USDT"}}
1652459225.3: {"arg":{"channel":"books"},"data":[]}
1652459225.4: {"arg":}
"#,
        expect_test::expect![[r#"
            1652459225100000000 okx  {"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}
            1652459225200000000 okx btc-usdt@books {"action":"update","data":[],"arg":{"channel":"books","instId":"BTC-USDT"}}
            1652459225300000000 okx  {"arg":{"channel":"books"},"data":[]}
            FILE (cryptofeed): 5 records = 3 frames + 1 control + 1 refused
              1 refused as not_json, first FILE:5: expected value at line 1 column 8
        "#]],
    );
    check(
        "wss://ftexchange.com/ws/",
        r#"1626993904.280936: {"type": "subscribed", "channel": "ticker", "market": "BB-0924"}
1626993904.3: {"channel": "orderbook", "market": "MKR-PERP", "type": "update", "data": {}}
"#,
        expect_test::expect![[r#"
            1626993904280936000 ftx  {"type": "subscribed", "channel": "ticker", "market": "BB-0924"}
            1626993904300000000 ftx mkr-perp@orderbook {"channel": "orderbook", "market": "MKR-PERP", "type": "update", "data": {}}
            FILE (cryptofeed): 3 records = 2 frames + 1 control + 0 refused
        "#]],
    );
}

#[test]
fn steps_of_venues_that_list_none_are_the_finest_in_use() {
    let check = |name: &str, expected: expect_test::Expect| {
        let Some(path) = shared(&format!("checksum_books_cryptofeed/{name}.txt.zst")) else {
            return;
        };
        let mut source = open(Format::Cryptofeed, &path, &ImportOptions::default()).unwrap();
        let rows = scan_instruments(&mut *source).unwrap();
        let rows = rows.iter().map(|row| {
            let (tick, lot) = (row.tick_size, row.lot_size);
            format!("{} {tick} {lot} {}", row.symbol, row.frames)
        });
        expected.assert_eq(&rows.collect::<Vec<_>>().join(", "));
    };
    check(
        "KRAKEN.20210405T2347",
        expect_test::expect![
            "XBT/USD 0.1 0.00000001 5789, DASH/EUR 0.001 0.00000001 2716, KAVA/USD 0.0001 0.00000001 864, AUD/USD 0.00001 0.00000001 364, ICX/USD 0.0001 0.00000001 941, WAVES/ETH 0.0000001 0.00000001 413, FIL/XBT 0.0000001 0.00000001 1328, USDC/GBP 0.0001 0.00000001 52, LSK/USD 0.000001 0.00000001 870, ALGO/XBT 0.00000001 0.00000001 1169"
        ],
    );
    check(
        "OKX.ws.1.20220513T1627",
        expect_test::expect![
            "BTC-USD-220527 0.1 1 105, UNI-USD-SWAP 0.001 1 95, BTC-USDT 0.1 0.00000001 192"
        ],
    );
    check(
        "OKEX.ws.1.20210722T2315",
        expect_test::expect![
            "BTC-USD-210924-66000-C 0.0001 1 5, FUN-BTC 0.000000001 0.00000001 54, AUCTION-USDT 0.01 0.000001 55, XMR-USDT-SWAP 0.01 1 331, OKT-BTC 0.000001 0.00000001 118, PAY-BTC 0.00000001 0.00000001 51, ONT-USDT 0.0001 0.000001 568, DHT-USDT 0.001 0.000001 62, TRX-USDT-210924 0.00001 1 313, BTC-USD-210924-42000-P 0.0001 1 29"
        ],
    );
    check(
        "FTX.ws.1.20210722T2245",
        expect_test::expect![
            "CAD/USD 0.0001 1 57, BTC-1231 1 0.0001 822, MKR-PERP 0.1 0.001 388, CHZ/USDT 0.000001 1 127, APHA/USD 0.001 0.1 77, PFE/USD 0.01 0.01 58, FLOW-PERP 0.001 0.01 258, KNCBULL/USDT 0.00001 0.1 58, BNBBEAR/USDT 0.00000001 1 56, BB-0924 0.0001 0.1 64"
        ],
    );
}
