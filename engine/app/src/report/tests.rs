use super::*;

#[test]
fn numbers_read_easily() {
    assert_eq!(thousands(0), "0");
    assert_eq!(thousands(999), "999");
    assert_eq!(thousands(1_000), "1,000");
    assert_eq!(thousands(1_234_567), "1,234,567");
    assert_eq!(duration(950), "950 ns");
    assert_eq!(duration(123_456), "123.5 us");
    assert_eq!(duration(12_345_678), "12.3 ms");
    assert_eq!(duration(98_765_432_100), "98.8 s");
}

#[test]
fn a_fault_is_shown_and_makes_the_report_bad() {
    let report = Report {
        faults: vec!["recorded 3 of 4".to_owned()],
        ..Report::default()
    };
    assert!(!report.is_good());
    assert!(report.to_text().ends_with("fault: recorded 3 of 4\n"));
}

#[test]
fn the_keys_programs_rely_on_are_there() {
    let json = serde_json::to_value(Report::default()).expect("plain data");
    for key in [
        "frames",
        "frames_rejected",
        "events",
        "trades",
        "book_updates",
        "gaps",
        "duplicates",
        "signals",
        "rows_stored",
        "wall_ns",
        "events_per_s",
        "latency_ns",
        "edges",
        "books",
        "state_hash",
        "content_hash",
        "bars_revised",
        "backfill",
        "connection",
        "checksums",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
}
