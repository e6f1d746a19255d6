//! The page as its writers and readers see it, and as a damaged file.

use super::histogram::{BUCKETS, LIMIT, bucket_high, bucket_low, bucket_of};
use super::layout::{ANCHOR_SLOTS, DIRECTORY, ENTRY_WORDS};
use super::{
    Anchor, CountersPage, Declared, Histogram, Owner, PageError, PageOptions, PageReader, Unit,
    Value,
};
use proptest::prelude::*;

mod threads;

fn small() -> PageOptions {
    PageOptions {
        entries: 8,
        errors: 2,
        value_bytes: 40_000,
        pid: 4711,
        start_wall_ns: 1_700_000_000_000_000_000,
    }
}

#[test]
fn every_number_has_a_place_and_a_name() {
    let page = CountersPage::heap(small());
    let mut frames = page.counter("feed", "frames", Unit::Count).unwrap();
    let mut depth = page.gauge("market", "depth", Unit::Count).unwrap();
    let mut latency = page.histogram("market", "hop", Unit::Nanoseconds).unwrap();
    let mut bytes = page.counter("feed", "bytes", Unit::Bytes).unwrap();
    frames.add(2);
    frames.add(3);
    depth.set(9);
    depth.raise(4);
    bytes.set(1000);
    latency.record(100);
    latency.record(300);
    let reader = page.reader();
    let seen = reader.snapshot();
    assert_eq!(
        (seen.pid, seen.start_wall_ns),
        (4711, small().start_wall_ns)
    );
    let names: Vec<_> = seen
        .entries
        .iter()
        .map(|entry| (entry.owner.as_str(), entry.label.as_str(), entry.unit))
        .collect();
    assert_eq!(
        names,
        [
            ("feed", "frames", Unit::Count),
            ("market", "depth", Unit::Count),
            ("market", "hop", Unit::Nanoseconds),
            ("feed", "bytes", Unit::Bytes)
        ]
    );
    assert_eq!(seen.value("feed", "frames"), Some(&Value::Counter(5)));
    assert_eq!(seen.value("market", "depth"), Some(&Value::Gauge(9)));
    assert_eq!(seen.value("feed", "bytes"), Some(&Value::Counter(1000)));
    assert_eq!(seen.value("feed", "nothing"), None);
    let Some(Value::Histogram(hop)) = seen.value("market", "hop") else {
        panic!("a histogram is a histogram");
    };
    assert_eq!((hop.count, hop.sum, hop.min, hop.max), (2, 400, 100, 300));
    // A snapshot is refreshed in place, and learns of what came later.
    let mut again = seen.clone();
    frames.add(1);
    let mut late = page.gauge("late", "one", Unit::Flag).unwrap();
    late.set(1);
    reader.snapshot_into(&mut again);
    assert_eq!(again.value("feed", "frames"), Some(&Value::Counter(6)));
    assert_eq!(again.value("late", "one"), Some(&Value::Gauge(1)));
    assert_eq!(again, reader.snapshot());
}

#[test]
fn what_cannot_be_placed_is_refused() {
    let page = CountersPage::heap(PageOptions {
        entries: 2,
        value_bytes: 100,
        ..small()
    });
    let long = "x".repeat(65);
    let refused = [
        page.counter("", "label", Unit::Count).err(),
        page.counter("owner", "", Unit::Count).err(),
        page.counter("owner", &long, Unit::Count).err(),
        page.counter(&long[..25], "label", Unit::Count).err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(PageError::Name { .. })), "{error:?}");
    }
    page.counter(&long[..24], &long[..64], Unit::Count).unwrap();
    let error = page.gauge(&long[..24], &long[..64], Unit::Count).err();
    assert!(matches!(error, Some(PageError::Duplicate { .. })));
    let error = page.histogram("o", "h", Unit::Count).err().unwrap();
    assert!(error.to_string().contains("value_bytes"), "{error}");
    page.gauge("o", "g", Unit::Count).unwrap();
    let error = page.counter("o", "c", Unit::Count).err().unwrap();
    assert!(error.to_string().contains("entries"), "{error}");
    let seen = page.reader().snapshot();
    assert_eq!(seen.entries[0].label, &long[..64]);
    assert_eq!(seen.entries[0].owner, &long[..24]);
}

const FRAMES: Declared = Declared::counter(
    7,
    Owner::Agent("feed"),
    "frames",
    Unit::Count,
    "Frames read.",
);
const SENT: Declared = Declared::counter(
    300,
    Owner::EdgeWriter,
    "sent",
    Unit::Count,
    "Messages sent.",
);

#[test]
fn a_declared_number_carries_its_id() {
    let page = CountersPage::heap(small());
    page.declared_counter("feed", &FRAMES).unwrap().add(2);
    page.edge_counter("feed", "feed-market", &SENT).unwrap();
    page.counter("feed", "other", Unit::Bytes).unwrap();
    let seen = page.reader().snapshot();
    let ids: Vec<_> = seen.entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [7, 300, 0]);
    assert_eq!(seen.entries[1].label, "edge.feed-market.sent");
    assert!(FRAMES.names("feed", "frames") && !FRAMES.names("market", "frames"));
    assert!(SENT.names("feed", "edge.feed-market.sent"));
    assert!(SENT.names("feed", "edge.log.feed.sent"));
    for other in ["sent", "edge.sent", "edge..sent", "edge.a.received"] {
        assert!(!SENT.names("feed", other), "{other}");
    }
}

