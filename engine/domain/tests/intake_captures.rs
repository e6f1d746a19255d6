//! Real captures through the intake: no gap where nothing is missing, exactly the gaps that were made, the true book.
//!
//! The captures are not part of the repository. Each test is skipped, and says so, where they are absent.

#![expect(
    clippy::unwrap_used,
    reason = "a capture that cannot be read fails the test"
)]

use flate2::read::MultiGzDecoder;
use pitlane_domain::decode::Reason;
use pitlane_domain::instrument::{Instrument, InstrumentId, InstrumentTable, Symbol, Venue};
use pitlane_domain::intake::{FactKind, Fate, Intake, IntakeOptions};
use pitlane_domain::message::{Body, BookReset, Kind, Message, ResetReason, Side, TradeGap, flag};
use pitlane_domain::sync::SyncState;
use pitlane_domain::units::{Grid, WallNs};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

/// The venue's own lot size is 0.00001, but levels far from the market still hold orders from before it was raised.
const SPOT: (&str, &str, &str) = ("BTCUSDT", "0.01", "0.000001");

/// One frame of a capture.
#[derive(Clone)]
struct Line {
    ts: i64,
    stream: String,
    frame: Vec<u8>,
}

/// One capture: whose frames, of which instruments.
struct Capture {
    venue: Venue,
    table: InstrumentTable,
    lines: Vec<Line>,
}

