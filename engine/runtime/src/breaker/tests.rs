use super::*;

const SECOND: u64 = 1_000_000_000;

fn breaker() -> Breaker {
    Breaker::new(BreakerRules::default())
}

fn tripped(at: u64) -> Breaker {
    let mut breaker = breaker();
    let trips: Vec<_> = (0..5).map(|_| breaker.record_error(at)).collect();
    assert_eq!(trips, [false, false, false, false, true]);
    breaker
}

#[test]
fn five_failures_open_it_for_a_minute_and_then_one_may_try() {
    let mut breaker = breaker();
    for at in 1..=4 {
        assert!(breaker.can_execute(at * SECOND));
        assert!(!breaker.record_error(at * SECOND));
    }
    assert!(!breaker.is_tripped());
    assert!(breaker.record_error(5 * SECOND));
    assert!(breaker.is_tripped());
    // one that was under way when it opened trips nothing anew
    assert!(!breaker.record_error(6 * SECOND));
    for at in 6..65 {
        assert!(!breaker.can_execute(at * SECOND), "at {at} s");
    }
    assert!(breaker.can_execute(65 * SECOND));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(!breaker.can_execute(65 * SECOND));
    assert!(!breaker.can_execute(100 * SECOND));
    // the trial fails: open again for as long
    assert!(breaker.record_error(101 * SECOND));
    assert!(!breaker.can_execute(160 * SECOND));
    assert!(breaker.can_execute(161 * SECOND));
    assert!(breaker.record_success());
    assert_eq!(
        breaker.stats(162 * SECOND),
        BreakerStats {
            error_count: 0,
            is_open: false,
            last_trip_time: Some(101 * SECOND)
        }
    );
    assert!(breaker.can_execute(162 * SECOND));
    assert!(!breaker.record_success());
}

#[test]
fn a_trial_nobody_hears_of_is_followed_by_another() {
    let mut breaker = tripped(0);
    assert!(breaker.can_execute(60 * SECOND));
    assert!(!breaker.can_execute(119 * SECOND));
    assert!(breaker.can_execute(120 * SECOND));
    assert!(!breaker.can_execute(121 * SECOND));
}

#[test]
fn errors_are_forgotten_a_minute_after_the_last() {
    let mut breaker = breaker();
    for at in [0, 59, 118, 177] {
        breaker.record_error(at * SECOND);
    }
    assert_eq!(breaker.stats(236 * SECOND).error_count, 4);
    assert_eq!(breaker.stats(237 * SECOND).error_count, 0);
    assert!(!breaker.record_error(237 * SECOND));
    assert_eq!(breaker.stats(237 * SECOND).error_count, 1);
    // a success does not forget them
    breaker.record_success();
    assert_eq!(breaker.stats(237 * SECOND).error_count, 1);
}

#[test]
fn only_failures_count_and_nothing_runs_while_it_is_open() {
    let mut breaker = breaker();
    for _ in 0..100 {
        let rejected = breaker.execute(0, || Err::<(), _>(Fault::Rejected("no such symbol")));
        assert_eq!(
            rejected,
            Err(ExecuteError::Fault(Fault::Rejected("no such symbol")))
        );
    }
    assert_eq!(breaker.stats(0).error_count, 0);
    for _ in 0..5 {
        let failed = breaker.execute(0, || Err::<(), _>(Fault::Failed("timed out")));
        assert_eq!(failed.unwrap_err().to_string(), "timed out");
    }
    let refused = breaker.execute::<(), &str>(SECOND / 2, || unreachable!("it is open"));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Circuit breaker is OPEN; try again in 59500 ms"
    );
    assert_eq!(
        breaker.execute(60 * SECOND, || Ok::<_, Fault<&str>>(7)),
        Ok(7)
    );
    assert!(!breaker.is_tripped());
    let mut breaker = tripped(0);
    assert!(breaker.can_execute(60 * SECOND));
    assert_eq!(
        breaker.refused(61 * SECOND).to_string(),
        "Circuit breaker is HALF_OPEN; try again in 59000 ms"
    );
    // a trial that is told no was answered
    let mut breaker = tripped(0);
    let rejected = breaker.execute(60 * SECOND, || Err::<(), _>(Fault::Rejected("no")));
    assert!(rejected.is_err() && !breaker.is_tripped());
}

#[test]
fn the_ends_of_time_overflow_nothing() {
    let mut breaker = tripped(u64::MAX);
    assert!(!breaker.can_execute(u64::MAX));
    assert!(!breaker.can_execute(0));
    assert_eq!(breaker.stats(u64::MAX).error_count, 5);
}
