//! One segment on the heap: small enough for Miri.

use super::{HOUR, record};
use crate::Record;
use crate::tick::segment::{SegmentHeader, heap_segment};

const HEADER: SegmentHeader = SegmentHeader {
    schema_hash: 7,
    first_sequence: 100,
    capacity: 6,
};

#[test]
fn readers_see_what_is_committed_and_nothing_else() {
    let (mut writer, reader) = heap_segment(HEADER);
    let written: Vec<Record> = (100..106).map(|n| record(n, 25 * HOUR)).collect();
    assert_eq!((reader.day(), reader.closed()), (None, None));
    for (index, record) in written.iter().enumerate() {
        writer.append(record);
        assert_eq!(reader.records(0, 10), &written[..index]);
        assert_eq!(reader.record(index), None);
        assert_eq!(writer.record(index), Some(*record));
        writer.commit();
        // A slice taken now stays good while the writer goes on.
        assert_eq!(reader.records(0, 10), &written[..=index]);
        assert_eq!(reader.crc(index), crate::crc::record_crc(record));
    }
    assert_eq!(reader.day(), Some(1));
    writer.close();
    assert_eq!(reader.closed(), Some(6));
    assert_eq!(reader.records(4, 1), &written[4..5]);
    assert_eq!(reader.records(6, 1), &[] as &[Record]);
    assert_eq!(reader.records(9, 1), &[] as &[Record]);
}

#[test]
#[should_panic(expected = "full segment")]
fn a_full_segment_takes_no_more() {
    let (mut writer, _reader) = heap_segment(HEADER);
    for n in 100..107 {
        writer.append(&record(n, 0));
    }
}

#[test]
fn slices_stay_while_another_thread_writes() {
    let capacity = if cfg!(miri) { 40 } else { 10_000 };
    let (mut writer, reader) = heap_segment(SegmentHeader { capacity, ..HEADER });
    let following = std::thread::spawn(move || {
        let mut seen = 0;
        while seen < capacity {
            let batch = reader.records(seen, usize::MAX);
            for (index, record) in batch.iter().enumerate() {
                assert_eq!(*record, super::record(100 + (seen + index) as u64, 5));
            }
            seen += batch.len();
        }
        assert_eq!(reader.record(capacity), None);
    });
    for index in 0..capacity {
        writer.append(&record(100 + index as u64, 5));
        if index % 3 == 0 || index + 1 == capacity {
            writer.commit();
        }
    }
    following.join().unwrap();
}