#[test]
#[should_panic(expected = "declared as another kind")]
fn a_number_is_written_as_it_is_declared() {
    let _ = CountersPage::heap(small()).declared_gauge("feed", &FRAMES);
}

/// Workers have at most 10,000 names a process; whoever comes later is told, and counted.
#[test]
#[cfg_attr(miri, ignore = "ten thousand names")]
fn the_name_after_the_last_is_refused_and_counted() {
    let page = CountersPage::heap(PageOptions {
        entries: usize::MAX,
        value_bytes: 10_000 * 64,
        ..small()
    });
    for n in 0..10_000 {
        page.counter("o", &format!("n{n}"), Unit::Count).unwrap();
    }
    for _ in 0..3 {
        let error = page.counter("o", "one more", Unit::Count).err().unwrap();
        assert!(matches!(error, PageError::Full { .. }), "{error}");
    }
    let seen = page.reader().snapshot();
    assert_eq!((seen.entries.len(), seen.refused), (10_000, 3));
}

#[test]
fn distinct_errors_are_listed_once_and_counted() {
    let page = CountersPage::heap(small());
    let mut errors = page.errors();
    let reader = page.reader();
    assert_eq!(reader.errors(), (Vec::new(), 0));
    let disk = errors.first("storage", "disk full", -5).unwrap();
    errors.again(disk, 100);
    errors.again(disk, 200);
    // The sentence is cut between two characters.
    let long = "é".repeat(200);
    assert!(errors.first("feed", &long, 300).is_some());
    assert_eq!(errors.first("feed", "a third", 300), None);
    errors.beyond();
    let (seen, beyond) = reader.errors();
    assert_eq!((seen.len(), beyond), (2, 2));
    assert_eq!(
        (seen[0].owner.as_str(), seen[0].text.as_str(), seen[0].count),
        ("storage", "disk full", 3)
    );
    assert_eq!((seen[0].first_wall_ns, seen[0].last_wall_ns), (-5, 200));
    assert_eq!(seen[1].text, "é".repeat(96));
}

#[test]
#[should_panic(expected = "one writer")]
fn errors_have_one_writer() {
    let page = CountersPage::heap(small());
    let _first = page.errors();
    let _second = page.errors();
}

/// Two writers on one cache line would slow each other down.
#[test]
fn owners_do_not_share_a_cache_line() {
    let page = CountersPage::heap(PageOptions {
        entries: 60,
        ..small()
    });
    let mut handles = Vec::new();
    // In turns, so that each owner's line has to wait for its next counter.
    for n in 0..20 {
        for owner in ["a", "b", "c"] {
            handles.push(page.counter(owner, &format!("n{n}"), Unit::Count).unwrap());
        }
    }
    let reader = page.reader();
    let line = |index: usize| {
        let offset = reader.region_word(DIRECTORY + index * ENTRY_WORDS + 1);
        offset / 64
    };
    let all: Vec<_> = (0..60).map(line).collect();
    for (first, a) in all.iter().enumerate() {
        for (second, b) in all.iter().enumerate() {
            assert!(first % 3 == second % 3 || a != b);
        }
    }
    // And 20 counters of one owner need no more than three lines.
    let lines: std::collections::BTreeSet<_> = (0..60).step_by(3).map(line).collect();
    assert_eq!(lines.len(), 3);
}

#[test]
fn anchors_are_the_latest_ones() {
    let page = CountersPage::heap(small());
    let mut writer = page.anchors();
    writer.set_ticks_per_second(3_000_000_000);
    let anchor = |n: u64| Anchor {
        raw: n,
        monotonic_ns: n * 2,
        wall_ns: -n.cast_signed(),
    };
    let reader = page.reader();
    assert_eq!(reader.anchors(), []);
    for n in 1..=200 {
        writer.add(anchor(n));
        if cfg!(miri) && n % 67 != 0 {
            continue;
        }
        let seen = reader.anchors();
        // The slot that is written next is not trusted.
        let oldest = (n + 2).saturating_sub(ANCHOR_SLOTS as u64).max(1);
        assert_eq!(seen, (oldest..=n).map(anchor).collect::<Vec<_>>());
    }
    assert_eq!(reader.snapshot().ticks_per_second, 3_000_000_000);
}

#[test]
#[should_panic(expected = "one writer")]
fn anchors_have_one_writer() {
    let page = CountersPage::heap(small());
    let _first = page.anchors();
    let _second = page.anchors();
}

#[test]
fn buckets_cover_every_value_once_and_closely() {
    let mut next = 0;
    for bucket in 0..BUCKETS {
        let (low, high) = (bucket_low(bucket), bucket_high(bucket));
        assert_eq!(low, next, "no hole before bucket {bucket}");
        assert_eq!((bucket_of(low), bucket_of(high)), (bucket, bucket));
        assert!((high - low) * 64 <= low, "bucket {bucket} is 1.6 % wide");
        next = high + 1;
    }
    assert_eq!(next, LIMIT);
    assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
}

