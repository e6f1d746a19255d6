//! Agents: what their runners count.

use super::pair::Pair;
use super::{AgentView, ThreadView};
use crate::top::look::Look;
use pitlane_lockfree::counters::Value;
use pitlane_runtime::beat;
use pitlane_runtime::health::{AgentLook, Verdict, judge_agent};
use pitlane_runtime::lifecycle::State;

/// All agents, in flow order.
pub fn read(pair: &Pair, threads: &[ThreadView]) -> Vec<AgentView> {
    let agent = |(place, name): &(u64, String)| agent(pair, threads, *place, name);
    pair.agents.iter().map(agent).collect()
}

fn agent(pair: &Pair, threads: &[ThreadView], place: u64, name: &str) -> AgentView {
    let number = |label| pair.number(name, label);
    AgentView {
        name: name.to_owned(),
        thread: threads
            .iter()
            .find(|thread| thread.agents.iter().any(|agent| agent == name))
            .map(|thread| thread.name.clone()),
        state: state(number(beat::STATE.label))
            .map_or("unknown".to_owned(), |state| state.to_string()),
        verdict: verdict(pair, place, name),
        work: number(beat::WORK.label),
        work_per_s: pair.rate(name, beat::WORK.label),
        polls: number(beat::POLLS.label),
        polls_per_s: pair.rate(name, beat::POLLS.label),
        busy_share: pair.share_of_time(name, beat::BUSY_NS.label),
        idle_share: pair.share_of(name, beat::IDLE.label, beat::POLLS.label),
        held_share: pair.share_of_time(name, beat::BLOCKED_NS.label),
        held_ns: number(beat::BLOCKED_NS.label),
        panics: number(beat::PANICS.label),
        errors: beat::error_count(&pair.now.page, name),
        uptime_ns: beat::uptime_ns(&pair.now.page, name),
    }
}

/// The state behind its number on the page.
fn state(number: u64) -> Option<State> {
    [
        State::Created,
        State::Ready,
        State::Cleaning,
        State::Terminated,
    ]
    .into_iter()
    .find(|state| *state as u64 == number)
}

/// Whether an agent has ended.
pub fn has_ended(agent: &AgentView) -> bool {
    agent.state == State::Terminated.to_string()
}

/// How an agent is, by the same judgement the engine's own supervisor uses.
fn verdict(pair: &Pair, place: u64, name: &str) -> Option<Verdict> {
    if !pair.alive {
        return Some(Verdict::Ended);
    }
    let look = |look: &Look| {
        let number = |label| look.page.value(name, label).map_or(0, Value::number);
        AgentLook {
            place,
            ended: number(beat::STATE.label) == State::Terminated as u64,
            work: number(beat::WORK.label),
            blocked: number(beat::BLOCKED.label),
        }
    };
    Some(judge_agent(&look(pair.before?), &look(pair.now)))
}
