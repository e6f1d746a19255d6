//! REST: what is told, no more than was played, and the venue's words for what is wrong.

use crate::support::*;
use pitlane_venue::{Settings, Venue};
use serde_json::Value;

/// A venue that has played its trades.
fn with_trades(count: u64, settings: Settings) -> Venue {
    let venue = Venue::open(trades(count), settings).unwrap();
    let mut client = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    assert_eq!(
        client.ids(usize::try_from(count).unwrap()).len() as u64,
        count
    );
    venue
}

fn ids(list: &Value, key: &str) -> Vec<u64> {
    let list = list.as_array().unwrap();
    list.iter().map(|row| row[key].as_u64().unwrap()).collect()
}

#[test]
fn trades_are_paged_by_id_without_a_hole() {
    let venue = with_trades(2500, Settings::default());
    for (name, key) in [("aggTrades", "a"), ("historicalTrades", "id")] {
        let mut all = Vec::new();
        loop {
            let from = all.last().map_or(1, |last| last + 1);
            let target = format!("/api/v3/{name}?symbol=BTCUSDT&fromId={from}&limit=1000");
            let page = ids(&get(venue.addr(), &target).json(), key);
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        assert_eq!(all, (1..=2500).collect::<Vec<_>>(), "{name}");
    }
    let check = |query: &str, expected: std::ops::RangeInclusive<u64>| {
        let target = format!("/api/v3/aggTrades?symbol=BTCUSDT{query}");
        let got = ids(&get(venue.addr(), &target).json(), "a");
        assert_eq!(got, expected.collect::<Vec<_>>(), "{query}");
    };
    check("", 2001..=2500);
    check("&limit=3", 2498..=2500);
    check("&limit=9999", 1501..=2500);
    check("&startTime=1700000100000&limit=2", 100..=101);
    check("&startTime=1700000100000&endTime=1700000102000", 100..=102);
    check("&endTime=1700000102000&limit=2", 101..=102);
    let row = get(
        venue.addr(),
        "/api/v3/aggTrades?symbol=BTCUSDT&fromId=7&limit=1",
    );
    let expected = r#"[{"a":7,"p":"100.00000000","q":"2.00000000","f":7,"l":7,"T":1700000007000,"m":false,"M":true}]"#;
    assert_eq!(row.body, expected);
    let row = get(venue.addr(), "/api/v3/trades?symbol=BTCUSDT&limit=1");
    let expected = r#"[{"id":2500,"price":"101.00000000","qty":"2.00000000","quoteQty":"202.00000000","time":1700002500000,"isBuyerMaker":true,"isBestMatch":true}]"#;
    assert_eq!(row.body, expected);
}

#[test]
fn only_what_was_played_is_told() {
    let venue = open(trades(50));
    let trades = || get(venue.addr(), "/api/v3/trades?symbol=BTCUSDT").body;
    assert_eq!(trades(), "[]");
    assert_eq!(
        get(venue.addr(), "/api/v3/klines?symbol=BTCUSDT&interval=1m").body,
        "[]"
    );
    assert_eq!(get(venue.addr(), "/api/v3/ticker/price").body, "[]");
    let mut client = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    for id in client.ids(50) {
        assert!(trades().contains(&format!("\"id\":{id},")));
    }
}

#[test]
fn sizes_and_limits_are_listed() {
    let venue = open(recorded(&[SPOT[0], USDM[0]]));
    let addr = venue.addr();
    let spot = get(addr, "/api/v3/exchangeInfo").json();
    let row = &spot["symbols"][0];
    assert_eq!(
        (&row["baseAsset"], &row["quoteAsset"]),
        (&"BTC".into(), &"USDT".into())
    );
    assert_eq!(row["filters"][0]["filterType"], "PRICE_FILTER");
    assert_eq!(row["filters"][0]["tickSize"], "0.01000000");
    assert_eq!(row["filters"][1]["stepSize"], "0.00000100");
    assert_eq!(spot["rateLimits"][0]["limit"], 6000);
    let same = get(addr, "/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%5D").json();
    assert_eq!(same["symbols"], spot["symbols"]);
    let futures = get(addr, "/fapi/v1/exchangeInfo").json();
    assert_eq!(futures["symbols"][0]["filters"][0]["tickSize"], "0.1");
    assert_eq!(futures["symbols"][0]["contractType"], "PERPETUAL");
}

#[test]
fn tickers_speak_of_the_same_market() {
    let venue = with_trades(130, Settings::default());
    let addr = venue.addr();
    let day = get(addr, "/api/v3/ticker/24hr?symbol=BTCUSDT").json();
    assert_eq!(
        (&day["count"], &day["volume"]),
        (&130.into(), &"260.00000000".into())
    );
    assert_eq!(
        (&day["highPrice"], &day["lowPrice"]),
        (&"106.00000000".into(), &"100.00000000".into())
    );
    let price = get(addr, "/api/v3/ticker/price?symbol=BTCUSDT").json();
    assert_eq!(price["price"], day["lastPrice"]);
    assert_eq!(get(addr, "/api/v3/ticker/price").json()[0], price);
    let average = get(addr, "/api/v3/avgPrice?symbol=BTCUSDT").json();
    assert_eq!(average["price"], day["weightedAvgPrice"]);
    assert_eq!(get(addr, "/api/v3/ping").body, "{}");
}

#[test]
fn what_is_wrong_with_a_request_has_its_code() {
    let venue = open(trades(3));
    let check = |target: &str, status: u16, code: i64| {
        let got = get(venue.addr(), target);
        assert_eq!(
            (got.status, &got.json()["code"]),
            (status, &code.into()),
            "{target}"
        );
        assert!(got.json()["msg"].is_string());
    };
    check("/api/v3/depth", 400, -1102);
    check("/api/v3/depth?symbol=", 400, -1102);
    check("/api/v3/depth?symbol=NOSUCH", 400, -1121);
    check("/api/v3/depth?symbol=btcusdt", 400, -1100);
    check("/api/v3/depth?symbol=BTCUSDT&limit=x", 400, -1100);
    check("/api/v3/depth?symbol=BTCUSDT&limit=0", 400, -1130);
    check("/api/v3/klines?symbol=BTCUSDT", 400, -1102);
    check("/api/v3/klines?symbol=BTCUSDT&interval=7m", 400, -1120);
    check(
        "/api/v3/aggTrades?symbol=BTCUSDT&fromId=1&startTime=1",
        400,
        -1128,
    );
    check("/api/v3/ticker/24hr?symbols=BTCUSDT", 400, -1100);
    check("/api/v3/nothing", 404, -1000);
    check("/", 404, -1000);
    check("/fapi/v1/depth?symbol=BTCUSDT", 400, -1121);
}

#[test]
fn weight_is_counted_told_and_bounded() {
    let settings = Settings {
        weight_limit: 120,
        ..Settings::default()
    };
    let venue = with_trades(3, settings);
    let depth = |limit: u32| {
        get(
            venue.addr(),
            &format!("/api/v3/depth?symbol=BTCUSDT&limit={limit}"),
        )
    };
    let first = depth(1000);
    assert_eq!(first.status, 200);
    let used = |got: &Got| {
        got.header("x-mbx-used-weight-1m")
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    assert_eq!(used(&first), 50);
    assert_eq!(used(&depth(500)), 75);
    assert_eq!(used(&depth(100)), 80);
    let mut statuses: Vec<_> = (0..14).map(|_| depth(1000).status).collect();
    statuses.dedup();
    // A new minute may begin on the way; then one more request is answered.
    assert_eq!(&statuses[statuses.len() - 2..], [429, 418]);
    let banned = get(venue.addr(), "/api/v3/ping");
    assert_eq!(
        (banned.status, banned.json()["code"].as_i64()),
        (418, Some(-1003))
    );
    let wait: u64 = banned.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=120).contains(&wait));
    // The venue's own controls cost nothing.
    assert_eq!(get(venue.addr(), "/venue/status").status, 200);
}
