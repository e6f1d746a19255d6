//! What is asked of a venue beside its streams: snapshots, missing trades, history. One request after the other, under
//! the venue's limits, and none while the breaker is open.

use super::line::Passed;
use super::news::News;
use super::tails::Tails;
use super::{Counts, Now, paths};
use crate::live::{Cause, Place, RestError, RestKind, RestReply, RestRequest};
use pitlane_domain::decode::TradeStream;
use pitlane_domain::instrument::{InstrumentId, Symbol, Venue};
use pitlane_domain::intake::Want;
use pitlane_domain::message::{ConnectionEvent, ResetReason};
use pitlane_domain::units::WallNs;
use pitlane_domain::upstream::{
    Added, Priority, QueueRules, Reply, Request, RequestId, RequestQueue, Ticket, WeightBudget,
    request_weight,
};
use pitlane_runtime::breaker::{Breaker, BreakerRules, BreakerState};
use std::time::Duration;

/// The timeframes whose history is asked for, and how many bars of each: as many as one request brings.
const TIMEFRAMES: [&str; 6] = ["1m", "5m", "15m", "1h", "4h", "1d"];
const BARS: u32 = 1000;

/// Limit of a venue's weight until it has said its own.
const USUAL_WEIGHT: u32 = 2400;

/// Attempts for the first trades of an instrument before it goes live without them.
const HISTORY_ATTEMPTS: u32 = 4;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Ask {
    /// A snapshot of the book.
    Snapshot,
    /// Trades that are missing.
    Trades(TradeStream, u64, u64),
    /// Trades from an id on, in case there are any: behind the last, while the stream brings none.
    Tail(TradeStream, u64),
    /// Trades from an id on, as many as there are, before the streams begin.
    History(TradeStream, u64),
    /// Trades from a time on, before the streams begin.
    Since(i64),
    /// Bars of a timeframe.
    Klines(usize),
}

/// What an instrument is asked for before its streams begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Begin {
    /// Trades behind this id.
    Behind(u64),
    /// Trades from this time on.
    Since(WallNs),
    /// Nothing.
    Nothing,
}

/// One instrument of the venue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub instrument: InstrumentId,
    pub symbol: Symbol,
    /// Its stream of trades.
    pub trades: TradeStream,
    /// What is asked first.
    pub begin: Begin,
}

/// The figures.
pub(super) struct AskOptions {
    pub venue: Venue,
    pub base: String,
    pub breaker: BreakerRules,
    pub timeout: Duration,
    pub weight_share: f64,
    pub snapshot_limit: u32,
    pub klines: bool,
    /// How long a stream may take to bring a trade before it is asked whether it has missed any.
    pub quiet: Duration,
    /// Whether anybody may be asked at all.
    pub enabled: bool,
}

pub(super) struct Asks {
    options: AskOptions,
    asked: Vec<Asked>,
    queue: RequestQueue<Ask>,
    budget: WeightBudget,
    breaker: Breaker,
    /// Instruments whose first trades are not there yet, and how often they failed.
    history: Vec<(InstrumentId, u32)>,
    /// Instruments that may have lost trades behind their last.
    tails: Tails,
    /// Requests under way, those included whose answers nobody wants any more.
    under_way: Vec<UnderWay>,
    tokens: u64,
}

/// A request that was sent.
struct UnderWay {
    token: u64,
    id: RequestId,
    /// The venue counts it, whatever becomes of it here.
    ticket: Ticket,
    request: Request<Ask>,
}

