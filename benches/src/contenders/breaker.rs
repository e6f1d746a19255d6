//! A circuit breaker's decision and the outcome it is told, as every upstream request and every transaction pays it.

use crate::report::Goal;
use crate::rounds::{Role, Row, Sample, ns_per};
use pitlane_runtime::breaker::{Breaker, BreakerRules, BreakerState};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A closed one lets everything pass, and hears that it succeeded.
pub fn closed(count: u64) -> Sample {
    let mut breaker = Breaker::new(BreakerRules::default());
    let start = Instant::now();
    for now_ns in 0..count {
        if black_box(&mut breaker).can_execute(now_ns) {
            breaker.record_success();
        }
    }
    let took = start.elapsed();
    assert_eq!(breaker.state(), BreakerState::Closed);
    Sample::of(per(took, count))
}

/// An open one refuses, and says why.
pub fn open(count: u64) -> Sample {
    let mut breaker = Breaker::new(BreakerRules::default());
    while !breaker.record_error(0) {}
    let start = Instant::now();
    for now_ns in 0..count {
        if !black_box(&mut breaker).can_execute(now_ns) {
            black_box(breaker.refused(now_ns));
        }
    }
    let took = start.elapsed();
    assert_eq!(breaker.state(), BreakerState::Open);
    Sample::of(per(took, count))
}

/// One that opens, lets its trial pass and closes, five failures at a time.
pub fn tripped(count: u64) -> Sample {
    let mut breaker = Breaker::new(BreakerRules::default());
    let (mut now_ns, mut trials) = (0, 0_u64);
    let start = Instant::now();
    for _ in 0..count {
        if !black_box(&mut breaker).can_execute(now_ns) {
            now_ns += 60_000_000_000;
        } else if breaker.state() == BreakerState::HalfOpen {
            trials += u64::from(breaker.record_success());
        } else {
            breaker.record_error(now_ns);
        }
    }
    let took = start.elapsed();
    // five failures, a refusal, a trial
    assert_eq!(trials, count / 7);
    Sample::of(per(took, count))
}

fn per(took: Duration, count: u64) -> f64 {
    ns_per(took, usize::try_from(count).unwrap_or(usize::MAX))
}

/// The row, with batches of `count` decisions.
pub fn row<'a>(count: u64) -> Row<'a> {
    Row::new("breaker", "a circuit breaker's decision", "ns per decision")
        .with(Role::Ours, "closed", move || closed(count))
        .with(Role::Ours, "open", move || open(count))
        .with(Role::Ours, "opening and closing", move || tripped(count))
        .known_limit("what is asked for, 0.1 ms", 100_000.0)
        .goal(Goal::AtMost(100_000.0))
}
