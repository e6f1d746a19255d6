//! `pitlane capture` against `pitlane venue`: two processes on this machine, and nothing lost between them.

use crate::scene::{Heard, Recorder, Venue, capture, until};
use crate::support::{expect_code, json, pitlane, said, samples};
use pitlane_domain::instrument::Venue as VenueId;
use pitlane_edges::capture::CaptureReader;
use pitlane_edges::source::{FrameSource, OnBad};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A configuration of one symbol of this venue.
fn config(venue: &Venue, dir: &Path) -> PathBuf {
    let heard = Heard::at("binance-spot", venue.port, r#"["trade", "depth@100ms"]"#);
    let heard = heard.instrument("BTCUSDT", "BTCUSDT", "");
    crate::scene::config(dir, &[heard], "")
}

/// What the venue said on a stream, without the wrapper of combined streams, in the order of the files.
fn said_on(files: &[PathBuf], stream: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for file in files {
        let mut reader = CaptureReader::open(file, OnBad::Stop).unwrap();
        while let Some(frame) = reader.next().unwrap() {
            if frame.venue == VenueId::BinanceSpot && frame.stream == stream.as_bytes() {
                let value: Value = serde_json::from_slice(frame.bytes).unwrap();
                all.push(value.get("data").cloned().unwrap_or(value));
            }
        }
    }
    all
}

/// The sample as one capture.
fn sample(dir: &Path) -> PathBuf {
    let out = dir.join("sample.plcap");
    let spot = samples()
        .into_iter()
        .filter(|file| file.to_string_lossy().contains("spot"));
    expect_code(pitlane().arg("import").args(spot).arg("--out").arg(&out), 0);
    out
}

fn files(summary: &Value) -> Vec<PathBuf> {
    let files = summary["files"].as_array().unwrap();
    assert!(
        files.iter().all(|file| file["verified"] == true),
        "{summary}"
    );
    files
        .iter()
        .map(|file| file["path"].as_str().unwrap().into())
        .collect()
}

const STREAMS: [(&str, &str); 2] = [("trade", "btcusdt@trade"), ("depth", "btcusdt@depth@100ms")];

#[test]
fn a_whole_play_is_captured_once_and_in_order_in_one_file_and_in_many() {
    let dir = tempfile::tempdir().unwrap();
    // it begins when both listen
    let venue = Venue::start(&[], &["--start", "2"]);
    let config = config(&venue, dir.path());
    let plain = dir.path().join("plain.plcap");
    let rotated = dir.path().join("rotated.plcap");
    let one = Recorder::start(&mut capture(&config, &plain));
    let rotate = ["--rotate", "200KiB", "--rotate", "1h"];
    let many = Recorder::start(capture(&config, &rotated).args(rotate));
    venue.until_played();
    let summaries = [one, many].map(|of| of.end("-TERM", 0).0);
    let sent = venue.status()["sent"].clone();
    let sample = sample(dir.path());
    for summary in &summaries {
        let files = files(summary);
        for (kind, stream) in STREAMS {
            let (got, wanted) = (
                said_on(&files, stream),
                said_on(std::slice::from_ref(&sample), stream),
            );
            assert!(!wanted.is_empty());
            assert!(got == wanted, "{stream}: {} of {}", got.len(), wanted.len());
            assert_eq!(summary["streams"][kind]["frames"], got.len());
            assert_eq!(sent[stream], 2 * got.len());
        }
        assert_eq!(summary["lost"], 0);
        // what a replay needs beside the streams
        for kind in ["exchangeInfo", "depthSnapshot"] {
            assert!(
                summary["streams"][kind]["frames"].as_u64() > Some(0),
                "{summary}"
            );
        }
    }
    assert!(files(&summaries[0]) == std::slice::from_ref(&plain));
    assert!(files(&summaries[1]).len() > 3, "{}", summaries[1]);
    assert!(!rotated.exists());
    // both replay, and to the same market
    let replay =
        |files: &[PathBuf]| json(pitlane().args(["replay", "--json", "--quiet"]).args(files));
    let reports = summaries.iter().map(|summary| replay(&files(summary)));
    let reports: Vec<_> = reports.collect();
    for report in &reports {
        assert_eq!(report["gaps"], 0, "{report}");
        assert_eq!(report["trades"], summaries[0]["streams"]["trade"]["frames"]);
        assert_eq!(report["books"]["BTCUSDT"]["state"], "good", "{report}");
    }
    assert_eq!(reports[0]["books"], reports[1]["books"]);
}

#[test]
fn a_signal_in_the_middle_loses_nothing_that_was_received() {
    let dir = tempfile::tempdir().unwrap();
    let sample = sample(dir.path());
    for (signal, code, ended) in [("-TERM", 0, "told"), ("-INT", 130, "interrupted")] {
        let venue = Venue::start(&[], &["--speed", "100x"]);
        let config = config(&venue, dir.path());
        let out = dir.path().join(format!("{ended}.plcap"));
        let recorder = Recorder::start(&mut capture(&config, &out));
        until("300 trades", || {
            venue.status()["sent"]["btcusdt@trade"].as_u64() > Some(300)
        });
        let (summary, _) = recorder.end(signal, code);
        assert_eq!(
            (summary["ended"].as_str(), summary["lost"].as_u64()),
            (Some(ended), Some(0))
        );
        let files = files(&summary);
        for (kind, stream) in STREAMS {
            let (got, all) = (
                said_on(&files, stream),
                said_on(std::slice::from_ref(&sample), stream),
            );
            assert_eq!(summary["streams"][kind]["frames"], got.len());
            assert!(
                got.len() > 10 && got.len() < all.len(),
                "{} of {}",
                got.len(),
                all.len()
            );
            assert!(
                got == all[..got.len()],
                "{stream}: the first {} differ",
                got.len()
            );
        }
    }
}

#[test]
fn a_disk_that_is_full_is_told_with_what_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let venue = Venue::start(&[], &[]);
    let config = config(&venue, dir.path());
    let out = dir.path().join("full.plcap");
    // a file may not grow beyond some kilobytes, and the system says so instead of ending the process
    let script =
        "trap '' XFSZ; ulimit -f 100; exec \"$0\" capture --config \"$1\" --out \"$2\" --json";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_pitlane")])
        .args([&config, &out])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["ended"], "failed");
    let told = said(&output);
    assert!(
        told.contains("full.plcap") && told.contains("File too large"),
        "{told}"
    );
    assert!(
        told.contains("frames that can be read") && told.contains("are in no file"),
        "{told}"
    );
    // what is kept is the beginning, whole
    let mut reader = CaptureReader::open(&out, OnBad::Skip).unwrap();
    let mut kept = 0;
    while reader.next().unwrap().is_some() {
        kept += 1;
    }
    assert!(kept > 0);
    let frames = summary["frames"].as_u64().unwrap();
    assert_eq!(summary["lost"].as_u64(), Some(frames - kept), "{summary}");
}

