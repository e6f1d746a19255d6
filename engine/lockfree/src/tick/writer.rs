//! The one writer of a tick store.

use super::error::{StoreError, io_error};
use super::file::{self, SegmentFile};
use super::layout::{
    CAPACITY_MAX, CRC_BYTES, DAY_NS, OFFSET_CRCS, RECORDS_PER_PREFAULT, day_of, records_offset,
    segment_bytes, segment_name,
};
use super::recovery::{self, Recovered, RecoveryReport};
use super::segment::{SegmentHeader, SegmentReader, SegmentWriter};
use crate::{RECORD_BYTES, Record, sequence_of, time_of};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// When committed records are forced to the disk. Without force they survive the death of the process, not of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncPolicy {
    /// When the kernel likes, and when the store is closed.
    #[default]
    None,
    /// With the first commit that comes so many milliseconds after the last time.
    IntervalMs(u32),
    /// With every commit.
    EveryBatch,
}

/// How much of the old segments is checked when a store is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Verify {
    /// Every record of the last segment; of the closed ones the header, the length, the first and the last record.
    #[default]
    LastSegment,
    /// Every record.
    Everything,
}

/// How a store is written.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// The owner's word for what the records mean. A store of another schema is refused.
    pub schema_hash: u64,
    /// Records of a new segment.
    pub segment_records: usize,
    /// When records are forced to the disk.
    pub sync: SyncPolicy,
    /// Whether pages are made present ahead of the writer, so that a store does not fault.
    pub prefault: bool,
    /// How much is checked when the store is opened.
    pub verify: Verify,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            schema_hash: 0,
            segment_records: 1 << 20,
            sync: SyncPolicy::None,
            prefault: true,
            verify: Verify::LastSegment,
        }
    }
}

/// Appends records. Dropping it without [`TickWriter::close`] leaves the store as a crash would, and is as safe.
///
/// ```
/// # if cfg!(miri) { return Ok(()) } // it has no file mappings
/// use pitlane_lockfree::tick::{StoreOptions, TickReader, TickWriter};
/// let dir = tempfile::tempdir()?;
/// let options = StoreOptions { segment_records: 100, ..StoreOptions::default() };
/// let (mut writer, report) = TickWriter::open(dir.path(), options)?;
/// assert_eq!(report.records, 0);
/// writer.append(&[1, 0, 1_000, 0, 0, 0, 0, 42])?;
/// writer.commit()?;
/// let mut reader = TickReader::open(dir.path())?;
/// assert_eq!(reader.next_batch(10)?, &[[1, 0, 1_000, 0, 0, 0, 0, 42]]);
/// writer.close()?;
/// assert!(reader.is_closed_and_drained()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TickWriter {
    dir: PathBuf,
    options: StoreOptions,
    /// Held until the writer is gone.
    _lock: Lock,
    file: SegmentFile,
    segment: SegmentWriter,
    next_sequence: u64,
    last_time: i64,
    /// Records that fit before something else must be done: no more room, or no more prefaulted pages.
    limit: usize,
    /// Records whose pages are present.
    present: usize,
    /// The next segment, made ahead.
    spare: Option<SegmentFile>,
    /// Making it was tried for this segment.
    spare_refused: bool,
    /// First instant of the day after the segment's.
    day_end: i64,
    durable: u64,
    /// Segments that begin here or later may not be on the disk; this program does not know who forced the earlier ones.
    unsynced_from: u64,
    last_sync: Instant,
    /// An older segment, open for [`TickWriter::read_at`].
    older: Option<SegmentReader>,
}

impl TickWriter {
    /// Opens a directory for writing, makes it if need be, and repairs what a crash left.
    pub fn open(dir: &Path, options: StoreOptions) -> Result<(Self, RecoveryReport), StoreError> {
        if !(1..=CAPACITY_MAX).contains(&options.segment_records) {
            return Err(StoreError::SegmentRecords {
                records: options.segment_records,
            });
        }
        fs::create_dir_all(dir).map_err(io_error(dir, "create"))?;
        let lock = lock(dir)?;
        let (recovered, report) = recovery::recover(dir, &options)?;
        let (file, segment) = match recovered {
            Recovered::Tail(tail) => tail,
            Recovered::Empty(first) => SegmentFile::create(dir, header(&options, first))?,
        };
        let next_sequence = segment.header().first_sequence + segment.committed() as u64;
        let last = segment.committed().checked_sub(1);
        let mut writer = Self {
            dir: dir.to_path_buf(),
            options,
            _lock: lock,
            day_end: segment
                .record(0)
                .map_or(i64::MAX, |first| end_of_day(time_of(&first))),
            last_time: last
                .and_then(|last| segment.record(last))
                .map_or(report.last_time_ns, |last| time_of(&last)),
            limit: 0,
            present: 0,
            spare: None,
            spare_refused: false,
            file,
            segment,
            next_sequence,
            durable: 0,
            unsynced_from: 0,
            last_sync: Instant::now(),
            older: None,
        };
        if options.sync != SyncPolicy::None {
            writer.sync()?;
            file::sync_directory(dir)?;
        }
        Ok((writer, report))
    }

