#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots so"
)]

use super::*;
use crate::units::{Lots, Ticks};
use expect_test::{Expect, expect};
use std::fmt::Write as _;

mod model;
mod streams;

fn event(first_id: u64, last_id: u64, prev_id: Option<u64>) -> DepthEvent {
    DepthEvent {
        first_id,
        last_id,
        prev_id,
        ts_event: WallNs::ZERO,
    }
}

fn one_level() -> Levels {
    let level = Level {
        px: Ticks(1),
        qty: Lots(1),
    };
    Levels {
        bids: vec![level],
        asks: vec![],
        ..Levels::default()
    }
}

fn show(step: Step) -> String {
    let reset =
        |r: BookReset| format!("{:?} expected {} got {}", r.reason, r.expected_id, r.got_id);
    match step {
        Step::Apply { overlap: false } => "apply".into(),
        Step::Apply { overlap: true } => "apply, overlaps".into(),
        Step::Covered => "covered".into(),
        Step::Old => "old".into(),
        Step::Wait => "wait".into(),
        Step::Refuse => "refuse".into(),
        Step::Lost(r) => format!("lost: {}", reset(r)),
        Step::Overflow {
            reset: r,
            discarded,
        } => format!("lost: {}, {discarded} discarded", reset(r)),
    }
}

/// Plays a script: `U-u`, `U-u<pu`, `snapshot L`, `crossed`, `disconnect`; one line of answer each.
fn check(rules: Rules, script: &str, answer: &Expect) {
    let mut sync = BookSync::new(rules);
    let mut out = String::new();
    for input in script.split(", ") {
        write!(out, "{input}: ").unwrap();
        if let Some(last_id) = input.strip_prefix("snapshot ") {
            match sync.snapshot(last_id.parse().unwrap()) {
                SnapshotStep::Use { refreshed } => {
                    out.push_str(if refreshed.is_some() {
                        "refreshed"
                    } else {
                        "used"
                    });
                    while let Some(d) = sync.drain() {
                        let (from, to) = (d.event.first_id, d.event.last_id);
                        write!(out, "; {from}-{to} {}", show(d.step)).unwrap();
                    }
                }
                refused => write!(out, "{refused:?}").unwrap(),
            }
        } else if let Some(reason) = match input {
            "crossed" => Some(ResetReason::Crossed),
            "disconnect" => Some(ResetReason::Disconnected),
            _ => None,
        } {
            let (reset, discarded) = sync.drop_book(reason);
            let reset = reset.map_or("no book".into(), |r| show(Step::Lost(r)));
            write!(out, "{reset}, {discarded} discarded").unwrap();
        } else {
            let (ids, prev) = input.split_once('<').unwrap_or((input, ""));
            let (first, last) = ids.split_once('-').unwrap();
            let event = event(
                first.parse().unwrap(),
                last.parse().unwrap(),
                prev.parse().ok(),
            );
            out.push_str(&show(sync.diff(&event, &one_level())));
        }
        let id = sync
            .book_id()
            .map_or(format!("{:?}", sync.state()), |id| id.to_string());
        writeln!(out, " -> {id}, {} wait", sync.buffered()).unwrap();
    }
    answer.assert_eq(&out);
}

