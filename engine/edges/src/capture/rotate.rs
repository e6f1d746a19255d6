//! A capture in several files: a new one when the last is large enough or old enough, and each read back when it is closed.
//!
//! Every frame is in exactly one file, in the order in which they came; the files played one behind the other are the
//! capture as a whole.
//! Names say when a file begins and which it is: `day.plcap` becomes `day-20240809T130000Z-0001.plcap` and so on.
//! Age is judged by the frames' receive times, so that no clock is read here and a test can turn time as it likes.

use super::format::STREAM_BYTES_MAX;
use super::{CaptureReader, CaptureSummary, CaptureWriter};
use crate::source::{FRAME_BYTES_MAX, Frame, FrameSource, OnBad, SourceError};
use pitlane_domain::units::WallNs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// When a new file is begun. Nothing set: never.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rotation {
    /// At so many bytes on disk. A file is larger by what one block holds at most.
    pub bytes: Option<u64>,
    /// When the time of day passes a multiple of this, so that `1h` begins files at full hours, UTC.
    pub every: Option<Duration>,
}

impl Rotation {
    /// Whether there can be more than one file.
    pub fn is_set(&self) -> bool {
        self.bytes.is_some() || self.every.is_some()
    }

    /// The turn of time a frame belongs to.
    fn turn(&self, ts: WallNs) -> i64 {
        let every = self.every.map_or(i64::MAX, |every| {
            i64::try_from(every.as_nanos()).unwrap_or(i64::MAX)
        });
        ts.0.div_euclid(every.max(1))
    }
}

/// A sum over frames in their order: what was written and what is read back have the same, or differ.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Digest {
    frames: u64,
    crc: u32,
}

impl Digest {
    fn add(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        let lengths = [frame.stream.len() as u64, frame.bytes.len() as u64];
        let head = [
            frame.ts_recv.0.to_le_bytes(),
            lengths[0].to_le_bytes(),
            lengths[1].to_le_bytes(),
        ];
        let parts = [
            head.as_flattened(),
            &[frame.venue as u8],
            frame.stream,
            frame.bytes,
        ];
        self.crc = parts
            .iter()
            .fold(self.crc, |crc, part| crc32c::crc32c_append(crc, part));
    }
}

/// A file that is written and closed, and not read back yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClosedFile {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub summary: CaptureSummary,
    /// Receive times of its first and last frame; none if it is empty.
    pub span: Option<(WallNs, WallNs)>,
    digest: Digest,
}

impl ClosedFile {
    /// Reads the file back: every checksum, every frame, and that they are the frames that were written.
    pub fn verify(&self) -> Result<(), SourceError> {
        let found = Kept::of(&self.path)?;
        if found.digest == self.digest && found.complaint.is_none() {
            return Ok(());
        }
        let complaint = found
            .complaint
            .unwrap_or_else(|| "their contents differ".to_owned());
        let reason = format!(
            "{} frames were written and {} are read back: {complaint}",
            self.digest.frames, found.digest.frames
        );
        Err(SourceError::unusable(&self.path, reason))
    }
}

/// What can be read of a file, whole or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    digest: Digest,
    complaint: Option<String>,
}

impl Kept {
    /// Reads a file to its end, or to where it can be read.
    pub fn of(path: &Path) -> Result<Self, SourceError> {
        let mut reader = CaptureReader::open(path, OnBad::Skip)?;
        let mut digest = Digest::default();
        while let Some(frame) = reader.next()? {
            digest.add(&frame);
        }
        let mut reports = reader.reports();
        let complaint = reports.pop().and_then(|report| {
            let refused = report.refused_total();
            let damaged = (refused > 0).then(|| format!("{refused} frames are damaged"));
            damaged.or(report.cut.map(|cut| cut.reason))
        });
        Ok(Self { digest, complaint })
    }

    /// Frames that can be read.
    pub fn frames(&self) -> u64 {
        self.digest.frames
    }
}

struct Open {
    writer: CaptureWriter,
    path: PathBuf,
    digest: Digest,
    turn: i64,
    span: Option<(WallNs, WallNs)>,
}

impl Open {
    fn create(path: PathBuf) -> Result<Self, SourceError> {
        Ok(Self {
            writer: CaptureWriter::create(&path)?,
            path,
            digest: Digest::default(),
            turn: i64::MIN,
            span: None,
        })
    }

