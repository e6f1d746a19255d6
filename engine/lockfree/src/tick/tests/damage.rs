//! Flipped bits and cut files, everywhere: the store says what is wrong, keeps what is good, and never faults.

use super::identity::plain;
use super::{Damage, SEGMENT, append, content, options, records, scratch};
use crate::Record;
use crate::tick::layout::{records_offset, segment_bytes, segment_name};
use crate::tick::{
    CutReason, RecoveryReport, StoreError, StoreOptions, TickReader, TickWriter, Verify,
};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Two full segments and a part of a third: 12 records.
const COUNT: u64 = 12;

fn store(closed: bool) -> (tempfile::TempDir, Vec<Record>) {
    let all = records(COUNT);
    let dir = scratch();
    let writer = super::write(dir.path(), &all);
    if closed {
        writer.close().unwrap();
    }
    (dir, all)
}

fn reopen(dir: &Path) -> Result<(TickWriter, RecoveryReport), StoreError> {
    let verify = Verify::Everything;
    TickWriter::open(
        dir,
        StoreOptions {
            verify,
            ..options()
        },
    )
}

/// Whatever was done to the files: reading them does not fault and brings no wrong record; opening them for writing
/// either fails with a reason, or leaves a good part of the records, to which the rest can be appended,
/// and then the store is as if nothing had been.
fn check(case: &str, dir: &Path, all: &[Record]) -> Option<RecoveryReport> {
    read(case, dir, all);
    let (mut writer, report) = match reopen(dir) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(error.to_string().contains(".seg"), "{case}: {error}");
            return None;
        }
    };
    assert_eq!(report.records, report.last_sequence, "{case}");
    assert_eq!(writer.next_sequence(), report.last_sequence + 1, "{case}");
    if report.lost_committed() {
        assert!(report.reason.is_some() && report.first_bad_sequence.is_some());
        assert!(!report.damaged.is_empty(), "{case}: nothing was kept aside");
        assert!(report.to_string().contains("COMMITTED RECORDS LOST"));
    }
    for path in &report.damaged {
        assert!(path.exists(), "{case}");
    }
    append(&mut writer, all);
    for record in all {
        assert_eq!(writer.read_at(record[0]).unwrap(), Some(*record), "{case}");
    }
    writer.close().unwrap();
    let mut left = content(dir);
    left.retain(|name, _| !name.contains(".damaged"));
    let mut good = plain(all);
    for files in [&mut left, &mut good] {
        for bytes in files.values_mut() {
            blank_padding(bytes);
        }
    }
    assert!(
        left == good,
        "{case}: the files differ after repair: {report}"
    );
    Some(report)
}

/// Bytes that mean nothing are neither checked nor repaired.
fn blank_padding(bytes: &mut [u8]) {
    for (at, byte) in bytes.iter_mut().enumerate().take(records_offset(SEGMENT)) {
        let used = at < 56
            || [128, 256, 384].iter().any(|word| at / 8 == word / 8)
            || (4096..4096 + 4 * SEGMENT).contains(&at);
        if !used {
            *byte = 0;
        }
    }
}

fn read(case: &str, dir: &Path, all: &[Record]) {
    let Ok(mut reader) = TickReader::open(dir) else {
        return;
    };
    let mut seen = Vec::new();
    while let Ok(batch) = reader.next_batch(4) {
        if batch.is_empty() {
            break;
        }
        seen.extend_from_slice(batch);
        assert!(seen.len() <= all.len(), "{case}");
    }
    // A reader trusts committed bodies: numbers must be right, the rest is the writer's check.
    for (record, good) in seen.iter().zip(all) {
        assert_eq!(record[0], good[0], "{case}");
    }
    let _ = reader.last_committed();
    let _ = reader.is_closed_and_drained();
    let _ = reader.seek_time(0);
}

/// One bit of every kind of byte, in each segment, of a store that was closed and of one that crashed.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn flipped_bits() {
    let crcs = 4096;
    let bodies = records_offset(SEGMENT);
    let mut places: Vec<usize> = (0..56).collect();
    places.extend([56, 100, 127, 136, 255, 264, 383, 392, 4095]);
    places.extend((128..136).chain(256..264).chain(384..392));
    places.extend([crcs, crcs + 3, crcs + 4, crcs + 4 * SEGMENT, bodies - 1]);
    for index in 0..SEGMENT {
        places.extend([0, 7, 16, 40, 63].map(|byte| bodies + index * 64 + byte));
    }
    let mut repaired = 0;
    for closed in [false, true] {
        for first in [1, 6, 11] {
            for place in &places {
                let (dir, all) = store(closed);
                let path = dir.path().join(segment_name(first));
                let mut bytes = fs::read(&path).unwrap();
                let Some(byte) = bytes.get_mut(*place) else {
                    continue;
                };
                *byte ^= 0x10;
                fs::write(&path, &bytes).unwrap();
                let case = format!("byte {place} of {first}, closed {closed}");
                let report = check(&case, dir.path(), &all);
                repaired += usize::from(report.is_some());
                let body = *place >= bodies && *place < bodies + SEGMENT * 64;
                if body && ((*place - bodies) / 64) as u64 + first <= COUNT {
                    let report = report.expect("damage in a record is repaired");
                    let bad = first + ((*place - bodies) / 64) as u64;
                    assert_eq!(report.first_bad_sequence, Some(bad), "{case}");
                    assert_eq!(report.last_sequence, bad - 1, "{case}");
                    assert!(report.lost_committed(), "{case}");
                    assert_eq!(report.cut_records, COUNT - bad + 1, "{case}");
                }
            }
        }
    }
    assert!(repaired > 300, "{repaired}");
}

