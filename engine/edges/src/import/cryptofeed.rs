//! Raw captures of the Python library cryptofeed: what each connection sent and received, as text.
//!
//! ```text
//! configuration: {..}                     the subscription
//! wss://host/path <-> 1617566590.378895    connected
//! wss://host/path <- 1617566590.4: {..}    sent
//! https://host/path -> 1617566592.1: {..}  a REST reply
//! 1617566591.326123: {..}                  a frame
//! ```
//!
//! Books and instrument tables of REST replies become frames of their own streams; every other line that is no frame is
//! control. Files of one recording (`X`, `X.http.0`, `X.ws.1`) are opened together and merged by time.

use super::input::{Input, LineRead, Lines};
use super::json::{Message, Outer, Shape};
use super::lines::{LineParser, LineSource, Parsed, Refusal, Slot};
use super::streams::stream_of;
use super::survey::{Names, Survey, check_frame, snapshot_stream, wrapped_stream};
use super::table::is_decimal;
use super::time::decimal;
use super::{Format, ImportOptions};
use crate::source::{FrameSource, SourceError};
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use std::path::Path;

/// Lines among which the first address is looked for; it is the first or the second line of every recording.
const ADDRESS_LINES: u64 = 256;

pub(super) fn open(
    path: &Path,
    options: &ImportOptions,
) -> Result<Box<dyn FrameSource>, SourceError> {
    let venue = match (options.venue, first_host(path)?) {
        (Some(venue), _) => venue,
        (None, Some(host)) => venue_of_host(&host).ok_or_else(|| {
            let reason = format!("a recording of {host}, which is not supported yet; those of Binance, Kraken, OKX, FTX, Coinbase and Bitstamp are");
            SourceError::unusable(path, reason)
        })?,
        (None, None) => Survey::of(path, frame_of)?.venue(path)?,
    };
    let parser = Cryptofeed {
        venue,
        connection: options.connection,
        names: Survey::default().names(options.symbol),
    };
    Ok(Box::new(LineSource::new(
        Input::open(path)?,
        Format::Cryptofeed,
        venue,
        options.on_bad,
        parser,
    )))
}

/// The host of the first address in a file.
fn first_host(path: &Path) -> Result<Option<String>, SourceError> {
    let mut lines = Lines::new(Input::open(path)?);
    while lines.number < ADDRESS_LINES {
        match lines.read()? {
            LineRead::Line => {
                if let Some(address) = address(lines.line()) {
                    return Ok(Some(String::from_utf8_lossy(address.host()).into_owned()));
                }
            }
            LineRead::TooLong => {}
            LineRead::End | LineRead::Truncated => break,
        }
    }
    Ok(None)
}

fn venue_of_host(host: &str) -> Option<Venue> {
    let others = [
        ("kraken.com", Venue::Kraken),
        ("okx.com", Venue::Okx),
        ("okex.com", Venue::Okx),
        ("ftx.com", Venue::Ftx),
        ("ftexchange.com", Venue::Ftx),
        ("coinbase.com", Venue::Coinbase),
        ("bitstamp.net", Venue::Bitstamp),
    ];
    for (domain, venue) in others {
        let before = host.strip_suffix(domain);
        if before.is_some_and(|before| before.is_empty() || before.ends_with('.')) {
            return Some(venue);
        }
    }
    let known = [".binance.com", ".binance.vision"];
    known
        .iter()
        .any(|domain| host.ends_with(domain))
        .then(|| match host.split('.').next() {
            Some("fstream" | "fapi") => Venue::BinanceUsdm,
            Some("dstream" | "dapi") => Venue::BinanceCoinm,
            _ => Venue::BinanceSpot,
        })
}

/// A line that begins with an address.
struct Address<'a> {
    url: &'a [u8],
    arrow: &'a [u8],
    rest: &'a [u8],
}

fn address(line: &[u8]) -> Option<Address<'_>> {
    let known: [&[u8]; 4] = [b"https://", b"wss://", b"http://", b"ws://"];
    if !known.iter().any(|scheme| line.starts_with(scheme)) {
        return None;
    }
    let mut words = line.splitn(3, |&byte| byte == b' ');
    Some(Address {
        url: words.next()?,
        arrow: words.next()?,
        rest: words.next()?,
    })
}

