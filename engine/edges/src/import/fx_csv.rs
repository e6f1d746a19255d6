//! Bid and ask ticks of several publishers, as the ticks of the FX gateway.
//!
//! | file | columns |
//! |---|---|
//! | LEAN | ms since midnight, bid, ask; day and pair in the file name; FXCM's days are UTC-5 |
//! | with column names | time, bid, ask, further symbol and volumes, in any order |
//! | `timestamp,symbol,bid,ask` | time as ISO text or as a whole number since 1970 in the unit its size shows |
//! | `timestamp,bid,ask,bid volume,ask volume` | the same |
//! | TrueFX | `EUR/USD,20130101 22:00:00.295,bid,ask` |
//! | Dukascopy `.bi5` | see the module for binary ticks |

use super::input::{Input, LineRead, Lines};
use super::lines::{LineParser, LineSource, Parsed, Refusal, Slot};
use super::table::{Row, is_decimal, is_integer};
use super::time::{by_magnitude, decimal, iso, midnight, push_ms};
use super::{Format, ImportOptions, bi5, names};
use crate::source::{FrameSource, SourceError};
use jiff::tz::TimeZone;
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_domain::units::WallNs;
use std::path::Path;

const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_MS: i64 = 86_400_000;
/// FXCM's days in LEAN's files begin at 05:00 UTC all year; its ticks then agree with those of other brokers.
const FXCM_UTC_OFFSET_HOURS: i32 = -5;

pub(super) fn open(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let input = Input::open(path)?;
    if bi5::is_bi5(&input) {
        return bi5::open(input, options);
    }
    let Some(layout) = layout(path)? else {
        let reason =
            "not ticks: neither columns named time, bid and ask nor a known order of columns";
        return Err(SourceError::unusable(path, reason));
    };
    let name = input.name();
    let symbol = options.symbol.or_else(|| names::pair(&name));
    if symbol.is_none() && layout.symbol.is_none() {
        let reason = format!("the file name {name} names no currency pair; name the symbol");
        return Err(SourceError::unusable(path, reason));
    }
    let clock = if layout.since_midnight {
        Clock::SinceMidnight(begin_of_day(&input, options)?)
    } else {
        Clock::Absolute {
            offset_ns: i64::from(options.utc_offset_hours.unwrap_or(0)) * HOUR_NS,
        }
    };
    let parser = FxTicks {
        layout,
        clock,
        symbol,
    };
    let venue = options.venue.unwrap_or(Venue::Fx);
    Ok(Box::new(LineSource::new(
        input,
        Format::FxCsv,
        venue,
        options.on_bad,
        parser,
    )))
}

/// UTC ns of the midnight a file counts from.
fn begin_of_day(input: &Input, options: &ImportOptions) -> Result<i64, SourceError> {
    let (name, file) = (input.name(), input.path.to_string_lossy().into_owned());
    let day = options.day.or_else(|| names::day(&name));
    let day = day.or_else(|| names::day(&file)).ok_or_else(|| {
        let reason = format!(
            "times count from midnight, and the file name {name} names no day; name the day"
        );
        SourceError::unusable(&input.path, reason)
    })?;
    let is_fxcm = input.path.iter().any(|part| {
        let part = part.to_string_lossy().to_ascii_lowercase();
        part == "fxcm" || part.starts_with("fxcm_")
    });
    let default = if is_fxcm { FXCM_UTC_OFFSET_HOURS } else { 0 };
    let hours = options.utc_offset_hours.unwrap_or(default);
    let midnight = midnight(day, TimeZone::UTC);
    let midnight = midnight.and_then(|at| at.checked_sub(i64::from(hours) * HOUR_NS));
    midnight.ok_or_else(|| SourceError::unusable(&input.path, "a day outside the calendar"))
}

/// Where the columns are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    columns: usize,
    time: usize,
    symbol: Option<usize>,
    bid: usize,
    ask: usize,
    volumes: Option<(usize, usize)>,
    since_midnight: bool,
    /// The file names its columns.
    named: bool,
}

/// The layout of a file by its first lines; `None` if they are no ticks.
pub(super) fn layout(path: &Path) -> Result<Option<Layout>, SourceError> {
    let mut lines = Lines::new(Input::open(path)?);
    let mut named = None;
    while let LineRead::Line = lines.read()? {
        let row = Row::of(lines.line());
        if row.len() == 1 && row.text(0).is_empty() {
            continue;
        }
        if lines.number == 1 {
            named = Layout::of_header(&row);
            if named.is_some() {
                continue;
            }
        }
        let layout = named.or_else(|| Layout::of_row(&row));
        return Ok(layout.map(|layout| layout.with_clock_of(&row)));
    }
    Ok(named)
}

impl Layout {
    fn of_header(row: &Row) -> Option<Self> {
        let time = [
            "timestamp",
            "timestampms",
            "timestampns",
            "time",
            "tsms",
            "tsns",
            "ts",
            "datetime",
            "gmttime",
            "date",
        ];
        let bid_volume = row.find(&["bidvol", "bidvolume", "bidsize"]);
        let ask_volume = row.find(&["askvol", "askvolume", "asksize"]);
        Some(Self {
            columns: row.len(),
            time: row.find(&time)?,
            symbol: row.find(&["symbol", "pair", "instrument"]),
            bid: row.find(&["bid", "bidprice"])?,
            ask: row.find(&["ask", "askprice"])?,
            volumes: bid_volume.zip(ask_volume),
            since_midnight: false,
            named: true,
        })
    }

