//! Distinct errors, kept on the counters page: what went wrong, how often, when first and last.
//!
//! Lines of one call site and agent are one kind of error; notices are one kind when they differ
//! in their digits only. The page outlives the process, so `kill -9` does not silence them.

use pitlane_lockfree::counters::{CountersPage, ErrorSlot, ErrorWriter};
use std::collections::HashMap;

/// What makes an error of the same kind.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    /// By source and by address of the call site.
    Line(usize, usize),
    /// By worker and by sentence without its digits.
    Notice(String, String),
}

/// The kinds seen so far, and where each is counted.
pub(super) struct Distinct {
    page: ErrorWriter,
    slots: HashMap<Kind, ErrorSlot>,
}

impl Distinct {
    pub(super) fn on(page: &CountersPage) -> Self {
        Self {
            page: page.errors(),
            slots: HashMap::new(),
        }
    }

    /// Counts an error; `text` is asked for its first time only.
    pub(super) fn count(
        &mut self,
        kind: Kind,
        owner: &str,
        wall_ns: i64,
        text: impl FnOnce() -> String,
    ) {
        if let Some(slot) = self.slots.get(&kind) {
            self.page.again(*slot, wall_ns);
        } else if let Some(slot) = self.page.first(owner, &text(), wall_ns) {
            // What found no room is not remembered, so this table is no larger than the page's.
            self.slots.insert(kind, slot);
        }
    }
}

/// A notice's kind.
pub(super) fn of_notice(worker: &str, message: &str) -> Kind {
    let message = message.chars().filter(|c| !c.is_ascii_digit()).collect();
    Kind::Notice(worker.to_owned(), message)
}
