//! Any facts in any order: nothing panics, every run is whole, everything is accounted for.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Input {
    Fact(u16, Fact, Levels),
    Refused(u16, TradeStream, u64),
    Disconnected(Venue),
    Dropped(u16),
}

fn any_levels() -> impl Strategy<Value = Levels> {
    let side = || vec((1..9_i64, 0..3_i64), 0..4);
    (side(), side()).prop_map(|(bids, asks)| levels(&bids, &asks))
}

fn any_stream() -> impl Strategy<Value = TradeStream> {
    prop_oneof![Just(TradeStream::Aggregate), Just(TradeStream::Single)]
}

fn any_input() -> impl Strategy<Value = Input> {
    // Ids from a small range, so that they repeat, meet and run backwards.
    let id = || 0..30_u64;
    let fact = prop_oneof![
        4 => (any_stream(), id()).prop_map(|(stream, id)| trade(stream, id)),
        2 => id().prop_map(quote),
        8 => (id(), id(), 0..5_u64, id()).prop_map(|(first, last, pu, span)| {
            let last = if span < 20 { first + span / 4 } else { last };
            diff_after(first.saturating_sub(pu), first, last)
        }),
        4 => id().prop_map(snapshot),
        1 => id().prop_map(partial),
    ];
    let instrument = || 0..3_u16;
    prop_oneof![
        20 => (instrument(), fact, any_levels()).prop_map(|(of, f, l)| Input::Fact(of, f, l)),
        2 => (instrument(), any_stream(), id()).prop_map(|(of, s, id)| Input::Refused(of, s, id)),
        1 => prop_oneof![Just(Venue::BinanceSpot), Just(Venue::BinanceUsdm)]
            .prop_map(Input::Disconnected),
        1 => instrument().prop_map(Input::Dropped),
    ]
}

fn any_options() -> impl Strategy<Value = InstrumentOptions> {
    let trades = prop_oneof![
        Just(TradeChoice::Auto),
        Just(TradeChoice::Aggregate),
        Just(TradeChoice::Single)
    ];
    let depth = prop_oneof![
        Just(DepthChoice::Auto),
        Just(DepthChoice::Diff),
        Just(DepthChoice::Partial)
    ];
    (trades, depth).prop_map(|(trades, depth)| InstrumentOptions { trades, depth })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn everything_is_accounted_for(options in any_options(), inputs in vec(any_input(), 0..80)) {
        let mut desk = Desk::new(options);
        for input in inputs {
            let said = match input {
                Input::Fact(of, fact, levels) => desk.take(InstrumentId(of), fact, &levels),
                Input::Refused(of, stream, id) => {
                    let said = desk.refuse(Reject {
                        reason: Reason::OffLot,
                        at: 0,
                        instrument: Some(InstrumentId(of)),
                        trade: Some((stream, id)),
                    });
                    // The refused id was seen, which no message tells: the rules learn it here.
                    if let Some((_, last)) = desk.intake.lines[usize::from(of)].trades.last() {
                        desk.rules.trade.insert(of, last);
                    }
                    said
                }
                Input::Disconnected(venue) => {
                    desk.intake.disconnected(venue, WallNs(desk.ts));
                    desk.said()
                }
                Input::Dropped(of) => {
                    let now = WallNs(desk.ts);
                    desk.intake.drop_book(InstrumentId(of), ResetReason::Crossed, now);
                    desk.said()
                }
            };
            prop_assert!(!said.is_empty());
        }
        let counts = desk.intake.counts();
        prop_assert_eq!(counts.frames, counts.decoded + counts.rejected_total());
    }
}
