//! Every input of the corpus, and changed copies of it, through its target.
#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use pitlane_fuzz::Mutations;
use std::path::Path;
use std::{fs, panic};

fn run(target: &str, mutations: usize, check: impl Fn(&[u8]) + panic::RefUnwindSafe) {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    let folder = Path::new(&package).join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 3, "no corpus in {}", folder.display());
    for file in files {
        let input = fs::read(&file).unwrap();
        check(&input);
        for (at, changed) in Mutations::of(&input).take(mutations).enumerate() {
            let held = panic::catch_unwind(|| check(&changed));
            let shown = changed.escape_ascii();
            assert!(
                held.is_ok(),
                "mutation {at} of {}: b\"{shown}\"",
                file.display()
            );
        }
    }
}

#[test]
fn decode() {
    run("decode", 2000, pitlane_fuzz::decode);
}

#[test]
fn capture_reader() {
    run("capture_reader", 2000, pitlane_fuzz::capture_reader);
}

#[test]
fn config() {
    run("config", 2000, pitlane_fuzz::config);
}

#[test]
fn tick_recovery() {
    run("tick_recovery", 500, pitlane_fuzz::tick_recovery);
}
