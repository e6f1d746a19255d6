//! Edges against a queue, and across threads.

use super::{EdgeCounters, lossy_ring, ring};
use crate::counters::{CountersPage, PageOptions};
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Debug)]
enum Step {
    Push,
    TryPush,
    SendFrom(u8, u8),
    HasRoom(u8),
    Drain(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Push),
        Just(Step::TryPush),
        (0..9_u8, 0..9_u8).prop_map(|(max, has)| Step::SendFrom(max, has)),
        (0..9_u8).prop_map(Step::HasRoom),
        (0..9_u8).prop_map(Step::Drain),
    ]
}

/// A page, to see what an edge counted after its ends are gone.
fn counted() -> (CountersPage, EdgeCounters) {
    let page = CountersPage::heap(PageOptions {
        entries: 16,
        value_bytes: 1024,
        ..PageOptions::default()
    });
    let counters = EdgeCounters::on(&page, "e", "from", "to").unwrap();
    (page, counters)
}

fn number(page: &CountersPage, what: &str) -> u64 {
    let snapshot = page.reader().snapshot();
    let label = format!("edge.e.{what}");
    let found = snapshot.entries.iter().find(|entry| entry.label == label);
    found.expect("every counter is listed").value.number()
}

proptest! {
    #![proptest_config(crate::cases(500, 4))]
    #[test]
    fn a_lossless_edge_is_a_queue(capacity in 1..8_usize, steps in prop::collection::vec(step(), 0..crate::steps(60))) {
        let (page, counters) = counted();
        let (mut tx, mut rx) = ring::<[u64; 8]>(capacity, counters);
        let mut model = VecDeque::new();
        let (mut sent, mut received, mut blocked, mut high_water) = (0_u64, 0_u64, 0_u64, 0_usize);
        for step in steps {
            match step {
                Step::Push | Step::TryPush => {
                    if tx.has_room_for(1) {
                        sent += 1;
                        tx.push([sent; 8]);
                        model.push_back([sent; 8]);
                    } else {
                        blocked += 1;
                    }
                }
                Step::SendFrom(max, has) => {
                    let room = capacity - model.len();
                    let mut left = has;
                    let work = tx.send_from(usize::from(max), || {
                        left = left.checked_sub(1)?;
                        sent += 1;
                        model.push_back([sent; 8]);
                        Some([sent; 8])
                    });
                    prop_assert_eq!(work.count() as usize, usize::from(max.min(has)).min(room));
                }
                Step::HasRoom(burst) => {
                    let room = capacity - model.len() >= usize::from(burst);
                    prop_assert_eq!(tx.has_room_for(usize::from(burst)), room);
                    blocked += u64::from(!room);
                }
                Step::Drain(max) => {
                    if max > 0 {
                        high_water = high_water.max(model.len());
                    }
                    prop_assert_eq!(rx.peek(), model.front().copied());
                    let mut taken = 0;
                    let work = rx.drain(usize::from(max), |message| {
                        taken += 1;
                        assert_eq!(Some(*message), model.pop_front());
                    });
                    received += taken;
                    prop_assert_eq!(u64::from(work.count()), taken);
                }
            }
            prop_assert_eq!(rx.len(), model.len());
            prop_assert_eq!(rx.is_empty(), model.is_empty());
            prop_assert_eq!(tx.room(), capacity - model.len());
        }
        prop_assert_eq!(number(&page, "sent"), sent);
        prop_assert_eq!(number(&page, "received"), received);
        prop_assert_eq!(number(&page, "blocked"), blocked);
        prop_assert_eq!(number(&page, "high_water"), high_water as u64);
        prop_assert_eq!(number(&page, "capacity"), capacity as u64);
        prop_assert_eq!(number(&page, "dropped"), 0);
    }

    #[test]
    fn a_lossy_edge_counts_what_it_drops(capacity in 1..8_usize, steps in prop::collection::vec(step(), 0..crate::steps(60))) {
        let (page, counters) = counted();
        let (mut tx, mut rx) = lossy_ring::<u64>(capacity, counters);
        let mut model = VecDeque::new();
        let (mut sent, mut received, mut dropped) = (0, 0, 0);
        for step in steps {
            if let Step::Drain(max) = step {
                let work = rx.drain(usize::from(max), |message| {
                    assert_eq!(Some(*message), model.pop_front());
                });
                received += u64::from(work.count());
            } else {
                let value = sent + dropped;
                let fits = model.len() < capacity;
                prop_assert_eq!(tx.try_push(value), fits);
                if fits {
                    sent += 1;
                    model.push_back(value);
                } else {
                    dropped += 1;
                }
                prop_assert_eq!(tx.dropped(), dropped);
            }
        }
        prop_assert_eq!(number(&page, "sent"), sent);
        prop_assert_eq!(number(&page, "received"), received);
        prop_assert_eq!(number(&page, "dropped"), dropped);
    }
}

