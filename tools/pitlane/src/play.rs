//! Plays a plan to its end: progress while it runs, signals, the report, the exit code.

use crate::progress::Progress;
use crate::{exit, output};
use anyhow::Context;
use pitlane_app::engine::{Engine, Plan, StartError};
use pitlane_app::report::{Report, thousands};
use pitlane_edges::source::ImportReport;
use pitlane_runtime::runner::LaunchError;
use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM};
use std::sync::Arc;
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

/// Starts the engine, waits for its end, prints the report.
pub fn play(plan: Plan, show: Show) -> anyhow::Result<u8> {
    let interrupted = signals(&plan)?;
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

/// The first SIGINT, SIGTERM or SIGQUIT asks for an orderly end, the second ends at once.
/// What comes back says whether SIGINT was among them.
fn signals(plan: &Plan) -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGQUIT] {
        let flag = plan.stop.flag();
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&flag))
            .and_then(|_| signal_hook::flag::register(signal, flag))
            .context("cannot watch for signals")?;
    }
    signal_hook::flag::register(SIGINT, Arc::clone(&interrupted))
        .context("cannot watch for SIGINT")?;
    Ok(interrupted)
}

/// Records refused by importers, in all.
pub fn refused(reports: &[ImportReport]) -> u64 {
    reports.iter().map(ImportReport::refused_total).sum()
}
