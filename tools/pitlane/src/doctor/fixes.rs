//! The mends as one shell script: what can be set while the machine runs, each with what undoes it.

use super::check::{Check, Fix, State};
use super::{Subject, which};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A script for `sh` as root. A line that is no comment is a command; `# undo: ` before the next command is what
/// undoes it, `# boot: ` are words for the kernel's command line, `# config: ` and `# do: ` are for a person.
pub fn script(subject: &Subject, checks: &[Check]) -> String {
    let mut text = format!(
        "#!/bin/sh\n# What mends this host for {}: {}.\n# Commands hold until the next boot.\n",
        which(&subject.cores()),
        subject.map
    );
    let mut boot = BTreeSet::new();
    for check in checks
        .iter()
        .filter(|check| check.found.state >= State::Warn)
    {
        let found = &check.found;
        write!(text, "\n# {}: {}", check.id, found.what).ok();
        if !found.why.is_empty() {
            write!(text, "; {}", found.why).ok();
        }
        text.push('\n');
        for fix in &found.fixes {
            match fix {
                Fix::Set { files, value, was } => {
                    for (file, was) in files.iter().zip(was) {
                        writeln!(
                            text,
                            "echo '{value}' > {file}\n# undo: echo '{was}' > {file}"
                        )
                        .ok();
                    }
                }
                Fix::Run { command, undo } => {
                    writeln!(text, "{command}").ok();
                    if let Some(undo) = undo {
                        writeln!(text, "# undo: {undo}").ok();
                    }
                }
                Fix::Boot { words } => {
                    boot.insert(words.as_str());
                    writeln!(text, "# needs a reboot: {words}").ok();
                }
                Fix::Config { text: what } | Fix::Hint { text: what } => {
                    writeln!(text, "# {}: {what}", fix.label()).ok();
                }
            }
        }
    }
    if !boot.is_empty() {
        let words: Vec<&str> = boot.into_iter().collect();
        writeln!(text, "\n# boot: {}", words.join(" ")).ok();
    }
    text
}
