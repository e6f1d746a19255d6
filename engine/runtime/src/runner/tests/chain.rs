//! A chain that works, in every way it can be run.

use super::*;

fn assert_whole(chain_seen: &Seen, count: u64) {
    let seen = chain_seen.lock().expect("all agents are gone");
    assert!(seen.iter().copied().eq(0..count), "{} seen", seen.len());
}

#[test]
fn folded_in_any_order_gives_the_same() {
    let orders: [&[&str]; 4] = [
        &[],
        &["source", "relay", "sink", "supervisor", "logger"],
        &["logger", "supervisor", "sink", "relay", "source"],
        &["sink", "logger", "source", "supervisor", "relay"],
    ];
    for order in orders {
        let chain = chain(10_000);
        let report = fold(chain.specs, order, &chain.options)
            .expect("a legal order")
            .run_to_end();
        assert!(report.ok, "{report:?}");
        assert_whole(&chain.seen, 10_000);
        assert_eq!(
            *chain.closed.lock().expect("all ended"),
            ["sink", "supervisor", "logger"],
            "flow order, whatever the poll order"
        );
    }
}

#[test]
fn a_poll_order_that_forgets_somebody_is_refused() {
    let chain = chain(1);
    let error = fold(chain.specs, &["source", "relay"], &chain.options)
        .err()
        .expect("three are missing");
    assert!(error.to_string().contains("sink"), "{error}");
}

#[test]
fn each_step_is_one_duty_cycle() {
    let chain = chain(300);
    let mut folded = fold(chain.specs, &[], &chain.options).expect("a legal fold");
    assert!(folded.step());
    // one poll of each agent: a budget's worth has come through all three
    assert_eq!(chain.seen.lock().expect("free between steps").len(), 256);
    folded.settle();
    assert!(!folded.step());
    assert!(
        folded
            .states()
            .iter()
            .all(|(_, state)| *state == State::Terminated)
    );
    assert!(folded.report().ok);
}

#[test]
fn threads_that_park_lose_nothing() {
    let chain = chain(200_000);
    let map = CoreMap::shared(&[
        ("up", &["source", "relay"]),
        ("down", &["sink"]),
        ("cold", &["supervisor", "logger"]),
    ]);
    let running = launch(&map, chain.specs, &chain.options).expect("a legal map");
    let report = running.join();
    assert!(report.ok, "{report:?}");
    assert_whole(&chain.seen, 200_000);
    let names: Vec<_> = report.threads.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["up", "down", "cold"]);
    assert!(report.threads[0].cpu_ns > 0);
}

#[test]
fn pinned_threads_on_two_cores_lose_nothing() {
    let cores: Vec<usize> = crate::os::affinity()
        .expect("own affinity")
        .into_iter()
        .take(2)
        .collect();
    let [first, second] = cores[..] else {
        println!("skipped: this process may use one core only");
        return;
    };
    let chain = chain(200_000);
    let map = CoreMap {
        profile: Profile::Shared,
        threads: vec![
            plan("up", Some(first), IdleKind::Yield, &["source"]),
            plan("down", Some(second), IdleKind::Backoff, &["sink", "relay"]),
            plan("cold", None, IdleKind::Park, &["logger", "supervisor"]),
        ],
    };
    let report = launch(&map, chain.specs, &chain.options)
        .expect("allowed cores")
        .join();
    assert!(report.ok, "{report:?}");
    assert_whole(&chain.seen, 200_000);
    let snapshot = chain.options.page.reader().snapshot();
    assert_eq!(
        number(&snapshot, "thread/up", beat::CORE.label),
        first as u64 + 1
    );
    for (agent, thread) in [("source", 1), ("relay", 2), ("sink", 2), ("supervisor", 3)] {
        assert_eq!(number(&snapshot, agent, beat::THREAD.label), thread);
    }
    let rest = IdleKind::Park as u64 + 1;
    assert_eq!(number(&snapshot, "thread/cold", beat::REST.label), rest);
    assert_eq!(report.threads[1].core, Some(second));
}

#[test]
fn work_polls_and_time_are_counted() {
    let chain = chain(10_000);
    let page = chain.options.page.clone();
    let report = fold(chain.specs, &[], &chain.options)
        .expect("a legal fold")
        .run_to_end();
    assert!(report.ok);
    let snapshot = page.reader().snapshot();
    // The end message travels in the poll that answers Done, which counts no work.
    assert_eq!(number(&snapshot, "source", beat::WORK.label), 10_000);
    for (place, name) in NAMES.iter().enumerate() {
        assert_eq!(number(&snapshot, name, beat::PLACE.label), place as u64 + 1);
        assert_eq!(
            number(&snapshot, name, beat::STATE.label),
            State::Terminated as u64
        );
        assert!(number(&snapshot, name, beat::POLLS.label) > 0);
    }
    assert!(number(&snapshot, "relay", beat::BUSY_NS.label) > 0);
    assert!(number(&snapshot, "supervisor", beat::IDLE.label) > 0);
    assert_eq!(number(&snapshot, "supervisor", beat::WORK.label), 0);
    assert!(number(&snapshot, "thread/folded", beat::LOOPS.label) > 0);
}

#[test]
fn a_stop_ends_the_flow_in_order() {
    let chain = chain(END - 1);
    let map = CoreMap::folded(&NAMES);
    let running = launch(&map, chain.specs, &chain.options).expect("a legal map");
    running.stop();
    let report = running.join();
    assert!(report.ok, "{report:?}");
    let count = chain.seen.lock().expect("all ended").len() as u64;
    assert_whole(&chain.seen, count);
    assert_eq!(
        *chain.closed.lock().expect("all ended"),
        ["sink", "supervisor", "logger"]
    );
}

#[test]
fn a_map_that_does_not_fit_the_agents_is_refused() {
    let chain = chain(1);
    let map = CoreMap::shared(&[("a", &["source", "source", "ghost"]), ("b", &["sink"])]);
    let error = launch(&map, chain.specs, &chain.options)
        .err()
        .expect("nothing fits");
    let LaunchError::Map(faults) = error else {
        panic!("{error}")
    };
    let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(text.len(), 5, "{text:?}");
    assert!(text[0].contains("placed twice"), "{text:?}");
    assert!(text[1].contains("ghost"), "{text:?}");
}

#[test]
fn feeding_nobody_is_a_fault() {
    let mut chain = chain(1);
    chain.specs[0].feeds.push("sequenser".to_owned());
    let error = fold(chain.specs, &[], &chain.options)
        .err()
        .expect("no such agent");
    assert!(error.to_string().contains("sequenser"), "{error}");
}
