//! Request weight: what each request costs, what was used this minute, and who asks too much.

use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_mins(1);
/// Requests answered with 429 in one minute before the client is banned.
const WARNINGS: u32 = 10;

/// Whether a request may be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It may; this much of the minute's weight is used now.
    Go(u32),
    /// Too much was asked: 429, and how long to wait.
    TooMuch(Duration),
    /// It went on after 429: 418, and how long to wait.
    Banned(Duration),
}

/// The weight of one client address; on loopback all clients share one.
#[derive(Debug)]
pub(crate) struct Weights {
    limit: u32,
    ban: Duration,
    opened: Instant,
    minute: u128,
    used: u32,
    warned: u32,
    banned_until: Option<Instant>,
}

impl Weights {
    pub(crate) fn new(limit: u32, ban: Duration, opened: Instant) -> Self {
        Self {
            limit,
            ban,
            opened,
            minute: 0,
            used: 0,
            warned: 0,
            banned_until: None,
        }
    }

    /// Weight that may be used within a minute.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// Judges a request and counts its weight.
    pub(crate) fn ask(&mut self, weight: u32, now: Instant) -> Verdict {
        let since = now.saturating_duration_since(self.opened).as_millis();
        let minute = since / MINUTE.as_millis();
        if minute != self.minute {
            self.minute = minute;
            self.used = 0;
            self.warned = 0;
        }
        if let Some(until) = self.banned_until {
            if now < until {
                return Verdict::Banned(until - now);
            }
            self.banned_until = None;
        }
        self.used = self.used.saturating_add(weight);
        if self.used <= self.limit {
            return Verdict::Go(self.used);
        }
        self.warned += 1;
        if self.warned > WARNINGS {
            self.banned_until = Some(now + self.ban);
            return Verdict::Banned(self.ban);
        }
        let into = u64::try_from(since % MINUTE.as_millis()).unwrap_or(0);
        Verdict::TooMuch(MINUTE.saturating_sub(Duration::from_millis(into)))
    }

    /// Weight used in this minute.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }
}

/// What a request costs.
pub(crate) fn weight(path: &str, limit: Option<usize>, is_futures: bool) -> u32 {
    let name = path.rsplit('/').next().unwrap_or_default();
    let up_to = |steps: [(usize, u32); 4]| {
        let limit = limit.unwrap_or(if is_futures { 500 } else { 100 });
        let step = steps.iter().find(|(most, _)| limit <= *most);
        step.map_or(steps[3].1, |(_, weight)| *weight)
    };
    match (name, is_futures) {
        ("exchangeInfo", false) | ("aggTrades" | "historicalTrades", true) => 20,
        ("depth", false) => up_to([(100, 5), (500, 25), (1000, 50), (5000, 250)]),
        ("depth", true) => up_to([(50, 2), (100, 5), (500, 10), (1000, 20)]),
        ("trades" | "historicalTrades", false) => 25,
        ("trades" | "klines", true) => 5,
        ("aggTrades", false) => 4,
        ("klines" | "price" | "bookTicker", false) | ("24hr" | "avgPrice", _) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_holds_the_limit_then_429_then_418() {
        let opened = Instant::now();
        let at = |s| opened + Duration::from_secs(s);
        let mut weights = Weights::new(100, Duration::from_secs(90), opened);
        assert_eq!(weights.ask(60, at(1)), Verdict::Go(60));
        assert_eq!(weights.ask(40, at(2)), Verdict::Go(100));
        for _ in 0..WARNINGS {
            let expected = Verdict::TooMuch(Duration::from_secs(50));
            assert_eq!(weights.ask(1, at(10)), expected);
        }
        let ban = |s| Verdict::Banned(Duration::from_secs(s));
        assert_eq!(weights.ask(1, at(20)), ban(90));
        // The next minute does not lift a ban.
        assert_eq!(weights.ask(1, at(70)), ban(40));
        assert_eq!(weights.ask(1, at(110)), Verdict::Go(1));
        assert_eq!(weights.used(), 1);
    }

    #[test]
    fn weights_are_the_documented_ones() {
        let check = |path: &str, limit, expected| {
            assert_eq!(
                weight(path, limit, path.starts_with("/f")),
                expected,
                "{path}"
            );
        };
        check("/api/v3/ping", None, 1);
        check("/api/v3/exchangeInfo", None, 20);
        check("/api/v3/depth", None, 5);
        check("/api/v3/depth", Some(500), 25);
        check("/api/v3/depth", Some(1000), 50);
        check("/api/v3/depth", Some(5000), 250);
        check("/api/v3/aggTrades", Some(1000), 4);
        check("/api/v3/trades", None, 25);
        check("/api/v3/klines", None, 2);
        check("/fapi/v1/depth", None, 10);
        check("/fapi/v1/depth", Some(1000), 20);
    }
}
