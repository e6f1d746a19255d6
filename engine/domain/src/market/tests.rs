use super::*;
use crate::bars::Timeframe;
use crate::book::{Fault, Quality};
use crate::definitions::define;
use crate::instrument::{Symbol, Venue};
use crate::message::{
    Body, BookLevel, BookReset, BookSynced, Connection, ConnectionEvent, DayPrices, DayVolume,
    FxTick, Liquidation, MarkPrice, Order, OrderAction, Quote, ResetReason, Side, Trade, TradeGap,
    VenueBarPrices, VenueBarVolume, flag,
};
use crate::units::{Grid, Lots, Ticks};
use proptest::prelude::*;

mod content;
mod packages;

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_704_067_200 * SECOND;

/// A market with a spot, a futures and an FX instrument, fed in seconds since its start.
struct Bench {
    market: Market,
    sequence: u64,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            market: Market::new(),
            sequence: 0,
        };
        for (id, venue) in (0..).zip([Venue::BinanceSpot, Venue::BinanceUsdm, Venue::Fx]) {
            for message in define(InstrumentId(id), &instrument(venue), WallNs(START)) {
                bench.message(message);
            }
        }
        bench
    }

    fn message(&mut self, mut message: Message) {
        self.sequence += 1;
        message.sequence = self.sequence;
        self.market.apply(&message);
    }

    fn send(&mut self, id: u16, seconds: f64, body: Body) {
        self.send_between(id, seconds, seconds, body);
    }

    fn send_between(&mut self, id: u16, event: f64, recv: f64, body: Body) {
        self.message(Message::new(InstrumentId(id), at(event), at(recv), &body));
    }

    fn state(&self, id: u16) -> &InstrumentState {
        self.market.instrument(InstrumentId(id)).expect("defined")
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "tests use a few seconds with a few decimals"
)]
fn at(seconds: f64) -> WallNs {
    WallNs(START + (seconds * 1000.0).round() as i64 * 1_000_000)
}

fn instrument(venue: Venue) -> Instrument {
    let symbol = Symbol::new(venue.name().as_bytes()).expect("a symbol");
    Instrument {
        symbol,
        venue_symbol: symbol,
        venue,
        tick_size: Grid::new(1, 2).expect("a grid"),
        lot_size: Grid::new(1, 3).expect("a grid"),
    }
}

fn trade(id: u64, px: i64, qty: i64) -> Trade {
    Trade {
        px: Ticks(px),
        qty: Lots(qty),
        id,
        first_id: id,
        last_id: id,
        is_buyer_maker: false,
        best_match: true,
        backfilled: false,
        off_market: false,
        delayed: false,
    }
}

fn level(ids: (u64, u64), snapshot: bool, side: Side, px: i64, qty: i64, last: bool) -> Body {
    Body::BookLevel(BookLevel {
        side,
        px: Ticks(px),
        qty: Lots(qty),
        first_id: ids.0,
        last_id: ids.1,
        last,
        snapshot,
        empty: false,
    })
}

fn quote(id: u64, bid: i64, ask: i64) -> Quote {
    Quote {
        bid_px: Ticks(bid),
        bid_qty: Lots(5),
        ask_px: Ticks(ask),
        ask_qty: Lots(6),
        update_id: id,
    }
}

fn synchronise(bench: &mut Bench, id: u16, update_id: u64, seconds: f64) {
    let ids = (update_id, update_id);
    bench.send(id, seconds, level(ids, true, Side::Bid, 100, 5, false));
    bench.send(id, seconds, level(ids, true, Side::Ask, 102, 6, true));
    bench.send(id, seconds, Body::BookSynced(BookSynced { update_id }));
}

