//! One venue: its connections, its requests, and what is watched of both.

use super::asks::{AskOptions, Asked, Asks, Begin, Outcome};
use super::fx::Gateway;
use super::lateness::Lateness;
use super::line::{Down, Line, LineOptions, Looked, Passed};
use super::news::{News, Told};
use super::{Counts, Known, Now, Standing, Tap, paths, trade_stream};
use crate::config::{self, Config};
use crate::live::{Dialer, Ear, Rest, Tls, TlsError};
use crate::source::Frame;
use pitlane_domain::decode::TradeStream;
use pitlane_domain::instrument::{InstrumentId, InstrumentTable, Venue};
use pitlane_domain::intake::{Intake, Want};
use pitlane_domain::message::{self, ConnectionEvent, Issue, ResetReason};
use pitlane_domain::units::WallNs;
use pitlane_domain::upstream::{
    Alarm, AlarmStep, BackoffRules, HandoverRules, LineId, StreamKind, Thresholds, WatchRules,
    Watchdog, Watched,
};
use pitlane_lockfree::wake::Waker;
use pitlane_runtime::breaker::{Breaker, BreakerRules, BreakerState};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::time::Duration;

/// Most streams of one connection, by the venues' rules.
const STREAMS_MAX: usize = 1024;

/// Connection attempts the venues allow in [`DIALS_WITHIN`].
const DIALS_MAX: usize = 300;
const DIALS_WITHIN: Duration = Duration::from_mins(5);

/// Longest time between two looks at connections that bring nothing: texts wait to be sent, clocks run.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Frames read of one connection before the next has its turn.
const FRAMES_A_TURN: u32 = 64;

pub(super) struct Upstream {
    venue: Venue,
    tls: Tls,
    dialer: Option<Dialer>,
    rest: Option<Rest>,
    lines: Vec<Line>,
    asks: Asks,
    /// What is said to an FX gateway; other venues are told all in the address.
    gateway: Option<Gateway>,
    /// Around dials.
    breaker: Breaker,
    watchdog: Watchdog,
    alarms: Vec<Alarm>,
    lateness: Lateness,
    /// Which instrument a stream is of, and what it brings.
    streams: FxHashMap<Box<[u8]>, (InstrumentId, Option<StreamKind>)>,
    instruments: Vec<InstrumentId>,
    /// Books are made of differences, which need a snapshot.
    has_diffs: bool,
    /// How long a stream may bring nothing before it is asked what it may have missed.
    quiet: Duration,
    /// Times of the latest dials.
    dials: VecDeque<WallNs>,
    tokens: u64,
    /// Which line is read next, and how many frames of it were.
    turn: usize,
    taken: u32,
    klines_asked: bool,
}

