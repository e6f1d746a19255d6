//! The operations whose instructions are counted: each with its setup, and a loop of fixed length around it.
//!
//! Nothing here may depend on time, on addresses or on chance: two runs execute the same instructions,
//! so the difference between a run of one length and a run of twice that length is the cost of the loop alone.

use crate::{OwnedFrame, VENUE, agg_trades, frames, messages, of_stream, table};
use pitlane_domain::book::{Book, Quality, Stamp};
use pitlane_domain::decode::{Decoder, Levels, decode};
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::market::Market;
use pitlane_domain::message::{Body, Message, Trade};
use pitlane_domain::sequence::{Numbering, Timers};
use pitlane_domain::units::{Lots, Ticks, WallNs};
use pitlane_edges::storage::{Options, TradeRow, TradeWriter};
use pitlane_lockfree::Record;
use pitlane_lockfree::counters::{Counter, Histogram};
use pitlane_lockfree::crc::record_crc;
use pitlane_lockfree::latest::latest_table;
use pitlane_lockfree::ring::{EdgeCounters, ring};
use pitlane_lockfree::tick::{StoreOptions, TickReader, TickWriter};
use pitlane_runtime::breaker::{Breaker, BreakerRules};
use std::hint::black_box;

/// Something whose instructions are counted.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// What it is called in the baseline.
    pub name: &'static str,
    /// Length of the shorter of the two runs.
    pub length: u64,
    /// Sets up, then loops so often. What comes back is how many operations that was.
    pub run: fn(u64) -> u64,
}

/// Frames of the sample that the operations of the domain use.
const FRAMES: usize = 3000;
/// Records between two commits, as between two polls of the recorder under load.
const BATCH: u64 = 64;

/// Every operation, in the order in which an input meets them.
pub const OPERATIONS: [Operation; 20] = [
    operation("decode-trade", 4, |n| decoded("btcusdt@trade", n)),
    operation("decode-agg-trade", 4, |n| {
        decode_all(&agg_trades(&of_stream(frames(FRAMES), "btcusdt@trade")), n)
    }),
    operation("decode-book-ticker", 2, |n| {
        decoded("btcusdt@bookTicker", n)
    }),
    operation("decode-depth", 2, |n| decoded("btcusdt@depth@", n)),
    operation("decode-trade-unlearned", 4, |n| {
        decoded_unlearned("btcusdt@trade", n)
    }),
    operation("decode-depth-unlearned", 2, |n| {
        decoded_unlearned("btcusdt@depth@", n)
    }),
    operation("intake-and-numbering", 1, intake),
    operation("book-level", 2, book),
    operation("market-message", 2, market),
    operation("ring-send-receive", 50_000, ring_singly),
    operation("ring-batch-of-64", 2_000, ring_in_batches),
    operation("tick-append", 50_000, append),
    operation("tick-read", 2, read),
    operation("record-crc", 50_000, crc),
    operation("counter-add", 50_000, counter),
    operation("histogram-record", 50_000, histogram),
    operation("latest-write", 50_000, latest_write),
    operation("latest-read", 50_000, latest_read),
    operation("breaker-decision", 50_000, breaker),
    operation("storage-row", 2_000, storage),
];

const fn operation(name: &'static str, length: u64, run: fn(u64) -> u64) -> Operation {
    Operation { name, length, run }
}

/// The operation of that name.
pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

fn decoded(stream: &str, passes: u64) -> u64 {
    decode_all(&of_stream(frames(FRAMES), stream), passes)
}

fn decode_all(frames: &[OwnedFrame], passes: u64) -> u64 {
    let (mut decoder, mut levels) = (Decoder::new(table()), Levels::default());
    for _ in 0..passes {
        for frame in frames {
            let fact = decoder.decode(VENUE, &frame.stream, &frame.bytes, &mut levels);
            black_box(&fact).as_ref().expect("a frame of the sample");
            black_box(&levels);
        }
    }
    passes * frames.len() as u64
}

