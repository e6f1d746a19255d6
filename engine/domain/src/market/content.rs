//! What the venue said, regardless of when and how it arrived.

use super::Market;
use super::state::InstrumentState;
use crate::message::Side;
use crate::units::{Lots, Ticks};
use xxhash_rust::xxh3::Xxh3;

/// Levels a side that count. A snapshot has a bottom, below which a book knows what has changed since and no more;
/// so two books that are equal as far as they are known may differ far from the touch.
pub const CONTENT_LEVELS: usize = 500;

impl Market {
    /// A number that two markets share if they know the same of their instruments, by whatever way it came:
    /// the best [`CONTENT_LEVELS`] of both sides and the update id, the touch, the bars and the sums of trades.
    ///
    /// No sequence numbers, no receipts, no counts, no marks. So a run in which trades were fetched and books fetched
    /// anew has the hash of one in which nothing was missing, as soon as all is there again.
    pub fn content_hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        let mut word = |word: u64| hash.update(&word.to_le_bytes());
        for (id, state) in self.instruments() {
            word(u64::from(id.0));
            state.content_words(&mut word);
        }
        hash.digest()
    }
}

impl InstrumentState {
    fn content_words(&self, word: &mut impl FnMut(u64)) {
        let best = |word: &mut dyn FnMut(u64), best: Option<(Ticks, Lots)>| {
            let (px, qty) = best.unwrap_or_default();
            word(px.0.cast_unsigned());
            word(qty.0.cast_unsigned());
        };
        word(u64::from(self.book().is_some()));
        if let Some(book) = self.book() {
            word(u64::from(book.is_in_step()));
            word(book.last_id());
            for side in [Side::Bid, Side::Ask] {
                word(book.level_count(side).min(CONTENT_LEVELS) as u64);
                for level in book.top(side, CONTENT_LEVELS) {
                    best(word, Some(level));
                }
            }
        }
        let touch = self.touch();
        word(touch.map_or(0, |touch| touch.update_id));
        best(word, touch.and_then(|touch| touch.touch.bid));
        best(word, touch.and_then(|touch| touch.touch.ask));
        self.bars().content_words(word);
        let totals = self.totals();
        word(totals.trades);
        word(totals.quantity.0.cast_unsigned());
        word(totals.taker_buy_quantity.0.cast_unsigned());
        crate::bars::wide(totals.notional, word);
        word(u64::from(totals.last.is_some()));
        if let Some(last) = totals.last {
            for value in [last.id, last.first_id, last.last_id] {
                word(value);
            }
            best(word, Some((last.px, last.qty)));
            word(u64::from(last.is_buyer_maker) | u64::from(last.best_match) << 1);
        }
        let fx = self.fx();
        best(word, fx.map(|tick| (tick.bid, tick.bid_qty)));
        best(word, fx.map(|tick| (tick.ask, tick.ask_qty)));
    }
}
