//! Which thread runs which agents, on which core, and what the thread does when nothing comes.
//!
//! [`RawCoreMap`] is the text as configured, [`check`] turns it into a [`CoreMap`] or into one
//! [`Fault`] per problem. Any legal map gives the same results for the same input; maps differ
//! only in speed and in the cores they use.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

mod host;
#[cfg(test)]
mod tests;

pub use host::{Host, parse_core_list};

use crate::idle::IdleKind;
use crate::os::MAX_CORES;

/// Linux keeps 15 bytes of a thread's name; more would be cut where tools show it.
pub const MAX_THREAD_NAME: usize = 15;

/// How the engine shares the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Pinned threads have exclusive cores and spin.
    Isolated,
    /// Threads share cores and park when idle.
    #[default]
    Shared,
    /// All agents on one thread.
    Folded,
}

/// The core map as written in the configuration, table `[core_map]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCoreMap {
    /// `isolated`, `shared` or `folded`.
    #[serde(default)]
    pub profile: Profile,
    /// One `[[core_map.thread]]` per thread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thread: Vec<RawThread>,
}

/// One `[[core_map.thread]]` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawThread {
    /// The thread's name, as `top -H` will show it.
    pub name: String,
    /// The core to pin to; absent means unpinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<i64>,
    /// What to do when idle; absent means what the profile says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleKind>,
    /// The agents, in poll order.
    pub agents: Vec<String>,
}

/// A core map that was checked, or built in code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CoreMap {
    /// How the engine shares the machine.
    pub profile: Profile,
    /// The threads. For a folded map exactly one.
    pub threads: Vec<ThreadPlan>,
}

/// One thread of a core map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadPlan {
    /// The thread's name.
    pub name: String,
    /// The core it is pinned to, if any.
    pub core: Option<usize>,
    /// What it does when idle.
    pub idle: IdleKind,
    /// The agents it polls, in this order.
    pub agents: Vec<String>,
}

impl CoreMap {
    /// All agents on one unpinned thread, polled in the order given.
    pub fn folded(agents: &[&str]) -> Self {
        Self {
            profile: Profile::Folded,
            threads: vec![ThreadPlan::shared("folded", agents)],
        }
    }

    /// One unpinned, parking thread per group of `(thread name, agents in poll order)`.
    pub fn shared(groups: &[(&str, &[&str])]) -> Self {
        Self {
            profile: Profile::Shared,
            threads: groups
                .iter()
                .map(|(name, agents)| ThreadPlan::shared(name, agents))
                .collect(),
        }
    }

    /// The map as it could be written in the configuration.
    pub fn to_raw(&self) -> RawCoreMap {
        let thread = |plan: &ThreadPlan| RawThread {
            name: plan.name.clone(),
            core: plan.core.and_then(|core| i64::try_from(core).ok()),
            idle: Some(plan.idle),
            agents: plan.agents.clone(),
        };
        RawCoreMap {
            profile: self.profile,
            thread: self.threads.iter().map(thread).collect(),
        }
    }
}

impl ThreadPlan {
    fn shared(name: &str, agents: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            core: None,
            idle: IdleKind::Park,
            agents: agents.iter().map(|&agent| agent.to_owned()).collect(),
        }
    }
}

impl fmt::Display for CoreMap {
    /// One line per thread, for logs and for `doctor`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for plan in &self.threads {
            let core = plan
                .core
                .map_or("unpinned".to_owned(), |core| format!("core {core}"));
            let agents = plan.agents.join(", ");
            writeln!(f, "{:<15} {core:<9} {:<7} {agents}", plan.name, plan.idle)?;
        }
        Ok(())
    }
}

