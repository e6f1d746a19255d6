//! `pitlane venue`: captures as a venue on this machine.

mod config;

use crate::cli::{AtEnd, Certificate, VenueArgs};
use crate::inputs::{self, Hints};
use crate::progress::Progress;
use crate::{exit, output, sample, signals};
use anyhow::Context;
use pitlane_app::pace;
use pitlane_app::report::thousands;
use pitlane_edges::source::FrameSource;
use pitlane_venue::copies::{self, Copies};
use pitlane_venue::tls::{Flaw, Identity};
use pitlane_venue::{Recorder, Recording, Settings, Speed, Start, Status, Venue};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the end is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// Frames read between two showings of the progress.
const READ_PER_SHOW: usize = 4096;

/// Runs the command.
pub fn venue(args: &VenueArgs) -> anyhow::Result<u8> {
    let mut settings = settings(args)?;
    let recording = recording(args)?;
    let stop = Arc::new(AtomicBool::new(false));
    let interrupted = signals::watch(Arc::clone(&stop))?;
    let streams: Vec<_> = recording.names().map(|(_, name)| name.to_owned()).collect();
    let frames = recording.len();
    let played = config::Played::of(&recording);
    if args.start.is_none() && args.config_out.is_some() {
        // Nothing is played before the engine of that configuration listens to all of it.
        settings.start = Start::Clients(played.connections());
    }
    let bind = settings.bind;
    let venue =
        Venue::open(recording, settings).with_context(|| format!("cannot listen on {bind}"))?;
    if let Some(file) = &args.config_out {
        std::fs::write(
            file,
            played.to_toml(&venue.http(), &venue.ws(), authority(args)?.as_deref()),
        )
        .with_context(|| format!("{}: cannot be written", file.display()))?;
    }
    announce(args, &venue, &streams, frames)?;
    let progress = Progress::new(0, args.quiet);
    while !stop.load(Ordering::Relaxed) && !venue.is_closed() {
        std::thread::sleep(LOOK);
        if progress.is_shown() {
            let at = venue.status();
            progress.at(at.position as u64, at.length as u64, told(&at));
        }
    }
    progress.finish();
    let status = venue.status();
    venue.close();
    if !args.quiet {
        output::say(format_args!(
            "pitlane venue: {} of {} frames played, {} messages sent to {} clients, {} requests",
            thousands(status.position as u64),
            thousands(status.length as u64),
            thousands(status.sent_total()),
            thousands(status.clients_total),
            thousands(status.requests.values().sum()),
        ));
        for fault in status.faults.iter().filter(|fault| fault.seen > 0) {
            let (rule, done, seen) = (&fault.rule, thousands(fault.done), thousands(fault.seen));
            output::say(format_args!("fault {rule}: {done} of {seen}"));
        }
    }
    Ok(if interrupted.load(Ordering::Relaxed) {
        exit::INTERRUPTED
    } else {
        exit::OK
    })
}

fn told(status: &Status) -> String {
    let faults: u64 = status.faults.iter().map(|fault| fault.done).sum();
    format!(
        "frames  {} clients, {} sent, {faults} faults",
        status.clients,
        thousands(status.sent_total())
    )
}

fn settings(args: &VenueArgs) -> anyhow::Result<Settings> {
    let speed = match pace::Speed::parse(&args.speed) {
        Some(pace::Speed::Max) => Speed::Max,
        Some(pace::Speed::Times(times)) => Speed::Times(times),
        None => {
            return Err(exit::usage(format!(
                "--speed {}: max, or a multiple such as 1x, 10x or 0.5x",
                args.speed
            )));
        }
    };
    Ok(Settings {
        bind: SocketAddr::from((args.bind, args.port)),
        speed,
        start: match args.start {
            Some(0) => Start::Now,
            count => Start::Clients(count.unwrap_or(1)),
        },
        skip: args.skip,
        at_end: match args.at_end {
            AtEnd::Hold => pitlane_venue::AtEnd::Hold,
            AtEnd::Close => pitlane_venue::AtEnd::Close,
            AtEnd::Exit => pitlane_venue::AtEnd::Exit,
            AtEnd::Loop => pitlane_venue::AtEnd::Loop,
        },
        ping_every: args.ping_every,
        pong_within: args.pong_within,
        lifetime: args.lifetime,
        messages_per_second: args.messages_per_second,
        connects_per_five_minutes: args.connects,
        weight_limit: args.weight_limit,
        tls: identity(args)?,
        seed: args.seed,
        faults: args.fault.clone(),
        ..Settings::default()
    })
}

