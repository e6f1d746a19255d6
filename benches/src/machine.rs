//! Where a table was measured, and of what: without it the figures mean nothing.

use serde::{Serialize, Serializer};
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// A machine and a build, as texts; what cannot be read is `unknown`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// What and its value, in the order in which they are printed.
    pub facts: Vec<(&'static str, String)>,
}

impl Machine {
    /// Reads what can be read.
    pub fn read() -> Self {
        let host = pitlane_runtime::os::Machine::read();
        let cpuinfo = text("/proc/cpuinfo");
        let is_virtual = cpuinfo
            .lines()
            .any(|line| line.starts_with("flags") && line.split(' ').any(|it| it == "hypervisor"));
        let flags = if cfg!(target_arch = "x86_64") {
            if is_virtual { "yes" } else { "no" }
        } else {
            ""
        };
        let cores = match pitlane_runtime::os::affinity() {
            Ok(usable) => format!(
                "{} online, {} usable by us",
                host.cores_online,
                usable.len()
            ),
            Err(_) => host.cores_online,
        };
        let facts = [
            ("processor", host.cpu_model),
            ("cores", cores),
            ("virtual", flags.to_owned()),
            ("kernel", host.kernel),
            (
                "clock source",
                text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            ),
            (
                "governor",
                text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            ),
            ("compiler", said("rustc", &["-V"])),
            ("built for", built_for()),
            ("load at start", text("/proc/loadavg")),
            ("commit", commit()),
        ];
        let facts = facts.map(|(name, value)| {
            let known = !value.is_empty();
            (name, if known { value } else { "unknown".to_owned() })
        });
        Self {
            facts: facts.to_vec(),
        }
    }

    /// As a list.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.facts {
            let _ = writeln!(text, "- {name}: {value}");
        }
        text
    }
}

impl Serialize for Machine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.facts.iter().map(|(name, value)| (name, value)))
    }
}

/// The architecture, and the instruction sets beyond its least that this program was built with.
pub fn built_for() -> String {
    let mut text = std::env::consts::ARCH.to_owned();
    let wider = [
        (cfg!(target_feature = "sse4.2"), "sse4.2"),
        (cfg!(target_feature = "avx2"), "avx2"),
        (cfg!(target_feature = "bmi2"), "bmi2"),
        (cfg!(target_feature = "avx512f"), "avx512f"),
    ];
    for (_, name) in wider.iter().filter(|(is_on, _)| *is_on) {
        text.push('+');
        text.push_str(name);
    }
    text
}

/// Page faults of the calling thread so far, small and large; `None` where the system does not say.
pub fn thread_faults() -> Option<u64> {
    let stat = fs::read_to_string("/proc/thread-self/stat").ok()?;
    // The command name in brackets may hold spaces and brackets; faults are the 10th and 12th field of the line.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let small: u64 = fields.nth(7)?.parse().ok()?;
    let large: u64 = fields.nth(1)?.parse().ok()?;
    Some(small + large)
}

fn text(path: &str) -> String {
    fs::read_to_string(path).map_or(String::new(), |text| text.trim().to_owned())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or(String::new(), |it| {
        String::from_utf8_lossy(&it.stdout).trim().to_owned()
    })
}

fn commit() -> String {
    let mut commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    if !commit.is_empty() && !said("git", &["status", "--porcelain", "-uno"]).is_empty() {
        commit.push_str(" with changes");
    }
    commit
}

#[cfg(test)]
mod tests {
    use super::thread_faults;

    #[test]
    fn a_touched_page_is_a_fault() {
        let Some(before) = thread_faults() else {
            eprintln!("skipped: this system does not count the faults of a thread");
            return;
        };
        let mut memory = vec![0_u8; 64 << 20];
        for page in memory.chunks_mut(4096) {
            page[0] = 1;
        }
        assert!(std::hint::black_box(&memory).len() > 1);
        // large pages may serve many at once
        assert!(thread_faults().is_some_and(|after| after > before));
    }
}
