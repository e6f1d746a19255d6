//! A reader that follows a tick store: from the start, from a sequence number or from a time, to its end and beyond.

use super::error::StoreError;
use super::file;
use super::layout::segment_name;
use super::segment::SegmentReader;
use crate::work::Work;
use crate::{Record, sequence_of, time_of};
use std::path::{Path, PathBuf};

/// Follows the committed records of a store, in any process, while it is written and after.
/// The directory may be empty, or not be there yet: then there is nothing to read yet.
///
/// The writer opens the store before its readers judge its end: a store that was closed yesterday looks closed
/// until today's writer opens it.
pub struct TickReader {
    dir: PathBuf,
    /// The next sequence number to read; 0 means the first there is.
    next: u64,
    current: Option<SegmentReader>,
    /// The youngest segment known, for [`TickReader::last_committed`].
    tail: Option<SegmentReader>,
}

/// What a reader finds at its place.
#[derive(Clone, Copy, Default)]
struct Ahead {
    /// Index of the next record in the current segment.
    index: usize,
    /// Committed records from there on, in this segment.
    available: usize,
    /// The segment is closed, read, and has no successor.
    ended: bool,
}

impl TickReader {
    /// A reader at the start of the store.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let mut reader = Self {
            dir: dir.to_path_buf(),
            next: 0,
            current: None,
            tail: None,
        };
        reader.enter()?;
        Ok(reader)
    }

    /// Up to `max` committed records, where they lie, and moves behind them.
    /// Empty if nothing new is committed; may be fewer than there are, at the end of a segment.
    pub fn next_batch(&mut self, max: usize) -> Result<&[Record], StoreError> {
        let ahead = self.ahead()?;
        let count = ahead.available.min(max);
        let Some(segment) = &self.current else {
            return Ok(&[]);
        };
        let batch = segment.records(ahead.index, count);
        if !segment.are_whole(ahead.index, batch) {
            return Err(damage(&self.dir, segment, ahead.index, batch));
        }
        self.next += count as u64;
        Ok(batch)
    }

    /// Hands over up to `max` records as slices, across segments, as work.
    pub fn drain(
        &mut self,
        max: usize,
        mut each: impl FnMut(&[Record]),
    ) -> Result<Work, StoreError> {
        let mut done = 0;
        while done < max {
            let batch = self.next_batch(max - done)?;
            if batch.is_empty() {
                break;
            }
            done += batch.len();
            each(batch);
        }
        Ok(Work::of(done))
    }

    /// The sequence number that is read next; 0 while the reader waits for the first segment at its start.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// The schema hash of the segment being read.
    #[must_use]
    pub fn schema_hash(&self) -> Option<u64> {
        self.current.as_ref().map(|s| s.header().schema_hash)
    }

    /// Whether everything was read and the writer closed the store.
    pub fn is_closed_and_drained(&mut self) -> Result<bool, StoreError> {
        Ok(self.ahead()?.ended)
    }

    /// Makes `sequence` the next one to read. It may lie in the future.
    /// If the store begins later, its first record is the next one. Returns the sequence number really taken.
    pub fn seek_sequence(&mut self, sequence: u64) -> Result<u64, StoreError> {
        self.next = sequence;
        self.current = None;
        self.enter()?;
        Ok(self.next)
    }

    /// Makes the first record at or after a time the next one to read, by bisection; if there is none yet,
    /// the place behind the last record. Returns its sequence number.
    pub fn seek_time(&mut self, time_ns: i64) -> Result<u64, StoreError> {
        let firsts = file::list(&self.dir)?;
        // The last segment that begins before the time holds the record, or ends just before it.
        let (mut low, mut high) = (0, firsts.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let segment = file::open_reader(&self.dir.join(segment_name(firsts[middle])))?;
            match segment.record(0) {
                Some(first) if time_of(&first) < time_ns => low = middle + 1,
                _ => high = middle,
            }
        }
        let Some(first) = firsts.get(low.saturating_sub(1)).copied() else {
            return self.seek_sequence(0);
        };
        let segment = file::open_reader(&self.dir.join(segment_name(first)))?;
        let records = segment.records(0, usize::MAX);
        let before = records.partition_point(|record| time_of(record) < time_ns);
        self.seek_sequence(first + before as u64)
    }

    /// The last committed sequence number of the store, 0 if there is none.
    pub fn last_committed(&mut self) -> Result<u64, StoreError> {
        loop {
            if self.tail.is_none() {
                let Some(first) = file::list(&self.dir)?.pop() else {
                    return Ok(0);
                };
                self.tail = Some(file::open_reader(&self.dir.join(segment_name(first)))?);
            }
            let Some(tail) = &self.tail else {
                return Ok(0);
            };
            let closed = tail.closed();
            let end = tail.header().first_sequence + tail.committed() as u64;
            match closed {
                Some(count) if count > 0 && self.exists(end) => self.tail = None,
                _ => return Ok(end - 1),
            }
        }
    }

    /// What lies ahead, after going on to the next segment if this one is finished.
    fn ahead(&mut self) -> Result<Ahead, StoreError> {
        loop {
            if self.current.is_none() && !self.enter()? {
                return Ok(Ahead::default());
            }
            let Some(segment) = &self.current else {
                return Ok(Ahead::default());
            };
            // The order matters: a segment that was found closed has all its records,
            // and the one that follows it has its name.
            let closed = segment.closed();
            let first = segment.header().first_sequence;
            let index = usize::try_from(self.next - first).unwrap_or(usize::MAX);
            let available = segment.committed().saturating_sub(index);
            let ended = closed.is_some_and(|count| available == 0 && index >= count);
            if !ended || !self.follow(first, closed.unwrap_or(0))? {
                return Ok(Ahead {
                    index,
                    available,
                    ended,
                });
            }
        }
    }

    /// Goes on to the segment after one that is closed and read, if there is one.
    fn follow(&mut self, first: u64, count: usize) -> Result<bool, StoreError> {
        if count == 0 {
            // Recovery removes a segment that stayed empty, and another may have its name since.
            self.enter()?;
            let now = self.current.as_ref().map(|s| s.header().first_sequence);
            return Ok(now != Some(first));
        }
        let path = self.dir.join(segment_name(first + count as u64));
        let found = path.exists();
        if found {
            self.current = Some(file::open_reader(&path)?);
        }
        Ok(found)
    }

    /// Opens the segment in which `next` lies, or will lie.
    fn enter(&mut self) -> Result<bool, StoreError> {
        let firsts = file::list(&self.dir)?;
        let Some(first) = firsts
            .iter()
            .rfind(|first| **first <= self.next)
            .or(firsts.first())
        else {
            return Ok(false);
        };
        self.current = Some(file::open_reader(&self.dir.join(segment_name(*first)))?);
        self.next = self.next.max(*first);
        Ok(true)
    }

    fn exists(&self, first: u64) -> bool {
        self.dir.join(segment_name(first)).exists()
    }
}

/// What is wrong with records of which one is not whole.
#[cold]
fn damage(dir: &Path, segment: &SegmentReader, from: usize, records: &[Record]) -> StoreError {
    let first = segment.header().first_sequence;
    // A cursor that was damaged would lead into what was never written.
    let in_order = |(record, expected)| sequence_of(record) == expected;
    let what = if records.iter().zip(first + from as u64..).all(in_order) {
        "a record does not match its checksum"
    } else {
        "a record has not the sequence number that belongs there"
    };
    StoreError::Damaged {
        path: dir.join(segment_name(first)),
        what,
    }
}
