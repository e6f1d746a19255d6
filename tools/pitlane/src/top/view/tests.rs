use super::*;
use crate::top::fake::{Fake, MS, START_NS, moment};
use crate::top::look::Life;
use pitlane_app::counters;
use pitlane_lockfree::ring;
use pitlane_runtime::beat;
use pitlane_runtime::lifecycle::State;

#[track_caller]
fn thread<'a>(view: &'a View, name: &str) -> &'a ThreadView {
    let found = view.threads.iter().find(|thread| thread.name == name);
    found.expect("a thread of that name")
}

#[track_caller]
fn agent<'a>(view: &'a View, name: &str) -> &'a AgentView {
    let found = view.agents.iter().find(|agent| agent.name == name);
    found.expect("an agent of that name")
}

#[track_caller]
fn reasons(view: &View, wanted: &[(Health, &str, &str)]) {
    let notes = view.health.notes.iter();
    let seen: Vec<_> = notes
        .map(|note| (note.verdict, note.who.as_str(), note.what.as_str()))
        .collect();
    assert_eq!(seen, wanted);
    assert_eq!(view.health.verdict, wanted[0].0);
}

#[test]
fn a_second_of_a_healthy_engine() {
    let [before, now] = Fake::engine().second();
    let view = View::between(Some(&before), &now, None);
    assert_eq!(view.interval_ns, Some(1_000 * MS));
    assert_eq!(view.health.verdict, Health::Good, "{:?}", view.health.notes);

    let engine = &view.engine;
    assert_eq!(
        (engine.pid, engine.alive, engine.status),
        (4242, true, Status::Running)
    );
    assert_eq!((engine.uptime_ns, engine.dead_ns), (61_000 * MS, None));
    assert_eq!((engine.threads, engine.pinned, engine.agents), (2, 1, 4));
    assert_eq!(engine.frames_per_s, Some(1000.0));
    assert_eq!(engine.batching_saving, Some(0.9995));

    let hot = thread(&view, "hot");
    assert_eq!(
        (hot.core, hot.on_core, hot.rest),
        (Some(2), Some(2), Some("spin"))
    );
    assert_eq!(hot.agents, ["feed", "market"]);
    assert_eq!(hot.verdict, Some(Verdict::Alive));
    assert_eq!(hot.polling.as_deref(), Some("market"));
    assert_eq!(hot.loops_per_s, Some(50_000.0));
    // 200 ms of feed and 100 ms of market
    assert_eq!(hot.busy_share, Some(0.3));
    assert_eq!(hot.idle_share, Some(0.9));
    assert_eq!((hot.cpu_share, hot.wait_share), (Some(0.98), Some(0.005)));
    assert_eq!(
        (hot.allowed.as_deref(), hot.switched_per_s),
        (Some("2"), Some(5.0))
    );
    assert_eq!((hot.beat_age_ns, hot.cycle_max_ns), (Some(3_000), 740_000));
    let cold = thread(&view, "cold");
    assert_eq!(
        (cold.core, cold.on_core, cold.rest),
        (None, Some(1), Some("park"))
    );
    assert_eq!((cold.verdict, cold.parked), (Some(Verdict::Parked), true));
    assert_eq!(
        (cold.parks_per_s, cold.beat_age_ns),
        (Some(20.0), Some(50 * MS))
    );

    let feed = agent(&view, "feed");
    assert_eq!(
        (feed.thread.as_deref(), feed.state.as_str()),
        (Some("hot"), "ready")
    );
    assert_eq!((feed.work, feed.work_per_s), (1_225_500, Some(25_500.0)));
    assert_eq!((feed.busy_share, feed.idle_share), (Some(0.2), Some(0.9)));
    assert_eq!((feed.held_share, feed.held_ns), (Some(0.03), 30 * MS));
    assert_eq!(feed.uptime_ns, Some(61_000 * MS));
    // Nothing was polled, so nothing can be said of the share that was idle.
    assert_eq!(agent(&view, "storage").idle_share, None);

    let edge = &view.edges[0];
    assert_eq!(
        (edge.name.as_str(), edge.from.as_str(), edge.to.as_str()),
        ("feed-market", "feed", "market")
    );
    assert_eq!(
        (edge.sent_per_s, edge.received_per_s),
        (Some(25_500.0), Some(25_400.0))
    );
    assert_eq!(
        (edge.depth, edge.capacity, edge.high_water),
        (100, Some(4096), 2048)
    );
    assert_eq!((edge.held_share, edge.held_ns), (Some(0.03), 30 * MS));
}

#[test]
fn one_look_has_totals_and_no_rates() {
    let [_, now] = Fake::engine().second();
    let view = View::between(None, &now, None);
    assert_eq!(view.interval_ns, None);
    assert!(view.engine.alive);
    assert_eq!(agent(&view, "feed").work, 1_225_500);
    assert_eq!(agent(&view, "feed").work_per_s, None);
    assert_eq!(thread(&view, "hot").cpu_share, None);
    assert_eq!(view.edges[0].depth, 100);
    assert_eq!(view.latencies[0].recent, None);
}

