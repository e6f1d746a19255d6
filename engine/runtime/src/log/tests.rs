use super::render::time_text;
use super::*;
use crate::agent::{Agent, AgentSpec, Duty, Turn};
use crate::clock::ManualClock;
use crate::log;
use crate::runner::{RunOptions, fold};
use expect_test::{Expect, expect};
use pitlane_lockfree::counters::PageOptions;
use std::path::{Path, PathBuf};

/// 2023-11-14T22:13:20Z
const EPOCH: i64 = 1_700_000_000_000_000_000;

struct Rig {
    folder: tempfile::TempDir,
    clock: Clock,
    hand: ManualClock,
    page: CountersPage,
    rings: LogRings,
    notices: Notices,
}

impl Rig {
    fn new(level: Level) -> Self {
        let (clock, hand) = Clock::manual(EPOCH);
        let page = CountersPage::heap(PageOptions::default());
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            rings: LogRings::new(clock.clone(), level, page.clone()),
            clock,
            hand,
            page,
            notices: Notices::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("logs/pitlane.log")
    }

    fn logger(&mut self, change: impl FnOnce(&mut LoggerOptions)) -> Logger {
        let rings = std::mem::replace(
            &mut self.rings,
            LogRings::new(self.clock.clone(), Level::Debug, self.page.clone()),
        );
        let mut options = LoggerOptions::file(self.path());
        change(&mut options);
        let mut logger =
            Logger::new(rings, self.notices.clone(), options).expect("room on the page");
        logger.on_start().expect("a folder of our own");
        logger
    }

