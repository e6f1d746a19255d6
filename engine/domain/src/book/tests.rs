#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots so"
)]

use super::*;
use crate::message::Side::{Ask, Bid};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

fn at(sequence: u64) -> Stamp {
    Stamp {
        sequence,
        ts: WallNs(i64::try_from(sequence).expect("small") * 1_000_000_000),
    }
}

/// The levels of a run; an empty run has one message without a level.
fn run(snapshot: bool, ids: (u64, u64), levels: &[(Side, i64, i64)]) -> Vec<BookLevel> {
    let of = |side, px, qty| BookLevel {
        side,
        px: Ticks(px),
        qty: Lots(qty),
        first_id: ids.0,
        last_id: ids.1,
        last: false,
        snapshot,
        empty: levels.is_empty(),
    };
    let mut run: Vec<_> = levels
        .iter()
        .map(|&(side, px, qty)| of(side, px, qty))
        .collect();
    if run.is_empty() {
        run.push(of(Bid, 0, 0));
    }
    run.last_mut().expect("at least one").last = true;
    run
}

fn show(book: &Book) -> String {
    let side = |side| {
        let mut text = String::new();
        for (px, qty) in book.levels(side) {
            write!(text, " {}x{}", px.0, qty.0).expect("a string takes all");
        }
        text
    };
    let fault = match book.quality() {
        Quality::Gapped(fault) => format!(" ({})", fault.name()),
        _ => String::new(),
    };
    let (name, since, id) = (book.quality().name(), book.since().sequence, book.last_id());
    format!(
        "{name}{fault} since {since}, id {id}, bids{} | asks{}",
        side(Bid),
        side(Ask)
    )
}

/// A script, one step a line: `snap ID..`, `diff FIRST LAST ..`, `part FIRST LAST ..` (without its last level),
/// `sync ID`, `reset REASON`, `watch`. Levels are `b|a PRICE xQTY`. The sequence number is the line's.
fn check(script: &str, expected: &Expect) {
    let mut book = Book::new();
    let mut shown = String::new();
    for (line, text) in (1_u64..).zip(
        script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty()),
    ) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        let levels = |from: usize| -> Vec<(Side, i64, i64)> {
            let one = |word: &&str| {
                let (px, qty) = word[1..].split_once('x').expect("PxQ");
                let side = if word.starts_with('b') { Bid } else { Ask };
                (
                    side,
                    px.parse().expect("a price"),
                    qty.parse().expect("a quantity"),
                )
            };
            words[from..].iter().map(one).collect()
        };
        let messages = match words[0] {
            "snap" => run(true, (number(1), number(1)), &levels(2)),
            "diff" => run(false, (number(1), number(2)), &levels(3)),
            "part" => {
                let mut part = run(false, (number(1), number(2)), &levels(3));
                part.last_mut().expect("a level").last = false;
                part
            }
            "sync" => {
                let done = book.synced(
                    &BookSynced {
                        update_id: number(1),
                    },
                    at(line),
                );
                writeln!(shown, "{text}: {done} -> {}", show(&book)).expect("a string takes all");
                continue;
            }
            "reset" => {
                let reason = ResetReason::ALL
                    .iter()
                    .find(|(_, name)| *name == words[1])
                    .expect("a reason")
                    .0;
                let reset = BookReset {
                    reason,
                    expected_id: 0,
                    got_id: 0,
                };
                book.reset(&reset, at(line));
                Vec::new()
            }
            "watch" => {
                let became = book.watch(at(number(1)));
                writeln!(shown, "{text}: {became} -> {}", show(&book)).expect("a string takes all");
                continue;
            }
            other => panic!("{other}"),
        };
        let outcomes: Vec<_> = messages
            .iter()
            .map(|level| book.apply_level(level, at(line)))
            .collect();
        let last = outcomes
            .last()
            .map_or(String::new(), |outcome| format!(" {outcome:?}"));
        writeln!(shown, "{text}:{last} -> {}", show(&book)).expect("a string takes all");
    }
    expected.assert_eq(&shown);
}

