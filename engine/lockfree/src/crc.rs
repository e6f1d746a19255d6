//! CRC32C of one record. The processor's instruction where there is one, the `crc32c` crate elsewhere.
//!
//! The crate alone would do; but it is made for long buffers, and a record's 64 bytes are eight instructions
//! that overlap with the next record's if nothing stands in between (bench: `benches/measure.rs`).
#![allow(
    unsafe_code,
    reason = "an instruction that only some processors have is called after asking for it"
)]

use crate::Record;

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

#[cfg(test)]
mod tests {
    use super::record_crc;
    use crate::Record;
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
}
