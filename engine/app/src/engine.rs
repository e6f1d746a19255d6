//! Builds the engine from a plan, starts it, and says how it ended.

use crate::agents::Closings;
use crate::agents::feed::{Feed, FeedTelemetry, Input};
use crate::agents::live::{LiveFeed, LiveInput, LiveTelemetry, Recall, recall};
use crate::agents::market::MarketAgent;
use crate::agents::recorder::Recorder;
use crate::agents::sequencer::Sequencer;
use crate::agents::storage::{Storage, StorageMetrics};
use crate::closing;
use crate::counters;
use crate::latency::StageLatency;
use crate::pace::{Pace, Speed};
use crate::report::Report;
use crate::stopwatch::Stopwatch;
use crate::topology::{self, BUDGET};
use pitlane_domain::instrument::{Instrument, InstrumentTable, Venue};
use pitlane_domain::intake::{Intake, IntakeOptions};
use pitlane_domain::message::schema;
use pitlane_domain::sequence::{Numbering, Timers};
use pitlane_domain::units::WallNs;
use pitlane_edges::config::{Config, LogLevel, Sync};
use pitlane_edges::live::Causes;
use pitlane_edges::live::session::Tap;
use pitlane_edges::source::FrameSource;
use pitlane_edges::storage::{self, TradeWriter};
use pitlane_lockfree::conflate::conflate;
use pitlane_lockfree::counters::{CountersPage, Declared, PageOptions, PageReader, Value};
use pitlane_lockfree::ring::{EdgeCounters, ring};
use pitlane_lockfree::stamps::stamp_table;
use pitlane_lockfree::tick::{
    RecoveryReport, StoreOptions, SyncPolicy, TickReader, TickWriter, Verify,
};
use pitlane_runtime::agent::AgentSpec;
use pitlane_runtime::clock::Clock;
use pitlane_runtime::core_map::CoreMap;
use pitlane_runtime::lifecycle::Stop;
use pitlane_runtime::log::{Level, Log, LogFile, LogRings, Logger, LoggerOptions, Notice, Notices};
use pitlane_runtime::runner::{ExitReport, RunOptions, Running, launch};
use pitlane_runtime::stats::PAGE;
use pitlane_runtime::supervisor::{Supervisor, SupervisorOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What an engine is built from.
pub struct Plan {
    /// What it reads.
    pub source: Source,
    /// How fast.
    pub speed: Speed,
    /// Folders, limits and ring sizes.
    pub config: Config,
    /// Who runs whom; checked against the machine.
    pub core_map: CoreMap,
    /// The wish to stop, for signal handlers.
    pub stop: Stop,
}

/// What the feed reads.
pub enum Source {
    /// Raw frames, played from their start.
    Frames {
        /// Names for the report.
        names: Vec<String>,
        /// The frames.
        frames: Box<dyn FrameSource>,
        /// The instruments in them.
        instruments: InstrumentTable,
        /// Which streams count.
        options: IntakeOptions,
    },
    /// A recorded sequence.
    Store(PathBuf),
    /// The venues of the configuration.
    Live {
        /// Names for the report.
        names: Vec<String>,
        /// The instruments, in the order of the configuration.
        instruments: InstrumentTable,
        /// Which streams count.
        options: IntakeOptions,
        /// The request weight a minute each venue allows, by its own word.
        limits: Vec<(Venue, u32)>,
        /// What was refused while the venues were asked for that.
        refused: Box<Causes>,
        /// Sees every frame as it came.
        tap: Option<Box<dyn Tap>>,
    },
}

/// Why an engine did not start. Nothing was played.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The tick store cannot be opened, written or read.
    #[error(transparent)]
    Store(#[from] pitlane_lockfree::tick::StoreError),
    /// The database cannot be opened.
    #[error(transparent)]
    Storage(#[from] pitlane_edges::storage::StorageError),
    /// The counters page has no place.
    #[error("counters page: {0}")]
    Page(#[from] pitlane_lockfree::counters::PageError),
    /// The threads cannot be started as the core map says.
    #[error(transparent)]
    Launch(#[from] pitlane_runtime::runner::LaunchError),
    /// A folder cannot be made or written.
    #[error("cannot write in {}: {error}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A tick store that is to be replayed is also the one to be written.
    #[error("{} cannot be replayed into itself; choose another directory for the output", path.display())]
    IntoItself {
        /// The directory.
        path: PathBuf,
    },
    /// A tick store of other instruments cannot be gone on with.
    #[error(
        "{} holds {recorded}, the configuration {configured}; name another folder for tick_store.dir, or the \
         instruments as they are recorded and new ones behind them", path.display()
    )]
    OtherInstruments {
        /// The directory.
        path: PathBuf,
        /// The first that differs, as it is recorded.
        recorded: String,
        /// As it is configured.
        configured: String,
    },
    /// Agents that could wait for each other for ever: a bug in the topology.
    #[error(
        "the topology has a cycle of lossless edges through {agent}; make one of its edges lossy or a tail"
    )]
    Cycle {
        /// One of the agents on it.
        agent: &'static str,
    },
}