/// As a frame is decoded whose layout is not that of the last one of its stream.
fn decoded_unlearned(stream: &str, passes: u64) -> u64 {
    let frames = of_stream(frames(FRAMES), stream);
    let (table, mut levels) = (table(), Levels::default());
    for _ in 0..passes {
        for frame in &frames {
            let fact = decode(VENUE, &frame.stream, &frame.bytes, &table, &mut levels);
            black_box(&fact).as_ref().expect("a frame of the sample");
            black_box(&levels);
        }
    }
    passes * frames.len() as u64
}

fn intake(passes: u64) -> u64 {
    let frames = frames(FRAMES);
    for _ in 0..passes {
        let mut intake = Intake::new(table(), IntakeOptions::default());
        let mut numbering = Numbering::new(Timers::Make);
        for frame in &frames {
            // refused frames are part of the sample's life
            let _refused = intake.frame(VENUE, &frame.stream, frame.ts_recv, &frame.bytes);
            while let Some(message) = intake.pop() {
                black_box(numbering.number(message));
            }
        }
    }
    passes * frames.len() as u64
}

fn book(passes: u64) -> u64 {
    let told = messages(&frames(FRAMES));
    let told: Vec<_> = told
        .iter()
        .filter_map(|message| match message.body()? {
            body @ (Body::BookLevel(_) | Body::BookReset(_) | Body::BookSynced(_)) => {
                Some((stamp(message), body))
            }
            _ => None,
        })
        .collect();
    for _ in 0..passes {
        let mut book = Book::new();
        for (at, body) in &told {
            match body {
                Body::BookLevel(level) => {
                    black_box(book.apply_level(level, *at));
                }
                Body::BookReset(reset) => book.reset(reset, *at),
                Body::BookSynced(synced) => {
                    black_box(book.synced(synced, *at));
                }
                _ => {}
            }
        }
        assert_eq!(book.quality(), Quality::Good, "the book is followed");
    }
    passes * told.len() as u64
}

fn stamp(message: &Message) -> Stamp {
    Stamp {
        sequence: message.sequence,
        ts: message.ts_recv,
    }
}

fn market(passes: u64) -> u64 {
    let messages = messages(&frames(FRAMES));
    for _ in 0..passes {
        let mut market = Market::new();
        for message in &messages {
            market.apply(message);
        }
        black_box(market.counts());
    }
    passes * messages.len() as u64
}

/// A message to be numbered again and again.
fn template() -> Message {
    Message::new(InstrumentId::NONE, WallNs(0), WallNs(0), &Body::Timer)
}

fn ring_singly(count: u64) -> u64 {
    let (mut tx, mut rx) = ring::<Message>(1024, EdgeCounters::private());
    let template = template();
    for sequence in 0..count {
        assert!(tx.has_room_for(1));
        tx.push(Message {
            sequence,
            ..template
        });
        let _ = rx.drain(1, |message| {
            black_box(message);
        });
    }
    count
}

fn ring_in_batches(batches: u64) -> u64 {
    let (mut tx, mut rx) = ring::<Message>(1024, EdgeCounters::private());
    let template = template();
    let mut sequence = 0;
    for _ in 0..batches {
        let _ = tx.send_from(64, || {
            sequence += 1;
            Some(Message {
                sequence,
                ..template
            })
        });
        let _ = rx.drain(64, |message| {
            black_box(message);
        });
    }
    batches * 64
}

/// A record as the recorder might append it.
pub fn record(sequence: u64) -> Record {
    [sequence, 0, 1_000, 3, 4, 5, 6, sequence]
}

fn append_to(writer: &mut TickWriter, count: u64) {
    for sequence in 1..=count {
        writer.append(&record(sequence)).expect("room for a record");
        if sequence % BATCH == 0 {
            writer.commit().expect("a commit");
        }
    }
}

fn append(count: u64) -> u64 {
    let dir = tempfile::tempdir().expect("a folder for the store");
    let (mut writer, _) =
        TickWriter::open(dir.path(), StoreOptions::default()).expect("an empty store");
    append_to(&mut writer, count);
    count
}

