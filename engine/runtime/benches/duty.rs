//! What the runtime itself costs: a duty cycle, a log call, a flush, and an engine with nothing
//! to do. What the instruments of a hop cost is a row of `scripts/bench`. Minimum and median of many rounds, because the machines are shared and noisy.
//!
//! `cargo bench -p pitlane-runtime`; run as a test every part runs shortly.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(
    clippy::cast_precision_loss,
    reason = "nanoseconds and counts of a bench are far below 2^53"
)]

use pitlane_lockfree::counters::{Histogram, Unit};
use pitlane_lockfree::ring::{Consumer, EdgeCounters, Producer, ring};
use pitlane_runtime::agent::{Agent, AgentSpec, Duty, Turn};
use pitlane_runtime::clock::Clock;
use pitlane_runtime::core_map::CoreMap;
use pitlane_runtime::log;
use pitlane_runtime::log::{Level, LogFile, LogRings, Logger, LoggerOptions};
use pitlane_runtime::metrics::Collector;
use pitlane_runtime::runner::{RunOptions, fold, launch};
use pitlane_runtime::supervisor::{Supervisor, SupervisorOptions};
use std::time::Duration;

fn main() {
    let short = !std::env::args().any(|argument| argument == "--bench");
    let rounds = if short { 2 } else { 200 };
    println!("{:<44} {:>10} {:>10}", "nanoseconds", "minimum", "median");
    idle_cycle(rounds, 1);
    idle_cycle(rounds, 7);
    busy_cycle(rounds);
    log_call(rounds);
    flush(rounds);
    idle_engine(if short { 1 } else { 10 });
}

fn table(what: &str, mut per_call: Vec<f64>) {
    per_call.sort_by(f64::total_cmp);
    let median = per_call[per_call.len() / 2];
    println!("{what:<44} {:>10.1} {median:>10.1}", per_call[0]);
}

/// Times `calls` calls, `rounds` times.
fn measure(rounds: usize, calls: u32, mut call: impl FnMut()) -> Vec<f64> {
    let clock = Clock::new();
    let mut times = Vec::new();
    for _ in 0..rounds {
        let start = clock.raw();
        for _ in 0..calls {
            call();
        }
        times.push(clock.since_ns(start) as f64 / f64::from(calls));
    }
    times
}

/// Has nothing to do until it is told to end.
struct Idler {
    name: String,
    input: Consumer<u64>,
}

impl Agent for Idler {
    fn role(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        let mut ended = false;
        let work = self
            .input
            .drain(duty.budget as usize, |&number| ended |= number == u64::MAX);
        if ended {
            Turn::Done
        } else {
            Turn::Worked(work)
        }
    }
}

fn idler(name: &str) -> (Idler, Producer<u64>) {
    let (out, input) = ring(256, EdgeCounters::private());
    let name = name.to_owned();
    (Idler { name, input }, out)
}

fn idle_cycle(rounds: usize, agents: usize) {
    let options = RunOptions::new(Clock::new());
    let mut ends = Vec::new();
    let mut specs = Vec::new();
    for number in 0..agents {
        let (agent, end) = idler(&format!("idler-{number}"));
        ends.push(end);
        specs.push(AgentSpec::from(agent));
    }
    let mut folded = fold(specs, &[], &options).expect("a legal fold");
    let times = measure(rounds, 10_000, || {
        folded.step();
    });
    table(&format!("duty cycle, {agents} idle agents"), times);
}

fn busy_cycle(rounds: usize) {
    let options = RunOptions::new(Clock::new());
    let (agent, mut out) = idler("worker");
    let mut folded = fold(vec![AgentSpec::from(agent)], &[], &options).expect("a legal fold");
    let times = measure(rounds, 10_000, || {
        out.push(1);
        folded.step();
    });
    table("push and duty cycle, 1 agent, 1 message", times);
}

