//! Waking a parked thread, at the price of a fence and a load while it is awake.
//!
//! The consumer marks itself parked and then looks at its inputs once more; the producer publishes and then looks at the mark.
//! A full fence between the two steps on both sides means that at least one of them sees the other: no wake-up is lost.
//! The park is bounded all the same, because a thread also has timers.

use crate::region::{Region, Words};
use crate::sync::{Mutex, Ordering, Thread, current_thread, fence, park_timeout};
use core::time::Duration;
use std::sync::Arc;

#[cfg(test)]
mod tests;

const AWAKE: u64 = 0;
const PARKED: u64 = 1;

struct Shared {
    state: Words,
    /// The thread that parks. Locked when it first parks and by whoever wakes it, never on the way of a message.
    thread: Mutex<Option<Thread>>,
}

/// The two ends: the parker for the consumer's thread, the waker (to be cloned) for its producers.
///
/// ```
/// use pitlane_lockfree::wake::parker;
/// use std::time::Duration;
/// let (mut parker, waker) = parker();
/// let producer = std::thread::spawn(move || waker.wake());
/// // Nothing to do, so wait; what came in between is seen by the recheck.
/// let _ = parker.park(Duration::from_millis(1), || false);
/// producer.join().unwrap();
/// ```
#[must_use]
pub fn parker() -> (Parker, Waker) {
    let shared = Arc::new(Shared {
        state: Region::words(&Region::heap(1), 0, 1),
        thread: Mutex::new(None),
    });
    let waker = Waker {
        shared: Arc::clone(&shared),
    };
    (
        Parker {
            shared,
            known: false,
        },
        waker,
    )
}

/// How a park ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parked {
    /// The recheck found something: the thread did not sleep.
    NotNeeded,
    /// It slept, and somebody woke it.
    Woken,
    /// It slept until the time was over, or was woken by accident.
    TimedOut,
}

/// The consumer's end. It belongs to the thread that first parks with it.
pub struct Parker {
    shared: Arc<Shared>,
    known: bool,
}

impl Parker {
    /// Sleeps until woken or until the timeout, unless `recheck` finds something to do.
    /// `recheck` looks at every input of the thread; it is called once, after the thread is marked as parked.
    pub fn park(&mut self, timeout: Duration, recheck: impl FnOnce() -> bool) -> Parked {
        if !self.known {
            *lock(&self.shared.thread) = Some(current_thread());
            self.known = true;
        }
        let state = &self.shared.state[0];
        state.store(PARKED, Ordering::Relaxed);
        // Mark, then look. The other side publishes, then looks at the mark.
        // PAIRS: the fence in Waker::wake.
        fence(Ordering::SeqCst);
        if recheck() {
            state.store(AWAKE, Ordering::Relaxed);
            return Parked::NotNeeded;
        }
        park_timeout(timeout);
        if state.swap(AWAKE, Ordering::Relaxed) == AWAKE {
            Parked::Woken
        } else {
            Parked::TimedOut
        }
    }
}

/// The producers' end.
#[derive(Clone)]
pub struct Waker {
    shared: Arc<Shared>,
}

impl Waker {
    /// Wakes the consumer if it is parked or about to park. Call it after publishing, once per duty cycle.
    #[inline]
    pub fn wake(&self) {
        // PAIRS: the fence in Parker::park.
        fence(Ordering::SeqCst);
        if self.shared.state[0].load(Ordering::Relaxed) == PARKED {
            self.unpark();
        }
    }

    /// Whether the consumer is parked, or about to.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.shared.state[0].load(Ordering::Relaxed) == PARKED
    }

    #[cold]
    fn unpark(&self) {
        // Of several producers only the first pays for the system call.
        if self.shared.state[0].swap(AWAKE, Ordering::Relaxed) == PARKED
            && let Some(thread) = lock(&self.shared.thread).as_ref()
        {
            thread.unpark();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> impl core::ops::DerefMut<Target = T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
