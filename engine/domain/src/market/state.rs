//! One instrument: its book, its touch, its bars and its latest values.

use super::counts::MarketCounts;
use super::fx::FxDays;
use super::venue_bars::VenueBars;
use crate::bars::{Bars, PriceUnit};
use crate::book::touch::{Fused, QuoteTouch};
use crate::book::{Book, Check, Fault, Outcome, PX_MAX, Quality, Stamp};
use crate::instrument::{Instrument, Venue};
use crate::message::{
    Body, BookChecksum, BookLevel, BookReset, DayPrices, DayVolume, FxDay, FxRange, FxTick, Kind,
    Liquidation, MarkPrice, Message, Order, Quote, ResetReason, Side, Trade, TradeGap,
    VenueBarVolume,
};
use crate::units::{Lots, Notional, Ticks, WallNs};

/// How far depth and quotes may be ahead of trades that are still on their way. Recorded depth runs up to 166 ms ahead of
/// the trades behind it; a bar closed at once would find those trades late.
pub const TRADE_GRACE_NS: i64 = 1_000_000_000;

/// A venue time further ahead of its receipt is no clock skew but a fault: event time never goes back, so one such time
/// would make every later trade late.
pub const TIME_AHEAD_MAX_NS: i64 = 3_600_000_000_000;

/// Sums over the trades of one instrument. They saturate.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TradeTotals {
    /// Number of trade messages.
    pub trades: u64,
    /// Traded quantity.
    pub quantity: Lots,
    /// Of that, bought by aggressors.
    pub taker_buy_quantity: Lots,
    /// Sum of price times quantity.
    pub notional: Notional,
    /// The trade with the greatest id, in whatever order they came.
    pub last: Option<Trade>,
}

impl TradeTotals {
    /// Takes the trade as the last one if it is.
    #[inline]
    pub(super) fn newest(&mut self, trade: &Trade) {
        if self.last.is_none_or(|last| last.id <= trade.id) {
            self.last = Some(*trade);
        }
    }
}

/// Sums over the liquidations of one instrument. They saturate.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Liquidations {
    /// Number of forced orders per side, bids first.
    pub orders: [u64; 2],
    /// Their quantity per side.
    pub quantity: [Lots; 2],
    /// The last one.
    pub last: Option<Liquidation>,
}

/// What is known of one instrument.
#[derive(Clone, Debug)]
pub struct InstrumentState {
    instrument: Instrument,
    /// The instrument's event time: the venue's, raised so that it never decreases.
    pub(super) event_time: WallNs,
    book: Option<Box<Book>>,
    quotes: QuoteTouch,
    pub(super) bars: Bars,
    pub(super) totals: TradeTotals,
    liquidations: Liquidations,
    venue_bars: VenueBars,
    mark: Option<MarkPrice>,
    day_prices: Option<DayPrices>,
    day_volume: Option<DayVolume>,
    fx: Option<FxTick>,
    /// Of a currency pair only.
    fx_days: Option<Box<FxDays>>,
    orders: [u64; 9],
    /// The book was found wrong, and nobody was told yet.
    pub(super) found_wrong: Option<Fault>,
}

impl InstrumentState {
    pub(super) fn new(instrument: Instrument) -> Self {
        let unit = match instrument.venue {
            Venue::Fx => PriceUnit::HalfTicks,
            _ => PriceUnit::Ticks,
        };
        Self {
            instrument,
            event_time: WallNs(0),
            book: None,
            quotes: QuoteTouch::default(),
            bars: Bars::new(unit),
            totals: TradeTotals::default(),
            liquidations: Liquidations::default(),
            venue_bars: VenueBars::default(),
            mark: None,
            day_prices: None,
            day_volume: None,
            fx: None,
            fx_days: (unit == PriceUnit::HalfTicks).then(Box::default),
            orders: [0; 9],
            found_wrong: None,
        }
    }

    /// Its definition.
    pub fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// Its event time.
    pub fn event_time(&self) -> WallNs {
        self.event_time
    }

    /// Its book, if depth was ever heard.
    pub fn book(&self) -> Option<&Book> {
        self.book.as_deref()
    }

    /// Its quotes beside the book.
    pub fn quotes(&self) -> &QuoteTouch {
        &self.quotes
    }

    /// The freshest best bid and ask, from whichever stream is ahead.
    pub fn touch(&self) -> Option<Fused> {
        self.quotes.fused(self.book())
    }

    /// Its bars.
    pub fn bars(&self) -> &Bars {
        &self.bars
    }

    /// Sums over its trades.
    pub fn totals(&self) -> &TradeTotals {
        &self.totals
    }

