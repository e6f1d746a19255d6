use super::*;

fn cores() -> Vec<usize> {
    os::affinity().expect("own mask").into_iter().collect()
}

#[test]
fn a_measured_core_adds_up() {
    let clock = Clock::new();
    let core = cores()[0];
    let time = Duration::from_millis(30);
    let mut told = 0;
    let stop = AtomicBool::new(false);
    let measured = measure(&[core], time, &clock, &stop, &mut |_| told += 1).expect("not stopped");
    let [Ok(it)] = measured.as_slice() else {
        panic!("{measured:?}")
    };
    assert_eq!(it.core, core);
    assert!(it.elapsed_ns >= 30_000_000);
    assert!(it.readings > 1);
    assert!(it.lost_ns <= it.elapsed_ns);
    assert!(it.max_ns <= it.lost_ns);
    assert!(it.over.is_sorted_by(|fewer, more| fewer >= more));
    assert!(it.waits.max() >= it.max_ns);
    assert!(it.waits.len() >= 29_000, "one event a microsecond");
    assert!(it.switches.is_some());
    assert!(told > 0);
}

#[test]
fn a_core_that_does_not_exist_is_told_and_the_others_are_measured() {
    let clock = Clock::new();
    let time = Duration::from_millis(5);
    let stop = AtomicBool::new(false);
    let asked = [cores()[0], os::MAX_CORES];
    let measured = measure(&asked, time, &clock, &stop, &mut |_| ()).expect("not stopped");
    assert!(measured[0].is_ok());
    assert_eq!(
        measured[1].as_ref().expect_err("no such core"),
        &PinError::OutOfRange(os::MAX_CORES)
    );
}

#[test]
fn a_wish_to_stop_ends_it_at_once() {
    let clock = Clock::new();
    let stop = AtomicBool::new(true);
    let hour = Duration::from_hours(1);
    assert!(measure(&cores()[..1], hour, &clock, &stop, &mut |_| ()).is_none());
}

#[test]
fn a_long_gap_makes_many_events_wait() {
    let mut gaps = empty();
    gaps.record(1_000_000).expect("in bounds");
    // 10 ms, of which one was lost; the clock was read every 30 ns in the rest
    let waits = waits(&gaps, 10_000_000, 1_000_000, 300_000);
    assert_eq!(waits.len(), 10_000);
    assert_eq!(waits.value_at_quantile(0.5), 30);
    let nine_of_ten = waits.value_at_quantile(0.90);
    assert!(nine_of_ten <= 1_000, "{nine_of_ten}");
    let worst_twentieth = waits.value_at_quantile(0.95);
    assert!(
        (499_000..502_000).contains(&worst_twentieth),
        "{worst_twentieth}"
    );
}

#[test]
fn counters_of_two_cores_are_compared() {
    let cores = cores();
    let [first, second, ..] = cores.as_slice() else {
        eprintln!("skipped: one core only");
        return;
    };
    let clock = Clock::new();
    let stop = AtomicBool::new(false);
    let skew = skew(*second, *first, &clock, &stop).expect("both allowed");
    if let Some(skew) = skew {
        assert_eq!((skew.core, skew.against), (*second, *first));
        assert!(skew.bound_ns <= 500_000_000, "half of the longest time");
        let apart = skew.offset_ns.unsigned_abs();
        assert!(
            apart < 1_000_000_000,
            "the counters of one machine: {apart} ns"
        );
    }
    assert!(super::skew(os::MAX_CORES, *first, &clock, &stop).is_err());
}
