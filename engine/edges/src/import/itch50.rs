//! NASDAQ TotalView-ITCH 5.0 as NASDAQ publishes it: each message behind its length of 2 bytes, big-endian.
//!
//! Messages name their stock by the locate code of the day's directory, which is learnt on the way: from the directory
//! itself and from every message that spells its stock. A stock not met yet is called `#<code>`.
//! Times are ns after midnight in New York; the day stands in the file's name or is given.

use super::input::Input;
use super::time::{midnight, new_york};
use super::{Format, ImportOptions, names};
use crate::source::{Cut, Frame, FrameSource, ImportReport, OnBad, Progress, SourceError};
use jiff::civil::Date;
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use std::io::{self, Read};
use std::path::Path;

/// Type, locate code, tracking number and time: what every message begins with.
const HEAD_BYTES: usize = 11;

/// The day of a file that does not say its own.
const NO_DAY: Date = Date::constant(1970, 1, 1);

pub(super) fn open(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let input = Input::open(path)?;
    let day = options.day.or_else(|| names::day(&input.name()));
    let midnight = midnight(day.unwrap_or(NO_DAY), new_york())
        .ok_or_else(|| SourceError::unusable(path, "a day outside the calendar"))?;
    let report = ImportReport::new(path.display().to_string(), Format::Itch50.name());
    Ok(Box::new(Itch {
        venue: options.venue.unwrap_or(Venue::Itch),
        on_bad: options.on_bad,
        input,
        midnight,
        report,
        ended: false,
        directory: Vec::new(),
        ts_recv: WallNs::ZERO,
        locate: 0,
        message: Vec::new(),
    }))
}

struct Itch {
    input: Input,
    venue: Venue,
    midnight: i64,
    on_bad: OnBad,
    report: ImportReport,
    ended: bool,
    /// Stream names by locate code.
    directory: Vec<Vec<u8>>,
    ts_recv: WallNs,
    locate: usize,
    message: Vec<u8>,
}

/// Where a message of this type spells its stock.
fn stock_at(kind: u8) -> Option<usize> {
    Some(match kind {
        b'R' | b'H' | b'Y' | b'K' | b'J' | b'h' | b'N' | b'O' => 11,
        b'L' => 15,
        b'Q' => 19,
        b'A' | b'F' | b'P' => 24,
        b'I' => 28,
        _ => return None,
    })
}

/// Bytes of a message of this type; for telling a file of ITCH from others.
pub(super) fn length(kind: u8) -> Option<usize> {
    Some(match kind {
        b'S' => 12,
        b'R' => 39,
        b'H' => 25,
        b'Y' | b'N' => 20,
        b'L' => 26,
        b'A' | b'C' => 36,
        b'F' => 40,
        b'P' => 44,
        b'E' => 31,
        b'X' => 23,
        b'D' => 19,
        b'U' | b'V' => 35,
        b'I' => 50,
        _ => return None,
    })
}

/// Fills `buffer`; how many bytes there were.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match reader.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Compressed data that ends too early: what came before it counts.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

impl Itch {
    /// Reads one message; `false` at the end.
    fn read(&mut self) -> Result<bool, SourceError> {
        let mut length = [0; 2];
        let got = fill(&mut self.input.reader, &mut length);
        let got = got.map_err(|error| self.input.io(error))?;
        if got == 0 {
            return Ok(false);
        }
        let expected = if got == 2 {
            usize::from(u16::from_be_bytes(length))
        } else {
            1
        };
        self.message.resize(expected, 0);
        let body = if got == 2 {
            let body = fill(&mut self.input.reader, &mut self.message);
            body.map_err(|error| self.input.io(error))?
        } else {
            0
        };
        if got < 2 || body < expected {
            let reason = "the file ends inside a message".to_owned();
            let bytes = (got + body) as u64;
            self.report.cut = Some(Cut { bytes, reason });
            return Ok(false);
        }
        Ok(true)
    }

    fn advance(&mut self) -> Result<bool, SourceError> {
        while !self.ended {
            if !self.read()? {
                self.ended = true;
                break;
            }
            // An empty message ends a session.
            if self.message.is_empty() {
                self.report.control();
                continue;
            }
            if self.message.len() >= HEAD_BYTES {
                self.accept();
                return Ok(true);
            }
            let number = self.report.records + 1;
            let detail = format!("a message of {} bytes", self.message.len());
            let path = &self.input.path;
            self.report.refuse("too_short", 1, || {
                format!("{}:{number}: {detail}", path.display())
            });
            if self.on_bad == OnBad::Stop {
                return Err(SourceError::Line {
                    path: path.clone(),
                    line: number,
                    reason: format!("{detail} (too_short)"),
                });
            }
        }
        Ok(false)
    }

    fn accept(&mut self) {
        let message = self.message.as_slice();
        let time = message[5..HEAD_BYTES]
            .iter()
            .fold(0_i64, |ns, byte| (ns << 8) | i64::from(*byte));
        self.ts_recv = WallNs(self.midnight + time);
        self.report.accept(self.ts_recv);
        self.locate = usize::from(u16::from_be_bytes([message[1], message[2]]));
        while self.directory.len() <= self.locate {
            let name = match self.directory.len() {
                0 => "@itch".to_owned(),
                code => format!("#{code}@itch"),
            };
            self.directory.push(name.into_bytes());
        }
        let stock = stock_at(message[0]).and_then(|at| message.get(at..at + 8));
        if let Some(stock) = stock {
            let name = &mut self.directory[self.locate];
            let stock = stock.trim_ascii_end();
            let same = name.len() == stock.len() + 5
                && name
                    .iter()
                    .zip(stock)
                    .all(|(a, b)| *a == b.to_ascii_lowercase());
            if !same {
                name.clear();
                name.extend(stock.iter().map(u8::to_ascii_lowercase));
                name.extend_from_slice(b"@itch");
            }
        }
    }
}

impl FrameSource for Itch {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        if !self.advance()? {
            return Ok(None);
        }
        Ok(Some(Frame {
            ts_recv: self.ts_recv,
            venue: self.venue,
            stream: &self.directory[self.locate],
            bytes: &self.message,
        }))
    }

    fn progress(&self) -> Progress {
        self.input.progress()
    }

    fn reports(&self) -> Vec<ImportReport> {
        vec![self.report.clone()]
    }
}