fn read(passes: u64) -> u64 {
    const RECORDS: u64 = 20_000;
    let dir = tempfile::tempdir().expect("a folder for the store");
    let (mut writer, _) =
        TickWriter::open(dir.path(), StoreOptions::default()).expect("an empty store");
    append_to(&mut writer, RECORDS);
    writer.close().expect("the end of the store");
    for _ in 0..passes {
        let mut reader = TickReader::open(dir.path()).expect("the store");
        loop {
            let batch = reader.next_batch(4096).expect("records");
            if batch.is_empty() {
                break;
            }
            black_box(batch);
        }
    }
    passes * RECORDS
}

fn crc(count: u64) -> u64 {
    for sequence in 0..count {
        black_box(record_crc(black_box(&record(sequence))));
    }
    count
}

fn counter(count: u64) -> u64 {
    let mut counter = Counter::private();
    for _ in 0..count {
        black_box(&mut counter).add(1);
    }
    count
}

fn histogram(count: u64) -> u64 {
    let mut histogram = Histogram::private();
    for value in 0..count {
        black_box(&mut histogram).record((value * 0x9e37) & 0xf_ffff);
    }
    count
}

fn latest_write(count: u64) -> u64 {
    let (mut writer, _reader) = latest_table::<8>(64);
    for sequence in 0..count {
        writer.write((sequence % 64) as usize, black_box(&record(sequence)));
    }
    count
}

fn latest_read(count: u64) -> u64 {
    let (mut writer, reader) = latest_table::<8>(64);
    for slot in 0..64 {
        writer.write(slot, &record(1));
    }
    for sequence in 0..count {
        black_box(reader.read((sequence % 64) as usize));
    }
    count
}

fn breaker(count: u64) -> u64 {
    let mut breaker = Breaker::new(BreakerRules::default());
    for now_ns in 0..count {
        if black_box(&mut breaker).can_execute(now_ns) {
            breaker.record_success();
        }
    }
    count
}

fn storage(rows: u64) -> u64 {
    let dir = tempfile::tempdir().expect("a folder for the database");
    let mut writer =
        TradeWriter::open(&dir.path().join("rows.db"), Options::default()).expect("a database");
    let table = table();
    let instrument = table.get(InstrumentId(0)).expect("the instrument");
    let at = WallNs(1_723_161_253_000_000_000);
    for id in 1..=rows {
        if writer.room() == 0 {
            writer.tick(id).expect("a transaction");
        }
        let row = TradeRow {
            symbol: instrument.symbol,
            tick_size: instrument.tick_size,
            lot_size: instrument.lot_size,
            trade: trade(id),
            trade_time: at,
        };
        writer.apply(&row, id, at);
    }
    writer.commit(rows).expect("the last transaction");
    rows
}

fn trade(id: u64) -> Trade {
    let wobble = i64::try_from(id % 97).unwrap_or(0);
    Trade {
        px: Ticks(6_170_000 + wobble),
        qty: Lots(100_000 + wobble),
        id,
        first_id: id,
        last_id: id,
        is_buyer_maker: id.is_multiple_of(2),
        best_match: true,
        backfilled: false,
        off_market: false,
        delayed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::OPERATIONS;

    #[test]
    fn every_operation_runs_as_often_as_it_says_and_twice_as_often() {
        for operation in OPERATIONS {
            let once = (operation.run)(1);
            assert!(once > 0, "{}", operation.name);
            assert_eq!((operation.run)(2), 2 * once, "{}", operation.name);
        }
    }

    #[test]
    fn names_are_single_words_and_differ() {
        for (at, operation) in OPERATIONS.iter().enumerate() {
            assert!(!operation.name.contains(char::is_whitespace));
            let later = &OPERATIONS[at + 1..];
            assert!(later.iter().all(|other| other.name != operation.name));
        }
    }
}
