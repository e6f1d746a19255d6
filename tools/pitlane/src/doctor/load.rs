//! What the cores did while they were measured, and what of it is bad.

use super::check::{Check, Finding, Fix, State};
use super::tree::Tree;
use super::{Subject, which};
use pitlane_app::report::duration;
use pitlane_runtime::hiccup::{CoreHiccups, Skew};
use serde::Serialize;
use std::collections::BTreeMap;

/// A measurement of all cores of a map at the same time.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Load {
    /// Seconds asked for.
    pub seconds: f64,
    /// What each core did, in order.
    pub cores: Vec<CoreLoad>,
    /// Cores that could not be measured, and why.
    pub not_measured: Vec<String>,
    /// How far the counters of the cores are apart.
    #[serde(serialize_with = "skews")]
    pub skew: Vec<Skew>,
}

/// What one core did.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CoreLoad {
    /// The core.
    pub core: usize,
    /// How long it was watched.
    pub elapsed_ns: u64,
    /// Readings of the clock.
    pub readings: u64,
    /// Gaps between two readings longer than 1 us.
    pub gaps_over_1us: u64,
    /// Longer than 10 us.
    pub gaps_over_10us: u64,
    /// Longer than 100 us.
    pub gaps_over_100us: u64,
    /// Longer than 1 ms.
    pub gaps_over_1ms: u64,
    /// The sum of the gaps.
    pub lost_ns: u64,
    /// What one event every microsecond would have waited.
    pub wait_ns: Waits,
    /// How often the thread waited for something; none where the kernel does not tell.
    pub switches_voluntary: Option<u64>,
    /// How often somebody else was given the core.
    pub switches_involuntary: Option<u64>,
    /// Interrupts served, by what they are for; those that came. None where the kernel does not tell.
    pub interrupts: Option<BTreeMap<String, u64>>,
    /// Milliseconds the host below gave to others, in steps of 10; none where the kernel does not tell.
    pub steal_ms: Option<u64>,
}

/// Percentiles in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Waits {
    /// The median.
    pub p50: u64,
    /// One in a hundred waited longer.
    pub p99: u64,
    /// One in a thousand.
    pub p999: u64,
    /// One in ten thousand.
    pub p9999: u64,
    /// The longest.
    pub max: u64,
}

/// The kernel's counts before a measurement.
pub struct Before {
    interrupts: Option<Vec<Interrupt>>,
    steal: BTreeMap<usize, u64>,
}

/// A line of `/proc/interrupts`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interrupt {
    /// Its number or short name.
    pub name: String,
    /// What it is for.
    pub what: String,
    /// Counts by core.
    counts: BTreeMap<usize, u64>,
}

impl Interrupt {
    /// How often it was served by a core.
    pub fn of(&self, core: usize) -> Option<u64> {
        self.counts.get(&core).copied()
    }
}

impl Before {
    /// Reads them, as far as they can be read.
    pub fn read(root: &std::path::Path) -> Self {
        let tree = Tree::new(root);
        Self {
            interrupts: tree.extra("/proc/interrupts").map(|text| interrupts(&text)),
            steal: steal_ms(&tree.extra("/proc/stat").unwrap_or_default()),
        }
    }

    /// What a core did, with what the kernel counted since.
    pub fn until(&self, after: &Self, of: &CoreHiccups) -> CoreLoad {
        let both = self.interrupts.as_ref().zip(after.interrupts.as_ref());
        let interrupts = both.map(|(before, after)| came(before, after, of.core));
        let steal = |counts: &Self| counts.steal.get(&of.core).copied();
        let steal = steal(self).zip(steal(after));
        let [over_1us, over_10us, over_100us, over_1ms] = of.over;
        let at = |quantile| of.waits.value_at_quantile(quantile);
        CoreLoad {
            core: of.core,
            elapsed_ns: of.elapsed_ns,
            readings: of.readings,
            gaps_over_1us: over_1us,
            gaps_over_10us: over_10us,
            gaps_over_100us: over_100us,
            gaps_over_1ms: over_1ms,
            lost_ns: of.lost_ns,
            wait_ns: Waits {
                p50: at(0.5),
                p99: at(0.99),
                p999: at(0.999),
                p9999: at(0.9999),
                max: of.waits.max(),
            },
            switches_voluntary: of.switches.map(|n| n.voluntary),
            switches_involuntary: of.switches.map(|n| n.involuntary),
            interrupts,
            steal_ms: steal.map(|(before, after)| after.saturating_sub(before)),
        }
    }
}

/// What a core served between two readings.
fn came(before: &[Interrupt], after: &[Interrupt], core: usize) -> BTreeMap<String, u64> {
    let mut came = BTreeMap::new();
    for row in after {
        let earlier = before.iter().find(|it| it.name == row.name);
        let earlier = earlier.and_then(|it| it.of(core)).unwrap_or(0);
        let count = row.of(core).unwrap_or(0).saturating_sub(earlier);
        if count > 0 {
            // Two lines may be for the same thing.
            *came.entry(row.what.clone()).or_insert(0) += count;
        }
    }
    came
}

