use super::*;
use crate::top::fake::Fake;
use ratatui::crossterm::event::KeyEvent;

fn view() -> View {
    let [before, now] = Fake::engine().second();
    View::between(Some(&before), &now, None)
}

fn state(view: &View) -> State {
    State::new(view, Duration::from_secs(1), None)
}

/// Presses letters one after the other; the answer to the last.
fn press(state: &mut State, view: &View, letters: &str) -> Action {
    let mut last = Action::Draw;
    for letter in letters.chars() {
        last = press_code(state, view, KeyCode::Char(letter));
    }
    last
}

fn press_code(state: &mut State, view: &View, code: KeyCode) -> Action {
    state.key(KeyEvent::new(code, KeyModifiers::NONE), view)
}

fn rows(state: &State, view: &View) -> Vec<String> {
    let table = state.tables(view).swap_remove(state.focused());
    table
        .rows
        .into_iter()
        .map(|row| row.cells[0].text.clone())
        .collect()
}

#[test]
fn ways_out() {
    let view = view();
    let mut state = state(&view);
    assert_eq!(press(&mut state, &view, "q"), Action::Quit);
    assert_eq!(press_code(&mut state, &view, KeyCode::F(10)), Action::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(state.key(interrupt, &view), Action::Interrupt);
    assert_eq!(press(&mut state, &view, "/"), Action::Draw);
    assert_eq!(
        press(&mut state, &view, "q"),
        Action::Draw,
        "a letter of the filter"
    );
    assert_eq!(state.key(interrupt, &view), Action::Interrupt);
    assert_eq!(press_code(&mut state, &view, KeyCode::Esc), Action::Draw);
    press(&mut state, &view, "?");
    assert_eq!(
        press(&mut state, &view, "q"),
        Action::Draw,
        "the key that takes the help away"
    );
    assert_eq!(press(&mut state, &view, "q"), Action::Quit);
}

#[test]
fn a_filter_is_typed_kept_and_dropped() {
    let view = view();
    let mut state = state(&view);
    press_code(&mut state, &view, KeyCode::Tab);
    press(&mut state, &view, "/mrk");
    press_code(&mut state, &view, KeyCode::Backspace);
    press_code(&mut state, &view, KeyCode::Backspace);
    press(&mut state, &view, "ark");
    assert_eq!(state.mode, Mode::Filter);
    assert_eq!(rows(&state, &view), ["market"]);
    press_code(&mut state, &view, KeyCode::Enter);
    assert_eq!((state.mode, rows(&state, &view).len()), (Mode::Panes, 1));
    press_code(&mut state, &view, KeyCode::Esc);
    assert_eq!(rows(&state, &view).len(), 4);
}

#[test]
fn panes_turn_and_keep_what_was_chosen_in_them() {
    let view = view();
    let mut state = state(&view);
    press_code(&mut state, &view, KeyCode::Tab);
    press(&mut state, &view, ">>>jj");
    let order = rows(&state, &view);
    assert_eq!(order[..2], ["feed", "market"]);
    assert_eq!(state.pane(1).selected, 2);
    press_code(&mut state, &view, KeyCode::Tab);
    assert_eq!((state.focus, state.pane(2).sort), (2, None));
    press_code(&mut state, &view, KeyCode::BackTab);
    assert_eq!((state.focus, state.pane(1).selected), (1, 2));
    for _ in 0..5 {
        press_code(&mut state, &view, KeyCode::Tab);
    }
    assert_eq!(state.focus, 0, "behind the last pane comes the first");
    press_code(&mut state, &view, KeyCode::BackTab);
    assert_eq!(state.focus, 5);
}

#[test]
fn a_pane_can_be_sorted_by_every_column_and_by_none() {
    let view = view();
    let mut state = state(&view);
    let columns = state.tables(&view)[0].columns.len();
    for column in 0..columns {
        press(&mut state, &view, ">");
        assert_eq!(state.pane(0).sort.map(|by| by.column), Some(column));
    }
    press(&mut state, &view, ">");
    assert_eq!(state.pane(0).sort, None);
    press(&mut state, &view, "<");
    assert_eq!(state.pane(0).sort.map(|by| by.column), Some(columns - 1));
    let before = state.pane(0).sort.expect("sorted").descending;
    press(&mut state, &view, "I");
    assert_ne!(state.pane(0).sort.expect("sorted").descending, before);
}

#[test]
fn the_mark_stays_within_the_rows() {
    let view = view();
    let mut state = state(&view);
    for code in [KeyCode::Up, KeyCode::Home] {
        press_code(&mut state, &view, code);
        assert_eq!(state.pane(0).selected, 0);
    }
    for code in [KeyCode::PageDown, KeyCode::Down, KeyCode::End] {
        press_code(&mut state, &view, code);
        assert_eq!(state.pane(0).selected, 1);
    }
    // With fewer rows the mark goes to the last of them.
    press(&mut state, &view, "/hot");
    press_code(&mut state, &view, KeyCode::Enter);
    press_code(&mut state, &view, KeyCode::Down);
    assert_eq!(state.pane(0).selected, 0);
    // Nor do columns vanish altogether.
    for _ in 0..50 {
        press_code(&mut state, &view, KeyCode::Right);
    }
    let columns = state.tables(&view)[0].columns.len();
    assert_eq!(state.pane(0).shifted, columns - 2);
}

#[test]
fn the_interval_grows_and_shrinks_in_steps() {
    let view = view();
    let mut state = state(&view);
    press(&mut state, &view, "+");
    assert_eq!(state.delay, Duration::from_secs(2));
    press(&mut state, &view, "---");
    assert_eq!(state.delay, Duration::from_millis(200));
    press(&mut state, &view, "-----");
    assert_eq!(state.delay, Duration::from_millis(100));
    press(&mut state, &view, "++++++++++++");
    assert_eq!(state.delay, Duration::from_mins(1));
    // A delay that was typed lies between two steps.
    state.delay = Duration::from_millis(700);
    press(&mut state, &view, "-");
    assert_eq!(state.delay, Duration::from_millis(500));
}

#[test]
fn other_keys() {
    let view = view();
    let mut state = State::new(&view, Duration::from_secs(1), Some("work"));
    assert!(state.pane(1).sort.is_some() && state.pane(0).sort.is_none());
    assert_eq!(press(&mut state, &view, "r"), Action::Reset);
    press(&mut state, &view, " ");
    assert!(state.paused);
    press(&mut state, &view, " p");
    assert!(!state.paused && state.pinning);
    assert_eq!(state.tables(&view).len(), 1);
    assert_eq!(rows(&state, &view), ["hot", "cold"]);
    press_code(&mut state, &view, KeyCode::Down);
    assert_eq!(state.pane(0).selected, 1);
    press_code(&mut state, &view, KeyCode::Esc);
    assert!(!state.pinning);
    assert_eq!(
        state.pane(0).selected,
        0,
        "the threads have a mark of their own"
    );
}
