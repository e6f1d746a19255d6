//! `cargo fuzz run decode`; see CONTRIBUTING.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pitlane_fuzz::decode(data));