fn log_call(rounds: usize) {
    let options = RunOptions::new(Clock::new());
    let mut rings = LogRings::new(options.clock.clone(), Level::Info, options.page.clone());
    let mut handle = rings.handle("worker").expect("room");
    let file = LoggerOptions {
        file: LogFile::Discard,
        repeats: 0,
        window: Duration::from_hours(1),
    };
    let mut logger = Logger::new(rings, options.notices.clone(), file).expect("room");
    let clock = options.clock.clone();
    let mut times = Vec::new();
    for round in 0..rounds as u64 {
        let start = clock.raw();
        for number in 0..1000_u64 {
            log!(
                handle,
                Level::Warn,
                "gap of {} on {}, {}",
                round,
                "BTCUSDT",
                number
            );
        }
        times.push(clock.since_ns(start) as f64 / 1000.0);
        let turn = logger.poll(&Duty::new(clock.raw(), 10_000));
        assert!(matches!(turn, Turn::Worked(work) if work.count() == 1000));
    }
    assert_eq!(handle.dropped(), 0);
    table("log call, 3 arguments", times);
    let quiet = measure(rounds, 10_000, || {
        log!(handle, Level::Debug, "not kept {}", 1_u64);
    });
    table("log call below the level", quiet);
}

fn flush(rounds: usize) {
    let options = RunOptions::new(Clock::new());
    let mut histograms: Vec<Histogram> = (0..30)
        .map(|number| {
            let label = format!("stage-{number}");
            let unit = Unit::Nanoseconds;
            options
                .page
                .histogram("worker", &label, unit)
                .expect("room")
        })
        .collect();
    let mut collector = Collector::new(options.page.reader(), options.clock.clone());
    let mut times = Vec::new();
    for _ in 0..rounds {
        for histogram in &mut histograms {
            for value in 0..100 {
                histogram.record(value * 37);
            }
        }
        times.extend(measure(1, 1, || collector.flush()));
    }
    table("flush of 30 histograms that grew", times);
}

/// A whole engine on the shared map with no input: what it takes from the machine.
fn idle_engine(seconds: u64) {
    let options = RunOptions::new(Clock::new());
    let mut rings = LogRings::new(options.clock.clone(), Level::Info, options.page.clone());
    let names = ["feed", "sequencer", "recorder", "market", "storage"];
    let mut ends = Vec::new();
    let mut specs = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let (agent, end) = idler(name);
        ends.push(end);
        rings.handle(name).expect("room");
        let spec = AgentSpec::from(agent);
        specs.push(match names.get(index + 1) {
            Some(next) => spec.feeds(&[next]),
            None => spec,
        });
    }
    let supervisor = Supervisor::new(
        &options.page,
        options.clock.clone(),
        options.notices.clone(),
        SupervisorOptions::default(),
    );
    specs.push(AgentSpec::from(supervisor.expect("room")));
    let file = LoggerOptions {
        file: LogFile::Discard,
        repeats: 20,
        window: Duration::from_secs(1),
    };
    let logger = Logger::new(rings, options.notices.clone(), file);
    specs.push(AgentSpec::from(logger.expect("room")));
    let map = CoreMap::shared(&[
        ("ingress", &["feed", "sequencer"]),
        ("market", &["market"]),
        ("disk", &["recorder", "storage"]),
        ("cold", &["supervisor", "logger"]),
    ]);
    let running = launch(&map, specs, &options).expect("a legal map");
    std::thread::sleep(Duration::from_secs(seconds));
    for end in &mut ends {
        end.push(u64::MAX);
    }
    let report = running.join();
    assert!(report.ok, "{report:?}");
    println!("\nidle engine, shared map, {seconds} s: CPU in % of one core");
    let mut whole = 0.0;
    for thread in &report.threads {
        let share = thread.cpu_ns as f64 / (seconds as f64 * 1e9) * 100.0;
        whole += share;
        println!("  {:<10} {share:>6.3}", thread.name);
    }
    println!("  {:<10} {whole:>6.3}", "all");
}
