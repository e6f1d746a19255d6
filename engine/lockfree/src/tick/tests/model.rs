//! Random histories of a store against a vector.

use super::{HOUR, options, record, scratch};
use crate::tick::{TickReader, TickWriter, layout};
use crate::{Record, time_of};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// So many records, so many hours apart.
    Append(u8, i64),
    Commit,
    Prepare,
    /// The writer is gone without a word; what it appended and did not commit may survive, as whole records.
    Crash,
    Close,
    Read(u8),
    SeekSequence(u8),
    SeekTime(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..8_u8, 0..9_i64).prop_map(|(count, hours)| Step::Append(count, hours)),
        3 => Just(Step::Commit),
        1 => Just(Step::Prepare),
        1 => Just(Step::Crash),
        1 => Just(Step::Close),
        3 => (1..9_u8).prop_map(Step::Read),
        1 => (0..60_u8).prop_map(Step::SeekSequence),
        1 => (0..300_i64).prop_map(Step::SeekTime),
    ]
}

struct Model {
    dir: tempfile::TempDir,
    writer: Option<TickWriter>,
    reader: TickReader,
    all: Vec<Record>,
    /// How many of them readers may see, at least.
    committed: usize,
    /// Where the reader stands: index into `all`.
    place: usize,
}

impl Model {
    fn new() -> Self {
        let dir = scratch();
        // Before there is anything to read.
        let reader = TickReader::open(dir.path()).unwrap();
        Self {
            dir,
            writer: None,
            reader,
            all: Vec::new(),
            committed: 0,
            place: 0,
        }
    }

    fn writer(&mut self) -> &mut TickWriter {
        if self.writer.is_none() {
            let (writer, report) = TickWriter::open(self.dir.path(), options()).unwrap();
            assert_eq!(report.records, self.all.len() as u64);
            assert_eq!(report.reason, None);
            assert_eq!(report.damaged, Vec::<std::path::PathBuf>::new());
            assert!(!report.lost_committed());
            // What was appended and is whole is kept, committed or not.
            self.committed = self.all.len();
            self.writer = Some(writer);
        }
        self.writer.as_mut().expect("opened above")
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Append(count, hours) => {
                for _ in 0..*count {
                    let last = self.all.last().map_or(10 * HOUR, time_of);
                    let next = record(self.all.len() as u64 + 1, last + hours * HOUR);
                    self.writer().append(&next).unwrap();
                    self.all.push(next);
                }
            }
            Step::Commit => {
                self.writer().commit().unwrap();
                self.committed = self.all.len();
            }
            Step::Prepare => {
                let _ = self.writer().prepare().unwrap();
            }
            Step::Crash => drop(self.writer.take()),
            Step::Close => {
                self.writer();
                self.writer.take().expect("opened above").close().unwrap();
                self.committed = self.all.len();
            }
            Step::Read(max) => self.read(usize::from(*max)),
            Step::SeekSequence(sequence) => {
                // The directory may be empty still, and then every place is in the future.
                let want = u64::from(*sequence).max(u64::from(self.exists()));
                assert_eq!(
                    self.reader.seek_sequence(u64::from(*sequence)).unwrap(),
                    want
                );
                self.place = usize::from(*sequence).max(1) - 1;
            }
            Step::SeekTime(hours) => {
                let time = hours * HOUR;
                let sequence = self.reader.seek_time(time).unwrap();
                let found = usize::try_from(sequence).unwrap().max(1) - 1;
                let want = self.all.partition_point(|record| time_of(record) < time);
                // Records that are not committed cannot be found yet.
                assert!(found == want || (found < want && found >= self.committed));
                self.place = found;
            }
        }
        self.check();
    }

    fn exists(&self) -> bool {
        std::fs::read_dir(self.dir.path()).unwrap().count() > 0
    }

    fn read(&mut self, max: usize) {
        let place = self.place;
        let batch = self.reader.next_batch(max).unwrap();
        assert!(batch.len() <= max);
        let end = place + batch.len();
        assert_eq!(batch, self.all.get(place..end).unwrap_or(&[]));
        if batch.is_empty() {
            assert!(place >= self.committed, "nothing read at {place}");
        }
        self.place = end;
    }

    fn check(&mut self) {
        let ended = self.reader.is_closed_and_drained().unwrap();
        assert!(!ended || (self.place >= self.all.len() && self.writer.is_none()));
        let last = self.reader.last_committed().unwrap();
        assert!(last >= self.committed as u64 && last <= self.all.len() as u64);
        if let Some(writer) = &mut self.writer {
            assert_eq!(writer.next_sequence(), self.all.len() as u64 + 1);
            assert_eq!(writer.committed(), last);
            let at = self.place.min(self.all.len());
            let found = writer.read_at(at as u64).unwrap();
            assert_eq!(found, at.checked_sub(1).map(|index| self.all[index]));
        }
    }

    /// Closed in the end, it holds all, in segments of one day each, and the reader can tell.
    fn finish(mut self) {
        self.apply(&Step::Close);
        while self.place < self.all.len() {
            self.read(4);
        }
        self.reader.seek_sequence(self.place as u64 + 1).unwrap();
        assert!(self.reader.is_closed_and_drained().unwrap());
        assert_eq!(super::read_all(self.dir.path(), 3), self.all);
        let mut count = 0;
        for (name, bytes) in super::content(self.dir.path()) {
            if let Some(first) = layout::sequence_of_name(&name) {
                let records = (bytes.len() - layout::records_offset(super::SEGMENT)) / 64;
                let from = usize::try_from(first).unwrap() - 1;
                let mut days = self.all[from..from + records]
                    .iter()
                    .map(|record| layout::day_of(time_of(record)));
                let day = days.next();
                assert!(days.all(|other| Some(other) == day));
                count += records;
            } else {
                assert_eq!(name, "LOCK");
            }
        }
        assert_eq!(count, self.all.len());
    }
}

proptest! {
    #![proptest_config(crate::cases(300, 1))]
    #[test]
    #[cfg_attr(miri, ignore = "maps files")]
    fn any_history(steps in prop::collection::vec(step(), 1..40)) {
        let mut model = Model::new();
        for step in &steps {
            model.apply(step);
        }
        model.finish();
    }
}
