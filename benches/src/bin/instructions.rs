//! Counts the instructions of every operation and holds them against the baseline; see `scripts/instructions`.
//!
//! Each operation runs in a process of its own under valgrind, once of some length and once of twice that length.
//! The difference is what the loop cost; start-up, setup and the first touch of everything cancel.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "data goes to standard output")]
#![expect(clippy::print_stderr, reason = "talk goes to standard error")]

use anyhow::{Context, bail, ensure};
use clap::{Parser, Subcommand};
use pitlane_benches::gate::{
    Baseline, Circumstances, Entry, TOLERANCE_PERCENT, compare, instructions_of,
};
use pitlane_benches::machine::built_for;
use pitlane_benches::operations::{self, OPERATIONS, Operation};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The exit code that says: nothing was compared, and why stands on standard error.
const NOT_COMPARED: u8 = 77;

/// Counts instructions per operation under valgrind and compares them with the baseline.
#[derive(Parser)]
#[command(
    name = "scripts/instructions",
    after_help = "Examples:
  scripts/instructions                   compare every operation with benches/instructions.txt
  scripts/instructions book-level        only this one
  scripts/instructions --accept          make the counts of this tree the baseline

Exit code: 0 no operation costs more than its tolerance, 1 one does or counting failed, 2 usage,
77 nothing was compared: the compiler or the machine differs from the recorded one."
)]
struct Arguments {
    /// Only these operations.
    operations: Vec<String>,
    /// Write the baseline instead of comparing with it.
    #[arg(long)]
    accept: bool,
    /// The baseline.
    #[arg(long, value_name = "FILE", default_value = "benches/instructions.txt")]
    baseline: PathBuf,
    #[command(subcommand)]
    inside: Option<Inside>,
}

