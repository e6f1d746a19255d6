//! From what was typed and configured to what the engine is built from.

use crate::exit;
use anyhow::Context;
use pitlane_app::topology::roles;
use pitlane_app::{defaults, engine};
use pitlane_domain::instrument::{Instrument, InstrumentId, InstrumentTable, Symbol, Venue};
use pitlane_domain::intake::{DepthChoice, InstrumentOptions, IntakeOptions, TradeChoice};
use pitlane_domain::message::schema;
use pitlane_edges::config::{self, Config, DepthSource, Idle, Overrides, TradeSource};
use pitlane_edges::import::{self, Format, ImportOptions, Scanned};
use pitlane_edges::source::{FrameSource, OnBad};
use pitlane_lockfree::tick::TickReader;
use pitlane_runtime::core_map::{CoreMap, Host, Profile, RawCoreMap, RawThread, check};
use pitlane_runtime::idle::IdleKind;
use std::path::{Path, PathBuf};

/// Reads a configuration with the overrides of the environment.
pub fn load(file: &Path) -> anyhow::Result<Config> {
    Config::load(file, &Overrides::from_env()).map_err(exit::config)
}

/// The configured core map, checked against this machine; every fault with its place in the file.
pub fn core_map(config: &Config) -> anyhow::Result<CoreMap> {
    let (_, checked) = judged_core_map(config, &Host::read());
    checked.map_err(|faults| exit::config(faults.join("\n")))
}

/// The configured core map as written, and what the check makes of it on this host.
pub fn judged_core_map(config: &Config, host: &Host) -> (RawCoreMap, Result<CoreMap, Vec<String>>) {
    let configured = &config.core_map;
    let profile = match configured.profile.value {
        config::Profile::Isolated => Profile::Isolated,
        config::Profile::Shared => Profile::Shared,
        config::Profile::Folded => Profile::Folded,
    };
    let mut raw = RawCoreMap {
        profile,
        thread: configured.threads.iter().map(raw_thread).collect(),
    };
    if raw.thread.is_empty() && profile == Profile::Shared {
        raw = defaults::shared().to_raw();
    }
    let checked = checked(&raw, host, |fault| {
        let thread = fault.thread.and_then(|index| configured.threads.get(index));
        let place = match (thread, fault.key) {
            (None, _) => &configured.profile.place,
            (Some(thread), "name") => &thread.name.place,
            (Some(thread), "core") => thread
                .core
                .as_ref()
                .map_or(&thread.place, |core| &core.place),
            (Some(thread), "idle") => thread
                .idle
                .as_ref()
                .map_or(&thread.place, |idle| &idle.place),
            (Some(thread), "agents") => thread
                .agents
                .first()
                .map_or(&thread.place, |agent| &agent.place),
            (Some(thread), _) => &thread.place,
        };
        format!("{place}: {fault}")
    });
    (raw, checked)
}

/// A core map of the command line, checked against this machine.
pub fn typed_core_map(folded: bool, cores: Option<&[u32]>) -> anyhow::Result<CoreMap> {
    let map = if folded {
        defaults::folded()
    } else {
        defaults::shared()
    };
    let map = cores.map_or(map.clone(), |cores| defaults::pinned(map, cores));
    checked(&map.to_raw(), &Host::read(), |fault| fault.what.clone())
        .map_err(|faults| exit::config(faults.join("\n")))
}

