//! Why the database cannot be opened or written.

use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// Why the database cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Its folder cannot be made or it cannot be read.
    #[error("{}: {source}", .path.display())]
    Unreachable {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is damaged. Nothing was changed in it.
    #[error(
        "{}: {check} failed: {detail}; the file is left untouched: move it and its -wal file away and start again, \
         the database is rebuilt from the tick store", .path.display()
    )]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// The check that failed.
        check: &'static str,
        /// What it found.
        detail: String,
    },
    /// It is a database, but not one of ours.
    #[error("{}: belongs to another program (application id {found:#x}); choose another storage.path", .path.display())]
    NotOurs {
        /// The database.
        path: PathBuf,
        /// Its application id.
        found: u32,
    },
    /// A newer program wrote it.
    #[error(
        "{}: has schema version {found}, this program knows versions up to {known}: use the program that wrote it, \
         or move the file away and it is rebuilt from the tick store", .path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Our newest.
        known: i64,
    },
    /// Another process holds a lock on it.
    #[error("{}: locked by another process while {doing}; only readers may open it beside the engine", .path.display())]
    Locked {
        /// The database.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
    },
    /// The disk is full. The transaction was rolled back, no row is lost; writing resumes when space returns.
    #[error("{}: disk full while {doing}; rows wait and are written when space returns", .path.display())]
    Full {
        /// The database.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
    },
    /// Somebody else moved the position of the writer: two engines on one file.
    #[error(
        "{}: another process wrote to it (last sequence {found}, expected {expected}); stop one of the two", .path.display()
    )]
    TwoWriters {
        /// The database.
        path: PathBuf,
        /// The last sequence this writer committed.
        expected: u64,
        /// The last sequence in the file.
        found: u64,
    },
    /// Anything else the database answers.
    #[error("{}: {doing}: {source}", .path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// The database's words.
        source: rusqlite::Error,
    },
}

impl StorageError {
    /// The error for what the database answered.
    pub(super) fn of(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path, doing },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked { path, doing }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt {
                path,
                check: doing,
                detail: source.to_string(),
            },
            _ => Self::Database {
                path,
                doing,
                source,
            },
        }
    }
}

/// Whether the database is only held by somebody else for the moment.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
