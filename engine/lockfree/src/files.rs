//! Room on a disk, asked for before it is mapped: a store into a hole of a full disk is a SIGBUS.

use rustix::fs::FallocateFlags;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Gives the file real blocks up to `bytes`, without touching what it holds.
pub(crate) fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            // A file system that cannot preallocate gets zeros written behind the end.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                return write_zeros(file, bytes);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn write_zeros(file: &File, bytes: u64) -> io::Result<()> {
    const CHUNK: usize = 1 << 13;
    let zeros = [0_u8; CHUNK];
    let mut at = file.metadata()?.len();
    while at < bytes {
        let chunk = usize::try_from(bytes - at).unwrap_or(CHUNK).min(CHUNK);
        file.write_all_at(&zeros[..chunk], at)?;
        at += chunk as u64;
    }
    Ok(())
}

/// Whether an error says that the disk, or the writer's share of it, is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
