//! Fuzz targets: one function per parser of outside bytes.
//!
//! A target returns if the parser kept its promises and panics if it broke one.
//! cargo-fuzz drives them through `fuzz_targets`; `tests/corpus.rs` drives them over the corpus in every test run.
#![forbid(unsafe_code)]

mod capture_reader;
mod config;
mod decode;
mod mutate;
mod tick_recovery;

pub use capture_reader::capture_reader;
pub use config::config;
pub use decode::decode;
pub use mutate::Mutations;
pub use tick_recovery::tick_recovery;