/// What the venue shows to those who connect, if it speaks TLS.
fn identity(args: &VenueArgs) -> anyhow::Result<Option<Identity>> {
    if let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) {
        return Ok(Some(Identity::from_files(certificate, key)?));
    }
    let Some(which) = args.tls else {
        return Ok(None);
    };
    let flaw = match which {
        Certificate::Good => None,
        Certificate::Expired => Some(Flaw::Expired),
        Certificate::WrongName => Some(Flaw::WrongName),
        Certificate::Untrusted => Some(Flaw::Untrusted),
    };
    let names = ["localhost".to_owned(), args.bind.to_string()];
    let identity = match (&args.tls_dir, flaw) {
        (Some(dir), None) => Identity::kept(dir, &names)?,
        (Some(_), Some(_)) => {
            return Err(exit::usage(
                "--tls-dir keeps what --tls self makes, and nothing else",
            ));
        }
        (None, flaw) => Identity::made(&names, flaw)?,
    };
    if let (Some(file), Some(authority)) = (&args.tls_ca_out, identity.authority()) {
        std::fs::write(file, authority)
            .with_context(|| format!("{}: cannot be written", file.display()))?;
    }
    Ok(Some(identity))
}

/// The file of the authority that clients have to trust, from the root.
fn authority(args: &VenueArgs) -> anyhow::Result<Option<PathBuf>> {
    if args.config_out.is_some() && args.tls.is_some() && args.tls_ca_out.is_none() {
        return Err(exit::usage(
            "--config-out with --tls needs --tls-ca-out FILE: the configuration names that file",
        ));
    }
    let file = args.tls_ca_out.as_ref().map(std::path::absolute);
    Ok(file.transpose()?)
}

/// Reads the captures, or the bundled sample, into memory.
fn recording(args: &VenueArgs) -> anyhow::Result<Recording> {
    let scratch = tempfile::tempdir()?;
    let files: Vec<PathBuf> = if args.inputs.is_empty() {
        sample::unpack(scratch.path())?
    } else {
        args.inputs.clone()
    };
    if let Some(dir) = files.iter().find(|file| file.is_dir()) {
        return Err(exit::usage(format!(
            "{} is a directory; a venue plays frames as they were received, which a tick store does not hold",
            dir.display()
        )));
    }
    let hints = Hints {
        from: args.from.clone(),
        venue: args.venue.clone(),
        symbol: args.symbol.clone(),
        day: args.day.clone(),
        utc_offset: None,
        strict: false,
    };
    let table = copies::copied(&inputs::scanned(&files, &hints)?, args.copies)
        .with_context(|| format!("--copies {}", args.copies))?;
    let mut source = Copies::new(inputs::frames(&files, &hints)?, args.copies);
    let progress = Progress::new(0, args.quiet);
    let mut recorder = Recorder::new(table);
    let mut read = 0_usize;
    while let Some(frame) = source.next()? {
        recorder.push(&frame)?;
        read += 1;
        if read.is_multiple_of(READ_PER_SHOW) {
            let at = source.progress();
            let frames = format!("{} frames", thousands(read as u64));
            progress.at(at.bytes_done, at.bytes_total, frames);
        }
    }
    progress.finish();
    Ok(recorder.finish()?)
}

fn announce(
    args: &VenueArgs,
    venue: &Venue,
    streams: &[String],
    frames: usize,
) -> anyhow::Result<()> {
    let (http, ws) = (venue.http(), venue.ws());
    if args.json {
        let port = venue.addr().port();
        return output::print_line(serde_json::json!({
            "http": http, "ws": ws, "port": port, "frames": frames, "streams": streams,
        }));
    }
    output::print(format_args!("{http}\n{ws}\n"))?;
    if !args.quiet {
        output::say(format_args!(
            "{} frames of {}; Ctrl-C ends it",
            thousands(frames as u64),
            streams.join(", ")
        ));
    }
    Ok(())
}
