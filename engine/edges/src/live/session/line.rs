//! One connection to a venue with all its successors: opened, read, followed, lost, and opened again.

use super::news::News;
use super::{Counts, Now, paths};
use crate::live::dial::{DialError, Step};
use crate::live::{
    Cause, Closed, Connection, DialReply, DialRequest, Dialer, Ear, Event, Place, Refused,
};
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::message::ConnectionEvent;
use pitlane_domain::units::WallNs;
use pitlane_domain::upstream::{
    Backoff, BackoffRules, Handover, HandoverRules, LineId, OldLost, Phase, SuccessorFrame,
};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Streams one message subscribes to.
const SUBSCRIBE_AT_ONCE: usize = 50;

/// What a line is made of.
pub(super) struct LineOptions {
    pub id: LineId,
    pub base: String,
    pub streams: Vec<String>,
    pub instruments: Vec<InstrumentId>,
    pub backoff: BackoffRules,
    pub handover: HandoverRules,
    pub seed: u64,
    /// Longest time for a connection to be made.
    pub timeout: Duration,
    /// Frames that may wait for the sequencer.
    pub buffer: usize,
}

/// A frame that waits.
#[derive(Debug)]
pub(super) struct Kept {
    ts: WallNs,
    bytes: Vec<u8>,
}

/// An open connection.
#[derive(Debug)]
struct Open {
    connection: Connection,
    number: u64,
}

/// A frame on its way to the intake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed<'a> {
    pub stream: &'a [u8],
    pub ts: WallNs,
    pub bytes: &'a [u8],
}

/// What became of a look at a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Looked {
    /// A frame was passed on.
    Passed,
    /// Something came that is passed on to nobody.
    Took,
    /// Nothing is there.
    Nothing,
}

pub(super) struct Line {
    options: LineOptions,
    url: String,
    /// How many of the streams the address names.
    named: usize,
    backoff: Backoff,
    handover: Handover<Kept>,
    current: Option<Open>,
    successor: Option<Open>,
    /// Token of the dial under way.
    dialing: Option<u64>,
    /// When the next dial is due; `None` while none is wanted.
    due: Option<WallNs>,
    /// Data came since the connection was made.
    delivers: bool,
    /// Read while the sequencer had no room.
    hoard: VecDeque<Kept>,
    /// The hoard was full and thrown away: what it held must be fetched anew.
    overflowed: bool,
    /// A connection was made, and so many frames of the one before wait in the hoard.
    fresh_behind: Option<usize>,
    subscriptions: u64,
}

impl Line {
    /// A line that waits to be told to [`Line::begin`].
    pub fn new(options: LineOptions) -> Self {
        let (url, named) = paths::combined(&options.base, &options.streams);
        Self {
            url,
            named,
            backoff: Backoff::new(options.backoff, options.seed),
            handover: Handover::new(options.handover),
            current: None,
            successor: None,
            dialing: None,
            due: None,
            delivers: false,
            hoard: VecDeque::new(),
            overflowed: false,
            fresh_behind: None,
            subscriptions: 0,
            options,
        }
    }

    pub fn id(&self) -> LineId {
        self.options.id
    }

    pub fn instruments(&self) -> &[InstrumentId] {
        &self.options.instruments
    }

    pub fn is_dialing(&self, token: u64) -> bool {
        self.dialing == Some(token)
    }

    pub fn is_open(&self) -> bool {
        self.current.is_some()
    }

