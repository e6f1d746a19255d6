//! Follows the committed records of the tick store and writes their rows.
//!
//! It has no ring: what it reads is committed by construction, however late it comes, and after a restart the same
//! reading from the start of the store catches up. Rows the database already has are passed over by their number.

use super::{Closing, leave};
use crate::stopwatch::Stopwatch;
use pitlane_domain::definitions::Definitions;
use pitlane_domain::instrument::{Instrument, InstrumentId};
use pitlane_domain::message::{Body, Kind, Message};
use pitlane_edges::storage::{Counts, State, StorageError, TradeRow, TradeWriter};
use pitlane_lockfree::Record;
use pitlane_lockfree::counters::{Gauge, Histogram};
use pitlane_lockfree::tick::TickReader;
use pitlane_runtime::agent::{Agent, Duty, Turn};
use pitlane_runtime::log;
use pitlane_runtime::log::{Level, Log};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Metrics of the storage agent.
pub struct StorageMetrics {
    /// Time of a turn in which a transaction was committed, ns.
    pub commit: Histogram,
    /// Records committed by the recorder and not yet in the database.
    pub lag: Gauge,
    /// Bytes of the database's log that are not yet in its file.
    pub wal: Gauge,
}

/// The storage agent.
pub struct Storage {
    writer: Option<TradeWriter>,
    rows: Rows,
    reader: TickReader,
    watch: Stopwatch,
    metrics: StorageMetrics,
    log: Log,
    drained: bool,
    /// Where the database stood before this run.
    begun_at: u64,
    closing: Closing<Stored>,
}

/// What the storage agent did in all.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What the writer counted.
    pub rows: Counts,
    /// The last sequence number in the database before this run.
    pub begun_at: u64,
    /// The last sequence number in the database.
    pub last_sequence: u64,
}

/// Makes rows of records.
#[derive(Default)]
struct Rows {
    /// Digest of every record so far, each folded into the one before.
    digest: u64,
    definitions: Definitions,
    instruments: Vec<Option<Instrument>>,
}

impl Rows {
    /// Folds a record into the digest of the sequence.
    fn digest(&mut self, record: &Record) -> u64 {
        self.digest = xxh3_64_with_seed(bytemuck::bytes_of(record), self.digest);
        self.digest
    }

    /// The row of a trade; other messages only move the position.
    fn of(&mut self, message: &Message) -> Option<TradeRow> {
        if message.kind != Kind::Trade as u8 {
            if let Some((id, instrument)) = self.definitions.take(message) {
                self.learn(id, instrument);
            }
            return None;
        }
        let Some(Body::Trade(trade)) = message.body() else {
            return None;
        };
        let instrument = self
            .instruments
            .get(message.instrument().index())?
            .as_ref()?;
        Some(TradeRow {
            symbol: instrument.symbol,
            tick_size: instrument.tick_size,
            lot_size: instrument.lot_size,
            trade,
            trade_time: message.ts_event,
        })
    }

    fn learn(&mut self, id: InstrumentId, instrument: Instrument) {
        if self.instruments.len() <= id.index() {
            self.instruments.resize(id.index() + 1, None);
        }
        self.instruments[id.index()] = Some(instrument);
    }
}

impl Storage {
    /// An agent at the start of the store, whose database may be anywhere up to its end.
    pub fn new(
        writer: TradeWriter,
        reader: TickReader,
        watch: Stopwatch,
        metrics: StorageMetrics,
        log: Log,
        closing: Closing<Stored>,
    ) -> Self {
        let begun_at = writer.last_sequence();
        let (writer, rows) = (Some(writer), Rows::default());
        Self {
            writer,
            rows,
            reader,
            watch,
            metrics,
            log,
            drained: false,
            begun_at,
            closing,
        }
    }
}

/// Committed sequence numbers behind the last one in the database.
fn lag(reader: &mut TickReader, last_sequence: u64) -> u64 {
    reader
        .last_committed()
        .unwrap_or(0)
        .saturating_sub(last_sequence)
}

/// Takes a record; true if the database was written from a sequence that had another one here or before.
fn take(writer: &mut TradeWriter, rows: &mut Rows, begun_at: u64, record: &Record) -> bool {
    let message: Message = bytemuck::cast(*record);
    let digest = rows.digest(record);
    match rows.of(&message) {
        Some(row) => writer.apply(&row, message.sequence, message.ts_recv),
        None => writer.advance(message.sequence, message.ts_recv),
    }
    if message.sequence > begun_at {
        writer.set_digest(digest);
    }
    message.sequence == begun_at && writer.last_digest().is_some_and(|known| known != digest)
}

impl Agent for Storage {
    fn role(&self) -> &'static str {
        "storage"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        let Self {
            writer,
            rows,
            reader,
            begun_at,
            ..
        } = self;
        let Some(writer) = writer.as_mut().filter(|_| !self.drained) else {
            return Turn::Done;
        };
        let room = writer.room().min(duty.budget as usize);
        let mut stranger = false;
        let taken = reader.drain(room, |batch| {
            for record in batch {
                // Nothing behind the difference may reach the database.
                stranger = stranger || take(writer, rows, *begun_at, record);
            }
        });
        let work = match taken {
            Ok(_) if stranger => {
                return Turn::Failed(format!(
                    "the database was written from another sequence than the tick store holds (they differ at or \
                     before sequence {begun_at}); name another database, or move it away and it is rebuilt"
                ));
            }
            Ok(work) => work,
            Err(error) => return Turn::Failed(error.to_string()),
        };
        let (before, started) = (writer.counts().commits, self.watch.now());
        let outcome = writer.tick(started);
        if writer.counts().commits > before {
            self.metrics.commit.record(self.watch.now() - started);
            self.metrics.wal.set(writer.wal().bytes);
        }
        self.metrics.lag.set(lag(reader, writer.last_sequence()));
        match outcome {
            Ok(State::Ready) => {}
            Ok(State::Busy { retry_after_ms }) => {
                log!(
                    self.log,
                    Level::Warn,
                    "database busy or full, next attempt in {} ms",
                    retry_after_ms
                );
                return if work.is_idle() {
                    Turn::Blocked
                } else {
                    Turn::Worked(work)
                };
            }
            // Rows wait; writing goes on when there is room. At the end of the input nobody will make any.
            Err(StorageError::Full { .. }) if !duty.upstream_ended => {
                log!(
                    self.log,
                    Level::Error,
                    "disk full at sequence {}",
                    writer.last_sequence()
                );
                return if work.is_idle() {
                    Turn::Blocked
                } else {
                    Turn::Worked(work)
                };
            }
            Err(error) => return Turn::Failed(error.to_string()),
        }
        if work.is_idle() && room > 0 {
            self.drained = duty.upstream_ended || reader.is_closed_and_drained().unwrap_or(false);
        }
        Turn::Worked(work)
    }

    fn on_close(&mut self) -> Result<(), String> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let (rows, last_sequence) = (writer.counts().clone(), writer.last_sequence());
        let mut stored = Stored {
            rows,
            begun_at: self.begun_at,
            last_sequence,
        };
        let closed = writer.close().map(|closed| {
            (stored.rows, stored.last_sequence) = (closed.counts, closed.last_sequence);
            // What the page says last is how the database was left.
            self.metrics
                .lag
                .set(lag(&mut self.reader, closed.last_sequence));
            if closed.released.iter().all(|it| it.failure.is_none()) {
                self.metrics.wal.set(0);
            }
        });
        leave(&self.closing, stored);
        closed.map_err(|error| error.to_string())
    }
}
