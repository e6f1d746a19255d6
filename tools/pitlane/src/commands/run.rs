//! `pitlane run`: the engine by its configuration.

use crate::cli::RunArgs;
use crate::inputs::{self, Hints};
use crate::{exit, play};
use pitlane_app::engine::Plan;
use pitlane_app::pace::Speed;
use pitlane_edges::config::{self, OnBadFrame, SourceKind};
use pitlane_runtime::lifecycle::Stop;

/// Runs the command.
pub fn run(args: &RunArgs) -> anyhow::Result<u8> {
    let config = inputs::load(&args.config)?;
    let core_map = inputs::core_map(&config)?;
    if config.source.kind == SourceKind::Live {
        return Err(exit::config(format!(
            "{}: source.kind = \"live\": this program does not connect to venues yet",
            args.config.display()
        )));
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
    let strict = config.source.on_bad_frame == OnBadFrame::Stop;
    let hints = Hints {
        from: config
            .source
            .format
            .as_ref()
            .map(|format| format.value.clone()),
        venue: config.source.venue.map(|venue| venue.name().to_owned()),
        strict,
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
    play::play(
        plan,
        play::Show {
            json: args.json,
            quiet: args.quiet,
            strict,
        },
    )
}
