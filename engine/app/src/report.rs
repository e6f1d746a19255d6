//! What a run ended with: the facts once, for a person as text and for programs as JSON with stable keys.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything `pitlane replay` and `pitlane run` end with.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Where the input came from.
    pub sources: Vec<String>,
    /// Raw frames read.
    pub frames: u64,
    /// Frames refused, by reason.
    pub frames_rejected: BTreeMap<String, u64>,
    /// Frames that concern no instrument, by kind.
    pub notices: BTreeMap<String, u64>,
    /// Lines or blocks of the source itself that could not become a frame, by reason.
    pub source_refused: BTreeMap<String, u64>,
    /// Facts in the frames, by kind.
    pub facts: BTreeMap<String, u64>,
    /// Sequenced messages, by kind.
    pub events: BTreeMap<String, u64>,
    /// Last sequence number.
    pub last_sequence: u64,
    /// Trades applied.
    pub trades: u64,
    /// Traded quantity per instrument, as decimal text.
    pub traded_qty: BTreeMap<String, String>,
    /// Complete depth updates applied.
    pub book_updates: u64,
    /// Holes in update ids and trade ids, crossed books and the like: each time what is known broke off.
    pub gaps: u64,
    /// The gaps, by what broke.
    pub gap_kinds: BTreeMap<String, u64>,
    /// Depth events that still wait for a snapshot.
    pub waiting: u64,
    /// News of connections, by event.
    pub connection: BTreeMap<String, u64>,
    /// What became of missing trades, by its name: those that waited for them, those that came after all, and how late.
    pub backfill: BTreeMap<String, u64>,
    /// Frames whose content had been seen before.
    pub duplicates: u64,
    /// Frames older than what was known, or of a stream another one supersedes.
    pub superseded: u64,
    /// Signals, by kind.
    pub signals: BTreeMap<String, u64>,
    /// Closed bars, by timeframe.
    pub bars: BTreeMap<String, u64>,
    /// Times a closed bar was changed by a trade that came late or a gap, by timeframe.
    pub bars_revised: BTreeMap<String, u64>,
    /// Rows in the database from this input.
    pub rows_stored: u64,
    /// Comparisons of the reconstructed touch with the venue's own, and those that differed.
    pub touch: TouchReport,
    /// Books held against the venue's own checksum.
    pub checksums: ChecksumReport,
    /// Receipt minus venue time, per venue, ns.
    pub clock_skew_ns: BTreeMap<String, SkewReport>,
    /// What recovery found in the tick store.
    pub recovery: RecoveryLine,
    /// What a live source did besides; absent for any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveReport>,
    /// From the first poll to the last, ns.
    pub wall_ns: u64,
    /// Sequenced messages per second of wall time.
    pub events_per_s: u64,
    /// Latency by stage.
    pub latency_ns: BTreeMap<String, LatencyReport>,
    /// Each edge's pressure.
    pub edges: BTreeMap<String, EdgeReport>,
    /// Final books.
    pub books: BTreeMap<String, BookReport>,
    /// The latest closed bars, by instrument and timeframe.
    pub last_bars: BTreeMap<String, BTreeMap<String, Vec<BarReport>>>,
    /// Digest of all market state at the last sequence number.
    pub state_hash: String,
    /// Digest of what the venue said, regardless of when and how it arrived.
    pub content_hash: String,
    /// Whether it was told to stop before the input ended.
    pub stopped: bool,
    /// What was counted and survived, in words: refused lines, torn ends, suspect clocks.
    pub warnings: Vec<String>,
    /// Sums that do not balance, and agents that failed; empty in a good run.
    pub faults: Vec<String>,
}

/// Books held against the checksums of venues that send one.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ChecksumReport {
    /// The same.
    pub verified: u64,
    /// Another: the book was out of step from there on.
    pub failed: u64,
    /// Not looked at, because the book was out of step already.
    pub skipped: u64,
}

/// Agreement of the reconstructed touch with the venue's own quotes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct TouchReport {
    /// Comparisons made.
    pub compared: u64,
    /// Comparisons in which price or quantity differed.
    pub mismatched: u64,
    /// Depth updates that no quote could be held against.
    pub skipped: u64,
    /// Depth updates still waiting for a quote that is as new.
    pub waiting: u64,
}

