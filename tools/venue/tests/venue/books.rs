//! Snapshot and differences give a client the venue's own book, through the engine's own rules.

use crate::support::*;
use pitlane_domain::book::{Book, Stamp};
use pitlane_domain::instrument::{InstrumentId, Venue as Market};
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::message::{Body, Side};
use pitlane_domain::units::WallNs;
use pitlane_venue::Venue;
use serde_json::{Value, json};

/// A client's book.
struct Follower {
    market: Market,
    intake: Intake,
    book: Book,
}

impl Follower {
    fn new(names: &[&str]) -> Self {
        let table = table(names);
        Self {
            market: table.get(InstrumentId(0)).unwrap().venue,
            intake: Intake::new(table, IntakeOptions::default()),
            book: Book::new(),
        }
    }

    fn frame(&mut self, stream: &str, text: &str) {
        self.intake
            .frame(self.market, stream.as_bytes(), WallNs(1), text.as_bytes())
            .unwrap();
        let at = Stamp::default();
        while let Some(message) = self.intake.pop() {
            match message.body().unwrap() {
                Body::BookLevel(level) => drop(self.book.apply_level(&level, at)),
                Body::BookReset(reset) => self.book.reset(&reset, at),
                Body::BookSynced(synced) => assert!(self.book.synced(&synced, at)),
                other => panic!("{other:?}"),
            }
        }
    }

    fn wants_snapshot(&self) -> bool {
        let status = self.intake.book_status(InstrumentId(0)).unwrap();
        status.wants_snapshot
    }

    /// The best levels as numbers.
    fn top(&self, count: usize) -> Value {
        let table = self.intake.table();
        let row = table.get(InstrumentId(0)).unwrap();
        let side = |side| -> Vec<[f64; 2]> {
            let levels = self.book.top(side, count);
            levels
                .map(|(px, qty)| [row.tick_size.to_f64(px.0), row.lot_size.to_f64(qty.0)])
                .collect()
        };
        json!({"lastUpdateId": self.book.last_id(), "bids": side(Side::Bid), "asks": side(Side::Ask)})
    }
}

/// A book from REST as numbers.
fn asked(venue: &Venue, target: &str) -> Value {
    let book = get(venue.addr(), target).json();
    let side = |name: &str| -> Vec<[f64; 2]> {
        let number = |value: &Value| value.as_str().unwrap().parse().unwrap();
        let levels = book[name].as_array().unwrap();
        levels
            .iter()
            .map(|level| [number(&level[0]), number(&level[1])])
            .collect()
    };
    json!({"lastUpdateId": book["lastUpdateId"], "bids": side("bids"), "asks": side("asks")})
}

/// Follows a stream from its `from`-th message on, fetches a snapshot whenever one is wanted, and compares at the end.
fn follow(names: &[&str], path: &str, rest: &str, stream: &str, from: usize) {
    let venue = open(recorded(names));
    let total = messages(names, &[stream]).len();
    let mut client = Client::connect(venue.addr(), path);
    let mut follower = Follower::new(names);
    let mut fetched = 0;
    for number in 0..total {
        let text = client.next().unwrap();
        if number < from {
            continue;
        }
        follower.frame(stream, &text);
        // As a client does that waits a little between two attempts.
        if follower.wants_snapshot() && number % 40 == 0 {
            let snapshot = get(venue.addr(), &format!("{rest}&limit=5000"));
            follower.frame("btcusdt@depthSnapshot", &snapshot.body);
            fetched += 1;
        }
    }
    assert!(fetched > 0 && follower.book.is_in_step(), "{fetched}");
    let own = asked(&venue, &format!("{rest}&limit=1000"));
    assert_eq!(follower.top(1000), own);
}

#[test]
fn a_client_follows_the_spot_book() {
    let rest = "/api/v3/depth?symbol=BTCUSDT";
    follow(&SPOT, "/ws/btcusdt@depth@100ms", rest, DIFF, 0);
    follow(&SPOT, "/ws/btcusdt@depth@100ms", rest, DIFF, 3000);
}

#[test]
fn a_client_follows_the_futures_book() {
    let rest = "/fapi/v1/depth?symbol=BTCUSDT";
    follow(&USDM, "/ws/btcusdt@depth@0ms", rest, "btcusdt@depth@0ms", 0);
}

