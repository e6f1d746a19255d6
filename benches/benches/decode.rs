//! A frame's bytes to exact integers, against `serde_json` borrowing from the same bytes and, with `rivals`, others.
//!
//! Every contender ends with ticks and lots: parsing text without its decimals would be another job.
#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use pitlane_benches::{OwnedFrame, VENUE, frames, table};
use pitlane_domain::decode::{Decoder, Levels, decode};
use pitlane_domain::units::Grid;
use serde::Deserialize;
use std::hint::black_box;

/// What is around every frame of a combined stream.
#[derive(Deserialize)]
struct Wrapped<T> {
    data: T,
}

/// Names as on the wire.
#[derive(Deserialize)]
struct Trade<'a> {
    #[serde(rename = "E")]
    event_ms: i64,
    #[serde(rename = "T")]
    at_ms: i64,
    s: &'a str,
    t: u64,
    p: &'a str,
    q: &'a str,
    m: bool,
}

#[derive(Deserialize)]
struct AggTrade<'a> {
    #[serde(rename = "E")]
    event_ms: i64,
    #[serde(rename = "T")]
    at_ms: i64,
    s: &'a str,
    a: u64,
    f: u64,
    l: u64,
    p: &'a str,
    q: &'a str,
    m: bool,
}

#[derive(Deserialize)]
struct Ticker<'a> {
    u: u64,
    s: &'a str,
    b: &'a str,
    #[serde(rename = "B")]
    bid_qty: &'a str,
    a: &'a str,
    #[serde(rename = "A")]
    ask_qty: &'a str,
}

#[derive(Deserialize)]
struct Depth<'a> {
    #[serde(rename = "E")]
    event_ms: i64,
    s: &'a str,
    #[serde(rename = "U")]
    first: u64,
    u: u64,
    #[serde(borrow)]
    b: Vec<(&'a str, &'a str)>,
    #[serde(borrow)]
    a: Vec<(&'a str, &'a str)>,
}

struct Grids {
    tick: Grid,
    lot: Grid,
}

impl Grids {
    fn px(&self, text: &str) -> i64 {
        self.tick.parse(text.as_bytes()).unwrap()
    }

    fn qty(&self, text: &str) -> i64 {
        self.lot.parse(text.as_bytes()).unwrap()
    }

    fn trade(&self, trade: &Trade<'_>) {
        let numbers = (self.px(trade.p), self.qty(trade.q));
        black_box((
            numbers,
            trade.event_ms,
            trade.at_ms,
            trade.s,
            trade.t,
            trade.m,
        ));
    }

    fn agg_trade(&self, trade: &AggTrade<'_>) {
        let numbers = (self.px(trade.p), self.qty(trade.q));
        let ids = (trade.a, trade.f, trade.l);
        black_box((numbers, trade.event_ms, trade.at_ms, trade.s, ids, trade.m));
    }

    fn ticker(&self, ticker: &Ticker<'_>) {
        let bid = (self.px(ticker.b), self.qty(ticker.bid_qty));
        let ask = (self.px(ticker.a), self.qty(ticker.ask_qty));
        black_box((bid, ask, ticker.u, ticker.s));
    }

    fn depth(&self, depth: &Depth<'_>) {
        for (px, qty) in depth.b.iter().chain(&depth.a) {
            black_box((self.px(px), self.qty(qty)));
        }
        black_box((depth.event_ms, depth.s, depth.first, depth.u));
    }
}

/// A contender: something that handles one frame.
fn contender(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    frames: &[OwnedFrame],
    mut handle: impl FnMut(&OwnedFrame),
) {
    group.bench_function(name, |bench| {
        bench.iter(|| frames.iter().for_each(&mut handle));
    });
}

/// Frames of a stream that name it.
fn of_stream(stream: &str, all: &[OwnedFrame]) -> Vec<OwnedFrame> {
    let wanted = all.iter().filter(|frame| {
        frame.stream.starts_with(stream.as_bytes()) && frame.bytes.starts_with(b"{\"stream\"")
    });
    wanted.take(500).cloned().collect()
}

/// The sample has no aggregate trades, so each of its trades is written as one: a fill for itself.
fn aggregate(trades: &[OwnedFrame]) -> Vec<OwnedFrame> {
    let as_aggregate = |frame: &OwnedFrame| {
        let Trade {
            event_ms,
            at_ms,
            s,
            t,
            p,
            q,
            m,
        } = serde_json::from_slice::<Wrapped<Trade<'_>>>(&frame.bytes)
            .unwrap()
            .data;
        let stream = "btcusdt@aggTrade";
        let text = format!(
            r#"{{"stream":"{stream}","data":{{"e":"aggTrade","E":{event_ms},"s":"{s}","a":{t},"p":"{p}","q":"{q}","f":{t},"l":{t},"T":{at_ms},"m":{m},"M":true}}}}"#
        );
        OwnedFrame {
            ts_recv: frame.ts_recv,
            stream: stream.into(),
            bytes: text.into(),
        }
    };
    trades.iter().map(as_aggregate).collect()
}

