//! What a crash, a power cut or a bad disk left behind, made into a whole store again, without asking anybody.
//!
//! Every segment must begin where the one before ends. The longest run of whole records from the start is kept:
//! a record is whole if its sequence number and its CRC are right. What was torn behind the committed cursor is zeroed.
//! Damage below the cursor, or a whole segment behind it, is never destroyed: the file is set aside as `*.damaged`,
//! the good part is copied, and the report says so loudly.

use super::error::{StoreError, io_error};
use super::file::{self, Found, SegmentFile};
use super::layout::{day_of, segment_bytes, segment_name};
use super::segment::{SegmentReader, SegmentWriter};
use super::writer::{StoreOptions, SyncPolicy, Verify};
use crate::crc::record_crc;
use crate::{RECORD_BYTES, Record, sequence_of, time_of};
use std::fs;
use std::path::{Path, PathBuf};

/// Why something was cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutReason {
    /// A record's sequence number is not the one that belongs there.
    Sequence,
    /// A record's CRC is wrong.
    Crc,
    /// The file ends before its records do.
    Short,
    /// A segment's header is missing or damaged.
    Header,
}

impl core::fmt::Display for CutReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Sequence => "wrong sequence number",
            Self::Crc => "wrong CRC",
            Self::Short => "file ends early",
            Self::Header => "header missing or damaged",
        })
    }
}

/// What was found when a store was opened, and what was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Segments kept.
    pub segments: usize,
    /// Records kept.
    pub records: u64,
    /// Last sequence number that the cursors said was committed, 0 if none.
    pub committed_found: u64,
    /// Last sequence number kept, 0 if none.
    pub last_sequence: u64,
    /// Time of the last record kept, or `i64::MIN`.
    pub last_time_ns: i64,
    /// Whether the last writer closed the store in good order.
    pub was_closed: bool,
    /// Records, whole or torn, that are no longer in the store.
    pub cut_records: u64,
    /// Their bytes.
    pub cut_bytes: u64,
    /// Why they were cut.
    pub reason: Option<CutReason>,
    /// The first sequence number that was cut.
    pub first_bad_sequence: Option<u64>,
    /// Files set aside.
    pub damaged: Vec<PathBuf>,
}

impl RecoveryReport {
    fn nothing() -> Self {
        Self {
            segments: 0,
            records: 0,
            committed_found: 0,
            last_sequence: 0,
            last_time_ns: i64::MIN,
            was_closed: false,
            cut_records: 0,
            cut_bytes: 0,
            reason: None,
            first_bad_sequence: None,
            damaged: Vec::new(),
        }
    }

    /// Whether records were lost that had been committed: somebody may have acted on them.
    #[must_use]
    pub fn lost_committed(&self) -> bool {
        self.committed_found > self.last_sequence
    }
}

impl core::fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} records in {} segments, last sequence {}",
            self.records, self.segments, self.last_sequence
        )?;
        if let (Some(reason), Some(first)) = (self.reason, self.first_bad_sequence) {
            write!(
                f,
                "; cut {} records ({} bytes) from sequence {first} on: {reason}",
                self.cut_records, self.cut_bytes
            )?;
        }
        if self.lost_committed() {
            write!(f, "; COMMITTED RECORDS LOST up to {}", self.committed_found)?;
        }
        for path in &self.damaged {
            write!(f, "; kept aside: {}", path.display())?;
        }
        Ok(())
    }
}

/// The open end of a recovered store.
pub(super) type Tail = (SegmentFile, SegmentWriter);

/// What recovery leaves: the segment to go on with, or the sequence number at which a new store begins.
pub(super) enum Recovered {
    Tail(Tail),
    Empty(u64),
}

/// Looks through a directory, repairs it, and opens its last segment.
pub(super) fn recover(
    dir: &Path,
    options: &StoreOptions,
) -> Result<(Recovered, RecoveryReport), StoreError> {
    file::remove_spare(dir);
    let firsts = file::list(dir)?;
    let mut recovery = Recovery {
        dir,
        options,
        kept: Vec::new(),
        report: RecoveryReport::nothing(),
    };
    recovery.survey(&firsts)?;
    let start = firsts.first().copied().unwrap_or(1);
    let recovered = recovery.open_tail(start)?;
    Ok((recovered, recovery.report))
}

struct Recovery<'a> {
    dir: &'a Path,
    options: &'a StoreOptions,
    kept: Vec<Checked>,
    report: RecoveryReport,
}

/// A segment that was looked at.
struct Checked {
    path: PathBuf,
    segment: SegmentReader,
    /// Records the file has bytes for.
    present: usize,
    file_bytes: u64,
    /// Records the cursors promise.
    claimed: usize,
    /// Whole records from the start.
    good: usize,
    /// What is wrong with the record behind them, if anything stands there.
    fault: Option<CutReason>,
}

impl Checked {
    fn first(&self) -> u64 {
        self.segment.header().first_sequence
    }