#[test]
#[should_panic(expected = "more messages than the declared burst")]
fn a_push_without_credit_is_a_bug() {
    let (mut tx, _rx) = ring(1, EdgeCounters::private());
    tx.push(1_u64);
    tx.push(2);
}

#[test]
#[should_panic(expected = "belongs to the ring")]
fn the_bit_of_the_ring_is_refused() {
    let (mut tx, _rx) = ring(1, EdgeCounters::private());
    tx.push([1_u64 << 63, 0]);
}

#[test]
fn every_other_bit_arrives() {
    let (mut tx, mut rx) = ring(3, EdgeCounters::private());
    for round in 0..7_u64 {
        let mut message = [u64::MAX; 8];
        message[0] = u64::MAX >> 1;
        message[1] = round;
        tx.push(message);
        let mut seen = None;
        let _ = rx.drain(1, |it| seen = Some(*it));
        assert_eq!(seen, Some(message));
    }
}

#[test]
fn messages_may_be_shorter_than_a_line() {
    let (mut tx, mut rx) = ring(2, EdgeCounters::private());
    for round in 0..5_u8 {
        tx.push([round, 255, 7]);
        let mut seen = None;
        let _ = rx.drain(1, |it| seen = Some(*it));
        assert_eq!(seen, Some([round, 255, 7]));
    }
}

#[test]
fn the_time_without_room_is_counted() {
    let (page, counters) = counted();
    let (mut tx, mut rx) = ring(1, counters);
    assert!(tx.has_room_at(1, 1000));
    tx.push(1_u64);
    for now in [2000, 2500, 2600] {
        assert!(!tx.has_room_at(1, now));
    }
    // Booked as it passes, before the end of the blockade.
    assert_eq!(number(&page, "blocked_ticks"), 600);
    let _ = rx.drain(1, |_| ());
    assert!(tx.has_room_at(1, 3000));
    assert!(tx.has_room_at(1, 9000));
    assert_eq!(number(&page, "blocked_ticks"), 1000);
    assert_eq!(number(&page, "blocked"), 3);
}

#[test]
fn a_panic_in_the_consumer_loses_nothing() {
    let (mut tx, mut rx) = ring(4, EdgeCounters::private());
    for n in 0..4 {
        tx.push(n);
    }
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        rx.drain(4, |n| assert_ne!(*n, 2))
    }));
    assert!(caught.is_err());
    let mut seen = Vec::new();
    let _ = rx.drain(4, |n| seen.push(*n));
    assert_eq!(seen, [0, 1, 2, 3]);
}

#[test]
fn the_other_end_can_be_seen_leaving() {
    let (mut tx, rx) = ring(4, EdgeCounters::private());
    tx.push(1);
    assert!(!tx.is_abandoned() && !rx.is_abandoned());
    drop(tx);
    assert!(rx.is_abandoned());
    assert_eq!(rx.len(), 1);
    let (tx, rx) = lossy_ring::<u8>(4, EdgeCounters::private());
    drop(rx);
    assert!(tx.is_abandoned());
}

#[test]
fn messages_cross_threads_in_order() {
    const COUNT: u64 = if cfg!(miri) { 200 } else { 200_000 };
    let (mut tx, mut rx) = ring::<[u64; 8]>(64, EdgeCounters::private());
    let producer = std::thread::spawn(move || {
        let mut next = 0;
        while next < COUNT {
            let work = tx.send_from(16, || {
                (next < COUNT).then(|| {
                    next += 1;
                    [next; 8]
                })
            });
            if work.is_idle() {
                std::thread::yield_now();
            }
        }
    });
    let mut expected = 0;
    while expected < COUNT {
        let work = rx.drain(64, |message| {
            expected += 1;
            assert_eq!(*message, [expected; 8]);
        });
        if work.is_idle() {
            std::thread::yield_now();
        }
    }
    producer.join().unwrap();
}
