//! One WebSocket connection: messages from its queue, commands from the client, pings in between.

use crate::api;
use crate::clients::{Client, Data, Item};
use crate::commands::{self, Session};
use crate::faults::{Answer, Harm};
use crate::fx;
use crate::http::{self, Reply, Request, Wire};
use crate::misbehave;
use crate::shared::{Shared, lock};
use pitlane_domain::instrument::Venue;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tungstenite::error::Error;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data as Text, OpCode};
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

/// Most messages written before the client is listened to again.
const BATCH: usize = 256;
/// How long a quiet connection waits for a message before it listens to the client.
const PATIENCE: Duration = Duration::from_millis(4);
/// Longest message of a client.
const MESSAGE_MAX: usize = 64 << 10;
/// How long a client may take to answer a close.
const GOODBYE: Duration = Duration::from_secs(1);
/// The window of the limit of connections.
const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// Connections opened lately.
#[derive(Debug, Default)]
pub(crate) struct Connects(VecDeque<Instant>);

impl Connects {
    fn allows(&mut self, most: usize, now: Instant) -> bool {
        while self.0.front().is_some_and(|at| now - *at >= FIVE_MINUTES) {
            self.0.pop_front();
        }
        let allowed = self.0.len() < most;
        if allowed {
            self.0.push_back(now);
        }
        allowed
    }
}

/// What the path of a handshake asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Address {
    venue: Venue,
    combined: bool,
    streams: Vec<String>,
}

