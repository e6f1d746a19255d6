//! `pitlane doctor`: is this host fit for a core map? Measured first, then explained.

use crate::cli::DoctorArgs;
use crate::doctor::{self, Before, Load, Page, Place, State, Subject};
use crate::progress::Progress;
use crate::{exit, inputs, output};
use anyhow::Context;
use pitlane_edges::config::Config;
use pitlane_lockfree::tick::layout::segment_bytes;
use pitlane_runtime::clock::Clock;
use pitlane_runtime::core_map::{
    CoreMap, Host, Profile, RawCoreMap, RawThread, check, parse_core_list,
};
use pitlane_runtime::hiccup;
use pitlane_runtime::idle::IdleKind;
use pitlane_runtime::os;
use signal_hook::consts::SIGINT;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Runs the command.
pub fn doctor(args: &DoctorArgs) -> anyhow::Result<u8> {
    let stop = interruption()?;
    let config = args.config.as_deref().map(inputs::load).transpose()?;
    let mut subject = subject(args, &config.unwrap_or_default())?;
    if args.fixes {
        let checks = doctor::examine(&subject);
        output::print(doctor::script(&subject, &checks))?;
        return Ok(exit::OK);
    }
    if args.seconds > 0.0 {
        let Some(load) = measure(args, &subject, &stop) else {
            output::say("interrupted while measuring; nothing was judged");
            return Ok(exit::INTERRUPTED);
        };
        subject.load = Some(load);
    }
    let checks = doctor::examine(&subject);
    let code = if !subject.faults.is_empty() {
        exit::CONFIG
    } else if checks.iter().any(|check| check.found.state == State::Fail) {
        exit::FAILURE
    } else {
        exit::OK
    };
    if args.json {
        let counts =
            doctor::counts(&checks).map(|(state, n)| (state.to_string().to_lowercase(), n));
        output::print_line(serde_json::json!({
            "fit": code == exit::OK,
            "exit_code": code,
            "counts": std::collections::BTreeMap::from(counts),
            "core_map": {
                "source": subject.map,
                "profile": subject.profile,
                "threads": subject.threads,
                "pinned": subject.pinned,
                "spinning": subject.spinning,
                "faults": subject.faults,
            },
            "cores": subject.cores(),
            "machine": os::Machine::under(&subject.root),
            "measured": subject.load,
            "checks": checks,
        }))?;
    } else {
        let page = Page {
            subject: &subject,
            checks: &checks,
        };
        output::print(page)?;
    }
    Ok(code)
}

/// Set by the first SIGINT; the second ends the process at once.
fn interruption() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let code = i32::from(exit::INTERRUPTED);
    signal_hook::flag::register_conditional_shutdown(SIGINT, code, Arc::clone(&stop))
        .and_then(|_| signal_hook::flag::register(SIGINT, Arc::clone(&stop)))
        .context("cannot watch for SIGINT")?;
    Ok(stop)
}

fn subject(args: &DoctorArgs, config: &Config) -> anyhow::Result<Subject> {
    let host = Host::read();
    let file = args.config.as_ref().map(|path| path.display().to_string());
    let source =
        file.unwrap_or_else(|| "built-in defaults (--config FILE judges yours)".to_owned());
    let (raw, checked, map) = if let Some(text) = &args.cores {
        let (raw, checked) = typed_cores(text, &host)?;
        let map = format!("--cores {text}, as if a thread of profile isolated spun on each");
        (raw, checked, map)
    } else {
        let (raw, checked) = inputs::judged_core_map(config, &host);
        let profile = format!("{:?}", raw.profile).to_lowercase();
        (raw, checked, format!("{source}, profile {profile}"))
    };
    let usable = host.usable();
    let threads = raw.thread.iter();
    let pinned = |spinning: bool| -> BTreeSet<usize> {
        let usual = raw.profile == Profile::Isolated;
        let spins = |thread: &&RawThread| thread.idle.map_or(usual, |idle| idle == IdleKind::Spin);
        let of = threads.clone().filter(|thread| !spinning || spins(thread));
        let cores = of.filter_map(|thread| usize::try_from(thread.core?).ok());
        cores.filter(|core| usable.contains(core)).collect()
    };
    Ok(Subject {
        root: PathBuf::from("/"),
        profile: raw.profile,
        map,
        faults: checked.err().unwrap_or_default(),
        threads: raw.thread.len().max(1),
        names_cores: raw.thread.iter().any(|thread| thread.core.is_some()),
        pinned: pinned(false),
        spinning: pinned(true),
        host,
        places: places(config),
        load: None,
    })
}

