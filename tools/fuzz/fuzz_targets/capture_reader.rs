//! `cargo fuzz run capture_reader`; see CONTRIBUTING.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pitlane_fuzz::capture_reader(data));
