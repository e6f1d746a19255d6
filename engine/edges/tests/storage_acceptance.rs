//! What the database promises, one test per promise.

mod storage_support;

use pitlane_domain::instrument::Symbol;
use pitlane_domain::units::{Grid, Lots, Ticks, WallNs};
use pitlane_edges::storage::{
    Options, SkipReason, State, StorageError, TradeRow, TradeWriter, dump, dump_lines,
};
use rusqlite::Connection;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use storage_support::{T0, check_exact, nth, number, open, outside, row, time, wal_of, write};

fn lines(path: &Path, table: &str) -> Vec<String> {
    let mut lines = Vec::new();
    dump_lines(path, |of, line| {
        if of == table {
            lines.push(line.to_owned());
        }
    })
    .expect("a dump");
    lines
}

#[test]
fn two_symbols_with_equal_ids_and_invalid_rows_balance() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("deep/er/pitlane.db");
    let mut writer = open(&path);
    let mut sequence = 0;
    let mut invalid = 0;
    for n in 1..=100_000_u64 {
        let mut row = nth(n);
        if n % 997 == 0 {
            invalid += 1;
            match n % 4 {
                0 => row.trade.px = Ticks(0),
                1 => row.trade.qty = Lots(-5),
                2 => row.trade.first_id = row.trade.last_id + 1,
                _ => row.trade_time = WallNs(0),
            }
        }
        sequence += 1;
        if writer.room() == 0 {
            writer.tick(sequence).expect("written");
        }
        writer.apply(&row, sequence, time(n));
    }
    let closed = writer.close().expect("closed");
    let counts = &closed.counts;
    assert_eq!(counts.received, 100_000);
    assert_eq!(counts.skipped_total(), invalid);
    assert_eq!(counts.inserted, 100_000 - invalid);
    assert_eq!(
        (counts.duplicates, counts.conflicts, counts.replayed),
        (0, 0, 0)
    );
    let times = counts.skipped[SkipReason::TimeTooOld as usize];
    assert!(times > 0 && times < invalid);
    let db = outside(&path);
    for symbol in ["BTCUSDT", "BTCUSDT-PERP"] {
        let sql = format!("SELECT count(*) FROM aggregated_trades WHERE symbol = '{symbol}'");
        assert!(number(&db, &sql) > 49_900);
    }
    let audited = number(
        &db,
        "SELECT count(*) FROM audit_log WHERE outcome = 'skipped'",
    );
    assert_eq!(u64::try_from(audited), Ok(invalid));
    assert_eq!(
        lines(&path, "audit_log")[0],
        "audit_log|255232|1723161600071|saveAggregatedTrade|skipped|aggregated_trades|BTCUSDT-PERP:498|\
         quantity_not_positive|997|{\\\"aggregatedTradeId\\\":498,\\\"firstTradeId\\\":1494,\\\"lastTradeId\\\":1496,\
         \\\"tradeTime\\\":1723161600071,\\\"price\\\":60004.98,\\\"quantity\\\":-0.00005,\\\"isBuyerMaker\\\":1,\
         \\\"bestMatch\\\":1}"
    );
}

#[test]
fn the_same_trades_again_change_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = open(&path);
    write(&mut writer, 1, 5000);
    writer.close().expect("closed");
    let trades = lines(&path, "aggregated_trades");

    let mut writer = open(&path);
    assert_eq!(writer.last_sequence(), 5000);
    // At or below the position: not even looked at.
    write(&mut writer, 1, 5000);
    assert_eq!(writer.counts().replayed, 5000);
    // The same trades as new messages, one of them with another price.
    for n in 1..=5000 {
        let mut row = nth(n);
        if n == 4321 {
            row.trade.px = Ticks(row.trade.px.0 + 1);
        }
        if writer.room() == 0 {
            writer.tick(n).expect("written");
        }
        writer.apply(&row, 5000 + n, time(n));
    }
    let closed = writer.close().expect("closed");
    let counts = closed.counts;
    assert_eq!((counts.received, counts.inserted), (5000, 0));
    assert_eq!((counts.duplicates, counts.conflicts), (5000, 1));
    let by_symbol: Vec<_> = counts.duplicates_by_symbol.into_iter().collect();
    let symbol = |text: &str| Symbol::new(text.as_bytes()).expect("a symbol");
    assert_eq!(
        by_symbol,
        [(symbol("BTCUSDT"), 2500), (symbol("BTCUSDT-PERP"), 2500)]
    );
    assert_eq!(lines(&path, "aggregated_trades"), trades);
    let audit = lines(&path, "audit_log");
    assert_eq!(audit.len(), 1);
    for part in [
        format!("|{}|", 9321 * 256),
        "|conflict|aggregated_trades|BTCUSDT-PERP:2160|".into(),
        "kept".into(),
        "60002.06".into(),
        "refused".into(),
        "60002.07".into(),
    ] {
        assert!(audit[0].contains(&part), "{part} in {}", audit[0]);
    }

    let error = outside(&path)
        .execute("UPDATE aggregated_trades SET price = 1", [])
        .expect_err("refused");
    assert!(
        error.to_string().contains("trades are immutable"),
        "{error}"
    );
}

