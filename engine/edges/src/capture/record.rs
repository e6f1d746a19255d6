//! Frames from a thread that must not wait to a thread that writes.
//!
//! The reader puts frames into a buffer and hands it over after each of its turns; the writer hands it back empty.
//! Nothing is ever dropped. If the disk is so slow that all buffers are on their way, the reader keeps what it takes,
//! and when that is very much it waits, which is counted; the venue's bytes then wait in the socket.
//! Closed files are read back on a third thread, so that no file waits for the checks of another.

use super::rotate::{ClosedFile, Kept, RotatingWriter};
use crate::source::{Frame, SourceError};
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{
    self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, TrySendError,
};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Bytes after which a buffer is handed over within a turn.
const BUFFER_BYTES: usize = 1 << 20;
/// Buffers on their way before the reader keeps what it takes.
const BUFFERS: usize = 256;
/// What the reader keeps before it waits: a busy venue needs a minute to send as much.
const HELD_BYTES: usize = 64 << 20;
/// What a crash can cost: what lies in memory is handed to the system as often.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
struct Entry {
    ts_recv: WallNs,
    venue: Venue,
    stream: u32,
    bytes: u32,
}

/// Frames one behind the other.
#[derive(Default, Debug)]
struct Buffer {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

impl Buffer {
    fn push(&mut self, frame: &Frame<'_>) {
        let length = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry {
            ts_recv: frame.ts_recv,
            venue: frame.venue,
            stream: length(frame.stream),
            bytes: length(frame.bytes),
        });
        self.bytes.extend_from_slice(frame.stream);
        self.bytes.extend_from_slice(frame.bytes);
    }

    fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        let mut rest = self.bytes.as_slice();
        self.entries.iter().map(move |entry| {
            let (stream, behind) = rest.split_at(entry.stream as usize);
            let (bytes, behind) = behind.split_at(entry.bytes as usize);
            rest = behind;
            Frame {
                ts_recv: entry.ts_recv,
                venue: entry.venue,
                stream,
                bytes,
            }
        })
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
    }
}

/// Counts anybody may look at while it records.
#[derive(Default, Debug)]
pub struct RecordCounts {
    /// Frames given to the writer.
    pub received: AtomicU64,
    /// Frames written, on disk or on their way there.
    pub written: AtomicU64,
    /// Bytes on disk, all files.
    pub bytes: AtomicU64,
    /// Files begun.
    pub files: AtomicU64,
    /// Frames in files that are closed.
    pub closed: AtomicU64,
    /// Frames too large for a capture, which are in no file.
    pub too_large: AtomicU64,
    /// Times the reader had to wait for the writer.
    pub waits: AtomicU64,
}

impl RecordCounts {
    /// A closed file goes to be read back.
    fn hand_over(&self, file: ClosedFile, closed: &Sender<ClosedFile>) {
        self.closed
            .fetch_add(file.summary.frames, Ordering::Relaxed);
        let _checker_gone = closed.send(file);
    }
}

/// A file that was closed, and what reading it back said.
#[derive(Debug)]
pub struct CheckedFile {
    /// The file.
    pub file: ClosedFile,
    /// Good, or what is wrong with it.
    pub verdict: Result<(), SourceError>,
}

/// Why writing stopped, and what is there.
#[derive(Debug)]
pub struct WriteFailure {
    /// What the system said.
    pub error: SourceError,
    /// The file that was being written, if there was one, and how many of its frames can be read.
    pub kept: Option<(PathBuf, u64)>,
}

/// How recording ended.
#[derive(Debug)]
pub struct Recorded {
    /// The files that were closed and not asked for with [`Recording::checked`], in order.
    pub files: Vec<CheckedFile>,
    /// Why writing stopped before its end, if it did.
    pub failure: Option<WriteFailure>,
    /// Frames received of which no file has anything.
    pub lost: u64,
}

/// The reader's end; frames go in here.
pub struct Recorder {
    buffer: Buffer,
    full: SyncSender<Buffer>,
    empty: Receiver<Buffer>,
    counts: Arc<RecordCounts>,
    ending: bool,
}

/// The other end: how it goes, and how it ended.
pub struct Recording {
    writer: JoinHandle<Option<WriteFailure>>,
    checked: Receiver<CheckedFile>,
    counts: Arc<RecordCounts>,
}

impl Recorder {
    /// Starts to record into `writer`. Dropping the recorder ends it.
    pub fn start(writer: RotatingWriter) -> std::io::Result<(Self, Recording)> {
        Self::with_buffers(writer, BUFFERS)
    }

