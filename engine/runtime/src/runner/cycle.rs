//! The duty cycle, the same on every kind of thread.

use pitlane_lockfree::wake::Waker;
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use crate::agent::{Agent, AgentSpec, Duty, PanicPolicy, Turn};
use crate::beat::{AgentBeat, ThreadBeat};
use crate::contain::{Panic, contain};
use crate::lifecycle::State;
use crate::log::{Level, Notice};

/// Idle polls after which an agent is taken to have handled everything, once a fail-stop has
/// happened and everybody upstream is gone: its inputs cannot fill again, and the end message
/// may have died with its sender.
const DRY_POLLS: u32 = 4;

/// One agent on its thread.
pub(crate) struct Seat {
    /// Place in flow order.
    index: usize,
    name: String,
    /// `None` once it has ended.
    agent: Option<Box<dyn Agent>>,
    policy: PanicPolicy,
    budget: u32,
    drain: Duration,
    drain_ns: u64,
    beat: AgentBeat,
    /// Indices into the cycle's wakers: threads of its neighbours.
    wakes: Vec<usize>,
    /// Raw time at which its last poll that worked ended.
    worked_until: u64,
    /// Since when an output had no room.
    blocked_since: Option<u64>,
    /// Raw time at which it saw both the stop and the end of everybody upstream.
    drain_since: Option<u64>,
    dry_polls: u32,
}

/// What a duty cycle came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pulse {
    Worked {
        /// The raw clock at its end, if it was read there: the beginning of a cycle that follows at once.
        until: Option<u64>,
    },
    Idle,
    /// No agent of this thread is left.
    Ended,
}

/// Why an agent ends.
enum Ending {
    Done,
    Failed(String),
    Panicked(Panic),
    Forced(String),
}

/// The agents of one thread and what the cycle needs to run them.
pub(crate) struct Cycle {
    seats: Vec<Seat>,
    shared: Arc<Shared>,
    pub beat: ThreadBeat,
    wakers: Vec<Waker>,
    due: Vec<bool>,
    alive: usize,
}

impl Seat {
    pub(crate) fn new(index: usize, spec: AgentSpec, beat: AgentBeat, wakes: Vec<usize>) -> Self {
        Self {
            index,
            name: spec.name,
            policy: spec.agent.on_panic(),
            agent: Some(spec.agent),
            budget: spec.budget,
            drain: spec.drain,
            drain_ns: u64::try_from(spec.drain.as_nanos()).unwrap_or(u64::MAX),
            beat,
            wakes,
            worked_until: 0,
            blocked_since: None,
            drain_since: None,
            dry_polls: 0,
        }
    }

    /// Calls `on_start`; the error is the agent's own sentence or its panic.
    fn start(&mut self, waker: Option<&Waker>) -> Result<(), String> {
        let Some(agent) = self.agent.as_mut() else {
            return Ok(());
        };
        let start = || {
            if let Some(waker) = waker {
                agent.on_waker(waker.clone());
            }
            agent.on_start()
        };
        contain(start).unwrap_or_else(|panic| Err(panic.sentence))
    }

    fn set_state(&mut self, shared: &Shared, state: State) {
        shared.advance(self.index, state);
        self.beat.state.set(state as u64);
    }
}

impl Cycle {
    pub(crate) fn new(
        seats: Vec<Seat>,
        shared: Arc<Shared>,
        beat: ThreadBeat,
        wakers: Vec<Waker>,
    ) -> Self {
        Self {
            alive: seats.len(),
            due: vec![false; wakers.len()],
            seats,
            shared,
            beat,
            wakers,
        }
    }

