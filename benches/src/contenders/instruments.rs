//! What measuring costs a hop: the same two agents, on the same ring and two pinned cores, run by the runner with all
//! its instruments and by a bare loop without any.
//!
//! With: edges counted on a page, the heartbeat of threads and agents, a stamp at ingress, and a latency recorded at the
//! end of every hop. Without: the loop calls the agents through the same pointer, contains panics and looks at the stop
//! flag, as any runner must, and reads no clock.

use super::hop::{CAPACITY, Track, WARM, hop, message};
use crate::report::Goal;
use crate::rounds::{Role, Row, Sample, histogram};
use hdrhistogram::Histogram;
use pitlane_app::latency::{StageLatency, stamp};
use pitlane_app::stopwatch::Stopwatch;
use pitlane_domain::message::{Kind, Message};
use pitlane_lockfree::counters::{CountersPage, PageOptions, Unit};
use pitlane_lockfree::ring::{Consumer, EdgeCounters, Producer, ring};
use pitlane_lockfree::stamps::{StampWriter, stamp_table};
use pitlane_runtime::agent::{Agent, AgentSpec, Duty, Turn};
use pitlane_runtime::clock::Clock;
use pitlane_runtime::core_map::{CoreMap, Profile, ThreadPlan};
use pitlane_runtime::idle::IdleKind;
use pitlane_runtime::lifecycle::Stop;
use pitlane_runtime::os;
use pitlane_runtime::runner::{RunOptions, launch};
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Messages a poll may take.
const BUDGET: u32 = 256;

/// What is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timed {
    /// From a message on its way to its answer.
    Message,
    /// From one message to the next: what the sender's own turns take as well.
    Turns,
}

/// Sends a message and waits for its answer, again and again.
struct Near {
    there: Producer<Message>,
    back: Consumer<Message>,
    template: Message,
    /// The first message that counts, and the last.
    counted: [u64; 2],
    sent: u64,
    answered: u64,
    timed: Timed,
    clock: Clock,
    clock_ns: u64,
    began: u64,
    hops: Histogram<u64>,
    ingress: Option<(StampWriter, Stopwatch)>,
    latency: Option<StageLatency>,
    result: Arc<Mutex<Option<Histogram<u64>>>>,
}

impl Near {
    fn record(&mut self, now: u64) {
        if self.sent >= self.counted[0] {
            let took = self.clock.delta_ns(self.began, now);
            let took = took.saturating_sub(self.clock_ns);
            let _ = self.hops.record((took / 2).max(1));
        }
    }
}

impl Agent for Near {
    fn role(&self) -> &'static str {
        "near"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if let Some(latency) = &mut self.latency {
            latency.settle(duty.worked_until);
        }
        if self.sent > self.answered {
            let (answered, latency) = (&mut self.answered, &mut self.latency);
            let work = self.back.drain(duty.budget as usize, |message| {
                *answered = message.sequence;
                if let Some(latency) = latency {
                    latency.note(message);
                }
            });
            if !work.is_idle() && self.timed == Timed::Message {
                self.record(self.clock.raw());
            }
            return Turn::Worked(work);
        }
        if !self.there.has_room_at(1, duty.now) {
            return Turn::Blocked;
        }
        let mut message = self.template;
        if self.sent == self.counted[1] {
            message.kind = Kind::End as u8;
            let _ = self.there.send_all(&[message]);
            return Turn::Done;
        }
        let now = self.clock.raw();
        if self.timed == Timed::Turns {
            self.record(now);
        }
        self.began = now;
        self.sent += 1;
        message.sequence = self.sent;
        if let Some((stamps, watch)) = &mut self.ingress {
            let taken = watch.at(duty.now);
            stamps.write(message.sequence, stamp(taken, taken));
        }
        Turn::Worked(self.there.send_all(&[message]))
    }

    fn on_close(&mut self) -> Result<(), String> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        *result = Some(self.hops.clone());
        Ok(())
    }
}

/// Sends back what comes.
struct Far {
    input: Consumer<Message>,
    out: Producer<Message>,
    latency: Option<StageLatency>,
}

impl Agent for Far {
    fn role(&self) -> &'static str {
        "far"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if let Some(latency) = &mut self.latency {
            latency.settle(duty.worked_until);
        }
        let budget = duty.budget as usize;
        if !self.out.has_room_at(budget, duty.now) {
            return Turn::Blocked;
        }
        let (out, latency, mut ended) = (&mut self.out, &mut self.latency, false);
        let work = self.input.drain(budget, |message| {
            if message.kind == Kind::End as u8 {
                ended = true;
                return;
            }
            out.push(*message);
            if let Some(latency) = latency {
                latency.note(message);
            }
        });
        if ended {
            return Turn::Done;
        }
        Turn::Worked(work)
    }
}

