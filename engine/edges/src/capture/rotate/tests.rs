use super::*;
use pitlane_domain::instrument::Venue;
use proptest::prelude::*;
use std::fs;

const HOUR: i64 = 3_600_000_000_000;
/// 2024-08-09T12:00:00Z.
const NOON: i64 = 1_723_204_800_000_000_000;

type Owned = (i64, &'static str, Vec<u8>);

fn frame(owned: &Owned) -> Frame<'_> {
    Frame {
        ts_recv: WallNs(owned.0),
        venue: Venue::BinanceSpot,
        stream: owned.1.as_bytes(),
        bytes: &owned.2,
    }
}

fn write(out: &Path, rotation: Rotation, frames: &[Owned]) -> Vec<ClosedFile> {
    let mut writer = RotatingWriter::create(out, rotation).unwrap();
    let mut closed = Vec::new();
    for owned in frames {
        closed.extend(writer.rotate(&frame(owned)).unwrap());
        writer.write(&frame(owned)).unwrap();
        if owned.2.first() == Some(&0) {
            writer.flush().unwrap();
        }
    }
    closed.extend(writer.finish().unwrap());
    closed
}

fn read(files: &[ClosedFile]) -> Vec<(i64, String, Vec<u8>)> {
    let mut all = Vec::new();
    for file in files {
        file.verify().unwrap();
        let mut reader = CaptureReader::open(&file.path, OnBad::Stop).unwrap();
        while let Some(frame) = reader.next().unwrap() {
            let stream = String::from_utf8(frame.stream.to_vec()).unwrap();
            all.push((frame.ts_recv.0, stream, frame.bytes.to_vec()));
        }
    }
    all
}

fn names(files: &[ClosedFile]) -> Vec<String> {
    let name = |file: &ClosedFile| {
        file.path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    files.iter().map(name).collect()
}

proptest! {
    // each file is on disk before the next is begun, which is what takes time here
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_frame_is_lost_or_doubled_or_moved(
        frames in proptest::collection::vec(
            (0..HOUR, prop_oneof![Just("a@trade"), Just("b@depth")], proptest::collection::vec(any::<u8>(), 0..60)),
            0..60,
        ),
        bytes in proptest::option::of(1..4000_u64),
        every in proptest::option::of(1..7200_u64),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let rotation = Rotation { bytes, every: every.map(Duration::from_secs) };
        let mut at = NOON;
        let frames: Vec<Owned> = frames.into_iter().map(|(pause, stream, bytes)| {
            at += pause;
            (at, stream, bytes)
        }).collect();
        let files = write(&dir.path().join("x.plcap"), rotation, &frames);
        let wanted: Vec<_> = frames.iter().map(|it| (it.0, it.1.to_owned(), it.2.clone())).collect();
        prop_assert_eq!(read(&files), wanted);
        // nothing else is left lying about
        prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), files.len());
        let in_files: u64 = files.iter().map(|it| it.summary.frames).sum();
        prop_assert_eq!(in_files, frames.len() as u64);
    }
}

#[test]
fn files_begin_at_full_hours_and_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation {
        every: Some(Duration::from_hours(1)),
        bytes: None,
    };
    let at = |ns| (NOON + ns, "a@trade", b"{}".to_vec());
    let frames = [
        at(HOUR - 1),
        at(HOUR),
        at(2 * HOUR - 1),
        at(5 * HOUR),
        at(5 * HOUR - 1),
    ];
    let files = write(&dir.path().join("day.plcap"), rotation, &frames);
    assert_eq!(
        names(&files),
        [
            "day-20240809T125959Z-0001.plcap",
            "day-20240809T130000Z-0002.plcap",
            // an hour without a frame has no file, and a time that steps back begins none
            "day-20240809T170000Z-0003.plcap"
        ]
    );
    assert_eq!(
        files.iter().map(|it| it.summary.frames).collect::<Vec<_>>(),
        [1, 2, 2]
    );
    assert_eq!(
        files[2].span,
        Some((WallNs(NOON + 5 * HOUR - 1), WallNs(NOON + 5 * HOUR)))
    );
}

#[test]
fn size_counts_what_lies_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation {
        bytes: Some(100),
        every: None,
    };
    // a first byte of 0 is flushed, so each such frame is a block of its own
    let frames: Vec<Owned> = (0..6)
        .map(|at| (NOON + at, "a@trade", vec![0; 30]))
        .collect();
    let files = write(&dir.path().join("x"), rotation, &frames);
    assert!(
        files.len() > 1 && files.iter().all(|it| it.summary.frames > 0),
        "{files:?}"
    );
    assert_eq!(names(&files)[0], "x-20240809T120000Z-0001.plcap");
}

#[test]
fn what_is_damaged_after_it_was_written_does_not_verify() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x.plcap");
    let frames: Vec<Owned> = (0..100)
        .map(|at| (NOON + at, "a@trade", format!("{at}").into_bytes()))
        .collect();
    let files = write(&out, Rotation::default(), &frames);
    files[0].verify().unwrap();
    let whole = fs::read(&out).unwrap();
    let complaint = |bytes: &[u8]| {
        fs::write(&out, bytes).unwrap();
        let text = files[0].verify().unwrap_err().to_string();
        text.replace(&out.display().to_string(), "FILE")
    };
    let mut flipped = whole.clone();
    flipped[80] ^= 1;
    assert_eq!(
        complaint(&flipped),
        "FILE: 100 frames were written and 0 are read back: 100 frames are damaged"
    );
    assert!(complaint(&whole[..whole.len() - 200]).contains("were written and"));
    // another whole capture of as many frames
    fs::remove_file(&out).unwrap();
    let mut others = frames.clone();
    others[50].2 = b"else".to_vec();
    write(&out, Rotation::default(), &others);
    assert_eq!(
        complaint(&fs::read(&out).unwrap()),
        "FILE: 100 frames were written and 100 are read back: their contents differ"
    );
    assert_eq!(Kept::of(&out).unwrap().frames(), 100);
}

#[test]
fn where_nothing_can_be_written_it_says_so_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation {
        bytes: Some(1),
        every: None,
    };
    for rotation in [Rotation::default(), rotation] {
        let nowhere = dir.path().join("no/such/folder.plcap");
        let error = RotatingWriter::create(&nowhere, rotation).err().unwrap();
        assert!(
            error
                .to_string()
                .starts_with(&nowhere.display().to_string()),
            "{error}"
        );
    }
    // what is there is not written over
    let there = dir.path().join("there.plcap");
    fs::write(&there, "mine").unwrap();
    assert!(RotatingWriter::create(&there, Rotation::default()).is_err());
    assert_eq!(fs::read(&there).unwrap(), b"mine");
}
