//! Benchmarks against the limits of the machine and against rival crates.
#![forbid(unsafe_code)]
