//! What the log says of data that comes late.
//!
//! The sequence has every report; the log has one line when an instrument begins to be late and one when that is over.
//! Data that is older than a day is not late but recorded, as that of a local venue, unless a clock is wrong:
//! then every instrument is, for good, so that is said once for the venue.

use super::news::News;
use pitlane_domain::instrument::{InstrumentId, Venue};
use pitlane_domain::message::Issue;
use pitlane_domain::upstream::{Alarm, AlarmStep};
use std::time::Duration;

/// Beyond this no way and no queue is the cause.
const RECORDED: Duration = Duration::from_hours(24);

/// What was said so far.
pub(super) struct Lateness {
    /// Receipt minus the venue's time that is no longer in time.
    most: Duration,
    /// It was said that the venue's data is a recording.
    recorded: bool,
    /// Instruments said to be late.
    late: Vec<InstrumentId>,
}

impl Lateness {
    pub fn new(most: Duration) -> Self {
        Self {
            most,
            recorded: false,
            late: Vec::new(),
        }
    }

    /// Says what is to be said of a report, which may be of another issue.
    pub fn tell(&mut self, venue: Venue, alarm: &Alarm, news: &mut News<'_>) {
        if alarm.issue != Issue::SyncDrift || alarm.step == AlarmStep::Lasts {
            return;
        }
        let venue = venue.name();
        let Some(instrument) = news.intake.table().get(alarm.instrument) else {
            return;
        };
        let symbol = instrument.symbol;
        if alarm.step == AlarmStep::Ended {
            if let Some(at) = self.late.iter().position(|&id| id == alarm.instrument) {
                self.late.swap_remove(at);
                news.note(format_args!("{symbol} of {venue} comes in time again"));
            }
        } else if alarm.value > RECORDED {
            if !std::mem::replace(&mut self.recorded, true) {
                let days = alarm.value.as_secs() / RECORDED.as_secs();
                news.say(format_args!(
                    "{venue}: its data is {days} days old: it is a recording, or a clock is wrong; told as sync_drift of \
                     each instrument, and said here once"
                ));
            }
        } else {
            self.late.push(alarm.instrument);
            news.say(format_args!(
                "{symbol} of {venue} comes {:.1} s after the venue's time, and {:?} is allowed: the connection or this \
                 machine does not keep up, or a clock is wrong",
                alarm.value.as_secs_f64(),
                self.most
            ));
        }
    }
}

#[cfg(test)]
mod tests;
