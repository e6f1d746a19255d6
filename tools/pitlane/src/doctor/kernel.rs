//! What the kernel and its services do on a core besides our threads.

use super::check::{Finding, Fix, State};
use super::{Subject, list, load, which};
use std::collections::BTreeSet;

/// Interrupts are served by other cores.
pub fn irq_affinity(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    let counts = load::interrupts(&tree.read("/proc/interrupts")?);
    let mut here = Vec::new();
    let (mut files, mut was) = (Vec::new(), Vec::new());
    for number in tree.names("/proc/irq") {
        let folder = format!("/proc/irq/{number}");
        let Some(row) = counts.iter().find(|row| row.name == number) else {
            continue;
        };
        let asked = tree.read(&format!("{folder}/smp_affinity_list"))?;
        // Where it goes; what was asked for may be wider.
        let goes = tree
            .cores(&format!("{folder}/effective_affinity_list"))
            .or_else(|_| tree.cores(&format!("{folder}/smp_affinity_list")))?;
        let fired: u64 = s.pinned.iter().filter_map(|core| row.of(*core)).sum();
        if !goes.is_disjoint(&s.pinned) && fired > 0 {
            here.push(format!("{number} {} ({fired} so far)", row.what));
            files.push(format!("{folder}/smp_affinity_list"));
            was.push(asked);
        }
    }
    let file = "/proc/irq/*/effective_affinity_list";
    Ok(if s.pinned.is_empty() {
        Finding::ok(s.unpinned()).seen(file, "not looked at")
    } else if here.is_empty() {
        Finding::ok(format!("no device interrupts {}", which(&s.pinned))).seen(file, "no device")
    } else {
        let hot = which(&s.pinned);
        let finding = match here.len() {
            1 => format!("1 device interrupts {hot}"),
            n => format!("{n} devices interrupt {hot}"),
        };
        let why = "each interrupt takes some us from the thread";
        s.lack(State::Warn, finding, why)
            .seen(file, few(&here))
            .fix(s.keep_off(|left| Fix::Set {
                files,
                value: list(left),
                was,
            }))
    })
}

fn few(items: &[String]) -> String {
    let shown = items.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match items.len() {
        0..=3 => shown,
        n => format!("{shown} and {} more", n - 3),
    }
}

/// Nothing moves interrupts back.
pub fn irqbalance(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    let Some(id) = tree.process("irqbalance") else {
        tree.sees_processes()?;
        return Ok(Finding::ok("not running").seen("/proc/*/comm", "no irqbalance"));
    };
    let file = format!("/proc/{id}/comm");
    let isolated = s.host.isolated.clone().unwrap_or_default();
    if s.pinned.is_subset(&isolated) && !s.pinned.is_empty() {
        return Ok(Finding::ok("running; it leaves isolated cores alone").seen(file, "irqbalance"));
    }
    let why = "it moves interrupts onto the cores of the map again";
    Ok(s.lack(State::Warn, "running", why)
        .seen(file, "irqbalance")
        .fix(Fix::Run {
            command: "systemctl stop irqbalance".to_owned(),
            undo: Some("systemctl start irqbalance".to_owned()),
        })
        .fix(Fix::hint(format!(
            "or keep it, with IRQBALANCE_BANNED_CPULIST={} in /etc/default/irqbalance",
            list(&s.pinned)
        ))))
}

/// The kernel's own deferred work runs elsewhere.
pub fn workqueues(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/sys/devices/virtual/workqueue/cpumask";
    let text = s.tree().read(FILE)?;
    let mask = cores_of_mask(&text).ok_or_else(|| format!("{FILE}: \"{text}\" is no mask"))?;
    let hot = &mask & &s.pinned;
    Ok(if s.pinned.is_empty() {
        Finding::ok(s.unpinned())
    } else if hot.is_empty() {
        Finding::ok("kept off the cores of the map")
    } else {
        let why = "the kernel's deferred work may run there, some us to some ms";
        s.lack(State::Warn, format!("allowed on {}", which(&hot)), why)
            .fix(s.keep_off(|left| Fix::set(FILE, mask_of_cores(left), text.clone())))
    }
    .seen(FILE, text))
}

