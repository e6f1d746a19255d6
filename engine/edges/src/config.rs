//! The configuration: one TOML file, checked as a whole before anything starts.
//!
//! [`Config::load`] reads the file and the overriding variables and either returns a configuration in which every value
//! is legal, or every fault it found, each with file, line, column, key, what is wrong and what would be legal.
//! What only the machine can answer (does core 3 exist?) is checked later, by the core map of the runtime; the values
//! concerned carry their [`Place`] for that.
//!
//! Relative paths are relative to the working directory, as on the command line: a configuration may live in `/etc`
//! while its data does not.
//! This module never creates or opens any file but the configuration itself.

mod document;
mod fault;
mod live;
mod overrides;
mod read;

pub use fault::{ConfigError, Fault, Located, Place};
pub use live::{Live, Upstream};
pub use overrides::Overrides;

use pitlane_domain::instrument::{Instrument, InstrumentTable, Symbol, Venue};
use pitlane_domain::units::Grid;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything the engine is told.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Config {
    /// `[source]`: where the frames come from.
    pub source: Source,
    /// `[[instrument]]`: what is traded, in the order of the ids. Symbols are unique, venue symbols unique per venue.
    pub instruments: Vec<InstrumentConfig>,
    /// `[[upstream]]`: where a live source connects to, one a venue.
    pub upstreams: Vec<Upstream>,
    /// `[live]`: the figures of a live source.
    pub live: Live,
    /// `[tick_store]`: the durable sequence.
    pub tick_store: TickStore,
    /// `[storage]`: the `SQLite` database.
    pub storage: Storage,
    /// `[log]`: the engine's own log.
    pub log: Log,
    /// `[stats]`: the stats dump.
    pub stats: Stats,
    /// `[rings]`: capacities of the rings between agents.
    pub rings: Rings,
    /// `[core_map]`: which agents share which thread, and on which core.
    pub core_map: CoreMap,
}

/// `[source]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Source {
    /// What kind of source.
    pub kind: SourceKind,
    /// The files, played one after the other. May be empty if the command line names them.
    pub paths: Vec<PathBuf>,
    /// The files' format, a name of [`crate::import::Format`]; `None` is "auto": found from the file's first bytes and its name.
    pub format: Option<Located<String>>,
    /// How fast they are played.
    pub speed: Speed,
    /// Whose data it is, where the format does not say.
    pub venue: Option<Venue>,
    /// What happens after a frame that no decoder accepts.
    pub on_bad_frame: OnBadFrame,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            kind: SourceKind::Capture,
            paths: Vec::new(),
            format: None,
            speed: Speed::Max,
            venue: None,
            on_bad_frame: OnBadFrame::Count,
        }
    }
}

/// What kind of source the frames come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceKind {
    /// Files of recorded frames, in any of the formats that can be read.
    Capture,
    /// The venues themselves.
    Live,
}

impl SourceKind {
    /// Every kind with its name.
    pub const ALL: [(&'static str, Self); 2] = [("capture", Self::Capture), ("live", Self::Live)];
}

/// How fast a recording is played.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Speed {
    /// As fast as it can be handled.
    Max,
    /// This many times the pace at which it was recorded; greater than 0 and finite.
    Times(f64),
}

/// What happens after a frame that no decoder accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnBadFrame {
    /// It is counted by reason, and the next one is read.
    Count,
    /// The engine stops with the reason.
    Stop,
}

