//! What a capture came to, as text and as JSON.

use super::tally::Tally;
use pitlane_app::report::thousands;
use pitlane_domain::decode::Reason;
use pitlane_edges::capture::record::{CheckedFile, WriteFailure};
use pitlane_edges::live::Causes;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Why it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// SIGTERM or SIGQUIT.
    Told,
    /// SIGINT.
    Interrupted,
    /// The time of `--for` was over.
    Time,
    /// Nothing could be written any more.
    Failed,
}

impl Ended {
    fn name(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Interrupted => "interrupted",
            Self::Time => "time",
            Self::Failed => "failed",
        }
    }
}

/// A file, and whether what was written is in it.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    frames: u64,
    bytes: u64,
    span_ns: Option<[i64; 2]>,
    /// What reading it back complained of.
    fault: Option<String>,
}

impl File {
    /// Of a file that was closed and read back.
    pub fn of(checked: &CheckedFile) -> Self {
        Self {
            path: checked.file.path.clone(),
            frames: checked.file.summary.frames,
            bytes: checked.file.summary.bytes,
            span_ns: checked.file.span.map(|(first, last)| [first.0, last.0]),
            fault: checked.verdict.as_ref().err().map(ToString::to_string),
        }
    }

    /// Whether it holds what was written.
    pub fn is_good(&self) -> bool {
        self.fault.is_none()
    }

    /// A line about it.
    pub fn told(&self) -> String {
        match &self.fault {
            None => format!(
                "{}: {} frames, {} bytes, read back and whole",
                self.path.display(),
                thousands(self.frames),
                thousands(self.bytes)
            ),
            Some(fault) => format!(
                "{fault}; keep the file and record anew: this disk or this memory is not sound"
            ),
        }
    }
}

/// What became of the connections meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Course {
    /// Connections made.
    pub connects: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Successors that took over.
    pub handovers: u64,
    /// Gaps in the ids of trades, and books lost.
    pub gaps: u64,
    /// Requests sent.
    pub requests: u64,
    /// Of these, failed or refused.
    pub request_failures: u64,
    /// Frames thrown away before they reached the writer.
    pub thrown_away: u64,
    /// What was refused or came to nothing, by cause.
    pub causes: Causes,
    /// Frames that cannot be read, in the order of [`Reason::ALL`]; they are recorded like any other.
    pub frames_refused: [u64; Reason::ALL.len()],
}

impl Course {
    /// Place, cause and how often, for all that was refused.
    fn refused(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let frames = Reason::ALL.iter().zip(self.frames_refused);
        let frames = frames.map(|((_, name), count)| ("frames", *name, count));
        let frames = frames.filter(|(.., count)| *count > 0);
        self.causes.met().chain(frames)
    }
}

/// All of it.
#[derive(Debug)]
pub struct Summary {
    /// Why it ended.
    pub ended: Ended,
    /// For how long it ran.
    pub elapsed: Duration,
    /// Frames by kind.
    pub tally: Tally,
    /// Connections and gaps.
    pub course: Course,
    /// Files in order.
    pub files: Vec<File>,
    /// Frames no capture can hold.
    pub too_large: u64,
    /// Times the reading waited for the disk.
    pub waits: u64,
    /// Frames that were received and are in no file.
    pub lost: u64,
    /// Why writing stopped.
    pub failure: Option<WriteFailure>,
}

impl Summary {
    /// Whether every frame received is in a file that was read back whole.
    pub fn is_good(&self) -> bool {
        self.failure.is_none()
            && self.lost == 0
            && self.too_large == 0
            && self.course.thrown_away == 0
            && self.files.iter().all(File::is_good)
    }

    /// What went wrong, a sentence each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(failure) = &self.failure {
            let kept = failure
                .kept
                .as_ref()
                .map_or_else(String::new, |(path, frames)| {
                    format!(
                        "; {} holds {} frames that can be read",
                        path.display(),
                        thousands(*frames)
                    )
                });
            faults.push(format!(
                "{}{kept}; make room or name another place with --out",
                failure.error
            ));
        }
        let mut lacking = |count: u64, why: &str| {
            if count > 0 {
                faults.push(format!("{} frames {why}", thousands(count)));
            }
        };
        lacking(self.lost, "were received and are in no file");
        lacking(
            self.too_large,
            "are larger than a capture holds and are in no file",
        );
        lacking(self.course.thrown_away, "were thrown away for lack of room");
        faults.extend(
            self.files
                .iter()
                .filter(|file| !file.is_good())
                .map(File::told),
        );
        faults
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for file in self.files.iter().filter(|file| file.is_good()) {
            let _ = writeln!(text, "{}", file.told());
        }
        let total = self.tally.total();
        let _ = writeln!(
            text,
            "{} frames, {} bytes received in {:.1} s",
            thousands(total.frames),
            thousands(total.bytes),
            self.elapsed.as_secs_f64()
        );
        for (kind, flow) in self.tally.kinds() {
            let (frames, bytes) = (thousands(flow.frames), thousands(flow.bytes));
            let _ = writeln!(text, "  {kind:<18} {frames:>14} frames {bytes:>18} bytes");
        }
        let course = &self.course;
        let _ = writeln!(
            text,
            "{} connections made, {} lost, {} handed over; {} gaps; {} requests, {} failed; {} waits for the disk",
            course.connects,
            course.disconnects,
            course.handovers,
            thousands(course.gaps),
            thousands(course.requests),
            thousands(course.request_failures),
            self.waits
        );
        for (place, cause, count) in course.refused() {
            let _ = writeln!(text, "  {place} refused as {cause}: {}", thousands(count));
        }
        text
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let total = self.tally.total();
        let kinds = self.tally.kinds().iter();
        let kinds = kinds.map(|(kind, flow)| {
            (
                kind.clone(),
                json!({"frames": flow.frames, "bytes": flow.bytes}),
            )
        });
        let files = self.files.iter().map(|file| {
            json!({
                "path": file.path,
                "frames": file.frames,
                "bytes": file.bytes,
                "first_ns": file.span_ns.map(|span| span[0]),
                "last_ns": file.span_ns.map(|span| span[1]),
                "verified": file.is_good(),
            })
        });
        let course = &self.course;
        let mut refused = serde_json::Map::new();
        for (place, cause, count) in course.refused() {
            refused.entry(place).or_insert_with(|| json!({}))[cause] = json!(count);
        }
        json!({
            "ended": self.ended.name(),
            "wall_ns": u64::try_from(self.elapsed.as_nanos()).unwrap_or(u64::MAX),
            "frames": total.frames,
            "bytes": total.bytes,
            "streams": kinds.collect::<serde_json::Map<_, _>>(),
            "files": files.collect::<Vec<_>>(),
            "gaps": course.gaps,
            "connects": course.connects,
            "disconnects": course.disconnects,
            "handovers": course.handovers,
            "requests": course.requests,
            "request_failures": course.request_failures,
            "refused": refused,
            "waits": self.waits,
            "too_large": self.too_large,
            "thrown_away": course.thrown_away,
            "lost": self.lost,
            "faults": self.faults(),
        })
    }
}
