//! The order of modules inside `domain`: data flows downwards, and a module imports only those above it.

use crate::Finding;
use crate::source;

/// The modules in the order in which a crate root declares them.
pub fn declared(root: &str) -> Vec<String> {
    source::production(root)
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            let line = line.strip_prefix("pub ").unwrap_or(line);
            Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
        })
        .collect()
}

/// Imports of modules that stand below the importing one. `path` is relative to the crate's `src`.
pub fn upward_imports(path: &str, text: &str, order: &[String]) -> Vec<Finding> {
    let own = path
        .split('/')
        .next()
        .unwrap_or(path)
        .trim_end_matches(".rs");
    let Some(rank) = order.iter().position(|name| name == own) else {
        return Vec::new(); // the crate root
    };
    let code = source::production(text);
    let mut findings = Vec::new();
    for (number, name) in source::paths(&code, "crate") {
        if order
            .iter()
            .position(|known| *known == name)
            .is_some_and(|at| at > rank)
        {
            let what =
                format!("{own} imports {name}, which stands below it in the order of lib.rs");
            findings.push(Finding::new(path, number, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
