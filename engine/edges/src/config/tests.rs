#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes its snapshots with them"
)]

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse("t.toml", text, &Overrides::none())
}

fn with_variables(text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let pairs = pairs.iter().map(|&(n, v)| (n.to_owned(), v.to_owned()));
    Config::parse("t.toml", text, &Overrides::from_pairs(pairs))
}

#[track_caller]
fn faults(text: &str, expected: &Expect) {
    let faults = parse(text).expect_err("a faulty text");
    expected.assert_eq(&faults.to_string());
}

#[test]
fn the_printed_defaults_are_the_defaults() {
    assert_eq!(
        parse(Config::defaults_toml()).expect("legal"),
        Config::default()
    );
    assert_eq!(parse("").expect("legal"), Config::default());
}

#[test]
fn the_printed_defaults_name_every_key() {
    // Lists are comments there; with the comment marks gone every key stands in the text.
    let text = Config::defaults_toml()
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with("[[") || rest.contains(" = ") => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    let (config, faults, asked) = read::read("t.toml", &text, &Overrides::none());
    assert_eq!(faults, []);
    let config = config.expect("legal");
    assert_eq!(config.instruments.len(), 1);
    assert_eq!(config.core_map.threads.len(), 1);
    assert_eq!(config.upstreams.len(), 1);
    let document: toml::Table = text.parse().expect("legal");
    for key in &asked {
        let mut at = Some(&toml::Value::Table(document.clone())).cloned();
        for part in key.split('.') {
            at = at.and_then(|value| match value {
                toml::Value::Array(items) => items[0].get(part).cloned(),
                other => other.get(part).cloned(),
            });
        }
        assert!(at.is_some(), "{key} is not in the printed defaults");
    }
    assert!(asked.contains("storage.maxHistoryRows") && asked.contains("core_map.thread.core"));
}

#[test]
fn values_arrive() {
    let config = parse(
        r#"
        source = { paths = ["a.gz", "b.cap"], format = "binance-jsonl", speed = "10x", venue = "fx", on_bad_frame = "stop" }
        rings.feed = 0x1000
        [[instrument]]
        symbol = "btcusdt-perp"
        venue = "binance-usdm"
        venue_symbol = "BTCUSDT"
        tick_size = "0.10"
        lot_size = "0.001"
        trades = "aggTrade"
        depth = "partial"
        [tick_store]
        sync = "250ms"
        prefault = false
        [core_map]
        profile = "isolated"
        [[core_map.thread]]
        name = "hot"
        core = 3
        idle = "spin"
        agents = ["feed", "market"]
        "#,
    )
    .expect("legal");
    assert_eq!(config.source.paths, [PathBuf::from("a.gz"), "b.cap".into()]);
    assert_eq!(
        config.source.format.as_ref().expect("given").value,
        "binance-jsonl"
    );
    assert_eq!(config.source.speed, Speed::Times(10.0));
    assert_eq!(config.source.venue, Some(Venue::Fx));
    assert_eq!(config.source.on_bad_frame, OnBadFrame::Stop);
    assert_eq!(config.rings.feed, 4096);
    let row = &config.instruments[0];
    assert_eq!(row.symbol.as_str(), "BTCUSDT-PERP");
    assert_eq!(row.tick_size.expect("given").to_string(), "0.1");
    assert_eq!(
        (row.trades, row.depth),
        (TradeSource::Aggregate, DepthSource::Partial)
    );
    assert_eq!(config.instrument_table().expect("steps").len(), 1);
    assert_eq!(
        config.tick_store.sync,
        Sync::Interval(Duration::from_millis(250))
    );
    assert!(!config.tick_store.prefault);
    let thread = &config.core_map.threads[0];
    assert_eq!(config.core_map.profile.value, Profile::Isolated);
    assert_eq!(thread.name.value, "hot");
    assert_eq!(
        thread.core.as_ref().expect("given").place.to_string(),
        "t.toml:19:16"
    );
    assert_eq!(thread.idle.as_ref().expect("given").value, Idle::Spin);
    assert_eq!(thread.agents[1].value, "market");
}

