use super::*;
use expect_test::expect;
use proptest::prelude::*;
use std::fmt::Write;

fn ms(of: u64) -> WallNs {
    after(WallNs::ZERO, Duration::from_millis(of))
}

fn secs(of: u64) -> WallNs {
    ms(of * 1000)
}

fn reply(status: u16, used: Option<u32>, retry_after: Option<u64>) -> Reply {
    Reply {
        status,
        used_weight: used,
        retry_after: retry_after.map(Duration::from_secs),
    }
}

fn budget() -> WeightBudget {
    WeightBudget::new(6000, WeightBudget::SHARE_PERCENT)
}

#[test]
fn four_fifths_of_the_limit_and_not_one_more() {
    let mut budget = budget();
    assert_eq!(budget.allowed(), 4800);
    for at in 0..19 {
        assert!(budget.may_send(250, secs(at)));
        let ticket = budget.sent(250, secs(at));
        budget.replied(ticket, &reply(200, None, None), secs(at));
    }
    assert!(!budget.may_send(250, secs(20)));
    assert!(budget.may_send(50, secs(20)));
    // the first was answered at 0 and counts for a minute
    assert_eq!(budget.ready_at(250, secs(20)), Some(secs(60)));
    assert!(!budget.may_send(250, secs(59)));
    assert!(budget.may_send(250, secs(60)));
    assert_eq!(budget.used(secs(60)), 18 * 250);
    // the venue allows less than was thought
    budget.set_limit(2400);
    assert!(!budget.may_send(1, secs(60)));
    assert_eq!(budget.ready_at(2000, secs(60)), None);
}

#[test]
fn a_request_under_way_counts_until_a_minute_after_its_answer() {
    let mut budget = budget();
    let ticket = budget.sent(4800, secs(0));
    assert!(!budget.may_send(1, secs(100)));
    assert_eq!(budget.ready_at(1, secs(100)), None);
    budget.failed(ticket, secs(100));
    assert_eq!(budget.ready_at(1, secs(100)), Some(secs(160)));
    // told twice changes nothing
    budget.failed(ticket, secs(130));
    assert!(budget.may_send(4800, secs(160)));
}

#[test]
fn what_others_use_is_known_by_the_header_for_a_minute() {
    let mut budget = budget();
    let first = budget.sent(10, secs(0));
    let second = budget.sent(20, secs(1));
    budget.replied(first, &reply(200, Some(4000), None), secs(2));
    // the second may not be in the venue's count yet
    assert_eq!(budget.used(secs(2)), 4020);
    budget.sent(5, secs(3));
    assert_eq!(budget.used(secs(3)), 4025);
    budget.replied(second, &reply(200, Some(4100), None), secs(4));
    assert_eq!(budget.used(secs(4)), 4105);
    // an answer that was overtaken does not lower it
    budget.replied(first, &reply(200, Some(10), None), secs(5));
    assert_eq!(budget.used(secs(5)), 4105);
    assert_eq!(budget.ready_at(4000, secs(5)), Some(secs(65)));
    assert_eq!(budget.used(secs(65)), 5);
}

#[test]
fn seven_seconds_mean_seven_seconds_for_everything() {
    let mut budget = budget();
    let (first, second) = (budget.sent(1, secs(0)), budget.sent(1, secs(0)));
    let limited = budget.replied(first, &reply(429, None, Some(7)), secs(1));
    assert_eq!(
        limited,
        Some(Limited {
            status: 429,
            until: secs(8)
        })
    );
    // an answer that was under way does not shorten it
    assert_eq!(
        budget.replied(second, &reply(200, Some(2), None), secs(2)),
        None
    );
    assert!(!budget.may_send(1, ms(7999)));
    assert_eq!(budget.ready_at(1, secs(3)), Some(secs(8)));
    assert!(budget.may_send(1, secs(8)));
    // nor does a second refusal that names less
    budget.replied(first, &reply(429, None, Some(100)), secs(10));
    budget.replied(second, &reply(418, None, Some(1)), secs(11));
    assert_eq!(budget.blocked_until(secs(11)), Some(secs(110)));
}

