//! What the operating system knows of a thread: where it runs, how long it ran, what it waits for;
//! and of the ground it stands on: the machine's name, the room on a disk.
//! [`process`] looks at other processes.
//!
//! Pinning goes by the core's number as configured, never by an index into a list of cores,
//! because such lists hide isolated cores and shrink once a thread is pinned.

use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use thiserror::Error;

pub mod process;
#[cfg(test)]
mod tests;

/// One past the highest core number that the affinity calls can express.
pub const MAX_CORES: usize = CpuSet::MAX_CPU;

/// Why a thread is not where it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PinError {
    /// The number cannot be expressed in an affinity mask.
    #[error("core {0} is out of range: core numbers are below {MAX_CORES}")]
    OutOfRange(usize),
    /// The kernel refused.
    #[error("core {core} was refused by the kernel: {reason}")]
    Refused {
        /// The core asked for.
        core: usize,
        /// The kernel's words.
        reason: String,
    },
    /// The kernel said yes, and the mask read back says otherwise.
    #[error("core {core} was asked for, but the thread may run on {actual:?}")]
    Differs {
        /// The core asked for.
        core: usize,
        /// What was read back.
        actual: Vec<usize>,
    },
}

/// Pins the calling thread to one core and reads the affinity back.
pub fn pin(core: usize) -> Result<(), PinError> {
    // The library below indexes its mask with the number and panics beyond its end.
    if core >= MAX_CORES {
        return Err(PinError::OutOfRange(core));
    }
    if !core_affinity::set_for_current(core_affinity::CoreId { id: core }) {
        // Its answer has no reason in it; the same call made directly does.
        let mut set = CpuSet::new();
        set.set(core);
        sched_setaffinity(None, &set).map_err(|errno| PinError::Refused {
            core,
            reason: errno.to_string(),
        })?;
    }
    let actual = affinity().map_err(|reason| PinError::Refused { core, reason })?;
    if actual.iter().eq([&core]) {
        Ok(())
    } else {
        Err(PinError::Differs {
            core,
            actual: actual.into_iter().collect(),
        })
    }
}

/// The cores the calling thread may run on.
pub fn affinity() -> Result<BTreeSet<usize>, String> {
    let set = sched_getaffinity(None).map_err(|errno| errno.to_string())?;
    Ok((0..MAX_CORES).filter(|&core| set.is_set(core)).collect())
}

/// The core the calling thread is on at this moment.
pub fn current_core() -> usize {
    rustix::thread::sched_getcpu()
}

/// The kernel's id of the calling thread.
pub fn thread_id() -> u32 {
    gettid().as_raw_nonzero().get().unsigned_abs()
}

/// CPU time the calling thread has used.
pub fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// How often the calling thread left its core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Switches {
    /// It waited for something.
    pub voluntary: u64,
    /// Somebody else was given its core.
    pub involuntary: u64,
}

/// The switches of the calling thread so far; `None` where the kernel does not tell.
pub fn switches() -> Option<Switches> {
    parse_switches(&fs::read_to_string("/proc/thread-self/status").ok()?)
}

fn parse_switches(status: &str) -> Option<Switches> {
    let field = |name: &str| {
        let mut lines = status.lines();
        lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    Some(Switches {
        voluntary: field("voluntary_ctxt_switches:")?,
        involuntary: field("nonvoluntary_ctxt_switches:")?,
    })
}

/// What a file system has for this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes it may still fill.
    pub free_bytes: u64,
    /// Whether it may write at the path asked about.
    pub writable: bool,
}

/// Asks about the file system of an existing path.
pub fn room(path: &Path) -> std::io::Result<Room> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(Room {
        free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        writable: rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok(),
    })
}

/// What the scheduler says of a thread, as another thread sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSample {
    /// The state letter: `R` running or runnable, `S` asleep, `D` waiting for a disk.
    pub state: char,
    /// CPU time used, in the kernel's accounting steps (10 ms where no finer account is kept).
    pub cpu_ns: u64,
    /// Time spent runnable without a core; `None` where the kernel keeps no such account.
    pub wait_ns: Option<u64>,
}

/// Looks at a thread of this process; `None` when it has ended.
pub fn task(thread_id: u32) -> Option<TaskSample> {
    process::task_in(&format!("/proc/self/task/{thread_id}")).map(|(sample, _)| sample)
}

/// State letter and CPU time in clock ticks.
/// The command name in brackets may hold spaces and brackets, so fields count from its end.
fn parse_stat(text: &str) -> Option<(char, u64)> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // user time and system time are the 14th and 15th field of the line, the state its 3rd
    let user: u64 = fields.nth(10)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((state, user.saturating_add(system)))
}

/// Time on a core and time waiting for one, in nanoseconds.
fn parse_schedstat(text: &str) -> Option<(u64, u64)> {
    let mut fields = text.split_ascii_whitespace();
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Text about this machine that belongs beside any figure measured on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Processor name.
    pub cpu_model: String,
    /// Cores online.
    pub cores_online: String,
    /// Cores kept free of other work, as the kernel lists them.
    pub cores_isolated: String,
    /// Kernel release.
    pub kernel: String,
    /// Memory in kibibytes.
    pub memory_kib: u64,
}

impl Machine {
    /// Reads what can be read; what cannot stays empty.
    pub fn read() -> Self {
        Self::under(Path::new("/"))
    }

    /// The same from the files under another root.
    pub fn under(root: &Path) -> Self {
        let text = |path: &str| {
            fs::read_to_string(root.join(path)).map_or(String::new(), |text| text.trim().to_owned())
        };
        let field = |file: &str, name: &str| {
            file.lines()
                .find(|line| line.starts_with(name))
                .and_then(|line| line.split_once(':'))
                .map_or(String::new(), |(_, value)| value.trim().to_owned())
        };
        let memory = field(&text("proc/meminfo"), "MemTotal");
        Self {
            cpu_model: field(&text("proc/cpuinfo"), "model name"),
            cores_online: text("sys/devices/system/cpu/online"),
            cores_isolated: text("sys/devices/system/cpu/isolated"),
            kernel: text("proc/sys/kernel/osrelease"),
            memory_kib: memory
                .split_ascii_whitespace()
                .next()
                .and_then(|number| number.parse().ok())
                .unwrap_or(0),
        }
    }
}
