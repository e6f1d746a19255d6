#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots so"
)]

use super::*;
use crate::decode::{Level, Notice, TradeStream};
use crate::instrument::{Instrument, Symbol};
use crate::message::{
    Connection, ConnectionEvent, DayPrices, DayVolume, FxTick, Kind, Trade, VenueBarPrices,
    VenueBarVolume, flag,
};
use crate::sync::SyncState;
use crate::units::{Grid, Lots, Ticks};
use expect_test::{Expect, expect};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

mod backfill;
mod recall;
mod depth;
mod random;
mod streams;

const SPOT: InstrumentId = InstrumentId(0);
const PERP: InstrumentId = InstrumentId(1);

fn table() -> InstrumentTable {
    let mut table = InstrumentTable::default();
    for (symbol, venue) in [
        ("BTCUSDT", Venue::BinanceSpot),
        ("BTCUSDT.P", Venue::BinanceUsdm),
        ("EURUSD", Venue::Fx),
    ] {
        let symbol = Symbol::new(symbol.as_bytes()).unwrap();
        table
            .add(Instrument {
                symbol,
                venue_symbol: symbol,
                venue,
                tick_size: Grid::new(1, 2).unwrap(),
                lot_size: Grid::new(1, 5).unwrap(),
            })
            .unwrap();
    }
    table
}

/// An intake with everything it said, one line a message.
struct Desk {
    intake: Intake,
    rules: RunRules,
    ts: i64,
}

impl Desk {
    fn new(options: InstrumentOptions) -> Self {
        let options = IntakeOptions {
            all: options,
            except: vec![],
            backfill: false,
        };
        Self {
            intake: Intake::new(table(), options),
            rules: RunRules::default(),
            ts: 0,
        }
    }

    fn take(&mut self, instrument: InstrumentId, fact: Fact, levels: &Levels) -> String {
        self.ts += 10;
        let decoded = Decoded::Fact {
            instrument,
            ts_event: Some(WallNs(self.ts - 3)),
            fact,
        };
        self.intake.out.counts.frames += 1;
        self.intake
            .decoded(WallNs(self.ts), Ok(decoded), b"", levels)
            .unwrap();
        self.said()
    }

    fn refuse(&mut self, reject: Reject) -> String {
        self.ts += 10;
        self.intake.out.counts.frames += 1;
        let refused = self
            .intake
            .decoded(WallNs(self.ts), Err(reject), b"", &Levels::default());
        assert_eq!(refused, Err(reject));
        self.said()
    }

    /// Takes what waits and checks it; nothing is `-`.
    fn said(&mut self) -> String {
        let mut lines = Vec::new();
        while let Some(message) = self.intake.pop() {
            self.rules.check(&message);
            lines.push(show(&message));
        }
        self.intake.balance().unwrap();
        if lines.is_empty() {
            "-".into()
        } else {
            lines.join("; ")
        }
    }
}

/// What every consumer may rely on: whole runs, changes only to a book in step.
#[derive(Default)]
struct RunRules {
    in_step: BTreeMap<u16, bool>,
    run: Option<(u16, u64, bool)>,
    trade: BTreeMap<u16, u64>,
    missing: BTreeSet<(u16, u64)>,
}

impl RunRules {
    fn check(&mut self, message: &Message) {
        assert_eq!(message.sequence, 0);
        let of = message.instrument;
        let body = message.body().unwrap();
        let Body::BookLevel(level) = body else {
            assert_eq!(self.run, None, "a run is whole: {message:?}");
            match body {
                Body::BookReset(_) => drop(self.in_step.insert(of, false)),
                Body::BookSynced(_) => drop(self.in_step.insert(of, true)),
                Body::TradeGap(gap) => {
                    assert_eq!(self.trade.insert(of, gap.last_id), Some(gap.first_id - 1));
                    self.missing
                        .extend((gap.first_id..=gap.last_id).map(|id| (of, id)));
                }
                Body::Trade(trade) if trade.backfilled && !trade.delayed => {
                    assert!(self.missing.remove(&(of, trade.id)), "late, and once");
                }
                Body::Trade(trade) => {
                    let before = self.trade.insert(of, trade.id);
                    assert!(before.is_none_or(|id| id + 1 == trade.id));
                }
                _ => {}
            }
            return;
        };
        let run = (of, level.last_id, level.snapshot);
        assert_eq!(*self.run.get_or_insert(run), run, "runs do not mix");
        if !level.snapshot {
            assert_eq!(self.in_step.get(&of), Some(&true), "changes need a book");
        }
        if level.last {
            self.run = None;
        }
    }
}

