//! A view as tables: rows of text that know how they sort. Printed and drawn alike.

mod panes;
mod text;
#[cfg(test)]
mod tests;

pub use panes::{pinning, tables};
pub use text::{count, percent, span, wall_text};

use std::cmp::Ordering;

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Columns, the most telling first.
    pub columns: Vec<Column>,
    /// Rows, in the order of the engine until sorted.
    pub rows: Vec<Row>,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name for `--sort`.
    pub key: &'static str,
    /// What stands above it.
    pub title: &'static str,
    /// Numbers stand to the right.
    pub right: bool,
    /// Narrowest it gets, so that it does not dance while numbers change.
    pub width: usize,
}

/// A row; a cell for each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its cells.
    pub cells: Vec<Cell>,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// What it shows.
    pub text: String,
    /// What it sorts by; `None` goes last.
    pub number: Option<f64>,
    /// How it looks.
    pub tone: Tone,
}

/// How a cell looks, where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As usual.
    Plain,
    /// A name.
    Name,
    /// Nothing to see.
    Dim,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

/// By which column, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortBy {
    /// Place of the column.
    pub column: usize,
    /// Largest first.
    pub descending: bool,
}

impl Cell {
    /// Text that sorts as text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            number: None,
            tone: Tone::Plain,
        }
    }

    /// Text that sorts as a number.
    pub fn number(text: String, number: f64) -> Self {
        Self {
            text,
            number: Some(number),
            tone: Tone::Plain,
        }
    }

    /// Nothing is known.
    pub fn unknown() -> Self {
        Self::text("-").tone(Tone::Dim)
    }

    /// With another look.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

impl Table {
    /// Place of a column.
    pub fn column(&self, key: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.key == key)
    }

    /// The direction in which a column is most telling: large numbers, names from A.
    pub fn usual(&self, column: usize) -> SortBy {
        SortBy {
            column,
            descending: self.columns[column].right,
        }
    }

    /// Sorts; rows that are equal stay in the order of the engine.
    pub fn sort(&mut self, by: SortBy) {
        self.rows.sort_by(|a, b| {
            let (a, b) = (&a.cells[by.column], &b.cells[by.column]);
            match (a.number, b.number) {
                (Some(x), Some(y)) if by.descending => y.total_cmp(&x),
                (Some(x), Some(y)) => x.total_cmp(&y),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) if by.descending => b.text.cmp(&a.text),
                (None, None) => a.text.cmp(&b.text),
            }
        });
    }

    /// Keeps the rows in which a text occurs, whatever its case.
    pub fn filter(&mut self, text: &str) {
        let wanted = text.to_lowercase();
        let matches = |cell: &Cell| cell.text.to_lowercase().contains(&wanted);
        self.rows.retain(|row| row.cells.iter().any(matches));
    }

    /// Width of every column.
    pub fn widths(&self) -> Vec<usize> {
        let widest = |(at, column): (usize, &Column)| {
            let cells = self
                .rows
                .iter()
                .map(|row| row.cells[at].text.chars().count());
            cells
                .chain([column.width, column.title.len()])
                .max()
                .unwrap_or(0)
        };
        self.columns.iter().enumerate().map(widest).collect()
    }
}

/// Every name that `--sort` knows, each once.
pub fn sort_keys() -> Vec<&'static str> {
    let mut keys = Vec::new();
    for key in panes::all_columns().map(|column| column.key) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}
