//! The reading side: everything on a page, from this process or another, of a living writer or a dead one.
//! Nothing read is trusted: a page that is damaged gives an error or fewer entries, never a fault.

use super::layout::{
    ANCHOR_SLOTS, ANCHOR_WORDS, ANCHORS, DIRECTORY, ENTRY_LABEL, ENTRY_LENGTH, ENTRY_OFFSET,
    ENTRY_OWNER, ENTRY_SHAPE, ENTRY_WORDS, LABEL_BYTES, OWNER_BYTES, WORD_ANCHORS_WRITTEN,
    WORD_DIRECTORY_LENGTH, WORD_DIRECTORY_ROOM, WORD_ERRORS_OFFSET, WORD_ERRORS_ROOM, WORD_PID,
    WORD_REFUSED, WORD_START_WALL_NS, WORD_TICKS_PER_SECOND,
};
use super::page::slot_of;
use super::{DistinctError, EntryKind, HistogramSnapshot, Unit, errors, histogram};
use crate::region::Region;
use crate::sync::{Ordering, fence};
use std::sync::Arc;

/// The three clocks at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Anchor {
    /// Raw clock.
    pub raw: u64,
    /// Monotonic clock, ns.
    pub monotonic_ns: u64,
    /// Realtime clock, ns since 1970 UTC.
    pub wall_ns: i64,
}

/// One number of a page, with its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Id of its declaration, 0 if it has none.
    pub id: u16,
    /// Who writes it.
    pub owner: String,
    /// What it is.
    pub label: String,
    /// What it counts in.
    pub unit: Unit,
    /// The number.
    pub value: Value,
}

/// What an entry holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A number that only grows.
    Counter(u64),
    /// A number that is set.
    Gauge(u64),
    /// A distribution.
    Histogram(Box<HistogramSnapshot>),
}

impl Value {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Counter(_) => EntryKind::Counter,
            Self::Gauge(_) => EntryKind::Gauge,
            Self::Histogram(_) => EntryKind::Histogram,
        }
    }

    /// The number of a counter or gauge, the count of a histogram.
    #[must_use]
    pub fn number(&self) -> u64 {
        match self {
            Self::Counter(number) | Self::Gauge(number) => *number,
            Self::Histogram(histogram) => histogram.count,
        }
    }
}

/// A whole page at one moment; each number is exact, two numbers may be a moment apart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// Process id of the writer.
    pub pid: u32,
    /// Start of the writer, ns since 1970 UTC.
    pub start_wall_ns: i64,
    /// Raw clock ticks per second, or 0 while unknown.
    pub ticks_per_second: u64,
    /// The latest anchors, oldest first.
    pub anchors: Vec<Anchor>,
    /// Every number, in the order of the directory.
    pub entries: Vec<Entry>,
    /// Names that found no room in the directory.
    pub refused: u64,
}

impl Snapshot {
    /// The value of that name.
    #[must_use]
    pub fn value(&self, owner: &str, label: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|entry| entry.owner == owner && entry.label == label)
            .map(|entry| &entry.value)
    }
}

/// Reads a page, as often as one likes.
#[derive(Clone)]
pub struct PageReader {
    region: Arc<Region>,
}

impl PageReader {
    pub(crate) fn over(region: Arc<Region>) -> Self {
        Self { region }
    }

    /// Opens the page in a file, of this process or another.
    #[cfg(not(loom))]
    pub fn open(path: &std::path::Path) -> Result<Self, super::PageError> {
        use super::PageError;
        use super::layout::{MAGIC, VERSION, WORD_MAGIC, WORD_PAGE_BYTES, WORD_VERSION};
        let fail = |action, source| PageError::Io {
            path: path.to_path_buf(),
            action,
            source,
        };
        let foreign = |what| PageError::Foreign {
            path: path.to_path_buf(),
            what,
        };
        let file = std::fs::File::open(path).map_err(|e| fail("open", e))?;
        let bytes = file
            .metadata()
            .map_err(|e| fail("read the length", e))?
            .len();
        let length = usize::try_from(bytes).map_err(|_| foreign("too long"))?;
        if length < DIRECTORY * size_of::<u64>() {
            return Err(foreign("shorter than a header"));
        }
        let region = Region::map_read_only(&file, length).map_err(|e| fail("map", e))?;
        if region.load(WORD_MAGIC) != MAGIC {
            return Err(foreign("the magic word differs"));
        }
        if region.load(WORD_VERSION) != VERSION {
            return Err(PageError::Version {
                path: path.to_path_buf(),
                found: region.load(WORD_VERSION),
            });
        }
        if region.load(WORD_PAGE_BYTES) != bytes {
            return Err(foreign("the length differs from the header's"));
        }
        Ok(Self::over(region))
    }

    #[cfg(test)]
    pub(super) fn region_word(&self, word: usize) -> u64 {
        self.region.load(word)
    }

    /// Process id of the writer.
    #[must_use]
    pub fn pid(&self) -> u32 {
        u32::try_from(self.region.load(WORD_PID)).unwrap_or(0)
    }

