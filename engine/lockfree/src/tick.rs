//! The tick store: the sequence of records on disk, in memory-mapped segments.
//!
//! One [`TickWriter`] appends; any number of [`TickReader`]s, in any process, follow what is committed, without a copy.
//! A directory holds segment files named `<first sequence, 20 digits>.seg`, an empty file `LOCK` that the writer holds locked,
//! and, after damage, what was set aside as `*.damaged`.
//! The content of a closed store is a pure function of its records (and of the segment size):
//! no process id, no clock, no trace of batches, crashes or sync policy.
//!
//! # Layout of a segment
//! Little-endian 64-bit words; offsets in bytes; see [`layout`].
//!
//! | offset | content |
//! |---|---|
//! | 0 | magic `PITLTICK` |
//! | 8 | version |
//! | 16 | schema hash, the owner's word for what the records mean |
//! | 24 | sequence number of the first record |
//! | 32 | capacity in records |
//! | 40 | CRC32C of the bytes before, in the low half |
//! | 48 | UTC day of the first record, days since 1970, or `i64::MIN` while there is none |
//! | 128 | committed: records that may be read |
//! | 256 | durable: of these, how many the writer knows to be on the disk; 0 in a finished segment |
//! | 384 | closed: 0 while open, then 1 + the final number of records |
//! | 4096 | CRC32C of every record, 4 bytes each, padded to 4096 |
//! | records | 64 bytes each; a closed segment ends with its last record |
//!
//! A record is written first, then its CRC, then `committed` is raised with release ordering.
//! Committed records are never written again.
//!
//! # Sequence and days
//! Sequence numbers have no holes, across segments too. A new segment starts when one is full,
//! and with the first record of a new UTC day, so that a day can be moved or deleted as files.

pub mod layout;
pub mod segment;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod file;
#[cfg(not(loom))]
mod recovery;
#[cfg(not(loom))]
mod writer;
#[cfg(not(loom))]
mod reader;

#[cfg(test)]
#[cfg(not(loom))]
mod tests;

#[cfg(not(loom))]
pub use error::StoreError;
#[cfg(not(loom))]
pub use reader::TickReader;
#[cfg(not(loom))]
pub use recovery::{CutReason, RecoveryReport};
#[cfg(not(loom))]
pub use writer::{StoreOptions, SyncPolicy, TickWriter, Verify};
