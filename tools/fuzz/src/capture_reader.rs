//! Captures: any bytes as a file, and any bytes as the content of a block whose checksums are right, end in good order.

use pitlane_edges::capture::CaptureReader;
use pitlane_edges::source::{FRAME_BYTES_MAX, FrameSource, OnBad};
use std::io::Cursor;
use std::path::Path;

/// Reads the bytes as a capture, and as the records inside one.
pub fn capture_reader(data: &[u8]) {
    read(data);
    read(&around(data));
}

/// A capture of one block that holds these records. Without it the checksums would keep damage from the records.
fn around(records: &[u8]) -> Vec<u8> {
    let mut file = b"PLCAP\r\n\x1a\x01\x00\x00\x00".to_vec();
    checksum(&mut file, 0);
    let body = zstd::bulk::compress(records, 1).expect("memory");
    let start = file.len();
    file.extend(b"PLB1");
    for length in [body.len(), records.len(), 1] {
        file.extend(u32::try_from(length).expect("small").to_le_bytes());
    }
    file.extend([0; 16]);
    file.extend(crc32c::crc32c(&body).to_le_bytes());
    checksum(&mut file, start);
    file.extend(body);
    file
}

fn checksum(file: &mut Vec<u8>, from: usize) {
    let crc = crc32c::crc32c(&file[from..]);
    file.extend(crc.to_le_bytes());
}

fn read(file: &[u8]) {
    for on_bad in [OnBad::Skip, OnBad::Stop] {
        let opened = CaptureReader::new(Cursor::new(file), Path::new("fuzz.plcap"), on_bad);
        let Ok(mut reader) = opened else { continue };
        let mut frames = 0_u64;
        loop {
            match reader.next() {
                Ok(Some(frame)) => {
                    assert!(frame.bytes.len() <= FRAME_BYTES_MAX);
                    frames += 1;
                }
                Ok(None) => break,
                // after an error the source ends, or goes on with another
                Err(_) if on_bad == OnBad::Stop => break,
                Err(error) => panic!("bad parts were to be skipped: {error}"),
            }
        }
        let progress = reader.progress();
        assert!(progress.bytes_done <= progress.bytes_total, "{progress:?}");
        assert_eq!(progress.bytes_total, file.len() as u64);
        let reports = reader.reports();
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0].frames, frames, "{:?}", reports[0]);
        assert!(
            reader.next().is_ok_and(|frame| frame.is_none()),
            "the end is the end"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_made_here_is_one_the_reader_takes() {
        let file = around(include_bytes!("../corpus/capture_reader/records"));
        let path = Path::new("fuzz.plcap");
        let mut reader = CaptureReader::new(Cursor::new(file), path, OnBad::Stop).unwrap();
        let frame = reader.next().unwrap().unwrap();
        assert_eq!(frame.stream, b"btcusdt@trade");
        assert_eq!(
            frame.bytes,
            include_bytes!("../corpus/decode/spot-trade.json")
        );
    }
}
