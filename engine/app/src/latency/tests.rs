use super::{INTENDED, StageLatency, since, stamp};
use crate::stopwatch::Stopwatch;
use pitlane_domain::instrument::InstrumentId;
use pitlane_domain::message::{Body, BookReset, Message, ResetReason};
use pitlane_domain::units::WallNs;
use pitlane_lockfree::counters::{CountersPage, PageOptions, Unit, Value};
use pitlane_lockfree::stamps::stamp_table;
use pitlane_runtime::clock::Clock;

#[test]
fn a_stamp_holds_both_times() {
    for intended in [0, 1, 1_000_000_007, INTENDED - 5] {
        for late in [0, 1, 1023, 1024, 123_456, 1_000_000_000, u64::MAX >> 20] {
            for served in [0, 1, 500, 3_000_000_000] {
                let (taken, now) = (intended + late, intended + late + served);
                let stamp = stamp(intended, taken);
                assert_eq!(stamp >> 63, 0, "that bit belongs to the rings");
                let (latency, service) = since(stamp, now);
                assert_eq!(latency, late + served, "{intended} {late} {served}");
                // what is cut of the lateness, at most one part in 512, counts as service
                let error = service - served;
                assert!(error <= late / 512, "{intended} {late} {served}: {service}");
            }
        }
    }
}

#[test]
fn an_end_before_its_begin_takes_no_time() {
    assert_eq!(since(stamp(1_000, 1_000), 990), (0, 0));
}

fn message(sequence: u64) -> Message {
    let body = Body::BookReset(BookReset {
        reason: ResetReason::Gap,
        expected_id: 1,
        got_id: 2,
    });
    let message = Message::new(InstrumentId(0), WallNs(0), WallNs(0), &body);
    Message {
        sequence,
        ..message
    }
}

#[test]
fn a_latency_ends_with_its_turn_and_none_is_left_at_close() {
    let (clock, time) = Clock::manual(0);
    let page = CountersPage::heap(PageOptions::default());
    let histogram = page.histogram("stage", "latency", Unit::Nanoseconds);
    let (mut stamps, reader) = stamp_table(8);
    let watch = Stopwatch::start(clock.clone());
    let mut stage = StageLatency::new(reader, watch, histogram.expect("room"), None, 4);
    let recorded = || {
        let snapshot = page.reader().snapshot();
        match snapshot.value("stage", "latency") {
            Some(Value::Histogram(histogram)) => (histogram.count, histogram.sum),
            other => panic!("{other:?}"),
        }
    };
    stamps.write(1, stamp(0, 0));
    stamps.write(2, stamp(10, 10));
    stage.settle(0);
    stage.note(&message(1));
    time.advance(100);
    let end = clock.raw();
    // what passes until the next poll is not the message's
    time.advance(1_000);
    assert_eq!(recorded(), (0, 0));
    stage.settle(end);
    assert_eq!(recorded(), (1, 100));
    stage.settle(end);
    assert_eq!(recorded(), (1, 100), "a turn is settled once");
    stage.note(&message(2));
    stage.close();
    assert_eq!(recorded(), (2, 100 + 1_090));
}
