//! The supervisor agent: collects metrics, keeps the clock anchored, watches heartbeats, and at
//! the end writes the stats dump. It replaces nobody yet: verdicts are told, not acted upon.

use pitlane_lockfree::counters::{
    Anchor as PageAnchor, Counter, CountersPage, Declared, Gauge, Owner, PageError,
};
use pitlane_lockfree::declare;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(test)]
mod tests;

use crate::agent::{Agent, Duty, Turn};
use crate::clock::{Anchor, Anchors, Clock};
use crate::health::{Change, Verdict, Watch};
use crate::log::{Level, Notice, Notices};
use crate::metrics::Collector;
use crate::os;
use crate::stats::{HLOG, HlogWriter, JSON, StatsError, Summary};

/// The supervisor's name.
pub(crate) const ROLE: &str = "supervisor";

declare! {
    /// Updates agents made to their numbers: recorded values, and numbers that changed between two collections.
    UPDATES = counter(70, Owner::Agent(ROLE), "metric_updates", Count);
    /// Batches in which they were collected: one per agent and collection with a change.
    BATCHES = counter(71, Owner::Agent(ROLE), "metric_batches", Count);
    /// Collections of the page.
    FLUSHES = counter(72, Owner::Agent(ROLE), "metric_flushes", Count);
    /// Names refused because the process had its 10,000 already.
    REFUSED = gauge(73, Owner::Agent(ROLE), "names_refused", Count);
}

/// Intervals of one length in the log before they get twice as long, so that a log of a day stays
/// small and the log of a minute stays fine.
const INTERVALS_PER_LENGTH: u64 = 3600;

/// How the supervisor works.
#[derive(Clone, Debug)]
pub struct SupervisorOptions {
    /// Folder of the stats dump; `None` writes none.
    pub folder: Option<PathBuf>,
    /// Time between two collections.
    pub flush: Duration,
    /// Length of an interval of the log, to begin with.
    pub interval: Duration,
    /// Time between two looks at everybody's health.
    pub health: Duration,
    /// A thread that stands in one poll for this long is unresponsive.
    pub hung_after: Duration,
    /// Every number that may be on the page: unit and help of each go into the summary.
    pub declared: Vec<Declared>,
}

impl Default for SupervisorOptions {
    fn default() -> Self {
        Self {
            folder: None,
            flush: Duration::from_millis(100),
            interval: Duration::from_secs(1),
            health: Duration::from_secs(1),
            hung_after: Duration::from_secs(10),
            declared: Vec::new(),
        }
    }
}

/// The agent.
pub struct Supervisor {
    options: SupervisorOptions,
    clock: Clock,
    notices: Notices,
    collector: Collector,
    anchors: Anchors,
    anchor_writer: pitlane_lockfree::counters::page::AnchorWriter,
    hlog: Option<HlogWriter>,
    watch: Watch,
    next_flush: u64,
    next_health: u64,
    interval_start: u64,
    interval: Duration,
    intervals: u64,
    /// The first failure to write; told once, and again at the end.
    broken: Option<String>,
    updates: Counter,
    batches: Counter,
    flushes: Counter,
    refused: Gauge,
}

impl Supervisor {
    /// A supervisor for everything on a page.
    pub fn new(
        page: &CountersPage,
        clock: Clock,
        notices: Notices,
        options: SupervisorOptions,
    ) -> Result<Self, PageError> {
        let anchors = Anchors::new(clock.anchor());
        let now = clock.raw();
        Ok(Self {
            collector: Collector::new(page.reader(), clock.clone()),
            anchor_writer: page.anchors(),
            updates: page.declared_counter(ROLE, &UPDATES)?,
            batches: page.declared_counter(ROLE, &BATCHES)?,
            flushes: page.declared_counter(ROLE, &FLUSHES)?,
            refused: page.declared_gauge(ROLE, &REFUSED)?,
            interval: options.interval,
            options,
            clock,
            notices,
            anchors,
            hlog: None,
            watch: Watch::default(),
            next_flush: now,
            next_health: now,
            interval_start: now,
            intervals: 0,
            broken: None,
        })
    }

    fn anchor(&mut self, anchor: Anchor) {
        self.anchor_writer.add(PageAnchor {
            raw: anchor.raw,
            monotonic_ns: anchor.mono_ns,
            wall_ns: anchor.wall_ns,
        });
    }

    /// Collects once; ends the interval when its time is over, or when `last`.
    fn flush(&mut self, now: u64, last: bool) {
        let anchor = self.clock.anchor();
        self.anchors.push(anchor);
        self.anchor(anchor);
        self.collector.flush();
        let batching = self.collector.batching();
        self.updates.set(batching.updates);
        self.batches.set(batching.batches);
        self.flushes.set(batching.flushes);
        self.refused.set(self.collector.snapshot().refused);
        let length = self.clock.delta_ns(self.interval_start, now);
        if last || u128::from(length) >= self.interval.as_nanos() {
            self.end_interval(now, length);
        }
    }

