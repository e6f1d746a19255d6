//! An L2 order book: levels by price, what is known of them, and how far they can be trusted.
//!
//! A run of levels shows as a whole: its levels wait aside until the last one has come, so a reader between two messages
//! sees the book of the last complete run. The book never guesses: after a fault it waits for the next snapshot.

pub mod checksum;
mod far;
mod ladder;
pub mod touch;

pub use ladder::FAR_LEVELS_MAX;

use crate::instrument::Instrument;
use crate::message::{BookChecksum, BookLevel, BookReset, BookSynced, ResetReason, Side};
use crate::units::{Lots, Ticks, WallNs};
use ladder::{KEY_MAX, Ladder};
use touch::Touch;

/// Most levels in one run: a snapshot of the venue's largest depth, 5,000 a side.
pub const RUN_LEVELS_MAX: usize = 10_000;

/// A book in step that hears nothing for this long is stale (sequence time).
pub const STALE_NS: i64 = 10_000_000_000;

/// Prices beyond this are refused; no market comes near, and sums of prices stay inside 64 bits.
pub const PX_MAX: Ticks = Ticks(KEY_MAX);

/// Why a book cannot be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Fault {
    /// An update id is missing.
    Gap = 1,
    /// Ids of an update run backwards.
    BadRange = 2,
    /// Best bid at or above best ask after a complete run.
    Crossed = 3,
    /// More events waited than a buffer holds, or a run is longer than [`RUN_LEVELS_MAX`].
    Overflow = 4,
    /// The connection was lost.
    Disconnected = 5,
    /// A newer snapshot replaces a synchronised book.
    Refreshed = 6,
    /// A run broke off before its last level.
    Torn = 7,
    /// A run held a price or a quantity that cannot be.
    BadLevel = 8,
    /// The venue's checksum is not that of the book.
    Checksum = 9,
}

impl Fault {
    /// Every fault with its name in reports.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Gap, "gap"),
        (Self::BadRange, "bad_range"),
        (Self::Crossed, "crossed"),
        (Self::Overflow, "overflow"),
        (Self::Disconnected, "disconnected"),
        (Self::Refreshed, "refreshed"),
        (Self::Torn, "torn"),
        (Self::BadLevel, "bad_level"),
        (Self::Checksum, "checksum"),
    ];

    /// The fault's name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize - 1].1
    }
}

impl From<ResetReason> for Fault {
    fn from(reason: ResetReason) -> Self {
        match reason {
            ResetReason::Gap => Self::Gap,
            ResetReason::BadRange => Self::BadRange,
            ResetReason::Crossed => Self::Crossed,
            ResetReason::Overflow => Self::Overflow,
            ResetReason::Disconnected => Self::Disconnected,
            ResetReason::Refreshed => Self::Refreshed,
            ResetReason::Checksum => Self::Checksum,
        }
    }
}

/// How far a book can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Quality {
    /// Nothing was ever heard.
    Empty,
    /// A snapshot is in, or on its way; the feed has not said yet that the book is in step.
    Syncing,
    /// In step with the venue.
    Good,
    /// Out of step: the levels are those of the last complete run before the fault.
    Gapped(Fault),
    /// In step when it was last heard of, at least [`STALE_NS`] ago.
    Stale,
}

impl Quality {
    /// The state's name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Syncing => "syncing",
            Self::Good => "good",
            Self::Gapped(_) => "gapped",
            Self::Stale => "stale",
        }
    }

    /// A number per state and fault.
    pub fn code(self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::Syncing => 1,
            Self::Good => 2,
            Self::Stale => 3,
            Self::Gapped(fault) => 16 + fault as u8,
        }
    }
}

/// A place in the sequence.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Stamp {
    /// Number of the message.
    pub sequence: u64,
    /// Sequence time.
    pub ts: WallNs,
}

/// Down to which price all levels of a side are known.
///
/// A snapshot is cut at some depth, the same for both sides. So a side shorter than the other was not cut and is complete;
/// of the longer side, and of two equal ones, nothing is known beyond the outermost level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Horizon {
    /// No level is known for sure.
    Unknown,
    /// All levels from the touch to this price; beyond it only what changed since.
    To(Ticks),
    /// All levels.
    Full,
}

