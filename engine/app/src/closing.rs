//! Makes the report of what the agents left behind, and checks that every sum balances.

use crate::agents::Closings;
use crate::agents::feed::Fed;
use crate::report::{
    BarReport, BookReport, ChecksumReport, EdgeReport, LatencyReport, LiveReport, RecoveryLine,
    Report, SHOWN, SkewReport, TouchReport,
};
use crate::topology::{EDGES, Policy};
use pitlane_domain::bars::{Bars, PriceUnit, Timeframe};
use pitlane_domain::book::Fault;
use pitlane_domain::decode::Reason;
use pitlane_domain::instrument::{Instrument, Venue};
use pitlane_domain::intake::{FactKind, Fate, NOTICE_NAMES};
use pitlane_domain::market::Market;
use pitlane_domain::message::{ConnectionEvent, Issue, Kind, ResetReason, Side};
use pitlane_domain::units::{Grid, Lots, Ticks};
use pitlane_edges::live::session::Counts;
use pitlane_lockfree::counters::{Snapshot, Value};
use pitlane_lockfree::tick::RecoveryReport;
use pitlane_runtime::runner::ExitReport;
use std::collections::BTreeMap;

/// What there is to report.
pub(crate) struct Facts<'a> {
    pub names: Vec<String>,
    pub exit: ExitReport,
    pub wall_ns: u64,
    pub page: Snapshot,
    pub recovery: RecoveryReport,
    pub ticks_per_second: u64,
    pub closings: &'a Closings,
}

/// The report.
pub(crate) fn report(facts: &Facts<'_>) -> Report {
    let mut report = Report {
        sources: facts.names.clone(),
        wall_ns: facts.wall_ns,
        latency_ns: latencies(&facts.page),
        edges: edges(&facts.page, facts.ticks_per_second),
        recovery: recovery(facts),
        ..Report::default()
    };
    let faults = facts.exit.failures.iter().map(ToString::to_string);
    report.faults.extend(faults);
    if let Some(fed) = facts.closings.fed.get() {
        feed(&mut report, fed);
    }
    if let Some(market) = facts.closings.market.get() {
        self::market(&mut report, market);
    }
    if let Some(stored) = facts.closings.stored.get() {
        report.rows_stored = stored.rows.inserted + stored.rows.replayed;
    }
    // After a failure the sums cannot balance; the failure is what there is to say.
    if facts.exit.ok {
        let faults = balance(facts, &report);
        report.faults.extend(faults);
    }
    let per_second =
        u128::from(report.last_sequence) * 1_000_000_000 / u128::from(report.wall_ns.max(1));
    report.events_per_s = u64::try_from(per_second).unwrap_or(u64::MAX);
    report
}

/// What was refused, by place and cause.
fn by_place(counts: &Counts) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut places = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (place, cause, count) in counts.causes.met() {
        let causes = places.entry(place.to_owned()).or_default();
        causes.insert(cause.to_owned(), count);
    }
    places
}