fn show(message: &Message) -> String {
    let times = format!("@{}/{}", message.ts_event.0, message.ts_recv.0);
    match message.body().unwrap() {
        Body::Trade(t) => format!(
            "{}{}trade {}",
            if t.backfilled { "backfilled " } else { "" },
            if t.delayed { "delayed " } else { "" },
            t.id
        ),
        Body::Connection(c) => format!("{:?} {:?}", c.event, c.values),
        Body::TradeGap(g) => format!("missing {}-{}", g.first_id, g.last_id),
        Body::Quote(q) => format!("quote {}", q.update_id),
        Body::BookSynced(s) => format!("synced {} {times}", s.update_id),
        Body::BookReset(r) => format!("reset {:?} {} {}", r.reason, r.expected_id, r.got_id),
        Body::BookLevel(l) => format!(
            "{}{:?} {}x{} {}-{}{} {times}",
            if l.snapshot { "snapshot " } else { "" },
            l.side,
            l.px.0,
            l.qty.0,
            l.first_id,
            l.last_id,
            match (l.last, l.empty) {
                (true, true) => " empty last",
                (true, false) => " last",
                (false, empty) => {
                    assert!(!empty);
                    ""
                }
            }
        ),
        other => format!("{other:?}"),
    }
}

fn trade(stream: TradeStream, id: u64) -> Fact {
    let trade = Trade {
        px: Ticks(100),
        qty: Lots(1),
        id,
        first_id: id,
        last_id: id,
        is_buyer_maker: false,
        best_match: true,
        backfilled: false,
        off_market: id.is_multiple_of(10),
        delayed: false,
    };
    Fact::Trade(stream, trade)
}

fn quote(update_id: u64) -> Fact {
    Fact::Quote(Quote {
        bid_px: Ticks(99),
        bid_qty: Lots(1),
        ask_px: Ticks(101),
        ask_qty: Lots(1),
        update_id,
    })
}

fn depth(kind: DepthKind, first_id: u64, last_id: u64) -> Fact {
    Fact::Depth(Depth {
        kind,
        first_id,
        last_id,
    })
}

fn diff(first_id: u64, last_id: u64) -> Fact {
    depth(DepthKind::Diff { prev_id: None }, first_id, last_id)
}

fn diff_after(prev_id: u64, first_id: u64, last_id: u64) -> Fact {
    let prev_id = Some(prev_id);
    depth(DepthKind::Diff { prev_id }, first_id, last_id)
}

fn snapshot(last_id: u64) -> Fact {
    depth(DepthKind::Snapshot, last_id, last_id)
}

fn partial(last_id: u64) -> Fact {
    depth(DepthKind::Partial, last_id, last_id)
}

