//! Rare lines with text of any length: lifecycle steps, panics, errors of cold edges.

use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::Level;
use crate::clock::Clock;

/// Notices that wait for the logger at most; beyond it they are dropped and counted.
const WAITING: usize = 1000;

/// One such line.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// Who says so.
    pub worker: String,
    /// The sentence.
    pub message: String,
    /// Facts beside it.
    pub context: BTreeMap<String, Value>,
    /// The operation it belongs to.
    pub correlation_id: Option<String>,
    /// The input it is about; 0 for none.
    pub sequence: u64,
    pub(super) raw: u64,
}

impl Notice {
    /// A sentence by an agent.
    pub fn new(level: Level, worker: &str, message: impl Into<String>) -> Self {
        Self {
            level,
            worker: worker.to_owned(),
            message: message.into(),
            context: BTreeMap::new(),
            correlation_id: None,
            sequence: 0,
            raw: 0,
        }
    }

    /// Adds a fact to the line's context. No secret may be one.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.context.insert(key.to_owned(), value.into());
        self
    }

    /// The operation the line belongs to.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// The input the line is about.
    #[must_use]
    pub fn sequence(mut self, sequence: u64) -> Self {
        self.sequence = sequence;
        self
    }
}

/// Where notices wait for the logger. Clones share it.
///
/// It is a queue behind a lock: fit for what happens a few times a minute, never for the path of
/// a message.
#[derive(Clone, Debug, Default)]
pub struct Notices(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Notice>,
    dropped: u64,
}

impl Notices {
    /// Leaves a notice for the logger.
    pub fn post(&self, clock: &Clock, mut notice: Notice) {
        notice.raw = clock.raw();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.lines.len() < WAITING {
            waiting.lines.push_back(notice);
        } else {
            waiting.dropped += 1;
        }
    }

    /// Takes the oldest `max` notices, and how many were dropped since the last call.
    pub fn take(&self, max: usize) -> (Vec<Notice>, u64) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.lines.len().min(max);
        let lines = waiting.lines.drain(..count).collect();
        (lines, std::mem::take(&mut waiting.dropped))
    }
}