impl Upstream {
    pub fn new(
        config: &Config,
        upstream: &config::Upstream,
        table: &InstrumentTable,
        known: &[Known],
        seed: u64,
        now: Now,
    ) -> Result<Self, TlsError> {
        let live = &config.live;
        let venue = upstream.venue;
        let fx = venue == Venue::Fx;
        let rows = (0..).map(InstrumentId).zip(&config.instruments);
        let rows: Vec<_> = rows.filter(|(_, row)| row.venue == venue).collect();
        let mut streams = FxHashMap::default();
        let mut asked = Vec::new();
        let mut lines: Vec<Line> = Vec::new();
        let per_line = (STREAMS_MAX / upstream.streams.len().max(1)).max(1);
        let backoff = backoff(live, fx);
        let watch = WatchRules {
            check_every: if fx {
                live.fx_check_every
            } else {
                live.check_every
            },
            report_every: live.report_every,
            no_data: live.no_data,
        };
        let count = u16::try_from(rows.len().div_ceil(per_line)).unwrap_or(u16::MAX);
        let mut watchdog = Watchdog::new(watch, count, now.ts);
        for (part, id) in rows.chunks(per_line).zip(0..) {
            let mut names = Vec::new();
            for (instrument, row) in part {
                let trades = trade_stream(upstream, row.trades);
                let mut kinds = Vec::new();
                for stream in &upstream.streams {
                    let name = paths::stream(row.venue_symbol, stream);
                    let kind = kind_of(stream);
                    kinds.extend(kind);
                    streams.insert(name.clone().into_bytes().into(), (*instrument, kind));
                    names.push(name);
                }
                asked.push(Asked {
                    instrument: *instrument,
                    symbol: row.venue_symbol,
                    trades,
                    begin: begin(live, trades, known, *instrument, now.ts),
                });
                let thresholds = Thresholds {
                    trades: row.trades_silent.unwrap_or(live.trades_silent),
                    depth: row.depth_silent.unwrap_or(live.depth_silent),
                    asymmetric: live.asymmetric,
                    drift: live.drift,
                };
                let watched = Watched {
                    instrument: *instrument,
                    line: LineId(id),
                    trades: fx || kinds.contains(&StreamKind::Trades),
                    depth: kinds.contains(&StreamKind::Depth),
                    thresholds,
                };
                watchdog.watch(watched, now.ts);
            }
            lines.push(Line::new(LineOptions {
                id: LineId(id),
                base: upstream.ws.clone(),
                streams: names,
                instruments: part.iter().map(|(instrument, _)| *instrument).collect(),
                backoff,
                handover: HandoverRules {
                    // A gateway sets no end to a connection, and a second one would have to ask for everything again.
                    lifetime: if fx { Duration::MAX } else { live.lifetime },
                    waiting_max: live.buffer as usize,
                    ..HandoverRules::default()
                },
                seed: seed ^ u64::from(id),
                timeout: live.timeout,
                buffer: live.buffer as usize,
            }));
        }
        debug_assert!(rows.iter().all(|(id, _)| table.get(*id).is_some()));
        let breaker = BreakerRules {
            failures: live.breaker_failures.into(),
            reset: live.breaker_reset,
            ..BreakerRules::default()
        };
        let options = AskOptions {
            venue,
            base: upstream.rest.clone(),
            breaker,
            timeout: live.timeout,
            weight_share: live.weight_share,
            snapshot_limit: live.snapshot_limit,
            klines: live.klines,
            quiet: live.hold,
            enabled: !upstream.rest.is_empty(),
        };
        let gateway = fx.then(|| {
            let pairs = rows.iter().map(|(id, row)| (*id, row.venue_symbol));
            Gateway::new(live.timeout, backoff, &pairs.collect::<Vec<_>>(), known)
        });
        Ok(Self {
            venue,
            tls: Tls::new(upstream.ca_file.as_deref())?,
            dialer: None,
            rest: None,
            lines,
            asks: Asks::new(options, asked),
            gateway,
            breaker: Breaker::new(breaker),
            watchdog,
            alarms: Vec::new(),
            lateness: Lateness::new(live.drift),
            streams,
            has_diffs: upstream.streams.iter().any(|stream| is_diff(stream)),
            quiet: live.hold,
            instruments: rows.iter().map(|(instrument, _)| *instrument).collect(),
            dials: VecDeque::new(),
            tokens: 0,
            turn: 0,
            taken: 0,
            klines_asked: false,
        })
    }

    pub fn venue(&self) -> Venue {
        self.venue
    }

    pub fn instruments(&self) -> &[InstrumentId] {
        &self.instruments
    }

    pub fn set_limit(&mut self, weight: u32) {
        self.asks.set_limit(weight);
    }

    pub fn start(&mut self, waker: Option<&Waker>, now: Now) -> std::io::Result<()> {
        self.dialer = Some(Dialer::start(self.tls.clone(), waker.cloned())?);
        if self.gateway.is_none() {
            self.rest = Some(Rest::start(self.tls.clone(), waker.cloned())?);
        }
        self.asks.begin(now.ts);
        Ok(())
    }

