//! The engine as a whole: what has become of it, and how it is.

use super::agents::has_ended;
use super::pair::Pair;
use super::{
    AgentView, EdgeView, EngineView, ErrorView, Health, HealthView, Note, Status, ThreadView,
};
use crate::top::look::{Life, Look};
use crate::top::table::span;
use pitlane_app::counters;
use pitlane_app::report::thousands;
use pitlane_runtime::beat;
use pitlane_runtime::health::Verdict;
use pitlane_runtime::metrics::Batching;
use pitlane_runtime::supervisor;

/// The engine as a whole.
pub fn engine(pair: &Pair, threads: &[ThreadView], agents: &[AgentView]) -> EngineView {
    let page = &pair.now.page;
    let ended = !agents.is_empty() && agents.iter().all(has_ended);
    let status = match pair.now.life {
        Life::Stopped => Status::Stopped,
        _ if pair.alive => Status::Running,
        _ if ended => Status::Ended,
        _ => Status::Killed,
    };
    let now = pair.now.at.wall_ns;
    let last_sign = if pair.alive { now } else { last_sign(pair) };
    let since = |from: i64, to: i64| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
    let batching = Batching {
        updates: pair.one(&supervisor::UPDATES).unwrap_or(0),
        batches: pair.one(&supervisor::BATCHES).unwrap_or(0),
        flushes: pair.one(&supervisor::FLUSHES).unwrap_or(0),
    };
    EngineView {
        pid: page.pid,
        alive: pair.alive,
        status,
        started_wall_ns: page.start_wall_ns,
        last_sign_wall_ns: last_sign,
        uptime_ns: since(page.start_wall_ns, last_sign),
        dead_ns: (!pair.alive).then(|| since(last_sign, now)),
        ticks_per_second: page.ticks_per_second,
        threads: threads.len(),
        pinned: threads
            .iter()
            .filter(|thread| thread.core.is_some())
            .count(),
        agents: agents.len(),
        batching_saving: (batching.updates > 0).then(|| batching.saving()),
        input_done_bytes: pair.one(&counters::BYTES_DONE),
        input_total_bytes: pair.one(&counters::BYTES_TOTAL),
        frames: pair.one(&counters::FRAMES),
        frames_per_s: pair.rate("feed", counters::FRAMES.label),
    }
}

/// The latest moment of which a dead engine left a trace, ns since 1970 UTC.
fn last_sign(pair: &Pair) -> i64 {
    let page = &pair.now.page;
    let Some(anchor) = page.anchors.last() else {
        return page.start_wall_ns;
    };
    let entered = page
        .entries
        .iter()
        .filter(|entry| entry.label == beat::ENTERED.label);
    let latest = entered.map(|entry| entry.value.number()).max().unwrap_or(0);
    let behind = pair.ticks_ns(latest.saturating_sub(anchor.raw));
    anchor.wall_ns.saturating_add_unsigned(behind)
}

/// How it is, and why.
pub fn health(
    pair: &Pair,
    engine: &EngineView,
    threads: &[ThreadView],
    agents: &[AgentView],
    edges: &[EdgeView],
) -> HealthView {
    let mut notes = Vec::new();
    let mut note = |verdict, who: &str, what: String| {
        notes.push(Note {
            verdict,
            who: who.to_owned(),
            what,
        });
    };
    let base = match engine.status {
        Status::Running => Health::Good,
        Status::Ended => Health::Ended,
        Status::Stopped => {
            note(
                Health::Dead,
                "engine",
                "stopped by a signal; SIGCONT lets it go on".to_owned(),
            );
            Health::Dead
        }
        Status::Killed => {
            note(Health::Dead, "engine", killed(threads, agents));
            Health::Dead
        }
    };
    for thread in threads.iter().filter(|_| engine.status == Status::Running) {
        let age = thread
            .beat_age_ns
            .map_or(String::new(), |age| format!(" for {}", span(age)));
        let place = thread
            .polling
            .as_ref()
            .map_or(String::new(), |agent| format!(" in the poll of {agent}"));
        let who = format!("thread {}", thread.name);
        match thread.verdict {
            Some(Verdict::Looping) => note(Health::Hung, &who, format!("loops{place}{age}")),
            Some(Verdict::Blocked) => note(Health::Hung, &who, format!("waits{place}{age}")),
            Some(Verdict::Starved) => note(Health::Slow, &who, format!("gets no core{age}")),
            _ => {}
        }
    }
    for agent in agents {
        if agent.panics > 0 {
            note(
                Health::Damaged,
                &agent.name,
                format!("panicked, {} in all", thousands(agent.panics)),
            );
        }
        if agent.verdict == Some(Verdict::BackPressured) {
            note(
                Health::Slow,
                &agent.name,
                format!("held back{}", without_room(pair, &agent.name)),
            );
        }
    }
    for edge in edges.iter().filter(|edge| edge.dropped > 0) {
        note(
            Health::Damaged,
            &edge.name,
            format!("{} messages dropped", thousands(edge.dropped)),
        );
    }
    notes.sort_by_key(|note| std::cmp::Reverse(note.verdict));
    HealthView {
        verdict: notes.first().map_or(base, |worst| worst.verdict.max(base)),
        notes,
    }
}

/// Distinct errors, the latest first.
pub fn errors(now: &Look) -> Vec<ErrorView> {
    let mut errors: Vec<ErrorView> = now
        .errors
        .iter()
        .map(|error| ErrorView {
            count: error.count,
            first_wall_ns: error.first_wall_ns,
            last_wall_ns: error.last_wall_ns,
            who: error.owner.clone(),
            message: error.text.clone(),
        })
        .collect();
    errors.sort_by_key(|error| std::cmp::Reverse(error.last_wall_ns));
    errors
}

/// What was going on when the process went away.
fn killed(threads: &[ThreadView], agents: &[AgentView]) -> String {
    let at_work = agents.iter().filter(|agent| !has_ended(agent)).count();
    let polling: Vec<String> = threads
        .iter()
        .filter_map(|thread| Some(format!("{} in {}", thread.name, thread.polling.as_ref()?)))
        .collect();
    let place = if polling.is_empty() {
        String::new()
    } else {
        format!("; {}", polling.join(", "))
    };
    format!("its process is gone and {at_work} agents had not ended{place}")
}

/// Edges of an agent that refused it room in the interval.
fn without_room(pair: &Pair, agent: &str) -> String {
    let edges: Vec<&str> = pair
        .now
        .page
        .entries
        .iter()
        .filter(|entry| entry.owner == agent)
        .filter_map(|entry| super::edges::name_of(&entry.label, "blocked"))
        .filter(|name| {
            pair.growth(agent, &format!("edge.{name}.blocked"))
                .unwrap_or(0)
                > 0
        })
        .collect();
    if edges.is_empty() {
        String::new()
    } else {
        format!(", no room in {}", edges.join(", "))
    }
}
