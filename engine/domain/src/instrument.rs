//! What is traded: symbol, venue, tick size and lot size, and the table that gives each instrument its dense id.

use crate::units::Grid;
use rustc_hash::FxHashMap;
use std::fmt;

/// Dense index of an instrument; assigned in the order of the table, so it is the same in every replay.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InstrumentId(pub u16);

impl InstrumentId {
    /// The id on messages that concern no instrument.
    pub const NONE: Self = Self(u16::MAX);

    /// The id as an index into per-instrument state.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A symbol: 1 to 24 characters of `A-Z 0-9 _ . - /`, stored in place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    bytes: [u8; Symbol::CAPACITY],
    len: u8,
}

impl Symbol {
    /// Longest symbol, in bytes: options of OKX have 22 or 23, such as `BTC-USD-210924-66000-C`.
    pub const CAPACITY: usize = 24;

    /// From text in any case; `None` if it is empty, too long or holds another character.
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::CAPACITY];
        let len = u8::try_from(text.len())
            .ok()
            .filter(|&l| l > 0 && usize::from(l) <= Self::CAPACITY)?;
        for (to, from) in bytes.iter_mut().zip(text) {
            let upper = from.to_ascii_uppercase();
            if !matches!(upper, b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'/') {
                return None;
            }
            *to = upper;
        }
        Some(Self { bytes, len })
    }

    /// The symbol as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The symbol as ASCII bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Whose wire format and synchronisation rules apply.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Venue {
    /// Binance spot.
    BinanceSpot = 1,
    /// Binance USD-margined futures.
    BinanceUsdm = 2,
    /// Binance coin-margined futures.
    BinanceCoinm = 3,
    /// An FX gateway: JSON ticks of bid and ask.
    Fx = 4,
    /// NASDAQ TotalView-ITCH 5.0, order by order.
    Itch = 5,
    /// LOBSTER message files, order by order.
    Lobster = 6,
    /// Market-by-order records as CSV lines.
    Mbo = 7,
    /// Kraken, by its array frames.
    Kraken = 8,
    /// OKX, which was named OKEX.
    Okx = 9,
    /// FTX, as it was recorded.
    Ftx = 10,
    /// Bybit.
    Bybit = 11,
    /// Coinbase.
    Coinbase = 12,
    /// Bitstamp.
    Bitstamp = 13,
}

impl Venue {
    /// Every venue with its name in configurations, captures and reports.
    pub const ALL: [(Self, &'static str); 13] = [
        (Self::BinanceSpot, "binance-spot"),
        (Self::BinanceUsdm, "binance-usdm"),
        (Self::BinanceCoinm, "binance-coinm"),
        (Self::Fx, "fx"),
        (Self::Itch, "itch50"),
        (Self::Lobster, "lobster"),
        (Self::Mbo, "mbo"),
        (Self::Kraken, "kraken"),
        (Self::Okx, "okx"),
        (Self::Ftx, "ftx"),
        (Self::Bybit, "bybit"),
        (Self::Coinbase, "coinbase"),
        (Self::Bitstamp, "bitstamp"),
    ];

    /// The venue's name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(venue, _)| *venue == self)
            .map_or("?", |(_, name)| name)
    }

    /// The venue of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(venue, _)| *venue)
    }

    /// The venue of that number on a message or in a capture.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(venue, _)| *venue as u8 == code)
            .map(|(venue, _)| *venue)
    }
}

/// One instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instrument {
    /// Our name for it, unique in the table: the key of rows, topics and reports.
    pub symbol: Symbol,
    /// The venue's name for it, unique within the venue.
    pub venue_symbol: Symbol,
    /// Whose data it is.
    pub venue: Venue,
    /// Smallest price step.
    pub tick_size: Grid,
    /// Smallest quantity step.
    pub lot_size: Grid,
}

/// Why an instrument cannot join the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableError {
    /// Our symbol is taken already.
    DuplicateSymbol(Symbol),
    /// The venue's symbol is listed already for that venue.
    DuplicateVenueSymbol(Venue, Symbol),
    /// More instruments than ids.
    Full,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateSymbol(symbol) => write!(f, "symbol {symbol} is listed twice"),
            Self::DuplicateVenueSymbol(venue, symbol) => {
                write!(f, "{} is listed twice for {}", symbol, venue.name())
            }
            Self::Full => write!(f, "more than {} instruments", InstrumentTable::CAPACITY),
        }
    }
}

impl std::error::Error for TableError {}

/// All instruments of one engine; an instrument's id is its position.
#[derive(Clone, Default, Debug)]
pub struct InstrumentTable {
    rows: Vec<Instrument>,
    by_venue_symbol: FxHashMap<(Venue, Symbol), InstrumentId>,
}

impl InstrumentTable {
    /// Most instruments one engine carries: 200 screener symbols many times over, and small dense state.
    pub const CAPACITY: usize = 4096;

    /// Adds an instrument behind the last and returns its id.
    pub fn add(&mut self, instrument: Instrument) -> Result<InstrumentId, TableError> {
        if self.rows.iter().any(|row| row.symbol == instrument.symbol) {
            return Err(TableError::DuplicateSymbol(instrument.symbol));
        }
        let key = (instrument.venue, instrument.venue_symbol);
        if self.by_venue_symbol.contains_key(&key) {
            return Err(TableError::DuplicateVenueSymbol(key.0, key.1));
        }
        let id = u16::try_from(self.rows.len())
            .ok()
            .filter(|&id| usize::from(id) < Self::CAPACITY);
        let id = InstrumentId(id.ok_or(TableError::Full)?);
        self.rows.push(instrument);
        self.by_venue_symbol.insert(key, id);
        Ok(id)
    }

    /// The instrument of that id.
    pub fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.rows.get(id.index())
    }

    /// The id of a venue's symbol, written in any case.
    pub fn find(&self, venue: Venue, venue_symbol: &[u8]) -> Option<InstrumentId> {
        self.by_venue_symbol
            .get(&(venue, Symbol::new(venue_symbol)?))
            .copied()
    }

    /// All instruments with their ids, in order.
    pub fn iter(&self) -> impl Iterator<Item = (InstrumentId, &Instrument)> {
        (0..).map(InstrumentId).zip(&self.rows)
    }

    /// Number of instruments.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests;
