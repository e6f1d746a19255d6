//! Which request goes next.
//!
//! Hundreds of symbols may want a snapshot at once, and the venue's limit lets a handful pass a minute.
//! - Of what is due the most urgent kind goes first, and of one kind what has been due longest.
//! - Nothing overtakes a request that waits for the budget, so that light ones do not starve heavy ones.
//! - Of one symbol and kind one request is under way at a time.
//! - What fails waits 1, 2, 4 ... 30 s and then stands behind those that were due before, so it holds up nobody.

use super::{Ticket, WeightBudget, after};
use crate::instrument::InstrumentId;
use crate::units::WallNs;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::hash::Hash;
use std::time::Duration;

/// What kind of thing is asked for, the most urgent first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Priority {
    /// The venue's instruments, without which nothing else can be read.
    Instruments,
    /// Missing trades: newer ones wait for them.
    Trades,
    /// The book, while depth events wait for it.
    Snapshot,
    /// Trades behind the last one, in case there are any that nobody misses yet.
    Tail,
    /// History, which nobody waits for.
    Klines,
}

impl Priority {
    const ALL: [Self; 5] = [
        Self::Instruments,
        Self::Trades,
        Self::Snapshot,
        Self::Tail,
        Self::Klines,
    ];
}

/// One request. What exactly is asked is the caller's affair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request<T> {
    /// Whose data; [`InstrumentId::NONE`] for the venue's.
    pub instrument: InstrumentId,
    /// How urgent it is.
    pub priority: Priority,
    /// What the venue counts for it.
    pub weight: u32,
    /// What is asked.
    pub ask: T,
}

impl<T> Request<T> {
    fn key(&self) -> Key {
        (self.instrument, self.priority)
    }
}

/// The figures of a [`RequestQueue`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueRules {
    /// Wait after a first failure; it doubles with each.
    pub retry_first: Duration,
    /// Longest wait after a failure.
    pub retry_max: Duration,
    /// Most requests under way at once.
    pub in_flight_max: usize,
    /// Most requests that wait.
    pub waiting_max: usize,
}

impl Default for QueueRules {
    fn default() -> Self {
        Self {
            retry_first: Duration::from_secs(1),
            retry_max: Duration::from_secs(30),
            in_flight_max: 4,
            // 4096 instruments, each with a snapshot, six timeframes and a gap
            waiting_max: 1 << 15,
        }
    }
}

/// A request that was given out; see [`RequestQueue::next`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(u64);

/// What became of a request that was added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Added {
    /// It waits.
    Waits,
    /// The same waits or is under way already.
    Known,
    /// More wait than the queue holds: it was not taken.
    Full,
    /// It weighs more than the budget allows in a minute: it was not taken.
    TooHeavy,
}

/// Order of requests: kind, when due, when added.
type Place = (Priority, WallNs, u64);
type Key = (InstrumentId, Priority);

#[derive(Clone, Debug)]
struct InFlight<T> {
    request: Request<T>,
    since: WallNs,
    ticket: Ticket,
}

/// The requests to one venue.
#[derive(Clone, Debug)]
pub struct RequestQueue<T> {
    rules: QueueRules,
    waiting: BTreeMap<Place, Request<T>>,
    in_flight: BTreeMap<RequestId, InFlight<T>>,
    /// All of both.
    known: FxHashSet<(Key, T)>,
    /// Failures in a row, and before when nothing of the key goes again.
    failures: FxHashMap<Key, (u32, WallNs)>,
    added: u64,
}

impl<T: Copy + Eq + Hash> RequestQueue<T> {
    /// An empty queue.
    pub fn new(rules: QueueRules) -> Self {
        Self {
            rules,
            waiting: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            known: FxHashSet::default(),
            failures: FxHashMap::default(),
            added: 0,
        }
    }

    /// Takes a request, due now, or when the last failure of its symbol and kind lets it.
    pub fn add(&mut self, request: Request<T>, now: WallNs, budget: &WeightBudget) -> Added {
        if self.known.contains(&(request.key(), request.ask)) {
            return Added::Known;
        }
        if request.weight > budget.allowed() {
            return Added::TooHeavy;
        }
        if self.waiting.len() >= self.rules.waiting_max {
            return Added::Full;
        }
        self.known.insert((request.key(), request.ask));
        self.wait(request, now);
        Added::Waits
    }

    /// The next request, if one is due, fits the budget and may be under way beside the others; it counts as sent.
    pub fn next(
        &mut self,
        now: WallNs,
        budget: &mut WeightBudget,
    ) -> Option<(RequestId, Request<T>)> {
        let place = self.head(now, budget.allowed())?;
        let weight = self.waiting.get(&place)?.weight;
        if !budget.may_send(weight, now) {
            return None;
        }
        let request = self.waiting.remove(&place)?;
        let (_, since, added) = place;
        let id = RequestId(added);
        let ticket = budget.sent(weight, now);
        let sent = InFlight {
            request,
            since,
            ticket,
        };
        self.in_flight.insert(id, sent);
        Some((id, request))
    }

