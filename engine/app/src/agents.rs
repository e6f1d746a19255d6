//! The agents: thin glue that drains a ring, calls a machine, passes on what it decided, and counts.

pub mod feed;
pub mod market;
pub mod recorder;
pub mod sequencer;
pub mod storage;

use std::sync::{Arc, OnceLock};

/// Where an agent leaves its closing facts for whoever started the engine. Written once, after its last poll.
pub type Closing<T> = Arc<OnceLock<T>>;

/// Leaves closing facts; a second attempt (an agent closed twice) changes nothing.
pub fn leave<T>(closing: &Closing<T>, facts: T) {
    let _ = closing.set(facts);
}