#[test]
fn how_rows_are_grouped_leaves_no_trace() {
    let dir = tempfile::tempdir().expect("a folder");
    let hash = |name: &str, rows: u32, turn: u64| {
        let path = dir.path().join(name);
        let options = Options {
            commit_rows: rows,
            ..Options::default()
        };
        let mut writer = TradeWriter::open(&path, options).expect("opened");
        for n in 1..=3000 {
            if writer.room() == 0 || n % turn == 0 {
                writer.tick(n * 7_000_000).expect("written");
            }
            // Every 5th trade comes twice, every 50th is invalid.
            let mut row = nth(if n % 5 == 0 { n - 4 } else { n });
            if n % 50 == 7 {
                row.trade.qty = Lots(0);
            }
            writer.apply(&row, n, time(n));
        }
        writer.close().expect("closed");
        dump(&path).expect("a dump")
    };
    let one = hash("a.db", 1000, 1000);
    assert_eq!(one.rows[0], ("aggregated_trades", 2340));
    assert_eq!(one, hash("b.db", 1, 1));
    assert_eq!(one, hash("c.db", 77, 13));
}

/// Copies database and WAL as they are on the disk now, as a killed machine would leave them.
fn copy(from: &Path, to: &Path, wal_bytes: Option<usize>) {
    std::fs::copy(from, to).expect("copied");
    let mut wal = std::fs::read(wal_of(from)).unwrap_or_default();
    wal.truncate(wal_bytes.unwrap_or(wal.len()));
    std::fs::write(wal_of(to), wal).expect("copied");
}

#[test]
fn whatever_is_left_after_a_stop_is_exact_and_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let straight = dir.path().join("straight.db");
    let mut writer = open(&straight);
    write(&mut writer, 1, 10_000);
    writer.close().expect("closed");
    let expected = dump(&straight).expect("a dump");

    let path = dir.path().join("a.db");
    let options = Options {
        checkpoint_commits: 3,
        commit_rows: 500,
        ..Options::default()
    };
    let mut writer = TradeWriter::open(&path, options.clone()).expect("opened");
    let mut seen = 0;
    for stop in 1..=20 {
        let from = (stop - 1) * 500 + 1;
        write(&mut writer, from, from + 499);
        if stop % 2 == 0 {
            continue;
        }
        // A copy in the middle of an open transaction.
        writer.tick(0).expect("written");
        let left = dir.path().join(format!("left{stop}.db"));
        copy(&path, &left, None);
        let mut again = TradeWriter::open(&left, options.clone()).expect("opened");
        let last = again.last_sequence();
        assert_eq!(last, writer.last_sequence());
        write(&mut again, last + 1, 10_000);
        again.close().expect("closed");
        assert_eq!(check_exact(&left), 10_000);
        assert_eq!(dump(&left).expect("a dump"), expected, "stop {stop}");
        seen += 1;
    }
    assert_eq!(seen, 10);
    // Left without closing: what was not committed is gone, nothing else.
    write(&mut writer, 10_001, 10_100);
    drop(writer);
    assert_eq!(check_exact(&path), 10_000);
    assert_eq!(open(&path).last_sequence(), 10_000);
    assert_eq!(dump(&path).expect("a dump"), expected);
}