#[test]
fn latencies_over_the_interval_since_the_start_and_since_a_reset() {
    let [before, now] = Fake::engine().second();
    let view = View::between(Some(&before), &now, None);
    let names: Vec<_> = view
        .latencies
        .iter()
        .map(|latency| (latency.owner.as_str(), latency.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("feed", "decode"),
            ("storage", "commit"),
            ("thread/hot", "cycle")
        ]
    );
    let decode = &view.latencies[0];
    assert_eq!(decode.per_s, Some(1000.0));
    let recent = decode.recent.expect("an interval");
    assert_eq!(
        (recent.count, recent.p50 / 10, recent.p999 / 10),
        (1000, 90, 90)
    );
    // Half of all values are of the first minute.
    assert_eq!(
        (
            decode.total.count,
            decode.total.p50 / 10,
            decode.total.p90 / 10
        ),
        (2000, 40, 90)
    );
    // Raw ticks are nanoseconds here.
    assert_eq!(view.latencies[2].total.max, 2_500);

    let reset = View::between(Some(&before), &now, Some(&now.page));
    assert_eq!(reset.latencies[0].total, Percentiles::default());
    assert_eq!(reset.latencies[0].recent, decode.recent);
}

#[test]
fn other_numbers_keep_their_meaning() {
    let [before, now] = Fake::engine().second();
    let view = View::between(Some(&before), &now, None);
    let labels: Vec<_> = view
        .counters
        .iter()
        .map(|counter| counter.label.as_str())
        .collect();
    assert_eq!(
        labels,
        [
            "frames",
            "bytes_done",
            "bytes_total",
            "metric_updates",
            "metric_batches"
        ]
    );
    let frames = &view.counters[0];
    assert_eq!(
        (frames.value, frames.per_s, frames.unit),
        (61_000, Some(1000.0), "count")
    );
    assert_eq!(frames.help, counters::FRAMES.help);
    assert_eq!(view.counters[1].per_s, None, "a gauge has no rate");
}

#[test]
fn a_killed_engine_keeps_its_last_numbers() {
    let mut fake = Fake::engine();
    let [before, _] = fake.second();
    fake.life = Life::Gone;
    let now = fake.look(70_000);
    // The page has moved since the look before, which was while it lived.
    assert!(View::between(Some(&before), &now, None).engine.alive);
    let view = View::between(Some(&now), &fake.look(71_000), None);
    let engine = &view.engine;
    assert_eq!((engine.alive, engine.status), (false, Status::Killed));
    // Its last anchor was at 61 s.
    assert_eq!(engine.last_sign_wall_ns, START_NS + 61_000_000_000);
    assert_eq!(
        (engine.uptime_ns, engine.dead_ns),
        (61_000 * MS, Some(10_000 * MS))
    );
    assert_eq!(view.interval_ns, None);
    assert_eq!(agent(&view, "feed").work, 1_225_500);
    assert_eq!(agent(&view, "feed").work_per_s, None);
    assert_eq!(thread(&view, "hot").verdict, Some(Verdict::Ended));
    assert_eq!(thread(&view, "hot").beat_age_ns, None);
    let what = "its process is gone and 4 agents had not ended; hot in market";
    reasons(&view, &[(Health::Dead, "engine", what)]);
}

#[test]
fn an_engine_that_ended_in_order_is_not_ill() {
    let mut fake = Fake::engine();
    fake.second();
    for agent in ["feed", "market", "storage", "supervisor"] {
        fake.set(agent, &beat::STATE, State::Terminated as u64);
    }
    fake.life = Life::Gone;
    let view = View::between(None, &fake.look(70_000), None);
    assert_eq!(view.engine.status, Status::Ended);
    assert_eq!(
        (view.health.verdict, view.health.notes.len()),
        (Health::Ended, 0)
    );
    assert_eq!(agent(&view, "feed").state, "terminated");
}

#[test]
fn a_process_that_cannot_be_seen_is_alive_while_its_page_moves() {
    let mut fake = Fake::engine();
    fake.life = Life::Gone;
    let [before, now] = fake.second();
    let view = View::between(Some(&before), &now, None);
    assert_eq!(
        (view.engine.alive, view.engine.status),
        (true, Status::Running)
    );
    assert_eq!(agent(&view, "feed").work_per_s, Some(25_500.0));
    assert_eq!(
        thread(&view, "hot").verdict,
        None,
        "its threads cannot be seen"
    );
    let later = fake.look(62_000);
    let view = View::between(Some(&now), &later, None);
    assert_eq!(view.engine.status, Status::Killed);
}

#[test]
fn a_thread_that_stands_in_a_poll_is_hung() {
    let mut fake = Fake::engine();
    let [_, before] = fake.second();
    fake.sees(11, 'R', 980 + 990, 5, 2);
    let view = View::between(Some(&before), &fake.look(62_000), None);
    assert_eq!(thread(&view, "hot").verdict, Some(Verdict::Looping));
    reasons(
        &view,
        &[(
            Health::Hung,
            "thread hot",
            "loops in the poll of market for 1.00 s",
        )],
    );

    fake.sees(11, 'D', 980, 5, 2);
    let view = View::between(Some(&before), &fake.look(62_000), None);
    reasons(
        &view,
        &[(
            Health::Hung,
            "thread hot",
            "waits in the poll of market for 1.00 s",
        )],
    );

    fake.sees(11, 'R', 980, 5 + 990, 2);
    let view = View::between(Some(&before), &fake.look(62_000), None);
    reasons(
        &view,
        &[(Health::Slow, "thread hot", "gets no core for 1.00 s")],
    );
}

