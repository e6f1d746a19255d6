use super::*;

fn rests(kind: IdleKind, count: usize) -> Vec<Rest> {
    let mut idle = Idle::new(kind);
    (0..count).map(|_| idle.rest()).collect()
}

#[test]
fn spin_and_yield_never_change_their_mind() {
    assert!(rests(IdleKind::Spin, 500).iter().all(|&r| r == Rest::Spin));
    assert!(
        rests(IdleKind::Yield, 500)
            .iter()
            .all(|&r| r == Rest::Yield)
    );
}

#[test]
fn park_spins_then_yields_then_parks() {
    let rests = rests(IdleKind::Park, 100);
    assert!(rests[..64].iter().all(|&r| r == Rest::Spin));
    assert!(rests[64..80].iter().all(|&r| r == Rest::Yield));
    assert!(rests[80..].iter().all(|&r| r == Rest::Park));
}

#[test]
fn backoff_sleeps_longer_up_to_its_cap() {
    let sleeps: Vec<u128> = rests(IdleKind::Backoff, 90)
        .iter()
        .filter_map(|rest| match rest {
            Rest::Sleep(time) => Some(time.as_micros()),
            _ => None,
        })
        .collect();
    assert_eq!(sleeps, [20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000]);
}

#[test]
fn work_starts_the_strategy_over() {
    let mut idle = Idle::new(IdleKind::Backoff);
    for _ in 0..90 {
        idle.rest();
    }
    idle.worked();
    assert_eq!(idle.rest(), Rest::Spin);
}
