//! A venue on this machine: captures played on the market data surface of Binance, WebSocket and REST.
//!
//! It is for tests and for looking at clients, and it is cold: a thread a connection, locks, allocation as needed.
//! What it sends are the recorded bytes, and what it answers is computed from them up to its position in the capture:
//! it invents no market. Where the surface needs something that the capture lacks, `docs/venue.md` says what it does.
//! Faults happen only on command, by number or by seed, so that a run with faults can be repeated.
#![forbid(unsafe_code)]

mod api;
mod books;
mod clients;
mod commands;
pub mod copies;
mod derive;
pub mod faults;
mod fx;
mod http;
mod interval;
mod listener;
mod misbehave;
mod player;
mod recording;
mod rest;
mod session;
mod settings;
mod shared;
mod status;
mod streams;
mod text;
pub mod tls;
mod trades;
mod weights;

pub use recording::{BYTES_MAX, EVENTS_MAX, Recorder, Recording, RecordingError};
pub use settings::{AtEnd, Settings, Speed, Start};
pub use status::Status;

use shared::{Shared, lock};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A venue that is open. Dropping it closes it.
pub struct Venue {
    shared: Arc<Shared>,
    addr: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

impl Venue {
    /// Opens the venue: it listens when this returns.
    pub fn open(recording: Recording, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.bind)?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(recording, settings, addr));
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(run)
        };
        let (for_player, for_listener) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            spawn("player", Box::new(move || player::run(&for_player)))?,
            spawn(
                "listener",
                Box::new(move || listener::run(listener, &for_listener)),
            )?,
        ];
        Ok(Self {
            shared,
            addr,
            threads,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Base of its REST addresses, such as `http://127.0.0.1:8080`.
    pub fn http(&self) -> String {
        format!("http{}://{}", self.shared.settings.s(), self.addr)
    }

    /// Base of its WebSocket addresses.
    pub fn ws(&self) -> String {
        format!("ws{}://{}", self.shared.settings.s(), self.addr)
    }

    /// What it has done so far.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Adds a fault while it runs.
    pub fn add_fault(&self, rule: faults::Rule) {
        lock(&self.shared.faults).add(rule);
    }

    /// Takes all faults away; what they did stays counted.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Drops all connections without a word and listens again after `pause`, on the same port.
    pub fn restart(&self, pause: Duration) {
        self.shared.restart(pause);
    }

    /// Whether it has closed by itself, as `AtEnd::Exit` asks.
    pub fn is_closed(&self) -> bool {
        self.shared.is_stopped()
    }

    /// Tells every client that it closes, closes, and waits for its threads.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.end();
    }
}
