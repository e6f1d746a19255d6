//! Tells a hung thread from one that is starved, parked or held back, by what can be seen from
//! outside: its heartbeat, its CPU time and what the scheduler says.
//!
//! Verdicts are pure functions over two looks at the same thread or agent. A look that shows no
//! movement says nothing about why; the CPU time between two looks does.

use pitlane_lockfree::counters::{Snapshot, Unit, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

#[cfg(test)]
mod tests;

use crate::beat;
use crate::lifecycle::State;
use crate::os::TaskSample;

/// How a thread or an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Its heartbeat moves.
    Alive,
    /// It has nothing to do and sleeps.
    Parked,
    /// It would run, and gets no core. Never its own fault.
    Starved,
    /// It takes no input because an output has no room: the consumer is slow.
    BackPressured,
    /// It stands in one poll and burns CPU time.
    Looping,
    /// It stands in one poll and waits for something.
    Blocked,
    /// It has ended.
    Ended,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alive => "alive",
            Self::Parked => "parked",
            Self::Starved => "starved",
            Self::BackPressured => "back-pressured",
            Self::Looping => "looping",
            Self::Blocked => "blocked",
            Self::Ended => "ended",
        })
    }
}

impl Verdict {
    /// Whether a thread with this verdict answers nobody and does not get better by waiting.
    pub fn is_hung(self) -> bool {
        matches!(self, Self::Looping | Self::Blocked)
    }
}

/// One look at a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadLook {
    /// When, on a clock of nanoseconds.
    pub at_ns: u64,
    /// Duty cycles so far.
    pub loops: u64,
    /// It has marked itself as parked.
    pub parked: bool,
    /// The place of the agent it polls, plus one; 0 for none.
    pub polling: u64,
    /// What the scheduler says; `None` when the thread is gone.
    pub task: Option<TaskSample>,
}

/// One look at an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentLook {
    /// Its place in flow order, plus one.
    pub place: u64,
    /// It has ended.
    pub ended: bool,
    /// Units of work so far.
    pub work: u64,
    /// Polls without room in an output so far.
    pub blocked: u64,
}

/// How a thread is, from two looks at it.
pub fn judge_thread(before: &ThreadLook, after: &ThreadLook) -> Verdict {
    let Some(task) = after.task else {
        return Verdict::Ended;
    };
    let moved = after.loops != before.loops;
    // A parked thread wakes up a few times a second, so one that is runnable and does not move
    // was woken and gets no core.
    if after.parked && (moved || task.state != 'R') {
        return Verdict::Parked;
    }
    if moved {
        return Verdict::Alive;
    }
    let elapsed = after.at_ns.saturating_sub(before.at_ns).max(1);
    let earlier = before.task.unwrap_or(task);
    // Half of the time is far from both cases: a looping thread has nearly all of it, even when
    // it shares its core, and a starved one nearly none.
    if task.cpu_ns.saturating_sub(earlier.cpu_ns) >= elapsed / 2 {
        return Verdict::Looping;
    }
    let waited = match (earlier.wait_ns, task.wait_ns) {
        (Some(earlier), Some(now)) => now.saturating_sub(earlier),
        _ => 0,
    };
    if task.state == 'R' || waited >= elapsed / 2 {
        Verdict::Starved
    } else {
        Verdict::Blocked
    }
}

/// How an agent is, from two looks at it, when its thread is alive.
pub fn judge_agent(before: &AgentLook, after: &AgentLook) -> Verdict {
    if after.ended {
        Verdict::Ended
    } else if after.work == before.work && after.blocked > before.blocked {
        Verdict::BackPressured
    } else {
        Verdict::Alive
    }
}

/// A verdict that changed, or that has lasted too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `thread/NAME` or the agent's name.
    pub who: String,
    /// How it is now.
    pub verdict: Verdict,
    /// How long it has been so.
    pub for_ns: u64,
    /// What else is known: the agent in whose poll a thread stands, the edges without room.
    pub detail: String,
    /// It is hung for longer than the limit. Told once.
    pub unresponsive: bool,
}

/// Watches all threads and agents of a page.
#[derive(Debug, Default)]
pub struct Watch {
    threads: BTreeMap<String, Standing<ThreadLook>>,
    agents: BTreeMap<String, Standing<AgentLook>>,
    edges: BTreeMap<(String, String), u64>,
}

#[derive(Debug)]
struct Standing<L> {
    look: L,
    verdict: Verdict,
    since_ns: u64,
    told: bool,
}