/// A running engine.
pub struct Engine {
    running: Running,
    page: PageReader,
    closings: Closings,
    recovery: RecoveryReport,
    watch: Stopwatch,
    names: Vec<String>,
    clock: Clock,
}

/// How a live source stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LiveProgress {
    /// Connections open, and wanted.
    pub connections: [u64; 2],
    /// Books in step, and instruments.
    pub books: [u64; 2],
    /// Instruments whose earlier trades are still fetched.
    pub history_left: u64,
    /// Holes found.
    pub gaps: u64,
    /// Trades fetched to fill them.
    pub backfilled: u64,
    /// Venues whose breaker is not closed.
    pub breakers_open: u64,
}

/// How far the input has been read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Bytes of the source read, and in all.
    pub bytes: [u64; 2],
    /// Frames taken.
    pub frames: u64,
}

impl Engine {
    /// Opens what is to be written, recovers what an earlier run left, and starts the threads.
    pub fn start(plan: Plan) -> Result<Self, StartError> {
        let Plan {
            source,
            speed,
            config,
            core_map,
            stop,
        } = plan;
        if let Some(agent) = topology::lossless_cycle(&topology::EDGES) {
            return Err(StartError::Cycle { agent });
        }
        for dir in [&config.tick_store.dir, &config.log.dir, &config.stats.dir] {
            make(dir)?;
        }
        if let Some(parent) = config.storage.path.parent() {
            make(parent)?;
        }
        if let Source::Store(path) = &source
            && path.canonicalize().ok() == config.tick_store.dir.canonicalize().ok()
        {
            return Err(StartError::IntoItself { path: path.clone() });
        }
        // First of all: its lock tells a second engine from the first, before anything of the first is touched.
        let (store, recovery) = TickWriter::open(&config.tick_store.dir, store_options(&config))?;
        let clock = Clock::new();
        let options = PageOptions {
            pid: std::process::id(),
            start_wall_ns: clock.anchor().wall_ns,
            ..PageOptions::default()
        };
        let page = CountersPage::create(&config.stats.dir.join(PAGE), options)?;
        let schema_dir = &config.tick_store.dir;
        pitlane_edges::schema::write(schema_dir).map_err(|error| StartError::Folder {
            path: schema_dir.clone(),
            error,
        })?;
        let closings = Closings::default();
        let watch = Stopwatch::start(clock.clone());
        let mut names = Vec::new();
        let specs = Wiring {
            config: &config,
            page: &page,
            clock: &clock,
            watch: &watch,
            stop: &stop,
            closings: &closings,
        }
        .agents(source, speed, store, &recovery, &mut names)?;
        let (specs, notices) = specs;
        if recovery.lost_committed() {
            // Somebody may have acted on what is gone.
            let dir = config.tick_store.dir.display();
            let text = format!("tick store in {dir}: {recovery}");
            notices.post(&clock, Notice::new(Level::Error, "recorder", text));
        }
        let mut options = RunOptions::new(clock.clone());
        options.stop = stop;
        options.page = page.clone();
        options.notices = notices;
        let running = launch(&core_map, specs, &options)?;
        Ok(Self {
            running,
            page: page.reader(),
            closings,
            recovery,
            watch,
            names,
            clock,
        })
    }

