//! What became of every frame and every fact: each is counted exactly once, and [`IntakeCounts::balance`] proves it.

use super::skew::ClockSkew;
use crate::decode::{DepthKind, Fact, Notice, Reason};
use crate::instrument::{InstrumentId, Venue};
use crate::message::{Kind, ResetReason};

/// The kinds of [`Fact`], depth frames by what they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the name in `ALL` is the description")]
pub enum FactKind {
    Trade,
    Quote,
    DepthDiff,
    DepthSnapshot,
    DepthPartial,
    Liquidation,
    MarkPrice,
    VenueBar,
    Day,
    FxTick,
    Order,
    FxPackage,
}

impl FactKind {
    /// Every kind with its name in reports.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Trade, "trade"),
        (Self::Quote, "quote"),
        (Self::DepthDiff, "depth_diff"),
        (Self::DepthSnapshot, "depth_snapshot"),
        (Self::DepthPartial, "depth_partial"),
        (Self::Liquidation, "liquidation"),
        (Self::MarkPrice, "mark_price"),
        (Self::VenueBar, "venue_bar"),
        (Self::Day, "day"),
        (Self::FxTick, "fx_tick"),
        (Self::Order, "order"),
        (Self::FxPackage, "fx_package"),
    ];

    /// The kind of a fact.
    pub fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Trade(..) => Self::Trade,
            Fact::Quote(_) => Self::Quote,
            Fact::Depth(depth) => match depth.kind {
                DepthKind::Diff { .. } => Self::DepthDiff,
                DepthKind::Snapshot => Self::DepthSnapshot,
                DepthKind::Partial => Self::DepthPartial,
            },
            Fact::Liquidation(_) => Self::Liquidation,
            Fact::MarkPrice(_) => Self::MarkPrice,
            Fact::VenueBar(..) => Self::VenueBar,
            Fact::Day(..) => Self::Day,
            Fact::FxTick(_) => Self::FxTick,
            Fact::FxPackage(..) => Self::FxPackage,
            Fact::Order(_) => Self::Order,
        }
    }
}

/// What became of a fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It went on as messages.
    Emitted,
    /// The same id had come before.
    Duplicate,
    /// Its id is older than what is known, or a snapshot that could not be used.
    Stale,
    /// It says in another way what the chosen stream says.
    Superseded,
    /// A depth event whose changes the snapshot holds already.
    Covered,
    /// A depth event thrown away: the buffer was full, the connection lost, or its ids run backwards.
    Discarded,
    /// A depth event that waits for a snapshot, or a trade that waits for one before it: the only fate that is not final.
    Buffered,
}

impl Fate {
    /// Every fate with its name in reports.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Emitted, "emitted"),
        (Self::Duplicate, "duplicate"),
        (Self::Stale, "stale"),
        (Self::Superseded, "superseded"),
        (Self::Covered, "covered"),
        (Self::Discarded, "discarded"),
        (Self::Buffered, "buffered"),
    ];
}

/// Names of the notices in [`IntakeCounts::notices`].
pub const NOTICE_NAMES: [&str; 7] = [
    "subscription_reply",
    "venue_error",
    "server_shutdown",
    "instrument_info",
    "unused",
    "gateway_ready",
    "gateway_status",
];

fn notice_index(notice: Notice) -> usize {
    match notice {
        Notice::SubscriptionReply => 0,
        Notice::VenueError { .. } => 1,
        Notice::ServerShutdown => 2,
        Notice::InstrumentInfo => 3,
        Notice::Unused => 4,
        Notice::GatewayReady => 5,
        Notice::GatewayStatus(_) => 6,
    }
}

/// The counts of one instrument, or of all together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    facts: [u64; FactKind::ALL.len()],
    fates: [[u64; Fate::ALL.len()]; FactKind::ALL.len()],
    resets: [u64; ResetReason::ALL.len()],
    /// Frames refused after their instrument was known.
    pub rejected: u64,
    /// Refused trade frames whose id was known and counts as seen.
    pub trades_refused: u64,
    /// Holes in the trade ids that were told.
    pub trade_gaps: u64,
    /// Trade ids in those holes.
    pub trades_missing: u64,
    /// Elements of lists refused.
    pub elements_refused: u64,
    /// Trades that waited for one before them.
    pub trades_held: u64,
    /// Missing trades that came after all, in time or late.
    pub trades_filled: u64,
    /// Trades of replies that lay behind the last one: at a start, or while a stream was silent.
    pub trades_caught_up: u64,
    /// Of those filled: too late to go on in their order.
    pub trades_late: u64,
    /// Missing trades that the venue could not supply when asked.
    pub trades_unsupplied: u64,
    /// Missing trades that would not be known if they came, because too much is missing.
    pub trades_forgotten: u64,
    /// Depth events that began at or below the book's id and went on.
    pub overlaps: u64,
    /// Minute bars in packages of an FX gateway.
    pub package_bars: u64,
    /// Checksums that went on, each behind its run.
    pub checksums: u64,
    /// Snapshots of partial depth that began a book.
    pub partial_books: u64,
    /// Snapshots that became the book.
    pub snapshots_used: u64,
    /// Snapshots older than the first event that waited.
    pub snapshots_too_old: u64,
    /// Snapshots in a hole between the events that waited.
    pub snapshots_unbridged: u64,
    /// Snapshots older than the book.
    pub snapshots_stale: u64,
}

