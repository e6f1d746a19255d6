//! What no venue should send, byte by byte. Everything here ends when the client hangs up, and is bounded if it never does.

use crate::faults::{Bad, Harm};
use crate::http::{self, Reply};
use std::io::{self, Write};

/// Most bytes of what goes on and on.
const ENDLESS_MAX: u64 = 16 << 30;
/// A piece of what goes on and on.
const PIECE: usize = 64 << 10;

/// A page for people.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Service notice</title></head>\
                    <body><h1>We will be back soon</h1></body></html>\n";

/// Answers a request, or a handshake, as the fault says.
pub(crate) fn answer(wire: &mut impl Write, reply: &Reply, bad: Bad) -> io::Result<()> {
    match bad {
        Bad::Html => {
            let length = PAGE.len();
            write!(
                wire,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{PAGE}"
            )?;
            wire.flush()
        }
        Bad::Endless => {
            wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")?;
            on_and_on(wire, b"[1],", ENDLESS_MAX)?;
            Err(over())
        }
        Bad::EndlessHead => {
            wire.write_all(b"HTTP/1.1 200 OK\r\n")?;
            on_and_on(wire, b"X-More: and more of it\r\n", ENDLESS_MAX)?;
            Err(over())
        }
        Bad::Body(harm) => {
            let mut reply = reply.clone();
            if let Some(data) = harm.data(&reply.body) {
                reply.body = data;
            }
            let promised = reply.body.len() as u64;
            harm.whole(&mut reply.body);
            if let Harm::Truncate(_) = harm {
                wire.write_all(&http::front(&reply, true, promised))?;
                wire.write_all(&reply.body)?;
                wire.flush()?;
                return Err(over());
            }
            if harm == Harm::Compressed {
                reply.headers.push(("Content-Encoding", "gzip".to_owned()));
            }
            let blanks = if let Harm::Huge(blanks) = harm {
                blanks
            } else {
                0
            };
            wire.write_all(&http::front(&reply, true, reply.body.len() as u64 + blanks))?;
            wire.write_all(&reply.body)?;
            on_and_on(wire, b" ", blanks)?;
            wire.flush()
        }
    }
}

/// A text frame of these bytes and so many blanks behind them.
pub(crate) fn huge_frame(wire: &mut impl Write, bytes: &[u8], blanks: u64) -> io::Result<()> {
    // FIN and text; a length of 64 bits (RFC 6455, section 5.2).
    wire.write_all(&[0x81, 127])?;
    wire.write_all(&(bytes.len() as u64 + blanks).to_be_bytes())?;
    wire.write_all(bytes)?;
    on_and_on(wire, b" ", blanks)?;
    wire.flush()
}

/// The front of a text frame of these bytes.
pub(crate) fn torn_frame(wire: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    wire.write_all(&[0x81, 127])?;
    wire.write_all(&(bytes.len() as u64).to_be_bytes())?;
    wire.write_all(&bytes[..bytes.len() / 2])?;
    wire.flush()
}

/// Writes `what` over and over, so many bytes in all.
fn on_and_on(wire: &mut impl Write, what: &[u8], mut bytes: u64) -> io::Result<()> {
    let piece = what.repeat(PIECE / what.len());
    while bytes > 0 {
        let part = usize::try_from(bytes).map_or(piece.len(), |left| left.min(piece.len()));
        wire.write_all(&piece[..part])?;
        bytes -= part as u64;
    }
    Ok(())
}

/// What had no end of its own cannot be followed by another answer.
fn over() -> io::Error {
    io::Error::other("an answer without an end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_keep_their_length_and_say_what_they_are() {
        let reply = Reply::json(200, r#"{"a":"1"}"#);
        let text = |bad| {
            let mut wire = Vec::new();
            answer(&mut wire, &reply, bad).unwrap();
            String::from_utf8_lossy(&wire).into_owned()
        };
        let page = text(Bad::Html);
        assert!(page.contains("text/html") && page.ends_with("</html>\n"));
        let malformed = text(Bad::Body(Harm::Malformed));
        assert!(malformed.contains("Content-Length: 9\r\n") && malformed.ends_with(r#"{"a":"1"]"#));
        assert!(text(Bad::Body(Harm::WrongTypes)).ends_with(r#"{"a":1}"#));
        let compressed = text(Bad::Body(Harm::Compressed));
        assert!(compressed.contains("Content-Encoding: gzip\r\n"));
        let mut wire = Vec::new();
        answer(&mut wire, &reply, Bad::Body(Harm::Truncate(0))).unwrap_err();
        let truncated = String::from_utf8(wire).unwrap();
        assert!(truncated.contains("Content-Length: 9\r\n") && truncated.ends_with(r#"{"a""#));
        let huge = text(Bad::Body(Harm::Huge(100_000)));
        assert!(huge.contains("Content-Length: 100009\r\n"));
        assert!(huge.ends_with(&" ".repeat(100_000)) && huge.contains(r#"{"a":"1"} "#));
    }

    /// Takes so many bytes and hangs up.
    struct Full(u64);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let left = self.0.checked_sub(bytes.len() as u64);
            self.0 = left.ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_endless_ends_with_the_client() {
        let reply = Reply::json(200, "{}");
        for bad in [Bad::Endless, Bad::EndlessHead] {
            let error = answer(&mut Full(10 << 20), &reply, bad).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{bad:?}");
        }
    }

    #[test]
    fn a_torn_frame_announces_what_does_not_follow() {
        let mut wire = Vec::new();
        torn_frame(&mut wire, b"abcd").unwrap();
        assert_eq!(wire, [0x81, 127, 0, 0, 0, 0, 0, 0, 0, 4, b'a', b'b']);
    }

    #[test]
    fn a_huge_frame_announces_what_follows() {
        let mut wire = Vec::new();
        huge_frame(&mut wire, b"{}", 70_000).unwrap();
        assert_eq!(wire.len(), 10 + 2 + 70_000);
        assert_eq!(
            &wire[..12],
            [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x72, b'{', b'}']
        );
    }
}
