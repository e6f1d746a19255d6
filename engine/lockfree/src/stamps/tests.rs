//! The stamp table against a map of the latest numbers.

use super::stamp_table;
use crate::ring::{EdgeCounters, ring};
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

#[test]
fn the_stamp_of_a_message_is_there_when_the_message_is() {
    const COUNT: u64 = if cfg!(miri) { 100 } else { 100_000 };
    const ROOM: usize = 16;
    let (mut stamps, reader) = stamp_table(2 * ROOM);
    let (mut tx, mut rx) = ring::<u64>(ROOM, EdgeCounters::private());
    let sequencer = std::thread::spawn(move || {
        for sequence in 1..=COUNT {
            while !tx.has_room_for(1) {
                std::thread::yield_now();
            }
            stamps.write(sequence, sequence * 10);
            tx.push(sequence);
        }
    });
    let mut last = 0;
    while last < COUNT {
        let work = rx.drain(ROOM, |&sequence| {
            assert_eq!(reader.read(sequence), sequence * 10);
            last = sequence;
        });
        if work.is_idle() {
            std::thread::yield_now();
        }
    }
    sequencer.join().unwrap();
}
