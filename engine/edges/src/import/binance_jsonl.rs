//! Lines of raw Binance frames, with or without the time they were received.
//!
//! Three forms, which may stand in one file: `<time> <frame>`, `{"t":time,"c":stream,"m":frame}` and the frame alone,
//! whose receive time is then the venue's. REST replies may stand between the frames.
//! All frames of a file are of one market; which one, its first lines give away.

use super::input::Input;
use super::json::{Message, Outer, Shape};
use super::lines::{LineParser, LineSource, Parsed, Refusal, Slot};
use super::survey::{Names, Survey, check_frame, wrapped_stream};
use super::time::{Unit, by_magnitude};
use super::{Format, ImportOptions};
use crate::source::{FrameSource, SourceError};
use pitlane_domain::units::WallNs;
use std::path::Path;

pub(super) fn open(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let survey = Survey::of(path, frame_of)?;
    let venue = match options.venue {
        Some(venue) => venue,
        None => survey.venue(path)?,
    };
    let parser = BinanceJsonl {
        names: survey.names(options.symbol),
        unit: None,
    };
    Ok(Box::new(LineSource::new(
        Input::open(path)?,
        Format::BinanceJsonl,
        venue,
        options.on_bad,
        parser,
    )))
}

/// `<digits> <frame>` apart.
pub(super) fn split_time(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|byte| !byte.is_ascii_digit())?;
    let (time, rest) = line.split_at(end);
    (end > 0 && rest.starts_with(b" ")).then(|| (time, rest.trim_ascii()))
}

/// What is left of a line without its time.
pub(super) fn frame_of(line: &[u8]) -> &[u8] {
    split_time(line).map_or(line, |(_, frame)| frame)
}

struct BinanceJsonl {
    names: Names,
    unit: Option<Unit>,
}

impl LineParser for BinanceJsonl {
    fn parse(&mut self, _number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let trimmed = line.trim_ascii();
        if trimmed.is_empty() {
            return Ok(Parsed::Control);
        }
        let (time, frame) = match split_time(trimmed) {
            Some((time, frame)) => (Some(time), frame),
            None => (None, trimmed),
        };
        if !frame.starts_with(b"{") {
            return Err(Refusal::new(
                "not_a_frame",
                "neither `<time> <frame>` nor a frame",
            ));
        }
        check_frame(frame)?;
        let offset = |part: &[u8]| part.as_ptr().addr() - line.as_ptr().addr();
        let frame_at = offset(frame);

        // The form of nearly every line: the wrapper names its stream first.
        if let Some(time) = time
            && let Some(stream) = wrapped_stream(frame)
        {
            slot.ts_recv = self.time(time, slot)?;
            if slot.stream != stream {
                self.names.saw(stream);
                slot.set_stream(stream);
            }
            slot.range = Some(frame_at..frame_at + frame.len());
            return Ok(Parsed::Frame);
        }
        self.other(time, frame, frame_at, slot)
    }
}

impl BinanceJsonl {
    fn time(&mut self, text: &[u8], slot: &mut Slot) -> Result<WallNs, Refusal> {
        let Some((time, unit)) = by_magnitude(text) else {
            let text = String::from_utf8_lossy(&text[..text.len().min(40)]);
            return Err(Refusal::new("bad_time", format!("`{text}` is not a time")));
        };
        if self.unit.replace(unit).is_some_and(|before| before != unit) {
            slot.unit_changes += 1;
        }
        Ok(time)
    }

    /// Every form but the usual one.
    fn other(
        &mut self,
        time: Option<&[u8]>,
        frame: &[u8],
        frame_at: usize,
        slot: &mut Slot,
    ) -> Result<Parsed, Refusal> {
        let not_json = |error: serde_json::Error| Refusal::new("not_json", error.to_string());
        let outer: Outer = serde_json::from_slice(frame).map_err(not_json)?;
        let (stream, body, message) = match outer.shape() {
            Shape::Combined { stream, data } => (Some(stream), frame, data.as_bytes()),
            Shape::Recorded {
                t, stream, message, ..
            } if time.is_none() => {
                slot.ts_recv = self.time(t.as_bytes(), slot)?;
                let message = message.as_bytes();
                // `m` may be the combined form again; the recorder's stream name stands.
                return Ok(self.frame(stream.as_bytes(), frame, frame_at, message, slot));
            }
            Shape::Recorded { .. } | Shape::Bare => (None, frame, frame),
        };
        let message: Message = serde_json::from_slice(message).map_err(not_json)?;
        let time = time.or(message.time().map(str::as_bytes));
        let time = time
            .ok_or_else(|| Refusal::new("no_time", "neither a receive time nor an event time"))?;
        slot.ts_recv = self.time(time, slot)?;
        let name = match stream {
            Some(stream) => stream.to_owned(),
            None => self.names.of(&message)?,
        };
        Ok(self.frame(name.as_bytes(), frame, frame_at, body, slot))
    }

    fn frame(
        &mut self,
        stream: &[u8],
        frame: &[u8],
        frame_at: usize,
        body: &[u8],
        slot: &mut Slot,
    ) -> Parsed {
        self.names.saw(stream);
        slot.set_stream(stream);
        let start = frame_at + (body.as_ptr().addr() - frame.as_ptr().addr());
        slot.range = Some(start..start + body.len());
        Parsed::Frame
    }
}
