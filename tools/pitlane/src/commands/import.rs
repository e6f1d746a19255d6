//! `pitlane import`: public data formats into a capture.

use crate::cli::ImportArgs;
use crate::inputs::{self, Hints};
use crate::progress::Progress;
use crate::{exit, output, play};
use anyhow::Context;
use pitlane_app::report::thousands;
use pitlane_edges::capture::CaptureWriter;
use pitlane_edges::source::{FrameSource, ImportReport};
use serde_json::json;
use std::fmt::Write;

/// Frames between two looks at the progress.
const STRIDE: u64 = 4096;

/// Runs the command.
pub fn import(args: &ImportArgs) -> anyhow::Result<u8> {
    if args.out.exists() {
        anyhow::bail!(
            "{} exists; remove it or name another file",
            args.out.display()
        );
    }
    let hints = Hints {
        from: args.from.clone(),
        venue: args.venue.clone(),
        symbol: args.symbol.clone(),
        day: args.day.clone(),
        utc_offset: args.utc_offset,
        strict: args.strict,
    };
    let mut source = inputs::frames(&args.files, &hints)?;
    // Written beside and renamed at the end, so that a capture under its own name is always whole.
    let partial = args.out.with_added_extension("partial");
    anyhow::ensure!(
        !partial.exists(),
        "{} exists: another import writes it, or one was killed; remove it in that case",
        partial.display()
    );
    let writer = CaptureWriter::create(&partial)?;
    let written = write(source.as_mut(), writer, args.quiet).and_then(|(frames, bytes)| {
        let balanced = source.reports().iter().all(ImportReport::balances);
        anyhow::ensure!(balanced, "the totals of a source do not balance");
        if frames > 0 {
            std::fs::rename(&partial, &args.out).with_context(|| {
                format!(
                    "cannot rename {} to {}",
                    partial.display(),
                    args.out.display()
                )
            })?;
        }
        Ok((frames, bytes))
    });
    if !matches!(written, Ok((1.., _))) {
        // What was begun is of no use to anybody; that it cannot be removed matters less than why it is.
        std::fs::remove_file(&partial).ok();
    }
    let (frames, bytes) = written?;
    let reports = source.reports();
    let mut text = String::new();
    if args.json {
        let report = json!({
            "frames": frames,
            "bytes": if frames > 0 { bytes } else { 0 },
            "sources": reports.iter().map(report_json).collect::<Vec<_>>(),
        });
        writeln!(text, "{report}")?;
    } else {
        for report in &reports {
            writeln!(text, "{report}")?;
        }
        if frames > 0 {
            writeln!(
                text,
                "{}: {} frames, {} bytes",
                args.out.display(),
                thousands(frames),
                thousands(bytes)
            )?;
        }
    }
    let printed = output::print(text);
    anyhow::ensure!(
        frames > 0,
        "no frame in the input; {} was not written",
        args.out.display()
    );
    printed?;
    Ok(if args.strict && play::refused(&reports) > 0 {
        exit::FAILURE
    } else {
        exit::OK
    })
}

/// Writes the frames of a source into a capture; how many they were, and the bytes of the file.
fn write(
    source: &mut dyn FrameSource,
    mut writer: CaptureWriter<std::fs::File>,
    quiet: bool,
) -> anyhow::Result<(u64, u64)> {
    let progress = Progress::new(0, quiet);
    let mut frames = 0;
    while let Some(frame) = source.next()? {
        writer.write(&frame)?;
        frames += 1;
        if frames % STRIDE == 0 {
            let at = source.progress();
            progress.at(
                at.bytes_done,
                at.bytes_total,
                format!("{} frames", thousands(frames)),
            );
        }
    }
    let summary = writer.finish()?;
    progress.finish();
    Ok((frames, summary.bytes))
}

fn report_json(report: &ImportReport) -> serde_json::Value {
    json!({
        "source": report.source,
        "format": report.format,
        "records": report.records,
        "frames": report.frames,
        "control": report.control,
        "refused": report.refused.iter().map(|refused| (refused.reason, refused.count)).collect::<Vec<_>>(),
        "first_ns": report.first.map(|ts| ts.0),
        "last_ns": report.last.map(|ts| ts.0),
        "time_reversals": report.time_reversals,
        "unit_changes": report.unit_changes,
        "cut_bytes": report.cut.as_ref().map(|cut| cut.bytes),
    })
}
