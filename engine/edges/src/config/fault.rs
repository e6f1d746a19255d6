//! What is wrong with a configuration, and where it stands.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a value was written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// In a file; line and column count from 1, columns in characters.
    File {
        /// The file as it was named.
        path: Arc<str>,
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// In an environment variable of this name.
    Variable(Arc<str>),
    /// Nowhere: the default holds.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{path}:{line}:{column}"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Default => write!(f, "default"),
        }
    }
}

/// A value with the place it was written at. Two are equal if their values are.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Located<T> {
    /// A value that was written nowhere.
    pub fn by_default(value: T) -> Self {
        Self {
            value,
            place: Place::Default,
        }
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// The key with its section, such as `storage.commit_rows`; empty if the text itself is not TOML.
    pub key: String,
    /// What is wrong, and what would be legal.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.place, self.what)
        } else {
            write!(f, "{}: {}: {}", self.place, self.key, self.what)
        }
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
    /// The file was read and is wrong: every fault found, in the order of the file. Never empty.
    Invalid(Vec<Fault>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Invalid(faults) => {
                for (at, fault) in faults.iter().enumerate() {
                    let end = if at == 0 { "" } else { "\n" };
                    write!(f, "{end}{fault}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// `; did you mean "x"?` if one of the legal words is near the written one.
pub(super) fn did_you_mean<'a>(
    written: &str,
    legal: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let lower = written.to_lowercase();
    legal
        .into_iter()
        .map(|word| {
            (
                strsim::damerau_levenshtein(&lower, &word.to_lowercase()),
                word,
            )
        })
        .filter(|(distance, word)| *distance <= 1 + word.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| format!("; did you mean \"{word}\"?"))
}