#[test]
fn instruments_are_learnt_from_the_sequence() {
    let mut bench = Bench::new();
    assert_eq!(bench.market.instruments().count(), 3);
    assert_eq!(*bench.state(1).instrument(), instrument(Venue::BinanceUsdm));
    // The same again is a second run; another grid under a known id is refused.
    let mut changed = instrument(Venue::Fx);
    for (id, instrument) in [(2, changed), (4096, changed), (u16::MAX, changed)] {
        for message in define(InstrumentId(id), &instrument, WallNs(START)) {
            bench.message(message);
        }
    }
    changed.tick_size = Grid::UNIT;
    for message in define(InstrumentId(2), &changed, WallNs(START)) {
        bench.message(message);
    }
    let mut half = define(InstrumentId(3), &changed, WallNs(START));
    half[2].payload[1] = 19;
    for message in half {
        bench.message(message);
    }
    let counts = bench.market.counts();
    assert_eq!((counts.redefinitions, counts.bad_definitions), (1, 4));
    assert_eq!(bench.market.instruments().count(), 3);
}

#[test]
fn news_of_connections_are_counted_by_event_with_and_without_an_instrument() {
    let news = |event| {
        Body::Connection(Connection {
            event,
            issue: None,
            ended: false,
            connection: 1,
            values: [0; 2],
            score: 100,
        })
    };
    let mut bench = Bench::new();
    bench.send(u16::MAX, 1.0, news(ConnectionEvent::Connected));
    let one = bench.market.state_hash();
    bench.send(0, 2.0, news(ConnectionEvent::ApiGap));
    bench.send(u16::MAX, 3.0, news(ConnectionEvent::Connected));
    assert_ne!(bench.market.state_hash(), one);
    let mut unknown = Message::new(
        InstrumentId::NONE,
        at(4.0),
        at(4.0),
        &news(ConnectionEvent::Error),
    );
    unknown.aux = 99;
    bench.message(unknown);
    let counts = bench.market.counts();
    assert_eq!(counts.connection(ConnectionEvent::Connected), 2);
    assert_eq!(counts.connection(ConnectionEvent::ApiGap), 1);
    assert_eq!(counts.connection.iter().sum::<u64>(), 3);
    assert_eq!(
        (counts.applied(Kind::Connection), counts.bad_payloads),
        (4, 1)
    );
    assert_eq!(counts.unknown_instruments, 0);
}

#[test]
fn what_cannot_be_is_counted_and_changes_nothing() {
    let mut bench = Bench::new();
    let before: Vec<_> = bench
        .market
        .instruments()
        .map(|(_, state)| words(state))
        .collect();
    let px = |px| Trade {
        px: Ticks(px),
        ..trade(1, 1, 1)
    };
    let fx = |bid, ask| {
        Body::FxTick(FxTick {
            bid: Ticks(bid),
            ask: Ticks(ask),
            bid_qty: Lots::ZERO,
            ask_qty: Lots::ZERO,
        })
    };
    let bad = [
        (0, Body::Trade(px(0))),
        (0, Body::Trade(px(-5))),
        (0, Body::Trade(px(i64::MAX))),
        (0, Body::Trade(trade(1, 1, 0))),
        (0, Body::Quote(quote(1, -1, 5))),
        (0, Body::Quote(quote(1, 7, 5))),
        (0, fx(1, 2)),
        (2, fx(0, 2)),
        (2, fx(3, 2)),
        (2, Body::Trade(trade(1, 1, 1))),
        (
            0,
            Body::TradeGap(TradeGap {
                first_id: 5,
                last_id: 4,
            }),
        ),
    ];
    let count = bad.len() as u64;
    for (id, body) in bad {
        bench.send(id, 1.0, body);
    }
    assert_eq!(bench.market.counts().bad_payloads, count);
    // A code inside that nobody knows, a kind that nobody knows, an instrument that nobody defined.
    let mut unknown = Message::new(InstrumentId(0), at(1.0), at(1.0), &Body::Timer);
    (unknown.kind, unknown.aux) = (Kind::BookReset as u8, 99);
    bench.message(unknown);
    for kind in [0, 200, 255] {
        unknown.kind = kind;
        bench.message(unknown);
    }
    bench.send(3, 1.0, Body::Trade(trade(1, 1, 1)));
    bench.send(u16::MAX, 1.0, Body::Trade(trade(1, 1, 1)));
    bench.send(u16::MAX, 1.0, Body::End);
    let counts = bench.market.counts();
    assert_eq!(counts.bad_payloads, count + 1);
    assert_eq!(
        (
            counts.unknown_kinds,
            counts.unknown_instruments,
            counts.trades
        ),
        (3, 2, 0)
    );
    let after: Vec<_> = bench
        .market
        .instruments()
        .map(|(_, state)| words(state))
        .collect();
    assert_eq!(before, after);
}