/// `/proc/interrupts` by line.
pub fn interrupts(text: &str) -> Vec<Interrupt> {
    let mut lines = text.lines();
    let columns: Vec<usize> = lines
        .next()
        .unwrap_or("")
        .split_ascii_whitespace()
        .filter_map(|name| name.strip_prefix("CPU")?.parse().ok())
        .collect();
    let row = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let mut words = rest.split_ascii_whitespace().peekable();
        let mut counts = BTreeMap::new();
        for &core in &columns {
            let Some(count) = words.peek().and_then(|word| word.parse().ok()) else {
                break;
            };
            counts.insert(core, count);
            words.next();
        }
        let name = name.trim().to_owned();
        let rest: Vec<&str> = words.collect();
        // A device's line ends with its name; a line of the kernel's own is a sentence.
        let device = name.bytes().all(|byte| byte.is_ascii_digit());
        let what = if device {
            rest.last().map_or(String::new(), |word| (*word).to_owned())
        } else {
            rest.join(" ")
        };
        Some(Interrupt { name, what, counts })
    };
    lines.filter_map(row).collect()
}

/// Stolen time by core, in milliseconds; the kernel counts in hundredths of a second for every program.
fn steal_ms(text: &str) -> BTreeMap<usize, u64> {
    let row = |line: &str| {
        let mut words = line.strip_prefix("cpu")?.split(' ');
        let core = words.next()?.parse().ok()?;
        let steal: u64 = words.nth(7)?.parse().ok()?;
        Some((core, steal * 10))
    };
    text.lines().filter_map(row).collect()
}

impl CoreLoad {
    /// The part of the time that was lost in gaps, in millionths.
    pub fn lost_ppm(&self) -> u64 {
        let ppm = u128::from(self.lost_ns) * 1_000_000 / u128::from(self.elapsed_ns.max(1));
        u64::try_from(ppm).unwrap_or(u64::MAX)
    }

    /// The longest gap.
    fn longest(&self) -> u64 {
        self.wait_ns.max
    }
}

/// What was measured, judged: one line for all cores, because the table shows each.
pub fn checks(s: &Subject) -> Vec<Check> {
    let Some(load) = &s.load else {
        return Vec::new();
    };
    let mut found: Vec<Finding> = vec![hiccups(s, load)];
    for why in &load.not_measured {
        let state = if s.strict() { State::Fail } else { State::Warn };
        let bad = Finding::bad(state, why.clone(), "what was not measured is not known");
        found.push(bad.fix(Fix::hint("name cores that the line cpuset allows")));
    }
    found
        .into_iter()
        .map(|found| Check::new("in short", "hiccups", found))
        .collect()
}

fn hiccups(s: &Subject, load: &Load) -> Finding {
    /// A thread on a core of its own: no gap longer than this, and no more lost than this.
    const OWN_FAIL: (u64, u64) = (1_000_000, 10_000);
    const OWN_WARN: (u64, u64) = (100_000, 1_000);
    /// A thread that shares its core.
    const SHARED_WARN: (u64, u64) = (20_000_000, 50_000);
    let beyond = |(longest, ppm): (u64, u64)| {
        let bad = load
            .cores
            .iter()
            .filter(|core| core.longest() > longest || core.lost_ppm() > ppm);
        bad.map(|core| core.core)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let Some(worst) = load.cores.iter().max_by_key(|core| core.longest()) else {
        return Finding::unknown("no core of the map could be measured".to_owned());
    };
    let lost = load.cores.iter().map(CoreLoad::lost_ppm).max().unwrap_or(0);
    let text = format!(
        "longest {} on core {}, {} of the time lost",
        duration(worst.longest()),
        worst.core,
        percent(lost)
    );
    let limits: &[(State, (u64, u64))] = if s.strict() {
        &[(State::Fail, OWN_FAIL), (State::Warn, OWN_WARN)]
    } else {
        &[(State::Warn, SHARED_WARN)]
    };
    for (state, limit) in limits {
        let cores = beyond(*limit);
        if cores.is_empty() {
            continue;
        }
        let why = format!(
            "{} beyond {} ms at a time, or {} of the time in all",
            which(&cores),
            millis(limit.0),
            percent(limit.1)
        );
        let mend = if s.strict() {
            "mend the lines below, then measure again while nothing else runs"
        } else {
            "see what else runs (top -H), or give the engine fewer and quieter cores"
        };
        return Finding::bad(*state, text.clone(), &why)
            .seen("measured", text)
            .fix(Fix::hint(mend));
    }
    Finding::ok(text.clone()).seen("measured", text)
}

/// Milliseconds, with a digit behind the point if there are not whole ones.
fn millis(ns: u64) -> String {
    match ns % 1_000_000 {
        0 => format!("{}", ns / 1_000_000),
        rest => format!("{}.{}", ns / 1_000_000, rest / 100_000),
    }
}

/// Millionths as a percentage.
pub fn percent(ppm: u64) -> String {
    format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100)
}

fn skews<S: serde::Serializer>(skews: &[Skew], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(skews.iter().map(|skew| {
        BTreeMap::from([
            ("core", i64::try_from(skew.core).unwrap_or(i64::MAX)),
            ("against", i64::try_from(skew.against).unwrap_or(i64::MAX)),
            ("offset_ns", skew.offset_ns),
            ("bound_ns", i64::try_from(skew.bound_ns).unwrap_or(i64::MAX)),
        ])
    }))
}