/// Receipt minus venue time.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct SkewReport {
    /// Smallest seen.
    pub min: i64,
    /// Largest seen.
    pub max: i64,
    /// The estimate of the clocks' offset.
    pub estimate: i64,
}

/// What recovery found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RecoveryLine {
    /// Records found whole.
    pub records: u64,
    /// Records cut behind the last whole one.
    pub cut: u64,
    /// Records played again and found equal.
    pub verified: u64,
    /// Why something was cut.
    pub reason: Option<String>,
}

/// Connections, requests and repairs of a live source.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveReport {
    /// Inputs of an earlier run that were passed on again.
    pub recalled: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Connections that were not made.
    pub dial_failures: u64,
    /// Successors that took over.
    pub handovers: u64,
    /// Snapshots that became the book.
    pub snapshots: u64,
    /// Missing trades that were fetched.
    pub filled: u64,
    /// Trades fetched that lay behind the last one: at a start, or while a stream was silent.
    pub caught_up: u64,
    /// Of these, too late to go on in their order.
    pub late: u64,
    /// Missing trades that the venue could not supply.
    pub unsupplied: u64,
    /// Times ticks of a currency pair broke off; none that were missed can be had.
    pub tick_gaps: u64,
    /// Trades that waited for missing ones.
    pub held: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests that failed or were refused.
    pub request_failures: u64,
    /// Times a venue asked for silence.
    pub rate_limited: u64,
    /// Times a breaker opened.
    pub breaker_trips: u64,
    /// Frames a successor brought again.
    pub known_frames: u64,
    /// What was refused or came to nothing: messages, connections and requests, each by cause.
    pub refused: BTreeMap<String, BTreeMap<String, u64>>,
    /// Frames thrown away for lack of room.
    pub thrown_away: u64,
    /// Issues of connections and instruments that began, by name; each may have lasted.
    pub issues: BTreeMap<String, u64>,
}

/// Percentiles of one stage.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[expect(missing_docs, reason = "percentiles, ns")]
pub struct LatencyReport {
    pub count: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

/// Pressure on one edge.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct EdgeReport {
    /// Messages that passed.
    pub passed: u64,
    /// Most messages waiting at once.
    pub high_water: u64,
    /// Time the writer was not polled for lack of room, ns.
    pub blocked_ns: u64,
    /// Messages dropped.
    pub dropped: u64,
    /// Messages replaced by newer ones.
    pub conflated: u64,
    /// Whether the edge may drop.
    #[serde(skip)]
    pub lossy: bool,
}

/// A book at the end.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BookReport {
    /// The venue's last update id applied.
    pub last_update_id: u64,
    /// Best bid, decimal text.
    pub best_bid: Option<String>,
    /// Best ask, decimal text.
    pub best_ask: Option<String>,
    /// Quality of the book.
    pub state: String,
    /// The best levels, best first: price and quantity as decimal text.
    pub bids: Vec<[String; 2]>,
    /// The best levels, best first: price and quantity as decimal text.
    pub asks: Vec<[String; 2]>,
}

/// A closed bar; prices and quantities as decimal text.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BarReport {
    /// Start, ms since 1970.
    pub open_ms: i64,
    /// First price.
    pub open: String,
    /// Highest price.
    pub high: String,
    /// Lowest price.
    pub low: String,
    /// Last price.
    pub close: String,
    /// Traded quantity.
    pub volume: String,
    /// Of that, bought by aggressors.
    pub buy_volume: String,
    /// Number of trades.
    pub trades: u64,
}

/// Levels a side, and bars a timeframe, in the report.
pub const SHOWN: usize = 20;

/// The stages of a tick in their order, and what each is measured over.
const STAGES: [(&str, &str); 6] = [
    ("behind", "due to taken"),
    ("socket", "socket to sequencer"),
    ("decode", "frame to messages"),
    ("market", "ingress to book and bars"),
    ("record", "ingress to tick store"),
    ("commit", "one transaction"),
];

impl Report {
    /// Whether every input was accounted for and no agent failed.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    /// The report as text for a terminal of 100 columns.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write_counts(&mut text);
        self.write_latency(&mut text);
        self.write_edges(&mut text);
        self.write_books(&mut text);
        let _ = writeln!(
            text,
            "\nstate hash {} at sequence {}\ncontent hash {}",
            self.state_hash,
            thousands(self.last_sequence),
            self.content_hash
        );
        if self.stopped {
            text.push_str(
                "stopped before the input ended; the same command with the same --out goes on\n",
            );
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        for fault in &self.faults {
            let _ = writeln!(text, "fault: {fault}");
        }
        text
    }