    /// How long it has been running.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.watch.now())
    }

    /// Whether every thread has ended.
    pub fn is_finished(&self) -> bool {
        self.running.is_finished()
    }

    /// How far the input has been read.
    pub fn progress(&self) -> Progress {
        let snapshot = self.page.snapshot();
        let number = |what: &Declared| snapshot.value("feed", what.label).map_or(0, Value::number);
        Progress {
            bytes: [
                number(&counters::BYTES_DONE),
                number(&counters::BYTES_TOTAL),
            ],
            frames: number(&counters::FRAMES),
        }
    }

    /// How a live source stands.
    pub fn live_progress(&self) -> LiveProgress {
        let snapshot = self.page.snapshot();
        let number = |what: &Declared| snapshot.value("feed", what.label).map_or(0, Value::number);
        LiveProgress {
            connections: [number(&counters::ACTIVE), number(&counters::WANTED)],
            books: [
                number(&counters::BOOKS_IN_STEP),
                number(&counters::INSTRUMENTS),
            ],
            history_left: number(&counters::HISTORY_LEFT),
            gaps: number(&counters::GAPS),
            backfilled: number(&counters::BACKFILLED),
            breakers_open: number(&counters::BREAKER),
        }
    }

    /// Waits for the end and says how it went.
    pub fn wait(self) -> Report {
        let exit: ExitReport = self.running.join();
        let wall_ns = self.watch.now();
        closing::report(&closing::Facts {
            names: self.names,
            exit,
            wall_ns,
            page: self.page.snapshot(),
            recovery: self.recovery,
            ticks_per_second: self.clock.ticks_per_second(),
            closings: &self.closings,
        })
    }
}

fn make(dir: &Path) -> Result<(), StartError> {
    std::fs::create_dir_all(dir).map_err(|error| StartError::Folder {
        path: dir.to_owned(),
        error,
    })
}

fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        schema_hash: schema::hash(),
        segment_records: usize::try_from(config.tick_store.segment_records).unwrap_or(usize::MAX),
        sync: match config.tick_store.sync {
            Sync::None => SyncPolicy::None,
            Sync::Interval(time) => {
                SyncPolicy::IntervalMs(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
            }
            Sync::EveryBatch => SyncPolicy::EveryBatch,
        },
        prefault: config.tick_store.prefault,
        // What comes back is acted upon: every record is held against its checksum before anything starts.
        verify: Verify::Everything,
    }
}

/// Joins agents by rings, as the topology says.
struct Wiring<'a> {
    config: &'a Config,
    page: &'a CountersPage,
    clock: &'a Clock,
    watch: &'a Stopwatch,
    stop: &'a Stop,
    closings: &'a Closings,
}

