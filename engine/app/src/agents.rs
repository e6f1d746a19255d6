//! The agents: thin glue that drains a ring, calls a machine, passes on what it decided, and counts.

pub mod feed;
pub mod live;
pub mod market;
pub mod recorder;
pub mod sequencer;
pub mod storage;

use feed::Fed;
use pitlane_domain::market::Market;
use recorder::Recorded;
use sequencer::Sequenced;
use std::sync::{Arc, OnceLock};
use storage::Stored;

/// Where an agent leaves its closing facts for whoever started the engine. Written once, after its last poll.
pub type Closing<T> = Arc<OnceLock<T>>;

/// Leaves closing facts; a second attempt (an agent closed twice) changes nothing.
pub fn leave<T>(closing: &Closing<T>, facts: T) {
    let _ = closing.set(facts);
}

/// What the agents leave behind.
#[derive(Default)]
pub struct Closings {
    /// The feed's.
    pub fed: Closing<Fed>,
    /// The sequencer's.
    pub sequenced: Closing<Sequenced>,
    /// The recorder's.
    pub recorded: Closing<Recorded>,
    /// The market machine as it ended.
    pub market: Closing<Box<Market>>,
    /// The storage agent's.
    pub stored: Closing<Stored>,
}