    /// The sequence number behind the last whole record.
    fn end(&self) -> u64 {
        self.first() + self.good as u64
    }
}

impl Recovery<'_> {
    /// Goes through the segments in order, up to the first damage, and cuts there.
    fn survey(&mut self, firsts: &[u64]) -> Result<(), StoreError> {
        for (index, first) in firsts.iter().copied().enumerate() {
            let path = self.dir.join(segment_name(first));
            if let Some(before) = self.kept.last()
                && before.end() != first
            {
                return Err(StoreError::Gap {
                    path,
                    last: before.end() - 1,
                    found: first,
                });
            }
            let next = firsts.get(index + 1).copied();
            let Some(checked) = self.check(&path, first, next)? else {
                return self.set_aside(first, CutReason::Header, &firsts[index..]);
            };
            let missing = match next {
                Some(next) => checked.end() < next && !is_finished(&checked),
                None => checked.good < checked.claimed,
            };
            if missing {
                let reason = checked.fault.unwrap_or(CutReason::Short);
                let bad = checked.end();
                let promised = checked.first() + checked.claimed as u64;
                self.claim(promised - 1);
                self.set_aside(bad, reason, &firsts[index + 1..])?;
                self.add_cut(promised.saturating_sub(bad));
                return self.replace(checked);
            }
            self.claim(checked.first() + checked.claimed as u64 - 1);
            self.kept.push(checked);
        }
        Ok(())
    }

    /// `None` if the file has no header to go by.
    fn check(
        &self,
        path: &Path,
        first: u64,
        next: Option<u64>,
    ) -> Result<Option<Checked>, StoreError> {
        let (segment, found) = match file::look(path)? {
            Found::Good(segment, found) => (segment, found),
            Found::NoHeader(_) => return Ok(None),
        };
        let header = segment.header();
        if header.first_sequence != first {
            // Renamed by hand, so the number in the name is not to be trusted either.
            return Err(StoreError::Damaged {
                path: path.to_path_buf(),
                what: "its name and its header tell different sequence numbers",
            });
        }
        if header.schema_hash != self.options.schema_hash {
            return Err(StoreError::Schema {
                path: path.to_path_buf(),
                stored: header.schema_hash,
                ours: self.options.schema_hash,
            });
        }
        let claimed = segment
            .committed()
            .max(segment.closed().unwrap_or(0).min(header.capacity));
        let mut checked = Checked {
            path: path.to_path_buf(),
            segment,
            present: found.present,
            file_bytes: found.file_bytes,
            claimed,
            good: claimed,
            fault: None,
        };
        let glance = next.is_some() && self.options.verify == Verify::LastSegment;
        if !(glance && is_finished(&checked) && ends_are_whole(&checked)) {
            (checked.good, checked.fault) = scan(&checked);
        }
        Ok(Some(checked))
    }

    /// Opens the last segment that holds something, or the first.
    fn open_tail(&mut self, start: u64) -> Result<Recovered, StoreError> {
        self.drop_empty_tail()?;
        self.finish_closed_ones()?;
        self.report.segments = self.kept.len();
        self.report.records = self.kept.iter().map(|segment| segment.good as u64).sum();
        let Some(last) = self.kept.pop() else {
            return Ok(Recovered::Empty(start));
        };
        self.report.was_closed = last.segment.closed().is_some() && self.report.reason.is_none();
        self.report.last_sequence = last.end() - 1;
        let before = self.kept.last().filter(|_| last.good == 0);
        let youngest = before.unwrap_or(&last);
        if let Some(index) = youngest.good.checked_sub(1) {
            self.report.last_time_ns = time_of(&youngest.segment.raw_record(index));
        }
        self.note_torn(&last);
        let header = last.segment.header();
        let file = SegmentFile::reopen(&last.path, header, last.good)?;
        let mut segment = SegmentWriter::over(&file.region, header, last.good);
        segment.zero_crcs_behind();
        segment.restore_day();
        segment.reopen();
        Ok(Recovered::Tail((file, segment)))
    }

    /// A segment that was begun but never got a whole record is as if it never was.
    fn drop_empty_tail(&mut self) -> Result<(), StoreError> {
        if self.kept.len() > 1
            && let Some(last) = self.kept.pop_if(|last| last.good == 0)
        {
            self.note_torn(&last);
            let header = last.segment.header();
            let file = SegmentFile::reopen(&last.path, header, 0)?;
            // A reader that waits in it learns that nothing will come, and looks for the name again.
            SegmentWriter::over(&file.region, header, 0).close();
            fs::remove_file(&last.path)
                .map_err(io_error(&last.path, "remove the empty segment"))?;
        }
        Ok(())
    }

    /// A crash may fall between the birth of a segment and the end of the one before.
    fn finish_closed_ones(&self) -> Result<(), StoreError> {
        for checked in self.kept.iter().rev().skip(1) {
            if is_finished(checked) {
                continue;
            }
            let header = checked.segment.header();
            let file = SegmentFile::reopen(&checked.path, header, checked.good)?;
            let mut segment = SegmentWriter::over(&file.region, header, checked.good);
            segment.zero_crcs_behind();
            segment.restore_day();
            segment.close();
            file.truncate(header, checked.good)?;
            if self.options.sync != SyncPolicy::None {
                file.sync()?;
            }
        }
        Ok(())
    }

    /// Renames whole segments, the last one first, so that what is left stays without holes at every step.
    fn set_aside(&mut self, bad: u64, reason: CutReason, firsts: &[u64]) -> Result<(), StoreError> {
        self.report.reason = Some(reason);
        self.report.first_bad_sequence = Some(bad);
        for first in firsts.iter().rev() {
            let path = self.dir.join(segment_name(*first));
            if let Ok(Found::Good(segment, _)) = file::look(&path) {
                self.add_cut(segment.committed() as u64);
                self.claim(first + segment.committed() as u64 - 1);
            }
            let aside = free_name(&path);
            fs::rename(&path, &aside).map_err(io_error(&path, "set aside"))?;
            self.report.damaged.push(aside);
        }
        Ok(())
    }

    /// Puts a copy of the good part in the place of a damaged segment, which is kept under another name.
    fn replace(&mut self, checked: Checked) -> Result<(), StoreError> {
        let aside = free_name(&checked.path);
        if checked.good == 0 {
            fs::rename(&checked.path, &aside).map_err(io_error(&checked.path, "set aside"))?;
            self.report.damaged.push(aside);
            return Ok(());
        }
        let header = checked.segment.header();
        let mut file = SegmentFile::spare(self.dir, header)?;
        let mut copy = file.begin(self.dir, header);
        for index in 0..checked.good {
            copy.append(&checked.segment.raw_record(index));
        }
        copy.commit();
        file.sync()?;
        fs::hard_link(&checked.path, &aside)
            .or_else(|_| fs::rename(&checked.path, &aside))
            .map_err(io_error(&checked.path, "set aside"))?;
        file.take_name(self.dir)?;
        self.report.damaged.push(aside);
        let segment = file::open_reader(&checked.path)?;
        self.kept.push(Checked {
            segment,
            present: header.capacity,
            claimed: checked.good,
            fault: None,
            ..checked
        });
        Ok(())
    }

    /// Counts what stands behind the whole records of the last segment.
    fn note_torn(&mut self, last: &Checked) {
        let Some(reason) = last.fault else {
            return;
        };
        let torn = (last.good..last.present)
            .take_while(|index| !is_blank(&last.segment, *index))
            .count();
        self.add_cut(torn as u64);
        self.report.reason = Some(reason);
        self.report.first_bad_sequence = Some(last.end());
    }

    fn add_cut(&mut self, records: u64) {
        self.report.cut_records += records;
        self.report.cut_bytes += records * RECORD_BYTES as u64;
    }

    fn claim(&mut self, sequence: u64) {
        self.report.committed_found = self.report.committed_found.max(sequence);
    }
}

