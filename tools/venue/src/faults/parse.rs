//! Rules as text.

use super::{Answer, Bad, Harm, Kind, Rule, Spell, StreamFault, Wrong};
use std::time::Duration;

const KINDS: &str = "drop, stale, duplicate, reorder, delay, truncate, cut, close, refuse, 429, 418, 500 to 599, slow, \
                     wrong-snapshot, \
                     malformed, wrong-types, binary, not-text, compressed, huge, torn, html, endless, \
                     endless-head, bad-body";
const HARMS: &str = "malformed, wrong-types, binary, compressed, huge, of an answer also truncate";
/// How much blank is sent by `huge` unless it is said.
const HUGE: u64 = 64 << 20;

pub(super) fn rule(text: &str) -> Result<Rule, String> {
    let wrong = |what: String| format!("fault `{text}`: {what}");
    let (name, keys) = text.split_once(':').unwrap_or((text, ""));
    let mut pairs = Vec::new();
    for pair in keys.split(',').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| wrong(format!("`{pair}` is not key=value")))?;
        if pairs.iter().any(|(known, _)| *known == key) {
            return Err(wrong(format!("`{key}` is given twice")));
        }
        pairs.push((key, value));
    }
    let mut take = |key: &str| {
        let at = pairs.iter().position(|(known, _)| *known == key)?;
        Some(pairs.swap_remove(at).1)
    };
    let number = |key: &str, value: Option<&str>| {
        value
            .map(|value| match value.parse::<u64>() {
                Ok(number) => Ok(number),
                Err(_) => Err(wrong(format!("{key}={value}: a whole number"))),
            })
            .transpose()
    };
    let positive = |key: &str, value: Option<u64>| match value {
        Some(0) => Err(wrong(format!("{key}=0: from 1 on"))),
        other => Ok(other),
    };

    let kind = match name {
        "drop" | "stale" => Kind::Stream(StreamFault::Drop),
        "duplicate" => Kind::Stream(StreamFault::Duplicate),
        "reorder" => Kind::Stream(StreamFault::Late(1)),
        "delay" => {
            let by = positive("by", number("by", take("by"))?)?.unwrap_or(10);
            Kind::Stream(StreamFault::Late(by))
        }
        "truncate" => {
            let keep = number("keep", take("keep"))?.unwrap_or(0);
            let keep = usize::try_from(keep).map_err(|_| wrong("keep is too large".into()))?;
            Kind::Stream(StreamFault::Harm(Harm::Truncate(keep)))
        }
        "cut" => Kind::Stream(StreamFault::Cut),
        "close" => {
            let code = number("code", take("code"))?.unwrap_or(1011);
            let code = u16::try_from(code)
                .ok()
                .filter(|code| (1000..5000).contains(code));
            Kind::Stream(StreamFault::Close(code.ok_or_else(|| {
                wrong("code: a close code from 1000 to 4999".into())
            })?))
        }
        "refuse" => Kind::Refuse,
        "slow" => {
            let ms = positive("ms", number("ms", take("ms"))?)?.unwrap_or(1000);
            Kind::Answer(Answer::Slow(Duration::from_millis(ms)))
        }
        "html" => Kind::Answer(Answer::Bad(Bad::Html)),
        "endless" => Kind::Answer(Answer::Bad(Bad::Endless)),
        "endless-head" => Kind::Answer(Answer::Bad(Bad::EndlessHead)),
        "bad-body" => {
            let how = take("how").unwrap_or("malformed");
            let bytes = number("bytes", take("bytes"))?;
            let harm =
                harm(how, bytes).ok_or_else(|| wrong(format!("how={how}: one of {HARMS}")))?;
            Kind::Answer(Answer::Bad(Bad::Body(harm)))
        }
        "not-text" => Kind::Stream(StreamFault::Harm(Harm::NotText)),
        "torn" => Kind::Stream(StreamFault::Harm(Harm::Torn)),
        "malformed" | "wrong-types" | "binary" | "compressed" | "huge" => {
            let bytes = number("bytes", take("bytes"))?;
            let harm = harm(name, bytes).ok_or_else(|| wrong(HARMS.to_owned()))?;
            Kind::Stream(StreamFault::Harm(harm))
        }
        "wrong-snapshot" => Kind::Answer(Answer::Snapshot(match take("how") {
            None | Some("crossed") => Wrong::Crossed,
            Some("old") => Wrong::Old,
            Some("quantity") => Wrong::Quantity,
            Some(other) => return Err(wrong(format!("how={other}: crossed, old or quantity"))),
        })),
        _ => {
            let code = name.parse::<u16>().ok();
            let code = code
                .filter(|code| matches!(code, 418 | 429 | 500..=599))
                .ok_or_else(|| wrong(format!("no such kind; there are {KINDS}")))?;
            let usual = if code < 500 { 5 } else { 0 };
            let retry = number("retry", take("retry"))?.unwrap_or(usual);
            let retry = u32::try_from(retry).map_err(|_| wrong("retry is too large".into()))?;
            Kind::Answer(Answer::Status { code, retry })
        }
    };

    let probability = take("p")
        .map(|value| match value.parse::<f64>() {
            Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
            _ => Err(wrong(format!("p={value}: a probability from 0 to 1"))),
        })
        .transpose()?;
    let every = positive("every", number("every", take("every"))?)?;
    if probability.is_some() && every.is_some() {
        return Err(wrong("either p or every".into()));
    }
    let after = number("after", take("after"))?.unwrap_or(0);
    let times = positive("times", number("times", take("times"))?)?;
    let spell = match take("for") {
        None => Spell::Events(1),
        Some(value) => spell(value).ok_or_else(|| {
            wrong(format!(
                "for={value}: a number of events, or a time such as 500ms, 30s or 2m"
            ))
        })?,
    };
    // A silence is one stretch, unless more is asked for.
    let times = match (name, times, every, probability) {
        ("stale", None, None, None) => Some(1),
        _ => times,
    };
    if name == "stale" && spell == Spell::Events(1) {
        return Err(wrong(
            "a silence needs its length: for=500 or for=30s".into(),
        ));
    }
    let on = take("on").map(str::to_owned);
    if let Some((key, _)) = pairs.first() {
        return Err(wrong(format!("no key is called `{key}` here")));
    }
    Ok(Rule {
        kind,
        on,
        probability,
        every,
        after,
        times,
        spell,
        text: text.to_owned(),
    })
}

fn harm(name: &str, bytes: Option<u64>) -> Option<Harm> {
    Some(match name {
        "malformed" => Harm::Malformed,
        "wrong-types" => Harm::WrongTypes,
        "binary" => Harm::Binary,
        "compressed" => Harm::Compressed,
        "huge" => Harm::Huge(bytes.unwrap_or(HUGE)),
        "truncate" => Harm::Truncate(0),
        _ => return None,
    })
}

fn spell(text: &str) -> Option<Spell> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic());
    let (digits, unit) = text.split_at(unit.unwrap_or(text.len()));
    let number: u64 = digits.parse().ok().filter(|number| *number > 0)?;
    let ns = match unit {
        "" => return Some(Spell::Events(number)),
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        _ => return None,
    };
    Some(Spell::Time(i64::try_from(number).ok()?.checked_mul(ns)?))
}
