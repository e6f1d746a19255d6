//! `pitlane stats`: what runs measured, of one dump or several, of a run that ended, was killed or still goes on.

mod compare;
mod hgrm;
mod plot;
mod text;
#[cfg(test)]
mod tests;

use crate::cli::StatsArgs;
use crate::{exit, output};
use anyhow::Context;
use pitlane_app::counters;
use pitlane_runtime::stats::{self, About, BatchingSummary, End, HLOG, JSON, PAGE, Stats};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Runs the command.
pub fn stats(args: &StatsArgs) -> anyhow::Result<u8> {
    let pattern = args.stage.as_deref();
    let dump = chosen(load_all(&args.dumps)?, pattern)?;
    let other = match &args.compare {
        Some(path) => Some(chosen(load(path)?, pattern)?),
        None => None,
    };
    if dump.truncated {
        output::say(
            "the interval log ends in the middle of a line: the run was killed, or writes it now; what is whole was read",
        );
    }
    if let Some(file) = &args.plot {
        write_plot(file, &dump, other.as_ref(), args.linear)?;
        output::say(format_args!("wrote {}", file.display()));
    }
    if let Some(folder) = &args.hgrm {
        return write_hgrm(
            &dump,
            Some(folder.as_path()).filter(|it| it.as_os_str() != "-"),
        );
    }
    if args.json {
        output::print_line(match &other {
            Some(other) => compare::json(&dump, other)?,
            None => json(&dump)?,
        })?;
    } else if let Some(other) = &other {
        output::print(compare::text(&dump, other))?;
    } else if args.plot.is_none() {
        output::print(text::of(&dump, pattern.is_some()))?;
    }
    Ok(exit::OK)
}

/// Several dumps as one; none counts twice.
fn load_all(paths: &[PathBuf]) -> anyhow::Result<Stats> {
    let mut dumps = paths.iter().map(|path| load(path));
    let mut sum = dumps.next().context("no dump was named")??;
    for dump in dumps {
        let dump = dump?;
        let known = |path: &PathBuf| sum.paths.iter().any(|it| is_same(it, path));
        if let Some(twice) = dump.paths.iter().find(|path| known(path)) {
            return Err(exit::usage(format!(
                "{}: named twice; its numbers would count twice",
                twice.display()
            )));
        }
        sum.merge(dump)?;
    }
    Ok(sum)
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// A dump, or that in the folder `stats` of the results of a run.
fn load(path: &Path) -> anyhow::Result<Stats> {
    let holds = |folder: &Path| {
        [HLOG, JSON, PAGE]
            .iter()
            .any(|name| folder.join(name).is_file())
    };
    let below = path.join("stats");
    if path.is_dir() && !holds(path) && holds(&below) {
        return Ok(stats::load(&below)?);
    }
    Ok(stats::load(path)?)
}

/// Only what the pattern names.
fn chosen(mut dump: Stats, pattern: Option<&str>) -> anyhow::Result<Stats> {
    let Some(pattern) = pattern else {
        return Ok(dump);
    };
    let known: Vec<String> = dump.histograms.keys().cloned().collect();
    dump.histograms.retain(|name, _| matches(name, pattern));
    dump.counters.retain(|name, _| matches(name, pattern));
    dump.gauges.retain(|name, _| matches(name, pattern));
    if dump.histograms.is_empty() {
        return Err(exit::usage(format!(
            "{}: no stage is called {pattern}; there are {}",
            paths(&dump),
            known.join(", ")
        )));
    }
    Ok(dump)
}

/// Whether a name contains the pattern, or is it, where the pattern has `*` for anything.
fn matches(name: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return name.contains(pattern);
    };
    let Some(mut left) = name.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(tail)
}

/// Id, unit and help of a number: as its dump has them, or as this build declares them.
fn about(dump: &Stats, name: &str) -> Option<About> {
    if let Some(about) = dump
        .summary
        .as_ref()
        .and_then(|summary| summary.about.get(name))
    {
        return Some(about.clone());
    }
    let what = counters::by_name(name)?;
    let unit = if name.ends_with("_ns") {
        "ns"
    } else {
        what.unit.name()
    };
    Some(About {
        id: what.id,
        unit: unit.to_owned(),
        help: what.help.to_owned(),
    })
}

