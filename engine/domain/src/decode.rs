//! Frames of a venue into facts: bytes in, exact integers out, or a reason why not.
//!
//! One file per wire format below. Keys may stand in any order, unknown keys are skipped, every bound is checked;
//! no input makes a decoder panic, and none makes it allocate once [`Levels`] has grown to the venue's depth.

pub mod binance;
mod bitstamp;
mod bybit;
mod coinbase;
mod columns;
mod decimal;
mod fields;
mod ftx;
pub mod fx;
mod iso;
mod itch;
mod json;
mod kraken;
mod lobster;
mod mbo;
mod numbers;
mod object;
mod okx;

use crate::instrument::{InstrumentId, InstrumentTable, Venue};
use crate::message::{
    DayPrices, DayVolume, FxDay, FxRange, FxTick, Liquidation, MarkPrice, Order, Quote, Trade,
    VenueBarPrices, VenueBarVolume,
};
use crate::units::{Lots, Ticks, WallNs};

/// One level of a depth frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    /// Price.
    pub px: Ticks,
    /// Absolute quantity; 0 removes the level.
    pub qty: Lots,
}

/// Both sides of the depth frame decoded last, in the frame's order, or its trades. Reused from frame to frame.
#[derive(Clone, Default, Debug)]
pub struct Levels {
    /// Bid levels.
    pub bids: Vec<Level>,
    /// Ask levels.
    pub asks: Vec<Level>,
    /// The minute bars of the day, if the frame was an FX gateway's package.
    pub bars: Vec<(VenueBarPrices, VenueBarVolume)>,
    /// The book's checksum behind the frame, of a venue that sends one.
    pub checksum: Option<Checksum>,
    /// The trades of the frame decoded last, in the frame's order, if it was [`Decoded::Trades`].
    pub trades: Vec<TimedTrade>,
}

/// A venue's checksum of its book as it is behind a depth frame, and what is needed to make the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checksum {
    /// The checksum's 32 bits.
    pub value: u32,
    /// Levels a side that the venue keeps in this book: those beyond are gone without a word. 0: it removes each itself.
    pub depth: u16,
    /// Decimals of every price in the venue's text; 0 where its text has no fixed number of them.
    pub px_decimals: u8,
    /// Decimals of every quantity in the venue's text; 0 where its text has no fixed number of them.
    pub qty_decimals: u8,
}

/// One of several trades in a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimedTrade {
    /// The venue's time.
    pub ts_event: Option<WallNs>,
    /// The trade.
    pub trade: Trade,
}

/// What kind of depth frame it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DepthKind {
    /// Changes between two update ids. Futures also name the last id of the update before (`pu`).
    Diff {
        /// `pu`, where the venue sends it.
        prev_id: Option<u64>,
    },
    /// The whole book down to a depth, from REST.
    Snapshot,
    /// The best levels only, replaced as a whole with each frame.
    Partial,
}

/// A depth frame; its levels are in the [`Levels`] passed to [`decode`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Depth {
    /// Diff, snapshot or partial.
    pub kind: DepthKind,
    /// First update id (of a snapshot: the same as the last).
    pub first_id: u64,
    /// Last update id. 0 where the venue has none: then its frames count in the order of receipt.
    pub last_id: u64,
}

/// Which trade stream a trade came on. An engine counts one of the two, never both.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TradeStream {
    /// `aggTrade`: fills of one taker at one price as one.
    Aggregate,
    /// `trade`: each fill.
    Single,
}

/// A fact about one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(
    missing_docs,
    reason = "each variant carries the documented type of its name"
)]
pub enum Fact {
    Trade(TradeStream, Trade),
    Quote(Quote),
    Depth(Depth),
    Liquidation(Liquidation),
    MarkPrice(MarkPrice),
    VenueBar(VenueBarPrices, VenueBarVolume),
    Day(DayPrices, DayVolume),
    FxTick(FxTick),
    FxPackage(FxDay, FxRange),
    Order(Order),
}

/// A frame that concerns no instrument's state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Notice {
    /// `{"result":null,"id":n}`.
    SubscriptionReply,
    /// `{"code":c,"msg":..}` or `{"error":{..}}`.
    VenueError {
        /// The venue's error code.
        code: i64,
    },
    /// The venue is about to close the connection.
    ServerShutdown,
    /// An instrument table (`exchangeInfo`); read by [`binance::exchange_info`], not here.
    InstrumentInfo,
    /// A well-formed event of a type this build does not use.
    Unused,
    /// An FX gateway is ready; [`fx::ready_symbols`] reads what it has.
    GatewayReady,
    /// How an FX gateway stands with the market behind it.
    GatewayStatus(fx::GatewayStatus),
}