fn words(state: &InstrumentState) -> Vec<u64> {
    let mut words = Vec::new();
    state.state_words(&mut |word| words.push(word));
    words
}

#[test]
fn a_book_is_synchronised_checked_lost_and_found() {
    let mut bench = Bench::new();
    for (id, bid) in [(9, 99), (10, 100), (12, 100)] {
        bench.send(0, 1.0, Body::Quote(quote(id, bid, 102)));
    }
    synchronise(&mut bench, 0, 10, 2.0);
    assert_eq!(
        bench.state(0).touch().map(|fused| fused.update_id),
        Some(12)
    );
    bench.send(0, 2.1, level((11, 13), false, Side::Bid, 98, 1, true));
    bench.send(0, 2.2, Body::Quote(quote(14, 101, 102)));
    // The quote says 101x5, the book does not.
    bench.send(0, 2.3, level((14, 15), false, Side::Bid, 101, 4, true));
    bench.send(0, 2.4, Body::Quote(quote(17, 101, 102)));
    let touch = bench.market.counts().touch;
    assert_eq!((touch.compared, touch.mismatched, touch.skipped), (2, 1, 0));
    let reset = BookReset {
        reason: ResetReason::Gap,
        expected_id: 16,
        got_id: 20,
    };
    bench.send(0, 3.0, Body::BookReset(reset));
    bench.send(0, 3.1, level((20, 21), false, Side::Bid, 99, 4, true));
    assert_eq!(
        bench.state(0).book().map(Book::quality),
        Some(Quality::Gapped(Fault::Gap))
    );
    synchronise(&mut bench, 0, 30, 4.0);
    bench.send(0, 4.1, level((31, 31), false, Side::Bid, 102, 4, true));
    let counts = bench.market.counts();
    assert_eq!(
        (
            counts.book_updates,
            counts.book_snapshots,
            counts.books_synced
        ),
        (2, 2, 2)
    );
    assert_eq!((counts.book_runs_ignored, counts.book_levels), (1, 8));
    assert_eq!(
        (
            counts.book_gaps(Fault::Gap),
            counts.book_gaps(Fault::Crossed)
        ),
        (1, 1)
    );
    bench.send(0, 4.2, Body::BookSynced(BookSynced { update_id: 31 }));
    assert_eq!(bench.market.counts().books_sync_refused, 1);
}

#[test]
fn whole_books_without_diffs_stay_in_step() {
    let mut bench = Bench::new();
    synchronise(&mut bench, 0, 10, 1.0);
    bench.send(0, 1.05, Body::Quote(quote(11, 100, 102)));
    bench.send(0, 1.1, level((20, 20), true, Side::Bid, 100, 5, false));
    bench.send(0, 1.1, level((20, 20), true, Side::Ask, 102, 6, true));
    bench.send(0, 1.2, Body::Quote(quote(21, 101, 102)));
    let book = bench.state(0).book().expect("heard");
    assert_eq!((book.quality(), book.last_id()), (Quality::Good, 20));
    let touch = bench.market.counts().touch;
    assert_eq!((touch.compared, touch.mismatched), (1, 0));
}

use crate::book::Book;

