//! Rows of plain tables: columns between commas, without quotes.

use super::lines::Refusal;

/// Most columns of a table any format here reads.
const COLUMNS_MAX: usize = 32;

/// A line cut at its commas.
pub(super) struct Row<'a> {
    columns: [&'a [u8]; COLUMNS_MAX],
    len: usize,
}

impl<'a> Row<'a> {
    /// Columns behind the 32nd are counted, not kept.
    pub(super) fn of(line: &'a [u8]) -> Self {
        let mut columns: [&[u8]; COLUMNS_MAX] = [b""; COLUMNS_MAX];
        let mut len = 0;
        for column in line.split(|&byte| byte == b',') {
            if let Some(place) = columns.get_mut(len) {
                *place = column.trim_ascii();
            }
            len += 1;
        }
        Self { columns, len }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The text of a column; empty if the row has fewer.
    pub(super) fn text(&self, column: usize) -> &'a [u8] {
        self.columns.get(column).copied().unwrap_or_default()
    }

    /// Refuses a row of another width.
    pub(super) fn expect_columns(&self, expected: usize) -> Result<(), Refusal> {
        if self.len == expected {
            return Ok(());
        }
        let detail = format!("{} columns instead of {expected}", self.len);
        Err(Refusal::new("bad_columns", detail))
    }

    /// A column of digits.
    pub(super) fn integer(&self, column: usize) -> Result<&'a [u8], Refusal> {
        let text = self.text(column);
        self.check(column, is_integer(text), "a whole number")
    }

    /// A column of digits, with or without decimals.
    pub(super) fn decimal(&self, column: usize) -> Result<&'a [u8], Refusal> {
        let text = self.text(column);
        self.check(column, is_decimal(text), "a number")
    }

    /// A column that says true or false, in any case.
    pub(super) fn boolean(&self, column: usize) -> Result<bool, Refusal> {
        let text = self.text(column);
        let yes = text.eq_ignore_ascii_case(b"true");
        let known = yes || text.eq_ignore_ascii_case(b"false");
        self.check(column, known, "true or false").map(|_| yes)
    }

    /// The text of a column that is what it should be, or why not.
    pub(super) fn check(
        &self,
        column: usize,
        good: bool,
        wanted: &str,
    ) -> Result<&'a [u8], Refusal> {
        let text = self.text(column);
        if good {
            return Ok(text);
        }
        let shown = String::from_utf8_lossy(&text[..text.len().min(40)]);
        let detail = format!("column {}: `{shown}` is not {wanted}", column + 1);
        Err(Refusal::new("bad_column", detail))
    }

    /// Whether the row names its columns: its first begins with a letter or a quote.
    pub(super) fn is_header(&self) -> bool {
        let first = self.text(0).first();
        first.is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'"' | b'#' | b'_'))
    }

    /// The column of one of these names, letters and digits compared in lower case.
    pub(super) fn find(&self, names: &[&str]) -> Option<usize> {
        (0..self.len.min(COLUMNS_MAX)).find(|&column| {
            let name: String = self.columns[column]
                .iter()
                .filter(|byte| byte.is_ascii_alphanumeric())
                .map(|byte| char::from(byte.to_ascii_lowercase()))
                .collect();
            names.contains(&name.as_str())
        })
    }
}

pub(super) fn is_integer(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

pub(super) fn is_decimal(text: &[u8]) -> bool {
    match text.iter().position(|&byte| byte == b'.') {
        Some(dot) => is_integer(&text[..dot]) && is_integer(&text[dot + 1..]),
        None => is_integer(text),
    }
}
