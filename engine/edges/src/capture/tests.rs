use super::format::{BLOCK_HEADER_BYTES, FILE_HEADER_BYTES};
use super::*;
use crate::source::{Frame, FrameSource, ImportReport, OnBad, SourceError};
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use proptest::prelude::*;
use std::io::Cursor;
use std::path::Path;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Owned {
    ts: i64,
    venue: Venue,
    stream: Vec<u8>,
    bytes: Vec<u8>,
}

impl Owned {
    fn frame(&self) -> Frame<'_> {
        Frame {
            ts_recv: WallNs(self.ts),
            venue: self.venue,
            stream: &self.stream,
            bytes: &self.bytes,
        }
    }
}

fn path() -> &'static Path {
    Path::new("test.plcap")
}

/// `flush_every` frames make a block.
fn write(frames: &[Owned], flush_every: usize, finish: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = CaptureWriter::new(&mut file, path()).unwrap();
    for (at, frame) in frames.iter().enumerate() {
        writer.write(&frame.frame()).unwrap();
        if (at + 1) % flush_every == 0 {
            writer.flush().unwrap();
        }
    }
    if finish {
        let summary = writer.finish().unwrap();
        assert_eq!(summary.frames, frames.len() as u64);
        assert_eq!(summary.bytes, file.len() as u64);
    } else {
        writer.flush().unwrap();
        drop(writer);
    }
    file
}

fn reader(file: &[u8], on_bad: OnBad) -> Result<CaptureReader<Cursor<&[u8]>>, SourceError> {
    CaptureReader::new(Cursor::new(file), path(), on_bad)
}

/// Everything up to the end or the first error.
fn rest<R: std::io::Read + std::io::Seek + Send>(
    reader: &mut CaptureReader<R>,
) -> (Vec<Owned>, Option<SourceError>) {
    let mut frames = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(frame)) => frames.push(Owned {
                ts: frame.ts_recv.0,
                venue: frame.venue,
                stream: frame.stream.to_vec(),
                bytes: frame.bytes.to_vec(),
            }),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

fn read(file: &[u8]) -> (Vec<Owned>, ImportReport) {
    let mut reader = reader(file, OnBad::Stop).unwrap();
    let (frames, error) = rest(&mut reader);
    assert!(error.is_none(), "{error:?}");
    let report = reader.reports().remove(0);
    assert!(report.balances(), "{report}");
    (frames, report)
}

fn sample(count: i64) -> Vec<Owned> {
    let frame = |at: i64| Owned {
        ts: 1_723_161_256_000_000_000 + at * 1_000_003,
        venue: if at % 5 == 0 {
            Venue::BinanceUsdm
        } else {
            Venue::BinanceSpot
        },
        stream: if at % 3 == 0 {
            b"btcusdt@trade".to_vec()
        } else {
            b"ethusdt@bookTicker".to_vec()
        },
        bytes: format!(
            r#"{{"id":{at},"p":"{}.{:02}"}}"#,
            61_000 + at % 700,
            at * at % 97
        )
        .into_bytes(),
    };
    (0..count).map(frame).collect()
}

#[test]
fn what_is_written_is_read() {
    let frames = sample(100);
    for finish in [false, true] {
        for flush_every in [1, 7, 1000] {
            let (got, report) = read(&write(&frames, flush_every, finish));
            assert_eq!(got, frames);
            assert_eq!((report.frames, report.cut), (100, None));
        }
    }
    assert_eq!(read(&write(&[], 1, true)).0, []);
}

