//! Bars of seven timeframes from trades or from FX ticks.
//!
//! Only the one-second bar is touched by each trade; when it closes it is added to the minute, the minute to five
//! minutes, and so on. So a trade costs the same however many timeframes there are, and all of them agree.
//!
//! Time is the instrument's event time as the caller raises it. Bars close when that time passes their end and never by a
//! clock: bars of a silent instrument stay open, and whoever shows them must look at the age of their last input.

mod bar;
mod revisions;
mod run;
mod series;

pub use bar::{Bar, Timeframe};
pub use revisions::{REVISIONS_MAX, Revised};
pub use series::HISTORY_MAX;

use crate::message::{FxTick, Trade};
use crate::units::WallNs;
use bar::Fill;
pub(crate) use bar::wide;
use revisions::Revisions;
pub(crate) use run::Run;
use series::Series;

/// Number of timeframes.
pub const TIMEFRAMES: usize = Timeframe::ALL.len();

/// What a price of a bar counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PriceUnit {
    /// Ticks: bars of trades.
    Ticks,
    /// Half ticks: bars of FX ticks are bars of the middle, which is bid plus ask in half ticks, exactly.
    HalfTicks,
}

/// What happened to bars, added up per timeframe in the order of [`Timeframe::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BarCounts {
    /// Bars closed, flat ones included.
    pub closed: [u64; TIMEFRAMES],
    /// Flat bars that were not made because a pause was longer than [`HISTORY_MAX`] of them.
    pub skipped: [u64; TIMEFRAMES],
    /// Trades whose bar was closed already, so that they went into the open bar.
    pub late: [u64; TIMEFRAMES],
    /// Closed bars changed by a trade fetched later, or by a gap found or filled later.
    pub revised: [u64; TIMEFRAMES],
    /// Trades fetched later whose bar is not kept any more: they are in no bar.
    pub too_old: [u64; TIMEFRAMES],
}

impl BarCounts {
    /// Says all counts as words.
    pub fn state_words(&self, word: &mut impl FnMut(u64)) {
        let all = [
            self.closed,
            self.skipped,
            self.late,
            self.revised,
            self.too_old,
        ];
        all.as_flattened().iter().for_each(|&count| word(count));
    }
}

/// All bars of one instrument.
#[derive(Clone, Debug)]
pub struct Bars {
    unit: PriceUnit,
    series: [Series; TIMEFRAMES],
    /// End of the open one-second bar; before the first trade there is none.
    next_close: WallNs,
    started: bool,
    last_trade: WallNs,
    /// A gap was reported and no trade has come since, so the bars that open now may miss trades too.
    gap_open: bool,
    missing: u64,
    revisions: Revisions,
}

impl Bars {
    /// No bars yet; the first trade opens them.
    pub fn new(unit: PriceUnit) -> Self {
        Self {
            unit,
            series: Timeframe::ALL.map(Series::new),
            next_close: WallNs(i64::MAX),
            started: false,
            last_trade: WallNs(0),
            gap_open: false,
            missing: 0,
            revisions: Revisions::default(),
        }
    }

    /// What the prices count.
    pub fn unit(&self) -> PriceUnit {
        self.unit
    }

    /// A trade, at the instrument's event time `now`, which is at or behind the trade's own time `ts` unless the trade is
    /// late. A trade off the market stays out. One that was fetched or is delayed goes where it belongs, also into a closed bar.
    #[inline]
    pub fn trade(&mut self, trade: &Trade, ts: WallNs, now: WallNs, counts: &mut BarCounts) {
        if trade.off_market {
            return;
        }
        let fill = Fill::from(trade);
        if trade.backfilled | trade.delayed {
            self.backfill(&fill, ts, now, counts);
            self.after_late(trade, ts, counts);
        } else {
            self.fill(&fill, ts, now, counts);
            self.gap_open = false;
        }
    }

    /// The span of time in which a trade would go into the open one-second bar and be nothing but one more of it, at an event
    /// time that is in that bar now; `None` if the next trade has more to say.
    #[inline]
    pub(crate) fn plain_span(&self, now: WallNs) -> Option<(WallNs, WallNs)> {
        let is_plain = self.started && !self.gap_open && now < self.next_close;
        is_plain.then_some((self.series[0].open.open_ts, self.next_close))
    }

    /// Adds trades of the span that [`Bars::plain_span`] told, of which the last came at event time `now`.
    #[inline]
    pub(crate) fn add_run(&mut self, run: &Bar, now: WallNs) {
        self.series[0].open.append(run);
        self.last_trade = now;
    }

    /// An FX tick: one fill of quantity 0 at the middle.
    #[inline]
    pub fn fx_tick(&mut self, tick: &FxTick, ts: WallNs, now: WallNs, counts: &mut BarCounts) {
        self.fill(&Fill::of_middle(tick), ts, now, counts);
    }

    /// Event time has come to `now`: closes every bar that ends at or before it.
    #[inline]
    pub fn advance(&mut self, now: WallNs, counts: &mut BarCounts) {
        if now >= self.next_close {
            self.close_until(now, counts);
        }
    }

    /// `count` trades are missing since the last one. Every bar from that trade's on may miss some, and so may all that
    /// open until the next trade comes.
    pub fn gap(&mut self, count: u64, counts: &mut BarCounts) {
        self.missing = self.missing.saturating_add(count);
        self.gap_open = true;
        if self.started {
            for (series, revised) in self.series.iter_mut().zip(&mut counts.revised) {
                *revised += series.mark_gap(self.last_trade, &mut self.revisions);
            }
        }
    }

