use super::*;
use pitlane_lockfree::counters::{CountersPage, PageOptions};
use std::cell::Cell;

const SECOND: u64 = 1_000_000_000;

fn task(state: char, cpu_ns: u64, wait_ns: Option<u64>) -> TaskSample {
    TaskSample {
        state,
        cpu_ns,
        wait_ns,
    }
}

fn look(at: u64, loops: u64, parked: bool, task: Option<TaskSample>) -> ThreadLook {
    ThreadLook {
        at_ns: at * SECOND,
        loops,
        parked,
        polling: 1,
        task,
    }
}

#[test]
fn verdicts_on_threads() {
    use Verdict::{Alive, Blocked, Ended, Looping, Parked, Starved};
    let ms = 1_000_000;
    // what the second look, a second after the first, shows; the first had 5 loops and no time
    let cases = [
        ("moves", 6, false, Some(task('R', 900 * ms, Some(0))), Alive),
        (
            "moves on a busy core",
            6,
            false,
            Some(task('R', 3 * ms, Some(900 * ms))),
            Alive,
        ),
        (
            "sleeps by itself",
            6,
            true,
            Some(task('S', 0, Some(0))),
            Parked,
        ),
        (
            "stopped while parked",
            5,
            true,
            Some(task('T', 0, Some(0))),
            Parked,
        ),
        (
            "woken, but no core",
            5,
            true,
            Some(task('R', 0, Some(950 * ms))),
            Starved,
        ),
        (
            "no core",
            5,
            false,
            Some(task('R', 10 * ms, Some(980 * ms))),
            Starved,
        ),
        (
            "no core, no account kept",
            5,
            false,
            Some(task('R', 10 * ms, None)),
            Starved,
        ),
        (
            "an endless loop",
            5,
            false,
            Some(task('R', 990 * ms, Some(9 * ms))),
            Looping,
        ),
        (
            "a loop on a shared core",
            5,
            false,
            Some(task('R', 510 * ms, Some(480 * ms))),
            Looping,
        ),
        (
            "a loop, no account kept",
            5,
            false,
            Some(task('R', 990 * ms, None)),
            Looping,
        ),
        (
            "waits for a lock",
            5,
            false,
            Some(task('S', 0, Some(0))),
            Blocked,
        ),
        (
            "waits for a disk",
            5,
            false,
            Some(task('D', 2 * ms, None)),
            Blocked,
        ),
        ("gone", 5, false, None, Ended),
    ];
    for (what, loops, parked, now, expected) in cases {
        let wait = now.and_then(|task| task.wait_ns).map(|_| 0);
        let before = look(0, 5, false, Some(task('R', 0, wait)));
        let after = look(1, loops, parked, now);
        assert_eq!(judge_thread(&before, &after), expected, "{what}");
    }
}

#[test]
fn verdicts_on_agents() {
    let agent = |work, blocked, ended| AgentLook {
        place: 1,
        ended,
        work,
        blocked,
    };
    let before = agent(10, 4, false);
    let judge = |after| judge_agent(&before, &after);
    assert_eq!(
        judge(agent(10, 4, false)),
        Verdict::Alive,
        "idle is not ill"
    );
    assert_eq!(
        judge(agent(12, 9, false)),
        Verdict::Alive,
        "slow, but it moves"
    );
    assert_eq!(judge(agent(10, 9, false)), Verdict::BackPressured);
    assert_eq!(judge(agent(10, 9, true)), Verdict::Ended);
}

#[test]
fn a_watch_tells_changes_once_and_hung_threads_by_agent() {
    let page = CountersPage::heap(PageOptions::default());
    let mut loops = page
        .declared_counter("thread/hot", &beat::LOOPS)
        .expect("room");
    let mut polling = page
        .declared_gauge("thread/hot", &beat::POLLING)
        .expect("room");
    page.declared_gauge("feed", &beat::PLACE)
        .expect("room")
        .set(1);
    let cpu = Cell::new(0);
    let mut watch = Watch::default();
    let mut at = 0;
    let mut step = |watch: &mut Watch, cpu_ns: u64| {
        at += SECOND;
        cpu.set(cpu.get() + cpu_ns);
        let snapshot = page.reader().snapshot();
        watch.look(&snapshot, at, 10 * SECOND, |_| {
            Some(task('R', cpu.get(), None))
        })
    };
    loops.add(1);
    assert_eq!(step(&mut watch, 0), []);
    loops.add(1);
    assert_eq!(step(&mut watch, SECOND), []);
    polling.set(1);
    let changes = step(&mut watch, SECOND);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].verdict, Verdict::Looping);
    assert_eq!(changes[0].detail, "in the poll of feed");
    assert!(!changes[0].unresponsive);
    let later: Vec<Change> = (0..20).flat_map(|_| step(&mut watch, SECOND)).collect();
    assert_eq!(
        later.len(),
        1,
        "told once when the limit is reached: {later:?}"
    );
    assert!(later[0].unresponsive);
    assert_eq!(later[0].for_ns, 10 * SECOND);
    loops.add(1);
    polling.set(0);
    let back = step(&mut watch, SECOND);
    assert_eq!((back.len(), back[0].verdict), (1, Verdict::Alive));
    assert_eq!(watch.verdicts()["thread/hot"], Verdict::Alive);
}

#[test]
fn back_pressure_names_the_edge_without_room() {
    let page = CountersPage::heap(PageOptions::default());
    page.declared_gauge("feed", &beat::PLACE)
        .expect("room")
        .set(1);
    let mut polls = page.declared_counter("feed", &beat::BLOCKED).expect("room");
    let mut full = page
        .counter("feed", "edge.market.blocked", Unit::Count)
        .expect("room");
    let _free = page
        .counter("feed", "edge.recorder.blocked", Unit::Count)
        .expect("room");
    let mut watch = Watch::default();
    assert_eq!(
        watch.look(&page.reader().snapshot(), 0, SECOND, |_| None),
        []
    );
    polls.add(7);
    full.add(7);
    let changes = watch.look(&page.reader().snapshot(), SECOND, SECOND, |_| None);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].who, "feed");
    assert_eq!(changes[0].verdict, Verdict::BackPressured);
    assert_eq!(changes[0].detail, "no room in market");
}
