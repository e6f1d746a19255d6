//! Memory that is there before it is needed: taken from the allocator, and its pages made by the kernel.
//!
//! What fills while a market is followed begins with the room that it usually needs, so that neither is asked later.

use std::hint::black_box;
use std::mem::MaybeUninit;

#[cfg(test)]
mod tests;

/// Bytes of a page, or less: where pages are larger a page is written to more than once.
const PAGE: usize = 4096;

/// An empty vector with room for `capacity`, of which the pages of the first `ready` are present.
pub(crate) fn ready<T>(capacity: usize, ready: usize) -> Vec<T> {
    let mut memory = Vec::with_capacity(capacity);
    let slots = &mut memory.spare_capacity_mut()[..ready.min(capacity)];
    // One write a page makes it; the last slot may lie on a page of its own.
    let stride = (PAGE / size_of::<T>().max(1)).max(1);
    for slot in slots.iter_mut().step_by(stride) {
        *black_box(slot) = MaybeUninit::zeroed();
    }
    if let Some(last) = slots.last_mut() {
        *black_box(last) = MaybeUninit::zeroed();
    }
    memory
}

/// As many zeros, with their pages present.
pub(crate) fn zeros(count: usize) -> Vec<i64> {
    // Zeroed memory comes without pages, and costs nothing else.
    let mut zeros = vec![0; count];
    for word in zeros.iter_mut().step_by(PAGE / size_of::<i64>()) {
        *black_box(word) = 0;
    }
    if let Some(last) = zeros.last_mut() {
        *black_box(last) = 0;
    }
    zeros
}