/// Files cut to, or grown to, every interesting length.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn cut_files() {
    let mut lengths = vec![0, 1, 8, 47, 48, 4095, 4096, 4097, 4100];
    for records in 0..=SEGMENT {
        let bytes = segment_bytes(SEGMENT, records);
        lengths.extend([bytes - 1, bytes, bytes + 1, bytes + 63]);
    }
    for closed in [false, true] {
        for first in [1, 6, 11] {
            for length in &lengths {
                let (dir, all) = store(closed);
                let path = dir.path().join(segment_name(first));
                let file = OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(*length as u64).unwrap();
                let case = format!("{first} cut to {length}, closed {closed}");
                let report = check(&case, dir.path(), &all);
                let report = report.unwrap_or_else(|| panic!("{case}: refused"));
                let whole = length.saturating_sub(segment_bytes(SEGMENT, 0)) / 64;
                let held = usize::try_from(COUNT - first + 1).unwrap().min(SEGMENT);
                let last = if whole < held {
                    first + whole as u64 - 1
                } else {
                    COUNT
                };
                assert_eq!(report.last_sequence, last, "{case}");
            }
        }
    }
}

/// Without the full check, closed segments are only glanced at; the glance finds a missing end.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_glance_finds_missing_ends() {
    let (dir, all) = store(true);
    let path = dir.path().join(segment_name(6));
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0; 32], segment_bytes(SEGMENT, 4) as u64)
        .unwrap();
    let (_, report) = TickWriter::open(dir.path(), options()).unwrap();
    assert_eq!(report.last_sequence, 9);
    assert_eq!(report.reason, Some(CutReason::Sequence));
    assert_eq!(report.committed_found, COUNT);
    assert_eq!(report.damaged.len(), 2);
    let _ = all;
}

/// Damage twice: the second file set aside gets its own name.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn nothing_set_aside_is_overwritten() {
    let (dir, all) = store(true);
    let path = dir.path().join(segment_name(6));
    for _ in 0..2 {
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&[0xff], records_offset(SEGMENT) as u64 + 64)
            .unwrap();
        check("twice", dir.path(), &all).unwrap();
    }
    let aside: Vec<_> = content(dir.path())
        .into_keys()
        .filter(|name| name.contains(".damaged"))
        .collect();
    assert_eq!(
        aside,
        [
            "00000000000000000006.seg.damaged",
            "00000000000000000006.seg.damaged.2",
            "00000000000000000011.seg.damaged",
            "00000000000000000011.seg.damaged.2"
        ]
    );
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn what_is_not_ours_is_refused_and_left_alone() {
    let cases: [(&str, Damage); 4] = [
        ("not a tick store segment", &|dir| {
            fs::write(dir.join(segment_name(11)), vec![b'x'; 9000]).unwrap();
        }),
        ("layout version 2", &|dir| {
            let path = dir.join(segment_name(1));
            let mut bytes = fs::read(&path).unwrap();
            bytes[8] = 2;
            fs::write(path, bytes).unwrap();
        }),
        ("bring back the missing segment", &|dir| {
            fs::remove_file(dir.join(segment_name(6))).unwrap();
        }),
        ("different sequence numbers", &|dir| {
            fs::rename(dir.join(segment_name(6)), dir.join(segment_name(7))).unwrap();
            fs::rename(dir.join(segment_name(1)), dir.join(segment_name(2))).unwrap();
        }),
    ];
    for (text, damage) in cases {
        let (dir, _) = store(true);
        damage(dir.path());
        let before = content(dir.path());
        let error = reopen(dir.path()).err().expect(text).to_string();
        assert!(error.contains(text), "{error}");
        assert!(error.contains(".seg"), "{error}");
        assert!(content(dir.path()) == before, "{text}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn another_schema_is_refused() {
    let (dir, _) = store(true);
    let other = StoreOptions {
        schema_hash: 0xbad,
        ..options()
    };
    let error = TickWriter::open(dir.path(), other).err().unwrap();
    let text = error.to_string();
    assert!(
        text.contains("0x0000000000005c4e") && text.contains("0x0000000000000bad"),
        "{text}"
    );
}

/// The oldest segments may be deleted: the store then begins later.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_store_may_begin_late() {
    let (dir, all) = store(true);
    fs::remove_file(dir.path().join(segment_name(1))).unwrap();
    let (mut writer, report) = reopen(dir.path()).unwrap();
    assert_eq!((report.records, report.last_sequence), (7, 12));
    assert_eq!(writer.read_at(3).unwrap(), None);
    assert_eq!(writer.read_at(6).unwrap(), Some(all[5]));
    drop(writer);
    let mut reader = TickReader::open(dir.path()).unwrap();
    assert_eq!(reader.next_sequence(), 6);
    assert_eq!(reader.seek_sequence(2).unwrap(), 6);
    assert_eq!(reader.next_batch(1).unwrap(), &all[5..6]);
}
