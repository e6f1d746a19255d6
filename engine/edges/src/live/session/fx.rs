//! An FX gateway: what it says is heard here on its way to the intake, and what it is to be told is known here.
//!
//! A tick that was missed is gone: a gateway numbers nothing and repeats nothing. So behind every break the first tick of a
//! pair is told as a gap, with the time of the last one before it. Whether anything was missed between them nobody knows.

use super::line::Passed;
use super::news::News;
use super::{Counts, Known};
use pitlane_domain::decode::fx::{GatewayStatus, Heard, hear, ready_symbols};
use pitlane_domain::instrument::{InstrumentId, Symbol};
use pitlane_domain::market::trading_day;
use pitlane_domain::message::{Connection, ConnectionEvent, Issue};
use pitlane_domain::units::WallNs;
use pitlane_domain::upstream::{BackoffRules, FxCommand, FxDesk, FxRules};
use rustc_hash::FxHashMap;
use std::time::Duration;

/// A trading day is no shorter: until then nothing needs to be reckoned.
const DAY_LEAST_NS: i64 = 23 * 3_600_000_000_000;

/// Bytes of an error's text that are logged.
const SHOWN_MAX: usize = 200;

/// The conversation with one gateway, and where its ticks broke off.
pub(super) struct Gateway {
    desk: FxDesk,
    pairs: FxHashMap<Symbol, Pair>,
    status: Option<GatewayStatus>,
    counts: Counts,
}

/// One currency pair.
struct Pair {
    instrument: InstrumentId,
    /// The names under which its frames are recorded.
    tick: Box<[u8]>,
    package: Box<[u8]>,
    /// The venue's time of the last tick.
    last: Option<WallNs>,
    /// The trading day of the package in hand, as far as ticks have told.
    day: Option<WallNs>,
    /// What comes next may not follow what came last.
    broken: bool,
}

impl Gateway {
    /// The pairs of a gateway. Those known from an earlier run have a gap before their first tick.
    pub fn new(
        reply: Duration,
        retry: BackoffRules,
        pairs: &[(InstrumentId, Symbol)],
        known: &[Known],
    ) -> Self {
        let rules = FxRules {
            reply,
            retry,
            ..FxRules::default()
        };
        let pair = |&(instrument, symbol): &(InstrumentId, Symbol)| {
            let known = known.iter().find(|known| known.instrument == instrument);
            let pair = Pair {
                instrument,
                tick: name(symbol, "tick"),
                package: name(symbol, "symbolDataPackage"),
                last: known.map(|known| known.trade_ts),
                day: None,
                broken: true,
            };
            (symbol, pair)
        };
        Self {
            desk: FxDesk::new(rules, pairs.iter().map(|(_, symbol)| *symbol)),
            pairs: pairs.iter().map(pair).collect(),
            status: None,
            counts: Counts::default(),
        }
    }

    /// The connection is lost: nothing is to be said. Frames of it may still wait to be heard.
    pub fn lost(&mut self, now: WallNs) {
        self.desk.opened(now);
    }

    /// The next frame is the first of a new connection.
    pub fn opened(&mut self, now: WallNs) {
        self.desk.opened(now);
        self.status = None;
        for pair in self.pairs.values_mut() {
            pair.day = None;
        }
        self.broke();
    }

    /// Frames were thrown away: packages may be among them, and news of how the gateway does.
    pub fn thrown_away(&mut self, now: WallNs) {
        self.status = None;
        self.desk.status(GatewayStatus::Connected, now);
        self.desk.refresh(now);
        self.broke();
    }

    /// Ticks may be missing here.
    fn broke(&mut self) {
        for pair in self.pairs.values_mut() {
            pair.broken = true;
        }
    }

    /// The next message to the gateway, if one is due.
    pub fn next(&mut self, now: WallNs) -> Option<String> {
        let command = self.desk.next(now)?;
        self.counts.requests += u64::from(matches!(command, FxCommand::GetPackage { .. }));
        Some(command.text())
    }

    /// When it has something to say, if nothing comes until then.
    pub fn due(&self) -> Option<WallNs> {
        self.desk.deadline()
    }

    /// Adds what has been counted since the last call.
    pub fn count(&mut self, counts: &mut Counts) {
        let new = std::mem::take(&mut self.counts);
        counts.requests += new.requests;
        counts.replies += new.replies;
        counts.request_failures += new.request_failures;
        counts.tick_gaps += new.tick_gaps;
    }

