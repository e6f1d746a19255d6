//! Each fault does what it says, and says what it did.

use crate::support::*;
use pitlane_venue::Venue;
use std::time::Instant;

/// The ids a client gets of ten trades with these faults.
fn got(faults: &[&str], count: usize) -> (Venue, Vec<u64>, Client) {
    let venue = open_with(trades(10), faults);
    let mut client = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    let ids = client.ids(count);
    (venue, ids, client)
}

fn done(venue: &Venue) -> Vec<u64> {
    let faults = venue.status().faults;
    faults.iter().map(|fault| fault.done).collect()
}

#[test]
fn messages_are_lost_doubled_and_late() {
    let check = |fault: &str, expected: &[u64], times: u64| {
        let (venue, ids, _client) = got(&[fault], expected.len());
        assert_eq!(ids, expected, "{fault}");
        played(&venue);
        assert_eq!(
            venue.status().sent_total(),
            expected.len() as u64,
            "{fault}"
        );
        assert_eq!(done(&venue), [times], "{fault}");
    };
    check("drop:every=3", &[1, 2, 4, 5, 7, 8, 10], 3);
    check(
        "drop:on=btcusdt@trade,after=4,times=1,for=5",
        &[1, 2, 3, 4, 10],
        5,
    );
    check("stale:after=2,for=3s", &[1, 2, 6, 7, 8, 9, 10], 3);
    check(
        "duplicate:after=8,times=1",
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10],
        1,
    );
    check("reorder:every=4", &[1, 2, 3, 5, 4, 6, 7, 9, 8, 10], 2);
    check(
        "delay:by=3,after=1,times=1",
        &[1, 3, 4, 5, 2, 6, 7, 8, 9, 10],
        1,
    );
    // What is late when the capture ends comes then.
    check(
        "delay:by=50,after=1,times=1",
        &[1, 3, 4, 5, 6, 7, 8, 9, 10, 2],
        1,
    );
    check("drop:on=depth", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0);
}

#[test]
fn chance_is_the_same_again() {
    let run = || {
        let venue = open_with(trades(500), &["drop:p=0.1"]);
        let mut client = Client::connect(venue.addr(), "/stream?streams=btcusdt@trade");
        let mut ids = client.ids(1);
        while *ids.last().unwrap() < 500 {
            ids.extend(client.ids(1));
        }
        (ids, done(&venue))
    };
    let (ids, times) = run();
    assert!((20..100).contains(&times[0]));
    assert_eq!(ids.len() as u64, 500 - times[0]);
    assert_eq!(run(), (ids, times));
}

#[test]
fn a_frame_is_cut_short() {
    let venue = open_with(trades(2), &["truncate:keep=25,times=1"]);
    let mut client = Client::connect(venue.addr(), "/stream?streams=btcusdt@trade");
    assert_eq!(client.next().unwrap(), r#"{"stream":"btcusdt@trade""#);
    assert_eq!(client.ids(1), [2]);
}

#[test]
fn connections_are_cut_and_closed() {
    let (venue, ids, mut client) = got(&["cut:after=4,times=1"], 10);
    assert_eq!(client.closed_with(), None);
    assert_eq!(done(&venue), [1]);
    // What was on its way when it was cut may be lost, the message itself is; the next client gets what follows.
    assert!(ids.len() <= 4 && ids.iter().zip(1..).all(|(id, at)| *id == at));
    let mut next = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    assert_eq!(next.ids(5), [6, 7, 8, 9, 10]);

    let (venue, ids, mut client) = got(&["close:code=1012,after=4,times=1"], 4);
    assert_eq!(ids, [1, 2, 3, 4]);
    assert_eq!(client.closed_with(), Some(1012));
    assert_eq!(done(&venue), [1]);
}

#[test]
fn new_connections_are_refused() {
    let venue = open_with(trades(1), &["refuse:times=2"]);
    assert!(Client::try_connect(venue.addr(), "/ws").is_err());
    assert!(Client::try_connect(venue.addr(), "/ws").is_err());
    assert!(Client::try_connect(venue.addr(), "/ws").is_ok());
    assert_eq!(done(&venue), [2]);
}

#[test]
fn rest_fails_as_told() {
    let book = r#"{"lastUpdateId":5000000000,"bids":[["10","1"]],"asks":[["12","2"]]}"#;
    let open =
        |faults: &[&str]| open_with(tape(&[("btcusdt@depthSnapshot", book.to_owned())]), faults);
    let depth = |venue: &Venue| get(venue.addr(), "/api/v3/depth?symbol=BTCUSDT");
    let venue = open(&[
        "429:on=depth,retry=7,times=1",
        "418:on=/api/v3/depth,retry=9,times=1",
        "503:on=depth,times=1",
    ]);
    assert_eq!(get(venue.addr(), "/api/v3/ping").status, 200);
    let statuses = [(429, Some("7")), (418, Some("9")), (503, None), (200, None)];
    for (status, retry) in statuses {
        let got = depth(&venue);
        assert_eq!((got.status, got.header("retry-after")), (status, retry));
    }
    assert_eq!(done(&venue), [1, 1, 1]);

    let sound = depth(&venue).json();
    let wrong = |how: &str| depth(&open(&[&format!("wrong-snapshot:how={how}")])).json();
    let crossed = wrong("crossed");
    assert_eq!(crossed["bids"][0], crossed["asks"][0]);
    assert_eq!(wrong("old")["lastUpdateId"], 4_000_000_000_u64);
    let quantity = wrong("quantity");
    assert_eq!(quantity["bids"][0][1], "10.00000000");
    assert_eq!(quantity["lastUpdateId"], sound["lastUpdateId"]);

    let venue = open(&["slow:ms=150,times=1"]);
    let from = Instant::now();
    assert_eq!(depth(&venue).json(), sound);
    // The venue waits this long by its own clock, so no less can have passed.
    assert!(from.elapsed().as_millis() >= 150);
}

#[test]
fn faults_come_and_go_while_it_runs() {
    let venue = open(trades(3));
    let addr = venue.addr();
    let faults = |method: &str, query: &str| ask(addr, method, &format!("/venue/faults{query}"));
    let added = faults("POST", "?add=drop:on=trade,every=2&add=503:on=ping");
    assert_eq!(added.json()["faults"].as_array().unwrap().len(), 2);
    assert_eq!(get(addr, "/api/v3/ping").status, 503);
    assert_eq!(faults("POST", "?add=nonsense").status, 400);
    assert_eq!(faults("POST", "").status, 400);
    faults("DELETE", "");
    assert_eq!(get(addr, "/api/v3/ping").status, 200);
    let mut client = Client::connect(addr, "/ws/btcusdt@trade");
    assert_eq!(client.ids(3), [1, 2, 3]);
    let told = faults("GET", "").json();
    assert_eq!(told["faults"][1]["rule"], "503:on=ping");
    assert_eq!(
        (&told["faults"][1]["done"], &told["faults"][1]["active"]),
        (&1.into(), &false.into())
    );
    let status = get(addr, "/venue/status").json();
    assert_eq!(
        (&status["position"], &status["finished"]),
        (&3.into(), &true.into())
    );
}
