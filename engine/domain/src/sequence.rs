//! The one sequence: every input gets one number and one time, and time itself becomes an input.

use crate::instrument::InstrumentId;
use crate::message::{Body, Kind, Message};
use crate::units::WallNs;

/// Whether time is made into timers here or already stands in the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timers {
    /// A timer precedes the first input at or behind each boundary of [`TIMER_NS`].
    Make,
    /// The input is a recorded sequence, timers included.
    Recorded,
    /// It is one up to and with this number, and goes on with inputs that are new.
    RecordedTo(u64),
}

/// Distance of timers: 10 ms of sequence time.
pub const TIMER_NS: i64 = 10_000_000;

/// Numbers inputs from 1 and gives each the sequence time: its receipt, raised so that it never decreases.
///
/// A pause of any length makes one timer, at the last boundary passed, so the work per input is bounded.
#[derive(Clone, Debug)]
pub struct Numbering {
    timers: Timers,
    last: u64,
    time: WallNs,
    raised: u64,
}

/// What one input became.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbered {
    /// The timer before it, if a boundary was passed.
    pub timer: Option<Message>,
    /// The input with its number and time.
    pub message: Message,
}

impl Numbering {
    /// A new sequence; the first number is 1.
    pub fn new(timers: Timers) -> Self {
        Self {
            timers,
            last: 0,
            time: WallNs(i64::MIN),
            raised: 0,
        }
    }

    /// Gives the next number and time. [`Kind::End`] passes without a number: it is not an input.
    pub fn number(&mut self, mut message: Message) -> Numbered {
        if message.kind == Kind::End as u8 {
            message.sequence = 0;
            return Numbered {
                timer: None,
                message,
            };
        }
        let before = self.time;
        if message.ts_recv < before {
            self.raised += 1;
            message.ts_recv = before;
        }
        self.time = message.ts_recv;
        let boundary = WallNs(self.time.0 - self.time.0.rem_euclid(TIMER_NS));
        let makes = match self.timers {
            Timers::Make => true,
            Timers::Recorded => false,
            Timers::RecordedTo(last) => self.last >= last,
        };
        let passed = makes && self.last > 0 && before < boundary;
        let timer = passed.then(|| {
            let mut timer = Message::new(InstrumentId::NONE, boundary, boundary, &Body::Timer);
            timer.sequence = self.next();
            timer
        });
        message.sequence = self.next();
        Numbered { timer, message }
    }

    /// The last number given; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Inputs whose receipt ran backwards and was raised.
    pub fn raised(&self) -> u64 {
        self.raised
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

#[cfg(test)]
mod tests;
