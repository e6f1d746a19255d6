//! A closed store depends on its records and on nothing else.

use super::{Damage, HOUR, content, options, record, records, scratch};
use crate::tick::layout::{day_of, records_offset, segment_bytes, segment_name};
use crate::tick::{CutReason, StoreOptions, SyncPolicy, TickWriter};
use crate::{Record, time_of};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The store of these records, written in one go.
pub(super) fn plain(records: &[Record]) -> BTreeMap<String, Vec<u8>> {
    let dir = scratch();
    super::write(dir.path(), records).close().unwrap();
    content(dir.path())
}

#[derive(Clone, Copy, Debug)]
enum Break {
    Nothing,
    Commit,
    Prepare,
    Sync,
    Crash,
    /// A crash in the middle of an append that had come so far: so many bytes of the record, and its CRC or not.
    Tear(u8, bool),
    Close,
}

fn breaks() -> impl Strategy<Value = Break> {
    prop_oneof![
        6 => Just(Break::Nothing),
        4 => Just(Break::Commit),
        2 => Just(Break::Prepare),
        1 => Just(Break::Sync),
        1 => Just(Break::Crash),
        1 => (0..=64_u8, any::<bool>()).prop_map(|(bytes, crc)| Break::Tear(bytes, crc)),
        1 => Just(Break::Close),
    ]
}

/// Writes part of a record where the next one belongs, as a crash between two stores does.
fn tear(dir: &Path, next: &Record, bytes: usize, crc: bool) {
    let first = crate::tick::file::list(dir).unwrap().pop().unwrap();
    let file = OpenOptions::new()
        .write(true)
        .open(dir.join(segment_name(first)))
        .unwrap();
    let index = usize::try_from(next[0] - first).unwrap();
    let day = crate::tick::file::open_reader(&dir.join(segment_name(first)))
        .unwrap()
        .day();
    let here = day.is_none_or(|day| day == day_of(time_of(next)));
    if index < super::SEGMENT && here {
        let at = records_offset(super::SEGMENT) + index * 64;
        let body = &bytemuck::bytes_of(next)[..bytes];
        file.write_all_at(body, at as u64).unwrap();
        if crc {
            let crc = crate::crc::record_crc(next).to_le_bytes();
            file.write_all_at(&crc, (4096 + index * 4) as u64).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(200, 1))]
    #[test]
    #[cfg_attr(miri, ignore = "maps files")]
    fn interruptions_leave_no_trace(
        steps in prop::collection::vec((0..7_i64, breaks()), 0..40),
        policies in prop::collection::vec(prop_oneof![
            3 => Just(SyncPolicy::None),
            1 => Just(SyncPolicy::EveryBatch),
            1 => Just(SyncPolicy::IntervalMs(0)),
        ], 8),
    ) {
        let mut time = 20 * HOUR;
        let all: Vec<Record> = steps
            .iter()
            .zip(1..)
            .map(|((hours, _), sequence)| {
                time += hours * HOUR;
                record(sequence, time)
            })
            .collect();
        let dir = scratch();
        let mut policies = policies.into_iter().cycle();
        let mut open = || {
            let sync = policies.next().unwrap();
            let options = StoreOptions { sync, ..options() };
            TickWriter::open(dir.path(), options).unwrap().0
        };
        let mut writer = open();
        for (index, (_, interruption)) in steps.iter().enumerate() {
            // What a torn append left may have been whole by accident.
            if writer.next_sequence() == all[index][0] {
                writer.append(&all[index]).unwrap();
            }
            match *interruption {
                Break::Nothing => {}
                Break::Commit => writer.commit().unwrap(),
                Break::Prepare => while writer.prepare().unwrap() {},
                Break::Sync => writer.sync().unwrap(),
                Break::Crash => {
                    drop(writer);
                    writer = open();
                }
                Break::Tear(bytes, crc) => {
                    drop(writer);
                    if let Some(next) = all.get(index + 1) {
                        tear(dir.path(), next, usize::from(bytes), crc);
                    }
                    writer = open();
                }
                Break::Close => {
                    writer.close().unwrap();
                    writer = open();
                }
            }
        }
        writer.close().unwrap();
        prop_assert!(content(dir.path()) == plain(&all), "the files differ");
    }
}

