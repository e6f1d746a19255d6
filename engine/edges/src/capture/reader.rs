//! A capture file as a source of frames.
//!
//! Reading goes from block to block and does not need the index; the index only serves seeking, and is rebuilt from the
//! block headers where it is missing. A file that ends in the middle of a block gives the whole frames before the cut.

use super::FORMAT_NAME;
use super::format::{
    BLOCK_HEADER_BYTES, BLOCK_MAGIC, BlockHeader, BlockInfo, DECLARATION, FILE_HEADER_BYTES,
    FileHeader, INDEX_HEAD_BYTES, INDEX_MAGIC, INDEX_TAIL_BYTES, RECORD_BYTES_MAX, VERSION,
    decode_index, index_bytes, index_offset,
};
use crate::source::{Cut, Frame, FrameSource, ImportReport, OnBad, Progress, SourceError};
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes looked at in one go for the next block behind a damaged one.
const SCAN_BYTES: usize = 64 << 10;

/// Whether a file begins as a capture does.
pub fn is_capture(path: &Path) -> Result<bool, SourceError> {
    let io = |error| SourceError::io(path, error);
    let mut start = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(FILE_HEADER_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(io)?;
    Ok(!start.is_empty() && FileHeader::of(&start) != FileHeader::Foreign)
}

/// Reads a capture; see [`FrameSource`].
pub struct CaptureReader<R: Read + Seek = File> {
    file: R,
    path: PathBuf,
    len: u64,
    on_bad: OnBad,
    /// Where the next block begins.
    position: u64,
    ended: bool,
    block: Block,
    /// Frames before this time are passed over until one is not.
    from: Option<WallNs>,
    blocks: Option<Vec<BlockInfo>>,
    report: ImportReport,
    body: Vec<u8>,
    decompressor: zstd::bulk::Decompressor<'static>,
}

/// The block being read, decompressed.
#[derive(Default)]
struct Block {
    offset: u64,
    raw: Vec<u8>,
    at: usize,
    /// Names lie in `raw`.
    streams: Vec<(Venue, Range<usize>)>,
    /// Frames the header promises.
    promised: u32,
    given: u32,
    /// The file ended inside this block: bytes of it on disk, and bytes it should have.
    cut: Option<(u64, u64)>,
}

/// One record of a block.
enum Record {
    Frame {
        ts_recv: WallNs,
        stream: u16,
        bytes: Range<usize>,
    },
    End,
    /// The rest of the block is less than a record.
    Partial,
    Bad(String),
}

impl Block {
    /// The next frame record; declarations on the way are noted.
    fn next(&mut self) -> Record {
        loop {
            let rest = &self.raw[self.at..];
            if rest.is_empty() {
                return Record::End;
            }
            let Some((length, rest)) = rest.split_first_chunk::<4>() else {
                return Record::Partial;
            };
            let length = u32::from_le_bytes(*length) as usize;
            if !(2..=RECORD_BYTES_MAX).contains(&length) {
                return Record::Bad(format!("a record of {length} bytes"));
            }
            let Some(record) = rest.get(..length) else {
                return Record::Partial;
            };
            let start = self.at + 4;
            self.at = start + length;
            let (stream, body) = record.split_first_chunk::<2>().expect("at least 2 bytes");
            let stream = u16::from_le_bytes(*stream);
            if stream == DECLARATION {
                let Some((venue, name)) = declaration(body) else {
                    return Record::Bad("a stream of an unknown venue".to_owned());
                };
                let end = start + length;
                self.streams.push((venue, end - name.len()..end));
                continue;
            }
            let Some((time, bytes)) = body.split_first_chunk::<8>() else {
                return Record::Bad(format!("a frame of {length} bytes in all"));
            };
            if usize::from(stream) >= self.streams.len() {
                return Record::Bad(format!("a frame on the undeclared stream {stream}"));
            }
            self.given += 1;
            let end = start + length;
            return Record::Frame {
                ts_recv: WallNs(i64::from_le_bytes(*time)),
                stream,
                bytes: end - bytes.len()..end,
            };
        }
    }
}

fn declaration(body: &[u8]) -> Option<(Venue, &[u8])> {
    let (len, rest) = body.split_first()?;
    let (venue, name) = rest.split_at_checked(usize::from(*len))?;
    let venue = Venue::from_name(std::str::from_utf8(venue).ok()?)?;
    Some((venue, name))
}

impl CaptureReader<File> {
    /// Opens a capture.
    pub fn open(path: &Path, on_bad: OnBad) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|error| SourceError::io(path, error))?;
        Self::new(file, path, on_bad)
    }
}