    /// Writes a record behind the last one. Readers see it after [`TickWriter::commit`],
    /// or when its segment is full and the next one begins.
    ///
    /// After [`StoreError::Full`] the same record can be tried again.
    #[inline]
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let sequence = sequence_of(record);
        let time = time_of(record);
        if sequence != self.next_sequence || time < self.last_time {
            return Err(self.refuse(sequence, time));
        }
        if self.segment.appended() >= self.limit || time >= self.day_end {
            self.make_room(time)?;
        }
        self.segment.append(record);
        self.next_sequence = sequence + 1;
        self.last_time = time;
        Ok(())
    }

    /// Shows readers everything appended, and forces it to the disk if the policy says so.
    #[inline]
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.segment.commit();
        let due = match self.options.sync {
            SyncPolicy::None => false,
            SyncPolicy::EveryBatch => true,
            SyncPolicy::IntervalMs(ms) => {
                self.last_sync.elapsed() >= Duration::from_millis(u64::from(ms))
            }
        };
        if due && self.durable < self.committed() {
            self.sync()?;
        }
        Ok(())
    }

    /// Forces everything committed to the disk now.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.sync_older()?;
        self.file.sync()?;
        self.segment.set_durable(self.segment.committed());
        self.durable = self.committed();
        self.last_sync = Instant::now();
        Ok(())
    }

    /// Last committed sequence number; 0 before the first.
    #[inline]
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.segment.header().first_sequence + self.segment.committed() as u64 - 1
    }

    /// Last sequence number known to be on the disk; 0 while none is known.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// The sequence number that the next append must have.
    #[inline]
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Time of the last record, or `i64::MIN` if there is none.
    #[must_use]
    pub fn last_time_ns(&self) -> i64 {
        self.last_time
    }

    /// A record that is in the store, to compare with what a replay brings. Fast when asked in order.
    pub fn read_at(&mut self, sequence: u64) -> Result<Option<Record>, StoreError> {
        if let Some(index) = sequence.checked_sub(self.segment.header().first_sequence) {
            return Ok(usize::try_from(index)
                .ok()
                .and_then(|index| self.segment.record(index)));
        }
        for _ in 0..2 {
            if let Some(found) = self.older.as_ref().and_then(|s| record_in(s, sequence)) {
                return Ok(Some(found));
            }
            let firsts = file::list(&self.dir)?;
            let Some(first) = firsts.into_iter().rfind(|first| *first <= sequence) else {
                return Ok(None);
            };
            self.older = Some(file::open_reader(&self.dir.join(segment_name(first)))?);
        }
        Ok(None)
    }

    /// Ends the store in good order: commits, closes the segment, cuts it to its length and forces it to the disk.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.finish()?;
        file::remove_spare(&self.dir);
        self.sync_finished()
    }

    /// Forces the closed segments to the disk that nobody has forced yet.
    fn sync_older(&mut self) -> Result<(), StoreError> {
        let current = self.segment.header().first_sequence;
        if self.unsynced_from < current {
            for first in file::list(&self.dir)? {
                if (self.unsynced_from..current).contains(&first) {
                    let path = self.dir.join(segment_name(first));
                    let synced = File::open(&path).and_then(|file| file.sync_all());
                    synced.map_err(io_error(&path, "sync"))?;
                }
            }
            file::sync_directory(&self.dir)?;
            self.unsynced_from = current;
        }
        Ok(())
    }

    #[cold]
    fn refuse(&self, sequence: u64, time: i64) -> StoreError {
        if sequence == self.next_sequence {
            StoreError::TimeWentBack {
                sequence,
                time_ns: time,
                last_ns: self.last_time,
            }
        } else {
            StoreError::OutOfOrder {
                expected: self.next_sequence,
                found: sequence,
            }
        }
    }

    /// One step of what will be needed soon, for a writer that has nothing else to do:
    /// the next pages are made present, then, from the middle of a segment on, the next segment file is made.
    /// Without it the same is done by the append that needs it. Returns whether there was anything to do.
    ///
    /// [`StoreError::Full`] is an early warning, given once a segment: appending still works until this segment is full.
    pub fn prepare(&mut self) -> Result<bool, StoreError> {
        let capacity = self.segment.header().capacity;
        let appended = self.segment.appended();
        if self.options.prefault
            && self.present < capacity
            && self.present.saturating_sub(appended) < RECORDS_PER_PREFAULT
        {
            self.populate();
            if appended > 0 {
                self.limit = self.present;
            }
            return Ok(true);
        }
        if self.spare.is_none() && !self.spare_refused && appended >= capacity / 2 {
            self.spare_refused = true;
            self.spare = Some(self.make_spare()?);
            return Ok(true);
        }
        Ok(false)
    }

    /// Begins a new segment if this one is full or its day is over, and makes the next pages present.
    #[cold]
    fn make_room(&mut self, time: i64) -> Result<(), StoreError> {
        let full = self.segment.appended() == self.segment.header().capacity;
        if full || (self.segment.appended() > 0 && time >= self.day_end) {
            self.roll()?;
        }
        if self.segment.appended() == 0 {
            self.day_end = end_of_day(time);
        }
        if self.present <= self.segment.appended() {
            self.populate();
        }
        self.limit = self.present;
        Ok(())
    }

    /// Makes the pages of the next records present, and those of their checksums.
    fn populate(&mut self) {
        let capacity = self.segment.header().capacity;
        if !self.options.prefault {
            self.present = capacity;
            return;
        }
        let from = self.present.max(self.segment.appended());
        self.present = (from + RECORDS_PER_PREFAULT).min(capacity);
        let region = &self.file.region;
        for (start, end) in [
            (
                OFFSET_CRCS + from * CRC_BYTES,
                OFFSET_CRCS + self.present * CRC_BYTES,
            ),
            (
                records_offset(capacity) + from * RECORD_BYTES,
                segment_bytes(capacity, self.present),
            ),
        ] {
            let first_page = start & !(PAGE - 1);
            region.populate(first_page, end - first_page);
        }
    }

    fn make_spare(&self) -> Result<SegmentFile, StoreError> {
        let header = header(&self.options, self.next_sequence);
        let spare = SegmentFile::spare(&self.dir, header)?;
        if self.options.prefault {
            spare.region.populate(0, OFFSET_CRCS);
        }
        Ok(spare)
    }

    /// The next segment exists before this one is closed: a reader that finds a closed segment without a successor
    /// knows that the store is closed.
    fn roll(&mut self) -> Result<(), StoreError> {
        let mut file = match self.spare.take() {
            Some(spare) => spare,
            None => self.make_spare()?,
        };
        let segment = file.begin(&self.dir, header(&self.options, self.next_sequence));
        file.take_name(&self.dir)?;
        self.finish()?;
        if self.options.sync != SyncPolicy::None {
            self.sync_finished()?;
        }
        self.file = file;
        self.segment = segment;
        self.limit = 0;
        self.present = 0;
        self.spare_refused = false;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.segment.close();
        self.file
            .truncate(self.segment.header(), self.segment.committed())
    }

    /// Forces everything to the disk after the current segment was closed.
    fn sync_finished(&mut self) -> Result<(), StoreError> {
        self.sync_older()?;
        self.file.sync()?;
        self.unsynced_from = self.committed() + 1;
        self.durable = self.committed();
        self.last_sync = Instant::now();
        file::sync_directory(&self.dir)
    }
}

const PAGE: usize = 4096;

fn header(options: &StoreOptions, first_sequence: u64) -> SegmentHeader {
    SegmentHeader {
        schema_hash: options.schema_hash,
        first_sequence,
        capacity: options.segment_records,
    }
}

fn record_in(segment: &SegmentReader, sequence: u64) -> Option<Record> {
    let index = sequence.checked_sub(segment.header().first_sequence)?;
    segment.record(usize::try_from(index).ok()?)
}

fn end_of_day(time: i64) -> i64 {
    (day_of(time) + 1).saturating_mul(DAY_NS)
}

struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started holds a copy of the file for a moment.
        let _ = self.0.unlock();
    }
}

/// One writer a directory: the kernel drops the lock with the process, however it ends.
fn lock(dir: &Path) -> Result<Lock, StoreError> {
    let path = dir.join("LOCK");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io_error(&path, "create"))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
            dir: dir.to_path_buf(),
        }),
        Err(TryLockError::Error(error)) => Err(io_error(&path, "lock")(error)),
    }
}
