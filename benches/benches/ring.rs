//! A ring edge, counted and in batches, against the ring it is made of and, with `rivals`, other queues.
#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

use criterion::{Criterion, Throughput};
use pitlane_domain::message::Message;
use pitlane_lockfree::ring::{EdgeCounters, ring};
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const BATCH: usize = 64;
const CAPACITY: usize = 1024;

fn message(sequence: u64) -> Message {
    Message {
        sequence,
        ..bytemuck::Zeroable::zeroed()
    }
}

/// Both ends on one thread: the work of a hop without the distance.
fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/batch of 64, one thread");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("pitlane send_from, drain", |bench| {
        let (mut tx, mut rx) = ring::<Message>(CAPACITY, EdgeCounters::private());
        bench.iter(|| {
            let mut next = 0;
            let sent = tx.send_from(BATCH, || {
                next += 1;
                Some(message(next))
            });
            let mut sum = 0;
            let taken = rx.drain(BATCH, |message| sum ^= message.sequence);
            black_box((sum, sent, taken))
        });
    });
    group.bench_function("rtrb chunks", |bench| {
        let (mut tx, mut rx) = rtrb::RingBuffer::<Message>::new(CAPACITY);
        bench.iter(|| {
            let mut next = 0;
            let chunk = tx.write_chunk_uninit(BATCH).unwrap();
            chunk.fill_from_iter(std::iter::from_fn(|| {
                next += 1;
                Some(message(next))
            }));
            let chunk = rx.read_chunk(BATCH).unwrap();
            let (first, second) = chunk.as_slices();
            let sum = first
                .iter()
                .chain(second)
                .fold(0, |sum, m| sum ^ m.sequence);
            chunk.commit_all();
            black_box(sum)
        });
    });
    group.bench_function("rtrb push, pop", |bench| {
        let (mut tx, mut rx) = rtrb::RingBuffer::<Message>::new(CAPACITY);
        bench.iter(|| {
            for next in 0..BATCH as u64 {
                tx.push(message(next)).unwrap();
            }
            let mut sum = 0;
            while let Ok(message) = rx.pop() {
                sum ^= message.sequence;
            }
            black_box(sum)
        });
    });
    #[cfg(feature = "rivals")]
    group.bench_function("crossbeam ArrayQueue", |bench| {
        let queue = crossbeam_queue::ArrayQueue::<Message>::new(CAPACITY);
        bench.iter(|| {
            for next in 0..BATCH as u64 {
                queue.push(message(next)).unwrap();
            }
            let mut sum = 0;
            while let Some(message) = queue.pop() {
                sum ^= message.sequence;
            }
            black_box(sum)
        });
    });
    group.finish();
}

/// Spins, and gives the core away at times: on a machine with one free core the other side needs it.
fn wait(mut ready: impl FnMut() -> bool) {
    let mut spins = 0_u32;
    while !ready() {
        spins += 1;
        if spins.is_multiple_of(4096) {
            thread::yield_now();
        }
        spin_loop();
    }
}

/// There and back between two threads, which is two hops.
fn round_trips(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/round trip, two threads");
    group.bench_function("pitlane", |bench| {
        bench.iter_custom(|rounds| {
            let (mut there, mut far) = ring::<Message>(CAPACITY, EdgeCounters::private());
            let (mut back, mut near) = ring::<Message>(CAPACITY, EdgeCounters::private());
            timed(
                rounds,
                move |_| wait(|| !far.drain(1, |message| back.push(*message)).is_idle()),
                |round| {
                    there.push(message(round));
                    wait(|| !near.drain(1, |m| assert_eq!(m.sequence, round)).is_idle());
                },
            )
        });
    });
    group.bench_function("rtrb", |bench| {
        bench.iter_custom(|rounds| {
            let (mut there, mut far) = rtrb::RingBuffer::<Message>::new(CAPACITY);
            let (mut back, mut near) = rtrb::RingBuffer::<Message>::new(CAPACITY);
            timed(
                rounds,
                move |_| wait(|| far.pop().is_ok_and(|message| back.push(message).is_ok())),
                |round| {
                    there.push(message(round)).unwrap();
                    wait(|| near.pop().is_ok_and(|message| message.sequence == round));
                },
            )
        });
    });
    group.bench_function("limit: two atomics", |bench| {
        bench.iter_custom(|rounds| {
            let (there, back) = (AtomicU64::new(0), AtomicU64::new(0));
            let (there, back) = (&there, &back);
            // Relaxed is enough: the number is all there is to see
            timed(
                rounds,
                move |round| {
                    wait(|| there.load(Ordering::Relaxed) == round);
                    back.store(round, Ordering::Relaxed);
                },
                |round| {
                    there.store(round, Ordering::Relaxed);
                    wait(|| back.load(Ordering::Relaxed) == round);
                },
            )
        });
    });
    #[cfg(feature = "rivals")]
    group.bench_function("std mpsc", |bench| {
        bench.iter_custom(|rounds| {
            let (there, far) = std::sync::mpsc::sync_channel::<Message>(CAPACITY);
            let (back, near) = std::sync::mpsc::sync_channel::<Message>(CAPACITY);
            timed(
                rounds,
                move |_| back.send(far.recv().unwrap()).unwrap(),
                |round| {
                    there.send(message(round)).unwrap();
                    assert_eq!(near.recv().unwrap().sequence, round);
                },
            )
        });
    });
    group.finish();
}

/// Time of so many rounds from 1 on, with the other side on a thread of its own.
fn timed(rounds: u64, mut other: impl FnMut(u64) + Send, mut one: impl FnMut(u64)) -> Duration {
    thread::scope(|scope| {
        scope.spawn(move || (1..=rounds).for_each(&mut other));
        let start = Instant::now();
        (1..=rounds).for_each(&mut one);
        start.elapsed()
    })
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    batches(&mut criterion);
    round_trips(&mut criterion);
    criterion.final_summary();
}
