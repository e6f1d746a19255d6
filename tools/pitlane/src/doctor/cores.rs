//! Who else may use the cores of the map.

use super::check::{Finding, Fix, State};
use super::{Subject, list, which};
use pitlane_runtime::core_map::parse_core_list;
use std::collections::{BTreeMap, BTreeSet};

/// The scheduler keeps other threads off the cores.
pub fn isolation(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/sys/devices/system/cpu/isolated";
    let isolated = s.host.isolated.as_ref().map_err(Clone::clone)?;
    let shared = &s.pinned - isolated;
    let found = if s.pinned.is_empty() && !s.strict() {
        Finding::ok(s.unpinned())
    } else if s.pinned.is_empty() {
        s.lack(
            State::Fail,
            s.unpinned(),
            "a profile of cores of its own needs them",
        )
        .fix(Fix::config(
            "core = N in the [[core_map.thread]] of every hot agent",
        ))
    } else if shared.is_empty() {
        Finding::ok(format!("{} isolated", which(&s.pinned)))
    } else {
        let why = "the scheduler may put any other thread there, for milliseconds at a time";
        s.lack(State::Fail, format!("{} not isolated", which(&shared)), why)
            .fix(s.keep_off(|_| {
                Fix::boot(format!("isolcpus=managed_irq,domain,{}", list(&s.pinned)))
            }))
    };
    Ok(found.seen(FILE, list(isolated)))
}

/// The scheduler's tick leaves the cores alone.
pub fn nohz_full(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/sys/devices/system/cpu/nohz_full";
    // A kernel that was built without it has no such file.
    let there = s.tree().maybe(FILE)?.is_some();
    let without = s.host.nohz_full.clone().unwrap_or_default();
    let ticking = &s.pinned - &without;
    let found = if s.pinned.is_empty() {
        Finding::ok(s.unpinned())
    } else if ticking.is_empty() {
        Finding::ok(format!("no tick on {}", which(&s.pinned)))
    } else {
        let why = "the tick interrupts a spinning thread 100 to 1000 times a second, some us each";
        s.lack(
            State::Warn,
            format!("the tick runs on {}", which(&ticking)),
            why,
        )
        .fix(if there {
            s.keep_off(|_| Fix::boot(format!("nohz_full={}", list(&s.pinned))))
        } else {
            Fix::hint(
                "use a kernel built with CONFIG_NO_HZ_FULL; this one does not know nohz_full=",
            )
        })
    };
    let value = if there {
        list(&without)
    } else {
        "not there".to_owned()
    };
    Ok(found.seen(FILE, value))
}

/// Callbacks of the kernel run elsewhere.
pub fn rcu_nocbs(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    let mut free = BTreeSet::new();
    let mut value = Vec::new();
    for name in ["rcu_nocbs", "nohz_full"] {
        if let Some(cores) = tree.boot(name)? {
            value.push(format!("{name}={cores}"));
            if cores == "all" || cores.is_empty() {
                free.extend(s.host.possible.iter().copied());
            }
            free.extend(parse_core_list(&cores).unwrap_or_default());
        }
    }
    let busy = &s.pinned - &free;
    let found = if s.pinned.is_empty() {
        Finding::ok(s.unpinned())
    } else if busy.is_empty() {
        Finding::ok(format!(
            "RCU callbacks of {} run elsewhere",
            which(&s.pinned)
        ))
    } else {
        let why = "the kernel cleans up on these cores when it likes, some us to some 100 us";
        s.lack(
            State::Warn,
            format!("RCU callbacks run on {}", which(&busy)),
            why,
        )
        .fix(s.keep_off(|_| Fix::boot(format!("rcu_nocbs={}", list(&s.pinned)))))
    };
    let value = if value.is_empty() {
        "no rcu_nocbs=".to_owned()
    } else {
        value.join(" ")
    };
    Ok(found.seen("/proc/cmdline", value))
}

/// No two hot threads on the halves of one physical core.
pub fn smt(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    let file =
        |core: usize| format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    let (mut both_hot, mut other) = (BTreeSet::new(), BTreeSet::new());
    let mut value = String::new();
    for &core in &s.cores() {
        let siblings = tree.cores(&file(core))?;
        if siblings.len() > 1 && (value.is_empty() || s.pinned.contains(&core)) {
            value = list(&siblings);
        }
        for sibling in siblings.into_iter().filter(|&sibling| sibling != core) {
            if s.pinned.contains(&sibling) {
                both_hot.insert(core);
            } else if s.host.online.contains(&sibling) {
                other.insert(sibling);
            }
        }
    }
    let first = s.cores().first().map_or(String::new(), |&core| file(core));
    Ok(
        if s.pinned.is_empty() || (both_hot.is_empty() && other.is_empty()) {
            let found = if value.is_empty() {
                "no siblings"
            } else {
                "siblings, which do not matter to unpinned threads"
            };
            Finding::ok(found)
        } else if both_hot.is_empty() {
            let finding = format!("{} online, siblings of the map's", which(&other));
            let why = "what runs on a sibling halves the speed of its core";
            let sets = other
                .iter()
                .map(|core| format!("/sys/devices/system/cpu/cpu{core}/online"));
            let fix = if (&s.host.online - &s.pinned).is_subset(&other) {
                Fix::config("core = N: fewer cores, so that the system keeps a pair of its own")
            } else {
                Fix::Set {
                    files: sets.collect(),
                    value: "0".to_owned(),
                    was: vec!["1".to_owned(); other.len()],
                }
            };
            s.lack(State::Warn, finding, why).fix(fix)
        } else {
            let finding = format!("one physical core for two of {}", which(&both_hot));
            let why = "two threads on the halves of a core take each other's time";
            let mend = "core = N: one core of each pair (lscpu -e shows the pairs)";
            s.lack(State::Fail, finding, why).fix(Fix::config(mend))
        }
        .seen(
            first,
            if value.is_empty() {
                "itself alone".to_owned()
            } else {
                value
            },
        ),
    )
}

/// The cores share one memory.
pub fn numa(s: &Subject) -> Result<Finding, String> {
    const FOLDER: &str = "/sys/devices/system/node";
    let tree = s.tree();
    let mut nodes: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for name in tree.names(FOLDER) {
        if name
            .strip_prefix("node")
            .is_some_and(|number| number.parse::<u32>().is_ok())
        {
            nodes.insert(
                name.clone(),
                tree.cores(&format!("{FOLDER}/{name}/cpulist"))?,
            );
        }
    }
    let cores = s.cores();
    let used: Vec<_> = nodes
        .iter()
        .filter(|(_, of)| !of.is_disjoint(&cores))
        .collect();
    let value = nodes
        .iter()
        .map(|(name, of)| format!("{name}: {}", list(of)));
    let value = value.collect::<Vec<_>>().join("; ");
    Ok(match used.as_slice() {
        [] | [_] => Finding::ok("one node"),
        several => {
            let several: Vec<_> = several.iter().map(|(name, of)| format!("{} of {name}", list(&(*of & &cores)))).collect();
            let why = "a message between nodes takes twice as long, and memory of the other node is slower";
            let mend = "core = N: cores of one node, that of the network card";
            s.lack(State::Warn, format!("cores {}", several.join(", ")), why)
                .fix(Fix::config(mend))
        }
    }
    .seen(format!("{FOLDER}/node*/cpulist"), if value.is_empty() { "no nodes".to_owned() } else { value }))
}
