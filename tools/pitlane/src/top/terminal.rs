//! The loop on a terminal: looks, draws, listens. The terminal is given back however it ends.

use super::keys::{Action, State};
use super::look::{Look, Watcher};
use super::screen::{self, Scene};
use super::view::View;
use crate::exit;
use anyhow::Context;
use pitlane_lockfree::counters::Snapshot;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Time between two looks for keys, signals and whether the terminal is still there.
/// The library is never left to wait by itself: it would read the end of a terminal that hung up for ever.
const LISTEN: Duration = Duration::from_millis(25);

/// The first interval is no longer than this, so that rates are there soon.
const FIRST: Duration = Duration::from_millis(300);

/// How to show.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time between two looks.
    pub delay: Duration,
    /// Key of the column to sort by.
    pub sort: Option<String>,
    /// Whether colours may be used.
    pub colours: bool,
}

/// A terminal that is ours. Dropping it gives it back; a panic does so before its message is printed.
struct Ours(DefaultTerminal);

impl Ours {
    fn take() -> anyhow::Result<Self> {
        let terminal = ratatui::try_init();
        if terminal.is_err() {
            // It may have been taken half-way.
            ratatui::restore();
        }
        terminal
            .map(Self)
            .context("cannot draw on this terminal; --once prints plain text")
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// What a first signal asks for; the second ends at once.
struct Signals {
    /// It came.
    ended: Arc<AtomicBool>,
    /// It was SIGINT. Its key is only a key here, but `kill` and `timeout` send it too.
    interrupted: Arc<AtomicBool>,
}

/// A terminal that hung up cannot be given back, so that signal ends at once, even where it was inherited as ignored.
fn signals() -> std::io::Result<Signals> {
    let ended = Arc::new(AtomicBool::new(false));
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGQUIT, SIGINT] {
        flag::register_conditional_shutdown(signal, 1, Arc::clone(&ended))?;
    }
    flag::register(SIGINT, Arc::clone(&interrupted))?;
    for signal in [SIGTERM, SIGQUIT, SIGINT] {
        flag::register(signal, Arc::clone(&ended))?;
    }
    flag::register_conditional_default(SIGHUP, Arc::new(AtomicBool::new(true)))?;
    Ok(Signals { ended, interrupted })
}

/// Shows until the person leaves or a signal ends it.
pub fn run(watcher: &mut Watcher, options: &Options) -> anyhow::Result<u8> {
    let signals = signals().context("cannot watch for signals")?;
    let mut terminal = Ours::take()?;
    let mut looks = Looks::new(watcher);
    let mut state = State::new(&looks.view, options.delay, options.sort.as_deref());
    let mut draw = true;
    while !signals.ended.load(Ordering::Relaxed) {
        if std::mem::take(&mut draw) {
            let page = watcher.path().to_owned();
            let scene = Scene {
                view: &looks.view,
                state: &state,
                page: &page,
                colours: options.colours,
            };
            terminal
                .0
                .draw(|frame| screen::draw(frame, &scene))
                .context("cannot draw on this terminal")?;
        }
        let age = Duration::from_nanos(watcher.clock().since_ns(looks.now.at.raw));
        let interval = if looks.view.interval_ns.is_none() {
            state.delay.min(FIRST)
        } else {
            state.delay
        };
        let left = interval.saturating_sub(age);
        if left.is_zero() {
            looks.next(watcher, state.paused);
            draw = true;
            continue;
        }
        if !io::stdin().is_terminal() {
            break;
        }
        if !event::poll(Duration::ZERO).context("cannot read from this terminal")? {
            thread::sleep(left.min(LISTEN));
            continue;
        }
        draw = true;
        match event::read().context("cannot read from this terminal")? {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                match state.key(key, &looks.view) {
                    Action::Draw => {}
                    Action::Reset => looks.reset(),
                    Action::Quit => return Ok(exit::OK),
                    Action::Interrupt => return Ok(exit::INTERRUPTED),
                }
            }
            _ => {}
        }
    }
    if signals.interrupted.load(Ordering::Relaxed) {
        return Ok(exit::INTERRUPTED);
    }
    Ok(exit::OK)
}

/// The latest looks, and what they show.
struct Looks {
    now: Look,
    /// Where distributions are counted from, after a reset.
    baseline: Option<Snapshot>,
    view: View,
}

impl Looks {
    fn new(watcher: &mut Watcher) -> Self {
        let now = watcher.look();
        Self {
            view: View::between(None, &now, None),
            baseline: None,
            now,
        }
    }

    /// Looks again; a paused picture stays as it is, and the next one is still of one interval.
    fn next(&mut self, watcher: &mut Watcher, paused: bool) {
        let before = std::mem::replace(&mut self.now, watcher.look());
        if !paused {
            self.view = View::between(Some(&before), &self.now, self.baseline.as_ref());
        }
    }

    fn reset(&mut self) {
        self.baseline = Some(self.now.page.clone());
        for latency in &mut self.view.latencies {
            latency.total = super::view::Percentiles::default();
        }
    }
}