#[test]
fn silence_is_seen_by_timers() {
    let mut bench = Bench::new();
    synchronise(&mut bench, 0, 10, 0.0);
    for seconds in 1..=11 {
        bench.send(u16::MAX, f64::from(seconds), Body::Timer);
        let expected = if seconds < 10 {
            Quality::Good
        } else {
            Quality::Stale
        };
        assert_eq!(bench.state(0).book().map(Book::quality), Some(expected));
    }
    assert_eq!(bench.market.counts().books_stale, 1);
}

#[test]
fn depth_closes_bars_a_second_behind_its_own_time() {
    let mut bench = Bench::new();
    bench.send(0, 0.5, Body::Trade(trade(1, 100, 7)));
    synchronise(&mut bench, 0, 10, 0.6);
    let closed = |bench: &Bench| bench.state(0).bars().closed(Timeframe::S1).len();
    bench.send(0, 1.999, level((11, 11), false, Side::Bid, 99, 1, true));
    assert_eq!(closed(&bench), 0);
    // The trade was on its way meanwhile and is not late.
    bench.send_between(0, 0.99, 2.0, Body::Trade(trade(2, 101, 1)));
    // A spot quote carries no venue time, so it says nothing of bars.
    bench.send(0, 5.0, Body::Quote(quote(12, 100, 102)));
    assert_eq!(closed(&bench), 0);
    bench.send(0, 2.0, level((12, 12), false, Side::Bid, 99, 2, true));
    assert_eq!((closed(&bench), bench.state(0).event_time()), (1, at(1.0)));
    let bar = *bench
        .state(0)
        .bars()
        .closed(Timeframe::S1)
        .next()
        .expect("closed");
    assert_eq!(
        (bar.volume, bar.close, bar.trades),
        (Lots(8), Ticks(101), 2)
    );
    assert_eq!(bench.market.counts().bars.late, [0; 7]);
    bench.send(1, 0.5, Body::Trade(trade(1, 100, 7)));
    bench.send(1, 2.5, Body::Quote(quote(12, 100, 102)));
    assert_eq!(bench.state(1).bars().closed(Timeframe::S1).len(), 1);
}

#[test]
fn one_impossible_time_does_not_stop_the_clock() {
    let mut bench = Bench::new();
    bench.send(0, 0.5, Body::Trade(trade(1, 100, 7)));
    bench.send_between(0, 5000.0, 1.0, Body::Trade(trade(2, 100, 7)));
    let mut never = Message::new(
        InstrumentId(0),
        WallNs(i64::MIN),
        at(1.0),
        &Body::Trade(trade(3, 100, 7)),
    );
    bench.message(never);
    never.ts_event = WallNs(i64::MAX);
    bench.message(never);
    bench.send(0, 1.2, Body::Trade(trade(4, 100, 7)));
    assert_eq!(
        (bench.market.counts().bad_times, bench.state(0).event_time()),
        (3, at(1.2))
    );
    let bars = bench.state(0).bars();
    assert_eq!(
        bars.closed(Timeframe::S1)
            .map(|bar| bar.volume)
            .collect::<Vec<_>>(),
        [Lots(28)]
    );
    assert_eq!(
        bars.open(Timeframe::D1).map(|bar| bar.volume),
        Some(Lots(35))
    );
}

