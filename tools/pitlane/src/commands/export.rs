//! `pitlane export`: records of a tick store as text or numpy.

use crate::cli::{ExportArgs, ExportFormat};
use crate::{exit, inputs, output};
use anyhow::Context;
use pitlane_domain::message::{Kind, Message};
use pitlane_edges::export::{Format, TextExport, npy_header};
use pitlane_lockfree::tick::TickReader;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// Records handed over at once.
const BATCH: usize = 4096;

/// Runs the command.
pub fn export(args: &ExportArgs) -> anyhow::Result<u8> {
    let kinds = kinds(&args.kind)?;
    let mut reader = inputs::store(&args.store)?;
    let from = from(args, &mut reader)?;
    let to_stdout = args.out.as_deref().is_none_or(|out| out == Path::new("-"));
    let written = match (args.to, &args.out) {
        (ExportFormat::Npy, Some(out)) if !to_stdout => {
            let file =
                File::create(out).with_context(|| format!("cannot create {}", out.display()))?;
            numpy(&mut reader, from, &kinds, file)?
        }
        (ExportFormat::Npy, _) => {
            return Err(exit::usage(
                "--to npy needs --out FILE: its header holds the number of records",
            ));
        }
        (format, out) => {
            let format = if format == ExportFormat::Csv {
                Format::Csv
            } else {
                Format::JsonLines
            };
            match out {
                Some(out) if !to_stdout => {
                    let file = File::create(out)
                        .with_context(|| format!("cannot create {}", out.display()))?;
                    text(&mut reader, from, &kinds, format, BufWriter::new(file))?
                }
                _ => text(
                    &mut reader,
                    from,
                    &kinds,
                    format,
                    BufWriter::new(std::io::stdout().lock()),
                )?,
            }
        }
    };
    if !to_stdout {
        output::say(format_args!("{written} records"));
    }
    Ok(exit::OK)
}

fn kinds(names: &[String]) -> anyhow::Result<Vec<Kind>> {
    let find = |name: &String| {
        let known = Kind::ALL
            .iter()
            .find(|(_, known)| known == name)
            .map(|(kind, _)| *kind);
        known.ok_or_else(|| {
            let legal: Vec<&str> = Kind::ALL.iter().map(|(_, name)| *name).collect();
            exit::usage(format!(
                "no kind is called {name}; there are {}",
                legal.join(", ")
            ))
        })
    };
    names.iter().map(find).collect()
}

fn from(args: &ExportArgs, reader: &mut TickReader) -> anyhow::Result<u64> {
    let by_time = match &args.from_time {
        Some(text) => {
            let time: jiff::Timestamp = text
                .parse()
                .map_err(|error| exit::usage(format!("--from-time {text}: {error}")))?;
            let ns = i64::try_from(time.as_nanosecond()).context("--from-time is out of range")?;
            reader.seek_time(ns)?
        }
        None => 0,
    };
    Ok(by_time.max(args.from_sequence.unwrap_or(0)))
}

/// Hands over every record of the store from its start; those before `from` and of other kinds only to `learn`.
fn each(
    reader: &mut TickReader,
    from: u64,
    kinds: &[Kind],
    mut each: impl FnMut(&Message, bool) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    reader.seek_sequence(0)?;
    loop {
        let batch = reader.next_batch(BATCH)?;
        if batch.is_empty() {
            return Ok(());
        }
        for record in batch {
            let message: Message = bytemuck::cast(*record);
            let chosen = message.sequence >= from
                && (kinds.is_empty() || message.kind().is_some_and(|kind| kinds.contains(&kind)));
            each(&message, chosen).context("cannot write the records")?;
        }
    }
}

fn text(
    reader: &mut TickReader,
    from: u64,
    kinds: &[Kind],
    format: Format,
    out: impl Write,
) -> anyhow::Result<u64> {
    let mut export = TextExport::new(out, format).context("cannot write the records")?;
    each(reader, from, kinds, |message, chosen| {
        export.learn(message);
        if chosen {
            export.write(message)
        } else {
            Ok(())
        }
    })?;
    export.finish().context("cannot write the records")
}

fn numpy(
    reader: &mut TickReader,
    from: u64,
    kinds: &[Kind],
    mut file: File,
) -> anyhow::Result<u64> {
    let mut records = 0;
    // The largest count has the longest header, so the real one takes its place afterwards.
    let room = npy_header(u64::MAX).len();
    file.seek(SeekFrom::Start(room as u64))?;
    let mut out = BufWriter::new(&file);
    each(reader, from, kinds, |message, chosen| {
        if chosen {
            records += 1;
            out.write_all(bytemuck::bytes_of(message))?;
        }
        Ok(())
    })?;
    out.flush()?;
    drop(out);
    let header = npy_header(records);
    anyhow::ensure!(
        header.len() == room,
        "the header of {records} records has another length"
    );
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header)?;
    Ok(records)
}
