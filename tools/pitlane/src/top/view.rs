//! What there is to show, as values: two looks in, a [`View`] out. Reads no clock, no file and no process.
//!
//! A view is also what `--json` prints, so its names stay as they are.
//! What needs an interval is `None` when there is only one look, as of an engine that is dead.

mod agents;
mod edges;
mod latency;
mod pair;
mod state;
mod threads;
#[cfg(test)]
mod tests;

use super::look::Look;
use pair::Pair;
pub use pair::share;
use pitlane_lockfree::counters::Snapshot;
use pitlane_runtime::health::Verdict;
use serde::Serialize;

/// Everything `top` knows at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// Version of these names; rises when one changes its meaning.
    pub version: u32,
    /// When, ns since 1970 UTC.
    pub at_wall_ns: i64,
    /// Time between the two looks, ns; `None` when there was only one.
    pub interval_ns: Option<u64>,
    /// The engine as a whole.
    pub engine: EngineView,
    /// How it is.
    pub health: HealthView,
    /// Its threads, in the order of the core map.
    pub threads: Vec<ThreadView>,
    /// Its agents, in the order in which data flows.
    pub agents: Vec<AgentView>,
    /// Its edges.
    pub edges: Vec<EdgeView>,
    /// Its distributions of time.
    pub latencies: Vec<LatencyView>,
    /// Every other number on the page.
    pub counters: Vec<CounterView>,
    /// Distinct errors, the latest first.
    pub errors: Vec<ErrorView>,
    /// Errors for which the page had no room.
    pub errors_beyond: u64,
}

/// What has become of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its process runs.
    Running,
    /// A signal holds its process.
    Stopped,
    /// All its agents ended in order, and its process is gone.
    Ended,
    /// Its process is gone, and agents were at work.
    Killed,
}

/// The engine as a whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngineView {
    /// Its process, as its page names it.
    pub pid: u32,
    /// Whether its process is there.
    pub alive: bool,
    /// What has become of it.
    pub status: Status,
    /// When it began, ns since 1970 UTC.
    pub started_wall_ns: i64,
    /// Its last sign of life, ns since 1970 UTC.
    pub last_sign_wall_ns: i64,
    /// From its beginning until now, or until its last sign of life.
    pub uptime_ns: u64,
    /// Time since its last sign of life, when it is dead.
    pub dead_ns: Option<u64>,
    /// Counts of its raw clock in a second; 0 while unknown.
    pub ticks_per_second: u64,
    /// Number of threads.
    pub threads: usize,
    /// Of those, pinned to a core.
    pub pinned: usize,
    /// Number of agents.
    pub agents: usize,
    /// Share of messages that collecting numbers in batches saved, 0 to 1.
    pub batching_saving: Option<f64>,
    /// Bytes of its input read so far.
    pub input_done_bytes: Option<u64>,
    /// Bytes of its input in all.
    pub input_total_bytes: Option<u64>,
    /// Frames read so far.
    pub frames: Option<u64>,
    /// Frames read in a second.
    pub frames_per_s: Option<f64>,
}

/// How the engine is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Everything moves, or has nothing to do.
    Good,
    /// It ended in order.
    Ended,
    /// Somebody waits for room or for a core.
    Slow,
    /// An agent panicked, or messages were dropped.
    Damaged,
    /// Somebody answers nobody.
    Hung,
    /// It was killed or stopped.
    Dead,
}

