//! `pitlane top`: a running, hung or dead engine, by its counters page.

use crate::cli::TopArgs;
use crate::top::look::{Life, Look, Watcher};
use crate::top::terminal::{self, Options};
use crate::top::view::View;
use crate::top::{find, plain, table};
use crate::{exit, output};
use std::io::IsTerminal;
use std::thread;
use std::time::Duration;

/// Runs the command.
pub fn top(args: &TopArgs) -> anyhow::Result<u8> {
    if let Some(key) = &args.sort
        && !table::sort_keys().contains(&key.as_str())
    {
        return Err(exit::usage(format!(
            "--sort {key}: no column has that name; one of {}",
            table::sort_keys().join(", ")
        )));
    }
    let target = find::find(args.place.as_deref(), args.pid)?;
    let mut watcher = Watcher::open(&target)?;
    if args.json && !args.once {
        return lines(&mut watcher, args);
    }
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if args.once || !terminal {
        return once(&mut watcher, args);
    }
    let options = Options {
        delay: args.delay,
        sort: args.sort.clone(),
        colours: !args.no_color
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    terminal::run(&mut watcher, &options)
}

/// One table, or one object: rates over one interval; totals, at once, when nothing moves any more.
fn once(watcher: &mut Watcher, args: &TopArgs) -> anyhow::Result<u8> {
    let first = watcher.look();
    let view = if first.life == Life::Stopped || is_dead(watcher, &first) {
        View::between(None, &first, None)
    } else {
        thread::sleep(args.delay);
        View::between(Some(&first), &watcher.look(), None)
    };
    if args.json {
        output::print_line(serde_json::to_string(&view)?)?;
    } else {
        output::print(plain::render(&view, watcher.path(), args.sort.as_deref()))?;
    }
    Ok(exit::OK)
}

/// An object for each interval, until the engine is dead.
fn lines(watcher: &mut Watcher, args: &TopArgs) -> anyhow::Result<u8> {
    let mut before = watcher.look();
    if is_dead(watcher, &before) {
        output::print_line(serde_json::to_string(&View::between(None, &before, None))?)?;
        return Ok(exit::OK);
    }
    loop {
        thread::sleep(args.delay);
        let now = watcher.look();
        let view = View::between(Some(&before), &now, None);
        output::print_line(serde_json::to_string(&view)?)?;
        if !view.engine.alive {
            return Ok(exit::OK);
        }
        before = now;
    }
}

/// Longer than any thread sleeps: a page that did not move meanwhile has no writer.
const BEAT: Duration = Duration::from_millis(250);

/// Whether the engine is dead: there is no process, and nobody in a container moves the page either.
fn is_dead(watcher: &mut Watcher, look: &Look) -> bool {
    if look.life != Life::Gone {
        return false;
    }
    thread::sleep(BEAT);
    !View::between(Some(look), &watcher.look(), None)
        .engine
        .alive
}
