//! One request with its parameters checked, and the venue's words for what is wrong with them.

use crate::faults::Answer;
use crate::http::Request;
use crate::shared::Shared;
use pitlane_domain::instrument::{Instrument, InstrumentId, Venue};

/// Why a request is refused: the venue's code and words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal(pub(super) i32, pub(super) String);

/// A request on its way to an answer.
pub(super) struct Ask<'a> {
    pub(super) shared: &'a Shared,
    pub(super) request: &'a Request,
    pub(super) venue: Venue,
    /// Frames that can be seen.
    pub(super) position: usize,
    pub(super) fault: Option<Answer>,
}

/// An instrument that was asked for.
pub(super) type Asked<'a> = (InstrumentId, &'a Instrument);

impl<'a> Ask<'a> {
    pub(super) fn is_spot(&self) -> bool {
        self.venue == Venue::BinanceSpot
    }

    /// A parameter that is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.request.get(name).filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &str) -> Result<&'a str, Refusal> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// The instrument named by `symbol`, which has to be there.
    pub(super) fn instrument(&self) -> Result<Asked<'a>, Refusal> {
        self.find(self.needed("symbol")?)
    }

    fn find(&self, symbol: &str) -> Result<Asked<'a>, Refusal> {
        let is_written = (1..=20).contains(&symbol.len())
            && symbol
                .bytes()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if !is_written {
            return Err(illegal("symbol", "^[A-Z0-9-_.]{1,20}$"));
        }
        let table = self.shared.recording.table();
        table
            .find(self.venue, symbol.as_bytes())
            .and_then(|id| Some((id, table.get(id)?)))
            .ok_or_else(|| Refusal(-1121, "Invalid symbol.".to_owned()))
    }

    /// The instruments asked for by `symbol` or `symbols`, or else all of the venue; and whether one was named alone.
    pub(super) fn instruments(&self) -> Result<(Vec<Asked<'a>>, bool), Refusal> {
        match (self.text("symbol"), self.text("symbols")) {
            (Some(_), Some(_)) => {
                let message = "Combination of optional parameters invalid.";
                Err(Refusal(-1128, message.to_owned()))
            }
            (Some(symbol), None) => Ok((vec![self.find(symbol)?], true)),
            (None, Some(list)) => {
                let symbols: Vec<String> = serde_json::from_str(list).map_err(|_| {
                    illegal(
                        "symbols",
                        r#"^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$"#,
                    )
                })?;
                let found: Result<_, _> = symbols.iter().map(|symbol| self.find(symbol)).collect();
                Ok((found?, false))
            }
            (None, None) => {
                let all = self.shared.recording.table().iter();
                Ok((
                    all.filter(|(_, of)| of.venue == self.venue).collect(),
                    false,
                ))
            }
        }
    }

    /// A whole number that may be left out.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.text(name)
            .map(|text| {
                let is_written =
                    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
                let number = text.parse().ok().filter(|_| is_written);
                number.ok_or_else(|| illegal(name, "^[0-9]{1,20}$"))
            })
            .transpose()
    }

    /// A time in ms, or in microseconds where it is that large.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let ms = self.number(name)?.map(|time| {
            let time = i64::try_from(time).unwrap_or(i64::MAX);
            if time >= 100_000_000_000_000 {
                time / 1000
            } else {
                time
            }
        });
        Ok(ms)
    }

    /// How many at most: at least 1, and no more than the venue gives.
    pub(super) fn limit(&self, usual: usize, most: usize) -> Result<usize, Refusal> {
        match self.number("limit")? {
            None => Ok(usual),
            Some(0) => {
                let message = "Data sent for parameter 'limit' is not valid.";
                Err(Refusal(-1130, message.to_owned()))
            }
            Some(limit) => Ok(usize::try_from(limit).unwrap_or(most).min(most)),
        }
    }

    /// The interval of bars, which has to be there.
    pub(super) fn interval(&self) -> Result<crate::interval::Interval, Refusal> {
        crate::interval::Interval::of(self.needed("interval")?)
            .ok_or_else(|| Refusal(-1120, "Invalid interval.".to_owned()))
    }
}

pub(super) fn missing(name: &str) -> Refusal {
    let message =
        format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
    Refusal(-1102, message)
}

fn illegal(name: &str, range: &str) -> Refusal {
    let message =
        format!("Illegal characters found in parameter '{name}'; legal range is '{range}'.");
    Refusal(-1100, message)
}
