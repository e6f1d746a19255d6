use super::*;
use expect_test::{Expect, expect};
use std::fmt::Write;

const SPOT: LineId = LineId(0);

fn ms(of: u64) -> WallNs {
    after(WallNs::ZERO, Duration::from_millis(of))
}

fn secs(of: u64) -> WallNs {
    ms(of * 1000)
}

/// One thing that happens to instrument 0 or to its line.
#[derive(Clone, Copy)]
enum Event {
    Trades,
    Depth,
    /// A trade whose venue time lies so many seconds back.
    LateTrade(u64),
    Connected,
    Disconnected,
    Limited(u64),
    /// From here on: what comes every second.
    Every(&'static [StreamKind]),
    /// The engine stands still for so many seconds.
    Pause(u64),
}

use Event::{Connected, Depth, Disconnected, Every, LateTrade, Limited, Pause, Trades};
const BOTH: &[StreamKind] = &[StreamKind::Trades, StreamKind::Depth];
const DEPTH: &[StreamKind] = &[StreamKind::Depth];
const TRADES: &[StreamKind] = &[StreamKind::Trades];
const NOTHING: &[StreamKind] = &[];

/// Plays `events`, each at its second, polling every 100 ms, and says what is told, with the connectivity then.
fn check(until: u64, events: &[(u64, Event)], expected: &Expect) {
    let mut dog = Watchdog::new(WatchRules::default(), 1, secs(0));
    let watched = Watched {
        instrument: InstrumentId(0),
        line: SPOT,
        trades: true,
        depth: true,
        thresholds: Thresholds::default(),
    };
    dog.watch(watched, secs(0));
    dog.book(InstrumentId(0), true);
    let (mut out, mut alarms) = (String::new(), Vec::new());
    let mut every = BOTH;
    let mut now_ms = 0;
    let mut events = events.iter().peekable();
    while now_ms <= until * 1000 {
        let now = ms(now_ms);
        let seen = |dog: &mut Watchdog, stream, late: u64| {
            dog.seen(
                InstrumentId(0),
                stream,
                Some(WallNs(now.0 - secs(late).0)),
                now,
            );
        };
        if now_ms % 1000 == 0 {
            for &stream in every {
                seen(&mut dog, stream, 0);
            }
        }
        while let Some((_, event)) = events.next_if(|(at, _)| at * 1000 <= now_ms) {
            match *event {
                Trades => seen(&mut dog, StreamKind::Trades, 0),
                Depth => seen(&mut dog, StreamKind::Depth, 0),
                LateTrade(late) => seen(&mut dog, StreamKind::Trades, late),
                Connected => dog.connected(SPOT, now),
                Disconnected => dog.disconnected(SPOT, now),
                Limited(seconds) => dog.limited(SPOT, after(now, Duration::from_secs(seconds))),
                Every(streams) => every = streams,
                Pause(seconds) => now_ms += seconds * 1000,
            }
        }
        let now = ms(now_ms);
        dog.check(now, &mut alarms);
        for alarm in alarms.drain(..) {
            let _ = writeln!(
                out,
                "{:.1} {:?} {} {:.1} s, connectivity {}{}",
                f64::from(u32::try_from(now_ms).unwrap()) / 1000.0,
                alarm.step,
                alarm.issue.name(),
                alarm.value.as_secs_f64(),
                dog.connectivity(InstrumentId(0), now),
                if dog.is_healthy(InstrumentId(0)) {
                    ", healthy"
                } else {
                    ""
                },
            );
        }
        now_ms += 100;
    }
    expected.assert_eq(&out);
}

#[test]
fn all_is_quiet_while_all_is_well() {
    check(300, &[(0, Connected)], &expect![[""]]);
}

#[test]
fn silent_trades_are_lopsided_at_20_s_stale_at_30_s_and_well_again() {
    check(
        130,
        &[(0, Connected), (5, Every(DEPTH)), (110, Every(BOTH))],
        &expect![[r"
            30.0 Began asymmetric_streaming 25.0 s, connectivity 100
            40.0 Began trades_stream_stale 35.0 s, connectivity 80
            90.0 Lasts asymmetric_streaming 85.0 s, connectivity 80
            100.0 Lasts trades_stream_stale 95.0 s, connectivity 80
            120.0 Ended trades_stream_stale 0.0 s, connectivity 100, healthy
            120.0 Ended asymmetric_streaming 0.0 s, connectivity 100, healthy
        "]],
    );
}

#[test]
fn silent_depth() {
    check(
        60,
        &[(0, Connected), (1, Every(TRADES)), (45, Every(BOTH))],
        &expect![[r"
             20.0 Began depth_stream_stale 19.0 s, connectivity 80
             30.0 Began asymmetric_streaming 29.0 s, connectivity 80
             50.0 Ended depth_stream_stale 0.0 s, connectivity 100, healthy
             50.0 Ended asymmetric_streaming 0.0 s, connectivity 100, healthy
        "]],
    );
}

#[test]
fn both_silent_are_one_issue() {
    check(
        80,
        &[
            (0, Connected),
            (1, Every(NOTHING)),
            (55, Every(DEPTH)),
            (65, Every(BOTH)),
        ],
        &expect![[r"
             20.0 Began depth_stream_stale 19.0 s, connectivity 80
             30.0 Began asymmetric_streaming 29.0 s, connectivity 80
             40.0 Began both_streams_stale 39.0 s, connectivity 60
             40.0 Ended asymmetric_streaming 39.0 s, connectivity 60
             60.0 Began trades_stream_stale 59.0 s, connectivity 80
             60.0 Ended depth_stream_stale 0.0 s, connectivity 80
             60.0 Ended both_streams_stale 0.0 s, connectivity 80
             70.0 Ended trades_stream_stale 0.0 s, connectivity 100, healthy
        "]],
    );
}

#[test]
fn no_data_at_all_for_a_minute() {
    check(
        90,
        &[
            (0, Connected),
            (1, Every(NOTHING)),
            (75, Disconnected),
            (80, Connected),
            (80, Every(BOTH)),
        ],
        &expect![[r"
             20.0 Began depth_stream_stale 19.0 s, connectivity 80
             30.0 Began asymmetric_streaming 29.0 s, connectivity 80
             40.0 Began both_streams_stale 39.0 s, connectivity 60
             40.0 Ended asymmetric_streaming 39.0 s, connectivity 60
             70.0 Began no_data 69.0 s, connectivity 60
             75.0 Began websocket_disconnected 0.0 s, connectivity 20
             75.0 Ended no_data 74.0 s, connectivity 20
             75.0 Ended depth_stream_stale 74.0 s, connectivity 20
             75.0 Ended both_streams_stale 74.0 s, connectivity 20
             80.0 Ended websocket_disconnected 0.0 s, connectivity 100, healthy
        "]],
    );
}

#[test]
fn a_lost_connection_is_told_at_once_and_its_streams_are_not() {
    check(
        150,
        &[
            (0, Connected),
            (3, Disconnected),
            (3, Every(NOTHING)),
            (20, Connected),
            (20, Every(BOTH)),
            // lost again within a minute of the report: told when the minute is over
            (35, Disconnected),
            (140, Connected),
        ],
        &expect![[r"
            3.0 Began websocket_disconnected 0.0 s, connectivity 60
            20.0 Ended websocket_disconnected 0.0 s, connectivity 100, healthy
            70.0 Began websocket_disconnected 35.0 s, connectivity 60
            130.0 Lasts websocket_disconnected 95.0 s, connectivity 60
            140.0 Ended websocket_disconnected 0.0 s, connectivity 100, healthy
        "]],
    );
}

#[test]
fn a_line_that_never_came_up_is_told() {
    check(
        15,
        &[],
        &expect![[r"
             10.0 Began websocket_disconnected 10.0 s, connectivity 60
        "]],
    );
}

#[test]
fn late_data_is_drift_only_if_all_of_it_is_late() {
    check(
        45,
        &[
            (0, Connected),
            (2, LateTrade(60)),
            (10, Every(NOTHING)),
            (12, LateTrade(6)),
            (13, Depth),
            (21, LateTrade(7)),
            (22, LateTrade(6)),
            (30, Every(BOTH)),
            (31, Trades),
        ],
        &expect![[r"
             30.0 Began depth_stream_stale 17.0 s, connectivity 70
             30.0 Began sync_drift 6.0 s, connectivity 70
             40.0 Ended depth_stream_stale 0.0 s, connectivity 100, healthy
             40.0 Ended sync_drift 0.0 s, connectivity 100, healthy
        "]],
    );
}

#[test]
fn a_limit_is_told_once_and_when_it_is_over() {
    check(
        40,
        &[
            (0, Connected),
            (3, Limited(7)),
            (4, Limited(6)),
            (25, Limited(3)),
        ],
        &expect![[r"
            3.0 Began api_rate_limited 7.0 s, connectivity 100, healthy
            10.0 Ended api_rate_limited 0.0 s, connectivity 100, healthy
        "]],
    );
}

#[test]
fn a_pause_of_the_engine_is_nobodys_silence() {
    // the same silence told and not told: only who stood still differs
    check(
        200,
        &[
            (0, Connected),
            (7, Pause(120)),
            (130, Every(DEPTH)),
            (131, Pause(45)),
        ],
        &expect![[r"
            196.0 Began asymmetric_streaming 20.9 s, connectivity 100
        "]],
    );
}

#[test]
fn a_check_that_comes_only_when_due_works_too() {
    let mut dog = Watchdog::new(WatchRules::default(), 1, secs(0));
    dog.watch(
        Watched {
            instrument: InstrumentId(3),
            line: SPOT,
            trades: true,
            depth: false,
            thresholds: Thresholds {
                trades: Duration::from_mins(5),
                ..Thresholds::default()
            },
        },
        secs(0),
    );
    let mut alarms = Vec::new();
    dog.connected(SPOT, secs(0));
    assert_eq!(dog.next_check(), secs(0));
    let mut at = secs(0);
    while at < secs(300) {
        dog.line_seen(SPOT, at);
        dog.check(at, &mut alarms);
        assert_eq!(alarms, []);
        at = dog.next_check();
    }
    // a thin symbol has its own figure, and no depth stream to be missed
    dog.check(at, &mut alarms);
    let [alarm] = alarms[..] else {
        panic!("{alarms:?}")
    };
    assert_eq!(
        (alarm.issue, alarm.step),
        (Issue::TradesStreamStale, AlarmStep::Began)
    );
    assert_eq!(dog.connectivity(InstrumentId(3), at), 80);
    assert_eq!(dog.connectivity(InstrumentId(4), at), 0);
    assert!(!dog.is_healthy(InstrumentId(3)) && !dog.is_healthy(InstrumentId(4)));
}

#[test]
fn connectivity_is_what_is_left() {
    let mut dog = Watchdog::new(WatchRules::default(), 1, secs(0));
    let id = InstrumentId(0);
    dog.watch(
        Watched {
            instrument: id,
            line: SPOT,
            trades: true,
            depth: true,
            thresholds: Thresholds::default(),
        },
        secs(0),
    );
    assert_eq!(dog.connectivity(id, secs(0)), 30);
    dog.connected(SPOT, secs(0));
    assert_eq!(dog.connectivity(id, secs(0)), 70);
    dog.book(id, true);
    assert_eq!(dog.connectivity(id, secs(9)), 100);
    assert_eq!(dog.connectivity(id, secs(10)), 80);
    assert_eq!(dog.connectivity(id, secs(30)), 60);
    dog.seen(id, StreamKind::Trades, Some(secs(20)), secs(30));
    for at in [10, 20, 30] {
        dog.check(secs(at), &mut Vec::new());
    }
    assert_eq!(dog.connectivity(id, secs(30)), 70);
    dog.disconnected(SPOT, secs(30));
    dog.book(id, false);
    assert_eq!(dog.connectivity(id, secs(30)), 0);
}
