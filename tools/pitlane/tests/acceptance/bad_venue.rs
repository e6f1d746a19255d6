//! A venue that sends what no venue should: each thing is refused, counted by its cause and told, and all else goes on.
//!
//! Every venue, engine and recorder is a process. "All else goes on" means that in the end everything is known that a
//! replay of the same captures knows: trades, books, and the content hash over both.

mod cast;

use crate::scene::{Heard, Recorder, SPOT, capture, log, nothing_is_missing, same_book, until};
use crate::support::{expect_code, json, pitlane, said};
use cast::{Captures, SYMBOLS, config, futures, met, part, play, replayed, run, says, spot};
use serde_json::json;

#[test]
fn frames_that_cannot_be_read_are_left_out_and_what_they_held_is_fetched() {
    let captures = Captures::new();
    let faults = [
        "malformed:on=btcusdt@trade,after=50,times=2",
        "wrong-types:on=btcusdt@trade,after=100,times=3",
        "truncate:on=btcusdt@trade,after=150,times=4",
        "binary:on=btcusdt@trade,after=200,times=5",
        "malformed:on=btcusdt@depth@100ms,after=50,times=1",
    ];
    let bad = play(&captures.spot, &[], &faults);
    let good = play(&captures.futures, &[], &[]);
    let heard = [spot(&bad, &SYMBOLS), futures(&good)];
    let replay = replayed(&captures.all(), &heard);
    let run = run(captures.dir.path(), &heard, "");
    bad.until_played();
    good.until_played();
    run.until_whole(&replay["trades"]);
    assert_eq!(bad.hits(), [2, 3, 4, 5, 1]);
    let report = run.stop();
    let log = log(captures.dir.path());
    assert_eq!(
        met(&report["frames_rejected"]),
        json!({"malformed": 2 + 4 + 1, "wrong_type": 3}),
        "{log}"
    );
    assert_eq!(
        report["live"]["refused"],
        json!({"messages": {"binary": 5}})
    );
    assert_eq!(report["live"]["disconnects"], 0);
    says(&log, "frame of binance-spot refused: malformed at byte ");
    says(&log, "frame of binance-spot refused: wrong_type at byte ");
    says(
        &log,
        ", stream btcusdt@trade; it counts as missing, and pitlane capture keeps such frames as they came",
    );
    says(&log, ", stream btcusdt@depth@100ms; it counts as missing");
    says(
        &log,
        ": connection 1: the venue sent a binary message, where market data is text; it is left out, and the \
         connection stays",
    );
    nothing_is_missing(&report, &replay);
}

#[test]
fn a_symbol_of_which_nothing_can_be_read_floods_neither_the_log_nor_the_others() {
    let captures = Captures::new();
    let bad = play(&captures.spot, &[], &["malformed:on=btcusdt"]);
    let good = play(&captures.futures, &[], &[]);
    let heard = [spot(&bad, &SYMBOLS), futures(&good)];
    let replay = replayed(&captures.all(), &heard);
    let run = run(captures.dir.path(), &heard, "");
    bad.until_played();
    good.until_played();
    let others = ["ETHUSDT", "BTCUSDT-PERP"];
    run.until_number("books_in_step", 2);
    let hits = bad.hits()[0];
    run.until_number("frames_refused.malformed", hits);
    let report = run.stop();
    let log = log(captures.dir.path());
    assert!(hits > 1000, "{hits}");
    assert_eq!(met(&report["frames_rejected"]), json!({"malformed": hits}));
    let told = log.matches("refused: malformed at byte").count() as u64;
    assert!((20..hits / 2).contains(&told), "{told} lines of {hits}");
    says(
        &log,
        "more was to be told than is written here; the counters have it all",
    );
    assert_eq!(report["live"]["disconnects"], 0);
    for symbol in others {
        assert_eq!(report["traded_qty"][symbol], replay["traded_qty"][symbol]);
        same_book(&report, &replay, symbol);
    }
    assert_eq!(report["traded_qty"].get("BTCUSDT"), None);
}

