//! Draws a view. Knows no terminal: it fills a frame, which may be a test's.

use super::keys::{Mode, State};
use super::plain::{heading_parts, health_word, status_word};
use super::table::{self, Column, SortBy, Table, Tone};
use super::view::{Health, Status, View};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};
use std::path::Path;

mod help;
#[cfg(test)]
mod tests;

/// Lines above the panes: two of the engine, one of its health, the names of the panes.
const HEAD: usize = 4;

/// Spaces between columns.
const GAP: usize = 2;

/// What a screen is drawn from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The numbers.
    pub view: &'a View,
    /// What the person chose.
    pub state: &'a State,
    /// The file of the page.
    pub page: &'a Path,
    /// Whether colours may be used.
    pub colours: bool,
}

/// Draws everything.
pub fn draw(frame: &mut Frame, scene: &Scene) {
    let area = frame.area();
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let tables = scene.state.tables(scene.view);
    let mut lines = scene.head(width, &tables);
    let room = height.saturating_sub(HEAD + 1);
    for (at, rows) in rooms(&tables, scene.state.focused(), room)
        .into_iter()
        .enumerate()
    {
        if let Some(rows) = rows {
            scene.pane(&mut lines, &tables[at], at, rows, width);
        }
    }
    lines.truncate(height.saturating_sub(1));
    lines.resize(height.saturating_sub(1), Line::default());
    lines.push(scene.foot(width));
    frame.render_widget(Paragraph::new(lines), area);
    if scene.state.mode == Mode::Help {
        scene.help(frame);
    }
}

/// How many rows each pane gets below its title; `None` hides it.
/// The one with the keys comes first, the others follow in their order as long as there is room.
fn rooms(tables: &[Table], focused: usize, mut room: usize) -> Vec<Option<usize>> {
    let mut rooms = vec![None; tables.len()];
    let others = (0..tables.len()).filter(|at| *at != focused);
    for at in std::iter::once(focused).chain(others) {
        let rows = tables[at].rows.len();
        // A pane without rows says so only when it was asked for.
        let wanted = if at == focused { rows.max(1) } else { rows };
        let least = wanted.min(2);
        // A title and an empty line belong to each.
        if wanted == 0 || room < least + 2 {
            continue;
        }
        let given = wanted.min(room - 2);
        rooms[at] = Some(given);
        room -= given + 2;
    }
    rooms
}