fn measure(track: &Track, instruments: bool, timed: Timed) -> Sample {
    let clock = track.clock();
    let page = CountersPage::heap(PageOptions::default());
    let counters = |edge, from, to| {
        if instruments {
            EdgeCounters::on(&page, edge, from, to).expect("room")
        } else {
            EdgeCounters::private()
        }
    };
    let (there, input) = ring(CAPACITY, counters("there", "near", "far"));
    let (out, back) = ring(CAPACITY, counters("back", "far", "near"));
    let (stamps, reader) = stamp_table(4 * CAPACITY);
    let watch = Stopwatch::start(clock.clone());
    let latency = |owner| {
        instruments.then(|| {
            let histogram = page.histogram(owner, "latency", Unit::Nanoseconds);
            let histogram = histogram.expect("room");
            StageLatency::new(
                reader.clone(),
                watch.clone(),
                histogram,
                None,
                BUDGET as usize,
            )
        })
    };
    let warm = WARM.min(track.count());
    let result = Arc::default();
    let near = Near {
        there,
        back,
        template: message(0),
        counted: [warm, warm + track.count()],
        sent: 0,
        answered: 0,
        timed,
        clock: clock.clone(),
        clock_ns: track.clock_ns(),
        began: clock.raw(),
        hops: histogram(),
        ingress: instruments.then(|| (stamps, watch.clone())),
        latency: latency("near"),
        result: Arc::clone(&result),
    };
    let far = Far {
        input,
        out,
        latency: latency("far"),
    };
    if instruments {
        by_the_runner(track, &page, near, far);
    } else {
        let stop = &Stop::new();
        let [here, there] = track.cores();
        thread::scope(|scope| {
            scope.spawn(move || by_a_bare_loop(there, Box::new(far), stop));
            scope.spawn(move || by_a_bare_loop(here, Box::new(near), stop));
        });
    }
    let tail = result.lock().unwrap_or_else(PoisonError::into_inner).take();
    hop(tail.expect("the near side ends"))
}

fn by_the_runner(track: &Track, page: &CountersPage, near: Near, far: Far) {
    let plan = |name: &str, core| ThreadPlan {
        name: name.to_owned(),
        core: Some(core),
        idle: IdleKind::Spin,
        agents: vec![name.to_owned()],
    };
    let [here, there] = track.cores();
    let map = CoreMap {
        profile: Profile::Isolated,
        threads: vec![plan("near", here), plan("far", there)],
    };
    let mut options = RunOptions::new(track.clock().clone());
    options.page = page.clone();
    let specs = vec![
        AgentSpec::from(near).feeds(&["far"]).budget(BUDGET),
        AgentSpec::from(far).feeds(&["near"]).budget(BUDGET),
    ];
    let report = launch(&map, specs, &options).expect("a legal map").join();
    assert!(report.ok, "{report:?}");
}

fn by_a_bare_loop(core: usize, mut agent: Box<dyn Agent>, stop: &Stop) {
    os::pin(core).expect("a core we may use");
    loop {
        let duty = Duty::new(0, BUDGET);
        match catch_unwind(AssertUnwindSafe(|| agent.poll(&duty))) {
            Ok(Turn::Worked(work)) if work.is_idle() => spin_loop(),
            Ok(Turn::Worked(_)) => {}
            Ok(Turn::Done) => break,
            _ => panic!("it neither blocks nor fails"),
        }
        if stop.is_requested() {
            break;
        }
    }
    agent.on_close().expect("it closes");
}

/// The row of what measuring costs.
pub fn row(track: &Track) -> Row<'_> {
    Row::new(
        "instrumentation",
        "a hop that is counted, stamped and recorded",
        "ns per hop, p50",
    )
    .with(Role::Ours, "instruments on", || {
        measure(track, true, Timed::Message)
    })
    .with(Role::Limit, "instruments off", || {
        measure(track, false, Timed::Message)
    })
    .with(Role::Rival, "on, with the sender's turns", || {
        measure(track, true, Timed::Turns)
    })
    .with(Role::Rival, "off, with the sender's turns", || {
        measure(track, false, Timed::Turns)
    })
    .goal(Goal::LimitTimes(1.05))
    .note(
        "the same agents, ring and cores; on: the runner with heartbeats, counters on a page, a stamp at ingress and a \
         latency at the end of every hop; off: a bare loop that reads no clock, over a ring whose \
         counters nobody sees; a turn of one message, the dearest case",
    )
    .note(
        "a hop is half of the time from a message to its answer; with the sender's turns, half of the time from one \
         message to the next, where two whole turns of the sender lie",
    )
}