impl<R: Read + Seek + Send> CaptureReader<R> {
    /// Reads a capture from anywhere; `path` names it in errors and reports.
    pub fn new(mut file: R, path: &Path, on_bad: OnBad) -> Result<Self, SourceError> {
        let io = |error| SourceError::io(path, error);
        let len = file.seek(SeekFrom::End(0)).map_err(io)?;
        file.rewind().map_err(io)?;
        let mut start = Vec::new();
        (&mut file)
            .take(FILE_HEADER_BYTES as u64)
            .read_to_end(&mut start)
            .map_err(io)?;
        let mut report = ImportReport::new(path.display().to_string(), FORMAT_NAME);
        let mut ended = false;
        match FileHeader::of(&start) {
            FileHeader::Good => {}
            FileHeader::Cut => {
                ended = true;
                report.cut = Some(Cut {
                    bytes: len,
                    reason: format!("the file ends inside its header, after {len} bytes"),
                });
            }
            FileHeader::Version(version) => {
                let reason =
                    format!("a capture of version {version}; this build reads version {VERSION}");
                return Err(SourceError::unusable(path, reason));
            }
            FileHeader::Damaged if on_bad == OnBad::Skip => {
                report.refuse("damaged_header", 1, || {
                    format!("{}: byte 0: the file's header is damaged", path.display())
                });
            }
            FileHeader::Damaged => {
                return Err(SourceError::Damaged {
                    path: path.to_path_buf(),
                    offset: 0,
                    reason: "the file's header is damaged".to_owned(),
                });
            }
            FileHeader::Foreign => {
                return Err(SourceError::unusable(path, "not a capture file"));
            }
        }
        Ok(Self {
            file,
            path: path.to_path_buf(),
            len,
            on_bad,
            position: FILE_HEADER_BYTES as u64,
            ended,
            block: Block::default(),
            from: None,
            blocks: None,
            report,
            body: Vec::new(),
            decompressor: zstd::bulk::Decompressor::new().map_err(io)?,
        })
    }

    fn io(&self, error: io::Error) -> SourceError {
        SourceError::io(&self.path, error)
    }

    /// Up to `most` bytes at `offset`, fewer at the end of the file.
    fn read_at(&mut self, offset: u64, most: usize) -> Result<&[u8], SourceError> {
        self.body.clear();
        let read = self.file.seek(SeekFrom::Start(offset));
        let read = read.and_then(|_| {
            (&mut self.file)
                .take(most as u64)
                .read_to_end(&mut self.body)
        });
        match read {
            Ok(_) => Ok(&self.body),
            Err(error) => Err(self.io(error)),
        }
    }

    /// Every whole block, from the index or, without one, from the headers. Damaged stretches are passed over.
    pub fn blocks(&mut self) -> Result<&[BlockInfo], SourceError> {
        let blocks = match self.blocks.take() {
            Some(blocks) => blocks,
            None => match self.stored_index()? {
                Some(blocks) => blocks,
                None => self.scan_blocks()?,
            },
        };
        Ok(self.blocks.insert(blocks))
    }

    fn stored_index(&mut self) -> Result<Option<Vec<BlockInfo>>, SourceError> {
        let len = self.len;
        let Some(tail_at) = len.checked_sub(INDEX_TAIL_BYTES as u64) else {
            return Ok(None);
        };
        let tail = self.read_at(tail_at, INDEX_TAIL_BYTES)?;
        let Some(offset) = index_offset(tail, len) else {
            return Ok(None);
        };
        self.index_at(offset)
    }

    /// The index at `offset`, if one lies there and reaches to the end of the file.
    fn index_at(&mut self, offset: u64) -> Result<Option<Vec<BlockInfo>>, SourceError> {
        let len = self.len.saturating_sub(offset);
        let head = self.read_at(offset, INDEX_HEAD_BYTES)?;
        match index_bytes(head) {
            Some(bytes) if bytes as u64 == len => {
                Ok(decode_index(self.read_at(offset, bytes)?, offset))
            }
            _ => Ok(None),
        }
    }

