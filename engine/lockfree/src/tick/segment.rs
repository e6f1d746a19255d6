//! One segment in memory, mapped or on the heap: the writing end and the reading ends of the committed cursor.
//! Files, names and recovery are elsewhere; here is what two threads, or two processes, do to each other.
#![allow(
    unsafe_code,
    reason = "one promise to the region: committed records are never written again"
)]

use super::layout::{
    CAPACITY_MAX, MAGIC, NO_DAY, OFFSET_CAPACITY, OFFSET_CLOSED, OFFSET_COMMITTED, OFFSET_CRCS,
    OFFSET_DAY, OFFSET_DURABLE, OFFSET_FIRST_SEQUENCE, OFFSET_HEADER_CRC, OFFSET_MAGIC,
    OFFSET_SCHEMA, OFFSET_VERSION, VERSION, day_of, records_offset, segment_bytes, word,
};
#[cfg(not(loom))]
use crate::crc::are_whole;
use crate::crc::record_crc;
use crate::region::{Region, Words, first_words, load_all, prefetch, store_all};
use crate::sync::{Ordering, fence};
use crate::{Record, time_of};
use std::sync::Arc;

/// Lines that are asked for ahead of their store: 16 records, which take longer to append than memory takes to answer,
/// and the CRCs of 128, eight lines on.
const RECORDS_AHEAD: usize = 16;
const CRC_WORDS_AHEAD: usize = 64;

/// What a segment's header says for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// The owner's word for what the records mean.
    pub schema_hash: u64,
    /// Sequence number of the first record.
    pub first_sequence: u64,
    /// Room, in records.
    pub capacity: usize,
}

/// Why a header is not one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderFault {
    /// The magic word differs: not a segment.
    Foreign,
    /// A layout this program does not know.
    Version(u64),
    /// Damaged: the CRC or a number in it is wrong.
    Damaged,
}

impl SegmentHeader {
    fn crc(self) -> u64 {
        let words = [
            MAGIC,
            VERSION,
            self.schema_hash,
            self.first_sequence,
            self.capacity as u64,
        ];
        u64::from(crc32c::crc32c(bytemuck::bytes_of(&words)))
    }

    /// Reads and checks a header. The region has at least the bytes of one.
    pub fn read(region: &Region) -> Result<Self, HeaderFault> {
        let load = |offset| region.load(word(offset));
        if load(OFFSET_MAGIC) != MAGIC {
            return Err(HeaderFault::Foreign);
        }
        if load(OFFSET_VERSION) != VERSION {
            return Err(HeaderFault::Version(load(OFFSET_VERSION)));
        }
        let header = Self {
            schema_hash: load(OFFSET_SCHEMA),
            first_sequence: load(OFFSET_FIRST_SEQUENCE),
            capacity: usize::try_from(load(OFFSET_CAPACITY)).map_err(|_| HeaderFault::Damaged)?,
        };
        let sane = (1..=CAPACITY_MAX).contains(&header.capacity);
        if !sane || load(OFFSET_HEADER_CRC) != header.crc() {
            return Err(HeaderFault::Damaged);
        }
        Ok(header)
    }
}

/// A new segment on the heap: its writing end and a reading end. For tests, and for stores that need not survive.
#[must_use]
pub fn heap_segment(header: SegmentHeader) -> (SegmentWriter, SegmentReader) {
    let region = Region::heap(word(segment_bytes(header.capacity, header.capacity)));
    let writer = SegmentWriter::create(&region, header);
    (writer, SegmentReader::over(region, header))
}

/// The one writing end of a segment.
pub struct SegmentWriter {
    words: Words,
    header: SegmentHeader,
    records: usize,
    /// Records written, committed or not.
    appended: usize,
    committed: usize,
}

impl SegmentWriter {
    /// Writes a new header into zeroed memory.
    #[must_use]
    pub(crate) fn create(region: &Arc<Region>, header: SegmentHeader) -> Self {
        let mut segment = Self::over(region, header, 0);
        segment.set(OFFSET_VERSION, VERSION);
        segment.set(OFFSET_SCHEMA, header.schema_hash);
        segment.set(OFFSET_FIRST_SEQUENCE, header.first_sequence);
        segment.set(OFFSET_CAPACITY, header.capacity as u64);
        segment.set(OFFSET_HEADER_CRC, header.crc());
        segment.set(OFFSET_DAY, NO_DAY.cast_unsigned());
        segment.set(OFFSET_MAGIC, MAGIC);
        segment
    }

