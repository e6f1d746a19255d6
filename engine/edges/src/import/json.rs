//! The few keys of a Binance message an importer looks at: who sent it, about what, and when.
//!
//! Values stay raw text: keys mean different things in different messages (`t` is a time here and an id there).

use pitlane_domain::instrument::Symbol;
use serde::Deserialize;
use serde_json::value::RawValue;

type Raw<'a> = Option<&'a RawValue>;

/// The outermost object of a line.
#[derive(Deserialize)]
pub(super) struct Outer<'a> {
    #[serde(borrow)]
    stream: Raw<'a>,
    #[serde(borrow)]
    data: Raw<'a>,
    #[serde(borrow)]
    t: Raw<'a>,
    #[serde(borrow)]
    c: Raw<'a>,
    #[serde(borrow)]
    m: Raw<'a>,
}

/// What [`Outer`] is.
pub(super) enum Shape<'a> {
    /// `{"stream":name,"data":message}`.
    Combined { stream: &'a str, data: &'a str },
    /// `{"t":ns,"c":stream,"m":message}`.
    Recorded {
        t: &'a str,
        stream: &'a str,
        message: &'a str,
    },
    /// The message itself.
    Bare,
}

impl<'a> Outer<'a> {
    pub(super) fn shape(&self) -> Shape<'a> {
        if let (Some(stream), Some(data)) = (self.stream.and_then(text), self.data) {
            return Shape::Combined {
                stream,
                data: data.get(),
            };
        }
        match (self.t, self.c.and_then(text), self.m) {
            (Some(t), Some(stream), Some(m)) if m.get().starts_with(['{', '[']) => {
                Shape::Recorded {
                    t: t.get(),
                    stream,
                    message: m.get(),
                }
            }
            _ => Shape::Bare,
        }
    }
}

/// The text of a JSON string without escapes; names of streams and symbols have none.
fn text(raw: &RawValue) -> Option<&str> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

/// A message of a stream, or a REST reply.
#[derive(Deserialize)]
#[expect(
    non_snake_case,
    reason = "the venue's keys differ in case only: e and E"
)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    e: Raw<'a>,
    #[serde(borrow)]
    E: Raw<'a>,
    #[serde(borrow)]
    T: Raw<'a>,
    #[serde(borrow)]
    s: Raw<'a>,
    #[serde(borrow)]
    u: Raw<'a>,
    #[serde(borrow)]
    pu: Raw<'a>,
    #[serde(borrow)]
    ps: Raw<'a>,
    #[serde(borrow)]
    M: Raw<'a>,
    #[serde(borrow)]
    X: Raw<'a>,
    #[serde(borrow)]
    k: Raw<'a>,
    #[serde(borrow)]
    o: Raw<'a>,
    #[serde(borrow, rename = "lastUpdateId")]
    last_update_id: Raw<'a>,
    #[serde(borrow)]
    symbol: Raw<'a>,
    #[serde(borrow)]
    symbols: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    code: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
}

/// An interval of a kline, or the symbol of an order inside a message.
#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    s: Raw<'a>,
    #[serde(borrow)]
    i: Raw<'a>,
}

fn inner(raw: &RawValue) -> Option<Inner<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// What kind of message, as far as an importer must know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sort {
    /// A book of a REST reply.
    Snapshot,
    /// An instrument table.
    ExchangeInfo,
    /// A reply to a subscription, or an error.
    Reply,
    /// Anything that came on a stream.
    Event,
}

impl<'a> Message<'a> {
    pub(super) fn sort(&self) -> Sort {
        if self.last_update_id.is_some() {
            Sort::Snapshot
        } else if self.symbols.is_some() {
            Sort::ExchangeInfo
        } else if self.e.is_none()
            && (self.id.is_some() || self.code.is_some() || self.error.is_some())
        {
            Sort::Reply
        } else {
            Sort::Event
        }
    }

    /// The symbol it is about, as written.
    pub(super) fn symbol(&self) -> Option<&'a str> {
        let order = || self.o.and_then(inner).and_then(|order| order.s);
        self.s.or(self.symbol).or_else(order).and_then(text)
    }

    /// The venue's time, raw.
    pub(super) fn time(&self) -> Option<&'a str> {
        self.E.or(self.T).map(RawValue::get)
    }

    /// The stream this message comes on when it is not wrapped.
    pub(super) fn stream(&self) -> Option<String> {
        let symbol = self.symbol()?.to_ascii_lowercase();
        let kind = self.e.and_then(text);
        Some(match kind {
            Some("depthUpdate") => format!("{symbol}@depth"),
            Some("markPriceUpdate") => format!("{symbol}@markPrice"),
            Some("24hrTicker") => format!("{symbol}@ticker"),
            Some("24hrMiniTicker") => format!("{symbol}@miniTicker"),
            Some("kline") => {
                let interval = self.k.and_then(inner).and_then(|kline| kline.i);
                format!("{symbol}@kline_{}", interval.and_then(text)?)
            }
            Some(other) => format!("{symbol}@{other}"),
            // The book ticker of spot names no event.
            None if self.u.is_some() => format!("{symbol}@bookTicker"),
            None => return None,
        })
    }

    /// Which market it can only be from; `None` if several send such messages.
    pub(super) fn market(&self) -> Option<Market> {
        if let Some(symbol) = self.symbol() {
            let pair = self.ps.and_then(text);
            if is_coin_margined(symbol) || pair.is_some_and(|pair| pair != symbol) {
                return Some(Market::Coinm);
            }
        }
        let futures = |yes| Some(if yes { Market::Futures } else { Market::Spot });
        match self.e.and_then(text) {
            None if self.last_update_id.is_some() => futures(self.E.is_some()),
            None if self.u.is_some() && self.s.is_some() => Some(Market::Spot),
            Some("depthUpdate") => futures(self.pu.is_some()),
            Some("bookTicker" | "markPriceUpdate" | "forceOrder") => Some(Market::Futures),
            Some("aggTrade" | "trade") if self.M.is_some() => Some(Market::Spot),
            Some("trade") if self.X.is_some() => Some(Market::Futures),
            _ => None,
        }
    }
}

/// What a message gives away about its market.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Market {
    Spot,
    /// Either kind of futures; USD-margined unless something says coin-margined.
    Futures,
    Coinm,
}

/// `BTCUSD_PERP`, `BTCUSD_240927`: coin-margined contracts are quoted in USD itself.
pub(super) fn is_coin_margined(symbol: &str) -> bool {
    let Some((pair, contract)) = symbol.rsplit_once('_') else {
        return false;
    };
    contract.eq_ignore_ascii_case("perp")
        || (contract.len() == 6
            && contract.bytes().all(|byte| byte.is_ascii_digit())
            && pair.to_ascii_uppercase().ends_with("USD"))
}

/// The symbol before the `@` of a stream name; `None` for streams of all symbols.
pub(super) fn stream_symbol(stream: &[u8]) -> Option<Symbol> {
    let at = stream.iter().position(|&byte| byte == b'@')?;
    Symbol::new(&stream[..at])
}
