use super::*;
use crate::defaults;
use crate::engine::{Engine, Plan, Source};
use crate::pace::Speed;
use crate::topology::{AGENTS, EDGES, Policy};
use pitlane_domain::instrument::InstrumentTable;
use pitlane_domain::intake::IntakeOptions;
use pitlane_edges::config::{Config, Overrides};
use pitlane_edges::source::{Frame, FrameSource, ImportReport, Progress, SourceError};
use pitlane_lockfree::counters::declared::THREAD_OWNER;
use pitlane_lockfree::counters::{PageReader, Snapshot};
use pitlane_runtime::lifecycle::Stop;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_document_shows_the_table() {
    expect_test::expect_file!["../../../../docs/counters.md"].assert_eq(&render());
}

#[test]
fn ids_and_names_are_given_once() {
    let mut ids = BTreeSet::new();
    let mut names = BTreeSet::new();
    for what in all() {
        assert!(what.id != 0 && ids.insert(what.id), "id {} twice", what.id);
        let kind = what.owner.kind();
        assert!(names.insert((kind, format!("{:?}", what.owner), what.label)));
        assert!(
            !what.help.contains('|') && what.help.ends_with('.'),
            "{}",
            what.label
        );
        assert_eq!(by_id(what.id), Some(what));
    }
    assert_eq!(by_id(0), None);
}

#[test]
fn a_name_in_a_dump_leads_to_its_declaration() {
    for (name, what) in [
        ("feed/frames", &FRAMES),
        ("market/latency.market", &MARKET),
        ("thread/hot/loops", &beat::LOOPS),
        ("thread/hot/cycle_ns", &beat::CYCLE),
        ("recorder/busy_ns", &beat::BUSY_NS),
        ("feed/edge.feed-sequencer.blocked_ns", &ring::BLOCKED_TICKS),
        ("feed/errors_told", &log::ERRORS_TOLD),
    ] {
        assert_eq!(by_name(name), Some(what), "{name}");
    }
    for name in ["frames", "market/frames", "feed/nothing", ""] {
        assert_eq!(by_name(name), None, "{name}");
    }
}

/// A source that is at its end.
struct Nothing;

impl FrameSource for Nothing {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        Ok(None)
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn reports(&self) -> Vec<ImportReport> {
        Vec::new()
    }
}

/// The page a whole engine leaves behind, all its agents on one thread.
fn page_of_an_engine(dir: &Path) -> Snapshot {
    let mut config = Config::parse("test", "", &Overrides::default()).expect("defaults");
    config.tick_store.dir = dir.join("ticks");
    config.tick_store.segment_records = 4096;
    config.storage.path = dir.join("storage/pitlane.db");
    config.log.dir = dir.join("log");
    config.stats.dir = dir.join("stats");
    let plan = Plan {
        source: Source::Frames {
            names: vec!["nothing".to_owned()],
            frames: Box::new(Nothing),
            instruments: InstrumentTable::default(),
            options: IntakeOptions::default(),
        },
        speed: Speed::Max,
        config,
        core_map: defaults::folded(),
        stop: Stop::new(),
    };
    let report = Engine::start(plan).expect("a start").wait();
    assert!(report.is_good(), "{:?}", report.faults);
    let page = PageReader::open(&dir.join("stats/counters.page")).expect("a page");
    page.snapshot()
}

/// Owner and label of every number this engine must have.
fn expected(snapshot: &Snapshot) -> BTreeSet<(String, String, u16)> {
    let mut names = BTreeSet::new();
    let mut name = |owner: &str, label: String, id| names.insert((owner.to_owned(), label, id));
    let logging: Vec<&str> = AGENTS
        .iter()
        .map(|agent| agent.role)
        .filter(|agent| {
            let edge = ring::SENT.label_on(&format!("log.{agent}"));
            snapshot.value(agent, &edge).is_some()
        })
        .collect();
    assert!(logging.len() >= 2, "{logging:?}");
    let mut edges: Vec<(String, &str, &str)> = EDGES
        .iter()
        .filter(|edge| matches!(edge.policy, Policy::Lossless { .. }))
        .map(|edge| (edge.name.to_owned(), edge.from, edge.to))
        .collect();
    edges.extend(
        logging
            .iter()
            .map(|agent| (format!("log.{agent}"), *agent, "logger")),
    );
    for what in all() {
        let label = || what.label.to_owned();
        match what.owner {
            Owner::EveryAgent => {
                for agent in AGENTS {
                    name(agent.role, label(), what.id);
                }
            }
            Owner::LoggingAgent => {
                for agent in &logging {
                    name(agent, label(), what.id);
                }
            }
            Owner::Agent(agent) => {
                name(agent, label(), what.id);
            }
            Owner::Thread => {
                name(&format!("{THREAD_OWNER}folded"), label(), what.id);
            }
            Owner::EdgeWriter | Owner::EdgeReader => {
                for (edge, from, to) in &edges {
                    let writer = what.owner == Owner::EdgeWriter;
                    let owner = if writer { from } else { to };
                    name(owner, what.label_on(edge), what.id);
                }
            }
        }
    }
    names
}

#[test]
fn a_running_engine_has_the_numbers_of_the_table_and_no_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let snapshot = page_of_an_engine(dir.path());
    let found: BTreeSet<_> = snapshot
        .entries
        .iter()
        .map(|entry| (entry.owner.clone(), entry.label.clone(), entry.id))
        .collect();
    let expected = expected(&snapshot);
    let missing: Vec<_> = expected.difference(&found).collect();
    let undeclared: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
    assert!(undeclared.is_empty(), "not in the table: {undeclared:?}");
    for entry in &snapshot.entries {
        assert!(of(entry).is_some(), "kind or unit of {entry:?}");
    }
    assert_eq!(snapshot.refused, 0);
    // All of them began and ended, and the page tells for how long they lived.
    for agent in AGENTS {
        assert!(
            beat::uptime_ns(&snapshot, agent.role).is_some(),
            "{}",
            agent.role
        );
        assert_eq!(
            beat::error_count(&snapshot, agent.role),
            0,
            "{}",
            agent.role
        );
    }
}
