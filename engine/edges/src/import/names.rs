//! What file names say: `BTCUSDT-aggTrades-2024-01-01.csv`, `20140501_eurusd_tick_quote.csv`, `AAPL_2012-06-21_...`.

use jiff::civil::Date;
use pitlane_domain::instrument::Symbol;

/// A day of the calendar in text, `2012-06-21` or `20120621`.
pub fn parse_day(text: &str) -> Result<Date, String> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let whole = digits.len() == 8 && (text.len() == 8 || text.len() == 10);
    whole
        .then(|| day_of(&digits))
        .flatten()
        .ok_or_else(|| format!("`{text}` is not a day such as 2012-06-21"))
}

fn day_of(digits: &str) -> Option<Date> {
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i16>().ok();
    let date = |year, month, day| {
        let month = i8::try_from(month).ok()?;
        let day = i8::try_from(day).ok()?;
        Date::new(year, month, day).ok()
    };
    let date = date(number(0..4)?, number(4..6)?, number(6..8)?)?;
    (1970..2200).contains(&date.year()).then_some(date)
}

/// The words of a file name: what stands between anything but letters, digits and dashes.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
}

/// The first day in a name: `2012-06-21`, `20120621`, or as NASDAQ names its files, `06212012`.
pub(super) fn day(name: &str) -> Option<Date> {
    let bytes = name.as_bytes();
    // Digits and dashes in a row, so that `BTCUSDT-1m-2021-11-27` gives its last three numbers.
    for start in 0..bytes.len() {
        if start > 0 && bytes[start - 1].is_ascii_digit() {
            continue;
        }
        for len in [10, 8] {
            let Some(text) = name.get(start..start + len) else {
                continue;
            };
            let ends = bytes.get(start + len).is_none_or(|b| !b.is_ascii_digit());
            let dashed = len == 10;
            let fits = text.bytes().enumerate().all(|(at, byte)| {
                if dashed && (at == 4 || at == 7) {
                    byte == b'-'
                } else {
                    byte.is_ascii_digit()
                }
            });
            if !ends || !fits {
                continue;
            }
            if let Ok(day) = parse_day(text) {
                return Some(day);
            }
            if !dashed && let Some(day) = day_of(&format!("{}{}", &text[4..], &text[..4])) {
                return Some(day);
            }
        }
    }
    None
}

/// The symbol before the first separator: `BTCUSDT-aggTrades-..`, `AAPL_2012-06-21_..`, `ESH4_20231225..`.
pub(super) fn first_symbol(name: &str) -> Option<Symbol> {
    let first = name.split(['-', '.', ' ']).next()?;
    // The underscore is part of `BTCUSD_PERP-aggTrades-..` and a separator in `AAPL_2012-..`.
    let symbol = match first.split_once('_') {
        Some((pair, contract)) => {
            let contract_is = contract.eq_ignore_ascii_case("perp")
                || (contract.len() == 6 && contract.bytes().all(|b| b.is_ascii_digit()));
            if contract_is { first } else { pair }
        }
        None => first,
    };
    Symbol::new(symbol.as_bytes()).filter(|s| s.as_str().bytes().any(|b| b.is_ascii_alphabetic()))
}

/// The currency pair in a name: `20140501_eurusd_tick_quote.csv`, `USDJPY_truefx_2013.csv`, `GBPJPY_2012_11_03_13h.bi5`.
pub(super) fn pair(name: &str) -> Option<Symbol> {
    let all: Vec<&str> = words(name).collect();
    if let Some(at) = all.iter().position(|word| *word == "tick")
        && let Some(before) = at.checked_sub(1)
        && all.get(at + 1) == Some(&"quote")
    {
        return Symbol::new(all[before].as_bytes());
    }
    let is_pair = |word: &&&str| {
        word.len() == 6
            && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !["quotes", "prices", "truefx", "trades"]
                .contains(&word.to_ascii_lowercase().as_str())
    };
    Symbol::new(all.iter().find(is_pair)?.as_bytes())
}

