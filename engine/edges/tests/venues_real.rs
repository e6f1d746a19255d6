//! Recordings of Bybit, Coinbase and Bitstamp from file to book: every frame counted, and the books held against what
//! the venue itself says of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots so"
)]

mod common;

use common::{Owned, counts, read_all, shared};
use pitlane_domain::book::Quality;
use pitlane_domain::instrument::{Instrument, InstrumentId, InstrumentTable, Venue};
use pitlane_domain::intake::{FactKind, Fate, Intake, IntakeOptions};
use pitlane_domain::market::Market;
use pitlane_domain::units::{Ticks, WallNs};
use pitlane_edges::import::{ImportOptions, open_all, scan_instruments};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

/// A recording through intake and market.
struct Played {
    intake: Intake,
    market: Market,
    sequence: u64,
}

impl Played {
    fn new(files: &[PathBuf]) -> (Self, Vec<Owned>, String) {
        let options = ImportOptions::default();
        let found = scan_instruments(&mut *open_all(None, files, &options).unwrap()).unwrap();
        let mut table = InstrumentTable::default();
        for row in &found {
            table
                .add(Instrument {
                    symbol: row.symbol,
                    venue_symbol: row.symbol,
                    venue: row.venue,
                    tick_size: row.tick_size,
                    lot_size: row.lot_size,
                })
                .unwrap();
        }
        let mut source = open_all(None, files, &options).unwrap();
        let frames = read_all(&mut *source);
        let about = counts(&frames, &*source);
        let mut played = Self {
            intake: Intake::new(table, IntakeOptions::default()),
            market: Market::new(),
            sequence: 0,
        };
        played.intake.announce(WallNs(1));
        played.take();
        (played, frames, about)
    }

    fn take(&mut self) {
        while let Some(mut message) = self.intake.pop() {
            self.sequence += 1;
            message.sequence = self.sequence;
            self.market.apply(&message);
        }
    }

    fn frame(&mut self, frame: &Owned) {
        let (stream, bytes) = (frame.stream.as_bytes(), &frame.bytes);
        let taken = self.intake.frame(frame.venue, stream, frame.ts_recv, bytes);
        assert!(taken.is_ok(), "{taken:?}: {}", frame.stream);
        self.take();
        self.intake.balance().unwrap();
    }

    /// Best bid and ask of a book in step.
    fn touch(&self, id: InstrumentId) -> Option<(Ticks, Ticks)> {
        let book = self.market.instrument(id)?.book()?;
        assert!(matches!(book.quality(), Quality::Good), "{id:?}");
        let (bid, ask) = (book.best_bid()?.0, book.best_ask()?.0);
        assert!(bid < ask, "{id:?}");
        Some((bid, ask))
    }

    /// What became of depth, trades and books.
    fn summary(&self) -> String {
        let total = &self.intake.counts().total;
        let depth = |fate| total.of(FactKind::DepthDiff, fate);
        let market = self.market.counts();
        let mut text = String::new();
        writeln!(
            text,
            "changes {} = {} applied + {} in the snapshot + {} old + {} discarded + {} waiting",
            total.facts(FactKind::DepthDiff),
            depth(Fate::Emitted),
            depth(Fate::Covered),
            depth(Fate::Duplicate),
            depth(Fate::Discarded),
            depth(Fate::Buffered),
        )
        .unwrap();
        writeln!(
            text,
            "snapshots {}, used {}; trades {}, gaps {}; books lost {}, crossed {}; refused {}",
            total.facts(FactKind::DepthSnapshot),
            total.snapshots_used,
            market.trades,
            market.trade_gaps,
            total.book_gaps(),
            market.book_gaps.iter().sum::<u64>(),
            self.intake.counts().rejected_total(),
        )
        .unwrap();
        text
    }
}

#[test]
fn bybit_changes_follow_one_by_one() {
    let Some(file) = shared("bybit_ob500/2024-12-01_XRPUSDT_ob500.data.zip") else {
        return;
    };
    let (mut played, frames, about) = Played::new(&[file]);
    expect_test::expect![
        "50: orderbook.500 50; 2024-12-01T00:00:00 to 2024-12-01T00:00:05; 0 reversals"
    ]
    .assert_eq(&about);
    let xrp = InstrumentId(0);
    for frame in &frames {
        played.frame(frame);
        assert!(played.touch(xrp).is_some());
        // The venue keeps 500 levels a side in this book and removes by itself what falls out.
        let book = played.market.instrument(xrp).unwrap().book().unwrap();
        for side in [
            pitlane_domain::message::Side::Bid,
            pitlane_domain::message::Side::Ask,
        ] {
            assert_eq!(book.level_count(side), 500, "{}", book.last_id());
        }
    }
    let book = played.market.instrument(xrp).unwrap().book().unwrap();
    assert_eq!(book.last_id(), 20_254_918);
    expect_test::expect![[r#"
        changes 49 = 49 applied + 0 in the snapshot + 0 old + 0 discarded + 0 waiting
        snapshots 1, used 1; trades 0, gaps 0; books lost 0, crossed 0; refused 0
    "#]]
    .assert_eq(&played.summary());
}

/// `"best_bid":"14.7550"` and the like.
fn text<'a>(frame: &'a str, key: &str) -> &'a str {
    let (_, rest) = frame.split_once(&format!("\"{key}\":\"")).unwrap();
    rest.split_once('"').unwrap().0
}

