//! The feed of a live source: first what an earlier run has recorded, then what the venues send.

pub mod recall;

use super::feed::{Fed, FeedTelemetry};
use super::{Closing, leave};
use crate::latency::stamp;
use crate::stopwatch::Stopwatch;
use crate::topology::BUDGET;
use pitlane_domain::decode::Reason;
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::intake::Intake;
use pitlane_domain::message::{Body, Message, ResetReason};
use pitlane_domain::sync::SyncState;
use pitlane_domain::units::WallNs;
use pitlane_edges::config::Config;
use pitlane_edges::live::Causes;
use pitlane_edges::live::session::{Counts, Live, Now, Tap};
use pitlane_lockfree::conflate::ConflateConsumer;
use pitlane_lockfree::counters::{Counter, Gauge};
use pitlane_lockfree::ring::Producer;
use pitlane_lockfree::wake::Waker;
use pitlane_runtime::agent::{Agent, Duty, Turn};
use pitlane_runtime::clock::{Anchor, Clock};
use pitlane_runtime::lifecycle::Stop;
use pitlane_runtime::log::{Level, Notice, Notices};
pub use recall::Recall;

/// How often the wall clock is looked at anew; in between, time goes by the raw counter.
const ANCHOR_NS: u64 = 10_000_000_000;

/// How often the gauges of books and connections are set.
const SHOW_NS: u64 = 100_000_000;

/// Most sentences passed on to the log, and within which time; the others wait, and beyond a few dozen they are left out.
const TOLD_MAX: u32 = 20;
const TOLD_NS: u64 = 1_000_000_000;

/// Counters and gauges of a live source.
pub struct LiveTelemetry {
    /// Those every feed has.
    pub feed: FeedTelemetry,
    /// Connections made, lost, and taken over by a successor.
    pub connections: [Counter; 3],
    /// Connections open now, and wanted.
    pub active: [Gauge; 2],
    /// Books in step now, and in all.
    pub books: [Gauge; 2],
    /// Instruments whose first trades are still fetched.
    pub history_left: Gauge,
    /// Gaps found in trades and books.
    pub gaps: Gauge,
    /// Trades that were fetched.
    pub backfilled: Gauge,
    /// Requests sent, and failed.
    pub requests: [Counter; 2],
    /// Frames thrown away for lack of room.
    pub thrown_away: Counter,
    /// Venues to which nothing is sent, because too much failed.
    pub breakers_open: Gauge,
    /// Instruments whose data comes later than it may.
    pub late: Gauge,
    /// What came to nothing, in the order of [`Cause::ALL`](pitlane_edges::live::Cause::ALL).
    pub causes: Vec<Counter>,
}

/// What a live source is made of.
pub struct LiveInput {
    /// Where to connect, and all figures.
    pub config: Config,
    /// The weight a minute each venue allows, by its own word.
    pub limits: Vec<(pitlane_domain::instrument::Venue, u32)>,
    /// What was refused while the venues were asked for that.
    pub refused: Box<Causes>,
    /// Decoding, synchronisation, id checks.
    pub intake: Box<Intake>,
    /// What is recorded already.
    pub recall: Recall,
    /// Sees every frame.
    pub tap: Option<Box<dyn Tap>>,
    /// Books that the market found wrong.
    pub resync: ConflateConsumer<1>,
    /// Where the news of connections go: sentences too long for the agent's own log.
    pub notices: Notices,
    /// Makes the random part of waits.
    pub seed: u64,
}

/// The feed agent of a live source.
pub struct LiveFeed {
    reader: Reader,
    stop: Stop,
    out: Producer<Message>,
    end_sent: bool,
    closing: Closing<Fed>,
}

/// What is read, up to the message.
struct Reader {
    input: LiveInput,
    live: Option<Live>,
    times: Times,
    metrics: LiveTelemetry,
    shown: Counts,
    refused: [u64; Reason::ALL.len()],
    shown_at: u64,
    told: Told,
    stopping: bool,
    waker: Option<Waker>,
    /// When the next poll is wanted, raw.
    due: u64,
    ingress: u64,
    /// Whether what comes with time has been done in this poll.
    tended: bool,
    /// Receipt of the last message.
    last_recv: WallNs,
}

/// Why the feed drops a book that the market found wrong.
fn reset_reason(fault: u64) -> ResetReason {
    let code = u32::try_from(fault).ok();
    // What a book finds of itself and no reset can say comes down to levels that cannot be.
    code.and_then(ResetReason::from_code)
        .unwrap_or(ResetReason::Crossed)
}

/// How many sentences were passed on lately: a venue that sends nothing of use must not flood the log.
#[derive(Default)]
struct Told {
    since: u64,
    count: u32,
}

impl Told {
    fn begin(&mut self, now: u64) {
        if now.saturating_sub(self.since) >= TOLD_NS {
            (self.since, self.count) = (now, 0);
        }
    }

    fn may(&self) -> bool {
        self.count < TOLD_MAX
    }
}

