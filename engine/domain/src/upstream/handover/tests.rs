use super::*;
use proptest::prelude::*;

type Kept = (u8, Vec<u8>);

fn secs(of: u64) -> WallNs {
    after(WallNs::ZERO, Duration::from_secs(of))
}

fn rules() -> HandoverRules {
    HandoverRules::default()
}

fn keep(stream: &str, bytes: &str) -> (String, String) {
    (stream.to_owned(), bytes.to_owned())
}

/// A handover in its overlap, opened at 0, with a successor open at 1000.
fn overlap() -> Handover<(String, String)> {
    let mut pair = Handover::new(rules());
    pair.opened(secs(0));
    pair.dialing();
    pair
}

fn drain(pair: &mut Handover<(String, String)>) -> Vec<String> {
    std::iter::from_fn(|| pair.pop()).map(|it| it.1).collect()
}

#[test]
fn a_successor_is_wanted_after_23_hours_and_50_minutes() {
    let mut pair: Handover<()> = Handover::new(rules());
    assert_eq!(pair.successor_due(), None);
    pair.opened(secs(100));
    assert_eq!(pair.successor_due(), Some(secs(100 + 23 * 3600 + 50 * 60)));
    // at once if the venue says that it goes down
    pair.shutdown_announced();
    assert_eq!(pair.successor_due(), Some(secs(100)));
    pair.dialing();
    assert_eq!((pair.phase(), pair.successor_due()), (Phase::Dialing, None));
    // and again later if that failed
    pair.successor_lost(secs(205));
    assert_eq!(
        (pair.phase(), pair.successor_due()),
        (Phase::Single, Some(secs(205)))
    );
    pair.dialing();
    pair.successor_opened(secs(210));
    assert_eq!(pair.switch_due(), Some(secs(215)));
    assert_eq!(pair.switch(), 0);
    // the successor is young, and nobody announced its end
    assert_eq!(pair.phase(), Phase::Single);
    assert_eq!(pair.successor_due(), Some(secs(210 + 23 * 3600 + 50 * 60)));
    assert_eq!(pair.age(secs(215)), Duration::from_secs(5));
}

#[test]
fn both_bring_the_same_and_it_passes_once() {
    let mut pair = overlap();
    // before the successor is open; it never brings this
    pair.frame(b"x", b"1");
    pair.frame(b"x", b"2");
    pair.successor_opened(secs(1000));
    assert_eq!(pair.phase(), Phase::Overlap);
    // the old one is ahead
    assert_eq!(
        pair.successor_frame(b"x", b"2", || keep("x", "2")),
        SuccessorFrame::Known
    );
    // the successor is
    assert_eq!(
        pair.successor_frame(b"x", b"3", || keep("x", "3")),
        SuccessorFrame::Waits
    );
    assert_eq!(
        pair.successor_frame(b"x", b"4", || keep("x", "4")),
        SuccessorFrame::Waits
    );
    assert_eq!((pair.waiting(), pair.pop()), (2, None));
    pair.frame(b"x", b"3");
    assert_eq!(pair.waiting(), 1);
    assert_eq!(pair.switch(), 0);
    assert_eq!(drain(&mut pair), ["4"]);
    assert_eq!(pair.phase(), Phase::Single);
    assert_eq!(
        pair.successor_frame(b"x", b"5", || unreachable!()),
        SuccessorFrame::Pass
    );
}

#[test]
fn the_successor_brings_what_the_old_one_had_brought_and_it_is_dropped() {
    let mut pair = overlap();
    pair.successor_opened(secs(1000));
    for bytes in ["1", "1", "2"] {
        pair.frame(b"x", bytes.as_bytes());
    }
    assert_eq!(pair.switch(), 0);
    assert_eq!(pair.phase(), Phase::CatchingUp);
    let answers =
        ["1", "1", "2", "2"].map(|it| pair.successor_frame(b"x", it.as_bytes(), || unreachable!()));
    let [known, pass] = [SuccessorFrame::Known, SuccessorFrame::Pass];
    // equal bytes that came twice pass twice, and a third time is news
    assert_eq!(answers, [known, known, known, pass]);
    assert_eq!(pair.phase(), Phase::Single);
}

