//! The world: live connections, captures and imported files, configuration, SQLite, exports; one outside system per module.
//!
//! Agents reach files and databases only through here; what the markets mean is decided in the domain.
#![forbid(unsafe_code)]

pub mod capture;
pub mod config;
pub mod export;
pub mod import;
pub mod live;
pub mod schema;
pub mod source;
pub mod storage;
