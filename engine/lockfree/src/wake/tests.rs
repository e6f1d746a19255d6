//! Parking and waking. That no wake-up is lost is shown by `tests/loom_wake.rs`.

use super::{Parked, parker};
use crate::ring::{EdgeCounters, ring};
use std::time::{Duration, Instant};

#[test]
fn a_recheck_that_finds_something_does_not_sleep() {
    let (mut parker, waker) = parker();
    let start = Instant::now();
    let parked = parker.park(Duration::from_mins(1), || {
        assert!(waker.is_parked(), "marked before the recheck");
        true
    });
    assert_eq!(parked, Parked::NotNeeded);
    assert!(start.elapsed() < Duration::from_secs(30));
    assert!(!waker.is_parked());
}

#[test]
fn a_park_ends_by_itself() {
    let (mut parker, _waker) = parker();
    let parked = parker.park(Duration::from_millis(1), || false);
    assert_eq!(parked, Parked::TimedOut);
}

#[test]
fn a_wake_between_mark_and_sleep_is_not_lost() {
    let (mut parker, waker) = parker();
    let parked = parker.park(Duration::from_mins(1), || {
        waker.wake();
        false
    });
    assert_eq!(parked, Parked::Woken);
}

#[test]
fn a_wake_of_an_awake_thread_leaves_nothing_behind() {
    let (mut parker, waker) = parker();
    waker.wake();
    waker.clone().wake();
    let parked = parker.park(Duration::from_millis(1), || false);
    assert_eq!(parked, Parked::TimedOut);
}

/// Nobody sleeps until the timeout: every message comes by a wake-up. A park may end early by accident, when a wake-up
/// came too late for the park before; that is not a loss.
#[test]
fn messages_wake_their_consumer() {
    const COUNT: u64 = if cfg!(miri) { 20 } else { 2000 };
    const LONG: Duration = Duration::from_mins(1);
    let (mut tx, mut rx) = ring(8, EdgeCounters::private());
    let (mut parker, waker) = parker();
    let consumer = std::thread::spawn(move || {
        let mut seen = 0;
        while seen < COUNT {
            if rx.drain(8, |_: &u64| seen += 1).is_idle() {
                let begun = std::time::Instant::now();
                let parked = parker.park(LONG, || !rx.is_empty());
                let slept_out = parked == Parked::TimedOut && begun.elapsed() >= LONG;
                assert!(!slept_out, "a wake-up was lost");
            }
        }
    });
    for n in 0..COUNT {
        while !tx.has_room_for(1) {
            assert!(!tx.is_abandoned(), "the consumer is gone");
            std::thread::yield_now();
        }
        tx.push(n);
        waker.wake();
        if n % 7 == 0 {
            std::thread::yield_now();
        }
    }
    consumer.join().unwrap();
}
