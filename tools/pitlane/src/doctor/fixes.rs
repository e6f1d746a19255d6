//! The mends as one shell script: what can be set while the machine runs, each with what undoes it.

use super::check::{Check, Fix, State};
use super::{Subject, which};
use std::collections::BTreeSet;

/// A script for `sh` as root. A line that is no comment is a command; `# undo: ` before the next command is what
/// undoes it, `# boot: ` are words for the kernel's command line, `# config: ` and `# do: ` are for a person.
pub fn script(subject: &Subject, checks: &[Check]) -> String {
    let mut text = String::new();
    // Names of files may hold anything; a line stays one line.
    let mut line = |line: &str| {
        text.push_str(&line.replace(char::is_control, "?"));
        text.push('\n');
    };
    line("#!/bin/sh");
    line(&format!(
        "# What mends this host for {}: {}.",
        which(&subject.cores()),
        subject.map
    ));
    line("# Commands hold until the next boot.");
    let mut boot = BTreeSet::new();
    for check in checks
        .iter()
        .filter(|check| check.found.state >= State::Warn)
    {
        let found = &check.found;
        let why = if found.why.is_empty() {
            String::new()
        } else {
            format!("; {}", found.why)
        };
        line("");
        line(&format!("# {}: {}{why}", check.id, found.what));
        for fix in &found.fixes {
            match fix {
                Fix::Set { files, value, was } => {
                    for (file, was) in files.iter().zip(was) {
                        line(&format!("echo '{value}' > {file}"));
                        line(&format!("# undo: echo '{was}' > {file}"));
                    }
                }
                Fix::Run { command, undo } => {
                    line(command);
                    if let Some(undo) = undo {
                        line(&format!("# undo: {undo}"));
                    }
                }
                Fix::Boot { words } => {
                    boot.insert(words.as_str());
                    line(&format!("# needs a reboot: {words}"));
                }
                Fix::Config { text: what } | Fix::Hint { text: what } => {
                    line(&format!("# {}: {what}", fix.label()));
                }
            }
        }
    }
    if !boot.is_empty() {
        let words: Vec<&str> = boot.into_iter().collect();
        line("");
        line(&format!("# boot: {}", words.join(" ")));
    }
    text
}