#[test]
fn coinbase_books_are_what_its_tickers_say() {
    let Some(file) = shared("other_ws_cryptofeed/COINBASE.ws.28.20210417T1643.txt.zst") else {
        return;
    };
    let (mut played, frames, about) = Played::new(&[file]);
    expect_test::expect!["9946:  3, level2 9729, matches 107, ticker 107; 2021-04-17T16:43:37 to 2021-04-17T16:44:07; 0 reversals"].assert_eq(&about);
    // The first ticker of a product tells of the last trade before the subscription, and so of an older book.
    let mut heard = HashSet::new();
    let mut same = [0, 0];
    let mut other = [0, 0];
    for frame in &frames {
        played.frame(frame);
        let Some(symbol) = frame.stream.strip_suffix("@ticker") else {
            continue;
        };
        let table = played.intake.table();
        let id = table.find(Venue::Coinbase, symbol.as_bytes()).unwrap();
        let grid = table.get(id).unwrap().tick_size;
        let json = std::str::from_utf8(&frame.bytes).unwrap();
        let px = |key| Ticks(grid.parse(text(json, key).as_bytes()).unwrap());
        let agrees = played.touch(id) == Some((px("best_bid"), px("best_ask")));
        let count = if agrees { &mut same } else { &mut other };
        count[usize::from(!heard.insert(id))] += 1;
    }
    assert_eq!((same[0], other[0]), (3, 7), "of an older book");
    assert_eq!((same[1], other[1]), (97, 0), "of the book as it is");
    expect_test::expect![[r#"
        changes 9719 = 9719 applied + 0 in the snapshot + 0 old + 0 discarded + 0 waiting
        snapshots 10, used 10; trades 107, gaps 0; books lost 0, crossed 0; refused 0
    "#]]
    .assert_eq(&played.summary());
}

#[test]
fn bitstamp_changes_begin_behind_the_snapshot() {
    let check = |names: [&str; 2], about: expect_test::Expect, summary: expect_test::Expect| {
        let files = names.map(|name| shared(&format!("other_ws_cryptofeed/{name}.txt.zst")));
        let [Some(http), Some(stream)] = files else {
            return;
        };
        let (mut played, frames, found) = Played::new(&[http, stream]);
        about.assert_eq(&found);
        for frame in &frames {
            played.frame(frame);
        }
        let mut books = 0;
        let ids: Vec<_> = played.market.instruments().map(|(id, _)| id).collect();
        for id in ids {
            books += u32::from(played.touch(id).is_some());
        }
        summary.assert_eq(&format!("{}books in step {books}\n", played.summary()));
        // Without the snapshots every change waits.
        let (mut alone, frames, _) =
            Played::new(&[shared(&format!("other_ws_cryptofeed/{}.txt.zst", names[1])).unwrap()]);
        for frame in &frames {
            alone.frame(frame);
        }
        let total = &alone.intake.counts().total;
        let changes = total.facts(FactKind::DepthDiff);
        assert_eq!(total.of(FactKind::DepthDiff, Fate::Buffered), changes);
    };
    check(
        [
            "BITSTAMP.http.0.20220105T0048",
            "BITSTAMP.ws.1.20220105T0048",
        ],
        expect_test::expect![
            "757:  20, depthSnapshot 10, diff_order_book 717, live_trades 10; 2022-01-05T00:48:16 to 2022-01-05T00:48:41; 0 reversals"
        ],
        expect_test::expect![[r#"
            changes 717 = 615 applied + 102 in the snapshot + 0 old + 0 discarded + 0 waiting
            snapshots 10, used 10; trades 10, gaps 0; books lost 0, crossed 0; refused 0
            books in step 10
        "#]],
    );
    check(
        [
            "BITSTAMP.http.18.20210417T1641",
            "BITSTAMP.ws.19.20210417T1641",
        ],
        expect_test::expect![
            "687:  20, depthSnapshot 10, diff_order_book 641, live_trades 16; 2021-04-17T16:41:36 to 2021-04-17T16:42:02; 0 reversals"
        ],
        expect_test::expect![[r#"
            changes 641 = 527 applied + 114 in the snapshot + 0 old + 0 discarded + 0 waiting
            snapshots 10, used 10; trades 16, gaps 0; books lost 0, crossed 0; refused 0
            books in step 10
        "#]],
    );
}

#[test]
fn every_kind_of_line_of_bybits_archive() {
    let text = r#"{"topic":"orderbook.500.XRPUSDT","type":"snapshot","ts":1733011200691,"data":{}}
 {"topic":"publicTrade.XRPUSDT","ts":1733011200692}

{"topic":"orderbook.500.XRPUSDT","ts":"soon"}
{"topic":"orderbook.500.XRPUSDT"}
{"topic":"orderbook.500.XRPUSDT","ts":17330112
{"success":true,"ts":1733011200693}
nothing
{"topic" 5}
"#;
    let file = common::temp("x.data", text.as_bytes());
    let files = [file.path().to_owned()];
    let mut source = open_all(None, &files, &ImportOptions::default()).unwrap();
    expect_test::expect![[r#"
        1733011200691000000 bybit xrpusdt@orderbook.500 {"topic":"orderbook.500.XRPUSDT","type":"snapshot","ts":1733011200691,"data":{}}
        1733011200692000000 bybit xrpusdt@publicTrade {"topic":"publicTrade.XRPUSDT","ts":1733011200692}
        1733011200693000000 bybit  {"success":true,"ts":1733011200693}
        FILE (bybit-jsonl): 9 records = 3 frames + 1 control + 5 refused
          1 refused as bad_time, first FILE:4: `"soon"` is not a time
          1 refused as no_time, first FILE:5: a frame without `ts`
          1 refused as cut_frame, first FILE:6: the frame does not end in `}`
          1 refused as not_a_frame, first FILE:8: no JSON object
          1 refused as not_json, first FILE:9: expected `:` at line 1 column 10
    "#]].assert_eq(&common::show(&mut *source));
}
