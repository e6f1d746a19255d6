//! Capture files (`.plcap`): raw frames as received, compressed, appendable, and readable up to where they were cut.
//!
//! # Layout
//!
//! All numbers are little-endian. Every CRC is CRC32C. Times are ns since 1970 UTC.
//!
//! ```text
//! file   = header, block*, [index]
//!
//! header   16 bytes
//!    0  [8]  magic "PLCAP\r\n\x1a"   a transfer that rewrites line ends breaks it
//!    8  u16  version, 1
//!   10  u16  0
//!   12  u32  CRC of bytes 0..12
//!
//! block    40 bytes of header, then the body
//!    0  [4]  magic "PLB1"
//!    4  u32  length of the body on disk, at most 16 MiB + 64 KiB
//!    8  u32  length of the body decompressed, at most 16 MiB
//!   12  u32  frames inside
//!   16  i64  earliest receive time inside
//!   24  i64  latest receive time inside
//!   32  u32  CRC of the body on disk
//!   36  u32  CRC of bytes 0..36
//!   40  [n]  body: one zstd frame, holding records one behind the other
//!
//! record   u32 length of what follows, u16 stream, then
//!   stream < 65535: a frame:        i64 receive time, the venue's bytes (at most 4 MiB)
//!   stream = 65535: a declaration:  u8 length of the venue's name, the venue's name, the stream's name
//!
//! index    written when the file is closed; a file without one is scanned instead
//!    0  [4]  magic "PLI1"
//!    4  u32  blocks, n
//!    8  [n]  of 32 bytes: u64 offset of the block, i64 earliest, i64 latest, u32 frames, u32 length of the body on disk
//!    .  u64  offset of the index
//!    .  u32  CRC of everything in the index before this field
//!    .  [4]  magic "PLIE"
//! ```
//!
//! Streams are numbered from 0 in the order of their declarations and anew in each block, so any block can be read
//! without another: after a seek, behind a damaged block, behind an append.
//! A block is closed at 256 KiB of records or when the writer is flushed.
//! Appending overwrites the index and writes a new one when the file is closed again.

mod format;
mod reader;
pub mod record;
pub mod rotate;
mod writer;

pub use format::BlockInfo;
pub use reader::{CaptureReader, is_capture};
pub use writer::{CaptureSummary, CaptureWriter};

/// The usual ending of a capture's file name.
pub const EXTENSION: &str = "plcap";

/// Name of the format in reports.
pub const FORMAT_NAME: &str = "capture";

/// Records after which a block is closed, in bytes before compression: enough for a good ratio, and what a crash of a
/// writer that is not flushed can cost.
const BLOCK_BYTES_TARGET: usize = 256 << 10;

#[cfg(test)]
mod tests;
