//! What an agent is: one job, done a little at a time, never waiting.
//!
//! Nothing in an agent can tell which thread polls it, or whether it has one of its own.
//! A test steps an agent directly: put messages in, call [`Agent::poll`], look at what came out.

use pitlane_lockfree::wake::Waker;
use pitlane_lockfree::work::Work;
use std::fmt;
use std::time::Duration;

/// Units of work an agent may do in one poll when nothing else was said: enough to amortise a
/// poll, few enough that neighbours on the same thread wait microseconds.
pub const DEFAULT_BUDGET: u32 = 256;

/// Time an agent has to finish after a stop, once everything upstream of it has.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(1);

/// The answer of one poll.
#[derive(Debug)]
#[must_use]
pub enum Turn {
    /// Messages moved, as the ring adapters counted them; none means idle.
    Worked(Work),
    /// Units taken from outside the rings (frames of a file, replies of a socket), for a poll in
    /// which no ring may have seen a message. Zero means idle.
    Took(u32),
    /// An output has no room for the declared burst, so no input was taken.
    Blocked,
    /// The last message was handled. The runner closes the agent and polls it no more.
    Done,
    /// The agent cannot go on, and why. Handled by its [`PanicPolicy`].
    Failed(String),
}

impl Turn {
    /// Nothing to do.
    pub const IDLE: Self = Self::Worked(Work::NONE);
}

/// What an agent is told at each poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Duty {
    /// The raw clock at the beginning of the duty cycle. For latency and health only: logic takes
    /// its time from messages.
    pub now: u64,
    /// The raw clock behind the last poll in which this agent worked, as the runner read it: the
    /// end of that turn, for whoever tells how long its work took. 0 before the first.
    pub worked_until: u64,
    /// At most this many units of work.
    pub budget: u32,
    /// Every agent before this one in flow order has ended, so whatever its inputs hold is all
    /// there will ever be. For agents without an end message in band: supervisor and logger.
    pub upstream_ended: bool,
}

impl Duty {
    /// A duty cycle in the middle of a run, the last work done just now.
    pub fn new(now: u64, budget: u32) -> Self {
        Self {
            now,
            worked_until: now,
            budget,
            upstream_ended: false,
        }
    }

    /// The same cycle after everything upstream has ended.
    #[must_use]
    pub fn upstream_ended(self) -> Self {
        Self {
            upstream_ended: true,
            ..self
        }
    }
}

/// What happens when an agent panics or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicPolicy {
    /// Everything stops in order: the others handle what they have, within their time.
    FailStop,
    /// The agent is gone and the others go on. Only for agents nobody waits for: a retired
    /// consumer of a lossless edge would block its producer for ever.
    Retire,
}

/// One job.
pub trait Agent: Send {
    /// The agent's name: in the core map, in logs, in metrics. Unique in a process.
    fn role(&self) -> &str;

    /// Called once on the agent's own thread, pinned already, before anything is polled.
    fn on_start(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Called before [`Agent::on_start`] if the agent's thread parks when idle: wakes that thread.
    /// For what arrives outside the rings, such as bytes on a socket; rings wake by themselves.
    fn on_waker(&mut self, waker: Waker) {
        let _ = waker;
    }

    /// Does at most `duty.budget` units of work and never waits.
    fn poll(&mut self, duty: &Duty) -> Turn;

    /// The raw time by which the agent wants to be polled although nothing may have arrived.
    /// Asked before the thread parks.
    fn timer(&self) -> Option<u64> {
        None
    }

    /// Called once after the last poll: close what the agent owns. Not called after a panic, when
    /// nobody knows what state the agent is in.
    fn on_close(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// What to do when the agent panics or fails.
    fn on_panic(&self) -> PanicPolicy {
        PanicPolicy::FailStop
    }
}

/// An agent and what its runner must know of it.
///
/// The list of specs given to a runner stands in flow order: sources first, then whoever consumes
/// them, the supervisor and the logger last. Shutdown goes through it in that order.
pub struct AgentSpec {
    pub(crate) agent: Box<dyn Agent>,
    pub(crate) name: String,
    pub(crate) feeds: Vec<String>,
    pub(crate) budget: u32,
    pub(crate) drain: Duration,
}

impl AgentSpec {
    /// An agent with the usual budget and drain time that feeds nobody.
    pub fn new(agent: Box<dyn Agent>) -> Self {
        let name = agent.role().to_owned();
        Self {
            agent,
            name,
            feeds: Vec::new(),
            budget: DEFAULT_BUDGET,
            drain: DEFAULT_DRAIN,
        }
    }

    /// Names the agents that read what this one writes. When one side has worked, the other
    /// side's thread is woken if it has parked: the consumer to read, the producer to go on.
    #[must_use]
    pub fn feeds(mut self, agents: &[&str]) -> Self {
        self.feeds = agents.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Units of work per poll.
    #[must_use]
    pub fn budget(mut self, units: u32) -> Self {
        self.budget = units;
        self
    }

    /// Time to finish after a stop, once everything upstream has ended.
    #[must_use]
    pub fn drain(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// The agent's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<A: Agent + 'static> From<A> for AgentSpec {
    fn from(agent: A) -> Self {
        Self::new(Box::new(agent))
    }
}

impl fmt::Debug for AgentSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentSpec")
            .field("name", &self.name)
            .field("feeds", &self.feeds)
            .field("budget", &self.budget)
            .field("drain", &self.drain)
            .finish_non_exhaustive()
    }
}
