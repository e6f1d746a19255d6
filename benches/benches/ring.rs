//! A ring edge, counted and in batches, against the ring it is made of and, with `rivals`, other queues.
#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

use criterion::{Criterion, Throughput};
use pitlane_benches::contenders::hop::{self, Track};
use pitlane_benches::rounds::Sample;
use pitlane_domain::message::Message;
use pitlane_lockfree::ring::{EdgeCounters, ring};
use pitlane_runtime::clock::Clock;
use std::hint::black_box;
use std::time::Duration;

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

/// Half of there and back between two threads on two cores; nothing where there is one core only.
fn hops(criterion: &mut Criterion) {
    let clock = Clock::new();
    let mut group = criterion.benchmark_group("ring/hop, two cores");
    let mut hop = |name: &str, contender: fn(&Track) -> Sample| {
        group.bench_function(name, |bench| {
            bench.iter_custom(|hops| {
                let track = Track::find(&clock, hops);
                let value = track.map_or(0.0, |track| contender(&track).value);
                Duration::from_secs_f64(
                    value * 1e-9 * f64::from(u32::try_from(hops).unwrap_or(u32::MAX)),
                )
            });
        });
    };
    hop("pitlane", hop::edge);
    hop("rtrb", hop::rtrb);
    hop("limit: two atomics", hop::atomics);
    hop("std mpsc", hop::mpsc);
    #[cfg(feature = "rivals")]
    hop("disruptor", hop::disruptor);
    #[cfg(feature = "rivals")]
    hop("crossbeam ArrayQueue", hop::array_queue);
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    batches(&mut criterion);
    hops(&mut criterion);
    criterion.final_summary();
}