    /// Whether [`Self::next`] would give a request now. Asked before a breaker is, so that its one trial is not wasted.
    pub fn is_due(&self, now: WallNs, budget: &mut WeightBudget) -> bool {
        let head = self
            .head(now, budget.allowed())
            .and_then(|place| self.waiting.get(&place));
        head.is_some_and(|request| budget.may_send(request.weight, now))
    }

    /// When [`Self::next`] is worth asking again if nothing is added or answered until then; `None`: not before.
    pub fn next_due(&self, now: WallNs, budget: &mut WeightBudget) -> Option<WallNs> {
        if let Some(place) = self.head(now, budget.allowed()) {
            return budget.ready_at(self.waiting.get(&place)?.weight, now);
        }
        if self.in_flight.len() >= self.rules.in_flight_max {
            return None;
        }
        let allowed = budget.allowed();
        let later = Priority::ALL.iter().filter_map(|&priority| {
            let first = (priority, after(now, Duration::from_nanos(1)), 0);
            let mut of_kind = self
                .waiting
                .range(first..=(priority, WallNs(i64::MAX), u64::MAX));
            of_kind
                .find(|(_, request)| self.may_go(request, allowed))
                .map(|(&(_, due, _), _)| due)
        });
        later.min()
    }

    /// The budget's ticket of a request under way.
    pub fn ticket(&self, id: RequestId) -> Option<Ticket> {
        Some(self.in_flight.get(&id)?.ticket)
    }

    /// It was answered and the answer was of use. Returns what was asked, unless it is no longer wanted.
    pub fn done(&mut self, id: RequestId) -> Option<Request<T>> {
        let request = self.take(id)?;
        self.failures.remove(&request.key());
        Some(request)
    }

    /// It was answered, but what came is of no use, as a snapshot that is too old: it is not asked again by itself,
    /// and the next of its symbol and kind waits as after a failure.
    pub fn useless(&mut self, id: RequestId, now: WallNs) -> Option<Request<T>> {
        let request = self.take(id)?;
        self.failed_once(&request, now);
        Some(request)
    }

    /// No answer, or one that says try again: it waits and goes again. Returns when, unless it is no longer wanted.
    pub fn failed(&mut self, id: RequestId, now: WallNs) -> Option<WallNs> {
        let request = self.in_flight.remove(&id)?.request;
        self.failed_once(&request, now);
        Some(self.wait(request, now))
    }

    /// It was refused for no fault of its own, as by a limit: it takes its place again.
    pub fn put_back(&mut self, id: RequestId) {
        if let Some(sent) = self.in_flight.remove(&id) {
            let place = (sent.request.priority, sent.since, id.0);
            self.waiting.insert(place, sent.request);
        }
    }

    /// Nothing of that symbol and kind is wanted any more; answers to what is under way will find nobody.
    pub fn cancel(&mut self, instrument: InstrumentId, priority: Priority) {
        let key = (instrument, priority);
        self.waiting.retain(|_, request| request.key() != key);
        self.in_flight.retain(|_, sent| sent.request.key() != key);
        self.known.retain(|(known, _)| *known != key);
        self.failures.remove(&key);
    }

    /// Requests that wait, due or not.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Requests under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The most urgent request that is due and may be under way beside the others.
    fn head(&self, now: WallNs, allowed: u32) -> Option<Place> {
        if self.in_flight.len() >= self.rules.in_flight_max {
            return None;
        }
        Priority::ALL.iter().find_map(|&priority| {
            let of_kind = (priority, WallNs(i64::MIN), 0)..=(priority, now, u64::MAX);
            let mut due = self.waiting.range(of_kind);
            due.find(|(_, request)| self.may_go(request, allowed))
                .map(|(&place, _)| place)
        })
    }

    /// Nothing of its symbol and kind is under way, and a limit that was lowered since still allows it.
    fn may_go(&self, request: &Request<T>, allowed: u32) -> bool {
        let mut under_way = self.in_flight.values().map(|sent| sent.request.key());
        request.weight <= allowed && !under_way.any(|key| key == request.key())
    }

    fn take(&mut self, id: RequestId) -> Option<Request<T>> {
        let request = self.in_flight.remove(&id)?.request;
        self.known.remove(&(request.key(), request.ask));
        Some(request)
    }

    fn wait(&mut self, request: Request<T>, now: WallNs) -> WallNs {
        let held = self.failures.get(&request.key());
        let due = held.map_or(now, |&(_, until)| until.max(now));
        self.added += 1;
        self.waiting
            .insert((request.priority, due, self.added), request);
        due
    }

    fn failed_once(&mut self, request: &Request<T>, now: WallNs) {
        let held = self.failures.entry(request.key());
        let (failures, until) = held.or_insert((0, now));
        let doubled = 2_u32.saturating_pow(*failures);
        let wait = self.rules.retry_first.saturating_mul(doubled);
        *failures = failures.saturating_add(1);
        *until = after(now, wait.min(self.rules.retry_max));
    }
}

#[cfg(test)]
mod tests;