    /// Sums over its liquidations.
    pub fn liquidations(&self) -> &Liquidations {
        &self.liquidations
    }

    /// The venue's own bars.
    pub fn venue_bars(&self) -> &VenueBars {
        &self.venue_bars
    }

    /// The newest mark price.
    pub fn mark(&self) -> Option<&MarkPrice> {
        self.mark.as_ref()
    }

    /// The newest prices of the venue's 24-hour statistics.
    pub fn day_prices(&self) -> Option<&DayPrices> {
        self.day_prices.as_ref()
    }

    /// The newest volume of the venue's 24-hour statistics.
    pub fn day_volume(&self) -> Option<&DayVolume> {
        self.day_volume.as_ref()
    }

    /// The newest FX tick.
    pub fn fx(&self) -> Option<&FxTick> {
        self.fx.as_ref()
    }

    /// The days of a currency pair; of other instruments there are none.
    pub fn fx_days(&self) -> Option<&FxDays> {
        self.fx_days.as_deref()
    }

    /// Events of an order-by-order feed, by the code of their action.
    pub fn orders(&self) -> &[u64; 9] {
        &self.orders
    }

    #[inline]
    pub(super) fn apply(&mut self, kind: Kind, message: &Message, counts: &mut MarketCounts) {
        let at = Stamp {
            sequence: message.sequence,
            ts: message.ts_recv,
        };
        // The three kinds of which a market has millions are read directly; the rest through the checked union.
        let fits = match kind {
            Kind::BookLevel => {
                self.book_level(&message.as_book_level(), at, message, counts);
                true
            }
            Kind::Trade => self.trade(&message.as_trade(), message, counts),
            Kind::Quote => self.quote(&message.as_quote(), message, counts),
            _ => self.rest(at, message, counts),
        };
        counts.bad_payloads += u64::from(!fits);
    }

    pub(super) fn watch(&mut self, at: Stamp, counts: &mut MarketCounts) {
        if let Some(book) = &mut self.book {
            counts.books_stale += u64::from(book.watch(at));
        }
        self.compare_venue_bars(counts);
    }

    pub(super) fn state_words(&self, word: &mut impl FnMut(u64)) {
        word(self.event_time.0.cast_unsigned());
        word(u64::from(self.book.is_some()));
        if let Some(book) = &self.book {
            book.state_words(word);
        }
        self.quotes.state_words(word);
        self.bars.state_words(word);
        self.venue_bars.state_words(word);
        let bits = |sum: Lots| sum.0.cast_unsigned();
        word(self.totals.trades);
        word(bits(self.totals.quantity));
        word(bits(self.totals.taker_buy_quantity));
        crate::bars::wide(self.totals.notional, word);
        // The latest values are messages again: their packing is canonical already.
        let latest = [
            self.totals.last.map(Body::Trade),
            self.liquidations.last.map(Body::Liquidation),
            self.mark.map(Body::MarkPrice),
            self.day_prices.map(Body::DayPrices),
            self.day_volume.map(Body::DayVolume),
            self.fx.map(Body::FxTick),
        ];
        for body in latest {
            word(u64::from(body.is_some()));
            if let Some(body) = body {
                let packed = Message::new(
                    crate::instrument::InstrumentId::NONE,
                    WallNs(0),
                    WallNs(0),
                    &body,
                );
                word(u64::from(packed.flags) << 32 | u64::from(packed.aux));
                packed.payload.into_iter().for_each(&mut *word);
            }
        }
        for side in 0..2 {
            word(self.liquidations.orders[side]);
            word(bits(self.liquidations.quantity[side]));
        }
        self.orders.iter().for_each(|&count| word(count));
        if let Some(days) = &self.fx_days {
            days.state_words(word);
        }
    }

    #[inline]
    fn book_level(
        &mut self,
        level: &BookLevel,
        at: Stamp,
        message: &Message,
        counts: &mut MarketCounts,
    ) {
        counts.book_levels += u64::from(!level.empty);
        let book = self.book.get_or_insert_default();
        match book.apply_level(level, at) {
            Outcome::Staged => {}
            Outcome::Applied => {
                counts.book_updates += 1;
                let (last_id, touch) = (book.last_id(), book.touch());
                counts.touch += self.quotes.run(last_id, touch);
                self.others_time(message, counts);
            }
            Outcome::Replaced => {
                counts.book_snapshots += 1;
                counts.touch += if book.is_in_step() {
                    self.quotes.run(book.last_id(), book.touch())
                } else {
                    self.quotes.lost(false)
                };
            }
            Outcome::Ignored => {
                counts.book_runs_ignored += 1;
                self.others_time(message, counts);
            }
            Outcome::Gapped(fault) => {
                counts.gap(fault);
                counts.books_found_wrong += 1;
                self.found_wrong = Some(fault);
                counts.touch += self.quotes.lost(false);
            }
        }
    }