#[test]
fn a_wal_cut_anywhere_gives_an_exact_database() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let options = Options {
        commit_rows: 100,
        ..Options::default()
    };
    let mut writer = TradeWriter::open(&path, options.clone()).expect("opened");
    write(&mut writer, 1, 2000);
    writer.commit(0).expect("committed");
    let whole = dump(&path).expect("a dump");
    let wal = std::fs::metadata(wal_of(&path)).expect("a WAL").len();
    let wal = usize::try_from(wal).expect("small");
    let mut positions = Vec::new();
    // Whole frames, torn frames, the header, nothing.
    let cuts = (0..40)
        .map(|k| wal - (wal * k / 40))
        .chain([wal - 1, wal - 4000, 100, 31, 0]);
    for cut in cuts {
        let left = dir.path().join("left.db");
        copy(&path, &left, Some(cut));
        let mut again = TradeWriter::open(&left, options.clone()).expect("opened");
        let last = again.last_sequence();
        assert_eq!(last % 100, 0, "a group is there as a whole or not at all");
        positions.push(last);
        write(&mut again, last + 1, 2000);
        again.close().expect("closed");
        assert_eq!(check_exact(&left), 2000);
        assert_eq!(dump(&left).expect("a dump"), whole, "cut at {cut} of {wal}");
    }
    positions.sort_unstable();
    positions.dedup();
    assert!(positions.len() > 10, "{positions:?}");
}

#[test]
fn killed_again_and_again_nothing_is_lost_or_doubled() {
    const ROWS: u64 = 120_000;
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut position = 0;
    let mut kills = 0;
    for round in 0_u32.. {
        let mut child = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "a_child_that_writes"])
            .env("PITLANE_TEST_DATABASE", &path)
            .env("PITLANE_TEST_ROWS", ROWS.to_string())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("a child");
        // Wait until it moves, then strike at another moment each time.
        while child.try_wait().expect("a state").is_none() {
            std::thread::sleep(Duration::from_millis(2));
            let now = Connection::open(&path).and_then(|db| {
                db.query_row("SELECT lastSequence FROM writer_state", [], |r| r.get(0))
            });
            if now.unwrap_or(0_i64).cast_unsigned() >= position + 8000 {
                std::thread::sleep(Duration::from_micros(u64::from(round * 7919 % 5000)));
                child.kill().expect("killed");
                kills += 1;
                break;
            }
        }
        let status = child.wait().expect("gone");
        let now = check_exact(&path);
        assert!(now >= position);
        position = now;
        if status.success() {
            break;
        }
    }
    assert_eq!(position, ROWS);
    assert!(kills > 3, "{kills} kills");
}

/// The child of the test above; by itself it has nothing to do.
#[test]
fn a_child_that_writes() {
    let Ok(path) = std::env::var("PITLANE_TEST_DATABASE") else {
        return;
    };
    let rows: u64 = std::env::var("PITLANE_TEST_ROWS")
        .expect("rows")
        .parse()
        .expect("rows");
    let options = Options {
        commit_rows: 700,
        checkpoint_commits: 5,
        ..Options::default()
    };
    let path = PathBuf::from(path);
    let mut writer = loop {
        // The parent looks at the file now and then.
        match TradeWriter::open(&path, options.clone()) {
            Err(StorageError::Locked { .. }) => std::thread::sleep(Duration::from_millis(1)),
            other => break other.expect("opened"),
        }
    };
    for n in writer.last_sequence() + 1..=rows {
        while writer.room() == 0 {
            writer.commit(n).expect("committed");
        }
        writer.apply(&nth(n), n, time(n));
    }
    writer.close().expect("closed");
}