    pub fn tend(
        &mut self,
        now: Now,
        intake: &mut Intake,
        ear: Option<&Ear>,
        counts: &mut Counts,
        lines: &mut VecDeque<Told>,
        tap: &mut Option<Box<dyn Tap>>,
    ) -> u32 {
        let mut news = News {
            intake,
            lines,
            at: now.ts,
        };
        let news = &mut news;
        let mut done = self.dial_reply(now, ear, news, counts);
        done += self.rest_reply(now, news, counts, tap);
        self.begin_lines(now);
        self.dial(now, news, counts);
        for line in &mut self.lines {
            line.turn(now, news, counts);
        }
        if let Some(rest) = &self.rest {
            self.asks
                .send(now, news, counts, |request| rest.send(request).is_ok());
        }
        self.converse(now, counts);
        self.watch(now, news, counts);
        done
    }

    /// Says what is due to a gateway, as fast as may be said.
    fn converse(&mut self, now: Now, counts: &mut Counts) {
        let (Some(gateway), Some(line)) = (&mut self.gateway, self.lines.first_mut()) else {
            return;
        };
        while line.may_say()
            && let Some(text) = gateway.next(now.ts)
        {
            line.say(&text, now);
        }
        gateway.count(counts);
    }

    /// A connection that was asked for.
    fn dial_reply(
        &mut self,
        now: Now,
        ear: Option<&Ear>,
        news: &mut News<'_>,
        counts: &mut Counts,
    ) -> u32 {
        let Some(reply) = self.dialer.as_ref().and_then(Dialer::poll) else {
            return 0;
        };
        let token = reply.token;
        let Some(line) = self.lines.iter_mut().find(|line| line.is_dialing(token)) else {
            return 1;
        };
        let was_open = line.is_open();
        if line.dialed(reply, now, ear, news, counts) {
            if self.breaker.record_success() {
                news.connection(ConnectionEvent::BreakerClosed, 0, [0; 2]);
                news.note(format_args!(
                    "{}: dialled as usual again",
                    self.venue.name()
                ));
            }
            if !was_open {
                self.watchdog.connected(line.id(), now.ts);
            }
        } else if self.breaker.record_error(now.ns) {
            counts.breaker_trips += 1;
            news.connection(ConnectionEvent::BreakerOpen, 0, [0; 2]);
            news.say(format_args!(
                "{}: too many dials failed one after the other; the next one waits until the breaker tries again",
                self.venue.name()
            ));
        }
        1
    }

    /// An answer to a request.
    fn rest_reply(
        &mut self,
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
        tap: &mut Option<Box<dyn Tap>>,
    ) -> u32 {
        let Some(reply) = self.rest.as_ref().and_then(Rest::poll) else {
            return 0;
        };
        let venue = self.venue;
        let mut frames = [0; 2];
        let outcome = Outcome::of(&reply);
        self.asks
            .answered(reply.token, &outcome, now, news, counts, |news, passed| {
                frames = [1, passed.bytes.len() as u64];
                pass_on(venue, news, &passed, tap)
            });
        counts.frames += frames[0];
        counts.bytes += frames[1];
        1
    }

    /// Streams begin when what lies before them is there.
    fn begin_lines(&mut self, now: Now) {
        if self.asks.history_left() > 0 {
            return;
        }
        for line in &mut self.lines {
            if !line.has_begun() {
                line.begin(now.ts);
            }
        }
        if !self.klines_asked && self.lines.iter().all(Line::is_open) {
            self.klines_asked = true;
            self.asks.ask_klines(&self.instruments, now.ts);
        }
    }

