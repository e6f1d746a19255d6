//! Trade ids: one trade after the other, each once; what is missing is told before what comes after it.

use crate::decode::TradeStream;
use crate::instrument::Venue;
use crate::message::TradeGap;

/// Which trade stream of an instrument counts. The other one says the same again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum TradeChoice {
    /// The first that comes.
    #[default]
    Auto,
    /// `aggTrade`.
    Aggregate,
    /// `trade`.
    Single,
}

/// What a trade's id says about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TradeStep {
    /// The next, or the first.
    Next,
    /// Ids before it are missing.
    After(TradeGap),
    /// Its id was seen or passed over.
    Duplicate,
    /// It came on the stream that does not count.
    Superseded,
}

/// The ids of one instrument.
#[derive(Clone, Debug)]
pub(super) struct TradeIds {
    counted: Option<TradeStream>,
    last: Option<u64>,
    /// Ids ascend one by one. Otherwise they are those of all instruments together, and a hole says nothing.
    dense: bool,
}

impl TradeIds {
    pub(super) fn new(choice: TradeChoice, venue: Venue) -> Self {
        let counted = match choice {
            TradeChoice::Auto => None,
            TradeChoice::Aggregate => Some(TradeStream::Aggregate),
            TradeChoice::Single => Some(TradeStream::Single),
        };
        Self {
            counted,
            last: None,
            dense: venue != Venue::Bitstamp,
        }
    }

    /// Judges an id and takes it as seen. A late trade of a gap is a duplicate: its gap has been told already.
    pub(super) fn see(&mut self, stream: TradeStream, id: u64) -> TradeStep {
        if *self.counted.get_or_insert(stream) != stream {
            return TradeStep::Superseded;
        }
        let step = match self.last {
            Some(last) if id <= last => return TradeStep::Duplicate,
            Some(last) if self.dense && id - last > 1 => TradeStep::After(TradeGap {
                first_id: last + 1,
                last_id: id - 1,
            }),
            _ => TradeStep::Next,
        };
        self.last = Some(id);
        step
    }

    #[cfg(test)]
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }
}
