//! What arrives outside the rings can wake an agent whose thread has parked.

use super::*;
use pitlane_lockfree::wake::Waker;
use std::sync::mpsc::{Sender, channel};

/// Waits for a word from outside, then ends.
struct Listener {
    word: Arc<AtomicBool>,
    given: Sender<Waker>,
}

impl Agent for Listener {
    fn role(&self) -> &'static str {
        "listener"
    }

    fn on_waker(&mut self, waker: Waker) {
        self.given.send(waker).expect("the test listens");
    }

    fn poll(&mut self, _: &Duty) -> Turn {
        if self.word.load(Ordering::Relaxed) {
            Turn::Done
        } else {
            Turn::IDLE
        }
    }
}

#[test]
fn a_parked_agent_can_be_woken_from_outside() {
    for idle in [
        IdleKind::Spin,
        IdleKind::Yield,
        IdleKind::Backoff,
        IdleKind::Park,
    ] {
        let (given, wakers) = channel();
        let word = Arc::new(AtomicBool::new(false));
        let listener = Listener {
            word: Arc::clone(&word),
            given,
        };
        let map = CoreMap {
            profile: Profile::Shared,
            threads: vec![plan("one", None, idle, &["listener"])],
        };
        let options = RunOptions::new(Clock::new());
        let specs = vec![AgentSpec::from(listener)];
        let running = launch(&map, specs, &options).expect("a plain map");
        // Given before anything is polled, and only where there is something to wake.
        let waker = wakers.try_recv().ok();
        assert_eq!(waker.is_some(), idle == IdleKind::Park, "{idle}");
        if let Some(waker) = &waker {
            while !waker.is_parked() {
                std::thread::yield_now();
            }
        }
        word.store(true, Ordering::Relaxed);
        if let Some(waker) = waker {
            waker.wake();
        }
        assert!(running.join().ok, "{idle}");
    }
}
