//! Which engine to watch: by folder, by page, by process, or the only one that runs.

use crate::exit;
use anyhow::{Context, anyhow, bail};
use pitlane_lockfree::counters::PageReader;
use pitlane_runtime::os::process;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Name of the page's file in the folder of stats.
pub const PAGE: &str = "counters.page";

/// A page, and the process that writes it if it was found by that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The file.
    pub page: PathBuf,
    /// The process as this machine numbers it; the page's own number may be that of a container.
    pub pid: Option<u32>,
}

/// Whether a mapped file is a page by its name.
pub fn is_page(path: &str) -> bool {
    path.rsplit('/').next() == Some(PAGE)
}

/// The engine that was asked for.
pub fn find(place: Option<&Path>, pid: Option<u32>) -> anyhow::Result<Target> {
    match (place, pid) {
        (Some(place), _) => in_place(place),
        (None, Some(pid)) => of_process(pid),
        (None, None) => the_only_one(),
    }
}

/// A page file, the folder it lies in, or the folder above that.
fn in_place(place: &Path) -> anyhow::Result<Target> {
    let found = |page: PathBuf| Ok(Target { page, pid: None });
    if place.is_file() {
        return found(place.to_owned());
    }
    if !place.is_dir() {
        let what = if place.exists() {
            "neither a folder nor a file"
        } else {
            "there is no such folder or file"
        };
        bail!(
            "{}: {what}; top wants the stats folder of an engine, or the folder given to --out",
            place.display()
        );
    }
    match beneath(place)? {
        Some(page) => found(page),
        None => bail!(
            "{}: no {PAGE} here and none in stats/; top wants the stats folder of an engine ([stats] dir), or the folder \
             given to --out",
            place.display()
        ),
    }
}

/// The page in a folder, or in its folder of stats. Not to be allowed to look is an error.
fn beneath(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    for page in [folder.join(PAGE), folder.join("stats").join(PAGE)] {
        if page
            .try_exists()
            .with_context(|| format!("cannot look for {}", page.display()))?
            && page.is_file()
        {
            return Ok(Some(page));
        }
    }
    Ok(None)
}

/// The page that a process writes.
fn of_process(pid: u32) -> anyhow::Result<Target> {
    if process::process(pid).is_none() {
        return Err(anyhow!(
            "there is no process {pid}; for an engine that is dead, name its stats folder"
        ));
    }
    // The mappings of the kernel's own threads, and of somebody else's processes, look empty.
    let files = process::mapped_files(pid).filter(|files| !files.is_empty());
    let Some(files) = files else {
        bail!(
            "the mappings of process {pid} cannot be read, perhaps it is another user's; name its stats folder instead"
        );
    };
    written_page(pid, &files).ok_or_else(|| {
        anyhow!("process {pid} is no engine: it writes no {PAGE}; pitlane top without arguments finds those that do")
    })
}

fn written_page(pid: u32, files: &[process::Mapped]) -> Option<Target> {
    let file = files
        .iter()
        .find(|file| file.writes && is_page(&file.path))?;
    let own = PathBuf::from(&file.path);
    let through = PathBuf::from(format!("/proc/{pid}/root{}", file.path));
    let page = if own.is_file() { own } else { through };
    Some(Target {
        page,
        pid: Some(pid),
    })
}

/// Every engine of this machine whose mappings we may see.
pub fn running() -> Vec<Target> {
    process::processes()
        .into_iter()
        .filter_map(|pid| written_page(pid, &process::mapped_files(pid)?))
        .collect()
}

fn the_only_one() -> anyhow::Result<Target> {
    let mut running = running();
    if running.len() > 1 {
        return Err(exit::usage(several(&running)));
    }
    if let Some(target) = running.pop() {
        return Ok(target);
    }
    match beneath(Path::new("."))? {
        Some(page) => Ok(Target { page, pid: None }),
        None => bail!(
            "no engine runs here, and there is no stats/{PAGE} in this folder; name the stats folder of an engine, or the \
             folder given to --out"
        ),
    }
}

/// Several engines run: which are there, and how to choose.
fn several(running: &[Target]) -> String {
    let mut text = format!("{} engines run here; choose one with --pid:", running.len());
    for target in running {
        let pid = target.pid.unwrap_or(0);
        let started = PageReader::open(&target.page).map_or_else(
            |_| String::new(),
            |page| super::table::wall_text(page.snapshot().start_wall_ns),
        );
        let _ = write!(
            text,
            "\n  --pid {pid:<8} since {started}  {}",
            target.page.display()
        );
    }
    text
}