#[test]
fn a_reader_that_stays_makes_a_warning_and_stops_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let options = Options {
        commit_rows: 100,
        checkpoint_bytes: 256 << 10,
        wal_warning_bytes: 1 << 20,
        quiet_after: Duration::from_secs(5),
        ..Options::default()
    };
    let mut writer = TradeWriter::open(&path, options).expect("opened");
    write(&mut writer, 1, 1000);
    let reader = outside(&path);
    reader.execute_batch("BEGIN").expect("begun");
    let before = number(&reader, "SELECT count(*) FROM aggregated_trades");
    write(&mut writer, 1001, 12_000);
    let held = writer.wal();
    assert!(
        held.warning && held.backlog_bytes > 0 && held.checkpoints_held > 0,
        "{held:?}"
    );
    assert_eq!(
        number(&reader, "SELECT count(*) FROM aggregated_trades"),
        before
    );
    let file = std::fs::metadata(wal_of(&path)).expect("a WAL").len();
    assert!(file.abs_diff(held.bytes) < 4200 * 40, "{file} {held:?}");

    reader.execute_batch("COMMIT").expect("ended");
    write(&mut writer, 12_001, 20_000);
    let after = writer.wal();
    assert!(!after.warning && after.bytes < 1 << 20, "{after:?}");

    // In a quiet moment the file itself is cut. Progress without rows does not disturb the quiet.
    write(&mut writer, 20_001, 30_000);
    writer.commit(0).expect("committed");
    reader
        .execute_batch("BEGIN; SELECT 1 FROM writer_state")
        .expect("begun");
    write(&mut writer, 30_001, 40_000);
    reader.execute_batch("COMMIT").expect("ended");
    writer.commit(0).expect("committed");
    assert!(writer.wal().bytes > 1 << 20);
    for second in 0..7 {
        writer.advance(40_001 + second, time(40_000));
        writer.tick(second * 1_000_000_000).expect("written");
    }
    assert!(writer.wal().bytes < 64 << 10, "{:?}", writer.wal());
    let file = std::fs::metadata(wal_of(&path)).expect("a WAL").len();
    assert!(file < 64 << 10, "{file}");
}

#[test]
fn a_locked_database_is_tried_again_and_no_row_is_lost() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = open(&path);
    write(&mut writer, 1, 10);
    let other = outside(&path);
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let ms = 1_000_000;
    let mut now = 0;
    for wait in [50, 100, 200, 400, 800, 800] {
        let busy = |retry_after_ms| State::Busy { retry_after_ms };
        assert_eq!(writer.tick(now).expect("a state"), busy(wait));
        assert_eq!(writer.tick(now + ms).expect("a state"), busy(wait - 1));
        now += wait * ms;
    }
    assert_eq!((writer.counts().busy, writer.counts().failed), (6, 1));
    assert_eq!(writer.room(), 990);
    other.execute_batch("COMMIT").expect("free");
    assert_eq!(writer.tick(now).expect("a state"), State::Ready);
    assert_eq!(writer.tick(now + 50 * ms).expect("a state"), State::Ready);
    assert_eq!(writer.last_sequence(), 10);
    assert_eq!(check_exact(&path), 10);
}

#[test]
fn time_commits_what_rows_do_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = open(&path);
    let ms = 1_000_000;
    writer.apply(&nth(1), 1, time(1));
    writer.tick(1000 * ms).expect("written");
    writer.apply(&nth(2), 2, time(2));
    writer.tick(1049 * ms).expect("written");
    assert_eq!(writer.last_sequence(), 0);
    // Nobody outside sees a row before its commit.
    assert_eq!(check_exact(&path), 0);
    writer.tick(1050 * ms).expect("written");
    assert_eq!((writer.last_sequence(), check_exact(&path)), (2, 2));
    // Messages without rows move the position too, at leisure.
    writer.advance(9, time(9));
    writer.tick(1051 * ms).expect("written");
    writer.tick(2050 * ms).expect("written");
    assert_eq!((writer.last_sequence(), writer.seen_sequence()), (2, 9));
    writer.tick(2051 * ms).expect("written");
    assert_eq!(writer.last_sequence(), 9);
    assert_eq!(writer.counts().commits, 2);
}

#[test]
fn somebody_else_who_writes_is_noticed() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = open(&path);
    write(&mut writer, 1, 100);
    writer.commit(0).expect("committed");
    // A row put in by hand, ahead of ours: found, kept, and counted as a conflict.
    outside(&path)
        .execute(
            "INSERT INTO aggregated_trades VALUES (70, 1, 1, ?1, 'BTCUSDT', 5.0, 1.0, 0, 'BUY', 1)",
            [T0],
        )
        .expect("inserted");
    write(&mut writer, 101, 300);
    writer.commit(0).expect("committed");
    let counts = writer.counts();
    assert_eq!(
        (counts.inserted, counts.duplicates, counts.conflicts),
        (299, 1, 1)
    );
    assert_eq!(counts.rolled_back, 1);

    outside(&path)
        .execute("UPDATE writer_state SET lastSequence = 7777", [])
        .expect("moved");
    write(&mut writer, 301, 310);
    let error = writer.commit(0).expect_err("two writers");
    assert!(
        matches!(
            error,
            StorageError::TwoWriters {
                expected: 300,
                found: 7777,
                ..
            }
        ),
        "{error}"
    );
    drop(writer);
    assert_eq!(
        number(&outside(&path), "SELECT count(*) FROM aggregated_trades"),
        300
    );
}

