//! Composition: the topology, the agents as thin glue around the domain's machines, start, recovery and stop.
//!
//! This crate decides nothing about markets and owns no socket; it joins what the other rooms offer.
#![forbid(unsafe_code)]

pub mod topology;
pub mod counters;
pub mod defaults;
pub mod pace;
pub mod stopwatch;
pub mod latency;
pub mod report;
pub mod agents;
pub mod engine;
mod closing;
