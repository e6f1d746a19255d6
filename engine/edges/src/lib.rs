//! edges
#![forbid(unsafe_code)]