/// What runs under valgrind.
#[derive(Subcommand)]
enum Inside {
    /// Runs one operation so often and prints how many operations that was.
    #[command(hide = true)]
    Operation { name: String, length: u64 },
    /// Prints the instruction sets that libraries find here.
    #[command(hide = true)]
    Features,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let answer = match &arguments.inside {
        Some(Inside::Operation { name, length }) => operation(name, *length),
        Some(Inside::Features) => {
            println!("{}", features());
            Ok(0)
        }
        None => drive(&arguments),
    };
    match answer {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn operation(name: &str, length: u64) -> anyhow::Result<u8> {
    let operation = operations::find(name).with_context(|| format!("no operation {name}"))?;
    println!("{}", (operation.run)(length));
    Ok(0)
}

fn drive(arguments: &Arguments) -> anyhow::Result<u8> {
    let chosen = choose(&arguments.operations)?;
    let path = &arguments.baseline;
    let now = circumstances()?;
    if arguments.accept {
        return accept(path, &chosen, now);
    }
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{}: scripts/instructions --accept makes it", path.display()))?;
    let mut baseline =
        Baseline::parse(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    let differences = baseline.differences(&now);
    if !differences.is_empty() {
        for difference in differences {
            eprintln!("instructions: not compared: {difference}");
        }
        eprintln!(
            "instructions: {} was counted elsewhere; on the machine and compiler that tests the project, \
             scripts/instructions --accept makes a new one",
            path.display()
        );
        return Ok(NOT_COMPARED);
    }
    narrow(&mut baseline, &chosen);
    let found = compare(&baseline, &count(&chosen)?);
    println!(
        "{:<24} {:>12} {:>12} {:>10}",
        "instructions per", "before", "after", "change"
    );
    for comparison in &found {
        println!("{}", comparison.line());
    }
    let bad: Vec<_> = found.iter().filter(|it| it.is_failure()).collect();
    if bad.is_empty() {
        return Ok(0);
    }
    for comparison in bad {
        eprintln!("instructions: {}", comparison.complaint());
    }
    eprintln!(
        "To find where: valgrind --tool=callgrind of the operation, before and after. If it is worth it, run \
         scripts/instructions --accept, commit {} with the change, and say in the message what was bought.",
        path.display()
    );
    Ok(1)
}

/// The operations of those names, all if none is named.
fn choose(names: &[String]) -> anyhow::Result<Vec<&'static Operation>> {
    if names.is_empty() {
        return Ok(OPERATIONS.iter().collect());
    }
    let all = || OPERATIONS.map(|it| it.name).join(" ");
    names
        .iter()
        .map(|name| {
            operations::find(name)
                .with_context(|| format!("no operation {name}; there are: {}", all()))
        })
        .collect()
}

/// Leaves only the chosen operations, if not all are.
fn narrow(baseline: &mut Baseline, chosen: &[&'static Operation]) {
    if chosen.len() < OPERATIONS.len() {
        let is_chosen = |entry: &Entry| chosen.iter().any(|it| it.name == entry.name);
        baseline.entries.retain(is_chosen);
    }
}

/// Writes the counts of the chosen operations into the baseline, and keeps its tolerances.
fn accept(path: &Path, chosen: &[&'static Operation], now: Circumstances) -> anyhow::Result<u8> {
    let old = match std::fs::read_to_string(path) {
        Ok(text) => Baseline::parse(&text).unwrap_or_default(),
        Err(_) => Baseline::default(),
    };
    ensure!(
        chosen.len() == OPERATIONS.len() || old.differences(&now).is_empty(),
        "the baseline was counted under other circumstances: accept all operations or none"
    );
    let counted = count(chosen)?;
    let mut before = old.clone();
    narrow(&mut before, chosen);
    for comparison in compare(&before, &counted) {
        println!("{}", comparison.line());
    }
    let entry = |operation: &Operation| {
        let known = old.find(operation.name);
        let counted = counted.iter().find(|(name, _)| name == operation.name);
        let instructions = counted.map(|(_, instructions)| *instructions);
        Some(Entry {
            name: operation.name.to_owned(),
            instructions: instructions.or(known.map(|it| it.instructions))?,
            tolerance: known.map_or(TOLERANCE_PERCENT, |it| it.tolerance),
        })
    };
    let baseline = Baseline {
        circumstances: now,
        entries: OPERATIONS.iter().filter_map(entry).collect(),
    };
    std::fs::write(path, baseline.to_text())
        .with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("instructions: {} is the baseline now", path.display());
    Ok(0)
}

/// Instructions per operation, two processes at a time where there are two cores.
fn count(chosen: &[&'static Operation]) -> anyhow::Result<Vec<(String, f64)>> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(chosen.iter().map(|_| None).collect::<Vec<_>>());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(chosen.len()) {
            scope.spawn(|| {
                // Relaxed: a ticket, nothing else is shared through it
                while let Some(operation) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = chosen.iter().position(|it| it.name == operation.name);
                    let counted = count_one(operation);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found[at.unwrap_or(0)] = Some(counted);
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    chosen
        .iter()
        .zip(found)
        .map(|(operation, counted)| {
            let counted = counted
                .context("not counted")?
                .with_context(|| operation.name.to_owned())?;
            Ok((operation.name.to_owned(), counted))
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn count_one(operation: &Operation) -> anyhow::Result<f64> {
    let run = |length: u64| -> anyhow::Result<(u64, u64)> {
        let (said, instructions) =
            under_valgrind(&["operation", operation.name, &length.to_string()])?;
        Ok((said.trim().parse()?, instructions))
    };
    let (shorter, longer) = (run(operation.length)?, run(2 * operation.length)?);
    ensure!(longer > shorter, "a longer run did not do more");
    Ok((longer.1 - shorter.1) as f64 / (longer.0 - shorter.0) as f64)
}

/// What this program says when it is run so, and how many instructions that took.
/// The environment is emptied: its length moves the stack. The allocator keeps no fast bins: when it sorts them out
/// depends on all that was freed before, down to the length of the checkout's path.
fn under_valgrind(arguments: &[&str]) -> anyhow::Result<(String, u64)> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--branch-sim=no"])
        .arg("--cachegrind-out-file=/dev/null")
        .arg(std::env::current_exe()?)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", "/tmp")
        .env("GLIBC_TUNABLES", "glibc.malloc.mxfast=0")
        .output()
        .context("cannot start valgrind; on Debian or Ubuntu: sudo apt-get install -y valgrind")?;
    let talk = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed, {}:\n{talk}", output.status);
    }
    let instructions = instructions_of(&talk)
        .with_context(|| format!("no count in what valgrind said:\n{talk}"))?;
    Ok((String::from_utf8(output.stdout)?, instructions))
}

/// What the counts depend on besides the sources.
fn circumstances() -> anyhow::Result<Circumstances> {
    let said = |program: &str, argument: &str| -> anyhow::Result<String> {
        let output = Command::new(program)
            .arg(argument)
            .output()
            .with_context(|| format!("cannot start {program}"))?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let (seen, _) = under_valgrind(&["features"])?;
    let pair = |key: &str, value: String| (key.to_owned(), value);
    Ok(vec![
        pair("rustc", said(&rustc, "-V")?),
        pair("target-cpu", built_for()),
        pair("features under valgrind", seen.trim().to_owned()),
        pair("libc", said("getconf", "GNU_LIBC_VERSION")?),
    ])
}

#[cfg(target_arch = "x86_64")]
fn features() -> String {
    let seen = [
        (is_x86_feature_detected!("sse4.2"), "sse4.2"),
        (is_x86_feature_detected!("avx"), "avx"),
        (is_x86_feature_detected!("avx2"), "avx2"),
        (is_x86_feature_detected!("bmi2"), "bmi2"),
        (is_x86_feature_detected!("avx512f"), "avx512f"),
    ];
    let seen = seen.iter().filter(|(is_there, _)| *is_there);
    seen.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> String {
    std::env::consts::ARCH.to_owned()
}
