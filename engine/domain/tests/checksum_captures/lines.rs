//! Three connections to the same ten instruments, played together: each update once, and every checksum verifies.

use crate::captured::{Capture, LOST, Line, OKEX, Played, play};
use pitlane_domain::instrument::Venue;
use pitlane_domain::intake::Fate;
use pitlane_domain::message::{Body, Kind, Message};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Per instrument the venue's time and checksum of each state that went on.
type States = BTreeMap<u16, Vec<(i64, u32)>>;

fn states(messages: &[Message]) -> States {
    let mut states = States::new();
    for message in messages {
        if let Some(Body::BookChecksum(stated)) = message.body() {
            let of_instrument = states.entry(message.instrument).or_default();
            of_instrument.push((message.ts_event.0, stated.checksum));
        }
    }
    states
}

/// What the first connection alone brings; the others begin later and bring nothing it does not.
fn alone(capture: &Capture) -> Played {
    let first = capture.lines.iter().filter(|line| !other(line)).cloned();
    play(capture, &first.collect::<Vec<_>>())
}

fn other(line: &Line) -> bool {
    line.stream.ends_with("#2") || line.stream.ends_with("#3")
}

/// Every state of the first connection from the first that went on, once each, and all verified.
#[track_caller]
fn check_whole(all: &States, played: &Played) {
    let checked = played.checked();
    assert_eq!((checked.failed, checked.skipped), (0, 0));
    let merged = states(&played.messages);
    for (instrument, states) in &merged {
        let all = &all[instrument];
        let from = all.iter().position(|state| *state == states[0]).unwrap();
        assert_eq!(*states, all[from..], "instrument {instrument}");
    }
    assert_eq!(merged.len(), all.len());
    for (_, state) in played.market.instruments() {
        assert!(state.book().unwrap().is_in_step());
    }
}

#[test]
fn three_connections_are_one_stream() {
    let Some(capture) = Capture::read(Venue::Okx, &OKEX) else {
        return;
    };
    let first = alone(&capture);
    let merged = play(&capture, &capture.lines);
    check_whole(&states(&first.messages), &merged);
    assert_eq!(merged.checked().verified, 1504);
    // Level for level what one connection says, at the times of whichever brought it first.
    let said = |played: &Played| -> Vec<_> {
        let kinds = [
            Kind::BookLevel,
            Kind::BookChecksum,
            Kind::BookSynced,
            Kind::Trade,
        ];
        let mut of = BTreeMap::<u16, Vec<_>>::new();
        for message in &played.messages {
            if message.kind().is_some_and(|kind| kinds.contains(&kind)) {
                let what = (message.kind, message.flags, message.aux, message.payload);
                of.entry(message.instrument).or_default().push(what);
            }
        }
        of.into_iter().collect()
    };
    assert_eq!(said(&first), said(&merged));
    // Books of the two others, 1446 and 1422, and their 36 trades each.
    let counts = merged.intake.counts();
    assert_eq!(counts.total.fate(Fate::Buffered), 0);
    let twice = counts.total.fate(Fate::Duplicate) + counts.total.fate(Fate::Stale);
    let quotes =
        counts.total.facts(pitlane_domain::intake::FactKind::Quote) - counts.messages(Kind::Quote);
    assert_eq!(twice - quotes, 1446 + 1422 + 2 * 36);
}

/// Nobody else has it: the books go on from what the other connections begin with.
#[test]
fn what_is_lost_before_the_others_begin_is_left_out_and_nothing_else() {
    let Some(capture) = Capture::read(Venue::Okx, &OKEX) else {
        return;
    };
    let all = states(&alone(&capture).messages);
    // By the venue's clock, after the snapshots of all three.
    let begun = 1_626_995_755_500_000_000;
    let mut left_out = 0;
    for place in 10..alone_until(&capture) {
        let mut lines = capture.lines.clone();
        break_off(&mut lines, 1, place..place + 1);
        let played = play(&capture, &lines);
        let checked = played.checked();
        assert_eq!((checked.failed, checked.skipped), (0, 0));
        let merged = states(&played.messages);
        for (instrument, all) in &all {
            let mut merged = merged[instrument].iter().peekable();
            for state in all {
                let went_on = merged.next_if_eq(&state).is_some();
                assert!(
                    went_on || state.0 < begun,
                    "{place}: {instrument} {state:?}"
                );
                left_out += usize::from(!went_on);
            }
            assert_eq!(merged.next(), None, "{place}: {instrument}");
        }
    }
    assert!(left_out > 0);
}

/// Delays each line's frames, in order, by what `delays` says of its n-th stretch of 64.
fn delayed(capture: &Capture, delays: &[Vec<u32>]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, delays) in delays.iter().enumerate() {
        let suffix = format!("#{}", at + 1);
        let own = capture
            .lines
            .iter()
            .filter(|line| line.stream.ends_with(&suffix));
        let mut last = 0;
        for (place, line) in own.enumerate() {
            let mut line = line.clone();
            let delay = i64::from(delays[place / 64 % delays.len()]) * 1_000_000;
            last = last.max(line.ts + delay);
            line.ts = last;
            lines.push(line);
        }
    }
    lines.sort_by_key(|line| line.ts);
    lines
}

/// One line breaks off in the middle and comes back without a snapshot: its frames of those places are missing.
fn break_off(lines: &mut Vec<Line>, number: usize, places: Range<usize>) {
    let suffix = format!("#{number}");
    let mut told = false;
    let own = lines
        .iter_mut()
        .filter(|line| line.stream.ends_with(&suffix));
    for (place, line) in own.enumerate() {
        if places.contains(&place) {
            line.frame = if told { String::new() } else { LOST.to_owned() };
            told = true;
        }
    }
    lines.retain(|line| !line.frame.is_empty());
}

/// How many frames the first connection brings before both others have all their snapshots: what breaks off until then is lost.
fn alone_until(capture: &Capture) -> usize {
    let begun = capture
        .lines
        .iter()
        .filter(|line| other(line) && line.frame.contains(r#""action":"snapshot""#))
        .map(|line| line.ts)
        .max()
        .unwrap();
    capture
        .lines
        .iter()
        .filter(|line| line.stream.ends_with("#1") && line.ts <= begun)
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn delays_and_a_broken_line_change_nothing(
        delays in prop::collection::vec(prop::collection::vec(0..2000_u32, 1..24), 3),
        broken in 1..=3_usize,
        cut in (0..1500_usize, 0..600_usize),
    ) {
        let Some(capture) = Capture::read(Venue::Okx, &OKEX) else {
            return Ok(());
        };
        let all = states(&alone(&capture).messages);
        let mut lines = delayed(&capture, &delays);
        check_whole(&all, &play(&capture, &lines));
        let begin = cut.0 + if broken == 1 { alone_until(&capture) } else { 0 };
        break_off(&mut lines, broken, begin..begin + cut.1);
        let played = play(&capture, &lines);
        let checked = played.checked();
        prop_assert_eq!((checked.failed, checked.skipped), (0, 0));
        check_whole(&all, &played);
    }
}