/// What a level did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It waits for the rest of its run.
    Staged,
    /// The run is complete and the book moved to its last id.
    Applied,
    /// The snapshot is complete and is the book now. A book in step stays in step: some venues send whole books only.
    Replaced,
    /// The run is complete and without effect: the book waits for a snapshot, or is past those ids already.
    Ignored,
    /// The book is out of step from here on.
    Gapped(Fault),
}

/// What holding a book against the venue's checksum has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// It is the same.
    Verified,
    /// It is another: the book is out of step from here on.
    Failed,
    /// The book was out of step before, or in the middle of a run, or the venue has no rule here.
    Skipped,
}

/// A run on its way in.
#[derive(Clone, Debug, Default)]
struct Run {
    open: bool,
    snapshot: bool,
    /// The book will ignore the run, so its levels are not kept.
    skipped: bool,
    fault: Option<Fault>,
    first_id: u64,
    last_id: u64,
    /// Key and quantity; the sign of a key is the side, because prices are positive.
    levels: Vec<(i64, i64)>,
}

/// The book of one instrument.
#[derive(Clone, Debug)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
    quality: Quality,
    since: Stamp,
    updated: Stamp,
    last_id: u64,
    run: Run,
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

impl Book {
    /// An empty book. Takes its window memory (256 KiB) now; what a deep book needs more grows by doubling up to
    /// [`FAR_LEVELS_MAX`] levels a side.
    pub fn new() -> Self {
        Self {
            bids: Ladder::new(),
            asks: Ladder::new(),
            quality: Quality::Empty,
            since: Stamp::default(),
            updated: Stamp::default(),
            last_id: 0,
            run: Run::default(),
        }
    }

    /// Takes the next level of a run.
    ///
    /// A run that breaks off is found by the first level of the next one, and answered with [`Fault::Torn`] whatever that
    /// level did besides: a gapped book ignores it, unless it is of a snapshot.
    #[inline]
    pub fn apply_level(&mut self, level: &BookLevel, at: Stamp) -> Outcome {
        let mut torn = false;
        let run = &mut self.run;
        if !run.open
            || run.last_id != level.last_id
            || run.first_id != level.first_id
            || run.snapshot != level.snapshot
        {
            torn = self.begin_run(level, at);
        }
        self.stage(level);
        let outcome = if level.last {
            self.end_run(at)
        } else {
            Outcome::Staged
        };
        if torn {
            Outcome::Gapped(Fault::Torn)
        } else {
            outcome
        }
    }

    /// The feed lost the thread, or is about to send a newer snapshot.
    pub fn reset(&mut self, reset: &BookReset, at: Stamp) {
        self.run.open = false;
        let quality = match reset.reason {
            ResetReason::Refreshed => Quality::Syncing,
            reason => Quality::Gapped(reason.into()),
        };
        self.become_quality(quality, at);
    }

    /// The feed says that the snapshot just sent is the venue's book at this id. Answers whether it is.
    pub fn synced(&mut self, synced: &BookSynced, at: Stamp) -> bool {
        let fits = self.quality == Quality::Syncing && self.last_id == synced.update_id;
        if fits {
            self.become_quality(Quality::Good, at);
        }
        fits
    }

    /// The venue says what the checksum of its book is behind the run just applied, and how deep it keeps the book.
    ///
    /// Levels beyond that depth are given up first: the venue has dropped them without a word.
    pub fn check(&mut self, stated: &BookChecksum, instrument: &Instrument, at: Stamp) -> Check {
        let told = matches!(
            self.quality,
            Quality::Syncing | Quality::Good | Quality::Stale
        );
        if self.run.open || !told {
            return Check::Skipped;
        }
        if let Ok(depth @ 1..) = usize::try_from(stated.depth) {
            self.bids.truncate(depth);
            self.asks.truncate(depth);
        }
        if !checksum::has_rule(instrument.venue) {
            return Check::Skipped;
        }
        if checksum::checksum(self, instrument, stated) == Some(stated.checksum) {
            return Check::Verified;
        }
        self.gapped(Fault::Checksum, at);
        Check::Failed
    }

