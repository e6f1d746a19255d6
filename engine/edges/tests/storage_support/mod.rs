//! Trades in a known order, and short ways to write and to look.
#![allow(dead_code, reason = "each test crate uses its part")]

use pitlane_domain::instrument::Symbol;
use pitlane_domain::message::Trade;
use pitlane_domain::units::{Grid, Lots, Ticks, WallNs};
use pitlane_edges::storage::{Options, State, TradeRow, TradeWriter};
use rusqlite::Connection;
use std::path::Path;

/// 2024-08-09 00:00 UTC.
pub const T0: i64 = 1_723_161_600_000;

pub fn row(symbol: &str, id: u64) -> TradeRow {
    let n = i64::try_from(id).expect("a small id");
    TradeRow {
        symbol: Symbol::new(symbol.as_bytes()).expect("a symbol"),
        tick_size: Grid::of_step(b"0.01").expect("a step"),
        lot_size: Grid::of_step(b"0.00001").expect("a step"),
        trade: Trade {
            px: Ticks(6_000_000 + n % 977),
            qty: Lots(1 + n % 1013),
            id,
            first_id: id * 3,
            last_id: id * 3 + 2,
            is_buyer_maker: id.is_multiple_of(3),
            best_match: true,
            backfilled: false,
            off_market: false,
            delayed: false,
        },
        trade_time: WallNs::from_ms(T0 + n / 7),
    }
}

/// The `n`th trade (from 1) of a sequence of two symbols whose ids are equal.
pub fn nth(n: u64) -> TradeRow {
    let symbol = if n.is_multiple_of(2) {
        "BTCUSDT"
    } else {
        "BTCUSDT-PERP"
    };
    row(symbol, (n - 1) / 2)
}

pub fn time(n: u64) -> WallNs {
    WallNs::from_ms(T0 + i64::try_from(n).expect("small") / 14)
}

/// Writes the trades `from..=to` of [`nth`] in turns of 100; time passes 1 ms a turn.
pub fn write(writer: &mut TradeWriter, from: u64, to: u64) {
    for n in from..=to {
        if writer.room() == 0 || n.is_multiple_of(100) {
            let state = writer.tick(n * 10_000).expect("written");
            assert_eq!(state, State::Ready);
        }
        writer.apply(&nth(n), n, time(n));
    }
}

pub fn open(path: &Path) -> TradeWriter {
    TradeWriter::open(path, Options::default()).expect("opened")
}

/// A connection from outside, as a person with the command line has.
pub fn outside(path: &Path) -> Connection {
    Connection::open(path).expect("a second connection")
}

pub fn number(db: &Connection, sql: &str) -> i64 {
    db.query_row(sql, [], |row| row.get(0)).expect("a number")
}

pub fn wal_of(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The rows are exactly those of the sequence up to the position, for a sequence of [`nth`].
pub fn check_exact(path: &Path) -> u64 {
    let db = outside(path);
    let last = number(&db, "SELECT lastSequence FROM writer_state");
    assert_eq!(number(&db, "SELECT count(*) FROM aggregated_trades"), last);
    let highest =
        "SELECT coalesce(max(aggregatedTradeId), -1) FROM aggregated_trades WHERE symbol = ";
    assert_eq!(
        number(&db, &format!("{highest} 'BTCUSDT-PERP'")),
        (last + 1) / 2 - 1
    );
    assert_eq!(number(&db, &format!("{highest} 'BTCUSDT'")), last / 2 - 1);
    u64::try_from(last).expect("a position")
}
