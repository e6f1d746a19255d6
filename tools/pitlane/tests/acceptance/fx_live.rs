//! An FX gateway end to end: one process plays ticks as a gateway, another listens to it over real sockets.

use crate::scene::{
    Heard, Recorder, Run, Venue, capture, closed_port, faults, log, replays_to_itself, until,
};
use crate::support::{Seeded, pitlane, shared};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The code of `api_gap` in a record.
const API_GAP: &str = "12";

/// A tick as text: its time in ms, bid and ask.
type Tick = (String, String, String);

/// Ticks that a seed makes, at most 5 s apart, as lines of a file; one in 500 has its ask below its bid.
fn ticks(pair: &str, digits: u32, count: usize, seed: u64) -> Vec<(u64, String)> {
    let mut chance = Seeded(seed);
    let step = 10_u64.pow(digits);
    let (mut ms, mut bid) = (1_400_000_000_000, 110 * step / 100);
    let shown = |px: u64| {
        format!(
            "{}.{:0width$}",
            px / step,
            px % step,
            width = digits as usize
        )
    };
    let line = |at: usize| {
        ms += 1 + chance.below(5000);
        bid = bid + chance.below(19) - 9;
        let ask = if at % 500 == 499 {
            bid - 3
        } else {
            bid + chance.below(10)
        };
        (ms, format!("{ms},{pair},{},{}", shown(bid), shown(ask)))
    };
    (0..count).map(line).collect()
}

/// A file of ticks, in the order of their times.
fn file(dir: &Path, mut ticks: Vec<(u64, String)>) -> PathBuf {
    ticks.sort();
    let mut text = "timestamp,symbol,bid,ask\n".to_owned();
    for (_, line) in ticks {
        text.push_str(&line);
        text.push('\n');
    }
    let path = dir.join("ticks.csv");
    std::fs::write(&path, text).unwrap();
    path
}

/// A gateway on this machine.
fn gateway(file: &Path, options: &[&str]) -> Venue {
    Venue::start(&[file.to_owned()], options)
}

