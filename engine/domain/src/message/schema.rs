//! Every field of the 64-byte message, named once.
//!
//! The numpy dtype, the table in `docs/formats.md` and the CSV header of an export are all made from these tables.

use super::{Kind, Message};
use std::mem::offset_of;

/// How the bytes of a field read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the variants are the machine types they name")]
pub enum Type {
    U8,
    U16,
    U32,
    I32,
    U64,
    I64,
    /// Zero-padded ASCII of 32 bytes.
    Text32,
}

impl Type {
    /// The numpy type string, little-endian.
    pub fn numpy(self) -> &'static str {
        match self {
            Self::U8 => "u1",
            Self::U16 => "<u2",
            Self::U32 => "<u4",
            Self::I32 => "<i4",
            Self::U64 => "<u8",
            Self::I64 => "<i8",
            Self::Text32 => "S32",
        }
    }

    /// Size in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 | Self::I32 => 4,
            Self::U64 | Self::I64 => 8,
            Self::Text32 => 32,
        }
    }
}

/// One field: where it lies, what it is called, what it counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Name in dtypes and headers.
    pub name: &'static str,
    /// Machine type.
    pub ty: Type,
    /// Byte offset inside the message.
    pub offset: usize,
    /// Unit or meaning.
    pub unit: &'static str,
}

const fn field(name: &'static str, ty: Type, offset: usize, unit: &'static str) -> Field {
    Field {
        name,
        ty,
        offset,
        unit,
    }
}

const AUX: usize = offset_of!(Message, aux);
const A: usize = offset_of!(Message, payload);
const B: usize = A + 8;
const C: usize = A + 16;
const D: usize = A + 24;

/// The header, the same for every kind.
pub const HEADER: [Field; 6] = [
    field(
        "sequence",
        Type::U64,
        offset_of!(Message, sequence),
        "number in the one sequence",
    ),
    field(
        "ts_event",
        Type::I64,
        offset_of!(Message, ts_event),
        "ns since 1970, venue",
    ),
    field(
        "ts_recv",
        Type::I64,
        offset_of!(Message, ts_recv),
        "ns since 1970, sequence time",
    ),
    field("kind", Type::U8, offset_of!(Message, kind), "kind code"),
    field("flags", Type::U8, offset_of!(Message, flags), "flag bits"),
    field(
        "instrument",
        Type::U16,
        offset_of!(Message, instrument),
        "instrument id",
    ),
];

/// The flag bits a kind uses, with their names.
pub fn flags(kind: Kind) -> &'static [(u8, &'static str)] {
    use super::flag;
    match kind {
        Kind::Trade => &[
            (flag::LAST, "last"),
            (flag::BUYER_MAKER, "buyer_maker"),
            (flag::BEST_MATCH, "best_match"),
            (flag::BACKFILLED, "backfilled"),
            (flag::OFF_MARKET, "off_market"),
            (flag::DELAYED, "delayed"),
        ],
        Kind::BookLevel => &[
            (flag::LAST, "last"),
            (flag::ASK, "ask"),
            (flag::SNAPSHOT, "snapshot"),
            (flag::EMPTY, "empty"),
        ],
        Kind::Order => &[
            (flag::LAST, "last"),
            (flag::ASK, "ask"),
            (flag::SNAPSHOT, "snapshot"),
        ],
        Kind::Liquidation => &[(flag::LAST, "last"), (flag::ASK, "ask")],
        Kind::VenueBarVolume => &[
            (flag::LAST, "last"),
            (flag::CLOSED, "closed"),
            (flag::HISTORY, "history"),
        ],
        Kind::FxRange => &[(flag::LAST, "last"), (flag::COMPUTED, "computed")],
        Kind::Connection => &[(flag::LAST, "last"), (flag::ENDED, "ended")],
        _ => &[(flag::LAST, "last")],
    }
}