#[test]
fn spot_examples_of_the_specification() {
    check(
        Rules::Spot,
        "150-155, 156-160, 161-165, snapshot 160, 166-170, 172-175",
        &expect![[r#"
            150-155: wait -> Buffering, 1 wait
            156-160: wait -> Buffering, 2 wait
            161-165: wait -> Buffering, 3 wait
            snapshot 160: used; 150-155 covered; 156-160 covered; 161-165 apply -> 165, 0 wait
            166-170: apply -> 170, 0 wait
            172-175: lost: Gap expected 171 got 172 -> Buffering, 1 wait
        "#]],
    );
    check(
        Rules::Spot,
        "150-155, 156-160, 161-165, snapshot 158",
        &expect![[r#"
            150-155: wait -> Buffering, 1 wait
            156-160: wait -> Buffering, 2 wait
            161-165: wait -> Buffering, 3 wait
            snapshot 158: used; 150-155 covered; 156-160 apply; 161-165 apply -> 165, 0 wait
        "#]],
    );
    check(
        Rules::Spot,
        "161-165, snapshot 150, snapshot 163",
        &expect![[r#"
            161-165: wait -> Buffering, 1 wait
            snapshot 150: TooOld -> Buffering, 1 wait
            snapshot 163: used; 161-165 apply -> 165, 0 wait
        "#]],
    );
}

#[test]
fn futures_examples_of_the_specification() {
    check(
        Rules::Futures,
        "150-158<140, 157-162<158, snapshot 160, 170-175<162, 180-185<176",
        &expect![[r#"
            150-158<140: wait -> Buffering, 1 wait
            157-162<158: wait -> Buffering, 2 wait
            snapshot 160: used; 150-158 covered; 157-162 apply -> 162, 0 wait
            170-175<162: apply -> 175, 0 wait
            180-185<176: lost: Gap expected 175 got 176 -> Buffering, 1 wait
        "#]],
    );
}

#[test]
fn the_event_that_revealed_a_gap_is_the_first_to_be_applied_again() {
    check(
        Rules::Spot,
        "snapshot 170, 172-175, 176-180, snapshot 173, 181-181",
        &expect![[r#"
            snapshot 170: used -> 170, 0 wait
            172-175: lost: Gap expected 171 got 172 -> Buffering, 1 wait
            176-180: wait -> Buffering, 2 wait
            snapshot 173: used; 172-175 apply; 176-180 apply -> 180, 0 wait
            181-181: apply -> 181, 0 wait
        "#]],
    );
    check(
        Rules::Futures,
        "180-185<176, 190-195<185, snapshot 182, 200-200<195",
        &expect![[r#"
            180-185<176: wait -> Buffering, 1 wait
            190-195<185: wait -> Buffering, 2 wait
            snapshot 182: used; 180-185 apply; 190-195 apply -> 195, 0 wait
            200-200<195: apply -> 200, 0 wait
        "#]],
    );
}

#[test]
fn a_snapshot_ahead_of_all_that_waits_is_the_book() {
    // Late events below it are covered, the one that straddles or meets it is the first.
    check(
        Rules::Spot,
        "10-12, snapshot 20, 13-18, 19-22, 23-24",
        &expect![[r#"
            10-12: wait -> Buffering, 1 wait
            snapshot 20: used; 10-12 covered -> 20, 0 wait
            13-18: covered -> 20, 0 wait
            19-22: apply -> 22, 0 wait
            23-24: apply -> 24, 0 wait
        "#]],
    );
    check(
        Rules::Spot,
        "10-12, snapshot 20, 22-23",
        &expect![[r#"
            10-12: wait -> Buffering, 1 wait
            snapshot 20: used; 10-12 covered -> 20, 0 wait
            22-23: lost: Gap expected 21 got 22 -> Buffering, 1 wait
        "#]],
    );
    check(
        Rules::Futures,
        "10-12<9, snapshot 20, 14-18<12, 19-22<18, 30-33<22",
        &expect![[r#"
            10-12<9: wait -> Buffering, 1 wait
            snapshot 20: used; 10-12 covered -> 20, 0 wait
            14-18<12: covered -> 20, 0 wait
            19-22<18: apply -> 22, 0 wait
            30-33<22: apply -> 33, 0 wait
        "#]],
    );
    // Nothing of this symbol happened between 20 and 25.
    check(
        Rules::Futures,
        "snapshot 20, 25-26<20",
        &expect![[r#"
            snapshot 20: used -> 20, 0 wait
            25-26<20: apply -> 26, 0 wait
        "#]],
    );
    check(
        Rules::Futures,
        "snapshot 20, 25-26<21",
        &expect![[r#"
            snapshot 20: used -> 20, 0 wait
            25-26<21: lost: Gap expected 20 got 21 -> Buffering, 1 wait
        "#]],
    );
}

#[test]
fn a_snapshot_in_a_hole_of_what_waits_is_fetched_again() {
    check(
        Rules::Spot,
        "10-12, 15-16, snapshot 13, snapshot 14",
        &expect![[r#"
            10-12: wait -> Buffering, 1 wait
            15-16: wait -> Buffering, 2 wait
            snapshot 13: Unbridged -> Buffering, 2 wait
            snapshot 14: used; 10-12 covered; 15-16 apply -> 16, 0 wait
        "#]],
    );
    // One below the first: the strict rule of step 3.
    check(
        Rules::Spot,
        "10-12, snapshot 9, snapshot 10",
        &expect![[r#"
            10-12: wait -> Buffering, 1 wait
            snapshot 9: TooOld -> Buffering, 1 wait
            snapshot 10: used; 10-12 apply -> 12, 0 wait
        "#]],
    );
    check(
        Rules::Futures,
        "10-12<8, 15-16<12, snapshot 9, snapshot 13, snapshot 12",
        &expect![[r#"
            10-12<8: wait -> Buffering, 1 wait
            15-16<12: wait -> Buffering, 2 wait
            snapshot 9: Unbridged -> Buffering, 2 wait
            snapshot 13: Unbridged -> Buffering, 2 wait
            snapshot 12: used; 10-12 apply; 15-16 apply -> 16, 0 wait
        "#]],
    );
}

#[test]
fn a_gap_among_what_waited_leaves_the_rest_waiting() {
    check(
        Rules::Spot,
        "10-12, 13-14, 20-21, 22-23, snapshot 11, snapshot 20, 24-24",
        &expect![[r#"
            10-12: wait -> Buffering, 1 wait
            13-14: wait -> Buffering, 2 wait
            20-21: wait -> Buffering, 3 wait
            22-23: wait -> Buffering, 4 wait
            snapshot 11: used; 10-12 apply; 13-14 apply; 20-21 lost: Gap expected 15 got 20 -> Buffering, 2 wait
            snapshot 20: used; 20-21 apply; 22-23 apply -> 23, 0 wait
            24-24: apply -> 24, 0 wait
        "#]],
    );
}

#[test]
fn duplicates_overlaps_and_late_events() {
    check(
        Rules::Spot,
        "snapshot 10, 11-12, 11-12, 5-9, 12-14, 13-14, 15-15",
        &expect![[r#"
            snapshot 10: used -> 10, 0 wait
            11-12: apply -> 12, 0 wait
            11-12: old -> 12, 0 wait
            5-9: old -> 12, 0 wait
            12-14: apply, overlaps -> 14, 0 wait
            13-14: old -> 14, 0 wait
            15-15: apply -> 15, 0 wait
        "#]],
    );
    // An overlap in futures is believed only if pu says so.
    check(
        Rules::Futures,
        "snapshot 10, 9-12<8, 9-12<8, 11-14<12, 13-17<12",
        &expect![[r#"
            snapshot 10: used -> 10, 0 wait
            9-12<8: apply -> 12, 0 wait
            9-12<8: old -> 12, 0 wait
            11-14<12: apply, overlaps -> 14, 0 wait
            13-17<12: lost: Gap expected 14 got 12 -> Buffering, 1 wait
        "#]],
    );
}

#[test]
fn a_snapshot_of_a_synchronised_book_refreshes_it_or_is_stale() {
    check(
        Rules::Spot,
        "snapshot 10, 11-12, snapshot 11, snapshot 12, 13-13, snapshot 20, 14-18, 19-21",
        &expect![[r#"
            snapshot 10: used -> 10, 0 wait
            11-12: apply -> 12, 0 wait
            snapshot 11: Stale -> 12, 0 wait
            snapshot 12: refreshed -> 12, 0 wait
            13-13: apply -> 13, 0 wait
            snapshot 20: refreshed -> 20, 0 wait
            14-18: covered -> 20, 0 wait
            19-21: apply -> 21, 0 wait
        "#]],
    );
}

#[test]
fn ids_that_run_backwards_are_a_gap() {
    check(
        Rules::Spot,
        "12-11, snapshot 10, 12-11, 11-12, snapshot 11",
        &expect![[r#"
            12-11: refuse -> Buffering, 0 wait
            snapshot 10: used -> 10, 0 wait
            12-11: lost: BadRange expected 11 got 12 -> Buffering, 0 wait
            11-12: wait -> Buffering, 1 wait
            snapshot 11: used; 11-12 apply -> 12, 0 wait
        "#]],
    );
}

#[test]
fn a_dropped_book_waits_for_a_snapshot() {
    check(
        Rules::Spot,
        "disconnect, 1-2, 3-4, disconnect, snapshot 9, crossed, 10-10, snapshot 10",
        &expect![[r#"
            disconnect: no book, 0 discarded -> Disconnected, 0 wait
            1-2: wait -> Buffering, 1 wait
            3-4: wait -> Buffering, 2 wait
            disconnect: no book, 2 discarded -> Disconnected, 0 wait
            snapshot 9: used -> 9, 0 wait
            crossed: lost: Crossed expected 9 got 0, 0 discarded -> Buffering, 0 wait
            10-10: wait -> Buffering, 1 wait
            snapshot 10: used; 10-10 covered -> 10, 0 wait
        "#]],
    );
}

#[test]
fn futures_without_pu_prove_nothing() {
    check(
        Rules::Futures,
        "snapshot 10, 9-12, 13-14",
        &expect![[r#"
            snapshot 10: used -> 10, 0 wait
            9-12: apply -> 12, 0 wait
            13-14: lost: Gap expected 12 got 13 -> Buffering, 1 wait
        "#]],
    );
}

#[test]
fn ids_at_the_end_of_their_range() {
    let top = u64::MAX;
    check(
        Rules::Spot,
        &format!(
            "0-0, snapshot 0, 1-{}, {top}-{top}, snapshot {top}, 0-{top}",
            top - 1
        ),
        &expect![[r#"
            0-0: wait -> Buffering, 1 wait
            snapshot 0: used; 0-0 covered -> 0, 0 wait
            1-18446744073709551614: apply -> 18446744073709551614, 0 wait
            18446744073709551615-18446744073709551615: apply -> 18446744073709551615, 0 wait
            snapshot 18446744073709551615: refreshed -> 18446744073709551615, 0 wait
            0-18446744073709551615: covered -> 18446744073709551615, 0 wait
        "#]],
    );
}

#[test]
fn events_in_order_of_receipt() {
    check(
        Rules::Ordered,
        "0-0, snapshot 0, 0-0, 0-0, snapshot 0, 0-0",
        &expect![[r#"
            0-0: refuse -> Buffering, 0 wait
            snapshot 0: used -> 1, 0 wait
            0-0: apply -> 2, 0 wait
            0-0: apply -> 3, 0 wait
            snapshot 0: refreshed -> 4, 0 wait
            0-0: apply -> 5, 0 wait
        "#]],
    );
    // Where the venue numbers them, the one before is named; one that changes nothing repeats the id.
    check(
        Rules::Ordered,
        "snapshot 50, 57-57<50, 57-57<57, 60-60<58, 61-61<60, snapshot 40, 41-41<40, 3-3<41, snapshot 7",
        &expect![[r#"
            snapshot 50: used -> 50, 0 wait
            57-57<50: apply -> 57, 0 wait
            57-57<57: apply -> 57, 0 wait
            60-60<58: lost: Gap expected 57 got 58 -> Buffering, 0 wait
            61-61<60: refuse -> Buffering, 0 wait
            snapshot 40: used -> 40, 0 wait
            41-41<40: apply -> 41, 0 wait
            3-3<41: lost: BadRange expected 41 got 3 -> Buffering, 0 wait
            snapshot 7: used -> 7, 0 wait
        "#]],
    );
}

#[test]
fn too_many_events_start_over() {
    let mut sync = BookSync::new(Rules::Spot);
    for id in 1..=BUFFER_EVENTS_MAX as u64 {
        assert_eq!(sync.diff(&event(id, id, None), &one_level()), Step::Wait);
    }
    let next = BUFFER_EVENTS_MAX as u64 + 1;
    let reset = BookReset {
        reason: ResetReason::Overflow,
        expected_id: 1,
        got_id: next,
    };
    let discarded = BUFFER_EVENTS_MAX;
    assert_eq!(
        sync.diff(&event(next, next, None), &one_level()),
        Step::Overflow { reset, discarded }
    );
    assert_eq!(sync.buffered(), 1);
    assert_eq!(sync.snapshot(next - 1), SnapshotStep::TooOld);
    assert_eq!(sync.snapshot(next), SnapshotStep::Use { refreshed: None });
}

#[test]
fn too_many_levels_start_over() {
    let mut sync = BookSync::new(Rules::Futures);
    let mut many = one_level();
    many.bids = vec![many.bids[0]; 5000];
    many.asks = many.bids.clone();
    let fits = (BUFFER_LEVELS_MAX / 10_000) as u64;
    for id in 1..=fits {
        assert_eq!(sync.diff(&event(id, id, None), &many), Step::Wait);
    }
    let step = sync.diff(&event(99, 99, None), &many);
    assert!(matches!(step, Step::Overflow { discarded, .. } if discarded as u64 == fits));
    assert_eq!(sync.snapshot(99), SnapshotStep::Use { refreshed: None });
    let drained = sync.drain().unwrap();
    assert_eq!((drained.bids.len(), drained.asks.len()), (5000, 5000));
    assert!(sync.drain().is_none());
}
