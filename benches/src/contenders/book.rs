//! Depth frames into a book that can be asked: ours, and other ways to the same levels.

use crate::contenders::decode::{Depth, Grids, Wrapped};
use crate::report::Goal;
use crate::rounds::{Role, Row, Sample, ns_per};
use crate::{OwnedFrame, VENUE, of_stream, table};
use pitlane_domain::book::Book;
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::market::Market;
use pitlane_domain::sequence::{Numbering, Timers};
use pitlane_domain::units::WallNs;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

/// The sample up to the first snapshot that its depth frames fit to, and depth frames behind it.
pub struct Sides {
    before: Vec<OwnedFrame>,
    depth: Vec<OwnedFrame>,
    levels: usize,
}

impl Sides {
    /// Out of the first frames of the sample.
    ///
    /// # Panics
    /// If no book comes about.
    pub fn of(all: &[OwnedFrame]) -> Self {
        let mut way = Way::new(WallNs::ZERO);
        let at = all.iter().position(|frame| {
            way.frame(frame);
            way.is_followed()
        });
        let at = at.expect("the sample has a snapshot") + 1;
        let depth = of_stream(all[at..].to_vec(), "btcusdt@depth@");
        let levels = depth.iter().map(|frame| {
            let depth: Wrapped<Depth<'_>> =
                serde_json::from_slice(&frame.bytes).expect("a depth frame");
            depth.data.b.len() + depth.data.a.len()
        });
        Self {
            levels: levels.sum(),
            before: all[..at].to_vec(),
            depth,
        }
    }
}

/// Decoding, intake, numbering and the market, on one thread.
struct Way {
    intake: Intake,
    numbering: Numbering,
    market: Market,
}

impl Way {
    fn new(ts: WallNs) -> Self {
        let mut intake = Intake::new(table(), IntakeOptions::default());
        intake.announce(ts);
        Self {
            intake,
            numbering: Numbering::new(Timers::Make),
            market: Market::new(),
        }
    }

    fn frame(&mut self, frame: &OwnedFrame) {
        // refused frames are part of the sample's life
        let _refused = self
            .intake
            .frame(VENUE, &frame.stream, frame.ts_recv, &frame.bytes);
        while let Some(message) = self.intake.pop() {
            let numbered = self.numbering.number(message);
            if let Some(timer) = numbered.timer {
                self.market.apply(&timer);
            }
            self.market.apply(&numbered.message);
        }
    }

    fn is_followed(&self) -> bool {
        let known = self.market.instrument(InstrumentId(0));
        known.and_then(|it| it.book()).is_some_and(Book::is_in_step)
    }
}

/// Ours: from the frame to the market's book, quality and all.
pub fn ours(sides: &Sides) -> Sample {
    let mut way = Way::new(WallNs::ZERO);
    sides.before.iter().for_each(|frame| way.frame(frame));
    let start = Instant::now();
    for frame in &sides.depth {
        way.frame(frame);
    }
    let took = start.elapsed();
    assert!(way.is_followed(), "the book is followed to its end");
    Sample::of(ns_per(took, sides.levels))
}

/// `serde_json` borrowing, exact integers, and two ordered maps without ids, gaps or quality.
pub fn ordered_maps(sides: &Sides) -> Sample {
    let grids = Grids::default();
    let mut book = [BTreeMap::new(), BTreeMap::new()];
    let mut apply = |frame: &OwnedFrame| {
        let Ok(Wrapped { data }) = serde_json::from_slice::<Wrapped<Depth<'_>>>(&frame.bytes)
        else {
            return;
        };
        for (side, levels) in book.iter_mut().zip([&data.b, &data.a]) {
            for (px, qty) in levels {
                let (px, qty) = (grids.px(px), grids.qty(qty));
                if qty == 0 {
                    side.remove(&px);
                } else {
                    side.insert(px, qty);
                }
            }
        }
        black_box((book[0].last_key_value(), book[1].first_key_value()));
    };
    sides.before.iter().for_each(&mut apply);
    let start = Instant::now();
    sides.depth.iter().for_each(&mut apply);
    Sample::of(ns_per(start.elapsed(), sides.levels))
}

/// The row.
pub fn row(sides: &Sides) -> Row<'_> {
    Row::new(
        "book",
        "L2 book from JSON: parse, ticks, apply",
        "ns per level",
    )
    .with(Role::Ours, "pitlane", || ours(sides))
    .with(Role::Rival, "serde_json + BTreeMap", || ordered_maps(sides))
    .known_limit("best parts known, 66 parse + 40 apply", 106.0)
    .goal(Goal::AtMost(70.0))
    .note(
        "the limit is the sum of the best parts known, measured elsewhere and not in this run; \
             the rival keeps levels alone, without ids, gaps and quality; barter-data would bring an asynchronous runtime, TLS \
             and an HTTP client into the benches for its book, whose parse and apply took 486 to 850 ns a level elsewhere",
    )
}