/// The payload fields of a kind.
pub fn payload(kind: Kind) -> &'static [Field] {
    use Type::{I32, I64, Text32, U32, U64};
    const PX: &str = "ticks";
    const QTY: &str = "lots";
    match kind {
        Kind::Trade => {
            const {
                &[
                    field("px", I64, A, PX),
                    field("qty", I64, B, QTY),
                    field("id", U64, C, "trade id"),
                    field("first_id", U64, D, "trade id"),
                    field("id_span", U32, AUX, "last id minus first id"),
                ]
            }
        }
        Kind::Quote => {
            const {
                &[
                    field("bid_px", I64, A, PX),
                    field("bid_qty", I64, B, "lots, 0: no bid"),
                    field("ask_qty", I64, C, "lots, 0: no ask"),
                    field("update_id", U64, D, "update id"),
                    field("spread", I32, AUX, "ticks, ask minus bid"),
                ]
            }
        }
        Kind::BookLevel => {
            const {
                &[
                    field("px", I64, A, PX),
                    field("qty", I64, B, "lots, 0 removes"),
                    field("first_id", U64, C, "update id"),
                    field("last_id", U64, D, "update id"),
                ]
            }
        }
        Kind::BookReset => {
            const {
                &[
                    field("expected_id", U64, A, "update id"),
                    field("got_id", U64, B, "update id"),
                    field("reason", U32, AUX, "reset reason"),
                ]
            }
        }
        Kind::BookSynced => const { &[field("update_id", U64, A, "update id")] },
        Kind::TradeGap => {
            const {
                &[
                    field("first_id", U64, A, "trade id"),
                    field("last_id", U64, B, "trade id"),
                ]
            }
        }
        Kind::Liquidation => {
            const {
                &[
                    field("px", I64, A, PX),
                    field("avg_px", I64, B, PX),
                    field("qty", I64, C, QTY),
                    field("filled_qty", I64, D, QTY),
                ]
            }
        }
        Kind::MarkPrice => {
            const {
                &[
                    field("mark_e8", I64, A, "price x 10^8"),
                    field("index_e8", I64, B, "price x 10^8"),
                    field("rate_e8", I64, C, "funding rate x 10^8"),
                    field("next_funding_ms", U64, D, "ms since 1970"),
                ]
            }
        }
        Kind::VenueBarPrices => {
            const {
                &[
                    field("open", I64, A, PX),
                    field("high", I64, B, PX),
                    field("low", I64, C, PX),
                    field("close", I64, D, PX),
                    field("interval_s", U32, AUX, "seconds"),
                ]
            }
        }
        Kind::VenueBarVolume => {
            const {
                &[
                    field("open_ts", I64, A, "ns since 1970"),
                    field("volume", I64, B, QTY),
                    field("taker_buy_volume", I64, C, QTY),
                    field("trades", U64, D, "count"),
                    field("interval_s", U32, AUX, "seconds"),
                ]
            }
        }
        Kind::DayPrices => {
            const {
                &[
                    field("last", I64, A, PX),
                    field("open", I64, B, PX),
                    field("high", I64, C, PX),
                    field("low", I64, D, PX),
                ]
            }
        }
        Kind::DayVolume => {
            const {
                &[
                    field("volume", I64, A, QTY),
                    field("trades", U64, B, "count"),
                    field("open_ms", U64, C, "ms since 1970"),
                    field("close_ms", U64, D, "ms since 1970"),
                ]
            }
        }
        Kind::FxTick => {
            const {
                &[
                    field("bid", I64, A, PX),
                    field("ask", I64, B, PX),
                    field("bid_qty", I64, C, QTY),
                    field("ask_qty", I64, D, QTY),
                ]
            }
        }
        Kind::Order => {
            const {
                &[
                    field("order_id", U64, A, "order id"),
                    field("px", I64, B, PX),
                    field("qty", I64, C, QTY),
                    field("other_id", U64, D, "order id or match number"),
                    field("action", U32, AUX, "order action"),
                ]
            }
        }
        Kind::InstrumentName => {
            const {
                &[
                    field("name", Text32, A, "our symbol"),
                    field("venue", U32, AUX, "venue code"),
                ]
            }
        }
        Kind::InstrumentVenueName => {
            const {
                &[
                    field("name", Text32, A, "the venue's symbol"),
                    field("venue", U32, AUX, "venue code"),
                ]
            }
        }
        Kind::InstrumentGrid => {
            const {
                &[
                    field("tick_mantissa", U64, A, "tick size = mantissa / 10^scale"),
                    field("tick_scale", U64, B, "decimals"),
                    field("lot_mantissa", U64, C, "lot size = mantissa / 10^scale"),
                    field("lot_scale", U64, D, "decimals"),
                ]
            }
        }
        Kind::Timer | Kind::End => &[],
        Kind::FxDay => {
            const {
                &[
                    field("open", I64, A, PX),
                    field("high", I64, B, PX),
                    field("low", I64, C, PX),
                    field("price", I64, D, PX),
                    field("digits", U32, AUX, "decimals"),
                ]
            }
        }
        Kind::FxRange => {
            const {
                &[
                    field("adr", I64, A, "ticks, 0: unknown"),
                    field("projected_high", I64, B, "ticks, 0: unknown"),
                    field("projected_low", I64, C, "ticks, 0: unknown"),
                ]
            }
        }
        Kind::BookChecksum => {
            const {
                &[
                    field("checksum", U32, AUX, "CRC-32 by the venue's rule"),
                    field("depth", U64, A, "levels a side, 0: not cut"),
                    field("px_decimals", U64, B, "decimals, 0: not fixed"),
                    field("qty_decimals", U64, C, "decimals, 0: not fixed"),
                ]
            }
        }
        Kind::Connection => {
            const {
                &[
                    field("connection", U64, A, "number in this run, 0: none"),
                    field("first_value", U64, B, "by event"),
                    field("second_value", U64, C, "by event"),
                    field("issue", U32, D, "issue, 0: none"),
                    field("score", U32, D + 4, "hundredths, 2^32 - 1: none"),
                    field("event", U32, AUX, "connection event"),
                ]
            }
        }
    }
}

/// A digest of the layout: it changes when a field moves, so a store of another layout is refused.
pub fn hash() -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    let mut add = |name: &str, ty: Type, offset: usize| {
        hasher.update(name.as_bytes());
        hasher.update(ty.numpy().as_bytes());
        hasher.update(&(offset as u64).to_le_bytes());
    };
    for field in HEADER {
        add(field.name, field.ty, field.offset);
    }
    for (kind, name) in Kind::ALL {
        add(name, Type::U8, usize::from(kind as u8));
        for (bit, name) in flags(kind) {
            add(name, Type::U8, usize::from(*bit));
        }
        for field in payload(kind) {
            add(field.name, field.ty, field.offset);
        }
    }
    hasher.digest()
}