impl Asks {
    pub fn new(options: AskOptions, asked: Vec<Asked>) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of one, in percent"
        )]
        let percent = (options.weight_share * 100.0).round() as u32;
        Self {
            queue: RequestQueue::new(QueueRules::default()),
            budget: WeightBudget::new(USUAL_WEIGHT, percent.max(1)),
            breaker: Breaker::new(options.breaker),
            history: Vec::new(),
            tails: Tails::new(options.quiet),
            under_way: Vec::new(),
            tokens: 0,
            asked,
            options,
        }
    }

    /// The venue's own limit a minute.
    pub fn set_limit(&mut self, weight: u32) {
        self.budget.set_limit(weight);
    }

    /// Asks for what comes before the streams.
    pub fn begin(&mut self, now: WallNs) {
        if !self.options.enabled {
            return;
        }
        for at in 0..self.asked.len() {
            let Asked {
                instrument,
                trades,
                begin,
                ..
            } = self.asked[at];
            let ask = match begin {
                Begin::Behind(id) => Ask::History(trades, id + 1),
                Begin::Since(ts) => Ask::Since(ts.ms()),
                Begin::Nothing => continue,
            };
            self.history.push((instrument, 0));
            self.add(instrument, ask, now);
        }
    }

    /// Instruments whose first trades are still asked for.
    pub fn history_left(&self) -> usize {
        self.history.len()
    }

    /// Asks for the history of bars, once the streams run.
    pub fn ask_klines(&mut self, instruments: &[InstrumentId], now: WallNs) {
        if !self.options.klines || !self.options.enabled {
            return;
        }
        for &instrument in instruments {
            for timeframe in 0..TIMEFRAMES.len() {
                self.add(instrument, Ask::Klines(timeframe), now);
            }
        }
    }

    /// Takes what the intake misses; false if it cannot be had.
    pub fn want(&mut self, want: Want, now: WallNs) -> bool {
        let (instrument, ask) = match want {
            Want::Snapshot { instrument } => (instrument, Ask::Snapshot),
            Want::Trades {
                instrument,
                stream,
                first_id,
                last_id,
            } => (instrument, Ask::Trades(stream, first_id, last_id)),
        };
        self.options.enabled && self.add(instrument, ask, now)
    }

    /// The streams of an instrument are down: its book is lost, and a snapshot asked for until now is of no use to the
    /// next connection.
    pub fn disconnected(&mut self, instrument: InstrumentId, now: WallNs, news: &mut News<'_>) {
        self.queue.cancel(instrument, Priority::Snapshot);
        self.queue.cancel(instrument, Priority::Tail);
        self.tails.forget(instrument);
        news.intake
            .drop_book(instrument, ResetReason::Disconnected, now);
    }

    /// Trades of an instrument may have been lost, and its stream goes on. If it brings none for a while, the venue is asked
    /// for those behind the last.
    pub fn expect_trades(&mut self, instrument: InstrumentId, now: WallNs, news: &News<'_>) {
        self.queue.cancel(instrument, Priority::Tail);
        match news.intake.last_trade(instrument) {
            Some((_, last)) if self.options.enabled => self.tails.expect(instrument, last, now),
            _ => self.tails.forget(instrument),
        }
    }

    /// Asks for what lies behind the last trade of the next instrument whose stream brings none.
    fn ask_tail(&mut self, now: WallNs, news: &News<'_>) {
        let last = |of| Some(news.intake.last_trade(of)?.1);
        let Some(tail) = self.tails.next(now, last) else {
            return;
        };
        let stream = news.intake.last_trade(tail.instrument).map(|(of, _)| of);
        let taken = stream.is_some_and(|stream| {
            self.add(
                tail.instrument,
                Ask::Tail(stream, tail.behind.saturating_add(1)),
                now,
            )
        });
        if !taken {
            self.tails.expect(tail.instrument, tail.behind, now);
        }
    }

    fn add(&mut self, instrument: InstrumentId, ask: Ask, now: WallNs) -> bool {
        let Some(path) = self.path(instrument, ask) else {
            return false;
        };
        let priority = match ask {
            Ask::Trades(..) | Ask::History(..) | Ask::Since(_) => Priority::Trades,
            Ask::Snapshot => Priority::Snapshot,
            Ask::Tail(..) => Priority::Tail,
            Ask::Klines(_) => Priority::Klines,
        };
        let request = Request {
            instrument,
            priority,
            weight: request_weight(self.options.venue, path.last, path.limit),
            ask,
        };
        matches!(
            self.queue.add(request, now, &self.budget),
            Added::Waits | Added::Known
        )
    }

    fn symbol(&self, instrument: InstrumentId) -> Option<Symbol> {
        let mut asked = self.asked.iter();
        let found = asked.find(|asked| asked.instrument == instrument)?;
        Some(found.symbol)
    }

    fn path(&self, instrument: InstrumentId, ask: Ask) -> Option<paths::Path> {
        let (venue, symbol) = (self.options.venue, self.symbol(instrument)?);
        Some(match ask {
            Ask::Snapshot => paths::depth(venue, symbol, self.options.snapshot_limit),
            Ask::Trades(stream, first, _)
            | Ask::History(stream, first)
            | Ask::Tail(stream, first) => paths::trades_from(venue, symbol, stream, first),
            Ask::Since(ms) => paths::trades_since(venue, symbol, ms),
            Ask::Klines(timeframe) => paths::klines(venue, symbol, TIMEFRAMES[timeframe], BARS),
        })
    }

    /// The name under which the reply goes through the intake.
    fn stream(symbol: Symbol, ask: Ask) -> String {
        match ask {
            Ask::Snapshot => paths::stream(symbol, "depthSnapshot"),
            Ask::Trades(stream, ..) | Ask::History(stream, _) | Ask::Tail(stream, _) => {
                paths::trades_stream(symbol, stream)
            }
            Ask::Since(_) => paths::trades_stream(symbol, TradeStream::Aggregate),
            Ask::Klines(timeframe) => {
                paths::stream(symbol, &format!("klines_{}", TIMEFRAMES[timeframe]))
            }
        }
    }

    fn kind(ask: Ask) -> RestKind {
        match ask {
            Ask::Snapshot => RestKind::Snapshot,
            Ask::Trades(..) | Ask::History(..) | Ask::Since(_) | Ask::Tail(..) => RestKind::Trades,
            Ask::Klines(_) => RestKind::Klines,
        }
    }

    /// Sends what is due. `rest` takes a request, or says false.
    pub fn send(
        &mut self,
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
        mut rest: impl FnMut(RestRequest) -> bool,
    ) {
        self.ask_tail(now.ts, news);
        while self.queue.is_due(now.ts, &mut self.budget) {
            let before = self.breaker.state();
            if !self.breaker.can_execute(now.ns) {
                return;
            }
            if before == BreakerState::Open {
                news.connection(ConnectionEvent::BreakerHalfOpen, 0, [0; 2]);
            }
            let Some((id, request)) = self.queue.next(now.ts, &mut self.budget) else {
                return;
            };
            let Some(ticket) = self.queue.ticket(id) else {
                return;
            };
            let Some(path) = self.path(request.instrument, request.ask) else {
                self.budget.failed(ticket, now.ts);
                self.queue.useless(id, now.ts);
                continue;
            };
            counts.requests += 1;
            self.tokens += 1;
            let sent = rest(RestRequest {
                token: self.tokens,
                url: format!("{}{}", self.options.base, path.query),
                kind: Self::kind(request.ask),
                whole: self.options.timeout,
            });
            if !sent {
                self.budget.failed(ticket, now.ts);
                self.queue.failed(id, now.ts);
                return;
            }
            self.under_way.push(UnderWay {
                token: self.tokens,
                id,
                ticket,
                request,
            });
        }
    }

    /// When anything is due here, if nothing comes until then.
    pub fn next_due(&mut self, now: Now) -> Option<WallNs> {
        let due = self.queue.next_due(now.ts, &mut self.budget)?;
        if due > now.ts || !self.breaker.is_tripped() {
            return Some(due);
        }
        Some(super::later(now.ts, self.breaker.refused(now.ns).retry_in))
    }

    /// Takes an answer.
    pub fn answered(
        &mut self,
        token: u64,
        outcome: &Outcome<'_>,
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
        pass: impl FnOnce(&mut News<'_>, Passed<'_>) -> bool,
    ) {
        let Some(at) = self.under_way.iter().position(|sent| sent.token == token) else {
            return;
        };
        let UnderWay {
            id,
            ticket,
            request,
            ..
        } = self.under_way.swap_remove(at);
        match *outcome {
            Outcome::Answer {
                reply,
                body,
                ref reason,
            } => {
                if let Some(limited) = self.budget.replied(ticket, &reply, now.ts) {
                    counts.rate_limited += 1;
                    let ms = super::between(now.ts, limited.until).as_millis();
                    let ms = u64::try_from(ms).unwrap_or(u64::MAX);
                    news.connection(ConnectionEvent::RateLimited, 0, [ms, reply.status.into()]);
                    self.queue.put_back(id);
                    return;
                }
                if reply.status >= 500 {
                    counts.causes.add(Place::Request, Cause::HttpStatus);
                    self.failed(id, &request, reason, now, news, counts);
                } else {
                    // Whatever the venue says of the request, it answers.
                    if self.breaker.record_success() {
                        news.connection(ConnectionEvent::BreakerClosed, 0, [0; 2]);
                    }
                    if reply.status == 200 {
                        self.came(id, &request, body, now, news, counts, pass);
                    } else {
                        counts.causes.add(Place::Request, Cause::HttpStatus);
                        self.refused(id, &request, reason, now, news, counts);
                    }
                }
            }
            Outcome::Failed(cause, ref reason) => {
                counts.causes.add(Place::Request, cause);
                self.budget.failed(ticket, now.ts);
                self.failed(id, &request, reason, now, news, counts);
            }
        }
    }

    /// What was asked for is there.
    #[expect(
        clippy::too_many_arguments,
        reason = "one caller, and all of it is used"
    )]
    fn came(
        &mut self,
        id: RequestId,
        request: &Request<Ask>,
        body: &[u8],
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
        pass: impl FnOnce(&mut News<'_>, Passed<'_>) -> bool,
    ) {
        let instrument = request.instrument;
        let Some(symbol) = self.symbol(instrument) else {
            return;
        };
        if self.queue.ticket(id).is_none() {
            // It was asked for a connection that is lost; the next one asks for itself.
            counts.replies += 1;
            return;
        }
        if let Ask::Tail(_, first) = request.ask {
            let last = news.intake.last_trade(instrument);
            let is_behind = last.is_some_and(|(_, last)| last.checked_add(1) == Some(first));
            if !is_behind || body.trim_ascii() == b"[]" {
                // The stream goes on by itself and misses what it misses, or there is nothing.
                counts.replies += 1;
                self.queue.done(id);
                self.tails.forget(instrument);
                return;
            }
        }
        let stream = Self::stream(symbol, request.ask);
        let passed = Passed {
            stream: stream.as_bytes(),
            ts: now.ts,
            bytes: body,
        };
        if !pass(news, passed) {
            counts.causes.add(Place::Request, Cause::Unreadable);
            return self.failed(
                id,
                request,
                "an answer that cannot be read",
                now,
                news,
                counts,
            );
        }
        counts.replies += 1;
        match request.ask {
            // Whether it was of use, and what is still missing, the intake knows and asks again.
            Ask::Snapshot | Ask::Trades(..) | Ask::Klines(_) => {
                self.queue.done(id);
            }
            Ask::Tail(stream, _) => {
                self.queue.done(id);
                self.tails.forget(instrument);
                if let Some(last) = self.full_page(stream, body) {
                    self.tails.goes_on(instrument, last, now.ts);
                }
            }
            Ask::History(stream, _) => {
                self.queue.done(id);
                self.history_page(instrument, stream, body, now.ts);
            }
            Ask::Since(_) => {
                self.queue.done(id);
                self.history_page(instrument, TradeStream::Aggregate, body, now.ts);
            }
        }
    }

    /// A page of first trades: a full one has a successor.
    fn history_page(
        &mut self,
        instrument: InstrumentId,
        stream: TradeStream,
        body: &[u8],
        now: WallNs,
    ) {
        let next = self.full_page(stream, body);
        let more = next.is_some_and(|id| self.add(instrument, Ask::History(stream, id + 1), now));
        if !more {
            self.history.retain(|(of, _)| *of != instrument);
        }
    }

    /// The id of the newest trade of a page that is full.
    fn full_page(&self, stream: TradeStream, body: &[u8]) -> Option<u64> {
        let (count, newest) = page(body);
        let limit = paths::trades_max(self.options.venue, stream) as usize;
        newest.filter(|_| count >= limit)
    }

    /// The venue refuses this request, and would again.
    fn refused(
        &mut self,
        id: RequestId,
        request: &Request<Ask>,
        reason: &str,
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
    ) {
        counts.request_failures += 1;
        match request.ask {
            // The symbol may be back tomorrow, and without a book it is of little use.
            Ask::Snapshot => {
                self.again(id, request, reason, now.ts, news);
                return;
            }
            Ask::Trades(stream, first_id, last_id) => {
                self.queue.done(id);
                let want = Want::Trades {
                    instrument: request.instrument,
                    stream,
                    first_id,
                    last_id,
                };
                news.intake.want_failed(want, now.ts, false);
            }
            Ask::History(..) | Ask::Since(_) => {
                self.queue.done(id);
                self.history.retain(|(of, _)| *of != request.instrument);
            }
            Ask::Tail(..) => {
                if self.queue.done(id).is_some() {
                    self.tails.forget(request.instrument);
                }
            }
            Ask::Klines(_) => {
                self.queue.done(id);
            }
        }
        self.told(request, reason, "not asked again", news);
    }

    /// No answer, or one that says nothing: it goes again later.
    fn failed(
        &mut self,
        id: RequestId,
        request: &Request<Ask>,
        reason: &str,
        now: Now,
        news: &mut News<'_>,
        counts: &mut Counts,
    ) {
        counts.request_failures += 1;
        if self.breaker.record_error(now.ns) {
            counts.breaker_trips += 1;
            news.connection(ConnectionEvent::BreakerOpen, 0, [0; 2]);
        }
        if matches!(request.ask, Ask::History(..) | Ask::Since(_)) {
            let mut history = self.history.iter_mut();
            if let Some((_, failures)) = history.find(|(of, _)| *of == request.instrument) {
                *failures += 1;
                if *failures >= HISTORY_ATTEMPTS {
                    // The others do not wait for it; its gap is filled when its stream begins.
                    self.history.retain(|(of, _)| *of != request.instrument);
                    self.queue.done(id);
                    self.told(request, reason, "given up after several attempts", news);
                    return;
                }
            }
        }
        if let Ask::Tail(_, first) = request.ask
            && self.queue.done(id).is_some()
        {
            // Others go first meanwhile; and it may be that its stream has brought a trade by then.
            let behind = first.saturating_sub(1);
            self.tails.expect(request.instrument, behind, now.ts);
            self.told(request, reason, "asked again later", news);
            return;
        }
        self.again(id, request, reason, now.ts, news);
    }

    /// It goes again later, unless nobody wants it any more.
    fn again(
        &mut self,
        id: RequestId,
        request: &Request<Ask>,
        reason: &str,
        now: WallNs,
        news: &mut News<'_>,
    ) {
        match self.queue.failed(id, now) {
            Some(at) => {
                let wait = super::between(now, at);
                self.told(request, reason, &format!("asked again in {wait:.1?}"), news);
            }
            None => self.told(request, reason, "no longer wanted", news),
        }
    }

    fn told(&self, request: &Request<Ask>, reason: &str, next: &str, news: &mut News<'_>) {
        if let Some(path) = self.path(request.instrument, request.ask) {
            news.say(format_args!(
                "GET {}{}: {reason}; {next}",
                self.options.base, path.query
            ));
        }
    }

    /// Where the breaker stands.
    pub fn breaker(&self) -> BreakerState {
        self.breaker.state()
    }
}

