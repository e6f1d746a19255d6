//! Bybit's frames, one a line, as its archive of books has them.
//!
//! Nobody wrote down when they were received, so the frame's own time, `ts`, stands for it.

use super::input::Input;
use super::lines::{LineParser, LineSource, Parsed, Refusal, Slot};
use super::streams::stream_of;
use super::survey::check_frame;
use super::time::by_magnitude;
use super::{Format, ImportOptions};
use crate::source::{FrameSource, SourceError};
use pitlane_domain::instrument::Venue;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::Path;

pub(super) fn open(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    Ok(Box::new(LineSource::new(
        Input::open(path)?,
        Format::BybitJsonl,
        options.venue.unwrap_or(Venue::Bybit),
        options.on_bad,
        BybitJsonl,
    )))
}

/// Whether a line can only be one of these.
pub(super) fn is_line(line: &[u8]) -> bool {
    // A topic has a symbol behind its last dot.
    let topic = line.strip_prefix(br#"{"topic":""#);
    let topic = topic.and_then(|rest| rest.split(|&byte| byte == b'"').next());
    topic.is_some_and(|topic| topic.contains(&b'.'))
}

struct BybitJsonl;

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
}

impl LineParser for BybitJsonl {
    fn parse(&mut self, _number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let frame = line.trim_ascii();
        if frame.is_empty() {
            return Ok(Parsed::Control);
        }
        if !frame.starts_with(b"{") {
            return Err(Refusal::new("not_a_frame", "no JSON object"));
        }
        check_frame(frame)?;
        let not_json = |error: serde_json::Error| Refusal::new("not_json", error.to_string());
        let outer: Outer<'_> = serde_json::from_slice(frame).map_err(not_json)?;
        let Some(ts) = outer.ts else {
            return Err(Refusal::new("no_time", "a frame without `ts`"));
        };
        let Some((time, _)) = by_magnitude(ts.get().as_bytes()) else {
            let detail = format!("`{}` is not a time", ts.get());
            return Err(Refusal::new("bad_time", detail));
        };
        slot.ts_recv = time;
        let stream = stream_of(Venue::Bybit, frame).unwrap_or_else(|| Ok(String::new()))?;
        slot.set_stream(stream.as_bytes());
        let start = frame.as_ptr().addr() - line.as_ptr().addr();
        slot.range = Some(start..start + frame.len());
        Ok(Parsed::Frame)
    }
}
