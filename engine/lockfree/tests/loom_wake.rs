//! No wake-up is lost: under loom a park has no timeout, so a lost one is a deadlock, which loom reports.
#![cfg(loom)]

use loom::thread;
use pitlane_lockfree::sync::{AtomicU64, Ordering};
use pitlane_lockfree::wake::parker;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(1);

/// As a consumer waits for a ring: what it looks at is only relaxed, the fences must do the rest.
#[test]
fn one_producer() {
    loom::model(|| {
        let (mut parker, waker) = parker();
        let cursor = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&cursor);
        let producer = thread::spawn(move || {
            cursor.store(1, Ordering::Relaxed);
            waker.wake();
        });
        while seen.load(Ordering::Relaxed) == 0 {
            let _ = parker.park(LONG, || seen.load(Ordering::Relaxed) != 0);
        }
        producer.join().unwrap();
    });
}

#[test]
fn two_messages_from_one_producer() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (mut parker, waker) = parker();
        let cursor = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&cursor);
        let producer = thread::spawn(move || {
            for n in 1..=2 {
                cursor.store(n, Ordering::Relaxed);
                waker.wake();
            }
        });
        for n in 1..=2 {
            while seen.load(Ordering::Relaxed) < n {
                let _ = parker.park(LONG, || seen.load(Ordering::Relaxed) >= n);
            }
        }
        producer.join().unwrap();
    });
}

/// Only the first of several wakers calls the system; the others' messages must be seen all the same.
#[test]
fn two_producers() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let (mut parker, waker) = parker();
        let cursors = [Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0))];
        let producers = cursors.clone().map(|cursor| {
            let waker = waker.clone();
            thread::spawn(move || {
                cursor.store(1, Ordering::Relaxed);
                waker.wake();
            })
        });
        let all = || cursors.iter().all(|c| c.load(Ordering::Relaxed) == 1);
        while !all() {
            // An agent rechecks for anything new; here both are needed to go on, so it parks until both are there.
            let _ = parker.park(LONG, all);
        }
        for producer in producers {
            producer.join().unwrap();
        }
    });
}