#[test]
fn a_refusal_without_a_time_waits_twice_as_long_each_time() {
    let mut out = String::new();
    for status in [429, 418] {
        let mut budget = budget();
        let mut now = WallNs::ZERO;
        for _ in 0..16 {
            let ticket = budget.sent(1, now);
            let limited = budget.replied(ticket, &reply(status, None, None), now);
            let until = limited.unwrap().until;
            let _ = write!(out, "{} ", (until.0 - now.0) / 1_000_000_000);
            now = until;
        }
        // one good answer, and it begins anew
        let ticket = budget.sent(1, now);
        budget.replied(ticket, &reply(200, None, None), now);
        let limited = budget.replied(ticket, &reply(status, None, None), now);
        let again = (limited.unwrap().until.0 - now.0) / 1_000_000_000;
        let _ = writeln!(out, "then {again}");
    }
    expect![[r"
        60 120 240 480 960 1920 3840 7680 15360 30720 61440 122880 245760 259200 259200 259200 then 60
        120 240 480 960 1920 3840 7680 15360 30720 61440 122880 245760 259200 259200 259200 259200 then 120
    "]]
    .assert_eq(&out);
}

#[test]
fn times_that_make_no_sense_are_kept_in_bounds() {
    let mut budget = budget();
    let ticket = budget.sent(1, secs(0));
    let none = budget.replied(ticket, &reply(429, None, Some(0)), secs(0));
    assert_eq!(none.unwrap().until, secs(1));
    let ever = budget.replied(ticket, &reply(418, None, Some(u64::MAX)), secs(0));
    assert_eq!(ever.unwrap().until, secs(72 * 3600));
    budget.replied(ticket, &reply(200, Some(u32::MAX), None), secs(0));
    budget.sent(u32::MAX, secs(0));
    assert_eq!(budget.used(secs(0)), u32::MAX);
    assert!(!budget.may_send(u32::MAX, secs(0)));
}

#[test]
fn weights_are_those_of_the_venue() {
    let spot = |path, limit| request_weight(Venue::BinanceSpot, path, limit);
    let usdm = |path, limit| request_weight(Venue::BinanceUsdm, path, limit);
    assert_eq!(
        [100, 500, 1000, 5000].map(|l| spot("depth", l)),
        [5, 25, 50, 250]
    );
    assert_eq!(
        [50, 100, 500, 1000].map(|l| usdm("depth", l)),
        [2, 5, 10, 20]
    );
    let paths = [
        "exchangeInfo",
        "aggTrades",
        "historicalTrades",
        "klines",
        "ping",
        "else",
    ];
    assert_eq!(paths.map(|path| spot(path, 1000)), [20, 4, 25, 2, 1, 50]);
    assert_eq!(paths.map(|path| usdm(path, 1000)), [1, 20, 20, 5, 1, 50]);
}

/// How a venue counts: it never sees more than is allowed, however late it counts a request, whatever it says.
#[derive(Clone, Debug)]
struct Step {
    /// Before it is sent, in ms.
    pause: u64,
    weight: u32,
    /// From sending to being counted, and from that to the answer, in ms.
    way: u64,
    back: u64,
    status: u16,
    /// What the header adds to the truth, as others' requests would.
    others: Option<u32>,
    retry_after: Option<u64>,
    /// No answer ever comes; the caller gives up when it would have come.
    silent: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0..8000_u64,
        prop_oneof![Just(250_u32), Just(4), Just(2), 1..300_u32],
        0..15_000_u64,
        0..15_000_u64,
        prop_oneof![8 => Just(200_u16), 1 => Just(429), 1 => Just(418), 1 => Just(503)],
        proptest::option::of(0..500_u32),
        proptest::option::of(0..30_u64),
        prop::bool::weighted(0.1),
    );
    let step = step.prop_map(
        |(pause, weight, way, back, status, others, retry_after, silent)| Step {
            pause,
            weight,
            way,
            back,
            status,
            others,
            retry_after,
            silent,
        },
    );
    proptest::collection::vec(step, 1..150)
}

proptest! {
    #[test]
    fn never_above_the_share_in_any_minute_for_any_answers(steps in steps(), limit in 400..3000_u32) {
        let mut budget = WeightBudget::new(limit, 80);
        let mut now = 0_u64;
        // when the venue counted how much
        let mut counted: Vec<(u64, u32)> = Vec::new();
        // answers under way: when, whose, what
        let mut answers: Vec<(u64, Ticket, Reply, bool)> = Vec::new();
        let mut blocked = 0_u64;
        for step in steps {
            now += step.pause;
            // wait until it may go, taking the answers in their order
            for round in 0.. {
                answers.sort_by_key(|answer| std::cmp::Reverse(answer.0));
                while answers.last().is_some_and(|answer| answer.0 <= now) {
                    let (at, ticket, reply, silent) = answers.pop().unwrap();
                    if silent {
                        budget.failed(ticket, ms(at));
                    } else if let Some(limited) = budget.replied(ticket, &reply, ms(at)) {
                        let named = reply.retry_after.map_or(60_000, |pause| pause.as_secs().max(1) * 1000);
                        prop_assert!(limited.until >= ms(at + named));
                        blocked = blocked.max(u64::try_from(limited.until.0).unwrap() / 1_000_000);
                    }
                }
                if budget.may_send(step.weight, ms(now)) {
                    break;
                }
                prop_assert!(round < 1000, "it never lets anything pass again");
                let ready = budget.ready_at(step.weight, ms(now));
                let next_answer = answers.last().map(|answer| answer.0);
                let ready = ready.map(|at| u64::try_from(at.0).unwrap().div_ceil(1_000_000));
                prop_assert!(ready.is_none_or(|at| at > now), "it said now and meant later");
                if let (Some(at), true) = (ready, next_answer.is_none_or(|answer| Some(answer) > ready)) {
                    prop_assert!(budget.clone().may_send(step.weight, ms(at)));
                    now = at;
                } else {
                    now = next_answer.expect("what is neither ready nor waits for an answer is stuck");
                }
            }
            prop_assert!(now >= blocked, "sent at {} while blocked until {}", now, blocked);
            let ticket = budget.sent(step.weight, ms(now));
            counted.push((now + step.way, step.weight));
            let used = step.others.map(|others| others + counted.iter().map(|it| it.1).sum::<u32>() / 4);
            let reply = reply(step.status, used, step.retry_after);
            answers.push((now + step.way + step.back, ticket, reply, step.silent));
        }
        // every window of the venue that begins with a request
        for &(from, _) in &counted {
            let inside = counted.iter().filter(|it| (from..from + 60_000).contains(&it.0));
            let weight: u32 = inside.map(|it| it.1).sum();
            prop_assert!(weight <= limit * 8 / 10, "{} of {} from {} ms", weight, limit, from);
        }
    }
}