#[test]
fn a_stream_that_is_not_bridged_waits_for_the_old_one_or_for_the_bound() {
    let mut pair = overlap();
    pair.successor_opened(secs(1000));
    assert_eq!(pair.switch_due(), Some(secs(1005)));
    pair.successor_frame(b"x", b"7", || keep("x", "7"));
    assert_eq!(pair.switch_due(), Some(secs(1030)));
    pair.frame(b"x", b"6");
    assert_eq!(pair.switch_due(), Some(secs(1030)));
    pair.frame(b"x", b"7");
    assert_eq!(pair.switch_due(), Some(secs(1005)));
    pair.successor_frame(b"y", b"1", || keep("y", "1"));
    assert_eq!(pair.switch(), 1);
    assert_eq!(drain(&mut pair), ["1"]);
}

#[test]
fn at_the_bound_it_is_time() {
    let mut pair: Handover<()> = Handover::new(HandoverRules {
        waiting_max: 3,
        ..rules()
    });
    pair.opened(secs(0));
    pair.dialing();
    pair.successor_opened(secs(10));
    for frame in [b"1", b"2", b"3"] {
        assert_eq!(pair.switch_due().map(|due| due > secs(10)), Some(true));
        pair.successor_frame(b"x", frame, || ());
    }
    assert_eq!(pair.switch_due(), Some(secs(10)));
}

#[test]
fn whoever_dies_early_loses_nothing() {
    // the old one, while both are open
    let mut pair = overlap();
    pair.successor_opened(secs(1000));
    pair.frame(b"x", b"1");
    pair.successor_frame(b"x", b"1", || unreachable!());
    pair.successor_frame(b"x", b"2", || keep("x", "2"));
    assert_eq!(pair.lost(), OldLost::Switch);
    pair.switch();
    assert_eq!(drain(&mut pair), ["2"]);
    assert_eq!(pair.lost(), OldLost::Alone);
    assert_eq!(pair.phase(), Phase::Down);
    // the successor, while both are open
    let mut pair = overlap();
    pair.successor_opened(secs(1000));
    pair.successor_frame(b"x", b"1", || keep("x", "1"));
    pair.successor_lost(secs(1010));
    assert_eq!(
        (pair.phase(), pair.waiting(), pair.switch_due()),
        (Phase::Single, 0, None)
    );
    pair.frame(b"x", b"1");
    // the old one, while the successor is being opened: what it brings then is dropped if the old one had it
    let mut pair = overlap();
    pair.frame(b"x", b"1");
    assert_eq!(pair.lost(), OldLost::Await);
    pair.successor_opened(secs(1000));
    assert_eq!(
        pair.successor_frame(b"x", b"1", || unreachable!()),
        SuccessorFrame::Known
    );
    assert_eq!(
        pair.successor_frame(b"x", b"2", || unreachable!()),
        SuccessorFrame::Pass
    );
}

#[test]
fn whoever_dies_while_the_other_cannot_be_opened_leaves_none() {
    let mut pair = overlap();
    assert_eq!(pair.lost(), OldLost::Await);
    pair.successor_lost(secs(1005));
    assert_eq!((pair.phase(), pair.successor_due()), (Phase::Down, None));
    pair.successor_opened(secs(1010));
    assert_eq!(pair.phase(), Phase::Single);
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut pair = overlap();
    for frame in 0..REMEMBERED_MAX + 10 {
        pair.frame(b"x", &frame.to_le_bytes());
    }
    assert_eq!(pair.remembered, REMEMBERED_MAX);
    assert_eq!(
        pair.streams.values().next().map(|it| it.old.len()),
        Some(REMEMBERED_MAX)
    );
}

