//! Messages the capture does not hold, made of those it does: what clients of the surface expect to find.

use crate::books::{Books, View};
use crate::interval::Interval;
use crate::recording::Recording;
use crate::rest::Day;
use crate::shared::lock;
use crate::text::{Numbers, percent};
use crate::trades::{Bar, bar};
use pitlane_domain::decode::{Fact, Levels};
use pitlane_domain::instrument::{Instrument, InstrumentId, Venue};
use pitlane_domain::units::{Lots, Ticks, WallNs};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Time between two messages of a bar that is still forming, in ms of the venue's time.
const KLINE_EVERY: i64 = 2000;
/// Time between two messages of day statistics.
const DAY_EVERY: i64 = 1000;
/// Most bars closed by one trade: a day of seconds.
const CLOSED_MAX: usize = 86_400;

/// What is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum What {
    /// An aggregated trade of each single trade.
    AggTrade,
    /// The best levels, with each depth event.
    Partial(usize),
    /// The best prices, when they change.
    BookTicker,
    /// Bars, with trades.
    Kline(Interval),
    /// Statistics of the rolling day, with trades.
    Ticker,
    /// The same, short.
    MiniTicker,
}

/// What is made of which instrument.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Derived {
    pub(crate) instrument: InstrumentId,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Default)]
struct Memory {
    sent_ms: Option<i64>,
    open_ms: Option<i64>,
    touch: Option<[Option<(Ticks, Lots)>; 2]>,
}

/// Makes messages, and remembers what it made last.
#[derive(Default)]
pub(crate) struct Maker {
    memory: HashMap<Derived, Memory>,
}

impl Maker {
    /// Forgets everything: the playback begins again.
    pub(crate) fn clear(&mut self) {
        self.memory.clear();
    }

    /// The messages that follow from an event; often none.
    pub(crate) fn make(
        &mut self,
        recording: &Recording,
        books: &Mutex<Books>,
        derived: Derived,
        event: usize,
    ) -> Vec<Arc<[u8]>> {
        let Some(instrument) = recording.table().get(derived.instrument) else {
            return Vec::new();
        };
        let memory = self.memory.entry(derived).or_default();
        let id = derived.instrument;
        let event_ms = event_ms(recording.data(event)).unwrap_or_else(|| recording.ts(event).ms());
        let texts = match derived.what {
            What::AggTrade => agg_trade(recording, instrument, event, event_ms),
            What::Partial(levels) => {
                let view = lock(books).view(recording, id, event + 1);
                vec![partial(instrument, &view, levels, event_ms)]
            }
            What::BookTicker => {
                let view = lock(books).view(recording, id, event + 1);
                let touch = [view.bids.first().copied(), view.asks.first().copied()];
                if memory.touch.replace(touch) == Some(touch) {
                    return Vec::new();
                }
                vec![book_ticker(instrument, &view, event_ms)]
            }
            What::Kline(interval) => klines(recording, id, interval, memory, event, event_ms),
            What::Ticker | What::MiniTicker => {
                if memory
                    .sent_ms
                    .is_some_and(|sent| event_ms < sent + DAY_EVERY)
                {
                    return Vec::new();
                }
                memory.sent_ms = Some(event_ms);
                let Some(day) = Day::of(recording, id, event + 1) else {
                    return Vec::new();
                };
                if derived.what == What::MiniTicker {
                    vec![mini_ticker(instrument, &day, event_ms)]
                } else {
                    let view = lock(books).view(recording, id, event + 1);
                    vec![ticker(instrument, &day, &view, event_ms)]
                }
            }
        };
        texts
            .into_iter()
            .map(|text| Arc::from(text.into_bytes()))
            .collect()
    }
}

/// The venue's time of a message, its `E`, in ms.
fn event_ms(data: &[u8]) -> Option<i64> {
    const KEY: &[u8] = b"\"E\":";
    let at = data.windows(KEY.len()).position(|part| part == KEY)?;
    let rest = data[at + KEY.len()..].trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ms: i64 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    // From 10^14 on it counts microseconds.
    Some(if ms >= 100_000_000_000_000 {
        ms / 1000
    } else {
        ms
    })
}

