//! The room is there and nothing is in it. That no page is missing is seen from outside, by the app's hot path test.

use super::{ready, zeros};

#[test]
fn the_room_is_there_and_empty() {
    for (capacity, written) in [(0, 0), (1, 0), (10, 3), (1000, 1000), (1000, 5000)] {
        let mut memory: Vec<[u64; 9]> = ready(capacity, written);
        assert!(memory.is_empty() && memory.capacity() >= capacity);
        let place = memory.as_ptr();
        memory.resize(capacity, [7; 9]);
        assert_eq!(memory.as_ptr(), place, "it need not move");
    }
    assert!(ready::<()>(5, 5).is_empty());
    assert_eq!(ready::<[u8; 9000]>(2, 2).capacity(), 2);
}

#[test]
fn zeros_are_zero() {
    for count in [0, 1, 511, 512, 16_384] {
        assert_eq!(zeros(count), vec![0; count]);
    }
}
