//! The tick store: whatever happened to its files, opening it gives back original records from the first on, or says why not.

use pitlane_lockfree::Record;
use pitlane_lockfree::tick::{StoreError, StoreOptions, TickReader, TickWriter, Verify};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Small segments, so that an edit hits something.
const OPTIONS: StoreOptions = StoreOptions {
    schema_hash: 0x5eed,
    segment_records: 8,
    sync: pitlane_lockfree::tick::SyncPolicy::None,
    prefault: false,
    verify: Verify::Everything,
};
const RECORDS: u64 = 20;

fn record(sequence: u64) -> Record {
    let word = |n: u64| sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(7) ^ n;
    [
        sequence,
        word(1),
        sequence * 1_000,
        word(3),
        word(4),
        word(5),
        word(6),
        word(7),
    ]
}

/// In memory where the system offers it: closing a store waits for the disk, and that is not what is looked at here.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}

/// The files of a store that a killed writer left: two full segments and half of a third.
fn template() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let dir = directory();
        let (mut writer, _) = TickWriter::open(dir.path(), OPTIONS).expect("an empty store");
        for sequence in 1..=RECORDS {
            writer.append(&record(sequence)).expect("room");
        }
        writer.commit().expect("a commit");
        drop(writer);
        let mut files: Vec<_> = fs::read_dir(dir.path())
            .expect("the directory")
            .map(|entry| entry.expect("an entry"))
            .map(|entry| {
                let name = entry.file_name().into_string().expect("an ASCII name");
                (name, fs::read(entry.path()).expect("a readable file"))
            })
            .collect();
        files.sort();
        files
    })
}

/// Damages a store as the bytes say, 8 of them an edit, and opens it.
pub fn tick_recovery(data: &[u8]) {
    let dir = directory();
    let mut files = template().to_vec();
    for edit in data.chunks_exact(8).take(64) {
        damage(&mut files, edit);
    }
    for (name, bytes) in &files {
        fs::write(dir.path().join(name), bytes).expect("a written file");
    }

    // somebody else looks at it before it is repaired: whatever that gives, it does not crash
    if let Ok(mut reader) = TickReader::open(dir.path()) {
        while reader
            .next_batch(usize::MAX)
            .is_ok_and(|batch| !batch.is_empty())
        {}
    }

    let (writer, report) = match TickWriter::open(dir.path(), OPTIONS) {
        Ok(opened) => opened,
        Err(StoreError::Locked { .. }) => panic!("nobody else writes"),
        Err(_) => return,
    };
    let next = writer.next_sequence();
    drop(writer);
    assert!(next <= RECORDS + 1, "{next}: records out of nowhere");
    if report.records > 0 {
        assert_eq!(next, report.last_sequence + 1, "{report:?}");
    }
    check(dir.path(), next);

    // repaired means repaired
    let (mut writer, second) = TickWriter::open(dir.path(), OPTIONS).expect("a repaired store");
    assert_eq!(second.cut_records, 0, "{second:?}");
    assert_eq!(writer.next_sequence(), next);
    writer.append(&record(next)).expect("room");
    writer.close().expect("an orderly end");
    check(dir.path(), next + 1);
}

/// The store holds the original records below `next`, from the first it has without a hole.
fn check(dir: &Path, next: u64) {
    let mut reader = TickReader::open(dir).expect("a repaired store");
    let mut expected = None;
    loop {
        let batch = reader.next_batch(usize::MAX).expect("a repaired store");
        if batch.is_empty() {
            break;
        }
        for found in batch {
            let sequence = expected.unwrap_or(found[0]);
            assert_eq!(*found, record(sequence), "not what was written");
            expected = Some(sequence + 1);
        }
    }
    if let Some(end) = expected {
        assert_eq!(end, next);
    }
}

/// One edit: what, which file, where (24 bits), how much, two bytes of content.
fn damage(files: &mut Vec<(String, Vec<u8>)>, edit: &[u8]) {
    let [what, which, low, middle, high, count, value, fill] = *edit else {
        return;
    };
    if files.is_empty() {
        return;
    }
    let which = usize::from(which) % files.len();
    let bytes = &mut files[which].1;
    let length = bytes.len().max(1);
    let at = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let at = at % length;
    let end = (at + usize::from(count)).min(bytes.len());
    match what % 7 {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (value % 8);
            }
        }
        2 => bytes.get_mut(at..end).unwrap_or_default().fill(fill),
        3 => bytes.truncate(at),
        4 => bytes.resize(bytes.len() + usize::from(count) * 64, fill),
        5 => {
            // a torn page
            let page = at & !4095;
            let end = (page + 4096).min(bytes.len());
            bytes.get_mut(page..end).unwrap_or_default().fill(0);
        }
        _ => drop(files.remove(which)),
    }
}
