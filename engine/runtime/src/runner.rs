//! Runs agents: on threads by a core map ([`launch`]), or step by step on the caller's ([`fold`]).
//!
//! Both ways run the same duty cycle: read the clock, poll each agent in order, count, wake who may
//! now go on. A panic is caught at the poll, and everything ends in flow order.
//!
//! The clock is read behind each poll that worked, and before a cycle only where it was not read
//! just then: a turn that works costs one reading, and it is also the end of that turn for the
//! agent's own latencies, which it is told at its next poll.

use pitlane_lockfree::counters::{CountersPage, PageError, PageOptions};
use serde::Serialize;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;

mod cycle;
mod fold;
mod threads;
#[cfg(test)]
mod tests;

pub use fold::{Folded, fold};
pub use threads::{Running, launch};

use crate::agent::AgentSpec;
use crate::clock::Clock;
use crate::core_map::Fault;
use crate::lifecycle::{Roster, State, Stop};
use crate::log::Notices;

/// Time a whole shutdown may take after a stop was asked for.
pub const DEFAULT_SHUTDOWN: Duration = Duration::from_secs(10);

/// What all threads of a run share.
#[derive(Clone)]
pub struct RunOptions {
    /// The clock of every duty cycle.
    pub clock: Clock,
    /// Ends the run when requested, by anybody.
    pub stop: Stop,
    /// Where heartbeats are written.
    pub page: CountersPage,
    /// Where lifecycle events and panics are told, for the logger to write.
    pub notices: Notices,
    /// Time a whole shutdown may take after a stop was asked for.
    pub shutdown: Duration,
}

impl RunOptions {
    /// The usual limits, a stop of its own, and a page in memory.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            stop: Stop::new(),
            page: CountersPage::heap(PageOptions::default()),
            notices: Notices::default(),
            shutdown: DEFAULT_SHUTDOWN,
        }
    }
}

/// Who failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The agent, or `thread/NAME` when a thread itself was lost.
    pub agent: String,
    /// What happened.
    pub reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.agent, self.reason)
    }
}

/// One thread at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadReport {
    /// The thread's name.
    pub name: String,
    /// The core it was pinned to.
    pub core: Option<usize>,
    /// CPU time it used.
    pub cpu_ns: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExitReport {
    /// Every agent finished and closed without a failure.
    pub ok: bool,
    /// What went wrong, the cause first.
    pub failures: Vec<Failure>,
    /// The threads, in the order of the core map.
    pub threads: Vec<ThreadReport>,
}

/// Why a run did not begin. Nothing was polled.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// Map and agents do not fit, or a thread could not be pinned: a fault of the configuration.
    #[error("core map: {}", join(.0))]
    Map(Vec<Fault>),
    /// Agents could not start.
    #[error("start: {}", join(.0))]
    Start(Vec<Failure>),
    /// The heartbeats have no place.
    #[error("heartbeats: {0}")]
    Page(#[from] PageError),
}

fn join<T: fmt::Display>(parts: &[T]) -> String {
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    parts.join("; ")
}

/// The state all threads of one run share. Touched in a duty cycle: the stop flag and the ended
/// prefix; the rest only when something begins or ends.
pub(crate) struct Shared {
    pub roster: Roster,
    pub options: RunOptions,
    pub shutdown_ns: u64,
    failures: Mutex<Vec<Failure>>,
    /// A fail-stop happened: ends of flow may never arrive in band.
    failed: AtomicBool,
    /// Raw time at which a stop was first noticed.
    stopped_at: OnceLock<u64>,
}

impl Shared {
    pub(crate) fn new(specs: &[AgentSpec], options: &RunOptions) -> Arc<Self> {
        Arc::new(Self {
            roster: Roster::new(specs.iter().map(|spec| spec.name.clone())),
            options: options.clone(),
            shutdown_ns: u64::try_from(options.shutdown.as_nanos()).unwrap_or(u64::MAX),
            failures: Mutex::new(Vec::new()),
            failed: AtomicBool::new(false),
            stopped_at: OnceLock::new(),
        })
    }

    pub(crate) fn record(&self, agent: &str, reason: String) {
        let failure = Failure {
            agent: agent.to_owned(),
            reason,
        };
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(failure);
    }

    pub(crate) fn take_failures(&self) -> Vec<Failure> {
        std::mem::take(&mut self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn fail_stop(&self) {
        // Late sight of either flag only delays the end.
        self.failed.store(true, Ordering::Relaxed);
        self.options.stop.request();
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// When the stop was first noticed; `now` if that is now.
    pub(crate) fn stopped_at(&self, now: u64) -> u64 {
        *self.stopped_at.get_or_init(|| now)
    }

    /// Moves an agent on. The runner is the only caller, so a wrong step is a bug of this module.
    pub(crate) fn advance(&self, agent: usize, to: State) {
        self.roster
            .advance(agent, to)
            .expect("the runner takes the steps of a life in their order");
    }

    pub(crate) fn report(&self, threads: Vec<ThreadReport>) -> ExitReport {
        let failures = self.take_failures();
        ExitReport {
            ok: failures.is_empty(),
            failures,
            threads,
        }
    }
}

/// Names must be unique, and every agent named in `feeds` must exist.
fn check_specs(specs: &[AgentSpec]) -> Result<(), LaunchError> {
    let mut faults = Vec::new();
    let mut fault = |what: String| {
        faults.push(Fault {
            thread: None,
            key: "agents",
            what,
        });
    };
    for (index, spec) in specs.iter().enumerate() {
        if specs[..index].iter().any(|other| other.name == spec.name) {
            fault(format!("two agents are called \"{}\"", spec.name));
        }
        for fed in &spec.feeds {
            if !specs.iter().any(|other| other.name == *fed) {
                fault(format!(
                    "\"{}\" feeds \"{fed}\", which is no agent",
                    spec.name
                ));
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(LaunchError::Map(faults))
    }
}
