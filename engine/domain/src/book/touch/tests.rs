use super::*;
use crate::book::{BookReset, ResetReason, Stamp};
use crate::message::{BookLevel, BookSynced, Side};
use proptest::prelude::*;

fn quote(update_id: u64, bid: i64) -> Quote {
    Quote {
        bid_px: Ticks(bid),
        bid_qty: Lots(1),
        ask_px: Ticks(bid + 2),
        ask_qty: Lots(3),
        update_id,
    }
}

fn counted(compared: u64, mismatched: u64, skipped: u64) -> Compared {
    Compared {
        compared,
        mismatched,
        skipped,
    }
}

#[test]
fn quotes_ahead_of_depth_and_depth_ahead_of_quotes() {
    let mut quotes = QuoteTouch::default();
    for id in [10, 12, 15] {
        assert_eq!(
            quotes.quote(&quote(id, 100 + id.cast_signed())),
            counted(0, 0, 0)
        );
    }
    let touch = |bid| Touch::from(&quote(0, bid));
    // Before the first quote nothing is known.
    assert_eq!(quotes.run(9, touch(1)), counted(0, 0, 1));
    assert_eq!(quotes.run(11, touch(110)), counted(1, 0, 0));
    assert_eq!(quotes.run(14, touch(110)), counted(1, 1, 0));
    assert_eq!(quotes.run(15, touch(115)), counted(1, 0, 0));
    // Depth is ahead: a quote between 15 and 18 may still come.
    assert_eq!(quotes.run(18, touch(117)), counted(0, 0, 0));
    assert_eq!(quotes.run(19, touch(117)), counted(0, 0, 0));
    assert_eq!(quotes.quote(&quote(17, 117)), counted(0, 0, 0));
    assert_eq!(quotes.waiting(), 2);
    assert_eq!(quotes.quote(&quote(19, 119)), counted(2, 1, 0));
    assert_eq!((quotes.waiting(), quotes.total()), (0, counted(5, 2, 1)));
}

#[test]
fn what_waits_is_given_up_with_the_book() {
    let mut quotes = QuoteTouch::default();
    quotes.quote(&quote(1, 1));
    quotes.run(5, Touch::default());
    assert_eq!(quotes.lost(false), counted(0, 0, 1));
    assert_eq!(quotes.newest().map(|quote| quote.update_id), Some(1));
    // A venue that counts anew: nothing before can be compared.
    quotes.quote(&quote(9, 1));
    quotes.run(10, Touch::default());
    assert_eq!(quotes.quote(&quote(3, 1)), counted(0, 0, 1));
    assert_eq!(quotes.run(2, Touch::default()), counted(0, 0, 1));
    quotes.lost(true);
    assert_eq!(quotes.newest(), None);
}

#[test]
fn memory_is_bounded_and_what_falls_out_is_counted() {
    let mut quotes = QuoteTouch::default();
    for id in 1..=2000 {
        quotes.quote(&quote(id, 1));
    }
    assert_eq!(
        (quotes.quotes.len(), quotes.quotes.capacity()),
        (QUOTES_MAX, QUOTES_MAX)
    );
    assert_eq!(quotes.run(900, Touch::default()), counted(0, 0, 1));
    for id in 2001..=2300 {
        quotes.run(id, Touch::default());
    }
    assert_eq!(
        (quotes.waiting(), quotes.total().skipped),
        (WAITING_MAX, 1 + 300 - 256)
    );
}

#[test]
fn an_absent_side_is_absent_in_both() {
    let one_sided = Quote {
        bid_qty: Lots::ZERO,
        ..quote(5, 10)
    };
    assert_eq!(Touch::from(&one_sided).bid, None);
    assert_eq!(Touch::from(&one_sided).ask, Some((Ticks(12), Lots(3))));
}

#[test]
fn the_greater_update_id_is_the_fresher_touch() {
    let mut book = Book::new();
    let mut quotes = QuoteTouch::default();
    let source = |quotes: &QuoteTouch, book: &Book| {
        quotes
            .fused(Some(book))
            .map(|fused| (fused.source, fused.update_id))
    };
    assert_eq!(source(&quotes, &book), None);
    quotes.quote(&quote(7, 10));
    assert_eq!(source(&quotes, &book), Some((Source::Quote, 7)));
    let level = BookLevel {
        side: Side::Bid,
        px: Ticks(10),
        qty: Lots(1),
        first_id: 8,
        last_id: 8,
        last: true,
        snapshot: true,
        empty: false,
    };
    book.apply_level(&level, Stamp::default());
    assert_eq!(source(&quotes, &book), Some((Source::Quote, 7)));
    book.synced(&BookSynced { update_id: 8 }, Stamp::default());
    assert_eq!(source(&quotes, &book), Some((Source::Book, 8)));
    quotes.quote(&quote(9, 11));
    assert_eq!(source(&quotes, &book), Some((Source::Quote, 9)));
    let reset = BookReset {
        reason: ResetReason::Gap,
        expected_id: 0,
        got_id: 0,
    };
    quotes.lost(true);
    assert_eq!(source(&quotes, &book), Some((Source::Book, 8)));
    book.reset(&reset, Stamp::default());
    assert_eq!(source(&quotes, &book), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    /// One true history of the touch, seen through two streams that arrive in any interleaving:
    /// every run is compared, waits or came before the first quote, and none differs.
    #[test]
    fn any_interleaving_of_two_true_streams_agrees(
        steps in prop::collection::vec((1_u64..4, prop::option::of(-3_i64..4), any::<bool>(), any::<bool>()), 1..300),
        wrong in prop::option::of(0_usize..300),
    ) {
        let (mut id, mut bid) = (100, 1000);
        let (mut ahead_quotes, mut ahead_runs) = (VecDeque::new(), VecDeque::new());
        let mut quotes = QuoteTouch::default();
        let (mut runs, mut done, mut falsified) = (0, Compared::default(), false);
        for (step, (ids, change, is_run, first)) in steps.into_iter().enumerate() {
            id += ids;
            if let Some(change) = change {
                bid += change;
                ahead_quotes.push_back(quote(id, bid));
            }
            if is_run {
                let lie = i64::from(wrong == Some(step));
                falsified |= lie != 0;
                ahead_runs.push_back((id, Touch::from(&quote(id, bid + lie))));
                runs += 1;
            }
            // One of the streams lets through what it holds.
            if first {
                for quote in ahead_quotes.drain(..) { done += quotes.quote(&quote); }
            } else {
                for (id, touch) in ahead_runs.drain(..) { done += quotes.run(id, touch); }
            }
        }
        for quote in ahead_quotes { done += quotes.quote(&quote); }
        for (id, touch) in ahead_runs { done += quotes.run(id, touch); }
        prop_assert_eq!(done.compared + done.skipped + quotes.waiting() as u64, runs);
        prop_assert!(done.mismatched <= u64::from(falsified));
        prop_assert_eq!(done, quotes.total());
        let settled = quotes.quote(&quote(u64::MAX, 1));
        prop_assert_eq!(quotes.waiting(), 0);
        let compared = done.compared + settled.compared;
        prop_assert!(done.mismatched + settled.mismatched == u64::from(falsified) || compared < runs);
    }
}
