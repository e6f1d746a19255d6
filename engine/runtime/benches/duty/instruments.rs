//! What the instruments of a hop cost: the same round trip between two threads with and without.
//!
//! Without: two rtrb rings and a loop that echoes. With: edges whose counters lie on a page, an
//! agent in a duty cycle with its heartbeat, a stamp at ingress and a latency histogram; the runner's
//! own work is counted with them. Both are measured in turns, round by round, and the least of each
//! is compared, because a machine that does something else only adds.

use pitlane_lockfree::counters::{CountersPage, Histogram, PageOptions, Unit};
use pitlane_lockfree::ring::{Consumer, EdgeCounters, Producer, ring};
use pitlane_lockfree::stamps::{StampReader, stamp_table};
use pitlane_runtime::agent::{Agent, AgentSpec, Duty, Turn};
use pitlane_runtime::clock::Clock;
use pitlane_runtime::runner::{RunOptions, fold};
use std::hint::spin_loop;
use std::thread;

type Message = [u64; 8];

/// Round trips in a round: a fifth of a millisecond, which a busy machine often leaves alone.
const TRIPS: u64 = 400;
const CAPACITY: usize = 1024;
const END: u64 = u64::MAX;

/// Prints the row of each way and what lies between them.
pub fn table(rounds: usize) {
    let clock = Clock::new();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        without.push(bare(&clock));
        with.push(instrumented(&clock));
    }
    super::table("hop, 64 bytes, bare ring and loop", without.clone());
    super::table("hop, with counters, heartbeat, latency", with.clone());
    let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let (without, with) = (least(&without), least(&with));
    let more = (with - without) / without * 100.0;
    println!(
        "{:<44} {more:>9.1}%",
        "  the instruments of a hop, of the bare one"
    );
}

fn message(number: u64) -> Message {
    [number; 8]
}

/// Waits for the other side, and lets it run if there is one core only.
fn wait(mut ready: impl FnMut() -> bool) {
    let mut spins = 0_u32;
    while !ready() {
        spins += 1;
        if spins.is_multiple_of(4096) {
            thread::yield_now();
        }
        spin_loop();
    }
}

/// Nanoseconds of a hop: half a round trip. The first trips, in which both sides come to speed, stay out.
fn timed(clock: &Clock, mut trip: impl FnMut(u64)) -> f64 {
    (0..TRIPS).for_each(&mut trip);
    let start = clock.raw();
    (TRIPS..2 * TRIPS).for_each(&mut trip);
    clock.since_ns(start) as f64 / (2 * TRIPS) as f64
}

fn bare(clock: &Clock) -> f64 {
    let (mut there, mut far) = rtrb::RingBuffer::<Message>::new(CAPACITY);
    let (mut back, mut near) = rtrb::RingBuffer::<Message>::new(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut ended = false;
            while !ended {
                wait(|| {
                    far.pop().is_ok_and(|message| {
                        ended = message[0] == END;
                        back.push(message).is_ok()
                    })
                });
            }
        });
        let time = timed(clock, |number| {
            there.push(message(number)).expect("room");
            wait(|| near.pop().is_ok_and(|message| message[0] == number));
        });
        there.push(message(END)).expect("room");
        time
    })
}

/// Sends back what comes, and knows how long each took.
struct Echo {
    input: Consumer<Message>,
    out: Producer<Message>,
    stamps: StampReader,
    latency: Histogram,
    clock: Clock,
}

impl Agent for Echo {
    fn role(&self) -> &'static str {
        "echo"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        let budget = duty.budget as usize;
        if !self.out.has_room_at(budget, duty.now) {
            return Turn::Blocked;
        }
        let (mut ended, mut ingress) = (false, 0);
        let work = self.input.drain(budget, |message| {
            ended = message[0] == END;
            ingress = self.stamps.read(message[0]);
            self.out.push(*message);
        });
        if ended {
            return Turn::Done;
        }
        if !work.is_idle() {
            let now = self.clock.raw();
            self.latency.record(self.clock.delta_ns(ingress, now));
        }
        Turn::Worked(work)
    }
}

fn instrumented(clock: &Clock) -> f64 {
    let page = CountersPage::heap(PageOptions::default());
    let edge = |name, from, to| EdgeCounters::on(&page, name, from, to).expect("room");
    let (mut there, input) = ring(CAPACITY, edge("there", "near", "echo"));
    let (out, mut near) = ring(CAPACITY, edge("back", "echo", "near"));
    let (mut stamps, reader) = stamp_table(CAPACITY);
    let latency = page.histogram("echo", "latency.hop", Unit::Nanoseconds);
    let echo = Echo {
        input,
        out,
        stamps: reader,
        latency: latency.expect("room"),
        clock: clock.clone(),
    };
    let mut options = RunOptions::new(clock.clone());
    options.page = page.clone();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut folded = fold(vec![AgentSpec::from(echo)], &[], &options).expect("a fold");
            let mut ended = false;
            while !ended {
                ended = !folded.step();
                spin_loop();
            }
        });
        let time = timed(clock, |number| {
            stamps.write(number, clock.raw());
            there.push(message(number));
            wait(|| {
                !near
                    .drain(1, |message| assert_eq!(message[0], number))
                    .is_idle()
            });
        });
        there.push(message(END));
        time
    })
}
