//! Runs a piece of an agent so that its panic becomes a sentence instead of a dead thread.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

#[cfg(test)]
mod tests;

thread_local! {
    /// Whether a panic on this thread is expected to be contained right now.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    /// Where the contained panic happened, and the way there if the environment asks for it.
    static PLACE: RefCell<Option<(String, Option<String>)>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// A panic that was contained.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panic {
    /// `panicked: MESSAGE at FILE:LINE:COLUMN`
    pub sentence: String,
    /// Only when `RUST_BACKTRACE` is set.
    pub backtrace: Option<String>,
}

/// Calls `run`; a panic inside it comes back as its message and place.
///
/// The caller must treat whatever `run` worked on as broken afterwards.
#[inline]
pub(crate) fn contain<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
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
            let place = info
                .location()
                .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
            let trace = Backtrace::capture();
            let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
            PLACE.with_borrow_mut(|slot| *slot = Some((place, trace)));
        }));
    });
}

#[cold]
fn describe(payload: &(dyn Any + Send)) -> Panic {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    // Without the hook there is no place to tell.
    let (place, backtrace) = PLACE.take().unzip();
    let place = place.map_or(String::new(), |place| format!(" at {place}"));
    Panic {
        sentence: format!("panicked: {message}{place}"),
        backtrace: backtrace.flatten(),
    }
}