    /// Whether a trade has opened the bars.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Trades reported missing and not yet fetched.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// The bar under way; `None` before the first trade.
    pub fn open(&self, timeframe: Timeframe) -> Option<Bar> {
        if !self.started {
            return None;
        }
        let at = timeframe as usize;
        let mut bar = self.series[at].open;
        for finer in self.series[..at].iter().rev() {
            bar.append(&finer.open);
        }
        Some(self.series[at].settled(bar))
    }

    /// Closed bars, oldest first, at most [`HISTORY_MAX`].
    pub fn closed(
        &self,
        timeframe: Timeframe,
    ) -> impl DoubleEndedIterator<Item = &Bar> + ExactSizeIterator {
        self.series[timeframe as usize].closed.iter()
    }

    /// The closed bar that starts at `open_ts`, if it is kept.
    pub fn closed_at(&self, timeframe: Timeframe, open_ts: WallNs) -> Option<&Bar> {
        let series = &self.series[timeframe as usize];
        Some(&series.closed[series.find(open_ts)?])
    }

    /// Says the whole state as words.
    pub fn state_words(&self, word: &mut impl FnMut(u64)) {
        word(u64::from(self.started) | u64::from(self.gap_open) << 1);
        word(self.next_close.0.cast_unsigned());
        word(self.last_trade.0.cast_unsigned());
        word(self.missing);
        for series in &self.series {
            word(series.closed.len() as u64);
            for bar in series.closed.iter().chain([&series.open]) {
                bar.state_words(word);
            }
        }
    }

    /// How many times closed bars were changed.
    pub fn revisions(&self) -> u64 {
        self.revisions.count()
    }

    /// The changes behind that number, oldest first. If the first has not the next number, those between are forgotten:
    /// [`REVISIONS_MAX`] are kept.
    pub fn revised_since(&self, number: u64) -> impl Iterator<Item = &Revised> {
        self.revisions.since(number)
    }

    /// Says what the bars hold as words, whenever it became known: no marks and no revisions.
    pub fn content_words(&self, word: &mut impl FnMut(u64)) {
        for (timeframe, series) in Timeframe::ALL.into_iter().zip(&self.series) {
            word(series.closed.len() as u64);
            let open = self.open(timeframe);
            for bar in series.closed.iter().chain(&open) {
                bar.content_words(word);
            }
        }
    }

    #[inline]
    fn fill(&mut self, fill: &Fill, ts: WallNs, now: WallNs, counts: &mut BarCounts) {
        self.advance(now, counts);
        if !self.started {
            self.start(now);
        }
        if ts < self.series[0].open.open_ts {
            for (series, late) in self.series.iter().zip(&mut counts.late) {
                *late += u64::from(ts < series.open.open_ts);
            }
        }
        self.series[0].open.add(fill);
        self.last_trade = now;
    }

    #[cold]
    fn start(&mut self, now: WallNs) {
        self.started = true;
        for series in &mut self.series {
            let open_ts = series.timeframe.bucket(now);
            series.open = Bar::opened(open_ts, self.gap_open);
            series.open.is_partial = open_ts != now;
        }
        self.next_close = self.series[0].end();
    }

    #[inline(never)]
    fn close_until(&mut self, now: WallNs, counts: &mut BarCounts) {
        for at in 0..TIMEFRAMES {
            // A coarser bar never ends before the finer one inside it.
            if now < self.series[at].end() {
                break;
            }
            let part = self.series[at].open;
            if let Some(coarser) = self.series.get_mut(at + 1) {
                coarser.open.append(&part);
            }
            let (closed, skipped) = self.series[at].close_until(now, self.gap_open);
            counts.closed[at] += closed;
            counts.skipped[at] += skipped;
        }
        self.next_close = self.series[0].end();
    }

    /// A trade that comes late goes where it belongs: into the finest part that is still open, and into closed bars below.
    /// Several trades have one time, so its place among those of a bar is by its id.
    #[cold]
    fn backfill(&mut self, fill: &Fill, ts: WallNs, now: WallNs, counts: &mut BarCounts) {
        if self.started {
            self.advance(now, counts);
            self.insert(fill, ts, counts);
        } else {
            self.fill(fill, ts, now, counts);
        }
    }

    /// A trade in its place is no part of what was told as missing; one fetched out of order is.
    #[cold]
    fn after_late(&mut self, trade: &Trade, ts: WallNs, counts: &mut BarCounts) {
        if trade.delayed {
            self.last_trade = self.last_trade.max(ts);
            self.gap_open = false;
        } else if self.missing > 0 {
            self.missing -= 1;
            if self.missing == 0 {
                self.gap_open = false;
                for (series, revised) in self.series.iter_mut().zip(&mut counts.revised) {
                    *revised += series.heal(&mut self.revisions);
                }
            }
        }
    }

    fn insert(&mut self, fill: &Fill, ts: WallNs, counts: &mut BarCounts) {
        for (at, series) in self.series.iter_mut().enumerate() {
            if ts >= series.open.open_ts {
                series.open.insert(fill);
                break;
            }
            match series.revise(ts, fill, &mut self.revisions) {
                0 => counts.too_old[at] += 1,
                revised => counts.revised[at] += revised,
            }
        }
    }
}

#[cfg(test)]
mod tests;
