//! The steps of one dial, in order, each within its time.

use mio::net::TcpStream as MioStream;
use rustls::{ClientConnection, Stream};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use tungstenite::http::Uri;

use super::handshake::upgrade;
use super::{DialError, DialRequest, Step};
use crate::live::socket::Connection;
use crate::live::tls::{Tls, TlsFault, inside};
use crate::live::wire::{Session, Wire};

/// Most look-ups that may hang in the system's resolver, given up on or not.
const LOOK_UPS_MAX: usize = 64;
static LOOK_UPS: AtomicUsize = AtomicUsize::new(0);

/// Where to, taken apart.
pub(super) struct Target {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// Path and query.
    pub path: String,
}

/// All steps.
pub(super) fn dial(
    request: &DialRequest,
    tls: &Tls,
    begun: Instant,
) -> Result<Connection, DialError> {
    let until = begun + request.whole;
    let target = Target::parse(&request.url)?;
    let addresses = look_up(&target.host, target.port, until)?;
    let connect_until = until.min(Instant::now() + request.connect);
    let (tcp, peer) = connect(&addresses, connect_until)?;
    tcp.set_nodelay(true)
        .map_err(|error| DialError::Io(Step::Connect, error.to_string()))?;
    let mut timed = Timed { tcp, until };
    let (early, session) = if target.tls {
        let mut session = secure(tls, &target.host, &mut timed)?;
        let early = upgrade(&mut Stream::new(&mut session, &mut timed), &target)?;
        (early, Some(session))
    } else {
        (upgrade(&mut timed, &target)?, None)
    };
    let tcp = timed
        .into_mio()
        .map_err(|error| DialError::Io(Step::Upgrade, error.to_string()))?;
    let wire = match session {
        Some(tls) => Wire::Tls(Box::new(Session { tls, tcp })),
        None => Wire::Plain(tcp),
    };
    Ok(Connection::new(wire, early, peer))
}

impl Target {
    fn parse(url: &str) -> Result<Self, DialError> {
        let wrong = |what: &str| DialError::Url(format!("{url:?} {what}"));
        let uri: Uri = url.parse().map_err(|error| wrong(&format!("{error}")))?;
        let tls = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(wrong("begins with neither ws:// nor wss://")),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("has no host"))?.to_owned();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            tls,
            host,
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: path.to_owned(),
        })
    }
}

/// All addresses of a name. The system's resolver knows no time limit, so it is asked on a thread that can be left behind.
fn look_up(host: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>, DialError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if LOOK_UPS.fetch_add(1, Ordering::Relaxed) >= LOOK_UPS_MAX {
        LOOK_UPS.fetch_sub(1, Ordering::Relaxed);
        return Err(DialError::Dns(format!(
            "{LOOK_UPS_MAX} look-ups hang already"
        )));
    }
    let (found, wait) = channel();
    let name = bare.to_owned();
    let ask = move || {
        let addresses = (name.as_str(), port).to_socket_addrs();
        LOOK_UPS.fetch_sub(1, Ordering::Relaxed);
        // nobody waits for it any more when it took too long
        let _ = found.send(addresses.map(Iterator::collect::<Vec<_>>));
    };
    if let Err(error) = thread::Builder::new().name("look-up".to_owned()).spawn(ask) {
        LOOK_UPS.fetch_sub(1, Ordering::Relaxed);
        return Err(DialError::Dns(format!("no thread for it: {error}")));
    }
    match wait.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(Ok(addresses)) if addresses.is_empty() => {
            Err(DialError::Dns(format!("{bare} has no address")))
        }
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(DialError::Dns(format!("{bare}: {error}"))),
        Err(RecvTimeoutError::Timeout) => Err(DialError::Timeout(Step::LookUp)),
        Err(RecvTimeoutError::Disconnected) => {
            Err(DialError::Dns(format!("{bare}: the look-up died")))
        }
    }
}

/// The first address that answers. Each gets its share of the time left, so that a silent one leaves some to the next.
fn connect(addresses: &[SocketAddr], until: Instant) -> Result<(TcpStream, SocketAddr), DialError> {
    let mut last = DialError::Timeout(Step::Connect);
    for (tried, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let others = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = left / others;
        if share.is_zero() {
            return Err(DialError::Timeout(Step::Connect));
        }
        last = match TcpStream::connect_timeout(address, share) {
            Ok(tcp) => return Ok((tcp, *address)),
            Err(error) => match error.kind() {
                ErrorKind::ConnectionRefused => DialError::Refused(*address),
                ErrorKind::TimedOut | ErrorKind::WouldBlock => DialError::Timeout(Step::Connect),
                _ => DialError::Io(Step::Connect, format!("{address}: {error}")),
            },
        };
    }
    Err(last)
}

/// The TLS handshake; the certificate must be valid, trusted and for `host`.
fn secure(tls: &Tls, host: &str, timed: &mut Timed) -> Result<ClientConnection, DialError> {
    let mut session = tls
        .client(host)
        .map_err(|error| DialError::Tls(TlsFault::of(&error), error.to_string()))?;
    while session.is_handshaking() {
        session
            .complete_io(timed)
            .map_err(|error| match inside(&error) {
                Some(fault) => DialError::Tls(TlsFault::of(fault), fault.to_string()),
                None => stopped(Step::Tls, &error),
            })?;
    }
    Ok(session)
}

/// An error of the stream, as an error of the dial.
pub(super) fn stopped(step: Step, error: &io::Error) -> DialError {
    match error.kind() {
        ErrorKind::TimedOut => DialError::Timeout(step),
        ErrorKind::UnexpectedEof => DialError::Io(step, "the other side hung up".to_owned()),
        _ => DialError::Io(step, error.to_string()),
    }
}

/// A blocking stream whose every wait ends at one moment, however slowly bytes trickle in.
struct Timed {
    tcp: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(Some(left))
    }

    /// From now on non-blocking.
    fn into_mio(self) -> io::Result<MioStream> {
        self.tcp.set_read_timeout(None)?;
        self.tcp.set_write_timeout(None)?;
        self.tcp.set_nonblocking(true)?;
        Ok(MioStream::from_std(self.tcp))
    }
}

fn in_time(error: io::Error) -> io::Error {
    match error.kind() {
        // that is how a socket says that its time is over
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(self.left()?)?;
        self.tcp.read(buffer).map_err(in_time)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(self.left()?)?;
        self.tcp.write(buffer).map_err(in_time)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
