//! Any order of rows, turns and stops against a plain map: the first row of a key stays, the sums balance, and the
//! database left behind depends on the sequence alone.

mod storage_support;

use pitlane_domain::units::{Lots, WallNs};
use pitlane_edges::storage::{Options, TradeRow, TradeWriter, dump, dump_lines};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use storage_support::{row, time};

#[derive(Clone, Debug)]
enum Step {
    /// A row: symbol, id, a change to its quantity.
    Row(bool, u64, i64),
    /// A message without a row.
    Other,
    /// A turn of the writer, so many ms later.
    Turn(u64),
    /// The process dies; the tail is read again from the position, as the tick store would give it.
    Die,
    /// A clean end and a new start.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        30 => (any::<bool>(), 0_u64..60, -1_i64..3).prop_map(|(s, id, d)| Step::Row(s, id, d)),
        5 => Just(Step::Other),
        5 => (0_u64..40).prop_map(Step::Turn),
        1 => Just(Step::Die),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..300)
}

fn row_of(symbol: bool, id: u64, change: i64) -> TradeRow {
    let mut row = row(if symbol { "A" } else { "B" }, id);
    // -1 makes it invalid, 1 and 2 make it differ.
    row.trade.qty = if change < 0 {
        Lots(0)
    } else {
        Lots(row.trade.qty.0 + change)
    };
    row
}

/// The message of each sequence number: a row, or nothing that concerns storage.
fn messages(steps: &[Step]) -> Vec<Option<TradeRow>> {
    let each = steps.iter().filter_map(|step| match step {
        Step::Row(symbol, id, change) => Some(Some(row_of(*symbol, *id, *change))),
        Step::Other => Some(None),
        _ => None,
    });
    each.collect()
}

fn options(rows: u32) -> Options {
    Options {
        commit_rows: rows,
        checkpoint_commits: 4,
        ..Options::default()
    }
}

/// Applies the messages from the writer's position up to `to`.
fn catch_up(writer: &mut TradeWriter, messages: &[Option<TradeRow>], to: u64, now: u64) {
    for sequence in writer.seen_sequence() + 1..=to {
        let at = usize::try_from(sequence - 1).expect("small");
        match &messages[at] {
            Some(row) => {
                while writer.room() == 0 {
                    writer.tick(now).expect("written");
                }
                writer.apply(row, sequence, time(sequence));
            }
            None => writer.advance(sequence, time(sequence)),
        }
    }
}

fn run(path: &Path, rows: u32, steps: &[Step], messages: &[Option<TradeRow>]) {
    let open = || TradeWriter::open(path, options(rows)).expect("opened");
    let (mut writer, mut sequence, mut now) = (open(), 0, 0);
    for step in steps {
        match step {
            Step::Row(..) | Step::Other => {
                sequence += 1;
                catch_up(&mut writer, messages, sequence, now);
            }
            Step::Turn(ms) => {
                now += ms * 1_000_000;
                writer.tick(now).expect("written");
            }
            Step::Die => {
                drop(writer);
                writer = open();
                catch_up(&mut writer, messages, sequence, now);
            }
            Step::Restart => {
                let closed = writer.close().expect("closed");
                assert_eq!(closed.last_sequence, sequence);
                writer = open();
            }
        }
        let counts = writer.counts();
        let sum = counts.inserted + counts.duplicates + counts.skipped_total();
        assert_eq!(counts.received, sum);
    }
    writer.close().expect("closed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_file_is_what_the_sequence_says(steps in steps(), rows in 1_u32..60) {
        let messages = messages(&steps);
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.db");
        run(&path, rows, &steps, &messages);

        let mut model = BTreeMap::new();
        let (mut skipped, mut conflicts) = (Vec::new(), Vec::new());
        for (sequence, row) in (1_u64..).zip(&messages) {
            let Some(row) = row else { continue };
            let key = (row.symbol.as_str().to_owned(), row.trade.id);
            if row.trade.qty.0 == 0 {
                skipped.push(sequence);
            } else if *model.entry(key).or_insert(*row) != *row {
                conflicts.push(sequence);
            }
        }
        let mut trades = Vec::new();
        let mut audits = Vec::new();
        let mut state = String::new();
        dump_lines(&path, |table, line| {
            let column = |at: usize| line.split('|').nth(at).expect("a column").to_owned();
            match table {
                "aggregated_trades" => trades.push((column(5), column(1), column(7))),
                "audit_log" => audits.push((column(8).parse::<u64>().expect("a number"), column(4))),
                _ => state = line.to_owned(),
            }
        })
        .expect("a dump");
        let expected: Vec<_> = model
            .values()
            .map(|row| {
                let quantity = row.lot_size.to_f64(row.trade.qty.0);
                (row.symbol.to_string(), row.trade.id.to_string(), format!("{quantity:?}"))
            })
            .collect();
        prop_assert_eq!(trades, expected);
        let mut exceptions: Vec<_> = skipped
            .into_iter()
            .map(|sequence| (sequence, "skipped".to_owned()))
            .chain(conflicts.into_iter().map(|sequence| (sequence, "conflict".to_owned())))
            .collect();
        exceptions.sort();
        prop_assert_eq!(audits, exceptions);
        let last = messages.len() as u64;
        let last_time = if last == 0 { WallNs(0) } else { time(last) };
        prop_assert_eq!(state, format!("writer_state|1|1|{last}|{}|NULL", last_time.ms()));

        // No stop, one group: the same file.
        let straight = dir.path().join("straight.db");
        let plain: Vec<Step> = steps
            .iter()
            .filter(|step| matches!(step, Step::Row(..) | Step::Other))
            .cloned()
            .collect();
        run(&straight, 1000, &plain, &messages);
        prop_assert_eq!(dump(&straight).expect("a dump"), dump(&path).expect("a dump"));
    }
}
