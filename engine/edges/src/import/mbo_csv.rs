//! Market-by-order tables, as lines of nine columns:
//! `ts_recv,ts_event,action,side,price_1e9,size,order_id,flags,sequence`.
//!
//! A table with these columns is passed through untouched. Others are recognised by their column names, with times as
//! ISO text or ns, and a price in decimals; the symbol stands in a column or in the file's name.

use super::input::{Input, LineRead, Lines};
use super::lines::{LineParser, LineSource, Parsed, Refusal, Slot};
use super::table::{Row, is_integer};
use super::time::{by_magnitude, decimal, iso};
use super::{Format, ImportOptions, names};
use crate::source::{FrameSource, SourceError};
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_domain::units::WallNs;
use std::io::Write as _;
use std::path::Path;

pub(super) fn open(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let input = Input::open(path)?;
    let layout = layout(path)?.map_err(|reason| SourceError::unusable(path, reason))?;
    let name = input.name();
    let symbol = options.symbol.or_else(|| names::first_symbol(&name));
    if symbol.is_none() && layout.symbol.is_none() {
        let reason = format!("the file name {name} names no symbol; name the symbol");
        return Err(SourceError::unusable(path, reason));
    }
    let parser = Mbo { layout, symbol };
    let venue = options.venue.unwrap_or(Venue::Mbo);
    Ok(Box::new(LineSource::new(
        input,
        Format::MboCsv,
        venue,
        options.on_bad,
        parser,
    )))
}

/// Where the nine columns are, in their canonical order.
pub(super) struct Layout {
    columns: usize,
    places: [usize; 9],
    symbol: Option<usize>,
    /// Prices are in units of 10^-9 wherever they have no point.
    canonical: bool,
    has_header: bool,
}

const NAMES: [&str; 9] = [
    "tsrecv", "tsevent", "action", "side", "price", "size", "orderid", "flags", "sequence",
];

/// The layout of a file by its first line, or why it has none.
pub(super) fn layout(path: &Path) -> Result<Result<Layout, String>, SourceError> {
    let mut lines = Lines::new(Input::open(path)?);
    let first = match lines.read()? {
        LineRead::Line => lines.line(),
        _ => b"",
    };
    let row = Row::of(first);
    if !row.is_header() {
        let canonical =
            row.len() == NAMES.len() && is_integer(row.text(0)) && is_integer(row.text(1));
        let layout = Layout {
            columns: NAMES.len(),
            places: [0, 1, 2, 3, 4, 5, 6, 7, 8],
            symbol: None,
            canonical: true,
            has_header: false,
        };
        return Ok(canonical.then_some(layout).ok_or_else(|| {
            "no column names, and not the nine columns of market by order".to_owned()
        }));
    }
    let mut places = [0; NAMES.len()];
    for (place, name) in places.iter_mut().zip(NAMES) {
        let names: &[&str] = if name == "price" {
            &["price1e9", "price"]
        } else {
            &[name]
        };
        match row.find(names) {
            Some(column) => *place = column,
            None => {
                return Ok(Err(format!(
                    "no column {name}: not market by order (a book by price is not read)"
                )));
            }
        }
    }
    let in_order = places.iter().enumerate().all(|(at, place)| at == *place);
    Ok(Ok(Layout {
        columns: row.len(),
        canonical: in_order && row.len() == NAMES.len(),
        places,
        symbol: row.find(&["symbol"]),
        has_header: true,
    }))
}

struct Mbo {
    layout: Layout,
    symbol: Option<Symbol>,
}

fn time(row: &Row, column: usize) -> Result<WallNs, Refusal> {
    let text = row.text(column);
    let time = if is_integer(text) {
        by_magnitude(text).map(|(time, _)| time)
    } else {
        iso(text)
    };
    row.check(column, time.is_some(), "a time")?;
    Ok(time.expect("checked above"))
}

impl Mbo {
    fn check(&self, row: &Row) -> Result<(), Refusal> {
        let [.., action, side, _, size, order_id, flags, sequence] = self.layout.places;
        for column in [action, side] {
            let one = row.text(column);
            row.check(
                column,
                one.len() == 1 && one[0].is_ascii_alphabetic(),
                "a letter",
            )?;
        }
        for column in [size, order_id, flags, sequence] {
            row.integer(column)?;
        }
        Ok(())
    }

    /// The price in 10^-9; nothing where there is none.
    fn price(&self, row: &Row, to: &mut Vec<u8>) -> Result<(), Refusal> {
        let column = self.layout.places[4];
        let text = row.text(column);
        let (sign, digits) = match text.strip_prefix(b"-") {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        if text.is_empty() || is_integer(digits) {
            to.extend_from_slice(text);
            return Ok(());
        }
        let decimals = digits.iter().rev().position(|&byte| byte == b'.');
        let exact = decimals.is_some_and(|count| count <= 9);
        let price = decimal(digits, 1_000_000_000).filter(|_| exact);
        row.check(column, price.is_some(), "a price")?;
        let price = price.expect("checked above");
        write!(to, "{sign}{price}").expect("a vector takes everything");
        Ok(())
    }
}

impl LineParser for Mbo {
    fn parse(&mut self, number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let row = Row::of(line);
        let blank = row.len() == 1 && row.text(0).is_empty();
        if blank || (number == 1 && self.layout.has_header) {
            return Ok(Parsed::Control);
        }
        row.expect_columns(self.layout.columns)?;
        let places = self.layout.places;
        slot.ts_recv = time(&row, places[0])?;
        let ts_event = time(&row, places[1])?;
        self.check(&row)?;
        let symbol = match self.layout.symbol {
            None => self.symbol,
            Some(column) => {
                let symbol = Symbol::new(row.text(column));
                row.check(column, symbol.is_some(), "a symbol")?;
                symbol
            }
        };
        let symbol = symbol.expect("asked for when the file was opened");
        slot.stream.clear();
        slot.stream
            .extend(symbol.as_bytes().iter().map(u8::to_ascii_lowercase));
        slot.stream.extend_from_slice(b"@mbo");
        slot.text.clear();
        if self.layout.canonical {
            self.price(&row, &mut slot.text)?;
            if slot.text == row.text(4) && is_integer(row.text(0)) && is_integer(row.text(1)) {
                slot.range = Some(0..line.len());
                return Ok(Parsed::Frame);
            }
            slot.text.clear();
        }
        let all = "a vector takes everything";
        write!(slot.text, "{},{},", slot.ts_recv.0, ts_event.0).expect(all);
        for column in [places[2], places[3]] {
            slot.text.extend_from_slice(row.text(column));
            slot.text.push(b',');
        }
        self.price(&row, &mut slot.text)?;
        for column in &places[5..] {
            slot.text.push(b',');
            slot.text.extend_from_slice(row.text(*column));
        }
        Ok(Parsed::Frame)
    }
}
