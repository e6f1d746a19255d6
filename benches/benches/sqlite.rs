//! Trades into SQLite through the writer, against the same inserts into memory and one row per transaction.
#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

use criterion::{Criterion, Throughput};
use pitlane_benches::contenders::sqlite::{ROWS, in_memory, ours, row_by_row, rows};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let rows = rows();
    let mut group = criterion.benchmark_group("sqlite/2000 trades");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.sample_size(10);
    group.bench_function("pitlane", |bench| {
        bench.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| ours(tempfile::tempdir().unwrap().path(), &rows))
                .sum()
        });
    });
    group.bench_function("limit: the same into memory", |bench| {
        bench.iter_custom(|rounds| (0..rounds).map(|_| in_memory(&rows)).sum());
    });
    group.bench_function("one row per transaction", |bench| {
        bench.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| row_by_row(tempfile::tempdir().unwrap().path(), &rows))
                .sum()
        });
    });
    group.finish();
    criterion.final_summary();
}
