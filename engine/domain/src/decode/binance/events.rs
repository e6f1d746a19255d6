//! Trades, best prices, bars, liquidations, mark prices and day statistics.

use super::Frame;
use super::scan::Fields;
use crate::decode::fields::{Grids, Reader};
use crate::decode::json::{Shape, Value};
use crate::decode::{Decoded, Fact, Fault, Reason, TradeStream};
use crate::message::{
    DayPrices, DayVolume, Liquidation, MarkPrice, Quote, Side, Trade, VenueBarPrices,
    VenueBarVolume,
};
use crate::units::{Lots, WallNs};

impl Frame<'_> {
    /// `aggTrade` and `trade`.
    pub(super) fn trade(&mut self, stream: TradeStream) -> Result<Decoded, Fault> {
        let (instrument, grids) = self.instrument(self.fields.letter(b's'))?;
        let (ts_event, trade) = trade_of(self.reader, self.fields, grids, stream, &mut self.trade)?;
        Ok(Decoded::Fact {
            instrument,
            ts_event: Some(ts_event),
            fact: Fact::Trade(stream, trade),
        })
    }

    /// `bookTicker`. A side of quantity 0 is absent, and its price says nothing.
    pub(super) fn quote(&mut self) -> Result<Decoded, Fault> {
        let reader = self.reader;
        let (instrument, grids) = self.instrument(self.fields.letter(b's'))?;
        let value = |letter| self.fields.letter(letter);
        let side = |px: Value, qty: Value| {
            let lots = reader.quantity_from_zero(qty, grids)?;
            if lots == Lots::ZERO {
                reader.price_from_zero(px, grids)?;
                return Ok(None);
            }
            Ok(Some((reader.price_positive(px, grids)?, lots)))
        };
        let update_id = reader.unsigned(value(b'u'))?;
        let bid = side(value(b'b'), value(b'B'))?;
        let ask = side(value(b'a'), value(b'A'))?;
        if let (Some((bid, _)), Some((ask, _))) = (bid, ask) {
            if ask < bid {
                return value(b'a').fault(Reason::Crossed);
            }
            if i32::try_from(ask.0 - bid.0).is_err() {
                return value(b'a').fault(Reason::OutOfRange);
            }
        }
        let px_of = |side: Option<(_, _)>, other: Option<(_, _)>| {
            side.or(other).map_or_else(Default::default, |(px, _)| px)
        };
        let qty_of = |side: Option<(_, Lots)>| side.map_or(Lots::ZERO, |(_, qty)| qty);
        Ok(Decoded::Fact {
            instrument,
            ts_event: reader.time_if_given(value(b'E'))?,
            fact: Fact::Quote(Quote {
                bid_px: px_of(bid, ask),
                bid_qty: qty_of(bid),
                ask_px: px_of(ask, bid),
                ask_qty: qty_of(ask),
                update_id,
            }),
        })
    }

    /// `kline`: a bar as the venue computes it.
    pub(super) fn kline(&mut self) -> Result<Decoded, Fault> {
        let reader = self.reader;
        let (instrument, grids) = self.instrument(self.fields.letter(b's'))?;
        let bar = Fields::of(reader.0, reader.object(self.fields.letter(b'k'))?)?;
        let interval = bar.letter(b'i');
        let Some(interval_s) = interval_s(reader.text(interval)?) else {
            return interval.fault(Reason::OutOfRange);
        };
        let price = |letter| reader.price_from_zero(bar.letter(letter), grids);
        let quantity = |letter| reader.quantity_from_zero(bar.letter(letter), grids);
        Ok(Decoded::Fact {
            instrument,
            ts_event: reader.time_if_given(self.fields.letter(b'E'))?,
            fact: Fact::VenueBar(
                VenueBarPrices {
                    interval_s,
                    open: price(b'o')?,
                    high: price(b'h')?,
                    low: price(b'l')?,
                    close: price(b'c')?,
                },
                VenueBarVolume {
                    interval_s,
                    open_ts: reader.time(bar.letter(b't'))?,
                    volume: quantity(b'v')?,
                    taker_buy_volume: quantity(b'V')?,
                    trades: reader.unsigned(bar.letter(b'n'))?,
                    closed: reader.boolean(bar.letter(b'x'))?,
                    history: false,
                },
            ),
        })
    }

    /// `forceOrder`: an order of a liquidation. Its time is that of the order's last trade.
    pub(super) fn force_order(&mut self) -> Result<Decoded, Fault> {
        let reader = self.reader;
        let order = Fields::of(reader.0, reader.object(self.fields.letter(b'o'))?)?;
        let (instrument, grids) = self.instrument(order.letter(b's'))?;
        let side = match reader.text(order.letter(b'S'))? {
            b"BUY" => Side::Bid,
            b"SELL" => Side::Ask,
            _ => return order.letter(b'S').fault(Reason::WrongType),
        };
        let traded = reader.time_if_given(order.letter(b'T'))?;
        let ts_event = match traded {
            None => reader.time_if_given(self.fields.letter(b'E'))?,
            known => known,
        };
        Ok(Decoded::Fact {
            instrument,
            ts_event,
            fact: Fact::Liquidation(Liquidation {
                side,
                px: reader.price_positive(order.letter(b'p'), grids)?,
                avg_px: reader.price_floor(order.ap, grids)?,
                qty: reader.quantity_positive(order.letter(b'q'), grids)?,
                filled_qty: reader.quantity_from_zero(order.letter(b'z'), grids)?,
            }),
        })
    }

    /// `markPriceUpdate`. Delivery contracts have no funding: an empty rate and a next time of 0.
    pub(super) fn mark_price(&mut self) -> Result<Decoded, Fault> {
        let reader = self.reader;
        let (instrument, _) = self.instrument(self.fields.letter(b's'))?;
        let value = |letter| self.fields.letter(letter);
        let e8_or_zero = |value: Value| {
            if !value.is_given() || value.shape() == Shape::Text && value.start() == value.end() {
                return Ok(0);
            }
            reader.e8(value)
        };
        let mark_e8 = reader.e8(value(b'p'))?;
        if mark_e8 <= 0 {
            return value(b'p').fault(Reason::NotPositive);
        }
        let index_e8 = e8_or_zero(value(b'i'))?;
        if index_e8 < 0 {
            return value(b'i').fault(Reason::NotPositive);
        }
        let next = value(b'T');
        let next_funding_ms = if next.is_given() && next.of(reader.0) != b"0" {
            reader.time(next)?.ms().cast_unsigned()
        } else {
            0
        };
        Ok(Decoded::Fact {
            instrument,
            ts_event: reader.time_if_given(value(b'E'))?,
            fact: Fact::MarkPrice(MarkPrice {
                mark_e8,
                index_e8,
                rate_e8: e8_or_zero(value(b'r'))?,
                next_funding_ms,
            }),
        })
    }

    /// `24hrTicker`: statistics of the rolling day.
    pub(super) fn day(&mut self) -> Result<Decoded, Fault> {
        let reader = self.reader;
        let (instrument, grids) = self.instrument(self.fields.letter(b's'))?;
        let value = |letter| self.fields.letter(letter);
        let price = |letter| reader.price_from_zero(value(letter), grids);
        let ms = |letter| Ok(reader.time(value(letter))?.ms().cast_unsigned());
        Ok(Decoded::Fact {
            instrument,
            ts_event: reader.time_if_given(value(b'E'))?,
            fact: Fact::Day(
                DayPrices {
                    last: price(b'c')?,
                    open: price(b'o')?,
                    high: price(b'h')?,
                    low: price(b'l')?,
                },
                DayVolume {
                    volume: reader.quantity_from_zero(value(b'v'), grids)?,
                    trades: reader.unsigned(value(b'n'))?,
                    open_ms: ms(b'O')?,
                    close_ms: ms(b'C')?,
                },
            ),
        })
    }
}

