//! What can be seen of an engine at one moment: its page, its process, its threads as the kernel lists them.

use super::find::{self, Target};
use anyhow::Context;
use pitlane_lockfree::counters::{DistinctError, PageReader, Snapshot, Value};
use pitlane_runtime::beat;
use pitlane_runtime::clock::{Anchor, Clock};
use pitlane_runtime::os::TaskSample;
use pitlane_runtime::os::process::{self, Placement, Process};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// One look at an engine.
#[derive(Clone, Debug)]
pub struct Look {
    /// When, on all three clocks of this machine.
    pub at: Anchor,
    /// Its process.
    pub life: Life,
    /// Its threads by their kernel id; those that live.
    pub tasks: BTreeMap<u32, Task>,
    /// Its page.
    pub page: Snapshot,
    /// Distinct errors, in the order in which they came.
    pub errors: Vec<DistinctError>,
    /// Errors for which the page had no room.
    pub errors_beyond: u64,
}

/// What has become of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It is there.
    Runs,
    /// It is there, and a signal holds it.
    Stopped,
    /// It is not there, or not where we can see it.
    Gone,
}

/// A thread as the kernel lists it.
#[derive(Clone, Debug)]
pub struct Task {
    /// What the scheduler says.
    pub sample: TaskSample,
    /// The core it ran on last.
    pub core: usize,
    /// Where it may run; `None` where the kernel does not say.
    pub placement: Option<Placement>,
}

/// Looks at one page again and again.
pub struct Watcher {
    path: PathBuf,
    pid: Option<u32>,
    clock: Clock,
    reader: PageReader,
    inode: u64,
    /// The process that was found to write the page: its id and when it was started.
    writer: Option<(u32, u64)>,
}

impl Watcher {
    /// Opens a page; fails when it is none.
    pub fn open(target: &Target) -> anyhow::Result<Self> {
        let (reader, inode) = open(&target.page)?;
        Ok(Self {
            path: target.page.clone(),
            pid: target.pid,
            clock: Clock::new(),
            reader,
            inode,
            writer: None,
        })
    }

    /// The file of the page.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The clock of the looks.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Looks. An engine that was started anew in the same folder has a new page; from then on it is watched.
    pub fn look(&mut self) -> Look {
        if inode_of(&self.path).is_ok_and(|inode| inode != self.inode)
            && let Ok((reader, inode)) = open(&self.path)
        {
            (self.reader, self.inode) = (reader, inode);
            // Whoever was found by its process has left.
            (self.pid, self.writer) = (None, None);
        }
        let page = self.reader.snapshot();
        let (errors, errors_beyond) = self.reader.errors();
        let at = self.clock.anchor();
        let pid = self.pid.unwrap_or(page.pid);
        let life = self.life(pid, &page);
        let tasks = if life == Life::Gone {
            BTreeMap::new()
        } else {
            tasks(pid, &page)
        };
        Look {
            at,
            life,
            tasks,
            page,
            errors,
            errors_beyond,
        }
    }

    /// What has become of the process that writes the page. Its mappings are looked at until they have shown once that
    /// it is the one; from then on it is known by its start.
    fn life(&mut self, pid: u32, page: &Snapshot) -> Life {
        let Some(found) = process::process(pid).filter(Process::lives) else {
            return Life::Gone;
        };
        let who = (pid, found.started_boot_ns);
        if self.writer != Some(who) {
            if !writes(pid, &found, self.inode, page) {
                return Life::Gone;
            }
            self.writer = Some(who);
        }
        match found.state {
            'T' | 't' => Life::Stopped,
            _ => Life::Runs,
        }
    }
}

fn open(path: &Path) -> anyhow::Result<(PageReader, u64)> {
    let reader = PageReader::open(path).with_context(|| {
        format!(
            "cannot read the counters page of an engine; top wants the {} of one",
            find::PAGE
        )
    })?;
    let inode = inode_of(path).with_context(|| format!("cannot look at {}", path.display()))?;
    Ok((reader, inode))
}

fn inode_of(path: &Path) -> std::io::Result<u64> {
    std::fs::metadata(path).map(|file| file.ino())
}

/// Whether this process writes the page: it has it mapped. Where we may not see its mappings, it must be older than
/// the page and have one of its threads.
fn writes(pid: u32, found: &Process, inode: u64, page: &Snapshot) -> bool {
    /// A wall clock may have been set between the start of the process and now.
    const SLACK_NS: i64 = 2_000_000_000;
    let Some(files) = process::mapped_files(pid) else {
        let older = found.started_wall_ns <= page.start_wall_ns.saturating_add(SLACK_NS);
        return older && tids(page).any(|tid| process::task_of(pid, tid).is_some());
    };
    let is_ours =
        |file: &process::Mapped| file.writes && file.inode == inode && find::is_page(&file.path);
    files.iter().any(is_ours)
}

/// The kernel's ids of all threads on a page.
fn tids(page: &Snapshot) -> impl Iterator<Item = u32> {
    page.entries
        .iter()
        .filter(|entry| entry.label == beat::TID.label)
        .filter_map(|entry| match entry.value {
            Value::Gauge(tid) => u32::try_from(tid).ok(),
            _ => None,
        })
}

fn tasks(pid: u32, page: &Snapshot) -> BTreeMap<u32, Task> {
    tids(page)
        .filter_map(|tid| {
            let (sample, core) = process::task_of(pid, tid)?;
            let placement = process::placement(pid, tid);
            let task = Task {
                sample,
                core,
                placement,
            };
            Some((tid, task))
        })
        .collect()
}
