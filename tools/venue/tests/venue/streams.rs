//! What comes on streams: everything, once, in order, in the form that was asked for.

use crate::support::*;
use pitlane_venue::{AtEnd, Settings, Speed, Start, Venue};
use serde_json::Value;

#[test]
fn two_clients_get_every_message_of_the_sample_once_and_in_order() {
    let streams = ["btcusdt@depth@100ms", "btcusdt@trade", "btcusdt@bookTicker"];
    let expected = messages(&SPOT, &streams);
    assert_eq!(expected.len(), 99_573);
    let settings = Settings {
        start: Start::Clients(2),
        ..Settings::default()
    };
    let venue = Venue::open(recorded(&SPOT), settings).unwrap();
    let addr = venue.addr();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let target = format!("/stream?streams={}", streams.join("/"));
            let mut client = Client::connect(addr, &target);
            for (name, data) in &expected {
                let text = client.next().unwrap();
                assert_eq!(text, format!(r#"{{"stream":"{name}","data":{data}}}"#));
            }
        });
        scope.spawn(|| {
            let target = format!("/ws/{}", streams.join("/"));
            let mut client = Client::connect(addr, &target);
            for (_, data) in &expected {
                assert_eq!(&client.next().unwrap(), data);
            }
        });
    });
    let status = venue.status();
    assert!(status.finished);
    assert_eq!(status.sent["btcusdt@trade"], 2 * (9757 + 10_147));
    venue.close();
}

#[test]
fn at_full_speed_nothing_moves_while_nobody_listens() {
    let venue = open(trades(1000));
    let mut first = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    let ids = first.ids(10);
    assert_eq!(ids, (1..=10).collect::<Vec<_>>());
    drop(first);
    // What was under way to the first client is lost, as at any venue; nothing else is.
    let mut second = Client::connect(venue.addr(), "/ws");
    second.say(r#"{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}"#);
    if !venue.status().finished {
        let rest = second.ids(1);
        assert!(rest[0] > 10);
    }
    played(&venue);
}

#[test]
fn a_paced_playback_goes_on_without_a_listener() {
    let settings = Settings {
        speed: Speed::Times(1000.0),
        start: Start::Now,
        ..Settings::default()
    };
    let venue = Venue::open(trades(200), settings).unwrap();
    played(&venue);
    assert_eq!(venue.status().sent_total(), 0);
    let last = get(venue.addr(), "/api/v3/trades?symbol=BTCUSDT&limit=1").json();
    assert_eq!(last[0]["id"], 200);
    assert_eq!(
        get(venue.addr(), "/api/v3/time").json()["serverTime"],
        1_700_000_199_000_u64
    );
}

#[test]
fn the_end_is_as_it_was_asked_for() {
    for at_end in [AtEnd::Close, AtEnd::Exit] {
        let settings = Settings {
            at_end,
            ..Settings::default()
        };
        let venue = Venue::open(trades(5), settings).unwrap();
        let mut client = Client::connect(venue.addr(), "/stream?streams=btcusdt@trade");
        assert_eq!(client.ids(5).len(), 5);
        let last = client.next().unwrap();
        assert!(
            last.starts_with(r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":"#)
        );
        assert_eq!(client.closed_with(), Some(1001));
        if at_end == AtEnd::Exit {
            while !venue.is_closed() {
                std::thread::yield_now();
            }
        } else {
            assert_eq!(get(venue.addr(), "/api/v3/ping").status, 200);
        }
    }
    let settings = Settings {
        at_end: AtEnd::Loop,
        ..Settings::default()
    };
    let venue = Venue::open(trades(5), settings).unwrap();
    let mut client = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    assert_eq!(client.ids(12), [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]);
    assert!(venue.status().rounds >= 2);
}

#[test]
fn a_closing_venue_says_so() {
    let venue = open(trades(3));
    let mut client = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    assert_eq!(client.ids(3).len(), 3);
    venue.close();
    assert!(
        client
            .next()
            .unwrap()
            .starts_with(r#"{"e":"serverShutdown""#)
    );
    assert_eq!(client.closed_with(), Some(1001));
}

#[test]
fn what_the_capture_lacks_is_made_of_what_it_holds() {
    let venue = open(trades(130));
    let names = "btcusdt@aggTrade/btcusdt@kline_1m/btcusdt@miniTicker/btcusdt@ticker";
    let mut client = Client::connect(venue.addr(), &format!("/stream?streams={names}"));
    let mut events = Vec::new();
    // The statistics were subscribed to last, so they come last for each trade.
    loop {
        let event: Value = serde_json::from_str(&client.next().unwrap()).unwrap();
        let is_last = event["stream"] == "btcusdt@ticker" && event["data"]["n"] == 130;
        let name = event["stream"].as_str().unwrap().to_owned();
        events.push((name, event["data"].clone()));
        if is_last {
            break;
        }
    }
    let of = |name: &str| -> Vec<Value> {
        let name = format!("btcusdt@{name}");
        let mine = events.iter().filter(|(stream, _)| *stream == name);
        mine.map(|(_, data)| data.clone()).collect()
    };
    let aggregated = of("aggTrade");
    assert_eq!(aggregated.len(), 130);
    assert_eq!(
        aggregated[4].to_string(),
        serde_json::json!({"e": "aggTrade", "E": 1_700_000_005_000_u64, "s": "BTCUSDT", "a": 5, "p": "105.00000000",
            "q": "2.00000000", "f": 5, "l": 5, "T": 1_700_000_005_000_u64, "m": false, "M": true})
        .to_string()
    );
    // The capture begins 20 s into a minute and ends 10 s after the second full one.
    let klines = of("kline_1m");
    let closed: Vec<_> = klines.iter().filter(|of| of["k"]["x"] == true).collect();
    assert_eq!(closed.len(), 2);
    let counts = [closed[0]["k"]["n"].clone(), closed[1]["k"]["n"].clone()];
    assert_eq!(counts, [39, 60]);
    assert_eq!(closed[1]["k"]["t"], 1_700_000_040_000_u64);
    let asked = get(venue.addr(), "/api/v3/klines?symbol=BTCUSDT&interval=1m");
    let bars = asked.json();
    for (bar, event) in bars.as_array().unwrap().iter().zip(&closed) {
        let of = |letter: &str| event["k"][letter].clone();
        let same = ["t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B"].map(of);
        assert_eq!(*bar, Value::from(same.to_vec()));
    }
    let day = of("ticker").pop().unwrap();
    assert_eq!(
        (&day["n"], &day["F"], &day["L"]),
        (&130.into(), &1.into(), &130.into())
    );
    assert_eq!(of("miniTicker").last().unwrap()["c"], day["c"]);
}

#[test]
fn futures_are_reached_by_their_paths() {
    let both = [SPOT[0], USDM[0]];
    let venue = open(recorded(&both));
    let mut futures = Client::connect(venue.addr(), "/public/stream?streams=btcusdt@depth@100ms");
    let mut spot = Client::connect(venue.addr(), "/ws/btcusdt@depth");
    let first: Value = serde_json::from_str(&futures.next().unwrap()).unwrap();
    // The speed asked for is another than the recorded one; the name is that asked for.
    assert_eq!(first["stream"], "btcusdt@depth@100ms");
    assert!(first["data"]["pu"].is_u64());
    let first: Value = serde_json::from_str(&spot.next().unwrap()).unwrap();
    assert!(first["pu"].is_null() && first["u"].is_u64());
}
