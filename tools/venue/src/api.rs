//! The WebSocket API of market data: an endpoint of REST, asked for in one message and answered in one.
//!
//! It is REST in another envelope: the same parameters, weights, faults and words.

use crate::http::Request;
use crate::rest;
use crate::shared::Shared;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The endpoint behind a method, which may begin with its version.
fn endpoint(method: &str) -> Option<&'static str> {
    Some(match method.strip_prefix("v3/").unwrap_or(method) {
        "ping" => "ping",
        "time" => "time",
        "exchangeInfo" => "exchangeInfo",
        "depth" => "depth",
        "trades.recent" => "trades",
        "trades.historical" => "historicalTrades",
        "trades.aggregate" => "aggTrades",
        "klines" => "klines",
        "uiKlines" => "uiKlines",
        "avgPrice" => "avgPrice",
        "ticker.24hr" => "ticker/24hr",
        "ticker.price" => "ticker/price",
        "ticker.book" => "ticker/bookTicker",
        _ => return None,
    })
}

/// The reply to a message.
pub(crate) fn answer(shared: &Shared, text: &str) -> String {
    let Ok(asked) = serde_json::from_str::<Value>(text) else {
        return refusal(&Value::Null, -1135, "Invalid JSON Request");
    };
    let id = asked.get("id").cloned().unwrap_or(Value::Null);
    let method = asked.get("method").and_then(Value::as_str);
    let Some(endpoint) = method.and_then(endpoint) else {
        return refusal(&id, -1020, "This operation is not supported.");
    };
    let given = asked.get("params").and_then(Value::as_object);
    let mut parameters: Vec<(String, String)> = given
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), plain(value)))
        .collect();
    let quiet = ("returnRateLimits".to_owned(), "false".to_owned());
    let is_quiet = parameters.contains(&quiet);
    parameters.retain(|(name, _)| *name != quiet.0);
    let request = Request {
        method: "GET".to_owned(),
        path: format!("/api/v3/{endpoint}"),
        parameters,
        ..Request::default()
    };
    let reply = rest::answer(shared, &request);
    if let Some(delay) = reply.delay {
        std::thread::sleep(delay);
    }
    let used = reply
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("x-mbx-used-weight-1m"))
        .map_or("0", |(_, used)| used);
    let member = if reply.status == 200 {
        "result"
    } else {
        "error"
    };
    let body = String::from_utf8(reply.body).unwrap_or_default();
    let body =
        RawValue::from_string(body).map_or_else(|_| "null".to_owned(), |raw| raw.to_string());
    let limits = if is_quiet {
        String::new()
    } else {
        let limit = shared.settings.weight_limit;
        format!(
            r#","rateLimits":[{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{limit},"count":{used}}}]"#
        )
    };
    let status = reply.status;
    format!(r#"{{"id":{id},"status":{status},"{member}":{body}{limits}}}"#)
}

/// A parameter as an address has it: text without its quotes, lists as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn refusal(id: &Value, code: i32, message: &str) -> String {
    json!({ "id": id, "status": 400, "error": { "code": code, "msg": message } }).to_string()
}
