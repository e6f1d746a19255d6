//! Bad input is refused with a clear message, counted, and harms nothing beside it.

use crate::support::{expect_code, json, pitlane, said, sample, samples};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const INSTRUMENTS: &str = r#"
[[instrument]]
symbol = "BTCUSDT"
venue = "binance-spot"
tick_size = "0.01"
lot_size = "0.00001"
"#;

/// A market of one symbol whose lines can be tampered with: a snapshot, diffs, trades and quotes.
struct Lines {
    text: String,
    ts: u64,
    update_id: u64,
    trade_id: u64,
}

impl Lines {
    fn new() -> Self {
        let mut lines = Self {
            text: String::new(),
            ts: 1_723_161_254_000_000_000,
            update_id: 100,
            trade_id: 7,
        };
        lines.line(r#"{"lastUpdateId":100,"bids":[["99.00","1.0"],["98.00","2.0"]],"asks":[["101.00","1.0"],["102.00","2.0"]]}"#);
        lines
    }

    fn line(&mut self, frame: &str) {
        self.ts += 1_000_000;
        writeln!(self.text, "{} {frame}", self.ts).unwrap();
    }

    fn event_ms(&self) -> u64 {
        // The venue's clock is 1.27 s ahead of the recorder's, as in the real captures.
        self.ts / 1_000_000 + 1_270
    }

    fn diff(&mut self, skip: u64, bids: &str, asks: &str) {
        let first = self.update_id + 1 + skip;
        self.update_id = first + 1;
        let (last, event) = (self.update_id, self.event_ms());
        self.line(&format!(
            r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{event},"s":"BTCUSDT","U":{first},"u":{last},"b":{bids},"a":{asks}}}}}"#
        ));
    }

    fn trade(&mut self, px: &str, qty: &str) {
        self.trade_of("BTCUSDT", px, qty);
    }

    fn trade_of(&mut self, symbol: &str, px: &str, qty: &str) {
        self.trade_id += 1;
        let (id, event, stream) = (self.trade_id, self.event_ms(), symbol.to_lowercase());
        self.line(&format!(
            r#"{{"stream":"{stream}@trade","data":{{"e":"trade","E":{event},"s":"{symbol}","t":{id},"p":"{px}","q":"{qty}","T":{event},"m":true,"M":true}}}}"#
        ));
    }

    fn good(&mut self) {
        self.diff(0, r#"[["99.50","3.0"]]"#, "[]");
        self.trade("99.50", "0.5");
    }

    fn replay(&self) -> (Value, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let report = json(&mut self.command(dir.path()));
        (report, dir)
    }

    fn command(&self, dir: &Path) -> Command {
        let (capture, config) = (dir.join("lines.txt"), dir.join("config.toml"));
        std::fs::write(&capture, &self.text).unwrap();
        std::fs::write(&config, INSTRUMENTS).unwrap();
        let mut command = pitlane();
        command
            .arg("replay")
            .arg(capture)
            .arg("--config")
            .arg(config);
        command.args([
            "--from",
            "binance-jsonl",
            "--venue",
            "binance-spot",
            "--symbol",
            "BTCUSDT",
            "--json",
            "--quiet",
        ]);
        command
    }
}

/// Adds something bad.
type Tamper = fn(&mut Lines);

#[track_caller]
fn check(bad: impl FnOnce(&mut Lines), expected: &[(&str, Value)]) {
    let mut lines = Lines::new();
    lines.good();
    bad(&mut lines);
    lines.good();
    let (report, _dir) = lines.replay();
    for (path, value) in expected {
        let found = path.split('.').fold(&report, |value, key| &value[key]);
        assert_eq!(found, value, "{path} in {report:#}");
    }
}