impl Watch {
    /// Takes one look and says what has changed since the last.
    /// `probe` asks the scheduler about a thread by its id.
    pub fn look(
        &mut self,
        snapshot: &Snapshot,
        at_ns: u64,
        hung_after_ns: u64,
        probe: impl Fn(u32) -> Option<TaskSample>,
    ) -> Vec<Change> {
        let names = Names::of(snapshot);
        let mut changes = Vec::new();
        for thread in &names.threads {
            let owner = format!("{}{thread}", beat::THREAD_OWNER);
            let number = |label: &str| snapshot.value(&owner, label).map_or(0, Value::number);
            let tid = u32::try_from(number(beat::TID.label)).unwrap_or(0);
            let look = ThreadLook {
                at_ns,
                loops: number(beat::LOOPS.label),
                parked: number(beat::PARKED.label) != 0,
                polling: number(beat::POLLING.label),
                task: probe(tid),
            };
            let Some(standing) = self.threads.get_mut(&owner) else {
                self.threads.insert(owner, Standing::new(look, at_ns));
                continue;
            };
            let verdict = judge_thread(&standing.look, &look);
            let detail = match names.agents.get(&look.polling) {
                Some(agent) if verdict != Verdict::Parked => format!("in the poll of {agent}"),
                _ => String::new(),
            };
            standing.look = look;
            changes.extend(standing.turn(&owner, verdict, at_ns, hung_after_ns, detail));
        }
        for (place, agent) in &names.agents {
            let number = |label: &str| snapshot.value(agent, label).map_or(0, Value::number);
            let look = AgentLook {
                place: *place,
                ended: number(beat::STATE.label) == State::Terminated as u64,
                work: number(beat::WORK.label),
                blocked: number(beat::BLOCKED.label),
            };
            let edges = self.edges_without_room(snapshot, agent);
            let Some(standing) = self.agents.get_mut(agent) else {
                self.agents
                    .insert(agent.clone(), Standing::new(look, at_ns));
                continue;
            };
            let verdict = judge_agent(&standing.look, &look);
            let detail = match verdict {
                Verdict::BackPressured if !edges.is_empty() => {
                    format!("no room in {}", edges.join(", "))
                }
                _ => String::new(),
            };
            standing.look = look;
            changes.extend(standing.turn(agent, verdict, at_ns, hung_after_ns, detail));
        }
        changes
    }

    /// Edges of an agent that refused it room since the last look.
    fn edges_without_room(&mut self, snapshot: &Snapshot, agent: &str) -> Vec<String> {
        let mut edges = Vec::new();
        for entry in snapshot.entries.iter().filter(|entry| entry.owner == agent) {
            let name = entry
                .label
                .strip_prefix("edge.")
                .and_then(|label| label.strip_suffix(".blocked"));
            if let (Some(name), Unit::Count) = (name, entry.unit) {
                let now = entry.value.number();
                let key = (agent.to_owned(), name.to_owned());
                let before = self.edges.insert(key, now).unwrap_or(now);
                if now > before {
                    edges.push(name.to_owned());
                }
            }
        }
        edges
    }

    /// The latest verdict on everybody.
    pub fn verdicts(&self) -> BTreeMap<String, Verdict> {
        let threads = self
            .threads
            .iter()
            .map(|(name, s)| (name.clone(), s.verdict));
        let agents = self
            .agents
            .iter()
            .map(|(name, s)| (name.clone(), s.verdict));
        threads.chain(agents).collect()
    }
}

impl<L> Standing<L> {
    fn new(look: L, at_ns: u64) -> Self {
        Self {
            look,
            verdict: Verdict::Alive,
            since_ns: at_ns,
            told: false,
        }
    }

    fn turn(
        &mut self,
        who: &str,
        verdict: Verdict,
        at_ns: u64,
        hung_after_ns: u64,
        detail: String,
    ) -> Option<Change> {
        let changed = verdict != self.verdict;
        if changed {
            // Between alive and parked a thread goes back and forth all day.
            let quiet = |v| matches!(v, Verdict::Alive | Verdict::Parked | Verdict::Ended);
            let silent = quiet(self.verdict) && quiet(verdict);
            self.verdict = verdict;
            self.since_ns = at_ns;
            self.told = false;
            if silent {
                return None;
            }
        }
        let for_ns = at_ns.saturating_sub(self.since_ns);
        let unresponsive = verdict.is_hung() && for_ns >= hung_after_ns && !self.told;
        self.told |= unresponsive;
        (changed || unresponsive).then(|| Change {
            who: who.to_owned(),
            verdict,
            for_ns,
            detail,
            unresponsive,
        })
    }
}

/// Threads and agents of a page, agents by their place.
struct Names {
    threads: Vec<String>,
    agents: BTreeMap<u64, String>,
}

impl Names {
    fn of(snapshot: &Snapshot) -> Self {
        let mut names = Self {
            threads: Vec::new(),
            agents: BTreeMap::new(),
        };
        for entry in &snapshot.entries {
            if entry.id == beat::PLACE.id {
                names
                    .agents
                    .insert(entry.value.number(), entry.owner.clone());
            } else if entry.id == beat::LOOPS.id
                && let Some(thread) = entry.owner.strip_prefix(beat::THREAD_OWNER)
            {
                names.threads.push(thread.to_owned());
            }
        }
        names
    }
}
