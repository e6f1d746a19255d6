//! Two hundred symbols at once, each as busy as the sample's.

use crate::scene::{Run, SPOT, Venue, part, replayed, until};
use std::io::Write;
use std::net::TcpStream;

const COPIES: u64 = 200;
/// Lines of the sample, its first half minute.
const LINES: usize = 3_500;
/// Listens to a stream, and does nothing with it.
fn listen(port: u16, path: &str) {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        tcp,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    std::thread::spawn(move || std::io::copy(&mut tcp, &mut std::io::sink()));
}

/// At ten times the recorded rate where the build is one for use; else as fast as it goes.
#[test]
fn two_hundred_symbols_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = part(dir.path(), SPOT, "BTCUSDT", LINES, |_| true);
    let config = dir.path().join("load.toml");
    let speed = if cfg!(debug_assertions) { "max" } else { "10x" };
    let copies = COPIES.to_string();
    let options = [
        "--copies",
        &copies,
        "--speed",
        speed,
        "--weight-limit",
        "100000",
    ];
    let config_out = ["--start", "2", "--config-out", config.to_str().unwrap()];
    let venue = Venue::start(
        std::slice::from_ref(&file),
        &[&options[..], &config_out].concat(),
    );
    assert_eq!(venue.told["frames"].as_u64(), Some(LINES as u64 * COPIES));

    // The configuration keeps all files below `out`.
    let run = Run::adapted(&dir.path().join("out"), &config, |command| {
        command
            .env("PITLANE__LIVE__KLINES", "false")
            .env("PITLANE__LIVE__SNAPSHOT_LIMIT", "1000")
            .env("PITLANE__LIVE__BUFFER", "1000000")
            .current_dir(dir.path());
    });
    // Nothing is played before the engine listens to all of it, and a second client comes.
    until("all subscriptions", || {
        venue.status()["subscriptions"] == 2 * COPIES
    });
    listen(venue.port, "/ws/btcusdt@kline_1h");
    venue.until_played();
    let status = venue.status();
    assert_eq!(status["too_slow"], 0, "{status}");
    let sent = status["sent"].as_object().unwrap().clone();
    let total = |kind: &str| -> u64 {
        let of = sent.iter().filter(|(name, _)| name.ends_with(kind));
        of.map(|(_, count)| count.as_u64().unwrap()).sum()
    };
    let (trades, depth) = (total("@trade"), total("@depth@100ms"));
    // What was written is on its way; the last trade is stored with the next transaction.
    run.until_number("books_in_step", COPIES);
    run.until_trades(trades);
    let report = run.stop();
    assert_eq!(report["gaps"], 0, "{}", report["live"]);
    assert_eq!(report["frames_rejected"], serde_json::json!({}));
    assert_eq!(report["live"]["disconnects"], 0);
    assert_eq!(report["live"]["snapshots"], COPIES);
    assert_eq!(report["trades"], trades);
    // Besides, the venue acknowledges subscriptions.
    let notices = report["notices"].as_object().unwrap().values();
    let notices: u64 = notices.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(report["frames"], trades + depth + COPIES + notices);
    // Not those depth events that waited for a snapshot.
    let timed = report["latency_ns"]["socket"]["count"].as_u64().unwrap();
    assert!(
        (trades..=trades + depth + COPIES).contains(&timed),
        "{timed}"
    );
    // Each book ends as the replay of the one symbol.
    let (replay, _) = replayed(&[file], "");
    let book = &replay["books"]["BTCUSDT"];
    let books = report["books"].as_object().unwrap();
    assert_eq!(books.len() as u64, COPIES);
    for (symbol, of) in books {
        assert_eq!(of, book, "{symbol}");
    }
}
