//! Messages into books and bars, and the whole way from frames, against ordered maps that keep the levels alone.

use criterion::{Criterion, Throughput};
use pitlane_benches::{frames, messages};
use pitlane_domain::market::Market;
use pitlane_domain::message::{Body, Kind, Side};
use std::collections::BTreeMap;
use std::hint::black_box;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let frames = frames(10_000);
    let messages = messages(&frames);
    let is_level = |kind: u8| kind == Kind::BookLevel as u8;
    let levels: Vec<_> = messages
        .iter()
        .filter(|message| is_level(message.kind))
        .copied()
        .collect();
    assert!(levels.len() > 1000, "the sample has depth");
    let definitions: Vec<_> = messages
        .iter()
        .filter(|message| {
            (Kind::InstrumentName as u8..=Kind::InstrumentGrid as u8).contains(&message.kind)
        })
        .copied()
        .collect();

    let mut group = criterion.benchmark_group("book/levels");
    group.throughput(Throughput::Elements(levels.len() as u64));
    group.bench_function("pitlane market", |bench| {
        bench.iter(|| {
            let mut market = Market::new();
            definitions
                .iter()
                .chain(&levels)
                .for_each(|m| market.apply(m));
            black_box(market.counts());
        });
    });
    group.bench_function("two ordered maps", |bench| {
        bench.iter(|| {
            let mut sides = [BTreeMap::new(), BTreeMap::new()];
            for message in &levels {
                let Some(Body::BookLevel(level)) = message.body() else {
                    continue;
                };
                let side = &mut sides[usize::from(level.side == Side::Ask)];
                if level.qty.0 == 0 {
                    side.remove(&level.px);
                } else {
                    side.insert(level.px, level.qty);
                }
                if level.last {
                    black_box((sides[0].last_key_value(), sides[1].first_key_value()));
                }
            }
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("book/sequence");
    group.throughput(Throughput::Elements(messages.len() as u64));
    group.bench_function("all messages of the sample into the market", |bench| {
        bench.iter(|| {
            let mut market = Market::new();
            for message in &messages {
                market.apply(message);
            }
            black_box(market.counts());
        });
    });
    group.bench_function("limit: read the messages", |bench| {
        bench.iter(|| {
            messages
                .iter()
                .fold(0, |sum, m| sum ^ m.sequence ^ m.payload[0])
        });
    });
    group.bench_function("decode, intake, numbering", |bench| {
        bench.iter(|| black_box(pitlane_benches::messages(&frames)));
    });
    group.finish();
    criterion.final_summary();
}
