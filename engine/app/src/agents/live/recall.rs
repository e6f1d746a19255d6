//! What an earlier run has recorded, passed on again, and what follows from it for the run that goes on.

use crate::topology::BUDGET;
use pitlane_domain::definitions::Definitions;
use pitlane_domain::instrument::{Instrument, InstrumentId, InstrumentTable};
use pitlane_domain::intake::{Intake, Recalled};
use pitlane_domain::message::{Body, Kind, Message};
use pitlane_domain::units::WallNs;
use pitlane_edges::config::Config;
use pitlane_edges::live::session::{Known, trade_stream};
use pitlane_lockfree::Record;
use pitlane_lockfree::tick::{StoreError, TickReader};

/// The recorded part of a sequence that goes on.
pub struct Recall {
    reader: TickReader,
    /// The last number of it; 0 if there is none.
    last: u64,
    batch: Vec<Message>,
    next: usize,
    /// By instrument.
    seen: Vec<Seen>,
    inputs: u64,
}

/// What is known of one instrument.
#[derive(Clone, Copy, Default)]
struct Seen {
    trade: Option<(u64, WallNs)>,
    /// Of a currency pair, the time of the last tick.
    tick: Option<WallNs>,
    book_id: Option<u64>,
}

impl Recall {
    /// The records of a store up to and with number `last`.
    pub fn new(reader: TickReader, last: u64) -> Self {
        Self {
            reader,
            last,
            batch: Vec::with_capacity(BUDGET),
            next: 0,
            seen: Vec::new(),
            inputs: 0,
        }
    }

    /// Whether all of it has been passed on.
    pub fn is_over(&self) -> bool {
        self.next == self.batch.len() && self.reader.next_sequence() > self.last || self.last == 0
    }

    /// Inputs passed on, timers aside.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// The next record, if there is one.
    pub fn next_record(&mut self) -> Result<Option<Message>, String> {
        if self.next == self.batch.len() {
            self.batch.clear();
            self.next = 0;
            if self.is_over() {
                return Ok(None);
            }
            let left = usize::try_from(self.last.saturating_sub(self.reader.next_sequence()));
            let left = left.unwrap_or(BUDGET).saturating_add(1);
            let batch = self.reader.next_batch(left.min(BUDGET));
            let batch = batch.map_err(|error| error.to_string())?;
            let messages = batch
                .iter()
                .map(|record| bytemuck::cast::<Record, Message>(*record));
            self.batch.extend(messages);
            if self.batch.is_empty() {
                return Ok(None);
            }
        }
        let message = self.batch[self.next];
        self.next += 1;
        self.note(&message);
        Ok(Some(message))
    }

    fn note(&mut self, message: &Message) {
        let kind = message.kind();
        if kind != Some(Kind::Timer) {
            self.inputs += 1;
        }
        let at = message.instrument();
        if at == InstrumentId::NONE {
            return;
        }
        if self.seen.len() <= at.index() {
            self.seen.resize(at.index() + 1, Seen::default());
        }
        let seen = &mut self.seen[at.index()];
        match kind {
            Some(Kind::Trade | Kind::BookSynced | Kind::BookReset) => {}
            Some(Kind::FxTick) => {
                seen.tick = Some(message.ts_event);
                return;
            }
            _ => return,
        }
        match message.body() {
            // What was fetched late has a lower id than what is known.
            Some(Body::Trade(trade)) if seen.trade.is_none_or(|(id, _)| id < trade.id) => {
                seen.trade = Some((trade.id, message.ts_event));
            }
            Some(Body::BookSynced(synced)) => seen.book_id = Some(synced.update_id),
            Some(Body::BookReset(_)) => seen.book_id = None,
            _ => {}
        }
    }

    /// Tells the intake what is known, and says what the venues need not send again.
    pub fn finish(&self, config: &Config, intake: &mut Intake, now: WallNs) -> Vec<Known> {
        let mut known = Vec::new();
        for ((instrument, seen), row) in (0..)
            .map(InstrumentId)
            .zip(&self.seen)
            .zip(&config.instruments)
        {
            let upstream = config.upstreams.iter().find(|of| of.venue == row.venue);
            let stream = upstream.map(|upstream| trade_stream(upstream, row.trades));
            let trade = stream.zip(seen.trade.map(|(id, _)| id));
            let recalled = Recalled {
                instrument,
                trade,
                book_id: seen.book_id,
            };
            intake.recall(&recalled, now);
            let tick = seen.tick.map(|ts| (0, ts));
            if let Some((trade_id, trade_ts)) = seen.trade.or(tick) {
                known.push(Known {
                    instrument,
                    trade_id,
                    trade_ts,
                });
            }
        }
        known
    }
}

/// The first instrument that a store defines otherwise than the table, if there is one: its records could not be gone on with.
pub fn differs(
    reader: &mut TickReader,
    last: u64,
    table: &InstrumentTable,
) -> Result<Option<(Instrument, Option<Instrument>)>, StoreError> {
    let mut definitions = Definitions::default();
    while reader.next_sequence() <= last {
        let batch = reader.next_batch(BUDGET)?;
        if batch.is_empty() {
            break;
        }
        for record in batch {
            let message = bytemuck::cast::<Record, Message>(*record);
            let definition = matches!(
                message.kind(),
                Some(Kind::InstrumentName | Kind::InstrumentVenueName | Kind::InstrumentGrid)
            );
            // They stand at the head of a sequence, with timers between them at most.
            if !definition && message.kind() != Some(Kind::Timer) {
                return Ok(None);
            }
            if let Some((id, recorded)) = definitions.take(&message)
                && table.get(id) != Some(&recorded)
            {
                return Ok(Some((recorded, table.get(id).copied())));
            }
        }
    }
    Ok(None)
}
