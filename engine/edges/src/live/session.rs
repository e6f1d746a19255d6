//! All live sources of an engine: the venues, their connections and requests, put together.
//!
//! [`Live`] owns sockets and passes what they bring to the intake, each frame untouched and with the time it was read.
//! Every decision is made by a machine of [`pitlane_domain::upstream`] or by a
//! [`Breaker`](pitlane_runtime::breaker::Breaker); here they are asked, told, and obeyed.
//! Time is an argument, and nothing here waits: names are looked up and requests answered on threads of their own.
//!
//! The caller takes all messages of the intake between two calls of [`Live::next_frame`] and before [`Live::tend`].

mod asks;
mod fx;
mod lateness;
mod line;
mod news;
mod paths;
mod tails;
mod upstream;

use super::{Causes, Ear, TlsError};
use crate::config::{self, Config, TradeSource};
use crate::source::Frame;
use pitlane_domain::decode::TradeStream;
use pitlane_domain::instrument::{InstrumentId, InstrumentTable, Venue};
use pitlane_domain::intake::{Intake, Want};
use pitlane_domain::message::Issue;
use pitlane_domain::units::WallNs;
use pitlane_lockfree::wake::Waker;
use std::collections::VecDeque;
use std::time::Duration;
use upstream::Upstream;

pub use news::Told;

/// The time of a call, on both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Wall time: receipts, and what the rules go by.
    pub ts: WallNs,
    /// Nanoseconds of a clock that never goes back: breakers, and limits of a connection.
    pub ns: u64,
}

/// What is known of an instrument from an earlier run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// Which.
    pub instrument: InstrumentId,
    /// Id of the last trade; 0 of a currency pair, whose ticks have none.
    pub trade_id: u64,
    /// Its time at the venue, or that of the last tick.
    pub trade_ts: WallNs,
}

/// Sees every frame as it was received, before the intake does.
pub trait Tap: Send {
    /// A frame.
    fn frame(&mut self, frame: &Frame<'_>);
}

/// Totals of everything, for counters and the report.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Frames passed to the intake, replies to requests included.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Connections asked for.
    pub dials: u64,
    /// Of these, not made.
    pub dial_failures: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Successors that took over.
    pub handovers: u64,
    /// Frames a successor brought again.
    pub known_frames: u64,
    /// What was refused or came to nothing, by cause.
    pub causes: Causes,
    /// Frames thrown away because the sequencer had no room for too long.
    pub thrown_away: u64,
    /// Requests sent.
    pub requests: u64,
    /// Of these, answered with what was asked for.
    pub replies: u64,
    /// Of these, failed or refused.
    pub request_failures: u64,
    /// Times a venue asked for silence.
    pub rate_limited: u64,
    /// Times a breaker opened.
    pub breaker_trips: u64,
    /// Times ticks of a currency pair broke off: what came until the next one nobody can give again.
    pub tick_gaps: u64,
    /// Issues that began, in the order of [`Issue::ALL`].
    pub issues: [u64; Issue::ALL.len()],
}

/// How a venue stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Which.
    pub venue: Venue,
    /// Connections open, and wanted.
    pub connections: [usize; 2],
    /// Instruments whose first trades are still fetched.
    pub history_left: usize,
    /// Instruments whose data comes later than it may.
    pub late: usize,
    /// Whether a breaker is not closed.
    pub breaker_open: bool,
}

/// All live sources.
pub struct Live {
    upstreams: Vec<Upstream>,
    /// By instrument, which of them it is of.
    of: Vec<Option<usize>>,
    ear: Option<Ear>,
    counts: Counts,
    lines: VecDeque<Told>,
    /// Which upstream is read next.
    turn: usize,
    tap: Option<Box<dyn Tap>>,
}

impl Live {
    /// The sources of a configuration for these instruments; nothing is connected yet.
    /// `seed` makes the random part of waits repeatable.
    pub fn new(
        config: &Config,
        table: &InstrumentTable,
        known: &[Known],
        seed: u64,
        now: Now,
    ) -> Result<Self, TlsError> {
        let upstreams = config.upstreams.iter().zip(0..);
        let upstreams = upstreams.map(|(upstream, at)| {
            Upstream::new(config, upstream, table, known, seed ^ (at << 32), now)
        });
        let upstreams: Vec<Upstream> = upstreams.collect::<Result<_, _>>()?;
        let mut of = vec![None; table.len()];
        for (at, upstream) in upstreams.iter().enumerate() {
            for instrument in upstream.instruments() {
                of[instrument.index()] = Some(at);
            }
        }
        Ok(Self {
            upstreams,
            of,
            ear: None,
            counts: Counts::default(),
            lines: VecDeque::new(),
            turn: 0,
            tap: None,
        })
    }

