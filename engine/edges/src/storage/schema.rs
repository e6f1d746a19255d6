//! The tables, their versions, and what is checked before a file is written to.

use super::error::StorageError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// Marks the files as ours: "PITL".
pub(super) const APPLICATION_ID: u32 = 0x5049_544C;

/// Newest version of the schema.
pub const VERSION: i64 = 1;

/// `MIGRATIONS[v]` turns version `v` into `v + 1`. A released one never changes.
const MIGRATIONS: [&str; 1] = [r"
CREATE TABLE aggregated_trades (
    aggregatedTradeId INTEGER NOT NULL,
    firstTradeId      INTEGER NOT NULL,
    lastTradeId       INTEGER NOT NULL,
    tradeTime         INTEGER NOT NULL,
    symbol            TEXT    NOT NULL,
    price             REAL    NOT NULL,
    quantity          REAL    NOT NULL,
    isBuyerMaker      INTEGER NOT NULL,
    orderType         TEXT    NOT NULL,
    bestMatch         INTEGER NOT NULL,
    PRIMARY KEY (symbol, aggregatedTradeId)
) STRICT;
CREATE INDEX idx_aggregated_trades_tradeTime ON aggregated_trades (tradeTime);
CREATE INDEX idx_aggregated_trades_symbol ON aggregated_trades (symbol);
CREATE INDEX idx_aggregated_trades_symbol_time ON aggregated_trades (symbol, tradeTime DESC);
CREATE INDEX idx_aggregated_trades_agg_id ON aggregated_trades (aggregatedTradeId);
CREATE TRIGGER aggregated_trades_immutable BEFORE UPDATE ON aggregated_trades
BEGIN
    SELECT RAISE(ABORT, 'trades are immutable');
END;

CREATE TABLE writer_state (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    schemaVersion INTEGER NOT NULL,
    lastSequence  INTEGER NOT NULL,
    lastEventTime INTEGER NOT NULL,
    stateHash     TEXT
) STRICT;
INSERT INTO writer_state (id, schemaVersion, lastSequence, lastEventTime) VALUES (1, 0, 0, 0);

CREATE TABLE audit_log (
    auditId       INTEGER PRIMARY KEY,
    time          INTEGER NOT NULL,
    operation     TEXT    NOT NULL,
    outcome       TEXT    NOT NULL
        CHECK (outcome IN ('applied', 'skipped', 'duplicate', 'conflict', 'failed', 'purged')),
    tableName     TEXT,
    recordKey     TEXT,
    reason        TEXT,
    correlationId TEXT,
    detailJson    TEXT
) STRICT;
CREATE INDEX idx_audit_log_time ON audit_log (time);
"];

/// Every table with the order of its key.
pub(super) const TABLES: [(&str, &str); 3] = [
    ("aggregated_trades", "symbol, aggregatedTradeId"),
    ("audit_log", "auditId"),
    ("writer_state", "id"),
];

/// A connection that reads and leaves every file as it is, the WAL included.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(db)
}

/// Checks an existing file without changing it. An empty one has nothing to check.
pub(super) fn inspect(path: &Path, whole_file: bool) -> Result<(), StorageError> {
    let len = match std::fs::metadata(path) {
        Ok(meta) => meta.len(),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => 0,
        Err(source) => {
            return Err(StorageError::Unreachable {
                path: path.to_owned(),
                source,
            });
        }
    };
    if len == 0 {
        return Ok(());
    }
    let of = |doing| move |error| StorageError::of(path, doing, error);
    let db = open_reader(path).map_err(of("opening the file"))?;
    // Recovery of a WAL takes a lock for a moment; another reader doing the same is no reason to give up.
    db.busy_timeout(Duration::from_secs(1))
        .map_err(of("opening the file"))?;
    let header = "the check of the file header";
    let version = version(&db).map_err(of(header))?;
    let id = application_id(&db).map_err(of(header))?;
    let tables: i64 = db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(of("the check of the schema"))?;
    if id != APPLICATION_ID && tables > 0 {
        return Err(StorageError::NotOurs {
            path: path.to_owned(),
            found: id,
        });
    }
    if version > VERSION {
        return Err(newer(path, version));
    }
    if whole_file {
        let check = "quick_check";
        let found: String = db
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(of(check))?;
        if found != "ok" {
            return Err(StorageError::Corrupt {
                path: path.to_owned(),
                check,
                detail: found,
            });
        }
    }
    Ok(())
}

fn newer(path: &Path, found: i64) -> StorageError {
    StorageError::Newer {
        path: path.to_owned(),
        found,
        known: VERSION,
    }
}

fn application_id(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0))
        .map(i32::cast_unsigned)
}

/// The schema version of the file; 0 if it has no tables yet.
fn version(db: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'writer_state'";
    let present = db.query_row(sql, [], |_| Ok(())).optional()?;
    if present.is_none() {
        return Ok(0);
    }
    let sql = "SELECT schemaVersion FROM writer_state WHERE id = 1";
    Ok(db
        .query_row(sql, [], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// Brings the file to the newest version in one transaction; says from which version it came.
pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<i64, StorageError> {
    migrate_by(db, path, &MIGRATIONS)
}

fn migrate_by(db: &mut Connection, path: &Path, steps: &[&str]) -> Result<i64, StorageError> {
    let of = |error| StorageError::of(path, "migrating the schema", error);
    let found = version(db).map_err(of)?;
    let newest = i64::try_from(steps.len()).expect("a handful of migrations");
    let done = usize::try_from(found).map_err(|_| newer(path, found))?;
    let Some(steps) = steps.get(done..) else {
        return Err(newer(path, found));
    };
    if steps.is_empty() {
        return Ok(found);
    }
    let transaction = db
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(of)?;
    for step in steps {
        transaction.execute_batch(step).map_err(of)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(of)?;
    transaction
        .execute(
            "UPDATE writer_state SET schemaVersion = ?1 WHERE id = 1",
            [newest],
        )
        .map_err(of)?;
    transaction.commit().map_err(of)?;
    Ok(found)
}

#[cfg(test)]
mod tests;
