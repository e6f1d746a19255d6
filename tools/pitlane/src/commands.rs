//! One file a command.

pub mod capture;
pub mod config;
pub mod doctor;
pub mod export;
pub mod import;
pub mod replay;
pub mod run;
pub mod stats;
pub mod top;
pub mod venue;
