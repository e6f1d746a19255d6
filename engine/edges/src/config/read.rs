//! The document section by section: which keys there are, and what is legal for each.

mod live;

use super::document::{Report, Section, cut, duration, not_a_choice, parse};
use super::fault::Fault;
use super::{
    Config, CoreMap, CoreMapThread, DepthSource, Idle, InstrumentConfig, Located, Log, LogLevel,
    OnBadFrame, Overrides, Profile, Rings, Source, SourceKind, Speed, Stats, Storage, Sync,
    TickStore, TradeSource,
};
use crate::import::Format;
use pitlane_domain::instrument::{InstrumentTable, Symbol, Venue};
use pitlane_domain::units::{DecimalError, Grid};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Legal capacities of a ring: the smallest holds the largest burst an agent declares, the largest is 1 GiB of messages.
const RING_LEAST: u64 = 1 << 10;
const RING_MOST: u64 = 1 << 24;

/// The configuration (unless the text is no TOML), all faults, and every key that was asked for.
pub(super) fn read(
    file: &str,
    text: &str,
    overrides: &Overrides,
) -> (Option<Config>, Vec<Fault>, BTreeSet<String>) {
    let mut report = Report::new(file, text, overrides);
    let config = parse(&mut report).map(|document| {
        let mut root = Section::root(document.get_ref(), &report);
        let report = &mut report;
        let source = source(root.section("source", report), report);
        let config = Config {
            instruments: instruments(root.sections("instrument", report), source.kind, report),
            upstreams: live::upstreams(root.sections("upstream", report), report),
            live: live::live(root.section("live", report), report),
            source,
            tick_store: tick_store(root.section("tick_store", report), report),
            storage: storage(root.section("storage", report), report),
            log: log(root.section("log", report), report),
            stats: stats(root.section("stats", report), report),
            rings: rings(root.section("rings", report), report),
            core_map: core_map(root.section("core_map", report), report),
        };
        if config.source.kind == SourceKind::Live {
            live::complete(&config.instruments, &config.upstreams, &root.place, report);
        }
        root.finish(report);
        config
    });
    let (faults, asked) = report.finish(config.is_some());
    (config, faults, asked)
}

fn source(mut section: Section<'_>, report: &mut Report<'_>) -> Source {
    let default = Source::default();
    let kind = section.choice("kind", &SourceKind::ALL, report);
    let paths = section.texts("paths", report);
    let format = format(&mut section, report);
    let speed = speed(&mut section, report);
    let venue = venue(&mut section, report);
    let on_bad_frame = section.choice("on_bad_frame", &OnBadFrame::ALL, report);
    let paths = paths.iter().filter_map(|path| {
        if path.value.is_empty() {
            report.fault(&path.place, "source.paths", "a path is empty");
        }
        (!path.value.is_empty()).then(|| PathBuf::from(&path.value))
    });
    let source = Source {
        kind: kind.map_or(default.kind, |k| k.value),
        paths: paths.collect(),
        format,
        speed: speed.unwrap_or(default.speed),
        venue,
        on_bad_frame: on_bad_frame.map_or(default.on_bad_frame, |b| b.value),
    };
    section.finish(report);
    source
}

/// A format by name, or `"auto"`.
fn format(section: &mut Section<'_>, report: &mut Report<'_>) -> Option<Located<String>> {
    let written = section.text("format", report)?;
    if Format::from_name(&written.value).is_some() {
        return Some(written);
    }
    if written.value != "auto" {
        let names = Format::ALL.iter().map(|(_, name)| *name);
        let what = not_a_choice(&written.value, std::iter::once("auto").chain(names));
        report.fault(&written.place, &section.full_name("format"), what);
    }
    None
}

/// `"max"`, `"10x"`, or a number.
fn speed(section: &mut Section<'_>, report: &mut Report<'_>) -> Option<Speed> {
    let Located { value, place } = section.text_or_number("speed", report)?;
    if value == "max" {
        return Some(Speed::Max);
    }
    let number = value.strip_suffix('x').unwrap_or(&value).parse::<f64>();
    if let Some(times) = number
        .ok()
        .filter(|times| times.is_finite() && *times > 0.0)
    {
        return Some(Speed::Times(times));
    }
    let what = format!(
        "\"{}\" is no speed; legal are \"max\" and a pace greater than 0 such as \"1x\", \"10x\" or 0.5",
        cut(&value)
    );
    report.fault(&place, &section.full_name("speed"), what);
    None
}

fn venue(section: &mut Section<'_>, report: &mut Report<'_>) -> Option<Venue> {
    let legal = Venue::ALL.map(|(venue, name)| (name, venue));
    section
        .choice("venue", &legal, report)
        .map(|venue| venue.value)
}

