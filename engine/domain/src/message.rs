//! The 64-byte message: everything that passes a ring or rests in the tick store.
//!
//! A header says when, what and for which instrument; four words of payload say the rest, by [`Kind`].
//! What needs more is a run of messages whose last carries [`flag::LAST`].
//! [`schema`] names every field once, for the numpy dtype, the documentation and the CSV header.

mod connection;
mod payload;
pub mod schema;

pub use connection::{Connection, ConnectionEvent, Issue};
pub use payload::{
    Body, BookChecksum, BookLevel, BookReset, BookSynced, DayPrices, DayVolume, FxDay, FxRange,
    FxTick, InstrumentGrid, Liquidation, MarkPrice, Name, Order, OrderAction, Quote, ResetReason,
    Side, Trade, TradeGap, VenueBarPrices, VenueBarVolume,
};

use crate::instrument::InstrumentId;
use crate::units::{Lots, Ticks, WallNs};
use bytemuck::{Pod, Zeroable};

/// One fixed-layout message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Message {
    /// Number in the one sequence, from 1. Before the sequencer it holds the raw clock at ingress.
    pub sequence: u64,
    /// The venue's time, ns since 1970 UTC.
    pub ts_event: WallNs,
    /// Receipt, ns since 1970 UTC; from the sequencer on it never decreases and is the sequence time.
    pub ts_recv: WallNs,
    /// A [`Kind`].
    pub kind: u8,
    /// Bits of [`flag`].
    pub flags: u8,
    /// An [`InstrumentId`].
    pub instrument: u16,
    /// Fifth payload field, by kind.
    pub aux: u32,
    /// Payload, by kind.
    pub payload: [u64; 4],
}

/// Bits of [`Message::flags`].
pub mod flag {
    /// The last message of its run; set on every message that is a run of its own.
    pub const LAST: u8 = 1;
    /// The sell side: an ask level, a selling order. Clear: the buy side.
    pub const ASK: u8 = 2;
    /// Part of a snapshot: the run replaces what was known.
    pub const SNAPSHOT: u8 = 4;
    /// A run without levels that only moves the update id.
    pub const EMPTY: u8 = 8;
    /// A trade whose buyer was resting, so the seller attacked.
    pub const BUYER_MAKER: u8 = 16;
    /// A trade at the best price, by the venue's word.
    pub const BEST_MATCH: u8 = 32;
    /// A trade fetched later to fill a gap.
    pub const BACKFILLED: u8 = 64;
    /// A trade that is not a market trade (insurance fund, deleveraging): it stays out of bars.
    pub const OFF_MARKET: u8 = 128;
    /// A venue bar that is final (bit shared with [`BUYER_MAKER`], which bars do not have).
    pub const CLOSED: u8 = 16;
    /// A venue bar of the past, fetched (bit shared with [`BACKFILLED`]).
    pub const HISTORY: u8 = 64;
    /// A trade in its place that comes late: it waited for one before it, or others waited for it
    /// (bit shared with [`ASK`], which trades do not have).
    pub const DELAYED: u8 = 2;
    /// The projections of a range are computed, not the gateway's (bit shared with [`BUYER_MAKER`]).
    pub const COMPUTED: u8 = 16;
    /// The issue of a connection has ended (bit shared with [`BUYER_MAKER`]).
    pub const ENDED: u8 = 16;
}

/// What a message says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[expect(
    missing_docs,
    reason = "the payload type of the same name in `Body` documents each kind"
)]
pub enum Kind {
    Trade = 1,
    Quote = 2,
    BookLevel = 3,
    BookReset = 4,
    BookSynced = 5,
    TradeGap = 6,
    Liquidation = 7,
    MarkPrice = 8,
    VenueBarPrices = 9,
    VenueBarVolume = 10,
    DayPrices = 11,
    DayVolume = 12,
    FxTick = 13,
    Order = 14,
    InstrumentName = 15,
    InstrumentVenueName = 16,
    InstrumentGrid = 17,
    Timer = 18,
    End = 19,
    Connection = 20,
    FxDay = 21,
    FxRange = 22,
    BookChecksum = 23,
}