    /// Hears a frame and passes it on under its name; `pass` says whether the intake took it.
    /// The pair and the time of a tick that was taken.
    pub fn frame(
        &mut self,
        news: &mut News<'_>,
        frame: &Passed<'_>,
        pass: impl FnOnce(&mut News<'_>, &Passed<'_>) -> bool,
    ) -> Option<(InstrumentId, WallNs)> {
        let heard = hear(frame.bytes);
        if let Heard::Tick(Some(symbol), Some(ts)) = heard {
            self.tell_gap(symbol, ts, news);
        }
        let passed = Passed {
            stream: self.stream(&heard),
            ..*frame
        };
        let taken = pass(news, &passed);
        let now = frame.ts;
        match heard {
            Heard::Package(Some(symbol)) if taken => {
                self.counts.replies += 1;
                self.desk.package(symbol);
            }
            // One that cannot be read is as good as none.
            Heard::Package(symbol) => self.failed(symbol, now),
            _ if !taken => {}
            Heard::Tick(Some(symbol), Some(ts)) => return self.tick(symbol, ts, now),
            Heard::Ready => self.ready(frame.bytes, now, news),
            Heard::Status(Some(status)) => self.status(status, now, news),
            Heard::Error(symbol) => {
                self.failed(symbol, now);
                let shown = &frame.bytes[..frame.bytes.len().min(SHOWN_MAX)];
                let shown = String::from_utf8_lossy(shown);
                self.error(symbol, format_args!("fx gateway: {shown}"), news);
            }
            _ => {}
        }
        None
    }

    /// The name of a message's stream, so that a recorded session is sorted as an imported one.
    fn stream(&self, heard: &Heard) -> &[u8] {
        let pair = |symbol: Option<Symbol>| self.pairs.get(&symbol?);
        match *heard {
            Heard::Tick(symbol, _) => pair(symbol).map_or(b"@tick", |pair| &pair.tick),
            Heard::Package(symbol) => {
                pair(symbol).map_or(b"@symbolDataPackage", |pair| &pair.package)
            }
            Heard::Ready => b"@ready",
            Heard::Status(_) => b"@status",
            Heard::Error(_) => b"@error",
            Heard::Other => b"@other",
        }
    }

    /// The first tick behind a break.
    fn tell_gap(&mut self, symbol: Symbol, ts: WallNs, news: &mut News<'_>) {
        let Some(pair) = self.pairs.get_mut(&symbol) else {
            return;
        };
        let broken = std::mem::take(&mut pair.broken);
        let Some(last) = pair.last.filter(|_| broken) else {
            return;
        };
        self.counts.tick_gaps += 1;
        let [from, to] = [last, ts].map(|ts| u64::try_from(ts.ms()).unwrap_or(0));
        let gap = Connection {
            event: ConnectionEvent::ApiGap,
            issue: Some(Issue::ApiGap),
            ended: false,
            connection: 0,
            values: [from, to],
            score: Connection::UNJUDGED,
        };
        news.tell(pair.instrument, gap);
        news.say(format_args!(
            "fx gateway: ticks of {symbol} from {from} ms to {to} ms are not known; a gateway sends none again"
        ));
    }

    fn tick(&mut self, symbol: Symbol, ts: WallNs, now: WallNs) -> Option<(InstrumentId, WallNs)> {
        let pair = self.pairs.get_mut(&symbol)?;
        pair.last = Some(ts);
        if pair.day.is_none_or(|day| ts.0 - day.0 >= DAY_LEAST_NS) {
            let day = trading_day(ts);
            // The package is of the day before.
            if pair.day.is_some_and(|before| before < day) {
                self.desk.refresh_one(symbol, now);
            }
            pair.day = Some(day);
        }
        Some((pair.instrument, ts))
    }

    fn ready(&mut self, frame: &[u8], now: WallNs, news: &mut News<'_>) {
        self.desk.ready(&ready_symbols(frame), now);
        let missing: Vec<Symbol> = self.desk.missing().collect();
        for symbol in missing {
            let line = format_args!("fx gateway: it has no {symbol}");
            self.error(Some(symbol), line, news);
        }
    }

    fn status(&mut self, status: GatewayStatus, now: WallNs, news: &mut News<'_>) {
        let before = self.status.replace(status);
        self.desk.status(status, now);
        if before == Some(status) {
            return;
        }
        if before == Some(GatewayStatus::Connected) {
            self.broke();
        }
        let code = before.map_or(0, GatewayStatus::code);
        news.connection(ConnectionEvent::StateChange, 0, [code, status.code()]);
        if before.is_some() || status != GatewayStatus::Connected {
            news.say(format_args!("fx gateway: it is {status:?} now"));
        }
    }

    fn failed(&mut self, symbol: Option<Symbol>, now: WallNs) {
        self.counts.request_failures += 1;
        self.desk.error(symbol, now);
    }

    /// Something went wrong, with a pair perhaps.
    fn error(&self, symbol: Option<Symbol>, line: std::fmt::Arguments<'_>, news: &mut News<'_>) {
        let pair = symbol.and_then(|symbol| self.pairs.get(&symbol));
        let error = Connection {
            event: ConnectionEvent::Error,
            issue: None,
            ended: false,
            connection: 0,
            values: [0; 2],
            score: Connection::UNJUDGED,
        };
        news.tell(
            pair.map_or(InstrumentId::NONE, |pair| pair.instrument),
            error,
        );
        news.say(line);
    }
}

/// The name of a pair's stream, such as `eurusd@tick`.
fn name(symbol: Symbol, of: &str) -> Box<[u8]> {
    super::paths::stream(symbol, of).into_bytes().into()
}

#[cfg(test)]
mod tests;