#[test]
fn closing_gives_back_statements_before_the_database() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = open(&path);
    write(&mut writer, 1, 12_345);
    let closed = writer.close().expect("closed");
    let order: Vec<_> = closed
        .released
        .iter()
        .map(|r| (r.order, r.owner, r.failure.clone()))
        .collect();
    assert_eq!(
        order,
        [(60, "PipelineStorage", None), (10, "MainStorage", None)]
    );
    assert_eq!(closed.last_sequence, 12_345);
    let wal = std::fs::metadata(wal_of(&path)).map_or(0, |meta| meta.len());
    assert_eq!(wal, 0, "the WAL is empty or absent");
    assert_eq!(check_exact(&path), 12_345);
}

#[test]
fn every_listed_query_uses_an_index() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    open(&path).close().expect("closed");
    let db = outside(&path);
    for (sql, index) in [
        (
            "SELECT * FROM aggregated_trades WHERE symbol = ?1 ORDER BY tradeTime DESC LIMIT 1000",
            "symbol_time",
        ),
        (
            "SELECT max(tradeTime) FROM aggregated_trades WHERE symbol = ?1",
            "symbol_time",
        ),
        (
            "SELECT max(aggregatedTradeId) FROM aggregated_trades WHERE symbol = ?1",
            "autoindex",
        ),
        (
            "SELECT * FROM aggregated_trades WHERE symbol = ?1 AND aggregatedTradeId = ?2",
            "autoindex",
        ),
        (
            "SELECT * FROM aggregated_trades WHERE aggregatedTradeId = ?1",
            "agg_id",
        ),
        (
            "SELECT rowid FROM aggregated_trades WHERE tradeTime < ?1 LIMIT 10000",
            "tradeTime",
        ),
        (
            "SELECT * FROM audit_log WHERE time BETWEEN ?1 AND ?2 ORDER BY time",
            "audit_log_time",
        ),
        ("DELETE FROM audit_log WHERE time < ?1", "audit_log_time"),
    ] {
        let mut statement = db
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .expect("a query");
        for at in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(at, 1).expect("bound");
        }
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().expect("a plan") {
            plan += &row.get::<_, String>(3).expect("a line");
        }
        assert!(
            plan.starts_with("SEARCH") && plan.contains(index),
            "{sql}: {plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

#[test]
fn the_settings_are_the_documented_ones() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = open(&path);
    write(&mut writer, 1, 10);
    writer.commit(0).expect("committed");
    let db = outside(&path);
    let mode: String = db
        .query_row("PRAGMA journal_mode", [], |r| r.get(0))
        .expect("a mode");
    assert_eq!(mode, "wal");
    assert_eq!(number(&db, "PRAGMA auto_vacuum"), 2, "incremental");
    assert_eq!(number(&db, "PRAGMA application_id"), 0x5049_544C);
    assert_eq!(number(&db, "SELECT schemaVersion FROM writer_state"), 1);
}

#[track_caller]
fn refused_untouched(path: &Path, expected: &str) {
    let files = |path: &Path| {
        // Reading makes an empty WAL where there is none.
        let wal = std::fs::read(wal_of(path)).unwrap_or_default();
        (std::fs::read(path).ok(), wal)
    };
    let before = files(path);
    let error = TradeWriter::open(path, Options::default())
        .err()
        .expect("refused");
    let error = error.to_string();
    assert!(error.contains(expected), "{error}");
    assert!(error.contains(&path.display().to_string()), "{error}");
    assert!(files(path) == before, "changed after: {error}");
}

