//! The committed cursor hands records over, and the closed word says that there are no more.
#![cfg(loom)]

use loom::thread;
use pitlane_lockfree::Record;
use pitlane_lockfree::crc::record_crc;
use pitlane_lockfree::tick::segment::{SegmentHeader, heap_segment};

fn record(sequence: u64) -> Record {
    [sequence, 1, 5, 0, 0, 0, 0, sequence * 3]
}

#[test]
fn committed_records_are_whole_and_closed_is_final() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (mut writer, reader) = heap_segment(SegmentHeader {
            schema_hash: 1,
            first_sequence: 10,
            capacity: 2,
        });
        let recorder = thread::spawn(move || {
            writer.append(&record(10));
            writer.commit();
            writer.append(&record(11));
            writer.close();
        });
        // Closed first, then committed: that is the rule for readers.
        let closed = reader.closed();
        let committed = reader.committed();
        if let Some(count) = closed {
            assert_eq!((count, committed), (2, 2));
        }
        for index in 0..committed {
            let want = record(10 + index as u64);
            assert_eq!(reader.record(index), Some(want));
            assert_eq!(reader.crc(index), record_crc(&want));
            assert_eq!(reader.day(), Some(0));
        }
        recorder.join().unwrap();
        assert_eq!((reader.closed(), reader.committed()), (Some(2), 2));
    });
}