    fn of_row(row: &Row) -> Option<Self> {
        let name = |column: usize| row.text(column).iter().any(u8::is_ascii_alphabetic);
        let plain = Self {
            columns: row.len(),
            time: 0,
            symbol: None,
            bid: 1,
            ask: 2,
            volumes: None,
            since_midnight: false,
            named: false,
        };
        let layout = match row.len() {
            3 => plain,
            4 if name(1) && !name(0) => Self {
                symbol: Some(1),
                bid: 2,
                ask: 3,
                ..plain
            },
            4 if name(0) => Self {
                time: 1,
                symbol: Some(0),
                bid: 2,
                ask: 3,
                ..plain
            },
            5 => Self {
                volumes: Some((3, 4)),
                ..plain
            },
            _ => return None,
        };
        let prices = is_decimal(row.text(layout.bid)) && is_decimal(row.text(layout.ask));
        (prices && time(row.text(layout.time)).is_some()).then_some(layout)
    }

    /// Whether these can only be ticks: three bare numbers may be anything, unless the file is called after a pair.
    pub(super) fn is_certain(&self, file_name: &str) -> bool {
        self.named || self.columns != 3 || names::pair(file_name).is_some()
    }

    fn with_clock_of(self, row: &Row) -> Self {
        let ms = decimal(row.text(self.time), 1);
        Self {
            since_midnight: ms.is_some_and(|ms| ms < DAY_MS),
            ..self
        }
    }
}

/// What times count from.
enum Clock {
    SinceMidnight(i64),
    Absolute { offset_ns: i64 },
}

struct FxTicks {
    layout: Layout,
    clock: Clock,
    /// The pair of the whole file.
    symbol: Option<Symbol>,
}

/// A time that says its own day: ISO text, TrueFX's `20130101 22:00:00.295`, or a count since 1970.
fn time(text: &[u8]) -> Option<i64> {
    if is_integer(text) {
        return by_magnitude(text).map(|(time, _)| time.0);
    }
    if is_decimal(text) {
        return decimal(text, 1_000_000);
    }
    if let Some(time) = iso(text) {
        return Some(time.0);
    }
    let (day, clock) = (text.get(..8)?, text.get(8..)?);
    let mut dashed = Vec::with_capacity(text.len() + 2);
    for part in [&day[..4], b"-", &day[4..6], b"-", &day[6..], clock] {
        dashed.extend_from_slice(part);
    }
    iso(&dashed).map(|time| time.0)
}

impl FxTicks {
    fn time(&self, row: &Row) -> Result<WallNs, Refusal> {
        let text = row.text(self.layout.time);
        let ns = match self.clock {
            Clock::SinceMidnight(midnight) => decimal(text, 1_000_000)
                .filter(|ns| *ns < DAY_MS * 1_000_000)
                .and_then(|ns| midnight.checked_add(ns)),
            Clock::Absolute { offset_ns } => time(text).and_then(|ns| ns.checked_sub(offset_ns)),
        };
        row.check(self.layout.time, ns.is_some(), "a time")?;
        Ok(WallNs(ns.expect("checked above")))
    }

    fn symbol(&self, row: &Row) -> Result<Symbol, Refusal> {
        let Some(column) = self.layout.symbol else {
            return Ok(self.symbol.expect("asked for when the file was opened"));
        };
        let text: Vec<u8> = row
            .text(column)
            .iter()
            .copied()
            .filter(|b| *b != b'/')
            .collect();
        let symbol = Symbol::new(&text);
        row.check(column, symbol.is_some(), "a symbol")?;
        Ok(symbol.expect("checked above"))
    }
}

impl LineParser for FxTicks {
    fn parse(&mut self, number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let row = Row::of(line);
        let blank = row.len() == 1 && row.text(0).is_empty();
        if blank || (number == 1 && Layout::of_header(&row).is_some()) {
            return Ok(Parsed::Control);
        }
        row.expect_columns(self.layout.columns)?;
        slot.ts_recv = self.time(&row)?;
        let volumes = match self.layout.volumes {
            Some((bid, ask)) => Some((row.decimal(bid)?, row.decimal(ask)?)),
            None => None,
        };
        let tick = Tick {
            symbol: self.symbol(&row)?,
            bid: row.decimal(self.layout.bid)?,
            ask: row.decimal(self.layout.ask)?,
            volumes,
        };
        tick.write(slot.ts_recv, &mut slot.stream, &mut slot.text);
        Ok(Parsed::Frame)
    }
}

/// A tick whose numbers are still text.
pub(super) struct Tick<'a> {
    pub(super) symbol: Symbol,
    pub(super) bid: &'a [u8],
    pub(super) ask: &'a [u8],
    pub(super) volumes: Option<(&'a [u8], &'a [u8])>,
}

impl Tick<'_> {
    /// Writes the gateway's message and the name of its stream.
    pub(super) fn write(&self, ts: WallNs, stream: &mut Vec<u8>, text: &mut Vec<u8>) {
        stream.clear();
        stream.extend(self.symbol.as_bytes().iter().map(u8::to_ascii_lowercase));
        stream.extend_from_slice(b"@tick");
        text.clear();
        let mut put = |parts: [&[u8]; 2]| parts.into_iter().for_each(|p| text.extend_from_slice(p));
        put([br#"{"type":"tick","symbol":""#, self.symbol.as_bytes()]);
        put([br#"","bid":"#, self.bid]);
        put([br#","ask":"#, self.ask]);
        if let Some((bid, ask)) = self.volumes {
            put([br#","bidVolume":"#, bid]);
            put([br#","askVolume":"#, ask]);
        }
        text.extend_from_slice(br#","timestamp":"#);
        push_ms(text, ts.0);
        text.push(b'}');
    }
}
