//! `[[upstream]]` and `[live]`, and what a live source needs of the rest.

use super::{path, small, venue};
use crate::config::document::{Report, Section, cut};
use crate::config::fault::did_you_mean;
use crate::config::{InstrumentConfig, Live, Located, Place, Upstream};
use pitlane_domain::instrument::Venue;
use std::time::Duration;

/// The `[[upstream]]` tables. Those of a live source must be usable; others are only read.
pub(super) fn upstreams(sections: Vec<Section<'_>>, report: &mut Report<'_>) -> Vec<Upstream> {
    let mut rows: Vec<Upstream> = Vec::new();
    for section in sections {
        let Some(row) = upstream(section, report) else {
            continue;
        };
        if rows.iter().any(|other| other.venue == row.venue) {
            let what = format!("{} has two upstreams; keep one", row.venue.name());
            report.fault(&row.place, "upstream", what);
            continue;
        }
        rows.push(row);
    }
    rows
}

/// Streams by the word behind the symbol; a speed may follow, such as `depth@100ms`.
const STREAMS: [&str; 12] = [
    "aggTrade",
    "trade",
    "bookTicker",
    "depth",
    "depth5",
    "depth10",
    "depth20",
    "kline_1m",
    "markPrice",
    "forceOrder",
    "ticker",
    "miniTicker",
];

/// What was meant perhaps, if it is none of them.
fn unknown(stream: &str) -> Option<String> {
    let word = stream.split('@').next().unwrap_or_default();
    let is_known = STREAMS.contains(&word) || word.starts_with("kline_");
    (!is_known).then(|| did_you_mean(word, STREAMS).unwrap_or_default())
}

fn upstream(mut section: Section<'_>, report: &mut Report<'_>) -> Option<Upstream> {
    let place = section.place.clone();
    let venue = venue(&mut section, report);
    let venue = section.require("venue", "\"binance-spot\"", venue, report);
    let ws = address(&mut section, "ws", &["ws://", "wss://"], report);
    let rest = address(&mut section, "rest", &["http://", "https://"], report);
    let ca_file = path(&mut section, "ca_file", report);
    let streams = section.texts("streams", report);
    let mut names = Vec::new();
    for Located { value, place } in streams {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '_');
        if value.is_empty() || value.starts_with('@') || !value.chars().all(legal) {
            let what = format!(
                "\"{}\" is no stream; write what stands behind \"symbol@\", for example \"aggTrade\"",
                cut(&value)
            );
            report.fault(&place, "upstream.streams", what);
        } else if venue != Some(Venue::Fx)
            && let Some(mend) = unknown(&value)
        {
            let what = format!(
                "\"{}\" is no stream that is used here; there are {}{mend}",
                cut(&value),
                STREAMS.join(" ")
            );
            report.fault(&place, "upstream.streams", what);
        } else {
            names.push(value);
        }
    }
    let venue = venue?;
    if !Upstream::is_known(venue) {
        let what = format!("there is no live connection to {} yet", venue.name());
        report.fault(&place, "upstream.venue", what);
        section.finish(report);
        return None;
    }
    if !Upstream::answers_requests(venue) {
        for (key, written) in [("rest", rest.is_some()), ("streams", !names.is_empty())] {
            if written {
                let what = format!(
                    "{} has none: what it sends goes by the [[instrument]] tables; remove the key",
                    venue.name()
                );
                report.fault(&place, &section.full_name(key), what);
            }
        }
    }
    let (usual_ws, usual_rest) = Upstream::published(venue);
    let usual = (!usual_ws.is_empty()).then(|| usual_ws.to_owned());
    let ws = section.require("ws", "\"ws://127.0.0.1:9000\"", ws.or(usual), report);
    section.finish(report);
    if names.is_empty() {
        names = Upstream::usual_streams(venue)
            .iter()
            .map(|&stream| stream.to_owned())
            .collect();
    }
    Some(Upstream {
        place,
        venue,
        ws: ws?,
        rest: rest.unwrap_or_else(|| usual_rest.to_owned()),
        ca_file,
        streams: names,
    })
}

/// An address with one of the schemes and a host, without the slash at its end.
fn address(
    section: &mut Section<'_>,
    key: &'static str,
    schemes: &[&str],
    report: &mut Report<'_>,
) -> Option<String> {
    let Located { value, place } = section.text(key, report)?;
    let rest = schemes.iter().find_map(|scheme| value.strip_prefix(scheme));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let legal = host.is_some_and(|host| !host.is_empty() && !host.starts_with(':'))
        && value.chars().all(|c| c.is_ascii_graphic())
        && !value.contains(['?', '#']);
    if legal {
        return Some(value.trim_end_matches('/').to_owned());
    }
    let what = format!(
        "\"{}\" is no base address; it begins with {}, names a host and may end with a path",
        cut(&value),
        schemes.join(" or ")
    );
    report.fault(&place, &section.full_name(key), what);
    None
}