fn feed(report: &mut Report, fed: &Fed) {
    report.faults.extend(fed.failure.clone());
    // A live source has no end but this.
    report.stopped = fed.stopped && fed.live.is_none();
    report.live = fed.live.map(|counts| LiveReport {
        recalled: fed.recalled,
        connects: counts.connects,
        disconnects: counts.disconnects,
        dial_failures: counts.dial_failures,
        handovers: counts.handovers,
        requests: counts.requests,
        request_failures: counts.request_failures,
        rate_limited: counts.rate_limited,
        breaker_trips: counts.breaker_trips,
        tick_gaps: counts.tick_gaps,
        known_frames: counts.known_frames,
        refused: by_place(&counts),
        thrown_away: counts.thrown_away,
        issues: named(Issue::ALL.iter().map(|(_, name)| name).zip(counts.issues)),
        ..LiveReport::default()
    });
    for source in &fed.reports {
        for refused in &source.refused {
            *report
                .source_refused
                .entry(refused.reason.to_owned())
                .or_default() += refused.count;
        }
        if let Some(cut) = &source.cut {
            report.warnings.push(format!(
                "{}: {} bytes at its end hold no whole frame: {}",
                source.source, cut.bytes, cut.reason
            ));
        }
        if source.unit_changes > 0 {
            report.warnings.push(format!(
                "{}: the unit of the receive times changed {} times; each line was read in its own",
                source.source, source.unit_changes
            ));
        }
        if source.time_reversals > 0 {
            report.warnings.push(format!(
                "{}: {} receive times run backwards",
                source.source, source.time_reversals
            ));
        }
        for refused in &source.refused {
            report.warnings.push(format!(
                "{}: {} refused as {}",
                refused.first, refused.count, refused.reason
            ));
        }
    }
    let Some(intake) = &fed.intake else { return };
    let counts = intake.counts();
    if let Some(live) = &mut report.live {
        live.filled = counts.total.trades_filled;
        live.caught_up = counts.total.trades_caught_up;
        live.late = counts.total.trades_late;
        live.unsupplied = counts.total.trades_unsupplied;
        live.held = counts.total.trades_held;
        live.snapshots = counts.total.snapshots_used;
    }
    report.frames = counts.frames;
    report.frames_rejected = named(
        Reason::ALL
            .map(|(_, name)| name)
            .iter()
            .zip(counts.rejected),
    );
    report.notices = named(NOTICE_NAMES.iter().zip(counts.notices));
    let facts = FactKind::ALL
        .iter()
        .map(|(kind, name)| (name, counts.total.facts(*kind)));
    report.facts = named(facts);
    let total = &counts.total;
    let backfill = [
        ("held", total.trades_held),
        ("filled", total.trades_filled),
        ("late", total.trades_late),
        ("caught_up", total.trades_caught_up),
        ("unsupplied", total.trades_unsupplied),
        ("forgotten", total.trades_forgotten),
        ("elements_refused", total.elements_refused),
    ];
    report.backfill = named(backfill.iter().map(|(name, count)| (name, *count)));
    report.duplicates = counts.total.fate(Fate::Duplicate);
    report.superseded = counts.total.fate(Fate::Superseded) + counts.total.fate(Fate::Stale);
    report.waiting = counts.total.fate(Fate::Buffered);
    for (venue, name) in Venue::ALL {
        let clock = counts.clock(venue);
        if let (Some(min), Some(max), Some(estimate)) = (clock.min(), clock.max(), clock.estimate())
        {
            report
                .clock_skew_ns
                .insert(name.to_owned(), SkewReport { min, max, estimate });
        }
        if clock.suspect() > 0 {
            // What is received now has its time from here; then it is a recording that is heard.
            let cause = if report.live.is_some() {
                "it plays a recording, unless one of the two clocks is wrong"
            } else {
                "are their units mixed up?"
            };
            report.warnings.push(format!(
                "{name}: {} receive times lie more than a day from the venue's time; {cause}",
                clock.suspect()
            ));
        }
    }
}