impl Tally {
    /// Facts of a kind.
    pub fn facts(&self, kind: FactKind) -> u64 {
        self.facts[kind as usize]
    }

    /// Facts of a kind that met a fate.
    pub fn of(&self, kind: FactKind, fate: Fate) -> u64 {
        self.fates[kind as usize][fate as usize]
    }

    /// Facts of any kind that met a fate.
    pub fn fate(&self, fate: Fate) -> u64 {
        self.fates
            .iter()
            .map(|of_kind| of_kind[fate as usize])
            .sum()
    }

    /// Books lost for a reason.
    pub fn resets(&self, reason: ResetReason) -> u64 {
        self.resets[reason as usize - 1]
    }

    /// Books lost, for any reason but a newer snapshot.
    pub fn book_gaps(&self) -> u64 {
        self.resets.iter().sum::<u64>() - self.resets(ResetReason::Refreshed)
    }

    pub(super) fn came(&mut self, kind: FactKind) {
        self.facts[kind as usize] += 1;
    }

    pub(super) fn met(&mut self, kind: FactKind, fate: Fate) {
        self.fates[kind as usize][fate as usize] += 1;
    }

    /// Depth events or trades that waited wait no longer.
    pub(super) fn waited(&mut self, kind: FactKind, facts: u64, fate: Fate) {
        let of_kind = &mut self.fates[kind as usize];
        of_kind[Fate::Buffered as usize] -= facts;
        of_kind[fate as usize] += facts;
    }

    pub(super) fn reset(&mut self, reason: ResetReason) {
        self.resets[reason as usize - 1] += 1;
    }

    fn add(&mut self, other: &Self) {
        fn each(to: &mut [u64], from: &[u64]) {
            for (to, from) in to.iter_mut().zip(from) {
                *to += from;
            }
        }
        each(&mut self.facts, &other.facts);
        each(self.fates.as_flattened_mut(), other.fates.as_flattened());
        each(&mut self.resets, &other.resets);
        self.rejected += other.rejected;
        self.trades_refused += other.trades_refused;
        self.trade_gaps += other.trade_gaps;
        self.trades_missing = self.trades_missing.saturating_add(other.trades_missing);
        self.elements_refused += other.elements_refused;
        self.trades_held += other.trades_held;
        self.trades_filled += other.trades_filled;
        self.trades_caught_up += other.trades_caught_up;
        self.trades_late += other.trades_late;
        self.trades_unsupplied = self
            .trades_unsupplied
            .saturating_add(other.trades_unsupplied);
        self.trades_forgotten = self.trades_forgotten.saturating_add(other.trades_forgotten);
        self.overlaps += other.overlaps;
        self.package_bars += other.package_bars;
        self.checksums += other.checksums;
        self.partial_books += other.partial_books;
        self.snapshots_used += other.snapshots_used;
        self.snapshots_too_old += other.snapshots_too_old;
        self.snapshots_unbridged += other.snapshots_unbridged;
        self.snapshots_stale += other.snapshots_stale;
    }

    fn balance(&self, whose: &str) -> Result<(), String> {
        for (kind, name) in FactKind::ALL {
            let fates = self.fates[kind as usize].iter().sum();
            same(&format!("{whose}: {name} facts"), self.facts(kind), fates)?;
        }
        let snapshots = FactKind::DepthSnapshot;
        let refused = self.snapshots_too_old + self.snapshots_unbridged + self.snapshots_stale;
        same(
            &format!("{whose}: snapshots used"),
            self.of(snapshots, Fate::Emitted),
            self.snapshots_used,
        )?;
        same(
            &format!("{whose}: snapshots not used"),
            self.of(snapshots, Fate::Stale),
            refused,
        )
    }
}

