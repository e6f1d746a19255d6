//! The writing side: make a page, hand out places, write them.

use super::layout::{
    ANCHOR_SLOTS, ANCHOR_WORDS, ANCHORS, DIRECTORY, ENTRY_LABEL, ENTRY_LENGTH, ENTRY_OFFSET,
    ENTRY_OWNER, ENTRY_SHAPE, ENTRY_WORDS, LABEL_BYTES, LINE_WORDS, MAGIC, NAMES_LIMIT,
    OWNER_BYTES, VERSION, WORD_ANCHORS_WRITTEN, WORD_DIRECTORY_LENGTH, WORD_DIRECTORY_ROOM,
    WORD_ERRORS_OFFSET, WORD_ERRORS_ROOM, WORD_MAGIC, WORD_PAGE_BYTES, WORD_PID, WORD_REFUSED,
    WORD_START_WALL_NS, WORD_TICKS_PER_SECOND, WORD_VALUES_OFFSET, WORD_VERSION,
};
use super::read::{Anchor, PageReader};
use super::{Declared, EntryKind, ErrorWriter, Histogram, Unit, errors, histogram};
use crate::region::{Region, Words};
use crate::sync::{Mutex, Ordering, fence};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// How large a page is, and what its header says of the process.
#[derive(Clone, Copy, Debug)]
pub struct PageOptions {
    /// Room in the directory; [`NAMES_LIMIT`] at most.
    pub entries: usize,
    /// Room for distinct errors.
    pub errors: usize,
    /// Room for values, in bytes. A histogram takes 18 KB.
    pub value_bytes: usize,
    /// Process id for the header.
    pub pid: u32,
    /// Start of the process, ns since 1970 UTC, for the header.
    pub start_wall_ns: i64,
}

impl Default for PageOptions {
    fn default() -> Self {
        Self {
            entries: NAMES_LIMIT,
            errors: 64,
            value_bytes: 4 << 20,
            pid: std::process::id(),
            start_wall_ns: 0,
        }
    }
}

/// Why a page could not be made, extended or read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PageError {
    #[error("counters page {path}: cannot {action}: {source}")]
    Io {
        path: PathBuf,
        action: &'static str,
        source: std::io::Error,
    },
    #[error(
        "counters page: no room for {owner}/{label}; raise {what} in its options (a process has at most {NAMES_LIMIT} names)"
    )]
    Full {
        owner: String,
        label: String,
        what: &'static str,
    },
    #[error("counters page: {owner}/{label} exists already, and a counter has one writer")]
    Duplicate { owner: String, label: String },
    #[error("counters page: {text:?} is empty or longer than {limit} bytes")]
    Name { text: String, limit: usize },
    #[error("{path} is not a counters page, or is cut short: {what}")]
    Foreign { path: PathBuf, what: &'static str },
    #[error(
        "counters page {path} has layout version {found}, this program reads {VERSION}; read it with the build that wrote it"
    )]
    Version { path: PathBuf, found: u64 },
}

/// A page that is being written. Clones share it.
#[derive(Clone)]
pub struct CountersPage {
    shared: Arc<Shared>,
}

struct Shared {
    region: Arc<Region>,
    places: Mutex<Places>,
}

/// What is taken so far. Only start-up locks it.
struct Places {
    words: Words,
    names: BTreeSet<(String, String)>,
    room: usize,
    /// Per owner: the rest of its last cache line.
    open_lines: Vec<(String, core::ops::Range<usize>)>,
    next_line: usize,
    anchors_taken: bool,
    errors_taken: bool,
}

impl CountersPage {
    /// A page in heap memory, for tests and for engines that nobody watches from outside.
    #[must_use]
    pub fn heap(options: PageOptions) -> Self {
        let (_, words) = sizes(&options);
        Self::over(Region::heap(words), &options)
    }

