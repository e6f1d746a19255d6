//! One WebSocket connection to a venue: read without waiting, answered, limited, and closed with a reason.

use mio::event::Source;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Message, Utf8Bytes, WebSocket};

use super::cause::Cause;
use super::ear::{Ear, Place};
use super::wire::Wire;
use crate::source::FRAME_BYTES_MAX;

/// What one read of the kernel asks for. The library clears as much before each, so the default of 128 KiB more than
/// doubles what a lone frame costs, and less than this costs bursts (bench `socket`) more system calls.
const READ_BYTES: usize = 16 * 1024;
/// Most bytes that may wait in the library because the venue does not take them: answers to pings, above all.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Venues count everything a client sends in a second, answers to pings included, and hang up at the sixth.
const SENDS_PER_SECOND: usize = 5;
/// So many of them may be texts; the last is kept for the answer to a ping.
const TEXTS_PER_SECOND: usize = SENDS_PER_SECOND - 1;
const SECOND_NS: u64 = 1_000_000_000;
/// Most texts that wait for their turn: several minutes of sending.
pub const TEXTS_WAITING_MAX: usize = 1024;

/// An open connection. It never waits; the caller owns time and passes it, in nanoseconds of any clock that does not go back.
///
/// Call [`Connection::read`] while [`Connection::is_ready`] until it gives [`Event::Idle`], and [`Connection::turn`] now
/// and then (every 100 ms will do) even when nothing comes, so that waiting texts go out.
pub struct Connection {
    socket: WebSocket<Wire>,
    place: Option<Place>,
    /// The socket may hold more: the last read did not end with nothing.
    undrained: bool,
    /// The last write did not go out whole.
    stuck: bool,
    /// The text that was read last; its bytes are lent out until the next read.
    text: Utf8Bytes,
    /// We have said goodbye first.
    leaving: bool,
    closed: Option<Closed>,
    waiting: VecDeque<String>,
    /// When the last few messages were sent, oldest first.
    sent: VecDeque<u64>,
    last_heard: u64,
    peer: SocketAddr,
}

/// What a read found.
#[derive(Debug)]
pub enum Event<'a> {
    /// A whole text message, pieces put together.
    Text(&'a [u8]),
    /// A ping (already answered) or a pong. There may be more.
    Control,
    /// Nothing for now.
    Idle,
    /// A message that is not used, and why. Unless it is [`Refused::Binary`] the next event is [`Event::Closed`].
    Refused(Refused),
    /// The connection has ended and gives nothing any more.
    Closed(&'a Closed),
}

/// Why a message is not used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refused {
    /// A binary message; no venue's market data is binary. The connection stays.
    Binary,
    /// Longer than [`FRAME_BYTES_MAX`], in one frame or in pieces.
    TooLarge,
    /// A reserved bit is set: compressed, which was not agreed on.
    Compressed,
    /// Text that is not UTF-8.
    NotUtf8,
}

/// Why a connection has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Closed {
    /// The venue said goodbye. Code 1005 stands for none given.
    Venue {
        /// Close code (RFC 6455, section 7.4).
        code: u16,
        /// The venue's words.
        reason: String,
    },
    /// We said goodbye, and the venue has hung up.
    Us,
    /// The venue hung up without a word.
    Eof,
    /// The system or TLS reported an error.
    Io(io::ErrorKind, String),
    /// The venue broke the protocol.
    Protocol(String),
    /// The venue sent what cannot be read on from.
    Refused(Refused),
}

/// Why a text was not accepted for sending.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// The connection has ended or is ending.
    #[error("the connection is closed")]
    Closed,
    /// [`TEXTS_WAITING_MAX`] texts wait already.
    #[error("{TEXTS_WAITING_MAX} texts wait to be sent already")]
    Full,
}