    /// Takes over a segment that holds `records` good records.
    pub(crate) fn over(region: &Arc<Region>, header: SegmentHeader, records: usize) -> Self {
        Self {
            words: Region::words(
                region,
                0,
                word(segment_bytes(header.capacity, header.capacity)),
            ),
            header,
            records: word(records_offset(header.capacity)),
            appended: records,
            committed: records,
        }
    }

    /// What the header says.
    #[must_use]
    pub fn header(&self) -> SegmentHeader {
        self.header
    }

    /// Records written, committed or not.
    #[inline]
    #[must_use]
    pub fn appended(&self) -> usize {
        self.appended
    }

    /// Records committed.
    #[inline]
    #[must_use]
    pub fn committed(&self) -> usize {
        self.committed
    }

    /// Writes a record behind the last one. Nobody sees it before [`SegmentWriter::commit`].
    ///
    /// # Panics
    /// If the segment is full.
    #[inline]
    pub fn append(&mut self, record: &Record) {
        let index = self.appended;
        assert!(index < self.header.capacity, "append to a full segment");
        let at = self.records + index * record.len();
        store_all(first_words(&self.words[at..]), record);
        // Two CRCs share a word; the upper half is still zero, or is what a cut left and is replaced.
        let crc = u64::from(record_crc(record));
        let both = &self.words[word(OFFSET_CRCS) + index / 2];
        both.store(
            if index.is_multiple_of(2) {
                crc
            } else {
                both.load(Ordering::Relaxed) & u64::from(u32::MAX) | crc << 32
            },
            Ordering::Relaxed,
        );
        if index == 0 {
            self.set(OFFSET_DAY, day_of(time_of(record)).cast_unsigned());
        }
        self.appended = index + 1;
        // A record in 64 begins a page and one in 1024 a page of CRCs: the processor's own prefetching ends at pages.
        prefetch(self.words.get(at + RECORDS_AHEAD * record.len()));
        prefetch(
            self.words
                .get(word(OFFSET_CRCS) + index / 2 + CRC_WORDS_AHEAD),
        );
    }

    /// Makes everything written visible to readers.
    #[inline]
    pub fn commit(&mut self) {
        self.committed = self.appended;
        // PAIRS: the acquire fence after the load of the cursor in SegmentReader::committed.
        self.words[word(OFFSET_COMMITTED)].store(self.committed as u64, Ordering::Release);
    }

    /// Says how many of the records are on the disk.
    pub fn set_durable(&mut self, records: usize) {
        // PAIRS: the acquire fence after the load of the cursor in SegmentReader::durable.
        self.words[word(OFFSET_DURABLE)].store(records as u64, Ordering::Release);
    }

    /// Commits, and says that no more will come.
    pub fn close(&mut self) {
        self.commit();
        // Who is closed needs no cursor of its own; what is left must not tell how often it was synced.
        self.set_durable(0);
        // PAIRS: the acquire fence after the load of the word in SegmentReader::closed.
        self.words[word(OFFSET_CLOSED)].store(self.committed as u64 + 1, Ordering::Release);
    }

    /// Opens a closed segment again, to append.
    #[cfg(not(loom))]
    pub(crate) fn reopen(&mut self) {
        self.set_durable(0);
        // PAIRS: the acquire fence after the load of the word in SegmentReader::closed.
        self.words[word(OFFSET_CLOSED)].store(0, Ordering::Release);
        self.commit();
    }

    /// A committed or written record.
    #[must_use]
    pub fn record(&self, index: usize) -> Option<Record> {
        if index >= self.appended {
            return None;
        }
        let at = self.records + index * size_of::<Record>() / size_of::<u64>();
        Some(load_all(first_words(&self.words[at..])))
    }

    /// Makes the first record's day, which a crash may have left out of step, what it must be.
    #[cfg(not(loom))]
    pub(crate) fn restore_day(&mut self) {
        let day = self
            .record(0)
            .map_or(NO_DAY, |record| day_of(time_of(&record)));
        self.set(OFFSET_DAY, day.cast_unsigned());
    }

    /// Zeroes the CRCs behind the good records.
    #[cfg(not(loom))]
    pub(crate) fn zero_crcs_behind(&mut self) {
        let first = word(OFFSET_CRCS) + self.appended.div_ceil(2);
        if self.appended % 2 == 1 {
            let half = &self.words[first - 1];
            half.store(
                half.load(Ordering::Relaxed) & u64::from(u32::MAX),
                Ordering::Relaxed,
            );
        }
        for crcs in &self.words[first..self.records] {
            // Only what is not zero is written: the pages of a new column need not become present for this.
            if crcs.load(Ordering::Relaxed) != 0 {
                crcs.store(0, Ordering::Relaxed);
            }
        }
    }

