//! LOBSTER message files: `seconds after midnight,type,order id,size,price,direction`, each line a frame as it stands.
//!
//! Seconds are New York's; the day and the symbol stand in the file's name.

use super::input::{Input, LineRead, Lines};
use super::lines::{LineParser, LineSource, Parsed, Refusal, Slot};
use super::table::{Row, is_integer};
use super::time::{decimal, midnight, new_york};
use super::{Format, ImportOptions, names};
use crate::source::{FrameSource, SourceError};
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use std::path::Path;

pub(super) const COLUMNS: usize = 6;

pub(super) fn open(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let mut lines = Lines::new(Input::open(path)?);
    if let LineRead::Line = lines.read()? {
        let columns = Row::of(lines.line()).len();
        if columns > COLUMNS && columns.is_multiple_of(4) {
            let reason =
                format!("an order book file of {columns} columns; the message file is wanted");
            return Err(SourceError::unusable(path, reason));
        }
    }
    let input = Input::open(path)?;
    let name = input.name();
    let wanted = |what: &str| {
        let reason = format!("the file name {name} names no {what}; name the {what}");
        SourceError::unusable(path, reason)
    };
    let symbol = options.symbol.or_else(|| names::first_symbol(&name));
    let symbol = symbol.ok_or_else(|| wanted("symbol"))?;
    let day = options.day.or_else(|| names::day(&name));
    let day = day.ok_or_else(|| wanted("day"))?;
    let midnight = match options.utc_offset_hours {
        None => midnight(day, new_york()),
        Some(hours) => midnight(day, jiff::tz::TimeZone::UTC)
            .and_then(|at| at.checked_sub(i64::from(hours) * 3_600_000_000_000)),
    };
    let parser = Lobster {
        stream: format!("{}@lobster", symbol.as_str().to_ascii_lowercase()).into_bytes(),
        midnight: midnight.ok_or_else(|| wanted("day inside the calendar"))?,
    };
    let venue = options.venue.unwrap_or(Venue::Lobster);
    Ok(Box::new(LineSource::new(
        input,
        Format::Lobster,
        venue,
        options.on_bad,
        parser,
    )))
}

struct Lobster {
    stream: Vec<u8>,
    midnight: i64,
}

/// Whether the columns are those of a message.
pub(super) fn check(row: &Row) -> Result<(), Refusal> {
    row.expect_columns(COLUMNS)?;
    row.decimal(0)?;
    row.integer(1)?;
    // The order id of a halt, and its price, may be negative.
    for column in [2, 3, 4, 5] {
        let text = row.text(column);
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        row.check(column, is_integer(digits), "a whole number")?;
    }
    Ok(())
}

impl LineParser for Lobster {
    fn parse(&mut self, _number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let row = Row::of(line);
        if row.len() == 1 && row.text(0).is_empty() {
            return Ok(Parsed::Control);
        }
        check(&row)?;
        let ns = decimal(row.text(0), 1_000_000_000);
        let at = ns.and_then(|ns| self.midnight.checked_add(ns));
        row.check(0, at.is_some(), "a time of day")?;
        slot.ts_recv = WallNs(at.expect("checked above"));
        slot.set_stream(&self.stream);
        slot.range = Some(0..line.len());
        Ok(Parsed::Frame)
    }
}
