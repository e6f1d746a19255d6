//! What a user can check from outside: the command is run as a process, its files are read by other programs.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod bad_input;
mod bad_venue;
mod capture;
mod clients;
mod core_maps;
mod crash;
mod days;
mod doctor;
mod fx_live;
mod idle;
mod local_venue;
mod live;
mod load;
mod numpy;
mod sample;
mod scene;
mod stats;
mod support;
mod top;
mod venues;
