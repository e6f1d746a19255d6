//! A record into the tick store, against `write(2)` of the same record and a store into memory.

use crate::machine::thread_faults;
use crate::operations::record;
use crate::report::Goal;
use crate::rounds::{Role, Row, Sample, clock_cost, histogram};
use pitlane_lockfree::tick::{StoreOptions, TickWriter};
use pitlane_runtime::clock::Clock;
use std::cell::RefCell;
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Records between two commits, as between two polls of the recorder under load.
const BATCH: usize = 64;

/// Where and how much is appended.
#[derive(Clone)]
pub struct Place {
    dir: PathBuf,
    records: u64,
    clock: Clock,
    clock_ns: u64,
}

impl Place {
    /// A folder, and records of a round.
    pub fn new(dir: &Path, records: u64, clock: &Clock) -> Self {
        Self {
            dir: dir.to_owned(),
            records: records.next_multiple_of(2 * BATCH as u64),
            clock: clock.clone(),
            clock_ns: clock_cost(clock),
        }
    }

    /// Half of the records in batches, which gives the value and the faults, and half one by one, which gives the tail.
    /// A batch ends with `finish`; what the writer does `between` two of them is not its part.
    fn round(
        &self,
        mut append: impl FnMut(u64),
        mut finish: impl FnMut(),
        mut between: impl FnMut(),
    ) -> Sample {
        let half = self.records / 2;
        let (mut raw, mut faults) = (0, Some(0));
        for first in (1..=half).step_by(BATCH) {
            let faults_before = thread_faults();
            let before = self.clock.raw();
            (first..).take(BATCH).for_each(&mut append);
            finish();
            raw += self.clock.raw() - before;
            let more = thread_faults().zip(faults_before);
            faults = faults
                .zip(more)
                .map(|(sum, (after, before))| sum + after - before);
            between();
        }
        let took = Duration::from_nanos(self.clock.delta_ns(0, raw));
        let mut tail = histogram();
        for sequence in half + 1..=2 * half {
            let before = self.clock.raw();
            append(sequence);
            let took = self.clock.since_ns(before).saturating_sub(self.clock_ns);
            let _ = tail.record(took.max(1));
            if sequence % BATCH as u64 == 0 {
                finish();
                between();
            }
        }
        Sample {
            tail: Some(tail),
            faults,
            ..Sample::per(took, usize::try_from(half).unwrap_or(usize::MAX))
        }
    }
}

/// Ours: append, and a commit each 64. If it is `prepared`, pages are made present between the batches, as the recorder
/// does when it has nothing else to do; otherwise by the append that needs them.
pub fn ours(place: &Place, prepared: bool) -> Sample {
    let dir = tempfile::tempdir_in(&place.dir).expect("a folder for the store");
    let options = StoreOptions::default();
    let (writer, _) = TickWriter::open(dir.path(), options).expect("an empty store");
    let writer = RefCell::new(writer);
    let between = || while prepared && writer.borrow_mut().prepare().expect("the next pages") {};
    between();
    place.round(
        |sequence| {
            let appended = writer.borrow_mut().append(&record(sequence));
            appended.expect("room for a record");
        },
        || writer.borrow_mut().commit().expect("a commit"),
        between,
    )
}

/// `write(2)` of each record.
pub fn write(place: &Place) -> Sample {
    let mut file = tempfile::tempfile_in(&place.dir).expect("a file");
    let append = |file: &mut File, sequence| {
        let record = record(sequence);
        file.write_all(bytemuck::bytes_of(&record)).expect("room");
    };
    place.round(|sequence| append(&mut file, sequence), || {}, || {})
}

/// The limit: a store into memory that is present.
pub fn memory(place: &Place, memory: &mut [[u64; 8]]) -> Sample {
    let count = memory.len();
    let mut at = 0;
    place.round(
        |sequence| {
            memory[at] = record(sequence);
            at = if at + 1 == count { 0 } else { at + 1 };
            black_box(&mut memory[at]);
        },
        || {},
        || {},
    )
}

/// The row of one place, which is called `on`.
pub fn row<'a>(id: &'static str, on: &str, place: &'a Place) -> Row<'a> {
    let mut present = vec![[1_u64; 8]; usize::try_from(place.records).unwrap_or(1 << 16)];
    Row::new(
        id,
        format!("tick store append on {on}"),
        "ns per record in batches",
    )
    .with(Role::Ours, "prepared", || ours(place, true))
    .with(Role::Ours, "with its pages", || ours(place, false))
    .with(Role::Limit, "store to present memory", move || {
        memory(place, &mut present)
    })
    .with(Role::Rival, "write(2)", || write(place))
    .goal(Goal::TailTimes(3.0))
    .goal(Goal::Rival("write(2)", 100.0))
    .goal(Goal::NoFaults)
    .note(
        "percentiles are of single appends, less the median cost of the clock; \
         the first of ours, which the goals judge, has its pages made present between batches, the second by its appends",
    )
}