/// What a frame says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decoded {
    /// A fact, with the instrument and the venue's time. Where the venue gives no time, it is `None`.
    Fact {
        /// Which instrument.
        instrument: InstrumentId,
        /// The venue's time: T of a trade, E of the rest.
        ts_event: Option<WallNs>,
        /// The fact.
        fact: Fact,
    },
    /// Facts of one instrument; [`Decoder::elements`] reads them from the same frame.
    List(List),
    /// Trades of one instrument, in [`Levels::trades`]; at least one.
    Trades {
        /// Which instrument.
        instrument: InstrumentId,
        /// Which trade stream.
        stream: TradeStream,
    },
    /// Nothing for an instrument; counted.
    Notice(Notice),
}

/// What the elements of a list are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListKind {
    /// Trades of the past, oldest first, marked as backfilled.
    Trades(TradeStream),
    /// Bars of the past, oldest first, marked as history; the last one is under way.
    Bars {
        /// Their length in seconds.
        interval_s: u32,
    },
}

/// A frame with many facts of one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct List {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// What they are.
    pub kind: ListKind,
    /// Byte of the frame where the array begins.
    at: usize,
}

/// One fact of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element {
    /// The venue's time, where it gives one.
    pub ts_event: Option<WallNs>,
    /// The fact.
    pub fact: Fact,
}

/// Why a frame was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
#[expect(missing_docs, reason = "the name in `ALL` is the description")]
pub enum Reason {
    Empty,
    TooLong,
    Malformed,
    MissingField,
    WrongType,
    OutOfRange,
    OffTick,
    OffLot,
    NotPositive,
    UnknownSymbol,
    UnknownStream,
    BadRange,
    Crossed,
    TooManyLevels,
}

impl Reason {
    /// Every reason with its name in counters and reports.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::Empty, "empty"),
        (Self::TooLong, "too_long"),
        (Self::Malformed, "malformed"),
        (Self::MissingField, "missing_field"),
        (Self::WrongType, "wrong_type"),
        (Self::OutOfRange, "out_of_range"),
        (Self::OffTick, "off_tick"),
        (Self::OffLot, "off_lot"),
        (Self::NotPositive, "not_positive"),
        (Self::UnknownSymbol, "unknown_symbol"),
        (Self::UnknownStream, "unknown_stream"),
        (Self::BadRange, "bad_range"),
        (Self::Crossed, "crossed"),
        (Self::TooManyLevels, "too_many_levels"),
    ];

    /// The reason's name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// A refused frame: why, and what could still be read of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reject {
    /// Why.
    pub reason: Reason,
    /// Byte of the frame where it was noticed.
    pub at: u32,
    /// The instrument, if it was known by then.
    pub instrument: Option<InstrumentId>,
    /// The trade id, if it was known by then: such an id counts as seen.
    pub trade: Option<(TradeStream, u64)>,
}

/// Longest frame looked at: a snapshot of 5000 levels a side is below 400 KiB.
pub const FRAME_BYTES_MAX: usize = 4 << 20;

/// Most levels a side of one depth frame: the venue's largest snapshot.
pub const LEVELS_MAX: usize = 5000;

/// Longest instrument table looked at, which is most of a venue's directory: on a stream named `@exchangeInfo` only.
pub const EXCHANGE_INFO_BYTES_MAX: usize = 64 << 20;

/// Decodes one frame of `venue` that came on `stream`.
///
/// The levels of a depth frame are left in `levels`, which is reused from frame to frame; after any other frame, and
/// after a refusal, what stands in `levels` means nothing.
/// A JSON key given twice counts the second time, as in every common JSON reader.
/// A key may be written with escapes; a wanted value written with escapes is not recognised.
pub fn decode(
    venue: Venue,
    stream: &[u8],
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
) -> Result<Decoded, Reject> {
    let bytes_max = if stream.ends_with(b"@exchangeInfo") {
        EXCHANGE_INFO_BYTES_MAX
    } else {
        FRAME_BYTES_MAX
    };
    if frame.is_empty() {
        return Err(Fault::new(Reason::Empty, 0).alone());
    }
    if frame.len() > bytes_max {
        return Err(Fault::new(Reason::TooLong, bytes_max).alone());
    }
    levels.checksum = None;
    match venue {
        Venue::BinanceSpot | Venue::BinanceUsdm | Venue::BinanceCoinm => {
            binance::decode(venue, stream, frame, table, levels)
        }
        Venue::Fx => fx::decode(frame, table, levels),
        Venue::Itch => itch::decode(stream, frame, table),
        Venue::Lobster => lobster::decode(stream, frame, table),
        Venue::Mbo => mbo::decode(stream, frame, table),
        Venue::Bybit => bybit::decode(frame, table, levels),
        Venue::Coinbase => coinbase::decode(frame, table, levels),
        Venue::Bitstamp => bitstamp::decode(stream, frame, table, levels),
        Venue::Kraken => kraken::decode(frame, table, levels),
        Venue::Okx => okx::decode(frame, table, levels),
        Venue::Ftx => ftx::decode(frame, table, levels),
    }
}

