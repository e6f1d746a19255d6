//! Frames into a capture file.

use super::BLOCK_BYTES_TARGET;
use super::format::{
    BlockHeader, BlockInfo, DECLARATION, FILE_HEADER_BYTES, STREAM_BYTES_MAX, STREAMS_MAX,
    encode_index, file_header, small,
};
use super::reader::CaptureReader;
use crate::source::{FRAME_BYTES_MAX, Frame, OnBad, SourceError};
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use zstd::zstd_safe::CParameter;

/// zstd's own default: half the size of the fastest level on market data, and a small part of a core at live rates.
const LEVEL: i32 = 3;

/// What zstd aims its own blocks at inside one of ours. A file cut inside a block gives the frames up to the last whole
/// one of these, so they are small: a few dozen frames instead of thousands, for 0.3 % of size.
const INNER_BLOCK_BYTES: u32 = 4 << 10;

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CaptureSummary {
    /// Frames in the file, those it held before it was appended to included.
    pub frames: u64,
    /// Blocks in the file.
    pub blocks: u64,
    /// Length of the file.
    pub bytes: u64,
    /// Records before compression, written by this writer.
    pub bytes_raw: u64,
}

/// Writes a capture. Without [`CaptureWriter::finish`] the file has no index and lacks what was not flushed.
pub struct CaptureWriter<W: Write = File> {
    out: W,
    path: PathBuf,
    /// Records of the open block.
    raw: Vec<u8>,
    /// Frames of the open block.
    frames: u32,
    earliest: WallNs,
    latest: WallNs,
    streams: Streams,
    blocks: Vec<BlockInfo>,
    offset: u64,
    bytes_raw: u64,
    compressor: zstd::bulk::Compressor<'static>,
}

/// Stream numbers of the open block.
#[derive(Default)]
struct Streams {
    /// By the venue's number and the stream's name.
    numbers: HashMap<Vec<u8>, u16>,
    key: Vec<u8>,
    /// The stream of the frame before: frames come in runs.
    last: Option<u16>,
}

impl Streams {
    /// The number of a stream; `Err` with the next free number if it has none.
    fn number(&mut self, venue: Venue, name: &[u8]) -> Result<u16, usize> {
        let same = self.key.split_first() == Some((&(venue as u8), name));
        if let (true, Some(last)) = (same, self.last) {
            return Ok(last);
        }
        self.key.clear();
        self.key.push(venue as u8);
        self.key.extend_from_slice(name);
        self.last = self.numbers.get(&self.key).copied();
        self.last.ok_or(self.numbers.len())
    }

    /// Gives the stream asked for last this number.
    fn declare(&mut self, number: u16) {
        self.numbers.insert(self.key.clone(), number);
        self.last = Some(number);
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.last = None;
    }
}

impl CaptureWriter<File> {
    /// Begins a new capture; fails if the file exists.
    pub fn create(path: &Path) -> Result<Self, SourceError> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| SourceError::io(path, error))?;
        Self::new(file, path)
    }

    /// Continues a capture behind its last whole block. What was cut or damaged at its end is overwritten.
    pub fn append(path: &Path) -> Result<Self, SourceError> {
        let mut reader = CaptureReader::open(path, OnBad::Stop)?;
        let blocks = reader.blocks()?.to_vec();
        let end = blocks
            .last()
            .map_or(FILE_HEADER_BYTES as u64, BlockInfo::end);
        drop(reader);
        let io = |error| SourceError::io(path, error);
        let mut file = OpenOptions::new().write(true).open(path).map_err(io)?;
        if blocks.is_empty() {
            file.write_all(&file_header()).map_err(io)?;
        }
        file.set_len(end).map_err(io)?;
        file.seek(SeekFrom::Start(end)).map_err(io)?;
        Self::at(file, path, blocks, end)
    }

    /// Flushes, and waits until the disk has it.
    pub fn sync(&mut self) -> Result<(), SourceError> {
        self.flush()?;
        self.out.sync_data().map_err(|error| self.io(error))
    }
}

impl<W: Write> CaptureWriter<W> {
    /// Begins a capture on any writer; `path` names it in errors.
    pub fn new(mut out: W, path: &Path) -> Result<Self, SourceError> {
        out.write_all(&file_header())
            .map_err(|error| SourceError::io(path, error))?;
        Self::at(out, path, Vec::new(), FILE_HEADER_BYTES as u64)
    }