/// The verdict, and who is the reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HealthView {
    /// The worst of all.
    pub verdict: Health,
    /// One line for each reason, the worst first.
    pub notes: Vec<Note>,
}

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// How bad.
    pub verdict: Health,
    /// The thread, agent or edge.
    pub who: String,
    /// What is with it.
    pub what: String,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThreadView {
    /// Its name in the core map.
    pub name: String,
    /// The kernel's id of it.
    pub tid: u32,
    /// The core it is pinned to.
    pub core: Option<u64>,
    /// The core it ran on last.
    pub on_core: Option<usize>,
    /// What it does when nothing comes: spin, yield, backoff or park.
    pub rest: Option<&'static str>,
    /// The agents it polls.
    pub agents: Vec<String>,
    /// How it is; `None` when that cannot be told from outside.
    pub verdict: Option<Verdict>,
    /// It sleeps because nothing came.
    pub parked: bool,
    /// The agent in whose poll it is.
    pub polling: Option<String>,
    /// Duty cycles so far.
    pub loops: u64,
    /// Duty cycles in a second.
    pub loops_per_s: Option<f64>,
    /// Share of the time spent in polls that did work, 0 to 1.
    pub busy_share: Option<f64>,
    /// Share of the duty cycles that found nothing to do, 0 to 1.
    pub idle_share: Option<f64>,
    /// Times it went to sleep, in a second.
    pub parks_per_s: Option<f64>,
    /// Share of a core it used, 0 to 1.
    pub cpu_share: Option<f64>,
    /// Share of the time it could have run and got no core, 0 to 1.
    pub wait_share: Option<f64>,
    /// Its longest duty cycle so far.
    pub cycle_max_ns: u64,
    /// Duty cycles so far that took longer than `stall_threshold_ns`.
    pub stalls: u64,
    /// Those among them in the interval.
    pub stalls_recent: Option<u64>,
    /// From how long on a duty cycle is a stall.
    pub stall_threshold_ns: u64,
    /// How long it has been running, or ran.
    pub uptime_ns: Option<u64>,
    /// The cores it may run on, as the kernel lists them.
    pub allowed: Option<String>,
    /// Times it left its core although it could have gone on, in a second: the scheduler took the core, or it yielded.
    pub switched_per_s: Option<f64>,
    /// Time since its current duty cycle began, when its process is alive.
    pub beat_age_ns: Option<u64>,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentView {
    /// Its name.
    pub name: String,
    /// The thread that polls it.
    pub thread: Option<String>,
    /// Where it is in its life: created, ready, cleaning or terminated.
    pub state: String,
    /// How it is; `None` when that cannot be told from outside.
    pub verdict: Option<Verdict>,
    /// Units of work so far.
    pub work: u64,
    /// Units of work in a second.
    pub work_per_s: Option<f64>,
    /// Polls so far.
    pub polls: u64,
    /// Polls in a second.
    pub polls_per_s: Option<f64>,
    /// Share of the time spent in polls that did work, 0 to 1.
    pub busy_share: Option<f64>,
    /// Share of the polls that found nothing to do, 0 to 1.
    pub idle_share: Option<f64>,
    /// Share of the time it was held back because an output had no room, 0 to 1.
    pub held_share: Option<f64>,
    /// Time it was so held back so far.
    pub held_ns: u64,
    /// Panics so far.
    pub panics: u64,
    /// Failures and lines of level error so far.
    pub errors: u64,
    /// How long it has been ready, or was.
    pub uptime_ns: Option<u64>,
}

/// An edge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EdgeView {
    /// Its name.
    pub name: String,
    /// Who writes.
    pub from: String,
    /// Who reads.
    pub to: String,
    /// Messages sent so far.
    pub sent: u64,
    /// Messages sent in a second.
    pub sent_per_s: Option<f64>,
    /// Messages received so far.
    pub received: u64,
    /// Messages received in a second.
    pub received_per_s: Option<f64>,
    /// Messages that wait now.
    pub depth: u64,
    /// Most messages that can wait.
    pub capacity: Option<u64>,
    /// Most messages found waiting at once.
    pub high_water: u64,
    /// Share of the time its writer was not polled for lack of room, 0 to 1.
    pub held_share: Option<f64>,
    /// Time its writer was not polled for lack of room so far.
    pub held_ns: u64,
    /// Messages dropped so far.
    pub dropped: u64,
    /// Messages replaced by newer ones so far.
    pub replaced: u64,
}

/// A distribution of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LatencyView {
    /// Who measures.
    pub owner: String,
    /// What.
    pub name: String,
    /// What is measured; empty for a distribution that this build does not know.
    pub help: &'static str,
    /// Values in a second.
    pub per_s: Option<f64>,
    /// Over the interval.
    pub recent: Option<Percentiles>,
    /// Since the engine began, or since the baseline was set.
    pub total: Percentiles,
}

/// Percentiles, ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Number of values.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 90 of 100 are not above it.
    pub p90: u64,
    /// 99 of 100 are not above it.
    pub p99: u64,
    /// 999 of 1,000 are not above it.
    pub p999: u64,
    /// The largest.
    pub max: u64,
}

/// Any other number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CounterView {
    /// Who writes it.
    pub owner: String,
    /// What it is.
    pub label: String,
    /// What it counts in.
    pub unit: &'static str,
    /// What it says; empty for a number that this build does not know.
    pub help: &'static str,
    /// The number.
    pub value: u64,
    /// Growth in a second, of numbers that only grow.
    pub per_s: Option<f64>,
}

/// An error that occurred at least once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorView {
    /// How often.
    pub count: u64,
    /// First time, ns since 1970 UTC.
    pub first_wall_ns: i64,
    /// Last time, ns since 1970 UTC.
    pub last_wall_ns: i64,
    /// Who told.
    pub who: String,
    /// What.
    pub message: String,
}

impl View {
    /// What happened between two looks; totals only, when there is one. Latencies since `baseline` instead of since
    /// the engine began, if there is one.
    pub fn between(before: Option<&Look>, now: &Look, baseline: Option<&Snapshot>) -> Self {
        let pair = Pair::new(before, now);
        let threads = threads::read(&pair);
        let agents = agents::read(&pair, &threads);
        let edges = edges::read(&pair);
        let engine = state::engine(&pair, &threads, &agents);
        let health = state::health(&pair, &engine, &threads, &agents, &edges);
        Self {
            version: 1,
            at_wall_ns: now.at.wall_ns,
            interval_ns: pair.interval_ns,
            engine,
            health,
            threads,
            agents,
            edges,
            latencies: latency::read(&pair, baseline),
            counters: latency::others(&pair),
            errors: state::errors(now),
            errors_beyond: now.errors_beyond,
        }
    }
}
