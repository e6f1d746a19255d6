//! What can go wrong with an answer of REST.
//!
//! A way to answer badly is a variant of [`Answer`]; how the connection does it is in `http.rs`.

use super::Harm;
use std::time::Duration;

/// A fault of one answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// This HTTP status instead of the answer, with `Retry-After` in seconds where it is not 0.
    Status {
        /// The status.
        code: u16,
        /// Seconds to wait.
        retry: u32,
    },
    /// The answer, after this time.
    Slow(Duration),
    /// A snapshot of depth that is wrong.
    Snapshot(Wrong),
    /// No answer that a client could have expected.
    Bad(Bad),
}

/// How an answer is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bad {
    /// A page for people, with status 200, as proxies and portals send it.
    Html,
    /// The body goes on and on.
    Endless,
    /// The headers go on and on.
    EndlessHead,
    /// The bytes of the body are not what they were.
    Body(Harm),
}

/// How a snapshot is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// A bid at the best ask: whoever looks sees that it cannot be.
    Crossed,
    /// Its id lies far behind the stream: it has to be fetched again.
    Old,
    /// Quantities of the best levels are ten times what they are, which nobody sees by the ids.
    Quantity,
}

impl Answer {
    /// Whether it can happen to answers of this path.
    pub(super) fn fits(self, path: &str) -> bool {
        match self {
            Self::Snapshot(_) => path.ends_with("/depth"),
            Self::Status { .. } | Self::Slow(_) | Self::Bad(_) => true,
        }
    }
}

/// What a rule's `on` is where it is about the handshakes of `WebSocket` connections.
pub(super) const HANDSHAKE: &str = "handshake";

/// What a rule's `on` has between a path and a symbol.
const SYMBOL: &str = "?symbol=";

/// Whether a rule with this `on` is about a request: its path or the end of it, and its symbol if the rule names one.
pub(super) fn is_meant(on: &str, path: &str, symbol: Option<&str>) -> bool {
    let (on, of) = match on.split_once(SYMBOL) {
        Some((on, of)) => (on, Some(of)),
        None => (on, None),
    };
    if of.is_some() && of != symbol {
        return false;
    }
    let on = on.trim_start_matches('/');
    path.strip_suffix(on)
        .is_some_and(|front| front.ends_with('/'))
}