    fn with_buffers(writer: RotatingWriter, buffers: usize) -> std::io::Result<(Self, Recording)> {
        let (full, filled) = mpsc::sync_channel(buffers);
        let (emptied, empty) = mpsc::channel();
        let (closed, to_check) = mpsc::channel();
        let counts = Arc::new(RecordCounts::default());
        let of_writer = Arc::clone(&counts);
        let writer = thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || write(writer, &filled, &emptied, &closed, &of_writer))?;
        let (verdicts, checked) = mpsc::channel();
        thread::Builder::new()
            .name("verify".to_owned())
            .spawn(move || check(&to_check, &verdicts))?;
        let recorder = Self {
            buffer: Buffer::default(),
            full,
            empty,
            counts: Arc::clone(&counts),
            ending: false,
        };
        let recording = Recording {
            writer,
            checked,
            counts,
        };
        Ok((recorder, recording))
    }

    /// Takes a frame. It is on its way to the file after [`Self::pass_on`], or when the buffer is full.
    pub fn push(&mut self, frame: &Frame<'_>) {
        self.buffer.push(frame);
        if self.buffer.bytes.len() >= BUFFER_BYTES {
            self.pass_on();
        }
    }

    /// Hands over what was taken, if there is room on the way.
    pub fn pass_on(&mut self) {
        if self.buffer.entries.is_empty() {
            return;
        }
        let frames = self.buffer.entries.len() as u64;
        match self.full.try_send(std::mem::take(&mut self.buffer)) {
            Err(TrySendError::Full(buffer)) if buffer.bytes.len() < HELD_BYTES && !self.ending => {
                self.buffer = buffer;
                return;
            }
            Err(TrySendError::Full(buffer)) => {
                self.counts.waits.fetch_add(1, Ordering::Relaxed);
                // A writer that is gone said why; the counts tell what it lacks.
                let _gone = self.full.send(buffer);
            }
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        }
        self.counts.received.fetch_add(frames, Ordering::Relaxed);
        self.buffer = self.empty.try_recv().unwrap_or_default();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ending = true;
        self.pass_on();
    }
}

impl Recording {
    /// How it goes.
    pub fn counts(&self) -> &RecordCounts {
        &self.counts
    }

    /// Whether writing has ended: before the recorder was dropped, that is a failure.
    pub fn has_ended(&self) -> bool {
        self.writer.is_finished()
    }

    /// The next file that was closed and read back since the last call.
    pub fn checked(&self) -> Option<CheckedFile> {
        self.checked.try_recv().ok()
    }

    /// Waits until everything is written, closed and read back. The recorder must be dropped, or this never returns.
    pub fn wait(self) -> Recorded {
        let failure = self.writer.join().unwrap_or_else(|_| {
            let error = std::io::Error::other("the writing thread panicked");
            Some(WriteFailure {
                error: SourceError::io(std::path::Path::new("capture"), error),
                kept: None,
            })
        });
        // The writer is gone, so this ends with the last file's verdict.
        let files = self.checked.iter().collect();
        let in_files = self.counts.closed.load(Ordering::Relaxed);
        let kept = failure.as_ref().and_then(|it| it.kept.as_ref());
        let in_files = in_files + kept.map_or(0, |(_, frames)| *frames);
        let received = self.counts.received.load(Ordering::Relaxed);
        let too_large = self.counts.too_large.load(Ordering::Relaxed);
        Recorded {
            files,
            failure,
            lost: received.saturating_sub(in_files + too_large),
        }
    }
}

/// The writer's thread.
fn write(
    mut writer: RotatingWriter,
    filled: &Receiver<Buffer>,
    emptied: &Sender<Buffer>,
    closed: &Sender<ClosedFile>,
    counts: &RecordCounts,
) -> Option<WriteFailure> {
    let mut bytes_closed = 0;
    let mut work = || -> Result<(), SourceError> {
        let (mut dirty, mut flushed) = (false, WallNs(i64::MIN));
        loop {
            let mut buffer = match filled.try_recv() {
                Ok(buffer) => buffer,
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => match filled.recv_timeout(FLUSH_EVERY) {
                    Ok(buffer) => buffer,
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                    Err(RecvTimeoutError::Timeout) => {
                        if std::mem::take(&mut dirty) {
                            writer.flush()?;
                        }
                        continue;
                    }
                },
            };
            dirty = true;
            if let Some(last) = buffer.entries.last() {
                // While buffers come without a pause, their own times say when it is time.
                let every = i64::try_from(FLUSH_EVERY.as_nanos()).unwrap_or(i64::MAX);
                if last.ts_recv.0.saturating_sub(flushed.0) >= every {
                    flushed = last.ts_recv;
                    writer.flush()?;
                }
            }
            for frame in buffer.frames() {
                if !RotatingWriter::fits(&frame) {
                    counts.too_large.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                if let Some(file) = writer.rotate(&frame)? {
                    bytes_closed += file.summary.bytes;
                    counts.hand_over(file, closed);
                }
                writer.write(&frame)?;
                counts.written.fetch_add(1, Ordering::Relaxed);
            }
            counts
                .files
                .store(u64::from(writer.begun()), Ordering::Relaxed);
            let bytes = bytes_closed + writer.bytes_written();
            counts.bytes.store(bytes, Ordering::Relaxed);
            buffer.clear();
            let _reader_gone = emptied.send(buffer);
        }
    };
    let outcome = work();
    let path = writer.path().map(std::path::Path::to_path_buf);
    let error = match outcome {
        Err(error) => error,
        Ok(()) => match writer.finish() {
            Ok(file) => {
                if let Some(file) = file {
                    counts.hand_over(file, closed);
                }
                return None;
            }
            Err(error) => error,
        },
    };
    let kept = path.map(|path| {
        let frames = Kept::of(&path).map_or(0, |kept| kept.frames());
        (path, frames)
    });
    Some(WriteFailure { error, kept })
}

/// The thread that reads files back.
fn check(closed: &Receiver<ClosedFile>, verdicts: &Sender<CheckedFile>) {
    for file in closed {
        let verdict = file.verify();
        let _nobody_asks = verdicts.send(CheckedFile { file, verdict });
    }
}

#[cfg(test)]
mod tests;
