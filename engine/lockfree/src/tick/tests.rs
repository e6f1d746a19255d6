//! The store against plain vectors, against crashes, against damage, and against a full disk.

mod damage;
mod disk;
mod identity;
mod memory;
mod model;
mod reading;

use super::{StoreOptions, TickWriter};
use crate::Record;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Small segments, so that every test crosses their borders.
const SEGMENT: usize = 5;
const HOUR: i64 = 3_600_000_000_000;

/// Something that happens to a directory.
type Damage<'a> = &'a dyn Fn(&Path);

fn options() -> StoreOptions {
    StoreOptions {
        schema_hash: 0x5c4e,
        segment_records: SEGMENT,
        ..StoreOptions::default()
    }
}

/// A record whose words all depend on its number, so that a mixed-up one shows.
fn record(sequence: u64, time: i64) -> Record {
    let mix = |n: u64| (sequence + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [
        sequence,
        mix(1),
        time.cast_unsigned(),
        mix(3),
        mix(4),
        mix(5),
        mix(6),
        mix(7),
    ]
}

/// Records 1 to `count`, a second apart, from noon of a day on.
fn records(count: u64) -> Vec<Record> {
    (1..=count)
        .map(|sequence| record(sequence, 12 * HOUR + 1_000_000_000 * sequence.cast_signed()))
        .collect()
}

fn write(dir: &Path, records: &[Record]) -> TickWriter {
    let (mut writer, _) = TickWriter::open(dir, options()).unwrap();
    append(&mut writer, records);
    writer
}

/// Appends what is not in the store yet, in one batch.
fn append(writer: &mut TickWriter, records: &[Record]) {
    for record in records {
        if record[0] >= writer.next_sequence() {
            writer.append(record).unwrap();
        }
    }
    writer.commit().unwrap();
}

/// A directory that forgets: in memory if there is such a place, because these tests sync a lot.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// Every file of a directory with its bytes.
fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// All records, read in batches of `max`.
fn read_all(dir: &Path, max: usize) -> Vec<Record> {
    let mut reader = super::TickReader::open(dir).unwrap();
    let mut all = Vec::new();
    loop {
        let batch = reader.next_batch(max).unwrap();
        if batch.is_empty() {
            return all;
        }
        assert!(batch.len() <= max);
        all.extend_from_slice(batch);
    }
}