fn kind(criterion: &mut Criterion, name: &str, frames: &[OwnedFrame]) {
    assert!(!frames.is_empty(), "no {name} in the sample");
    let grids = Grids {
        tick: Grid::of_step(b"0.01").unwrap(),
        lot: Grid::of_step(b"0.00000001").unwrap(),
    };
    let mut group = criterion.benchmark_group(format!("decode/{name}"));
    group.throughput(Throughput::Elements(frames.len() as u64));

    let (mut decoder, mut levels) = (Decoder::new(table()), Levels::default());
    contender(&mut group, "pitlane", frames, |frame| {
        black_box(decoder.decode(VENUE, &frame.stream, &frame.bytes, &mut levels)).unwrap();
    });
    let table = table();
    contender(&mut group, "pitlane, nothing learned", frames, |frame| {
        black_box(decode(
            VENUE,
            &frame.stream,
            &frame.bytes,
            &table,
            &mut levels,
        ))
        .unwrap();
    });
    contender(&mut group, "serde_json", frames, |frame| match name {
        "trade" => {
            grids.trade(
                &serde_json::from_slice::<Wrapped<_>>(&frame.bytes)
                    .unwrap()
                    .data,
            );
        }
        "aggTrade" => {
            grids.agg_trade(
                &serde_json::from_slice::<Wrapped<_>>(&frame.bytes)
                    .unwrap()
                    .data,
            );
        }
        "bookTicker" => {
            grids.ticker(
                &serde_json::from_slice::<Wrapped<_>>(&frame.bytes)
                    .unwrap()
                    .data,
            );
        }
        _ => grids.depth(
            &serde_json::from_slice::<Wrapped<_>>(&frame.bytes)
                .unwrap()
                .data,
        ),
    });
    #[cfg(feature = "rivals")]
    contender(&mut group, "sonic-rs", frames, |frame| match name {
        "trade" => grids.trade(
            &sonic_rs::from_slice::<Wrapped<_>>(&frame.bytes)
                .unwrap()
                .data,
        ),
        "aggTrade" => {
            grids.agg_trade(
                &sonic_rs::from_slice::<Wrapped<_>>(&frame.bytes)
                    .unwrap()
                    .data,
            );
        }
        "bookTicker" => {
            grids.ticker(
                &sonic_rs::from_slice::<Wrapped<_>>(&frame.bytes)
                    .unwrap()
                    .data,
            );
        }
        _ => grids.depth(
            &sonic_rs::from_slice::<Wrapped<_>>(&frame.bytes)
                .unwrap()
                .data,
        ),
    });
    #[cfg(feature = "rivals")]
    {
        // it writes into its input, so the copy is part of its work
        let mut copy = Vec::new();
        contender(&mut group, "simd-json", frames, |frame| {
            copy.clear();
            copy.extend_from_slice(&frame.bytes);
            match name {
                "trade" => {
                    grids.trade(
                        &simd_json::serde::from_slice::<Wrapped<_>>(&mut copy)
                            .unwrap()
                            .data,
                    );
                }
                "aggTrade" => {
                    grids.agg_trade(
                        &simd_json::serde::from_slice::<Wrapped<_>>(&mut copy)
                            .unwrap()
                            .data,
                    );
                }
                "bookTicker" => {
                    grids.ticker(
                        &simd_json::serde::from_slice::<Wrapped<_>>(&mut copy)
                            .unwrap()
                            .data,
                    );
                }
                _ => grids.depth(
                    &simd_json::serde::from_slice::<Wrapped<_>>(&mut copy)
                        .unwrap()
                        .data,
                ),
            }
        });
    }
    let mut copy = Vec::new();
    contender(&mut group, "limit: copy the bytes", frames, |frame| {
        copy.clear();
        copy.extend_from_slice(&frame.bytes);
        black_box(&copy);
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let all = frames(10_000);
    let trades = of_stream("btcusdt@trade", &all);
    kind(&mut criterion, "trade", &trades);
    kind(&mut criterion, "aggTrade", &aggregate(&trades));
    let quotes = of_stream("btcusdt@bookTicker", &all);
    kind(&mut criterion, "bookTicker", &quotes);
    let depth = of_stream("btcusdt@depth@", &all);
    kind(&mut criterion, "depthUpdate", &depth);
    criterion.final_summary();
}
