//! `pitlane capture`: live frames, REST replies included, into capture files.
//!
//! One thread reads and does nothing else that can wait; the frames go to a writer of their own.
//! The same machine that feeds the engine holds the connections, so what it fetches to fill gaps is recorded too,
//! and a replay of the files goes the way the session went.

mod session;
mod summary;
mod tally;

use crate::cli::{CaptureArgs, RotateAt};
use crate::progress::Progress;
use crate::{exit, inputs, live, output, signals};
use pitlane_app::report::thousands;
use pitlane_edges::capture::record::{Recorder, Recording};
use pitlane_edges::capture::rotate::{RotatingWriter, Rotation};
use pitlane_edges::config::SourceKind;
use pitlane_runtime::lifecycle::Stop;
use session::Session;
use std::sync::atomic::Ordering;
use std::time::Duration;
use summary::{Course, Ended, File, Summary};
use tally::{Flow, Rate, Tally};

/// How often the progress is shown and the end is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
pub fn capture(args: &CaptureArgs) -> anyhow::Result<u8> {
    let config = inputs::load(&args.config)?;
    if config.source.kind != SourceKind::Live {
        return Err(exit::config(format!(
            "{}: source.kind is not \"live\": there is nothing to capture; configs/live.toml is an example",
            args.config.display()
        )));
    }
    let rotation = rotation(&args.rotate)?;
    // Before anybody is called: a place that cannot be written to is no reason to bother a venue.
    RotatingWriter::probe(&args.out)?;
    let stop = Stop::new();
    let interrupted = signals::watch(stop.flag())?;
    let start = live::start(&config, &stop)?;
    let (recorder, recording) = Recorder::start(RotatingWriter::create(&args.out, rotation)?)?;
    let mut session = Session::begin(&config, start, recorder)?;
    let line = Progress::line(args.quiet);
    let mut show = Show {
        line,
        quiet: args.quiet,
        files: Vec::new(),
    };
    let why = follow(&mut session, &recording, &mut show, &stop, args.duration);
    let elapsed = session.elapsed();
    let (tally, course, last_words) = session.end();
    show.line.finish();
    for text in last_words {
        show.tell(format_args!("pitlane: {text}"));
    }
    let counts = (
        recording.counts().too_large.load(Ordering::Relaxed),
        recording.counts().waits.load(Ordering::Relaxed),
    );
    let recorded = recording.wait();
    show.files.extend(recorded.files.iter().map(File::of));
    let ended = match why {
        Ended::Told if interrupted.load(Ordering::Relaxed) => Ended::Interrupted,
        _ if recorded.failure.is_some() => Ended::Failed,
        why => why,
    };
    let summary = Summary {
        ended,
        elapsed,
        tally,
        course,
        files: show.files,
        too_large: counts.0,
        waits: counts.1,
        lost: recorded.lost,
        failure: recorded.failure,
    };
    report(&summary, args.json)
}

fn report(summary: &Summary, json: bool) -> anyhow::Result<u8> {
    let printed = if json {
        output::print_line(summary.to_json())
    } else {
        output::print(summary.to_text())
    };
    for fault in summary.faults() {
        output::say(format_args!("pitlane: {fault}"));
    }
    match printed {
        // A reader that went away changes nothing about what is on disk.
        Err(error) if !output::reader_is_gone(&error) => Err(error),
        _ if !summary.is_good() => Ok(exit::FAILURE),
        _ if summary.ended == Ended::Interrupted => Ok(exit::INTERRUPTED),
        _ => Ok(exit::OK),
    }
}

/// Reads until it is told to stop, the time is over, or nothing can be written any more.
fn follow(
    session: &mut Session,
    recording: &Recording,
    show: &mut Show,
    stop: &Stop,
    duration: Option<Duration>,
) -> Ended {
    let mut rate = Rate::new(0);
    let mut looked = Duration::ZERO;
    loop {
        session.turn(LOOK);
        let elapsed = session.elapsed();
        if stop.is_requested() {
            return Ended::Told;
        }
        if duration.is_some_and(|duration| elapsed >= duration) {
            return Ended::Time;
        }
        if elapsed.saturating_sub(looked) < LOOK {
            continue;
        }
        looked = elapsed;
        if recording.has_ended() {
            return Ended::Failed;
        }
        while let Some(text) = session.say() {
            show.tell(format_args!("pitlane: {text}"));
        }
        while let Some(checked) = recording.checked() {
            let file = File::of(&checked);
            show.tell(file.told());
            show.files.push(file);
        }
        if show.line.is_shown() {
            let now_ns = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            let (tally, course) = session.so_far();
            let per_second = rate.at(tally.total(), now_ns);
            show.line
                .say(standing(&tally, &course, per_second, recording));
        }
    }
}

/// How it goes, in a line.
fn standing(tally: &Tally, course: &Course, per_second: Flow, recording: &Recording) -> String {
    let kinds = tally.kinds().iter();
    let kinds = kinds.map(|(kind, flow)| format!("{kind} {}", thousands(flow.frames)));
    format!(
        "{} frames/s  {} kB/s  {} frames in {} files, {} kB  [{}]  {} gaps  {} reconnects",
        thousands(per_second.frames),
        thousands(per_second.bytes / 1000),
        thousands(tally.total().frames),
        recording.counts().files.load(Ordering::Relaxed),
        thousands(recording.counts().bytes.load(Ordering::Relaxed) / 1000),
        kinds.collect::<Vec<_>>().join(", "),
        thousands(course.gaps),
        course.disconnects,
    )
}

/// What is said while it runs, and the files that were closed meanwhile.
struct Show {
    line: Progress,
    quiet: bool,
    files: Vec<File>,
}

impl Show {
    fn tell(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            self.line.beside(|| output::say(text));
        }
    }
}

fn rotation(wanted: &[RotateAt]) -> anyhow::Result<Rotation> {
    let mut rotation = Rotation::default();
    for at in wanted {
        let twice = match at {
            RotateAt::Bytes(bytes) => rotation.bytes.replace(*bytes).is_some(),
            RotateAt::Every(every) => rotation.every.replace(*every).is_some(),
        };
        if twice {
            return Err(exit::usage(
                "--rotate: one size and one time at most, such as --rotate 256MiB --rotate 1h",
            ));
        }
    }
    Ok(rotation)
}