    /// Shows every frame to `tap` too.
    pub fn tap(&mut self, tap: Box<dyn Tap>) {
        self.tap = Some(tap);
    }

    /// Goes on counting what is refused from there: something was asked before.
    pub fn count_from(&mut self, causes: Causes) {
        self.counts.causes = causes;
    }

    /// Starts the threads that wait for strangers. `waker` wakes the caller's thread, if that parks.
    pub fn start(&mut self, waker: Option<&Waker>, now: Now) -> std::io::Result<()> {
        // Without somebody to wake there is nobody who sleeps: sockets are asked at every poll.
        if waker.is_some() {
            self.ear = Some(Ear::start(waker.cloned())?);
        }
        for upstream in &mut self.upstreams {
            upstream.start(waker, now)?;
        }
        Ok(())
    }

    /// Everything that comes with time, and what the cold threads have answered: at most one reply of each kind.
    /// Returns how much was done.
    pub fn tend(&mut self, now: Now, intake: &mut Intake) -> u32 {
        let mut done = 0;
        intake.tick(now.ts);
        while let Some(want) = intake.wants(now.ts) {
            let (Want::Snapshot { instrument } | Want::Trades { instrument, .. }) = want;
            let upstream = self.of.get(instrument.index()).copied().flatten();
            let taken = upstream.is_some_and(|at| self.upstreams[at].want(want, now));
            if !taken {
                intake.want_failed(want, now.ts, false);
            }
        }
        for upstream in &mut self.upstreams {
            done += upstream.tend(
                now,
                intake,
                self.ear.as_ref(),
                &mut self.counts,
                &mut self.lines,
                &mut self.tap,
            );
        }
        done
    }

    /// Takes one frame, if there is one, into the intake. False if there is none now.
    pub fn next_frame(&mut self, now: Now, intake: &mut Intake) -> bool {
        for _ in 0..self.upstreams.len() {
            let upstream = &mut self.upstreams[self.turn];
            if upstream.next_frame(
                now,
                intake,
                &mut self.counts,
                &mut self.lines,
                &mut self.tap,
            ) {
                return true;
            }
            self.turn = (self.turn + 1) % self.upstreams.len();
        }
        false
    }

    /// Reads what has arrived without passing it on: the sequencer has no room.
    pub fn hoard(&mut self, now: Now, intake: &mut Intake) {
        for upstream in &mut self.upstreams {
            upstream.hoard(now, intake, &mut self.counts, &mut self.lines);
        }
    }

    /// When [`Live::tend`] has something to do, if nothing arrives until then.
    pub fn next_due(&mut self, now: Now, intake: &Intake) -> WallNs {
        let due = self.upstreams.iter_mut().map(|u| u.next_due(now));
        let due = due.chain(intake.next_deadline());
        due.min().unwrap_or(WallNs(i64::MAX))
    }

    /// What a venue says of its limit of request weight, per minute.
    pub fn set_limit(&mut self, venue: Venue, weight: u32) {
        for upstream in &mut self.upstreams {
            if upstream.venue() == venue {
                upstream.set_limit(weight);
            }
        }
    }

    /// Totals.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How each venue stands.
    pub fn standing(&self) -> impl Iterator<Item = Standing> {
        self.upstreams.iter().map(Upstream::standing)
    }

    /// A line for the log, if there is one.
    pub fn say(&mut self) -> Option<Told> {
        self.lines.pop_front()
    }

    /// Says goodbye to all venues.
    pub fn close(&mut self, now: Now) {
        for upstream in &mut self.upstreams {
            upstream.close(now);
        }
    }
}

/// The path at which a venue lists its instruments.
pub(super) fn exchange_info_path(venue: Venue) -> String {
    paths::exchange_info(venue)
}

/// The stream of trades that counts for an instrument of that upstream.
pub fn trade_stream(upstream: &config::Upstream, of: TradeSource) -> TradeStream {
    let has = |name: &str| upstream.streams.iter().any(|stream| stream == name);
    match of {
        TradeSource::Single => TradeStream::Single,
        TradeSource::Auto if has("trade") && !has("aggTrade") => TradeStream::Single,
        TradeSource::Auto | TradeSource::Aggregate => TradeStream::Aggregate,
    }
}

/// `ts` moved on by `wait`.
fn later(ts: WallNs, wait: Duration) -> WallNs {
    let wait = i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX);
    WallNs(ts.0.saturating_add(wait))
}

/// `ts` moved back by `by`.
fn earlier(ts: WallNs, by: Duration) -> WallNs {
    let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
    WallNs(ts.0.saturating_sub(by))
}

/// From `from` to `to`; zero if that is not after.
fn between(from: WallNs, to: WallNs) -> Duration {
    Duration::from_nanos(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}
