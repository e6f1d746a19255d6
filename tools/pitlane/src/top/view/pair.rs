//! Two looks at the same engine, and the arithmetic of differences.

use crate::top::look::{Life, Look, Task};
use pitlane_lockfree::counters::{Declared, Owner, Snapshot, Unit, Value};
use pitlane_runtime::beat;

/// Two looks, or one.
pub struct Pair<'a> {
    pub before: Option<&'a Look>,
    pub now: &'a Look,
    /// Time between them; `None` when there is only one.
    pub interval_ns: Option<u64>,
    /// Whether the engine's process is there.
    pub alive: bool,
    /// Threads in the order of the page.
    pub threads: Vec<String>,
    /// Agents by their place in flow order plus one.
    pub agents: Vec<(u64, String)>,
}

impl<'a> Pair<'a> {
    pub fn new(before: Option<&'a Look>, now: &'a Look) -> Self {
        // Two looks at different runs, or a clock that stands still, say nothing about a rate.
        let before = before.filter(|before| {
            same_run(&before.page, &now.page) && before.at.mono_ns < now.at.mono_ns
        });
        // A process that cannot be seen, in a container for one, is alive as long as its page moves.
        let moves = before.is_some_and(|before| moved(&before.page, &now.page));
        let alive = now.life != Life::Gone || moves;
        // What no longer moves has no rates, not rates of zero.
        let before = before.filter(|_| alive);
        let (threads, agents) = names(&now.page);
        Self {
            before,
            now,
            interval_ns: before.map(|before| now.at.mono_ns - before.at.mono_ns),
            alive,
            threads,
            agents,
        }
    }

    /// A number as it is now.
    pub fn number(&self, owner: &str, label: &str) -> u64 {
        self.now.page.value(owner, label).map_or(0, Value::number)
    }

    /// A number as it is now, if it is on the page.
    pub fn listed(&self, owner: &str, label: &str) -> Option<u64> {
        self.now.page.value(owner, label).map(Value::number)
    }

    /// A number that one agent has, if it is on the page.
    pub fn one(&self, what: &Declared) -> Option<u64> {
        match what.owner {
            Owner::Agent(agent) => self.listed(agent, what.label),
            _ => None,
        }
    }

    /// By how much a counter has grown.
    pub fn growth(&self, owner: &str, label: &str) -> Option<u64> {
        let earlier = self
            .before?
            .page
            .value(owner, label)
            .map_or(0, Value::number);
        Some(self.number(owner, label).saturating_sub(earlier))
    }

    /// Growth in a second.
    pub fn rate(&self, owner: &str, label: &str) -> Option<f64> {
        Some(per_second(self.growth(owner, label)?, self.interval_ns?))
    }

    /// Growth of a time as a share of the interval.
    pub fn share_of_time(&self, owner: &str, label: &str) -> Option<f64> {
        Some(share(self.growth(owner, label)?, self.interval_ns?))
    }

    /// Growth of one counter as a share of the growth of another; `None` if that did not grow.
    pub fn share_of(&self, owner: &str, part: &str, whole: &str) -> Option<f64> {
        let whole = self.growth(owner, whole).filter(|whole| *whole > 0)?;
        Some(share(self.growth(owner, part)?, whole))
    }

    /// What the kernel said of a thread, at both looks.
    pub fn task(&self, tid: u32) -> (Option<&'a Task>, Option<&'a Task>) {
        let of = |look: &'a Look| look.tasks.get(&tid);
        (self.before.and_then(of), of(self.now))
    }

    /// Raw ticks as nanoseconds; 0 while the rate of the clock is unknown.
    pub fn ticks_ns(&self, ticks: u64) -> u64 {
        ticks_ns(ticks, self.now.page.ticks_per_second)
    }
}

/// Raw ticks as nanoseconds; 0 while the rate of the clock is unknown.
pub fn ticks_ns(ticks: u64, per_second: u64) -> u64 {
    let ns = u128::from(ticks) * 1_000_000_000 / u128::from(per_second.max(1));
    if per_second == 0 {
        return 0;
    }
    u64::try_from(ns).unwrap_or(u64::MAX)
}

/// A value of a page in nanoseconds, if it is a time.
pub fn time_ns(unit: Unit, value: u64, ticks_per_second: u64) -> Option<u64> {
    match unit {
        Unit::Nanoseconds => Some(value),
        Unit::RawTicks => Some(ticks_ns(value, ticks_per_second)),
        _ => None,
    }
}

/// A count over nanoseconds as a number a second.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub fn per_second(count: u64, ns: u64) -> f64 {
    rounded(count as f64 * 1e9 / ns.max(1) as f64)
}

/// A part of a whole, 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a share for people")]
pub fn share(part: u64, whole: u64) -> f64 {
    rounded((part as f64 / whole.max(1) as f64).min(1.0))
}

/// Four figures behind the point: more would be noise.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Whether two pages are of the same run.
pub fn same_run(a: &Snapshot, b: &Snapshot) -> bool {
    (a.pid, a.start_wall_ns) == (b.pid, b.start_wall_ns)
}

/// Whether anything was written between two looks at a page.
fn moved(before: &Snapshot, now: &Snapshot) -> bool {
    before.anchors.last() != now.anchors.last()
        || before.entries.len() != now.entries.len()
        || before
            .entries
            .iter()
            .zip(&now.entries)
            .any(|(before, now)| before.value.number() != now.value.number())
}

fn names(page: &Snapshot) -> (Vec<String>, Vec<(u64, String)>) {
    let mut threads = Vec::new();
    let mut agents = Vec::new();
    for entry in &page.entries {
        if beat::LOOPS.names(&entry.owner, &entry.label) {
            threads.extend(
                entry
                    .owner
                    .strip_prefix(beat::THREAD_OWNER)
                    .map(ToOwned::to_owned),
            );
        } else if beat::PLACE.names(&entry.owner, &entry.label) {
            agents.push((entry.value.number(), entry.owner.clone()));
        }
    }
    agents.sort();
    (threads, agents)
}