    fn dial(&mut self, now: Now, news: &mut News<'_>, counts: &mut Counts) {
        let Some(dialer) = &self.dialer else { return };
        for line in &mut self.lines {
            if line.dial_due().is_none_or(|due| due > now.ts) {
                continue;
            }
            while self
                .dials
                .front()
                .is_some_and(|&at| super::between(at, now.ts) > DIALS_WITHIN)
            {
                self.dials.pop_front();
            }
            if self.dials.len() >= DIALS_MAX {
                return;
            }
            let before = self.breaker.state();
            if !self.breaker.can_execute(now.ns) {
                return;
            }
            if before == BreakerState::Open {
                news.connection(ConnectionEvent::BreakerHalfOpen, 0, [0; 2]);
            }
            self.dials.push_back(now.ts);
            self.tokens += 1;
            line.dial(self.tokens, dialer, news, counts);
        }
    }

    /// Takes what the intake misses of one of its instruments; false if it cannot be had.
    pub fn want(&mut self, want: Want, now: Now) -> bool {
        self.asks.want(want, now.ts)
    }

    fn watch(&mut self, now: Now, news: &mut News<'_>, counts: &mut Counts) {
        for &instrument in &self.instruments {
            let status = news.intake.book_status(instrument);
            let synced = status.is_some_and(|status| status.book_id.is_some());
            self.watchdog.book(instrument, synced);
        }
        self.watchdog.check(now.ts, &mut self.alarms);
        for alarm in std::mem::take(&mut self.alarms) {
            let score = if alarm.instrument == InstrumentId::NONE {
                100
            } else {
                self.watchdog.connectivity(alarm.instrument, now.ts)
            };
            if alarm.step == AlarmStep::Began {
                counts.issues[alarm.issue as usize - 1] += 1;
            }
            self.lateness.tell(self.venue, &alarm, news);
            self.tell(&alarm, news);
            let ms = u64::try_from(alarm.value.as_millis()).unwrap_or(u64::MAX);
            let connection = message::Connection {
                event: ConnectionEvent::ConnectivityIssue,
                issue: Some(alarm.issue),
                ended: alarm.step == AlarmStep::Ended,
                connection: 0,
                values: [ms, u64::from(alarm.line.0)],
                score,
            };
            news.tell(alarm.instrument, connection);
            if alarm.issue == Issue::NoData && alarm.step != AlarmStep::Ended {
                let line = self.lines.get_mut(usize::from(alarm.line.0));
                if let Some(line) = line
                    && line.give_up(news, counts)
                {
                    let at = usize::from(alarm.line.0);
                    self.down(at, now, news);
                }
            }
        }
    }

    /// Says when an issue begins and ends; lateness has words of its own.
    fn tell(&self, alarm: &Alarm, news: &mut News<'_>) {
        if alarm.issue == Issue::SyncDrift || alarm.step == AlarmStep::Lasts {
            return;
        }
        let venue = self.venue.name();
        let named = news.intake.table().get(alarm.instrument);
        let of = named.map_or_else(String::new, |named| format!(" of {}", named.symbol));
        let (issue, lasted) = (alarm.issue.name(), alarm.value.as_secs_f64());
        if alarm.step == AlarmStep::Ended {
            news.note(format_args!("{venue}: {issue}{of} is over"));
        } else {
            news.say(format_args!("{venue}: {issue}{of}, for {lasted:.1} s now"));
        }
    }

    /// A connection is down: its books wait for new snapshots.
    fn down(&mut self, at: usize, now: Now, news: &mut News<'_>) {
        let line = &self.lines[at];
        self.watchdog.disconnected(line.id(), now.ts);
        if let Some(gateway) = &mut self.gateway {
            gateway.lost(now.ts);
        }
        for &instrument in line.instruments() {
            self.asks.disconnected(instrument, now.ts, news);
        }
    }

