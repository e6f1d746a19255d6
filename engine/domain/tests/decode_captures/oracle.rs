//! A second decoder of Binance frames, slow and plain: `serde_json` values and 128-bit decimals.

use pitlane_domain::decode::{Decoded, Depth, DepthKind, Fact, Level, Notice, TradeStream};
use pitlane_domain::instrument::{InstrumentTable, Venue};
use pitlane_domain::message::{Quote, Trade, VenueBarPrices, VenueBarVolume};
use pitlane_domain::units::{Grid, Lots, Ticks, WallNs};
use serde_json::Value;

/// What one frame says.
pub struct Oracle {
    pub decoded: Decoded,
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
}

/// Decimal text in steps, by way of units of 10^-18.
fn steps(value: &Value, grid: Grid) -> i64 {
    let text = value.as_str().expect("decimal text");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let fine: i128 = format!("{whole}{part:0<18}").parse().expect("a decimal");
    let step = i128::from(grid.mantissa()) * 10_i128.pow(18 - u32::from(grid.scale()));
    assert_eq!(fine % step, 0, "{text} on {grid}");
    i64::try_from(fine / step).expect("64 bits")
}

fn levels(value: &Value, tick: Grid, lot: Grid) -> Vec<Level> {
    let levels = value.as_array().expect("levels").iter();
    levels
        .map(|level| Level {
            px: Ticks(steps(&level[0], tick)),
            qty: Lots(steps(&level[1], lot)),
        })
        .collect()
}

fn id(value: &Value) -> u64 {
    value.as_u64().expect("a whole number")
}

fn time(value: &Value) -> Option<WallNs> {
    Some(WallNs::from_ms(value.as_i64()?))
}

impl Oracle {
    /// Reads a frame; panics where it is not as recorded frames are.
    pub fn read(venue: Venue, stream: &str, text: &str, table: &InstrumentTable) -> Self {
        let frame: Value = serde_json::from_str(text).expect("JSON");
        let data = frame.get("data").unwrap_or(&frame);
        let none = Vec::new;
        if data.get("symbols").is_some() {
            let decoded = Decoded::Notice(Notice::InstrumentInfo);
            return Self {
                decoded,
                bids: none(),
                asks: none(),
            };
        }
        let named = data.get("s").or(data.get("symbol")).and_then(Value::as_str);
        let symbol = named.unwrap_or_else(|| stream.split('@').next().expect("a symbol"));
        let instrument = table
            .find(venue, symbol.as_bytes())
            .expect("a known symbol");
        let row = table.get(instrument).expect("its row");
        let (tick, lot) = (row.tick_size, row.lot_size);
        let px = |value: &Value| Ticks(steps(value, tick));
        let qty = |value: &Value| Lots(steps(value, lot));
        let (mut bids, mut asks) = (none(), none());
        let mut ts_event = time(&data["E"]);
        let fact = match data.get("e").and_then(Value::as_str) {
            Some(kind @ ("trade" | "aggTrade")) => {
                ts_event = time(&data["T"]);
                let (stream, id, first_id, last_id) = if kind == "trade" {
                    let trade = id(&data["t"]);
                    (TradeStream::Single, trade, trade, trade)
                } else {
                    (
                        TradeStream::Aggregate,
                        id(&data["a"]),
                        id(&data["f"]),
                        id(&data["l"]),
                    )
                };
                let trade = Trade {
                    px: px(&data["p"]),
                    qty: qty(&data["q"]),
                    id,
                    first_id,
                    last_id,
                    is_buyer_maker: data["m"].as_bool().expect("a side"),
                    best_match: data["M"].as_bool().unwrap_or(true),
                    backfilled: false,
                    off_market: data.get("X").is_some_and(|kind| kind != "MARKET"),
                    delayed: false,
                };
                Fact::Trade(stream, trade)
            }
            Some("depthUpdate") => {
                bids = levels(&data["b"], tick, lot);
                asks = levels(&data["a"], tick, lot);
                let prev_id = data["pu"].as_u64();
                let kind = DepthKind::Diff { prev_id };
                let (first_id, last_id) = (id(&data["U"]), id(&data["u"]));
                Fact::Depth(Depth {
                    kind,
                    first_id,
                    last_id,
                })
            }
            Some("kline") => {
                let bar = &data["k"];
                assert_eq!(bar["i"], "1m");
                Fact::VenueBar(
                    VenueBarPrices {
                        interval_s: 60,
                        open: px(&bar["o"]),
                        high: px(&bar["h"]),
                        low: px(&bar["l"]),
                        close: px(&bar["c"]),
                    },
                    VenueBarVolume {
                        interval_s: 60,
                        open_ts: time(&bar["t"]).expect("a time"),
                        volume: qty(&bar["v"]),
                        taker_buy_volume: qty(&bar["V"]),
                        trades: id(&bar["n"]),
                        closed: bar["x"].as_bool().expect("whether it is final"),
                        history: false,
                    },
                )
            }
            None if data.get("lastUpdateId").is_some() => {
                bids = levels(&data["bids"], tick, lot);
                asks = levels(&data["asks"], tick, lot);
                let last_id = id(&data["lastUpdateId"]);
                let (kind, first_id) = (DepthKind::Snapshot, last_id);
                Fact::Depth(Depth {
                    kind,
                    first_id,
                    last_id,
                })
            }
            None | Some("bookTicker") => Fact::Quote(Quote {
                bid_px: px(&data["b"]),
                bid_qty: qty(&data["B"]),
                ask_px: px(&data["a"]),
                ask_qty: qty(&data["A"]),
                update_id: id(&data["u"]),
            }),
            Some(other) => panic!("{other}"),
        };
        let decoded = Decoded::Fact {
            instrument,
            ts_event,
            fact,
        };
        Self {
            decoded,
            bids,
            asks,
        }
    }
}
