//! What happened, told: into the sequence as a message, and as a line for the log.

use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::intake::Intake;
use pitlane_domain::message::{Body, Connection, ConnectionEvent};
use pitlane_domain::units::WallNs;
use std::collections::VecDeque;
use std::fmt;

/// Lines that wait for the log; more are not kept, and the counters have them all.
const LINES_MAX: usize = 64;

/// A line for the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Something is wrong; otherwise it says that something is right again.
    pub is_trouble: bool,
    /// What.
    pub text: String,
}

/// Where news goes.
pub(super) struct News<'a> {
    pub intake: &'a mut Intake,
    pub lines: &'a mut VecDeque<Told>,
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

    /// A line for the log about something that is wrong.
    pub fn say(&mut self, line: fmt::Arguments<'_>) {
        self.line(true, line);
    }

    /// A line for the log about something that is right again.
    pub fn note(&mut self, line: fmt::Arguments<'_>) {
        self.line(false, line);
    }

    fn line(&mut self, is_trouble: bool, line: fmt::Arguments<'_>) {
        let text = match self.lines.len() {
            LINES_MAX => {
                "more was to be told than is written here; the counters have it all".to_owned()
            }
            waiting if waiting < LINES_MAX => line.to_string(),
            _ => return,
        };
        self.lines.push_back(Told { is_trouble, text });
    }
}
