//! Which streams are silent, late or lopsided: a dead feed is never taken for a quiet market.
//!
//! What comes is noted as it comes; every few seconds [`Watchdog::check`] looks at all of it.
//! An issue is told when it begins, again once a minute while it lasts, and when it ends.
//! One that comes and goes within the minute is told once, for both its coming and its going.
//!
//! Silence is judged by the times given. A check that comes late says that the engine itself stood still:
//! the time since the call before it is nobody's silence, and every clock is set on by it.
//! While a connection is down its streams are silent for a known reason, so that alone is told,
//! and their clocks begin anew when it is up.

use super::{after, since};
use crate::instrument::InstrumentId;
use crate::message::Issue;
use crate::units::WallNs;
use std::time::Duration;

/// A line of [`Watchdog`]: one connection to a venue, and every successor of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineId(pub u16);

/// How long is too long, for one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Thresholds {
    /// Trades silent.
    pub trades: Duration,
    /// Depth silent.
    pub depth: Duration,
    /// One silent while the other is alive.
    pub asymmetric: Duration,
    /// Receipt minus venue time, of every message since the check before.
    pub drift: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            trades: Duration::from_secs(30),
            depth: Duration::from_secs(10),
            asymmetric: Duration::from_secs(20),
            drift: Duration::from_secs(5),
        }
    }
}

/// The figures of a [`Watchdog`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WatchRules {
    /// Between two checks; an FX gateway has 30 s.
    pub check_every: Duration,
    /// Between two reports of the same issue of the same instrument.
    pub report_every: Duration,
    /// A connection without any data for so long is closed and opened anew.
    pub no_data: Duration,
}

impl Default for WatchRules {
    fn default() -> Self {
        Self {
            check_every: Duration::from_secs(10),
            report_every: Duration::from_mins(1),
            no_data: Duration::from_mins(1),
        }
    }
}

/// Which stream of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StreamKind {
    /// Trades, or the ticks of a currency pair.
    Trades,
    /// Depth events.
    Depth,
}

/// An instrument to be watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watched {
    /// Which.
    pub instrument: InstrumentId,
    /// On which connection its streams come.
    pub line: LineId,
    /// It has a stream of trades or ticks.
    pub trades: bool,
    /// It has a stream of depth events, and so a book.
    pub depth: bool,
    /// Its figures.
    pub thresholds: Thresholds,
}

/// What is told of an issue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AlarmStep {
    /// It is new.
    Began,
    /// It lasts.
    Lasts,
    /// It is over.
    Ended,
}

/// One report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alarm {
    /// On which connection.
    pub line: LineId,
    /// Of which instrument; [`InstrumentId::NONE`] if of the connection.
    pub instrument: InstrumentId,
    /// What is wrong.
    pub issue: Issue,
    /// Whether it begins or ends.
    pub step: AlarmStep,
    /// How long it has been silent, how late it is, how long it has been down, or for how long requests still stop.
    pub value: Duration,
}

/// Whether an issue was told, and when.
#[derive(Clone, Copy, Default, Debug)]
struct Told {
    open: bool,
    last: Option<WallNs>,
}

impl Told {
    /// What to tell, if anything.
    fn step(
        &mut self,
        holds: bool,
        quiet: bool,
        every: Duration,
        now: WallNs,
    ) -> Option<AlarmStep> {
        if !holds {
            let ended = self.open.then_some(AlarmStep::Ended);
            self.open = false;
            return ended;
        }
        if quiet || self.last.is_some_and(|last| since(last, now) < every) {
            return None;
        }
        self.last = Some(now);
        let lasts = std::mem::replace(&mut self.open, true);
        Some(if lasts {
            AlarmStep::Lasts
        } else {
            AlarmStep::Began
        })
    }
}

#[derive(Clone, Debug)]
struct Pair {
    watched: Watched,
    trades_seen: WallNs,
    depth_seen: WallNs,
    /// Least receipt minus venue time since the last check, in ns; none if no message with a venue time came.
    lag: Option<i64>,
    drifting: Option<Duration>,
    synced: bool,
    told: [Told; 5],
}

#[derive(Clone, Copy, Debug)]
struct Line {
    up: bool,
    /// When it went up or down.
    turned: WallNs,
    seen: WallNs,
    limited_until: Option<WallNs>,
    disconnected: Told,
    no_data: Told,
    limited: Told,
}

/// Watches the streams of one kind of source.
#[derive(Clone, Debug)]
pub struct Watchdog {
    rules: WatchRules,
    lines: Vec<Line>,
    /// By instrument.
    pairs: Vec<Option<Box<Pair>>>,
    called: WallNs,
    due: WallNs,
    /// A connection turned: the next call looks at everything.
    turned: bool,
}

