//! Watching an engine from outside: find its counters page, look at it twice, show what happened in between.
//!
//! Nothing here talks to the engine, so one that hangs or was killed is shown like any other.
//! A [`look::Look`] is what can be seen at one moment, two of them make a [`view::View`], a view makes tables,
//! and tables are printed or drawn.

pub mod find;
pub mod look;
pub mod view;
pub mod table;
pub mod plain;
pub mod keys;
pub mod screen;
pub mod terminal;
#[cfg(test)]
mod fake;
