//! What goes wrong stays where it is, and is told.

use super::*;
use crate::log::Level;
use std::sync::atomic::AtomicU64;

#[test]
fn a_panic_stops_everything_in_order_and_names_itself() {
    let chain = chain_with(10_000, |relay| relay.panics_at = Some(5_000));
    let notices = chain.options.notices.clone();
    let page = chain.options.page.clone();
    let report = fold(chain.specs, &[], &chain.options)
        .expect("a legal fold")
        .run_to_end();
    assert!(!report.ok);
    assert_eq!(report.failures.len(), 1, "{report:?}");
    let failure = &report.failures[0];
    assert_eq!(failure.agent, "relay");
    assert!(
        failure
            .reason
            .starts_with("panicked: number 5000 is cursed at "),
        "{failure}"
    );
    // What the relay had sent before its end was handled all the same.
    let seen = chain.seen.lock().expect("all ended");
    assert!(seen.iter().copied().eq(0..5_000), "{} seen", seen.len());
    assert_eq!(
        *chain.closed.lock().expect("all ended"),
        ["sink", "supervisor", "logger"]
    );
    assert_eq!(
        number(&page.reader().snapshot(), "relay", beat::PANICS.label),
        1
    );
    let (lines, _) = notices.take(100);
    let error = lines
        .iter()
        .find(|line| line.level == Level::Error)
        .expect("the panic is told to the logger");
    assert!(error.message.contains("cursed"), "{error:?}");
}

#[test]
fn a_panic_on_one_thread_leaves_the_others_to_drain() {
    let chain = chain_with(100_000, |relay| relay.panics_at = Some(50_000));
    let map = CoreMap::shared(&[
        ("a", &["source"]),
        ("b", &["relay"]),
        ("c", &["sink", "supervisor", "logger"]),
    ]);
    let report = launch(&map, chain.specs, &chain.options)
        .expect("a legal map")
        .join();
    assert_eq!(report.failures[0].agent, "relay", "{report:?}");
    let seen = chain.seen.lock().expect("all ended");
    assert!(seen.iter().copied().eq(0..50_000), "{} seen", seen.len());
}

/// Panics or fails at its first poll, and nobody waits for it.
struct Bystander(PanicPolicy);

impl Agent for Bystander {
    fn role(&self) -> &'static str {
        "bystander"
    }

    fn poll(&mut self, _: &Duty) -> Turn {
        Turn::Failed("the disk is full".to_owned())
    }

    fn on_close(&mut self) -> Result<(), String> {
        Err("cannot close either".to_owned())
    }

    fn on_panic(&self) -> PanicPolicy {
        self.0
    }
}

#[test]
fn a_retired_agent_does_not_stop_the_others() {
    let mut chain = chain(10_000);
    chain
        .specs
        .push(AgentSpec::from(Bystander(PanicPolicy::Retire)));
    let report = fold(chain.specs, &[], &chain.options)
        .expect("a legal fold")
        .run_to_end();
    assert!(!report.ok);
    assert!(!chain.options.stop.is_requested());
    assert_eq!(chain.seen.lock().expect("all ended").len(), 10_000);
    let reasons: Vec<_> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        reasons,
        [
            "bystander: the disk is full",
            "bystander: while closing: cannot close either"
        ]
    );
}

/// Cannot start.
struct Unready(Result<(), String>);

impl Agent for Unready {
    fn role(&self) -> &'static str {
        "unready"
    }

    fn on_start(&mut self) -> Result<(), String> {
        if let Err(reason) = &self.0 {
            assert!(reason != "panic", "at the start");
        }
        self.0.clone()
    }

    fn poll(&mut self, _: &Duty) -> Turn {
        unreachable!("nothing is polled when one agent cannot start")
    }
}

#[test]
fn when_one_cannot_start_nothing_does() {
    for (reason, text) in [
        ("no such folder", "no such folder"),
        ("panic", "at the start"),
    ] {
        let mut chain = chain(10);
        chain
            .specs
            .push(AgentSpec::from(Unready(Err(reason.to_owned()))));
        let map = CoreMap::shared(&[("a", &NAMES), ("b", &["unready"])]);
        let error = launch(&map, chain.specs, &chain.options)
            .err()
            .expect("one is not ready");
        let LaunchError::Start(failures) = &error else {
            panic!("{error}")
        };
        assert_eq!(failures[0].agent, "unready");
        assert!(failures[0].reason.contains(text), "{error}");
        // those that had started were closed, in whatever order their thread has them
        assert_eq!(chain.closed.lock().expect("all gone").len(), 3);
        assert!(chain.seen.lock().expect("all gone").is_empty());
    }
}

