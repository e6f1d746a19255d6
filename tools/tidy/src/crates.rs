//! Which crate may import which, and that every crate takes the workspace's lints.

use crate::Finding;

/// Our crates and those of ours they may depend on, for any purpose.
const ARROWS: [(&str, &[&str]); 10] = [
    ("pitlane-domain", &[]),
    ("pitlane-lockfree", &[]),
    ("pitlane-runtime", &["pitlane-lockfree"]),
    (
        "pitlane-edges",
        &["pitlane-runtime", "pitlane-lockfree", "pitlane-domain"],
    ),
    (
        "pitlane-app",
        &[
            "pitlane-edges",
            "pitlane-runtime",
            "pitlane-lockfree",
            "pitlane-domain",
        ],
    ),
    ("pitlane-venue", &["pitlane-edges", "pitlane-domain"]),
    (
        "pitlane",
        &[
            "pitlane-app",
            "pitlane-edges",
            "pitlane-runtime",
            "pitlane-lockfree",
            "pitlane-domain",
            "pitlane-venue",
        ],
    ),
    ("pitlane-tidy", EVERYONE),
    ("pitlane-fuzz", EVERYONE),
    ("pitlane-benches", EVERYONE),
];

const EVERYONE: &[&str] = &[
    "pitlane-app",
    "pitlane-edges",
    "pitlane-runtime",
    "pitlane-lockfree",
    "pitlane-domain",
];

/// Crates that hold no unsafe code at all.
const SAFE: [&str; 8] = [
    "engine/domain/",
    "engine/edges/",
    "engine/app/",
    "tools/pitlane/",
    "tools/tidy/",
    "tools/fuzz/",
    "tools/venue/",
    "benches/",
];

/// Arrows between our crates that the house does not have.
pub fn arrows(name: &str, dependencies: &[String]) -> Vec<Finding> {
    let manifest = format!("the manifest of {name}");
    let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
        let what = "a new crate: give it its arrows in tools/tidy/src/crates.rs";
        return vec![Finding::new(&manifest, 0, what)];
    };
    dependencies
        .iter()
        .filter(|to| to.starts_with("pitlane") && !allowed.contains(&to.as_str()))
        .map(|to| Finding::new(&manifest, 0, format!("{name} must not import {to}")))
        .collect()
}

/// A manifest that does not take the workspace's lints.
pub fn lints(path: &str, manifest: &str) -> Vec<Finding> {
    let mut lines = manifest.lines().map(str::trim);
    let inherits = lines.any(|line| line == "[lints]") && lines.next() == Some("workspace = true");
    let ours = manifest.contains("[package]");
    if ours && !inherits {
        let what = "take the workspace's lints: [lints] workspace = true";
        return vec![Finding::new(path, 0, what)];
    }
    Vec::new()
}

/// A crate root that should forbid unsafe code and does not.
pub fn forbids_unsafe(path: &str, text: &str) -> Vec<Finding> {
    let root = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
    let safe = SAFE.iter().any(|room| path.starts_with(room));
    if root && safe && !text.contains("#![forbid(unsafe_code)]") {
        let what = "this crate says #![forbid(unsafe_code)]";
        return vec![Finding::new(path, 1, what)];
    }
    Vec::new()
}

#[cfg(test)]
mod tests;
