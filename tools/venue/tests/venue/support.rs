//! A client of the venue as plain as can be, the bundled sample, and small captures made by hand.

use pitlane_domain::instrument::{Instrument, InstrumentTable, Symbol, Venue as Market};
use pitlane_domain::units::{Grid, WallNs};
use pitlane_edges::import::{ImportOptions, open_all, scan_instruments};
use pitlane_edges::source::{Frame, FrameSource};
use pitlane_venue::{Recorder, Recording, Settings, Venue};
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tungstenite::{Error, Message, WebSocket};

/// Longest wait for anything; nothing is asserted about how long it takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

fn sample(names: &[&str]) -> Box<dyn FrameSource> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../pitlane/sample");
    let paths: Vec<_> = names.iter().map(|name| dir.join(name)).collect();
    open_all(None, &paths, &ImportOptions::default()).unwrap()
}

pub const SPOT: [&str; 2] = [
    "binance-spot-btcusdt-20240808.gz",
    "binance-spot-btcusdt-20240809.gz",
];
pub const USDM: [&str; 1] = ["binance-usdm-btcusdt-20240808.gz"];

/// The sample's instruments.
pub fn table(names: &[&str]) -> InstrumentTable {
    let mut table = InstrumentTable::default();
    for (found, at) in scan_instruments(sample(names).as_mut())
        .unwrap()
        .iter()
        .zip(0..)
    {
        let ours = format!("{}-{at}", found.symbol);
        table
            .add(Instrument {
                symbol: Symbol::new(ours.as_bytes()).unwrap(),
                venue_symbol: found.symbol,
                venue: found.venue,
                tick_size: found.tick_size,
                lot_size: found.lot_size,
            })
            .unwrap();
    }
    table
}

pub fn recorded(names: &[&str]) -> Recording {
    Recording::read(sample(names).as_mut(), table(names)).unwrap()
}

/// Every frame of the sample that is a message of a stream, without what a combined connection wraps around it.
pub fn messages(names: &[&str], streams: &[&str]) -> Vec<(String, String)> {
    let mut source = sample(names);
    let mut found = Vec::new();
    while let Some(frame) = source.next().unwrap() {
        let name = std::str::from_utf8(frame.stream).unwrap();
        if streams.contains(&name) {
            let text = std::str::from_utf8(frame.bytes).unwrap();
            let head = format!(r#"{{"stream":"{name}","data":"#);
            let text = text
                .strip_prefix(&head)
                .map_or(text, |rest| rest.strip_suffix('}').unwrap());
            found.push((name.to_owned(), text.to_owned()));
        }
    }
    found
}

/// BTCUSDT of spot, with whole prices and quantities.
pub fn plain_table() -> InstrumentTable {
    let mut table = InstrumentTable::default();
    let symbol = Symbol::new(b"BTCUSDT").unwrap();
    let row = Instrument {
        symbol,
        venue_symbol: symbol,
        venue: Market::BinanceSpot,
        tick_size: Grid::UNIT,
        lot_size: Grid::UNIT,
    };
    table.add(row).unwrap();
    table
}

pub const TRADE: &str = "btcusdt@trade";
pub const DIFF: &str = "btcusdt@depth@100ms";

pub fn trade(id: u64) -> String {
    let ms = 1_700_000_000_000 + id * 1000;
    format!(
        r#"{{"e":"trade","E":{ms},"s":"BTCUSDT","t":{id},"p":"{}","q":"2","T":{ms},"m":{},"M":true}}"#,
        100 + id % 7,
        id.is_multiple_of(2)
    )
}

/// A capture of raw frames, a second apart.
pub fn tape(frames: &[(&str, String)]) -> Recording {
    let mut recorder = Recorder::new(plain_table());
    for ((stream, text), at) in frames.iter().zip(0..) {
        recorder
            .push(&Frame {
                ts_recv: WallNs::from_ms(1_700_000_000_000 + at * 1000),
                venue: Market::BinanceSpot,
                stream: stream.as_bytes(),
                bytes: text.as_bytes(),
            })
            .unwrap();
    }
    recorder.finish().unwrap()
}

/// Trades with ids from 1 on.
pub fn trades(count: u64) -> Recording {
    let frames: Vec<_> = (1..=count).map(|id| (TRADE, trade(id))).collect();
    tape(&frames)
}

pub fn open(recording: Recording) -> Venue {
    Venue::open(recording, Settings::default()).unwrap()
}

pub fn open_with(recording: Recording, faults: &[&str]) -> Venue {
    let settings = Settings {
        faults: faults.iter().map(|rule| rule.parse().unwrap()).collect(),
        ..Settings::default()
    };
    Venue::open(recording, settings).unwrap()
}

/// A WebSocket client.
pub struct Client(pub WebSocket<TcpStream>);

impl Client {
    pub fn connect(addr: SocketAddr, path: &str) -> Self {
        Self::try_connect(addr, path).unwrap()
    }

    pub fn try_connect(addr: SocketAddr, path: &str) -> Result<Self, Error> {
        let tcp = TcpStream::connect(addr)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tungstenite::client(format!("ws://{addr}{path}"), tcp)
            .map(|(socket, _)| Self(socket))
            .map_err(|error| match error {
                tungstenite::HandshakeError::Failure(error) => error,
                tungstenite::HandshakeError::Interrupted(_) => {
                    Error::Io(ErrorKind::WouldBlock.into())
                }
            })
    }

    pub fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    /// The next text; `None` when the connection is over.
    pub fn next(&mut self) -> Option<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "nothing but pings came");
            match self.0.read() {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    panic!("nothing came")
                }
                Err(_) => return None,
            }
        }
    }

    /// The next text that is a reply to a command.
    pub fn reply(&mut self) -> String {
        loop {
            let text = self.next().unwrap();
            if text.contains("\"id\":") && !text.contains("\"e\":") {
                return text;
            }
        }
    }

    /// Ids of the trades that come until `count` have come or the connection is over.
    pub fn ids(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let Some(text) = self.next() else { break };
            let event: Value = serde_json::from_str(&text).unwrap();
            let event = event.get("data").unwrap_or(&event);
            ids.extend(event["t"].as_u64());
        }
        ids
    }

    /// The code of the close frame with which the connection ends; `None` if it ends without.
    pub fn closed_with(&mut self) -> Option<u16> {
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "it stays open");
            match self.0.read() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

/// An answer of REST.
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

pub fn ask(addr: SocketAddr, method: &str, target: &str) -> Got {
    let mut tcp = TcpStream::connect(addr).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        tcp,
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    tcp.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Got {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

pub fn get(addr: SocketAddr, target: &str) -> Got {
    ask(addr, "GET", target)
}

/// Waits until the whole capture has been played and written.
pub fn played(venue: &Venue) {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = venue.status();
        if status.finished && status.drained {
            return;
        }
        assert!(Instant::now() < until, "{status:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
