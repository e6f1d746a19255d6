//! The logger agent: the only owner of log lines that are text.

use pitlane_lockfree::counters::{Counter, Owner, PageError};
use pitlane_lockfree::declare;
use pitlane_lockfree::ring::LossyConsumer;
use pitlane_lockfree::work::Work;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use super::distinct::{self, Distinct};
use super::file::RotatingFile;
use super::render::{Line, time_text};
use super::{Level, LogRings, Notice, Notices, Record};
use crate::agent::{Agent, Duty, PanicPolicy, Turn};
use crate::clock::{Anchor, Clock};

/// The logger's name.
pub(super) const ROLE: &str = "logger";

declare! {
    /// Lines in the log file.
    WRITTEN = counter(60, Owner::Agent(ROLE), "lines_written", Count);
    /// Lines that repeated an earlier one too often; the log says how many.
    SUPPRESSED = counter(61, Owner::Agent(ROLE), "lines_suppressed", Count);
    /// Lines that could not be written to the file.
    LOST = counter(62, Owner::Agent(ROLE), "lines_lost", Count);
}

/// How often a parked logger looks at its rings: nobody wakes it, because a wake-up costs the
/// logging thread a system call.
const RHYTHM: Duration = Duration::from_millis(50);

/// Where lines go.
#[derive(Clone, Debug)]
pub enum LogFile {
    /// A file that is rotated by size.
    Rotating {
        /// The current file.
        path: PathBuf,
        /// A file larger than this is put aside.
        max_bytes: u64,
        /// Files kept, the current one among them.
        files: usize,
    },
    /// Nowhere: lines are counted only.
    Discard,
}

/// How the logger writes.
#[derive(Clone, Debug)]
pub struct LoggerOptions {
    /// Where to.
    pub file: LogFile,
    /// Lines of one call site and agent that are written per window; more are counted and the
    /// count is written when the window is over.
    pub repeats: u32,
    /// Length of that window.
    pub window: Duration,
}

impl LoggerOptions {
    /// A rotated file with the usual limits: 16 MiB a file, 8 files, 20 equal lines a second.
    pub fn file(path: PathBuf) -> Self {
        Self {
            file: LogFile::Rotating {
                path,
                max_bytes: 16 << 20,
                files: 8,
            },
            repeats: 20,
            window: Duration::from_secs(1),
        }
    }
}

/// One agent's end of logging.
struct Source {
    worker: String,
    lines: LossyConsumer<Record>,
    /// Drops already told.
    dropped: u64,
}

/// How often a site has repeated itself.
#[derive(Clone, Copy)]
struct Repeats {
    last: Record,
    window_start: u64,
    written: u32,
    suppressed: u64,
}

/// The agent.
pub struct Logger {
    clock: Clock,
    sources: Vec<Source>,
    notices: Notices,
    options: LoggerOptions,
    file: Option<RotatingFile>,
    /// By source and by address of the call site.
    repeats: HashMap<(usize, usize), Repeats>,
    batch: Vec<(usize, Record)>,
    out: Vec<u8>,
    pending: u64,
    due: u64,
    written: Counter,
    suppressed: Counter,
    lost: Counter,
    errors: Distinct,
}

impl Logger {
    /// A logger for all handles made so far.
    pub fn new(
        rings: LogRings,
        notices: Notices,
        options: LoggerOptions,
    ) -> Result<Self, PageError> {
        let counter = |what| rings.page.declared_counter(ROLE, what);
        let (written, suppressed, lost) =
            (counter(&WRITTEN)?, counter(&SUPPRESSED)?, counter(&LOST)?);
        let errors = Distinct::on(&rings.page);
        let sources = rings
            .ends
            .into_iter()
            .map(|(worker, lines)| Source {
                worker,
                lines,
                dropped: 0,
            })
            .collect();
        Ok(Self {
            clock: rings.clock,
            sources,
            notices,
            options,
            file: None,
            repeats: HashMap::new(),
            batch: Vec::new(),
            out: Vec::new(),
            pending: 0,
            due: 0,
            written,
            suppressed,
            lost,
            errors,
        })
    }