impl Wiring<'_> {
    fn agents(
        &self,
        source: Source,
        speed: Speed,
        store: TickWriter,
        recovery: &RecoveryReport,
        names: &mut Vec<String>,
    ) -> Result<(Vec<AgentSpec>, Notices), StartError> {
        let Self {
            config,
            page,
            clock,
            watch,
            closings,
            ..
        } = self;
        let rings = config.rings;
        let edge = |name: &str, from: &str, to: &str| EdgeCounters::on(page, name, from, to);
        let (fed, feed_in) = ring(
            rings.feed as usize,
            edge("feed-sequencer", "feed", "sequencer")?,
        );
        let (to_recorder, recorder_in) = ring(
            rings.record as usize,
            edge("sequencer-recorder", "sequencer", "recorder")?,
        );
        let (to_market, market_in) = ring(
            rings.market as usize,
            edge("sequencer-market", "sequencer", "market")?,
        );
        // Longer than the rings behind the sequencer, so that no reader is lapped.
        let stamps = 2 * rings.record.max(rings.market) as usize + 4 * BUDGET;
        let (stamp_writer, stamp_reader) = stamp_table(stamps);
        let latency = |owner: &str, what: [&Declared; 2]| -> Result<StageLatency, StartError> {
            let histogram = page.declared_histogram(owner, what[0])?;
            let service = page.declared_histogram(owner, what[1])?;
            let service = Some(service).filter(|_| speed != Speed::Max);
            let (stamps, watch) = (stamp_reader.clone(), (*watch).clone());
            Ok(StageLatency::new(
                stamps,
                watch,
                histogram,
                service,
                2 * BUDGET,
            ))
        };

        let mut logs = LogRings::new((*clock).clone(), level(config.log.level), (*page).clone());
        let notices = Notices::default();

        let timers = match source {
            Source::Store(_) => Timers::Recorded,
            Source::Live { .. } => Timers::RecordedTo(recovery.last_sequence),
            Source::Frames { .. } => Timers::Make,
        };
        let resume_at = if recovery.records > 0 {
            WallNs(recovery.last_time_ns)
        } else {
            WallNs(i64::MIN)
        };
        let telemetry = live_telemetry(page, logs.handle("feed")?)?;
        let socket = page.declared_histogram("sequencer", &counters::SOCKET)?;
        let (mut socket_latency, mut resync) = (None, None);
        let feed = match source {
            Source::Live {
                names: of,
                instruments,
                options,
                limits,
                refused,
                tap,
            } => {
                *names = of;
                let counters = edge("market-feed", "market", "feed")?;
                let (tell, told) = conflate::<1>(instruments.len().max(1), counters);
                resync = Some(tell);
                let (stamps, watch) = (stamp_reader.clone(), (*watch).clone());
                let latency = StageLatency::new(stamps, watch, socket, None, 2 * BUDGET);
                socket_latency = Some((recovery.last_sequence, latency));
                let input = LiveInput {
                    config: (*config).clone(),
                    limits,
                    refused,
                    recall: recall(config, recovery, &instruments)?,
                    intake: Box::new(Intake::new(instruments, options)),
                    tap,
                    resync: told,
                    notices: notices.clone(),
                    seed: clock.anchor().wall_ns.cast_unsigned(),
                };
                AgentSpec::from(LiveFeed::new(
                    input,
                    (*clock).clone(),
                    fed,
                    (*self.watch).clone(),
                    self.stop.clone(),
                    telemetry,
                    closings.fed.clone(),
                ))
            }
            source => AgentSpec::from(Feed::new(
                input(source, names)?,
                Pace::new(speed, resume_at),
                fed,
                (*watch).clone(),
                self.stop.clone(),
                telemetry.feed,
                closings.fed.clone(),
            )),
        };
        let sequencer = Sequencer::new(
            Numbering::new(timers),
            feed_in,
            to_recorder,
            to_market,
            stamp_writer,
            socket_latency,
            closings.sequenced.clone(),
        );
        let recorder = Recorder::new(
            store,
            recovery.was_closed,
            config.tick_store.dir.clone(),
            recorder_in,
            latency("recorder", [&counters::RECORD, &counters::RECORD_SERVICE])?,
            closings.recorded.clone(),
        );
        let market = MarketAgent::new(
            market_in,
            latency("market", [&counters::MARKET, &counters::MARKET_SERVICE])?,
            resync,
            closings.market.clone(),
        );
        let options = storage::Options {
            commit_rows: config.storage.commit_rows,
            commit_after: Duration::from_millis(config.storage.commit_ms.into()),
            ..storage::Options::default()
        };
        let storage = Storage::new(
            TradeWriter::open(&config.storage.path, options)?,
            TickReader::open(&config.tick_store.dir)?,
            (*watch).clone(),
            StorageMetrics {
                commit: page.declared_histogram("storage", &counters::COMMIT)?,
                lag: page.declared_gauge("storage", &counters::LAG)?,
                wal: page.declared_gauge("storage", &counters::WAL)?,
            },
            logs.handle("storage")?,
            closings.stored.clone(),
        );
        let supervisor = Supervisor::new(
            page,
            (*clock).clone(),
            notices.clone(),
            SupervisorOptions {
                folder: Some(config.stats.dir.clone()),
                flush: Duration::from_millis(config.stats.flush_ms.into()),
                declared: counters::all().copied().collect(),
                ..SupervisorOptions::default()
            },
        )?;
        let budget = u32::try_from(BUDGET).unwrap_or(u32::MAX);
        let logger = Logger::new(logs, notices.clone(), logger_options(config))?;
        let specs = vec![
            feed.feeds(&["sequencer"]),
            AgentSpec::from(sequencer).feeds(&["recorder", "market"]),
            // They take what one poll of the sequencer may give, so that no queue grows while threads are shared.
            AgentSpec::from(recorder)
                .feeds(&["storage"])
                .budget(2 * budget),
            AgentSpec::from(market).budget(2 * budget),
            AgentSpec::from(storage).drain(Duration::from_secs(5)),
            AgentSpec::from(supervisor),
            AgentSpec::from(logger),
        ];
        Ok((specs, notices))
    }
}

