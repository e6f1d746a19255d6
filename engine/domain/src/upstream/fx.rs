//! What to say to an FX gateway, and when.
//!
//! A gateway sends ticks of a symbol once its package was asked for. It is asked when it has said `ready` and is not in
//! trouble by its own `status`; a package that does not come, or an error instead, is asked for again, later each time.
//! After a new connection, after the gateway's own trouble and when somebody says so, every package is asked for anew.

use super::{BackoffRules, after};
use crate::decode::fx::GatewayStatus;
use crate::instrument::Symbol;
use crate::units::WallNs;
use std::collections::VecDeque;
use std::time::Duration;

/// The figures of an [`FxDesk`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FxRules {
    /// Days the gateway averages ranges over.
    pub adr_lookback_days: u32,
    /// How long a package may take.
    pub reply: Duration,
    /// Waits before a package is asked for again; of these figures only the waits count.
    pub retry: BackoffRules,
}

impl Default for FxRules {
    fn default() -> Self {
        Self {
            adr_lookback_days: 14,
            reply: Duration::from_secs(10),
            retry: BackoffRules::FX,
        }
    }
}

/// A message to the gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FxCommand {
    /// Ask for a symbol's package, and with it for its ticks.
    GetPackage {
        /// The symbol.
        symbol: Symbol,
        /// Days to average ranges over.
        adr_lookback_days: u32,
    },
    /// No more ticks of these.
    Unsubscribe {
        /// The symbols.
        symbols: Vec<Symbol>,
    },
}

impl FxCommand {
    /// The message as the gateway reads it. A symbol has no character that JSON would escape.
    pub fn text(&self) -> String {
        match self {
            Self::GetPackage {
                symbol,
                adr_lookback_days: days,
            } => format!(
                r#"{{"type":"get_symbol_data_package","symbol":"{symbol}","adrLookbackDays":{days}}}"#
            ),
            Self::Unsubscribe { symbols } => {
                let names: Vec<_> = symbols.iter().map(|name| format!("\"{name}\"")).collect();
                let names = names.join(",");
                format!(r#"{{"type":"unsubscribe","symbols":[{names}]}}"#)
            }
        }
    }
}

/// Where a symbol stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// To be asked for from that time on.
    Due(WallNs),
    /// Asked for; the answer is late from that time on.
    Asked(WallNs),
    /// Its package is there.
    Known,
    /// The gateway does not have it.
    Missing,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    symbol: Symbol,
    state: State,
    /// Times it was asked for in vain.
    failures: u32,
}

/// The conversation with one gateway.
#[derive(Clone, Debug)]
pub struct FxDesk {
    rules: FxRules,
    lines: Vec<Line>,
    dropped: VecDeque<Symbol>,
    ready: bool,
    in_trouble: bool,
}

impl FxDesk {
    /// A desk for those symbols, each once, that has heard nothing.
    pub fn new(rules: FxRules, symbols: impl IntoIterator<Item = Symbol>) -> Self {
        let mut desk = Self {
            rules,
            lines: Vec::new(),
            dropped: VecDeque::new(),
            ready: false,
            in_trouble: false,
        };
        for symbol in symbols {
            desk.add(symbol, WallNs::ZERO);
        }
        desk
    }

    /// A new connection: nothing has been asked on it, and nothing is subscribed.
    pub fn opened(&mut self, now: WallNs) {
        self.ready = false;
        self.in_trouble = false;
        self.dropped.clear();
        self.refresh(now);
    }

    /// The gateway is ready, and has those symbols.
    pub fn ready(&mut self, available: &[Symbol], now: WallNs) {
        self.ready = true;
        for line in &mut self.lines {
            if !available.contains(&line.symbol) {
                line.state = State::Missing;
            } else if line.state == State::Missing {
                line.state = State::Due(now);
            }
        }
    }

    /// How the gateway stands with the market behind it.
    pub fn status(&mut self, status: GatewayStatus, now: WallNs) {
        let was_in_trouble = self.in_trouble;
        self.in_trouble = status != GatewayStatus::Connected;
        if was_in_trouble && !self.in_trouble {
            self.refresh(now);
        }
    }

