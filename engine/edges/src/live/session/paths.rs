//! Where a venue keeps what: stream names, the address of a combined connection, the paths of requests.

use pitlane_domain::decode::TradeStream;
use pitlane_domain::instrument::{Symbol, Venue};

/// Longest address a connection is opened with; the streams that do not fit are subscribed to once it is open.
const URL_BYTES_MAX: usize = 4000;

/// A request of a venue: its path with the query, the part of the path its weight goes by, and its `limit`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Path {
    pub query: String,
    pub last: &'static str,
    pub limit: u32,
}

/// The name of a symbol's stream, such as `btcusdt@depth@100ms`.
pub(super) fn stream(symbol: Symbol, stream: &str) -> String {
    format!("{}@{stream}", symbol.as_str().to_ascii_lowercase())
}

/// The address of a connection that carries the first of these streams, and how many those are.
/// Without any it is the base: what comes there is agreed on once it is open.
pub(super) fn combined(base: &str, streams: &[String]) -> (String, usize) {
    if streams.is_empty() {
        return (base.to_owned(), 0);
    }
    let mut url = format!("{base}/stream?streams=");
    let mut taken = 0;
    for stream in streams {
        if taken > 0 && url.len() + 1 + stream.len() > URL_BYTES_MAX {
            break;
        }
        if taken > 0 {
            url.push('/');
        }
        url.push_str(stream);
        taken += 1;
    }
    (url, taken)
}

/// The message that subscribes an open connection to more streams.
pub(super) fn subscribe(id: u64, streams: &[String]) -> String {
    let list: Vec<String> = streams
        .iter()
        .map(|stream| format!("\"{stream}\""))
        .collect();
    format!(
        "{{\"method\":\"SUBSCRIBE\",\"params\":[{}],\"id\":{id}}}",
        list.join(",")
    )
}

/// The part of all paths that names the interface.
fn root(venue: Venue) -> &'static str {
    match venue {
        Venue::BinanceUsdm => "/fapi/v1",
        Venue::BinanceCoinm => "/dapi/v1",
        _ => "/api/v3",
    }
}

/// The venue's instruments and limits.
pub(super) fn exchange_info(venue: Venue) -> String {
    format!("{}/exchangeInfo", root(venue))
}

/// The deepest snapshot the venue gives.
pub(super) fn deepest(venue: Venue) -> u32 {
    match venue {
        Venue::BinanceSpot => 5000,
        _ => 1000,
    }
}

/// A snapshot of a book.
pub(super) fn depth(venue: Venue, symbol: Symbol, limit: u32) -> Path {
    let limit = if limit == 0 { deepest(venue) } else { limit };
    Path {
        query: format!("{}/depth?symbol={symbol}&limit={limit}", root(venue)),
        last: "depth",
        limit,
    }
}

/// Most trades a request brings.
pub(super) fn trades_max(venue: Venue, stream: TradeStream) -> u32 {
    match (venue, stream) {
        (Venue::BinanceSpot, _) | (_, TradeStream::Aggregate) => 1000,
        (_, TradeStream::Single) => 500,
    }
}

/// Trades from an id on.
pub(super) fn trades_from(venue: Venue, symbol: Symbol, stream: TradeStream, id: u64) -> Path {
    trades(venue, symbol, stream, &format!("fromId={id}"))
}

/// Trades from a time on. Only aggregated ones can be asked for so.
pub(super) fn trades_since(venue: Venue, symbol: Symbol, ms: i64) -> Path {
    trades(
        venue,
        symbol,
        TradeStream::Aggregate,
        &format!("startTime={ms}"),
    )
}

fn trades(venue: Venue, symbol: Symbol, stream: TradeStream, from: &str) -> Path {
    let last = match stream {
        TradeStream::Aggregate => "aggTrades",
        TradeStream::Single => "historicalTrades",
    };
    let limit = trades_max(venue, stream);
    Path {
        query: format!(
            "{}/{last}?symbol={symbol}&{from}&limit={limit}",
            root(venue)
        ),
        last,
        limit,
    }
}

/// The name under which a reply of trades goes through the intake.
pub(super) fn trades_stream(symbol: Symbol, of: TradeStream) -> String {
    stream(
        symbol,
        match of {
            TradeStream::Aggregate => "aggTrades",
            TradeStream::Single => "historicalTrades",
        },
    )
}

/// The history of bars of a timeframe, such as `1m`.
pub(super) fn klines(venue: Venue, symbol: Symbol, interval: &str, limit: u32) -> Path {
    Path {
        query: format!(
            "{}/klines?symbol={symbol}&interval={interval}&limit={limit}",
            root(venue)
        ),
        last: "klines",
        limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(text: &str) -> Symbol {
        Symbol::new(text.as_bytes()).expect("a symbol")
    }

    #[test]
    fn a_connection_carries_what_fits_its_address() {
        let few = [
            "btcusdt@aggTrade".to_owned(),
            "btcusdt@depth@100ms".to_owned(),
        ];
        let (url, taken) = combined("ws://h:1/public", &few);
        assert_eq!(
            url,
            "ws://h:1/public/stream?streams=btcusdt@aggTrade/btcusdt@depth@100ms"
        );
        assert_eq!(taken, 2);
        assert_eq!(combined("ws://h:1/fx", &[]), ("ws://h:1/fx".to_owned(), 0));
        let many: Vec<String> = (0..1024).map(|n| format!("s{n}usdt@depth@100ms")).collect();
        let (url, taken) = combined("ws://h:1", &many);
        assert!(
            url.len() <= URL_BYTES_MAX && taken > 100 && taken < 1024,
            "{taken}"
        );
        assert!(url.ends_with(&many[taken - 1]));
    }

    #[test]
    fn requests_are_those_of_the_venue() {
        let btc = symbol("BTCUSDT");
        assert_eq!(
            depth(Venue::BinanceSpot, btc, 0).query,
            "/api/v3/depth?symbol=BTCUSDT&limit=5000"
        );
        assert_eq!(
            depth(Venue::BinanceUsdm, btc, 0).query,
            "/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
        );
        assert_eq!(
            trades_from(Venue::BinanceSpot, btc, TradeStream::Aggregate, 7).query,
            "/api/v3/aggTrades?symbol=BTCUSDT&fromId=7&limit=1000"
        );
        assert_eq!(
            trades_from(Venue::BinanceUsdm, btc, TradeStream::Single, 7).query,
            "/fapi/v1/historicalTrades?symbol=BTCUSDT&fromId=7&limit=500"
        );
        assert_eq!(
            klines(Venue::BinanceCoinm, symbol("BTCUSD_PERP"), "1m", 1000).query,
            "/dapi/v1/klines?symbol=BTCUSD_PERP&interval=1m&limit=1000"
        );
        assert_eq!(
            trades_stream(btc, TradeStream::Aggregate),
            "btcusdt@aggTrades"
        );
        assert_eq!(
            subscribe(3, &["a@b".to_owned(), "c@d".to_owned()]),
            r#"{"method":"SUBSCRIBE","params":["a@b","c@d"],"id":3}"#
        );
    }
}