    pub fn next_frame(
        &mut self,
        now: Now,
        intake: &mut Intake,
        counts: &mut Counts,
        lines: &mut VecDeque<Told>,
        tap: &mut Option<Box<dyn Tap>>,
    ) -> bool {
        let mut news = News {
            intake,
            lines,
            at: now.ts,
        };
        let news = &mut news;
        let venue = self.venue;
        for _ in 0..self.lines.len() {
            let at = self.turn;
            let line = &mut self.lines[at];
            if line.take_overflowed() {
                // What was thrown away left holes: the books begin anew, the trades are missed by their ids.
                if let Some(gateway) = &mut self.gateway {
                    gateway.thrown_away(now.ts);
                }
                for &instrument in line.instruments() {
                    news.intake
                        .drop_book(instrument, ResetReason::Overflow, now.ts);
                    self.asks.expect_trades(instrument, now.ts, news);
                }
            }
            let (watchdog, streams) = (&mut self.watchdog, &self.streams);
            let gateway = &mut self.gateway;
            if line.take_fresh() {
                if let Some(gateway) = gateway {
                    gateway.opened(now.ts);
                }
                let quiet_until = super::later(now.ts, self.quiet);
                for &instrument in line.instruments() {
                    self.asks.expect_trades(instrument, now.ts, news);
                    if self.has_diffs {
                        news.intake.expect_book(instrument, quiet_until);
                    }
                }
            }
            let mut frames = [0; 2];
            let mut shutdown = false;
            let looked = line.look(now, news, counts, |news, passed| {
                frames = [1, passed.bytes.len() as u64];
                if let Some(gateway) = gateway {
                    let pass =
                        |news: &mut News<'_>, named: &Passed<'_>| pass_on(venue, news, named, tap);
                    if let Some((pair, ts)) = gateway.frame(news, &passed, pass) {
                        watchdog.seen(pair, StreamKind::Trades, Some(ts), passed.ts);
                    }
                    return;
                }
                pass_on(venue, news, &passed, tap);
                match streams.get(passed.stream) {
                    Some(&(instrument, Some(kind))) => {
                        // One that was refused came too.
                        let ts_event = news.intake.venue_time();
                        watchdog.seen(instrument, kind, ts_event, passed.ts);
                    }
                    Some((_, None)) => {}
                    None => shutdown = is_shutdown(passed.bytes),
                }
            });
            counts.frames += frames[0];
            counts.bytes += frames[1];
            if shutdown {
                line.shutdown_announced();
            }
            if frames[0] > 0 {
                self.watchdog.line_seen(line.id(), now.ts);
            }
            match looked {
                Ok(Looked::Nothing) => {}
                Ok(_) => {
                    self.taken += 1;
                    if self.taken >= FRAMES_A_TURN {
                        self.next_line();
                    }
                    return true;
                }
                Err(Down) => {
                    self.down(at, now, news);
                    self.next_line();
                    return true;
                }
            }
            self.next_line();
        }
        false
    }

    fn next_line(&mut self) {
        self.taken = 0;
        self.turn = (self.turn + 1) % self.lines.len();
    }

    pub fn hoard(
        &mut self,
        now: Now,
        intake: &mut Intake,
        counts: &mut Counts,
        lines: &mut VecDeque<Told>,
    ) {
        let mut news = News {
            intake,
            lines,
            at: now.ts,
        };
        for at in 0..self.lines.len() {
            for _ in 0..FRAMES_A_TURN {
                match self.lines[at].hoard(now, &mut news, counts) {
                    Ok(Looked::Nothing) => break,
                    Ok(_) => {}
                    Err(Down) => {
                        self.down(at, now, &mut news);
                        break;
                    }
                }
            }
        }
    }

    pub fn next_due(&mut self, now: Now) -> WallNs {
        let look = super::later(now.ts, LOOK_EVERY);
        let mut due = self.watchdog.next_check().min(look);
        // A dial that is due may have to wait: for the breaker, or because the venue allows no more for now.
        let open_again = if self.breaker.is_tripped() {
            super::later(now.ts, self.breaker.refused(now.ns).retry_in)
        } else if self.dials.len() >= DIALS_MAX {
            look
        } else {
            now.ts
        };
        for line in &self.lines {
            let dial = line.dial_due().map(|at| at.max(open_again));
            due = due.min(dial.unwrap_or(look));
            due = due.min(line.switch_due().unwrap_or(look));
        }
        if let Some(asks) = self.asks.next_due(now) {
            due = due.min(asks);
        }
        if let Some(gateway) = &self.gateway
            && self.lines.first().is_some_and(Line::may_say)
        {
            due = due.min(gateway.due().unwrap_or(look));
        }
        due
    }

