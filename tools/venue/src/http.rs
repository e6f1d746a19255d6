//! HTTP as far as the surface needs it: requests in, answers out, one after the other on a connection.

use crate::faults::Bad;
use crate::misbehave;
use percent_encoding::percent_decode_str;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest head of a request.
const HEAD_MAX: usize = 32 << 10;
/// Longest body of a request.
const BODY_MAX: usize = 256 << 10;
/// Most headers of a request.
const HEADERS_MAX: usize = 96;

/// What a connection speaks over: the socket itself, or something that encrypts above it.
pub(crate) trait Wire: Read + Write + Send {
    /// The socket underneath.
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for Box<dyn Wire> {
    fn tcp(&self) -> &TcpStream {
        (**self).tcp()
    }
}

/// A request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Parameters of the address, then those of a form in the body, decoded.
    pub(crate) parameters: Vec<(String, String)>,
    /// The body as it came.
    pub(crate) body: Vec<u8>,
    /// The key of a WebSocket handshake.
    pub(crate) upgrade: Option<String>,
    pub(crate) keep_alive: bool,
}

impl Request {
    /// A parameter; where it is given twice, the address wins.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parameters
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Waited for before it is sent.
    pub(crate) delay: Option<Duration>,
    /// How it is none.
    pub(crate) bad: Option<Bad>,
    /// Once it is sent, the venue restarts with this pause.
    pub(crate) restart: Option<Duration>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            delay: None,
            bad: None,
            restart: None,
        }
    }

    /// An error as the venue writes it.
    pub(crate) fn error(status: u16, code: i32, message: &str) -> Self {
        let body = serde_json::json!({ "code": code, "msg": message });
        Self::json(status, body.to_string())
    }

    pub(crate) fn with(mut self, name: &'static str, value: u64) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// Reads the next request; what came behind it stays in `buffer`. `None` at the end of the connection.
pub(crate) fn read(wire: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let (mut request, head, body) = loop {
        if let Some(found) = head(buffer)? {
            break found;
        }
        if buffer.len() > HEAD_MAX {
            return Err(bad("the head of a request is too long"));
        }
        if !more(wire, buffer)? {
            return Ok(None);
        }
    };
    if body > BODY_MAX {
        return Err(bad("the body of a request is too long"));
    }
    while buffer.len() < head + body {
        if !more(wire, buffer)? {
            return Ok(None);
        }
    }
    request.body = buffer[head..head + body].to_vec();
    buffer.drain(..head + body);
    if let Ok(form) = std::str::from_utf8(&request.body) {
        let pairs = parameters(form);
        request.parameters.extend(pairs);
    }
    Ok(Some(request))
}

fn more(wire: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 4096];
    let count = wire.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..count]);
    Ok(count > 0)
}

fn bad(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The head at the front of the buffer, if it is whole, with its length and that of its body.
fn head(buffer: &[u8]) -> io::Result<Option<(Request, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(buffer).map_err(bad)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let header = |name: &str| {
        parsed
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
    };
    let says = |name: &str, word: &str| {
        header(name).is_some_and(|value| {
            value
                .split(',')
                .any(|part| part.trim().eq_ignore_ascii_case(word))
        })
    };
    let body = match header("content-length") {
        Some(text) => text.parse().map_err(bad)?,
        None => 0,
    };
    let target = parsed.path.unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_upgrade = says("upgrade", "websocket") && says("connection", "upgrade");
    let keep_alive = match parsed.version {
        Some(0) => says("connection", "keep-alive"),
        _ => !says("connection", "close"),
    };
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: decoded(path),
        parameters: parameters(query),
        body: Vec::new(),
        upgrade: header("sec-websocket-key").filter(|_| is_upgrade),
        keep_alive,
    };
    Ok(Some((request, length, body)))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `a=1&b=%5B2%5D` as pairs.
pub(crate) fn parameters(text: &str) -> Vec<(String, String)> {
    let value = |text: &str| decoded(&text.replace('+', " "));
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, of) = pair.split_once('=').unwrap_or((pair, ""));
            (value(key), value(of))
        })
        .collect()
}

/// Sends an answer.
pub(crate) fn write(wire: &mut impl Write, reply: &Reply, keep_alive: bool) -> io::Result<()> {
    if let Some(delay) = reply.delay {
        std::thread::sleep(delay);
    }
    if let Some(bad) = reply.bad {
        return misbehave::answer(wire, reply, bad);
    }
    let mut bytes = front(reply, keep_alive, reply.body.len() as u64);
    bytes.extend_from_slice(&reply.body);
    wire.write_all(&bytes)?;
    wire.flush()
}

/// What stands before a body of so many bytes.
pub(crate) fn front(reply: &Reply, keep_alive: bool, length: u64) -> Vec<u8> {
    let (status, phrase) = (reply.status, phrase(reply.status));
    let mut text = format!(
        "HTTP/1.1 {status} {phrase}\r\n\
         Content-Type: application/json;charset=UTF-8\r\nContent-Length: {length}\r\n"
    );
    for (name, value) in &reply.headers {
        text.extend([*name, ": ", value, "\r\n"]);
    }
    if !keep_alive {
        text.push_str("Connection: close\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_follow_each_other_on_a_connection() {
        let text = "GET /api/v3/depth?symbol=BTCUSDT&symbols=%5B%22A%22%5D HTTP/1.1\r\nHost: x\r\n\r\n\
                    POST /venue/faults HTTP/1.1\r\nContent-Length: 8\r\nConnection: close\r\n\r\nadd=drop\
                    GET /stream HTTP/1.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
                    Sec-WebSocket-Key: abc\r\n\r\nrest";
        let mut wire = text.as_bytes();
        let mut buffer = Vec::new();
        let mut next = || read(&mut wire, &mut buffer).unwrap();
        let first = next().unwrap();
        assert_eq!((&*first.method, &*first.path), ("GET", "/api/v3/depth"));
        assert_eq!(first.get("symbols"), Some(r#"["A"]"#));
        assert!(first.keep_alive && first.upgrade.is_none());
        let second = next().unwrap();
        assert_eq!(second.get("add"), Some("drop"));
        assert!(!second.keep_alive);
        let third = next().unwrap();
        assert_eq!(third.upgrade.as_deref(), Some("abc"));
        assert_eq!(buffer, b"rest");
        let mut none: &[u8] = b"";
        assert!(read(&mut none, &mut Vec::new()).unwrap().is_none());
        let mut bad: &[u8] = b"nonsense\r\n\r\n";
        assert!(read(&mut bad, &mut Vec::new()).is_err());
    }
}
