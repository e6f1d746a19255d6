//! Which format a file is in, by its content.

use super::input::{Input, LineRead, Lines};
use super::survey::Survey;
use super::table::{Row, is_decimal, is_integer};
use super::{
    Format, bi5, binance_jsonl, bybit_jsonl, cryptofeed, fx_csv, itch50, lobster, mbo_csv,
};
use crate::capture::is_capture;
use crate::source::SourceError;
use std::io::Read;
use std::path::Path;

/// Messages in a row that have the length of their type, before a file is taken for ITCH.
const ITCH_MESSAGES: usize = 8;

/// The format of a file, where its content leaves no doubt.
pub fn detect(path: &Path) -> Result<Option<Format>, SourceError> {
    if is_capture(path)? {
        return Ok(Some(Format::Capture));
    }
    let mut input = Input::open(path)?;
    if bi5::is_bi5(&input) {
        return Ok(Some(Format::FxCsv));
    }
    if is_itch(&mut input)? {
        return Ok(Some(Format::Itch50));
    }
    let mut lines = Lines::new(Input::open(path)?);
    let mut first = Vec::new();
    // The first two lines that are not blank: a header and a row, or two rows.
    while first.len() < 2 {
        match lines.read()? {
            LineRead::Line if lines.line().trim_ascii().is_empty() => {}
            LineRead::Line => first.push(lines.line().to_vec()),
            _ => break,
        }
    }
    let Some(line) = first.first() else {
        return Ok(None);
    };
    if bybit_jsonl::is_line(line) {
        return Ok(Some(Format::BybitJsonl));
    }
    if line.starts_with(b"{")
        || binance_jsonl::split_time(line).is_some_and(|(_, f)| f.starts_with(b"{"))
    {
        let survey = Survey::of(path, |line| binance_jsonl::frame_of(line))?;
        return Ok(survey.is_binance().then_some(Format::BinanceJsonl));
    }
    if cryptofeed::is_line(line) {
        return Ok(Some(Format::Cryptofeed));
    }
    if mbo_csv::layout(path)?.is_ok() {
        return Ok(Some(Format::MboCsv));
    }
    let row = Row::of(first.last().unwrap_or(line));
    if lobster::check(&row).is_ok() && matches!(row.text(5), b"1" | b"-1") {
        return Ok(Some(Format::Lobster));
    }
    if is_agg_trade(&row) {
        return Ok(Some(Format::BinanceAggTradesCsv));
    }
    if is_kline(&row) {
        return Ok(Some(Format::BinanceKlinesCsv));
    }
    let ticks = fx_csv::layout(path)?;
    let ticks = ticks.filter(|layout| layout.is_certain(&input.name()));
    Ok(ticks.map(|_| Format::FxCsv))
}

fn is_itch(input: &mut Input) -> Result<bool, SourceError> {
    let mut head = Vec::new();
    let read = (&mut input.reader)
        .take(64 * ITCH_MESSAGES as u64)
        .read_to_end(&mut head);
    if let Err(error) = read
        && error.kind() != std::io::ErrorKind::UnexpectedEof
    {
        return Err(input.io(error));
    }
    let mut rest = head.as_slice();
    for at in 0..ITCH_MESSAGES {
        let Some((length, message)) = rest.split_first_chunk::<2>() else {
            return Ok(at > 0 && rest.is_empty());
        };
        let length = usize::from(u16::from_be_bytes(*length));
        let kind = message.first().copied().unwrap_or(0);
        if itch50::length(kind) != Some(length) || message.len() < length {
            return Ok(false);
        }
        rest = &message[length..];
    }
    Ok(true)
}

fn is_agg_trade(row: &Row) -> bool {
    (7..=8).contains(&row.len())
        && [0, 3, 4, 5]
            .iter()
            .all(|column| is_integer(row.text(*column)))
        && [1, 2].iter().all(|column| is_decimal(row.text(*column)))
        && (6..row.len()).all(|column| row.boolean(column).is_ok())
}

fn is_kline(row: &Row) -> bool {
    row.len() == 12
        && [0, 6, 8].iter().all(|column| is_integer(row.text(*column)))
        && (1..11).all(|column| is_decimal(row.text(column)))
}
