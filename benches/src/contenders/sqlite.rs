//! Trades into `SQLite` through the writer, against the same inserts into memory and one row per transaction.

use crate::report::Goal;
use crate::rounds::{Role, Row, Sample};
use crate::{frames, messages, table};
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::message::Body;
use pitlane_edges::storage::{Options, TradeRow, TradeWriter};
use rusqlite::Connection;
use std::path::Path;
use std::time::{Duration, Instant};

/// Rows of one round; two groups of the usual size.
pub const ROWS: usize = 2000;
/// Rows of one insert statement, where memory is the limit.
const ROWS_AT_ONCE: usize = 50;
/// Rows of one transaction, where memory is the limit.
const GROUP: usize = 1000;

/// The first trades of the sample as rows, with their sequence numbers.
///
/// # Panics
/// If the sample has too few.
pub fn rows() -> Vec<(u64, TradeRow)> {
    let table = table();
    let instrument = table.get(InstrumentId(0)).expect("the instrument");
    let rows: Vec<_> = messages(&frames(20_000))
        .iter()
        .filter_map(|message| match message.body() {
            Some(Body::Trade(trade)) => Some((
                message.sequence,
                TradeRow {
                    symbol: instrument.symbol,
                    tick_size: instrument.tick_size,
                    lot_size: instrument.lot_size,
                    trade,
                    trade_time: message.ts_event,
                },
            )),
            _ => None,
        })
        .take(ROWS)
        .collect();
    assert_eq!(rows.len(), ROWS, "the sample has trades");
    rows
}

/// Ours, in a new database of this folder.
///
/// # Panics
/// If the database cannot be written.
pub fn ours(dir: &Path, rows: &[(u64, TradeRow)]) -> Duration {
    let path = dir.join("bench.db");
    let mut writer = TradeWriter::open(&path, Options::default()).expect("a database");
    let start = Instant::now();
    for (at, (sequence, row)) in (0_u64..).zip(rows) {
        if writer.room() == 0 || at % 64 == 0 {
            writer.tick(at).expect("a transaction");
        }
        writer.apply(row, *sequence, row.trade_time);
    }
    writer.commit(0).expect("the last transaction");
    let took = start.elapsed();
    let last = rows.last().map_or(0, |(sequence, _)| *sequence);
    assert_eq!(writer.last_sequence(), last);
    writer.close().expect("a good end");
    took
}

/// The same rows by the same inserts into `:memory:`.
///
/// # Panics
/// If `SQLite` refuses.
pub fn in_memory(rows: &[(u64, TradeRow)]) -> Duration {
    let mut db = Connection::open_in_memory().expect("a database");
    same_tables(&db).expect("tables");
    let took = plain(&mut db, rows, ROWS_AT_ONCE, GROUP).expect("inserts");
    let sql = "SELECT count(*) FROM aggregated_trades";
    let count: i64 = db.query_row(sql, [], |row| row.get(0)).expect("a count");
    assert_eq!(usize::try_from(count), Ok(rows.len()));
    took
}

/// One row per transaction, in a new database of this folder, with the same journal.
///
/// # Panics
/// If `SQLite` refuses.
pub fn row_by_row(dir: &Path, rows: &[(u64, TradeRow)]) -> Duration {
    let mut db = Connection::open(dir.join("bench.db")).expect("a database");
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .and_then(|()| db.pragma_update(None, "synchronous", "NORMAL"))
        .and_then(|()| same_tables(&db))
        .and_then(|()| plain(&mut db, rows, 1, 1))
        .expect("inserts")
}

/// The writer's own tables, in another database.
fn same_tables(db: &Connection) -> rusqlite::Result<()> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("schema.db");
    let made = TradeWriter::open(&path, Options::default()).and_then(TradeWriter::close);
    made.expect("the writer's tables");
    let source = Connection::open(&path)?;
    let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
    let mut statement = source.prepare(sql)?;
    for sql in statement.query_map([], |row| row.get::<_, String>(0))? {
        db.execute_batch(&sql?)?;
    }
    Ok(())
}

/// Inserts so many rows a statement and so many statements a transaction.
fn plain(
    db: &mut Connection,
    rows: &[(u64, TradeRow)],
    at_once: usize,
    group: usize,
) -> rusqlite::Result<Duration> {
    let sql = format!(
        "INSERT INTO aggregated_trades (aggregatedTradeId, firstTradeId, lastTradeId, tradeTime, symbol, price, \
         quantity, isBuyerMaker, orderType, bestMatch) VALUES {} ON CONFLICT DO NOTHING",
        vec!["(?,?,?,?,?,?,?,?,?,?)"; at_once].join(",")
    );
    let start = Instant::now();
    for group in rows.chunks(group) {
        let transaction = db.transaction()?;
        {
            let mut statement = transaction.prepare_cached(&sql)?;
            for rows in group.chunks(at_once) {
                let mut column = 0;
                for (_, row) in rows {
                    let mut bind = |value: &dyn rusqlite::ToSql| {
                        column += 1;
                        statement.raw_bind_parameter(column, value)
                    };
                    let trade = &row.trade;
                    for id in [trade.id, trade.first_id, trade.last_id] {
                        bind(&id.cast_signed())?;
                    }
                    bind(&row.trade_time.ms())?;
                    bind(&row.symbol.as_str())?;
                    bind(&row.tick_size.to_f64(trade.px.0))?;
                    bind(&row.lot_size.to_f64(trade.qty.0))?;
                    bind(&trade.is_buyer_maker)?;
                    bind(&if trade.is_buyer_maker { "SELL" } else { "BUY" })?;
                    bind(&trade.best_match)?;
                }
                statement.raw_execute()?;
            }
        }
        transaction.commit()?;
    }
    Ok(start.elapsed())
}

/// The row.
pub fn row<'a>(rows: &'a [(u64, TradeRow)], within: &'a Path) -> Row<'a> {
    let dir = move || tempfile::tempdir_in(within).expect("a folder for the database");
    Row::new(
        "sqlite",
        "trades into SQLite with its indexes",
        "ns per row",
    )
    .with(Role::Ours, "pitlane", move || {
        Sample::per(ours(dir().path(), rows), rows.len())
    })
    .with(Role::Limit, "the same into memory", || {
        Sample::per(in_memory(rows), rows.len())
    })
    .with(Role::Rival, "one row per transaction", move || {
        Sample::per(row_by_row(dir().path(), rows), rows.len())
    })
    .goal(Goal::LimitTimes(1.0 / 0.85))
    .goal(Goal::Rival("one row per transaction", 15.0))
    .note("databases on the disk of the build")
}
