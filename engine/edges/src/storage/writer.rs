//! The one writer: takes rows, groups them, commits them with the position they brought it to.

use super::error::{StorageError, is_busy};
use super::release::{ReleaseList, Released};
use super::row::{SkipReason, TradeRow, Values};
use super::sql::{self, Position, Symbols};
use super::wal::{Wal, WalState};
use super::{Options, schema};
use pitlane_domain::instrument::Symbol;
use pitlane_domain::units::WallNs;
use rusqlite::Connection;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::collections::hash_map::Entry::{Occupied as Known, Vacant as Unknown};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Waits after which a busy database is tried again, in ms; after the last the operation counts as failed and stays queued.
const RETRY_MS: [u64; 5] = [50, 100, 200, 400, 800];
/// Wait after which a full disk is tried again, in ms.
const RETRY_FULL_MS: u64 = 1000;
/// Rows per insert statement, largest first. A statement has a cost of its own, which many rows share.
const BATCHES: [usize; 3] = [50, 10, 1];
const NS_PER_MS: u64 = 1_000_000;

/// What a call left the writer in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Ready for more.
    Ready,
    /// Somebody else holds the database, or the disk is full: rows wait, and calls do nothing for this long.
    Busy {
        /// Milliseconds until the next attempt.
        retry_after_ms: u64,
    },
}

/// What was counted since the start. `received == inserted + duplicates + skipped`, always.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Rows whose group is committed.
    pub received: u64,
    /// Of them, new in the table.
    pub inserted: u64,
    /// Of them, known already; the first row stayed.
    pub duplicates: u64,
    /// Of the duplicates, those that said something else than the first row.
    pub conflicts: u64,
    /// Of them, skipped as invalid, by [`SkipReason`].
    pub skipped: [u64; SkipReason::ALL.len()],
    /// Duplicates by symbol.
    pub duplicates_by_symbol: BTreeMap<Symbol, u64>,
    /// Rows at or below the position, applied before a restart: not received again.
    pub replayed: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions rolled back; their rows were written by a later one.
    pub rolled_back: u64,
    /// Attempts that found the database locked.
    pub busy: u64,
    /// Operations that found it locked at every attempt.
    pub failed: u64,
}

impl Counts {
    /// Rows skipped for any reason.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.iter().sum()
    }

    fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.inserted += other.inserted;
        self.duplicates += other.duplicates;
        self.conflicts += other.conflicts;
        for (to, from) in self.skipped.iter_mut().zip(other.skipped) {
            *to += from;
        }
        for (symbol, count) in &other.duplicates_by_symbol {
            *self.duplicates_by_symbol.entry(*symbol).or_default() += count;
        }
    }
}

/// What closing did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed {
    /// The resources in the order in which they were given back.
    pub released: Vec<Released>,
    /// Everything that was counted.
    pub counts: Counts,
    /// The last sequence number in the database.
    pub last_sequence: u64,
}

/// A row that waits for its commit.
#[derive(Clone, Copy, Debug)]
struct Entry {
    sequence: u64,
    time: WallNs,
    row: TradeRow,
    checked: Result<Values, SkipReason>,
}

/// The texts of the insert statement for one number of rows.
struct Insert {
    of_one: String,
    of_each: String,
}

impl Insert {
    fn of(rows: usize) -> Self {
        Self {
            of_one: sql::insert(rows, Symbols::One),
            of_each: sql::insert(rows, Symbols::Each),
        }
    }
}