/// Listens to pairs of a gateway, with lines for their tick sizes.
fn config(dir: &Path, port: u16, pairs: &[(&str, &'static str)]) -> PathBuf {
    let mut heard = Heard::at("fx", port, "").below("/fx");
    for (pair, steps) in pairs {
        heard = heard.instrument(pair, pair, steps);
    }
    let live =
        "fx_reconnect_first = \"20ms\"\nfx_reconnect_max = \"50ms\"\nbreaker_reset = \"100ms\"";
    crate::scene::config(dir, &[heard], live)
}

/// Steps of pairs with five digits, and with three.
const FIVE: &str = "tick_size = \"0.00001\"\nlot_size = \"1\"";
const THREE: &str = "tick_size = \"0.001\"\nlot_size = \"1\"";

/// Waits for a tick of that time.
fn until_tick(dir: &Path, ms: &str) {
    until("the last tick", || {
        Told::of(dir).ticks().any(|tick| tick.0 == ms)
    });
}

/// A line of the sequence.
#[derive(PartialEq, Eq, Debug)]
enum Line {
    Tick(Tick),
    /// From the last tick known to the first one after, in ms.
    Gap(String, String),
}

/// What a sequence tells of one pair.
struct Told(Vec<Line>);

impl Told {
    fn of(dir: &Path) -> Self {
        Self::of_pair(dir, "EURUSD")
    }

    fn of_pair(dir: &Path, pair: &str) -> Self {
        let output = pitlane()
            .arg("export")
            .arg(dir.join("ticks"))
            .args(["--kind", "fx_tick", "--kind", "connection", "--to", "csv"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let rows = lines.filter_map(|line| {
            let row: Vec<&str> = line.split(',').collect();
            let column = |name: &str| {
                let at = names.iter().position(|known| *known == name);
                row[at.unwrap()].to_owned()
            };
            if column("instrument") != pair {
                return None;
            }
            if column("kind") == "fx_tick" {
                let ns = column("ts_event");
                let ms = ns[..ns.len() - 6].to_owned();
                return Some(Line::Tick((ms, column("bid"), column("ask"))));
            }
            let is_gap = column("event") == API_GAP;
            is_gap.then(|| Line::Gap(column("first_value"), column("second_value")))
        });
        Self(rows.collect())
    }

    fn ticks(&self) -> impl Iterator<Item = &Tick> {
        self.0.iter().filter_map(|line| match line {
            Line::Tick(tick) => Some(tick),
            Line::Gap(..) => None,
        })
    }

    fn gaps(&self) -> usize {
        self.0.len() - self.ticks().count()
    }

    /// Every tick is one of `all`, once and in their order; between two that are not neighbours a gap is told, with their
    /// times. Answers how many are missing.
    #[track_caller]
    fn follows(&self, all: &[Tick]) -> usize {
        let mut rest = all.iter();
        let (mut missing, mut last) = (0, None::<&Tick>);
        let mut gap = None;
        for line in &self.0 {
            let tick = match line {
                Line::Tick(tick) => tick,
                Line::Gap(from, to) => {
                    gap = Some((from, to));
                    continue;
                }
            };
            let skipped = rest.position(|known| known == tick);
            let skipped = skipped.unwrap_or_else(|| panic!("{tick:?} is none, or comes twice"));
            let told = gap.take();
            let Some(last) = last.replace(tick) else {
                assert_eq!((skipped, told), (0, None), "the first tick is missed");
                continue;
            };
            if skipped > 0 || told.is_some() {
                assert_eq!(told, Some((&last.0, &tick.0)), "{skipped} are missing");
            }
            missing += skipped;
        }
        assert_eq!(rest.next(), None, "the end is missing");
        missing
    }
}

/// What a replay of a file gives, and its ticks.
fn replayed(file: &Path) -> (Value, Vec<Tick>) {
    let (report, dir) = crate::scene::replayed(&[file.to_owned()], "");
    let ticks = Told::of(dir.path()).ticks().cloned().collect();
    (report, ticks)
}

/// A gateway of `file` is listened to from the first tick to the last: nothing differs from a replay of the file.
#[track_caller]
fn is_heard_as_replayed(file: &Path) {
    let (replay, all) = replayed(file);
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(file, &[]);
    let config = config(dir.path(), gateway.port, &[("EURUSD", FIVE)]);
    let run = Run::start(dir.path(), &config);
    gateway.until_played();
    until_tick(dir.path(), &all.last().unwrap().0);
    let report = run.stop();
    let told = Told::of(dir.path());
    assert!(told.ticks().eq(&all), "{} of {}", told.0.len(), all.len());
    assert_eq!(report["content_hash"], replay["content_hash"]);
    assert_eq!(report["facts"]["fx_tick"], replay["facts"]["fx_tick"]);
    assert_eq!(report["frames_rejected"], replay["frames_rejected"]);
    assert_eq!(report["live"]["connects"], 1);
    assert_eq!(
        (told.gaps(), &report["live"]["tick_gaps"]),
        (0, &Value::from(0))
    );
    // One package at the beginning, and one a trading day.
    let packages = report["facts"]["fx_package"].as_u64().unwrap();
    assert_eq!(report["live"]["requests"], packages);
    assert_eq!(packages, 2);
    replays_to_itself(dir.path(), &report);
}

#[test]
fn every_tick_of_a_gateway_comes_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    // Eleven hours, with 21:00 UTC among them.
    let file = file(dir.path(), ticks("EURUSD", 5, 16_000, 1));
    is_heard_as_replayed(&file);
}

#[test]
fn ticks_of_a_market_day_come_as_they_are_replayed() {
    if let Some(file) = shared("fx_lean/oanda_eurusd_20140507_quote.zip") {
        is_heard_as_replayed(&file);
    }
}

#[test]
fn what_is_cut_off_is_told_with_its_bounds_and_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), ticks("EURUSD", 5, 8000, 2));
    let (_, all) = replayed(&file);
    let gateway = gateway(&file, &faults(&["cut:on=tick,every=1500,times=4"]));
    let config = config(dir.path(), gateway.port, &[("EURUSD", FIVE)]);
    let run = Run::start(dir.path(), &config);
    gateway.until_played();
    until_tick(dir.path(), &all.last().unwrap().0);
    let report = run.stop();
    let told = Told::of(dir.path());
    // The tick at which each cut was made at least.
    assert!(told.follows(&all) >= 4);
    assert_eq!(told.gaps(), 4);
    assert_eq!(report["live"]["disconnects"], 4);
    assert_eq!(report["live"]["connects"], 5);
    assert_eq!(report["live"]["tick_gaps"], 4);
    assert_eq!(report["connection"]["api_gap"], 4);
    assert_eq!(report["connection"]["disconnected"], 4);
    assert!(report["connection"]["reconnecting"].as_u64() >= Some(4));
}

