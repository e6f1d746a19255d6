//! What every line format has in common: lines in, frames out, every line counted once.

use super::input::{Input, LineRead, Lines};
use crate::source::{Cut, Frame, FrameSource, ImportReport, OnBad, Progress, SourceError};
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use std::ops::Range;

/// Why a line is not a record of its format.
pub(super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

/// What a good line was.
pub(super) enum Parsed {
    /// A frame, left in the [`Slot`].
    Frame,
    /// Not a frame: a header, a connection line, a blank line.
    Control,
}

/// Where a parser leaves its frame.
pub(super) struct Slot {
    pub(super) ts_recv: WallNs,
    pub(super) venue: Venue,
    pub(super) stream: Vec<u8>,
    /// The frame's place in the line; absent when the frame is `text`.
    pub(super) range: Option<Range<usize>>,
    /// A frame the line had to be rewritten into.
    pub(super) text: Vec<u8>,
    /// How often the unit of the receive times changed.
    pub(super) unit_changes: u64,
}

impl Slot {
    pub(super) fn set_stream(&mut self, name: &[u8]) {
        if self.stream != name {
            self.stream.clear();
            self.stream.extend_from_slice(name);
        }
    }
}

/// One line format.
pub(super) trait LineParser: Send {
    /// Reads one line; `number` is its number, from 1.
    fn parse(&mut self, number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal>;
}

/// A file read line by line.
pub(super) struct LineSource<P> {
    lines: Lines,
    parser: P,
    slot: Slot,
    report: ImportReport,
    on_bad: OnBad,
    ended: bool,
}

impl<P: LineParser> LineSource<P> {
    pub(super) fn new(
        input: Input,
        format: super::Format,
        venue: Venue,
        on_bad: OnBad,
        parser: P,
    ) -> Self {
        let report = ImportReport::new(input.path.display().to_string(), format.name());
        Self {
            lines: Lines::new(input),
            parser,
            slot: Slot {
                ts_recv: WallNs::ZERO,
                venue,
                stream: Vec::new(),
                range: None,
                text: Vec::new(),
                unit_changes: 0,
            },
            report,
            on_bad,
            ended: false,
        }
    }

    fn refuse(&mut self, refusal: &Refusal) -> Result<(), SourceError> {
        let (path, line) = (&self.lines.input.path, self.lines.number);
        self.report.refuse(refusal.reason, 1, || {
            format!("{}:{line}: {}", path.display(), refusal.detail)
        });
        match self.on_bad {
            OnBad::Skip => Ok(()),
            OnBad::Stop => Err(SourceError::Line {
                path: path.clone(),
                line,
                reason: format!("{} ({})", refusal.detail, refusal.reason),
            }),
        }
    }

    /// Reads to the next frame; `false` at the end.
    fn advance(&mut self) -> Result<bool, SourceError> {
        while !self.ended {
            let refusal = match self.lines.read()? {
                LineRead::End => {
                    self.ended = true;
                    break;
                }
                LineRead::Truncated => {
                    self.ended = true;
                    let bytes = self.lines.line().len() as u64;
                    let reason = "the compressed data ends in the middle of a line".to_owned();
                    self.report.cut = Some(Cut { bytes, reason });
                    Refusal::new(
                        "truncated_file",
                        format!("the compressed data ends {bytes} bytes into this line"),
                    )
                }
                LineRead::TooLong => Refusal::new("too_long", "longer than any frame"),
                LineRead::Line => {
                    self.slot.range = None;
                    let line = self.lines.line();
                    match self.parser.parse(self.lines.number, line, &mut self.slot) {
                        Ok(Parsed::Frame) => {
                            self.report.accept(self.slot.ts_recv);
                            return Ok(true);
                        }
                        Ok(Parsed::Control) => {
                            self.report.control();
                            continue;
                        }
                        Err(refusal) => refusal,
                    }
                }
            };
            self.refuse(&refusal)?;
        }
        Ok(false)
    }
}

impl<P: LineParser> FrameSource for LineSource<P> {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        if !self.advance()? {
            return Ok(None);
        }
        let slot = &self.slot;
        Ok(Some(Frame {
            ts_recv: slot.ts_recv,
            venue: slot.venue,
            stream: &slot.stream,
            bytes: match slot.range.clone() {
                Some(range) => &self.lines.line()[range],
                None => &slot.text,
            },
        }))
    }

    fn progress(&self) -> Progress {
        self.lines.input.progress()
    }

    fn reports(&self) -> Vec<ImportReport> {
        vec![ImportReport {
            unit_changes: self.slot.unit_changes,
            ..self.report.clone()
        }]
    }
}
