//! What any file may not be or say: too long, too large, unfinished, or tied to one machine.

use crate::Finding;

/// Longest file, in lines, that needs no reason.
pub const LINES_MAX: usize = 800;
/// Largest file outside the bundled sample.
pub const BYTES_MAX: usize = 1 << 20;
/// Where the bundled sample lies.
pub const SAMPLE: &str = "tools/pitlane/sample/";

/// How many lines from the top the reason of a long file must stand.
const HEAD: usize = 20;

/// Source files past the budget that do not say why.
pub fn length(path: &str, text: &str) -> Vec<Finding> {
    let code = [".rs", ".py", ".sh"]
        .iter()
        .any(|suffix| path.ends_with(suffix));
    let lines = text.lines().count();
    let reason = format!("longer than {LINES_MAX} lines: ");
    let excused = text.lines().take(HEAD).any(|line| {
        line.split_once(&reason)
            .is_some_and(|(_, why)| why.len() > 10)
    });
    if code && lines > LINES_MAX && !excused {
        let what = format!(
            "{lines} lines: move the second idea out, or say at its head `// {reason}<reason>`"
        );
        return vec![Finding::new(path, lines, what)];
    }
    Vec::new()
}

/// Blobs that do not belong in a repository.
pub fn size(path: &str, bytes: usize) -> Vec<Finding> {
    if bytes > BYTES_MAX && !path.starts_with(SAMPLE) {
        let what = format!("{bytes} bytes; only the bundled sample may be above {BYTES_MAX}");
        return vec![Finding::new(path, 0, what)];
    }
    Vec::new()
}

/// Marks of unfinished work, and tests switched off. Written in halves, so that this file passes its own check.
const UNFINISHED: [&str; 5] = [
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("db", "g!("),
];

/// A test that is not run. The one reason to have it: another test starts it as a process of its own.
const SWITCHED_OFF: &str = concat!("#[ig", "nore");
const OTHER_HALF: &str = " = \"the other half of ";

/// Folders that exist on one machine only.
const MACHINE: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("C:\\Us", "ers"),
];

/// Unfinished work and paths of one machine.
pub fn words(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for mark in UNFINISHED {
            if line.contains(mark) {
                findings.push(Finding::new(path, at + 1, format!("unfinished: `{mark}`")));
            }
        }
        if let Some((_, rest)) = line.split_once(SWITCHED_OFF)
            && !is_other_half(rest, text)
        {
            let what = format!(
                "a test switched off; only a process that another test of this file starts may say \
                 `{SWITCHED_OFF}{OTHER_HALF}<that test>\"]`"
            );
            findings.push(Finding::new(path, at + 1, what));
        }
        for folder in MACHINE {
            if starts_a_path(line, folder) {
                let what = format!("a path of one machine: `{folder}`");
                findings.push(Finding::new(path, at + 1, what));
            }
        }
    }
    findings
}

fn is_other_half(reason: &str, text: &str) -> bool {
    let test = reason
        .strip_prefix(OTHER_HALF)
        .and_then(|rest| rest.split_once('"'));
    test.is_some_and(|(name, _)| text.contains(&format!("fn {name}()")))
}

/// Whether the folder stands in the line as the head of a path, not inside a longer one.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '}' | '~'))
    })
}

#[cfg(test)]
mod tests;