/// What came of a request.
pub(super) enum Outcome<'a> {
    /// The venue answered.
    Answer {
        /// Status and limits.
        reply: Reply,
        /// The body, with status 200.
        body: &'a [u8],
        /// The body's beginning, or what else there is to say of a refusal.
        reason: String,
    },
    /// It did not, and why.
    Failed(Cause, String),
}

impl Outcome<'_> {
    /// What a reply says.
    pub fn of(answer: &RestReply) -> Outcome<'_> {
        let reason = || match &answer.error {
            Some(error) => error.to_string(),
            None => String::from_utf8_lossy(&answer.body).into_owned(),
        };
        // A refusal is an answer, whatever else is wrong with it; a good status without a body of use is none.
        if answer.status == 0 || (answer.status == 200 && answer.error.is_some()) {
            let cause = answer.error.as_ref().map_or(Cause::Http, RestError::cause);
            return Outcome::Failed(cause, reason());
        }
        Outcome::Answer {
            reply: Reply {
                status: answer.status,
                used_weight: answer.used_weight,
                retry_after: answer.retry_after,
            },
            body: &answer.body,
            reason: format!("status {}: {}", answer.status, reason()),
        }
    }
}

/// How many trades a reply holds, and the id of the newest.
fn page(body: &[u8]) -> (usize, Option<u64>) {
    let Ok(text) = std::str::from_utf8(body) else {
        return (0, None);
    };
    // An aggregated trade has its id under `a`, a single one under `id`; nothing in either nests.
    for key in ["\"a\":", "\"id\":"] {
        let count = text.matches(key).count();
        if count > 0 {
            let newest = text.rsplit(key).next().map(|rest| {
                let rest = rest.trim_start();
                let end = rest.find(|c: char| !c.is_ascii_digit());
                rest[..end.unwrap_or(rest.len())].parse()
            });
            return (count, newest.and_then(Result::ok));
        }
    }
    (0, None)
}

#[cfg(test)]
mod tests;
