//! Segment files: made whole before they get their name, opened with their length checked before they are mapped.

use super::error::{StoreError, io_error};
use super::layout::{
    HEADER_BYTES, records_offset, segment_bytes, segment_name, sequence_of_name, word,
};
use super::segment::{HeaderFault, SegmentHeader, SegmentReader, SegmentWriter};
use crate::RECORD_BYTES;
use crate::region::Region;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a half-made segment is called. It never counts as one.
const TEMPORARY: &str = "next.seg.tmp";

/// A segment file opened for writing.
pub(super) struct SegmentFile {
    pub path: PathBuf,
    pub file: File,
    pub region: Arc<Region>,
}

impl SegmentFile {
    /// Makes a segment file: room first, then the header, then the name.
    /// On a full disk nothing remains of it.
    pub fn create(dir: &Path, header: SegmentHeader) -> Result<(Self, SegmentWriter), StoreError> {
        let mut segment = Self::spare(dir, header)?;
        let writer = segment.begin(dir, header);
        segment.take_name(dir)?;
        Ok((segment, writer))
    }

    /// Room for a segment that has no header and no name yet, and so does not count.
    pub fn spare(dir: &Path, header: SegmentHeader) -> Result<Self, StoreError> {
        let path = dir.join(TEMPORARY);
        let made = Self::allocate(&path, header.capacity);
        if made.is_err() {
            remove_spare(dir);
        }
        made
    }

    fn allocate(path: &Path, capacity: usize) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(io_error(path, "create"))?;
        Self::map(path, file, capacity)
    }

    fn map(path: &Path, file: File, capacity: usize) -> Result<Self, StoreError> {
        let bytes = segment_bytes(capacity, capacity);
        reserve(&file, path, bytes)?;
        let region = Region::map(&file, bytes).map_err(io_error(path, "map"))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            region,
        })
    }

    /// Writes the header of a spare one.
    pub fn begin(&mut self, dir: &Path, header: SegmentHeader) -> SegmentWriter {
        self.path = dir.join(segment_name(header.first_sequence));
        SegmentWriter::create(&self.region, header)
    }

    /// Gives it its name, in place of a segment that may have it now.
    pub fn take_name(&self, dir: &Path) -> Result<(), StoreError> {
        fs::rename(dir.join(TEMPORARY), &self.path).map_err(io_error(&self.path, "name"))
    }

    /// Opens a segment whose header is known to be good, with room for its whole capacity again,
    /// and with nothing behind its first `records` records.
    pub fn reopen(path: &Path, header: SegmentHeader, records: usize) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(io_error(path, "open"))?;
        // Cutting the file and giving it room again zeroes the rest without touching its pages.
        file.set_len(segment_bytes(header.capacity, records) as u64)
            .map_err(io_error(path, "truncate"))?;
        Self::map(path, file, header.capacity)
    }

    /// Gives the unused end of the record column back.
    pub fn truncate(&self, header: SegmentHeader, records: usize) -> Result<(), StoreError> {
        self.file
            .set_len(segment_bytes(header.capacity, records) as u64)
            .map_err(io_error(&self.path, "truncate"))
    }

    pub fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(io_error(&self.path, "sync"))
    }
}

/// Removes what a crash, a full disk or an early end left of a segment to come. It is ours and holds nothing.
pub(super) fn remove_spare(dir: &Path) {
    let _ = fs::remove_file(dir.join(TEMPORARY));
}

fn reserve(file: &File, path: &Path, bytes: usize) -> Result<(), StoreError> {
    crate::files::reserve(file, bytes as u64).map_err(|error| {
        if !crate::files::is_full(&error) {
            return io_error(path, "allocate")(error);
        }
        let free = rustix::fs::fstatvfs(file).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize));
        StoreError::Full {
            path: path.to_path_buf(),
            needed: bytes as u64,
            free,
        }
    })
}

/// A segment file that was looked at, not trusted.
pub(super) enum Found {
    Good(SegmentReader, FoundSegment),
    /// The header is missing or damaged: nothing in the file can be placed.
    NoHeader(&'static str),
}

/// Facts about a good one.
#[derive(Clone, Copy)]
pub(super) struct FoundSegment {
    pub file_bytes: u64,
    /// Whole records that the file has bytes for.
    pub present: usize,
}

/// Maps a segment for reading. A foreign file or an unknown version is an error; damage is a finding.
pub(super) fn look(path: &Path) -> Result<Found, StoreError> {
    let file = File::open(path).map_err(io_error(path, "open"))?;
    let file_bytes = file
        .metadata()
        .map_err(io_error(path, "read the length of"))?
        .len();
    if file_bytes < HEADER_BYTES as u64 {
        return Ok(Found::NoHeader("shorter than a header"));
    }
    let region = Region::map_read_only(&file, HEADER_BYTES).map_err(io_error(path, "map"))?;
    let header = match SegmentHeader::read(&region) {
        Ok(header) => header,
        Err(HeaderFault::Foreign) if is_zero(&region) => {
            return Ok(Found::NoHeader("the header was never written to the disk"));
        }
        Err(HeaderFault::Foreign) => {
            return Err(StoreError::Foreign {
                path: path.to_path_buf(),
            });
        }
        Err(HeaderFault::Version(found)) => {
            return Err(StoreError::Version {
                path: path.to_path_buf(),
                found,
            });
        }
        Err(HeaderFault::Damaged) => return Ok(Found::NoHeader("the header's CRC is wrong")),
    };
    let offset = records_offset(header.capacity) as u64;
    let present = file_bytes
        .checked_sub(offset)
        .map_or(0, |bytes| bytes / RECORD_BYTES as u64);
    let present = usize::try_from(present)
        .unwrap_or(usize::MAX)
        .min(header.capacity);
    // Mapped for its whole capacity, because an open file may be shorter today and whole tomorrow;
    // what is touched is what the cursor and the length allow.
    let bytes = segment_bytes(header.capacity, header.capacity);
    let region = Region::map_read_only(&file, bytes).map_err(io_error(path, "map"))?;
    Ok(Found::Good(
        SegmentReader::over(region, header),
        FoundSegment {
            file_bytes,
            present,
        },
    ))
}

/// Opens a segment to read it. Damage is an error here.
pub(super) fn open_reader(path: &Path) -> Result<SegmentReader, StoreError> {
    let damaged = |what| StoreError::Damaged {
        path: path.to_path_buf(),
        what,
    };
    match look(path)? {
        Found::NoHeader(what) => Err(damaged(what)),
        Found::Good(segment, found) if segment.committed() > found.present => {
            Err(damaged("fewer records than were committed"))
        }
        Found::Good(segment, _) => Ok(segment),
    }
}

fn is_zero(region: &Region) -> bool {
    (0..word(HEADER_BYTES)).all(|index| region.load(index) == 0)
}

/// The first sequence numbers of all segments in a directory, ascending. A directory that is not there has none.
pub(super) fn list(dir: &Path) -> Result<Vec<u64>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error(dir, "list")(error)),
    };
    let mut firsts = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error(dir, "list"))?;
        firsts.extend(entry.file_name().to_str().and_then(sequence_of_name));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// Makes names and removals in a directory durable.
pub(super) fn sync_directory(dir: &Path) -> Result<(), StoreError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(io_error(dir, "sync"))
}
