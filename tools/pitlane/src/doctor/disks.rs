//! The file systems the engine is to write on.

use super::Subject;
use super::check::{Check, Finding, Fix, State};
use pitlane_runtime::os::Room;
use std::path::{Path, PathBuf};

/// A path of the configuration and the file system it is on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its key, such as `tick_store.dir`.
    pub key: &'static str,
    /// As configured.
    pub path: PathBuf,
    /// The nearest folder that exists, absolute and without links.
    pub at: PathBuf,
    /// Bytes the configuration asks for there, at once or in the end.
    pub needs: u64,
    /// What the file system has for us; the error in words.
    pub room: Result<Room, String>,
}

/// A file system.
struct Mount {
    point: String,
    kind: String,
    options: Vec<String>,
}

/// File systems at the other end of a wire, or in a process.
const REMOTE: [&str; 12] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "9p",
    "ceph",
    "glusterfs",
    "virtiofs",
    "vboxsf",
    "lustre",
    "afs",
    "fuse",
];
/// File systems in memory.
const MEMORY: [&str; 2] = ["tmpfs", "ramfs"];
/// Below this, a disk is called nearly full.
const SPARE: u64 = 1 << 30;

/// A line for every path.
pub fn checks(s: &Subject) -> Vec<Check> {
    let mounts = s
        .tree()
        .read("/proc/self/mountinfo")
        .map(|text| mounts(&text));
    let check = |place: &Place| {
        let found = match &mounts {
            Ok(mounts) => judge(s, place, mounts),
            Err(why) => Err(why.clone()),
        };
        Check::new("files", place.key, found.unwrap_or_else(Finding::unknown))
    };
    s.places.iter().map(check).collect()
}

fn judge(s: &Subject, place: &Place, mounts: &[Mount]) -> Result<Finding, String> {
    let mount = mount_of(mounts, &place.at)
        .ok_or_else(|| format!("{}: on no mount", place.at.display()))?;
    let room = place
        .room
        .clone()
        .map_err(|why| format!("{}: {why}", place.at.display()))?;
    // Neighbours on the same disk want their part too.
    let on_it =
        |other: &&Place| mount_of(mounts, &other.at).is_some_and(|at| at.point == mount.point);
    let needs: u64 = s.places.iter().filter(on_it).map(|other| other.needs).sum();
    let path = place.path.display();
    let has = |option: &str| mount.options.iter().any(|word| word == option);
    let remote = REMOTE.contains(&mount.kind.as_str()) || mount.kind.starts_with("fuse.");
    let memory = MEMORY.contains(&mount.kind.as_str());
    let mapped = place.key != "log.dir";
    let elsewhere = |what: &str| Fix::config(format!("{} = a path on {what}", place.key));
    let text = format!(
        "{path} on {} at {}, {} free",
        mount.kind,
        mount.point,
        bytes(room.free_bytes)
    );
    let bad = |state, why: &str| Finding::bad(state, text.clone(), why);
    let found = if has("ro") {
        bad(State::Fail, "mounted read-only").fix(elsewhere("a disk that can be written"))
    } else if !room.writable {
        let fix = Fix::Run {
            // As root through sudo it is for the person who typed it.
            command: format!(
                "install -d -o \"${{SUDO_USER:-$(id -un)}}\" {}",
                quoted(&path.to_string())
            ),
            undo: None,
        };
        bad(State::Fail, "this user may not write there").fix(fix)
    } else if room.free_bytes < needs {
        let why = format!("the configuration asks for {} there", bytes(needs));
        let fix = Fix::config("tick_store.segment_records: smaller segments need less at once");
        bad(State::Fail, &why)
            .fix(elsewhere("a larger disk"))
            .fix(fix)
    } else if remote && mapped {
        let why = "a mapped file or a database does not survive a lost connection, and a store may wait for it";
        let state = if s.strict() { State::Fail } else { State::Warn };
        bad(state, why).fix(elsewhere("a disk of this machine"))
    } else if memory && place.key != "stats.dir" {
        bad(State::Warn, "memory, not a disk: gone after a reboot").fix(elsewhere("a disk"))
    } else if mount.kind == "overlay" {
        bad(
            State::Warn,
            "the container's own layer: slow to write, and gone with the container",
        )
        .fix(elsewhere("a volume (docker run -v)"))
    } else if has("sync") || has("dirsync") {
        bad(
            State::Warn,
            "mounted with sync: every write waits for the disk",
        )
        .fix(Fix::Run {
            command: format!("mount -o remount,async {}", quoted(&mount.point)),
            undo: Some(format!("mount -o remount,sync {}", quoted(&mount.point))),
        })
    } else if room.free_bytes < needs.saturating_add(SPARE) {
        let why = format!("{} are asked for, and little more is left", bytes(needs));
        bad(State::Warn, &why).fix(elsewhere("a larger disk"))
    } else if place.key == "stats.dir" && !memory && s.strict() {
        let why = "every agent stores into the counters page there; while a disk takes a page, a store waits";
        bad(State::Warn, why).fix(Fix::config("stats.dir = \"/dev/shm/pitlane/stats\""))
    } else {
        Finding::ok(text.clone())
    };
    let value = format!("{} {} {}", mount.point, mount.kind, mount.options.join(","));
    Ok(found.seen("/proc/self/mountinfo", value))
}

fn mounts(text: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (head, tail) = line.split_once(" - ")?;
        let head: Vec<&str> = head.split(' ').collect();
        let tail: Vec<&str> = tail.split(' ').collect();
        // Options of the mount, then those of the file system itself.
        let options = head
            .get(5)?
            .split(',')
            .chain(tail.get(2).copied().unwrap_or("").split(','));
        Some(Mount {
            point: head.get(4)?.replace("\\040", " "),
            kind: (*tail.first()?).to_owned(),
            options: options.map(ToOwned::to_owned).collect(),
        })
    };
    text.lines().filter_map(mount).collect()
}

/// The last of the deepest mounts above a path: later ones cover earlier ones.
fn mount_of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    above.max_by_key(|mount| Path::new(&mount.point).components().count())
}

/// One word for a shell.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// Bytes with a unit.
fn bytes(n: u64) -> String {
    match n {
        0..=0xF_FFFF => format!("{} KiB", n >> 10),
        0x10_0000..=0x3FFF_FFFF => format!("{} MiB", n >> 20),
        _ => format!("{} GiB", n >> 30),
    }
}
