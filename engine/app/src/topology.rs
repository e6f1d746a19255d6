//! The one picture: which agents there are, what each owns, and what flows between them.
//!
//! The engine is built from these tables and `docs/topology.txt` is printed from them; nothing else names an edge.

use std::fmt::Write as _;

/// An agent: one job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AgentRow {
    /// Name of the agent, of its thread when alone, and in core maps.
    pub role: &'static str,
    /// What it owns and nobody else does.
    pub job: &'static str,
}

/// How an edge behaves when its reader is slow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// The writer is not polled until its burst fits: nothing waits inside a push, nothing is lost.
    Lossless {
        /// Most messages one poll of the writer may put on the edge.
        burst: usize,
    },
    /// Dropped and counted when full.
    Lossy,
    /// The reader follows the committed records of the tick store at its own pace.
    Tail,
    /// Single-writer cells anyone may read at any time.
    Page,
    /// The newest value of each key survives; replaced ones are counted.
    Conflate,
}

/// A directed edge between two agents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EdgeRow {
    /// Name in counters and reports.
    pub name: &'static str,
    /// Writer; `*` is every agent.
    pub from: &'static str,
    /// Reader.
    pub to: &'static str,
    /// What happens when the reader is slow.
    pub policy: Policy,
    /// What travels on it.
    pub carries: &'static str,
}

/// Most inputs an agent takes in one poll: long enough to amortise a clock read, short enough to share a thread.
pub const BUDGET: usize = 256;

/// Every agent, in the order in which data flows; shutdown follows the same order.
pub const AGENTS: [AgentRow; 7] = [
    AgentRow {
        role: "feed",
        job: "sources: decode, synchronise, check ids",
    },
    AgentRow {
        role: "sequencer",
        job: "one sequence number and one time per input",
    },
    AgentRow {
        role: "recorder",
        job: "the tick store: append, commit",
    },
    AgentRow {
        role: "market",
        job: "books, bars, state hash",
    },
    AgentRow {
        role: "storage",
        job: "every SQLite statement",
    },
    AgentRow {
        role: "logger",
        job: "every log line",
    },
    AgentRow {
        role: "supervisor",
        job: "metrics every 100 ms, health, stats dump",
    },
];

/// Every edge.
pub const EDGES: [EdgeRow; 7] = [
    EdgeRow {
        name: "feed-sequencer",
        from: "feed",
        to: "sequencer",
        policy: Policy::Lossless { burst: BUDGET },
        carries: "inputs, not yet numbered",
    },
    EdgeRow {
        name: "sequencer-recorder",
        from: "sequencer",
        to: "recorder",
        // Each input may bring a timer with it.
        policy: Policy::Lossless { burst: 2 * BUDGET },
        carries: "the sequence",
    },
    EdgeRow {
        name: "sequencer-market",
        from: "sequencer",
        to: "market",
        policy: Policy::Lossless { burst: 2 * BUDGET },
        carries: "the sequence",
    },
    EdgeRow {
        name: "market-feed",
        from: "market",
        to: "feed",
        policy: Policy::Conflate,
        carries: "books found wrong, by instrument; of a live source",
    },
    EdgeRow {
        name: "recorder-storage",
        from: "recorder",
        to: "storage",
        policy: Policy::Tail,
        carries: "committed records",
    },
    EdgeRow {
        name: "log",
        from: "*",
        to: "logger",
        policy: Policy::Lossy,
        carries: "log records",
    },
    EdgeRow {
        name: "counters",
        from: "*",
        to: "supervisor",
        policy: Policy::Page,
        carries: "counters, latencies",
    },
];

/// The agents' names, for checking core maps.
pub fn roles() -> Vec<&'static str> {
    AGENTS.iter().map(|agent| agent.role).collect()
}

/// A cycle of lossless edges, if there is one: its agents could wait for each other for ever.
pub fn lossless_cycle(edges: &[EdgeRow]) -> Option<&'static str> {
    let lossless = || {
        edges
            .iter()
            .filter(|edge| matches!(edge.policy, Policy::Lossless { .. }))
    };
    for start in lossless() {
        let mut reached = vec![start.to];
        let mut at = 0;
        while at < reached.len() {
            let here = reached[at];
            for edge in lossless().filter(|edge| edge.from == here) {
                if edge.to == start.from {
                    return Some(start.from);
                }
                if !reached.contains(&edge.to) {
                    reached.push(edge.to);
                }
            }
            at += 1;
        }
    }
    None
}

/// The picture as text.
pub fn render() -> String {
    let mut text = String::from("agents, in the order in which data flows\n");
    for agent in AGENTS {
        let _ = writeln!(text, "  {:<11} {}", agent.role, agent.job);
    }
    text.push_str("\nedges\n");
    for edge in EDGES {
        let policy = match edge.policy {
            Policy::Lossless { burst } => format!("lossless, burst {burst}"),
            Policy::Lossy => "lossy, drops counted".to_owned(),
            Policy::Tail => "tail of the tick store".to_owned(),
            Policy::Page => "single-writer cells".to_owned(),
            Policy::Conflate => "newest by key".to_owned(),
        };
        let ends = format!("{} -> {}", edge.from, edge.to);
        let _ = writeln!(
            text,
            "  {:<19} {:<24} {:<23} {}",
            edge.name, ends, policy, edge.carries
        );
    }
    text
}

#[cfg(test)]
mod tests;
