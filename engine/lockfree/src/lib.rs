//! Shared memory: ring edges, the latest-value table, the counters page and the tick store.
//!
//! This crate is the one home of atomics and of `unsafe`; everybody else uses its safe handles.
//! It knows nothing of markets: a [`Record`] is 64 bytes of which it reads two words.
//!
//! Modules stand in the order in which they build on each other:
//! [`sync`] chooses real or model-checked atomics, [`region`] owns raw memory and is the only module with `unsafe`,
//! the rest is safe code over the two.

pub mod sync;
pub mod region;
pub mod crc;
pub mod work;
#[cfg(not(loom))]
mod files;
pub mod counters;
pub mod ring;
pub mod latest;
pub mod conflate;
pub mod stamps;
pub mod wake;
pub mod tick;

#[cfg(not(target_endian = "little"))]
compile_error!(
    "the tick store and the counters page are little-endian and are shared without conversion"
);

/// 64 bytes: word [`SEQUENCE_WORD`] is the sequence number, word [`TIME_WORD`] the sequence time in ns (as `i64`),
/// which never decreases. The other words are the owner's business.
pub type Record = [u64; 8];

/// Bytes of a [`Record`].
pub const RECORD_BYTES: usize = 64;
/// Index of the sequence number in a [`Record`].
pub const SEQUENCE_WORD: usize = 0;
/// Index of the sequence time in a [`Record`].
pub const TIME_WORD: usize = 2;

/// The sequence number of a record.
#[inline]
#[must_use]
pub fn sequence_of(record: &Record) -> u64 {
    record[SEQUENCE_WORD]
}

/// The sequence time of a record, ns since 1970 UTC.
#[inline]
#[must_use]
pub fn time_of(record: &Record) -> i64 {
    record[TIME_WORD].cast_signed()
}

/// How many cases a property test tries: the model checker of memory, Miri, is a thousand times slower and has no files.
#[cfg(test)]
fn cases(full: u32, under_miri: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: if cfg!(miri) { under_miri } else { full },
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}

/// How long a random history may be.
#[cfg(test)]
fn steps(full: usize) -> usize {
    if cfg!(miri) { full / 5 } else { full }
}
