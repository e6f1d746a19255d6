use super::*;
use crate::capture::CaptureReader;
use crate::capture::rotate::Rotation;
use crate::source::{FRAME_BYTES_MAX, FrameSource, OnBad};
use std::path::Path;

fn frame(ts: i64, bytes: &[u8]) -> Frame<'_> {
    Frame {
        ts_recv: WallNs(ts),
        venue: Venue::BinanceUsdm,
        stream: b"btcusdt@trade",
        bytes,
    }
}

fn writer(out: &Path, bytes: Option<u64>) -> RotatingWriter {
    let rotation = Rotation { bytes, every: None };
    RotatingWriter::create(out, rotation).unwrap()
}

fn numbers(files: &[CheckedFile]) -> Vec<u64> {
    let mut all = Vec::new();
    for checked in files {
        checked.verdict.as_ref().unwrap();
        let mut reader = CaptureReader::open(&checked.file.path, OnBad::Stop).unwrap();
        while let Some(frame) = reader.next().unwrap() {
            all.push(std::str::from_utf8(frame.bytes).unwrap().parse().unwrap());
        }
    }
    all
}

#[test]
fn everything_arrives_in_order_whatever_the_number_of_buffers() {
    let dir = tempfile::tempdir().unwrap();
    for (name, buffers, rotate) in [
        ("one", 1, None),
        ("many", 8, Some(2000)),
        ("none", 0, Some(3000)),
    ] {
        let out = dir.path().join(name);
        let (mut recorder, recording) =
            Recorder::with_buffers(writer(&out, rotate), buffers).unwrap();
        for at in 0..5000_i64 {
            recorder.push(&frame(at * 10_000_000, at.to_string().as_bytes()));
            if at % 7 == 0 {
                recorder.pass_on();
            }
        }
        drop(recorder);
        assert!(recording.counts().received.load(Ordering::Relaxed) == 5000);
        let recorded = recording.wait();
        assert!(recorded.failure.is_none() && recorded.lost == 0);
        assert_eq!(numbers(&recorded.files), (0..5000).collect::<Vec<_>>());
        assert!(recorded.files.len() == 1 || rotate.is_some());
    }
}

#[test]
fn a_frame_that_fits_no_capture_is_counted_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (mut recorder, recording) = Recorder::start(writer(&dir.path().join("x"), None)).unwrap();
    recorder.push(&frame(1, b"1"));
    recorder.push(&frame(2, &vec![b'x'; FRAME_BYTES_MAX + 1]));
    recorder.push(&frame(3, b"3"));
    drop(recorder);
    while !recording.has_ended() {
        thread::yield_now();
    }
    assert_eq!(recording.counts().too_large.load(Ordering::Relaxed), 1);
    let recorded = recording.wait();
    assert_eq!((numbers(&recorded.files), recorded.lost), (vec![1, 3], 0));
}

#[test]
fn a_disk_that_fails_is_told_with_what_is_there_and_what_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let (mut recorder, recording) = Recorder::start(writer(&folder.join("x"), Some(1))).unwrap();
    recorder.push(&frame(0, b"0"));
    recorder.pass_on();
    while recording.counts().written.load(Ordering::Relaxed) < 1 {
        thread::yield_now();
    }
    // the next file has no place any more
    std::fs::rename(&folder, dir.path().join("elsewhere")).unwrap();
    for at in 1..100_i64 {
        recorder.push(&frame(at * 2_000_000_000, at.to_string().as_bytes()));
        recorder.pass_on();
    }
    while !recording.has_ended() {
        thread::yield_now();
    }
    // whoever still pushes does not wait for ever
    recorder.push(&frame(0, b"100"));
    drop(recorder);
    let recorded = recording.wait();
    let failure = recorded.failure.unwrap();
    assert!(
        failure.error.to_string().contains("No such file"),
        "{}",
        failure.error
    );
    assert_eq!(failure.kept, None);
    // the first file was closed in order, and cannot be read where it is no more
    assert_eq!(recorded.files.len(), 1);
    assert!(recorded.files[0].verdict.is_err());
    let in_it = recorded.files[0].file.summary.frames;
    assert_eq!(recorded.lost + in_it, 101);
}
