//! The table of instruments and limits.

use super::ask::{Ask, Asked, Refusal};
use crate::shared::lock;
use pitlane_domain::instrument::Instrument;
use serde_json::{Value, json};

/// Assets that prices are quoted in, the longest first where one ends another.
const QUOTES: [&str; 26] = [
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "USDE", "USD1", "DOGE", "BIDR", "IDRT",
    "EURI", "BTC", "ETH", "BNB", "XRP", "TRX", "EUR", "GBP", "TRY", "BRL", "JPY", "ARS", "MXN",
    "PLN", "USD",
];

/// Base and quote asset of a symbol; of one that ends in no known quote the last three letters are taken for it.
fn assets(symbol: &str) -> (&str, &str) {
    let pair = symbol.split('_').next().unwrap_or(symbol);
    let known = QUOTES
        .iter()
        .find(|quote| pair.len() > quote.len() && pair.ends_with(**quote));
    let length = known.map_or(3.min(pair.len().saturating_sub(1)), |quote| quote.len());
    pair.split_at(pair.len() - length)
}

/// A price or quantity no order comes near: a billion steps.
fn most(step: pitlane_domain::units::Grid) -> String {
    step.show(1_000_000_000).to_string()
}

pub(super) fn exchange_info(ask: &Ask<'_>) -> Result<String, Refusal> {
    let (asked, _) = ask.instruments()?;
    let limit = lock(&ask.shared.weights).limit();
    let mut limits = vec![
        json!({"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit}),
        json!({"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100}),
    ];
    limits.push(if ask.is_spot() {
        json!({"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000})
    } else {
        json!({"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200})
    });
    if ask.is_spot() {
        limits.push(json!({"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61_000}));
    }
    let symbols: Vec<Value> = asked
        .into_iter()
        .map(|(_, instrument): Asked<'_>| {
            if ask.is_spot() {
                spot(instrument)
            } else {
                futures(instrument)
            }
        })
        .collect();
    let mut info = json!({
        "timezone": "UTC",
        "serverTime": ask.shared.now().ms(),
        "rateLimits": limits,
        "exchangeFilters": [],
        "symbols": symbols,
    });
    if !ask.is_spot() {
        info["assets"] = json!([]);
    }
    Ok(info.to_string())
}

fn spot(instrument: &Instrument) -> Value {
    let (tick, lot) = (instrument.tick_size, instrument.lot_size);
    let (base, quote) = assets(instrument.venue_symbol.as_str());
    let step = |grid: pitlane_domain::units::Grid| {
        let value = i128::from(grid.mantissa());
        crate::text::decimal(value, grid.scale(), grid.scale().max(8))
    };
    json!({
        "symbol": instrument.venue_symbol.as_str(),
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": false,
        "ocoAllowed": false,
        "otoAllowed": false,
        "opoAllowed": false,
        "quoteOrderQtyMarketAllowed": true,
        "allowTrailingStop": false,
        "cancelReplaceAllowed": false,
        "amendAllowed": false,
        "pegInstructionsAllowed": false,
        "isSpotTradingAllowed": true,
        "isMarginTradingAllowed": false,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": step(tick), "maxPrice": most(tick), "tickSize": step(tick)},
            {"filterType": "LOT_SIZE", "minQty": step(lot), "maxQty": most(lot), "stepSize": step(lot)},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": most(lot), "stepSize": "0.00000000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": true,
             "maxNotional": "9000000.00000000", "applyMaxToMarket": false, "avgPriceMins": 5},
        ],
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    })
}

/// When perpetual contracts end, by the venue's word: in the year 2100.
const NEVER: i64 = 4_133_404_800_000;

fn futures(instrument: &Instrument) -> Value {
    let (tick, lot) = (instrument.tick_size, instrument.lot_size);
    let symbol = instrument.venue_symbol.as_str();
    let (base, quote) = assets(symbol);
    let is_coin = instrument.venue == pitlane_domain::instrument::Venue::BinanceCoinm;
    let mut row = json!({
        "symbol": symbol,
        "pair": format!("{base}{quote}"),
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER,
        "onboardDate": 1_569_398_400_000_i64,
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": if is_coin { base } else { quote },
        "pricePrecision": tick.scale(),
        "quantityPrecision": lot.scale(),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick.to_string(), "maxPrice": most(tick), "tickSize": tick.to_string()},
            {"filterType": "LOT_SIZE", "minQty": lot.to_string(), "maxQty": most(lot), "stepSize": lot.to_string()},
            {"filterType": "MARKET_LOT_SIZE", "minQty": lot.to_string(), "maxQty": most(lot), "stepSize": lot.to_string()},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
    });
    // COIN-M has its own word for it.
    let status = if is_coin { "contractStatus" } else { "status" };
    row[status] = json!("TRADING");
    if is_coin {
        row["contractSize"] = json!(if base == "BTC" { 100 } else { 10 });
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_fall_into_their_assets() {
        assert_eq!(assets("BTCUSDT"), ("BTC", "USDT"));
        assert_eq!(assets("BTCFDUSD"), ("BTC", "FDUSD"));
        assert_eq!(assets("ETHBTC"), ("ETH", "BTC"));
        assert_eq!(assets("BTCUSD_PERP"), ("BTC", "USD"));
        assert_eq!(assets("ABCXYZ"), ("ABC", "XYZ"));
        assert_eq!(assets("A"), ("A", ""));
    }
}
