//! A frame's bytes to exact integers, against `serde_json` borrowing from the same bytes and, with `rivals`, others.

use criterion::{Criterion, Throughput};
use pitlane_benches::contenders::decode::{self, Event};
use pitlane_benches::frames;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let all = frames(10_000);
    for (event, name) in Event::ALL {
        let frames = event.frames(&all);
        let mut group = criterion.benchmark_group(format!("decode/{name}"));
        group.throughput(Throughput::Elements(frames.len() as u64));
        group.bench_function("pitlane", |bench| bench.iter(decode::ours(&frames)));
        group.bench_function("pitlane, nothing learned", |bench| {
            bench.iter(decode::unlearned(&frames));
        });
        group.bench_function("serde_json", |bench| {
            bench.iter(decode::serde_json(event, &frames));
        });
        #[cfg(feature = "rivals")]
        group.bench_function("sonic-rs", |bench| {
            bench.iter(decode::sonic_rs(event, &frames));
        });
        #[cfg(feature = "rivals")]
        group.bench_function("simd-json", |bench| {
            bench.iter(decode::simd_json(event, &frames));
        });
        group.bench_function("limit: copy the bytes", |bench| {
            bench.iter(decode::copied(&frames));
        });
        group.finish();
    }
    criterion.final_summary();
}