impl<'a> Address<'a> {
    fn host(&self) -> &'a [u8] {
        let mut parts = self.url.splitn(4, |&byte| byte == b'/');
        let host = parts.nth(2).unwrap_or_default();
        host.split(|&byte| byte == b':').next().unwrap_or_default()
    }

    /// Path and query.
    fn path(&self) -> &'a [u8] {
        self.url
            .splitn(4, |&byte| byte == b'/')
            .nth(3)
            .unwrap_or_default()
    }

    /// The stream under which a REST reply is handed out; `None` if replies of that address are not used.
    fn stream(&self) -> Option<String> {
        let path = std::str::from_utf8(self.path()).ok()?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if let Some(symbol) = path.strip_prefix("api/v2/order_book/") {
            return Some(snapshot_stream(symbol.trim_end_matches('/')));
        }
        match path.rsplit('/').next()? {
            "exchangeInfo" => Some("@exchangeInfo".to_owned()),
            "depth" => query
                .split('&')
                .find_map(|pair| pair.strip_prefix("symbol="))
                .map(snapshot_stream),
            _ => None,
        }
    }
}

/// `<seconds>: <rest>` apart.
fn split_time(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
    let (time, rest) = line.split_at(end);
    let rest = rest.strip_prefix(b": ")?;
    (end > 0).then(|| (time, rest.trim_ascii()))
}

/// Whether a line can only be one of these recordings.
pub(super) fn is_line(line: &[u8]) -> bool {
    line.starts_with(b"configuration: ")
        || address(line).is_some_and(|address| matches!(address.arrow, b"<->" | b"->" | b"<-"))
        || split_time(line).is_some_and(|(time, _)| time.contains(&b'.') && is_decimal(time))
}

fn frame_of(line: &[u8]) -> &[u8] {
    split_time(line).map_or(line, |(_, frame)| frame)
}

struct Cryptofeed {
    venue: Venue,
    connection: usize,
    names: Names,
}

fn time(text: &[u8]) -> Result<WallNs, Refusal> {
    decimal(text, 1_000_000_000).map(WallNs).ok_or_else(|| {
        let text = String::from_utf8_lossy(&text[..text.len().min(40)]);
        Refusal::new("bad_time", format!("`{text}` is not a time in seconds"))
    })
}

impl LineParser for Cryptofeed {
    fn parse(&mut self, _number: u64, line: &[u8], slot: &mut Slot) -> Result<Parsed, Refusal> {
        let offset = |part: &[u8]| part.as_ptr().addr() - line.as_ptr().addr();
        if let Some((text, frame)) = split_time(line) {
            let is_array = self.venue == Venue::Kraken && frame.starts_with(b"[");
            if !frame.starts_with(b"{") && !is_array {
                return Err(Refusal::new(
                    "not_a_frame",
                    "no JSON object behind the time",
                ));
            }
            check_frame(frame)?;
            slot.ts_recv = time(text)?;
            if let Some(stream) = stream_of(self.venue, frame) {
                let mut stream = stream?;
                // Only these are joined by intake.
                let joined = matches!(self.venue, Venue::Kraken | Venue::Okx | Venue::Ftx);
                if joined && self.connection > 0 && !stream.is_empty() {
                    stream = format!("{stream}#{}", self.connection);
                }
                slot.set_stream(stream.as_bytes());
            } else if let Some(stream) = wrapped_stream(frame) {
                slot.set_stream(stream);
            } else {
                let stream = self.name(frame)?;
                slot.set_stream(stream.as_bytes());
            }
            slot.range = Some(offset(frame)..offset(frame) + frame.len());
            return Ok(Parsed::Frame);
        }
        if line.trim_ascii().is_empty() || line.starts_with(b"configuration:") {
            return Ok(Parsed::Control);
        }
        let Some(address) = address(line) else {
            let detail = "neither `<seconds>: <frame>` nor a line of a connection";
            return Err(Refusal::new("not_a_frame", detail));
        };
        if let b"<->" | b"<-" = address.arrow {
            return Ok(Parsed::Control);
        }
        if address.arrow != b"->" {
            return Err(Refusal::new("not_a_frame", "an address without an arrow"));
        }
        let Some(stream) = address.stream() else {
            return Ok(Parsed::Control);
        };
        let (text, reply) = split_time(address.rest)
            .ok_or_else(|| Refusal::new("cut_frame", "a reply without time and text"))?;
        check_frame(reply)?;
        slot.ts_recv = time(text)?;
        slot.set_stream(stream.as_bytes());
        slot.range = Some(offset(reply)..offset(reply) + reply.len());
        Ok(Parsed::Frame)
    }
}

impl Cryptofeed {
    /// The stream of a frame that does not name it first.
    fn name(&self, frame: &[u8]) -> Result<String, Refusal> {
        let not_json = |error: serde_json::Error| Refusal::new("not_json", error.to_string());
        let outer: Outer = serde_json::from_slice(frame).map_err(not_json)?;
        if let Shape::Combined { stream, .. } = outer.shape() {
            return Ok(stream.to_owned());
        }
        let message: Message = serde_json::from_slice(frame).map_err(not_json)?;
        self.names.of(&message)
    }
}
