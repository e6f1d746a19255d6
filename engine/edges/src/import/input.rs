//! A file as a stream of its decompressed bytes, and as lines. How it is compressed is read off its first bytes.

use crate::source::{Progress, SourceError};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most bytes an LZMA file may expand to. The format is that of hourly tick files: 64 MiB are 3 million ticks.
const LZMA_BYTES_MAX: usize = 64 << 20;
/// LZMA alone: default properties and a dictionary of whole 64 KiB.
const LZMA_MAGIC: [u8; 3] = [0x5d, 0, 0];
const BUFFER_BYTES: usize = 64 << 10;

/// An open file.
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// Name of the file inside the archive.
    pub(crate) member: Option<String>,
    pub(crate) reader: Box<dyn BufRead + Send>,
    /// Whether it was LZMA, as only Dukascopy's binary ticks are.
    pub(crate) lzma: bool,
    done: Arc<AtomicU64>,
    total: u64,
}

impl Input {
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        let io = |error| SourceError::io(path, error);
        let mut file = File::open(path).map_err(io)?;
        let total = file.metadata().map_err(io)?.len();
        let mut magic = Vec::new();
        (&mut file).take(6).read_to_end(&mut magic).map_err(io)?;
        file.rewind().map_err(io)?;

        let done = Arc::new(AtomicU64::new(0));
        let mut member = None;
        let lzma = magic.starts_with(&LZMA_MAGIC);
        let reader: Box<dyn BufRead + Send> = match magic.as_slice() {
            [0x1f, 0x8b, ..] => buffered(MultiGzDecoder::new(counted(file, &done))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let raw = BufReader::with_capacity(BUFFER_BYTES, counted(file, &done));
                buffered(zstd::Decoder::with_buffer(raw).map_err(io)?)
            }
            [b'P', b'K', 3 | 5, 4 | 6, ..] => {
                let (name, reader) = zip_member(path, file, &done)?;
                member = Some(name);
                reader
            }
            _ if lzma => {
                let mut raw = BufReader::with_capacity(BUFFER_BYTES, counted(file, &done));
                let mut out = Bounded(Vec::new());
                lzma_rs::lzma_decompress(&mut raw, &mut out).map_err(|error| {
                    io(io::Error::new(
                        io::ErrorKind::InvalidData,
                        error.to_string(),
                    ))
                })?;
                Box::new(Cursor::new(out.0))
            }
            _ => buffered(counted(file, &done)),
        };
        Ok(Self {
            path: path.to_path_buf(),
            member,
            reader,
            lzma,
            done,
            total,
        })
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            bytes_done: self.done.load(Ordering::Relaxed),
            bytes_total: self.total,
        }
    }

    /// File name of the member, or else of the file.
    pub(crate) fn name(&self) -> String {
        let name = self
            .member
            .as_deref()
            .map_or(self.path.as_path(), Path::new);
        name.file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    pub(crate) fn io(&self, error: io::Error) -> SourceError {
        SourceError::io(&self.path, error)
    }
}

fn buffered(reader: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}

/// The one member of an archive, decompressed as it is read, its checksum compared at its end.
fn zip_member(
    path: &Path,
    file: File,
    done: &Arc<AtomicU64>,
) -> Result<(String, Box<dyn BufRead + Send>), SourceError> {
    let bad = |error: zip::result::ZipError| SourceError::unusable(path, error.to_string());
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(bad)?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(bad)?;
        if member.is_file() {
            let name = String::from_utf8_lossy(member.name_raw()).into_owned();
            members.push((index, name));
        }
    }
    let [(index, name)] = members.as_slice() else {
        let names: Vec<_> = members.iter().map(|(_, name)| name.as_str()).collect();
        let reason = format!(
            "an archive of {} files ({}); extract it and name the files",
            names.len(),
            names.join(", ")
        );
        return Err(SourceError::unusable(path, reason));
    };
    let member = archive.by_index_raw(*index).map_err(bad)?;
    let (start, size, crc) = (
        member.data_start(),
        member.compressed_size(),
        member.crc32(),
    );
    let (method, encrypted) = (member.compression(), member.encrypted());
    drop(member);
    let start = start
        .filter(|_| !encrypted)
        .ok_or_else(|| SourceError::unusable(path, "the archive is encrypted or damaged"))?;

    let mut file = archive.into_inner().into_inner();
    let io = |error| SourceError::io(path, error);
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    let raw = counted(file, done).take(size);
    let reader: Box<dyn Read + Send> = match method {
        zip::CompressionMethod::Stored => Box::new(raw),
        zip::CompressionMethod::Deflated => Box::new(DeflateDecoder::new(raw)),
        other => {
            let reason = format!("compression method {other} inside a zip is not supported");
            return Err(SourceError::unusable(path, reason));
        }
    };
    let checked = Checked {
        reader,
        crc: flate2::Crc::new(),
        expected: crc,
    };
    Ok((name.clone(), buffered(checked)))
}

struct Checked {
    reader: Box<dyn Read + Send>,
    crc: flate2::Crc,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.reader.read(buf)?;
        self.crc.update(&buf[..got]);
        if got == 0 && !buf.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the archive's checksum does not match its content",
            ));
        }
        Ok(got)
    }
}

struct Counted {
    file: File,
    done: Arc<AtomicU64>,
}

fn counted(file: File, done: &Arc<AtomicU64>) -> Counted {
    Counted {
        file,
        done: Arc::clone(done),
    }
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buf)?;
        self.done.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.0.len() + buf.len() > LZMA_BYTES_MAX {
            return Err(io::Error::other("expands to more than 64 MiB"));
        }
        self.0.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What [`Lines::read`] found.
pub(crate) enum LineRead {
    /// [`Lines::line`] holds the next line.
    Line,
    /// The next line is longer than a frame may be; it was skipped.
    TooLong,
    /// No more lines.
    End,
    /// The compressed data ends in the middle; [`Lines::line`] holds what there was of the last line.
    Truncated,
}

/// The lines of a file, each without its line end.
pub(crate) struct Lines {
    pub(crate) input: Input,
    buffer: Vec<u8>,
    /// Number of the line read last, from 1.
    pub(crate) number: u64,
}

/// Room for a frame and what stands before it on its line.
const LINE_BYTES_MAX: usize = crate::source::FRAME_BYTES_MAX + (64 << 10);

impl Lines {
    pub(crate) fn new(input: Input) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            number: 0,
        }
    }

    pub(crate) fn line(&self) -> &[u8] {
        &self.buffer
    }

    pub(crate) fn read(&mut self) -> Result<LineRead, SourceError> {
        self.buffer.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = (&mut self.input.reader)
            .take(limit)
            .read_until(b'\n', &mut self.buffer);
        match read {
            Ok(0) => return Ok(LineRead::End),
            Ok(_) => self.number += 1,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.number += 1;
                return Ok(LineRead::Truncated);
            }
            Err(error) => return Err(self.input.io(error)),
        }
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
        } else if self.buffer.len() > LINE_BYTES_MAX {
            let skipped = skip_line(&mut *self.input.reader);
            skipped.map_err(|error| self.input.io(error))?;
            return Ok(LineRead::TooLong);
        }
        if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.buffer.drain(..3);
        }
        Ok(LineRead::Line)
    }
}

fn skip_line(reader: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        if let Some(end) = chunk.iter().position(|&byte| byte == b'\n') {
            reader.consume(end + 1);
            return Ok(());
        }
        let all = chunk.len();
        reader.consume(all);
    }
}
