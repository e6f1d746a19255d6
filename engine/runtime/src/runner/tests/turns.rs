//! When a turn begins and ends, by the clock of the runner.

use super::*;
use crate::clock::{Clock, ManualClock};

/// What an agent was told at its polls: `now` and `worked_until`.
type Told = Arc<Mutex<Vec<(u64, u64)>>>;

/// Each poll takes five times, and those that `works` names do something.
struct Worker {
    name: &'static str,
    works: fn(usize) -> bool,
    time: ManualClock,
    told: Told,
}

impl Agent for Worker {
    fn role(&self) -> &str {
        self.name
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        let mut told = self.told.lock().expect("nobody panics with it");
        told.push((duty.now, duty.worked_until));
        self.time.advance(5);
        Turn::Took(u32::from((self.works)(told.len())))
    }
}

/// An agent's name, and whether it works at its n-th poll.
type Plan = (&'static str, fn(usize) -> bool);

/// What each agent was told until the first idle cycle.
fn told_of(agents: &[Plan]) -> Vec<Vec<(u64, u64)>> {
    let (clock, time) = Clock::manual(0);
    time.advance(100);
    let (mut specs, mut all) = (Vec::new(), Vec::new());
    for &(name, works) in agents {
        let told = Told::default();
        all.push(Arc::clone(&told));
        specs.push(AgentSpec::from(Worker {
            name,
            works,
            time: time.clone(),
            told,
        }));
    }
    let options = RunOptions::new(clock);
    fold(specs, &[], &options).expect("a legal fold").settle();
    let told = |told: &Told| told.lock().expect("nobody panics with it").clone();
    all.iter().map(told).collect()
}

#[test]
fn an_agent_is_told_when_its_last_work_ended() {
    let told = told_of(&[("worker", |poll| poll == 2 || poll == 1)]);
    assert_eq!(told, [[(100, 0), (105, 105), (110, 110)]]);
}

#[test]
fn an_idle_poll_behind_the_last_work_is_not_before_the_next_cycle() {
    let told = told_of(&[("worker", |poll| poll == 1), ("idler", |_| false)]);
    // The second cycle begins at 110, behind the idle poll, though the last work ended at 105.
    assert_eq!(told[0], [(100, 0), (110, 105)]);
    assert_eq!(told[1], [(100, 0), (110, 0)]);
}
