//! A recorded day through a capture file and back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{read_all, shared};
use pitlane_edges::capture::{CaptureReader, CaptureWriter};
use pitlane_edges::import::{Format, ImportOptions, open};
use pitlane_edges::source::{Frame, OnBad};

#[test]
fn a_recorded_day_survives_its_capture() {
    let Some(path) = shared("binance_ws_hftbacktest/usdm/btcusdt_20240808.gz") else {
        return;
    };
    let mut source = open(Format::BinanceJsonl, &path, &ImportOptions::default()).unwrap();
    let frames = read_all(&mut *source);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("day.plcap");
    let mut writer = CaptureWriter::create(&file).unwrap();
    for frame in &frames {
        writer
            .write(&Frame {
                ts_recv: frame.ts_recv,
                venue: frame.venue,
                stream: frame.stream.as_bytes(),
                bytes: &frame.bytes,
            })
            .unwrap();
    }
    let summary = writer.finish().unwrap();
    assert_eq!(summary.frames, 93_954);
    assert_eq!(summary.bytes, std::fs::metadata(&file).unwrap().len());
    // The same text is 3.6 MB as gzip; a capture that is much larger is not compressing.
    assert!(summary.bytes < 4_000_000, "{summary:?}");
    let mut reader = CaptureReader::open(&file, OnBad::Stop).unwrap();
    assert!(read_all(&mut reader) == frames);
}
