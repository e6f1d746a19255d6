//! Missing trades: what waits for them, what is asked for, and what becomes of it.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const NEXT_S: i64 = 1_000_000_000;

/// An intake of a venue that can be asked, fed with real frames.
struct Live {
    desk: Desk,
}

fn live(backfill: bool) -> Live {
    let options = IntakeOptions {
        backfill,
        ..IntakeOptions::default()
    };
    Live {
        desk: Desk {
            intake: Intake::new(table(), options),
            rules: RunRules::default(),
            ts: 0,
        },
    }
}

fn element(id: u64) -> String {
    format!(
        r#"{{"a":{id},"p":"1.00","q":"1","f":{id},"l":{id},"T":1617566592899,"m":false,"M":true}}"#
    )
}

impl Live {
    fn trade(&mut self, id: u64) -> String {
        let event = element(id).replacen('{', r#"{"e":"aggTrade","s":"BTCUSDT","#, 1);
        self.frame("btcusdt@aggTrade", &event)
    }

    fn reply(&mut self, ids: impl IntoIterator<Item = u64>) -> String {
        let elements: Vec<String> = ids.into_iter().map(element).collect();
        self.frame("btcusdt@aggTrades", &format!("[{}]", elements.join(",")))
    }

    fn frame(&mut self, stream: &str, frame: &str) -> String {
        self.desk.ts += 10;
        let ts = WallNs(self.desk.ts);
        let (stream, frame) = (stream.as_bytes(), frame.as_bytes());
        self.desk
            .intake
            .frame(Venue::BinanceSpot, stream, ts, frame)
            .unwrap();
        self.desk.said()
    }

    fn later(&mut self, seconds: i64) -> String {
        self.desk.ts += seconds * NEXT_S;
        self.desk.intake.tick(WallNs(self.desk.ts));
        self.desk.said()
    }

    fn want(&mut self) -> Option<(u64, u64)> {
        match self.desk.intake.wants(WallNs(self.desk.ts))? {
            Want::Trades {
                instrument,
                stream,
                first_id,
                last_id,
            } => {
                assert_eq!((instrument, stream), (SPOT, TradeStream::Aggregate));
                Some((first_id, last_id))
            }
            snapshot @ Want::Snapshot { .. } => panic!("{snapshot:?}"),
        }
    }

    fn fail(&mut self, (first_id, last_id): (u64, u64), retry: bool) -> String {
        let want = Want::Trades {
            instrument: SPOT,
            stream: TradeStream::Aggregate,
            first_id,
            last_id,
        };
        let ts = WallNs(self.desk.ts);
        self.desk.intake.want_failed(want, ts, retry);
        self.desk.said()
    }

    fn total(&self) -> &Tally {
        &self.desk.intake.counts().total
    }
}

#[test]
fn what_is_fetched_in_time_goes_before_what_waited() {
    let mut live = live(true);
    assert_eq!(live.trade(5), "trade 5");
    assert_eq!(live.trade(9), "-");
    assert_eq!(live.trade(10), "-");
    assert_eq!(live.trade(10), "-");
    assert_eq!(live.want(), Some((6, 8)));
    assert_eq!(live.want(), None, "it is asked once");
    // A reply begins at the id asked for and goes on as far as its limit.
    let said = live.reply(6..=11);
    assert_eq!(
        said,
        "backfilled delayed trade 6; backfilled delayed trade 7; backfilled delayed trade 8; \
         delayed trade 9; delayed trade 10"
    );
    assert_eq!(live.want(), None);
    assert_eq!(live.trade(11), "trade 11");
    assert_eq!(live.desk.intake.next_deadline(), None);
    let total = live.total();
    assert_eq!((total.trade_gaps, total.trades_missing), (0, 0));
    assert_eq!((total.trades_held, total.trades_filled), (2, 3));
    // 10 again; 9 and 10 of the reply; 11 of the reply came before the stream brought it.
    assert_eq!(total.of(FactKind::Trade, Fate::Duplicate), 3);
    assert_eq!(total.of(FactKind::Trade, Fate::Superseded), 1);
    assert_eq!(live.desk.intake.counts().elements, 6);
}

#[test]
fn after_five_seconds_all_go_on_and_the_rest_comes_late() {
    let mut live = live(true);
    live.trade(5);
    live.trade(8);
    live.later(1);
    live.trade(10);
    assert_eq!(live.want(), Some((6, 7)));
    let deadline = live.desk.intake.next_deadline().unwrap();
    assert_eq!(deadline, WallNs(20 + HELD_NS));
    assert_eq!(live.later(3), "-");
    // The first gap is over; the second has a second to go.
    assert_eq!(live.later(1), "missing 6-7; delayed trade 8");
    assert_eq!(live.later(1), "missing 9-9; delayed trade 10");
    assert_eq!(live.desk.intake.next_deadline(), None);
    assert_eq!(live.trade(11), "trade 11");
    assert_eq!(live.reply([6]), "backfilled trade 6");
    assert_eq!(
        live.want(),
        Some((7, 7)),
        "what a reply leaves is asked for next"
    );
    assert_eq!(
        live.reply([7, 8, 9]),
        "backfilled trade 7; backfilled trade 9"
    );
    assert_eq!(live.want(), None);
    assert_eq!(live.reply([6, 7, 8, 9]), "-");
    let total = live.total();
    assert_eq!((total.trade_gaps, total.trades_late), (2, 3));
    assert_eq!(total.fate(Fate::Buffered), 0);
}

#[test]
fn what_the_venue_cannot_supply_is_told_with_its_ids() {
    let mut live = live(true);
    live.trade(1);
    live.trade(10);
    assert_eq!(live.want(), Some((2, 9)));
    // The venue has 4 and from 8 on.
    let said = live.reply([4, 8, 9]);
    assert_eq!(
        said,
        "ApiGap [2, 3]; ApiGap [5, 7]; missing 2-3; backfilled delayed trade 4; missing 5-7; \
         backfilled delayed trade 8; backfilled delayed trade 9; delayed trade 10"
    );
    assert_eq!(live.want(), None);
    assert_eq!(live.total().trades_unsupplied, 5);
    // A request that cannot succeed.
    live.trade(13);
    assert_eq!(live.want(), Some((11, 12)));
    let said = live.fail((11, 12), false);
    assert_eq!(said, "ApiGap [11, 12]; missing 11-12; delayed trade 13");
    // It comes nevertheless, on the stream and once.
    assert_eq!(live.trade(12), "backfilled trade 12");
    assert_eq!(live.trade(12), "-");
    // One that may succeed.
    live.trade(15);
    let gap = live.want().unwrap();
    assert_eq!(live.fail(gap, true), "-");
    assert_eq!(live.want(), Some(gap));
    for _ in 0..2 {
        assert_eq!(live.reply([]), "-");
        assert_eq!(live.want(), Some(gap));
    }
    assert_eq!(
        live.reply([]),
        "ApiGap [14, 14]; missing 14-14; delayed trade 15"
    );
}

#[test]
fn a_request_that_is_never_heard_of_is_made_again() {
    let mut live = live(true);
    live.trade(1);
    live.trade(3);
    assert_eq!(live.want(), Some((2, 2)));
    live.later(59);
    assert_eq!(live.want(), None);
    live.later(1);
    assert_eq!(live.want(), Some((2, 2)));
}

#[test]
fn more_than_may_wait_goes_on() {
    let mut live = live(true);
    live.trade(1);
    live.trade(3);
    for id in 4..3 + HELD_MAX as u64 {
        assert_eq!(live.trade(id), "-");
    }
    let said = live.trade(3 + HELD_MAX as u64);
    assert!(said.starts_with("missing 2-2; delayed trade 3; "), "{said}");
    assert_eq!(said.matches("trade").count(), HELD_MAX + 1);
    assert_eq!(
        live.trade(4 + HELD_MAX as u64).split(' ').next(),
        Some("trade")
    );
}

#[test]
fn a_refused_element_counts_as_seen() {
    let mut live = live(true);
    live.trade(1);
    live.trade(4);
    let bad = element(2).replace("1.00", "1.005");
    live.desk.rules.trade.insert(0, 2);
    let said = live.frame("btcusdt@aggTrades", &format!("[{bad},{}]", element(3)));
    // Trade 2 came and is of no use: it is not missing, so 3 and 4 follow.
    assert_eq!(said, "backfilled delayed trade 3; delayed trade 4");
    let counts = live.desk.intake.counts();
    assert_eq!(counts.elements_rejected[Reason::OffTick as usize], 1);
    assert_eq!(
        (counts.total.elements_refused, counts.total.trades_refused),
        (1, 1)
    );
}

#[test]
fn without_backfill_a_recorded_reply_fills_the_gap_late() {
    let mut live = live(false);
    live.trade(5);
    assert_eq!(live.trade(9), "missing 6-8; trade 9");
    assert_eq!(live.want(), None);
    assert_eq!(
        live.reply(6..=10),
        "backfilled trade 6; backfilled trade 7; backfilled trade 8"
    );
    assert_eq!(live.trade(10), "trade 10");
    assert_eq!(live.reply(6..=10), "-");
}

#[test]
fn a_reply_of_what_lies_behind_the_last_trade_goes_on() {
    for backfill in [true, false] {
        let mut live = live(backfill);
        let last = |live: &Live| live.desk.intake.last_trade(SPOT);
        assert_eq!(last(&live), None);
        live.trade(5);
        assert_eq!(last(&live), Some((TradeStream::Aggregate, 5)));
        let late = "backfilled delayed trade";
        assert_eq!(live.reply(6..=7), format!("{late} 6; {late} 7"));
        // The next page; then the stream says some of it again and goes on.
        assert_eq!(live.reply(8..=9), format!("{late} 8; {late} 9"));
        assert_eq!(last(&live), Some((TradeStream::Aggregate, 9)));
        assert_eq!(live.trade(8), "-");
        assert_eq!(live.trade(9), "-");
        assert_eq!(live.trade(10), "trade 10");
        assert_eq!(live.reply(8..=11), "-", "the stream brings 11");
        assert_eq!(live.trade(11), "trade 11");
        assert_eq!(live.total().trade_gaps, 0);
        live.desk.intake.balance().unwrap();
    }
    // Of a venue whose trades cannot be asked for by id it is of no use.
    let known = table();
    let spot = known.get(SPOT).unwrap();
    let mut others = InstrumentTable::default();
    let venue = Venue::Bybit;
    others.add(Instrument { venue, ..*spot }).unwrap();
    let mut intake = Intake::new(others, IntakeOptions::default());
    let fact = trade(TradeStream::Single, 1);
    let none = Levels::default();
    intake.fact(SPOT, None, WallNs(1), &fact, &none);
    assert_eq!(intake.counts().total.of(FactKind::Trade, Fate::Emitted), 1);
    assert_eq!(intake.last_trade(SPOT), None);
}

#[test]
fn a_reply_of_what_lies_behind_answers_no_request_for_what_is_missing() {
    let mut live = live(true);
    live.trade(1);
    live.trade(4);
    assert_eq!(live.want(), Some((2, 3)));
    // They wait with it, in order.
    assert_eq!(live.reply(5..=6), "-");
    assert_eq!(live.want(), None, "the first request is still under way");
    let said = live.reply(2..=6);
    assert!(!said.contains("ApiGap"), "{said}");
    assert_eq!(said.matches("trade").count(), 5, "{said}");
    // A hole in it is asked for like any other.
    assert_eq!(live.reply([9]), "-");
    assert_eq!(live.want(), Some((7, 8)));
    assert_eq!(
        live.reply(8..=9),
        "ApiGap [7, 7]; missing 7-7; backfilled delayed trade 8; backfilled delayed trade 9"
    );
}

#[test]
fn history_before_the_stream_is_in_order() {
    let mut live = live(true);
    assert_eq!(
        live.reply(3..=4),
        "backfilled delayed trade 3; backfilled delayed trade 4"
    );
    assert_eq!(live.reply(4..=5), "backfilled delayed trade 5");
    assert_eq!(live.trade(8), "-");
    assert_eq!(live.want(), Some((6, 7)));
    let said = live.reply(6..=9);
    assert!(said.ends_with("delayed trade 8"), "{said}");
}

#[test]
fn bars_of_the_past_go_on_marked_as_such() {
    let mut live = live(true);
    let row = |minute: i64| {
        let (open, close) = (minute * 60_000, minute * 60_000 + 59_999);
        format!(r#"[{open},"1","3","1","2","5",{close},"9",4,"2","3","0"]"#)
    };
    live.desk.ts = 1_000_000_000_000_000;
    let frame = format!("[{},{}]", row(1), row(2));
    let ts = WallNs(live.desk.ts);
    let intake = &mut live.desk.intake;
    intake
        .frame(
            Venue::BinanceSpot,
            b"btcusdt@klines_1m",
            ts,
            frame.as_bytes(),
        )
        .unwrap();
    let mut bars = Vec::new();
    while let Some(message) = intake.pop() {
        if let Some(Body::VenueBarVolume(bar)) = message.body() {
            bars.push((bar.open_ts.ms(), bar.closed, bar.history));
        }
    }
    assert_eq!(bars, [(60_000, true, true), (120_000, false, true)]);
    // They are of the past: our clock is not measured by them.
    assert_eq!(intake.counts().clock(Venue::BinanceSpot).samples(), 0);
    intake.balance().unwrap();
}

#[test]
fn a_snapshot_is_asked_for_once_and_again_when_it_cannot_be_used() {
    let mut live = live(true);
    let want = |live: &mut Live| live.desk.intake.wants(WallNs(live.desk.ts));
    let none = Levels::default();
    let snapshot_want = Want::Snapshot { instrument: SPOT };
    let snapshot_wanted = Some(snapshot_want);
    assert_eq!(want(&mut live), None);
    live.desk.take(SPOT, diff(161, 165), &none);
    assert_eq!(want(&mut live), snapshot_wanted);
    live.desk.take(SPOT, diff(166, 166), &none);
    assert_eq!(want(&mut live), None);
    // Too old: again after 1 s, and then after 2 s.
    for wait in [1, 2, 4] {
        live.desk.take(SPOT, snapshot(150), &none);
        live.desk.ts += wait * NEXT_S - 1;
        assert_eq!(want(&mut live), None);
        live.desk.ts += 1;
        assert_eq!(want(&mut live), snapshot_wanted);
    }
    live.desk.take(SPOT, snapshot(163), &none);
    assert_eq!(want(&mut live), None);
    // A gap later it is asked for at once.
    live.desk.take(SPOT, diff(170, 171), &none);
    assert_eq!(want(&mut live), snapshot_wanted);
    let ts = WallNs(live.desk.ts);
    live.desk.intake.want_failed(snapshot_want, ts, true);
    assert_eq!(want(&mut live), snapshot_wanted);
    // A lost connection takes the request with it.
    live.desk.intake.disconnected(Venue::BinanceSpot, ts);
    live.desk.said();
    assert_eq!(want(&mut live), None);
    live.desk.take(SPOT, diff(180, 181), &none);
    assert_eq!(want(&mut live), snapshot_wanted);
    // So it does when it is one instrument's, and a book given up for another reason leaves it under way.
    for (reason, again) in [
        (ResetReason::Disconnected, snapshot_wanted),
        (ResetReason::Overflow, None),
    ] {
        live.desk.intake.drop_book(SPOT, reason, ts);
        live.desk.said();
        assert_eq!(want(&mut live), None);
        live.desk.take(SPOT, diff(190, 191), &none);
        assert_eq!(want(&mut live), again, "{reason:?}");
    }
}

#[test]
fn a_book_whose_stream_is_quiet_is_asked_for_too() {
    let mut live = live(true);
    let none = Levels::default();
    let wanted = Some(Want::Snapshot { instrument: SPOT });
    let want = |live: &mut Live| live.desk.intake.wants(WallNs(live.desk.ts));
    let from = WallNs(live.desk.ts + 5 * NEXT_S);
    live.desk.intake.expect_book(SPOT, from);
    assert_eq!(want(&mut live), None);
    live.desk.ts = from.0;
    assert_eq!(want(&mut live), wanted);
    assert_eq!(want(&mut live), None);
    live.desk.take(SPOT, snapshot(163), &none);
    let status = live.desk.intake.book_status(SPOT).unwrap();
    assert_eq!(
        (status.state, status.book_id),
        (SyncState::Synced, Some(163))
    );
    assert_eq!(want(&mut live), None);
    // What follows the book is judged by it.
    live.desk.take(SPOT, diff(164, 166), &none);
    assert_eq!(
        live.desk.intake.book_status(SPOT).unwrap().book_id,
        Some(166)
    );
    // One found wrong waits for no event; one whose stream is no more does.
    live.desk.intake.drop_book(SPOT, ResetReason::Crossed, from);
    live.desk.said();
    assert_eq!(want(&mut live), wanted);
    live.desk
        .intake
        .drop_book(SPOT, ResetReason::Disconnected, from);
    live.desk.said();
    live.desk.ts += 100 * NEXT_S;
    assert_eq!(want(&mut live), None);
}

#[test]
fn at_the_end_what_waits_goes_on() {
    let mut live = live(true);
    live.trade(1);
    live.trade(3);
    live.trade(5);
    live.desk.intake.finish(WallNs(99));
    let said = live.desk.said();
    assert_eq!(
        said,
        "missing 2-2; delayed trade 3; missing 4-4; delayed trade 5"
    );
}

#[derive(Clone, Debug)]
enum Happening {
    /// The stream brings so many trades, of which some are lost and some come twice.
    Stream(Vec<u8>),
    /// An older trade comes once more or at last.
    Old(u64),
    /// A request is answered: so many trades, of which the venue leaves some out.
    Answer(u64, Vec<u8>),
    /// The venue is asked for what lies behind the last trade: so many, of which it leaves some out.
    Tail(u64, Vec<u8>),
    /// A request fails.
    Fail(bool),
    Wait(i64),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => vec(0..10_u8, 1..20).prop_map(Happening::Stream),
        2 => (1..30_u64).prop_map(Happening::Old),
        4 => (0..25_u64, vec(0..10_u8, 25)).prop_map(|(n, luck)| Happening::Answer(n, luck)),
        2 => (0..25_u64, vec(0..10_u8, 25)).prop_map(|(n, luck)| Happening::Tail(n, luck)),
        1 => any::<bool>().prop_map(Happening::Fail),
        2 => (0..4_i64).prop_map(Happening::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Every trade once, in the order of ids but for those marked late, none lost that came by any way.
    #[test]
    fn trades_come_once_whatever_is_lost(
        backfill in any::<bool>(),
        happenings in vec(any_happening(), 0..60),
    ) {
        let mut live = live(backfill);
        let (mut next, mut came) = (1_u64, BTreeSet::new());
        let mut asked: Option<(u64, u64)> = None;
        let mut said = String::new();
        for happening in happenings {
            said += "; ";
            said += &match happening {
                Happening::Stream(lucks) => {
                    let mut all = Vec::new();
                    for luck in lucks {
                        if luck != 0 || next == 1 {
                            came.insert(next);
                            all.push(live.trade(next));
                        }
                        if luck == 1 {
                            all.push(live.trade(next));
                        }
                        next += 1;
                    }
                    all.join("; ")
                }
                Happening::Old(back) if back < next => {
                    came.insert(next - back);
                    live.trade(next - back)
                }
                Happening::Answer(count, luck) => match asked.take() {
                    None => "-".to_owned(),
                    Some((first, _)) => {
                        let ids: Vec<u64> = (first..(first + count).min(next))
                            .zip(luck)
                            .filter(|(_, luck)| *luck != 0)
                            .map(|(id, _)| id)
                            .collect();
                        // What lies behind the stream's last is left to the stream, unless there is nothing else.
                        let (_, last) = live.desk.intake.last_trade(SPOT).unwrap();
                        let all = ids.first().is_some_and(|first| *first > last);
                        came.extend(ids.iter().filter(|id| all || **id <= last));
                        live.reply(ids)
                    }
                },
                Happening::Tail(count, luck) => match live.desk.intake.last_trade(SPOT) {
                    None => "-".to_owned(),
                    Some((_, last)) => {
                        let ids: Vec<u64> = (last + 1..(last + 1 + count).min(next))
                            .zip(luck)
                            .filter(|(_, luck)| *luck != 0)
                            .map(|(id, _)| id)
                            .collect();
                        came.extend(&ids);
                        live.reply(ids)
                    }
                },
                Happening::Fail(retry) => match asked.take() {
                    None => "-".to_owned(),
                    Some(gap) => live.fail(gap, retry),
                },
                Happening::Wait(seconds) => live.later(seconds),
                Happening::Old(_) => "-".to_owned(),
            };
            if asked.is_none() {
                asked = live.want();
                prop_assert!(asked.is_none() || backfill);
            }
        }
        live.desk.intake.finish(WallNs(live.desk.ts));
        said += "; ";
        said += &live.desk.said();
        let emitted: Vec<u64> = said
            .split("; ")
            .filter_map(|line| line.rsplit_once("trade ")?.1.parse().ok())
            .collect();
        let once: BTreeSet<u64> = emitted.iter().copied().collect();
        prop_assert_eq!(once.len(), emitted.len());
        prop_assert_eq!(once, came);
        prop_assert_eq!(live.total().fate(Fate::Buffered), 0);
    }
}
