//! Threads: what their heartbeats and the kernel say.

use super::ThreadView;
use super::pair::{Pair, per_second, share};
use crate::top::look::{Look, Task};
use pitlane_lockfree::counters::Value;
use pitlane_runtime::beat;
use pitlane_runtime::health::{ThreadLook, Verdict, judge_thread};
use pitlane_runtime::idle::IdleKind;

/// All threads, in the order of the page.
pub fn read(pair: &Pair) -> Vec<ThreadView> {
    let threads = pair.threads.iter().enumerate();
    threads
        .map(|(index, name)| thread(pair, index, name))
        .collect()
}

fn thread(pair: &Pair, index: usize, name: &str) -> ThreadView {
    let owner = format!("{}{name}", beat::THREAD_OWNER);
    let number = |label| pair.number(&owner, label);
    let tid = u32::try_from(number(beat::TID.label)).unwrap_or(0);
    let polling = number(beat::POLLING.label);
    let mine =
        |agent: &&(u64, String)| pair.number(&agent.1, beat::THREAD.label) == index as u64 + 1;
    let agents: Vec<String> = pair
        .agents
        .iter()
        .filter(mine)
        .map(|(_, name)| name.clone())
        .collect();
    let (earlier, task) = pair.task(tid);
    let cpu = || Some(task?.sample.cpu_ns.saturating_sub(earlier?.sample.cpu_ns));
    let wait = || {
        Some(
            task?
                .sample
                .wait_ns?
                .saturating_sub(earlier?.sample.wait_ns?),
        )
    };
    let switched = || {
        let times = |task: &Task| Some(task.placement.as_ref()?.switched);
        Some(times(task?)?.saturating_sub(times(earlier?)?))
    };
    let busy: Option<u64> = agents
        .iter()
        .map(|agent| pair.growth(agent, beat::BUSY_NS.label))
        .sum();
    let of_interval = |ns: u64| pair.interval_ns.map(|interval| share(ns, interval));
    ThreadView {
        name: name.to_owned(),
        tid,
        core: number(beat::CORE.label).checked_sub(1),
        on_core: task.map(|task| task.core),
        rest: rest(number(beat::REST.label)),
        verdict: verdict(pair, &owner, tid),
        parked: number(beat::PARKED.label) != 0,
        polling: pair
            .agents
            .iter()
            .find(|(place, _)| *place == polling)
            .map(|(_, name)| name.clone()),
        loops: number(beat::LOOPS.label),
        loops_per_s: pair.rate(&owner, beat::LOOPS.label),
        busy_share: busy.filter(|_| !agents.is_empty()).and_then(of_interval),
        idle_share: pair
            .share_of(&owner, beat::BUSY_LOOPS.label, beat::LOOPS.label)
            .map(|busy| ((1.0 - busy) * 1e4).round() / 1e4),
        parks_per_s: pair.rate(&owner, beat::PARKS.label),
        cpu_share: cpu().and_then(of_interval),
        wait_share: wait().and_then(of_interval),
        allowed: task
            .and_then(|task| task.placement.as_ref())
            .map(|placement| placement.allowed.clone()),
        switched_per_s: switched()
            .zip(pair.interval_ns)
            .map(|(times, interval)| per_second(times, interval)),
        cycle_max_ns: pair.ticks_ns(number(beat::CYCLE_MAX.label)),
        stalls: number(beat::STALLS.label),
        stalls_recent: pair.growth(&owner, beat::STALLS.label),
        stall_threshold_ns: number(beat::STALL_THRESHOLD.label),
        uptime_ns: beat::uptime_ns(&pair.now.page, &owner),
        beat_age_ns: beat_age(pair, number(beat::ENTERED.label)),
        agents,
    }
}

fn rest(number: u64) -> Option<&'static str> {
    let kinds = [
        (IdleKind::Spin, "spin"),
        (IdleKind::Yield, "yield"),
        (IdleKind::Backoff, "backoff"),
        (IdleKind::Park, "park"),
    ];
    let kind = kinds
        .into_iter()
        .find(|(kind, _)| *kind as u64 + 1 == number);
    kind.map(|(_, name)| name)
}

/// How a thread is, by the same judgement the engine's own supervisor uses.
fn verdict(pair: &Pair, owner: &str, tid: u32) -> Option<Verdict> {
    if !pair.alive {
        return Some(Verdict::Ended);
    }
    // No thread of a living process can be seen from another container.
    if pair.now.tasks.is_empty() {
        return None;
    }
    let before = pair.before?;
    let look = |look: &Look| {
        let number = |label| look.page.value(owner, label).map_or(0, Value::number);
        ThreadLook {
            at_ns: look.at.mono_ns,
            loops: number(beat::LOOPS.label),
            parked: number(beat::PARKED.label) != 0,
            polling: number(beat::POLLING.label),
            task: look.tasks.get(&tid).map(|task| task.sample),
        }
    };
    Some(judge_thread(&look(before), &look(pair.now)))
}

/// Time since a duty cycle began, for as long as its clock is that of this machine.
fn beat_age(pair: &Pair, entered: u64) -> Option<u64> {
    let known = pair.alive && entered > 0 && pair.now.page.ticks_per_second > 0;
    known.then(|| pair.ticks_ns(pair.now.at.raw.saturating_sub(entered)))
}
