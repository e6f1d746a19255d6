//! What a message carries, by kind: one type a kind, joined in [`Body`].

use super::connection::Connection;
use crate::units::{Lots, Ticks, WallNs};

/// A trade, or fills of one taker at one price reported as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "five independent facts")]
pub struct Trade {
    /// Price, greater than 0.
    pub px: Ticks,
    /// Quantity, greater than 0.
    pub qty: Lots,
    /// The venue's (aggregate) trade id.
    pub id: u64,
    /// First trade id inside.
    pub first_id: u64,
    /// Last trade id inside; at most 2^32 - 1 above the first.
    pub last_id: u64,
    /// The buyer was resting: the aggressor sold.
    pub is_buyer_maker: bool,
    /// At the best price, by the venue's word; true where the venue does not say.
    pub best_match: bool,
    /// Fetched later to fill a gap.
    pub backfilled: bool,
    /// Not a market trade (insurance fund, deleveraging): stays out of bars.
    pub off_market: bool,
    /// In the place its id gives it, but late: it waited for trades before it, or others waited for it.
    pub delayed: bool,
}

/// Best bid and best ask with sizes. A side of size 0 is absent, and its price then equals the other's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Best bid price.
    pub bid_px: Ticks,
    /// Quantity at the best bid.
    pub bid_qty: Lots,
    /// Best ask price, at most 2^31 - 1 ticks above the bid.
    pub ask_px: Ticks,
    /// Quantity at the best ask.
    pub ask_qty: Lots,
    /// The venue's order book update id; 0 where it has none.
    pub update_id: u64,
}

/// Which side of a book.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "nothing to add to the field's own words")]
pub enum Side {
    Bid,
    Ask,
}

/// One price level of a run: an absolute quantity, 0 removes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookLevel {
    /// Side of the book.
    pub side: Side,
    /// Price of the level.
    pub px: Ticks,
    /// Resting quantity; 0 removes the level.
    pub qty: Lots,
    /// First update id of the run.
    pub first_id: u64,
    /// Last update id of the run.
    pub last_id: u64,
    /// Last level of the run: the run may be applied now.
    pub last: bool,
    /// The run is a snapshot and replaces the book.
    pub snapshot: bool,
    /// The run has no level; only the ids count.
    pub empty: bool,
}

/// Why a book can no longer be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum ResetReason {
    /// An update id is missing.
    Gap = 1,
    /// The update's own ids run backwards.
    BadRange = 2,
    /// Best bid at or above best ask after a complete run.
    Crossed = 3,
    /// More events waited for a snapshot than the buffer holds.
    Overflow = 4,
    /// The connection was lost or the source ended and began again.
    Disconnected = 5,
    /// A newer snapshot replaces a synchronised book.
    Refreshed = 6,
    /// The venue's checksum is not that of the book.
    Checksum = 7,
}

impl ResetReason {
    /// Every reason with its name in reports.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Gap, "gap"),
        (Self::BadRange, "bad_range"),
        (Self::Crossed, "crossed"),
        (Self::Overflow, "overflow"),
        (Self::Disconnected, "disconnected"),
        (Self::Refreshed, "refreshed"),
        (Self::Checksum, "checksum"),
    ];

    /// The reason of that number.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(reason, _)| *reason as u32 == code)
            .map(|(reason, _)| *reason)
    }
}

/// The book is no longer in step with the venue; levels are unknown until the next snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookReset {
    /// What happened.
    pub reason: ResetReason,
    /// The update id that had to follow.
    pub expected_id: u64,
    /// The update id that came.
    pub got_id: u64,
}

/// The venue's checksum of its book behind the run just sent, with what is needed to make the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookChecksum {
    /// The checksum's 32 bits.
    pub checksum: u32,
    /// Levels a side that the venue keeps: those beyond are gone without a word. 0: it removes each itself.
    pub depth: u32,
    /// Decimals of every price in the venue's text; 0 where they are not fixed.
    pub px_decimals: u32,
    /// Decimals of every quantity in the venue's text; 0 where they are not fixed.
    pub qty_decimals: u32,
}

/// The book is in step with the venue from this update id on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookSynced {
    /// The snapshot's update id.
    pub update_id: u64,
}

/// Trades are missing: the ids from first to last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradeGap {
    /// First missing id.
    pub first_id: u64,
    /// Last missing id.
    pub last_id: u64,
}

/// A forced order of a liquidation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Liquidation {
    /// Side of the forced order.
    pub side: Side,
    /// Its limit price.
    pub px: Ticks,
    /// Average price of its fills, rounded down to a tick (an average need not lie on one).
    pub avg_px: Ticks,
    /// Its quantity.
    pub qty: Lots,
    /// Quantity filled so far.
    pub filled_qty: Lots,
}

/// Mark and index price and the funding rate, which lie on no tick: in units of 10^-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MarkPrice {
    /// Mark price x 10^8.
    pub mark_e8: i64,
    /// Index price x 10^8; 0 where the venue gives none.
    pub index_e8: i64,
    /// Funding rate x 10^8; 0 where the venue gives none.
    pub rate_e8: i64,
    /// Next funding time, ms since 1970; 0 where the venue gives none.
    pub next_funding_ms: u64,
}

/// First half of a bar as the venue computed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VenueBarPrices {
    /// Length of the bar in seconds.
    pub interval_s: u32,
    /// First price.
    pub open: Ticks,
    /// Highest price.
    pub high: Ticks,
    /// Lowest price.
    pub low: Ticks,
    /// Last price.
    pub close: Ticks,
}