impl OnBadFrame {
    /// Every choice with its name.
    pub const ALL: [(&'static str, Self); 2] = [("count", Self::Count), ("stop", Self::Stop)];
}

/// One `[[instrument]]`.
#[derive(Clone, PartialEq, Debug)]
pub struct InstrumentConfig {
    /// Where its table begins.
    pub place: Place,
    /// Our name for it.
    pub symbol: Symbol,
    /// The venue's name for it.
    pub venue_symbol: Symbol,
    /// Whose data it is.
    pub venue: Venue,
    /// Smallest price step; only a live source may leave it to its venue.
    pub tick_size: Option<Grid>,
    /// Smallest quantity step; only a live source may leave it to its venue.
    pub lot_size: Option<Grid>,
    /// Which of the venue's trade streams counts.
    pub trades: TradeSource,
    /// Which of the venue's depth streams counts.
    pub depth: DepthSource,
    /// `live.trades_silent` for this one.
    pub trades_silent: Option<Duration>,
    /// `live.depth_silent` for this one.
    pub depth_silent: Option<Duration>,
}

impl InstrumentConfig {
    /// The instrument; steps that were not configured are those given.
    pub fn with_steps(&self, tick_size: Grid, lot_size: Grid) -> Instrument {
        Instrument {
            symbol: self.symbol,
            venue_symbol: self.venue_symbol,
            venue: self.venue,
            tick_size: self.tick_size.unwrap_or(tick_size),
            lot_size: self.lot_size.unwrap_or(lot_size),
        }
    }
}

/// Which of a venue's trade streams makes the trades.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TradeSource {
    /// The one that comes first.
    Auto,
    /// `aggTrade` only.
    Aggregate,
    /// `trade` only.
    Single,
}

impl TradeSource {
    /// Every choice with its name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("aggTrade", Self::Aggregate),
        ("trade", Self::Single),
    ];
}

/// Which of a venue's depth streams makes the book.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DepthSource {
    /// Differences if there are any, otherwise partial books.
    Auto,
    /// Differences on a snapshot only.
    Diff,
    /// Partial books only.
    Partial,
}

impl DepthSource {
    /// Every choice with its name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("diff", Self::Diff),
        ("partial", Self::Partial),
    ];
}

/// `[tick_store]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TickStore {
    /// Folder of the segments.
    pub dir: PathBuf,
    /// Records of 64 bytes in one segment file.
    pub segment_records: u64,
    /// When committed records are forced to the disk.
    pub sync: Sync,
    /// Whether pages are made present before they are written, so that no append faults.
    pub prefault: bool,
}

impl Default for TickStore {
    fn default() -> Self {
        Self {
            dir: "out/ticks".into(),
            segment_records: 1 << 20,
            sync: Sync::None,
            prefault: true,
        }
    }
}

/// When committed records are forced to the disk. Records survive a killed process in any case; this is about power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sync {
    /// Whenever the system does it.
    None,
    /// Once per interval.
    Interval(Duration),
    /// With every batch.
    EveryBatch,
}

/// `[storage]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Storage {
    /// The database file.
    pub path: PathBuf,
    /// Rows after which a transaction is committed.
    pub commit_rows: u32,
    /// Milliseconds after which a transaction is committed.
    pub commit_ms: u32,
    /// `maxHistoryRows`: most rows of a signal table.
    pub max_history_rows: u64,
    /// `maxHistoryAgeMin`: oldest row of a signal table, in minutes.
    pub max_history_age_min: u64,
    /// `healthCheckIntervalMs`: between two probes of the database.
    pub health_check_interval_ms: u64,
    /// `failureThreshold`: failures in a row that open the breaker.
    pub failure_threshold: u32,
    /// `operationTimeoutMs`: an operation that takes longer has failed.
    pub operation_timeout_ms: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            path: "out/storage/pitlane.db".into(),
            commit_rows: 1000,
            commit_ms: 50,
            max_history_rows: 100_000,
            max_history_age_min: 1440,
            health_check_interval_ms: 30_000,
            failure_threshold: 3,
            operation_timeout_ms: 5000,
        }
    }
}

/// `[log]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// Folder of the log files.
    pub dir: PathBuf,
    /// The least important level that is written.
    pub level: LogLevel,
    /// Size at which a log file is closed and the next one begun, in MiB.
    pub rotate_mib: u32,
    /// Closed log files that are kept.
    pub keep: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            dir: "out/logs".into(),
            level: LogLevel::Info,
            rotate_mib: 64,
            keep: 4,
        }
    }
}

