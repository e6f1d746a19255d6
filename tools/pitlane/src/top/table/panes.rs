//! Which tables there are, and what stands in their columns.

use super::text::{count, percent, span, wall_text};
use super::{Cell, Column, Row, Table, Tone};
use crate::top::view::{
    AgentView, CounterView, EdgeView, ErrorView, LatencyView, Percentiles, ThreadView, View,
};
use pitlane_app::report::thousands;
use pitlane_runtime::beat::THREAD_OWNER;
use pitlane_runtime::health::Verdict;

const fn left(key: &'static str, title: &'static str, width: usize) -> Column {
    Column {
        key,
        title,
        right: false,
        width,
    }
}

const fn right(key: &'static str, title: &'static str, width: usize) -> Column {
    Column {
        key,
        title,
        right: true,
        width,
    }
}

const THREADS: [Column; 15] = [
    left("thread", "THREAD", 10),
    right("core", "CORE", 4),
    right("on", "ON", 2),
    left("state", "STATE", 16),
    right("loops", "LOOPS/S", 10),
    right("busy", "BUSY%", 5),
    right("cpu", "CPU%", 5),
    right("beat", "BEAT", 8),
    right("longest", "LONGEST", 8),
    right("stalls", "STALLS", 6),
    right("parks", "PARKS/S", 7),
    right("idle", "IDLE%", 5),
    right("wait", "WAIT%", 5),
    left("rest", "REST", 7),
    right("tid", "TID", 7),
];

const AGENTS: [Column; 13] = [
    left("agent", "AGENT", 10),
    left("state", "STATE", 14),
    right("work", "WORK/S", 10),
    right("polls", "POLLS/S", 10),
    right("busy", "BUSY%", 5),
    right("idle", "IDLE%", 5),
    right("held", "HELD%", 5),
    right("errors", "ERRORS", 6),
    right("panics", "PANICS", 6),
    right("total", "WORK", 13),
    right("held-total", "HELD", 8),
    right("up", "UP", 7),
    left("thread", "THREAD", 10),
];

const EDGES: [Column; 13] = [
    left("edge", "EDGE", 18),
    right("sent", "SENT/S", 10),
    right("received", "TAKEN/S", 10),
    right("depth", "DEPTH", 7),
    right("full", "FULL%", 5),
    right("high", "HIGH", 7),
    right("held", "HELD%", 5),
    right("dropped", "DROPPED", 7),
    right("capacity", "SIZE", 7),
    right("held-total", "HELD", 9),
    right("replaced", "REPLACED", 8),
    right("total", "SENT", 13),
    left("route", "FROM > TO", 22),
];

const LATENCIES: [Column; 13] = [
    left("latency", "LATENCY", 10),
    right("rate", "COUNT/S", 9),
    right("p50", "P50", 8),
    right("p90", "P90", 8),
    right("p99", "P99", 8),
    right("p999", "P99.9", 8),
    right("max", "MAX", 8),
    right("total", "ALL COUNT", 12),
    right("all-p50", "ALL P50", 9),
    right("all-p90", "ALL P90", 9),
    right("all-p99", "ALL P99", 9),
    right("all-p999", "ALL P99.9", 9),
    right("all-max", "ALL MAX", 9),
];

const COUNTERS: [Column; 5] = [
    left("counter", "COUNTER", 30),
    right("value", "VALUE", 15),
    right("rate", "PER S", 10),
    left("unit", "UNIT", 8),
    left("help", "MEANING", 20),
];

const ERRORS: [Column; 5] = [
    right("count", "TIMES", 7),
    left("last", "LAST", 20),
    left("who", "WHO", 10),
    left("message", "ERROR", 30),
    left("first", "FIRST", 20),
];

const PINNING: [Column; 11] = [
    left("thread", "THREAD", 10),
    right("core", "PINNED", 6),
    right("on", "RUNS ON", 7),
    left("rest", "REST", 7),
    left("allowed", "MAY RUN ON", 10),
    left("agents", "AGENTS", 10),
    right("cpu", "CPU%", 5),
    right("wait", "WAIT%", 5),
    right("switched", "SWITCHED/S", 10),
    right("parks", "PARKS/S", 7),
    right("tid", "TID", 7),
];

/// The columns of all tables.
pub fn all_columns() -> impl Iterator<Item = Column> {
    let tables: [&[Column]; 7] = [
        &THREADS, &AGENTS, &EDGES, &LATENCIES, &COUNTERS, &ERRORS, &PINNING,
    ];
    tables.into_iter().flatten().copied()
}