/// The map that is meant by a list of cores and nothing else, and what the check makes of it.
fn typed_cores(
    text: &str,
    host: &Host,
) -> anyhow::Result<(RawCoreMap, Result<CoreMap, Vec<String>>)> {
    let cores = parse_core_list(text).filter(|cores| !cores.is_empty());
    let cores =
        cores.ok_or_else(|| exit::usage(format!("--cores {text}: a list such as 2-5 or 2,4")))?;
    let names: Vec<String> = cores.iter().map(|core| format!("core {core}")).collect();
    let thread = |(core, name): (&usize, &String)| RawThread {
        name: name.clone(),
        core: i64::try_from(*core).ok(),
        idle: Some(IdleKind::Spin),
        agents: vec![name.clone()],
    };
    let raw = RawCoreMap {
        profile: Profile::Isolated,
        thread: cores.iter().zip(&names).map(thread).collect(),
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let checked = check(&raw, &names, host);
    let checked = checked.map_err(|faults| faults.into_iter().map(|fault| fault.what).collect());
    Ok((raw, checked))
}

/// Where the configuration writes, and how much it asks for.
fn places(config: &Config) -> Vec<Place> {
    let records = usize::try_from(config.tick_store.segment_records).unwrap_or(usize::MAX >> 8);
    // The segment that is written, and the next, which is made ahead.
    let segments = 2 * segment_bytes(records, records) as u64;
    let logs = (u64::from(config.log.keep) + 1) * u64::from(config.log.rotate_mib) * (1 << 20);
    let database = config.storage.path.parent().unwrap_or(Path::new("."));
    let all = [
        ("tick_store.dir", config.tick_store.dir.as_path(), segments),
        ("storage.path", database, 0),
        ("log.dir", config.log.dir.as_path(), logs),
        ("stats.dir", config.stats.dir.as_path(), 0),
    ];
    let place = |(key, path, needs): (&'static str, &Path, u64)| {
        let at = existing(path);
        let room = os::room(&at).map_err(|error| error.to_string());
        Place {
            key,
            path: path.to_owned(),
            at,
            needs,
            room,
        }
    };
    all.map(place).into()
}

/// The nearest folder above that exists, absolute and without links.
fn existing(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = whole
        .ancestors()
        .find_map(|above| above.canonicalize().ok());
    found.unwrap_or_else(|| PathBuf::from("/"))
}

/// Measures all cores at once; nothing if it was interrupted.
fn measure(args: &DoctorArgs, subject: &Subject, stop: &AtomicBool) -> Option<Load> {
    let cores: Vec<usize> = subject.cores().into_iter().collect();
    let clock = Clock::new();
    let mut not_measured = Vec::new();
    let mut skew = Vec::new();
    if let [first, others @ ..] = cores.as_slice() {
        for &core in others {
            match hiccup::skew(core, *first, &clock, stop) {
                Ok(found) => skew.extend(found),
                Err(why) => not_measured.push(why.to_string()),
            }
        }
    }
    let time = Duration::from_secs_f64(args.seconds);
    let progress = Progress::of_time(time, args.quiet);
    let message = format!("measuring {}", doctor::which(&subject.cores()));
    let before = Before::read(&subject.root);
    let measured = hiccup::measure(&cores, time, &clock, stop, &mut |passed| {
        progress.passed(passed, &message);
    });
    let after = Before::read(&subject.root);
    progress.finish();
    if stop.load(Ordering::Relaxed) {
        return None;
    }
    let mut loads = Vec::new();
    for core in measured? {
        match core {
            Ok(core) => loads.push(before.until(&after, &core)),
            Err(why) => not_measured.push(why.to_string()),
        }
    }
    not_measured.sort();
    not_measured.dedup();
    Some(Load {
        seconds: args.seconds,
        cores: loads,
        not_measured,
        skew,
    })
}
