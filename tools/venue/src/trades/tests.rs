use super::*;

/// Trades of quantity 1 with ids from 1 on, as (ms, price).
fn rows(list: &[(i64, i64)]) -> Trades {
    let mut trades = Trades::default();
    for ((ms, px), id) in list.iter().zip(1..) {
        let trade = Trade {
            px: Ticks(*px),
            qty: Lots(1),
            id,
            first_id: id,
            last_id: id,
            is_buyer_maker: id % 2 == 0,
            best_match: true,
            backfilled: false,
            delayed: false,
            off_market: false,
        };
        let at = u32::try_from(id).unwrap() - 1;
        trades.push(TradeStream::Single, at, WallNs::from_ms(*ms), &trade);
    }
    trades.finish();
    trades
}

fn text(bars: &[Bar]) -> String {
    let show = |bar: &Bar| {
        let Sums {
            open,
            high,
            low,
            close,
            count,
            ..
        } = bar.sums;
        format!(
            "{}:{},{},{},{}x{count}",
            bar.open_ms / 1000,
            open.0,
            high.0,
            low.0,
            close.0
        )
    };
    let list: Vec<_> = bars.iter().map(show).collect();
    list.join(" ")
}

#[test]
fn only_what_was_played_is_seen() {
    let trades = rows(&[(1000, 5), (2000, 6), (3000, 7)]);
    assert_eq!(trades.single(0).len(), 0);
    assert_eq!(trades.single(2).len(), 2);
    assert_eq!(trades.aggregated(3).len(), 3);
}

#[test]
fn ids_come_in_order_once_and_no_later_than_those_behind_them() {
    let mut trades = rows(&[(1000, 5), (2000, 6), (3000, 7)]);
    let mut late = trades.single[0];
    late.at = 9;
    trades.single.insert(0, late);
    trades.single[3].id = 2;
    trades.single[3].at = 7;
    trades.single[2].id = 3;
    trades.single[2].at = 4;
    trades.finish();
    let seen: Vec<_> = trades.single.iter().map(|row| (row.id, row.at)).collect();
    assert_eq!(seen, [(1, 0), (2, 4), (3, 4)]);
}

#[test]
fn bars_hold_what_was_traded_and_are_flat_where_nothing_was() {
    let trades = rows(&[(1000, 5), (1900, 9), (1500, 4), (4000, 6), (5100, 7)]);
    let rows = trades.single(5);
    let second = Interval::of("1s").unwrap();
    let all = "1:5,9,4,4x3 2:4,4,4,4x0 3:4,4,4,4x0 4:6,6,6,6x1 5:7,7,7,7x1";
    let check = |range, limit, expected: &str| {
        assert_eq!(text(&bars(rows, second, range, limit)), expected);
    };
    check((None, None), 10, all);
    check((None, None), 2, "4:6,6,6,6x1 5:7,7,7,7x1");
    check((None, Some(4500)), 2, "3:4,4,4,4x0 4:6,6,6,6x1");
    check((Some(0), None), 1, "1:5,9,4,4x3");
    check((Some(1001), Some(3000)), 9, "2:4,4,4,4x0 3:4,4,4,4x0");
    check((Some(9000), None), 9, "");
    assert_eq!(bars(&[], second, (None, None), 5), []);
}

#[test]
fn takers_are_those_whose_buyer_was_not_resting() {
    let trades = rows(&[(1000, 5), (1900, 9), (1950, 4)]);
    let sums = Sums::of(trades.single(3)).unwrap();
    assert_eq!((sums.volume, sums.quote), (3, 18));
    assert_eq!((sums.taker_volume, sums.taker_quote), (2, 9));
    assert_eq!((sums.first_id, sums.last_id, sums.count), (1, 3, 3));
}