#[test]
fn the_bytes_are_the_documented_ones() {
    let frames = [Owned {
        ts: 0x0102,
        venue: Venue::Fx,
        stream: b"eurusd@tick".to_vec(),
        bytes: b"{}".to_vec(),
    }];
    let file = write(&frames, 1, true);
    let header = &file[..FILE_HEADER_BYTES];
    assert_eq!(&header[..12], b"PLCAP\r\n\x1a\x01\0\0\0");
    assert_eq!(header[12..], crc32c::crc32c(&header[..12]).to_le_bytes());
    let block = &file[FILE_HEADER_BYTES..];
    let number = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap()) as usize;
    let body = &block[BLOCK_HEADER_BYTES..][..number(4)];
    assert_eq!((&block[..4], number(12)), (&b"PLB1"[..], 1));
    assert_eq!(number(32), crc32c::crc32c(body) as usize);
    assert_eq!(number(36), crc32c::crc32c(&block[..36]) as usize);
    let raw = zstd::decode_all(body).unwrap();
    assert_eq!(raw.len(), number(8));
    let expected = b"\x10\0\0\0\xff\xff\x02fxeurusd@tick\x0c\0\0\0\0\0\x02\x01\0\0\0\0\0\0{}";
    assert_eq!(raw, expected);
    let index = &block[BLOCK_HEADER_BYTES + body.len()..];
    assert_eq!(index.len(), 8 + 32 + 16);
    assert!(index.starts_with(b"PLI1\x01\0\0\0\x10\0\0\0\0\0\0\0\x02\x01\0\0"));
    assert!(index.ends_with(b"PLIE"));
}

#[test]
fn every_truncation_gives_the_whole_frames_before_it() {
    let frames = sample(60);
    for finish in [false, true] {
        let file = write(&frames, 20, finish);
        let blocks = reader(&file, OnBad::Stop)
            .unwrap()
            .blocks()
            .unwrap()
            .to_vec();
        assert_eq!(blocks.len(), 3);
        for len in 0..=file.len() {
            let (got, report) = read(&file[..len]);
            assert_eq!(got, frames[..got.len()], "cut at {len}");
            let whole = blocks
                .iter()
                .filter(|block| block.end() <= len as u64)
                .count();
            assert!(
                got.len() >= whole * 20,
                "cut at {len}: {} frames",
                got.len()
            );
            let clean = len == file.len()
                || len == FILE_HEADER_BYTES
                || blocks.iter().any(|block| block.end() == len as u64);
            assert_eq!(report.cut.is_none(), clean, "cut at {len}: {report}");
            // Scanning finds the same blocks.
            let mut reader = reader(&file[..len], OnBad::Stop).unwrap();
            assert_eq!(reader.blocks().unwrap(), &blocks[..whole], "cut at {len}");
        }
    }
}

#[test]
fn a_long_block_cut_in_the_middle_gives_most_of_its_half() {
    let frames = sample(4000);
    let file = write(&frames, 4000, false);
    let (got, report) = read(&file[..file.len() / 2]);
    assert_eq!(got, frames[..got.len()]);
    assert!(got.len() > 1500, "{} frames of the first half", got.len());
    let reason = report.cut.unwrap().reason;
    assert!(
        reason.contains(&format!("{} of its 4000 frames were whole", got.len())),
        "{reason}"
    );
}

#[test]
fn a_damaged_block_is_an_error_or_skipped() {
    let frames = sample(60);
    let mut file = write(&frames, 20, true);
    let second = reader(&file, OnBad::Stop).unwrap().blocks().unwrap()[1];
    let at = usize::try_from(second.offset).unwrap();
    file[at + BLOCK_HEADER_BYTES + 9] ^= 4;
    let message = |error: Option<SourceError>| error.map(|error| error.to_string());

    let mut stop = reader(&file, OnBad::Stop).unwrap();
    let (got, error) = rest(&mut stop);
    assert_eq!(got, frames[..20]);
    let expected = format!("test.plcap: byte {at}: the block's checksum differs; 20 frames lost");
    assert_eq!(message(error), Some(expected));
    assert!(stop.next().unwrap().is_none());

    let mut skip = reader(&file, OnBad::Skip).unwrap();
    let (got, error) = rest(&mut skip);
    assert!(error.is_none());
    assert_eq!(got, [&frames[..20], &frames[40..]].concat());
    let report = skip.reports().remove(0);
    assert_eq!(
        (report.records, report.frames, report.refused_total()),
        (60, 40, 20)
    );

    // A header that cannot be trusted: the next block is searched.
    file[at + 5] ^= 1;
    let mut skip = reader(&file, OnBad::Skip).unwrap();
    assert_eq!(rest(&mut skip).0, [&frames[..20], &frames[40..]].concat());
    let (_, error) = rest(&mut reader(&file, OnBad::Stop).unwrap());
    let end = second.end() - second.offset;
    let expected = format!("test.plcap: byte {at}: {end} bytes that are no block were passed over");
    assert_eq!(message(error), Some(expected));

    // Zeros at the end are what a lost power supply leaves.
    let mut file = write(&frames, 20, false);
    file.extend([0; 100]);
    let (got, report) = read(&file);
    assert_eq!(got, frames);
    assert_eq!(report.cut.map(|cut| cut.bytes), Some(100));
}

