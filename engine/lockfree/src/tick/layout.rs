//! Where things are in a segment file. Offsets in bytes.

use crate::RECORD_BYTES;

/// First word: `PITLTICK` in little-endian order.
pub const MAGIC: u64 = u64::from_le_bytes(*b"PITLTICK");
/// Version of this layout.
pub const VERSION: u64 = 1;
/// Bytes of the header, and the alignment of the columns behind it.
#[cfg(not(loom))]
pub const HEADER_BYTES: usize = 4096;
/// The model checker pays for every word, and only looks at memory.
#[cfg(loom)]
pub const HEADER_BYTES: usize = 448;

/// Magic.
pub const OFFSET_MAGIC: usize = 0;
/// Version.
pub const OFFSET_VERSION: usize = 8;
/// Schema hash.
pub const OFFSET_SCHEMA: usize = 16;
/// Sequence number of the first record.
pub const OFFSET_FIRST_SEQUENCE: usize = 24;
/// Capacity in records.
pub const OFFSET_CAPACITY: usize = 32;
/// CRC32C of the header's bytes before this one.
pub const OFFSET_HEADER_CRC: usize = 40;
/// UTC day of the first record.
pub const OFFSET_DAY: usize = 48;
/// Committed records.
pub const OFFSET_COMMITTED: usize = 128;
/// Durable records.
pub const OFFSET_DURABLE: usize = 256;
/// 0 while open, then 1 + the number of records.
pub const OFFSET_CLOSED: usize = 384;
/// The CRC column.
pub const OFFSET_CRCS: usize = HEADER_BYTES;

/// Bytes of one record's CRC.
pub const CRC_BYTES: usize = 4;
/// The day of a segment without records.
pub const NO_DAY: i64 = i64::MIN;
/// Nanoseconds of a UTC day.
pub const DAY_NS: i64 = 86_400_000_000_000;
/// Records of a segment at most: 64 GiB.
pub const CAPACITY_MAX: usize = 1 << 30;

/// Bytes of the CRC column.
#[must_use]
pub const fn crc_column_bytes(capacity: usize) -> usize {
    (capacity * CRC_BYTES).next_multiple_of(HEADER_BYTES)
}

/// Offset of the record column.
#[must_use]
pub const fn records_offset(capacity: usize) -> usize {
    OFFSET_CRCS + crc_column_bytes(capacity)
}

/// Length of a segment file that holds, or has room for, so many records.
#[must_use]
pub const fn segment_bytes(capacity: usize, records: usize) -> usize {
    records_offset(capacity) + records * RECORD_BYTES
}

/// The UTC day of a time, in days since 1970.
#[must_use]
pub const fn day_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(DAY_NS)
}

/// The file name of a segment.
#[must_use]
pub fn segment_name(first_sequence: u64) -> String {
    format!("{first_sequence:020}.seg")
}

/// The first sequence number that a segment's file name tells.
#[must_use]
pub fn sequence_of_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    let plain = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Index of the word at a byte offset.
pub(crate) const fn word(offset: usize) -> usize {
    offset / size_of::<u64>()
}

/// Records whose pages are made present in one step: 1 MiB.
#[cfg(not(loom))]
pub(crate) const RECORDS_PER_PREFAULT: usize = 1 << 14;