#[test]
fn damaged_and_crossed_ticks_are_refused_counted_and_nothing_else_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), ticks("EURUSD", 5, 8000, 3));
    let (replay, all) = replayed(&file);
    let rules = [
        "malformed:on=tick,every=701,times=6",
        "truncate:on=tick,every=901,times=5",
        "wrong-types:on=tick,every=1103,times=4",
    ];
    let gateway = gateway(&file, &faults(&rules));
    let config = config(dir.path(), gateway.port, &[("EURUSD", FIVE)]);
    let run = Run::start(dir.path(), &config);
    gateway.until_played();
    until_tick(dir.path(), &all.last().unwrap().0);
    let report = run.stop();
    let ticks: Vec<Tick> = Told::of(dir.path()).ticks().cloned().collect();
    // None of the fifteen fell on a crossed one.
    assert_eq!(
        replay["frames_rejected"],
        serde_json::json!({"crossed": 16})
    );
    assert_eq!(
        report["frames_rejected"],
        serde_json::json!({"crossed": 16, "malformed": 11, "wrong_type": 4})
    );
    assert_eq!(ticks.len(), all.len() - 15);
    let mut rest = all.iter();
    assert!(ticks.iter().all(|tick| rest.any(|known| known == tick)));
    // They came, and were no good: that is no break.
    assert_eq!(report["live"]["tick_gaps"], 0);
    assert_eq!(report["live"]["disconnects"], 0);
}

#[test]
fn a_killed_run_goes_on_and_tells_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), ticks("EURUSD", 5, 8000, 4));
    let (_, all) = replayed(&file);
    // Five and a half hours in ten seconds, whether anybody listens or not.
    let gateway = gateway(&file, &["--speed", "2000x"]);
    let config = config(dir.path(), gateway.port, &[("EURUSD", FIVE)]);
    let run = Run::start(dir.path(), &config);
    until("a part of the ticks", || {
        Told::of(dir.path()).ticks().count() > 500
    });
    run.kill();
    let kept = Told::of(dir.path());
    let at = gateway.played();
    until("ticks that nobody hears", || gateway.played() > at + 100);
    let run = Run::start(dir.path(), &config);
    gateway.until_played();
    until_tick(dir.path(), &all.last().unwrap().0);
    let report = run.stop();
    let told = Told::of(dir.path());
    assert_eq!(told.0[..kept.0.len()], kept.0);
    assert!(told.follows(&all) >= 100);
    assert_eq!(told.gaps(), 1);
    assert_eq!(report["live"]["tick_gaps"], 1);
    assert!(report["live"]["recalled"].as_u64() > Some(500));
}