impl Scene<'_> {
    fn head(&self, width: usize, tables: &[Table]) -> Vec<Line<'static>> {
        let (life, facts) = heading_parts(self.view);
        let mut first = vec![
            Span::styled(" pitlane top ", self.bar(true)),
            Span::raw(format!("  pid {}  ", self.view.engine.pid)),
            Span::styled(
                status_word(self.view.engine.status),
                self.tone(status_tone(self.view.engine.status))
                    .add_modifier(Modifier::BOLD),
            ),
            Span::raw(format!("{life}  ")),
            Span::styled(
                format!("health {}", health_word(self.view.health.verdict)),
                self.tone(health_tone(self.view.health.verdict))
                    .add_modifier(Modifier::BOLD),
            ),
        ];
        let right = if self.state.paused {
            Span::styled(
                " paused ",
                self.tone(Tone::Warn).add_modifier(Modifier::REVERSED),
            )
        } else {
            let time = table::wall_text(self.view.at_wall_ns);
            let time = time.split(' ').next_back().unwrap_or_default().to_owned();
            let every = table::span(u64::try_from(self.state.delay.as_nanos()).unwrap_or(u64::MAX));
            Span::raw(format!("every {every}  {time} "))
        };
        push_right(&mut first, right, width);
        vec![
            Line::from(first),
            Line::raw(joined(&facts, width)),
            self.note(width),
            self.tabs(tables),
        ]
    }

    /// The worst reason, or where the numbers come from.
    fn note(&self, width: usize) -> Line<'static> {
        let notes = &self.view.health.notes;
        let Some(worst) = notes.first() else {
            return Line::styled(format!(" {}", self.page.display()), self.tone(Tone::Dim));
        };
        let more = match notes.len() {
            1 => String::new(),
            n => format!("  (+{} more)", n - 1),
        };
        let text = format!(" {}: {}", worst.who, worst.what);
        let text: String = text
            .chars()
            .take(width.saturating_sub(more.len()))
            .collect();
        Line::styled(
            format!("{text}{more}"),
            self.tone(health_tone(worst.verdict)),
        )
    }

    /// Names of the panes; the one with the keys stands out.
    fn tabs(&self, tables: &[Table]) -> Line<'static> {
        let mut spans = vec![Span::raw(" ")];
        for (at, table) in tables.iter().enumerate() {
            let name = match table.name {
                "errors" if !table.rows.is_empty() => format!(" errors {} ", table.rows.len()),
                name => format!(" {name} "),
            };
            let style = match (at == self.state.focused(), table.name) {
                (true, _) => self.bar(true),
                (false, "errors") if !table.rows.is_empty() => self.tone(Tone::Bad),
                (false, _) => self.tone(Tone::Dim),
            };
            spans.push(Span::styled(name, style));
            spans.push(Span::raw(" "));
        }
        if !self.state.filter.is_empty() && self.state.mode != Mode::Filter {
            let filter = format!("  only \"{}\" (Esc shows all)", self.state.filter);
            spans.push(Span::styled(filter, self.tone(Tone::Warn)));
        }
        Line::from(spans)
    }

    fn pane(
        &self,
        lines: &mut Vec<Line<'static>>,
        table: &Table,
        at: usize,
        rows: usize,
        width: usize,
    ) {
        let focused = at == self.state.focused();
        let pane = self.state.pane(at);
        let mut widths = table.widths();
        if let Some(by) = pane.sort {
            // Room for the arrow.
            widths[by.column] = widths[by.column].max(table.columns[by.column].title.len() + 1);
        }
        let shown = fitting(
            &table.columns,
            &widths,
            pane.shifted,
            width.saturating_sub(2),
        );
        let selected = pane.selected.min(table.rows.len().saturating_sub(1));
        let first = if focused {
            first_row(selected, rows)
        } else {
            0
        };
        lines.push(self.titles(table, &shown, pane.sort, focused, (first, rows), width));
        for (index, row) in table.rows.iter().enumerate().skip(first).take(rows) {
            let mut spans = vec![Span::raw(" ")];
            for (place, &(column, width)) in shown.iter().enumerate() {
                if place > 0 {
                    spans.push(Span::raw(" ".repeat(GAP)));
                }
                let cell = &row.cells[column];
                let text = padded(&cell.text, table.columns[column], width);
                spans.push(Span::styled(text, self.tone(cell.tone)));
            }
            let mut line = Line::from(spans);
            if focused && index == selected {
                let rest = width.saturating_sub(line.width());
                line.push_span(" ".repeat(rest));
                line = line.style(Style::new().add_modifier(Modifier::REVERSED));
            }
            lines.push(line);
        }
        if table.rows.is_empty() {
            lines.push(Line::styled(" none", self.tone(Tone::Dim)));
        }
        lines.push(Line::default());
    }

    fn titles(
        &self,
        table: &Table,
        shown: &[(usize, usize)],
        sort: Option<SortBy>,
        focused: bool,
        (first, rows): (usize, usize),
        width: usize,
    ) -> Line<'static> {
        let mut text = String::from(" ");
        for (place, &(column, width)) in shown.iter().enumerate() {
            if place > 0 {
                text.push_str(&" ".repeat(GAP));
            }
            let arrow = match sort {
                Some(by) if by.column == column && by.descending => "▼",
                Some(by) if by.column == column => "▲",
                _ => "",
            };
            let title = format!("{}{arrow}", table.columns[column].title);
            text.push_str(&padded(&title, table.columns[column], width));
        }
        let mut right = String::new();
        if table.rows.len() > rows {
            right = format!(" {}-{}/{}", first + 1, first + rows, table.rows.len());
        }
        if shown
            .last()
            .is_some_and(|(last, _)| last + 1 < table.columns.len())
        {
            right.push_str(" ›");
        }
        let room = width.saturating_sub(right.chars().count());
        let mut text: String = text.chars().take(room).collect();
        let rest = room - text.chars().count();
        text.push_str(&" ".repeat(rest));
        text.push_str(&right);
        Line::styled(text, self.bar(focused))
    }

    fn foot(&self, width: usize) -> Line<'static> {
        if self.state.mode == Mode::Filter {
            let text = format!(" filter: {}_", self.state.filter);
            return Line::styled(
                format!("{text}   Enter keeps it, Esc drops it"),
                self.bar(true),
            );
        }
        let keys = [
            ("F1", "Help"),
            ("q", "Quit"),
            ("Tab", "Pane"),
            ("/", "Filter"),
            ("< >", "Sort"),
            ("Space", "Pause"),
            ("+ -", "Delay"),
            ("r", "Reset"),
            ("p", "Pins"),
        ];
        let mut spans = Vec::new();
        let mut used = 0;
        for (key, what) in keys {
            let part = key.len() + what.len() + 2;
            if used + part > width {
                break;
            }
            used += part;
            spans.push(Span::styled(key, Style::new().add_modifier(Modifier::BOLD)));
            spans.push(Span::raw(" "));
            spans.push(Span::styled(what, self.tone(Tone::Dim)));
            spans.push(Span::raw(" "));
        }
        Line::from(spans)
    }

    fn help(&self, frame: &mut Frame) {
        let area = frame.area();
        let lines = help::LINES
            .iter()
            .map(|line| Line::raw(*line))
            .collect::<Vec<_>>();
        let widest = help::LINES
            .iter()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0);
        let size = |wanted: usize, most: u16| u16::try_from(wanted).unwrap_or(most).min(most);
        let (width, height) = (
            size(widest + 4, area.width),
            size(lines.len() + 2, area.height),
        );
        let popup = Rect {
            x: (area.width - width) / 2,
            y: (area.height - height) / 2,
            width,
            height,
        };
        frame.render_widget(Clear, popup);
        let block = Block::bordered()
            .title(" pitlane top ")
            .style(self.tone(Tone::Plain));
        frame.render_widget(Paragraph::new(lines).block(block), popup);
    }

    /// A title bar.
    fn bar(&self, focused: bool) -> Style {
        match (self.colours, focused) {
            (true, true) => Style::new().fg(Color::Black).bg(Color::Green),
            (true, false) => Style::new().fg(Color::Black).bg(Color::Gray),
            (false, true) => Style::new().add_modifier(Modifier::REVERSED),
            (false, false) => Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    fn tone(&self, tone: Tone) -> Style {
        let style = Style::new();
        if !self.colours {
            return match tone {
                Tone::Bad | Tone::Warn | Tone::Name => style.add_modifier(Modifier::BOLD),
                _ => style,
            };
        }
        match tone {
            Tone::Plain => style,
            Tone::Name => style.fg(Color::Cyan),
            Tone::Dim => style.fg(Color::DarkGray),
            Tone::Good => style.fg(Color::Green),
            Tone::Warn => style.fg(Color::Yellow),
            Tone::Bad => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        }
    }
}

fn status_tone(status: Status) -> Tone {
    match status {
        Status::Running => Tone::Good,
        Status::Ended => Tone::Plain,
        Status::Stopped | Status::Killed => Tone::Bad,
    }
}

fn health_tone(health: Health) -> Tone {
    match health {
        Health::Good => Tone::Good,
        Health::Ended => Tone::Plain,
        Health::Slow => Tone::Warn,
        Health::Damaged | Health::Hung | Health::Dead => Tone::Bad,
    }
}

/// The columns that fit and how wide each is: the first always, then as many as there is room for, from the shifted
/// one on. A column of text may be cut short.
fn fitting(
    columns: &[Column],
    widths: &[usize],
    shifted: usize,
    width: usize,
) -> Vec<(usize, usize)> {
    let first = widths.first().copied().unwrap_or(0);
    let mut shown = vec![(0, first)];
    let mut left = width.saturating_sub(first);
    for (at, (column, &wanted)) in columns.iter().zip(widths).enumerate().skip(1 + shifted) {
        let Some(room) = left.checked_sub(GAP) else {
            break;
        };
        let given = if column.right {
            wanted
        } else {
            wanted.min(room.max(column.width))
        };
        if given > room {
            break;
        }
        left = room - given;
        shown.push((at, given));
    }
    shown
}

/// The first row to show, so that the marked one is among them.
fn first_row(selected: usize, rows: usize) -> usize {
    (selected + 1).saturating_sub(rows)
}

/// Text of exactly that width; what is too long ends in a dot of three.
fn padded(text: &str, column: Column, width: usize) -> String {
    if text.chars().count() > width {
        let kept: String = text.chars().take(width.saturating_sub(1)).collect();
        return format!("{kept}…");
    }
    if column.right {
        format!("{text:>width$}")
    } else {
        format!("{text:<width$}")
    }
}

/// As many parts as there is room for.
fn joined(parts: &[String], width: usize) -> String {
    let mut text = String::new();
    for part in parts {
        let gap = if text.is_empty() { " " } else { "  " };
        if text.chars().count() + gap.len() + part.chars().count() > width {
            break;
        }
        text.push_str(gap);
        text.push_str(part);
    }
    text
}

/// Sets the last span to the right edge, if there is room.
fn push_right(spans: &mut Vec<Span<'static>>, last: Span<'static>, width: usize) {
    let used: usize = spans.iter().map(Span::width).sum();
    if let Some(rest) = width
        .checked_sub(used + last.width())
        .filter(|rest| *rest > 0)
    {
        spans.push(Span::raw(" ".repeat(rest)));
        spans.push(last);
    }
}