    /// Takes what waits, oldest first over all agents.
    fn collect(&mut self, budget: usize) -> Work {
        let mut work = Work::NONE;
        for (index, source) in self.sources.iter_mut().enumerate() {
            let batch = &mut self.batch;
            work += source
                .lines
                .drain(budget, |record| batch.push((index, *record)));
        }
        self.batch.sort_by_key(|(_, record)| record.raw());
        work
    }

    fn render(&mut self, anchor: &Anchor) {
        let mut batch = std::mem::take(&mut self.batch);
        for (source, record) in batch.drain(..) {
            self.tell_gap(source, &record, anchor);
            if record.site().level() == Level::Error {
                let site: *const super::Site = record.site();
                let wall = self.clock.to_wall(anchor, record.raw());
                let kind = distinct::Kind::Line(source, site.addr());
                let worker = &self.sources[source].worker;
                self.errors.count(kind, worker, wall, || record.message());
            }
            if self.admit(source, record, anchor) {
                self.line_of(source, &record, BTreeMap::new(), anchor);
            }
        }
        self.batch = batch;
    }

    /// Says how many lines were dropped before this one.
    fn tell_gap(&mut self, source: usize, record: &Record, anchor: &Anchor) {
        let told = &mut self.sources[source].dropped;
        let missing = record.dropped() - *told;
        if missing == 0 {
            return;
        }
        *told = record.dropped();
        let worker = self.sources[source].worker.clone();
        let notice = Notice::new(
            Level::Warn,
            &worker,
            format!("{missing} log lines were dropped here: the ring was full"),
        )
        .with("event", "log_dropped")
        .with("dropped", missing);
        self.notice_line(&notice, record.raw(), anchor);
    }

    /// Whether a line is written, or is one too many of its kind.
    fn admit(&mut self, source: usize, record: Record, anchor: &Anchor) -> bool {
        let site: *const super::Site = record.site();
        let window = u64::try_from(self.options.window.as_nanos()).unwrap_or(u64::MAX);
        let limit = self.options.repeats;
        let entry = self
            .repeats
            .entry((source, site.addr()))
            .or_insert(Repeats {
                last: record,
                window_start: record.raw(),
                written: 0,
                suppressed: 0,
            });
        let over = self.clock.delta_ns(entry.window_start, record.raw()) >= window;
        let ended = over.then_some(*entry);
        if over {
            entry.window_start = record.raw();
            entry.written = 0;
            entry.suppressed = 0;
        }
        entry.last = record;
        let admitted = entry.written < limit;
        if admitted {
            entry.written += 1;
        } else {
            entry.suppressed += 1;
            self.suppressed.add(1);
        }
        if let Some(ended) = ended {
            self.tell_suppressed(source, &ended, anchor);
        }
        admitted
    }

    /// Ends windows that are over, although their site has fallen silent.
    fn end_windows(&mut self, now: u64, all: bool, anchor: &Anchor) {
        let window = u64::try_from(self.options.window.as_nanos()).unwrap_or(u64::MAX);
        let mut ended: Vec<(usize, Repeats)> = Vec::new();
        for (&(source, _), entry) in &mut self.repeats {
            let over = all || self.clock.delta_ns(entry.window_start, now) >= window;
            if over && entry.suppressed > 0 {
                ended.push((source, *entry));
                entry.suppressed = 0;
                entry.written = 0;
                entry.window_start = now;
            }
        }
        ended.sort_by_key(|(source, entry)| (entry.last.raw(), *source));
        for (source, entry) in ended {
            self.tell_suppressed(source, &entry, anchor);
        }
    }

    /// Writes the last line that was held back, and how many there were.
    fn tell_suppressed(&mut self, source: usize, entry: &Repeats, anchor: &Anchor) {
        if entry.suppressed == 0 {
            return;
        }
        let mut context = BTreeMap::new();
        context.insert("event".to_owned(), Value::from("log_repeated"));
        context.insert("repeated".to_owned(), Value::from(entry.suppressed));
        self.line_of(source, &entry.last, context, anchor);
    }

    fn line_of(
        &mut self,
        source: usize,
        record: &Record,
        mut context: BTreeMap<String, Value>,
        anchor: &Anchor,
    ) {
        context.insert("at".to_owned(), Value::from(record.site().place()));
        let line = Line {
            time: time_text(self.clock.to_wall(anchor, record.raw())),
            level: record.site().level(),
            worker: &self.sources[source].worker,
            message: &record.message(),
            context,
            correlation_id: None,
            sequence: record.sequence(),
        };
        line.write_to(&mut self.out);
        self.pending += 1;
    }