#[test]
fn no_flipped_bit_panics_or_changes_a_frame() {
    let frames = sample(40);
    let file = write(&frames, 13, true);
    for bit in 0..file.len() * 8 {
        let mut file = file.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        for on_bad in [OnBad::Stop, OnBad::Skip] {
            let Ok(mut reader) = reader(&file, on_bad) else {
                assert!(bit < FILE_HEADER_BYTES * 8, "bit {bit}");
                continue;
            };
            let (got, _) = rest(&mut reader);
            let mut left = frames.iter();
            assert!(
                got.iter().all(|frame| left.any(|known| known == frame)),
                "bit {bit}"
            );
            assert!(reader.reports()[0].balances(), "bit {bit}");
            let _: Result<_, _> = reader.seek(WallNs(frames[20].ts));
            let _: Result<_, _> = reader.next().map(|frame| frame.is_some());
        }
    }
}

#[test]
fn seeking_finds_the_first_frame_at_or_behind_a_time() {
    let frames = sample(100);
    for finish in [false, true] {
        let file = write(&frames, 9, finish);
        let mut reader = reader(&file, OnBad::Stop).unwrap();
        for (at, frame) in frames.iter().enumerate().rev() {
            for ts in [frame.ts - 1, frame.ts] {
                reader.seek(WallNs(ts)).unwrap();
                let got = reader.next().unwrap().unwrap();
                assert_eq!(got, frame.frame(), "{at}");
            }
        }
        reader.seek(WallNs(i64::MAX)).unwrap();
        assert!(reader.next().unwrap().is_none());
        reader.seek(WallNs(i64::MIN)).unwrap();
        assert_eq!(rest(&mut reader).0, frames);
    }
}

#[test]
fn a_capture_is_appended_to_behind_its_last_whole_block() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.plcap");
    let frames = sample(90);
    let put = |mut writer: CaptureWriter, frames: &[Owned]| {
        for frame in frames {
            writer.write(&frame.frame()).unwrap();
        }
        writer
    };
    put(CaptureWriter::create(&file).unwrap(), &frames[..30])
        .finish()
        .unwrap();
    assert!(matches!(
        CaptureWriter::create(&file),
        Err(SourceError::Io { .. })
    ));
    let mut writer = put(CaptureWriter::append(&file).unwrap(), &frames[30..60]);
    writer.sync().unwrap();
    // A crash: what was not flushed is gone, and the file has no index.
    drop(put(writer, &frames[60..]));
    assert_eq!(read(&std::fs::read(&file).unwrap()).0, frames[..60]);

    // A crash inside a block: it is overwritten.
    let len = std::fs::metadata(&file).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(len - 3)
        .unwrap();
    let summary = put(CaptureWriter::append(&file).unwrap(), &frames[30..])
        .finish()
        .unwrap();
    assert_eq!((summary.frames, summary.blocks), (90, 2));
    let mut reader = CaptureReader::open(&file, OnBad::Stop).unwrap();
    assert_eq!(rest(&mut reader).0, frames);
    assert_eq!(reader.blocks().unwrap().len(), 2);
    assert!(is_capture(&file).unwrap());

    // Not even a header.
    std::fs::write(&file, "PLC").unwrap();
    put(CaptureWriter::append(&file).unwrap(), &frames)
        .finish()
        .unwrap();
    assert_eq!(read(&std::fs::read(&file).unwrap()).0, frames);
    std::fs::write(&file, "time,price\n").unwrap();
    assert!(!is_capture(&file).unwrap());
    assert!(CaptureWriter::append(&file).is_err());
}

