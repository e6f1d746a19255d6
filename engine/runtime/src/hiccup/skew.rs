//! How far the raw counters of two cores are apart.
//!
//! One thread asks, the other answers with its counter; the answer was read somewhere between
//! question and receipt, so the quickest round tells most and half of it bounds the error.

use crate::clock::Clock;
use crate::os::{self, PinError};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Rounds asked for; the quickest of them is kept.
const ROUNDS: u64 = 20_000;
/// Longest time for all rounds, if one was finished by then.
const LONGEST: Duration = Duration::from_millis(50);
/// Longest time for the first: on a busy host the answering thread has to get its turn.
const PATIENCE: Duration = Duration::from_secs(1);
/// The round that ends the answering thread.
const OVER: u64 = u64::MAX;

/// The distance of one core's counter from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// The core that answered.
    pub core: usize,
    /// The core that asked.
    pub against: usize,
    /// Nanoseconds by which the counter of `core` is ahead.
    pub offset_ns: i64,
    /// How wrong that may be, in nanoseconds.
    pub bound_ns: u64,
}

/// Question and answer, one writer each.
#[derive(Default)]
struct Exchange {
    /// Number of the round asked for.
    asked: AtomicU64,
    /// The answering core's counter.
    counter: AtomicU64,
    /// Number of the round answered.
    answered: AtomicU64,
}

/// Compares the counter of `core` with that of `against`, another core.
/// `None` if no round was finished in time.
pub fn skew(
    core: usize,
    against: usize,
    clock: &Clock,
    stop: &AtomicBool,
) -> Result<Option<Skew>, PinError> {
    let exchange = Exchange::default();
    let best = thread::scope(|scope| {
        let answering = scope.spawn(|| os::pin(core).map(|()| answer(&exchange, clock)));
        let asking = scope.spawn(|| {
            let best = os::pin(against).map(|()| ask(&exchange, clock, stop));
            // PAIRS: with the Acquire load of `asked` in `answer`; the last word, also after a failure
            exchange.asked.store(OVER, Ordering::Release);
            best
        });
        let best = asking.join().expect("asking does not panic");
        answering
            .join()
            .expect("answering does not panic")
            .and(best)
    })?;
    Ok(best.map(|(round, ahead, behind)| Skew {
        core,
        against,
        offset_ns: signed(clock.delta_ns(0, ahead)) - signed(clock.delta_ns(0, behind)),
        bound_ns: clock.delta_ns(0, round) / 2,
    }))
}

/// The quickest round: its length, and by how much the answer was ahead of or behind its middle,
/// all in counts.
fn ask(exchange: &Exchange, clock: &Clock, stop: &AtomicBool) -> Option<(u64, u64, u64)> {
    let begun = clock.raw();
    let (deadline, last) = (clock.after(begun, LONGEST), clock.after(begun, PATIENCE));
    let mut best: Option<(u64, u64, u64)> = None;
    for round in 1..=ROUNDS {
        let from = clock.raw();
        // PAIRS: with the Acquire load of `asked` in `answer`
        exchange.asked.store(round, Ordering::Release);
        let mut to;
        loop {
            // PAIRS: with the Release store of `answered` in `answer`: the counter is this round's
            let answered = exchange.answered.load(Ordering::Acquire);
            to = clock.raw();
            if answered == round {
                break;
            }
            let late = to > if best.is_some() { deadline } else { last };
            if late || stop.load(Ordering::Relaxed) {
                return best;
            }
            spin_loop();
        }
        let (length, middle) = (to.saturating_sub(from), from + to.saturating_sub(from) / 2);
        let answer = exchange.counter.load(Ordering::Relaxed);
        if best.is_none_or(|(shortest, ..)| length < shortest) {
            best = Some((
                length,
                answer.saturating_sub(middle),
                middle.saturating_sub(answer),
            ));
        }
    }
    best
}

/// Answers every round until the last, which always comes.
fn answer(exchange: &Exchange, clock: &Clock) {
    let mut seen = 0;
    loop {
        // PAIRS: with the Release stores of `asked` in `ask` and `skew`
        let asked = exchange.asked.load(Ordering::Acquire);
        if asked == OVER {
            return;
        }
        if asked == seen {
            spin_loop();
            continue;
        }
        seen = asked;
        exchange.counter.store(clock.raw(), Ordering::Relaxed);
        // PAIRS: with the Acquire load of `answered` in `ask`
        exchange.answered.store(asked, Ordering::Release);
    }
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}
