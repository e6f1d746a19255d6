//! `cargo fuzz run config`; see CONTRIBUTING.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pitlane_fuzz::config(data));
