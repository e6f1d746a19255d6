//! Requests to a venue's REST interface, made one after the other on a thread of their own.
//!
//! When to ask, and what to do about an answer, is decided elsewhere; here an answer is fetched whole, in time and within
//! bounds, or refused with a reason.

mod body;
mod secure;

use pitlane_lockfree::wake::Waker;
use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::{HeaderMap, Uri};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, TcpConnector};

use super::cause::Cause;
use super::tls::{Tls, TlsFault, inside};
use body::Body;
use secure::Secure;

/// Most requests that wait. A venue's limits let far fewer out in a minute that are not answered.
pub const REQUESTS_MAX: usize = 1024;
/// Time for the TCP connection and the TLS handshake.
pub const CONNECT: Duration = Duration::from_secs(5);
/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Longest description of all instruments; a real one has some 20 MB.
const EXCHANGE_INFO_BYTES_MAX: usize = 64 << 20;
/// Longest other answer: as long as the longest frame.
const BODY_BYTES_MAX: usize = crate::source::FRAME_BYTES_MAX;

/// Fetches in the background. Dropping it lets the request under way end by itself.
#[derive(Debug)]
pub struct Rest {
    requests: SyncSender<RestRequest>,
    replies: Receiver<RestReply>,
}

/// Something to be fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestRequest {
    /// Given back with the reply.
    pub token: u64,
    /// What to get: `http://` or `https://`, with path and query.
    pub url: String,
    /// What it is; bounds the answer.
    pub kind: RestKind,
    /// Time for everything, from the moment it is this request's turn.
    pub whole: Duration,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RestKind {
    /// The description of all instruments: up to 64 MiB.
    ExchangeInfo,
    /// An order book: up to 4 MiB, like the rest.
    Snapshot,
    /// A page of trades.
    Trades,
    /// A page of bars.
    Klines,
}

/// What came of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestReply {
    /// Of the request.
    pub token: u64,
    /// Of the request.
    pub kind: RestKind,
    /// The HTTP status; 0 if it did not come to that.
    pub status: u16,
    /// The JSON text, untouched. Where the status is an error: how the answer begins. Otherwise empty.
    pub body: Vec<u8>,
    /// Header `X-MBX-USED-WEIGHT-1M`: the weight used in this minute, as the venue counts it.
    pub used_weight: Option<u32>,
    /// Header `Retry-After`.
    pub retry_after: Option<Duration>,
    /// From the request's turn until the last byte.
    pub elapsed: Duration,
    /// Why there is no answer to use.
    pub error: Option<RestError>,
}

/// Why an answer is missing or not used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RestError {
    /// The URL cannot be asked.
    Url(String),
    /// The name has no address.
    Dns(String),
    /// Nobody listens there.
    Refused,
    /// It took too long; what it waited for.
    Timeout(&'static str),
    /// TLS did not come about.
    Tls(TlsFault, String),
    /// The status is no success (2xx); how the body begins.
    Status(u16, String),
    /// The body is no JSON; how it begins.
    NotJson(String),
    /// The body is longer than this many bytes, after decompression.
    TooLarge(usize),
    /// The body ends too early.
    Truncated(String),
    /// The answer breaks HTTP, or its compression is damaged.
    Http(String),
    /// The system reported an error.
    Io(String),
    /// Too many requests wait already.
    Busy,
}

impl Rest {
    /// Starts the thread. `waker` wakes the thread that polls for replies, if it parks.
    pub fn start(tls: Tls, waker: Option<Waker>) -> io::Result<Self> {
        let (requests, inbox) = sync_channel(REQUESTS_MAX);
        let (outbox, replies) = channel();
        thread::Builder::new()
            .name("rest".to_owned())
            .spawn(move || run(tls, &inbox, &outbox, waker.as_ref()))?;
        Ok(Self { requests, replies })
    }

    /// Asks. Never waits; unless this fails a reply follows in any case.
    pub fn send(&self, request: RestRequest) -> Result<(), RestError> {
        self.requests
            .try_send(request)
            .map_err(|error| match error {
                TrySendError::Full(_) => RestError::Busy,
                TrySendError::Disconnected(_) => {
                    RestError::Io("the thread for requests has ended".to_owned())
                }
            })
    }

    /// The next reply, if there is one. Never waits.
    pub fn poll(&self) -> Option<RestReply> {
        self.replies.try_recv().ok()
    }
}