/// The counters of the feed, those of a live source among them.
fn live_telemetry(page: &CountersPage, log: Log) -> Result<LiveTelemetry, StartError> {
    let counter = |what: &Declared| page.declared_counter("feed", what);
    let all = |all: &'static [Declared]| all.iter().map(counter).collect::<Result<Vec<_>, _>>();
    let gauge = |what| page.declared_gauge("feed", what);
    let histogram = |what| page.declared_histogram("feed", what);
    Ok(LiveTelemetry {
        feed: FeedTelemetry {
            frames: counter(&counters::FRAMES)?,
            progress: [
                gauge(&counters::BYTES_DONE)?,
                gauge(&counters::BYTES_TOTAL)?,
            ],
            decode: histogram(&counters::DECODE)?,
            behind: histogram(&counters::BEHIND)?,
            refused: all(counters::refused::frames::DECLARED)?,
            log,
        },
        connections: [
            counter(&counters::CONNECTED)?,
            counter(&counters::DISCONNECTED)?,
            counter(&counters::HANDED_OVER)?,
        ],
        active: [gauge(&counters::ACTIVE)?, gauge(&counters::WANTED)?],
        books: [
            gauge(&counters::BOOKS_IN_STEP)?,
            gauge(&counters::INSTRUMENTS)?,
        ],
        history_left: gauge(&counters::HISTORY_LEFT)?,
        gaps: gauge(&counters::GAPS)?,
        backfilled: gauge(&counters::BACKFILLED)?,
        requests: [
            counter(&counters::REQUESTS)?,
            counter(&counters::REQUEST_FAILURES)?,
        ],
        thrown_away: counter(&counters::THROWN_AWAY)?,
        breakers_open: gauge(&counters::BREAKER)?,
        late: gauge(&counters::LATE)?,
        causes: all(counters::refused::causes::DECLARED)?,
    })
}

/// What an earlier run left, if it is of these instruments.
fn recall(
    config: &Config,
    recovery: &RecoveryReport,
    table: &InstrumentTable,
) -> Result<Recall, StartError> {
    let path = &config.tick_store.dir;
    let last = recovery.last_sequence;
    let other = recall::differs(&mut TickReader::open(path)?, last, table)?;
    if let Some((recorded, configured)) = other {
        let shown = |of: &Instrument| {
            format!(
                "{} of {} with steps {} and {}",
                of.symbol,
                of.venue.name(),
                of.tick_size,
                of.lot_size
            )
        };
        return Err(StartError::OtherInstruments {
            path: path.clone(),
            recorded: shown(&recorded),
            configured: configured.map_or("no such instrument".to_owned(), |of| shown(&of)),
        });
    }
    Ok(Recall::new(TickReader::open(path)?, last))
}

/// Opens what the feed reads, and names it for the report.
fn input(source: Source, names: &mut Vec<String>) -> Result<Input, StartError> {
    Ok(match source {
        Source::Frames {
            names: of,
            frames,
            instruments,
            options,
        } => {
            *names = of;
            Input::Frames {
                source: frames,
                intake: Box::new(Intake::new(instruments, options)),
            }
        }
        Source::Store(path) => {
            names.push(path.display().to_string());
            Input::Store(TickReader::open(&path)?)
        }
        Source::Live { .. } => unreachable!("a live source has an agent of its own"),
    })
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::Error,
        LogLevel::Warn => Level::Warn,
        LogLevel::Info => Level::Info,
        LogLevel::Debug | LogLevel::Trace => Level::Debug,
    }
}

fn logger_options(config: &Config) -> LoggerOptions {
    LoggerOptions {
        file: LogFile::Rotating {
            path: config.log.dir.join("pitlane.log"),
            max_bytes: u64::from(config.log.rotate_mib) << 20,
            files: config.log.keep as usize + 1,
        },
        ..LoggerOptions::file(PathBuf::new())
    }
}
