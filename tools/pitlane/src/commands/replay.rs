//! `pitlane replay`: captures, public formats or a tick store through the whole engine.

use crate::cli::{Profile, ReplayArgs};
use crate::inputs::{self, Hints};
use crate::{exit, play, sample};
use pitlane_app::engine::{Plan, Source};
use pitlane_app::pace::Speed;
use pitlane_edges::config::{Config, Overrides};
use pitlane_runtime::lifecycle::Stop;
use std::path::Path;

/// Runs the command.
pub fn replay(args: &ReplayArgs) -> anyhow::Result<u8> {
    let speed = Speed::parse(&args.speed).ok_or_else(|| {
        exit::usage(format!(
            "--speed {}: max, or a multiple such as 1x, 10x or 0.5x",
            args.speed
        ))
    })?;
    let scratch = tempfile::tempdir()?;
    let mut inputs = args.inputs.clone();
    let mut config = args.config.as_deref().map(inputs::load).transpose()?;
    let mut names_sample = false;
    if inputs.is_empty() {
        names_sample = true;
        inputs = sample::unpack(scratch.path())?;
        if config.is_none() {
            let parsed = Config::parse(
                "configs/sample.toml",
                sample::CONFIG,
                &Overrides::from_env(),
            );
            config = Some(parsed.map_err(exit::config)?);
        }
    }
    let core_map = match (args.core_map, &args.cores, &config) {
        (None, None, Some(config)) => inputs::core_map(config)?,
        (profile, cores, _) => {
            inputs::typed_core_map(profile == Some(Profile::Folded), cores.as_deref())?
        }
    };
    let hints = Hints {
        from: args.from.clone(),
        venue: args.venue.clone(),
        symbol: args.symbol.clone(),
        day: args.day.clone(),
        utc_offset: None,
        strict: args.strict,
    };
    let mut source = match inputs.as_slice() {
        [one] if one.is_dir() => {
            inputs::store(one)?;
            Source::Store(one.clone())
        }
        files => inputs::source(files, &hints, config.as_ref())?,
    };
    if names_sample && let Source::Frames { names, .. } = &mut source {
        for name in names {
            *name = Path::new(name).file_name().map_or(String::new(), |file| {
                format!("bundled sample {}", file.to_string_lossy())
            });
        }
    }
    let mut config = config.unwrap_or_default();
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| scratch.path().join("out"));
    config.tick_store.dir = out.join("ticks");
    config.storage.path = out.join("storage/pitlane.db");
    config.log.dir = out.join("logs");
    config.stats.dir = out.join("stats");
    let plan = Plan {
        source,
        speed,
        config,
        core_map,
        stop: Stop::new(),
    };
    let show = play::Show {
        json: args.json,
        quiet: args.quiet,
        strict: args.strict,
    };
    play::play(plan, show)
}
