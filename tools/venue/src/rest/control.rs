//! The venue's own controls under `/venue`: what it has done, faults, restart.

use crate::faults::Rule;
use crate::http::{Reply, Request};
use crate::shared::{Shared, lock};
use serde_json::json;
use std::time::Duration;

/// Longest pause before it listens again.
const PAUSE_MAX: f64 = 3600.0;

pub(super) fn answer(shared: &Shared, request: &Request, what: &str) -> Reply {
    match (request.method.as_str(), what) {
        ("GET", "status") => match serde_json::to_vec(&shared.status()) {
            Ok(body) => Reply::json(200, body),
            Err(error) => Reply::error(500, -1000, &error.to_string()),
        },
        ("GET", "faults") => faults(shared),
        ("POST" | "PUT", "faults") => add(shared, request),
        ("DELETE", "faults") => {
            lock(&shared.faults).clear();
            faults(shared)
        }
        ("POST", "restart") => {
            let pause = request.get("pause").unwrap_or("1");
            let seconds = pause.trim_end_matches('s').parse::<f64>().ok();
            match seconds.filter(|seconds| (0.0..=PAUSE_MAX).contains(seconds)) {
                Some(seconds) => {
                    let mut reply = Reply::json(200, json!({ "pause": seconds }).to_string());
                    reply.restart = Some(Duration::from_secs_f64(seconds));
                    reply
                }
                None => Reply::error(400, -1130, "pause is a time in seconds, at most 3600."),
            }
        }
        _ => Reply::error(
            404,
            -1000,
            "There are GET /venue/status, GET, POST and DELETE /venue/faults, and POST /venue/restart.",
        ),
    }
}

fn faults(shared: &Shared) -> Reply {
    let done = lock(&shared.faults).done();
    Reply::json(200, json!({ "faults": done }).to_string())
}

/// Adds the rules of all `add` parameters, or none of them if one is wrong; `clear` first takes away what there is.
fn add(shared: &Shared, request: &Request) -> Reply {
    let rules: Result<Vec<Rule>, String> = request.all("add").map(str::parse).collect();
    match rules {
        Err(what) => Reply::error(400, -1130, &what),
        Ok(rules) if rules.is_empty() && request.get("clear").is_none() => Reply::error(
            400,
            -1102,
            "Send rules as add=RULE, such as add=drop:on=depth,p=0.001, or clear=1.",
        ),
        Ok(rules) => {
            let mut known = lock(&shared.faults);
            if request.get("clear").is_some() {
                known.clear();
            }
            for rule in rules {
                known.add(rule);
            }
            drop(known);
            faults(shared)
        }
    }
}
