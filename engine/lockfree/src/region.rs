//! A stretch of shared memory, seen as 64-bit atomic words: heap memory or a mapped file.
//!
//! This is the only module of the crate that says `unsafe`. What leaves it is safe to use:
//! - words, which are only ever read and written atomically, so that another thread or another process may do the same;
//! - records that their owner has promised never to write again, as plain slices.
#![allow(
    unsafe_code,
    reason = "raw memory becomes safe words here and nowhere else"
)]

use crate::Record;
use crate::sync::{AtomicU64, Ordering};
use core::ops::Deref;
use core::ptr::NonNull;
use std::sync::Arc;
#[cfg(not(loom))]
use std::{fs::File, io};

/// Words of one cache line. Heap regions start on a line, as mapped ones do.
const LINE_WORDS: usize = 8;

#[cfg_attr(not(loom), repr(C, align(64)))]
#[cfg_attr(loom, repr(C))]
struct Line([AtomicU64; LINE_WORDS]);

enum Backing {
    /// Made by `Box::into_raw`: a box that moved would claim to be the only owner of the memory.
    Heap(*mut [Line]),
    #[cfg(not(loom))]
    Map(memmap2::MmapRaw),
}

/// Memory shared by threads or processes. Lives as long as the last handle to it.
pub struct Region {
    base: NonNull<AtomicU64>,
    words: usize,
    writable: bool,
    backing: Backing,
}

// SAFETY: the memory is only reached as atomics, or as plain words under the promise of `frozen`;
// `backing` is only used to unmap or free, when the last owner is gone.
unsafe impl Send for Region {}
// SAFETY: as for `Send`: shared access is atomic access.
unsafe impl Sync for Region {}

impl Region {
    /// Zeroed words on the heap, rounded up to whole cache lines.
    #[must_use]
    pub fn heap(words: usize) -> Arc<Self> {
        let lines: Box<[Line]> = (0..words.div_ceil(LINE_WORDS))
            .map(|_| Line(core::array::from_fn(|_| AtomicU64::new(0))))
            .collect();
        let words = lines.len() * LINE_WORDS;
        let lines = Box::into_raw(lines);
        let base = NonNull::new(lines.cast::<AtomicU64>()).expect("a box is never null");
        Arc::new(Self {
            base,
            words,
            writable: true,
            backing: Backing::Heap(lines),
        })
    }

    /// The first `bytes` of a file, shared with everybody who maps it.
    /// The caller sees to it that the file has, and keeps, every byte that is touched: beyond its end is a SIGBUS.
    #[cfg(not(loom))]
    pub fn map(file: &File, bytes: usize) -> io::Result<Arc<Self>> {
        let map = memmap2::MmapOptions::new().len(bytes).map_raw(file)?;
        Ok(Arc::new(Self::mapped(map, true)))
    }

    /// As [`Region::map`], for reading only.
    #[cfg(not(loom))]
    pub fn map_read_only(file: &File, bytes: usize) -> io::Result<Arc<Self>> {
        let map = memmap2::MmapOptions::new()
            .len(bytes)
            .map_raw_read_only(file)?;
        Ok(Arc::new(Self::mapped(map, false)))
    }

    #[cfg(not(loom))]
    #[expect(clippy::cast_ptr_alignment, reason = "a mapping starts on a page")]
    fn mapped(map: memmap2::MmapRaw, writable: bool) -> Self {
        let base = NonNull::new(map.as_mut_ptr().cast::<AtomicU64>())
            .expect("the kernel never maps at null");
        Self {
            base,
            words: map.len() / size_of::<u64>(),
            writable,
            backing: Backing::Map(map),
        }
    }