/// Decodes frame after frame, and remembers how the frames of each stream are laid out.
///
/// It answers what [`decode`] answers, sooner where a venue writes the frames of a stream alike.
#[derive(Clone, Debug)]
pub struct Decoder {
    table: InstrumentTable,
    layouts: binance::Layouts,
}

impl Decoder {
    /// A decoder for the instruments of `table`, which has seen no frame. All its memory is taken now.
    pub fn new(table: InstrumentTable) -> Self {
        Self {
            layouts: binance::Layouts::new(table.len()),
            table,
        }
    }

    /// The instruments.
    pub fn table(&self) -> &InstrumentTable {
        &self.table
    }

    /// Decodes one frame; see [`decode`].
    #[inline]
    pub fn decode(
        &mut self,
        venue: Venue,
        stream: &[u8],
        frame: &[u8],
        levels: &mut Levels,
    ) -> Result<Decoded, Reject> {
        let alike = matches!(
            venue,
            Venue::BinanceSpot | Venue::BinanceUsdm | Venue::BinanceCoinm
        );
        if alike && let Some(decoded) = self.layouts.read(venue, stream, frame, levels) {
            return Ok(decoded);
        }
        let decoded = decode(venue, stream, frame, &self.table, levels);
        if alike && let Ok(decoded @ (Decoded::Fact { .. } | Decoded::Notice(_))) = &decoded {
            self.layouts
                .missed(venue, stream, frame, decoded, &self.table);
        }
        decoded
    }

    /// Reads the facts of a list from the frame that was decoded to it, in the frame's order. A bad element is refused
    /// by itself.
    pub fn elements(
        &self,
        list: List,
        frame: &[u8],
        mut take: impl FnMut(Result<Element, Reject>),
    ) {
        let Some(instrument) = self.table.get(list.instrument) else {
            return;
        };
        binance::elements(list, frame, fields::Grids::of(instrument), |element| {
            take(element.map_err(|(fault, trade)| Reject {
                trade,
                ..fault.with(Some(list.instrument))
            }));
        });
    }
}

/// A refusal on its way up, before it is known what else could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fault {
    reason: Reason,
    at: u32,
}

impl Fault {
    fn new(reason: Reason, at: usize) -> Self {
        Self {
            reason,
            at: u32::try_from(at).unwrap_or(u32::MAX),
        }
    }

    fn malformed(at: usize) -> Self {
        Self::new(Reason::Malformed, at)
    }

    /// The refusal of a frame of which nothing else could be read.
    fn alone(self) -> Reject {
        self.with(None)
    }

    /// The refusal of a frame of a known instrument.
    fn with(self, instrument: Option<InstrumentId>) -> Reject {
        Reject {
            reason: self.reason,
            at: self.at,
            instrument,
            trade: None,
        }
    }
}

/// A quote without an update id of what is known of both sides; `None` if nothing is. `ask_px` is where a fault is told.
fn quote_of(
    bid: Option<(Ticks, Lots)>,
    ask: Option<(Ticks, Lots)>,
    ask_px: json::Value,
) -> Result<Option<Quote>, Fault> {
    if let (Some((bid, _)), Some((ask, _))) = (bid, ask) {
        if ask < bid {
            return ask_px.fault(Reason::Crossed);
        }
        if i32::try_from(ask.0 - bid.0).is_err() {
            return ask_px.fault(Reason::OutOfRange);
        }
    }
    let either = bid.or(ask).map(|(px, _)| (px, Lots::ZERO));
    let Some(absent) = either else {
        return Ok(None);
    };
    let (bid_px, bid_qty) = bid.unwrap_or(absent);
    let (ask_px, ask_qty) = ask.unwrap_or(absent);
    Ok(Some(Quote {
        bid_px,
        bid_qty,
        ask_px,
        ask_qty,
        update_id: 0,
    }))
}

/// The symbol of a stream name: what stands before the `@`.
fn stream_symbol(stream: &[u8]) -> &[u8] {
    let end = stream.iter().position(|&byte| byte == b'@');
    &stream[..end.unwrap_or(0)]
}

/// The instrument a stream is named after.
fn stream_instrument(
    venue: Venue,
    stream: &[u8],
    table: &InstrumentTable,
) -> Result<(InstrumentId, fields::Grids), Fault> {
    table
        .find(venue, stream_symbol(stream))
        .and_then(|id| Some((id, fields::Grids::of(table.get(id)?))))
        .ok_or(Fault::new(Reason::UnknownSymbol, 0))
}

#[cfg(test)]
mod tests;
