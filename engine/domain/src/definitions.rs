//! Instruments as messages: three a piece at the head of every sequence, so that a tick store describes itself.

use crate::instrument::{Instrument, InstrumentId, Symbol, Venue};
use crate::message::{Body, InstrumentGrid, Message, Name};
use crate::units::{Grid, WallNs};

/// The definition of one instrument: our name, the venue's name, tick and lot size.
pub fn define(id: InstrumentId, instrument: &Instrument, ts: WallNs) -> [Message; 3] {
    let code = instrument.venue as u32;
    let name = |symbol: &Symbol| {
        let mut text = [0; 32];
        text[..symbol.as_bytes().len()].copy_from_slice(symbol.as_bytes());
        Name { text, code }
    };
    let grids = InstrumentGrid {
        tick_mantissa: instrument.tick_size.mantissa().cast_unsigned(),
        tick_scale: u64::from(instrument.tick_size.scale()),
        lot_mantissa: instrument.lot_size.mantissa().cast_unsigned(),
        lot_scale: u64::from(instrument.lot_size.scale()),
    };
    [
        Body::InstrumentName(name(&instrument.symbol)),
        Body::InstrumentVenueName(name(&instrument.venue_symbol)),
        Body::InstrumentGrid(grids),
    ]
    .map(|body| Message::new(id, ts, ts, &body))
}

/// Puts definitions together again as their messages pass.
#[derive(Clone, Default, Debug)]
pub struct Definitions {
    symbol: Option<(InstrumentId, Symbol)>,
    venue_symbol: Option<(InstrumentId, Venue, Symbol)>,
}

impl Definitions {
    /// Takes the next message; answers with an instrument when its last part has passed.
    ///
    /// Parts that do not fit together are forgotten: the instrument stays unknown.
    pub fn take(&mut self, message: &Message) -> Option<(InstrumentId, Instrument)> {
        let id = message.instrument();
        match message.body()? {
            Body::InstrumentName(name) => {
                self.symbol = symbol(&name.text).map(|symbol| (id, symbol));
            }
            Body::InstrumentVenueName(name) => {
                let venue = u8::try_from(name.code).ok().and_then(Venue::from_code);
                self.venue_symbol = venue.and_then(|venue| Some((id, venue, symbol(&name.text)?)));
            }
            Body::InstrumentGrid(grids) => {
                let (symbol_of, symbol) = self.symbol.take()?;
                let (venue_of, venue, venue_symbol) = self.venue_symbol.take()?;
                let tick_size = grid(grids.tick_mantissa, grids.tick_scale)?;
                let lot_size = grid(grids.lot_mantissa, grids.lot_scale)?;
                let whole = symbol_of == id && venue_of == id;
                return whole.then_some((
                    id,
                    Instrument {
                        symbol,
                        venue_symbol,
                        venue,
                        tick_size,
                        lot_size,
                    },
                ));
            }
            _ => {}
        }
        None
    }
}

fn symbol(text: &[u8; 32]) -> Option<Symbol> {
    let end = text
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(text.len());
    Symbol::new(&text[..end])
}

fn grid(mantissa: u64, scale: u64) -> Option<Grid> {
    Grid::new(i64::try_from(mantissa).ok()?, u8::try_from(scale).ok()?)
}

#[cfg(test)]
mod tests;