impl Kind {
    /// Every kind with its name in reports, exports and schemas.
    pub const ALL: [(Self, &'static str); 23] = [
        (Self::Trade, "trade"),
        (Self::Quote, "quote"),
        (Self::BookLevel, "book_level"),
        (Self::BookReset, "book_reset"),
        (Self::BookSynced, "book_synced"),
        (Self::TradeGap, "trade_gap"),
        (Self::Liquidation, "liquidation"),
        (Self::MarkPrice, "mark_price"),
        (Self::VenueBarPrices, "venue_bar_prices"),
        (Self::VenueBarVolume, "venue_bar_volume"),
        (Self::DayPrices, "day_prices"),
        (Self::DayVolume, "day_volume"),
        (Self::FxTick, "fx_tick"),
        (Self::Order, "order"),
        (Self::InstrumentName, "instrument_name"),
        (Self::InstrumentVenueName, "instrument_venue_name"),
        (Self::InstrumentGrid, "instrument_grid"),
        (Self::Timer, "timer"),
        (Self::End, "end"),
        (Self::Connection, "connection"),
        (Self::FxDay, "fx_day"),
        (Self::FxRange, "fx_range"),
        (Self::BookChecksum, "book_checksum"),
    ];

    /// The kind of that number.
    #[inline]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL
            .get(usize::from(code).checked_sub(1)?)
            .map(|(kind, _)| *kind)
    }

    /// The kind's name.
    pub fn name(self) -> &'static str {
        Self::ALL[usize::from(self as u8) - 1].1
    }
}

fn bits(value: i64) -> u64 {
    value.cast_unsigned()
}

fn ticks(word: u64) -> Ticks {
    Ticks(word.cast_signed())
}

fn lots(word: u64) -> Lots {
    Lots(word.cast_signed())
}

/// The low half of a word and the high one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves are wanted one by one"
)]
fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

fn when(condition: bool, bit: u8) -> u8 {
    if condition { bit } else { 0 }
}

fn side_bit(side: Side) -> u8 {
    when(side == Side::Ask, flag::ASK)
}

impl Message {
    /// A message with that payload, not yet sequenced.
    ///
    /// # Panics
    /// If a quote's spread or a trade's id range does not fit 32 bits; `decode` refuses those first.
    pub fn new(instrument: InstrumentId, ts_event: WallNs, ts_recv: WallNs, body: &Body) -> Self {
        let (kind, flags, aux, payload) = pack(body);
        Self {
            sequence: 0,
            ts_event,
            ts_recv,
            kind: kind as u8,
            flags,
            instrument: instrument.0,
            aux,
            payload,
        }
    }

    /// The instrument it concerns.
    pub fn instrument(&self) -> InstrumentId {
        InstrumentId(self.instrument)
    }