fn shared_data(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PITLANE_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(folder);
    path.is_dir().then_some(path)
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn skipped(what: &str) {
    println!("skipped: {what} is not here; PITLANE_SHARED_DATA names the folder");
}

fn table(venue: Venue, instruments: &[(&str, &str, &str)]) -> InstrumentTable {
    let mut table = InstrumentTable::default();
    for (symbol, tick, lot) in instruments {
        let symbol = Symbol::new(symbol.as_bytes()).unwrap();
        table
            .add(Instrument {
                symbol,
                venue_symbol: symbol,
                venue,
                tick_size: Grid::of_step(tick.as_bytes()).unwrap(),
                lot_size: Grid::of_step(lot.as_bytes()).unwrap(),
            })
            .unwrap();
    }
    table
}

fn stream_of(frame: &str) -> Option<&str> {
    let (_, rest) = frame.split_once("\"stream\":\"")?;
    rest.split_once('"').map(|(name, _)| name)
}

/// Files `<receipt ns> <frame>`; a snapshot stands among them without a stream name.
fn recorded(venue: Venue, instrument: (&str, &str, &str), files: &[&str]) -> Option<Capture> {
    let folder = shared_data("binance_ws_hftbacktest")?;
    let mut lines = Vec::new();
    for file in files {
        let mut text = String::new();
        MultiGzDecoder::new(fs::File::open(folder.join(file)).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        for line in text.lines() {
            let (ts, frame) = line.split_once(' ').unwrap();
            let snapshot = || format!("{}@depthSnapshot", instrument.0.to_lowercase());
            lines.push(Line {
                ts: ts.parse().unwrap(),
                stream: stream_of(frame).map_or_else(snapshot, str::to_owned),
                frame: frame.as_bytes().to_vec(),
            });
        }
    }
    Some(Capture {
        venue,
        table: table(venue, &[instrument]),
        lines,
    })
}

fn spot() -> Option<Capture> {
    let files = ["spot/btcusdt_20240808.gz", "spot/btcusdt_20240809.gz"];
    recorded(Venue::BinanceSpot, SPOT, &files)
}

fn coinm() -> Option<Capture> {
    let files = ["cm/btcusd_perp_20240808.gz", "cm/btcusd_perp_20240809.gz"];
    recorded(Venue::BinanceCoinm, ("BTCUSD_PERP", "0.1", "1"), &files)
}

type Quotes = BTreeMap<u64, [i64; 4]>;

/// What came out for one instrument, its book included.
#[derive(Default)]
struct Seen {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    incoming: Vec<(Side, i64, i64)>,
    /// Update id and best prices with sizes after each run of a book in step.
    tops: Vec<(u64, [i64; 4])>,
    quotes: Quotes,
    synced: Vec<u64>,
    resets: Vec<BookReset>,
    gaps: Vec<TradeGap>,
    trades: u64,
    off_market: u64,
    crossed: u64,
    in_step: bool,
}

impl Seen {
    fn take(&mut self, message: &Message) {
        match message.body().unwrap() {
            Body::Trade(trade) => {
                self.trades += 1;
                self.off_market += u64::from(trade.off_market);
            }
            Body::TradeGap(gap) => self.gaps.push(gap),
            Body::Quote(q) => {
                let best = [q.bid_px.0, q.bid_qty.0, q.ask_px.0, q.ask_qty.0];
                self.quotes.insert(q.update_id, best);
            }
            Body::BookReset(reset) => {
                self.resets.push(reset);
                self.in_step = false;
            }
            Body::BookSynced(synced) => {
                self.synced.push(synced.update_id);
                self.in_step = true;
            }
            Body::BookLevel(level) => {
                assert!(level.snapshot || self.in_step, "changes need a book");
                if !level.empty {
                    self.incoming.push((level.side, level.px.0, level.qty.0));
                }
                if message.has(flag::LAST) {
                    self.apply(level.snapshot, level.last_id);
                }
            }
            _ => {}
        }
    }

    fn apply(&mut self, whole: bool, last_id: u64) {
        if whole {
            self.bids.clear();
            self.asks.clear();
        }
        for (side, px, qty) in self.incoming.drain(..) {
            let levels = match side {
                Side::Bid => &mut self.bids,
                Side::Ask => &mut self.asks,
            };
            if qty == 0 {
                levels.remove(&px);
            } else {
                levels.insert(px, qty);
            }
        }
        if let (Some((bid, bid_qty)), Some((ask, ask_qty))) =
            (self.bids.last_key_value(), self.asks.first_key_value())
        {
            self.crossed += u64::from(bid >= ask);
            self.tops.push((last_id, [*bid, *bid_qty, *ask, *ask_qty]));
        }
    }

    /// How often the best prices differ from the venue's newest best prices at or below the run's id, and of how many.
    fn differences(&self, quotes: &Quotes) -> (usize, usize) {
        let pairs = self.tops.iter().filter_map(|(id, top)| {
            let (_, quote) = quotes.range(..=id).next_back()?;
            Some(top == quote)
        });
        let same: Vec<bool> = pairs.collect();
        (same.iter().filter(|same| !**same).count(), same.len())
    }

    /// The book as the venue's REST service would show it.
    fn snapshot(&self, instrument: &Instrument, last_id: u64) -> Vec<u8> {
        let side = |levels: &mut dyn Iterator<Item = (&i64, &i64)>| {
            let mut text = String::new();
            for (px, qty) in levels {
                let px = instrument.tick_size.show(*px);
                let qty = instrument.lot_size.show(*qty);
                write!(text, "[\"{px}\",\"{qty}\"],").unwrap();
            }
            text.pop();
            text
        };
        let (bids, asks) = (
            side(&mut self.bids.iter().rev()),
            side(&mut self.asks.iter()),
        );
        format!("{{\"lastUpdateId\":{last_id},\"bids\":[{bids}],\"asks\":[{asks}]}}").into_bytes()
    }
}

/// A capture being played.
struct Player {
    venue: Venue,
    intake: Intake,
    seen: Vec<Seen>,
    messages: Vec<Message>,
}

impl Player {
    fn new(capture: &Capture) -> Self {
        let seen = capture.table.iter().map(|_| Seen::default()).collect();
        Self {
            venue: capture.venue,
            intake: Intake::new(capture.table.clone(), IntakeOptions::default()),
            seen,
            messages: Vec::new(),
        }
    }

    fn line(&mut self, line: &Line) {
        let stream = line.stream.as_bytes();
        let ts_recv = WallNs(line.ts);
        // A refusal is in the counts.
        let _ = self.intake.frame(self.venue, stream, ts_recv, &line.frame);
        while let Some(message) = self.intake.pop() {
            self.seen[message.instrument().index()].take(&message);
            self.messages.push(message);
        }
    }

    fn play<'a>(capture: &Capture, lines: impl IntoIterator<Item = &'a Line>) -> Self {
        let mut player = Self::new(capture);
        for line in lines {
            player.line(line);
        }
        let last = capture.lines.last().map_or(0, |line| line.ts);
        player.intake.finish(WallNs(last));
        player.intake.balance().unwrap();
        player
    }

    fn status(&self) -> (SyncState, Option<u64>) {
        let status = self.intake.book_status(InstrumentId(0)).unwrap();
        (status.state, status.book_id)
    }
}

fn number(frame: &[u8], key: &str) -> Option<u64> {
    let text = std::str::from_utf8(frame).unwrap();
    let (_, rest) = text.split_once(&format!("\"{key}\":"))?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

/// Places of the lines of a stream, such as `@trade`.
fn places(capture: &Capture, stream: &str) -> Vec<usize> {
    let of_stream = |line: &Line| line.stream.contains(stream);
    (0..capture.lines.len())
        .filter(|&at| of_stream(&capture.lines[at]))
        .collect()
}

#[test]
fn day_pairs_play_as_one_without_a_gap() {
    // Differences: the recorder missed one best price of spot twice, as its publishers found too.
    for (venue, instrument, files, diffs, trades, quotes, different) in [
        (
            Venue::BinanceSpot,
            SPOT,
            &["spot/btcusdt_20240808.gz", "spot/btcusdt_20240809.gz"][..],
            6_495,
            19_904,
            73_174,
            2,
        ),
        (
            Venue::BinanceCoinm,
            ("BTCUSD_PERP", "0.1", "1"),
            &["cm/btcusd_perp_20240808.gz", "cm/btcusd_perp_20240809.gz"][..],
            44_795,
            5_235,
            48_355,
            0,
        ),
        (
            Venue::BinanceUsdm,
            ("BTCUSDT", "0.1", "0.001"),
            &["usdm/btcusdt_20240808.gz"][..],
            6_551,
            21_313,
            66_089,
            0,
        ),
        (
            Venue::BinanceUsdm,
            ("ETHUSDT", "0.01", "0.001"),
            &["usdm/ethusdt_20240808.gz"][..],
            6_586,
            14_076,
            53_992,
            0,
        ),
    ] {
        let Some(capture) = recorded(venue, instrument, files) else {
            return skipped("binance_ws_hftbacktest");
        };
        let player = Player::play(&capture, &capture.lines);
        let counts = player.intake.counts();
        let total = &counts.total;
        assert_eq!(counts.frames, capture.lines.len() as u64);
        assert_eq!(counts.decoded, counts.frames);
        assert_eq!(total.facts(FactKind::DepthDiff), diffs);
        assert_eq!(total.of(FactKind::Trade, Fate::Emitted), trades);
        assert_eq!(total.of(FactKind::Quote, Fate::Emitted), quotes);
        assert_eq!(total.snapshots_used, 1);
        assert_eq!(total.fate(Fate::Buffered), 0);
        for fate in [Fate::Duplicate, Fate::Stale, Fate::Superseded] {
            assert_eq!(total.fate(fate), 0);
        }
        let seen = &player.seen[0];
        assert_eq!((&seen.resets, &seen.gaps), (&vec![], &vec![]));
        assert_eq!((seen.synced.len(), seen.crossed), (1, 0));
        let (wrong, compared) = seen.differences(&seen.quotes);
        assert_eq!(wrong, different, "{instrument:?}");
        assert!(compared as u64 > diffs - 60, "{compared} compared");
        // This recorder's clock stood 1.27 s behind the venue's.
        let clock = counts.clock(venue);
        let (min, estimate) = (clock.min().unwrap(), clock.estimate().unwrap());
        assert!((-1_400_000_000..-1_100_000_000).contains(&min), "{min}");
        assert!((min..-1_100_000_000).contains(&estimate), "{estimate}");
        assert_eq!(clock.suspect(), 0);
    }
}

#[test]
fn deleted_trades_are_told_as_missing_once_each() {
    for capture in [spot(), coinm()] {
        let Some(capture) = capture else {
            return skipped("binance_ws_hftbacktest");
        };
        let trades = places(&capture, "@trade");
        let id = |at: usize| number(&capture.lines[trades[at]].frame, "t").unwrap();
        let mut gone: Vec<usize> = (100..110).collect();
        gone.extend([500, 502, 4_000]);
        let lines = (0..capture.lines.len())
            .filter(|at| !gone.iter().any(|g| trades[*g] == *at))
            .map(|at| &capture.lines[at]);
        let player = Player::play(&capture, lines);
        let hole = |from, to| TradeGap {
            first_id: id(from),
            last_id: id(to),
        };
        assert_eq!(
            player.seen[0].gaps,
            [
                hole(100, 109),
                hole(500, 500),
                hole(502, 502),
                hole(4_000, 4_000)
            ]
        );
        let total = &player.intake.counts().total;
        assert_eq!((total.trade_gaps, total.trades_missing), (4, 13));
        assert_eq!(player.seen[0].resets, []);
    }
}

#[test]
fn a_deleted_depth_event_loses_the_book_until_a_snapshot() {
    for capture in [spot(), coinm()] {
        let Some(capture) = capture else {
            return skipped("binance_ws_hftbacktest");
        };
        let depths = places(&capture, "@depth@");
        let id = |at: usize, key| number(&capture.lines[depths[at]].frame, key).unwrap();
        let (lost, taken, answered) = (2_000, 2_003, 2_006);

        // The book as it truly stood after the event `taken`, for a snapshot that arrives after `answered`.
        let mut truth = Player::new(&capture);
        for line in &capture.lines[..=depths[taken]] {
            truth.line(line);
        }
        let last_id = id(taken, "u");
        let instrument = *capture.table.get(InstrumentId(0)).unwrap();
        let symbol = instrument.symbol.as_str().to_lowercase();
        let snapshot = Line {
            ts: capture.lines[depths[answered]].ts,
            stream: format!("{symbol}@depthSnapshot"),
            frame: truth.seen[0].snapshot(&instrument, last_id),
        };

        let mut lines = capture.lines.clone();
        lines.insert(depths[answered] + 1, snapshot);
        lines.remove(depths[lost]);
        let player = Player::play(&capture, &lines);
        let whole = Player::play(&capture, &capture.lines);

        let seen = &player.seen[0];
        let (expected_id, got_id) = if capture.venue == Venue::BinanceSpot {
            (id(lost - 1, "u") + 1, id(lost + 1, "U"))
        } else {
            (id(lost - 1, "u"), id(lost + 1, "pu"))
        };
        let reset = BookReset {
            reason: ResetReason::Gap,
            expected_id,
            got_id,
        };
        assert_eq!(seen.resets, [reset]);
        assert_eq!(seen.synced[1..], [last_id]);
        assert_eq!(player.status(), whole.status());
        assert_eq!(player.status().0, SyncState::Synced);
        assert_eq!(seen.bids, whole.seen[0].bids);
        assert_eq!(seen.asks, whole.seen[0].asks);
        let (wrong, _) = seen.differences(&seen.quotes);
        assert_eq!(wrong, whole.seen[0].differences(&seen.quotes).0);
    }
}

#[test]
fn without_a_snapshot_a_gap_is_told_once_and_the_rest_waits() {
    let Some(capture) = coinm() else {
        return skipped("binance_ws_hftbacktest");
    };
    let depths = places(&capture, "@depth@");
    let gone = [depths[20_000], depths[20_007]];
    let lines = (0..capture.lines.len()).filter(|at| !gone.contains(at));
    let player = Player::play(&capture, lines.map(|at| &capture.lines[at]));
    let total = &player.intake.counts().total;
    assert_eq!(total.resets(ResetReason::Gap), 1);
    // 24,794 events wait from then on: two buffers full, and a rest.
    let waiting = (depths.len() - 20_002) as u64;
    assert_eq!(total.resets(ResetReason::Overflow), waiting / 10_000);
    assert_eq!(total.fate(Fate::Discarded), waiting / 10_000 * 10_000);
    assert_eq!(total.fate(Fate::Buffered), waiting % 10_000);
    assert_eq!(player.status(), (SyncState::Buffering, None));
}

#[test]
fn every_frame_twice_says_nothing_new() {
    for capture in [spot(), coinm()] {
        let Some(capture) = capture else {
            return skipped("binance_ws_hftbacktest");
        };
        let once = Player::play(&capture, &capture.lines);
        // The one snapshot comes once: a second would rightly refresh the book.
        let twice = capture.lines.iter().flat_map(|line| {
            let copies = if line.stream.ends_with("@depthSnapshot") {
                1
            } else {
                2
            };
            std::iter::repeat_n(line, copies)
        });
        let twice = Player::play(&capture, twice);
        assert!(once.messages == twice.messages);
        let (once, twice) = (once.intake.counts(), twice.intake.counts());
        let repeated = twice.total.fate(Fate::Duplicate) + twice.total.fate(Fate::Covered);
        let covered = once.total.fate(Fate::Covered);
        assert_eq!(repeated - covered, once.frames - 1);
        assert_eq!(twice.messages(Kind::TradeGap), 0);
    }
}

#[test]
fn many_symbols_synchronise_each_for_itself() {
    let spot = Venue::BinanceSpot;
    let usdm = Venue::BinanceUsdm;
    // Differences: two best prices of COIN-M that its snapshots hold and its stream never sent.
    for (venue, files, books, different) in [
        (spot, &["BINANCE.20210404T2003.txt.zst"][..], 3, 0),
        (spot, &["BINANCE.20210405T1833.txt.zst"][..], 10, 0),
        (
            spot,
            &[
                "BINANCE.http.0.20211012T0028.txt.zst",
                "BINANCE.ws.1.20211012T0028.txt.zst",
            ][..],
            4,
            0,
        ),
        (usdm, &["BINANCE_FUTURES.20210405T1836.txt.zst"][..], 5, 0),
        (
            usdm,
            &[
                "BINANCE_FUTURES.http.0.20210722T2225.txt.zst",
                "BINANCE_FUTURES.ws.1.20210722T2225.txt.zst",
            ][..],
            4,
            0,
        ),
        (
            Venue::BinanceCoinm,
            &[
                "BINANCE_DELIVERY.http.0.20210722T0113.txt.zst",
                "BINANCE_DELIVERY.ws.1.20210722T0113.txt.zst",
            ][..],
            10,
            5,
        ),
    ] {
        let Some(capture) = published(venue, files) else {
            return skipped("binance_ws_cryptofeed");
        };
        let player = Player::play(&capture, &capture.lines);
        let total = &player.intake.counts().total;
        assert_eq!(player.intake.counts().rejected_total(), 0, "{files:?}");
        assert_eq!(total.snapshots_used, books, "{files:?}");
        assert_eq!((total.book_gaps(), total.trade_gaps), (0, 0), "{files:?}");
        assert_eq!(total.fate(Fate::Buffered), 0);
        let mut wrong = 0;
        for (id, instrument) in capture.table.iter() {
            let status = player.intake.book_status(id).unwrap();
            assert_eq!(status.state, SyncState::Synced, "{instrument:?}");
            let seen = &player.seen[id.index()];
            assert_eq!(seen.crossed, 0, "{instrument:?}");
            wrong += seen.differences(&seen.quotes).0;
        }
        assert_eq!(wrong, different, "{files:?}");
    }
}

/// Files `<receipt s>: <frame>`, with REST replies as `<url> -> <receipt s>: <reply>`; several are merged by time.
fn published(venue: Venue, files: &[&str]) -> Option<Capture> {
    let folder = shared_data("binance_ws_cryptofeed")?;
    let mut lines = Vec::new();
    let mut symbols = Vec::new();
    for file in files {
        let packed = fs::read(folder.join(file)).unwrap();
        let text = String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap();
        for line in text.lines() {
            let snapshot = line
                .split_once("depth?symbol=")
                .and_then(|(_, rest)| rest.split_once('&'))
                .filter(|(_, rest)| rest.contains(" -> "));
            let (stream, rest) = if let Some((symbol, rest)) = snapshot {
                let (_, reply) = rest.split_once(" -> ").unwrap();
                symbols.push((symbol.to_owned(), price_step(reply)));
                (format!("{}@depthSnapshot", symbol.to_lowercase()), reply)
            } else if let Some(stream) = stream_of(line).filter(|_| !line.contains("->")) {
                (stream.to_owned(), line)
            } else {
                continue;
            };
            let (ts, frame) = rest.split_once(": ").unwrap();
            let seconds: f64 = ts.parse().unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "a time of this century")]
            let ts = (seconds * 1e9) as i64;
            lines.push(Line {
                ts,
                stream,
                frame: frame.as_bytes().to_vec(),
            });
        }
    }
    lines.sort_by_key(|line| line.ts);
    let instruments: Vec<_> = symbols
        .iter()
        .map(|(symbol, step)| (symbol.as_str(), step.as_str(), "0.00000001"))
        .collect();
    Some(Capture {
        venue,
        table: table(venue, &instruments),
        lines,
    })
}

