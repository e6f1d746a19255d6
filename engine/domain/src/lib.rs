//! The rules of markets, as values in and values out.
//!
//! This crate never starts a thread, reads a clock, opens a file or a socket, or draws a random number.
//! What it decides depends on its arguments alone, so a replay decides the same again.
//! Modules stand in the order in which data flows; a module imports only those above it.
#![forbid(unsafe_code)]

pub mod units;
mod memory;
pub mod instrument;
pub mod message;
pub mod sequence;
pub mod definitions;
pub mod decode;
pub mod sync;
pub mod intake;
pub mod upstream;
pub mod book;
pub mod bars;
pub mod market;
