//! `pitlane import`: public data formats into a capture.

use crate::cli::ImportArgs;
use crate::inputs::{self, Hints};
use crate::progress::Progress;
use crate::{exit, play};
use anyhow::Context;
use pitlane_app::report::thousands;
use pitlane_edges::capture::CaptureWriter;
use serde_json::json;

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
    let mut writer = CaptureWriter::create(&partial)?;
    let progress = Progress::new(0, args.quiet);
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
    std::fs::rename(&partial, &args.out).with_context(|| {
        format!(
            "cannot rename {} to {}",
            partial.display(),
            args.out.display()
        )
    })?;
    progress.finish();
    let reports = source.reports();
    if args.json {
        println!(
            "{}",
            json!({
                "frames": frames,
                "bytes": summary.bytes,
                "sources": reports.iter().map(report_json).collect::<Vec<_>>(),
            })
        );
    } else {
        for report in &reports {
            println!("{report}");
        }
        println!(
            "{}: {} frames, {} bytes",
            args.out.display(),
            thousands(frames),
            thousands(summary.bytes)
        );
    }
    let balanced = reports
        .iter()
        .all(pitlane_edges::source::ImportReport::balances);
    anyhow::ensure!(balanced, "the totals of a source do not balance");
    Ok(if args.strict && play::refused(&reports) > 0 {
        exit::FAILURE
    } else {
        exit::OK
    })
}

fn report_json(report: &pitlane_edges::source::ImportReport) -> serde_json::Value {
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
