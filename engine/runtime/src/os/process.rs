//! What can be seen of another process, for tools that watch an engine from outside.
//!
//! Nothing is asked of the process itself, so a hung one is seen as well as any other.

use rustix::time::{ClockId, clock_gettime};
use std::fs;

use super::{TaskSample, parse_schedstat, parse_stat};

/// A process as the kernel lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The state letter of its first thread: `T` stopped by a signal, `Z` ended and not yet collected.
    pub state: char,
    /// When it was started, ns since boot, to the kernel's accounting step of 10 ms: with its id, who it is.
    pub started_boot_ns: u64,
    /// The same in ns since 1970 UTC.
    pub started_wall_ns: i64,
}

impl Process {
    /// Whether there is still somebody who could run.
    pub fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// Looks at a process; `None` when there is none of that id.
pub fn process(id: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (state, _) = parse_stat(&stat)?;
    let started_ns = parse_started(&stat)?.saturating_mul(tick_ns());
    let booted_ns = wall_ns(ClockId::Realtime) - wall_ns(ClockId::Boottime);
    Some(Process {
        state,
        started_boot_ns: started_ns,
        started_wall_ns: booted_ns.saturating_add_unsigned(started_ns),
    })
}

/// Looks at a thread of any process, and at the core it ran on last; `None` when it has ended.
pub fn task_of(process: u32, thread: u32) -> Option<(TaskSample, usize)> {
    task_in(&format!("/proc/{process}/task/{thread}"))
}

/// A thread by its folder under `/proc`.
pub(super) fn task_in(folder: &str) -> Option<(TaskSample, usize)> {
    let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
    let (state, ticks) = parse_stat(&stat)?;
    let schedule = fs::read_to_string(format!("{folder}/schedstat"))
        .ok()
        .and_then(|text| parse_schedstat(&text));
    let sample = TaskSample {
        state,
        cpu_ns: schedule.map_or(ticks.saturating_mul(tick_ns()), |(cpu, _)| cpu),
        wait_ns: schedule.map(|(_, wait)| wait),
    };
    Some((sample, parse_core(&stat)?))
}

/// Where a thread may run, and how often it had to leave its core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The cores it may run on, as the kernel lists them: `0-3,8`.
    pub allowed: String,
    /// Times it left its core by itself, to sleep or to wait.
    pub left: u64,
    /// Times it left its core although it could have gone on: the scheduler took the core, or it yielded.
    pub switched: u64,
}

/// Where a thread of any process may run; `None` when it has ended.
pub fn placement(process: u32, thread: u32) -> Option<Placement> {
    parse_status(&fs::read_to_string(format!("/proc/{process}/task/{thread}/status")).ok()?)
}

fn parse_status(text: &str) -> Option<Placement> {
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
    };
    Some(Placement {
        allowed: field("Cpus_allowed_list")?.to_owned(),
        left: field("voluntary_ctxt_switches")?.parse().ok()?,
        switched: field("nonvoluntary_ctxt_switches")?.parse().ok()?,
    })
}

/// A file that a process has mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Its path as the process sees it.
    pub path: String,
    /// Its number in its file system.
    pub inode: u64,
    /// The process may store into it, and others see that.
    pub writes: bool,
}

/// The files a process has mapped, each once a mapping; `None` when we may not know.
/// The kernel holds its memory map meanwhile, so a process that must not wait is not asked again and again.
pub fn mapped_files(id: u32) -> Option<Vec<Mapped>> {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).ok()?;
    Some(maps.lines().filter_map(parse_mapping).collect())
}

/// The ids of all processes.
pub fn processes() -> Vec<u32> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut ids: Vec<u32> = folder
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    ids.sort_unstable();
    ids
}

/// `START-END rw-s OFFSET DEVICE INODE PATH`, if a file is mapped there.
fn parse_mapping(line: &str) -> Option<Mapped> {
    let (_, rest) = line.split_once(' ')?;
    let (rights, rest) = rest.split_once(' ')?;
    let mut fields = rest.splitn(4, ' ');
    let inode = fields.nth(2)?.parse().ok()?;
    let path = fields.next()?.trim_start();
    path.starts_with('/').then(|| Mapped {
        path: path.to_owned(),
        inode,
        writes: rights.starts_with("rw") && rights.ends_with('s'),
    })
}

/// Start of a process in accounting steps since boot: the 22nd field of the line.
fn parse_started(text: &str) -> Option<u64> {
    field_behind_state(text, 19)
}

/// The core a thread ran on last: the 39th field of the line.
fn parse_core(text: &str) -> Option<usize> {
    field_behind_state(text, 36).and_then(|core| usize::try_from(core).ok())
}

/// A number that many fields behind the state letter, which is the 3rd of the line.
/// The command name in brackets may hold spaces and brackets, so fields count from its end.
fn field_behind_state(text: &str, fields: usize) -> Option<u64> {
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(fields)?.parse().ok()
}

fn tick_ns() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second().max(1)
}

fn wall_ns(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec)
}
