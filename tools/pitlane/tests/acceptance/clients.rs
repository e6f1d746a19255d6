//! Other people's clients, unmodified, against `pitlane venue` with the bundled sample.
//!
//! Each program of `tools/venue/tests/clients` compares what its client saw with its own reading of the sample's files.

use crate::scene::{Venue, faults};
use crate::support::{expect_code, json, sample};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Plays the sample so fast that a client sees enough of it, and so slowly that it sees no end.
fn open(more: &[&str]) -> Venue {
    Venue::start(&[], &[&["--speed", "5x", "--start", "now"], more].concat())
}

/// A file of the environment that `scripts/clients` makes; says so if it is not there.
fn environment(name: &str, file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PITLANE_CLIENTS").filter(|path| !path.is_empty());
    let Some(root) = root else {
        println!("skipped: PITLANE_CLIENTS names no folder of clients (scripts/test sets it)");
        return None;
    };
    let home = PathBuf::from(root).join(name);
    // It is written last.
    if !home.join("made-from").exists() {
        println!(
            "skipped: {} has no client; see scripts/clients",
            home.display()
        );
        return None;
    }
    Some(home.join(file))
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../venue/tests/clients")
        .join(name)
}

fn python(client: &str, script: &str) -> Option<Command> {
    let mut command = Command::new(environment(client, "bin/python")?);
    command.arg(program(script));
    Some(command)
}

fn node(script: &str) -> Option<Command> {
    let modules = environment("node", "node_modules")?;
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules).arg(program(script));
    Some(command)
}

/// Gives a program the venue's addresses and the files it plays.
fn point(client: &mut Command, venue: &Venue) {
    // Whatever the machine says of proxies is not meant for this host.
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        client.env_remove(name).env_remove(name.to_uppercase());
    }
    client
        .args(["--rest", venue.url("http"), "--ws", venue.url("ws")])
        .arg(sample("binance-spot-btcusdt-20240808.gz"))
        .arg(sample("binance-spot-btcusdt-20240809.gz"));
}

/// Runs a program to its end; it exits with 0 only if all it checked holds.
fn check(mut client: Command, venue: &Venue) {
    point(&mut client, venue);
    let found = json(&mut client);
    assert!(found["checks"].as_u64() > Some(40), "{found}");
    println!("{found}");
}

/// The programs are no good if they say the same of a venue that is wrong.
#[test]
fn what_is_wrong_is_noticed() {
    let programs = [
        python("python-binance", "check_python_binance.py"),
        node("check_node_binance.mjs"),
    ];
    for mut client in programs.into_iter().flatten() {
        let venue = open(&faults(&[
            "wrong-snapshot:how=quantity,times=2",
            "duplicate:on=trade,every=3",
        ]));
        point(&mut client, &venue);
        let output = expect_code(&mut client, 1);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let failed = found["failed"].to_string();
        assert!(failed.contains("depth"), "{found}");
    }
}

#[test]
fn python_binance_is_served() {
    let Some(client) = python("python-binance", "check_python_binance.py") else {
        return;
    };
    check(client, &open(&[]));
}

#[test]
fn ccxt_is_served() {
    let Some(client) = python("ccxt", "check_ccxt.py") else {
        return;
    };
    check(client, &open(&[]));
}

#[test]
fn the_official_python_client_is_served() {
    let Some(client) = python("binance-sdk-spot", "check_sdk_spot.py") else {
        return;
    };
    check(client, &open(&[]));
}

#[test]
fn binance_of_npm_is_served() {
    let Some(client) = node("check_node_binance.mjs") else {
        return;
    };
    check(client, &open(&[]));
}

#[test]
fn node_binance_api_is_served() {
    let Some(client) = node("check_node_binance_api.mjs") else {
        return;
    };
    check(client, &open(&[]));
}

/// The same program, as it is, with every request and stream over TLS.
#[test]
fn python_binance_is_served_over_tls() {
    let Some(mut client) = python("python-binance", "check_python_binance.py") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let authority = dir.path().join("ca.pem");
    let venue = open(&["--tls", "self", "--tls-ca-out", authority.to_str().unwrap()]);
    assert!(venue.url("http").starts_with("https://") && venue.url("ws").starts_with("wss://"));
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        client.env(name, &authority);
    }
    client.env_remove("SSL_CERT_DIR");
    check(client, &venue);
}

#[test]
fn strangers_to_the_authority_are_not_served() {
    let Some(mut client) = python("python-binance", "check_tls.py") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let authority = dir.path().join("ca.pem");
    let venue = open(&["--tls", "self", "--tls-ca-out", authority.to_str().unwrap()]);
    client.arg("--authority").arg(&authority);
    check(client, &venue);
}