/// All counts of one [`Intake`](super::Intake).
#[derive(Clone, Default, Debug)]
pub struct IntakeCounts {
    /// Frames that came.
    pub frames: u64,
    /// Bytes of those frames.
    pub bytes: u64,
    /// Frames that held a fact, or a list of them.
    pub decoded: u64,
    /// Elements of those lists.
    pub elements: u64,
    /// Elements refused, in the order of [`Reason::ALL`].
    pub elements_rejected: [u64; Reason::ALL.len()],
    /// Elements that were facts.
    pub element_facts: u64,
    /// Frames that concern no instrument, in the order of [`NOTICE_NAMES`].
    pub notices: [u64; NOTICE_NAMES.len()],
    /// Refused frames, in the order of [`Reason::ALL`].
    pub rejected: [u64; Reason::ALL.len()],
    /// Runs of book levels that went on; a depth frame is one run.
    pub runs: u64,
    /// Facts of all instruments.
    pub total: Tally,
    /// Facts by instrument, by id.
    pub instruments: Vec<Tally>,
    messages: [u64; Kind::ALL.len()],
    clocks: [ClockSkew; Venue::ALL.len()],
}

impl IntakeCounts {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            instruments: vec![Tally::default(); instruments],
            ..Self::default()
        }
    }

    /// Messages of a kind that went on, waiting ones included.
    pub fn messages(&self, kind: Kind) -> u64 {
        self.messages[kind as usize - 1]
    }

    /// Messages that went on, waiting ones included.
    pub fn messages_total(&self) -> u64 {
        self.messages.iter().sum()
    }

    /// Refused frames, for any reason.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.iter().sum()
    }

    /// Notices of any kind.
    pub fn notices_total(&self) -> u64 {
        self.notices.iter().sum()
    }

    /// Our clock against a venue's.
    pub fn clock(&self, venue: Venue) -> &ClockSkew {
        &self.clocks[venue as usize - 1]
    }

    pub(super) fn clock_mut(&mut self, venue: Venue) -> &mut ClockSkew {
        &mut self.clocks[venue as usize - 1]
    }

    pub(super) fn noticed(&mut self, notice: Notice) {
        self.notices[notice_index(notice)] += 1;
    }

    pub(super) fn refused(&mut self, reason: Reason) {
        self.rejected[reason as usize] += 1;
    }

    pub(super) fn emitted(&mut self, kind: Kind, messages: u64) {
        self.messages[kind as usize - 1] += messages;
    }

    /// Counts for an instrument and for all.
    pub(super) fn tally(&mut self, instrument: InstrumentId, mut count: impl FnMut(&mut Tally)) {
        count(&mut self.total);
        count(&mut self.instruments[instrument.index()]);
    }

    /// Whether every frame and every fact is accounted for exactly once; if not, what does not add up.
    pub fn balance(&self) -> Result<(), String> {
        let total = &self.total;
        same(
            "frames",
            self.frames,
            self.decoded + self.notices_total() + self.rejected_total(),
        )?;
        same(
            "elements of lists",
            self.elements,
            self.element_facts + self.elements_rejected.iter().sum::<u64>(),
        )?;
        same(
            "elements refused",
            self.elements_rejected.iter().sum(),
            total.elements_refused,
        )?;
        total.balance("all")?;
        let mut sum = Tally::default();
        for (id, tally) in self.instruments.iter().enumerate() {
            tally.balance(&format!("instrument {id}"))?;
            sum.add(tally);
        }
        if sum != *total {
            return Err(format!(
                "instruments together are {sum:?}, the total is {total:?}"
            ));
        }
        let emitted = |kind| total.of(kind, Fate::Emitted);
        let depth = emitted(FactKind::DepthDiff)
            + emitted(FactKind::DepthSnapshot)
            + emitted(FactKind::DepthPartial);
        same("book runs", self.runs, depth)?;
        let bars = emitted(FactKind::VenueBar) + total.package_bars;
        for (kind, facts) in [
            (Kind::Trade, emitted(FactKind::Trade)),
            (Kind::Quote, emitted(FactKind::Quote)),
            (Kind::Liquidation, emitted(FactKind::Liquidation)),
            (Kind::MarkPrice, emitted(FactKind::MarkPrice)),
            (Kind::VenueBarPrices, bars),
            (Kind::VenueBarVolume, bars),
            (Kind::DayPrices, emitted(FactKind::Day)),
            (Kind::DayVolume, emitted(FactKind::Day)),
            (Kind::FxTick, emitted(FactKind::FxTick)),
            (Kind::FxDay, emitted(FactKind::FxPackage)),
            (Kind::FxRange, emitted(FactKind::FxPackage)),
            (Kind::Order, emitted(FactKind::Order)),
            (Kind::TradeGap, total.trade_gaps),
            (Kind::BookReset, total.resets.iter().sum()),
            (Kind::BookChecksum, total.checksums),
            (Kind::BookSynced, total.snapshots_used + total.partial_books),
        ] {
            same(kind.name(), self.messages(kind), facts)?;
        }
        Ok(())
    }
}

fn same(what: &str, came: u64, accounted: u64) -> Result<(), String> {
    if came == accounted {
        Ok(())
    } else {
        Err(format!(
            "{what}: {came} came, {accounted} are accounted for"
        ))
    }
}