/// A trade from the fields of `aggTrade` and `trade`. Its time is that of the trade, which both streams give.
/// As soon as its id is known it is noted in `seen`.
#[expect(
    clippy::inline_always,
    reason = "called, it costs a frame read without a layout 2 % more"
)]
#[inline(always)]
pub(super) fn trade_of(
    reader: Reader<'_>,
    fields: &Fields,
    grids: Grids,
    stream: TradeStream,
    seen: &mut Option<(TradeStream, u64)>,
) -> Result<(WallNs, Trade), Fault> {
    let value = |letter| fields.letter(letter);
    let id = reader.unsigned(value(match stream {
        TradeStream::Aggregate => b'a',
        TradeStream::Single => b't',
    }))?;
    *seen = Some((stream, id));
    let px = reader.price_positive(value(b'p'), grids)?;
    let qty = reader.quantity_positive(value(b'q'), grids)?;
    let (first_id, last_id) = match stream {
        TradeStream::Aggregate => {
            let (first, last) = (value(b'f'), value(b'l'));
            (reader.unsigned(first)?, reader.unsigned(last)?)
        }
        TradeStream::Single => (id, id),
    };
    if last_id < first_id {
        return value(b'f').fault(Reason::BadRange);
    }
    if last_id - first_id > u64::from(u32::MAX) {
        return value(b'l').fault(Reason::OutOfRange);
    }
    let off_market = stream == TradeStream::Single
        && value(b'X').is_given()
        && reader.text(value(b'X'))? != b"MARKET";
    let trade = Trade {
        px,
        qty,
        id,
        first_id,
        last_id,
        is_buyer_maker: reader.boolean(value(b'm'))?,
        best_match: !value(b'M').is_given() || reader.boolean(value(b'M'))?,
        backfilled: false,
        off_market,
        delayed: false,
    };
    Ok((reader.time(value(b'T'))?, trade))
}

/// Length of a bar. The calendar month counts as 30 days, so that it has a length at all.
pub(super) fn interval_s(text: &[u8]) -> Option<u32> {
    const MINUTE: u32 = 60;
    const HOUR: u32 = 60 * MINUTE;
    const DAY: u32 = 24 * HOUR;
    Some(match text {
        b"1s" => 1,
        b"1m" => MINUTE,
        b"3m" => 3 * MINUTE,
        b"5m" => 5 * MINUTE,
        b"15m" => 15 * MINUTE,
        b"30m" => 30 * MINUTE,
        b"1h" => HOUR,
        b"2h" => 2 * HOUR,
        b"4h" => 4 * HOUR,
        b"6h" => 6 * HOUR,
        b"8h" => 8 * HOUR,
        b"12h" => 12 * HOUR,
        b"1d" => DAY,
        b"3d" => 3 * DAY,
        b"1w" => 7 * DAY,
        b"1M" => 30 * DAY,
        _ => return None,
    })
}
