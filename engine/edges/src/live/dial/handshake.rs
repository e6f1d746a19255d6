//! The WebSocket handshake (RFC 6455, section 4), with an answer that is no upgrade told in full.
//!
//! The library's own handshake forgets how a page begins that comes instead; its key and its check are used here.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;

use super::steps::{Target, stopped};
use super::{DialError, HttpAnswer, Step};

/// Longest head of an answer.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most header lines of an answer.
const HEADERS_MAX: usize = 100;
/// How much of a page is told.
const FIRST_BYTES: usize = 200;

/// Asks for the upgrade; what was read behind the answer comes back.
pub(super) fn upgrade(
    stream: &mut (impl Read + Write),
    target: &Target,
) -> Result<Vec<u8>, DialError> {
    let key = generate_key();
    stream
        .write_all(request(target, &key).as_bytes())
        .and_then(|()| stream.flush())
        .map_err(|error| stopped(Step::Upgrade, &error))?;
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = Head::parse(&bytes)? {
            if head.status == 101 {
                head.check(&key)?;
                return Ok(bytes.split_off(head.bytes));
            }
            let mut body = bytes.split_off(head.bytes);
            read_some(stream, &mut body, head.length);
            return Err(DialError::HttpStatus(head.into_answer(&body)));
        }
        if bytes.len() >= HEAD_BYTES_MAX {
            return Err(DialError::NotWebSocket(format!(
                "no end of headers within {HEAD_BYTES_MAX} bytes"
            )));
        }
        if !read_more(stream, &mut bytes).map_err(|error| stopped(Step::Upgrade, &error))? {
            let what = format!("hung up after {:?}", text(&bytes));
            return Err(DialError::NotWebSocket(what));
        }
    }
}

fn request(target: &Target, key: &str) -> String {
    let Target {
        host, port, path, ..
    } = target;
    let usual = if target.tls { 443 } else { 80 };
    let authority = if *port == usual {
        host.clone()
    } else {
        format!("{host}:{port}")
    };
    format!(
        "GET {path} HTTP/1.1\r\n\
         Host: {authority}\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\n\
         User-Agent: pitlane/{}\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// Reads once; whether there was anything.
fn read_more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut buffer = [0; 2048];
    loop {
        match stream.read(&mut buffer) {
            Ok(read) => {
                bytes.extend_from_slice(&buffer[..read]);
                return Ok(read > 0);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The beginning of a body, as far as it comes. Whatever goes wrong, the status is what matters.
fn read_some(stream: &mut impl Read, body: &mut Vec<u8>, length: Option<usize>) {
    let wanted = length.map_or(FIRST_BYTES, |length| length.min(FIRST_BYTES));
    // the end of a body in chunks; a body that says nothing about its length ends with the connection
    while body.len() < wanted
        && !body.ends_with(b"\r\n0\r\n\r\n")
        && matches!(read_more(stream, body), Ok(true))
    {}
}

/// The head of an answer.
struct Head {
    status: u16,
    /// How long it is.
    bytes: usize,
    /// How long the body is, if that was said.
    length: Option<usize>,
    upgrade: bool,
    accept: Option<String>,
    extensions: Option<String>,
    retry_after: Option<Duration>,
    location: Option<String>,
}

impl Head {
    /// `None` while there is no whole head.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, DialError> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(bytes).map_err(|error| {
            DialError::NotWebSocket(format!(
                "{error} in an answer that begins {:?}",
                text(bytes)
            ))
        })?;
        let httparse::Status::Complete(length) = parsed else {
            return Ok(None);
        };
        let header = |name: &str| {
            let mut all = response.headers.iter();
            all.find(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
        };
        Ok(Some(Self {
            status: response.code.unwrap_or(0),
            bytes: length,
            length: header("content-length").and_then(|text| text.parse().ok()),
            upgrade: header("upgrade").is_some_and(|text| text.eq_ignore_ascii_case("websocket")),
            accept: header("sec-websocket-accept"),
            extensions: header("sec-websocket-extensions"),
            retry_after: header("retry-after")
                .and_then(|text| text.parse().ok())
                .map(Duration::from_secs),
            location: header("location"),
        }))
    }

    /// Whether an upgrade was answered as it must be.
    fn check(&self, key: &str) -> Result<(), DialError> {
        let wrong = |what: &str| Err(DialError::NotWebSocket(what.to_owned()));
        if !self.upgrade {
            return wrong("the upgrade is not to websocket");
        }
        if self.accept.as_deref() != Some(derive_accept_key(key.as_bytes()).as_str()) {
            return wrong("Sec-WebSocket-Accept does not answer our key");
        }
        match &self.extensions {
            Some(extensions) if !extensions.is_empty() => wrong(&format!(
                "the extension {extensions:?} was switched on without being asked for"
            )),
            _ => Ok(()),
        }
    }

    fn into_answer(self, body: &[u8]) -> HttpAnswer {
        HttpAnswer {
            status: self.status,
            retry_after: self.retry_after,
            location: self.location,
            first_bytes: text(body),
        }
    }
}

/// The beginning, readable.
fn text(bytes: &[u8]) -> String {
    let first = &bytes[..bytes.len().min(FIRST_BYTES)];
    String::from_utf8_lossy(first).trim().to_owned()
}