/// How important a log line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "nothing to add to the field's own words")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// Every level with its name, most important first.
    pub const ALL: [(&'static str, Self); 5] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

/// `[stats]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Folder of `stats.hlog`, `stats.json` and the counters page.
    pub dir: PathBuf,
    /// Milliseconds between two flushes.
    pub flush_ms: u32,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            dir: "out/stats".into(),
            flush_ms: 100,
        }
    }
}

/// `[rings]`: capacities in messages, each a power of two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rings {
    /// From the feed to the sequencer.
    pub feed: u32,
    /// From the sequencer to the recorder.
    pub record: u32,
    /// From the sequencer to the market.
    pub market: u32,
}

impl Default for Rings {
    fn default() -> Self {
        Self {
            feed: 1 << 14,
            record: 1 << 15,
            market: 1 << 15,
        }
    }
}

/// `[core_map]`.
#[derive(Clone, PartialEq, Debug)]
pub struct CoreMap {
    /// How the threads idle and whether they are pinned.
    pub profile: Located<Profile>,
    /// The threads; none stands for the profile's own map.
    pub threads: Vec<CoreMapThread>,
}

impl Default for CoreMap {
    fn default() -> Self {
        Self {
            profile: Located::by_default(Profile::Shared),
            threads: Vec::new(),
        }
    }
}

/// How the threads of an engine share the machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Profile {
    /// Pinned threads, each on a core of its own, spinning.
    Isolated,
    /// Threads that share cores and sleep when there is nothing to do.
    Shared,
    /// All agents on one thread in a fixed order.
    Folded,
}

impl Profile {
    /// Every profile with its name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("isolated", Self::Isolated),
        ("shared", Self::Shared),
        ("folded", Self::Folded),
    ];
}

/// One `[[core_map.thread]]`.
#[derive(Clone, PartialEq, Debug)]
pub struct CoreMapThread {
    /// Where its table begins.
    pub place: Place,
    /// The thread's name, as `top -H` shows it.
    pub name: Located<String>,
    /// The core it is pinned to; unpinned if absent.
    pub core: Option<Located<u32>>,
    /// What it does when idle; the profile's way if absent.
    pub idle: Option<Located<Idle>>,
    /// Its agents by role, in poll order.
    pub agents: Vec<Located<String>>,
}

/// What a thread does when none of its agents has work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Idle {
    /// Polls on.
    Spin,
    /// Offers its core to others and polls on.
    Yield,
    /// Spins, then yields, then sleeps for growing times.
    Backoff,
    /// Sleeps until something is written for it.
    Park,
}

impl Idle {
    /// Every way with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("spin", Self::Spin),
        ("yield", Self::Yield),
        ("backoff", Self::Backoff),
        ("park", Self::Park),
    ];
}

impl Config {
    /// Reads a file and applies the overrides.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|why| ConfigError::Unreadable {
            path: path.to_owned(),
            why,
        })?;
        Self::parse(&path.to_string_lossy(), &text, overrides)
    }

    /// The configuration of a text; `file` is only its name in faults. The faults are in the order of the text.
    pub fn parse(file: &str, text: &str, overrides: &Overrides) -> Result<Self, ConfigError> {
        let (config, faults, _) = read::read(file, text, overrides);
        match config {
            Some(config) if faults.is_empty() => Ok(config),
            _ => Err(ConfigError::Invalid(faults)),
        }
    }

    /// The defaults as a complete, commented file, which parses back to [`Config::default`].
    pub fn defaults_toml() -> &'static str {
        include_str!("config/defaults.toml")
    }

    /// The instruments with their ids; `None` if the steps of one are left to its venue.
    pub fn instrument_table(&self) -> Option<InstrumentTable> {
        let mut table = InstrumentTable::default();
        for row in &self.instruments {
            let instrument = row.with_steps(row.tick_size?, row.lot_size?);
            table
                .add(instrument)
                .expect("reading the configuration refused what the table refuses");
        }
        Some(table)
    }
}

#[cfg(test)]
mod tests;
