//! A 64-byte message to another core and back: half of the round trip is a hop.
//!
//! All contenders spin, on the same two pinned cores; the cost of the clock is taken off each round trip.

use crate::report::Goal;
use crate::rounds::{Role, Row, Sample, clock_cost, histogram};
use hdrhistogram::Histogram;
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::message::{Body, Message, Quote};
use pitlane_domain::units::{Lots, Ticks, WallNs};
use pitlane_lockfree::ring::{EdgeCounters, ring};
use pitlane_runtime::clock::Clock;
use pitlane_runtime::os;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Messages a ring holds.
pub(super) const CAPACITY: usize = 1024;
/// Round trips before the first that counts.
pub(super) const WARM: u64 = 2_000;

/// Two cores of our own and a clock.
#[derive(Clone)]
pub struct Track {
    clock: Clock,
    cores: [usize; 2],
    clock_ns: u64,
    trips: u64,
}

impl Track {
    /// The first two cores we may use; `None` if there is only one: spinning there would measure the scheduler.
    pub fn find(clock: &Clock, trips: u64) -> Option<Self> {
        let mut cores = os::affinity().ok()?.into_iter();
        let cores = [cores.next()?, cores.next()?];
        Some(Self {
            clock: clock.clone(),
            cores,
            clock_ns: clock_cost(clock),
            trips,
        })
    }

    /// The clock by which is timed.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What a reading of it costs, in ns.
    pub(super) fn clock_ns(&self) -> u64 {
        self.clock_ns
    }

    /// The two cores.
    pub(super) fn cores(&self) -> [usize; 2] {
        self.cores
    }

    /// Round trips that count.
    pub(super) fn count(&self) -> u64 {
        self.trips
    }

