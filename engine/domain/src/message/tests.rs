use super::*;
use std::mem::{align_of, offset_of, size_of};

fn samples() -> Vec<Body> {
    let level = BookLevel {
        side: Side::Ask,
        px: Ticks(-5),
        qty: Lots(0),
        first_id: 10,
        last_id: u64::MAX,
        last: false,
        snapshot: true,
        empty: false,
    };
    vec![
        Body::Trade(Trade {
            px: Ticks(i64::MAX),
            qty: Lots(1),
            id: 0,
            first_id: 7,
            last_id: 7 + u64::from(u32::MAX),
            is_buyer_maker: true,
            best_match: false,
            backfilled: true,
            off_market: false,
            delayed: true,
        }),
        Body::Quote(Quote {
            bid_px: Ticks(618_002),
            bid_qty: Lots(2507),
            ask_px: Ticks(618_003),
            ask_qty: Lots(2510),
            update_id: 5_123_107_839_020,
        }),
        Body::BookLevel(level),
        Body::BookReset(BookReset {
            reason: ResetReason::Gap,
            expected_id: 171,
            got_id: 172,
        }),
        Body::BookSynced(BookSynced { update_id: 160 }),
        Body::TradeGap(TradeGap {
            first_id: 3,
            last_id: 12,
        }),
        Body::Liquidation(Liquidation {
            side: Side::Ask,
            px: Ticks(1),
            avg_px: Ticks(2),
            qty: Lots(3),
            filled_qty: Lots(4),
        }),
        Body::MarkPrice(MarkPrice {
            mark_e8: -1,
            index_e8: 2,
            rate_e8: -3,
            next_funding_ms: 4,
        }),
        Body::VenueBarPrices(VenueBarPrices {
            interval_s: 60,
            open: Ticks(1),
            high: Ticks(4),
            low: Ticks(-1),
            close: Ticks(2),
        }),
        Body::VenueBarVolume(VenueBarVolume {
            interval_s: 60,
            open_ts: WallNs(-1),
            volume: Lots(5),
            taker_buy_volume: Lots(2),
            trades: 3,
            closed: true,
            history: true,
        }),
        Body::DayPrices(DayPrices {
            last: Ticks(1),
            open: Ticks(2),
            high: Ticks(3),
            low: Ticks(4),
        }),
        Body::DayVolume(DayVolume {
            volume: Lots(1),
            trades: 2,
            open_ms: 3,
            close_ms: 4,
        }),
        Body::FxTick(FxTick {
            bid: Ticks(110_050),
            ask: Ticks(110_080),
            bid_qty: Lots(0),
            ask_qty: Lots(9),
        }),
        Body::Order(Order {
            action: OrderAction::Replace,
            side: Side::Bid,
            order_id: 1,
            px: Ticks(2),
            qty: Lots(3),
            other_id: 4,
            last: true,
            snapshot: false,
        }),
        Body::InstrumentName(Name {
            text: *b"BTCUSDT-PERP\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            code: 2,
        }),
        Body::InstrumentVenueName(Name {
            text: [0; 32],
            code: 0,
        }),
        Body::InstrumentGrid(InstrumentGrid {
            tick_mantissa: 1,
            tick_scale: 1,
            lot_mantissa: 1,
            lot_scale: 3,
        }),
        Body::Timer,
        Body::End,
        Body::Connection(Connection {
            event: ConnectionEvent::ConnectivityIssue,
            issue: Some(Issue::NoData),
            ended: true,
            connection: 3,
            values: [u64::MAX, 5],
            score: 40,
        }),
        Body::FxDay(FxDay {
            open: Ticks(110_000),
            high: Ticks(110_500),
            low: Ticks(109_900),
            price: Ticks(110_050),
            digits: 5,
        }),
        Body::FxRange(FxRange {
            adr: Ticks(700),
            projected_high: Ticks(110_350),
            projected_low: Ticks(109_650),
            computed: true,
        }),
        Body::BookChecksum(BookChecksum {
            checksum: 0xffff_fffe,
            depth: 1000,
            px_decimals: 5,
            qty_decimals: 8,
        }),
    ]
}

#[test]
fn the_layout_is_pinned() {
    assert_eq!((size_of::<Message>(), align_of::<Message>()), (64, 64));
    assert_eq!(offset_of!(Message, sequence), 0);
    assert_eq!(offset_of!(Message, ts_event), 8);
    assert_eq!(offset_of!(Message, ts_recv), 16);
    assert_eq!(offset_of!(Message, kind), 24);
    assert_eq!(offset_of!(Message, flags), 25);
    assert_eq!(offset_of!(Message, instrument), 26);
    assert_eq!(offset_of!(Message, aux), 28);
    assert_eq!(offset_of!(Message, payload), 32);
}

#[test]
fn every_kind_reads_back_as_it_was_written() {
    let bodies = samples();
    assert_eq!(bodies.len(), Kind::ALL.len());
    for (body, (kind, _)) in bodies.iter().zip(Kind::ALL) {
        let message = Message::new(InstrumentId(3), WallNs(1), WallNs(2), body);
        assert_eq!(message.kind(), Some(kind));
        assert_eq!(message.body(), Some(*body));
        assert_eq!(message.instrument(), InstrumentId(3));
    }
}

#[test]
fn codes_of_another_build_are_unknown_not_wrong() {
    let mut message = Message::new(InstrumentId(0), WallNs(0), WallNs(0), &Body::Timer);
    for code in [0, 24, 255] {
        message.kind = code;
        assert_eq!(message.body(), None);
    }
    message.kind = Kind::Order as u8;
    message.aux = 99;
    assert_eq!(message.body(), None);
    message.kind = Kind::BookReset as u8;
    message.aux = 0;
    assert_eq!(message.body(), None);
    message.kind = Kind::Connection as u8;
    for (event, issue, known) in [
        (0, 0, false),
        (1, 0, true),
        (15, 9, true),
        (16, 0, false),
        (1, 10, false),
    ] {
        message.aux = event;
        message.payload[3] = issue;
        assert_eq!(message.body().is_some(), known);
    }
}

#[test]
fn codes_of_a_connection_stand_at_their_places() {
    for (code, (event, name)) in (1..).zip(ConnectionEvent::ALL) {
        assert_eq!(event as u32, code);
        assert_eq!(ConnectionEvent::from_code(code), Some(event));
        assert_eq!(event.name(), name);
    }
    for (code, (issue, name)) in (1..).zip(Issue::ALL) {
        assert_eq!(issue as u32, code);
        assert_eq!(Issue::from_code(code), Some(issue));
        assert_eq!(issue.name(), name);
    }
}

#[test]
fn kinds_stand_at_their_codes() {
    for (at, (kind, name)) in Kind::ALL.iter().enumerate() {
        assert_eq!(usize::from(*kind as u8), at + 1);
        assert_eq!(kind.name(), *name);
    }
}

#[test]
fn schema_fields_do_not_overlap_and_fit() {
    for (kind, name) in Kind::ALL {
        let mut taken = [false; size_of::<Message>()];
        for field in schema::HEADER.iter().chain(schema::payload(kind)) {
            for byte in &mut taken[field.offset..field.offset + field.ty.size()] {
                assert!(!*byte, "{name}.{} overlaps", field.name);
                *byte = true;
            }
        }
    }
    // Stores written by earlier builds carry this number; a change of layout must be meant.
    expect_test::expect!["1aef3664269e0c78"].assert_eq(&format!("{:016x}", schema::hash()));
}