impl Connection {
    /// A connection whose handshakes are done; `early` was read behind them.
    pub(super) fn new(wire: Wire, early: Vec<u8>, peer: SocketAddr) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BYTES_MAX)
            .max_frame_size(Some(FRAME_BYTES_MAX))
            .max_message_size(Some(FRAME_BYTES_MAX));
        Self {
            socket: WebSocket::from_partially_read(wire, early, Role::Client, Some(config)),
            place: None,
            undrained: true,
            stuck: false,
            text: Utf8Bytes::default(),
            leaving: false,
            closed: None,
            waiting: VecDeque::new(),
            sent: VecDeque::with_capacity(SENDS_PER_SECOND),
            last_heard: 0,
            peer,
        }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// When anything was last received, pings included, by the clock of the reads; 0 before the first.
    pub fn last_heard(&self) -> u64 {
        self.last_heard
    }

    /// Lets `ear`, and no other any more, say when there is something to read. Costs a system call.
    pub fn listen(&mut self, ear: &Ear) -> io::Result<()> {
        if let Some(place) = self.place.take() {
            place.leave(self.socket.get_mut().tcp());
        }
        self.place = Some(ear.place(self.socket.get_mut().tcp())?);
        // the ear hears what is in the socket, not what was read with the handshake
        self.undrained = true;
        Ok(())
    }

    /// Registers with a poll of the caller's own instead of an [`Ear`]. It is edge-triggered: read until [`Event::Idle`].
    pub fn register(&mut self, registry: &mio::Registry, token: mio::Token) -> io::Result<()> {
        let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
        self.socket
            .get_mut()
            .tcp()
            .register(registry, token, interest)
    }

    /// Ends [`Connection::register`].
    pub fn deregister(&mut self, registry: &mio::Registry) -> io::Result<()> {
        self.socket.get_mut().tcp().deregister(registry)
    }

    /// Whether a read may find something. Always, if nobody listens for it.
    #[inline]
    pub fn is_ready(&mut self) -> bool {
        let Some(place) = self.place.as_mut() else {
            return true;
        };
        if place.heard() {
            self.undrained = true;
        }
        self.undrained
    }

    /// The next event. After [`Event::Idle`] the connection is ready again when something has arrived.
    /// After [`Event::Closed`] every read gives that again.
    pub fn read(&mut self, now_ns: u64) -> Event<'_> {
        if self.closed.is_some() {
            return self.end();
        }
        if self.stuck {
            self.flush();
        }
        // lets the library use the memory again
        self.text = Utf8Bytes::default();
        match self.socket.read() {
            Ok(Message::Text(text)) => {
                self.last_heard = now_ns;
                self.text = text;
                Event::Text(self.text.as_bytes())
            }
            Ok(Message::Ping(_)) => {
                self.last_heard = now_ns;
                // the library has prepared the answer
                self.count_send(now_ns);
                self.flush();
                Event::Control
            }
            Ok(Message::Pong(_) | Message::Frame(_)) => {
                self.last_heard = now_ns;
                Event::Control
            }
            Ok(Message::Binary(_)) => {
                self.last_heard = now_ns;
                Event::Refused(Refused::Binary)
            }
            Ok(Message::Close(frame)) => {
                self.last_heard = now_ns;
                // our answer; the venue may have gone already
                self.flush();
                let closed = if self.leaving {
                    Closed::Us
                } else {
                    Closed::from_frame(frame)
                };
                self.end_with(closed)
            }
            Err(error) => self.judge(error, now_ns),
        }
    }

    fn judge(&mut self, error: tungstenite::Error, now_ns: u64) -> Event<'_> {
        use tungstenite::Error;
        let refused = match error {
            Error::Io(error) => {
                return match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.undrained = false;
                        Event::Idle
                    }
                    io::ErrorKind::Interrupted => Event::Control,
                    kind => self.end_with(Closed::Io(kind, error.to_string())),
                };
            }
            Error::ConnectionClosed | Error::AlreadyClosed => {
                return self.end_with(Closed::Us);
            }
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                let closed = if self.leaving {
                    Closed::Us
                } else {
                    Closed::Eof
                };
                return self.end_with(closed);
            }
            Error::Protocol(ProtocolError::NonZeroReservedBits) => Refused::Compressed,
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Refused::TooLarge,
            Error::Utf8(_) => Refused::NotUtf8,
            error => {
                self.bid_goodbye(CloseCode::Protocol, "protocol error");
                let what = match error {
                    Error::Protocol(error) => error.to_string(),
                    error => error.to_string(),
                };
                return self.end_with(Closed::Protocol(what));
            }
        };
        self.last_heard = now_ns;
        let code = match refused {
            Refused::TooLarge => CloseCode::Size,
            Refused::NotUtf8 => CloseCode::Invalid,
            Refused::Compressed | Refused::Binary => CloseCode::Protocol,
        };
        self.bid_goodbye(code, refused.name());
        self.closed = Some(Closed::Refused(refused));
        self.undrained = true;
        Event::Refused(refused)
    }

    fn end_with(&mut self, closed: Closed) -> Event<'_> {
        self.closed = Some(closed);
        self.end()
    }

    /// Says why it is over, and leaves the ear.
    fn end(&mut self) -> Event<'_> {
        if let Some(place) = self.place.take() {
            place.leave(self.socket.get_mut().tcp());
        }
        self.waiting.clear();
        Event::Closed(self.closed.get_or_insert(Closed::Eof))
    }

    /// Sends `text` as soon as the limit of the venue allows: at once, or with a later [`Connection::turn`].
    pub fn send_text(&mut self, text: &str, now_ns: u64) -> Result<(), SendError> {
        if self.closed.is_some() || !self.socket.can_write() {
            return Err(SendError::Closed);
        }
        if self.waiting.len() == TEXTS_WAITING_MAX {
            return Err(SendError::Full);
        }
        self.waiting.push_back(text.to_owned());
        self.turn(now_ns);
        Ok(())
    }

    /// Texts that have not been let out yet.
    pub fn texts_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Lets out what waits to be sent and may be.
    pub fn turn(&mut self, now_ns: u64) {
        if self.stuck {
            self.flush();
        }
        while !self.stuck
            && self.closed.is_none()
            && self.socket.can_write()
            && self.may_send(now_ns)
            && let Some(text) = self.waiting.pop_front()
        {
            self.count_send(now_ns);
            match self.socket.write(Message::text(text)) {
                Ok(()) => self.flush(),
                Err(error) => self.write_failed(error),
            }
        }
    }

    /// Says goodbye. Reads go on until [`Event::Closed`]; dropping the connection is enough when nobody cares.
    pub fn close(&mut self) {
        if self.closed.is_none() {
            self.waiting.clear();
            self.leaving = true;
            self.bid_goodbye(CloseCode::Normal, "");
            self.undrained = true;
        }
    }

    fn bid_goodbye(&mut self, code: CloseCode, reason: &'static str) {
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        };
        if let Err(error) = self.socket.close(Some(frame)) {
            self.write_failed(error);
        }
    }

    fn flush(&mut self) {
        self.stuck = false;
        if let Err(error) = self.socket.flush() {
            self.write_failed(error);
        }
    }

    /// What did not go out waits in the library; a broken socket is reported by the next read.
    fn write_failed(&mut self, error: tungstenite::Error) {
        match error {
            tungstenite::Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.stuck = true;
            }
            tungstenite::Error::WriteBufferFull(_) => self.stuck = true,
            _ => {}
        }
    }

    /// Whether fewer texts than allowed were sent within the last second.
    fn may_send(&self, now_ns: u64) -> bool {
        self.sent
            .iter()
            .filter(|&&sent| now_ns.saturating_sub(sent) < SECOND_NS)
            .count()
            < TEXTS_PER_SECOND
    }

    fn count_send(&mut self, now_ns: u64) {
        if self.sent.len() == SENDS_PER_SECOND {
            self.sent.pop_front();
        }
        self.sent.push_back(now_ns);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl Refused {
    /// What it is counted as.
    pub fn cause(self) -> Cause {
        match self {
            Self::Binary => Cause::Binary,
            Self::TooLarge => Cause::TooLarge,
            Self::Compressed => Cause::Compressed,
            Self::NotUtf8 => Cause::NotUtf8,
        }
    }

    /// The name of its cause.
    pub fn name(self) -> &'static str {
        self.cause().name()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary => f.write_str("a binary message, where market data is text"),
            Self::TooLarge => write!(f, "a message longer than {FRAME_BYTES_MAX} bytes"),
            Self::Compressed => {
                f.write_str("a compressed message, and compression was not agreed on")
            }
            Self::NotUtf8 => f.write_str("a text message that is not UTF-8"),
        }
    }
}