#[test]
fn a_live_source_has_upstreams_and_figures() {
    let config = parse(
        r#"
        source.kind = "live"
        [live]
        reconnect_first = "250ms"
        lifetime = "1h 30min"
        weight_share = 1
        buffer = 500
        [[upstream]]
        venue = "binance-spot"
        ws = "ws://127.0.0.1:9000/public/"
        rest = "http://127.0.0.1:9001"
        ca_file = "ca.pem"
        streams = ["trade", "depth@100ms", "bookTicker"]
        [[upstream]]
        venue = "binance-usdm"
        [[instrument]]
        symbol = "BTCUSDT"
        venue = "binance-spot"
        trades_silent = "5min"
        [[instrument]]
        symbol = "BTCUSDT-PERP"
        venue = "binance-usdm"
        venue_symbol = "BTCUSDT"
        tick_size = "0.1"
        "#,
    )
    .expect("legal");
    assert_eq!(config.source.kind, SourceKind::Live);
    assert_eq!(config.live.reconnect_first, Duration::from_millis(250));
    assert_eq!(config.live.lifetime, Duration::from_mins(90));
    assert!((config.live.weight_share - 1.0).abs() < f64::EPSILON);
    assert_eq!(config.live.buffer, 500);
    let [spot, futures] = &config.upstreams[..] else {
        panic!("two upstreams")
    };
    assert_eq!(spot.ws, "ws://127.0.0.1:9000/public");
    assert_eq!(spot.ca_file, Some("ca.pem".into()));
    assert_eq!(spot.streams, ["trade", "depth@100ms", "bookTicker"]);
    assert_eq!(futures.ws, "wss://fstream.binance.com");
    assert_eq!(futures.rest, "https://fapi.binance.com");
    assert_eq!(futures.streams, ["aggTrade", "depth@100ms"]);
    assert_eq!(config.instruments[0].tick_size, None);
    assert_eq!(
        config.instruments[0].trades_silent,
        Some(Duration::from_mins(5))
    );
    assert!(config.instrument_table().is_none());
}