    fn close(mut self) -> Result<ClosedFile, SourceError> {
        // What is verified is read from the disk's own pages, and stays if the machine stops.
        self.writer.sync()?;
        Ok(ClosedFile {
            summary: self.writer.finish()?,
            path: self.path,
            span: self.span,
            digest: self.digest,
        })
    }
}

/// Writes frames into one file after another.
pub struct RotatingWriter {
    out: PathBuf,
    rotation: Rotation,
    open: Option<Open>,
    begun: u32,
}

impl RotatingWriter {
    /// Whether a file of that name, or beside it, can be made; nothing is left behind.
    pub fn probe(out: &Path) -> Result<(), SourceError> {
        if out.exists() {
            let reason = "exists already; remove it or name another file".to_owned();
            return Err(SourceError::unusable(out, reason));
        }
        let trial = out.with_added_extension("trial");
        let made = std::fs::File::create(&trial).and_then(|_| std::fs::remove_file(&trial));
        made.map_err(|error| SourceError::io(out, error))
    }

    /// Writes to `out`, or to files named after it. Without a rotation the file is there at once, and must not exist
    /// before; with one, the first is begun by the first frame, and this only tries whether a file can be made there.
    pub fn create(out: &Path, rotation: Rotation) -> Result<Self, SourceError> {
        let mut writer = Self {
            out: out.to_path_buf(),
            rotation,
            open: None,
            begun: 0,
        };
        if rotation.is_set() {
            Self::probe(out)?;
        } else {
            writer.open = Some(Open::create(out.to_path_buf())?);
            writer.begun = 1;
        }
        Ok(writer)
    }

    /// Closes the file that is open if this frame belongs to the next; what is closed is returned.
    pub fn rotate(&mut self, frame: &Frame<'_>) -> Result<Option<ClosedFile>, SourceError> {
        let ended = self.open.as_ref().is_some_and(|open| {
            let full = self
                .rotation
                .bytes
                .is_some_and(|most| open.writer.bytes_written() >= most);
            open.digest.frames > 0 && (full || self.rotation.turn(frame.ts_recv) > open.turn)
        });
        self.open.take_if(|_| ended).map(Open::close).transpose()
    }

    /// Adds a frame to the file that is open, or to a new one.
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), SourceError> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                let number = self.begun + 1;
                let path = next_path(&self.out, self.rotation, number, frame.ts_recv);
                let opened = Open::create(path)?;
                self.begun = number;
                closed.insert(opened)
            }
        };
        if open.digest.frames == 0 {
            open.turn = self.rotation.turn(frame.ts_recv);
        }
        open.writer.write(frame)?;
        open.digest.add(frame);
        let (first, last) = open.span.unwrap_or((frame.ts_recv, frame.ts_recv));
        open.span = Some((first.min(frame.ts_recv), last.max(frame.ts_recv)));
        Ok(())
    }

    /// Whether a frame fits a capture at all.
    pub fn fits(frame: &Frame<'_>) -> bool {
        frame.bytes.len() <= FRAME_BYTES_MAX && frame.stream.len() <= STREAM_BYTES_MAX
    }

    /// Hands everything to the system, so that a crash costs nothing written before.
    pub fn flush(&mut self) -> Result<(), SourceError> {
        self.open
            .as_mut()
            .map_or(Ok(()), |open| open.writer.flush())
    }

    /// Closes the file that is open.
    pub fn finish(mut self) -> Result<Option<ClosedFile>, SourceError> {
        self.open.take().map(Open::close).transpose()
    }

    /// The file that is written to.
    pub fn path(&self) -> Option<&Path> {
        self.open.as_ref().map(|open| open.path.as_path())
    }

    /// Files begun so far.
    pub fn begun(&self) -> u32 {
        self.begun
    }

    /// Bytes on disk of the file that is written to.
    pub fn bytes_written(&self) -> u64 {
        self.open
            .as_ref()
            .map_or(0, |open| open.writer.bytes_written())
    }
}

fn next_path(out: &Path, rotation: Rotation, number: u32, begins: WallNs) -> PathBuf {
    if !rotation.is_set() {
        return out.to_path_buf();
    }
    let time = jiff::Timestamp::from_nanosecond(i128::from(begins.0)).unwrap_or_default();
    let stamp = time.strftime("%Y%m%dT%H%M%SZ");
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension = out.extension().map_or_else(
        || super::EXTENSION.to_owned(),
        |extension| extension.to_string_lossy().into_owned(),
    );
    out.with_file_name(format!("{stem}-{stamp}-{number:04}.{extension}"))
}

#[cfg(test)]
mod tests;
