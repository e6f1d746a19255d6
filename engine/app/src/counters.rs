//! The table of all numbers: every counter, gauge and distribution an engine keeps, whoever writes it.
//!
//! A crate declares what it writes; here they come together, and nothing else lists them.
//! `docs/counters.md` is printed from this table, tools take units and help from it, and a test holds it against the
//! page of a running engine.
//!
//! Ids belong to rooms: threads from 1, agents from 30, the logger from 60, the supervisor from 70, edges from 100,
//! the feed from 200, the market from 300, the recorder from 400, storage from 500.
//! A number that is gone leaves its id behind, unused.

use pitlane_lockfree::counters::{Declared, Entry, EntryKind, Owner};
use pitlane_lockfree::{declare, ring};
use pitlane_runtime::{beat, log, supervisor};
use std::fmt::Write as _;

pub mod refused;
#[cfg(test)]
mod tests;

declare! {
    /// Frames read from the source.
    FRAMES = counter(200, Owner::Agent("feed"), "frames", Count);
    /// Bytes of the source read so far.
    BYTES_DONE = gauge(201, Owner::Agent("feed"), "bytes_done", Bytes);
    /// Bytes of the source in all.
    BYTES_TOTAL = gauge(202, Owner::Agent("feed"), "bytes_total", Bytes);
    /// Service time: from the frame in memory to its messages ready.
    DECODE = histogram(203, Owner::Agent("feed"), "latency.decode", Nanoseconds);
    /// Lateness: from the moment a paced input should have been sent to the moment it was taken; 0 at full speed.
    BEHIND = histogram(204, Owner::Agent("feed"), "latency.behind", Nanoseconds);
    /// Connections to venues that were made.
    CONNECTED = counter(205, Owner::Agent("feed"), "connections_made", Count);
    /// Connections to venues that were lost.
    DISCONNECTED = counter(206, Owner::Agent("feed"), "connections_lost", Count);
    /// Connections that a successor took over from before they were lost.
    HANDED_OVER = counter(207, Owner::Agent("feed"), "connections_handed_over", Count);
    /// Connections to venues that are open.
    ACTIVE = gauge(208, Owner::Agent("feed"), "connections_active", Count);
    /// Connections to venues that are wanted.
    WANTED = gauge(209, Owner::Agent("feed"), "connections_wanted", Count);
    /// Books in step with their venue; of a live source only.
    BOOKS_IN_STEP = gauge(210, Owner::Agent("feed"), "books_in_step", Count);
    /// Instruments of a live source.
    INSTRUMENTS = gauge(211, Owner::Agent("feed"), "instruments", Count);
    /// Instruments whose trades from before the start are still fetched.
    HISTORY_LEFT = gauge(212, Owner::Agent("feed"), "history_left", Count);
    /// Holes in trade ids and books that a live source found.
    GAPS = gauge(213, Owner::Agent("feed"), "gaps", Count);
    /// Missing trades that were fetched.
    BACKFILLED = gauge(214, Owner::Agent("feed"), "trades_backfilled", Count);
    /// Requests to venues.
    REQUESTS = counter(215, Owner::Agent("feed"), "requests", Count);
    /// Requests to venues that failed or were refused.
    REQUEST_FAILURES = counter(216, Owner::Agent("feed"), "request_failures", Count);
    /// Frames thrown away because the sequencer had no room for too long.
    THROWN_AWAY = counter(217, Owner::Agent("feed"), "frames_thrown_away", Count);
    /// Venues to which nothing is sent for a while, because too much failed.
    BREAKER = gauge(218, Owner::Agent("feed"), "circuit_breaker_state", Count);
    /// Instruments of a live source whose data comes later after the venue's time than `live.drift` allows.
    LATE = gauge(244, Owner::Agent("feed"), "instruments_late", Count);
    /// Latency of a live source: from the read of the socket to the end of the turn in which the sequencer numbered it.
    SOCKET = histogram(219, Owner::Agent("sequencer"), "latency.socket", Nanoseconds);
    /// Latency: from the moment an input came, or a paced one should have been sent, to books and bars.
    MARKET = histogram(300, Owner::Agent("market"), "latency.market", Nanoseconds);
    /// Service time: from the moment a paced input was taken to books and bars; empty at full speed, where latency is the same.
    MARKET_SERVICE = histogram(301, Owner::Agent("market"), "service.market", Nanoseconds);
    /// Latency: from the moment an input came, or a paced one should have been sent, to the tick store.
    RECORD = histogram(400, Owner::Agent("recorder"), "latency.record", Nanoseconds);
    /// Service time: from the moment a paced input was taken to the tick store; empty at full speed, where latency is the same.
    RECORD_SERVICE = histogram(401, Owner::Agent("recorder"), "service.record", Nanoseconds);
    /// Service time of one transaction.
    COMMIT = histogram(500, Owner::Agent("storage"), "latency.commit", Nanoseconds);
    /// Committed sequence numbers that the database has not seen.
    LAG = gauge(501, Owner::Agent("storage"), "lag_sequences", Count);
    /// Size of the database's write-ahead log.
    WAL = gauge(502, Owner::Agent("storage"), "wal_bytes", Bytes);
}