#[test]
fn what_a_live_source_cannot_use_is_a_fault() {
    faults(
        r#"source.kind = "live"
[[upstream]]
venue = "binance-spot"
ws = "https://stream.binance.com"
streams = ["@trade", "a/b", "agTrade", "depth@100ms"]
[[upstream]]
venue = "binance-spot"
[[upstream]]
venue = "fx"
[[upstream]]
venue = "lobster"
ws = "ws://x"
[[instrument]]
symbol = "BTCUSD_PERP"
venue = "binance-coinm"
[live]
hold = "5"
lifetime = "25h"
drift = "0ms"
weight_share = 1.5
"#,
        &expect![[r#"
            t.toml:2:1: upstream.venue: no [[instrument]] has venue = "binance-spot"; remove the table
            t.toml:4:6: upstream.ws: "https://stream.binance.com" is no base address; it begins with ws:// or wss://, names a host and may end with a path
            t.toml:5:12: upstream.streams: "@trade" is no stream; write what stands behind "symbol@", for example "aggTrade"
            t.toml:5:22: upstream.streams: "a/b" is no stream; write what stands behind "symbol@", for example "aggTrade"
            t.toml:5:29: upstream.streams: "agTrade" is no stream that is used here; there are aggTrade trade bookTicker depth depth5 depth10 depth20 kline_1m markPrice forceOrder ticker miniTicker; did you mean "aggTrade"?
            t.toml:6:1: upstream: binance-spot has two upstreams; keep one
            t.toml:8:1: upstream.ws: missing; write for example ws = "ws://127.0.0.1:9000"
            t.toml:10:1: upstream.venue: there is no live connection to lobster yet
            t.toml:13:1: instrument.venue: no [[upstream]] has venue = "binance-coinm"
            t.toml:17:8: live.hold: "5" is no length of time; write a number and a unit, such as "250ms", "5s" or "23h50min"
            t.toml:18:12: live.lifetime: "25h" is no length of time; write a number and a unit, such as "250ms", "5s" or "23h50min"
            t.toml:19:9: live.drift: "0ms" is outside 1ms to 86400s
            t.toml:20:16: live.weight_share: "1.5" is no part of a whole; write a number greater than 0 and at most 1, such as 0.8"#]],
    );
    faults(
        r#"source.kind = "live"
[[upstream]]
venue = "fx"
ws = "wss://gateway.example/fx"
rest = "https://gateway.example"
streams = ["tick"]
[[instrument]]
symbol = "EURUSD"
venue = "fx"
tick_size = "0.00001"
"#,
        &expect![[r#"
            t.toml:2:1: upstream.rest: fx has none: what it sends goes by the [[instrument]] tables; remove the key
            t.toml:2:1: upstream.streams: fx has none: what it sends goes by the [[instrument]] tables; remove the key
            t.toml:7:1: instrument.lot_size: fx lists no steps; write for example lot_size = "0.00001""#]],
    );
    faults(
        "source.kind = \"live\"",
        &expect![
            "t.toml:1:1: instrument: a live source needs an [[instrument]] table for each symbol"
        ],
    );
}

#[test]
fn a_speed_is_max_or_a_pace() {
    for (text, speed) in [
        ("\"max\"", Speed::Max),
        ("\"1x\"", Speed::Times(1.0)),
        ("\"2.5\"", Speed::Times(2.5)),
        ("10", Speed::Times(10.0)),
        ("0.5", Speed::Times(0.5)),
    ] {
        let config = parse(&format!("source.speed = {text}")).expect("legal");
        assert_eq!(config.source.speed, speed, "{text}");
    }
    for text in [
        "0", "-1", "inf", "nan", "\"fast\"", "\"\"", "\"x\"", "true", "1e999",
    ] {
        assert!(parse(&format!("source.speed = {text}")).is_err(), "{text}");
    }
}

#[test]
fn every_fault_is_reported_with_its_place() {
    faults(
        r#"
[source]
kind = "feed"
speed = "fast"
paths = ["a", 3, ""]
venu = "fx"

[[instrument]]
symbol = "BTC USDT"
venue = "binance-spott"
tick_size = 0.01
lot_size = "-1"

[[instrument]]
symbol = "X"
venue = "fx"
tick_size = "0.0001"
lot_size = "1"
trades = "aggtrade"

[[instrument]]
symbol = "x"
venue = "fx"
venue_symbol = "Y"
tick_size = "0.0001"
lot_size = "1"

[storage]
commit_rows = 0
commit_ms = "50"
maxhistoryrows = 10

[rings]
feed = 5000
market = 99999999999999999999

[core_map]
profile = "share"
[[core_map.thread]]
name = "a"
core = -1
"#,
        &expect![[r#"
            t.toml:3:8: source.kind: "feed" is not one of "capture", "live"
            t.toml:4:9: source.speed: "fast" is no speed; legal are "max" and a pace greater than 0 such as "1x", "10x" or 0.5
            t.toml:5:15: source.paths: expected text in the list, found the number 3
            t.toml:5:18: source.paths: a path is empty
            t.toml:6:1: source.venu: unknown key; did you mean "venue"?
            t.toml:9:10: instrument.symbol: "BTC USDT" is no symbol: 1 to 24 characters of A-Z 0-9 _ . - /
            t.toml:10:9: instrument.venue: "binance-spott" is not one of "binance-spot", "binance-usdm", "binance-coinm", "fx", "itch50", "lobster", "mbo", "kraken", "okx", "ftx", "bybit", "coinbase", "bitstamp"; did you mean "binance-spot"?
            t.toml:11:13: instrument.tick_size: expected text, found the number 0.01; put it in quotes: tick_size = "0.01"
            t.toml:12:12: instrument.lot_size: "-1" is no step: it must be greater than 0, with at most 18 decimals, and fit 64 bits; write for example "0.01"
            t.toml:19:10: instrument.trades: "aggtrade" is not one of "auto", "aggTrade", "trade"; did you mean "aggTrade"?
            t.toml:21:1: instrument: symbol X is listed twice
            t.toml:29:15: storage.commit_rows: 0 is outside 1 to 1000000
            t.toml:30:13: storage.commit_ms: expected a whole number from 1 to 60000, found text "50"
            t.toml:31:1: storage.maxhistoryrows: unknown key; did you mean "maxHistoryRows"?
            t.toml:34:8: rings.feed: 5000 is no power of two; the nearest are 4096 and 8192
            t.toml:35:10: rings.market: 99999999999999999999 is outside 1024 to 16777216
            t.toml:38:11: core_map.profile: "share" is not one of "isolated", "shared", "folded"; did you mean "shared"?
            t.toml:39:1: core_map.thread.agents: missing; write for example agents = ["market"]
            t.toml:41:8: core_map.thread.core: -1 is outside 0 to 65535"#]],
    );
}

#[test]
fn a_format_is_one_that_can_be_read() {
    let config = parse("source.format = \"auto\"").expect("legal");
    assert_eq!(config.source.format, None);
    let error = parse("source.format = \"binance-json\"").expect_err("unknown");
    let error = error.to_string();
    assert!(
        error.contains("\"binance-json\" is not one of \"auto\""),
        "{error}"
    );
    assert!(
        error.ends_with("did you mean \"binance-jsonl\"?"),
        "{error}"
    );
}

#[test]
fn sections_of_the_wrong_shape() {
    faults(
        "source = 3",
        &expect!["t.toml:1:10: source: expected a section [source], found the number 3"],
    );
    faults(
        "[instrument]\nsymbol = \"X\"",
        &expect!["t.toml:1:1: instrument: expected a list [[instrument]], found a table"],
    );
    faults(
        "instrument = [1]\n[core_map]\nthread = 1",
        &expect![[r#"
        t.toml:1:15: instrument: expected a list [[instrument]], found the number 1
        t.toml:3:10: core_map.thread: expected a list [[core_map.thread]], found the number 1"#]],
    );
    faults(
        "[storge]\npath = \"x\"\n[zzzzzzzz]",
        &expect![[r#"
            t.toml:1:2: storge: unknown key; did you mean "storage"?
            t.toml:3:2: zzzzzzzz: unknown key; legal here: source, instrument, upstream, live, tick_store, storage, log, stats, rings, core_map"#]],
    );
    faults(
        "[tick_store]\ndir = \"\"\nsync = \"btch\"\nprefault = 1\n[log]\nlevel = []",
        &expect![[r#"
            t.toml:2:7: tick_store.dir: is no path
            t.toml:3:8: tick_store.sync: "btch" is not one of "none", "batch", "100ms"; did you mean "batch"?
            t.toml:4:12: tick_store.prefault: expected true or false, found the number 1
            t.toml:6:9: log.level: expected text, found a list"#]],
    );
}

#[test]
fn text_that_is_no_toml() {
    faults(
        "[source\nkind = \n= 3\nx = \"é\" y",
        &expect![[r#"
        t.toml:1:8: unclosed table, expected `]`
        t.toml:3:1: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
        t.toml:4:9: unexpected key or value, expected newline, `#`"#]],
    );
    faults(
        "log.keep = 1\nlog.keep = 2",
        &expect!["t.toml:2:5: duplicate key"],
    );
}

#[test]
fn nesting_has_a_bound() {
    for open in ["[", "{a=", "[{a="] {
        assert!(parse(&format!("source = {}", open.repeat(100_000))).is_err());
    }
}

#[test]
fn the_environment_overrides_and_is_checked() {
    let text = "[storage]\ncommit_rows = 10\n[[instrument]]\nsymbol='X'\nvenue='fx'\ntick_size='1'\nlot_size='1'";
    let config = with_variables(
        text,
        &[
            ("PITLANE__STORAGE__COMMIT_ROWS", "20"),
            ("PITLANE__STORAGE__MAXHISTORYROWS", " 7 "),
            ("PITLANE__SOURCE__PATHS", "a, b"),
            ("PITLANE__SOURCE__SPEED", "2x"),
            ("PITLANE__TICK_STORE__PREFAULT", "false"),
            ("PITLANE_OTHER", "1"),
            ("PATH", "/bin"),
        ],
    )
    .expect("legal");
    assert_eq!(config.storage.commit_rows, 20);
    assert_eq!(config.storage.max_history_rows, 7);
    assert_eq!(config.source.paths, [PathBuf::from("a"), "b".into()]);
    assert_eq!(config.source.speed, Speed::Times(2.0));
    assert!(!config.tick_store.prefault);

    let wrong = with_variables(
        text,
        &[
            ("PITLANE__STORAGE__COMMIT_ROWS", "many"),
            ("PITLANE__LOG__LEVEL", "inf"),
            ("PITLANE__TICK_STORE__PREFAULT", "yes"),
            ("PITLANE__STORAGE__COMIT_MS", "1"),
            ("PITLANE__INSTRUMENT__SYMBOL", "Y"),
        ],
    );
    expect![[r#"
        environment PITLANE__INSTRUMENT__SYMBOL: overrides no known key
        environment PITLANE__LOG__LEVEL: log.level: "inf" is not one of "error", "warn", "info", "debug", "trace"; did you mean "info"?
        environment PITLANE__STORAGE__COMIT_MS: overrides no known key; did you mean "PITLANE__STORAGE__COMMIT_MS"?
        environment PITLANE__STORAGE__COMMIT_ROWS: storage.commit_rows: expected a whole number from 1 to 1000000, found "many"
        environment PITLANE__TICK_STORE__PREFAULT: tick_store.prefault: expected true or false, found "yes""#]].assert_eq(&wrong.expect_err("faulty").to_string());
}

#[test]
fn a_file_that_is_not_there() {
    let error = Config::load(Path::new("/nowhere/x.toml"), &Overrides::none());
    expect!["/nowhere/x.toml: No such file or directory (os error 2)"]
        .assert_eq(&error.expect_err("unreadable").to_string());
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn mutilated_configurations_never_panic(
        at in any::<prop::sample::Index>(),
        cut in 0_usize..30,
        insert in "[\\[\\]{}=\"'.,#\n\\-0-9a-zé]{0,12}",
        value in "\\PC{0,20}",
    ) {
        let mut text: Vec<char> = Config::defaults_toml().replace("\n# ", "\n").chars().collect();
        let from = at.index(text.len());
        let to = text.len().min(from + cut);
        text.splice(from..to, insert.chars());
        let text: String = text.into_iter().collect();
        if let Err(ConfigError::Invalid(faults)) = with_variables(&text, &[("PITLANE__LOG__KEEP", &value)]) {
            prop_assert!(!faults.is_empty());
        }
    }

    #[test]
    fn integers_are_taken_exactly_in_their_range(number in any::<i64>()) {
        let config = parse(&format!("storage.commit_rows = {number}"));
        match u32::try_from(number).ok().filter(|n| (1..=1_000_000).contains(n)) {
            Some(legal) => prop_assert_eq!(config.expect("legal").storage.commit_rows, legal),
            None => prop_assert!(config.is_err()),
        }
    }
}