/// All tables of a view.
pub fn tables(view: &View) -> Vec<Table> {
    vec![
        table("threads", &THREADS, view.threads.iter().map(thread)),
        table("agents", &AGENTS, view.agents.iter().map(agent)),
        table("edges", &EDGES, view.edges.iter().map(edge)),
        table("latency", &LATENCIES, view.latencies.iter().map(latency)),
        table("counters", &COUNTERS, view.counters.iter().map(counter)),
        table("errors", &ERRORS, view.errors.iter().map(error)),
    ]
}

/// Which thread runs what, where.
pub fn pinning(view: &View) -> Table {
    table("pinning", &PINNING, view.threads.iter().map(pinned))
}

fn table(name: &'static str, columns: &[Column], rows: impl Iterator<Item = Vec<Cell>>) -> Table {
    Table {
        name,
        columns: columns.to_vec(),
        rows: rows.map(|cells| Row { cells }).collect(),
    }
}

fn thread(thread: &ThreadView) -> Vec<Cell> {
    let beat = thread.beat_age_ns.map_or_else(Cell::unknown, time);
    vec![
        name(&thread.name),
        thread.core.map_or_else(Cell::unknown, plain),
        on_core(thread),
        thread_state(thread),
        rate(thread.loops_per_s),
        share(thread.busy_share),
        share(thread.cpu_share),
        if is_hung(thread) {
            beat.tone(Tone::Bad)
        } else {
            beat
        },
        time_or_nothing(thread.cycle_max_ns),
        stalls(thread),
        rate(thread.parks_per_s),
        share(thread.idle_share),
        waiting(thread.wait_share),
        thread.rest.map_or_else(Cell::unknown, Cell::text),
        plain(thread.tid.into()),
    ]
}

fn pinned(thread: &ThreadView) -> Vec<Cell> {
    vec![
        name(&thread.name),
        thread
            .core
            .map_or_else(|| Cell::text("no").tone(Tone::Dim), plain),
        on_core(thread),
        thread.rest.map_or_else(Cell::unknown, Cell::text),
        thread
            .allowed
            .as_ref()
            .map_or_else(Cell::unknown, Cell::text),
        Cell::text(thread.agents.join(", ")),
        share(thread.cpu_share),
        waiting(thread.wait_share),
        switched(thread),
        rate(thread.parks_per_s),
        plain(thread.tid.into()),
    ]
}

/// A thread that spins on a core of its own does not yield, and nobody should take the core away.
fn switched(thread: &ThreadView) -> Cell {
    let cell = rate(thread.switched_per_s);
    match cell.number {
        Some(times) if times > 0.0 && thread.core.is_some() && thread.rest == Some("spin") => {
            cell.tone(Tone::Warn)
        }
        _ => cell,
    }
}

/// The core a thread is on; wrong when it is not the one it is pinned to.
fn on_core(thread: &ThreadView) -> Cell {
    let Some(on) = thread.on_core else {
        return Cell::unknown();
    };
    let cell = plain(on as u64);
    match thread.core {
        Some(core) if core != on as u64 => cell.tone(Tone::Bad),
        _ => cell,
    }
}

fn is_hung(thread: &ThreadView) -> bool {
    thread.verdict.is_some_and(Verdict::is_hung)
}

fn thread_state(thread: &ThreadView) -> Cell {
    let polling = thread.polling.as_deref();
    let place = polling.map_or(String::new(), |agent| format!(" in {agent}"));
    match thread.verdict {
        Some(Verdict::Ended) => Cell::text(format!("ended{place}")).tone(Tone::Dim),
        Some(verdict @ (Verdict::Looping | Verdict::Blocked)) => {
            Cell::text(format!("{verdict}{place}")).tone(Tone::Bad)
        }
        Some(Verdict::Starved) => Cell::text("starved").tone(Tone::Warn),
        _ if thread.parked => Cell::text("parked").tone(Tone::Dim),
        _ => match polling {
            Some(agent) => Cell::text(format!("polls {agent}")).tone(Tone::Good),
            None => Cell::text("between polls").tone(Tone::Good),
        },
    }
}

fn agent(agent: &AgentView) -> Vec<Cell> {
    vec![
        name(&agent.name),
        agent_state(agent),
        rate(agent.work_per_s),
        rate(agent.polls_per_s),
        share(agent.busy_share),
        share(agent.idle_share),
        waiting(agent.held_share),
        amiss(agent.errors),
        amiss(agent.panics),
        whole(agent.work),
        time_or_nothing(agent.held_ns),
        agent.uptime_ns.map_or_else(Cell::unknown, time),
        agent.thread.as_ref().map_or_else(Cell::unknown, Cell::text),
    ]
}

/// Worth a look when they go on.
fn stalls(thread: &ThreadView) -> Cell {
    let cell = whole(thread.stalls);
    match thread.stalls_recent {
        Some(1..) => cell.tone(Tone::Warn),
        _ => cell,
    }
}

