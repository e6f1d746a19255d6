//! Plays a plan to its end: progress while it runs, signals, the report, the exit code.

use crate::progress::Progress;
use crate::{exit, output, signals};
use pitlane_app::engine::{Engine, LiveProgress, Plan, StartError};
use pitlane_app::report::{Report, thousands};
use pitlane_edges::source::ImportReport;
use pitlane_runtime::runner::LaunchError;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How much to say.
#[derive(Clone, Copy, Debug)]
pub struct Show {
    /// The report as JSON.
    pub json: bool,
    /// No progress.
    pub quiet: bool,
    /// Rejected frames, gaps and refused lines are failures.
    pub strict: bool,
}

/// How often the end is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// Looks from one showing of the progress to the next: it reads the whole page, which an idle engine would notice.
const LOOKS_PER_SHOW: u64 = 5;

/// The same for the line of a live source.
const LOOKS_PER_LINE: u64 = 25;

/// Starts the engine, waits for its end, prints the report.
pub fn play(plan: Plan, show: Show) -> anyhow::Result<u8> {
    let interrupted = signals::watch(plan.stop.flag())?;
    let engine = Engine::start(plan).map_err(|error| match error {
        StartError::Launch(LaunchError::Map(_)) => exit::config(error),
        error => error.into(),
    })?;
    let progress = Progress::new(0, show.quiet);
    let mut looks = 0_u64;
    while !engine.is_finished() {
        std::thread::sleep(LOOK);
        looks += 1;
        if !looks.is_multiple_of(LOOKS_PER_SHOW) || !progress.is_shown() {
            continue;
        }
        let at = engine.progress();
        progress.at(
            at.bytes[0],
            at.bytes[1],
            format!("{} frames", thousands(at.frames)),
        );
    }
    progress.finish();
    end(engine, show, &interrupted)
}

/// Starts an engine on live data and waits until it is told to stop; how it stands on a line of its own.
pub fn live(plan: Plan, show: Show, interrupted: &AtomicBool) -> anyhow::Result<u8> {
    let engine = Engine::start(plan).map_err(|error| match error {
        StartError::Launch(LaunchError::Map(_)) | StartError::OtherInstruments { .. } => {
            exit::config(error)
        }
        error => error.into(),
    })?;
    let line = Progress::line(show.quiet);
    let (mut looks, mut frames, mut asked) = (0_u64, 0, engine.elapsed());
    while !engine.is_finished() {
        std::thread::sleep(LOOK);
        looks += 1;
        if !looks.is_multiple_of(LOOKS_PER_LINE) || !line.is_shown() {
            continue;
        }
        let (at, all) = (engine.live_progress(), engine.progress().frames);
        let now = engine.elapsed();
        line.say(standing(&at, all - frames, now.saturating_sub(asked)));
        (frames, asked) = (all, now);
    }
    line.finish();
    end(engine, show, interrupted)
}

/// How a live source stands, in a line.
fn standing(at: &LiveProgress, frames: u64, within: Duration) -> String {
    let per_second = u128::from(frames) * 1000 / within.as_millis().max(1);
    let mut text = format!(
        "{} of {} connections  {} frames/s  {} of {} books in step  {} gaps  {} trades backfilled",
        at.connections[0],
        at.connections[1],
        thousands(u64::try_from(per_second).unwrap_or(u64::MAX)),
        at.books[0],
        at.books[1],
        thousands(at.gaps),
        thousands(at.backfilled),
    );
    if at.history_left > 0 {
        let _ = write!(text, "  earlier trades: {} symbols to go", at.history_left);
    }
    if at.breakers_open > 0 {
        let _ = write!(text, "  {} venues paused after failures", at.breakers_open);
    }
    text
}

/// Waits for the end, and tells of it.
fn end(engine: Engine, show: Show, interrupted: &AtomicBool) -> anyhow::Result<u8> {
    let report = engine.wait();
    let printed = if show.json {
        output::print_line(serde_json::to_string(&report)?)
    } else {
        output::print(report.to_text())
    };
    for fault in &report.faults {
        output::say(format_args!("pitlane: {fault}"));
    }
    match printed {
        // A reader that went away changes nothing about how the run ended.
        Err(error) if !output::reader_is_gone(&error) => Err(error),
        _ => Ok(code(
            &report,
            show.strict,
            interrupted.load(Ordering::Relaxed),
        )),
    }
}

fn code(report: &Report, strict: bool, interrupted: bool) -> u8 {
    let counted = report.frames_rejected.values().sum::<u64>()
        + report.source_refused.values().sum::<u64>()
        + report.gaps;
    if !report.is_good() || (strict && counted > 0) {
        exit::FAILURE
    } else if interrupted && report.stopped {
        exit::INTERRUPTED
    } else {
        exit::OK
    }
}

/// Records refused by importers, in all.
pub fn refused(reports: &[ImportReport]) -> u64 {
    reports.iter().map(ImportReport::refused_total).sum()
}
