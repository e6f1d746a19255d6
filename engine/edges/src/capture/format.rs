//! The fixed parts of a capture file, to bytes and back. The layout is described in the parent module.

use crate::source::FRAME_BYTES_MAX;
use pitlane_domain::units::WallNs;

pub(super) const FILE_MAGIC: [u8; 8] = *b"PLCAP\r\n\x1a";
pub(super) const FILE_HEADER_BYTES: usize = 16;
pub(super) const VERSION: u16 = 1;

pub(super) const BLOCK_MAGIC: [u8; 4] = *b"PLB1";
pub(super) const BLOCK_HEADER_BYTES: usize = 40;
/// Longest body before compression. A closed block is at most the target and one frame, which is far less.
pub(super) const RAW_BYTES_MAX: usize = 16 << 20;
/// Longest body on disk: what cannot be compressed grows by less than this.
pub(super) const BODY_BYTES_MAX: usize = RAW_BYTES_MAX + (64 << 10);

pub(super) const INDEX_MAGIC: [u8; 4] = *b"PLI1";
pub(super) const INDEX_END_MAGIC: [u8; 4] = *b"PLIE";
pub(super) const INDEX_HEAD_BYTES: usize = 8;
pub(super) const INDEX_ENTRY_BYTES: usize = 32;
pub(super) const INDEX_TAIL_BYTES: usize = 16;

/// The stream number that declares a stream.
pub(super) const DECLARATION: u16 = u16::MAX;
/// Streams a block can number.
pub(super) const STREAMS_MAX: usize = DECLARATION as usize;
/// Longest record behind its length: stream number, time, frame.
pub(super) const RECORD_BYTES_MAX: usize = 2 + 8 + FRAME_BYTES_MAX;
/// Shortest record of a frame, its length included.
pub(super) const FRAME_RECORD_BYTES_MIN: u64 = 4 + 2 + 8;
/// Longest name of a stream; the longest a venue uses is below 64 bytes.
pub(super) const STREAM_BYTES_MAX: usize = 1024;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N]
        .try_into()
        .expect("the slice has the array's length")
}

/// A `usize` known to be below a bound of this format.
pub(super) fn small(value: usize) -> u32 {
    u32::try_from(value).expect("every length of the format is bounded far below 4 GiB")
}

pub(super) fn file_header() -> [u8; FILE_HEADER_BYTES] {
    let mut bytes = [0; FILE_HEADER_BYTES];
    bytes[..8].copy_from_slice(&FILE_MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..12]);
    bytes[12..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What the first bytes of a file are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileHeader {
    Good,
    /// The beginning of a good header, and then the file ends.
    Cut,
    /// A capture of a version this build does not read.
    Version(u16),
    /// The magic of a capture, but the checksum differs.
    Damaged,
    Foreign,
}

impl FileHeader {
    /// `bytes`: the first 16 of the file, or all of a shorter one.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if bytes.len() < FILE_HEADER_BYTES {
            return if file_header().starts_with(bytes) {
                Self::Cut
            } else {
                Self::Foreign
            };
        }
        if !bytes.starts_with(&FILE_MAGIC) {
            return Self::Foreign;
        }
        if crc32c::crc32c(&bytes[..12]) != u32_at(bytes, 12) {
            return Self::Damaged;
        }
        match u16::from_le_bytes(array(bytes, 8)) {
            VERSION => Self::Good,
            other => Self::Version(other),
        }
    }
}

/// Where a block lies and what it spans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockInfo {
    /// Byte of the file at which it begins.
    pub offset: u64,
    /// Earliest receive time inside.
    pub earliest: WallNs,
    /// Latest receive time inside.
    pub latest: WallNs,
    /// Frames inside.
    pub frames: u32,
    /// Length of its body on disk.
    pub body: u32,
}

impl BlockInfo {
    /// Byte behind the block.
    pub(super) fn end(&self) -> u64 {
        self.offset + BLOCK_HEADER_BYTES as u64 + u64::from(self.body)
    }

    fn encode(&self, to: &mut Vec<u8>) {
        to.extend(self.offset.to_le_bytes());
        to.extend(self.earliest.0.to_le_bytes());
        to.extend(self.latest.0.to_le_bytes());
        to.extend(self.frames.to_le_bytes());
        to.extend(self.body.to_le_bytes());
    }

    fn decode(bytes: &[u8]) -> Self {
        Self {
            offset: u64_at(bytes, 0),
            earliest: WallNs(i64_at(bytes, 8)),
            latest: WallNs(i64_at(bytes, 16)),
            frames: u32_at(bytes, 24),
            body: u32_at(bytes, 28),
        }
    }
}

