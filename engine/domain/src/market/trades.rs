//! Trades in a row: added up in registers, and told to totals and bar once for all of them.
//!
//! A market replayed, or one that catches up, meets many trades of one instrument after another, nearly all of them plain:
//! in the open second, in order, in range. Whatever is not plain ends the run and is left to [`super::Market::apply`].

use super::counts::MarketCounts;
use super::state::{InstrumentState, TIME_AHEAD_MAX_NS};
use crate::bars::{PriceUnit, Run};
use crate::book::PX_MAX;
use crate::message::{Kind, Message, flag};
use crate::units::{Lots, WallNs};

const _: () = assert!(PX_MAX.0.cast_unsigned() >= Run::VALUE_MAX);

/// The span of event time in which a trade is plain: the open second, if it is open.
#[derive(Clone, Copy)]
struct Span {
    from: i64,
    length: u64,
    /// A receipt from here on cannot be too far behind any time in the span.
    received_from: i64,
}

impl InstrumentState {
    /// Takes the plain trades of this instrument at the start of `messages`, exactly as one by one, and answers how many.
    pub(super) fn plain_trades(
        &mut self,
        messages: &[Message],
        instrument: u16,
        counts: &mut MarketCounts,
    ) -> usize {
        if self.bars.unit() != PriceUnit::Ticks {
            return 0;
        }
        let mut taken = 0;
        while let Some((from, until)) = self.bars.plain_span(self.event_time) {
            let span = Span {
                from: from.0,
                length: until.0.abs_diff(from.0),
                received_from: until.0.saturating_sub(TIME_AHEAD_MAX_NS),
            };
            let (run, newest) = span.run(&messages[taken..], instrument);
            if run.messages() > 0 {
                let count = run.messages();
                self.add_run(&run, &messages[taken..taken + count], newest, counts);
                taken += count;
            }
            // The trade behind may be plain in the next second.
            let Some(next) = messages.get(taken) else {
                break;
            };
            let now = next.ts_event;
            let opens_next = is_plain(next, instrument)
                && now >= until
                && now < WallNs(TIME_MAX)
                && next.ts_recv >= WallNs(now.0 - TIME_AHEAD_MAX_NS);
            if !opens_next {
                break;
            }
            self.event_time = now;
            self.bars.advance(now, &mut counts.bars);
        }
        taken
    }

    fn add_run(
        &mut self,
        run: &Run,
        messages: &[Message],
        newest: WallNs,
        counts: &mut MarketCounts,
    ) {
        let [first, ..] = messages else { return };
        let [.., last] = messages else { return };
        let bar = run.bar(first, last);
        self.event_time = self.event_time.max(newest);
        let count = messages.len() as u64;
        counts.trades += count;
        let totals = &mut self.totals;
        let add = |sum: &mut Lots, more: Lots| sum.0 = sum.0.saturating_add(more.0);
        totals.trades += count;
        add(&mut totals.quantity, bar.volume);
        add(&mut totals.taker_buy_quantity, bar.taker_buy_volume);
        totals.notional.0 = totals.notional.0.saturating_add(bar.notional.0);
        totals.newest(&last.as_trade());
        self.bars.add_run(&bar, self.event_time);
    }
}

/// Far behind any date; what ends later does not overflow.
const TIME_MAX: i64 = 1 << 62;

impl Span {
    /// Adds up the plain trades at the start of `messages`; answers their newest time as well.
    #[inline]
    fn run(self, messages: &[Message], instrument: u16) -> (Run, WallNs) {
        let mut run = Run::new();
        let mut newest = self.from;
        let mut last_id = 0;
        for message in messages.iter().take(Run::TRADES_MAX) {
            let ts = message.ts_event.0;
            let [px, qty, id, _] = message.payload;
            // The last of a run has its greatest id.
            let inside = ts.wrapping_sub(self.from).cast_unsigned() < self.length
                && message.ts_recv.0 >= self.received_from
                && id >= last_id;
            if !(inside && is_plain(message, instrument)) {
                break;
            }
            newest = newest.max(ts);
            last_id = id;
            run.add(
                px.cast_signed(),
                qty.cast_signed(),
                !message.has(flag::BUYER_MAKER),
                message.aux,
            );
        }
        (run, WallNs(newest))
    }
}

/// Whether it is a trade of the market in time and range, but for its own time.
#[inline]
fn is_plain(message: &Message, instrument: u16) -> bool {
    const TOLD_APART: u8 = flag::BACKFILLED | flag::OFF_MARKET | flag::DELAYED;
    let [px, qty, _, first_id] = message.payload;
    let below = px.wrapping_sub(1) | qty.wrapping_sub(1);
    message.kind == Kind::Trade as u8
        && message.instrument == instrument
        && message.flags & TOLD_APART == 0
        && below < Run::VALUE_MAX
        // Far from where a range of ids would wrap.
        && first_id < 1 << 63
}