    /// A page in a new file, which replaces an older one of that name.
    /// Whoever still reads the older file keeps it.
    #[cfg(not(loom))]
    pub fn create(path: &std::path::Path, options: PageOptions) -> Result<Self, PageError> {
        let fail = |action, source| PageError::Io {
            path: path.to_path_buf(),
            action,
            source,
        };
        let (_, words) = sizes(&options);
        let bytes = words * size_of::<u64>();
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)
            .map_err(|e| fail("create", e))?;
        let made = crate::files::reserve(&file, bytes as u64)
            .map_err(|e| fail("allocate", e))
            .and_then(|()| Region::map(&file, bytes).map_err(|e| fail("map", e)))
            .map(|region| {
                region.populate(0, bytes);
                Self::over(region, &options)
            })
            .and_then(|page| {
                std::fs::rename(&temporary, path).map_err(|e| fail("rename", e))?;
                Ok(page)
            });
        if made.is_err() {
            // The half-made file is ours and holds nothing.
            let _ = std::fs::remove_file(&temporary);
        }
        made
    }

    fn over(region: Arc<Region>, options: &PageOptions) -> Self {
        let (values, _) = sizes(options);
        let room = room(options);
        let words = Region::words(&region, 0, region.len());
        let set = |word: usize, value: u64| words[word].store(value, Ordering::Relaxed);
        set(WORD_VERSION, VERSION);
        set(WORD_PAGE_BYTES, (region.len() * size_of::<u64>()) as u64);
        set(WORD_PID, u64::from(options.pid));
        set(WORD_START_WALL_NS, options.start_wall_ns.cast_unsigned());
        set(WORD_DIRECTORY_ROOM, room as u64);
        set(
            WORD_ERRORS_OFFSET,
            (errors_start(options) * size_of::<u64>()) as u64,
        );
        set(WORD_ERRORS_ROOM, options.errors as u64);
        set(WORD_VALUES_OFFSET, (values * size_of::<u64>()) as u64);
        set(WORD_MAGIC, MAGIC);
        let places = Places {
            words,
            names: BTreeSet::new(),
            room,
            open_lines: Vec::new(),
            next_line: values,
            anchors_taken: false,
            errors_taken: false,
        };
        Self {
            shared: Arc::new(Shared {
                region,
                places: Mutex::new(places),
            }),
        }
    }

    /// A place for a number that is declared to grow only.
    ///
    /// # Panics
    /// If it is declared as something else; so do the others.
    pub fn declared_counter(&self, owner: &str, what: &Declared) -> Result<Counter, PageError> {
        let words = self.declared(owner, what.label, what, EntryKind::Counter)?;
        Ok(Counter { words })
    }

    /// A place for a number that is declared to be set.
    pub fn declared_gauge(&self, owner: &str, what: &Declared) -> Result<Gauge, PageError> {
        let words = self.declared(owner, what.label, what, EntryKind::Gauge)?;
        Ok(Gauge { words })
    }

    /// A place for a declared distribution.
    pub fn declared_histogram(&self, owner: &str, what: &Declared) -> Result<Histogram, PageError> {
        let words = self.declared(owner, what.label, what, EntryKind::Histogram)?;
        Ok(Histogram::over(words))
    }

    /// A place for a number of an edge, written by the agent at one end of it.
    pub fn edge_counter(
        &self,
        owner: &str,
        edge: &str,
        what: &Declared,
    ) -> Result<Counter, PageError> {
        let words = self.declared(owner, &what.label_on(edge), what, EntryKind::Counter)?;
        Ok(Counter { words })
    }

    /// As [`CountersPage::edge_counter`], for a number that is set.
    pub fn edge_gauge(&self, owner: &str, edge: &str, what: &Declared) -> Result<Gauge, PageError> {
        let words = self.declared(owner, &what.label_on(edge), what, EntryKind::Gauge)?;
        Ok(Gauge { words })
    }

    fn declared(
        &self,
        owner: &str,
        label: &str,
        what: &Declared,
        kind: EntryKind,
    ) -> Result<Words, PageError> {
        assert_eq!(
            what.kind, kind,
            "{} is declared as another kind",
            what.label
        );
        self.place(owner, label, what.unit, kind, what.id)
    }

    /// A place for a number that only grows and is declared nowhere: for tests and benches.
    pub fn counter(&self, owner: &str, label: &str, unit: Unit) -> Result<Counter, PageError> {
        Ok(Counter {
            words: self.place(owner, label, unit, EntryKind::Counter, 0)?,
        })
    }

    /// As [`CountersPage::counter`], for a number that is set.
    pub fn gauge(&self, owner: &str, label: &str, unit: Unit) -> Result<Gauge, PageError> {
        Ok(Gauge {
            words: self.place(owner, label, unit, EntryKind::Gauge, 0)?,
        })
    }

    /// As [`CountersPage::counter`], for a distribution.
    pub fn histogram(&self, owner: &str, label: &str, unit: Unit) -> Result<Histogram, PageError> {
        let words = self.place(owner, label, unit, EntryKind::Histogram, 0)?;
        Ok(Histogram::over(words))
    }

    /// The one writer of the clock's anchors, and of its rate: for the supervisor.
    ///
    /// # Panics
    /// If it was taken before.
    #[must_use]
    pub fn anchors(&self) -> AnchorWriter {
        let taken = &mut self.places().anchors_taken;
        assert!(!*taken, "the anchors of a page have one writer");
        *taken = true;
        AnchorWriter {
            words: Region::words(&self.shared.region, 0, DIRECTORY),
        }
    }

    /// The one writer of the distinct errors: for the logger.
    ///
    /// # Panics
    /// If it was taken before.
    #[must_use]
    pub fn errors(&self) -> ErrorWriter {
        let region = &self.shared.region;
        let bytes = region.load(WORD_ERRORS_OFFSET);
        let start = usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<u64>();
        let room = usize::try_from(region.load(WORD_ERRORS_ROOM)).unwrap_or(0);
        let taken = &mut self.places().errors_taken;
        assert!(!*taken, "the errors of a page have one writer");
        *taken = true;
        ErrorWriter::over(
            Region::words(region, 0, DIRECTORY),
            Region::words(region, start, room * errors::SLOT_WORDS),
        )
    }

    /// A reader of this page, in this process.
    #[must_use]
    pub fn reader(&self) -> PageReader {
        PageReader::over(Arc::clone(&self.shared.region))
    }

    fn places(&self) -> impl core::ops::DerefMut<Target = Places> {
        let places = self.shared.places.lock();
        places.unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn place(
        &self,
        owner: &str,
        label: &str,
        unit: Unit,
        kind: EntryKind,
        id: u16,
    ) -> Result<Words, PageError> {
        let length = match kind {
            EntryKind::Counter | EntryKind::Gauge => 1,
            EntryKind::Histogram => histogram::WORDS,
        };
        let mut places = self.places();
        places.check(owner, label)?;
        let start = places.take(owner, length).ok_or_else(|| PageError::Full {
            owner: owner.to_owned(),
            label: label.to_owned(),
            what: "value_bytes",
        })?;
        let words = Region::words(&self.shared.region, start, length);
        let shape = Shape { kind, unit, id };
        places.list(owner, label, shape, start, length);
        Ok(words)
    }
}

