//! Frames of the bundled sample, in memory or in a capture file, behind a gate that the test opens.

use pitlane_domain::instrument::{Instrument, InstrumentTable, Venue};
use pitlane_domain::units::WallNs;
use pitlane_edges::capture::CaptureWriter;
use pitlane_edges::import::{self, ImportOptions};
use pitlane_edges::source::{Frame, FrameSource, ImportReport, Progress, SourceError};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Frames that were read before the engine starts.
#[derive(Clone)]
pub struct Recording {
    rows: Arc<Rows>,
    /// The instruments in it.
    pub instruments: InstrumentTable,
}

#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

struct Row {
    ts_recv: WallNs,
    venue: Venue,
    stream: Range<usize>,
    bytes: Range<usize>,
}

impl Recording {
    /// Reads a file of the sample to its end.
    pub fn of_sample(name: &str) -> Self {
        let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tools/pitlane/sample")
            .join(name);
        let mut instruments = InstrumentTable::default();
        for found in import::scan_instruments(open(&path).as_mut()).unwrap() {
            let instrument = Instrument {
                symbol: found.symbol,
                venue_symbol: found.symbol,
                venue: found.venue,
                tick_size: found.tick_size,
                lot_size: found.lot_size,
            };
            instruments.add(instrument).unwrap();
        }
        let mut rows = Rows::default();
        let mut source = open(&path);
        while let Some(frame) = source.next().unwrap() {
            rows.keep(&frame);
        }
        Self {
            rows: Arc::new(rows),
            instruments,
        }
    }

    /// Frames in it.
    pub fn len(&self) -> usize {
        self.rows.rows.len()
    }

    /// The frames from memory: they cost the feed nothing but decoding.
    pub fn in_memory(&self) -> Box<dyn FrameSource> {
        Box::new(Memory {
            rows: Arc::clone(&self.rows),
            next: 0,
        })
    }

    /// The frames from a capture file, which is written first.
    pub fn in_file(&self, path: &Path) -> Box<dyn FrameSource> {
        let mut out = CaptureWriter::create(path).unwrap();
        let mut source = self.in_memory();
        while let Some(frame) = source.next().unwrap() {
            out.write(&frame).unwrap();
        }
        out.finish().unwrap();
        open(path)
    }
}

fn open(path: &Path) -> Box<dyn FrameSource> {
    import::open_all(None, &[path.to_owned()], &ImportOptions::default()).unwrap()
}

impl Rows {
    fn keep(&mut self, frame: &Frame<'_>) {
        let mut keep = |part: &[u8]| {
            self.bytes.extend_from_slice(part);
            self.bytes.len() - part.len()..self.bytes.len()
        };
        let (stream, bytes) = (keep(frame.stream), keep(frame.bytes));
        self.rows.push(Row {
            ts_recv: frame.ts_recv,
            venue: frame.venue,
            stream,
            bytes,
        });
    }
}

struct Memory {
    rows: Arc<Rows>,
    next: usize,
}

impl FrameSource for Memory {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        let Some(row) = self.rows.rows.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        Ok(Some(Frame {
            ts_recv: row.ts_recv,
            venue: row.venue,
            stream: &self.rows.bytes[row.stream.clone()],
            bytes: &self.rows.bytes[row.bytes.clone()],
        }))
    }

    fn progress(&self) -> Progress {
        Progress {
            bytes_done: self.next as u64,
            bytes_total: self.rows.rows.len() as u64,
        }
    }

    fn reports(&self) -> Vec<ImportReport> {
        Vec::new()
    }
}

/// How many frames may be taken; whoever holds a clone may raise it.
#[derive(Clone, Default)]
pub struct Gate(Arc<AtomicUsize>);

impl Gate {
    /// Lets that many frames pass, counted from the first.
    pub fn open_to(&self, frames: usize) {
        // A late sight of it only delays the next frame.
        self.0.store(frames, Ordering::Relaxed);
    }
}

/// Plays a source up to the gate and waits there by turning in place: it calls nobody.
pub struct Gated {
    inner: Box<dyn FrameSource>,
    gate: Gate,
    taken: usize,
}

impl Gated {
    /// The gate is closed.
    pub fn new(inner: Box<dyn FrameSource>) -> (Self, Gate) {
        let gate = Gate::default();
        let source = Self {
            inner,
            gate: gate.clone(),
            taken: 0,
        };
        (source, gate)
    }
}

impl FrameSource for Gated {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        while self.taken >= self.gate.0.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
        self.taken += 1;
        self.inner.next()
    }

    fn progress(&self) -> Progress {
        self.inner.progress()
    }

    fn reports(&self) -> Vec<ImportReport> {
        self.inner.reports()
    }
}
