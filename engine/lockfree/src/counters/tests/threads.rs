//! A page that is read while others write it.

use super::*;
use crate::counters::Snapshot;
use std::thread;

/// Numbers that come while the page is being read, each with its own writes.
const NUMBERS: usize = if cfg!(miri) { 6 } else { 60 };
/// Writes of each.
const WRITES: u64 = if cfg!(miri) { 8 } else { 2_000 };
/// Widest value in the histogram.
const WIDEST: u64 = 1_000;

fn page() -> CountersPage {
    CountersPage::heap(PageOptions {
        entries: 2 * NUMBERS + 1,
        value_bytes: 60_000,
        ..small()
    })
}

fn anchor(n: u64) -> Anchor {
    Anchor {
        raw: n,
        monotonic_ns: n * 2,
        wall_ns: -n.cast_signed(),
    }
}

/// Everything in a snapshot belongs together, and nothing went back since the one before.
fn follows(before: &Snapshot, now: &Snapshot) {
    assert!(
        now.entries.len() >= before.entries.len(),
        "the directory only grows"
    );
    for (index, entry) in now.entries.iter().enumerate() {
        let last = before
            .entries
            .get(index)
            .map_or(0, |entry| entry.value.number());
        assert!(entry.value.number() >= last, "{entry:?} was {last}");
        if let Value::Histogram(seen) = &entry.value {
            assert_eq!(seen.count, seen.buckets.iter().sum::<u64>());
            assert!(seen.max <= WIDEST && (seen.max == 0 || seen.min <= seen.max));
            assert!(seen.filled().all(|(low, _, _)| low <= WIDEST));
        } else {
            let written = format!("{}-number", entry.owner);
            assert!(
                entry.label.starts_with(&written),
                "a name is whole: {entry:?}"
            );
            assert!(entry.value.number() <= WRITES);
        }
    }
    for pair in now.anchors.windows(2) {
        assert_eq!(pair[1].raw, pair[0].raw + 1, "in order and without a hole");
    }
    for seen in &now.anchors {
        assert_eq!(*seen, anchor(seen.raw), "an anchor is whole");
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "takes minutes; loom has models of its parts, and scripts/sanitize runs it"
)]
fn a_page_is_read_while_it_is_written() {
    let page = page();
    let reader = page.reader();
    let mut hop = page.histogram("market", "hop", Unit::Nanoseconds).unwrap();
    let mut anchors = page.anchors();
    let mut errors = page.errors();
    let writers = ["one", "two"].map(|owner| {
        let page = page.clone();
        thread::spawn(move || {
            for number in 0..NUMBERS {
                let label = format!("{owner}-number-{number}");
                let mut counter = page.counter(owner, &label, Unit::Count).unwrap();
                (0..WRITES).for_each(|_| counter.add(1));
            }
        })
    });
    let supervisor = thread::spawn(move || {
        let slot = errors.first("market", "no room", 1).unwrap();
        for n in 1..=2 * WRITES {
            hop.record(n * 37 % (WIDEST + 1));
            anchors.add(anchor(n));
            errors.again(slot, 1 + n.cast_signed());
        }
    });
    let mut before = reader.snapshot();
    let mut looks = 0;
    let mut over = false;
    while !over {
        // Asked before the look, so that the last look sees the end of everything.
        over = supervisor.is_finished() && writers.iter().all(thread::JoinHandle::is_finished);
        let mut now = before.clone();
        reader.snapshot_into(&mut now);
        follows(&before, &now);
        for error in reader.errors().0 {
            assert_eq!((&*error.owner, &*error.text), ("market", "no room"));
            assert!((1..=1 + 2 * WRITES).contains(&error.count));
        }
        before = now;
        looks += 1;
        thread::yield_now();
    }
    supervisor.join().unwrap();
    for writer in writers {
        writer.join().unwrap();
    }
    let end = reader.snapshot();
    follows(&before, &end);
    assert_eq!(end.entries.len(), 2 * NUMBERS + 1, "after {looks} looks");
    let count = |entry: &crate::counters::Entry| entry.value.number();
    let all: u64 = end.entries.iter().map(count).sum();
    assert_eq!(all, (2 * NUMBERS as u64 + 2) * WRITES);
    assert_eq!(end.anchors.last(), Some(&anchor(2 * WRITES)));
    assert_eq!(reader.errors().0[0].count, 1 + 2 * WRITES);
}