    fn notice_line(&mut self, notice: &Notice, raw: u64, anchor: &Anchor) {
        let line = Line {
            time: time_text(self.clock.to_wall(anchor, raw)),
            level: notice.level,
            worker: &notice.worker,
            message: &notice.message,
            context: notice.context.clone(),
            correlation_id: notice.correlation_id.as_deref(),
            sequence: notice.sequence,
        };
        line.write_to(&mut self.out);
        self.pending += 1;
    }

    fn take_notices(&mut self, budget: usize, anchor: &Anchor) -> usize {
        let (notices, dropped) = self.notices.take(budget);
        for notice in &notices {
            if notice.level == Level::Error {
                let wall = self.clock.to_wall(anchor, notice.raw);
                let kind = distinct::of_notice(&notice.worker, &notice.message);
                let text = || notice.message.clone();
                self.errors.count(kind, &notice.worker, wall, text);
            }
            self.notice_line(notice, notice.raw, anchor);
        }
        if dropped > 0 {
            let message = format!("{dropped} notices were dropped: their queue was full");
            let notice = Notice::new(Level::Warn, ROLE, message).with("event", "log_dropped");
            self.notice_line(&notice, self.clock.raw(), anchor);
        }
        notices.len()
    }

    /// Hands the text to the file. A line that cannot be written is lost and counted: a full disk
    /// must not stop the engine.
    fn flush(&mut self) {
        if self.out.is_empty() {
            return;
        }
        let result = match &mut self.file {
            Some(file) => file.write(&self.out),
            None => Ok(()),
        };
        match result {
            Ok(()) => self.written.add(self.pending),
            Err(_) => self.lost.add(self.pending),
        }
        self.pending = 0;
        self.out.clear();
    }
}

impl Agent for Logger {
    fn role(&self) -> &str {
        ROLE
    }

    fn on_start(&mut self) -> Result<(), String> {
        let LogFile::Rotating {
            path,
            max_bytes,
            files,
        } = &self.options.file
        else {
            return Ok(());
        };
        let file = RotatingFile::open(path, *max_bytes, *files)
            .map_err(|error| format!("cannot open the log file {}: {error}", path.display()))?;
        self.file = Some(file);
        Ok(())
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        let budget = duty.budget as usize;
        let work = self.collect(budget);
        // Lines are young, so an anchor taken now converts them to within nanoseconds.
        let anchor = self.clock.anchor();
        self.render(&anchor);
        let notices = self.take_notices(budget, &anchor);
        self.end_windows(duty.now, false, &anchor);
        self.flush();
        self.due = self.clock.after(duty.now, RHYTHM);
        if work.is_idle() && notices == 0 && duty.upstream_ended {
            return Turn::Done;
        }
        if work.is_idle() {
            // a notice came through no ring, so nobody counted it
            return Turn::Took(u32::try_from(notices).unwrap_or(u32::MAX));
        }
        Turn::Worked(work)
    }

    fn timer(&self) -> Option<u64> {
        Some(self.due)
    }

    fn on_close(&mut self) -> Result<(), String> {
        let anchor = self.clock.anchor();
        // this is the last look, so there is nothing to tell a runner
        let _ = self.collect(usize::MAX);
        self.render(&anchor);
        self.take_notices(usize::MAX, &anchor);
        self.end_windows(self.clock.raw(), true, &anchor);
        let notice = Notice::new(Level::Info, ROLE, "the log ends here")
            .with("event", "log_end")
            .with("written", self.written.get() + self.pending + 1)
            .with("suppressed", self.suppressed.get())
            .with("lost", self.lost.get());
        self.notice_line(&notice, self.clock.raw(), &anchor);
        self.flush();
        match self.lost.get() {
            0 => Ok(()),
            lost => Err(format!("{lost} log lines could not be written")),
        }
    }

    /// Log rings are lossy, so nobody waits for the logger.
    fn on_panic(&self) -> PanicPolicy {
        PanicPolicy::Retire
    }
}
