use super::*;
use expect_test::expect;
use proptest::prelude::*;
use std::fmt::Write;

fn secs(of: u64) -> WallNs {
    after(WallNs::ZERO, Duration::from_secs(of))
}

/// The waits of that many attempts, one a line, in ms.
fn waits(rules: BackoffRules, seed: u64, attempts: u32) -> String {
    let mut backoff = Backoff::new(rules, seed);
    let mut out = String::new();
    for _ in 0..attempts {
        let attempt = backoff.failed(WallNs::ZERO);
        let reload = if attempt.hard_reload {
            " hard reload"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "{} {} ms{reload}",
            attempt.number,
            attempt.wait.as_millis()
        );
    }
    out
}

#[test]
fn a_seed_gives_the_same_waits_always() {
    expect![[r"
        1 5283 ms
        2 10745 ms
        3 21942 ms
        4 41777 ms
        5 82221 ms
        6 163814 ms
        7 304386 ms
        8 302615 ms
        9 301427 ms
        10 303969 ms
        11 302020 ms
        12 303027 ms
        13 302274 ms
        14 302650 ms
        15 302179 ms
        16 300835 ms hard reload
        17 303226 ms
    "]]
    .assert_eq(&waits(BackoffRules::VENUE, 1, 17));
    expect![[r"
        1 1056 ms
        2 2149 ms
        3 4388 ms
        4 8355 ms
        5 16710 ms
        6 32288 ms hard reload
        7 32632 ms
        8 31569 ms
    "]]
    .assert_eq(&waits(BackoffRules::FX, 1, 8));
    assert_ne!(
        waits(BackoffRules::VENUE, 1, 3),
        waits(BackoffRules::VENUE, 2, 3)
    );
}

proptest! {
    #[test]
    fn waits_lie_in_the_ranges_of_the_table(seed: u64) {
        // whole seconds and the most that chance may add, in ms
        let venue = [(5, 500), (10, 1000), (20, 2000), (40, 4000), (80, 5000), (160, 5000), (300, 5000), (300, 5000)];
        let fx = [(1, 100), (2, 200), (4, 400), (8, 800), (16, 1600), (30, 3000), (30, 3000)];
        for (rules, table) in [(BackoffRules::VENUE, &venue[..]), (BackoffRules::FX, &fx[..])] {
            let mut backoff = Backoff::new(rules, seed);
            let now = secs(7);
            for &(base, chance) in table {
                let attempt = backoff.failed(now);
                let base = Duration::from_secs(base);
                prop_assert!(attempt.wait >= base);
                prop_assert!(attempt.wait <= base + Duration::from_millis(chance));
                prop_assert_eq!(attempt.at, after(now, attempt.wait));
            }
        }
    }
}

#[test]
fn the_whole_range_of_chance_is_used() {
    let mut random = Seeded(3);
    let most = Duration::from_nanos(9);
    let mut seen = [0; 10];
    for _ in 0..10_000 {
        seen[usize::try_from(random.up_to(most).as_nanos()).unwrap()] += 1;
    }
    assert!(
        seen.iter().all(|&count| (800..1200).contains(&count)),
        "{seen:?}"
    );
    assert_eq!(random.up_to(Duration::ZERO), Duration::ZERO);
}

#[test]
fn a_minute_of_healthy_data_forgets_the_attempts() {
    let mut backoff = Backoff::new(BackoffRules::VENUE, 5);
    assert!(!backoff.data(secs(0)));
    for _ in 0..3 {
        backoff.failed(secs(0));
    }
    assert!(!backoff.data(secs(100)));
    assert!(!backoff.data(secs(159)));
    assert_eq!(backoff.attempts(), 3);
    // lost before the minute was over: it counts on
    assert_eq!(backoff.failed(secs(159)).number, 4);
    assert!(!backoff.data(secs(200)));
    backoff.unhealthy();
    assert!(!backoff.data(secs(259)));
    assert!(!backoff.data(secs(300)));
    assert!(backoff.data(secs(319)));
    assert_eq!(backoff.attempts(), 0);
    assert!(!backoff.data(secs(400)));
    assert_eq!(backoff.failed(secs(400)).number, 1);
}

#[test]
fn somebody_is_asked_to_look_once_and_attempts_go_on() {
    let mut backoff = Backoff::new(BackoffRules::VENUE, 5);
    let asked: Vec<_> = (0..1000)
        .map(|_| backoff.failed(WallNs::ZERO))
        .filter(|attempt| attempt.hard_reload)
        .map(|attempt| attempt.number)
        .collect();
    assert_eq!(asked, [16]);
    // never the end of time, never an overflow
    backoff.attempts = u32::MAX;
    assert_eq!(backoff.failed(WallNs(i64::MAX)).at, WallNs(i64::MAX));
    assert_eq!(backoff.attempts(), u32::MAX);
}