    fn end_interval(&mut self, now: u64, length: u64) {
        let start = self
            .clock
            .delta_ns(self.anchors.first.raw, self.interval_start);
        let (start, length) = (Duration::from_nanos(start), Duration::from_nanos(length));
        let mut result = Ok(());
        let hlog = &mut self.hlog;
        self.collector.end_interval(|name, histogram| {
            if let Some(hlog) = hlog
                && result.is_ok()
            {
                result = hlog.write(name, histogram, start, length);
            }
        });
        if let Some(hlog) = hlog
            && result.is_ok()
        {
            result = hlog.flush();
        }
        if let Err(error) = result {
            self.broke(&error);
        }
        self.interval_start = now;
        self.intervals += 1;
        if self.intervals.is_multiple_of(INTERVALS_PER_LENGTH) {
            self.interval = self.interval.saturating_mul(2);
        }
    }

    /// A dump that cannot be written does not stop the engine; it makes the exit a failure.
    fn broke(&mut self, error: &StatsError) {
        let text = error.to_string();
        if self.broken.is_none() {
            let notice = Notice::new(Level::Error, ROLE, text.clone()).with("event", "stats_error");
            self.notices.post(&self.clock, notice);
            self.broken = Some(text);
        }
        self.hlog = None;
    }

    fn look(&mut self) {
        let at_ns = self.anchors.last.mono_ns;
        let hung_after = u64::try_from(self.options.hung_after.as_nanos()).unwrap_or(u64::MAX);
        let snapshot = self.collector.snapshot();
        let changes = self.watch.look(snapshot, at_ns, hung_after, os::task);
        for change in changes {
            let notice = notice_of(&change);
            self.notices.post(&self.clock, notice);
        }
    }

    /// Last words: everything that was counted, in both files.
    fn dump(&mut self) -> Result<(), StatsError> {
        self.flush(self.clock.raw(), true);
        self.look();
        if let Some(folder) = &self.options.folder {
            let verdicts = self.watch.verdicts();
            let declared = &self.options.declared;
            Summary::of(
                &self.collector,
                &self.clock,
                &self.anchors,
                declared,
                verdicts,
            )
            .write(folder)?;
        }
        Ok(())
    }
}

/// A verdict as a log line.
fn notice_of(change: &Change) -> Notice {
    let (level, event) = match change.verdict {
        Verdict::Looping | Verdict::Blocked if change.unresponsive => {
            (Level::Error, "worker_unresponsive")
        }
        Verdict::Looping | Verdict::Blocked | Verdict::Starved | Verdict::BackPressured => {
            (Level::Warn, "worker_verdict")
        }
        Verdict::Alive | Verdict::Parked | Verdict::Ended => (Level::Info, "worker_verdict"),
    };
    let detail = if change.detail.is_empty() {
        String::new()
    } else {
        format!(", {}", change.detail)
    };
    let message = format!("{} is {}{detail}", change.who, change.verdict);
    Notice::new(level, ROLE, message)
        .with("event", event)
        .with("workerId", change.who.as_str())
        .with("verdict", change.verdict.to_string())
        .with("for_ms", change.for_ns / 1_000_000)
}

impl Agent for Supervisor {
    fn role(&self) -> &'static str {
        ROLE
    }

    fn on_start(&mut self) -> Result<(), String> {
        self.anchor_writer
            .set_ticks_per_second(self.clock.ticks_per_second());
        let first = self.clock.anchor();
        self.anchors = Anchors::new(first);
        self.anchor(first);
        self.interval_start = first.raw;
        self.next_flush = self.clock.after(first.raw, self.options.flush);
        self.next_health = self.clock.after(first.raw, self.options.health);
        if let Some(folder) = &self.options.folder {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
            // An earlier run in this folder must not speak for this one, should it be killed.
            match std::fs::remove_file(folder.join(JSON)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(format!(
                        "cannot remove {} of an earlier run from {}: {error}",
                        JSON,
                        folder.display()
                    ));
                }
                _ => {}
            }
            let hlog = HlogWriter::create(&folder.join(HLOG), first.wall_ns)
                .map_err(|error| error.to_string())?;
            self.hlog = Some(hlog);
        }
        Ok(())
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if duty.upstream_ended {
            return Turn::Done;
        }
        if duty.now >= self.next_flush {
            self.flush(duty.now, false);
            // Counted from now, not from when it was due: a late flush is not made up for.
            self.next_flush = self.clock.after(duty.now, self.options.flush);
            if duty.now >= self.next_health {
                self.look();
                self.next_health = self.clock.after(duty.now, self.options.health);
            }
        }
        Turn::IDLE
    }

    fn timer(&self) -> Option<u64> {
        Some(self.next_flush)
    }

    fn on_close(&mut self) -> Result<(), String> {
        let result = self.dump().map_err(|error| error.to_string());
        match self.broken.take() {
            Some(error) => Err(error),
            None => result,
        }
    }
}
