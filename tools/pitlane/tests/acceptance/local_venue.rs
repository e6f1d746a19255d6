//! `pitlane venue` as a process: it says where it listens, answers there, and ends in order.

use crate::scene::{Run, SPOT, Venue, faults};
use crate::support::{expect_code, pitlane, said, sample, samples};
use std::path::PathBuf;

#[test]
fn it_serves_until_it_is_told_to_end() {
    for (signal, code) in [("-TERM", 0), ("-INT", 130)] {
        let venue = Venue::start(&[sample(SPOT)], &faults(&["drop:on=depth,every=10"]));
        assert_eq!(venue.told["frames"], 41_249);
        assert_eq!(venue.told["streams"].as_array().unwrap().len(), 3);
        let status = venue.status();
        assert_eq!(status["position"], 0);
        assert_eq!(status["faults"][0]["rule"], "drop:on=depth,every=10");
        let info = venue.ask("GET", "/api/v3/exchangeInfo").unwrap();
        assert_eq!(info["symbols"][0]["symbol"], "BTCUSDT");
        assert_eq!(venue.process.end(signal).status.code(), Some(code));
        let venue = Venue::start(&[sample(SPOT)], &[]);
        assert_eq!(venue.process.end_often(signal), Some(code));
    }
}

#[test]
fn it_begins_where_it_is_told() {
    let depth = "/api/v3/depth?symbol=BTCUSDT&limit=5";
    let at = |skip: &str| {
        let venue = Venue::start(&[sample(SPOT)], &["--skip", skip]);
        let id = venue.ask("GET", depth).unwrap()["lastUpdateId"]
            .as_u64()
            .unwrap();
        let trades = venue
            .ask("GET", "/api/v3/trades?symbol=BTCUSDT&limit=1")
            .unwrap();
        let position = venue.status()["position"].clone();
        (position, id, trades.as_array().unwrap().len())
    };
    let (start, middle, end) = (at("0"), at("20000"), at("99999999"));
    assert_eq!([&start.0, &middle.0, &end.0], [0, 20_000, 41_249]);
    // What counts as played is known.
    assert!(start.1 < middle.1 && middle.1 < end.1);
    assert_eq!([start.2, middle.2, end.2], [0, 1, 1]);
}

/// Spot and futures on two connections, over TLS, and an FX gateway.
#[test]
fn an_engine_listens_with_the_configuration_it_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let ticks = PathBuf::from(path("ticks.csv"));
    let lines = "timestamp,symbol,bid,ask\n1399420800000,EURUSD,1.39281,1.39291\n";
    std::fs::write(&ticks, lines).unwrap();
    let tls = ["--tls", "self", "--tls-ca-out", &path("ca.pem")];
    for (files, options, connections) in [(samples(), &tls[..], 2), (vec![ticks], &[], 1)] {
        let config = path("live.toml");
        let venue = Venue::start(&files, &[options, &["--config-out", &config]].concat());
        let run = Run::adapted(dir.path(), config.as_ref(), |command| {
            command
                .env("PITLANE__STATS__DIR", path("stats"))
                .env(
                    "PITLANE__TICK_STORE__DIR",
                    path(&format!("ticks{connections}")),
                )
                .env("PITLANE__STORAGE__PATH", path(&format!("{connections}.db")))
                .env("PITLANE__LOG__DIR", path("logs"));
        });
        run.until_number("connections_active", connections);
        let report = run.stop();
        assert_eq!(
            report["live"]["connects"], connections,
            "{}",
            report["live"]
        );
        drop(venue);
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    let check = |arguments: &[&str], code: i32, what: &str| {
        let output = expect_code(pitlane().arg("venue").args(arguments), code);
        assert!(said(&output).contains(what), "{}", said(&output));
    };
    check(&["--speed", "fast"], 2, "--speed fast: max, or a multiple");
    check(&["--fault", "lose"], 2, "no such kind; there are drop");
    check(
        &["--tls", "self", "--config-out", "live.toml"],
        2,
        "--config-out with --tls needs --tls-ca-out FILE",
    );
    check(&["--start", "soon"], 2, "now, first-client, or a number");
    check(&["nowhere.plcap"], 2, "nowhere.plcap does not exist");
    check(&["."], 2, "is a directory");
    check(&["--bind", "192.0.2.1"], 1, "cannot listen on 192.0.2.1:0");
}
