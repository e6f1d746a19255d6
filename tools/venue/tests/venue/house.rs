//! The engine's own connections against a venue that misbehaves: each fault has its name, and what follows is read again.

use crate::support::*;
use pitlane_edges::live::{
    Connection, DialError, DialRequest, Dialer, Event, Rest, RestError, RestKind, RestReply,
    RestRequest, Tls,
};
use pitlane_venue::tls::{Flaw, Identity};
use pitlane_venue::{Settings, Venue};
use std::path::Path;
use std::time::{Duration, Instant};

/// Time for a dial or a request; only what is endless takes all of it.
const WHOLE: Duration = Duration::from_secs(20);
/// For what is endless.
const SHORT: Duration = Duration::from_secs(2);

fn wait<T>(poll: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(Instant::now() < until, "nothing came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn dial(venue: &Venue, tls: &Tls, whole: Duration) -> Result<Connection, DialError> {
    let dialer = Dialer::start(tls.clone(), None).unwrap();
    let url = format!("{}/stream?streams=btcusdt@trade", venue.ws());
    dialer
        .dial(DialRequest {
            token: 1,
            url,
            connect: whole,
            whole,
        })
        .unwrap();
    wait(|| dialer.poll()).result
}

fn fetch(venue: &Venue, tls: &Tls, whole: Duration) -> RestReply {
    let rest = Rest::start(tls.clone(), None).unwrap();
    let url = format!("{}/api/v3/trades?symbol=BTCUSDT", venue.http());
    rest.send(RestRequest {
        token: 1,
        url,
        kind: RestKind::Trades,
        whole,
    })
    .unwrap();
    wait(|| rest.poll())
}

/// The ids of the trades of a connection, names of what was refused between them, and the name of its end.
fn read(connection: &mut Connection, last: u64) -> Vec<String> {
    let mut found = Vec::new();
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match connection.read(0) {
            Event::Text(text) => {
                let event = serde_json::from_slice::<serde_json::Value>(text);
                let id = event.ok().and_then(|event| event["data"]["t"].as_u64());
                found.push(id.map_or_else(|| "no trade".to_owned(), |id| id.to_string()));
                if id == Some(last) {
                    break;
                }
            }
            Event::Refused(refused) => found.push(refused.name().to_owned()),
            Event::Closed(closed) => {
                found.push(closed.name().to_owned());
                break;
            }
            Event::Control => {}
            Event::Idle => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    found
}

#[test]
fn messages_that_are_none_are_named() {
    let plain = Tls::new(None).unwrap();
    let check = |fault: &str, expected: &[&str]| {
        let venue = open_with(trades(4), &[&format!("{fault}after=1,times=1")]);
        let mut connection = dial(&venue, &plain, WHOLE).unwrap();
        assert_eq!(read(&mut connection, 4), expected, "{fault}");
    };
    // The connection stays, and what is no trade is the decoder's to refuse.
    check("malformed:", &["1", "no trade", "3", "4"]);
    check("wrong-types:", &["1", "no trade", "3", "4"]);
    check("truncate:", &["1", "no trade", "3", "4"]);
    check("binary:", &["1", "binary", "3", "4"]);
    // Nothing behind these can be read.
    check("compressed:", &["1", "compressed", "compressed"]);
    check("huge:", &["1", "too_large", "too_large"]);
    check("close:code=1012,", &["1", "closed_by_venue"]);
}

#[test]
fn handshakes_that_are_none_are_named() {
    let plain = Tls::new(None).unwrap();
    let check = |fault: &str, whole, expected: &str, word: &str| {
        let venue = open_with(trades(4), &[&format!("{fault}:on=handshake,times=1")]);
        let error = dial(&venue, &plain, whole).unwrap_err();
        assert_eq!(error.name(), expected, "{fault}: {error}");
        assert!(error.to_string().contains(word), "{fault}: {error}");
        let mut connection = dial(&venue, &plain, WHOLE).unwrap();
        assert_eq!(read(&mut connection, 4), ["1", "2", "3", "4"], "{fault}");
    };
    check("html", WHOLE, "http_status", "<!DOCTYPE html>");
    check("503", WHOLE, "http_status", "503");
    check("bad-body", WHOLE, "http_status", "200");
    check("endless", WHOLE, "http_status", "[1],[1]");
    check("endless-head", WHOLE, "not_websocket", "");
}

#[test]
fn answers_that_are_none_are_named() {
    let plain = Tls::new(None).unwrap();
    let check = |fault: &str, whole, expected: Option<&str>, word: &str| {
        let venue = open_with(trades(4), &[&format!("{fault}on=trades,times=1")]);
        let reply = fetch(&venue, &plain, whole);
        let got = reply.error.as_ref().map(RestError::name);
        assert_eq!(got, expected, "{fault}: {:?}", reply.error);
        let told = reply
            .error
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(told.contains(word), "{fault}: {told}");
        let next = fetch(&venue, &plain, WHOLE);
        assert_eq!((next.error, next.status), (None, 200), "{fault}");
    };
    check("html:", WHOLE, Some("not_json"), "<!DOCTYPE html>");
    check("bad-body:how=binary,", WHOLE, Some("not_json"), "");
    check("bad-body:how=compressed,", WHOLE, Some("http"), "");
    check("bad-body:how=huge,", WHOLE, Some("too_large"), "");
    check("bad-body:how=truncate,", WHOLE, Some("truncated"), "");
    check("endless:", WHOLE, Some("too_large"), "");
    check("endless-head:", WHOLE, Some("http"), "");
    check("502:", WHOLE, Some("http_status"), "502");
    check("slow:ms=10000,", SHORT, Some("timeout"), "");
    // JSON all the same: the decoder refuses it.
    check("bad-body:how=wrong-types,", WHOLE, None, "");
}

#[test]
fn certificates_that_are_wrong_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let check = |flaw, expected: Option<&str>| {
        let identity = Identity::made(&["127.0.0.1".to_owned()], flaw).unwrap();
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, identity.authority().unwrap()).unwrap();
        let settings = Settings {
            tls: Some(identity),
            ..Settings::default()
        };
        let venue = Venue::open(trades(4), settings).unwrap();
        let tls = trusting(&ca);
        let dialled = dial(&venue, &tls, WHOLE);
        let got = dialled.as_ref().err().map(DialError::name);
        assert_eq!(got, expected, "{flaw:?}: {dialled:?}");
        let reply = fetch(&venue, &tls, WHOLE);
        let got = reply.error.as_ref().map(RestError::name);
        assert_eq!(got, expected, "{flaw:?}: {:?}", reply.error);
        if let Ok(mut connection) = dialled {
            assert_eq!(read(&mut connection, 4), ["1", "2", "3", "4"]);
        }
    };
    check(None, None);
    check(Some(Flaw::Expired), Some("tls_expired"));
    check(Some(Flaw::WrongName), Some("tls_name"));
    check(Some(Flaw::Untrusted), Some("tls_untrusted"));
}

fn trusting(ca: &Path) -> Tls {
    Tls::new(Some(ca)).unwrap()
}