fn diff(first: u64, last: u64, bids: &str, asks: &str) -> String {
    format!(
        r#"{{"e":"depthUpdate","E":1700000000000,"s":"BTCUSDT","U":{first},"u":{last},"b":[{bids}],"a":[{asks}]}}"#
    )
}

fn snapshot(id: u64, bids: &str, asks: &str) -> String {
    format!(r#"{{"lastUpdateId":{id},"bids":[{bids}],"asks":[{asks}]}}"#)
}

/// The venue's book behind each message of a capture.
fn history(frames: &[(&str, String)]) -> Vec<String> {
    (0..=frames.len())
        .map(|count| {
            let mut frames = frames.to_vec();
            // One stream more lets the playback stop where it should: nobody listens to the rest.
            frames.insert(count, ("btcusdt@stop", "{}".to_owned()));
            let venue = open_with(tape(&frames), &["cut:on=stop"]);
            let names = "btcusdt@depth@100ms/btcusdt@stop";
            let mut client = Client::connect(venue.addr(), &format!("/stream?streams={names}"));
            while client.next().is_some() {}
            get(venue.addr(), "/api/v3/depth?symbol=BTCUSDT")
                .body
                .replace(".00000000", "")
                .replace('"', "")
        })
        .collect()
}

#[test]
fn before_the_first_snapshot_the_next_one_answers() {
    let got = history(&[
        (DIFF, diff(1, 2, r#"["10","1"]"#, "")),
        (
            "btcusdt@depthSnapshot",
            snapshot(3, r#"["9","4"],["10","1"]"#, r#"["12","2"]"#),
        ),
        (DIFF, diff(3, 4, r#"["10","0"]"#, "")),
    ]);
    let first = "{lastUpdateId:3,bids:[[10,1],[9,4]],asks:[[12,2]]}";
    let last = "{lastUpdateId:4,bids:[[9,4]],asks:[[12,2]]}";
    assert_eq!(got, [first, first, first, last]);
}

#[test]
fn without_a_snapshot_the_book_is_what_is_known() {
    let got = history(&[
        (DIFF, diff(1, 2, r#"["10","1"],["9","1"]"#, r#"["12","2"]"#)),
        (DIFF, diff(3, 4, r#"["9","0"]"#, "")),
        // A gap; the new ask takes the bid at its price away.
        (DIFF, diff(8, 9, "", r#"["10","3"]"#)),
        (DIFF, diff(10, 11, r#"["8","5"]"#, "")),
    ]);
    assert_eq!(
        got,
        [
            "{lastUpdateId:0,bids:[],asks:[]}",
            "{lastUpdateId:2,bids:[[10,1],[9,1]],asks:[[12,2]]}",
            "{lastUpdateId:4,bids:[[10,1]],asks:[[12,2]]}",
            "{lastUpdateId:9,bids:[],asks:[[10,3],[12,2]]}",
            "{lastUpdateId:11,bids:[[8,5]],asks:[[10,3],[12,2]]}",
        ]
    );
}

#[test]
fn partial_books_and_best_prices_are_made_of_differences() {
    let frames = [
        (
            "btcusdt@depthSnapshot",
            snapshot(3, r#"["9","4"],["10","1"]"#, r#"["12","2"]"#),
        ),
        (DIFF, diff(4, 4, r#"["10","0"]"#, "")),
        (DIFF, diff(5, 5, r#"["8","1"]"#, "")),
    ];
    let venue = open(tape(&frames));
    let names = "btcusdt@depth5/btcusdt@bookTicker";
    let mut client = Client::connect(venue.addr(), &format!("/stream?streams={names}"));
    let mut next = || {
        client
            .next()
            .unwrap()
            .replace(".00000000", "")
            .replace('"', "")
    };
    assert_eq!(
        [next(), next(), next()],
        [
            "{stream:btcusdt@depth5,data:{lastUpdateId:4,bids:[[9,4]],asks:[[12,2]]}}",
            "{stream:btcusdt@bookTicker,data:{u:4,s:BTCUSDT,b:9,B:4,a:12,A:2}}",
            "{stream:btcusdt@depth5,data:{lastUpdateId:5,bids:[[9,4],[8,1]],asks:[[12,2]]}}",
        ]
    );
    played(&venue);
}
