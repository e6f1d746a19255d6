//! An engine that has nothing to do: what its threads cost a machine.

use crate::report::Goal;
use crate::rounds::{Role, Row, Sample};
use crate::{OwnedFrame, VENUE, table};
use pitlane_app::engine::{Engine, Plan, Source};
use pitlane_app::{defaults, pace::Speed};
use pitlane_domain::intake::IntakeOptions;
use pitlane_domain::units::WallNs;
use pitlane_edges::config::{Config, Overrides};
use pitlane_edges::source::{Frame, FrameSource, ImportReport, Progress, SourceError};
use pitlane_runtime::lifecycle::Stop;
use std::time::{Duration, Instant};

/// One frame, and another that is due in an hour.
struct Quiet {
    frame: OwnedFrame,
    given: i64,
}

impl FrameSource for Quiet {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        const HOUR_NS: i64 = 3_600_000_000_000;
        let ts_recv = WallNs(self.frame.ts_recv.0 + self.given * HOUR_NS);
        self.given += 1;
        Ok((self.given <= 2).then_some(Frame {
            ts_recv,
            venue: VENUE,
            stream: &self.frame.stream,
            bytes: &self.frame.bytes,
        }))
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn reports(&self) -> Vec<ImportReport> {
        Vec::new()
    }
}

/// CPU time of all threads of this process.
fn process_cpu() -> Option<Duration> {
    let folder = std::fs::read_dir("/proc/self/task").ok()?;
    let ids = folder.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok());
    let each = ids.filter_map(pitlane_runtime::os::task);
    Some(Duration::from_nanos(each.map(|it| it.cpu_ns).sum()))
}

/// Percent of one core that the shared profile takes over this time, without input.
///
/// # Panics
/// If the engine does not start or does not end.
pub fn shared(frame: &OwnedFrame, time: Duration) -> Sample {
    let dir = tempfile::tempdir().expect("a folder for the engine");
    let mut config = Config::parse("defaults", Config::defaults_toml(), &Overrides::none())
        .expect("the defaults");
    config.tick_store.dir = dir.path().join("ticks");
    config.storage.path = dir.path().join("storage.db");
    config.log.dir = dir.path().join("logs");
    config.stats.dir = dir.path().join("stats");
    let stop = Stop::new();
    let engine = Engine::start(Plan {
        source: Source::Frames {
            names: vec!["one frame and an hour of silence".to_owned()],
            frames: Box::new(Quiet {
                frame: frame.clone(),
                given: 0,
            }),
            instruments: table(),
            options: IntakeOptions::default(),
        },
        speed: Speed::Times(1.0),
        config,
        core_map: defaults::shared(),
        stop: stop.clone(),
    })
    .expect("the engine starts");
    // opening, prefaulting and the first frame are not idling
    std::thread::sleep(Duration::from_secs(1).min(time));
    let (start, before) = (Instant::now(), process_cpu());
    std::thread::sleep(time);
    let (took, after) = (start.elapsed(), process_cpu());
    stop.request();
    assert!(engine.wait().stopped, "the engine was stopped while idle");
    let used = after
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));
    Sample::of(used.map_or(f64::NAN, |used| {
        used.as_secs_f64() / took.as_secs_f64() * 100.0
    }))
}

/// The row.
pub fn row(frame: &OwnedFrame, time: Duration) -> Row<'_> {
    Row::new(
        "idle",
        format!("idle engine, shared profile, {} s", time.as_secs()),
        "percent of a core",
    )
    .with(Role::Ours, "pitlane", move || shared(frame, time))
    .goal(Goal::AtMost(1.0))
    .note("CPU time of all threads of the process by the kernel's account, the measuring thread's among them")
}