fn market(report: &mut Report, market: &Market) {
    let counts = market.counts();
    report.events = Kind::ALL
        .iter()
        .map(|(kind, name)| ((*name).to_owned(), counts.applied(*kind)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let events = ConnectionEvent::ALL.map(|(_, name)| name);
    report.connection = named(events.iter().zip(counts.connection));
    report.last_sequence = market.last().sequence;
    report.trades = counts.trades;
    report.book_updates = counts.book_updates;
    let refreshed = Fault::from(ResetReason::Refreshed);
    let lost = Fault::ALL.iter().filter(|(fault, _)| *fault != refreshed);
    let books = lost.map(|(fault, name)| (format!("book_{name}"), counts.book_gaps(*fault)));
    report.gap_kinds = books.filter(|(_, count)| *count > 0).collect();
    if counts.trade_gaps > 0 {
        report
            .gap_kinds
            .insert("trades".to_owned(), counts.trade_gaps);
    }
    report.gaps = report.gap_kinds.values().sum();
    report.checksums = ChecksumReport {
        verified: counts.checksums_verified,
        failed: counts.checksums_failed,
        skipped: counts.checksums_skipped,
    };
    report.touch = TouchReport {
        compared: counts.touch.compared,
        mismatched: counts.touch.mismatched,
        skipped: counts.touch.skipped,
        waiting: market
            .instruments()
            .map(|(_, state)| state.quotes().waiting() as u64)
            .sum(),
    };
    for (timeframe, closed) in Timeframe::ALL.iter().zip(counts.bars.closed) {
        report.bars.insert(timeframe.name().to_owned(), closed);
    }
    for (_, state) in market.instruments() {
        let instrument = state.instrument();
        let symbol = instrument.symbol.to_string();
        let totals = state.totals();
        if totals.trades > 0 {
            let qty = instrument.lot_size.show(totals.quantity.0).to_string();
            report.traded_qty.insert(symbol.clone(), qty);
        }
        if let Some(book) = state.book() {
            let px = |best: Option<(Ticks, Lots)>| {
                best.map(|(px, _)| instrument.tick_size.show(px.0).to_string())
            };
            let top = |side| {
                let shown = |(px, qty): (Ticks, Lots)| {
                    let (px, qty) = (
                        instrument.tick_size.show(px.0),
                        instrument.lot_size.show(qty.0),
                    );
                    [px.to_string(), qty.to_string()]
                };
                book.top(side, SHOWN).map(shown).collect()
            };
            let book = BookReport {
                bids: top(Side::Bid),
                asks: top(Side::Ask),
                last_update_id: book.last_id(),
                // Out of step there is no price to speak of.
                best_bid: px(book.best_bid().filter(|_| book.is_in_step())),
                best_ask: px(book.best_ask().filter(|_| book.is_in_step())),
                state: book.quality().name().to_owned(),
            };
            report.books.insert(symbol.clone(), book);
        }
        if state.bars().is_started() {
            let bars = Timeframe::ALL.iter().map(|timeframe| {
                let bars = last_bars(state.bars(), *timeframe, instrument);
                (timeframe.name().to_owned(), bars)
            });
            report.last_bars.insert(symbol, bars.collect());
        }
    }
    let timeframes = Timeframe::ALL.map(Timeframe::name);
    report.bars_revised = named(timeframes.iter().zip(counts.bars.revised));
    report.state_hash = format!("{:016x}", market.state_hash());
    report.content_hash = format!("{:016x}", market.content_hash());
}

/// The latest closed bars, oldest first.
fn last_bars(bars: &Bars, timeframe: Timeframe, instrument: &Instrument) -> Vec<BarReport> {
    let closed: Vec<_> = bars.closed(timeframe).collect();
    let grid = match bars.unit() {
        PriceUnit::Ticks => instrument.tick_size,
        PriceUnit::HalfTicks => half(instrument.tick_size),
    };
    let px = |ticks: Ticks| grid.show(ticks.0).to_string();
    let qty = |lots: Lots| instrument.lot_size.show(lots.0).to_string();
    let shown = closed[closed.len().saturating_sub(SHOWN)..]
        .iter()
        .map(|bar| BarReport {
            open_ms: bar.open_ts.ms(),
            open: px(bar.open),
            high: px(bar.high),
            low: px(bar.low),
            close: px(bar.close),
            volume: qty(bar.volume),
            buy_volume: qty(bar.taker_buy_volume),
            trades: bar.trades,
        });
    shown.collect()
}

/// Half a step, in which the mid of two prices is exact; the step itself if it has no decimal to spare.
fn half(grid: Grid) -> Grid {
    grid.mantissa()
        .checked_mul(5)
        .and_then(|five| Grid::new(five, grid.scale() + 1))
        .unwrap_or(grid)
}

/// Every sum that must balance, and does not.
fn balance(facts: &Facts<'_>, report: &Report) -> Vec<String> {
    let mut faults = Vec::new();
    let closings = facts.closings;
    let (Some(fed), Some(sequenced), Some(recorded), Some(market), Some(stored)) = (
        closings.fed.get(),
        closings.sequenced.get(),
        closings.recorded.get(),
        closings.market.get(),
        closings.stored.get(),
    ) else {
        // Then an agent failed, and the failure stands in the report.
        return faults;
    };
    let mut same = |what: &str, left: u64, right: u64| {
        if left != right {
            faults.push(format!("sums do not balance: {what}: {left} and {right}"));
        }
    };
    let counts = market.counts();
    same(
        "sequenced and applied by the market",
        sequenced.last,
        counts.applied.iter().sum(),
    );
    same(
        "sequenced and recorded",
        sequenced.last,
        recorded.appended + recorded.verified,
    );
    if let Some(intake) = &fed.intake {
        let emitted = intake.counts().messages_total();
        same(
            "inputs and sequenced",
            emitted + fed.recalled + counts.applied(Kind::Timer),
            sequenced.last,
        );
    }
    let rows = &stored.rows;
    same(
        "trades recorded and taken by storage",
        counts.applied(Kind::Trade),
        rows.received + rows.replayed,
    );
    same(
        "rows received and stored, known or skipped",
        rows.received,
        rows.inserted + rows.duplicates + rows.skipped_total(),
    );
    // After a torn end was cut the database may have been ahead; once the input has been played again it no longer is.
    if stored.begun_at > sequenced.last && !fed.stopped {
        faults.push(format!(
            "the database ends at sequence {}, the input at {}: it was written from another input; name another \
             database, or move it away and it is rebuilt",
            stored.begun_at, sequenced.last
        ));
    }
    if let Some(intake) = &fed.intake
        && let Err(what) = intake.balance()
    {
        faults.push(format!("sums do not balance: intake: {what}"));
    }
    for source in &fed.reports {
        if !source.balances() {
            faults.push(format!("sums do not balance: {source}"));
        }
    }
    let unknown = counts.unknown_kinds
        + counts.unknown_instruments
        + counts.bad_payloads
        + counts.bad_definitions;
    if unknown > 0 {
        faults.push(format!("{unknown} sequenced messages could not be applied"));
    }
    if report
        .edges
        .values()
        .any(|edge| edge.dropped > 0 && !edge.lossy)
    {
        faults.push("a lossless edge dropped messages".to_owned());
    }
    faults
}

fn recovery(facts: &Facts<'_>) -> RecoveryLine {
    let recovered = &facts.recovery;
    RecoveryLine {
        records: recovered.records,
        cut: recovered.cut_records,
        verified: facts
            .closings
            .recorded
            .get()
            .map_or(0, |recorded| recorded.verified),
        reason: recovered.reason.as_ref().map(ToString::to_string),
    }
}

fn latencies(page: &Snapshot) -> BTreeMap<String, LatencyReport> {
    let stages = page.entries.iter().filter_map(|entry| match &entry.value {
        Value::Histogram(histogram) if histogram.count > 0 => {
            let stage = entry.label.strip_prefix("latency.")?;
            let report = LatencyReport {
                count: histogram.count,
                p50: histogram.quantile(0.50),
                p90: histogram.quantile(0.90),
                p99: histogram.quantile(0.99),
                p999: histogram.quantile(0.999),
                max: histogram.max,
            };
            Some((stage.to_owned(), report))
        }
        _ => None,
    });
    stages.collect()
}

fn edges(page: &Snapshot, ticks_per_second: u64) -> BTreeMap<String, EdgeReport> {
    let mut edges = BTreeMap::new();
    for edge in EDGES {
        if matches!(edge.policy, Policy::Tail | Policy::Page) {
            continue;
        }
        let of_edge =
            |name: &str| name == edge.name || name.starts_with(&format!("{}.", edge.name));
        let mut found = false;
        // A log edge is one ring an agent; they are reported together.
        let mut report = EdgeReport {
            lossy: edge.policy == Policy::Lossy,
            ..EdgeReport::default()
        };
        for entry in &page.entries {
            let Some(label) = entry.label.strip_prefix("edge.") else {
                continue;
            };
            let Some((name, what)) = label.rsplit_once('.') else {
                continue;
            };
            if !of_edge(name) {
                continue;
            }
            found = true;
            let value = entry.value.number();
            match what {
                "sent" => report.passed += value,
                "high_water" => report.high_water = report.high_water.max(value),
                "blocked_ticks" => {
                    let ns =
                        u128::from(value) * 1_000_000_000 / u128::from(ticks_per_second.max(1));
                    report.blocked_ns += u64::try_from(ns).unwrap_or(u64::MAX);
                }
                "dropped" => report.dropped += value,
                "replaced" => report.conflated += value,
                _ => {}
            }
        }
        // Some are there only with a live source.
        if found {
            edges.insert(edge.name.to_owned(), report);
        }
    }
    edges
}

fn named<'a>(counts: impl Iterator<Item = (&'a &'static str, u64)>) -> BTreeMap<String, u64> {
    counts
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| ((*name).to_owned(), count))
        .collect()
}
