//! The venue over real sockets on this machine.
#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod api;
mod bad;
mod books;
mod connections;
mod failing;
mod fx;
mod house;
mod rest;
mod streams;
mod support;
