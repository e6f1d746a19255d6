//! What a client may ask on a WebSocket connection, and the replies word for word as the venue's.

use crate::clients::Client;
use crate::shared::{Shared, lock};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a connection has asked for.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Arc<Client>,
    pub(crate) combined: bool,
    streams: Vec<String>,
}

impl Session {
    pub(crate) fn new(client: Arc<Client>, combined: bool) -> Self {
        Self {
            client,
            combined,
            streams: Vec::new(),
        }
    }

    /// Subscribes to what is not subscribed yet; answers whether all of it fits.
    pub(crate) fn subscribe(&mut self, shared: &Shared, names: &[String]) -> bool {
        let mut hub = lock(&shared.hub);
        let mut fits = true;
        for name in names {
            if self.streams.contains(name) {
                continue;
            }
            if self.streams.len() >= shared.settings.streams_per_connection {
                fits = false;
                break;
            }
            self.streams.push(name.clone());
            hub.subscribe(&shared.recording, &self.client, name);
        }
        drop(hub);
        shared.changed.notify_all();
        fits
    }

    pub(crate) fn unsubscribe(&mut self, shared: &Shared, names: &[String]) {
        let mut hub = lock(&shared.hub);
        for name in names {
            self.streams.retain(|known| known != name);
            hub.unsubscribe(&self.client, name);
        }
        drop(hub);
        shared.changed.notify_all();
    }
}

const METHODS: &str =
    "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`";

/// An error with the venue's number.
struct Refusal(u8, String);

/// The reply to a message.
pub(crate) fn answer(shared: &Shared, session: &mut Session, text: &str) -> String {
    let request: Value = match serde_json::from_str(text) {
        Ok(request) => request,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let message = format!("Invalid JSON: expected value at line {line} column {column}");
            return json!({ "code": 3, "msg": message }).to_string();
        }
    };
    let given = request.get("id");
    let is_id = match given {
        None | Some(Value::Null) => true,
        Some(Value::Number(number)) => number.is_i64() || number.is_u64(),
        Some(Value::String(text)) => text.chars().count() <= 36,
        Some(_) => false,
    };
    let id = given.filter(|_| is_id).cloned().unwrap_or(Value::Null);
    let result = if is_id {
        command(shared, session, &request)
    } else {
        let message = "Invalid request: request ID must be an integer, a string of at most 36 characters, or null";
        Err(Refusal(2, message.to_owned()))
    };
    match result {
        // Written by hand, because clients look for the members in this order.
        Ok(result) => format!(r#"{{"result":{result},"id":{id}}}"#),
        Err(Refusal(code, message)) => {
            format!(
                r#"{{"code":{code},"msg":{},"id":{id}}}"#,
                Value::from(message)
            )
        }
    }
}

fn command(shared: &Shared, session: &mut Session, request: &Value) -> Result<Value, Refusal> {
    let invalid = |what: &str| Refusal(2, format!("Invalid request: {what}"));
    let Some(method) = request.get("method") else {
        return Err(invalid("missing field `method`"));
    };
    let Some(method) = method.as_str() else {
        return Err(invalid("method must be a string"));
    };
    let none = Vec::new();
    let parameters = match request.get("params") {
        None | Some(Value::Null) => &none,
        Some(Value::Array(list)) => list,
        Some(_) => return Err(invalid("params must be an array")),
    };
    match method {
        "SUBSCRIBE" | "UNSUBSCRIBE" => {
            let names: Option<Vec<String>> = parameters
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect();
            let names = names.ok_or_else(|| invalid("stream name must be a string"))?;
            if names.is_empty() {
                return Err(invalid("missing field `params`"));
            }
            if method == "UNSUBSCRIBE" {
                session.unsubscribe(shared, &names);
            } else if !session.subscribe(shared, &names) {
                return Err(invalid("too many streams; the limit is per connection"));
            }
            Ok(Value::Null)
        }
        "LIST_SUBSCRIPTIONS" => Ok(json!(session.streams)),
        "SET_PROPERTY" => {
            let [name, value] = parameters.as_slice() else {
                let what = if parameters.len() > 2 {
                    "too many parameters"
                } else {
                    "property name and value are needed"
                };
                return Err(invalid(what));
            };
            property(name)?;
            let wrong = || Refusal(1, "Invalid value type: expected Boolean".to_owned());
            session.combined = value.as_bool().ok_or_else(wrong)?;
            Ok(Value::Null)
        }
        "GET_PROPERTY" => {
            let [name] = parameters.as_slice() else {
                return Err(invalid(if parameters.is_empty() {
                    "property name must be a string"
                } else {
                    "too many parameters"
                }));
            };
            property(name)?;
            Ok(Value::Bool(session.combined))
        }
        other => Err(invalid(&format!(
            "unknown variant `{other}`, expected one of {METHODS}"
        ))),
    }
}

fn property(name: &Value) -> Result<(), Refusal> {
    match name.as_str() {
        Some("combined") => Ok(()),
        Some(_) => Err(Refusal(0, "Unknown property".to_owned())),
        None => {
            let message = "Invalid request: property name must be a string";
            Err(Refusal(2, message.to_owned()))
        }
    }
}
