//! Going on where an earlier run of the same instruments ended.

use super::{Intake, now};
use crate::decode::TradeStream;
use crate::instrument::InstrumentId;
use crate::message::{BookReset, ResetReason};
use crate::units::WallNs;

/// What the recorded sequence says of one instrument at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recalled {
    /// Which.
    pub instrument: InstrumentId,
    /// The stream its trades come from, and the id of the last one.
    pub trade: Option<(TradeStream, u64)>,
    /// Its book was in step, at this update id or later.
    pub book_id: Option<u64>,
}

impl Intake {
    /// Before the first frame: what is already recorded. Trades up to the last known one are duplicates from now on, and
    /// those between it and the first to come are missing. A book that was in step no longer is, which is told.
    pub fn recall(&mut self, recalled: &Recalled, ts: WallNs) {
        let Some(line) = self.lines.get_mut(recalled.instrument.index()) else {
            return;
        };
        if let Some((stream, id)) = recalled.trade {
            line.trades.recall(stream, id);
        }
        if let Some(book_id) = recalled.book_id {
            let reset = BookReset {
                reason: ResetReason::Disconnected,
                expected_id: book_id,
                got_id: 0,
            };
            self.out.reset(now(recalled.instrument, ts), reset);
        }
    }
}