    /// Whether a text would go out before others that wait.
    pub fn may_say(&self) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|open| open.connection.texts_waiting() == 0)
    }

    /// Sends a text on the connection that is open.
    pub fn say(&mut self, text: &str, now: Now) {
        if let Some(open) = &mut self.current {
            // A connection that is closed already says so when it is read.
            let _ = open.connection.send_text(text, now.ns);
        }
    }

    /// Whether it was told to connect.
    pub fn has_begun(&self) -> bool {
        self.due.is_some() || self.dialing.is_some() || self.current.is_some()
    }

    /// The first dial is due.
    pub fn begin(&mut self, now: WallNs) {
        self.due = Some(now);
    }

    /// When a dial is due.
    pub fn dial_due(&self) -> Option<WallNs> {
        if self.dialing.is_some() {
            return None;
        }
        if self.current.is_some() {
            return self.handover.successor_due();
        }
        self.due
    }

    /// When a successor takes over, if nothing comes until then.
    pub fn switch_due(&self) -> Option<WallNs> {
        self.handover.switch_due()
    }

    /// Dials, if that is due. The caller has asked the breaker.
    pub fn dial(&mut self, token: u64, dialer: &Dialer, news: &mut News<'_>, counts: &mut Counts) {
        let request = DialRequest {
            token,
            url: self.url.clone(),
            connect: self.options.timeout,
            whole: self.options.timeout,
        };
        counts.dials += 1;
        if self.current.is_some() {
            self.handover.dialing();
        }
        self.dialing = Some(token);
        self.due = None;
        if let Err(error) = dialer.dial(request) {
            self.dial_failed(&error, news, counts);
        }
    }

    /// Takes the reply to a dial, if it is its own. `Some(true)` if a connection was made.
    pub fn dialed(
        &mut self,
        reply: DialReply,
        now: Now,
        ear: Option<&Ear>,
        news: &mut News<'_>,
        counts: &mut Counts,
    ) -> bool {
        self.dialing = None;
        let made = reply.result.and_then(|mut connection| match ear {
            Some(ear) => match connection.listen(ear) {
                Ok(()) => Ok(connection),
                Err(error) => Err(DialError::Io(Step::Upgrade, error.to_string())),
            },
            None => Ok(connection),
        });
        match made {
            Ok(connection) => {
                self.opened(
                    Open {
                        connection,
                        number: reply.token,
                    },
                    now,
                    news,
                    counts,
                );
                true
            }
            Err(error) => {
                self.dial_failed(&error, news, counts);
                false
            }
        }
    }

    fn opened(&mut self, mut open: Open, now: Now, news: &mut News<'_>, counts: &mut Counts) {
        counts.connects += 1;
        for part in self.options.streams[self.named..].chunks(SUBSCRIBE_AT_ONCE) {
            self.subscriptions += 1;
            // A connection that is closed already says so when it is read.
            let _ = open
                .connection
                .send_text(&paths::subscribe(self.subscriptions, part), now.ns);
        }
        news.connection(ConnectionEvent::Connected, open.number, [0; 2]);
        news.note(format_args!(
            "{}: connection {} is made, {} streams",
            self.options.base,
            open.number,
            self.options.streams.len()
        ));
        if self.current.is_some() {
            self.handover.successor_opened(now.ts);
            self.successor = Some(open);
        } else {
            self.handover.opened(now.ts);
            self.fresh_behind = Some(self.hoard.len());
            self.delivers = false;
            self.current = Some(open);
        }
    }

    fn dial_failed(&mut self, error: &DialError, news: &mut News<'_>, counts: &mut Counts) {
        counts.dial_failures += 1;
        counts.causes.add(Place::Connection, error.cause());
        self.dialing = None;
        let wait = self.retry(error.retry_after(), news);
        news.say(format_args!(
            "{}: no connection: {error}; dialled again in {wait:.1?}",
            self.options.base
        ));
    }

    /// Sets the next attempt, and says how long it waits.
    fn retry(&mut self, wait: Option<Duration>, news: &mut News<'_>) -> Duration {
        let attempt = self.backoff.failed(news.now());
        let at = wait.map_or(attempt.at, |wait| {
            attempt.at.max(super::later(news.now(), wait))
        });
        let wait = super::between(news.now(), at);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let values = [u64::from(attempt.number), wait_ms];
        news.connection(ConnectionEvent::Reconnecting, 0, values);
        if attempt.hard_reload {
            news.connection(ConnectionEvent::HardReloadRequired, 0, values);
        }
        if self.current.is_some() {
            self.handover.successor_lost(at);
        } else {
            self.due = Some(at);
        }
        wait
    }

    /// The venue says that it will end the connection.
    pub fn shutdown_announced(&mut self) {
        self.handover.shutdown_announced();
    }

    /// Data came, long after a fault perhaps.
    fn data(&mut self, news: &mut News<'_>) {
        self.backoff.data(news.now());
        if !self.delivers {
            self.delivers = true;
            let number = self.current.as_ref().map_or(0, |open| open.number);
            news.connection(ConnectionEvent::Healthy, number, [0; 2]);
        }
    }

    /// Things that come with time: texts that wait, the switch to the successor.
    pub fn turn(&mut self, now: Now, news: &mut News<'_>, counts: &mut Counts) {
        for open in [&mut self.current, &mut self.successor]
            .into_iter()
            .flatten()
        {
            open.connection.turn(now.ns);
        }
        if self.handover.switch_due().is_some_and(|due| due <= now.ts) {
            self.switch(news, counts);
        }
    }

    /// The successor takes over.
    fn switch(&mut self, news: &mut News<'_>, counts: &mut Counts) {
        let unbridged = self.handover.switch() as u64;
        if let Some(mut old) = self.current.take() {
            old.connection.close();
        }
        self.current = self.successor.take();
        counts.handovers += 1;
        let number = self.current.as_ref().map_or(0, |open| open.number);
        news.connection(ConnectionEvent::HandedOver, number, [unbridged, 0]);
        news.note(format_args!(
            "{}: connection {number} took over",
            self.options.base
        ));
    }

    /// Closes the connection because nothing comes any more; the next is dialled at once by the usual rules.
    pub fn give_up(&mut self, news: &mut News<'_>, counts: &mut Counts) -> bool {
        let Some(mut open) = self.current.take() else {
            return false;
        };
        news.connection(ConnectionEvent::Unhealthy, open.number, [0; 2]);
        open.connection.close();
        counts.causes.add(Place::Connection, Cause::Silent);
        self.lost(open.number, &"no data for too long", news, counts)
    }

    /// The connection is gone; `current` is empty. True if nothing takes its place at once.
    fn lost(
        &mut self,
        number: u64,
        reason: &dyn fmt::Display,
        news: &mut News<'_>,
        counts: &mut Counts,
    ) -> bool {
        counts.disconnects += 1;
        news.connection(ConnectionEvent::Disconnected, number, [0; 2]);
        let lost = format!("{}: connection {number} lost: {reason}", self.options.base);
        match self.handover.lost() {
            OldLost::Switch => {
                news.say(format_args!("{lost}; its successor takes over"));
                self.switch(news, counts);
                false
            }
            OldLost::Await => {
                news.say(format_args!("{lost}; its successor is being dialled"));
                true
            }
            OldLost::Alone => {
                self.backoff.unhealthy();
                let wait = self.retry(None, news);
                news.say(format_args!("{lost}; dialled again in {wait:.1?}"));
                true
            }
        }
    }

    /// A message that is not used.
    fn refused(&self, number: u64, refused: Refused, news: &mut News<'_>, counts: &mut Counts) {
        counts.causes.add(Place::Message, refused.cause());
        // All others end the connection, and that is told with what ended it.
        if refused == Refused::Binary {
            news.say(format_args!(
                "{}: connection {number}: the venue sent {refused}; it is left out, and the connection stays",
                self.options.base
            ));
        }
    }

    /// Looks for the next frame and passes it on. `Err` says that the connection is down, and nothing took its place.
    pub fn look(
        &mut self,
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
        mut pass: impl FnMut(&mut News<'_>, Passed<'_>),
    ) -> Result<Looked, Down> {
        if let Some(kept) = self.hoard.pop_front().or_else(|| self.handover.pop()) {
            if let Some(before) = &mut self.fresh_behind {
                *before = before.saturating_sub(1);
            }
            pass(news, kept.passed());
            return Ok(Looked::Passed);
        }
        let took = self.read_current(now, news, counts, |news, passed| {
            pass(news, passed);
            true
        })?;
        if took != Looked::Nothing {
            return Ok(took);
        }
        Ok(self.read_successor(now, news, counts))
    }

    /// Reads what there is into the hoard, while nobody takes frames.
    pub fn hoard(
        &mut self,
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
    ) -> Result<Looked, Down> {
        let mut hoard = std::mem::take(&mut self.hoard);
        while let Some(kept) = self.handover.pop() {
            hoard.push_back(kept);
        }
        let looked = self.read_current(now, news, counts, |_, passed| {
            hoard.push_back(Kept::of(&passed));
            true
        });
        if hoard.len() >= self.options.buffer {
            counts.thrown_away += hoard.len() as u64;
            hoard.clear();
            self.overflowed = true;
            self.fresh_behind = self.fresh_behind.map(|_| 0);
        }
        self.hoard = hoard;
        match looked? {
            Looked::Nothing => Ok(self.read_successor(now, news, counts)),
            took => Ok(took),
        }
    }

    /// Whether frames were thrown away since the last call.
    pub fn take_overflowed(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }

    /// Whether the next frame is the first of a connection that was made after another was lost, or the very first.
    pub fn take_fresh(&mut self) -> bool {
        self.fresh_behind.take_if(|before| *before == 0).is_some()
    }

    fn read_current(
        &mut self,
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
        pass: impl FnOnce(&mut News<'_>, Passed<'_>) -> bool,
    ) -> Result<Looked, Down> {
        let Some(open) = self.current.as_mut() else {
            return Ok(Looked::Nothing);
        };
        if !open.connection.is_ready() {
            return Ok(Looked::Nothing);
        }
        let number = open.number;
        let ended = match open.connection.read(now.ns) {
            Event::Text(bytes) => {
                let stream = stream_of(bytes);
                let catching_up = self.handover.phase() == Phase::CatchingUp;
                let known = catching_up && {
                    let keep = || {
                        Kept::of(&Passed {
                            stream,
                            ts: now.ts,
                            bytes,
                        })
                    };
                    self.handover.successor_frame(stream, bytes, keep) == SuccessorFrame::Known
                };
                if known {
                    counts.known_frames += 1;
                    return Ok(Looked::Took);
                }
                self.handover.frame(stream, bytes);
                let passed = Passed {
                    stream,
                    ts: now.ts,
                    bytes,
                };
                let data = pass(news, passed);
                if data {
                    self.data(news);
                }
                return Ok(Looked::Passed);
            }
            Event::Control => return Ok(Looked::Took),
            Event::Idle => return Ok(Looked::Nothing),
            Event::Refused(refused) => {
                self.refused(number, refused, news, counts);
                return Ok(Looked::Took);
            }
            Event::Closed(closed) => closed.clone(),
        };
        self.current = None;
        count_end(&ended, counts);
        if self.lost(number, &ended, news, counts) {
            Err(Down)
        } else {
            Ok(Looked::Took)
        }
    }

    fn read_successor(&mut self, now: Now, news: &mut News<'_>, counts: &mut Counts) -> Looked {
        let Some(open) = self.successor.as_mut() else {
            return Looked::Nothing;
        };
        if !open.connection.is_ready() {
            return Looked::Nothing;
        }
        let number = open.number;
        let ended = match open.connection.read(now.ns) {
            Event::Text(bytes) => {
                let stream = stream_of(bytes);
                let keep = || {
                    Kept::of(&Passed {
                        stream,
                        ts: now.ts,
                        bytes,
                    })
                };
                if self.handover.successor_frame(stream, bytes, keep) == SuccessorFrame::Known {
                    counts.known_frames += 1;
                }
                return Looked::Took;
            }
            Event::Control => return Looked::Took,
            Event::Idle => return Looked::Nothing,
            Event::Refused(refused) => {
                self.refused(number, refused, news, counts);
                return Looked::Took;
            }
            Event::Closed(closed) => closed.clone(),
        };
        self.successor = None;
        count_end(&ended, counts);
        counts.disconnects += 1;
        news.connection(ConnectionEvent::Disconnected, number, [0; 2]);
        let wait = self.retry(None, news);
        news.say(format_args!(
            "{}: connection {number} lost before it took over: {ended}; dialled again in {wait:.1?}",
            self.options.base
        ));
        Looked::Took
    }

    /// Says goodbye.
    pub fn close(&mut self, now: Now) {
        for open in [&mut self.current, &mut self.successor] {
            if let Some(mut open) = open.take() {
                open.connection.close();
                open.connection.turn(now.ns);
            }
        }
        self.due = None;
    }
}

