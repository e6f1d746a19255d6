//! What the venue's limit on requests still allows.
//!
//! Every request has a weight, and the venue counts the weights of a minute.
//! A share of its limit is ours to use. What is used is the larger of two sums:
//! - what was sent from here within a minute, each request counted from when it was sent until a minute after its answer,
//!   because nobody knows when in between the venue counted it;
//! - what the venue said in its last answer, and what was sent since or was under way then. It knows of others who share
//!   the address, and of what was sent before this process began. A minute later its word no longer counts.
//!
//! So whichever way the venue cuts its minutes, the requests sent from here stay below the share in each of them.
//! An answer 429 or 418 stops every request for as long as it asks, or twice as long each time if it does not say.

use super::after;
use crate::instrument::Venue;
use crate::units::WallNs;
use std::collections::VecDeque;
use std::time::Duration;

/// The venue's window.
const MINUTE: Duration = Duration::from_mins(1);
/// First pause after a 429 that names none: a whole window.
const PAUSE_429: Duration = MINUTE;
/// First pause after a 418 that names none: the venue's shortest ban.
const PAUSE_418: Duration = Duration::from_mins(2);
/// Longest pause: the venue's longest ban.
const PAUSE_MAX: Duration = Duration::from_hours(72);
/// Shortest pause that an answer may ask for.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// A request that was sent; see [`WeightBudget::sent`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(u64);

/// What an answer says about limits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header `X-MBX-USED-WEIGHT-1M`: the weight of the minute, this request included.
    pub used_weight: Option<u32>,
    /// Header `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// The venue refused a request because of its limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limited {
    /// 429, or 418 for who did not stop.
    pub status: u16,
    /// Nothing is sent before.
    pub until: WallNs,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    ticket: Ticket,
    weight: u32,
    /// When it no longer counts; `None` while it is under way.
    ends: Option<WallNs>,
}

/// The venue's own count.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// The youngest request it knows of.
    ticket: Ticket,
    /// Its count, what was under way then, and what was sent since.
    used: u64,
    ends: WallNs,
}

/// What may be sent to one venue from one address.
#[derive(Clone, Debug)]
pub struct WeightBudget {
    limit: u32,
    share_percent: u32,
    sent: VecDeque<Sent>,
    /// Weight of all of `sent`.
    sent_weight: u64,
    /// Nothing of `sent` ends before.
    ends_first: WallNs,
    tickets: u64,
    heard: Option<Heard>,
    blocked_until: Option<WallNs>,
    /// Refusals in a row that named no pause.
    unnamed: u32,
}

impl WeightBudget {
    /// The part of a venue's limit that we use, in percent.
    pub const SHARE_PERCENT: u32 = 80;

    /// A budget for a limit of `limit` weights a minute, of which `share_percent` are used.
    pub fn new(limit: u32, share_percent: u32) -> Self {
        Self {
            limit,
            share_percent: share_percent.min(100),
            sent: VecDeque::new(),
            sent_weight: 0,
            ends_first: WallNs(i64::MAX),
            tickets: 0,
            heard: None,
            blocked_until: None,
            unnamed: 0,
        }
    }

