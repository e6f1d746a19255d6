//! app
#![forbid(unsafe_code)]