/// What an entry is.
struct Shape {
    kind: EntryKind,
    unit: Unit,
    id: u16,
}

impl Places {
    fn check(&self, owner: &str, label: &str) -> Result<(), PageError> {
        for (text, limit) in [(owner, OWNER_BYTES), (label, LABEL_BYTES)] {
            if text.is_empty() || text.len() > limit {
                return Err(PageError::Name {
                    text: text.to_owned(),
                    limit,
                });
            }
        }
        if self.names.contains(&(owner.to_owned(), label.to_owned())) {
            return Err(PageError::Duplicate {
                owner: owner.to_owned(),
                label: label.to_owned(),
            });
        }
        if self.names.len() == self.room {
            let refused = &self.words[WORD_REFUSED];
            refused.store(refused.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            return Err(PageError::Full {
                owner: owner.to_owned(),
                label: label.to_owned(),
                what: "entries",
            });
        }
        Ok(())
    }

    /// Words for one value. Small ones fill up the owner's own cache line, so that two writers never share one.
    fn take(&mut self, owner: &str, length: usize) -> Option<usize> {
        if length < LINE_WORDS
            && let Some((_, rest)) = self.open_lines.iter_mut().find(|(name, _)| name == owner)
            && rest.len() >= length
        {
            let start = rest.start;
            rest.start += length;
            return Some(start);
        }
        let start = self.next_line;
        let end = start + length.next_multiple_of(LINE_WORDS);
        if end > self.words.len() {
            return None;
        }
        self.next_line = end;
        if length < LINE_WORDS {
            self.open_lines.retain(|(name, _)| name != owner);
            self.open_lines
                .push((owner.to_owned(), start + length..end));
        }
        Some(start)
    }

    /// Writes the directory entry, then makes it visible.
    fn list(
        &mut self,
        owner: &str,
        label: &str,
        Shape { kind, unit, id }: Shape,
        start: usize,
        length: usize,
    ) {
        let entry = DIRECTORY + self.names.len() * ENTRY_WORDS;
        let set =
            |word: usize, value: u64| self.words[entry + word].store(value, Ordering::Relaxed);
        let [id_low, id_high] = id.to_le_bytes();
        let shape = [
            kind as u8,
            unit as u8,
            u8::try_from(label.len()).expect("checked above"),
            u8::try_from(owner.len()).expect("checked above"),
            id_low,
            id_high,
            0,
            0,
        ];
        set(ENTRY_SHAPE, u64::from_le_bytes(shape));
        set(ENTRY_OFFSET, (start * size_of::<u64>()) as u64);
        set(ENTRY_LENGTH, length as u64);
        for (at, text) in [(ENTRY_LABEL, label), (ENTRY_OWNER, owner)] {
            for (index, chunk) in text.as_bytes().chunks(8).enumerate() {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                set(at + index, u64::from_le_bytes(word));
            }
        }
        self.names.insert((owner.to_owned(), label.to_owned()));
        // PAIRS: the acquire fence after the load of the directory's length in PageReader::entries.
        self.words[WORD_DIRECTORY_LENGTH].store(self.names.len() as u64, Ordering::Release);
    }
}

fn room(options: &PageOptions) -> usize {
    options.entries.min(NAMES_LIMIT)
}

fn errors_start(options: &PageOptions) -> usize {
    DIRECTORY + room(options) * ENTRY_WORDS
}

/// Word of the first value, and words in all.
fn sizes(options: &PageOptions) -> (usize, usize) {
    let values = errors_start(options) + options.errors * errors::SLOT_WORDS;
    let words = values + options.value_bytes.div_ceil(size_of::<u64>());
    (values, words.next_multiple_of(LINE_WORDS))
}

/// The one writer of a number that only grows.
///
/// ```
/// use pitlane_lockfree::counters::{CountersPage, PageOptions, Unit, Value};
/// let page = CountersPage::heap(PageOptions { entries: 8, value_bytes: 64, ..PageOptions::default() });
/// let mut frames = page.counter("feed", "frames", Unit::Count)?;
/// frames.add(3);
/// let seen = page.reader().snapshot();
/// assert_eq!(seen.value("feed", "frames"), Some(&Value::Counter(3)));
/// # Ok::<(), pitlane_lockfree::counters::PageError>(())
/// ```
pub struct Counter {
    words: Words,
}

impl Counter {
    /// A counter that is on no page.
    #[must_use]
    pub fn private() -> Self {
        Self {
            words: Region::words(&Region::heap(1), 0, 1),
        }
    }

