//! What the tests of captures and importers share.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use jiff::Timestamp;
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;
use pitlane_edges::source::{FrameSource, SourceError};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A file of the shared market data, or a printed line and nothing.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PITLANE_SHARED_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// A file in a directory of its own, removed when dropped.
pub struct Temp {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Temp {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

pub fn temp(name: &str, bytes: &[u8]) -> Temp {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    Temp { path, _dir: dir }
}

/// The same bytes in every wrapping.
pub fn packed(name: &str, bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(bytes).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(bytes).unwrap();
    let mut lzma = Vec::new();
    lzma_rs::lzma_compress(&mut &*bytes, &mut lzma).unwrap();
    vec![
        ("gzip", gz.finish().unwrap()),
        ("zstd", zstd::encode_all(bytes, 3).unwrap()),
        ("zip", zip.finish().unwrap().into_inner()),
        ("lzma", lzma),
    ]
}

/// A frame that outlives its source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owned {
    pub ts_recv: WallNs,
    pub venue: Venue,
    pub stream: String,
    pub bytes: Vec<u8>,
}

pub fn read_all(source: &mut dyn FrameSource) -> Vec<Owned> {
    let mut all = Vec::new();
    while let Some(frame) = source.next().unwrap() {
        all.push(Owned {
            ts_recv: frame.ts_recv,
            venue: frame.venue,
            stream: String::from_utf8(frame.stream.to_vec()).unwrap(),
            bytes: frame.bytes.to_vec(),
        });
    }
    assert!(source.next().unwrap().is_none(), "the end is the end");
    for report in source.reports() {
        assert!(report.balances(), "{report}");
    }
    all
}

fn second(ts: Option<WallNs>) -> String {
    let ts = ts.map(|ts| Timestamp::from_nanosecond(ts.0.into()).unwrap());
    ts.map_or("-".to_owned(), |ts| ts.strftime("%FT%T").to_string())
}

/// `<frames>: <kind> <n>, ..; <first> to <last>; <n> reversals`, kinds being stream names behind the symbol.
pub fn counts(all: &[Owned], source: &dyn FrameSource) -> String {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for frame in all {
        let kind = frame.stream.split_once('@').map_or("", |(_, kind)| kind);
        *kinds.entry(kind).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.iter().map(|(k, n)| format!("{k} {n}")).collect();
    let reports = source.reports();
    let reversals: u64 = reports.iter().map(|r| r.time_reversals).sum();
    format!(
        "{}: {}; {} to {}; {reversals} reversals",
        all.len(),
        kinds.join(", "),
        second(all.first().map(|frame| frame.ts_recv)),
        second(all.last().map(|frame| frame.ts_recv)),
    )
}

/// Every frame on a line, then the reports, with the file's own path taken out.
pub fn show(source: &mut dyn FrameSource) -> String {
    let mut text = String::new();
    loop {
        match source.next() {
            Ok(Some(frame)) => {
                let stream = String::from_utf8_lossy(frame.stream);
                let bytes = String::from_utf8_lossy(frame.bytes);
                let (ts, venue) = (frame.ts_recv.0, frame.venue.name());
                writeln!(text, "{ts} {venue} {stream} {bytes}").unwrap();
            }
            Ok(None) => break,
            Err(error) => {
                writeln!(text, "{error}").unwrap();
                break;
            }
        }
    }
    for report in source.reports() {
        assert!(report.balances(), "{report}");
        writeln!(text, "{report}").unwrap();
    }
    without_paths(&text)
}

pub fn message(error: &SourceError) -> String {
    without_paths(&error.to_string())
}

/// Temporary paths as `FILE`.
fn without_paths(text: &str) -> String {
    let root = std::env::temp_dir().display().to_string();
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&root) {
        out.push_str(&rest[..at]);
        out.push_str("FILE");
        rest = &rest[at..];
        let end = rest.find([':', ' ', '\n', ',']).unwrap_or(rest.len());
        rest = &rest[end..];
    }
    out + rest
}
