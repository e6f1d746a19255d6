use super::*;
use crate::top::fake::{Fake, START_NS};
use crate::top::look::Life;
use expect_test::{ExpectFile, expect_file};
use pitlane_runtime::beat;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::time::Duration;

fn healthy() -> View {
    let [before, now] = Fake::engine().second();
    View::between(Some(&before), &now, None)
}

fn hung() -> View {
    let mut fake = Fake::engine();
    fake.errors
        .first("market", "the book of BTCUSDT is crossed", START_NS)
        .expect("room");
    let [_, before] = fake.second();
    fake.set("market", &beat::PANICS, 1);
    fake.sees(11, 'R', 1_970, 5, 1);
    View::between(Some(&before), &fake.look(62_000), None)
}

fn drawn(view: &View, keys: &str, size: (u16, u16), colours: bool) -> Buffer {
    let mut state = State::new(view, Duration::from_secs(1), None);
    for letter in keys.chars() {
        let code = match letter {
            '\t' => KeyCode::Tab,
            'R' => KeyCode::Right,
            '\n' => KeyCode::Enter,
            letter => KeyCode::Char(letter),
        };
        state.key(KeyEvent::new(code, KeyModifiers::NONE), view);
    }
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a terminal");
    let scene = Scene {
        view,
        state: &state,
        page: Path::new("/run/pitlane/stats/counters.page"),
        colours,
    };
    terminal
        .draw(|frame| draw(frame, &scene))
        .expect("a picture");
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let mut text = String::new();
    for line in buffer.content.chunks(width) {
        let line: String = line.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[track_caller]
fn check(view: &View, keys: &str, size: (u16, u16), expected: &ExpectFile) {
    expected.assert_eq(&text(&drawn(view, keys, size, true)));
}

#[test]
fn small() {
    check(&healthy(), "", (80, 24), &expect_file!["small.txt"]);
}

#[test]
fn large() {
    check(&healthy(), "", (160, 50), &expect_file!["large.txt"]);
}

#[test]
fn small_and_hung_with_another_pane_sorted() {
    check(
        &hung(),
        "\t\t\t>>",
        (80, 24),
        &expect_file!["small_hung.txt"],
    );
}

#[test]
fn pinning() {
    check(&healthy(), "p", (80, 12), &expect_file!["pinning.txt"]);
}

#[test]
fn help() {
    check(&healthy(), "?", (80, 24), &expect_file!["help.txt"]);
}

#[test]
fn dead() {
    let mut fake = Fake::engine();
    fake.second();
    fake.life = Life::Gone;
    let view = View::between(None, &fake.look(90_000), None);
    check(&view, "", (100, 24), &expect_file!["dead.txt"]);
}

#[test]
fn every_size_can_be_drawn() {
    let views = [
        healthy(),
        hung(),
        View::between(None, &Fake::new().look(1), None),
    ];
    for view in &views {
        for width in [1, 2, 9, 20, 40, 80, 300] {
            for height in [1, 2, 5, 6, 10, 100] {
                for keys in ["", "p", "?", "\t\t\tRRR>", "/none\n"] {
                    drawn(view, keys, (width, height), true);
                }
            }
        }
    }
}

#[test]
fn columns_that_do_not_fit_come_by_shifting() {
    let shifted = |keys: &str| text(&drawn(&healthy(), keys, (80, 24), true));
    assert!(!shifted("").contains(" TID"));
    let seen = shifted("RRRRRRRRRR");
    assert!(
        seen.contains(" TID") && seen.contains("THREAD") && !seen.contains("LOOPS/S"),
        "{seen}"
    );
}

#[test]
fn without_colours_there_are_none() {
    let coloured = |colours| {
        let buffer = drawn(&hung(), "", (160, 50), colours);
        let reset = Some(Color::Reset);
        let cells = buffer.content.iter();
        cells
            .filter(|cell| Some(cell.fg) != reset || Some(cell.bg) != reset)
            .count()
    };
    assert!(coloured(true) > 0);
    assert_eq!(coloured(false), 0);
}

#[test]
fn rooms_go_to_the_pane_with_the_keys_first() {
    let tables = State::new(&healthy(), Duration::from_secs(1), None).tables(&healthy());
    let rows: Vec<usize> = tables.iter().map(|table| table.rows.len()).collect();
    assert_eq!(rows, [2, 4, 1, 3, 5, 0]);
    // A title and an empty line each.
    assert_eq!(
        rooms(&tables, 0, 100),
        [Some(2), Some(4), Some(1), Some(3), Some(5), None]
    );
    assert_eq!(
        rooms(&tables, 4, 11),
        [Some(2), None, None, None, Some(5), None]
    );
    assert_eq!(
        rooms(&tables, 4, 6),
        [None, None, None, None, Some(4), None]
    );
    assert_eq!(
        rooms(&tables, 5, 3),
        [None, None, None, None, None, Some(1)],
        "a pane without rows says so"
    );
    assert_eq!(rooms(&tables, 0, 1), [None; 6]);
}
