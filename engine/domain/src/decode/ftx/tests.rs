//! Books, tickers and trades as the venue sent them, replies, and what is none.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the snapshots are written by a tool"
)]

use crate::decode::tests::{Form, check_damage, outcomes};
use crate::instrument::Venue;
use expect_test::expect;

const UPDATE: &str = r#"{"channel": "orderbook", "market": "MKR-PERP", "type": "update", "data": {"time": 1626993904.3723018, "checksum": 640576598, "bids": [], "asks": [[2416.0, 0.755]], "action": "update"}}"#;
const TICKER: &str = r#"{"channel": "ticker", "market": "MKR-PERP", "type": "update", "data": {"bid": 2414.5, "ask": 2416.5, "bidSize": 0.617, "askSize": 2.325, "last": 2413.0, "time": 1626993914.2647579}}"#;
const TRADE: &str = r#"{"channel": "trades", "market": "MKR-PERP", "type": "update", "data": [{"id": 1473821769, "price": 2413.5, "size": 22.83, "side": "sell", "liquidation": false, "time": "2021-07-22T22:45:25.101992+00:00"}]}"#;

#[test]
fn books_tickers_and_trades() {
    let frames = [
        ("update", UPDATE.to_owned()),
        (
            "partial",
            r#"{"channel":"orderbook","market":"BNBBEAR/USDT","type":"partial","data":{"asks":[[1.4e-07,2000.0]],"bids":[[1.3e-07,1e3],[1e-08,5]],"checksum":4294967295,"time":1626993904.1}}"#.to_owned(),
        ),
        ("ticker", TICKER.to_owned()),
        ("no bid", TICKER.replace("2414.5", "null")),
        ("no touch", TICKER.replace("0.617", "null").replace("2416.5", "null")),
        ("trade", TRADE.to_owned()),
        (
            "two trades",
            TRADE.replace(
                "[{",
                r#"[{"id":5,"price":1,"size":1,"side":"buy","time":"2021-07-22T22:45:25Z"},{"#,
            ),
        ),
        ("no trades", r#"{"channel":"trades","market":"MKR-PERP","type":"update","data":[]}"#.to_owned()),
    ];
    expect![[r#"
        update               => MKR-PERP 1626993904372301800 Depth(Depth { kind: Diff { prev_id: None }, first_id: 0, last_id: 0 }) bids [] asks [(4832, 755)] checksum 640576598 depth 0 decimals 0 0
        partial              => BNBBEAR/USDT 1626993904100000000 Depth(Depth { kind: Snapshot, first_id: 0, last_id: 0 }) bids [(13, 1000), (1, 5)] asks [(14, 2000)] checksum 4294967295 depth 0 decimals 0 0
        ticker               => MKR-PERP 1626993914264757900 Quote(Quote { bid_px: (4829), bid_qty: (617), ask_px: (4833), ask_qty: (2325), update_id: 0 })
        no bid               => MKR-PERP 1626993914264757900 Quote(Quote { bid_px: (4833), bid_qty: (0), ask_px: (4833), ask_qty: (2325), update_id: 0 })
        no touch             => Unused
        trade                => MKR-PERP Single 1626993925101992000 1473821769 from 1473821769 sell (4827, 22830)
        two trades           => MKR-PERP Single 1626993925000000000 5 from 5 buy (2, 1000) 1626993925101992000 1473821769 from 1473821769 sell (4827, 22830)
        no trades            => Unused
    "#]].assert_eq(&outcomes(
        Venue::Ftx,
        "",
        frames
            .iter()
            .map(|(name, frame)| (*name, frame.clone().into())),
    ));
}

#[test]
fn what_is_noticed_and_what_is_refused() {
    let frames = [
        (
            "subscribed",
            r#"{"type": "subscribed", "channel": "ticker", "market": "BB-0924"}"#.to_owned(),
        ),
        ("pong", r#"{"type": "pong"}"#.to_owned()),
        (
            "error",
            r#"{"type": "error", "code": 400, "msg": "Already subscribed"}"#.to_owned(),
        ),
        ("error without code", r#"{"type": "error"}"#.to_owned()),
        ("other channel", UPDATE.replace("orderbook", "markets")),
        ("other market", UPDATE.replace("MKR", "BTC")),
        ("no type", r#"{"channel": "orderbook"}"#.to_owned()),
        (
            "no data",
            r#"{"channel": "orderbook", "market": "MKR-PERP", "type": "update"}"#.to_owned(),
        ),
        ("no checksum", UPDATE.replace("checksum", "sum")),
        ("long checksum", UPDATE.replace("640576598", "4294967296")),
        ("one side", UPDATE.replace("bids", "bid")),
        ("off tick", UPDATE.replace("2416.0", "2416.25")),
        ("off lot", UPDATE.replace("0.755", "1e-4")),
        ("a huge lot", UPDATE.replace("0.755", "1e300")),
        ("no number", UPDATE.replace("2416.0", "\"2416x\"")),
        ("no time", UPDATE.replace("1626993904.3723018", "null")),
        (
            "bad time of a trade",
            TRADE.replace("2021-07-22", "2021-07-32"),
        ),
        ("crossed", TICKER.replace("2414.5", "2417")),
        ("a list", "[]".to_owned()),
    ];
    expect![[r#"
        subscribed           => SubscriptionReply
        pong                 => Unused
        error                => VenueError { code: 400 }
        error without code   => refused: missing_field at 17
        other channel        => Unused
        other market         => refused: unknown_symbol at 36
        no type              => refused: missing_field at 24
        no data              => refused: missing_field at 64, MKR-PERP
        no checksum          => refused: missing_field at 179, MKR-PERP
        long checksum        => refused: out_of_range at 114, MKR-PERP
        one side             => refused: missing_field at 182, MKR-PERP
        off tick             => refused: off_tick at 147, MKR-PERP
        off lot              => refused: off_lot at 155, MKR-PERP
        a huge lot           => refused: out_of_range at 155, MKR-PERP
        no number            => refused: wrong_type at 148, MKR-PERP
        no time              => refused: wrong_type at 82, MKR-PERP
        bad time of a trade  => refused: wrong_type at 169, MKR-PERP
        crossed              => refused: crossed at 91, MKR-PERP
        a list               => refused: wrong_type at 0
    "#]]
    .assert_eq(&outcomes(
        Venue::Ftx,
        "",
        frames
            .iter()
            .map(|(name, frame)| (*name, frame.clone().into())),
    ));
}

#[test]
fn damaged_frames() {
    for frame in [UPDATE, TRADE, TICKER] {
        check_damage(Venue::Ftx, "", frame.as_bytes(), Form::Json);
    }
}
