//! Who does the work of each row of the table. Every function does one batch and says what it took.

pub mod decode;
pub mod book;
pub mod hop;
pub mod instruments;
pub mod path;
pub mod store;
pub mod python;
pub mod replay;
pub mod sqlite;
pub mod socket;
pub mod breaker;
pub mod idle;
