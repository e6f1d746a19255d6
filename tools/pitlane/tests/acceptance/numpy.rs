//! Another process reads the tick store with numpy, while it is being written and without a copy.

use crate::support::{expect_code, pitlane, python, sample, script};
use serde_json::Value;
use std::process::Stdio;

#[test]
fn numpy_follows_a_store_that_is_being_written() {
    let Some(mut python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let mut engine = pitlane()
        .arg("replay")
        .arg(sample("binance-spot-btcusdt-20240808.gz"))
        .args(["--speed", "150x", "--json", "--quiet", "--out"])
        .arg(root.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let reader = expect_code(
        python
            .arg(script("read_ticks.py"))
            .arg(root.path().join("ticks"))
            .args(["--follow", "--timeout", "30"]),
        0,
    );
    let report: Value = serde_json::from_slice(&engine.wait_with_output_of()).expect("a report");
    let seen: Value = serde_json::from_slice(&reader.stdout).expect("one JSON object");
    assert_eq!(seen["last_sequence"], report["last_sequence"]);
    assert_eq!(seen["kinds"], report["events"]);
    assert!(
        seen["steps"].as_u64().unwrap() > 3,
        "it read while the engine wrote: {seen}"
    );
}

trait Output {
    fn wait_with_output_of(&mut self) -> Vec<u8>;
}

impl Output for std::process::Child {
    fn wait_with_output_of(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        std::io::Read::read_to_end(self.stdout.as_mut().unwrap(), &mut text).unwrap();
        assert!(self.wait().unwrap().success());
        text
    }
}
