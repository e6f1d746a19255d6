//! An FX gateway of a few lines: where breaks are, when frames wait because the sequencer has no room.

use super::server::{Server, Stream, TEXT, accept, receive, send, until_gone, wait_for};
use crate::config::{Config, Overrides};
use crate::live::session::{Live, Now};
use pitlane_domain::instrument::InstrumentTable;
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::message::{Body, ConnectionEvent};
use pitlane_domain::units::WallNs;

const READY: &str = r#"{"type":"ready","availableSymbols":["EURUSD"]}"#;
const PACKAGE: &str = r#"{"type":"symbolDataPackage","symbol":"EURUSD","digits":5,"bid":1.1,"todaysOpen":1.1,"todaysHigh":1.1,"todaysLow":1.1}"#;

fn tick(ms: u32) -> String {
    format!(r#"{{"type":"tick","symbol":"EURUSD","bid":1.1,"ask":1.1,"timestamp":{ms}}}"#)
}

fn say(stream: &mut dyn Stream, texts: &[&str]) {
    for text in texts {
        send(stream, TEXT, text.as_bytes());
    }
}

/// Waits until the pair is asked for.
fn asked(stream: &mut dyn Stream) {
    let (_, text) = receive(stream).expect("a command");
    let text = String::from_utf8(text).expect("text");
    assert!(text.contains("get_symbol_data_package"), "{text}");
}

/// A session with one gateway, driven by hand.
struct Session {
    live: Live,
    intake: Intake,
    now: Now,
    told: Vec<String>,
}

impl Session {
    fn start(server: &Server) -> Self {
        let text = format!(
            "source.kind = \"live\"\n[[upstream]]\nvenue = \"fx\"\nws = \"ws://127.0.0.1:{}/fx\"\n\
             [[instrument]]\nsymbol = \"EURUSD\"\nvenue = \"fx\"\ntick_size = \"0.00001\"\nlot_size = \"1\"\n\
             [live]\nfx_reconnect_first = \"1ms\"\nfx_reconnect_max = \"1ms\"\nbuffer = 100\n",
            server.port
        );
        let config = Config::parse("t.toml", &text, &Overrides::none()).expect("legal");
        let mut table = InstrumentTable::default();
        for row in &config.instruments {
            let steps = row.tick_size.zip(row.lot_size).expect("steps");
            table.add(row.with_steps(steps.0, steps.1)).expect("room");
        }
        let now = Now {
            ts: WallNs(1_700_000_000_000_000_000),
            ns: 1,
        };
        let mut live = Live::new(&config, &table, &[], 1, now).expect("no certificates");
        live.start(None, now).expect("threads");
        Self {
            live,
            intake: Intake::new(table, IntakeOptions::default()),
            now,
            told: Vec::new(),
        }
    }

    /// A millisecond later.
    fn later(&mut self) -> Now {
        self.now.ts.0 += 1_000_000;
        self.now.ns += 1_000_000;
        self.now
    }

    /// There is no room until something is so.
    fn hoard_until(&mut self, done: impl Fn(&Live) -> bool) {
        wait_for(|| {
            let now = self.later();
            self.live.hoard(now, &mut self.intake);
            done(&self.live).then_some(())
        });
    }

    /// Connections are tended, and nothing is read.
    fn tend_until(&mut self, done: impl Fn(&Live) -> bool) {
        wait_for(|| {
            let now = self.later();
            self.live.tend(now, &mut self.intake);
            self.note();
            done(&self.live).then_some(())
        });
    }

    /// All is as ever until that is told, and not a frame longer.
    fn run_until(&mut self, last: &str) {
        wait_for(|| {
            let now = self.later();
            self.live.tend(now, &mut self.intake);
            self.note();
            while self.live.next_frame(now, &mut self.intake) {
                self.note();
                if self.told.iter().any(|told| told == last) {
                    return Some(());
                }
            }
            None
        });
    }

    fn note(&mut self) {
        while let Some(message) = self.intake.pop() {
            match message.body() {
                Some(Body::FxTick(_)) => self.told.push(format!("tick {}", message.ts_event.ms())),
                Some(Body::FxDay(_)) => self.told.push("package".to_owned()),
                Some(Body::Connection(news)) if news.event == ConnectionEvent::ApiGap => {
                    self.told.push(format!("gap {:?}", news.values));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn what_waited_of_a_lost_connection_comes_before_the_break() {
    let server = Server::start(None, 2, |mut stream, number| {
        let stream = &mut *stream;
        accept(stream);
        say(stream, &[READY]);
        if number == 0 {
            asked(stream);
            say(stream, &[PACKAGE, &tick(1000)]);
            // Gone without a word behind them.
            say(stream, &[&tick(2000), &tick(3000)]);
        } else {
            asked(stream);
            say(stream, &[PACKAGE, &tick(9000), &tick(9500)]);
            until_gone(stream);
        }
    });
    let mut session = Session::start(&server);
    session.run_until("package");
    session.hoard_until(|live| live.counts().disconnects == 1);
    session.tend_until(|live| live.counts().connects == 2);
    // The next connection says that it is ready while the ticks of the first still wait.
    for _ in 0..100 {
        let now = session.later();
        session.live.hoard(now, &mut session.intake);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    session.run_until("tick 9500");
    assert_eq!(
        session.told.join("; "),
        "package; tick 1000; tick 2000; tick 3000; package; gap [3000, 9000]; tick 9000; tick 9500"
    );
    session.tend_until(|live| live.counts().tick_gaps == 1);
    session.live.close(session.now);
    drop(session);
    server.join();
}

#[test]
fn what_was_thrown_away_is_told_and_the_package_is_asked_for_again() {
    let server = Server::websocket(None, |mut stream| {
        let stream = &mut *stream;
        say(stream, &[READY]);
        asked(stream);
        say(stream, &[PACKAGE, &tick(1000)]);
        for ms in 0..150 {
            say(stream, &[&tick(2000 + ms)]);
        }
        asked(stream);
        say(stream, &[PACKAGE, &tick(9000)]);
        until_gone(stream);
    });
    let mut session = Session::start(&server);
    session.run_until("tick 1000");
    session.hoard_until(|live| live.counts().thrown_away > 0);
    session.run_until("tick 9000");
    let gaps: Vec<_> = session
        .told
        .iter()
        .filter(|told| told.starts_with("gap"))
        .collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    let packages = session.told.iter().filter(|told| *told == "package");
    assert_eq!(packages.count(), 2);
    let ticks = session.told.iter().filter(|told| told.starts_with("tick"));
    let lost = session.live.counts().thrown_away;
    assert_eq!(ticks.count() as u64, 152 - lost);
    session.tend_until(|live| live.counts().tick_gaps == 1);
    session.live.close(session.now);
    drop(session);
    server.join();
}
