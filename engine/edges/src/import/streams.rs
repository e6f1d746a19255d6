//! The streams of venues whose frames say themselves what they are about: `<symbol>@<channel>`, in small letters.

use super::lines::Refusal;
use pitlane_domain::instrument::Venue;
use serde::Deserialize;

/// The stream of a frame; empty for replies and the like, `None` for a venue whose frames are named in another way.
pub(super) fn stream_of(venue: Venue, frame: &[u8]) -> Option<Result<String, Refusal>> {
    Some(match venue {
        Venue::Kraken => Ok(kraken(frame)),
        Venue::Okx => okx(frame),
        Venue::Ftx => ftx(frame),
        Venue::Bybit => bybit(frame),
        Venue::Coinbase => coinbase(frame),
        Venue::Bitstamp => bitstamp(frame),
        _ => return None,
    })
}

fn name(symbol: Option<&str>, channel: Option<&str>) -> String {
    match (symbol, channel) {
        (Some(symbol), Some(channel)) => format!("{}@{channel}", symbol.to_ascii_lowercase()),
        _ => String::new(),
    }
}

fn not_json(error: &serde_json::Error) -> Refusal {
    Refusal::new("not_json", error.to_string())
}

/// `[320,{..},"book-1000","XBT/USD"]`: the names stand at the end.
fn kraken(frame: &[u8]) -> String {
    let names = || {
        let rest = frame.strip_suffix(b"\"]")?;
        let at = rest.iter().rposition(|&byte| byte == b'"')?;
        let (rest, symbol) = (&rest[..at], &rest[at + 1..]);
        let rest = rest.strip_suffix(b",")?.strip_suffix(b"\"")?;
        let at = rest.iter().rposition(|&byte| byte == b'"')?;
        let channel = std::str::from_utf8(&rest[at + 1..]).ok()?;
        Some((std::str::from_utf8(symbol).ok()?, channel))
    };
    let (symbol, channel) = names().unzip();
    name(symbol, channel)
}

/// `{"arg":{"channel":"books","instId":"BTC-USDT"},..}`
fn okx(frame: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        event: Option<&'a str>,
        #[serde(borrow)]
        arg: Option<Arg<'a>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Arg<'a> {
        channel: Option<&'a str>,
        inst_id: Option<&'a str>,
    }
    let outer: Outer<'_> = serde_json::from_slice(frame).map_err(|error| not_json(&error))?;
    let arg = outer.arg.filter(|_| outer.event.is_none());
    Ok(arg.map_or_else(String::new, |arg| name(arg.inst_id, arg.channel)))
}

/// `{"channel":"orderbook","market":"MKR-PERP","type":"update",..}`
fn ftx(frame: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        channel: Option<&'a str>,
        market: Option<&'a str>,
        r#type: Option<&'a str>,
    }
    let outer: Outer<'_> = serde_json::from_slice(frame).map_err(|error| not_json(&error))?;
    Ok(match outer.r#type {
        Some("partial" | "update") => name(outer.market, outer.channel),
        _ => String::new(),
    })
}

/// `{"topic":"orderbook.500.XRPUSDT",..}`: the symbol stands at the end.
fn bybit(frame: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        topic: Option<&'a str>,
    }
    let outer: Outer<'_> = serde_json::from_slice(frame).map_err(|error| not_json(&error))?;
    let (channel, symbol) = outer.topic.and_then(|topic| topic.rsplit_once('.')).unzip();
    Ok(name(symbol, channel))
}

/// `{"type":"l2update","product_id":"SKL-BTC",..}`, by the name of the channel that was subscribed to.
fn coinbase(frame: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        r#type: Option<&'a str>,
        product_id: Option<&'a str>,
    }
    let outer: Outer<'_> = serde_json::from_slice(frame).map_err(|error| not_json(&error))?;
    let channel = outer.r#type.and_then(|sort| match sort {
        "snapshot" | "l2update" => Some("level2"),
        "match" | "last_match" => Some("matches"),
        "ticker" => Some("ticker"),
        _ => None,
    });
    Ok(name(outer.product_id, channel))
}

/// `{"channel":"diff_order_book_btcusd","event":"data",..}`: the symbol stands at the end.
fn bitstamp(frame: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        channel: Option<&'a str>,
        event: Option<&'a str>,
    }
    let outer: Outer<'_> = serde_json::from_slice(frame).map_err(|error| not_json(&error))?;
    let channel = outer
        .channel
        .filter(|_| matches!(outer.event, Some("data" | "trade")));
    let (channel, symbol) = channel.and_then(|channel| channel.rsplit_once('_')).unzip();
    Ok(name(symbol, channel))
}
