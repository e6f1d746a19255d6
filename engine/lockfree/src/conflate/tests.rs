//! The conflating edge against a map.

use super::conflate;
use crate::ring::EdgeCounters;
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(crate::cases(500, 2))]
    #[test]
    fn the_newest_of_each_key(steps in prop::collection::vec(prop::option::weighted(0.8, 0..130_usize), 0..crate::steps(200))) {
        let (mut tx, mut rx) = conflate::<3>(130, EdgeCounters::private());
        let mut waiting: BTreeMap<usize, u64> = BTreeMap::new();
        let (mut sent, mut received, mut replaced) = (0, 0, 0);
        for step in steps.into_iter().chain([None]) {
            if let Some(key) = step {
                sent += 1;
                tx.put(key, &[sent, sent + 1, sent + 2]);
                replaced += u64::from(waiting.insert(key, sent).is_some());
            } else {
                prop_assert_eq!(rx.is_empty(), waiting.is_empty());
                let mut seen = Vec::new();
                let work = rx.drain(|key, value| {
                    assert_eq!([value[0] + 1, value[0] + 2], value[1..]);
                    seen.push((key, value[0]));
                });
                received += u64::from(work.count());
                prop_assert_eq!(seen, std::mem::take(&mut waiting).into_iter().collect::<Vec<_>>());
                prop_assert_eq!(rx.replaced(), replaced);
                prop_assert_eq!(sent, received + replaced);
            }
        }
    }
}

#[test]
fn across_threads_the_last_value_arrives_and_all_are_accounted_for() {
    const COUNT: u64 = if cfg!(miri) { 100 } else { 100_000 };
    let (mut tx, mut rx) = conflate::<8>(3, EdgeCounters::private());
    let producer = std::thread::spawn(move || {
        for n in 1..=COUNT {
            tx.put((n % 3) as usize, &[n; 8]);
        }
    });
    let mut last = [0; 3];
    let mut received = 0;
    while last.iter().max() < Some(&COUNT) || received + rx.replaced() < COUNT {
        let work = rx.drain(|key, value| {
            assert!(
                value.iter().all(|word| *word == value[0]),
                "torn: {value:?}"
            );
            assert!(value[0] > last[key]);
            last[key] = value[0];
        });
        received += u64::from(work.count());
        if work.is_idle() {
            std::thread::yield_now();
        }
    }
    producer.join().unwrap();
    assert_eq!(received + rx.replaced(), COUNT);
    assert!(rx.is_empty());
}
