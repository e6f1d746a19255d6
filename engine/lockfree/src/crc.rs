//! CRC32C of one record. The processor's instruction where there is one, the `crc32c` crate elsewhere.
//!
//! The crate alone would do; but it is made for long buffers, and a record's 64 bytes are eight instructions
//! that overlap with the next record's if nothing stands in between (bench: `benches/measure.rs`).
#![allow(
    unsafe_code,
    reason = "an instruction that only some processors have is called after asking for it"
)]

use crate::Record;
#[cfg(not(loom))]
use crate::sequence_of;
#[cfg(not(loom))]
use crate::sync::{AtomicU64, Ordering};

/// CRC32C of a record's 64 bytes.
#[inline]
#[must_use]
pub fn record_crc(record: &Record) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the instruction.
        return unsafe { by_instruction(record) };
    }
    crc32c::crc32c(bytemuck::bytes_of(record))
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "sse4.2")]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the instruction leaves the upper half zero"
)]
fn by_instruction(record: &Record) -> u32 {
    use core::arch::x86_64::_mm_crc32_u64;
    let mut crc = u64::from(u32::MAX);
    for word in record {
        crc = _mm_crc32_u64(crc, *word);
    }
    !(crc as u32)
}

/// Whether records stand in the order of their numbers, from `first` on, and each matches its CRC.
///
/// `column` holds two CRCs a word, the even record's in the low half; it begins with the word of the first record,
/// which is the odd one of its word if `is_odd`.
#[cfg(not(loom))]
#[inline]
pub(crate) fn are_whole(
    records: &[Record],
    first: u64,
    column: &[AtomicU64],
    is_odd: bool,
) -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the instruction.
        return unsafe { are_whole_by_instruction(records, first, column, is_odd) };
    }
    whole(records, first, column, is_odd, record_crc)
}

#[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
#[target_feature(enable = "sse4.2")]
fn are_whole_by_instruction(
    records: &[Record],
    first: u64,
    column: &[AtomicU64],
    is_odd: bool,
) -> bool {
    whole(records, first, column, is_odd, |record| {
        by_instruction(record)
    })
}

/// Without a branch a record, so that the CRCs of several records are under way at once.
#[cfg(not(loom))]
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "it is compiled with the instruction where it is inlined"
)]
fn whole(
    records: &[Record],
    first: u64,
    column: &[AtomicU64],
    is_odd: bool,
    crc: impl Fn(&Record) -> u32,
) -> bool {
    assert!(
        column.len() * 2 >= records.len() + usize::from(is_odd),
        "every record has a CRC"
    );
    let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let (alone, pairs) = records.split_at(usize::from(is_odd).min(records.len()));
    let mut wrong = 0;
    let mut number = first;
    let mut column = column.iter();
    for record in alone {
        wrong |= sequence_of(record) ^ number;
        wrong |= u64::from(crc(record)) ^ column.next().map_or(0, load) >> 32;
        number += 1;
    }
    let (pairs, last) = pairs.as_chunks::<2>();
    for ([even, odd], both) in pairs.iter().zip(&mut column) {
        wrong |= sequence_of(even) ^ number;
        wrong |= sequence_of(odd) ^ (number + 1);
        wrong |= (u64::from(crc(even)) | u64::from(crc(odd)) << 32) ^ load(both);
        number += 2;
    }
    for record in last {
        wrong |= sequence_of(record) ^ number;
        let both = column.next().map_or(0, load);
        wrong |= u64::from(crc(record)) ^ both & u64::from(u32::MAX);
    }
    wrong == 0
}

#[cfg(test)]
mod tests {
    use super::record_crc;
    use crate::Record;
    #[cfg(not(loom))]
    use crate::sync::AtomicU64;
    use proptest::prelude::*;

    fn check(record: &Record) {
        assert_eq!(
            record_crc(record),
            crc32c::crc32c(bytemuck::bytes_of(record))
        );
    }

    #[test]
    fn a_known_value() {
        // RFC 3720, appendix B.4: 32 bytes of zeros give 0x8a9136aa, here continued by the crate to 64.
        assert_eq!(
            record_crc(&[0; 8]),
            crc32c::crc32c_append(0x8a91_36aa, &[0; 32])
        );
    }

    proptest! {
        #![proptest_config(crate::cases(256, 4))]
        #[test]
        fn the_same_as_the_crate(record in any::<Record>()) {
            check(&record);
        }
    }
    /// Records from number `first` on, and the column of their CRCs, in which they begin at index `from`.
    #[cfg(not(loom))]
    fn column(first: u64, from: usize, records: &mut [Record]) -> Vec<u64> {
        let mut column = vec![0; (from + records.len()).div_ceil(2)];
        for (index, record) in records.iter_mut().enumerate() {
            record[0] = first + index as u64;
            let at = from + index;
            column[at / 2] |= u64::from(record_crc(record)) << (32 * (at % 2));
        }
        column
    }

    proptest! {
        #![proptest_config(crate::cases(256, 4))]
        #[cfg(not(loom))]
        #[test]
        fn one_wrong_bit_among_many_records_is_found(
            mut records in proptest::collection::vec(any::<Record>(), 0..9),
            from in 0..2_usize,
            first in 1..u64::MAX / 2,
            place in any::<proptest::sample::Index>(),
            bit in 0..512_u32,
            in_column in any::<bool>(),
        ) {
            let mut column = column(first, from, &mut records);
            let at = |first: u64, records: &[Record], column: &[u64]| {
                let column: Vec<_> = column.iter().copied().map(AtomicU64::new).collect();
                super::are_whole(records, first, &column, from == 1)
            };
            let check = |records: &[Record], column: &[u64]| at(first, records, column);
            prop_assert!(check(&records, &column));
            prop_assert_eq!(at(first + 1, &records, &column), records.is_empty());
            if records.is_empty() {
                return Ok(());
            }
            let wrong = place.index(records.len());
            if in_column {
                let at = from + wrong;
                column[at / 2] ^= 1 << (32 * (at % 2) + bit as usize % 32);
            } else {
                records[wrong][bit as usize / 64] ^= 1 << (bit % 64);
            }
            prop_assert!(!check(&records, &column));
        }
    }
}
