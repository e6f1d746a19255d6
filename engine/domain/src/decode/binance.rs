//! Binance: market streams and REST depth of spot, USD-M and COIN-M futures, combined or raw.
//!
//! The frame is read once. Every value whose key can matter is noted where it stands, whatever the event turns out to
//! be; only depth levels are decoded on the way, because they are the bulk of their frames. Then the event's type, or
//! for the few events without one the stream's name, says how the noted values are to be understood.

mod depth;
mod events;
mod exchange_info;
mod layout;
mod list;
mod scan;

pub(super) use depth::read_side;
pub use exchange_info::{ListedInstrument, exchange_info};

use super::fields::{Grids, Reader};
use super::json::{Shape, Value};
use super::{
    Decoded, DepthKind, Fault, Levels, Notice, Reason, Reject, TradeStream, stream_symbol,
};
use crate::instrument::{InstrumentId, InstrumentTable, Venue};
pub(super) use layout::Layouts;
pub(super) use list::elements;
use scan::{Fields, Found};

/// One frame while it is decoded.
struct Frame<'a> {
    venue: Venue,
    table: &'a InstrumentTable,
    reader: Reader<'a>,
    /// The name in the frame, or else the one it was received under.
    stream: &'a [u8],
    fields: &'a mut Fields,
    /// The symbol looked up last.
    found: Option<(&'a [u8], InstrumentId, Grids)>,
    /// Set as soon as they are known, so that a refusal can name them.
    instrument: Option<InstrumentId>,
    trade: Option<(TradeStream, u64)>,
}

/// Decodes one frame; see [`super::decode`].
pub(super) fn decode(
    venue: Venue,
    stream: &[u8],
    frame: &[u8],
    table: &InstrumentTable,
    levels: &mut Levels,
) -> Result<Decoded, Reject> {
    let mut fields = Fields::default();
    let mut this = Frame {
        venue,
        table,
        reader: Reader(frame),
        stream,
        fields: &mut fields,
        found: None,
        instrument: None,
        trade: None,
    };
    let decoded = match this.scan(levels) {
        Ok(Found::Event) => this.event(levels),
        Ok(Found::List(array)) => this.list(array),
        Ok(Found::Other) => Err(Fault::new(Reason::WrongType, 0)),
        Err(fault) => Err(fault),
    };
    decoded.map_err(|fault| Reject {
        trade: this.trade,
        ..fault.with(this.instrument)
    })
}

impl<'a> Frame<'a> {
    /// What the noted values say.
    fn event(&mut self, levels: &mut Levels) -> Result<Decoded, Fault> {
        let kind = self.fields.letter(b'e');
        if kind.shape() == Shape::Absent {
            return self.untyped(levels);
        }
        match self.reader.text(kind)? {
            b"aggTrade" => self.trade(TradeStream::Aggregate),
            b"trade" => self.trade(TradeStream::Single),
            b"bookTicker" => self.quote(),
            b"depthUpdate" => self.depth_update(levels),
            b"kline" => self.kline(),
            b"forceOrder" => self.force_order(),
            b"markPriceUpdate" => self.mark_price(),
            b"24hrTicker" => self.day(),
            b"serverShutdown" => Ok(Decoded::Notice(Notice::ServerShutdown)),
            _ => Ok(Decoded::Notice(Notice::Unused)),
        }
    }

    /// A message that does not name its type: replies, spot's best prices, books from REST and partial books.
    fn untyped(&mut self, levels: &mut Levels) -> Result<Decoded, Fault> {
        let fields = &self.fields;
        if self.stream == b"!serverShutdown" {
            return Ok(Decoded::Notice(Notice::ServerShutdown));
        }
        if fields.error.is_given() {
            return self.venue_error();
        }
        if fields.code.is_given() {
            let code = self.reader.signed(fields.code)?;
            return Ok(Decoded::Notice(Notice::VenueError { code }));
        }
        if fields.result.shape() != Shape::Absent {
            return Ok(Decoded::Notice(Notice::SubscriptionReply));
        }
        if fields.symbols.shape() == Shape::Array {
            return Ok(Decoded::Notice(Notice::InstrumentInfo));
        }
        if fields.last_update_id.is_given() {
            return self.book(levels);
        }
        match self.stream_kind() {
            StreamKind::Quote => self.quote(),
            StreamKind::Depth(_) => self.book(levels),
            StreamKind::Typed => {
                let kind = self.fields.letter(b'e');
                self.reader
                    .text(kind)
                    .map(|_| Decoded::Notice(Notice::Unused))
            }
            StreamKind::Unknown if self.fields.look_like_a_quote() => self.quote(),
            StreamKind::Unknown => Err(Fault::new(Reason::UnknownStream, 0)),
        }
    }

    /// `{"error":{"code":c,"msg":..}}`
    fn venue_error(&self) -> Result<Decoded, Fault> {
        let error = self.reader.object(self.fields.error)?;
        let code = Fields::of(self.reader.0, error)?.code;
        let code = self.reader.signed(code)?;
        Ok(Decoded::Notice(Notice::VenueError { code }))
    }

    /// What the name of the stream says about its messages.
    fn stream_kind(&self) -> StreamKind {
        let behind = self.stream.get(stream_symbol(self.stream).len() + 1..);
        let behind = behind.unwrap_or_default();
        let kind = behind.split(|&byte| byte == b'@').next();
        let kind = kind.unwrap_or_default();
        if let Some(depth) = kind.strip_prefix(b"depth") {
            return match depth {
                [] => StreamKind::Depth(DepthKind::Diff { prev_id: None }),
                b"Snapshot" => StreamKind::Depth(DepthKind::Snapshot),
                count if count.iter().all(u8::is_ascii_digit) => {
                    StreamKind::Depth(DepthKind::Partial)
                }
                _ => StreamKind::Unknown,
            };
        }
        match kind {
            b"bookTicker" => StreamKind::Quote,
            b"aggTrade" | b"trade" | b"forceOrder" | b"markPrice" | b"ticker" | b"miniTicker" => {
                StreamKind::Typed
            }
            kline if kline.starts_with(b"kline_") => StreamKind::Typed,
            _ => StreamKind::Unknown,
        }
    }

    /// The instrument a value names; from here on a refusal names it too.
    fn instrument(&mut self, symbol: Value) -> Result<(InstrumentId, Grids), Fault> {
        let text = self.reader.text(symbol)?;
        let Some((id, grids)) = self.find(text) else {
            return symbol.fault(Reason::UnknownSymbol);
        };
        self.instrument = Some(id);
        Ok((id, grids))
    }

    /// The instrument of that symbol; a depth frame asks for the same one up to three times.
    fn find(&mut self, symbol: &'a [u8]) -> Option<(InstrumentId, Grids)> {
        if let Some((text, id, grids)) = self.found
            && text == symbol
        {
            return Some((id, grids));
        }
        let id = self.table.find(self.venue, symbol)?;
        let grids = Grids::of(self.table.get(id)?);
        self.found = Some((symbol, id, grids));
        Some((id, grids))
    }
}

/// What a stream carries, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum StreamKind {
    /// Best prices.
    Quote,
    /// Books.
    Depth(DepthKind),
    /// Events that name their type.
    Typed,
    /// Nothing this build knows.
    Unknown,
}

#[cfg(test)]
mod tests;