    pub fn standing(&self) -> Standing {
        let open = self.lines.iter().filter(|line| line.is_open()).count();
        Standing {
            venue: self.venue,
            connections: [open, self.lines.len()],
            history_left: self.asks.history_left(),
            late: self.late(),
            breaker_open: self.breaker.is_tripped() || self.asks.breaker() != BreakerState::Closed,
        }
    }

    /// Instruments whose data comes too late.
    fn late(&self) -> usize {
        let ids = self.instruments.iter();
        ids.filter(|&&id| self.watchdog.is_late(id)).count()
    }

    pub fn close(&mut self, now: Now) {
        for line in &mut self.lines {
            line.close(now);
        }
    }
}

/// Hands a frame to the tap and the intake; false if the intake refuses it.
fn pass_on(
    venue: Venue,
    news: &mut News<'_>,
    passed: &Passed<'_>,
    tap: &mut Option<Box<dyn Tap>>,
) -> bool {
    if let Some(tap) = tap {
        tap.frame(&Frame {
            ts_recv: passed.ts,
            venue,
            stream: passed.stream,
            bytes: passed.bytes,
        });
    }
    let taken = news
        .intake
        .frame(venue, passed.stream, passed.ts, passed.bytes);
    match taken {
        Ok(()) => true,
        Err(reject) => {
            let stream = String::from_utf8_lossy(passed.stream);
            news.say(format_args!(
                "frame of {} refused: {} at byte {}, stream {stream}; it counts as missing, and pitlane capture keeps \
                 such frames as they came",
                venue.name(),
                reject.reason.name(),
                reject.at,
            ));
            false
        }
    }
}

/// Whether a frame that names no stream of ours says that the venue will close the connection.
fn is_shutdown(bytes: &[u8]) -> bool {
    const WORD: &[u8] = b"serverShutdown";
    bytes.len() < 512 && bytes.windows(WORD.len()).any(|window| window == WORD)
}

/// What a stream brings that is watched.
/// `depth` and `depth@100ms`, and not `depth20`.
fn is_diff(stream: &str) -> bool {
    stream.split('@').next() == Some("depth")
}

fn kind_of(stream: &str) -> Option<StreamKind> {
    match stream {
        "aggTrade" | "trade" => Some(StreamKind::Trades),
        stream if stream.starts_with("depth") => Some(StreamKind::Depth),
        _ => None,
    }
}

/// What is asked for before the streams of an instrument begin.
fn begin(
    live: &config::Live,
    trades: TradeStream,
    known: &[Known],
    instrument: InstrumentId,
    now: WallNs,
) -> Begin {
    let from = super::earlier(now, live.backfill);
    match known.iter().find(|known| known.instrument == instrument) {
        Some(known) if known.trade_ts >= from => Begin::Behind(known.trade_id),
        // Single trades cannot be asked for by time.
        _ if trades == TradeStream::Aggregate => Begin::Since(from),
        Some(known) => Begin::Behind(known.trade_id),
        None => Begin::Nothing,
    }
}

fn backoff(live: &config::Live, fx: bool) -> BackoffRules {
    let (first, max, hard_reload_after) = if fx {
        (
            live.fx_reconnect_first,
            live.fx_reconnect_max,
            live.fx_hard_reload_after,
        )
    } else {
        (
            live.reconnect_first,
            live.reconnect_max,
            live.hard_reload_after,
        )
    };
    BackoffRules {
        first,
        max,
        jitter_max: live.reconnect_jitter,
        healthy: live.healthy_after,
        hard_reload_after,
    }
}