/// Time on both clocks.
struct Times {
    clock: Clock,
    watch: Stopwatch,
    anchor: Anchor,
    anchored: u64,
}

impl Times {
    fn now(&mut self) -> Now {
        let raw = self.watch.raw();
        let ns = self.watch.at(raw);
        if ns.saturating_sub(self.anchored) > ANCHOR_NS {
            self.anchor = self.clock.anchor();
            self.anchored = ns;
        }
        Now {
            ts: WallNs(self.clock.to_wall(&self.anchor, raw)),
            ns,
        }
    }
}

impl LiveFeed {
    /// An agent that has connected nowhere yet.
    pub fn new(
        input: LiveInput,
        clock: Clock,
        out: Producer<Message>,
        watch: Stopwatch,
        stop: Stop,
        metrics: LiveTelemetry,
        closing: Closing<Fed>,
    ) -> Self {
        let anchor = clock.anchor();
        let anchored = watch.now();
        let reader = Reader {
            input,
            live: None,
            times: Times {
                clock,
                watch,
                anchor,
                anchored,
            },
            metrics,
            shown: Counts::default(),
            refused: [0; Reason::ALL.len()],
            shown_at: 0,
            told: Told::default(),
            stopping: false,
            waker: None,
            due: 0,
            ingress: 0,
            tended: false,
            last_recv: WallNs(i64::MIN),
        };
        Self {
            reader,
            stop,
            out,
            end_sent: false,
            closing,
        }
    }
}

impl Reader {
    /// The next message, with its stamp of ingress in `sequence`; `None` if there is none now.
    fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(mut message) = self.input.intake.pop() {
                self.last_recv = message.ts_recv;
                message.sequence = self.ingress;
                return Some(message);
            }
            if self.stopping {
                return None;
            }
            let now = self.times.now();
            self.ingress = stamp(now.ns, now.ns);
            let (live, intake) = (self.live.as_mut()?, &mut self.input.intake);
            if !self.tended {
                self.tended = true;
                let resync = |instrument: usize, reason: &[u64; 1]| {
                    let id = u16::try_from(instrument).map(InstrumentId);
                    if let Ok(id) = id {
                        intake.drop_book(id, reset_reason(reason[0]), now.ts);
                    }
                };
                let _ = self.input.resync.drain(resync);
                let _ = live.tend(now, intake);
                continue;
            }
            if !live.next_frame(now, intake) {
                return None;
            }
            self.metrics
                .feed
                .decode
                .record(self.times.watch.now() - now.ns);
        }
    }

    /// Everything recorded has passed: what is known of it goes to the intake, and the venues are called.
    fn begin(&mut self) -> Result<(), String> {
        let now = self.times.now();
        let input = &mut self.input;
        let table = input.intake.table().clone();
        input.intake.announce(now.ts);
        let known = input
            .recall
            .finish(&input.config, &mut input.intake, now.ts);
        let live = Live::new(&input.config, &table, &known, input.seed, now);
        let mut live = live.map_err(|error| error.to_string())?;
        for (venue, weight) in &input.limits {
            live.set_limit(*venue, *weight);
        }
        live.count_from(*input.refused);
        if let Some(tap) = input.tap.take() {
            live.tap(tap);
        }
        let started = live.start(self.waker.as_ref(), now);
        started.map_err(|error| format!("threads of the connections: {error}"))?;
        self.metrics.books[1].set(table.len() as u64);
        self.live = Some(live);
        Ok(())
    }

    /// Shows what has been counted, and writes what is to be told.
    fn show(&mut self, now: u64) {
        let Some(live) = self.live.as_mut() else {
            return;
        };
        self.told.begin(now);
        while (self.stopping || self.told.may())
            && let Some(line) = live.say()
        {
            self.told.count += 1;
            let level = if line.is_trouble {
                Level::Warn
            } else {
                Level::Info
            };
            let notice = Notice::new(level, "feed", line.text);
            self.input.notices.post(&self.times.clock, notice);
        }
        let (counts, before) = (*live.counts(), self.shown);
        let metrics = &mut self.metrics;
        metrics.feed.frames.add(counts.frames - before.frames);
        if now.saturating_sub(self.shown_at) < SHOW_NS && !self.stopping {
            self.shown.frames = counts.frames;
            return;
        }
        self.shown_at = now;
        let causes = counts
            .causes
            .totals()
            .into_iter()
            .zip(before.causes.totals());
        for (counter, (to, of)) in metrics.causes.iter_mut().zip(causes) {
            counter.add(to - of);
        }
        for (counter, (of, to)) in metrics.connections.iter_mut().zip([
            (before.connects, counts.connects),
            (before.disconnects, counts.disconnects),
            (before.handovers, counts.handovers),
        ]) {
            counter.add(to - of);
        }
        metrics.requests[0].add(counts.requests - before.requests);
        metrics.requests[1].add(counts.request_failures - before.request_failures);
        metrics
            .thrown_away
            .add(counts.thrown_away - before.thrown_away);
        let [mut open, mut wanted, mut history, mut breakers, mut late] = [0; 5];
        for standing in live.standing() {
            open += standing.connections[0] as u64;
            wanted += standing.connections[1] as u64;
            history += standing.history_left as u64;
            breakers += u64::from(standing.breaker_open);
            late += standing.late as u64;
        }
        metrics.active[0].set(open);
        metrics.active[1].set(wanted);
        metrics.history_left.set(history);
        metrics.breakers_open.set(breakers);
        metrics.late.set(late);
        let intake = &self.input.intake;
        let ids = intake.table().iter().map(|(id, _)| id);
        let in_step = ids.filter(|id| {
            let status = intake.book_status(*id);
            status.is_some_and(|status| status.state == SyncState::Synced)
        });
        metrics.books[0].set(in_step.count() as u64);
        let refused = intake.counts().rejected;
        let counters = metrics.feed.refused.iter_mut().zip(refused);
        for ((counter, to), of) in counters.zip(std::mem::replace(&mut self.refused, refused)) {
            counter.add(to - of);
        }
        let total = &intake.counts().total;
        metrics.gaps.set(total.trade_gaps + total.book_gaps());
        metrics.backfilled.set(total.trades_filled);
        self.shown = counts;
    }

    /// The next record; what is wrong with it goes to `failure`.
    fn recorded(&mut self, now: u64, failure: &mut Option<String>) -> Option<Message> {
        match self.input.recall.next_record() {
            Ok(message) => message.map(|mut message| {
                self.last_recv = message.ts_recv;
                message.sequence = stamp(now, now);
                message
            }),
            Err(error) => {
                *failure = Some(error);
                None
            }
        }
    }

    /// No more frames are read; what waits goes on.
    fn end(&mut self) {
        let now = self.times.now();
        self.stopping = true;
        self.ingress = stamp(now.ns, now.ns);
        if let Some(live) = self.live.as_mut() {
            live.close(now);
        }
        self.input.intake.finish(now.ts);
    }

    fn frames(&self) -> u64 {
        self.live.as_ref().map_or(0, |live| live.counts().frames)
    }

    /// When the next poll is wanted.
    fn set_due(&mut self, now: Now) {
        if let Some(live) = self.live.as_mut() {
            let due = live.next_due(now, &self.input.intake);
            let wait = u64::try_from(due.0.saturating_sub(now.ts.0)).unwrap_or(0);
            self.due = self.times.watch.raw_at(now.ns.saturating_add(wait));
        }
    }

    /// Reads on while nothing can be passed on.
    fn hoard(&mut self) {
        let now = self.times.now();
        if let Some(live) = self.live.as_mut() {
            live.hoard(now, &mut self.input.intake);
        }
    }
}

