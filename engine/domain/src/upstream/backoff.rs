//! How long to wait before the next attempt to connect.
//!
//! Each attempt waits twice as long as the one before, up to a cap, and a random part on top, so that many clients of
//! one venue do not come back at the same moment.
//! The random part is drawn from a seed: the same seed waits the same.

use super::{Seeded, after, since};
use crate::units::WallNs;
use std::time::Duration;

/// The figures of a [`Backoff`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackoffRules {
    /// Wait before the first attempt.
    pub first: Duration,
    /// Longest wait, without the random part.
    pub max: Duration,
    /// Longest random part; it is at most a tenth of the wait besides.
    pub jitter_max: Duration,
    /// How long data must be healthy until the attempts count from 1 again.
    pub healthy: Duration,
    /// The attempt whose failure asks for a hard reload. Attempts go on.
    pub hard_reload_after: u32,
}

impl BackoffRules {
    /// A venue: 5, 10, 20, 40, 80, 160, 300 s and up to a tenth, at most 5 s, more.
    pub const VENUE: Self = Self {
        first: Duration::from_secs(5),
        max: Duration::from_mins(5),
        jitter_max: Duration::from_secs(5),
        healthy: Duration::from_mins(1),
        hard_reload_after: 15,
    };

    /// An FX gateway: 1, 2, 4, 8, 16, 30 s and up to a tenth more.
    pub const FX: Self = Self {
        first: Duration::from_secs(1),
        max: Duration::from_secs(30),
        hard_reload_after: 5,
        ..Self::VENUE
    };

    /// The wait before an attempt, counted from 1, without the random part.
    pub fn wait(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.max)
    }
}

/// The next attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// Which attempt since data was last healthy, from 1.
    pub number: u32,
    /// How long it waits.
    pub wait: Duration,
    /// When it is due.
    pub at: WallNs,
    /// So many attempts have failed that somebody should look; true once until data is healthy again.
    pub hard_reload: bool,
}

/// Counts the attempts of one connection.
#[derive(Clone, Debug)]
pub struct Backoff {
    rules: BackoffRules,
    random: Seeded,
    attempts: u32,
    healthy_since: Option<WallNs>,
}

impl Backoff {
    /// No attempt yet. Connections of one engine are given seeds of their own.
    pub fn new(rules: BackoffRules, seed: u64) -> Self {
        Self {
            rules,
            random: Seeded(seed),
            attempts: 0,
            healthy_since: None,
        }
    }

    /// The connection was lost, or an attempt to make it failed: when the next one is due.
    pub fn failed(&mut self, now: WallNs) -> Attempt {
        self.healthy_since = None;
        let hard_reload = self.attempts == self.rules.hard_reload_after;
        self.attempts = self.attempts.saturating_add(1);
        let base = self.rules.wait(self.attempts);
        let wait = base + self.random.up_to(self.rules.jitter_max.min(base / 10));
        Attempt {
            number: self.attempts,
            wait,
            at: after(now, wait),
            hard_reload,
        }
    }

    /// Data came. True when it has been healthy so long that the attempts count from 1 again.
    pub fn data(&mut self, now: WallNs) -> bool {
        if self.attempts == 0 {
            return false;
        }
        let healthy_since = *self.healthy_since.get_or_insert(now);
        let healed = since(healthy_since, now) >= self.rules.healthy;
        if healed {
            self.attempts = 0;
            self.healthy_since = None;
        }
        healed
    }

    /// The data is no longer healthy: the time until the attempts are forgotten begins again with the next data.
    pub fn unhealthy(&mut self) {
        self.healthy_since = None;
    }

    /// Attempts since data was last healthy.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[cfg(test)]
mod tests;
