//! How a number is declared: once, as a constant, for whoever writes, reads or explains it.
//!
//! A crate holds the declarations of what it writes; `counters` of the app lists them all, and nothing else does.
//! The page carries the id, so that a reader finds unit and help without trusting the spelling of a label.

use super::{EntryKind, Unit};

/// Who has such a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// Each agent, under its own name.
    EveryAgent,
    /// Each agent that has a log handle.
    LoggingAgent,
    /// One agent.
    Agent(&'static str),
    /// Each thread, under `thread/` and its name.
    Thread,
    /// Each edge; the agent that sends on it writes the number, labelled `edge.<edge>.<label>`.
    EdgeWriter,
    /// Each edge; the agent that takes from it writes the number, labelled `edge.<edge>.<label>`.
    EdgeReader,
}

impl Owner {
    /// The kind of thing that is counted: `agent`, `thread` or `edge`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::EveryAgent | Self::LoggingAgent | Self::Agent(_) => "agent",
            Self::Thread => "thread",
            Self::EdgeWriter | Self::EdgeReader => "edge",
        }
    }
}

/// A number as declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declared {
    /// Its number, never 0, unique in a program, and never given to something else later on.
    pub id: u16,
    /// Its label; of an edge's number the last part of it.
    pub label: &'static str,
    /// What kind of number it is.
    pub kind: EntryKind,
    /// What it counts in.
    pub unit: Unit,
    /// Who has one.
    pub owner: Owner,
    /// What it says, in one sentence.
    pub help: &'static str,
}

impl Declared {
    /// A number that only grows.
    #[must_use]
    pub const fn counter(
        id: u16,
        owner: Owner,
        label: &'static str,
        unit: Unit,
        help: &'static str,
    ) -> Self {
        let kind = EntryKind::Counter;
        Self {
            id,
            label,
            kind,
            unit,
            owner,
            help,
        }
    }

    /// A number that is set.
    #[must_use]
    pub const fn gauge(
        id: u16,
        owner: Owner,
        label: &'static str,
        unit: Unit,
        help: &'static str,
    ) -> Self {
        let kind = EntryKind::Gauge;
        Self {
            id,
            label,
            kind,
            unit,
            owner,
            help,
        }
    }

    /// A distribution.
    #[must_use]
    pub const fn histogram(
        id: u16,
        owner: Owner,
        label: &'static str,
        unit: Unit,
        help: &'static str,
    ) -> Self {
        let kind = EntryKind::Histogram;
        Self {
            id,
            label,
            kind,
            unit,
            owner,
            help,
        }
    }

    /// The label on the page: of an edge's number with the edge in it.
    #[must_use]
    pub fn label_on(&self, edge: &str) -> String {
        format!("edge.{edge}.{}", self.label)
    }

    /// Whether an entry of that owner and label is this number.
    #[must_use]
    pub fn names(&self, owner: &str, label: &str) -> bool {
        match self.owner {
            Owner::EveryAgent | Owner::LoggingAgent => {
                !owner.starts_with(THREAD_OWNER) && label == self.label
            }
            Owner::Agent(agent) => owner == agent && label == self.label,
            Owner::Thread => owner.starts_with(THREAD_OWNER) && label == self.label,
            Owner::EdgeWriter | Owner::EdgeReader => label
                .strip_prefix("edge.")
                .and_then(|label| label.rsplit_once('.'))
                .is_some_and(|(edge, last)| !edge.is_empty() && last == self.label),
        }
    }
}

/// Owner of a thread's numbers: this, then the thread's name.
pub const THREAD_OWNER: &str = "thread/";

/// Declares numbers as constants, and `DECLARED` as the list of them. The comment above one is its help.
///
/// ```
/// use pitlane_lockfree::counters::Owner;
/// pitlane_lockfree::declare! {
///     /// Frames read.
///     FRAMES = counter(500, Owner::Agent("feed"), "frames", Count);
///     /// From the frame to its messages.
///     DECODE = histogram(501, Owner::Agent("feed"), "latency.decode", Nanoseconds);
/// }
/// assert_eq!((FRAMES.id, FRAMES.help, DECLARED.len()), (500, "Frames read.", 2));
/// ```
#[macro_export]
macro_rules! declare {
    ($($(#[doc = $help:literal])+ $name:ident = $kind:ident($id:literal, $owner:expr, $label:literal, $unit:ident);)+) => {
        $(
            $(#[doc = $help])+
            pub const $name: $crate::counters::Declared = $crate::counters::Declared::$kind(
                $id,
                $owner,
                $label,
                $crate::counters::Unit::$unit,
                concat!($($help),+).trim_ascii(),
            );
        )+
        /// Every number declared here, for the table of all numbers.
        pub const DECLARED: &[$crate::counters::Declared] = &[$($name),+];
    };
}