impl Agent for LiveFeed {
    fn role(&self) -> &'static str {
        "feed"
    }

    fn on_waker(&mut self, waker: Waker) {
        self.reader.waker = Some(waker);
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if self.end_sent {
            return Turn::Done;
        }
        let budget = (duty.budget as usize).min(BUDGET);
        if !self.out.has_room_at(budget, duty.now) {
            self.reader.hoard();
            return Turn::Blocked;
        }
        let reader = &mut self.reader;
        if !reader.stopping && self.stop.is_requested() {
            reader.end();
        }
        if !reader.stopping && reader.live.is_none() {
            if !reader.input.recall.is_over() {
                let (now, mut failure) = (reader.times.watch.now(), None);
                let work = self
                    .out
                    .send_from(budget, || reader.recorded(now, &mut failure));
                return failure.map_or(Turn::Worked(work), Turn::Failed);
            }
            if let Err(error) = reader.begin() {
                return Turn::Failed(error);
            }
        }
        let frames = reader.frames();
        reader.tended = false;
        let work = self.out.send_from(budget, || reader.next());
        let now = reader.times.now();
        reader.show(now.ns);
        reader.set_due(now);
        if work.is_idle() && reader.stopping {
            let last = reader.last_recv;
            let mut end = Message::new(InstrumentId::NONE, last, last, &Body::End);
            end.sequence = stamp(now.ns, now.ns);
            self.end_sent = true;
            let mut end = Some(end);
            return Turn::Worked(self.out.send_from(1, || end.take()));
        }
        let taken = reader.frames() - frames;
        if work.is_idle() && taken > 0 {
            // Frames without a message (refused, repeated, waiting) are work too.
            return Turn::Took(u32::try_from(taken).unwrap_or(u32::MAX));
        }
        Turn::Worked(work)
    }

    fn timer(&self) -> Option<u64> {
        Some(self.reader.due)
    }

    fn on_close(&mut self) -> Result<(), String> {
        let reader = &self.reader;
        leave(
            &self.closing,
            Fed {
                intake: Some(reader.input.intake.clone()),
                reports: Vec::new(),
                failure: None,
                stopped: reader.stopping,
                recalled: reader.input.recall.inputs(),
                live: reader.live.as_ref().map(|live| *live.counts()),
            },
        );
        Ok(())
    }
}
