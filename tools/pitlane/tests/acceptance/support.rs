//! Running the command, and the programs that check it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The built command.
pub fn pitlane() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pitlane"))
}

/// A file of the bundled sample.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample")
        .join(name)
}

/// All files of the bundled sample.
pub fn samples() -> Vec<PathBuf> {
    [
        "binance-spot-btcusdt-20240808.gz",
        "binance-spot-btcusdt-20240809.gz",
        "binance-usdm-btcusdt-20240808.gz",
    ]
    .map(sample)
    .to_vec()
}

/// A file of the larger data set, if it lies beside the project; says so if it does not.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PITLANE_SHARED_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if !file.exists() {
        println!("skipped: {} is not here", file.display());
        return None;
    }
    Some(file)
}

/// A Python with numpy, if `scripts/test` found one; says so if it did not.
pub fn python() -> Option<Command> {
    let path = std::env::var_os("PITLANE_PYTHON").filter(|path| !path.is_empty());
    if path.is_none() {
        println!("skipped: PITLANE_PYTHON names no Python with numpy (scripts/test sets it)");
    }
    path.map(Command::new)
}

/// One of the Python programs beside these tests.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// Runs to the end; shows what it said if the exit code is another.
#[track_caller]
pub fn expect_code(command: &mut Command, code: i32) -> Output {
    let output = command.output().expect("the command starts");
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs to a good end and reads the JSON it prints.
#[track_caller]
pub fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&expect_code(command, 0).stdout).expect("one JSON object")
}

/// What a command said on standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file of a tick store, by name.
pub fn store_files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read(path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

/// Every row of the database as text, by table and key.
pub fn database(dir: &Path) -> String {
    let mut text = String::new();
    let line = |table: &'static str, row: &str| {
        text.push_str(table);
        text.push('|');
        text.push_str(row);
        text.push('\n');
    };
    pitlane_edges::storage::dump_lines(&dir.join("storage/pitlane.db"), line).unwrap();
    text
}

/// Numbers that look random and are the same in every run: a test that fails can be run again.
pub struct Seeded(pub u64);

impl Seeded {
    /// A number below `bound` (xorshift64*, Vigna 2016).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}
