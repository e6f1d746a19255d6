use super::*;
use pitlane_domain::instrument::{Instrument, InstrumentTable, Symbol};
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::units::{Grid, WallNs};
use pitlane_domain::upstream::LineId;
use std::collections::VecDeque;

const SYMBOLS: [&str; 3] = ["BTCUSDT", "ETHUSDT", "XRPUSDT"];

/// Reports of instruments, the issue, its step and how late in seconds; what is said of them, a line each.
fn check(reports: &[(u16, Issue, AlarmStep, u64)], expected: &[&str]) {
    let mut table = InstrumentTable::default();
    for symbol in SYMBOLS {
        let symbol = Symbol::new(symbol.as_bytes()).unwrap();
        let instrument = Instrument {
            symbol,
            venue_symbol: symbol,
            venue: Venue::BinanceSpot,
            tick_size: Grid::UNIT,
            lot_size: Grid::UNIT,
        };
        table.add(instrument).unwrap();
    }
    let mut intake = Intake::new(table, IntakeOptions::default());
    let mut lines = VecDeque::new();
    let mut news = News {
        intake: &mut intake,
        lines: &mut lines,
        at: WallNs(0),
    };
    let mut lateness = Lateness::new(Duration::from_secs(5));
    for &(instrument, issue, step, seconds) in reports {
        let alarm = Alarm {
            line: LineId(0),
            instrument: InstrumentId(instrument),
            issue,
            step,
            value: Duration::from_secs(seconds),
        };
        lateness.tell(Venue::BinanceSpot, &alarm, &mut news);
    }
    let lines: Vec<_> = lines.iter().map(|told| told.text.as_str()).collect();
    assert_eq!(lines, expected);
}

use AlarmStep::{Began, Ended, Lasts};
use Issue::{DepthStreamStale, SyncDrift};

#[test]
fn what_is_late_is_said_when_it_begins_and_when_it_is_over() {
    let late = "BTCUSDT of binance-spot comes 7.0 s after the venue's time, and 5s is allowed: the connection or this \
                machine does not keep up, or a clock is wrong";
    let over = "BTCUSDT of binance-spot comes in time again";
    check(
        &[
            (0, SyncDrift, Began, 7),
            (0, SyncDrift, Lasts, 8),
            (1, DepthStreamStale, Began, 10),
            (1, DepthStreamStale, Ended, 10),
            (0, SyncDrift, Ended, 0),
            (0, SyncDrift, Began, 7),
        ],
        &[late, over, late],
    );
}

#[test]
fn a_recording_is_said_to_be_one_once_for_all_its_instruments() {
    const DAY: u64 = 86_400;
    check(
        &[
            (0, SyncDrift, Began, 800 * DAY + 7),
            (1, SyncDrift, Began, 800 * DAY + 7),
            (0, SyncDrift, Lasts, 800 * DAY + 7),
            (0, SyncDrift, Ended, 0),
            (0, SyncDrift, Began, 799 * DAY),
            (2, SyncDrift, Began, DAY),
        ],
        &[
            "binance-spot: its data is 800 days old: it is a recording, or a clock is wrong; told as sync_drift of each \
             instrument, and said here once",
            "XRPUSDT of binance-spot comes 86400.0 s after the venue's time, and 5s is allowed: the connection or this \
             machine does not keep up, or a clock is wrong",
        ],
    );
}