#[test]
fn messages_that_cannot_be_read_on_from_end_one_connection_and_no_other() {
    let captures = Captures::new();
    let bad = play(&captures.spot, &["--speed", "10x"], &[]);
    let good = play(&captures.futures, &["--speed", "10x"], &[]);
    let heard = [spot(&bad, &SYMBOLS), futures(&good)];
    let replay = replayed(&captures.all(), &heard);
    let run = run(captures.dir.path(), &heard, "");
    let one_after_the_other = [
        ("compressed:", "compressed"),
        ("huge:bytes=8388608,", "too_large"),
        ("not-text:", "not_utf8"),
        ("torn:", "eof"),
        ("cut:", "eof"),
        ("close:code=1008,", "closed_by_venue"),
    ];
    for (fault, cause) in one_after_the_other {
        run.until_number("books_in_step", 3);
        let before = run.number(&format!("refused.{cause}"));
        bad.ask(
            "POST",
            &format!("/venue/faults?add={fault}on=btcusdt@trade,times=1"),
        );
        run.until_number(&format!("refused.{cause}"), before + 1);
    }
    bad.until_played();
    good.until_played();
    run.until_whole(&replay["trades"]);
    let report = run.stop();
    let log = log(captures.dir.path());
    assert_eq!(
        report["live"]["refused"],
        json!({
            "messages": {"compressed": 1, "too_large": 1, "not_utf8": 1},
            "connections": {"eof": 2, "closed_by_venue": 1},
        })
    );
    assert_eq!(met(&report["frames_rejected"]), json!({}));
    assert_eq!(report["live"]["disconnects"], 6);
    assert_eq!(
        report["live"]["connects"],
        2 + 6,
        "one venue six times more, the other never"
    );
    let lost = |number: u64, why: &str| {
        says(
            &log,
            &format!(
                "ws://127.0.0.1:{}: connection {number} lost: {why}; dialled again in ",
                bad.port
            ),
        );
    };
    lost(
        1,
        "the venue sent a compressed message, and compression was not agreed on",
    );
    lost(2, "the venue sent a message longer than 4194304 bytes");
    lost(3, "the venue sent a text message that is not UTF-8");
    lost(4, "the venue hung up without closing");
    lost(5, "the venue hung up without closing");
    lost(6, "the venue closed the connection with code 1008");
    nothing_is_missing(&report, &replay);
}

