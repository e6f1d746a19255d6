//! The system's allocator, with a count per thread.
//!
//! A thread takes a row of a fixed table with its first call, and only it writes there, so that counting costs no lock
//! and disturbs nobody. For threads that are being watched the places of the calls are kept, to be shown.
#![expect(
    unsafe_code,
    reason = "an allocator is one; it hands every call on as it came"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Counts every call, and hands it on.
pub struct Counting;

/// Threads of one test process at most; more would not be counted, which [`calls`] refuses.
const ROWS: usize = 512;
/// Places kept of a watched thread's calls.
const PLACES: usize = 8;

struct Row {
    /// The kernel's id of the thread, 0 while the row is free.
    thread: AtomicU32,
    calls: AtomicU64,
    watched: AtomicBool,
}

static TABLE: [Row; ROWS] = [const {
    Row {
        thread: AtomicU32::new(0),
        calls: AtomicU64::new(0),
        watched: AtomicBool::new(false),
    }
}; ROWS];
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static SEEN: Mutex<Vec<(u32, Backtrace)>> = Mutex::new(Vec::new());

thread_local! {
    // Neither needs memory of its own nor has an end, so both may be used inside of the allocator.
    static ROW: Cell<usize> = const { Cell::new(usize::MAX) };
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    let mut index = ROW.get();
    if index == usize::MAX {
        index = TAKEN.fetch_add(1, Ordering::Relaxed);
        ROW.set(index);
        if let Some(row) = TABLE.get(index) {
            let id = rustix::thread::gettid().as_raw_nonzero().get();
            row.thread.store(id.unsigned_abs(), Ordering::Relaxed);
        }
    }
    let Some(row) = TABLE.get(index) else { return };
    row.calls.fetch_add(1, Ordering::Relaxed);
    if row.watched.load(Ordering::Relaxed) && !INSIDE.replace(true) {
        keep_place(row.thread.load(Ordering::Relaxed));
        INSIDE.set(false);
    }
}

/// Notes who called. What it takes and gives back itself is counted, and not looked at.
#[cold]
fn keep_place(thread: u32) {
    if let Ok(mut seen) = SEEN.lock()
        && seen.iter().filter(|(by, _)| *by == thread).count() < PLACES
    {
        seen.push((thread, Backtrace::force_capture()));
    }
}

// SAFETY: every call goes to the system's allocator as it came; counting never fails and never unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn row(thread: u32) -> Option<&'static Row> {
    assert!(
        TAKEN.load(Ordering::Relaxed) < ROWS,
        "more threads than rows"
    );
    let id = |row: &&Row| row.thread.load(Ordering::Relaxed) == thread;
    TABLE.iter().find(id)
}

/// Calls of a thread so far: memory taken, changed and given back.
pub fn calls(thread: u32) -> u64 {
    row(thread).map_or(0, |row| row.calls.load(Ordering::Relaxed))
}

/// From now on the places of a thread's calls are kept; or no longer.
pub fn watch(thread: u32, on: bool) {
    if let Some(row) = row(thread) {
        row.watched.store(on, Ordering::Relaxed);
    }
}

/// Where a watched thread called: our own frames of each place, innermost first.
pub fn places(thread: u32) -> String {
    let seen = SEEN.lock().expect("nobody panics with it");
    let ours = |place: &Backtrace| {
        let text = place.to_string();
        let lines: Vec<&str> = text.lines().collect();
        let frames = lines
            .windows(2)
            .filter(|pair| pair[1].contains("/engine/") && !pair[1].contains("hot_path"));
        let frames = frames.map(|pair| format!("      {}\n  {}", pair[0].trim(), pair[1]));
        frames.take(6).collect::<Vec<_>>().join("\n")
    };
    let places = seen.iter().filter(|(by, _)| *by == thread);
    let places: Vec<String> = places.map(|(_, place)| ours(place)).collect();
    places.join("\n      --\n")
}
