use super::*;
use crate::message::{FxDay, FxRange};

#[test]
fn a_package_of_a_gateway_is_the_day_of_its_pair() {
    let day = FxDay {
        open: Ticks(110_000),
        high: Ticks(110_200),
        low: Ticks(109_900),
        price: Ticks(110_050),
        digits: 5,
    };
    let range = FxRange {
        adr: Ticks(700),
        projected_high: Ticks(110_350),
        projected_low: Ticks(109_650),
        computed: true,
    };
    let prices = VenueBarPrices {
        interval_s: 60,
        open: Ticks(110_000),
        high: Ticks(110_001),
        low: Ticks(109_999),
        close: Ticks(110_000),
    };
    let volume = VenueBarVolume {
        interval_s: 60,
        open_ts: WallNs(START),
        volume: Lots(3),
        taker_buy_volume: Lots::ZERO,
        trades: 0,
        closed: true,
        history: true,
    };
    let mut bench = Bench::new();
    let before = bench.market.state_hash();
    bench.send(2, 1.0, Body::FxDay(day));
    bench.send(2, 1.0, Body::VenueBarPrices(prices));
    bench.send(2, 1.0, Body::VenueBarVolume(volume));
    assert!(bench.state(2).fx_days().unwrap().package().is_none());
    bench.send(2, 1.0, Body::FxRange(range));
    let package = bench.state(2).fx_days().unwrap().package().unwrap();
    assert_eq!((package.day, package.range), (day, range));
    assert_eq!(package.profile, [(prices, volume)]);
    // The bars of a package are no bars to compare ours with.
    assert!(bench.state(2).venue_bars().newest(Timeframe::M1).is_none());
    assert_eq!(bench.market.counts().bad_payloads, 0);
    assert_ne!(bench.market.state_hash(), before);

    // What cannot be a day of this instrument changes nothing.
    let bad = [
        (0, Body::FxDay(day)),
        (
            2,
            Body::FxDay(FxDay {
                low: Ticks(110_001),
                ..day
            }),
        ),
        (
            2,
            Body::FxDay(FxDay {
                price: Ticks::ZERO,
                ..day
            }),
        ),
        (2, Body::FxRange(range)),
        (2, Body::VenueBarVolume(volume)),
    ];
    for (id, body) in bad {
        bench.send(id, 1.0, body);
    }
    assert_eq!(bench.market.counts().bad_payloads, 5);
    let package = bench.state(2).fx_days().unwrap().package().unwrap();
    assert_eq!((package.day, package.range), (day, range));
    assert!(bench.state(0).fx_days().is_none());
}