/// The value that a sorted list has at that rank.
fn exact(sorted: &[u64], q: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a small list"
    )]
    let rank = ((sorted.len() as f64 * q).ceil() as usize).max(1);
    sorted[rank - 1]
}

proptest! {
    #![proptest_config(crate::cases(200, 2))]
    #[test]
    fn a_histogram_is_a_sorted_list_to_within_a_bucket(
        values in prop::collection::vec((0..40_u32, any::<u64>()).prop_map(|(bits, v)| v >> (63 - bits)), 1..100),
        more in prop::collection::vec(0..10_000_u64, 0..100),
    ) {
        let mut histogram = Histogram::private();
        let record = |histogram: &mut Histogram, values: &[u64]| {
            for value in values {
                histogram.record(*value);
            }
        };
        record(&mut histogram, &values);
        let first = histogram.snapshot();
        let mut sorted = values.clone();
        sorted.sort_unstable();
        prop_assert_eq!(first.count, values.len() as u64);
        prop_assert_eq!(first.sum, values.iter().fold(0_u64, |sum, v| sum.wrapping_add(*v)));
        prop_assert_eq!((first.min, first.max), (sorted[0], sorted[sorted.len() - 1]));
        for q in [0.0, 0.01, 0.5, 0.9, 0.99, 1.0] {
            let (found, want) = (first.quantile(q), exact(&sorted, q));
            prop_assert_eq!(bucket_of(found), bucket_of(want), "q {}", q);
            prop_assert!(found <= first.max);
        }
        record(&mut histogram, &more);
        let delta = histogram.snapshot().since(&first);
        let mut alone = Histogram::private();
        record(&mut alone, &more);
        let alone = alone.snapshot();
        prop_assert_eq!(&delta.buckets, &alone.buckets);
        prop_assert_eq!((delta.count, delta.sum), (alone.count, alone.sum));
        if !more.is_empty() {
            prop_assert_eq!(bucket_of(delta.min), bucket_of(alone.min));
            prop_assert_eq!(bucket_of(delta.max), bucket_of(alone.max));
        }
    }
}

#[test]
fn an_empty_histogram_has_no_quantiles() {
    let empty = Histogram::private().snapshot();
    assert_eq!((empty.count, empty.min, empty.max), (0, u64::MAX, 0));
    assert_eq!(empty.quantile(0.5), 0);
    assert!(empty.mean().abs() < f64::EPSILON);
    assert_eq!(empty.filled().count(), 0);
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_page_in_a_file_outlives_its_writer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("counters.page");
    let page = CountersPage::create(&path, small()).unwrap();
    let mut counter = page.counter("feed", "frames", Unit::Count).unwrap();
    counter.add(7);
    let reader = PageReader::open(&path).unwrap();
    assert_eq!(reader.pid(), 4711);
    let seven = Some(&Value::Counter(7));
    assert_eq!(reader.snapshot().value("feed", "frames"), seven);
    drop((page, counter));
    assert_eq!(reader.snapshot().value("feed", "frames"), seven);
    // The next run takes the name; who watches the old page keeps it.
    let _next = CountersPage::create(&path, small()).unwrap();
    assert_eq!(reader.snapshot().value("feed", "frames"), seven);
    assert_eq!(PageReader::open(&path).unwrap().snapshot().entries, []);
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn damaged_pages_are_refused_or_read_as_far_as_they_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("counters.page");
    let page = CountersPage::create(&path, small()).unwrap();
    let _counter = page.counter("feed", "frames", Unit::Count).unwrap();
    let _histogram = page.histogram("feed", "hop", Unit::Nanoseconds).unwrap();
    page.anchors().add(Anchor::default());
    page.errors().first("feed", "an error", 1).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let copy = dir.path().join("copy");
    for length in [0, 8, 4095, 4096, whole.len() - 8, whole.len() + 8] {
        let mut bytes = whole.clone();
        bytes.resize(length, 0);
        std::fs::write(&copy, bytes).unwrap();
        let error = PageReader::open(&copy).err().unwrap();
        assert!(matches!(error, PageError::Foreign { .. }), "{error}");
    }
    let entry = DIRECTORY * 8;
    for place in (0..120).chain([2048, 2055]).chain(entry..entry + 256) {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] ^= flip;
            std::fs::write(&copy, bytes).unwrap();
            if let Ok(reader) = PageReader::open(&copy) {
                assert!(reader.snapshot().entries.len() <= 8);
                assert!(reader.errors().0.len() <= 2);
            }
        }
    }
    let mut older = whole.clone();
    older[8] = 1;
    std::fs::write(&copy, older).unwrap();
    let error = PageReader::open(&copy).err().unwrap().to_string();
    assert!(
        error.contains("version 1, this program reads 2; read it with the build that wrote it"),
        "{error}"
    );
    assert!(matches!(
        PageReader::open(&dir.path().join("none")).err(),
        Some(PageError::Io { .. })
    ));
}
