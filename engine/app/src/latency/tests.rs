use super::{INTENDED, since, stamp};

#[test]
fn a_stamp_holds_both_times() {
    for intended in [0, 1, 1_000_000_007, INTENDED - 5] {
        for late in [0, 1, 2047, 2048, 123_456, 1_000_000_000, 90_000_000_000] {
            for served in [0, 1, 500, 3_000_000_000] {
                let (taken, now) = (intended + late, intended + late + served);
                let (latency, service) = since(stamp(intended, taken), now);
                assert_eq!(latency, late + served, "{intended} {late} {served}");
                // what is cut of the lateness, at most a thousandth of it, counts as service
                let error = service - served;
                assert!(
                    error <= late / 1024,
                    "{intended} {late} {served}: {service}"
                );
            }
        }
    }
}

#[test]
fn an_end_before_its_begin_takes_no_time() {
    assert_eq!(since(stamp(1_000, 1_000), 990), (0, 0));
}