#[test]
fn bad_frames_are_counted_by_reason_and_their_neighbours_applied() {
    let counted = |reason: &str| (format!("frames_rejected.{reason}"), Value::from(1));
    let reasons: [(&str, Tamper); 8] = [
        ("malformed", |lines| {
            lines.line(r#"{"stream":"btcusdt@trade","data":{"e":"tra}"#);
        }),
        ("malformed", |lines| {
            lines.line(r#"{"stream":"btcusdt@trade","data":[1,2,}}"#);
        }),
        ("off_tick", |lines| lines.trade("99.505", "0.5")),
        ("off_lot", |lines| lines.trade("99.50", "0.000001")),
        ("not_positive", |lines| lines.trade("0", "0.5")),
        ("out_of_range", |lines| {
            lines.trade("99999999999999999999", "0.5");
        }),
        ("unknown_symbol", |lines| lines.trade_of("NOSUCH", "1", "1")),
        ("missing_field", |lines| {
            lines.line(r#"{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT"}}"#);
        }),
    ];
    for (reason, bad) in reasons {
        let (path, one) = counted(reason);
        check(
            bad,
            &[
                (&path, one),
                ("frames", 6.into()),
                ("trades", 2.into()),
                ("books.BTCUSDT.state", "good".into()),
                ("books.BTCUSDT.best_bid", "99.50".into()),
            ],
        );
    }
}

#[test]
fn lines_that_hold_no_frame_are_refused_by_the_source() {
    for bad in [
        "\u{1}\u{2}garbage\u{3}",
        r#"{"stream":"btcusdt@trade","data":{"e":"tra"#,
    ] {
        let mut lines = Lines::new();
        lines.good();
        lines.line(bad);
        lines.good();
        let (report, _dir) = lines.replay();
        let refused = report["source_refused"].as_object().unwrap();
        assert_eq!(
            refused
                .values()
                .map(|count| count.as_u64().unwrap())
                .sum::<u64>(),
            1,
            "{report:#}"
        );
        assert!(
            report["warnings"].to_string().contains("lines.txt:4"),
            "{}",
            report["warnings"]
        );
        assert_eq!(report["trades"], 2);
        assert_eq!(report["books"]["BTCUSDT"]["state"], "good");
    }
}

#[test]
fn update_ids_that_repeat_or_are_missing_are_told_apart() {
    check(
        |lines| {
            let again = lines
                .text
                .lines()
                .find(|line| line.contains("depthUpdate"))
                .unwrap()
                .to_owned();
            lines.text.push_str(&again);
            lines.text.push('\n');
        },
        &[
            ("duplicates", 1.into()),
            ("gaps", 0.into()),
            ("books.BTCUSDT.state", "good".into()),
        ],
    );
    check(
        |lines| lines.diff(5, "[]", "[]"),
        &[
            ("gaps", 1.into()),
            ("gap_kinds.book_gap", 1.into()),
            ("books.BTCUSDT.state", "gapped".into()),
        ],
    );
}

#[test]
fn a_crossed_book_is_a_gap_not_a_price() {
    check(
        |lines| lines.diff(0, r#"[["105.00","1.0"]]"#, "[]"),
        &[
            ("gap_kinds.book_crossed", 1.into()),
            ("books.BTCUSDT.state", "gapped".into()),
            ("trades", 2.into()),
        ],
    );
}

#[test]
fn venue_times_ahead_of_ours_are_shown_as_a_negative_offset() {
    let (report, _dir) = {
        let mut lines = Lines::new();
        lines.good();
        lines.replay()
    };
    let skew = &report["clock_skew_ns"]["binance-spot"];
    for figure in ["min", "max", "estimate"] {
        let ns = skew[figure].as_i64().unwrap();
        assert!(
            (-1_280_000_000..=-1_260_000_000).contains(&ns),
            "{figure}: {ns}"
        );
    }
    let sample = json(
        pitlane()
            .arg("replay")
            .arg(sample("binance-spot-btcusdt-20240808.gz"))
            .args(["--json", "--quiet"]),
    );
    assert!(
        sample["clock_skew_ns"]["binance-spot"]["estimate"]
            .as_i64()
            .unwrap()
            < -1_000_000_000
    );
}

#[test]
fn microseconds_among_nanoseconds_are_read_and_reported() {
    let mut lines = Lines::new();
    lines.good();
    lines.ts /= 1000;
    let event = lines.ts / 1000 + 1270;
    lines.trade_id += 1;
    lines.line(&format!(
        r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{event},"s":"BTCUSDT","t":9,"p":"99.50","q":"0.5","T":{event},"m":true,"M":true}}}}"#
    ));
    let (report, _dir) = lines.replay();
    assert_eq!(report["trades"], 2);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("unit"), "{warnings}");
}

#[test]
fn strict_turns_what_is_only_counted_into_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let mut lines = Lines::new();
    lines.good();
    expect_code(lines.command(dir.path()).arg("--strict"), 0);
    lines.trade("99.505", "0.5");
    expect_code(lines.command(dir.path()).arg("--strict"), 1);
    expect_code(&mut lines.command(dir.path()), 0);
}