/// What one line does, in the order in which it happens.
#[derive(Clone, Debug)]
struct Happening {
    at: u64,
    /// Index of the event, and by which line it comes; none: the switch, or the opening.
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum What {
    Dial,
    Open,
    Old(usize),
    New(usize),
    OldDies,
}

proptest! {
    /// Both lines carry the same events, each stream in its order and with its own delays; the successor carries those
    /// that happen after it has subscribed.
    /// Whenever the switch is, also when the old one dies for it once its streams are bridged, each event passes once,
    /// and each stream in its order.
    #[test]
    fn each_event_passes_once_and_in_order(
        events in proptest::collection::vec((0..4_u8, 0..120_u64, 0..3_u8), 1..200),
        delays in proptest::collection::vec((0..4000_u64, 0..4000_u64), 200),
        subscribed in 1000..5000_u64,
        dies in proptest::option::of(2000..20_000_u64),
        switch_late in 0..5000_u64,
    ) {
        // events: stream, ms since the one before, and content; equal contents follow each other often
        let mut clock = 0;
        let mut made: Vec<(u64, u8, Vec<u8>)> = Vec::new();
        for (at, &(stream, pause, content)) in events.iter().enumerate() {
            clock += pause;
            // equal bytes come twice in a row, and only on what happens after the subscription
            let number = if clock > subscribed && content == 0 && at > 0 { at - 1 } else { at };
            let twin = clock > subscribed && content == 0 && at > 0 && made[at - 1].1 == stream && made[at - 1].0 > subscribed;
            let bytes = if twin { made[at - 1].2.clone() } else { format!("{number}/{at}").into_bytes() };
            made.push((clock, stream, bytes));
        }
        let mut happenings = vec![
            Happening { at: subscribed.saturating_sub(900), what: What::Dial },
            Happening { at: subscribed + 50, what: What::Open },
        ];
        happenings.extend(dies.map(|at| Happening { at, what: What::OldDies }));
        // a delay never lets one frame of a line overtake another
        let (mut old_at, mut new_at) = (0, subscribed + 50);
        for (index, (at, _, _)) in made.iter().enumerate() {
            let (old, new) = delays[index % delays.len()];
            old_at = old_at.max(at + old);
            happenings.push(Happening { at: old_at, what: What::Old(index) });
            if *at > subscribed {
                new_at = new_at.max(at + new);
                happenings.push(Happening { at: new_at, what: What::New(index) });
            }
        }
        happenings.sort_by_key(|it| (it.at, it.what));
        let ms = |of: u64| after(WallNs::ZERO, Duration::from_millis(of));
        let mut pair: Handover<Kept> = Handover::new(rules());
        pair.opened(ms(0));
        let mut passed: Vec<Kept> = Vec::new();
        let mut old_open = true;
        // whether the death of the old one took what nobody else had
        let mut torn = false;
        for Happening { at, what } in happenings {
            let now = ms(at);
            let due = pair.switch_due().map(|due| after(due, Duration::from_millis(switch_late)));
            if due.is_some_and(|due| due <= now) {
                pair.switch();
                old_open = false;
                passed.extend(std::iter::from_fn(|| pair.pop()));
            }
            match what {
                What::Dial => pair.dialing(),
                What::Open => pair.successor_opened(now),
                What::Old(index) if old_open => {
                    let (_, stream, bytes) = &made[index];
                    pair.frame(&[*stream], bytes);
                    passed.push((*stream, bytes.clone()));
                }
                What::New(index) => {
                    let (_, stream, bytes) = &made[index];
                    let kept = || (*stream, bytes.clone());
                    if pair.successor_frame(&[*stream], bytes, kept) == SuccessorFrame::Pass {
                        passed.push((*stream, bytes.clone()));
                    }
                }
                What::OldDies if old_open && pair.phase() == Phase::Overlap => {
                    // what happened before the subscription and is still under way dies with it, and nothing can help that
                    torn = made.iter().any(|(at, stream, bytes)| {
                        *at <= subscribed && !passed.contains(&(*stream, bytes.clone()))
                    });
                    prop_assert_eq!(pair.lost(), OldLost::Switch);
                    pair.switch();
                    old_open = false;
                    passed.extend(std::iter::from_fn(|| pair.pop()));
                }
                What::Old(_) | What::OldDies => {}
            }
        }
        // the events end; the old one brought them all, or the successor did
        let all: Vec<Kept> = made.iter().map(|(_, stream, bytes)| (*stream, bytes.clone())).collect();
        for stream in 0..4 {
            let of = |from: &[Kept]| -> Vec<String> {
                let mine = from.iter().filter(|it| it.0 == stream);
                mine.map(|it| String::from_utf8_lossy(&it.1).into_owned()).collect()
            };
            if torn {
                let (mut rest, got) = (of(&all).into_iter(), of(&passed));
                prop_assert!(got.iter().all(|it| rest.any(|other| other == *it)), "out of order or twice: {:?}", got);
            } else {
                prop_assert_eq!(of(&passed), of(&all));
            }
        }
    }
}
