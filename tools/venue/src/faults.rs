//! Faults on command: what goes wrong, where, and when, counted and the same again with the same seed.
//!
//! A rule is `KIND` or `KIND:key=value,key=value`, such as `drop:on=depth,p=0.001`. Keys of every kind:
//!
//! | key | meaning |
//! |---|---|
//! | `on` | of streams a name (`btcusdt@trade`) or its kind (`trade`, `depth`); of REST a path or its end (`depth`), of one symbol (`depth?symbol=BTCUSDT`), or `handshake` |
//! | `p` | probability for each event that could be hit; by the seed and the event, not by who listens |
//! | `every` | hits each so many-th event |
//! | `after` | lets so many events pass first |
//! | `times` | hits at most so often |
//! | `for` | a hit goes on: over so many events, or a time such as `30s` (of the playback for streams, else of the clock) |
//!
//! Without `p` and `every` each event is hit, so `times` or `after` usually stand with it.
//! The kinds are in [`Kind`]; a new one is a variant there and what it does in `stream.rs` or `answer.rs`.

mod answer;
mod harm;
mod parse;
mod stream;

pub use answer::{Answer, Bad, Wrong};
pub use harm::Harm;
pub use stream::StreamFault;

use serde::Serialize;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::str::FromStr;
use std::time::Instant;

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// To a message of a stream.
    Stream(StreamFault),
    /// To an answer of REST.
    Answer(Answer),
    /// A new connection is closed before it is heard.
    Refuse,
}

/// How long a hit goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Spell {
    Events(u64),
    Time(i64),
}

/// One fault: what, where and when.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    kind: Kind,
    on: Option<String>,
    probability: Option<f64>,
    every: Option<u64>,
    after: u64,
    times: Option<u64>,
    spell: Spell,
    text: String,
}

impl Rule {
    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it does.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse::rule(text)
    }
}

/// A rule and what it has done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Done {
    /// The rule as it was typed.
    pub rule: String,
    /// Events it could have hit.
    pub seen: u64,
    /// Events it has hit.
    pub done: u64,
    /// Whether it is still in force.
    pub active: bool,
}

#[derive(Clone, Debug)]
struct State {
    rule: Rule,
    number: u64,
    seen: u64,
    spells: u64,
    done: u64,
    left: u64,
    until: Option<i64>,
}

impl State {
    /// Whether the next event that it could hit is hit.
    fn strikes(&mut self, seed: u64, key: u64, now_ns: i64) -> bool {
        self.seen += 1;
        if self.left > 0 {
            self.left -= 1;
        } else if self.until.is_some_and(|until| now_ns < until) {
        } else {
            self.until = None;
            let rule = &self.rule;
            let is_open =
                self.seen > rule.after && rule.times.is_none_or(|times| self.spells < times);
            let is_due = match (rule.every, rule.probability) {
                (Some(every), _) => (self.seen - rule.after.min(self.seen)).is_multiple_of(every),
                (None, Some(p)) => chance([seed, self.number, key]) < p,
                (None, None) => true,
            };
            if !is_open || !is_due {
                return false;
            }
            self.spells += 1;
            match rule.spell {
                Spell::Events(count) => self.left = count - 1,
                Spell::Time(ns) => self.until = Some(now_ns.saturating_add(ns)),
            }
        }
        self.done += 1;
        true
    }
}

/// A number from 0 up to 1 that depends on the words alone.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn chance(words: [u64; 3]) -> f64 {
    // SplitMix64, whose every output bit depends on every input bit.
    let mut mixed = 0_u64;
    for word in words {
        mixed = (mixed ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
    }
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// All rules of a venue with what they have done.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    states: Vec<State>,
    retired: Vec<Done>,
    opened: Instant,
    next: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64, rules: Vec<Rule>, opened: Instant) -> Self {
        let mut faults = Self {
            seed,
            states: Vec::new(),
            retired: Vec::new(),
            opened,
            next: 0,
        };
        for rule in rules {
            faults.add(rule);
        }
        faults
    }

    pub(crate) fn add(&mut self, rule: Rule) {
        self.states.push(State {
            rule,
            number: self.next,
            seen: 0,
            spells: 0,
            done: 0,
            left: 0,
            until: None,
        });
        self.next += 1;
    }

    pub(crate) fn clear(&mut self) {
        let done = self.states.drain(..).map(|state| done(&state, false));
        self.retired.extend(done);
    }

    /// What every rule has done, those taken away first.
    pub(crate) fn done(&self) -> Vec<Done> {
        let active = self.states.iter().map(|state| done(state, true));
        self.retired.iter().cloned().chain(active).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// What happens to a message of a stream.
    pub(crate) fn on_stream(
        &mut self,
        name: &str,
        event: usize,
        now_ns: i64,
    ) -> Option<StreamFault> {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let key = hasher.hash_one((name, event));
        self.states.iter_mut().find_map(|state| {
            let Kind::Stream(fault) = state.rule.kind else {
                return None;
            };
            let on = state.rule.on.as_deref();
            let is_meant = on.is_none_or(|on| stream::is_meant(on, name));
            (is_meant && state.strikes(self.seed, key, now_ns)).then_some(fault)
        })
    }

    /// What happens to an answer of REST about a symbol, if it is about one.
    pub(crate) fn on_request(
        &mut self,
        path: &str,
        symbol: Option<&str>,
        now: Instant,
    ) -> Option<Answer> {
        let now_ns = self.ns(now);
        self.states.iter_mut().find_map(|state| {
            let Kind::Answer(fault) = state.rule.kind else {
                return None;
            };
            let on = state.rule.on.as_deref();
            let is_meant = on.is_none_or(|on| answer::is_meant(on, path, symbol));
            let key = state.seen;
            (is_meant && fault.fits(path) && state.strikes(self.seed, key, now_ns)).then_some(fault)
        })
    }

    /// What happens to the handshake of a WebSocket: only rules that say so are about it.
    pub(crate) fn on_handshake(&mut self, now: Instant) -> Option<Answer> {
        let now_ns = self.ns(now);
        self.states.iter_mut().find_map(|state| {
            let Kind::Answer(fault) = state.rule.kind else {
                return None;
            };
            let is_meant = state.rule.on.as_deref() == Some(answer::HANDSHAKE);
            let key = state.seen;
            (is_meant && state.strikes(self.seed, key, now_ns)).then_some(fault)
        })
    }

    /// Whether a new connection is refused.
    pub(crate) fn on_connect(&mut self, now: Instant) -> bool {
        let now_ns = self.ns(now);
        let mut refusals = self
            .states
            .iter_mut()
            .filter(|state| state.rule.kind == Kind::Refuse);
        refusals.any(|state| {
            let key = state.seen;
            state.strikes(self.seed, key, now_ns)
        })
    }

    fn ns(&self, now: Instant) -> i64 {
        i64::try_from(now.duration_since(self.opened).as_nanos()).unwrap_or(i64::MAX)
    }
}

fn done(state: &State, active: bool) -> Done {
    Done {
        rule: state.rule.text.clone(),
        seen: state.seen,
        done: state.done,
        active,
    }
}

#[cfg(test)]
mod tests;