/// Second half of a bar as the venue computed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VenueBarVolume {
    /// Length of the bar in seconds.
    pub interval_s: u32,
    /// Start of the bar.
    pub open_ts: WallNs,
    /// Traded quantity.
    pub volume: Lots,
    /// Quantity bought by aggressors.
    pub taker_buy_volume: Lots,
    /// Number of trades.
    pub trades: u64,
    /// The bar is final.
    pub closed: bool,
    /// One of many bars of the past, fetched at once.
    pub history: bool,
}

/// First half of the venue's rolling 24-hour statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayPrices {
    /// Last price.
    pub last: Ticks,
    /// Price 24 hours ago.
    pub open: Ticks,
    /// Highest price.
    pub high: Ticks,
    /// Lowest price.
    pub low: Ticks,
}

/// Second half of the venue's rolling 24-hour statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayVolume {
    /// Traded quantity.
    pub volume: Lots,
    /// Number of trades.
    pub trades: u64,
    /// Start of the window, ms since 1970.
    pub open_ms: u64,
    /// End of the window, ms since 1970.
    pub close_ms: u64,
}

/// An FX tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FxTick {
    /// Bid, greater than 0.
    pub bid: Ticks,
    /// Ask, at or above the bid.
    pub ask: Ticks,
    /// Volume offered at the bid; 0 where the source has none.
    pub bid_qty: Lots,
    /// Volume offered at the ask; 0 where the source has none.
    pub ask_qty: Lots,
}

/// First part of a gateway's package about a symbol: the day so far. The day's minute bars follow it, and then
/// [`FxRange`] ends the package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FxDay {
    /// First price of the day.
    pub open: Ticks,
    /// Highest price of the day so far.
    pub high: Ticks,
    /// Lowest price of the day so far.
    pub low: Ticks,
    /// The price now: the bid, or what the gateway calls the initial price.
    pub price: Ticks,
    /// Decimals of the symbol's prices.
    pub digits: u32,
}

/// Last part of a gateway's package about a symbol: how far a day goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FxRange {
    /// Average range of the last days; 0 where the gateway does not say.
    pub adr: Ticks,
    /// Highest price to be expected today; 0 if unknown.
    pub projected_high: Ticks,
    /// Lowest price to be expected today; 0 if unknown.
    pub projected_low: Ticks,
    /// One of the two projections at least is the open and half the range, not the gateway's word.
    pub computed: bool,
}

/// What happened to an order of an order-by-order feed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum OrderAction {
    /// Rests now.
    Add = 1,
    /// New price or size under the same id.
    Modify = 2,
    /// Reduced by `qty`, or removed if `qty` is 0.
    Cancel = 3,
    /// Filled for `qty` while resting.
    Execute = 4,
    /// Replaced by the order `other_id`.
    Replace = 5,
    /// A trade against no shown order.
    Trade = 6,
    /// The whole book is emptied.
    Clear = 7,
    /// A state of the market (session, halt, directory, imbalance): counted, no order.
    Status = 8,
}

impl OrderAction {
    /// The action of that number.
    pub fn from_code(code: u32) -> Option<Self> {
        use OrderAction::{Add, Cancel, Clear, Execute, Modify, Replace, Status, Trade};
        [Add, Modify, Cancel, Execute, Replace, Trade, Clear, Status]
            .into_iter()
            .find(|a| *a as u32 == code)
    }
}

/// One event of an order-by-order feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// What happened.
    pub action: OrderAction,
    /// Side of the order.
    pub side: Side,
    /// The venue's id of the order; 0 where there is none.
    pub order_id: u64,
    /// Price; 0 where the event has none.
    pub px: Ticks,
    /// Quantity; its meaning is the action's.
    pub qty: Lots,
    /// The new id of a replaced order, the match number of a trade; otherwise 0.
    pub other_id: u64,
    /// The event is complete with this message.
    pub last: bool,
    /// Part of a snapshot.
    pub snapshot: bool,
}

/// Text of up to 32 ASCII bytes in the payload, padded with zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name {
    /// The text.
    pub text: [u8; 32],
    /// A code that belongs to it: of [`Kind::InstrumentName`] the venue.
    pub code: u32,
}

/// Last part of an instrument's definition: tick size and lot size as `mantissa / 10^scale`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstrumentGrid {
    /// Tick size's numerator.
    pub tick_mantissa: u64,
    /// Tick size's decimals.
    pub tick_scale: u64,
    /// Lot size's numerator.
    pub lot_mantissa: u64,
    /// Lot size's decimals.
    pub lot_scale: u64,
}

/// The payload, typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(
    missing_docs,
    reason = "each variant carries the documented type of its name"
)]
pub enum Body {
    Trade(Trade),
    Quote(Quote),
    BookLevel(BookLevel),
    BookReset(BookReset),
    BookSynced(BookSynced),
    BookChecksum(BookChecksum),
    TradeGap(TradeGap),
    Liquidation(Liquidation),
    MarkPrice(MarkPrice),
    VenueBarPrices(VenueBarPrices),
    VenueBarVolume(VenueBarVolume),
    DayPrices(DayPrices),
    DayVolume(DayVolume),
    FxTick(FxTick),
    Order(Order),
    InstrumentName(Name),
    InstrumentVenueName(Name),
    InstrumentGrid(InstrumentGrid),
    /// Time has passed: the sequence time stands in `ts_recv`.
    Timer,
    /// The input is exhausted or shutdown was asked for; the last message, never recorded.
    End,
    Connection(Connection),
    FxDay(FxDay),
    FxRange(FxRange),
}