    fn set(&mut self, offset: usize, value: u64) {
        self.words[word(offset)].store(value, Ordering::Relaxed);
    }
}

/// A reading end of a segment.
#[derive(Clone)]
pub struct SegmentReader {
    region: Arc<Region>,
    header: SegmentHeader,
    records: usize,
}

impl SegmentReader {
    pub(crate) fn over(region: Arc<Region>, header: SegmentHeader) -> Self {
        Self {
            region,
            header,
            records: word(records_offset(header.capacity)),
        }
    }

    /// What the header says.
    #[must_use]
    pub fn header(&self) -> SegmentHeader {
        self.header
    }

    /// Records that may be read.
    #[inline]
    #[must_use]
    pub fn committed(&self) -> usize {
        let committed = self.region.load(word(OFFSET_COMMITTED));
        // PAIRS: the release store of the cursor in SegmentWriter::commit.
        fence(Ordering::Acquire);
        usize::try_from(committed)
            .unwrap_or(usize::MAX)
            .min(self.header.capacity)
    }

    /// Records that the writer knows to be on the disk; 0 in a closed segment.
    #[must_use]
    pub fn durable(&self) -> usize {
        let durable = self.region.load(word(OFFSET_DURABLE));
        // PAIRS: the release store of the cursor in SegmentWriter::set_durable.
        fence(Ordering::Acquire);
        usize::try_from(durable)
            .unwrap_or(usize::MAX)
            .min(self.header.capacity)
    }

    /// The final number of records, once the segment is closed.
    #[inline]
    #[must_use]
    pub fn closed(&self) -> Option<usize> {
        let closed = self.region.load(word(OFFSET_CLOSED));
        // PAIRS: the release stores of the word in SegmentWriter::close and SegmentWriter::reopen.
        fence(Ordering::Acquire);
        usize::try_from(closed).ok()?.checked_sub(1)
    }

    /// Whether the cursors stand exactly as [`SegmentWriter::close`] leaves them.
    #[cfg(not(loom))]
    pub(crate) fn cursors_are_final(&self) -> bool {
        let load = |offset| self.region.load(word(offset));
        load(OFFSET_CLOSED).checked_sub(1) == Some(load(OFFSET_COMMITTED))
            && load(OFFSET_DURABLE) == 0
    }

    /// The UTC day of the first record, in days since 1970.
    #[must_use]
    pub fn day(&self) -> Option<i64> {
        let day = self.region.load(word(OFFSET_DAY)).cast_signed();
        (day != NO_DAY).then_some(day)
    }

    /// A copy of a committed record.
    #[must_use]
    pub fn record(&self, index: usize) -> Option<Record> {
        (index < self.committed()).then(|| self.raw_record(index))
    }

    /// Whatever stands at that place, committed or not.
    pub(crate) fn raw_record(&self, index: usize) -> Record {
        let at = self.records + index * size_of::<Record>() / size_of::<u64>();
        self.region.load_record(at)
    }

    /// The CRC that stands for a record.
    #[must_use]
    pub fn crc(&self, index: usize) -> u32 {
        let both = self.region.load(word(OFFSET_CRCS) + index / 2);
        let [low, high] = bytemuck::cast::<u64, [u32; 2]>(both);
        if index.is_multiple_of(2) { low } else { high }
    }

    /// Up to `max` committed records from index `from` on, where they lie.
    #[cfg(not(loom))]
    #[inline]
    #[must_use]
    pub fn records(&self, from: usize, max: usize) -> &[Record] {
        let count = self.committed().saturating_sub(from).min(max);
        if count == 0 {
            return &[];
        }
        let start = self.records + from * size_of::<Record>() / size_of::<u64>();
        // SAFETY: the records lie below the committed cursor, which was read with acquire ordering,
        // and `SegmentWriter` writes only at and behind `appended`, which is never below that cursor.
        unsafe { self.region.frozen(start, count) }
    }

    /// Whether records from index `from` on, as [`SegmentReader::records`] gave them, have their numbers and match their
    /// CRCs.
    #[cfg(not(loom))]
    #[inline]
    #[must_use]
    pub(crate) fn are_whole(&self, from: usize, records: &[Record]) -> bool {
        let first = self.header.first_sequence + from as u64;
        let words = (from % 2 + records.len()).div_ceil(2);
        let column = self.region.atomics(word(OFFSET_CRCS) + from / 2, words);
        are_whole(records, first, column, !from.is_multiple_of(2))
    }
}
