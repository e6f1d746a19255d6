//! One frame's bytes to exact integers: ours, and JSON libraries that borrow from the same bytes.
//!
//! Every contender ends with ticks and lots: parsing text without its decimals would be another job.

use crate::report::Goal;
use crate::rounds::{Role, Row, timed};
use crate::{OwnedFrame, VENUE, agg_trades, of_stream, table};
use pitlane_domain::decode::{Decoder, Levels, decode};
use pitlane_domain::units::Grid;
use serde::Deserialize;
use std::hint::black_box;

/// What is around every frame of a combined stream.
#[derive(Deserialize)]
pub struct Wrapped<T> {
    /// The event.
    pub data: T,
}

/// A trade, names as on the wire.
#[derive(Deserialize)]
#[expect(missing_docs, reason = "the venue's documentation says it")]
pub struct Trade<'a> {
    #[serde(rename = "E")]
    pub event_ms: i64,
    #[serde(rename = "T")]
    pub at_ms: i64,
    pub s: &'a str,
    pub t: u64,
    pub p: &'a str,
    pub q: &'a str,
    pub m: bool,
}

/// An aggregate trade, names as on the wire.
#[derive(Deserialize)]
#[expect(missing_docs, reason = "the venue's documentation says it")]
pub struct AggTrade<'a> {
    #[serde(rename = "E")]
    pub event_ms: i64,
    #[serde(rename = "T")]
    pub at_ms: i64,
    pub s: &'a str,
    pub a: u64,
    pub f: u64,
    pub l: u64,
    pub p: &'a str,
    pub q: &'a str,
    pub m: bool,
}

/// A best bid and ask, names as on the wire.
#[derive(Deserialize)]
#[expect(missing_docs, reason = "the venue's documentation says it")]
pub struct Ticker<'a> {
    pub u: u64,
    pub s: &'a str,
    pub b: &'a str,
    #[serde(rename = "B")]
    pub bid_qty: &'a str,
    pub a: &'a str,
    #[serde(rename = "A")]
    pub ask_qty: &'a str,
}

/// A depth update, names as on the wire.
#[derive(Deserialize)]
#[expect(missing_docs, reason = "the venue's documentation says it")]
pub struct Depth<'a> {
    #[serde(rename = "E")]
    pub event_ms: i64,
    pub s: &'a str,
    #[serde(rename = "U")]
    pub first: u64,
    pub u: u64,
    #[serde(borrow)]
    pub b: Vec<(&'a str, &'a str)>,
    #[serde(borrow)]
    pub a: Vec<(&'a str, &'a str)>,
}

/// The steps of the sample's instrument.
#[derive(Clone, Copy)]
pub struct Grids {
    tick: Grid,
    lot: Grid,
}

impl Default for Grids {
    fn default() -> Self {
        let grid = |step: &[u8]| Grid::of_step(step).expect("a step");
        Self {
            tick: grid(b"0.01"),
            lot: grid(b"0.00000001"),
        }
    }
}

impl Grids {
    /// A price in ticks.
    pub fn px(&self, text: &str) -> i64 {
        self.tick.parse(text.as_bytes()).expect("a price")
    }

    /// A quantity in lots.
    pub fn qty(&self, text: &str) -> i64 {
        self.lot.parse(text.as_bytes()).expect("a quantity")
    }

    fn trade(&self, it: &Trade<'_>) {
        let numbers = (self.px(it.p), self.qty(it.q));
        black_box((numbers, it.event_ms, it.at_ms, it.s, it.t, it.m));
    }

    fn agg_trade(&self, it: &AggTrade<'_>) {
        let numbers = (self.px(it.p), self.qty(it.q));
        let ids = (it.a, it.f, it.l);
        black_box((numbers, it.event_ms, it.at_ms, it.s, ids, it.m));
    }

    fn ticker(&self, it: &Ticker<'_>) {
        let bid = (self.px(it.b), self.qty(it.bid_qty));
        let ask = (self.px(it.a), self.qty(it.ask_qty));
        black_box((bid, ask, it.u, it.s));
    }

    fn depth(&self, it: &Depth<'_>) {
        for (px, qty) in it.b.iter().chain(&it.a) {
            black_box((self.px(px), self.qty(qty)));
        }
        black_box((it.event_ms, it.s, it.first, it.u));
    }
}

/// A type of event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the venue's names")]
pub enum Event {
    Trade,
    AggTrade,
    BookTicker,
    DepthUpdate,
}

impl Event {
    /// Every one with its name.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Trade, "trade"),
        (Self::AggTrade, "aggTrade"),
        (Self::BookTicker, "bookTicker"),
        (Self::DepthUpdate, "depthUpdate"),
    ];

    /// Up to 500 frames of it out of the sample's.
    pub fn frames(self, all: &[OwnedFrame]) -> Vec<OwnedFrame> {
        let of = |stream| of_stream(all.to_vec(), stream);
        let mut frames = match self {
            Self::Trade => of("btcusdt@trade"),
            Self::AggTrade => agg_trades(&of("btcusdt@trade")),
            Self::BookTicker => of("btcusdt@bookTicker"),
            Self::DepthUpdate => of("btcusdt@depth@"),
        };
        frames.truncate(500);
        frames
    }
}

