//! All agents on the calling thread, stepped by hand: tests, simulation, the folded profile.

use std::sync::Arc;

use super::cycle::{Cycle, Pulse, Seat};
use super::{ExitReport, LaunchError, RunOptions, Shared, ThreadReport, check_specs};
use crate::agent::AgentSpec;
use crate::beat::{AgentBeat, ThreadBeat};
use crate::contain;
use crate::core_map::Fault;
use crate::idle::{Idle, IdleKind, Rest};
use crate::os;

/// Agents folded on one thread.
pub struct Folded {
    cycle: Cycle,
    shared: Arc<Shared>,
    cpu_before: u64,
}

/// Puts agents, given in flow order, on the calling thread, to be polled in `order`.
/// An empty order is the flow order; any order gives the same results.
pub fn fold(
    specs: Vec<AgentSpec>,
    order: &[&str],
    options: &RunOptions,
) -> Result<Folded, LaunchError> {
    check_specs(&specs)?;
    contain::install_hook();
    let places = places(&specs, order)?;
    let shared = Shared::new(&specs, options);
    let mut specs: Vec<Option<AgentSpec>> = specs.into_iter().map(Some).collect();
    let mut seats = Vec::with_capacity(specs.len());
    for index in places {
        let spec = specs[index].take().expect("each place is listed once");
        let beat = AgentBeat::new(&options.page, spec.name(), index, 0)?;
        seats.push(Seat::new(index, spec, beat, Vec::new()));
    }
    // Who steps it decides about rests, so only cycles that worked tell their length.
    let mut beat = ThreadBeat::new(&options.page, "folded", None, &options.clock)?;
    beat.since.set(options.clock.raw().max(1));
    beat.tid.set(u64::from(os::thread_id()));
    let mut cycle = Cycle::new(seats, Arc::clone(&shared), beat, Vec::new());
    if !cycle.start(None) {
        cycle.call_off();
        return Err(LaunchError::Start(shared.take_failures()));
    }
    Ok(Folded {
        cycle,
        shared,
        cpu_before: os::thread_cpu_ns(),
    })
}

/// Flow places in poll order.
fn places(specs: &[AgentSpec], order: &[&str]) -> Result<Vec<usize>, LaunchError> {
    if order.is_empty() {
        return Ok((0..specs.len()).collect());
    }
    let place = |name: &&str| specs.iter().position(|spec| spec.name() == *name);
    let places: Vec<usize> = order.iter().filter_map(place).collect();
    let mut sorted = places.clone();
    sorted.sort_unstable();
    if places.len() == order.len() && sorted.iter().copied().eq(0..specs.len()) {
        return Ok(places);
    }
    let names: Vec<&str> = specs.iter().map(AgentSpec::name).collect();
    Err(LaunchError::Map(vec![Fault {
        thread: None,
        key: "agents",
        what: format!(
            "the poll order [{}] does not list each of [{}] once",
            order.join(", "),
            names.join(", ")
        ),
    }]))
}

impl Folded {
    /// One duty cycle. `false` once every agent has ended.
    pub fn step(&mut self) -> bool {
        self.cycle.run_once() != Pulse::Ended
    }

    /// Steps until a whole duty cycle did nothing, or everything has ended; says how many steps.
    pub fn settle(&mut self) -> u64 {
        let mut steps = 1;
        let mut pulse = self.cycle.run_once();
        while let Pulse::Worked { until } = pulse {
            pulse = self.cycle.run_on(until);
            steps += 1;
        }
        steps
    }

    /// Steps until every agent has ended, resting in between when there is nothing to do.
    pub fn run_to_end(mut self) -> ExitReport {
        let mut idle = Idle::new(IdleKind::Backoff);
        let mut until = None;
        loop {
            match self.cycle.run_on(until.take()) {
                Pulse::Ended => break,
                Pulse::Worked { until: end } => {
                    idle.worked();
                    until = end;
                }
                Pulse::Idle => match idle.rest() {
                    Rest::Spin | Rest::Park => std::hint::spin_loop(),
                    Rest::Yield => std::thread::yield_now(),
                    Rest::Sleep(time) => std::thread::sleep(time),
                },
            }
        }
        self.report()
    }

    /// How it ended, or how it stands so far.
    pub fn report(self) -> ExitReport {
        let thread = ThreadReport {
            name: "folded".to_owned(),
            core: None,
            cpu_ns: os::thread_cpu_ns().saturating_sub(self.cpu_before),
        };
        self.shared.report(vec![thread])
    }

    /// Where each agent is in its life.
    pub fn states(&self) -> Vec<(String, crate::lifecycle::State)> {
        self.shared.roster.states()
    }
}