fn checked(
    raw: &RawCoreMap,
    host: &Host,
    place: impl Fn(&pitlane_runtime::core_map::Fault) -> String,
) -> Result<CoreMap, Vec<String>> {
    check(raw, &roles(), host).map_err(|faults| {
        let mut lines: Vec<String> = Vec::new();
        for line in faults.iter().map(place) {
            // One mistake that was typed once may be the fault of several threads.
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    })
}

fn raw_thread(thread: &config::CoreMapThread) -> RawThread {
    RawThread {
        name: thread.name.value.clone(),
        core: thread.core.as_ref().map(|core| i64::from(core.value)),
        idle: thread.idle.as_ref().map(|idle| match idle.value {
            Idle::Spin => IdleKind::Spin,
            Idle::Yield => IdleKind::Yield,
            Idle::Backoff => IdleKind::Backoff,
            Idle::Park => IdleKind::Park,
        }),
        agents: thread
            .agents
            .iter()
            .map(|agent| agent.value.clone())
            .collect(),
    }
}

/// What the files do not say about themselves.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Their format.
    pub from: Option<String>,
    /// Their venue.
    pub venue: Option<String>,
    /// Their symbol.
    pub symbol: Option<String>,
    /// Their day.
    pub day: Option<String>,
    /// Hours east of UTC of their times.
    pub utc_offset: Option<i32>,
    /// Whether a bad line stops.
    pub strict: bool,
}

impl Hints {
    fn options(&self) -> anyhow::Result<ImportOptions> {
        let venue = match &self.venue {
            Some(name) => Some(Venue::from_name(name).ok_or_else(|| {
                let known: Vec<&str> = Venue::ALL.iter().map(|(_, name)| *name).collect();
                exit::usage(format!(
                    "no venue is called {name}; there are {}",
                    known.join(", ")
                ))
            })?),
            None => None,
        };
        let symbol = match &self.symbol {
            Some(text) => Some(Symbol::new(text.as_bytes()).ok_or_else(|| {
                exit::usage(format!(
                    "{text} is no symbol: 1 to 24 characters of A-Z 0-9 _ . - /"
                ))
            })?),
            None => None,
        };
        Ok(ImportOptions {
            venue,
            symbol,
            day: self
                .day
                .as_deref()
                .map(import::parse_day)
                .transpose()
                .map_err(exit::usage)?,
            utc_offset_hours: self.utc_offset,
            connection: 0,
            on_bad: if self.strict {
                OnBad::Stop
            } else {
                OnBad::Skip
            },
        })
    }
}

/// Opens a tick store and checks that there is one and that this build reads its records.
pub fn store(dir: &Path) -> anyhow::Result<TickReader> {
    if !dir.is_dir() {
        return Err(exit::usage(format!("{} is not a directory", dir.display())));
    }
    let reader = TickReader::open(dir)?;
    match reader.schema_hash() {
        Some(found) if found == schema::hash() => Ok(reader),
        Some(found) => anyhow::bail!(
            "{} was written with schema {found:016x}, this program reads {:016x}; use the program that wrote it",
            dir.display(),
            schema::hash()
        ),
        None => {
            let below = dir.join("ticks");
            let meant = below.is_dir()
                && TickReader::open(&below).is_ok_and(|reader| reader.schema_hash().is_some());
            let hint = if meant {
                format!("; did you mean {}?", below.display())
            } else {
                String::new()
            };
            Err(exit::usage(format!(
                "{} holds no tick store: no segment in it{hint}",
                dir.display()
            )))
        }
    }
}

/// Opens files as one stream of frames, merged by receive time.
pub fn frames(files: &[PathBuf], hints: &Hints) -> anyhow::Result<Box<dyn FrameSource>> {
    let options = hints.options()?;
    let unknown = |name: &str| {
        exit::usage(format!(
            "no format is called {name}; there are {}",
            formats()
        ))
    };
    let format = match hints.from.as_deref() {
        Some("auto") | None => None,
        Some(name) => Some(Format::from_name(name).ok_or_else(|| unknown(name))?),
    };
    for file in files {
        if !file.exists() {
            return Err(exit::usage(format!("{} does not exist", file.display())));
        }
        import::usable(file).map_err(exit::usage)?;
        if format.is_none() && import::detect(file)?.is_none() {
            return Err(exit::usage(format!(
                "{}: its content tells no format; name it with --from: {}",
                file.display(),
                formats()
            )));
        }
    }
    Ok(import::open_all(format, files, &options)?)
}

fn formats() -> String {
    Format::ALL.map(|(_, name)| name).join(", ")
}