#[test]
fn a_core_that_cannot_be_had_is_a_fault_of_the_map() {
    let chain = chain(10);
    let map = CoreMap {
        profile: Profile::Shared,
        threads: vec![plan("far", Some(1023), IdleKind::Park, &NAMES)],
    };
    let error = launch(&map, chain.specs, &chain.options)
        .err()
        .expect("no such core");
    let LaunchError::Map(faults) = &error else {
        panic!("{error}")
    };
    assert_eq!((faults[0].thread, faults[0].key), (Some(0), "core"));
    assert!(error.to_string().contains("core 1023"), "{error}");
    assert!(
        chain.closed.lock().expect("all gone").is_empty(),
        "none had started"
    );
}

/// Takes nothing until allowed to.
struct Reluctant {
    input: Consumer<u64>,
    allowance: Arc<AtomicU64>,
}

impl Agent for Reluctant {
    fn role(&self) -> &'static str {
        "reluctant"
    }

    fn poll(&mut self, _: &Duty) -> Turn {
        let allowed = self.allowance.swap(0, Ordering::Relaxed);
        let mut ended = false;
        let work = self
            .input
            .drain(usize::try_from(allowed).expect("small"), |&number| {
                ended |= number == END;
            });
        if ended {
            Turn::Done
        } else {
            Turn::Worked(work)
        }
    }
}

#[test]
fn a_slow_consumer_is_counted_as_the_producers_blocked_time() {
    let (clock, hand) = Clock::manual(0);
    let options = RunOptions::new(clock);
    let (out, input) = edge(512);
    let allowance = Arc::new(AtomicU64::new(0));
    let source = Source {
        next: 0,
        count: 10_000,
        out,
        stop: options.stop.clone(),
    };
    let reluctant = Reluctant {
        input,
        allowance: Arc::clone(&allowance),
    };
    let specs = vec![
        AgentSpec::from(source).feeds(&["reluctant"]),
        AgentSpec::from(reluctant),
    ];
    let mut folded = fold(specs, &[], &options).expect("a legal fold");
    let blocked = || {
        let snapshot = options.page.reader().snapshot();
        (
            number(&snapshot, "source", beat::BLOCKED.label),
            number(&snapshot, "source", beat::BLOCKED_NS.label),
        )
    };
    folded.step();
    assert_eq!(blocked(), (0, 0));
    // Room for one burst of 256 and the end is gone after the first poll: 256 of 512 are left.
    for _ in 0..3 {
        hand.advance(1_000);
        folded.step();
    }
    assert_eq!(blocked(), (3, 2_000));
    allowance.store(512, Ordering::Relaxed);
    hand.advance(1_000);
    folded.step(); // still blocked when polled, then the consumer takes everything
    hand.advance(1_000);
    folded.step(); // has room: the last stretch is closed
    assert_eq!(blocked(), (4, 4_000));
    let snapshot = options.page.reader().snapshot();
    assert_eq!(number(&snapshot, "source", beat::WORK.label), 512);
}

#[test]
fn an_agent_that_does_not_finish_is_forced_and_named() {
    let (clock, hand) = Clock::manual(0);
    let options = RunOptions::new(clock);
    let (_kept, input) = edge(8);
    let closed = Arc::default();
    let sink = Sink {
        input,
        seen: Seen::default(),
        log: Arc::clone(&closed),
    };
    let last = Last {
        name: "logger",
        log: Arc::clone(&closed),
    };
    let specs = vec![
        AgentSpec::from(sink).drain(Duration::from_millis(200)),
        AgentSpec::from(last),
    ];
    let mut folded = fold(specs, &[], &options).expect("a legal fold");
    folded.settle();
    options.stop.request();
    folded.step();
    hand.advance(200_000_000);
    assert!(folded.step(), "it still has its time");
    hand.advance(1);
    folded.step();
    assert!(!folded.step());
    let report = folded.report();
    assert_eq!(report.failures.len(), 1, "{report:?}");
    assert_eq!(report.failures[0].agent, "sink");
    assert!(report.failures[0].reason.contains("200ms"), "{report:?}");
    assert_eq!(*closed.lock().expect("all ended"), ["sink", "logger"]);
}