    /// A package came.
    pub fn package(&mut self, symbol: Symbol) {
        for line in self.lines.iter_mut().filter(|line| line.symbol == symbol) {
            line.state = State::Known;
            line.failures = 0;
        }
    }

    /// An error came: for a symbol, or for whatever was asked last.
    pub fn error(&mut self, symbol: Option<Symbol>, now: WallNs) {
        let rules = self.rules;
        for line in &mut self.lines {
            let concerned = symbol.is_none_or(|symbol| line.symbol == symbol);
            if concerned && matches!(line.state, State::Asked(_)) {
                line.fail(now, &rules);
            }
        }
    }

    /// Every package is asked for anew, as on a new day.
    pub fn refresh(&mut self, now: WallNs) {
        for line in &mut self.lines {
            if line.state != State::Missing || !self.ready {
                line.state = State::Due(now);
                line.failures = 0;
            }
        }
    }

    /// A symbol's package is asked for anew: its day has begun.
    pub fn refresh_one(&mut self, symbol: Symbol, now: WallNs) {
        let known = |line: &&mut Line| line.symbol == symbol && line.state == State::Known;
        if let Some(line) = self.lines.iter_mut().find(known) {
            line.state = State::Due(now);
        }
    }

    /// One more symbol.
    pub fn add(&mut self, symbol: Symbol, now: WallNs) {
        self.dropped.retain(|dropped| *dropped != symbol);
        if self.lines.iter().all(|line| line.symbol != symbol) {
            self.lines.push(Line {
                symbol,
                state: State::Due(now),
                failures: 0,
            });
        }
    }

    /// One symbol less. What was asked for is taken back.
    pub fn remove(&mut self, symbol: Symbol) {
        let Some(at) = self.lines.iter().position(|line| line.symbol == symbol) else {
            return;
        };
        let line = self.lines.remove(at);
        if matches!(line.state, State::Asked(_) | State::Known) || line.failures > 0 {
            self.dropped.push_back(symbol);
        }
    }

    /// The next message to send, if one is due. Asked again until it answers `None`.
    pub fn next(&mut self, now: WallNs) -> Option<FxCommand> {
        let rules = self.rules;
        for line in &mut self.lines {
            if let State::Asked(late) = line.state
                && late <= now
            {
                line.fail(now, &rules);
            }
        }
        if !self.ready || self.in_trouble {
            return None;
        }
        if !self.dropped.is_empty() {
            let symbols = self.dropped.drain(..).collect();
            return Some(FxCommand::Unsubscribe { symbols });
        }
        let is_due = |line: &&mut Line| matches!(line.state, State::Due(at) if at <= now);
        let line = self.lines.iter_mut().find(is_due)?;
        line.state = State::Asked(after(now, rules.reply));
        Some(FxCommand::GetPackage {
            symbol: line.symbol,
            adr_lookback_days: rules.adr_lookback_days,
        })
    }

    /// When [`FxDesk::next`] may have something new to say, if nothing comes in between.
    pub fn deadline(&self) -> Option<WallNs> {
        let can_ask = self.ready && !self.in_trouble;
        let times = self.lines.iter().filter_map(|line| match line.state {
            State::Due(at) => can_ask.then_some(at),
            State::Asked(late) => Some(late),
            State::Known | State::Missing => None,
        });
        times.min()
    }

    /// Symbols that the gateway does not have.
    pub fn missing(&self) -> impl Iterator<Item = Symbol> + '_ {
        let missing = |line: &&Line| line.state == State::Missing;
        self.lines.iter().filter(missing).map(|line| line.symbol)
    }

    /// Whether every symbol's package is there, those aside that the gateway does not have.
    pub fn is_complete(&self) -> bool {
        let done = |line: &Line| matches!(line.state, State::Known | State::Missing);
        self.ready && self.lines.iter().all(done)
    }
}

impl Line {
    fn fail(&mut self, now: WallNs, rules: &FxRules) {
        self.failures = self.failures.saturating_add(1);
        self.state = State::Due(after(now, rules.retry.wait(self.failures)));
    }
}

#[cfg(test)]
mod tests;
