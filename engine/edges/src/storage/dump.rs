//! The content of a database as text and as one number, for tests and tools that compare two of them.
//!
//! A dump is one read transaction: do not leave one running on a database that is being written.

use super::error::StorageError;
use super::schema::{TABLES, open_reader};
use rusqlite::types::ValueRef;
use std::fmt::Write as _;
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// What a database holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dump {
    /// Rows of each table, by name.
    pub rows: Vec<(&'static str, u64)>,
    /// A hash of every value of every row in the order of the keys.
    pub hash: u64,
}

/// Rows and hash of a database. The file, and its WAL, stay as they are.
pub fn dump(path: &Path) -> Result<Dump, StorageError> {
    let mut rows: Vec<_> = TABLES.iter().map(|(table, _)| (*table, 0)).collect();
    let mut hash = Xxh3::new();
    dump_lines(path, |table, line| {
        if let Some((_, count)) = rows.iter_mut().find(|(name, _)| *name == table) {
            *count += 1;
        }
        hash.update(line.as_bytes());
        hash.update(b"\n");
    })?;
    Ok(Dump {
        rows,
        hash: hash.digest(),
    })
}

/// Every row as `table|value|value...`, table by table in the order of the keys.
pub fn dump_lines(
    path: &Path,
    mut each: impl FnMut(&'static str, &str),
) -> Result<(), StorageError> {
    let mut read = || -> rusqlite::Result<()> {
        let db = open_reader(path)?;
        db.execute_batch("BEGIN")?;
        let mut line = String::new();
        for (table, order) in TABLES {
            let mut statement = db.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                line.clear();
                line.push_str(table);
                for column in 0..columns {
                    line.push('|');
                    let _ = match row.get_ref(column)? {
                        ValueRef::Null => write!(line, "NULL"),
                        ValueRef::Integer(value) => write!(line, "{value}"),
                        ValueRef::Real(value) => write!(line, "{value:?}"),
                        ValueRef::Text(text) => {
                            write!(line, "{}", String::from_utf8_lossy(text).escape_debug())
                        }
                        ValueRef::Blob(bytes) => write!(line, "{bytes:?}"),
                    };
                }
                each(table, &line);
            }
        }
        Ok(())
    };
    read().map_err(|error| StorageError::of(path, "reading the rows", error))
}
