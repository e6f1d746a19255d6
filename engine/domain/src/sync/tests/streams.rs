//! Venues that send snapshots on the stream of the changes, and one whose ids are times.

use super::*;

#[test]
fn a_numbered_stream_begins_with_its_snapshot() {
    check(
        Rules::Numbered,
        "8-8, snapshot 9, 10-10, 10-10, 11-11, 13-13, 14-14, snapshot 20, 21-21, snapshot 30, 31-31, snapshot 1, 2-2, disconnect, 3-3",
        &expect![[r#"
            8-8: refuse -> Buffering, 0 wait
            snapshot 9: used -> 9, 0 wait
            10-10: apply -> 10, 0 wait
            10-10: old -> 10, 0 wait
            11-11: apply -> 11, 0 wait
            13-13: lost: Gap expected 12 got 13 -> Buffering, 0 wait
            14-14: refuse -> Buffering, 0 wait
            snapshot 20: used -> 20, 0 wait
            21-21: apply -> 21, 0 wait
            snapshot 30: refreshed -> 30, 0 wait
            31-31: apply -> 31, 0 wait
            snapshot 1: refreshed -> 1, 0 wait
            2-2: apply -> 2, 0 wait
            disconnect: lost: Disconnected expected 2 got 0, 0 discarded -> Disconnected, 0 wait
            3-3: refuse -> Buffering, 0 wait
        "#]],
    );
}

#[test]
fn an_ordered_stream_begins_with_its_snapshot() {
    check(
        Rules::Ordered,
        "0-0, snapshot 0, 0-0, 0-0, snapshot 0, 0-0, crossed, 0-0, snapshot 0, disconnect, 0-0, snapshot 0",
        &expect![[r#"
            0-0: refuse -> Buffering, 0 wait
            snapshot 0: used -> 1, 0 wait
            0-0: apply -> 2, 0 wait
            0-0: apply -> 3, 0 wait
            snapshot 0: refreshed -> 4, 0 wait
            0-0: apply -> 5, 0 wait
            crossed: lost: Crossed expected 5 got 0, 0 discarded -> Buffering, 0 wait
            0-0: refuse -> Buffering, 0 wait
            snapshot 0: used -> 6, 0 wait
            disconnect: lost: Disconnected expected 6 got 0, 0 discarded -> Disconnected, 0 wait
            0-0: refuse -> Buffering, 0 wait
            snapshot 0: used -> 7, 0 wait
        "#]],
    );
}

#[test]
fn changes_up_to_the_time_of_the_snapshot_are_in_it() {
    check(
        Rules::Timed,
        "100-100, 105-105, 110-110, snapshot 99, snapshot 105, 110-110, 109-109, 190-190, snapshot 150, snapshot 200, 200-200, 201-201, disconnect, snapshot 300, 299-299, 300-300, 400-400",
        &expect![[r#"
            100-100: wait -> Buffering, 1 wait
            105-105: wait -> Buffering, 2 wait
            110-110: wait -> Buffering, 3 wait
            snapshot 99: TooOld -> Buffering, 3 wait
            snapshot 105: used; 100-100 covered; 105-105 covered; 110-110 apply -> 110, 0 wait
            110-110: old -> 110, 0 wait
            109-109: old -> 110, 0 wait
            190-190: apply -> 190, 0 wait
            snapshot 150: Stale -> 190, 0 wait
            snapshot 200: refreshed -> 200, 0 wait
            200-200: covered -> 200, 0 wait
            201-201: apply -> 201, 0 wait
            disconnect: lost: Disconnected expected 201 got 0, 0 discarded -> Disconnected, 0 wait
            snapshot 300: used -> 300, 0 wait
            299-299: covered -> 300, 0 wait
            300-300: covered -> 300, 0 wait
            400-400: apply -> 400, 0 wait
        "#]],
    );
    // The snapshot may come before the first change is heard.
    check(
        Rules::Timed,
        "snapshot 105, 100-100, 105-105, 110-110",
        &expect![[r#"
            snapshot 105: used -> 105, 0 wait
            100-100: covered -> 105, 0 wait
            105-105: covered -> 105, 0 wait
            110-110: apply -> 110, 0 wait
        "#]],
    );
}
