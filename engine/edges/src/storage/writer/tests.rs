use super::*;
use pitlane_domain::message::Trade;
use pitlane_domain::units::{Grid, Lots, Ticks};

fn row(id: u64) -> TradeRow {
    TradeRow {
        symbol: Symbol::new(b"BTCUSDT").expect("a symbol"),
        tick_size: Grid::UNIT,
        lot_size: Grid::UNIT,
        trade: Trade {
            px: Ticks(5),
            qty: Lots(7),
            id,
            first_id: id,
            last_id: id,
            is_buyer_maker: false,
            best_match: true,
            backfilled: false,
            off_market: false,
            delayed: false,
        },
        trade_time: WallNs::from_ms(1_723_161_600_000),
    }
}

fn pages(db: &Connection, most: i64) {
    db.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))
        .expect("a limit");
}

#[test]
fn a_full_disk_keeps_every_row_until_space_returns() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.db");
    let mut writer = TradeWriter::open(&path, Options::default()).expect("opened");
    let time = WallNs::from_ms(1_723_161_600_000);
    pages(&writer.db, 60);
    let (mut full, mut sequence, mut now) = (0, 0, 0);
    while sequence < 5000 {
        while writer.room() > 0 && sequence < 5000 {
            sequence += 1;
            writer.apply(&row(sequence), sequence, time);
        }
        now += 100 * NS_PER_MS;
        match writer.tick(now) {
            Ok(State::Ready) => {}
            // In between nothing is attempted.
            Ok(State::Busy { retry_after_ms }) => {
                assert!(full > 0 && retry_after_ms <= RETRY_FULL_MS);
            }
            Err(error) => {
                assert!(matches!(error, StorageError::Full { .. }), "{error}");
                assert!(
                    error.to_string().contains("disk full while writing rows"),
                    "{error}"
                );
                full += 1;
                if full == 3 {
                    pages(&writer.db, 1 << 30);
                }
            }
        }
    }
    assert_eq!(full, 3);
    assert_eq!(writer.counts().rolled_back, 3);
    let closed = writer.close().expect("closed");
    assert_eq!(
        (closed.counts.received, closed.counts.inserted),
        (5000, 5000)
    );
    assert_eq!(closed.last_sequence, 5000);
}

#[test]
#[should_panic(expected = "apply needs room")]
fn more_rows_than_room_is_a_bug() {
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options {
        commit_rows: 2,
        ..Options::default()
    };
    let mut writer = TradeWriter::open(&dir.path().join("a.db"), options).expect("opened");
    for sequence in 1..=3 {
        writer.apply(&row(sequence), sequence, WallNs(0));
    }
}

#[test]
fn statements_stay_prepared() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer =
        TradeWriter::open(&dir.path().join("a.db"), Options::default()).expect("opened");
    for sequence in 1..=100 {
        // New, known, conflicting and skipped rows: every statement is used.
        let mut row = row(sequence / 2);
        row.trade.qty = Lots(i64::try_from(sequence % 7).expect("small"));
        writer.apply(&row, sequence, WallNs::from_ms(1_723_161_600_000));
        writer.tick(sequence * 20 * NS_PER_MS).expect("written");
    }
    assert!(writer.counts().conflicts > 0 && writer.counts().skipped_total() > 0);
    let runs = || {
        writer
            .db
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")
            .expect("kept")
            .get_status(rusqlite::StatementStatus::Run)
    };
    let runs = runs();
    assert!(runs >= 20, "one statement ran for all commits: {runs}");
}