#[test]
fn a_synchronisation_and_a_gap() {
    check(
        "
        diff 150 155 b9x1
        snap 160 b10x5 b9x4 a11x3 a13x1
        diff 161 165 b10x0
        sync 160
        diff 161 165 b10x0 b8x2 a12x9
        diff 166 170
        reset gap
        diff 176 180 b10x7
        snap 200 b10x1 a11x1
        sync 201
        sync 200
        reset refreshed
        snap 210 b10x2 a11x2
        sync 210
        ",
        &expect![[r#"
            diff 150 155 b9x1: Ignored -> empty since 0, id 0, bids | asks
            snap 160 b10x5 b9x4 a11x3 a13x1: Replaced -> syncing since 2, id 160, bids 10x5 9x4 | asks 11x3 13x1
            diff 161 165 b10x0: Ignored -> syncing since 2, id 160, bids 10x5 9x4 | asks 11x3 13x1
            sync 160: true -> good since 4, id 160, bids 10x5 9x4 | asks 11x3 13x1
            diff 161 165 b10x0 b8x2 a12x9: Applied -> good since 4, id 165, bids 9x4 8x2 | asks 11x3 12x9 13x1
            diff 166 170: Applied -> good since 4, id 170, bids 9x4 8x2 | asks 11x3 12x9 13x1
            reset gap: -> gapped (gap) since 7, id 170, bids 9x4 8x2 | asks 11x3 12x9 13x1
            diff 176 180 b10x7: Ignored -> gapped (gap) since 7, id 170, bids 9x4 8x2 | asks 11x3 12x9 13x1
            snap 200 b10x1 a11x1: Replaced -> syncing since 9, id 200, bids 10x1 | asks 11x1
            sync 201: false -> syncing since 9, id 200, bids 10x1 | asks 11x1
            sync 200: true -> good since 11, id 200, bids 10x1 | asks 11x1
            reset refreshed: -> syncing since 12, id 200, bids 10x1 | asks 11x1
            snap 210 b10x2 a11x2: Replaced -> syncing since 13, id 210, bids 10x2 | asks 11x2
            sync 210: true -> good since 14, id 210, bids 10x2 | asks 11x2
        "#]],
    );
}

#[test]
fn a_run_shows_as_a_whole_or_not_at_all() {
    check(
        "
        snap 1 b10x5 a11x3
        sync 1
        part 2 3 b10x9 a11x0
        diff 4 5 b9x1
        snap 6 b20x5 a21x3
        sync 6
        part 7 8 b20x0
        reset disconnected
        snap 9 b30x1 a31x1
        sync 9
        part 10 11 b30x0
        snap 12 b40x1
        sync 12
        snap 13 b41x1
        ",
        &expect![[r#"
            snap 1 b10x5 a11x3: Replaced -> syncing since 1, id 1, bids 10x5 | asks 11x3
            sync 1: true -> good since 2, id 1, bids 10x5 | asks 11x3
            part 2 3 b10x9 a11x0: Staged -> good since 2, id 1, bids 10x5 | asks 11x3
            diff 4 5 b9x1: Gapped(Torn) -> gapped (torn) since 4, id 1, bids 10x5 | asks 11x3
            snap 6 b20x5 a21x3: Replaced -> syncing since 5, id 6, bids 20x5 | asks 21x3
            sync 6: true -> good since 6, id 6, bids 20x5 | asks 21x3
            part 7 8 b20x0: Staged -> good since 6, id 6, bids 20x5 | asks 21x3
            reset disconnected: -> gapped (disconnected) since 8, id 6, bids 20x5 | asks 21x3
            snap 9 b30x1 a31x1: Replaced -> syncing since 9, id 9, bids 30x1 | asks 31x1
            sync 9: true -> good since 10, id 9, bids 30x1 | asks 31x1
            part 10 11 b30x0: Staged -> good since 10, id 9, bids 30x1 | asks 31x1
            snap 12 b40x1: Gapped(Torn) -> syncing since 12, id 12, bids 40x1 | asks
            sync 12: true -> good since 13, id 12, bids 40x1 | asks
            snap 13 b41x1: Replaced -> good since 13, id 13, bids 41x1 | asks
        "#]],
    );
}

#[test]
fn what_cannot_be_is_a_fault_and_not_a_panic() {
    check(
        "
        snap 1 b10x5 a11x3
        sync 1
        diff 2 2 b12x1 a11x0 a13x1
        diff 3 3 b13x1
        diff 4 4 b13x0
        snap 5 b10x5 a11x3
        sync 5
        diff 6 6 b-3x1
        snap 7 b10x5 a11x3
        sync 7
        diff 8 8 a0x0
        snap 9 b10x5 a11x3
        sync 9
        diff 10 10 a9223372036854775807x1
        snap 11 b10x5 a11x3
        sync 11
        diff 12 12 b9x-1
        snap 13 b10x5 a11x3
        sync 13
        diff 15 14 b9x1
        snap 16 b12x5 a11x3
        sync 16
        snap 17
        sync 17
        diff 18 18 b1x1
        ",
        &expect![[r#"
            snap 1 b10x5 a11x3: Replaced -> syncing since 1, id 1, bids 10x5 | asks 11x3
            sync 1: true -> good since 2, id 1, bids 10x5 | asks 11x3
            diff 2 2 b12x1 a11x0 a13x1: Applied -> good since 2, id 2, bids 12x1 10x5 | asks 13x1
            diff 3 3 b13x1: Gapped(Crossed) -> gapped (crossed) since 4, id 3, bids 13x1 12x1 10x5 | asks 13x1
            diff 4 4 b13x0: Ignored -> gapped (crossed) since 4, id 3, bids 13x1 12x1 10x5 | asks 13x1
            snap 5 b10x5 a11x3: Replaced -> syncing since 6, id 5, bids 10x5 | asks 11x3
            sync 5: true -> good since 7, id 5, bids 10x5 | asks 11x3
            diff 6 6 b-3x1: Gapped(BadLevel) -> gapped (bad_level) since 8, id 5, bids 10x5 | asks 11x3
            snap 7 b10x5 a11x3: Replaced -> syncing since 9, id 7, bids 10x5 | asks 11x3
            sync 7: true -> good since 10, id 7, bids 10x5 | asks 11x3
            diff 8 8 a0x0: Gapped(BadLevel) -> gapped (bad_level) since 11, id 7, bids 10x5 | asks 11x3
            snap 9 b10x5 a11x3: Replaced -> syncing since 12, id 9, bids 10x5 | asks 11x3
            sync 9: true -> good since 13, id 9, bids 10x5 | asks 11x3
            diff 10 10 a9223372036854775807x1: Gapped(BadLevel) -> gapped (bad_level) since 14, id 9, bids 10x5 | asks 11x3
            snap 11 b10x5 a11x3: Replaced -> syncing since 15, id 11, bids 10x5 | asks 11x3
            sync 11: true -> good since 16, id 11, bids 10x5 | asks 11x3
            diff 12 12 b9x-1: Gapped(BadLevel) -> gapped (bad_level) since 17, id 11, bids 10x5 | asks 11x3
            snap 13 b10x5 a11x3: Replaced -> syncing since 18, id 13, bids 10x5 | asks 11x3
            sync 13: true -> good since 19, id 13, bids 10x5 | asks 11x3
            diff 15 14 b9x1: Gapped(BadRange) -> gapped (bad_range) since 20, id 13, bids 10x5 | asks 11x3
            snap 16 b12x5 a11x3: Gapped(Crossed) -> gapped (crossed) since 21, id 16, bids 12x5 | asks 11x3
            sync 16: false -> gapped (crossed) since 21, id 16, bids 12x5 | asks 11x3
            snap 17: Replaced -> syncing since 23, id 17, bids | asks
            sync 17: true -> good since 24, id 17, bids | asks
            diff 18 18 b1x1: Applied -> good since 24, id 18, bids 1x1 | asks
        "#]],
    );
}

#[test]
fn ids_at_or_below_the_book() {
    check(
        "
        snap 10 b10x5 a11x3
        sync 10
        diff 8 10 b10x6
        diff 5 9 b10x7
        diff 9 12 b10x8
        ",
        &expect![[r#"
            snap 10 b10x5 a11x3: Replaced -> syncing since 1, id 10, bids 10x5 | asks 11x3
            sync 10: true -> good since 2, id 10, bids 10x5 | asks 11x3
            diff 8 10 b10x6: Applied -> good since 2, id 10, bids 10x6 | asks 11x3
            diff 5 9 b10x7: Ignored -> good since 2, id 10, bids 10x6 | asks 11x3
            diff 9 12 b10x8: Applied -> good since 2, id 12, bids 10x8 | asks 11x3
        "#]],
    );
}

#[test]
fn silence_makes_a_good_book_stale_and_a_run_makes_it_good() {
    check(
        "
        snap 1 b10x5 a11x3
        watch 100
        sync 1
        watch 10
        watch 11
        watch 12
        diff 2 2 b10x6
        ",
        &expect![[r#"
            snap 1 b10x5 a11x3: Replaced -> syncing since 1, id 1, bids 10x5 | asks 11x3
            watch 100: false -> syncing since 1, id 1, bids 10x5 | asks 11x3
            sync 1: true -> good since 3, id 1, bids 10x5 | asks 11x3
            watch 10: false -> good since 3, id 1, bids 10x5 | asks 11x3
            watch 11: true -> stale since 11, id 1, bids 10x5 | asks 11x3
            watch 12: false -> stale since 11, id 1, bids 10x5 | asks 11x3
            diff 2 2 b10x6: Applied -> good since 7, id 2, bids 10x6 | asks 11x3
        "#]],
    );
}

#[test]
fn a_run_longer_than_any_venue_sends_is_refused() {
    let mut book = Book::new();
    let levels: Vec<_> = (1..=10_001).map(|px| (Bid, px, 1)).collect();
    let outcome = |book: &mut Book, count: usize| {
        let run = run(true, (1, 1), &levels[..count]);
        run.iter()
            .map(|level| book.apply_level(level, at(1)))
            .last()
    };
    assert_eq!(outcome(&mut book, RUN_LEVELS_MAX), Some(Outcome::Replaced));
    assert_eq!(
        outcome(&mut book, RUN_LEVELS_MAX + 1),
        Some(Outcome::Gapped(Fault::Overflow))
    );
    assert_eq!(book.level_count(Bid), RUN_LEVELS_MAX);
}

#[test]
fn depth_beyond_the_snapshot_is_unknown_until_told() {
    let snapshot = |bids: &[i64], asks: &[i64]| {
        let mut book = Book::new();
        let bids = bids.iter().map(|&px| (Bid, px, 1));
        let levels: Vec<_> = bids.chain(asks.iter().map(|&px| (Ask, px, 1))).collect();
        for level in run(true, (1, 1), &levels) {
            book.apply_level(&level, at(1));
        }
        book.synced(&BookSynced { update_id: 1 }, at(1));
        book
    };
    let known = |book: &Book, side, pxs: &[i64]| -> Vec<bool> {
        pxs.iter()
            .map(|&px| book.is_known(side, Ticks(px)))
            .collect()
    };
    let mut cut = snapshot(&[10, 9, 5], &[11, 12, 20]);
    assert_eq!(
        (cut.horizon(Bid), cut.horizon(Ask)),
        (Horizon::To(Ticks(5)), Horizon::To(Ticks(20)))
    );
    assert_eq!(
        known(&cut, Bid, &[10, 7, 5, 4, 0]),
        [true, true, true, false, false]
    );
    assert_eq!(
        known(&cut, Ask, &[11, 13, 20, 21]),
        [true, true, true, false]
    );
    for level in run(false, (2, 2), &[(Bid, 3, 7), (Ask, 30, 7), (Ask, 31, 0)]) {
        cut.apply_level(&level, at(2));
    }
    assert_eq!(known(&cut, Bid, &[3, 4]), [true, false]);
    assert_eq!(known(&cut, Ask, &[30, 31]), [true, false]);

    let thin = snapshot(&[10], &[11, 12]);
    assert_eq!(
        (thin.horizon(Bid), thin.horizon(Ask)),
        (Horizon::Full, Horizon::To(Ticks(12)))
    );
    assert_eq!(known(&thin, Bid, &[1, 9]), [true, true]);
    let empty = snapshot(&[], &[]);
    assert_eq!(
        (empty.horizon(Bid), empty.horizon(Ask)),
        (Horizon::Unknown, Horizon::Unknown)
    );
    assert_eq!(Book::new().horizon(Bid), Horizon::Unknown);
}

#[test]
fn the_state_in_words_does_not_depend_on_how_the_book_came_to_it() {
    let words = |books: &[&[(Side, i64, i64)]]| {
        let mut book = Book::new();
        for (id, levels) in (1..).zip(books) {
            for level in run(id == 1, (id, id), levels) {
                book.apply_level(&level, at(5));
            }
            book.synced(&BookSynced { update_id: 1 }, at(5));
        }
        let mut words = Vec::new();
        book.state_words(&mut |word| words.push(word));
        words
    };
    let start = [(Bid, 10, 1), (Ask, 20, 1)];
    let far = 1 << 40;
    let one = words(&[
        &start,
        &[(Bid, 5, 2), (Ask, far, 3)],
        &[(Bid, 7, 1), (Ask, 17, 1)],
    ]);
    let other = words(&[
        &start,
        &[(Bid, 7, 9), (Ask, 17, 1), (Ask, 16, 1)],
        &[(Ask, 16, 0), (Ask, far, 3), (Bid, 5, 2), (Bid, 7, 1)],
    ]);
    assert_eq!(one, other);
    assert_ne!(
        one,
        words(&[
            &start,
            &[(Bid, 5, 2), (Ask, far, 3)],
            &[(Bid, 7, 2), (Ask, 17, 1)]
        ])
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]
    #[test]
    fn same_as_two_trees_and_whole_runs_only(runs in prop::collection::vec(
        (prop::bool::weighted(0.05), prop::collection::vec((any::<bool>(), prop_oneof![
            6 => 0_i64..300, 2 => 0_i64..30_000, 1 => 0_i64..2_000_000_000], prop_oneof![Just(0_i64), 1_i64..100]), 0..40)), 1..60)) {
        const MIDDLE: i64 = 1_000_000_000_000;
        let mut book = Book::new();
        let mut model: [BTreeMap<i64, i64>; 2] = Default::default();
        for (id, (is_snapshot, levels)) in (1_u64..).zip(runs) {
            let is_snapshot = is_snapshot || id == 1;
            // Both sides keep clear of each other, so no run crosses.
            let levels: Vec<_> = levels.into_iter().map(|(ask, distance, qty)| {
                if ask { (Ask, MIDDLE + 1 + distance, qty) } else { (Bid, MIDDLE - distance, qty) }
            }).collect();
            let before = show(&book);
            if is_snapshot {
                model = Default::default();
            }
            for &(side, px, qty) in &levels {
                let tree = &mut model[usize::from(side == Ask)];
                if qty == 0 { tree.remove(&px); } else { tree.insert(px, qty); }
            }
            let messages = run(is_snapshot, (id, id), &levels);
            for level in &messages[..messages.len() - 1] {
                book.apply_level(level, at(id));
                prop_assert_eq!(&show(&book), &before);
            }
            let outcome = book.apply_level(&messages[messages.len() - 1], at(id));
            prop_assert_eq!(outcome, if is_snapshot { Outcome::Replaced } else { Outcome::Applied });
            book.synced(&BookSynced { update_id: id }, at(id));
            prop_assert_eq!(book.quality(), Quality::Good);
            let bids: Vec<_> = model[0].iter().rev().map(|(&px, &qty)| (Ticks(px), Lots(qty))).collect();
            let asks: Vec<_> = model[1].iter().map(|(&px, &qty)| (Ticks(px), Lots(qty))).collect();
            prop_assert_eq!(book.best_bid(), bids.first().copied());
            prop_assert_eq!(book.best_ask(), asks.first().copied());
            prop_assert_eq!(book.level_count(Bid), bids.len());
            prop_assert_eq!(book.top(Ask, 5).collect::<Vec<_>>(), &asks[..asks.len().min(5)]);
            prop_assert_eq!(book.levels(Bid).collect::<Vec<_>>(), bids);
            prop_assert_eq!(book.levels(Ask).collect::<Vec<_>>(), asks);
            if let Some(&(side, px, qty)) = levels.last() {
                prop_assert_eq!(book.quantity_at(side, Ticks(px)), Lots(qty));
            }
        }
    }
}