    fn poll(&self, logger: &mut Logger) -> Turn {
        logger.poll(&Duty::new(self.clock.raw(), 10_000))
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a log file")
}

/// The lines without the place in this file, which every edit would move.
fn check(path: &Path, expected: &Expect) {
    let mut text = String::new();
    for line in read(path).lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("every line is JSON");
        let (before, rest) = line.split_once(r#""at":""#).unwrap_or((line, ""));
        let (place, after) = rest.split_once('"').unwrap_or(("", ""));
        assert!(
            rest.is_empty() || place.contains("log/tests.rs:"),
            "{place}"
        );
        text.push_str(before);
        text.push_str(after.strip_prefix(',').unwrap_or(after));
        text.push('\n');
    }
    expected.assert_eq(&text);
}

#[test]
fn lines_are_made_of_numbers_and_come_in_order_of_time() {
    let mut rig = Rig::new(Level::Info);
    let mut feed = rig.rings.handle("feed").expect("room");
    let mut market = rig.rings.handle("market").expect("room");
    let mut logger = rig.logger(|_| {});
    rig.hand.advance(1_500);
    log!(
        market,
        Level::Warn,
        seq = 77,
        "book of {} reset: expected {}, got {}",
        "BTCUSDT",
        41_u64,
        -3_i64
    );
    rig.hand.advance(1_000_000_000);
    log!(feed, Level::Info, "connected");
    log!(feed, Level::Debug, "not kept: {}", 1_u32);
    rig.hand.advance(1);
    log!(market, Level::Error, "spread {} crossed {}", 0.25_f64, true);
    let turn = rig.poll(&mut logger);
    assert!(matches!(turn, Turn::Worked(work) if work.count() == 3));
    check(
        &rig.path(),
        &expect![[r#"
            {"time":"2023-11-14T22:13:20.000001500Z","level":"warn","worker":"market","message":"book of BTCUSDT reset: expected 41, got -3","context":{},"sequence":77}
            {"time":"2023-11-14T22:13:21.000001500Z","level":"info","worker":"feed","message":"connected","context":{}}
            {"time":"2023-11-14T22:13:21.000001501Z","level":"error","worker":"market","message":"spread 0.25 crossed true","context":{}}
        "#]],
    );
}

#[test]
fn texts_share_their_bytes_and_a_cut_is_shown() {
    let mut rig = Rig::new(Level::Debug);
    let mut feed = rig.rings.handle("feed").expect("room");
    let mut logger = rig.logger(|_| {});
    log!(
        feed,
        Level::Info,
        "{} {} {}.",
        "btcusdt@depth",
        "ethusdt@trade",
        "x"
    );
    log!(feed, Level::Info, "quoted \"{}\"", "a\"b\\c\n");
    // 22 bytes, then a two-byte letter: its half is not shown as a letter
    log!(feed, Level::Info, "{}", "aaaaaaaaaaaaaaaaaaaaaaé");
    let _ = rig.poll(&mut logger);
    check(
        &rig.path(),
        &expect![[r#"
            {"time":"2023-11-14T22:13:20.000000000Z","level":"info","worker":"feed","message":"btcusdt@depth ethusdt@tr… ….","context":{}}
            {"time":"2023-11-14T22:13:20.000000000Z","level":"info","worker":"feed","message":"quoted \"a\"b\\c\n\"","context":{}}
            {"time":"2023-11-14T22:13:20.000000000Z","level":"info","worker":"feed","message":"aaaaaaaaaaaaaaaaaaaaaa�…","context":{}}
        "#]],
    );
}

#[test]
fn dropped_lines_are_told_where_they_are_missing() {
    let mut rig = Rig::new(Level::Debug);
    let mut feed = rig.rings.handle("feed").expect("room");
    let mut logger = rig.logger(|options| options.repeats = u32::MAX);
    for number in 0..RING_LINES as u64 + 30 {
        log!(feed, Level::Debug, "line {}", number);
    }
    assert_eq!(feed.dropped(), 30);
    let _ = rig.poll(&mut logger);
    log!(feed, Level::Debug, "after the gap");
    let _ = rig.poll(&mut logger);
    let text = read(&rig.path());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), RING_LINES + 2);
    assert!(lines[RING_LINES - 1].contains("line 1023"));
    assert!(
        lines[RING_LINES].contains("30 log lines were dropped here"),
        "{}",
        lines[RING_LINES]
    );
    assert!(lines[RING_LINES].contains("\"dropped\":30"));
    assert!(lines[RING_LINES + 1].contains("after the gap"));
}

#[test]
fn repeated_lines_are_held_back_and_counted() {
    let mut rig = Rig::new(Level::Debug);
    let mut feed = rig.rings.handle("feed").expect("room");
    let mut logger = rig.logger(|options| options.repeats = 2);
    let mut fail = |number: u64| log!(feed, Level::Error, "cannot reach venue, try {}", number);
    for number in 0..7 {
        fail(number);
    }
    let _ = rig.poll(&mut logger);
    rig.hand.advance(1_000_000_000);
    // nothing new: the window ends by time alone
    let _ = rig.poll(&mut logger);
    fail(7);
    let _ = rig.poll(&mut logger);
    check(
        &rig.path(),
        &expect![[r#"
            {"time":"2023-11-14T22:13:20.000000000Z","level":"error","worker":"feed","message":"cannot reach venue, try 0","context":{}}
            {"time":"2023-11-14T22:13:20.000000000Z","level":"error","worker":"feed","message":"cannot reach venue, try 1","context":{}}
            {"time":"2023-11-14T22:13:20.000000000Z","level":"error","worker":"feed","message":"cannot reach venue, try 6","context":{"event":"log_repeated","repeated":5}}
            {"time":"2023-11-14T22:13:21.000000000Z","level":"error","worker":"feed","message":"cannot reach venue, try 7","context":{}}
        "#]],
    );
}

#[test]
fn notices_carry_any_text_and_context() {
    let mut rig = Rig::new(Level::Debug);
    let mut logger = rig.logger(|_| {});
    let notice = Notice::new(
        Level::Error,
        "storage",
        "cannot open /data/x.db: no such folder",
    )
    .with("event", "worker_failed")
    .with("duration", 12)
    .correlation_id("storage-1700000000000-000000001")
    .sequence(9);
    rig.notices.post(&rig.clock, notice);
    assert!(matches!(rig.poll(&mut logger), Turn::Took(1)));
    for number in 0..1100 {
        let notice = Notice::new(Level::Info, "storage", format!("row {number}"));
        rig.notices.post(&rig.clock, notice);
    }
    let _ = rig.poll(&mut logger);
    let text = read(&rig.path());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        r#"{"time":"2023-11-14T22:13:20.000000000Z","level":"error","worker":"storage","message":"cannot open /data/x.db: no such folder","context":{"duration":12,"event":"worker_failed"},"correlationId":"storage-1700000000000-000000001","sequence":9}"#
    );
    assert_eq!(lines.len(), 1002);
    assert!(
        lines[1001].contains("100 notices were dropped"),
        "{}",
        lines[1001]
    );
}

#[test]
fn files_are_rotated_by_size_and_a_fixed_number_is_kept() {
    let mut rig = Rig::new(Level::Debug);
    let mut feed = rig.rings.handle("feed").expect("room");
    let mut logger = rig.logger(|options| {
        options.repeats = u32::MAX;
        options.file = LogFile::Rotating {
            path: rig_path(&options.file),
            max_bytes: 600,
            files: 3,
        };
    });
    for number in 0..40_u64 {
        log!(feed, Level::Info, "line {}", number);
        let _ = rig.poll(&mut logger);
    }
    let mut names: Vec<String> = std::fs::read_dir(rig.path().parent().expect("a folder"))
        .expect("readable")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(names, ["pitlane.log", "pitlane.log.1", "pitlane.log.2"]);
    for name in &names {
        assert!(
            read(&rig.path().with_file_name(name)).len() <= 600,
            "{name}"
        );
    }
    assert!(read(&rig.path()).contains("line 39"));
    assert!(read(&rig.path().with_file_name("pitlane.log.2")).contains("line 2"));
    // started again, the logger appends
    let before = read(&rig.path()).len();
    let again = rig.logger_again();
    drop(again);
    assert_eq!(read(&rig.path()).len(), before);
}

fn rig_path(file: &LogFile) -> PathBuf {
    match file {
        LogFile::Rotating { path, .. } => path.clone(),
        LogFile::Discard => unreachable!("the rig writes a file"),
    }
}

impl Rig {
    fn logger_again(&self) -> Logger {
        let page = CountersPage::heap(PageOptions::default());
        let rings = LogRings::new(self.clock.clone(), Level::Debug, page);
        let options = LoggerOptions::file(self.path());
        let mut logger = Logger::new(rings, self.notices.clone(), options).expect("room");
        logger.on_start().expect("the same folder");
        logger
    }
}

/// Logs its end while it closes, as every agent does.
struct Talker(Log);

impl Agent for Talker {
    fn role(&self) -> &'static str {
        "talker"
    }

    fn poll(&mut self, _: &Duty) -> Turn {
        Turn::Done
    }

    fn on_close(&mut self) -> Result<(), String> {
        log!(self.0, Level::Info, "{} is closed", "talker");
        Ok(())
    }
}

#[test]
fn the_logger_ends_last_and_writes_everything() {
    let mut rig = Rig::new(Level::Info);
    let talker = Talker(rig.rings.handle("talker").expect("room"));
    let logger = rig.logger(|_| {});
    let mut options = RunOptions::new(rig.clock.clone());
    options.notices = rig.notices.clone();
    let specs = vec![AgentSpec::from(talker), AgentSpec::from(logger)];
    let report = fold(specs, &["logger", "talker"], &options)
        .expect("a legal fold")
        .run_to_end();
    assert!(report.ok, "{report:?}");
    check(
        &rig.path(),
        &expect![[r#"
            {"time":"2023-11-14T22:13:20.000000000Z","level":"info","worker":"talker","message":"talker is closed","context":{}}
            {"time":"2023-11-14T22:13:20.000000000Z","level":"info","worker":"talker","message":"closed","context":{"duration_ns":0,"event":"worker_cleanup","success":true,"workerId":"talker"}}
            {"time":"2023-11-14T22:13:20.000000000Z","level":"info","worker":"logger","message":"the log ends here","context":{"event":"log_end","lost":0,"suppressed":0,"written":3}}
        "#]],
    );
}

#[test]
fn a_log_that_cannot_be_written_is_counted_and_fails_the_exit() {
    let mut rig = Rig::new(Level::Debug);
    let mut feed = rig.rings.handle("feed").expect("room");
    let mut logger = rig.logger(|options| {
        options.file = LogFile::Rotating {
            path: PathBuf::from("/dev/full"),
            max_bytes: u64::MAX,
            files: 1,
        };
    });
    log!(feed, Level::Info, "into the void");
    let _ = rig.poll(&mut logger);
    let error = logger.on_close().expect_err("nothing could be written");
    assert!(error.contains("2 log lines"), "{error}");
}

#[test]
fn a_logger_asks_to_be_polled_again_soon() {
    let mut rig = Rig::new(Level::Debug);
    let mut logger = rig.logger(|_| {});
    let _ = rig.poll(&mut logger);
    let due = logger.timer().expect("nobody wakes it");
    assert_eq!(rig.clock.delta_ns(rig.clock.raw(), due), 50_000_000);
}

#[test]
fn a_handle_to_nowhere_takes_everything_in_silence() {
    let mut log = Log::nowhere();
    for number in 0..10_u64 {
        log!(log, Level::Error, "unheard {}", number);
    }
}

#[test]
fn times_are_written_in_utc_whatever_the_year() {
    let seconds = |seconds: i64| time_text(seconds * 1_000_000_000);
    let cases = [
        (0, "1970-01-01T00:00:00"),
        (-1, "1969-12-31T23:59:59"),
        (951_782_399, "2000-02-28T23:59:59"),
        (951_782_400, "2000-02-29T00:00:00"),
        (1_078_012_800, "2004-02-29T00:00:00"),
        (1_709_251_199, "2024-02-29T23:59:59"),
        (1_709_251_200, "2024-03-01T00:00:00"),
        (4_107_542_400, "2100-03-01T00:00:00"),
        (4_107_542_399, "2100-02-28T23:59:59"),
        (1_795_230_000, "2026-11-21T03:00:00"),
    ];
    for (input, expected) in cases {
        assert_eq!(seconds(input), format!("{expected}.000000000Z"));
    }
    assert_eq!(time_text(-1), "1969-12-31T23:59:59.999999999Z");
}

#[test]
fn distinct_errors_stand_on_the_page_with_their_times() {
    let mut rig = Rig::new(Level::Info);
    let mut storage = rig.rings.handle("storage").expect("room");
    let mut logger = rig.logger(|options| options.repeats = 1);
    for sequence in 1..=3_u64 {
        rig.hand.advance(1_000);
        log!(storage, Level::Error, "disk full at sequence {}", sequence);
        log!(storage, Level::Warn, "slow at {}", sequence);
        let notice = Notice::new(Level::Error, "feed", format!("lost {sequence} frames"));
        rig.notices.post(&rig.clock, notice);
    }
    assert!(matches!(rig.poll(&mut logger), Turn::Worked(_)));
    let (mut errors, beyond) = rig.page.reader().errors();
    errors.sort_by(|a, b| a.owner.cmp(&b.owner));
    let seen: Vec<_> = errors
        .iter()
        .map(|error| (error.owner.as_str(), error.text.as_str(), error.count))
        .collect();
    // those that were not written again are counted all the same
    assert_eq!(
        seen,
        [
            ("feed", "lost 1 frames", 3),
            ("storage", "disk full at sequence 1", 3)
        ]
    );
    assert_eq!(beyond, 0);
    for error in &errors {
        let times = (error.first_wall_ns - EPOCH, error.last_wall_ns - EPOCH);
        assert_eq!(times, (1_000, 3_000));
    }
    let told = rig.page.reader().snapshot();
    let told = told.value("storage", ERRORS_TOLD.label);
    assert_eq!(told.map(pitlane_lockfree::counters::Value::number), Some(3));
}
