//! What happened, told: into the sequence as a message, and as a line for the log.

use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::intake::Intake;
use pitlane_domain::message::{Body, Connection, ConnectionEvent};
use pitlane_domain::units::WallNs;
use std::collections::VecDeque;
use std::fmt;

/// Lines that wait for the log; more are not kept, and the counters have them all.
const LINES_MAX: usize = 64;

/// Where news goes.
pub(super) struct News<'a> {
    pub intake: &'a mut Intake,
    pub lines: &'a mut VecDeque<String>,
    pub at: WallNs,
}

impl News<'_> {
    pub fn now(&self) -> WallNs {
        self.at
    }

    /// News of a connection that concerns no single instrument.
    pub fn connection(&mut self, event: ConnectionEvent, number: u64, values: [u64; 2]) {
        self.tell(
            InstrumentId::NONE,
            Connection {
                event,
                issue: None,
                ended: false,
                connection: number,
                values,
                score: 100,
            },
        );
    }

    /// Any news.
    pub fn tell(&mut self, instrument: InstrumentId, connection: Connection) {
        self.intake
            .tell(instrument, self.at, &Body::Connection(connection));
    }

    /// A line for the log.
    pub fn say(&mut self, line: fmt::Arguments<'_>) {
        match self.lines.len() {
            LINES_MAX => self.lines.push_back(
                "more was to be told than is written here; the counters have it all".to_owned(),
            ),
            waiting if waiting < LINES_MAX => self.lines.push_back(line.to_string()),
            _ => {}
        }
    }
}