#[test]
fn totals_and_latest_values() {
    let mut bench = Bench::new();
    let mut sold = trade(1, 100, 7);
    sold.is_buyer_maker = true;
    let mut forced = trade(2, 100, 900);
    forced.off_market = true;
    let mut fetched = trade(3, 90, 1);
    fetched.backfilled = true;
    for trade in [sold, forced, trade(5, 110, 3)] {
        bench.send(0, 1.0, Body::Trade(trade));
    }
    bench.send(
        0,
        1.0,
        Body::TradeGap(TradeGap {
            first_id: 3,
            last_id: 4,
        }),
    );
    bench.send_between(0, 0.5, 1.0, Body::Trade(fetched));
    let totals = *bench.state(0).totals();
    assert_eq!(
        (totals.trades, totals.quantity, totals.taker_buy_quantity),
        (3, Lots(11), Lots(4))
    );
    assert_eq!(
        (totals.notional.0, totals.last.map(|last| last.id)),
        (700 + 330 + 90, Some(5))
    );
    let counts = bench.market.counts();
    assert_eq!(
        (
            counts.trades,
            counts.trades_off_market,
            counts.trades_backfilled
        ),
        (3, 1, 1)
    );
    assert_eq!((counts.trade_gaps, counts.trades_missing), (1, 2));

    let liquidation = Liquidation {
        side: Side::Ask,
        px: Ticks(90),
        avg_px: Ticks(91),
        qty: Lots(4),
        filled_qty: Lots(4),
    };
    let mark = MarkPrice {
        mark_e8: -1,
        index_e8: 2,
        rate_e8: 3,
        next_funding_ms: 4,
    };
    let day = DayPrices {
        last: Ticks(1),
        open: Ticks(2),
        high: Ticks(3),
        low: Ticks(4),
    };
    let day_volume = DayVolume {
        volume: Lots(1),
        trades: 2,
        open_ms: 3,
        close_ms: 4,
    };
    let order = Order {
        action: OrderAction::Execute,
        side: Side::Bid,
        order_id: 1,
        px: Ticks(1),
        qty: Lots(1),
        other_id: 0,
        last: true,
        snapshot: false,
    };
    for body in [
        Body::Liquidation(liquidation),
        Body::Liquidation(liquidation),
        Body::MarkPrice(mark),
        Body::DayPrices(day),
        Body::DayVolume(day_volume),
        Body::Order(order),
    ] {
        bench.send(1, 1.0, body);
    }
    let state = bench.state(1);
    assert_eq!(
        (
            state.liquidations().orders,
            state.liquidations().quantity[1]
        ),
        ([0, 2], Lots(8))
    );
    assert_eq!(
        (state.mark(), state.day_prices(), state.day_volume()),
        (Some(&mark), Some(&day), Some(&day_volume))
    );
    assert_eq!((state.orders()[4], bench.market.counts().orders[4]), (1, 1));
    assert_eq!(bench.market.counts().bad_payloads, 0);
}

#[test]
fn the_venues_bars_are_compared_with_ours_once_both_are_closed() {
    let mut bench = Bench::new();
    let venue_bar = |bench: &mut Bench, minute: i64, close: i64, volume: i64, seconds: f64| {
        let prices = VenueBarPrices {
            interval_s: 60,
            open: Ticks(100),
            high: Ticks(104),
            low: Ticks(100),
            close: Ticks(close),
        };
        let volume = VenueBarVolume {
            interval_s: 60,
            open_ts: WallNs(START + minute * 60 * SECOND),
            volume: Lots(volume),
            taker_buy_volume: Lots(volume),
            trades: 2,
            closed: true,
            history: false,
        };
        bench.send(0, seconds, Body::VenueBarPrices(prices));
        bench.send(0, seconds, Body::VenueBarVolume(volume));
    };
    for (minute, id) in [(0.0, 1), (60.0, 3), (120.0, 5)] {
        bench.send(0, minute, Body::Trade(trade(id, 100, 1)));
        bench.send(0, minute + 1.0, Body::Trade(trade(id + 1, 104, 1)));
    }
    venue_bar(&mut bench, 0, 104, 2, 121.5);
    venue_bar(&mut bench, 1, 104, 3, 121.6);
    // Ours is still open: it waits for the next trade and the next timer.
    venue_bar(&mut bench, 2, 104, 2, 180.0);
    let compared = |bench: &Bench| {
        (
            bench.market.counts().venue_bars_compared,
            bench.market.counts().venue_bars_mismatched,
        )
    };
    assert_eq!(compared(&bench), (2, 1));
    bench.send(0, 181.0, Body::Trade(trade(7, 100, 1)));
    bench.send(u16::MAX, 182.0, Body::Timer);
    assert_eq!(compared(&bench), (3, 1));
    // The second half alone is no bar.
    let alone = VenueBarVolume {
        interval_s: 60,
        open_ts: WallNs(START),
        volume: Lots(1),
        taker_buy_volume: Lots(1),
        trades: 1,
        closed: true,
        history: false,
    };
    bench.send(0, 183.0, Body::VenueBarVolume(alone));
    assert_eq!(bench.market.counts().bad_payloads, 1);
}

