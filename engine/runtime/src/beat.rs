//! The heartbeat: what a thread and its agents write while they run, so that anybody can tell a
//! working engine from an idle, starved, blocked or hung one, even after it died.
//!
//! Every number is a plain store into the counters page. They are declared here once, for the
//! writers below, for the readers in `health` and in tools, and for the table of all numbers.

use pitlane_lockfree::counters::{
    Counter, CountersPage, Declared, Gauge, Histogram, Owner, PageError, Snapshot, Value,
};
use pitlane_lockfree::declare;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Owner of a thread's numbers: this, then the thread's name.
pub use pitlane_lockfree::counters::declared::THREAD_OWNER;

use crate::clock::Clock;
use crate::idle::IdleKind;

declare! {
    /// Duty cycles of a thread.
    LOOPS = counter(1, Owner::Thread, "loops", Count);
    /// Duty cycles of a thread that did something.
    BUSY_LOOPS = counter(2, Owner::Thread, "busy_loops", Count);
    /// Times a thread went to sleep.
    PARKS = counter(3, Owner::Thread, "parks", Count);
    /// When the current duty cycle began.
    ENTERED = gauge(4, Owner::Thread, "entered", RawTime);
    /// The agent being polled, as its place in flow order plus one; 0 between polls.
    POLLING = gauge(5, Owner::Thread, "polling", Count);
    /// 1 while a thread sleeps because it has nothing to do.
    PARKED = gauge(6, Owner::Thread, "parked", Flag);
    /// The kernel's id of a thread.
    TID = gauge(7, Owner::Thread, "tid", Count);
    /// The core a thread is pinned to plus one; 0 when it is not.
    CORE = gauge(8, Owner::Thread, "core", Count);
    /// When a thread began; its uptime is the time since.
    THREAD_SINCE = gauge(9, Owner::Thread, "since", RawTime);
    /// Length of duty cycles that did something, from the start of one to the start of the next.
    CYCLE = histogram(10, Owner::Thread, "cycle_ticks", RawTicks);
    /// The longest duty cycle, idle ones of a spinning thread among them.
    CYCLE_MAX = gauge(11, Owner::Thread, "cycle_max_ticks", RawTicks);
    /// Duty cycles longer than the threshold: somebody's poll was slow, or the core was taken away.
    STALLS = counter(12, Owner::Thread, "stalls", Count);
    /// The threshold beyond which a duty cycle counts as a stall.
    STALL_THRESHOLD = gauge(13, Owner::Thread, "stall_threshold_ns", Nanoseconds);
    /// What a thread does when nothing comes: 1 spins, 2 yields, 3 backs off, 4 parks; 0 when the caller decides.
    REST = gauge(14, Owner::Thread, "rest", Count);

    /// Times an agent was polled.
    POLLS = counter(30, Owner::EveryAgent, "polls", Count);
    /// Units of work an agent did: messages, frames, rows.
    WORK = counter(31, Owner::EveryAgent, "work", Count);
    /// Polls in which an agent had nothing to do.
    IDLE = counter(32, Owner::EveryAgent, "idle_polls", Count);
    /// Polls in which an agent took no input because an output had no room.
    BLOCKED = counter(33, Owner::EveryAgent, "blocked_polls", Count);
    /// Time an agent was so held back.
    BLOCKED_NS = counter(34, Owner::EveryAgent, "blocked_ns", Nanoseconds);
    /// Time in polls that did work.
    BUSY_NS = counter(35, Owner::EveryAgent, "busy_ns", Nanoseconds);
    /// Panics of an agent.
    PANICS = counter(36, Owner::EveryAgent, "panics", Count);
    /// Where an agent is in its life: 0 created, 1 ready, 2 cleaning, 3 terminated.
    STATE = gauge(37, Owner::EveryAgent, "state", Count);
    /// An agent's place in flow order plus one: what a thread's number `polling` refers to.
    PLACE = gauge(38, Owner::EveryAgent, "place", Count);
    /// When an agent became ready; its uptime is the time since.
    SINCE = gauge(39, Owner::EveryAgent, "since", RawTime);
    /// When an agent ended; 0 while it lives.
    UNTIL = gauge(40, Owner::EveryAgent, "until", RawTime);
    /// Times an agent failed, panicked, was forced to end or could not close.
    FAILURES = counter(41, Owner::EveryAgent, "failures", Count);
    /// The thread that polls an agent, as the thread's place on the page plus one.
    THREAD = gauge(42, Owner::EveryAgent, "thread", Count);
}

/// A duty cycle of a spinning thread longer than this is a stall: nobody but the thread may use
/// its core, so a millisecond is a fault of the host or of a poll.
const STALL_SPINNING: Duration = Duration::from_millis(1);

/// The same for threads that share cores: longer than the scheduler lets a neighbour have the
/// core, so that what is counted is a slow poll or a crowded machine.
const STALL_SHARING: Duration = Duration::from_millis(20);

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
    pub since: Gauge,
    pub cycles: CycleTracker,
}

