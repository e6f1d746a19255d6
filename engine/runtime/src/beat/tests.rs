use super::*;
use crate::clock::ManualClock;
use pitlane_lockfree::counters::{Anchor, HistogramSnapshot, PageOptions};

struct Rig {
    page: CountersPage,
    hand: ManualClock,
    clock: Clock,
    tracker: CycleTracker,
}

fn rig(idle: IdleKind) -> Rig {
    let page = CountersPage::heap(PageOptions::default());
    let (clock, hand) = Clock::manual(0);
    let tracker = CycleTracker::new(&page, "thread/t", Some(idle), &clock).expect("room");
    Rig {
        page,
        hand,
        clock,
        tracker,
    }
}

impl Rig {
    /// One cycle of that length.
    fn cycle(&mut self, ns: u64, worked: bool) {
        self.tracker.begin(self.clock.raw());
        self.hand.advance(ns);
        self.tracker.end(worked);
    }

    /// Longest, stalls, and lengths of busy cycles.
    fn seen(&self) -> (u64, u64, HistogramSnapshot) {
        let snapshot = self.page.reader().snapshot();
        let number = |what: &Declared| {
            let value = snapshot.value("thread/t", what.label);
            value.map_or(0, Value::number)
        };
        let Some(Value::Histogram(lengths)) = snapshot.value("thread/t", CYCLE.label) else {
            panic!("lengths are a distribution");
        };
        (number(&CYCLE_MAX), number(&STALLS), (**lengths).clone())
    }
}

#[test]
fn a_busy_cycle_is_as_long_as_the_time_to_the_next_one() {
    let mut rig = rig(IdleKind::Park);
    for ns in [500, 700, 30_000_000] {
        rig.cycle(ns, true);
    }
    // it is known when the next one begins
    assert_eq!(rig.seen().0, 700);
    rig.cycle(100, false);
    let (max, stalls, lengths) = rig.seen();
    assert_eq!((max, stalls), (30_000_000, 1));
    assert_eq!((lengths.count, lengths.min), (3, 500));
    assert_eq!(lengths.sum, 30_001_200);
}

#[test]
fn a_rest_is_no_stall_unless_the_thread_spins() {
    let mut sharing = rig(IdleKind::Park);
    sharing.cycle(100, true);
    sharing.cycle(50_000_000, false);
    sharing.cycle(100, false);
    assert_eq!((sharing.seen().0, sharing.seen().1), (100, 0));

    let mut spinning = rig(IdleKind::Spin);
    spinning.cycle(100, false);
    // somebody took the core away
    spinning.cycle(2_000_000, false);
    spinning.cycle(100, false);
    let (max, stalls, lengths) = spinning.seen();
    assert_eq!((max, stalls, lengths.count), (2_000_000, 1, 0));
    let snapshot = spinning.page.reader().snapshot();
    let threshold = snapshot.value("thread/t", STALL_THRESHOLD.label);
    assert_eq!(threshold.map(Value::number), Some(1_000_000));
}

#[test]
fn uptime_lasts_until_the_end_or_the_latest_anchor() {
    let page = CountersPage::heap(PageOptions::default());
    let mut beat = AgentBeat::new(&page, "feed", 0, 0).expect("room");
    let mut anchors = page.anchors();
    let uptime = |page: &CountersPage| uptime_ns(&page.reader().snapshot(), "feed");
    assert_eq!(uptime(&page), None);
    anchors.set_ticks_per_second(2_000_000_000);
    beat.since.set(1_000);
    anchors.add(Anchor {
        raw: 5_000,
        ..Anchor::default()
    });
    assert_eq!(uptime(&page), Some(2_000));
    beat.until.set(2_000);
    assert_eq!(uptime(&page), Some(500));
}

#[test]
fn errors_are_those_told_and_those_that_ended_the_agent() {
    let page = CountersPage::heap(PageOptions::default());
    let mut beat = AgentBeat::new(&page, "feed", 0, 0).expect("room");
    beat.failures.add(1);
    assert_eq!(error_count(&page.reader().snapshot(), "feed"), 1);
    page.declared_counter("feed", &crate::log::ERRORS_TOLD)
        .expect("room")
        .add(4);
    assert_eq!(error_count(&page.reader().snapshot(), "feed"), 5);
    assert_eq!(error_count(&page.reader().snapshot(), "nobody"), 0);
}