#[test]
fn what_cannot_work_is_said_before_a_venue_is_called() {
    let dir = tempfile::tempdir().unwrap();
    // nobody listens at that address, and nobody is asked
    let config = dir.path().join("live.toml");
    let text = "[source]\nkind = \"live\"\n[[upstream]]\nvenue = \"binance-spot\"\nws = \"ws://127.0.0.1:9\"\n\
                rest = \"http://127.0.0.1:9\"\n[[instrument]]\nsymbol = \"BTCUSDT\"\nvenue = \"binance-spot\"\n";
    fs::write(&config, text).unwrap();
    let nowhere = dir.path().join("no/folder/x.plcap");
    let output = expect_code(&mut capture(&config, &nowhere), 1);
    assert!(
        said(&output).contains("no/folder/x.plcap: No such file"),
        "{}",
        said(&output)
    );
    let there = dir.path().join("there.plcap");
    fs::write(&there, "mine").unwrap();
    for rotate in [&[][..], &["--rotate", "1h"]] {
        let output = expect_code(capture(&config, &there).args(rotate), 1);
        assert!(
            said(&output).contains("there.plcap: exists already"),
            "{}",
            said(&output)
        );
    }
    assert_eq!(fs::read(&there).unwrap(), b"mine");
    let out = dir.path().join("x.plcap");
    let output = expect_code(
        capture(&config, &out).args(["--rotate", "1h", "--rotate", "2h"]),
        2,
    );
    assert!(
        said(&output).contains("one size and one time at most"),
        "{}",
        said(&output)
    );
    expect_code(capture(&config, &out).args(["--rotate", "soon"]), 2);
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/sample.toml");
    let output = expect_code(&mut capture(&files, &out), 78);
    assert!(
        said(&output).contains("source.kind is not \"live\""),
        "{}",
        said(&output)
    );
    assert!(!out.exists());
}
