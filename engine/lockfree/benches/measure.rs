//! What the pieces of this crate cost on this machine, in ns: `cargo bench -p pitlane-lockfree`.
//!
//! Each line is the fastest of several rounds, which is what a noisy machine can tell; the append lines count the thread's
//! own CPU time, and also show percentiles of single calls, with the clock's own cost in them.
//! Further arguments: directories to append in, default `/dev/shm` and the current one.
//! Without `--bench`, as `cargo test --benches` runs it, it makes one short round of everything.
#![expect(clippy::print_stdout, reason = "a tool that reports to a person")]

use pitlane_lockfree::Record;
use pitlane_lockfree::conflate::conflate;
use pitlane_lockfree::counters::{Counter, Histogram};
use pitlane_lockfree::crc::record_crc;
use pitlane_lockfree::latest::latest_table;
use pitlane_lockfree::ring::{EdgeCounters, ring};
use pitlane_lockfree::stamps::stamp_table;
use pitlane_lockfree::tick::{StoreOptions, TickReader, TickWriter};
use pitlane_lockfree::wake::parker;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// CPU time of this thread in ns: other processes on a shared machine do not count.
fn cpu_ns() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|line| line.split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

/// Records between two commits.
const BATCH: usize = 64;

/// Operations of a round, and rounds.
#[derive(Clone, Copy)]
struct Scale {
    operations: usize,
    rounds: usize,
}

/// The fastest round, in ns per operation.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn fastest(label: &str, scale: Scale, mut round: impl FnMut()) {
    let best = (0..scale.rounds)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed().as_nanos()
        })
        .min()
        .unwrap_or(0);
    println!("{label:<44} {:>8.2}", best as f64 / scale.operations as f64);
}

fn record(sequence: u64) -> Record {
    [
        sequence,
        1,
        1_700_000_000_000_000_000 + sequence,
        3,
        4,
        5,
        6,
        7,
    ]
}

fn rings(scale: Scale) {
    let operations = scale.operations;
    let (mut tx, mut rx) = rtrb::RingBuffer::<Record>::new(1024);
    for batch in [1, 16, 256] {
        fastest(
            &format!("raw rtrb push + pop, batches of {batch}"),
            scale,
            || {
                for _ in 0..operations / batch {
                    for sequence in 0..batch as u64 {
                        assert!(tx.push(record(black_box(sequence))).is_ok());
                    }
                    for _ in 0..batch {
                        assert!(black_box(rx.pop()).is_ok());
                    }
                }
            },
        );
    }
    let (mut tx, mut rx) = ring::<Record>(1024, EdgeCounters::private());
    for batch in [1, 16, 256] {
        fastest(
            &format!("ring push + drain, batches of {batch}"),
            scale,
            || {
                for _ in 0..operations / batch {
                    assert!(tx.has_room_for(batch));
                    for sequence in 0..batch as u64 {
                        tx.push(record(black_box(sequence)));
                    }
                    let _ = rx.drain(batch, |message| {
                        black_box(message);
                    });
                }
            },
        );
        fastest(
            &format!("ring send_from + drain, batches of {batch}"),
            scale,
            || {
                let mut sequence = 0;
                for _ in 0..operations / batch {
                    let _ = tx.send_from(batch, || {
                        sequence += 1;
                        Some(record(black_box(sequence)))
                    });
                    let _ = rx.drain(batch, |message| {
                        black_box(message);
                    });
                }
            },
        );
    }
    let (mut tx, mut rx) = conflate::<8>(256, EdgeCounters::private());
    fastest("conflate put", scale, || {
        for key in 0..operations {
            tx.put(key % 256, black_box(&record(1)));
        }
    });
    fastest("conflate put 256 keys + drain, per key", scale, || {
        for _ in 0..operations / 256 {
            for key in 0..256 {
                tx.put(key, black_box(&record(1)));
            }
            let _ = rx.drain(|_, value| {
                black_box(value);
            });
        }
    });
}

