use super::*;

const ALL: [State; 4] = [
    State::Created,
    State::Ready,
    State::Cleaning,
    State::Terminated,
];

#[test]
fn only_the_three_steps_are_legal() {
    for (from_index, &from) in ALL.iter().enumerate() {
        for (to_index, &to) in ALL.iter().enumerate() {
            let roster = Roster::new(["market"]);
            for &step in &ALL[1..=from_index] {
                roster.advance(0, step).expect("the way to the start state");
            }
            let result = roster.advance(0, to);
            if to_index == from_index + 1 {
                assert_eq!(result, Ok(()));
                assert_eq!(roster.state(0), to);
            } else {
                let error = result.expect_err("an illegal step");
                assert_eq!((error.from, error.to), (from, to));
                assert_eq!(roster.state(0), from, "an illegal step changes nothing");
            }
        }
    }
}

#[test]
fn the_ended_prefix_counts_from_the_first_without_holes() {
    let roster = Roster::new(["feed", "sequencer", "recorder"]);
    let end = |agent| {
        for step in &ALL[1..] {
            roster.advance(agent, *step).expect("a legal life");
        }
    };
    assert_eq!(roster.ended_prefix(), 0);
    end(1);
    assert_eq!(roster.ended_prefix(), 0);
    end(0);
    assert_eq!(roster.ended_prefix(), 2);
    end(2);
    assert_eq!(roster.ended_prefix(), 3);
}

#[test]
fn a_stop_is_seen_by_all_clones() {
    let stop = Stop::new();
    let other = stop.clone();
    assert!(!other.is_requested());
    stop.request();
    assert!(other.is_requested());
    assert!(stop.flag().load(Ordering::Relaxed));
}
