use super::*;

const MINUTE_NS: i64 = HOUR_NS / 60;

/// 2014-05-01 00:00 UTC, a Thursday in summer.
const MAY: i64 = 1_398_902_400_000_000_000;

fn at(hours: i64) -> WallNs {
    WallNs(MAY + hours * HOUR_NS)
}

#[test]
fn a_day_begins_at_five_in_new_york() {
    for (time, start) in [
        // 2014-05-01T20:59:59.999999999 and one nanosecond later.
        (MAY + 21 * HOUR_NS - 1, MAY - 3 * HOUR_NS),
        (MAY + 21 * HOUR_NS, MAY + 21 * HOUR_NS),
        // 2012-12-03T21:59 and 22:00, in winter.
        (1_354_571_940_000_000_000, 1_354_485_600_000_000_000),
        (1_354_572_000_000_000_000, 1_354_572_000_000_000_000),
        (0, -2 * HOUR_NS),
    ] {
        assert_eq!(trading_day(WallNs(time)), WallNs(start), "{time}");
    }
}

#[test]
fn summer_begins_and_ends_on_sundays() {
    let summers = |year: i64| {
        let january = (year - 1970) * 365 + (year - 1969) / 4;
        let summer: Vec<i64> = (january..january + 366)
            .filter(|day| is_summer(*day))
            .collect();
        (
            summer[0] - january + 1,
            summer[summer.len() - 1] - january + 2,
        )
    };
    // Day of the year of the first day with summer time and of the first without.
    assert_eq!(summers(2014), (68, 306), "9 March, 2 November");
    assert_eq!(summers(2024), (70, 308), "10 March, 3 November");
    assert_eq!(summers(2026), (67, 305), "8 March, 1 November");
    assert_eq!(summers(2006), (92, 302), "2 April, 29 October");
    assert_eq!(summers(2000), (93, 303), "2 April, 29 October");
}

/// Ticks every half hour from one time to another, low at the start and high by `range` at the end.
fn fill(days: &mut FxDays, from: i64, to: i64, low: i64, range: i64) {
    let mut time = from;
    while time < to {
        days.tick(Ticks(low), WallNs(time));
        time += 30 * MINUTE_NS;
    }
    days.tick(Ticks(low + range), WallNs(to - 1));
}

#[test]
fn ranges_are_averaged_over_whole_days() {
    let mut days = FxDays::default();
    assert_eq!(
        (days.open(), days.adr(), days.projected()),
        (None, None, None)
    );
    // From midnight on: the day began at 21:00 the day before, so its range is not known.
    fill(&mut days, MAY, MAY + 21 * HOUR_NS, 1000, 500);
    fill(&mut days, at(21).0, at(45).0, 1000, 10);
    assert_eq!(days.days_known(), 0);
    assert_eq!(days.open(), Some((Ticks(1000), DaySource::Ticks)));
    // A weekend lies between, and Monday belongs to Sunday evening.
    fill(&mut days, at(93).0, at(117).0, 1000, 21);
    assert_eq!(
        (days.days_known(), days.adr()),
        (1, Some((Ticks(10), DaySource::Ticks)))
    );
    // A day whose last hours are missing.
    fill(&mut days, at(117).0, at(139).0, 1000, 99);
    days.tick(Ticks(2000), at(141));
    assert_eq!(days.today().unwrap().start, at(141));
    assert_eq!(
        (days.days_known(), days.adr()),
        (2, Some((Ticks(16), DaySource::Ticks)))
    );
    assert_eq!(days.projected(), Some((Ticks(1992), Ticks(2008))));
    // Only the last fourteen count.
    for day in 0..20 {
        let from = at(141 + 24 * day).0;
        fill(&mut days, from, from + 24 * HOUR_NS, 3000, day);
    }
    days.tick(Ticks(1), at(141 + 480));
    assert_eq!(days.days_known(), ADR_DAYS);
    // 6 to 19: their mean is 12.5.
    assert_eq!(days.adr(), Some((Ticks(13), DaySource::Ticks)));
}

fn package(days: &mut FxDays, ts: WallNs, open: i64, adr: i64) {
    let day = FxDay {
        open: Ticks(open),
        high: Ticks(open + 5),
        low: Ticks(open - 5),
        price: Ticks(open),
        digits: 5,
    };
    days.day(&day, ts);
    assert!(days.is_staging());
    let range = FxRange {
        adr: Ticks(adr),
        projected_high: Ticks(if adr == 0 { 0 } else { open + adr / 2 }),
        projected_low: Ticks(if adr == 0 { 0 } else { open - adr / 2 }),
        computed: true,
    };
    assert!(days.range(&range));
    assert!(!days.is_staging());
}

#[test]
fn a_package_is_the_day_until_the_day_is_over() {
    let mut days = FxDays::default();
    package(&mut days, at(22), 500, 40);
    assert_eq!(days.open(), Some((Ticks(1000), DaySource::Gateway)));
    assert_eq!(days.adr(), Some((Ticks(80), DaySource::Gateway)));
    assert_eq!(days.projected(), Some((Ticks(960), Ticks(1040))));
    days.tick(Ticks(1002), at(23));
    assert_eq!(days.open(), Some((Ticks(1000), DaySource::Gateway)));
    // A new one replaces it; what it does not say comes from the ticks, of which there are too few.
    package(&mut days, at(24), 501, 0);
    assert_eq!(days.open(), Some((Ticks(1002), DaySource::Gateway)));
    assert_eq!((days.adr(), days.projected()), (None, None));
    days.tick(Ticks(1010), at(45));
    assert_eq!(days.open(), Some((Ticks(1010), DaySource::Ticks)));
    assert_eq!(
        days.package().unwrap().day.open,
        Ticks(501),
        "still shown as what it is"
    );
}

#[test]
fn a_package_shows_when_it_is_whole() {
    let mut days = FxDays::default();
    let range = FxRange {
        adr: Ticks(1),
        projected_high: Ticks(1),
        projected_low: Ticks(1),
        computed: false,
    };
    assert!(!days.range(&range), "without a beginning");
    package(&mut days, at(1), 500, 40);
    let before = days.package().cloned();
    days.day(&before.as_ref().unwrap().day, at(2));
    assert_eq!(days.package().cloned(), before);
}
