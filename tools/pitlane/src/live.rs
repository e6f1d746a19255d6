//! A live source as the engine wants it: what the venues list, asked for before anything starts.

use crate::{exit, inputs, output};
use pitlane_app::engine::Source;
use pitlane_domain::decode::TradeStream;
use pitlane_domain::instrument::InstrumentTable;
use pitlane_domain::intake::{IntakeOptions, TradeChoice};
use pitlane_edges::config::Config;
use pitlane_edges::live::listing::{self, Listing};
use pitlane_edges::live::session::{Tap, trade_stream};
use pitlane_edges::live::{Causes, Place};
use pitlane_runtime::lifecycle::Stop;

/// What a live source begins with.
pub struct Start {
    /// What each venue lists, as it said it.
    pub listings: Vec<Listing>,
    /// The instruments, with their steps.
    pub instruments: InstrumentTable,
    /// What counts of their streams.
    pub options: IntakeOptions,
    /// What the venues sent that was refused, by cause.
    pub refused: Causes,
}

/// Asks each venue of a configuration for its instruments. A stop that is asked for meanwhile ends the asking.
pub fn start(config: &Config, stop: &Stop) -> anyhow::Result<Start> {
    let mut listings: Vec<Listing> = Vec::new();
    let mut refused = Causes::default();
    for upstream in &config.upstreams {
        if upstream.rest.is_empty() {
            continue;
        }
        let listing = listing::fetch(upstream, config.live.timeout, |error, wait| {
            if let Some(cause) = error.cause() {
                refused.add(Place::Request, cause);
            }
            output::say(format_args!("pitlane: {error}; again in {wait:?}"));
            !stop.is_requested()
        });
        listings.push(listing?);
    }
    let instruments = listing::instruments(config, &listings).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        exit::config(lines.join("\n"))
    })?;
    Ok(Start {
        listings,
        instruments,
        options: options(config),
        refused,
    })
}

/// The venues of a configuration as a source of the engine.
pub fn source(config: &Config, stop: &Stop, tap: Option<Box<dyn Tap>>) -> anyhow::Result<Source> {
    let start = start(config, stop)?;
    let limits = start.listings.iter();
    let limits = limits.filter_map(|listing| Some((listing.venue, listing.weight_limit?)));
    let names = config.upstreams.iter();
    let names = names.map(|upstream| format!("{} {}", upstream.venue.name(), upstream.ws));
    Ok(Source::Live {
        names: names.collect(),
        limits: limits.collect(),
        instruments: start.instruments,
        options: start.options,
        refused: Box::new(start.refused),
        tap,
    })
}

/// As for files, but what counts as a trade does not depend on which stream is heard first.
fn options(config: &Config) -> IntakeOptions {
    let mut options = inputs::chosen(config);
    options.backfill = true;
    for ((_, of), row) in options.except.iter_mut().zip(&config.instruments) {
        let upstream = config.upstreams.iter().find(|of| of.venue == row.venue);
        if let Some(upstream) = upstream {
            of.trades = match trade_stream(upstream, row.trades) {
                TradeStream::Aggregate => TradeChoice::Aggregate,
                TradeStream::Single => TradeChoice::Single,
            };
        }
    }
    options
}
