use super::*;
use crate::agent::{Agent, Duty, PanicPolicy, Turn};
use crate::beat;
use crate::core_map::{CoreMap, Profile, ThreadPlan};
use crate::idle::IdleKind;
use pitlane_lockfree::counters::Snapshot;
use pitlane_lockfree::ring::{Consumer, EdgeCounters, Producer, ring};

mod chain;
mod faults;
mod muster;
mod outside;
mod turns;

/// The end of the flow, in band.
/// The highest bit belongs to the rings.
const END: u64 = u64::MAX >> 1;

type Seen = Arc<Mutex<Vec<u64>>>;

fn edge(capacity: usize) -> (Producer<u64>, Consumer<u64>) {
    ring(capacity, EdgeCounters::private())
}

/// Sends the numbers below `count`, then the end; stops early when asked to.
struct Source {
    next: u64,
    count: u64,
    out: Producer<u64>,
    stop: Stop,
}

impl Agent for Source {
    fn role(&self) -> &'static str {
        "source"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if !self.out.has_room_for(duty.budget as usize + 1) {
            return Turn::Blocked;
        }
        if self.next == self.count || self.stop.is_requested() {
            self.out.push(END);
            return Turn::Done;
        }
        let (next, count) = (&mut self.next, self.count);
        let work = self.out.send_from(duty.budget as usize, || {
            (*next < count).then(|| {
                *next += 1;
                *next - 1
            })
        });
        Turn::Worked(work)
    }
}

/// Passes numbers on, and panics at one if told to.
struct Relay {
    name: &'static str,
    input: Consumer<u64>,
    out: Producer<u64>,
    panics_at: Option<u64>,
    policy: PanicPolicy,
}

impl Relay {
    fn new(name: &'static str, input: Consumer<u64>, out: Producer<u64>) -> Self {
        Self {
            name,
            input,
            out,
            panics_at: None,
            policy: PanicPolicy::FailStop,
        }
    }
}

impl Agent for Relay {
    fn role(&self) -> &str {
        self.name
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if !self.out.has_room_for(duty.budget as usize) {
            return Turn::Blocked;
        }
        let mut ended = false;
        let (out, panics_at) = (&mut self.out, self.panics_at);
        let work = self.input.drain(duty.budget as usize, |&number| {
            assert!(Some(number) != panics_at, "number {number} is cursed");
            ended |= number == END;
            out.push(number);
        });
        if ended {
            Turn::Done
        } else {
            Turn::Worked(work)
        }
    }

    fn on_panic(&self) -> PanicPolicy {
        self.policy
    }
}

/// Keeps what arrives.
struct Sink {
    input: Consumer<u64>,
    seen: Seen,
    log: Arc<Mutex<Vec<&'static str>>>,
}

impl Agent for Sink {
    fn role(&self) -> &'static str {
        "sink"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        let mut ended = false;
        let mut seen = self.seen.lock().expect("nobody panics with it");
        let work = self.input.drain(duty.budget as usize, |&number| {
            if number == END {
                ended = true;
            } else {
                seen.push(number);
            }
        });
        if ended {
            Turn::Done
        } else {
            Turn::Worked(work)
        }
    }

    fn on_close(&mut self) -> Result<(), String> {
        self.log.lock().expect("nobody panics with it").push("sink");
        Ok(())
    }
}

/// Ends when everybody upstream has, as supervisor and logger do.
struct Last {
    name: &'static str,
    log: Arc<Mutex<Vec<&'static str>>>,
}

impl Agent for Last {
    fn role(&self) -> &str {
        self.name
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if duty.upstream_ended {
            Turn::Done
        } else {
            Turn::IDLE
        }
    }

    fn on_close(&mut self) -> Result<(), String> {
        self.log
            .lock()
            .expect("nobody panics with it")
            .push(self.name);
        Ok(())
    }
}

/// source -> relay -> sink, then two agents that end last.
struct Chain {
    specs: Vec<AgentSpec>,
    seen: Seen,
    closed: Arc<Mutex<Vec<&'static str>>>,
    options: RunOptions,
}

const NAMES: [&str; 5] = ["source", "relay", "sink", "supervisor", "logger"];

fn chain_with(count: u64, change: impl FnOnce(&mut Relay)) -> Chain {
    let options = RunOptions::new(Clock::new());
    let seen = Seen::default();
    let closed = Arc::default();
    let (out, input) = edge(1024);
    let (relay_out, sink_input) = edge(1024);
    let source = Source {
        next: 0,
        count,
        out,
        stop: options.stop.clone(),
    };
    let mut relay = Relay::new("relay", input, relay_out);
    change(&mut relay);
    let sink = Sink {
        input: sink_input,
        seen: Arc::clone(&seen),
        log: Arc::clone(&closed),
    };
    let last = |name| Last {
        name,
        log: Arc::clone(&closed),
    };
    let specs = vec![
        AgentSpec::from(source).feeds(&["relay"]),
        AgentSpec::from(relay).feeds(&["sink"]),
        AgentSpec::from(sink),
        AgentSpec::from(last("supervisor")),
        AgentSpec::from(last("logger")),
    ];
    Chain {
        specs,
        seen,
        closed,
        options,
    }
}

fn chain(count: u64) -> Chain {
    chain_with(count, |_| {})
}

fn plan(name: &str, core: Option<usize>, idle: IdleKind, agents: &[&str]) -> ThreadPlan {
    ThreadPlan {
        name: name.to_owned(),
        core,
        idle,
        agents: agents.iter().map(|&agent| agent.to_owned()).collect(),
    }
}

fn number(snapshot: &Snapshot, owner: &str, label: &str) -> u64 {
    snapshot
        .value(owner, label)
        .unwrap_or_else(|| panic!("no {owner}/{label}"))
        .number()
}
