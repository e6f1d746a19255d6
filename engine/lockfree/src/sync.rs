//! One switch between the machine's atomics and loom's.
//!
//! Under `cfg(loom)` every atomic, fence, lock and thread of this crate is loom's, so a loom test explores the code that runs.
//! The names are aliases and thin functions, never re-exports.

/// An atomic word.
#[cfg(not(loom))]
pub type AtomicU64 = core::sync::atomic::AtomicU64;
/// An atomic word, seen by the model checker.
#[cfg(loom)]
pub type AtomicU64 = loom::sync::atomic::AtomicU64;

/// A memory ordering.
pub type Ordering = core::sync::atomic::Ordering;

/// A lock, for start-up and slow paths only.
#[cfg(not(loom))]
pub(crate) type Mutex<T> = std::sync::Mutex<T>;
/// A lock, for start-up and slow paths only.
#[cfg(loom)]
pub(crate) type Mutex<T> = loom::sync::Mutex<T>;

/// A thread that can be unparked.
#[cfg(not(loom))]
pub(crate) type Thread = std::thread::Thread;
/// A thread that can be unparked.
#[cfg(loom)]
pub(crate) type Thread = loom::thread::Thread;

/// An atomic fence.
#[inline]
pub fn fence(ordering: Ordering) {
    #[cfg(not(loom))]
    core::sync::atomic::fence(ordering);
    #[cfg(loom)]
    loom::sync::atomic::fence(ordering);
}

/// The calling thread.
pub(crate) fn current_thread() -> Thread {
    #[cfg(not(loom))]
    return std::thread::current();
    #[cfg(loom)]
    return loom::thread::current();
}

/// Parks the calling thread until it is unparked or the time is over.
/// Loom has no clock: there the park is unbounded, so that a lost wake-up shows as a deadlock.
pub(crate) fn park_timeout(timeout: core::time::Duration) {
    #[cfg(not(loom))]
    std::thread::park_timeout(timeout);
    #[cfg(loom)]
    {
        let _ = timeout;
        loom::thread::park();
    }
}