fn is_spot(instrument: &Instrument) -> bool {
    instrument.venue == Venue::BinanceSpot
}

fn agg_trade(
    recording: &Recording,
    instrument: &Instrument,
    event: usize,
    event_ms: i64,
) -> Vec<String> {
    let Some((Fact::Trade(_, trade), ts)) = recording.fact(event, &mut Levels::default()) else {
        return Vec::new();
    };
    let numbers = Numbers::of(instrument);
    let ms = ts.map_or(event_ms, WallNs::ms);
    let best_match = if is_spot(instrument) {
        format!(r#","M":{}"#, trade.best_match)
    } else {
        String::new()
    };
    vec![format!(
        r#"{{"e":"aggTrade","E":{event_ms},"s":"{}","a":{id},"p":"{}","q":"{}","f":{},"l":{},"T":{ms},"m":{}{best_match}}}"#,
        instrument.venue_symbol,
        numbers.px(trade.px),
        numbers.qty(trade.qty),
        trade.first_id,
        trade.last_id,
        trade.is_buyer_maker,
        id = trade.id,
    )]
}

/// `[["price","quantity"],..]` of the best levels.
pub(crate) fn side(numbers: &Numbers, levels: &[(Ticks, Lots)], most: usize) -> String {
    let pairs: Vec<_> = levels
        .iter()
        .take(most)
        .map(|(px, qty)| format!(r#"["{}","{}"]"#, numbers.px(*px), numbers.qty(*qty)))
        .collect();
    format!("[{}]", pairs.join(","))
}

fn partial(instrument: &Instrument, view: &View, most: usize, event_ms: i64) -> String {
    let numbers = Numbers::of(instrument);
    let (id, bids, asks) = (
        view.last_id,
        side(&numbers, &view.bids, most),
        side(&numbers, &view.asks, most),
    );
    if is_spot(instrument) {
        return format!(r#"{{"lastUpdateId":{id},"bids":{bids},"asks":{asks}}}"#);
    }
    format!(
        r#"{{"e":"depthUpdate","E":{event_ms},"T":{event_ms},"s":"{}","U":{id},"u":{id},"pu":{id},"b":{bids},"a":{asks}}}"#,
        instrument.venue_symbol
    )
}

fn book_ticker(instrument: &Instrument, view: &View, event_ms: i64) -> String {
    let numbers = Numbers::of(instrument);
    let best = |side: &[(Ticks, Lots)]| side.first().copied().unwrap_or_default();
    let (bid, ask) = (best(&view.bids), best(&view.asks));
    let (head, tail) = if is_spot(instrument) {
        (String::new(), String::new())
    } else {
        (
            r#""e":"bookTicker","#.to_owned(),
            format!(r#","T":{event_ms},"E":{event_ms}"#),
        )
    };
    format!(
        r#"{{{head}"u":{},"s":"{}","b":"{}","B":"{}","a":"{}","A":"{}"{tail}}}"#,
        view.last_id,
        instrument.venue_symbol,
        numbers.px(bid.0),
        numbers.qty(bid.1),
        numbers.px(ask.0),
        numbers.qty(ask.1),
    )
}

fn klines(
    recording: &Recording,
    id: InstrumentId,
    interval: Interval,
    memory: &mut Memory,
    event: usize,
    event_ms: i64,
) -> Vec<String> {
    let rows = recording.trades(id).single(event + 1);
    let (Some(last), Some(instrument)) = (rows.last(), recording.table().get(id)) else {
        return Vec::new();
    };
    let open = interval.open_of(last.bar_ms);
    let mut texts = Vec::new();
    let mut ended = memory.open_ms.unwrap_or(open);
    while ended < open && texts.len() < CLOSED_MAX {
        let closed = bar(rows, interval, ended);
        texts.extend(closed.map(|of| kline(instrument, interval, &of, true, event_ms)));
        ended = interval.next(ended);
    }
    let is_due = memory
        .sent_ms
        .is_none_or(|sent| last.bar_ms >= sent + KLINE_EVERY);
    if is_due || memory.open_ms != Some(open) {
        memory.sent_ms = Some(last.bar_ms);
        memory.open_ms = Some(open);
        let forming = bar(rows, interval, open);
        texts.extend(forming.map(|of| kline(instrument, interval, &of, false, event_ms)));
    }
    texts
}

fn kline(
    instrument: &Instrument,
    interval: Interval,
    bar: &Bar,
    is_closed: bool,
    event_ms: i64,
) -> String {
    let numbers = Numbers::of(instrument);
    let sums = &bar.sums;
    let lots = |sum: i128| numbers.qty(Lots(i64::try_from(sum).unwrap_or(i64::MAX)));
    format!(
        concat!(
            r#"{{"e":"kline","E":{E},"s":"{s}","k":{{"t":{t},"T":{T},"s":"{s}","i":"{i}","f":{f},"L":{L},"#,
            r#""o":"{o}","c":"{c}","h":"{h}","l":"{l}","v":"{v}","n":{n},"x":{x},"q":"{q}","V":"{V}","Q":"{Q}","B":"0"}}}}"#
        ),
        E = event_ms,
        s = instrument.venue_symbol,
        t = bar.open_ms,
        T = bar.close_ms,
        i = interval.name(),
        f = sums.first_id,
        L = sums.last_id,
        o = numbers.px(sums.open),
        c = numbers.px(sums.close),
        h = numbers.px(sums.high),
        l = numbers.px(sums.low),
        v = lots(sums.volume),
        n = sums.count,
        x = is_closed,
        q = numbers.quote(sums.quote),
        V = lots(sums.taker_volume),
        Q = numbers.quote(sums.taker_quote),
    )
}

fn mini_ticker(instrument: &Instrument, day: &Day, event_ms: i64) -> String {
    let numbers = Numbers::of(instrument);
    format!(
        r#"{{"e":"24hrMiniTicker","E":{event_ms},"s":"{}","c":"{}","o":"{}","h":"{}","l":"{}","v":"{}","q":"{}"}}"#,
        instrument.venue_symbol,
        numbers.px(day.sums.close),
        numbers.px(day.sums.open),
        numbers.px(day.sums.high),
        numbers.px(day.sums.low),
        numbers.qty(day.volume()),
        numbers.quote(day.sums.quote),
    )
}

fn ticker(instrument: &Instrument, day: &Day, view: &View, event_ms: i64) -> String {
    let numbers = Numbers::of(instrument);
    let best = |side: &[(Ticks, Lots)]| side.first().copied().unwrap_or_default();
    let (bid, ask) = (best(&view.bids), best(&view.asks));
    let sums = &day.sums;
    let (px, qty) = (|of| numbers.px(of), |of| numbers.qty(of));
    format!(
        concat!(
            r#"{{"e":"24hrTicker","E":{E},"s":"{s}","p":"{p}","P":"{P}","w":"{w}","x":"{x}","c":"{c}","Q":"{Q}","#,
            r#""b":"{b}","B":"{B}","a":"{a}","A":"{A}","o":"{o}","h":"{h}","l":"{l}","v":"{v}","q":"{q}","#,
            r#""O":{O},"C":{C},"F":{F},"L":{L},"n":{n}}}"#
        ),
        E = event_ms,
        s = instrument.venue_symbol,
        p = px(sums.close - sums.open),
        P = percent((sums.close - sums.open).0, sums.open.0),
        w = numbers.average(sums.quote, sums.volume),
        x = px(day.before),
        c = px(sums.close),
        Q = qty(day.last_qty),
        b = px(bid.0),
        B = qty(bid.1),
        a = px(ask.0),
        A = qty(ask.1),
        o = px(sums.open),
        h = px(sums.high),
        l = px(sums.low),
        v = qty(day.volume()),
        q = numbers.quote(sums.quote),
        O = day.open_ms,
        C = day.close_ms,
        F = sums.first_id,
        L = sums.last_id,
        n = sums.count,
    )
}
