//! Numbers for people.

use pitlane_app::report::thousands;

/// A count or rate: small ones with a digit behind the point, large ones in groups of three.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and rounded for people"
)]
pub fn count(value: f64) -> String {
    if value > 0.0 && value < 9.95 {
        format!("{value:.1}")
    } else {
        thousands(value.round() as u64)
    }
}

/// A share, 0 to 1, in hundredths.
pub fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// A time from nanoseconds to days.
pub fn span(ns: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let s = ns / SECOND;
    match s {
        0..MINUTE => short(ns),
        MINUTE..HOUR => format!("{}m {:02}s", s / MINUTE, s % MINUTE),
        HOUR..DAY => format!("{}h {:02}m", s / HOUR, s % HOUR / MINUTE),
        _ => format!("{}d {:02}h", s / DAY, s % DAY / HOUR),
    }
}

/// Less than a minute, in three figures.
#[expect(clippy::cast_precision_loss, reason = "for reading, not for reckoning")]
fn short(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    match value {
        0.0..10.0 => format!("{value:.2} {unit}"),
        10.0..100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// A moment, UTC, to the second.
pub fn wall_text(wall_ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(wall_ns.into()).map_or_else(
        |_| "an unknown time".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}
