//! An engine that is only a page: what it wrote is what a test says.

use super::look::{Life, Look, Task};
use pitlane_app::counters;
use pitlane_lockfree::counters::page::AnchorWriter;
use pitlane_lockfree::counters::{
    Anchor as PageAnchor, Counter, CountersPage, Declared, EntryKind, ErrorWriter, Gauge,
    Histogram, PageOptions,
};
use pitlane_lockfree::ring;
use pitlane_runtime::clock::Anchor;
use pitlane_runtime::lifecycle::State;
use pitlane_runtime::os::TaskSample;
use pitlane_runtime::os::process::Placement;
use pitlane_runtime::{beat, supervisor};
use std::collections::BTreeMap;

/// 2024-08-08 00:00:00 UTC.
pub const START_NS: i64 = 1_723_075_200_000_000_000;
/// The raw clock counts twice a nanosecond, so that a missing conversion shows.
pub const TICKS_PER_NS: u64 = 2;

pub const MS: u64 = 1_000_000;

/// The page and who writes it.
pub struct Fake {
    page: CountersPage,
    counters: BTreeMap<String, Counter>,
    gauges: BTreeMap<String, Gauge>,
    histograms: BTreeMap<String, Histogram>,
    anchors: AnchorWriter,
    pub errors: ErrorWriter,
    pub tasks: BTreeMap<u32, Task>,
    pub life: Life,
}

impl Fake {
    /// A page without a number on it.
    pub fn new() -> Self {
        let page = CountersPage::heap(PageOptions {
            pid: 4242,
            start_wall_ns: START_NS,
            ..PageOptions::default()
        });
        let mut anchors = page.anchors();
        anchors.set_ticks_per_second(1_000_000_000 * TICKS_PER_NS);
        Self {
            anchors,
            errors: page.errors(),
            page,
            counters: BTreeMap::new(),
            gauges: BTreeMap::new(),
            histograms: BTreeMap::new(),
            tasks: BTreeMap::new(),
            life: Life::Runs,
        }
    }

    /// Two threads: `hot` on core 2 with feed and market, `cold` with storage and the supervisor; one edge.
    pub fn engine() -> Self {
        let mut fake = Self::new();
        let agents = [
            ("feed", 1),
            ("market", 1),
            ("storage", 2),
            ("supervisor", 2),
        ];
        for (place, (agent, thread)) in (1..).zip(agents) {
            fake.set(agent, &beat::PLACE, place);
            fake.set(agent, &beat::THREAD, thread);
            fake.set(agent, &beat::STATE, State::Ready as u64);
            for what in [
                &beat::WORK,
                &beat::POLLS,
                &beat::IDLE,
                &beat::BLOCKED,
                &beat::BLOCKED_NS,
                &beat::BUSY_NS,
            ] {
                fake.set(agent, what, 0);
            }
        }
        for (name, tid, core, rest) in [("thread/hot", 11, 3, 1), ("thread/cold", 12, 0, 4)] {
            fake.set(name, &beat::LOOPS, 0);
            fake.set(name, &beat::TID, tid);
            fake.set(name, &beat::CORE, core);
            fake.set(name, &beat::REST, rest);
        }
        for what in [
            &ring::SENT,
            &ring::BLOCKED,
            &ring::BLOCKED_TICKS,
            &ring::DROPPED,
        ] {
            fake.edge("feed", what, 0);
        }
        for what in [&ring::RECEIVED, &ring::HIGH_WATER, &ring::REPLACED] {
            fake.edge("market", what, 0);
        }
        fake.edge("market", &ring::CAPACITY, 4096);
        fake.sees(11, 'R', 0, 0, 2);
        fake.sees(12, 'S', 0, 0, 0);
        fake
    }

    /// Sets a number.
    pub fn set(&mut self, owner: &str, what: &Declared, value: u64) {
        let name = format!("{owner}/{}", what.label);
        let page = &self.page;
        if what.kind == EntryKind::Counter {
            let make = || page.declared_counter(owner, what).expect("room");
            self.counters.entry(name).or_insert_with(make).set(value);
        } else {
            let make = || page.declared_gauge(owner, what).expect("room");
            self.gauges.entry(name).or_insert_with(make).set(value);
        }
    }

    /// Sets a number of the edge `feed-market`.
    pub fn edge(&mut self, owner: &str, what: &Declared, value: u64) {
        const EDGE: &str = "feed-market";
        let name = format!("{owner}/{}", what.label_on(EDGE));
        let page = &self.page;
        if what.kind == EntryKind::Counter {
            let make = || page.edge_counter(owner, EDGE, what).expect("room");
            self.counters.entry(name).or_insert_with(make).set(value);
        } else {
            let make = || page.edge_gauge(owner, EDGE, what).expect("room");
            self.gauges.entry(name).or_insert_with(make).set(value);
        }
    }

