//! Small packages of the gateway.

use crate::decode::tests::{Form, check_damage, outcome, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

const PACKAGE: &str = r#"{"type":"symbolDataPackage","symbol":"EURUSD","digits":5,"bid":1.1005,"todaysOpen":1.1,"todaysHigh":1.102,"todaysLow":1.099,"adr":0.00701,"projectedAdrHigh":1.1034,"projectedAdrLow":1.0966,"initialMarketProfile":[{"open":1.1,"high":1.1001,"low":1.0999,"close":1.10005,"timestamp":1400000000000,"volume":12},{"open":"1.10005","high":1.100055,"low":1.1,"close":1.1,"timestamp":1400000060000,"volume":3.5}]}"#;

/// What comes of a package in which one text stands for another.
fn changed(changes: &[(&str, &str)]) -> String {
    let frames = changes.iter().map(|(from, to)| {
        assert!(PACKAGE.contains(from), "{from}");
        (*to, PACKAGE.replacen(from, to, 1).into_bytes())
    });
    outcomes(Venue::Fx, "", frames)
}

fn bars(frame: &str) -> String {
    let mut levels = crate::decode::Levels::default();
    let table = crate::decode::tests::table();
    crate::decode::decode(Venue::Fx, b"", frame.as_bytes(), &table, &mut levels).unwrap();
    let show = |(prices, volume): &(
        crate::message::VenueBarPrices,
        crate::message::VenueBarVolume,
    )| {
        let (p, v) = (prices, volume);
        let px = [p.open.0, p.high.0, p.low.0, p.close.0];
        assert!(v.history && p.interval_s == 60 && v.interval_s == 60);
        format!("{} {px:?} {} closed {}", v.open_ts.0, v.volume.0, v.closed)
    };
    levels.bars.iter().map(show).collect::<Vec<_>>().join("; ")
}

#[test]
fn packages() {
    expect!["EURUSD - FxPackage(FxDay { open: (110000), high: (110200), low: (109900), price: (110050), digits: 5 }, FxRange { adr: (701), projected_high: (110340), projected_low: (109660), computed: false })"].assert_eq(&outcome(Venue::Fx, "", PACKAGE.as_bytes()));
    expect!["1400000000000000000 [110000, 110010, 109990, 110005] 1200 closed true; 1400000060000000000 [110005, 110005, 110000, 110000] 350 closed false"].assert_eq(&bars(PACKAGE));
    expect![[r#"
        "initialPrice":      => EURUSD - FxPackage(FxDay { open: (110000), high: (110200), low: (109900), price: (110050), digits: 5 }, FxRange { adr: (701), projected_high: (110340), projected_low: (109660), computed: false })
                             => EURUSD - FxPackage(FxDay { open: (110000), high: (110200), low: (109900), price: (110050), digits: 5 }, FxRange { adr: (701), projected_high: (110350), projected_low: (109660), computed: true })
                             => EURUSD - FxPackage(FxDay { open: (110000), high: (110200), low: (109900), price: (110050), digits: 5 }, FxRange { adr: (701), projected_high: (110350), projected_low: (109650), computed: true })
                             => EURUSD - FxPackage(FxDay { open: (110000), high: (110200), low: (109900), price: (110050), digits: 5 }, FxRange { adr: (0), projected_high: (110340), projected_low: (109660), computed: false })
                             => EURUSD - FxPackage(FxDay { open: (110000), high: (110200), low: (109900), price: (110050), digits: 5 }, FxRange { adr: (0), projected_high: (0), projected_low: (0), computed: false })
        "digits":4           => EURUSD - FxPackage(FxDay { open: (110000), high: (110200), low: (109900), price: (110050), digits: 4 }, FxRange { adr: (701), projected_high: (110340), projected_low: (109660), computed: false })
    "#]].assert_eq(&changed(&[
        (r#""bid":"#, r#""initialPrice":"#),
        (r#""projectedAdrHigh":1.1034,"#, ""),
        (
            r#""projectedAdrHigh":1.1034,"projectedAdrLow":1.0966,"#,
            " ",
        ),
        (r#""adr":0.00701,"#, "  "),
        (
            r#""adr":0.00701,"projectedAdrHigh":1.1034,"projectedAdrLow":1.0966,"#,
            "   ",
        ),
        (r#""digits":5"#, r#""digits":4"#),
    ]));
    let without = PACKAGE.split(r#","initialMarketProfile""#).next().unwrap();
    assert_eq!(bars(&format!("{without}}}")), "");
    assert_eq!(
        bars(&format!(r#"{without},"initialMarketProfile":[]}}"#)),
        ""
    );
}

#[test]
fn refusals() {
    expect![[r#"
        "GBPUSD"             => refused: unknown_symbol at 38
        "digits":6           => refused: off_tick at 55, EURUSD
        "digits":19          => refused: out_of_range at 55, EURUSD
                             => refused: missing_field at 393, EURUSD
                             => refused: missing_field at 392, EURUSD
        "bid":1.100505       => refused: off_tick at 63, EURUSD
        "bid":0              => refused: not_positive at 63, EURUSD
        "todaysOpen":1.2     => refused: out_of_range at 83, EURUSD
        "todaysLow":1.1001   => refused: out_of_range at 83, EURUSD
        "adr":-1             => refused: not_positive at 130, EURUSD
        "adr":1e3            => refused: wrong_type at 130, EURUSD
        [5,{                 => refused: wrong_type at 213, EURUSD
        "close":1.2          => refused: out_of_range at 232, EURUSD
        "low":0              => refused: not_positive at 245, EURUSD
        1400000000000        => refused: out_of_range at 375, EURUSD
        "volume":-12         => refused: not_positive at 303, EURUSD
    "#]]
    .assert_eq(&changed(&[
        (r#""EURUSD""#, r#""GBPUSD""#),
        (r#""digits":5"#, r#""digits":6"#),
        (r#""digits":5"#, r#""digits":19"#),
        (r#""digits":5,"#, ""),
        (r#""bid":1.1005,"#, " "),
        (r#""bid":1.1005"#, r#""bid":1.100505"#),
        (r#""bid":1.1005"#, r#""bid":0"#),
        (r#""todaysOpen":1.1"#, r#""todaysOpen":1.2"#),
        (r#""todaysLow":1.099"#, r#""todaysLow":1.1001"#),
        (r#""adr":0.00701"#, r#""adr":-1"#),
        (r#""adr":0.00701"#, r#""adr":1e3"#),
        ("[{", "[5,{"),
        (r#""close":1.10005"#, r#""close":1.2"#),
        (r#""low":1.0999"#, r#""low":0"#),
        ("1400000060000", "1400000000000"),
        (r#""volume":12"#, r#""volume":-12"#),
    ]));
    let bar = |at: u64| format!(r#"{{"open":1,"high":1,"low":1,"close":1,"timestamp":{at}}}"#);
    let many = |count: u64| {
        let bars: Vec<_> = (0..count).map(|at| bar(1_400_000_000_000 + at)).collect();
        let start = PACKAGE.split(r#"[{"open""#).next().unwrap();
        format!("{start}[{}]}}", bars.join(","))
    };
    let most = super::BARS_MAX as u64;
    assert_eq!(bars(&many(most)).split(';').count(), super::BARS_MAX);
    let refused = outcome(Venue::Fx, "", many(most + 1).as_bytes());
    assert!(
        refused.starts_with("refused: too_many_levels "),
        "{refused}"
    );
}

#[test]
fn damaged_packages() {
    check_damage(Venue::Fx, "", PACKAGE.as_bytes(), Form::Json);
}