fn run(tls: Tls, inbox: &Receiver<RestRequest>, outbox: &Sender<RestReply>, waker: Option<&Waker>) {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // a venue's address is configuration: what points elsewhere is an answer like any other
        .max_redirects(0)
        .proxy(None)
        .max_response_header_size(HEAD_BYTES_MAX)
        .max_idle_connections_per_host(1)
        .timeout_connect(Some(CONNECT))
        .user_agent(concat!("pitlane/", env!("CARGO_PKG_VERSION")))
        .accept("application/json")
        .build();
    let connector = TcpConnector::default().chain(Secure::new(tls));
    let agent = Agent::with_parts(config, connector, DefaultResolver::default());
    while let Ok(request) = inbox.recv() {
        if outbox.send(fetch(&agent, &request)).is_err() {
            return;
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn fetch(agent: &Agent, request: &RestRequest) -> RestReply {
    let begun = Instant::now();
    let mut reply = RestReply {
        token: request.token,
        kind: request.kind,
        status: 0,
        body: Vec::new(),
        used_weight: None,
        retry_after: None,
        elapsed: Duration::ZERO,
        error: None,
    };
    if let Err(error) = fill(&mut reply, agent, request) {
        reply.error = Some(error);
    }
    reply.elapsed = begun.elapsed();
    reply
}

fn fill(reply: &mut RestReply, agent: &Agent, request: &RestRequest) -> Result<(), RestError> {
    check_url(&request.url)?;
    let asked = agent
        .get(&request.url)
        .config()
        .timeout_global(Some(request.whole))
        .build();
    let mut answer = asked.call().map_err(RestError::of)?;
    reply.status = answer.status().as_u16();
    reply.used_weight = number(answer.headers(), "x-mbx-used-weight-1m")
        .or_else(|| number(answer.headers(), "x-mbx-used-weight"));
    reply.retry_after = number(answer.headers(), "retry-after")
        .map(|seconds| Duration::from_secs(u64::from(seconds)));
    let good = answer.status().is_success();
    let mut reader = answer.body_mut().as_reader();
    if good {
        reply.body = Body::read(&mut reader, request.kind.bytes_max())?;
        return Ok(());
    }
    reply.body = Body::beginning(&mut reader);
    Err(RestError::Status(reply.status, body::text(&reply.body)))
}

/// The library would answer most of these with a riddle.
fn check_url(url: &str) -> Result<(), RestError> {
    let wrong = |what: &str| Err(RestError::Url(format!("{url:?} {what}")));
    match url.parse::<Uri>() {
        Err(error) => wrong(&error.to_string()),
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
            wrong("begins with neither http:// nor https://")
        }
        Ok(uri) if uri.host().is_none_or(str::is_empty) => wrong("has no host"),
        Ok(_) => Ok(()),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

impl RestKind {
    /// The longest answer, in bytes.
    pub fn bytes_max(self) -> usize {
        match self {
            Self::ExchangeInfo => EXCHANGE_INFO_BYTES_MAX,
            Self::Snapshot | Self::Trades | Self::Klines => BODY_BYTES_MAX,
        }
    }

    /// A stable name for counters.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExchangeInfo => "exchange_info",
            Self::Snapshot => "snapshot",
            Self::Trades => "trades",
            Self::Klines => "klines",
        }
    }
}

impl RestError {
    /// What it is counted as.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Url(_) => Cause::Url,
            Self::Dns(_) => Cause::Dns,
            Self::Refused => Cause::NoListener,
            Self::Timeout(_) => Cause::Timeout,
            Self::Tls(fault, _) => fault.cause(),
            Self::Status(..) => Cause::HttpStatus,
            Self::NotJson(_) => Cause::NotJson,
            Self::TooLarge(_) => Cause::TooLarge,
            Self::Truncated(_) => Cause::Truncated,
            Self::Http(_) => Cause::Http,
            Self::Io(_) => Cause::Io,
            Self::Busy => Cause::Busy,
        }
    }

    /// The name of its cause.
    pub fn name(&self) -> &'static str {
        self.cause().name()
    }

    /// Sorts an error of the library.
    fn of(error: ureq::Error) -> Self {
        use ureq::{Error, Timeout};
        match error {
            Error::HostNotFound => Self::Dns("the name has no address".to_owned()),
            Error::BadUri(what) => Self::Url(what),
            Error::Timeout(at) => Self::Timeout(match at {
                Timeout::Resolve => "looking up the name",
                Timeout::Connect => "connecting",
                _ => "waiting for the answer",
            }),
            Error::Tls(what) => Self::Tls(TlsFault::Other, what.to_owned()),
            Error::Io(error) => match inside(&error) {
                Some(fault) => Self::Tls(TlsFault::of(fault), fault.to_string()),
                None => Self::of_io(&error),
            },
            Error::ConnectionFailed => Self::Io("no connection".to_owned()),
            error => Self::Http(error.to_string()),
        }
    }

    fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                Self::Timeout("waiting for the answer")
            }
            io::ErrorKind::UnexpectedEof => Self::Truncated(error.to_string()),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                Self::Http(error.to_string())
            }
            _ => Self::Io(error.to_string()),
        }
    }
}

impl std::error::Error for RestError {}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(what) => write!(f, "the address cannot be used: {what}"),
            Self::Dns(what) => write!(f, "name look-up: {what}"),
            Self::Refused => f.write_str("nobody listens there"),
            Self::Timeout(what) => write!(f, "no answer in time, {what}"),
            Self::Tls(fault, what) => write!(f, "TLS: {what}{}", fault.advice()),
            Self::Status(status, first) => {
                write!(f, "answered with HTTP {status}, and says {first:?}")
            }
            Self::NotJson(first) => write!(f, "no JSON: begins {first:?}"),
            Self::TooLarge(bytes) => write!(f, "longer than {bytes} bytes"),
            Self::Truncated(what) => write!(f, "the answer is cut off: {what}"),
            Self::Http(what) | Self::Io(what) => f.write_str(what),
            Self::Busy => write!(f, "{REQUESTS_MAX} requests wait already"),
        }
    }
}