    /// Number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words
    }

    /// Whether there is no word at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words == 0
    }

    /// Reads a word, `Relaxed`. The only access that read-only memory allows:
    /// an acquiring reader adds a fence, because an acquiring load of read-only memory is not defined.
    #[inline]
    #[must_use]
    pub fn load(&self, index: usize) -> u64 {
        self.slice()[index].load(Ordering::Relaxed)
    }

    /// Reads the eight words of a record, each `Relaxed`.
    #[inline]
    #[must_use]
    pub fn load_record(&self, start: usize) -> Record {
        load_all(first_words(&self.slice()[start..]))
    }

    /// Words to read one by one, where a loop over [`Region::load`] would check every index.
    #[cfg(not(loom))]
    #[inline]
    #[must_use]
    pub(crate) fn atomics(&self, start: usize, count: usize) -> &[AtomicU64] {
        &self.slice()[start..start + count]
    }

    /// A handle to `count` words from `start`, to read and write, that keeps the region alive.
    ///
    /// # Panics
    /// If the region is read-only or the words are not inside it.
    #[must_use]
    pub fn words(region: &Arc<Self>, start: usize, count: usize) -> Words {
        assert!(region.writable, "the region is mapped for reading only");
        let first = region.slice()[start..start + count].as_ptr();
        Words {
            first: NonNull::new(first.cast_mut()).expect("a slice is never null"),
            count,
            region: Arc::clone(region),
        }
    }

    /// Committed records as a plain slice, from word `start` on.
    ///
    /// # Safety
    /// Every one of the words was written before (with a happens-before edge to here)
    /// and nobody writes any of them again while the region lives.
    #[cfg(not(loom))]
    #[must_use]
    pub(crate) unsafe fn frozen(&self, start: usize, records: usize) -> &[Record] {
        let words = &self.slice()[start..start + records * LINE_WORDS];
        let first = words.as_ptr().cast::<Record>();
        // SAFETY: in bounds by the line above, aligned as u64, and immutable by the caller's promise.
        unsafe { core::slice::from_raw_parts(first, records) }
    }

    /// Asks the kernel to make the pages of a byte range present and writable, so that the first store into them does not fault.
    /// A wish: a kernel that does not know it (before 5.14) or heap memory is as good, only slower at the first touch.
    #[cfg(not(loom))]
    pub fn populate(&self, byte_start: usize, bytes: usize) {
        if let Backing::Map(map) = &self.backing {
            let end = (byte_start + bytes).min(map.len());
            let start = byte_start.min(end);
            if end > start {
                let _ = map.advise_range(memmap2::Advice::PopulateWrite, start, end - start);
            }
        }
    }

    #[inline]
    fn slice(&self) -> &[AtomicU64] {
        // SAFETY: `base` points to `words` words that live as long as `self`, are initialised (zeroed or mapped),
        // and are shared as atomics only.
        unsafe { core::slice::from_raw_parts(self.base.as_ptr(), self.words) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        match &self.backing {
            Backing::Heap(lines) => {
                // SAFETY: made by `Box::into_raw` in `heap`, and freed once, here.
                drop(unsafe { Box::from_raw(*lines) });
            }
            #[cfg(not(loom))]
            Backing::Map(_) => {}
        }
    }
}

/// Asks for the cache line of a word that will be written soon, and for the translation of its page. A wish: where it
/// cannot be met, or is not known, the store waits for them instead.
#[inline]
pub(crate) fn prefetch(word: Option<&AtomicU64>) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    if let Some(word) = word {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch neither reads nor writes for the program, and the word is one of a region that lives.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(word).cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri), not(loom))))]
    let _ = word;
}

/// The first `N` words as an array, so that the loops over them have a constant length.
#[inline]
pub(crate) fn first_words<const N: usize>(words: &[AtomicU64]) -> &[AtomicU64; N] {
    words.first_chunk().expect("the words lie in the region")
}

/// Reads words one by one, each `Relaxed`.
#[inline]
pub(crate) fn load_all<const N: usize>(words: &[AtomicU64; N]) -> [u64; N] {
    let mut values = [0; N];
    for index in 0..N {
        values[index] = words[index].load(Ordering::Relaxed);
    }
    values
}

/// Writes words one by one, each `Relaxed`.
#[inline]
pub(crate) fn store_all<const N: usize>(words: &[AtomicU64; N], values: &[u64; N]) {
    for index in 0..N {
        words[index].store(values[index], Ordering::Relaxed);
    }
}

/// A handle to some words of a [`Region`], usable as `&[AtomicU64]`.
pub struct Words {
    first: NonNull<AtomicU64>,
    count: usize,
    region: Arc<Region>,
}

// SAFETY: a handle to atomics whose memory the region keeps alive; the region itself is `Send` and `Sync`.
unsafe impl Send for Words {}
// SAFETY: shared access is atomic access.
unsafe impl Sync for Words {}

impl Words {
    /// A second handle to the same words. Who may write is the caller's rule.
    pub(crate) fn share(&self) -> Self {
        Self {
            first: self.first,
            count: self.count,
            region: Arc::clone(&self.region),
        }
    }
}

impl Deref for Words {
    type Target = [AtomicU64];

    #[inline]
    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: `Region::words` checked that these words lie in the region, which `region` keeps alive.
        unsafe { core::slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}
