//! Nobody turns in place before everybody is where they belong.
//!
//! A thread that spins, or has real-time priority, keeps the core it is on from whoever is still to start there: a
//! child that inherits its core, or one that is pinned to it, would never come. So all threads are started and pinned
//! before the first poll, whatever the map says of how they rest.

use super::*;
use crate::os;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

const THREADS: usize = 4;

/// Where each thread found itself when its agent started.
type Places = Arc<[OnceLock<BTreeSet<usize>>; THREADS]>;

/// Notes where it is, and at its first poll who is not there yet.
struct Soldier {
    name: &'static str,
    number: usize,
    places: Places,
    missing: Arc<Mutex<Vec<String>>>,
}

impl Agent for Soldier {
    fn role(&self) -> &str {
        self.name
    }

    fn on_start(&mut self) -> Result<(), String> {
        if self.number + 1 == THREADS {
            // The others have all the time there is to begin without it.
            std::thread::sleep(Duration::from_millis(50));
        }
        let place = os::affinity()?;
        self.places[self.number].set(place).expect("started once");
        Ok(())
    }

    fn poll(&mut self, _: &Duty) -> Turn {
        for (number, place) in self.places.iter().enumerate() {
            if place.get().is_none() {
                let what = format!("{} was polled before thread {number} started", self.name);
                self.missing
                    .lock()
                    .expect("nobody panics with it")
                    .push(what);
            }
        }
        Turn::Done
    }
}

#[test]
fn every_thread_is_pinned_before_any_is_polled() {
    let before = os::affinity().expect("own affinity");
    let core = *before.first().expect("a core to run on");
    let places: Places = Arc::default();
    let missing = Arc::default();
    let names = ["one", "two", "three", "four"];
    let specs = names.iter().enumerate().map(|(number, name)| {
        AgentSpec::from(Soldier {
            name,
            number,
            places: Arc::clone(&places),
            missing: Arc::clone(&missing),
        })
    });
    // No configuration may say so; in code it can be asked for, and then even this must begin.
    let spin = |name: &&'static str| plan(name, Some(core), IdleKind::Spin, &[name]);
    let map = CoreMap {
        profile: Profile::Isolated,
        threads: names.iter().map(spin).collect(),
    };
    let options = RunOptions::new(Clock::new());
    let running = launch(&map, specs.collect(), &options).expect("they can all be pinned");
    let report = running.join();
    assert!(report.ok, "{report:?}");
    let missing = missing.lock().expect("all ended");
    assert!(missing.is_empty(), "{missing:?}");
    for place in places.iter() {
        assert_eq!(place.get(), Some(&BTreeSet::from([core])), "pinned first");
    }
    let after = os::affinity().expect("own affinity");
    assert_eq!(before, after, "who launches stays where it is");
}
