//! The other side: a listener whose one connection follows a script, byte by byte.

use crate::live::{Connection, DialReply, DialRequest, Dialer, Event, Tls};
use pitlane_lockfree::wake::Parker;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tungstenite::handshake::derive_accept_key;

/// Far beyond what anything here takes: a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;

pub trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A server that plays a script to each of its connections in turn. Its panics are the test's.
pub struct Server {
    pub port: u16,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Plays `script` to `connections` connections, one after the other.
    pub fn start(
        tls: Option<Arc<ServerConfig>>,
        connections: usize,
        script: impl Fn(Box<dyn Stream>, usize) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = thread::spawn(move || {
            for number in 0..connections {
                let tcp = listener.accept().unwrap().0;
                tcp.set_nodelay(true).unwrap();
                tcp.set_read_timeout(Some(PATIENCE)).unwrap();
                tcp.set_write_timeout(Some(PATIENCE)).unwrap();
                match &tls {
                    None => script(Box::new(tcp), number),
                    Some(config) => script(Box::new(secured(config, tcp)), number),
                }
            }
        });
        Self {
            port,
            thread: Some(thread),
        }
    }

    /// A WebSocket server: the script begins behind the handshake.
    pub fn websocket(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(Box<dyn Stream>) + Send + 'static,
    ) -> Self {
        Self::start(tls, 1, move |mut stream, _| {
            accept(&mut stream);
            script(stream);
        })
    }

    /// Waits for the end of the script.
    pub fn join(mut self) {
        let ended = self.thread.take().unwrap().join();
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic);
        }
    }
}

fn secured(config: &Arc<ServerConfig>, tcp: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let session = ServerConnection::new(Arc::clone(config)).unwrap();
    StreamOwned::new(session, tcp)
}

/// Reads the head of a request.
pub fn head(stream: &mut dyn Stream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        // a client that refuses our certificate never asks
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Answers the handshake as a venue does; the head of the request comes back.
pub fn accept(stream: &mut dyn Stream) -> String {
    let head = head(stream);
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .expect("a key");
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes()).unwrap();
    stream.flush().unwrap();
    head
}

/// A frame as a server sends it: not masked.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

pub fn send(stream: &mut dyn Stream, first: u8, payload: &[u8]) {
    stream.write_all(&frame(first, payload)).unwrap();
    stream.flush().unwrap();
}

/// A frame of the client, unmasked: first byte and payload. `None` when it has hung up.
pub fn receive(stream: &mut dyn Stream) -> Option<(u8, Vec<u8>)> {
    let mut start = [0; 2];
    stream.read_exact(&mut start).ok()?;
    assert!(start[1] & 0x80 != 0, "a client masks its frames");
    let mut length = u64::from(start[1] & 0x7f);
    if length == 126 {
        let mut more = [0; 2];
        stream.read_exact(&mut more).unwrap();
        length = u64::from(u16::from_be_bytes(more));
    } else if length == 127 {
        let mut more = [0; 8];
        stream.read_exact(&mut more).unwrap();
        length = u64::from_be_bytes(more);
    }
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).unwrap();
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).unwrap();
    for (at, byte) in payload.iter_mut().enumerate() {
        *byte ^= mask[at % 4];
    }
    Some((start[0], payload))
}

/// Reads until the client has hung up.
pub fn until_gone(stream: &mut dyn Stream) {
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest), Ok(read) if read > 0) {}
}

/// What an authority signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The PEM file of its certificate.
    pub file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authority.pem");
        std::fs::write(&file, pem).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            file,
            _folder: folder,
        }
    }

    /// A server's side with a certificate for `name`, valid until the year given.
    pub fn server(&self, name: &str, until: i32) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = rustls::crypto::ring::default_provider();
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }

    /// A client's side that trusts it.
    pub fn client(&self) -> Tls {
        Tls::new(Some(&self.file)).unwrap()
    }
}

/// One dial, waited for.
pub fn dial(tls: &Tls, url: String, whole: Duration) -> DialReply {
    let dialer = Dialer::start(tls.clone(), None).unwrap();
    dialer
        .dial(DialRequest {
            token: 7,
            url,
            connect: whole,
            whole,
        })
        .unwrap();
    let reply = wait_for(|| dialer.poll());
    assert_eq!(reply.token, 7);
    reply
}

/// A plain connection to `server`.
pub fn plain(server: &Server) -> Connection {
    let url = format!("ws://127.0.0.1:{}/ws", server.port);
    dial(&Tls::new(None).unwrap(), url, PATIENCE)
        .result
        .unwrap()
}

/// Looks again until there is something.
pub fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited too long");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The same for a thread that parks: it must be woken when there is something.
pub fn park_for<T>(parker: &mut Parker, mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = look() {
            return found;
        }
        let begun = Instant::now();
        let mut found = None;
        let _ = parker.park(PATIENCE, || {
            found = look();
            found.is_some()
        });
        if let Some(found) = found {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "nobody woke the reader");
    }
}

/// The next event that is not idle, as text.
pub fn next(connection: &mut Connection) -> String {
    wait_for(|| match connection.read(1) {
        Event::Idle => None,
        Event::Text(bytes) if bytes.len() > 100 => Some(format!("{} bytes", bytes.len())),
        Event::Text(bytes) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
        Event::Control => Some("control".to_owned()),
        Event::Refused(refused) => Some(format!("refused: {}", refused.name())),
        Event::Closed(closed) => Some(format!("{}: {closed}", closed.name())),
    })
}
