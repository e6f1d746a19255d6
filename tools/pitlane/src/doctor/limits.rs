//! What this process may have of the machine.

use super::check::{Finding, Fix, State};
use super::tree::Tree;
use super::{Subject, list};

/// The cores this process may run on.
pub fn cpuset(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/proc/self/status";
    let allowed = s.tree().field(FILE, "Cpus_allowed_list")?;
    let text = format!("{} of {}", list(&s.host.allowed), list(&s.host.online));
    // Cores of the map that are not allowed are faults of the map, and told there.
    Ok(Finding::ok(format!("cores {text} are allowed")).seen(FILE, allowed))
}

/// A part of a core per period, after which every thread stands still.
struct Quota {
    file: String,
    text: String,
    budget_us: u64,
    period_us: u64,
    throttled: Option<u64>,
    /// What means "no quota" in that file.
    none: &'static str,
}

/// No quota stops the threads in the middle of their work.
pub fn quota(s: &Subject) -> Result<Finding, String> {
    let tree = s.tree();
    let groups = tree.read("/proc/self/cgroup")?;
    let mounts = tree.read("/proc/self/mountinfo")?;
    let mut quotas = Vec::new();
    let mut looked_at = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let second = controllers.is_empty();
        if !second && !controllers.split(',').any(|name| name == "cpu") {
            continue;
        }
        for folder in folders(&mounts, second, path) {
            let file = format!(
                "{folder}/{}",
                if second {
                    "cpu.max"
                } else {
                    "cpu.cfs_quota_us"
                }
            );
            if let Some(quota) = read_quota(&tree, &folder, &file, second) {
                quotas.push(quota);
            }
            looked_at.push(file);
        }
    }
    let tightest = quotas
        .into_iter()
        .min_by_key(|quota| quota.budget_us * 1_000 / quota.period_us.max(1));
    let Some(quota) = tightest else {
        let file = looked_at
            .first()
            .map_or("/proc/self/cgroup", String::as_str);
        return Ok(Finding::ok("none").seen(file, "no quota"));
    };
    let hundredths = quota.budget_us * 100 / quota.period_us.max(1);
    let throttled = quota
        .throttled
        .map_or(String::new(), |n| format!(", reached {n} times so far"));
    let text = format!(
        "{}.{:02} cores{throttled}",
        hundredths / 100,
        hundredths % 100
    );
    let why =
        "when it is used up, every thread stands still for the rest of the period, tens of ms";
    let state = if s.strict() { State::Fail } else { State::Warn };
    Ok(Finding::bad(state, text, why)
        .seen(&quota.file, &quota.text)
        .fix(Fix::set(&quota.file, quota.none, quota.text.clone()))
        .fix(Fix::hint("or at its source: docker run without --cpus, a pod without cpu limits, CPUQuota= of the unit")))
}

/// The folders of our group and of those above it.
fn folders(mounts: &str, second: bool, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in mounts.lines() {
        let Some((head, tail)) = line.split_once(" - ") else {
            continue;
        };
        let head: Vec<&str> = head.split(' ').collect();
        let tail: Vec<&str> = tail.split(' ').collect();
        let (Some(&root), Some(&point), Some(&kind), Some(&options)) =
            (head.get(3), head.get(4), tail.first(), tail.last())
        else {
            continue;
        };
        let ours = if second {
            kind == "cgroup2"
        } else {
            kind == "cgroup" && options.split(',').any(|option| option == "cpu")
        };
        if !ours {
            continue;
        }
        // In a container the mount may begin at our own group.
        let below = path.strip_prefix(root.trim_end_matches('/')).unwrap_or("");
        let mut below = below.trim_end_matches('/').to_owned();
        loop {
            found.push(format!("{point}{below}"));
            let Some((above, _)) = below.rsplit_once('/') else {
                break;
            };
            below = above.to_owned();
        }
    }
    found
}

fn read_quota(tree: &Tree<'_>, folder: &str, file: &str, second: bool) -> Option<Quota> {
    let text = tree.extra(file)?;
    let (quota, period) = if second {
        let (quota, period) = text.split_once(' ')?;
        (quota.parse().ok()?, period.parse().ok()?)
    } else {
        let period = tree.number(&format!("{folder}/cpu.cfs_period_us")).ok()?;
        // minus one stands for no quota, and is no u64
        (text.parse().ok()?, u64::try_from(period).ok()?)
    };
    let stat = tree
        .extra(&format!("{folder}/cpu.stat"))
        .unwrap_or_default();
    let throttled = stat
        .lines()
        .find_map(|line| line.strip_prefix("nr_throttled ")?.parse().ok());
    Some(Quota {
        file: file.to_owned(),
        text,
        budget_us: quota,
        period_us: period,
        throttled,
        none: if second { "max" } else { "-1" },
    })
}

/// Whether threads may ask for real-time priority; told, not judged, because the engine asks for none.
pub fn priority(s: &Subject) -> Result<Finding, String> {
    /// The bit of `CAP_SYS_NICE`.
    const SYS_NICE: u32 = 23;
    let tree = s.tree();
    let limits = tree.read("/proc/self/limits")?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max realtime priority"));
    let soft = line
        .and_then(|line| line.split_ascii_whitespace().next())
        .unwrap_or("?");
    let mask = tree.field("/proc/self/status", "CapEff")?;
    let may = u64::from_str_radix(&mask, 16).is_ok_and(|mask| mask >> SYS_NICE & 1 == 1);
    let capable = if may {
        "CAP_SYS_NICE"
    } else {
        "no CAP_SYS_NICE"
    };
    Ok(
        Finding::ok(format!("limit {soft}, {capable}; the engine needs neither"))
            .seen("/proc/self/limits", soft)
            .seen("/proc/self/status", format!("CapEff {mask}")),
    )
}

/// Real-time threads are stopped for a while; told, not judged, because the engine has none.
pub fn rt_throttling(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/proc/sys/kernel/sched_rt_runtime_us";
    let runtime = s.tree().number(FILE)?;
    let text = if runtime < 0 {
        "off".to_owned()
    } else {
        let period = s.tree().number("/proc/sys/kernel/sched_rt_period_us")?;
        format!("{runtime} of {period} us; the engine has no such threads")
    };
    Ok(Finding::ok(text).seen(FILE, runtime.to_string()))
}
