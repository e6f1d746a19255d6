//! Readers that follow, while the store is written.

use super::{SEGMENT, options, record, records, scratch, write};
use crate::tick::{StoreError, StoreOptions, TickReader, TickWriter};
use crate::{RECORD_BYTES, sequence_of};

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_reader_waits_for_a_store_that_is_not_there_yet() {
    let dir = scratch();
    let path = dir.path().join("later");
    let mut reader = TickReader::open(&path).unwrap();
    assert!(reader.next_batch(10).unwrap().is_empty());
    assert!(!reader.is_closed_and_drained().unwrap());
    assert_eq!(reader.last_committed().unwrap(), 0);
    assert_eq!(reader.schema_hash(), None);
    let (writer, _) = TickWriter::open(&path, options()).unwrap();
    assert!(reader.next_batch(10).unwrap().is_empty());
    assert!(!reader.is_closed_and_drained().unwrap());
    assert_eq!(reader.schema_hash(), Some(0x5c4e));
    // A store without a record can be closed, too.
    writer.close().unwrap();
    assert!(reader.is_closed_and_drained().unwrap());
    // And be opened again, to hold something after all.
    let mut writer = write(&path, &records(3));
    assert!(!reader.is_closed_and_drained().unwrap());
    assert_eq!(reader.next_batch(10).unwrap(), records(3));
    assert!(!reader.is_closed_and_drained().unwrap());
    super::append(&mut writer, &records(SEGMENT as u64));
    writer.close().unwrap();
    assert!(!reader.is_closed_and_drained().unwrap());
    assert_eq!(reader.next_batch(10).unwrap().len(), SEGMENT - 3);
    assert!(reader.is_closed_and_drained().unwrap());
    assert_eq!(reader.last_committed().unwrap(), SEGMENT as u64);
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn two_writers_are_one_too_many() {
    let dir = scratch();
    let first = write(dir.path(), &records(2));
    let error = TickWriter::open(dir.path(), options()).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }));
    assert!(error.to_string().contains("another process"), "{error}");
    drop(first);
    TickWriter::open(dir.path(), options()).unwrap();
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn the_sequence_has_no_holes_and_time_does_not_go_back() {
    let dir = scratch();
    let (mut writer, _) = TickWriter::open(dir.path(), options()).unwrap();
    writer.append(&record(1, 100)).unwrap();
    for (bad, text) in [
        (record(1, 100), "2 is next"),
        (record(3, 100), "2 is next"),
        (record(2, 99), "before its predecessor"),
    ] {
        let error = writer.append(&bad).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    writer.append(&record(2, 100)).unwrap();
    writer.commit().unwrap();
    drop(writer);
    // The rule holds across a restart.
    let (mut writer, report) = TickWriter::open(dir.path(), options()).unwrap();
    assert_eq!(report.last_time_ns, 100);
    assert!(writer.append(&record(3, 99)).is_err());
    writer.append(&record(3, 100)).unwrap();
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_day_before_1970_is_a_day_too() {
    let dir = scratch();
    let all = [record(1, -2), record(2, -1), record(3, 0), record(4, 1)];
    write(dir.path(), &all).close().unwrap();
    let names: Vec<_> = super::content(dir.path()).into_keys().collect();
    assert_eq!(
        names,
        [
            "00000000000000000001.seg",
            "00000000000000000003.seg",
            "LOCK"
        ]
    );
    assert_eq!(super::read_all(dir.path(), 9), all);
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn records_lie_on_cache_lines() {
    let dir = scratch();
    let _writer = write(dir.path(), &records(3));
    let mut reader = TickReader::open(dir.path()).unwrap();
    let batch = reader.next_batch(3).unwrap();
    assert_eq!(batch.as_ptr() as usize % RECORD_BYTES, 0);
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_segment_has_a_sensible_size() {
    let dir = scratch();
    for records in [0, usize::MAX] {
        let options = StoreOptions {
            segment_records: records,
            ..options()
        };
        let error = TickWriter::open(dir.path(), options).err().unwrap();
        assert!(matches!(error, StoreError::SegmentRecords { .. }));
    }
}

/// A reader on another thread sees every record once and in order, and learns of the end.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_reader_follows_a_fast_writer() {
    const COUNT: u64 = 100_000;
    let dir = scratch();
    let path = dir.path().to_path_buf();
    let follower = std::thread::spawn(move || {
        let mut reader = TickReader::open(&path).unwrap();
        let mut next = 1;
        while !reader.is_closed_and_drained().unwrap() {
            let work = reader.drain(1000, |batch| {
                for found in batch {
                    assert_eq!(*found, record(next, 7));
                    next += 1;
                }
            });
            if work.unwrap().is_idle() {
                std::thread::yield_now();
            }
        }
        next - 1
    });
    let options = StoreOptions {
        segment_records: 1000,
        ..options()
    };
    let (mut writer, _) = TickWriter::open(dir.path(), options).unwrap();
    for sequence in 1..=COUNT {
        writer.append(&record(sequence, 7)).unwrap();
        if sequence % 64 == 0 {
            writer.commit().unwrap();
            let _ = writer.prepare().unwrap();
        }
    }
    writer.close().unwrap();
    assert_eq!(follower.join().unwrap(), COUNT);
    let mut reader = TickReader::open(dir.path()).unwrap();
    assert_eq!(reader.seek_sequence(77_777).unwrap(), 77_777);
    assert_eq!(sequence_of(&reader.next_batch(1).unwrap()[0]), 77_777);
}

/// The other end is a process that is killed, again and again: nothing that was committed is lost.
#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn a_killed_writer_loses_nothing() {
    let dir = scratch();
    let mut reader = TickReader::open(dir.path()).unwrap();
    let mut next = 1;
    for round in 1..=5 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tick::tests::reading::the_one_that_is_killed"])
            .env("PITLANE_KILLED_WRITER", dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while next < round * 20_000 {
            for found in reader.next_batch(10_000).unwrap() {
                assert_eq!(*found, record(next, 7));
                next += 1;
            }
            assert!(child.try_wait().unwrap().is_none(), "the writer gave up");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (writer, report) = TickWriter::open(dir.path(), big()).unwrap();
    assert!(
        report.last_sequence >= next - 1 && !report.lost_committed(),
        "{report}"
    );
    drop(writer);
    while !reader.next_batch(1000).unwrap().is_empty() {}
    assert_eq!(reader.next_sequence(), report.last_sequence + 1);
}

fn big() -> StoreOptions {
    StoreOptions {
        segment_records: 7000,
        ..options()
    }
}

/// The other half of the test above; on its own it does nothing.
#[test]
fn the_one_that_is_killed() {
    let Some(dir) = std::env::var_os("PITLANE_KILLED_WRITER") else {
        return;
    };
    let (mut writer, _) = TickWriter::open(dir.as_ref(), big()).unwrap();
    // An end, should nobody kill it.
    for _ in 0..5_000_000 {
        let sequence = writer.next_sequence();
        writer.append(&record(sequence, 7)).unwrap();
        if sequence.is_multiple_of(13) {
            writer.commit().unwrap();
        }
    }
}
