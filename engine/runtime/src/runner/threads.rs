//! Agents on threads: spawned, pinned, released together, joined.

use pitlane_lockfree::wake::{Parker, Waker, parker};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::cycle::{Cycle, Pulse, Seat};
use super::{ExitReport, LaunchError, RunOptions, Shared, ThreadReport, check_specs};
use crate::agent::AgentSpec;
use crate::beat::{AgentBeat, ThreadBeat};
use crate::contain;
use crate::core_map::{CoreMap, Fault, ThreadPlan};
use crate::idle::{Idle, IdleKind, Rest};
use crate::lifecycle::{State, Stop};
use crate::os;

/// Longest sleep of a parked thread. Wake-ups do the work; this bounds the harm of an edge that
/// was not declared, and it is how soon a parked thread sees a stop.
const PARK_LIMIT: Duration = Duration::from_millis(100);

/// The same once a stop was asked for: an end shall not wait for sleepers, and their time limits
/// are looked at when they wake.
const PARK_LIMIT_STOPPING: Duration = Duration::from_millis(1);

/// Time beyond the whole shutdown in which a thread must have come back from its last poll.
const ABANDON_AFTER: Duration = Duration::from_secs(1);

/// A running engine.
pub struct Running {
    /// By place in the core map.
    threads: BTreeMap<usize, Thread>,
    ended: Receiver<(usize, u64)>,
    shared: Arc<Shared>,
}

struct Thread {
    plan: ThreadPlan,
    handle: JoinHandle<()>,
}

/// Starts a thread per plan of the map and polls the agents, given in flow order.
///
/// No agent is polled before all threads are pinned and all agents have started.
/// When one cannot, none is: those that started are closed again and the reasons come back.
pub fn launch(
    map: &CoreMap,
    specs: Vec<AgentSpec>,
    options: &RunOptions,
) -> Result<Running, LaunchError> {
    check_specs(&specs)?;
    let homes = homes(map, &specs)?;
    contain::install_hook();
    let shared = Shared::new(&specs, options);
    let (parkers, wakers): (Vec<_>, Vec<_>) = map.threads.iter().map(ends).unzip();
    let neighbours = neighbours(&specs, &homes);

    let mut seats: Vec<Vec<(usize, Seat)>> = map.threads.iter().map(|_| Vec::new()).collect();
    // Wakers are listed per thread without gaps; this says where in the list a thread's waker is.
    let slot = |home: usize| wakers[..home].iter().flatten().count();
    for (index, spec) in specs.into_iter().enumerate() {
        let beat = AgentBeat::new(&options.page, spec.name(), index, homes[index].0)?;
        let wakes = neighbours[index]
            .iter()
            .filter(|&&home| wakers[home].is_some())
            .map(|&home| slot(home))
            .collect();
        let (home, order) = homes[index];
        seats[home].push((order, Seat::new(index, spec, beat, wakes)));
    }

    let listed: Vec<Waker> = wakers.iter().flatten().cloned().collect();
    let gate = Arc::new(Gate::default());
    let (report, ended) = channel();
    let mut beats = Vec::new();
    for plan in &map.threads {
        let (page, clock) = (&options.page, &options.clock);
        beats.push(ThreadBeat::new(page, &plan.name, Some(plan.idle), clock)?);
    }
    let mut threads = BTreeMap::new();
    let mut refused = Vec::new();
    let parts = map.threads.iter().zip(seats).zip(parkers).zip(beats);
    for (index, (((plan, mut seats), parker), beat)) in parts.enumerate() {
        seats.sort_by_key(|(order, _)| *order);
        let seats = seats.into_iter().map(|(_, seat)| seat).collect();
        let cycle = Cycle::new(seats, Arc::clone(&shared), beat, listed.clone());
        let body = Body {
            index,
            core: plan.core,
            idle: plan.idle,
            cycle,
            waker: wakers[index].clone(),
            parker,
            gate: Arc::clone(&gate),
            report: report.clone(),
        };
        let spawned = thread::Builder::new()
            .name(plan.name.clone())
            .spawn(move || body.run());
        match spawned {
            Ok(handle) => {
                let plan = plan.clone();
                threads.insert(index, Thread { plan, handle });
            }
            Err(error) => refused.push(Fault {
                thread: Some(index),
                key: "",
                what: format!("the thread cannot be started: {error}"),
            }),
        }
    }
    drop(report);

    let mut faults = gate.wait_for(threads.len());
    faults.extend(refused);
    let failures = shared.take_failures();
    let go = faults.is_empty() && failures.is_empty();
    gate.open(go);
    let running = Running {
        threads,
        ended,
        shared,
    };
    if go {
        return Ok(running);
    }
    running.join();
    // Most likely the core map is at fault when both are.
    if faults.is_empty() {
        Err(LaunchError::Start(failures))
    } else {
        faults.sort_by_key(|fault| fault.thread);
        Err(LaunchError::Map(faults))
    }
}

