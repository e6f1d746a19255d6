//! A full disk is an error that names it, and loses nothing.

use super::{records, write};
use crate::tick::{StoreError, StoreOptions, TickWriter};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A small file system, if this process may mount one.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(bytes: usize) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("skipped: a small tmpfs cannot be mounted here");
        }
        mounted.then_some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[test]
#[cfg_attr(miri, ignore = "mounts")]
fn a_full_disk_loses_nothing() {
    let Some(disk) = Disk::mount(64 << 10) else {
        return;
    };
    let dir = disk.path().join("store");
    let filler = disk.path().join("filler");
    let all = records(40);
    // A segment takes 12 KB: some fit.
    let mut writer = write(&dir, &all[..7]);
    let free = 64 - 4 - 2 * 12;
    fs::write(&filler, vec![1; (free - 6) << 10]).unwrap();
    let mut full = None;
    for record in &all[7..] {
        match writer.append(record) {
            Ok(()) => writer.commit().unwrap(),
            Err(error) => {
                full = Some((record[0], error));
                break;
            }
        }
    }
    let (sequence, error) = full.expect("the disk is full");
    assert_eq!(sequence, 11);
    let text = error.to_string();
    let StoreError::Full { path, needed, free } = error else {
        panic!("{text}");
    };
    assert_eq!(needed, super::super::layout::segment_bytes(5, 5) as u64);
    assert!(path.starts_with(&dir) && free < needed, "{text}");
    assert!(text.contains("no room"), "{text}");
    assert!(!dir.join("next.seg.tmp").exists());
    // What was committed is there, here and after a restart.
    assert_eq!(super::read_all(&dir, 3), &all[..10]);
    assert!(writer.append(&all[10]).is_err());
    drop(writer);
    let (mut writer, report) = TickWriter::open(&dir, super::options()).unwrap();
    assert_eq!((report.records, report.reason), (10, None));
    assert!(
        matches!(writer.prepare(), Ok(true)),
        "pages can be prepared"
    );
    assert!(
        matches!(writer.prepare(), Err(StoreError::Full { .. })),
        "an early warning"
    );
    assert!(matches!(writer.prepare(), Ok(false)), "once");
    // With room again the same record is taken.
    fs::remove_file(&filler).unwrap();
    writer.append(&all[10]).unwrap();
    writer.close().unwrap();
    assert_eq!(super::read_all(&dir, 3), &all[..11]);
}

#[test]
#[cfg_attr(miri, ignore = "mounts")]
fn a_disk_too_small_for_the_first_segment() {
    let Some(disk) = Disk::mount(64 << 10) else {
        return;
    };
    let options = StoreOptions::default();
    let error = TickWriter::open(disk.path(), options).err().unwrap();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    let names: Vec<_> = super::content(disk.path()).into_keys().collect();
    assert_eq!(names, ["LOCK"]);
}