    /// Counts a value of a distribution some times.
    pub fn record(&mut self, owner: &str, what: &Declared, value: u64, times: u64) {
        let page = &self.page;
        let make = || page.declared_histogram(owner, what).expect("room");
        let name = format!("{owner}/{}", what.label);
        let histogram = self.histograms.entry(name).or_insert_with(make);
        for _ in 0..times {
            histogram.record(value);
        }
    }

    /// What the kernel says of a thread; each switch costs it a millisecond.
    pub fn sees(&mut self, tid: u32, state: char, cpu_ms: u64, wait_ms: u64, core: usize) {
        let sample = TaskSample {
            state,
            cpu_ns: cpu_ms * MS,
            wait_ns: Some(wait_ms * MS),
        };
        let placement = Some(Placement {
            allowed: core.to_string(),
            left: 0,
            switched: wait_ms,
        });
        self.tasks.insert(
            tid,
            Task {
                sample,
                core,
                placement,
            },
        );
    }

    /// Its supervisor writes an anchor.
    pub fn anchor(&mut self, ms: u64) {
        let at = moment(ms);
        self.anchors.add(PageAnchor {
            raw: at.raw,
            monotonic_ns: at.mono_ns,
            wall_ns: at.wall_ns,
        });
    }

    /// A look, so many milliseconds after its start.
    pub fn look(&self, ms: u64) -> Look {
        let reader = self.page.reader();
        let (errors, errors_beyond) = reader.errors();
        Look {
            at: moment(ms),
            life: self.life,
            tasks: if self.life == Life::Gone {
                BTreeMap::new()
            } else {
                self.tasks.clone()
            },
            page: reader.snapshot(),
            errors,
            errors_beyond,
        }
    }

    /// One second in the life of a healthy engine that has run for a minute: the looks at its two ends.
    pub fn second(&mut self) -> [Look; 2] {
        self.set("feed", &counters::FRAMES, 60_000);
        self.set("feed", &counters::BYTES_DONE, 25_000_000);
        self.set("feed", &counters::BYTES_TOTAL, 100_000_000);
        self.set("feed", &beat::WORK, 1_200_000);
        self.set("feed", &beat::SINCE, moment(0).raw);
        self.set("feed", &beat::POLLS, 3_000_000);
        self.set("thread/hot", &beat::LOOPS, 3_000_000);
        self.set("thread/hot", &beat::CYCLE_MAX, 740_000 * TICKS_PER_NS);
        self.set("supervisor", &supervisor::UPDATES, 2_000_000);
        self.set("supervisor", &supervisor::BATCHES, 1000);
        self.record("feed", &counters::DECODE, 400, 1000);
        self.record("thread/hot", &beat::CYCLE, 5_000, 10);
        self.anchor(60_000);
        let before = self.look(60_000);
        self.set("feed", &counters::FRAMES, 61_000);
        self.set("feed", &beat::WORK, 1_225_500);
        self.set("feed", &beat::POLLS, 3_050_000);
        self.set("feed", &beat::IDLE, 45_000);
        self.set("feed", &beat::BUSY_NS, 200 * MS);
        self.set("feed", &beat::BLOCKED_NS, 30 * MS);
        self.set("market", &beat::WORK, 25_400);
        self.set("market", &beat::BUSY_NS, 100 * MS);
        self.set("thread/hot", &beat::LOOPS, 3_050_000);
        self.set("thread/hot", &beat::BUSY_LOOPS, 5_000);
        self.set("thread/hot", &beat::POLLING, 2);
        self.set(
            "thread/hot",
            &beat::ENTERED,
            moment(61_000).raw - 3_000 * TICKS_PER_NS,
        );
        self.set("thread/cold", &beat::LOOPS, 40);
        self.set("thread/cold", &beat::PARKS, 20);
        self.set("thread/cold", &beat::PARKED, 1);
        self.set("thread/cold", &beat::ENTERED, moment(60_950).raw);
        self.edge("feed", &ring::SENT, 25_500);
        self.edge("feed", &ring::BLOCKED_TICKS, 30 * MS * TICKS_PER_NS);
        self.edge("market", &ring::RECEIVED, 25_400);
        self.edge("market", &ring::HIGH_WATER, 2_048);
        self.record("feed", &counters::DECODE, 900, 1000);
        self.record("storage", &counters::COMMIT, 2 * MS, 4);
        self.sees(11, 'R', 980, 5, 2);
        self.sees(12, 'S', 20, 1, 1);
        self.anchor(61_000);
        [before, self.look(61_000)]
    }
}

/// So many milliseconds after the start, on all clocks.
pub fn moment(ms: u64) -> Anchor {
    let ns = ms * MS;
    Anchor {
        raw: (7_000_000 * MS + ns) * TICKS_PER_NS,
        mono_ns: 3_000_000 * MS + ns,
        wall_ns: START_NS.saturating_add_unsigned(ns),
    }
}
