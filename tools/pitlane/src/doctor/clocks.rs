//! The counter everything is timed with, and the machine below that may stop it.

use super::check::{Finding, Fix, State};
use super::tree::Tree;
use super::{Subject, which};

const CPUINFO: &str = "/proc/cpuinfo";

/// A counter that runs evenly whatever the core does.
pub fn tsc(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    let Ok(flags) = tree.field(CPUINFO, "flags") else {
        return Err(format!("{CPUINFO}: no flags line, so this is no x86"));
    };
    let has = |flag: &str| flags.split_ascii_whitespace().any(|word| word == flag);
    let missing: Vec<&str> = ["constant_tsc", "nonstop_tsc"]
        .into_iter()
        .filter(|flag| !has(flag))
        .collect();
    Ok(if missing.is_empty() {
        Finding::ok("invariant").seen(CPUINFO, "constant_tsc nonstop_tsc")
    } else {
        let why = "the raw clock falls back to a system clock, ten times slower to read";
        let text = format!("not invariant: no {}", missing.join(", no "));
        let state = if s.strict() { State::Fail } else { State::Warn };
        Finding::bad(state, text, why)
            .seen(CPUINFO, format!("no {}", missing.join(", no ")))
            .fix(Fix::hint(
                "use another processor, or let the hypervisor pass the flag on (invtsc)",
            ))
    })
}

/// The kernel trusts that counter too.
pub fn clocksource(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    const OTHERS: &str = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    let tree = s.tree();
    let name = tree.read(FILE)?;
    let others = tree.extra(OTHERS).unwrap_or_default();
    let offered = others.split_ascii_whitespace().any(|other| other == "tsc");
    let found = match name.as_str() {
        "tsc" | "arch_sys_counter" => Finding::ok(name.clone()),
        "kvm-clock" | "hyperv_clocksource_tsc_page" => {
            let text = format!("{name}: a virtual machine's");
            s.lack(
                State::Warn,
                text,
                "the host below corrects it while the engine runs",
            )
        }
        _ => {
            let why = "every reading of the time is a slow system call; the kernel gave up the TSC (dmesg says why)";
            let state = if s.strict() { State::Fail } else { State::Warn };
            Finding::bad(state, name.clone(), why)
        }
    };
    let fix = if offered {
        Fix::set(FILE, "tsc", name.clone())
    } else {
        Fix::boot("tsc=reliable")
    };
    Ok(found.fix(fix).seen(FILE, name))
}

/// All cores count alike.
pub fn skew(s: &Subject) -> Result<Finding, String> {
    const APART_NS: u64 = 1_000;
    let Some(load) = &s.load else {
        return Err("not measured".to_owned());
    };
    let Some(worst) = load
        .skew
        .iter()
        .max_by_key(|skew| skew.offset_ns.unsigned_abs())
    else {
        if load.cores.len() > 1 {
            return Err("no core answered another in time".to_owned());
        }
        return Ok(Finding::ok("one core, nothing to compare").seen("measured", "one core"));
    };
    let text = format!(
        "core {} is {} ns from core {}, give or take {} ns",
        worst.core, worst.offset_ns, worst.against, worst.bound_ns
    );
    let apart = worst
        .offset_ns
        .unsigned_abs()
        .saturating_sub(worst.bound_ns);
    Ok(if apart <= APART_NS {
        Finding::ok(text.clone())
    } else {
        let why = "latencies between these cores are wrong by as much";
        Finding::bad(State::Warn, text.clone(), why)
            .fix(Fix::hint("look for a firmware update; dmesg | grep -i tsc"))
    }
    .seen("measured", text))
}

/// What the machine runs on, if not on itself.
pub fn hypervisor_name(tree: &Tree<'_>) -> Option<String> {
    let flagged = tree.field(CPUINFO, "flags").is_ok_and(|flags| {
        flags
            .split_ascii_whitespace()
            .any(|flag| flag == "hypervisor")
    });
    let kind = tree.extra("/sys/hypervisor/type");
    let maker = tree.extra("/sys/class/dmi/id/sys_vendor");
    match (flagged, kind) {
        (_, Some(kind)) => Some(format!("virtual machine ({kind})")),
        (true, None) => Some(maker.map_or("virtual machine".to_owned(), |maker| {
            format!("virtual machine ({maker})")
        })),
        (false, None) => None,
    }
}

/// A machine of our own.
pub fn hypervisor(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    tree.read(CPUINFO)?;
    Ok(match hypervisor_name(&tree) {
        None => Finding::ok("none").seen(CPUINFO, "no hypervisor flag"),
        Some(name) => {
            let why = "the host below may take a core away at any time, and nothing here shows it but the gaps";
            s.lack(State::Warn, name, why)
                .seen(CPUINFO, "hypervisor flag")
                .fix(Fix::hint(
                    "ask for dedicated cores, or for a machine without a hypervisor",
                ))
        }
    })
}

/// Time the host below gave to others.
pub fn steal(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/proc/stat";
    let Some(load) = &s.load else {
        return Err("not measured".to_owned());
    };
    let taken: Option<Vec<(usize, u64)>> = load
        .cores
        .iter()
        .map(|core| Some((core.core, core.steal_ms?)))
        .collect();
    let taken = taken.ok_or_else(|| format!("{FILE}: does not tell"))?;
    let sum: u64 = taken.iter().map(|(_, ms)| ms).sum();
    let cores = taken
        .iter()
        .filter(|(_, ms)| *ms > 0)
        .map(|(core, _)| *core)
        .collect();
    let watched = load
        .cores
        .iter()
        .map(|core| core.elapsed_ns / 1_000_000)
        .sum::<u64>();
    Ok(if sum == 0 {
        Finding::ok("none while measuring")
    } else {
        let text = format!("{sum} ms of {} while measuring", which(&cores));
        let why = "the host below ran something else in our place";
        let state = match (s.strict(), sum * 100 > watched) {
            (true, _) => State::Fail,
            (false, true) => State::Warn,
            (false, false) => State::Ok,
        };
        let found = match state {
            State::Ok => Finding::ok(text),
            _ => Finding::bad(state, text, why),
        };
        found.fix(Fix::hint(
            "ask for dedicated cores, or move to a less crowded host",
        ))
    }
    .seen(FILE, format!("steal {sum} ms")))
}
