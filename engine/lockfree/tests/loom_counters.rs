//! What a reader of the counters page can see while it is written.
#![cfg(loom)]

use loom::thread;
use pitlane_lockfree::counters::{Anchor, CountersPage, PageOptions, Unit};

fn page() -> CountersPage {
    CountersPage::heap(PageOptions {
        entries: 2,
        errors: 1,
        value_bytes: 128,
        pid: 1,
        start_wall_ns: 0,
    })
}

#[test]
fn an_entry_is_whole_or_not_there() {
    loom::model(|| {
        let page = page();
        let reader = page.reader();
        let starting = thread::spawn(move || {
            let mut counter = page.counter("o", "frames", Unit::Bytes).unwrap();
            counter.add(1);
            counter.add(1);
        });
        let mut last = 0;
        for _ in 0..2 {
            let seen = reader.snapshot();
            if let [entry] = &seen.entries[..] {
                assert_eq!(
                    (entry.owner.as_str(), entry.label.as_str()),
                    ("o", "frames")
                );
                assert_eq!(entry.unit, Unit::Bytes);
                assert!(entry.value.number() >= last && entry.value.number() <= 2);
                last = entry.value.number();
            }
        }
        starting.join().unwrap();
        assert_eq!(reader.snapshot().entries[0].value.number(), 2);
    });
}

#[test]
fn an_anchor_is_whole_or_not_there() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let page = page();
        let reader = page.reader();
        let mut writer = page.anchors();
        let anchor = |n: u64| Anchor {
            raw: n,
            monotonic_ns: n,
            wall_ns: n.cast_signed(),
        };
        // Under loom the circle has two slots, so the third anchor is written over the first.
        writer.add(anchor(1));
        let supervisor = thread::spawn(move || {
            writer.add(anchor(2));
            writer.add(anchor(3));
        });
        for seen in reader.anchors() {
            assert_eq!(seen, anchor(seen.raw));
            assert!((1..=3).contains(&seen.raw));
        }
        supervisor.join().unwrap();
        assert_eq!(reader.anchors(), [anchor(3)]);
    });
}

#[test]
fn an_error_is_whole_or_not_there() {
    loom::model(|| {
        let page = page();
        let reader = page.reader();
        let mut errors = page.errors();
        let logger = thread::spawn(move || {
            let slot = errors.first("o", "disk", 5).unwrap();
            errors.again(slot, 6);
        });
        for error in reader.errors().0 {
            assert_eq!((error.owner.as_str(), error.text.as_str()), ("o", "disk"));
            assert!((1..=2).contains(&error.count));
            assert_eq!(error.first_wall_ns, 5);
        }
        logger.join().unwrap();
        let (seen, beyond) = reader.errors();
        assert_eq!((seen[0].count, seen[0].last_wall_ns, beyond), (2, 6, 0));
    });
}
