use super::*;
use crate::agent::AgentSpec;
use crate::clock::ManualClock;
use crate::runner::{Folded, RunOptions, fold};
use crate::stats::{self, Percentiles};
use pitlane_lockfree::counters::{Histogram, Unit, Value};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Does one unit per poll, with a latency that grows.
struct Worker {
    polls: u64,
    latency: Histogram,
    quit: Arc<AtomicBool>,
}

impl Agent for Worker {
    fn role(&self) -> &'static str {
        "worker"
    }

    fn poll(&mut self, _: &Duty) -> Turn {
        if self.quit.load(Ordering::Relaxed) {
            return Turn::Done;
        }
        self.polls += 1;
        self.latency.record(self.polls * 10);
        Turn::Took(1)
    }
}

struct Rig {
    folded: Folded,
    hand: ManualClock,
    quit: Arc<AtomicBool>,
    page: CountersPage,
    notices: Notices,
}

fn rig(folder: &Path) -> Rig {
    let (clock, hand) = Clock::manual(1_700_000_000_000_000_000);
    let options = RunOptions::new(clock.clone());
    let (page, notices) = (options.page.clone(), options.notices.clone());
    let quit = Arc::new(AtomicBool::new(false));
    let worker = Worker {
        polls: 0,
        latency: page
            .histogram("worker", "latency", Unit::Nanoseconds)
            .expect("room"),
        quit: Arc::clone(&quit),
    };
    let supervisor = Supervisor::new(
        &page,
        clock,
        notices.clone(),
        SupervisorOptions {
            folder: Some(folder.to_path_buf()),
            declared: crate::beat::DECLARED.to_vec(),
            ..SupervisorOptions::default()
        },
    )
    .expect("room");
    let specs = vec![AgentSpec::from(worker), AgentSpec::from(supervisor)];
    let folded = fold(specs, &[], &options).expect("a legal fold");
    Rig {
        folded,
        hand,
        quit,
        page,
        notices,
    }
}

#[test]
fn a_run_leaves_a_dump_whose_two_files_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rig = rig(folder.path());
    // 2.5 seconds in steps of 10 ms
    for _ in 0..250 {
        rig.hand.advance(10_000_000);
        assert!(rig.folded.step());
    }
    rig.quit.store(true, Ordering::Relaxed);
    while rig.folded.step() {}
    let report = rig.folded.report();
    assert!(report.ok, "{report:?}");

    let stats = stats::load(folder.path()).expect("a dump");
    let summary = stats.summary.as_ref().expect("a whole one");
    // two whole seconds and the rest, of the latency and of the thread's cycles
    assert_eq!(stats.intervals, 6);
    assert_eq!(stats.percentiles(), summary.histograms);
    let latency = summary.histograms["worker/latency"];
    assert_eq!(latency.count, 250);
    let histogram = &stats.histograms["worker/latency"];
    assert!(histogram.equivalent(latency.max, 2_500), "{latency:?}");
    assert_eq!(latency, Percentiles::of(histogram));

    assert_eq!(summary.counters["worker/work"], 250);
    assert_eq!(summary.started_wall_ns, 1_700_000_000_000_000_000);
    assert_eq!(summary.elapsed_ns, 2_500_000_000);
    assert_eq!(summary.clock.ticks_per_second, 1_000_000_000);
    assert_eq!(summary.clock.drift_ppb, Some(0));
    let counts = summary.metrics.counts;
    assert_eq!(counts.flushes, 26, "25 on time, one at the end");
    assert!(counts.updates > counts.batches && summary.metrics.saving > 0.5);
    assert_eq!(summary.gauges["worker/state"], 3);
    // 250 cycles with work, one after the other, and that in which the worker ended
    let cycles = summary.histograms["thread/folded/cycle_ns"];
    assert_eq!(cycles.count, 251);
    assert_eq!(summary.gauges["thread/folded/cycle_max_ns"], 10_000_000);
    let about = &summary.about["worker/blocked_ns"];
    assert_eq!(
        (about.unit.as_str(), about.help.as_str()),
        ("ns", crate::beat::BLOCKED_NS.help)
    );
    assert_eq!(summary.about["thread/folded/cycle_ns"].unit, "ns");
}

#[test]
fn anchors_are_on_the_page_every_flush() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rig = rig(folder.path());
    for _ in 0..10 {
        rig.hand.advance(100_000_000);
        rig.folded.step();
    }
    let snapshot = rig.page.reader().snapshot();
    assert_eq!(snapshot.anchors.len(), 11);
    assert_eq!(snapshot.ticks_per_second, 1_000_000_000);
    let last = snapshot.anchors[10];
    assert_eq!(last.raw, 1_000_000_000);
    assert_eq!(last.wall_ns, 1_700_000_001_000_000_000);
    let flushes = snapshot.value("supervisor", "metric_flushes");
    assert_eq!(flushes.map(Value::number), Some(10));
}

#[test]
fn a_killed_run_has_told_its_whole_intervals() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(stats::JSON), "{}").expect("room");
    let mut rig = rig(folder.path());
    for _ in 0..25 {
        rig.hand.advance(100_000_000);
        rig.folded.step();
    }
    // nothing is closed: the process is gone as far as the files can tell, and an earlier run in this folder is forgotten
    let stats = stats::load(folder.path()).expect("the log is there");
    assert!(stats.summary.is_none());
    assert_eq!(stats.histograms["worker/latency"].len(), 20);
}

#[test]
fn a_folder_that_cannot_be_made_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").expect("room");
    let (clock, _) = Clock::manual(0);
    let options = RunOptions::new(clock.clone());
    let supervisor = Supervisor::new(
        &options.page,
        clock,
        options.notices.clone(),
        SupervisorOptions {
            folder: Some(file.join("stats")),
            ..SupervisorOptions::default()
        },
    )
    .expect("room");
    let error = fold(vec![AgentSpec::from(supervisor)], &[], &options)
        .err()
        .expect("no folder");
    assert!(error.to_string().contains("file/stats"), "{error}");
}

#[test]
fn verdicts_become_lines() {
    let change = |verdict, unresponsive| Change {
        who: "thread/hot".to_owned(),
        verdict,
        for_ns: 10_000_000_000,
        detail: "in the poll of feed".to_owned(),
        unresponsive,
    };
    let warn = notice_of(&change(Verdict::Looping, false));
    assert_eq!(
        (warn.level, warn.context["event"].as_str()),
        (Level::Warn, Some("worker_verdict"))
    );
    let error = notice_of(&change(Verdict::Blocked, true));
    assert_eq!(error.level, Level::Error);
    assert_eq!(error.message, "thread/hot is blocked, in the poll of feed");
    assert_eq!(error.context["event"], "worker_unresponsive");
    assert_eq!(error.context["for_ms"], 10_000);
}

#[test]
fn a_healthy_run_says_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rig = rig(folder.path());
    for _ in 0..30 {
        rig.hand.advance(100_000_000);
        rig.folded.step();
    }
    let (lines, dropped) = rig.notices.take(100);
    assert_eq!((lines.len(), dropped), (0, 0), "{lines:?}");
}
