//! Memory that stays where it is.

use super::Subject;
use super::check::{Finding, Fix, State};

/// No page of the engine goes to a disk.
pub fn swap(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/proc/swaps";
    let tree = s.tree();
    let text = tree.read(FILE)?;
    let areas: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_ascii_whitespace().next())
        .collect();
    let swappiness = tree.extra("/proc/sys/vm/swappiness").unwrap_or_default();
    Ok(if areas.is_empty() {
        Finding::ok("none").seen(FILE, "empty")
    } else {
        let names = areas.join(", ");
        let why = "a page that was swapped out costs ms when it is touched again";
        s.lack(
            State::Warn,
            format!("on {names}, swappiness {swappiness}"),
            why,
        )
        .seen(FILE, names)
        .seen("/proc/sys/vm/swappiness", swappiness)
        .fix(Fix::Run {
            command: "swapoff -a".to_owned(),
            undo: Some("swapon -a".to_owned()),
        })
    })
}

/// The kernel does not rearrange pages behind our back.
pub fn thp(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/sys/kernel/mm/transparent_hugepage/enabled";
    let Some(text) = s.tree().maybe(FILE)? else {
        return Ok(Finding::ok("kernel without transparent huge pages").seen(FILE, "not there"));
    };
    let chosen = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(word, _)| word);
    Ok(match chosen {
        "" => return Err(format!("{FILE}: \"{text}\" has no choice in brackets")),
        "always" => {
            let why =
                "the kernel gathers pages into large ones while threads use them, and they wait";
            s.lack(State::Warn, "always", why)
                .fix(Fix::set(FILE, "madvise", "always"))
        }
        word => Finding::ok(word),
    }
    .seen(FILE, text.clone()))
}

/// Pages stay on their node.
pub fn numa_balancing(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/proc/sys/kernel/numa_balancing";
    let tree = s.tree();
    let Some(text) = tree.maybe(FILE)? else {
        return Ok(Finding::ok("kernel without it").seen(FILE, "not there"));
    };
    let nodes = tree.names("/sys/devices/system/node");
    let nodes = nodes.iter().filter(|name| name.starts_with("node")).count();
    Ok(if text == "0" {
        Finding::ok("off")
    } else if nodes < 2 {
        Finding::ok("on, and there is one node only")
    } else {
        let why = "the kernel takes pages away to see who uses them; each costs a page fault";
        s.lack(State::Warn, "on", why)
            .fix(Fix::set(FILE, "0", text.clone()))
    }
    .seen(FILE, text))
}

/// How much may be locked; told, not judged, because the engine locks nothing.
pub fn memlock(s: &Subject) -> Result<Finding, String> {
    const FILE: &str = "/proc/self/limits";
    let text = s.tree().read(FILE)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max locked memory"));
    let soft = line.and_then(|line| line.split_ascii_whitespace().next());
    let Some(soft) = soft else {
        return Err(format!("{FILE}: no line Max locked memory"));
    };
    Ok(Finding::ok(format!("{soft} bytes; the engine locks none")).seen(FILE, soft))
}