#[test]
fn damaged_and_foreign_files_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = open(&path);
    write(&mut writer, 1, 20_000);
    writer.close().expect("closed");
    let good = std::fs::read(&path).expect("bytes");
    let mut wal = Vec::new();
    {
        // A WAL beside it, as after a kill.
        let mut writer = open(&path);
        write(&mut writer, 20_001, 22_000);
        writer.commit(0).expect("committed");
        std::fs::File::open(wal_of(&path))
            .and_then(|mut f| f.read_to_end(&mut wal))
            .expect("bytes");
    }
    let bad = dir.path().join("bad.db");
    let write_bad = |bytes: &[u8], wal: &[u8]| {
        std::fs::write(&bad, bytes).expect("written");
        std::fs::write(wal_of(&bad), wal).expect("written");
    };

    write_bad(b"this is no database, whatever its name says. It is long enough to have a header of 100 bytes, and more.", b"");
    refused_untouched(&bad, "the check of the file header failed");
    let mut torn = good.clone();
    torn[4096 * 40..4096 * 60].fill(0xA5);
    write_bad(&torn, b"");
    refused_untouched(&bad, "quick_check failed");
    write_bad(&torn, &wal);
    refused_untouched(&bad, "quick_check failed");
    write_bad(&good[..good.len() / 2], b"");
    refused_untouched(&bad, "failed");
    assert!(matches!(
        TradeWriter::open(&bad, Options::default()),
        Err(StorageError::Corrupt { .. })
    ));
    let mut headless = good.clone();
    headless[..16].fill(0);
    write_bad(&headless, b"");
    refused_untouched(&bad, "the check of the file header failed");
    write_bad(&good, &wal);
    assert_eq!(open(&bad).last_sequence(), 22_000);

    let foreign = dir.path().join("foreign.db");
    outside(&foreign)
        .execute_batch("CREATE TABLE theirs (x)")
        .expect("made");
    refused_untouched(&foreign, "belongs to another program");
    let newer = dir.path().join("newer.db");
    open(&newer).close().expect("closed");
    outside(&newer)
        .execute("UPDATE writer_state SET schemaVersion = 99", [])
        .expect("changed");
    refused_untouched(&newer, "schema version 99");
    refused_untouched(dir.path(), "");
}

#[test]
fn real_trades_read_back_as_the_same_integers() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tools/pitlane/sample/binance-spot-btcusdt-20240808.gz"
    );
    let bytes = std::fs::File::open(file).expect("the sample");
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_string(&mut text)
        .expect("text");
    let (tick, lot) = (row("X", 0).tick_size, row("X", 0).lot_size);
    let parse = |grid: Grid, value: &serde_json::Value| grid.parse(value.as_str()?.as_bytes()).ok();
    let mut rows: Vec<TradeRow> = Vec::new();
    for line in text.lines().filter(|line| line.contains("\"e\":\"trade\"")) {
        let json = line.split_once(' ').expect("a stamp").1;
        let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let data = &json["data"];
        let mut row = row("BTCUSDT", 0);
        row.trade.px = Ticks(parse(tick, &data["p"]).expect("a price"));
        row.trade.qty = Lots(parse(lot, &data["q"]).expect("a quantity"));
        row.trade.id = data["t"].as_u64().expect("an id");
        (row.trade.first_id, row.trade.last_id) = (row.trade.id, row.trade.id);
        row.trade.is_buyer_maker = data["m"].as_bool().expect("a side");
        row.trade_time = WallNs::from_ms(data["T"].as_i64().expect("a time"));
        rows.push(row);
    }
    assert_eq!(rows.len(), 9757);

    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = open(&path);
    for (row, sequence) in rows.iter().zip(1..) {
        if writer.room() == 0 {
            writer.tick(sequence).expect("written");
        }
        writer.apply(row, sequence, row.trade_time);
    }
    let counts = writer.close().expect("closed").counts;
    assert_eq!((counts.inserted, counts.duplicates), (9757, 0));
    let db = outside(&path);
    let mut statement = db
        .prepare("SELECT aggregatedTradeId, price, quantity, orderType FROM aggregated_trades ORDER BY aggregatedTradeId")
        .expect("a query");
    let read: Vec<(u64, f64, f64, String)> = statement
        .query_map([], |r| {
            Ok((
                r.get::<_, i64>(0)?.cast_unsigned(),
                r.get(1)?,
                r.get(2)?,
                r.get(3)?,
            ))
        })
        .and_then(Iterator::collect)
        .expect("rows");
    for (row, (id, price, quantity, side)) in rows.iter().zip(&read) {
        assert_eq!(row.trade.id, *id);
        let back = |grid: Grid, value: f64| grid.parse(format!("{value:.8}").as_bytes());
        assert_eq!(back(tick, *price), Ok(row.trade.px.0));
        assert_eq!(back(lot, *quantity), Ok(row.trade.qty.0));
        assert_eq!(side == "SELL", row.trade.is_buyer_maker);
    }
}
