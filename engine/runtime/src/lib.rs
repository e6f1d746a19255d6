//! Threads and time: what runs agents, and how one knows that they run well.
//!
//! This crate knows nothing of markets.
//! An agent has one job; a [`core_map::CoreMap`] says which thread polls it;
//! runners spawn, pin, poll, contain panics and end everything in flow order.
//! Metrics, stats and the supervisor say how long each thing took and who is ill;
//! the log writes lines whose text is made far from the caller.
#![forbid(unsafe_code)]

pub mod clock;
pub mod os;
pub mod core_map;
pub mod hiccup;
pub mod idle;
pub mod lifecycle;
mod contain;
pub mod breaker;
pub mod agent;
pub mod beat;
pub mod log;
pub mod runner;
pub mod health;
pub mod metrics;
pub mod stats;
pub mod supervisor;