/// Reads an address: any base in front, then `/ws`, `/ws/<stream>/..` or `/stream?streams=`.
fn address(request: &Request, main: Venue) -> Option<Address> {
    let mut venue = main;
    let mut parts = request.path.split('/').filter(|part| !part.is_empty());
    let combined = loop {
        match parts.next()? {
            "ws" => break false,
            "fx" => {
                venue = Venue::Fx;
                break false;
            }
            "stream" => break true,
            "public" | "market" | "private" | "fapi" => venue = Venue::BinanceUsdm,
            "dapi" => venue = Venue::BinanceCoinm,
            "spot" => venue = Venue::BinanceSpot,
            _ => return None,
        }
    };
    let listed = request.get("streams").unwrap_or_default();
    let streams = if combined {
        listed.split('/').map(str::to_owned).collect()
    } else {
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    Some(Address {
        venue,
        combined,
        streams: streams
            .into_iter()
            .filter(|name| !name.is_empty())
            .collect(),
    })
}

/// Whether requests are answered under a path, and no streams are sent.
fn is_api(path: &str) -> bool {
    path.trim_end_matches('/').ends_with("/ws-api/v3")
}

/// Does the handshake and stays until the connection ends.
pub(crate) fn run(
    mut wire: Box<dyn Wire>,
    ahead: Vec<u8>,
    request: &Request,
    shared: &Arc<Shared>,
    id: u64,
) -> io::Result<()> {
    let is_api = is_api(&request.path);
    let address = if is_api {
        Some(Address {
            venue: Venue::BinanceSpot,
            combined: false,
            streams: Vec::new(),
        })
    } else {
        address(request, shared.recording.main_venue())
    };
    let Some(address) = address else {
        let reply = Reply::error(404, -1000, "No stream is served under this path.");
        return http::write(&mut wire, &reply, false);
    };
    let fault = lock(&shared.faults).on_handshake(Instant::now());
    match fault {
        Some(Answer::Status { code, retry }) => {
            let reply = Reply::error(code, -1003, "No handshake now.")
                .with("Retry-After", u64::from(retry));
            return http::write(&mut wire, &reply, false);
        }
        Some(Answer::Slow(delay)) => std::thread::sleep(delay),
        Some(Answer::Bad(bad)) => {
            let reply = Reply::error(200, -1000, "No handshake.");
            return misbehave::answer(&mut wire, &reply, bad);
        }
        Some(Answer::Snapshot(_)) | None => {}
    }
    let settings = &shared.settings;
    let most = settings.connects_per_five_minutes;
    if !lock(&shared.connects).allows(most, Instant::now()) {
        let reply = Reply::error(
            429,
            -1003,
            "Too many connections; the limit is per 5 minutes.",
        );
        return http::write(&mut wire, &reply.with("Retry-After", 300), false);
    }
    let key = request.upgrade.as_deref().unwrap_or_default();
    let accept = derive_accept_key(key.as_bytes());
    write!(
        wire,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    wire.flush()?;
    let client = Arc::new(Client::new(id, address.venue, wire.tcp().try_clone()?));
    let config = WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let socket = WebSocket::from_partially_read(wire, ahead, Role::Server, Some(config));
    shared.counts.clients.fetch_add(1, Ordering::Relaxed);
    lock(&shared.hub).join(&client);
    let mut session = Session::new(Arc::clone(&client), address.combined);
    session.subscribe(shared, &address.streams);
    Talk::new(socket, shared, session, is_api).run();
    shared.leave(&client);
    Ok(())
}

/// Why a connection is over.
enum End {
    /// Nothing can be said any more.
    Gone,
    /// It is to be closed with this code and reason.
    Close(u16, &'static str),
}

impl From<Error> for End {
    fn from(_: Error) -> Self {
        Self::Gone
    }
}

struct Talk<'a> {
    /// Requests are answered, instead of streams sent.
    is_api: bool,
    socket: WebSocket<Box<dyn Wire>>,
    shared: &'a Shared,
    session: Session,
    opened: Instant,
    pinged: Instant,
    /// The ping that is not answered yet.
    awaited: Option<(Instant, Vec<u8>)>,
    heard: VecDeque<Instant>,
    items: Vec<Item>,
}

impl<'a> Talk<'a> {
    fn new(
        socket: WebSocket<Box<dyn Wire>>,
        shared: &'a Shared,
        session: Session,
        is_api: bool,
    ) -> Self {
        let now = Instant::now();
        Self {
            is_api,
            socket,
            shared,
            session,
            opened: now,
            pinged: now,
            awaited: None,
            heard: VecDeque::new(),
            items: Vec::with_capacity(BATCH),
        }
    }

    fn run(mut self) {
        let greeting = self.greet();
        let end = loop {
            if let Err(end) = greeting {
                break end;
            }
            if let Err(end) = self.round() {
                break end;
            }
        };
        if let End::Close(code, reason) = end {
            self.goodbye(code, reason);
        }
    }

    fn is_gateway(&self) -> bool {
        self.session.client.venue == Venue::Fx
    }

    /// An FX gateway speaks first.
    fn greet(&mut self) -> Result<(), End> {
        if self.is_gateway() {
            for message in fx::greeting(self.shared) {
                self.text(message.into_bytes())?;
            }
            self.socket.flush()?;
        }
        Ok(())
    }

    /// Sends what waits, listens, and looks at the clock.
    fn round(&mut self) -> Result<(), End> {
        let client = Arc::clone(&self.session.client);
        client.outbox.take(&mut self.items, BATCH, PATIENCE);
        let items = std::mem::take(&mut self.items);
        if !items.is_empty() {
            for item in &items {
                self.send(item)?;
            }
            self.socket.flush()?;
        }
        self.items = items;
        self.items.clear();
        self.listen()?;
        self.clock()
    }

    fn send(&mut self, item: &Item) -> Result<(), End> {
        match item {
            Item::Send { name, data, harm } => {
                match harm {
                    Some(harm) => self.harmed(name, data, *harm)?,
                    None => self.text(self.frame(name, data))?,
                }
                self.session.client.sent.fetch_add(1, Ordering::Relaxed);
                self.shared.sent(name);
                Ok(())
            }
            Item::Shutdown => self.shutdown(),
            Item::Close(code) => Err(End::Close(*code, "")),
        }
    }

    /// The frame of a message as this connection wants it.
    fn frame(&self, name: &str, data: &Data) -> Vec<u8> {
        let data: &[u8] = match data {
            Data::Recorded(event) => self.shared.recording.data(*event as usize),
            Data::Made(data) => data,
        };
        if self.session.combined {
            let mut frame = Vec::with_capacity(data.len() + name.len() + 24);
            frame.extend_from_slice(br#"{"stream":""#);
            frame.extend_from_slice(name.as_bytes());
            frame.extend_from_slice(br#"","data":"#);
            frame.extend_from_slice(data);
            frame.push(b'}');
            frame
        } else {
            data.to_vec()
        }
    }

    /// Sends a message to which a fault has done something.
    fn harmed(&mut self, name: &str, data: &Data, harm: Harm) -> Result<(), End> {
        let plain: &[u8] = match data {
            Data::Recorded(event) => self.shared.recording.data(*event as usize),
            Data::Made(data) => data,
        };
        let mut bytes = match harm.data(plain) {
            Some(changed) => self.frame(name, &Data::Made(Arc::from(changed))),
            None => self.frame(name, data),
        };
        harm.whole(&mut bytes);
        let mut code = OpCode::Data(Text::Text);
        match harm {
            Harm::Huge(blanks) => {
                self.socket.flush()?;
                return misbehave::huge_frame(self.socket.get_mut(), &bytes, blanks)
                    .map_err(|_| End::Gone);
            }
            Harm::Torn => {
                self.socket.flush()?;
                let _ = misbehave::torn_frame(self.socket.get_mut(), &bytes);
                return Err(End::Gone);
            }
            Harm::Binary => code = OpCode::Data(Text::Binary),
            _ => {}
        }
        let mut frame = Frame::message(bytes, code, true);
        // Only a compression that was agreed on may set it.
        frame.header_mut().rsv1 = harm == Harm::Compressed;
        Ok(self.socket.write(Message::Frame(frame))?)
    }

    /// Sends bytes as a text frame, whatever they are: a capture may hold frames that are no text.
    fn text(&mut self, bytes: Vec<u8>) -> Result<(), End> {
        let frame = Frame::message(bytes, OpCode::Data(Text::Text), true);
        Ok(self.socket.write(Message::Frame(frame))?)
    }

    fn shutdown(&mut self) -> Result<(), End> {
        let ms = self.shared.now().ms();
        let event = format!(r#"{{"e":"serverShutdown","E":{ms}}}"#);
        let data = Data::Made(Arc::from(event.into_bytes()));
        let bytes = self.frame("!serverShutdown", &data);
        self.text(bytes)
    }

    fn listen(&mut self) -> Result<(), End> {
        self.blocking(false)?;
        let heard = loop {
            match self.socket.read() {
                Ok(message) => {
                    if let Err(end) = self.hear(message) {
                        break Err(end);
                    }
                }
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(_) => break Err(End::Gone),
            }
        };
        self.blocking(true)?;
        heard?;
        // A pong or a reply may wait.
        Ok(self.socket.flush()?)
    }

    fn blocking(&self, blocking: bool) -> Result<(), End> {
        let tcp = self.socket.get_ref().tcp();
        tcp.set_nonblocking(!blocking).map_err(|_| End::Gone)
    }

    fn hear(&mut self, message: Message) -> Result<(), End> {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        while self.heard.front().is_some_and(|at| now - *at >= second) {
            self.heard.pop_front();
        }
        self.heard.push_back(now);
        // Requests have weights instead, and a gateway is asked for many pairs at once.
        let is_limited = !self.is_api && !self.is_gateway();
        if is_limited && self.heard.len() > self.shared.settings.messages_per_second {
            return Err(End::Close(1008, "Too many requests"));
        }
        match message {
            Message::Text(text) if self.is_gateway() => {
                match fx::answer(self.shared, &mut self.session, text.as_str()) {
                    Some(reply) => self.text(reply.into_bytes()),
                    None => Ok(()),
                }
            }
            Message::Text(text) => {
                let reply = if self.is_api {
                    api::answer(self.shared, text.as_str())
                } else {
                    commands::answer(self.shared, &mut self.session, text.as_str())
                };
                self.text(reply.into_bytes())
            }
            Message::Pong(payload) => {
                if self
                    .awaited
                    .as_ref()
                    .is_some_and(|(_, sent)| sent[..] == payload[..])
                {
                    self.awaited = None;
                }
                Ok(())
            }
            Message::Binary(_) => Err(End::Close(1003, "Text only")),
            // Answered by the library.
            Message::Ping(_) | Message::Close(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn clock(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let settings = &self.shared.settings;
        if let Some((since, _)) = self.awaited
            && now - since >= settings.pong_within
        {
            return Err(End::Close(1008, "Pong timeout"));
        }
        if now - self.opened >= settings.lifetime {
            self.shutdown()?;
            return Err(End::Close(1001, "Connection lifetime"));
        }
        if now - self.pinged >= settings.ping_every {
            self.pinged = now;
            let payload = self.shared.now().ms().to_string().into_bytes();
            self.socket.write(Message::Ping(payload.clone().into()))?;
            self.socket.flush()?;
            self.awaited.get_or_insert((now, payload));
        }
        Ok(())
    }

    /// Closes in order: the close frame, and a moment for the answer.
    fn goodbye(&mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        };
        let tcp = self.socket.get_ref().tcp();
        tcp.set_read_timeout(Some(GOODBYE)).ok();
        if self.socket.close(Some(frame)).is_err() || self.socket.flush().is_err() {
            return;
        }
        let until = Instant::now() + GOODBYE;
        while Instant::now() < until && self.socket.read().is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_documented_form() {
        let check = |target: &str, expected: Option<(Venue, bool, &[&str])>| {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let request = Request {
                path: path.to_owned(),
                parameters: http::parameters(query),
                ..Request::default()
            };
            let expected = expected.map(|(venue, combined, streams)| Address {
                venue,
                combined,
                streams: streams.iter().map(|&name| name.to_owned()).collect(),
            });
            assert_eq!(address(&request, Venue::BinanceSpot), expected, "{target}");
        };
        let (spot, usdm) = (Venue::BinanceSpot, Venue::BinanceUsdm);
        check("/ws", Some((spot, false, &[])));
        check("/ws/", Some((spot, false, &[])));
        check("/ws/0", Some((spot, false, &["0"])));
        check(
            "/ws/a@trade/b@depth",
            Some((spot, false, &["a@trade", "b@depth"])),
        );
        check("/stream", Some((spot, true, &[])));
        check("/stream?streams=", Some((spot, true, &[])));
        check(
            "/stream?streams=a@trade/b@depth&timeUnit=MICROSECOND",
            Some((spot, true, &["a@trade", "b@depth"])),
        );
        check("/public/ws/a@trade", Some((usdm, false, &["a@trade"])));
        check("/market/stream?streams=a", Some((usdm, true, &["a"])));
        check("/fx", Some((Venue::Fx, false, &[])));
        check("/dapi/ws", Some((Venue::BinanceCoinm, false, &[])));
        check("/api/v3/ping", None);
        check("/", None);
    }

    #[test]
    fn connections_are_counted_over_five_minutes() {
        let from = Instant::now();
        let at = |s| from + Duration::from_secs(s);
        let mut connects = Connects::default();
        assert!(connects.allows(2, at(0)) && connects.allows(2, at(1)));
        assert!(!connects.allows(2, at(299)));
        assert!(connects.allows(2, at(300)));
        assert!(!connects.allows(2, at(300)));
    }
}
