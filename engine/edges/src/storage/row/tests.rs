use super::*;
use pitlane_domain::units::{Lots, Ticks};
use proptest::prelude::*;

const NOW: WallNs = WallNs(1_723_161_256_000_000_000);

fn row() -> TradeRow {
    TradeRow {
        symbol: Symbol::new(b"BTCUSDT").expect("a symbol"),
        tick_size: Grid::of_step(b"0.01").expect("a step"),
        lot_size: Grid::of_step(b"0.00001").expect("a step"),
        trade: Trade {
            px: Ticks(6_183_763),
            qty: Lots(123),
            id: 0,
            first_id: 0,
            last_id: 2,
            is_buyer_maker: true,
            best_match: true,
            backfilled: false,
            off_market: false,
            delayed: false,
        },
        trade_time: NOW,
    }
}

#[test]
fn a_good_row_is_exact() {
    let values = row().check(NOW).expect("legal, id 0 included");
    assert_eq!(values.price.to_bits(), 61837.63_f64.to_bits());
    assert_eq!(values.quantity.to_bits(), 0.00123_f64.to_bits());
    assert!(values.is_buyer_maker);
    assert_eq!((values.id, values.time_ms), (0, 1_723_161_256_000));
}

#[test]
fn each_rule_has_its_reason() {
    #[track_caller]
    fn check(reason: SkipReason, change: impl FnOnce(&mut TradeRow)) {
        let mut row = row();
        change(&mut row);
        assert_eq!(row.check(NOW), Err(reason));
    }
    use SkipReason::{
        IdOutOfRange, IdsReversed, NotExact, PriceNotPositive, QuantityNotPositive, TimeAhead,
        TimeTooOld,
    };
    check(IdOutOfRange, |r| r.trade.id = 1 << 63);
    check(IdOutOfRange, |r| r.trade.last_id = u64::MAX);
    check(IdsReversed, |r| r.trade.first_id = 3);
    check(PriceNotPositive, |r| r.trade.px = Ticks(0));
    check(PriceNotPositive, |r| r.trade.px = Ticks(-1));
    check(QuantityNotPositive, |r| r.trade.qty = Lots(0));
    check(NotExact, |r| r.trade.px = Ticks(1 << 60));
    check(NotExact, |r| r.trade.qty = Lots(i64::MAX));
    check(TimeTooOld, |r| r.trade_time = WallNs(YEAR_2000.0 - 1));
    check(TimeTooOld, |r| r.trade_time = WallNs(i64::MIN));
    check(TimeAhead, |r| r.trade_time = WallNs(NOW.0 + DAY_NS + 1));
    check(TimeAhead, |r| r.trade_time = WallNs(i64::MAX));
    let mut edge = row();
    edge.trade_time = WallNs(NOW.0 + DAY_NS);
    edge.check(NOW).expect("one day ahead is legal");
    edge.trade_time = YEAR_2000;
    edge.check(NOW).expect("the year 2000 is legal");
}

#[test]
fn every_reason_finds_its_name() {
    for (at, (reason, name)) in SkipReason::ALL.into_iter().enumerate() {
        assert_eq!((reason as usize, reason.name()), (at, name));
    }
}

#[test]
fn both_json_forms_agree_and_are_json() {
    let row = row();
    let values = row.check(NOW).expect("legal");
    assert_eq!(row.to_json(), values.to_json());
    let json: serde_json::Value = serde_json::from_str(&row.to_json()).expect("JSON");
    assert_eq!(json["price"], 61837.63);
    assert_eq!(json["isBuyerMaker"], 1);
}

proptest! {
    /// What passes the check reads back as the same integer, by the decimal text of the double.
    #[test]
    fn a_double_that_passes_is_the_integer(
        steps in 1_i64..1 << 54,
        mantissa in 1_i64..500,
        scale in 0_u8..10,
    ) {
        let grid = Grid::new(mantissa, scale).expect("a grid");
        let value = grid.to_f64(steps);
        if reads_back(grid, steps, value) {
            let text = format!("{value:.*}", usize::from(grid.scale()));
            prop_assert_eq!(grid.parse(text.as_bytes()).ok(), Some(steps));
        } else {
            // Nothing a market trades at is refused.
            prop_assert!(i128::from(steps) * i128::from(grid.mantissa()) >= 1 << 51);
        }
        prop_assert!(!reads_back(grid, steps + 1, value));
    }
}
