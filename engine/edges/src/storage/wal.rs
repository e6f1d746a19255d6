//! The write-ahead log: how long it is, and when it is copied into the database file.
//!
//! Automatic checkpoints are off: they would run inside whichever commit happens to cross the limit.
//! A checkpoint here is passive, it copies what no reader needs and leaves the rest for the next one; a reader that holds
//! a transaction makes the WAL grow, and [`WalState::warning`] says so.

use super::Options;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Bytes of a WAL frame besides its page.
const FRAME_HEADER: u64 = 24;

/// The state of the WAL after the last commit.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct WalState {
    /// Bytes in use.
    pub bytes: u64,
    /// Bytes that are not in the database file yet.
    pub backlog_bytes: u64,
    /// More bytes than are reasonable: a reader holds a transaction open.
    pub warning: bool,
    /// Checkpoints that were run.
    pub checkpoints: u64,
    /// Checkpoints that had to leave something behind.
    pub checkpoints_held: u64,
}

/// Watches the WAL and decides when to checkpoint.
#[derive(Debug)]
pub(super) struct Wal {
    state: WalState,
    file: PathBuf,
    frame_bytes: u64,
    commits: u32,
    /// Bytes in use at the last checkpoint.
    bytes_then: u64,
}

impl Wal {
    pub fn new(database: &Path, page_bytes: u64) -> Self {
        let mut file = database.as_os_str().to_owned();
        file.push("-wal");
        Self {
            state: WalState::default(),
            file: file.into(),
            frame_bytes: page_bytes + FRAME_HEADER,
            commits: 0,
            bytes_then: 0,
        }
    }

    pub fn state(&self) -> WalState {
        self.state
    }

    /// After a commit: looks at the WAL and copies it if it is time.
    pub fn committed(&mut self, db: &Connection, options: &Options) -> rusqlite::Result<()> {
        self.commits += 1;
        let before = self.state.bytes;
        self.look(db, "NOOP", options)?;
        if self.state.bytes < before {
            // It was copied as a whole and began anew.
            self.bytes_then = 0;
        }
        let grown = self.state.bytes - self.bytes_then;
        if self.commits >= options.checkpoint_commits || grown >= options.checkpoint_bytes {
            self.checkpoint(db, "PASSIVE", options)?;
        }
        Ok(())
    }

    /// Bytes of the file. A WAL that began anew keeps its length, so they are more than the bytes in use.
    pub fn file_bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |meta| meta.len())
    }

    /// Cuts the WAL to nothing, unless a reader needs it.
    pub fn truncate(&mut self, db: &Connection, options: &Options) -> rusqlite::Result<()> {
        self.checkpoint(db, "TRUNCATE", options)
    }

    fn checkpoint(
        &mut self,
        db: &Connection,
        mode: &str,
        options: &Options,
    ) -> rusqlite::Result<()> {
        let held = self.look(db, mode, options)?;
        self.commits = 0;
        self.bytes_then = self.state.bytes;
        self.state.checkpoints += 1;
        self.state.checkpoints_held += u64::from(held || self.state.backlog_bytes > 0);
        Ok(())
    }

    fn look(&mut self, db: &Connection, mode: &str, options: &Options) -> rusqlite::Result<bool> {
        let mut statement = db.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
        let (busy, frames, copied) = statement.query_row([], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })?;
        // Both are -1 when there is no WAL.
        let bytes = |frames: i64| u64::try_from(frames).unwrap_or(0) * self.frame_bytes;
        self.state.bytes = bytes(frames);
        self.state.backlog_bytes = bytes(frames - copied);
        self.state.warning = self.state.bytes > options.wal_warning_bytes;
        Ok(busy != 0)
    }
}