/// Why a transaction did not work out.
enum Failure {
    Sql(rusqlite::Error),
    /// The position in the file is not the one this writer left.
    TwoWriters {
        found: u64,
    },
    /// A row above every known id was known: somebody else inserts here. Repeated with the ids read anew, which nobody
    /// can change while the transaction is open.
    NotNew,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// The one writer of a database. See the module [`crate::storage`].
///
/// The caller may pass at most [`TradeWriter::room`] rows between two calls of [`TradeWriter::tick`], and calls `tick`
/// once per turn. Rows wait in memory until their transaction is committed, so a failing database costs no row: the
/// transaction is rolled back and written anew.
pub struct TradeWriter {
    db: Connection,
    path: PathBuf,
    options: Options,
    wal: Wal,
    /// The last position in the file.
    committed: Position,
    /// The last position passed.
    seen: Position,
    pending: Vec<Entry>,
    /// A transaction was begun and not ended.
    is_open: bool,
    /// How many of `pending` are in the open transaction.
    written: usize,
    /// How many waited at the last tick.
    waited: usize,
    /// What the open transaction will count once it is committed.
    group: Counts,
    /// Highest id in the table of each symbol met so far: a higher one is new. Forgotten with each rollback.
    newest: FxHashMap<Symbol, i64>,
    /// The insert statements for each of [`BATCHES`].
    inserts: [Insert; BATCHES.len()],
    counts: Counts,
    /// Since when something waits for a commit.
    waiting_since: Option<u64>,
    /// Since when no row came.
    quiet_since: Option<u64>,
    attempts: usize,
    retry_at: Option<u64>,
}

impl TradeWriter {
    /// Opens the database, or makes it. A damaged or foreign file is refused and left untouched.
    pub fn open(path: &Path, options: Options) -> Result<Self, StorageError> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|source| StorageError::Unreachable {
                path: dir.to_owned(),
                source,
            })?;
        }
        schema::inspect(path, options.check_file)?;
        let of = |error| StorageError::of(path, "opening the database", error);
        let mut db = sql::connect(path).map_err(of)?;
        schema::migrate(&mut db, path)?;
        let committed = sql::position(&db).map_err(of)?;
        let page_bytes: i64 = db
            .query_row("PRAGMA page_size", [], |row| row.get(0))
            .map_err(of)?;
        Ok(Self {
            db,
            path: path.to_owned(),
            wal: Wal::new(path, u64::try_from(page_bytes).unwrap_or(0)),
            committed,
            seen: committed,
            pending: Vec::with_capacity(options.commit_rows as usize),
            is_open: false,
            written: 0,
            waited: 0,
            group: Counts::default(),
            inserts: BATCHES.map(Insert::of),
            newest: FxHashMap::default(),
            counts: Counts::default(),
            waiting_since: None,
            quiet_since: None,
            attempts: 0,
            retry_at: None,
            options,
        })
    }

    /// The last sequence number in the database: go on after it. 0 if it is new.
    pub fn last_sequence(&self) -> u64 {
        self.committed.sequence
    }

    /// The last sequence number passed; what is above [`TradeWriter::last_sequence`] waits for its commit.
    pub fn seen_sequence(&self) -> u64 {
        self.seen.sequence
    }

    /// How many more rows may be passed before the next tick.
    pub fn room(&self) -> usize {
        self.options.commit_rows as usize - self.pending.len()
    }

    /// What was counted so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The WAL after the last commit.
    pub fn wal(&self) -> WalState {
        self.wal.state()
    }

    /// Takes a row, caused by the message of that sequence number and sequence time.
    ///
    /// # Panics
    /// If there is no [`TradeWriter::room`]: the caller's credit rule was broken.
    pub fn apply(&mut self, row: &TradeRow, sequence: u64, time: WallNs) {
        if sequence <= self.seen.sequence {
            self.counts.replayed += 1;
            return;
        }
        assert!(self.room() > 0, "apply needs room");
        self.seen = Position {
            sequence,
            time,
            digest: None,
        };
        self.pending.push(Entry {
            sequence,
            time,
            row: *row,
            checked: row.check(time),
        });
    }

    /// Everything up to this sequence number was looked at, whether it made a row or not.
    pub fn advance(&mut self, sequence: u64, time: WallNs) {
        if sequence > self.seen.sequence {
            self.seen = Position {
                sequence,
                time,
                digest: None,
            };
        }
    }

    /// The digest of the sequence up to the position last passed. It is kept beside the position, so that a database
    /// can be told from one that was written from another sequence.
    pub fn set_digest(&mut self, digest: u64) {
        self.seen.digest = Some(digest);
    }

    /// The digest kept at [`TradeWriter::last_sequence`], if there is one.
    pub fn last_digest(&self) -> Option<u64> {
        self.committed.digest
    }

    /// Once per turn, with any clock of nanoseconds that never goes back: writes what waits, and commits what is due.
    ///
    /// After an error of the world ([`StorageError::Full`]) the writer still holds every row and goes on with a later tick.
    pub fn tick(&mut self, now: u64) -> Result<State, StorageError> {
        if let Some(wait) = self
            .retry_at
            .and_then(|at| at.checked_sub(now))
            .filter(|w| *w > 0)
        {
            return Ok(State::Busy {
                retry_after_ms: wait.div_ceil(NS_PER_MS),
            });
        }
        let state = self.write_what_is_due(now)?;
        if self.pending.is_empty() && state == State::Ready {
            self.rest(now)?;
        } else {
            self.quiet_since = None;
        }
        Ok(state)
    }

    fn write_what_is_due(&mut self, now: u64) -> Result<State, StorageError> {
        if self.seen == self.committed {
            return Ok(State::Ready);
        }
        let since = *self.waiting_since.get_or_insert(now);
        let patience = if self.pending.is_empty() {
            self.options.progress_after
        } else {
            self.options.commit_after
        };
        if self.room() == 0 || now.saturating_sub(since) >= ns(patience) {
            return self.commit(now);
        }
        // While rows keep coming, those that do not fill a statement wait for the next: a row on its own costs twice as
        // much (bench: `sqlite`). Once a tick brings none they are written.
        let is_growing = self.pending.len() > self.waited;
        self.waited = self.pending.len();
        if is_growing {
            self.attempt(now, Self::write_whole_batches)
        } else {
            self.attempt(now, Self::write_pending)
        }
    }

    /// Commits what was passed, due or not.
    pub fn commit(&mut self, now: u64) -> Result<State, StorageError> {
        if self.seen == self.committed {
            return Ok(State::Ready);
        }
        let state = self.attempt(now, Self::commit_pending)?;
        if state == State::Ready {
            self.wal
                .committed(&self.db, &self.options)
                .map_err(|error| StorageError::of(&self.path, "copying the WAL", error))?;
        }
        Ok(state)
    }

    /// Commits what waits, gives the statements back, empties the WAL and closes the database.
    ///
    /// It is the one place that waits for a locked database, as long as all attempts of [`TradeWriter::tick`] take.
    pub fn close(mut self) -> Result<Closed, StorageError> {
        let patience = Duration::from_millis(RETRY_MS.iter().sum());
        self.db
            .busy_timeout(patience)
            .map_err(|error| StorageError::of(&self.path, "closing", error))?;
        if self.commit(0)? != State::Ready {
            return Err(StorageError::Locked {
                path: self.path,
                doing: "committing the last rows",
            });
        }
        let (counts, last_sequence) = (self.counts, self.committed.sequence);
        let mut parts = Parts {
            db: Some(self.db),
            wal: self.wal,
            options: self.options,
        };
        let mut list = ReleaseList::new();
        list.register(10, "database", "MainStorage", close_database);
        list.register(
            60,
            "prepared statements",
            "PipelineStorage",
            |parts: &mut Parts| {
                if let Some(db) = &parts.db {
                    db.flush_prepared_statement_cache();
                }
                Ok(())
            },
        );
        Ok(Closed {
            released: list.release(&mut parts),
            counts,
            last_sequence,
        })
    }

    /// No row waits: after a while of that a long WAL is cut.
    fn rest(&mut self, now: u64) -> Result<(), StorageError> {
        let since = *self.quiet_since.get_or_insert(now);
        if now.saturating_sub(since) < ns(self.options.quiet_after) {
            return Ok(());
        }
        self.quiet_since = Some(now);
        if self.wal.file_bytes() >= self.options.truncate_bytes {
            self.wal
                .truncate(&self.db, &self.options)
                .map_err(|error| StorageError::of(&self.path, "emptying the WAL", error))?;
        }
        Ok(())
    }

    /// Runs a step of the transaction. If it fails the transaction is rolled back, and its rows wait on.
    fn attempt(
        &mut self,
        now: u64,
        step: fn(&mut Self) -> Result<(), Failure>,
    ) -> Result<State, StorageError> {
        let mut result = step(self);
        if let Err(Failure::NotNew) = result {
            self.roll_back();
            result = step(self);
        }
        let Err(failure) = result else {
            self.attempts = 0;
            self.retry_at = None;
            return Ok(State::Ready);
        };
        self.roll_back();
        let error = match failure {
            Failure::Sql(error) if is_busy(&error) => return Ok(self.busy(now)),
            Failure::Sql(error) => StorageError::of(&self.path, "writing rows", error),
            Failure::TwoWriters { found } => StorageError::TwoWriters {
                path: self.path.clone(),
                expected: self.committed.sequence,
                found,
            },
            Failure::NotNew => unreachable!("the ids were read inside this transaction"),
        };
        if let StorageError::Full { .. } = error {
            self.retry_at = Some(now + RETRY_FULL_MS * NS_PER_MS);
        }
        Err(error)
    }

    fn busy(&mut self, now: u64) -> State {
        self.counts.busy += 1;
        let retry_after_ms = RETRY_MS[self.attempts.min(RETRY_MS.len() - 1)];
        self.counts.failed += u64::from(self.attempts == RETRY_MS.len());
        self.attempts = (self.attempts + 1).min(RETRY_MS.len() + 1);
        self.retry_at = Some(now + retry_after_ms * NS_PER_MS);
        State::Busy { retry_after_ms }
    }

    fn roll_back(&mut self) {
        if !self.db.is_autocommit() {
            // Whatever it answers, it holds no transaction of ours after.
            let _ = self.db.execute_batch("ROLLBACK");
        }
        // A full disk makes the database roll back by itself.
        self.counts.rolled_back += u64::from(std::mem::take(&mut self.is_open));
        self.written = 0;
        self.group = Counts::default();
        self.newest.clear();
    }

    fn begin(&mut self) -> rusqlite::Result<()> {
        if !self.is_open {
            self.db.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
            self.is_open = true;
        }
        Ok(())
    }

    fn commit_pending(&mut self) -> Result<(), Failure> {
        self.begin()?;
        self.write_pending()?;
        let (from, to) = (self.committed, self.seen);
        if !sql::move_position(&self.db, from, to)? {
            let found = sql::position(&self.db)?.sequence;
            return Err(Failure::TwoWriters { found });
        }
        self.db.prepare_cached("COMMIT")?.raw_execute()?;
        self.is_open = false;
        self.committed = to;
        self.counts.commits += 1;
        self.counts.add(&std::mem::take(&mut self.group));
        self.pending.clear();
        self.written = 0;
        self.waited = 0;
        self.waiting_since = None;
        Ok(())
    }

    /// Puts every waiting row into the transaction.
    fn write_pending(&mut self) -> Result<(), Failure> {
        self.write_until(self.pending.len())
    }

    /// Puts as many waiting rows into the transaction as fill the largest statement.
    fn write_whole_batches(&mut self) -> Result<(), Failure> {
        let waiting = self.pending.len() - self.written;
        self.write_until(self.written + waiting / BATCHES[0] * BATCHES[0])
    }

    fn write_until(&mut self, end: usize) -> Result<(), Failure> {
        if self.written == self.pending.len() {
            return Ok(());
        }
        // Even for rows that wait: a database held by somebody else is found now.
        self.begin()?;
        while self.written < end {
            let new = self.count_new(end)?;
            if new == 0 {
                let entry = self.pending[self.written];
                match entry.checked {
                    Ok(values) => self.insert_one(&entry, &values)?,
                    Err(reason) => self.skip(&entry, reason)?,
                }
                self.written += 1;
                self.group.received += 1;
            } else {
                self.insert_new(new)?;
            }
        }
        Ok(())
    }

    /// How many of the next rows, up to `end`, are above every id known of their symbol.
    fn count_new(&mut self, end: usize) -> rusqlite::Result<usize> {
        let mut new = 0;
        for entry in &self.pending[self.written..end] {
            let Ok(values) = entry.checked else { break };
            let symbol = entry.row.symbol;
            let newest = match self.newest.entry(symbol) {
                Known(newest) => newest.into_mut(),
                Unknown(place) => place.insert(sql::newest_id(&self.db, symbol)?),
            };
            if values.id <= *newest {
                break;
            }
            *newest = values.id;
            new += 1;
        }
        Ok(new)
    }

    /// Inserts the next `count` rows, which are new.
    fn insert_new(&mut self, count: usize) -> Result<(), Failure> {
        let end = self.written + count;
        for (insert, size) in self.inserts.iter().zip(BATCHES) {
            while end - self.written >= size {
                let entries = &self.pending[self.written..self.written + size];
                let symbol = entries[0].row.symbol;
                let is_one = entries.iter().all(|entry| entry.row.symbol == symbol);
                let (text, symbols) = if is_one {
                    (&insert.of_one, Symbols::One)
                } else {
                    (&insert.of_each, Symbols::Each)
                };
                let mut statement = self.db.prepare_cached(text)?;
                sql::bind_symbol(&mut statement, symbols, 0, symbol)?;
                for (at, entry) in entries.iter().enumerate() {
                    if let Ok(values) = &entry.checked {
                        sql::bind(&mut statement, symbols, at, values)?;
                    }
                    if !is_one {
                        sql::bind_symbol(&mut statement, symbols, at, entry.row.symbol)?;
                    }
                }
                if statement.raw_execute()? != size {
                    return Err(Failure::NotNew);
                }
                self.written += size;
                self.group.received += size as u64;
                self.group.inserted += size as u64;
            }
        }
        Ok(())
    }

    /// Inserts a row that may be known: nothing is changed if it is.
    fn insert_one(&mut self, entry: &Entry, values: &Values) -> Result<(), Failure> {
        let of_a_row = &self.inserts[BATCHES.len() - 1].of_one;
        let mut statement = self.db.prepare_cached(of_a_row)?;
        sql::bind_symbol(&mut statement, Symbols::One, 0, entry.row.symbol)?;
        sql::bind(&mut statement, Symbols::One, 0, values)?;
        if statement.raw_execute()? == 1 {
            self.group.inserted += 1;
            return Ok(());
        }
        drop(statement);
        self.group.duplicates += 1;
        *self
            .group
            .duplicates_by_symbol
            .entry(entry.row.symbol)
            .or_default() += 1;
        let kept = sql::stored(&self.db, entry.row.symbol, values.id)?;
        if kept != *values {
            self.group.conflicts += 1;
            let detail = format!(
                "{{\"kept\":{},\"refused\":{}}}",
                kept.to_json(),
                values.to_json()
            );
            let outcome = ("conflict", "same key, other content");
            sql::audit(
                &self.db,
                (entry.sequence, entry.time),
                outcome,
                &entry.row.key(),
                &detail,
            )?;
        }
        Ok(())
    }

    fn skip(&mut self, entry: &Entry, reason: SkipReason) -> Result<(), Failure> {
        self.group.skipped[reason as usize] += 1;
        let outcome = ("skipped", reason.name());
        let detail = entry.row.to_json();
        sql::audit(
            &self.db,
            (entry.sequence, entry.time),
            outcome,
            &entry.row.key(),
            &detail,
        )?;
        Ok(())
    }
}

/// What the release works on.
struct Parts {
    db: Option<Connection>,
    wal: Wal,
    options: Options,
}

fn close_database(parts: &mut Parts) -> Result<(), String> {
    let Some(db) = parts.db.take() else {
        return Ok(());
    };
    let emptied = parts.wal.truncate(&db, &parts.options);
    db.close().map_err(|(_, error)| error.to_string())?;
    emptied.map_err(|error| format!("emptying the WAL: {error}"))
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