#[test]
fn fx_ticks_make_bars_of_their_own() {
    let mut bench = Bench::new();
    for (seconds, bid, ask) in [(0.0, 100, 103), (0.5, 101, 103), (1.5, 90, 91)] {
        let tick = FxTick {
            bid: Ticks(bid),
            ask: Ticks(ask),
            bid_qty: Lots::ZERO,
            ask_qty: Lots::ZERO,
        };
        bench.send(2, seconds, Body::FxTick(tick));
    }
    let state = bench.state(2);
    let bar = *state.bars().closed(Timeframe::S1).next().expect("closed");
    assert_eq!(
        (bar.open, bar.close, bar.trades),
        (Ticks(203), Ticks(204), 2)
    );
    assert_eq!(state.fx().map(|tick| tick.bid), Some(Ticks(90)));
}

/// Any 64 bytes whose header is half right.
fn any_message() -> impl Strategy<Value = Message> {
    let word =
        || prop_oneof![3 => 0_u64..200, 1 => any::<u64>(), 1 => Just(i64::MAX.cast_unsigned())];
    let head = (
        0_u8..21,
        any::<u8>(),
        0_u16..4,
        prop_oneof![0_u32..70, any::<u32>()],
    );
    let ts = || prop_oneof![4 => START..START + 4000 * SECOND, 1 => any::<i64>()];
    (head, ts(), ts(), [word(), word(), word(), word()]).prop_map(
        |((kind, flags, instrument, aux), event, recv, payload)| Message {
            sequence: 0,
            ts_event: WallNs(event),
            ts_recv: WallNs(recv),
            kind,
            flags,
            instrument,
            aux,
            payload,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    /// No bytes make the market panic, and the same bytes make the same market.
    #[test]
    fn any_bytes_are_survived_and_hash_the_same(messages in prop::collection::vec(any_message(), 0..200)) {
        let (mut one, mut other) = (Bench::new(), Bench::new());
        for message in &messages {
            one.message(*message);
            other.message(*message);
        }
        prop_assert_eq!(one.market.state_hash(), other.market.state_hash());
        let counts = one.market.counts();
        let known: u64 = counts.applied.iter().sum();
        let ends = messages.iter().filter(|message| message.kind == Kind::End as u8).count() as u64;
        prop_assert_eq!(known + counts.unknown_kinds + ends, messages.len() as u64 + 9);
    }
}

/// Messages as they come in a row: most are trades of an instrument with trades, most of those plain, a few seconds long.
fn nearly_plain_trades() -> impl Strategy<Value = Vec<Message>> {
    let quantity =
        prop_oneof![20 => 1_i64..1000, 1 => Just(0), 1 => Just(1 << 48), 1 => any::<i64>()];
    let flags = prop_oneof![
        20 => any::<bool>().prop_map(|maker| if maker { flag::BUYER_MAKER } else { 0 }),
        1 => any::<u8>(),
    ];
    let ids = prop_oneof![20 => 0_u64..500, 1 => any::<u64>()];
    let step =
        prop_oneof![20 => 0_i64..300, 2 => -1500_i64..0, 2 => 300_i64..90_000, 1 => any::<i64>()];
    let trade = (
        (0_u16..2, 99_i64..105, quantity, flags),
        (ids, prop_oneof![9 => 0_u32..3, 1 => any::<u32>()], step),
    );
    let trade = trade.prop_map(|((instrument, px, qty, flags), (id, aux, step))| {
        let body = Body::Trade(self::trade(id, px, 1));
        let mut message = Message::new(
            InstrumentId(u16::from(instrument == 1)),
            WallNs(step),
            at(0.0),
            &body,
        );
        (message.flags, message.aux) = (flags, aux);
        (message.payload[1], message.payload[3]) = (qty.cast_unsigned(), id);
        message
    });
    let gap = (1_u64..9, 0_u64..9).prop_map(|(first_id, span)| {
        let last_id = first_id + span;
        let body = Body::TradeGap(TradeGap { first_id, last_id });
        Message::new(InstrumentId(0), WallNs(0), at(0.0), &body)
    });
    let one = prop_oneof![40 => trade, 1 => gap, 2 => any_message()];
    prop::collection::vec(one, 1..300).prop_map(|mut messages| {
        // The steps become times.
        let mut now = at(0.5);
        for (sequence, message) in (10..).zip(&mut messages) {
            message.sequence = sequence;
            if message.kind == Kind::Trade as u8 && message.ts_event.0.abs() < 100_000 {
                now.0 += message.ts_event.0 * 1_000_000;
                message.ts_event = now;
                message.ts_recv = now;
            }
        }
        messages
    })
}

/// A market as everybody sees it: what state words leave out is in what it prints of itself.
fn seen(bench: &Bench) -> (u64, String) {
    (
        bench.market.state_hash(),
        format!("{:?}", bench.market.counts()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    /// However a sequence is cut, the market is the one that took the messages one by one.
    #[test]
    fn all_at_once_is_one_by_one(messages in nearly_plain_trades(), cut in any::<prop::sample::Index>()) {
        let (mut one, mut all) = (Bench::new(), Bench::new());
        let (head, tail) = messages.split_at(cut.index(messages.len()));
        for part in [head, tail] {
            all.market.apply_all(part);
            for message in part {
                one.market.apply(message);
            }
            prop_assert_eq!(seen(&all), seen(&one));
            for id in 0..2 {
                for timeframe in Timeframe::ALL {
                    let bar = |bench: &Bench| bench.state(id).bars().open(timeframe);
                    prop_assert_eq!(bar(&all), bar(&one));
                }
                prop_assert_eq!(all.state(id).totals(), one.state(id).totals());
            }
        }
    }
}

#[test]
fn trades_in_a_row_are_summed_up_second_by_second() {
    let messages = |count: u64| -> Vec<Message> {
        let each = (1..=count).map(|id| {
            let seconds = f64::from(u32::try_from(id).expect("few")) / 10_000.0;
            let px = 100 + i64::try_from(id % 7).expect("small");
            let body = Body::Trade(trade(id, px, 1 << 47));
            Message {
                sequence: id,
                ..Message::new(InstrumentId(0), at(seconds), at(seconds), &body)
            }
        });
        each.collect()
    };
    // More than a run holds, and quantities of which a second's sum no longer fits.
    let messages = messages(70_000);
    let (mut one, mut all) = (Bench::new(), Bench::new());
    all.market.apply_all(&messages);
    for message in &messages {
        one.market.apply(message);
    }
    assert_eq!(seen(&all), seen(&one));
    assert_eq!(all.state(0).totals().quantity, Lots(i64::MAX));
    assert_eq!(all.state(0).bars().closed(Timeframe::S1).len(), 7);
}

#[test]
fn one_lot_makes_another_hash() {
    let hash = |qty: i64, ends: bool| {
        let mut bench = Bench::new();
        synchronise(&mut bench, 0, 10, 1.0);
        bench.send(0, 1.0, level((11, 11), false, Side::Bid, 5, qty, true));
        if ends {
            bench.send(0, 9.0, Body::End);
        }
        bench.market.state_hash()
    };
    assert_eq!(hash(1, false), hash(1, false));
    assert_ne!(hash(1, false), hash(2, false));
    // The end of the input is not part of the sequence.
    assert_eq!(hash(1, false), hash(1, true));
}