/// The hour of a Dukascopy file, in ns since 1970 UTC: `GBPJPY_2012_11_03_13h`, whose month counts from 0.
pub(super) fn dukascopy_hour(name: &str) -> Option<i64> {
    let all: Vec<&str> = words(name).collect();
    all.windows(4).find_map(|four| {
        let [year, month, day, hour] = four else {
            return None;
        };
        let digits = |text: &str, len| (text.len() == len).then(|| text.parse::<i16>().ok())?;
        let hour = digits(hour.strip_suffix('h')?, 2).filter(|hour| *hour < 24)?;
        let month = digits(month, 2).filter(|month| *month < 12)? + 1;
        let date = Date::new(
            digits(year, 4)?,
            i8::try_from(month).ok()?,
            i8::try_from(digits(day, 2)?).ok()?,
        );
        let midnight = date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        let ns = i64::try_from(midnight.timestamp().as_nanosecond()).ok()?;
        ns.checked_add(i64::from(hour) * 3_600_000_000_000)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_found() {
        let check = |name: &str, expected: Option<&str>| {
            let got = day(name).map(|day| day.to_string());
            assert_eq!(got.as_deref(), expected, "{name}");
        };
        check(
            "AAPL_2012-06-21_34200000_57600000_message_50.csv",
            Some("2012-06-21"),
        );
        check("BTCUSDT-1m-2021-11-27.csv", Some("2021-11-27"));
        check("20140501_eurusd_tick_quote.csv", Some("2014-05-01"));
        check("12302019.NASDAQ_ITCH50.gz", Some("2019-12-30"));
        check("NASDAQ_20191230_0930_first1000.itch50", Some("2019-12-30"));
        check("a_20141332.csv", None);
        check("a_2014-13-01.csv", None);
        check("a_120140501.csv", None);
        check("34200000.csv", None);
        assert!(parse_day("2014-05-01").is_ok() && parse_day("20140501").is_ok());
        assert_eq!(
            parse_day("1 May"),
            Err("`1 May` is not a day such as 2012-06-21".to_owned())
        );
        assert!(parse_day("12302019").is_err());
    }

    #[test]
    fn symbols_are_found() {
        let text = |symbol: Option<Symbol>| symbol.map(|symbol| symbol.to_string());
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(text(first_symbol(name)).as_deref(), expected, "{name}");
        };
        check("BTCUSDT-aggTrades-2024-01-01.h00-12.csv", Some("BTCUSDT"));
        check("BTCUSD_PERP-aggTrades-2024-01-01.csv", Some("BTCUSD_PERP"));
        check("BTCUSD_240927-1m-2024-01-01.csv", Some("BTCUSD_240927"));
        check("AAPL_2012-06-21_message.csv", Some("AAPL"));
        check("ESH4_20231225.mbo.csv", Some("ESH4"));
        check("2024-01-01.csv", None);
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(text(pair(name)).as_deref(), expected, "{name}");
        };
        check("20140501_eurusd_tick_quote.csv", Some("EURUSD"));
        check("20140501_au200aud_tick_quote.csv", Some("AU200AUD"));
        check("USDJPY_truefx_20130101.csv", Some("USDJPY"));
        check("GBPJPY_2012_11_03_13h_ticks.bi5", Some("GBPJPY"));
        check("ticks.csv", None);
    }

    #[test]
    fn the_month_of_a_dukascopy_file_counts_from_zero() {
        let ns = dukascopy_hour("GBPJPY_2012_11_03_13h_ticks.bi5").unwrap();
        assert_eq!(ns, 1_354_539_600_000_000_000);
        assert_eq!(dukascopy_hour("GBPJPY_2012_12_03_13h_ticks.bi5"), None);
        assert_eq!(dukascopy_hour("GBPJPY_2012_11_03_24h_ticks.bi5"), None);
        assert_eq!(dukascopy_hour("13h_ticks.bi5"), None);
    }
}
