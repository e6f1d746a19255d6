//! Frames off a WebSocket over the loopback, from another thread that sends as fast as it can.

use crate::OwnedFrame;
use crate::rounds::{Role, Row, Sample, timed};
use pitlane_edges::live::{Connection, DialRequest, Dialer, Event, Tls};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{JoinHandle, spawn, yield_now};
use std::time::Duration;
use tungstenite::Message;

/// Frames as a venue puts them on the wire, many in one piece.
pub struct Wire {
    bytes: Vec<u8>,
    frames: usize,
}

impl Wire {
    /// All `frames`, `times` over, as text messages of a server.
    pub fn of(frames: &[OwnedFrame], times: usize) -> Self {
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.push(0x81);
            match u16::try_from(frame.bytes.len()) {
                Ok(length @ 0..=125) => bytes.extend(&length.to_be_bytes()[1..]),
                Ok(length) => {
                    bytes.push(126);
                    bytes.extend(length.to_be_bytes());
                }
                Err(_) => {
                    bytes.push(127);
                    bytes.extend((frame.bytes.len() as u64).to_be_bytes());
                }
            }
            bytes.extend(&frame.bytes);
        }
        Self {
            bytes: bytes.repeat(times),
            frames: frames.len() * times,
        }
    }

    /// A server that shakes hands if asked to, waits for the word and sends everything; and its port.
    fn serve(&self, greet: bool) -> (u16, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let bytes = self.bytes.clone();
        let server = spawn(move || {
            let mut stream = listener.accept().expect("a reader").0;
            if greet {
                stream = tungstenite::accept(stream)
                    .expect("a handshake")
                    .into_inner();
            }
            // whatever it is
            let _ = stream.read(&mut [0; 64]).expect("a word");
            stream.write_all(&bytes).expect("a reader that reads");
            // until the reader has gone
            let _ = stream.read(&mut [0; 64]);
        });
        (port, server)
    }
}

/// A connection, read while it has something.
pub fn ours(wire: &Wire) -> Sample {
    let (port, server) = wire.serve(true);
    let mut connection = dial(port);
    connection.send_text("go", 0).expect("an open connection");
    let sample = timed(wire.frames, || {
        let mut frames = 0;
        while frames < wire.frames {
            match connection.read(1) {
                Event::Text(bytes) => {
                    std::hint::black_box(bytes);
                    frames += 1;
                }
                Event::Idle => yield_now(),
                event => panic!("{event:?}"),
            }
        }
    });
    drop(connection);
    server.join().expect("a server that ends");
    sample
}

fn dial(port: u16) -> Connection {
    let time = Duration::from_secs(10);
    let tls = Tls::new(None).expect("the roots of the web");
    let dialer = Dialer::start(tls, None).expect("a thread");
    let request = DialRequest {
        token: 0,
        url: format!("ws://127.0.0.1:{port}/"),
        connect: time,
        whole: time,
    };
    dialer.dial(request).expect("room for one");
    loop {
        match dialer.poll() {
            Some(reply) => return reply.result.expect("a connection"),
            None => yield_now(),
        }
    }
}

/// The library under ours with its own defaults, on a socket that waits.
pub fn waiting(wire: &Wire) -> Sample {
    let (port, server) = wire.serve(true);
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a server");
    let url = format!("ws://127.0.0.1:{port}/");
    let mut socket = tungstenite::client(url, stream).expect("a handshake").0;
    socket
        .send(Message::text("go"))
        .expect("an open connection");
    let sample = timed(wire.frames, || {
        for _ in 0..wire.frames {
            let message = socket.read().expect("a frame");
            assert!(std::hint::black_box(message).is_text());
        }
    });
    drop(socket);
    server.join().expect("a server that ends");
    sample
}

/// The bytes alone, nobody asks what they are.
pub fn bytes(wire: &Wire) -> Sample {
    let (port, server) = wire.serve(false);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a server");
    stream.write_all(b"go").expect("an open connection");
    let mut buffer = vec![0; 64 * 1024];
    let sample = timed(wire.frames, || {
        let mut left = wire.bytes.len();
        while left > 0 {
            let read = stream.read(&mut buffer).expect("bytes");
            assert!(read > 0, "an early end");
            left -= read;
        }
    });
    drop(stream);
    server.join().expect("a server that ends");
    sample
}

/// The row.
pub fn row(wire: &Wire) -> Row<'_> {
    Row::new("socket", "frames off a WebSocket", "ns per frame")
        .with(Role::Ours, "Connection::read", || ours(wire))
        .with(Role::Limit, "the bytes alone", || bytes(wire))
        .with(Role::Rival, "tungstenite, waiting", || waiting(wire))
        .note("another thread sends as fast as it can; both share what the machine has")
}
