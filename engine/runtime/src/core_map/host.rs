//! The cores of this machine and which of them are ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::os;

/// Cores of isolated cpuset partitions, of the second version of control groups.
const PARTITIONS: &str = "sys/fs/cgroup/cpuset.cpus.isolated";

/// What the kernel says about the cores. Built by hand in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Cores that could exist.
    pub possible: BTreeSet<usize>,
    /// Cores that run.
    pub online: BTreeSet<usize>,
    /// Cores this process may use.
    pub allowed: BTreeSet<usize>,
    /// Cores kept free of other work; the reason when that cannot be read.
    pub isolated: Result<BTreeSet<usize>, String>,
    /// Cores without the scheduler's tick while one thread runs; the reason when not readable.
    pub nohz_full: Result<BTreeSet<usize>, String>,
}

impl Host {
    /// Asks the kernel. Call it before any thread is pinned: the answer to "allowed" is the
    /// calling thread's own mask.
    pub fn read() -> Self {
        Self::under(Path::new("/"), os::affinity().unwrap_or_default())
    }

    /// The same from the files under another root, for a process that may use `allowed`.
    pub fn under(root: &Path, allowed: BTreeSet<usize>) -> Self {
        let list = |name: &str| read_list(root, &format!("sys/devices/system/cpu/{name}"));
        Self {
            // Without /sys only our own mask is known; it is the safe answer to both questions.
            possible: list("possible").unwrap_or_else(|_| allowed.clone()),
            online: list("online").unwrap_or_else(|_| allowed.clone()),
            isolated: list("isolated").map(|mut isolated| {
                // Partitions made since boot are listed here and, on older kernels, nowhere else.
                isolated.extend(read_list(root, PARTITIONS).unwrap_or_default());
                isolated
            }),
            nohz_full: list("nohz_full"),
            allowed,
        }
    }

    /// Cores that run and that this process may use.
    pub fn usable(&self) -> BTreeSet<usize> {
        self.online.intersection(&self.allowed).copied().collect()
    }
}

fn read_list(root: &Path, file: &str) -> Result<BTreeSet<usize>, String> {
    let text = fs::read_to_string(root.join(file)).map_err(|error| format!("/{file}: {error}"))?;
    parse_core_list(text.trim()).ok_or_else(|| format!("/{file}: \"{}\" is no list", text.trim()))
}

/// Reads the kernel's way of listing cores: `0-3,8,10-11`; `(null)` and nothing are the empty list.
pub fn parse_core_list(text: &str) -> Option<BTreeSet<usize>> {
    let mut cores = BTreeSet::new();
    if text.is_empty() || text == "(null)" {
        return Some(cores);
    }
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        // the bound keeps a damaged line from filling memory
        if first > last || last >= 1 << 16 {
            return None;
        }
        cores.extend(first..=last);
    }
    Some(cores)
}
