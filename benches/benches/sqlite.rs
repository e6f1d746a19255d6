//! Trades into SQLite through the writer, against the same inserts into memory and one row per transaction.
#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

use criterion::{Criterion, Throughput};
use pitlane_benches::{frames, messages, table};
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::message::Body;
use pitlane_edges::storage::{Options, TradeRow, TradeWriter};
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::{Duration, Instant};

/// Rows of one round; two groups of the usual size.
const ROWS: usize = 2000;
/// Rows of one insert statement, where memory is the limit.
const ROWS_AT_ONCE: usize = 50;

fn rows() -> Vec<(u64, TradeRow)> {
    let table = table();
    let instrument = table.get(InstrumentId(0)).unwrap();
    let row = |message: &pitlane_domain::message::Message| match message.body() {
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
    };
    let rows: Vec<_> = messages(&frames(20_000))
        .iter()
        .filter_map(row)
        .take(ROWS)
        .collect();
    assert_eq!(rows.len(), ROWS, "the sample has trades");
    rows
}

fn ours(dir: &Path, rows: &[(u64, TradeRow)]) -> Duration {
    let mut writer = TradeWriter::open(&dir.join("bench.db"), Options::default()).unwrap();
    let start = Instant::now();
    for (at, (sequence, row)) in (0_u64..).zip(rows) {
        if writer.room() == 0 || at % 64 == 0 {
            writer.tick(at).unwrap();
        }
        writer.apply(row, *sequence, row.trade_time);
    }
    writer.commit(0).unwrap();
    let took = start.elapsed();
    assert_eq!(writer.last_sequence(), rows.last().unwrap().0);
    writer.close().unwrap();
    took
}

/// The writer's own tables, in another database.
fn same_tables(db: &Connection) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("schema.db");
    TradeWriter::open(&path, Options::default())
        .unwrap()
        .close()
        .unwrap();
    let source = Connection::open(&path).unwrap();
    let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
    let mut statement = source.prepare(sql).unwrap();
    let made = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    for sql in made {
        db.execute_batch(&sql.unwrap()).unwrap();
    }
}

/// Inserts so many rows a statement and so many statements a transaction.
fn plain(db: &mut Connection, rows: &[(u64, TradeRow)], at_once: usize, group: usize) -> Duration {
    let sql = format!(
        "INSERT INTO aggregated_trades (aggregatedTradeId, firstTradeId, lastTradeId, tradeTime, symbol, price, \
         quantity, isBuyerMaker, orderType, bestMatch) VALUES {} ON CONFLICT DO NOTHING",
        vec!["(?,?,?,?,?,?,?,?,?,?)"; at_once].join(",")
    );
    let start = Instant::now();
    for group in rows.chunks(group) {
        let transaction = db.transaction().unwrap();
        {
            let mut statement = transaction.prepare_cached(&sql).unwrap();
            for rows in group.chunks(at_once) {
                for (at, (_, row)) in rows.iter().enumerate() {
                    let mut column = at * 10;
                    let mut bind = |value: &dyn rusqlite::ToSql| {
                        column += 1;
                        statement.raw_bind_parameter(column, value).unwrap();
                    };
                    let trade = &row.trade;
                    for id in [trade.id, trade.first_id, trade.last_id] {
                        bind(&id.cast_signed());
                    }
                    bind(&row.trade_time.ms());
                    bind(&row.symbol.as_str());
                    bind(&row.tick_size.to_f64(trade.px.0));
                    bind(&row.lot_size.to_f64(trade.qty.0));
                    bind(&trade.is_buyer_maker);
                    bind(&if trade.is_buyer_maker { "SELL" } else { "BUY" });
                    bind(&trade.best_match);
                }
                statement.raw_execute().unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    start.elapsed()
}

fn count(db: &Connection) -> i64 {
    let sql = "SELECT count(*) FROM aggregated_trades";
    db.query_row(sql, params![], |row| row.get(0)).unwrap()
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let rows = rows();
    let mut group = criterion.benchmark_group("sqlite/2000 trades");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.sample_size(10);
    group.bench_function("pitlane", |bench| {
        bench.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| ours(tempfile::tempdir().unwrap().path(), &rows))
                .sum()
        });
    });
    group.bench_function("limit: the same into memory", |bench| {
        bench.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| {
                    let mut db = Connection::open_in_memory().unwrap();
                    same_tables(&db);
                    let took = plain(&mut db, &rows, ROWS_AT_ONCE, 1000);
                    assert_eq!(count(&db), 2000);
                    took
                })
                .sum()
        });
    });
    group.bench_function("one row per transaction", |bench| {
        bench.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| {
                    let dir = tempfile::tempdir().unwrap();
                    let mut db = Connection::open(dir.path().join("bench.db")).unwrap();
                    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
                        .unwrap();
                    db.pragma_update(None, "synchronous", "NORMAL").unwrap();
                    same_tables(&db);
                    plain(&mut db, &rows, 1, 1)
                })
                .sum()
        });
    });
    group.finish();
    criterion.final_summary();
}
