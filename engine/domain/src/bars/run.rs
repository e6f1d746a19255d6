//! Trades in a row, added up before they become part of a bar.

use super::bar::Bar;
use crate::message::Message;
use crate::units::{Lots, Notional, Ticks, WallNs};

/// Trades of one instrument that lie in one bar and come one after the other. Unlike a bar's, these sums have no room for
/// numbers that cannot be: the caller bounds what it adds by [`Run::VALUE_MAX`] and [`Run::TRADES_MAX`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    messages: usize,
    high: i64,
    low: i64,
    quantity: u64,
    taker_buy_quantity: u64,
    notional: u128,
    /// The venue's trades beyond one a message.
    more_trades: u64,
}

impl Run {
    /// Prices and quantities above it are not for a run.
    pub(crate) const VALUE_MAX: u64 = 1 << 48;
    /// So many messages at most: then no sum can overflow.
    pub(crate) const TRADES_MAX: usize = 1 << 14;

    /// No trades yet.
    pub(crate) fn new() -> Self {
        Self {
            messages: 0,
            high: i64::MIN,
            low: i64::MAX,
            quantity: 0,
            taker_buy_quantity: 0,
            notional: 0,
            more_trades: 0,
        }
    }

    /// Adds a trade message: price and quantity in 1..=[`Run::VALUE_MAX`], and the venue's trades in it beyond the first.
    #[inline]
    pub(crate) fn add(&mut self, px: i64, qty: i64, taker_bought: bool, more_trades: u32) {
        let quantity = qty.cast_unsigned();
        self.messages += 1;
        self.high = self.high.max(px);
        self.low = self.low.min(px);
        self.quantity = self.quantity.wrapping_add(quantity);
        let bought = if taker_bought { quantity } else { 0 };
        self.taker_buy_quantity = self.taker_buy_quantity.wrapping_add(bought);
        let notional = u128::from(px.cast_unsigned()) * u128::from(quantity);
        self.notional = self.notional.wrapping_add(notional);
        self.more_trades = self.more_trades.wrapping_add(u64::from(more_trades));
    }

    /// Number of trade messages.
    pub(crate) fn messages(&self) -> usize {
        self.messages
    }

    /// A bar of these trades, of which the caller knows the first and the last message.
    pub(crate) fn bar(&self, first: &Message, last: &Message) -> Bar {
        let (first, last) = (first.as_trade(), last.as_trade());
        Bar {
            open_ts: WallNs(0),
            open: first.px,
            high: Ticks(self.high),
            low: Ticks(self.low),
            close: last.px,
            volume: Lots(self.quantity.cast_signed()),
            taker_buy_volume: Lots(self.taker_buy_quantity.cast_signed()),
            notional: Notional(self.notional.cast_signed()),
            trades: self.messages as u64 + self.more_trades,
            first_id: first.id,
            last_id: last.id,
            ..Bar::default()
        }
    }
}
