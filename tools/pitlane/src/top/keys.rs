//! What keys do: the state of the screen, without a terminal.

use super::table::{self, SortBy, Table};
use super::view::View;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Steps of the interval.
const DELAYS: [Duration; 9] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
];

/// Rows that a page of a pane moves.
const PAGE_ROWS: usize = 10;

/// What the person has chosen.
#[derive(Clone, Debug)]
pub struct State {
    /// The pane that has the keys.
    pub focus: usize,
    /// One for each table.
    pub panes: Vec<Pane>,
    /// Only rows that hold this text are shown.
    pub filter: String,
    /// Who gets the keys.
    pub mode: Mode,
    /// The picture stands still.
    pub paused: bool,
    /// Which thread runs what where is shown instead of the panes.
    pub pinning: bool,
    /// Time between two looks.
    pub delay: Duration,
}

/// Who gets the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The pane that is marked.
    Panes,
    /// The filter, which is being typed.
    Filter,
    /// The help, which any key takes away.
    Help,
}

/// What was chosen in one pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pane {
    /// The marked row.
    pub selected: usize,
    /// Columns that were shifted out to the left.
    pub shifted: usize,
    /// The order; the engine's own if there is none.
    pub sort: Option<SortBy>,
}

/// What the loop has to do about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Draw again.
    Draw,
    /// Take a new baseline for the distributions.
    Reset,
    /// Leave.
    Quit,
    /// Leave as one who was interrupted.
    Interrupt,
}

impl State {
    /// As it is at the beginning; `sort` is the key of a column.
    pub fn new(view: &View, delay: Duration, sort: Option<&str>) -> Self {
        let mut tables = table::tables(view);
        tables.push(table::pinning(view));
        let pane = |table: &Table| Pane {
            sort: sort
                .and_then(|key| table.column(key))
                .map(|column| table.usual(column)),
            ..Pane::default()
        };
        Self {
            focus: 0,
            panes: tables.iter().map(pane).collect(),
            filter: String::new(),
            mode: Mode::Panes,
            paused: false,
            pinning: false,
            delay,
        }
    }

    /// The tables to show, sorted and filtered.
    pub fn tables(&self, view: &View) -> Vec<Table> {
        let mut tables = if self.pinning {
            vec![table::pinning(view)]
        } else {
            table::tables(view)
        };
        for (at, table) in tables.iter_mut().enumerate() {
            if !self.filter.is_empty() {
                table.filter(&self.filter);
            }
            if let Some(by) = self.pane(at).sort {
                table.sort(by);
            }
        }
        tables
    }

    /// What was chosen in a pane that is shown.
    pub fn pane(&self, at: usize) -> &Pane {
        &self.panes[self.index(at)]
    }

    /// The pane with the keys, among those that are shown.
    pub fn focused(&self) -> usize {
        if self.pinning { 0 } else { self.focus }
    }

    /// The pinning view has its place behind the others.
    fn index(&self, at: usize) -> usize {
        if self.pinning {
            self.panes.len() - 1
        } else {
            at
        }
    }

    /// A key was pressed.
    pub fn key(&mut self, key: KeyEvent, view: &View) -> Action {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Action::Interrupt,
                _ => Action::Draw,
            };
        }
        match self.mode {
            Mode::Panes => return self.panes(key.code, view),
            Mode::Filter => self.type_filter(key.code),
            Mode::Help => self.mode = Mode::Panes,
        }
        Action::Draw
    }

    fn panes(&mut self, code: KeyCode, view: &View) -> Action {
        match code {
            KeyCode::Char('q') | KeyCode::F(10) => return Action::Quit,
            KeyCode::Char('r') => return Action::Reset,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.mode = Mode::Help,
            KeyCode::Char('/') | KeyCode::F(3 | 4) => self.mode = Mode::Filter,
            KeyCode::Char(' ') => self.paused = !self.paused,
            KeyCode::Char('p') => self.pinning = !self.pinning,
            KeyCode::Char('+' | '=') => self.delay = longer(self.delay),
            KeyCode::Char('-') => self.delay = shorter(self.delay),
            KeyCode::Esc if self.filter.is_empty() => self.pinning = false,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(self.panes.len() - 2),
            code => self.in_pane(code, view),
        }
        Action::Draw
    }

    fn type_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.mode = Mode::Panes,
            KeyCode::Esc => {
                self.mode = Mode::Panes;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
    }

    /// Gives the keys to another pane; the last one is the pinning view, which has a key of its own.
    fn turn(&mut self, by: usize) {
        self.pinning = false;
        self.focus = (self.focus + by) % (self.panes.len() - 1);
    }

    fn in_pane(&mut self, code: KeyCode, view: &View) {
        let table = &self.tables(view)[self.focused()];
        let (rows, columns) = (table.rows.len(), table.columns.len());
        let index = self.index(self.focus);
        let pane = &mut self.panes[index];
        let last = rows.saturating_sub(1);
        // Rows come and go with the filter.
        pane.selected = pane.selected.min(last);
        match code {
            KeyCode::Down | KeyCode::Char('j') => pane.selected = (pane.selected + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => pane.selected = pane.selected.saturating_sub(1),
            KeyCode::PageDown => pane.selected = (pane.selected + PAGE_ROWS).min(last),
            KeyCode::PageUp => pane.selected = pane.selected.saturating_sub(PAGE_ROWS),
            KeyCode::Home => pane.selected = 0,
            KeyCode::End => pane.selected = last,
            KeyCode::Right => pane.shifted = (pane.shifted + 1).min(columns.saturating_sub(2)),
            KeyCode::Left => pane.shifted = pane.shifted.saturating_sub(1),
            // One place more than there are columns: the engine's own order.
            KeyCode::Char('>' | '.') => pane.sort = turned(table, pane.sort, 1),
            KeyCode::Char('<' | ',') => pane.sort = turned(table, pane.sort, columns),
            KeyCode::Char('I' | 'i') => {
                if let Some(by) = &mut pane.sort {
                    by.descending = !by.descending;
                }
            }
            _ => {}
        }
    }
}

/// The next column to sort by; behind the last comes the engine's own order.
fn turned(table: &Table, sort: Option<SortBy>, by: usize) -> Option<SortBy> {
    let places = table.columns.len() + 1;
    let at = sort.map_or(0, |sort| sort.column + 1);
    ((at + by) % places)
        .checked_sub(1)
        .map(|column| table.usual(column))
}

fn longer(delay: Duration) -> Duration {
    DELAYS
        .into_iter()
        .find(|step| *step > delay)
        .unwrap_or(delay)
}

fn shorter(delay: Duration) -> Duration {
    DELAYS
        .into_iter()
        .rev()
        .find(|step| *step < delay)
        .unwrap_or(delay)
}
