//! One bar, and the timeframes there are.

use super::revisions::Revisions;
use crate::message::{FxTick, Trade};
use crate::units::{Lots, Notional, Ticks, WallNs};

/// Length of a bar. Bars start at UTC multiples of it; each is a multiple of the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[expect(missing_docs, reason = "the variants are the lengths they name")]
pub enum Timeframe {
    S1,
    M1,
    M5,
    M15,
    H1,
    H4,
    D1,
}

impl Timeframe {
    /// Every timeframe, the shortest first.
    pub const ALL: [Self; 7] = [
        Self::S1,
        Self::M1,
        Self::M5,
        Self::M15,
        Self::H1,
        Self::H4,
        Self::D1,
    ];

    /// Length in seconds.
    pub fn seconds(self) -> u32 {
        [1, 60, 300, 900, 3600, 14_400, 86_400][self as usize]
    }

    /// Length in nanoseconds.
    pub fn ns(self) -> i64 {
        i64::from(self.seconds()) * 1_000_000_000
    }

    /// Name in reports, topics and rows.
    pub fn name(self) -> &'static str {
        ["1s", "1m", "5m", "15m", "1h", "4h", "1d"][self as usize]
    }

    /// The timeframe of that many seconds.
    pub fn from_seconds(seconds: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|timeframe| timeframe.seconds() == seconds)
    }

    /// Start of the bar in which a time lies.
    pub fn bucket(self, ts: WallNs) -> WallNs {
        WallNs(ts.0.saturating_sub(ts.0.rem_euclid(self.ns())))
    }
}

/// One bar. Sums saturate: a number that cannot be is shown as the largest that can.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Bar {
    /// Start, included.
    pub open_ts: WallNs,
    /// First price; of a bar without trades all four prices are the close before.
    pub open: Ticks,
    /// Highest price.
    pub high: Ticks,
    /// Lowest price.
    pub low: Ticks,
    /// Last price.
    pub close: Ticks,
    /// Traded quantity.
    pub volume: Lots,
    /// Of that, bought by aggressors.
    pub taker_buy_volume: Lots,
    /// Sum of price times quantity.
    pub notional: Notional,
    /// Number of the venue's trades: a message that reports several as one counts them all. Of FX: ticks.
    pub trades: u64,
    /// Id of the first trade message; 0 without trades.
    pub first_id: u64,
    /// Id of the last trade message.
    pub last_id: u64,
    /// How often it was changed after it had closed.
    pub revision: u32,
    /// Recording began inside the bar.
    pub is_partial: bool,
    /// Trades that belong here may be missing.
    pub has_gap: bool,
}

impl Bar {
    /// Whether what it says is less than what happened.
    pub fn is_incomplete(&self) -> bool {
        self.is_partial || self.has_gap
    }

    /// Volume-weighted average price in ticks; `None` without volume.
    #[expect(
        clippy::cast_precision_loss,
        reason = "an average describes the bar; sums stay exact"
    )]
    pub fn vwap(&self) -> Option<f64> {
        (self.volume.0 > 0).then(|| self.notional.0 as f64 / self.volume.0 as f64)
    }

    pub(super) fn opened(open_ts: WallNs, has_gap: bool) -> Self {
        Self {
            open_ts,
            has_gap,
            ..Self::default()
        }
    }

    /// It was changed after it had closed.
    pub(super) fn revise(&mut self, timeframe: Timeframe, log: &mut Revisions) {
        self.revision += 1;
        log.note(timeframe, self.open_ts, self.revision);
    }

    /// A flat bar at a price.
    pub(super) fn set_flat(&mut self, px: Ticks) {
        (self.open, self.high, self.low, self.close) = (px, px, px, px);
    }

    /// Adds the fill that happened last.
    #[inline]
    pub(super) fn add(&mut self, fill: &Fill) {
        if self.trades == 0 {
            self.set_flat(fill.px);
            self.first_id = fill.id;
        }
        self.close = fill.px;
        self.last_id = fill.id;
        self.count(fill);
    }

    /// Adds a fill whose place among the others its id tells.
    pub(super) fn insert(&mut self, fill: &Fill) {
        if self.trades == 0 {
            self.add(fill);
            return;
        }
        if fill.id < self.first_id {
            self.open = fill.px;
            self.first_id = fill.id;
        }
        if fill.id > self.last_id {
            self.close = fill.px;
            self.last_id = fill.id;
        }
        self.count(fill);
    }

    /// Adds what a bar right behind this one says.
    pub(super) fn append(&mut self, next: &Self) {
        if next.trades == 0 {
            return;
        }
        if self.trades == 0 {
            self.open = next.open;
            self.high = next.high;
            self.low = next.low;
            self.first_id = next.first_id;
        }
        self.high = self.high.max(next.high);
        self.low = self.low.min(next.low);
        self.close = next.close;
        self.last_id = next.last_id;
        self.volume.0 = self.volume.0.saturating_add(next.volume.0);
        self.taker_buy_volume.0 = self
            .taker_buy_volume
            .0
            .saturating_add(next.taker_buy_volume.0);
        self.notional.0 = self.notional.0.saturating_add(next.notional.0);
        self.trades = self.trades.saturating_add(next.trades);
    }

    pub(super) fn state_words(&self, word: &mut impl FnMut(u64)) {
        let flags = u64::from(self.is_partial) | u64::from(self.has_gap) << 1;
        self.content_words(word);
        word(u64::from(self.revision) << 2 | flags);
    }

    /// Says what happened in the bar, whenever that became known.
    pub(super) fn content_words(&self, word: &mut impl FnMut(u64)) {
        for value in [
            self.open_ts.0,
            self.open.0,
            self.high.0,
            self.low.0,
            self.close.0,
            self.volume.0,
            self.taker_buy_volume.0,
        ] {
            word(value.cast_unsigned());
        }
        wide(self.notional, word);
        for value in [self.trades, self.first_id, self.last_id] {
            word(value);
        }
    }

    #[inline]
    fn count(&mut self, fill: &Fill) {
        self.high = self.high.max(fill.px);
        self.low = self.low.min(fill.px);
        self.volume.0 = self.volume.0.saturating_add(fill.qty.0);
        if fill.taker_bought {
            self.taker_buy_volume.0 = self.taker_buy_volume.0.saturating_add(fill.qty.0);
        }
        self.notional.0 = self.notional.0.saturating_add((fill.px * fill.qty).0);
        self.trades = self.trades.saturating_add(fill.trades);
    }
}

/// Says a sum as two words.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves are wanted one after the other"
)]
pub(crate) fn wide(sum: Notional, word: &mut impl FnMut(u64)) {
    let bits = sum.0.cast_unsigned();
    word(bits as u64);
    word((bits >> 64) as u64);
}

/// What a bar needs of a trade.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    px: Ticks,
    qty: Lots,
    id: u64,
    trades: u64,
    taker_bought: bool,
}

impl Fill {
    pub(super) fn of_middle(tick: &FxTick) -> Self {
        Self {
            px: Ticks(tick.bid.0.saturating_add(tick.ask.0)),
            qty: Lots::ZERO,
            id: 0,
            trades: 1,
            taker_bought: false,
        }
    }
}

impl From<&Trade> for Fill {
    fn from(trade: &Trade) -> Self {
        Self {
            px: trade.px,
            qty: trade.qty,
            id: trade.id,
            trades: trade
                .last_id
                .saturating_sub(trade.first_id)
                .saturating_add(1),
            taker_bought: !trade.is_buyer_maker,
        }
    }
}