impl ThreadBeat {
    /// `idle` is what the thread does when nothing comes; `None` when the caller decides.
    pub(crate) fn new(
        page: &CountersPage,
        thread: &str,
        idle: Option<IdleKind>,
        clock: &Clock,
    ) -> Result<Self, PageError> {
        let owner = format!("{THREAD_OWNER}{thread}");
        let counter = |what: &Declared| page.declared_counter(&owner, what);
        let gauge = |what: &Declared| page.declared_gauge(&owner, what);
        gauge(&REST)?.set(idle.map_or(0, |idle| idle as u64 + 1));
        Ok(Self {
            loops: counter(&LOOPS)?,
            busy_loops: counter(&BUSY_LOOPS)?,
            parks: counter(&PARKS)?,
            entered: gauge(&ENTERED)?,
            polling: gauge(&POLLING)?,
            parked: gauge(&PARKED)?,
            tid: gauge(&TID)?,
            core: gauge(&CORE)?,
            since: gauge(&THREAD_SINCE)?,
            cycles: CycleTracker::new(page, &owner, idle, clock)?,
        })
    }
}

/// Watches how long duty cycles take, by the one clock reading each of them makes anyway.
///
/// A cycle that worked is followed by the next one at once, so the time between their starts is
/// its length. After an idle cycle a thread rests, and the time says nothing; only a spinning
/// thread does not rest, so there the idle cycles are watched too.
pub(crate) struct CycleTracker {
    lengths: Histogram,
    max: Gauge,
    stalls: Counter,
    /// In raw ticks.
    threshold: u64,
    spins: bool,
    /// Start of the cycle before, if its length can be told.
    begun: Option<u64>,
    worked: bool,
}

impl CycleTracker {
    fn new(
        page: &CountersPage,
        owner: &str,
        idle: Option<IdleKind>,
        clock: &Clock,
    ) -> Result<Self, PageError> {
        let spins = idle == Some(IdleKind::Spin);
        let threshold = if spins { STALL_SPINNING } else { STALL_SHARING };
        let threshold_ns = u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX);
        page.declared_gauge(owner, &STALL_THRESHOLD)?
            .set(threshold_ns);
        Ok(Self {
            lengths: page.declared_histogram(owner, &CYCLE)?,
            max: page.declared_gauge(owner, &CYCLE_MAX)?,
            stalls: page.declared_counter(owner, &STALLS)?,
            threshold: clock.after(0, threshold),
            spins,
            begun: None,
            worked: false,
        })
    }

    /// A cycle begins.
    #[inline]
    pub(crate) fn begin(&mut self, now: u64) {
        if let Some(begun) = self.begun.replace(now) {
            let length = now.saturating_sub(begun);
            if self.worked {
                self.lengths.record(length);
            }
            if length > self.max.get() {
                self.max.set(length);
            }
            if length > self.threshold {
                self.stalls.add(1);
            }
        }
    }

    /// The cycle is over; a thread that did nothing rests now, unless it spins.
    #[inline]
    pub(crate) fn end(&mut self, worked: bool) {
        self.worked = worked;
        if !worked && !self.spins {
            self.begun = None;
        }
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
    pub failures: Counter,
    pub state: Gauge,
    pub since: Gauge,
    pub until: Gauge,
}

impl AgentBeat {
    /// `place` is the agent's in flow order, `thread` that of its thread in the core map.
    pub(crate) fn new(
        page: &CountersPage,
        agent: &str,
        place: usize,
        thread: usize,
    ) -> Result<Self, PageError> {
        let counter = |what: &Declared| page.declared_counter(agent, what);
        let gauge = |what: &Declared| page.declared_gauge(agent, what);
        gauge(&PLACE)?.set(place as u64 + 1);
        gauge(&THREAD)?.set(thread as u64 + 1);
        Ok(Self {
            polls: counter(&POLLS)?,
            work: counter(&WORK)?,
            idle: counter(&IDLE)?,
            blocked: counter(&BLOCKED)?,
            blocked_ns: counter(&BLOCKED_NS)?,
            busy_ns: counter(&BUSY_NS)?,
            panics: counter(&PANICS)?,
            failures: counter(&FAILURES)?,
            state: gauge(&STATE)?,
            since: gauge(&SINCE)?,
            until: gauge(&UNTIL)?,
        })
    }
}

/// Errors of an agent so far: those that ended it, and those it told in the log.
pub fn error_count(snapshot: &Snapshot, agent: &str) -> u64 {
    [FAILURES.label, crate::log::ERRORS_TOLD.label]
        .iter()
        .filter_map(|label| snapshot.value(agent, label))
        .map(Value::number)
        .sum()
}

/// How long an agent or thread has been up, in nanoseconds: until its end, or until the page's
/// latest anchor. `None` before it began, and while the rate of the clock is not known.
///
/// `owner` is an agent, or [`THREAD_OWNER`] and a thread.
pub fn uptime_ns(snapshot: &Snapshot, owner: &str) -> Option<u64> {
    let number = |label: &str| {
        snapshot
            .value(owner, label)
            .map(Value::number)
            .filter(|&raw| raw != 0)
    };
    let since = number(SINCE.label)?;
    let until = number(UNTIL.label).or(snapshot.anchors.last().map(|anchor| anchor.raw))?;
    let ticks = u128::from(until.saturating_sub(since));
    let rate = u128::from(snapshot.ticks_per_second).max(1);
    (snapshot.ticks_per_second > 0)
        .then(|| u64::try_from(ticks * 1_000_000_000 / rate).unwrap_or(u64::MAX))
}