    fn scan_blocks(&mut self) -> Result<Vec<BlockInfo>, SourceError> {
        let mut blocks = Vec::new();
        let mut at = FILE_HEADER_BYTES as u64;
        while at < self.len {
            let header = BlockHeader::decode(self.read_at(at, BLOCK_HEADER_BYTES)?);
            match header.map(|header| header.info(at)) {
                Some(block) if block.end() <= self.len => {
                    at = block.end();
                    blocks.push(block);
                }
                _ => match self.next_block(at + 1)? {
                    Some(next) => at = next,
                    None => break,
                },
            }
        }
        Ok(blocks)
    }

    /// Goes to the first frame at or behind `ts`, in the order of the file.
    ///
    /// Only the blocks from there on are read, and reported on.
    pub fn seek(&mut self, ts: WallNs) -> Result<(), SourceError> {
        let found = self.blocks()?.iter().find(|block| block.latest >= ts);
        let position = found.map(|block| block.offset);
        self.position = position.unwrap_or(self.len);
        self.block = Block::default();
        self.from = Some(ts);
        self.ended = false;
        Ok(())
    }

    /// Offset of the next thing from `from` on that is the header of a block.
    fn next_block(&mut self, from: u64) -> Result<Option<u64>, SourceError> {
        let mut at = from;
        while at < self.len {
            let window = self.read_at(at, SCAN_BYTES)?;
            let whole = window.len();
            let found = window.windows(BLOCK_HEADER_BYTES).position(|bytes| {
                bytes.starts_with(&BLOCK_MAGIC) && BlockHeader::decode(bytes).is_some()
            });
            if let Some(found) = found {
                return Ok(Some(at + found as u64));
            }
            if whole < SCAN_BYTES {
                break;
            }
            at += (SCAN_BYTES - BLOCK_HEADER_BYTES + 1) as u64;
        }
        Ok(None)
    }

    fn end_cut(&mut self, bytes: u64, reason: String) {
        self.ended = true;
        if bytes > 0 {
            self.report.cut = Some(Cut { bytes, reason });
        }
    }

    /// Counts a damaged part as `frames` refused records, or stops.
    fn damaged(
        &mut self,
        reason: &'static str,
        offset: u64,
        frames: u32,
        detail: String,
    ) -> Result<(), SourceError> {
        let path = &self.path;
        self.report.refuse(reason, u64::from(frames.max(1)), || {
            format!("{}: byte {offset}: {detail}", path.display())
        });
        match self.on_bad {
            OnBad::Skip => Ok(()),
            OnBad::Stop => {
                self.ended = true;
                Err(SourceError::Damaged {
                    path: self.path.clone(),
                    offset,
                    reason: detail,
                })
            }
        }
    }

    /// Makes the next block the current one, or ends.
    fn next_header(&mut self) -> Result<(), SourceError> {
        let (offset, left) = (self.position, self.len - self.position.min(self.len));
        let start = self.read_at(offset, BLOCK_HEADER_BYTES)?;
        let start_is_block = start.starts_with(&BLOCK_MAGIC);
        if let Some(header) = BlockHeader::decode(start) {
            return self.load(offset, &header, left);
        }
        if start.is_empty() {
            self.ended = true;
            return Ok(());
        }
        if start.starts_with(&INDEX_MAGIC) && self.index_at(offset)?.is_some() {
            self.ended = true;
            return Ok(());
        }
        let next = self.next_block(offset + 1)?;
        let Some(next) = next else {
            return self.no_more_blocks(offset, left, start_is_block);
        };
        self.position = next;
        let detail = format!("{} bytes that are no block were passed over", next - offset);
        self.damaged("damaged_header", offset, 1, detail)
    }

    /// The rest of the file holds no block: it was cut, or its last part is damaged.
    fn no_more_blocks(
        &mut self,
        offset: u64,
        left: u64,
        start_is_block: bool,
    ) -> Result<(), SourceError> {
        let start = self.read_at(offset, SCAN_BYTES)?;
        let zeros = start.iter().all(|&byte| byte == 0);
        let index = INDEX_MAGIC.starts_with(&start[..start.len().min(4)]);
        let block = BLOCK_MAGIC.starts_with(&start[..start.len().min(4)]) || start_is_block;
        if index || start.starts_with(&INDEX_MAGIC) {
            self.end_cut(left, "the index is not whole; no frame is lost".to_owned());
            return Ok(());
        }
        if zeros {
            self.end_cut(left, "zeros where a block should begin".to_owned());
            return Ok(());
        }
        if block && left < BLOCK_HEADER_BYTES as u64 {
            self.end_cut(left, format!("{left} bytes of a block's header"));
            return Ok(());
        }
        self.ended = true;
        let detail = format!("the last {left} bytes are no block");
        self.damaged("damaged_header", offset, 1, detail)
    }