#[test]
fn handshakes_that_are_none_are_tried_again() {
    let captures = Captures::new();
    let faults = [
        "html:on=handshake,times=1",
        "endless:on=handshake,times=1",
        "endless-head:on=handshake,times=1",
        "503:on=handshake,times=1",
        "bad-body:how=binary,on=handshake,times=1",
        "slow:ms=5000,on=handshake,times=1",
    ];
    let bad = play(&captures.spot, &[], &faults);
    let good = play(&captures.futures, &[], &[]);
    let heard = [spot(&bad, &SYMBOLS), futures(&good)];
    let replay = replayed(&captures.all(), &heard);
    let run = run(captures.dir.path(), &heard, "timeout = \"2s\"");
    good.until_played();
    bad.until_played();
    run.until_whole(&replay["trades"]);
    let report = run.stop();
    let log = log(captures.dir.path());
    assert_eq!(
        report["live"]["refused"],
        json!({"connections": {"http_status": 4, "not_websocket": 1, "timeout": 1}}),
        "{log}"
    );
    assert_eq!(report["live"]["dial_failures"], 6);
    let says = |what: &str| {
        says(
            &log,
            &format!("ws://127.0.0.1:{}: no connection: {what}", bad.port),
        );
    };
    // As it stands in a line of JSON.
    says(r#"answered with HTTP 200 instead of an upgrade, and says \"<!DOCTYPE html>"#);
    says(r#"answered with HTTP 200 instead of an upgrade, and says \"[[1],[1]"#);
    says("no WebSocket: ");
    says("answered with HTTP 503 instead of an upgrade");
    says("no answer in time, in the WebSocket handshake; dialled again in ");
    nothing_is_missing(&report, &replay);
}

/// What a certificate is refused for: how the venue makes it, the cause, and what is told.
const CERTIFICATES: [(&str, &str, &str); 3] = [
    (
        "expired",
        "tls_expired",
        "; the venue must renew it, unless the clock of this machine is wrong",
    ),
    (
        "wrong-name",
        "tls_name",
        "; write the address with the name that the certificate is for",
    ),
    (
        "untrusted",
        "tls_untrusted",
        "; name the authority's file as ca_file if it is to be trusted",
    ),
];

#[test]
fn certificates_that_are_wrong_make_no_connection_and_the_other_venue_goes_on() {
    let captures = Captures::new();
    let plain = play(&captures.spot, &[], &[]);
    for (flaw, cause, advice) in CERTIFICATES {
        let dir = captures.dir.path().join(flaw);
        std::fs::create_dir(&dir).unwrap();
        let ca = dir.join("ca.pem");
        let bad = play(
            &captures.spot,
            &["--tls", flaw, "--tls-ca-out", ca.to_str().unwrap()],
            &[],
        );
        let good = play(&captures.futures, &[], &[]);
        let wss = format!("wss://localhost:{}", bad.port);
        let heard = [
            Heard {
                ws: wss.clone(),
                ca_file: Some(ca),
                ..spot(&plain, &SYMBOLS)
            },
            futures(&good),
        ];
        let replay = replayed(&captures.futures, &heard[1..]);
        let run = run(&dir, &heard, "");
        good.until_played();
        run.until_trades(replay["trades"].as_u64().unwrap());
        until("three attempts", || {
            run.number(&format!("refused.{cause}")) >= 3
        });
        let report = run.stop();
        let log = log(&dir);
        let failures = &report["live"]["dial_failures"];
        assert_eq!(
            report["live"]["refused"],
            json!({"connections": {cause: failures}})
        );
        assert_eq!(report["live"]["connects"], 1);
        says(
            &log,
            &format!("{wss}: no connection: TLS: invalid peer certificate: "),
        );
        says(&log, &format!("{advice}; dialled again in "));
        same_book(&report, &replay, "BTCUSDT-PERP");
        assert_eq!(report["trades"], replay["trades"]);
    }
}

#[test]
fn a_start_that_cannot_trust_the_venue_ends_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let file = part(dir.path(), SPOT, "BTCUSDT");
    let check = |(flaw, _, advice): (&str, &str, &str)| {
        let dir = dir.path().join(flaw);
        std::fs::create_dir(&dir).unwrap();
        let ca = dir.join("ca.pem");
        let options = ["--tls", flaw, "--tls-ca-out", ca.to_str().unwrap()];
        let bad = play(std::slice::from_ref(&file), &options, &[]);
        let https = format!("https://localhost:{}", bad.port);
        let heard = Heard {
            ws: format!("wss://localhost:{}", bad.port),
            rest: https.clone(),
            ca_file: Some(ca.clone()),
            ..spot(&bad, &["BTCUSDT"])
        };
        let config = config(&dir, &[heard], "");
        let output = expect_code(pitlane().args(["run", "--quiet", "-c"]).arg(config), 1);
        let told = said(&output);
        let what =
            format!("pitlane: GET {https}/api/v3/exchangeInfo: TLS: invalid peer certificate: ");
        assert_eq!(told.matches(&what).count(), 4, "{told}");
        says(&told, &format!("{advice}; again in 500ms"));
        // The last line is what ended it.
        assert!(told.trim_end().ends_with(advice), "{told}");
        assert!(!dir.join("ticks").exists(), "nothing has begun");
    };
    std::thread::scope(|scope| {
        for certificate in CERTIFICATES {
            scope.spawn(move || check(certificate));
        }
    });
}

#[test]
fn answers_that_are_none_are_asked_for_again() {
    let captures = Captures::new();
    // A symbol for each fault: each asks once in vain.
    let symbols = ["A", "B", "C", "D", "E", "F", "G", "H"].map(|name| format!("{name}USDT"));
    let symbols = symbols.each_ref().map(String::as_str);
    let spot_files = symbols
        .map(|symbol| part(captures.dir.path(), SPOT, symbol))
        .to_vec();
    let faults = [
        "html:on=exchangeInfo,times=1",
        "endless:on=exchangeInfo,times=1",
        "html:on=depth,times=1",
        "endless:on=depth,times=1",
        "endless-head:on=depth,times=1",
        "bad-body:how=malformed,on=depth,times=1",
        "bad-body:how=wrong-types,on=depth,times=1",
        "bad-body:how=binary,on=depth,times=1",
        "bad-body:how=compressed,on=depth,times=1",
        "bad-body:how=truncate,on=depth,times=1",
    ];
    let bad = play(&spot_files, &["--speed", "10x"], &faults);
    let good = play(&captures.futures, &[], &[]);
    let heard = [spot(&bad, &symbols), futures(&good)];
    let files = [&spot_files[..], &captures.futures].concat();
    let replay = replayed(&files, &heard);
    let run = run(captures.dir.path(), &heard, "");
    bad.until_played();
    good.until_played();
    run.until_whole(&replay["trades"]);
    assert_eq!(bad.hits(), [1; 10]);
    let told = std::fs::read_to_string(captures.dir.path().join("told")).unwrap();
    let report = run.stop();
    let log = log(captures.dir.path());
    assert_eq!(
        report["live"]["refused"],
        json!({"requests": {"not_json": 1 + 2, "too_large": 1 + 1, "http": 2, "unreadable": 2, "truncated": 1}}),
        "{log}"
    );
    assert_eq!(
        met(&report["frames_rejected"]),
        json!({"malformed": 1, "wrong_type": 1})
    );
    assert_eq!(report["live"]["request_failures"], 8);
    assert_eq!(report["live"]["disconnects"], 0);
    let rest = format!("GET http://127.0.0.1:{}/api/v3", bad.port);
    says(
        &told,
        &format!("pitlane: {rest}/exchangeInfo: no JSON: begins \"<!DOCTYPE html>"),
    );
    says(
        &told,
        &format!("pitlane: {rest}/exchangeInfo: longer than 67108864 bytes; again in 1s"),
    );
    for what in [
        r#"no JSON: begins \"<!DOCTYPE html>"#,
        "longer than 4194304 bytes; asked again in 1.0s",
        "an answer that cannot be read; asked again in 1.0s",
        "the answer is cut off: ",
    ] {
        let lines = log
            .lines()
            .filter(|line| line.contains(&format!("{rest}/depth?symbol=")));
        let mut lines = lines.filter(|line| line.contains("USDT&limit=5000: "));
        assert!(lines.any(|line| line.contains(what)), "{what}\n{log}");
    }
    nothing_is_missing(&report, &replay);
}

#[test]
fn a_recording_keeps_what_cannot_be_read_and_counts_what_cannot_be_kept() {
    let captures = Captures::new();
    let faults = [
        "malformed:on=btcusdt@trade,after=50,times=2",
        "wrong-types:on=btcusdt@trade,after=100,times=3",
        "binary:on=btcusdt@trade,after=150,times=4",
        "compressed:on=btcusdt@trade,after=200,times=1",
        "html:on=depth,times=1",
        "html:on=handshake,times=1",
    ];
    let bad = play(&captures.spot, &["--speed", "10x"], &faults);
    let heard = [spot(&bad, &SYMBOLS)];
    let config = config(captures.dir.path(), &heard, "");
    let out = captures.dir.path().join("out.plcap");
    let recorder = Recorder::start(&mut capture(&config, &out));
    bad.until_played();
    // Both symbols ask for their book, one of them twice.
    until("a book that is asked for again", || {
        bad.status()["requests"]["/api/v3/depth"].as_u64() >= Some(3)
    });
    let (summary, told) = recorder.end("-TERM", 0);
    assert_eq!(
        summary["refused"],
        json!({
            "frames": {"malformed": 2, "wrong_type": 3},
            "messages": {"binary": 4, "compressed": 1},
            "connections": {"http_status": 1},
            "requests": {"not_json": 1},
        })
    );
    assert_eq!(summary["lost"], 0);
    says(
        &told,
        "pitlane: frame of binance-spot refused: malformed at byte ",
    );
    says(
        &told,
        "the venue sent a compressed message, and compression was not agreed on; dialled again in ",
    );
    says(
        &told,
        "answered with HTTP 200 instead of an upgrade, and says \"<!DOCTYPE html>",
    );
    says(&told, "/api/v3/depth?symbol=");
    // The frames that could not be read are in the file as they came; a replay counts them too.
    let replay = json(pitlane().args(["replay", "--json", "--quiet"]).arg(&out));
    assert_eq!(
        met(&replay["frames_rejected"]),
        json!({"malformed": 2, "wrong_type": 3})
    );
}
