//! Where things are in the counters page. In words of eight bytes unless the name says bytes.

/// First word: `PITLCNTR` in little-endian order.
pub const MAGIC: u64 = u64::from_le_bytes(*b"PITLCNTR");
/// Version of this layout.
pub const VERSION: u64 = 2;

/// Magic.
pub const WORD_MAGIC: usize = 0;
/// Version.
pub const WORD_VERSION: usize = 1;
/// Length of the page in bytes.
pub const WORD_PAGE_BYTES: usize = 2;
/// Process id of the writer.
pub const WORD_PID: usize = 3;
/// Start of the writer, ns since 1970 UTC.
pub const WORD_START_WALL_NS: usize = 4;
/// Raw clock ticks per second.
pub const WORD_TICKS_PER_SECOND: usize = 5;
/// Room in the directory, in entries.
pub const WORD_DIRECTORY_ROOM: usize = 6;
/// Entries in the directory.
pub const WORD_DIRECTORY_LENGTH: usize = 7;
/// Byte offset of the first value.
pub const WORD_VALUES_OFFSET: usize = 8;
/// Number of anchors ever written.
pub const WORD_ANCHORS_WRITTEN: usize = 9;
/// Names that were refused because the directory was full.
pub const WORD_REFUSED: usize = 10;
/// Byte offset of the first distinct error.
pub const WORD_ERRORS_OFFSET: usize = 11;
/// Room for distinct errors, in slots.
pub const WORD_ERRORS_ROOM: usize = 12;
/// Distinct errors.
pub const WORD_ERRORS_LENGTH: usize = 13;
/// Errors of a kind for which there was no room.
pub const WORD_ERRORS_BEYOND: usize = 14;

/// First anchor.
pub const ANCHORS: usize = 256;
/// Anchors kept.
#[cfg(not(loom))]
pub const ANCHOR_SLOTS: usize = 64;
/// The model checker sees the circle close with fewer.
#[cfg(loom)]
pub const ANCHOR_SLOTS: usize = 2;
/// Words of one anchor.
pub const ANCHOR_WORDS: usize = 4;

/// Names a process may have at most.
pub const NAMES_LIMIT: usize = 10_000;
/// First directory entry.
pub const DIRECTORY: usize = 512;
/// Words of one directory entry.
pub const ENTRY_WORDS: usize = 16;
/// Bytes of a label at most.
pub const LABEL_BYTES: usize = 64;
/// Bytes of an owner's name at most.
pub const OWNER_BYTES: usize = 24;
/// Kind, unit, lengths and id, within an entry.
pub const ENTRY_SHAPE: usize = 0;
/// Byte offset of the value, within an entry.
pub const ENTRY_OFFSET: usize = 1;
/// Words of the value, within an entry.
pub const ENTRY_LENGTH: usize = 2;
/// Label, within an entry.
pub const ENTRY_LABEL: usize = 4;
/// Owner, within an entry.
pub const ENTRY_OWNER: usize = 12;

/// Words of a cache line: values of two owners never share one.
pub const LINE_WORDS: usize = 8;
