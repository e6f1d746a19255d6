//! How fast the cores run, and how deep they sleep.

use super::check::{Finding, Fix, State};
use super::{Subject, clocks, list};
use std::collections::{BTreeMap, BTreeSet};

/// Full speed at once, not after a while.
pub fn governor(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    let file = |core: usize| format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
    let mut by_name: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for core in s.cores() {
        if let Some(name) = tree.maybe(&file(core))? {
            by_name.entry(name).or_default().insert(core);
        }
    }
    let seen = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor";
    if by_name.is_empty() {
        return match clocks::hypervisor_name(&tree) {
            Some(_) => {
                Ok(Finding::ok("none: the host below sets the frequency").seen(seen, "not there"))
            }
            None => Err("no cpufreq here: the firmware sets the frequency, look there".to_owned()),
        };
    }
    let slow: BTreeMap<_, _> = by_name
        .iter()
        .filter(|(name, _)| *name != "performance")
        .collect();
    let value = by_name
        .iter()
        .map(|(name, cores)| format!("{name} on {}", list(cores)));
    let value = value.collect::<Vec<_>>().join(", ");
    let why = "the clock speed follows the load with a delay of many us to ms";
    let (mut files, mut was) = (Vec::new(), Vec::new());
    for (name, cores) in &slow {
        files.extend(cores.iter().map(|&core| file(core)));
        was.extend(cores.iter().map(|_| (*name).clone()));
    }
    Ok(if slow.is_empty() {
        Finding::ok(value.clone())
    } else {
        s.lack(State::Warn, value.clone(), why).fix(Fix::Set {
            files,
            value: "performance".to_owned(),
            was,
        })
    }
    .seen(seen, value))
}

/// A speed that does not depend on the heat.
pub fn turbo(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    let (intel, other) = (
        "/sys/devices/system/cpu/intel_pstate/no_turbo",
        "/sys/devices/system/cpu/cpufreq/boost",
    );
    let (file, on) = match (tree.maybe(intel)?, tree.maybe(other)?) {
        (Some(off), _) => (intel, off == "0"),
        (None, Some(on)) => (other, on == "1"),
        (None, None) => return Ok(Finding::ok("no switch for it here").seen(other, "not there")),
    };
    let value = tree.read(file)?;
    Ok(if on {
        Finding::ok("on: faster, and less even under load")
    } else {
        Finding::ok("off: slower, and even")
    }
    .seen(file, value))
}

/// Cores that wake up fast.
pub fn c_states(s: &Subject) -> Result<Finding, String> {
    const SLOW_US: i64 = 10;
    let tree = s.tree();
    let mut deepest: Option<(i64, String)> = None;
    let mut enabled = Vec::new();
    let sleepers: BTreeSet<usize> = s.cores().difference(&s.spinning).copied().collect();
    for core in s.cores() {
        let folder = format!("/sys/devices/system/cpu/cpu{core}/cpuidle");
        for state in tree.names(&folder) {
            let of = |what: &str| format!("{folder}/{state}/{what}");
            let latency = tree.number(&of("latency"))?;
            if tree.number(&of("disable")).unwrap_or(0) != 0 {
                continue;
            }
            let name = tree.read(&of("name"))?;
            if deepest.as_ref().is_none_or(|(most, _)| latency > *most) {
                deepest = Some((latency, name));
            }
            if latency > SLOW_US && sleepers.contains(&core) {
                enabled.push(of("disable"));
            }
        }
    }
    let seen = "/sys/devices/system/cpu/cpu*/cpuidle/state*/latency";
    let Some((latency, name)) = deepest else {
        return Ok(Finding::ok("none the kernel enters").seen(seen, "not there"));
    };
    let text = format!("deepest {name}, {latency} us to wake");
    Ok(if latency <= SLOW_US {
        Finding::ok(text)
    } else if enabled.is_empty() {
        Finding::ok(format!("{text}; threads that spin never enter it"))
    } else {
        let was = vec!["0".to_owned(); enabled.len()];
        let fix = Fix::Set {
            files: enabled,
            value: "1".to_owned(),
            was,
        };
        s.lack(
            State::Warn,
            text,
            "a thread that sleeps on such a core wakes that much later",
        )
        .fix(fix)
    }
    .seen(seen, format!("{name} {latency}")))
}