    /// Its kind, if this build knows the number.
    #[inline]
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_code(self.kind)
    }

    /// Whether a bit of [`flag`] is set.
    pub fn has(&self, bit: u8) -> bool {
        self.flags & bit != 0
    }

    /// The typed payload; `None` if the kind or a code inside is unknown to this build.
    #[inline]
    pub fn body(&self) -> Option<Body> {
        let [a, b, c, d] = self.payload;
        let side = self.side();
        Some(match self.kind()? {
            Kind::Trade => Body::Trade(self.as_trade()),
            Kind::Quote => Body::Quote(self.as_quote()),
            Kind::BookLevel => Body::BookLevel(self.as_book_level()),
            Kind::BookReset => {
                let reason = ResetReason::from_code(self.aux)?;
                Body::BookReset(BookReset {
                    reason,
                    expected_id: a,
                    got_id: b,
                })
            }
            Kind::BookSynced => Body::BookSynced(BookSynced { update_id: a }),
            Kind::TradeGap => Body::TradeGap(TradeGap {
                first_id: a,
                last_id: b,
            }),
            Kind::Liquidation => Body::Liquidation(Liquidation {
                side,
                px: ticks(a),
                avg_px: ticks(b),
                qty: lots(c),
                filled_qty: lots(d),
            }),
            Kind::MarkPrice => Body::MarkPrice(MarkPrice {
                mark_e8: a.cast_signed(),
                index_e8: b.cast_signed(),
                rate_e8: c.cast_signed(),
                next_funding_ms: d,
            }),
            Kind::VenueBarPrices => Body::VenueBarPrices(VenueBarPrices {
                interval_s: self.aux,
                open: ticks(a),
                high: ticks(b),
                low: ticks(c),
                close: ticks(d),
            }),
            Kind::VenueBarVolume => Body::VenueBarVolume(VenueBarVolume {
                interval_s: self.aux,
                open_ts: WallNs(a.cast_signed()),
                volume: lots(b),
                taker_buy_volume: lots(c),
                trades: d,
                closed: self.has(flag::CLOSED),
                history: self.has(flag::HISTORY),
            }),
            Kind::DayPrices => Body::DayPrices(DayPrices {
                last: ticks(a),
                open: ticks(b),
                high: ticks(c),
                low: ticks(d),
            }),
            Kind::DayVolume => Body::DayVolume(DayVolume {
                volume: lots(a),
                trades: b,
                open_ms: c,
                close_ms: d,
            }),
            Kind::FxTick => Body::FxTick(FxTick {
                bid: ticks(a),
                ask: ticks(b),
                bid_qty: lots(c),
                ask_qty: lots(d),
            }),
            Kind::Order => Body::Order(Order {
                action: OrderAction::from_code(self.aux)?,
                side,
                order_id: a,
                px: ticks(b),
                qty: lots(c),
                other_id: d,
                last: self.has(flag::LAST),
                snapshot: self.has(flag::SNAPSHOT),
            }),
            Kind::InstrumentName => Body::InstrumentName(self.name()),
            Kind::InstrumentVenueName => Body::InstrumentVenueName(self.name()),
            Kind::InstrumentGrid => Body::InstrumentGrid(InstrumentGrid {
                tick_mantissa: a,
                tick_scale: b,
                lot_mantissa: c,
                lot_scale: d,
            }),
            Kind::Timer => Body::Timer,
            Kind::End => Body::End,
            Kind::FxDay => Body::FxDay(FxDay {
                open: ticks(a),
                high: ticks(b),
                low: ticks(c),
                price: ticks(d),
                digits: self.aux,
            }),
            Kind::FxRange => Body::FxRange(FxRange {
                adr: ticks(a),
                projected_high: ticks(b),
                projected_low: ticks(c),
                computed: self.has(flag::COMPUTED),
            }),
            Kind::Connection => Body::Connection(self.as_connection()?),
            Kind::BookChecksum => {
                let small = |word| u32::try_from(word).ok();
                Body::BookChecksum(BookChecksum {
                    checksum: self.aux,
                    depth: small(a)?,
                    px_decimals: small(b)?,
                    qty_decimals: small(c)?,
                })
            }
        })
    }

    /// The payload read as that of [`Kind::Trade`], which the caller has seen in `kind`.
    #[inline]
    pub(crate) fn as_trade(&self) -> Trade {
        let [a, b, c, d] = self.payload;
        Trade {
            px: ticks(a),
            qty: lots(b),
            id: c,
            first_id: d,
            last_id: d.wrapping_add(u64::from(self.aux)),
            is_buyer_maker: self.has(flag::BUYER_MAKER),
            best_match: self.has(flag::BEST_MATCH),
            backfilled: self.has(flag::BACKFILLED),
            off_market: self.has(flag::OFF_MARKET),
            delayed: self.has(flag::DELAYED),
        }
    }

    /// The payload read as that of [`Kind::Quote`], which the caller has seen in `kind`.
    #[inline]
    pub(crate) fn as_quote(&self) -> Quote {
        let [a, b, c, d] = self.payload;
        Quote {
            bid_px: ticks(a),
            bid_qty: lots(b),
            ask_px: Ticks(
                a.cast_signed()
                    .wrapping_add(i64::from(self.aux.cast_signed())),
            ),
            ask_qty: lots(c),
            update_id: d,
        }
    }

    /// The payload read as that of [`Kind::BookLevel`], which the caller has seen in `kind`.
    #[inline]
    pub(crate) fn as_book_level(&self) -> BookLevel {
        let [a, b, c, d] = self.payload;
        BookLevel {
            side: self.side(),
            px: ticks(a),
            qty: lots(b),
            first_id: c,
            last_id: d,
            last: self.has(flag::LAST),
            snapshot: self.has(flag::SNAPSHOT),
            empty: self.has(flag::EMPTY),
        }
    }

    /// The payload of news of a connection; `None` if a code inside is unknown to this build.
    fn as_connection(&self) -> Option<Connection> {
        let [connection, first, second, issue_and_score] = self.payload;
        let [issue, score] = halves(issue_and_score);
        Some(Connection {
            event: ConnectionEvent::from_code(self.aux)?,
            issue: match issue {
                0 => None,
                code => Some(Issue::from_code(code)?),
            },
            ended: self.has(flag::ENDED),
            connection,
            values: [first, second],
            score,
        })
    }

    #[inline]
    fn side(&self) -> Side {
        if self.has(flag::ASK) {
            Side::Ask
        } else {
            Side::Bid
        }
    }

    fn name(&self) -> Name {
        let mut text = [0; 32];
        text.copy_from_slice(bytemuck::bytes_of(&self.payload));
        Name {
            text,
            code: self.aux,
        }
    }
}