#[test]
fn two_pairs_come_over_one_connection_and_one_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut both = ticks("EURUSD", 5, 8000, 5);
    both.extend(ticks("USDJPY", 3, 8000, 6));
    let file = file(dir.path(), both);
    let gateway = gateway(&file, &[]);
    let pairs = [("EURUSD", FIVE), ("USDJPY", THREE), ("GBPUSD", FIVE)];
    let config = config(dir.path(), gateway.port, &pairs);
    let run = Run::start(dir.path(), &config);
    gateway.until_played();
    let (_, all) = replayed(&file);
    until_tick(dir.path(), &all.last().unwrap().0);
    until("the last tick of the other pair", || {
        let sent = gateway.status()["sent"]["usdjpy@tick"].as_u64().unwrap();
        let told = Told::of_pair(dir.path(), "USDJPY");
        // One in 500 of those sent is refused.
        told.ticks().count() as u64 >= sent - sent.div_ceil(500)
    });
    let report = run.stop();
    // The playback begins with the first pair that is asked for, and goes on while the second is.
    assert!(Told::of(dir.path()).ticks().eq(&all));
    assert_eq!(report["live"]["connects"], 1);
    assert_eq!(report["live"]["tick_gaps"], 0);
    let (facts, refused) = (&report["facts"], &report["frames_rejected"]);
    let heard = facts["fx_tick"].as_u64().unwrap() + refused["crossed"].as_u64().unwrap();
    let sent = gateway.status()["sent"].clone();
    let sent = sent["eurusd@tick"].as_u64().unwrap() + sent["usdjpy@tick"].as_u64().unwrap();
    assert_eq!(heard, sent);
    assert_eq!(report["connection"]["error"], 1);
    let log = log(dir.path());
    assert!(log.contains("fx gateway: it has no GBPUSD"), "{log}");
}

#[test]
fn a_gateway_that_is_not_there_is_called_until_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), ticks("EURUSD", 5, 2000, 7));
    let (replay, all) = replayed(&file);
    let port = closed_port();
    let config = config(dir.path(), port, &[("EURUSD", FIVE)]);
    let run = Run::start(dir.path(), &config);
    until("seven attempts", || {
        log(dir.path()).matches("ws://127.0.0.1").count() >= 7
    });
    let gateway = gateway(&file, &["--port", &port.to_string()]);
    gateway.until_played();
    until_tick(dir.path(), &all.last().unwrap().0);
    let report = run.stop();
    assert!(report["connection"]["hard_reload_required"].as_u64() >= Some(1));
    assert!(report["live"]["dial_failures"].as_u64() >= Some(7));
    assert_eq!(report["content_hash"], replay["content_hash"]);
}

#[test]
fn a_captured_session_replays_and_plays_as_a_gateway_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), ticks("EURUSD", 5, 4000, 8));
    let (replay, all) = replayed(&file);
    let captured = dir.path().join("fx.plcap");
    {
        let gateway = gateway(&file, &[]);
        let config = config(dir.path(), gateway.port, &[("EURUSD", FIVE)]);
        let recorder = Recorder::start(&mut capture(&config, &captured));
        gateway.until_played();
        let (summary, _) = recorder.end("-TERM", 0);
        let frames = |kind: &str| summary["streams"][kind]["frames"].as_u64().unwrap_or(0);
        assert_eq!(frames("tick"), 4000);
        assert_eq!(
            [
                frames("status"),
                frames("ready"),
                frames("symbolDataPackage")
            ],
            [1, 1, 1]
        );
        assert_eq!(summary["lost"], 0);
    }
    let (again, ticks) = replayed(&captured);
    assert_eq!(ticks, all);
    assert_eq!(again["content_hash"], replay["content_hash"]);
    let second = tempfile::tempdir().unwrap();
    let gateway = gateway(&captured, &[]);
    let config = config(second.path(), gateway.port, &[("EURUSD", FIVE)]);
    let run = Run::start(second.path(), &config);
    gateway.until_played();
    until_tick(second.path(), &all.last().unwrap().0);
    let report = run.stop();
    assert_eq!(report["content_hash"], replay["content_hash"]);
    assert_eq!(report["live"]["tick_gaps"], 0);
}