    /// Adds.
    #[inline]
    pub fn add(&mut self, by: u64) {
        let now = self.words[0].load(Ordering::Relaxed);
        self.words[0].store(now.wrapping_add(by), Ordering::Relaxed);
    }

    /// Sets, for a total that is counted elsewhere. It must not fall.
    #[inline]
    pub fn set(&mut self, value: u64) {
        self.words[0].store(value, Ordering::Relaxed);
    }

    /// The number so far.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.words[0].load(Ordering::Relaxed)
    }
}

/// The one writer of a number that is set.
pub struct Gauge {
    words: Words,
}

impl Gauge {
    /// A gauge that is on no page.
    #[must_use]
    pub fn private() -> Self {
        Self {
            words: Region::words(&Region::heap(1), 0, 1),
        }
    }

    /// Sets.
    #[inline]
    pub fn set(&mut self, value: u64) {
        self.words[0].store(value, Ordering::Relaxed);
    }

    /// Raises to `value` if that is higher.
    #[inline]
    pub fn raise(&mut self, value: u64) {
        if value > self.get() {
            self.set(value);
        }
    }

    /// The number now.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.words[0].load(Ordering::Relaxed)
    }
}

/// The one writer of the page's clock anchors.
pub struct AnchorWriter {
    words: Words,
}

impl AnchorWriter {
    /// Sets the rate of the raw clock.
    pub fn set_ticks_per_second(&mut self, rate: u64) {
        self.words[WORD_TICKS_PER_SECOND].store(rate, Ordering::Relaxed);
    }

    /// Adds an anchor: the three clocks, read together.
    pub fn add(&mut self, anchor: Anchor) {
        let written = self.words[WORD_ANCHORS_WRITTEN].load(Ordering::Relaxed);
        let slot = ANCHORS + slot_of(written) * ANCHOR_WORDS;
        // A reader that sees any of the stores below also sees that `written` anchors came before,
        // and so knows that the slot is being written over.
        // PAIRS: the acquire fence after reading the slots in PageReader::anchors.
        fence(Ordering::Release);
        self.words[slot].store(anchor.raw, Ordering::Relaxed);
        self.words[slot + 1].store(anchor.monotonic_ns, Ordering::Relaxed);
        self.words[slot + 2].store(anchor.wall_ns.cast_unsigned(), Ordering::Relaxed);
        // PAIRS: the acquire fence after the first load of the count in PageReader::anchors.
        self.words[WORD_ANCHORS_WRITTEN].store(written + 1, Ordering::Release);
    }
}

/// The slot of anchor number `n`.
#[expect(clippy::cast_possible_truncation, reason = "below ANCHOR_SLOTS")]
pub(super) fn slot_of(n: u64) -> usize {
    (n % ANCHOR_SLOTS as u64) as usize
}
