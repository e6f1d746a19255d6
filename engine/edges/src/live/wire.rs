//! The bytes under a WebSocket: a non-blocking TCP stream, plain or under TLS.

use mio::net::TcpStream;
use rustls::ClientConnection;
use std::io::{self, Read, Write};

/// A connected stream that never waits: what cannot be done now is `WouldBlock`.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<Session>),
}

/// A TLS session whose handshake is done, over its stream.
///
/// The library's own adapter reads nothing while a write is stuck, and says that it wrote nothing where it should
/// say that it would block; so reading and writing are put together here.
#[derive(Debug)]
pub(super) struct Session {
    pub tls: ClientConnection,
    pub tcp: TcpStream,
}

impl Wire {
    /// For registration, and only for that.
    pub fn tcp(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(session) => &mut session.tcp,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(session) => session.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(buffer),
            Self::Tls(session) => session.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(session) => session.push(),
        }
    }
}

impl Session {
    /// Hands everything that is encrypted to the socket.
    fn push(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.tcp)?;
        }
        Ok(())
    }

    /// The same, but a full socket is no error: the rest follows with the next call.
    fn push_some(&mut self) -> io::Result<()> {
        match self.push() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // What is decrypted comes first: the socket may be empty and this not.
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            let read = self.tls.read_tls(&mut self.tcp)?;
            if let Err(error) = self.tls.process_new_packets() {
                // the peer is told why; it has no say any more
                let _ = self.push();
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            // key updates and session tickets may want an answer
            self.push_some()?;
            if read == 0 {
                // the end, said properly or not; the WebSocket above knows whether it was expected
                return match self.tls.reader().read(buffer) {
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::UnexpectedEof | io::ErrorKind::WouldBlock
                        ) =>
                    {
                        Ok(0)
                    }
                    done => done,
                };
            }
        }
    }

    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.push_some()?;
        let taken = self.tls.writer().write(buffer)?;
        if taken == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.push_some()?;
        Ok(taken)
    }
}
