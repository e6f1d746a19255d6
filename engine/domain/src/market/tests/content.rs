//! What arrives otherwise is the same market: frames through the intake into two markets that must agree.

use super::*;
use crate::instrument::InstrumentTable;
use crate::intake::{HELD_NS, Intake, IntakeOptions};
use crate::sync::SyncState;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const START_MS: i64 = 1_700_000_000_000;
const EVENTS: i64 = 400;

/// One frame as it is received.
#[derive(Clone)]
struct Frame {
    ts: i64,
    stream: &'static str,
    text: String,
}

/// Event `k` of the venue happens 150 ms after the one before: a trade, then a change of the book.
fn trade_text(k: i64) -> String {
    let (px, qty, time) = (100 + k * k % 7, 1 + k % 5, START_MS + k * 150);
    let maker = k % 3 == 0;
    format!(
        r#""a":{k},"p":"{px}.00","q":"{qty}","f":{},"l":{},"T":{time},"m":{maker},"M":true"#,
        2 * k,
        2 * k + 1
    )
}

fn trade_frame(k: i64) -> Frame {
    Frame {
        ts: START_MS + k * 150 + 20,
        stream: "btcusdt@aggTrade",
        text: format!(r#"{{"e":"aggTrade","s":"BTCUSDT",{}}}"#, trade_text(k)),
    }
}

fn reply(ids: std::ops::RangeInclusive<i64>, ts: i64) -> Frame {
    let elements: Vec<String> = ids.map(|k| format!("{{{}}}", trade_text(k))).collect();
    Frame {
        ts,
        stream: "btcusdt@aggTrades",
        text: format!("[{}]", elements.join(",")),
    }
}

/// The level that event `k` changes: side, price and quantity.
fn change(k: i64) -> (char, i64, i64) {
    let px = if k % 2 == 0 {
        90 - k % 20
    } else {
        120 + k % 20
    };
    (if k % 2 == 0 { 'b' } else { 'a' }, px, k % 4)
}

fn depth_frame(k: i64) -> Frame {
    let (side, px, qty) = change(k);
    let other = if side == 'b' { 'a' } else { 'b' };
    let (id, time) = (1000 + k, START_MS + k * 150 + 50);
    Frame {
        ts: time + 20,
        stream: "btcusdt@depth@100ms",
        text: format!(
            r#"{{"e":"depthUpdate","E":{time},"s":"BTCUSDT","U":{id},"u":{id},"{side}":[["{px}.00","{qty}"]],"{other}":[]}}"#
        ),
    }
}

/// The venue's book behind event `k`.
fn snapshot_frame(k: i64, ts: i64) -> Frame {
    let mut sides = [
        (60..=100).map(|px| (px, 9)).collect::<BTreeMap<_, _>>(),
        (110..=150).map(|px| (px, 9)).collect(),
    ];
    for (side, px, qty) in (0..=k).map(change) {
        sides[usize::from(side == 'a')].insert(px, qty);
    }
    let mut text = format!(r#"{{"lastUpdateId":{}"#, 1000 + k);
    for (name, side) in ["bids", "asks"].iter().zip(sides) {
        let levels = side.iter().filter(|(_, qty)| **qty > 0);
        let levels: Vec<String> = levels
            .map(|(px, qty)| format!(r#"["{px}.00","{qty}"]"#))
            .collect();
        write!(text, r#","{name}":[{}]"#, levels.join(",")).unwrap();
    }
    Frame {
        ts,
        stream: "btcusdt@depthSnapshot",
        text: text + "}",
    }
}

fn plain() -> Vec<Frame> {
    let mut frames: Vec<Frame> = (0..EVENTS)
        .flat_map(|k| [trade_frame(k), depth_frame(k)])
        .collect();
    frames.insert(6, snapshot_frame(2, frames[5].ts + 1));
    frames
}

/// Without trades of some ids, and with a reply that holds them some time after the first behind.
fn with_gap(ids: std::ops::RangeInclusive<i64>, reply_after: i64) -> Vec<Frame> {
    let missing: Vec<String> = ids.clone().map(|k| trade_frame(k).text).collect();
    let ts = trade_frame(ids.end() + 1).ts + reply_after;
    let mut frames = plain();
    frames.retain(|frame| !missing.contains(&frame.text));
    let at = frames.partition_point(|frame| frame.ts < ts);
    frames.insert(at, reply(ids, ts));
    frames
}

struct Playback {
    intake: Intake,
    market: Market,
    sequence: u64,
}

impl Playback {
    fn new(backfill: bool) -> Self {
        let mut table = InstrumentTable::default();
        let symbol = Symbol::new(b"BTCUSDT").unwrap();
        table
            .add(Instrument {
                symbol,
                venue_symbol: symbol,
                venue: Venue::BinanceSpot,
                tick_size: Grid::new(1, 2).unwrap(),
                lot_size: Grid::UNIT,
            })
            .unwrap();
        let options = IntakeOptions {
            backfill,
            ..IntakeOptions::default()
        };
        let mut side = Self {
            intake: Intake::new(table, options),
            market: Market::new(),
            sequence: 0,
        };
        side.intake.announce(WallNs(0));
        side.drain();
        side
    }

    fn frame(&mut self, frame: &Frame) {
        let ts = WallNs(frame.ts * 1_000_000);
        self.intake.tick(ts);
        let (stream, text) = (frame.stream.as_bytes(), frame.text.as_bytes());
        self.intake
            .frame(Venue::BinanceSpot, stream, ts, text)
            .unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(mut message) = self.intake.pop() {
            self.sequence += 1;
            message.sequence = self.sequence;
            self.market.apply(&message);
        }
        self.intake.balance().unwrap();
    }

    fn state(&self) -> &InstrumentState {
        self.market.instrument(InstrumentId(0)).unwrap()
    }
}

fn play(frames: &[Frame], backfill: bool) -> Playback {
    let mut side = Playback::new(backfill);
    for frame in frames {
        side.frame(frame);
    }
    side
}

#[test]
fn the_content_does_not_depend_on_receipts_or_repetition() {
    let frames = plain();
    let once = play(&frames, false);
    assert_eq!(once.state().book().unwrap().quality(), Quality::Good);
    assert_eq!(once.market.counts().bars.late, [0; 7]);
    let mut later = frames.clone();
    for (frame, more) in later.iter_mut().zip(0..) {
        frame.ts += 1_000 + more % 13;
    }
    let later = play(&later, true);
    assert_ne!(later.market.state_hash(), once.market.state_hash());
    assert_eq!(later.market.content_hash(), once.market.content_hash());
    let twice: Vec<Frame> = frames
        .iter()
        .flat_map(|frame| [frame.clone(), frame.clone()])
        .collect();
    let twice = play(&twice, false);
    assert_eq!(twice.market.content_hash(), once.market.content_hash());
}

#[test]
fn the_content_does_not_depend_on_when_a_gap_was_filled() {
    let once = play(&plain(), false);
    for (backfill, after, late) in [
        (true, 700, 0),
        (true, HELD_NS / 1_000_000 + 3_000, 11),
        (false, 700, 11),
        (false, 30_000, 11),
    ] {
        let side = play(&with_gap(40..=50, after), backfill);
        let total = &side.intake.counts().total;
        assert_eq!((total.trades_filled, total.trades_late), (11, late));
        assert_eq!(
            side.market.content_hash(),
            once.market.content_hash(),
            "backfill {backfill}, {after} ms"
        );
        assert_eq!(side.market.counts().trades_backfilled, 11);
        assert_eq!(side.state().bars().missing(), 0);
        let closed = side.state().bars().closed(Timeframe::S1);
        assert!(closed.into_iter().all(|bar| !bar.has_gap));
        // The bars that had closed by then were revised, and it is said which.
        let counts = side.market.counts().bars;
        let revised: u64 = counts.revised.iter().sum();
        assert!(revised > 0, "backfill {backfill}, {after} ms");
        assert_eq!(side.state().bars().revisions(), revised);
        let said: Vec<_> = side.state().bars().revised_since(revised - 1).collect();
        assert_eq!(said.len(), 1);
        let bar = side
            .state()
            .bars()
            .closed_at(said[0].timeframe, said[0].open_ts)
            .unwrap();
        assert_eq!((said[0].number, bar.revision), (revised, said[0].revision));
    }
}

#[test]
fn the_last_trade_is_the_one_with_the_greatest_id() {
    let gap = EVENTS - 10..=EVENTS - 2;
    let mut frames = with_gap(gap.clone(), 700);
    let missing = reply(gap, frames.last().unwrap().ts + 1);
    frames.retain(|frame| frame.text != missing.text);
    frames.push(missing);
    let side = play(&frames, false);
    let last = side.state().totals().last.unwrap();
    assert_eq!(last.id, (EVENTS - 1).cast_unsigned());
    let once = play(&plain(), false);
    assert_eq!(side.market.content_hash(), once.market.content_hash());
}

#[test]
fn the_content_does_not_depend_on_a_connection_that_was_lost() {
    let once = play(&plain(), false);
    for backfill in [false, true] {
        let mut side = Playback::new(backfill);
        for (frame, at) in plain().iter().zip(0..) {
            // Events 50 to 89 are missed.
            match at {
                100 => {
                    side.intake
                        .disconnected(Venue::BinanceSpot, WallNs(frame.ts * 1_000_000));
                }
                190 => side.frame(&snapshot_frame(92, frame.ts)),
                _ => {}
            }
            if !(100..180).contains(&at) {
                side.frame(frame);
            }
            if at == 195 {
                side.frame(&reply(45..=100, frame.ts));
            }
        }
        let state = side.intake.book_status(InstrumentId(0)).unwrap().state;
        assert_eq!(state, SyncState::Synced);
        assert_eq!(side.market.content_hash(), once.market.content_hash());
    }
}

#[test]
fn another_quantity_is_another_content() {
    let frames = plain();
    let once = play(&frames, false);
    for (at, from, to) in [
        (200, "\"q\":\"1\"", "\"q\":\"2\""),
        (203, "\"1\"]", "\"2\"]"),
    ] {
        let mut changed = frames.clone();
        let frame = changed[at..]
            .iter_mut()
            .rev()
            .find(|frame| frame.text.contains(from));
        let frame = frame.unwrap();
        frame.text = frame.text.replace(from, to);
        let changed = play(&changed, false);
        assert_ne!(changed.market.content_hash(), once.market.content_hash());
    }
    let less = play(&frames[..frames.len() - 2], false);
    assert_ne!(less.market.content_hash(), once.market.content_hash());
}

#[test]
fn a_crossed_book_is_found_dropped_fetched_and_good_again() {
    let mut side = play(&plain()[..101], true);
    assert_eq!(side.market.take_found_wrong().next(), None);
    let cross = |k: i64| Frame {
        text: depth_frame(k)
            .text
            .replace(r#""b":["#, r#""b":[["140.00","1"]"#)
            .replace(r#"["140.00","1"][""#, r#"["140.00","1"],[""#),
        ..depth_frame(k)
    };
    side.frame(&cross(50));
    let state = side.state().book().unwrap().quality();
    assert_eq!(state, Quality::Gapped(Fault::Crossed));
    let found: Vec<_> = side.market.take_found_wrong().collect();
    assert_eq!(found, [(InstrumentId(0), Fault::Crossed)]);
    assert_eq!(side.market.take_found_wrong().next(), None);
    // The intake knows nothing of it, and goes on until it is told.
    side.frame(&depth_frame(51));
    let ts = WallNs((START_MS + 52 * 150) * 1_000_000);
    side.intake
        .drop_book(InstrumentId(0), ResetReason::Crossed, ts);
    side.drain();
    side.frame(&depth_frame(52));
    let ts = depth_frame(52).ts;
    assert!(side.intake.wants(WallNs(ts * 1_000_000)).is_some());
    side.frame(&snapshot_frame(52, ts));
    assert_eq!(side.state().book().unwrap().quality(), Quality::Good);
    for k in 53..EVENTS {
        side.frame(&depth_frame(k));
    }
    let crossed = side.market.counts().book_gaps(Fault::Crossed);
    assert_eq!((crossed, side.market.counts().books_found_wrong), (1, 1));
    let once = play(&plain(), false);
    let (ours, theirs) = (side.state().book().unwrap(), once.state().book().unwrap());
    for of in [Side::Bid, Side::Ask] {
        assert!(ours.levels(of).eq(theirs.levels(of)));
    }
}
