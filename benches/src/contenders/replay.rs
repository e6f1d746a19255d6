//! A recorded sequence out of the tick store into the market, against reading the same records.

use crate::contenders::python::Python;
use crate::report::Goal;
use crate::rounds::{Role, Row, Sample, timed};
use pitlane_domain::market::Market;
use pitlane_domain::message::{Body, Kind, Message};
use pitlane_lockfree::Record;
use pitlane_lockfree::tick::{StoreOptions, TickReader, TickWriter};
use std::hint::black_box;
use std::path::Path;

/// Records a reader takes at once, as the storage agent does.
const BATCH: usize = 4096;

/// A tick store with a part of the sample, and the same records in memory.
pub struct Recorded {
    dir: tempfile::TempDir,
    records: Vec<Record>,
    /// How many of them are inputs of the row: trades, or everything.
    inputs: usize,
}

impl Recorded {
    /// Writes the messages that are wanted, and the definitions, which always are, numbered anew.
    ///
    /// # Panics
    /// If the folder cannot be written.
    pub fn of(messages: &[Message], within: &Path, wanted: impl Fn(Kind) -> bool) -> Self {
        let dir = tempfile::tempdir_in(within).expect("a folder for the store");
        let is_definition = |kind: Kind| {
            matches!(
                kind,
                Kind::InstrumentName | Kind::InstrumentVenueName | Kind::InstrumentGrid
            )
        };
        let chosen = messages.iter().filter(|message| {
            message
                .kind()
                .is_some_and(|kind| is_definition(kind) || wanted(kind))
        });
        let records: Vec<Record> = (1..)
            .zip(chosen)
            .map(|(sequence, message)| {
                bytemuck::cast(Message {
                    sequence,
                    ..*message
                })
            })
            .collect();
        let (mut writer, _) =
            TickWriter::open(dir.path(), StoreOptions::default()).expect("an empty store");
        for record in &records {
            writer.append(record).expect("room for a record");
        }
        writer.close().expect("the end of the store");
        Self {
            dir,
            inputs: records.len(),
            records,
        }
    }
}

impl Recorded {
    /// The trades for programs in other languages: time, price, quantity and whether the buyer was resting.
    fn trades(&self) -> Vec<u8> {
        let words = self.records.iter().filter_map(|record| {
            let message: Message = bytemuck::cast(*record);
            match message.body()? {
                Body::Trade(trade) => Some([
                    message.ts_event.0,
                    trade.px.0,
                    trade.qty.0,
                    i64::from(trade.is_buyer_maker),
                ]),
                _ => None,
            }
        });
        words.flatten().flat_map(i64::to_le_bytes).collect()
    }
}

/// Ours: records are checked where they lie and applied.
pub fn ours(recorded: &Recorded) -> Sample {
    let mut market = Market::new();
    let mut reader = TickReader::open(recorded.dir.path()).expect("the store");
    let sample = timed(recorded.inputs, || {
        loop {
            let batch = reader.next_batch(BATCH).expect("records");
            if batch.is_empty() {
                break;
            }
            market.apply_all(bytemuck::cast_slice(batch));
        }
    });
    let applied = market.last().sequence;
    assert_eq!(applied, recorded.records.len() as u64, "all were applied");
    sample
}

/// The limit: every word of the records is read from memory.
pub fn scan(recorded: &Recorded) -> Sample {
    timed(recorded.inputs, || {
        let sum = recorded.records.iter().fold([0; 8], |mut sum, record| {
            for (sum, word) in sum.iter_mut().zip(record) {
                *sum ^= word;
            }
            sum
        });
        black_box(sum);
    })
}

/// The row of trades into bars. `python` is where the rivals in Python run.
pub fn bars_row<'a>(recorded: &'a Recorded, python: &Path) -> Row<'a> {
    let mut row = Row::new(
        "replay-bars",
        "replay from the tick store, trades to bars",
        "ns per trade",
    )
    .with(Role::Ours, "pitlane", || ours(recorded))
    .with(Role::Limit, "scan of the records", || scan(recorded))
    .goal(Goal::LimitTimes(4.0))
    .goal(Goal::Rival("hftbacktest", 5.0))
    .note(format!(
        "{} records of the sample; CVD and profile are not built yet; ours verifies every checksum and keeps bars of seven \
         timeframes, the rivals keep one of a second; hftbacktest feeds its exchange and its local side and makes the bars \
         in compiled Python, nautilus_trader its venue, its cache and an actor",
        recorded.inputs
    ));
    let trades = recorded.dir.path().join("trades.bin");
    let written = std::fs::write(&trades, recorded.trades());
    for name in ["hftbacktest", "nautilus_trader"] {
        let started = match &written {
            Ok(()) => Python::start(python, name, &trades),
            Err(error) => Err(error.to_string()),
        };
        row = match started {
            Ok(mut rival) => row.with(Role::Rival, name, move || Sample::of(rival.round())),
            Err(why) => row.note(format!("{name} is not measured: {why}")),
        };
    }
    row
}

/// The row of everything into full books.
pub fn books_row(recorded: &Recorded) -> Row<'_> {
    Row::new(
        "replay-books",
        "replay from the tick store with full books",
        "ns per event",
    )
    .with(Role::Ours, "pitlane", || ours(recorded))
    .with(Role::Limit, "scan of the records", || scan(recorded))
    .goal(Goal::LimitTimes(12.0))
    .note(format!(
        "{} events of the sample; the goal is 15 M events/s where the scan does 180 M/s, a twelfth of it",
        recorded.inputs
    ))
}
