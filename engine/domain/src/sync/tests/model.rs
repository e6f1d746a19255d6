//! A venue with a true book, a channel that loses, repeats, delays and reorders, and the machine at its end.
//!
//! Whenever the machine says it is in step, the book made of what it let through is the venue's book at that id.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Book = BTreeMap<(bool, i64), i64>;

/// One change of the venue's book. Price 0 stands for an id that moved no visible level.
#[derive(Clone, Copy, Debug)]
struct Change {
    id_step: u64,
    ask: bool,
    px: i64,
    qty: i64,
}

/// How one depth event travels.
#[derive(Clone, Debug)]
struct Travel {
    changes: Vec<Change>,
    lost: bool,
    twice: bool,
    delay: u8,
    /// A snapshot is taken `age` changes before this event ends, and travels with a delay of its own.
    snapshot: Option<(u8, u8)>,
    drop: Option<ResetReason>,
}

enum Delivery {
    Diff(usize),
    Snapshot(u64),
    Drop(ResetReason),
}

/// What the venue did: ids with changes, and the events that tell of them.
struct Truth {
    rules: Rules,
    changes: Vec<(u64, Change)>,
    events: Vec<DepthEvent>,
}

impl Truth {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            changes: Vec::new(),
            events: Vec::new(),
        }
    }

    fn last_id(&self) -> u64 {
        self.changes.last().map_or(100, |(id, _)| *id)
    }

    fn happen(&mut self, change: Change) {
        let step = match self.rules {
            Rules::Futures => change.id_step,
            _ => 1,
        };
        self.changes.push((self.last_id() + step, change));
    }

    /// An event about the changes from index `from` on.
    fn tell(&mut self, from: usize) -> usize {
        let prev_id = from
            .checked_sub(1)
            .map_or(100, |before| self.changes[before].0);
        self.events.push(DepthEvent {
            prev_id: (self.rules == Rules::Futures).then_some(prev_id),
            ..event(self.changes[from].0, self.last_id(), None)
        });
        self.events.len() - 1
    }

    fn book_at(&self, id: u64) -> Book {
        let mut book = Book::new();
        for (_, change) in self.changes.iter().take_while(|(at, _)| *at <= id) {
            change_book(&mut book, change.ask, change.px, change.qty);
        }
        book
    }

    fn levels_of(&self, event: &DepthEvent) -> Levels {
        let inside = |id: u64| id >= event.first_id && id <= event.last_id;
        let touched: BTreeSet<(bool, i64)> = self
            .changes
            .iter()
            .filter(|(id, change)| inside(*id) && change.px != 0)
            .map(|(_, change)| (change.ask, change.px))
            .collect();
        let after = self.book_at(event.last_id);
        let side = |ask: bool| {
            let of_side = touched.iter().filter(|(a, _)| *a == ask);
            of_side
                .map(|key| Level {
                    px: Ticks(key.1),
                    qty: Lots(after.get(key).copied().unwrap_or(0)),
                })
                .collect()
        };
        Levels {
            bids: side(false),
            asks: side(true),
            ..Levels::default()
        }
    }
}

fn change_book(book: &mut Book, ask: bool, px: i64, qty: i64) {
    if px == 0 {
    } else if qty == 0 {
        book.remove(&(ask, px));
    } else {
        book.insert((ask, px), qty);
    }
}

/// The machine and the book made of what it lets through.
struct Receiver {
    sync: BookSync,
    book: Book,
    waiting: usize,
    /// Applied events: shows that a run was not vacuous.
    applied: usize,
}

impl Receiver {
    fn apply(&mut self, bids: &[Level], asks: &[Level]) {
        self.applied += 1;
        for (ask, levels) in [(false, bids), (true, asks)] {
            for level in levels {
                change_book(&mut self.book, ask, level.px.0, level.qty.0);
            }
        }
    }