fn agent_state(agent: &AgentView) -> Cell {
    match agent.verdict {
        _ if agent.panics > 0 => Cell::text("panicked").tone(Tone::Bad),
        Some(Verdict::BackPressured) => {
            Cell::text(Verdict::BackPressured.to_string()).tone(Tone::Warn)
        }
        Some(Verdict::Ended) if agent.state != "terminated" => {
            Cell::text(format!("was {}", agent.state)).tone(Tone::Warn)
        }
        _ if agent.state == "ready" => Cell::text("ready").tone(Tone::Good),
        _ => Cell::text(agent.state.as_str()).tone(Tone::Dim),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn edge(edge: &EdgeView) -> Vec<Cell> {
    let full = edge
        .capacity
        .map(|capacity| edge.depth as f64 / capacity as f64);
    vec![
        name(&edge.name),
        rate(edge.sent_per_s),
        rate(edge.received_per_s),
        whole(edge.depth),
        waiting(full),
        whole(edge.high_water),
        waiting(edge.held_share),
        amiss(edge.dropped),
        edge.capacity.map_or_else(Cell::unknown, whole),
        time_or_nothing(edge.held_ns),
        whole(edge.replaced),
        whole(edge.sent),
        Cell::text(format!("{} > {}", edge.from, edge.to)),
    ]
}

fn latency(latency: &LatencyView) -> Vec<Cell> {
    let times = |p: &Percentiles| [p.p50, p.p90, p.p99, p.p999, p.max];
    let recent = latency.recent.filter(|recent| recent.count > 0);
    let what = match latency.owner.strip_prefix(THREAD_OWNER) {
        Some(thread) => format!("{} {thread}", latency.name),
        None => latency.name.clone(),
    };
    let mut cells = vec![name(&what), rate(latency.per_s)];
    match recent {
        Some(recent) => cells.extend(times(&recent).map(time)),
        None => cells.extend((0..5).map(|_| Cell::unknown())),
    }
    cells.push(whole(latency.total.count));
    match latency.total.count {
        0 => cells.extend((0..5).map(|_| Cell::unknown())),
        _ => cells.extend(times(&latency.total).map(time)),
    }
    cells
}

fn counter(counter: &CounterView) -> Vec<Cell> {
    vec![
        name(&format!("{}/{}", counter.owner, counter.label)),
        match counter.unit {
            "ns" => time(counter.value),
            _ => whole(counter.value),
        },
        rate(counter.per_s),
        Cell::text(counter.unit).tone(Tone::Dim),
        Cell::text(counter.help).tone(Tone::Dim),
    ]
}

fn error(error: &ErrorView) -> Vec<Cell> {
    vec![
        whole(error.count),
        Cell::text(wall_text(error.last_wall_ns)),
        name(&error.who),
        Cell::text(error.message.as_str()).tone(Tone::Bad),
        Cell::text(wall_text(error.first_wall_ns)).tone(Tone::Dim),
    ]
}

fn name(text: &str) -> Cell {
    Cell::text(text).tone(Tone::Name)
}

#[expect(clippy::cast_precision_loss, reason = "an order for people")]
fn whole(number: u64) -> Cell {
    nothing(Cell::number(thousands(number), number as f64))
}

/// A cell that says nothing when it is zero.
fn nothing(cell: Cell) -> Cell {
    if cell.number == Some(0.0) {
        cell.tone(Tone::Dim)
    } else {
        cell
    }
}

/// An id: not grouped, because nobody counts it.
#[expect(clippy::cast_precision_loss, reason = "an order for people")]
fn plain(number: u64) -> Cell {
    Cell::number(number.to_string(), number as f64)
}

/// A number that should be zero.
fn amiss(number: u64) -> Cell {
    match number {
        0 => whole(0),
        _ => whole(number).tone(Tone::Bad),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an order for people")]
fn time(ns: u64) -> Cell {
    Cell::number(span(ns), ns as f64)
}

/// A time that is not worth a unit while it is zero.
fn time_or_nothing(ns: u64) -> Cell {
    match ns {
        0 => nothing(Cell::number("0".to_owned(), 0.0)),
        _ => time(ns),
    }
}

fn rate(rate: Option<f64>) -> Cell {
    rate.map_or_else(Cell::unknown, |rate| {
        nothing(Cell::number(count(rate), rate))
    })
}

fn share(share: Option<f64>) -> Cell {
    share.map_or_else(Cell::unknown, |share| {
        nothing(Cell::number(percent(share), share))
    })
}

/// A share that should be small.
fn waiting(waiting: Option<f64>) -> Cell {
    let cell = share(waiting);
    match waiting {
        Some(share) if share >= 0.5 => cell.tone(Tone::Bad),
        Some(share) if share >= 0.1 => cell.tone(Tone::Warn),
        _ => cell,
    }
}