    fn write_counts(&self, text: &mut String) {
        let mut line = |label: &str, value: String| {
            let _ = writeln!(text, "{label:<14} {value}");
        };
        for source in &self.sources {
            line("source", source.clone());
        }
        let rejected: u64 = self.frames_rejected.values().sum();
        line(
            "frames",
            format!(
                "{:>13}{}",
                thousands(self.frames),
                listed(rejected, "rejected", &self.frames_rejected)
            ),
        );
        let refused: u64 = self.source_refused.values().sum();
        if refused > 0 {
            line(
                "refused",
                format!(
                    "{:>13} by the source{}",
                    thousands(refused),
                    listed(0, "", &self.source_refused)
                ),
            );
        }
        line(
            "events",
            format!(
                "{:>13}   {}",
                thousands(self.last_sequence),
                pairs(&self.events)
            ),
        );
        line(
            "trades",
            format!(
                "{:>13}   {}",
                thousands(self.trades),
                texts(&self.traded_qty)
            ),
        );
        line(
            "book updates",
            format!(
                "{:>13}   {}",
                thousands(self.book_updates),
                self.touch_text()
            ),
        );
        line(
            "gaps",
            format!("{:>13}   {}", thousands(self.gaps), pairs(&self.gap_kinds)),
        );
        line(
            "duplicates",
            format!(
                "{:>13}   superseded {}",
                thousands(self.duplicates),
                thousands(self.superseded)
            ),
        );
        if !self.backfill.is_empty() {
            line(
                "backfill",
                format!("{:>13}   {}", "", pairs(&self.backfill)),
            );
        }
        if !self.connection.is_empty() {
            line(
                "connection",
                format!(
                    "{:>13}   {}",
                    thousands(self.connection.values().sum()),
                    pairs(&self.connection)
                ),
            );
        }
        let checksums = &self.checksums;
        if checksums.verified + checksums.failed + checksums.skipped > 0 {
            line(
                "checksums",
                format!(
                    "{:>13}   verified, failed {}, skipped {}",
                    thousands(checksums.verified),
                    thousands(checksums.failed),
                    thousands(checksums.skipped)
                ),
            );
        }
        if let Some(live) = &self.live {
            line("live", live.connections_text());
            line("", live.repairs_text());
            if !live.issues.is_empty() {
                line("", format!("{:>13} issues: {}", "", pairs(&live.issues)));
            }
            for (place, causes) in &live.refused {
                line("", format!("{:>13} refused: {}", place, pairs(causes)));
            }
        }
        line(
            "signals",
            format!(
                "{:>13}   {}",
                thousands(self.signals.values().sum()),
                pairs(&self.signals)
            ),
        );
        line(
            "bars closed",
            format!(
                "{:>13}   {}",
                thousands(self.bars.values().sum()),
                pairs(&self.bars)
            ),
        );
        if !self.bars_revised.is_empty() {
            line(
                "bars revised",
                format!(
                    "{:>13}   {}",
                    thousands(self.bars_revised.values().sum()),
                    pairs(&self.bars_revised)
                ),
            );
        }
        line(
            "rows stored",
            format!("{:>13}", thousands(self.rows_stored)),
        );
        for (venue, skew) in &self.clock_skew_ns {
            let shown = format!(
                "{:>10} ms   {venue}: receipt minus venue time, {} to {} ms",
                ms(skew.estimate),
                ms(skew.min),
                ms(skew.max)
            );
            line("clock offset", shown);
        }
        if self.recovery.records > 0 || self.recovery.cut > 0 {
            let reason = self
                .recovery
                .reason
                .as_deref()
                .map_or(String::new(), |reason| format!(" ({reason})"));
            let (found, cut) = (
                thousands(self.recovery.records),
                thousands(self.recovery.cut),
            );
            let again = thousands(self.recovery.verified);
            line(
                "recovered",
                format!(
                    "{found:>13}   records found, {again} played again and equal, {cut} cut{reason}"
                ),
            );
        }
        line(
            "wall time",
            format!(
                "{:>10} ms   {} events/s",
                ms(self.wall_ns.cast_signed()),
                thousands(self.events_per_s)
            ),
        );
    }