#[test]
fn a_truncated_capture_is_read_to_its_last_whole_frame() {
    let dir = tempfile::tempdir().unwrap();
    let capture = dir.path().join("whole.plcap");
    let import = |out: &PathBuf| {
        let mut command = pitlane();
        command
            .arg("import")
            .arg(sample("binance-spot-btcusdt-20240808.gz"));
        command
            .args(["--from", "binance-jsonl", "--quiet", "--out"])
            .arg(out);
        command
    };
    expect_code(&mut import(&capture), 0);
    let refused = expect_code(&mut import(&capture), 1);
    assert!(said(&refused).contains("exists"), "{}", said(&refused));
    let whole = json(
        pitlane()
            .arg("replay")
            .arg(&capture)
            .args(["--json", "--quiet"]),
    );
    let straight = json(
        pitlane()
            .arg("replay")
            .arg(sample("binance-spot-btcusdt-20240808.gz"))
            .args(["--json", "--quiet"]),
    );
    assert_eq!(
        whole["state_hash"], straight["state_hash"],
        "a capture is the frames it was made of"
    );

    let bytes = std::fs::read(&capture).unwrap();
    let torn = dir.path().join("torn.plcap");
    std::fs::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
    let report = json(
        pitlane()
            .arg("replay")
            .arg(&torn)
            .args(["--json", "--quiet"]),
    );
    let frames = report["frames"].as_u64().unwrap();
    assert!(
        frames > 1000 && frames < whole["frames"].as_u64().unwrap(),
        "{frames}"
    );
    assert!(
        report["warnings"].to_string().contains("torn.plcap"),
        "{}",
        report["warnings"]
    );

    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    let path = dir.path().join("damaged.plcap");
    std::fs::write(&path, &damaged).unwrap();
    let output = expect_code(
        pitlane()
            .arg("replay")
            .arg(&path)
            .args(["--quiet", "--strict"]),
        1,
    );
    assert!(said(&output).contains("damaged.plcap"), "{}", said(&output));
}

#[test]
fn what_is_typed_or_configured_wrong_is_answered_in_kind() {
    let dir = tempfile::tempdir().unwrap();
    let config = |text: &str| {
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        path
    };
    let refuse = |path: PathBuf, words: &[&str]| {
        let output = expect_code(pitlane().args(["config", "check"]).arg(path), 78);
        for word in words {
            assert!(said(&output).contains(word), "{word} in {}", said(&output));
        }
    };
    refuse(
        config("[storage]\ncommit_row = 5\n"),
        &["config.toml:2", "commit_row", "commit_rows"],
    );
    let thread = |core: &str, agents: &str| {
        format!(
            "[core_map]\nprofile = \"shared\"\n[[core_map.thread]]\nname = \"all\"\ncore = {core}\nagents = {agents}\n"
        )
    };
    let all = r#"["feed", "sequencer", "recorder", "market", "storage", "logger", "supervisor"]"#;
    refuse(config(&thread("900", all)), &["config.toml:5", "900"]);
    refuse(
        config(&thread("0", r#"["feed", "marketer"]"#)),
        &["config.toml:6", "marketer", "market", "sequencer"],
    );
    refuse(
        config(&thread("0", all).replace("core = 0", "core = 0\nidle = \"spin\"")),
        &["spin"],
    );

    let file = dir.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let output = expect_code(
        pitlane()
            .arg("replay")
            .args(samples())
            .args(["--quiet", "--out"])
            .arg(file.join("out")),
        1,
    );
    assert!(said(&output).contains("a-file"), "{}", said(&output));

    for (arguments, code, words) in [
        (vec!["replay", "no-such-file"], 2, "no-such-file"),
        (vec!["replay", "--speed", "fast"], 2, "--speed fast"),
        (vec!["replay", "--cores", "900"], 78, "900"),
        (
            vec!["replay", "--from", "nonsense", "/dev/null"],
            2,
            "binance-jsonl",
        ),
        (vec!["import", "/dev/null", "--out", "x"], 2, "--from"),
        (
            vec!["export", "/no/such/dir", "--to", "csv"],
            2,
            "/no/such/dir",
        ),
        (vec!["stats", "/no/such/dir"], 1, "/no/such/dir"),
        (vec!["frobnicate"], 2, "frobnicate"),
    ] {
        let output = expect_code(pitlane().args(&arguments), code);
        assert!(
            said(&output).contains(words),
            "{arguments:?}: {}",
            said(&output)
        );
    }
}