    /// Everything on the page.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.snapshot_into(&mut snapshot);
        snapshot
    }

    /// Everything on the page, into memory of an earlier snapshot of the same page.
    /// The directory only grows, so names are read once.
    pub fn snapshot_into(&self, snapshot: &mut Snapshot) {
        let start_wall_ns = self.region.load(WORD_START_WALL_NS).cast_signed();
        if (snapshot.pid, snapshot.start_wall_ns) != (self.pid(), start_wall_ns) {
            // Of another engine; what it holds is no earlier state of this one.
            snapshot.entries.clear();
        }
        snapshot.pid = self.pid();
        snapshot.start_wall_ns = start_wall_ns;
        snapshot.ticks_per_second = self.region.load(WORD_TICKS_PER_SECOND);
        snapshot.refused = self.region.load(WORD_REFUSED);
        self.anchors_into(&mut snapshot.anchors);
        let listed = self.entries();
        snapshot.entries.truncate(listed);
        for index in snapshot.entries.len()..listed {
            let Some(entry) = self.describe(index) else {
                break;
            };
            snapshot.entries.push(entry);
        }
        for (index, entry) in snapshot.entries.iter_mut().enumerate() {
            self.refresh(index, &mut entry.value);
        }
    }

    /// Number of whole directory entries.
    fn entries(&self) -> usize {
        let listed = self.region.load(WORD_DIRECTORY_LENGTH);
        // PAIRS: the release store of the directory's length in Places::list.
        fence(Ordering::Acquire);
        let room = self.region.load(WORD_DIRECTORY_ROOM);
        let space = self.region.len().saturating_sub(DIRECTORY) / ENTRY_WORDS;
        usize::try_from(listed.min(room)).map_or(space, |listed| listed.min(space))
    }

    fn describe(&self, index: usize) -> Option<Entry> {
        let entry = DIRECTORY + index * ENTRY_WORDS;
        let [kind, unit, label, owner, id_low, id_high, ..] =
            self.region.load(entry + ENTRY_SHAPE).to_le_bytes();
        let value = match EntryKind::from_code(kind)? {
            EntryKind::Counter => Value::Counter(0),
            EntryKind::Gauge => Value::Gauge(0),
            EntryKind::Histogram => Value::Histogram(Box::default()),
        };
        let described = Entry {
            id: u16::from_le_bytes([id_low, id_high]),
            owner: self.text(entry + ENTRY_OWNER, usize::from(owner).min(OWNER_BYTES)),
            label: self.text(entry + ENTRY_LABEL, usize::from(label).min(LABEL_BYTES)),
            unit: Unit::from_code(unit)?,
            value,
        };
        self.place(index, described.value.kind()).map(|_| described)
    }

    /// First word of an entry's value, if all its words lie in the page.
    fn place(&self, index: usize, kind: EntryKind) -> Option<usize> {
        let entry = DIRECTORY + index * ENTRY_WORDS;
        let offset = usize::try_from(self.region.load(entry + ENTRY_OFFSET)).ok()?;
        let length = usize::try_from(self.region.load(entry + ENTRY_LENGTH)).ok()?;
        let expected = match kind {
            EntryKind::Counter | EntryKind::Gauge => 1,
            EntryKind::Histogram => histogram::WORDS,
        };
        let start = offset / size_of::<u64>();
        let inside = start.checked_add(length)? <= self.region.len();
        (inside && length == expected).then_some(start)
    }

    fn refresh(&self, index: usize, value: &mut Value) {
        let Some(start) = self.place(index, value.kind()) else {
            return;
        };
        match value {
            Value::Counter(number) | Value::Gauge(number) => *number = self.region.load(start),
            Value::Histogram(snapshot) => snapshot.read(|word| self.region.load(start + word)),
        }
    }

    fn text(&self, word: usize, length: usize) -> String {
        let bytes: Vec<u8> = (0..length.div_ceil(8))
            .flat_map(|index| self.region.load(word + index).to_le_bytes())
            .take(length)
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The distinct errors so far, in the order in which they came, and how many errors found no room among them.
    #[must_use]
    pub fn errors(&self) -> (Vec<DistinctError>, u64) {
        let word = |at: usize| usize::try_from(self.region.load(at)).unwrap_or(usize::MAX);
        let start = word(WORD_ERRORS_OFFSET) / size_of::<u64>();
        errors::read(&self.region, start, word(WORD_ERRORS_ROOM))
    }

    /// The latest anchors, oldest first.
    #[must_use]
    pub fn anchors(&self) -> Vec<Anchor> {
        let mut anchors = Vec::new();
        self.anchors_into(&mut anchors);
        anchors
    }

    fn anchors_into(&self, anchors: &mut Vec<Anchor>) {
        anchors.clear();
        let before = self.region.load(WORD_ANCHORS_WRITTEN);
        // PAIRS: the release store of the count in AnchorWriter::add.
        fence(Ordering::Acquire);
        let kept = ANCHOR_SLOTS as u64;
        let first = before.saturating_sub(kept);
        for n in first..before {
            let slot = ANCHORS + slot_of(n) * ANCHOR_WORDS;
            anchors.push(Anchor {
                raw: self.region.load(slot),
                monotonic_ns: self.region.load(slot + 1),
                wall_ns: self.region.load(slot + 2).cast_signed(),
            });
        }
        // PAIRS: the release fence before the slot is written over in AnchorWriter::add.
        fence(Ordering::Acquire);
        let after = self.region.load(WORD_ANCHORS_WRITTEN);
        // While anchor `after` is being written its slot holds neither it nor the one `kept` before it.
        let whole_from = (after + 1).saturating_sub(kept);
        let torn = whole_from.saturating_sub(first).min(before - first);
        anchors.drain(..usize::try_from(torn).unwrap_or(anchors.len()));
    }
}
