//! The WebSocket API says what REST says, in its own envelope.

use crate::support::*;
use serde_json::{Value, json};

#[test]
fn a_request_is_answered_as_rest_answers_it() {
    let venue = open(trades(5));
    let mut stream = Client::connect(venue.addr(), "/ws/btcusdt@trade");
    assert_eq!(stream.ids(5), [1, 2, 3, 4, 5]);
    played(&venue);
    let mut api = Client::connect(venue.addr(), "/ws-api/v3");
    let mut ask = |request: Value| -> Value {
        api.say(&request.to_string());
        serde_json::from_str(&api.next().unwrap()).unwrap()
    };
    let check = |reply: &Value, id: Value, path: &str| {
        assert_eq!((&reply["id"], &reply["status"]), (&id, &json!(200)));
        assert_eq!(reply["result"], get(venue.addr(), path).json(), "{path}");
    };
    let time = ask(json!({"id": "9d32157c-a556-4d27-9866-66760a174b57", "method": "time"}));
    check(
        &time,
        json!("9d32157c-a556-4d27-9866-66760a174b57"),
        "/api/v3/time",
    );
    let limit = &time["rateLimits"][0];
    assert_eq!(limit["rateLimitType"], "REQUEST_WEIGHT");
    assert!(limit["count"].as_u64() >= Some(1) && limit["limit"] == 6000);
    // Numbers may come as text, and methods with their version.
    for limit in [json!(2), json!("2")] {
        let params = json!({"symbol": "BTCUSDT", "limit": limit, "returnRateLimits": false});
        let reply = ask(json!({"id": 7, "method": "v3/trades.recent", "params": params}));
        check(&reply, json!(7), "/api/v3/trades?symbol=BTCUSDT&limit=2");
        assert!(reply.get("rateLimits").is_none());
    }
    let unknown = ask(json!({"id": 8, "method": "depth", "params": {"symbol": "NONE"}}));
    assert_eq!(
        (&unknown["status"], &unknown["error"]["code"]),
        (&json!(400), &json!(-1121))
    );
    let orders = ask(json!({"id": 9, "method": "order.place", "params": {}}));
    assert_eq!(orders["error"]["code"], -1020);
    api.say("nonsense");
    let nonsense: Value = serde_json::from_str(&api.next().unwrap()).unwrap();
    assert_eq!(
        (&nonsense["id"], &nonsense["error"]["code"]),
        (&Value::Null, &json!(-1135))
    );
}