    /// Time has passed: a good book that has been silent for too long is stale. Answers whether it became so now.
    pub fn watch(&mut self, at: Stamp) -> bool {
        let silent = at.ts.0.saturating_sub(self.updated.ts.0) >= STALE_NS;
        let became = silent && self.quality == Quality::Good;
        if became {
            self.become_quality(Quality::Stale, at);
        }
        became
    }

    /// How far the book can be trusted.
    pub fn quality(&self) -> Quality {
        self.quality
    }

    /// Since when it has been so.
    pub fn since(&self) -> Stamp {
        self.since
    }

    /// When the last run or snapshot was applied.
    pub fn updated(&self) -> Stamp {
        self.updated
    }

    /// Whether the levels are the venue's at [`Self::last_id`]: good, or stale without a known loss.
    pub fn is_in_step(&self) -> bool {
        matches!(self.quality, Quality::Good | Quality::Stale)
    }

    /// The venue's update id of the last run applied.
    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// The best bid.
    #[inline]
    pub fn best_bid(&self) -> Option<(Ticks, Lots)> {
        self.best(Side::Bid)
    }

    /// The best ask.
    #[inline]
    pub fn best_ask(&self) -> Option<(Ticks, Lots)> {
        self.best(Side::Ask)
    }

    /// The best level of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<(Ticks, Lots)> {
        Some(level(self.side(side).best()?))
    }

    /// Best bid and best ask.
    #[inline]
    pub fn touch(&self) -> Touch {
        Touch {
            bid: self.best_bid(),
            ask: self.best_ask(),
        }
    }

    /// The levels of a side, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (Ticks, Lots)> + '_ {
        self.side(side).iter().map(level)
    }

    /// The best `count` levels of a side, the best first.
    pub fn top(&self, side: Side, count: usize) -> impl Iterator<Item = (Ticks, Lots)> + '_ {
        self.levels(side).take(count)
    }

    /// Number of levels of a side.
    pub fn level_count(&self, side: Side) -> usize {
        self.side(side).len()
    }

    /// The quantity resting at a price, 0 where no level is known.
    pub fn quantity_at(&self, side: Side, px: Ticks) -> Lots {
        Lots(valid(px).map_or(0, |px| self.side(side).get(key(side, px))))
    }

    /// Down to which price the side is known.
    pub fn horizon(&self, side: Side) -> Horizon {
        match self.side(side).floor() {
            i64::MIN => Horizon::Full,
            i64::MAX => Horizon::Unknown,
            floor => Horizon::To(Ticks(floor.abs())),
        }
    }

    /// Whether the quantity at a price is known: inside the horizon, or told since. A level beyond the horizon that was
    /// told and then removed counts as unknown again.
    pub fn is_known(&self, side: Side, px: Ticks) -> bool {
        let inside = |px| key(side, px) >= self.side(side).floor();
        valid(px).is_some_and(inside) || self.quantity_at(side, px) != Lots::ZERO
    }

    /// Levels given up because a side held more than [`FAR_LEVELS_MAX`] away from the touch.
    pub fn forgotten(&self) -> u64 {
        self.bids.forgotten() + self.asks.forgotten()
    }

    /// Says the whole state as words, in an order that does not depend on how it lies in memory.
    pub fn state_words(&self, word: &mut impl FnMut(u64)) {
        word(u64::from(self.quality.code()));
        for stamp in [self.since, self.updated] {
            word(stamp.sequence);
            word(stamp.ts.0.cast_unsigned());
        }
        word(self.last_id);
        for side in [&self.bids, &self.asks] {
            word(side.len() as u64);
            for (key, qty) in side.iter() {
                word(key.cast_unsigned());
                word(qty.cast_unsigned());
            }
            word(side.floor().cast_unsigned());
            word(side.forgotten());
        }
        let run = &self.run;
        word(u64::from(run.open));
        if run.open {
            word(u64::from(run.snapshot) | u64::from(run.skipped) << 1);
            word(run.fault.map_or(0, |fault| fault as u64));
            word(run.first_id);
            word(run.last_id);
            word(run.levels.len() as u64);
            for &(key, qty) in &run.levels {
                word(key.cast_unsigned());
                word(qty.cast_unsigned());
            }
        }
    }

    fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    fn become_quality(&mut self, quality: Quality, at: Stamp) {
        self.quality = quality;
        self.since = at;
    }

    /// Opens a run; answers whether the one before broke off.
    fn begin_run(&mut self, level: &BookLevel, at: Stamp) -> bool {
        let torn = self.run.open;
        if torn {
            self.become_quality(Quality::Gapped(Fault::Torn), at);
        }
        let run = &mut self.run;
        run.open = true;
        run.snapshot = level.snapshot;
        run.first_id = level.first_id;
        run.last_id = level.last_id;
        run.fault = (level.first_id > level.last_id).then_some(Fault::BadRange);
        run.levels.clear();
        let old = level.last_id < self.last_id;
        let in_step = matches!(self.quality, Quality::Good | Quality::Stale);
        run.skipped = !level.snapshot && (old || !in_step);
        torn
    }

    #[inline]
    fn stage(&mut self, level: &BookLevel) {
        let run = &mut self.run;
        if run.skipped || level.empty {
            return;
        }
        let Some(px) = valid(level.px).filter(|_| level.qty.0 >= 0) else {
            run.fault = run.fault.or(Some(Fault::BadLevel));
            return;
        };
        if run.levels.len() == RUN_LEVELS_MAX {
            run.fault = run.fault.or(Some(Fault::Overflow));
            return;
        }
        run.levels.push((key(level.side, px), level.qty.0));
    }

    fn end_run(&mut self, at: Stamp) -> Outcome {
        self.run.open = false;
        if self.run.skipped {
            return Outcome::Ignored;
        }
        if let Some(fault) = self.run.fault {
            return self.gapped(fault, at);
        }
        if self.run.snapshot {
            self.replace();
        }
        for &(key, qty) in &self.run.levels {
            if key > 0 {
                self.bids.set(key, qty);
            } else {
                self.asks.set(key, qty);
            }
        }
        self.last_id = self.run.last_id;
        self.updated = at;
        if let (Some((bid, _)), Some((ask, _))) = (self.bids.best(), self.asks.best())
            && bid >= -ask
        {
            return self.gapped(Fault::Crossed, at);
        }
        match self.quality {
            Quality::Good => {}
            Quality::Stale => self.become_quality(Quality::Good, at),
            _ => self.become_quality(Quality::Syncing, at),
        }
        if self.run.snapshot {
            Outcome::Replaced
        } else {
            Outcome::Applied
        }
    }

    fn gapped(&mut self, fault: Fault, at: Stamp) -> Outcome {
        self.become_quality(Quality::Gapped(fault), at);
        Outcome::Gapped(fault)
    }

    /// Empties both sides for the staged snapshot and sets how deep they are known.
    fn replace(&mut self) {
        self.bids.clear();
        self.asks.clear();
        let levels = self.run.levels.iter().filter(|(_, qty)| *qty != 0);
        let (mut bids, mut asks) = ((0_usize, i64::MAX), (0_usize, i64::MAX));
        for &(key, _) in levels {
            let (count, floor) = if key > 0 { &mut bids } else { &mut asks };
            *count += 1;
            *floor = key.min(*floor);
        }
        let floor = |own: (usize, i64), other: (usize, i64)| {
            if own.0 < other.0 { i64::MIN } else { own.1 }
        };
        self.bids.set_floor(floor(bids, asks));
        self.asks.set_floor(floor(asks, bids));
    }
}

/// A price that can be: greater than 0 and not beyond [`PX_MAX`].
fn valid(px: Ticks) -> Option<Ticks> {
    (px > Ticks::ZERO && px <= PX_MAX).then_some(px)
}

/// A greater key is a better price.
fn key(side: Side, px: Ticks) -> i64 {
    match side {
        Side::Bid => px.0,
        Side::Ask => -px.0,
    }
}

fn level((key, qty): (i64, i64)) -> (Ticks, Lots) {
    (Ticks(key.abs()), Lots(qty))
}

#[cfg(test)]
mod tests;