fn cells(scale: Scale) {
    let operations = scale.operations;
    let mut counter = Counter::private();
    fastest("counter add", scale, || {
        for _ in 0..operations {
            black_box(&mut counter).add(black_box(1));
        }
    });
    let mut histogram = Histogram::private();
    fastest("histogram record", scale, || {
        for value in 0..operations as u64 {
            histogram.record(black_box((value * 0x9e37) & 0xf_ffff));
        }
    });
    let (mut writer, reader) = latest_table::<8>(64);
    fastest("latest write, 64 bytes", scale, || {
        for index in 0..operations {
            writer.write(index & 63, black_box(&record(1)));
        }
    });
    fastest("latest read, 64 bytes", scale, || {
        for index in 0..operations {
            black_box(reader.read(index & 63));
        }
    });
    let (mut writer, reader) = stamp_table(1 << 12);
    fastest("stamp write + read", scale, || {
        for sequence in 0..operations as u64 {
            writer.write(sequence, black_box(sequence));
            black_box(reader.read(sequence));
        }
    });
    let (_parker, waker) = parker();
    fastest("wake of a thread that is awake", scale, || {
        for _ in 0..operations {
            waker.wake();
        }
    });
    fastest("CRC32C of a record", scale, || {
        for sequence in 0..operations as u64 {
            black_box(record_crc(&record(black_box(sequence))));
        }
    });
}

fn store(dir: &Path, scale: Scale) -> Result<(), Box<dyn std::error::Error>> {
    let operations = scale.operations * 16;
    let place = dir.display();
    let home = tempfile::tempdir_in(dir)?;
    let mut best = u64::MAX;
    let mut batches = Vec::with_capacity(operations * 4 / BATCH);
    let mut single = Vec::with_capacity(operations);
    for round in 0..5 {
        let path = home.path().join(round.to_string());
        let (mut writer, _) = TickWriter::open(&path, StoreOptions::default())?;
        let start = cpu_ns();
        if round == 0 {
            for sequence in 1..=operations as u64 {
                let start = Instant::now();
                writer.append(&record(sequence))?;
                writer.commit()?;
                single.push(start.elapsed().as_nanos());
            }
        } else {
            for first in (1..=operations as u64).step_by(BATCH) {
                let batch = Instant::now();
                for sequence in first..first + BATCH as u64 {
                    writer.append(black_box(&record(sequence)))?;
                }
                writer.commit()?;
                batches.push(batch.elapsed().as_nanos());
                while round % 2 == 1 && writer.prepare()? {}
            }
            best = best.min((cpu_ns() - start) / operations as u64);
        }
        writer.close()?;
        let mut reader = TickReader::open(&path)?;
        let start = cpu_ns();
        let mut sum = 0_u64;
        let _ = reader.drain(operations, |records| {
            sum += records.iter().map(|record| record[7]).sum::<u64>();
        })?;
        assert_eq!(black_box(sum), 7 * operations as u64);
        let scan = (cpu_ns() - start) / operations as u64;
        let start = cpu_ns();
        let (writer, report) = TickWriter::open(&path, StoreOptions::default())?;
        assert_eq!(report.records, operations as u64);
        drop(writer);
        println!(
            "{:<44} {scan:>8} per record; recovery {}",
            format!("scan in {place}"),
            (cpu_ns() - start) / operations as u64
        );
        std::fs::remove_dir_all(&path)?;
    }
    let mut file = std::fs::File::create(home.path().join("written"))?;
    let start = cpu_ns();
    for sequence in 0..operations as u64 / 16 {
        file.write_all(bytemuck::bytes_of(&record(sequence)))?;
    }
    let written = (cpu_ns() - start) / (operations as u64 / 16);
    println!(
        "{:<44} {written:>8}",
        format!("write() per record, in {place}")
    );
    single.sort_unstable();
    let at = |share: usize| single[operations / 1000 * share / 100];
    println!(
        "{:<44} {best:>8}",
        format!("append with its pages, in {place}")
    );
    batches.sort_unstable();
    println!(
        "{:<44} {:>8}",
        format!("append to present pages, in {place}"),
        batches[batches.len() / 4] / BATCH as u128
    );
    println!(
        "{:<44} p50 {} p99 {} p99.9 {} max {}",
        format!("append + commit, single, in {place}"),
        at(50_000),
        at(99_000),
        at(99_900),
        single[operations - 1]
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut dirs: Vec<_> = std::env::args().skip(1).collect();
    let scale = if dirs.iter().any(|argument| argument == "--bench") {
        Scale {
            operations: 1 << 16,
            rounds: 30,
        }
    } else {
        Scale {
            operations: 1 << 10,
            rounds: 1,
        }
    };
    dirs.retain(|argument| !argument.starts_with("--"));
    rings(scale);
    cells(scale);
    if dirs.is_empty() {
        dirs = vec!["/dev/shm".to_owned(), ".".to_owned()];
    }
    for dir in dirs {
        store(Path::new(&dir), scale)?;
    }
    Ok(())
}