    /// Half round trips: `near` sends and waits for the answer on one core, `far` answers on the other.
    fn trips(&self, mut near: impl FnMut(u64) + Send, mut far: impl FnMut(u64) + Send) -> Sample {
        let warm = WARM.min(self.trips);
        let last = warm + self.trips;
        let [here, there] = self.cores;
        let tail = thread::scope(|scope| {
            scope.spawn(move || {
                os::pin(there).expect("a core we may use");
                (1..=last).for_each(&mut far);
            });
            let near = scope.spawn(move || {
                os::pin(here).expect("a core we may use");
                let mut hops = histogram();
                for trip in 1..=last {
                    let before = self.clock.raw();
                    near(trip);
                    let took = self.clock.since_ns(before).saturating_sub(self.clock_ns);
                    if trip > warm {
                        let _ = hops.record((took / 2).max(1));
                    }
                }
                hops
            });
            near.join().expect("the near side ends")
        });
        hop(tail)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(super) fn hop(tail: Histogram<u64>) -> Sample {
    let value = tail.value_at_quantile(0.5) as f64;
    Sample {
        tail: Some(tail),
        ..Sample::of(value)
    }
}

pub(super) fn message(sequence: u64) -> Message {
    let quote = Quote {
        bid_px: Ticks(1),
        bid_qty: Lots(1),
        ask_px: Ticks(2),
        ask_qty: Lots(1),
        update_id: 1,
    };
    Message {
        sequence,
        ..Message::new(InstrumentId(0), WallNs(0), WallNs(0), &Body::Quote(quote))
    }
}

/// Spins until something is so.
#[inline]
fn wait(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        spin_loop();
    }
}

/// A number on cache lines of its own.
#[repr(align(128))]
#[derive(Default)]
struct Alone(AtomicU64);

/// The limit: a number goes there and comes back.
pub fn atomics(track: &Track) -> Sample {
    let (there, back) = (&Alone::default(), &Alone::default());
    // Relaxed is enough: the number is all there is to see
    track.trips(
        |trip| {
            there.0.store(trip, Ordering::Relaxed);
            wait(|| back.0.load(Ordering::Relaxed) == trip);
        },
        |trip| {
            wait(|| there.0.load(Ordering::Relaxed) == trip);
            back.0.store(trip, Ordering::Relaxed);
        },
    )
}

/// Our ring edge, counted.
pub fn edge(track: &Track) -> Sample {
    let (mut there, mut far) = ring::<Message>(CAPACITY, EdgeCounters::private());
    let (mut back, mut near) = ring::<Message>(CAPACITY, EdgeCounters::private());
    let template = message(0);
    track.trips(
        move |sequence| {
            assert!(there.has_room_for(1));
            there.push(Message {
                sequence,
                ..template
            });
            wait(|| {
                !near
                    .drain(1, |m| assert_eq!(m.sequence, sequence))
                    .is_idle()
            });
        },
        move |_| {
            wait(|| !far.drain(1, |message| back.push(*message)).is_idle());
        },
    )
}

/// A ring with a cursor for each end, without counters.
pub fn rtrb(track: &Track) -> Sample {
    let (mut there, mut far) = ::rtrb::RingBuffer::<Message>::new(CAPACITY);
    let (mut back, mut near) = ::rtrb::RingBuffer::<Message>::new(CAPACITY);
    let template = message(0);
    track.trips(
        move |sequence| {
            let sent = there.push(Message {
                sequence,
                ..template
            });
            assert!(sent.is_ok());
            wait(|| near.pop().is_ok_and(|it| it.sequence == sequence));
        },
        move |_| wait(|| far.pop().is_ok_and(|message| back.push(message).is_ok())),
    )
}

/// `crossbeam-queue`'s array queue.
#[cfg(feature = "rivals")]
pub fn array_queue(track: &Track) -> Sample {
    let queue = || crossbeam_queue::ArrayQueue::<Message>::new(CAPACITY);
    let (there, back) = (&queue(), &queue());
    let template = message(0);
    track.trips(
        move |sequence| {
            let sent = there.push(Message {
                sequence,
                ..template
            });
            assert!(sent.is_ok());
            wait(|| back.pop().is_some_and(|it| it.sequence == sequence));
        },
        move |_| {
            wait(|| {
                there
                    .pop()
                    .is_some_and(|message| back.push(message).is_ok())
            });
        },
    )
}

/// The `disruptor` crate, polled on our threads so that they are pinned as all are.
#[cfg(feature = "rivals")]
pub fn disruptor(track: &Track) -> Sample {
    use ::disruptor::{BusySpin, Producer, build_single_producer};
    let template = message(0);
    let (mut far, builder) =
        build_single_producer(CAPACITY, move || template, BusySpin).new_event_poller();
    let mut there = builder.build();
    let (mut near, builder) =
        build_single_producer(CAPACITY, move || template, BusySpin).new_event_poller();
    let mut back = builder.build();
    track.trips(
        move |sequence| {
            there.publish(|slot| {
                *slot = Message {
                    sequence,
                    ..template
                };
            });
            wait(|| {
                near.poll().is_ok_and(|mut events| {
                    (&mut events)
                        .next()
                        .is_some_and(|it| it.sequence == sequence)
                })
            });
        },
        move |_| {
            wait(|| {
                let Ok(mut events) = far.poll() else {
                    return false;
                };
                let Some(message) = (&mut events).next().copied() else {
                    return false;
                };
                back.publish(|slot| *slot = message);
                true
            });
        },
    )
}

/// `std::sync::mpsc`, asked again and again instead of waiting.
pub fn mpsc(track: &Track) -> Sample {
    let (there, far) = std::sync::mpsc::sync_channel::<Message>(CAPACITY);
    let (back, near) = std::sync::mpsc::sync_channel::<Message>(CAPACITY);
    let template = message(0);
    track.trips(
        move |sequence| {
            let sent = there.send(Message {
                sequence,
                ..template
            });
            assert!(sent.is_ok());
            wait(|| near.try_recv().is_ok_and(|it| it.sequence == sequence));
        },
        move |_| {
            wait(|| {
                far.try_recv()
                    .is_ok_and(|message| back.send(message).is_ok())
            });
        },
    )
}

/// The row of the hop.
pub fn row(track: &Track) -> Row<'_> {
    let row = Row::new("hop", "a 64 B message to another core", "ns per hop, p50")
        .with(Role::Ours, "ring edge", || edge(track))
        .with(Role::Limit, "two atomics", || atomics(track))
        .with(Role::Rival, "rtrb", || rtrb(track));
    #[cfg(feature = "rivals")]
    let row = row
        .with(Role::Rival, "disruptor", || disruptor(track))
        .with(Role::Rival, "ArrayQueue", || array_queue(track));
    row.with(Role::Rival, "std mpsc", || mpsc(track))
        .goal(Goal::LimitTimes(1.1))
        .note(format!(
            "pinned on cores {} and {}; the median cost of the clock, {} ns, is taken off each round trip",
            track.cores[0], track.cores[1], track.clock_ns
        ))
}
