use super::*;
use crate::metrics::empty_histogram;
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
        ("Tag=market", "Dag=market", "ParseError"),
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
