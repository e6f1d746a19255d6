//! A frame in, the market's new state out on another core: one frame under way at a time, so nothing queues.

use crate::contenders::decode::{Depth, Grids, Ticker, Trade, Wrapped};
use crate::report::Goal;
use crate::rounds::{Role, Row, Sample, histogram};
use crate::{OwnedFrame, VENUE, table};
use hdrhistogram::Histogram;
use pitlane_domain::book::Book;
use pitlane_domain::decode::{Decoder, Levels};
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::market::Market;
use pitlane_domain::message::{Body, Message};
use pitlane_domain::sequence::{Numbering, Timers};
use pitlane_domain::units::WallNs;
use pitlane_lockfree::ring::{EdgeCounters, ring};
use pitlane_runtime::clock::Clock;
use pitlane_runtime::os;
use std::collections::BTreeMap;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::mpsc;
use std::thread;

/// Messages a ring holds, as in the row of the hop.
const CAPACITY: usize = 1024;
/// Messages that are handed on at once: as the sequencer does it, whose poll takes so many and makes a timer of each at most.
const BATCH: usize = 512;
/// Frames before the first that counts: the snapshot and the first touch of everything.
const WARM: usize = 500;

/// Frames, a clock and two cores.
pub struct Path<'a> {
    frames: &'a [OwnedFrame],
    clock: Clock,
    cores: [usize; 2],
}

/// What the far side says: how many messages it has dealt with, and when it was done.
#[derive(Default)]
#[repr(align(128))]
struct Done {
    count: AtomicU64,
    raw: AtomicU64,
}

impl Done {
    fn say(&self, count: u64, raw: u64) {
        self.raw.store(raw, Ordering::Relaxed);
        // PAIRS: the acquire load in `wait`.
        self.count.store(count, Ordering::Release);
    }

    fn wait(&self, count: u64) -> u64 {
        // PAIRS: the release store in `say`.
        while self.count.load(Ordering::Acquire) < count {
            spin_loop();
        }
        self.raw.load(Ordering::Relaxed)
    }
}

/// The clock, not before what stands above is done: a reading depends on nothing, so the core would take it while the
/// message is still on its way to it.
#[inline]
fn after(clock: &Clock) -> u64 {
    fence(Ordering::SeqCst);
    clock.raw()
}

/// What one side works with, on cache lines of its own: each agent of the engine lies apart, too.
#[repr(align(128))]
struct Apart<T>(T);

impl<'a> Path<'a> {
    /// Over these frames, on the first two cores we may use; `None` if there is only one.
    pub fn find(frames: &'a [OwnedFrame], clock: &Clock) -> Option<Self> {
        let mut cores = os::affinity().ok()?.into_iter();
        Some(Self {
            frames,
            clock: clock.clone(),
            cores: [cores.next()?, cores.next()?],
        })
    }

