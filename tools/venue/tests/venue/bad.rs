//! What no venue should send comes as it is announced, and the venue goes on behind it.

use crate::support::*;
use pitlane_venue::Venue;
use pitlane_venue::tls::Identity;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::{Error, Message};

/// A client of ten trades, the third of which is hit.
fn third(fault: &str) -> (Venue, Client) {
    let rule = format!("{fault}after=2,times=1");
    let venue = open_with(trades(10), &[&rule]);
    let mut client = Client::connect(venue.addr(), "/stream?streams=btcusdt@trade");
    assert_eq!(client.ids(2), [1, 2], "{fault}");
    (venue, client)
}

#[test]
fn messages_are_harmed_and_the_next_are_not() {
    let check = |fault: &str, fits: &dyn Fn(&Message) -> bool| {
        let (_venue, mut client) = third(fault);
        let message = client.0.read().unwrap();
        assert!(fits(&message), "{fault}: {message:?}");
        assert_eq!(client.ids(7), [4, 5, 6, 7, 8, 9, 10], "{fault}");
    };
    let json =
        |message: &Message| serde_json::from_str::<serde_json::Value>(message.to_text().unwrap());
    check("malformed:", &|message| json(message).is_err());
    check("wrong-types:", &|message| {
        let data = &json(message).unwrap()["data"];
        data["e"] == 1 && data["t"] == "text" && data["p"] == 1 && data["m"] == "text"
    });
    check(
        "binary:",
        &|message| matches!(message, Message::Binary(bytes) if std::str::from_utf8(bytes).is_err()),
    );
    // The blanks belong to the frame: a client that takes it all finds JSON.
    check("huge:bytes=1000000,", &|message| {
        message.len() > 1_000_000 && json(message).unwrap()["data"]["t"] == 3
    });
}

#[test]
fn frames_break_the_rules_that_clients_hold() {
    let (venue, mut client) = third("compressed:");
    let error = client.0.read().unwrap_err();
    assert!(
        matches!(error, Error::Protocol(ProtocolError::NonZeroReservedBits)),
        "{error}"
    );
    drop(client);
    // 64 MiB at once are more than a client has to take.
    let (huge, mut client) = third("huge:");
    let error = client.0.read().unwrap_err();
    assert!(
        matches!(error, Error::Capacity(CapacityError::MessageTooLong { size, .. }) if size > 64 << 20),
        "{error}"
    );
    drop(client);
    for venue in [venue, huge] {
        let last = &get(venue.addr(), "/api/v3/trades?symbol=BTCUSDT&limit=1").json()[0];
        assert!(last["id"].as_u64() >= Some(3), "the venue goes on: {last}");
    }
}

#[test]
fn handshakes_fail_as_they_are_told_to() {
    let faults = [
        "html:on=handshake,times=1",
        "503:on=handshake,times=1",
        "bad-body:on=handshake,times=1",
        "endless-head:on=handshake,times=1",
    ];
    let venue = open_with(trades(3), &faults);
    let refused = || Client::try_connect(venue.addr(), "/ws/btcusdt@trade").err();
    for status in [200, 503, 200] {
        match refused() {
            Some(Error::Http(response)) => assert_eq!(response.status().as_u16(), status),
            other => panic!("{other:?}"),
        }
    }
    let endless = refused().unwrap();
    assert!(
        matches!(
            endless,
            Error::Protocol(_) | Error::Capacity(_) | Error::AttackAttempt | Error::Http(_)
        ),
        "{endless:?}"
    );
    let mut client = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    assert_eq!(client.ids(3), [1, 2, 3]);
}

#[test]
fn answers_are_none() {
    let faults = [
        "html:on=time,times=1",
        "bad-body:on=time,times=1",
        "bad-body:on=time,how=wrong-types,times=1",
        "bad-body:on=time,how=compressed,times=1",
        "bad-body:on=time,how=huge,bytes=1000000,times=1",
    ];
    let venue = open_with(trades(3), &faults);
    let ask = || get(venue.addr(), "/api/v3/time");
    let page = ask();
    assert!(page.body.starts_with("<!DOCTYPE html>") && page.status == 200);
    assert!(serde_json::from_str::<serde_json::Value>(&ask().body).is_err());
    assert_eq!(ask().json()["serverTime"], "text");
    let compressed = ask();
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    assert!(compressed.body.starts_with('{'));
    let huge = ask();
    assert!(huge.body.len() > 1_000_000 && huge.json()["serverTime"].is_i64());
    assert!(ask().json()["serverTime"].is_i64());
}

#[test]
fn what_is_endless_does_not_keep_the_venue_from_others() {
    let venue = open_with(trades(3), &["endless:on=time,times=1"]);
    let mut tcp = TcpStream::connect(venue.addr()).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(tcp, "GET /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut bytes = vec![0; 4 << 20];
    tcp.read_exact(&mut bytes).unwrap();
    assert!(get(venue.addr(), "/api/v3/time").json()["serverTime"].is_i64());
    drop(tcp);
    assert_eq!(venue.status().faults[0].done, 1);
    // It ends although nobody read it to an end.
    venue.close();
}

#[test]
fn a_venue_with_tls_does_not_answer_without() {
    let settings = pitlane_venue::Settings {
        tls: Some(Identity::made(&["localhost".to_owned()], None).unwrap()),
        ..pitlane_venue::Settings::default()
    };
    let venue = Venue::open(trades(3), settings).unwrap();
    assert!(venue.http().starts_with("https://") && venue.ws().starts_with("wss://"));
    let mut tcp = TcpStream::connect(venue.addr()).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(tcp, "GET /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    match tcp.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}