/// One problem of a core map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Index of the `[[core_map.thread]]` it stands in; `None` when it is about the whole map.
    /// Whoever read the file adds the line.
    pub thread: Option<usize>,
    /// The key of that table the problem is in, `""` for the table itself.
    pub key: &'static str,
    /// What is wrong and what would be legal.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.thread {
            Some(index) => write!(f, "[[core_map.thread]] number {}", index + 1)?,
            None => f.write_str("[core_map]")?,
        }
        if !self.key.is_empty() {
            write!(f, ", {}", self.key)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for Fault {}

/// Checks a map against the agents there are and the machine there is.
/// A folded map may leave its thread out.
pub fn check(raw: &RawCoreMap, known_agents: &[&str], host: &Host) -> Result<CoreMap, Vec<Fault>> {
    if raw.profile == Profile::Folded && raw.thread.is_empty() {
        return Ok(CoreMap::folded(known_agents));
    }
    let mut checker = Checker {
        raw,
        known_agents,
        host,
        faults: Vec::new(),
    };
    checker.shape();
    checker.agents();
    let cores: Vec<Option<usize>> = (0..raw.thread.len())
        .map(|index| checker.core(index))
        .collect();
    for index in 0..raw.thread.len() {
        checker.idle(index, &cores);
    }
    if !checker.faults.is_empty() {
        return Err(checker.faults);
    }
    let plan = |(thread, &core): (&RawThread, &Option<usize>)| ThreadPlan {
        name: thread.name.clone(),
        core,
        idle: idle_of(raw.profile, thread),
        agents: thread.agents.clone(),
    };
    Ok(CoreMap {
        profile: raw.profile,
        threads: raw.thread.iter().zip(&cores).map(plan).collect(),
    })
}

/// The idle strategy as written, or as it follows from the profile:
/// only a pinned thread of an isolated map spins.
fn idle_of(profile: Profile, thread: &RawThread) -> IdleKind {
    let usual = match (profile, thread.core) {
        (Profile::Isolated, Some(_)) => IdleKind::Spin,
        _ => IdleKind::Park,
    };
    thread.idle.unwrap_or(usual)
}

struct Checker<'a> {
    raw: &'a RawCoreMap,
    known_agents: &'a [&'a str],
    host: &'a Host,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, thread: impl Into<Option<usize>>, key: &'static str, what: String) {
        self.faults.push(Fault {
            thread: thread.into(),
            key,
            what,
        });
    }

    /// Number of threads, names, and that each thread has something to do.
    fn shape(&mut self) {
        let threads = &self.raw.thread;
        if threads.is_empty() {
            let what = "no threads: add [[core_map.thread]] tables, say profile = \"folded\", or \
                        leave [core_map] out for the default map";
            self.fault(None, "thread", what.to_owned());
        }
        if self.raw.profile == Profile::Folded && threads.len() > 1 {
            let what = format!(
                "profile \"folded\" has one thread, this map has {}: merge them, or say \
                 \"shared\" or \"isolated\"",
                threads.len()
            );
            self.fault(None, "profile", what);
        }
        for (index, thread) in threads.iter().enumerate() {
            let name = &thread.name;
            if name.is_empty() || name.len() > MAX_THREAD_NAME {
                let what = format!(
                    "\"{name}\" has {} bytes: a thread's name has 1 to {MAX_THREAD_NAME}",
                    name.len()
                );
                self.fault(index, "name", what);
            } else if name.contains('\0') {
                self.fault(index, "name", "a name has no NUL byte".to_owned());
            }
            if let Some(first) = threads[..index].iter().position(|t| t.name == *name) {
                let what = format!("\"{name}\" is the name of thread number {} too", first + 1);
                self.fault(index, "name", what);
            }
            if thread.agents.is_empty() {
                let what = "a thread without agents has nothing to do: name some, or remove it";
                self.fault(index, "agents", what.to_owned());
            }
        }
    }

    /// Every known agent exactly once, and no other.
    fn agents(&mut self) {
        let mut placed: Vec<(&str, usize)> = Vec::new();
        for (index, thread) in self.raw.thread.iter().enumerate() {
            for agent in &thread.agents {
                if !self.known_agents.contains(&agent.as_str()) {
                    self.unknown_agent(index, agent);
                } else if let Some(&(_, first)) = placed.iter().find(|(name, _)| name == agent) {
                    let what = if first == index {
                        format!("agent \"{agent}\" is listed twice in this thread")
                    } else {
                        let other = &self.raw.thread[first].name;
                        format!("agent \"{agent}\" is already on thread \"{other}\"")
                    };
                    self.fault(index, "agents", what);
                } else {
                    placed.push((agent, index));
                }
            }
        }
        for &agent in self.known_agents {
            if !placed.iter().any(|&(name, _)| name == agent) && !self.raw.thread.is_empty() {
                let names: Vec<_> = self.raw.thread.iter().map(|t| t.name.as_str()).collect();
                let what = format!(
                    "agent \"{agent}\" is on no thread: add it to one of {}",
                    names.join(", ")
                );
                self.fault(None, "agents", what);
            }
        }
    }

    fn unknown_agent(&mut self, thread: usize, agent: &str) {
        let near = self
            .known_agents
            .iter()
            .map(|&known| (strsim::damerau_levenshtein(known, agent), known))
            .min()
            .filter(|&(distance, known)| distance <= 1 + known.len() / 4);
        let hint = near.map_or(String::new(), |(_, known)| {
            format!(", did you mean \"{known}\"?")
        });
        let legal = self.known_agents.join(", ");
        let what = format!("unknown agent \"{agent}\"{hint} (legal: {legal})");
        self.fault(thread, "agents", what);
    }

    /// The core of a thread, when it is one this process can have.
    fn core(&mut self, index: usize) -> Option<usize> {
        let number = self.raw.thread[index].core?;
        let host = self.host;
        let usable = host.usable();
        let Some(core) = usize::try_from(number).ok().filter(|&n| n < MAX_CORES) else {
            let what = format!(
                "core {number} is out of range: core numbers are 0 to {}, here {}",
                MAX_CORES - 1,
                list(&usable)
            );
            self.fault(index, "core", what);
            return None;
        };
        let problem = if !host.possible.contains(&core) {
            "does not exist"
        } else if !host.online.contains(&core) {
            "is offline"
        } else if !host.allowed.contains(&core) {
            "is not allowed for this process (cpuset or taskset)"
        } else {
            return Some(core);
        };
        let what = format!("core {core} {problem}: choose one of {}", list(&usable));
        self.fault(index, "core", what);
        None
    }

    /// A thread may spin only on a core that is exclusively its own.
    fn idle(&mut self, index: usize, cores: &[Option<usize>]) {
        let thread = &self.raw.thread[index];
        if idle_of(self.raw.profile, thread) != IdleKind::Spin {
            return;
        }
        let choices = "yield, backoff or park";
        if thread.core.is_none() {
            let what = format!(
                "spin needs a core of its own, and this thread is not pinned: set core, or \
                 idle = {choices}"
            );
            self.fault(index, "idle", what);
            return;
        }
        // an illegal core has its own fault already
        let Some(core) = cores[index] else { return };
        let sharers: Vec<&str> = (0..cores.len())
            .filter(|&other| other != index && cores[other] == Some(core))
            .map(|other| self.raw.thread[other].name.as_str())
            .collect();
        if !sharers.is_empty() {
            let what = format!(
                "spin on core {core}, which thread {} uses too: give each its own core, put the \
                 agents on one thread, or set idle = {choices}",
                sharers.join(", ")
            );
            self.fault(index, "idle", what);
        }
        match &self.host.isolated {
            Ok(isolated) if isolated.contains(&core) => {}
            Ok(isolated) => {
                let what = format!(
                    "spin on core {core}, which other programs may use (isolated cores: {}): \
                     isolate it (isolcpus= or an isolated cpuset), or set idle = {choices}",
                    list(isolated)
                );
                self.fault(index, "idle", what);
            }
            Err(reason) => {
                let what = format!(
                    "spin on core {core}, and whether it is exclusively ours cannot be told \
                     ({reason}): set idle = {choices}"
                );
                self.fault(index, "idle", what);
            }
        }
    }
}

/// A short list of cores, ranges folded: `0-3,8`, or `none`.
pub fn list(cores: &BTreeSet<usize>) -> String {
    if cores.is_empty() {
        return "none".to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    let mut rest = cores.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if_eq(&(last + 1)) {
            last = next;
        }
        parts.push(if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        });
    }
    parts.join(",")
}
