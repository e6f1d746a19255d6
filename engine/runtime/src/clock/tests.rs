use super::*;

#[test]
fn a_manual_clock_moves_only_when_told() {
    let (clock, hand) = Clock::manual(1_000);
    let start = clock.raw();
    assert_eq!(clock.since_ns(start), 0);
    hand.advance(250);
    assert_eq!(clock.since_ns(start), 250);
    let anchor = clock.anchor();
    assert_eq!(anchor.wall_ns, 1_250);
    assert_eq!(clock.to_wall(&anchor, start), 1_000);
    assert_eq!(clock.to_wall(&anchor, start + 300), 1_300);
}

#[test]
fn a_reading_converts_to_the_wall_time_of_its_moment() {
    let clock = Clock::new();
    let first = clock.anchor();
    let raw = clock.raw();
    let second = clock.anchor();
    let by_first = clock.to_wall(&first, raw);
    let by_second = clock.to_wall(&second, raw);
    // A stepped realtime clock or a long preemption could part them; a second is far beyond both.
    assert!((by_first - by_second).abs() < 1_000_000_000);
    assert!(by_first >= first.wall_ns);
    assert!(by_second <= second.wall_ns);
}

#[test]
fn drift_is_silent_until_there_is_something_to_say() {
    let (clock, hand) = Clock::manual(0);
    let mut anchors = Anchors::new(clock.anchor());
    hand.advance(999_999_999);
    anchors.push(clock.anchor());
    assert_eq!(anchors.drift_ppb(&clock), None);
    hand.advance(1);
    let mut late = clock.anchor();
    late.mono_ns -= 500;
    late.mono_ns += 1_000_000_000;
    anchors.push(late);
    assert!(anchors.drift_ppb(&clock).is_some_and(|ppb| ppb < 0));
    assert_eq!(anchors.count, 3);
}

#[test]
fn what_is_due_after_a_time_is_not_due_before() {
    let clock = Clock::new();
    let raw = clock.raw();
    for ns in (1..2_000).chain([30_000_000, 3_600_000_000_000, 86_400_000_000_001]) {
        let due = clock.after(raw, Duration::from_nanos(ns));
        let by = clock.delta_ns(raw, due);
        let most = ns + 2 + clock.delta_ns(0, 2);
        assert!((ns..most).contains(&by), "{ns} {by}");
    }
    assert_eq!(clock.after(raw, Duration::MAX), u64::MAX);
}
