//! A conversation with a gateway by its script, with the real intake behind it.

use super::super::news::Told;
use super::*;
use expect_test::expect;
use pitlane_domain::instrument::{Instrument, InstrumentTable, Venue};
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::message::Body;
use pitlane_domain::units::Grid;
use std::collections::VecDeque;

const READY: &str = r#"{"type":"ready","availableSymbols":["EURUSD","USDJPY"]}"#;
const PACKAGE: &str = r#"{"type":"symbolDataPackage","symbol":"EURUSD","digits":5,"bid":1.1005,"todaysOpen":1.1,"todaysHigh":1.2,"todaysLow":1.0}"#;

fn symbol(name: &str) -> Symbol {
    Symbol::new(name.as_bytes()).expect("a symbol")
}

fn at(seconds: i64) -> WallNs {
    WallNs(seconds * 1_000_000_000)
}

fn tick(pair: &str, bid: &str, ask: &str, seconds: i64) -> String {
    let ms = seconds * 1000;
    format!(r#"{{"type":"tick","symbol":"{pair}","bid":{bid},"ask":{ask},"timestamp":{ms}}}"#)
}

/// What is said to the gateway, heard of it, and told of both.
struct Talk {
    gateway: Gateway,
    intake: Intake,
    lines: VecDeque<Told>,
    now: i64,
    streams: Vec<String>,
}

impl Talk {
    fn new(known: &[Known]) -> Self {
        let mut table = InstrumentTable::default();
        let pairs = [("EURUSD", "0.00001"), ("USDJPY", "0.001")].map(|(name, step)| {
            let row = Instrument {
                symbol: symbol(name),
                venue_symbol: symbol(name),
                venue: Venue::Fx,
                tick_size: Grid::of_step(step.as_bytes()).expect("a step"),
                lot_size: Grid::UNIT,
            };
            (table.add(row).expect("room"), symbol(name))
        });
        let second = Duration::from_secs(1);
        let mut gateway = Gateway::new(10 * second, BackoffRules::FX, &pairs, known);
        gateway.opened(at(0));
        Self {
            gateway,
            intake: Intake::new(table, IntakeOptions::default()),
            lines: VecDeque::new(),
            now: 1_400_000_000,
            streams: Vec::new(),
        }
    }

    /// Hears a frame a second after the last; what comes of it in the sequence, and the pair and time of its tick.
    fn hear(&mut self, frame: &str) -> String {
        self.now += 1;
        let mut news = News {
            intake: &mut self.intake,
            lines: &mut self.lines,
            at: at(self.now),
        };
        let passed = Passed {
            stream: b"",
            ts: at(self.now),
            bytes: frame.as_bytes(),
        };
        let mut stream = Vec::new();
        let tick = self.gateway.frame(&mut news, &passed, |news, passed| {
            stream = passed.stream.to_vec();
            let taken = news
                .intake
                .frame(Venue::Fx, passed.stream, passed.ts, passed.bytes);
            taken.is_ok()
        });
        self.streams.push(String::from_utf8(stream).expect("text"));
        let mut told = Vec::new();
        while let Some(message) = self.intake.pop() {
            let kind = message.kind();
            told.push(match message.body() {
                Some(Body::FxTick(tick)) => format!("tick {}", tick.bid.0),
                Some(Body::Connection(news)) => {
                    format!("{} {:?}", news.event.name(), news.values)
                }
                _ => format!("{kind:?}"),
            });
        }
        told.extend(tick.map(|(pair, ts)| format!("seen {} {}", pair.0, ts.0 / 1_000_000_000)));
        told.join("; ")
    }

    /// What is due to be said, by its symbols.
    fn said(&mut self) -> String {
        let mut said = Vec::new();
        while let Some(text) = self.gateway.next(at(self.now)) {
            let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(json["type"], "get_symbol_data_package");
            assert_eq!(json["adrLookbackDays"], 14);
            said.push(json["symbol"].as_str().expect("a symbol").to_owned());
        }
        said.join(" ")
    }

    fn counts(&mut self) -> [u64; 4] {
        let mut counts = Counts::default();
        self.gateway.count(&mut counts);
        let Counts {
            requests,
            replies,
            request_failures,
            tick_gaps,
            ..
        } = counts;
        [requests, replies, request_failures, tick_gaps]
    }

    fn lines(&mut self) -> String {
        self.lines
            .drain(..)
            .map(|told| told.text)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

#[test]
fn a_gateway_that_is_ready_is_asked_for_each_pair_and_its_ticks_are_taken() {
    let mut talk = Talk::new(&[]);
    assert_eq!(talk.said(), "");
    assert_eq!(
        talk.hear(r#"{"type":"status","status":"connected"}"#),
        "state_change [0, 3]"
    );
    assert_eq!(
        (talk.hear(READY), talk.said()),
        (String::new(), "EURUSD USDJPY".to_owned())
    );
    assert!(talk.hear(PACKAGE).starts_with("Some(FxDay)"));
    assert_eq!(
        talk.hear(&tick("EURUSD", "1.1005", "1.1008", 1_400_000_000)),
        "tick 110050; seen 0 1400000000"
    );
    // What is refused is counted by the intake, and is nothing that was seen.
    assert_eq!(
        talk.hear(&tick("EURUSD", "1.1009", "1.1008", 1_400_000_001)),
        ""
    );
    assert_eq!(talk.hear(r#"{"type":"tick","symbol":"EURUSD""#), "");
    assert_eq!(
        talk.hear(&tick("GBPUSD", "1.1005", "1.1008", 1_400_000_001)),
        ""
    );
    assert_eq!(talk.hear(r#"{"type":"heartbeat"}"#), "");
    assert_eq!(
        talk.streams.join(" "),
        "@status @ready eurusd@symbolDataPackage eurusd@tick eurusd@tick @other @tick @other"
    );
    assert_eq!(talk.counts(), [2, 1, 0, 0]);
    assert_eq!(talk.lines(), "");
    talk.intake.balance().expect("all is accounted for");
}

#[test]
fn behind_a_break_the_first_tick_of_a_pair_tells_what_nobody_can_give_again() {
    let mut talk = Talk::new(&[]);
    talk.hear(READY);
    talk.hear(&tick("EURUSD", "1.1", "1.2", 1_400_000_000));
    talk.gateway.lost(at(talk.now));
    assert_eq!(talk.said(), "");
    // A frame of the lost connection that had to wait comes before the break.
    assert_eq!(
        talk.hear(&tick("EURUSD", "1.1", "1.2", 1_400_000_003)),
        "tick 110000; seen 0 1400000003"
    );
    talk.gateway.opened(at(talk.now));
    talk.hear(READY);
    assert_eq!(talk.said(), "EURUSD USDJPY");
    assert_eq!(
        talk.hear(&tick("EURUSD", "1.1", "1.2", 1_400_000_009)),
        "api_gap [1400000003000, 1400000009000]; tick 110000; seen 0 1400000009"
    );
    assert_eq!(
        talk.hear(&tick("EURUSD", "1.1", "1.2", 1_400_000_010)),
        "tick 110000; seen 0 1400000010"
    );
    // Of the other pair nothing was known, so nothing is missed.
    assert_eq!(
        talk.hear(&tick("USDJPY", "101", "102", 1_400_000_011)),
        "tick 101000; seen 1 1400000011"
    );
    // The market behind the gateway went away and came back.
    for (status, told) in [
        ("connected", "state_change [0, 3]"),
        ("error", "state_change [3, 4]"),
        ("error", ""),
        ("connected", "state_change [4, 3]"),
    ] {
        let frame = format!(r#"{{"type":"status","status":"{status}"}}"#);
        assert_eq!(talk.hear(&frame), told);
    }
    assert_eq!(talk.said(), "EURUSD USDJPY");
    assert!(
        talk.hear(&tick("USDJPY", "101", "102", 1_400_000_012))
            .starts_with("api_gap")
    );
    assert_eq!(talk.counts(), [4, 0, 0, 2]);
    expect![[r"
        fx gateway: ticks of EURUSD from 1400000003000 ms to 1400000009000 ms are not known; a gateway sends none again
        fx gateway: it is Error now
        fx gateway: it is Connected now
        fx gateway: ticks of USDJPY from 1400000011000 ms to 1400000012000 ms are not known; a gateway sends none again"]].assert_eq(&talk.lines());
}

#[test]
fn a_run_that_goes_on_tells_what_it_missed() {
    let known = Known {
        instrument: InstrumentId(1),
        trade_id: 0,
        trade_ts: at(1_300_000_000),
    };
    let mut talk = Talk::new(&[known]);
    talk.hear(READY);
    assert_eq!(
        talk.hear(&tick("USDJPY", "101", "102", 1_400_000_000)),
        "api_gap [1300000000000, 1400000000000]; tick 101000; seen 1 1400000000"
    );
    assert_eq!(
        talk.hear(&tick("EURUSD", "1.1", "1.2", 1_400_000_000)),
        "tick 110000; seen 0 1400000000"
    );
}

#[test]
fn what_a_gateway_cannot_give_is_told_and_asked_for_again() {
    let mut talk = Talk::new(&[]);
    assert_eq!(
        talk.hear(r#"{"type":"ready","availableSymbols":["EURUSD","GBPUSD"]}"#),
        "error [0, 0]"
    );
    assert_eq!(talk.said(), "EURUSD");
    assert_eq!(
        talk.hear(r#"{"type":"error","message":"not now","symbol":"EURUSD"}"#),
        "error [0, 0]"
    );
    assert_eq!(talk.said(), "");
    talk.now += 1;
    assert_eq!(talk.said(), "EURUSD");
    // Its digits do not fit the tick size that is configured.
    assert_eq!(
        talk.hear(&PACKAGE.replace("\"digits\":5", "\"digits\":6")),
        ""
    );
    assert_eq!(talk.said(), "");
    talk.now += 2;
    assert_eq!(talk.said(), "EURUSD");
    talk.hear(PACKAGE);
    // Not ready: what cannot be read changes nothing.
    assert_eq!(talk.hear(r#"{"type":"ready"}"#), "");
    talk.now += 100;
    assert_eq!(talk.said(), "");
    assert_eq!(talk.counts(), [3, 1, 2, 0]);
    expect![[r#"
        fx gateway: it has no USDJPY
        fx gateway: {"type":"error","message":"not now","symbol":"EURUSD"}"#]]
    .assert_eq(&talk.lines());
}

#[test]
fn a_new_day_has_a_new_package() {
    let mut talk = Talk::new(&[]);
    talk.hear(READY);
    talk.said();
    talk.hear(PACKAGE);
    // The day ends at 21:00 UTC of 13 May 2014.
    let end = 1_400_014_800;
    for (seconds, asked) in [
        (end - 23 * 3600, ""),
        (end - 1, ""),
        (end, "EURUSD"),
        (end - 1, ""),
        (end + 1, ""),
    ] {
        talk.hear(&tick("EURUSD", "1.1", "1.2", seconds));
        assert_eq!(talk.said(), asked, "{seconds}");
    }
    talk.hear(PACKAGE);
    talk.hear(&tick("EURUSD", "1.1", "1.2", end + 24 * 3600));
    assert_eq!(talk.said(), "EURUSD");
}
