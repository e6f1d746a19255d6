//! `pitlane venue` as a process: it says where it listens, answers there, and ends in order.

use crate::support::{expect_code, pitlane, said, sample};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

struct Running {
    child: Child,
    told: Value,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = pitlane()
            .arg("venue")
            .arg(sample("binance-spot-btcusdt-20240808.gz"))
            .args(["--json", "--quiet"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        Self {
            told: serde_json::from_str(&line).unwrap(),
            child,
        }
    }

    fn get(&self, target: &str) -> Value {
        let addr = self.told["http"].as_str().unwrap();
        let addr = addr.strip_prefix("http://").unwrap();
        let mut tcp = TcpStream::connect(addr).unwrap();
        write!(tcp, "GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    fn signal(&mut self, name: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code()
    }

    /// The same signal again and again until it ends, as who is told by its terminal and by its parent.
    fn signal_often(&mut self, name: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        loop {
            let _ = Command::new("kill").args([name, &id, &id]).status();
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
        }
    }
}

/// A test that fails leaves no venue behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_serves_until_it_is_told_to_end() {
    for (signal, code) in [("-TERM", 0), ("-INT", 130)] {
        let mut venue = Running::start(&["--fault", "drop:on=depth,every=10"]);
        assert_eq!(venue.told["frames"], 41_249);
        assert_eq!(venue.told["streams"].as_array().unwrap().len(), 3);
        let status = venue.get("/venue/status");
        assert_eq!(status["position"], 0);
        assert_eq!(status["faults"][0]["rule"], "drop:on=depth,every=10");
        let info = venue.get("/api/v3/exchangeInfo");
        assert_eq!(info["symbols"][0]["symbol"], "BTCUSDT");
        assert_eq!(venue.signal(signal), Some(code));
        let mut venue = Running::start(&[]);
        assert_eq!(venue.signal_often(signal), Some(code));
    }
}

#[test]
fn it_begins_where_it_is_told() {
    let depth = "/api/v3/depth?symbol=BTCUSDT&limit=5";
    let at = |skip: &str| {
        let venue = Running::start(&["--skip", skip]);
        let id = venue.get(depth)["lastUpdateId"].as_u64().unwrap();
        let trades = venue.get("/api/v3/trades?symbol=BTCUSDT&limit=1");
        let position = venue.get("/venue/status")["position"].clone();
        (position, id, trades.as_array().unwrap().len())
    };
    let (start, middle, end) = (at("0"), at("20000"), at("99999999"));
    assert_eq!([&start.0, &middle.0, &end.0], [0, 20_000, 41_249]);
    // What counts as played is known.
    assert!(start.1 < middle.1 && middle.1 < end.1);
    assert_eq!([start.2, middle.2, end.2], [0, 1, 1]);
}

#[test]
fn what_makes_no_sense_is_said() {
    let check = |arguments: &[&str], code: i32, what: &str| {
        let output = expect_code(pitlane().arg("venue").args(arguments), code);
        assert!(said(&output).contains(what), "{}", said(&output));
    };
    check(&["--speed", "fast"], 2, "--speed fast: max, or a multiple");
    check(&["--fault", "lose"], 2, "no such kind; there are drop");
    check(&["--start", "soon"], 2, "now, first-client, or a number");
    check(&["nowhere.plcap"], 2, "nowhere.plcap does not exist");
    check(&["."], 2, "is a directory");
    check(&["--bind", "192.0.2.1"], 1, "cannot listen on 192.0.2.1:0");
}
