//! How long a core keeps a thread that never waits from running: its hiccups.
//!
//! A pinned thread reads the raw clock in a tight loop; two readings further apart than
//! [`GAP_NS`] mean that something else had the core: an interrupt, another thread, the host below.
//! This finds what no setting admits to. It never says whose fault a gap was.

use crate::clock::Clock;
use crate::os::{self, PinError, Switches};
use hdrhistogram::Histogram;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

mod skew;
#[cfg(test)]
mod tests;

pub use skew::{Skew, skew};

/// Readings this far apart, in nanoseconds, are a gap: several times what a reading itself takes.
pub const GAP_NS: u64 = 1_000;
/// Gaps are counted above each of these, in nanoseconds.
pub const COUNTED_NS: [u64; 4] = [GAP_NS, 10_000, 100_000, 1_000_000];

/// How often the caller of [`measure`] is told that time passes.
const LOOK: Duration = Duration::from_millis(100);
/// Longest gap told apart from longer ones, in nanoseconds.
const LONGEST_NS: u64 = 100_000_000_000;

/// What one core did.
#[derive(Clone, Debug)]
pub struct CoreHiccups {
    /// The core.
    pub core: usize,
    /// How long it was measured, in nanoseconds.
    pub elapsed_ns: u64,
    /// How often the clock was read.
    pub readings: u64,
    /// The sum of all gaps, in nanoseconds.
    pub lost_ns: u64,
    /// Gaps above each of [`COUNTED_NS`].
    pub over: [u64; 4],
    /// The longest gap in nanoseconds, 0 if there was none.
    pub max_ns: u64,
    /// Nanoseconds that one event every microsecond would have waited for the thread.
    /// Counting gaps alone would hide the long ones: a gap of a millisecond is one gap,
    /// and makes a thousand such events wait.
    pub waits: Histogram<u64>,
    /// Context switches of the measuring thread.
    pub switches: Option<Switches>,
}

/// Measures all the cores at the same time, each with a thread of its own, as an engine would
/// use them. `watch` is told how much time has passed.
/// Nothing comes back if `stop` was set before the end.
pub fn measure(
    cores: &[usize],
    time: Duration,
    clock: &Clock,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(Duration),
) -> Option<Vec<Result<CoreHiccups, PinError>>> {
    let start = Barrier::new(cores.len());
    let measured = thread::scope(|scope| {
        let threads: Vec<_> = cores
            .iter()
            .map(|&core| {
                let start = &start;
                scope.spawn(move || {
                    let pinned = os::pin(core);
                    let gaps = empty();
                    // also without a core, or the others would wait for ever
                    start.wait();
                    pinned.map(|()| watch_core(core, gaps, time, clock, stop))
                })
            })
            .collect();
        let begun = clock.raw();
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(LOOK.min(time));
            watch(Duration::from_nanos(clock.since_ns(begun)));
        }
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().expect("the loop below does not panic")
        };
        threads.into_iter().map(join).collect()
    });
    // The flag carries nothing but itself.
    (!stop.load(Ordering::Relaxed)).then_some(measured)
}

fn empty() -> Histogram<u64> {
    let mut gaps = Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("bounds in order");
    // Writes every bucket, so that the first gap of a kind does not cause the next by a page fault.
    gaps.reset();
    gaps
}

fn watch_core(
    core: usize,
    mut gaps: Histogram<u64>,
    time: Duration,
    clock: &Clock,
    stop: &AtomicBool,
) -> CoreHiccups {
    let before = os::switches();
    let width = clock.after(0, Duration::from_nanos(GAP_NS));
    let begun = clock.raw();
    let end = clock.after(begun, time);
    let (mut last, mut readings, mut lost_ns, mut over) = (begun, 0_u64, 0_u64, [0_u64; 4]);
    while last < end && !stop.load(Ordering::Relaxed) {
        let now = clock.raw();
        readings += 1;
        if now.saturating_sub(last) <= width {
            last = now;
            continue;
        }
        let gap = clock.delta_ns(last, now);
        lost_ns = lost_ns.saturating_add(gap);
        for (count, above) in over.iter_mut().zip(COUNTED_NS) {
            *count += u64::from(gap > above);
        }
        gaps.saturating_record(gap);
        // what the counting took is not the core's doing
        last = clock.raw();
    }
    let elapsed_ns = clock.delta_ns(begun, last);
    let switches = before.zip(os::switches()).map(|(from, to)| Switches {
        voluntary: to.voluntary.saturating_sub(from.voluntary),
        involuntary: to.involuntary.saturating_sub(from.involuntary),
    });
    CoreHiccups {
        core,
        elapsed_ns,
        readings,
        lost_ns,
        over,
        max_ns: gaps.max(),
        waits: waits(&gaps, elapsed_ns, lost_ns, readings),
        switches,
    }
}

/// From gaps to what one event every [`GAP_NS`] would have waited: those in a gap for its rest,
/// all others for one reading of the clock.
fn waits(gaps: &Histogram<u64>, elapsed_ns: u64, lost_ns: u64, readings: u64) -> Histogram<u64> {
    let mut waits = gaps.clone_correct(GAP_NS);
    let events = elapsed_ns / GAP_NS;
    let reading_ns = elapsed_ns.saturating_sub(lost_ns) / readings.max(1);
    waits.saturating_record_n(reading_ns, events.saturating_sub(waits.len()));
    waits
}