impl Watchdog {
    /// Watches `lines` connections, none of which is up yet.
    pub fn new(rules: WatchRules, lines: u16, now: WallNs) -> Self {
        let line = Line {
            up: false,
            turned: now,
            seen: now,
            limited_until: None,
            disconnected: Told::default(),
            no_data: Told::default(),
            limited: Told::default(),
        };
        Self {
            rules,
            lines: vec![line; usize::from(lines)],
            pairs: Vec::new(),
            called: now,
            due: after(now, rules.check_every),
            turned: false,
        }
    }

    /// Watches an instrument too, from now on.
    pub fn watch(&mut self, watched: Watched, now: WallNs) {
        let at = watched.instrument.index();
        if self.pairs.len() <= at {
            self.pairs.resize(at + 1, None);
        }
        self.pairs[at] = Some(Box::new(Pair {
            watched,
            trades_seen: now,
            depth_seen: now,
            lag: None,
            drifting: None,
            synced: false,
            told: [Told::default(); 5],
        }));
    }

    /// A message of an instrument came; `ts_event` is the venue's time of it.
    #[inline]
    pub fn seen(
        &mut self,
        instrument: InstrumentId,
        stream: StreamKind,
        ts_event: Option<WallNs>,
        now: WallNs,
    ) {
        let Some(Some(pair)) = self.pairs.get_mut(instrument.index()) else {
            return;
        };
        match stream {
            StreamKind::Trades => pair.trades_seen = now,
            StreamKind::Depth => pair.depth_seen = now,
        }
        if let Some(ts_event) = ts_event {
            let lag = now.0.saturating_sub(ts_event.0);
            pair.lag = Some(pair.lag.map_or(lag, |least| least.min(lag)));
        }
        if let Some(line) = self.lines.get_mut(usize::from(pair.watched.line.0)) {
            line.seen = now;
        }
    }

    /// Something came that belongs to no instrument.
    pub fn line_seen(&mut self, line: LineId, now: WallNs) {
        if let Some(line) = self.lines.get_mut(usize::from(line.0)) {
            line.seen = now;
        }
    }

    /// A connection stands: its clocks begin anew.
    pub fn connected(&mut self, line: LineId, now: WallNs) {
        let Some(of_line) = self.lines.get_mut(usize::from(line.0)) else {
            return;
        };
        of_line.seen = now;
        if !of_line.up {
            of_line.up = true;
            of_line.turned = now;
            self.turned = true;
        }
        for pair in self.pairs.iter_mut().flatten() {
            if pair.watched.line == line {
                pair.trades_seen = now;
                pair.depth_seen = now;
            }
        }
    }

    /// A connection was lost; the next [`Self::check`] tells.
    pub fn disconnected(&mut self, line: LineId, now: WallNs) {
        if let Some(line) = self
            .lines
            .get_mut(usize::from(line.0))
            .filter(|line| line.up)
        {
            line.up = false;
            line.turned = now;
            self.turned = true;
        }
    }

    /// Whether the book of an instrument is in step with the venue.
    pub fn book(&mut self, instrument: InstrumentId, synced: bool) {
        if let Some(Some(pair)) = self.pairs.get_mut(instrument.index()) {
            pair.synced = synced;
        }
    }

    /// The venue lets no request pass before that time; the next [`Self::check`] tells.
    pub fn limited(&mut self, line: LineId, until: WallNs) {
        if let Some(line) = self.lines.get_mut(usize::from(line.0)) {
            line.limited_until = Some(until);
            self.turned = true;
        }
    }

    /// When the next check is due.
    pub fn next_check(&self) -> WallNs {
        if self.turned { self.called } else { self.due }
    }

    /// Looks at everything if it is time, and adds what is to be told to `out`. Called often costs nothing;
    /// called late it takes the time since the last call for a pause of the engine.
    pub fn check(&mut self, now: WallNs, out: &mut Vec<Alarm>) {
        let late = after(self.due, self.rules.check_every / 4);
        if now > late {
            self.set_on(since(self.called, now), now);
        }
        self.called = now;
        if now < self.due && !self.turned {
            return;
        }
        if now >= self.due {
            self.due = after(now, self.rules.check_every);
        }
        self.turned = false;
        self.look_at_lines(now, out);
        self.look_at_pairs(now, out);
    }

    /// How far the data of an instrument can be relied on, in hundredths: 100, less 40 if its connection is down,
    /// 30 if its book is not in step, 20 for each silent stream, 10 if it is late; not below 0.
    pub fn connectivity(&self, instrument: InstrumentId, now: WallNs) -> u32 {
        let Some(Some(pair)) = self.pairs.get(instrument.index()) else {
            return 0;
        };
        let up = self.line(pair.watched.line).is_some_and(|line| line.up);
        let part = |bad: bool, part: u32| if bad { part } else { 0 };
        let less = part(!up, 40)
            + part(pair.watched.depth && !pair.synced, 30)
            + part(pair.trades_stale(now), 20)
            + part(pair.depth_stale(now), 20)
            + part(pair.drifting.is_some(), 10);
        100_u32.saturating_sub(less)
    }