    #[inline]
    fn trade(&mut self, trade: &Trade, message: &Message, counts: &mut MarketCounts) -> bool {
        let fits = is_price(trade.px) && trade.qty > Lots::ZERO && trade.first_id <= trade.last_id;
        if !fits || self.bars.unit() != PriceUnit::Ticks {
            return false;
        }
        let (ts, now) = self.own_time(message, counts);
        if trade.off_market {
            counts.trades_off_market += 1;
            return true;
        }
        counts.trades += 1;
        let totals = &mut self.totals;
        totals.trades += 1;
        totals.quantity.0 = totals.quantity.0.saturating_add(trade.qty.0);
        if !trade.is_buyer_maker {
            totals.taker_buy_quantity.0 = totals.taker_buy_quantity.0.saturating_add(trade.qty.0);
        }
        totals.notional.0 = totals.notional.0.saturating_add((trade.px * trade.qty).0);
        counts.trades_backfilled += u64::from(trade.backfilled);
        totals.newest(trade);
        self.bars.trade(trade, ts, now, &mut counts.bars);
        true
    }

    #[inline]
    fn quote(&mut self, quote: &Quote, message: &Message, counts: &mut MarketCounts) -> bool {
        let fits = is_price(quote.bid_px)
            && is_price(quote.ask_px)
            && quote.bid_px <= quote.ask_px
            && quote.bid_qty >= Lots::ZERO
            && quote.ask_qty >= Lots::ZERO;
        if fits {
            counts.touch += self.quotes.quote(quote);
            // Spot quotes carry no venue time.
            if self.instrument.venue != Venue::BinanceSpot {
                self.others_time(message, counts);
            }
        }
        fits
    }

    #[inline]
    fn fx_tick(&mut self, tick: &FxTick, message: &Message, counts: &mut MarketCounts) -> bool {
        let fits = is_price(tick.bid) && is_price(tick.ask) && tick.bid <= tick.ask;
        if !fits || self.bars.unit() != PriceUnit::HalfTicks {
            return false;
        }
        let (ts, now) = self.own_time(message, counts);
        self.fx = Some(*tick);
        if let Some(days) = &mut self.fx_days {
            days.tick(Ticks(tick.bid.0 + tick.ask.0), now);
        }
        self.bars.fx_tick(tick, ts, now, &mut counts.bars);
        true
    }

    #[inline(never)]
    fn rest(&mut self, at: Stamp, message: &Message, counts: &mut MarketCounts) -> bool {
        let Some(body) = message.body() else {
            return false;
        };
        match &body {
            Body::FxTick(tick) => return self.fx_tick(tick, message, counts),
            Body::BookReset(reset) => self.book_reset(reset, at, counts),
            Body::BookSynced(synced) => {
                let book = self.book.get_or_insert_default();
                if book.synced(synced, at) {
                    counts.books_synced += 1;
                } else {
                    counts.books_sync_refused += 1;
                }
            }
            Body::BookChecksum(stated) => self.book_checksum(stated, at, counts),
            Body::TradeGap(gap) => return self.trade_gap(gap, counts),
            Body::Liquidation(liquidation) => return self.liquidation(liquidation),
            Body::MarkPrice(mark) => {
                self.mark = Some(*mark);
                self.others_time(message, counts);
            }
            Body::VenueBarPrices(prices) => self.venue_bars.prices(prices),
            Body::FxDay(day) => return self.fx_day(day, message),
            Body::FxRange(range) => return self.fx_range(range),
            Body::VenueBarVolume(volume) if self.is_staging() => return self.fx_bar(volume),
            Body::VenueBarVolume(volume) => {
                let fits = self.venue_bars.volume(volume);
                self.compare_venue_bars(counts);
                return fits;
            }
            Body::DayPrices(prices) => self.day_prices = Some(*prices),
            Body::DayVolume(volume) => self.day_volume = Some(*volume),
            Body::Order(order) => self.order(order, counts),
            // Handled before, or of no instrument.
            _ => return false,
        }
        true
    }

    /// Whether bars belong to the package of a gateway that is on its way in.
    fn is_staging(&self) -> bool {
        let days = self.fx_days.as_deref();
        days.is_some_and(FxDays::is_staging)
    }

    fn fx_day(&mut self, day: &FxDay, message: &Message) -> bool {
        let prices = [day.low, day.open, day.high, day.price];
        let fits = prices.into_iter().all(is_price) && prices[..3].is_sorted();
        let Some(days) = self.fx_days.as_mut().filter(|_| fits) else {
            return false;
        };
        days.day(day, message.ts_recv);
        true
    }