/// Longest run of whole records, and what is wrong with the one behind it.
fn scan(checked: &Checked) -> (usize, Option<CutReason>) {
    let segment = &checked.segment;
    let header = segment.header();
    for index in 0..header.capacity {
        let expected = index < checked.claimed;
        if index >= checked.present {
            return (index, expected.then_some(CutReason::Short));
        }
        if let Err(reason) = whole(segment, index) {
            let blank = !expected && is_blank(segment, index);
            return (index, (!blank).then_some(reason));
        }
    }
    (header.capacity, None)
}

fn whole(segment: &SegmentReader, index: usize) -> Result<(), CutReason> {
    let record = segment.raw_record(index);
    if sequence_of(&record) != segment.header().first_sequence + index as u64 {
        return Err(CutReason::Sequence);
    }
    if record_crc(&record) != segment.crc(index) {
        return Err(CutReason::Crc);
    }
    Ok(())
}

fn is_blank(segment: &SegmentReader, index: usize) -> bool {
    segment.crc(index) == 0 && segment.raw_record(index) == Record::default()
}

/// Whether the segment was closed and cut to its length, with every word as it must be.
fn is_finished(checked: &Checked) -> bool {
    let header = checked.segment.header();
    let first = (checked.good > 0).then(|| checked.segment.raw_record(0));
    checked.segment.cursors_are_final()
        && checked.segment.day() == first.map(|first| day_of(time_of(&first)))
        && checked.file_bytes == segment_bytes(header.capacity, checked.claimed) as u64
        && checked.good == checked.claimed
}

fn ends_are_whole(checked: &Checked) -> bool {
    [0, checked.claimed.wrapping_sub(1)]
        .into_iter()
        .filter(|index| *index < checked.claimed)
        .all(|index| whole(&checked.segment, index).is_ok())
}

/// A name for a file that is set aside, which no other file has.
fn free_name(path: &Path) -> PathBuf {
    let name = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut free = name(".damaged");
    let mut number = 2;
    while free.exists() {
        free = name(&format!(".damaged.{number}"));
        number += 1;
    }
    free
}