/// Counts why a connection ended, unless the message that ended it is counted.
fn count_end(ended: &Closed, counts: &mut Counts) {
    if let Some(cause) = ended.cause()
        && !matches!(ended, Closed::Refused(_))
    {
        counts.causes.add(Place::Connection, cause);
    }
}

/// The connection is down, and no other has taken its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Down;

impl Kept {
    fn of(passed: &Passed<'_>) -> Self {
        Self {
            ts: passed.ts,
            bytes: passed.bytes.to_vec(),
        }
    }

    fn passed(&self) -> Passed<'_> {
        Passed {
            stream: stream_of(&self.bytes),
            ts: self.ts,
            bytes: &self.bytes,
        }
    }
}

/// The stream a combined frame names at its head; empty if it names none there.
fn stream_of(bytes: &[u8]) -> &[u8] {
    let Some(rest) = bytes.strip_prefix(br#"{"stream":""#) else {
        return b"";
    };
    let end = rest.iter().position(|&byte| byte == b'"');
    end.map_or(b"", |end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::stream_of;

    #[test]
    fn a_combined_frame_names_its_stream() {
        assert_eq!(
            stream_of(br#"{"stream":"btcusdt@aggTrade","data":{}}"#),
            b"btcusdt@aggTrade"
        );
        for other in [&br#"{"result":null,"id":1}"#[..], br#"{"stream":"btc"#, b""] {
            assert_eq!(stream_of(other), b"");
        }
    }
}