    fn touch_text(&self) -> String {
        match self.touch.compared {
            0 => String::new(),
            compared => format!(
                "touch equal to the venue's in {} of {} comparisons",
                thousands(compared - self.touch.mismatched),
                thousands(compared)
            ),
        }
    }

    fn write_latency(&self, text: &mut String) {
        let heads = ["p50", "p90", "p99", "p99.9", "max"];
        let _ = write!(text, "\n{:<9}", "latency");
        for head in heads {
            let _ = write!(text, " {head:>10}");
        }
        let _ = writeln!(text, " {:>9}", "count");
        for (stage, meaning) in STAGES {
            let Some(l) = self.latency_ns.get(stage).filter(|l| l.max > 0) else {
                continue;
            };
            let _ = write!(text, "{stage:<9}");
            for value in [l.p50, l.p90, l.p99, l.p999, l.max] {
                let _ = write!(text, " {:>10}", duration(value));
            }
            let _ = writeln!(text, " {:>9}  {meaning}", thousands(l.count));
        }
    }

    fn write_edges(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{:<20} {:>12} {:>11} {:>13} {:>9} {:>10}",
            "edge", "passed", "high water", "back-pressure", "dropped", "conflated"
        );
        for (name, edge) in &self.edges {
            let _ = writeln!(
                text,
                "{name:<20} {:>12} {:>11} {:>13} {:>9} {:>10}",
                thousands(edge.passed),
                thousands(edge.high_water),
                duration(edge.blocked_ns),
                thousands(edge.dropped),
                thousands(edge.conflated)
            );
        }
    }

    fn write_books(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{:<20} {:>16} {:>14} {:>14}   state",
            "book", "update id", "best bid", "best ask"
        );
        for (symbol, book) in &self.books {
            let side = |px: &Option<String>| px.clone().unwrap_or_else(|| "-".to_owned());
            let (bid, ask) = (side(&book.best_bid), side(&book.best_ask));
            let _ = writeln!(
                text,
                "{symbol:<20} {:>16} {bid:>14} {ask:>14}   {}",
                book.last_update_id, book.state
            );
        }
    }
}

impl LiveReport {
    fn connections_text(&self) -> String {
        format!(
            "{:>13} connections made, {} lost, {} handed over, {} not made; {} requests, {} failed, {} told to wait; \
             breaker opened {} times",
            thousands(self.connects),
            thousands(self.disconnects),
            thousands(self.handovers),
            thousands(self.dial_failures),
            thousands(self.requests),
            thousands(self.request_failures),
            thousands(self.rate_limited),
            thousands(self.breaker_trips),
        )
    }

    fn repairs_text(&self) -> String {
        format!(
            "{:>13} snapshots used; {} missing trades fetched, {} of them late, {} not to be had; {} caught up at a start or behind a silence; ticks broke off {} times; {} frames thrown away",
            thousands(self.snapshots),
            thousands(self.filled),
            thousands(self.late),
            thousands(self.unsupplied),
            thousands(self.caught_up),
            thousands(self.tick_gaps),
            thousands(self.thrown_away),
        )
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Nanoseconds with a unit that keeps three or four digits.
#[expect(clippy::cast_precision_loss, reason = "for reading, not for reckoning")]
pub fn duration(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{:.1} us", ns as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.1} s", ns as f64 / 1e9),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for reading, not for reckoning")]
fn ms(ns: i64) -> String {
    format!("{:.1}", ns as f64 / 1e6)
}

fn pairs(counts: &BTreeMap<String, u64>) -> String {
    let shown = counts
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(name, n)| format!("{name} {}", thousands(*n)));
    shown.collect::<Vec<_>>().join(", ")
}

fn texts(values: &BTreeMap<String, String>) -> String {
    values
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn listed(total: u64, word: &str, counts: &BTreeMap<String, u64>) -> String {
    let shown = pairs(counts);
    match (word.is_empty(), shown.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("   {shown}"),
        (false, true) => format!("   {word} {}", thousands(total)),
        (false, false) => format!("   {word} {} ({shown})", thousands(total)),
    }
}

#[cfg(test)]
mod tests;