/// A parker and waker for threads that park.
fn ends(plan: &ThreadPlan) -> (Option<Parker>, Option<Waker>) {
    if plan.idle == IdleKind::Park {
        let (parker, waker) = parker();
        (Some(parker), Some(waker))
    } else {
        (None, None)
    }
}

/// Per agent: its thread and its place there. The map must place every agent once, and no other.
fn homes(map: &CoreMap, specs: &[AgentSpec]) -> Result<Vec<(usize, usize)>, LaunchError> {
    let mut faults = Vec::new();
    let mut fault = |thread, what: String| {
        faults.push(Fault {
            thread,
            key: "agents",
            what,
        });
    };
    let mut homes: Vec<Option<(usize, usize)>> = vec![None; specs.len()];
    for (home, plan) in map.threads.iter().enumerate() {
        for (order, name) in plan.agents.iter().enumerate() {
            match specs.iter().position(|spec| spec.name() == name) {
                None => fault(Some(home), format!("no agent \"{name}\" was given")),
                Some(index) if homes[index].is_some() => {
                    fault(Some(home), format!("agent \"{name}\" is placed twice"));
                }
                Some(index) => homes[index] = Some((home, order)),
            }
        }
    }
    for (spec, home) in specs.iter().zip(&homes) {
        if home.is_none() {
            fault(None, format!("agent \"{}\" is on no thread", spec.name()));
        }
    }
    if faults.is_empty() {
        Ok(homes.into_iter().flatten().collect())
    } else {
        Err(LaunchError::Map(faults))
    }
}

/// Per agent: the other threads on which somebody feeds it or is fed by it.
fn neighbours(specs: &[AgentSpec], homes: &[(usize, usize)]) -> Vec<BTreeSet<usize>> {
    let mut neighbours = vec![BTreeSet::new(); specs.len()];
    for (from, spec) in specs.iter().enumerate() {
        for name in &spec.feeds {
            if let Some(to) = specs.iter().position(|other| other.name() == name)
                && homes[from].0 != homes[to].0
            {
                neighbours[from].insert(homes[to].0);
                neighbours[to].insert(homes[from].0);
            }
        }
    }
    neighbours
}

/// Holds all threads until the last one is ready, then lets them go or sends them home.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    moved: Condvar,
}

#[derive(Default)]
struct GateState {
    arrived: usize,
    faults: Vec<Fault>,
    verdict: Option<bool>,
}

impl Gate {
    /// A thread is ready, or has a fault to tell. Waits for the verdict.
    fn arrive(&self, fault: Option<Fault>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.arrived += 1;
        state.faults.extend(fault);
        self.moved.notify_all();
        loop {
            if let Some(verdict) = state.verdict {
                return verdict;
            }
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until so many threads have arrived; their faults.
    fn wait_for(&self, threads: usize) -> Vec<Fault> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self
            .moved
            .wait_while(state, |state| state.arrived < threads)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.faults)
    }

    fn open(&self, go: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.verdict = Some(go);
        self.moved.notify_all();
    }
}

/// What one thread runs.
struct Body {
    index: usize,
    core: Option<usize>,
    idle: IdleKind,
    cycle: Cycle,
    waker: Option<Waker>,
    parker: Option<Parker>,
    gate: Arc<Gate>,
    report: Sender<(usize, u64)>,
}

impl Body {
    fn run(mut self) {
        let fault = self.prepare();
        if self.gate.arrive(fault) {
            self.poll_to_end();
        } else {
            self.cycle.call_off();
        }
        // Nobody listens any more only when the engine was abandoned.
        let _ = self.report.send((self.index, os::thread_cpu_ns()));
    }

    /// Pins, then starts the agents where they will run, so that their memory is near.
    fn prepare(&mut self) -> Option<Fault> {
        self.cycle.beat.tid.set(u64::from(os::thread_id()));
        let now = self.cycle.shared().options.clock.raw();
        self.cycle.beat.since.set(now.max(1));
        if let Some(core) = self.core {
            if let Err(error) = os::pin(core) {
                return Some(Fault {
                    thread: Some(self.index),
                    key: "core",
                    what: error.to_string(),
                });
            }
            self.cycle.beat.core.set(core as u64 + 1);
        }
        // A failure is recorded with the shared state.
        self.cycle.start(self.waker.as_ref());
        None
    }