    /// Runs both sides. `near` sends what a frame becomes and says how many messages it has sent so far;
    /// `far` deals with what has come and says how many more that was.
    fn run(
        &self,
        mut near: impl FnMut(&OwnedFrame) -> u64 + Send,
        mut far: impl FnMut() -> u64 + Send,
    ) -> Sample {
        let done = &Done::default();
        let ended = &AtomicU64::new(0);
        let [here, there] = self.cores;
        let tail = thread::scope(|scope| {
            scope.spawn(move || {
                os::pin(there).expect("a core we may use");
                let mut count = 0;
                while ended.load(Ordering::Relaxed) == 0 {
                    let more = far();
                    if more == 0 {
                        spin_loop();
                        continue;
                    }
                    count += more;
                    done.say(count, after(&self.clock));
                }
            });
            let near = scope.spawn(move || {
                os::pin(here).expect("a core we may use");
                let mut times = histogram();
                for (at, frame) in self.frames.iter().enumerate() {
                    let before = self.clock.raw();
                    let sent = near(frame);
                    let took = self.clock.delta_ns(before, done.wait(sent));
                    // a frame that says nothing new sends nothing, and has no way to measure
                    if at >= WARM && took > 0 {
                        let _ = times.record(took);
                    }
                }
                ended.store(1, Ordering::Relaxed);
                times
            });
            near.join().expect("the near side ends")
        });
        median(tail)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn median(tail: Histogram<u64>) -> Sample {
    let value = tail.value_at_quantile(0.5) as f64;
    Sample {
        tail: Some(tail),
        ..Sample::of(value)
    }
}

/// Decode, intake and numbering: what comes before the market.
struct Before {
    intake: Intake,
    numbering: Numbering,
    batch: Vec<Message>,
}

impl Before {
    fn new(path: &Path<'_>) -> Self {
        let mut intake = Intake::new(table(), IntakeOptions::default());
        intake.announce(path.frames.first().map_or(WallNs::ZERO, |it| it.ts_recv));
        Self {
            intake,
            numbering: Numbering::new(Timers::Make),
            batch: Vec::with_capacity(BATCH),
        }
    }

    /// Takes a frame and hands on what it becomes, in batches.
    #[inline]
    fn frame(&mut self, frame: &OwnedFrame, mut hand_on: impl FnMut(&[Message])) {
        // refused frames are part of the sample's life
        let _refused = self
            .intake
            .frame(VENUE, &frame.stream, frame.ts_recv, &frame.bytes);
        while let Some(message) = self.intake.pop() {
            let numbered = self.numbering.number(message);
            self.batch.extend(numbered.timer);
            self.batch.push(numbered.message);
            if self.batch.len() + 2 > BATCH {
                hand_on(&self.batch);
                self.batch.clear();
            }
        }
        if !self.batch.is_empty() {
            hand_on(&self.batch);
            self.batch.clear();
        }
    }
}

fn assert_kept(market: &Market) {
    let book = market.instrument(InstrumentId(0)).and_then(|it| it.book());
    assert!(book.is_some_and(Book::is_in_step), "a book is kept");
}

/// Ours: decode, intake and numbering on one core, the market on the other.
pub fn ours(path: &Path<'_>) -> Sample {
    let (tx, rx) = ring::<Message>(CAPACITY, EdgeCounters::private());
    let mut near = Apart((tx, Before::new(path), 0));
    let mut far = Apart((rx, Market::new()));
    let sample = path.run(
        |frame| {
            let Apart((tx, before, sent)) = &mut near;
            before.frame(frame, |batch| {
                while !tx.has_room_for(batch.len()) {
                    spin_loop();
                }
                *sent += u64::from(tx.send_all(batch).count());
            });
            *sent
        },
        || {
            let Apart((rx, market)) = &mut far;
            let work = rx.drain(CAPACITY, |message| market.apply(message));
            u64::from(work.count())
        },
    );
    assert_kept(&far.0.1);
    sample
}

/// The same work without the crossing: the market where the frame is decoded.
pub fn on_one_core(path: &Path<'_>) -> Sample {
    let mut before = Before::new(path);
    let mut market = Market::new();
    let mut times = histogram();
    thread::scope(|scope| {
        scope.spawn(|| {
            os::pin(path.cores[0]).expect("a core we may use");
            for (at, frame) in path.frames.iter().enumerate() {
                let began = path.clock.raw();
                before.frame(frame, |batch| batch.iter().for_each(|it| market.apply(it)));
                let took = path.clock.delta_ns(began, after(&path.clock));
                if at >= WARM {
                    let _ = times.record(took.max(1));
                }
            }
        });
    });
    assert_kept(&market);
    median(times)
}

/// The limit: the frame is decoded, and one message hops.
pub fn decode_and_hop(path: &Path<'_>) -> Sample {
    let (tx, rx) = ::rtrb::RingBuffer::<Message>::new(CAPACITY);
    let mut near = Apart((tx, Decoder::new(table()), Levels::default(), 0));
    let mut far = Apart(rx);
    let message = Message::new(InstrumentId(0), WallNs(0), WallNs(0), &Body::Timer);
    path.run(
        |frame| {
            let Apart((tx, decoder, levels, sent)) = &mut near;
            let fact = decoder.decode(VENUE, &frame.stream, &frame.bytes, levels);
            black_box(&fact).as_ref().expect("a frame of the sample");
            assert!(tx.push(message).is_ok());
            *sent += 1;
            *sent
        },
        || u64::from(far.0.pop().map(black_box).is_ok()),
    )
}

/// An event as a program without a wire format of its own would pass it on.
enum Event {
    Trade { px: i64, qty: i64, id: u64 },
    Quote([i64; 4]),
    Depth([Vec<(i64, i64)>; 2]),
    Other,
}

fn parse(frame: &OwnedFrame, grids: Grids) -> Event {
    let bytes = &frame.bytes;
    if frame.stream.ends_with(b"@trade") {
        let Wrapped::<Trade<'_>> { data } = serde_json::from_slice(bytes).expect("a trade");
        Event::Trade {
            px: grids.px(data.p),
            qty: grids.qty(data.q),
            id: data.t,
        }
    } else if frame.stream.ends_with(b"@bookTicker") {
        let Wrapped::<Ticker<'_>> { data } = serde_json::from_slice(bytes).expect("a quote");
        Event::Quote([
            grids.px(data.b),
            grids.qty(data.bid_qty),
            grids.px(data.a),
            grids.qty(data.ask_qty),
        ])
    } else if let Ok(Wrapped::<Depth<'_>> { data }) = serde_json::from_slice(bytes) {
        let side = |levels: &[(&str, &str)]| {
            let each = levels
                .iter()
                .map(|(px, qty)| (grids.px(px), grids.qty(qty)));
            each.collect()
        };
        Event::Depth([side(&data.b), side(&data.a)])
    } else {
        Event::Other
    }
}

/// The rival: `serde_json` into owned events, three threads behind it, and `std::sync::mpsc` between all of them.
pub fn serde_and_mpsc(path: &Path<'_>) -> Sample {
    let grids = Grids::default();
    let (to_sequencer, in_sequencer) = mpsc::channel::<Event>();
    let (to_market, in_market) = mpsc::channel::<(u64, Event)>();
    let (to_out, out) = mpsc::channel::<u64>();
    let mut times = histogram();
    thread::scope(|scope| {
        scope.spawn(move || {
            for (number, event) in (1..).zip(in_sequencer) {
                let _ = to_market.send((number, event));
            }
        });
        scope.spawn(move || {
            let mut book = [BTreeMap::new(), BTreeMap::new()];
            let (mut quote, mut volume, mut last) = ([0; 4], 0, (0, 0));
            for (_, event) in in_market {
                match event {
                    Event::Trade { px, qty, id } => {
                        volume += qty;
                        last = (px, id);
                    }
                    Event::Quote(new) => quote = new,
                    Event::Depth(sides) => {
                        for (side, levels) in book.iter_mut().zip(sides) {
                            for (px, qty) in levels {
                                if qty == 0 {
                                    side.remove(&px);
                                } else {
                                    side.insert(px, qty);
                                }
                            }
                        }
                    }
                    Event::Other => {}
                }
                black_box((&book, quote, volume, last));
                let _ = to_out.send(path.clock.raw());
            }
        });
        for (at, frame) in path.frames.iter().enumerate() {
            let before = path.clock.raw();
            let _ = to_sequencer.send(parse(frame, grids));
            let done = out.recv().expect("the market answers");
            if at >= WARM {
                let _ = times.record(path.clock.delta_ns(before, done).max(1));
            }
        }
        drop(to_sequencer);
    });
    median(times)
}

/// The row.
pub fn row<'a>(path: &'a Path<'a>) -> Row<'a> {
    Row::new(
        "path",
        "frame in to market state out, one core crossing",
        "ns per frame, p50",
    )
    .with(Role::Ours, "pitlane", || ours(path))
    .with(Role::Limit, "decode + one raw hop", || decode_and_hop(path))
    .with(Role::Rival, "the same on one core", || on_one_core(path))
    .with(Role::Rival, "serde_json + 3 mpsc", || serde_and_mpsc(path))
    .goal(Goal::LimitTimes(1.25))
    .goal(Goal::Rival("serde_json + 3 mpsc", 10.0))
    .note(
        "signals are not built yet, so the way ends at the market's state; the frames are the sample's own mixture; \
         the rival's threads wait in the kernel, as mpsc makes them, and its time ends where its market is done",
    )
    .note(
        "the limit leaves out what is not decoding and not the hop: ids and order of the facts, numbering, timers, and \
         the market; it sends one message a frame, where ours sends 4.3 on the sample's average, timers with 29 % of \
         the frames",
    )
}
