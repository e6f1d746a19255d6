//! The table against an array, and torn reads that must not be.

use super::{Look, latest_table};
use proptest::prelude::*;

proptest! {
    #![proptest_config(crate::cases(256, 2))]
    #[test]
    fn a_table_is_an_array(writes in prop::collection::vec((0..9_usize, any::<[u64; 9]>()), 0..crate::steps(40))) {
        let (mut writer, reader) = latest_table::<9>(9);
        let mut model = [None; 9];
        let mut counts = [0; 9];
        for (slot, value) in writes {
            writer.write(slot, &value);
            model[slot] = Some(value);
            counts[slot] += 1;
            for slot in 0..9 {
                prop_assert_eq!(reader.read(slot), model[slot]);
                let look = model[slot].map_or(Look::Empty, |value| Look::Value(value, counts[slot]));
                prop_assert_eq!(reader.look(slot), look);
            }
        }
        prop_assert_eq!((writer.slots(), reader.slots()), (9, 9));
    }
}

#[test]
#[should_panic(expected = "range")]
fn a_slot_that_is_not_there() {
    let (mut writer, _) = latest_table::<1>(2);
    writer.write(2, &[1]);
}

#[test]
fn readers_on_other_threads_never_see_half_a_value() {
    const COUNT: u64 = if cfg!(miri) { 60 } else { 100_000 };
    let (mut writer, reader) = latest_table::<8>(2);
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let reader = reader.clone();
            std::thread::spawn(move || {
                let mut last = 0;
                while last < COUNT {
                    if let Some(value) = reader.read(1) {
                        assert!(
                            value.iter().all(|word| *word == value[0]),
                            "torn: {value:?}"
                        );
                        assert!(value[0] >= last, "time went back");
                        last = value[0];
                    }
                    if cfg!(miri) {
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    for n in 1..=COUNT {
        writer.write(1, &[n; 8]);
        writer.write(0, &[0; 8]);
    }
    for reader in readers {
        reader.join().unwrap();
    }
}