/// `[live]`.
pub(super) fn live(mut section: Section<'_>, report: &mut Report<'_>) -> Live {
    let default = Live::default();
    let mut time = |key, default| {
        let written = section.duration(key, LEAST..=MOST, report);
        written.map_or(default, |time| time.value)
    };
    let mut live = Live {
        reconnect_first: time("reconnect_first", default.reconnect_first),
        reconnect_max: time("reconnect_max", default.reconnect_max),
        reconnect_jitter: time("reconnect_jitter", default.reconnect_jitter),
        fx_reconnect_first: time("fx_reconnect_first", default.fx_reconnect_first),
        fx_reconnect_max: time("fx_reconnect_max", default.fx_reconnect_max),
        healthy_after: time("healthy_after", default.healthy_after),
        breaker_reset: time("breaker_reset", default.breaker_reset),
        trades_silent: time("trades_silent", default.trades_silent),
        depth_silent: time("depth_silent", default.depth_silent),
        asymmetric: time("asymmetric", default.asymmetric),
        drift: time("drift", default.drift),
        no_data: time("no_data", default.no_data),
        check_every: time("check_every", default.check_every),
        fx_check_every: time("fx_check_every", default.fx_check_every),
        report_every: time("report_every", default.report_every),
        lifetime: time("lifetime", default.lifetime),
        timeout: time("timeout", default.timeout),
        hold: time("hold", default.hold),
        backfill: time("backfill", default.backfill),
        ..default
    };
    let mut number = |key, legal, default: &mut u32| {
        if let Some(written) = section.integer(key, legal, report) {
            *default = small(written.value);
        }
    };
    number("hard_reload_after", 1..=1000, &mut live.hard_reload_after);
    number(
        "fx_hard_reload_after",
        1..=1000,
        &mut live.fx_hard_reload_after,
    );
    number("breaker_failures", 1..=1000, &mut live.breaker_failures);
    number("snapshot_limit", 0..=5000, &mut live.snapshot_limit);
    number("buffer", 100..=1_000_000, &mut live.buffer);
    live.klines = section.boolean("klines", report).unwrap_or(live.klines);
    live.weight_share = share(&mut section, report).unwrap_or(live.weight_share);
    section.finish(report);
    live
}

/// Legal lengths of time in `[live]`.
const LEAST: Duration = Duration::from_millis(1);
const MOST: Duration = Duration::from_hours(24);

/// A part of a whole, greater than 0 and at most 1.
fn share(section: &mut Section<'_>, report: &mut Report<'_>) -> Option<f64> {
    let Located { value, place } = section.text_or_number("weight_share", report)?;
    let share = value.parse::<f64>().ok();
    if let Some(share) = share.filter(|share| *share > 0.0 && *share <= 1.0) {
        return Some(share);
    }
    let what = format!(
        "\"{}\" is no part of a whole; write a number greater than 0 and at most 1, such as 0.8",
        cut(&value)
    );
    report.fault(&place, "live.weight_share", what);
    None
}

/// What a live source needs besides: something to listen to, and for each instrument an upstream.
pub(super) fn complete(
    instruments: &[InstrumentConfig],
    upstreams: &[Upstream],
    place: &Place,
    report: &mut Report<'_>,
) {
    let mut fault = |place: &Place, key: &str, what: String| report.fault(place, key, what);
    if instruments.is_empty() {
        let what = "a live source needs an [[instrument]] table for each symbol".to_owned();
        fault(place, "instrument", what);
    }
    for row in instruments {
        let venue = row.venue.name();
        if !upstreams.iter().any(|upstream| upstream.venue == row.venue) {
            let what = format!("no [[upstream]] has venue = \"{venue}\"");
            fault(&row.place, "instrument.venue", what);
        }
        for (key, step) in [("tick_size", row.tick_size), ("lot_size", row.lot_size)] {
            if step.is_none() && !Upstream::answers_requests(row.venue) {
                let what = format!("{venue} lists no steps; write for example {key} = \"0.00001\"");
                fault(&row.place, &format!("instrument.{key}"), what);
            }
        }
    }
    for upstream in upstreams {
        if !instruments.iter().any(|row| row.venue == upstream.venue) {
            let venue = upstream.venue.name();
            let what = format!("no [[instrument]] has venue = \"{venue}\"; remove the table");
            fault(&upstream.place, "upstream.venue", what);
        }
    }
}
