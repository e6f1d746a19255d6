//! The kernel's files under a root, read as text, numbers and lists of cores.

use pitlane_runtime::core_map::parse_core_list;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The files; paths are absolute as on the host itself.
pub struct Tree<'a> {
    root: &'a Path,
}

impl<'a> Tree<'a> {
    pub fn new(root: &'a Path) -> Self {
        Self { root }
    }

    /// The text without white space at its ends; the error names file and reason.
    pub fn read(&self, file: &str) -> Result<String, String> {
        self.maybe(file)?.ok_or_else(|| format!("no {file} here"))
    }

    /// The text of a file that need not exist; if it does, it must be readable.
    pub fn maybe(&self, file: &str) -> Result<Option<String>, String> {
        match fs::read_to_string(self.root.join(file.trim_start_matches('/'))) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => Ok(None),
                ErrorKind::PermissionDenied => Err(format!("{file}: only root may read it")),
                _ => Err(format!("{file}: {error}")),
            },
        }
    }

    /// The text of a file that only adds to what others tell.
    pub fn extra(&self, file: &str) -> Option<String> {
        self.read(file).ok()
    }

    pub fn number(&self, file: &str) -> Result<i64, String> {
        let text = self.read(file)?;
        text.parse()
            .map_err(|_| format!("{file}: \"{text}\" is no number"))
    }

    pub fn cores(&self, file: &str) -> Result<BTreeSet<usize>, String> {
        let text = self.read(file)?;
        parse_core_list(&text).ok_or_else(|| format!("{file}: \"{text}\" is no list of cores"))
    }

    /// The names in a folder, in order; none if it cannot be read.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(folder.trim_start_matches('/'))) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }

    /// The value of `name=value` on the kernel's command line, or what stands for a bare `name`: nothing.
    pub fn boot(&self, name: &str) -> Result<Option<String>, String> {
        let line = self.read("/proc/cmdline")?;
        Ok(line.split_ascii_whitespace().rev().find_map(|word| {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            (key == name).then(|| value.to_owned())
        }))
    }

    /// The id of a process of this name.
    pub fn process(&self, name: &str) -> Option<String> {
        let numbers = self.names("/proc").into_iter();
        numbers
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
            .find(|id| {
                self.extra(&format!("/proc/{id}/comm"))
                    .is_some_and(|comm| comm == name)
            })
    }

    /// Whether the processes of the host are seen, as they are not in a container: a thread of the kernel is one.
    pub fn sees_processes(&self) -> Result<(), String> {
        match self.extra("/proc/2/comm") {
            Some(name) if name == "kthreadd" => Ok(()),
            _ => Err("the processes of the host are not seen from here (a container?)".to_owned()),
        }
    }

    /// A field of a file of `name: value` lines.
    pub fn field(&self, file: &str, name: &str) -> Result<String, String> {
        let text = self.read(file)?;
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
            .ok_or_else(|| format!("{file}: no line {name}"))
    }
}