    /// Starts all agents, or none: when one fails, those that started are closed again.
    /// Says whether all are ready; failures are recorded. `waker` wakes this thread, if it parks.
    pub(crate) fn start(&mut self, waker: Option<&Waker>) -> bool {
        let mut good = true;
        for seat in &mut self.seats {
            match seat.start(waker) {
                Ok(()) => {
                    let now = self.shared.options.clock.raw();
                    // 0 says that it has not begun
                    seat.beat.since.set(now.max(1));
                    seat.set_state(&self.shared, State::Ready);
                }
                Err(reason) => {
                    self.shared.record(&seat.name, reason);
                    good = false;
                    break;
                }
            }
        }
        good
    }

    /// Closes agents that started in a run that does not begin.
    pub(crate) fn call_off(&mut self) {
        for seat in &mut self.seats {
            if self.shared.roster.state(seat.index) == State::Ready {
                end(seat, &self.shared, Ending::Done);
            }
        }
    }

    /// Polls every agent once.
    pub(crate) fn run_once(&mut self) -> Pulse {
        self.run_at(self.shared.options.clock.raw())
    }

    /// Polls every agent once, right behind the cycle before: the clock is not read again if that one read it last.
    pub(crate) fn run_on(&mut self, until: Option<u64>) -> Pulse {
        match until {
            Some(now) => self.run_at(now),
            None => self.run_once(),
        }
    }

    fn run_at(&mut self, now: u64) -> Pulse {
        let clock = &self.shared.options.clock;
        let ended = self.shared.roster.ended_prefix();
        let stopping = self.shared.options.stop.is_requested();
        self.beat.loops.add(1);
        self.beat.entered.set(now);
        self.beat.cycles.begin(now);
        let mut last = now;
        let mut worked = false;
        // Whether nothing has been done since `last` was read.
        let mut fresh = false;
        for seat in &mut self.seats {
            let Some(agent) = seat.agent.as_mut() else {
                continue;
            };
            self.beat.polling.set(seat.index as u64 + 1);
            let duty = Duty {
                now,
                worked_until: seat.worked_until,
                budget: seat.budget,
                upstream_ended: ended >= seat.index,
            };
            let turn = contain(|| agent.poll(&duty));
            seat.beat.polls.add(1);
            let blocked = matches!(turn, Ok(Turn::Blocked));
            let (units, mut ending) = match turn {
                Ok(Turn::Worked(work)) => (work.count(), None),
                Ok(Turn::Took(units)) => (units, None),
                Ok(Turn::Blocked) => {
                    seat.beat.blocked.add(1);
                    // counted as it grows, so that a stall is seen while it lasts
                    let since = seat.blocked_since.replace(now).unwrap_or(now);
                    seat.beat.blocked_ns.add(clock.delta_ns(since, now));
                    (0, None)
                }
                Ok(Turn::Done) => (0, Some(Ending::Done)),
                Ok(Turn::Failed(reason)) => (0, Some(Ending::Failed(reason))),
                Err(panic) => (0, Some(Ending::Panicked(panic))),
            };
            if !blocked && let Some(since) = seat.blocked_since.take() {
                seat.beat.blocked_ns.add(clock.delta_ns(since, now));
            }
            fresh = units > 0;
            if units > 0 {
                worked = true;
                seat.beat.work.add(u64::from(units));
                for &waker in &seat.wakes {
                    self.due[waker] = true;
                }
                // The clock is read again only behind real work: an idle poll costs no reading,
                // and its few nanoseconds go to the next agent that works.
                let after = clock.raw();
                seat.beat.busy_ns.add(clock.delta_ns(last, after));
                seat.worked_until = after;
                last = after;
            } else if !blocked {
                seat.beat.idle.add(1);
            }
            if stopping && ending.is_none() {
                ending = overdue(seat, &self.shared, &duty, units > 0 || blocked);
            }
            if let Some(ending) = ending {
                end(seat, &self.shared, ending);
                self.alive -= 1;
                (worked, fresh) = (true, false);
                // Anyone may have waited for this end.
                self.due.fill(true);
            }
        }
        self.beat.polling.set(0);
        self.beat.cycles.end(worked);
        if worked {
            self.beat.busy_loops.add(1);
            for (due, waker) in self.due.iter_mut().zip(&self.wakers) {
                if std::mem::take(due) {
                    waker.wake();
                    fresh = false;
                }
            }
        }
        match (self.alive, worked) {
            (0, _) => Pulse::Ended,
            (_, true) => Pulse::Worked {
                until: fresh.then_some(last),
            },
            (_, false) => Pulse::Idle,
        }
    }