#[test]
fn a_stopped_process_is_told_from_a_hung_one() {
    let mut fake = Fake::engine();
    let [_, before] = fake.second();
    fake.life = Life::Stopped;
    let view = View::between(Some(&before), &fake.look(62_000), None);
    assert_eq!(
        (view.engine.alive, view.engine.status),
        (true, Status::Stopped)
    );
    reasons(
        &view,
        &[(
            Health::Dead,
            "engine",
            "stopped by a signal; SIGCONT lets it go on",
        )],
    );
}

#[test]
fn whoever_is_held_back_says_by_which_edge() {
    let mut fake = Fake::engine();
    let [_, before] = fake.second();
    fake.set("thread/hot", &beat::LOOPS, 3_100_000);
    fake.set("feed", &beat::BLOCKED, 7);
    fake.edge("feed", &ring::BLOCKED, 7);
    let view = View::between(Some(&before), &fake.look(62_000), None);
    assert_eq!(agent(&view, "feed").verdict, Some(Verdict::BackPressured));
    reasons(
        &view,
        &[(Health::Slow, "feed", "held back, no room in feed-market")],
    );
}

#[test]
fn damage_is_told_worst_first() {
    let mut fake = Fake::engine();
    let [_, before] = fake.second();
    fake.set("thread/hot", &beat::LOOPS, 3_100_000);
    fake.set("feed", &beat::BLOCKED, 7);
    fake.set("market", &beat::PANICS, 1);
    fake.set("market", &beat::FAILURES, 1);
    fake.edge("feed", &ring::DROPPED, 12_345);
    let view = View::between(Some(&before), &fake.look(62_000), None);
    assert_eq!(
        (agent(&view, "market").panics, agent(&view, "market").errors),
        (1, 1)
    );
    reasons(
        &view,
        &[
            (Health::Damaged, "market", "panicked, 1 in all"),
            (Health::Damaged, "feed-market", "12,345 messages dropped"),
            (Health::Slow, "feed", "held back"),
        ],
    );
}

#[test]
fn looks_at_two_runs_are_not_mixed() {
    let [_, earlier_run] = Fake::engine().second();
    let mut other = earlier_run.clone();
    other.page.start_wall_ns += 1;
    other.at = moment(90_000);
    let view = View::between(Some(&earlier_run), &other, None);
    assert_eq!(
        (view.interval_ns, agent(&view, "feed").work_per_s),
        (None, None)
    );
}

#[test]
fn the_latest_error_comes_first() {
    let mut fake = Fake::engine();
    let old = fake
        .errors
        .first("storage", "the disk is full", START_NS)
        .expect("room");
    fake.errors
        .first("feed", "a frame is cut short", START_NS + 5)
        .expect("room");
    fake.errors.again(old, START_NS + 9);
    fake.errors.beyond();
    let view = View::between(None, &fake.look(1), None);
    let seen: Vec<_> = view
        .errors
        .iter()
        .map(|error| (error.count, error.who.as_str(), error.message.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (2, "storage", "the disk is full"),
            (1, "feed", "a frame is cut short")
        ]
    );
    assert_eq!(
        (view.errors[0].first_wall_ns, view.errors[0].last_wall_ns),
        (START_NS, START_NS + 9)
    );
    assert_eq!(view.errors_beyond, 1);
}

#[test]
fn a_page_without_a_number_is_an_engine_that_starts() {
    let view = View::between(None, &Fake::new().look(1), None);
    assert_eq!(view.engine.status, Status::Running);
    assert!(view.threads.is_empty() && view.agents.is_empty() && view.edges.is_empty());
}

/// Whoever reads the JSON relies on these.
#[test]
fn the_names_in_json_stay_as_they_are() {
    fn names(path: &str, value: &serde_json::Value, into: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Object(fields) => fields.iter().for_each(|(key, value)| {
                names(&format!("{path}.{key}"), value, into);
            }),
            serde_json::Value::Array(items) => items
                .iter()
                .for_each(|item| names(&format!("{path}[]"), item, into)),
            _ => {
                into.insert(path.trim_start_matches('.').to_owned());
            }
        }
    }
    let mut fake = Fake::engine();
    fake.errors
        .first("feed", "a frame is cut short", START_NS)
        .expect("room");
    fake.edge("feed", &ring::DROPPED, 1);
    let [before, now] = fake.second();
    let view = View::between(Some(&before), &now, None);
    let mut all = std::collections::BTreeSet::new();
    names("", &serde_json::to_value(&view).expect("JSON"), &mut all);
    // What is null has no name in the list below, what may be null is no less stable.
    let text: String = all.into_iter().map(|name| name + "\n").collect();
    expect_test::expect_file!["json_names.txt"].assert_eq(&text);
}