fn instruments(
    sections: Vec<Section<'_>>,
    kind: SourceKind,
    report: &mut Report<'_>,
) -> Vec<InstrumentConfig> {
    let mut table = InstrumentTable::default();
    let mut rows = Vec::new();
    for section in sections {
        let Some(row) = instrument(section, kind, report) else {
            continue;
        };
        match table.add(row.with_steps(Grid::UNIT, Grid::UNIT)) {
            Ok(_) => rows.push(row),
            Err(why) => report.fault(&row.place, "instrument", why.to_string()),
        }
    }
    rows
}

fn instrument(
    mut section: Section<'_>,
    kind: SourceKind,
    report: &mut Report<'_>,
) -> Option<InstrumentConfig> {
    let place = section.place.clone();
    let own = symbol(&mut section, "symbol", report);
    let own = section.require("symbol", "\"BTCUSDT\"", own, report);
    let venue = venue(&mut section, report);
    let venue = section.require("venue", "\"binance-spot\"", venue, report);
    let venue_symbol = symbol(&mut section, "venue_symbol", report);
    let tick_size = step(&mut section, "tick_size", report);
    let lot_size = step(&mut section, "lot_size", report);
    // A live source may take them from its venue.
    if kind == SourceKind::Capture {
        section.require("tick_size", "\"0.01\"", tick_size, report)?;
        section.require("lot_size", "\"0.00001\"", lot_size, report)?;
    }
    let trades = section.choice("trades", &TradeSource::ALL, report);
    let depth = section.choice("depth", &DepthSource::ALL, report);
    let mut silent = |key| {
        let legal = Duration::from_millis(1)..=Duration::from_hours(24);
        section.duration(key, legal, report).map(|time| time.value)
    };
    let (trades_silent, depth_silent) = (silent("trades_silent"), silent("depth_silent"));
    section.finish(report);
    Some(InstrumentConfig {
        place,
        symbol: own?,
        venue_symbol: venue_symbol.or(own)?,
        venue: venue?,
        tick_size,
        lot_size,
        trades: trades.map_or(TradeSource::Auto, |t| t.value),
        depth: depth.map_or(DepthSource::Auto, |d| d.value),
        trades_silent,
        depth_silent,
    })
}

fn symbol(section: &mut Section<'_>, key: &'static str, report: &mut Report<'_>) -> Option<Symbol> {
    let Located { value, place } = section.text(key, report)?;
    let symbol = Symbol::new(value.as_bytes());
    if symbol.is_none() {
        let what = format!(
            "\"{}\" is no symbol: 1 to {} characters of A-Z 0-9 _ . - /",
            cut(&value),
            Symbol::CAPACITY
        );
        report.fault(&place, &section.full_name(key), what);
    }
    symbol
}

fn step(section: &mut Section<'_>, key: &'static str, report: &mut Report<'_>) -> Option<Grid> {
    let Located { value, place } = section.text(key, report)?;
    let why = match Grid::of_step(value.as_bytes()) {
        Ok(grid) => return Some(grid),
        Err(DecimalError::NotANumber) => "is no decimal number",
        Err(DecimalError::OffStep | DecimalError::OutOfRange) => {
            "is no step: it must be greater than 0, with at most 18 decimals, and fit 64 bits"
        }
    };
    let what = format!("\"{}\" {why}; write for example \"0.01\"", cut(&value));
    report.fault(&place, &section.full_name(key), what);
    None
}

fn tick_store(mut section: Section<'_>, report: &mut Report<'_>) -> TickStore {
    let default = TickStore::default();
    let dir = path(&mut section, "dir", report);
    let segment_records = section.integer("segment_records", 1 << 10..=1 << 28, report);
    let sync = sync(&mut section, report);
    let prefault = section.boolean("prefault", report);
    section.finish(report);
    TickStore {
        dir: dir.unwrap_or(default.dir),
        segment_records: segment_records.map_or(default.segment_records, |n| n.value),
        sync: sync.unwrap_or(default.sync),
        prefault: prefault.unwrap_or(default.prefault),
    }
}

/// `"none"`, `"batch"`, or the interval.
fn sync(section: &mut Section<'_>, report: &mut Report<'_>) -> Option<Sync> {
    let Located { value, place } = section.text("sync", report)?;
    let fault = match (value.as_str(), duration(&value)) {
        ("none", _) => return Some(Sync::None),
        ("batch", _) => return Some(Sync::EveryBatch),
        (_, Some(interval)) if interval >= Duration::from_millis(1) => {
            return Some(Sync::Interval(interval));
        }
        (_, Some(_)) => "an interval is at least \"1ms\"".to_owned(),
        (word, None) => not_a_choice(word, ["none", "batch", "100ms"].into_iter()),
    };
    report.fault(&place, &section.full_name("sync"), fault);
    None
}

