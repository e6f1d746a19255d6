//! What kind of message a gateway sent, for whoever keeps up the conversation; what it says of the market is decoded.

use super::{GatewayStatus, time};
use crate::decode::fields::Reader;
use crate::decode::json::{Shape, Value};
use crate::decode::object::frame_members;
use crate::instrument::Symbol;
use crate::units::WallNs;

/// A message by its kind. What it names is there if it can be read; whether the rest of it can, decoding says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// A tick of a symbol, and its time.
    Tick(Option<Symbol>, Option<WallNs>),
    /// A symbol's package.
    Package(Option<Symbol>),
    /// The gateway is ready; [`super::ready_symbols`] reads what it has.
    Ready,
    /// How it stands with the market behind it.
    Status(Option<GatewayStatus>),
    /// Something went wrong, with a symbol perhaps.
    Error(Option<Symbol>),
    /// Anything else, and what is no message at all.
    Other,
}

/// Looks at a message without decoding it.
pub fn hear(frame: &[u8]) -> Heard {
    let keys: [&[u8]; 4] = [b"type", b"symbol", b"timestamp", b"status"];
    let Ok(Some([kind, symbol, timestamp, status])) = frame_members(frame, &keys) else {
        return Heard::Other;
    };
    let text = |value: Value| (value.shape() == Shape::Text).then(|| value.of(frame));
    let symbol = || text(symbol).and_then(Symbol::new);
    match text(kind) {
        Some(b"tick") => Heard::Tick(symbol(), time(Reader(frame), timestamp).ok()),
        Some(b"symbolDataPackage") => Heard::Package(symbol()),
        Some(b"ready") => Heard::Ready,
        Some(b"status") => Heard::Status(text(status).and_then(GatewayStatus::named)),
        Some(b"error") => Heard::Error(symbol()),
        _ => Heard::Other,
    }
}