    fn load(&mut self, offset: u64, header: &BlockHeader, left: u64) -> Result<(), SourceError> {
        let info = header.info(offset);
        let whole = info.end() - offset;
        self.position = info.end();
        self.block.offset = offset;
        self.block.at = 0;
        self.block.streams.clear();
        self.block.raw.clear();
        self.block.given = 0;
        self.block.promised = header.frames;
        self.block.cut = None;
        self.read_at(offset + BLOCK_HEADER_BYTES as u64, header.body as usize)?;
        if left < whole {
            self.position = self.len;
            self.block.cut = Some((left, whole));
            self.salvage(header);
            return Ok(());
        }
        if crc32c::crc32c(&self.body) != header.body_crc {
            let detail = format!(
                "the block's checksum differs; {} frames lost",
                header.frames
            );
            return self.lost(offset, header, detail);
        }
        self.block.raw.reserve(header.raw as usize);
        let raw = self
            .decompressor
            .decompress_to_buffer(&self.body, &mut self.block.raw);
        match raw {
            Ok(bytes) if bytes == header.raw as usize => Ok(()),
            Ok(bytes) => {
                let detail = format!("the block holds {bytes} bytes, not {}", header.raw);
                self.lost(offset, header, detail)
            }
            Err(error) => self.lost(offset, header, format!("the block cannot be read: {error}")),
        }
    }

    fn lost(
        &mut self,
        offset: u64,
        header: &BlockHeader,
        detail: String,
    ) -> Result<(), SourceError> {
        self.block.raw.clear();
        self.block.promised = 0;
        self.damaged("damaged_block", offset, header.frames, detail)
    }

    /// Decompresses what there is of a block whose end is missing.
    fn salvage(&mut self, header: &BlockHeader) {
        let Ok(decoder) = zstd::Decoder::with_buffer(self.body.as_slice()) else {
            return;
        };
        // Read byte-wise in effect: what was decoded before the error stays in the buffer.
        let _: io::Result<usize> = decoder
            .take(u64::from(header.raw))
            .read_to_end(&mut self.block.raw);
    }

    /// The block is used up: does it hold what its header promises?
    fn end_block(&mut self, record: Record) -> Result<(), SourceError> {
        let (given, promised, offset) = (self.block.given, self.block.promised, self.block.offset);
        self.block.raw.clear();
        self.block.at = 0;
        self.block.promised = 0;
        self.block.given = 0;
        if let Some((there, whole)) = self.block.cut.take() {
            let reason = format!(
                "the last block has {there} of its {whole} bytes; {given} of its {promised} frames were whole"
            );
            self.end_cut(there, reason);
            return Ok(());
        }
        let lost = promised.saturating_sub(given);
        let detail = match record {
            Record::Bad(what) => what,
            Record::Partial => "a record that is not whole".to_owned(),
            _ if given == promised => return Ok(()),
            _ => format!("{given} frames where the header says {promised}"),
        };
        self.damaged("damaged_block", offset, lost, detail)
    }

    /// Finds the next frame; the range of its bytes, its stream and time.
    fn advance(&mut self) -> Result<Option<(WallNs, u16, Range<usize>)>, SourceError> {
        loop {
            match self.block.next() {
                Record::Frame {
                    ts_recv,
                    stream,
                    bytes,
                } => {
                    if self.from.is_some_and(|from| ts_recv < from) {
                        continue;
                    }
                    self.from = None;
                    self.report.accept(ts_recv);
                    return Ok(Some((ts_recv, stream, bytes)));
                }
                record => self.end_block(record)?,
            }
            if self.ended {
                return Ok(None);
            }
            self.next_header()?;
        }
    }
}

impl<R: Read + Seek + Send> FrameSource for CaptureReader<R> {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        let Some((ts_recv, stream, bytes)) = self.advance()? else {
            return Ok(None);
        };
        let (venue, name) = &self.block.streams[usize::from(stream)];
        Ok(Some(Frame {
            ts_recv,
            venue: *venue,
            stream: &self.block.raw[name.clone()],
            bytes: &self.block.raw[bytes],
        }))
    }

    fn progress(&self) -> Progress {
        Progress {
            bytes_done: if self.ended { self.len } else { self.position },
            bytes_total: self.len,
        }
    }

    fn reports(&self) -> Vec<ImportReport> {
        vec![self.report.clone()]
    }
}