/// The choice of streams each configured instrument has; they have their ids in the order of the configuration.
pub fn chosen(config: &Config) -> IntakeOptions {
    let except = (0..).zip(&config.instruments).map(|(id, row)| {
        let trades = match row.trades {
            TradeSource::Auto => TradeChoice::Auto,
            TradeSource::Aggregate => TradeChoice::Aggregate,
            TradeSource::Single => TradeChoice::Single,
        };
        let depth = match row.depth {
            DepthSource::Auto => DepthChoice::Auto,
            DepthSource::Diff => DepthChoice::Diff,
            DepthSource::Partial => DepthChoice::Partial,
        };
        (InstrumentId(id), InstrumentOptions { trades, depth })
    });
    IntakeOptions {
        except: except.collect(),
        ..IntakeOptions::default()
    }
}

/// The instruments of a configuration; steps that are left to the venue are those found in the files.
fn configured(
    config: &Config,
    files: &[PathBuf],
    hints: &Hints,
) -> anyhow::Result<InstrumentTable> {
    if let Some(table) = config.instrument_table() {
        return Ok(table);
    }
    let found = found(files, hints)?;
    let mut table = InstrumentTable::default();
    for row in &config.instruments {
        let same = |seen: &&Scanned| (seen.venue, seen.symbol) == (row.venue, row.venue_symbol);
        let steps = found.iter().find(same).map(|s| (s.tick_size, s.lot_size));
        let Some((tick, lot)) = steps.or_else(|| row.tick_size.zip(row.lot_size)) else {
            return Err(exit::config(format!(
                "{}: {} does not occur in the input, so its steps cannot be read from there; write tick_size and \
                 lot_size",
                row.place, row.symbol
            )));
        };
        table.add(row.with_steps(tick, lot))?;
    }
    Ok(table)
}

fn found(files: &[PathBuf], hints: &Hints) -> anyhow::Result<Vec<Scanned>> {
    let mut source = frames(
        files,
        &Hints {
            strict: false,
            ..hints.clone()
        },
    )?;
    Ok(import::scan_instruments(source.as_mut())?)
}

/// The instruments found in the files themselves: listed by the venue in them, or inferred from their numbers.
pub fn scanned(files: &[PathBuf], hints: &Hints) -> anyhow::Result<InstrumentTable> {
    let mut table = InstrumentTable::default();
    for Scanned {
        venue,
        symbol,
        tick_size,
        lot_size,
        ..
    } in found(files, hints)?
    {
        let taken = table.iter().any(|(_, known)| known.symbol == symbol);
        // The same symbol on a second venue gets a name of its own.
        let ours = if taken {
            second_name(symbol, venue)?
        } else {
            symbol
        };
        table.add(Instrument {
            symbol: ours,
            venue_symbol: symbol,
            venue,
            tick_size,
            lot_size,
        })?;
    }
    anyhow::ensure!(!table.is_empty(), "no instrument occurs in the input");
    Ok(table)
}

fn second_name(symbol: Symbol, venue: Venue) -> anyhow::Result<Symbol> {
    let suffix = match venue {
        Venue::BinanceUsdm | Venue::BinanceCoinm => "PERP",
        other => other.name(),
    };
    let text = format!("{symbol}-{suffix}");
    Symbol::new(text.as_bytes()).with_context(|| {
        format!("{text} is too long for a symbol; list the instruments in a configuration")
    })
}

/// Frames with the instruments in them, as the engine wants them.
pub fn source(
    files: &[PathBuf],
    hints: &Hints,
    config: Option<&Config>,
) -> anyhow::Result<engine::Source> {
    let (instruments, options) = match config.filter(|config| !config.instruments.is_empty()) {
        Some(config) => (configured(config, files, hints)?, chosen(config)),
        None => (scanned(files, hints)?, IntakeOptions::default()),
    };
    let names = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    Ok(engine::Source::Frames {
        names,
        frames: frames(files, hints)?,
        instruments,
        options,
    })
}
