use super::*;
use crate::message::BookSynced;
use proptest::prelude::*;

fn at(ts_recv: i64) -> Message {
    Message::new(
        InstrumentId(0),
        WallNs(5),
        WallNs(ts_recv),
        &Body::BookSynced(BookSynced { update_id: 1 }),
    )
}

fn numbers(timers: Timers, times: &[i64]) -> Vec<(u64, i64, bool)> {
    let mut numbering = Numbering::new(timers);
    let mut out = Vec::new();
    for &time in times {
        let numbered = numbering.number(at(time));
        for message in numbered.timer.iter().chain([&numbered.message]) {
            out.push((
                message.sequence,
                message.ts_recv.0,
                message.kind == Kind::Timer as u8,
            ));
        }
    }
    out
}

#[test]
fn a_timer_precedes_the_first_input_behind_a_boundary() {
    let seen = numbers(
        Timers::Make,
        &[3, 9_999_999, 10_000_000, 10_000_001, 95_000_000, 95_000_001],
    );
    let expected = [
        (1, 3, false),
        (2, 9_999_999, false),
        (3, 10_000_000, true),
        (4, 10_000_000, false),
        (5, 10_000_001, false),
        (6, 90_000_000, true),
        (7, 95_000_000, false),
        (8, 95_000_001, false),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn receipts_that_run_backwards_are_raised() {
    assert_eq!(
        numbers(Timers::Recorded, &[50, 40, 60]),
        [(1, 50, false), (2, 50, false), (3, 60, false)]
    );
}

#[test]
fn the_end_is_not_an_input() {
    let mut numbering = Numbering::new(Timers::Make);
    let end = Message::new(InstrumentId::NONE, WallNs(0), WallNs(0), &Body::End);
    assert_eq!(
        numbering.number(end),
        Numbered {
            timer: None,
            message: end
        }
    );
    assert_eq!(numbering.last(), 0);
}

proptest! {
    #[test]
    fn numbers_are_dense_and_times_never_decrease(times in proptest::collection::vec(-100_000_000_i64..200_000_000, 1..60)) {
        let seen = numbers(Timers::Make, &times);
        prop_assert!(seen.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0 && pair[0].1 <= pair[1].1));
        prop_assert_eq!(seen.iter().filter(|(_, _, timer)| !timer).count(), times.len());
        // A recorded sequence numbered again is the same sequence.
        let times: Vec<i64> = seen.iter().map(|(_, time, _)| *time).collect();
        let again = numbers(Timers::Recorded, &times);
        prop_assert!(again.iter().zip(&seen).all(|(a, b)| (a.0, a.1) == (b.0, b.1)));
    }
}

#[test]
fn a_recorded_sequence_goes_on_with_timers_of_its_own() {
    let times = [3, 12_000_000, 31_000_000, 55_000_000];
    let whole = |timers: Timers, inputs: &[Message]| {
        let mut numbering = Numbering::new(timers);
        let mut out = Vec::new();
        for input in inputs {
            let numbered = numbering.number(*input);
            out.extend(numbered.timer);
            out.push(numbered.message);
        }
        out
    };
    let all = whole(Timers::Make, &times.map(at));
    // Wherever a crash has cut it, behind a timer as well, what is recorded comes again as it is.
    for recorded in 0..=all.len() {
        let mut inputs = all[..recorded].to_vec();
        let last = recorded as u64;
        inputs.push(at(90_000_001));
        let again = whole(Timers::RecordedTo(last), &inputs);
        assert_eq!(again[..recorded], all[..recorded]);
        let timers = again[recorded..]
            .iter()
            .filter(|m| m.kind == Kind::Timer as u8);
        assert_eq!(
            timers.count(),
            usize::from(recorded > 0),
            "cut at {recorded}"
        );
        assert_eq!(again.last().map(|m| m.sequence), Some(again.len() as u64));
    }
}