/// The cores of `ff` or `3,ffffffff`.
pub fn cores_of_mask(text: &str) -> Option<BTreeSet<usize>> {
    let digits: Vec<char> = text.chars().filter(|c| *c != ',').collect();
    let mut cores = BTreeSet::new();
    for (at, digit) in digits.iter().rev().enumerate() {
        let bits = digit.to_digit(16)?;
        cores.extend(
            (0..4)
                .filter(|bit| bits >> bit & 1 == 1)
                .map(|bit| 4 * at + bit),
        );
    }
    (!digits.is_empty()).then_some(cores)
}

/// The other way round, in groups of 32.
pub fn mask_of_cores(cores: &BTreeSet<usize>) -> String {
    let words = cores.last().map_or(1, |last| last / 32 + 1);
    let word = |at: usize| {
        (0..32)
            .filter(|bit| cores.contains(&(32 * at + bit)))
            .fold(0_u32, |mask, bit| mask | 1 << bit)
    };
    let text: Vec<String> = (0..words)
        .rev()
        .map(|at| {
            if at + 1 == words {
                format!("{:x}", word(at))
            } else {
                format!("{:08x}", word(at))
            }
        })
        .collect();
    text.join(",")
}

/// Lockup detectors stay off the cores.
pub fn watchdog(s: &Subject) -> Result<Finding, String> {
    const NMI: &str = "/proc/sys/kernel/nmi_watchdog";
    const CORES: &str = "/proc/sys/kernel/watchdog_cpumask";
    let tree = s.tree();
    let nmi = tree.number(NMI)?;
    let soft = tree
        .extra("/proc/sys/kernel/soft_watchdog")
        .is_some_and(|on| on == "1");
    let watched = tree.extra(CORES).unwrap_or_default();
    let hot = pitlane_runtime::core_map::parse_core_list(&watched).unwrap_or_default();
    let hot = &hot & &s.pinned;
    let soft_hits = soft && !hot.is_empty();
    let why = "its timer and its thread take the core for some us every few seconds";
    let finding = match (nmi, soft_hits) {
        (0, false) => Finding::ok("off the cores of the map"),
        (0, true) => s.lack(
            State::Warn,
            format!("checks {} for lockups", which(&hot)),
            why,
        ),
        _ => s.lack(State::Warn, "sends interrupts that cannot be masked", why),
    };
    let mut finding = finding
        .seen(NMI, nmi.to_string())
        .seen(CORES, watched.clone());
    if nmi != 0 {
        finding = finding.fix(Fix::set(NMI, "0", nmi.to_string()));
    }
    if soft_hits {
        finding = finding.fix(s.keep_off(|left| Fix::set(CORES, list(left), watched)));
    }
    Ok(finding)
}

/// Statistics of the kernel's memory are folded seldom.
pub fn stat_interval(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/proc/sys/vm/stat_interval";
    let seconds = s.tree().number(FILE)?;
    let text = format!("every {seconds} s");
    Ok(if seconds >= 10 {
        Finding::ok(text)
    } else {
        let why = "so often a worker of the kernel runs on every core that touched memory";
        s.lack(State::Warn, text, why)
            .fix(Fix::set(FILE, "120", seconds.to_string()))
    }
    .seen(FILE, seconds.to_string()))
}

/// System calls are not audited.
pub fn audit(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    if tree
        .boot("audit")?
        .is_some_and(|value| value == "0" || value == "off")
    {
        return Ok(Finding::ok("off since boot").seen("/proc/cmdline", "audit=0"));
    }
    if let Some(id) = tree.process("auditd") {
        let why = "every system call of every thread is looked at";
        return Ok(s
            .lack(State::Warn, "auditd is running", why)
            .seen(format!("/proc/{id}/comm"), "auditd")
            .fix(Fix::boot("audit=0")));
    }
    tree.sees_processes()?;
    Ok(Finding::ok("no auditd").seen("/proc/*/comm", "no auditd"))
}

/// A kernel that has what the engine asks for.
pub fn version(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/proc/sys/kernel/osrelease";
    let text = s.tree().read(FILE)?;
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return Err(format!("{FILE}: \"{text}\" is no version"));
    };
    Ok(if (major, minor) >= (5, 14) {
        Finding::ok(text.clone())
    } else {
        let why =
            "before 5.14 pages cannot be made present ahead, so tick_store.prefault does nothing";
        Finding::bad(State::Warn, text.clone(), why).fix(Fix::hint("install Linux 5.14 or later"))
    }
    .seen(FILE, text))
}
