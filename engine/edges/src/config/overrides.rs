//! Environment variables that override keys: `PITLANE__STORAGE__COMMIT_ROWS=500` is `commit_rows = 500` in `[storage]`.

use std::collections::BTreeMap;

/// What every overriding variable begins with.
pub const PREFIX: &str = "PITLANE__";

/// The overriding variables and their values.
#[derive(Clone, Default, Debug)]
pub struct Overrides {
    variables: BTreeMap<String, String>,
}

impl Overrides {
    /// No overrides.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of the process's environment. Values that are not Unicode are passed on with replacement characters and
    /// so fail as the wrong value they are.
    pub fn from_env() -> Self {
        let texts = std::env::vars_os().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        });
        Self::from_pairs(texts)
    }

    /// Those among the given variables.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: pairs
                .into_iter()
                .filter(|(name, _)| name.starts_with(PREFIX))
                .collect(),
        }
    }

    /// The variable that overrides a key, given with its section: `storage.commit_rows`.
    pub fn name_of(key: &str) -> String {
        format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
    }

    pub(super) fn get(&self, variable: &str) -> Option<&str> {
        self.variables.get(variable).map(String::as_str)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}