    /// The earliest time an agent wants to be polled at.
    pub(crate) fn timer(&self) -> Option<u64> {
        self.seats
            .iter()
            .filter_map(|seat| seat.agent.as_ref().and_then(|agent| agent.timer()))
            .min()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

/// Whether a stop has lasted longer than this agent may take, or than it has anything left to do.
#[cold]
fn overdue(seat: &mut Seat, shared: &Shared, duty: &Duty, active: bool) -> Option<Ending> {
    let clock = &shared.options.clock;
    let stopped = shared.stopped_at(duty.now);
    if clock.delta_ns(stopped, duty.now) > shared.shutdown_ns {
        let limit = shared.options.shutdown;
        return Some(Ending::Forced(format!(
            "forced: the whole shutdown took longer than {limit:?}"
        )));
    }
    if !duty.upstream_ended {
        return None;
    }
    let since = *seat.drain_since.get_or_insert(duty.now);
    if clock.delta_ns(since, duty.now) > seat.drain_ns {
        return Some(Ending::Forced(format!(
            "forced: not finished {:?} after everything upstream had",
            seat.drain
        )));
    }
    seat.dry_polls = if active { 0 } else { seat.dry_polls + 1 };
    (shared.has_failed() && seat.dry_polls >= DRY_POLLS).then_some(Ending::Done)
}

/// Closes an agent and drops it; from here on it is never touched again.
#[cold]
fn end(seat: &mut Seat, shared: &Shared, ending: Ending) {
    let Some(mut agent) = seat.agent.take() else {
        return;
    };
    let clock = &shared.options.clock;
    let begin = clock.raw();
    seat.set_state(shared, State::Cleaning);
    let mut backtrace = None;
    let (reason, close) = match ending {
        Ending::Done => (None, true),
        Ending::Failed(reason) | Ending::Forced(reason) => (Some(reason), true),
        Ending::Panicked(panic) => {
            seat.beat.panics.add(1);
            backtrace = panic.backtrace;
            (Some(panic.sentence), false)
        }
    };
    if let Some(reason) = &reason {
        shared.record(&seat.name, reason.clone());
        if seat.policy == PanicPolicy::FailStop {
            shared.fail_stop();
        }
    }
    let closed = if close {
        contain(|| agent.on_close()).unwrap_or_else(|panic| Err(panic.sentence))
    } else {
        Ok(())
    };
    let dropped = contain(|| drop(agent)).map_err(|panic| panic.sentence);
    for error in [closed.as_ref().err(), dropped.as_ref().err()]
        .into_iter()
        .flatten()
    {
        shared.record(&seat.name, format!("while closing: {error}"));
    }
    let success = reason.is_none() && closed.is_ok() && dropped.is_ok();
    if !success {
        seat.beat.failures.add(1);
    }
    let mut notice = Notice::new(
        if success { Level::Info } else { Level::Error },
        &seat.name,
        reason
            .or(closed.err())
            .or(dropped.err())
            .unwrap_or_else(|| "closed".to_owned()),
    );
    notice = notice
        .with("event", "worker_cleanup")
        .with("workerId", seat.name.as_str())
        .with("duration_ns", clock.since_ns(begin))
        .with("success", success);
    if let Some(backtrace) = backtrace {
        notice = notice.with("backtrace", backtrace);
    }
    shared.options.notices.post(clock, notice);
    seat.beat.until.set(clock.raw().max(1));
    seat.set_state(shared, State::Terminated);
}
