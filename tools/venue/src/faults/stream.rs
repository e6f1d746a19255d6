//! What can go wrong with a message of a stream.

use super::Harm;

/// A fault of one message. Those of a connection end it for every client the message was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamFault {
    /// It is not sent.
    Drop,
    /// It is sent twice.
    Duplicate,
    /// It is sent behind that many later messages of its stream.
    Late(u64),
    /// Its bytes are not what they were.
    Harm(Harm),
    /// The connection is ended without a word, and the message is lost.
    Cut,
    /// The connection is closed with this code, and the message is lost.
    Close(u16),
}

/// Whether a rule with this `on` is about a stream: its name, or its kind with or without the speed.
pub(super) fn is_meant(on: &str, name: &str) -> bool {
    let behind = name.split_once('@').map_or("", |(_, behind)| behind);
    let kind = behind.split('@').next().unwrap_or(behind);
    let symbol = name.split('@').next().unwrap_or(name);
    on == name || on == behind || on == kind || on == symbol
}