/// Our decoder over frames, as the intake uses it: it learns the layout of a stream from its frames.
pub fn ours(frames: &[OwnedFrame]) -> impl FnMut() + '_ {
    let (mut decoder, mut levels) = (Decoder::new(table()), Levels::default());
    move || {
        for frame in frames {
            black_box(decoder.decode(VENUE, &frame.stream, &frame.bytes, &mut levels))
                .expect("a frame of the sample");
        }
    }
}

/// Our decoder without anything learned: any order of keys.
pub fn unlearned(frames: &[OwnedFrame]) -> impl FnMut() + '_ {
    let (table, mut levels) = (table(), Levels::default());
    move || {
        for frame in frames {
            black_box(decode(
                VENUE,
                &frame.stream,
                &frame.bytes,
                &table,
                &mut levels,
            ))
            .expect("a frame of the sample");
        }
    }
}

/// Hands each frame to a library that reads `Wrapped` from a slice.
macro_rules! library {
    ($(#[$meta:meta])* $name:ident, $from_slice:path) => {
        $(#[$meta])*
        pub fn $name(event: Event, frames: &[OwnedFrame]) -> impl FnMut() + '_ {
            let grids = Grids::default();
            move || {
                for frame in frames {
                    let bytes = frame.bytes.as_slice();
                    match event {
                        Event::Trade => {
                            grids.trade(&$from_slice(bytes).map(|it: Wrapped<_>| it.data).expect("JSON"));
                        }
                        Event::AggTrade => {
                            grids.agg_trade(&$from_slice(bytes).map(|it: Wrapped<_>| it.data).expect("JSON"));
                        }
                        Event::BookTicker => {
                            grids.ticker(&$from_slice(bytes).map(|it: Wrapped<_>| it.data).expect("JSON"));
                        }
                        Event::DepthUpdate => {
                            grids.depth(&$from_slice(bytes).map(|it: Wrapped<_>| it.data).expect("JSON"));
                        }
                    }
                }
            }
        }
    };
}

library!(
    /// `serde_json`, borrowing.
    serde_json,
    ::serde_json::from_slice
);
#[cfg(feature = "rivals")]
library!(
    /// `sonic-rs`, borrowing.
    sonic_rs,
    ::sonic_rs::from_slice
);

/// `simd-json`, borrowing. It writes into its input, so the copy is part of its work.
#[cfg(feature = "rivals")]
pub fn simd_json(event: Event, frames: &[OwnedFrame]) -> impl FnMut() + '_ {
    use ::simd_json::serde::from_slice;
    let (grids, mut copy) = (Grids::default(), Vec::new());
    move || {
        for frame in frames {
            copy.clear();
            copy.extend_from_slice(&frame.bytes);
            match event {
                Event::Trade => {
                    grids.trade(
                        &from_slice(&mut copy)
                            .map(|it: Wrapped<_>| it.data)
                            .expect("JSON"),
                    );
                }
                Event::AggTrade => {
                    grids.agg_trade(
                        &from_slice(&mut copy)
                            .map(|it: Wrapped<_>| it.data)
                            .expect("JSON"),
                    );
                }
                Event::BookTicker => {
                    grids.ticker(
                        &from_slice(&mut copy)
                            .map(|it: Wrapped<_>| it.data)
                            .expect("JSON"),
                    );
                }
                Event::DepthUpdate => {
                    grids.depth(
                        &from_slice(&mut copy)
                            .map(|it: Wrapped<_>| it.data)
                            .expect("JSON"),
                    );
                }
            }
        }
    }
}

/// The limit: the bytes are copied.
pub fn copied(frames: &[OwnedFrame]) -> impl FnMut() + '_ {
    let mut copy = Vec::new();
    move || {
        for frame in frames {
            copy.clear();
            copy.extend_from_slice(&frame.bytes);
            black_box(&copy);
        }
    }
}

/// The row of one type of event.
pub fn row<'a>(id: &'static str, event: Event, frames: &'a [OwnedFrame]) -> Row<'a> {
    let count = frames.len();
    let name = Event::ALL
        .iter()
        .find(|(it, _)| *it == event)
        .map_or("", |(_, name)| name);
    let mut row = Row::new(id, format!("decode: {name}"), "ns per frame");
    let mut work = ours(frames);
    row = row.with(Role::Ours, "pitlane", move || timed(count, &mut work));
    let mut work = unlearned(frames);
    row = row.with(Role::Ours, "nothing learned", move || {
        timed(count, &mut work)
    });
    let mut work = copied(frames);
    row = row.with(Role::Limit, "copy of the bytes", move || {
        timed(count, &mut work)
    });
    let mut work = serde_json(event, frames);
    row = row.with(Role::Rival, "serde_json", move || timed(count, &mut work));
    #[cfg(feature = "rivals")]
    {
        let mut work = sonic_rs(event, frames);
        row = row.with(Role::Rival, "sonic-rs", move || timed(count, &mut work));
        let mut work = simd_json(event, frames);
        row = row.with(Role::Rival, "simd-json", move || timed(count, &mut work));
    }
    if event == Event::AggTrade {
        row = row
            .note("the sample has no such frames; these are its trades in the form of an aggTrade");
    }
    row.goal(Goal::Rival("serde_json", 5.0))
        .goal(Goal::Rival("sonic-rs", 3.5))
}
