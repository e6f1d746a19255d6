//! The rules of a WebSocket connection: commands, limits, pings, its life.

use crate::support::*;
use pitlane_venue::{Settings, Venue};
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::Message;

#[test]
fn commands_are_answered_in_the_venues_words() {
    let settings = Settings {
        messages_per_second: 100,
        ..Settings::default()
    };
    let venue = Venue::open(trades(3), settings).unwrap();
    // An unknown name in the path is no fault: some clients number their connections there.
    let mut client = Client::connect(venue.addr(), "/ws/0");
    let mut check = |command: &str, expected: &str| {
        client.say(command);
        assert_eq!(client.reply(), expected, "{command}");
    };
    check(
        r#"{"method":"SUBSCRIBE","params":["ethusdt@trade","ethusdt@depth"],"id":1}"#,
        r#"{"result":null,"id":1}"#,
    );
    check(
        r#"{"method":"LIST_SUBSCRIPTIONS","id":"0f1e2d3c-0000-1111-2222-333344445555"}"#,
        r#"{"result":["0","ethusdt@trade","ethusdt@depth"],"id":"0f1e2d3c-0000-1111-2222-333344445555"}"#,
    );
    check(
        r#"{"method":"UNSUBSCRIBE","params":["ethusdt@trade","0"],"id":null}"#,
        r#"{"result":null,"id":null}"#,
    );
    check(
        r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#,
        r#"{"result":["ethusdt@depth"],"id":3}"#,
    );
    check(
        r#"{"method":"GET_PROPERTY","params":["combined"],"id":4}"#,
        r#"{"result":false,"id":4}"#,
    );
    check(
        r#"{"method":"SET_PROPERTY","params":["combined",true],"id":5}"#,
        r#"{"result":null,"id":5}"#,
    );
    check(
        r#"{"method":"GET_PROPERTY","params":["combined"],"id":6}"#,
        r#"{"result":true,"id":6}"#,
    );
    check(
        r#"{"method":"SET_PROPERTY","params":["other",true],"id":7}"#,
        r#"{"code":0,"msg":"Unknown property","id":7}"#,
    );
    check(
        r#"{"method":"SET_PROPERTY","params":["combined","yes"],"id":8}"#,
        r#"{"code":1,"msg":"Invalid value type: expected Boolean","id":8}"#,
    );
    check(
        r#"{"method":"GET_PROPERTY","params":[1],"id":9}"#,
        r#"{"code":2,"msg":"Invalid request: property name must be a string","id":9}"#,
    );
    check(
        r#"{"params":[],"id":10}"#,
        r#"{"code":2,"msg":"Invalid request: missing field `method`","id":10}"#,
    );
    client.say("{");
    assert!(
        client
            .next()
            .unwrap()
            .starts_with(r#"{"code":3,"msg":"Invalid JSON: "#)
    );
    client.say(r#"{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":11}"#);
    assert_eq!(client.reply(), r#"{"result":null,"id":11}"#);
    // The property holds from now on.
    assert!(
        client
            .next()
            .unwrap()
            .starts_with(r#"{"stream":"btcusdt@trade","data":{"#)
    );
}

#[test]
fn who_talks_too_much_is_closed() {
    let venue = open(trades(3));
    let mut client = Client::connect(venue.addr(), "/ws");
    for id in 0..6 {
        client
            .0
            .send(Message::text(format!(
                r#"{{"method":"LIST_SUBSCRIPTIONS","id":{id}}}"#
            )))
            .ok();
    }
    assert_eq!(client.closed_with(), Some(1008));
}

#[test]
fn streams_and_connections_are_bounded() {
    let settings = Settings {
        streams_per_connection: 2,
        connects_per_five_minutes: 2,
        connections_max: 3,
        ..Settings::default()
    };
    let venue = Venue::open(trades(3), settings).unwrap();
    let mut first = Client::connect(venue.addr(), "/ws/a/b");
    first.say(r#"{"method":"SUBSCRIBE","params":["c"],"id":1}"#);
    assert!(first.reply().contains("too many streams"));
    let _second = Client::connect(venue.addr(), "/ws");
    let third = Client::try_connect(venue.addr(), "/ws").err().unwrap();
    assert!(matches!(third, tungstenite::Error::Http(reply) if reply.status() == 429));
    // The connection is forgotten when its thread ends, which may be a moment after the answer.
    while venue.status().connections > 2 {
        std::thread::yield_now();
    }
    let _fills = TcpStream::connect(venue.addr()).unwrap();
    while venue.status().connections < 3 {
        std::thread::yield_now();
    }
    let mut answer = String::new();
    let mut fourth = TcpStream::connect(venue.addr()).unwrap();
    fourth.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[test]
fn pings_are_sent_and_silence_is_the_end() {
    let settings = Settings {
        ping_every: Duration::from_millis(50),
        pong_within: Duration::from_secs(2),
        messages_per_second: 1000,
        ..Settings::default()
    };
    let venue = Venue::open(trades(3), settings).unwrap();
    let mut lively = Client::connect(venue.addr(), "/ws");
    let mut pings = 0;
    // The library answers each; fifty of them take longer than a pong may.
    while pings < 50 {
        match lively.0.read().unwrap() {
            Message::Ping(payload) => {
                assert_eq!(&payload[..], b"1700000000000");
                pings += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    // A client that does not even read answers nothing.
    let mut silent = Client::connect(venue.addr(), "/ws");
    while venue.status().clients > 1 {
        lively.0.read().unwrap();
    }
    let mut told = Vec::new();
    silent.0.get_mut().read_to_end(&mut told).unwrap();
    let close = told.windows(4).any(|part| part == [0x88, 14, 0x03, 0xf0]);
    assert!(close, "{told:?}");
}

#[test]
fn a_connection_ends_with_its_life() {
    let settings = Settings {
        lifetime: Duration::from_millis(50),
        ..Settings::default()
    };
    let venue = Venue::open(trades(3), settings).unwrap();
    let mut client = Client::connect(venue.addr(), "/ws");
    assert!(
        client
            .next()
            .unwrap()
            .starts_with(r#"{"e":"serverShutdown""#)
    );
    assert_eq!(client.closed_with(), Some(1001));
}

#[test]
fn a_restart_drops_everybody_and_opens_again() {
    let venue = open(trades(3));
    let addr = venue.addr();
    let mut client = Client::connect(addr, "/ws/btcusdt@trade");
    assert_eq!(client.ids(3).len(), 3);
    assert_eq!(ask(addr, "POST", "/venue/restart?pause=1.5").status, 200);
    assert_eq!(client.closed_with(), None);
    let mut refused = 0;
    while Client::try_connect(addr, "/ws").is_err() {
        refused += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(refused > 0);
    assert_eq!(venue.status().position, 3);
}