    fn at(out: W, path: &Path, blocks: Vec<BlockInfo>, offset: u64) -> Result<Self, SourceError> {
        let io = |error| SourceError::io(path, error);
        let mut compressor = zstd::bulk::Compressor::new(LEVEL).map_err(io)?;
        compressor
            .set_parameter(CParameter::TargetCBlockSize(INNER_BLOCK_BYTES))
            .map_err(io)?;
        Ok(Self {
            out,
            path: path.to_path_buf(),
            raw: Vec::with_capacity(2 * BLOCK_BYTES_TARGET),
            frames: 0,
            earliest: WallNs::ZERO,
            latest: WallNs::ZERO,
            streams: Streams::default(),
            blocks,
            offset,
            bytes_raw: 0,
            compressor,
        })
    }

    fn io(&self, error: io::Error) -> SourceError {
        SourceError::io(&self.path, error)
    }

    /// Adds a frame. It is on disk when its block is closed: by size, or by [`CaptureWriter::flush`].
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), SourceError> {
        if frame.bytes.len() > FRAME_BYTES_MAX || frame.stream.len() > STREAM_BYTES_MAX {
            let reason = format!(
                "a frame of {} bytes on a stream of {} does not fit a capture",
                frame.bytes.len(),
                frame.stream.len()
            );
            return Err(SourceError::unusable(&self.path, reason));
        }
        let number = match self.streams.number(frame.venue, frame.stream) {
            Ok(number) => number,
            Err(STREAMS_MAX..) => {
                self.flush()?;
                return self.write(frame);
            }
            Err(next) => self.declare(next, frame),
        };
        let length = 2 + 8 + frame.bytes.len();
        self.raw.extend(small(length).to_le_bytes());
        self.raw.extend(number.to_le_bytes());
        self.raw.extend(frame.ts_recv.0.to_le_bytes());
        self.raw.extend_from_slice(frame.bytes);
        if self.frames == 0 {
            (self.earliest, self.latest) = (frame.ts_recv, frame.ts_recv);
        }
        self.earliest = self.earliest.min(frame.ts_recv);
        self.latest = self.latest.max(frame.ts_recv);
        self.frames += 1;
        if self.raw.len() >= BLOCK_BYTES_TARGET {
            self.close_block()?;
        }
        Ok(())
    }

    fn declare(&mut self, next: usize, frame: &Frame<'_>) -> u16 {
        let number = u16::try_from(next).expect("a full block was closed before");
        self.streams.declare(number);
        let venue = frame.venue.name().as_bytes();
        let length = 2 + 1 + venue.len() + frame.stream.len();
        self.raw.extend(small(length).to_le_bytes());
        self.raw.extend(DECLARATION.to_le_bytes());
        self.raw
            .push(u8::try_from(venue.len()).expect("names of venues are short"));
        self.raw.extend_from_slice(venue);
        self.raw.extend_from_slice(frame.stream);
        number
    }

    fn close_block(&mut self) -> Result<(), SourceError> {
        if self.frames == 0 {
            return Ok(());
        }
        let body = self.compressor.compress(&self.raw);
        let body = body.map_err(|error| self.io(error))?;
        let header = BlockHeader {
            body: small(body.len()),
            raw: small(self.raw.len()),
            frames: self.frames,
            earliest: self.earliest,
            latest: self.latest,
            body_crc: crc32c::crc32c(&body),
        };
        // One write, so that a crash leaves a whole block or the beginning of one.
        let mut block = header.encode().to_vec();
        block.extend(&body);
        self.out.write_all(&block).map_err(|error| self.io(error))?;
        self.blocks.push(header.info(self.offset));
        self.offset += block.len() as u64;
        self.bytes_raw += self.raw.len() as u64;
        self.raw.clear();
        self.frames = 0;
        self.streams.clear();
        Ok(())
    }

    /// Closes the open block and hands everything to the system.
    pub fn flush(&mut self) -> Result<(), SourceError> {
        self.close_block()?;
        self.out.flush().map_err(|error| self.io(error))
    }

    /// Bytes the file has so far, without the open block.
    pub fn bytes_written(&self) -> u64 {
        self.offset
    }

    /// Closes the capture with its index.
    pub fn finish(mut self) -> Result<CaptureSummary, SourceError> {
        self.close_block()?;
        let index = encode_index(&self.blocks, self.offset);
        self.out.write_all(&index).map_err(|error| self.io(error))?;
        self.out.flush().map_err(|error| self.io(error))?;
        Ok(CaptureSummary {
            frames: self.blocks.iter().map(|b| u64::from(b.frames)).sum(),
            blocks: self.blocks.len() as u64,
            bytes: self.offset + index.len() as u64,
            bytes_raw: self.bytes_raw,
        })
    }
}
