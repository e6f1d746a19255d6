//! A configuration with which `pitlane run` listens to the venue that is running.

use pitlane_domain::instrument::{InstrumentTable, Venue};
use pitlane_venue::Recording;
use std::fmt::Write as _;
use std::path::Path;

/// What of a recording the configuration needs.
pub struct Played {
    /// The venues and their streams; an FX gateway has pairs instead.
    venues: Vec<(Venue, Vec<String>)>,
    table: InstrumentTable,
}

impl Played {
    /// Notes it before the venue takes the recording.
    pub fn of(recording: &Recording) -> Self {
        let mut venues = Vec::new();
        for venue in [Venue::BinanceSpot, Venue::BinanceUsdm, Venue::BinanceCoinm] {
            let behind = || {
                let own = recording.names().filter(|(of, _)| *of == venue);
                own.filter_map(|(_, name)| Some(name.split_once('@')?.1))
            };
            // Aggregated trades are made where only single ones were recorded; those were exact before.
            let trades = ["trade", "aggTrade"].into_iter();
            let trades = trades.map(|kind| behind().find(|name| *name == kind));
            let depth = behind().find(|name| name.starts_with("depth"));
            let chosen = trades.flatten().take(1).chain(depth).map(str::to_owned);
            let chosen: Vec<_> = chosen.collect();
            if !chosen.is_empty() {
                venues.push((venue, chosen));
            }
        }
        if recording.names().any(|(venue, _)| venue == Venue::Fx) {
            venues.push((Venue::Fx, Vec::new()));
        }
        Self {
            venues,
            table: recording.table().clone(),
        }
    }

    /// How many connections an engine makes with it.
    pub fn connections(&self) -> usize {
        self.venues.len()
    }

    /// The text, for a venue that listens at these addresses and is trusted by this authority.
    pub fn to_toml(&self, http: &str, ws: &str, ca_file: Option<&Path>) -> String {
        let mut text = format!(
            "# For pitlane run, while the venue at {http} is there.\n\n[source]\nkind = \"live\"\n"
        );
        for (venue, streams) in &self.venues {
            let front = match venue {
                Venue::BinanceUsdm => "/fapi",
                Venue::BinanceCoinm => "/dapi",
                Venue::Fx => "/fx",
                _ => "",
            };
            let name = venue.name();
            let _ = write!(
                text,
                "\n[[upstream]]\nvenue = \"{name}\"\nws = \"{ws}{front}\"\n"
            );
            if *venue != Venue::Fx {
                let _ = write!(text, "rest = \"{http}\"\nstreams = {streams:?}\n");
            }
            if let Some(file) = ca_file {
                let _ = writeln!(text, "ca_file = {:?}", file.display().to_string());
            }
        }
        for (_, of) in self.table.iter() {
            if self.venues.iter().any(|(venue, _)| *venue == of.venue) {
                let (symbol, venue, theirs) = (of.symbol, of.venue.name(), of.venue_symbol);
                let _ = write!(
                    text,
                    "\n[[instrument]]\nsymbol = \"{symbol}\"\nvenue = \"{venue}\"\nvenue_symbol = \"{theirs}\"\n"
                );
                // A gateway lists no steps.
                if of.venue == Venue::Fx {
                    let (tick, lot) = (of.tick_size, of.lot_size);
                    let _ = write!(text, "tick_size = \"{tick}\"\nlot_size = \"{lot}\"\n");
                }
            }
        }
        text
    }
}