fn levels(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Levels {
    let side = |levels: &[(i64, i64)]| {
        levels
            .iter()
            .map(|&(px, qty)| Level {
                px: Ticks(px),
                qty: Lots(qty),
            })
            .collect()
    };
    Levels {
        bids: side(bids),
        asks: side(asks),
        ..Levels::default()
    }
}

/// Plays facts of one instrument; the answer has one line for each.
fn check(
    options: InstrumentOptions,
    instrument: InstrumentId,
    facts: &[(Fact, Levels)],
    answer: &Expect,
) -> Desk {
    let mut desk = Desk::new(options);
    let mut said = String::new();
    for (fact, levels) in facts {
        writeln!(said, "{}", desk.take(instrument, *fact, levels)).unwrap();
    }
    answer.assert_eq(&said);
    desk
}

fn bare(facts: Vec<Fact>) -> Vec<(Fact, Levels)> {
    let level = levels(&[(1, 1)], &[]);
    facts.into_iter().map(|f| (f, level.clone())).collect()
}

#[test]
fn trades_come_once_and_in_order_behind_their_gaps() {
    use TradeStream::{Aggregate, Single};
    let desk = check(
        InstrumentOptions::default(),
        SPOT,
        &bare(vec![
            trade(Aggregate, 5),
            trade(Aggregate, 6),
            trade(Single, 900),
            trade(Aggregate, 6),
            trade(Aggregate, 10),
            trade(Aggregate, 8),
            trade(Aggregate, 11),
            trade(Aggregate, 13),
        ]),
        &expect![[r#"
            trade 5
            trade 6
            -
            -
            missing 7-9; trade 10
            backfilled trade 8
            trade 11
            missing 12-12; trade 13
        "#]],
    );
    let total = &desk.intake.counts().total;
    assert_eq!(total.of(FactKind::Trade, Fate::Emitted), 6);
    assert_eq!(total.of(FactKind::Trade, Fate::Duplicate), 1);
    assert_eq!((total.trades_filled, total.trades_late), (1, 1));
    assert_eq!(total.of(FactKind::Trade, Fate::Superseded), 1);
    assert_eq!((total.trade_gaps, total.trades_missing), (2, 4));
}

#[test]
fn the_trade_choice_is_kept() {
    use TradeStream::{Aggregate, Single};
    let mut desk = Desk::new(InstrumentOptions {
        trades: TradeChoice::Single,
        ..InstrumentOptions::default()
    });
    let none = Levels::default();
    assert_eq!(desk.take(PERP, trade(Aggregate, 1), &none), "-");
    assert_eq!(desk.take(PERP, trade(Single, 70), &none), "trade 70");
    assert_eq!(desk.take(PERP, trade(Aggregate, 3), &none), "-");
    assert_eq!(desk.take(PERP, trade(Single, 71), &none), "trade 71");
}

#[test]
fn options_of_one_instrument_leave_the_others_alone() {
    let single = InstrumentOptions {
        trades: TradeChoice::Single,
        ..InstrumentOptions::default()
    };
    let options = IntakeOptions {
        all: InstrumentOptions::default(),
        except: vec![(PERP, single)],
        backfill: false,
    };
    let mut intake = Intake::new(table(), options);
    let none = Levels::default();
    for id in [SPOT, PERP] {
        let fact = trade(TradeStream::Aggregate, 1);
        intake.fact(id, None, WallNs(1), &fact, &none);
    }
    let first = intake.pop().unwrap();
    assert_eq!((first.instrument(), first.ts_event), (SPOT, WallNs(1)));
    assert_eq!(intake.pop(), None);
    intake.balance().unwrap();
}

#[test]
fn the_id_of_a_refused_trade_counts_as_seen() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let none = Levels::default();
    let refused = |id| Reject {
        reason: Reason::OffTick,
        at: 3,
        instrument: Some(SPOT),
        trade: Some((TradeStream::Aggregate, id)),
    };
    assert_eq!(desk.refuse(refused(4)), "-");
    let next = trade(TradeStream::Aggregate, 5);
    assert_eq!(desk.take(SPOT, next, &none), "trade 5");
    // Trade 8 is told as missing nowhere: it came. Trades 6 and 7 did not.
    assert_eq!(desk.refuse(refused(8)), "missing 6-7");
    assert_eq!(desk.refuse(refused(8)), "-");
    desk.rules.trade.insert(0, 8);
    let next = trade(TradeStream::Aggregate, 9);
    assert_eq!(desk.take(SPOT, next, &none), "trade 9");
    let unknown = Reject {
        reason: Reason::UnknownSymbol,
        at: 0,
        instrument: None,
        trade: None,
    };
    assert_eq!(desk.refuse(unknown), "-");
    let counts = desk.intake.counts();
    assert_eq!(counts.rejected_total(), 4);
    assert_eq!(counts.rejected[Reason::OffTick as usize], 3);
    assert_eq!((counts.total.rejected, counts.total.trades_refused), (3, 3));
}

#[test]
fn quotes_go_forward_where_they_have_ids() {
    check(
        InstrumentOptions::default(),
        SPOT,
        &bare(vec![
            quote(5),
            quote(5),
            quote(4),
            quote(9),
            quote(0),
            quote(0),
            quote(9),
        ]),
        &expect![[r#"
            quote 5
            -
            -
            quote 9
            quote 0
            quote 0
            -
        "#]],
    );
}

#[test]
fn bars_and_days_are_two_messages_and_ticks_pass() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let bar = Fact::VenueBar(
        VenueBarPrices {
            interval_s: 60,
            open: Ticks(1),
            high: Ticks(2),
            low: Ticks(1),
            close: Ticks(2),
        },
        VenueBarVolume {
            interval_s: 60,
            open_ts: WallNs(0),
            volume: Lots(1),
            taker_buy_volume: Lots(1),
            trades: 1,
            closed: true,
            history: false,
        },
    );
    let day = Fact::Day(
        DayPrices {
            last: Ticks(1),
            open: Ticks(1),
            high: Ticks(1),
            low: Ticks(1),
        },
        DayVolume {
            volume: Lots(1),
            trades: 1,
            open_ms: 0,
            close_ms: 1,
        },
    );
    let tick = Fact::FxTick(FxTick {
        bid: Ticks(1),
        ask: Ticks(2),
        bid_qty: Lots(0),
        ask_qty: Lots(0),
    });
    let mut kinds = Vec::new();
    for fact in [bar, day, tick, tick] {
        let desk = &mut desk.intake;
        desk.fact(InstrumentId(2), None, WallNs(5), &fact, &Levels::default());
        while let Some(message) = desk.pop() {
            kinds.push((message.kind().unwrap(), message.has(flag::LAST)));
        }
    }
    assert_eq!(
        kinds,
        [
            (Kind::VenueBarPrices, false),
            (Kind::VenueBarVolume, true),
            (Kind::DayPrices, false),
            (Kind::DayVolume, true),
            (Kind::FxTick, true),
            (Kind::FxTick, true),
        ]
    );
    desk.said();
}

#[test]
fn a_lost_connection_takes_the_books_of_its_venue_only() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let none = Levels::default();
    for id in [SPOT, PERP] {
        desk.take(id, diff_after(8, 9, 10), &none);
        desk.take(id, snapshot(10), &none);
    }
    desk.intake.disconnected(Venue::BinanceSpot, WallNs(99));
    assert_eq!(desk.said(), "reset Disconnected 10 0");
    desk.intake.disconnected(Venue::BinanceSpot, WallNs(99));
    assert_eq!(desk.said(), "-");
    assert_eq!(desk.take(SPOT, diff(11, 11), &none), "-");
    desk.intake.disconnected(Venue::BinanceSpot, WallNs(99));
    assert_eq!(desk.said(), "-");
    assert_eq!(desk.intake.counts().total.fate(Fate::Discarded), 1);
    let perp = desk.take(PERP, diff_after(10, 11, 11), &none);
    assert_eq!(perp, "Bid 0x0 11-11 empty last @57/60");
    desk.intake
        .drop_book(PERP, ResetReason::Crossed, WallNs(100));
    assert_eq!(desk.said(), "reset Crossed 11 0");
}

#[test]
fn instruments_are_announced_and_the_end_is_quiet() {
    let mut desk = Desk::new(InstrumentOptions::default());
    desk.intake.announce(WallNs(7));
    assert_eq!(desk.intake.waiting(), 9);
    let first = desk.intake.out.pop().unwrap();
    assert_eq!(first.kind(), Some(Kind::InstrumentName));
    assert_eq!((first.ts_event, first.ts_recv), (WallNs(7), WallNs(7)));
    desk.said();
    desk.intake.finish(WallNs(8));
    assert_eq!(desk.said(), "-");
}

#[test]
fn what_is_told_goes_into_the_sequence() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let news = Body::Connection(Connection {
        event: ConnectionEvent::Connected,
        issue: None,
        ended: false,
        connection: 1,
        values: [0; 2],
        score: 100,
    });
    desk.intake.tell(InstrumentId::NONE, WallNs(5), &news);
    let message = desk.intake.pop().unwrap();
    assert_eq!(message.instrument(), InstrumentId::NONE);
    assert_eq!((message.ts_event, message.ts_recv), (WallNs(5), WallNs(5)));
    assert_eq!(message.body(), Some(news));
    assert_eq!(desk.said(), "-");
}

#[test]
fn notices_are_counted_by_kind() {
    let mut desk = Desk::new(InstrumentOptions::default());
    for notice in [
        Notice::SubscriptionReply,
        Notice::VenueError { code: 2 },
        Notice::ServerShutdown,
        Notice::InstrumentInfo,
        Notice::Unused,
        Notice::Unused,
    ] {
        desk.intake.out.counts.frames += 1;
        let decoded = Ok(Decoded::Notice(notice));
        let none = Levels::default();
        desk.intake.decoded(WallNs(1), decoded, b"", &none).unwrap();
    }
    assert_eq!(desk.intake.counts().notices, [1, 1, 1, 1, 2, 0, 0]);
    assert_eq!(desk.said(), "-");
}

#[test]
fn a_clock_behind_the_venues_is_measured_as_it_is() {
    let mut skew = ClockSkew::default();
    assert_eq!((skew.last(), skew.estimate()), (None, None));
    for late in [5, 0, 9, 3] {
        skew.sample(WallNs(1_000 - 1_270 + late), WallNs(1_000));
    }
    assert_eq!(skew.samples(), 4);
    assert_eq!((skew.min(), skew.max()), (Some(-1_270), Some(-1_261)));
    assert_eq!((skew.last(), skew.estimate()), (Some(-1_267), Some(-1_270)));
    // The estimate follows a clock that was set; the extremes remember.
    for _ in 0..3_000 {
        skew.sample(WallNs(50), WallNs(0));
    }
    assert_eq!((skew.min(), skew.estimate()), (Some(-1_270), Some(50)));
}

#[test]
fn times_in_mixed_units_are_suspect_but_pass() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let none = Levels::default();
    let day = 86_400_000_000_000;
    let now = 1_723_161_256_000_000_000;
    let fact = quote(0);
    for (ts_recv, ts_event, suspect) in [
        (now, now, 0),
        (now, now + day, 0),
        (now, now + day + 1, 1),
        (now / 1000, now, 2),
        (now, now / 1000, 3),
        (i64::MAX, i64::MIN, 4),
        (i64::MIN, i64::MAX, 5),
    ] {
        desk.intake
            .fact(SPOT, Some(WallNs(ts_event)), WallNs(ts_recv), &fact, &none);
        assert_eq!(desk.said(), "quote 0");
        let clock = desk.intake.counts().clock(Venue::BinanceSpot);
        assert_eq!(clock.suspect(), suspect);
    }
    let clock = desk.intake.counts().clock(Venue::BinanceSpot);
    assert_eq!((clock.min(), clock.max()), (Some(-day), Some(0)));
    assert_eq!(clock.suspect_last(), Some(i64::MIN));
    assert_eq!(desk.intake.counts().clock(Venue::Fx).samples(), 0);
}