    fn poll_to_end(&mut self) {
        let mut idle = Idle::new(self.idle);
        let mut until = None;
        loop {
            match self.cycle.run_on(until.take()) {
                Pulse::Ended => return,
                Pulse::Worked { until: end } => {
                    idle.worked();
                    until = end;
                }
                Pulse::Idle => match idle.rest() {
                    Rest::Spin => std::hint::spin_loop(),
                    Rest::Yield => thread::yield_now(),
                    Rest::Sleep(time) => thread::sleep(time.min(self.until_timer())),
                    Rest::Park => {
                        if self.park() {
                            idle.worked();
                        }
                    }
                },
            }
        }
    }

    /// Sleeps until woken or the next timer. `true` when there was work after all.
    fn park(&mut self) -> bool {
        let limit = self.until_timer();
        let Some(parker) = self.parker.as_mut() else {
            thread::sleep(limit);
            return false;
        };
        if limit.is_zero() {
            return false;
        }
        let cycle = &mut self.cycle;
        let mut worked = false;
        // The mark is written before the last look at the inputs, and again behind it, because
        // that look is a duty cycle like any other.
        let _ = parker.park(limit, || {
            worked = cycle.run_once() != Pulse::Idle;
            if !worked {
                cycle.beat.parks.add(1);
                cycle.beat.parked.set(1);
            }
            worked
        });
        self.cycle.beat.parked.set(0);
        worked
    }

    /// Time until an agent's timer is due, at most the park limit.
    fn until_timer(&self) -> Duration {
        let RunOptions { clock, stop, .. } = &self.cycle.shared().options;
        let limit = if stop.is_requested() {
            PARK_LIMIT_STOPPING
        } else {
            PARK_LIMIT
        };
        let timer = self.cycle.timer().map_or(limit, |due| {
            Duration::from_nanos(clock.delta_ns(clock.raw(), due))
        });
        timer.min(limit)
    }
}

impl Running {
    /// Asks everything to end.
    pub fn stop(&self) {
        self.shared.options.stop.request();
    }

    /// The flag that [`Running::stop`] sets.
    pub fn stop_flag(&self) -> Stop {
        self.shared.options.stop.clone()
    }

    /// Where each agent is in its life, in flow order.
    pub fn states(&self) -> Vec<(String, State)> {
        self.shared.roster.states()
    }

    /// Whether every thread has ended.
    pub fn is_finished(&self) -> bool {
        self.threads
            .values()
            .all(|thread| thread.handle.is_finished())
    }

    /// Waits for the end. Once a stop was asked for, the wait is bounded: a thread that does not
    /// come back from a poll is reported and left behind.
    pub fn join(self) -> ExitReport {
        let mut cpu: BTreeMap<usize, u64> = BTreeMap::new();
        let patience = u64::try_from(ABANDON_AFTER.as_nanos()).unwrap_or(u64::MAX);
        while cpu.len() < self.threads.len() {
            match self.ended.recv_timeout(Duration::from_millis(50)) {
                Ok((index, cpu_ns)) => {
                    cpu.insert(index, cpu_ns);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let options = &self.shared.options;
                    if !options.stop.is_requested() {
                        continue;
                    }
                    let now = options.clock.raw();
                    let since = options.clock.delta_ns(self.shared.stopped_at(now), now);
                    if since > self.shared.shutdown_ns.saturating_add(patience) {
                        break;
                    }
                }
            }
        }
        let mut reports = Vec::new();
        for (index, thread) in self.threads {
            let cpu = cpu.get(&index).copied();
            let name = thread.plan.name;
            match cpu {
                Some(_) => {
                    // It has sent its last word, so this waits for its stack to unwind only.
                    let _ = thread.handle.join();
                }
                None if thread.handle.is_finished() => {
                    let reason = match thread.handle.join() {
                        Ok(()) => "ended without a report".to_owned(),
                        Err(_) => "the thread itself panicked".to_owned(),
                    };
                    self.shared.record(&format!("thread/{name}"), reason);
                }
                None => self.shared.record(
                    &format!("thread/{name}"),
                    "abandoned: it did not come back from a poll".to_owned(),
                ),
            }
            reports.push(ThreadReport {
                name,
                core: thread.plan.core,
                cpu_ns: cpu.unwrap_or(0),
            });
        }
        self.shared.report(reports)
    }
}