impl Closed {
    fn from_frame(frame: Option<CloseFrame>) -> Self {
        match frame {
            Some(frame) => Self::Venue {
                code: frame.code.into(),
                reason: frame.reason.as_str().to_owned(),
            },
            None => Self::Venue {
                code: CloseCode::Status.into(),
                reason: String::new(),
            },
        }
    }

    /// What it is counted as; `None` if we wanted it so.
    pub fn cause(&self) -> Option<Cause> {
        Some(match self {
            Self::Venue { .. } => Cause::ClosedByVenue,
            Self::Us => return None,
            Self::Eof => Cause::Eof,
            Self::Io(..) => Cause::Io,
            Self::Protocol(_) => Cause::Protocol,
            Self::Refused(refused) => refused.cause(),
        })
    }

    /// The name of its cause.
    pub fn name(&self) -> &'static str {
        self.cause().map_or("closed_by_us", Cause::name)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Venue { code, reason } if reason.is_empty() => {
                write!(f, "the venue closed the connection with code {code}")
            }
            Self::Venue { code, reason } => {
                write!(
                    f,
                    "the venue closed the connection with code {code}: {reason}"
                )
            }
            Self::Us => f.write_str("closed as asked"),
            Self::Eof => f.write_str("the venue hung up without closing"),
            Self::Io(_, text) => f.write_str(text),
            Self::Protocol(text) => write!(f, "the venue broke the WebSocket protocol: {text}"),
            Self::Refused(refused) => {
                write!(f, "the venue sent {refused}")
            }
        }
    }
}