#[test]
fn an_imbalance_is_named() {
    let mut desk = Desk::new(InstrumentOptions::default());
    desk.take(SPOT, quote(1), &Levels::default());
    let whole = desk.intake.counts().clone();
    whole.balance().unwrap();
    let spoil = |spoil: fn(&mut IntakeCounts), answer: &str| {
        let mut counts = whole.clone();
        spoil(&mut counts);
        let said = counts.balance().unwrap_err();
        assert!(said.starts_with(answer), "{said}");
    };
    spoil(|c| c.frames += 1, "frames: 2 came, 1 are accounted for");
    spoil(|c| c.total.came(FactKind::Trade), "all: trade facts");
    spoil(
        |c| c.instruments[1].came(FactKind::Trade),
        "instrument 1: trade facts",
    );
    spoil(|c| c.total.overlaps += 1, "instruments together");
    spoil(|c| c.emitted(Kind::Quote, 1), "quote: 2 came");
    spoil(|c| c.runs += 1, "book runs");
    desk.intake.out.counts.emitted(Kind::Timer, 1);
    let said = desk.intake.balance().unwrap_err();
    assert_eq!(said, "2 messages queued, 1 taken, 0 wait");
}

#[test]
fn the_steady_state_does_not_allocate() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let many: Vec<(i64, i64)> = (1..=5_000).map(|px| (px, 1)).collect();
    let full = levels(&many, &many);
    desk.take(SPOT, diff(1, 1), &full);
    desk.take(SPOT, snapshot(1), &full);
    let memory = |desk: &Desk| (desk.intake.out.memory(), desk.intake.lines.capacity());
    let before = memory(&desk);
    for id in 2..20 {
        desk.take(SPOT, diff(id, id), &full);
        desk.take(SPOT, trade(TradeStream::Single, id * 3), &full);
    }
    assert_eq!(memory(&desk), before);
}

#[test]
#[should_panic(expected = "messages are taken between frames")]
fn a_caller_that_takes_nothing_is_stopped() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let none = Levels::default();
    loop {
        desk.intake.fact(SPOT, None, WallNs(0), &quote(0), &none);
    }
}