#[test]
fn lengths_are_bounded() {
    let mut frame = Owned {
        ts: 1,
        venue: Venue::Itch,
        stream: b"aapl@itch".to_vec(),
        bytes: vec![b'x'; crate::source::FRAME_BYTES_MAX],
    };
    let (got, _) = read(&write(&[frame.clone(), frame.clone()], 9, true));
    assert_eq!(got.len(), 2);
    let mut writer = CaptureWriter::new(Vec::new(), path()).unwrap();
    frame.bytes.push(b'x');
    assert!(writer.write(&frame.frame()).is_err());
    frame.bytes.clear();
    frame.stream = vec![b's'; 1025];
    assert!(writer.write(&frame.frame()).is_err());
    frame.stream.pop();
    writer.write(&frame.frame()).unwrap();
    // More streams than a block can number.
    let many: Vec<_> = (0..70_000)
        .map(|at| Owned {
            ts: at,
            stream: at.to_string().into_bytes(),
            ..frame.clone()
        })
        .collect();
    assert_eq!(read(&write(&many, usize::MAX, true)).0, many);

    let mut other = write(&[], 1, true);
    other[8] = 2;
    let crc = crc32c::crc32c(&other[..12]).to_le_bytes();
    other[12..16].copy_from_slice(&crc);
    let error = reader(&other, OnBad::Skip)
        .err()
        .map(|error| error.to_string());
    assert_eq!(
        error.as_deref(),
        Some("test.plcap: a capture of version 2; this build reads version 1")
    );
}

fn any_frame() -> impl Strategy<Value = Owned> {
    let venue = prop::sample::select(Venue::ALL.map(|(venue, _)| venue).to_vec());
    let stream = prop::collection::vec(b'a'..=b'd', 0..3);
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    (any::<i64>(), venue, stream, bytes).prop_map(|(ts, venue, stream, bytes)| Owned {
        ts,
        venue,
        stream,
        bytes,
    })
}

proptest! {
    #[test]
    fn any_frames_survive(frames in prop::collection::vec(any_frame(), 0..60), flush_every in 1..40_usize, finish: bool) {
        let file = write(&frames, flush_every, finish);
        let (got, report) = read(&file);
        prop_assert_eq!(&got, &frames);
        prop_assert_eq!(report.frames, frames.len() as u64);
        let blocks = reader(&file, OnBad::Stop).unwrap().blocks().unwrap().to_vec();
        prop_assert_eq!(blocks.len(), frames.len().div_ceil(flush_every));
        for (block, frames) in blocks.iter().zip(frames.chunks(flush_every)) {
            prop_assert_eq!(block.frames as usize, frames.len());
            prop_assert_eq!(Some(block.earliest.0), frames.iter().map(|frame| frame.ts).min());
            prop_assert_eq!(Some(block.latest.0), frames.iter().map(|frame| frame.ts).max());
        }
    }

    #[test]
    fn no_bytes_panic(mut file in prop::collection::vec(any::<u8>(), 0..300), seed in 0..3_u8) {
        if seed > 0 {
            let mut good = write(&sample(5), 2, true);
            good.truncate(if seed == 1 { FILE_HEADER_BYTES } else { 90 });
            good.extend(&file);
            file = good;
        }
        if let Ok(mut reader) = reader(&file, OnBad::Skip) {
            let _: Result<_, _> = reader.blocks().map(<[BlockInfo]>::len);
            rest(&mut reader);
            prop_assert!(reader.reports()[0].balances());
        }
    }
}
