use super::*;
use pitlane_lockfree::counters::{CountersPage, PageOptions};

fn collector(page: &CountersPage) -> Collector {
    Collector::new(page.reader(), Clock::manual(0).0)
}

#[test]
fn flushes_take_differences_and_the_total_is_their_sum() {
    let page = CountersPage::heap(PageOptions::default());
    let mut latency = page
        .histogram("market", "apply", Unit::Nanoseconds)
        .expect("room");
    let mut collector = collector(&page);
    let mut intervals = Vec::new();
    for round in 1..=5_u64 {
        for value in 0..100 {
            latency.record(round * 1000 + value);
        }
        collector.flush();
        collector.flush(); // nothing came: nothing is added
        collector.end_interval(|name, histogram| {
            intervals.push((name.to_owned(), histogram.len(), histogram.max()));
        });
    }
    let counts: Vec<u64> = intervals.iter().map(|(_, count, _)| *count).collect();
    assert_eq!(counts, [100; 5]);
    let total = collector.totals().next().expect("one series");
    assert_eq!((total.0, total.2.len()), ("market/apply", 500));
    assert!(
        total.2.equivalent(total.2.max(), 5_099),
        "{}",
        total.2.max()
    );
}

#[test]
fn percentiles_survive_the_way_to_within_a_bucket() {
    let page = CountersPage::heap(PageOptions::default());
    let mut latency = page
        .histogram("market", "apply", Unit::Nanoseconds)
        .expect("room");
    let mut exact = Vec::new();
    let mut value = 1_u64;
    for _ in 0..10_000 {
        // any spread of values will do
        value = value
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let sample = (value >> 40) % 5_000_000;
        latency.record(sample);
        exact.push(sample);
    }
    exact.sort_unstable();
    let mut collector = collector(&page);
    collector.flush();
    collector.end_interval(|_, _| {});
    let (_, _, total) = collector.totals().next().expect("one series");
    for (quantile, rank) in [(0.5, 4_999), (0.9, 8_999), (0.99, 9_899), (0.999, 9_989)] {
        let (found, truth) = (total.value_at_quantile(quantile), exact[rank]);
        // one part in 64 is a bucket of the page, one in 1000 the histogram's own figure
        assert!(found >= truth, "{quantile}: {found} < {truth}");
        assert!(
            found - truth <= truth / 64 + truth / 500 + 1,
            "{quantile}: {found}, {truth}"
        );
    }
}

#[test]
fn a_value_beyond_the_last_bucket_is_its_maximum() {
    let page = CountersPage::heap(PageOptions::default());
    let mut latency = page.histogram("a", "b", Unit::Nanoseconds).expect("room");
    latency.record(1 << 50);
    let mut collector = collector(&page);
    collector.flush();
    collector.end_interval(|_, histogram| {
        assert!(histogram.equivalent(histogram.max(), 1 << 50));
    });
}

#[test]
fn batches_are_counted_per_agent_and_flush() {
    let page = CountersPage::heap(PageOptions::default());
    let mut frames = page.counter("feed", "frames", Unit::Count).expect("room");
    let mut depth = page.gauge("feed", "depth", Unit::Count).expect("room");
    let mut latency = page
        .histogram("market", "apply", Unit::Nanoseconds)
        .expect("room");
    let mut collector = collector(&page);
    frames.add(50);
    depth.set(3);
    for _ in 0..10 {
        latency.record(7);
    }
    collector.flush();
    // two of the feed, ten of the market; one batch each
    let first = collector.batching();
    assert_eq!((first.updates, first.batches, first.flushes), (12, 2, 1));
    collector.flush();
    let idle = collector.batching();
    assert_eq!((idle.updates, idle.batches, idle.flushes), (12, 2, 2));
    assert!((first.saving() - 10.0 / 12.0).abs() < 1e-12);
    assert!(Batching::default().saving().abs() < 1e-12);
}

#[test]
fn places_taken_later_are_found() {
    let page = CountersPage::heap(PageOptions::default());
    let mut collector = collector(&page);
    collector.flush();
    let mut latency = page
        .histogram("late", "x", Unit::Nanoseconds)
        .expect("room");
    latency.record(5);
    collector.flush();
    collector.end_interval(|_, _| {});
    assert_eq!(collector.totals().count(), 1);
    assert_eq!(
        collector.snapshot().value("late", "x").map(Value::number),
        Some(1)
    );
}
