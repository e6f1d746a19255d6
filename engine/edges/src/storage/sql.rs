//! The statements of the writer, one function each.
//!
//! All are prepared once and kept by the connection; values are bound, never put into the text.

use super::row::Values;
use pitlane_domain::instrument::Symbol;
use pitlane_domain::units::WallNs;
use rusqlite::{Connection, OpenFlags, Statement, params};
use std::path::Path;
use std::time::Duration;

/// Audit ids per sequence number: more than one message can ever need.
const AUDITS_PER_SEQUENCE: i64 = 256;
/// Statements the connection keeps: those below and the checkpoints, with room.
const STATEMENTS_KEPT: usize = 24;
/// Values bound for a row, besides its symbol; the order type follows from one of them.
const VALUES: usize = 8;

/// A position in the sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    pub sequence: u64,
    pub time: WallNs,
    /// Digest of the sequence up to here, where the caller keeps one.
    pub digest: Option<u64>,
}

/// The writing connection. Never waits for a lock: a busy database is the caller's to try again.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::ZERO)?;
    // Takes effect in a new file only; purges give pages back by it.
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(db)
}

/// Whose rows one insert statement takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Symbols {
    /// Of one symbol, bound once: a text that is bound is copied.
    One,
    /// Each with its own.
    Each,
}

impl Symbols {
    /// Where the row at `at` has its symbol, and the first of its other values.
    fn places(self, at: usize) -> (usize, usize) {
        match self {
            Self::One => (1, 2 + at * VALUES),
            Self::Each => (1 + at * (1 + VALUES), 2 + at * (1 + VALUES)),
        }
    }
}

/// The insert statement for that many rows; known keys are passed over.
///
/// `OR FAIL` says that a row the database refuses leaves the rows before it in the transaction, and so spares a journal
/// of every statement: the writer rolls the transaction back after any error.
pub(super) fn insert(rows: usize, symbols: Symbols) -> String {
    let row = |at| {
        let (symbol, v) = symbols.places(at);
        format!(
            "(?{},?{},?{},?{},?{symbol},?{},?{},?{},CASE ?{} WHEN 0 THEN 'BUY' ELSE 'SELL' END,?{})",
            v,
            v + 1,
            v + 2,
            v + 3,
            v + 4,
            v + 5,
            v + 6,
            v + 6,
            v + 7
        )
    };
    format!(
        "INSERT OR FAIL INTO aggregated_trades (aggregatedTradeId, firstTradeId, lastTradeId, tradeTime, symbol, \
         price, quantity, isBuyerMaker, orderType, bestMatch) VALUES {} \
         ON CONFLICT (symbol, aggregatedTradeId) DO NOTHING",
        (0..rows).map(row).collect::<Vec<_>>().join(",")
    )
}

/// Binds a row as the `at`th of an insert statement, but for its symbol.
pub(super) fn bind(
    statement: &mut Statement<'_>,
    symbols: Symbols,
    at: usize,
    values: &Values,
) -> rusqlite::Result<()> {
    let (_, first) = symbols.places(at);
    statement.raw_bind_parameter(first, values.id)?;
    statement.raw_bind_parameter(first + 1, values.first_id)?;
    statement.raw_bind_parameter(first + 2, values.last_id)?;
    statement.raw_bind_parameter(first + 3, values.time_ms)?;
    statement.raw_bind_parameter(first + 4, values.price)?;
    statement.raw_bind_parameter(first + 5, values.quantity)?;
    statement.raw_bind_parameter(first + 6, values.is_buyer_maker)?;
    statement.raw_bind_parameter(first + 7, values.best_match)
}

/// Binds the symbol of the `at`th row of an insert statement; of one for a single symbol, that of all rows.
pub(super) fn bind_symbol(
    statement: &mut Statement<'_>,
    symbols: Symbols,
    at: usize,
    symbol: Symbol,
) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(symbols.places(at).0, symbol.as_str())
}

/// The position in the file.
pub(super) fn position(db: &Connection) -> rusqlite::Result<Position> {
    let sql = "SELECT lastSequence, lastEventTime, stateHash FROM writer_state WHERE id = 1";
    db.query_row(sql, [], |row| {
        Ok(Position {
            sequence: row.get::<_, i64>(0)?.cast_unsigned(),
            time: WallNs::from_ms(row.get(1)?),
            digest: row
                .get::<_, Option<String>>(2)?
                .and_then(|text| u64::from_str_radix(&text, 16).ok()),
        })
    })
}

/// Moves the position on; `false` if the one in the file is not the one we left there.
pub(super) fn move_position(
    db: &Connection,
    from: Position,
    to: Position,
) -> rusqlite::Result<bool> {
    let moved = db
        .prepare_cached(
            "UPDATE writer_state SET lastSequence = ?1, lastEventTime = ?2, stateHash = ?4 \
             WHERE id = 1 AND lastSequence = ?3",
        )?
        .execute(params![
            to.sequence.cast_signed(),
            to.time.ms(),
            from.sequence.cast_signed(),
            to.digest.map(|digest| format!("{digest:016x}"))
        ])?;
    Ok(moved == 1)
}

/// The highest id of a symbol, or -1.
pub(super) fn newest_id(db: &Connection, symbol: Symbol) -> rusqlite::Result<i64> {
    let sql = "SELECT max(aggregatedTradeId) FROM aggregated_trades WHERE symbol = ?1";
    let id: Option<i64> = db.query_row(sql, [symbol.as_str()], |row| row.get(0))?;
    Ok(id.unwrap_or(-1))
}

/// The row in the table under that key.
pub(super) fn stored(db: &Connection, symbol: Symbol, id: i64) -> rusqlite::Result<Values> {
    db.prepare_cached(
        "SELECT firstTradeId, lastTradeId, tradeTime, price, quantity, isBuyerMaker, bestMatch \
         FROM aggregated_trades WHERE symbol = ?1 AND aggregatedTradeId = ?2",
    )?
    .query_row(params![symbol.as_str(), id], |row| {
        Ok(Values {
            id,
            first_id: row.get(0)?,
            last_id: row.get(1)?,
            time_ms: row.get(2)?,
            price: row.get(3)?,
            quantity: row.get(4)?,
            is_buyer_maker: row.get(5)?,
            best_match: row.get(6)?,
        })
    })
}

/// The trace of a record that is not in its table as it came: when, outcome and reason, key, and the record.
pub(super) fn audit(
    db: &Connection,
    (sequence, time): (u64, WallNs),
    (outcome, reason): (&str, &str),
    key: &str,
    detail: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO audit_log (auditId, time, operation, outcome, tableName, recordKey, reason, correlationId, \
         detailJson) VALUES (?1, ?2, 'saveAggregatedTrade', ?3, 'aggregated_trades', ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        sequence.cast_signed() * AUDITS_PER_SEQUENCE,
        time.ms(),
        outcome,
        key,
        reason,
        sequence.to_string(),
        detail
    ])?;
    Ok(())
}