#[test]
fn the_whole_shutdown_is_bounded_too() {
    let (clock, hand) = Clock::manual(0);
    let mut options = RunOptions::new(clock);
    options.shutdown = Duration::from_millis(500);
    let (_kept, input) = edge(8);
    let sink = Sink {
        input,
        seen: Seen::default(),
        log: Arc::default(),
    };
    let specs = vec![AgentSpec::from(sink).drain(Duration::from_hours(1))];
    let mut folded = fold(specs, &[], &options).expect("a legal fold");
    options.stop.request();
    assert!(folded.step());
    hand.advance(500_000_001);
    assert!(!folded.step());
    let report = folded.report();
    assert!(report.failures[0].reason.contains("500ms"), "{report:?}");
}

/// Never comes back from its poll.
struct Hung(std::sync::mpsc::Receiver<()>);

impl Agent for Hung {
    fn role(&self) -> &'static str {
        "hung"
    }

    fn poll(&mut self, _: &Duty) -> Turn {
        let _ = self.0.recv();
        Turn::Done
    }
}

#[test]
fn a_thread_that_does_not_come_back_is_left_behind() {
    let mut options = RunOptions::new(Clock::new());
    options.shutdown = Duration::ZERO;
    let (release, wait) = std::sync::mpsc::channel();
    let specs = vec![AgentSpec::from(Hung(wait))];
    let map = CoreMap::folded(&["hung"]);
    let running = launch(&map, specs, &options).expect("a legal map");
    running.stop();
    let report = running.join();
    assert_eq!(report.failures[0].agent, "thread/folded", "{report:?}");
    assert!(
        report.failures[0].reason.contains("abandoned"),
        "{report:?}"
    );
    drop(release);
}

#[test]
fn roles_are_unique() {
    let specs = || AgentSpec::from(Bystander(PanicPolicy::Retire));
    let options = RunOptions::new(Clock::new());
    let error = fold(vec![specs(), specs()], &[], &options)
        .err()
        .expect("the same name twice");
    assert!(error.to_string().contains("two agents"), "{error}");
}

#[test]
fn when_a_consumer_dies_its_blocked_producers_are_forced_behind_the_cause() {
    let mut chain = chain_with(1_000_000, |relay| relay.panics_at = Some(100));
    chain.specs[0].drain = Duration::from_millis(20);
    let map = CoreMap::shared(&[
        ("a", &["source"]),
        ("b", &["relay", "sink"]),
        ("c", &["supervisor", "logger"]),
    ]);
    let report = launch(&map, chain.specs, &chain.options)
        .expect("a legal map")
        .join();
    let agents: Vec<_> = report.failures.iter().map(|f| f.agent.as_str()).collect();
    assert_eq!(agents[0], "relay", "{report:?}");
    // The source had no room any more, unless it was stopped before its ring was full.
    assert!(
        agents.len() == 1 || agents == ["relay", "source"],
        "{report:?}"
    );
    assert_eq!(
        *chain.closed.lock().expect("all ended"),
        ["sink", "supervisor", "logger"]
    );
}

/// Answers each message with the next number, so that both threads park in between.
struct Player {
    name: &'static str,
    input: Consumer<u64>,
    out: Producer<u64>,
    serves: bool,
    last: u64,
}

impl Agent for Player {
    fn role(&self) -> &str {
        self.name
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if std::mem::take(&mut self.serves) {
            self.out.push(0);
        }
        let (out, last) = (&mut self.out, self.last);
        let mut ended = false;
        let work = self.input.drain(duty.budget as usize, |&number| {
            ended |= number >= last;
            if number <= last {
                out.push(number + 1);
            }
        });
        if ended {
            Turn::Done
        } else {
            Turn::Worked(work)
        }
    }
}

#[test]
fn a_declared_edge_wakes_a_parked_thread() {
    // One exchange that waited for the park limit instead of its wake-up would take 100 ms.
    const EXCHANGES: u64 = 2_000;
    let (to_b, from_a) = edge(8);
    let (to_a, from_b) = edge(8);
    let player = |name, input, out, serves| Player {
        name,
        input,
        out,
        serves,
        last: EXCHANGES,
    };
    let specs = vec![
        AgentSpec::from(player("a", from_b, to_b, true)).feeds(&["b"]),
        AgentSpec::from(player("b", from_a, to_a, false)),
    ];
    let options = RunOptions::new(Clock::new());
    let map = CoreMap::shared(&[("a", &["a"]), ("b", &["b"])]);
    let begin = options.clock.raw();
    let report = launch(&map, specs, &options).expect("a legal map").join();
    assert!(report.ok, "{report:?}");
    let took = Duration::from_nanos(options.clock.since_ns(begin));
    assert!(
        took < Duration::from_mins(1),
        "wake-ups were lost: {took:?}"
    );
}
