use super::*;
use crate::clock::Clock;
use crate::metrics::empty_histogram;
use pitlane_lockfree::counters::{Anchor, CountersPage, PageOptions, Unit};
use std::time::Duration;

fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram<u64> {
    let mut histogram = empty_histogram();
    for value in values {
        histogram.record(value).expect("it grows");
    }
    histogram
}

fn write_two_intervals(folder: &Path) {
    let mut writer =
        HlogWriter::create(&folder.join(HLOG), 1_700_000_000_000_000_000).expect("a new file");
    let second = Duration::from_secs(1);
    let parts = [
        ("market/apply", histogram(1..=1000), 0),
        ("feed/decode, all", histogram([5, 50, 500]), 0),
        ("market/apply", histogram(2000..=3000), 1),
    ];
    for (name, part, at) in parts {
        writer
            .write(name, &part, second * at, second)
            .expect("room on the disk");
    }
    writer.flush().expect("room on the disk");
}

#[test]
fn an_interval_log_reads_back_as_the_sum_of_its_intervals() {
    let folder = tempfile::tempdir().expect("a folder");
    write_two_intervals(folder.path());
    let stats = load(folder.path()).expect("the log alone is a dump");
    assert_eq!((stats.intervals, stats.truncated), (3, false));
    assert!(stats.summary.is_none());
    let expected = histogram((1..=1000).chain(2000..=3000));
    assert_eq!(stats.histograms["market/apply"], expected);
    // what a tag may not hold was replaced
    assert_eq!(stats.histograms["feed/decode__all"].len(), 3);
    let percentiles = stats.percentiles()["market/apply"];
    assert_eq!((percentiles.count, percentiles.min), (2001, 1));
    assert!(expected.equivalent(percentiles.max, 3000));
}

#[test]
fn the_header_is_the_one_plotters_expect() {
    let folder = tempfile::tempdir().expect("a folder");
    write_two_intervals(folder.path());
    let text = std::fs::read_to_string(folder.path().join(HLOG)).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "#[Histogram log format version 1.3]");
    assert!(
        lines[2].starts_with("#[StartTime: 1700000000.000 "),
        "{}",
        lines[2]
    );
    assert!(
        lines[3].starts_with("#[BaseTime: 1700000000.000 "),
        "{}",
        lines[3]
    );
    assert!(lines[4].starts_with("\"StartTimestamp\""), "{}", lines[4]);
    // HISTFAAAA is how the compressed V2 form begins in base64
    assert!(
        lines[5].starts_with("Tag=market/apply,0.000,1.000,"),
        "{}",
        lines[5]
    );
    assert!(lines[5].contains(",HISTFAAAA"), "{}", lines[5]);
}

#[test]
fn a_log_cut_anywhere_reads_up_to_its_last_whole_line() {
    let folder = tempfile::tempdir().expect("a folder");
    write_two_intervals(folder.path());
    let bytes = std::fs::read(folder.path().join(HLOG)).expect("the log");
    let mut counts = Vec::new();
    for cut in (0..=bytes.len()).rev() {
        let read = read_hlog(&bytes[..cut]).unwrap_or_else(|what| panic!("cut at {cut}: {what}"));
        let on_a_line = cut == 0 || bytes[cut - 1] == b'\n';
        assert_eq!(read.truncated, !on_a_line, "cut at {cut}");
        counts.push(read.count);
    }
    counts.dedup();
    assert_eq!(counts, [3, 2, 1, 0]);
}

#[test]
fn damage_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    write_two_intervals(folder.path());
    let path = folder.path().join(HLOG);
    let text = std::fs::read_to_string(&path).expect("text");
    for (from, to, says) in [
        ("HISTFAAAA", "HISTF****", "interval 1 (market/apply)"),
        ("HISTFAAAA", "AAAAAAAAA", "interval 1 (market/apply)"),
        ("Tag=market", "Dag=market", "line 6 is neither"),
    ] {
        std::fs::write(&path, text.replacen(from, to, 1)).expect("room");
        let error = load(folder.path()).expect_err("damaged").to_string();
        assert!(error.contains(says), "{from} -> {to}: {error}");
        assert!(error.contains(HLOG), "{error}");
    }
}

#[test]
fn no_dump_is_told_as_such() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = load(folder.path()).expect_err("empty");
    assert!(matches!(error, StatsError::Missing { .. }), "{error}");
    std::fs::write(folder.path().join(JSON), "{\"version\":1").expect("room");
    let error = load(folder.path()).expect_err("half a summary");
    assert!(matches!(error, StatsError::Json { .. }), "{error}");
}

#[test]
fn an_empty_distribution_is_all_zero() {
    assert_eq!(Percentiles::of(&empty_histogram()), Percentiles::default());
}

