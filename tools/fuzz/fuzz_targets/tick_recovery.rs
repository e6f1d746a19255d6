//! `cargo fuzz run tick_recovery`; see CONTRIBUTING.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pitlane_fuzz::tick_recovery(data));
