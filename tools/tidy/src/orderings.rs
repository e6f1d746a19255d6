//! Every memory ordering above `Relaxed` names its partner.

use crate::Finding;
use crate::source;

/// How far above an ordering its `PAIRS:` comment may begin.
const REACH: usize = 8;

/// Orderings whose lines above name no partner.
pub fn unpaired(path: &str, text: &str) -> Vec<Finding> {
    if source::is_test(path) {
        return Vec::new();
    }
    let code = source::production(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut findings = Vec::new();
    for (at, line) in code.lines().enumerate() {
        if line.trim_start().starts_with("use ") || line.trim_start().starts_with("pub use ") {
            continue;
        }
        let strong = source::identifiers(line)
            .map(|(_, word)| word)
            .find(|word| matches!(*word, "Acquire" | "Release" | "AcqRel" | "SeqCst"));
        let Some(ordering) = strong else { continue };
        let paired = lines[at.saturating_sub(REACH)..=at]
            .iter()
            .any(|line| line.contains("PAIRS:"));
        if !paired {
            let what = format!(
                "{ordering} without a `PAIRS:` comment within {REACH} lines above that names its partner"
            );
            findings.push(Finding::new(path, at + 1, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
