//! Asking for snapshots and trades over connections that come and go, with the real intake, queue, budget and breaker; the venue is a
//! script.

use super::super::news::Told;
use super::*;
use pitlane_domain::instrument::{Instrument, InstrumentTable};
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::message::Body;
use pitlane_domain::units::Grid;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;

const SECOND: i64 = 1_000_000_000;
const ONE: InstrumentId = InstrumentId(0);
const NAMES: [&str; 2] = ["BTCUSDT", "ETHUSDT"];

#[test]
fn a_page_says_how_many_and_up_to_where() {
    let aggregated = br#"[{"a":26129,"p":"0.01","q":"4.7","f":27781,"l":27781,"T":1,"m":true},{"a": 26130,"p":"1"}]"#;
    assert_eq!(page(aggregated), (2, Some(26130)));
    assert_eq!(
        page(br#"[{"id":28457,"price":"4.00","time":1}]"#),
        (1, Some(28457))
    );
    assert_eq!(page(b"[]"), (0, None));
    assert_eq!(page(br#"[{"a":"x"}]"#), (1, None));
}

/// How the venue answers a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    /// With its book.
    Good,
    /// With a book that is older than the streams.
    Old,
    /// With JSON that is no book.
    Unreadable,
    /// Not at all, in time.
    None,
    /// With a status.
    Status(u16),
}

/// A trade as a reply holds it.
fn element(id: u64) -> String {
    format!(
        r#"{{"a":{id},"p":"1.00","q":"1","f":{id},"l":{id},"T":1617566592899,"m":false,"M":true}}"#
    )
}

/// From which trade on a request asks.
fn from_id(url: &str) -> Option<u64> {
    let (_, rest) = url.split_once("fromId=")?;
    rest.split('&').next()?.parse().ok()
}

/// A venue with two books, and everything here that keeps them in step.
struct Desk {
    intake: Intake,
    asks: Asks,
    ts: i64,
    /// The last update of each book.
    ids: [u64; 2],
    /// The last trade of each instrument, and those that came out of the intake.
    trades: [u64; 2],
    emitted: [Vec<u64>; 2],
    connected: bool,
    counts: Counts,
    lines: VecDeque<Told>,
    /// Requests that have not been answered.
    open: VecDeque<RestRequest>,
}

impl Desk {
    fn new(weight_limit: u32) -> Self {
        let mut table = InstrumentTable::default();
        let asked = NAMES.map(|name| {
            let symbol = Symbol::new(name.as_bytes()).unwrap();
            let step = Grid::new(1, 2).unwrap();
            let venue = Venue::BinanceSpot;
            let instrument = Instrument {
                symbol,
                venue,
                venue_symbol: symbol,
                tick_size: step,
                lot_size: step,
            };
            Asked {
                instrument: table.add(instrument).unwrap(),
                symbol,
                trades: TradeStream::Aggregate,
                begin: Begin::Nothing,
            }
        });
        let options = AskOptions {
            venue: Venue::BinanceSpot,
            base: String::new(),
            breaker: BreakerRules {
                reset: Duration::from_secs(5),
                ..BreakerRules::default()
            },
            timeout: Duration::from_secs(1),
            weight_share: 0.8,
            snapshot_limit: 0,
            klines: false,
            quiet: Duration::from_secs(5),
            enabled: true,
        };
        let intake = IntakeOptions {
            backfill: true,
            ..IntakeOptions::default()
        };
        let mut asks = Asks::new(options, asked.to_vec());
        asks.set_limit(weight_limit);
        Self {
            intake: Intake::new(table, intake),
            asks,
            ts: SECOND,
            ids: [1000; 2],
            trades: [0; 2],
            emitted: [vec![], vec![]],
            connected: true,
            counts: Counts::default(),
            lines: VecDeque::new(),
            open: VecDeque::new(),
        }
    }

    fn now(&self) -> Now {
        Now {
            ts: WallNs(self.ts),
            ns: self.ts.unsigned_abs(),
        }
    }

    /// What comes with time, as the caller of these does it.
    fn tend(&mut self) {
        let now = self.now();
        while let Some(want) = self.intake.wants(now.ts) {
            if !self.asks.want(want, now.ts) {
                self.intake.want_failed(want, now.ts, false);
            }
        }
        let mut news = News {
            intake: &mut self.intake,
            lines: &mut self.lines,
            at: now.ts,
        };
        let open = &mut self.open;
        self.asks.send(now, &mut news, &mut self.counts, |request| {
            open.push_back(request);
            true
        });
        while let Some(message) = self.intake.pop() {
            if let Some(Body::Trade(trade)) = message.body() {
                self.emitted[message.instrument().index()].push(trade.id);
            }
        }
        self.lines.clear();
    }

    fn later(&mut self, ns: i64) {
        self.ts += ns;
        self.intake.tick(WallNs(self.ts));
        self.tend();
    }

    /// Somebody trades; `heard` says whether the stream brings it.
    fn trade(&mut self, of: usize, heard: bool) {
        self.trades[of] += 1;
        if !self.connected || !heard {
            return;
        }
        let (id, name) = (self.trades[of], NAMES[of]);
        let event = element(id).replacen('{', &format!(r#"{{"e":"aggTrade","s":"{name}","#), 1);
        let stream = format!("{}@aggTrade", name.to_ascii_lowercase());
        let ts = WallNs(self.ts);
        self.intake
            .frame(Venue::BinanceSpot, stream.as_bytes(), ts, event.as_bytes())
            .unwrap();
        self.tend();
    }

    /// The requests of trades that wait for an answer, by the id they begin with.
    fn asked_from(&self) -> Vec<u64> {
        self.open
            .iter()
            .filter_map(|open| from_id(&open.url))
            .collect()
    }

    /// The book changes; `heard` says whether the change arrives.
    fn change(&mut self, of: usize, heard: bool) {
        self.ids[of] += 1;
        if !self.connected || !heard {
            return;
        }
        let (id, name) = (self.ids[of], NAMES[of]);
        let frame = format!(
            r#"{{"e":"depthUpdate","E":1617566592899,"s":"{name}","U":{id},"u":{id},"b":[["1.00","{id}.00"]],"a":[]}}"#
        );
        let stream = format!("{}@depth@100ms", name.to_ascii_lowercase());
        let ts = WallNs(self.ts);
        self.intake
            .frame(Venue::BinanceSpot, stream.as_bytes(), ts, frame.as_bytes())
            .unwrap();
        self.tend();
    }

    fn disconnect(&mut self) {
        self.connected = false;
        for id in [InstrumentId(0), InstrumentId(1)] {
            let mut news = News {
                intake: &mut self.intake,
                lines: &mut self.lines,
                at: WallNs(self.ts),
            };
            self.asks.disconnected(id, WallNs(self.ts), &mut news);
        }
        self.tend();
    }

    fn connect(&mut self) {
        self.connected = true;
        for id in [InstrumentId(0), InstrumentId(1)] {
            let news = News {
                intake: &mut self.intake,
                lines: &mut self.lines,
                at: WallNs(self.ts),
            };
            self.asks.expect_trades(id, WallNs(self.ts), &news);
        }
    }

    /// Answers the oldest open request, if there is one.
    fn answer(&mut self, answer: Answer) {
        let Some(request) = self.open.pop_front() else {
            return;
        };
        let of = usize::from(request.url.contains(NAMES[1]));
        let trades = |first: u64| {
            let last = self.trades[of].min(first + 999);
            let all: Vec<String> = (first..=last).map(element).collect();
            format!("[{}]", all.join(","))
        };
        let (status, body) = match (answer, from_id(&request.url)) {
            (Answer::Good, Some(first)) => (200, trades(first)),
            (Answer::Old, Some(_)) => (200, "[]".to_owned()),
            (answer, _) => self.answer_book(answer, of),
        };
        let outcome = if status == 0 {
            Outcome::Failed(Cause::Timeout, "in vain".to_owned())
        } else {
            Outcome::Answer {
                reply: Reply {
                    status,
                    used_weight: None,
                    retry_after: Some(Duration::from_secs(3)),
                },
                body: body.as_bytes(),
                reason: format!("status {status}"),
            }
        };
        let now = self.now();
        let mut news = News {
            intake: &mut self.intake,
            lines: &mut self.lines,
            at: now.ts,
        };
        let pass = |news: &mut News<'_>, passed: Passed<'_>| {
            let taken =
                news.intake
                    .frame(Venue::BinanceSpot, passed.stream, passed.ts, passed.bytes);
            taken.is_ok()
        };
        self.asks.answered(
            request.token,
            &outcome,
            now,
            &mut news,
            &mut self.counts,
            pass,
        );
        self.tend();
    }

    fn answer_book(&self, answer: Answer, of: usize) -> (u16, String) {
        let book = |id: u64| {
            format!(r#"{{"lastUpdateId":{id},"bids":[["1.00","1.00"]],"asks":[["2.00","1.00"]]}}"#)
        };
        match answer {
            Answer::Good => (200, book(self.ids[of])),
            Answer::Old => (200, book(self.ids[of] - 500)),
            Answer::Unreadable => (200, "{\"lastUpdateId\":[}".to_owned()),
            Answer::None => (0, String::new()),
            Answer::Status(status) => (status, String::new()),
        }
    }

    fn in_step(&self, of: InstrumentId) -> bool {
        let status = self.intake.book_status(of).unwrap();
        status.book_id == Some(self.ids[of.index()])
    }
}

#[test]
fn what_was_asked_for_a_lost_connection_is_asked_for_again() {
    for failure in [Some(Answer::Unreadable), Some(Answer::None), None] {
        let mut desk = Desk::new(1_000_000);
        desk.change(0, true);
        assert_eq!(desk.open.len(), 1);
        if let Some(failure) = failure {
            desk.answer(failure);
        }
        desk.disconnect();
        desk.open.clear();
        desk.connected = true;
        desk.change(0, true);
        assert_eq!(desk.open.len(), 1, "{failure:?}");
        desk.answer(Answer::Good);
        assert!(desk.in_step(ONE));
    }
}

#[test]
fn an_answer_to_a_lost_connection_is_no_book_for_the_next() {
    let mut desk = Desk::new(1_000_000);
    desk.change(0, true);
    desk.disconnect();
    desk.answer(Answer::Good);
    assert!(!desk.in_step(ONE));
    assert_eq!(desk.counts.replies, 1);
    desk.connected = true;
    desk.change(0, true);
    desk.answer(Answer::Good);
    assert!(desk.in_step(ONE));
}

/// Disconnected for so many trades, and connected again.
fn outage(desk: &mut Desk, trades: usize) {
    desk.disconnect();
    for _ in 0..trades {
        desk.trade(0, false);
    }
    desk.connect();
}

#[test]
fn trades_lost_before_a_market_stands_still_are_asked_for_page_after_page() {
    let mut desk = Desk::new(1_000_000);
    desk.trade(0, true);
    outage(&mut desk, 2500);
    desk.later(5 * SECOND - 1);
    assert!(desk.asked_from().is_empty());
    desk.later(1);
    for first in [2, 1002, 2002] {
        assert_eq!(desk.asked_from(), [first]);
        desk.answer(Answer::Good);
    }
    assert_eq!(desk.open.len(), 0, "the last page was not full");
    assert!(desk.emitted[0].iter().copied().eq(1..=2501));
    desk.later(60 * SECOND);
    assert_eq!(desk.open.len(), 0);
    // The other instrument has never traded, so there is nothing to ask behind.
    assert!(desk.emitted[1].is_empty());
    // There may be none.
    outage(&mut desk, 0);
    desk.later(5 * SECOND);
    assert_eq!(desk.asked_from(), [2502]);
    let frames = desk.intake.counts().frames;
    desk.answer(Answer::Good);
    assert_eq!(desk.intake.counts().frames, frames, "no news is no frame");
    assert_eq!(desk.asks.queue.in_flight(), 0);
}

#[test]
fn a_stream_that_trades_is_not_asked_for_what_lies_behind() {
    let mut desk = Desk::new(1_000_000);
    desk.trade(0, true);
    outage(&mut desk, 3);
    desk.trade(0, true);
    assert_eq!(desk.asked_from(), [2], "its ids show what is missing");
    desk.answer(Answer::Good);
    desk.later(6 * SECOND);
    assert_eq!(desk.open.len(), 0);
    // It trades at last while the request is under way: what is missing then is asked for at once, and comes once.
    outage(&mut desk, 3);
    desk.later(5 * SECOND);
    assert_eq!(desk.asked_from(), [6]);
    desk.trade(0, true);
    assert_eq!(desk.asked_from(), [6, 6]);
    desk.answer(Answer::Good);
    assert!(desk.emitted[0].iter().copied().eq(1..=5));
    desk.answer(Answer::Good);
    assert!(desk.emitted[0].iter().copied().eq(1..=9));
    assert_eq!(desk.intake.counts().total.trade_gaps, 0);
}

#[test]
fn what_lies_behind_is_asked_for_until_there_is_an_answer_or_the_connection_is_lost() {
    let mut desk = Desk::new(1_000_000);
    for of in 0..2 {
        desk.trade(of, true);
    }
    outage(&mut desk, 3);
    desk.later(5 * SECOND);
    assert_eq!(desk.asked_from(), [2], "one instrument after the other");
    desk.answer(Answer::None);
    assert_eq!(desk.asked_from(), [2]);
    assert!(desk.open[0].url.contains(NAMES[1]), "the other's turn");
    desk.answer(Answer::Good);
    assert_eq!(desk.open.len(), 0);
    desk.later(5 * SECOND);
    assert_eq!(desk.asked_from(), [2]);
    // The answer to a lost connection is for nobody, and the next asks for itself.
    outage(&mut desk, 1);
    desk.answer(Answer::Good);
    assert_eq!(desk.emitted[0], [1]);
    desk.later(5 * SECOND);
    while !desk.open.is_empty() {
        desk.answer(Answer::Good);
    }
    assert_eq!(desk.emitted[0], [1, 2, 3, 4, 5]);
    // A venue that refuses is not asked again for the same connection.
    outage(&mut desk, 1);
    desk.later(5 * SECOND);
    while !desk.open.is_empty() {
        desk.answer(Answer::Status(400));
    }
    desk.later(60 * SECOND);
    assert_eq!(desk.open.len(), 0);
}

#[test]
fn snapshots_go_before_what_lies_behind() {
    // Room for seven snapshots a minute and a few lighter ones.
    let mut desk = Desk::new(2_400);
    desk.trade(0, true);
    for _ in 0..7 {
        desk.change(0, true);
        desk.disconnect();
        desk.answer(Answer::Good);
        desk.connect();
    }
    desk.change(0, true);
    desk.later(6 * SECOND);
    assert_eq!(desk.open.len(), 0, "it would fit, and the snapshot waits");
    desk.later(61 * SECOND);
    assert!(desk.open[0].url.contains("/depth"));
    assert_eq!(desk.asked_from(), [2]);
}

#[test]
fn requests_that_were_given_up_do_not_weigh_for_ever() {
    // Room for seven snapshots a minute.
    let mut desk = Desk::new(2_400);
    for round in 0..7 {
        desk.change(0, true);
        assert_eq!(desk.open.len(), 1, "round {round}");
        desk.disconnect();
        desk.answer(if round % 2 == 0 {
            Answer::Good
        } else {
            Answer::None
        });
        desk.connected = true;
    }
    desk.change(0, true);
    assert_eq!(desk.open.len(), 0, "the limit is kept");
    desk.later(61 * SECOND);
    assert_eq!(desk.open.len(), 1);
}

#[test]
fn silence_that_a_venue_asks_for_is_kept_though_the_request_was_given_up() {
    let mut desk = Desk::new(1_000_000);
    desk.change(0, true);
    desk.disconnect();
    desk.answer(Answer::Status(429));
    assert_eq!(desk.counts.rate_limited, 1);
    desk.connected = true;
    desk.change(0, true);
    assert_eq!(desk.open.len(), 0);
    desk.later(3 * SECOND);
    assert_eq!(desk.open.len(), 1);
}

#[test]
fn a_request_nobody_takes_does_not_weigh_for_ever() {
    let mut desk = Desk::new(2_400);
    desk.change(0, true);
    desk.open.clear();
    let mut refused = 0;
    let mut news = News {
        intake: &mut desk.intake,
        lines: &mut desk.lines,
        at: WallNs(0),
    };
    desk.asks.disconnected(ONE, WallNs(desk.ts), &mut news);
    let want = Want::Snapshot { instrument: ONE };
    for minute in 1..20 {
        let ts = desk.ts + minute * 70 * SECOND;
        let now = Now {
            ts: WallNs(ts),
            ns: ts.unsigned_abs(),
        };
        desk.asks.want(want, now.ts);
        desk.asks.send(now, &mut news, &mut desk.counts, |_| {
            refused += 1;
            false
        });
    }
    assert_eq!(refused, 19);
}

#[derive(Clone, Debug)]
enum Happening {
    Change(usize, bool),
    Trade(usize),
    Wait(i64),
    Disconnect,
    Connect,
    /// Frames were thrown away, or the book was found crossed.
    Drop(usize, ResetReason),
    Answer(Answer),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let answer = prop_oneof![
        3 => Just(Answer::Good),
        2 => Just(Answer::Old),
        3 => Just(Answer::Unreadable),
        1 => Just(Answer::None),
        1 => prop_oneof![Just(400), Just(429), Just(503)].prop_map(Answer::Status),
    ];
    let reason = prop_oneof![Just(ResetReason::Overflow), Just(ResetReason::Crossed)];
    prop_oneof![
        8 => (0..2_usize, prop::bool::weighted(0.9)).prop_map(|(of, heard)| Happening::Change(of, heard)),
        4 => (0..2_usize).prop_map(Happening::Trade),
        3 => (0..3 * SECOND).prop_map(Happening::Wait),
        1 => (0..40 * SECOND).prop_map(Happening::Wait),
        2 => Just(Happening::Disconnect),
        3 => Just(Happening::Connect),
        1 => (0..2_usize, reason).prop_map(|(of, reason)| Happening::Drop(of, reason)),
        5 => answer.prop_map(Happening::Answer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// From whatever was under way, failed, given up or due: once venue and connection are well, every book is in step
    /// within the longest of all waits between two attempts. A request that went astray would take a minute.
    #[test]
    fn no_book_is_forgotten(happenings in vec(any_happening(), 0..60)) {
        let mut desk = Desk::new(1_000_000);
        for happening in happenings {
            match happening {
                Happening::Change(of, heard) => desk.change(of, heard),
                Happening::Trade(of) => desk.trade(of, true),
                Happening::Wait(ns) => desk.later(ns),
                Happening::Disconnect => desk.disconnect(),
                Happening::Connect if desk.connected => {}
                Happening::Connect => desk.connect(),
                Happening::Drop(of, reason) => {
                    let id = InstrumentId(u16::try_from(of).unwrap());
                    desk.intake.drop_book(id, reason, WallNs(desk.ts));
                    desk.tend();
                }
                Happening::Answer(answer) => desk.answer(answer),
            }
        }
        if !desk.connected {
            desk.connect();
        }
        for _ in 0..350 {
            desk.later(SECOND / 10);
            for of in 0..2 {
                desk.change(of, true);
            }
            while !desk.open.is_empty() {
                desk.answer(Answer::Good);
            }
        }
        for of in [InstrumentId(0), InstrumentId(1)] {
            prop_assert!(desk.in_step(of), "{:?}", desk.intake.book_status(of));
        }
        prop_assert_eq!(desk.intake.balance(), Ok(()));
        // Nobody trades any more. What a venue refused to say was given up for as long as a connection lasts.
        desk.disconnect();
        desk.connect();
        for _ in 0..60 {
            desk.later(SECOND / 10);
            while !desk.open.is_empty() {
                desk.answer(Answer::Good);
            }
        }
        for of in [InstrumentId(0), InstrumentId(1)] {
            let emitted = &mut desk.emitted[of.index()];
            if let Some(last) = emitted.iter().max() {
                prop_assert_eq!(*last, desk.trades[of.index()]);
            }
            let count = emitted.len();
            emitted.sort_unstable();
            emitted.dedup();
            prop_assert_eq!(emitted.len(), count, "each once");
        }
    }
}
