//! How agents live and end: created, ready, cleaning, terminated, in flow order.
//!
//! The end travels with the data: an agent ends after it has handled everything before the end.
//! The [`Roster`] only remembers who has ended, and tells each agent when everybody upstream has.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;

#[cfg(test)]
mod tests;

/// Where an agent is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It exists; inputs may queue up.
    Created,
    /// It works.
    Ready,
    /// It does nothing but close what it owns.
    Cleaning,
    /// It is gone.
    Terminated,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Ready => "ready",
            Self::Cleaning => "cleaning",
            Self::Terminated => "terminated",
        })
    }
}

impl State {
    /// The only state that may follow.
    fn next(self) -> Option<Self> {
        match self {
            Self::Created => Some(Self::Ready),
            Self::Ready => Some(Self::Cleaning),
            Self::Cleaning => Some(Self::Terminated),
            Self::Terminated => None,
        }
    }
}

/// A step that is not in the life of an agent. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("agent {agent} is {from} and cannot become {to}")]
pub struct IllegalStep {
    /// Who.
    pub agent: String,
    /// Where it is.
    pub from: State,
    /// Where it was told to go.
    pub to: State,
}

/// All agents in flow order and where each is in its life.
#[derive(Debug)]
pub struct Roster {
    states: Mutex<Vec<(String, State)>>,
    /// How many agents, counted from the first, have ended: read in every duty cycle.
    ended_prefix: AtomicUsize,
}

impl Roster {
    /// Agents in the order in which data flows; all of them created.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let states = names
            .into_iter()
            .map(|name| (name.into(), State::Created))
            .collect();
        Self {
            states: Mutex::new(states),
            ended_prefix: AtomicUsize::new(0),
        }
    }

    /// Takes one step in the life of an agent.
    pub fn advance(&self, agent: usize, to: State) -> Result<(), IllegalStep> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, state) = &mut states[agent];
        if state.next() != Some(to) {
            return Err(IllegalStep {
                agent: name.clone(),
                from: *state,
                to,
            });
        }
        *state = to;
        if to == State::Terminated {
            let ended = states
                .iter()
                .take_while(|(_, state)| *state == State::Terminated)
                .count();
            // PAIRS: the Acquire load in `ended_prefix`; what an agent wrote before it ended, its
            // last messages and its files, is seen by whoever sees it ended.
            self.ended_prefix.store(ended, Ordering::Release);
        }
        Ok(())
    }

    /// Where an agent is.
    pub fn state(&self, agent: usize) -> State {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)[agent].1
    }

    /// All names and states.
    pub fn states(&self) -> Vec<(String, State)> {
        self.states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many agents, counted from the first in flow order, have ended.
    #[inline]
    pub fn ended_prefix(&self) -> usize {
        // PAIRS: the Release store in `advance`.
        self.ended_prefix.load(Ordering::Acquire)
    }
}

/// The wish that everything ends. Set once by a signal, a fail-stop or a command, never taken back.
///
/// Sources read it and send the end down their rings; nobody else needs to.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Not requested.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask for the end.
    pub fn request(&self) {
        // Nothing is published with the flag: whoever sees it late acts late, which is harmless.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the end was asked for.
    #[inline]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The flag itself, for a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
