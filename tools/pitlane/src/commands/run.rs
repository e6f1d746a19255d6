//! `pitlane run`: the engine by its configuration.

use crate::cli::RunArgs;
use crate::inputs::{self, Hints};
use crate::{exit, live, play, signals};
use pitlane_app::engine::Plan;
use pitlane_app::pace::Speed;
use pitlane_edges::config::{self, OnBadFrame, SourceKind};
use pitlane_runtime::lifecycle::Stop;

/// Runs the command.
pub fn run(args: &RunArgs) -> anyhow::Result<u8> {
    let config = inputs::load(&args.config)?;
    let core_map = inputs::core_map(&config)?;
    let show = play::Show {
        json: args.json,
        quiet: args.quiet,
        strict: config.source.on_bad_frame == OnBadFrame::Stop,
    };
    if config.source.kind == SourceKind::Live {
        if !args.captures.is_empty() {
            return Err(exit::usage(format!(
                "{}: source.kind = \"live\" reads no files; pitlane replay plays them",
                args.config.display()
            )));
        }
        let stop = Stop::new();
        let interrupted = signals::watch(stop.flag())?;
        let plan = Plan {
            source: live::source(&config, &stop, None)?,
            speed: Speed::Times(1.0),
            config,
            core_map,
            stop,
        };
        return play::live(plan, show, &interrupted);
    }
    let captures = if args.captures.is_empty() {
        &config.source.paths
    } else {
        &args.captures
    };
    if captures.is_empty() {
        return Err(exit::config(format!(
            "{}: source.paths is empty: name the captures to play there or on the command line, as in pitlane run \
             day1.plcap -c {0}",
            args.config.display()
        )));
    }
    let hints = Hints {
        from: config
            .source
            .format
            .as_ref()
            .map(|format| format.value.clone()),
        venue: config.source.venue.map(|venue| venue.name().to_owned()),
        strict: show.strict,
        ..Hints::default()
    };
    let source = inputs::source(captures, &hints, Some(&config))?;
    let speed = match config.source.speed {
        config::Speed::Max => Speed::Max,
        config::Speed::Times(times) => Speed::Times(times),
    };
    let plan = Plan {
        source,
        speed,
        config,
        core_map,
        stop: Stop::new(),
    };
    play::play(plan, show)
}
