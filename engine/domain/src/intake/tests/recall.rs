//! An intake that goes on where an earlier run ended.

use super::*;
use crate::message::BookReset;

fn recalled(trade: Option<u64>, book_id: Option<u64>) -> Recalled {
    Recalled {
        instrument: SPOT,
        trade: trade.map(|id| (TradeStream::Aggregate, id)),
        book_id,
    }
}

#[test]
fn what_is_recorded_comes_no_second_time_and_what_is_missing_is_known() {
    let options = IntakeOptions {
        backfill: true,
        ..IntakeOptions::default()
    };
    let mut intake = Intake::new(table(), options);
    intake.recall(&recalled(Some(7), None), WallNs(1));
    assert_eq!(intake.pop(), None, "nothing is told of it");
    let mut take = |id: u64| {
        let fact = trade(TradeStream::Aggregate, id);
        intake.fact(SPOT, None, WallNs(2), &fact, &Levels::default());
        std::iter::from_fn(|| intake.pop()).count()
    };
    assert_eq!((take(6), take(7)), (0, 0), "recorded before");
    assert_eq!(take(8), 1);
    assert_eq!(take(11), 0, "it waits for two");
    assert_eq!(
        intake.wants(WallNs(3)),
        Some(Want::Trades {
            instrument: SPOT,
            stream: TradeStream::Aggregate,
            first_id: 9,
            last_id: 10,
        })
    );
}

#[test]
fn a_book_that_was_in_step_no_longer_is() {
    let mut intake = Intake::new(table(), IntakeOptions::default());
    intake.recall(&recalled(None, Some(160)), WallNs(5));
    let told = intake.pop().expect("a reset");
    assert_eq!(
        told.body(),
        Some(Body::BookReset(BookReset {
            reason: ResetReason::Disconnected,
            expected_id: 160,
            got_id: 0,
        }))
    );
    assert_eq!((told.instrument(), told.ts_recv), (SPOT, WallNs(5)));
    assert_eq!(intake.pop(), None);
    intake.balance().expect("counted");
}