/// How the run ended, in one word for programs.
fn end(end: End) -> &'static str {
    match end {
        End::Whole => "whole",
        End::Running { .. } => "running",
        End::Killed { .. } => "killed",
        End::Unknown => "unknown",
    }
}

fn json(dump: &Stats) -> anyhow::Result<serde_json::Value> {
    let percentiles = dump.percentiles();
    let names = percentiles
        .keys()
        .chain(dump.counters.keys())
        .chain(dump.gauges.keys());
    let about: BTreeMap<&String, About> = names
        .filter_map(|name| Some((name, about(dump, name)?)))
        .collect();
    let behind = text::behind(dump).map(|(_, late)| late);
    Ok(serde_json::json!({
        "dumps": dump.paths,
        "end": end(dump.end),
        "started_wall_ns": dump.started_wall_ns,
        "elapsed_ns": dump.elapsed_ns,
        "intervals": dump.intervals,
        "truncated": dump.truncated,
        "histograms": serde_json::to_value(&percentiles)?,
        "behind": serde_json::to_value(behind)?,
        "counters": dump.counters,
        "gauges": dump.gauges,
        "about": serde_json::to_value(about)?,
        "metrics": serde_json::to_value(BatchingSummary::from(dump.batching))?,
        "errors": serde_json::to_value(&dump.errors)?,
        "summary": serde_json::to_value(&dump.summary)?,
    }))
}

/// One distribution to standard output, or each into a file of its own.
fn write_hgrm(dump: &Stats, folder: Option<&Path>) -> anyhow::Result<u8> {
    let Some(folder) = folder else {
        let mut stages = dump.histograms.iter();
        return match (stages.next(), stages.next()) {
            (Some((_, histogram)), None) => output::print(hgrm::text(histogram)).map(|()| exit::OK),
            (None, _) => anyhow::bail!("the dump holds no distribution yet"),
            _ => {
                let names: Vec<&str> = dump.histograms.keys().map(String::as_str).collect();
                Err(exit::usage(format!(
                    "one distribution a file: choose it with --stage, or name a folder, --hgrm DIR; there are {}",
                    names.join(", ")
                )))
            }
        };
    };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for (name, histogram) in &dump.histograms {
        let file = folder.join(format!("{}.hgrm", name.replace('/', "-")));
        std::fs::write(&file, hgrm::text(histogram))
            .with_context(|| format!("cannot write {}", file.display()))?;
        output::print_line(file.display())?;
    }
    Ok(exit::OK)
}

/// The picture: of the stages chosen, or of those of agents.
fn write_plot(
    file: &Path,
    dump: &Stats,
    other: Option<&Stats>,
    linear: bool,
) -> anyhow::Result<()> {
    let shown = |dump: &Stats| {
        let agents = dump.histograms.keys().any(|name| !is_of_thread(name));
        let names: Vec<String> = dump
            .histograms
            .iter()
            .filter(|(name, histogram)| histogram.max() > 0 && !(agents && is_of_thread(name)))
            .map(|(name, _)| name.clone())
            .collect();
        names
    };
    let names = shown(dump);
    anyhow::ensure!(!names.is_empty(), "the dump holds no distribution to plot");
    let mut lines = Vec::new();
    for (colour, name) in names.iter().enumerate() {
        lines.push(plot::Line {
            name: name.clone(),
            histogram: &dump.histograms[name],
            colour,
            dashed: false,
        });
        let compared = other.and_then(|other| other.histograms.get(name));
        if let Some(histogram) = compared.filter(|histogram| histogram.max() > 0) {
            lines.push(plot::Line {
                name: format!("{name}, compared"),
                histogram,
                colour,
                dashed: true,
            });
        }
    }
    let title = match other {
        Some(other) => format!("{}, compared with {} (dashed)", paths(dump), paths(other)),
        None => paths(dump),
    };
    let scale = if linear {
        plot::Scale::Linear
    } else {
        plot::Scale::Log
    };
    std::fs::write(file, plot::svg(&title, &lines, scale))
        .with_context(|| format!("cannot write {}", file.display()))
}

fn is_of_thread(name: &str) -> bool {
    name.starts_with(pitlane_runtime::beat::THREAD_OWNER)
}

/// Where a dump was read.
fn paths(dump: &Stats) -> String {
    let paths: Vec<String> = dump
        .paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(" + ")
}