/// Every number, by room.
pub fn all() -> impl Iterator<Item = &'static Declared> {
    const ROOMS: [&[Declared]; 8] = [
        beat::DECLARED,
        log::DECLARED,
        log::LOGGER_DECLARED,
        supervisor::DECLARED,
        ring::DECLARED,
        DECLARED,
        refused::causes::DECLARED,
        refused::frames::DECLARED,
    ];
    ROOMS.into_iter().flatten()
}

/// The number of that id.
pub fn by_id(id: u16) -> Option<&'static Declared> {
    all().find(|what| what.id == id)
}

/// What an entry of a page says. `None` for one that this build does not know.
pub fn of(entry: &Entry) -> Option<&'static Declared> {
    by_id(entry.id).filter(|what| what.kind == entry.value.kind() && what.unit == entry.unit)
}

/// The number a name of a stats dump stands for, such as `feed/frames`; lengths of time are in nanoseconds there.
pub fn by_name(name: &str) -> Option<&'static Declared> {
    let (owner, label) = name.rsplit_once('/')?;
    let ticks = label
        .strip_suffix("_ns")
        .map(|stem| format!("{stem}_ticks"));
    let named = |label: &str| all().find(|what| what.names(owner, label));
    named(label).or_else(|| ticks.as_deref().and_then(named))
}

/// The table as `docs/counters.md`.
pub fn render() -> String {
    let mut text = String::from(
        "# Counters\n\n\
         Made from the declarations in the code by a test of `engine/app`; \
         `UPDATE_EXPECT=1 cargo test -p pitlane-app counters` writes it anew.\n\n\
         Every number an engine keeps on its counters page.\n\
         Its id is on the page, so that a reader needs no label to know it; ids are never used again.\n\
         In `stats.json` and `stats.hlog` a number is called `owner/label`; \
         raw ticks are nanoseconds there, and `_ticks` in the name is `_ns`.\n",
    );
    let threads = |owner| owner == Owner::Thread;
    let agents = |owner| matches!(owner, Owner::EveryAgent | Owner::LoggingAgent);
    let one = |owner| matches!(owner, Owner::Agent(_));
    let edges = |owner| matches!(owner, Owner::EdgeWriter | Owner::EdgeReader);
    section(
        &mut text,
        "Every thread",
        "The owner is `thread/` and the name in the core map.",
        threads,
    );
    section(
        &mut text,
        "Every agent",
        "The owner is the agent. `errors_told` is there for agents that write log lines. \
         The errors of an agent are its `failures` and its `errors_told` together; \
         its uptime is the time from `since` to `until`, or to now.",
        agents,
    );
    section(&mut text, "One agent", "The owner is the agent named.", one);
    section(
        &mut text,
        "Every edge",
        "The label is `edge.`, the edge, a dot and the label below; \
         the owner is the agent that sends, or for an edge's reader the agent that takes.",
        edges,
    );
    text
}

fn section(text: &mut String, title: &str, about: &str, take: impl Fn(Owner) -> bool) {
    let about = about.replace(". ", ".\n");
    let _ = write!(
        text,
        "\n## {title}\n\n{about}\n\n| id | label | kind | unit | owner | help |\n|---|---|---|---|---|---|\n"
    );
    let mut rows: Vec<_> = all().filter(|what| take(what.owner)).collect();
    rows.sort_by_key(|what| what.id);
    for what in rows {
        let owner = match what.owner {
            Owner::EveryAgent => "agent",
            Owner::LoggingAgent => "agent that logs",
            Owner::Agent(agent) => agent,
            Owner::Thread => "thread",
            Owner::EdgeWriter => "edge, sender",
            Owner::EdgeReader => "edge, reader",
        };
        let kind = match what.kind {
            EntryKind::Histogram => "distribution",
            kind => kind.name(),
        };
        let _ = writeln!(
            text,
            "| {} | `{}` | {kind} | {} | {owner} | {} |",
            what.id,
            what.label,
            what.unit.name(),
            what.help
        );
    }
}
