//! The stamp table against a map of the latest numbers.

use super::stamp_table;
use proptest::prelude::*;

proptest! {
    #![proptest_config(crate::cases(256, 2))]
    #[test]
    fn the_latest_stamps_are_kept(slots in 1..40_usize, count in 0..crate::steps(200) as u64) {
        let (mut writer, reader) = stamp_table(slots);
        prop_assert_eq!(reader.slots(), slots.next_power_of_two());
        for sequence in 1..=count {
            writer.write(sequence, sequence * 10);
            let oldest = (sequence + 1).saturating_sub(reader.slots() as u64).max(1);
            for kept in oldest..=sequence {
                prop_assert_eq!(reader.clone().read(kept), kept * 10);
            }
        }
    }
}
