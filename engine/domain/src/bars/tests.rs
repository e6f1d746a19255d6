#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots so"
)]

use super::*;
use crate::units::{Lots, Notional, Ticks};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use std::fmt::Write;

const SECOND: i64 = 1_000_000_000;
/// 2024-01-01 00:00:00 UTC, a start of every timeframe.
const DAY: i64 = 1_704_067_200 * SECOND;

fn trade(id: u64, px: i64, qty: i64) -> Trade {
    Trade {
        px: Ticks(px),
        qty: Lots(qty),
        id,
        first_id: 10 * id,
        last_id: 10 * id + id % 3,
        is_buyer_maker: px % 2 == 0,
        best_match: true,
        backfilled: false,
        off_market: false,
        delayed: false,
    }
}

/// Feeds trades as the market does, with event time raised.
struct Feed {
    bars: Bars,
    now: i64,
    counts: BarCounts,
}

impl Feed {
    fn new() -> Self {
        Self {
            bars: Bars::new(PriceUnit::Ticks),
            now: 0,
            counts: BarCounts::default(),
        }
    }

    fn trade(&mut self, trade: &Trade, ts: i64) {
        self.now = self.now.max(ts);
        self.bars
            .trade(trade, WallNs(ts), WallNs(self.now), &mut self.counts);
    }

    fn advance(&mut self, ts: i64) {
        self.now = self.now.max(ts);
        self.bars.advance(WallNs(self.now), &mut self.counts);
    }
}

fn show(bar: &Bar) -> String {
    let mut text = String::new();
    let at = (bar.open_ts.0 - DAY) / SECOND;
    let Bar {
        open,
        high,
        low,
        close,
        ..
    } = bar;
    write!(text, "{at:>4}s {} {} {} {}", open.0, high.0, low.0, close.0)
        .expect("a string takes all");
    write!(
        text,
        " v{} b{} n{} t{}",
        bar.volume.0, bar.taker_buy_volume.0, bar.notional.0, bar.trades
    )
    .expect("a string takes all");
    write!(text, " ids {}..{}", bar.first_id, bar.last_id).expect("a string takes all");
    for (shown, word) in [
        (bar.revision > 0, "revised"),
        (bar.is_partial, "partial"),
        (bar.has_gap, "gap"),
    ] {
        if shown {
            write!(text, " {word}").expect("a string takes all");
        }
    }
    text
}

/// Lines: `t SECONDS ID PRICE QTY` a trade, `f` the same fetched later, `o` off the market, `at SECONDS` time passes,
/// `gap COUNT`. Shows the closed bars of one second and those open in all timeframes up to `until`.
fn check(script: &str, until: Timeframe, expected: &Expect) -> BarCounts {
    let mut feed = Feed::new();
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<i64>().expect("a number");
        let ts = || {
            let (whole, part) = words[1].split_once('.').unwrap_or((words[1], "0"));
            let [whole, part] = [whole, part].map(|digits| digits.parse::<i64>().expect("digits"));
            DAY + whole * SECOND + part * SECOND / 10
        };
        match words[0] {
            "at" => feed.advance(ts()),
            "gap" => feed.bars.gap(number(1).cast_unsigned(), &mut feed.counts),
            kind => {
                let mut trade = trade(number(2).cast_unsigned(), number(3), number(4));
                trade.backfilled = kind == "f";
                trade.off_market = kind == "o";
                feed.trade(&trade, ts());
            }
        }
    }
    let mut shown = String::new();
    for timeframe in Timeframe::ALL
        .into_iter()
        .take_while(|timeframe| *timeframe <= until)
    {
        for bar in feed.bars.closed(timeframe) {
            writeln!(shown, "{} {}", timeframe.name(), show(bar)).expect("a string takes all");
        }
        let open = feed.bars.open(timeframe).expect("a trade came");
        writeln!(shown, "{} {} open", timeframe.name(), show(&open)).expect("a string takes all");
    }
    expected.assert_eq(&shown);
    feed.counts
}