/// A crash can fall between any two steps of the change from one segment to the next.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_crash_while_segments_change() {
    let all = records(8);
    let whole = plain(&all);
    let first = segment_name(1);
    let second = segment_name(6);
    let full = segment_bytes(5, 5);
    let cases: [(&str, Damage); 5] = [
        ("the successor has no name yet", &|dir| {
            fs::remove_file(dir.join(&second)).unwrap();
            fs::write(dir.join("next.seg.tmp"), [1; 100]).unwrap();
            set_word(&dir.join(&first), 384, 0);
        }),
        ("the first is not closed yet", &|dir| {
            set_word(&dir.join(&first), 384, 0);
        }),
        ("it is not committed yet either", &|dir| {
            set_word(&dir.join(&first), 384, 0);
            set_word(&dir.join(&first), 128, 2);
        }),
        ("the successor is empty", &|dir| {
            let empty = fs::read(dir.join(&second)).unwrap();
            let mut empty = empty[..segment_bytes(5, 0)].to_vec();
            empty[4096..].fill(0);
            empty[48..56].copy_from_slice(&i64::MIN.to_le_bytes());
            empty[128..136].fill(0);
            empty[384..392].fill(0);
            empty.resize(full, 0);
            fs::write(dir.join(&second), empty).unwrap();
            set_word(&dir.join(&first), 384, 0);
        }),
        ("the day of the successor was lost", &|dir| {
            set_word(&dir.join(&second), 48, 77);
            set_word(&dir.join(&second), 384, 0);
        }),
    ];
    for (case, damage) in cases {
        let dir = scratch();
        super::write(dir.path(), &all).close().unwrap();
        damage(dir.path());
        let (mut writer, report) = TickWriter::open(dir.path(), options()).expect(case);
        assert_eq!(report.reason, None, "{case}");
        assert!(!report.lost_committed(), "{case}: {report}");
        super::append(&mut writer, &all);
        writer.close().unwrap();
        assert!(content(dir.path()) == whole, "{case}");
    }
}

/// Closed by a change of day, a segment that is not full was not cut to its length yet.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_crash_before_the_truncation() {
    let all: Vec<Record> = (1..=4)
        .map(|n| record(n, 22 * HOUR + n.cast_signed() * HOUR))
        .collect();
    let whole = plain(&all);
    let dir = scratch();
    super::write(dir.path(), &all).close().unwrap();
    let path = dir.path().join(segment_name(1));
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(segment_bytes(5, 5) as u64).unwrap();
    let (writer, report) = TickWriter::open(dir.path(), options()).unwrap();
    assert_eq!((report.records, report.reason), (4, None));
    writer.close().unwrap();
    assert!(content(dir.path()) == whole);
}

#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn a_torn_record_is_cut_and_told() {
    let all = records(8);
    let dir = scratch();
    drop(super::write(dir.path(), &all[..7]));
    tear(dir.path(), &all[7], 24, false);
    let (_writer, report) = TickWriter::open(dir.path(), options()).unwrap();
    assert_eq!((report.segments, report.records), (2, 7));
    assert_eq!((report.last_sequence, report.committed_found), (7, 7));
    assert_eq!((report.cut_records, report.cut_bytes), (1, 64));
    assert_eq!(report.first_bad_sequence, Some(8));
    assert_eq!(report.reason, Some(CutReason::Crc));
    assert!(!report.lost_committed() && !report.was_closed && report.damaged.is_empty());
}

/// What was appended whole is kept, even if the crash came before its commit.
#[test]
#[cfg_attr(miri, ignore = "maps files")]
fn whole_records_survive_without_their_commit() {
    let all = records(9);
    let dir = scratch();
    let (mut writer, _) = TickWriter::open(dir.path(), options()).unwrap();
    for record in &all {
        writer.append(record).unwrap();
    }
    assert_eq!(writer.committed(), 5);
    drop(writer);
    let (writer, report) = TickWriter::open(dir.path(), options()).unwrap();
    assert_eq!((report.records, report.committed_found), (9, 5));
    assert_eq!((report.cut_records, report.reason), (0, None));
    assert_eq!(writer.committed(), 9);
}

fn set_word(path: &Path, at: u64, value: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&value.to_le_bytes(), at).unwrap();
}