    fn fx_bar(&mut self, volume: &VenueBarVolume) -> bool {
        let Some(prices) = self.venue_bars.first_half(volume) else {
            return false;
        };
        let fits = [prices.low, prices.open, prices.close, prices.high]
            .into_iter()
            .all(is_price);
        let days = self.fx_days.as_mut().filter(|_| fits);
        days.is_some_and(|days| days.bar(&prices, volume))
    }

    fn fx_range(&mut self, range: &FxRange) -> bool {
        let fits = [range.adr, range.projected_high, range.projected_low]
            .into_iter()
            .all(|px| (Ticks::ZERO..=PX_MAX).contains(&px));
        let days = self.fx_days.as_mut().filter(|_| fits);
        days.is_some_and(|days| days.range(range))
    }

    fn book_reset(&mut self, reset: &BookReset, at: Stamp, counts: &mut MarketCounts) {
        let book = self.book.get_or_insert_default();
        // The feed's answer to what was found here is no further loss.
        let is_answer = book.quality() == Quality::Gapped(Fault::Crossed)
            && reset.reason == ResetReason::Crossed;
        book.reset(reset, at);
        if !is_answer {
            counts.gap(reset.reason.into());
        }
        counts.touch += self.quotes.lost(reset.reason == ResetReason::Disconnected);
    }

    fn book_checksum(&mut self, stated: &BookChecksum, at: Stamp, counts: &mut MarketCounts) {
        let book = self.book.get_or_insert_default();
        match book.check(stated, &self.instrument, at) {
            Check::Verified => counts.checksums_verified += 1,
            Check::Skipped => counts.checksums_skipped += 1,
            Check::Failed => {
                counts.checksums_failed += 1;
                counts.gap(Fault::Checksum);
                counts.books_found_wrong += 1;
                self.found_wrong = Some(Fault::Checksum);
                counts.touch += self.quotes.lost(false);
            }
        }
    }

    fn trade_gap(&mut self, gap: &TradeGap, counts: &mut MarketCounts) -> bool {
        let Some(span) = gap.last_id.checked_sub(gap.first_id) else {
            return false;
        };
        let missing = span.saturating_add(1);
        counts.trade_gaps += 1;
        counts.trades_missing = counts.trades_missing.saturating_add(missing);
        self.bars.gap(missing, &mut counts.bars);
        true
    }

    fn liquidation(&mut self, liquidation: &Liquidation) -> bool {
        let fits = is_price(liquidation.px) && liquidation.qty > Lots::ZERO;
        if fits {
            let side = usize::from(liquidation.side == Side::Ask);
            self.liquidations.orders[side] += 1;
            let sum = &mut self.liquidations.quantity[side].0;
            *sum = sum.saturating_add(liquidation.qty.0);
            self.liquidations.last = Some(*liquidation);
        }
        fits
    }

    fn order(&mut self, order: &Order, counts: &mut MarketCounts) {
        self.orders[order.action as usize] += 1;
        counts.orders[order.action as usize] += 1;
    }

    fn compare_venue_bars(&mut self, counts: &mut MarketCounts) {
        let (compared, mismatched) = self.venue_bars.compare(&self.bars);
        counts.venue_bars_compared += compared;
        counts.venue_bars_mismatched += mismatched;
    }

    /// The message's venue time, and event time raised to it.
    #[inline]
    fn own_time(&mut self, message: &Message, counts: &mut MarketCounts) -> (WallNs, WallNs) {
        if is_time(message) {
            self.event_time = self.event_time.max(message.ts_event);
            (message.ts_event, self.event_time)
        } else {
            counts.bad_times += 1;
            (self.event_time, self.event_time)
        }
    }

    /// Raises event time by a stream that may be ahead of the trades, and closes the bars it has passed.
    #[inline]
    fn others_time(&mut self, message: &Message, counts: &mut MarketCounts) {
        if !is_time(message) {
            counts.bad_times += 1;
            return;
        }
        let now = WallNs(message.ts_event.0 - TRADE_GRACE_NS);
        if now > self.event_time {
            self.event_time = now;
            self.bars.advance(now, &mut counts.bars);
        }
    }
}

fn is_price(px: Ticks) -> bool {
    px > Ticks::ZERO && px <= PX_MAX
}

/// Whether the venue's time can be: since 1970, and not far ahead of the receipt.
#[inline]
fn is_time(message: &Message) -> bool {
    let ts = message.ts_event;
    ts >= WallNs(0) && ts.0 <= message.ts_recv.0.saturating_add(TIME_AHEAD_MAX_NS)
}
