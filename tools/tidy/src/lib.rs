//! Checks of the repository itself.
//!
//! Each check is a function from text to findings, with tests that show it a violation.
//! `tests/repository.rs` runs all of them over the tree; it is the only place that reads files.
#![forbid(unsafe_code)]

pub mod source;
pub mod crates;
pub mod modules;
pub mod orderings;
pub mod facilities;
pub mod files;
pub mod docs;

use std::fmt;

/// One thing that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// File, relative to the workspace.
    pub path: String,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl Finding {
    /// A finding at a line.
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}
