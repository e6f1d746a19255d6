//! Where frames come from when no socket is open: the one interface of captures and imported files.
//!
//! A source hands out the venue's own bytes with the time they were received and the stream they came on.
//! It never decodes prices, never reorders and never paces; what it cannot use it refuses, counts and reports.

mod merge;

pub use merge::{Merged, merge};

use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use std::fmt;
use std::path::{Path, PathBuf};

/// Longest frame a source hands out: as long as the longest a decoder looks at.
pub const FRAME_BYTES_MAX: usize = pitlane_domain::decode::FRAME_BYTES_MAX;

/// One frame as it was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// When it was received; the venue's time where the file does not say.
    pub ts_recv: WallNs,
    /// Whose frame it is.
    pub venue: Venue,
    /// The venue's name of the stream, such as `btcusdt@depth@100ms`.
    pub stream: &'a [u8],
    /// The venue's bytes, untouched.
    pub bytes: &'a [u8],
}

/// How far a source has been read, in bytes of the file as it lies on disk.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Progress {
    /// Bytes read so far; the decoder reads ahead, so this may run a buffer in front of the frames.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}

/// A stream of recorded frames.
pub trait FrameSource: Send {
    /// The next frame; `None` at the end. After an error the source may be read on unless the error repeats.
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError>;

    /// How far it has been read.
    fn progress(&self) -> Progress;

    /// What was read, refused and cut so far, one report per file.
    fn reports(&self) -> Vec<ImportReport>;
}

impl FrameSource for Box<dyn FrameSource> {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        (**self).next()
    }

    fn progress(&self) -> Progress {
        (**self).progress()
    }

    fn reports(&self) -> Vec<ImportReport> {
        (**self).reports()
    }
}

/// Why a source cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file system or the decompressor failed.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// A line (or a binary message, counted from 1) is not of the format, and bad lines stop the import.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A part of a binary file is damaged.
    #[error("{}: byte {offset}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged part begins.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The file as a whole cannot be read as asked.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
}

impl SourceError {
    pub(crate) fn unusable(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unusable {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }

    pub(crate) fn io(path: &Path, error: std::io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            error,
        }
    }
}

/// What to do with a part of a file that is not what it should be.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OnBad {
    /// Skip it, count it, report the first of each reason.
    #[default]
    Skip,
    /// Stop with an error that names file, place and reason.
    Stop,
}

/// Records refused for one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The reason, a stable name for counters.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
    /// The first of them, as `file:line: detail`.
    pub first: String,
}

/// The end of a file that was not whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Bytes at the end of the file that held no whole frame.
    pub bytes: u64,
    /// Why they could not be used.
    pub reason: String,
}

/// What one file gave. The totals balance: see [`ImportReport::balances`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportReport {
    /// The file.
    pub source: String,
    /// Name of its format.
    pub format: &'static str,
    /// Records read: lines of a text file, messages of a binary one.
    pub records: u64,
    /// Frames handed out.
    pub frames: u64,
    /// Records that are no frame and no error: headers, connection lines, blank lines.
    pub control: u64,
    /// Records refused, by reason, in the order in which the reasons first occurred.
    pub refused: Vec<Refused>,
    /// Receive time of the first frame.
    pub first: Option<WallNs>,
    /// Receive time of the last frame.
    pub last: Option<WallNs>,
    /// Frames whose receive time lies before that of the frame before.
    pub time_reversals: u64,
    /// How often the unit of the receive times changed between two lines.
    pub unit_changes: u64,
    /// A file that ends in the middle of something.
    pub cut: Option<Cut>,
}

impl ImportReport {
    /// An empty report on `source`.
    pub fn new(source: impl Into<String>, format: &'static str) -> Self {
        Self {
            source: source.into(),
            format,
            records: 0,
            frames: 0,
            control: 0,
            refused: Vec::new(),
            first: None,
            last: None,
            time_reversals: 0,
            unit_changes: 0,
            cut: None,
        }
    }

    /// Records refused for any reason.
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().map(|refused| refused.count).sum()
    }

    /// Whether every record read is a frame, control or refused, once.
    pub fn balances(&self) -> bool {
        self.records == self.frames + self.control + self.refused_total()
    }

    pub(crate) fn accept(&mut self, ts_recv: WallNs) {
        self.records += 1;
        self.frames += 1;
        self.time_reversals += u64::from(self.last.is_some_and(|last| ts_recv < last));
        self.first.get_or_insert(ts_recv);
        self.last = Some(ts_recv);
    }

    pub(crate) fn control(&mut self) {
        self.records += 1;
        self.control += 1;
    }

    /// Counts `count` refusals; `place` is asked only for the first of its reason.
    pub(crate) fn refuse(
        &mut self,
        reason: &'static str,
        count: u64,
        place: impl FnOnce() -> String,
    ) {
        self.records += count;
        if let Some(known) = self.refused.iter_mut().find(|r| r.reason == reason) {
            known.count += count;
        } else {
            self.refused.push(Refused {
                reason,
                count,
                first: place(),
            });
        }
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {} records = {} frames + {} control + {} refused",
            self.source,
            self.format,
            self.records,
            self.frames,
            self.control,
            self.refused_total()
        )?;
        for refused in &self.refused {
            write!(
                f,
                "\n  {} refused as {}, first {}",
                refused.count, refused.reason, refused.first
            )?;
        }
        if self.time_reversals > 0 {
            write!(f, "\n  {} time reversals", self.time_reversals)?;
        }
        if self.unit_changes > 0 {
            write!(
                f,
                "\n  the unit of the receive times changed {} times",
                self.unit_changes
            )?;
        }
        if let Some(cut) = &self.cut {
            write!(
                f,
                "\n  {} bytes at the end were cut: {}",
                cut.bytes, cut.reason
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
