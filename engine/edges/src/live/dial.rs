//! Opens connections on threads of its own: name look-up, TCP, TLS, WebSocket handshake.

mod handshake;
mod steps;

use std::fmt;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::cause::Cause;
use super::socket::Connection;
use super::tls::{Tls, TlsFault};
use pitlane_lockfree::wake::Waker;

/// Most dials under way at once; others wait. Slow ones shall not hold up the rest.
pub const DIALS_MAX: usize = 16;
/// Most requests that wait.
pub const REQUESTS_MAX: usize = 256;
/// How often the thread looks whether a dial is done while others wait for its place.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Opens connections in the background. Dropping it lets the dials under way end by themselves.
#[derive(Debug)]
pub struct Dialer {
    requests: SyncSender<DialRequest>,
    replies: Receiver<DialReply>,
}

/// A connection to be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DialRequest {
    /// Given back with the reply.
    pub token: u64,
    /// Where to: `ws://` or `wss://`, a host, and the path with its query as the venue wants it.
    pub url: String,
    /// Time for the TCP connection, all addresses of the name together.
    pub connect: Duration,
    /// Time for everything.
    pub whole: Duration,
}

/// How it went.
#[derive(Debug)]
pub struct DialReply {
    /// Of the request.
    pub token: u64,
    /// The open connection, or why there is none.
    pub result: Result<Connection, DialError>,
    /// How long it took, from the start of the look-up.
    pub elapsed: Duration,
}

/// Why no connection was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DialError {
    /// The URL cannot be dialled.
    Url(String),
    /// The name has no address, or nobody could be asked.
    Dns(String),
    /// Nobody listens there.
    Refused(SocketAddr),
    /// It took too long; the step it was at.
    Timeout(Step),
    /// TLS did not come about.
    Tls(TlsFault, String),
    /// An HTTP answer that is no upgrade: an error, a redirection, a page.
    HttpStatus(HttpAnswer),
    /// What answers does not speak WebSocket, or not as it should.
    NotWebSocket(String),
    /// The system reported an error.
    Io(Step, String),
    /// Too many dials wait already.
    Busy,
}

/// The steps of a dial.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// Name look-up.
    LookUp,
    /// TCP.
    Connect,
    /// TLS handshake.
    Tls,
    /// WebSocket handshake.
    Upgrade,
}

/// The head of an HTTP answer that is no upgrade.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// What the venue asks to wait, with 429 and 418.
    pub retry_after: Option<Duration>,
    /// Where a redirection points. It is not followed: a venue's address is configuration.
    pub location: Option<String>,
    /// How the body begins.
    pub first_bytes: String,
}

impl Dialer {
    /// Starts the thread. `waker` wakes the thread that polls for replies, if it parks.
    pub fn start(tls: Tls, waker: Option<Waker>) -> std::io::Result<Self> {
        let (requests, inbox) = sync_channel(REQUESTS_MAX);
        let (outbox, replies) = channel();
        let office = Office {
            tls,
            waker,
            outbox,
            in_flight: Vec::new(),
        };
        thread::Builder::new()
            .name("dialer".to_owned())
            .spawn(move || office.run(&inbox))?;
        Ok(Self { requests, replies })
    }

    /// Asks for a connection. Never waits; a reply follows in any case.
    pub fn dial(&self, request: DialRequest) -> Result<(), DialError> {
        self.requests
            .try_send(request)
            .map_err(|error| match error {
                TrySendError::Full(_) => DialError::Busy,
                TrySendError::Disconnected(_) => {
                    DialError::Io(Step::LookUp, "the dialling thread has ended".to_owned())
                }
            })
    }

    /// The next reply, if there is one. Never waits.
    pub fn poll(&self) -> Option<DialReply> {
        self.replies.try_recv().ok()
    }
}

/// The thread that takes requests and starts a thread for each.
struct Office {
    tls: Tls,
    waker: Option<Waker>,
    outbox: Sender<DialReply>,
    in_flight: Vec<thread::JoinHandle<()>>,
}

impl Office {
    fn run(mut self, inbox: &Receiver<DialRequest>) {
        while let Ok(request) = inbox.recv() {
            self.take(request);
        }
    }

    fn take(&mut self, request: DialRequest) {
        loop {
            self.in_flight.retain(|dial| !dial.is_finished());
            if self.in_flight.len() < DIALS_MAX {
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        let token = request.token;
        let (tls, waker, outbox) = (self.tls.clone(), self.waker.clone(), self.outbox.clone());
        let dial = move || {
            let begun = Instant::now();
            let result = steps::dial(&request, &tls, begun);
            let reply = DialReply {
                token: request.token,
                result,
                elapsed: begun.elapsed(),
            };
            tell(&outbox, waker.as_ref(), reply);
        };
        match thread::Builder::new().name("dial".to_owned()).spawn(dial) {
            Ok(dial) => self.in_flight.push(dial),
            Err(error) => {
                let reply = DialReply {
                    token,
                    result: Err(DialError::Io(
                        Step::LookUp,
                        format!("no thread for it: {error}"),
                    )),
                    elapsed: Duration::ZERO,
                };
                tell(&self.outbox, self.waker.as_ref(), reply);
            }
        }
    }
}

fn tell(outbox: &Sender<DialReply>, waker: Option<&Waker>, reply: DialReply) {
    // Nobody listens any more when the dialer was dropped.
    if outbox.send(reply).is_ok()
        && let Some(waker) = waker
    {
        waker.wake();
    }
}

impl DialError {
    /// What it is counted as.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Url(_) => Cause::Url,
            Self::Dns(_) => Cause::Dns,
            Self::Refused(_) => Cause::NoListener,
            Self::Timeout(_) => Cause::Timeout,
            Self::Tls(fault, _) => fault.cause(),
            Self::HttpStatus(_) => Cause::HttpStatus,
            Self::NotWebSocket(_) => Cause::NotWebSocket,
            Self::Io(..) => Cause::Io,
            Self::Busy => Cause::Busy,
        }
    }

    /// The name of its cause.
    pub fn name(&self) -> &'static str {
        self.cause().name()
    }

    /// What the venue asks to wait, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::HttpStatus(answer) => answer.retry_after,
            _ => None,
        }
    }
}

impl std::error::Error for DialError {}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(what) => write!(f, "the address cannot be used: {what}"),
            Self::Dns(what) => write!(f, "name look-up: {what}"),
            Self::Refused(address) => write!(f, "{address} refuses connections"),
            Self::Timeout(step) => write!(f, "no answer in time, {step}"),
            Self::Tls(fault, what) => write!(f, "TLS: {what}{}", fault.advice()),
            Self::HttpStatus(answer) => answer.fmt(f),
            Self::NotWebSocket(what) => write!(f, "no WebSocket: {what}"),
            Self::Io(step, what) => write!(f, "{what}, {step}"),
            Self::Busy => write!(f, "{REQUESTS_MAX} dials wait already"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LookUp => "looking up the name",
            Self::Connect => "connecting",
            Self::Tls => "in the TLS handshake",
            Self::Upgrade => "in the WebSocket handshake",
        })
    }
}

impl fmt::Display for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "answered with HTTP {} instead of an upgrade",
            self.status
        )?;
        if let Some(wait) = self.retry_after {
            write!(f, ", to be asked again after {} s", wait.as_secs())?;
        }
        if let Some(location) = &self.location {
            write!(f, ", points to {location:?}")?;
        }
        if !self.first_bytes.is_empty() {
            write!(f, ", and says {:?}", self.first_bytes)?;
        }
        Ok(())
    }
}