#[test]
fn seconds_without_a_trade_are_flat() {
    check(
        "
        t 0 1 100 5
        t 0.5 2 103 1
        t 0.9 3 99 2
        t 3.0 4 101 7
        o 3.1 5 500 7
        at 4.9
        at 5
        ",
        Timeframe::M1,
        &expect![[r#"
            1s    0s 100 103 99 99 v8 b3 n801 t6 ids 1..3
            1s    1s 99 99 99 99 v0 b0 n0 t0 ids 0..0
            1s    2s 99 99 99 99 v0 b0 n0 t0 ids 0..0
            1s    3s 101 101 101 101 v7 b7 n707 t2 ids 4..4
            1s    4s 101 101 101 101 v0 b0 n0 t0 ids 0..0
            1s    5s 101 101 101 101 v0 b0 n0 t0 ids 0..0 open
            1m    0s 100 103 99 101 v15 b10 n1508 t8 ids 1..4 open
        "#]],
    );
}

#[test]
fn a_second_belongs_to_its_minute_and_a_start_inside_a_bar_is_said() {
    check(
        "
        t 58.2 1 100 5
        t 59.9 2 103 1
        t 60.0 3 99 2
        t 61 4 98 2
        at 62
        ",
        Timeframe::M5,
        &expect![[r#"
            1s   58s 100 100 100 100 v5 b0 n500 t2 ids 1..1 partial
            1s   59s 103 103 103 103 v1 b1 n103 t3 ids 2..2
            1s   60s 99 99 99 99 v2 b2 n198 t1 ids 3..3
            1s   61s 98 98 98 98 v2 b0 n196 t2 ids 4..4
            1s   62s 98 98 98 98 v0 b0 n0 t0 ids 0..0 open
            1m    0s 100 103 100 103 v6 b1 n603 t5 ids 1..2 partial
            1m   60s 99 99 98 98 v4 b2 n394 t3 ids 3..4 open
            5m    0s 100 103 98 98 v10 b3 n997 t8 ids 1..4 partial open
        "#]],
    );
}

#[test]
fn late_trades_go_into_the_open_bar() {
    let counts = check(
        "
        t 58 1 100 5
        t 61 2 103 1
        t 59.9 3 90 2
        t 61.5 4 104 1
        at 62
        ",
        Timeframe::M1,
        &expect![[r#"
            1s   58s 100 100 100 100 v5 b0 n500 t2 ids 1..1
            1s   59s 100 100 100 100 v0 b0 n0 t0 ids 0..0
            1s   60s 100 100 100 100 v0 b0 n0 t0 ids 0..0
            1s   61s 103 104 90 104 v4 b1 n387 t6 ids 2..4
            1s   62s 104 104 104 104 v0 b0 n0 t0 ids 0..0 open
            1m    0s 100 100 100 100 v5 b0 n500 t2 ids 1..1 partial
            1m   60s 103 104 90 104 v4 b1 n387 t6 ids 2..4 open
        "#]],
    );
    assert_eq!(counts.late, [1, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn missing_trades_mark_bars_until_they_are_fetched() {
    check(
        "
        t 0 1 100 5
        t 1.2 2 103 1
        at 3.5
        gap 2
        t 5 5 104 1
        t 6 6 105 1
        ",
        Timeframe::M1,
        &expect![[r#"
            1s    0s 100 100 100 100 v5 b0 n500 t2 ids 1..1
            1s    1s 103 103 103 103 v1 b1 n103 t3 ids 2..2 revised gap
            1s    2s 103 103 103 103 v0 b0 n0 t0 ids 0..0 revised gap
            1s    3s 103 103 103 103 v0 b0 n0 t0 ids 0..0 gap
            1s    4s 103 103 103 103 v0 b0 n0 t0 ids 0..0 gap
            1s    5s 104 104 104 104 v1 b0 n104 t3 ids 5..5 gap
            1s    6s 105 105 105 105 v1 b1 n105 t1 ids 6..6 open
            1m    0s 100 105 100 105 v8 b2 n812 t9 ids 1..6 gap open
        "#]],
    );
    let counts = check(
        "
        t 0 1 100 5
        t 1.2 2 103 1
        at 3.5
        gap 2
        t 5 5 104 1
        f 1.3 3 110 4
        f 2.2 4 90 3
        t 6 6 105 1
        ",
        Timeframe::M1,
        &expect![[r#"
            1s    0s 100 100 100 100 v5 b0 n500 t2 ids 1..1
            1s    1s 103 110 103 110 v5 b1 n543 t4 ids 2..3 revised
            1s    2s 90 90 90 90 v3 b0 n270 t2 ids 4..4 revised
            1s    3s 90 90 90 90 v0 b0 n0 t0 ids 0..0 revised
            1s    4s 90 90 90 90 v0 b0 n0 t0 ids 0..0 revised
            1s    5s 104 104 104 104 v1 b0 n104 t3 ids 5..5
            1s    6s 105 105 105 105 v1 b1 n105 t1 ids 6..6 open
            1m    0s 100 110 90 105 v15 b2 n1522 t12 ids 1..6 open
        "#]],
    );
    assert_eq!(counts.too_old, [0; TIMEFRAMES]);
}

#[test]
fn a_long_pause_is_counted_and_not_filled() {
    let mut feed = Feed::new();
    feed.trade(&trade(1, 100, 1), DAY);
    feed.trade(&trade(2, 101, 1), DAY + 1501 * SECOND);
    assert_eq!(
        (
            feed.bars.closed(Timeframe::S1).len(),
            feed.counts.skipped[0]
        ),
        (1500, 0)
    );
    feed.trade(&trade(3, 102, 1), DAY + 1501 * SECOND + 3 * 86_400 * SECOND);
    assert_eq!(
        feed.counts.skipped,
        [3 * 86_400 - 1, 3 * 1440 - 1, 0, 0, 0, 0, 0]
    );
    assert_eq!(feed.counts.closed, [1502, 26, 869, 289, 72, 18, 3]);
    // Years pass: the work stays bounded and the sums whole.
    feed.trade(&trade(4, 102, 1), i64::MAX / 4);
    for timeframe in Timeframe::ALL {
        assert!(feed.bars.closed(timeframe).len() <= HISTORY_MAX);
    }
    // A trade fetched for a pause that was left out has no bar of a second.
    let mut late = trade(5, 1, 1);
    late.backfilled = true;
    feed.trade(&late, DAY + 1502 * SECOND + 86_400 * SECOND);
    assert_eq!(feed.counts.too_old[0], 1);
}

#[test]
fn fx_bars_are_of_the_middle_in_half_ticks() {
    let mut bars = Bars::new(PriceUnit::HalfTicks);
    let mut counts = BarCounts::default();
    for (ts, bid, ask) in [
        (0, 110_050, 110_080),
        (1, 110_060, 110_081),
        (2, 110_040, 110_080),
    ] {
        let tick = FxTick {
            bid: Ticks(bid),
            ask: Ticks(ask),
            bid_qty: Lots::ZERO,
            ask_qty: Lots::ZERO,
        };
        let ts = WallNs(DAY + ts * SECOND);
        bars.fx_tick(&tick, ts, ts, &mut counts);
    }
    let bar = bars.open(Timeframe::M1).expect("open");
    let prices = [bar.open, bar.high, bar.low, bar.close].map(|px| px.0);
    assert_eq!(prices, [220_130, 220_141, 220_120, 220_120]);
    assert_eq!((bar.trades, bar.volume, bar.vwap()), (3, Lots::ZERO, None));
}

#[test]
fn sums_saturate_instead_of_panicking() {
    let mut feed = Feed::new();
    let mut huge = trade(1, 1, 1);
    (huge.px, huge.qty, huge.last_id) = (Ticks(1 << 61), Lots(i64::MAX), u64::MAX);
    (huge.first_id, huge.is_buyer_maker) = (0, false);
    for _ in 0..40 {
        feed.trade(&huge, DAY);
    }
    feed.advance(DAY + 90_000 * SECOND);
    let bar = feed.bars.closed(Timeframe::D1).next().expect("closed");
    assert_eq!(
        (bar.volume, bar.taker_buy_volume, bar.trades),
        (Lots(i64::MAX), Lots(i64::MAX), u64::MAX)
    );
}

/// The bars of a timeframe from scratch: every trade in its bucket, flat bars between.
fn from_scratch(trades: &[(Trade, i64)], timeframe: Timeframe, now: i64) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    let first = timeframe.bucket(WallNs(trades[0].1));
    let mut open_ts = first.0;
    let mut close = Ticks::ZERO;
    while open_ts <= now {
        let inside: Vec<_> = trades
            .iter()
            .filter(|(_, ts)| (open_ts..open_ts + timeframe.ns()).contains(ts))
            .map(|(trade, _)| trade)
            .collect();
        let open = inside.first().map_or(close, |trade| trade.px);
        close = inside.last().map_or(close, |trade| trade.px);
        let sum = |of: &dyn Fn(&Trade) -> i64| Lots(inside.iter().map(|trade| of(trade)).sum());
        bars.push(Bar {
            open_ts: WallNs(open_ts),
            open,
            high: inside.iter().map(|trade| trade.px).max().unwrap_or(open),
            low: inside.iter().map(|trade| trade.px).min().unwrap_or(open),
            close,
            volume: sum(&|trade| trade.qty.0),
            taker_buy_volume: sum(&|trade| if trade.is_buyer_maker { 0 } else { trade.qty.0 }),
            notional: Notional(
                inside
                    .iter()
                    .map(|trade| i128::from(trade.px.0 * trade.qty.0))
                    .sum(),
            ),
            trades: inside
                .iter()
                .map(|trade| trade.last_id - trade.first_id + 1)
                .sum(),
            first_id: inside.first().map_or(0, |trade| trade.id),
            last_id: inside.last().map_or(0, |trade| trade.id),
            revision: 0,
            is_partial: open_ts == first.0 && open_ts != trades[0].1,
            has_gap: false,
        });
        open_ts += timeframe.ns();
    }
    bars
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]
    /// Whatever is missing at first and fetched later, in the end the bars are those of all trades in order.
    #[test]
    fn same_as_from_scratch(
        start in 0_i64..100_000,
        steps in prop::collection::vec((prop_oneof![5 => 0_i64..700, 3 => 0_i64..40_000, 1 => 0_i64..600_000], 1_i64..50, 1_i64..9, prop::bool::weighted(0.15), any::<bool>()), 1..60),
    ) {
        let mut ts = DAY + start * SECOND / 10;
        let mut trades = Vec::new();
        for (id, (step, px, qty, is_missing, _)) in (1..).zip(&steps) {
            ts += step * SECOND / 1000;
            trades.push((trade(id, *px, *qty), ts, *is_missing && id > 1));
        }
        let mut feed = Feed::new();
        let mut fetched_later = Vec::new();
        let mut untold = 0;
        for (at, ((trade, ts, is_missing), (.., passes))) in trades.iter().zip(&steps).enumerate() {
            if *is_missing {
                fetched_later.push((Trade { backfilled: true, ..*trade }, *ts));
                untold += 1;
                continue;
            }
            if untold > 0 {
                feed.bars.gap(std::mem::take(&mut untold), &mut feed.counts);
            }
            feed.trade(trade, *ts);
            if *passes {
                let next = trades.get(at + 1).map_or(i64::MAX, |(_, next, _)| *next);
                feed.advance(next.min(*ts + 3 * SECOND));
                for (trade, ts) in fetched_later.drain(..) { feed.trade(&trade, ts); }
                prop_assert_eq!(feed.bars.missing(), 0);
            }
        }
        if untold > 0 {
            feed.bars.gap(untold, &mut feed.counts);
        }
        for (trade, ts) in fetched_later { feed.trade(&trade, ts); }
        prop_assert_eq!(feed.bars.missing(), 0);
        prop_assert_eq!(feed.counts.late, [0; TIMEFRAMES]);
        let end = feed.now;
        let in_time: Vec<_> = trades.iter().map(|(trade, ts, _)| (*trade, *ts)).collect();
        prop_assume!(feed.counts.too_old == [0; TIMEFRAMES]);
        for timeframe in Timeframe::ALL {
            let expected = from_scratch(&in_time, timeframe, end);
            let expected = &expected[expected.len().saturating_sub(HISTORY_MAX + 1)..];
            let mut bars: Vec<Bar> = feed.bars.closed(timeframe).copied().collect();
            bars.push(feed.bars.open(timeframe).expect("started"));
            for bar in &mut bars { bar.revision = 0; }
            prop_assert_eq!(&bars[..], expected, "{}", timeframe.name());
            prop_assert_eq!(feed.counts.closed[timeframe as usize], (from_scratch(&in_time, timeframe, end).len() - 1) as u64);
        }
    }

    /// Any times, any kinds, in any order: nothing panics, every market trade is in exactly one bar of a day or counted out.
    #[test]
    fn anything_goes_and_nothing_is_lost(events in prop::collection::vec(
        (0_u8..8, -5_000_000_i64..50_000_000, 1_u64..100, 1_i64..100, 1_i64..10), 0..200)) {
        let mut feed = Feed::new();
        let mut volume = 0;
        for (kind, ms, id, px, qty) in events {
            let ts = DAY + ms * SECOND / 1000;
            match kind {
                0 => feed.advance(ts),
                1 => feed.bars.gap(id, &mut feed.counts),
                _ => {
                    let trade = Trade { backfilled: kind == 2, off_market: kind == 3, ..trade(id, px, qty) };
                    let before = feed.counts.too_old;
                    feed.trade(&trade, ts);
                    let is_out = feed.counts.too_old[Timeframe::D1 as usize] > before[Timeframe::D1 as usize];
                    if !trade.off_market && !is_out { volume += qty; }
                }
            }
            for timeframe in Timeframe::ALL {
                let starts: Vec<_> = feed.bars.closed(timeframe).map(|bar| bar.open_ts).collect();
                prop_assert!(starts.is_sorted_by(|one, next| one < next));
            }
        }
        let open = feed.bars.open(Timeframe::D1);
        let in_bars: i64 = feed.bars.closed(Timeframe::D1).chain(&open).map(|bar| bar.volume.0).sum();
        prop_assert_eq!(in_bars, volume);
    }
}
