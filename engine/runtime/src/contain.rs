//! Runs a piece of an agent so that its panic becomes a sentence instead of a dead thread.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

#[cfg(test)]
mod tests;

thread_local! {
    /// Whether a panic on this thread is expected to be contained right now.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    /// Where the contained panic happened.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Calls `run`; a panic inside it comes back as its message and place.
///
/// The caller must treat whatever `run` worked on as broken afterwards.
#[inline]
pub(crate) fn contain<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let outer = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    CONTAINED.set(outer);
    result.map_err(|payload| describe(&*payload))
}

/// Keeps contained panics off stderr and notes where they happened; all others go the usual way.
/// Called once by whoever starts agents.
pub(crate) fn install_hook() {
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                return usual(info);
            }
            let place = info.location().map(ToString::to_string);
            // Empty unless RUST_BACKTRACE asks for it.
            let trace = Backtrace::capture();
            let text = match trace.status() {
                std::backtrace::BacktraceStatus::Captured => {
                    format!("{}\n{trace}", place.unwrap_or_default())
                }
                _ => place.unwrap_or_default(),
            };
            PLACE.with_borrow_mut(|slot| *slot = Some(text));
        }));
    });
}

#[cold]
fn describe(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    match PLACE.take() {
        Some(place) => format!("{message} at {place}"),
        None => message,
    }
}
