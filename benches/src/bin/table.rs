//! One table of everything that is measured: ours, the limit, the rivals, in one run; see `scripts/bench`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "data goes to standard output")]
#![expect(clippy::print_stderr, reason = "talk goes to standard error")]

use anyhow::{Context, bail};
use clap::Parser;
use pitlane_benches::contenders::decode::Event;
use pitlane_benches::contenders::{
    book, breaker, decode, hop, idle, instruments, path, replay, socket, sqlite, store,
};
use pitlane_benches::machine::Machine;
use pitlane_benches::report::{Measured, Report};
use pitlane_benches::{frames, messages};
use pitlane_domain::message::Kind;
use pitlane_runtime::clock::Clock;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Measures every row against the limit of this machine and against rivals, in turns, and prints one table.
#[derive(Parser)]
#[command(
    name = "scripts/bench",
    after_help = "Examples:
  scripts/bench                     every row; a few minutes
  scripts/bench decode-trade hop    these rows
  scripts/bench --quick             every row with few rounds: does it run, not how fast
  scripts/bench --json out.json     the same figures for programs, in a file of that name

Compare within one run only: machines differ, and so do days. The table goes to standard output,
and with the JSON into the build directory, bench/table.md and bench/table.json.
Exit code: 0 measured, whether goals are met or missed; 1 failure; 2 usage."
)]
struct Arguments {
    /// Only these rows; `--list` says which there are.
    rows: Vec<String>,
    /// Rounds that count, of each row.
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Few rounds of little work.
    #[arg(long)]
    quick: bool,
    /// Where the JSON goes as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where table.md and table.json go.
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "target/bench",
        hide = true
    )]
    out: PathBuf,
    /// Name the rows and end.
    #[arg(long)]
    list: bool,
}

/// The rows in their order.
const ROWS: [&str; 16] = [
    "hop",
    "path",
    "decode-trade",
    "decode-agg-trade",
    "decode-book-ticker",
    "decode-depth",
    "book",
    "append-memory",
    "append-disk",
    "replay-bars",
    "replay-books",
    "sqlite",
    "instrumentation",
    "socket",
    "breaker",
    "idle",
];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.list {
        for row in ROWS {
            println!("{row}");
        }
        return Ok(());
    }
    for row in &arguments.rows {
        if !ROWS.contains(&row.as_str()) {
            eprintln!("bench: no row {row}; there are: {}", ROWS.join(" "));
            std::process::exit(2);
        }
    }
    let machine = Machine::read();
    let bench = Bench::new(&arguments)?;
    let chosen = ROWS.iter().filter(|row| {
        arguments.rows.is_empty() || arguments.rows.iter().any(|wanted| wanted == *row)
    });
    let mut rows = Vec::new();
    for row in chosen {
        eprintln!("bench: {row}");
        rows.push(bench.measure(row)?);
    }
    let report = Report { machine, rows };
    let (text, json) = (
        report.to_markdown(),
        serde_json::to_string_pretty(&report)? + "\n",
    );
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make {}", arguments.out.display()))?;
    write(&arguments.out.join("table.md"), &text)?;
    write(&arguments.out.join("table.json"), &json)?;
    if let Some(path) = &arguments.json {
        write(path, &json)?;
    }
    print!("{text}");
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// What rows share.
struct Bench {
    rounds: usize,
    quick: bool,
    clock: Clock,
    frames: Vec<pitlane_benches::OwnedFrame>,
    /// On the disk that holds the build.
    disk: PathBuf,
    /// The Python of the rivals, if it was made.
    python: PathBuf,
    /// In memory, where the system has a place for that.
    memory: Option<PathBuf>,
}

impl Bench {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let disk = arguments.out.join("work");
        std::fs::create_dir_all(&disk)
            .with_context(|| format!("cannot make {}", disk.display()))?;
        let memory = PathBuf::from("/dev/shm");
        Ok(Self {
            rounds: if arguments.quick {
                2
            } else {
                usize::from(arguments.rounds)
            },
            quick: arguments.quick,
            clock: Clock::new(),
            frames: frames(if arguments.quick { 3_000 } else { 60_000 }),
            disk: disk.canonicalize()?,
            python: arguments.out.join("rivals/bin/python"),
            memory: tempfile::tempdir_in(&memory).is_ok().then_some(memory),
        })
    }

    fn measure(&self, row: &str) -> anyhow::Result<Measured> {
        let rounds = self.rounds;
        let few = (rounds / 5).max(2);
        let scale = if self.quick { 10 } else { 1 };
        let one_core = "there is one core only, and spinning on it would measure the scheduler";
        let decode = |id, event: Event| {
            let frames = event.frames(&self.frames);
            decode::row(id, event, &frames).measure(4 * rounds)
        };
        let append = |id, on, dir: &Path| {
            let place = store::Place::new(dir, (1 << 17) / scale, &self.clock);
            store::row(id, on, &place).measure(rounds)
        };
        let somewhere = self.memory.as_deref().unwrap_or(&self.disk);
        let recorded = |wanted: &dyn Fn(Kind) -> bool| {
            replay::Recorded::of(&messages(&self.frames), somewhere, wanted)
        };
        Ok(match row {
            "hop" | "instrumentation" => match hop::Track::find(&self.clock, 20_000 / scale) {
                Some(track) if row == "hop" => hop::row(&track).measure(rounds),
                Some(track) => instruments::row(&track).measure(rounds),
                None => Measured::skipped(row, "a 64 B message to another core", one_core),
            },
            "path" => {
                let some = &self.frames[..self.frames.len().min(6_000)];
                match path::Path::find(some, &self.clock) {
                    Some(path) => path::row(&path).measure(rounds),
                    None => Measured::skipped(row, "frame in to market state out", one_core),
                }
            }
            "decode-trade" => decode("decode-trade", Event::Trade),
            "decode-agg-trade" => decode("decode-agg-trade", Event::AggTrade),
            "decode-book-ticker" => decode("decode-book-ticker", Event::BookTicker),
            "decode-depth" => decode("decode-depth", Event::DepthUpdate),
            "book" => {
                let some = &self.frames[..self.frames.len().min(10_000)];
                book::row(&book::Sides::of(some)).measure(rounds)
            }
            "append-memory" => match &self.memory {
                Some(dir) => append("append-memory", "/dev/shm", dir),
                None => Measured::skipped(row, "tick store append", "there is no /dev/shm"),
            },
            "append-disk" => append("append-disk", "a disk", &self.disk),
            "replay-bars" => {
                let trades = recorded(&|kind| kind == Kind::Trade);
                replay::bars_row(&trades, &self.python).measure(2 * rounds)
            }
            "replay-books" => replay::books_row(&recorded(&|_| true)).measure(rounds),
            "sqlite" => sqlite::row(&sqlite::rows(), &self.disk).measure(few),
            "socket" => {
                let some = &self.frames[..self.frames.len().min(6_000)];
                socket::row(&socket::Wire::of(some, if self.quick { 2 } else { 20 }))
                    .measure(rounds)
            }
            "breaker" => breaker::row(700_000 / scale).measure(rounds),
            "idle" => {
                let time = Duration::from_secs(if self.quick { 1 } else { 30 });
                let frame = self.frames.first().context("an empty sample")?;
                idle::row(frame, time).measure_once()
            }
            _ => bail!("no row {row}"),
        })
    }
}
