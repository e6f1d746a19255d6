//! The database: market trades in `SQLite`, each written exactly once.
//!
//! The tick store is the truth; this file is a projection of the sequence for queries and for people.
//! A row is applied only after the tick store has committed its cause, and each transaction stores the last applied
//! sequence number beside its rows: after a crash [`TradeWriter::last_sequence`] says where to go on, and what stands at
//! or below it is skipped.
//!
//! The rows of the file are a pure function of the sequence. Where a group of rows ends depends on time, so groups leave
//! no trace: the audit log holds the exceptions only (skipped and conflicting records), under ids derived from the
//! sequence. What happened to the writer itself (busy, full, rolled back) is in [`Counts`] and never in the file.
//!
//! Nothing here starts a thread or reads a clock, and but for [`TradeWriter::close`] nothing waits.

mod dump;
mod error;
mod release;
mod row;
mod schema;
mod sql;
mod wal;
mod writer;

pub use dump::{Dump, dump, dump_lines};
pub use error::StorageError;
pub use release::{ReleaseList, Released};
pub use row::{SkipReason, TradeRow};
pub use schema::VERSION as SCHEMA_VERSION;
pub use wal::WalState;
pub use writer::{Closed, Counts, State, TradeWriter};

use std::time::Duration;

/// How the writer groups rows and keeps the WAL short.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Rows after which a transaction is committed; also the most rows that wait in memory.
    pub commit_rows: u32,
    /// Time after which a transaction with rows is committed.
    pub commit_after: Duration,
    /// Time after which progress without rows is committed. It may be long: lost progress is only read again.
    pub progress_after: Duration,
    /// Commits after which the WAL is copied into the database file.
    pub checkpoint_commits: u32,
    /// Growth of the WAL after which it is copied into the database file.
    pub checkpoint_bytes: u64,
    /// Size of the WAL that is worth a warning: a reader holds it.
    pub wal_warning_bytes: u64,
    /// Time without rows after which a WAL file of at least [`Options::truncate_bytes`] is cut to nothing.
    pub quiet_after: Duration,
    /// See [`Options::quiet_after`].
    pub truncate_bytes: u64,
    /// Whether the whole file is checked at the start. It costs a read of the file.
    pub check_file: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            commit_rows: 1000,
            commit_after: Duration::from_millis(50),
            progress_after: Duration::from_secs(1),
            checkpoint_commits: 1000,
            checkpoint_bytes: 16 << 20,
            wal_warning_bytes: 64 << 20,
            quiet_after: Duration::from_secs(5),
            truncate_bytes: 1 << 20,
            check_file: true,
        }
    }
}

impl From<&crate::config::Storage> for Options {
    fn from(config: &crate::config::Storage) -> Self {
        Self {
            commit_rows: config.commit_rows,
            commit_after: Duration::from_millis(config.commit_ms.into()),
            ..Self::default()
        }
    }
}
