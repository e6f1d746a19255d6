//! The rules of a live connection, without the connection: when to try again, what may be asked, what is too quiet.
//!
//! Nothing here opens a socket or reads a clock: the feed says what happened and when, and is told what to do.
//! Times are receipt times of whoever asks; waits are [`Duration`]s.
//! - [`Backoff`]: how long to wait before the next attempt to connect;
//! - [`WeightBudget`]: what the venue's limit on requests still allows;
//! - [`RequestQueue`]: which request goes next;
//! - [`Watchdog`]: which streams are silent, late or lopsided;
//! - [`FxDesk`]: what to say to an FX gateway;
//! - [`Handover`]: how a connection is followed by its successor without a frame lost or doubled.

mod backoff;
mod budget;
mod fx;
mod handover;
mod requests;
mod watchdog;

pub use backoff::{Attempt, Backoff, BackoffRules};
pub use budget::{Limited, Reply, Ticket, WeightBudget, request_weight};
pub use fx::{FxCommand, FxDesk, FxRules};
pub use handover::{Handover, HandoverRules, OldLost, Phase, SuccessorFrame};
pub use requests::{Added, Priority, QueueRules, Request, RequestId, RequestQueue};
pub use watchdog::{
    Alarm, AlarmStep, LineId, StreamKind, Thresholds, WatchRules, Watchdog, Watched,
};

use crate::units::WallNs;
use std::time::Duration;

/// `ts` moved on by `wait`; the end of time if there is none later.
fn after(ts: WallNs, wait: Duration) -> WallNs {
    let wait = i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX);
    WallNs(ts.0.saturating_add(wait))
}

/// How long `now` lies behind `then`; zero if it does not.
fn since(then: WallNs, now: WallNs) -> Duration {
    Duration::from_nanos(u64::try_from(now.0.saturating_sub(then.0)).unwrap_or(0))
}

/// Numbers that look random and are the same for the same seed: `splitmix64`.
#[derive(Clone, Debug)]
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A wait from zero to `most`, both included.
    fn up_to(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX - 1);
        // The product's upper half: uniform but for one part in 2^64 / most.
        let share = (u128::from(self.next()) * (u128::from(most) + 1)) >> 64;
        Duration::from_nanos(u64::try_from(share).unwrap_or(most))
    }
}
