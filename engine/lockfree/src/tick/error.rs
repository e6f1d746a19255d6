//! What can go wrong with a tick store, said so that a person knows which file and what to do.

use super::layout::VERSION;
use std::io;
use std::path::{Path, PathBuf};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    #[error("tick store: cannot {action} {path}: {source}")]
    Io {
        path: PathBuf,
        action: &'static str,
        source: io::Error,
    },
    #[error(
        "tick store: no room for segment {path}: {needed} bytes needed, {free} free; \
         free some space or choose smaller segments, then go on: what is committed is kept"
    )]
    Full {
        path: PathBuf,
        needed: u64,
        free: u64,
    },
    #[error("tick store {dir} is being written by another process (its LOCK file is held)")]
    Locked { dir: PathBuf },
    #[error(
        "{path} is not a tick store segment: its first word differs; \
         move it out of the directory, or name another directory"
    )]
    Foreign { path: PathBuf },
    #[error(
        "{path} is a segment of layout version {found}, this program reads {VERSION}; \
         read it with the program that wrote it"
    )]
    Version { path: PathBuf, found: u64 },
    #[error(
        "{path} was written with schema {stored:#018x}, this program uses {ours:#018x}; \
         export it with the program that wrote it, or name another directory"
    )]
    Schema {
        path: PathBuf,
        stored: u64,
        ours: u64,
    },
    #[error(
        "tick store: {path} begins with sequence {found}, but the segment before it ends with {last}; \
         bring back the missing segment, or move this and the later ones out of the directory"
    )]
    Gap {
        path: PathBuf,
        last: u64,
        found: u64,
    },
    #[error(
        "segment {path} is damaged or cut short: {what}; \
         open the store once for writing to cut the damage off, or bring back a copy"
    )]
    Damaged { path: PathBuf, what: &'static str },
    #[error("append of sequence {found}, but {expected} is next: the sequence has no holes")]
    OutOfOrder { expected: u64, found: u64 },
    #[error(
        "append of sequence {sequence} at {time_ns} ns, before its predecessor at {last_ns} ns"
    )]
    TimeWentBack {
        sequence: u64,
        time_ns: i64,
        last_ns: i64,
    },
    #[error("a segment of {records} records: at least 1 and at most 2^30 are possible")]
    SegmentRecords { records: usize },
}

/// An I/O error with its file and what was tried.
pub(super) fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |source| StoreError::Io {
        path,
        action,
        source,
    }
}
