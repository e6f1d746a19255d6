//! An append to the tick store, against `write(2)` of the same record and a store to memory.
#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

use criterion::{Criterion, Throughput};
use pitlane_benches::contenders::store::{self, Place};
use pitlane_benches::operations::record;
use pitlane_benches::rounds::Sample;
use pitlane_lockfree::tick::{StoreOptions, TickReader, TickWriter};
use pitlane_runtime::clock::Clock;
use std::hint::black_box;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("tick_store/append");
    group.throughput(Throughput::Elements(1));
    let clock = Clock::new();
    let within = tempfile::tempdir().unwrap();
    let place = |records: u64| Place::new(within.path(), records.max(1 << 10), &clock);
    let mut append = |name: &str, contender: &mut dyn FnMut(&Place) -> Sample| {
        group.bench_function(name, |bench| {
            bench.iter_custom(|records| {
                let value = contender(&place(records)).value;
                Duration::from_secs_f64(value * 1e-9)
                    .saturating_mul(u32::try_from(records).unwrap_or(u32::MAX))
            });
        });
    };
    append("pitlane, commit each 64", &mut |place| {
        store::ours(place, true)
    });
    append("pitlane, pages by the append", &mut |place| {
        store::ours(place, false)
    });
    append("write(2) per record", &mut store::write);
    let mut memory = vec![[1_u64; 8]; 1 << 14];
    append("limit: store to memory", &mut |place| {
        store::memory(place, &mut memory)
    });
    group.finish();

    let dir = tempfile::tempdir().unwrap();
    let records = 1 << 18;
    let (mut writer, _) = TickWriter::open(dir.path(), StoreOptions::default()).unwrap();
    (1..=records).for_each(|sequence| writer.append(&record(sequence)).unwrap());
    writer.close().unwrap();
    let mut group = criterion.benchmark_group("tick_store/scan");
    group.throughput(Throughput::Elements(records));
    group.bench_function("pitlane", |bench| {
        bench.iter(|| {
            let mut reader = TickReader::open(dir.path()).unwrap();
            let mut sum = 0;
            loop {
                let batch = reader.next_batch(4096).unwrap();
                if batch.is_empty() {
                    break black_box(sum);
                }
                sum = batch.iter().fold(sum, |sum, record| sum ^ record[7]);
            }
        });
    });
    group.finish();
    criterion.final_summary();
}