    /// Whether all that came of an instrument lately was later than it may be.
    pub fn is_late(&self, instrument: InstrumentId) -> bool {
        let pair = self.pairs.get(instrument.index());
        pair.is_some_and(|pair| pair.as_ref().is_some_and(|pair| pair.drifting.is_some()))
    }

    /// Whether something told of an instrument, or of its connection, is not over.
    pub fn is_healthy(&self, instrument: InstrumentId) -> bool {
        let Some(Some(pair)) = self.pairs.get(instrument.index()) else {
            return false;
        };
        let line = self.line(pair.watched.line);
        let line_bad =
            line.is_none_or(|line| line.disconnected.open || line.no_data.open || !line.up);
        !line_bad && !pair.told.iter().any(|told| told.open)
    }

    fn line(&self, id: LineId) -> Option<&Line> {
        self.lines.get(usize::from(id.0))
    }

    /// Sets every clock on by the time for which the engine stood still.
    fn set_on(&mut self, pause: Duration, now: WallNs) {
        let set_on = |ts: &mut WallNs| *ts = after(*ts, pause).min(now);
        for line in &mut self.lines {
            set_on(&mut line.seen);
        }
        for pair in self.pairs.iter_mut().flatten() {
            set_on(&mut pair.trades_seen);
            set_on(&mut pair.depth_seen);
            // What waited in the socket meanwhile is late by the pause.
            pair.lag = None;
        }
    }

    fn look_at_lines(&mut self, now: WallNs, out: &mut Vec<Alarm>) {
        let every = self.rules.report_every;
        for (line, id) in self.lines.iter_mut().zip(0..) {
            let mut tell = |told: &mut Told, holds: bool, issue: Issue, value: Duration| {
                if let Some(step) = told.step(holds, false, every, now) {
                    out.push(Alarm {
                        line: LineId(id),
                        instrument: InstrumentId::NONE,
                        issue,
                        step,
                        value,
                    });
                }
            };
            let down = since(line.turned, now);
            tell(
                &mut line.disconnected,
                !line.up,
                Issue::WebsocketDisconnected,
                down,
            );
            let silent = since(line.seen, now);
            let dead = line.up && silent >= self.rules.no_data;
            tell(&mut line.no_data, dead, Issue::NoData, silent);
            line.limited_until = line.limited_until.filter(|&until| until > now);
            let stop = line
                .limited_until
                .map_or(Duration::ZERO, |until| since(now, until));
            tell(
                &mut line.limited,
                line.limited_until.is_some(),
                Issue::ApiRateLimited,
                stop,
            );
        }
    }

    fn look_at_pairs(&mut self, now: WallNs, out: &mut Vec<Alarm>) {
        for pair in self.pairs.iter_mut().flatten() {
            let up = self
                .lines
                .get(usize::from(pair.watched.line.0))
                .is_some_and(|line| line.up);
            pair.look(up, self.rules.report_every, now, out);
        }
    }
}

impl Pair {
    fn trades_stale(&self, now: WallNs) -> bool {
        self.watched.trades && since(self.trades_seen, now) >= self.watched.thresholds.trades
    }

    fn depth_stale(&self, now: WallNs) -> bool {
        self.watched.depth && since(self.depth_seen, now) >= self.watched.thresholds.depth
    }

    fn look(&mut self, up: bool, every: Duration, now: WallNs, out: &mut Vec<Alarm>) {
        let Thresholds {
            asymmetric, drift, ..
        } = self.watched.thresholds;
        if let Some(lag) = self.lag.take() {
            let lag = Duration::from_nanos(u64::try_from(lag).unwrap_or(0));
            self.drifting = (lag > drift).then_some(lag);
        }
        let (trades, depth) = (since(self.trades_seen, now), since(self.depth_seen, now));
        let (trades_stale, depth_stale) =
            (up && self.trades_stale(now), up && self.depth_stale(now));
        let both = trades_stale && depth_stale;
        let paired = up && self.watched.trades && self.watched.depth;
        let lopsided = paired
            && ((!depth_stale && trades >= asymmetric) || (!trades_stale && depth >= asymmetric));
        let late = self.drifting.filter(|_| up);
        // While both are silent the two halves of it need no report of their own.
        let found = [
            (Issue::TradesStreamStale, trades_stale, both, trades),
            (Issue::DepthStreamStale, depth_stale, both, depth),
            (Issue::BothStreamsStale, both, false, trades.min(depth)),
            (
                Issue::AsymmetricStreaming,
                lopsided,
                false,
                trades.max(depth),
            ),
            (
                Issue::SyncDrift,
                late.is_some(),
                false,
                late.unwrap_or_default(),
            ),
        ];
        for (told, (issue, holds, quiet, value)) in self.told.iter_mut().zip(found) {
            if let Some(step) = told.step(holds, quiet, every, now) {
                out.push(Alarm {
                    line: self.watched.line,
                    instrument: self.watched.instrument,
                    issue,
                    step,
                    value,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
