//! A configuration with which `pitlane run` listens to the venue that is running.

use pitlane_domain::instrument::{InstrumentTable, Venue};
use pitlane_venue::Recording;
use std::fmt::Write as _;

/// What of a recording the configuration needs.
pub struct Played {
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
        Self {
            venues,
            table: recording.table().clone(),
        }
    }

    /// The text, for a venue that listens at these addresses.
    pub fn to_toml(&self, http: &str, ws: &str) -> String {
        let mut text = format!(
            "# For pitlane run, while the venue of this configuration runs; {http}\n\n[source]\nkind = \"live\"\n"
        );
        for (venue, streams) in &self.venues {
            let front = match venue {
                Venue::BinanceUsdm => "/fapi",
                Venue::BinanceCoinm => "/dapi",
                _ => "",
            };
            let name = venue.name();
            let _ = write!(
                text,
                "\n[[upstream]]\nvenue = \"{name}\"\nws = \"{ws}{front}\"\nrest = \"{http}\"\nstreams = {streams:?}\n"
            );
        }
        for (_, of) in self.table.iter() {
            if self.venues.iter().any(|(venue, _)| *venue == of.venue) {
                let (symbol, venue, theirs) = (of.symbol, of.venue.name(), of.venue_symbol);
                let _ = write!(
                    text,
                    "\n[[instrument]]\nsymbol = \"{symbol}\"\nvenue = \"{venue}\"\nvenue_symbol = \"{theirs}\"\n"
                );
            }
        }
        text
    }
}