fn pack(body: &Body) -> (Kind, u8, u32, [u64; 4]) {
    use flag::LAST;
    match *body {
        Body::Trade(t) => {
            let span = t
                .last_id
                .checked_sub(t.first_id)
                .and_then(|span| u32::try_from(span).ok());
            let flags = LAST
                | when(t.is_buyer_maker, flag::BUYER_MAKER)
                | when(t.best_match, flag::BEST_MATCH)
                | when(t.backfilled, flag::BACKFILLED)
                | when(t.off_market, flag::OFF_MARKET)
                | when(t.delayed, flag::DELAYED);
            let span = span.expect("decode bounds a trade's id range to 32 bits");
            (
                Kind::Trade,
                flags,
                span,
                [bits(t.px.0), bits(t.qty.0), t.id, t.first_id],
            )
        }
        Body::Quote(q) => {
            let spread =
                i32::try_from(q.ask_px.0 - q.bid_px.0).expect("decode bounds a spread to 32 bits");
            let payload = [
                bits(q.bid_px.0),
                bits(q.bid_qty.0),
                bits(q.ask_qty.0),
                q.update_id,
            ];
            (Kind::Quote, LAST, spread.cast_unsigned(), payload)
        }
        Body::BookLevel(l) => {
            let flags = when(l.last, LAST)
                | side_bit(l.side)
                | when(l.snapshot, flag::SNAPSHOT)
                | when(l.empty, flag::EMPTY);
            (
                Kind::BookLevel,
                flags,
                0,
                [bits(l.px.0), bits(l.qty.0), l.first_id, l.last_id],
            )
        }
        Body::BookReset(r) => (
            Kind::BookReset,
            LAST,
            r.reason as u32,
            [r.expected_id, r.got_id, 0, 0],
        ),
        Body::BookSynced(s) => (Kind::BookSynced, LAST, 0, [s.update_id, 0, 0, 0]),
        Body::TradeGap(g) => (Kind::TradeGap, LAST, 0, [g.first_id, g.last_id, 0, 0]),
        Body::Liquidation(l) => {
            let payload = [
                bits(l.px.0),
                bits(l.avg_px.0),
                bits(l.qty.0),
                bits(l.filled_qty.0),
            ];
            (Kind::Liquidation, LAST | side_bit(l.side), 0, payload)
        }
        Body::MarkPrice(m) => {
            let payload = [
                bits(m.mark_e8),
                bits(m.index_e8),
                bits(m.rate_e8),
                m.next_funding_ms,
            ];
            (Kind::MarkPrice, LAST, 0, payload)
        }
        Body::VenueBarPrices(p) => {
            let payload = [
                bits(p.open.0),
                bits(p.high.0),
                bits(p.low.0),
                bits(p.close.0),
            ];
            (Kind::VenueBarPrices, 0, p.interval_s, payload)
        }
        Body::VenueBarVolume(v) => {
            let payload = [
                bits(v.open_ts.0),
                bits(v.volume.0),
                bits(v.taker_buy_volume.0),
                v.trades,
            ];
            (
                Kind::VenueBarVolume,
                LAST | when(v.closed, flag::CLOSED) | when(v.history, flag::HISTORY),
                v.interval_s,
                payload,
            )
        }
        Body::DayPrices(p) => (
            Kind::DayPrices,
            0,
            0,
            [
                bits(p.last.0),
                bits(p.open.0),
                bits(p.high.0),
                bits(p.low.0),
            ],
        ),
        Body::DayVolume(v) => (
            Kind::DayVolume,
            LAST,
            0,
            [bits(v.volume.0), v.trades, v.open_ms, v.close_ms],
        ),
        Body::FxTick(t) => (
            Kind::FxTick,
            LAST,
            0,
            [
                bits(t.bid.0),
                bits(t.ask.0),
                bits(t.bid_qty.0),
                bits(t.ask_qty.0),
            ],
        ),
        Body::Order(o) => {
            let flags = when(o.last, LAST) | side_bit(o.side) | when(o.snapshot, flag::SNAPSHOT);
            (
                Kind::Order,
                flags,
                o.action as u32,
                [o.order_id, bits(o.px.0), bits(o.qty.0), o.other_id],
            )
        }
        Body::InstrumentName(n) => (Kind::InstrumentName, 0, n.code, bytemuck::cast(n.text)),
        Body::InstrumentVenueName(n) => {
            (Kind::InstrumentVenueName, 0, n.code, bytemuck::cast(n.text))
        }
        Body::InstrumentGrid(g) => (
            Kind::InstrumentGrid,
            LAST,
            0,
            [g.tick_mantissa, g.tick_scale, g.lot_mantissa, g.lot_scale],
        ),
        Body::Timer => (Kind::Timer, LAST, 0, [0; 4]),
        Body::End => (Kind::End, LAST, 0, [0; 4]),
        Body::FxDay(d) => (
            Kind::FxDay,
            0,
            d.digits,
            [
                bits(d.open.0),
                bits(d.high.0),
                bits(d.low.0),
                bits(d.price.0),
            ],
        ),
        Body::FxRange(r) => (
            Kind::FxRange,
            LAST | when(r.computed, flag::COMPUTED),
            0,
            [
                bits(r.adr.0),
                bits(r.projected_high.0),
                bits(r.projected_low.0),
                0,
            ],
        ),
        Body::BookChecksum(c) => (
            Kind::BookChecksum,
            LAST,
            c.checksum,
            [c.depth, c.px_decimals, c.qty_decimals, 0].map(u64::from),
        ),
        Body::Connection(c) => {
            let issue = c.issue.map_or(0, |issue| issue as u32);
            let [first, second] = c.values;
            let last = u64::from(issue) | u64::from(c.score) << 32;
            (
                Kind::Connection,
                LAST | when(c.ended, flag::ENDED),
                c.event as u32,
                [c.connection, first, second, last],
            )
        }
    }
}

#[cfg(test)]
mod tests;