/// A page as an engine leaves it, whose process never was.
fn write_page(folder: &Path, pid: u32) {
    let options = PageOptions {
        pid,
        start_wall_ns: 1_700_000_000_000_000_000,
        ..PageOptions::default()
    };
    let page = CountersPage::create(&folder.join(PAGE), options).expect("a page");
    let counter = |owner, label, unit| page.counter(owner, label, unit).expect("room");
    counter("feed", "frames", Unit::Count).add(7);
    counter("feed", "edge.a.blocked_ticks", Unit::RawTicks).add(3_000);
    let gauge = page.gauge("market", "depth", Unit::Count);
    gauge.expect("room").set(9);
    let mut latency = page
        .histogram("market", "cycle_ticks", Unit::RawTicks)
        .expect("room");
    (0..100).for_each(|_| latency.record(500_000));
    for (what, number) in [
        (&crate::supervisor::UPDATES, 100),
        (&crate::supervisor::BATCHES, 20),
        (&crate::supervisor::FLUSHES, 10),
    ] {
        let counter = page.declared_counter(crate::supervisor::ROLE, what);
        counter.expect("room").add(number);
    }
    page.errors().first("storage", "disk full", 1);
    let mut anchors = page.anchors();
    anchors.set_ticks_per_second(2_000_000_000);
    anchors.add(Anchor {
        raw: 1,
        monotonic_ns: 1,
        wall_ns: 1_700_000_003_000_000_000,
    });
}

#[test]
fn a_killed_run_is_read_from_its_page_which_is_ahead_of_its_log() {
    let folder = tempfile::tempdir().expect("a folder");
    write_two_intervals(folder.path());
    write_page(folder.path(), u32::MAX);
    let stats = load(folder.path()).expect("a page");
    assert_eq!(stats.end, End::Killed { pid: u32::MAX });
    assert_eq!((stats.intervals, stats.summary.is_none()), (3, true));
    assert_eq!(stats.elapsed_ns, 3_000_000_000);
    assert_eq!(stats.counters["feed/frames"], 7);
    // lengths of time are nanoseconds: the clock of this page counts twice in one
    assert_eq!(stats.counters["feed/edge.a.blocked_ns"], 1_500);
    assert_eq!(stats.gauges["market/depth"], 9);
    let cycles = stats.percentiles()["market/cycle_ns"];
    assert_eq!(cycles.count, 100);
    assert!(stats.histograms["market/cycle_ns"].equivalent(cycles.max, 250_000));
    assert!((stats.batching.saving() - 0.8).abs() < 1e-12);
    assert_eq!(
        (stats.errors[0].agent.as_str(), stats.errors[0].count),
        ("storage", 1)
    );
}

#[test]
fn a_page_whose_process_lives_is_of_a_run_that_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let pid = std::process::id();
    write_page(folder.path(), pid);
    // this process began long after that page
    let stats = load(folder.path()).expect("a page");
    assert_eq!(stats.end, End::Killed { pid });
    let options = PageOptions {
        pid,
        start_wall_ns: Clock::new().anchor().wall_ns,
        ..PageOptions::default()
    };
    let _page = CountersPage::create(&folder.path().join(PAGE), options).expect("a page");
    let stats = load(folder.path()).expect("a page");
    assert_eq!(stats.end, End::Running { pid });
}

#[test]
fn dumps_add_up() {
    let folders = [0, 1].map(|_| tempfile::tempdir().expect("a folder"));
    for folder in &folders {
        write_two_intervals(folder.path());
        write_page(folder.path(), u32::MAX);
    }
    // one of them has a log only
    std::fs::remove_file(folders[1].path().join(PAGE)).expect("it is there");
    let mut sum = load(folders[0].path()).expect("a page");
    sum.merge(load(folders[0].path()).expect("a page"))
        .expect("they fit");
    sum.merge(load(&folders[1].path().join(HLOG)).expect("a log"))
        .expect("they fit");
    assert_eq!(sum.paths.len(), 3);
    assert_eq!(sum.end, End::Killed { pid: u32::MAX });
    assert_eq!(sum.counters["feed/frames"], 14);
    assert_eq!(sum.gauges["market/depth"], 9);
    assert_eq!(sum.histograms["market/cycle_ns"].len(), 200);
    assert_eq!(sum.histograms["market/apply"].len(), 2001);
    assert_eq!((sum.intervals, sum.batching.updates), (9, 200));
    assert_eq!(sum.started_wall_ns, 1_700_000_000_000_000_000);
}

#[test]
fn what_is_no_dump_is_told_with_its_name_and_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    for (text, says) in [
        ("", "it is empty"),
        ("hello\n", "line 1 is no comment"),
        ("#[a comment]\nhello\n", "line 2 is neither"),
    ] {
        std::fs::write(&path, text).expect("room");
        let error = load(&path).expect_err("foreign").to_string();
        assert!(error.contains(says) && error.contains("file"), "{error}");
    }
    let json = folder.path().join(JSON);
    std::fs::write(&json, "{\"version\": 9}").expect("room");
    let error = load(folder.path())
        .expect_err("from the future")
        .to_string();
    assert!(error.contains("version 9, this program reads 1"), "{error}");
    let error = load(&json).expect_err("not a log").to_string();
    assert!(error.contains("name the folder it lies in"), "{error}");
    std::fs::remove_file(&json).expect("it is there");
    std::fs::write(folder.path().join(PAGE), vec![0; 5000]).expect("room");
    let error = load(folder.path()).expect_err("no page").to_string();
    assert!(
        error.contains("not a counters page, or is cut short"),
        "{error}"
    );
}

/// Values up to 2047 are told apart, so each rank is its value.
#[test]
fn ranks_are_reckoned_in_integers() {
    for count in [1_u64, 2, 9, 10, 999, 1000, 1001, 2000] {
        let histogram = histogram(1..=count);
        for per_mille in [1_u16, 500, 900, 990, 999, 1000] {
            let rank = (count * u64::from(per_mille)).div_ceil(1000);
            assert_eq!(
                value_at(&histogram, per_mille),
                rank,
                "{per_mille} of {count}"
            );
        }
    }
}
