//! A view as plain text: every column of every table, no escape codes.

use super::table::{self, Table};
use super::view::{Health, Status, View};
use pitlane_app::report::thousands;
use std::fmt::Write;
use std::path::Path;

/// Everything, table by table. `sort` is the key of a column; tables without it keep their order.
pub fn render(view: &View, page: &Path, sort: Option<&str>) -> String {
    let mut text = String::new();
    for line in heading(view) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "page {}", page.display());
    for note in &view.health.notes {
        let _ = writeln!(
            text,
            "{}: {}: {}",
            health_word(note.verdict),
            note.who,
            note.what
        );
    }
    for mut table in table::tables(view) {
        if table.rows.is_empty() {
            continue;
        }
        if let Some(column) = sort.and_then(|key| table.column(key)) {
            table.sort(table.usual(column));
        }
        text.push('\n');
        write_table(&mut text, &table);
    }
    text
}

/// The engine in two lines.
fn heading(view: &View) -> [String; 2] {
    let (life, facts) = heading_parts(view);
    let engine = &view.engine;
    let status = status_word(engine.status);
    let health = health_word(view.health.verdict);
    let first = format!("pid {}  {status}{life}  health {health}", engine.pid);
    [first, facts.join("  ")]
}

/// What follows the status of the engine, and what else there is to say of it.
pub fn heading_parts(view: &View) -> (String, Vec<String>) {
    let engine = &view.engine;
    let up = table::span(engine.uptime_ns);
    let life = match engine.dead_ns {
        Some(dead) => {
            let at = table::wall_text(engine.last_sign_wall_ns);
            format!(" {} ago, {at}, after {up}", table::span(dead))
        }
        None => format!(", up {up}"),
    };
    let pinned = match engine.pinned {
        0 => String::new(),
        pinned => format!(" ({pinned} pinned)"),
    };
    let mut parts = vec![
        format!(
            "{} agents on {} threads{pinned}",
            engine.agents, engine.threads
        ),
        clock(engine.ticks_per_second),
    ];
    if let (Some(done), Some(total)) = (engine.input_done_bytes, engine.input_total_bytes)
        && total > 0
    {
        parts.push(format!(
            "input {}%",
            table::percent(super::view::share(done, total))
        ));
    }
    if let Some(frames) = engine.frames {
        let rate = engine
            .frames_per_s
            .map_or(String::new(), |rate| format!(", {}/s", table::count(rate)));
        parts.push(format!("frames {}{rate}", thousands(frames)));
    }
    if let Some(saving) = engine.batching_saving {
        parts.push(format!("batching saves {:.2}%", saving * 100.0));
    }
    (life, parts)
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn clock(ticks_per_second: u64) -> String {
    match ticks_per_second {
        0 => "clock unknown".to_owned(),
        rate => format!("clock {:.3} GHz", rate as f64 / 1e9),
    }
}

/// What has become of the engine, in a word.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Stopped => "stopped",
        Status::Ended => "ended",
        Status::Killed => "killed",
    }
}

/// How it is, in a word.
pub fn health_word(health: Health) -> &'static str {
    match health {
        Health::Good => "good",
        Health::Ended => "ended",
        Health::Slow => "slow",
        Health::Damaged => "damaged",
        Health::Hung => "hung",
        Health::Dead => "dead",
    }
}

fn write_table(text: &mut String, table: &Table) {
    let widths = table.widths();
    let titles = table.columns.iter().map(|column| column.title);
    write_line(text, table, &widths, titles);
    for row in &table.rows {
        write_line(
            text,
            table,
            &widths,
            row.cells.iter().map(|cell| cell.text.as_str()),
        );
    }
}

fn write_line<'a>(
    text: &mut String,
    table: &Table,
    widths: &[usize],
    cells: impl Iterator<Item = &'a str>,
) {
    let mut line = String::new();
    for ((cell, column), &width) in cells.zip(&table.columns).zip(widths) {
        if !line.is_empty() {
            line.push_str("  ");
        }
        let _ = if column.right {
            write!(line, "{cell:>width$}")
        } else {
            write!(line, "{cell:<width$}")
        };
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
