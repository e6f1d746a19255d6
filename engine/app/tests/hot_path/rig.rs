//! An engine whose input comes through a gate, and a look at its threads.

use crate::allocator;
use crate::frames::{Gate, Gated, Recording};
use pitlane_app::counters;
use pitlane_app::engine::{Engine, Plan, Source};
use pitlane_app::pace::Speed;
use pitlane_domain::intake::IntakeOptions;
use pitlane_edges::config::Config;
use pitlane_lockfree::counters::{Declared, PageReader, Snapshot};
use pitlane_runtime::beat;
use pitlane_runtime::core_map::{CoreMap, Profile, ThreadPlan};
use pitlane_runtime::idle::IdleKind;
use pitlane_runtime::lifecycle::Stop;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The agents on the way of a tick, each on a thread of its name.
pub const HOT: [&str; 4] = ["feed", "sequencer", "recorder", "market"];

/// Longer than any of this takes on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_mins(2);

/// Records of a segment of the tick store: the sample fills some.
pub const SEGMENT: u64 = 1 << 16;

/// Where the frames come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// Memory: nothing is looked at but the engine.
    Memory,
    /// A capture file, which the feed reads on its thread.
    Capture,
}

/// A running engine at a gate.
pub struct Rig {
    engine: Engine,
    page: PageReader,
    frames: usize,
    at: Cell<usize>,
    gate: Gate,
    _folder: tempfile::TempDir,
}

/// What a thread had done at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// The thread.
    pub name: &'static str,
    /// The kernel's id of it.
    pub thread: u32,
    /// Calls of the allocator.
    pub calls: u64,
    /// Page faults, without and with a disk.
    pub faults: u64,
}

impl Rig {
    /// Starts the engine at the closed gate; hot threads idle that way.
    pub fn start(input: Input, idle: IdleKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = Recording::of_sample("binance-usdm-btcusdt-20240808.gz");
        let source = match input {
            Input::Memory => recording.in_memory(),
            Input::Capture => recording.in_file(&folder.path().join("frames.plcap")),
        };
        let (source, gate) = Gated::new(source);
        let mut config = Config::default();
        config.tick_store.segment_records = SEGMENT;
        config.tick_store.dir = folder.path().join("ticks");
        config.storage.path = folder.path().join("storage/pitlane.db");
        config.log.dir = folder.path().join("logs");
        config.stats.dir = folder.path().join("stats");
        let page = config.stats.dir.join("counters.page");
        let plan = |name: &str, idle, agents: &[&str]| ThreadPlan {
            name: name.to_owned(),
            core: None,
            idle,
            agents: agents.iter().map(|&agent| agent.to_owned()).collect(),
        };
        let mut threads: Vec<_> = HOT.iter().map(|hot| plan(hot, idle, &[hot])).collect();
        let rest = ["storage", "logger", "supervisor"];
        threads.push(plan("rest", IdleKind::Park, &rest));
        let engine = Engine::start(Plan {
            source: Source::Frames {
                names: vec!["memory".to_owned()],
                frames: Box::new(source),
                instruments: recording.instruments.clone(),
                options: IntakeOptions::default(),
            },
            speed: Speed::Max,
            config,
            core_map: CoreMap {
                profile: Profile::Shared,
                threads,
            },
            stop: Stop::new(),
        })
        .expect("the engine starts");
        Self {
            engine,
            page: PageReader::open(&page).expect("the engine made its page"),
            frames: recording.len(),
            at: Cell::new(0),
            gate,
            _folder: folder,
        }
    }

    /// Frames there are in all.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Plays on, until so many records are left of the recorder's segment, or a few less.
    pub fn play_to_end_of_segment(&self, left: u64) {
        loop {
            let recorded = number(&self.page.snapshot(), "recorder", &beat::WORK);
            let ahead = SEGMENT - recorded % SEGMENT;
            if ahead <= left {
                return;
            }
            // A frame is some levels: few frames at a time where many would jump over the end.
            let frames = if ahead > left + 8_000 { 200 } else { 10 };
            self.play_to(self.at.get() + frames);
        }
    }

    /// Plays up to that frame, and waits until everything behind the feed has come to rest.
    pub fn play_to(&self, frame: usize) {
        assert!(
            frame <= self.frames,
            "the sample is too short for this test"
        );
        self.at.set(frame);
        self.gate.open_to(frame);
        let started = Instant::now();
        let mut last = None;
        loop {
            std::thread::sleep(Duration::from_millis(20));
            let snapshot = self.page.snapshot();
            let done = number(&snapshot, "feed", &counters::FRAMES) == frame as u64;
            let work = HOT.map(|name| number(&snapshot, name, &beat::WORK));
            if done && last.replace(work) == Some(work) {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE && !self.engine.is_finished(),
                "the engine does not come to frame {frame}: {work:?}"
            );
        }
    }

    /// A look at a hot thread.
    pub fn look(&self, name: &'static str) -> Look {
        let snapshot = self.page.snapshot();
        let owner = format!("{}{name}", beat::THREAD_OWNER);
        let thread = u32::try_from(number(&snapshot, &owner, &beat::TID)).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        // The name in brackets may hold anything, so fields count from its end: these are the 10th and the 12th.
        let (_, rest) = stat.rsplit_once(')').unwrap();
        let field = |at: usize| -> u64 {
            let text = rest.split_ascii_whitespace().nth(at - 3);
            text.unwrap().parse().unwrap()
        };
        Look {
            name,
            thread,
            calls: allocator::calls(thread),
            faults: field(10) + field(12),
        }
    }

    /// Keeps the places of what the hot threads ask of the allocator.
    pub fn watch(&self, on: bool) {
        for name in HOT {
            allocator::watch(self.look(name).thread, on);
        }
    }

    /// Plays the rest; it must end as it should.
    pub fn end(self) {
        self.gate.open_to(usize::MAX);
        let report = self.engine.wait();
        assert!(report.is_good(), "{:?}", report.faults);
    }
}

fn number(snapshot: &Snapshot, owner: &str, what: &Declared) -> u64 {
    snapshot
        .value(owner, what.label)
        .unwrap_or_else(|| panic!("no {owner}/{} on the page", what.label))
        .number()
}
