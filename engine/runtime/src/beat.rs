//! The heartbeat: what a thread and its agents write while they run, so that anybody can tell a
//! working engine from an idle, starved, blocked or hung one, even after it died.
//!
//! Every number is a plain store into the counters page. Labels are listed here once, for the
//! writers below and for the readers in `supervisor` and in tools.

use pitlane_lockfree::counters::{Counter, CountersPage, Gauge, PageError, Unit};

/// Owner of a thread's numbers: this, then the thread's name.
pub const THREAD_OWNER: &str = "thread/";
/// Duty cycles of a thread.
pub const LOOPS: &str = "loops";
/// Duty cycles of a thread that did something.
pub const BUSY_LOOPS: &str = "busy_loops";
/// Times a thread went to sleep.
pub const PARKS: &str = "parks";
/// Raw time at which the current duty cycle began.
pub const ENTERED: &str = "entered";
/// The agent being polled, as its place in flow order plus one; 0 between polls.
pub const POLLING: &str = "polling";
/// 1 while a thread sleeps because it has nothing to do.
pub const PARKED: &str = "parked";
/// The kernel's id of a thread.
pub const TID: &str = "tid";
/// The core a thread is pinned to plus one; 0 when it is not.
pub const CORE: &str = "core";
/// What a thread does when nothing comes: its [`crate::idle::IdleKind`] as a number, from 1 for spin; 0 when
/// the caller decides.
pub const REST: &str = "rest";

/// Times an agent was polled.
pub const POLLS: &str = "polls";
/// Units of work an agent did.
pub const WORK: &str = "work";
/// Polls in which an agent had nothing to do.
pub const IDLE: &str = "idle_polls";
/// Polls in which an agent took no input because an output had no room.
pub const BLOCKED: &str = "blocked_polls";
/// Time an agent was so held back.
pub const BLOCKED_NS: &str = "blocked_ns";
/// Time in polls that did work.
pub const BUSY_NS: &str = "busy_ns";
/// Panics of an agent.
pub const PANICS: &str = "panics";
/// An agent's [`crate::lifecycle::State`] as a number, from 0 for created.
pub const STATE: &str = "state";
/// An agent's place in flow order plus one: what [`POLLING`] refers to.
pub const PLACE: &str = "place";
/// The thread that polls an agent, as the thread's place on the page plus one.
pub const THREAD: &str = "thread";

/// The numbers of one thread.
pub(crate) struct ThreadBeat {
    pub loops: Counter,
    pub busy_loops: Counter,
    pub parks: Counter,
    pub entered: Gauge,
    pub polling: Gauge,
    pub parked: Gauge,
    pub tid: Gauge,
    pub core: Gauge,
    pub rest: Gauge,
}

impl ThreadBeat {
    pub(crate) fn new(page: &CountersPage, thread: &str) -> Result<Self, PageError> {
        let owner = format!("{THREAD_OWNER}{thread}");
        Ok(Self {
            loops: page.counter(&owner, LOOPS, Unit::Count)?,
            busy_loops: page.counter(&owner, BUSY_LOOPS, Unit::Count)?,
            parks: page.counter(&owner, PARKS, Unit::Count)?,
            entered: page.gauge(&owner, ENTERED, Unit::RawTicks)?,
            polling: page.gauge(&owner, POLLING, Unit::Count)?,
            parked: page.gauge(&owner, PARKED, Unit::Flag)?,
            tid: page.gauge(&owner, TID, Unit::Count)?,
            core: page.gauge(&owner, CORE, Unit::Count)?,
            rest: page.gauge(&owner, REST, Unit::Count)?,
        })
    }
}

/// The numbers of one agent that its runner writes.
pub(crate) struct AgentBeat {
    pub polls: Counter,
    pub work: Counter,
    pub idle: Counter,
    pub blocked: Counter,
    pub blocked_ns: Counter,
    pub busy_ns: Counter,
    pub panics: Counter,
    pub state: Gauge,
}

impl AgentBeat {
    /// `place` is the agent's in flow order, `thread` that of its thread in the core map.
    pub(crate) fn new(
        page: &CountersPage,
        agent: &str,
        place: usize,
        thread: usize,
    ) -> Result<Self, PageError> {
        page.gauge(agent, PLACE, Unit::Count)?.set(place as u64 + 1);
        page.gauge(agent, THREAD, Unit::Count)?
            .set(thread as u64 + 1);
        Ok(Self {
            polls: page.counter(agent, POLLS, Unit::Count)?,
            work: page.counter(agent, WORK, Unit::Count)?,
            idle: page.counter(agent, IDLE, Unit::Count)?,
            blocked: page.counter(agent, BLOCKED, Unit::Count)?,
            blocked_ns: page.counter(agent, BLOCKED_NS, Unit::Nanoseconds)?,
            busy_ns: page.counter(agent, BUSY_NS, Unit::Nanoseconds)?,
            panics: page.counter(agent, PANICS, Unit::Count)?,
            state: page.gauge(agent, STATE, Unit::Count)?,
        })
    }
}