/// A step fine enough for every price of a snapshot. Neither a tick of 10^-8 for all: a spread has 32 bits.
fn price_step(reply: &str) -> String {
    let prices = reply.split("[\"").skip(1).map(|level| {
        let (px, _) = level.split_once('"').unwrap();
        let (_, decimals) = px.split_once('.').unwrap_or_default();
        decimals.trim_end_matches('0').len()
    });
    match prices.max().unwrap() {
        0 => "1".to_owned(),
        decimals => format!("0.{}1", "0".repeat(decimals - 1)),
    }
}

#[test]
fn a_refused_depth_event_is_a_gap_when_the_next_one_comes() {
    let venues_own = ("BTCUSDT", "0.01", "0.00001");
    let Some(capture) = recorded(
        Venue::BinanceSpot,
        venues_own,
        &["spot/btcusdt_20240808.gz"],
    ) else {
        return skipped("binance_ws_hftbacktest");
    };
    let player = Player::play(&capture, &capture.lines);
    let counts = player.intake.counts();
    assert_eq!(counts.rejected[Reason::OffLot as usize], 3);
    assert_eq!(counts.rejected_total(), 3);
    let depths = places(&capture, "@depth@");
    let refused = depths
        .iter()
        .position(|&at| number(&capture.lines[at].frame, "U") == Some(50_093_246_973))
        .unwrap();
    let id = |at: usize, key| number(&capture.lines[depths[at]].frame, key).unwrap();
    let reset = BookReset {
        reason: ResetReason::Gap,
        expected_id: id(refused, "U"),
        got_id: id(refused + 1, "U"),
    };
    assert_eq!(player.seen[0].resets, [reset]);
}