    /// The limit the venue states: `REQUEST_WEIGHT` of `exchangeInfo`, per minute.
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// The weight we allow ourselves in a minute.
    pub fn allowed(&self) -> u32 {
        let share = u64::from(self.limit) * u64::from(self.share_percent) / 100;
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// The weight that counts as used at `now`.
    pub fn used(&mut self, now: WallNs) -> u32 {
        self.forget(now);
        let heard = self.heard.map_or(0, |heard| heard.used);
        u32::try_from(self.sent_weight.max(heard)).unwrap_or(u32::MAX)
    }

    /// Whether a request of this weight may go now.
    pub fn may_send(&mut self, weight: u32, now: WallNs) -> bool {
        let free = self.blocked_until(now).is_none();
        free && u64::from(self.used(now)) + u64::from(weight) <= u64::from(self.allowed())
    }

    /// When a request of this weight may go, if nothing is sent or answered until then.
    ///
    /// `None` if that cannot be said: it is heavier than all that is allowed, or waits for an answer to another.
    pub fn ready_at(&mut self, weight: u32, now: WallNs) -> Option<WallNs> {
        self.forget(now);
        let room = u64::from(self.allowed()).checked_sub(u64::from(weight))?;
        let mut at = self.blocked_until(now).unwrap_or(now);
        if let Some(heard) = self.heard.filter(|heard| heard.used > room) {
            at = at.max(heard.ends);
        }
        let mut used = self.sent_weight;
        let mut ends: Vec<_> = self
            .sent
            .iter()
            .filter_map(|s| Some((s.ends?, s.weight)))
            .collect();
        ends.sort_unstable();
        for (end, weight) in ends {
            if used <= room {
                break;
            }
            used -= u64::from(weight);
            at = at.max(end);
        }
        (used <= room).then_some(at)
    }

    /// A request of this weight goes now. Its answer is told with [`Self::replied`] or [`Self::failed`].
    pub fn sent(&mut self, weight: u32, now: WallNs) -> Ticket {
        self.forget(now);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.sent.push_back(Sent {
            ticket,
            weight,
            ends: None,
        });
        self.sent_weight += u64::from(weight);
        if let Some(heard) = &mut self.heard {
            heard.used += u64::from(weight);
        }
        ticket
    }

    /// The answer to a request. If it says that a limit was passed, nothing may go before the time returned.
    pub fn replied(&mut self, ticket: Ticket, reply: &Reply, now: WallNs) -> Option<Limited> {
        self.ended(ticket, now);
        if let Some(used) = reply.used_weight {
            self.heard(ticket, used, now);
        }
        if !matches!(reply.status, 429 | 418) {
            if (200..300).contains(&reply.status) {
                self.unnamed = 0;
            }
            return None;
        }
        let pause = reply.retry_after.map_or_else(
            || {
                let first = if reply.status == 418 {
                    PAUSE_418
                } else {
                    PAUSE_429
                };
                let pause = first.saturating_mul(2_u32.saturating_pow(self.unnamed));
                self.unnamed = self.unnamed.saturating_add(1);
                pause
            },
            |named| named.max(PAUSE_MIN),
        );
        let until = after(now, pause.min(PAUSE_MAX));
        let until = self.blocked_until(now).map_or(until, |at| at.max(until));
        self.blocked_until = Some(until);
        Some(Limited {
            status: reply.status,
            until,
        })
    }

    /// No answer will come. The venue may have counted the request all the same, so it stays counted for a minute.
    pub fn failed(&mut self, ticket: Ticket, now: WallNs) {
        self.ended(ticket, now);
    }

    /// Until when nothing may go because the venue said so.
    pub fn blocked_until(&self, now: WallNs) -> Option<WallNs> {
        self.blocked_until.filter(|&until| until > now)
    }

    fn ended(&mut self, ticket: Ticket, now: WallNs) {
        let sent = self.sent.iter_mut().find(|sent| sent.ticket == ticket);
        if let Some(sent) = sent.filter(|sent| sent.ends.is_none()) {
            let ends = after(now, MINUTE);
            sent.ends = Some(ends);
            self.ends_first = self.ends_first.min(ends);
        }
    }

    fn heard(&mut self, ticket: Ticket, used: u32, now: WallNs) {
        let unknown = |sent: &&Sent| sent.ends.is_none() || sent.ticket > ticket;
        let besides: u64 = self
            .sent
            .iter()
            .filter(unknown)
            .map(|sent| u64::from(sent.weight))
            .sum();
        let mut heard = Heard {
            ticket,
            used: u64::from(used) + besides,
            ends: after(now, MINUTE),
        };
        if let Some(before) = self
            .heard
            .filter(|before| before.ticket > ticket && before.ends > now)
        {
            // An answer that was overtaken knows less, and may have been counted later.
            heard.ticket = before.ticket;
            heard.used = heard.used.max(before.used);
        }
        self.heard = Some(heard);
    }

    fn forget(&mut self, now: WallNs) {
        self.heard = self.heard.filter(|heard| heard.ends > now);
        if now < self.ends_first {
            return;
        }
        self.sent
            .retain(|sent| sent.ends.is_none_or(|ends| ends > now));
        self.sent_weight = self.sent.iter().map(|sent| u64::from(sent.weight)).sum();
        let ends = self.sent.iter().filter_map(|sent| sent.ends).min();
        self.ends_first = ends.unwrap_or(WallNs(i64::MAX));
    }
}

/// The weight of a request, by the venue's documentation.
///
/// `path` is the last part of the request's path, `limit` its parameter of that name.
/// A request unknown here counts 50, as much as any of its size.
pub fn request_weight(venue: Venue, path: &str, limit: u32) -> u32 {
    if path == "ping" || path == "time" {
        1
    } else if matches!(venue, Venue::BinanceUsdm | Venue::BinanceCoinm) {
        futures_weight(path, limit)
    } else {
        spot_weight(path, limit)
    }
}

fn spot_weight(path: &str, limit: u32) -> u32 {
    match path {
        "exchangeInfo" => 20,
        "depth" => match limit {
            0..=100 => 5,
            101..=500 => 25,
            501..=1000 => 50,
            _ => 250,
        },
        "aggTrades" => 4,
        "trades" | "historicalTrades" => 25,
        "klines" => 2,
        _ => 50,
    }
}

fn futures_weight(path: &str, limit: u32) -> u32 {
    match path {
        "exchangeInfo" => 1,
        "depth" => match limit {
            1..=50 => 2,
            51..=100 => 5,
            0 | 101..=500 => 10,
            _ => 20,
        },
        "aggTrades" | "historicalTrades" => 20,
        "trades" => 5,
        "klines" => match limit {
            1..100 => 1,
            100..500 => 2,
            0 | 500..=1000 => 5,
            _ => 10,
        },
        _ => 50,
    }
}

#[cfg(test)]
mod tests;
