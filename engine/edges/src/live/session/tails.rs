//! Trades nobody misses: those that were lost behind the last one, of an instrument whose stream has brought none since.
//!
//! A busy instrument never gets here: its next trade shows the hole in the ids. For a quiet one, or a market that stands
//! still, there is no next trade, so some time after a connection was made the venue is asked for what lies behind the
//! last. One instrument after the other: nobody waits for it, and the rest of the venue's weight is for those who do.

use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::units::WallNs;
use std::collections::VecDeque;
use std::time::Duration;

/// An instrument that waits for its first trade since some may have been lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tail {
    pub instrument: InstrumentId,
    /// Id of its last trade by then.
    pub behind: u64,
    /// When it has waited long enough.
    pub due: WallNs,
}

/// The instruments that wait.
pub(super) struct Tails {
    wait: Duration,
    /// By when they are due.
    waiting: VecDeque<Tail>,
    /// Of whom the venue is asked.
    asked: Option<InstrumentId>,
}

impl Tails {
    /// `wait`: how long a stream may take to bring a trade.
    pub fn new(wait: Duration) -> Self {
        Self {
            wait,
            waiting: VecDeque::new(),
            asked: None,
        }
    }

    /// Trades behind this one may have been lost, and whatever was noted of the instrument before is void.
    pub fn expect(&mut self, instrument: InstrumentId, behind: u64, now: WallNs) {
        self.forget(instrument);
        self.waiting.push_back(Tail {
            instrument,
            behind,
            due: super::later(now, self.wait),
        });
    }

    /// The instrument waits no more.
    pub fn forget(&mut self, instrument: InstrumentId) {
        self.waiting.retain(|tail| tail.instrument != instrument);
        self.asked.take_if(|asked| *asked == instrument);
    }

    /// Takes out the next to ask for. `last` says how far the trades of an instrument are by now: those whose stream has
    /// brought one wait no more.
    pub fn next(
        &mut self,
        now: WallNs,
        last: impl Fn(InstrumentId) -> Option<u64>,
    ) -> Option<Tail> {
        while self.asked.is_none() && self.waiting.front().is_some_and(|tail| tail.due <= now) {
            let tail = self.waiting.pop_front()?;
            if last(tail.instrument) == Some(tail.behind) {
                self.asked = Some(tail.instrument);
                return Some(tail);
            }
        }
        None
    }

    /// What was asked has come, and there may be more behind this trade.
    pub fn goes_on(&mut self, instrument: InstrumentId, behind: u64, now: WallNs) {
        self.forget(instrument);
        self.waiting.push_front(Tail {
            instrument,
            behind,
            due: now,
        });
    }
}
