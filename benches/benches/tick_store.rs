//! An append to the tick store, against `write(2)` of the same record and a store to memory.
#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

use criterion::{Criterion, Throughput};
use pitlane_lockfree::Record;
use pitlane_lockfree::tick::{StoreOptions, TickReader, TickWriter};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

/// Records between two commits, as between two polls of the recorder under load.
const BATCH: u64 = 64;

fn record(sequence: u64) -> Record {
    [sequence, 0, 1_000, 3, 4, 5, 6, sequence]
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("tick_store/append");
    group.throughput(Throughput::Elements(1));
    group.bench_function("pitlane, commit each 64", |bench| {
        bench.iter_custom(|records| {
            let dir = tempfile::tempdir().unwrap();
            let options = StoreOptions::default();
            let (mut writer, _) = TickWriter::open(dir.path(), options).unwrap();
            let start = Instant::now();
            for sequence in 1..=records {
                writer.append(&record(sequence)).unwrap();
                if sequence % BATCH == 0 {
                    writer.commit().unwrap();
                }
            }
            writer.commit().unwrap();
            start.elapsed()
        });
    });
    group.bench_function("write(2) per record", |bench| {
        bench.iter_custom(|records| {
            let mut file = tempfile::tempfile().unwrap();
            let start = Instant::now();
            for sequence in 1..=records {
                write(&mut file, &record(sequence));
            }
            start.elapsed()
        });
    });
    group.bench_function("limit: store to memory", |bench| {
        let mut memory = vec![[0_u64; 8]; 1 << 14];
        bench.iter_custom(|records| {
            let start = Instant::now();
            for (sequence, place) in (1..=records).zip((0..1 << 14).cycle()) {
                memory[place] = record(sequence);
            }
            black_box(&memory);
            start.elapsed()
        });
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

fn write(file: &mut File, record: &Record) {
    file.write_all(bytemuck::bytes_of(record)).unwrap();
}