fn storage(mut section: Section<'_>, report: &mut Report<'_>) -> Storage {
    let default = Storage::default();
    let path = path(&mut section, "path", report);
    let mut number = |key, least, most, default| {
        let written = section.integer(key, least..=most, report);
        written.map_or(default, |n| n.value)
    };
    let day_ms = 86_400_000;
    let commit_rows = number("commit_rows", 1, 1_000_000, default.commit_rows.into());
    let commit_ms = number("commit_ms", 1, 60_000, default.commit_ms.into());
    let storage = Storage {
        path: path.unwrap_or(default.path),
        commit_rows: small(commit_rows),
        commit_ms: small(commit_ms),
        max_history_rows: number("maxHistoryRows", 1, 1 << 40, default.max_history_rows),
        max_history_age_min: number("maxHistoryAgeMin", 1, 1 << 32, default.max_history_age_min),
        health_check_interval_ms: number(
            "healthCheckIntervalMs",
            100,
            day_ms,
            default.health_check_interval_ms,
        ),
        failure_threshold: small(number(
            "failureThreshold",
            1,
            1000,
            default.failure_threshold.into(),
        )),
        operation_timeout_ms: number(
            "operationTimeoutMs",
            1,
            day_ms,
            default.operation_timeout_ms,
        ),
    };
    section.finish(report);
    storage
}

/// A number that was checked to be in a range below 2^32.
fn small(number: u64) -> u32 {
    u32::try_from(number).expect("the legal range ends below 2^32")
}

fn log(mut section: Section<'_>, report: &mut Report<'_>) -> Log {
    let default = Log::default();
    let dir = path(&mut section, "dir", report);
    let level = section.choice("level", &LogLevel::ALL, report);
    let rotate_mib = section.integer("rotate_mib", 1..=65_536, report);
    let keep = section.integer("keep", 0..=10_000, report);
    section.finish(report);
    Log {
        dir: dir.unwrap_or(default.dir),
        level: level.map_or(default.level, |l| l.value),
        rotate_mib: rotate_mib.map_or(default.rotate_mib, |n| small(n.value)),
        keep: keep.map_or(default.keep, |n| small(n.value)),
    }
}

fn stats(mut section: Section<'_>, report: &mut Report<'_>) -> Stats {
    let default = Stats::default();
    let dir = path(&mut section, "dir", report);
    let flush_ms = section.integer("flush_ms", 10..=60_000, report);
    section.finish(report);
    Stats {
        dir: dir.unwrap_or(default.dir),
        flush_ms: flush_ms.map_or(default.flush_ms, |n| small(n.value)),
    }
}

fn rings(mut section: Section<'_>, report: &mut Report<'_>) -> Rings {
    let default = Rings::default();
    let mut capacity = |key, default| {
        let Some(written) = section.integer(key, RING_LEAST..=RING_MOST, report) else {
            return default;
        };
        if !written.value.is_power_of_two() {
            let above = written.value.next_power_of_two();
            let what = format!(
                "{} is no power of two; the nearest are {} and {above}",
                written.value,
                above / 2
            );
            report.fault(&written.place, &section.full_name(key), what);
            return default;
        }
        small(written.value)
    };
    let rings = Rings {
        feed: capacity("feed", default.feed),
        record: capacity("record", default.record),
        market: capacity("market", default.market),
    };
    section.finish(report);
    rings
}

fn core_map(mut section: Section<'_>, report: &mut Report<'_>) -> CoreMap {
    let profile = section.choice("profile", &Profile::ALL, report);
    let threads = section.sections("thread", report);
    let threads = threads.into_iter().map(|section| thread(section, report));
    let core_map = CoreMap {
        threads: threads.collect(),
        profile: profile.unwrap_or_else(|| CoreMap::default().profile),
    };
    section.finish(report);
    core_map
}

fn thread(mut section: Section<'_>, report: &mut Report<'_>) -> CoreMapThread {
    let place = section.place.clone();
    let name = section.text("name", report);
    let name = section.require("name", "\"market\"", name, report);
    let core = section.integer("core", 0..=u64::from(u16::MAX), report);
    let idle = section.choice("idle", &Idle::ALL, report);
    let agents = section.texts("agents", report);
    let agents_written = Some(()).filter(|()| !agents.is_empty());
    section.require("agents", "[\"market\"]", agents_written, report);
    section.finish(report);
    CoreMapThread {
        name: name.unwrap_or_else(|| Located::by_default(String::new())),
        core: core.map(|core| Located {
            value: small(core.value),
            place: core.place,
        }),
        idle,
        agents,
        place,
    }
}

/// A path that is not empty, if the key is there.
fn path(section: &mut Section<'_>, key: &'static str, report: &mut Report<'_>) -> Option<PathBuf> {
    let Located { value, place } = section.text(key, report)?;
    if value.is_empty() || value.contains('\0') {
        report.fault(&place, &section.full_name(key), "is no path");
        return None;
    }
    Some(value.into())
}