    fn receive(&mut self, truth: &Truth, delivery: &Delivery) {
        let before = self.sync.book_id();
        let was_synced = before.is_some();
        match *delivery {
            Delivery::Diff(at) => {
                let event = truth.events[at];
                let levels = truth.levels_of(&event);
                match self.sync.diff(&event, &levels) {
                    Step::Apply { .. } => {
                        assert!(was_synced);
                        self.apply(&levels.bids, &levels.asks);
                    }
                    Step::Wait => self.waiting += 1,
                    Step::Lost(reset) => {
                        assert!(was_synced);
                        assert_eq!(reset.reason, ResetReason::Gap);
                        self.waiting += 1;
                    }
                    Step::Covered | Step::Old => assert!(was_synced),
                    step => panic!("{step:?}"),
                }
            }
            Delivery::Snapshot(id) => match self.sync.snapshot(id) {
                SnapshotStep::Use { refreshed } => {
                    assert_eq!(refreshed.is_some(), was_synced);
                    self.book = truth.book_at(id);
                    let mut waited = Vec::new();
                    while let Some(drained) = self.sync.drain() {
                        waited.push((drained.step, drained.bids.to_vec(), drained.asks.to_vec()));
                    }
                    for (step, bids, asks) in waited {
                        match step {
                            Step::Apply { .. } => self.apply(&bids, &asks),
                            Step::Covered | Step::Old => {}
                            Step::Lost(_) => continue,
                            step => panic!("{step:?}"),
                        }
                        self.waiting -= 1;
                    }
                }
                SnapshotStep::Stale => assert!(was_synced),
                SnapshotStep::TooOld | SnapshotStep::Unbridged => assert!(!was_synced),
            },
            Delivery::Drop(reason) => {
                let (reset, discarded) = self.sync.drop_book(reason);
                assert_eq!(reset.is_some(), was_synced);
                self.waiting -= discarded;
            }
        }
        assert_eq!(self.sync.buffered(), self.waiting);
        if let Some(id) = self.sync.book_id() {
            assert!(before <= Some(id), "the book went back in time");
            assert_eq!(self.waiting, 0, "in step while events wait");
            assert_eq!(self.book, truth.book_at(id), "at id {id}");
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    (1..5_u64, any::<bool>(), 0..5_i64, 0..4_i64).prop_map(|(id_step, ask, px, qty)| Change {
        id_step,
        ask,
        px,
        qty,
    })
}

fn travel() -> impl Strategy<Value = Travel> {
    let reason = prop_oneof![Just(ResetReason::Crossed), Just(ResetReason::Disconnected)];
    (
        vec(change(), 1..5),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(0.1),
        prop_oneof![4 => Just(0_u8), 1 => 0..6_u8],
        proptest::option::weighted(0.25, (0..8_u8, 0..6_u8)),
        proptest::option::weighted(0.03, reason),
    )
        .prop_map(|(changes, lost, twice, delay, snapshot, drop)| Travel {
            changes,
            lost,
            twice,
            delay,
            snapshot,
            drop,
        })
}

/// Lets the venue live through `travels`, delivers everything, and ends with a clean stretch that must end in step.
fn run(rules: Rules, travels: &[Travel], second_line: bool) -> Receiver {
    let mut truth = Truth::new(rules);
    let mut deliveries: Vec<(usize, Delivery)> = Vec::new();
    let mut second_from = None;
    for (at, travel) in travels.iter().enumerate() {
        let from = truth.changes.len();
        for &change in &travel.changes {
            truth.happen(change);
        }
        let due = at + usize::from(travel.delay);
        let told = truth.tell(from);
        if !travel.lost {
            deliveries.push((due, Delivery::Diff(told)));
        }
        if travel.twice {
            deliveries.push((due + 1, Delivery::Diff(told)));
        }
        // A second connection tells the same in other portions, as spot streams of two connections do.
        if second_line && rules == Rules::Spot && at % 2 == 1 {
            let told = truth.tell(second_from.unwrap_or(from));
            deliveries.push((due, Delivery::Diff(told)));
            second_from = Some(truth.changes.len());
        }
        if let Some((age, delay)) = travel.snapshot {
            let taken = truth.changes.len().saturating_sub(1 + usize::from(age));
            let id = truth.changes[taken].0;
            deliveries.push((at + usize::from(delay), Delivery::Snapshot(id)));
        }
        if let Some(reason) = travel.drop {
            deliveries.push((at, Delivery::Drop(reason)));
        }
    }
    deliveries.sort_by_key(|(due, _)| *due);
    let mut receiver = Receiver {
        sync: BookSync::new(rules),
        book: Book::new(),
        waiting: 0,
        applied: 0,
    };
    for (_, delivery) in &deliveries {
        receiver.receive(&truth, delivery);
    }
    let calm = Change {
        id_step: 3,
        ask: false,
        px: 1,
        qty: 7,
    };
    for round in 0..3 {
        let from = truth.changes.len();
        truth.happen(calm);
        truth.happen(Change { px: 2, ..calm });
        let told = truth.tell(from);
        receiver.receive(&truth, &Delivery::Diff(told));
        if round == 0 {
            let newest = truth.last_id();
            receiver.receive(&truth, &Delivery::Snapshot(newest));
        }
        assert_eq!(receiver.sync.book_id(), Some(truth.last_id()));
    }
    receiver
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn in_step_means_the_venues_book(
        futures: bool,
        second_line: bool,
        travels in vec(travel(), 0..40),
    ) {
        let rules = if futures { Rules::Futures } else { Rules::Spot };
        run(rules, &travels, second_line);
    }

    #[test]
    fn a_clean_channel_is_applied_whole_after_the_first_snapshot(
        futures: bool,
        travels in vec(travel(), 1..40),
        age in 0..4_u8,
    ) {
        let rules = if futures { Rules::Futures } else { Rules::Spot };
        let mut calm = travels;
        for travel in &mut calm {
            (travel.lost, travel.twice, travel.delay) = (false, false, 0);
            (travel.snapshot, travel.drop) = (None, None);
        }
        // A snapshot from within the first event: every later event must be applied, up to the refresh and behind it.
        let age = usize::from(age).min(calm[0].changes.len() - 1);
        calm[0].snapshot = Some((u8::try_from(age).unwrap(), 0));
        let receiver = run(rules, &calm, false);
        let first_counts = age > 0 || futures;
        prop_assert_eq!(receiver.applied, calm.len() - 1 + usize::from(first_counts) + 3);
    }
}