/// The header of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BlockHeader {
    pub(super) body: u32,
    pub(super) raw: u32,
    pub(super) frames: u32,
    pub(super) earliest: WallNs,
    pub(super) latest: WallNs,
    pub(super) body_crc: u32,
}

impl BlockHeader {
    pub(super) fn encode(&self) -> [u8; BLOCK_HEADER_BYTES] {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        bytes[..4].copy_from_slice(&BLOCK_MAGIC);
        bytes[4..8].copy_from_slice(&self.body.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.raw.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.frames.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.earliest.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.latest.0.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.body_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..36]);
        bytes[36..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` unless magic, checksum and bounds are right.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < BLOCK_HEADER_BYTES
            || !bytes.starts_with(&BLOCK_MAGIC)
            || crc32c::crc32c(&bytes[..36]) != u32_at(bytes, 36)
        {
            return None;
        }
        let header = Self {
            body: u32_at(bytes, 4),
            raw: u32_at(bytes, 8),
            frames: u32_at(bytes, 12),
            earliest: WallNs(i64_at(bytes, 16)),
            latest: WallNs(i64_at(bytes, 24)),
            body_crc: u32_at(bytes, 32),
        };
        let bounded = header.body as usize <= BODY_BYTES_MAX
            && header.raw as usize <= RAW_BYTES_MAX
            && u64::from(header.frames) * FRAME_RECORD_BYTES_MIN <= u64::from(header.raw);
        bounded.then_some(header)
    }

    pub(super) fn info(&self, offset: u64) -> BlockInfo {
        BlockInfo {
            offset,
            earliest: self.earliest,
            latest: self.latest,
            frames: self.frames,
            body: self.body,
        }
    }
}

/// The index of `blocks`, to be written at `offset`.
pub(super) fn encode_index(blocks: &[BlockInfo], offset: u64) -> Vec<u8> {
    let room = INDEX_HEAD_BYTES + blocks.len() * INDEX_ENTRY_BYTES + INDEX_TAIL_BYTES;
    let mut bytes = Vec::with_capacity(room);
    bytes.extend(INDEX_MAGIC);
    bytes.extend(small(blocks.len()).to_le_bytes());
    for block in blocks {
        block.encode(&mut bytes);
    }
    bytes.extend(offset.to_le_bytes());
    let crc = crc32c::crc32c(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes.extend(INDEX_END_MAGIC);
    bytes
}

/// Where the index begins, by the last 16 bytes of a file of `len` bytes.
pub(super) fn index_offset(tail: &[u8], len: u64) -> Option<u64> {
    if tail.len() != INDEX_TAIL_BYTES || tail[12..] != INDEX_END_MAGIC {
        return None;
    }
    let offset = u64_at(tail, 0);
    let least = (INDEX_HEAD_BYTES + INDEX_TAIL_BYTES) as u64;
    let fits = offset >= FILE_HEADER_BYTES as u64 && offset.checked_add(least)? <= len;
    fits.then_some(offset)
}

/// Length of the index that begins with `head`.
pub(super) fn index_bytes(head: &[u8]) -> Option<usize> {
    if head.len() < INDEX_HEAD_BYTES || !head.starts_with(&INDEX_MAGIC) {
        return None;
    }
    let entries = (u32_at(head, 4) as usize).checked_mul(INDEX_ENTRY_BYTES)?;
    entries.checked_add(INDEX_HEAD_BYTES + INDEX_TAIL_BYTES)
}

/// The blocks of an index that was found at `offset`; `None` if it is not whole or contradicts itself.
pub(super) fn decode_index(bytes: &[u8], offset: u64) -> Option<Vec<BlockInfo>> {
    let end = bytes.len().checked_sub(INDEX_TAIL_BYTES)?;
    let entries = bytes.get(INDEX_HEAD_BYTES..end)?;
    let whole = index_bytes(bytes) == Some(bytes.len())
        && u64_at(bytes, end) == offset
        && crc32c::crc32c(&bytes[..end + 8]) == u32_at(bytes, end + 8);
    if !whole {
        return None;
    }
    let blocks: Vec<_> = entries
        .chunks_exact(INDEX_ENTRY_BYTES)
        .map(BlockInfo::decode)
        .collect();
    // Blocks lie one behind the other between the header and the index.
    let mut at = FILE_HEADER_BYTES as u64;
    for block in &blocks {
        if block.offset < at || block.offset > offset || block.end() > offset {
            return None;
        }
        at = block.end();
    }
    Some(blocks)
}
